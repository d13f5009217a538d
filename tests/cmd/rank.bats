#!/usr/bin/env bats
# rank.bats - score, evaluate and rank: their numbers against those of awk.

load helper

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    fixtures "$dir"
}

@test "seasonal naive: forecasts, MSE and WAPE are what awk computes" {
    score -m seasonal-naive:7 --part test -i "$dir/windows.weft" -o "$dir/sn.weft"
    read -r mse wape < <(frames csv "$dir/series.weft" | awk -F, 'NR > 1 { id[$1] = 1; n[$1]++; x[$1, n[$1]] = $8 }
        END { for (i in id) for (s = int(120 * 0.8); s + 7 <= 120; s++) for (h = 1; h <= 7; h++) {
            d = x[i, s + h] - x[i, s + h - 7]; sq += d * d; ab += d < 0 ? -d : d; sum += x[i, s + h]; k++ }
            printf "%.6f %.6f\n", sq / k, ab / sum }')
    got=$(evaluate --format csv -i "$dir/sn.weft" | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 { printf "%.6f %.6f\n", $(at["mse"]), $(at["wape"]) }')
    [ "$got" = "$mse $wape" ] || { echo "weft $got, awk $mse $wape"; false; }
}

@test "growth is far over near, and groups are sums" {
    rank --by major --near 1:2 --far 6:7 --format csv -i "$dir/latest.weft" >"$dir/rank.csv"
    # The last eight weeks of the history, by weekday: days 1-2 of the horizon are other weekdays than days 6-7.
    { frames csv "$dir/latest.weft"; frames csv "$dir/series.weft"; } | awk -F, '$1 == "id" { split("", at); for (i = 1; i <= NF; i++) at[$i] = i; next }
        { m = $(at["major"]) }
        "forecast" in at { s = $(at["step"]); if (s <= 2) near[m] += $(at["forecast"]); if (s >= 6) far[m] += $(at["forecast"]); next }
        { d = day[$1]++; p = (d - 64) % 7; if (d >= 64) week[m, int((d - 64) / 7)] += $(at["units"]) / 7; if (d >= 64) { if (p < 2) usual_near[m] += $(at["units"]); if (p >= 5) usual_far[m] += $(at["units"]) } }
        # What the weeks grow within a week is taken off: by least squares over their means.
        END { for (m in near) { b = 0; for (w = 0; w < 8; w++) b += (w - 3.5) * week[m, w] / 42 / 7
            usual_near[m] += 40 * b; usual_far[m] -= 40 * b }
            for (m in near) printf "%s %.5f\n", m, far[m] / usual_far[m] / (near[m] / usual_near[m]) }' | sort >"$dir/want"
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { printf "%s %.5f\n", $(at["name"]), $(at["raw"]) }' "$dir/rank.csv" | sort >"$dir/got"
    diff "$dir/want" "$dir/got"
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $(at["growth"]) < last && NR > 2 && 0 { exit 1 }
        NR > 2 && $(at["growth"]) > before { exit 1 } { before = $(at["growth"]) } !($(at["low"]) <= $(at["growth"]) && $(at["growth"]) <= $(at["high"])) { exit 1 }' "$dir/rank.csv"
}

@test "what sells nothing is marked, stands with an index near 1, and nothing is infinite" {
    awk 'BEGIN { printf "id,minor"; for (d = 0; d < 120; d++) printf ",%s", strftime("%Y-%m-%d", 1640995200 + d * 86400, 1); print ""
        for (p = 0; p < 6; p++) { printf "%d,m%d", p, p; for (d = 0; d < 120; d++) printf ",%d", p == 5 ? 0 : 20 + p + d % 7; print "" } }' >"$dir/zero.csv"
    ingest "$dir/zero.csv" | window --lookback 14 --horizon 7 | tee "$dir/zero.weft" | train-dlinear -o "$dir/zero.st"
    score -m "$dir/zero.st" -i "$dir/zero.weft" | rank --format json >"$dir/zero.json"
    ! grep -qiE 'inf|nan' "$dir/zero.json" || false
    grep '"name": "5"' "$dir/zero.json" | grep -q '"mark": "no sales"'
}

@test "--top, --model, --channel; what there is nothing of is said" {
    [ "$(rank --top 3 --format csv -i "$dir/latest.weft" | wc -l)" -eq 4 ]
    score -m "$dir/model.safetensors,naive" -i "$dir/windows.weft" -o "$dir/two.weft"
    cmp <(rank --format csv -i "$dir/two.weft") <(rank --model dlinear --format csv -i "$dir/latest.weft")
    rank --model naive --format csv -i "$dir/two.weft" >/dev/null
    run rank --model lstm -i "$dir/two.weft"
    [ "$status" -eq 65 ]
    run rank --channel colour -i "$dir/two.weft"
    [ "$status" -eq 78 ]
    [[ "$output" == *'no channel "colour"; they have: '* ]]
    run rank -i "$dir/forecasts.weft"
    [ "$status" -eq 65 ]
    [[ "$output" == *"--part latest"* ]]
    run rank --near 1:9 -i "$dir/latest.weft"
    [ "$status" -eq 78 ]
    run rank --near 4:2 -i "$dir/latest.weft"
    [ "$status" -eq 64 ]
}

@test "forecasts without actual values can't be evaluated" {
    run evaluate -i "$dir/latest.weft"
    [ "$status" -eq 65 ]
    [[ "$output" == *"--part test"* ]]
    run evaluate --confusion -i "$dir/forecasts.weft"
    [ "$status" -eq 64 ]
}

@test "intervals cover what they say, on a generated shop" {
    "$BUILD/gen/shop" --products 400 --days 400 | ingest | aggregate --by minor |
        window --lookback 28 --horizon 7 -o "$dir/shop.weft"
    train-dlinear -q -i "$dir/shop.weft" -o "$dir/shop.st"
    got=$(score -m "$dir/shop.st" --part test --quantiles 0.1,0.9 -i "$dir/shop.weft" | evaluate --format csv |
        awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 { print $(at["coverage_80"]) }')
    awk -v c="$got" 'BEGIN { exit !(c > 0.72 && c < 0.88) }' || { echo "coverage $got"; false; }
}

# flat STEP: a shop that sells the same in every season, of three categories of very different volume; long layout.
flat() {
    awk -v step="$1" -v seasons="$2" 'BEGIN { print "date,id,minor,units"; n = step == 3600 ? 24 : 7
        split("0.4 0.6 0.9 1.1 1.3 2.0 0.7", weekday, " "); split("12 900 40000", volume, " ")
        for (t = 0; t < seasons * n; t++)
            for (p = 1; p <= 3; p++) {
                k = (t + 2 * p) % n
                f = step == 3600 ? (k < 7 ? 0.1 : k < 18 ? 1.5 : 2) : weekday[k + 1]
                printf "%s,p%d,m%d,%g\n", strftime(step == 3600 ? "%Y-%m-%d %H:00" : "%Y-%m-%d", 1640995200 + t * step, 1), p, p, volume[p] * f
            } }'
}

# growths HORIZON SPANS...: every growth and raw index that is not within 0.01 of 1, or marked sure.
growths() {
    local spans
    window -q --lookback "$lookback" --horizon "$1" --split 0.8,0.2,0 -i "$dir/flat.weft" | train-dlinear -q -o "$dir/flat.st"
    score -q -m "$dir/flat.st" -i "$dir/flat.weft" -o "$dir/flat-forecasts.weft"
    for spans in "${@:2}"; do
        rank $spans --format csv --columns name,growth,raw,p_growth,sure -i "$dir/flat-forecasts.weft" |
            awk -F, -v s="horizon $1 $spans" 'NR > 1 { n++; if ($2 < 0.99 || $2 > 1.01 || $3 < 0.99 || $3 > 1.01 || $4 < 0.4 || $4 > 0.6 || $5 != "") print s ": " $0 } END { if (n != 3) print s ": " n " rows" }'
    done
}

@test "a shop that stands still has growth 1, at every horizon, whatever days are compared" {
    lookback=56
    flat 86400 52 | ingest -q | aggregate -q --by minor -o "$dir/flat.weft"
    for h in 8 9 10 11 12 13 14 15 20 21 27 28 35 41 50 59 60; do
        growths $h "" "--near 1:1 --far 8:8" "--near 1:3 --far $((h - 2)):$h"
    done >"$dir/wrong"
    growths 60 "--near 1:10 --far 41:50" "--near 1:30 --far 31:60" "--near 2:2 --far 60:60" >>"$dir/wrong"
    [ ! -s "$dir/wrong" ] || { cat "$dir/wrong"; false; }
    # explain has the same number
    explain -m "$dir/flat.st" --near 1:10 --far 41:50 --format csv -i "$dir/flat.weft" | awk -F, '$3 == "growth" { n++; if ($4 < 0.999 || $4 > 1.001) exit 1 } END { exit n != 3 }'
}

@test "a shop that stands still by the hour has growth 1" {
    lookback=48
    flat 3600 50 | ingest -q --step hour | aggregate -q --by minor -o "$dir/flat.weft"
    for h in 30 48 60; do growths $h "" "--near 1:1 --far $h:$h" "--near 1:5 --far 20:30"; done >"$dir/wrong"
    [ ! -s "$dir/wrong" ] || { cat "$dir/wrong"; false; }
}

@test "a horizon of one season has no growth: rows by volume, and the way out" {
    flat 86400 52 | ingest -q -o "$dir/flat.weft"
    score -q -m seasonal-naive:7 --horizon 7 -i "$dir/flat.weft" -o "$dir/week.weft"
    run rank --model seasonal-naive:7 -i "$dir/week.weft"
    [ "$status" -eq 0 ]
    [[ "$output" == *"rank: a horizon of 7 has no growth"*"forecast 14 steps, or give --near and --far"* ]]
    [[ "$output" == *"seasonal-naive:7: no growth"* ]]
    [ "$(rank -q --model seasonal-naive:7 --format csv --columns rank,name,growth,low,raw,p_growth -i "$dir/week.weft" | tr '\n' ' ')" = "rank,name,growth,low,raw,p_growth 1,p3,,,, 2,p2,,,, 3,p1,,,, " ]
    rank -q --model seasonal-naive:7 --format frames -i "$dir/week.weft" | frames check
    run rank -q --model seasonal-naive:7 --sort low -i "$dir/week.weft"
    [ "$status" -eq 78 ]
    [[ "$output" == *"forecast 14 steps"* ]]
    # days that are told are compared all the same
    rank -q --model seasonal-naive:7 --near 1:2 --far 6:7 --format csv --columns growth -i "$dir/week.weft" | awk 'NR > 1 && ($1 < 0.99 || $1 > 1.01) { exit 1 }'
}

@test "a profile that is 0 on such days gives no growth, and less than a season of history counts days as they are, said" {
    # p1 sells on Saturdays and Sundays alone (2022-01-01 is a Saturday); the forecasts begin on a Saturday
    awk 'BEGIN { printf "id"; for (d = 0; d < 70; d++) printf ",%s", strftime("%Y-%m-%d", 1640995200 + d * 86400, 1); print ""
        for (p = 1; p <= 2; p++) { printf "p%d", p; for (d = 0; d < 70; d++) printf ",%d", p == 2 || d % 7 < 2 ? 10 : 0; print "" } }' | ingest -q -o "$dir/weekend.weft"
    score -q -m seasonal-naive:7 --horizon 14 -i "$dir/weekend.weft" -o "$dir/weekend-forecasts.weft"
    run rank --model seasonal-naive:7 --near 1:2 --far 10:12 -i "$dir/weekend-forecasts.weft"
    [[ "$output" == *"1 groups never sell on such days, and have no growth"* ]]
    [ "$(rank --model seasonal-naive:7 --near 1:2 --far 10:12 --format csv --columns name,growth -i "$dir/weekend-forecasts.weft" | tr '\n' ' ')" = "name,growth p2,1 p1, " ]
    frames show "$dir/weekend-forecasts.weft" | sed 's/"profile":{"f32":\[[^]]*\]},*//' | frames from-json -o "$dir/old.weft"
    run rank --model seasonal-naive:7 --near 1:2 --far 10:12 -i "$dir/old.weft"
    [[ "$output" == *"rank: 2 series have less than a season of history"* && "$output" == *"2 series have no such profile"* ]]
}

