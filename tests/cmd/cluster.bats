#!/usr/bin/env bats
# cluster.bats - the scripts that place workers, with stand-ins for ssh and sbatch that start them here.

load helper

setup_file() {
    export dir="$BATS_FILE_TMPDIR" pipelines="$BATS_TEST_DIRNAME/../../pipelines" WEFT_BIN="$BIN"
    cd "$dir"
    shop shop.csv 120 100
    ingest shop.csv -o series.weft
    window --lookback 14 --horizon 7 -i series.weft | train-dlinear -o m.st
    score -m m.st -i series.weft -o single.weft
    keygen head >/dev/null
    keygen worker >/dev/null
    mkdir stand-ins
    printf '#!/bin/bash\n[ "$1" != dead ] || exit 255\nshift\nexec bash -c "$*"\n' >stand-ins/ssh
    cat >stand-ins/sbatch <<'S'
#!/bin/bash
for a; do case $a in --array=1-*) n=${a#--array=1-} ;; esac; done
for i in $(seq "$n"); do bash "${@: -1}" >/dev/null 2>&1 </dev/null 3>&- & done
echo 17
S
    printf '#!/bin/bash\necho "$@" >>"%s/cancelled"\n' "$dir" >stand-ins/scancel
    chmod +x stand-ins/*
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    PATH="$dir/stand-ins:$PATH"
    keys=(--key "$dir/head.key" --worker-key "$dir/worker.key" --head 127.0.0.1 --port $(free_port))
}

@test "cluster-ssh.sh: workers on hosts, one of them dead: the bytes of a single process" {
    printf '# ours\nalpha 2\n\ndead\nbeta\n' >hosts
    timeout 300 "$pipelines/cluster-ssh.sh" --hosts hosts --ssh ssh "${keys[@]}" -i "$dir/series.weft" -o multi.weft -- score -m "$dir/m.st" 3>&-
    cmp multi.weft "$dir/single.weft"
}

@test "cluster-ssh.sh: a host that comes too late is not waited for" {
    printf 'alpha\nlate\n' >hosts
    mkdir slow
    printf '#!/bin/bash\nhost=$1\nshift\n[ "$host" != late ] || while [ ! -s "%s/multi.weft" ]; do sleep 0.1; done\nexec bash -c "$*"\n' "$PWD" >slow/ssh
    chmod +x slow/ssh
    PATH=$PWD/slow:$PATH timeout 300 "$pipelines/cluster-ssh.sh" --hosts hosts --ssh ssh "${keys[@]}" -i "$dir/series.weft" -o multi.weft -- score -m "$dir/m.st" 3>&-
    cmp multi.weft "$dir/single.weft"
}

@test "slurm.sh: a job array of workers: the bytes of a single process, and the job is cancelled" {
    timeout 300 "$pipelines/slurm.sh" --workers 2 "${keys[@]}" -i "$dir/series.weft" -o multi.weft -- score -m "$dir/m.st" 3>&-
    cmp multi.weft "$dir/single.weft"
    grep -q 17 "$dir/cancelled"
}

@test "what is missing is said, and scatter's status is kept" {
    run "$pipelines/slurm.sh" -i "$dir/series.weft" -o x.weft -- score -m "$dir/m.st"
    [ "$status" -eq 64 ]
    [[ "$output" == *keygen* ]]
    run "$pipelines/cluster-ssh.sh" --insecure --hosts none -- score
    [ "$status" -eq 66 ]
    run timeout 300 "$pipelines/slurm.sh" --workers 1 "${keys[@]}" --scatter "--wait 2" -i "$dir/series.weft" -o x.weft -- score -m none.st 3>&-
    [ "$status" -eq 69 ]
    [ ! -e x.weft ]
}
