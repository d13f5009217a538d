#!/usr/bin/env bats
# inspect.bats - frames inspect: what it says of tables of every kind, and that the command it gives reads them.

load helper

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# command_of FILE...: inspects, and leaves the report in report and the command in command.
command_of() {
    frames inspect "$@" >report || return 1
    command=$(sed -n 's/^command  *//p' report)
    [[ $command == "weft ingest"* ]] || { cat report; return 1; }
}

# reads SERIES FIRST_LINE...: runs the command; so many frames come of it, and these lines stand in their CSV.
reads() {
    local frames=$1 line
    shift
    eval "$command -q -o out.weft" || return 1
    frames check out.weft
    [ "$(frames head -n 100000 out.weft | frames count | sed -n '1s/.*\t\([0-9]*\) frames.*/\1/p')" -eq "$frames" ] || { frames count out.weft; return 1; }
    frames csv out.weft >out.csv
    for line; do
        grep -qxF -- "$line" out.csv || { echo "no line $line"; cat report out.csv; return 1; }
    done
}

says() {
    local text
    for text; do
        grep -qF -- "$text" report || { echo "does not say: $text"; cat report; return 1; }
    done
}

@test "wide, Korean headers, byte order mark, codes, counts" {
    printf '\xef\xbb\xbfID,제품,대분류,중분류,소분류,브랜드,2022-01-01,2022-01-02,2022-01-03\r\n0,P0,M,M1,M11,B1,0,2,"1,234"\r\n1,P1,M,M1,M12,B2,0,,4.2천\r\n' >train.csv
    command_of train.csv
    says 'byte order mark' 'layout      wide' '3 of them are days' '2022-01-01 to 2022-01-03, step day, 3 of 3' '33.3 % zero, 16.7 % missing' 'constant    대분류 (M), 중분류 (M1)'
    reads 2 0,P0,M,M1,M11,B1,2022-01-03,1234 1,P1,M,M1,M12,B2,2022-01-03,4200
}

@test "CP949, and UTF-16 as Excel writes it" {
    printf 'ID,대분류,2022-01-01,2022-01-02\n0,의류,1,2\n' >utf8.csv
    iconv -t cp949 <utf8.csv >k.csv
    command_of k.csv
    says 'CP949 (Korean)' '대분류'
    [[ $command == *"--encoding cp949"* ]]
    reads 1 0,의류,2022-01-02,2
    { printf '\xff\xfe'; tr , '\t' <utf8.csv | iconv -t utf-16le; } >u16.csv
    command_of u16.csv
    says 'separated by tab'
    reads 1 0,의류,2022-01-02,2
}

@test "a character that is cut by a block's end is still UTF-8" {
    { printf 'id,2022-01-01\n'; for i in $(seq 1 9000); do printf '의류%d,1\n' "$i"; done; } >long.csv
    command_of long.csv
    says ', UTF-8'
    { printf 'x'; cat long.csv; } >shifted.csv
    command_of shifted.csv
    says ', UTF-8'
}

@test "long, dates as 20230131, several files, columns in another order" {
    printf 'date,store,item,sales\n20230130,1,a,5\n20230131,1,a,0\n20230131,1,a,2\n20230203,2,a,-1\n' >a.csv
    printf 'item,store,sales,date\nb,1,4,20230131\n' >b.csv
    command_of a.csv b.csv
    says 'layout      long' 'rows        5' 'series      3' '2023-01-30 to 2023-02-03, step day, 3 of 5' 'missing: 2023-02-01 to 2023-02-02' '1 below 0' \
        'duplicates  1 rows of a series and day'
    reads 3 1/a,a,1,2023-01-31,2 || reads 3 1/a,1,a,2023-01-31,2
}

@test "long, headers that nobody knows: by what the columns hold" {
    { echo '판매일자;지점;품명;비고;판매금액'; for d in 01 02 03 04 05 06; do for s in 강남 홍대; do echo "2023.01.$d;$s;셔츠 (특가);;1,2$d"; done; done; } >long.csv
    command_of long.csv
    says 'layout      long' 'separated by ;' '비고 (empty)'
    [[ $command == *"--date 판매일자"*"--id 지점"*"--value 판매금액"* ]]
    reads 2
    grep -q '^강남.*,2023-01-06,1206$' out.csv
}

@test "long with names that a shell would take apart" {
    { echo "day of sale,shop \$x,it's sold"; for d in 1 2 3 4; do echo "2023-01-0$d,a b,$d"; echo "2023-01-0$d,c,$d"; done; } >"odd name.csv"
    command_of "odd name.csv"
    reads 2
    grep -q '2023-01-04,4' out.csv
}

@test "long by week, and by the minute of the sale" {
    { echo 'date,item,sales'; for d in 02 09 16 23; do echo "2023-01-$d,a,1"; echo "2023-01-$d,b,2"; done; } >week.csv
    command_of week.csv
    says 'step week, 4 of 4'
    reads 2 a,2023-01-23,1 || reads 2 a,a,2023-01-23,1
    printf 'timestamp,item,qty\n2023-01-01 09:31:07,a,1\n2023-01-01 18:02:00,a,2\n2023-01-04 10:00:00,a,1\n' >till.csv
    command_of till.csv
    says 'step day, 2 of 4'
    reads 1
    grep -q '2023-01-01,3$' out.csv
}

