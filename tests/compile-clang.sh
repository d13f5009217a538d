#!/usr/bin/env bash
# Every file of the library and the programs, through clang's warnings (the build itself uses gcc).
set -euo pipefail
cd "$(dirname "$0")/.."
command -v clang >/dev/null || { echo "no clang"; exit 1; }
make -s print-flags | {
    read -r flags
    # shellcheck disable=SC2086
    find src -name '*.c' -print0 | xargs -0 -P "$(nproc)" -n 8 clang -fsyntax-only $flags
}
