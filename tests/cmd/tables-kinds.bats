#!/usr/bin/env bats
# tables-kinds.bats - dates, headers and numbers as further tables write them; a shop's totals through the first stages of forecast.

load helper

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# What a table becomes: the first rows of frames csv, without their header.
rows() { # N FILE [OPTION...]
    local n=$1
    shift
    ingest -q "$@" | frames csv | tail -n +2 | head -n "$n" | tr '\n' ' '
}

said() { # TEXT FILE [OPTION...]
    local text=$1
    shift
    ingest "$@" 2>said.txt >out.weft || { cat said.txt; return 1; }
    grep -qF -- "$text" said.txt || { cat said.txt; return 1; }
}

refused() { # TEXT FILE [OPTION...]
    local text=$1
    shift
    run bash -c 'ingest "$@" 2>&1 >out.weft' - "$@"
    [ "$status" -eq 65 ] || { echo "status $status: $output"; return 1; }
    [ "${#lines[@]}" -eq 1 ] || { echo "$output"; return 1; }
    [[ $output == *"$text"* ]] || { echo "$output"; return 1; }
}

# A table of one product, a row for each word: its dates.
dated() { # HEADER DATE...
    local i=0 name=$1
    shift
    echo "$name,sku,qty"
    for d in "$@"; do echo "$d,k,$((i += 1))"; done
}

@test "hours: without a mark, by a blank, in Korean; ten digits are hours where the column is called a date" {
    dated date 20240301{00..09} >t.csv
    said '; step hour' t.csv
    [ "$(rows 2 t.csv)" = "k,k,2024-03-01T00:00:00,1 k,k,2024-03-01T01:00:00,2 " ]
    for form in '20240301 %s' '2024-03-01 %s' '2024년 3월 1일 %s시' '2024/03/01 %sh'; do
        dated 일시 $(for h in {00..09}; do printf "${form// /_}\n" $h; done) | tr _ ' ' >t.csv
        [ "$(rows 2 t.csv)" = "k,k,2024-03-01T00:00:00,1 k,k,2024-03-01T01:00:00,2 " ]
    done
    # the same digits number something else
    printf 'code,date,qty\n2024030101,2024-03-01,1\n2024030102,2024-03-01,2\n2024030101,2024-03-02,3\n2024030102,2024-03-02,3\n' >t.csv
    [ "$(rows 1 --id code t.csv)" = "2024030101,2024-03-01,1 " ]
    dated stamp 20240301{00..05} >t.csv
    refused "\"stamp\" may hold days with their hour; weft ingest --date stamp t.csv" t.csv
    [ "$(rows 1 --date stamp t.csv)" = "k,k,2024-03-01T00:00:00,1 " ]
}

@test "R's years with decimals are months and quarters; years alone and seconds since 1970 are named" {
    awk 'BEGIN { print "\"\",\"time\",\"value\""; for (i = 0; i < 30; i++) printf "\"%d\",%.12g,%d\n", i + 1, 1990 + i / 12, i }' >t.csv
    said 'date "time", years with months as decimals' t.csv
    said 'step month' t.csv
    [ "$(rows 3 t.csv)" = "value,1990-01-01,0 value,1990-02-01,1 value,1990-03-01,2 " ]
    frames inspect t.csv | grep -q 'ingest --date-format decimal-year t.csv'
    awk 'BEGIN { print "time,value"; for (i = 0; i < 30; i++) printf "%.2f,%d\n", 1990 + i / 4, i }' >t.csv
    [ "$(rows 2 t.csv)" = "value,1990-01-01,0 value,1990-04-01,1 " ]
    dated year 2019 2020 2021 >t.csv
    refused '"year" holds years alone, as "2019"' t.csv
    dated timestamp 17044128{00..09} >t.csv
    refused '"timestamp" holds seconds since 1970 ("1704412800")' t.csv
    dated date 1704412800 1704499200 1704585600 >t.csv
    [ "$(rows 2 --date-format unix --timezone Asia/Seoul t.csv)" = "k,k,2024-01-05,1 k,k,2024-01-06,2 " ]
}

