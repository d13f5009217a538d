#!/usr/bin/env bash
# run.sh FUZZER SECONDS LOGDIR: fuzzes from the fuzzer's seeds (tests/fuzz/seeds/NAME, when there are any) and says the result in TAP.
set -uo pipefail
fuzzer=$1 seconds=$2 log=$3
name=$(basename "$fuzzer")
seeds=$(dirname "$0")/seeds/${name#fuzz_}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -d "$seeds" ] || seeds=
if "$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 -artifact_prefix="$work/" \
    "$work" $seeds >"$log/$name.out" 2>&1; then
    echo "ok - $name, $(grep -oE 'number_of_executed_units: [0-9]+' "$log/$name.out" | grep -oE '[0-9]+') inputs"
else
    echo "not ok - $name"
    tail -n 30 "$log/$name.out" | sed 's/^/# /'
    for f in "$work"/crash-* "$work"/oom-* "$work"/timeout-* "$work"/leak-*; do
        [ -e "$f" ] && echo "# $(basename "$f"): $(base64 -w0 "$f" | head -c 2000)"
    done
fi
