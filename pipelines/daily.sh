#!/usr/bin/env bash
# daily.sh - for cron: today's dump joins the earlier ones, dated results appear, yesterday's forecasts meet today's sales.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/recipe.sh"
. "$here/dumps.sh"
. "$here/measures.sh"

usage() {
    cat <<'T'
usage: daily.sh [OPTION...] DUMP.csv
       daily.sh [OPTION...] --history ALL.csv [DUMP.csv]
       daily.sh [OPTION...] --closed

Keeps a directory of daily dumps and, for each day, a dated ranking: the same as forecast.sh makes of the whole history.
Running it twice with one dump changes nothing; when anything fails, nothing appears and the earlier results stay.

  -d, --directory DIR      where it keeps everything (default: daily)
      --date YYYY-MM-DD    the day of the dump (default: today; with --history alone, its last day)
      --history FILE       what was sold before the first dump, once
      --closed             the shop sold nothing on that day: a dump without rows, or no dump, is right
      --overlap replace|refuse
                           a dump that holds days which are there already takes their place (default), or is refused
      --allow-left-out     groups without a forecast are right: the exit status is 0, not 65
  -q, --quiet              no progress (it is for terminals)
      --progress           progress, on no terminal too

Options that the directory keeps: later calls need none; --set takes others for the days to come.
      --ingest OPTIONS     how dumps are read (default: --layout long, columns found by their names)
      --by LEVEL           what is forecast and ranked (default: minor, or id where there is none)
      --lookback N         days to look back on (default: chosen, at most a year and the horizon)
      --horizon N          days to forecast (default 28)
      --retrain WHEN       daily (default); weekly: the model knows what was sold up to the last Sunday; never: the first
                           call's
      --set                the options given are those from now on
  -h, --help

A dump may hold more days than its own: each day belongs to the dump that arrived last, and rows of two are never added up.
Rows after a dump's day wait for their own dump. A day without a dump is missing, not a day without sales; every run names it
until it comes (--date DAY DUMP.csv) or is said to be right (--date DAY --closed). For the model it counts as the week before.
A late or corrected dump makes every later result anew that stood on the day. Refused (65): a dump without rows, without rows
of its day, or that of another day again.

In DIR: results/DATE/{ranking.csv, ranking.txt, forecasts.csv, left-out}, results/latest -> the newest DATE;
model.safetensors; accuracy.csv (forecasts against what was sold), changes.csv (the top ten against the day before),
metrics.prom (for node_exporter's textfile collector), log (a line an event), ledger.csv and dumps/.

Example (crontab):
  15 2 * * *  daily.sh -q -d /srv/demand --date $(date -d yesterday +\%F) /srv/dumps/$(date -d yesterday +\%F).csv
after a first call by hand:
  daily.sh -d /srv/demand --ingest "--layout long --id item --keys minor,item --value sales" --history /srv/dumps/all.csv
T
}

dir=daily date='' dump='' whole='' closed='' overlap=replace set_options='' allow='' making=''
declare -A given=()
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help) help; exit 0 ;;
    -d | --directory) dir=${2:?}; shift ;;
    --date) date=${2:?}; shift ;;
    --history) [ -z "$whole" ] || die "one history, please: $whole or $2"; whole=${2:?}; shift ;;
    --closed) closed=yes ;;
    --overlap) overlap=${2:?}; shift ;;
    --replace) overlap=replace ;;
    --ingest | --by | --lookback | --horizon | --retrain) given[${1#--}]=${2?}; shift ;;
    --set) set_options=yes ;;
    --allow-left-out) allow=yes ;;
    -q | --quiet) progress='' ;;
    --progress) progress=yes ;;
    -*) die "unknown option $1; see daily.sh --help" ;;
    *) [ -z "$dump" ] || die "one dump a day, please: $dump or $1"; dump=$1 ;;
    esac
    shift
done
[ -n "$dump$whole$closed" ] || die "which dump? daily.sh DUMP.csv; see daily.sh --help"
for f in "$dump" "$whole"; do
    [ -z "$f" ] || [ -r "$f" ] || die "can't read $f" 66
done
[ -n "$date" ] || { [ -z "$dump" ] && [ -n "$whole" ]; } || date=$(date +%F)
[ -z "$date" ] || { [[ $date =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] && date -u -d "$date" >/dev/null 2>&1; } ||
    die "--date: $date is no date"
case "$overlap" in replace | refuse) ;; *) die "--overlap: replace or refuse" ;; esac
case "${given[retrain]:-daily}" in never | weekly | daily) ;; *) die "--retrain: never, weekly or daily" ;; esac
need ingest covariates aggregate window train-dlinear score explain rank evaluate frames flock

# What is done now; how many results are to be made is seen on the way.
stage() {
    stage_name="$1${making:+ of $making}"
    [ -z "$progress" ] || printf '%s: %s, %d s\n' "$me" "$stage_name" "$SECONDS" >&2
}
going_on="nothing has changed; the same command starts anew"

# --- options: what the directory keeps ---

