#!/usr/bin/env bats
# tables-decide.bats - what a table is taken for: layouts, columns, header lines, dates, steps; and that frames inspect prints a command that does what ingest alone
# does. Made-up rows under the headers of shops, marketplaces and contests.

load helper

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# refused TEXT COMMAND...: ends with 65 and one line that has the text.
refused() {
    local want=$1
    shift
    run bash -o pipefail -c "$* >out.weft"
    [ "$status" -eq 65 ] && [ "${#lines[@]}" -eq 1 ] && [[ "$output" == *"$want"* ]] || { echo "status $status: $output"; return 1; }
}

# reads FILE LINE...: ingest alone gives these lines, the command of frames inspect the same bytes of values, and what was taken for what is said.
reads() {
    local file=$1 line command
    shift
    ingest "$file" -o alone.weft 2>said || { cat said; return 1; }
    frames csv alone.weft >alone.csv
    for line; do
        grep -qxF -- "$line" alone.csv || { echo "no line $line"; cat said alone.csv; return 1; }
    done
    command=$(frames inspect --format json "$file" | jq -r .command)
    eval "$command -q -o told.weft" || { echo "$command"; return 1; }
    frames csv told.weft | cmp - alone.csv || { echo "$command"; return 1; }
    grep -qF "$(frames show alone.weft | head -n 1 | jq -r .attrs.columns)" said
}

@test "a row a sale: numbers that name products, and the best of several days and numbers" {
    printf '날짜,상품번호,수량\n2024-01-01,900001,3\n2024-01-01,900002,5\n2024-01-02,900001,4\n' >a.csv
    reads a.csv 900001,2024-01-01,3 900001,2024-01-02,4 900002,2024-01-01,5
    printf '발송일,주문일시,결제일,주문번호,상품코드,판매가,수량,배송비\n2024-01-05,2024-01-02 10:00,2024-01-03,1,A,900,2,3000\n2024-01-06,2024-01-03 10:00,2024-01-03,2,A,900,1,3000\n' >b.csv
    reads b.csv A,A,2024-01-02,2 A,A,2024-01-03,1 || reads b.csv A,2024-01-02,2 A,2024-01-03,1
    grep -qF 'date "주문일시" (not "발송일", "결제일")' said
    grep -qF 'value "수량" (not "배송비")' said
    printf 'date,item,sales,quantity\n2024-01-01,a,29800,2\n' >c.csv
    reads c.csv a,a,2024-01-01,2
    grep -qF 'value "quantity" (not "sales")' said
}

@test "a column that counts rows names no series" {
    printf 'id,date,store_nbr,item_nbr,unit_sales,onpromotion\n7,2013-01-01,25,1,7.0,\n8,2013-01-01,25,2,1.0,\n9,2013-01-02,25,1,2.0,False\n' >favorita.csv
    reads favorita.csv 25/1,25,1,2013-01-01,7 25/1,25,1,2013-01-02,2 25/2,25,2,2013-01-01,1
    printf '번호,날짜,상품코드,수량\n1,2024-01-01,A,1\n2,2024-01-02,A,2\n' >rows.csv
    reads rows.csv A,A,2024-01-01,1 A,A,2024-01-02,2
    # with one row a series the same column is its id
    printf 'id,date,units\n11,2024-01-01,1\n7,2024-01-01,2\n' >day.csv
    reads day.csv 11,2024-01-01,1 7,2024-01-01,2
}

@test "rows that a column alone tells apart are not added up without a word" {
    printf 'Store,Dept,Date,Weekly_Sales,IsHoliday\n1,1,2010-02-05,24.5,FALSE\n1,2,2010-02-05,50,FALSE\n1,1,2010-02-12,46,TRUE\n1,2,2010-02-12,40,TRUE\n1,1,2010-02-19,1,FALSE\n1,2,2010-02-19,2,FALSE\n' >walmart.csv
    reads walmart.csv 1/1,1,1,2010-02-05,24.5 1/2,1,2,2010-02-12,40
    printf 'date,store,lane,units\n2024-01-01,1,x,1\n2024-01-01,1,y,2\n2024-01-02,1,x,3\n2024-01-02,1,y,4\n' >lane.csv
    refused "weft ingest --id 'store,lane' lane.csv, or weft ingest --id 'store' lane.csv" ingest lane.csv
    [ "$(ingest -q --id store lane.csv | frames csv | tail -n 1)" = 1,2024-01-02,7 ]
    [ "$(ingest -q --id store,lane lane.csv | frames csv | wc -l)" -eq 5 ]
}

