# shellcheck shell=bash disable=SC2034,SC2154  # variables are those of the caller
# recipe.sh - from series of what was sold to forecasts and a ranking: the one way that forecast.sh, daily.sh and from-postgres.sh go, so that the same series
# and options give the same ranking.csv, byte for byte. Sourced after lib.sh; reads and writes files of $work.
#
# Options are variables, set by recipe_defaults and then by the caller; an empty one means the default.
#   by        what is forecast and ranked: a key of the series, or id (default: minor where it is a key, else id)
#   horizon   steps to forecast (default: 28 days, 20 working days, 8 weeks, 6 months, 4 quarters, 168 hours)
#   lookback  steps to look back on (default: chosen, in whole seasons, at most a year and the horizon)
#   near far  steps of the growth index A:B (default: those of rank)
#   top       rows of ranking.txt
#   model     a model file that forecasts; empty: one is trained, $work/model.safetensors
#   best      yes: train-ensemble's choice of factors, the linear model and baselines in place of the linear model alone
#   allow_left_out  yes: recipe_status ends with 0 though groups have no forecast
#   measure   yes: accuracy beside baselines; changes nothing else
#
# recipe: from $work/series.weft to
#   delivered.weft, series.weft                                 as they were delivered, and with short gaps filled for the models' input
#   level.weft, forecasts.weft, reasons.weft, ranking.weft      streams; level and forecasts hold active products and brands, too, for the ranking
#   model.safetensors (unless one was given), short.safetensors where groups have too little history for it, accuracy.txt and accuracy.csv (measure=yes)
#   forecasts.csv, ranking.csv, ranking.txt                     of the channels that the series came with
#   left-out                                                    a line a group and channel without a forecast, and why; empty when all have one
#   filled                                                      a line a series with filled steps: its id, its first step, and which they are, from 0 on
# and sets channel (what is ranked), channels (all that are forecast and were asked for), beside (how many others the series have), step,
# steps (how many have sales), season, scale (of windows: standard or none), level (of channels beside the sales), and the options that were empty.

recipe_defaults() {
    by='' horizon='' lookback='' near='' far='' top=10 model='' measure=yes best='' allow_left_out=''
}

# attribute NAME: a number, a text, or a list (one element a line) of the stream's head in $head.
attribute() {
    local text='"([^"\\]|\\.)*"' list
    if [[ $head =~ \"$1\":\[(($text,?)*)\] ]]; then
        list=${BASH_REMATCH[1]}
        while [[ $list =~ ^\"(([^\"\\]|\\.)*)\",?(.*)$ ]]; do
            list=${BASH_REMATCH[3]}
            printf '%b\n' "${BASH_REMATCH[1]//\\\//\/}"
        done
    elif [[ $head =~ \"$1\":\"(([^\"\\]|\\.)*)\" ]] || [[ $head =~ \"$1\":([0-9]+) ]]; then
        printf '%s\n' "${BASH_REMATCH[1]}"
    fi
}
head_of() {
    frames head -n 1 "$1" | frames show --elements 1 | sed -n 1p
}

# What follows from the step: a season, how far back is far enough, how far back all must reach, which gaps are filled and how, and baselines with how many
# steps each needs.
recipe_step() {
    local seconds
    fill=carry fill_max=4 short=8
    case "$step" in
    day) season=7 unit=7 most=364 ahead=28 short=28 fill=seasonal:7 fill_max=28 baselines=(seasonal-naive:7 mean:28 lag-growth:364:28) ;;
    week) season=52 unit=1 most=52 ahead=8 baselines=(seasonal-naive:52 mean:8 lag-growth:52:4) ;;
    month) season=12 unit=1 most=36 ahead=6 fill=seasonal:12 fill_max=2 baselines=(seasonal-naive:12 mean:12 lag-growth:12:3) ;;
    quarter) season=4 unit=1 most=16 ahead=4 short=4 fill=seasonal:4 fill_max=1 baselines=(seasonal-naive:4 mean:4 lag-growth:4:2) ;;
    business-day) season=5 unit=5 most=260 ahead=20 short=20 fill=seasonal:5 fill_max=20 baselines=(seasonal-naive:5 mean:20 lag-growth:260:20) ;;
    hour) season=24 unit=24 most=672 ahead=168 short=168 fill=seasonal:168 fill_max=168 baselines=(seasonal-naive:168 seasonal-naive:24 mean:168) ;;
    *)
        season=1 unit=1 most=364 ahead=28 baselines=(mean:28)
        if [[ $step =~ ^([1-9][0-9]*)s$ ]] && seconds=${BASH_REMATCH[1]} && [ $((86400 % seconds)) -eq 0 ] && [ "$seconds" -lt 86400 ]; then
            season=$((86400 / seconds)) unit=$season short=$season fill=seasonal:$season fill_max=$season most=$((season < 168 ? 4 * season : 672)) ahead=$season
            baselines=("seasonal-naive:$season" "mean:$season")
        fi
        ;;
    esac
}