@test "matrix, by day and by hour, with a gap" {
    printf 'date,a,b\n2022-01-01,1,2\n2022-01-02,3,\n2022-01-05,5,6\n' >m.csv
    command_of m.csv
    says 'layout      matrix' '3 of 5 steps' 'missing: 2022-01-03 to 2022-01-04' '16.7 % missing'
    reads 2 a,2022-01-05,5
    { echo 'time,load'; for h in 00 01 02 03; do echo "2022-01-01 $h:00,$h"; done; } >h.csv
    command_of h.csv
    says 'step hour, 4 of 4'
    reads 1 load,2022-01-01T03:00:00,3
}

@test "products with pictures" {
    "$BUILD/gen/garments" . 12 1
    command_of garments.csv
    says 'layout      products' 'products    12' 'image file'
    eval "$command -q -o out.weft"
    frames check out.weft
    printf '관리번호,상품명,사진\nx1,셔츠,a.jpg\nx2,셔츠,b.jpg\n' >p.csv
    command_of p.csv
    [[ $command == *"--id 관리번호"* ]]
    eval "$command -q -o out.weft"
    frames check out.weft
}

@test "bad rows and duplicate ids: the command sets them aside" {
    printf 'id,2022-01-01,2022-01-02\na,1,2\nb,1\na,3,4\nc,x,1\nd,1,1\n' >bad.csv
    command_of bad.csv
    says 'of them 1 bad (line 3' 'duplicates  1 rows of an id' '"x" is no number'
    [[ $command == *"--rejects rejects.csv"* ]]
    reads 2 a,2022-01-02,2 d,2022-01-02,1
}

@test "a packed file: the command names it" {
    printf 'id,2022-01-01,2022-01-02\na,1,2\n' | gzip -c >w.csv.gz
    frames inspect w.csv.gz >report
    grep -qx 'command     weft ingest --layout wide w.csv.gz' report
    eval "$(sed -n 's/^command *//p' report) -q" </dev/null | frames check
}

@test "standard input; JSON is one object with the same command" {
    printf 'id,2022-01-01,2022-01-02\na,1,2\n' >w.csv
    frames inspect <w.csv >report
    says 'standard input' 'command     weft ingest --layout wide'
    eval "$(sed -n 's/^command *//p' report) -q <w.csv" | frames check
    frames inspect --format json w.csv >j
    [ "$(wc -l <j)" -eq 1 ]
    grep -q '"command":"weft ingest --layout wide w.csv"' j
    grep -q '"layout":"wide"' j
    frames inspect --format json - <w.csv | grep -q '"rows":1'
}

@test "a command that ingest would refuse is not given: said, with the way out" {
    printf 'date,item,sales\n03/01/2022,x,1\n01/02/2022,x,2\n' >dmy.csv
    frames inspect dmy.csv >report
    says '"03/01/2022" in column "date" is the day first or the month first' 'ingest --date-format %d/%m/%Y dmy.csv' 'none: see the notes'
    printf 'date,a,a\n2022-01-01,1,2\n2022-01-02,1,3\n' >twice.csv
    frames inspect twice.csv >report
    says 'columns 2 and 3 are both "a"' 'none: see the notes'
    printf 'id,2022-01-01,2022.01.01\nx,1,2\n' >twice.csv
    frames inspect twice.csv >report
    says 'columns 2 and 3 are both "2022.01.01"' 'none: see the notes'
}

@test "columns with = and with a comma in their names, and a number beyond float32" {
    printf 'date,item,"a,b"\n2022-01-01,x,1\n2022-01-02,x,2\n' >comma.csv
    command_of comma.csv
    reads 1 x,x,2022-01-02,2
    printf 'date,item,price=1\n2022-01-01,x,1\n2022-01-02,x,2\n' >equals.csv
    command_of equals.csv
    reads 1 x,x,2022-01-02,2
    { echo 'date,item,sales'; for d in {10..30}; do echo "2022-01-$d,x,$d"; done; echo '2022-01-31,x,1e39'; } >huge.csv
    command_of huge.csv
    says '1 not numbers' '"1e39" is no number'
    reads 1 x,x,2022-01-30,30
}

@test "what is no table of sales: said, with the way out" {
    printf 'id,2022-01-01\n' >none.csv
    frames inspect none.csv >report
    says 'no good row' 'none: see the notes'
    printf 'id,2022-01-01,2022-01-03,2022-01-06\na,1,2,3\n' >odd.csv
    frames inspect odd.csv >report
    says 'no regular grid' 'none: see the notes'
    printf 'a,b\n1,2\n' >other.csv
    frames inspect other.csv >report
    says 'fits no layout' 'none: see the notes'
    gzip -c none.csv >z.csv
    run frames inspect z.csv
    [ "$status" -eq 65 ] && [[ "$output" == *"compressed by gzip"*zcat* ]]
    printf 'PK\x03\x04xxxx' >x.xlsx
    run frames inspect x.xlsx
    [ "$status" -eq 65 ] && [[ "$output" == *spreadsheet* ]]
    : >empty.csv
    run frames inspect empty.csv
    [ "$status" -eq 65 ] && [ "${#lines[@]}" -eq 1 ]
    run frames inspect nowhere.csv
    [ "$status" -eq 66 ]
    run frames inspect .
    [ "$status" -eq 66 ]
    printf 'id,2022-01-01,2022-01-02\na,1,2\n' | tee w.csv >w2.csv
    run frames inspect w.csv w2.csv
    [ "$status" -eq 64 ]
    ingest -q w.csv -o s.weft
    run frames show --format json s.weft
    [ "$status" -eq 64 ] && [[ "$output" == *"--format is for frames inspect"* ]]
    run frames count -n 3 s.weft
    [ "$status" -eq 64 ] && [[ "$output" == *"--frames is for frames head"* ]]
    run frames inspect s.weft
    [ "$status" -eq 65 ] && [[ "$output" == *"weft stream"* ]]
}
