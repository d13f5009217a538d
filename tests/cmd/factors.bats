#!/usr/bin/env bats
# factors.bats - train-dlinear --factors from CSV to forecasts: what it chooses, what it forecasts, and what it refuses.

load helper

# sales FILE: six items, 500 days; sales are a level x weekday x promotion x what the shop is open, without noise. date,item,line,units,promotion,open; 28 days of plan.
sales() {
    awk 'BEGIN {
        print "date,item,line,units,promotion,open"
        for (p = 0; p < 6; p++)
            for (d = 0; d < 528; d++) {
                day = (d + 5) % 7 # 2022-01-01 was a Saturday
                open = day == 6 ? 0 : 1
                promotion = int(d / 6 + 2 * p) % 4 == 0
                units = sprintf("%.2f", (20 + 30 * p) * (1 + 0.1 * day) * (promotion ? 1.6 : 1) * open)
                printf "%s,i%d,l%d,%s,%d,%d\n", strftime("%Y-%m-%d", 1640995200 + d * 86400, 1), p, p % 2, d < 500 ? units : "", promotion, open
                if (d >= 500) print p, d, units >"'"$1.truth"'"
            }
    }' >"$1"
}

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    sales "$dir/sales.csv"
    ingest -q --layout long --id item --keys line --value units,promotion,open --future promotion,open "$dir/sales.csv" -o "$dir/series.weft"
    window -q --lookback 56 --horizon 28 --split 444,56,0 -i "$dir/series.weft" -o "$dir/windows.weft"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# error FORECASTS: sum of |forecast - truth| over the sum of truth.
error() {
    frames csv "$1" | awk -F, 'NR == FNR { split($0, x, " "); truth["i" x[1], x[2]] = x[3]; next }
        FNR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
        { d = 499 + $c["step"]; y = truth[$c["id"], d]; e += $c["forecast"] > y ? $c["forecast"] - y : y - $c["forecast"]; s += y }
        END { printf "%.5f\n", e / s }' "$dir/sales.csv.truth" -
}

@test "factors: multiplicative sales are forecast as they come, and better than with channels that add" {
    train-dlinear --factors auto --refit -v -i "$dir/windows.weft" -o m.safetensors 2>log
    grep -q 'factors of units: weekday' log
    score -q -m m.safetensors -i "$dir/series.weft" -o f.weft
    train-dlinear -q --tune --refit -i "$dir/windows.weft" -o plain.safetensors
    score -q -m plain.safetensors -i "$dir/series.weft" -o plain.weft
    factors="$(error f.weft)" plain="$(error plain.weft)"
    echo "factors $factors, channels that add $plain"
    awk -v a="$factors" -v b="$plain" 'BEGIN { exit !(a < 0.03 && a < b / 2) }'
    # Days on which the shop is shut sell nothing.
    frames csv f.weft | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } NR > 1 && $c["date"] == "2023-05-21" { n++; if ($c["forecast"] != 0) exit 1 } END { if (n != 6) exit 1 }'
}

@test "factors: the same bytes for every number of threads and every order of series" {
    train-dlinear -q --factors auto --threads 1 --no-lineage -i "$dir/windows.weft" -o one.safetensors
    train-dlinear -q --factors auto --threads 3 --no-lineage -i "$dir/windows.weft" -o three.safetensors
    cmp one.safetensors three.safetensors
    { head -n 1 "$dir/sales.csv"; tail -n +2 "$dir/sales.csv" | sort -t, -k2,2r -k1,1; } >turned.csv
    ingest -q --layout long --id item --keys line --value units,promotion,open --future promotion,open turned.csv |
        window -q --lookback 56 --horizon 28 --split 444,56,0 | train-dlinear -q --factors auto --no-lineage -o turned.safetensors
    cmp one.safetensors turned.safetensors
}

@test "factors: by group, quantiles in order, growth, test parts" {
    train-dlinear -q --factors weekday --by line -i "$dir/windows.weft" -o m.safetensors
    score -q -m m.safetensors --quantiles 0.1,0.5,0.9 -i "$dir/series.weft" -o f.weft
    frames check f.weft
    frames csv f.weft | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
        { if ($c["q0_1"] > $c["q0_5"] || $c["q0_5"] > $c["q0_9"] || $c["forecast"] < 0) { print; exit 1 } n++ } END { exit n != 6 * 28 }'
    score -q -m m.safetensors -i "$dir/series.weft" | rank -q --by line >rank.txt
    grep -q l1 rank.txt
    score -q -m m.safetensors --part valid -i "$dir/windows.weft" | evaluate -q --format json >valid.json
    grep -q '"wape"' valid.json
    backtest -q -m m.safetensors --origins 2 -i "$dir/series.weft" >backtest.txt
    grep -q dlinear-factors backtest.txt
}

