#!/usr/bin/env bats
# baselines.bats - score's baselines for items that sell now and then.

load helper

# An item that sells every fourth day, one that never sold, one with returns.
lumpy() {
    awk 'BEGIN {
        printf "id"
        for (d = 0; d < 100; d++) printf ",%s", strftime("%Y-%m-%d", 1640995200 + d * 86400, 1)
        print ""
        for (p = 0; p < 3; p++) {
            printf "%s", substr("abc", p + 1, 1)
            for (d = 0; d < 100; d++) printf ",%d", p == 1 ? 0 : d % 4 == 3 ? 5 + p : p == 2 && d % 10 == 0 ? -1 : 0
            print ""
        }
    }' >"$1"
}

@test "croston, sba and tsb: from the end of the series, flat, 0 where nothing was sold" {
    lumpy "$BATS_TEST_TMPDIR/l.csv"
    cd "$BATS_TEST_TMPDIR"
    pipe "ingest -q l.csv | score -m croston,sba:0.2,tsb:0.3:0.1 --horizon 3 | frames csv"
    [ "$status" -eq 0 ]
    got() { awk -F, -v id="$1" -v model="$2" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } $at["id"] == id && $at["model"] == model { print $at["forecast"] }' <<<"$output" | sort -u; }
    [ "$(got a croston)" = 1.25 ]
    [ "$(got a sba:0.2)" = 1.125 ]
    [ "$(got b tsb:0.3:0.1)" = 0 ]
    [ "$(got b croston)" = 0 ]
    [ "$(got c croston)" = 1.75 ]
}

@test "a window of the test part is forecast from the whole history before it" {
    lumpy "$BATS_TEST_TMPDIR/l.csv"
    cd "$BATS_TEST_TMPDIR"
    # The last window's origin is day 98 of 100: 2022-04-09.
    cells() { awk -F, '$5 == "2022-04-09" { print $1, $2, $6, $8 }'; }
    ingest -q l.csv | window -q --lookback 7 --horizon 2 | score -m croston,tsb --part test | frames csv | cells >part
    ingest -q l.csv --to 2022-04-08 | score -m croston,tsb --horizon 2 | frames csv | cells >latest
    [ "$(wc -l <part)" -eq 12 ]
    diff part latest
}

@test "a rate that is none: 64, and the form is said" {
    pipe "score -m tsb:2 --horizon 2 </dev/null"
    [ "$status" -ne 0 ]
    lumpy "$BATS_TEST_TMPDIR/l.csv"
    pipe "ingest -q $BATS_TEST_TMPDIR/l.csv | score -m tsb:2 --horizon 2"
    [ "$status" -eq 64 ]
    [[ "$output" == *"tsb:0.1:0.1"* ]]
}

@test "models of one name are told apart: naive, naive-2, naive-3" {
    lumpy "$BATS_TEST_TMPDIR/l.csv"
    pipe "ingest -q $BATS_TEST_TMPDIR/l.csv | score -q -m naive,naive,naive --horizon 1 | frames show | jq -r 'select(.model).model' | sort -u | tr '\n' ' '"
    [ "$output" = "naive naive-2 naive-3 " ]
}

@test "quantiles without validation errors: said, and the way out" {
    lumpy "$BATS_TEST_TMPDIR/l.csv"
    cd "$BATS_TEST_TMPDIR"
    pipe "ingest -q l.csv | window -q --lookback 7 --horizon 2 --split 0.8,0,0.2 | train-dlinear -q -o m.st"
    [ "$status" -eq 0 ]
    pipe "ingest -q l.csv | score -m m.st --quantiles 0.5 2>&1 >/dev/null"
    [ "$status" -eq 0 ]
    [[ "$output" == *"keeps no validation errors, so it gives no quantiles; train it with a validation part"* ]]
}
