#!/usr/bin/env bats
# reconcile.bats - forecasts of several levels, made to add up.

load helper

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    fixtures "$dir"
    for l in all major minor; do aggregate --by $l -i "$dir/series.weft" -o "$dir/$l.series"; done
    cp "$dir/series.weft" "$dir/id.series"
    # Baselines that do not add up by themselves: the share of the last week is of each series' own.
    for l in all major minor id; do
        score -m x=lag-growth:7:7,mean=mean:14 --horizon 5 -i "$dir/$l.series" -o "$dir/$l.latest"
        window -q --lookback 14 --horizon 5 -i "$dir/$l.series" | score -m x=lag-growth:7:7 --part test -o "$dir/$l.test"
    done
}

# sums FILE PARENT_LEVEL PARENT_COLUMN CHILD_LEVEL: largest difference between a parent and the sum of its children, relative.
sums() {
    frames csv "$1" | awk -F, -v pl="$2" -v pc="$3" -v cl="$4" '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { cell = $at["model"] SUBSEP $at["origin"] SUBSEP $at["step"] }
        $at["level"] == pl { parent[(pc == "all" ? "all" : $at["id"]) SUBSEP cell] = $at["forecast"] }
        $at["level"] == cl { sum[(pc == "all" ? "all" : $at[pc]) SUBSEP cell] += $at["forecast"]; n++ }
        END {
            for (k in parent) { d = (parent[k] - sum[k]) / (parent[k] ? parent[k] : 1); d = d < 0 ? -d : d; if (d > worst) worst = d }
            print (n ? "compared" : "nothing"), worst
        }'
}

@test "what is no sum over groups is left as it was" {
    cd "$BATS_TEST_TMPDIR"
    printf 'date,item,minor,brand,units,mentions\n' >two.csv
    for d in 01 02 03 04; do printf '2022-01-%s,a,m,x,1,4\n2022-01-%s,b,m,y,2,5\n2022-01-%s,c,n,x,3,9\n' $d $d $d; done >>two.csv
    ingest -q --layout long --id item --date date --value units,mentions --keys minor,brand --totals keep -o two.weft two.csv
    for l in all minor; do aggregate --by $l --count active,brands --active-days 1 -i two.weft | score -m mean:2 --horizon 1 -o $l.weft; done
    reconcile all.weft minor.weft -o r.weft 2>warning
    [ "$(wc -l <warning)" -eq 1 ]
    grep -q 'mentions (a mean) and brands' warning
    [ "$(frames csv r.weft | awk -F, '$3 == "all" { printf "%s=%s ", $5, $(NF - 2) }')" = "units=6 mentions=6 active=3 brands=2 " ]
}

@test "every level adds up to the one above, by every method" {
    cd "$dir"
    for m in bottom-up top-down ols wls wls-var; do
        for part in latest test; do
            reconcile --method $m all.$part major.$part minor.$part id.$part -o "$BATS_TEST_TMPDIR/r.weft"
            frames check "$BATS_TEST_TMPDIR/r.weft"
            for pair in "all all major" "major major minor" "minor minor id" "all all id"; do
                read -r parent column child <<<"$pair"
                got=$(sums "$BATS_TEST_TMPDIR/r.weft" $parent $column $child)
                # What is left is the decimal text's; the numbers themselves are compared in tests/unit/test_reconcile.c.
                awk '{ exit !($1 == "compared" && $2 < 5e-7) }' <<<"$got" || { echo "$m $part $pair: $got"; false; }
            done
        done
    done
    # The base forecasts do not add up, or nothing was shown.
    reconcile --method none all.latest major.latest minor.latest id.latest -o "$BATS_TEST_TMPDIR/r.weft"
    awk '{ exit !($2 > 1e-5) }' <<<"$(sums "$BATS_TEST_TMPDIR/r.weft" all all id)"
}

