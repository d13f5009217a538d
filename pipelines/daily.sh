#!/usr/bin/env bash
# daily.sh - for cron: today's dump joins the earlier ones, the saved model forecasts, dated results appear.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

usage() {
    cat <<'T'
usage: daily.sh [OPTION...] DUMP.csv

Keeps a directory of daily dumps and, for each day, a dated ranking. Running it twice with one dump changes nothing; when anything fails, nothing
appears and the earlier results stay.

  -d, --directory DIR      where it keeps everything (default: daily)
      --date YYYY-MM-DD    the day of the dump (default: today)
      --ingest OPTIONS     how the dumps are read (default: --layout long, columns found by their names)
      --by LEVEL           what is forecast and ranked (default: minor)
      --lookback N         days to look back on (default 56)
      --horizon N          days to forecast (default 28)
      --retrain WHEN       never, weekly (when the model is of another ISO week, or was made with other options), or daily
                           (default: weekly)
      --replace            a dump of a day that is there already takes its place
  -h, --help

In DIR: dumps/DATE.csv, model.safetensors, results/DATE/{ranking.csv, ranking.txt, forecasts.csv}, results/latest -> the newest DATE.
Channels that are past, future or static (ingest --future, ...) are not used here: train-dlinear without --tune uses them.

Example (crontab):
  15 2 * * *  daily.sh -d /srv/demand --ingest "--layout long --id item --keys minor,item --value sales" /srv/dumps/$(date +\%F).csv
T
}

dir=daily date=$(date +%F) ingest_options="--layout long" by=minor lookback=56 horizon=28 retrain=weekly replace= dump=
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help) usage; exit 0 ;;
    -d | --directory) dir=${2:?}; shift ;;
    --date) date=${2:?}; shift ;;
    --ingest) ingest_options=${2:?}; shift ;;
    --by) by=${2:?}; shift ;;
    --lookback) lookback=${2:?}; shift ;;
    --horizon) horizon=${2:?}; shift ;;
    --retrain) retrain=${2:?}; shift ;;
    --replace) replace=yes ;;
    -*) die "unknown option $1; see daily.sh --help" ;;
    *) [ -z "$dump" ] || die "one dump a day, please: $dump or $1"; dump=$1 ;;
    esac
    shift
done
[ -n "$dump" ] || die "which dump? daily.sh DUMP.csv; see daily.sh --help"
[ -r "$dump" ] || die "can't read $dump" 66
[[ $date =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] && date -d "$date" >/dev/null 2>&1 || die "--date: $date is no date"
case "$retrain" in never | weekly | daily) ;; *) die "--retrain: never, weekly or daily" ;; esac
need ingest aggregate window train-dlinear score rank frames flock

# A day that is filled in later does not become the latest.
point_to_newest() {
    local newest
    newest=$(cd "$dir/results" && printf '%s\n' [0-9]*-[0-9]*-[0-9]* | sort | tail -n 1)
    [ "$(readlink "$dir/results/latest" || true)" = "$newest" ] && return
    ln -sfn "$newest" "$dir/results/.latest.part"
    mv -T "$dir/results/.latest.part" "$dir/results/latest"
}

mkdir -p "$dir/dumps" "$dir/results"
exec 9>"$dir/.lock"
flock -n 9 || die "another daily.sh is at work in $dir" 75
scratch
# A run that was killed while it replaced a day's results left them aside.
old=$dir/results/.$date.old
[ ! -e "$old" ] || [ -e "$dir/results/$date" ] || mv "$old" "$dir/results/$date"
stage=$dir/results/.$date.part
rm -rf "$stage" "$old"

# The dump joins the others under its date; it is kept when everything went well.
kept=$dir/dumps/$date.csv
if [ -e "$kept" ] && ! cmp -s "$dump" "$kept" && [ -z "$replace" ]; then
    die "$kept is there with other content; --replace takes the new one" 73
fi
if [ -e "$kept" ] && cmp -s "$dump" "$kept" && [ -e "$dir/results/$date/ranking.csv" ]; then
    point_to_newest
    echo "daily.sh: $date is done already"
    exit 0
fi
files=("$dump")
for f in "$dir"/dumps/*.csv; do
    [ -e "$f" ] && [ "$f" != "$kept" ] && files+=("$f")
done

# shellcheck disable=SC2086  # options, split at blanks
ingest -q $ingest_options --to "$date" "${files[@]}" | aggregate -q --by "$by" -o "$work/series.weft" ||
    culprit "ingest aggregate" "${PIPESTATUS[@]}"

# A model of this very week, made with the same options, is good enough, unless told otherwise. It is made anew when none is there.
model=$dir/model.safetensors week="$(date -d "$date" +%G-%V) --by $by --lookback $lookback --horizon $horizon --ingest $ingest_options"
if [ ! -e "$model" ] || [ "$retrain" = daily ] || { [ "$retrain" = weekly ] && [ "$(cat "$dir/model.week" 2>/dev/null)" != "$week" ]; }; then
    window -q --lookback "$lookback" --horizon "$horizon" --split 0.8,0.2,0 -i "$work/series.weft" | train-dlinear -q --tune --refit --exog none -o "$work/model.safetensors" ||
        culprit "window train-dlinear" "${PIPESTATUS[@]}"
    model=$work/model.safetensors
fi
score -q -m "$model" --quantiles 0.05,0.95 -i "$work/series.weft" -o "$work/forecasts.weft"
mkdir "$stage"
frames csv "$work/forecasts.weft" -o "$stage/forecasts.csv"
rank -q --format csv -i "$work/forecasts.weft" -o "$stage/ranking.csv"
rank -q -i "$work/forecasts.weft" -o "$stage/ranking.txt"

# Everything is written before anything gets its name.
if [ "$model" != "$dir/model.safetensors" ]; then
    echo "$week" >"$work/week"
    prepare "$model" "$dir/model.safetensors"
    prepare "$work/week" "$dir/model.week"
fi
[ -e "$kept" ] && cmp -s "$dump" "$kept" || prepare "$dump" "$kept"
sync "$stage"/*

# From here on only renames: first what the next run reads, last the directory that says the day is done. Killed in between, the next run with the same
# dump ends where this one would have.
for p in "${parts[@]}"; do
    publish "${p%.part}"
done
[ ! -e "$dir/results/$date" ] || mv "$dir/results/$date" "$old"
mv "$stage" "$dir/results/$date"
rm -rf "$old"
point_to_newest
echo "daily.sh: $dir/results/$date"
