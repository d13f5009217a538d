# Ends of runs: every wait ends, every file is whole and its own.
load helper

setup_file() {
    fixtures "$BATS_FILE_TMPDIR"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    ln -s "$BATS_FILE_TMPDIR" in
}

@test "a writer that connects and finds nobody ends with 69 within --wait, fault and all" {
    for e in tcp://127.0.0.1:$((20000 + RANDOM % 9000)) ipc://nobody; do
        run timeout 20 aggregate --by id -i in/series.weft -o "$e" --wait 0.5
        [ "$status" -eq 69 ]
        [[ $output == *"nobody came"* ]]
    done
}

@test "addresses that can't be any are refused before anybody waits" {
    for e in tcp://127.0.0.1 tcp://127.0.0.1:http tcp://127.0.0.1:0 tcp://127.0.0.1:65536 tcp://127.0.0.1:-5 tcp://127.0.0.1: "ipc://$(printf 'x%.0s' {1..120})" ipc://; do
        run timeout 20 aggregate --by id -i in/series.weft -o "$e"
        [ "$status" -eq 64 ]
        [[ $output == *"is no endpoint"* ]]
    done
    run timeout 60 aggregate --by id -i in/series.weft -o tcp://no.such.host.invalid:5000 --insecure
    [ "$status" -eq 69 ]
    [[ $output == *"does not resolve"* ]]
    run timeout 20 window --lookback 14 --horizon 7 -i tcp://127.example.invalid:5000 -o w
    [ "$status" -eq 64 ]
    [[ $output == *"beyond this machine"* ]]
}

@test "the reader dies in the middle: the writer ends with 69" {
    mkfifo f
    timeout 60 aggregate --by id -o ipc://s --wait 20 --timeout 2 -i f 2>err &
    writer=$!
    window --lookback 14 --horizon 7 -i bind+ipc://s -o w --wait 20 &
    reader=$!
    exec 7>f
    head -c 9000 in/series.weft >&7
    for _ in {1..400}; do compgen -G 'w.*.tmp' >/dev/null && break; sleep 0.05; done
    kill -9 $reader
    wait $reader || true
    tail -c +9001 in/series.weft >&7
    exec 7>&-
    wait $writer && status=0 || status=$?
    [ "$status" -eq 69 ]
    grep -q "is gone before the end\|nobody" err
}

@test "a listening ipc endpoint removes no file, takes over no living socket, and takes over a dead one" {
    echo precious >sales.csv
    run timeout 20 aggregate --by id -i in/series.weft -o bind+ipc://sales.csv --wait 0.2
    [ "$status" -eq 73 ]
    [ "$(cat sales.csv)" = precious ]
    timeout 20 window --lookback 14 --horizon 7 -i bind+ipc://live --wait 15 -o w 2>/dev/null &
    reader=$!
    for _ in {1..200}; do [ -S live ] && break; sleep 0.05; done
    run timeout 20 aggregate --by id -i in/series.weft -o bind+ipc://live --wait 0.2
    [ "$status" -eq 73 ]
    [[ $output == *"somebody else does"* ]]
    timeout 20 aggregate --by id -i in/series.weft -o ipc://live
    wait $reader
    frames check w
    perl -MSocket -e 'socket(my $s, PF_UNIX, SOCK_STREAM, 0); bind($s, pack_sockaddr_un("dead")); ' || skip "no perl"
    run timeout 20 aggregate --by id -i in/series.weft -o bind+ipc://dead --wait 0.2
    [ "$status" -eq 69 ]
}

@test "links are followed to where no file is yet, and a loop is refused" {
    mkdir disk
    ln -s disk/out.weft a
    ln -s a b
    ln -s "$PWD/disk/abs.weft" c
    ln -s loop2 loop1
    ln -s loop1 loop2
    for l in b c; do
        window --lookback 14 --horizon 7 -i in/series.weft -o $l
        [ -L $l ]
        frames check $l
    done
    [ -f disk/out.weft ] && [ -f disk/abs.weft ] && [ -L a ]
    run window --lookback 14 --horizon 7 -i in/series.weft -o loop1
    [ "$status" -eq 73 ]
    [ -L loop1 ]
}

