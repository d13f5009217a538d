#!/usr/bin/env bats
# ingest.bats - tables of every layout, and everything that can be wrong with them.

load helper

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# values OPTIONS...: what ingest makes of its input, as CSV.
values() {
    ingest -q "$@" | frames csv
}

refused() { # TEXT STATUS COMMAND...
    local text=$1 status_wanted=$2
    shift 2
    run bash -o pipefail -c "$* >out.weft"
    [ "$status" -eq "$status_wanted" ] || { echo "status $status: $output"; return 1; }
    [ "${#lines[@]}" -eq 1 ] || { echo "$output"; return 1; }
    [[ "$output" == *"$text"* ]] || { echo "$output"; return 1; }
}

@test "wide: Korean headers, byte order mark, CRLF, quoted numbers, counts, empty cells" {
    printf '\xef\xbb\xbfID,제품,대분류,중분류,소분류,브랜드,2022-01-01,2022-01-02,2022-01-03\r\n0,P0,M,M1,M11,B1,1,2,"1,234"\r\n1,P1,M,,M12,B2,0,,4.2천\r\n' >k.csv
    run values k.csv
    [ "${lines[0]}" = "id,product,major,middle,minor,brand,date,units" ]
    [ "${lines[3]}" = "0,P0,M,M1,M11,B1,2022-01-03,1234" ]
    [ "${lines[5]}" = "1,P1,M,,M12,B2,2022-01-02,0" ]
    [ "${lines[6]}" = "1,P1,M,,M12,B2,2022-01-03,4200" ]
    run values --missing nan k.csv
    [ "${lines[5]}" = "1,P1,M,,M12,B2,2022-01-02," ]
}

@test "wide: amounts by row and mentions by brand are channels" {
    printf 'id,brand,2022-01-01,2022-01-02\na,B1,1,2\nb,B2,3,4\n' >u.csv
    printf 'id,brand,2022-01-02,2022-01-01\na,B1,20,10\nb,B2,40,30\n' >a.csv
    printf 'brand,2022-01-01,2022-01-02\nB1,0.5,0.25\n' >m.csv
    run values u.csv --amounts a.csv --mentions m.csv
    [ "${lines[0]}" = "id,brand,date,units,amounts,mentions" ]
    [ "${lines[1]}" = "a,B1,2022-01-01,1,10,0.5" ]
    [ "${lines[2]}" = "a,B1,2022-01-02,2,20,0.25" ]
    [ "${lines[4]}" = "b,B2,2022-01-02,4,40," ]
    printf 'id,brand,2022-01-01\nb,B1,1\na,B2,2\n' >wrong.csv
    refused 'wrong.csv:2: the row is of "b"' 65 ingest u.csv --amounts wrong.csv
    printf 'id,brand,2022-01-01\na,B1,1\n' >short.csv
    refused 'ends before line 3' 65 ingest u.csv --amounts short.csv
}

@test "CP949 under a Korean header is read by itself and said, else with --encoding" {
    printf 'ID,대분류,2022-01-01,2022-01-02\n0,의류,1,2\n' | iconv -t cp949 >k.csv
    run bash -c 'ingest k.csv | frames csv'
    [ "${lines[0]}" = "ingest: k.csv is not UTF-8, and all of it reads as CP949 (--encoding says what else it is)" ]
    [[ "$output" == *$'\n0,의류,2022-01-02,2' ]]
    refused '--encoding cp949' 65 'cat k.csv | ingest'
    printf 'Artikel,Gr\xf6\xdfe,2022-01-01\n0,1,1\n' >latin.csv # reads as CP949, and not as Korean
    refused 'the header is not UTF-8' 65 ingest latin.csv
    run values --encoding cp949 k.csv
    [ "${lines[1]}" = "0,의류,2022-01-01,1" ]
    refused 'no encoding "klingon"' 64 ingest --encoding klingon k.csv
}

@test "long: any order, several files, sums, means, returns, dates in every form" {
    printf 'date,store,item,sales,price\n2022-01-02,1,a,5,10\n20220101,1,a,1,10\n2022/1/2,1,a,-2,20\n' >a.csv
    printf 'item,store,price,sales,date\nb,1,7,4,2022-01-03 13:15\n' >b.csv
    run values --layout long --id store,item --date date --value sales,price a.csv b.csv
    [ "${lines[0]}" = "id,store,item,date,sales,price" ]
    [ "${lines[1]}" = "1/a,1,a,2022-01-01,1,10" ]
    [ "${lines[2]}" = "1/a,1,a,2022-01-02,3,15" ]
    [ "${lines[3]}" = "1/a,1,a,2022-01-03,0," ]
    [ "${lines[6]}" = "1/b,1,b,2022-01-03,4,7" ]
    run values --layout long --id store,item --value sales --reduce last a.csv
    [ "${lines[2]}" = "1/a,1,a,2022-01-02,-2" ]
    run ingest --layout long --id store,item --value sales a.csv -o x.weft
    [[ "$output" == *"1 values below 0"* ]]
    run values a.csv
    [ "${lines[0]}" = "id,store,item,date,sales" ]
}

