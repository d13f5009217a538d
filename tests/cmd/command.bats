#!/usr/bin/env bats
# command.bats - one command for all: what weft lists, what its hints, pages and completions say, and what make uninstall leaves.
load helper

setup_file() {
    export tree=$BATS_TEST_DIRNAME/../..
    export dir=$BATS_FILE_TMPDIR
    make -s -C "$tree" install BUILD="$(realpath "$BUILD")" BIN="$(realpath "$BIN")" PREFIX="$dir/p" >/dev/null
    export weft=$dir/p/bin/weft
    fixtures "$dir" 2>/dev/null
}

names() {
    ls "$dir/p/libexec/weft"
    (cd "$tree/pipelines" && for p in *.sh; do [ ! -x "$p" ] || echo "${p%.sh}"; done)
}

# alone COMMAND: where nothing is on the PATH but weft and the system.
alone() {
    run env -u WEFT_BIN PATH="$dir/p/bin:/usr/bin:/bin" bash -o pipefail -c "$1"
}

@test "man knows every program and pipeline by weft-NAME, and the page names it so" {
    for name in $(names); do
        page=$dir/p/share/man/man1/weft-$name.1
        grep -qx ".Nm weft-$name" "$page" || { echo "$page"; false; }
        grep -qx ".Dt WEFT-${name^^} 1" "$page"
        sed -n '/^.Sh SYNOPSIS/,/^.Ed/p' "$page" | grep -q "^weft $name" || { echo "$page has another synopsis"; false; }
        grep -qE "^\.Xr weft-$name 1" "$dir/p/share/man/man1/weft.1" || { echo "weft(1) does not name $name"; false; }
    done
    [ -s "$dir/p/share/man/man5/weft-stream.5" ]
    if command -v mandoc >/dev/null; then
        for page in "$dir"/p/share/man/man?/*; do
            run mandoc -T lint -W error "$page"
            [ "$status" -eq 0 ] || { echo "$output"; false; }
        done
    fi
    if command -v man >/dev/null; then
        [ "$(MANPATH=$dir/p/share/man man -w weft-ingest)" = "$dir/p/share/man/man1/weft-ingest.1" ] || [ "$(man -M "$dir/p/share/man" -w weft-ingest)" = "$dir/p/share/man/man1/weft-ingest.1" ]
    fi
}

@test "what a page names is there: weft-NAME(1) and weft-stream(5)" {
    for page in "$dir"/p/share/man/man?/*; do
        sed -nE 's/^\.Xr (weft[a-z-]*) ([15]).*/man\2\/\1.\2/p' "$page" | while read -r other; do
            [ -e "$dir/p/share/man/$other" ] || { echo "$page names $other"; exit 1; }
        done
    done
}

@test "every option of a pipeline's usage has its place on its page" {
    for name in $(cd "$tree/pipelines" && for p in *.sh; do [ ! -x "$p" ] || echo "${p%.sh}"; done); do
        want=$("$weft" "$name" --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -e '--[a-z-]+')
        have=$(sed -n 's/\\-/-/g; s/^\.It //p' "$dir/p/share/man/man1/weft-$name.1" | grep -oE -e '--[a-z-]+')
        [ "$want" = "$have" ] || { echo "$name"; diff <(echo "$want") <(echo "$have"); }
    done
}

