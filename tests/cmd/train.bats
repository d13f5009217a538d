#!/usr/bin/env bats
# train.bats - train-dlinear as a user runs it.

load helper

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    shop "$dir/shop.csv" 200 30
    ingest "$dir/shop.csv" | window --lookback 21 --horizon 7 -o "$dir/windows.weft"
    # The same season with noise that no model can know.
    awk -v days=240 'BEGIN { srand(1)
        printf "date"; for (p = 0; p < 12; p++) printf ",p%d", p; print ""
        for (d = 0; d < days; d++) { printf "%s", strftime("%Y-%m-%d", 1640995200 + d * 86400, 1)
            for (p = 0; p < 12; p++) { level[p] += (rand() - 0.5) * 2; printf ",%.2f", 40 + 3 * p + level[p] + 6 * sin(6.2831853 * (d + p) / 7) + 8 * rand() }
            print "" } }' >"$dir/noisy.csv"
    ingest --layout matrix "$dir/noisy.csv" | window --lookback 42 --horizon 7 --scale standard -o "$dir/noisy.weft"
    for i in 1 2 3; do
        { head -n 1 "$dir/shop.csv"; tail -n +2 "$dir/shop.csv" | awk -v i=$i 'NR % 3 == i - 1'; } >"$dir/part$i.csv"
        ingest "$dir/part$i.csv" | window --lookback 21 --horizon 7 | train-dlinear --partial -o "$dir/p$i.weft"
    done
}

# wape MODEL [WINDOWS]: on the test part.
wape() {
    score -q -m "$1" --part test -i "${2:-$dir/windows.weft}" | evaluate --format csv | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 { print $(at["wape"]) }'
}

@test "exact and Adam beat the seasonal naive forecast" {
    cd "$BATS_TEST_TMPDIR"
    train-dlinear -i "$dir/windows.weft" -o exact.st
    train-dlinear -q --solver adam --lr 0.003 --epochs 5 -i "$dir/windows.weft" -o adam.st
    naive=$(wape seasonal-naive:7)
    for m in exact adam; do
        awk -v m="$(wape $m.st)" -v n="$naive" 'BEGIN { exit !(m < n) }' || { echo "$m $(wape $m.st) naive $naive"; false; }
    done
}

@test "the same bytes for one and two threads, from run to run, and another seed another model" {
    cd "$BATS_TEST_TMPDIR"
    for solver in exact adam; do
        for by in all major id; do
            train-dlinear -q --solver $solver --by $by --epochs 2 --threads 1 -i "$dir/windows.weft" -o 1.st
            train-dlinear -q --solver $solver --by $by --epochs 2 --threads 2 -i "$dir/windows.weft" -o 2.st
            cmp 1.st 2.st
        done
    done
    train-dlinear -q --solver adam --epochs 2 --seed 2 -i "$dir/windows.weft" -o 3.st
    ! cmp -s 2.st 3.st || false
}

@test "--individual is --by id" {
    cd "$BATS_TEST_TMPDIR"
    train-dlinear --individual -i "$dir/windows.weft" -o 1.st
    [ "$(wape 1.st)" != "" ]
    run train-dlinear --individual --by major -i "$dir/windows.weft" -o 2.st
    [ "$status" -eq 64 ]
}

@test "partial sums merge to one machine's model, in any order" {
    cd "$BATS_TEST_TMPDIR"
    train-dlinear -i "$dir/windows.weft" -o one.st
    train-dlinear --merge "$dir"/p1.weft "$dir"/p2.weft "$dir"/p3.weft -o a.st
    train-dlinear --merge "$dir"/p3.weft "$dir"/p1.weft "$dir"/p2.weft -o b.st
    cmp a.st b.st
    awk -v a="$(wape one.st)" -v b="$(wape a.st)" 'BEGIN { d = a - b; exit !(d < 1e-7 && d > -1e-7) }'
    frames check "$dir/p1.weft"
}

@test "partials of other options are refused, so is a cut one" {
    cd "$BATS_TEST_TMPDIR"
    ingest "$dir/part1.csv" | window --lookback 20 --horizon 7 | train-dlinear --partial -o other.weft
    run train-dlinear --merge "$dir/p1.weft" other.weft -o m.st
    [ "$status" -eq 78 ]
    head -c 20000 "$dir/p2.weft" >cut.weft
    run train-dlinear --merge "$dir/p1.weft" cut.weft -o m.st
    [ "$status" -eq 76 ]
    [ ! -e m.st ]
}