@test "long: weeks of days begin on Monday, and those that are not whole are left out; --from and --to cut" {
    printf 'date,id,units\n2023-01-01,a,1\n2023-01-02,a,2\n2023-01-08,a,4\n2023-01-09,a,8\n' >w.csv
    run values --step week w.csv
    [ "${#lines[@]}" -eq 2 ] && [ "${lines[1]}" = "a,2023-01-02,6" ]
    run ingest --step week w.csv -o w.weft
    [[ "$output" == *"the first week begins on 2022-12-26, and the table on 2023-01-01: left out (--from 2022-12-26 says that it is whole)"* ]]
    [[ "$output" == *"the last week ends on 2023-01-15, and the table on 2023-01-09: left out (--to 2023-01-15 says that it is whole)"* ]]
    run values --step week --from 2022-12-26 --to 2023-01-15 w.csv
    [ "${lines[1]}" = "a,2022-12-26,1" ]
    [ "${lines[2]}" = "a,2023-01-02,6" ]
    [ "${lines[3]}" = "a,2023-01-09,8" ]
    run values --from 2023-01-02 --to 2023-01-08 w.csv
    [ "${#lines[@]}" -eq 8 ]
    refused 'no date lies between' 78 ingest --from 2030-01-01 <(printf 'id,2022-01-01,2022-01-02\na,1,2\n')
}

@test "matrix: the step is found, gaps are missing values" {
    printf 'ds,a,b\n2022-01-01 00:00,1,2\n2022-01-01 02:00,3,\n2022-01-01 01:00,5,6\n2022-01-01 05:00,7,8\n' >m.csv
    run values m.csv
    [ "${lines[2]}" = "a,2022-01-01T01:00:00,5" ]
    [ "${lines[4]}" = "a,2022-01-01T03:00:00," ]
    [ "${lines[9]}" = "b,2022-01-01T02:00:00," ]
    refused 'no multiple of the step' 65 "printf 'ds,a\n2022-01-01,1\n2022-01-03,1\n2022-01-04 12:00,1\n' | ingest"
}

@test "bad tables: one line with its place" {
    refused 'is empty' 65 ingest /dev/null
    refused 'a header and no row' 65 "printf 'id,2022-01-01,2022-01-02\n' | ingest"
    refused 'standard input:2: 2 fields, and the header has 3' 65 "printf 'id,2022-01-01,2022-01-02\na,1\n' | ingest"
    refused 'standard input:2: 4 fields, and the header has 3' 65 "printf 'id,2022-01-01,2022-01-02\na,1,2,3\n' | ingest"
    refused 'standard input:3:3: a quote is never closed' 65 "printf 'id,2022-01-01,2022-01-02\na,1,2\nb,1,\"2\nc,3,4\n' | ingest"
    refused 'standard input:3:3: not a number: "12a"' 65 "printf 'id,2022-01-01,2022-01-02\na,1,2\nb,1,12a\n' | ingest"
    refused 'standard input:4:1: id "a" stands on line 2 already' 65 "printf 'id,2022-01-01,2022-01-02\na,1,2\nb,1,2\na,3,4\n' | ingest"
    refused 'standard input:3: a NUL byte' 65 "printf 'id,2022-01-01,2022-01-02\na,1,2\nb\\0,3,4\n' | ingest"
    refused 'standard input:3:1: not UTF-8' 65 "printf 'id,2022-01-01,2022-01-02\na,1,2\nb\\xff,3,4\n' | ingest"
    refused 'not a date: "2022-13-01"' 65 "printf 'date,store,sales\n2022-01-01,1,5\n2022-13-01,1,5\n' | ingest"
    refused 'is one of them wrong?' 65 "printf 'date,store,sales\n2022-01-01,1,5\n2922-01-01,1,5\n' | ingest"
    refused 'two columns for 2022-01-01' 65 "printf 'id,2022-01-01,20220101\na,1,2\n' | ingest"
    refused 'fits no layout' 65 "printf 'a,b\n1,2\n' | ingest"
    refused 'its columns: id, x' 65 "printf 'id,x\n1,2\n' | ingest --layout long --value units"
    refused 'is a directory' 66 ingest /tmp
    refused "can't open" 66 ingest nowhere.csv
}

@test "a line of 100 MB is refused in constant memory" {
    refused 'a field of more than 1048576 bytes' 65 "(printf 'id,2022-01-01\na,'; head -c 100000000 /dev/zero | tr '\\0' 9) | (ulimit -v 400000; ingest)"
    refused '50000002 fields, and the header has 2' 65 "(printf 'id,2022-01-01\na,1'; yes ,1 | head -n 50000000 | tr -d '\n') | (ulimit -v 400000; ingest)"
}

