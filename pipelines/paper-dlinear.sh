#!/usr/bin/env bash
# paper-dlinear.sh - the DLinear rows of the LTSF-Linear paper (Zeng et al. 2023, table 2) on ETTh1, with the exact solver and with Adam.
set -euo pipefail
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"

usage() {
    cat <<'T'
usage: paper-dlinear.sh [--tune] ETTh1.csv [HORIZON...]

Lookback 336; split 8640, 2880, 2880 hours; scaled by the train part; all seven columns together; errors in scaled units over every window of the test part.
exact: least squares, ridge chosen over rolling-origin folds, last value subtracted. adam: as the paper trains (lr 0.005 halved every epoch, batch 32, 10
epochs, patience 3), the median of five seeds. Horizons: 96 192 336 720.

      --tune             the test MSE of train-dlinear --tune (longest lookback 720, every choice made on the train and validation part) beside published
                         numbers: DLinear, NLinear (Zeng et al. 2023), FITS (its fixed loader), OLS+IN (Toner & Darlow 2024), SearchCast (2026), PatchTST
                         (rerun with the fixed loader), as SearchCast's repository gives them
      --progress         stages, seconds and what is left on stderr (default: when that is a terminal)
  -h, --help

Examples:
  paper-dlinear.sh ETTh1.csv 96 192
T
}

tune=
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help) help; exit 0 ;;
    --tune) tune=yes ;;
    --progress) progress=yes ;;
    -?*) die "unknown option $1; see paper-dlinear.sh --help" ;;
    *) break ;;
    esac
    shift
done
table=${1:-} && shift || true
[ -n "$table" ] || die "which table? paper-dlinear.sh ETTh1.csv"
[ -r "$table" ] || die "can't read $table" 66
horizons=${*:-96 192 336 720}
need ingest window train-dlinear score evaluate
shares=(1)
for h in $horizons; do shares+=($((h + 100))); done
scratch
stage read
ingest --layout matrix "$table" -o "$work/series.weft"

# measure MODEL: test MSE and MAE.
measure() {
    score -m "$1" --part test -i "$work/w.weft" | evaluate --scaled --format csv -o "$work/accuracy.csv" || culprit "score evaluate" "${PIPESTATUS[@]}"
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 { printf "%.4f %.4f\n", $(at["mse"]), $(at["mae"]) }' "$work/accuracy.csv"
}
paper() {
    case $1 in 96) echo 0.375 0.399 ;; 192) echo 0.405 0.416 ;; 336) echo 0.439 0.443 ;; 720) echo 0.472 0.490 ;; *) echo - - ;; esac
}
published() {
    case $1 in
    96) echo 0.375 0.374 0.372 0.375 0.369 0.385 ;;
    192) echo 0.405 0.408 0.404 0.413 0.400 0.413 ;;
    336) echo 0.439 0.429 0.427 0.445 0.423 0.440 ;;
    720) echo 0.472 0.440 0.424 0.460 0.430 0.456 ;;
    *) echo - - - - - - ;;
    esac
}
if [ "$tune" ]; then
    printf '%-8s %8s %14s %8s' horizon tuned configurations seconds
    printf ' %10s' DLinear NLinear FITS OLS+IN SearchCast PatchTST
    echo
    for h in $horizons; do
        stage "horizon $h"
        window --lookback 720 --horizon "$h" --split 8640,2880,2880 --scale standard -i "$work/series.weft" -o "$work/w.weft"
        train-dlinear --tune -v -i "$work/w.weft" -o "$work/tuned.safetensors" 2>"$work/said" || die "train-dlinear failed: $(tail -n 1 "$work/said")" 70
        read -r configurations seconds < <(sed -n 's/.* of \([0-9]*\) configurations.* folds in \([0-9.]*\) s.*/\1 \2/p' "$work/said")
        read -r mse _ < <(measure "$work/tuned.safetensors")
        printf '%-8s %8s %14s %8s' "$h" "$mse" "$configurations" "$seconds"
        # shellcheck disable=SC2046  # one field each
        printf ' %10s' $(published "$h")
        echo
    done
    exit 0
fi
printf '%-8s %17s %17s %17s\n' '' 'exact' 'adam, 5 seeds' 'paper'
printf '%-8s %8s %8s %8s %8s %8s %8s\n' horizon MSE MAE MSE MAE MSE MAE
for h in $horizons; do
    stage "horizon $h"
    window --lookback 336 --horizon "$h" --split 8640,2880,2880 --scale standard -i "$work/series.weft" -o "$work/w.weft"
    train-dlinear -q --norm last -i "$work/w.weft" -o "$work/exact.safetensors"
    exact=$(measure "$work/exact.safetensors")
    for seed in 1 2 3 4 5; do
        train-dlinear -q --solver adam --norm none --batch-by origin --batch 32 --lr 0.005 --lr-decay 0.5 --epochs 10 --patience 3 --seed $seed \
            -i "$work/w.weft" -o "$work/adam.safetensors"
        measure "$work/adam.safetensors"
    done | sort -n | sed -n 3p >"$work/adam"
    printf '%-8s %8s %8s %8s %8s %8s %8s\n' "$h" $exact $(cat "$work/adam") $(paper "$h")
done
