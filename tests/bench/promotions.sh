#!/usr/bin/env bash
# promotions.sh [PRODUCTS [DAYS [SEED]]] - what price and promotion, known ahead, bring on the generated shop: the same exact model without and with them, and
# the model of the main recipe (weft forecast), which chooses its lookback and its channels itself; products that have promotions, test part. Prints WAPE over all
# windows, over those in whose horizon a promotion falls, and over the days of promotion alone, and how many of the values that were sold lie in the recipe's 90 %
# intervals.
# BIN and BUILD as make sets them; LOOKBACK, HORIZON, LAGS. Exit status 1 when a window with a promotion gains less than 15 %, or, on the shop that it makes by
# default, the recipe has more than .324 there, or its intervals hold less than 88 % or more than 92 %.
set -euo pipefail
products=${1:-300} days=${2:-730} seed=${3:-1} lookback=${LOOKBACK:-28} days_ahead=${HORIZON:-14} lags=${LAGS:-7}
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-$root/build/release}
PATH=${BIN:-$root/bin}:$PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$build/gen/shop" --products "$products" --days "$days" --seed "$seed" --layout long --plan "$days_ahead" -o "$work/shop.csv"
ingest -q --layout long --id id --keys minor,promoted --value units,price,promotion --future price,promotion "$work/shop.csv" -o "$work/series.weft"
window -q --lookback "$lookback" --horizon "$days_ahead" --scale standard -i "$work/series.weft" -o "$work/windows.weft"
train-dlinear -q --exog none -i "$work/windows.weft" -o "$work/without.safetensors"
train-dlinear -q --exog-lags "$lags" -i "$work/windows.weft" -o "$work/with.safetensors"
score -q -m without="$work/without.safetensors",with="$work/with.safetensors" --part test -i "$work/windows.weft" -o "$work/forecasts.weft"
(
    WEFT_BIN=${BIN:-$root/bin}
    . "$root/pipelines/lib.sh"
    . "$root/pipelines/recipe.sh"
    stage() { :; }
    recipe_defaults
    by=id horizon=$days_ahead
    recipe_look
    recipe_fill
    recipe_choose
    recipe_measure
    echo "the recipe chose lookback $lookback, scale $scale, level $level"
)

# Which items have promotions, and on which days, is in the table: date,id,...,promoted,units,price,promotion.
{ frames csv "$work/forecasts.weft" && frames csv "$work/test.weft"; } | awk -F, -v ours="$#" '
    function add(what, model, error, actual) { errors[what, model] += error; actuals[what, model] += actual }
    NR == FNR { promoted[$2, $1] = $NF == 1; next }
    $1 == "id" || FNR == 1 { delete c; for (i = 1; i <= NF; i++) c[$i] = i; next }
    $c["promoted"] == "yes" {
        m = $c["model"]; sub(/^model$/, "recipe", m); a = $c["actual"]; e = $c["forecast"] - a; e = e < 0 ? -e : e
        window = $c["id"] SUBSEP $c["origin"] SUBSEP m
        we[window] += e; wa[window] += a
        if (m == "recipe" && $c["q0_05"] != "") { in_window[window] += a >= $c["q0_05"] && a <= $c["q0_95"]; judged[window]++ }
        add("all windows", m, e, a)
        if (promoted[$c["id"], $c["date"]]) {
            add("days of promotion", m, e, a); hit[window] = m
            if (m == "recipe") { days++; day_in += a >= $c["q0_05"] && a <= $c["q0_95"] }
        }
    }
    END {
        for (w in hit) add("windows with promotion", hit[w], we[w], wa[w])
        printf "promoted items            WAPE without     with   lower by   recipe\n"
        n = split("all windows,windows with promotion,days of promotion", what, ",")
        for (i = 1; i <= n; i++) {
            a = errors[what[i], "without"] / actuals[what[i], "without"]; b = errors[what[i], "with"] / actuals[what[i], "with"]
            printf "%-22s %15.4f %8.4f %9.1f%% %8.4f\n", what[i], a, b, 100 * (1 - b / a), errors[what[i], "recipe"] / actuals[what[i], "recipe"]
            if (i == 2 && !(b <= 0.85 * a)) short = 1
        }
        for (w in judged) { all += judged[w]; all_in += in_window[w]; if (w in hit) { promo += judged[w]; promo_in += in_window[w] } }
        printf "inside the 90 %% interval %13.1f%% of all, %.1f%% in windows with promotion, %.1f%% on days of promotion\n", 100 * all_in / all, 100 * promo_in / promo, 100 * day_in / days
        recipe = errors[what[2], "recipe"] / actuals[what[2], "recipe"]; held = 100 * promo_in / promo
        exit short || (!ours && (recipe > 0.324 || held < 88 || held > 92))
    }' "$work/shop.csv" -
