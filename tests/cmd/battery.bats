#!/usr/bin/env bats
# battery.bats - what every program must stand, one check after the other. Tests marked "alone" have one thread only: the
# thread sanitizer has nothing to see there.

load helper

# name | stream it reads | command (reads standard input, writes standard output unless it writes $out)
table() {
    cat <<'T'
aggregate|series|aggregate --by major
covariates|series|covariates --weekday --holidays pipelines/holidays-kr.csv --csv $dir/plan.csv --ahead 7
window|series|window --lookback 14 --horizon 7
score|windows|score -m $dir/model.safetensors,naive --part test
evaluate|forecasts|evaluate --format json
reconcile|latest|reconcile --method bottom-up,wls
backtest|series|backtest --horizon 7 --origins 3 --by all,major --format csv
backtest-orders|series|backtest --orders -m $dir/model.safetensors --origins 3 --format frames
backtest-model|windows|backtest -m $dir/model.safetensors --origins 3 --per-step --format frames
backtest-refit|series|backtest --refit train-dlinear --lookback 14 --horizon 7 --origins 2 --format json
explain|windows|explain -m $dir/model.safetensors --near 1:2 --far 6:7 --format csv
explain-frames|windows|explain -m $dir/model.safetensors --near 1:2 --far 6:7 --format frames
rank|latest|rank --near 1:2 --far 6:7 --format csv
order|latest|order --stock $dir/stock.csv --lead-days 2 --review-days 3 --format csv
report|ranking|report --lang ko
frames|series|frames cat
frames-show|series|frames show
frames-check|series|frames check
frames-expand|windows|frames expand
train-dlinear|windows|train-dlinear -o $out
train-exog|planned-windows|train-dlinear -o $out
score-exog|planned|score -m $dir/planned.safetensors
train-dlinear-source|windows|train-dlinear -q --source $dir/windows.weft --by major -o $out
embed-text|products|embed-text --hash 64
encode-image|products|encode-image -m $dir/demand.safetensors --drop-image
train-demand|products|train-demand --no-image --no-name --epochs 2 -o $out
score-products|products|score -m $dir/demand.safetensors
evaluate-products|demand|evaluate --format json
rank-products|demand|rank --format csv
T
}

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    fixtures "$dir"
    garments "$dir"
    planned "$dir"
    awk 'BEGIN { print "id,on_hand"; for (p = 0; p < 24; p++) print p "," p * 9 }' >"$dir/stock.csv"
    rank -q --format frames -i "$dir/latest.weft" -o "$dir/ranking.weft"
}

setup() {
    out="$BATS_TEST_TMPDIR/out"
    export out
}

# each FUNCTION: calls FUNCTION name stream command for every row.
each() {
    local name stream command
    while IFS='|' read -r name stream command <&3; do
        "$1" "$name" "$stream" "$command" || { echo "failed for $name: $command"; return 1; }
    done 3< <(table)
}

programs() {
    ls "$BIN" | grep -v -e '^\.' -e '^weft$'
}

# bats test_tags=alone
@test "--help is on standard output, names the program, its options and two examples" {
    for p in $(programs); do
        run "$p" --help
        [ "$status" -eq 0 ]
        [[ "$output" == *"$p"* && "$output" == *"--help"* && "$output" == *xample* ]] || { echo "$p: $output"; false; }
        [ -z "$("$p" --help 2>&1 >/dev/null)" ]
    done
}

# bats test_tags=alone
@test "--version names weft and its libraries" {
    for p in $(programs); do
        run "$p" --version
        [ "$status" -eq 0 ]
        [[ "$output" == *"(weft)"* ]]
    done
}

# bats test_tags=alone
@test "an unknown option is one line and 64" {
    for p in $(programs); do
        run "$p" --no-such-option
        [ "$status" -eq 64 ] || { echo "$p: $status $output"; false; }
        [ "${#lines[@]}" -eq 1 ]
        [[ "$output" == "$p: "* ]]
    done
}

nothing() {
    pipe "$3 </dev/null >$out.text"
    [ "$status" -eq 76 ] && [ "${#lines[@]}" -eq 1 ] && [ ! -s "$out.text" -o -n "$(frames show <$out.text 2>&1 | grep stopped)" ]
}
# bats test_tags=alone
@test "no input at all: 76" {
    each nothing
}

closed_in() {
    pipe "$3 <&- >$out.text"
    [ "$status" -ne 0 ] && [ "$status" -lt 128 ] && [ "${#lines[@]}" -eq 1 ]
}
@test "standard input closed" {
    each closed_in
}

closed_out() {
    [[ $3 == *'-o $out'* || $1 == frames-check ]] && return 0
    pipe "$3 <$dir/$2.weft >&-"
    [ "$status" -eq 74 ] || { echo "status $status: $output"; return 1; }
}
@test "standard output closed: 74" {
    each closed_out
}

