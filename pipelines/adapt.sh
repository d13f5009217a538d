#!/usr/bin/env bash
# adapt.sh - forecasts for series with little history that borrow from richer ones: domain adaptation (ADDA), measured beside what it has to beat.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

usage() {
    cat <<'T'
usage: adapt.sh [OPTION...] SALES.csv|SERIES.weft

For each pair of levels (source:target) a network learns the totals of the source level, and is then adapted to the series of the target level. Two tables of
test errors come out, with all and with half of the target's data: the network as it is (no adaptation), ADDA, ADDA with a reconstruction loss, the same with the
horizons of the target's train windows taking part (labels), and beside them the exact linear model (DLinear) trained on the source alone and on the target
alone. MSE in scaled units, mean and standard deviation over the seeds.

  -o, --output DIR       where the results go (default: adapt)
      --rows S:T,...     source and target levels (default: major:middle,major:minor,middle:minor); id: the series as they are
      --ingest OPTIONS   further options of ingest, split at blanks as a shell does: --ingest '--layout long --date "Order Date"'
      --lookback N       (default 100)
      --horizon N        (default 50)
      --split F,F,F      train, validation and test part (default 0.64,0.16,0.2)
      --seeds N          (default 5)
      --encoder NAME     lstm, linear or cnn (default lstm)
      --reconstruct X    weight of the reconstruction loss in the third column (default 1)
      --train OPTIONS    further options of train-adda, as in --train "--epochs 50"
      --plot svg|none
      --progress         stages, seconds and what is left on stderr (default: when that is a terminal)
  -h, --help

Results in DIR: table.txt, cells.csv (every seed), plot.svg (one series under all three).

Examples:
  adapt.sh train.csv
  adapt.sh --rows store:item,store:id --ingest "--layout long --id store,item --keys store,item --date date --value sales" rows.csv
T
}

out=adapt rows=major:middle,major:minor,middle:minor ingest_options= lookback=100 horizon=50 split=0.64,0.16,0.2 seeds=5 encoder=lstm reconstruct=1
train_options= plot=svg sales=
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help) help; exit 0 ;;
    -o | --output) out=${2:?}; shift ;;
    --rows) rows=${2:?}; shift ;;
    --ingest) ingest_options=${2:?}; shift ;;
    --lookback) lookback=${2:?}; shift ;;
    --horizon) horizon=${2:?}; shift ;;
    --split) split=${2:?}; shift ;;
    --seeds) seeds=${2:?}; shift ;;
    --encoder) encoder=${2:?}; shift ;;
    --reconstruct) reconstruct=${2:?}; shift ;;
    --train) train_options=${2:?}; shift ;;
    --plot) plot=${2:?}; shift ;;
    --progress) progress=yes ;;
    -?*) die "unknown option $1; see adapt.sh --help" ;;
    *) [ -z "$sales" ] || die "one table, please: $sales or $1"; sales=$1 ;;
    esac
    shift
