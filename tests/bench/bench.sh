#!/usr/bin/env bash
# bench.sh - speeds, each beside its peer in the same run: pandas for CSV, PyTorch for training. Best of five for commands. Nothing here passes or fails.
#
#   bench.sh [--short]     --short: everything once, on little data and without peers: that it runs to its end is part of make check
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build/release}
PATH=$(cd "${BIN:-bin}" && pwd):$PATH
# PYTORCH: what runs PyTorch's side, when the machine has a faster one than Debian's as it is.
python=${PYTORCH:-/usr/bin/python3}
products=15890 days=459 rows=5000000 repeats=5
if [ "${1:-}" = --short ]; then
    products=200 days=120 rows=10000 repeats=1
    python=false # no peers
    unset DUCKDB NAMES
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/weft-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "$(nproc) cores, $(sed -n '/^model name/ { s/^[^:]*: //p; q }' /proc/cpuinfo)"

# best COMMAND: seconds.
best() {
    local i begin least=
    for ((i = 0; i < repeats; i++)); do
        begin=$EPOCHREALTIME
        bash -o pipefail -c "$1" >/dev/null 2>"$work/said" || { cat "$work/said" >&2; return 1; }
        least=$(awk -v a="$begin" -v b="$EPOCHREALTIME" -v l="${least:-1e9}" 'BEGIN { d = b - a; print d < l ? d : l }')
    done
    printf '%.3f' "$least"
}
# Seconds; nothing where there are no peers.
pandas() {
    $python -c 'import pandas' 2>/dev/null || return 0
    $python - "$1" <<'P'
import sys, time
import pandas
best = 1e9
for _ in range(5):
    began = time.perf_counter()
    pandas.read_csv(sys.argv[1])
    best = min(best, time.perf_counter() - began)
print(f"{best:.3f}")
P
}
line() { # WHAT WEFT PEER NAME; UNIT of seconds: the smaller the better
    if [ -z "$3" ]; then printf '%-58s %9.3f s\n' "$1" "$2"; else awk -v w="$1" -v a="$2" -v b="$3" -v n="$4" 'BEGIN { printf "%-58s %9.3f s   %9.3f s  %-8s %5.2f times as fast\n", w, a, b, n, b / a }'; fi
}
rate() {
    awk -v w="$1" -v a="$2" -v b="$3" -v n="$4" 'BEGIN { printf "%-58s %9.0f /s  %9.0f /s %-8s %5.1f times as fast\n", w, a, b, n, a / b }'
}

"$build/gen/shop" --products $products --days $days >"$work/wide.csv"
# To the end of what is generated: head would close the pipe under the generator, which ends the script under pipefail.
"$build/gen/shop" --products $products --days $days --layout long | cut -d, -f1,2,8,9 | awk -v n=$rows 'NR <= n + 1' >"$work/long.csv"
p=$(pandas "$work/wide.csv")
line "wide CSV $(du -m "$work/wide.csv" | cut -f1) MB: ingest" "$(best "ingest $work/wide.csv")" "$p" pandas
line "wide CSV: ingest | window | train-dlinear (30 -> 10, exact)" \
    "$(best "ingest $work/wide.csv | window --lookback 30 --horizon 10 | train-dlinear -o $work/m.st")" "$p" pandas
line "long CSV $(du -m "$work/long.csv" | cut -f1) MB, $rows rows: ingest" "$(best "ingest --layout long --id id --value units $work/long.csv")" "$(pandas "$work/long.csv")" pandas
# DUCKDB: a directory where `npm install @duckdb/node-api` was done.
if [ -n "${DUCKDB:-}" ]; then
    line "the same, beside a sum by id and day" "$(best "ingest --layout long --id id --value units $work/long.csv")" "$(node tests/bench/duckdb.mjs "$work/long.csv" "$DUCKDB")" DuckDB
fi

ingest "$work/wide.csv" | window --lookback 30 --horizon 10 -o "$work/w.weft"
windows=$(awk -v n=$products -v d=$days 'BEGIN { print n * (int(d * 0.64) - 39) }')
# An epoch is the difference between two and one, so that reading and writing do not count.
one=$(best "train-dlinear -q --solver adam --patience 0 --epochs 1 --threads 1 -i $work/w.weft -o $work/m.st")
three=$(best "train-dlinear -q --solver adam --patience 0 --epochs 3 --threads 1 -i $work/w.weft -o $work/m.st")
if $python -c 'import torch' 2>/dev/null; then
    for batch in 32; do
        rate "DLinear with Adam, batch $batch, windows" "$(awk -v n="$windows" -v a="$one" -v b="$three" 'BEGIN { print 2 * n / (b - a) }')" \
            "$($python $PWD/tests/bench/torch_dlinear.py "$work/wide.csv" $batch 3000)" PyTorch
    done
