#!/usr/bin/env bash
# compare.sh - DLinear (exact and Adam), LSTM and seasonal naive side by side on one table of sales, for each of its channels.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

usage() {
    cat <<'T'
usage: compare.sh [OPTION...] SALES.csv|SERIES.weft

Trains every model on the same windows and measures all of them on the same test part: MSE and MAE in scaled units, WAPE, and the seconds that training took; one
table a channel (units, and amounts and mentions when they are given), and one picture of a series under all models.

  -o, --output DIR       where the results go (default: compare)
      --by LEVEL         what is forecast (default: minor)
      --amounts FILE     the same table of sales amounts
      --mentions FILE    the table of brand mentions
      --ingest OPTIONS   further options of ingest, split at blanks as a shell does: --ingest '--layout long --date "Order Date"'
      --lookback N       (default 30)
      --horizon N        (default 10)
      --season N         of the seasonal naive forecast (default 7)
      --lstm OPTIONS     options of train-lstm, as in --lstm "--epochs 50 --hidden 128"
      --plot svg|none
      --progress         stages, seconds and what is left on stderr (default: when that is a terminal)
  -h, --help

Results in DIR: table.txt, accuracy.csv, plot.svg.

Examples:
  compare.sh sales.csv --amounts amounts.csv --mentions mentions.csv
  compare.sh --by item --ingest "--layout long --id store,item --keys store,item --date date --value sales" rows.csv
T
}

out=compare by=minor amounts= mentions= ingest_options= lookback=30 horizon=10 season=7 lstm= plot=svg sales=
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help) help; exit 0 ;;
    -o | --output) out=${2:?}; shift ;;
    --by) by=${2:?}; shift ;;
    --amounts) amounts=${2:?}; shift ;;
    --mentions) mentions=${2:?}; shift ;;
    --ingest) ingest_options=${2:?}; shift ;;
    --lookback) lookback=${2:?}; shift ;;
    --horizon) horizon=${2:?}; shift ;;
    --season) season=${2:?}; shift ;;
    --lstm) lstm=${2:?}; shift ;;
    --plot) plot=${2:?}; shift ;;
    --progress) progress=yes ;;
    -?*) die "unknown option $1; see compare.sh --help" ;;
    *) [ -z "$sales" ] || die "one table, please: $sales or $1"; sales=$1 ;;
    esac
    shift
done
[ -n "$sales" ] || die "which table? compare.sh SALES.csv; see compare.sh --help"
case "$plot" in svg | none) ;; *) die "--plot: svg or none" ;; esac
need ingest aggregate window train-dlinear train-lstm score evaluate frames
split_words --lstm "$lstm"
lstm=("${words[@]}")
split_words --ingest "$ingest_options"
ingest=(-q "${words[@]}")
[ -z "$amounts" ] || ingest+=(--amounts "$amounts")
[ -z "$mentions" ] || ingest+=(--mentions "$mentions")
shares=(5 10 20 60 5)
[ "$plot" = none ] || shares+=(3)
scratch

stage read
source_of "$sales"
aggregate -q --by "$by" -i "$work/series.weft" | window -q --lookback "$lookback" --horizon "$horizon" --scale standard -o "$work/windows.weft" ||
    culprit "aggregate window" "${PIPESTATUS[@]}"

train() { # NAME COMMAND...
    local name=$1 began=$EPOCHREALTIME
    shift
    stage "train $name"
    "$@" -i "$work/windows.weft" -o "$work/$name.safetensors"
    awk -v name="$name" -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%s,%.1f\n", name, b - a }' >>"$work/seconds.csv"
}
train exact train-dlinear -q
train adam train-dlinear -q --solver adam
train lstm train-lstm -q "${lstm[@]}"

stage measure
score -q -m "exact=$work/exact.safetensors,adam=$work/adam.safetensors,lstm=$work/lstm.safetensors,seasonal-naive:$season" --part test -i "$work/windows.weft" -o "$work/test.weft"
evaluate -q --scaled --format csv -i "$work/test.weft" -o "$work/scaled.csv"
evaluate -q --format csv -i "$work/test.weft" -o "$work/accuracy.csv"

{
    echo "Test errors by $by, $lookback -> $horizon (MSE and MAE in scaled units)"
    awk -F, '
        function columns(   i) { delete at; for (i = 1; i <= NF; i++) at[$i] = i }
        FILENAME ~ /seconds/ { seconds[$1] = $2; next }
        FNR == 1 { columns(); next }
        FILENAME ~ /scaled/ { mse[$(at["model"]), $(at["channel"])] = $(at["mse"]); mae[$(at["model"]), $(at["channel"])] = $(at["mae"]); next }
        { k = $(at["model"]) SUBSEP $(at["channel"]); wape[k] = $(at["wape"])
          if (!($(at["channel"]) in seen)) { seen[$(at["channel"])] = 1; channel[++c] = $(at["channel"]) }
          if (!($(at["model"]) in known)) { known[$(at["model"])] = 1; model[++m] = $(at["model"]) } }
        END { for (i = 1; i <= c; i++) {
            printf "\n%-20s %8s %8s %8s %12s\n", channel[i], "MSE", "MAE", "WAPE", i == 1 ? "training, s" : ""
            for (j = 1; j <= m; j++) { k = model[j] SUBSEP channel[i]
                printf "%-20s %8.4f %8.4f %8.4f %12s\n", model[j], mse[k], mae[k], wape[k], i == 1 && model[j] in seconds ? seconds[model[j]] : "" } } }' \
        "$work/seconds.csv" "$work/scaled.csv" "$work/accuracy.csv"
} >"$work/table.txt"

results=(table.txt accuracy.csv)
if [ "$plot" != none ]; then
    stage plot
    evaluate --format svg -i "$work/test.weft" -o "$work/plot.svg"
    results+=(plot.svg)
fi
deliver "$out" "${results[@]}"
cat "$work/table.txt"