@test "the stream's page names every schema, and says the sums as they are" {
    for schema in "$tree"/schemas/*.json; do
        grep -q "$(basename "$schema" .json)/1" "$tree/src/cmd/weft-stream.5" || { echo "$schema"; false; }
    done
    grep -q 'enum weft_dtype { WEFT_F32 = 1, WEFT_F64 = 2, WEFT_U8 = 3, WEFT_I32 = 4, WEFT_I64 = 5 }' "$tree/include/weft/frame/tensor.h"
    grep -q 'element type: 1 float32, 2 float64, 3 unsigned 8-bit, 4 signed 32-bit, 5 signed 64-bit' "$tree/src/cmd/weft-stream.5"
}

@test "--help says weft NAME, and every command of its examples begins so" {
    for name in $(names); do
        alone "weft $name --help"
        [ "$status" -eq 0 ] && [[ "${lines[0]}" == "usage: weft $name"* ]] || { echo "$output"; false; }
        # Words that stand where a command does: of our names, all come after "weft".
        sed -n '/^Examples:/,/^See also/p' <<<"$output" | grep '^  ' >"$dir/examples" || true
        for other in $(names); do
            if grep -E "(^ *|[|;&(] *|do )$other( |\$)" "$dir/examples"; then echo "$name --help: $other without weft"; false; fi
        done
    done
}

@test "hints work for one who has weft alone on the PATH" {
    alone "weft window"
    [ "$status" -eq 64 ] && [[ "$output" == "window: --lookback N is missing; see weft window --help" ]]
    alone "weft rank <$dir/shop.csv"
    [ "$status" -eq 65 ] && [[ "$output" == *'CSV goes through `weft ingest` first' ]]
    alone "weft score -m naive -i $dir/series.weft >/dev/null"
    [ "$status" -eq 64 ] || [ "$status" -eq 78 ]
    # The command that inspect writes is one that runs.
    cd "$dir"
    alone "weft frames inspect --format json shop.csv | jq -r .command"
    [[ "$output" == "weft ingest "* ]]
    alone "$output | weft frames count"
    [ "$status" -eq 0 ] && [[ "$output" == *"24 frames"* ]]
    alone "weft forecast"
    [ "$output" = "weft forecast: which table? weft forecast SALES.csv; see weft forecast --help" ]
    # No hint of the code names a program as a command without weft.
    programs=$(ls "$dir/p/libexec/weft" | paste -sd '|')
    run grep -rnE "\"[^\"]*(\`($programs)[ \`]|see ($programs) --help|[|] ($programs)\b)" "$tree/src" --include=*.c
    [ "$status" -eq 1 ] || { echo "$output"; false; }
}

@test "the tree's own weft does the same before anything is installed" {
    run "$BIN/weft" --version
    [ "$output" = "weft $(sed -n 's/.*WEFT_VERSION "\(.*\)".*/\1/p' "$tree/include/weft/frame/version.h")" ]
    "$BIN/weft" ingest "$dir/shop.csv" | cmp - "$dir/series.weft"
    diff <("$BIN/weft" --help) <("$weft" --help)
    [[ "$("$BIN/weft" forecast --help)" == "usage: weft forecast "* ]]
}

@test "a FILE is the stream that -i names, in every program that reads one" {
    cd "$dir"
    for name in $(names); do
        "$BIN/$name" --help=complete 2>/dev/null | grep -q '^--input' || continue
        "$BIN/$name" --help | sed -n '/^$/q;p' | grep -q '\[FILE\]' || { echo "$name --help shows no FILE"; false; }
        # Whatever else it wants, it is not the second stream that it misses first.
        run "$BIN/$name" --lookback 14 --horizon 7 one.weft two.weft
        [ "$status" -eq 64 ] || { echo "$name: $status $output"; false; }
    done
    window --lookback 14 --horizon 7 --scale standard series.weft | cmp - windows.weft
    train-dlinear windows.weft -o again.safetensors 2>/dev/null
    cmp again.safetensors model.safetensors
    score -m model.safetensors windows.weft | cmp - latest.weft
    diff <(rank latest.weft 2>/dev/null) <(rank -i latest.weft 2>/dev/null)
    run window --lookback 14 --horizon 7 -i series.weft series.weft
    [ "$status" -eq 64 ] && [ "$output" = "window: two streams to read, -i series.weft and series.weft: give one; see weft window --help" ]
    run window --lookback 14 --horizon 7 -i - series.weft
    [ "$status" -eq 64 ]
    run window --lookback 14 --horizon 7 series.weft series.weft
    [ "$status" -eq 64 ] && [ "$output" = 'window: unexpected "series.weft"; it reads one stream; weft frames cat joins several' ]
    run explain -m model.safetensors --factors series.weft
    [ "$status" -eq 64 ] && [[ "$output" == *'unexpected "series.weft"'* ]]
    run scatter --bind ipc://x -i a b
    [ "$status" -eq 64 ] && [[ "$output" == *"two streams to read"* ]]
    run window --lookback 14 --horizon 7 none.weft
    [ "$status" -eq 66 ]
}

