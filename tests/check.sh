#!/usr/bin/env bash
# check.sh - every test, one line of result at the end: "N passed, N failed, N skipped".
#
# Builds come first; then every file of tests is a job of its own, the longest first, side by side. A job writes TAP: unit tests (cmocka) and program
# tests (bats) speak it; fuzzers, layers and manual pages are made to. What failed is shown; the whole log of each job stays under build/check/.
#
#   tests/check.sh [--quick]      --quick leaves out the sanitizer builds and the fuzzers
#   FUZZ_SECONDS=20 CHAOS_RUNS=3  how long each fuzzer, how many runs the chaos of netns.bats
set -uo pipefail
cd "$(dirname "$0")/.."

build=${BUILD:-build/release}
bin=${BIN:-bin}
log=build/check
# A test that says nothing for so many seconds hangs. Far above what any needs on a busy machine.
stall=${STALL_SECONDS:-1200}

# --- one job: tests/check.sh --job NAME KIND ARG... ---

# verdict TITLE COMMAND...: one test that is a command.
verdict() {
    local title=$1 status=0
    shift
    timeout "$stall" "$@" >"$log/$name.out" 2>&1 || status=$?
    if [ $status -eq 0 ]; then
        echo "ok - $title"
    else
        echo "not ok - $title (exit $status)"
        tail -n 20 "$log/$name.out" | sed 's/^/# /'
    fi
}

# unit PROGRAM: one that dies before its results counts as failed.
unit() {
    local status=0
    CMOCKA_MESSAGE_OUTPUT=tap timeout "$stall" "$1" >"$log/$name.out" 2>&1 || status=$?
    cat "$log/$name.out"
    if [ $status -ne 0 ] && ! grep -q '^not ok ' "$log/$name.out"; then
        echo "not ok - $(basename "$1") ended with status $status"
    fi
}

# Ends the process group $1 once its output $2 has stood still for too long.
watch() {
    local size=-1 now quiet=0
    while sleep 10; do
        now=$(stat -c %s "$2")
        [ "$now" = "$size" ] && quiet=$((quiet + 10)) || quiet=0
        size=$now
        [ $quiet -lt "$stall" ] && continue
        kill -TERM -- "-$1"
        sleep 10
        kill -KILL -- "-$1"
    done
}

# program BINDIR FILE [OPTION...]: bats tests against the programs of one build. The limit of time is ours, not bats' own: bats leaves a sleeper behind for each test
# that had a limit, and waits for all of them at the end.
program() {
    local pid watcher dir
    dir=$(cd "$1" && pwd)
    BIN=$dir BUILD=$(cd "$build" && pwd) PATH="$dir:$PATH" setsid bats --tap "${@:3}" "$2" >"$log/$name.out" 2>&1 </dev/null &
    pid=$!
    trap 'kill -TERM -- "-$pid" 2>/dev/null' TERM INT HUP
    watch $pid "$log/$name.out" >/dev/null 2>&1 &
    watcher=$!
    wait $pid
    kill $watcher 2>/dev/null
    # Nothing may stay: what a test left running is ended here and told.
    ps -o stat=,pid=,args= -s $pid | grep -v '^Z' | sed 's/^/# still running at the end: /'
    pkill -KILL -s $pid
    cat "$log/$name.out"
    # A test that was ended has no line.
    awk 'NR == 1 && /^1\.\./ { n = substr($0, 4) + 0 } /^(not )?ok / { seen[$1 == "ok" ? $2 : $3] = 1 }
        END { if (n == "") print "not ok - bats gave no plan"; for (i = 1; i <= n; i++) if (!(i in seen)) print "not ok " i " - without a result" }' "$log/$name.out"
}

rooms() { verdict "includes point down the layers" tests/check-layers.sh; }
columns() { verdict "no line of over 120 columns" tests/check-columns.sh; }
tidied() {
    if command -v "${CLANG_TIDY:-clang-tidy}" >/dev/null; then
        verdict "clang-tidy finds nothing (all but the analyzer)" tests/tidy.sh --short
    else
        echo "ok - clang-tidy # skip not here"
    fi
}
docs() { tests/docs.sh; }
clang() { verdict "both compilers accept every file" tests/compile-clang.sh; }
sanitized() { CUTS=6 program "$@"; }
threaded() { CUTS=2 program "$@" --filter-tags '!alone'; }
fuzz() { tests/fuzz/run.sh "$1" "${FUZZ_SECONDS:-20}" "$log"; }

if [ "${1:-}" = --job ]; then
    name=$2 kind=$3
    shift 3
    TIMEFORMAT="$name %R %U %S"
    { time "$kind" "$@" >"$log/$name.tap" 2>&1; } 2>>"$log/times"
    exit 0
fi

# --- all of them ---

