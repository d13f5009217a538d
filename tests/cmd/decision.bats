#!/usr/bin/env bats
# decision.bats - the columns of rank that make it a decision: on a small shop, against awk.

load helper

# The shop: nine products of three categories over 430 days, with gaps, a late start and a category that hardly sells. Forecasts: the same weekday of last week (seasonal-naive:7),
# 14 days ahead, so that every forecast is a value of the last week; near days 1-3, far days 12-14.
table() {
    awk -v what="$1" 'BEGIN {
        printf "id,minor,brand"
        for (d = 0; d < 430; d++) printf ",%s", strftime("%Y-%m-%d", 1640995200 + d * 86400, 1)
        print ""
        for (p = 0; p < 9; p++) {
            printf "%d,%s,%s", p, p < 4 ? "shirts" : p < 8 ? "hats" : "\"odd, \"\"one\"\"\"", "brand" (p % 3)
            for (d = 0; d < 430; d++) {
                n = 3 + p + (d + p) % 7 + int(4 * sin(d / 60))
                if (p == 2 && d > 395) n = 0
                if (p == 5 && d < 200) n = 0
                if (p == 6) n = d % 3 ? 0 : n
                if (p == 8) n = d < 300 ? 0 : d % 10 ? 0 : 1
                printf ",%s", what == "amounts" ? n * (100 + 10 * p + d % 5) : n
            }
            print ""
        } }'
}

setup_file() {
    export dir="$BATS_FILE_TMPDIR" origin=2023-03-07
    table units >"$dir/units.csv"
    table amounts >"$dir/amounts.csv"
    awk 'BEGIN { printf "brand"; for (d = 0; d < 430; d++) printf ",%s", strftime("%Y-%m-%d", 1640995200 + d * 86400, 1); print ""
        for (b = 0; b < 3; b++) { printf "brand%d", b; for (d = 0; d < 430; d++) printf ",%d", 10 + b + (d > 401 ? 5 : 0); print "" } }' >"$dir/mentions.csv"
    ingest "$dir/units.csv" --amounts "$dir/amounts.csv" --mentions "$dir/mentions.csv" -o "$dir/products.weft"
    aggregate --by minor --count active,brands -i "$dir/products.weft" -o "$dir/level.weft"
    score -m seasonal-naive:7 --horizon 14 -i "$dir/level.weft" -o "$dir/forecasts.weft"
    rank --model seasonal-naive:7 --near 1:3 --far 12:14 --history "$dir/products.weft" --format csv -i "$dir/forecasts.weft" -o "$dir/rank.csv"
    frames csv "$dir/products.weft" -o "$dir/products.csv"
}

# got COLUMN: "group value" lines of the units.
got() {
    rank --model seasonal-naive:7 --near 1:3 --far 12:14 --history "$dir/products.weft" --channel units --format json -i "$dir/forecasts.weft" | awk -v c="$1" '
        match($0, /"name": "([^"\\]|\\.)*"/) { g = substr($0, RSTART + 9, 1) ; if (match($0, "\"" c "\": [^,}]*")) { v = substr($0, RSTART + length(c) + 4, RLENGTH - length(c) - 4)
            if (v ~ /^[-0-9.]/) printf "%s %.6f\n", g, v; else print g, v } }' | sort
}

