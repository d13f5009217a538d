#!/usr/bin/env bash
# ladder.sh - forecasts for series with little history: from the richer series' model to one's own and to an adapted network, each group by what served it best.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

usage() {
    cat <<'T'
usage: ladder.sh [OPTION...] SALES.csv|SERIES.weft

For each group of the target's series one model is chosen, by the target's train and validation part alone:
  source, own, pooled, ridge   linear models (weft train-dlinear --source): the source's, one's own, both together, one's own shrunk towards the source's; "linear" is
                               the one that rolling-origin folds choose for the group
  none, ADDA, reconstruct      networks (train-adda): the source's as it is, adapted, adapted with a reconstruction loss; one is taken when its error on
                               the validation windows is below that of "linear" by more than --margin. One validation part is one look at one
                               season: what counts is half the group's own ratio of errors, half the ratio over all groups (their geometric mean)
Then all of them are measured on the test part, with the ladder's choice beside each.

  -o, --output DIR       where the results go (default: ladder)
      --source LEVEL     the richer series: totals of this level (default: major)
      --target LEVEL     what is to be forecast (default: minor); id: the series as they are
      --by KEY           groups that choose, a key of the target's series (default: the target's level)
      --from DATE        forget the target's history before it
      --ingest OPTIONS   further options of ingest, split at blanks as a shell does: --ingest '--layout long --date "Order Date"'
      --lookback N       (default 100)
      --horizon N        (default 50)
      --split F,F,F      train, validation and test part (default 0.64,0.16,0.2)
      --margin F         what a network must gain (default 0.02)
      --linear OPTIONS   further options of train-dlinear, as in --linear "--source-by major"
      --train OPTIONS    further options of train-adda, as in --train "--epochs 50"; none: no networks
      --progress         stages, seconds and what is left on stderr (default: when that is a terminal)
  -h, --help

Results in DIR: table.txt, choice.csv (each group: the errors on its validation windows, and the model that serves it), forecasts.csv (the next steps, each group
by its model), MODEL.safetensors of every model that serves somebody.

Examples:
  ladder.sh train.csv
  ladder.sh --source store --target item --ingest "--layout long --id store,item --keys store,item --date date --value sales" --from 2016-01-01 rows.csv
T
}

out=ladder source=major target=minor by='' from='' ingest_options='' lookback=100 horizon=50 split=0.64,0.16,0.2 margin=0.02 linear_options='' train_options='' sales=''
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help) help; exit 0 ;;
    -o | --output) out=${2:?}; shift ;;
    --source) source=${2:?}; shift ;;
    --target) target=${2:?}; shift ;;
    --by) by=${2:?}; shift ;;
    --from) from=${2:?}; shift ;;
    --ingest) ingest_options=${2:?}; shift ;;
    --lookback) lookback=${2:?}; shift ;;
    --horizon) horizon=${2:?}; shift ;;
    --split) split=${2:?}; shift ;;
    --margin) margin=${2:?}; shift ;;
    --linear) linear_options=${2:?}; shift ;;
    --train) train_options=${2:?}; shift ;;
    --progress) progress=yes ;;
    -?*) die "unknown option $1; see ladder.sh --help" ;;
    *) [ -z "$sales" ] || die "one table, please: $sales or $1"; sales=$1 ;;
    esac
    shift
done
[ -n "$sales" ] || die "which table? ladder.sh SALES.csv; see ladder.sh --help"
[ "$sales" = - ] || [ -r "$sales" ] || die "can't read $sales" 66
[ -n "$by" ] || by=$target
need ingest aggregate window train-dlinear train-adda score evaluate frames
split_words --linear "$linear_options"
linear=("${words[@]}")
split_words --train "$train_options"
train=("${words[@]}")
split_words --ingest "$ingest_options"
ingest=(-q "${words[@]}")
shares=(2 10 80 5 3)
scratch

windows() { # LEVEL SERIES FILE
    aggregate -q --by "$1" -i "$2" | window -q --lookback "$lookback" --horizon "$horizon" --scale standard --split "$split" -o "$3" ||
        culprit "aggregate window" "${PIPESTATUS[@]}"
}
stage read
source_of "$sales"
windows "$source" "$work/series.weft" "$work/source.weft"
if [ -n "$from" ]; then
    from_table "$sales" --from
    ingest "${ingest[@]}" --from "$from" -o "$work/short.weft" -- "$sales"
    windows "$target" "$work/short.weft" "$work/target.weft"
else
    windows "$target" "$work/series.weft" "$work/target.weft"
fi

# The rungs, from the simplest on. What can't be trained (no window of its own) is left out.
models=() names=()
rung() { # NAME COMMAND...
    local name=$1 status=0
    shift
    "$@" -o "$work/$name.safetensors" 2>"$work/why" || status=$?
    if [ "$status" -eq 0 ]; then
        models+=("$name=$work/$name.safetensors") names+=("$name")
    elif [ "$status" -eq 78 ]; then
        echo "ladder.sh: no $name: $(head -n 1 "$work/why")" >&2
    else
        cat "$work/why" >&2
        die "$1 ended with status $status; no result was written" "$status"
    fi
}
stage linear
for r in auto source own pooled ridge; do
    rung "${r/auto/linear}" train-dlinear -q --source "$work/source.weft" --transfer $r --by "$by" "${linear[@]}" --log "$work/$r.log" -i "$work/target.weft"
