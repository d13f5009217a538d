#!/usr/bin/env bats
# columns.bats - the names of columns: every CSV goes into a data base and through Miller without a quoted name, and
# streams with the names of version 0.1.0 are read.

load helper

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    fixtures "$dir"
    aggregate -q --by minor --count active,brands -i "$dir/series.weft" -o "$dir/level.weft"
    window -q --lookback 28 --horizon 14 -i "$dir/level.weft" | train-dlinear -q -o "$dir/level.st"
    score -q -m "$dir/level.st" --quantiles 0.005,0.05,0.1,0.5,0.9,0.95,0.995 -i "$dir/level.weft" -o "$dir/level-forecasts.weft"
    rank -q --by minor --history "$dir/series.weft" --format frames -i "$dir/level-forecasts.weft" -o "$dir/ranking.weft"
}

# Words that PostgreSQL, DuckDB or SQLite reserve: as names of columns they are syntax errors unless quoted.
reserved='all alter analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate collation column commit
concurrently constraint create cross current_catalog current_date current_role current_schema current_time current_timestamp current_user default deferrable
delete desc describe distinct do drop else end escape except exists false fetch for foreign freeze from full glob grant group having ilike in index initially
inner insert intersect into is isnull join lambda lateral leading left like limit localtime localtimestamp natural not notnull null nulls offset on only or
order outer overlaps pivot pivot_longer pivot_wider placing primary qualify references returning right select semi session_user set show similar some
summarize symmetric table tablesample then to trailing transaction true union unique unpivot update user using values variadic verbose when where window with'

# plain NAME: the names in the first line of standard input need no quotes; those that a table of the user's brings are not asked for.
plain() {
    head -n 1 | tr ',' '\n' | awk -v of="$1" -v reserved="$reserved" '
        BEGIN { n = split(reserved, w, /[ \n]+/); for (i = 1; i <= n; i++) word[w[i]] }
        $0 !~ /^[a-z][a-z0-9_]*$/ || $0 in word { print of ": the column " $0 " needs quotes"; bad = 1 }
        $0 in seen { print of ": two columns " $0; bad = 1 }
        { seen[$0] }
        END { if (NR < 2) print of ": no columns"; exit bad || NR < 2 }'
}

@test "no column of a CSV needs quotes" {
    frames csv "$dir/series.weft" | plain series
    frames csv "$dir/level-forecasts.weft" | plain forecasts
    rank -q --by minor --format csv -i "$dir/level-forecasts.weft" | plain ranking
    rank -q --by minor --history "$dir/series.weft" --format csv -i "$dir/level-forecasts.weft" | plain "ranking with history"
    rank -q --by id --format csv -i "$dir/latest.weft" | plain "ranking by id"
    frames csv "$dir/ranking.weft" | plain "ranking stream"
    awk 'BEGIN { print "id,on_hand,cost,price"; for (p = 0; p < 24; p++) print p "," p * 9 ",6,10" }' >"$dir/stock.csv"
    order -q --stock "$dir/stock.csv" --lead-days 2 --review-days 3 --budget 1000 --format csv -i "$dir/latest.weft" | plain orders
    order -q --stock "$dir/stock.csv" --lead-days 2 --review-days 3 --format frames -i "$dir/latest.weft" | frames csv | plain "orders stream"
    evaluate -q --by minor --per-step --format csv -i "$dir/forecasts.weft" | plain evaluate
    score -q -m "$dir/model.safetensors" --part test --quantiles 0.0125,0.5,0.975,0.9875 -i "$dir/windows.weft" -o "$dir/odd.weft"
    evaluate -q --format csv -i "$dir/odd.weft" | plain "evaluate of odd levels"
    evaluate -q --format frames -i "$dir/odd.weft" | frames csv | plain "metrics stream"
    for t in accuracy ranking; do
        backtest -q --horizon 14 --origins 3 --level 0.975 --table $t --per-origin --format csv -i "$dir/level.weft" | plain "backtest $t"
    done
    backtest -q --horizon 14 --origins 3 --format frames -i "$dir/level.weft" | frames csv | plain "backtest stream"
    explain -m "$dir/level.st" --near 1:3 --far 5:7 --channel units --format csv -i "$dir/level.weft" | plain explain
    garments "$dir/g"
    frames csv "$dir/g/demand.weft" | plain demand
    evaluate -q --format csv -i "$dir/g/demand.weft" | plain "evaluate of products"
    rank -q --format csv -i "$dir/g/demand.weft" | plain "ranking of products"
}

@test "levels with decimals: the name, the title and the label of Prometheus" {
    score -q -m "$dir/model.safetensors" --part test --quantiles 0.0125,0.5,0.975,0.9875 -i "$dir/windows.weft" -o "$dir/odd.weft"
    frames csv "$dir/odd.weft" | head -n 1 | grep -q ',q0_0125,q0_5,q0_975,q0_9875,why$'
    evaluate -q --format csv -i "$dir/odd.weft" | head -n 1 | tr ',' '\n' | grep -qx coverage_97_5
    evaluate -q --format prometheus -i "$dir/odd.weft" | grep -q '^weft_coverage{.*level="97.5"}'
    evaluate -q --format prometheus -i "$dir/odd.weft" | grep -q '^# TYPE weft_coverage gauge$'
    ! evaluate -q --format prometheus -i "$dir/odd.weft" | grep -q 'weft_coverage_9' || false
    evaluate -q -i "$dir/odd.weft" | grep -q 'in 97.5%'
}

@test "a ranking of version 0.1.0, whose rows have group, is read as today's is" {
    frames show "$dir/ranking.weft" | sed 's/"name":/"group":/' | frames from-json >"$dir/old.weft"
    ! cmp -s "$dir/old.weft" "$dir/ranking.weft" || false
    frames check "$dir/old.weft"
    report -q -i "$dir/old.weft" -o "$dir/old.html"
    report -q -i "$dir/ranking.weft" -o "$dir/new.html"
    # but for the head's lineage, which from-json adds to
    cmp <(sed '/from-json/d' "$dir/old.html") <(sed '/from-json/d' "$dir/new.html")
    run rank --columns group --format csv -i "$dir/level-forecasts.weft"
    [ "$status" -eq 64 ] && [[ "$output" == *'there is no column "group"'*"it is called name now"* ]] || { echo "$output"; false; }
}
