#!/usr/bin/env bats
# tables.bats - what is not in a table, what is in it twice, and what is no sale.

load helper

setup() {
    cd "$BATS_TEST_TMPDIR"
}

refused() { # TEXT STATUS COMMAND...
    local text=$1 status_wanted=$2
    shift 2
    run bash -o pipefail -c "$* >out.weft"
    [ "$status" -eq "$status_wanted" ] || { echo "status $status: $output"; return 1; }
    [ "${#lines[@]}" -eq 1 ] || { echo "$output"; return 1; }
    [[ "$output" == *"$text"* ]] || { echo "$output"; return 1; }
}

said() { # TEXT COMMAND...
    local text=$1
    shift
    bash -o pipefail -c "$*" >out.weft 2>said.txt
    grep -qF -- "$text" said.txt || { cat said.txt; return 1; }
}

shop() {
    printf 'date,id,units\n2023-01-01,a,1\n2023-01-02,a,2\n2023-01-05,a,4\n2023-01-06,b,8\n2023-01-02,b,16\n'
}

@test "a day without any row is missing, a series without one counts 0 there: both are said and kept in the head" {
    shop >s.csv
    said '2 of 6 days have no row: 2023-01-03 to 2023-01-04; missing' ingest s.csv
    said '1 of 2 series begin after 2023-01-01, 1 of 2 end before 2023-01-06 ("a" on 2023-01-05)' ingest s.csv
    [ "$(ingest -q s.csv | frames csv | tr '\n' ' ')" = "id,date,units a,2023-01-01,1 a,2023-01-02,2 a,2023-01-03, a,2023-01-04, a,2023-01-05,4 a,2023-01-06,0 b,2023-01-01,0 b,2023-01-02,16 b,2023-01-03, b,2023-01-04, b,2023-01-05,0 b,2023-01-06,8 " ]
    ingest -q s.csv | frames show | head -n 1 | grep -q '"without_row":2,"missing":true,"runs":\[\["2023-01-03","2023-01-04"\]\]'
    [ "$(ingest -q --missing zero s.csv | frames csv | sed -n 4p)" = "a,2023-01-03,0" ]
    said 'counted as 0 by --missing zero' ingest --missing zero s.csv
    # whole tables say nothing
    printf 'date,id,units\n2023-01-01,a,1\n2023-01-02,a,2\n' >whole.csv
    [ "$(ingest whole.csv 2>&1 >/dev/null)" = "ingest: whole.csv: $(ingest -q whole.csv | frames show | head -n 1 | jq -r .attrs.columns); step day" ]
}

@test "aggregate: 0 outside of a member's life, missing inside, unless --partial-sums" {
    shop >s.csv
    ingest -q --missing nan s.csv -o s.weft
    run bash -c 'aggregate -q --by all -i s.weft | frames csv | tail -n +2 | cut -d, -f3 | paste -sd,'
    [ "$output" = "1,18,,,,8" ]
    run bash -c 'aggregate -q --by all --partial-sums -i s.weft | frames csv | tail -n +2 | cut -d, -f3 | paste -sd,'
    [ "$output" = "1,18,,,4,8" ]
    said '2 series have no value before their first day or after their last one: 0 there' aggregate --by all -i s.weft
    said '1 sums are missing' aggregate --by all -i s.weft
    # prices are averaged over those that have one
    printf 'date,id,price\n2023-01-01,a,10\n2023-01-02,a,20\n2023-01-02,b,40\n2023-01-03,b,50\n2023-01-03,a,10\n' >p.csv
    run bash -c 'ingest -q --value price p.csv | aggregate -q --by all | frames csv | tail -n +2 | cut -d, -f3 | paste -sd,'
    [ "$output" = "10,30,30" ]
}

@test "category totals are those of the shop when products end, begin and are sold out" {
    # 100 products of 10 a day, for 100 days; 10 end, 10 begin, 5 have no rows for 10 days: the truth is what the rows add up to
    awk 'BEGIN { print "date,id,major,units"
        for (d = 0; d < 100; d++) for (p = 0; p < 100; p++) {
            if (p < 10 && d >= 60 + p || p >= 10 && p < 20 && d < 20 + p || p >= 20 && p < 25 && d >= 50 && d < 60) continue
            printf "%s,p%02d,m%d,%d\n", strftime("%Y-%m-%d", 1672531200 + d * 86400, 1), p, p % 2, 10 + p % 3 } }' >shop.csv
    awk -F, 'NR > 1 { s[$3 "," $1] += $4 } END { for (k in s) print k "," s[k] }' shop.csv | sort >truth.csv
    ingest -q shop.csv | aggregate --by major | frames csv | tail -n +2 | cut -d, -f1,3,4 >got.csv
    awk -F, 'NR == FNR { want[$1 "," $2] = $3; n++; next } { d = $3 - want[$1 "," $2]; if (d < 0) d = -d; if (d > want[$1 "," $2] / 100) bad++; m++ } END { exit bad || n != m }' truth.csv got.csv
    said '10 of 100 series begin after 2023-01-01, 10 of 100 end before 2023-04-10 ("p00" on 2023-03-01, the first), 50 days' ingest shop.csv
    said 'counted as 0 (--missing nan' ingest shop.csv
}

