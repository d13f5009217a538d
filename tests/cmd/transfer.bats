#!/usr/bin/env bats
# transfer.bats - train-dlinear --source: the ladder from the source's model to one's own, as a user climbs it.

load helper

# random_walks DAYS SERIES PULL SEED: long CSV; value = 50 + y, y[t] = PULL y[t-1] + noise, keys a and b by turns.
random_walks() {
    awk -v days="$1" -v n="$2" -v pull="$3" -v seed="$4" 'BEGIN {
        print "id,kind,date,sales"; r = seed
        for (s = 0; s < n; s++) for (t = y = 0; t < days; t++) {
            noise = 0
            for (k = 0; k < 6; k++) { r = (r * 16807) % 2147483647; noise += r / 2147483647 - 0.5 }
            y = pull * y + noise
            printf "s%d,%s,%s,%.4f\n", s, s % 2 ? "b" : "a", strftime("%Y-%m-%d", 1577836800 + t * 86400, 1), 50 + y
        } }'
}

series() {
    ingest -q --layout long --id id --keys kind --date date --value sales "$@"
}

windows() {
    window -q --lookback 14 --horizon 7 --scale standard "$@"
}

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    random_walks 500 4 0.9 1 >"$dir/source.csv"
    random_walks 500 4 0.9 2 >"$dir/same.csv"
    random_walks 500 4 -0.8 3 >"$dir/other.csv"
    series "$dir/source.csv" | windows -o "$dir/source.weft"
    series "$dir/other.csv" | windows -o "$dir/other.weft"
    # 45 days of history, and the same 80 days of test.
    series --from 2021-01-01 "$dir/same.csv" | windows --split 25,20,80 -o "$dir/short.weft" 2>/dev/null
    series --from 2020-12-01 "$dir/same.csv" | windows --split 60,30,20 -o "$dir/middle.weft"
}

borrow() {
    train-dlinear --source "$dir/source.weft" "$@"
}

rungs() { # MODEL
    python3 - "$1" <<'P'
import json, struct, sys
with open(sys.argv[1], "rb") as f:
    meta = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))["__metadata__"]
json.loads(meta["source_lineage"])
for u in json.loads(meta["transfer"]):
    print(u["group"], u["rung"])
P
}

weights() { # MODEL
    python3 - "$1" <<'P'
import hashlib, json, struct, sys
with open(sys.argv[1], "rb") as f:
    head = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    data = f.read()
for name in sorted(head):
    if name.startswith("Linear"):
        a, b = head[name]["data_offsets"]
        print(name, hashlib.sha256(data[a:b]).hexdigest())
P
}

@test "next to nothing: the source's own model, and it says so" {
    cd "$BATS_TEST_TMPDIR"
    run borrow -i "$dir/short.weft" -o m.st
    [ "$status" -eq 0 ]
    [[ "$output" == *"source (ridge"*"to choose by"* ]] || { echo "$output"; false; }
    train-dlinear -q -i "$dir/source.weft" -o source.st
    cmp <(weights m.st) <(weights source.st)
    [ "$(rungs m.st)" = "all source" ]
    score -q -m m.st --part test -i "$dir/short.weft" | evaluate -q | grep -q dlinear
}

@test "not one window, or none for the folds: the source, with the source's intervals" {
    cd "$BATS_TEST_TMPDIR"
    series --from 2021-04-20 "$dir/same.csv" | windows --split 18,3,4 -o none.weft 2>/dev/null
    borrow -q -i none.weft -o m.st
    [ "$(rungs m.st)" = "all source" ]
    score -q -m m.st --quantiles 0.1,0.9 -i none.weft | frames csv | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i ~ /^q0_1$/) low = i; next } { n++; bad += !low || $low == "" } END { exit !(n == 28 && !bad) }'
    run train-dlinear -q --source "$dir/source.weft" --transfer own -i none.weft -o own.st
    [ "$status" -eq 78 ]
    [ ! -e own.st ]
}

@test "a long history of its own kind: own, and the model that it is without a source" {
    cd "$BATS_TEST_TMPDIR"
    run borrow -i "$dir/other.weft" -o m.st
    [ "$status" -eq 0 ]
    [[ "$output" == *"own (ridge"* ]]
    train-dlinear -q -i "$dir/other.weft" -o own.st
    cmp <(weights m.st) <(weights own.st)
}

