# shellcheck shell=bash disable=SC2034,SC2154  # variables are those of daily.sh
# dumps.sh - what daily.sh knows about its dumps: which days each holds, which are missing, and what happened. Sourced after
# lib.sh and recipe.sh.
#
# In $dir, the directory of a shop:
#   dumps/NNNNNN-DATE.csv    each dump as it was delivered; NNNNNN counts arrivals, DATE is the day it was given for
#   dumps/NNNNNN-DATE.days   the days that it holds, up to DATE: "DAY DIGEST" (of rows that are not 0), or "DAY closed"
#   ledger.csv               a row an arrival: number, date, kind (history, dump, closed), first and last day, how
#                            many days, digest of its lines
#   log                      "DATE EVENT TEXT", dated by the dump; each event stands there once
#   .next                    what a run changes, whole or not there: a run that was killed among the renames is ended
#                            by the next one
#
# A day belongs to the last arrival that holds it. All that are known stand in $work/days ("DAY DIGEST ARRIVAL",
# sorted).

version=2 # of the directory
event_names="missing late corrected overlapping early empty doubled refused closed options retrained recomputed"

# --- log and commits ---

event() { # NAME TEXT
    local line="$day $1 $2${arrival:+ (arrival $arrival)}"
    grep -Fxqs "$line" "$work/log" || echo "$line" >>"$work/log"
}
arrival='' # that the events are about

# What the directory knows, is in $work.
load() {
    arrival=''
    cp "$dir/log" "$work/log" 2>/dev/null || : >"$work/log"
    cp "$dir/ledger.csv" "$work/ledger.csv" 2>/dev/null ||
        echo number,date,kind,first,last,days,digest >"$work/ledger.csv"
    : >"$work/changed"
    : >"$work/arrivals"
    days_known >"$work/days"
}

# refuse NAME TEXT [STATUS]: nothing joins; that it came stands in the log.
refuse() {
    load
    [ "$1" = refused ] || event "$1" "$2"
    event refused "$2"
    begin
    metrics >"$next/metrics.prom"
    commit
    die "$2; it was not taken" "${3:-65}"
}

next=
begin() {
    next=$dir/.next.part
    rm -rf "$next"
    mkdir -p "$next/dumps" "$next/results" || die "can't write in $dir" 73
    echo $version >"$next/version"
}

# Everything is on the disk before .next gets its name; from there on there are only renames.
commit() {
    cp "$work/log" "$next/log"
    find "$next" -exec sync {} + || die "can't write in $dir" 74
    mv -T "$next" "$dir/.next"
    finish
}

# What a commit holds gets its place. Any part of it may have it already.
finish() {
    local f name
    [ -d "$dir/.next" ] || return 0
    mkdir -p "$dir/dumps" "$dir/results"
    [ ! -e "$dir/.next/gone" ] || while read -r f; do rm -f "$dir/$f"; done <"$dir/.next/gone"
    rm -f "$dir/.next/gone"
    for f in "$dir"/.next/dumps/*; do
        [ ! -e "$f" ] || mv "$f" "$dir/dumps/"
    done
    for f in "$dir"/.next/results/*; do
        [ -e "$f" ] || continue
        name=$dir/results/${f##*/}
        rm -rf "$dir/results/.old"
        [ ! -e "$name" ] || mv -T "$name" "$dir/results/.old"
        mv -T "$f" "$name"
    done
    rm -rf "$dir/results/.old"
    for f in "$dir"/.next/*; do
        [ -d "$f" ] || mv "$f" "$dir/"
    done
    point_to_newest
    rm -rf "$dir/.next"
}

# A day that is filled in later does not become the latest.
point_to_newest() {
    local newest
    newest=$(cd "$dir/results" && ls -d [0-9]*-[0-9]*-[0-9]* 2>/dev/null | sort | tail -n 1 || true)
    [ -n "$newest" ] && [ "$(readlink "$dir/results/latest" || true)" != "$newest" ] || return 0
    ln -sfn "$newest" "$dir/results/.latest.part"
    mv -T "$dir/results/.latest.part" "$dir/results/latest"
}

# --- days ---

# lines_digest FILE: the same for the same lines in another order, with other line ends or a byte order mark.
lines_digest() {
    LC_ALL=C sed '1s/^\xef\xbb\xbf//; s/\r$//' "$1" | LC_ALL=C sort | sha256sum | cut -c1-64
}

# days_held STREAM: "DAY DIGEST" for each day on which a series has a row.
days_held() {
    local keys roles all targets='' i at
    head=$(head_of "$1")
    mapfile -t keys < <(attribute keys)
    mapfile -t all < <(attribute channels)
    mapfile -t roles < <(attribute roles)
    at=$((2 + ${#keys[@]})) # id, keys, date, channels
    for i in "${!all[@]}"; do
        [ "${roles[i]:-target}" != target ] || targets+=" $((at + 1 + i))"
    done
    frames csv "$1" | csv_plain | awk -F, -v OFS=, -v at="$at" -v targets="$targets" '
        BEGIN { n = split(targets, t, " ") }
        NR > 1 {
            held = sold = 0
            for (i = 1; i <= n; i++) { if ($t[i] != "") held = 1; if ($t[i] + 0 != 0) sold = 1 }
            day = substr($at, 1, 10)
            if (held && !(day in seen)) { seen[day]; print day }
            if (sold) { $at = substr($at, 11); print day, $0 }
        }' | LC_ALL=C sort | awk -F, '
        $1 != day { if (day != "") close(digest); day = $1; digest = "sha256sum | sed \"s/^/" day " /; s/  -$//\"" }
        { print substr($0, 12) | digest }' || culprit "frames awk sort awk" "${PIPESTATUS[@]}"
}

# The days that all arrivals hold together; arguments: further .days files, which arrived last.
days_known() {
    local f
    for f in "$dir"/dumps/*.days "$@"; do
        [ -e "$f" ] || continue
        awk -v from="${f##*/}" '{ print $0, substr(from, 1, 6) }' "$f"
    done | awk '{ day[$1] = $2 " " $3 } END { for (d in day) print d, day[d] }' | LC_ALL=C sort
}

