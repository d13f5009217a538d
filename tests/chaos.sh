#!/usr/bin/env bash
# chaos.sh [RUNS] - scatter with good workers and rogue ones (tests/gen/rogue.c: every way to break the protocol) on two other hosts, beside kills, stops, cut and
# lossy links: every run ends within its time-outs, with the bytes of one process. Hosts are network namespaces; where there may be none, workers come over ipc
# and no link is cut. Prints what was done to the runs, and what was lost and doubled.
set -uo pipefail
cd "$(dirname "$0")/.."
BIN=$(cd "${BIN:-bin}" && pwd) BUILD=$(cd "${BUILD:-build/release}" && pwd)
runs=${1:-200} most=90 # seconds of a run; a frame's worker has 2 s, a new one 20 s
export PATH="$BUILD/gen:$BIN:$PATH"
work=$(mktemp -d) tag=chaos$$ pair=$$
modes=(garbage short list fault tail head sizes empty lying nohead badhead wronghead oldversion flood silent)
. tests/cmd/helper.bash

namespaces() {
    [ "$(id -u)" = 0 ] && ip netns add "$tag-head" 2>/dev/null && ip netns exec "$tag-head" true 2>/dev/null &&
        ip -n "$tag-head" link add va type veth peer name vb 2>/dev/null && ip -n "$tag-head" link del va || return 1
    local w
    for w in 1 2; do
        ip netns add "$tag-w$w"
        ip link add "h$w-$pair" netns "$tag-head" type veth peer name "w$w-$pair" netns "$tag-w$w"
        ip -n "$tag-head" addr add "10.78.$w.1/24" dev "h$w-$pair"
        ip -n "$tag-w$w" addr add "10.78.$w.2/24" dev "w$w-$pair"
        ip -n "$tag-head" link set "h$w-$pair" up
        ip -n "$tag-w$w" link set "w$w-$pair" up
        ip -n "$tag-w$w" link set lo up
    done
    ip -n "$tag-head" link set lo up
}

# pids: the workers that run, ours alone.
pids() {
    if [ -n "$cut" ]; then
        for w in 1 2; do ip netns pids "$tag-w$w" 2>/dev/null; done
    else
        cat "$work"/pid.* 2>/dev/null
    fi
}
finish() {
    pids | xargs -r kill -9 2>/dev/null
    for n in head w1 w2; do [ -z "$cut" ] || ip netns del "$tag-$n" 2>/dev/null; done
    rm -rf "$work"
}
cut=
namespaces && cut=yes
trap finish EXIT

cd "$work"
shop shop.csv 120 200
ingest -q shop.csv -o series.weft
crasher -i series.weft -o same.weft
frames=$(frames count series.weft | awk 'NR == 1 { print $2 }')

# on HOST COMMAND...: in the namespace, or here.
on() {
    local host=$1
    shift
    if [ -n "$cut" ]; then ip netns exec "$tag-$host" "$@"; else "$@"; fi
}
# start HOST-NUMBER COMMAND... ENDPOINT is the word @.
start() {
    local n=$1 at="ipc://$work/s"
    shift
    [ -z "$cut" ] || at="tcp://10.78.$n.1:5570"
    (on "w$n" timeout -s KILL 40 "${@/#@/$at}" >/dev/null 2>&1 &
        echo $! >"pid.$!")
}

declare -A did=([kill]=0 [stop]=0 [cut]=0 [loss]=0 [rogue]=0)
good=0 late=0 wrong=0 failed=0 longest=0 retried=0 refused=0
for run in $(seq "$runs"); do
    rm -f s out status err pid.*
    begun=$(date +%s)
    bind="ipc://$work/s"
    [ -z "$cut" ] || bind='tcp://*:5570'
    on head timeout $most scatter --insecure --mixed-cpus --timeout 2 --hang 2 --wait 20 --credit 4 --bind "$bind" -i series.weft -o out --status status 2>err &
    head=$!
    while kill -0 $head 2>/dev/null; do
        n=$((1 + RANDOM % 2))
        if [ "$(pids | wc -l)" -lt 40 ]; then
            if [ $((RANDOM % 2)) = 0 ]; then
                mode=${modes[RANDOM % ${#modes[@]}]}
                start $n rogue "$mode" @ same.weft
                did[rogue]=$((did[rogue] + 1))
                did[rogue-$mode]=$((${did[rogue-$mode]:-0} + 1))
            else
                start $n work -q --insecure --timeout 2 --wait 5 --connect @ -- crasher --slow 10000
            fi
        fi
        sleep 0.15
        victim=$(for p in $(pids); do grep -qx work "/proc/$p/comm" 2>/dev/null && echo "$p"; done | shuf -n 1)
        [ -n "$victim$cut" ] || continue
        case $((RANDOM % 6)) in
        0) [ -z "$victim" ] || { kill -9 "$victim" 2>/dev/null && did[kill]=$((did[kill] + 1)); } ;;
        1) [ -z "$victim" ] || { kill -STOP "$victim" 2>/dev/null && did[stop]=$((did[stop] + 1)); } ;;
        2) [ -z "$cut" ] || {
               ip -n "$tag-w$n" link set "w$n-$pair" down; sleep 0.$((RANDOM % 10)); ip -n "$tag-w$n" link set "w$n-$pair" up
               did[cut]=$((did[cut] + 1))
           } ;;
        3) [ -z "$cut" ] || {
               tc -n "$tag-w$n" qdisc replace dev "w$n-$pair" root netem loss 20% delay 5ms 2>/dev/null && did[loss]=$((did[loss] + 1))
               sleep 0.2
               tc -n "$tag-w$n" qdisc del dev "w$n-$pair" root 2>/dev/null
           } ;;
        esac
    done
    wait $head
    status=$?
    took=$(($(date +%s) - begun))
    [ $took -le $longest ] || longest=$took
    pids | xargs -r kill -9 2>/dev/null
    if [ $status -eq 124 ]; then
        late=$((late + 1)); echo "run $run: beyond $most s"; tail -n 2 err
    elif [ $status -ne 0 ]; then
        failed=$((failed + 1)); echo "run $run: scatter ends with $status"; tail -n 2 err
    elif ! cmp -s out same.weft; then
        wrong=$((wrong + 1)); echo "run $run: other bytes; $(frames count out | head -n 1)"
    else
        good=$((good + 1))
    fi
    retried=$((retried + $(awk '/^weft_scatter_frames_retried_total/ { n = $2 } END { print n + 0 }' status 2>/dev/null)))
    refused=$((refused + $(awk '/^weft_scatter_workers_refused_total/ { n = $2 } END { print n + 0 }' status 2>/dev/null)))
done
echo "$runs runs of $frames frames, $([ -n "$cut" ] && echo "over network namespaces" || echo "over ipc, no links cut")"
for what in kill stop cut loss rogue; do printf '%s %d  ' "$what" "${did[$what]}"; done
echo
for mode in "${modes[@]}"; do printf '%s %d  ' "$mode" "${did[rogue-$mode]:-0}"; done
echo
echo "the bytes of one process $good, other bytes (lost or doubled) $wrong, failed $failed, beyond the time-outs $late; longest $longest s; frames given to somebody else $retried; workers refused $refused"
[ $good -eq "$runs" ]
