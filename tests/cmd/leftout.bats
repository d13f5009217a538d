#!/usr/bin/env bats
# leftout.bats - series that can't be forecast: they are in the stream and in its CSV, with the reason.

load helper

# items: long table of items of 100 days from 2024-01-01 (the last is 2024-04-09), each with another fault at its end.
items() {
    awk 'BEGIN {
        print "date,item,brand,qty"
        n = split("whole last tail young holes two,parts", name, " ")
        for (i = 1; i <= n; i++)
            for (d = 0; d < 100; d++) {
                if (name[i] == "last" && d == 99 || name[i] == "tail" && d > 96 || name[i] == "young" && d < 90 || name[i] == "holes" && (d == 90 || d == 95)) continue
                printf "%s,\"%s\",%s,%d\n", strftime("%Y-%m-%d", 1704067200 + d * 86400, 1), name[i], i < 5 ? "b" : "c", 10 + d % 7 + (d * 7919 + i) % 3 + i
            }
    }'
}

setup_file() {
    export dir=$BATS_FILE_TMPDIR
    cd "$dir"
    items >all.csv
    ingest -q --missing nan --id item --value qty all.csv -o all.weft
    awk -F, 'NR == 1 || /whole/' all.csv >whole.csv
    ingest -q --id item --value qty whole.csv | window -q --lookback 28 --horizon 7 | train-dlinear -q -o m.st
}

setup() { cd "$dir"; }

# why MODEL ID: the reason in forecasts.csv.
why() { awk -v model="$1" -v id="$2" '{ row = $0; gsub(/"[^"]*"/, "x", row); split(row, cell, ",") } $0 ~ "^\"?" id { if (cell[3] == model && sub(/^.*,latest,[0-9-]*,,,,,*/, "")) print }' forecasts.csv; }

@test "every series that a model can't forecast has a frame that says why; exit 0, and stderr counts" {
    score -m m.st,mean:7 --quantiles 0.1,0.9 -i all.weft -o f.weft 2>err
    grep -qx 'score: dlinear: 4 series with missing values before the origin were left out' err
    frames check f.weft
    [[ "$(frames count f.weft)" == *"12 frames"*"score"*"6 in"*"12 out"*"0 rejected"* ]]
    frames csv f.weft >forecasts.csv
    head -n 1 forecasts.csv | grep -qx 'id,brand,model,channel,part,origin,step,date,forecast,actual,q0_1,q0_9,why'
    [ "$(why dlinear last)" = '"its last day, 2024-04-09, is missing"' ]
    [ "$(why dlinear tail)" = '"its last 3 days, from 2024-04-07 on, are missing"' ]
    [ "$(why dlinear young)" = '"it begins on 2024-03-31, which is 10 days ago, and dlinear looks back 28"' ]
    [ "$(why dlinear holes)" = '"2 days that dlinear looks back on are missing, the last of them 2024-04-05"' ]
    [ -z "$(why dlinear whole)$(why mean:7 last)" ] # a baseline may serve what the model can't
    # What a shell counts: rows whose last column is not empty.
    [ "$(awk -F, 'NR > 1 && $NF != ""' forecasts.csv | wc -l)" -eq 4 ]
    [ "$(wc -l <forecasts.csv)" -eq $((1 + 4 + 8 * 7)) ]
    # All rows have the columns of the head, those of baselines, which have no quantiles, too.
    [ "$(sed 's/"[^"]*"/x/g' forecasts.csv | awk -F, '{ print NF }' | sort -u)" = 13 ]
}

@test "left out by the baseline alone, by everything, by a group without weights" {
    score -m m.st,seasonal-naive:98 -i all.weft 2>/dev/null | frames csv >forecasts.csv
    [ "$(why seasonal-naive:98 young)" = '"it begins on 2024-03-31, which is 10 days ago, and seasonal-naive:98 looks back 98"' ]
    # No model or baseline forecasts it: counted as rejected.
    score -q -m m.st,seasonal-naive:98 -i all.weft -o f.weft
    [[ "$(frames count f.weft)" == *"score"*"6 in"*"12 out"*"1 rejected"* ]]
    awk -F, 'NR == 1 || $3 == "b" && !/young|last|tail|holes/' all.csv >b.csv
    ingest -q --id item --value qty b.csv | window -q --lookback 28 --horizon 7 | train-dlinear -q --by brand -o b.st
    score -q -m b.st -i all.weft 2>/dev/null | frames csv >forecasts.csv
    [ "$(why dlinear two)" = '"dlinear has no weights for brand ""c"""' ]
    # Nothing at all: an error, as ever.
    awk -F, 'NR == 1 || /"holes"/' all.csv >holes.csv
    ingest -q --missing nan --id item --value qty holes.csv >holes.weft
    run score -m m.st -i holes.weft -o none.weft
    [ "$status" -eq 65 ]
    [ ! -e none.weft ]
}

@test "a part has no such frames" {
    window -q --lookback 28 --horizon 7 -i all.weft -o w.weft
    score -q -m m.st --part test -i w.weft | frames csv >test.csv
    [ "$(awk -F, 'NR > 1 && $NF != ""' test.csv | wc -l)" -eq 0 ]
}

@test "rank, evaluate and reconcile with series that were left out" {
    score -q -m m.st -i all.weft -o f.weft
    rank -q --by brand --near 1:3 --far 4:7 --format csv -i f.weft >r.csv
    # Brand c has one series that is whole, brand b one of four: the mean of what is there.
    [ "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { print $at["name"], $at["series"] }' r.csv | sort | xargs)" = "b 1 c 1" ]
    run evaluate -i f.weft
    [ "$status" -eq 65 ]
    run reconcile f.weft -o r.weft
    [ "$status" -eq 65 ]
    [[ "$output" == *'id "holes" was not forecast by dlinear: 2 days that dlinear looks back on are missing, the last of them 2024-04-05; '* ]]
    [ ! -e r.weft ]
    score -q -m mean:7 --horizon 7 -i all.weft | reconcile >r.weft
}

@test "a channel beside the target: without a value it is named; known up to the origin alone it needs no days ahead" {
    awk -F, -v OFS=, 'NR == 1 { print "date", "id", "rain"; next } /whole|two/ { print $1, /two/ ? "\"two,parts\"" : "whole", NR % 5 }' all.csv >rain.csv
    ingest -q --missing nan --id item --value qty <(awk 'NR == 1 || /whole|two/' all.csv) -o two.weft
    covariates -q --csv rain.csv --past rain -i two.weft -o rain.weft
    window -q --lookback 28 --horizon 7 -i rain.weft | train-dlinear -q -o rain.st
    score -q -m x=rain.st -i rain.weft | frames csv >forecasts.csv
    [ "$(awk -F, 'NR > 1 && $NF == ""' forecasts.csv | wc -l)" -eq 14 ]
    grep -v 'two' rain.csv >gap.csv
    covariates -q --csv gap.csv --past rain -i two.weft | score -q -m x=rain.st | frames csv >forecasts.csv
    [ "$(why x two)" = "its channel rain has no value before 2024-04-10" ]
    [ -z "$(why x whole)" ]
}
