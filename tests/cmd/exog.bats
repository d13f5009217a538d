#!/usr/bin/env bats
# exog.bats - exogenous channels from CSV to forecasts.

load helper

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    shop "$dir/shop.csv" 120 24
    ingest "$dir/shop.csv" -o "$dir/series.weft"
    planned "$dir"
    "$BUILD/gen/shop" --products 20 --days 120 --layout long --plan 7 -o "$dir/long.csv"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

long() {
    ingest -q --layout long --id id --keys minor,promoted --value units,price,promotion "$@" "$dir/long.csv"
}

# attrs STREAM: the head's attributes.
attrs() {
    frames show "$1" | head -n 1 | jq -c .attrs
}

# sold_by_price: sold.weft, sold-planned.weft, sold-windows.weft: a shop whose sales go by the price of plan.csv.
sold_by_price() {
    awk -F, 'NR == 1 { print "date,id,units"; next } $1 < "2022-05-01" { print $1 "," $2 "," 200 - $3 + NR % 7 }' "$dir/plan.csv" >sold.csv
    ingest -q --layout long --id id --value units sold.csv -o sold.weft
    covariates -q --csv "$dir/plan.csv" --weekday -i sold.weft -o sold-planned.weft
    window -q --lookback 14 --horizon 7 --scale standard -i sold-planned.weft -o sold-windows.weft
}

@test "ingest: targets stand first, and are missing on days that only the plan knows" {
    ingest -q --layout long --id id --keys minor --value price,units,promotion --future price,promotion "$dir/long.csv" -o s.weft
    frames check s.weft
    [[ "$(attrs s.weft)" == *'"length":127'*'"channels":["units","price","promotion"]'*'"roles":["target","future","future"]'*'"known":120'* ]]
    frames csv s.weft >s.csv
    # Days behind the last sales have no units; price and promotion are those of the table.
    awk -F, 'NR > 1 && $3 > "2022-04-30" { if ($4 != "") { print; exit 1 } n++ } END { exit n != 7 * 20 }' s.csv
    awk -F, 'NR == FNR { if (FNR > 1) { price[$2, $1] = $10; promotion[$2, $1] = $11 } next }
        FNR > 1 { if (price[$1, $3] != $5 || promotion[$1, $3] != $6) { print; exit 1 } }' "$dir/long.csv" s.csv
    # Without --future the same rows are days without sales, as before.
    long -o plain.weft
    [[ "$(attrs plain.weft)" != *roles* && "$(attrs plain.weft)" != *known* ]]
    run long --future nothing -o no.weft
    [ "$status" -eq 64 ]
    [[ "$output" == *'no channel "nothing"'* ]]
    run long --future units,price --past promotion -o no.weft
    [ "$status" -eq 64 ]
    run long --future price --past price -o no.weft
    [ "$status" -eq 64 ]
}

@test "ingest --to and --until: what is sold later is left out, the plan for these days stays" {
    awk -F, 'NR == 1 || $1 <= "2022-04-20"' "$dir/long.csv" >early.csv
    awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "units") at = i } NR > 1 && $1 > "2022-04-20" { $at = "" } 1' "$dir/long.csv" >blank.csv
    ingest -q --layout long --id id --keys minor --value units,price,promotion --future price,promotion blank.csv | frames csv >want.csv
    ingest -q --layout long --id id --keys minor --value units,price,promotion --future price,promotion --to 2022-04-20 "$dir/long.csv" | frames csv >to.csv
    cmp want.csv to.csv
    ingest -q --layout long --id id --keys minor --value units,price,promotion --future price,promotion --until 2022-04-20 "$dir/long.csv" | frames csv >until.csv
    cmp want.csv until.csv
    # Without a plan nothing of these days is left.
    ingest -q --layout long --id id --keys minor --value units --to 2022-04-20 "$dir/long.csv" | frames csv >plain.csv
    ingest -q --layout long --id id --keys minor --value units early.csv | frames csv | cmp - plain.csv
    # Of two dumps the later one's plan counts, and its sales.
    awk -F, 'NR == 1 || $1 <= "2022-04-24"' "$dir/long.csv" >day24.csv
    awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "price") at = i } NR > 1 { $at = 7 } 1' day24.csv >day20.csv
    ingest -q --layout long --id id --keys minor --value units,price,promotion --future price,promotion --overlap replace --until 2022-04-20,2022-04-22 day20.csv day24.csv |
        frames csv >two.csv
    ingest -q --layout long --id id --keys minor --value units,price,promotion --future price,promotion --to 2022-04-22 day24.csv | frames csv | cmp - two.csv
}