declare -A option
option_names="ingest by lookback horizon retrain"
options() {
    local o
    for o in $option_names; do echo "$o=${option[$o]}"; done
}
read_options() { # FILE
    local line
    while IFS= read -r line; do
        option[${line%%=*}]=${line#*=}
    done <"$1"
}
take_options() {
    local o changed=()
    options_changed=''
    option=([ingest]='--layout long' [by]='' [lookback]='' [horizon]=28 [retrain]=daily)
    if [ -e "$dir/options" ]; then
        read_options "$dir/options"
        for o in $option_names; do
            [ -z "${given[$o]+x}" ] || [ "${given[$o]}" = "${option[$o]}" ] ||
                changed+=("--$o was \"${option[$o]}\", is \"${given[$o]}\"")
        done
        if [ "${#changed[@]}" -gt 0 ]; then
            printf -v o '%s; ' "${changed[@]}"
            [ "${given[ingest]-${option[ingest]}}" = "${option[ingest]}" ] ||
                die "${o%; }: $dir read its dumps with the first; a new directory, with their --history, takes others" 78
            [ -n "$set_options" ] || die "${o%; }: $dir keeps its options; leave them out, or --set them from now on" 78
            options_changed=${o%; }
        fi
    fi
    for o in "${!given[@]}"; do option[$o]=${given[$o]}; done
    split_words --ingest "${option[ingest]}"
    ingest_words=("${words[@]}")
}

# --- results ---

# table DAY: $work/series.weft is what was sold up to a day.
table() {
    local f files=() until=() closed_days
    for f in "$dir"/dumps/*.csv "$next"/dumps/*.csv; do
        [ -e "$f" ] || continue
        files+=("$f") f=${f##*/}
        until+=("${f:7:10}")
    done
    closed_days=$(awk -v to="$1" '$2 == "closed" && $1 <= to { printf "%s%s", n++ ? "," : "", $1 }' "$work/days")
    rm -f "$work/series.weft" "$work/delivered.weft"
    ingest -q "${ingest_words[@]}" --overlap replace --until "$(IFS=,; echo "${until[*]}")" \
        ${closed_days:+--closed "$closed_days"} --to "$1" -o "$work/series.weft" -- "${files[@]}"
}
recipe_options() {
    recipe_defaults
    by=${option[by]} lookback=${option[lookback]} horizon=${option[horizon]}
    measure=$1 allow_left_out=$allow
}

# The last day that the model of a day knows: a matter of the day and the table alone, so that a result made again, or
# of the whole history at once, is the same.
anchor_of() { # DAY
    local known
    case "${option[retrain]}" in
    weekly) date -u -d "$1 -$(($(date -u -d "$1" +%u) % 7)) days" +%F ;;
    never) known=$(cut -d' ' -f1 "$dir/model.key" 2>/dev/null || true); echo "${known:-$1}" ;;
    daily) echo "$1" ;;
    esac
}

# train_to DAY: $work/model.safetensors from what was sold up to a day; 65 when that is too little.
train_to() {
    table "$1"
    recipe_options no
    recipe_look
    recipe_fill
    aggregate -q --by "$by" ${count:+--count "$count"} -i "$work/series.weft" -o "$work/level.weft"
    recipe_choose
    recipe_train
}

