#!/usr/bin/env bats
# scatter.bats - frames over sockets and machines: nothing lost, nothing doubled, nobody let in.

load helper

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    shop "$dir/shop.csv" 120 300
    ingest "$dir/shop.csv" -o "$dir/series.weft"
    window --lookback 14 --horizon 7 -i "$dir/series.weft" | train-dlinear -o "$dir/m.st"
    score -m "$dir/m.st" -i "$dir/series.weft" -o "$dir/single.weft"
    PATH="$BUILD/gen:$PATH" crasher -i "$dir/series.weft" -o "$dir/same.weft"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    started=()
    # A place of its own for every test: ipc needs no port.
    at="ipc://$BATS_TEST_TMPDIR/s"
    PATH="$BUILD/gen:$PATH"
}

# Waits for what was started, and for nothing else: bats has a child of its own. Workers that came too late end with 69.
end_of_started() {
    for pid in "${started[@]}"; do wait "$pid" || true; done
    started=()
}

# until_status NAME: waits until the counts of a scatter --status status.prom say that NAME is above zero; a minute at most.
until_status() {
    for _ in $(seq 600); do
        [ ! -e status.prom ] || ! awk -v n="weft_scatter_$1" '$1 == n && $2 > 0 { found = 1 } END { exit !found }' status.prom || return 0
        sleep 0.1
    done
    return 1
}

teardown() {
    [ -z "$(jobs -p)" ] || kill -9 $(jobs -p) 2>/dev/null || true
    pkill -9 -f "$BATS_TEST_TMPDIR/s" 2>/dev/null || true
}

@test "a socket is as good as a pipe, both ways round" {
    frames cat "$dir/series.weft" | window --lookback 14 --horizon 7 | train-dlinear -o pipe.st
    frames cat "$dir/series.weft" | window --lookback 14 --horizon 7 -o bind+"$at" &
    timeout 300 train-dlinear -i "$at" -o socket.st
    wait $!
    cmp socket.st pipe.st
    aggregate --by major -i "$dir/series.weft" -o "$at.2" &
    timeout 300 frames count bind+"$at.2" | grep -q '3 frames'
}

@test "two producers merge; a killed one is noticed" {
    # Again and again: a reader that hung up first made some of the writers fail.
    for run in $(seq 20); do
        writers=()
        for i in 1 2; do aggregate --by major -i "$dir/series.weft" -o "$at" & writers+=($!); done
        timeout 300 frames count bind+"$at" --producers 2 | grep -q '6 frames'
        for i in 0 1; do wait "${writers[i]}"; done
    done
    mkfifo endless
    exec {endless}<>endless
    frames head -n 5 "$dir/series.weft" | head -c 3000 >endless
    crasher -o "$at" -i endless 2>/dev/null &
    (sleep 2; pkill -9 -f "crasher -o $at") & started+=($!)
    run timeout 300 frames count bind+"$at"
    [ "$status" -eq 69 ] || { echo "$status $output"; false; }
    [[ "$output" == *"gone before the end"* ]]
}

@test "scatter over three workers gives the bytes of a single process, tail included" {
    # One of them may have done it all before another one is there.
    for i in 1 2 3; do work -q --wait 3 --connect "$at" -- score -m "$dir/m.st" & started+=($!); done
    timeout 300 scatter --credit 8 --bind "$at" -i "$dir/series.weft" -o multi.weft --status status.prom
    cmp multi.weft "$dir/single.weft"
    end_of_started
    grep -q 'frames_done_total 300' status.prom
    work -q --wait 3 -j 2 --connect "$at" -- score -m "$dir/m.st" & started+=($!)
    timeout 300 scatter --bind "$at" -i "$dir/series.weft" | cmp - "$dir/single.weft"
    end_of_started
}

@test "workers killed, stopped and joining at random: nothing lost, nothing doubled" {
    runs=${CHAOS_RUNS:-6}
    for run in $(seq "$runs"); do
        timeout 120 scatter -q --timeout 1 --credit 4 --bind "$at" -i "$dir/series.weft" -o "multi$run.weft" &
        head=$!
        while kill -0 $head 2>/dev/null; do
            # A slow machine is not to be buried under workers.
            [ "$(pgrep -c -f "^work -q --timeout 1 --connect $at")" -gt 15 ] ||
                (timeout -s KILL 20 work -q --timeout 1 --connect "$at" -- crasher --slow 1500 >/dev/null 2>&1 &)
            sleep 0.08
            victim=$(pgrep -f "^work -q --timeout 1 --connect $at" | shuf -n 1 || true)
            case $((RANDOM % 3)) in
            0) [ -z "$victim" ] || kill -9 "$victim" 2>/dev/null || true ;;
            1) [ -z "$victim" ] || kill -STOP "$victim" 2>/dev/null || true ;;
            esac
        done
        wait $head
        cmp "multi$run.weft" "$dir/same.weft"
        pkill -9 -f "$at" 2>/dev/null || true
    done
}

