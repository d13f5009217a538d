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
    ! cmp -s other/garments.csv "$dir/g/garments.csv" || false
}

@test "garments.sh: everything appears, with a table and a sheet" {
    cd "$BATS_TEST_TMPDIR"
    run "$pipelines/garments.sh" --image-size 16 --epochs 2 --top 5 -o out "$dir/g/garments.csv"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    for m in majority "lookup brand" neighbours image name both; do grep -qE "^$m +[0-9.]+% \(F1 [0-9.]+\)" out/table.txt; done
    [ "$(wc -l <out/predictions.csv)" -eq 121 ]
    [ "$(wc -l <out/ranking.csv)" -eq 121 ]
    [ "$(grep -o '<figure>' out/contact.html | wc -l)" -eq 5 ]
    [ "$(grep -o 'data:image/png;base64' out/contact.html | wc -l)" -ge 4 ]
    [ ! -e out.part ]
}

@test "garments.sh --no-image: a table without photos, and what names and keys are worth" {
    cd "$BATS_TEST_TMPDIR"
    sed 's/,images[^,]*png//; 1s/,image,/,/' "$dir/g/garments.csv" >plain.csv
    run "$pipelines/garments.sh" --no-image --epochs 2 --top 5 --train "--valid-by brand" -o out plain.csv
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    for m in majority "lookup brand" neighbours all no-name no-keys linear; do grep -qE "^$m +[0-9.]+% \(F1 [0-9.]+\)" out/table.txt; done
    [[ "$output" == *"On the garments held out (--valid 0.2 --valid-by brand): accuracy"* ]] || { echo "$output"; false; }
    [[ "$(head -n 1 out/predictions.csv)" == *,low_sales,high_sales,part ]]
    [ "$(grep -c ',valid$' out/predictions.csv)" -gt 0 ] && [ -e out/contact.html ] && [ -e out/log-no-name.csv ]
}

# By hand: of a, a, b the commonest is a, and log(1 + x) of 0, 0, 3 is .4621 on average; Z was never met, and gets these.
@test "lookups.jq: the commonest class and the mean, of all and of a key's values" {
    cd "$BATS_TEST_TMPDIR"
    cat >said.jsonl <<'T'
{"weft":1,"attrs":{"keys":["brand","date"],"models":[{"name":"m","heads":[{"name":"c","classes":["a","b"]},{"name":"q","mean":0,"std":2}]}]}}
{"id":"1","keys":{"brand":"X"},"labels":{"c":"a","q":0},"part":"train"}
{"id":"2","keys":{"brand":"X"},"labels":{"c":"a","q":0},"part":"train"}
{"id":"3","keys":{"brand":"Y"},"labels":{"c":"b","q":3},"part":"train"}
{"id":"4","keys":{"brand":"X"},"labels":{"c":"a","q":0},"part":"valid"}
{"id":"5","keys":{"brand":"Y"},"labels":{"c":"b","q":3},"part":"valid"}
{"id":"6","keys":{"brand":"Z"},"labels":{"c":"b","q":0},"part":"valid"}
{"id":"7","keys":{"brand":"Z"},"labels":{"c":"b","q":9},"part":"new"}
{"id":"8","keys":{},"labels":{},"part":"valid"}
{"end":1}
T
    run jq -rn --arg columns label,model,n,missing,accuracy,macro_f1,majority,mse -f "$pipelines/lookups.jq" said.jsonl
    [ "$(sed -E 's/(\.[0-9]{4})[0-9]+/\1/g' <<<"$output")" = "$(printf '%s\n' c,majority,3,1,0.3333,0.25,, 'c,lookup brand,3,1,0.6666,0.6666,,' q,majority,3,1,,,,0.1067 'q,lookup brand,3,1,,,,0.0177')" ] || { echo "$output"; false; }
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
    grep -q '<dt>outlook</dt>' out/contact.html
}