@test "several files: a series on one day in two of them is refused unless told what it means" {
    printf 'date,id,units\n2023-01-01,a,1\n2023-01-02,a,2\n' >1.csv
    printf 'date,id,units\n2023-01-02,a,5\n2023-01-03,a,3\n' >2.csv
    refused '1.csv and 2.csv both have rows of "a" on 2023-01-02; further sales: --overlap add' 65 ingest -q 1.csv 2.csv
    refused '1.csv and 2.csv both hold 2023-01-02' 65 ingest -q --overlap refuse 1.csv 2.csv
    [ "$(ingest -q --overlap add 1.csv 2.csv | frames csv | sed -n 3p)" = "a,2023-01-02,7" ]
    [ "$(ingest -q --overlap replace 1.csv 2.csv | frames csv | sed -n 3p)" = "a,2023-01-02,5" ]
    [ "$(ingest -q --overlap replace 2.csv 1.csv | frames csv | sed -n 3p)" = "a,2023-01-02,2" ]
    said '1 rows are of days that a later file holds: left out' ingest --overlap replace 1.csv 2.csv
    # a later file replaces the whole day: b of the first file is gone
    printf 'date,id,units\n2023-01-01,a,1\n2023-01-02,b,2\n2023-01-02,a,1\n' >3.csv
    [ "$(ingest -q --overlap replace 3.csv 2.csv | frames csv | tr '\n' ' ')" = "id,date,units a,2023-01-01,1 a,2023-01-02,5 a,2023-01-03,3 " ]
    # shops beside each other have the same days, and days after each other no question
    printf 'date,id,units\n2023-01-01,b,1\n2023-01-02,b,2\n' >4.csv
    ingest -q 1.csv 4.csv | frames count
    refused '1.csv and 4.csv both hold 2023-01-01' 65 ingest -q --overlap refuse 1.csv 4.csv
    # replacing counts by days, also where steps are longer
    printf 'date,id,units\n2023-01-02,a,1\n2023-01-03,a,2\n' >5.csv
    printf 'date,id,units\n2023-01-03,a,5\n2023-01-08,a,3\n' >6.csv
    [ "$(ingest -q --step week --overlap replace 5.csv 6.csv | frames csv | tail -n 1)" = "a,2023-01-02,9" ]
}

@test "the same file twice, by its name, by a link or as a copy, is refused" {
    printf 'date,id,units\n2023-01-01,a,1\n2023-01-02,a,2\n' >1.csv
    ln -s 1.csv latest.csv
    ln 1.csv hard.csv
    cp 1.csv copy.csv
    for twice in 1.csv latest.csv hard.csv; do
        refused "1.csv and $twice are one file: its rows would count twice" 65 ingest -q 1.csv $twice
    done
    refused 'copy.csv has the same content as 1.csv' 65 ingest -q 1.csv copy.csv
    [ "$(ingest -q --overlap add 1.csv copy.csv | frames csv | tail -n 1)" = "a,2023-01-02,4" ]
    [ "$(ingest -q --overlap replace 1.csv copy.csv | frames csv | tail -n 1)" = "a,2023-01-02,2" ]
    # days without sales are alike, and no copies
    printf 'date,id,units\n' >e1.csv
    cp e1.csv e2.csv
    ingest -q 1.csv e1.csv e2.csv | frames count
}

@test "streams of tables with other gaps are one stream: what was missing is a note" {
    printf 'date,id,units\n2023-01-01,a,1\n2023-01-03,a,2\n2023-01-02,b,1\n' >1.csv
    printf 'date,id,units\n2023-01-01,c,1\n2023-01-02,c,1\n2023-01-03,c,2\n' >2.csv
    ingest -q 1.csv -o 1.weft
    ingest -q 2.csv -o 2.weft
    [ "$(cat 1.weft 2.weft | aggregate -q --by id | frames csv | wc -l)" -eq 10 ]
    [ "$(frames cat 1.weft 2.weft | frames csv | wc -l)" -eq 10 ]
}