# The baselines that the first window of the test part (the last 20%) has the history for, as score takes them: the longest season that fits first, else naive.
recipe_baselines() {
    local b reach more season_of='' rest=''
    for b in "${baselines[@]}"; do
        IFS=: read -r _ reach more <<<"$b"
        [ $((5 * (reach + ${more:-0} + horizon) / 4)) -le "$steps" ] || continue
        if [[ $b != seasonal-naive:* ]]; then
            rest+=,$b
        elif [ -z "$season_of" ]; then
            season_of=$b
        fi
    done
    echo ",${season_of:-naive}$rest"
}

# What the series are: channels with their roles, the step, and the options that follow from these.
recipe_look() {
    local i all roles keys
    head=$(head_of "$work/series.weft")
    [ "$(attribute schema)" = series/1 ] || die "a stream of $(attribute schema), and this needs series; see weft ingest --help" 65
    mapfile -t all < <(attribute channels)
    mapfile -t roles < <(attribute roles)
    mapfile -t keys < <(attribute keys)
    channels=() beside=0
    for i in "${!all[@]}"; do
        case "${roles[i]:-target}" in
        target) channels+=("${all[i]}") ;;
        *) beside=$((beside + 1)) ;;
        esac
    done
    [ "${#channels[@]}" -gt 0 ] || die "the series have no channel to forecast" 65
    channel=${channels[0]} step=$(attribute step) steps=$(attribute known)
    steps=${steps:-$(attribute length)}
    recipe_step
    [ -n "$horizon" ] || horizon=$ahead
    [[ $horizon =~ ^[1-9][0-9]{0,5}$ ]] || die "--horizon: a number of steps from 1 on, not $horizon"
    # The train part (64% of the history) holds at least twice as many windows as a window has steps; a longer lookback, which leaves windows of four horizons, is
    # tried against it.
    lookbacks=("$lookback") scale=standard level=0
    if [ -z "$lookback" ]; then
        lookback=$(((steps * 64 / 100 - horizon) / 3 / unit * unit))
        [ "$lookback" -le $((most + horizon)) ] || lookback=$((most + horizon))
        if [ "$lookback" -lt "$unit" ] || [ "$lookback" -lt 4 ]; then
            die "$steps steps ($step) are too few for a horizon of $horizon; give --horizon, or a longer history" 65
        fi
        lookbacks=("$lookback" $(((steps * 64 / 100 - 5 * horizon) / unit * unit)))
        [ "${lookbacks[1]}" -le $((most + horizon)) ] || lookbacks[1]=$((most + horizon))
        [ "${lookbacks[1]}" -gt "$lookback" ] || unset 'lookbacks[1]'
    fi
    if [ -z "$by" ]; then
        by=id
        for i in "${keys[@]}"; do
            [ "$i" != minor ] || by=minor
        done
    fi
    # Who sells is forecast, too: series with sales, and brands where there are any; unless the series bring it.
    count=active
    for i in "${keys[@]}"; do
        [ "$i" != brand ] || count=active,brands
    done
    for i in "${all[@]}"; do
        case "$i" in active | brands) count= ;; esac
    done
}