@test "several numbers, dates or columns of one name: refused with the commands to choose from" {
    printf 'date_time,weather,temp,users,weekday\n2011-01-01,rain,9,16,5\n2011-01-02,clear,8,18,6\n2011-01-03,rain,7,11,0\n2011-01-04,clear,6,12,1\n' >rides.csv
    refused 'no column names a series' ingest rides.csv
    printf 'date,item,aa,bb\n2024-01-01,a,1,5\n2024-01-02,a,2,6\n' >two.csv
    refused 'weft ingest --value aa two.csv, or weft ingest --value bb two.csv' ingest two.csv
    printf 'aa,bb,item,units\n2024-01-01,2024-01-05,a,1\n2024-01-02,2024-01-06,a,2\n' >dates.csv
    refused 'weft ingest --date aa dates.csv, or weft ingest --date bb dates.csv' ingest dates.csv
    printf 'date,item,units,units\n2024-01-01,a,1,5\n2024-01-02,a,2,6\n' >names.csv
    refused "weft ingest --value '#3' names.csv, or weft ingest --value '#4' names.csv" ingest names.csv
    [ "$(ingest -q --value '#4' names.csv | frames csv | tail -n 1)" = a,a,2024-01-02,6 ]
    printf 'date,20240101,20240102\n2024-01-01,1,2\n2024-01-02,3,4\n' >skus.csv
    refused '--layout matrix' ingest skus.csv
}

@test "a table of orders is none of products" {
    printf '주문번호,주문일,상품명,상품코드,판매가,수량\n1,2024-01-01,컵,C,900,2\n2,2024-01-02,컵,C,900,1\n' >orders.csv
    reads orders.csv C,2024-01-01,2 C,2024-01-02,1
}

@test "the header: below titles and comments, in two rows, with an empty column, told" {
    printf '주문내역 (2025/03),,,\n,,,\n번호,주문일시,상품번호,수량\n1,2025/03/01 09:00,31,3\n2,2025/03/02 09:00,31,1\n' >title.csv
    reads title.csv 31,2025-03-01,3 31,2025-03-02,1
    printf '# shop\n# 2025\nItem ID;Date;Items sold\nA;20250301;3\nA;20250302;1\n' >comment.csv
    reads comment.csv A,2025-03-01,3 A,2025-03-02,1
    printf '상품,매출,,\n,2024-01-01,2024-01-02,2024-01-03\n셔츠,1,2,3\n' >two.csv
    ingest -q two.csv | frames csv | grep -qx '셔츠,셔츠,2024-01-03,3'
    printf 'id,minor,2024-01-01,2024-01-02,\na,x,1,2,\nb,x,3,4,\n' >comma.csv
    reads comma.csv a,x,2024-01-02,2 b,x,2024-01-01,3
    printf 'some,words\nid,2024-01-01\na,1\n' >told.csv
    [ "$(ingest -q --skip 1 told.csv | frames csv | tail -n 1)" = a,2024-01-01,1 ]
    printf 'id,2024-01-01,2024-01-02,2024-01-O3\na,1,2,3\n' >slip.csv
    refused 'column 4, "2024-01-O3", is almost a day' ingest slip.csv
}

