#!/usr/bin/env bash
# forecast.sh - from a table of daily sales to a ranking of categories: model, accuracy beside baselines, forecasts, ranking, plot.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/recipe.sh"

usage() {
    cat <<'T'
usage: forecast.sh [OPTION...] SALES.csv
       forecast.sh [OPTION...] SERIES.weft

Forecasts each category of a shop, measures the forecasts beside honest baselines on the latest part of the history, and ranks the categories by growth.
SALES.csv: one row a product with a column a day (any layout that ingest knows goes with --ingest); or a series stream, which is used as it is. - is standard
input.

  -o, --output DIR       where the results go (default: forecast)
      --by LEVEL         what is forecast and ranked: minor, middle, major, brand, id, ... (default: minor where the table has it, else id)
      --amounts FILE     the same table of sales amounts
      --mentions FILE    the table of brand mentions
      --ingest OPTIONS   further options of ingest, split at blanks as a shell does: --ingest '--layout long --date "Order Date"'
      --horizon N        steps to forecast (default: 28 days, 20 working days, 8 weeks, 6 months, 4 quarters or 168 hours)
      --lookback N       steps to look back on (default: chosen of two, the longer one at most a year and the horizon; shorter ones than
                         that are tried, too)
      --near A:B         near steps of the growth index (default: that of rank)
      --far A:B          far steps (default: that of rank)
      --best             take what forecast the last folds best of factors (weekday, plans, seasons that multiply), the linear model and
                         baselines, alone or together, and say what it beat; takes some minutes
      --fast             the linear model alone (default)
      --top N            categories shown (default 10)
      --plot svg|none
      --title TEXT       over the plot and the report
      --lang en|ko       language of the report (default: en)
      --allow-left-out   exit status 0 though categories were left out
      --progress         stages, seconds and what is left on stderr (default: when that is a terminal)
  -h, --help

Results in DIR: report.html (all of it on one page), model.safetensors, accuracy.csv, forecasts.csv, ranking.csv, ranking.txt, plot.svg. They
appear together, or not at all. Exit status 65 with results in DIR: categories have no forecast, since their history is too short or ends early; they are named.
Short gaps (28 days, 4 weeks, 168 hours) are filled in what the models see, and the summary says so; the ranking knows the history as it is. Categories with
too little history for the model are forecast by one that looks back 28 days (column model).
Channels that are past, future or static (ingest --future, covariates, ...) are used when every series has them for the whole horizon ahead and
forecasts of the past get better by them; the summary says which, and what they bring.

Examples:
  forecast.sh sales.csv --amounts amounts.csv --mentions mentions.csv
  forecast.sh --by item --ingest "--layout long --id store,item --keys store,item --date date --value sales" --horizon 28 rows.csv
  weft ingest sales.csv | forecast.sh -
T
}

recipe_defaults
out=forecast amounts='' mentions='' ingest_options='' plot=svg title='' lang=en sales=''
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help) help; exit 0 ;;
    -o | --output) out=${2:?}; shift ;;
    --by) by=${2:?}; shift ;;
    --amounts) amounts=${2:?}; shift ;;
    --mentions) mentions=${2:?}; shift ;;
    --ingest) ingest_options=${2:?}; shift ;;
    --horizon) horizon=${2:?}; shift ;;
    --lookback) lookback=${2:?}; shift ;;
    --near) near=${2:?}; shift ;;
    --far) far=${2:?}; shift ;;
    --best) best=yes ;;
    --fast) best='' ;;
    --top) top=${2:?}; shift ;;
    --plot) plot=${2:?}; shift ;;
    --title) title=${2:?}; shift ;;
    --lang) lang=${2:?}; shift ;;
    --allow-left-out) allow_left_out=yes ;;
    --progress) progress=yes ;;
    -?*) die "unknown option $1; see $me --help" ;;
    *) [ -z "$sales" ] || die "one table, please: $sales or $1"; sales=$1 ;;
    esac
    shift
done
[ -n "$sales" ] || die "which table? $me SALES.csv; see $me --help"
case "$plot" in svg | none) ;; *) die "--plot: svg or none" ;; esac
case "$lang" in en | ko) ;; *) die "--lang: en or ko" ;; esac
need ingest covariates aggregate window train-dlinear train-ensemble score evaluate explain rank report frames
split_words --ingest "$ingest_options"
ingest=("${words[@]}")
[ -z "$amounts" ] || ingest+=(--amounts "$amounts")
[ -z "$mentions" ] || ingest+=(--mentions "$mentions")
scratch
shares=(3 1 35 15 5 3 30 8)

stage read
source_of "$sales"
recipe
stage report
show=(report --lang "$lang" ${title:+--title "$title"} --forecasts "$work/forecasts.weft" --history "$work/level.weft" -i "$work/ranking.weft")
"${show[@]}" --accuracy "$work/accuracy.csv" -o "$work/report.html"
[ "$plot" = none ] || "${show[@]}" --format svg --bars "$top" -o "$work/plot.svg"

results=(report.html model.safetensors accuracy.csv forecasts.csv ranking.csv ranking.txt)
[ "$plot" = none ] || results+=(plot.svg)
deliver "$out" "${results[@]}" --without plot.svg plot.png

echo "Accuracy on the last 20% of $steps ${step}s (lookback $lookback, horizon $horizon):"
cat "$work/accuracy.txt"
echo
echo "Growth of $channel by $by:"
cat "$work/ranking.txt"
echo
recipe_notes
echo "$out: $(cd "$out" && ls | tr '\n' ' ')"
recipe_status "$out"