@test "ingest wide: a channel beside the units is declared too" {
    shop amounts.csv 120 24
    ingest -q "$dir/shop.csv" --amounts amounts.csv --past units -o s.weft
    [[ "$(attrs s.weft)" == *'"channels":["amounts","units"]'*'"roles":["target","past"]'* ]]
    diff <(frames csv s.weft | cut -d, -f1-7) <(ingest -q "$dir/shop.csv" | frames csv | cut -d, -f1-7)
    printf 'date,x\n2022-01-01,1\n2022-01-02,2\n' >m.csv
    run ingest -q --layout matrix --future x m.csv
    [ "$status" -eq 64 ]
}

@test "window: the parts are those of the days with targets, and exogenous channels keep their units" {
    long --future price,promotion -o s.weft
    window -q --lookback 14 --horizon 7 --scale standard -i s.weft -o w.weft
    frames check w.weft
    frames show w.weft | sed -n 2p | grep -q '"split":\[76,96,120\]'
    frames show w.weft | sed -n 2p | grep -oE '"scale":.*' | grep -qE '\[\[[0-9.e-]+,0.0,0.0\],\[[0-9.e-]+,1.0,1.0\]\]'
    run window --lookback 100 --horizon 21 -i s.weft
    [ "$status" -eq 78 ]
}

@test "weekday: six indicators, and Sunday is none of them" {
    covariates --weekday --ahead 3 -i "$dir/series.weft" | frames csv | cut -d, -f1,7-14 >w.csv
    [ "$(head -n 1 w.csv)" = id,date,units,monday,tuesday,wednesday,thursday,friday,saturday ]
    awk -F, 'NR > 1 && $1 == 0 { y = substr($2, 1, 4); m = substr($2, 6, 2); d = substr($2, 9, 2); w = strftime("%u", mktime(y " " m " " d " 12 0 0"))
        for (i = 1; i <= 6; i++) if ($(i + 3) != (i == w)) { print; exit 1 } n++ } END { exit n != 123 }' w.csv
    awk -F, '$2 == "2022-05-01" && $3 == ""' w.csv | grep -q '^0,'
}

@test "holidays: days of the file are 1, other days of its years 0, all else is missing" {
    printf 'date,name\n2022-02-01,new year\n2022-01-31,eve\n2022-01-31,again\n' >h.csv
    covariates --holidays h.csv --ahead 300 -i "$dir/series.weft" 2>err | frames csv | awk -F, '$1 == 0 { print $7 "," $9 }' >h
    grep -q 'no year for 55 of 420 steps' err
    awk -F, '($1 < "2023" && ($2 "") != ($1 == "2022-01-31" || $1 == "2022-02-01") "") || ($1 >= "2023" && $2 != "") { print; exit 1 } END { exit NR != 420 }' h
    printf 'date,name\nsoon,new year\n' >h.csv
    run covariates --holidays h.csv -i "$dir/series.weft"
    [ "$status" -eq 65 ]
    [[ "$output" == *'h.csv:2: not a date: "soon"'* ]]
}

