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

# culprit STATUS...: after a pipe that failed, called with its PIPESTATUS: exits with the status of the stage that failed by itself, and not because a
# neighbour did (0, 76 and 141).
culprit() {
    local s worst=0
    for s in "$@"; do
        [ "$s" -eq 0 ] && continue
        if [ "$worst" -eq 0 ] || [ "$worst" -eq 76 ] || [ "$worst" -eq 141 ]; then
            worst=$s
        fi
    done
    [ "$worst" -eq 0 ] || exit "$worst"
}

# A directory for what lies between, removed at the end however that comes.
scratch() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/weft.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# put FROM TO: TO is there whole or not at all, on the disk before it has its name.
put() {
    cp "$1" "$2.part"
    sync "$2.part"
    mv "$2.part" "$2"
}