# model_for DAY: $model is the file of its model: the directory's, one of this run's, or a new one; or empty: the recipe
# makes it of the table of that day.
model_for() {
    local anchor status=0
    anchor=$(anchor_of "$1") model=''
    key="$anchor $(fingerprint "$anchor")"
    if [ -e "$work/model-${key// /-}" ]; then
        model=$work/model-${key// /-}
    elif [ "$(cat "$dir/model.key" 2>/dev/null)" = "$key" ]; then
        model=$dir/model.safetensors
    elif [ "$anchor" != "$1" ]; then
        (train_to "$anchor") 2>"$work/why" &
        wait $! || status=$?
        if [ "$status" -eq 65 ]; then # the history does not reach back so far: the day is its own anchor until it does
            key="$1 $(fingerprint "$1")"
        elif [ "$status" -ne 0 ]; then
            cat "$work/why" >&2
            exit "$status"
        else
            model=$work/model-${key// /-}
            mv "$work/model.safetensors" "$model"
            event retrained "on what was sold up to $anchor"
        fi
    fi
}

# result DAY: its directory in the next commit.
result() {
    local out=$next/results/$1 f made
    model_for "$1"
    made=$model
    table "$1"
    recipe_options no
    [ "$1" != "$last" ] || ! promise_is_old || measure=yes
    model=$made
    recipe
    if [ -z "$made" ]; then
        made=$work/model-${key// /-}
        mv "$work/model.safetensors" "$made"
        event retrained "on what was sold up to $1"
    fi
    mkdir "$out"
    for f in ranking.csv ranking.txt forecasts.csv left-out; do
        cp "$work/$f" "$out/$f"
    done
    options >"$out/options"
    fingerprint "$1" >"$out/input"
    [ "$1" = "$last" ] || return 0
    # The newest day's model is the directory's.
    [ "$made" = "$dir/model.safetensors" ] || cp "$made" "$next/model.safetensors"
    echo "$key" >"$next/model.key"
    aggregate -q --by "$by" -i "$work/delivered.weft" -o "$work/sold.weft"
    ranked=$channel
    if [ "$measure" = yes ]; then
        cp "$work/accuracy.csv" "$next/promised.csv"
        promise >"$next/promised.key"
    fi
}

# The recipe measures itself on the latest part of the history once a week, and with other options.
promise() {
    echo "$(date -u -d "$last" +%G-%V) $(options | sha256sum | cut -c1-64)"
}
promise_is_old() {
    [ "$(cat "$dir/promised.key" 2>/dev/null)" != "$(promise)" ]
}

# is_made DAY: does its result stand on the days as they are now? Leaves the options that it is made with: its own, or
# the directory's for a day that came now.
is_made() {
    read_options "$work/options"
    grep -Fxq "$1" "$work/arrivals" || [ ! -e "$dir/results/$1/options" ] || read_options "$dir/results/$1/options"
    [ -e "$dir/results/$1/ranking.csv" ] && [ "$(cat "$dir/results/$1/input" 2>/dev/null)" = "$(fingerprint "$1")" ]
}

# The arrivals' results, the newest one, and all that may stand on a day which is other now; earliest first.
days_to_look_at() {
    local d first
    first=$(sort "$work/changed" | head -n 1)
    {
        for d in "$dir"/results/[0-9]*; do
            [ -z "$first" ] || [[ ${d##*/} < $first ]] || [ ! -d "$d" ] || echo "${d##*/}"
        done
        cat "$work/arrivals"
        echo "$last"
    } | sort -u
}

# --- the directory as it is ---

mkdir -p "$dir" || die "can't create $dir" 73
dir=$(cd "$dir" && pwd)
exec 9>"$dir/.lock"
flock -n 9 || die "another $me is at work in $dir" 75
[ ! -e "$dir/version" ] || [ "$(cat "$dir/version")" = $version ] ||
    die "$dir is of version $(head -c 20 "$dir/version"), not $version: take the weft that wrote it, or another directory" 65
finish # what a killed run had decided
rm -rf "$dir/.work" "$dir/.next.part"
mkdir "$dir/.work"
TMPDIR=$dir/.work
scratch
# The measures of the newest result stay, until there is another.
sed -n '/^# HELP weft_daily_left_out/,$p' "$dir/metrics.prom" >"$work/measures.prom" 2>/dev/null || true
load
if is_first_version; then
    migrate
    load
fi
day=$date
take_options
options >"$work/options"
begin

# --- what came ---

stage read
if [ -n "$whole" ] && [ ! -s "$work/days" ]; then
    [ -z "$dump$closed" ] || day=''
    examine "$whole" history
    [ -z "$dump$closed" ] || : >"$work/arrivals" # the dump's result is asked for, not the history's
elif [ -n "$whole" ]; then
    IFS=, read -r _ known _ _ _ _ digest < <(sed -n 2p "$work/ledger.csv")
    [ "$digest" = "$(lines_digest "$whole")" ] || die "$dir has its history; --date DAY $whole corrects it" 73
    day=${day:-$known}
    event doubled "$whole is there already"
fi
[ -z "$date" ] || day=$date
if [ -n "$dump" ]; then
    examine "$dump" dump
elif [ -n "$closed" ]; then
    close_day
fi
taken=$arrival arrival=''
[ -z "$options_changed" ] || event options "$options_changed"
last=$(tail -n 1 "$work/days" | cut -c1-10)
days_missing "$last" >"$work/missing"
while read -r d; do
    grep -q " missing $d " "$work/log" || event missing "$d has no dump"
done <"$work/missing"
arrival=$taken
say_missing() {
    [ ! -s "$work/missing" ] || echo "missing: $(paste -sd' ' "$work/missing" | sed 's/ /, /g');" \
        "--date DAY DUMP.csv when it comes, --date DAY --closed if nothing was sold"
}

# --- what follows ---

made=0
for d in $(days_to_look_at); do
    ! is_made "$d" || continue
    [ ! -e "$dir/results/$d" ] || event recomputed "the result of $d"
    making=$d
    result "$d"
    made=$((made + 1))
done
read_options "$work/options"
options >"$next/options"
cp "$work/ledger.csv" "$next/ledger.csv"
if [ "$made" -eq 0 ]; then
    metrics >"$next/metrics.prom"
    commit
    say_missing
    echo "$me: $day is done already"
    exit 0
fi
measure_results >"$next/accuracy.csv"
top_changes >"$next/changes.csv"
measures >"$work/measures.prom"
metrics >"$next/metrics.prom"
{
    say_missing
    say_accuracy
    say_changes
    recipe_notes
} >"$work/lines"
commit
going_on="the results are there"
cat "$work/lines"
echo "$me: $dir/results/$day"
recipe_status "$dir/results/$last"
