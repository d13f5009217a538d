#!/usr/bin/env bash
# get-models.sh - fetches the public weights that embed-text and train-demand begin with, each file checked against the sum that its publisher gives.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

usage() {
    cat <<'T'
usage: get-models.sh [OPTION...] [bert|resnet18|REPOSITORY...]

Fetches models from the Hugging Face hub, says what and how much, and checks every file: weights by the SHA-256 that the hub publishes, small files by their git
object id. Without a name: both.

  bert         google-bert/bert-base-multilingual-cased: config.json, tokenizer_config.json, vocab.txt, model.safetensors (about 715 MB)
  resnet18     timm/resnet18.tv_in1k: torchvision's ResNet18 IMAGENET1K_V1; config.json, model.safetensors (about 47 MB)
  REPOSITORY   any other OWNER/NAME with a model.safetensors of these kinds

  -o, --output DIR     a directory for each model is made in it (default: models)
      --revision ID    a branch, tag or commit (default: main)
      --sums FILE      SHA256SUMS of an earlier fetch: refuse anything else
  -n, --dry-run        only say what would be fetched
  -h, --help

A model's directory appears whole or not at all, with SHA256SUMS and REVISION. HF_ENDPOINT names another hub or a mirror, HF_TOKEN is sent when it is set.

Examples:
  get-models.sh bert && weft ingest --layout products garments.csv | weft embed-text -m models/bert-base-multilingual-cased | weft frames count
  get-models.sh resnet18 && garments.sh --backbone models/resnet18.tv_in1k/model.safetensors garments.csv
T
}

out=models revision=main sums= dry= names=()
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help) help; exit 0 ;;
    -o | --output) out=${2:?}; shift ;;
    --revision) revision=${2:?}; shift ;;
    --sums) sums=$(realpath "${2:?}"); shift ;;
    -n | --dry-run) dry=1 ;;
    bert) names+=(google-bert/bert-base-multilingual-cased) ;;
    resnet18) names+=(timm/resnet18.tv_in1k) ;;
    */*) names+=("$1") ;;
    *) die "neither a model nor an option: $1; see get-models.sh --help" ;;
    esac
    shift
done
[ ${#names[@]} -gt 0 ] || names=(google-bert/bert-base-multilingual-cased timm/resnet18.tv_in1k)
need curl jq
scratch
hub=${HF_ENDPOINT:-https://huggingface.co}

# get URL FILE
get() {
    curl -fL --no-progress-meter --retry 3 --connect-timeout 20 ${HF_TOKEN:+-H "Authorization: Bearer $HF_TOKEN"} -o "$2" "$1" ||
        die "can't fetch $1; HF_ENDPOINT names another hub, HF_TOKEN lets you in where one must be known" 69
}

# list NAME: files.tsv with name, size, kind of sum and sum of each file that we use; commit holds the revision that they belong to.
list() {
    get "$hub/api/models/$1/revision/$revision?blobs=true" "$work/about.json"
    commit=$(jq -er .sha "$work/about.json") || die "$hub says nothing of $1 that can be understood" 65
    jq -er '.siblings[] | select(.rfilename | IN("config.json", "tokenizer_config.json", "vocab.txt", "model.safetensors"))
        | [.rfilename, .size, if .lfs then "sha256", .lfs.sha256 else "git", .blobId end] | @tsv' "$work/about.json" >"$work/files.tsv" ||
        die "$1 has no file that we know how to use" 65
    grep -q '^model.safetensors' "$work/files.tsv" || die "$1 has no model.safetensors" 65
}

# holds FILE KIND SUM: a git object id is the SHA-1 of a header and the content.
holds() {
    case $2 in
    sha256) [ "$(sha256sum <"$1")" = "$3  -" ] ;;
    git) [ "$({ printf 'blob %s\0' "$(stat -c %s "$1")"; cat "$1"; } | sha1sum)" = "$3  -" ] ;;
    esac
}

for name in "${names[@]}"; do
    dir=${name#*/}
    [ ! -e "$out/$dir" ] || { echo "$out/$dir is there already"; continue; }
    list "$name"
    echo "$name at $commit: $(awk -F'\t' '{ n++; s += $2 } END { printf "%d files, %.1f MB", n, s / 1e6 }' "$work/files.tsv") into $out/$dir"
    [ -z "$dry" ] || continue
    mkdir -p "$out"
    stage=$out/$dir.part
    rm -rf "$stage"
    mkdir "$stage" || die "can't create $stage" 73
    while IFS=$'\t' read -r file size kind sum; do
        echo "  $file"
        get "$hub/$name/resolve/$commit/$file" "$stage/$file"
        holds "$stage/$file" "$kind" "$sum" || die "$file is not what $hub says it is ($(stat -c %s "$stage/$file") bytes of $size); nothing was kept" 65
    done <"$work/files.tsv"
    echo "$commit" >"$stage/REVISION"
    (cd "$stage" && sha256sum ./*.* >SHA256SUMS)
    [ -z "$sums" ] || (cd "$stage" && sha256sum --quiet -c "$sums") >&2 || die "$name is not the one of $sums; nothing was kept" 65
    sync "$stage"/*
    mv -T "$stage" "$out/$dir"
done
