#!/usr/bin/env bats
# flow.bats - whole pipelines: what they give, and what happens when something breaks in the middle.

load helper

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    fixtures "$dir"
    shop "$dir/large.csv" 459 4000
}

setup() {
    out="$BATS_TEST_TMPDIR/out"
}

@test "from CSV to a ranking" {
    pipe "ingest $dir/shop.csv | aggregate --by minor | window --lookback 14 --horizon 7 | train-dlinear -o $out.safetensors"
    [ "$status" -eq 0 ]
    pipe "ingest $dir/shop.csv | aggregate --by minor | score -m $out.safetensors | rank --near 1:2 --far 6:7 --format csv"
    [ "$status" -eq 0 ]
    [ "$(wc -l <<<"$output")" -gt 3 ]
    ! grep -qiE 'nan|inf' <<<"$output" || false
}

@test "lineage says how a file was made, and nothing of paths and threads" {
    frames show "$dir/forecasts.weft" | head -n 1 >"$out"
    jq -e '.lineage | map(.program) == ["ingest","window","score"]' "$out"
    jq -e '.lineage[1].args.lookback == "14"' "$out"
    ! grep -qE 'threads|/tmp|BATS' "$out" || false
}

@test "lineage holds arguments whole, and all of them" {
    # A name of thirty Korean words is longer than half a kilobyte, and twenty-four models are more than any small table holds.
    long=$(printf '대분류상품%.0s' $(seq 60))
    sed "1s/,제품,/,$long,/" "$dir/shop.csv" >"$out.csv"
    ingest -q --keys "$long,대분류" "$out.csv" -o "$out.weft"
    frames show "$out.weft" | head -n 1 | jq -e --arg long "$long" '.lineage[0].args.keys == $long + ",대분류"'
    models=$(printf 'naive,%.0s' $(seq 23))mean:7
    score -q -m "$models" --horizon 2 -i "$dir/series.weft" | frames show | head -n 1 >"$out"
    jq -e '[.lineage[-1].args | to_entries[] | select(.key | startswith("model"))] | length == 24' "$out"
    jq -e '.lineage[-1].args["model-24"] == "mean:7"' "$out"
}

# Kills program $1 of a running pipeline; the rest must end by itself, non-zero, with no result. Our end of the pipe stays open until then, so that
# the stream is not over, and cat ends when nearly all of it has been read: nothing here waits for a time.
kill_one() {
    local victim=$1 pid= status feed
    mkfifo "$BATS_TEST_TMPDIR/feed"
    echo old >"$out.safetensors"
    bash -o pipefail -c "ingest --layout wide - <$BATS_TEST_TMPDIR/feed 2>$out.1 | aggregate --by minor,id 2>$out.2 | window --lookback 30 --horizon 10 2>$out.3 |
        train-dlinear -o $out.safetensors 2>$out.4; echo \"\${PIPESTATUS[*]}\" >$out.status" 3>&- &
    whole=$!
    exec {feed}>"$BATS_TEST_TMPDIR/feed"
    cat "$dir/large.csv" >&$feed
    until [ -n "$pid" ]; do pid=$(pgrep -P "$whole" -x -f "^$victim .*" | head -n 1 || true); done
    kill -9 "$pid"
    exec {feed}>&-
    wait $whole || true
    read -r -a status <"$out.status"
    [ "$(cat "$out.safetensors")" = old ]
    [ "${status[3]}" -ne 0 ]
    cat "$out".?
}

@test "kill -9 on ingest: everything below fails and says so, the old model stays" {
    run kill_one ingest
    [ "$status" -eq 0 ]
    [[ "$output" == *"stopped"* ]]
}

@test "kill -9 on aggregate" {
    run kill_one aggregate
    [ "$status" -eq 0 ]
    [[ "$output" == *"stopped"* ]]
}

@test "kill -9 on window" {
    run kill_one window
    [ "$status" -eq 0 ]
    [[ "$output" == *"stopped"* ]]
}

@test "kill -9 on the trainer: no model, the old one stays, no temporary file" {
    run kill_one train-dlinear
    [ "$status" -eq 0 ]
    ! ls "$BATS_TEST_TMPDIR"/*.tmp* 2>/dev/null || false
}

@test "a full disk (small tmpfs): 74, no result, no temporary file" {
    [ "$(id -u)" -eq 0 ] || skip "needs root for a tmpfs"
    mkdir "$BATS_TEST_TMPDIR/small"
    mount -t tmpfs -o size=64k tmpfs "$BATS_TEST_TMPDIR/small" || skip "can't mount a tmpfs here"
    run window --lookback 14 --horizon 7 -i "$dir/series.weft" -o "$BATS_TEST_TMPDIR/small/ok.weft"
    first=$status
    pipe "ingest $dir/large.csv | window --lookback 30 --horizon 10 -o $BATS_TEST_TMPDIR/small/w.weft"
    left=$(ls -A "$BATS_TEST_TMPDIR/small")
    umount "$BATS_TEST_TMPDIR/small"
    [ "$first" -eq 0 ]
    [ "$status" -ne 0 ]
    [[ "$output" == *"o space left"* ]]
    [ "$left" = ok.weft ]
}

@test "the culprit is the only program that tells its reason" {
    printf 'ID,2022-01-01,2022-01-02\na,1,x\n' >"$out.csv"
    pipe "ingest $out.csv | aggregate --by all | window --lookback 1 --horizon 1 | train-dlinear -o $out.safetensors"
    [ "$status" -eq 76 ]
    [[ "$output" == *"$out.csv:2:"* ]]
    [ "$(grep -c 'ingest failed (65)' <<<"$output")" -eq 3 ]
    [ ! -e "$out.safetensors" ]
}

@test "a model of another kind, cut short, or no model at all" {
    head -c 300 "$dir/model.safetensors" >"$out.cut"
    for m in "$dir/series.weft" "$out.cut" /dev/null /nonexistent; do
        run score -m "$m" -i "$dir/windows.weft" -o "$out.weft"
        [ "$status" -ge 64 ] && [ "$status" -lt 80 ]
        [ "${#lines[@]}" -eq 1 ]
        [ ! -e "$out.weft" ]
    done
}

@test "a lookback longer than every series is refused with both numbers" {
    run window --lookback 500 --horizon 7 -i "$dir/series.weft" -o "$out.weft"
    [ "$status" -eq 78 ]
    [[ "$output" == *500* && "$output" == *120* ]]
}

@test "a step-wise interrupted program leaves nothing behind" {
    mkfifo "$BATS_TEST_TMPDIR/feed"
    window --lookback 14 --horizon 7 -i "$BATS_TEST_TMPDIR/feed" -o "$out.weft" 3>&- &
    pid=$!
    exec {feed}>"$BATS_TEST_TMPDIR/feed" # once window has opened its end
    head -c 5000 "$dir/series.weft" >&$feed
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    exec {feed}>&-
    [ "$status" -eq $((128 + 15)) ]
    [ ! -e "$out.weft" ]
    ! ls "$BATS_TEST_TMPDIR"/*.tmp* 2>/dev/null || false
}