@test "bottom-up leaves the lowest level as it is, top-down the highest" {
    cd "$dir"
    values() { frames csv | awk -F, -v level="$1" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["level"] == level { print $at["id"], $at["step"], $at["forecast"] }'; }
    # But for the rounding: 2^-22 of the parent.
    same() { paste -d ' ' "$1" "$2" | awk '{ d = $3 - $6; if ($1 != $4 || $2 != $5 || d > 1e-3 || d < -1e-3) bad++; n++ } END { exit !(n > 20 && !bad) }'; }
    all=(all.test major.test minor.test id.test)
    same <(reconcile --method none "${all[@]}" | values id) <(reconcile --method bottom-up "${all[@]}" | values id)
    same <(reconcile --method none "${all[@]}" | values all) <(reconcile --method top-down "${all[@]}" | values all)
    ! same <(reconcile --method none "${all[@]}" | values all) <(reconcile --method bottom-up "${all[@]}" | values all) || false
}

@test "one stream with all levels, several methods side by side, evaluated by level" {
    cd "$dir"
    reconcile --method none -o "$BATS_TEST_TMPDIR/joined.weft" all.test major.test minor.test id.test
    pipe "reconcile --levels all,major,id --method none,wls all.test - <(frames cat major.test) <id.test | evaluate --by level --format csv"
    [ "$status" -eq 0 ]
    [ "$(grep -c '/wls' <<<"$output")" -eq 3 ]
    [[ "$output" == *x/none* ]]
    pipe "reconcile --only major --levels all,major,id id.latest all.latest major.latest | frames count"
    [[ "$output" == *"6 frames"* ]]
}

@test "quantiles move with their forecast" {
    cd "$dir"
    for l in all id; do
        window -q --lookback 14 --horizon 7 --scale standard -i $l.series -o "$BATS_TEST_TMPDIR/$l.windows"
        train-dlinear -q -i "$BATS_TEST_TMPDIR/$l.windows" -o "$BATS_TEST_TMPDIR/$l.st"
        score -m m="$BATS_TEST_TMPDIR/$l.st" --quantiles 0.1,0.9 -i "$BATS_TEST_TMPDIR/$l.windows" -o "$BATS_TEST_TMPDIR/$l.latest"
    done
    cd "$BATS_TEST_TMPDIR"
    offsets() { frames csv | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { printf "%s %s %.2f %.2f\n", $at["id"], $at["step"], $at["q0_1"] - $at["forecast"], $at["q0_9"] - $at["forecast"] }'; }
    for m in wls wls-var; do
        diff <(reconcile --method none all.latest id.latest | offsets) <(reconcile --method $m all.latest id.latest | offsets)
        frames check <(reconcile --method $m all.latest id.latest)
    done
}

@test "nothing below zero unless asked" {
    cd "$dir"
    # The total says much less than its parts: ols takes the difference off them.
    frames show all.latest | sed 's/"forecast":{"f32":\[\[[^]]*\]\]}/"forecast":{"f32":[[1,1,1,1,1]]}/' | frames from-json >"$BATS_TEST_TMPDIR/all.low"
    negative() { frames csv | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["forecast"] < 0 { n++ } END { print n + 0 }'; }
    [ "$(reconcile --method ols --no-nonnegative "$BATS_TEST_TMPDIR/all.low" id.latest | negative)" -gt 0 ]
    [ "$(reconcile --method ols "$BATS_TEST_TMPDIR/all.low" id.latest | negative)" -eq 0 ]
}

@test "a step that one node lacks is missing in its whole tree" {
    cd "$dir"
    frames show id.latest | sed '0,/"forecast":{"f32":\[\[[^],]*/s//"forecast":{"f32":[[null/' | frames from-json >"$BATS_TEST_TMPDIR/id.hole"
    pipe "reconcile all.latest $BATS_TEST_TMPDIR/id.hole | frames csv"
    [ "$status" -eq 0 ]
    # One model, one step of 25 nodes.
    [ "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["forecast"] == "" { n++ } END { print n }' <<<"$output")" -eq 25 ]
}

@test "what does not fit together is refused, with the reason" {
    cd "$dir"
    run reconcile --method best all.latest
    [ "$status" -eq 64 ] && [[ "$output" == *"bottom-up"* ]]
    run reconcile --method wls,ols,wls all.latest id.latest
    [ "$status" -eq 64 ] && [[ "$output" == *"wls twice"* ]]
    run reconcile all.latest id.test
    [ "$status" -eq 65 ]
    run reconcile --levels all,brand,id all.latest id.latest
    [ "$status" -eq 78 ] && [[ "$output" == *'"brand"'*"all, id"* ]]
    run reconcile --levels major,all,id all.latest major.latest id.latest
    [ "$status" -eq 65 ]
    run reconcile all.latest <(frames head -n 20 id.latest)
    [ "$status" -eq 65 ] && [[ "$output" == *"sums 24 series"* ]]
    run reconcile all.latest id.latest <(frames show id.latest | sed 's/"f32":\[\[[0-9.]*/"f32":[[1/' | frames from-json)
    [ "$status" -eq 65 ] && [[ "$output" == *"two forecasts"* ]]
    aggregate --by brand -i series.weft | score -m x=lag-growth:7:7,mean=mean:14 --horizon 5 -o "$BATS_TEST_TMPDIR/brand.latest"
    run reconcile --levels minor,brand,id minor.latest "$BATS_TEST_TMPDIR/brand.latest" id.latest
    [ "$status" -eq 65 ] && [[ "$output" == *"levels must nest"* ]]
}
