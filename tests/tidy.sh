#!/usr/bin/env bash
# tidy.sh [--short] [FILE...]: clang-tidy, as .clang-tidy says, over every file of src/ or those named; fails on any
# finding. --short leaves the static analyzer out: seconds instead of minutes. CLANG_TIDY is the program to use.
set -uo pipefail
cd "$(dirname "$0")/.."
tidy=${CLANG_TIDY:-clang-tidy}
checks=
[ "${1:-}" = --short ] && checks=--checks=-clang-analyzer-* && shift
command -v "$tidy" >/dev/null || { echo "tidy: skipped, no $tidy here"; exit 0; }
[ $# -gt 0 ] || set -- src/*/*.c
read -r -a flags < <(unset MAKEFLAGS MAKELEVEL; make -s print-flags)
out=$(mktemp)
trap 'rm -f "$out"' EXIT
# -Werror is the compilers' (tests/compile-clang.sh): here each finding has the name of its check.
status=0
printf '%s\0' "$@" | xargs -0 -P "$(nproc)" -I{} "$tidy" --quiet $checks {} -- "${flags[@]/-Werror/-Wall}" >"$out" 2>/dev/null || status=$?
cat "$out"
[ $status -eq 0 ] || { echo "tidy: findings; mend them, or say in .clang-tidy why a check is off"; exit 1; }