@test "a file that is replaced keeps its mode, and a private one is private all the time" {
    echo old >w
    chmod 600 w
    window --lookback 14 --horizon 7 -i in/series.weft -o w
    [ "$(stat -c %a w)" = 600 ]
    (umask 027; window --lookback 14 --horizon 7 -i in/series.weft -o new)
    [ "$(stat -c %a new)" = 640 ]
    (head -c 3000 in/series.weft; sleep 2) | window -q --lookback 14 --horizon 7 -o w 2>/dev/null &
    writer=$!
    for _ in {1..100}; do compgen -G 'w.*.tmp' >/dev/null && break; sleep 0.02; done
    [ "$(stat -c %a w.*.tmp)" = 600 ]
    wait $writer || true # what came had no end
}

@test "two programs with one process number write one file: it is whole, and a planted link is not followed" {
    unshare -p -f true 2>/dev/null || skip "no namespaces here"
    echo victim >victim
    mkfifo p q
    unshare -p -f window --lookback 14 --horizon 7 -o out -i p &
    first=$!
    unshare -p -f window --lookback 21 --horizon 7 -o out -i q &
    second=$!
    exec 7>p 8>q
    head -c 3000 in/series.weft >&7
    head -c 2000 in/series.weft >&8
    for pid in 1 2; do ln -s victim out.$pid.tmp; done
    tail -c +3001 in/series.weft >&7
    exec 7>&-
    wait $first
    frames check out
    tail -c +2001 in/series.weft >&8
    exec 8>&-
    wait $second
    frames check out
    [ "$(cat victim)" = victim ]
}

@test "every signal that ends a program leaves no file, and its own interruption is nobody else's fault" {
    for sig in HUP QUIT XCPU ALRM USR1 INT TERM; do
        mkfifo f.$sig
        env --default-signal=HUP,INT,QUIT window --lookback 14 --horizon 7 -o out -i f.$sig 2>err.$sig &
        pid=$!
        exec 7>f.$sig
        head -c 3000 in/series.weft >&7
        for _ in {1..200}; do compgen -G 'out.*.tmp' >/dev/null && break; sleep 0.02; done
        kill -$sig $pid
        wait $pid && status=0 || status=$?
        exec 7>&-
        case $sig in INT) want=130 ;; TERM) want=143 ;; *) want=75 ;; esac
        [ "$status" -eq $want ] || { echo "$sig: $status"; cat err.$sig; return 1; }
        grep -qx "window: \(f.$sig: \)\?interrupted" err.$sig || { cat err.$sig; return 1; }
        ! compgen -G 'out*' || false
    done
}

@test "a limit on the size of files: 74, and nothing is left" {
    (ulimit -f 4; window --lookback 14 --horizon 7 -i in/series.weft -o out 2>err) && status=0 || status=$?
    [ "$status" -eq 74 ]
    grep -q "^window: can't write" err
    ! compgen -G 'out*' || false
}