done
[ -n "$sales" ] || die "which table? adapt.sh SALES.csv; see adapt.sh --help"
[[ $seeds =~ ^[1-9][0-9]*$ ]] || die "--seeds: a number from 1 on, not $seeds"
[[ $rows =~ ^[^:,]+:[^:,]+(,[^:,]+:[^:,]+)*$ ]] || die "--rows: SOURCE:TARGET,..., not $rows"
case "$plot" in svg | none) ;; *) die "--plot: svg or none" ;; esac
need ingest aggregate window train-dlinear train-adda score evaluate frames
split_words --train "$train_options"
train=("${words[@]}")
split_words --ingest "$ingest_options"
ingest=(-q "${words[@]}")
shares=(2)
for row in ${rows//,/ }; do
    for seed in $(seq "$seeds"); do shares+=(10); done
done
scratch

stage read
source_of "$sales"
windows() { # LEVEL FILE SPLIT
    aggregate -q --by "$1" -i "$work/series.weft" | window -q --lookback "$lookback" --horizon "$horizon" --scale standard --split "$3" -o "$2" ||
        culprit "aggregate window" "${PIPESTATUS[@]}"
}
# Half of the target's train part goes over to validation for the linear model: the test part stays the same.
half=$(awk -F, -v s="$split" 'BEGIN { split(s, p, ","); if (p[1] > 1 || p[2] > 1) printf "%d,%d,%d", p[1] / 2, p[2] + p[1] - int(p[1] / 2), p[3]
    else printf "%.6g,%.6g,%.6g", p[1] / 2, p[2] + p[1] / 2, p[3] }')
for level in $(tr ':,' '\n\n' <<<"$rows" | sort -u); do
    windows "$level" "$work/$level.weft" "$split"
    windows "$level" "$work/$level.half.weft" "$half"
    train-dlinear -q -i "$work/$level.weft" -o "$work/$level.1.linear"
    # With half of the data there may be no window at all.
    train-dlinear -q -i "$work/$level.half.weft" -o "$work/$level.0.5.linear" 2>/dev/null || true
done

mse() { # MODEL LEVEL: on the test part
    [ -e "$1" ] || { echo -; return; }
    score -q -m "$1" --part test -i "$work/$2.weft" | evaluate -q --scaled --format csv -o "$work/error.csv" || culprit "score evaluate" "${PIPESTATUS[@]}"
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 { print $(at["mse"]) }' "$work/error.csv"
}
cell() { # FRACTION SOURCE TARGET COLUMN SEED MSE
    echo "$1,$2,$3,$4,$5,$6" >>"$work/cells.csv"
    echo "adapt.sh: $2 -> $3, $1 of the target's data, seed $5, $4: $6" >&2
}

echo fraction,source,target,column,seed,mse >"$work/cells.csv"
common=(-q --encoder "$encoder" "${train[@]}")
for row in ${rows//,/ }; do
    s=${row%:*} t=${row#*:}
    for seed in $(seq "$seeds"); do
        stage "$s to $t, seed $seed"
        pair=("${common[@]}" --seed "$seed" --source "$work/$s.weft" --target "$work/$t.weft")
        # The source network is the same for all targets of one source.
        none=$work/$s.$seed.st
        [ -e "$none" ] || train-adda "${pair[@]}" --epochs 0 -o "$none"
        for fraction in 1 0.5; do
            cell $fraction "$s" "$t" none "$seed" "$(mse "$none" "$t")"
            train-adda "${pair[@]}" --pretrained "$none" --target-fraction $fraction -o "$work/adda.st"
            cell $fraction "$s" "$t" adda "$seed" "$(mse "$work/adda.st" "$t")"
            train-adda "${pair[@]}" --pretrained "$none" --target-fraction $fraction --reconstruct "$reconstruct" -o "$work/reconstruct.st"
            cell $fraction "$s" "$t" reconstruct "$seed" "$(mse "$work/reconstruct.st" "$t")"
            train-adda "${pair[@]}" --pretrained "$none" --target-fraction $fraction --reconstruct "$reconstruct" --target-labels 1000000 --label-weight 10 \
                -o "$work/labels.st"
            cell $fraction "$s" "$t" labels "$seed" "$(mse "$work/labels.st" "$t")"
            if [ "$plot" != none ] && [ ! -e "$work/plot.svg" ]; then
                score -q -m "none=$none,ADDA=$work/adda.st,reconstruct=$work/reconstruct.st" --part test -i "$work/$t.weft" |
                    evaluate -q --format svg -o "$work/plot.svg" || culprit "score evaluate" "${PIPESTATUS[@]}"
            fi
        done
    done
    for fraction in 1 0.5; do
        cell $fraction "$s" "$t" linear-source 0 "$(mse "$work/$s.1.linear" "$t")"
        cell $fraction "$s" "$t" linear-target 0 "$(mse "$work/$t.$fraction.linear" "$t")"
    done
done

table() { # FRACTION TITLE
    echo "$2"
    awk -F, -v fraction="$1" '
        NR > 1 && $1 == fraction { row = $2 " -> " $3; if (!(row in seen)) { seen[row] = 1; order[++n] = row }
            if ($6 != "-") { k = row SUBSEP $4; count[k]++; sum[k] += $6; square[k] += $6 * $6 } }
        function show(row, column,   k, m, v) {
            k = row SUBSEP column
            if (!count[k]) return "-"
            m = sum[k] / count[k]
            v = count[k] > 1 ? (square[k] - count[k] * m * m) / (count[k] - 1) : 0
            return count[k] > 1 ? sprintf("%.4f ± %.4f", m, v > 0 ? sqrt(v) : 0) : sprintf("%.4f", m)
        }
        # Columns are padded by hand: awk may count the bytes of ± .
        function padded(text, width,   w, t) { t = text; w = length(t) - gsub(/±/, "x", t) * (length("±") - 1); while (w++ < width) text = " " text; return text }
        BEGIN { printf "%-16s %17s %17s %21s %17s %15s %15s\n", "", "no adaptation", "ADDA", "ADDA + reconstruction", "... + labels", "linear, source", "linear, target" }
        END { for (i = 1; i <= n; i++) { r = order[i]
            printf "%-16s %s %s %s %s %s %s\n", r, padded(show(r, "none"), 17), padded(show(r, "adda"), 17), padded(show(r, "reconstruct"), 21),
                padded(show(r, "labels"), 17), padded(show(r, "linear-source"), 15), padded(show(r, "linear-target"), 15) } }' "$work/cells.csv"
}
{
    table 1 "Test MSE (scaled), $lookback -> $horizon days, $seeds seeds, encoder $encoder: all of the target's data"
    echo
    table 0.5 "The same with half of the target's data"
} >"$work/table.txt"

results=(table.txt cells.csv)
[ "$plot" = none ] || results+=(plot.svg)
deliver "$out" "${results[@]}"
cat "$work/table.txt"