@test "--rejects sets bad rows aside with their reasons, and counts them" {
    printf 'id,2022-01-01,2022-01-02\na,1,2\nb,x,2\nc,1\nd,1,"q"z\ne,5,6\n' >r.csv
    run ingest r.csv --rejects bad.csv -o ok.weft
    [ "$status" -eq 0 ]
    [[ "$output" == *"3 rows rejected"* ]]
    [ "$(frames csv ok.weft | wc -l)" -eq 5 ]
    [ "$(sed -n 2p bad.csv)" = 'r.csv,3,2,"not a number: ""x""","b,x,2"' ]
    [ "$(sed -n 3p bad.csv)" = 'r.csv,4,,"2 fields, and the header has 3","c,1"' ]
    [[ "$(sed -n 4p bad.csv)" == 'r.csv,5,,a quote in the middle of a field'* ]]
    [[ "$(frames count ok.weft)" == *"5 in"*"2 out"*"3 rejected"* ]]
    printf 'id,2022-01-01\na,x\n' >all.csv
    echo old >bad.csv
    run ingest all.csv --rejects bad.csv -o none.weft
    [ "$status" -eq 65 ]
    [ ! -e none.weft ]
    [ "$(cat bad.csv)" = old ]
}

@test "--rejects is CSV: five fields a row whatever was rejected, the row itself as a line of CSV" {
    printf 'id,name,2022-01-01,2022-01-02\n"a, b","say ""x""",1,2\n"a, c","""q""\nnext",x,2\nu,\xff,y,1\nlong,n,1,2,3,4\nshort\n' >r.csv
    ingest -q r.csv --rejects bad.csv -o ok.weft
    /usr/bin/python3 -c '
import csv
rows = list(csv.reader(open("bad.csv", encoding="utf-8", newline=""), strict=True))
assert rows[0] == ["file", "line", "column", "reason", "row"], rows[0]
assert len(rows) == 5 and all(len(r) == 5 and r[0] == "r.csv" and r[3] for r in rows[1:]), rows
whole = [next(csv.reader([r[4]], strict=True)) if "\n" not in r[4] else list(csv.reader(r[4].splitlines(True), strict=True))[0] for r in rows[1:]]
assert whole == [["a, c", "\"q\"\nnext", "x", "2"], ["u", "\ufffd", "y", "1"], ["long", "n", "1", "2", "3", "4"], ["short"]], whole
'
    # What was rejected, mended, is read again.
    { head -n 1 r.csv; /usr/bin/python3 -c 'import csv; print("\n".join(r["row"].replace(",x,", ",7,") for r in csv.DictReader(open("bad.csv", newline="")) if r["line"] == "3"))'; } >again.csv
    [ "$(ingest -q again.csv | frames csv | grep -c ',7$')" -eq 1 ]
}

@test "delimiters are found or given" {
    printf 'id\t2022-01-01\na\t1\n' >tab.csv
    run values tab.csv
    [ "${lines[1]}" = "a,2022-01-01,1" ]
    printf 'id;2022-01-01\na;1\n' >semicolon.csv
    run values semicolon.csv
    [ "${lines[1]}" = "a,2022-01-01,1" ]
    printf 'id,x,y\t2022-01-01\na\t1\n' >given.csv
    run values --delimiter tab given.csv
    [ "${lines[1]}" = "a,a,2022-01-01,1" ]
}

@test "one thread or two, the same bytes, at any size of row" {
    shop big.csv 700 400
    ingest --threads 1 big.csv -o 1.weft
    ingest --threads 2 big.csv -o 2.weft
    cmp 1.weft 2.weft
}

@test "--until ends each file on a day of its own, --closed says that nothing was sold: 0, where no row is missing" {
    printf 'date,id,sales\n2022-01-01,a,1\n2022-01-02,a,2\n2022-01-03,a,9\n2022-01-04,a,9\n' >one.csv
    printf 'date,id,sales\n2022-01-05,a,5\n2022-01-06 01:30,a,9\n' >two.csv
    long=(--layout long --value sales)
    run values "${long[@]}" --overlap replace --until 2022-01-02,2022-01-05 --closed 2022-01-04,2022-01-07,2022-01-09 --to 2022-01-07 one.csv two.csv
    [ "${lines[*]:1}" = "a,2022-01-01,1 a,2022-01-02,2 a,2022-01-03, a,2022-01-04,0 a,2022-01-05,5 a,2022-01-06, a,2022-01-07,0" ] || { echo "$output"; false; }
    # A later file's rows after its end don't replace those of an earlier one.
    run values "${long[@]}" --overlap replace --until 2022-01-05,2022-01-02 two.csv one.csv
    [ "${lines[*]:1}" = "a,2022-01-01,1 a,2022-01-02,2 a,2022-01-03, a,2022-01-04, a,2022-01-05,5" ] || { echo "$output"; false; }
    run values "${long[@]}" --until 2022-01-02 one.csv
    [ "${lines[*]:1}" = "a,2022-01-01,1 a,2022-01-02,2" ]
    run ingest -q "${long[@]}" --until 2022-01-02,2022-01-03 one.csv -o x.weft
    [ "$status" -eq 64 ] && [[ "$output" == *"2 dates for 1 files"* ]]
    run ingest -q "${long[@]}" --closed never one.csv -o x.weft
    [ "$status" -eq 64 ] && [[ "$output" == *'--closed: "never" is no date'* ]]
    printf 'id,2022-01-01,2022-01-02\na,1,2\n' >wide.csv
    run ingest -q --closed 2022-01-03 wide.csv -o x.weft
    [ "$status" -eq 64 ]
}