# want PROGRAM: awk over the products of every category, day by day; x[group, day] holds its units, p[id, day] a product's.
want() {
    awk -F, '{ gsub(/"odd, ""one"""/, "odd") } NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { g = substr($(at["minor"]), 1, 1); i = $(at["id"]); if (!(i in day)) { group[i] = g; brand[i] = $(at["brand"]) } d = day[i]++
          p[i, d] = $(at["units"]); x[g, d] += $(at["units"]); a[g, d] += $(at["amounts"]); m[g, d] += $(at["mentions"]); members[g, d]++ }
        function mean(g, from, to,    k, s) { s = 0; for (k = from; k <= to; k++) s += x[g, k]; return s / (to - from + 1) }
        # What the eight weeks before day o grow a day: least squares over their means.
        function slope(g, o,    w, s) { s = 0; for (w = 1; w <= 8; w++) s += (4.5 - w) * mean(g, o - 7 * w, o - 7 * w + 6); return s / 42 / 7 }
        # How far days from..to (counted from 1, of forecasts that begin on day o) stand above the mean of the eight weeks before o.
        function above(g, o, from, to,    k, w, s, b) { if (mean(g, o - 56, o - 1) == 0) return 1
            b = slope(g, o); s = 0
            for (k = from; k <= to; k++) for (w = 1; w <= 8; w++) s += x[g, o - 7 * w + (k - 1) % 7] - b * ((k - 1) % 7 - 3); return s / (8 * (to - from + 1)) / mean(g, o - 56, o - 1) }
        function year(g, from, to) { return mean(g, n - 364 + from - 1, n - 364 + to - 1) / above(g, n - 364, from, to) }
        END { n = 430; split("s h o", groups, " ")
            for (c = 1; c <= 3; c++) { g = groups[c]
                near[g] = mean(g, n - 7, n - 5); far[g] = mean(g, n - 3, n - 1)
                now[g] = near[g] / above(g, n, 1, 3); then[g] = far[g] / above(g, n, 12, 14); all += now[g]; selling += now[g] > 0 }
            kappa = 0.01 * all / selling
            for (c = 1; c <= 3; c++) { g = groups[c]; printf "%s ", g; '"$1"' } }' "$dir/products.csv" | sort
}

same() {
    diff <(want "$2") <(got "$1") || { echo "column $1"; return 1; }
}

@test "volume: near and far as forecast, now as sold" {
    same near 'printf "%.6f\n", near[g]'
    same far 'printf "%.6f\n", far[g]'
    same now 'printf "%.6f\n", mean(g, n - 28, n - 1)'
}

@test "growth, growth a year earlier with the same shrinkage, and their ratio" {
    same raw 'if (now[g] > 0) printf "%.6f\n", then[g] / now[g]; else print "null"'
    same growth 'printf "%.6f\n", (then[g] + kappa) / (now[g] + kappa)'
    same year_growth 'if (g == "o") print "null"; else printf "%.6f\n", (year(g, 12, 14) + kappa) / (year(g, 1, 3) + kappa)'
    same beyond 'if (g == "o") print "null"; else printf "%.6f\n", (then[g] + kappa) / (now[g] + kappa) / ((year(g, 12, 14) + kappa) / (year(g, 1, 3) + kappa))'
}

@test "competition: active products and brands now and forecast, sales of each" {
    active='k = 0; split("", seen); b = 0
        for (i = 0; i < 9; i++) if (group[i] == g) { on = 0; for (d = n - 28; d < n; d++) on += p[i, d] > 0; if (on) { k++; if (!(brand[i] in seen)) { seen[brand[i]]; b++ } } }'
    same active_now "$active"'; printf "%.6f\n", k'
    same brands_now "$active"'; printf "%.6f\n", b'
    same each_now "$active"'; printf "%.6f\n", mean(g, n - 28, n - 1) / k'
    # The forecast of the count is the count of the same days of the last week.
    ahead='k = 0; for (e = n - 3; e < n; e++) for (i = 0; i < 9; i++) if (group[i] == g) { on = 0; for (d = e - 27; d <= e; d++) on += p[i, d] > 0; k += on > 0 }'
    same active "$ahead"'; printf "%.6f\n", k / 3'
    same each "$ahead"'; printf "%.6f\n", far[g] / (k / 3)'
    [ "$(got brands)" = "$(printf 'h 3.000000\no 1.000000\ns 2.000000')" ]
}

