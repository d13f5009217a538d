#!/usr/bin/env bats
# manual.bats - every program has a page, and the page says what the program says.

programs() {
    ls "$BIN" | grep -vx weft
}

@test "every program has a manual page that is its own text (make man rewrites them)" {
    for p in $(programs); do
        [ -e "src/cmd/$p.1" ] || { echo "no src/cmd/$p.1"; false; }
        diff <("$p" --help=mdoc) "src/cmd/$p.1"
    done
}

@test "the pages are good mdoc" {
    command -v mandoc >/dev/null || skip "no mandoc"
    for page in src/cmd/*.1; do
        # Lines that mandoc finds long or a section it would order otherwise are matters of taste.
        run mandoc -T lint -W error "$page"
        [ "$status" -eq 0 ] || { echo "$output"; false; }
    done
}

@test "every option of every program stands in --help with a text" {
    for p in $(programs); do
        for o in $("$p" --help=complete | cut -f 1); do
            "$p" --help | grep -qE -- "^ .*$o( |$|,)" || { echo "$p $o"; false; }
        done
    done
}

@test "an option whose member has another type than the option writes does not compile" {
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    table() { # TYPE C-TYPE
        printf '%s\n' '#include "base/opt.h"' "struct state { $2 x; };" "size_t at(void);" "size_t at(void) { return WEFT_OPT_AT(struct state, $1, x); }" |
            "${CC:-cc}" -std=c11 -D_GNU_SOURCE -I "$root/include/weft" -I "$root/include" -fsyntax-only -x c - 2>/dev/null
    }
    right=("FLAG bool" "INT int64_t" "REAL double" "SIZE uint64_t" "STR const char *" "CHOICE int" "LIST struct weft_list")
    for r in "${right[@]}"; do
        for o in "${right[@]}"; do
            if [ "$r" = "$o" ]; then table "${r%% *}" "${o#* }"; else ! table "${r%% *}" "${o#* }" || { echo "--x of $r takes $o"; false; }; fi
        done
    done
    ! table INT int || false
    ! table CHOICE int64_t || false
}

@test "exit statuses: the code, their page and every program's page name the same ones" {
    code=$(sed -n 's/^    WEFT_[A-Z]* = \([0-9]*\),\{0,1\}\( .*\)\{0,1\}$/\1/p' include/weft/base/err.h | sort -n | tr '\n' ' ')
    [ "$(sed -n 's/^\.It //p' src/cmd/weft-exit.1 | tr '\n' ' ')" = "$code" ]
    for page in src/cmd/[!w]*.1 src/cmd/window.1 src/cmd/work.1; do
        own=$(sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/p' "$page" | grep -oE '\b(0|[67][0-9])\b' | sort -n | tr '\n' ' ')
        [ "0 1 ${own#0 }" = "$code" ] || { echo "$page: $own"; false; }
    done
    # Nobody makes others up: literals in calls that fail or end a program.
    ! grep -nE '\b(_exit|exit|weft_run_exit_with)\([^)]*[0-9]' src/*/*.c | grep -v '128 + SIGPIPE' || false
}
