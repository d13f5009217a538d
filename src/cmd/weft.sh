#!/bin/sh
# weft - one command for all programs and pipelines of the suite: `weft ingest ...` runs ingest, `weft forecast ...` runs pipelines/forecast.sh, `weft help ingest`
# opens its manual page. A pipeline that is executable is a command; the others are parts of these.
libexec=@LIBEXEC@
share=@SHARE@
version=@VERSION@

# A line each. A program says in --help "NAME - what it does", below its usage; a pipeline in its second line.
programs() {
    for p in "$libexec"/*; do
        "$p" --help | awk -v name="${p##*/}" '
            index($0, name " - ") == 1 { said = substr($0, length(name) + 4); next }
            said != "" && NF { said = said " " $0 }
            said != "" && !NF { printf "  %-14s %s\n", name, said; exit }'
    done
}
commands() {
    for p in "$share"/pipelines/*.sh; do
        [ -x "$p" ] || continue
        p=${p##*/}
        awk -v name="${p%.sh}" 'NR == 2 { sub(/^# [^ ]+ - /, ""); sub(/\.$/, ""); printf "  %-14s %s\n", name, $0; exit }' "$share/pipelines/$p"
    done
}

# no_such NAME: neither a program nor a pipeline.
no_such() {
    echo "weft: no program and no pipeline \"$1\"; \`weft --help\` lists them" >&2
    exit 64
}

# The file of a program or a pipeline.
find_command() {
    case "$1" in */*) no_such "$1" ;; esac
    file=$libexec/$1 pipeline=
    [ ! -x "$file" ] || return 0
    file=$share/pipelines/$1.sh pipeline=yes
    [ -x "$file" ] || no_such "$1"
}

case "${1:-}" in
'' | -h | --help)
    cat <<EOF
usage: weft PIPELINE [OPTION...]     runs a whole flow, from a table to results
       weft PROGRAM [OPTION...]      runs a program; programs read and write streams, so put them in pipes
       weft help NAME                opens the manual page of a program, or says what a pipeline does
       weft help exit                says what exit statuses mean
       weft pipelines                lists the files of the pipelines, to copy from

Forecasts demand: CSV of daily sales to forecasts and ranked categories.

Pipelines:
EOF
    commands
    printf '\nPrograms:\n'
    programs
    cat <<EOF

Examples:
  weft forecast sales.csv
  weft ingest sales.csv | weft window --lookback 28 --horizon 14 | weft train-dlinear -o model.safetensors
  weft ingest sales.csv | weft score -m model.safetensors | weft rank
EOF
    ;;
-V | --version) echo "weft $version" ;;
pipelines) ls "$share/pipelines"/*.sh ;;
help)
    [ -n "${2:-}" ] || exec "$0" --help
    page=$share/man/$2.1
    [ "$2" != exit ] || page=$share/man/weft-exit.1
    [ "$2" = exit ] || find_command "$2"
    [ -z "${pipeline:-}" ] || exec "$0" "$2" --help
    command -v man >/dev/null && [ -e "$page" ] && exec man -l "$page"
    command -v mandoc >/dev/null && [ -e "$page" ] && exec mandoc "$page"
    [ "$2" != exit ] || exec sed -n 's/^\.It //p; s/^[A-Z0-9][a-z].*/    &/p' "$page"
    exec "$libexec/$2" --help
    ;;
*)
    find_command "$1"
    name=$1
    shift
    PATH=$libexec:$PATH # for programs that start others: pipelines, work, backtest --refit
    export PATH
    [ -n "$pipeline" ] || exec "$file" "$@"
    case "${1:-}" in
    -h | --help) "$file" --help | sed "s|$name\.sh|weft $name|g" ;;
    *) WEFT_CALLED="weft $name" WEFT_BIN=$libexec exec "$file" "$@" ;;
    esac
    ;;
esac
