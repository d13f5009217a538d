#!/usr/bin/env bats
# backtest.bats - rolling origins: the same values for all, nothing of the future, and trainers that fail.

load helper

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    shop "$dir/shop.csv" 196 24
    ingest "$dir/shop.csv" -o "$dir/series.weft"
    # Test windows of stride 7 start at multiples of 7: their origins 147, 154, ... 189 are the last seven of the calendar, 7 apart.
    window --lookback 14 --horizon 7 --stride 7 --split 112,35,49 --scale standard -i "$dir/series.weft" -o "$dir/windows.weft"
    window --lookback 14 --horizon 7 --split 112,35,49 --scale standard -i "$dir/series.weft" | train-dlinear -q -o "$dir/model.st"
}

setup() {
    export TMPDIR="$BATS_TEST_TMPDIR/tmp"
    mkdir "$TMPDIR"
    cd "$BATS_TEST_TMPDIR"
}

# columns NAME...: these columns of a CSV, without the head.
columns() {
    awk -F, -v names="$*" 'NR == 1 { n = split(names, name, " "); for (i = 1; i <= NF; i++) at[$i] = i; next }
        { for (i = 1; i <= n; i++) printf "%s%s", $(at[name[i]]), i < n ? " " : "\n" }'
}

# trainer NAME BODY: a script that is a trainer; "$model" is where its model goes.
trainer() {
    printf '#!/usr/bin/env bash\nmodel=${@: -1}\n%s\n' "$2" >"$1"
    chmod +x "$1"
}

@test "the measures are those of score and evaluate on the same windows" {
    score -m "$dir/model.st,seasonal-naive:7" --part test --quantiles 0.05,0.95 -i "$dir/windows.weft" -o test.weft
    for by in all major id; do
        evaluate --by $by --format csv -i test.weft | columns name model n wape mae rmse mase bias coverage_90 width_90 >want
        backtest -q -m "$dir/model.st,seasonal-naive:7" --no-baselines --origins 7 --every 7 --by $by --format csv -i "$dir/windows.weft" |
            columns name model n wape mae rmse mase bias coverage_90 width_90 >got
        diff want got
    done
    evaluate --per-step --format csv -i test.weft | columns step model n wape rmse mase >want
    backtest -q -m "$dir/model.st,seasonal-naive:7" --no-baselines --origins 7 --every 7 --per-step --format csv -i "$dir/windows.weft" | columns step model n wape rmse mase >got
    diff want got
}

@test "every row of a table is about the same values" {
    # A series that begins late and one with a hole: what one contender can't forecast counts for nobody.
    awk -F, -v OFS=, 'NR == 3 { for (i = 7; i < 157; i++) $i = "" } NR == 5 { $150 = $151 = "" } { print }' "$dir/shop.csv" >gaps.csv
    ingest --missing nan gaps.csv -o gaps.weft
    backtest -m "$dir/model.st" --origins 7 --every 7 --by all,major --per-origin --format csv -i gaps.weft >all.csv 2>err
    grep -q 'left out of every row, since dlinear gave none' err
    [ "$(columns by name origin n <all.csv | sort | uniq -c | awk '{ print $1 }' | sort -u)" = 4 ]
    [ "$(columns n <all.csv | sort -u | wc -l)" -gt 1 ]
}

