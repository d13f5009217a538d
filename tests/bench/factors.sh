#!/usr/bin/env bash
# factors.sh DATA [PANEL...] - train-dlinear --factors auto beside --tune, the seasonal naive forecast and boosted trees (trees.py, when python3-xgboost is
# there), on shops of several retailers, at three origins a horizon of 28 days apart, the last a horizon before the end. Everything is chosen before each origin.
# DATA holds rossmann/, retail/ and storeitem/. Prints WAPE pooled over origins and series, bias of the mean, and coverage of 90 % and 80 % intervals. Panels: stores
# (with open, promo and school known ahead), wholesale-items, wholesale-categories, chain-items, chain-stores, chain-pairs; by default all. BIN as make sets it; TREES=0: none;
# BACK="168 112 ..." other origins, in days before the end. Exit status 1 when a panel misses its mark (default origins alone), 0 and "skipped" without DATA.
set -euo pipefail
[ $# -ge 1 ] && [ -d "$1/rossmann" ] || { echo "skipped: factors.sh DATA, with rossmann/, retail/ and storeitem/"; exit 0; }
data=$1; shift
root=$(cd "$(dirname "$0")/../.." && pwd)
PATH=${BIN:-$root/bin}:$PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
horizon=28 valid=84 back=${BACK:-84 56 28}

# table PANEL: date,id,TARGET[,channels] to $work/table.csv; sets target, channels, lookback, mark.
table() {
    channels="" lookback=112 mark=""
    case $1 in
    stores) target=sales channels=open,promo,school mark=.083
        zcat "$data/rossmann/sales.csv.gz" | awk -F, -v OFS=, 'NR == 1 { print "date,id,sales,open,promo,school"; next } { print $1, $2, $5, $6, $7, $8 }' ;;
    wholesale-items) target=units mark=.815
        zcat "$data/retail/daily.csv.gz" | awk -F, -v OFS=, 'NR == FNR { keep[$1] = 1; next } FNR == 1 { print "date,id,units"; next } $2 in keep { print $1, $2, $4 }' "$data/retail/items200.txt" - ;;
    wholesale-categories) target=units mark=.512
        zcat "$data/retail/daily.csv.gz" | awk -F, -v OFS=, 'NR == FNR { keep[$1] = 1; next } FNR == 1 { print "date,id,units"; next } $3 in keep { s[$1 OFS $3] += $4 }
            END { for (k in s) print k, s[k] }' "$data/retail/categories40.txt" - ;;
    chain-*) target=sales lookback=392
        zcat "$data/storeitem/train.csv.gz" | awk -F, -v OFS=, -v what="${1#chain-}" 'NR == 1 { print "date,id,sales"; next } what == "pairs" && $2 > 3 { next }
            { s[$1 OFS (what == "items" ? "i" $3 : what == "stores" ? "s" $2 : "s" $2 "-i" $3)] += $4 } END { for (k in s) print k, s[k] }'
        case $1 in *items) mark=.044 ;; *stores) mark=.017 ;; esac ;;
    *) echo "factors.sh: no panel \"$1\"" >&2; exit 64 ;;
    esac >"$work/table.csv"
}

# One origin: what was known, models, forecasts; a line "who error actual forecast inside90 inside80" each to $work/sums.
origin() {
    local last=$1 days=$2 ahead=$3 first end future=() past="$work/past.csv"
    first=$(date -u -d "$last -$((ahead - 1)) days" +%F)
    end=$(date -u -d "$first +$horizon days" +%F) # with the plan of the day after
    # Sales after the origin are blanked; plans stay.
    # A day without any row just before the origin is one without sales.
    awk -F, -v OFS=, -v first="$first" -v end="$end" -v plan="$channels" -v before="$(date -u -d "$first -1 day" +%F)" '
        NR == 1 { print; next } { id = $2; there = there || $1 == before } $1 >= first { if (plan == "" || $1 > end) next; $3 = "" } 1
        END { if (!there) print before, id, 0 }' "$work/table.csv" >"$past"
    [ -z "$channels" ] || future=(--future "$channels")
    ingest -q --layout long --missing zero --id id --value "$target${channels:+,$channels}" "${future[@]}" "$past" -o "$work/past.weft"
    ingest -q --layout long --missing zero --id id --value "$target${channels:+,$channels}" "${future[@]}" "$work/table.csv" -o "$work/all.weft"
    window -q --lookback "$lookback" --horizon "$horizon" --split "$((days - ahead - valid)),$valid,0" -i "$work/past.weft" -o "$work/windows.weft"
    train-dlinear -q --tune --refit -i "$work/windows.weft" -o "$work/tune.safetensors"
    train-dlinear --factors auto --refit -v -i "$work/windows.weft" -o "$work/factors.safetensors" 2>&1 | grep "factors of" >&2
    score -q -m factors="$work/factors.safetensors",tune="$work/tune.safetensors",seasonal-naive:7 --quantiles 0.05,0.1,0.5,0.9,0.95 -i "$work/past.weft" |
        evaluate -q --actuals "$work/all.weft" --format csv 2>/dev/null | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
            { print $c["model"], $c["mae"] * $c["n"], $c["mae"] / $c["wape"] * $c["n"], $c["bias"] * $c["n"], $c["coverage_90"] * $c["n"], $c["coverage_80"] * $c["n"], $c["n"] }' >>"$work/sums"
    if [ "${TREES:-1}" != 0 ] && /usr/bin/python3 -c 'import xgboost, pandas' 2>/dev/null; then
        echo "trees $(/usr/bin/python3 "$root/tests/bench/trees.py" "$work/table.csv" "$first" "$horizon" "$target") 0 0 0 0" >>"$work/sums"
    fi
}

[ $# -gt 0 ] || set -- stores wholesale-items wholesale-categories chain-items chain-stores chain-pairs
missed=0
printf '%-22s %-18s %8s %8s %8s %8s\n' panel model WAPE "bias %" "in 90 %" "in 80 %"
for panel; do
    table "$panel"
    : >"$work/sums"
    read -r begin last < <(awk -F, 'NR > 1 { if (first == "" || $1 < first) first = $1; if ($1 > last) last = $1 } END { print first, last }' "$work/table.csv")
    days=$(((($(date -u -d "$last" +%s) - $(date -u -d "$begin" +%s)) / 86400) + 1))
    for ahead in $back; do
        origin "$last" "$days" "$ahead"
    done
    awk -v panel="$panel" -v mark="${BACK:+none}${BACK:-$mark}" '
        { e[$1] += $2; a[$1] += $3; b[$1] += $4; in90[$1] += $5; in80[$1] += $6; n[$1] += $7; if (!($1 in seen)) { seen[$1] = 1; order[++k] = $1 } }
        END {
            for (i = 1; i <= k; i++) {
                m = order[i]
                printf "%-22s %-18s %8.4f %8s %8s %8s\n", panel, m, e[m] / a[m], n[m] ? sprintf("%.1f", 100 * b[m] / a[m]) : "", in90[m] ? sprintf("%.1f", 100 * in90[m] / n[m]) : "",
                    in80[m] ? sprintf("%.1f", 100 * in80[m] / n[m]) : ""
            }
            f = e["factors"] / a["factors"]
            if (panel == "chain-pairs" && f > 0.92 * e["tune"] / a["tune"]) exit 1
            if (mark ~ /^\./ && f > mark) exit 1
        }' "$work/sums" || { echo "$panel misses its mark"; missed=1; }
done
exit $missed
