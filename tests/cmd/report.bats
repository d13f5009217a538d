#!/usr/bin/env bats
# report.bats - a ranking as an HTML page.

load helper

# named FILE NAMES: the small shop with the names of its categories and brands taken from a file, one a line.
named() {
    awk -F, -v OFS=, 'NR == FNR { gsub(/"/, "\"\""); name[NR - 1] = "\"" $0 "\""; n = NR; next } FNR > 1 { $5 = $6 = name[(FNR - 2) % n] } { print }' "$2" "$dir/shop.csv" >"$1"
}

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    shop "$dir/shop.csv" 420 24
    # flow NAME: ranking, forecasts and level of $dir/NAME.csv
    flow() {
        ingest "$dir/$1.csv" -o "$dir/$1.weft"
        aggregate --by minor --count active,brands -i "$dir/$1.weft" -o "$dir/$1-level.weft"
        window --lookback 21 --horizon 10 -i "$dir/$1-level.weft" | train-dlinear -q -o "$dir/$1.st"
        score -q -m "$dir/$1.st" --quantiles 0.05,0.95 -i "$dir/$1-level.weft" -o "$dir/$1-forecasts.weft"
        explain -q -m "$dir/$1.st" --format frames -i "$dir/$1-level.weft" -o "$dir/$1-reasons.weft"
        rank -q --history "$dir/$1.weft" --reasons "$dir/$1-reasons.weft" --format frames -i "$dir/$1-forecasts.weft" -o "$dir/$1-ranking.weft"
    }
    flow shop
    printf '%s\n' "<script>alert(1)</script>" "a'b" 'say "hi"' 'x & y &amp; z' ']]><!--' '--></style><svg onload=alert(1)>' "' onmouseover='alert(1)" '%s%n%x' 'javascript:alert(1)' \
        '</b></td></table>' '셔츠 & 블라우스' '&#60;b&#62;' >"$dir/names"
    named "$dir/hostile.csv" "$dir/names"
    flow hostile
    window --lookback 21 --horizon 10 -i "$dir/shop-level.weft" -o "$dir/windows.weft"
    score -q -m "$dir/shop.st,seasonal-naive:7" --part test --quantiles 0.05,0.95 -i "$dir/windows.weft" -o "$dir/test.weft"
    evaluate -q --format csv -i "$dir/test.weft" -o "$dir/accuracy.csv"
    evaluate -q --format json -i "$dir/test.weft" -o "$dir/accuracy.json"
}

page() {
    report --forecasts "$dir/$1-forecasts.weft" --history "$dir/$1-level.weft" --accuracy "$dir/accuracy.csv" -i "$dir/$1-ranking.weft" "${@:2}"
}