@test "gap, horizon and origins: naive forecasts are what awk computes" {
    frames csv "$dir/series.weft" >values.csv
    want=$(awk -F, 'NR > 1 { id[$1] = 1; x[$1, ++n[$1]] = $8 }
        END { for (i in id) for (k = 0; k < 4; k++) { o = 196 - 5 - 9 * k; for (h = 1; h <= 5; h++) {
            d = x[i, o + h] - x[i, o - 3]; a += d < 0 ? -d : d
            d = x[i, o + h] - x[i, o - 3 + h + 3 - 7 * (h + 3 > 7 ? 2 : 1)]; s += d < 0 ? -d : d; sum += x[i, o + h]; c++ } }
            printf "%d %.8f\n%d %.8f\n", c, a / sum, c, s / sum }' values.csv)
    got=$(backtest --origins 4 --every 9 --gap 3 --horizon 5 --format csv -i "$dir/series.weft" | columns model n wape | awk '/naive/ { printf "%d %.8f\n", $2, $3 }')
    [ "$got" = "$want" ] || { echo "weft $got"; echo "awk $want"; false; }
}

@test "the ranking's quality is what awk computes from forecasts" {
    backtest -q -m mine=seasonal-naive:3 --no-baselines --origins 1 --horizon 28 --rank-by id --near 1:7 --far 22:28 --shrink 0 --table ranking --format csv -i "$dir/series.weft" >got.csv
    frames csv "$dir/series.weft" | awk -F, 'NR > 1 { if (!($1 in n)) id[++ids] = $1; x[$1, ++n[$1]] = $8 }
        function growth(i, o, m,   h, near, far) { for (h = 1; h <= 7; h++) { near += at(i, o, h, m); far += at(i, o, h + 21, m) } return far / near }
        function at(i, o, h, m) { return m == "mine" ? x[i, o - 3 + (h - 1) % 3 + 1] : x[i, o + h] }
        function error(name,   i, e) { for (i = 1; i <= ids; i++) e += p[i] > b[i] ? p[i] - b[i] : b[i] - p[i]; printf "%s %.8f\n", name, e / ids }
        END { for (i = 1; i <= ids; i++) { p[i] = growth(id[i], 168, "mine"); b[i] = growth(id[i], 168, "truth"); mean += b[i] / ids; best = b[i] > best ? b[i] : best }
              error("mine")
              for (i = 1; i <= ids; i++) p[i] = growth(id[i], 140, "truth")
              error("period")
              for (i = 1; i <= ids; i++) p[i] = 1
              error("random")
              printf "regret %.8f\n", best - mean }' >want
    columns model error <got.csv | sed "s/last period's growth/period/" | awk '{ printf "%s %.8f\n", $1, $2 }' >got
    columns model regret <got.csv | awk '$1 == "random" { printf "regret %.8f\n", $2 }' >>got
    diff want got
    [ "$(columns model hits_3 spearman <got.csv | awk '$1 == "random" { printf "%.6f %g", $2, $3 }')" = "0.125000 0" ]
}

@test "no model knows the future: it changes, and nothing before it does" {
    # Everything from day 182 on, the last origin but one, is 1000 more.
    awk -F, -v OFS=, 'NR > 1 { for (i = 7 + 182; i <= NF; i++) $i += 1000 } { print }' "$dir/shop.csv" >future.csv
    ingest future.csv -o future.weft
    for s in series future; do
        mkdir "$s"
        trainer "$s.sh" "tee $PWD/$s/\$\$.weft | train-dlinear -q \"\$@\" && cp \"\$model\" $PWD/$s/\$\$.st"
    done
    cp "$dir/series.weft" .
    for s in series future; do
        backtest -q --refit "m=$PWD/$s.sh --ridge 0.01" --lookback 14 --horizon 7 --origins 3 --every 7 --per-origin --per-step --no-nonnegative --format csv -i $s.weft |
            columns origin step model bias >$s.bias
    done
    # The trainings of the first two origins saw the same bytes and made the same models; the third could tell.
    [ "$(sha256sum series/*.weft future/*.weft | cut -d' ' -f1 | sort | uniq -c | awk '$1 == 2' | wc -l)" -eq 2 ]
    [ "$(sha256sum series/*.st future/*.st | cut -d' ' -f1 | sort | uniq -c | awk '$1 == 2' | wc -l)" -eq 2 ]
    # Bias is forecast - actual: the same forecasts of days that became 1000 more.
    paste series.bias future.bias | awk '{ d = $4 - $8; want = $1 < "2022-07-02" ? 0 : 1000 } $1 <= "2022-07-02" && (d - want > 1e-6 || want - d > 1e-6) { print; bad = 1 }
        $1 <= "2022-07-02" { n++ } END { exit bad || n != 2 * 7 * 4 }'
}

@test "the same bytes for any number of trainers, and of series in any order" {
    refit="--refit train-dlinear --refit last='train-dlinear --norm last' --lookback 14 --horizon 7 --origins 5 --by all,major --per-origin"
    bash -c "backtest $refit --format json -i $dir/series.weft" >1
    bash -c "backtest $refit --format json --threads 4 -i $dir/series.weft" >4
    cmp 1 4
    grep -q '"model": "last"' 1
    { head -n 1 "$dir/shop.csv"; tail -n +2 "$dir/shop.csv" | sort -t, -k7n -k1r; } >other.csv
    ingest other.csv | backtest --refit "train-dlinear --ridge 0.01" --lookback 14 --horizon 7 --origins 3 --by major,id --format csv >other
    backtest --refit "train-dlinear --ridge 0.01" --lookback 14 --horizon 7 --origins 3 --by major,id --format csv -i "$dir/series.weft" | cmp - other
}

@test "--refit-every K trains for every K-th origin" {
    trainer count.sh "echo >>$PWD/count; exec train-dlinear -q \"\$@\""
    backtest --refit "$PWD/count.sh" --refit-every 3 --lookback 14 --horizon 7 --origins 7 -i "$dir/series.weft" >/dev/null
    [ "$(wc -l <count)" -eq 3 ]
}

@test "a windows stream gives lookback, horizon and scale to the trainer" {
    trainer keep.sh "tee $PWD/\$\$.weft | train-dlinear -q \"\$@\""
    backtest --refit "$PWD/keep.sh" --origins 2 -i "$dir/windows.weft" -o table
    grep -q '^dlinear' table
    [ "$(ls *.weft | wc -l)" -eq 2 ]
    for f in *.weft; do
        frames check "$f"
        frames show --elements 1 "$f" | head -n 1 >head
        grep -q '"lookback":14' head && grep -q '"horizon":7' head && grep -q '"scale":"standard"' head
    done
    run backtest --lookback 7 --refit train-dlinear -i "$dir/windows.weft"
    [ "$status" -eq 64 ]
}

# nothing_left: no temporary file, no output.
nothing_left() {
    [ -z "$(ls -A "$TMPDIR")" ] && [ ! -s out ]
}

@test "a trainer that is killed, fails, or makes no model: said, no table, nothing left" {
    backtest="backtest --lookback 14 --horizon 7 --origins 3 -i $dir/series.weft"
    trainer killed.sh 'head -c 2000 >/dev/null; echo half >"$model"; echo half >"$model.12.tmp"; kill -9 $$'
    run bash -c "$backtest --threads 2 --refit $PWD/killed.sh >out"
    [ "$status" -eq 75 ]
    [[ "$output" == *"killed.sh was killed (signal 9) at origin 2022-0"* ]]
    nothing_left
    run bash -c "$backtest --refit 'train-dlinear --ridge many' >out"
    [ "$status" -eq 64 ]
    [[ "$output" == *"train-dlinear failed (64) at origin"*"--ridge"* ]]
    nothing_left
    trainer lazy.sh 'exit 0'
    run bash -c "$backtest --refit $PWD/lazy.sh >out"
    [ "$status" -eq 78 ]
    [[ "$output" == *"wrote no model"* ]]
    nothing_left
    trainer chatty.sh 'cat >/dev/null; yes | head -c 100000'
    run bash -c "$backtest --refit $PWD/chatty.sh >out"
    [ "$status" -eq 78 ]
    [[ "$output" == *"standard output"* ]]
    nothing_left
    trainer quiet.sh 'exec >/dev/null; exec train-dlinear -q "$@"'
    run bash -c "$backtest --refit $PWD/quiet.sh >out"
    [ "$status" -eq 0 ]
    run bash -c "$backtest --refit no-such-trainer"
    [ "$status" -eq 66 ]
    trainer junk.sh 'cat >/dev/null; echo junk >"$model"'
    run bash -c "$backtest --refit $PWD/junk.sh"
    [ "$status" -eq 65 ]
    nothing_left || [ -s out ]
    [ -z "$(ls -A "$TMPDIR")" ]
}

@test "a signal ends the trainers too, and nothing is left" {
    trainer slow.sh "echo \$\$ >$PWD/pid.part; mv $PWD/pid.part $PWD/pid; cat >/dev/null; exec sleep 300"
    backtest --lookback 14 --horizon 7 --origins 3 --refit "$PWD/slow.sh" -i "$dir/series.weft" >out 2>err 3>&- &
    pid=$!
    for ((i = 0; i < 3000; i++)); do [ -e pid ] && break; sleep 0.02; done
    [ -e pid ]
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    [ "$status" -eq 143 ]
    ! kill -0 "$(cat pid)" 2>/dev/null || false
    nothing_left
}

@test "a model that saw the days it is measured on is warned of" {
    run bash -c "backtest -m $dir/model.st --origins 7 --every 7 -i $dir/series.weft 2>&1 >/dev/null"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    run bash -c "backtest -m $dir/model.st --origins 8 --every 7 -i $dir/series.weft 2>&1 >/dev/null"
    [[ "$output" == *"trained on data up to 2022-05-27, and the first origin is 2022-05-21"*"--refit"* ]]
    for part in '' 2; do train-dlinear --partial -i "$dir/windows.weft" -o "p$part.weft"; done
    train-dlinear -q --merge p.weft -o merged.st
    run bash -c "backtest -m merged.st --origins 3 --every 7 -i $dir/series.weft 2>&1 >/dev/null"
    [[ "$output" == *"does not say how far"* ]]
}

@test "no ranking of a horizon of one season, which is said, nor of how many sell" {
    aggregate --by minor --count active,brands -i "$dir/series.weft" -o "$BATS_TEST_TMPDIR/level.weft"
    backtest --horizon 7 --origins 2 -i "$BATS_TEST_TMPDIR/level.weft" >"$BATS_TEST_TMPDIR/week"
    ! grep -q '^Ranking of' "$BATS_TEST_TMPDIR/week" || false
    grep -q 'no ranking by growth: a horizon of 7 holds no two seasons to compare; give --horizon 14' "$BATS_TEST_TMPDIR/week"
    backtest --horizon 14 --origins 2 --table ranking --rank-by id --format csv -i "$BATS_TEST_TMPDIR/level.weft" >"$BATS_TEST_TMPDIR/ranking.csv"
    grep -q random "$BATS_TEST_TMPDIR/ranking.csv"
    ! grep -qE '^(active|brands),' "$BATS_TEST_TMPDIR/ranking.csv" || false
}

@test "wrong use is said, with the way out" {
    refused() {
        local status_wanted=$1 text=$2
        shift 2
        run backtest "$@" -i "$dir/series.weft"
        [ "$status" -eq "$status_wanted" ] && [[ "$output" == *"$text"* ]] && [ "${#lines[@]}" -eq 1 ] || { echo "$*: $status $output"; false; }
    }
    refused 64 "--horizon"
    refused 64 "no-baselines" --no-baselines --horizon 7
    refused 78 "--origins 27 fits" --horizon 7 --origins 99
    refused 78 "calendar of 196" --horizon 300
    refused 78 "major" --horizon 7 --by color
    refused 78 "major" --horizon 14 --rank-by color
    refused 78 "less than gap" -m "$dir/model.st" --horizon 9
    refused 78 "far days" --horizon 28 --near 20:28
    refused 78 "no growth" --horizon 1 --table ranking
    refused 78 "give --horizon 14, or --near and --far" --horizon 7 --rank-by id
    for o in "--refit-every 2" "--lookback 14" "--scale standard" "--valid 0.2"; do refused 64 "goes with --refit" --horizon 7 $o; done
    refused 64 "quote" --horizon 7 --refit "train-dlinear '"
    refused 64 "quote" --horizon 7 --refit 'train-dlinear --log a\'
    refused 64 "which trainer" --horizon 7 --refit " "
    refused 66 "no-such" --horizon 7 -m no-such.st
}

@test "text, JSON and frames say the same; both tables on request" {
    options="--horizon 14 --origins 3 -i $dir/series.weft"
    backtest $options >text
    grep -q '^Ranking of .* by growth' text
    grep -q '^3 origins from 2022-06-04 to 2022-07-02, horizon 14, every 14' text
    backtest $options --format frames -o frames.weft
    frames check frames.weft
    rows=$(backtest $options --format csv | tail -n +2 | wc -l)
    more=$(backtest $options --table ranking --format csv | tail -n +2 | wc -l)
    [ "$(frames count frames.weft | grep -oE '[0-9]+' | head -n 1)" -eq $((rows + more)) ]
    backtest $options --format json >json
    [ "$(grep -c '"model"' json)" -eq $((rows + more)) ]
    if command -v python3 >/dev/null; then python3 -m json.tool <json >/dev/null; fi
}

@test "DLinear ranks categories of a generated shop better than the growth of the last period or of last year" {
    "$BUILD/gen/shop" --products 2000 --days 1095 | ingest | aggregate --by minor -o minor.weft
    backtest --refit train-dlinear --horizon 28 --table ranking --format csv -i minor.weft >ranking.csv
    columns spearman hits_3 <ranking.csv | awk '{ s[NR] = $1; h[NR] = $2 } END { exit !(NR == 4 && s[1] > s[2] && s[1] > s[3] && h[1] > h[2] && h[1] > h[3] && s[4] == 0) }' || { cat ranking.csv; false; }
}

@test "a shop that stands still, with noise: the growth interval holds what the growth became, whatever days are compared" {
    awk 'BEGIN { srand(7); printf "id"; for (d = 0; d < 400; d++) printf ",%s", strftime("%Y-%m-%d", 1640995200 + d * 86400, 1); print ""; split("0.4 0.6 0.9 1.1 1.3 2.0 0.7", w, " ")
        for (p = 0; p < 20; p++) { printf "g%02d", p; for (d = 0; d < 400; d++) { z = -6; for (i = 0; i < 12; i++) z += rand(); printf ",%.3f", 100 * 3 ^ (p % 4) * w[(d + p) % 7 + 1] * (1 + 0.1 * z) } print "" } }' |
        ingest -q -o noise.weft
    for spans in "" "--near 1:3 --far 20:28"; do
        backtest -q --refit train-dlinear --lookback 28 --horizon 28 --origins 6 --rank-by id $spans --table ranking --format csv -i noise.weft >ranking.csv
        awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; for (k in at) if (k ~ /coverage/) c = at[k] } NR == 2 { exit !($c > 0.8 && $c < 0.98 && $(at["error"]) < 0.1) }' ranking.csv || { cat ranking.csv; false; }
    done
}