@test "covariates --fill fills short gaps of targets and marks them; --lag puts late values where they are known" {
    shop >s.csv
    ingest -q s.csv -o s.weft
    [ "$(covariates -q --fill carry -i s.weft | frames csv | sed -n 4,5p | tr '\n' ' ')" = "a,2023-01-03,2 a,2023-01-04,2 " ]
    [ "$(covariates -q --fill carry --fill-max 1 -i s.weft | frames csv | sed -n 4p)" = "a,2023-01-03," ]
    said '4 missing values of 2 series are filled (carry, gaps of up to 7), 0 stay missing' covariates --fill carry -i s.weft
    said '0 missing values of 0 series are filled (carry, gaps of up to 1), 4 stay missing' covariates --fill carry --fill-max 1 -i s.weft
    covariates -q --fill seasonal:2 -i s.weft -o f.weft
    frames check f.weft
    frames show f.weft | sed -n 2p | grep -q '"filled":\[2,3\]'
    frames show f.weft | head -n 1 | grep -q '"filled":{"by":"seasonal:2","max":7}'
    refused 'carry (the last value), seasonal:N' 64 covariates -q --fill linear -i s.weft
    printf 'date,index\n2022-12-31,7\n2023-01-01,1\n2023-01-06,6\n' >late.csv
    covariates -q --csv late.csv --lag index=3 -i s.weft -o l.weft
    [ "$(frames csv l.weft | sed -n '4,5p;10p' | cut -d, -f2,4 | tr '\n' ' ')" = "2023-01-03,7 2023-01-04,1 2023-01-09,6 " ]
    frames check l.weft
    covariates -q --csv late.csv --lag 3 -i s.weft | cmp - <(covariates -q --csv late.csv --lag 3 -i s.weft)
    refused 'no column of late.csv is channel "rate"' 78 covariates -q --csv late.csv --lag rate=3 -i s.weft
    refused 'is no number of steps' 64 covariates -q --csv late.csv --lag index=soon -i s.weft
    refused '--lag goes with --csv' 64 covariates -q --weekday --lag 3 -i s.weft
}

@test "wide: days without a column are missing, columns to come without values are left out" {
    printf 'id,minor,2023-01-01,2023-01-02,2023-01-05,2023-01-06,2023-01-07\na,m,1,2,3,,\nb,m,,2,,,\n' >w.csv
    said '2 columns from 2023-01-06 on have no value: left out, as days to come' ingest w.csv
    said '2 of 5 days have no row: 2023-01-03 to 2023-01-04; missing' ingest w.csv
    said '1 of 2 series begin after 2023-01-01, 1 of 2 end before 2023-01-05 ("b" on 2023-01-02): counted as 0' ingest w.csv
    [ "$(ingest -q w.csv | frames csv | cut -d, -f4 | tr '\n' ' ')" = "units 1 2   3 0 2   0 " ]
    [ "$(ingest -q --missing zero w.csv | frames csv | wc -l)" -eq 15 ]
    # a column inside without any value is a day without a row
    printf 'id,2023-01-01,2023-01-02,2023-01-03\na,1,,3\nb,1,,3\n' >e.csv
    [ "$(ingest -q e.csv | frames csv | cut -d, -f3 | tr '\n' ' ')" = "units 1  3 1  3 " ]
    frames check <(ingest -q w.csv)
    refused 'has no value on any day' 65 "printf 'id,2023-01-01,2023-01-02\na,,\n' | ingest -q"
}

@test "totals are left out by name, in rows and columns, and refused when the sums alone give them away" {
    printf 'minor,id,2023-01-01,2023-01-02,합계\nx,a,1,2,3\nx,b,3,4,7\n합계,,4,6,10\n' >w.csv
    said '1 rows and 1 columns are totals and left out' ingest w.csv
    [ "$(ingest -q w.csv | frames csv | tr '\n' ' ')" = "id,minor,date,units a,x,2023-01-01,1 a,x,2023-01-02,2 b,x,2023-01-01,3 b,x,2023-01-02,4 " ]
    printf 'id,2023-01-01,2023-01-02\na,1,2\nb,3,4\nwhole,4,6\n' >s.csv
    refused '"whole" is the sum of all other series on every day' 65 ingest -q s.csv
    [ "$(ingest -q --totals keep s.csv | frames csv | wc -l)" -eq 7 ]
    [ "$(ingest -q --drop id=whole s.csv | frames csv | wc -l)" -eq 5 ]
    printf 'date,product,units\n2023-01-01,a,1\n2023-01-01,b,2\n2023-01-02,a,4\n2023-01-01,소계,3\n2023-01-02,소계,4\nTotal,,7\n' >l.csv
    said '3 rows and 0 columns are totals' ingest --id product --keys product l.csv
    [ "$(ingest -q --id product l.csv | aggregate -q --by all | frames csv | cut -d, -f3 | tr '\n' ' ')" = "units 3 4 " ]
    sed 's/소계/P9/;/Total/d' l.csv >hidden.csv
    refused '"P9" is the sum of all other series' 65 ingest -q --id product hidden.csv
    # one product that happens to be the sum of two others on a single day is one
    printf 'date,product,units\n2023-01-01,a,1\n2023-01-01,b,2\n2023-01-01,c,3\n' | ingest -q --id product | frames count
    # a row of sums without a name, longer than the header
    printf 'Item ID,Date,Items sold\n,,9,Grand total\nA,2023-01-01,4\nB,2023-01-01,5\n' >g.csv
    [ "$(ingest -q --id 'Item ID' --date Date --value 'Items sold' g.csv | frames csv | cut -d, -f3 | tr '\n' ' ')" = "Items sold 4 5 " ]
}

