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
    [ -z "$(ingest whole.csv 2>&1 >/dev/null)" ]
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
    [ "$(ingest -q --step week --overlap replace 1.csv 2.csv | frames csv | tail -n 1)" = "a,2023-01-02,8" ]
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
    refused 'carry (the last value) or seasonal:N' 64 covariates -q --fill linear -i s.weft
    printf 'date,index\n2022-12-31,7\n2023-01-01,1\n2023-01-06,6\n' >late.csv
    covariates -q --csv late.csv --lag index=3 -i s.weft -o l.weft
    [ "$(frames csv l.weft | sed -n '4,5p;10p' | cut -d, -f2,4 | tr '\n' ' ')" = "2023-01-03,7 2023-01-04,1 2023-01-09,6 " ]
    frames check l.weft
    covariates -q --csv late.csv --lag 3 -i s.weft | cmp - <(covariates -q --csv late.csv --lag 3 -i s.weft)
    refused 'no column of late.csv is channel "rate"' 78 covariates -q --csv late.csv --lag rate=3 -i s.weft
    refused 'is no number of steps' 64 covariates -q --csv late.csv --lag index=soon -i s.weft
    refused '--lag goes with --csv' 64 covariates -q --weekday --lag 3 -i s.weft
}
