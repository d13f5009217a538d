#!/usr/bin/env bats
# What runs the documentation (tests/docs.sh) fails where a page is wrong.

@test "a page with a command that fails, another output, an option or a link that is not there, is not ok" {
    page=$BATS_TEST_TMPDIR/page.md
    cat >"$page" <<'T'
# A page
```sh
weft ingest -q sales.csv | weft frames count
weft ingest no-such.csv
```
```text
-	9 frames	series/1
```
```sh
weft ingest -q sales.csv | weft frames count
```
```text
-	221 frames	…
```
<!-- other hosts -->
```sh
weft score --no-such 1 -m tcp://host:1
weft score --horizon 28 -i tcp://host:1
```
[there](#a-page) [not there](#another) [nor there](missing.md)
T
    run "$BATS_TEST_DIRNAME/../docs.sh" "$page"
    echo "$output"
    [ "$(grep -c '^ok' <<<"$output")" = 4 ]
    [ "$(grep -c '^not ok' <<<"$output")" = 4 ]
    [[ $output == *"not ok - $page:4: weft ingest no-such.csv"* ]]
    [[ $output == *"not ok - $page:7: prints something else"* ]]
    [[ $output == *"there is no score --no-such"* ]]
    [[ $output == *"links to nothing: #another missing.md"* ]]
}
