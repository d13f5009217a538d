#!/usr/bin/env bats
# products.bats - garments: tables of products with images, the network that learns from them, and what it says about others.

load helper

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# fields FILTER OPTIONS...: what ingest -q OPTIONS makes, frame by frame through jq.
fields() {
    ingest -q "${@:2}" | frames show | grep -v '^{"weft"' | grep -v '^{"end"' | jq -c "$1"
}

refused() { # TEXT STATUS COMMAND...
    local text=$1 status_wanted=$2
    shift 2
    run bash -o pipefail -c "$* >out.weft"
    [ "$status" -eq "$status_wanted" ] || { echo "status $status: $output"; return 1; }
    [ "${#lines[@]}" -eq 1 ] || { echo "$output"; return 1; }
    [[ "$output" == *"$text"* ]] || { echo "$output"; return 1; }
}

@test "ingest: columns are found by their names, counts are numbers, images are the files' bytes" {
    mkdir shop
    printf 'abc' >shop/1.png
    printf 'product_id,product_name,product_price,gender,category,views,sales,likes,image\n' >shop/p.csv
    printf 'a1,"[2PACK] 쿨 케이블 (7 COLOURS)","12,300",여성,니트,4.2천,1.5만,조회수 1.2만 회 이상,1.png\n' >>shop/p.csv
    run fields '.' shop/p.csv
    [ "${lines[0]}" = '{"id":"a1","keys":{"gender":"여성","category":"니트"},"name":"[2PACK] 쿨 케이블 (7 COLOURS)","numbers":{"price":12300},"labels":{"views":4200,"sales":15000,"likes":12000},"image":{"bin":"YWJj"}}' ]
    ingest -q shop/p.csv | frames check
    printf '상품코드,상품명,가격,성별,카테고리,조회수,연령대,사진\n7,"치마","9,900원",여성,스커트,-,20대,없다.png\n' >k.csv
    run fields '.' k.csv
    [ "${lines[0]}" = '{"id":"7","keys":{"gender":"여성","category":"스커트"},"name":"치마","numbers":{"price":9900},"labels":{"age":"20대"}}' ]
}

@test "ingest: what is missing is counted, not an error" {
    "$BUILD/gen/garments" g 200 1
    run ingest -v g/garments.csv -o p.weft
    [ "$status" -eq 0 ]
    [[ "$output" == *"of 200 products have no image, the first"* && "$output" == *'labels of the 200 products: '*'without "age"'* ]] || { echo "$output"; false; }
    frames check p.weft
    run ingest --images elsewhere g/garments.csv -o p.weft
    [ "$status" -eq 0 ]
    [[ "$output" == *"none of the 200 products has an image"*"--images DIR"* ]]
}

@test "ingest: labels are chosen and named; a label is nothing else, unless told" {
    printf 'id,name,gender,usage,year,price\n1,x,Men,Casual,2011,5\n2,y,NA,,2012,\n' >p.csv
    run fields '[.keys, .labels, .numbers]' --label gender,use=usage p.csv
    [ "${lines[0]}" = '[{},{"gender":"Men","use":"Casual"},{"price":5}]' ]
    [ "${lines[1]}" = '[{},{},{}]' ]
    run fields '[.keys, .labels]' --label gender --gender gender --keys usage --label year p.csv
    [ "${lines[0]}" = '[{"gender":"Men","usage":"Casual"},{"gender":"Men","year":2011}]' ]
    refused 'no column "colour"' 65 ingest --label colour p.csv
    refused 'two columns are called "a"' 64 ingest --label a=gender,a=usage p.csv
    refused 'do not go with the products layout' 64 ingest --layout products --date year p.csv
    refused 'go with the products layout' 64 ingest --layout long --label gender p.csv
    refused 'no column of p.csv names an image' 64 ingest --images . p.csv
}

@test "ingest: bad rows stop, or are set aside with their reasons" {
    mkdir in && printf 'x' >in/1.png && printf 'secret' >secret
    printf 'id,name,price,image\n1,a,5,1.png\n2,b,much,1.png\n1,c,5,1.png\n,d,5,1.png\n5,e,5,../secret\n6,\xff,5,1.png\n7,g,5,/etc/passwd\n8,h,5,.\n' >in/p.csv
    refused 'in/p.csv:3:3: not a number: "much"' 65 ingest --layout products in/p.csv
    run fields '.id' --layout products --rejects bad.csv in/p.csv
    [ "$output" = '"1"' ] || { echo "$output"; false; }
    run cut -d, -f2-4 bad.csv
    [ "${lines[1]}" = '3,3,"not a number: ""much"""' ]
    [ "${lines[2]}" = '4,1,"id ""1"" stands on line 2 already"' ]
    [ "${lines[3]}" = '5,1,no id' ]
    [[ "${lines[4]}" == '6,4,"image ""../secret"" lies outside in'* ]]
    [ "${lines[5]}" = '7,2,not UTF-8' ]
    [[ "${lines[6]}" == '8,4,"image ""/etc/passwd"" lies outside in'* ]]
    [[ "${lines[7]}" == '9,4,image in/.: not a file'* ]]
    printf 'id,name,price,image\n1,a,5,1.png\n' >in/big.csv
    head -c 2000 /dev/zero >in/1.png
    refused 'larger than --max-image' 65 ingest --max-image 1K in/big.csv
}

@test "ingest: memory does not grow with the table" {
    "$BUILD/gen/garments" g 300 1
    { head -n 1 g/garments.csv; for i in $(seq 40); do tail -n +2 g/garments.csv | sed "s/^/$i-/"; done; } >g/many.csv
    run bash -c "ulimit -v 300000; ingest -q g/many.csv | wc -c"
    [ "$output" -gt 100000000 ]
}
