#!/usr/bin/env bats
# lstm.bats - train-lstm as a user runs it.

load helper

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    shop "$dir/shop.csv" 160 24
    ingest "$dir/shop.csv" | window --lookback 14 --horizon 7 --scale standard -o "$dir/windows.weft"
}

mse() {
    score -q -m "$1" --part test -i "$dir/windows.weft" | evaluate --scaled --format csv | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 { print $(at["mse"]) }'
}

@test "it learns: better than the seasonal naive forecast" {
    cd "$BATS_TEST_TMPDIR"
    train-lstm -q --hidden 16 --epochs 30 --lr 0.01 --log log -i "$dir/windows.weft" -o m.st
    awk -v m="$(mse m.st)" -v n="$(mse seasonal-naive:7)" 'BEGIN { exit !(m < n) }' || { mse m.st; mse seasonal-naive:7; false; }
    [ "$(wc -l <log)" -le 30 ]
    jq -es 'all(.train_loss > 0 and .valid_loss > 0) and .[-1].train_loss < .[0].train_loss' log
}

@test "the same bytes for one and two threads and for any order of the series, another seed another model" {
    cd "$BATS_TEST_TMPDIR"
    { head -n 1 "$dir/shop.csv"; tail -n +2 "$dir/shop.csv" | tac; } >back.csv
    ingest back.csv | window --lookback 14 --horizon 7 --scale standard -o back.weft
    for by in all major; do
        train-lstm -q --hidden 8 --epochs 2 --by $by --threads 1 -i "$dir/windows.weft" -o 1.st
        train-lstm -q --hidden 8 --epochs 2 --by $by --threads 2 -i "$dir/windows.weft" -o 2.st
        cmp 1.st 2.st
    done
    train-lstm -q --hidden 8 --epochs 2 --by id -i "$dir/windows.weft" -o 1.st
    train-lstm -q --hidden 8 --epochs 2 --by id -i back.weft -o 2.st
    score -q -m 1.st --part test -i "$dir/windows.weft" | frames csv >1.csv
    score -q -m 2.st --part test -i "$dir/windows.weft" | frames csv >2.csv
    cmp 1.csv 2.csv
    train-lstm -q --hidden 8 --epochs 2 --seed 2 --by id -i "$dir/windows.weft" -o 3.st
    ! cmp -s 1.st 3.st || false
}

@test "killed at any time and resumed: the bytes of a training that was never killed" {
    cd "$BATS_TEST_TMPDIR"
    train="train-lstm -q --hidden 24 --layers 2 --epochs 100 --patience 0 --by major -i $dir/windows.weft"
    $train -o whole.st --log whole.log
    for _ in 1 2 3 4; do
        status=0
        signal_at_checkpoint KILL c.st $train -o m.st --checkpoint c.st --resume --log m.log || status=$?
        [ "$status" -eq 137 ]
        [ -e c.st ] && [ ! -e m.st ]
    done
    $train -o m.st --checkpoint c.st --resume --log m.log
    cmp whole.st m.st
    cmp whole.log m.log
    [ ! -e c.st ]
}

@test "a checkpoint of another training, a damaged one, --resume without one" {
    cd "$BATS_TEST_TMPDIR"
    train="train-lstm -q --hidden 24 --epochs 500 --patience 0 -i $dir/windows.weft -o m.st"
    signal_at_checkpoint KILL c.st $train --checkpoint c.st || true
    [ -e c.st ]
    run $train --lr 0.01 --checkpoint c.st --resume
    [ "$status" -eq 78 ]
    [[ "$output" == *"another training"* ]]
    cp "$dir/windows.weft" c.st
    run $train --checkpoint c.st --resume
    [ "$status" -eq 65 ]
    run $train --resume
    [ "$status" -eq 64 ]
    [ ! -e m.st ]
}

@test "interrupted: it says how to go on" {
    cd "$BATS_TEST_TMPDIR"
    run signal_at_checkpoint INT c.st train-lstm --hidden 24 --epochs 5000 --patience 0 --checkpoint c.st -i "$dir/windows.weft" -o m.st
    [ "$status" -eq 130 ]
    [[ "$output" == *"--resume"* ]]
    [ ! -e m.st ]
}

@test "no window, too large a network, no -o: an error and no model" {
    cd "$BATS_TEST_TMPDIR"
    ingest "$dir/shop.csv" | window --lookback 100 --horizon 50 --scale standard -o none.weft || true
    run train-lstm -q -i none.weft -o m.st
    [ "$status" -eq 78 ]
    run train-lstm -q --hidden 8000 --layers 8 -i "$dir/windows.weft" -o m.st
    [ "$status" -eq 78 ]
    run train-lstm -q -i "$dir/windows.weft"
    [ "$status" -eq 64 ]
    [ ! -e m.st ]
}

@test "PyTorch loads the model and forecasts the same" {
    /usr/bin/python3 -c 'import torch' 2>/dev/null || skip "no python3-torch"
    cd "$BATS_TEST_TMPDIR"
    train-lstm -q --hidden 20 --layers 2 --epochs 3 -i "$dir/windows.weft" -o m.st
    score -q -m m.st -i "$dir/windows.weft" | frames show >forecasts
    frames show "$dir/windows.weft" >windows
    "$BATS_TEST_DIRNAME/../reference/forecast_lstm.py" m.st windows forecasts
}
