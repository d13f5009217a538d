#!/usr/bin/env bash
# compare_demand.sh DIR - train-demand beside its PyTorch twin on real clothes: the same products held out, the same epochs, several seeds each.
#
# DIR has products.csv (id, name, gender, usage, image) and images/. EPOCHS=30 SIZE=64 SEEDS="1 2 3" THREADS=2 PRECISIONS="f32 bf16" change what is run.
# Prints CSV: program, inputs, seed, label, accuracy, macro_f1, seconds.
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

weft() { # PRECISION INPUTS SEED OPTION...
    local began=$SECONDS
    train-demand -q --inputs none --heads "$heads" --epochs "$epochs" --image-size "$size" --threads "$threads" --precision "$1" --seed "$3" "${@:4}" \
        -i "$work/products.weft" -o "$work/m.st"
    score -q -m m="$work/m.st" --part valid -i "$work/products.weft" | evaluate -q --format csv |
        awk -F, -v who="weft-$1,$2,$3" -v t=$((SECONDS - began)) 'NR > 1 { printf "%s,%s,%.4f,%.4f,%d\n", who, $1, $5, $6, t }'
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
        done
        torch $inputs "$seed" "${leave[@]}"
    done
done