@test "every rung forecasts; the test part changes no bytes; nor do threads" {
    cd "$BATS_TEST_TMPDIR"
    frames show "$dir/middle.weft" >/dev/null
    awk -F, -v OFS=, 'NR > 1 && $3 > "2021-02-28" { $4 = 1000 - $4 } { print }' "$dir/same.csv" >changed.csv
    series --from 2020-12-01 changed.csv | windows --split 60,30,20 -o changed.weft
    ! cmp -s changed.weft "$dir/middle.weft" || false
    for r in auto source own pooled ridge; do
        for by in all kind id; do
            borrow -q --transfer $r --by $by --threads 1 -i "$dir/middle.weft" -o 1.st --log 1.log
            borrow -q --transfer $r --by $by --threads 2 -i "$dir/middle.weft" -o 2.st --log 2.log
            borrow -q --transfer $r --by $by -i changed.weft -o 3.st
            cmp 1.st 2.st
            cmp 1.log 2.log
            cmp 1.st 3.st
        done
        score -q -m 1.st --part test -i "$dir/middle.weft" | evaluate -q | grep -q dlinear
    done
    # Folds of every rung stand in the log, and differ.
    jq -es 'length == 4 and all(.folds | length == 3) and all(.mse | .source > 0 and .own > 0 and .pooled > 0 and .ridge > 0)' 1.log
}

@test "--source-by: each group borrows from its own" {
    cd "$BATS_TEST_TMPDIR"
    borrow -q --transfer source --by kind --source-by kind -i "$dir/middle.weft" -o m.st
    train-dlinear -q --by kind -i "$dir/source.weft" -o source.st
    cmp <(weights m.st) <(weights source.st)
    run borrow -q --by all --source-by kind -i "$dir/middle.weft" -o x.st
    [ "$status" -eq 78 ]
    [[ "$output" == *"both"* ]]
    run borrow -q --source-by color -i "$dir/middle.weft" -o x.st
    [ "$status" -eq 78 ]
    [[ "$output" == *"color"* ]]
    # No such source: own, where there is one.
    awk -F, 'NR == 1 || $2 == "a"' "$dir/source.csv" | series - | windows -o a.weft
    train-dlinear -q --source a.weft --by kind --source-by kind --transfer source -i "$dir/middle.weft" -o m.st
    [ "$(rungs m.st)" = "$(printf 'a source\nb own')" ]
    [ ! -e x.st ]
}

@test "a source that does not fit: 78 and what differs; cut or empty: its status; no model" {
    cd "$BATS_TEST_TMPDIR"
    refused() { # STATUS WORD
        run train-dlinear -q --source x.weft -i "$dir/middle.weft" -o m.st
        [ "$status" -eq "$1" ] && [[ "$output" == *"$2"* ]] && [ "${#lines[@]}" -eq 1 ] && [ ! -e m.st ] || { echo "$2: $status $output"; return 1; }
    }
    for other in "--lookback 13:lookback" "--horizon 6:horizon" "--scale minmax:scale"; do
        series "$dir/source.csv" | window -q --lookback 14 --horizon 7 --scale standard ${other%:*} -o x.weft
        refused 78 "${other#*:}"
    done
    ingest -q --layout long --id id --keys kind --date date --value sales,twice=sales "$dir/source.csv" | windows -o x.weft
    refused 78 channels
    frames head -n 0 "$dir/source.weft" >x.weft
    refused 65 empty
    head -c 3000 "$dir/source.weft" >x.weft
    refused 76 x.weft
    rm x.weft
    refused 66 x.weft
    for wrong in "--transfer own" "--source-by kind" "--source $dir/source.weft --solver adam" "--source $dir/source.weft --partial"; do
        run bash -c "train-dlinear $wrong -o m.st <$dir/middle.weft"
        [ "$status" -eq 64 ] || { echo "$wrong: $status $output"; false; }
        [ "${#lines[@]}" -eq 1 ]
    done
    [ ! -e m.st ]
}