# balanced FILE: every element ends, in the right order; prints the elements with the names of their attributes.
balanced() {
    sed '/<style>/,/<\/style>/d; s/<!DOCTYPE html>//' "$1" | tr '\n' ' ' | grep -o '<[^>]*>' | awk '
        /^<\// { name = substr($0, 3, length($0) - 3); if (stack[n] != name) { print "expected </" stack[n] ">, found " $0; exit 1 } n--; next }
        { name = $0; sub(/^</, "", name); sub(/[ >\/].*/, "", name); rest = $0; attrs = ""
          while (match(rest, /[-a-zA-Z]+=('\''[^'\'']*'\''|"[^"]*")/)) { a = substr(rest, RSTART, RLENGTH); sub(/=.*/, "", a); attrs = attrs " " a; rest = substr(rest, RSTART + RLENGTH) }
          print name attrs; if ($0 !~ /\/>$/) stack[++n] = name }
        END { if (n) { print "open: " stack[n]; exit 1 } }'
}

@test "the page is whole, needs nothing else, and has no script" {
    page shop -o "$dir/report.html"
    balanced "$dir/report.html" >"$dir/elements" || { tail -n 3 "$dir/elements"; false; }
    ! grep -qiE '<script|<link|<img|<iframe|<object|javascript:|https?://|@import|url\(|[ ](src|href|on[a-z]+)=' "$dir/report.html" || false
    grep -q "Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\"" "$dir/report.html"
    grep -q "<html lang='en'>" "$dir/report.html"
    [ "$(grep -c '<figure>' "$dir/report.html")" -eq 6 ]
    ! grep -qiE '[^a-z](nan|inf)[^a-z]' <(sed '/<style>/,/<\/style>/d' "$dir/report.html") || false
}

@test "charts have words for those who do not see them, tables have captions and heads" {
    page shop -o "$dir/report.html"
    ! grep -oE '<svg class=[^>]*>' "$dir/report.html" | grep -vE "aria-hidden='true'|role='img' aria-label='[^']+'" | grep . || false
    [ "$(grep -c '<table' "$dir/report.html")" -eq "$(grep -c '<caption>' "$dir/report.html")" ]
    grep -q "<th scope='col'" "$dir/report.html"
    grep -q "<th scope='row'" "$dir/report.html"
    grep -q "tabindex='0' role='region' aria-labelledby='h-table'" "$dir/report.html"
    grep -q '@media print' "$dir/report.html"
    grep -q '@media (max-width: 640px)' "$dir/report.html"
}

@test "names can hold anything: the page's elements stay those of a harmless shop" {
    page hostile --title '<h1 onclick="x">&' -o "$dir/hostile.html"
    balanced "$dir/hostile.html" >"$dir/hostile-elements" || { tail -n 3 "$dir/hostile-elements"; false; }
    ! grep -qE '<script|<svg onload|<!--|</b></td></table>' "$dir/hostile.html" || false
    grep -q '&lt;script&gt;alert(1)&lt;/script&gt;' "$dir/hostile.html"
    grep -qF '&lt;h1 onclick=&quot;x&quot;&gt;&amp;' "$dir/hostile.html"
    grep -qF '%s%n%x' "$dir/hostile.html"
    grep -qF '&amp;#60;b&amp;#62;' "$dir/hostile.html"
    # With harmless names in their place: the same elements with the same attributes, in the same order.
    frames show "$dir/hostile-ranking.weft" >"$dir/hostile.jsonl"
    sed -E 's/"(group|top_brand)":"([^"\\]|\\.)*"/"\1":"plain"/g' "$dir/hostile.jsonl" | frames from-json -o "$dir/plain-ranking.weft"
    report -i "$dir/plain-ranking.weft" -o "$dir/plain.html"
    report -i "$dir/hostile-ranking.weft" -o "$dir/hostile-bare.html"
    diff <(balanced "$dir/plain.html") <(balanced "$dir/hostile-bare.html")
}

@test "numbers and names of the page are the ranking's" {
    page shop -o "$dir/report.html"
    rank -q --history "$dir/shop.weft" --channel units --format csv --columns rank,name,growth,low,high,near,far -i "$dir/shop-forecasts.weft" | tail -n +2 |
        while IFS=, read -r rank group growth low high near far; do
            line=$(grep -F "<tr><td class='n'>$rank</td><th scope='row' class='w name'>$group</th>" "$dir/report.html" | head -n 1)
            [[ "$line" == *"<td>$(printf %.2f "$growth")</td><td>$(printf '%.2f–%.2f' "$low" "$high")</td>"* ]] || { echo "$group: $line"; exit 1; }
        done
    grep -q '>seasonal-naive:7<' "$dir/report.html"
    grep -q '>WAPE<' "$dir/report.html"
    # The table of accuracy may be JSON.
    cmp <(page shop) <(report --forecasts "$dir/shop-forecasts.weft" --history "$dir/shop-level.weft" --accuracy "$dir/accuracy.json" -i "$dir/shop-ranking.weft")
}

@test "tables of backtest: CSV or JSON, in the page's language" {
    backtest -q --horizon 14 --origins 3 --format csv -i "$dir/shop-level.weft" -o "$dir/trial.csv"
    backtest -q --horizon 14 --origins 3 --format json -i "$dir/shop-level.weft" -o "$dir/trial.json"
    report --accuracy "$dir/trial.csv" -i "$dir/shop-ranking.weft" -o "$dir/trial.html"
    grep -q '>better than last season</th>' "$dir/trial.html"
    cmp "$dir/trial.html" <(report --accuracy "$dir/trial.json" -i "$dir/shop-ranking.weft")
    report --lang ko --accuracy "$dir/trial.csv" -i "$dir/shop-ranking.weft" | grep -q '>계절 반복 대비 개선율</th>'
}

@test "nothing is sold: a page without a growth, and no nan in it" {
    printf '%s,0,0,0,0\n' a b | sed 1iID,2022-01-01,2022-01-02,2022-01-03,2022-01-04 >"$dir/zero.csv"
    ingest "$dir/zero.csv" | score -q -m naive --horizon 14 -o "$dir/zero.weft"
    rank -q --model naive --format frames -i "$dir/zero.weft" | report --forecasts "$dir/zero.weft" -o "$dir/zero.html"
    balanced "$dir/zero.html" >/dev/null
    ! grep -qw 'nan\|inf' "$dir/zero.html" || false
    grep -q "aria-label='Growth: –'" "$dir/zero.html"
}

@test "Korean" {
    page shop --lang ko -o "$dir/ko.html"
    balanced "$dir/ko.html" >/dev/null
    grep -q "<html lang='ko'>" "$dir/ko.html"
    grep -q '<h1>수요가 커지는 곳</h1>' "$dir/ko.html"
    for word in 소분류 성장 '1년 전' '활동 상품' 예측 '90% 구간' '읽는 법'; do grep -q "$word" "$dir/ko.html" || { echo "$word"; false; }; done
    ! grep -q 'Where the growth' "$dir/ko.html" || false
}

@test "the history may be that of single series; without forecasts, history and accuracy there is still a page" {
    cmp <(page shop) <(report --forecasts "$dir/shop-forecasts.weft" --history "$dir/shop.weft" --accuracy "$dir/accuracy.csv" -i "$dir/shop-ranking.weft")
    rank -q --format frames -i "$dir/shop-forecasts.weft" | report -o "$dir/bare.html"
    balanced "$dir/bare.html" >/dev/null
    ! grep -q '<figure>\|h-accuracy' "$dir/bare.html" || false
    grep -q h-market "$dir/bare.html" # of what is forecast: how many are active
    report --channel active -i "$dir/shop-ranking.weft" 2>/dev/null && false
    rank -q --format frames --channel active -i "$dir/shop-forecasts.weft" | report | grep -q '· active ·'
    [ "$(report --top 3 --bars 2 -i "$dir/shop-ranking.weft" | grep -c "scope='row'")" -eq 6 ]
}

@test "what does not fit is refused" {
    run report --history "$dir/shop.weft" -i "$dir/shop-ranking.weft"
    [ "$status" -eq 64 ]
    run report --accuracy /nonexistent.csv -i "$dir/shop-ranking.weft"
    [ "$status" -eq 66 ]
    run report --accuracy "$dir/shop-ranking.weft" -i "$dir/shop-ranking.weft"
    [ "$status" -eq 65 ]
    run report --channel colour -i "$dir/shop-ranking.weft"
    [ "$status" -eq 65 ]
    score -q -m seasonal-naive:7 --horizon 3 -i "$dir/shop-level.weft" -o "$dir/other.weft"
    run report --forecasts "$dir/other.weft" -i "$dir/shop-ranking.weft"
    [ "$status" -eq 78 ]
    echo old >"$dir/kept.html"
    head -c 4000 "$dir/shop-forecasts.weft" >"$dir/cut.weft"
    run report --forecasts "$dir/cut.weft" -i "$dir/shop-ranking.weft" -o "$dir/kept.html"
    [ "$status" -eq 76 ] && [ "$(cat "$dir/kept.html")" = old ]
}

# made: a ranking from lines of "group rank growth low high p_growth sure model why"; "-": not there.
made() {
    awk -v attrs="$1" 'BEGIN { print "{\"weft\":1,\"schema\":\"ranking/1\",\"attrs\":{\"by\":\"minor\",\"model\":\"m\",\"horizon\":28,\"near\":[1,7],\"far\":[22,28],\"level\":0.9,\"channel\":\"units\",\"sort\":\"growth\",\"step\":\"day\",\"origin\":\"2024-01-01\",\"among\":3,\"draws\":1000,\"now\":28,\"fdr\":0.1" attrs "},\"lineage\":[]}" }
        function field(key, v, quote) { if (v != "-") printf ",\"%s\":%s%s%s", key, quote, v, quote }
        { printf "{\"channel\":\"units\",\"name\":\"%s\"", $1; field("rank", $2, ""); field("growth", $3, ""); field("low", $4, ""); field("high", $5, ""); field("p_growth", $6, "")
          field("sure", $7, "\""); field("model", $8, "\""); field("why", $9, "\""); printf ",\"series\":%d,\"near\":10,\"far\":10%s}\n", $2 != "-", $1 == "thin" ? ",\"mark\":\"thin\"" : "" }' | frames from-json
}

@test "the headline is sure of its growth; what is sure, what another model made and what was left out stand on the page" {
    printf '%s\n' "wide 1 1.9 0.6 3.2 0.87 - m -" "firm 2 1.2 1.1 1.3 1 up other -" "less 3 0.7 0.6 0.8 0 down m -" "thin 4 1 0.9 1.1 0.5 - m -" "gone - - - - - - m too-<short>" | made >"$dir/made.weft"
    frames check "$dir/made.weft"
    report -i "$dir/made.weft" -o "$dir/made.html"
    balanced "$dir/made.html" >/dev/null
    grep -q '<dt>Highest growth</dt><dd><b>firm</b>' "$dir/made.html"
    grep -q 'Sure to grow: 1, sure to fall: 1, of the rows shown; 10% of such marks' "$dir/made.html"
    [ "$(grep -o "title='sure to grow'>▲" "$dir/made.html" | wc -l)" -eq 2 ] # beside the bar, and in the table
    grep -q "<td class='w'>other</td>" "$dir/made.html"
    grep -q '>Chance of growth</th>' "$dir/made.html"
    grep -q '1 could not be forecast' "$dir/made.html"
    grep -q 'gone</th><td class=.w why.>too-&lt;short&gt;</td>' "$dir/made.html"
    grep -q 'next to nothing is sold' "$dir/made.html"
    report --lang ko -i "$dir/made.weft" | grep -q '확실한 성장 1, 확실한 감소 1'
    # the first row alone: what is sure is said of the whole ranking
    report --top 1 -i "$dir/made.weft" | grep -q 'Sure to grow: 0'
}

@test "when nothing is sure the page says so, and has no highest growth; a ranking without growth says that" {
    printf '%s\n' "wide 1 1.9 0.6 3.2 0.87 - m -" "near 2 1.01 0.9 1.1 0.6 - m -" | made ',"profile":true' >"$dir/made.weft"
    report -i "$dir/made.weft" -o "$dir/made.html"
    grep -q 'No growth and no fall here is sure' "$dir/made.html"
    ! grep -q 'Highest growth' "$dir/made.html" || false
    grep -q 'divided by what such days sold in the last eight weeks' "$dir/made.html"
    printf '%s\n' "a 1 - - - - - m -" "b 2 - - - - - m -" | made ',"no_growth":true' >"$dir/made.weft"
    report -i "$dir/made.weft" -o "$dir/made.html"
    balanced "$dir/made.html" >/dev/null
    grep -q 'A forecast of 28 steps holds no two seasons to compare' "$dir/made.html"
    ! grep -q "id='h-growth'" "$dir/made.html" || false
}

@test "as a picture: whole, the rows and charts of the ranking, names that can hold anything" {
    for shop in shop hostile; do
        page $shop --format svg --bars 7 -o "$dir/$shop.svg"
        balanced "$dir/$shop.svg" >"$dir/$shop.elements" || { tail -n 3 "$dir/$shop.elements"; false; }
        [ "$(grep -c "class='dot' cx=" "$dir/$shop.svg")" -eq 8 ] # seven and the one of the key
        [ "$(grep -c "class='plot'" "$dir/$shop.svg")" -eq 4 ]
        ! grep -qiE '[^a-z](nan|inf)[^a-z]' <(sed '/<style>/,/<\/style>/d' "$dir/$shop.svg") || false
    done
    cmp <(sort "$dir/shop.elements" | uniq) <(sort "$dir/hostile.elements" | uniq)
    rank -q -i "$dir/shop-forecasts.weft" --format csv | awk -F, 'NR > 1 && $1 == "units" && NR < 8 { printf "%d. %s\n", $2, $3 }' | while read -r line; do
        grep -qF ">$line</text>" "$dir/shop.svg" || { echo "no $line"; false; }
    done
}

@test "several models in one picture: the last window, at the height of what they say" {
    cd "$dir"
    # 10 a day; the second model says what came a week before: the same.
    { echo "date,level"; for i in $(seq 0 79); do echo "$(date -u -d "2024-01-01 +$i days" +%F),10"; done; } >flat.csv
    ingest -q --layout matrix flat.csv | window --lookback 14 --horizon 7 --split 0.6,0.2,0.2 -o flat.weft
    score -q -m 'naive,week=seasonal-naive:7' --part test -i flat.weft >flat-test.weft
    evaluate --format svg -i flat-test.weft -o models.svg
    balanced models.svg >/dev/null
    grep -qF 'level' models.svg
    for model in naive week sold; do grep -qF ">$model</text>" models.svg; done
    grep -qF '>2024-03-20</text>' models.svg
    # The axis ends at 12.5 or below 20: each of the three lines stays on one height.
    lines=$(grep -c "<path fill='none'" models.svg)
    [ "$lines" -eq 3 ]
    [ "$(sed -n "s,<path fill='none'.* d='M,,p" models.svg | grep -oE '[0-9.]+ [0-9.]+' | cut -d' ' -f2 | sort -u | wc -l)" -eq 1 ]
    run evaluate --format svg -i "$dir/shop-forecasts.weft"
    [ "$status" -eq 0 ]
}
