#!/usr/bin/env bash
# limits.sh [STEPS] - every program under ulimit -v, -u, -n, -f and -t in steps: it ends with success, or a code of ours and a line that begins with its name,
# leaves no temporary file, and never hangs. Below what the libraries need to load (127) nothing of ours runs. Prints runs and passed by limit.
set -uo pipefail
cd "$(dirname "$0")/../.."
BIN=$(cd "${BIN:-bin}" && pwd) BUILD=$(cd "${BUILD:-build/release}" && pwd)
steps=${1:-12}
export PATH="$BIN:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. tests/cmd/helper.bash
in=$work/in
mkdir -p "$in"
fixtures "$in" 2>/dev/null
garments "$in"
frames show "$in/series.weft" >"$in/series.json"
for by in all major; do aggregate -q --by $by -i "$in/series.weft" | score -q -m seasonal-naive:7 --horizon 7 -o "$in/$by.weft"; done
rank -q --by major --near 1:2 --far 6:7 --format frames -i "$in/latest.weft" -o "$in/ranking.weft"

# A line a program: its arguments, in the directory of a run.
commands() {
    cat <<T
aggregate --by major -i $in/series.weft -o out
backtest -q --horizon 7 --origins 3 -i $in/series.weft -o out
backtest -q --horizon 7 --origins 2 --refit train-dlinear -i $in/series.weft -o out
covariates -q --weekday -i $in/series.weft -o out
doctor -o out
embed-text --hash 64 -i $in/products.weft -o out
encode-image -m $in/demand.safetensors -i $in/products.weft -o out
evaluate -i $in/forecasts.weft -o out
explain -q -m $in/model.safetensors -i $in/series.weft -o out
frames show $in/series.weft -o out
frames inspect $in/shop.csv -o out
frames from-json $in/series.json -o out
ingest -q $in/shop.csv -o out
keygen key
rank -q --by major --near 1:2 --far 6:7 -i $in/latest.weft -o out
reconcile -q $in/all.weft $in/major.weft -o out
report -q -i $in/ranking.weft -o out
scatter -q --bind ipc://s --wait 0.3 -i $in/series.weft -o out
score -q -m $in/model.safetensors -i $in/windows.weft -o out
score -q -m $in/demand.safetensors -i $in/products.weft -o out
train-adda -q --epochs 1 --source $in/windows.weft --target $in/windows.weft -o out
train-demand -q --no-name --image-size 16 --batch 16 --epochs 1 -i $in/products.weft -o out
train-dlinear -q -i $in/windows.weft -o out
train-ensemble -q --member train-dlinear --member seasonal-naive:7 -i $in/series.weft -o out
train-lstm -q --epochs 3 -i $in/windows.weft -o out
window -q --lookback 14 --horizon 7 -i $in/series.weft -o out
work -q --wait 0.3 --connect ipc://s -- score -m $in/model.safetensors
T
}

# levels LIMIT: its steps, from nothing to plenty.
levels() {
    local i
    for ((i = 0; i < steps; i++)); do
        case $1 in
        v) echo $((20000 + 1500000 * i * i / steps / steps)) ;;
        n) echo $((3 + 40 * i / steps)) ;;
        f) echo $((40 * i * i / steps / steps)) ;;
        u) echo $((1 + 8 * i / steps)) ;;
        t) [ "$i" -ge 2 ] || echo $((i + 1)) ;;
        esac
    done | sort -nu
}

# Processes are counted by user, and root's are not: who is nobody runs these.
as=()
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    as=(setpriv --reuid=65533 --clear-groups)
    chmod -R a+rX "$work"
fi

one() { # LIMIT LEVEL PROGRAM ARGUMENT...
    local limit=$1 level=$2 program=$3 status=0 wrong='' left run=()
    shift 2
    rm -rf "$work/run"
    mkdir -m 777 "$work/run"
    [ "$limit" != u ] || run=(${as[@]+"${as[@]}"})
    (cd "$work/run" && TMPDIR=$work/run timeout -k 2 60 bash -c 'ulimit -S -'"$limit $level"'; exec "$@"' - ${run[@]+"${run[@]}"} "$@" 2>&1 >/dev/null </dev/null | cat >"$work/err"
        exit "${PIPESTATUS[0]}") || status=$?
    [ "$program:$status" != doctor:1 ] || status=0 # it ran well, and says what is missing
    case $status in
    0 | 127) ;;
    64 | 65 | 66 | 69 | 7[1-8]) grep -q "^$program: " "$work/err" || wrong="ends with $status and says nothing" ;;
    *) wrong="ends with $status" ;;
    esac
    left=$(find "$work/run" -name '*.tmp' | head -n 1)
    [ -z "$left" ] || wrong="leaves ${left##*/}"
    [ -n "$wrong" ] || { echo "$limit ok"; return; }
    echo "$limit failed"
    printf 'not ok ulimit -%s %s: %s: %s: %s\n' "$limit" "$level" "$*" "$wrong" "$(tail -n 1 "$work/err" | cut -c1-160)" >&2
}

limits=(v n f t)
[ ${#as[@]} -eq 0 ] || limits+=(u)
for limit in "${limits[@]}"; do
    for level in $(levels "$limit"); do
        while read -r program rest; do
            # shellcheck disable=SC2086
            one "$limit" "$level" "$program" $rest
        done < <(commands)
    done
done 2>&1 | tee "$work/result" | grep '^not ok'
awk '/^[a-z] / { n[$1]++; if ($2 == "failed") bad[$1]++; failures += $2 == "failed"; total++ }
    END { for (c in n) printf "ulimit -%s %5d runs %5d passed\n", c, n[c], n[c] - bad[c]; print total + 0, "runs,", failures + 0, "did not pass"; exit failures > 0 }' "$work/result"