# instead DIR BODY: the programs, with a train-demand of ours that does BODY; "$real" is the true one.
instead() {
    mkdir "$1"
    ln -s "$BIN"/* "$1/"
    rm "$1/train-demand"
    printf '#!/usr/bin/env bash\nreal=%q\n%s\n' "$BIN/train-demand" "$2" >"$1/train-demand"
    chmod +x "$1/train-demand"
}

@test "garments.sh --checkpoint: killed in one training and stopped in another, it goes on, and the results are the same bytes" {
    cd "$BATS_TEST_TMPDIR"
    local it=("$pipelines/garments.sh" --image-size 16 --epochs 8 --train "--threads 1") table=$dir/g/garments.csv
    "${it[@]}" -o whole "$table"
    # The first training dies as soon as it has a checkpoint.
    instead dies '"$real" "$@" & while kill -0 $! 2>/dev/null; do if [ -e keep/image.state ]; then kill -9 $!; fi; sleep 0.02; done; wait $!'
    WEFT_BIN=$PWD/dies run "${it[@]}" --checkpoint keep -o out "$table"
    [ "$status" -eq 137 ] && [ -e keep/image.state ] && [ ! -e keep/image.safetensors ] && [ ! -e out ] || { echo "$status $output"; ls keep; false; }
    # It goes on there; the second one fails.
    instead fails 'case " $* " in *" --no-image "*) exit 70 ;; esac; exec "$real" "$@"'
    WEFT_BIN=$PWD/fails run "${it[@]}" --checkpoint keep -o out "$table"
    [ "$status" -eq 70 ] && [ -e keep/image.safetensors ] && [ ! -e keep/image.state ] && [ ! -e out ] || { echo "$status $output"; ls keep; false; }
    # What was finished is not trained again, and nothing stays behind.
    touch keep/both.state.17.tmp
    instead tells 'echo "$*" >>told; exec "$real" "$@"'
    WEFT_BIN=$PWD/tells run "${it[@]}" --checkpoint keep -o out "$table"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [ "$(grep -c -- '--no-name' told)" -eq 0 ] && [ "$(grep -c -- '--epochs 8' told)" -eq 2 ]
    diff -r whole out
    [ ! -e keep ]
}

@test "garments.sh --checkpoint: of another run, in use, or no checkpoint at all: refused, and nothing is lost" {
    cd "$BATS_TEST_TMPDIR"
    local it=("$pipelines/garments.sh" --image-size 16 --epochs 1 -o out) table=$dir/g/garments.csv
    instead fails 'case " $* " in *" --no-image "*) exit 70 ;; esac; exec "$real" "$@"'
    WEFT_BIN=$PWD/fails run "${it[@]}" --checkpoint keep "$table"
    [ "$status" -eq 70 ]
    run "${it[@]}" --checkpoint keep --lr 0.01 --train "--dropout 0.1" "$table"
    [ "$status" -eq 78 ] && [[ "$output" == *"garments.sh: keep is of another run, which differs in: lr train; run that one again, or remove keep"* ]] || { echo "$output"; false; }
    head -n 100 "$table" >less.csv
    run "${it[@]}" --checkpoint keep --images "$dir/g" less.csv
    [ "$status" -eq 78 ] && [[ "$output" == *"differs in: products;"* ]] || { echo "$output"; false; }
    run flock keep/lock "${it[@]}" --checkpoint keep "$table"
    [ "$status" -eq 75 ] && [[ "$output" == *"at work in keep"* ]] || { echo "$output"; false; }
    [ -e keep/image.safetensors ]
    mkdir mine && echo precious >mine/image.safetensors
    run "${it[@]}" --checkpoint mine "$table"
    [ "$status" -eq 73 ] && [ "$output" = "garments.sh: mine is not empty, and no checkpoint of garments.sh" ] && [ "$(cat mine/image.safetensors)" = precious ]
    run "${it[@]}" --checkpoint ./out "$table"
    [ "$status" -eq 64 ] && [[ "$output" == *"the results go there"* ]]
    run "${it[@]}" --train "--checkpoint x --resume" "$table"
    [ "$status" -eq 64 ] && [[ "$output" == *"garments.sh --checkpoint DIR keeps one of each"* ]]
    [ ! -e out ] && [ ! -e x ]
}

@test "garments.sh: what --train says of pictures and of the split holds behind the trainings too" {
    cd "$BATS_TEST_TMPDIR"
    cp -r "$dir/g" g
    echo "no picture" >"g/$(sed -n 3p g/garments.csv | grep -oE 'images/[^,]*png')"
    run "$pipelines/garments.sh" --image-size 16 --epochs 1 -o out g/garments.csv
    [ "$status" -eq 65 ] && [[ "$output" == *"--bad-images missing goes on"* ]] && [ ! -e out ]
    run "$pipelines/garments.sh" --image-size 16 --epochs 1 --train "--bad-images missing --valid 1e-1" -o out g/garments.csv
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [ "$(cut -d, -f2-4 out/accuracy.csv | awk -F, '$1 == "neighbours" { print $2 + $3; exit }')" -eq 12 ]
    run "$pipelines/garments.sh" --backbone nowhere.st -o other g/garments.csv
    [ "$status" -eq 66 ] && [ "$output" = "garments.sh: can't read nowhere.st" ]
}