@test "--log holds a line an epoch, or a line a set of weights" {
    cd "$BATS_TEST_TMPDIR"
    train-dlinear -q --solver adam --epochs 3 --patience 0 --log a.jsonl -i "$dir/windows.weft" -o m.st
    [ "$(wc -l <a.jsonl)" -eq 3 ]
    grep -q '"epoch":3' a.jsonl
    train-dlinear --by major --log e.jsonl -i "$dir/windows.weft" -o m.st
    [ "$(grep -c '"ridge"' e.jsonl)" -eq 3 ]
}

@test "a training that runs away leaves no model" {
    cd "$BATS_TEST_TMPDIR"
    run train-dlinear -q --solver adam --lr 1e6 --epochs 8 --norm none -i "$dir/windows.weft" -o m.st
    if [ "$status" -ne 0 ]; then
        [ "$status" -eq 65 ]
        [ ! -e m.st ]
    else
        wape m.st
    fi
}

@test "wrong use: 64 with the way out" {
    cd "$BATS_TEST_TMPDIR"
    for wrong in "" "-o m.st --kernel 24" "-o m.st --ridge many" "-o m.st --solver newton" "-o m.st --partial --solver adam" "--merge -o m.st"; do
        run bash -c "train-dlinear $wrong <$dir/windows.weft"
        [ "$status" -eq 64 ] || { echo "$wrong: $status $output"; false; }
        [ "${#lines[@]}" -eq 1 ]
    done
    run bash -c "train-dlinear --by color -o m.st <$dir/windows.weft"
    [ "$status" -eq 78 ]
    [[ "$output" == *"major"* ]]
}

@test "no window without a gap: 78; nothing at all: 76; the old model stays" {
    cd "$BATS_TEST_TMPDIR"
    printf 'ID,2022-01-01,2022-01-02,2022-01-03,2022-01-04,2022-01-05,2022-01-06\na,1,,3,,5,\nb,,2,,3,,4\n' >gaps.csv
    ingest --missing nan gaps.csv | window --lookback 2 --horizon 1 -o gaps.weft
    echo old >m.st
    for solver in exact adam; do
        run train-dlinear --solver $solver -i gaps.weft -o m.st
        [ "$status" -eq 78 ]
        run train-dlinear --solver $solver -o m.st </dev/null
        [ "$status" -eq 76 ]
        [ "${#lines[@]}" -eq 1 ]
        [ "$(cat m.st)" = old ]
        [ -z "$(ls -A | grep -v -e gaps -e '^m.st$')" ]
    done
}

@test "an interrupted training ends at the next epoch and leaves no model" {
    cd "$BATS_TEST_TMPDIR"
    timeout -s INT 1 train-dlinear -q --solver adam --epochs 1000000 --patience 0 -i "$dir/windows.weft" -o m.st || status=$?
    [ "$status" -ne 0 ]
    [ -z "$(ls -A)" ]
}

@test "an id twice is refused where each series has its own weights" {
    cd "$BATS_TEST_TMPDIR"
    cat "$dir/windows.weft" "$dir/windows.weft" >twice.weft
    for threads in 1 2; do
        run train-dlinear --individual --threads $threads -i twice.weft -o m.st
        [ "$status" -eq 65 ]
        [[ "$output" == *"twice"* ]]
    done
}

@test "--tune beats the plain fit or equals it, says what it chose, and is an ordinary model" {
    cd "$BATS_TEST_TMPDIR"
    train-dlinear -i "$dir/noisy.weft" -o plain.st
    train-dlinear --tune --log t.jsonl -v -i "$dir/noisy.weft" -o tuned.st 2>said
    grep -Eq '8 of [0-9]+ configurations .* over 3 folds in [0-9.]+ s' said
    [ "$(grep -o '"lookback":' t.jsonl | wc -l)" -eq 8 ]
    awk -v t="$(wape tuned.st "$dir/noisy.weft")" -v p="$(wape plain.st "$dir/noisy.weft")" 'BEGIN { exit !(t < 1.02 * p) }' || { echo "$(wape tuned.st "$dir/noisy.weft") $(wape plain.st "$dir/noisy.weft")"; false; }
    head -c 100000 tuned.st | grep -aq 'tuned'
    score -q -m tuned.st --quantiles 0.1,0.9 -i "$dir/noisy.weft" | rank --near 1:2 --far 6:7 >ranking
    grep -q low ranking
}

@test "--tune: the same bytes for one and two threads; groups; each choice by itself" {
    cd "$BATS_TEST_TMPDIR"
    for how in "--tune --by major" "--tune --individual" "--tune --refit" "--lookback auto" "--norm auto --ridge 0.1" "--tune --norm last" "--refit"; do
        train-dlinear -q $how --threads 1 -i "$dir/windows.weft" -o 1.st
        train-dlinear -q $how --threads 2 -i "$dir/windows.weft" -o 2.st
        cmp 1.st 2.st
        [ -n "$(wape 1.st)" ]
    done
    run train-dlinear --tune --solver adam -i "$dir/windows.weft" -o m.st
    [ "$status" -eq 64 ]
}

