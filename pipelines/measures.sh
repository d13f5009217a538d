# shellcheck shell=bash disable=SC2034,SC2154  # variables are those of daily.sh
# measures.sh - what daily.sh says about its results: forecasts against what was sold since, the first ten against those of
# the day before, and gauges for Prometheus. Sourced after dumps.sh. The newest result is that of $last, $ranked is the
# channel that its ranking ranks.

# results_there: the directories of all results as they will be after the commit, earliest first.
results_there() {
    local d
    for d in "$dir"/results/[0-9]* "$next"/results/[0-9]*; do
        [ -d "$d" ] && [ ! -L "$d" ] || continue
        [ "${d%/*}" = "$next/results" ] || [ ! -e "$next/results/${d##*/}" ] || continue
        echo "${d##*/} $d"
    done | sort | cut -d' ' -f2-
}

# accuracy.csv: a row a result, on those of its days that have sales now. WAPE: sum of absolute errors over the sum of
# absolute sales; bias: mean of forecast - sales; coverage: share of sales within the 5 % and 95 % quantiles.
measure_results() {
    local d
    frames csv "$work/sold.weft" | csv_plain >"$work/sold" || culprit "frames awk" "${PIPESTATUS[@]}"
    promised >"$work/promised"
    echo date,steps,groups,wape,bias,coverage,promised_wape,promised_coverage
    results_there | while read -r d; do
        [[ ${d##*/} < $last ]] && [ -e "$d/forecasts.csv" ] || continue
        csv_today "$d/forecasts.csv" |
            awk -F, -v date="${d##*/}" -v channel="$ranked" -v promised="$(cat "$work/promised")" '
            FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
            NR == FNR { sold[$1, $(at["date"])] = $(at[channel]); next }
            $(at["channel"]) == channel && $(at["forecast"]) != "" && (a = sold[$1, $(at["date"])]) != "" {
                low = $(at["q0_05"]); high = $(at["q0_95"]); e = $(at["forecast"]) - a
                n++; error += e < 0 ? -e : e; size += a < 0 ? -a : a; sum += e
                days[$(at["date"])]; groups[$1]
                if (low != "" && high != "") { bounds++; covered += a + 0 >= low + 0 && a + 0 <= high + 0 }
            }
            END {
                if (!n) exit
                for (i in days) steps++
                for (i in groups) ids++
                wape = size ? sprintf("%.6g", error / size) : ""
                coverage = bounds ? sprintf("%.6g", covered / bounds) : ""
                printf "%s,%d,%d,%s,%.6g,%s,%s\n", date, steps, ids, wape, sum / n, coverage, promised
            }' "$work/sold" -
    done
}

# What the recipe measured last on the latest part of the history: "WAPE,COVERAGE".
promised() {
    local file=$next/promised.csv
    [ -e "$file" ] || file=$dir/promised.csv
    [ -e "$file" ] || { echo ,; return; }
    csv_plain "$file" | awk -F, -v channel="$ranked" '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $(at["channel"]) == channel && $(at["model"]) == "model" && !found {
            found = 1
            printf "%.6g,%s\n", $(at["wape"]), $(at["coverage_90"]) == "" ? "" : sprintf("%.6g", $(at["coverage_90"]))
        }
        END { if (!found) print "," }'
}

# changes.csv: the first ten of the newest result and of the one before, and why they are where they are. $work/changes
# is the same for awk.
top_changes() {
    local now before
    now=$(results_there | tail -n 1) before=$(results_there | tail -n 2 | head -n 1)
    [ "$now" != "$before" ] || before=
    {
        [ -z "$before" ] || csv_today "$before/ranking.csv"
        echo =
        csv_today "$now/ranking.csv"
    } | awk -F, -v OFS=, -v channel="$ranked" -v before="$before" '
        BEGIN { header = 1 }
        $0 == "=" { now = header = 1; next }
        header { for (i = 1; i <= NF; i++) at[$i] = i; header = 0; next }
        $(at["channel"]) != channel || $(at["rank"]) == "" { next }
        { id = $(at["name"]) }
        !now { was[id] = $(at["rank"]); grew[id] = $(at["growth"]); if (was[id] <= 10) old[++m] = id; next }
        { rank[id] = $(at["rank"]); growth[id] = $(at["growth"]); reason[id] = $(at["reason"]) }
        rank[id] <= 10 { name[++n] = id }
        function row(id, change) { print id, change, rank[id], was[id], growth[id], grew[id], reason[id] }
        END {
            print "name,change,rank,rank_before,growth,growth_before,reason"
            for (i = 1; i <= n; i++) {
                id = name[i]
                if (!(id in was) || was[id] > 10) change = "new"
                else change = rank[id] == was[id] ? "stays" : "moved"
                if (before == "") change = "first"
                row(id, change)
            }
            for (i = 1; i <= m; i++) if (!(old[i] in rank) || rank[old[i]] > 10) row(old[i], "gone")
        }' >"$work/changes"
    csv_whole "$work/changes"
}

# --- a run's lines ---

say_changes() {
    awk -F, '
        NR == 1 || $2 == "stays" || $2 == "first" { next }
        {
            text = $1 " " $4 " to " $3
            if ($2 == "new") text = $1 " is new at " $3 ($4 == "" ? "" : ", was " $4)
            if ($2 == "gone") text = $1 " is gone" ($3 == "" ? "" : ", now " $3)
            if ($5 != "" && $6 != "") text = text sprintf(" (growth %.3f to %.3f)", $6, $5)
            if ($7 != "" && $2 == "new") text = text ": " $7
            all = all (n++ ? "; " : "") text
        }
        END { if (n) print "top ten: " all }' "$work/changes" >"$work/line"
    csv_whole "$work/line"
}
say_accuracy() {
    tail -n +2 "$next/accuracy.csv" | tail -n 1 | awk -F, '
        function share(x) { return x == "" ? "-" : sprintf("%.1f %%", 100 * x) }
        {
            printf "forecasts of %s against the sales of %d %s: ", $1, $2, $2 == 1 ? "day" : "days"
            printf "WAPE %s (promised %s), bias %+.4g, coverage %s (promised %s)\n", share($4), share($7), $5, share($6), share($8)
        }'
}

# --- Prometheus ---

gauge() { # NAME HELP VALUE; without a value nothing
    [ -z "$3" ] || printf '# HELP weft_daily_%s %s\n# TYPE weft_daily_%s gauge\nweft_daily_%s %s\n' "$1" "$2" "$1" "$1" "$3"
}

# $work/measures.prom: gauges of the newest result. A run without one (a dump that was refused) keeps those that are
# there.
measures() {
    local from wape bias coverage promised_wape promised_coverage
    IFS=, read -r from _ _ wape bias coverage promised_wape promised_coverage < <(tail -n 1 "$next/accuracy.csv")
    [ "$from" != date ] || wape='' bias='' coverage='' promised_wape='' promised_coverage=''
    gauge left_out "Groups without a forecast." "$(cut -f1 "$next/results/$last/left-out" | sort -u | wc -l)"
    gauge wape "Sum of absolute errors over sales of the newest forecasts that have sales now." "$wape"
    gauge bias "Mean of forecast - sales." "$bias"
    gauge coverage "Share of sales within the interval of 90 %." "$coverage"
    gauge promised_wape "The same on the latest part of the history, as backtested." "$promised_wape"
    gauge promised_coverage "The same for the intervals." "$promised_coverage"
    gauge top_ten_new "Groups among the first ten that were not there in the result before." \
        "$(awk -F, '$2 == "new"' "$work/changes" | wc -l)"
}

# metrics: all that is known about the directory, for node_exporter's textfile collector.
metrics() {
    local e d last
    echo "# HELP weft_daily_events_total Events of the log, by kind."
    echo "# TYPE weft_daily_events_total counter"
    for e in $event_names; do
        echo "weft_daily_events_total{event=\"$e\"} $(awk -v e="$e" '$2 == e { n++ } END { print n + 0 }' "$work/log")"
    done
    gauge dumps "Dumps and closed days that were taken." "$(($(wc -l <"$work/ledger.csv") - 1))"
    last=$(tail -n 1 "$work/days" | cut -c1-10)
    [ -n "$last" ] || return 0
    gauge last_day_timestamp_seconds "Begin (UTC) of the last day that is there; time() minus this is its age." \
        "$(date -u -d "$last" +%s)"
    days_missing "$last" >"$work/missing"
    gauge missing_days "Days without a dump." "$(wc -l <"$work/missing")"
    [ ! -s "$work/missing" ] ||
        printf '# HELP weft_daily_missing_day %s\n# TYPE weft_daily_missing_day gauge\n' "A day without a dump, until it comes."
    while read -r d; do
        echo "weft_daily_missing_day{day=\"$d\"} 1"
    done <"$work/missing"
    cat "$work/measures.prom"
}