@test "the Korean holidays are what the rules and the moon say" {
    cd "$BATS_TEST_DIRNAME/../.."
    diff <(python3 tests/reference/holidays_kr.py) pipelines/holidays-kr.csv
    # Another conversion: the dangi calendar of ICU, where node brings it.
    node -e 'process.exit(new Intl.DateTimeFormat("en-u-ca-dangi", {timeZone: "UTC", day: "numeric"}).resolvedOptions().calendar == "dangi" ? 0 : 1)' 2>/dev/null ||
        skip "skipped: no node with ICU"
    diff <(node -e 'const f = new Intl.DateTimeFormat("en-u-ca-dangi", {timeZone: "UTC", month: "numeric", day: "numeric"});
        const names = {"1/1": "설날", "4/8": "부처님오신날", "8/15": "추석"};
        for (let d = Date.UTC(2013, 0, 1); d < Date.UTC(2029, 0, 1); d += 864e5) {
            const n = names[f.format(d)];
            if (n) console.log(new Date(d).toISOString().slice(0, 10) + "," + n);
        }') <(awk -F, '{ n = split($2, a, " / "); for (i = 1; i <= n; i++) if (a[i] ~ /^(설날|추석|부처님오신날)$/) print $1 "," a[i] }' pipelines/holidays-kr.csv)
}

@test "covariates --csv: by id, by key, for all; what is not there is missing; --carry goes on" {
    printf 'date,id,price,note\n2022-01-01,0,10,1\n2022-01-02,0,11,2\n2022-05-02,0,12,3\n2022-01-01,1,20,4\n' >p.csv
    covariates --csv p.csv --value cost=price -i "$dir/series.weft" 2>err | frames csv | awk -F, '{ print $1 "," $7 "," $8 "," $9 }' >c.csv
    grep -q 'no row for 22 series' err
    [ "$(head -n 1 c.csv)" = id,date,units,cost ]
    grep -q '^0,2022-01-01,[0-9]*,10$' c.csv && grep -q '^0,2022-01-02,[0-9]*,11$' c.csv && grep -q '^0,2022-01-03,[0-9]*,$' c.csv
    grep -q '^0,2022-05-02,,12$' c.csv && grep -q '^1,2022-05-02,,$' c.csv
    covariates -q --csv p.csv --value price --carry price -i "$dir/series.weft" | frames csv | awk -F, '$1 == 0 { print $7 "," $9 }' >c.csv
    grep -q '^2022-05-01,11$' c.csv && grep -q '^2022-05-02,12$' c.csv
    printf 'date,minor,size\n2022-01-01,B000-C001-0000,5\n' >k.csv
    covariates -q --csv k.csv --static size -i "$dir/series.weft" -o k.weft
    [[ "$(attrs k.weft)" == *'"roles":["target","static"]'* ]]
    frames csv k.weft | awk -F, 'NR > 1 && $7 == "2022-01-01" && ($9 == 5) != ($5 == "B000-C001-0000") { exit 1 }'
    printf 'date,rain\n2022-01-05,3.5\n' >all.csv
    [ "$(covariates -q --csv all.csv --past rain -i "$dir/series.weft" | frames csv | grep -c '2022-01-05,.*,3.5$')" -eq 24 ]
}

@test "covariates: what it refuses" {
    run covariates -i "$dir/series.weft"
    [ "$status" -eq 64 ]
    run covariates --weekday --carry units -i "$dir/series.weft"
    [ "$status" -eq 78 ]
    run covariates --weekday -i <(covariates --weekday -i "$dir/series.weft")
    [ "$status" -eq 78 ]
    [[ "$output" == *'"monday" already'* ]]
    printf 'date,x\n2022-13-01,3\n' >bad.csv
    run covariates --csv bad.csv -i "$dir/series.weft"
    [ "$status" -eq 65 ]
    [[ "$output" == *'bad.csv:2: not a date'* ]]
    printf 'date,x\n2022-01-01,many\n' >bad.csv
    run covariates --csv bad.csv -i "$dir/series.weft"
    [ "$status" -eq 65 ]
    [[ "$output" == *'bad.csv:2:2: not a number: "many"'* ]]
    printf 'date,x\n9999-01-01,3\n' >bad.csv
    run covariates --csv bad.csv -i "$dir/series.weft"
    [ "$status" -eq 65 ]
    printf 'date,x\n2022-01-01\n' >bad.csv
    run covariates --csv bad.csv -i "$dir/series.weft"
    [ "$status" -eq 65 ]
    run covariates --csv /nonexistent -i "$dir/series.weft"
    [ "$status" -eq 66 ]
}

@test "the latest forecast begins behind the last target, with the values of the plan" {
    score -m "$dir/planned.safetensors,seasonal-naive:7" -i "$dir/planned.weft" -o f.weft
    frames check f.weft
    frames csv f.weft | awk -F, 'NR > 1 { if ($10 != "2022-05-01" || $13 == "" || $14 != "") { print; exit 1 } if ($8 != "units") exit 1; n++ } END { exit n != 2 * 24 * 7 }' ||
        { frames csv f.weft | head -n 3; false; }
    rank --near 1:2 --far 6:7 --format csv -i f.weft | wc -l | grep -q '^25$'
    # Another price, another forecast, where sales go by it; all others are what they were.
    sold_by_price
    train-dlinear -q -i sold-windows.weft -o sold.safetensors
    sed 's/^\(2022-05-03,0,\).*/\150/' "$dir/plan.csv" >cheap.csv
    covariates -q --csv cheap.csv --weekday -i sold.weft | score -q -m sold.safetensors | frames csv | grep ',2022-05-03,' >cheap
    score -q -m sold.safetensors -i sold-planned.weft | frames csv | grep ',2022-05-03,' >planned
    ! diff -q <(grep '^0,' cheap) <(grep '^0,' planned) || false
    diff <(grep -v '^0,' cheap) <(grep -v '^0,' planned)
}

@test "missing values ahead are refused with channel and dates, before any forecast" {
    # The calendar is too short.
    grep -v '2022-05-0[5-9]\|2022-05-1' "$dir/plan.csv" >short.csv
    covariates -q --csv short.csv --weekday -i "$dir/series.weft" -o short.weft
    run score -m "$dir/planned.safetensors" -i short.weft -o f.weft
    [ "$status" -eq 78 ]
    [[ "$output" == *'no values from 2022-05-05 to 2022-05-07'*'covariates --csv'* ]]
    [ ! -e f.weft ]
    # One series lacks two days: nothing of the others goes out.
    grep -v '^2022-05-0[23],17,' "$dir/plan.csv" >gap.csv
    covariates -q --csv gap.csv --weekday -i "$dir/series.weft" -o gap.weft
    run bash -c "score -m $dir/planned.safetensors -i gap.weft 2>err | frames show 2>/dev/null | wc -l; cat err"
    [ "${lines[0]}" -eq 1 ]
    [[ "$output" == *'"17": channel price'*'2 of 7 steps (2022-05-02 to 2022-05-03)'*'--carry price'* ]]
    covariates -q --csv gap.csv --weekday --carry price -i "$dir/series.weft" | score -q -m "$dir/planned.safetensors" | frames check
}

@test "a series that is not planned at all is left out by name, the others are forecast" {
    grep -v '^2022-05-0[1-9],17,\|^2022-05-1[0-9],17,' "$dir/plan.csv" >without.csv
    covariates -q --csv without.csv --weekday -i "$dir/series.weft" -o without.weft
    run bash -c "score -m $dir/planned.safetensors -i without.weft 2>err | frames show --elements 1 | grep -c '\"why\":'; cat err"
    [ "${lines[0]}" -eq 1 ] && [[ "$output" == *'1 series that don'*'"17": channel price'* ]]
}

@test "--exog auto: a channel that is not known ahead leaves the model that never saw it; without any that helps it is that of the sales alone" {
    awk -F, -v OFS=, '{ print $0, NR == 1 ? "promotion" : $3 < 90 && $2 % 2 }' "$dir/plan.csv" >plan.csv
    covariates -q --csv plan.csv -i "$dir/series.weft" | window -q --lookback 28 --horizon 7 --scale standard -o known.weft
    awk -F, -v OFS=, 'NR > 1 && $1 > "2022-05-03" { $3 = "" } 1' plan.csv >short.csv
    covariates -q --csv short.csv -i "$dir/series.weft" | window -q --lookback 28 --horizon 7 --scale standard -o short.weft
    covariates -q --csv plan.csv --value promotion -i "$dir/series.weft" | window -q --lookback 28 --horizon 7 --scale standard -o promotion.weft
    train-dlinear --tune --exog auto -v --log log -i short.weft -o auto.safetensors 2>err
    grep -q 'price is not used: known for [0-9] of the 7 steps ahead in series ' err
    [[ "$(tail -n 1 log)" == '{"channels":['*'price is not used: '* ]]
    train-dlinear -q --tune --exog level -i promotion.weft -o alone.safetensors
    train-dlinear -q --tune --exog none -i known.weft -o none.safetensors
    if grep -q 'promotion is used' err; then same=alone; else same=none; fi
    score -q -m auto=auto.safetensors,other=$same.safetensors --part test -i short.weft | frames csv | awk -F, '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { f[$(at["model"]), $(at["id"]), $(at["origin"]), $(at["date"])] = $(at["forecast"]); n++ }
        END { for (k in f) { split(k, p, SUBSEP); if (p[1] != "auto") continue; d = f[k] - f["other", p[2], p[3], p[4]]; if (d < 0) d = -d; if (d > 0.001) { print k, d; exit 1 } } exit n < 100 }'
    run train-dlinear --exog auto -i known.weft -o x.safetensors
    [ "$status" -eq 64 ] && [[ "$output" == *"--exog auto goes with --tune"* ]]
}

@test "a model with exogenous channels refuses a stream without them" {
    run score -m "$dir/planned.safetensors" -i "$dir/series.weft"
    [ "$status" -eq 78 ]
    [[ "$output" == *'looks at channel monday (future), and the stream has none'* ]]
}

@test "other models look at targets alone" {
    train-lstm -q --epochs 1 --hidden 8 -i "$dir/planned-windows.weft" -o lstm.safetensors
    run train-dlinear --solver adam --epochs 1 -i "$dir/planned-windows.weft" -o adam.safetensors
    [ "$status" -eq 0 ]
    [[ "$output" == *'trains on targets alone'* ]]
    train-dlinear -q --exog none -i "$dir/planned-windows.weft" -o none.safetensors
    window -q --lookback 14 --horizon 7 --scale standard -i "$dir/series.weft" | train-dlinear -q -o plain.safetensors
    score -q -m lstm.safetensors,adam=adam.safetensors,none=none.safetensors,plain=plain.safetensors,with="$dir/planned.safetensors" --part test -i "$dir/planned-windows.weft" |
        evaluate --format csv >table.csv
    [ "$(wc -l <table.csv)" -eq 6 ]
    # Without the channels it is the model that never saw them.
    diff <(grep '^none' table.csv | cut -d, -f2-) <(grep '^plain' table.csv | cut -d, -f2-)
}

# same A B: two tables of forecasts say the same up to 1e-6 of the largest number of the column.
same() {
    paste -d, "$1" "$2" | awk -F, 'NR == 1 { n = NF / 2; next }
        { for (i = 1; i <= n; i++) {
            if ($i ~ /^-?[0-9.]+(e[+-][0-9]+)?$/ && $(i + n) ~ /^-?[0-9.]+(e[+-][0-9]+)?$/) { d = $i - $(i + n); d = d < 0 ? -d : d; v = $i < 0 ? -$i : $i
                worst[i] = d > worst[i] ? d : worst[i]; top[i] = v > top[i] ? v : top[i] }
            else if ($i != $(i + n)) { print; exit bad = 1 } } }
        END { for (i in worst) if (worst[i] > 1e-6 * top[i]) { print "column " i ": differ by " worst[i]; bad = 1 } exit bad || NR < 2 }'
}

@test "tuned and fitted on all history, the plan counts" {
    cd "$BATS_TEST_TMPDIR"
    sold_by_price
    for how in --tune --refit "--tune --refit" "--norm auto" "--lookback auto" "--tune --by id" "--tune --individual --exog units"; do
        train-dlinear -v $how -i sold-windows.weft -o m.st 2>said
        grep -q 'exogenous channels' said
        score -q -m m.st --quantiles 0.05,0.95 -i sold-planned.weft | frames csv >planned
        sed 's/^\(2022-05-03,0,\).*/\150/' "$dir/plan.csv" >cheap.csv
        covariates -q --csv cheap.csv --weekday -i sold.weft | score -q -m m.st --quantiles 0.05,0.95 | frames csv >cheap
        ! cmp -s <(grep '^0,' cheap) <(grep '^0,' planned) || false
        cmp <(grep -v '^0,' cheap) <(grep -v '^0,' planned)
    done
    # The choices stand in the file, and so does the covariance that growth intervals need.
    train-dlinear -q --tune -i "$dir/planned-windows.weft" -o m.st
    head -c 8192 m.st | grep -aq '"covariance"'
    score -q -m m.st -i "$dir/planned.weft" | rank --near 1:2 --far 6:7 --format csv | head -n 1 | grep -q growth
}

@test "explain: days and channels add up to the forecast that score makes" {
    planned_long() { ingest -q --layout long --id id --keys minor,promoted --value units,price,promotion --future price,promotion "$@"; }
    awk -F, 'NR == 1 || $2 != 3' "$dir/long.csv" >most.csv # 3 has no plan
    planned_long most.csv -o s.weft
    window -q --lookback 14 --horizon 7 --scale standard -i s.weft -o w.weft
    train-dlinear -q --tune --by minor -i w.weft -o m.st
    score -q -m m.st --no-nonnegative -i w.weft | frames csv |
        awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } $c["step"] <= 2 { s[$c["id"]] += $c["forecast"] / 2 } END { for (i in s) print i "," s[i] }' >mean
    explain -m m.st --near 1:2 --far 6:7 --format csv -i w.weft >why.csv
    awk -F, 'NR == FNR { want[$1] = $2; next } FNR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; if (!("channels" in c)) exit 1; next }
        $c["target"] == "near" { sum = $c["mean"]; for (i = c["mean"] + 1; i <= NF; i++) sum += $i; d = sum - $c["forecast"]; e = want[$c["id"]] - $c["forecast"]
            if (d * d > 1e-6 || e * e > 1e-6 * (1 + want[$c["id"]] ^ 2)) { print; exit 1 } moved += $c["channels"] ^ 2; n++ } END { exit n != 19 || moved < 0.1 }' mean why.csv
    # Another price of a day ahead, another part of the channels; all others are what they were.
    awk -F, -v OFS=, 'NR > 1 && $1 == "2022-05-01" && $2 == 0 { $(NF - 1) *= 2 } { print }' most.csv >dear.csv
    planned_long dear.csv -o dear.weft
    for x in s dear; do explain -m m.st --near 1:2 --far 6:7 --format csv -i $x.weft >$x.csv; done
    ! cmp -s <(grep '^0,.*near' s.csv | cut -d, -f12) <(grep '^0,.*near' dear.csv | cut -d, -f12) || false
    cmp <(grep '^0,.*near' s.csv | cut -d, -f6-8) <(grep '^0,.*near' dear.csv | cut -d, -f6-8)
    cmp <(grep -v '^0,' s.csv) <(grep -v '^0,' dear.csv)
    # And rank says it.
    explain -q -m m.st --near 1:2 --far 6:7 --format frames -i s.weft -o reasons.weft
    frames check reasons.weft
    score -q -m m.st -i s.weft | rank --near 1:2 --far 6:7 --reasons reasons.weft --format csv >ranking
    grep -q 'plan and other channels' ranking
    run explain -m m.st -i "$dir/series.weft"
    [ "$status" -eq 78 ] && [[ "$output" == *'looks at channel price'* ]]
}

