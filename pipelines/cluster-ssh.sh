#!/usr/bin/env bash
# cluster-ssh.sh - spreads a filter over a list of hosts: scatter runs here, ssh starts the workers.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

usage() {
    cat <<'T'
usage: cluster-ssh.sh --hosts FILE [OPTION...] -- PROGRAM [ARGUMENT...]

Frames from -i go to workers on the hosts; results come out in order, byte for byte those of PROGRAM alone. A host that is down or goes down is left out, and
its frames go to the others. The hosts need weft on the PATH of a login without a password, and PROGRAM's files (a model) at the same paths.

  -i, --input FILE       stream to read (default: standard input)
  -o, --output FILE      stream to write (default: standard output)
      --hosts FILE       one host a line, as ssh takes it; a number behind it: so many workers there (default 1); # begins a comment
      --head HOST        how the workers reach this host (default: its name)
      --port PORT        (default 5570)
      --key FILE         the head's key pair; --worker-key FILE: the workers' on the hosts (weft keygen makes them; public halves FILE.pub lie beside them,
      --worker-key FILE  the workers' also here)
      --insecure         without keys, on a network you trust
      --scatter OPTIONS  further options of scatter, as in --scatter "--credit 32 --dead-letter dead.weft"
      --ssh COMMAND      (default: ssh -o BatchMode=yes)
  -h, --help

Examples:
  printf 'alpha 4\nbeta 8\n' >hosts
  cluster-ssh.sh --hosts hosts --key head.key --worker-key worker.key -i products.weft -o features.weft -- encode-image -m /srv/resnet18.safetensors
T
}

input=- output=- hosts= head=$(hostname) port=5570 key= worker_key= insecure= scatter_options= ssh='ssh -o BatchMode=yes'
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help) help; exit 0 ;;
    -i | --input) input=${2:?}; shift ;;
    -o | --output) output=${2:?}; shift ;;
    --hosts) hosts=${2:?}; shift ;;
    --head) head=${2:?}; shift ;;
    --port) port=${2:?}; shift ;;
    --key) key=$(realpath "${2:?}"); shift ;;
    --worker-key) worker_key=$(realpath "${2:?}"); shift ;;
    --insecure) insecure=--insecure ;;
    --scatter) scatter_options=${2:?}; shift ;;
    --ssh) ssh=${2:?}; shift ;;
    --) shift; break ;;
    *) die "unknown option $1; see cluster-ssh.sh --help" ;;
    esac
    shift
done
[ $# -gt 0 ] || die "which program? cluster-ssh.sh [OPTION...] -- PROGRAM; see cluster-ssh.sh --help"
[ -n "$hosts" ] || die "which hosts? --hosts FILE; see cluster-ssh.sh --help"
[ -r "$hosts" ] || die "can't read $hosts" 66
[ -n "$insecure" ] || { [ -n "$key" ] && [ -n "$worker_key" ]; } || die "give --key and --worker-key (weft keygen makes them), or --insecure on a network you trust"
need scatter
split_words --scatter "$scatter_options"
scatter=("${words[@]}")
split_words --ssh "$ssh"
ssh=("${words[@]}")
scratch

head_keys=(${key:+--key "$key" --peer-keys "${worker_key%.key}.pub"} ${insecure:+"$insecure"})
worker_keys=(${worker_key:+--key "$worker_key" --peer-keys "${key%.key}.pub"} ${insecure:+"$insecure"})
started=()
# A worker ends by itself when the head has no more work or is gone: nothing is left on the hosts.
trap 'kill "${started[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
n=0
while read -r host children _; do
    [[ -n $host && $host != \#* ]] || continue
    command=$(printf '%q ' work --wait 120 --connect "tcp://$head:$port" -j "${children:-1}" "${worker_keys[@]}" -- "$@")
    "${ssh[@]}" "$host" "$command" >/dev/null 2> >(sed "s/^/$host: /" >&2) </dev/null &
    started+=($!)
    n=$((n + 1))
done <"$hosts"
[ "$n" -gt 0 ] || die "$hosts names no host" 65
scatter --bind "tcp://*:$port" "${head_keys[@]}" "${scatter[@]}" -i "$input" -o "$output"
# Workers that met the head end by themselves; those that came too late would wait for one that is gone.
enough=$((SECONDS + 5))
for pid in "${started[@]}"; do
    while kill -0 "$pid" 2>/dev/null && [ "$SECONDS" -lt "$enough" ]; do sleep 0.1; done
    kill "$pid" 2>/dev/null || true
    wait "$pid" || true
done