@test "years of two digits: the order in which the days lie together, and else refused" {
    for mark in . - /; do
        dated 날짜 24${mark}02${mark}{26..29} >t.csv
        said 'the year first' t.csv
        [ "$(rows 2 t.csv)" = "k,k,2024-02-26,1 k,k,2024-02-27,2 " ]
    done
    dated date {20..28}.02.24 >t.csv
    said 'the day first' t.csv
    [ "$(rows 1 t.csv)" = "k,k,2024-02-20,1 " ]
    dated date 02/{20..28}/24 >t.csv
    said 'the month first' t.csv
    dated 날짜 24.{01..12}.01 >t.csv
    refused 'is the year, the month or the day first, and no row shows which' t.csv
    [ "$(rows 2 --date-format %y.%m.%d t.csv)" = "k,k,2024-01-01,1 k,k,2024-02-01,2 " ]
    dated 일자 2402{26..29} >t.csv
    [ "$(rows 1 t.csv)" = "k,k,2024-02-26,1 " ]
}

@test "months, quarters and weeks in many spellings, in rows and in headers" {
    local first last n=0
    while read -r want first last; do
        n=$((n + 1))
        printf 'period,sku,qty\n%s,k,1\n%s,k,2\n' "${first//_/ }" "${last//_/ }" >t.csv
        [ "$(rows 2 t.csv)" = "k,k,${want%%/*},1 k,k,${want##*/},2 " ] || { cat t.csv; rows 2 t.csv; ingest t.csv >out.weft; return 1; }
        [[ $first =~ ^[0-9]{6}$ ]] && continue
        printf 'sku,%s,%s\nk,1,2\n' "${first//_/ }" "${last//_/ }" >t.csv
        [ "$(rows 2 t.csv)" = "k,k,${want%%/*},1 k,k,${want##*/},2 " ] || { cat t.csv; rows 2 t.csv; return 1; }
    done <<'T'
2024-11-01/2024-12-01 202411 202412
2024-11-01/2024-12-01 2024-11 2024-12
2024-09-01/2024-10-01 2024-9 2024-10
2024-11-01/2024-12-01 11/2024 12/2024
2024-11-01/2024-12-01 24년_11월 24년_12월
2024-11-01/2024-12-01 2024년11월 2024년12월
2024-11-01/2024-12-01 Nov-24 Dec-24
2024-11-01/2024-12-01 November_2024 December_2024
2024-07-01/2024-10-01 Q3_2024 Q4_2024
2024-07-01/2024-10-01 3Q24 4Q24
2024-07-01/2024-10-01 2024년_3분기 2024년_4분기
2024-07-01/2024-10-01 2024Q3 2024Q4
2024-01-29/2024-02-05 2024-W05 2024-W06
2024-01-29/2024-02-05 2024년_5주 2024년_6주
2024-01-29/2024-02-05 2024년_05주차 2024년_06주차
2024-01-29/2024-02-05 W05_2024 W06_2024
T
    [ "$n" -eq 16 ]
    # a column called week has weeks, though each would be a month
    for first in 202405 2024-05; do
        printf 'week,sku,qty\n%s,k,1\n%s,k,2\n' "$first" "${first%5}6" >t.csv
        said 'year and week (of ISO 8601)' t.csv
        [ "$(rows 2 t.csv)" = "k,k,2024-01-29,1 k,k,2024-02-05,2 " ]
    done
    printf 'sku,202411,202412,202501\nk,1,2,3\n' >t.csv
    said 'a column a month' t.csv
    [ "$(rows 3 t.csv)" = "k,k,2024-11-01,1 k,k,2024-12-01,2 k,k,2025-01-01,3 " ]
}

@test "columns that are days in words, with a weekday or with the month first; parts of dates are named" {
    local name
    for name in '5-Mar-24,6-Mar-24' '2024년 3월 5일,2024년 3월 6일' '2024-03-05(화),2024-03-06(수)' '2024. 3. 5.,2024. 3. 6.' '"Mar 5, 2024","Mar 6, 2024"'; do
        printf 'sku,%s\nk,1,2\n' "$name" >t.csv
        [ "$(rows 2 t.csv)" = "k,k,2024-03-05,1 k,k,2024-03-06,2 " ] || { cat t.csv; rows 2 t.csv; return 1; }
    done
    printf 'sku,03/12/2024,03/13/2024\nk,1,2\n' >t.csv
    said 'a column a day, 2 of them, the month first' t.csv
    [ "$(rows 2 t.csv)" = "k,k,2024-03-12,1 k,k,2024-03-13,2 " ]
    printf 'sku,03/04/2024,03/05/2024\nk,1,2\n' >t.csv
    refused 'are the day first or the month first, and none shows which; weft ingest --date-format %m/%d/%Y t.csv' t.csv
    [ "$(rows 2 --date-format %m/%d/%Y t.csv)" = "k,k,2024-03-04,1 k,k,2024-03-05,2 " ]
    [ "$(rows 1 --date-format %d/%m/%Y t.csv)" = "k,k,2024-04-01,1 " ] # months
    for name in 1월,2월 3/5,3/6 '3월 5일,3월 6일' Jan,Feb 'Week 1,Week 2' 5일,6일 1주차,2주차; do
        printf 'sku,%s\nk,1,2\n' "$name" >t.csv
        refused 'are dates without a year; write it into the header' t.csv
    done
    printf 'sku,45356,45357,45358\nk,1,2,3\n' >t.csv
    refused "are Excel's numbers of days; weft ingest --date-format excel --layout wide t.csv" t.csv
    [ "$(rows 1 --date-format excel --layout wide t.csv)" = "k,k,2024-03-05,1 " ]
}