# rows_asked: of a CSV with a column channel, the rows of channels that were asked for; what was counted for the ranking is left out.
rows_asked() {
    csv_plain | awk -F, -v counted="$count" '
        BEGIN { n = split(counted, name, ","); for (i = 1; i <= n; i++) out[name[i]] }
        NR == 1 { for (i = 1; i <= NF; i++) if ($i == "channel") at = i }
        !(at && $at in out)' | tr '\001\002' ',\n'
}

# Short gaps are filled in what the models see, and in nothing that the ranking says of the past: a single missing day would leave its group without a
# forecast for as long as a model looks back.
recipe_fill() {
    local text='(([^"\]|\\.)*)'
    mv "$work/series.weft" "$work/delivered.weft"
    covariates -q --fill "$fill" --fill-max "$fill_max" -i "$work/delivered.weft" -o "$work/series.weft"
    frames show --elements 1 "$work/series.weft" | sed -nE "1d; s/^\{\"id\":\"$text\".*\"start\":\"([^\"]*)\".*\"filled\":\[([0-9,]+)\].*/\1\t\3\t\4/p" >"$work/filled"
}

# recipe_windows LOOKBACK SCALE FILE: of the channels that were asked for, to be trained on the first 64% and measured on the last 20%.
recipe_windows() {
    aggregate -q --by "$by" -i "$work/series.weft" |
        window -q --lookback "$1" --horizon "$horizon" --scale "$2" --split 0.64,0.16,0.20 -o "$3" || culprit "aggregate window" "${PIPESTATUS[@]}"
}
# recipe_try LOOKBACK SCALE LEVEL: tried.weft and tried.safetensors, a model of those windows, chosen by the folds of the first 64% and the 16% after it; each channel
# has weights of its own.
recipe_try() {
    recipe_windows "$1" "$2" "$work/tried.weft"
    train-dlinear -q --tune --exog auto --exog-level "$3" -i "$work/tried.weft" -o "$work/tried.safetensors"
}
# What was tried last is what is measured.
recipe_take() {
    mv "$work/tried.weft" "$work/windows.weft"
    mv "$work/tried.safetensors" "$work/test.safetensors"
}

