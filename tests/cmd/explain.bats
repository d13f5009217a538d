#!/usr/bin/env bats
# explain.bats - what the days before a forecast add to it, and rank's reasons.

load helper

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    fixtures "$dir"
    aggregate --by minor -i "$dir/series.weft" -o "$dir/level.weft"
    for norm in none last mean; do
        window --lookback 35 --horizon 10 --scale standard -i "$dir/level.weft" | train-dlinear -q --norm $norm -o "$dir/$norm.st"
        explain -m "$dir/$norm.st" --format frames -i "$dir/level.weft" -o "$dir/$norm.weft"
        score -q -m "$dir/$norm.st" --no-nonnegative -i "$dir/level.weft" -o "$dir/$norm-forecasts.weft"
    done
}

# sums FILE: the largest distance, over all frames, between the sum of the parts and forecast - mean, relative to the forecast; and the number of frames.
sums() {
    frames show "$1" | awk 'function field(name,    s) { match($0, "\"" name "\":[^,}]*"); return substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) + 0 }
        function parts(name,    list, n, i, s, from) { from = index($0, "\"" name "\":{\"f64\":["); list = substr($0, from + length(name) + 11); sub(/\].*/, "", list)
            n = split(list, x, ","); s = 0; for (i = 1; i <= n; i++) s += x[i]; return s }
        /"phi_far"/ { n++; split("near far", t, " ")
            for (k = 1; k <= 2; k++) { d = parts("phi_" t[k]) - (field(t[k]) - field(t[k] "_mean")); d = (d < 0 ? -d : d) / field(t[k]); if (d > most) most = d } }
        END { printf "%.3g %d\n", most, n }'
}

@test "the parts sum to forecast minus mean forecast, to 1e-10, with every norm" {
    for norm in none last mean; do
        read -r most n < <(sums "$dir/$norm.weft")
        [ "$n" -eq 12 ]
        awk -v m="$most" 'BEGIN { exit !(m < 1e-10) }' || { echo "$norm: $most"; false; }
    done
}

@test "the forecast that is explained is score's" {
    for norm in none last mean; do
        diff <(explain -m "$dir/$norm.st" --format csv -i "$dir/level.weft" | awk -F, '$3 == "near" || $3 == "far" { printf "%s %s %.3f\n", $1, $3, $4 }' | sort) \
            <(frames csv "$dir/$norm-forecasts.weft" | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
                { s = $(at["step"]); f = $(at["forecast"]) / 3; if (s <= 3) near[$1] += f; if (s >= 8) far[$1] += f }
                END { for (i in near) { printf "%s near %.3f\n%s far %.3f\n", i, near[i], i, far[i] } }' | sort) || { echo "$norm"; false; }
    done
}

@test "the parts are weight times distance from the mean, lag by lag: against awk and the model's matrix" {
    # A model that forecasts the last value (norm last, all weights 0 but for rounding): all of the forecast comes from the last day.
    awk 'BEGIN { printf "id"; for (d = 0; d < 60; d++) printf ",%s", strftime("%Y-%m-%d", 1640995200 + d * 86400, 1); print ""
        printf "a"; for (d = 0; d < 60; d++) printf ",%d", d % 2 ? 1 : 3; print "" }' | ingest -o "$dir/two.weft"
    window --lookback 7 --horizon 2 -i "$dir/two.weft" | train-dlinear -q --norm last --ridge 1e12 -o "$dir/last-value.st"
    # The last day is 1, the mean of the days in its place 2: it takes 1 away, and no other day adds anything.
    explain -m "$dir/last-value.st" --near 1:1 --far 2:2 --lags --format frames -i "$dir/two.weft" | frames show | sed -n 's/.*"lags":{"f64":\[\[//p' | tr -d '[]}' >"$dir/lags"
    awk -F, '{ for (i = 1; i <= 14; i++) { d = $i + (i % 7 == 0); if (d > 1e-9 || d < -1e-9) exit 1 } n++ } END { if (n != 1) exit 1 }' "$dir/lags" || { cat "$dir/lags"; false; }
}

@test "table, CSV, JSON and frames; a windows stream as well" {
    explain -m "$dir/none.st" -i "$dir/level.weft" >"$dir/table"
    head -n 1 "$dir/table" | grep -q 'forecast *mean *last week *same weekdays *last 4 weeks *last 3 months$' # a lookback of 35 days has no year ago
    [ "$(grep -c growth "$dir/table")" -eq 12 ]
    [ "$(explain -m "$dir/none.st" --format csv -i "$dir/level.weft" | head -n 1)" = id,channel,target,forecast,mean,last_week,weekday,month,quarter,year_ago,rest ]
    explain -m "$dir/none.st" --format json -i "$dir/level.weft" | grep -q '"target": "growth"'
    frames check "$dir/none.weft"
    window --lookback 40 --horizon 10 --scale standard -i "$dir/level.weft" | explain -m "$dir/none.st" --format frames | frames check
}

@test "growth's row is the first-order part of near and far" {
    explain -m "$dir/none.st" --format csv -i "$dir/level.weft" | awk -F, '$3 == "near" { near = $4; for (i = 6; i <= 9; i++) n[i] = $i } $3 == "far" { far = $4; for (i = 6; i <= 9; i++) f[i] = $i }
        $3 == "growth" { for (i = 6; i <= 9; i++) { d = $i - (f[i] - far / near * n[i]) / near; if (d > 1e-6 || d < -1e-6) exit 1 } rows++ } END { if (rows != 12) exit 1 }'
}

