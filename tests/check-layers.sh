#!/usr/bin/env bash
# check-layers.sh [DIR]: proves from the includes that no arrow points the wrong way, and that one file alone knows each foreign library.
set -uo pipefail
cd "${1:-$(dirname "$0")/..}"

# What each layer may include beside its own headers.
declare -A may=(
    [base]="" [frame]="base" [time]="base" [text]="base" [image]="base" [nn]="base"
    [record]="base frame time" [model]="base nn"
    [ingest]="base frame time text record"
    [train]="base frame image nn record model"
    [cmd]="base frame time text image nn record model ingest train"
)
# The one file that may include a library's header.
declare -A home=(
    [zmq.h]=src/frame/zmq.c [csv.h]=src/text/csv.c [cblas.h]=src/nn/blas.c [lapacke.h]=src/nn/blas.c [dnnl.h]=src/nn/dnn.c
    [oneapi/dnnl/dnnl.h]=src/nn/dnn.c [jansson.h]=src/base/json.c [msgpack.h]=src/frame/pack.c [utf8proc.h]=src/text/unicode.c
)
bad=0
say() {
    echo "check-layers: $*"
    bad=1
}

# The layer of include/weft/NAME.h: where NAME.c is, or, for a header of several files, where the file is that includes it first.
declare -A layer
for f in src/*/*.c; do
    l=$(basename "$(dirname "$f")")
    [ -n "${may[$l]+x}" ] || say "$f: no layer is called $l"
    layer[$(basename "$f" .c).h]=$l
done
for h in include/weft/*.h; do
    name=$(basename "$h")
    [ -n "${layer[$name]+x}" ] && [ "${layer[$name]}" != cmd ] && continue
    first=$(grep -lE "^#include \"weft/$name\"" src/*/*.c | grep -v '^src/cmd/' | while read -r f; do
        [ "$(grep -m1 -E '^#include "weft/' "$f")" = "#include \"weft/$name\"" ] && dirname "$f"
    done | sort -u | head -n 1)
    case "$first" in
    "") case "$name" in
        ingest.h) layer[$name]=ingest ;;
        socket.h) layer[$name]=frame ;;
        cpu.h) layer[$name]=base ;;
        *) say "$h belongs to no source file" ;;
        esac ;;
    *) layer[$name]=$(basename "$first") ;;
    esac
done

while IFS=: read -r file line include; do
    l=$(basename "$(dirname "$file")")
    name=${include##*weft/}
    name=${name%\"*}
    to=${layer[$name]:-}
    [ -n "$to" ] || { say "$file:$line: no header weft/$name"; continue; }
    [ "$to" = "$l" ] && continue
    [[ " ${may[$l]} " == *" $to "* ]] || say "$file:$line: $l may not include $to (weft/$name)"
done < <(grep -nE '^#include "weft/' src/*/*.c)

for h in include/weft/*.h; do
    from=${layer[$(basename "$h")]:-}
    while IFS=: read -r line include; do
        name=${include##*weft/}
        name=${name%\"*}
        to=${layer[$name]:-}
        [ -z "$to" ] || [ "$to" = "$from" ] || [[ " ${may[$from]:-} " == *" $to "* ]] || say "$h:$line: $from may not include $to (weft/$name)"
    done < <(grep -nE '^#include "weft/' "$h")
done

for lib in "${!home[@]}"; do
    while read -r f; do
        say "$f includes <$lib>, which belongs to ${home[$lib]}"
    done < <(grep -lE "^#include <$lib>" src/*/*.c include/weft/*.h | grep -vx "${home[$lib]}")
done
exit $bad
