#!/usr/bin/env bats
# Short forms of what takes long (make check-long has the whole): a call that fails, limits, and rogue workers among the good ones.

@test "calls that fail, one at a time: a code of ours, a line that names who, nothing half-written" {
    [ -e "$BUILD/fault/fault.so" ] || skip "skipped: not of this build"
    run tests/fault/run.sh "${FAULT_POINTS:-100}" flow spread
    echo "$output"
    [ "$status" -eq 0 ]
    if [ -n "${FAULT_POINTS:-}" ]; then
        run tests/fault/run.sh "$FAULT_POINTS" daily
        echo "$output"
        [ "$status" -eq 0 ]
    fi
}

@test "every program under ulimit -v, -u, -n, -f and -t" {
    run tests/fault/limits.sh "${LIMIT_STEPS:-2}"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "rogue workers beside kills, stops and cut links: nothing lost, nothing doubled, no run beyond its time-outs" {
    run tests/chaos.sh "${CHAOS_RUNS:-3}"
    echo "$output"
    [ "$status" -eq 0 ]
}