@test "a frame that crashes every worker is set aside with its reason, the rest is whole" {
    for i in 1 2; do CRASH_ID=57 work -q --wait 5 --connect "$at" -- crasher 2>/dev/null & started+=($!); done
    run timeout 300 scatter --bind "$at" --dead-letter dead.weft -i "$dir/series.weft" -o multi.weft
    [ "$status" -eq 65 ]
    [ "$(frames show multi.weft | grep -c '"id"')" -eq 299 ]
    frames show dead.weft | grep '"id":"57"' | grep -q 'signal 11'
    frames count dead.weft | grep -q '1 frames'
    end_of_started
    CRASH_ID=57 work -q --wait 5 --connect "$at" -- crasher 2>/dev/null & started+=($!)
    run timeout 300 scatter --bind "$at" -i "$dir/series.weft" -o none.weft
    [ "$status" -eq 65 ]
    [[ "$output" == *"no worker can take frame 58"* ]]
    [ ! -e none.weft ]
}

@test "a worker that hangs is given up" {
    HANG_ID=9 work -q --wait 5 --connect "$at" -- crasher 2>/dev/null & started+=($!)
    (sleep 1; exec work -q --wait 5 --connect "$at" -- crasher) & started+=($!)
    timeout 300 scatter -q --hang 2 --bind "$at" -i "$dir/series.weft" -o multi.weft
    cmp multi.weft "$dir/same.weft"
}

@test "the head killed: workers end with 69; nobody there: 69" {
    # A stream that does not end: we hold the other end of its pipe.
    mkfifo endless
    exec {endless}<>endless
    frames cat "$dir/series.weft" >endless &
    timeout -s KILL 300 scatter --bind "$at.h" --status status.prom -i endless >/dev/null 2>&1 &
    (until_status workers; pkill -9 -f "scatter --bind $at.h") & started+=($!)
    run timeout 300 work --connect "$at.h" -- crasher --slow 20000
    [ "$status" -eq 69 ] || { echo "$status $output"; false; }
    [[ "$output" == *"is gone"* ]]
    run timeout 300 work --connect "$at.nobody" --wait 1 -- crasher
    [ "$status" -eq 69 ]
    run timeout 300 scatter --bind "$at.lonely" --wait 1 -i "$dir/series.weft" -o x.weft
    [ "$status" -eq 69 ]
    [ ! -e x.weft ]
}

@test "a head that is killed while workers say hello: every one of them ends" {
    for round in 1 2 3 4 5; do
        workers=()
        for i in 1 2 3 4 5 6; do timeout -s KILL 60 work -q --wait 2 --timeout 2 --connect "$at" -- crasher --slow 20000 2>/dev/null & workers+=($!); done
        scatter -q --bind "$at" -i "$dir/series.weft" -o multi.weft 2>/dev/null &
        head=$!
        until [ -S "$BATS_TEST_TMPDIR/s" ] || ! kill -0 $head 2>/dev/null; do :; done
        sleep 0.0$round
        kill -9 $head
        wait $head || true
        for w in "${workers[@]}"; do
            status=0
            wait "$w" || status=$?
            [ "$status" -eq 69 ] || { echo "round $round: $status"; false; }
        done
        rm -f "$BATS_TEST_TMPDIR/s"
    done
}

@test "other CPU kernels are refused, unless --mixed-cpus; so is another model" {
    work -q --wait 5 --connect "$at" -- crasher --slow 20000 & started+=($!)
    (until_status frames_done_total; OPENBLAS_CORETYPE=Prescott work --connect "$at" -- crasher >refused 2>&1 || echo $? >status) & started+=($!)
    timeout 300 scatter -q --credit 4 --bind "$at" --status status.prom -i "$dir/series.weft" -o multi.weft
    end_of_started
    [ "$(cat status)" -eq 78 ] || { cat refused; false; }
    grep -q 'Prescott' refused
    rm status.prom
    work -q --wait 5 --connect "$at" -- crasher --slow 20000 & started+=($!)
    (until_status frames_done_total; work --connect "$at" -- score -m "$dir/m.st" >refused 2>&1 || echo $? >status) & started+=($!)
    timeout 300 scatter -q --credit 4 --bind "$at" --status status.prom -i "$dir/series.weft" -o multi.weft
    end_of_started
    [ "$(cat status)" -eq 78 ] || { cat refused; false; }
    cmp multi.weft "$dir/same.weft"
}