@test "orders without a number of pieces: each row is one on request, and money is refused with both commands" {
    printf '주문번호,주문일시,상품코드,결제금액,주문상태\n1,2024-03-01 10:00,A,900,결제완료\n2,2024-03-01 11:00,A,900,결제완료\n3,2024-03-02 09:00,B,500,주문취소\n4,2024-03-02 09:00,A,900,결제완료\n' >o.csv
    refused '"결제금액" is money; each row is one unit: weft ingest --count-rows o.csv, or weft ingest --value 결제금액 o.csv' o.csv
    said 'each row one unit' --count-rows o.csv
    said 'left out as no sales: 주문상태=주문취소 (1 row, 1)' --count-rows o.csv
    [ "$(rows 9 --count-rows o.csv)" = "A,2024-03-01,2 A,2024-03-02,1 " ]
    [ "$(rows 1 --value 결제금액 o.csv)" = "A,2024-03-01,1800 " ]
    printf 'order_id,order_date,sku\n1,2024-03-01,A\n2,2024-03-01,A\n' >o.csv
    refused 'no column says how many were sold; each row is one unit: weft ingest --count-rows o.csv' o.csv
    [ "$(rows 1 --count-rows o.csv)" = "A,2024-03-01,2 " ]
    run ingest --count-rows --value sku o.csv
    [ "$status" -eq 64 ]
}

@test "what is no number is named with its cell; running totals and returns are not summed without a word" {
    printf 'date,sku,units\n2024-03-01,A,12 %%\n2024-03-02,A,15 %%\n' >t.csv
    refused 't.csv:2:3: "units" says how many were sold, and "12 %" is no number; a share' t.csv
    printf 'date,sku,units\n2024-03-01,A,1\n2024-03-02,A,many\n' >t.csv
    refused 't.csv:3:3: "units" says how many were sold, and "many" is no number' t.csv
    printf 'date,sku,누적 판매량\n2024-03-01,A,1\n2024-03-02,A,2\n' >t.csv
    refused 'adds up what was sold until then' t.csv
    printf 'date,sku,type,qty\n2024-03-01,A,sale,5\n2024-03-01,A,return,1\n2024-03-02,A,sale,6\n2024-03-02,A,return,1\n' >t.csv
    refused 'ingest --id sku --drop type=return t.csv leaves them out' t.csv
    [ "$(rows 2 --id sku --drop type=return t.csv)" = "A,2024-03-01,5 A,2024-03-02,6 " ]
    printf '{"date":"2024-03-01","sku":"A"}\n' >t.csv
    refused 't.csv is JSON, not CSV' t.csv
}

@test "headers that come again, a row of units, thousands with blanks, Excel's texts and missing values" {
    printf 'date,sku,qty\n(yyyy-mm-dd),(code),(EA)\n2024-03-01,A,1\ndate,sku,qty\n2024-03-02,A,2\n' >t.csv
    said '1 rows are the header again' t.csv
    said 'the row below the header names units' t.csv
    [ "$(rows 9 t.csv)" = "A,A,2024-03-01,1 A,A,2024-03-02,2 " ]
    printf "date;sku;qty\n2024-03-01;A;1 234\n2024-03-02;A;12\xc2\xa0345,5\n2024-03-03;A;1\xe2\x80\xaf234\n2024-03-04;A;1'234'567\n" >t.csv
    [ "$(rows 9 t.csv)" = "A,A,2024-03-01,1234 A,A,2024-03-02,12345.5 A,A,2024-03-03,1234 A,A,2024-03-04,1234567 " ]
    printf 'date,sku,qty\n2024-03-01,"=""007""",3\n2024-03-02,007,#N/A\n2024-03-03,007,"=""4"""\n' >t.csv
    [ "$(rows 9 --missing nan t.csv)" = "007,007,2024-03-01,3 007,007,2024-03-02, 007,007,2024-03-03,4 " ]
}

