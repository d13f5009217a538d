#!/usr/bin/env bats
# order.bats - quantities from forecasts and stock: against awk, in any order of rows, and what can't be ordered on.

load helper

# A shop with noise: 24 products that sell 3 to 26 pieces a day, 240 days.
setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    awk 'function noise(k) { seed = (seed * 16807 + k) % 2147483647; return seed / 2147483647 }
        BEGIN { seed = 7; printf "id,major"; for (d = 0; d < 240; d++) printf ",%s", strftime("%Y-%m-%d", 1640995200 + d * 86400, 1); print ""
        for (p = 0; p < 24; p++) { printf "p%02d,m%d", p, p % 3
            for (d = 0; d < 240; d++) printf ",%d", (3 + p) * (0.5 + noise(p)) + (d + p) % 7; print "" } }' >"$dir/shop.csv"
    ingest -q "$dir/shop.csv" -o "$dir/series.weft"
    window -q --lookback 28 --horizon 14 -i "$dir/series.weft" | train-dlinear -q -o "$dir/model.st"
    score -q -m "$dir/model.st" -i "$dir/series.weft" -o "$dir/forecasts.weft"
    awk 'BEGIN { print "id,on_hand,on_order,lead_days,review_days,pack,moq,price,cost,salvage"
        for (p = 0; p < 24; p++) printf "p%02d,%d,%d,%d,7,%d,%d,10,6,%d\n", p, p * 5, p % 4 * 10, p % 5, 1 + p % 3 * 5, p % 2 * 20, 2 }' >"$dir/stock.csv"
}

refused() {
    local code=$1 what=$2
    shift 2
    run order "$@" -i "$dir/forecasts.weft"
    [ "$status" -eq "$code" ] && [[ "$output" == *"$what"* ]] || { echo "wanted $code: $what"; echo "$status: $output"; return 1; }
}

# column NAME < CSV: id and that column.
column() {
    awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { print $(at["id"]), $(at[name]) }'
}

@test "a service of so many per cent: mean and standard error of the sum, as awk has them" {
    # big quantities, so that the sum is normal or Student's t: 2.5 standard errors lie above 98 % in any case
    printf 'id,on_hand\np20,0\np23,50\n' >"$BATS_TEST_TMPDIR/two.csv"
    order -q --stock "$BATS_TEST_TMPDIR/two.csv" --lead-days 3 --review-days 7 --service 0.5 --format csv -i "$dir/forecasts.weft" >"$BATS_TEST_TMPDIR/half.csv"
    frames csv "$dir/forecasts.weft" | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $(at["step"]) <= 10 { sum[$1] += $(at["forecast"]) } END { printf "p20 %d\np23 %d\n", sum["p20"] + 0.999, sum["p23"] - 50 + 0.999 }' >"$BATS_TEST_TMPDIR/want"
    diff "$BATS_TEST_TMPDIR/want" <(column quantity <"$BATS_TEST_TMPDIR/half.csv" | sort)
    order -q --stock "$BATS_TEST_TMPDIR/two.csv" --lead-days 3 --review-days 7 --service 0.95 --format csv -i "$dir/forecasts.weft" >"$BATS_TEST_TMPDIR/sure.csv"
    # with the covariance as frames show it: 1'S1 over ten steps, and Student's t between 1.645 and 1.9 of it
    frames show "$dir/forecasts.weft" | awk -F'"covariance":' '/"id":"p20"/ { split($2, part, "]]"); gsub(/[^0-9.eE,+-]/, "", part[1]); sub(/^32/, "", part[1]); n = split(part[1], s, ",")
        for (i = 0; i < 10; i++) for (k = 0; k < 10; k++) v += s[i * 14 + k + 1]; print sqrt(v) }' >"$BATS_TEST_TMPDIR/sd"
    awk -v sd="$(cat "$BATS_TEST_TMPDIR/sd")" 'FNR == NR { half[$1] = $2; next } $1 == "p20" { z = ($2 - half[$1]) / sd; if (z < 1.6 || z > 1.95) { print "z", z; exit 1 } ok = 1 } END { exit !ok }' \
        <(column quantity <"$BATS_TEST_TMPDIR/half.csv") <(column quantity <"$BATS_TEST_TMPDIR/sure.csv")
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { p = $(at["p_out"]); if (p > 0.05001 || p < 0.03) { print p; exit 1 } }' "$BATS_TEST_TMPDIR/sure.csv"
}

