#!/usr/bin/env bash
# slurm.sh - spreads a filter over a Slurm cluster: scatter runs here, a job array of workers connects to it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

usage() {
    cat <<'T'
usage: slurm.sh [OPTION...] -- PROGRAM [ARGUMENT...]

Frames from -i go to workers that Slurm starts; results come out in order, byte for byte those of PROGRAM alone. Slurm may kill and requeue workers as it
likes: nothing is lost. The workers need weft and PROGRAM's files (a model) at the same paths; a shared file system does that.

  -i, --input FILE       stream to read (default: standard input)
  -o, --output FILE      stream to write (default: standard output)
      --workers N        size of the job array (default 2)
      --head HOST        how the workers reach this host (default: its name)
      --port PORT        (default 5570)
      --key FILE         the head's key pair; --worker-key FILE: the workers' (weft keygen makes them; public halves FILE.pub lie beside them)
      --worker-key FILE
      --insecure         without keys, on a network you trust
      --scatter OPTIONS  further options of scatter, as in --scatter "--credit 32 --dead-letter dead.weft"
      --sbatch OPTIONS   further options of sbatch, as in --sbatch "--partition=cpu --cpus-per-task=2 --requeue"
  -h, --help

Examples:
  weft keygen head; weft keygen worker
  slurm.sh --workers 20 --key head.key --worker-key worker.key -i products.weft -o features.weft -- encode-image -m /shared/resnet18.safetensors
T
}

input=- output=- workers=2 head=$(hostname) port=5570 key= worker_key= insecure= scatter_options= sbatch_options=
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help) help; exit 0 ;;
    -i | --input) input=${2:?}; shift ;;
    -o | --output) output=${2:?}; shift ;;
    --workers) workers=${2:?}; shift ;;
    --head) head=${2:?}; shift ;;
    --port) port=${2:?}; shift ;;
    --key) key=$(realpath "${2:?}"); shift ;;
    --worker-key) worker_key=$(realpath "${2:?}"); shift ;;
    --insecure) insecure=--insecure ;;
    --scatter) scatter_options=${2:?}; shift ;;
    --sbatch) sbatch_options=${2:?}; shift ;;
    --) shift; break ;;
    *) die "unknown option $1; see slurm.sh --help" ;;
    esac
    shift
done
[ $# -gt 0 ] || die "which program? slurm.sh [OPTION...] -- PROGRAM; see slurm.sh --help"
[[ $workers =~ ^[1-9][0-9]*$ ]] || die "--workers: a number from 1 on, not $workers"
[ -n "$insecure" ] || { [ -n "$key" ] && [ -n "$worker_key" ]; } || die "give --key and --worker-key (weft keygen makes them), or --insecure on a network you trust"
need scatter work
command -v sbatch >/dev/null || die "sbatch is not there: this must run where jobs are submitted" 69
split_words --scatter "$scatter_options"
scatter=("${words[@]}")
split_words --sbatch "$sbatch_options"
sbatch=("${words[@]}")
scratch

head_keys=(${key:+--key "$key" --peer-keys "${worker_key%.key}.pub"} ${insecure:+"$insecure"})
worker_keys=(${worker_key:+--key "$worker_key" --peer-keys "${key%.key}.pub"} ${insecure:+"$insecure"})
{
    echo '#!/bin/bash'
    printf 'exec'
    printf ' %q' env "PATH=$PATH" work --wait 120 --connect "tcp://$head:$port" "${worker_keys[@]}" -- "$@"
    echo
} >"$work/worker.sh"
job=$(sbatch --parsable --job-name="weft-$1" --array="1-$workers" --output="$work/worker-%a.log" "${sbatch[@]}" "$work/worker.sh") ||
    die "sbatch refused the job" 69
job=${job%%;*}
# Workers that are still waiting for their turn when all is done must not start any more.
trap 'scancel "$job" 2>/dev/null || true; rm -rf "$work"' EXIT
echo "slurm.sh: job $job, $workers workers" >&2
scatter --bind "tcp://*:$port" "${head_keys[@]}" "${scatter[@]}" -i "$input" -o "$output" || {
    status=$?
    cat "$work"/worker-*.log >&2 2>/dev/null || true
    exit "$status"
}
