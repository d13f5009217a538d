#!/usr/bin/env bats
# arrow.bats - frames arrow: what apache-arrow reads is what frames csv says, with types. Without that module the frame of the format is looked at.
load helper

setup_file() {
    export tree=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    export dir=$BATS_FILE_TMPDIR
    fixtures "$dir" 2>/dev/null
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# same STREAM: the Arrow of it is its CSV, where apache-arrow is at hand (NODE_PATH); else it begins and ends as the format has it.
same() {
    local modules=${NODE_PATH:-$tree/node_modules} end
    frames arrow "$@" -o x.arrows
    frames csv "$@" -o x.csv
    [ $(($(stat -c %s x.arrows) % 8)) -eq 0 ]
    [ "$(head -c 4 x.arrows | od -An -tx1)" = " ff ff ff ff" ] && [ "$(tail -c 8 x.arrows | od -An -tx1)" = " ff ff ff ff 00 00 00 00" ]
    if [ -d "$modules/apache-arrow" ] && command -v node >/dev/null; then
        node "$tree/tests/peer/arrow.mjs" x.arrows x.csv "$(dirname "$modules")" >said || { cat said; return 1; }
    else
        skip "skipped in part: no apache-arrow under NODE_PATH"
    fi
}

@test "series and windows: texts, days and values, missing ones among them" {
    same "$dir/series.weft"
    grep -q '^id:Utf8 .*brand:Utf8 date:Date32<DAY> units:Float32$' said && grep -q '^2880 rows the same' said
    same "$dir/windows.weft"
    printf '%s\n' 'id,제품,date,units' '"a ""b"", c",셔츠,1969-12-30,1.5' '"a ""b"", c",셔츠,1970-01-02,-3' 'd,,1970-01-01,16777217' >odd.csv
    ingest -q --layout long --id id --keys 제품 --value units --missing nan odd.csv -o odd.weft
    same odd.weft
}

@test "forecasts: dates, steps and quantiles; those left out have a row that says why" {
    score -q -m "$dir/model.safetensors,seasonal-naive:7" --part test --quantiles 0.1,0.5,0.9 "$dir/windows.weft" -o f.weft
    same f.weft
    grep -q ' origin:Date32<DAY> step:Int32 date:Date32<DAY> forecast:Float32 actual:Float32 q0_1:Float32 q0_5:Float32 q0_9:Float32 why:Utf8$' said
    awk -F, -v OFS=, 'NR == 1 || NR > 4 { print; next } { for (i = 7; i < NF - 3; i++) $i = ""; print }' "$dir/shop.csv" >young.csv
    ingest -q --missing nan young.csv | score -q -m "$dir/model.safetensors" -o left.weft
    same left.weft
}

@test "steps shorter than a day are timestamps" {
    awk 'BEGIN { print "time,a,b"; for (i = 0; i < 200; i++) printf "2025-03-%02d %02d:00,%d,%s\n", 1 + i / 24, i % 24, i, i == 77 ? "" : i / 3 }' >h.csv
    ingest -q --layout matrix h.csv -o h.weft
    same h.weft
    grep -q 'date:Timestamp<SECOND>' said
}

@test "more rows than a batch holds, several streams, the same bytes each time; what has other columns is refused" {
    shop big.csv 500 300
    ingest -q big.csv -o big.weft
    frames arrow big.weft | cmp - <(frames arrow <big.weft)
    run frames arrow "$dir/series.weft" "$dir/latest.weft" -o no.arrows
    [ "$status" -eq 65 ] && [[ "$output" == *"other columns"* ]] && [ ! -e no.arrows ]
    rank -q --format frames "$dir/latest.weft" -o r.weft
    run frames arrow r.weft
    [ "$status" -eq 65 ] && [[ "$output" == *"series, windows and forecasts become Arrow; weft frames csv takes every stream" ]]
    head -c 3000 "$dir/series.weft" >cut.weft
    run frames arrow cut.weft -o no.arrows
    [ "$status" -eq 76 ] && [ ! -e no.arrows ]
    same "$dir/series.weft" "$dir/series.weft"
    grep -q '^5760 rows the same' said
    same big.weft
    grep -q '^150000 rows the same, 3 batches' said
}

@test "ingest reads what frames arrow writes, by any of its ways in" {
    frames csv "$dir/series.weft" -o s.csv
    frames arrow "$dir/series.weft" -o s.arrows
    ingest -q s.csv -o want.weft
    ingest -q s.arrows | frames csv | cmp - <(frames csv want.weft)
    ingest -q <s.arrows | frames csv | cmp - <(frames csv want.weft)
    gzip -c s.arrows | ingest -q | frames csv | cmp - <(frames csv want.weft)
    frames inspect s.arrows >said
    grep -q '^file  *s.arrows: .* UTF-8$' said
    eval "$(sed -n 's/^command  *//p' said) -q" | frames csv | cmp - <(frames csv want.weft)
    # Missing values, quotes and long texts come through.
    printf '%s\n' 'date,id,units' '2026-01-01,"a ""b"", c",1.5' '2026-01-02,"a ""b"", c",' '2026-01-01,"  d",16777217' '2026-01-02,털모자,-3' >odd.csv
    ingest -q --layout long --id id --value units --missing nan odd.csv -o odd.weft
    frames arrow odd.weft | ingest -q --layout long --id id --value units --missing nan | frames csv | cmp - <(frames csv odd.weft)
}

@test "what apache-arrow writes is read: dates, timestamps, integers and floats of every width, batches; the rest is refused by name" {
    modules=${NODE_PATH:-$tree/node_modules}
    [ -d "$modules/apache-arrow" ] && command -v node >/dev/null || skip "skipped: no apache-arrow under NODE_PATH"
    node "$tree/tests/peer/arrow-write.mjs" . "$(dirname "$modules")"
    { echo date,item,units; for i in $(seq 0 39); do
        printf '2026-01-%02d,%s,%s\n' $((1 + i % 20)) "$([ "$i" -lt 20 ] && echo '"hat, ""red"""' || echo 털모자)" "$([ "$i" -eq 7 ] || echo $((i * 3)))"; done; } >want.csv
    ingest -q --layout long --missing nan want.csv | frames csv >want
    for f in day-double ms-float second-int8 milli-uint16 micro-int64 nano-uint64 text-int32-batches large-text; do
        ingest -q --layout long --missing nan $f.arrows | frames csv | cmp - want || { echo "$f"; false; }
    done
    run ingest -q --layout long dictionary.arrows -o no.weft
    [ "$status" -eq 65 ] && [[ "$output" == *"dictionary.arrows: column 2 is a dictionary; write it as plain text" ]]
    run ingest -q --layout long half.arrows -o no.weft
    [ "$status" -eq 65 ] && [[ "$output" == *"column 3 is of half floats"* ]] && [ ! -e no.weft ]
}

@test "damaged Arrow data, cut at any place or with any byte of its messages changed, is refused or read, and nothing dies of it" {
    printf '%s\n' date,id,units 2026-01-01,a,1 2026-01-02,a,2 2026-01-01,b,3 2026-01-02,b,4 >t.csv
    ingest -q --layout long --id id --value units t.csv | frames arrow -o t.arrows
    size=$(stat -c %s t.arrows)
    for at in $(seq 8 24 $((size - 9))); do
        status=0
        head -c "$at" t.arrows | ingest -q --layout long -o no.weft 2>err || status=$?
        [ "$status" -eq 65 ] || [ "$status" -eq 0 ] || { echo "cut at $at: $status $(<err)"; false; }
    done
    for at in $(seq 4 7 $((size - 1))); do
        for byte in '\x00' '\x7f' '\xff'; do
            status=0
            { head -c "$at" t.arrows; printf "$byte"; tail -c +$((at + 2)) t.arrows; } | timeout 20 ingest -q --layout long --id id --value units -o no.weft 2>err || status=$?
            [ "$status" -eq 65 ] || [ "$status" -eq 0 ] || { echo "byte $at $byte: $status $(<err)"; false; }
        done
    done
}
