#!/usr/bin/env bash
# garments.sh - from a table of clothes with photos to what they will do: networks on photo, on name, on both, beside the nearest neighbours; a ranking.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

usage() {
    cat <<'T'
usage: garments.sh [OPTION...] GARMENTS.csv

Trains three networks that say what a garment will do (from its photo, from its name, from both, each with price, gender, number and category), measures them
on held-out garments beside the commonest class or the mean, those of each key ("lookup brand") and the nearest neighbours, and ranks all garments by what the
network that sees both predicts for them.
GARMENTS.csv: one row a garment; columns are found by their names (see weft ingest --help), images lie beside it or in --images.

  -o, --output DIR       where the results go (default: garments)
      --images DIR       where image files are
      --no-image         no photos: what all of the rest says, and beside it the same without names, without keys and numbers, and the linear head alone
      --ingest OPTIONS   further options of ingest, as in --ingest "--label gender,usage"
      --text COMMAND     what makes text_features of names (default: "embed-text --hash 512"; with BERT: "embed-text -m DIR")
      --heads LIST       what is learned (default: gender:ce,age:focal,views:mse,sales:mse)
      --backbone FILE    ResNet18 weights to begin with, and for the neighbours' features (default: random; those that were learned)
      --image-size N     (default 64)
      --epochs N         (default: train-demand's)
      --lr X             (default: train-demand's)
      --train OPTIONS    further options of train-demand, as in --train "--precision bf16 --inputs none"
      --neighbours K     (default 10)
      --top N            garments shown and on the contact sheet (default 24)
      --sort LABEL       the quantity that they are ranked by (default: the last one that is learned)
      --growth FILE      ranking of categories (weft rank --format frames): what is predicted is multiplied with the growth of the category
      --checkpoint DIR   keep what is trained there until the results are written; the same command, given again, goes on where it was
      --progress         stages, seconds and what is left on stderr (default: when that is a terminal)
  -h, --help

Results in DIR: image.safetensors, name.safetensors, both.safetensors, neighbours.safetensors, accuracy.csv, table.txt, log-*.csv, predictions.csv, and where
a quantity is learned ranking.csv, ranking.txt and contact.html (pictures of the top garments and their predictions). They appear together, or not at all.

Examples:
  garments.sh --images photos garments.csv
  garments.sh --ingest "--label gender,usage" --heads gender:ce,usage:focal --train "--inputs none" styles.csv
  garments.sh --image-size 224 --backbone resnet18.safetensors --checkpoint garments.run garments.csv
T
}

out=garments images= photos=1 ingest_options= text="embed-text --hash 512" heads=gender:ce,age:focal,views:mse,sales:mse backbone= size=64 epochs=0 lr=0
train_options= neighbours=10 top=24 sort= growth= checkpoint= table=
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help) help; exit 0 ;;
    -o | --output) out=${2:?}; shift ;;
    --images) images=${2:?}; shift ;;
    --no-image) photos= ;;
    --ingest) ingest_options=${2:?}; shift ;;
    --text) text=${2:?}; shift ;;
    --heads) heads=${2:?}; shift ;;
    --backbone) backbone=${2:?}; shift ;;
    --image-size) size=${2:?}; shift ;;
    --epochs) epochs=${2:?}; shift ;;
    --lr) lr=${2:?}; shift ;;
    --train) train_options=${2:?}; shift ;;
    --neighbours) neighbours=${2:?}; shift ;;
    --top) top=${2:?}; shift ;;
    --sort) sort=${2:?}; shift ;;
    --growth) growth=${2:?}; shift ;;
    --checkpoint) checkpoint=${2:?}; shift ;;
    --progress) progress=yes ;;
    -*) die "unknown option $1; see garments.sh --help" ;;
    *) [ -z "$table" ] || die "one table, please: $table or $1"; table=$1 ;;
    esac
    shift
done
[ -n "$table" ] || die "which table? garments.sh GARMENTS.csv; see garments.sh --help"
need ingest embed-text encode-image train-demand score evaluate frames jq
[ -n "$sort" ] || sort=$(tr ',' '\n' <<<"$heads" | sed -n 's/:mse.*//p' | tail -n 1)
[ -z "$sort" ] || need rank
# What the ranking needs is looked at before the training, not hours later.
[ -z "$sort" ] || [[ ",$heads," == *",$sort:mse"[:,]* ]] || die "--sort $sort: --heads $heads learns no such quantity"
[ -z "$growth" ] || [ -r "$growth" ] || die "can't read $growth" 66
[ -z "$backbone" ] || [ -r "$backbone" ] || die "can't read $backbone" 66
[[ $top =~ ^[1-9][0-9]*$ && $neighbours =~ ^[1-9][0-9]*$ ]] || die "--top $top and --neighbours $neighbours: whole numbers from 1"

