#!/usr/bin/env bash
# compare_tables.sh - garments of the generator without their photos: the default, network and linear head alone, ten nearest, the paper's recipe, beside
# lookups and scikit-learn's logistic and ridge regression on character n-grams; measured on garments that no model has seen.
#
# Random: another table of the same law. By brand: a quarter of the brands, which are not in the table that is learned from. SEEDS="1 2 3 4 5" N=1500. Prints
# means and standard errors of the differences from the default (positive: the default is ahead).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
PATH=${BIN:-$here/../../bin}:$PATH
garments=${BUILD:-$here/../../build/release}/gen/garments python=${PYTHON:-/usr/bin/python3} n=${N:-1500}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

table() { # CSV STREAM
    ingest -q "$1" 2>/dev/null | embed-text -q --hash 512 | frames cat -q -o "$2" 2>/dev/null
}
measure() { # SPLIT SEED OPTION...
    local m models=
    for m in default network linear nearest paper; do
        local more=(--no-image)
        case $m in
        network) more+=(--no-linear) ;;
        linear) more+=(--no-network) ;;
        paper) more+=(--recipe paper) ;;
        nearest) more=(--neighbours 10) ;;
        esac
        train-demand -q "${more[@]}" "${@:3}" --seed "$2" -i "$work/train.weft" -o "$work/$m.st" 2>/dev/null
        score -q -m "$work/$m.st" -i "$work/test.weft" -o "$work/$m.dem"
        # Scaled errors are of medians, which evaluate knows; the predicted column has means.
        frames csv "$work/$m.dem" | awk -F, -v e="$(evaluate -q --format csv -i "$work/$m.dem" | awk -F, '$8 != "" && NR > 1 { printf "%s=%s ", $1, $8 }')" '
            BEGIN { n = split(e, at, /[ =]/); for (i = 1; i + 1 <= n; i += 2) { head = head ",mse." at[i]; row = row "," at[i + 1] } }
            { print $0 (NR == 1 ? head : row) }' >"$work/$m.csv"
        models="$models $m=$work/$m.csv"
    done
    score -q -m "$work/default.st" -i "$work/train.weft" | frames csv >"$work/train.csv"
    "$python" "$here/compare_tables.py" "$work/train.csv" "$work/default.csv" $models | sed "s/^/$1,$2,/"
}

for seed in ${SEEDS:-1 2 3 4 5}; do
    "$garments" "$work/a" "$n" "$seed"
    "$garments" "$work/b" "$n" "$((seed + 100))"
    rm -rf "$work"/[ab]/images
    table "$work/a/garments.csv" "$work/train.weft"
    sed '2,$s/^/new-/' "$work/b/garments.csv" >"$work/new.csv"
    table "$work/new.csv" "$work/test.weft"
    measure random "$seed"
    # Brands by their place in the table: every fourth one, other ones for every seed.
    awk -F, -v s="$seed" -v t="$work" 'NR == 1 { print >(t "/known.csv"); print >(t "/unknown.csv"); next }
        { brand = $6; if (!(brand in number)) number[brand] = ++k; print >(t (number[brand] % 4 == s % 4 ? "/unknown.csv" : "/known.csv")) }' "$work/a/garments.csv"
    table "$work/known.csv" "$work/train.weft"
    table "$work/unknown.csv" "$work/test.weft"
    LEAVE=brand measure brand "$seed" --valid-by brand
done | tee "${OUT:-/dev/null}" | awk -F, '
    { v[$1, $3, $4, $2] = $5; split_[$1]; model[$3]; label[$4]; seeds[$2]; if ($6 != "") { bias[$1, $3, $4] += $6; bn[$1, $3, $4]++ } if ($7 != "") { cov[$1, $3, $4] += $7; cn[$1, $3, $4]++ } }
    END { for (s in split_) for (m in model) for (l in label) {
        k = 0; sum = d = dd = 0
        for (i in seeds) if ((s, m, l, i) in v) { k++; sum += v[s, m, l, i]; x = (v[s, m, l, i] - v[s, "default", l, i]) * (l ~ /gender|age/ ? -1 : 1); d += x; dd += x * x }
        if (!k) continue
        se = k > 1 ? sqrt((dd / k - (d / k) ^ 2) * k / (k - 1) / k) : 0
        printf "%-7s %-7s %-16s %.4f  default ahead by %+.4f (standard error %.4f)", s, l, m, sum / k, d / k, se
        if (bn[s, m, l]) printf "  bias %+.1f%%", 100 * bias[s, m, l] / bn[s, m, l]
        if (cn[s, m, l]) printf "  in 90%%: %.1f%%", 100 * cov[s, m, l] / cn[s, m, l]
        print "" } }' | sort
