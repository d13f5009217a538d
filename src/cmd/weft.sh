#!/bin/sh
# weft - one command for all programs and pipelines of the suite: `weft ingest ...` runs ingest, `weft forecast ...` runs pipelines/forecast.sh, `weft help ingest`
# opens its manual page. A pipeline that is executable is a command; the others are parts of these. bin/weft of the tree does the same before anything is installed.
libexec=@LIBEXEC@
share=@SHARE@
man=@MAN@
version=@VERSION@

# A line each. A program says in --help "NAME - what it does", below its usage; a pipeline in its second line.
programs() {
    for p in "$libexec"/*; do
        [ "${p##*/}" != weft ] || continue
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
    case "$1" in */* | weft) no_such "$1" ;; esac
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
       weft help exit                says what exit statuses mean; weft help stream: what streams are made of
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
    case "$2" in
    exit) page=$man/man1/weft-exit.1 ;;
    stream) page=$man/man5/weft-stream.5 ;;
    *) find_command "$2"; page=$man/man1/weft-$2.1 ;;
    esac
    [ -e "$page" ] || page=$page.gz # as packages have them
    [ ! -e "$page" ] || ! command -v man >/dev/null || exec man -l "$page"
    [ ! -e "$page" ] || ! command -v mandoc >/dev/null || exec mandoc "$page"
    case "$2" in
    # Without a program that lays pages out: their text, less the marks.
    exit | stream) gzip -cdf <"$page" | sed -n 's/^\.It //p; s/^\.Sh //p; s/^[^.]/    &/p' ;;
    *) exec "$0" "$2" --help ;;
    esac
    ;;
*)
    find_command "$1"
    name=$1
    shift
    PATH=$libexec:$PATH # for programs that start others: pipelines, work, backtest --refit
    export PATH
    [ -n "$pipeline" ] || exec "$file" "$@"
    WEFT_CALLED="weft $name" WEFT_BIN=$libexec exec "$file" "$@"
    ;;
esac