@test "dates: in Korean, with the month by its name, with offsets, in UTC, which way round" {
    local d
    for d in '2024-01-05 오후 3:12' '2024. 1. 5.' '2024년 1월 5일' '202401051230' 'Jan 5, 2024' '5 Jan 2024' '2024-01-05 (금)' '20240105 - 20240105' '2024-01-05 00:10:00 +0900' \
        '2024.01.05.' '2024-01-05T23:59:59.000+09:00'; do
        printf 'date,item,qty\n"%s",a,2\n' "$d" >d.csv
        [ "$(ingest -q d.csv | frames csv | tail -n 1)" = a,a,2024-01-05,2 ] || { echo "$d"; return 1; }
    done
    printf 'date,item,qty\n1/5/2024 8:26,a,1\n1/31/24,a,2\n' >us.csv
    reads us.csv a,a,2024-01-05,1 a,a,2024-01-31,2
    printf 'date,item,qty\n5.1.2024,a,1\n31.1.2024,a,2\n' >de.csv
    reads de.csv a,a,2024-01-05,1 a,a,2024-01-31,2
    printf 'date,item,qty\n12/1/2010,a,6\n' >both.csv
    refused 'weft ingest --date-format %m/%d/%Y both.csv, or weft ingest --date-format %d/%m/%Y both.csv' ingest both.csv
    [ "$(ingest -q --date-format %d/%m/%Y both.csv | frames csv | tail -n 1)" = a,a,2010-01-12,6 ]
    [ "$(printf 'date,item,qty\n45296,a,6\n' | ingest -q --date-format excel | frames csv | tail -n 1)" = a,a,2024-01-05,6 ]
    printf 'date,item,qty\n2024-01-05T15:30:00Z,a,1\n2024-01-06T16:00:00Z,a,2\n' >utc.csv
    refused '--timezone' ingest utc.csv
    [ "$(ingest -q --timezone +09:00 utc.csv | frames csv | tail -n 2 | tr '\n' ' ')" = 'a,a,2024-01-06,1 a,a,2024-01-07,2 ' ]
    [ "$(ingest -q --timezone UTC utc.csv | frames csv | tail -n 1)" = a,a,2024-01-06,2 ]
    run ingest --timezone Nowhere/Land utc.csv -o no.weft
    [ "$status" -eq 64 ]
}

# step_of FILE [OPTION...]: step, start and length in the head.
step_of() {
    ingest -q "$@" | frames show | head -n 1 | jq -r '.attrs | "\(.step) \(.start) \(.length)"'
}

@test "steps: weeks keep their weekday, months, quarters and working days are found, in every layout" {
    printf 'date,item,qty\n2022-01-04,a,70\n2022-01-11,a,71\n2022-01-18,a,72\n' >tuesday.csv
    [ "$(step_of tuesday.csv)" = 'week 2022-01-04 3' ]
    printf 'date,item,qty\n2021-01-01,a,1\n2021-02-01,a,2\n2021-03-01,a,3\n2021-05-01,a,5\n' >month.csv
    [ "$(step_of month.csv)" = 'month 2021-01-01 5' ]
    [ "$(printf 'Month,Passengers\n1949-01,112\n1949-02,118\n1949-03,132\n' >air.csv && step_of air.csv)" = 'month 1949-01-01 3' ]
    printf 'id,2021-01-31,2021-02-28,2021-03-31\na,1,2,3\n' >ends.csv
    [ "$(step_of ends.csv)" = 'month 2021-01-01 3' ]
    printf 'id,2021Q1,2021Q2,2021Q3,2021Q4\na,1,2,3,4\n' >quarter.csv
    [ "$(step_of quarter.csv)" = 'quarter 2021-01-01 4' ]
    printf 'id;Calendar Year/Week;01.2025;02.2025\n;;PC;PC\na;;1;2\n' >sap.csv
    [ "$(step_of sap.csv)" = 'week 2024-12-30 2' ]
    for i in $(seq 0 20); do d=$(date -u -d "2022-01-03 +$i days" +%F); [ "$(date -u -d "$d" +%u)" -gt 5 ] || echo "$d,a,1"; done | { echo date,item,qty; cat; } >office.csv
    [ "$(step_of office.csv)" = 'business-day 2022-01-03 15' ]
    # days summed to months: the first and the last one are not whole
    for i in $(seq 0 69); do echo "$(date -u -d "2024-01-10 +$i days" +%F),a,1"; done | { echo date,item,qty; cat; } >days.csv
    [ "$(ingest -q --step month days.csv | frames csv | tail -n +2)" = a,a,2024-02-01,29 ]
    ingest --step month days.csv 2>&1 >/dev/null | grep -qF 'the first month begins on 2024-01-01, and the table on 2024-01-10: left out (--from 2024-01-01 says that it is whole)'
}