@test "more service orders more, prices decide where they are told, a budget is never exceeded" {
    q() { order -q --stock "$dir/stock.csv" "$@" --format csv -i "$dir/forecasts.weft" | column quantity | awk '{ s += $2 } END { print s }'; }
    [ "$(q --service 0.8)" -lt "$(q --service 0.95)" ]
    [ "$(q --fill 0.9)" -lt "$(q --fill 0.995)" ]
    order -q --stock "$dir/stock.csv" --format csv -i "$dir/forecasts.weft" | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { if ($(at["goal"]) != "profit" || $(at["goal_share"]) != 0.5) { print; exit 1 } }'
    for budget in 0 100 1000 5000; do
        order -q --stock "$dir/stock.csv" --budget $budget --format csv -i "$dir/forecasts.weft" | awk -F, -v budget=$budget 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
            { spend += $(at["quantity"]) * 6; n++; if ($(at["quantity"]) % (1 + substr($1, 2) % 3 * 5)) exit 1 } END { exit !(n == 24 && spend <= budget && spend >= budget - 100 - 0.1 * budget) }' || { echo "budget $budget"; false; }
    done
    order --stock "$dir/stock.csv" --budget 1000 -i "$dir/forecasts.weft" 2>/dev/null | grep -q '^the budget binds: the next piece would earn'
}

@test "the order of rows, threads and formats do not change what is ordered" {
    { head -n 1 "$dir/stock.csv"; tail -n +2 "$dir/stock.csv" | sort -t, -k2nr; } >"$BATS_TEST_TMPDIR/sorted.csv"
    { head -n 1 "$dir/shop.csv"; tail -n +2 "$dir/shop.csv" | tac; } | ingest -q -o "$BATS_TEST_TMPDIR/back.weft"
    score -q -m "$dir/model.st" -i "$BATS_TEST_TMPDIR/back.weft" -o "$BATS_TEST_TMPDIR/back-forecasts.weft"
    for o in "--service 0.9" "--budget 2000"; do
        order -q --stock "$dir/stock.csv" $o --format csv -i "$dir/forecasts.weft" >"$BATS_TEST_TMPDIR/a"
        cmp "$BATS_TEST_TMPDIR/a" <(order -q --threads 2 --stock "$BATS_TEST_TMPDIR/sorted.csv" $o --format csv -i "$BATS_TEST_TMPDIR/back-forecasts.weft")
    done
    order -q --stock "$dir/stock.csv" --format frames -i "$dir/forecasts.weft" -o "$BATS_TEST_TMPDIR/orders.weft"
    frames check "$BATS_TEST_TMPDIR/orders.weft"
    [ "$(frames csv "$BATS_TEST_TMPDIR/orders.weft" | wc -l)" -eq 25 ]
}

@test "a Korean table: headers found by meaning, days with their word, per cent, pieces with theirs" {
    printf '상품코드,상품명,현재고,입고예정,리드타임,발주주기,서비스수준,단위\np03,가,"1,020개",0,3일,7,95%%,EA\np04,나,5,10,3,7,,개\n합계,,1025,10,,,,\n' >"$BATS_TEST_TMPDIR/ko.csv"
    output=$(order --stock "$BATS_TEST_TMPDIR/ko.csv" --format csv -i "$dir/forecasts.weft" 2>"$BATS_TEST_TMPDIR/err")
    stderr=$(cat "$BATS_TEST_TMPDIR/err")
    [[ "$stderr" == *"on_hand is 현재고, on_order is 입고예정, lead_days is 리드타임, review_days is 발주주기, service is 서비스수준, unit is 단위"* ]]
    [[ "$stderr" == *"1 rows add others up"* ]]
    [ "$(column position <<<"$output")" = "$(printf 'p04 15\np03 1020')" ]
}