# made: a forecasts stream from lines of "group model near far sd": 7 near days, 7 far days, errors of the far days' mean with that sd; sd 0: no
# covariance; near "-": could not be forecast.
made() {
    awk 'BEGIN { print "{\"weft\":1,\"schema\":\"forecasts/1\",\"attrs\":{\"step\":\"day\",\"keys\":[\"minor\"],\"channels\":[\"units\"],\"horizon\":14,\"season\":7,\"scale\":\"none\",\"levels\":{\"f64\":[]}},\"lineage\":[]}" }
        { f = ""; for (t = 0; t < 14; t++) f = f (t ? "," : "") ($3 == "-" ? "null" : t < 7 ? $3 : $4)
          c = ""; for (t = 0; t < 14; t++) { r = ""; for (k = 0; k < 14; k++) r = r (k ? "," : "") (t >= 7 && k == t ? 7 * $5 * $5 : 0); c = c (t ? "," : "") "[" r "]" }
          printf "{\"id\":\"%s\",\"keys\":{\"minor\":\"%s\"},\"model\":\"%s\"%s,\"channel\":\"units\",\"part\":\"latest\",\"origin\":\"2024-01-01\",\"stride\":1,\"forecast\":{\"f32\":[[%s]]}%s%s}\n", \
            $1 NR, $1, $2, ($2 == "naive" ? ",\"baseline\":true" : ""), f, ($5 + 0 != 0 ? ",\"covariance\":{\"f32\":[" c "]}" : ""),
              ($3 == "-" ? ",\"why\":\"3 days of history, and 56 are needed\"" : "") }' | frames from-json
}