@test "sums of parts with channels: one, two and five of them give the model of the whole" {
    for how in "" "--tune" "--tune --refit --by minor" "--norm none --ridge 0.1"; do
        train-dlinear -q $how -i "$dir/planned-windows.weft" -o whole.st
        score -q -m m=whole.st --part test -i "$dir/planned-windows.weft" | frames csv >whole
        for n in 1 2 5; do
            rm -f part*
            for ((i = 0; i < n; i++)); do
                awk -F, -v n="$n" -v i="$i" 'NR == 1 || NR % n == i' "$dir/shop.csv" >half.csv
                ingest -q half.csv | covariates -q --csv "$dir/plan.csv" --weekday | window -q --lookback 14 --horizon 7 --scale standard |
                    train-dlinear -q --partial $how -o "part$i"
            done
            train-dlinear -q --merge -o merged.st part*
            score -q -m m=merged.st --part test -i "$dir/planned-windows.weft" | frames csv >merged
            same whole merged
        done
    done
    # Channels that act otherwise are other sums.
    train-dlinear -q --partial --exog units -i "$dir/planned-windows.weft" -o part1
    run train-dlinear --merge -o no.st part0 part1
    [ "$status" -eq 78 ]
}

@test "--exog-level: the level of so many steps, in the model, in partial sums and in a state; without it the whole lookback" {
    window -q --lookback 21 --horizon 7 -i "$dir/planned.weft" -o w.weft
    train-dlinear -q --tune -i w.weft -o plain.st
    train-dlinear -q --tune --exog-level 21 -i w.weft -o whole.st
    train-dlinear -q --tune --exog-level 7 -i w.weft -o week.st
    score -q -m plain.st -i w.weft -o plain.weft
    score -q -m whole.st -i w.weft -o whole.weft
    score -q -m week.st -i w.weft -o week.weft
    cmp <(frames csv plain.weft) <(frames csv whole.weft)
    ! cmp -s <(frames csv plain.weft) <(frames csv week.weft) || false
    head -c 8192 week.st | grep -aq '"exog_level":"7"'
    train-dlinear -q --partial --tune --exog-level 7 -i w.weft -o part.weft
    frames check part.weft
    train-dlinear -q --merge part.weft -o merged.st
    score -q -m merged.st -i w.weft | frames csv | cmp - <(frames csv week.weft)
    train-dlinear -q --tune --exog-level 7 --state s.st -i w.weft -o state.st
    head -c 8192 state.st | grep -aq '"exog_level":"7"'
    run train-dlinear --exog-level 14 --state s.st -i w.weft -o state.st
    [ "$status" -eq 78 ]
}

