#!/usr/bin/env bats
# manual.bats - every program has a page, and the page says what the program says.

@test "every program has a manual page that is its own text (make man rewrites them)" {
    for p in $(ls "$BIN"); do
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
    for p in $(ls "$BIN"); do
        for o in $("$p" --help=names); do
            "$p" --help | grep -qE -- "^ .*$o( |$|,)" || { echo "$p $o"; false; }
        done
    done
}
