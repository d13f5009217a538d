#!/usr/bin/env bats
# doctor.bats - what doctor says of machines that lack something.

load helper

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# says STATUS TEXT...: the last run ended so, and there is a line with each text.
says() {
    [ "$status" -eq "$1" ] || { echo "status $status"; echo "$output"; return 1; }
    shift
    local text
    for text; do
        grep -qE -- "$text" <<<"$output" || { echo "does not say: $text"; echo "$output"; return 1; }
    done
}

@test "libraries, machine, sockets: nothing fails, and nothing is left behind" {
    mkdir tmp
    TMPDIR="$PWD/tmp" run timeout 60 doctor
    says 0 '^ok    libzmq: [0-9]' '^ok    msgpack-c: [0-9]' 'OpenBLAS: .*kernels' 'oneDNN: [0-9]' 'libcsv: 3' 'utf8proc: 2' 'jansson: 2' '^ok    socket, ipc' \
        '^ok    socket, loopback TCP' '^ok    socket, encrypted TCP' "^ok    schemas: $(ls "$BATS_TEST_DIRNAME"/../../schemas/*.json | wc -l)," 'CPU: ' 'cores: ' 'memory: ' 'open files: '
    [ -z "$(ls -A tmp)" ]
    ! grep -vE '^(ok   |warn |fail ) [^:]+: ' <<<"$output" || false
}

@test "JSON: one object, the same checks" {
    run doctor --format json
    says 0 '^\{"ok":true,' '"check":"socket, ipc","status":"ok"'
    [ "${#lines[@]}" -eq 1 ]
}

@test "keys: good ones, and each way in which they can be bad" {
    keygen a >/dev/null
    keygen b >/dev/null
    run doctor --key a.key --peer-keys b.pub
    says 0 '^ok    key: a.key holds a key pair' '^ok    peer keys: b.pub holds 1 public key$' '^ok    socket, encrypted TCP with this key'
    [[ "$output" == *"its public half is $(cat a.pub)"* ]]
    chmod 644 a.key
    run doctor --key a.key
    says 0 '^warn  key: others .* a.key - chmod 600 a.key' '^warn  keys: --key alone'
    { head -n 2 a.key; tail -n 1 b.key; } >mixed.key
    chmod 600 mixed.key
    run doctor --key mixed.key --peer-keys b.key
    says 1 '^fail  key: mixed.key holds .* do not belong together' '^warn  peer keys: .* a secret one'
    echo nothing >none
    run doctor --key nowhere.key --peer-keys none
    says 1 '^fail  key: nowhere.key is no file .*keygen' '^fail  peer keys: none holds 0'
    # A pipe that nobody writes to must not hold it up.
    mkfifo pipe
    run timeout 60 doctor --key pipe --peer-keys pipe
    says 1 '^fail  key: pipe is no file'
    run doctor --format json --key none --peer-keys b.pub
    says 1 '^\{"ok":false,.*"failures":1,'
}

@test "a temporary directory, a locale, descriptors and programs that are not there" {
    TMPDIR="$PWD/nowhere" run doctor
    says 1 '^fail  temporary files: .*nowhere.* - set TMPDIR'
    LC_ALL=C run doctor
    says 0 '^warn  locale: .*LC_ALL=C.UTF-8'
    run bash -c 'ulimit -n 200 && doctor'
    says 0 '^warn  open files: up to 200 - .*ulimit -n'
    doctor=$(command -v doctor)
    mkdir empty
    PATH="$PWD/empty" run "$doctor"
    [ "$status" -eq 0 ]
    [[ "$output" == *"warn  programs: column is not on PATH: for tables of daily.sh - apt-get install bsdextrautils"* ]]
}