@test "a source with a promotion known ahead lends what it does to sales; one without it is refused" {
    cd "$BATS_TEST_TMPDIR"
    # Sales half as high again on days of promotion; the target has seen few of them.
    promoted() { # DAYS SERIES SEED
        awk -v days="$1" -v n="$2" -v seed="$3" 'BEGIN {
            print "id,date,sales,promo"; r = seed
            for (s = 0; s < n; s++) for (t = 0; t < days + 7; t++) {
                for (noise = k = 0; k < 6; k++) { r = (r * 16807) % 2147483647; noise += r / 2147483647 - 0.5 }
                r = (r * 16807) % 2147483647; promo = r % 6 == 0
                sales = t < days ? sprintf("%.3f", (40 + 5 * (t % 7 == 5) + 2 * noise) * (promo ? 1.5 : 1)) : ""
                printf "s%d,%s,%s,%d\n", s, strftime("%Y-%m-%d", 1577836800 + t * 86400, 1), sales, promo
            } }'
    }
    promoted 400 6 1 >"$dir/promoted.csv"
    promoted 110 2 2 >"$dir/few.csv"
    read_csv() { ingest -q --layout long --id id --date date --value sales,promo --future promo "$@"; }
    read_csv "$dir/promoted.csv" | windows -o s.weft
    read_csv "$dir/few.csv" | windows --split 50,25,35 -o t.weft
    wape() { score -q -m "$1" --part test -i t.weft | evaluate -q --format csv | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } NR == 2 { print $c["wape"] }'; }
    for rung in auto source own pooled ridge; do
        train-dlinear -q --source s.weft --transfer $rung -i t.weft -o $rung.st
        train-dlinear -q --source s.weft --transfer $rung --threads 2 -i t.weft -o again.st
        cmp $rung.st again.st
    done
    train-dlinear -q --source s.weft --exog none -i t.weft -o none.st
    for rung in auto source pooled ridge; do
        awk -v with="$(wape $rung.st)" -v none="$(wape none.st)" 'BEGIN { print with, none; exit !(with < 0.7 * none) }'
    done
    score -q -m auto.st -i t.weft | frames csv | grep -c , | grep -qx 15
    explain -q -m pooled.st -i t.weft --format csv | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } $c["channels"] == "" { exit 1 }'
    # A channel that the source does not have, or has in another role.
    windows -i <(ingest -q --layout long --id id --date date --value sales "$dir/promoted.csv") -o without.weft
    windows -i <(ingest -q --layout long --id id --date date --value sales,promo --past promo "$dir/promoted.csv") -o past.weft
    for source in without past; do
        run train-dlinear -q --source $source.weft -i t.weft -o no.st
        [ "$status" -eq 78 ]
        [[ "$output" == *"the source has no channel promo that is future, as the target has"* ]]
        [ ! -e no.st ]
    done
    train-dlinear -q --source without.weft --exog none -i t.weft -o plain.st
}

@test "the table is short, on standard error, and -q keeps it back" {
    cd "$BATS_TEST_TMPDIR"
    borrow --by id -i "$dir/middle.weft" -o m.st 2>table >out
    [ ! -s out ]
    grep -q "fold error" table
    [ "$(grep -c '^s[0-9] ' table)" -eq 4 ]
    borrow -q --by id -i "$dir/middle.weft" -o m.st 2>table
    [ ! -s table ]
}

@test "ladder.sh: rungs and networks in one table, each group's model, its forecasts; nothing when it fails" {
    cd "$BATS_TEST_TMPDIR"
    "$BUILD/gen/shop" --products 120 --days 300 >shop.csv
    ladder() { "$BATS_TEST_DIRNAME/../../pipelines/ladder.sh" --target middle --lookback 20 --horizon 7 "$@" shop.csv; }
    ladder -o out --train "--source-epochs 2 --epochs 2 --hidden 8 --discriminator 16" >table
    cmp table out/table.txt
    awk '$1 ~ /^(linear|source|own|pooled|ridge|none|ADDA|reconstruct|ladder)$/ && NF == 4 && $2 > 0 && $3 > 0 { n++ } END { exit n != 9 }' table || { cat table; false; }
    groups=$(($(wc -l <out/choice.csv) - 1))
    [ "$groups" -eq 11 ]
    [ "$(wc -l <out/forecasts.csv)" -eq $((groups * 7 + 1)) ]
    for m in $(awk -F, 'NR > 1 { print $NF }' out/choice.csv | sort -u); do
        score -q -m "out/$m.safetensors" -i <(ingest -q shop.csv | aggregate -q --by middle) -o /dev/null
    done
    # A table that can't be read leaves the results as they were.
    echo nonsense >shop.csv
    cp -r out before
    run ladder -o out
    [ "$status" -ne 0 ]
    diff -r out before
    run ladder -o new
    [ ! -e new ]
}

@test "ladder.sh: names with commas, quotes and line ends lose nobody, wherever temporary files are" {
    cd "$BATS_TEST_TMPDIR"
    mkdir "valid choice"
    "$BUILD/gen/shop" --products 40 --days 150 --layout long >plain.csv
    awk -F, -v OFS=, 'NR > 1 { $6 = "\"" $6 ", \"\"x\"\"\n" "2\"" } { print }' plain.csv >odd.csv
    for t in plain odd; do
        TMPDIR="$PWD/valid choice" "$BATS_TEST_DIRNAME/../../pipelines/ladder.sh" -o $t --source all --target minor --lookback 14 --horizon 7 --train none \
            --ingest "--layout long --id id --keys minor --value units" $t.csv
    done
    cmp plain/table.txt odd/table.txt
    for f in choice forecasts; do
        python3 -c 'import csv, sys; [print(*[v.replace(", \"x\"\n2", "") for v in row], sep=",") for row in csv.reader(open(sys.argv[1], newline=""))]' odd/$f.csv | sort >names
        diff names <(sort plain/$f.csv)
    done
}