full() {
    [[ $3 == *'-o $out'* || $1 == frames-check ]] && return 0
    pipe "$3 <$dir/$2.weft >/dev/full"
    [ "$status" -eq 74 ] || { echo "status $status: $output"; return 1; }
    [ "${#lines[@]}" -eq 1 ]
}
@test "a full disk: 74" {
    each full
}

reader_gone() {
    [[ $3 == *'-o $out'* || $1 == frames-check ]] && return 0
    pipe "$3 <$dir/$2.weft | head -c 0; exit \${PIPESTATUS[0]}"
    # A small result fits the pipe before the reader is gone: then all is well.
    [ "$status" -eq 141 ] || [ "$status" -eq 0 ] || { echo "status $status: $output"; return 1; }
    [ -z "$output" ]
}
@test "a reader that goes away: quiet" {
    each reader_gone
}

@test "SIGPIPE inherited as ignored still ends a program" {
    shop "$BATS_TEST_TMPDIR/big.csv" 400 3000
    pipe "trap '' PIPE; ingest $BATS_TEST_TMPDIR/big.csv | head -c 100 >/dev/null; exit \${PIPESTATUS[0]}"
    [ "$status" -eq 141 ]
    [ -z "$output" ]
}

same_threads() {
    rm -f $out
    pipe "$3 --threads 1 <$dir/$2.weft >$out.1"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    [ ! -e "$out" ] || mv "$out" "$out.1"
    pipe "$3 --threads 2 <$dir/$2.weft >$out.2"
    [ "$status" -eq 0 ] || return 1
    [ ! -e "$out" ] || mv "$out" "$out.2"
    cmp "$out.1" "$out.2"
}
@test "the same bytes for one and two threads, and from run to run" {
    each same_threads
}

