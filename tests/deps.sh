#!/bin/sh
# deps.sh build|demo|check|bench|coverage: Debian packages that are missing are installed when we may; otherwise the one command that does is printed.
set -eu

build="gcc make pkg-config libzmq3-dev libmsgpack-dev libcsv-dev libopenblas-dev liblapacke-dev libstb-dev libdnnl-dev libutf8proc-dev libjansson-dev zlib1g-dev"
demo="$build fonts-dejavu-core jq"
check="$demo libcmocka-dev bats curl mandoc clang clang-tidy libclang-rt-dev procps iproute2 python3-numpy python3-msgpack"
coverage="$check lcov"
bench="$demo python3-torch python3-torchvision python3-pil python3-pandas"

case "${1:-}" in
build) want=$build ;;
demo) want=$demo ;;
check) want=$check ;;
bench) want=$bench ;;
coverage) want=$coverage ;;
*)
    echo "usage: deps.sh build|demo|check|bench|coverage" >&2
    exit 64
    ;;
esac

missing=
for p in $want; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if ! command -v apt-get >/dev/null; then
    echo "deps: this is no Debian; the libraries and tools needed are, by Debian's names:$missing" >&2
    exit 69
elif [ "$(id -u)" = 0 ]; then
    sudo=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo=sudo
else
    echo "deps: packages are missing; as root: apt-get update && $install" >&2
    exit 77
fi
echo "deps: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
# Lists may be old or absent: fetched anew when the first try fails.
if ! $sudo $install >"$log" 2>&1; then
    $sudo apt-get update >"$log" 2>&1 && $sudo $install >>"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        rm -f "$log"
        echo "deps: can't install; by hand: apt-get update && $install" >&2
        exit 69
    }
fi
rm -f "$log"
