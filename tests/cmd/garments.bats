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