@test "tuned, and as a state that grows: without the channels it is the model that never saw them" {
    window -q --lookback 14 --horizon 7 --scale standard -i "$dir/series.weft" | train-dlinear -q --tune --by minor -o plain.st
    train-dlinear -q --tune --exog none --by minor -i "$dir/planned-windows.weft" -o none.st
    for m in plain none; do
        score -q -m model=$m.st --quantiles 0.1,0.9 -i "$dir/planned.weft" | rank --near 1:2 --far 6:7 --format csv >$m.csv
    done
    cmp plain.csv none.csv
    window -q --lookback 14 --horizon 7 -i "$dir/series.weft" | train-dlinear -q --by minor --state plain-state -o plain.st
    window -q --lookback 14 --horizon 7 -i "$dir/planned.weft" | train-dlinear -q --exog none --by minor --state state -o none.st
    shop more.csv 125 24
    ingest -q more.csv -o more.weft
    train-dlinear -q --state plain-state -i more.weft -o plain.st
    covariates -q --csv "$dir/plan.csv" --weekday -i more.weft -o more-planned.weft
    train-dlinear -v --exog none --state state -i more-planned.weft -o none.st 2>said
    # The days ahead of the first were not there yet.
    grep -q '24 series: 120 new steps, 2880 were there already' said
    for m in plain none; do
        score -q -m model=$m.st -i more.weft | frames csv >$m.csv
    done
    cmp plain.csv none.csv
}

