#!/usr/bin/env bats
# netns.bats - three hosts: a head and two workers, as network namespaces with a cable each. Links are cut and lose packets.

load helper

setup_file() {
    export dir="$BATS_FILE_TMPDIR" pair=$$ tag="weft$$"
    # A container may let us add a namespace and still not enter it, or enter it and still not lay a cable.
    [ "$(id -u)" = 0 ] && ip netns add "$tag-head" 2>/dev/null && ip netns exec "$tag-head" true 2>/dev/null &&
        ip -n "$tag-head" link add va type veth peer name vb 2>/dev/null && ip -n "$tag-head" link del va || {
        ip netns del "$tag-head" 2>/dev/null || true
        export no_namespaces=1
        return 0
    }
    for w in 1 2; do
        ip netns add "$tag-w$w"
        ip link add "h$w-$pair" netns "$tag-head" type veth peer name "w$w-$pair" netns "$tag-w$w"
        ip -n "$tag-head" addr add "10.77.$w.1/24" dev "h$w-$pair"
        ip -n "$tag-w$w" addr add "10.77.$w.2/24" dev "w$w-$pair"
        ip -n "$tag-head" link set "h$w-$pair" up
        ip -n "$tag-w$w" link set "w$w-$pair" up
        ip -n "$tag-w$w" link set lo up
    done
    ip -n "$tag-head" link set lo up
    cd "$dir"
    keygen head >/dev/null
    keygen worker >/dev/null
    shop shop.csv 120 300
    ingest shop.csv -o series.weft
    window --lookback 14 --horizon 7 -i series.weft | train-dlinear -o m.st
    ingest shop.csv | score -m m.st | rank --format csv >single.csv
    garments "$dir"
    PATH="$BUILD/gen:$PATH" crasher -i series.weft -o same.weft
}

teardown_file() {
    [ -n "${no_namespaces:-}" ] && return
    for n in head w1 w2; do
        ip netns pids "$tag-$n" 2>/dev/null | xargs -r kill -9 2>/dev/null || true
        ip netns del "$tag-$n" 2>/dev/null || true
    done
}

setup() {
    [ -z "${no_namespaces:-}" ] || skip "skipped: no network namespaces here"
    cd "$BATS_TEST_TMPDIR"
    PATH="$BUILD/gen:$PATH"
    started=()
}

teardown() {
    [ ${#started[@]} -eq 0 ] || kill -9 "${started[@]}" 2>/dev/null || true
    for w in 1 2; do
        [ -n "${no_namespaces:-}" ] || ip netns pids "$tag-w$w" | xargs -r kill -9 2>/dev/null || true
    done
}

on() { # HOST COMMAND...
    local host=$1
    shift
    ip netns exec "$tag-$host" "$@"
}

work_on() { # N OPTION... -- COMMAND...
    local n=$1
    shift
    timeout -s KILL 300 ip netns exec "$tag-w$n" work -q --timeout 2 --wait 10 --connect "tcp://10.77.$n.1:5570" --key "$dir/worker.key" --peer-keys "$dir/head.pub" "$@" &
    started+=($!)
}

@test "ingest | scatter | rank with score on two other hosts: the bytes of a single process" {
    for n in 1 2; do work_on $n -- score -m "$dir/m.st"; done
    on head bash -o pipefail -c "ingest -q $dir/shop.csv | timeout 300 scatter -q --credit 8 --bind 'tcp://*:5570' --key $dir/head.key --peer-keys $dir/worker.pub | rank --format csv" >multi.csv
    cmp multi.csv "$dir/single.csv"
}

@test "links cut and losing packets, workers killed and stopped: nothing lost, nothing doubled" {
    runs=${CHAOS_RUNS:-3} retried=0
    for run in $(seq "$runs"); do
        on head timeout 120 scatter -q --timeout 2 --credit 4 --bind 'tcp://*:5570' --key "$dir/head.key" --peer-keys "$dir/worker.pub" \
            -i "$dir/series.weft" -o "multi$run.weft" --status "status$run" 2>/dev/null &
        head=$!
        while kill -0 $head 2>/dev/null; do
            n=$((1 + RANDOM % 2))
            # A slow machine is not to be buried under workers.
            [ "$(ip netns pids "$tag-w$n" | wc -l)" -gt 40 ] ||
                (ip netns exec "$tag-w$n" timeout -s KILL 20 work -q --timeout 2 --wait 5 --connect "tcp://10.77.$n.1:5570" --key "$dir/worker.key" \
                --peer-keys "$dir/head.pub" -- crasher --slow 1500 >/dev/null 2>&1 &)
            sleep 0.15
            victim=$(ip netns pids "$tag-w$n" | while read -r p; do [ "$(cat /proc/$p/comm 2>/dev/null)" = work ] && echo "$p"; done | shuf -n 1 || true)
            case $((RANDOM % 5)) in
            0) [ -z "$victim" ] || kill -9 "$victim" 2>/dev/null || true ;;
            1) [ -z "$victim" ] || kill -STOP "$victim" 2>/dev/null || true ;;
            2) ip -n "$tag-w$n" link set "w$n-$pair" down; sleep 0.$((RANDOM % 10)); ip -n "$tag-w$n" link set "w$n-$pair" up ;;
            3) tc -n "$tag-w$n" qdisc replace dev "w$n-$pair" root netem loss 20% delay 5ms 2>/dev/null || true; sleep 0.2
               tc -n "$tag-w$n" qdisc del dev "w$n-$pair" root 2>/dev/null || true ;;
            esac
        done
        wait $head
        cmp "multi$run.weft" "$dir/same.weft"
        retried=$((retried + $(awk '/retried/ { print $2 }' "status$run")))
        for w in 1 2; do ip netns pids "$tag-w$w" | xargs -r kill -9 2>/dev/null || true; done
    done
    echo "# $runs runs of 300 frames, $retried frames given to somebody else, every output the same bytes" >&3
}

@test "encode-image on two other hosts: the bytes of a single process" {
    encode-image -q -m "$dir/demand.safetensors" -i "$dir/products.weft" -o single.weft
    for n in 1 2; do work_on $n -- encode-image -q -m "$dir/demand.safetensors"; done
    on head timeout 300 scatter -q --credit 4 --bind 'tcp://*:5570' --key "$dir/head.key" --peer-keys "$dir/worker.pub" -i "$dir/products.weft" -o multi.weft
    cmp multi.weft single.weft
}

@test "plain TCP to another host needs --insecure" {
    run on w1 work --wait 1 --connect tcp://10.77.1.1:5571 -- crasher
    [ "$status" -eq 64 ]
    timeout 300 ip netns exec "$tag-w1" work -q --insecure --wait 10 --connect tcp://10.77.1.1:5571 -- crasher & started+=($!)
    on head timeout 300 scatter -q --insecure --bind 'tcp://*:5571' -i "$dir/series.weft" -o multi.weft
    cmp multi.weft "$dir/same.weft"
}
