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
        { d = day[$1]++; p = (d - 64) % 7; if (d >= 64) { if (p < 2) usual_near[m] += $(at["units"]); if (p >= 5) usual_far[m] += $(at["units"]) } }
        END { for (m in near) printf "%s %.5f\n", m, far[m] / usual_far[m] / (near[m] / usual_near[m]) }' | sort >"$dir/want"
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { printf "%s %.5f\n", $(at["group"]), $(at["raw"]) }' "$dir/rank.csv" | sort >"$dir/got"
    diff "$dir/want" "$dir/got"
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $(at["growth"]) < last && NR > 2 && 0 { exit 1 }
        NR > 2 && $(at["growth"]) > before { exit 1 } { before = $(at["growth"]) } !($(at["low"]) <= $(at["growth"]) && $(at["growth"]) <= $(at["high"])) { exit 1 }' "$dir/rank.csv"
}

@test "what sells nothing is marked, stands with an index near 1, and nothing is infinite" {
    awk 'BEGIN { printf "id,minor"; for (d = 0; d < 120; d++) printf ",%s", strftime("%Y-%m-%d", 1640995200 + d * 86400, 1); print ""
        for (p = 0; p < 6; p++) { printf "%d,m%d", p, p; for (d = 0; d < 120; d++) printf ",%d", p == 5 ? 0 : 20 + p + d % 7; print "" } }' >"$dir/zero.csv"
    ingest "$dir/zero.csv" | window --lookback 14 --horizon 7 | tee "$dir/zero.weft" | train-dlinear -o "$dir/zero.st"
    score -m "$dir/zero.st" -i "$dir/zero.weft" | rank --format json >"$dir/zero.json"
    ! grep -qiE 'inf|nan' "$dir/zero.json"
    grep '"group": "5"' "$dir/zero.json" | grep -q '"mark": "no sales"'
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
