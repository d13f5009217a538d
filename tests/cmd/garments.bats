#!/usr/bin/env bats
# garments.bats - the flow of garments.sh, on generated garments and, where they are, on real ones.

setup_file() {
    export dir="$BATS_FILE_TMPDIR" pipelines="$PWD/pipelines" WEFT_BIN="$BIN"
    "$BUILD/gen/garments" "$dir/g" 120 1
}

@test "the generator writes the same bytes for the same seed, and others for another" {
    cd "$BATS_TEST_TMPDIR"
    "$BUILD/gen/garments" again 120 1
    diff -r again "$dir/g"
    "$BUILD/gen/garments" other 120 2
    ! cmp -s other/garments.csv "$dir/g/garments.csv"
}

@test "garments.sh: everything appears, with a table and a sheet" {
    cd "$BATS_TEST_TMPDIR"
    run "$pipelines/garments.sh" --image-size 16 --epochs 2 --top 5 -o out "$dir/g/garments.csv"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    for m in neighbours image name both; do grep -qE "^$m +[0-9.]+% \(F1 [0-9.]+\)" out/table.txt; done
    [ "$(wc -l <out/predictions.csv)" -eq 121 ]
    [ "$(wc -l <out/ranking.csv)" -eq 121 ]
    [ "$(grep -o '<div>' out/contact.html | wc -l)" -eq 5 ]
    [ "$(grep -o 'data:image/png;base64' out/contact.html | wc -l)" -ge 4 ]
    [ ! -e out.part ]
}

@test "garments.sh: a bad table leaves nothing and keeps the exit status" {
    cd "$BATS_TEST_TMPDIR"
    sed '7s/"[0-9,]*"/cheap/' "$dir/g/garments.csv" >bad.csv
    run "$pipelines/garments.sh" --images "$dir/g" -o out bad.csv
    [ "$status" -eq 65 ]
    [[ "$output" == *'bad.csv:7:3: not a number: "cheap"'* ]] || { echo "$output"; false; }
    run "$pipelines/garments.sh" --heads usage:ce -o out "$dir/g/garments.csv"
    [ "$status" -eq 78 ]
    [ ! -e out ]
}

@test "garments.sh: what the ranking lacks is said before anything is trained" {
    cd "$BATS_TEST_TMPDIR"
    refuse() { # STATUS TEXT OPTION...
        run "$pipelines/garments.sh" "${@:3}" -o out "$dir/g/garments.csv"
        [ "$status" -eq "$1" ] && [ "$output" = "garments.sh: $2" ] && [ ! -e out ] || { echo "$status $output"; return 1; }
    }
    refuse 64 "--sort likes: --heads gender:ce,age:focal,views:mse,sales:mse learns no such quantity" --sort likes
    refuse 64 "--sort gender: --heads gender:ce,sales:mse:0.1 learns no such quantity" --heads gender:ce,sales:mse:0.1 --sort gender
    refuse 66 "can't read nowhere.weft" --growth nowhere.weft
    refuse 64 "--top 0 and --neighbours 10: whole numbers from 1" --top 0
}

@test "garments.sh --growth: one list out of what garments promise and how their categories grow" {
    cd "$BATS_TEST_TMPDIR"
    { echo date,category,sales; for d in $(seq 10 31); do for c in 티셔츠,10 원피스,10 팬츠,10 스커트,10 "코트,$((d * d))"; do echo "2022-01-$d,$c"; done; done; } >long.csv
    PATH=$BIN:$PATH
    ingest -q --layout long --id category --keys category --value sales long.csv | window -q --lookback 4 --horizon 4 --split 1,0,0 -o w.weft
    train-dlinear -q --by category -i w.weft -o d.st
    score -q -m d.st -i w.weft | rank -q --by category --near 1:1 --far 4:4 --format frames -o growth.weft
    run "$pipelines/garments.sh" --image-size 16 --epochs 1 --heads sales:mse:0.5 --growth growth.weft -o out "$dir/g/garments.csv"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$(head -n 1 out/ranking.csv)" == rank,id,name,category,outlook,growth,* ]]
    grep -q 'outlook: ' out/contact.html
}