@test "P(growth > 1), what is sure among all rows, and the order by the lower bound" {
    # growth 1.3, 1.5, 0.8, 1, 1.1 with sd 0.05, 0.5, 0.05, 0.05 and none; p = 2e-9, 0.317, 6e-5, 1
    printf '%s\n' "a m 100 130 5" "b m 100 150 50" "c m 100 80 5" "d m 100 100 5" "e m 100 110 0" | made >"$dir/made.weft"
    [ "$(rank --by minor --shrink 0 --format csv --columns name,growth,p_growth,sure -i "$dir/made.weft" | awk -F, 'NR > 1 { printf "%s %.2f %s %s;", $1, $2, $3 == "" ? "-" : sprintf("%.4f", $3), $4 }')" = \
        "b 1.50 0.8413 ;a 1.30 1.0000 up;e 1.10 - ;d 1.00 0.5000 ;c 0.80 0.0000 down;" ]
    [ "$(rank --by minor --shrink 0 --sort low --format csv --columns name -i "$dir/made.weft" | tr '\n' ' ')" = "name a d c b e " ]
    run rank --by minor --shrink 0 -i "$dir/made.weft"
    [[ "$output" == *"sure: 2 of 4 grow or fall; 10% of these wrong, at most, in expectation"* ]]
    # p 0.0455 and 0.0455 of 4: the 2nd smallest is below 2/4 of 0.1, and above 2/4 of 0.05
    printf '%s\n' "a m 100 110 5" "b m 100 110 5" "c m 100 101 5" "d m 100 99 5" | made >"$dir/made.weft"
    [ "$(rank --by minor --shrink 0 --format csv --columns sure -i "$dir/made.weft" | grep -c up)" -eq 2 ]
    run rank --by minor --shrink 0 --fdr 0.05 -i "$dir/made.weft"
    [[ "$output" == *"sure: nothing; all of this may be chance"* ]]
}