@test "cancelled and unpaid orders are no sales: known states by themselves, others by --drop; all is said" {
    printf '주문번호,주문일,상품번호,주문상태,수량\n1,2023-01-01,A,배송완료,2\n2,2023-01-01,A,취소완료,50\n3,2023-01-02,A,반품완료,7\n4,2023-01-03,A,교환,1\n5,2023-01-03,A,반품완료,-2\n' >o.csv
    columns="--layout long --id 상품번호 --date 주문일 --value 수량"
    [ "$(ingest -q $columns o.csv | frames csv | cut -d, -f3 | tr '\n' ' ')" = "수량 2 0 -1 " ]
    said 'left out as no sales: 주문상태=취소완료 (1 row, 50), 주문상태=반품완료 (1 row, 7); --drop none keeps them' ingest $columns o.csv
    said 'counted as sales: 주문상태=교환 (1 row, 1); --drop COLUMN=VALUE' ingest $columns o.csv
    [ "$(ingest -q $columns --drop none o.csv | frames csv | cut -d, -f3 | tr '\n' ' ')" = "수량 52 7 -1 " ]
    [ "$(ingest -q $columns --drop '주문상태=교환,취소*,반품완료' o.csv | frames csv | cut -d, -f3 | tr '\n' ' ')" = "수량 2 0 0 " ]
    refused 'has no column "state"' 65 ingest -q $columns --drop state=x o.csv
    refused 'names no column' 64 ingest -q $columns --drop x o.csv
    # a day of cancellation, the state of an order in its first row alone, and a day of payment that is empty
    printf 'Order ID,Created,Status,Cancelled at,sku,qty\n1,2023-01-01,paid,,A,1\n2,2023-01-01,voided,2023-01-02,A,10\n2,2023-01-01,,,B,20\n3,2023-01-02,paid,2023-01-03,B,4\n' >f.csv
    [ "$(ingest -q --layout long --id sku --date Created --value qty f.csv | frames csv | cut -d, -f1,2,3 | tr '\n' ' ')" = "id,date,qty A,2023-01-01,1 A,2023-01-02,0 " ]
    printf '결제일,상품코드,수량\n2023-01-01,A,1\n,A,5\n' >p.csv
    said '1 rows have no 결제일 and are left out: not paid?' ingest --layout long --id 상품코드 --date 결제일 --value 수량 p.csv
}

@test "cells that mean \"as above\": orders' rows by themselves, merged cells by --fill-down" {
    printf 'Order Reference,Order Date,Status,sku,qty\nS1,2023-01-01,done,A,4\n,,,B,9\nS2,2023-01-02,cancelled,A,100\n,,,B,100\nS3,2023-01-03,done,B,2\n' >o.csv
    columns="--layout long --id sku --value qty --date"
    [ "$(ingest -q $columns 'Order\ Date' o.csv 2>/dev/null | frames csv 2>/dev/null | wc -l)" -eq 0 ]
    [ "$(ingest -q $columns 'Order Date' o.csv | frames csv | tail -n +2 | cut -d, -f1,3 | tr '\n' ' ')" = "A,4 A,0 A,0 B,9 B,0 B,2 " ]
    said '2 rows without a day belong' ingest $columns "'Order Date'" o.csv
    printf 'major,id,2023-01-01,2023-01-02\nx,a,1,2\n,b,3,4\ny,c,5,6\n' >m.csv
    [ "$(ingest -q --fill-down major m.csv | aggregate -q --by major | frames csv | tail -n +2 | cut -d, -f1,4 | tr '\n' ' ')" = "x,4 x,6 y,5 y,6 " ]
    refused 'has no column "minor"' 65 ingest -q --fill-down minor m.csv
}

