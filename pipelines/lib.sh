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