@test "groups that one model can't forecast are another's, and what none can is left out with its reason, in every format" {
    printf '%s\n' "a m 100 130 5" "a naive 100 90 0" "b m - - 0" "b naive 10 10 0" "c m - - 0" "c other 50 60 0" "d other 50 40 0" "e naive 9 9 0" "a m - - 0" "f third - - 0" "f other 20 20 0" |
        made >"$dir/left.weft"
    [ "$(rank -q --by minor --shrink 0 --format csv --columns rank,name,growth,series,mark,model,left_out,why -i "$dir/left.weft")" = "rank,name,growth,series,mark,model,left_out,why
1,a,1.3,1,,m,1,\"3 days of history, and 56 are needed\"
2,c,1.2,1,,other,,
3,f,1,1,,other,,
4,d,0.8,1,,other,,
,b,,0,left out,m,1,\"3 days of history, and 56 are needed\"" ]
    run rank --by minor -i "$dir/left.weft"
    [[ "$output" == *"left out: 1 without any forecast"*"left out: 1 series of groups that have others"* ]]
    [[ "$output" == *"3 of another model, which alone forecast them"* ]]
    [[ "$output" == *"forecasts are missing values and were left out; the first: 3 days of history"* ]]
    rank -q --by minor --format json -i "$dir/left.weft" | grep -q '"rank": null, "name": "b".*"why": "3 days of history'
    rank -q --by minor --format frames -i "$dir/left.weft" | frames check
    [ "$(rank -q --by minor --top 2 --format csv -i "$dir/left.weft" | wc -l)" -eq 3 ]
    # a model that is named stands alone
    [ "$(rank -q --by minor --model other --format csv --columns name -i "$dir/left.weft" | tail -n +2 | tr '\n' ' ')" = "c f d " ]
    printf '%s\n' "a m - - 0" | made | { run rank --by minor; [ "$status" -eq 65 ]; [[ "$output" == *"no series could be forecast; the first: 3 days of history"* ]]; }
}