# fingerprint DAY: of everything that a result of that day stands on.
fingerprint() {
    { awk -v to="$1" '$1 <= to { print $1, $2 }' "$work/days"; options; } | sha256sum | cut -c1-64
}

day_after() {
    date -u -d "$1 +1 day" +%F
}

# Days before $1 that no dump holds. Inside of the first arrival, the history, days without a row are its own affair.
days_missing() {
    local first last day held
    IFS=, read -r _ _ _ first last _ < <(sed -n 2p "$work/ledger.csv")
    day=$(day_after "$last")
    # From one held day to the next one: most are neighbours, and ask for nothing.
    { awk -v from="$last" '$1 > from { print $1 }' "$work/days"; echo "$1"; } | while read -r held; do
        [[ ! $held > $1 ]] || break
        while [[ $day < $held ]]; do
            echo "$day"
            day=$(day_after "$day")
        done
        day=$(day_after "$held")
    done
}

# --- one dump ---

# examine FILE KIND: joins the ledger as one more arrival, given for $day, or is refused. A history's day is its last
# one, where none was given.
examine() {
    local file=$1 kind=$2 lines other status=0
    arrival=''
    ! is_stream "$file" || die "$file is a stream, and a dump is a table in CSV: the directory keeps what was delivered"
    lines=$(lines_digest "$file")
    # shellcheck disable=SC2086
    ingest -q "${ingest_words[@]}" -o "$work/dump.weft" -- "$file" 2>"$work/why" || status=$?
    if [ "$status" -eq 0 ]; then
        days_held "$work/dump.weft" >"$work/held"
        [ "$(attribute step)" = day ] ||
            refuse refused "$file has steps of another length than a day (${option[ingest]}): forecast.sh takes every step"
    elif is_empty "$file"; then
        : >"$work/held"
    else
        cat "$work/why" >&2
        refuse refused "ingest can't read $file" "$status"
    fi
    [ -n "$day" ] || day=$(tail -n 1 "$work/held" | cut -c1-10)
    if [ ! -s "$work/held" ]; then
        [ -n "$closed" ] || refuse empty "$file has no row; --closed if nothing was sold on $day"
        close_day
        return
    fi
    other=$(awk -F, -v lines="$lines" -v day="$day" '$7 == lines && $2 != day { d = $2 } END { print d }' "$work/ledger.csv")
    [ -z "$other" ] || refuse doubled "$file is the dump of $other again, not one of $day; --date $other if that is its day"
    grep -q "^$day " "$work/held" ||
        refuse refused "$file has no row of $day, its last day is $(tail -n 1 "$work/held" | cut -c1-10);$(
            echo " --date DAY if that is its day, --closed without it if nothing was sold on $day")"
    if [ "$lines" = "$(awk -F, -v day="$day" '$2 == day { d = $7 } END { print d }' "$work/ledger.csv")" ]; then
        event doubled "$file is there already"
        echo "$day" >>"$work/arrivals"
        return
    fi
    goes_with_the_first "$file"
    join "$file" "$kind" "$lines"
}