fi
lstm() { # BATCH: windows a second
    "$build/bench/bench_lstm" 2 5 | awk -v batch="$1" '{ for (i = 1; i < NF; i++) if ($i == "batch" && $(i + 1) == batch ":") print $(i + 3) }'
}
if $python -c 'import torch' 2>/dev/null; then
    for batch in 32 4096; do
        rate "LSTM (hidden 64, 30 -> 10), batch $batch, windows trained" "$(lstm $batch)" "$($python $PWD/tests/bench/torch_lstm.py $batch $((batch == 32 ? 500 : 5)))" PyTorch
    done
fi
# 2 KB frames through a head and one worker; the difference of two lengths, so that starting does not count.
many=$((products * 20000 / 15890))
"$build/gen/shop" --products $many --days 480 | ingest -q -o "$work/f.weft"
ten=()
for ((i = 0; i < 10; i++)); do ten+=("$work/f.weft"); done
frames cat "${ten[@]}" -o "$work/many.weft"
spread() { # FILE
    work -q --connect "ipc://$work/s" -- frames cat &
    scatter -q --bind "ipc://$work/s" -i "$1" -o "$work/out.weft"
    wait $!
}
for ((i = 0; i < (repeats + 1) / 2; i++)); do
    a=$EPOCHREALTIME; spread "$work/f.weft"; b=$EPOCHREALTIME; spread "$work/many.weft"; c=$EPOCHREALTIME
    awk -v n=$((9 * many)) -v a="$a" -v b="$b" -v c="$c" 'BEGIN { printf "%.0f\n", n / seconds(c - b - (b - a)) } function seconds(s) { return s > 1e-6 ? s : 1e-6 }'
done | sort -n | tail -n 1 | awk '{ printf "%-58s %9.0f /s\n", "scatter | work -- frames cat, 2 KB frames", $1 }'

# The networks of garments, two threads, beside PyTorch as PYTORCH runs it (channels_last) and as it is. NAMES: a table with a column "name", for the speed on real names.
of() { # FILE PATTERN: the best figure of that line
    awk -v p="$2" '$0 ~ p { for (i = 1; i < NF; i++) if ($i == "best" && !n++) print $(i + 1) }' "$1"
}
beside() { # WHAT OURS THEIRS NAME
    [ -z "$3" ] || awk -v w="$1" -v a="$2" -v b="$3" -v n="$4" 'BEGIN { printf "%-58s %9.1f /s  %9.1f /s %-8s %5.2f times as fast\n", w, a, b, n, a / b }'
}
lengths=()
if [ -n "${NAMES:-}" ]; then
    tests/bench/name_lengths.py "$NAMES" >"$work/lengths"
    tests/bench/name_lengths.py --once "$NAMES" >"$work/once" # embed-text computes a name that comes again once
    lengths=("$work/lengths")
fi
if [ $repeats -gt 1 ]; then
    "$build/bench/bench_resnet" 32 224 2 3 >"$work/resnet"
    "$build/bench/bench_bert" 2 4 >"$work/bert"
    "$build/bench/bench_dlinear" >"$work/dlinear"
else
    echo 8 >"$work/one"
    "$build/bench/bench_resnet" 2 32 1 1 >"$work/resnet"
    TMPDIR=$work "$build/bench/bench_bert" 1 1 "$work/one" >"$work/bert"
    "$build/bench/bench_lstm" 1 1
    "$build/bench/bench_dlinear" 100 100 1 >"$work/dlinear"
fi
[ ${#lengths[@]} -eq 0 ] || "$build/bench/bench_bert" 2 1 "$work/once" | grep names | awk -v n="$(wc -l <"$work/lengths")" -v m="$(wc -l <"$work/once")" \
    '{ for (i = 1; i < NF; i++) if ($i == "best") $(i + 1) *= n / m; print }' >>"$work/bert"
if $python -c 'import torchvision' 2>/dev/null; then
    TH=2 $python "$PWD/tests/bench/torch_resnet.py" >"$work/peer"
    TH=2 REPEATS=4 $python "$PWD/tests/bench/torch_bert.py" "${lengths[@]}" >>"$work/peer"
    TH=2 /usr/bin/python3 tests/bench/torch_resnet.py plain >"$work/plain"
    TH=2 REPEATS=3 /usr/bin/python3 tests/bench/torch_bert.py >>"$work/plain"
    for peer in peer plain; do
        for what in "ResNet18 %s .*forward" "ResNet18 %s .*train step" "BERT-base %s .*32 x 32 tokens" "BERT-base %s .*names"; do
            for precision in f32 bf16; do
                # shellcheck disable=SC2059
                beside "$(sed 's/ %s \.\*/, /' <<<"$what"), $precision" "$(of <(cat "$work/resnet" "$work/bert") "$(printf "$what" $precision)")" \
                    "$(of "$work/$peer" "$(printf "$what" f32)")" "$([ $peer = peer ] && echo PyTorch || echo 'as it is')"
            done
        done
    done
fi

cat "$work/resnet" "$work/bert" "$work/dlinear"
