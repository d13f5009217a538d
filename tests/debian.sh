#!/usr/bin/env bash
# debian.sh SUITE: a fresh Debian (bookworm is 12, trixie 13) in a directory of its own: make demo, as somebody types it who has just unpacked weft, and a
# smoke test of what depends on the libraries' versions. As root, with debootstrap. Says TAP; the directory goes at the end.
set -uo pipefail
cd "$(dirname "$0")/.."
suite=${1:?usage: debian.sh SUITE}
mirror=${MIRROR:-http://deb.debian.org/debian}
skip() { echo "ok - Debian $suite # skip $1"; exit 0; }
[ "$(id -u)" = 0 ] || skip "needs root for a chroot"
command -v debootstrap >/dev/null || skip "no debootstrap"
root=$(mktemp -d "${TMPDIR:-/tmp}/weft-$suite.XXXXXX")
log=$root.log
mounted=
cleanup() {
    # Never rm through a mount.
    [ -z "$mounted" ] || umount "$root/proc" || exit 1
    rm -rf --one-file-system "$root"
}
trap cleanup EXIT
debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$log" 2>&1 || skip "no mirror at $mirror"
cp /etc/resolv.conf "$root/etc/" 2>/dev/null
mount -t proc proc "$root/proc" && mounted=1
mkdir "$root/weft"
# The tree as it stands, changes not yet committed included.
git ls-files -z --cached --others --exclude-standard | xargs -0 sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' sh | tar -cf - --null -T - | tar -xf - -C "$root/weft"

failed=0
try() { # TITLE COMMAND
    if chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c "cd /weft && $2" >>"$log" 2>&1 </dev/null; then
        echo "ok - Debian $suite: $1"
    else
        echo "not ok - Debian $suite: $1"
        tail -n 20 "$log" | sed 's/^/# /'
        failed=1
    fi
}
try "make demo with nothing done by hand" "apt-get update && apt-get install -y --no-install-recommends make && make demo"
try "photos and names: networks, a frozen BERT, predictions" "apt-get install -y --no-install-recommends libcmocka-dev &&
    make -s build/release/unit/test_resnet18 build/release/unit/test_bert build/release/unit/test_demand &&
    for t in resnet18 bert demand; do build/release/unit/test_\$t || exit 1; done"
try "series: exact and LSTM, a backtest, a ranking" "cd build/demo && b=/weft/bin && \$b/ingest -q sales.csv | \$b/aggregate --by minor -o s.weft &&
    \$b/window -q --lookback 30 --horizon 10 --scale standard -i s.weft -o w.weft && \$b/train-dlinear -q -i w.weft -o d.st &&
    \$b/train-lstm -q --epochs 1 -i w.weft -o l.st && \$b/score -q -m d.st,l.st -i s.weft | \$b/rank --near 1:3 --far 8:10 &&
    \$b/backtest -q -m d.st --origins 2 -i s.weft && \$b/explain -q -m d.st -i w.weft"
try "frames over a socket, to a worker" "cd build/demo && PATH=/weft/bin:\$PATH && { work -q --connect ipc:///tmp/s -- frames cat & } &&
    scatter -q --bind ipc:///tmp/s -i s.weft -o t.weft && frames check t.weft"
try "the package builds, lintian finds no error in it, it is installed, and its flow runs" "rm -rf /src && mkdir /src && cp -r /weft /src/weft && cd /src/weft &&
    apt-get install -y --no-install-recommends build-essential lintian man-db && apt-get build-dep -y --no-install-recommends ./ && dpkg-buildpackage -us -uc -b &&
    lintian --allow-root --fail-on error ../weft_*.changes && apt-get install -y --no-install-recommends ../weft_*.deb &&
    cd / && debian=/src/weft/debian && sh \$debian/tests/flow && man -w weft-ingest && dpkg -r weft && [ ! -e /usr/bin/weft ] && [ ! -e /usr/libexec/weft ]"
try "doctor finds nothing wrong; versions" "bin/doctor; bin/score --version"
echo "# the log: $log"
exit $failed