@test "a state with a price and a promotion known ahead, a past and a static channel, gaps: day by day it is what all days at once give" {
    awk -F, 'NR == 1 { print $0 ",rain,size"; next } $2 != 3 && (NR * 7919) % 97 > 1 { printf "%s,%.2f,%d\n", $0, (NR * 31) % 17 / 7, 1 + $2 % 3 }' "$dir/long.csv" >all.csv
    days() {
        ingest -q --layout long --id id --keys minor --value units,price,promotion,rain,size --future price,promotion --past rain --static size --missing nan "$@"
    }
    days all.csv -o whole.weft
    for how in "--ridge 0.1 --norm mean" "--ridge 0.1 --norm none --by minor" "--ridge 0.1 --norm last --exog units --exog-lags 3"; do
        rm -f grown once
        days --to 2022-04-05 all.csv | window -q --lookback 14 --horizon 7 --split 60,20,15 | train-dlinear -q --state grown $how -o grown.st
        for d in 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
            # Each dump has the day before, too.
            days --from "2022-04-$(printf %02d $((10#$d - 1)))" --to "2022-04-$d" all.csv | train-dlinear -q --state grown -o grown.st --metrics prom
        done
        grep -Eq '^weft_state_judged [1-9]' prom
        days --to 2022-04-30 all.csv | window -q --lookback 14 --horizon 7 --split 60,20,40 >w.weft
        train-dlinear -q --state once $how -i w.weft -o once.st
        train-dlinear -q --refit $how -i w.weft -o refit.st
        for m in grown once refit; do
            score -q -m m=$m.st --part all -i w.weft | frames csv >$m.csv
        done
        same once.csv grown.csv
        same refit.csv grown.csv
    done
    run train-dlinear --state grown -i "$dir/series.weft" -o no.st
    [ "$status" -eq 78 ]
}