@test "factors: explain says what they are" {
    train-dlinear -q --factors weekday --refit -i "$dir/windows.weft" -o m.safetensors
    explain -m m.safetensors --factors --format csv >factors.csv
    # Friday sells 1.4 / 1.1 of Tuesday (what Saturday and Monday do is also what a shut Sunday beside them does), and a promotion 1.6, in every series.
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } function off(x, y) { return x / y - 1 > 0.05 || y / x - 1 > 0.05 }
        $c["factor"] == "tuesday" { all = $c["all"]; low = $c["low"] }
        $c["factor"] == "friday" { n++; if (off($c["all"] / all, 1.4 / 1.1) || off($c["low"] / low, 1.4 / 1.1)) { print; exit 1 } }
        $c["factor"] == "promotion on tuesday" { n++; if (off($c["all"], 1.6) || off($c["middle"], 1.6)) { print; exit 1 } } END { exit n != 2 }' factors.csv
    explain -m m.safetensors --factors | grep -q 'against Monday'
    run explain -m m.safetensors -i "$dir/series.weft"
    [ "$status" -eq 78 ]
    [[ "$output" == *"explain --factors"* ]]
    train-dlinear -q --tune -i "$dir/windows.weft" -o plain.safetensors
    run explain -m plain.safetensors --factors
    [ "$status" -eq 78 ]
    run explain -m m.safetensors --factors --lags
    [ "$status" -eq 64 ]
}

@test "factors: a series that is new has the factors of all" {
    grep -v ',i5,' "$dir/sales.csv" >known.csv
    ingest -q --layout long --id item --keys line --value units,promotion,open --future promotion,open known.csv |
        window -q --lookback 56 --horizon 28 --split 444,56,0 | train-dlinear -q --factors auto --refit -o m.safetensors
    score -q -m m.safetensors -i "$dir/series.weft" -o f.weft
    frames csv f.weft | grep -q '^i5,'
    awk -v a="$(error f.weft)" 'BEGIN { exit !(a < 0.03) }'
}

@test "factors: what is missing ahead, and what does not go together, is refused" {
    train-dlinear -q --factors channels -i "$dir/windows.weft" -o m.safetensors
    awk -F, 'NR == 1 || $1 <= "2023-05-20"' "$dir/sales.csv" >short.csv
    ingest -q --layout long --id item --keys line --value units,promotion,open --future promotion,open short.csv -o short.weft
    run score -m m.safetensors -i short.weft -o f.weft
    [ "$status" -eq 78 ]
    [[ "$output" == *"promotion"*"needs to know ahead"* || "$output" == *"no values from"*"needs to know ahead"* ]]
    ingest -q --layout long --id item --keys line --value units "$dir/sales.csv" -o bare.weft
    run score -m m.safetensors -i bare.weft -o f.weft
    [ "$status" -eq 78 ]
    [[ "$output" == *promotion* ]]
    run explain -m m.safetensors -i "$dir/series.weft"
    [ "$status" -ne 0 ]
    for options in "--factors auto,weekday" "--factors tuesday" "--factors auto --solver adam" "--factors auto --partial" "--factors months,year"; do
        run train-dlinear $options -i "$dir/windows.weft" -o n.safetensors
        echo "$options: $output"
        [ "$status" -eq 64 ]
        [ ! -e n.safetensors ]
    done
    ingest -q --layout long --step hour --id item --value units "$dir/sales.csv" 2>/dev/null | window -q --lookback 4 --horizon 2 >hours.weft
    run train-dlinear --factors auto -i hours.weft -o n.safetensors
    [ "$status" -eq 78 ]
}

@test "factors: nothing sold, one sale, a promotion that always sells out" {
    awk -F, -v OFS=, 'NR > 1 && $1 <= "2023-05-15" && $2 == "i0" { $4 = 0 } NR > 1 && $2 == "i1" { $4 = $1 == "2023-02-01" ? 1 : ($4 == "" ? "" : 0) }
        NR > 1 && $2 == "i2" && $5 == 1 && $4 != "" { $4 = 0 } 1' "$dir/sales.csv" >odd.csv
    ingest -q --layout long --id item --keys line --value units,promotion,open --future promotion,open odd.csv -o odd.weft
    window -q --lookback 56 --horizon 28 --split 444,56,0 -i odd.weft | train-dlinear --factors weekday --refit -o m.safetensors 2>log
    grep -q '1 of 6 series have no sale' log
    score -q -m m.safetensors -i odd.weft -o f.weft
    frames csv f.weft | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
        { x = $c["forecast"]; if (x == "" || x + 0 < 0 || x > 1000 || ($c["id"] == "i0" && x != 0)) { print; exit 1 } n++ } END { exit n != 6 * 28 }'
}

