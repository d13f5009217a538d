#!/usr/bin/env bats
# Damaged or unfit: what can't be right is refused by who reads it first, by its name, and `frames check` sees it too.
load helper

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    fixtures "$dir"
    frames show "$dir/series.weft" >"$dir/series.json"
    frames show "$dir/windows.weft" >"$dir/windows.json"
    frames show "$dir/latest.weft" >"$dir/latest.json"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# edit KIND AWK: the stream KIND with its JSON lines changed by an awk program (line 1 is the head), as edited.weft.
edit() {
    awk "$2 { print }" "$dir/$1.json" >edited.json
    ! cmp -s edited.json "$dir/$1.json" || false
    frames from-json edited.json -o edited.weft
}

# refused CODE TEXT COMMAND...: it ends with CODE and one line that holds TEXT, and writes nothing.
refused() {
    local code=$1 text=$2
    shift 2
    run timeout 60 "$@" -i edited.weft -o out
    [ "$status" -eq "$code" ] || { echo "$*: $status $output"; return 1; }
    [[ $output == *"$text"* ]] || { echo "$*: $output"; return 1; }
    one_line_each
    [ ! -e out ]
}

# unfit TEXT: frames check says no, and why.
unfit() {
    run frames check edited.weft
    [ "$status" -eq 1 ] || { echo "check: $status $output"; return 1; }
    [[ $output == *"$1"* ]] || { echo "check: $output"; return 1; }
}

@test "a series twice: aggregate, window, backtest; a forecast twice: rank" {
    awk 'NR == 9 { again = $0 } NR == 17 { print again } { print }' "$dir/series.json" >twice.json
    frames from-json twice.json -o edited.weft
    refused 65 'series "7" comes twice' aggregate --by major
    refused 65 'series "7" comes twice' window --lookback 14 --horizon 7
    refused 65 'series "7" comes twice' backtest --horizon 7 --origins 2
    awk 'NR == 9 { again = $0 } NR == 17 { print again } { print }' "$dir/windows.json" >twice.json
    frames from-json twice.json -o edited.weft
    refused 65 'series "7" comes twice' backtest --horizon 7 --origins 2
    awk 'NR == 9 { again = $0 } NR == 17 { print again } { print }' "$dir/latest.json" >twice.json
    frames from-json twice.json -o edited.weft
    refused 65 'the forecast of "7" by dlinear comes twice' rank --by major --near 1:2 --far 6:7
    # The whole stream a second time.
    cat "$dir/series.weft" "$dir/series.weft" >edited.weft
    refused 65 'comes twice' window --lookback 14 --horizon 7
}

@test "forecasts of two origins are not added up; groups of their own may have them" {
    edit latest 'NR == 4 { sub(/"origin":"[^"]*"/, "\"origin\":\"2021-03-02\"") }'
    refused 65 'others of its group on 2021-03-02: they can' rank --by major --near 1:2 --far 6:7
    run rank --by id --near 1:2 --far 6:7 --format csv -i edited.weft
    [ "$status" -eq 0 ]
}

@test "a value that is infinite, a series off the calendar, a date that is none: everybody refuses, frames check too" {
    edit series 'NR == 4 { sub(/\[\[[0-9.]+/, "[[1e39") }' # beyond float32
    unfit 'series "2" holds an infinite value'
    for p in "window --lookback 14 --horizon 7" "aggregate --by major" "backtest --horizon 7"; do
        # shellcheck disable=SC2086
        refused 65 'series "2" holds an infinite value' $p
    done
    edit series 'NR == 4 { sub(/"start":"[^"]*"/, "\"start\":\"2030-01-01\"") }'
    unfit 'series "2" does not lie on the calendar'
    for p in "window --lookback 14 --horizon 7" "aggregate --by major" "covariates --weekday" "backtest --horizon 7"; do
        # shellcheck disable=SC2086
        refused 65 'series "2" does not lie on the calendar' $p
    done
    edit series 'NR == 4 { sub(/"start":"[^"]*"/, "\"start\":\"0001-01-01\"") }'
    unfit '"0001-01-01" is no date'
    refused 65 '"0001-01-01" is no date' window --lookback 14 --horizon 7
}

