#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# recipe.bats - one way from series to a ranking, whoever goes it; pipelines as commands of weft.

setup_file() {
    export dir="$BATS_FILE_TMPDIR" pipelines="$PWD/pipelines" WEFT_BIN="$BIN" tree="$PWD"
    "$BUILD/gen/shop" --products 60 --days 400 >"$dir/sales.csv"
    "$BUILD/gen/shop" --products 60 --days 400 --table amounts >"$dir/amounts.csv"
    ingest -q --amounts "$dir/amounts.csv" "$dir/sales.csv" -o "$dir/series.weft"
    frames csv "$dir/series.weft" -o "$dir/long.csv"
}
setup() {
    cd "$BATS_TEST_TMPDIR"
}

# noise ID LEVEL SPREAD FROM STEP N: days of one series, uniform around a level, always the same ones.
noise() {
    awk -v id="$1" -v level="$2" -v spread="$3" -v from="$4" -v step="$5" -v n="$6" 'BEGIN {
        s = 7; for (i = 1; i <= length(id); i++) s = (s * 31 + index("abcdefghijklmnopqrstuvwxyz0123456789", substr(id, i, 1))) % 1000003
        for (t = 0; t < n; t++) { s = (s * 16807 + 12345) % 2147483647; printf "%s,%s,%.0f\n", strftime("%F", from + t * step, 1), id, level + spread * (2 * s / 2147483647 - 1) }
    }'
}
day0=1641168000 # 2022-01-03, a Monday

words() {
    bash -c '. "$1/lib.sh"; split_words --ingest "$2"; printf "[%s]" "${words[@]}"; echo "${#words[@]}"' words "$pipelines" "$1"
}

