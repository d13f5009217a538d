#!/usr/bin/env bats
# machine.bats - other processors than ours.

load helper

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    shop "$dir/shop.csv" 60 6
    ingest -q "$dir/shop.csv" | window -q --lookback 14 --horizon 7 --scale standard -o "$dir/windows.weft"
}

@test "OpenBLAS with kernels that this processor lacks: one line that says the way out, not a dead process" {
    grep -qw 3dnow /proc/cpuinfo && skip "skipped: this processor has 3DNow!"
    [ "$(uname -m)" = x86_64 ] || skip "skipped: not an x86-64"
    OPENBLAS_CORETYPE=Opteron run train-dlinear -q -i "$dir/windows.weft" -o "$BATS_TEST_TMPDIR/m.st"
    [ "$status" -eq 78 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ "$output" == *OPENBLAS_CORETYPE=Prescott* ]]
    [ -z "$(ls -A "$BATS_TEST_TMPDIR")" ]
}

@test "a processor without AVX trains and scores" {
    command -v qemu-x86_64 >/dev/null || skip "skipped: no qemu-x86_64 (qemu-user)"
    cd "$BATS_TEST_TMPDIR"
    # qemu64 calls itself an AMD without AVX and without 3DNow!; Nehalem is an Intel without AVX.
    for cpu in qemu64 Nehalem; do
        qemu-x86_64 -cpu $cpu "$BIN/train-dlinear" -q -i "$dir/windows.weft" -o $cpu.st
        qemu-x86_64 -cpu $cpu "$BIN/score" -q -m $cpu.st -i "$dir/windows.weft" -o $cpu.weft
        qemu-x86_64 -cpu $cpu "$BIN/train-lstm" -q --epochs 1 --threads 1 -i "$dir/windows.weft" -o $cpu.lstm
        frames check $cpu.weft
    done
}
