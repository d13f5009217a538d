#!/usr/bin/env bats
# pipelines.bats - whole flows on a generated shop.

setup_file() {
    export dir="$BATS_FILE_TMPDIR" pipelines="$PWD/pipelines" WEFT_BIN="$BIN"
    "$BUILD/gen/shop" --products 120 --days 300 >"$dir/sales.csv"
    "$BUILD/gen/shop" --products 120 --days 300 --table amounts >"$dir/amounts.csv"
    "$BUILD/gen/shop" --products 80 --days 200 --layout long >"$dir/long.csv"
}

# days TO: the rows of the long table up to a day.
days() {
    awk -F, -v from="$1" -v to="$2" 'NR == 1 || ($1 >= from && $1 <= to)' "$dir/long.csv"
}

@test "the generator writes the same bytes for the same seed, and others for another" {
    cmp <("$BUILD/gen/shop" --products 120 --days 300) "$dir/sales.csv"
    ! cmp -s <("$BUILD/gen/shop" --products 120 --days 300 --seed 2) "$dir/sales.csv" || false
    "$BUILD/gen/shop" --products 2000 --days 2 | awk -F, 'NR > 1 { a[$3]; b[$4]; c[$5] } END { exit !(length(a) == 5 && length(b) == 11 && length(c) == 53) }'
}

@test "forecast.sh: everything appears, with a ranking and a plot" {
    cd "$BATS_TEST_TMPDIR"
    run "$pipelines/forecast.sh" "$dir/sales.csv" --amounts "$dir/amounts.csv" --by middle --horizon 20 -o out
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"Growth of units by middle"* ]]
    for f in report.html model.safetensors accuracy.csv forecasts.csv ranking.csv ranking.txt plot.svg; do [ -s "out/$f" ]; done
    grep -q '</svg>' out/plot.svg
    grep -q '</html>' out/report.html
    head -n 1 out/ranking.csv | grep -q 'beyond,p_top.*reason'
    [ "$(awk -F, '$1 == "units"' out/ranking.csv | wc -l)" -eq 11 ]
}