@test "option strings are split as a shell does, and nothing in them is expanded" {
    [ "$(words '--date "Order Date"  --id '"'Product ID'")" = '[--date][Order Date][--id][Product ID]4' ]
    [ "$(words '--date="주문 일자" a"b c"d')" = '[--date=주문 일자][ab cd]2' ]
    [ "$(words '"" '"''")" = '[][]2' ]
    [ "$(words $' \t\n ')" = '[]0' ]
    [ "$(words $' a\tb\nc ')" = '[a][b][c]3' ]
    [ "$(words 'a\ b "c\"d\e\\" '"'\\'")" = '[a b][c"d\e\][\]3' ]
    touch here
    [ "$(words '* ? $HOME `id` $(id) ~ ; | > x {a,b} #')" = '[*][?][$HOME][`id`][$(id)][~][;][|][>][x][{a,b}][#]12' ]
    for odd in 'a "b' "a 'b" 'a\' '"\"'; do
        run words "$odd"
        [ "$status" -eq 64 ] && [ "${#lines[@]}" -eq 1 ] && [[ "$output" == *"--ingest: "* ]] || { echo "$odd: $status $output"; return 1; }
    done
}

@test "forecast.sh: columns with blanks, quotes and stars in their names" {
    { echo 'Order Date,"Product ""ID""",Sales * Qty'; noise a 20 5 $day0 86400 120; } >orders.csv
    "$pipelines/forecast.sh" --plot none --horizon 7 --ingest '--layout long --date "Order Date" --id '"'Product \"ID\"'"' --value Sales\ *\ Qty' -o out orders.csv >said
    grep -q 'Growth of Sales \* Qty by id' said
    [ "$(wc -l <out/forecasts.csv)" -eq 8 ]
    run "$pipelines/forecast.sh" --ingest '--date "Order Date' -o bad orders.csv
    [ "$status" -eq 64 ] && [ ! -e bad ]
}

@test "groups of ten and of ten thousand a day have intervals of their own" {
    { echo date,minor,units; for g in small1 small2 small3; do noise $g 10 4 $day0 86400 420; done; for g in big1 big2 big3; do noise $g 10000 4000 $day0 86400 420; done; } >mixed.csv
    "$pipelines/forecast.sh" --plot none --horizon 14 --ingest '--layout long --id minor --keys minor' -o out mixed.csv >/dev/null
    # Uniform on 6..14 and on 6,000..14,000: the mean is the middle, 90% lie within 0.45 of the width.
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { u = $1 ~ /small/ ? 1 : 1000; f = $(at["forecast"]) / u; low = $(at["q0_05"]) / u; high = $(at["q0_95"]) / u
          if (f < 8.5 || f > 11.5 || low < 5 || low > 8 || high < 12 || high > 15) { print; bad = 1 } } END { exit bad }' out/forecasts.csv
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { if ($(at["growth"]) < 0.8 || $(at["growth"]) > 1.25 || $(at["high"]) - $(at["low"]) > 1.5) { print; bad = 1 } } END { exit bad }' out/ranking.csv
}

@test "what has no forecast is named, with the results and exit status 65" {
    { echo date,minor,units; noise a 20 5 $day0 86400 300; noise b 30 5 $day0 86400 300; noise c 50 5 $day0 86400 260; } >shop.csv
    local it=("$pipelines/forecast.sh" --plot none --horizon 14 --ingest "--layout long --id minor --keys minor --missing nan")
    run "${it[@]}" -o out shop.csv
    [ "$status" -eq 65 ]
    [[ "$output" == *"Left out: 1 of 3 minor have no forecast:"*"  c (units): "* ]]
    [[ "$output" == *"forecast.sh: the results are in out, and 1 of minor were left out; --allow-left-out if that is right"* ]]
    [ -s out/ranking.csv ]
    run "${it[@]}" --allow-left-out -o out shop.csv
    [ "$status" -eq 0 ] && [[ "$output" == *"  c (units): "* ]]
}

# without FILE ID DAY...: no row of an id on these days, counted from 0.
without() {
    awk -F, -v id="$2" -v days=" ${*:3} " -v from=$day0 'BEGIN { n = split(days, d, " "); for (i = 1; i <= n; i++) out[strftime("%F", from + d[i] * 86400, 1)] = 1 }
        !($2 == id && $1 in out)' "$1"
}

@test "short gaps are filled in what the models see, said, and the ranking knows the history as it is" {
    { echo date,minor,units; noise a 20 5 $day0 86400 300; noise b 30 5 $day0 86400 300; noise c 50 5 $day0 86400 300; } >whole.csv
    without whole.csv b 100 101 102 299 >shop.csv
    local it=("$pipelines/forecast.sh" --plot none --horizon 14)
    "${it[@]}" --ingest "--layout long --id minor --keys minor --missing nan" -o out shop.csv >said
    grep -Fqx 'Filled in what the models see: 4 missing values of 1 series, from 2022-04-13 to 2022-10-29, each by that of 7 days before; gaps of up to 28' said
    # By hand: each of these days as the same weekday of the week before. The same forecasts; the history has no gaps then.
    awk -F, -v OFS=, -v from=$day0 'BEGIN { for (i = 0; i < 4; i++) { d = substr("100101102299", 3 * i + 1, 3); to[strftime("%F", from + (d - 7) * 86400, 1)] = strftime("%F", from + d * 86400, 1) } }
        { print } $2 == "b" && $1 in to { print to[$1], $2, $3 }' shop.csv >filled.csv
    "${it[@]}" --ingest "--layout long --id minor --keys minor" -o hand filled.csv >unsaid
    ! grep -q Filled unsaid || false
    cmp out/forecasts.csv hand/forecasts.csv
    column() { awk -F, -v name=$2 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i; next } { print $3, $at }' $1/ranking.csv | sort; }
    diff <(column out growth) <(column hand growth)
    column out gaps | awk '{ exit !($1 != "b" ? $2 == 0 : $2 > 0.01 && $2 < 0.02) }'
    column hand gaps | awk '$2 != 0 { exit 1 }'
    # Whoever goes the way: daily.sh reads the same table, and a stream is filled, too.
    "$pipelines/daily.sh" -d state --horizon 14 --ingest "--layout long --id minor --keys minor --missing nan" --history shop.csv >daily
    cmp out/ranking.csv state/results/2022-10-29/ranking.csv
    ingest -q --layout long --id minor --keys minor --missing nan shop.csv | "${it[@]}" -o stream - >/dev/null
    cmp out/ranking.csv stream/ranking.csv
}

@test "groups with too little history for the model have one that looks back less; what even that can't is left out" {
    { echo date,minor,units; noise a 20 5 $day0 86400 800; noise b 30 5 $day0 86400 800; noise 'c "1"' 50 5 $((day0 + 720 * 86400)) 86400 80
      noise d 90 5 $((day0 + 770 * 86400)) 86400 30; noise e 50 5 $((day0 + 790 * 86400)) 86400 10; noise f 50 5 $day0 86400 760; } | sed 's/c "1"/"c ""1"""/' >shop.csv
    run "$pipelines/forecast.sh" --plot none --ingest "--layout long --id minor --keys minor --missing nan" -o out shop.csv
    [ "$status" -eq 65 ] && [[ "$output" == *"Left out: 2 of 6 minor have no forecast:"*"  f (units): its last 40 days"* ]] && [[ "$output" == *"  e (units): it begins on "* ]]
    column() { awk -F, -v name=$1 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i; next } { print $3 ": " $at }' out/ranking.csv | sort | paste -s -d' '; }
    [ "$(column model)" = '"c ""1""": dlinear-28 a: dlinear b: dlinear d: dlinear-28 e: dlinear f: dlinear' ] || { column model; false; }
    # 20, 30, 50 and 90 a day; one forecast a day and group.
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $(at["forecast"]) != "" { n[$1]++; sum[$1] += $(at["forecast"]) }
        END { for (g in n) { m = sum[g] / n[g]; w = g == "a" ? 20 : g == "b" ? 30 : g == "d" ? 90 : 50; if (n[g] != 28 || m < 0.95 * w || m > 1.05 * w) { print g, n[g], m; exit 1 } k++ } exit k != 4 }' out/forecasts.csv
}

@test "a short history has bounds of 90 %, too" {
    { echo date,id,units; noise a 200 50 $day0 86400 141; } >short.csv
    "$pipelines/forecast.sh" --plot none --horizon 14 --lookback 28 -o out --ingest "--layout long" short.csv >/dev/null
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { n++; low = $(at["q0_05"]); high = $(at["q0_95"]); if (low == "" || high == "" || low < 100 || low > 190 || high < 210 || high > 300) exit 1 }
        END { exit n != 14 }' out/forecasts.csv
}

@test "baselines, horizon and lookback follow the step" {
    { echo date,id,units; noise a 200 50 $day0 604800 170; noise b 300 50 $day0 604800 170; } >weeks.csv
    "$pipelines/forecast.sh" --plot none --ingest "--layout long --step week" -o out weeks.csv >said
    grep -q 'of 170 weeks (lookback 33, horizon 8)' said
    cut -d, -f5 out/accuracy.csv | tail -n +2 | paste -s -d' ' | grep -qx 'model seasonal-naive:52 mean:8 lag-growth:52:4'
    [ "$(awk -F, '$1 == "a"' out/forecasts.csv | wc -l)" -eq 8 ]
    head -n 61 weeks.csv >short.csv # too short for a year ago: the last value is the baseline
    "$pipelines/forecast.sh" --plot none --ingest "--layout long --step week" -o short short.csv >said
    cut -d, -f5 short/accuracy.csv | tail -n +2 | paste -s -d' ' | grep -qx 'model naive mean:8'
    { echo date,id,units; awk 'BEGIN { for (t = 0; t < 1500; t++) printf "%s,a,%d\n", strftime("%FT%H:00", 1641168000 + t * 3600, 1), 50 + t % 24 + t * 7 % 11 }'; } >hours.csv
    "$pipelines/forecast.sh" --plot none --ingest "--layout long --step hour" -o hours hours.csv >said
    grep -q 'of 1500 hours (lookback 264, horizon 168)' said
    cut -d, -f5 hours/accuracy.csv | tail -n +2 | paste -s -d' ' | grep -qx 'model seasonal-naive:168 mean:168'
}

@test "months, quarters, working days and weeks of Tuesdays, from the table to the ranking and the report" {
    { echo month,passengers; awk 'BEGIN { for (t = 0; t < 144; t++) printf "%d-%02d,%d\n", 1949 + int(t / 12), t % 12 + 1, 110 + 2 * t + (20 + t / 4) * sin(t * 3.14159 / 6) }'; } >months.csv
    "$pipelines/forecast.sh" --plot none -o months months.csv >said 2>err || { cat err; false; }
    grep -q 'step month' err
    grep -q 'of 144 months (lookback \(28\|42\), horizon 6)' said
    grep -q 'mean of months 6-6 / mean of months 1-1' said
    grep -q 'far/month' said
    run ! grep -qE 'last week|weekdays|last 4 weeks' said
    cut -d, -f5 months/accuracy.csv | tail -n +2 | paste -s -d' ' | grep -qx 'model seasonal-naive:12 mean:12 lag-growth:12:3'
    awk -F, 'NR > 1 { print $7 }' months/forecasts.csv | sort -u | paste -s -d' ' | grep -q '1961-01-01 1961-02-01 1961-03-01 1961-04-01 1961-05-01 1961-06-01' || { cat months/forecasts.csv; false; }
    [ -s months/report.html ]
    { echo quarter,item,sales; awk 'BEGIN { for (t = 0; t < 60; t++) for (k = 1; k < 3; k++) printf "%d-%02d-01,%s,%d\n", 1990 + int(t / 4), t % 4 * 3 + 1, k, 90 + k * t + 20 * (t % 4) + t * 7 % 5 }'; } >quarters.csv
    "$pipelines/forecast.sh" --plot none -o quarters quarters.csv >said
    grep -q 'of 60 quarters (lookback \(11\|18\), horizon 4)' said
    cut -d, -f5 quarters/accuracy.csv | tail -n +2 | paste -s -d' ' | grep -qx 'model seasonal-naive:4 mean:4 lag-growth:4:2'
    { echo date,item,qty; awk 'BEGIN { for (t = 0; t < 420; t++) if ((t + 0) % 7 < 5) printf "%s,a,%d\n", strftime("%F", 1641168000 + t * 86400, 1), 50 + 3 * (t % 7) + t * 11 % 4 }'; } >work.csv
    "$pipelines/forecast.sh" --plot none -o work work.csv >said
    grep -q 'of 300 business-days (lookback \(55\|90\), horizon 20)' said
    grep -q 'mean of working days' said
    cut -d, -f5 work/accuracy.csv | tail -n +2 | paste -s -d' ' | grep -q '^model seasonal-naive:5 mean:20'
    { echo date,item,qty; awk 'BEGIN { for (t = 0; t < 170; t++) printf "%s,a,%d\n", strftime("%F", 1641254400 + t * 604800, 1), 50 + t * 7 % 11 }'; } >tuesday.csv
    "$pipelines/forecast.sh" --plot none -o tuesday tuesday.csv >said 2>err
    grep -q 'step week, Tuesdays' err
    run ! grep -q 'same weekdays' said
    awk -F, 'NR > 1 { print $8 }' tuesday/forecasts.csv | sort | head -n 1 | grep -qx "$(date -u -d @$((1641254400 + 170 * 604800)) +%F)" || { cat tuesday/forecasts.csv; false; }
}

@test "forecasts and accuracy are of what was asked for; the ranking knows the competition" {
    "$pipelines/forecast.sh" --plot none --amounts "$dir/amounts.csv" --by middle --horizon 14 -o out "$dir/sales.csv" >/dev/null
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "channel") at = i; next } { print $at }' out/forecasts.csv | sort -u | paste -s -d' ' | grep -qx 'amounts units'
    cut -d, -f1 out/accuracy.csv | tail -n +2 | sort -u | paste -s -d' ' | grep -qx 'amounts units'
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $(at["active"]) == "" || $(at["brands"]) == "" { bad = 1 } END { exit bad }' out/ranking.csv
}

