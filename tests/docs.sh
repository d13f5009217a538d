#!/usr/bin/env bash
# docs.sh - runs every command of README.md and docs/*.md as printed, and holds what it prints against what the page shows. TAP.
#
#   tests/docs.sh [FILE.md...]    without arguments all pages, and the examples of every --help
#
# A page has a directory of its own, with nothing but docs/example in it. Its blocks marked ```sh run in order, a command a test. A block marked ```text is what the
# commands above it print: each of its lines must be among their lines, words the same, numbers within two percent (processors round differently); "…" stands for the
# rest of a line. After a line <!-- needs SOMETHING --> or <!-- other hosts --> a block is read, not run: its syntax, the commands of weft that it names and their
# options must be there. Links must lead to files and headings that are there.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
root=$PWD
files=("$@")
[ $# -gt 0 ] || files=(README.md docs/*.md)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# `weft` as an installed one: the same script, with the places of the build.
make -s install PREFIX="$work/usr" >/dev/null || { echo "not ok - make install"; exit 1; }
PATH=$work/usr/bin:$PATH

ok() { echo "ok - $1"; }
not_ok() { # TITLE [FILE]
    echo "not ok - $1"
    [ $# -lt 2 ] || { tail -n 20 "$2" | tr -d '\000-\010\013-\037' | sed 's/^/# /; $a\'; }
}

# blocks FILE: its blocks as files $work/blocks/NNNNN.KIND, NNNNN the line of its first line; kind sh, text or read.
blocks() {
    rm -rf "$work/blocks"
    mkdir "$work/blocks"
    awk -v dir="$work/blocks" '
        /^```/ && inside { inside = 0; next }
        /^```(sh|text)$/ { inside = 1; kind = substr($0, 4); if (kind == "sh" && mark) kind = "read"; mark = 0
                           file = sprintf("%s/%05d.%s", dir, NR + 1, kind); printf "" >file; next }
        /^```/ { inside = 1; file = "/dev/null"; next }
        inside { print >file; next }
        /^<!-- (needs .*|other hosts) -->$/ { mark = 1; next }
        NF { mark = 0 }' "$1"
}

# What is not run: the commands of weft and their long options are there.
read_only() { # TITLE TEXT
    local name words missing=''
    bash -n <<<"$2" 2>"$work/why" || { not_ok "$1" "$work/why"; return; }
    while read -r name words; do
        weft "$name" --help >"$work/help" 2>/dev/null || { missing+=" weft $name"; continue; }
        for word in $words; do
            grep -qE -- "(^|[ ,|[])$word([ ,=|]|\$)" "$work/help" || missing+=" $name $word"
        done
    done < <(grep -oE 'weft [a-z-]+[^|;]*' <<<"$2" | sed 's/^weft //' | awk '{ printf "%s", $1; for (i = 2; i <= NF && $i != "--"; i++) if ($i ~ /^--[a-z]/) { sub(/=.*/, "", $i); printf " %s", $i } print "" }')
    if [ -z "$missing" ]; then ok "$1 (read only)"; else not_ok "$1: there is no$missing"; fi
}

# page FILE
page() {
    local file=$1 block first line command title
    rm -rf "$work/page"
    mkdir "$work/page"
    cp -r docs/example/. "$work/page"
    blocks "$file"
    : >"$work/printed"
    for block in "$work"/blocks/*; do
        [ -e "$block" ] || continue
        first=$(basename "${block%.*}")
        line=$((10#$first))
        case $block in
        *.text)
            if awk -f "$root/tests/printed.awk" "$work/printed" "$block" >"$work/why"; then ok "$file:$line: prints this"; else not_ok "$file:$line: prints something else" "$work/why"; fi
            : >"$work/printed"
            continue ;;
        esac
        command=''
        while IFS= read -r text || [ -n "$text" ]; do
            command+=${command:+$'\n'}$text
            [[ $text == *\\ ]] || ! bash -n <<<"$command" 2>/dev/null || {
                title="$file:$line: ${command%%$'\n'*}"
                case $block in
                *.read) read_only "$title" "$command" ;;
                *)
                    if (cd "$work/page" && bash -o pipefail -c "$command") >"$work/out" 2>&1 </dev/null; then ok "$title"; else not_ok "$title" "$work/out"; fi
                    cat "$work/out" >>"$work/printed" ;;
                esac
                line=$((line + $(grep -c '' <<<"$command")))
                command=''
            }
        done <"$block"
        [ -z "$command" ] || not_ok "$file:$line: no whole command: ${command%%$'\n'*}"
    done
}

# Heading as GitHub makes an anchor of it.
anchors() { sed -n 's/^#\{1,6\} //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^[:alnum:] _-]//g; s/ /-/g'; }

links() {
    local file=$1 target path anchor bad=''
    while read -r target; do
        path=${target%%#*} anchor=''
        [[ $target != *'#'* ]] || anchor=${target#*#}
        path=${path:+$(dirname "$file")/$path}
        path=${path:-$file}
        [ -e "$path" ] || { bad+=" $target"; continue; }
        [ -z "$anchor" ] || anchors "$path" | grep -qxF -- "$anchor" || bad+=" $target"
    done < <(grep -oE '\]\([^) ]+\)' "$file" | sed 's/^](//; s/)$//' | grep -v '^[a-z]*://')
    if [ -z "$bad" ]; then ok "$file: links lead somewhere"; else not_ok "$file: links to nothing:$bad"; fi
}

# What a command reads: words that look like files, but for those that it writes.
reads() {
    tr ' ' '\n' <<<"$1" | tr -d "'\"" | awk '
        skip { skip = 0; next }
        /^(-o|--log|--rejects|--dead-letter|--metrics|--checkpoint|--state|>)$/ { skip = 1; next }
        /^--images$/ { getline; print; next }
        { sub(/^[a-z]+=/, ""); n = split($0, part, ","); for (i = 1; i <= n; i++) { sub(/^[a-z]+=/, "", part[i]); if (part[i] ~ /\.(csv|gz|weft|safetensors|st|forecasts|key|pub)$|\/|tcp:/) print part[i] } }'
}

# The examples of every --help, each for so many seconds at most: those whose files are there run, in a directory that holds docs/example and what the tutorial made of it; others are read.
limit=5
examples() {
    local name command word there
    mkdir "$work/base"
    cp -r docs/example/. "$work/base"
    (
        cd "$work/base" || exit
        weft ingest -q sales.csv -o series.weft
        weft aggregate --by minor --count active,brands -i series.weft -o level.weft
        weft window --lookback 56 --horizon 28 -i level.weft -o windows.weft
        weft train-dlinear -q -i windows.weft -o model.safetensors
        weft score -q -m model.safetensors --quantiles 0.05,0.95 -i level.weft -o forecasts.weft
        weft rank -q --history series.weft --format frames -i forecasts.weft -o ranking.weft
        weft ingest -q --layout products garments.csv | weft embed-text -q --hash 64 -o products.weft
        weft train-demand -q --no-image --epochs 2 -i products.weft -o demand.safetensors
        for l in major minor; do weft aggregate --by $l -i series.weft | weft window --lookback 56 --horizon 28 --scale standard -o $l.weft; done
    ) 2>"$work/why" || { not_ok "help: what the examples stand on" "$work/why"; return; }
    for name in $(weft --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p'); do
        rm -rf "$work/page"
        cp -r "$work/base" "$work/page"
        while IFS= read -r command; do
            there=yes
            for word in $(reads "$command"); do [ -e "$work/page/$word" ] || there=''; done
            if [ -z "$there" ]; then
                read_only "help $name: $command" "$command"
                continue
            fi
            (cd "$work/page" && timeout -k 5 "$limit" bash -o pipefail -c "$command") >"$work/out" 2>&1 </dev/null
            case $? in
            0) ok "help $name: $command" ;;
            124) ok "help $name: $command (ran for $limit s, and would go on)" ;;
            *) not_ok "help $name: $command" "$work/out" ;;
            esac
        done < <(weft "$name" --help 2>/dev/null | sed -n '/^Examples:/,/^$/s/^  //p')
    done
}

for f in "${files[@]}"; do
    page "$f"
    links "$f"
done
[ $# -gt 0 ] || examples
