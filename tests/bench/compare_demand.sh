#!/usr/bin/env bash
# compare_demand.sh DIR - train-demand beside its PyTorch twin on real clothes: the same products held out, the same epochs, several seeds each.
#
# DIR has products.csv (id, name, gender, usage, image) and images/. EPOCHS=30 SIZE=64 SEEDS="1 2 3" THREADS=2 PRECISIONS="f32 bf16" change what is run.
# Prints CSV: program, inputs, seed, label, accuracy, macro_f1, seconds; and at the end, on stderr, the means over the seeds as a table. "neighbours" are the
# ten nearest by cosine, on what the network trained on images makes of an image, and on the name.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
PATH=${BIN:-$here/../../bin}:$PATH
data=${1:?which directory?}
heads=gender:ce,usage:focal epochs=${EPOCHS:-30} size=${SIZE:-64} threads=${THREADS:-2}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ingest -q --layout products --label gender,usage "$data/products.csv" | embed-text -q --hash 512 -o "$work/products.weft"
frames show "$work/products.weft" >"$work/products.jsonl"
# Who is held out depends on the ids alone: a quick training tells.
train-demand -q --no-image --inputs none --heads "$heads" --epochs 1 -i "$work/products.weft" -o "$work/m.st"
score -q -m "$work/m.st" --part valid -i "$work/products.weft" | frames csv -o "$work/valid.csv"

measure() { # WHO PRODUCTS BEGAN
    score -q -m m="$work/m.st" --part valid -i "$2" | evaluate -q --format csv |
        awk -F, -v who="$1" -v t=$((SECONDS - $3)) 'NR > 1 { printf "%s,%s,%.4f,%.4f,%d\n", who, $1, $5, $6, t }'
}
weft() { # PRECISION INPUTS SEED OPTION...
    local began=$SECONDS
    train-demand -q --inputs none --heads "$heads" --epochs "$epochs" --image-size "$size" --threads "$threads" --precision "$1" --seed "$3" "${@:4}" \
        -i "$work/products.weft" -o "$work/m.st"
    measure "weft-$1,$2,$3" "$work/products.weft" $began
}
neighbours() { # SEED; with the network that weft left
    local began=$SECONDS
    encode-image -q -m "$work/m.st" --image-size "$size" -i "$work/products.weft" -o "$work/encoded.weft"
    train-demand -q --neighbours 10 --heads "$heads" -i "$work/encoded.weft" -o "$work/m.st"
    measure "neighbours,both,$1" "$work/encoded.weft" $began
}
torch() { # INPUTS SEED OPTION...
    local began=$SECONDS
    "$here/torch_demand.py" --valid "$work/valid.csv" --heads "$heads" --epochs "$epochs" --image-size "$size" --threads "$threads" --seed "$2" "${@:3}" \
        <"$work/products.jsonl" >"$work/torch.csv"
    awk -F, -v who="torch,$1,$2" -v t=$((SECONDS - began)) '{ printf "%s,%s,%s,%s,%d\n", who, $1, $3, $4, t }' "$work/torch.csv"
}

echo program,inputs,seed,label,accuracy,macro_f1,seconds
for seed in ${SEEDS:-1 2 3}; do
    for inputs in name image both; do
        leave=()
        [ $inputs != name ] || leave=(--no-image)
        [ $inputs != image ] || leave=(--no-name)
        for precision in ${PRECISIONS:-f32 bf16}; do
            [ $inputs = name ] && [ "$precision" = bf16 ] || weft "$precision" $inputs "$seed" "${leave[@]}"
            [ $inputs$precision != imagef32 ] || neighbours "$seed"
        done
        torch $inputs "$seed" "${leave[@]}"
    done
done | tee "$work/rows.csv"
awk -F, '
    !(($1, $2) in seen) { seen[$1, $2]; row[++rows] = $1 FS $2 }
    !($4 in label) { label[$4]; name[++labels] = $4 }
    { n[$1, $2, $4]++; accuracy[$1, $2, $4] += $5; f1[$1, $2, $4] += $6 }
    END {
        printf "%-12s%-8s", "program", "inputs"; for (l = 1; l <= labels; l++) printf "%20s", name[l]; print ""
        for (r = 1; r <= rows; r++) {
            split(row[r], at, FS)
            printf "%-12s%-8s", at[1], at[2]
            for (l = 1; l <= labels; l++) {
                k = at[1] SUBSEP at[2] SUBSEP name[l]
                printf "%20s", sprintf("%.1f%% (F1 %.1f)", 100 * accuracy[k] / n[k], 100 * f1[k] / n[k])
            }
            print ""
        }
    }' "$work/rows.csv" >&2
