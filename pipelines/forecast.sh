#!/usr/bin/env bash
# forecast.sh - from a table of daily sales to a ranking of categories: model, accuracy beside baselines, forecasts, ranking, plot.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

usage() {
    cat <<'T'
usage: forecast.sh [OPTION...] SALES.csv

Forecasts each category of a shop, measures the forecasts beside honest baselines on the latest part of the history, and ranks the categories by growth.
SALES.csv: one row a product with a column a day (any layout that ingest knows goes with --ingest).

  -o, --output DIR       where the results go (default: forecast)
      --by LEVEL         what is forecast and ranked: minor, middle, major, brand, id, ... (default: minor)
      --amounts FILE     the same table of sales amounts
      --mentions FILE    the table of brand mentions
      --ingest OPTIONS   further options of ingest, as in --ingest "--layout long --id item --value sales"
      --horizon N        days to forecast (default 50)
      --lookback N       days to look back on (default: the longest that the history allows, whole weeks, at most a year and the
                         horizon; shorter ones are tried too)
      --near A:B         near days of the growth index (default: the first fifth of the horizon)
      --far A:B          far days (default: the last fifth)
      --top N            categories shown (default 10)
      --plot svg|png|none
      --title TEXT       over the plot and the report
      --lang en|ko       language of the report (default: en)
  -h, --help

Results in DIR: report.html (all of it on one page), model.safetensors, accuracy.csv, forecasts.csv, ranking.csv, ranking.txt, plot.svg (or .png). They
appear together, or not at all. Channels that are past, future or static (ingest --future, ...) are not used here: train-dlinear without --tune uses them.

Examples:
  forecast.sh train.csv --amounts sales.csv --mentions brand_keyword_cnt.csv
  forecast.sh --by item --ingest "--layout long --id store,item --keys store,item --date date --value sales" --horizon 28 sales.csv
T
}

out=forecast by=minor amounts= mentions= ingest_options= horizon=50 lookback= near= far= top=10 plot=svg title= lang=en sales=
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help) usage; exit 0 ;;
    -o | --output) out=${2:?}; shift ;;
    --by) by=${2:?}; shift ;;
    --amounts) amounts=${2:?}; shift ;;
    --mentions) mentions=${2:?}; shift ;;
    --ingest) ingest_options=${2:?}; shift ;;
    --horizon) horizon=${2:?}; shift ;;
    --lookback) lookback=${2:?}; shift ;;
    --near) near=${2:?}; shift ;;
    --far) far=${2:?}; shift ;;
    --top) top=${2:?}; shift ;;
    --plot) plot=${2:?}; shift ;;
    --title) title=${2:?}; shift ;;
    --lang) lang=${2:?}; shift ;;
    -*) [ "$1" = - ] && sales=- || die "unknown option $1; see forecast.sh --help" ;;
    *) [ -z "$sales" ] || die "one table, please: $sales or $1"; sales=$1 ;;
    esac
    shift
done
[ -n "$sales" ] || die "which table? forecast.sh SALES.csv; see forecast.sh --help"
case "$plot" in svg | png | none) ;; *) die "--plot: svg, png or none" ;; esac
case "$lang" in en | ko) ;; *) die "--lang: en or ko" ;; esac
need ingest aggregate window train-dlinear score evaluate explain rank report frames
[ "$plot" = none ] || need gnuplot
scratch