@test "the same bytes whatever the order of the series" {
    cd "$BATS_TEST_TMPDIR"
    for p in 1 2 3 4 5 6 7 8; do
        cut -d, -f1,$((p + 1)) "$dir/noisy.csv" >one.csv
        ingest -q --layout matrix one.csv -o $p.weft
    done
    frames cat 1.weft 2.weft 3.weft 4.weft 5.weft 6.weft 7.weft 8.weft | window -q --lookback 21 --horizon 7 -o up.weft
    frames cat 6.weft 3.weft 8.weft 1.weft 7.weft 5.weft 2.weft 4.weft | window -q --lookback 21 --horizon 7 -o mixed.weft
    for how in "" "--tune --refit" "--tune --individual" "--source up.weft" "--source up.weft --individual --norm none"; do
        for order in up mixed; do
            train-dlinear -q $how -i $order.weft -o $order.st
        done
        cmp up.st mixed.st || { echo "$how"; false; }
    done
}

@test "--refit has seen the test part, and the choices have not" {
    cd "$BATS_TEST_TMPDIR"
    train-dlinear -q --tune --log a.jsonl -i "$dir/noisy.weft" -o a.st
    train-dlinear -q --tune --refit --log b.jsonl -i "$dir/noisy.weft" -o b.st
    diff <(grep -o '"lookback":[0-9]*,"last":[0-9]*,"ridge":[^,]*' a.jsonl) <(grep -o '"lookback":[0-9]*,"last":[0-9]*,"ridge":[^,]*' b.jsonl)
    awk -v a="$(wape a.st "$dir/noisy.weft")" -v b="$(wape b.st "$dir/noisy.weft")" 'BEGIN { exit !(b < a) }' || { echo "$(wape a.st "$dir/noisy.weft") $(wape b.st "$dir/noisy.weft")"; false; }
}

@test "partial sums that are to be tuned merge to one machine's model" {
    cd "$BATS_TEST_TMPDIR"
    for i in 1 2 3; do
        ingest "$dir/part$i.csv" | window --lookback 21 --horizon 7 | train-dlinear --tune --refit --partial -o t$i.weft
        frames check t$i.weft
    done
    train-dlinear --tune --refit --log one.jsonl -i "$dir/windows.weft" -o one.st
    train-dlinear --merge t1.weft t2.weft t3.weft --log a.jsonl -o a.st
    train-dlinear --merge t3.weft t1.weft t2.weft -o b.st
    cmp a.st b.st
    diff <(grep -o '"lookback":[0-9]*,"last":[0-9]*' one.jsonl) <(grep -o '"lookback":[0-9]*,"last":[0-9]*' a.jsonl)
    awk -v a="$(wape one.st)" -v b="$(wape a.st)" 'BEGIN { d = a - b; exit !(d < 1e-6 && d > -1e-6) }'
    run train-dlinear --merge t1.weft "$dir/p2.weft" -o m.st
    [ "$status" -eq 78 ]
}

@test "--merge: a partial stream given twice, or an id in two of them, is refused" {
    cd "$BATS_TEST_TMPDIR"
    run train-dlinear --merge "$dir/p1.weft" "$dir/p2.weft" "$dir/p1.weft" -o m.st
    [ "$status" -eq 65 ] && [[ "$output" == *"given twice"* ]]
    # Other values under the same id.
    for i in 1 2; do
        awk -F, -v OFS=, -v i=$i 'NR > 1 { $20 += i } { print }' "$dir/part1.csv" | ingest - | window --lookback 21 --horizon 7 | train-dlinear --individual --partial -o i$i.weft
    done
    ! cmp -s i1.weft i2.weft || false
    run train-dlinear --merge i1.weft i2.weft -o m.st
    [ "$status" -eq 65 ] && [[ "$output" == *"in two of the partial streams"* ]]
    [ ! -e m.st ]
}

@test "--merge fits as the partial streams say: options that choose otherwise are refused" {
    cd "$BATS_TEST_TMPDIR"
    for wrong in --tune --refit "--norm last" "--ridge 1" "--by major" --individual "--folds 2" "--solver adam" "--lookback auto"; do
        run train-dlinear --merge $wrong "$dir/p1.weft" -o m.st
        [ "$status" -eq 64 ] || { echo "$wrong: $status $output"; false; }
        [[ "$output" == *"--merge does not go with ${wrong%% *}"* ]]
        [ ! -e m.st ]
    done
}

