#!/usr/bin/env bats
# bench.bats - the measurements run to their end and leave nothing; what they measure is not judged here.

@test "a short make bench says every line" {
    mkdir "$BATS_TEST_TMPDIR/tmp"
    TMPDIR="$BATS_TEST_TMPDIR/tmp" run tests/bench/bench.sh --short
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    for what in 'wide CSV .*: ingest ' 'train-dlinear' 'long CSV' 'scatter \| work' 'LSTM' 'ResNet18 f32' 'BERT-base f32' 'DLinear .*exact'; do
        grep -qE "$what.* [0-9.]*[1-9]" <<<"$output" || { echo "no line of $what"; echo "$output"; false; }
    done
    [ -z "$(ls -A "$BATS_TEST_TMPDIR/tmp")" ]
}