# --- read, and add up to the level ---
more=()
[ -z "$amounts" ] || more+=(--amounts "$amounts")
[ -z "$mentions" ] || more+=(--mentions "$mentions")
# shellcheck disable=SC2086  # options, split at blanks
ingest $ingest_options "${more[@]}" "$sales" -o "$work/series.weft"
head=$(frames head -n 1 "$work/series.weft" | frames show --elements 1 | sed -n 1p)
count=active # who sells is forecast, too: products with sales, and brands where there are any
[[ ! $head =~ \"keys\":\[[^]]*\"brand\" ]] || count=active,brands
aggregate --by "$by" --count "$count" -i "$work/series.weft" -o "$work/level.weft"

# --- lookback: the train part (64% of the history) holds at least twice as many windows as a window has days ---
days=$(frames head -n 1 "$work/level.weft" | frames show --elements 1 | sed -n '1{s/.*"known":\([0-9]*\).*/\1/p;t;s/.*"length":\([0-9]*\).*/\1/p}')
if [ -z "$lookback" ]; then
    lookback=$(((days * 64 / 100 - horizon) / 3 / 7 * 7))
    [ "$lookback" -le $((364 + horizon)) ] || lookback=$((364 + horizon))
    [ "$lookback" -ge 7 ] || die "$days days are too few for a horizon of $horizon; give --horizon" 65
fi
models=model=$work/test.safetensors,seasonal-naive:7,mean:28
[ "$days" -lt $((5 * (364 + 28 + horizon) / 4)) ] || models=$models,lag-growth:364:28

# --- accuracy: fitted on the first 64%, measured on the last 20% ---
window --lookback "$lookback" --horizon "$horizon" --split 0.64,0.16,0.20 -i "$work/level.weft" -o "$work/windows.weft"
train-dlinear -q --tune --exog none -i "$work/windows.weft" -o "$work/test.safetensors"
score -q -m "$models" --part test --quantiles 0.05,0.95 -i "$work/windows.weft" -o "$work/test.weft"
evaluate -q -i "$work/test.weft" -o "$work/accuracy.txt"
evaluate -q --format csv -i "$work/test.weft" -o "$work/accuracy.csv"

# --- forecasts: chosen and measured on the last 15%, fitted on everything ---
window --lookback "$lookback" --horizon "$horizon" --split 0.85,0.15,0 -i "$work/level.weft" | train-dlinear -q --tune --refit --exog none -o "$work/model.safetensors" ||
    culprit "window train-dlinear" "${PIPESTATUS[@]}"
score -q -m "$work/model.safetensors" --quantiles 0.05,0.5,0.95 -i "$work/level.weft" -o "$work/forecasts.weft"
frames csv "$work/forecasts.weft" -o "$work/forecasts.csv"
growth=()
[ -z "$near" ] || growth+=(--near "$near")
[ -z "$far" ] || growth+=(--far "$far")
channel=$(frames head -n 1 "$work/level.weft" | frames show --elements 1 | sed -n '1s/.*"channels":\["\([^"]*\)".*/\1/p')
explain -q -m "$work/model.safetensors" "${growth[@]}" --format frames -i "$work/level.weft" -o "$work/reasons.weft"
ranked=(rank -q "${growth[@]}" --history "$work/series.weft" --reasons "$work/reasons.weft" -i "$work/forecasts.weft")
"${ranked[@]}" --format csv -o "$work/ranking.csv"
"${ranked[@]}" --channel "$channel" --top "$top" -o "$work/ranking.txt"
"${ranked[@]}" --channel "$channel" --format frames -o "$work/ranking.weft"
report --lang "$lang" ${title:+--title "$title"} --forecasts "$work/forecasts.weft" --history "$work/level.weft" --accuracy "$work/accuracy.csv" -i "$work/ranking.weft" \
    -o "$work/report.html"

# --- plot ---
if [ "$plot" != none ]; then
    "$here/plot.sh" "$plot" "$channel" "${title:-Forecast by $by, $horizon days ahead}" "$work" "$top" >"$work/plot.$plot"
fi

results=(report.html model.safetensors accuracy.csv forecasts.csv ranking.csv ranking.txt)
[ "$plot" = none ] || results+=("plot.$plot")
deliver "$out" "${results[@]}" --without plot.svg plot.png

echo "Accuracy on the last 20% of $days days (lookback $lookback, horizon $horizon):"
cat "$work/accuracy.txt"
echo
echo "Growth of $channel by $by:"
cat "$work/ranking.txt"
echo
echo "$out: $(cd "$out" && ls | tr '\n' ' ')"