@test "a table, the same in other rows, and its series stream give the same ranking, byte for byte" {
    local it=("$pipelines/forecast.sh" --plot none --horizon 14)
    "${it[@]}" --amounts "$dir/amounts.csv" -o wide "$dir/sales.csv" >/dev/null
    "${it[@]}" --ingest "--layout long --keys product,major,middle,minor,brand --value units,amounts" -o long "$dir/long.csv" >/dev/null
    "${it[@]}" -o file "$dir/series.weft" >/dev/null
    "${it[@]}" -o pipe - <"$dir/series.weft" >/dev/null
    "${it[@]}" --amounts "$dir/amounts.csv" -o stdin - <"$dir/sales.csv" >/dev/null
    for other in long file pipe stdin; do for f in ranking.csv forecasts.csv accuracy.csv; do cmp wide/$f $other/$f; done; done
    # Accuracy need not be measured: the ranking is the same.
    bash -euo pipefail -c '. "$1/lib.sh"; . "$1/recipe.sh"; scratch; recipe_defaults; horizon=14 measure=no; cp "$2" "$work/series.weft"; recipe
        [ ! -e "$work/accuracy.csv" ]; cp "$work/ranking.csv" unmeasured.csv' x "$pipelines" "$dir/series.weft"
    cmp unmeasured.csv wide/ranking.csv
}

