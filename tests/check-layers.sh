#!/usr/bin/env bash
# check-layers.sh [DIR | --picture]: proves from the include lines that no arrow points the wrong way, and that one file alone knows each foreign library.
# A header is included as "ROOM/name.h", so the line says which room it reaches into.
set -uo pipefail
picture=
[ "${1:-}" != --picture ] || { picture=1; shift; }
cd "${1:-$(dirname "$0")/..}"

# What each room may reach into beside itself.
declare -A may=(
    [base]="" [frame]="base" [cluster]="base frame" [record]="base frame" [show]="base frame record" [measure]="base frame record show"
    [rank]="base frame record show measure" [report]="base frame record show measure rank"
    [text]="base" [image]="base" [nn]="base" [model]="base nn"
    [order]="base frame record show measure text ingest"
    [ingest]="base frame record show text" [train]="base frame record measure image nn model"
    [apply]="base frame cluster record show measure rank text image nn model order train"
    [cmd]="base frame cluster record show measure rank report text image nn model ingest order train apply"
)
# The one file that may include a library's header.
declare -A home=(
    [zmq.h]=src/frame/zmq.c [csv.h]=src/text/csv.c [cblas.h]=src/nn/blas.c [lapacke.h]=src/nn/blas.c [dnnl.h]=include/weft/nn/onednn.h
    [oneapi/dnnl/dnnl.h]=include/weft/nn/onednn.h [jansson.h]=src/base/json.c [msgpack.h]=src/frame/pack.c [utf8proc.h]=src/text/unicode.c [zlib.h]=src/base/inflate.c
)
# The rooms from the ground up, each with those that it may reach into: what CONTRIBUTING.md shows.
if [ -n "$picture" ]; then
    for room in "${!may[@]}"; do
        # shellcheck disable=SC2086
        set -- ${may[$room]}
        printf '%d %-8s %s\n' $# "$room" "${may[$room]:-nothing}"
    done | sort -k1n -k2 | sed 's/^[0-9]* /    /'
    exit
fi
bad=0
say() {
    echo "check-layers: $*"
    bad=1
}

while IFS=: read -r file line include; do
    from=${file%/*} path=${include#*\"}
    from=${from##*/}
    path=${path%\"*} to=${path%%/*}
    [ "$to" = "$path" ] || [ -e "include/weft/$path" ] || say "$file:$line: no header $path"
    [ -n "${may[$from]+x}" ] || say "$file: no room is called $from"
    [ "$to" = "$path" ] || [ "$to" = "$from" ] || [[ " ${may[$from]:-} " == *" $to "* ]] || say "$file:$line: $from may not include $to ($path)"
done < <(grep -nE '^#include "' src/*/*.[ch] include/weft/*/*.h)

for lib in "${!home[@]}"; do
    while read -r f; do
        say "$f includes <$lib>, which belongs to ${home[$lib]}"
    done < <(grep -lE "^#include <$lib>" src/*/*.[ch] include/weft/*/*.h | grep -vx "${home[$lib]}")
done
exit $bad
