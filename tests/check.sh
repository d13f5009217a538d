#!/usr/bin/env bash
# check.sh - every test, one line of result at the end: "N passed, N failed, N skipped".
#
# Unit tests (cmocka) and program tests (bats) speak TAP; fuzzers, layers and manual pages are made to. What failed is shown; the whole
# log of each part stays under build/check/.
#
#   tests/check.sh [--quick]      --quick leaves out the sanitizer builds and the fuzzers
set -uo pipefail
cd "$(dirname "$0")/.."

quick=${1:-}
build=${BUILD:-build/release}
bin=${BIN:-bin}
# Further makes choose their own directories: what this one was given is not for the sanitizer builds.
unset BUILD BIN MAKEFLAGS MAKELEVEL
log=build/check
fuzz_seconds=${FUZZ_SECONDS:-60}
jobs=$(nproc)
passed=0 failed=0 skipped=0
rm -rf "$log"
mkdir -p "$log"

# count NAME: adds up the TAP lines of $log/NAME.tap and shows what failed.
count() {
    local ok not skip
    ok=$(grep -cE '^ok ' "$log/$1.tap")
    not=$(grep -cE '^not ok ' "$log/$1.tap")
    skip=$(grep -ciE '^ok .*# skip' "$log/$1.tap")
    passed=$((passed + ok - skip)) failed=$((failed + not)) skipped=$((skipped + skip))
    printf '%-28s %4d passed %4d failed %4d skipped\n' "$1" $((ok - skip)) "$not" "$skip"
    # Each failure with what was said of it, and its name once more at the very end.
    if [ "$not" -gt 0 ]; then
        awk '/^(not )?ok / { show = /^not/; n = 0 } show && n++ < 30' "$log/$1.tap"
        grep -E '^not ok ' "$log/$1.tap" | sed "s/^not ok/$1: not ok/" >>"$log/failures"
    fi
}

# tap NAME TITLE COMMAND...: one test that is a command.
tap() {
    local name=$1 title=$2
    shift 2
    if "$@" >"$log/$name.out" 2>&1; then
        echo "ok - $title" >>"$log/$name.tap"
    else
        { echo "not ok - $title (exit $?)"; tail -n 20 "$log/$name.out" | sed 's/^/# /'; } >>"$log/$name.tap"
    fi
}

# units NAME BUILDDIR: every cmocka program; one that dies before its results counts as failed.
units() {
    local name=$1 dir=$2 t status
    : >"$log/$name.tap"
    for t in "$dir"/unit/test_*; do
        [[ -x $t && $t != *.d ]] || continue
        CMOCKA_MESSAGE_OUTPUT=tap timeout 600 "$t" >"$log/$name.out" 2>&1
        status=$?
        cat "$log/$name.out" >>"$log/$name.tap"
        if [ $status -ne 0 ] && ! grep -q '^not ok ' "$log/$name.out"; then
            echo "not ok - $(basename "$t") ended with status $status" >>"$log/$name.tap"
        fi
    done
    count "$name"
}

# programs NAME BINDIR FILES...: bats tests against the programs of one build; to be counted afterwards, since two may run side by side.
programs() {
    local name=$1 dir=$2 status tests
    shift 2
    BIN=$(cd "$dir" && pwd) BUILD=$(cd "$build" && pwd) PATH="$(cd "$dir" && pwd):$PATH" BATS_TEST_TIMEOUT=300 timeout 1800 bats --tap "$@" >"$log/$name.tap" 2>&1
    status=$?
    # A test out of time has no line.
    if [ $status -ne 0 ] && ! grep -q '^not ok ' "$log/$name.tap"; then
        tests=$(sed -n '1s/^1\.\.//p' "$log/$name.tap")
        tests=$(comm -13 <(sed -n 's/^ok \([0-9]*\).*/\1/p' "$log/$name.tap" | sort) <(seq "${tests:-0}" | sort) | sort -n | tr '\n' ' ')
        echo "not ok - bats ended with status $status; without a result: tests ${tests:-none}" >>"$log/$name.tap"
    fi
}

make_quietly() {
    make -s -j"$jobs" "$@" >"$log/make.out" 2>&1 || {
        tail -n 40 "$log/make.out"
        echo "not ok - make $*" >>"$log/make.tap"
        count make
        return 1
    }
}

make_quietly BUILD="$build" BIN="$bin" all units gens || { echo "$passed passed, $failed failed"; exit 1; }

tap layers "includes point down the layers" tests/check-layers.sh
tap layers "both compilers accept every file" tests/compile-clang.sh
count layers
units unit "$build"
programs program "$bin" tests/cmd
count program

if [ "$quick" != --quick ]; then
    export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1 TSAN_OPTIONS=halt_on_error=1
    built=()
    for san in address,undefined thread; do
        make_quietly SAN="$san" all units gens || continue
        units "unit-$san" "build/san-${san//,/-}"
        built+=("$san")
    done
    # Slow, and each mostly one process at a time: side by side.
    for san in "${built[@]}"; do
        CUTS=6 programs "program-$san" "build/san-${san//,/-}/bin" tests/cmd/battery.bats tests/cmd/flow.bats &
    done
    wait
    for san in "${built[@]}"; do
        count "program-$san"
    done
    if make_quietly fuzzers; then
        : >"$log/fuzz.tap"
        # Two at a time: the machine has few cores, and a minute each must stay a few minutes altogether.
        find build/fuzz -maxdepth 1 -name 'fuzz_*' -type f -perm -u+x | sort |
            xargs -P "$jobs" -I{} tests/fuzz/run.sh {} "$fuzz_seconds" "$log" >>"$log/fuzz.tap"
        count fuzz
    fi
fi

[ ! -e "$log/failures" ] || cat "$log/failures"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