done
adda=(train-adda -q --source "$work/source.weft" --target "$work/target.weft")
stage networks
if [ "$train_options" != none ]; then
    rung none "${adda[@]}" "${train[@]}" --epochs 0
    if [ -e "$work/none.safetensors" ]; then
        rung ADDA "${adda[@]}" "${train[@]}" --pretrained "$work/none.safetensors"
        rung reconstruct "${adda[@]}" "${train[@]}" --pretrained "$work/none.safetensors" --reconstruct 1
    fi
fi

errors() { # PART: model, channel, group, windows x steps, MSE in scaled units
    score -q -m "$(IFS=,; echo "${models[*]}")" --part "$1" -i "$work/target.weft" | evaluate -q --scaled --by "$by" --format csv -o "$work/errors" ||
        culprit "score evaluate" "${PIPESTATUS[@]}"
    csv_plain "$work/errors" |
        awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { print $(at["model"]), $(at["channel"]), $(at["name"]), $(at["n"]), $(at["mse"]) }'
}
stage measure
errors valid >"$work/valid.csv"
errors test >"$work/test.csv"

# A group without a validation window has the linear choice. A network's ratio to it is that of the group, drawn half way to that of all groups: by its own alone, each of
# 53 groups found a network that it liked for one season, and lost 9% by it on the test part of the generated shop.
awk -F, -v OFS=, -v names="${names[*]}" -v margin="$margin" '
    FILENAME ~ /\/valid\.csv$/ { mse[$1, $2, $3] = $5; sum[$1, $2] += $4 * $5; next }
    $1 == "linear" { groups[++n] = $2 SUBSEP $3 }
    END {
        m = split(names, name, " ")
        printf "channel,name"; for (i = 1; i <= m; i++) printf ",%s", name[i]; print ",chosen"
        for (g = 1; g <= n; g++) {
            split(groups[g], p, SUBSEP)
            chosen = "linear"
            row = p[1] OFS p[2]
            least = 1 - margin
            linear = mse["linear", p[1], p[2]] * sum["linear", p[1]]
            for (i = 1; i <= m; i++) {
                e = mse[name[i], p[1], p[2]]
                row = row OFS e
                if (name[i] ~ /^(none|ADDA|reconstruct)$/ && linear > 0 && e != "" && (ratio = sqrt(e * sum[name[i], p[1]] / linear)) < least) {
                    least = ratio
                    chosen = name[i]
                }
            }
            print row, chosen
        }
    }' "$work/valid.csv" "$work/test.csv" >"$work/choice"

# The next steps, each group by its model.
stage forecast
score -q -m "$(IFS=,; echo "${models[*]}")" -i "$work/target.weft" | frames csv | csv_plain >"$work/all" || culprit "score frames awk" "${PIPESTATUS[@]}"
awk -F, -v by="$by" '
    FILENAME ~ /\/choice$/ { chosen[$1, $2] = $NF; next }
    FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print; next }
    $(at["model"]) == chosen[$(at["channel"]), by == "all" ? "all" : $(at[by])]' "$work/choice" "$work/all" >"$work/forecasts"
csv_whole "$work/choice" >"$work/choice.csv"
csv_whole "$work/forecasts" >"$work/forecasts.csv"

# A mean over groups weighs each by its windows, as the mean over windows does.
{
    echo "MSE (scaled) by $by, $source -> $target, $lookback -> $horizon steps${from:+, target from $from}"
    awk -F, -v names="${names[*]}" '
        FILENAME ~ /\/choice$/ { if (FNR > 1) { chosen[$1, $2] = $NF; count[$NF]++; groups++ } next }
        { part = FILENAME ~ /\/valid\.csv$/ ? 1 : 2; n[$1, part] += $4; sum[$1, part] += $4 * $5
          if ($1 == chosen[$2, $3]) { n["ladder", part] += $4; sum["ladder", part] += $4 * $5 } }
        function show(name, part) { return n[name, part] ? sprintf("%.4f", sum[name, part] / n[name, part]) : "-" }
        END { printf "%-14s %12s %12s %10s\n", "", "validation", "test", "groups"
              m = split(names " ladder", name, " ")
              for (i = 1; i <= m; i++)
                  printf "%-14s %12s %12s %10s\n", name[i], show(name[i], 1), show(name[i], 2), name[i] == "ladder" ? groups : count[name[i]] + 0 }' \
        "$work/choice" "$work/valid.csv" "$work/test.csv"
    awk -F'"rung":"' '{ split($2, p, "\""); count[p[1]]++ } END { printf "linear is"; for (r in count) print " " r, count[r] | "sort"; close("sort") }' "$work/auto.log" | paste -s -d,  | sed 's/is,/is/'
} >"$work/table.txt"

serving=()
for name in $(awk -F, 'NR > 1 { print $NF }' "$work/choice" | sort -u); do
    serving+=("$name.safetensors")
done
without=()
for name in linear source own pooled ridge none ADDA reconstruct; do
    [[ " ${serving[*]} " == *" $name.safetensors "* ]] || without+=("$name.safetensors")
done
deliver "$out" table.txt choice.csv forecasts.csv "${serving[@]}" --without "${without[@]}"
cat "$work/table.txt"