@test "without a look back a channel that is known up to the origin alone says nothing" {
    awk 'BEGIN { srand(1); print "date,rain"; for (d = 0; d < 120; d++) printf "%s,%.2f\n", strftime("%Y-%m-%d", 1640995200 + d * 86400, 1), rand() }' >rain.csv
    covariates -q --csv rain.csv --past rain -i "$dir/planned.weft" -o rain.weft
    window -q --lookback 14 --horizon 7 --scale standard -i rain.weft | train-dlinear -q --ridge 0.1 --exog-lags 0 -o rain.st
    train-dlinear -q --ridge 0.1 --exog-lags 0 -i "$dir/planned-windows.weft" -o dry.st
    for m in rain dry; do
        score -q -m model=$m.st -i rain.weft | frames csv >$m.csv
    done
    cmp rain.csv dry.csv
}

@test "by id and by group: the same model for one and two threads, whatever the order" {
    for by in id minor; do
        train-dlinear -q --by $by --threads 1 -i "$dir/planned-windows.weft" -o one.st
        train-dlinear -q --by $by --threads 2 -i "$dir/planned-windows.weft" -o two.st
        cmp one.st two.st
        score -q -m one.st -i "$dir/planned.weft" | frames count | grep -q '24 frames'
    done
    run train-dlinear --relative nothing -i "$dir/planned-windows.weft" -o no.st
    [ "$status" -eq 64 ]
}