@test "forecast.sh and backtest: a plan of coming days moves no origin and no measure, and is said" {
    cd "$BATS_TEST_TMPDIR"
    "$BUILD/gen/shop" --products 40 --days 250 --layout long --plan 20 >planned.csv
    last=$(date -d '2022-01-01 +249 days' +%F)
    awk -F, -v last="$last" 'NR == 1 || $1 <= last' planned.csv >known.csv
    long="--layout long --id id --keys minor --value units"
    "$pipelines/forecast.sh" planned.csv --horizon 14 --plot none --ingest "$long,price,promotion --future price,promotion" -o planned >said
    grep -q "promotion" said
    "$pipelines/forecast.sh" known.csv --horizon 14 --plot none --ingest "$long" -o known
    # The same days are forecast, and the baselines, which know nothing of the plan, are measured alike.
    dates() { awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $(at["date"]) != "" { print $1, $(at["date"]) }' "$1" | sort; }
    cmp <(dates planned/forecasts.csv) <(dates known/forecasts.csv)
    cmp <(grep -E 'seasonal-naive:7|mean:28' planned/accuracy.csv | cut -d, -f1-9) <(grep -E 'seasonal-naive:7|mean:28' known/accuracy.csv | cut -d, -f1-9)
    ingest -q $long,price,promotion --future price,promotion planned.csv | aggregate -q --by minor | backtest -q -m seasonal-naive:7 --horizon 14 >planned.txt
    ingest -q $long known.csv | aggregate -q --by minor | backtest -q -m seasonal-naive:7 --horizon 14 >known.txt
    cmp planned.txt known.txt
    "$pipelines/daily.sh" -d days --date "$last" --lookback 28 --horizon 7 --ingest "$long,price,promotion --future price,promotion" planned.csv
    [ -s days/results/latest/ranking.csv ]
}

@test "forecast.sh: a bad table leaves nothing and keeps the exit status" {
    cd "$BATS_TEST_TMPDIR"
    sed '7s/,[0-9]*$/,x/' "$dir/sales.csv" >bad.csv
    run "$pipelines/forecast.sh" bad.csv -o out
    [ "$status" -eq 65 ]
    [[ "$output" == *'bad.csv:7:306: not a number: "x"'* ]]
    [ ! -e out ]
    run "$pipelines/forecast.sh" "$dir/sales.csv" --by colour -o out
    [ "$status" -ne 0 ]
    [ ! -e out ]
}

@test "daily.sh: a day joins, twice changes nothing, a failure changes nothing" {
    cd "$BATS_TEST_TMPDIR"
    days 2022-01-01 2022-06-30 >first.csv
    days 2022-07-01 2022-07-01 >second.csv
    daily=("$pipelines/daily.sh" -d state --lookback 28 --horizon 7 --by middle)
    "${daily[@]}" --date 2022-06-30 first.csv
    "${daily[@]}" --date 2022-07-01 second.csv
    [ "$(readlink state/results/latest)" = 2022-07-01 ]
    grep -q 2022-07-02 state/results/2022-07-01/forecasts.csv
    contents() { find state -type f ! -name log ! -name metrics.prom -exec sha256sum {} + | sort; }
    contents >before
    "${daily[@]}" --date 2022-07-01 second.csv
    sed '2s/,[^,]*,[^,]*,[^,]*$/,x,y,z/' second.csv >bad.csv
    run "${daily[@]}" --date 2022-07-02 bad.csv
    [ "$status" -eq 65 ]
    run "${daily[@]}" --date 2022-07-01 first.csv
    [ "$status" -eq 65 ]
    contents | diff before -
    ! ls state/results/.*.part 2>/dev/null || false
}

@test "daily.sh: other options make another model, in the same week too" {
    cd "$BATS_TEST_TMPDIR"
    days 2022-01-01 2022-06-27 >first.csv
    days 2022-06-28 2022-06-28 >second.csv
    "$pipelines/daily.sh" -d state --lookback 28 --horizon 7 --by middle --date 2022-06-27 first.csv
    run "$pipelines/daily.sh" -d state --horizon 10 --date 2022-06-28 second.csv
    [ "$status" -eq 78 ] && [[ "$output" == *'--horizon was "7", is "10"'*--set* ]]
    "$pipelines/daily.sh" -d state --horizon 10 --set --date 2022-06-28 second.csv
    grep -q ',2022-07-04,' state/results/2022-06-27/forecasts.csv
    grep -q ',2022-07-08,' state/results/2022-06-28/forecasts.csv
}

@test "paper-dlinear.sh reproduces the paper's row at horizon 96" {
    etth1=${WEFT_DATA:-../shared/data}/ett/ETTh1.csv
    [ -r "$etth1" ] || skip "skipped: no ETTh1.csv"
    run "$pipelines/paper-dlinear.sh" "$etth1" 96
    [ "$status" -eq 0 ]
    awk '$1 == 96 { ok = $2 <= 0.371 && $4 <= 0.378 } END { exit !ok }' <<<"$output" || { echo "$output"; false; }
}

@test "every pipeline has --help, and says what it does not know" {
    for p in forecast daily paper-dlinear from-postgres; do
        run "$pipelines/$p.sh" --help
        [ "$status" -eq 0 ]
        [[ "$output" == *usage* ]]
        run "$pipelines/$p.sh" --no-such-option
        [ "$status" -ne 0 ]
    done
}

@test "from-postgres.sh against a real PostgreSQL" {
    initdb=$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null | head -n 1)
    [ -n "$initdb" ] && command -v psql >/dev/null || skip "skipped: no PostgreSQL"
    bin=$(dirname "$initdb")
    pg=$(mktemp -d /tmp/weft-pg.XXXXXX)
    as=()
    if [ "$(id -u)" = 0 ]; then
        chown nobody "$pg"
        as=(setpriv --reuid nobody --clear-groups)
    fi
    "${as[@]}" "$initdb" -D "$pg/data" -U weft --no-sync -E UTF8 --locale C >/dev/null
    "${as[@]}" "$bin/pg_ctl" -D "$pg/data" -w -l "$pg/log" -o "-c listen_addresses='' -k $pg" start >/dev/null
    export PGHOST=$pg PGUSER=weft PGDATABASE=postgres
    days 2022-01-01 2022-07-01 >"$pg/sales.csv"
    psql -q -c 'create table sales (date date, id text, product text, major text, middle text, minor text, brand text, units int, price int, promotion int)' \
        -c "\\copy sales from '$pg/sales.csv' with (format csv, header)"
    query='select date, id, middle, brand, units from sales order by random()'
    # A table as the first version of this made it, with a row of an earlier day.
    psql -q -c 'create table weft_ranking (made_on date not null default current_date, channel text, rank int, name text, growth double precision,
        low double precision, high double precision, near double precision, far double precision)' -c "insert into weft_ranking values ('2020-01-01', 'units', 1, 'old', 1, 1, 1, 1, 1)"
    for i in 1 2; do
        run "$pipelines/from-postgres.sh" --query "$query" --by middle --lookback 28 --horizon 7 -o "$pg/out"
        [ "$status" -eq 0 ] || break
    done
    rows=$(psql -At -c "select count(*), min(rank), count(distinct name) from weft_ranking where made_on = current_date" -c "select count(*) from weft_ranking where name = 'old'" \
        -c 'select count(*), count(distinct name), min(at), max(step), bool_and(low <= median and median <= high and forecast >= 0), count(distinct made_on) from weft_forecasts' | paste -s -d' ')
    # Nothing is replaced by half: the second table can't be written, so the first stays as it was.
    psql -q -c 'create view locked as select 1 as channel' -c "update weft_ranking set growth = 99"
    failed=0
    "$pipelines/from-postgres.sh" --query "$query" --by middle --lookback 28 --horizon 7 --forecasts-table locked 2>/dev/null || failed=$?
    kept=$(psql -At -c 'select count(*) from weft_ranking where growth = 99')
    "${as[@]}" "$bin/pg_ctl" -D "$pg/data" -m immediate stop >/dev/null
    "$pipelines/forecast.sh" --ingest "--layout long --keys middle,brand --value units" --by middle --lookback 28 --horizon 7 --plot none -o "$pg/file" "$pg/sales.csv" >/dev/null
    same=$(cmp "$pg/out/ranking.csv" "$pg/file/ranking.csv" && cmp "$pg/out/forecasts.csv" "$pg/file/forecasts.csv" && echo same)
    rm -rf "$pg"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [ "$rows" = "11|1|11 1 77|11|2022-07-02 00:00:00|7|t|1" ] || { echo "$rows"; false; }
    [ "$failed" -ne 0 ] && [ "$kept" -eq 12 ] || { echo "$failed $kept"; false; }
    [ "$same" = same ]
}

