#!/usr/bin/env bash
# coverage.sh: which lines and branches of src/ the unit and program tests reach, by room. The page for reading is build/coverage/html.
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/coverage
find "$out" -name '*.gcda' -delete 2>/dev/null || true
unset MAKEFLAGS MAKELEVEL
export CFLAGS='-O1 -g --coverage -fprofile-update=atomic' LDFLAGS=--coverage
make -s -j"$(nproc)" BUILD="$out" BIN="$out/bin" all units gens benches
BUILD="$out" BIN="$out/bin" tests/check.sh --quick || echo "coverage: tests failed; what they reached is counted all the same"
lcov -q --rc lcov_branch_coverage=1 --capture --directory "$out" --base-directory . --no-external -o "$out/all.info" 2>"$out/lcov.log"
lcov -q --rc lcov_branch_coverage=1 --extract "$out/all.info" "*/src/*" -o "$out/src.info" 2>>"$out/lcov.log"
genhtml -q --branch-coverage -o "$out/html" "$out/src.info" 2>>"$out/lcov.log" || true
awk -F: '
    /^SF:/ { n = split($2, part, "/"); room = part[n - 1] }
    /^LF:/ { lines[room] += $2; all += $2 } /^LH:/ { hit[room] += $2; reached += $2 }
    /^BRF:/ { branches[room] += $2; forks += $2 } /^BRH:/ { taken[room] += $2; gone += $2 }
    END {
        for (r in lines) printf "%-10s %6d lines %5.1f %%  %6d branches %5.1f %%\n", r, lines[r], 100 * hit[r] / lines[r], branches[r], branches[r] ? 100 * taken[r] / branches[r] : 100
        printf "%-10s %6d lines %5.1f %%  %6d branches %5.1f %%\n", "zz", all, 100 * reached / all, forks, 100 * gone / forks
    }' "$out/src.info" | sort | sed 's/^zz    /in all/'
# Which functions no test enters.
awk -F: '/^SF:/ { n = split($2, part, "/"); file = part[n - 1] "/" part[n] }
    /^FNDA:0,/ { sub(/^0,/, "", $2); print "never entered: " file ": " $2 }' "$out/src.info" | sort
