#!/usr/bin/env bats
# ensemble.bats - train-ensemble as a user runs it: what it holds, what it beats, where its model goes.

load helper

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    shop "$dir/shop.csv" 200 12
    ingest -q "$dir/shop.csv" -o "$dir/series.weft"
    window -q --lookback 28 --horizon 7 --split 0.8,0.2,0 -i "$dir/series.weft" -o "$dir/windows.weft"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

@test "ensemble: says what it holds and beat, and its model goes through score, rank and backtest" {
    train-ensemble --member 'train-dlinear -q --refit' --member seasonal-naive:7 --member mean:28 -i "$dir/windows.weft" -o m.safetensors 2>log
    cat log
    grep -q 'train-dlinear -q --refit (0\..*left out:.*mean:28 (0\.' log
    score -q -m m.safetensors --quantiles 0.1,0.9 -i "$dir/series.weft" -o f.weft
    frames check f.weft
    score -q -m m.safetensors -i "$dir/series.weft" | rank -q --by id >/dev/null
    backtest -q --refit "train-ensemble -q --member 'train-dlinear -q' --member seasonal-naive:7" --origins 2 --horizon 7 --lookback 28 -i "$dir/series.weft" | grep -q '^ensemble '
}

@test "ensemble: the same bytes for every number of threads, and after a kill" {
    members=(--no-lineage --member 'train-dlinear -q --refit' --member 'slow=train-dlinear -q --ridge 10')
    train-ensemble -q "${members[@]}" --threads 1 -i "$dir/windows.weft" -o one.safetensors
    train-ensemble -q "${members[@]}" --threads 3 -i "$dir/windows.weft" -o three.safetensors
    cmp one.safetensors three.safetensors
    train-ensemble -q "${members[@]}" --threads 1 --checkpoint kept -i "$dir/windows.weft" -o again.safetensors 3>&- &
    pid=$!
    until compgen -G 'kept/*' >/dev/null || ! kill -0 "$pid"; do sleep 0.01; done # the first member of a fold
    kill -KILL "$pid"
    ! wait "$pid" || false
    [ ! -e again.safetensors ]
    train-ensemble -q "${members[@]}" --checkpoint kept -i "$dir/windows.weft" -o again.safetensors
    cmp one.safetensors again.safetensors
    [ ! -e kept ]
}

@test "ensemble: refuses baselines alone, a trainer that fails, a history without a fold" {
    run train-ensemble --member naive -i "$dir/windows.weft" -o m.safetensors
    [ "$status" -eq 64 ] && [[ "$output" == *'one at least must be a trainer'* ]]
    run train-ensemble --member 'train-dlinear --by nothing' -i "$dir/windows.weft" -o m.safetensors
    [ "$status" -eq 78 ] && [ ! -e m.safetensors ]
    window -q --lookback 180 --horizon 7 -i "$dir/series.weft" -o long.weft
    run train-ensemble --member train-dlinear -i long.weft -o m.safetensors
    [ "$status" -eq 65 ] && [[ "$output" == *'no room for a fold'* ]]
}