# noisy_days FROM TO FILE: days of the noisy table, as a dump has them.
noisy_days() {
    awk -F, -v a="$1" -v b="$2" 'NR == 1 || (NR - 2 >= a && NR - 2 < b)' "$dir/noisy.csv" >"$3"
}

@test "--state: a model from yesterday's sums and today's dump; the same dump twice changes nothing" {
    cd "$BATS_TEST_TMPDIR"
    noisy_days 0 200 begin.csv
    ingest --layout matrix begin.csv | window --lookback 42 --horizon 7 -o begin.weft
    train-dlinear --norm mean --ridge 0.01 --state s.st -i begin.weft -o m.st
    for d in 200 201 202 203 204 205 206 207 208 209; do
        noisy_days $d $((d + 1)) day.csv
        ingest --layout matrix day.csv | train-dlinear --state s.st -o m.st --metrics m.prom
    done
    cp s.st before.st
    cp m.st model.st
    ingest --layout matrix day.csv | train-dlinear -v --state s.st -o m.st 2>said
    cmp s.st before.st
    cmp m.st model.st
    grep -q '0 new steps, 12 were there already' said
    grep -Eq '^weft_state_judged 84$' m.prom
    grep -Eq '^weft_state_wape 0\.[0-9]+$' m.prom
    grep -Eq '^weft_state_coverage (1|0\.[0-9]+)$' m.prom
    grep -Eq '^weft_state_drift [0-9.]+$' m.prom
    # All at once, chosen likewise: the same forecasts.
    noisy_days 0 210 all.csv
    ingest --layout matrix all.csv -o all.weft
    window --lookback 42 --horizon 7 -i all.weft | train-dlinear --norm mean --ridge 0.01 --state once.st -o once-m.st
    score -q -m grown=m.st,once=once-m.st -i all.weft | frames csv | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { f = $(at["forecast"]); k = $(at["id"]) " " $(at["step"]); if (k in x) { n++; d = (x[k] - f) / f; if (d > 1e-4 || d < -1e-4) bad = 1 } else x[k] = f } END { exit bad || n != 84 }'
    # A gap and a new series.
    noisy_days 220 221 day.csv
    sed -i -e 's/p11/p12/' day.csv
    ingest --layout matrix day.csv | train-dlinear -v --state s.st -o m.st 2>said
    grep -q '13 series: 12 new steps' said
}

@test "--state: a group too short to be judged is fitted as the first one was chosen, and the state can be read again" {
    cd "$BATS_TEST_TMPDIR"
    awk 'BEGIN { srand(2); print "date,id,minor,units"
        for (d = 0; d < 120; d++) { date = strftime("%Y-%m-%d", 1640995200 + d * 86400, 1)
            if (d >= 80) printf "%s,z,young,%.2f\n", date, 40 + 8 * sin(6.2831853 * d / 7) + rand()
            printf "%s,a,old,%.2f\n", date, 20 + 4 * sin(6.2831853 * d / 7) + rand() } }' >two.csv
    ingest -q --layout long --id id --keys minor --value units two.csv --missing nan -o two.weft
    window --lookback 14 --horizon 7 -i two.weft | train-dlinear --tune --by minor --state s.st -o m.st 2>said
    grep -q 'young, units: no window .* what was chosen for the first' said
    cp m.st first.st
    train-dlinear -q --state s.st -i two.weft -o m.st
    score -q -m first=first.st,again=m.st -i two.weft | frames csv | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $(at["id"]) == "z" { f = $(at["forecast"]); k = $(at["step"]); n++; if (f < 28 || f > 52) bad = 1; if (k in x && x[k] != f) bad = 1; x[k] = f } END { exit bad || n != 14 }'
}

