#!/bin/sh
# weft - one command for all programs of the suite: `weft ingest ...` runs ingest, `weft help ingest` opens its manual page.
libexec=@LIBEXEC@
share=@SHARE@
version=@VERSION@

list() {
    for p in "$libexec"/*; do
        "$p" --help | sed -n '3{s/ - /\t/;p;}'
    done | awk -F'\t' '{ printf "  %-14s %s\n", $1, $2 }'
}

case "${1:-}" in
'' | -h | --help)
    cat <<EOF
usage: weft PROGRAM [OPTION...]      runs a program; programs read and write streams, so put them in pipes
       weft help PROGRAM             opens its manual page
       weft pipelines                lists whole flows to run or to copy from

Forecasts demand: CSV of daily sales to forecasts and ranked categories.

Programs:
EOF
    list
    cat <<EOF

Example:
  weft ingest sales.csv | weft window --lookback 28 --horizon 14 | weft train-dlinear -o model.safetensors
  weft ingest sales.csv | weft score -m model.safetensors | weft rank
EOF
    ;;
-V | --version) echo "weft $version" ;;
pipelines) ls "$share/pipelines"/*.sh ;;
help)
    [ -n "${2:-}" ] || exec "$0" --help
    if [ ! -x "$libexec/$2" ]; then
        echo "weft: no program \"$2\"; \`weft --help\` lists them" >&2
        exit 64
    fi
    page=$share/man/$2.1
    command -v man >/dev/null && [ -e "$page" ] && exec man -l "$page"
    command -v mandoc >/dev/null && [ -e "$page" ] && exec mandoc "$page"
    exec "$libexec/$2" --help
    ;;
*)
    if [ ! -x "$libexec/$1" ] || [ -z "${1##*/*}" ]; then
        echo "weft: no program \"$1\"; \`weft --help\` lists them" >&2
        exit 64
    fi
    program=$1
    shift
    PATH=$libexec:$PATH # for programs that start others: work, backtest --refit
    export PATH
    exec "$libexec/$program" "$@"
    ;;
esac