@test "rank says the reasons in words, and numbers in csv" {
    rank --reasons "$dir/none.weft" --format csv -i "$dir/none-forecasts.weft" >"$dir/rank.csv"
    awk -F'"' 'NR > 1 && !/(last week|same weekdays|last 4 weeks|last 3 months) [+-][0-9]+%|no single cause/ { exit 1 }' "$dir/rank.csv"
    # The number of a group is explain's.
    want=$(explain -m "$dir/none.st" --format csv -i "$dir/level.weft" | awk -F, '$3 == "growth" { printf "%s %.6f\n", $1, $6 }' | sort)
    got=$(rank --reasons "$dir/none.weft" --format csv --columns name,reason_last_week -i "$dir/none-forecasts.weft" | awk -F, 'NR > 1 { printf "%s %.6f\n", $1, $2 }' | sort)
    [ "$want" = "$got" ] || { diff <(echo "$want") <(echo "$got"); false; }
    rank --reasons "$dir/none.weft" -i "$dir/none-forecasts.weft" | head -n 1 | grep -q reason
    rank --reasons "$dir/none.weft" --format frames -i "$dir/none-forecasts.weft" | frames check
    # Several series of a group: their parts add up.
    rank --by major --reasons "$dir/none.weft" --format csv --columns name,reason -i "$dir/none-forecasts.weft" | awk -F, 'NR > 1 && NF < 2 { exit 1 }'
    run rank --near 1:1 --reasons "$dir/none.weft" -i "$dir/none-forecasts.weft"
    [ "$status" -eq 78 ] && [[ "$output" == *"--near"* ]]
}

@test "what is not linear, does not fit, or is too short is refused" {
    window --lookback 14 --horizon 7 -i "$dir/level.weft" | train-lstm -q --epochs 1 --hidden 4 -o "$dir/lstm.st"
    run explain -m "$dir/lstm.st" -i "$dir/level.weft"
    [ "$status" -eq 78 ] && [[ "$output" == *lstm*linear*train-dlinear* ]]
    run explain -m "$dir/none.st" --channel amounts -i "$dir/level.weft"
    [ "$status" -eq 78 ]
    run explain -m "$dir/none.st" --near 5:11 -i "$dir/level.weft"
    [ "$status" -eq 78 ]
    run explain -m "$dir/shop.csv" -i "$dir/level.weft"
    [ "$status" -eq 65 ]
    run explain -m "$dir/none.st" -i <(cut -d, -f 1-36 "$dir/shop.csv" | ingest)
    [ "$status" -eq 65 ] && [[ "$output" == *"last 35 steps"* ]]
}

@test "near and far of other weekdays: growth and its parts are those of weekdays alike, and sum to what the two means give" {
    # to first order: sum of the parts = growth * (near_mean / near - far_mean / far), whatever the profile
    explain -m "$dir/none.st" --near 1:2 --far 5:9 --format csv -i "$dir/level.weft" >"$dir/unlike.csv"
    awk -F, '$3 == "near" { near = $4; near_mean = $5 } $3 == "far" { far = $4; far_mean = $5 }
        $3 == "growth" { n++; s = 0; for (i = 6; i <= NF; i++) s += $i; d = s - $4 * (near_mean / near - far_mean / far); if (d > 1e-6 || d < -1e-6) exit 1 } END { exit n != 12 }' "$dir/unlike.csv"
    # rank has the same growth, and takes the same reasons
    score -q -m "$dir/none.st" --no-nonnegative -i "$dir/level.weft" -o "$dir/unlike.weft"
    explain -m "$dir/none.st" --near 1:2 --far 5:9 --format frames -i "$dir/level.weft" -o "$dir/unlike-why.weft"
    frames check "$dir/unlike-why.weft"
    diff <(awk -F, '$3 == "growth" { printf "%s %.4f %.4f\n", $1, $4, $6 }' "$dir/unlike.csv" | sort) \
        <(rank --by id --near 1:2 --far 5:9 --reasons "$dir/unlike-why.weft" --format csv --columns name,raw,reason_last_week -i "$dir/unlike.weft" | awk -F, 'NR > 1 { printf "%s %.4f %.4f\n", $1, $2, $3 }' | sort)
}

@test "what hardly sells has no percentages for reasons" {
    awk 'BEGIN { printf "id"; for (d = 0; d < 140; d++) printf ",%s", strftime("%Y-%m-%d", 1640995200 + d * 86400, 1); print ""
        for (p = 0; p < 3; p++) { printf "p%d", p; for (d = 0; d < 140; d++) printf ",%s", p ? 50 + (d * 7919 + p) % 13 + d % 7 : d % 35 == 0 ? 1 : 0; print "" } }' | ingest -q -o "$dir/hardly.weft"
    window -q --lookback 35 --horizon 14 -i "$dir/hardly.weft" | train-dlinear -q -o "$dir/hardly.st"
    explain -q -m "$dir/hardly.st" --format frames -i "$dir/hardly.weft" -o "$dir/hardly-why.weft"
    score -q -m "$dir/hardly.st" -i "$dir/hardly.weft" | rank --by id --reasons "$dir/hardly-why.weft" --format csv --columns name,mark,reason,reason_last_week >"$dir/hardly.csv"
    grep -qE '^p0,(thin|no sales),next to nothing is sold,$' "$dir/hardly.csv" || { cat "$dir/hardly.csv"; false; }
    ! grep -qE '[0-9]{4,}%' "$dir/hardly.csv" || false
}