cut_everywhere() {
    local size step n
    size=$(stat -c %s "$dir/$2.weft")
    step=$((size / ${CUTS:-25} + 1))
    for ((n = 0; n < size; n += step)); do
        rm -f "$out" "$out.file"
        echo old >"$out"
        pipe "head -c $n $dir/$2.weft | $3 >$out.text"
        [ "$status" -eq 76 ] || [ "$status" -eq 65 ] || { echo "cut at $n: $status $output"; return 1; }
        [ "$(cat "$out")" = old ] || { echo "cut at $n: the old file is gone"; return 1; }
    done
    ! ls "$BATS_TEST_TMPDIR"/*.tmp* 2>/dev/null || false
}
@test "a stream cut short anywhere: not zero, the old output stays, no temporary file" {
    each cut_everywhere
}

flipped() {
    local size n byte
    size=$(stat -c %s "$dir/$2.weft")
    for n in 3 $((size / 7)) $((size / 3)) $((size / 2)) $((size - 40)) $((size - 3)); do
        [ "${CUTS:-25}" -gt 2 ] || [ "$n" = 3 ] || [ "$n" = $((size / 2)) ] || continue
        cp "$dir/$2.weft" "$out.bad"
        byte=$(od -An -tu1 -j "$n" -N 1 "$out.bad" | tr -d ' ')
        printf "\\x$(printf %02x $((byte ^ 16)))" | dd of="$out.bad" bs=1 seek="$n" conv=notrunc status=none
        echo old >"$out"
        pipe "$3 <$out.bad >$out.text"
        [ "$status" -ge 64 ] || [ "$status" -eq 1 ] || { echo "bit flipped at $n: $status"; return 1; }
        [ "$status" -lt 128 ] || { echo "bit flipped at $n: $status"; return 1; }
        [ "$(cat "$out")" = old ]
    done
}
@test "one bit flipped: refused" {
    each flipped
}

wrong_schema() {
    [[ $1 == frames* && $1 != frames-expand ]] && return 0
    local other=forecasts
    [[ $2 == forecasts || $2 == latest || $2 == demand ]] && other=series
    pipe "$3 <$dir/$other.weft >$out.text"
    [ "$status" -eq 65 ] && [ "${#lines[@]}" -eq 1 ] && [[ "$output" == *"$other"* ]]
}
# bats test_tags=alone
@test "a stream of another schema: 65, and it says which" {
    each wrong_schema
}

fault_above() {
    printf '\x81\xa5fault\x83\xa7program\xa6ingest\xa4exit\x41\xa7message\xa3bad' >"$out.fault"
    pipe "$3 <$out.fault >$out.text"
    [ "$status" -eq 76 ] && [[ "$output" == *"ingest failed (65)"* ]] && [ "${#lines[@]}" -eq 1 ]
}
@test "a fault from above: 76, and the culprit is named" {
    each fault_above
}

killed_above() {
    pipe "{ head -c 2000 $dir/$2.weft; kill -9 \$BASHPID; } 2>/dev/null | $3 >$out.text"
    [[ "$output" == *"stopped"* ]] && [ "$status" -ne 0 ] && one_line_each && [ ! -e "$out" ]
}
@test "the program above killed: not zero, its name is said" {
    each killed_above
}

twice() {
    pipe "cat $dir/$2.weft $dir/$2.weft | $3 >$out.text"
    # Programs that add series up say that each came twice: read as one stream it was, all the same.
    [ "$status" -eq 0 ] || [[ "$status" -eq 65 && "$output" == *twice* ]] || { echo "$status $output"; return 1; }
}
@test "two whole streams, one behind the other, are one" {
    each twice
}

@test "two streams of other attrs: refused, frames cat is named" {
    pipe "cat $dir/series.weft <(aggregate --by all -i $dir/series.weft) | frames count"
    [ "$status" -eq 65 ]
    [[ "$output" == *"frames cat"* ]]
}

empty_stream() {
    frames head -n 0 -i "$dir/$2.weft" >"$out.empty" 2>/dev/null || frames head -n 0 "$dir/$2.weft" >"$out.empty"
    pipe "$3 <$out.empty >$out.text"
    [ "$status" -eq 0 ] || [ "$status" -eq 65 ] || { echo "$status $output"; return 1; }
    [ "$status" -eq 0 ] || [ "${#lines[@]}" -eq 1 ]
}
@test "an empty stream: an empty result or one clear line" {
    each empty_stream
}

# bats test_tags=alone
@test "a terminal is no place for a stream" {
    script -qec true /dev/null >/dev/null 2>&1 || skip "skipped: no script(1), or no terminal to be had"
    run script -qec "window --lookback 14 --horizon 7 -i $dir/series.weft" /dev/null
    [ "$status" -eq 64 ]
    [[ "$output" == *terminal* ]]
}

# bats test_tags=alone
@test "CSV into a filter: it says to use ingest" {
    pipe "window --lookback 14 --horizon 7 <$dir/shop.csv"
    [ "$status" -eq 65 ]
    [[ "$output" == *ingest* ]]
}

schema_fits() {
    [[ $1 == frames-show || $1 == frames-check || $1 == frames-expand || $1 == report || $3 == *--format* || $3 == *'-o $out'* ]] && return 0
    pipe "$3 <$dir/$2.weft | frames check"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
}
# bats test_tags=alone
@test "what every program emits fits its schema" {
    each schema_fits
    for s in series windows planned planned-windows forecasts latest products demand ranking; do frames check "$dir/$s.weft"; done
    evaluate --format frames -i "$dir/forecasts.weft" | frames check
    evaluate --format frames -i "$dir/demand.weft" | frames check
    rank --near 1:2 --far 6:7 --history "$dir/series.weft" --format frames -i "$dir/latest.weft" | frames check
    explain -m "$dir/model.safetensors" --lags --format frames -i "$dir/windows.weft" | frames check
}

# bats test_tags=alone
@test "show and from-json are inverses" {
    for s in series windows planned forecasts products demand; do
        pipe "frames show $dir/$s.weft | frames from-json | frames show"
        [ "$status" -eq 0 ]
        diff <(frames show "$dir/$s.weft" | sed '1d;$d') <(sed '1d;$d' <<<"$output")
    done
}

@test "an existing output survives a failure, and no temporary file stays" {
    echo old >"$out.weft"
    run window --lookback 14 --horizon 7 -o "$out.weft" -i /nonexistent
    [ "$status" -eq 66 ]
    [ "$(cat "$out.weft")" = old ]
    run bash -c "head -c 3000 $dir/series.weft | window --lookback 14 --horizon 7 -o $out.weft"
    [ "$status" -eq 76 ]
    [ "$(cat "$out.weft")" = old ]
    [ "$(ls "$BATS_TEST_TMPDIR" | wc -l)" -eq 1 ]
}

# bats test_tags=alone
@test "-o to a device writes to it and leaves it a device; behind a link the file is replaced" {
    window --lookback 14 --horizon 7 -i "$dir/series.weft" -o /dev/null
    [ -c /dev/null ]
    run window --lookback 14 --horizon 7 -i "$dir/series.weft" -o /dev/full
    [ "$status" -eq 74 ]
    ln -s target.weft "$BATS_TEST_TMPDIR/link.weft"
    echo old >"$BATS_TEST_TMPDIR/target.weft"
    window --lookback 14 --horizon 7 -i "$dir/series.weft" -o "$BATS_TEST_TMPDIR/link.weft"
    [ -L "$BATS_TEST_TMPDIR/link.weft" ]
    frames check "$BATS_TEST_TMPDIR/target.weft"
}

# bats test_tags=alone
@test "a directory that is not there: 73" {
    run window --lookback 14 --horizon 7 -i "$dir/series.weft" -o /nonexistent/x.weft
    [ "$status" -eq 73 ]
}