@test "what can't be: counted, with the reason, and nothing is ordered on it" {
    printf 'id,on_hand,lead_days,unit\np00,-3,3,ea\np01,3박스,3,ea\np02,9,,ea\nzz,9,3,ea\np03,9,30,ea\np04,9,3,BOX\np05,9,3,ea\np06,2.5,3,ea\n' >"$BATS_TEST_TMPDIR/bad.csv"
    output=$(order --stock "$BATS_TEST_TMPDIR/bad.csv" --review-days 7 --format csv -i "$dir/forecasts.weft" 2>"$BATS_TEST_TMPDIR/err")
    stderr=$(cat "$BATS_TEST_TMPDIR/err")
    [[ "$stderr" == *"7 of 8 rows of stock have no order; the first: p00: on_hand is below 0: -3"* && "$stderr" == *"17 forecasts have no row"* ]] || { echo "$stderr"; false; }
    [ "$(awk -F, 'NR > 1 && $2 != "" { print $1 }' <<<"$output")" = p05 ]
    for why in "on_hand is below 0: -3" "count pieces" "no lead time" "no forecast has this id" "need 37 steps ahead, and 14 are forecast" 'its unit is ""BOX""' "no whole pieces"; do
        [[ "$output" == *"$why"* ]] || { echo "missing: $why"; echo "$output"; false; }
    done
    # and all of them: an error
    grep -v p05 "$BATS_TEST_TMPDIR/bad.csv" >"$BATS_TEST_TMPDIR/worse.csv"
    refused 65 "nothing can be ordered: 7 rows of stock; p00: on_hand is below 0: -3" --stock "$BATS_TEST_TMPDIR/worse.csv" --review-days 7
}

@test "tables with two readings are refused in a line, with the way out" {
    t() { printf "$1" >"$BATS_TEST_TMPDIR/t.csv"; }
    t 'id,on_hand\np00,3\np00,4\n'; refused 65 't.csv:3:1: stands twice' --stock "$BATS_TEST_TMPDIR/t.csv" --lead-days 1 --review-days 7
    t 'id,on_hand\np00,few\n'; refused 65 't.csv:2:2: not a number: "few"' --stock "$BATS_TEST_TMPDIR/t.csv" --lead-days 1 --review-days 7
    t 'id,재고,가용재고\np00,3,4\n'; refused 65 '"재고" and "가용재고" could both be on_hand; say which: --stock-column' --stock "$BATS_TEST_TMPDIR/t.csv" --lead-days 1 --review-days 7
    order -q --stock "$BATS_TEST_TMPDIR/t.csv" --stock-column on_hand=가용재고 --lead-days 1 --review-days 7 --columns position --format csv -i "$dir/forecasts.weft" | grep -qx 4
    t 'id,lager\np00,3\n'; refused 65 'no column says what is in stock' --stock "$BATS_TEST_TMPDIR/t.csv" --lead-days 1 --review-days 7
    t 'id,on_hand,lead time (weeks)\np00,3,1\n'; refused 65 'is another unit, and lead_days counts days' --stock "$BATS_TEST_TMPDIR/t.csv" --review-days 7
    t 'id,on_hand\np00,3\n'; refused 65 'no lead time: --lead-days' --stock "$BATS_TEST_TMPDIR/t.csv" --review-days 7
    refused 65 'no review period: --review-days' --stock "$BATS_TEST_TMPDIR/t.csv" --lead-days 7
    refused 64 'two goals' --stock "$BATS_TEST_TMPDIR/t.csv" --lead-days 1 --review-days 7 --service 0.9 --fill 0.9
    refused 66 'nowhere.csv' --stock "$BATS_TEST_TMPDIR/nowhere.csv"
    refused 65 'no cost, and --budget counts money' --stock "$BATS_TEST_TMPDIR/t.csv" --lead-days 1 --review-days 7 --budget 100
    t 'id,on_hand\n'; refused 65 'has no rows' --stock "$BATS_TEST_TMPDIR/t.csv" --lead-days 1 --review-days 7
}

@test "forecasts without a covariance, of the past, of two models, of money" {
    printf 'id,on_hand\np00,3\n' >"$BATS_TEST_TMPDIR/t.csv"
    score -q -m seasonal-naive:7 -i "$dir/series.weft" --horizon 14 -o "$BATS_TEST_TMPDIR/naive.weft"
    run order --stock "$BATS_TEST_TMPDIR/t.csv" --lead-days 1 --review-days 7 --model seasonal-naive:7 -i "$BATS_TEST_TMPDIR/naive.weft"
    [ "$status" -eq 78 ]
    [[ "$output" == *"no covariance of errors"*"train-dlinear"* ]] || { echo "$output"; false; }
    score -q -m "a=$dir/model.st,b=$dir/model.st" -i "$dir/series.weft" -o "$BATS_TEST_TMPDIR/two.weft" 
    run order --stock "$BATS_TEST_TMPDIR/t.csv" --lead-days 1 --review-days 7 -i "$BATS_TEST_TMPDIR/two.weft"
    [ "$status" -eq 64 ] && [[ "$output" == *"say whose with --model"* ]] || { echo "$output"; false; }
}