# completed WORD...: what bash offers for the last of them.
completed() {
    bash -c '. "$1/p/share/bash-completion/completions/weft"; shift; COMP_WORDS=(weft "$@"); COMP_CWORD=$#; _weft; printf "%s\n" "${COMPREPLY[@]}" | sort | paste -sd " "' x "$dir" "$@"
}

@test "bash completes programs, pipelines, options, the values of choices, and files" {
    mkdir "$BATS_TEST_TMPDIR/c"
    cd "$BATS_TEST_TMPDIR/c"
    touch "a b.csv" sales.weft
    [ "$(completed fore)" = forecast ]
    [ "$(completed train-d)" = "train-demand train-dlinear" ]
    [ "$(completed help strea)" = stream ]
    [ "$(completed train-dlinear --norm "")" = "auto last mean none" ]
    [ "$(completed train-dlinear --norm = l)" = last ]
    [ "$(completed train-dlinear --norm =)" = "auto last mean none" ]
    [ "$(completed train-dlinear --solv)" = --solver ]
    [ "$(completed window sal)" = sales.weft ]
    [ "$(completed window -i sal)" = sales.weft ]
    [ "$(completed window --input a)" = "a b.csv" ]
    [ "$(completed window --quiet sal)" = sales.weft ]
    [ "$(completed window --lookback sal)" = "" ]
    [ "$(completed frames ch)" = check ]
    [ "$(completed frames ins)" = inspect ]
    [ "$(completed frames check sal)" = sales.weft ]
    [ "$(completed work --connect ipc://x -- encode)" = encode-image ]
    [ "$(completed forecast --plot "")" = "none png svg" ]
    [ "$(completed forecast --lang k)" = ko ]
    [ "$(completed forecast --hori)" = --horizon ]
    [ "$(completed forecast -o sal)" = sales.weft ]
    [ "$(completed forecast --horizon s)" = "" ]
    [ "$(completed forecast --allow-left-out sal)" = sales.weft ]
    [ "$(completed get-models res)" = "" ]
    [ "$(completed lib --)" = "" ]
    # Of every program, every option, and every choice of every option.
    for name in $(ls "$dir/p/libexec/weft"); do
        "$BIN/$name" --help=complete | while IFS=$'\t' read -r option value; do
            [[ $option == --* ]] || continue
            [[ " $(completed "$name" "$option") " == *" $option "* ]] || { echo "$name $option"; exit 1; }
            case "$value" in
            *"|"*) [ "$(completed "$name" "$option" "")" = "$(tr '|' '\n' <<<"$value" | sort | paste -sd ' ')" ] || { echo "$name $option $value"; exit 1; } ;;
            esac
            [ "$name" != train-demand ] || exit 0 # one is as good as another: not all of the longest
        done
    done
}

@test "make uninstall removes all that install made, and nothing else" {
    cd "$BATS_TEST_TMPDIR"
    for where in "PREFIX=$PWD/q" "DESTDIR=$PWD/d PREFIX=/usr"; do
        root=${where##*=$PWD/} root=$PWD/${root%% *}
        [[ $where != DESTDIR* ]] || root=$PWD/d/usr
        mkdir -p "$root/bin" "$root/share/man/man1"
        touch "$root/bin/other" "$root/share/man/man1/weft-others.1"
        make -s -C "$tree" install BUILD="$(realpath "$BUILD")" BIN="$(realpath "$BIN")" $where >/dev/null
        [ "$(find "$root" -type f | wc -l)" -gt 60 ]
        make -s -C "$tree" uninstall BUILD="$(realpath "$BUILD")" BIN="$(realpath "$BIN")" $where >/dev/null
        [ "$(cd "$root" && find . ! -type d | sort)" = $'./bin/other\n./share/man/man1/weft-others.1' ] || { find "$root" ! -type d; false; }
        [ ! -e "$root/libexec/weft" ] && [ ! -e "$root/share/weft" ]
    done
}
