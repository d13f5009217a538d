#!/usr/bin/env bats
# adda.bats - train-adda as a user runs it.

load helper

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    shop "$dir/shop.csv" 160 36
    ingest "$dir/shop.csv" -o "$dir/series.weft"
    aggregate --by major -i "$dir/series.weft" | window --lookback 20 --horizon 7 --scale standard -o "$dir/source.weft"
    aggregate --by minor -i "$dir/series.weft" | window --lookback 20 --horizon 7 --scale standard -o "$dir/target.weft"
    train-adda -q --hidden 16 --lr 0.01 --source-epochs 20 --epochs 0 --source "$dir/source.weft" --target "$dir/target.weft" -o "$dir/none.st"
}

adda() {
    train-adda -q --hidden 16 --discriminator 32 --epochs 5 --encoder-lr 0.001 --source "$dir/source.weft" --target "$dir/target.weft" "$@"
}

mse() {
    score -q -m "$1" --part "$2" -i "$dir/target.weft" | evaluate --scaled --format csv | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 { print $(at["mse"]) }'
}

@test "adapted models forecast, and are no worse on what chose them; the log shows the game" {
    cd "$BATS_TEST_TMPDIR"
    for more in "" "--reconstruct 1" "--target-fraction 0.5" "--target-labels 20"; do
        adda --pretrained "$dir/none.st" $more -o m.st --log log
        awk -v m="$(mse m.st valid)" -v n="$(mse "$dir/none.st" valid)" 'BEGIN { exit !(m <= n * 1.000001) }'
        jq -es 'length == 6 and all(.stage == "adapt") and all(.[1:][]; .discriminator_accuracy >= 0 and .discriminator_accuracy <= 1 and .target_code_variance > 0)' log
    done
    score -q -m "$dir/none.st" -i "$dir/target.weft" | rank | grep -q B000
}

@test "every encoder, from the beginning" {
    cd "$BATS_TEST_TMPDIR"
    for encoder in lstm linear cnn; do
        adda --encoder $encoder --source-epochs 2 -o $encoder.st
        score -q -m $encoder.st --part test -i "$dir/target.weft" | evaluate | grep -q "$encoder"
    done
    run adda --encoder linear --pretrained "$dir/none.st" -o x.st
    [ "$status" -eq 78 ]
    [ ! -e x.st ]
}

@test "the same bytes for one and two threads; killed and resumed too" {
    cd "$BATS_TEST_TMPDIR"
    train="train-adda -q --hidden 16 --discriminator 32 --encoder-lr 0.001 --source $dir/source.weft --target $dir/target.weft --reconstruct 0.5 --source-epochs 400
        --source-patience 0 --epochs 600 --patience 0 --windows 300"
    $train --threads 1 -o 1.st
    $train --threads 2 -o 2.st --log 2.log
    cmp 1.st 2.st
    for _ in 1 2 3 4; do
        status=0
        signal_at_checkpoint KILL c.st $train -o m.st --log m.log --checkpoint c.st --resume || status=$?
        [ "$status" -eq 137 ]
        [ -e c.st ] && [ ! -e m.st ]
    done
    $train -o m.st --log m.log --checkpoint c.st --resume
    cmp 1.st m.st
    cmp 2.log m.log
    [ ! -e c.st ]
}

@test "source and target that do not fit: 78, what differs, no model" {
    cd "$BATS_TEST_TMPDIR"
    other() { # WINDOW-OPTIONS WORD
        aggregate --by minor -i "$dir/series.weft" | window -q $1 -o other.weft
        run train-adda -q --source "$dir/source.weft" --target other.weft -o m.st
        [ "$status" -eq 78 ] && [[ "$output" == *"$2"* ]] && [ ! -e m.st ] || { echo "$1: $status $output"; return 1; }
    }
    other "--lookback 21 --horizon 7 --scale standard" lookback
    other "--lookback 20 --horizon 8 --scale standard" horizon
    other "--lookback 20 --horizon 7 --scale minmax" scale
    awk -F, 'NR == 1 || NR < 20' "$dir/shop.csv" >few.csv
    ingest --amounts few.csv few.csv | window -q --lookback 20 --horizon 7 --scale standard -o other.weft
    run train-adda -q --source "$dir/source.weft" --target other.weft -o m.st
    [ "$status" -eq 78 ]
    [[ "$output" == *channels* ]]
}

@test "an empty target, one of a single window, a damaged one, no -o" {
    cd "$BATS_TEST_TMPDIR"
    frames head -n 0 "$dir/target.weft" >empty.weft
    run train-adda -q --source "$dir/source.weft" --target empty.weft -o m.st
    [ "$status" -eq 65 ]
    [[ "$output" == *"target is empty"* ]]
    { head -n 2 "$dir/shop.csv"; } | cut -d, -f1-48 | ingest | window -q --lookback 20 --horizon 7 --scale standard --split 27,7,7 -o one.weft
    run train-adda -q --source "$dir/source.weft" --target one.weft -o m.st
    [ "$status" -eq 78 ] || { echo "$output"; false; }
    [[ "$output" == *"one window"* ]]
    head -c 3000 "$dir/target.weft" >cut.weft
    run train-adda -q --source "$dir/source.weft" --target cut.weft -o m.st
    [ "$status" -eq 76 ]
    run train-adda -q --source "$dir/source.weft" --target "$dir/target.weft"
    [ "$status" -eq 64 ]
    [ ! -e m.st ]
}