@test "backtest --orders: velocity and the textbook as awk replays them, and models keep their word" {
    backtest -q --orders --horizon 14 --origins 8 --no-baselines -m "$dir/model.st" --service 0.8,0.95 --price 10 --cost 6 --salvage 2 --format csv -i "$dir/series.weft" >"$BATS_TEST_TMPDIR/got.csv"
    frames csv "$dir/series.weft" | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { id[$1]; x[$1, n[$1]++] = $(at["units"]) }
        function up(v) { return v == int(v) ? v : int(v) + 1 }
        function play(rule, i, k, t, j, s, m, q, sd, level, d, days) { days = rule == "velocity" ? 30 : 90; whole = cycles = left = all = sold = 0
            for (i in id) { s = 0; for (k = 0; k < 8; k++) { t = 240 - 8 * 14 + k * 14; m = q = d = 0
                for (j = t - days; j < t; j++) { m += x[i, j] / days; q += x[i, j] ^ 2 }
                sd = sqrt((q - days * m * m) / (days - 1)); level = rule == "velocity" ? m * 14 : m * 14 + 1.6448536 * sd * sqrt(14)
                level = up(level - 0.0001); s = level > s ? level : s
                for (j = t; j < t + 14; j++) d += x[i, j]
                cycles++; whole += d <= s; sold += d < s ? d : s; s = d < s ? s - d : 0; left += s; all += d } }
            printf "%s %.6f %.6f %.6f %d\n", rule, whole / cycles, sold / all, left / all, 4 * sold - 4 * left + 0.5 }
        END { play("velocity"); play("mean + z sd") }' >"$BATS_TEST_TMPDIR/want"
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $(at["model"]) == "velocity" || ($(at["model"]) == "mean + z sd" && $(at["service"]) == 0.95) {
        printf "%s %.6f %.6f %.6f %d\n", $(at["model"]), $(at["in_stock"]), $(at["served"]), $(at["leftover"]), $(at["profit"]) + 0.5 }' "$BATS_TEST_TMPDIR/got.csv" >"$BATS_TEST_TMPDIR/rows"
    diff "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/rows"
    # the model, which was trained on a part of these days: 80 and 95 within 8 points on 192 cycles; profit is a goal too
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $(at["model"]) == "dlinear" && $(at["goal"]) == "service" { d = $(at["in_stock"]) - $(at["service"]); n++; if (d > 0.08 || d < -0.08) { print; exit 1 } }
        $(at["goal"]) == "profit" { p++ } END { exit !(n == 2 && p == 2) }' "$BATS_TEST_TMPDIR/got.csv" || { cat "$BATS_TEST_TMPDIR/got.csv"; false; }
    backtest -q --orders --horizon 14 --lead-steps 4 --origins 6 -m "$dir/model.st" -i "$dir/series.weft" | grep -q 'an order every 10 days, 4 days under way'
    backtest -q --orders --table both --horizon 14 --origins 4 -m "$dir/model.st" --format frames -i "$dir/series.weft" | frames check
}

@test "backtest --orders: what it can't replay" {
    b() { local code=$1 what=$2; shift 2; run backtest "$@" -i "$dir/series.weft"; [ "$status" -eq "$code" ] && [[ "$output" == *"$what"* ]] || { echo "$status: $output"; false; }; }
    b 64 "give --orders" --table orders --horizon 14
    b 64 "is for --orders" --service 0.9 --horizon 14
    b 64 "not a share" --orders --service 2 --horizon 14
    b 64 "--orders and --gap" --orders --gap 2 --horizon 14
    b 64 "give both" --orders --price 3 --horizon 14
    b 78 "more than the horizon" --orders --lead-steps 8 --every 7 --horizon 14
}