@test "what is known ahead is used where it helps, what is not known far enough is left out by name, and a product that is no longer planned is forecast all the same" {
    # Sales double on days of promotion; "x" is known for five days ahead, and c for none.
    awk 'BEGIN { srand(3); print "date,id,units,promo,x"; for (k = 0; k < 8; k++) for (t = 0; t < 314; t++) {
            p = rand() < 0.2; x = int(10 * rand()); if (k == 2 && t >= 300) continue
            u = t < 300 ? int((20 + 5 * k) * (1 + p) + 4 * rand()) : ""; print strftime("%F", 1640995200 + t * 86400, 1) "," substr("abcdefgh", k + 1, 1) "," u "," p "," (t < 305 ? x : "") } }' >plan.csv
    run "$pipelines/forecast.sh" --plot none --horizon 14 --lookback 28 -o out --ingest "--layout long --value units,promo,x --future promo,x" plan.csv
    [ "$status" -eq 0 ] && [[ "$output" == *"promo is used: without it the error would be "*"; 1 of 8 series know nothing of it ahead"* ]]
    [[ "$output" == *"x is not used: known for 5 of the 14 steps ahead in series a"* ]]
    # The forecasts follow the plan.
    awk -F, 'NR == FNR { promo[$2, $1] = $4; next } FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $(at["channel"]) == "units" || !at["channel"] { id = $(at["id"]); f = $(at["forecast"]); k = index("abcdefgh", id) - 1; n[id]++
            w = (20 + 5 * k) * (1 + promo[id, $(at["date"])]) + 1.5; if (id != "c" && (f < 0.85 * w || f > 1.15 * w)) { print id, f, w; exit 1 } }
        END { exit n["a"] != 14 || n["c"] != 14 }' plan.csv out/forecasts.csv
}