@test "brands: HHI, the top brand and its share" {
    shares='split("", sold); t = 0; for (i = 0; i < 9; i++) if (group[i] == g) for (d = n - 28; d < n; d++) { sold[brand[i]] += p[i, d]; t += p[i, d] }
        h = 0; top = 0; for (b in sold) { h += (sold[b] / t) ^ 2; if (sold[b] > top) { top = sold[b]; who = b } }'
    same hhi "$shares"'; printf "%.6f\n", h'
    same top_share "$shares"'; printf "%.6f\n", top / t'
    same top_brand "$shares"'; printf "\"%s\"\n", who'
}

@test "price now and forecast, mentions, history, zeros, gaps" {
    same price_now 's = t = 0; for (d = n - 28; d < n; d++) { s += a[g, d]; t += x[g, d] } printf "%.6f\n", s / t'
    same price 's = t = 0; for (d = n - 3; d < n; d++) { s += a[g, d]; t += x[g, d] } if (t > 0) printf "%.6f\n", s / t; else print "null"'
    same mentions 's = t = 0; for (d = n - 28; d < n; d++) { s += m[g, d]; t += m[g, d - 28] } printf "%.6f\n", s / t'
    same history 'for (d = 0; !(x[g, d] > 0); d++); printf "%.6f\n", n - d'
    same zeros 'for (f = 0; !(x[g, f] > 0); f++); f = f > n - 364 ? f : n - 364; z = 0; for (d = f; d < n; d++) z += x[g, d] == 0; printf "%.6f\n", z / (n - f)'
    same gaps 'printf "%.6f\n", 0'
    [ "$(got quality)" = "$(printf 'h "good"\no "poor"\ns "good"')" ]
    [[ "$(got doubts)" == *'o "next to nothing is sold; 130 days of history; 90% of days without sales"'* ]]
}

@test "missing days count as gaps, and history before aggregate or of the level itself says the same" {
    ingest --missing nan <(awk -F, -v OFS=, 'NR > 1 && $2 == "hats" { for (i = 380; i < 430; i++) $i = "" } { print }' "$dir/units.csv") -o "$dir/holes.weft"
    gaps=$(rank --model seasonal-naive:7 --near 1:3 --far 12:14 --history "$dir/holes.weft" --channel units --format csv -i "$dir/forecasts.weft" |
        awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } /,hats,/ { print $(at["gaps"]), $(at["quality"]), $(at["doubts"]) }')
    awk -v g="${gaps%% *}" 'BEGIN { exit !(g > 50 / 364 - 1e-6 && g < 50 / 364 + 1e-6) }'
    [[ "$gaps" == *" fair 14% of days missing" ]] || { echo "$gaps"; false; }
    rank --model seasonal-naive:7 --near 1:3 --far 12:14 --history "$dir/level.weft" --format csv --columns name,now,beyond,active_now,brands_now,price_now,mentions,zeros \
        -i "$dir/forecasts.weft" >"$dir/of-level"
    diff "$dir/of-level" <(rank --model seasonal-naive:7 --near 1:3 --far 12:14 --history "$dir/products.weft" --format csv \
        --columns name,now,beyond,active_now,brands_now,price_now,mentions,zeros -i "$dir/forecasts.weft")
}

@test "--by KEY and the levels that aggregate names give the same ranking; several levels find their history" {
    options="--model seasonal-naive:7 --near 1:3 --far 12:14 --history $dir/products.weft --format csv -i $dir/forecasts.weft"
    diff <(rank $options) <(rank --by minor $options)
    aggregate --by minor,brand --count active -i "$dir/products.weft" | score -m seasonal-naive:7 --horizon 14 -o "$dir/two.weft"
    rank --model seasonal-naive:7 --history "$dir/products.weft" --channel units -i "$dir/two.weft" >"$dir/two.txt"
    head -n 1 "$dir/two.txt" | grep -q minor/brand
    grep -q 'shirts/brand0 ' "$dir/two.txt"
    ! rank --model seasonal-naive:7 --history "$dir/products.weft" --channel units --format csv --columns now -i "$dir/two.weft" | grep -qx '' || false
}