@test "in a list of few orders a day without one is a day without sales; in a table of days it is missing" {
    printf 'Order ID,date,sku,qty\n1,2023-01-01,A,1\n2,2023-01-03,A,2\n' >o.csv
    [ "$(ingest -q --layout long --id sku --value qty o.csv | frames csv | cut -d, -f3 | tr '\n' ' ')" = "qty 1 0 2 " ]
    said '1 of 3 days have no row: 2023-01-02; counted as 0, as rows are orders and few' ingest --layout long --id sku --value qty o.csv
    [ "$(ingest -q --missing nan --layout long --id sku --value qty o.csv | frames csv | cut -d, -f3 | tr '\n' ' ')" = "qty 1  2 " ]
    # a shop with twenty orders a day has no day without one
    awk 'BEGIN { print "Order ID,date,sku,qty"; for (d = 1; d < 6; d++) for (k = 0; d != 3 && k < 20; k++) printf "%d,2023-01-0%d,A,1\n", d * 100 + k, d }' >busy.csv
    [ "$(ingest -q --layout long --id sku --value qty busy.csv | frames csv | sed -n 4p)" = "A,2023-01-03," ]
}

@test "numbers as shops write them; a share is no count, a table's decimal sign is found or asked for" {
    one() { # TEXT: what ingest makes of a cell
        printf 'date,item,qty\n2024-01-01,a,"%s"\n2024-01-02,a,1\n' "$1" | ingest -q --value qty | frames csv | sed -n 2p | cut -d, -f4
    }
    [ "$(one '(1,200)')" = -1200 ]
    [ "$(one '△7')" = -7 ]
    [ "$(one '−7')" = -7 ]
    [ "$(one '１２')" = 12 ]
    [ "$(one '3박스')" = 3 ]
    [ "$(one '2만5천')" = 25000 ]
    [ "$(one '-₩700')" = -700 ]
    refused 'not a number: "12%"' 65 "printf 'date,item,qty\n2024-01-01,a,12%%\n' | ingest -q --value qty"
    refused 'not a number: "0,125"' 65 "printf 'date,item,qty\n2024-01-01,a,\"0,125\"\n' | ingest -q --value qty"
    printf 'date;item;qty\n2024-01-01;a;0,125\n2024-01-02;a;1.250\n' >c.csv
    [ "$(ingest -q c.csv | frames csv | cut -d, -f4 | tr '\n' ' ')" = "qty 0.125 1250 " ]
    printf 'date;item;qty\n2024-01-01;a;2.125\n2024-01-02;a;1.250\n' >open.csv
    refused '"1.250" has two readings in a table with semicolons' 65 ingest -q open.csv
    [ "$(ingest -q --decimal comma open.csv | frames csv | tail -n 1)" = "a,a,2024-01-02,1250" ]
    [ "$(ingest -q --decimal point open.csv | frames csv | tail -n 1)" = "a,a,2024-01-02,1.25" ]
    printf 'date,item,qty\n2024-01-01,a,82.500\n2024-01-02,a,1.182.500\n' >dots.csv
    [ "$(ingest -q dots.csv | frames csv | sed -n 2p)" = "a,a,2024-01-01,82500" ]
}

@test "ids of several texts differ, look-alikes do not, rounded barcodes are refused" {
    printf 'date,store,item,sales\n2024-01-01,1/2,3,10\n2024-01-01,1,2/3,5\n2024-01-01,7,8,1\n' >s.csv
    [ "$(ingest -q --id store,item s.csv | frames csv | cut -d, -f1,5 | tr '\n' ' ')" = "id,sales 1%2F2/3,10 1/2%2F3,5 7/8,1 " ]
    [ "$(ingest -q --id store,item s.csv | aggregate -q --by store,item | frames csv | tail -n +2 | cut -d, -f1 | tr '\n' ' ')" = "1%2F2/3 1/2%2F3 7/8 " ]
    printf 'id,minor,2024-01-01\na,\xec\x85\x94\xec\xb8\xa0,1\nb,\xe1\x84\x89\xe1\x85\xa7\xe1\x86\xab\xe1\x84\x8e\xe1\x85\xb3,2\nc,"\xec\x85\x94\xec\xb8\xa0 ",4\n' >n.csv
    [ "$(ingest -q n.csv | aggregate -q --by minor | frames csv | wc -l)" -eq 3 ]
    printf 'date,id,units\n2024-01-01,8.80123E+12,1\n2024-01-02,8.80123E+12,2\n' >e.csv
    refused '"8.80123E+12" is a number that a spreadsheet has rounded' 65 ingest -q --id id e.csv
}