@test "a series stream is used as it is: other channels are named, tables' options and other streams are refused" {
    run --separate-stderr bash -c 'covariates -q --weekday -i "$1" | "$2/forecast.sh" --plot none --horizon 14 -o out -' x "$dir/series.weft" "$pipelines"
    [ "$status" -eq 0 ] && [[ "$output" == *"monday is not used: "*" series know nothing of it ahead"* ]]
    aggregate -q --by minor --count active -i "$dir/series.weft" -o counted.weft # not counted twice
    "$pipelines/forecast.sh" --plot none --horizon 14 -o counted counted.weft >/dev/null
    run "$pipelines/forecast.sh" --ingest "--layout long" -o bad "$dir/series.weft"
    [ "$status" -eq 64 ] && [[ "$output" == *"is a stream already"* ]] && [ ! -e bad ]
    window -q --lookback 7 --horizon 7 -i "$dir/series.weft" -o windows.weft
    run "$pipelines/forecast.sh" -o bad windows.weft
    [ "$status" -eq 65 ] && [[ "$output" == *"windows/1"* ]] && [ ! -e bad ]
    head -c 5000 "$dir/series.weft" >half.weft
    run "$pipelines/forecast.sh" -o bad half.weft
    [ "$status" -ne 0 ] && [ ! -e bad ]
    run "$pipelines/forecast.sh" -o bad - <half.weft
    [ "$status" -ne 0 ] && [ ! -e bad ]
}