quick=${1:-}
# Further makes choose their own directories: what this one was given is not for the sanitizer builds.
unset BUILD BIN MAKEFLAGS MAKELEVEL
cores=$(nproc)
passed=0 failed=0 skipped=0
rm -rf "$log"
mkdir -p "$log"
# Threads that wait let others run: three jobs share the cores.
export OMP_WAIT_POLICY=passive
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1 TSAN_OPTIONS=halt_on_error=1

# count GROUP: adds up the TAP lines of the group's jobs and shows what failed.
count() {
    local ok not skip all="$log/$1.all"
    cat "$log/$1".*.tap >"$all"
    ok=$(grep -cE '^ok ' "$all")
    not=$(grep -cE '^not ok ' "$all")
    skip=$(grep -ciE '^ok .*# skip' "$all")
    passed=$((passed + ok - skip)) failed=$((failed + not)) skipped=$((skipped + skip))
    printf '%-28s %4d passed %4d failed %4d skipped\n' "$1" $((ok - skip)) "$not" "$skip"
    # Each failure with what was said of it, and its name once more at the very end.
    if [ "$not" -gt 0 ]; then
        for f in "$log/$1".*.tap; do
            awk -v job="$(basename "$f" .tap)" '/^not ok / { print job ": " $0 >>failures } /^(not )?ok / { show = /^not/; n = 0 } show && n++ < 30' \
                failures="$log/failures" "$f"
        done
    fi
    grep -h '^# still running' "$log/$1".*.tap
}

make_quietly() {
    make -s -j"$cores" "$@" >"$log/make.out" 2>&1 || {
        tail -n 40 "$log/make.out"
        echo "not ok - make $*" >>"$log/make.build.tap"
        return 1
    }
}

# About how many seconds a job takes of a quiet core, when it is more than a few: the longest begin first.
weight() {
    case $1 in
    *thread.battery) echo 100 ;;
    *address,undefined.battery) echo 170 ;;
    *.battery | unit-*.test_demand | unit-*.test_lstm) echo 65 ;;
    program-*) echo 60 ;;
    fuzz.*) echo 20 ;;
    program.fault) echo 120 ;;
    program.netns | program.scatter | program.products | program.tree) echo 50 ;;
    layers.tidy | layers.docs | program.backtest | program.garments | program.cluster | program.bench) echo 30 ;;
    *) echo 5 ;;
    esac
}
# add NAME KIND ARG...: a job to be run. NAME is GROUP.FILE.
add() { echo "$(weight "$1") $*" >>"$log/jobs"; }

groups=(layers unit program)
make_quietly BUILD="$build" BIN="$bin" all units gens benches || { count make; echo "$passed passed, $failed failed, $skipped skipped"; exit 1; }
add layers.rooms rooms
add layers.docs docs
add layers.columns columns
add layers.clang clang
add layers.tidy tidied
for t in tests/unit/test_*.c; do add "unit.$(basename "$t" .c)" unit "$build/unit/$(basename "$t" .c)"; done
for t in tests/cmd/*.bats; do add "program.$(basename "$t" .bats)" program "$bin" "$t"; done
if [ "$quick" != --quick ]; then
    for san in address,undefined thread; do
        dir=build/san-${san//,/-}
        make_quietly SAN="$san" all units gens || continue
        groups+=("unit-$san" "program-$san")
        for t in tests/unit/test_*.c; do add "unit-$san.$(basename "$t" .c)" unit "$dir/unit/$(basename "$t" .c)"; done
        for t in battery flow; do
            add "program-$san.$t" "$([ $san = thread ] && echo threaded || echo sanitized)" "$dir/bin" "tests/cmd/$t.bats"
        done
    done
    if make_quietly fuzzers; then
        groups+=(fuzz)
        for t in tests/fuzz/fuzz_*.c; do add "fuzz.$(basename "$t" .c)" fuzz "build/fuzz/$(basename "$t" .c)"; done
    fi
fi
built=$SECONDS

# One more than cores: many tests wait for something.
export BUILD="$build" BIN="$bin"
sort -rns "$log/jobs" | cut -d' ' -f2- | xargs -d '\n' -P $((cores + 1)) -I{} bash -c 'exec tests/check.sh --job {}'
[ ! -e "$log/make.build.tap" ] || groups=(make "${groups[@]}")
for g in "${groups[@]}"; do count "$g"; done

[ ! -e "$log/failures" ] || cat "$log/failures"
awk -v s=$SECONDS -v b=$built -v n="$cores" '{ cpu += $3 + $4; wall[$1] = $2 } END {
    printf "%.1f minutes on %d cores: %.1f of building, then %.1f minutes of CPU in %d jobs", s / 60, n, b / 60, cpu / 60, NR
}' "$log/times"
echo "; the longest: $(sort -k2rn "$log/times" | head -n 3 | awk '{ printf "%s%s %.0f s", (NR > 1 ? ", " : ""), $1, $2 }')"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