@test "--state: a day that it has comes with other values: said in a line, with both, and the old one stays" {
    cd "$BATS_TEST_TMPDIR"
    days() { # FROM TO [ITEM DAY VALUE]: a and b sell 100 + the day's weekday
        echo date,item,qty
        for ((d = $1; d <= $2; d++)); do
            for i in a b; do
                [ "$i $d" = "${3:-} ${4:-}" ] && { [ "$5" = none ] || echo "$(date -ud "2023-01-01 +$d day" +%F),$i,$5"; } && continue
                echo "$(date -ud "2023-01-01 +$d day" +%F),$i,$((100 + d % 7 * 10 + d % 3))"
            done
        done
    }
    dump() { days "$@" | ingest -q --missing nan --id item --value qty; }
    dump 0 99 | window -q --lookback 14 --horizon 7 | train-dlinear -q --state s.st -o m.st
    dump 100 100 b 100 40 | train-dlinear --state s.st -o noon.st --metrics m.prom 2>said
    [ ! -s said ]
    grep -qx 'weft_state_changed 0' m.prom
    cp s.st then.st
    # The evening's dump of the same day.
    dump 100 100 | train-dlinear --state s.st -o evening.st --metrics m.prom 2>said
    grep -qx 'train-dlinear: 1 value of 1 series in s.st came again with another value, and the old one stays in the sums (the first: "b", 2023-04-11, qty: 40 there, 121 now); to correct it, begin a new state from all the history' said
    grep -qx 'weft_state_changed 1' m.prom
    cmp noon.st evening.st
    # The same dump twice is no change; several days at once, with new ones behind them.
    dump 95 100 b 100 40 | train-dlinear --state s.st -o same.st 2>said
    [ ! -s said ]
    dump 97 103 a 98 7 | train-dlinear --state s.st -o more.st 2>said
    grep -q '^train-dlinear: 2 values of 2 series in .*(the first: "a", 2023-04-09, qty: 102 there, 7 now)' said
}

@test "--state: what does not fit is refused, and the old files stay" {
    cd "$BATS_TEST_TMPDIR"
    noisy_days 0 200 begin.csv
    noisy_days 200 201 day.csv
    ingest --layout matrix begin.csv -o begin.weft
    ingest --layout matrix day.csv -o day.weft
    window --lookback 42 --horizon 7 -i begin.weft -o w.weft
    run train-dlinear --state s.st -i day.weft -o m.st
    [ "$status" -eq 78 ] && [[ "$output" == *window* ]]
    window --lookback 42 --horizon 7 --scale standard -i begin.weft -o scaled.weft
    run train-dlinear --state s.st -i scaled.weft -o m.st
    [ "$status" -eq 78 ]
    [ ! -e s.st ] && [ ! -e m.st ]
    train-dlinear -q --tune --forget 90 --state s.st -i w.weft -o m.st
    cp s.st old.st
    for wrong in "--norm last" "--forget 30" "--by minor" "--ridge 0.1" "--no-tune"; do
        run train-dlinear $wrong --state s.st -i day.weft -o m.st
        [ "$status" -eq 78 ] || { echo "$wrong: $status $output"; false; }
        [ "${#lines[@]}" -eq 1 ]
    done
    train-dlinear -q --tune --forget 90 --state s.st -i day.weft -o m.st
    cp old.st s.st
    window --lookback 30 --horizon 7 -i begin.weft -o other.weft
    run train-dlinear --state s.st -i other.weft -o m.st
    [ "$status" -eq 78 ]
    for wrong in "--partial" "--solver adam" "--refit" "--metrics s.st" "--metrics m.st"; do
        run train-dlinear $wrong --state s.st -i day.weft -o m.st
        [ "$status" -eq 64 ] || { echo "$wrong: $status $output"; false; }
    done
    run train-dlinear --state s.st -i day.weft -o s.st
    [ "$status" -eq 64 ] && [[ "$output" == *"two of them are s.st"* ]]
    run train-dlinear --forget 3 -i w.weft -o m.st
    [ "$status" -eq 64 ]
    cmp s.st old.st
    # Damage at any place: an error, or numbers; never a crash, never a changed file.
    size=$(stat -c %s old.st)
    for cut in 0 7 100 2000 $((size / 2)) $((size - 1)); do
        head -c $cut old.st >s.st
        cp s.st cut.st
        run train-dlinear --state s.st -i day.weft -o m.st
        [ "$status" -eq 65 ] || { echo "$cut: $status $output"; false; }
        cmp s.st cut.st
    done
    for from in lookback '"last"' ridge weft.state '"ids"' F64 half_life; do
        sed "s/$from/xxxx/" old.st >s.st
        run train-dlinear --state s.st -i day.weft -o m.st
        [ "$status" -eq 65 ] || [ "$status" -eq 0 ] || { echo "$from: $status $output"; false; }
    done
    run train-dlinear --state w.weft -i day.weft -o m.st
    [ "$status" -eq 65 ]
}

@test "a validation part that is shorter than the horizon is said by the trainer" {
    shop short.csv 60 6
    ingest -q short.csv | window -q --lookback 14 --horizon 14 --split 48,5,7 -o w.weft
    for o in "" --tune "--tune --refit"; do
        run train-dlinear $o -i w.weft -o m.st
        [ "$status" -eq 0 ]
        [[ "$output" == *"the validation part has 5 steps, and the horizon 14"*"window --split gives it more"* ]]
    done
}