split_words --ingest "$ingest_options"
ingest=("${words[@]}")
split_words --text "$text"
embed=("${words[@]}")
split_words --train "$train_options"
train_words=("${words[@]}")
[ "${#embed[@]}" -gt 0 ] || die "--text: which command?"

# train_option NAME: its value among --train's options, or nothing.
train_option() {
    local i value=
    for ((i = 0; i < ${#train_words[@]}; i++)); do
        case "${train_words[i]}" in
        "--$1") value=${train_words[i + 1]:-} ;;
        "--$1="*) value=${train_words[i]#*=} ;;
        esac
    done
    echo "$value"
}
[ -z "$(train_option checkpoint)" ] || die "--train: one checkpoint can't be that of three trainings; garments.sh --checkpoint DIR keeps one of each"
[ -n "$photos" ] || [ -z "$images$backbone" ] || die "--no-image leaves the photos out, and --images or --backbone is for them"
models=(image name both) best=both
shares=(2 45 5 45 10 5 3)
[ -n "$photos" ] || models=(all no-name no-keys linear) best=all shares=(2 30 10 10 5 5 10 3)
scratch

# --- what an earlier run left ---
keep=$work
forget() { # FILE...: those and halves of files that a killed program left
    (cd "$keep" && rm -f "$@" run.part && for m in "${models[@]}"; do rm -f "$m".{state,safetensors}.*.tmp; done)
}
if [ -n "$checkpoint" ]; then
    keep=$checkpoint
    [ "$(realpath -m "$keep")" != "$(realpath -m "$out")" ] || die "--checkpoint $keep: the results go there"
    [ -e "$keep/run" ] || [ -z "$(ls -A "$keep" 2>/dev/null | grep -vxE 'lock|run\.part')" ] || die "$keep is not empty, and no checkpoint of garments.sh" 73
    need flock
    mkdir -p "$keep" || die "can't create $keep" 73
    exec 9>"$keep/lock"
    flock -n 9 || die "another garments.sh is at work in $keep" 75
    forget
    going_on="the same command goes on where it was"
fi

# --- read; names to features ---
stage read
more=()
[ -z "$images" ] || more+=(--images "$images")
ingest --layout products "${ingest[@]}" "${more[@]}" "$table" | "${embed[@]}" -o "$work/products.weft" || culprit "ingest ${embed[0]}" "${PIPESTATUS[@]}"

# --- the networks ---
train=(--heads "$heads" --epochs "$epochs" --lr "$lr")
pictures=(--image-size "$size")
[ -z "$backbone" ] || pictures+=(--backbone "$backbone")
if [ -n "$checkpoint" ]; then
    # All that the models depend on.
    sum() { sha256sum <"$1" | cut -d' ' -f1; }
    printf '%s\n' "products $(sum "$work/products.weft")" "backbone $([ -z "$backbone" ] || sum "$backbone")" "heads $heads" "image-size $size" \
        "epochs $epochs" "lr $lr" "photos ${photos:-none}" "train $train_options" "version $(train-demand --version | tr '\n' ' ')" >"$work/run"
    if [ -e "$keep/run" ]; then
        other=$(comm -3 <(sort "$keep/run") <(sort "$work/run") | awk '{ print $1 }' | sort -u | tr '\n' ' ')
        [ -z "$other" ] || die "$keep is of another run, which differs in: ${other% }; run that one again, or remove $keep to begin anew" 78
    else
        prepare "$work/run" "$keep/run"
        publish "$keep/run"
    fi
fi
learn() { # NAME OPTION...
    local f state=()
    stage "train $1"
    if [ -n "$checkpoint" ]; then
        state=(--checkpoint "$keep/$1.state" --resume)
        for f in "$1.safetensors" "log-$1.csv"; do ln -s "$(realpath "$keep")/$f" "$work/$f"; done
        [ ! -e "$keep/$1.safetensors" ] || return 0 # by an earlier run
    fi
    train-demand "${train[@]}" "${train_words[@]}" "${@:2}" "${state[@]}" --log "$keep/log-$1.csv" -i "$work/products.weft" -o "$keep/$1.safetensors"
}
if [ -n "$photos" ]; then
    learn image --no-name "${pictures[@]}"
    learn name --no-image
    learn both "${pictures[@]}"
else
    learn all --no-image
    learn no-name --no-image --no-name
    learn no-keys --no-image --inputs none
    learn linear --no-image --no-network
fi

# --- the nearest neighbours, by what ResNet18 and the names say ---
# A picture that can't be read has ended the training, unless it was to be missing.
stage neighbours
valid=$(train_option valid) limits=()
for o in max-side max-pixels; do
    [ -z "$(train_option $o)" ] || limits+=("--$o" "$(train_option $o)")
done
if [ -n "$photos" ]; then
    encode-image -m "${backbone:-$work/image.safetensors}" --image-size "$size" --bad-images missing "${limits[@]}" -i "$work/products.weft" -o "$work/encoded.weft"
else
    ln -s products.weft "$work/encoded.weft"
fi
split=(--valid "${valid:-0.2}")
[ -z "$(train_option valid-by)" ] || split+=(--valid-by "$(train_option valid-by)")
[ -z "$(train_option valid-from)" ] || split=(--valid-from "$(train_option valid-from)")
train-demand --neighbours "$neighbours" --heads "$heads" "${split[@]}" -i "$work/encoded.weft" -o "$work/neighbours.safetensors"

# --- predictions for every garment ---
stage predict
score -q -m "$best=$work/$best.safetensors" "${limits[@]}" -i "$work/products.weft" -o "$work/predictions.weft"
frames csv "$work/predictions.weft" -o "$work/predictions.csv"

# --- the table: a row a model, measured on the garments held out ---
stage measure
said=neighbours=$work/neighbours.safetensors
for m in "${models[@]}"; do said+=,$m=$work/$m.safetensors; done
score -m "$said" "${limits[@]}" --part valid -i "$work/encoded.weft" | evaluate --format csv -o "$work/measured.csv" || culprit "score evaluate" "${PIPESTATUS[@]}"
# What a shop would pick without a model stands above: it needs to know what was learned from, which --recipe paper does not keep.
frames show "$work/predictions.weft" | jq -rn --arg columns "$(head -n 1 "$work/measured.csv")" -f "$here/lookups.jq" >"$work/lookups.csv" ||
    culprit "frames jq" "${PIPESTATUS[@]}"
{ head -n 1 "$work/measured.csv" && cat "$work/lookups.csv" && tail -n +2 "$work/measured.csv"; } >"$work/accuracy.csv"
awk -F, '
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    !($at["label"] in seen) { seen[$at["label"]]; label[++labels] = $at["label"] }
    !($at["model"] in row) { row[$at["model"]]; model[++models] = $at["model"] }
    { classes = sprintf("%.1f%% (F1 %.1f)", 100 * $at["accuracy"], 100 * $at["macro_f1"])
      cell[$at["model"], $at["label"]] = $at["accuracy"] != "" ? classes : sprintf("%.4f", $at["mse"])
      n[$at["label"]] = $at["n"] }
    END {
        printf "%-18s", "model"; for (l = 1; l <= labels; l++) printf "%18s", label[l]; print ""
        for (m = 1; m <= models; m++) { printf "%-18s", model[m]; for (l = 1; l <= labels; l++) printf "%18s", cell[model[m], label[l]]; print "" }
        printf "%-18s", "labels"; for (l = 1; l <= labels; l++) printf "%18d", n[label[l]]; print ""
    }' "$work/accuracy.csv" >"$work/table.txt"

# --- what is delivered, and a sheet of those that promise most ---
results=("${models[@]/%/.safetensors}" neighbours.safetensors accuracy.csv table.txt "${models[@]/#/log-}" predictions.csv)
for i in "${!results[@]}"; do [[ ${results[i]} != log-* ]] || results[i]+=.csv; done
if [ -n "$sort" ]; then
    order=(rank -q --label "$sort" -i "$work/predictions.weft")
    [ -z "$growth" ] || order+=(--growth "$growth")
    "${order[@]}" --format csv -o "$work/ranking.csv"
    "${order[@]}" --top "$top" -o "$work/ranking.txt"
    "${order[@]}" --top "$top" --format json -o "$work/top"
    { frames show "$work/products.weft" && frames show "$work/predictions.weft"; } | jq -rn --slurpfile top "$work/top" --arg sort "$sort" -f "$here/contact.jq" \
        >"$work/contact.html" || culprit "frames jq" "${PIPESTATUS[@]}"
    results+=(ranking.csv ranking.txt contact.html)
fi

deliver "$out" "${results[@]}" --without ranking.csv ranking.txt contact.html
if [ -n "$checkpoint" ]; then
    forget run lock
    for m in "${models[@]}"; do rm -f "$keep/$m".{state,safetensors} "$keep/log-$m.csv"; done
    rmdir "$keep" 2>/dev/null || true
fi

echo "On the garments held out ($([ -n "$(train_option valid-from)$(train_option valid-by)" ] && echo "${split[*]}" || echo "at random, ${split[*]}")): accuracy (macro-F1), or the mean squared error in scaled units:"
cat "$out/table.txt"
echo
if [ -n "$sort" ]; then
    echo "By predicted $sort:"
    head -n 11 "$out/ranking.txt"
    echo
fi
echo "$out: $(cd "$out" && ls | tr '\n' ' ')"
