#!/usr/bin/env bats
# intervals.bats - intervals promise what the errors know: a level that needs more errors than there are has no bound.

load helper

# noise GROUPS SERIES DAYS: series of normal noise around 100, deterministic.
noise() {
    awk -v groups="$1" -v series="$2" -v days="$3" 'BEGIN {
        srand(7)
        printf "id,shop"
        for (d = 0; d < days; d++) printf ",%s", strftime("%Y-%m-%d", 1672617600 + d * 86400, 1)
        print ""
        for (g = 0; g < groups; g++)
            for (k = 0; k < series; k++) {
                printf "s%d_%d,g%d", g, k, g
                for (d = 0; d < days; d++) printf ",%d", 100 + 10 * sqrt(-2 * log(1 - rand())) * cos(6.283185307 * rand())
                print ""
            }
    }'
}

# coverage FILE: coverage of 80, 90 and 99 % of evaluate's first row; "-" where there is none.
coverage() {
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 {
        split("80 90 99", level, " ")
        for (k = 1; k <= 3; k++) { c = at["coverage_" level[k]]; printf "%s%s", c && $c != "" ? 100 * $c : "-", k < 3 ? " " : "\n" }
    }' "$1"
}

# measure WINDOWS SERIES: coverage of noise by a model that has so many validation windows of so many series, 60 groups by themselves.
measure() {
    noise 60 "$2" $((150 + $1 + 6 + 60)) >n.csv
    ingest -q n.csv | window -q --lookback 14 --horizon 7 --split "150,$(($1 + 6)),60" -o w.weft
    train-dlinear -q --by store -i w.weft -o m.st
    score -m m.st --part test --quantiles 0.005,0.05,0.1,0.9,0.95,0.995 -i w.weft -o f.weft 2>err
    evaluate --format csv -i f.weft -o e.csv
    coverage e.csv
}

near() { awk -v x="$1" -v y="$2" -v most="$3" 'BEGIN { d = x - y; exit !(d >= -most && d <= most) }' || { echo "$1, and not $2"; false; }; }

setup() { cd "$BATS_TEST_TMPDIR"; }

@test "four errors: no bound for 80, 90 or 99 %, said once, and no coverage of what is not there" {
    [ "$(measure 4 1)" = "- - -" ]
    [ "$(wc -l <err)" -eq 1 ]
    grep -q 'score: dlinear: no bound at q0.005, q0.05, q0.1, q0.9, q0.95, q0.995 in 60 of 60 frames: the model keeps 4 validation errors, and 199 are needed; ' err
    frames check f.weft
    frames csv f.weft | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["q0_1"] != "" || $at["forecast"] == "" { bad++ } END { exit bad > 0 }'
    evaluate -i f.weft | grep -q 'have no bound for 99%: at most 4 validation errors, and 199 are needed'
}

@test "noise: coverage is nominal where there are errors enough, else there is none" {
    read -r a b c < <(measure 10 1)
    near "$a" 80 4
    [ "$b $c" = "- -" ]
    read -r a b c < <(measure 20 1)
    near "$a" 80 4
    near "$b" 90 3
    [ "$c" = - ]
    read -r a b c < <(measure 40 5)
    near "$a" 80 3
    near "$b" 90 3
    near "$c" 99 1
}

@test "a median and one bound of two: as far as the errors go" {
    measure 4 1
    score -m m.st --part test --quantiles 0.25,0.5,0.9 -i w.weft 2>err | evaluate --format csv >e.csv
    grep -q 'no bound at q0.9 in 60 of 60 frames: the model keeps 4 validation errors, and 9 are needed' err
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 { exit !($at["below_25"] > 0.1 && !($at["below_90"] > 0)) }' e.csv
}
