#!/usr/bin/env bats
# soldout.bats - days without stock: told by a table or found, missing in the sales, and made up for in sums.

load helper

# A made-up shop that says what would have been bought, and what was in stock in the evening.
setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    "$BUILD/gen/shop" --products 150 --days 500 --seed 9 --layout long --truth 1 -o "$dir/shop.csv"
    ingest -q "$dir/shop.csv" --value units --id id -o "$dir/sold.weft"
    ingest -q "$dir/shop.csv" --value units=demand --id id -o "$dir/asked.weft"
    cut -d, -f1,2,12 "$dir/shop.csv" >"$dir/history.csv"
}

@test "a stock history: the days at 0, no others, and their sales are missing" {
    covariates -q --stock-history "$dir/history.csv" -i "$dir/sold.weft" -o "$dir/told.weft"
    frames check "$dir/told.weft"
    awk -F, 'NR > 1 && $3 == 0 { print $2 "," $1 }' "$dir/history.csv" | sort >"$dir/want"
    frames csv "$dir/told.weft" | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $(at["available"]) == 0 { if ($(at["units"]) != "") exit 1; print $(at["id"]) "," $(at["date"]) }' | sort >"$dir/got"
    [ "$(wc -l <"$dir/want")" -gt 500 ]
    cmp "$dir/want" "$dir/got"
    covariates --stock-history "$dir/history.csv" -i "$dir/sold.weft" 2>&1 >/dev/null | grep -q "$(wc -l <"$dir/want") days of .* series were sold out"
}

@test "found by itself: of what sells five a day and more, nine of ten days, and next to no other" {
    covariates -q --find-soldout -i "$dir/sold.weft" -o "$dir/found.weft"
    { frames csv "$dir/found.weft" | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $(at["available"]) == 0 { print "found," $(at["date"]) "," $(at["id"]) }'; cat "$dir/shop.csv"; } |
        awk -F, '$1 == "found" { found[$2 "," $3]; next } { sum[$2] += $11; n[$2]++; if ($12 == "0") out[$1 "," $2] = $2; day[$1 "," $2] = $2 }
            END { for (d in day) { i = day[d]; if (sum[i] / n[i] < 5) continue; t = d in out; f = d in found; hit += t && f; missed += t && !f; wrong += f && !t }
                printf "%d hit, %d missed, %d wrong\n", hit, missed, wrong; exit !(hit > 100 && hit > 8 * missed / 2 && hit > 9 * wrong) }'
}

@test "sums: a member that was sold out counts with what was to be expected, and the share is told" {
    printf 'id,minor' >"$BATS_TEST_TMPDIR/t.csv"
    awk 'BEGIN { for (d = 0; d < 70; d++) printf ",%s", strftime("%Y-%m-%d", 1640995200 + d * 86400, 1); print ""
        for (p = 0; p < 2; p++) { printf "p%d,m", p; for (d = 0; d < 70; d++) printf ",%d", (p && d >= 50 && d < 55 ? 0 : 10 + d % 7); print "" } }' >>"$BATS_TEST_TMPDIR/t.csv"
    ingest -q "$BATS_TEST_TMPDIR/t.csv" | covariates -q --find-soldout | aggregate -q --by minor -o "$BATS_TEST_TMPDIR/sum.weft"
    frames check "$BATS_TEST_TMPDIR/sum.weft"
    # the same weekdays before are the same numbers: the sum is as if nothing had been sold out, half of it imputed
    frames csv "$BATS_TEST_TMPDIR/sum.weft" | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { d = NR - 2; out = d >= 50 && d < 55
        if ($(at["units"]) != 2 * (10 + d % 7) || $(at["imputed"]) != (out ? 0.5 : 0) || $(at["available"]) != (out ? 0.5 : 1)) { print; exit 1 } }'
    ingest -q "$BATS_TEST_TMPDIR/t.csv" | covariates -q --find-soldout | aggregate --by minor 2>&1 >/dev/null | grep -q '^aggregate: 5 days of members that were sold out'
    # without the channel nothing changes
    ingest -q "$BATS_TEST_TMPDIR/t.csv" | aggregate -q --by minor | frames csv | head -n 1 | grep -qv imputed
}

@test "a model that knows what was sold out is nearer to what was asked for" {
    covariates -q --find-soldout --fill expected --fill-max 28 -i "$dir/sold.weft" -o "$dir/filled.weft"
    for k in sold filled; do
        window -q --lookback 28 --horizon 7 -i "$dir/$k.weft" -o "$dir/w.weft"
        train-dlinear -q --exog none -i "$dir/w.weft" -o "$dir/$k.st"
        score -q -m "$dir/$k.st" --part test -i "$dir/w.weft" | evaluate -q --actuals "$dir/asked.weft" --format csv | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { print $(at["wape"]) }' >"$dir/$k.wape"
    done
    awk -v zeros="$(cat "$dir/sold.wape")" -v filled="$(cat "$dir/filled.wape")" 'BEGIN { print zeros, filled; exit !(filled < 0.97 * zeros) }'
}

@test "what can't be told" {
    c() { local code=$1 what=$2; shift 2; run covariates "$@" -i "$dir/sold.weft" -o /dev/null; [ "$status" -eq "$code" ] && [[ "$output" == *"$what"* ]] || { echo "$status: $output"; false; }; }
    c 64 "one table at a time" --stock-history "$dir/history.csv" --csv "$dir/history.csv"
    c 64 "give one" --stock-history "$dir/history.csv" --find-soldout
    printf 'date,id,stock,재고\n2022-01-01,0,1,2\n' >"$BATS_TEST_TMPDIR/two.csv"
    c 65 "2 columns say what was in stock; say which: --value" --stock-history "$BATS_TEST_TMPDIR/two.csv"
    printf 'date,id,what\n2022-01-01,0,1\n' >"$BATS_TEST_TMPDIR/none.csv"
    c 65 "0 columns say what was in stock" --stock-history "$BATS_TEST_TMPDIR/none.csv"
}
