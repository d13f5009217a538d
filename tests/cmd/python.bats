#!/usr/bin/env bats
# python.bats - weft.py reads and writes streams and forecasts as score does; the ONNX model does too. With /usr/bin/python3, numpy and msgpack.
load helper

setup_file() {
    export tree=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    export dir=$BATS_FILE_TMPDIR python=/usr/bin/python3
    fixtures "$dir" 2>/dev/null
}

setup() {
    "$python" -c 'import msgpack, numpy' 2>/dev/null || skip "skipped: no numpy or msgpack in $python (Debian: python3-numpy python3-msgpack)"
    cd "$BATS_TEST_TMPDIR"
    export PYTHONPATH=$tree/python PYTHONDONTWRITEBYTECODE=1
}

# models: NAME SCALE OPTIONS of train-dlinear, tab between them; every norm, scale and way to train.
models() {
    local scale norm
    for scale in none standard minmax; do
        for norm in none last mean auto; do printf '%s\t%s\t%s\n' "$norm-$scale" $scale "--norm $norm"; done
        printf '%s\t%s\t%s\n' "tune-$scale" $scale --tune "adam-$scale" $scale "--solver adam --epochs 2 --norm last" "kernel-$scale" $scale "--kernel 5 --solver adam --epochs 1" \
            "major-$scale" $scale "--by major" "id-$scale" $scale --individual "refit-$scale" $scale "--tune --refit --lookback auto"
        for norm in source own pooled ridge; do printf '%s\t%s\t%s\n' "$norm-$scale" $scale "--source $scale-major.weft --transfer $norm --by major"; done
    done
}

@test "Linear forecasts as score does, within 1e-5, on every norm, scale, solver and transfer; so does its ONNX model" {
    for scale in none standard minmax; do
        window -q --lookback 14 --horizon 7 --scale $scale "$dir/series.weft" -o $scale.weft
        aggregate -q --by major "$dir/series.weft" | window -q --lookback 14 --horizon 7 --scale $scale -o $scale-major.weft
    done
    modules=${NODE_PATH:-$tree/node_modules}
    onnx=$([ -d "$modules/onnxruntime-node" ] && command -v node || true)
    while IFS=$'\t' read -r name scale options; do
        train-dlinear -q $options $scale.weft -o m.st 2>/dev/null || { echo "train-dlinear $options"; false; }
        # A windows stream brings its scale; a series has none, and is scaled by all of it.
        for of in $scale.weft "$dir/series.weft"; do
            score -q -m m.st "$of" -o f.weft
            "$python" "$tree/tests/reference/check_linear.py" "$tree/python" m.st "$of" f.weft rows.json >said
            read -r n worst <said
            [ "$n" -eq 24 ] && awk -v w="$worst" 'BEGIN { exit !(w < 1e-5) }' || { echo "$name $of: $(<said)"; false; }
            [ "$of" = $scale.weft ] && [ "${options#*--by}" = "$options" ] && [ "${options#*--indi}" = "$options" ] || continue
            "$python" "$tree/python/linear_to_onnx.py" m.st m.onnx
            [ -z "$onnx" ] || node "$tree/tests/peer/onnx.mjs" m.onnx rows.json "$(dirname "$modules")" >said
            read -r n worst <said
            awk -v w="$worst" 'BEGIN { exit !(w < 1e-5) }' || { echo "$name, ONNX: $(<said)"; false; }
        done
    done < <(models)
    [ -n "$onnx" ] || skip "skipped in part: no onnxruntime-node under NODE_PATH, the ONNX models were written but not run"
}

@test "an ONNX model of one group among several is that group's; which one must be said" {
    train-dlinear -q --by major --solver adam --epochs 1 "$dir/windows.weft" -o m.st # each begins with weights of its own
    run "$python" "$tree/python/linear_to_onnx.py" m.st m.onnx
    [ "$status" -eq 1 ] && [[ "$output" == *"which group? The model has B000-C001, B001-C001, B002-C001" ]] && [ ! -e m.onnx ]
    for g in B000 B002; do "$python" "$tree/python/linear_to_onnx.py" m.st $g.onnx $g-C001; done
    ! cmp -s B000.onnx B002.onnx || false
    if "$python" -c 'import onnx' 2>/dev/null; then "$python" -c 'import onnx; onnx.checker.check_model(onnx.load("B000.onnx"))'; fi
}