# How far back models may look, whether each series has its scale (groups of 10 and of 10,000 a day then share shapes, not errors in units), and how far back the
# level goes that channels beside the sales act in proportion to (0: all of it): what forecasts those 16% with the least error, relative to what was sold. The
# last 20% play no part.
recipe_choose() {
    local l least=''
    rm -f "$work/test.safetensors"
    [ "$best" != yes ] || return 0 # members are trained before folds too, where a longer lookback leaves no window
    for l in "${lookbacks[@]}"; do
        recipe_weigh "$l" standard 0
    done
    recipe_weigh "$lookback" none 0
    [ "$beside" -eq 0 ] || [ $((4 * season)) -ge "$lookback" ] || recipe_weigh "$lookback" "$scale" $((4 * season))
}
recipe_weigh() { # LOOKBACK SCALE LEVEL: they are taken when they are better than the best so far
    local wape
    (recipe_try "$@" && score -q -m "$work/tried.safetensors" --part valid -i "$work/tried.weft" -o "$work/valid.weft" &&
        evaluate -q --format csv -i "$work/valid.weft" -o "$work/valid.csv") 2>"$work/why" || return 0
    wape=$(csv_plain "$work/valid.csv" | awk -F, -v channel="$channel" 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
        $c["channel"] == channel { print $c["wape"]; exit }')
    if [[ $wape =~ ^[0-9] ]] && { [ -z "$least" ] || awk -v a="$wape" -v b="$least" 'BEGIN { exit !(a < b) }'; }; then
        least=$wape lookback=$1 scale=$2 level=$3
        recipe_take
    fi
}

# What --best chooses among, as options of train-ensemble: factors know days and weeks; what is planned is used where the plan reaches as far as the forecast.
recipe_members() { # [--refit]
    local b all exog=()
    if [ "$beside" -gt 0 ]; then
        [ "$(($(attribute length) - steps))" -ge "$horizon" ] && exog=(--exog level) || exog=(--exog none)
    fi
    members=(--member "linear=train-dlinear -q --tune $* ${exog[*]}")
    case "$step" in day | week) members=(--member "factors=train-dlinear -q --factors auto $* ${exog[*]}" "${members[@]}") ;; esac
    IFS=, read -ra all <<<"$(recipe_baselines)"
    for b in "${all[@]}"; do [ -z "$b" ] || members+=(--member "$b"); done
}
# From windows on standard input to the model FILE. What an ensemble holds and beat is kept for the notes.
recipe_ensemble() { # FILE [--refit]
    local series folds
    series=$(frames count "$work/level.weft" | awk '{ print $2; exit }')
    folds=$(((39 + series - 1) / series)) # an error of each step by fold and series, and bounds of 90 % stand on 19: twice as many
    [ "$folds" -ge 3 ] || folds=3
    [ "$folds" -le 12 ] || folds=12
    recipe_members "${@:2}"
    train-ensemble --folds "$folds" "${members[@]}" -o "$1" 2>"$work/chosen.log" || { tail -n 3 "$work/chosen.log" >&2; return 1; }
    grep -o 'train-ensemble: .*\(in [0-9]* fold\).*' "$work/chosen.log" | sed 's/^train-ensemble: //' >"$work/chosen"
}

# Measured on the last 20%.
recipe_measure() {
    stage measure
    if [ "$best" = yes ]; then
        recipe_windows "$lookback" "$scale" "$work/windows.weft"
        recipe_ensemble "$work/test.safetensors" <"$work/windows.weft"
    elif [ ! -e "$work/test.safetensors" ]; then # nothing that was tried could be weighed
        recipe_try "$lookback" "$scale" "$level"
        recipe_take
    fi
    score -q -m "model=$work/test.safetensors$(recipe_baselines)" --part test --quantiles 0.05,0.95 -i "$work/windows.weft" -o "$work/test.weft"
    evaluate -q -i "$work/test.weft" -o "$work/accuracy.txt"
    evaluate -q --format csv -i "$work/test.weft" -o "$work/accuracy.csv"
}

# The validation part: 15%, or as much as bounds of 90% need, which stand on 19 errors of each step; at most the 36% that a measured model does without.
recipe_split() {
    local valid=$((horizon + 18))
    [ "$valid" -le $((steps * 36 / 100)) ] || valid=$((steps * 36 / 100))
    if [ "$valid" -le $((steps * 15 / 100)) ]; then echo 0.85,0.15,0; else echo "$((steps - valid)),$valid,0"; fi
}

# Chosen and measured on the last 15%, or more, fitted on everything.
recipe_train() {
    stage train
    if [ "$best" = yes ]; then
        window -q --lookback "$lookback" --horizon "$horizon" --scale "$scale" --split "$(recipe_split)" -i "$work/level.weft" |
            recipe_ensemble "$work/model.safetensors" --refit || culprit "window train-ensemble" "${PIPESTATUS[@]}"
        return
    fi
    recipe_fit "$lookback" "$work/model.safetensors" --log "$work/train.log"
}
recipe_fit() { # LOOKBACK FILE [OPTION...]
    window -q --lookback "$1" --horizon "$horizon" --scale "$scale" --split "$(recipe_split)" -i "$work/level.weft" |
        train-dlinear -q --tune --refit --exog auto --exog-level "$level" "${@:3}" -o "$2" || culprit "window train-dlinear" "${PIPESTATUS[@]}"
}

