# shellcheck shell=bash
# lib.sh - what the pipelines share. Sourced, with `set -euo pipefail` in force.

# Programs: those beside us in the tree, those that weft installed, or those on PATH.
lib_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for d in "${WEFT_BIN:-}" "$lib_dir/../bin" "$lib_dir/../../../libexec/weft"; do
    if [ -n "$d" ] && [ -x "$d/ingest" ]; then
        PATH=$(cd "$d" && pwd):$PATH
        break
    fi
done

# What the user called: `weft forecast` says so (WEFT_CALLED); usage lines and hints repeat it, and call the other pipelines likewise.
me=${WEFT_CALLED:-${0##*/}}
# The whole command, to be given again.
again=$(printf '%s' "${WEFT_CALLED:-$0}" && { [ $# -eq 0 ] || printf ' %q' "$@"; })
unset WEFT_CALLED

die() {
    echo "$me: ${1//"${0##*/}"/$me}" >&2
    exit "${2:-64}"
}

# help: what usage prints, with the name that the user called.
help() {
    if [ "$me" = "${0##*/}" ]; then
        usage
    else
        usage | sed -E 's/\b([a-z]+(-[a-z]+)*)\.sh\b/weft \1/g'
    fi
}

# split_words OPTION TEXT: the array words has the words of TEXT, split at blanks as backtest --refit does: '...' and "..." keep blanks together, \ makes the next
# character plain (in "..." only before " and \, in '...' nowhere). Nothing is expanded and no shell reads it.
split_words() {
    local text=$2 c next i quote='' word='' open=''
    words=()
    for ((i = 0; i < ${#text}; i++)); do
        c=${text:i:1} next=${text:i+1:1}
        if [ "$c" = \\ ] && [ "$quote" != "'" ] && { [ -z "$quote" ] || [ "$next" = '"' ] || [ "$next" = \\ ]; }; then
            [ -n "$next" ] || die "$1: nothing follows the last \\ in: $text"
            word+=$next open=yes i=$((i + 1))
        elif [ -n "$quote" ]; then
            if [ "$c" = "$quote" ]; then quote=; else word+=$c; fi
        elif [ "$c" = '"' ] || [ "$c" = "'" ]; then
            quote=$c open=yes
        elif [[ $c == [$' \t\n'] ]]; then
            [ -z "$open" ] || words+=("$word")
            word='' open=''
        else
            word+=$c open=yes
        fi
    done
    [ -z "$quote" ] || die "$1: a quote is not closed in: $text"
    [ -z "$open" ] || words+=("$word")
}

# is_stream FILE: its first bytes are those of a stream (a msgpack map with the key "weft"), which no CSV begins with.
is_stream() {
    [ "$(head -c 6 -- "$1" 2>/dev/null | od -An -tx1 | tr -d ' \n' | sed 's/^8.a477656674$/stream/')" = stream ]
}

# need PROGRAM...: 69 when one is not there.
need() {
    local p
    for p in "$@"; do
        command -v "$p" >/dev/null || die "$p is not there; build with make, or set WEFT_BIN" 69
    done
}

# culprit "PROGRAM..." STATUS...: after a pipe that failed, called with its programs and its PIPESTATUS: names the stage that failed by itself, and not
# because a neighbour did (0, 76 and 141), and exits with its status.
culprit() {
    local names s i=0 worst=0 worst_name='' why
    read -r -a names <<<"$1"
    shift
    for s in "$@"; do
        if [ "$s" -ne 0 ] && { [ "$worst" -eq 0 ] || [ "$worst" -eq 76 ] || [ "$worst" -eq 141 ]; }; then
            worst=$s worst_name=${names[i]:-stage $((i + 1))}
        fi
        i=$((i + 1))
    done
    [ "$worst" -ne 0 ] || return 0
    why="ended with status $worst"
    [ "$worst" -le 128 ] || why="was killed by signal $((worst - 128))"
    die "$worst_name $why; no result was written" "$worst"
}

# csv_plain: for awk -F, and others that read lines: commas and line ends inside of quoted fields become \001 and \002; csv_whole puts them back.
csv_plain() {
    awk '{
        line = open ? line "\002" $0 : $0
        n = split(line, part, "\"")
        if (open = n % 2 == 0) next
        out = part[1]
        for (i = 2; i <= n; i++) { if (i % 2 == 0) gsub(/,/, "\001", part[i]); out = out "\"" part[i] }
        print out
    }' "$@"
}
# csv_today FILE: csv_plain with the names that columns have today; results that version 0.1.0 wrote into a state have group and q0.05.
csv_today() {
    csv_plain "$@" | sed '1 { s/^group,/name,/; s/,group,/,name,/; s/,q0\./,q0_/g }'
}
csv_whole() {
    tr '\001\002' ',\n' <"$1"
}

# source_of TABLE: the series of a CSV (the array ingest holds the options that read it), or of a stream that is there already (TABLE or standard input, told by
# its first bytes), are $work/series.weft. A stream in a file is read where it is.
source_of() {
    local first=$work/first
    if [ "$1" = - ]; then
        dd bs=1 count=6 of="$first" 2>"$work/dd" || die "can't read standard input: $(head -n 1 "$work/dd")" 66
        if is_stream "$first"; then
            no_ingest "standard input"
            cat "$first" - | frames cat -o "$work/series.weft" || culprit "cat frames" "${PIPESTATUS[@]}"
        else
            cat "$first" - | ingest "${ingest[@]}" -o "$work/series.weft" || culprit "cat ingest" "${PIPESTATUS[@]}"
        fi
    elif is_stream "$1"; then
        no_ingest "$1"
        ln -s "$(realpath -- "$1")" "$work/series.weft"
    else
        ingest "${ingest[@]}" -o "$work/series.weft" -- "$1"
    fi
}
no_ingest() {
    case "${ingest[*]}" in '' | -q) ;; *) die "$1 is a stream already: --ingest, --amounts and --mentions are for tables in CSV" ;; esac
}

# from_table TABLE OPTION: the option reads the table anew, which neither a stream nor standard input allows.
from_table() {
    if [ "$1" = - ] || is_stream "$1"; then
        die "$2 reads a table in CSV, from a file; of a stream, weft ingest $2 is the place"
    fi
}

# stage NAME: what begins now, on a terminal or with --progress: "forecast: 3/8 train, 12 s, about 20 s left". A pipeline names in shares what each of its stages
# takes of the time, roughly and in any unit; what is left is judged by what the stages so far took, once a twentieth is done.
progress=$([ ! -t 2 ] || echo yes) shares=() stage_number=0 stage_name=''
stage() {
    local i done=0 all=0 left=''
    stage_number=$((stage_number + 1)) stage_name=$1
    for i in "${!shares[@]}"; do
        all=$((all + shares[i]))
        [ "$i" -ge $((stage_number - 1)) ] || done=$((done + shares[i]))
    done
    [ $((20 * done)) -lt "$all" ] || [ "$done" -eq 0 ] || [ "$SECONDS" -lt 2 ] || left=", about $((SECONDS * (all - done) / done)) s left"
    [ -z "$progress" ] || printf '%s: %d/%d %s, %d s%s\n' "$(basename "$0" .sh)" "$stage_number" "${#shares[@]}" "$1" "$SECONDS" "$left" >&2
}

# After Ctrl-C: what goes on. A pipeline that keeps what it did says so in going_on.
going_on="nothing was written; the same command starts anew"
interrupted() {
    case "$going_on" in *command*) going_on+=": $again" ;; esac
    echo "$me: interrupted${stage_name:+ at: $stage_name}; $going_on" >&2
    exit "$1"
}

# tidy STATUS: at the end. Programs of weft end with a status that says why, and a line; 1 and 2 are those of awk, cp, mv ..., where a full disk is the cause.
tidy() {
    rm -rf "$work" ${stage:+"$stage"} "${parts[@]}"
    case "$1" in
    1 | 2)
        echo "$me: stopped${stage_name:+ at: $stage_name}, a tool of the system ended with status $1 (is the disk full?); $going_on" >&2
        exit 74
        ;;
    esac
}

# A directory for what lies between, removed at the end however that comes, as are results that did not get their names.
scratch() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/weft.XXXXXX") stage='' parts=()
    trap 'tidy $?' EXIT
    trap 'interrupted 130' INT
    trap 'interrupted 143' TERM
}

# prepare FROM TO: TO.part is on the disk, so that the rename which publishes it needs no space.
prepare() {
    parts+=("$2.part")
    { cp "$1" "$2.part" && sync "$2.part"; } || die "can't write $2" 74
}
publish() {
    mv "$1.part" "$1"
}

# deliver DIR FILE...: the files of $work are in DIR, all of them or none: everything is on the disk before anything gets its name, so a full disk leaves the earlier
# results as they were. A new directory appears by one rename. What is named behind --without is removed: it does not belong to the new results.
deliver() {
    local out=${1%/} f files=() without=()
    shift
    while [ $# -gt 0 ] && [ "$1" != --without ]; do
        files+=("$1")
        shift
    done
    [ $# -eq 0 ] || without=("${@:2}")
    if [ -d "$out" ]; then
        stage=$out/.part
    else
        stage=$out.part
        mkdir -p "$(dirname "$out")"
    fi
    rm -rf "$stage"
    mkdir "$stage" || die "can't create $stage" 73
    for f in "${files[@]}"; do
        { cp "$work/$f" "$stage/$f" && sync "$stage/$f"; } || die "can't write $out/$f" 74
    done
    trap '' INT TERM # the renames are one step
    if [ -d "$out" ]; then
        for f in "${without[@]}"; do
            rm -f "$out/$f"
        done
        for f in "${files[@]}"; do
            mv "$stage/$f" "$out/$f"
        done
    else
        mv -T "$stage" "$out"
    fi
}
