#!/usr/bin/env bash
# rossmann.sh [TABLE] - daily sales of 120 shops with opening days, promotions and school holidays known ahead (Rossmann Store Sales): horizon 28 from T - 84, T - 56
# and T - 28, and from T - 224, T - 168 and T - 112, which no choice ever saw: the main recipe (weft forecast) on the table as it was known at each origin, and the
# same without the channels. Prints WAPE pooled over shops and origins, and which channels the recipe used.
# TABLE: CSV or .csv.gz with date,store,type,...,sales,open,promo,school. Says "skipped" when it is not there. BIN as make sets it; LOOKBACK: the recipe's own when
# it is empty.
# Exit status 1 when the WAPE with the channels is above .108 from the first three.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
table=${1:-${ROSSMANN:-$root/data/rossmann/sales.csv.gz}} lookback=${LOOKBACK:-}
PATH=${BIN:-$root/bin}:$PATH
[ -e "$table" ] || { echo "skipped: no $table"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A sale before a closed day is another one than before an open day: opening and promotion of the day before and of the day after stand beside those of the day.
known=open,promo,school,open_before,open_after,promo_before,promo_after
case $table in *.gz) zcat "$table" ;; *) cat "$table" ;; esac >"$work/table.csv"
{
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; print "date,store,sales,open,promo,school,open_before,open_after,promo_before,promo_after" > "/dev/stderr"; next }
        { print $c["store"] "," $c["date"] "," $c["sales"] "," $c["open"] "," $c["promo"] "," $c["school"] }' "$work/table.csv" 2>"$work/head" | LC_ALL=C sort |
        awk -F, '{ for (i = 1; i <= 6; i++) f[NR, i] = $i }
            END { for (r = 1; r <= NR; r++) {
                b = r > 1 && f[r - 1, 1] == f[r, 1] ? r - 1 : r; a = r < NR && f[r + 1, 1] == f[r, 1] ? r + 1 : r
                print f[r, 2] "," f[r, 1] "," f[r, 3] "," f[r, 4] "," f[r, 5] "," f[r, 6] "," f[b, 4] "," f[a, 4] "," f[b, 5] "," f[a, 5] } }' >"$work/rows"
    cat "$work/head" "$work/rows"
} >"$work/known.csv"
last=$(cut -d, -f1 "$work/rows" | LC_ALL=C sort | tail -n 1)

# recipe_from DAY VALUES FUTURE: forecasts.csv of the recipe from what was known on the evening of a day: sales until then, the plan 28 days on.
recipe_from() (
    local plan
    WEFT_BIN=${BIN:-$root/bin}
    . "$root/pipelines/lib.sh"
    . "$root/pipelines/recipe.sh"
    stage() { :; }
    awk -F, -v OFS=, -v day="$1" -v end="$(date -u -d "$1 28 days" +%F)" 'NR > 1 && $1 > end { next } NR > 1 && $1 > day { $3 = "" } 1' "$work/known.csv" >"$work/then.csv"
    rm -f "$work/series.weft" "$work/train.log"
    if [ -n "$3" ]; then plan=(--future "$3"); else plan=(--to "$1"); fi
    ingest -q --layout long --id store --value "$2" "${plan[@]}" "$work/then.csv" -o "$work/series.weft"
    recipe_defaults
    by=id horizon=28 lookback=$lookback_asked measure=no
    recipe
    echo "lookback $lookback, scale $scale, level $level"
    recipe_channels
)

# measure ORIGIN...: with the channels and without, pooled.
measure() {
    local day how lookback_asked=$lookback
    : >"$work/all.csv"
    for day in "$@"; do
        recipe_from "$day" "sales,$known" "$known" >"$work/used"
        sed 's/^/with,/' "$work/forecasts.csv" >>"$work/all.csv"
        sed "s/^/  from $day: /" "$work/used"
        recipe_from "$day" sales '' >/dev/null
        sed 's/^/without,/' "$work/forecasts.csv" >>"$work/all.csv"
    done
    awk -F, 'NR == FNR { sold[$2, $1] = $3; next } $2 == "id" { for (i = 1; i <= NF; i++) c[$i] = i; next }
        { a = sold[$c["id"], $c["date"]]; e = $c["forecast"] - a; error[$1] += e < 0 ? -e : e; actual[$1] += a; bias[$1] += e; n[$1]++ }
        END { printf "%-20s %8s %10s %8s\n", "recipe", "WAPE", "bias", "days"
            for (m in n) printf "%-20s %8.4f %10.2f %8d\n", m, error[m] / actual[m], bias[m] / n[m], n[m]
            got = error["with"] / actual["with"]; exit !(got > 0 && got <= 0.108) }' "$work/known.csv" "$work/all.csv"
}
before() {
    local days
    for days in "$@"; do date -u -d "$last -$days days" +%F; done
}

# How the model is made was settled with the first three in view; nothing was ever chosen by the other three.
echo "origins T - 84, T - 56, T - 28"
status=0
mapfile -t origins < <(before 84 56 28)
measure "${origins[@]}" || status=1
echo "origins T - 224, T - 168, T - 112"
mapfile -t origins < <(before 224 168 112)
measure "${origins[@]}" || true
exit $status