# A shut shop sells nothing, a channel that is 1 on every day teaches nothing, and a series that begins late has its own level.
@test "factors: a shut shop, a channel that never varies, a series that begins late" {
    awk -F, -v OFS=, 'NR == 1 { print $0, "same"; next } $2 == "i3" { $6 = 0; if ($4 != "") $4 = 0 } $2 == "i4" && $1 < "2023-03-01" && $4 != "" { $4 = 0 }
        { print $0, 1 }' "$dir/sales.csv" >odd.csv
    ingest -q --layout long --id item --keys line --value units,promotion,open,same --future promotion,open,same odd.csv -o odd.weft
    window -q --lookback 56 --horizon 28 --split 444,56,0 -i odd.weft -o w.weft
    for by in all line id; do
        train-dlinear -q --factors auto --refit --by "$by" -i w.weft -o m.safetensors
        explain --factors -m m.safetensors >table
        ! grep -q same table || false
        score -q -m m.safetensors --quantiles 0.1,0.5,0.9 -i odd.weft -o f.weft
        frames csv f.weft | tr 'A-Z' 'a-z' >f.csv
        ! grep -qE '(^|,)-?(nan|inf)' f.csv || false
        awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
            { x = $c["forecast"]; if (x == "" || x + 0 < 0 || x > 2000 || ($c["id"] == "i3" && x != 0)) { print; exit 1 } n++; s[$c["id"]] += x }
            END { exit !(n == 6 * 28 && s["i4"] > 28 * 50 && s["i4"] < 28 * 400) }' f.csv
    done
}

# "forecast" is the mean (of logarithms smeared), q0_5 the median: what is ranked is the mean, so the forecasts add up to it.
@test "factors: the ranking's near and far days are what the forecasts add up to" {
    awk -F, -v OFS=, 'BEGIN { srand(3) } NR > 1 && $4 != "" { $4 = sprintf("%.2f", $4 * exp(0.8 * (rand() + rand() + rand() - 1.5))) } 1' "$dir/sales.csv" >noisy.csv
    ingest -q --layout long --id item --keys line --value units,promotion,open --future promotion,open noisy.csv -o noisy.weft
    window -q --lookback 56 --horizon 28 --split 444,56,0 -i noisy.weft | train-dlinear -q --factors auto --refit -o m.safetensors
    score -q -m m.safetensors --quantiles 0.1,0.5,0.9 -i noisy.weft -o f.weft
    rank -q --by line --near 1:7 --far 22:28 --format csv -i f.weft >ranking.csv
    frames csv f.weft >f.csv
    awk -F, 'FNR == 1 { delete c; for (i = 1; i <= NF; i++) c[$i] = i; file++; next }
        file == 1 { line = substr($c["id"], 2) % 2; h = $c["step"]; if (h <= 7) near["l" line] += $c["forecast"] / 7; if (h >= 22) far["l" line] += $c["forecast"] / 7; next }
        { n++; a = near[$c["name"]]; b = far[$c["name"]]; if (($c["near"] - a) ^ 2 > 1e-8 * a * a || ($c["far"] - b) ^ 2 > 1e-8 * b * b) { print $0, a, b; exit 1 } }
        END { exit n != 2 }' f.csv ranking.csv
}

# Noise that factors can't know, in a shop that rests on Saturdays though no channel says so: intervals hold what they promise, on Saturdays too.
@test "factors: 80 and 90 % intervals cover 80 and 90 % of noise, days that hardly sell among it" {
    awk 'BEGIN { srand(11)
        for (p = 0; p < 60; p++) for (d = 0; d < 520; d++) {
            z = 0; for (i = 0; i < 12; i++) z += rand()
            y = (40 + p) * (1 + 0.1 * (d % 7)) * exp(0.3 * (z - 6)) * (d % 7 == 6 ? (rand() < 0.05 ? 0.1 : 0) : 1)
            s = strftime("%Y-%m-%d", 1640995200 + d * 86400, 1)
            printf "%s,i%02d,%.3f\n", s, p, y >"truth.csv"
            printf "%s,i%02d,%s\n", s, p, d < 492 ? sprintf("%.3f", y) : "" >"known.csv" } }'
    for f in truth known; do
        { echo date,id,units; cat $f.csv; } >x.csv
        ingest -q --layout long --id id --value units x.csv -o $f.weft
    done
    window -q --lookback 56 --horizon 28 --split 380,112,0 -i known.weft | train-dlinear -q --factors weekday --tune --refit -o m.safetensors
    score -q -m m.safetensors --quantiles 0.05,0.1,0.9,0.95 -i known.weft | evaluate -q --actuals truth.weft --format csv >got.csv
    cat got.csv
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
        { a = $c["coverage_90"]; b = $c["coverage_80"]; exit !(a > 0.87 && a < 0.95 && b > 0.77 && b < 0.88) }' got.csv
}