@test "aggregate averages price and promotion, and the plan goes along" {
    long --future price,promotion -o s.weft
    aggregate --by all -i s.weft -o a.weft
    frames check a.weft
    [[ "$(attrs a.weft)" == *'"roles":["target","future","future"]'*'"known":120'* ]]
    paste -d, <(frames csv a.weft | awk -F, 'NR > 1 { print $(NF - 3), $(NF - 1) }') <(frames csv s.weft | awk -F, 'NR > 1 && $(NF - 1) != "" { s[$(NF - 3)] += $(NF - 1); n[$(NF - 3)]++ }
        END { for (d in s) printf "%s %.4f\n", d, s[d] / n[d] }' | sort) | awk -F'[ ,]' '{ e = $2 - $4; if (e < 0) e = -e; if ($1 != $3 || e > 0.01) { print; exit 1 } } END { exit NR != 127 }'
}

@test "price and promotion lower the error of promoted items by 15 percent and more" {
    run "$BATS_TEST_DIRNAME/../bench/promotions.sh" 120 500
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"windows with promotion"* ]]
}

@test "backtest: a model with exogenous channels is measured as score forecasts it, and trained anew from the past" {
    window -q --lookback 14 --horizon 7 --split 80,20,20 -i "$dir/planned.weft" -o w.weft
    train-dlinear -q -i w.weft -o m.st
    backtest -q -m m=m.st --horizon 7 --origins 2 --every 7 --format csv --table accuracy -i w.weft >b.csv
    score -q -m m.st --part test -i w.weft | frames csv | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $(at["origin"]) == "2022-04-17" || $(at["origin"]) == "2022-04-24" { e = $(at["forecast"]) - $(at["actual"]); sum += e < 0 ? -e : e; n++ } END { printf "%.5f %d\n", sum / n, n }' >mae
    awk -F, -v mae="$(cat mae)" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $(at["model"]) == "m" { n++; e = $(at["mae"]) - mae; if (e > 1e-4 || e < -1e-4) bad = 1 } END { exit bad || n != 1 }' b.csv || { cat b.csv mae; false; }
    backtest -q --refit train-dlinear --lookback 14 --horizon 7 --origins 3 -i "$dir/planned.weft" | grep -q dlinear-exog
    run backtest -q -m m=m.st --horizon 7 -i "$dir/series.weft"
    [ "$status" -eq 78 ] && [[ "$output" == *'looks at channel'*'none of this name'* ]]
}