# Groups with too little history for the model, or of which a channel that it looks at isn't known ahead, have one that looks back less and at sales alone, made from all
# groups; it forecasts no other.
recipe_short() {
    local text='(([^"\]|\\.)*)'
    [ -s "$work/left-out" ] && { [ "$short" -lt "$lookback" ] || [ "$beside" -gt 0 ]; } || return 0
    [ "$short" -lt "$lookback" ] || short=$lookback
    frames show "$work/level.weft" | awk -F'\t' 'NR == FNR { out[$1] = 1; next }
        FNR == 1 { print; next }
        match($0, /^\{"id":"([^"\\]|\\.)*"/) && substr($0, 8, RLENGTH - 8) in out' "$work/left-out" - |
        frames from-json -o "$work/level-short.weft" || culprit "frames awk frames" "${PIPESTATUS[@]}"
    (recipe_fit "$short" "$work/short.safetensors" --exog none) 2>"$work/why" || return 0 # no group has history enough for that either
    score -q -m "dlinear-$short=$work/short.safetensors" --quantiles 0.05,0.5,0.95 -i "$work/level-short.weft" -o "$work/forecasts-short.weft"
    { frames show --elements 1 "$work/forecasts-short.weft" && frames show "$work/forecasts.weft"; } | awk '
        function field(name) { match($0, "\"" name "\":\"([^\"\\\\]|\\\\.)*\""); return substr($0, RSTART, RLENGTH) }
        /^\{"weft"/ { streams++ }
        streams == 1 { if (!/"why":"/) made[field("id"), field("channel")] = 1; next }
        !(/"why":"/ && (field("id"), field("channel")) in made)' | frames from-json -o "$work/forecasts-long.weft" || culprit "frames awk frames" "${PIPESTATUS[@]}"
    frames cat -o "$work/forecasts.weft" "$work/forecasts-long.weft" "$work/forecasts-short.weft"
    recipe_left_out
}

recipe_rank() {
    local rc=0 growth=() ranked reasons=(--reasons "$work/reasons.weft")
    [ -z "$near" ] || growth+=(--near "$near")
    [ -z "$far" ] || growth+=(--far "$far")
    stage explain
    # Of an ensemble only a linear model that is alone in it has exact reasons.
    explain -q -m "$1" "${growth[@]}" --format frames -i "$work/level.weft" -o "$work/reasons.weft" 2>"$work/unexplained" || rc=$?
    if [ "$rc" -eq 78 ] && [ "$best" = yes ]; then
        reasons=()
    elif [ "$rc" -ne 0 ]; then
        cat "$work/unexplained" >&2
        return "$rc"
    fi
    stage rank
    ranked=(rank -q "${growth[@]}" --history "$work/delivered.weft" "${reasons[@]}" -i "$work/forecasts.weft")
    "${ranked[@]}" --format csv -o "$work/ranking.csv"
    "${ranked[@]}" --channel "$channel" --top "$top" -o "$work/ranking.txt"
    "${ranked[@]}" --channel "$channel" --format frames -o "$work/ranking.weft"
}

# The groups that went in and did not come out, of channels that were asked for: id, channel and why, separated by tabs. score says why in a frame without
# numbers (of two models the first says it); a group that has no frame at all was never known to it.
recipe_left_out() {
    local c text='(([^"\]|\\.)*)'
    frames show --elements 1 "$work/forecasts.weft" | sed -nE "s/^\{\"id\":\"$text\".*\"channel\":\"$text\",\"part\":.*/\1\t\3\t&/p" |
        sed -E "s/^([^\t]*\t[^\t]*\t).*\"why\":\"$text\".*/\1\2/; t; s/^([^\t]*\t[^\t]*)\t.*/\1/" >"$work/answers"
    for c in "${channels[@]}"; do
        frames show --elements 1 "$work/level.weft" | sed -nE "s/^\{\"id\":\"$text\".*/\1/p" | awk -v c="$c" '{ print $0 "\t" c }'
    done | awk -F'\t' -v lookback="$lookback" -v OFS='\t' '
        NR == FNR { seen[$1, $2] = 1; if (NF < 3) made[$1, $2] = 1; else if (!(($1, $2) in why)) why[$1, $2] = $3; next }
        ($1, $2) in made { next }
        !(($1, $2) in seen) { print $1, $2, "too short, or a missing value in its last " lookback " steps" }
        ($1, $2) in why { print $1, $2, why[$1, $2] }' "$work/answers" - >"$work/left-out"
}

# What a reader of the summary has to know: a line each, and none when there is nothing to say.
recipe_notes() {
    TZ=UTC0 awk -F'\t' -v step="$step" -v rule="$fill" -v most="$fill_max" '
        function at(t) {
            split($2, d, "-")
            return step == "day" ? strftime("%F", mktime(d[1] " " d[2] " " d[3] " 0 0 0") + t * 86400) : "step " t + 1 " of " $1
        }
        { n = split($3, t, ","); all += n; first = at(t[1]); last = at(t[n]); if (NR == 1 || (step == "day" && first < from)) from = first; if (last > to || step != "day") to = last }
        END {
            sub(/^seasonal:/, "", rule)
            if (NR) printf "Filled in what the models see: %d missing values of %d series, from %s to %s, each %s; gaps of up to %d\n", all, NR, from, to,
                rule == "carry" ? "by the last one" : "by that of " rule " " step "s before", most
        }' "$work/filled"
    awk -F'\t' -v by="$by" -v all="$(frames count "$work/level.weft" | awk '{ print $2; exit }')" '
        !($1 in channels) { name[++n] = $1; why[$1] = $3 }
        { channels[$1] = channels[$1] (channels[$1] == "" ? "" : ", ") $2 }
        END {
            if (n) printf "Left out: %d of %d %s have no forecast:\n", n, all, by == "id" ? "series" : by
            for (i = 1; i <= n && i <= 20; i++) printf "  %s (%s): %s\n", name[i], channels[name[i]], why[name[i]]
            if (n > 20) printf "  and %d more\n", n - 20
        }' "$work/left-out"
    recipe_channels
    [ ! -s "$work/chosen" ] || sed 's/^/Model: /' "$work/chosen"
    [ "$(rejected)" -eq 0 ] || echo "Set aside by ingest: $(rejected) rows (--rejects)"
}
# What the training said of channels that the series have beside the sales: which are used, what they bring, and which not and why.
recipe_channels() {
    [ "$beside" -gt 0 ] && [ -s "$work/train.log" ] || return 0
    local head
    head=$(tail -n 1 "$work/train.log")
    attribute channels
}
# recipe_status WHERE: at the end, when the results are there: 65 if groups were left out, unless that is right.
recipe_status() {
    [ -s "$work/left-out" ] && [ -z "$allow_left_out" ] || return 0
    echo "$me: the results are in $1, and $(cut -f1 "$work/left-out" | sort -u | wc -l) of $by were left out; --allow-left-out if that is right" >&2
    exit 65
}
rejected() {
    frames count "$work/series.weft" | awk '$1 == "ingest" { for (i = 2; i <= NF; i++) if ($i == "rejected") n = $(i - 1) } END { print n + 0 }'
}

recipe() {
    recipe_look
    recipe_fill
    stage aggregate
    aggregate -q --by "$by" ${count:+--count "$count"} -i "$work/series.weft" -o "$work/level.weft"
    [ -n "$model" ] && [ "$measure" != yes ] || recipe_choose
    [ "$measure" != yes ] || recipe_measure
    if [ -z "$model" ]; then
        recipe_train
        model=$work/model.safetensors
    fi
    stage forecast
    score -q -m "$model" --quantiles 0.05,0.5,0.95 -i "$work/level.weft" -o "$work/forecasts.weft"
    recipe_left_out
    recipe_short
    frames csv "$work/forecasts.weft" | rows_asked >"$work/forecasts.csv" || culprit "frames awk" "${PIPESTATUS[@]}"
    recipe_rank "$model"
}