@test "evaluate: bias in percent, WAPE and bias, and totals of windows equal awk's; a window with a gap has no total" {
    cd "$BATS_TEST_TMPDIR"
    awk 'BEGIN { srand(5); print "date,id,y"; for (d = 0; d < 120; d++) for (k = 0; k < 3; k++)
        printf "%s,s%d,%s\n", strftime("%Y-%m-%d", 1704067200 + 86400 * d, 1), k, d == 112 && k == 1 ? "" : int(20 * rand()) + 5 * k + d / 10 }' >t.csv
    ingest -q --layout long --missing nan --id id --value y t.csv | window -q --lookback 14 --horizon 7 --split 80,20,20 |
        score -q -m mean:14 --part test -o t.weft
    frames csv t.weft | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
        $c["forecast"] == "" { next }
        { w = $c["id"] $c["origin"]; f = $c["forecast"]; y = $c["actual"]; seen[w] = 1; if (y == "") { gap[w] = 1; next }
          e = f - y; se += e; sa += y; ae += e < 0 ? -e : e; we[w] += e; wa[w] += y }
        END { for (w in seen) if (!(w in gap)) { te += we[w] < 0 ? -we[w] : we[w]; ta += wa[w]; n++ } else gaps++
            printf "%.5f %.5f %.5f\n", se / sa, ae / sa + (se < 0 ? -se : se) / sa, te / ta; exit !(gaps > 0 && n > 20) }' >expected
    evaluate -q --format csv -i t.weft | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i }
        NR == 2 { printf "%.5f %.5f %.5f\n", $c["bias_share"], $c["mae_bias"], $c["totals"] }' >got
    diff expected got
    evaluate -q --per-step --format csv -i t.weft | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } $c["totals"] != "" { exit 1 }'
}

@test "--bom: every CSV for Excel begins with a byte order mark, and is the same after it" {
    cd "$BATS_TEST_TMPDIR"
    { printf 'id,소분류'; printf ',2024-01-%02d' {1..20}; printf '\n1,셔츠'; printf ',%d' {1..20}; printf '\n2,바지'; printf ',%d' {21..40}; echo; } >korean.csv
    ingest -q korean.csv | score -m naive --horizon 2 -o f.weft
    for program in rank 'backtest -m naive --horizon 1'; do
        input=f.weft
        [ "$program" = rank ] || { ingest -q korean.csv -o s.weft && input=s.weft; }
        $program -q --model naive --format csv -i "$input" >plain.csv
        $program -q --model naive --format csv --bom -i "$input" >excel.csv
        [ "$(head -c 3 excel.csv | od -An -tx1)" = " ef bb bf" ]
        tail -c +4 excel.csv | cmp - plain.csv
    done
}