@test "counts of brands of several series are not added up: one brand may be in all of them" {
    aggregate --by minor --count active,brands -i "$dir/products.weft" | score -m seasonal-naive:7 --horizon 14 -o "$dir/minors.weft"
    frames show "$dir/minors.weft" | sed 's/"keys":{[^}]*}/"keys":{"minor":"both"}/' | frames from-json >"$dir/both.weft"
    rank --model seasonal-naive:7 --by minor --channel units --format csv --columns active,brands -i "$dir/both.weft" | tail -n 1 | grep -qE '^[1-9][0-9.]*,$'
    ! rank --model seasonal-naive:7 --by minor --channel units --format csv --columns brands -i "$dir/minors.weft" | grep -qx '' || false
}

@test "--sort orders by one column, and says what is missing for it" {
    for s in volume:far beyond-season:beyond sales-per-active:each growth:growth; do
        rank --model seasonal-naive:7 --near 1:3 --far 12:14 --history "$dir/products.weft" --channel units --sort "${s%:*}" --columns "${s#*:}" --format csv \
            -i "$dir/forecasts.weft" | sed 1d >"$dir/sorted"
        sort -grs "$dir/sorted" | diff "$dir/sorted" - || { echo "$s"; false; }
    done
    run rank --model seasonal-naive:7 --sort beyond-season -i "$dir/forecasts.weft"
    [ "$status" -eq 64 ] && [[ "$output" == *--history* ]]
    run rank --model seasonal-naive:7 --sort probability -i "$dir/forecasts.weft"
    [ "$status" -eq 78 ] && [[ "$output" == *"validation part"* ]]
    aggregate --by minor -i "$dir/products.weft" | score -m seasonal-naive:7 --horizon 14 -o "$dir/plain.weft"
    run rank --model seasonal-naive:7 --sort sales-per-active -i "$dir/plain.weft"
    [ "$status" -eq 78 ] && [[ "$output" == *"--count active"* ]]
}

@test "chances: every draw has three winners, whatever the threads and the order of the frames" {
    window --lookback 28 --horizon 14 -i "$dir/level.weft" | train-dlinear -q -o "$dir/model.st"
    aggregate --by brand,minor --count active -i "$dir/products.weft" | score -q -m "$dir/model.st" -o "$dir/latest.weft"
    rank --channel units --format csv --columns name,p_top -i "$dir/latest.weft" >"$dir/chances"
    awk -F, 'NR > 1 { s += $NF; n++ } END { exit !(n > 3 && s > 3 - 1e-9 && s < 3 + 1e-9) }' "$dir/chances"
    rank --channel units --format csv --columns name,p_top --threads 2 -i "$dir/latest.weft" | cmp - "$dir/chances"
    frames show "$dir/latest.weft" | { read -r h; echo "$h"; sed '$d' | tac; } >"$dir/turned.jsonl"
    frames from-json "$dir/turned.jsonl" | rank --channel units --format csv --columns name,p_top | cmp - "$dir/chances"
    ! rank --channel units --seed 2 --format csv --columns name,p_top -i "$dir/latest.weft" | cmp -s - "$dir/chances" || false
    rank --channel units --among 1 --format csv --columns p_top -i "$dir/latest.weft" | awk 'NR > 1 { s += $1 } END { exit !(s > 1 - 1e-9 && s < 1 + 1e-9) }'
    rank --channel units --among 5 -i "$dir/latest.weft" | head -n 1 | grep -q 'P(top 5)'
}

