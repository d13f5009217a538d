# lib.sh - what the pipelines share. Sourced, with `set -euo pipefail` in force.

# Programs: those beside us in the tree, those that weft installed, or those on PATH.
lib_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for d in "${WEFT_BIN:-}" "$lib_dir/../bin" "$lib_dir/../../../libexec/weft"; do
    if [ -n "$d" ] && [ -x "$d/ingest" ]; then
        PATH=$(cd "$d" && pwd):$PATH
        break
    fi
done

die() {
    echo "${0##*/}: $1" >&2
    exit "${2:-64}"
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
csv_whole() {
    tr '\001\002' ',\n' <"$1"
}

# A directory for what lies between, removed at the end however that comes, as are results that did not get their names.
scratch() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/weft.XXXXXX") stage= parts=()
    trap 'rm -rf "$work" ${stage:+"$stage"} "${parts[@]}"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
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