# hub DIR: a stand-in for the hub, read through file://, with one small model.
hub() {
    local at=$1 model=owner/small revision=0123abcd vocab
    mkdir -p "$at/api/models/$model/revision" "$at/$model/resolve/$revision"
    printf '[PAD]\n[UNK]\n' >"$at/$model/resolve/$revision/vocab.txt"
    head -c 1000 /dev/zero >"$at/$model/resolve/$revision/model.safetensors"
    vocab=$(printf 'blob 12\0[PAD]\n[UNK]\n' | sha1sum | cut -d' ' -f1)
    jq -n --arg r $revision --arg v "$vocab" --arg m "$(head -c 1000 /dev/zero | sha256sum | cut -d' ' -f1)" '{sha: $r, siblings: [
        {rfilename: "vocab.txt", size: 12, blobId: $v}, {rfilename: "README.md", size: 5, blobId: "x"},
        {rfilename: "model.safetensors", size: 1000, blobId: "y", lfs: {sha256: $m, size: 1000}}]}' >"$at/api/models/$model/revision/main"
}

@test "get-models.sh: checked files in a directory that appears whole; a changed one is refused" {
    command -v curl >/dev/null && command -v jq >/dev/null || skip "skipped: no curl or jq"
    cd "$BATS_TEST_TMPDIR"
    hub "$PWD/hub"
    export HF_ENDPOINT="file://$PWD/hub"
    run "$pipelines/get-models.sh" --dry-run owner/small
    [ "$status" -eq 0 ] && [[ "$output" == *"2 files"* ]] && [ ! -e models ]
    "$pipelines/get-models.sh" owner/small
    [ "$(cat models/small/REVISION)" = 0123abcd ] && [ "$(stat -c %s models/small/model.safetensors)" -eq 1000 ] && [ ! -e models/small/README.md ]
    "$pipelines/get-models.sh" -o again --sums models/small/SHA256SUMS owner/small
    for file in vocab.txt model.safetensors; do
        hub "$PWD/hub"
        printf x >>"hub/owner/small/resolve/0123abcd/$file"
        run "$pipelines/get-models.sh" -o bad owner/small
        [ "$status" -eq 65 ] && [[ "$output" == *"$file is not what"* ]]
        [ -z "$(ls bad)" ]
    done
    run "$pipelines/get-models.sh" owner/none
    [ "$status" -eq 69 ]
}