@test "the table fits a terminal; --wide and --columns show more; frames fit their schema" {
    window --lookback 28 --horizon 14 -i "$dir/level.weft" | train-dlinear -q -o "$dir/model.st"
    score -q -m "$dir/model.st" -i "$dir/level.weft" -o "$dir/latest.weft"
    rank --channel units --history "$dir/products.weft" -i "$dir/latest.weft" >"$dir/table.txt"
    [ "$(head -n 4 "$dir/table.txt" | wc -L)" -le 110 ] || { cat "$dir/table.txt"; false; }
    head -n 1 "$dir/table.txt" | grep -q 'beyond *P(top 3) *far/day *active *each *quality'
    rank --channel units --history "$dir/products.weft" --wide -i "$dir/latest.weft" | head -n 1 | grep -q 'HHI *top share *top brand *now price *price *mentions'
    rank --history "$dir/products.weft" --format frames -i "$dir/latest.weft" | frames check
    rank --history "$dir/products.weft" --format frames -i "$dir/latest.weft" | frames show | head -n 1 | grep -q '"by":"minor".*"channel":"units".*"origin":"2023-03-07"'
    run rank --columns growth,colour -i "$dir/latest.weft"
    [ "$status" -eq 64 ] && [[ "$output" == *'"colour"'* ]]
}

@test "a history that does not fit is refused" {
    run rank --model seasonal-naive:7 --by minor --history "$dir/nothing.weft" -i "$dir/forecasts.weft"
    [ "$status" -eq 66 ]
    ingest <(sed 's/"odd, ""one"""/odd/' "$dir/units.csv" | cut -d, -f 1,3-) -o "$dir/keyless.weft"
    run rank --model seasonal-naive:7 --history "$dir/keyless.weft" -i "$dir/forecasts.weft"
    [ "$status" -eq 78 ] && [[ "$output" == *'no key "minor"'* ]]
    ingest <(sed 's/"odd, ""one"""/odd/' "$dir/units.csv" | cut -d, -f 1-300) -o "$dir/short.weft"
    run rank --model seasonal-naive:7 --history "$dir/short.weft" -i "$dir/forecasts.weft"
    [ "$status" -eq 78 ] && [[ "$output" == *"forecasts begin on $origin"* ]]
    head -c 3000 "$dir/products.weft" >"$dir/cut.weft"
    run rank --model seasonal-naive:7 --history "$dir/cut.weft" -i "$dir/forecasts.weft"
    [ "$status" -eq 76 ]
    run rank --model seasonal-naive:7 --history "$dir/forecasts.weft" -i "$dir/forecasts.weft"
    [ "$status" -eq 65 ]
    run rank --model seasonal-naive:7 --brand maker --history "$dir/products.weft" -i "$dir/forecasts.weft"
    [ "$status" -eq 78 ] && [[ "$output" == *'no key "maker"'* ]]
    for o in "--brand brand" "--now 7" "--columns growth --format frames"; do
        run rank --model seasonal-naive:7 $o -i "$dir/forecasts.weft"
        [ "$status" -eq 64 ]
    done
}

@test "aggregate --count: the counts are channels, and what can't be is refused" {
    frames csv "$dir/level.weft" | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } $(at["date"]) == "2023-03-06" { print $1, $(at["active"]), $(at["brands"]) }' | grep -qx 'shirts 3 2'
    [ "$(frames csv "$dir/level.weft" | awk -F, '/^hats,/ && $NF == ""' | wc -l)" -eq 27 ]
    run aggregate --by minor --count colours -i "$dir/products.weft"
    [ "$status" -eq 64 ]
    run aggregate --by minor --count active,active -i "$dir/products.weft"
    [ "$status" -eq 64 ]
    run aggregate --by minor --count active -i "$dir/level.weft"
    [ "$status" -eq 78 ]
    run aggregate --by minor --count brands --brand maker -i "$dir/products.weft"
    [ "$status" -eq 78 ]
    run aggregate --by minor,minor -i "$dir/products.weft"
    [ "$status" -eq 64 ]
    run aggregate --by all,minor -i "$dir/products.weft"
    [ "$status" -eq 64 ]
}
