#!/usr/bin/env bats
# actuals.bats - evaluate --actuals: the forecasts of one day against the sales that came later.

load helper

# table DAYS: items a and b, 2022-01-01 on, sales and amounts; a sells 10 + the day's number, b 20; on the last day but one b has no row.
table() {
    awk -v days="$1" 'BEGIN {
        print "date,item,brand,units,amounts"
        for (d = 0; d < days; d++) {
            day = strftime("%Y-%m-%d", 1640995200 + d * 86400, 1)
            printf "%s,a,x,%d,%d\n", day, 10 + d, 100
            if (d != 31) printf "%s,b,y,%d,%d\n", day, 20, 200
        }
    }'
}

series() { table "$1" >t.csv; ingest -q --id item --value units,amounts --missing nan t.csv -o "$2"; }

setup_file() {
    export dir=$BATS_FILE_TMPDIR
    cd "$dir"
    series 30 before.weft # to 2022-01-30
    score -q -m last=naive,week=mean:7 --horizon 5 -i before.weft -o f.weft
    series 31 day.weft
    series 33 three.weft
    shop shop.csv 120 24
    shop longer.csv 127 24
    ingest -q shop.csv -o shop.weft
    ingest -q longer.csv -o longer.weft
    window -q --lookback 14 --horizon 7 -i shop.weft | train-dlinear -q -o m.st
    score -q -m m.st --quantiles 0.1,0.9 -i shop.weft -o s.weft
}

setup() { cd "$dir"; }

# cell FILE COLUMN MODEL CHANNEL [STEP]
cell() {
    awk -F, -v name="$2" -v model="$3" -v channel="$4" -v step="$5" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["model"] == model && $at["channel"] == channel && (step == "" || $at["step"] == step) { print $at[name] }' "$1"
}

@test "known answers: one day of five, two models, two channels" {
    evaluate --actuals day.weft --format csv -i f.weft -o e.csv 2>err
    [ "$(wc -l <err)" -eq 1 ]
    grep -qx 'evaluate: 8 of 40 forecast values have an actual one, from 2022-01-31 to 2022-01-31' err
    # units of 2022-01-31: a 40, b 20. naive says 39 and 20; the mean of the last 7 days of a is 36.
    [ "$(cell e.csv n last units)" = 2 ]
    [ "$(cell e.csv wape last units)" = "$(awk 'BEGIN { printf "%.10g", 1 / 60 }')" ]
    [ "$(cell e.csv bias last units)" = -0.5 ]
    [ "$(cell e.csv wape week units)" = "$(awk 'BEGIN { printf "%.10g", 4 / 60 }')" ]
    [ "$(cell e.csv wape last amounts)" = 0 ]
    [ "$(cell e.csv part last units)" = latest ]
}

@test "three days, one of them missing; step by step; by item" {
    evaluate --actuals three.weft --per-step --format csv -i f.weft -o e.csv 2>err
    # b has no row on 2022-02-01, the second day.
    grep -qx 'evaluate: 20 of 40 forecast values have an actual one, from 2022-01-31 to 2022-02-02' err
    [ "$(cell e.csv n last units 1)$(cell e.csv n last units 2)$(cell e.csv n last units 3)$(cell e.csv n last units 4)" = 2120 ]
    [ "$(cell e.csv bias last units 2)" = -2 ]
    [ "$(cell e.csv bias last units 3)" = -1.5 ]
    [ -z "$(cell e.csv wape last units 4)" ]
    evaluate -q --actuals three.weft --by id --format csv -i f.weft -o e.csv
    [ "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } $at["model"] == "last" && $at["channel"] == "units" { print $at["name"] "=" $at["n"] "=" $at["bias"] }' e.csv | xargs)" = "a=3=-2 b=2=0" ]
    evaluate --actuals three.weft -i f.weft 2>/dev/null | grep -q '; 20 of 40 forecast values have an actual one, from 2022-01-31 to 2022-02-02'
}