@test "totals and averages: in rows and columns of every layout, in other languages, by their sums in a matrix" {
    printf 'date,apple,pear,total\n2024-03-01,3,4,7\n2024-03-02,3,5,8\nAverage,3,4.5,7.5\n' >t.csv
    said '1 rows and 1 columns are totals and left out' t.csv
    [ "$(rows 9 t.csv)" = "apple,2024-03-01,3 apple,2024-03-02,3 pear,2024-03-01,4 pear,2024-03-02,5 " ]
    [ "$(ingest -q --totals keep t.csv --rejects /dev/null | frames count | awk '{ print $2; exit }')" = 3 ]
    printf 'date,apple,pear,alles\n2024-03-01,3,4,7\n2024-03-02,3,5,8\n' >t.csv
    refused '"alles" is the sum of all other series on every day' t.csv
    for name in 평균 Gesamtergebnis 合計 'Sub Total' YTD; do
        printf 'sku,2024-03-01,2024-03-02\nA,1,2\nB,3,4\n%s,4,6\n' "$name" >t.csv
        [ "$(ingest -q t.csv | frames count | awk '{ print $2; exit }')" = 2 ]
    done
}

@test "weeks and months of days: a step that a plan goes on in has no sales, days without a row are named" {
    awk 'BEGIN { print "date,id,units,price"
        for (d = 0; d < 35; d++) printf "%s,a,%s,10\n", strftime("%Y-%m-%d", 1704067200 + d * 86400, 1), d < 24 ? 2 : "" }' >plan.csv
    said 'the week of 2024-01-22 has sales up to 2024-01-24 alone, and rows of later days: its sales are left out' --step week --value units,price --future price plan.csv
    [ "$(rows 9 --step week --value units,price --future price plan.csv)" = "a,2024-01-01,14,10 a,2024-01-08,14,10 a,2024-01-15,14,10 a,2024-01-22,,10 a,2024-01-29,,10 " ]
    grep -v '2024-01-1[01],' plan.csv | head -n 20 >gap.csv
    said '2 days have no row, the first on 2024-01-10: they add nothing to the weeks that they are in' --step week gap.csv
    [ "$(rows 9 --step week gap.csv)" = "a,2024-01-01,14 a,2024-01-08,10 a,2024-01-15,14 " ]
}

@test "holidays: in Korean dates, in their week, and a file that ends before the calendar says so" {
    awk 'BEGIN { print "date,id,units"; for (d = 0; d < 56; d++) printf "%s,a,2\n", strftime("%Y-%m-%d", 1704067200 + d * 86400, 1) }' >t.csv
    printf 'date,name\n2024. 2. 9.,a\n2024년 2월 12일,b\n' >h.csv
    ingest -q --step week t.csv | covariates --holidays h.csv --ahead 8 2>said.txt | frames csv | awk -F, 'NR > 1 && $4 > 0 { print $2 "," $4 }' >got
    printf '2024-02-05,1\n2024-02-12,1\n' | cmp - got
    grep -q 'the last date of h.csv is 2024-02-12, and the calendar goes on to 2024-04-21: no holiday is counted after it' said.txt
    printf 'date,name\n2024-02-09,a\n2024-04-10,b\n' >h.csv
    ingest -q --step week t.csv | covariates --holidays h.csv --ahead 8 2>said.txt >out.weft
    [ ! -s said.txt ]
}

