#!/usr/bin/env bats
# daily.bats - daily.sh: fourteen days on which everything goes wrong with the dumps, and a kill at every step.

setup_file() {
    export dir="$BATS_FILE_TMPDIR" daily="$PWD/pipelines/daily.sh" forecast="$PWD/pipelines/forecast.sh" WEFT_BIN="$BIN"
    "$BUILD/gen/shop" --products 24 --days 84 --layout long >"$dir/all.csv" # 2022-01-01 to 2022-03-25
    export read="--layout long --id id --keys major,middle --value units" small="--by major --lookback 14 --horizon 7"
    days 2022-01-01 2022-03-11 >"$dir/history.csv"
    # A directory with the history and one day, to begin with.
    "$daily" -d "$dir/begun" $small --ingest "$read" --history "$dir/history.csv"
}

# days FROM TO: the rows of these days.
days() {
    awk -F, -v from="$1" -v to="$2" 'NR == 1 || ($1 >= from && $1 <= to)' "$dir/all.csv"
}
day() {
    days "2022-03-$1" "2022-03-$1" >"$1.csv"
}
# take DAY FILE [OPTION...]: a nightly run.
take() {
    run "$daily" -d state --date "2022-03-$1" "${@:2}"
}
ok() {
    take "$@"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
}
refused() { # TEXT DAY FILE...
    take "${@:2}"
    [ "$status" -eq 65 ] && [[ "$output" == *"$1"* ]] || { echo "$status $output"; false; }
}
events() { # NAME: how many, in the log and in the metrics
    [ "$(awk -v e="$1" '$2 == e' state/log | wc -l)" -eq "$2" ] && grep -Fxq "weft_daily_events_total{event=\"$1\"} $2" state/metrics.prom || { cat state/log; false; }
}
# The results of a day are those of the whole history at once.
same_as_at_once() { # DAY [OPTION...]
    days 2022-01-01 "2022-03-$1" >true.csv
    "$daily" -d once $small --ingest "$read" --date "2022-03-$1" "${@:2}" true.csv
    cmp "state/results/2022-03-$1/ranking.csv" "once/results/2022-03-$1/ranking.csv"
    cmp "state/results/2022-03-$1/forecasts.csv" "once/results/2022-03-$1/forecasts.csv"
}

@test "fourteen days: missing, late, corrected, overlapping, empty, doubled, yesterday's again; the last day is that of the true history" {
    cd "$BATS_TEST_TMPDIR"
    cp -a "$dir/begun" state
    for d in 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do day $d; done
    ok 12 12.csv
    awk -F, -v OFS=, 'NR > 1 { $8 += 5 } 1' 13.csv >wrong.csv
    ok 13 wrong.csv
    ok 15 15.csv
    [[ "$output" == *"missing: 2022-03-14;"* ]]
    refused "is the dump of 2022-03-15 again" 16 15.csv
    ok 16 16.csv
    [[ "$output" == *"missing: 2022-03-14;"* ]]
    grep -Fxq 'weft_daily_missing_day{day="2022-03-14"} 1' state/metrics.prom
    ok 16 16.csv
    [[ "$output" == *"done already"* ]]
    cp state/results/2022-03-12/ranking.csv before.csv
    ok 14 14.csv # late
    [[ "$output" != *missing* ]]
    [ "$(readlink state/results/latest)" = 2022-03-16 ]
    cmp before.csv state/results/2022-03-12/ranking.csv # an earlier result does not stand on it
    ok 17 17.csv
    head -n 1 18.csv >empty.csv
    refused "empty.csv has no row" 18 empty.csv
    ok 18 18.csv
    ok 13 13.csv # corrected
    days 2022-03-17 2022-03-19 >three.csv
    ok 19 three.csv
    for d in 20 21 22 23 24 25; do ok $d $d.csv; done
    same_as_at_once 25
    events missing 1 && events late 1 && events corrected 1 && events overlapping 1 && events empty 1 && events doubled 2 && events refused 2
    events recomputed 8 # 15 and 16 after the late dump, 13 to 18 after the corrected one
    grep -Fxq "weft_daily_missing_days 0" state/metrics.prom
    [ "$(awk -F, 'NR > 1' state/accuracy.csv | wc -l)" -eq 14 ] # a result a day and the history's, but for the newest
}

# A directory of programs that count themselves, and kill the whole run when number $KILL starts.
killers() { # DIR
    local p
    mkdir -p "$1"
    for p in ingest covariates aggregate window train-dlinear score explain evaluate rank frames mv cp rm mkdir sync find sort sha256sum ln; do
        printf '#!/bin/bash\nprintf . >>"$COUNT"\nn=$(<"$COUNT")\n[ "${#n}" -lt "${KILL:-1000000}" ] || kill -9 0\nPATH=$REAL exec %s "$@"\n' "$p" >"$1/$p"
    done
    chmod +x "$1"/*
}
# Everything that a directory holds, but for a dump that came again because it was killed after it had been taken.
contents() {
    (cd "$1" && find . -type f ! -name .lock ! -path './.work/*' ! -name log ! -name metrics.prom -exec sha256sum {} + | sort -k 2; readlink results/latest
     grep -v ' doubled ' log; grep -v '"doubled"' metrics.prom; ls -A results)
}

@test "kill -9 at twenty moments, and again with the same dump: as if nothing had been" {
    cd "$BATS_TEST_TMPDIR"
    day 12 && day 13
    awk -F, -v OFS=, 'NR > 1 { $8 += 5 } 1' 12.csv >wrong.csv
    # The model is that of the week, so that a run is short: the steps are the same.
    "$daily" -d before $small --retrain weekly --ingest "$read" --date 2022-03-12 --history "$dir/history.csv" wrong.csv
    "$daily" -d before --date 2022-03-13 13.csv
    # The run that is killed corrects a day: two results take the places of others.
    cp 12.csv corrected.csv
    killers "$PWD/bin"
    export COUNT=$PWD/count REAL=$PATH
    cp -a before never
    : >count
    WEFT_BIN=$PWD/bin setsid -w "$daily" -d never --date 2022-03-12 corrected.csv
    n=$(wc -c <count)
    contents never >right
    contents before >left
    committed=0 open=0
    for k in $(seq 1 20); do
        rm -rf state && cp -a before state
        : >count
        KILL=$((n * k / 20)) WEFT_BIN=$PWD/bin setsid -w "$daily" -d state --date 2022-03-12 corrected.csv >/dev/null 2>&1 || true
        # Until the commit has its name nothing has changed; then all that is left are renames.
        if [ -e state/.next ]; then
            committed=$((committed + 1))
        elif ! contents state | diff -q - right >/dev/null; then
            open=$((open + 1))
            rm -rf state/.next.part
            contents state | diff - left
        fi
        "$daily" -d state --date 2022-03-12 corrected.csv
        contents state | diff - right || { echo "killed at $((n * k / 20)) of $n"; false; }
    done
    echo "# $n programs; killed before the commit $open times, among its renames $committed times" >&3
    [ "$open" -gt 0 ] && [ "$committed" -gt 0 ]
}