@test "a program that opens its own input is spread too" {
    work -q --wait 5 --connect "$at" -- frames cat & started+=($!)
    timeout 300 scatter -q --bind "$at" -i "$dir/series.weft" | frames show | sed '1d;$d' | cmp - <(frames show "$dir/series.weft" | sed '1d;$d')
    end_of_started
}

@test "a program that adds up over frames can't be spread, and says so" {
    work --connect "$at" -- aggregate --by major >said 2>&1 &
    timeout 300 scatter -q --wait 2 --bind "$at" -i "$dir/series.weft" -o multi.weft || true
    wait $! || true
    grep -q "can't be spread" said
}

@test "CURVE: without a key, with an unknown key, with a wrong server key: refused, 77, within seconds" {
    for n in head worker stranger other; do keygen $n >/dev/null; done
    [ "$(stat -c %a head.key)" = 600 ]
    run keygen head
    [ "$status" -eq 73 ]
    port=tcp://127.0.0.1:$(free_port)
    timeout 120 scatter --timeout 3 --bind "$port" --key head.key --peer-keys worker.pub -i "$dir/series.weft" -o multi.weft 2>log &
    head=$!
    sleep 0.5
    run timeout 300 work --timeout 3 --connect "$port" --key stranger.key --peer-keys head.pub -- crasher
    [ "$status" -eq 77 ] || { echo "unknown: $status $output"; false; }
    run timeout 300 work --timeout 3 --connect "$port" --key worker.key --peer-keys other.pub -- crasher
    [ "$status" -eq 77 ] || { echo "wrong server: $status $output"; false; }
    run timeout 300 work --timeout 3 --wait 4 --connect "$port" -- crasher
    [ "$status" -eq 77 ] || [ "$status" -eq 69 ] || { echo "no key: $status $output"; false; }
    head -c 100000 /dev/urandom | timeout 2 bash -c "cat >/dev/tcp/${port#tcp://}" 2>/dev/null || true
    bash -c "exec 3<>/dev/tcp/$(tr : / <<<"${port#tcp://}"); head -c 50000 /dev/urandom >&3" 2>/dev/null || true
    timeout 300 work -q --wait 5 --connect "$port" --key worker.key --peer-keys head.pub -- crasher
    wait $head
    cmp multi.weft "$dir/same.weft"
    # The last is a name that begins like an address of this machine.
    for host in 192.0.2.1 '[2001:db8::1]' '[::ffff:192.0.2.1]' 127.example.com; do
        run work --connect "tcp://$host:5570" -- crasher
        [ "$status" -eq 64 ]
        [[ "$output" == *--insecure* ]]
    done
    for host in 127.0.0.1 127.1.2.3 localhost '[::1]'; do
        run work --wait 0.1 --connect "tcp://$host:$(free_port)" -- crasher
        [ "$status" -eq 69 ]
    done
}

@test "a worker that breaks the protocol loses its frames and its place, and never the run" {
    for mode in garbage short list fault tail head sizes empty lying nohead badhead wronghead oldversion flood silent; do
        at="ipc://$BATS_TEST_TMPDIR/s.$mode"
        timeout 60 scatter --bind "$at" --mixed-cpus --hang 1 --wait 20 --status status.$mode -i "$dir/series.weft" -o out.$mode 2>err.$mode &
        head=$!
        for _ in {1..200}; do [ -S "s.$mode" ] && break; sleep 0.02; done
        rogue $mode "$at" "$dir/single.weft" & started+=($!)
        case $mode in
        badhead | wronghead | oldversion | garbage | short | list | fault | tail | head | sizes | empty | lying | nohead)
            for _ in {1..400}; do grep -q "refused" err.$mode && break; sleep 0.02; done
            grep -q "refused: it \|refused: it is" err.$mode || { echo "$mode"; cat err.$mode; return 1; }
            ;;
        esac
        work -q --wait 20 --connect "$at" -- score -m "$dir/m.st" 2>/dev/null & started+=($!)
        wait $head || { echo "$mode"; cat err.$mode; return 1; }
        cmp out.$mode "$dir/single.weft"
        end_of_started
    done
}