@test "heads: a step that is none, windows longer than the calendar, a calendar beyond all dates" {
    edit series 'NR == 1 { sub(/"step":"day"/, "\"step\":\"%s\"") }'
    unfit 'without a known step'
    refused 65 'without a known step' aggregate --by major
    edit windows 'NR == 1 { sub(/"lookback":14/, "\"lookback\":100000") }'
    unfit 'windows of lookback 100000 and horizon 7 in a calendar of 120 steps'
    for p in train-dlinear "train-dlinear --tune" train-lstm; do
        # shellcheck disable=SC2086
        (ulimit -v 4000000; refused 78 'windows of lookback 100000' $p)
    done
    edit series 'NR == 1 { sub(/"length":120/, "\"length\":2147483647") }'
    unfit 'beyond the year 9999'
    refused 65 'beyond the year 9999' aggregate --by major
}

@test "a scale that divides by nothing or by infinity" {
    for bad in 0 -1 1e999 null; do
        awk -v bad=$bad 'NR == 4 { sub(/"scale":\{"f64":\[\[[^]]*\],\[[^]]*\]/, "\"scale\":{\"f64\":[[1],[" bad "]") } { print }' \
            "$dir/windows.json" >edited.json
        frames from-json edited.json -o edited.weft 2>/dev/null || continue # JSON has no such number
        unfit 'not usable'
        refused 65 'not usable' train-dlinear
    done
}

@test "a covariance that is none, quantiles that cross: rank, evaluate and frames check" {
    score -q -m "$dir/model.safetensors" --quantiles 0.1,0.5,0.9 --part test -i "$dir/windows.weft" | frames show >q.json
    awk 'NR == 3 { sub(/"covariance":\{"f32":\[\[[0-9.e-]+/, "\"covariance\":{\"f32\":[[-4") } { print }' "$dir/latest.json" >edited.json
    frames from-json edited.json -o edited.weft
    unfit 'the variance of step 1 is -4'
    refused 65 'the variance of step 1 is -4' rank --by major --near 1:2 --far 6:7
    awk 'NR == 3 { sub(/"covariance":\{"f32":\[\[[0-9.e-]+,[0-9.e-]+/, "\"covariance\":{\"f32\":[[4,4000") } { print }' "$dir/latest.json" |
        awk 'NR == 3 && match($0, /"covariance":\{"f32":\[\[[^]]*\],\[/) { at = RSTART + RLENGTH
            rest = substr($0, at); sub(/^[0-9.e-]+/, "4000", rest); $0 = substr($0, 1, at - 1) rest } { print }' >edited.json
    frames from-json edited.json -o edited.weft
    unfit 'correlate beyond 1'
    awk 'NR == 3 { sub(/"quantiles":\{"f32":\[\[\[[0-9.e-]+/, "\"quantiles\":{\"f32\":[[[1e6") } { print }' q.json >edited.json
    ! cmp -s edited.json q.json || false
    frames from-json edited.json -o edited.weft
    unfit '"quantiles" cross'
    refused 65 '"quantiles" cross' evaluate
}