@test "--skip, --drop, --fill-down and .gz do the same in every layout, whatever the threads" {
    printf 'title\nsku,state,2024-03-01,2024-03-02\na,ok,1,2\nb,test,3,4\nc,,5,6\n' >wide.csv
    printf 'title\ndate,sku,state,qty\n2024-03-01,a,ok,1\n,b,test,2\n2024-03-02,b,,4\n2024-03-02,a,ok,3\n' >long.csv
    printf 'title\norder_id,order_date,sku,state,qty\n1,2024-03-01,a,ok,1\n2,2024-03-01,b,test,2\n3,2024-03-02,b,,4\n' >orders.csv
    printf 'title\nproduct_name,state,product_price,gender,image\nx,ok,10,f,a.jpg\ny,test,12,m,b.jpg\nz,,9,f,c.jpg\n' >products.csv
    gzip -k wide.csv long.csv orders.csv products.csv
    for t in wide long orders products; do
        local more=()
        case $t in long) more=(--fill-down date,state) ;; products) more=(--id product_name --category state --fill-down state) ;; *) more=(--fill-down state) ;; esac
        ingest --skip 1 --drop state=test "${more[@]}" $t.csv -o one.weft 2>said.txt
        ingest -q --threads 2 --skip 1 --drop state=test "${more[@]}" $t.csv.gz -o two.weft
        cmp one.weft two.weft
        # the row that is filled with "test" goes with the one above
        grep -q 'left out as no sales: state=test (2 rows' said.txt || { echo "$t"; cat said.txt; return 1; }
    done
    frames show --elements 2 one.weft | grep -c '^{"id":"x"'
    [ "$(frames count one.weft | awk '{ print $2; exit }')" = 1 ]
    [ "$(rows 9 --skip 1 --drop state=test --fill-down state orders.csv)" = "a,2024-03-01,1 a,2024-03-02,0 " ]
    printf 'sku,qty\na,1\n' >x-2024-03-01.csv
    printf 'sku,qty\na,2\n' >x-2024-03-02.csv
    for n in 1 2; do [ "$(rows 9 --threads $n --date-from-name x-2024-03-01.csv x-2024-03-02.csv)" = "a,a,2024-03-01,1 a,a,2024-03-02,2 " ]; done
}

@test "several wide tables are refused with the way out" {
    printf 'id,2024-03-01,2024-03-02\na,1,2\n' >1.csv
    printf 'id,2024-03-03,2024-03-04\na,1,2\n' >2.csv
    run bash -c 'ingest 1.csv 2.csv 2>&1 >out.weft'
    [ "$status" -eq 64 ]
    [[ $output == *'a column a day, one file is read at a time; join them to one table'* ]]
}

# A shop whose truth is known: 60 products of 4 categories over 280 days; a tenth ends, a tenth begins, three are sold out for 30 days.
shop() {
    awk 'BEGIN { print "date,sku,category,units"
        for (d = 0; d < 280; d++) for (p = 0; p < 60; p++) {
            if (p < 6 && d >= 140 + 20 * p || p >= 6 && p < 12 && d < 30 * (p - 5) || p >= 12 && p < 15 && d >= 100 && d < 130) continue
            printf "%s,p%02d,c%d,%d\n", strftime("%Y-%m-%d", 1672531200 + d * 86400, 1), p, p % 4, 5 + p % 7 + (d + p) % 5 + 3 * (d % 7 > 4) } }'
}

@test "a tenth of the products ends, a tenth begins, 5 % are sold out: totals of categories are the truth, through the first stages of forecast" {
    shop >long.csv
    awk -F, 'NR > 1 { s[$3 "," $1] += $4 } END { for (k in s) print k "," s[k] }' long.csv | sort >truth
    awk -F, 'NR > 1 { if (!($1 in seen)) { seen[$1] = 1; day[++n] = $1 } if (!($2 in of)) { of[$2] = $3; id[++m] = $2 } v[$2, $1] = $4 }
        END { printf "sku,category"; for (i = 1; i <= n; i++) printf ",%s", day[i]; print ""
            for (k = 1; k <= m; k++) { printf "%s,%s", id[k], of[id[k]]; for (i = 1; i <= n; i++) printf ",%s", v[id[k], day[i]]; print "" } }' long.csv >wide.csv
    awk -F, 'NR == 1 { print "order_id,status,order_date,sku,category,quantity"; next }
        { print ++n ",paid," $1 " 10:00," $2 "," $3 "," $4 - 1; print ++n ",paid," $1 " 11:00," $2 "," $3 ",1"; if (n % 50 == 0) print ++n ",cancelled," $1 " 12:00," $2 "," $3 ",9" }' long.csv >orders.csv
    for t in long wide orders; do
        rm -rf work && mkdir work
        bash -c 'set -euo pipefail; . "$1/lib.sh"; . "$1/recipe.sh"; recipe_defaults; by=category work=$PWD/work ingest=(); [ "$2" != orders ] || ingest=(--keys category)
            source_of "$2.csv"; recipe_look; recipe_fill; aggregate -q --by "$by" -i work/series.weft -o work/level.weft' - "$BATS_TEST_DIRNAME/../../pipelines" "$t" 2>said.txt
        frames csv work/level.weft | tail -n +2 | awk -F, '{ print $1 "," $3 "," $4 }' | sort >got
        cmp truth got || { echo "$t"; diff truth got | head -n 5; return 1; }
        [ ! -s work/filled ]
        grep -q 'counted as 0 (--missing nan keeps them missing)' said.txt
        grep -q '6 of 60 series begin after 2023-01-01, 6 of 60 end before 2023-10-07' said.txt || { cat said.txt; return 1; }
        grep -q '90 days of a series inside have no row' said.txt
    done
    # the ranking knows the history as it is
    forecast=$BATS_TEST_DIRNAME/../../pipelines/forecast.sh
    bash "$forecast" --by category --plot none -o out long.csv >forecast.txt 2>&1
    want=$(awk -F, '$1 == "c1" { x[++n] = $3 } END { for (i = n - 27; i <= n; i++) s += x[i]; printf "%.4f", s / 28 }' truth)
    awk -F, -v want="$want" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "now") at = i } $3 == "c1" { d = $at - want; found = 1; exit !(d < .001 && d > -.001) } END { exit !found }' out/ranking.csv
}

