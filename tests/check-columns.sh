#!/usr/bin/env bash
# check-columns.sh [--write]: no line of C is longer than 120 columns, but for those of the files in tests/long-lines, COUNT FILE: a file may have as many
# as stand there, or fewer. The list may only shrink: --write writes it anew, and refuses when there are more than before.
set -uo pipefail
cd "$(dirname "$0")/.."
list=tests/long-lines
export LC_ALL=C.UTF-8
now() { find src include tests -name '*.[ch]' -print0 | sort -z | xargs -0 grep -cE '^.{121}' | awk -F: '$2 { print $2, $1 }'; }

if [ "${1:-}" = --write ]; then
    before=$(awk '{ n += $1 } END { print n + 0 }' "$list" 2>/dev/null || echo 1000000) after=$(now | awk '{ n += $1 } END { print n + 0 }')
    [ "$after" -le "$before" ] || { echo "check-columns: $after long lines, $before before: break the new ones"; exit 1; }
    now >"$list.new" && mv "$list.new" "$list"
    exit
fi
now | awk '
    NR == FNR { may[$2] = $1; next }
    $1 > may[$2] + 0 { print "check-columns: " $2 " has " $1 " lines of more than 120 columns, " may[$2] + 0 " are allowed"; bad = 1 }
    END { exit bad }' "$list" -