# spoil KIND FIELD VALUE: another value for the first number of a field of the first frame, as edited.weft.
spoil() {
    awk -v f="\"$2\":" -v v="$3" 'NR == 2 { at = index($0, f); if (!at) exit 1
        head = substr($0, 1, at + length(f) - 1); rest = substr($0, at + length(f))
        if (match(rest, /^\{"f[0-9]+":\[+/)) { head = head substr(rest, 1, RLENGTH); rest = substr(rest, RLENGTH + 1) }
        sub(/^-?[0-9.]+(e-?[0-9]+)?/, "", rest); $0 = head v rest } { print }' \
        "$dir/$1.json" >edited.json
    ! cmp -s edited.json "$dir/$1.json" || false
    frames from-json edited.json -o edited.weft
}

@test "forecasts of numbers that can't be: whoever reads them" {
    frames show "$dir/forecasts.weft" >"$dir/forecasts.json"
    readers() { # TEXT
        unfit "$1"
        refused 65 "$1" rank --by major --near 1:2 --far 6:7
        refused 65 "$1" evaluate
        run reconcile -q edited.weft "$dir/latest.weft" -o out
        [ "$status" -ne 0 ] && [ ! -e out ]
    }
    for field in forecast covariance profile; do
        spoil latest $field 1e39 # beyond float32
        readers "\"$field\" holds an infinite value"
    done
    for field in actual quantiles; do
        spoil forecasts $field -1e39
        readers "\"$field\" holds an infinite value"
    done
    spoil latest naive -5
    readers '"naive" is not usable'
    spoil latest freedom -3
    refused 65 '"freedom" is not a number from 0 on' rank --by major --near 1:2 --far 6:7
    spoil forecasts stride 0
    refused 65 '"stride" is not a whole number from 1 on' evaluate
    edit latest 'NR == 2 { sub(/"origin":"[^"]*"/, "\"origin\":\"9999-12-30\"") }'
    readers 'beyond the year 9999'
    # One each way.
    edit latest 'NR == 2 { sub(/"covariance":\{"f32":\[\[[-0-9.e]+,[-0-9.e]+/, "\"covariance\":{\"f32\":[[1,0.9") }'
    readers '"covariance" is none'
    # Missing stays missing.
    spoil latest forecast null
    frames check edited.weft
    rank -q --by id --near 1:2 --far 6:7 -i edited.weft
}

# break_tensor MODEL TENSOR: its first value becomes NaN.
break_tensor() {
    local header begin
    header=$(od -An -tu8 -N8 "$1" | tr -d ' ')
    begin=$(dd if="$1" bs=1 skip=8 count="$header" 2>/dev/null | grep -oE "\"$2\":\{[^}]*\}" | grep -oE 'data_offsets":\[[0-9]+' | grep -oE '[0-9]+$')
    printf '\x00\x00\xc0\x7f' | dd of="$1" bs=1 seek=$((8 + header + begin)) conv=notrunc 2>/dev/null
}

@test "weights that are no numbers are the model's fault, by their name" {
    for tensor in Linear_Seasonal.weight Linear_Trend.weight Linear_Trend.bias; do
        cp "$dir/model.safetensors" m.st
        break_tensor m.st $tensor
        cp "$dir/windows.weft" edited.weft
        refused 65 "m.st: tensor \"$tensor\" holds values that are no numbers" score -m m.st
        cp "$dir/series.weft" edited.weft
        refused 65 "tensor \"$tensor\"" backtest -m m.st --horizon 7 --origins 2
    done
    train-lstm -q --epochs 1 --hidden 4 -i "$dir/windows.weft" -o lstm.st
    name=$(strings -n 20 lstm.st | head -n 1 | grep -oE '"[a-z_0-9.]*weight[a-z_0-9.]*"' | head -n 1 | tr -d '"')
    break_tensor lstm.st "$name"
    cp "$dir/windows.weft" edited.weft
    refused 65 "holds values that are no numbers" score -m lstm.st
}

@test "pictures whose checksums are wrong are refused, or set aside" {
    garments "$BATS_TEST_TMPDIR/g"
    picture=$(ls g/images/*.png | head -n 1)
    size=$(stat -c %s "$picture")
    printf '\x55\xaa' | dd of="$picture" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
    run encode-image -m g/demand.safetensors -i g/products.weft -o out
    if [ "$status" -eq 0 ]; then # the stream holds the pictures as they were
        ingest -q g/garments.csv -o g/products.weft
        run encode-image -m g/demand.safetensors -i g/products.weft -o out2
    fi
    [ "$status" -eq 65 ] && [[ $output == *checksum* ]] || { echo "$status $output"; false; }
}

@test "streams and models of another version are refused by their version" {
    LC_ALL=C sed 's/weft\x01/weft\x07/' "$dir/series.weft" >edited.weft
    refused 65 'a stream of version 7, and this program reads version 1' aggregate --by major
    LC_ALL=C sed 's#series/1#series/2#' "$dir/series.weft" >edited.weft
    refused 65 'a series/2 stream, and this program reads series/1' aggregate --by major
    unfit 'no schema "series/2"'
    LC_ALL=C sed 's/"kernel":"25"/"weft":"0007"/' "$dir/model.safetensors" >m.st
    cp "$dir/windows.weft" edited.weft
    refused 65 'm.st: a model file of version 0007, and this program reads version 1' score -m m.st
    train-dlinear -q --state state -i <(window -q --lookback 14 --horizon 7 -i "$dir/series.weft") -o m2.st
    window -q --lookback 14 --horizon 7 -i "$dir/series.weft" -o edited.weft
    LC_ALL=C sed -i 's/"lookback":"14"/"weft":"000007"/' state
    refused 65 'version 000007' train-dlinear -q --state state
}