@test "read gives every frame as it comes, and refuses what is damaged, cut short or failed above" {
    # The first frame is there before the second is written.
    timeout 60 bash -c '{ head -c 3000 "$1"; sleep 1000; } | "$2" -c "
import sys, weft
head, frames = weft.read(sys.stdin.buffer)
print(head[\"schema\"], next(frames)[\"id\"])"' x "$dir/series.weft" "$python" >said & wait_for=$!
    for _ in $(seq 300); do [ -s said ] && break; sleep 0.1; done
    [ "$(<said)" = "series/1 0" ]
    kill $wait_for 2>/dev/null || true
    pkill -P $wait_for 2>/dev/null || true
    count() { "$python" -c 'import sys, weft; print(len(list(weft.read(open(sys.argv[1], "rb"))[1])))' "$1"; }
    [ "$(count "$dir/series.weft")" = 24 ]
    size=$(stat -c %s "$dir/series.weft")
    for at in 10 300 $((size / 2)) $((size - 40)) $((size - 1)); do
        head -c $at "$dir/series.weft" >cut.weft
        run count cut.weft
        [ "$status" -ne 0 ] && [[ "$output" == *ValueError* ]] || { echo "$at: $output"; false; }
    done
    { head -c $((size / 2)) "$dir/series.weft"; printf '\x01'; tail -c +$((size / 2 + 2)) "$dir/series.weft"; } >bad.weft
    run count bad.weft
    [ "$status" -ne 0 ]
    ingest "$dir/shop.csv" | { timeout 60 score -q -m naive --horizon 0 2>/dev/null || true; } >fault.weft
    ingest "$dir/none.csv" >fault.weft 2>/dev/null || true
    run count fault.weft
    [ "$status" -ne 0 ] && [[ "$output" == *ValueError* ]]
}

@test "write makes a stream that programs take: the same frames, its own place in lineage and counts" {
    "$python" -c '
import sys, weft
with open(sys.argv[1], "rb") as f, open("again.weft", "wb") as g:
    head, frames = weft.read(f)
    weft.write(g, head, frames)' "$dir/series.weft"
    frames check again.weft
    diff <(frames csv again.weft) <(frames csv "$dir/series.weft")
    [[ "$(frames count again.weft)" == *"weft.py"*"24 in"*"24 out"* ]]
    frames show again.weft | head -n 1 | grep -q '"program":"ingest".*"program":"weft.py"'
    # One that Python made by itself, through to a ranking.
    "$python" -c '
import sys, numpy as np, weft
t = np.arange(200)
attrs = {"step": "day", "start": "2026-01-01", "length": 200, "keys": ["minor"], "channels": ["units"], "reduce": ["sum"]}
weft.write(sys.stdout.buffer, {"schema": "series/1", "attrs": attrs},
    ({"id": name, "keys": {"minor": name}, "start": "2026-01-01", "values": np.float32([base + 3 * (t % 7)])} for name, base in (("hats", 20), ("coats", 50))))' >made.weft
    frames check made.weft
    score -q -m seasonal-naive:7 --horizon 28 made.weft | rank -q --model seasonal-naive:7 | grep -q coats
}

@test "docs/python.md: its blocks run as printed, one after the other" {
    "$python" -c 'import pandas' 2>/dev/null || skip "skipped: no pandas in $python"
    cp "$dir/shop.csv" sales.csv
    ln -s "$tree/python/weft.py" "$tree/python/linear_to_onnx.py" .
    # Shell blocks run as they are, Python blocks are one program; its printed lines are those of the text blocks after it.
    awk '/^```/ { kind = on ? "" : substr($0, 4); on = !on; next } on && kind == "sh" { print }' "$tree/docs/python.md" >commands
    awk '/^```/ { kind = on ? "" : substr($0, 4); on = !on; next } on && kind == "python" { print }' "$tree/docs/python.md" >page.py
    [ -s commands ] && [ -s page.py ]
    mkdir bin
    ln -s "$python" bin/python3
    PATH=$PWD/bin:$PATH bash -euo pipefail commands >/dev/null 2>said || { cat said; false; }
    "$python" page.py >printed || { cat printed; false; }
    [ "$(wc -l <printed)" -ge 5 ] && [ -s forecasts.csv ]
}
