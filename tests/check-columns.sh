#!/usr/bin/env bash
# No line of C is longer than 120 columns (as .clang-format says; `make format` breaks them).
set -uo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8
long=$(find src include tests -name '*.[ch]' -print0 | sort -z | xargs -0 grep -nE '^.{121}' | cut -c1-100)
[ -z "$long" ] || { printf 'check-columns: more than 120 columns:\n%s\n' "$long"; exit 1; }