# goes_with_the_first FILE: has the columns that the first dump has, or is refused before it joins: else no later run could read the dumps.
goes_with_the_first() {
    local first status=0
    for first in "$dir"/dumps/*.csv "$next"/dumps/*.csv; do
        [ ! -e "$first" ] || break
    done
    [ -e "$first" ] || return 0
    ingest -q "${ingest_words[@]}" --overlap replace -o "$work/both.weft" -- "$first" "$1" 2>"$work/why" || status=$?
    [ "$status" -ne 0 ] || { rm "$work/both.weft"; return 0; }
    refuse refused "$(sed -n '1s/^ingest: //p' "$work/why"); each dump has the columns of the first, $first" "$status"
}

# join FILE KIND DIGEST: the dump whose days stand in $work/held is kept.
join() {
    local name
    next_arrival
    awk -v to="$day" '$1 <= to' "$work/held" >"$next/dumps/$name.days"
    [ "$(wc -l <"$work/held")" -eq "$(wc -l <"$next/dumps/$name.days")" ] ||
        event early "$1 has rows of days after it, which wait for their own dumps"
    cp "$1" "$next/dumps/$name.csv" || die "can't write in $dir" 74
    arrived "$name" "$2" "$3"
}
next_arrival() {
    arrival=$(wc -l <"$work/ledger.csv")
    name=$(printf '%06d-%s' "$arrival" "$day")
}

# arrived NAME KIND DIGEST: the ledger's row, and what the arrival means for the days.
arrived() {
    local days=$next/dumps/$1.days newest d same
    newest=$(tail -n 1 "$work/days" | cut -c1-10)
    awk 'NR == FNR { was[$1] = $2; next }
        !($1 in was) { print $1, "new"; next }
        { print $1, was[$1] == $2 ? "same" : "corrected" }' "$work/days" "$days" >"$work/what"
    if [ "$overlap" = refuse ] && grep -qv ' new$' "$work/what"; then
        same=$(awk '$2 != "new" { print $1; exit }' "$work/what")
        refuse overlapping "the dump of $day holds days that are there already, from $same on; --overlap replace takes them" 73
    fi
    awk -v OFS=, -v row="$arrival,$day,$2" -v digest="$3" 'NR == 1 { first = $1 } END { print row, first, $1, NR, digest }' \
        "$days" >>"$work/ledger.csv"
    [ -z "$newest" ] || [[ ! $day < $newest ]] || ! grep -q "^$day new" "$work/what" ||
        event late "came after the dump of $newest"
    while read -r d; do
        event corrected "$d has other rows than before"
    done < <(awk '$2 == "corrected" { print $1 }' "$work/what")
    same=$(grep -c ' same$' "$work/what" || true)
    [ "$same" -eq 0 ] ||
        event overlapping "days that were there with the same rows: $same, from $(grep -m 1 ' same$' "$work/what" | cut -c1-10) on"
    awk '$2 != "same" { print $1 }' "$work/what" >>"$work/changed"
    echo "$day" >>"$work/arrivals"
    days_known "$next"/dumps/*.days >"$work/days"
}

# The shop sold nothing on $day.
close_day() {
    local name
    if grep -q "^$day closed " "$work/days"; then
        echo "$day" >>"$work/arrivals"
        return
    fi
    [ -s "$work/days" ] || die "$dir has no dump yet, and needs one before a closed day"
    ! grep -q "^$day " "$work/days" || refuse refused "$day has sales already; a dump of it takes their place"
    next_arrival
    echo "$day closed" >"$next/dumps/$name.days"
    event closed "nothing was sold"
    arrived "$name" closed ''
}

# A table of a header, or of nothing, has no rows: ingest has other words for some of them.
is_empty() {
    [ "$(LC_ALL=C tr -d '\r' <"$1" | LC_ALL=C sed '/^[,;\t ]*$/d' | head -n 2 | wc -l)" -lt 2 ]
}

# --- a directory of the first version: dumps/DATE.csv, which were added up, and options in model.week ---

is_first_version() {
    [ ! -e "$dir/version" ] && ls "$dir"/dumps/[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].csv >/dev/null 2>&1
}

# Its dumps join the ledger in the order of their dates. Its results stay as they are until a dump changes a day that
# they stand on.
migrate() {
    local f kept overlap=replace
    local made='^[0-9]+-[0-9]+ --by ([^ ]+) --lookback ([0-9]+) --horizon ([0-9]+) --ingest (.*)$'
    option=([by]=minor [lookback]=56 [horizon]=28 [ingest]='--layout long' [retrain]=weekly)
    if [[ $(cat "$dir/model.week" 2>/dev/null) =~ $made ]]; then
        option[by]=${BASH_REMATCH[1]} option[lookback]=${BASH_REMATCH[2]}
        option[horizon]=${BASH_REMATCH[3]} option[ingest]=${BASH_REMATCH[4]}
    fi
    for f in "${!given[@]}"; do option[$f]=${given[$f]}; done
    split_words --ingest "${option[ingest]}"
    ingest_words=("${words[@]}")
    begin
    options >"$next/options"
    for f in "$dir"/dumps/[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].csv; do
        kept=${f##*/}
        echo "dumps/$kept" >>"$next/gone"
        day=${kept%.csv}
        ingest -q "${ingest_words[@]}" -o "$work/dump.weft" -- "$f"
        days_held "$work/dump.weft" >"$work/held"
        arrival=''
        if grep -q "^$day " "$work/held"; then
            join "$f" dump "$(lines_digest "$f")"
        else
            event refused "$kept, taken by an earlier version, has no row of its day: left out"
            echo "$me: $kept, taken by an earlier version, has no row of its day: left out" >&2
        fi
    done
    echo model.week >>"$next/gone"
    cp "$work/ledger.csv" "$next/ledger.csv"
    metrics >"$next/metrics.prom"
    commit
    echo "$me: $dir was of the first version: its dumps are in the ledger; its results stay until a dump changes their days" >&2
}