@test "packed tables and UTF-16 are read; what is no table is called by its name" {
    printf 'date,id,units\n2024-01-01,a,1\n2024-01-02,a,2\n' >t.csv
    gzip -k t.csv
    cmp <(ingest -q t.csv | frames csv) <(ingest -q t.csv.gz | frames csv)
    cmp <(ingest -q t.csv | frames csv) <(ingest -q <t.csv.gz | frames csv)
    for encoding in utf-16 utf-16le utf-16be; do
        iconv -t $encoding t.csv >w.csv
        cmp <(ingest -q t.csv | frames csv) <(ingest -q w.csv | frames csv)
    done
    { printf '\xef\xbb\xbf\xef\xbb\xbf'; cat t.csv; } >bom.csv
    cmp <(ingest -q t.csv | frames csv) <(ingest -q bom.csv | frames csv)
    head -c 30 t.csv.gz >cut.gz
    refused 'cut.gz ends inside of its gzip data; was it copied whole?' 65 ingest -q cut.gz
    refused 'unpacks to more than 1000 bytes' 65 "head -c 3000 /dev/zero | tr '\\0' 1 | gzip | ingest -q --max-unpacked 1000"
    printf 'PK\003\004rest' >a.xlsx
    refused 'a.xlsx is a spreadsheet (xlsx) or a zip archive, not CSV; save the sheet as CSV' 65 ingest -q a.xlsx
    printf '\xd0\xcf\x11\xe0rest' >a.xls
    refused 'protected by a password?' 65 ingest -q a.xls
    printf '\n<html><table>' >b.xls
    refused 'b.xls is HTML, not CSV' 65 ingest -q b.xls
    printf '\xef\xbb\xbf<?xml version="1.0"?>' >c.xls
    refused 'c.xls is XML, not CSV' 65 ingest -q c.xls
    printf 'PAR1rest' >p.parquet
    refused 'duckdb -c' 65 ingest -q p.parquet
    printf '\x28\xb5\x2f\xfdrest' >z.zst
    refused 'compressed by zstd, not CSV; zstdcat FILE' 65 ingest -q z.zst
}

@test "a series that comes twice is refused, where it would be added up" {
    printf 'date,id,units\n2024-01-01,a,1\n2024-01-02,a,2\n' >t.csv
    ingest -q t.csv -o t.weft
    refused 'series "a" comes twice: it would count double' 65 "cat t.weft t.weft | aggregate -q --by all"
}

