#!/usr/bin/env bats
# tree.bats - the tree itself: layers, installation, nothing that does not belong there.

@test "check-layers passes, and fails when an include points the wrong way" {
    tests/check-layers.sh
    cp -r src include tests "$BATS_TEST_TMPDIR"
    cd "$BATS_TEST_TMPDIR"
    sed -i '1i #include "record/series.h"' src/base/num.c
    run tests/check-layers.sh "$PWD"
    [ "$status" -ne 0 ]
    [[ "$output" == *"src/base/num.c"*"base may not include record"* ]]
    sed -i 1d src/base/num.c
    sed -i '1i #include <zmq.h>' src/cmd/rank.c
    run tests/check-layers.sh "$PWD"
    [ "$status" -ne 0 ]
    [[ "$output" == *"rank.c includes <zmq.h>"* ]]
}

@test "the rooms in CONTRIBUTING.md are those that check-layers proves" {
    diff <(sed -n '/^    base  *nothing/,/^$/p' CONTRIBUTING.md | sed '$d') <(tests/check-layers.sh --picture)
}

@test "check-columns passes, and fails when a line is too long" {
    tests/check-columns.sh
    mkdir -p "$BATS_TEST_TMPDIR/tests"
    cp -r src include "$BATS_TEST_TMPDIR"
    cp -r tests/check-columns.sh tests/unit tests/gen tests/bench tests/fuzz "$BATS_TEST_TMPDIR/tests"
    printf '/* %0130d */\n' 0 >"$BATS_TEST_TMPDIR/src/base/new.c"
    run "$BATS_TEST_TMPDIR/tests/check-columns.sh"
    [ "$status" -ne 0 ]
    [[ "$output" == *"src/base/new.c:1:"* ]]
}

@test "make install: one command, manual pages, completion; nothing outside of PREFIX" {
    make -s install BUILD="$BUILD" BIN="$BIN" DESTDIR="$BATS_TEST_TMPDIR/d" PREFIX=/opt/weft
    cd "$BATS_TEST_TMPDIR"
    [ "$(ls d)" = opt ]
    [ -x d/opt/weft/bin/weft ] && [ -x d/opt/weft/libexec/weft/ingest ] && [ -s d/opt/weft/share/man/man1/weft-ingest.1 ]
    # The command finds its programs where they were meant to be.
    sed "s|/opt/weft|$PWD/d/opt/weft|" d/opt/weft/bin/weft >weft
    chmod +x weft
    ./weft --help | grep -q 'ingest .*turns CSV'
    ./weft frames --version | grep -q weft
    PATH=/usr/bin:/bin ./weft help ingest | sed 's/.\x08//g' | head -n 40 | grep -qi synopsis
    run ./weft no-such
    [ "$status" -eq 64 ]
    bash -n d/opt/weft/share/bash-completion/completions/weft
}

@test "nothing over a megabyte, no binaries, no place of this machine is committed" {
    git rev-parse >/dev/null 2>&1 || skip "skipped: not a git tree"
    git ls-files -z | while IFS= read -r -d '' f; do
        [ -e "$f" ] && [ "$(stat -c %s "$f")" -gt 1000000 ] && echo "$f is large"
    done | { ! grep .; }
    git ls-files | grep -vE '^(\.ci|\.clang-format|\.clang-tidy|\.editorconfig|\.gitignore|bin/\.gitignore|LICENSE|Makefile|(README|CONTRIBUTING|NEWS|SECURITY)\.md|Containerfile|debian|docs|include|pipelines|python|schemas|src|tests)(/|$)' | { ! grep .; }
    git ls-files | grep -E '\.(png|jpg|o|a|so|weft)$' | { ! grep .; }
    ! git grep -lE '/(home|root|work)/[a-z]' -- ':!tests/cmd/tree.bats' | grep . || false
}

@test "an option that the code asks for is one that a program has" {
    for p in "$BIN"/*; do [ "$p" = "$BIN/weft" ] || "$p" --help=complete; done | sed -n 's/^--//; s/\t.*//p' | sort -u >"$BATS_TEST_TMPDIR/options"
    grep -rhoE 'weft_run_given\(run, "[^"]+"\)' src | sed 's/.*"\(.*\)".*/\1/' | sort -u >"$BATS_TEST_TMPDIR/asked"
    [ -s "$BATS_TEST_TMPDIR/asked" ]
    comm -13 "$BATS_TEST_TMPDIR/options" "$BATS_TEST_TMPDIR/asked" | { ! grep .; }
}
