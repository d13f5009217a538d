#!/usr/bin/env bash
# run.sh - makes every call that can fail do so, one after the other, and looks at what is left: tests/fault/run.sh [POINTS [FLOW...]]
#
# A point is a call site by its stack (fault.c): opens, reads, writes, renames, syncs, mappings, sockets, threads, memory. Each flow is run once to learn its
# points and what it writes; then once for every point, which fails the first time that it is met. It passes when
#   - nothing hangs, and every program ends with 0, a code of sysexits (no bug) or of a closed pipe;
#   - who failed says so: a line that begins with its name;
#   - what is there is whole, byte for byte, and no temporary file is left.
# With POINTS fewer than there are, they are spread evenly over them all. Prints points and passed by call, then every point that did not pass. BIN, BUILD as in
# the Makefile. FAULT_FROM=K leaves out the first K points.
set -uo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
BIN=$(cd "${BIN:-bin}" && pwd) BUILD=$(cd "${BUILD:-build/release}" && pwd)
points=${1:-2000}
shift
flows=(${*:-flow spread daily})
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH="$BIN:$PATH" FAULT_BIN=$BIN FAULT_LOG=$work/log TMPDIR=$work/tmp
lib=$BUILD/fault/fault.so
. tests/cmd/helper.bash
mkdir -p "$work/in"
shop "$work/in/shop.csv" 60 5
awk -F, 'NR == 1 { for (i = 7; i <= NF; i++) day[i] = $i; next }
    { for (i = 7; i <= NF; i++) print day[i] "," $1 "," $3 "," $i }' "$work/in/shop.csv" | sort >"$work/in/long.csv"
(
    cd "$work/in"
    ingest -q shop.csv -o series.weft
    window -q --lookback 14 --horizon 14 -i series.weft | train-dlinear -q -o m.st
    { echo date,id,category,units; grep '^2022-0[12]' long.csv | grep -v '^2022-02-2[789]'; } >a.csv
    { echo date,id,category,units; grep '^2022-02-27' long.csv; } >b.csv
)

# Each flow runs in a directory of its own, writes what it makes to out/ and a line "PROGRAM STATUS" for each program to `status`.

run_flow() {
    ingest -q ../in/shop.csv | window -q --lookback 14 --horizon 14 --scale standard | train-dlinear -q -o out/m.st
    paste -d' ' <(printf '%s\n' ingest window train-dlinear) <(printf '%s\n' "${PIPESTATUS[@]}") >status
    [ -e out/m.st ] || return
    ingest -q ../in/shop.csv | score -q -m out/m.st | rank -q -o out/ranking.txt
    paste -d' ' <(printf '%s\n' ingest score rank) <(printf '%s\n' "${PIPESTATUS[@]}") >>status
}

run_spread() {
    local head worker
    scatter -q --bind ipc://s --wait 1 --timeout 1 --hang 1 -i ../in/series.weft -o out/forecasts.weft &
    head=$!
    work -q --wait 1 --timeout 1 --connect ipc://s -- score -q -m ../in/m.st &
    worker=$!
    wait $head
    echo "scatter $?" >status
    wait $worker
    echo "work $?" >>status
}

run_daily() {
    WEFT_BIN=$FAULT_BIN "$root/pipelines/daily.sh" -q -d shop --date 2022-02-27 --horizon 7 --by category \
        --ingest "--layout long --id id --keys category --value units" --history ../in/a.csv ../in/b.csv
    echo "daily.sh $?" >status
    [ ! -e shop/results ] || cp -rL shop/results out
}

# once FLOW: a fresh directory, the flow in it, under the library.
once() {
    rm -rf "$work/run" "$work/tmp"
    mkdir -p "$work/run/out" "$work/tmp"
    (
        cd "$work/run"
        export -f "run_$1"
        export root
        LD_PRELOAD=$lib timeout -k 5 60 bash -c "run_$1" >said 2>err
        echo $? >ended
    )
}

# judge FLOW PROGRAM: says what is wrong, nothing when all is well.
judge() {
    local name status f bad=0
    [ "$(cat "$work/run/ended")" -lt 124 ] || { echo "it hangs"; return; }
    while read -r name status; do
        case $status in
        0 | 64 | 65 | 66 | 69 | 7[1-8] | 141) ;;
        *) echo "$name ends with $status"; return ;;
        esac
        [ "$status" = 0 ] || bad=1
    done <"$work/run/status"
    if [ $bad = 1 ] && ! grep -qE "^((work: )?$2|daily.sh): " "$work/run/err"; then
        echo "$2 says nothing"
        return
    fi
    f=$(find "$work/run" "$work/tmp" -name '*.tmp' -o -name 'weft*.??????' | head -n 1)
    [ -z "$f" ] || { echo "${f#"$work/"} is left"; return; }
    (cd "$work/run/out" && find . -type f | sort) | while read -r f; do
        case $f in */lock | *.log | *.prom) continue ;; esac
        cmp -s "$work/run/out/$f" "$work/good.$1/$f" || { echo "$f is not what it should be"; break; }
    done
    [ $bad = 1 ] || (cd "$work/good.$1" && find . -type f) | while read -r f; do
        [ -e "$work/run/out/$f" ] || { echo "$f is missing, and nobody failed"; break; }
    done
}

touch "$work/points"
for flow in "${flows[@]}"; do
    # Twice: what threads meet differs a little from run to run.
    rm -f "$FAULT_LOG"
    once "$flow"
    [ "$flow" = spread ] && once "$flow"
    grep -vq ' 0$' "$work/run/status" && { cat "$work/run/status" "$work/run/err"; exit 1; }
    cp -r "$work/run/out" "$work/good.$flow"
    awk -v flow="$flow" '!seen[$0]++ { print flow, $0 }' "$FAULT_LOG" >>"$work/points"
done
all=$(wc -l <"$work/points")
awk -v all="$all" -v want="$points" -v from="${FAULT_FROM:-0}" \
    'NR > from && (want >= all || int(NR * want / all) != int((NR - 1) * want / all))' "$work/points" >"$work/chosen"
echo "$all points in ${flows[*]}; $(wc -l <"$work/chosen") of them fail in turn"

while read -r flow program call point <&3; do
    for try in 1 2 3; do
        rm -f "$FAULT_LOG"
        FAULT_POINT=$point once "$flow"
        [ -s "$FAULT_LOG" ] && break
    done
    if [ -s "$FAULT_LOG" ]; then
        wrong=$(judge "$flow" "$program")
        echo "$call ${wrong:+failed}" >>"$work/result"
        [ -z "$wrong" ] || { echo "not ok $flow $program $call $point: $wrong"; head -n 4 "$work/run/err" | cut -c1-200 | sed 's/^/    /'; }
    else
        echo "$call away" >>"$work/result"
    fi
done 3<"$work/chosen"

awk '{ n[$1]++; if ($2 == "failed") bad[$1]++; else if ($2 == "away") away[$1]++; total++; failures += $2 == "failed" }
    END { for (c in n) printf "%-16s %5d points %5d passed %4d not met again\n", c, n[c], n[c] - bad[c] - away[c], away[c] | "sort"
          close("sort"); print total + 0, "points,", failures + 0, "did not pass"; exit failures > 0 }' "$work/result"