@test "the day of a file's rows is taken from its name on request" {
    mkdir d
    printf 'sku,name,qty\nA,x,3\nB,y,1\n' >d/sales_20250301.csv
    printf 'sku,name,qty\nA,x,2\n합계,,2\n' >d/sales_2025-03-02.csv
    refused 'no column is a day' 65 ingest -q d/sales_20250301.csv
    refused 'ingest --date-from-name d/sales_20250301.csv' 65 ingest -q --layout long --id sku --value qty d/sales_20250301.csv
    [ "$(frames inspect --format json d/*.csv | jq -r .command)" = "weft ingest --layout long --date-from-name --value qty d/sales_2025-03-02.csv d/sales_20250301.csv" ]
    frames inspect --format json d/*.csv | jq -e '.duplicates == 0'
    [ "$(ingest -q --date-from-name d/*.csv | frames csv | cut -d, -f1,3,4 | sort | tr '\n' ' ')" = "$(printf 'A,2025-03-01,3 A,2025-03-02,2 B,2025-03-01,1 B,2025-03-02,0 id,date,qty ')" ] ||
        { ingest -q --date-from-name d/*.csv | frames csv; false; }
    cp d/sales_20250301.csv 250304.csv
    [ "$(ingest -q --date-from-name --id sku --value qty 250304.csv | frames csv | sed -n 2p | grep -o "2025.*")" = "2025-03-04,3" ]
    cp d/sales_20250301.csv 20250301_20250302.csv
    refused 'no day, or more than one' 65 ingest -q --date-from-name 20250301_20250302.csv
    refused '--date-from-name does not go with --date' 64 ingest -q --date-from-name --date name d/sales_20250301.csv
}

@test "frames csv --bom begins with a byte order mark, once" {
    printf 'date,id,units\n2024-01-01,a,1\n2024-01-02,a,2\n' >t.csv
    ingest -q t.csv -o t.weft
    cmp <(frames csv --bom t.weft) <(printf '\xef\xbb\xbf'; frames csv t.weft)
    cmp <(frames csv --bom t.weft | ingest -q | frames csv) <(frames csv t.weft)
}

@test "dots between thousands are found by what stands beside them, or by sums, and said" {
    printf 'date;item;qty\n2024-01-01;a;3.400\n2024-01-02;a;870\n' >beside.csv
    said 'dots stand between thousands, as in "3.400"' ingest beside.csv
    [ "$(ingest -q beside.csv | frames csv | sed -n 2p)" = "a,a,2024-01-01,3400" ]
    [ "$(tr ';' '\t' <beside.csv | ingest -q | frames csv | sed -n 2p)" = "a,a,2024-01-01,3400" ]
    [ "$(tr ';' ',' <beside.csv | ingest -q | frames csv | sed -n 2p)" = "a,a,2024-01-01,3400" ]
    [ "$(ingest -q --decimal point beside.csv | frames csv | sed -n 2p)" = "a,a,2024-01-01,3.4" ]
    # a writer of thousands has no 1500, one of decimals may drop the zeros of 2.125 and of 7
    printf 'date;item;qty\n2024-01-01;a;3.400\n2024-01-02;a;870\n2024-01-03;a;1500\n' >large.csv
    refused '"3.400" has two readings' 65 ingest large.csv
    printf 'date;item;qty\n2024-01-01;a;2.125\n2024-01-02;a;7\n' >short.csv
    refused '"2.125" has two readings' 65 ingest short.csv
    [ "$(tr ';' ',' <short.csv | ingest -q | frames csv | sed -n 2p)" = "a,a,2024-01-01,2.125" ]
    # what stands beside it in another column is of another kind
    printf 'date;item;price;qty\n2024-01-01;a;3.400;5\n2024-01-02;a;2.100;7\n' >columns.csv
    refused 'has two readings' 65 ingest --value qty,price columns.csv
    [ "$(ingest -q --value qty columns.csv | frames csv | sed -n 2p)" = "a,a,2024-01-01,5" ]
    printf 'item;2024-01-01;2024-01-02;Total\na;2.125;7;2.132\nb;1;2;3\n' >sums.csv
    [ "$(ingest -q sums.csv | frames csv | sed -n 2p)" = "a,a,2024-01-01,2125" ]
    printf 'item;2024-01-01;2024-01-02;Total\na;2.125;7;9.125\nb;1;2;3\n' >kilos.csv
    refused 'has two readings' 65 ingest kilos.csv
    # the same for commas where they part no columns
    printf 'date;item;qty\n2024-01-01;a;3,400\n2024-01-02;a;870\n' >comma.csv
    [ "$(ingest -q comma.csv | frames csv | sed -n 2p)" = "a,a,2024-01-01,3400" ]
    printf 'date;item;qty\n2024-01-01;a;3,400\n2024-01-02;a;1500\n' >mixed.csv
    refused '"3,400" has two readings' 65 ingest mixed.csv
    [ "$(ingest -q --decimal comma mixed.csv | frames csv | sed -n 2p)" = "a,a,2024-01-01,3.4" ]
}

@test "the step is said; a date years away from all others is refused with its place; a number of a day is named" {
    for i in 05 12 19 26; do printf '2024-01-%s,a,1\n' $i; done | sed '1i date,item,qty' >friday.csv
    said '; step week, Fridays' ingest friday.csv
    for i in $(seq 9); do printf '2024-01-0%s,a,1\n' $i; done | sed '1i date,item,qty' >days.csv
    sed '5s/2024/2204/' days.csv >late.csv
    refused 'late.csv:5: 2204-01-04 lies years after nearly all other dates, which end on 2024-01-09' 65 ingest late.csv
    [ "$(ingest -q --to 2024-01-09 late.csv | frames csv | wc -l)" -eq 10 ]
    sed '5s/2024/1924/' days.csv >early.csv
    refused 'early.csv:5: 1924-01-04 lies years before nearly all other dates' 65 ingest early.csv
    [ "$(ingest -q --from 2024-01-01 early.csv | frames csv | wc -l)" -eq 10 ]
    refused '2204-01-04 lies years after' 65 "cut -d, -f1,3 late.csv | ingest"
    refused '2204-01-09 lies years after' 65 "printf 'id,2024-01-01,2024-01-02,2024-01-03,2024-01-04,2024-01-05,2024-01-06,2024-01-07,2024-01-08,2204-01-09\na,1,1,1,1,1,1,1,1,1\n' | ingest"
    refused '--date-format excel' 65 "printf 'date,item,qty\n45296,a,6\n' | ingest"
}

# --- more shops, each with tables of their own

@test "tables: a payment day that is empty, or a sum paid back, is no sale where no column of states says so" {
    printf '%s\n' 주문번호,주문일시,결제일시,상품번호,수량,'실제 환불금액' 1,2025-03-01,2025-03-01,7,2,0.00 \
        2,2025-03-01,,7,50,0.00 3,2025-03-02,2025-03-02,7,3,0.00 4,2025-03-02,2025-03-02,7,40,9900.00 >c.csv
    run --separate-stderr bash -c "ingest c.csv | frames csv"
    [ "$status" = 0 ]
    [ "$output" = $'id,date,수량\n7,2025-03-01,2\n7,2025-03-02,3' ]
    [[ $stderr == *"1 rows have no 결제일시 and are left out"* && $stderr == *"실제 환불금액=9900.00 (1 row, 40)"* ]]
}

@test "tables: the lines of an order take its day, when the order's number stands in each of them" {
    printf '%s\n' 'Name,Financial Status,Created at,Lineitem quantity,Lineitem sku' '#1,paid,2025-03-01 10:00:00 +0900,2,A' \
        '#1,,,3,B' '#2,paid,2025-03-02 10:00:00 +0900,1,A' '#2,,,4,B' >s.csv
    run --separate-stderr bash -c "ingest s.csv | frames csv"
    [ "$status" = 0 ]
    [ "$output" = $'id,date,Lineitem quantity\nA,2025-03-01,2\nA,2025-03-02,1\nB,2025-03-01,3\nB,2025-03-02,4' ]
}

@test "tables: a group that tells the rows of a store apart is of the series' name, not added up" {
    printf '%s\n' id,date,store_nbr,family,sales 0,2025-03-01,1,TOYS,3 1,2025-03-01,1,FOOD,5 2,2025-03-02,1,TOYS,4 \
        3,2025-03-02,1,FOOD,6 >f.csv
    run --separate-stderr bash -c "ingest f.csv | frames csv | grep -c TOYS"
    [ "$output" = 2 ]
    [[ $stderr == *'id "store_nbr", "family"'* ]]
}

@test "tables: dates with dots have the day first; Mar 1949 is a month of 1949; names of months with marks" {
    printf '%s\n' 'Bestelldatum;Bestellnummer;Artikelnummer;Menge;Einzelpreis' '01.03.2025;B1;X;2;9,90' '02.03.2025;B2;X;3;9,90' >g.csv
    run --separate-stderr bash -c "ingest g.csv | frames csv"
    [ "$output" = $'id,date,Menge\nX,2025-03-01,2\nX,2025-03-02,3' ]
    printf '%s\n' month,passengers 'Jan 1949,5' 'Feb 1949,6' 'Mar 1949,7' >m.csv
    run --separate-stderr bash -c "ingest m.csv | frames csv"
    [[ $output == *1949-01-01,5* && $output == *1949-03-01,7* ]]
    printf '%s\n' 'Sale Date,Order Number,Item Number,Quantity' Mar-01-25,1,9,2 Mar-02-25,2,9,3 >e.csv
    run --separate-stderr bash -c "ingest e.csv | frames csv"
    [ "$output" = $'id,date,Quantity\n9,2025-03-01,2\n9,2025-03-02,3' ]
}

@test "tables: what explains sales is no series beside them, and numbers of rows are none" {
    printf '%s\n' date,sales,price,promotion 2025-03-01,3,10,0 2025-03-02,4,10,1 2025-03-03,5,10,0 >p.csv
    run --separate-stderr bash -c "ingest p.csv | frames csv"
    [ "$output" = $'id,date,value\nsales,2025-03-01,3\nsales,2025-03-02,4\nsales,2025-03-03,5' ]
    [[ $stderr == *'no series (--layout matrix takes them for such) "price", "promotion"'* ]]
    command=$(frames inspect p.csv | sed -n 's/^command  *//p')
    [ "$command" = 'weft ingest p.csv' ]
    run --separate-stderr bash -c "ingest --layout matrix p.csv | frames count"
    [[ $output == *3* ]]
    printf '%s\n' ,date,value 1,2025-03-01,3 2,2025-03-02,4 3,2025-03-03,5 >r.csv
    run --separate-stderr bash -c "ingest r.csv | frames csv"
    [ "$status" = 0 ]
    [ "${lines[1]}" = value,2025-03-01,3 ]
}

@test "tables: the number of a line is not how many were sold" {
    printf '%s\n' orderItemId,createTime,sellerSku,status,freight 60001,2025-03-01,A,delivered,2.5 60002,2025-03-02,A,shipped,3.5 >l.csv
    run --separate-stderr ingest l.csv
    [ "$status" = 65 ]
    [[ $stderr == *"no column says how many were sold"* ]]
}