@test "months from CSV to ranking: window, train, score, evaluate, rank" {
    { echo Month,item,Passengers; for i in $(seq 0 95); do echo "$((1949 + i / 12))-$(printf %02d $((i % 12 + 1))),air,$((100 + i + 20 * (i % 12)))"; done; } >air.csv
    ingest -q air.csv -o s.weft
    window -q --lookback 24 --horizon 6 -i s.weft | train-dlinear -q -o m.safetensors
    score -q -m m.safetensors -i s.weft -o f.weft
    # the next six months, each 12 above that of the year before (a trend of 1 a month)
    frames csv f.weft | awk -F, 'NR > 1 { if ($8 !~ /-0[1-6]-01$/) exit 1; n++ } END { exit n != 6 }'
    frames csv f.weft | grep -q ',1957-01-01,1,1957-01-01,'
    [ "$(score -q -m seasonal-naive:12 --horizon 2 -i s.weft | frames csv | tail -n 1 | cut -d, -f8,9)" = 1957-02-01,205 ]
    rank -q --near 1:3 --far 4:6 --by id <f.weft >/dev/null || rank -q <f.weft >/dev/null
}

@test "contests: M5, UCI Online Retail, Rossmann, VN1" {
    printf 'id,item_id,dept_id,cat_id,store_id,state_id,d_1,d_2,d_3\nA_X,A,D,C,X,S,1,0,2\n' >m5.csv
    refused '--from DATE says which day d_1 is' ingest m5.csv
    [ "$(ingest -q --from 2011-01-29 m5.csv | frames csv | tail -n 1 | grep -o '2011-01-31,2$')" = 2011-01-31,2 ]
    printf 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n1,85A,LAMP,6,12/13/2010 8:26,2.5,1,UK\n2,85A,LAMP,1,12/14/2010 9:41,2.5,2,UK\n' >uci.csv
    reads uci.csv 85A,2010-12-13,6 85A,2010-12-14,1
    printf 'Store,DayOfWeek,Date,Sales,Customers,Open,Promo,StateHoliday,SchoolHoliday\n1,5,2015-07-31,5263,555,1,1,0,1\n1,4,2015-07-30,5020,546,1,1,0,1\n' >rossmann.csv
    reads rossmann.csv 1,1,2015-07-31,5263
    printf 'Client,Warehouse,Product,2020-07-06,2020-07-13\n0,1,367,7,3\n' >vn1.csv
    reads vn1.csv 0/1/367,0,1,367,2020-07-13,3
}

@test "reports with a title, a header and an empty row; stock, targets and what came back are not how many were sold" {
    printf '주문 보고서,,,,\n주문번호,주문일시,상품코드,수량,배송 완료일\n,,,,\n1,2025-03-01 10:00,P1,2,2025-03-04\n2,2025-03-02 10:00,P1,1,2025-03-05\n' >report.csv
    reads report.csv P1,2025-03-01,2 P1,2025-03-02,1
    printf 'date,sku,returned qty,qty sold,stock qty,target qty\n2025-01-01,a,1,5,100,9\n2025-01-02,a,0,7,93,9\n' >stock.csv
    reads stock.csv a,a,2025-01-01,5 a,a,2025-01-02,7
    printf '일자,상품코드,목표수량,재고수량,판매수량\n2025-01-01,a,50,9,5\n2025-01-02,a,50,4,4\n' >target.csv
    reads target.csv a,a,2025-01-01,5 a,a,2025-01-02,4
    printf '주문일자,주문번호,옵션,옵션코드,수량,거래금액\n20250301,1,빨강,O1,2,18000\n20250302,2,빨강,O1,1,9000\n' >option.csv
    reads option.csv O1,2025-03-01,2 O1,2025-03-02,1
    printf 'Date,Item ID,Items purchased\n20250301,A,3\n20250301,(not set),1\n20250302,A,1\n' >ga4.csv
    reads ga4.csv A,2025-03-01,3 '(not set),2025-03-01,1'
    grep -qF 'the series "(not set)" is of rows without a name' said
    [ "$(ingest -q --drop 'Item ID=(not set)' ga4.csv | frames csv | wc -l)" -eq 3 ]
}