@test "coverage of intervals, as of a test part" {
    # The same windows as the last one of a test part that ends there.
    window -q --lookback 14 --horizon 7 --split 99,21,7 -i longer.weft | score -q -m m.st --part test --quantiles 0.1,0.9 | evaluate --format csv >test.csv
    evaluate -q --actuals longer.weft --format csv -i s.weft -o now.csv
    for c in n wape bias coverage_80 width_80; do
        [ -n "$(cell now.csv $c dlinear units)" ]
        [ "$(cell now.csv $c dlinear units)" = "$(cell test.csv $c dlinear units)" ]
    done
}

@test "Prometheus text: one family in one piece, labels escaped" {
    evaluate -q --actuals three.weft --format prometheus -i f.weft -o e.prom
    grep -qx '# TYPE weft_wape gauge' e.prom
    [ "$(grep -c '^# TYPE' e.prom)" -eq "$(grep '^# TYPE' e.prom | sort -u | wc -l)" ]
    grep -qxF 'weft_bias{channel="units",part="latest",name="all",model="last"} -1.2' e.prom
    grep -qxF 'weft_values{channel="units",part="latest",name="all",model="last"} 5' e.prom
    ! grep -i nan e.prom || false
    evaluate -q --actuals longer.weft --format prometheus -i s.weft | grep -E '^weft_coverage\{.*model="dlinear",level="80"\} 0?\.?[0-9]+$'
    score -q -m 'a"b\c=naive' --horizon 5 -i before.weft | evaluate -q --actuals day.weft --format prometheus | grep -qF 'model="a\"b\\c"} '
    # Every line is a comment or a sample.
    ! grep -vE '^(# TYPE [a-z_0-9]+ gauge|[a-z_0-9]+(\{[^}]*\})? -?[0-9.e+-]+)$' e.prom || false
}

@test "no overlap, another step, other channels, other series: an error that says so, and nothing written" {
    bad() { run evaluate --actuals "$2" -i "$1" -o no.txt; [ ! -e no.txt ]; }
    bad f.weft before.weft
    [ "$status" -eq 65 ]
    [[ "$output" == *"the forecasts are for 2022-01-31 to 2022-02-04, and before.weft has no value of these days: it has 2022-01-01 to 2022-01-30; "* ]]
    one_line_each
    awk -F, -v OFS=, 'NR == 1 || $1 ~ /0[18]$|1[5]$|22$|29$/' t.csv >week.csv
    ingest -q --id item --value units --step week week.csv -o week.weft
    bad f.weft week.weft
    [ "$status" -eq 78 ]
    [[ "$output" == *"week.weft has steps of a week, and the forecasts have steps of a day"* ]]
    sed 's/units/visits/; s/amounts/clicks/' t.csv >v.csv
    ingest -q --id item --value visits,clicks v.csv -o v.weft
    bad f.weft v.weft
    [ "$status" -eq 78 ]
    [[ "$output" == *"no channel in common"* ]]
    aggregate --by brand -i three.weft -o brand.weft
    bad f.weft brand.weft
    [ "$status" -eq 65 ]
    [[ "$output" == *"brand.weft has none of the series that were forecast (the first: \"a\"); "* ]]
    bad f.weft f.weft
    [ "$status" -ne 0 ]
    bad f.weft nothing.weft
    [ "$status" -eq 66 ]
}

@test "only channels that both have; series that left; series that were left out" {
    table 33 | cut -d, -f1-4 | grep -v ',b,' >a.csv
    ingest -q --id item --value units a.csv -o a.weft
    evaluate --actuals a.weft --format csv -i f.weft -o e.csv 2>err
    grep -q '^evaluate: 6 of 20 forecast values' err
    grep -qx 'evaluate: 2 forecasts are of series that a.weft does not have' err
    grep -qx 'evaluate: 4 forecasts are of channels that a.weft does not have' err
    [ "$(cut -d, -f1 e.csv | sort -u | xargs)" = "channel units" ]
    sed '/2022-01-30,b/d' t.csv >gap.csv
    ingest -q --missing nan --id item --value units,amounts --to 2022-01-30 gap.csv -o gap.weft
    window -q --lookback 7 --horizon 5 -i before.weft | train-dlinear -q -o m7.st
    score -q -m m7.st -i gap.weft -o left.weft
    evaluate --actuals three.weft -i left.weft 2>/dev/null | grep -q '; 2 that score left out have none'
}