# report_of TABLE HORIZON [OPTION...]: from a table to ranking.txt and page.html.
report_of() {
    local table=$1 horizon=$2
    shift 2
    ingest -q "$table" -o series.weft
    window -q --lookback 24 --horizon "$horizon" --scale standard --split 0.85,0.15,0 -i series.weft | train-dlinear -q --refit -o model.safetensors
    score -q -m model.safetensors --quantiles 0.05,0.5,0.95 -i series.weft -o forecasts.weft
    rank -q --history series.weft -i forecasts.weft -o ranking.txt
    rank -q --history series.weft --format frames -i forecasts.weft -o ranking.weft
    report "$@" --history series.weft --forecasts forecasts.weft -i ranking.weft -o page.html
}

@test "airline passengers of R and of prophet, weeks that end on Tuesdays, working days: from the table to ranking and report, in words of the step" {
    awk 'BEGIN { print "\"\",\"time\",\"value\""
        for (i = 0; i < 144; i++) printf "\"%d\",%.12g,%d\n", i + 1, 1949 + i / 12, (100 + 3 * i) * (1 + (i % 12 > 4 && i % 12 < 8) * .3) }' >r.csv
    awk -F, 'NR == 1 { print "ds,y"; next } { m = NR - 2; printf "%d-%02d-01,%d\n", 1949 + int(m / 12), m % 12 + 1, $3 }' r.csv >prophet.csv
    report_of r.csv 6
    cp ranking.txt r.txt
    grep -q 'mean of months 6-6 / mean of months 1-1' r.txt
    grep -q 'sales by month' page.html
    grep -q 'Sales a month' page.html
    grep -q 'same months a year before' page.html
    run grep -ciE 'by day|sales a day|same days|364 days|last days' page.html
    [ "$output" = 0 ]
    report_of prophet.csv 6 --lang ko
    grep -q '월 판매량' page.html
    # the same numbers under another name
    diff <(sed 's/value//g; s/ y / /g; s/  */ /g' r.txt) <(sed 's/ y / /g; s/value//g; s/  */ /g' ranking.txt)
    # a row a week, on Tuesdays
    awk 'BEGIN { print "week_end,sku,units"; for (w = 0; w < 120; w++) for (p = 0; p < 3; p++) printf "%s,p%d,%d\n", strftime("%Y-%m-%d", 1609804800 + w * 604800, 1), p, 40 + 10 * p + w % 4 + (w * w * 7919 + p * 104729) % 11 }' | sed '1s/week_end/week/' >w.csv
    said 'step week, Tuesdays' w.csv
    report_of w.csv 8
    grep -q 'sales by week' page.html
    [ "$(frames csv forecasts.weft | sed -n 2p | grep -oE '20[0-9-]{8}' | tail -n 1)" = 2023-04-25 ]
    # nothing on Saturdays and Sundays
    awk 'BEGIN { print "date,sku,units"; for (d = 0; d < 200; d++) { t = 1672617600 + d * 86400; if (strftime("%u", t, 1) < 6) for (p = 0; p < 3; p++) printf "%s,p%d,%d\n", strftime("%Y-%m-%d", t, 1), p, 20 + p + d % 7 + (d * d * 7919 + p * 104729) % 11 } }' >b.csv
    said 'step business-day' b.csv
    report_of b.csv 10
    grep -q 'sales (thin: by working day, thick: mean of 5)' page.html
    grep -q 'Sales a working day' page.html
}