@test "every pipeline with stages announces as many as come, in order, and what is left as the stages before say" {
    # A stage is one call; --progress is there wherever stages are.
    for p in "$pipelines"/*.sh; do
        [ -x "$p" ] && grep -q '^ *stage ' "$p" || continue
        grep -q -- '--progress' "$p" || { echo "$p has no --progress"; false; }
    done
    for f in "forecast --horizon 14 --plot none" "compare --horizon 7 --lookback 14 --plot none --lstm '--epochs 1 --hidden 8'" \
        "adapt --rows major:minor --seeds 1 --horizon 7 --lookback 14 --plot none --train '--epochs 1'"; do
        eval "run --separate-stderr $pipelines/${f%% *}.sh --progress -o stages-${f%% *} ${f#* } $dir/sales.csv"
        grep -oE "^${f%% *}: [0-9]+/[0-9]+ " <<<"$stderr" | sed 's/.* \(.*\) /\1/' >said
        n=$(sed -n '1s/.*\///p' said)
        [ "$n" -ge 2 ] && diff said <(seq "$n" | sed "s/\$/\/$n/") || { echo "$f: $status $stderr"; false; }
    done
    # 3 s for three tenths: 7 s are left.
    [ "$(bash -c 'progress=; . "$1/lib.sh"; progress=yes shares=(10 20 30 40) stage_number=2 SECONDS=3; stage third' x "$pipelines" 2>&1)" = "x: 3/4 third, 3 s, about 7 s left" ]
}

@test "stages are shown when asked for; an interrupted run says what goes on" {
    run --separate-stderr "$pipelines/forecast.sh" --progress --plot none --horizon 14 -o out "$dir/sales.csv"
    [ "$status" -eq 0 ] && [[ "${stderr_lines[0]}" =~ ^"forecast: 1/8 read, "[0-9]+" s"$ ]] && [[ "$stderr" =~ "forecast: 4/8 train, "[0-9]+" s" ]] &&
        [[ "$stderr" =~ "forecast: 8/8 report, " ]]
    run --separate-stderr "$pipelines/forecast.sh" --plot none --horizon 14 -o out "$dir/sales.csv"
    [[ "$stderr" == "ingest: "* ]] && [ "${#stderr_lines[@]}" -eq 1 ] # what the table was taken for, and no stages
    mkfifo never
    "$pipelines/forecast.sh" --progress -o killed - <never 2>said &
    exec 4>never
    until grep -q '/[0-9]* read' said; do sleep 0.05; done
    kill -TERM $!
    exec 4>&-
    wait $! || status=$?
    [ "$status" -eq 143 ] && grep -q 'interrupted at: read; nothing was written; the same command starts anew' said && [ ! -e killed ]
    [[ "$(tail -n 1 said)" == *": $pipelines/forecast.sh --progress -o killed -" ]]
    # Words that a shell would take apart are quoted: the command can be given as it stands.
    WEFT_CALLED="weft forecast" run bash -c '. "${!#}/lib.sh"; interrupted 130' forecast.sh --ingest "--layout long" "$pipelines"
    [ "$status" -eq 130 ] && [ "$output" = "weft forecast: interrupted; nothing was written; the same command starts anew: weft forecast --ingest --layout\\ long $pipelines" ]
}

@test "make install: weft lists every program and pipeline, each with what it does, and knows their names" {
    make -C "$tree" --no-print-directory install PREFIX="$dir/prefix" BIN="$BIN" BUILD="$BUILD" >/dev/null
    weft=$dir/prefix/bin/weft
    "$weft" --help >help
    for name in $(ls "$dir/prefix/libexec/weft"; cd "$tree/pipelines"; for p in *.sh; do [ ! -x "$p" ] || echo "${p%.sh}"; done); do
        grep -qE "^  $name +[a-zA-Z].{15,}" help || { echo "$name is not listed"; return 1; }
        "$weft" help "$name" </dev/null >said
        grep -q "$name" said
    done
    ! grep -qE '^  (lib|recipe|plot) ' help || false
    run "$weft" forecast --help
    [ "$status" -eq 0 ] && [[ "${lines[0]}" == "usage: weft forecast [OPTION...] SALES.csv" ]] && [[ "$output" != *forecast.sh* ]]
    run "$weft" forecast
    [ "$status" -eq 64 ] && [ "$output" = "weft forecast: which table? weft forecast SALES.csv; see weft forecast --help" ]
    for unknown in lib recipe nothing ../bin/weft; do
        run "$weft" $unknown
        [ "$status" -eq 64 ] && [[ "$output" == *"no program and no pipeline"* ]]
    done
    run bash -c '. "$1/share/bash-completion/completions/weft"; complete_() { COMP_WORDS=(weft "$@"); COMP_CWORD=$#; _weft; echo "${COMPREPLY[*]}"; }
        complete_ fore; complete_ forecast --hor; complete_ help rep; complete_ rank --hist; complete_ lib' x "$dir/prefix"
    [ "$output" = $'forecast\n--horizon\nreport\n--history' ]
}

@test "a newcomer does not spoil the intervals of the others" {
    { echo date,minor,units; for g in a b c d; do noise $g 40 8 $day0 86400 600; done; } >old.csv
    { cat old.csv; noise new 300 60 $((day0 + 590 * 86400)) 86400 10; } >both.csv
    for f in old both; do
        "$pipelines/forecast.sh" --plot none --horizon 14 --lookback 56 --ingest '--layout long --id minor --keys minor --missing zero' -o $f $f.csv >/dev/null || [ $f = both ]
        awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $(at["name"]) != "new" { n++; sum += $(at["high"]) - $(at["low"]) } END { if (n != 4) exit 1; print sum / n }' $f/ranking.csv >$f.width
    done
    awk -v both="$(<both.width)" -v old="$(<old.width)" 'BEGIN { print old, both; exit !(both < 1.5 * old && both > 0.7 * old) }'
}

# Sales are a level x weekday x season without growth: factors know that at once.
@test "forecast --best: says what it holds and beat, and ranks what it forecasts" {
    awk 'BEGIN { srand(2); print "date,minor,units"; for (g = 0; g < 6; g++) for (d = 0; d < 420; d++)
        printf "%s,g%d,%.0f\n", strftime("%F", 1641168000 + d * 86400, 1), g, (200 + 100 * g) * (1 + 0.2 * (d % 7)) * (1 + 0.2 * (rand() - 0.5)) }' >shop.csv
    "$pipelines/forecast.sh" --best --plot none --horizon 14 --ingest '--layout long --id minor --keys minor' -o out shop.csv >said
    cat said
    grep -q '^Model: .*factors (0\..* in 7 folds' said
    grep -q '^Model: .*left out: .*mean:28 (0\.' said
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { n++; if ($(at["growth"]) < 0.9 || $(at["growth"]) > 1.1 || $(at["low"]) > 1 || $(at["high"]) < 1) { print; bad = 1 } }
        END { exit bad || n != 6 }' out/ranking.csv
    # Of noise 90 % of 0.1 of a level either way.
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { f = $(at["forecast"]); w = ($(at["q0_95"]) - $(at["q0_05"])) / f; if (w < 0.12 || w > 0.28) { print; bad = 1 } } END { exit bad }' out/forecasts.csv
}