@test "too few descriptors are no bug" {
    (ulimit -n 12; timeout 20 aggregate --by id -i in/series.weft -o bind+tcp://127.0.0.1:* --wait 0.2 2>err) && status=0 || status=$?
    [ "$status" -eq 75 ] || [ "$status" -eq 69 ]
}

@test "a model that is cut short while it is read: 74 and its name" {
    garments "$BATS_TEST_TMPDIR/g" # 40 garments, a network of 45 MB
    cp g/demand.safetensors m
    mkfifo f
    score -m m -i f -o out 2>err &
    pid=$!
    exec 7>f
    head -c 20000 g/products.weft >&7
    for _ in {1..300}; do grep -q "/m$" "/proc/$pid/maps" 2>/dev/null && break; sleep 0.02; done
    truncate -s 1000 m
    tail -c +20001 g/products.weft >&7 || true
    exec 7>&-
    wait $pid && status=0 || status=$?
    [ "$status" -eq 74 ] || [ "$status" -eq 0 ] # 0: all of it was in memory before
    [ "$status" -eq 0 ] || grep -q "^score: m was cut short" err
}

@test "limits of memory and threads: a result, or 75 with the program's name; never a hang, never somebody else's signal" {
    for v in 100000 150000 200000 300000 600000; do
        (ulimit -v $v; timeout -k 1 60 score -m in/model.safetensors -i in/windows.weft -o o 2>err) && status=0 || status=$?
        [ "$status" -eq 0 ] || [ "$status" -eq 75 ] || [ "$status" -eq 127 ] || { echo "score $v: $status"; cat err; return 1; }
        (ulimit -v $v; timeout -k 1 60 train-dlinear -q -i in/windows.weft -o m 2>err) && status=0 || status=$?
        [ "$status" -eq 0 ] || [ "$status" -eq 75 ] || [ "$status" -eq 127 ] || { echo "train $v: $status"; cat err; return 1; }
        [ "$status" -ne 75 ] || grep -q "^train-dlinear: " err
    done # below, the libraries themselves have no room (127)
    [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null || skip "needs root and setpriv"
    chmod a+rx "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" # the way there may still be closed
    run setpriv --reuid=65533 --clear-groups bash -c "ulimit -u 1; exec score -m $BATS_FILE_TMPDIR/model.safetensors -i $BATS_FILE_TMPDIR/windows.weft" 2>/dev/null
    [ "$status" -ne 130 ]
}

@test "frames and tables with --format frames write to sockets; text does not" {
    frames cat in/series.weft -o ipc://s --wait 20 &
    pid=$!
    aggregate --by all -i bind+ipc://s -o there
    wait $pid
    aggregate --by all -i in/series.weft -o here
    cmp <(frames show here | sed '1d;$d') <(frames show there | sed '1d;$d')
    rank --by major --near 1:2 --far 6:7 --format frames -i in/latest.weft -o ipc://r --wait 20 &
    pid=$!
    frames cat bind+ipc://r >there
    wait $pid
    frames check there
    for p in "frames show in/series.weft" "frames csv in/series.weft" "frames count in/series.weft" "rank --by major --near 1:2 --far 6:7 -i in/latest.weft"; do
        # shellcheck disable=SC2086
        run timeout 20 $p -o tcp://127.0.0.1:5999
        [ "$status" -eq 64 ] || { echo "$p: $status $output"; false; }
        [[ $output == *"text does not go to a socket"* ]]
    done
    run timeout 20 frames cat in/series.weft -o ipc://nobody --wait 0.3
    [ "$status" -eq 69 ]
}

@test "inspect ends when it is told to, whatever is in the file" {
    truncate -s 1T sparse.csv
    mkfifo endless
    for f in sparse.csv endless; do
        [ $f = sparse.csv ] || yes '2024-01-01,a,1' >endless 2>/dev/null & feeder=$!
        env --default-signal=TERM frames inspect $f >out 2>err &
        pid=$!
        sleep 0.3
        kill -TERM $pid
        wait $pid && status=0 || status=$?
        kill $feeder 2>/dev/null || true
        [ "$status" -eq 143 ] || { echo "$f: $status"; cat err; false; }
        grep -qx 'frames: interrupted' err
    done
    rm -f sparse.csv
}

@test "a broken line in a key file, a secret that others can read: said, by file and line" {
    keygen a >/dev/null
    keygen b >/dev/null
    { echo '# who may'; echo; cat b.pub; echo "  "; echo 'public: tooshort'; sed 's/.$//' b.pub | tail -n 1; } >peers
    run timeout 20 aggregate --by id -i in/series.weft -o bind+tcp://127.0.0.1:* --key a.key --peer-keys peers --wait 0.2
    [ "$status" -eq 69 ]
    lines=$(wc -l <peers)
    [[ $output == *"peers:$((lines - 1)) is no key"* ]]
    [[ $output == *"peers:$lines is no key"* ]]
    [ "$(grep -c 'is no key' <<<"$output")" -eq 2 ]
    [[ $output != *chmod* ]]
    for mode in 640 604 644; do
        chmod $mode a.key
        run timeout 20 aggregate --by id -i in/series.weft -o bind+tcp://127.0.0.1:* --key a.key --peer-keys b.pub --wait 0.2
        [[ $output == *"a.key is a secret key, and others can read it: chmod 600 a.key"* ]]
        [[ $output != *"is no key"* ]]
    done
}
