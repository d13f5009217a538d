#!/usr/bin/env bats
# products.bats - garments: tables of products with images, the network that learns from them, and what it says about others.

load helper

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# Made once: g/ with 96 garments, products.weft, and a small model of them.
setup_file() {
    cd "$BATS_FILE_TMPDIR"
    export dir="$BATS_FILE_TMPDIR"
    "$BUILD/gen/garments" g 96 1
    ingest -q g/garments.csv -o products.weft
    train-demand -q $small --epochs 2 --log log.csv -i products.weft -o model.safetensors
}
export small="--no-name --image-size 16 --batch 16 --threads 1"

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
    refused '--date does not go with --layout products' 64 ingest --layout products --date year p.csv
    refused '--label goes with --layout products, not with --layout long' 64 ingest --layout long --label gender p.csv
    refused 'no column of p.csv names an image' 64 ingest --images . p.csv
}

@test "ingest: tables as they are crawled: their names, several files, ids that come again" {
    printf 'productId,productName,totalSales,num_likes,product_brand_name,category_sub,sale_price,colour\n1,a,5,6,B,C,100,red\n2,b,0,3,B,D,200,blue\n1,a2,7,8,B,C,90,red\n' >x.csv
    run fields '.' x.csv
    [ "${lines[0]}" = '{"id":"1","keys":{"category":"C","brand":"B"},"name":"a2","numbers":{"price":90},"labels":{"sales":7,"likes":8}}' ] || { echo "$output"; false; }
    [ "${#lines[@]}" -eq 2 ]
    run ingest x.csv -o x.weft
    [ "$status" -eq 0 ] && [[ "$output" == *'1 rows are of ids that came before: of each the newest row is kept'*'columns that are not used: "colour"'* ]] || { echo "$output"; false; }
    printf '상품번호,상품명,브랜드,좋아요,판매량,후기수,가격\n9,가,브,1.2천,3,4,"1,000"\n' >k.csv
    run fields '.' k.csv
    [ "${lines[0]}" = '{"id":"9","keys":{"brand":"브"},"name":"가","numbers":{"price":1000},"labels":{"sales":3,"likes":1200,"reviews":4}}' ] || { echo "$output"; false; }
    # Other files: the same columns in another order; a row of theirs is newer.
    printf 'product_brand_name,productId,productName,totalSales,num_likes,category_sub,sale_price\nB,2,b2,1,2,D,300\nB,3,c,1,2,D,300\n' >y.csv
    run fields '[.id, .name]' x.csv y.csv
    [ "$output" = "$(printf '%s\n' '["1","a2"]' '["2","b2"]' '["3","c"]')" ] || { echo "$output"; false; }
    refused 'x.csv: key "brand" stands in k.csv alone' 65 ingest k.csv x.csv
    # The newest by its date, not the last.
    printf 'id,name,price,views,date\n1,new,5,3,2024-02-02\n1,old,5,4,2024-01-01\n' >d.csv
    run fields '.name' --layout products d.csv
    [ "$output" = '"new"' ]
}

# crawled HEADER ROW WANTED: the fields of the one product, as "keys price labels".
crawled() {
    printf '%s\n%s\n' "$1" "$2" >shop.csv
    run fields '"\(.keys | tostring) \(.numbers.price) \(.labels | tostring)"' shop.csv
    [ "$output" = "\"$(sed 's/"/\\"/g' <<<"$3")\"" ] || { echo "$1: $output"; false; }
}

@test "ingest: what columns of crawled tables count is known by their words" {
    local all='{"category":"c","brand":"b"} 100 {"views":10,"sales":20,"likes":30,"reviews":40}' row=1,a,b,c,100,10,20,30,40
    crawled goodsNo,goodsName,brandNm,categoryNm,salePrice,viewCnt,saleCnt,likeCnt,reviewCnt "$row" "$all"
    crawled '상품번호,상품이름,브랜드 이름,카테고리 경로,판매가격,누적 조회 수,총 판매 수량,찜 개수,리뷰 건수' "$row" "$all"
    crawled style_id,prod_name,front_brand_name,productCategory,sell_price,number_of_views,units_sold,wishlist_count,no_of_reviews "$row" "$all"
    crawled article_id,item_title,brand_title,category_label,discounted_price,numviews,salescnt,total_hearts,reviews_count "$row" "$all"
    crawled pid,title,designer_brand,category_path,mrp,HITS,purchase_count,favourites,ReviewCount "$row" "$all"
    crawled 품번,품명,브랜드,대카테고리,정상가,조회,구매수량,관심수,상품평수 "$row" "$all"
    # What says something else stays out, and is named: rates, stars, sums of money, addresses, codes.
    crawled product_id,product_name,brand_id,price,avg_reviews,review_rate,like_ratio,num_likes,brand_url,sales_amount 1,a,77,100,4.5,.3,.2,30,http://b,999 '{} 100 {"likes":30}'
    run ingest shop.csv -o s.weft
    [[ "$output" == *'not used: "brand_id", "avg_reviews", "review_rate", "like_ratio", "brand_url", "sales_amount"'* ]] || { echo "$output"; false; }
    # Two columns with the word: neither is taken without a word.
    crawled id,name,brand_kor,brand_eng,price,likes 1,a,b,c,100,30 '{} 100 {"likes":30}'
}

@test "ingest, frames inspect: a table of products, with the day on which they were seen, is none of sales" {
    printf 'id,name,price,brand,likes,date\n1,a,10,B,31,2024120220\n2,b,20,B,420,2024120221\n1,a,9,B,35,2024120320\n1,a,8,B,34,2024120319\n' >x.csv
    run frames inspect x.csv
    [[ "$output" == *'layout      products: a row a product'*'duplicates  2 rows of an id that came before (of each id the newest row is kept)'*'command     '*'ingest --layout products x.csv' ]] || { echo "$output"; false; }
    run fields '[.keys.date, .numbers.price]' x.csv
    [ "$output" = "$(printf '%s\n' '["2024120320",9]' '["2024120221",20]')" ] || { echo "$output"; false; }
    # The same ids every day are series.
    { echo id,name,price,likes,date; for d in 01 02 03 04; do for i in 1 2; do echo "$i,n$i,10,$i$d,2024-12-$d"; done; done; } >s.csv
    frames inspect s.csv | grep -q 'layout      long'
    # With a brand or a count, and no price.
    printf 'sku,title,hearts_count\n1,a,5\n' >t.csv
    frames inspect t.csv | grep -q 'layout      products'
}

@test "ingest: no labels where there might be some; no keys; keys that are there anyway" {
    printf 'id,name,price,category,buzz\n1,a,5,C,3\n' >p.csv
    refused 'candidates: "buzz"; --label NAME=COLUMN says which are, --label none that there are none' 65 ingest p.csv
    run fields '[.keys, .labels]' --label none p.csv
    [ "$output" = '[{"category":"C"},{}]' ] || { echo "$output"; false; }
    run fields '[.keys, .labels]' --label views=buzz --keys none p.csv
    [ "$output" = '[{},{"views":3}]' ] || { echo "$output"; false; }
    run fields '.keys' --label none --keys category,buzz p.csv
    [ "$output" = '{"category":"C","buzz":"3"}' ] || { echo "$output"; false; }
    run fields '.keys' --label none --keys category=buzz p.csv
    [ "$output" = '{"category":"3"}' ] || { echo "$output"; false; }
}

@test "ingest: bad rows stop, or are set aside with their reasons" {
    mkdir in && printf 'x' >in/1.png && printf 'secret' >secret
    printf 'id,name,price,image\n1,a,5,1.png\n2,b,much,1.png\n1,c,5,1.png\n,d,5,1.png\n5,e,5,../secret\n6,\xff,5,1.png\n7,g,5,/etc/passwd\n8,h,5,.\n' >in/p.csv
    refused 'in/p.csv:3:3: not a number: "much"' 65 ingest --layout products in/p.csv
    run fields '.id' --layout products --rejects bad.csv in/p.csv
    [ "$output" = '"1"' ] || { echo "$output"; false; }
    run cut -d, -f2-4 bad.csv
    [ "${lines[1]}" = '3,3,"not a number: ""much"""' ]
    [ "${lines[2]}" = '5,1,no id' ]
    [[ "${lines[3]}" == '6,4,"image ""../secret"" lies outside in'* ]]
    [ "${lines[4]}" = '7,2,not UTF-8' ]
    [[ "${lines[5]}" == '8,4,"image ""/etc/passwd"" lies outside in'* ]]
    [[ "${lines[6]}" == '9,4,image in/.: not a file'* ]]
    printf 'id,name,price,image\n1,a,5,1.png\n' >in/big.csv
    head -c 2000 /dev/zero >in/1.png
    refused 'larger than --max-image' 65 ingest --max-image 1K in/big.csv
}

@test "frames csv: every row has the columns that the head names" {
    frames csv "$dir/products.weft" >p.csv
    [ "$(head -n 1 p.csv)" = "id,keys_gender,keys_category,keys_brand,name,numbers_price,numbers_number,labels_gender,labels_age,labels_views,labels_sales" ]
    [ "$(awk -F, '{ print NF }' p.csv | sort -u)" = 11 ]
    score -q -m "$dir/model.safetensors" -i "$dir/products.weft" | frames csv >d.csv
    [[ "$(head -n 1 d.csv)" == *",labels_sales,model,predicted_gender,predicted_age,predicted_views,predicted_sales,probability_gender,probability_age,low_views,high_views,low_sales,high_sales,part" ]]
    [ "$(awk -F, '{ print NF }' d.csv | sort -u)" = 23 ]
}

@test "ingest: memory does not grow with the table" {
    { head -n 1 "$dir/g/garments.csv"; for i in $(seq 100); do tail -n +2 "$dir/g/garments.csv" | sed "s/^/$i-/"; done; } >many.csv
    peak() { ingest -v --images "$dir/g" -o /dev/null "$1" 2>&1 | grep -oE '[0-9]+ MB' | tail -n 1 | tr -dc 0-9; }
    few=$(peak "$dir/g/garments.csv") many=$(peak many.csv) # of 1 and of 115 MB of pictures
    [ "$many" -le $((few + 8)) ] || { echo "$few MB, then $many MB"; false; }
}

# --- train-demand, score, evaluate ---

@test "train-demand: the same bytes again; a log; the model is read by encode-image" {
    train-demand -q $small --epochs 2 -i "$dir/products.weft" -o again.safetensors
    cmp again.safetensors "$dir/model.safetensors"
    run cat "$dir/log.csv"
    [ "${lines[0]}" = "epoch,train_loss,valid_loss,gender_accuracy,gender_macro_f1,age_accuracy,age_macro_f1,views_mse,sales_mse" ]
    [ "${#lines[@]}" -eq 3 ]
    train-demand -q $small --epochs 2 --seed 2 -i "$dir/products.weft" -o other.safetensors
    ! cmp -s other.safetensors "$dir/model.safetensors" || false
    for o in --no-augment "--rotate 0" "--brightness 0" "--contrast 0" "--saturation 0"; do # each change of pictures is a change of the model
        train-demand -q $small $o --epochs 2 --log other.csv -i "$dir/products.weft" -o other.safetensors
        ! cmp -s other.csv "$dir/log.csv" || { echo "$o"; false; }
    done
    encode-image -q -m "$dir/model.safetensors" --drop-image -i "$dir/products.weft" | frames check
}

@test "train-demand: the same model whatever the order of the products" {
    { head -n 1 "$dir/g/garments.csv"; tail -n +2 "$dir/g/garments.csv" | tac; } >back.csv
    ingest -q --images "$dir/g" back.csv -o back.weft
    train-demand -q $small --epochs 2 --log log.csv -i back.weft -o back.safetensors
    cmp log.csv "$dir/log.csv"
    cmp back.safetensors "$dir/model.safetensors"
    embed-text -q --hash 16 -i "$dir/products.weft" -o a.weft
    embed-text -q --hash 16 -i back.weft -o b.weft
    for f in a b; do train-demand -q --neighbours 3 -i $f.weft -o $f.st; done
    cmp a.st b.st
}

@test "train-demand: kill -9 and --resume, the same bytes in the end" {
    train-demand -q $small --epochs 6 --log whole.csv -i "$dir/products.weft" -o whole.safetensors
    bash -c "exec train-demand -q $small --epochs 1000 --patience 0 --checkpoint run.st --log log.csv -i $dir/products.weft -o model.safetensors" 3>&- &
    for i in $(seq 200); do [ ! -e run.st ] || break; sleep 0.1; done
    kill -9 $!
    wait $! || true
    [ -e run.st ] && [ ! -e model.safetensors ]
    train-demand -q $small --epochs 6 --checkpoint run.st --resume --log log.csv -i "$dir/products.weft" -o model.safetensors
    cmp <(model_bytes whole.safetensors) <(model_bytes model.safetensors)
    cmp whole.csv log.csv
    [ ! -e run.st ]
}

# What a model file holds beside its metadata.
model_bytes() {
    tail -c +$((9 + $(od -An -tu8 -N8 "$1"))) "$1" | sha256sum
}

@test "train-demand: a checkpoint of other options or products is refused" {
    bash -c "exec train-demand -q $small --epochs 1000 --patience 0 --checkpoint run.st -i $dir/products.weft -o model.safetensors" 3>&- &
    for i in $(seq 200); do [ ! -e run.st ] || break; sleep 0.1; done
    kill -INT $!
    status=0; wait $! || status=$?
    [ "$status" -ne 0 ] && [ ! -e model.safetensors ]
    refused 'checkpoint of another training' 78 train-demand $small --lr 0.5 --checkpoint run.st --resume -i "$dir/products.weft" -o model.safetensors
    refused 'checkpoint of another training' 78 train-demand $small --gamma 1 --checkpoint run.st --resume -i "$dir/products.weft" -o model.safetensors
    refused 'checkpoint of another training' 78 train-demand $small --bad-images missing --checkpoint run.st --resume -i "$dir/products.weft" -o model.safetensors
    refused '--resume goes with --checkpoint' 64 train-demand $small --resume -i "$dir/products.weft" -o model.safetensors
    refused 'checkpoint of another training' 78 train-demand $small --backbone "$dir/model.safetensors" --checkpoint run.st --resume -i "$dir/products.weft" -o model.safetensors
}

@test "train-demand: a checkpoint beyond --epochs is refused; a log that begins late has a head" {
    bash -c "exec train-demand -q --no-name --no-image --threads 1 --epochs 1000000 --patience 0 --checkpoint run.st -i $dir/products.weft -o model.safetensors" 3>&- &
    for i in $(seq 600); do ! grep -aqE '"epoch": ?"([2-9]|[0-9]{2,})"' run.st 2>/dev/null || break; sleep 0.1; done
    kill -9 $!
    wait $! || true
    refused 'run.st is of epoch' 78 train-demand --no-name --no-image --patience 0 --epochs 1 --checkpoint run.st --resume -i "$dir/products.weft" -o model.safetensors
    [[ "$output" == *"and --epochs 1 ends before"* ]] && [ ! -e model.safetensors ]
    local epoch
    epoch=$(grep -aoE '"epoch": ?"[0-9]+"' run.st | tr -dc 0-9)
    train-demand -q --no-name --no-image --threads 1 --epochs $((epoch + 1)) --patience 0 --checkpoint run.st --resume --log log.csv -i "$dir/products.weft" -o model.safetensors
    [[ "$(head -n 1 log.csv)" == epoch,train_loss,* ]]
    [[ "$(sed -n 2p log.csv)" == $((epoch + 1)),* ]] && [ "$(wc -l <log.csv)" -eq 2 ]
}

@test "train-demand: the model says by its sum which weights it began with" {
    train-demand -q $small --epochs 1 --backbone "$dir/model.safetensors" -i "$dir/products.weft" -o m.st
    grep -aq "\\\\\"backbone\\\\\":\\\\\"$(sha256sum <"$dir/model.safetensors" | cut -d' ' -f1)" m.st
}

@test "train-demand: what does not fit is refused with the way out" {
    refused 'put embed-text in between, or leave the names out with --no-name' 78 train-demand -i "$dir/products.weft" -o m.st
    refused 'where shall the model go' 64 train-demand --no-name -i "$dir/products.weft"
    refused 'no label "usage"; they have: gender, age, views, sales' 78 train-demand --no-name --heads usage:focal -i "$dir/products.weft" -o m.st
    refused 'is not NAME:ce, NAME:focal or NAME:mse' 64 train-demand --no-name --heads gender -i "$dir/products.weft" -o m.st
    refused '"gender" stands twice' 64 train-demand --no-name --heads gender:ce,gender:focal -i "$dir/products.weft" -o m.st
    refused 'a mean squared error needs numbers' 65 train-demand --no-name --heads gender:mse -i "$dir/products.weft" -o m.st
    refused 'neither a number nor a key "colour"' 78 train-demand --no-name --inputs price,colour -i "$dir/products.weft" -o m.st
    refused '--gamma is for focal losses' 64 train-demand --no-name --heads gender:ce --gamma 1 -i "$dir/products.weft" -o m.st
    refused '--class-weights is for focal losses' 64 train-demand --no-name --heads gender:ce --class-weights balanced -i "$dir/products.weft" -o m.st
    refused '--neighbours does not go with --checkpoint' 64 train-demand --neighbours 3 --checkpoint c.st -i "$dir/products.weft" -o m.st
    refused '--backbone does not go with --no-image' 64 train-demand --no-name --no-image --backbone x -i "$dir/products.weft" -o m.st
    ingest -q --images nowhere "$dir/g/garments.csv" 2>/dev/null | refused 'none of the 96 products has an image; --no-image' 65 train-demand --no-name -o m.st
    refused 'a batch of 1 picture of 16 x 16 pixels: batch norm needs more than one value; take a larger batch' 78 train-demand $small --batch 1 -i "$dir/products.weft" -o m.st
    [ ! -e m.st ]
}

@test "train-demand: what is mistyped is said before the products come" {
    head -c 2000 "$dir/products.weft" >cut.weft
    train-demand -q --no-name --no-image --epochs 1 -i "$dir/products.weft" -o blind.st
    refused "can't open nowhere.st" 66 train-demand --no-name --backbone nowhere.st -i cut.weft -o m.st
    refused 'blind.st: no tensor "conv1.weight"' 65 train-demand --no-name --backbone blind.st -i cut.weft -o m.st
    refused "can't create nowhere/m.st" 73 train-demand --no-name --checkpoint c.st -i cut.weft -o nowhere/m.st
    refused 'is a directory' 73 train-demand --no-name -i cut.weft -o .
    [ "$(ls)" = "$(printf '%s\n' blind.st cut.weft out.weft)" ] || { ls; false; }
    refused 'blind.st: a model without pictures has no ResNet18' 78 encode-image -m blind.st -i "$dir/products.weft"
}

@test "train-demand: numbers that lie close together far from 0 are told apart" {
    for from in 0 8801234500000; do
        { echo id,name,number,age; for i in $(seq 60); do echo "$i,n,$((from + i * 1000)),$((i / 31))"; done; } | ingest -q --layout products - -o n.weft
        train-demand -q --no-name --no-image --heads age:ce --epochs 5 --threads 1 --log $from.csv -i n.weft -o m.st
    done
    paste -d, 0.csv 8801234500000.csv | awk -F, 'NR > 1 { n++; if (($2 - $7) ^ 2 > 1e-6) exit 1 } END { exit n != 5 }' || { cat *.csv; false; }
}

@test "train-demand: every block of inputs has the norm of one key; the paper's recipe has none of it" {
    { echo id,name,price,category,brand,views; for i in $(seq 60); do echo "$i,name $((i % 7)),$((i * 900)),c$((i % 3)),b$((i % 5)),$((i % 6 == 0 ? 0 : 100 * i))"; done; } |
        ingest -q --layout products - | embed-text -q --hash 64 -o v.weft
    run train-demand --no-image --heads views:mse --epochs 3 -i v.weft -o m.st
    [ "$status" -eq 0 ] && [[ "$output" == *'label "views": '*' of 48 are 0, and the smallest other one is '*'not shown, perhaps?'* ]] || { echo "$output"; false; }
    # Hashed names have norm 1 already; six in ten of 64 features each by itself would have 8 times that.
    [ "$(strings -n 100 m.st | grep -oE '"text_scale":"[0-9.]+"' | cut -c15-19)" = '1"' ] || [[ "$(strings -n 100 m.st)" == *'"text_scale":"0.99999'* || "$(strings -n 100 m.st)" == *'"text_scale":"1.0000'* ]]
    [[ "$(strings -n 100 m.st)" == *'\"smear\":'*'{\"name\":\"price\",\"mean\":'*'\"log\":true'*'\"name\":\"brand\"'* ]]
    train-demand -q --recipe paper --no-image --heads views:mse --epochs 3 -i v.weft -o p.st
    [[ "$(strings -n 100 p.st)" == *'"text_scale":"7.99999'* || "$(strings -n 100 p.st)" == *'"text_scale":"8'* ]]
    ! strings -n 100 p.st | grep -qE 'smear|\\"log\\"|\\"name\\":\\"brand' || false
    train-demand -q --recipe paper --no-image --heads views:mse:0.01 --inputs price,category --lr 1e-4 --epochs 3 -i v.weft -o q.st
    cmp <(model_bytes p.st) <(model_bytes q.st)
    refused '--recipe paper does not go with --patience' 64 train-demand --recipe paper --patience 3 --no-image --heads views:mse -i v.weft -o m.st
}

@test "train-demand, evaluate: quantities are means, whose sum is that of the products held out" {
    train-demand -q --no-name --no-image --heads views:mse,sales:mse --epochs 20 -i "$dir/products.weft" -o m.st
    score -q -m m.st --part valid -i "$dir/products.weft" -o v.dem
    frames check v.dem
    frames csv v.dem | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["labels_sales"] != "" { a += $at["labels_sales"]; p += $at["predicted_sales"] } END { exit !((p / a - 1) ^ 2 < 1e-3) }'
    evaluate --format csv -i v.dem | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $1 == "sales" { exit !($at["bias"] ^ 2 < 1e-3) }'
}

@test "train-demand: whole brands are held out, or the newest; what was trained on is marked; the linear head alone" {
    { echo id,name,price,brand,views,date; for i in $(seq 100); do echo "$i,name $((i % 7)),$((i * 900)),b$((i % 10)),$((100 * i)),2024-01-$((i % 20 + 10))"; done; } |
        ingest -q --layout products - | embed-text -q --hash 16 -o v.weft
    part() { score -q -m m.st -i "$1" | frames csv | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { print $at["part"], $at["keys_brand"], $at["keys_date"] }'; }
    train-demand -q --no-image --epochs 2 --valid-by brand -i v.weft -o m.st
    part v.weft | awk '{ n[$1]++; if (($2 in p) && p[$2] != $1) exit 1; p[$2] = $1 } END { exit !(n["valid"] == 20 && n["train"] == 80) }'
    [ "$(score -q -m m.st --part valid -i v.weft | frames csv | wc -l)" -eq 21 ]
    ! strings -n 100 m.st | grep -q 'name\\":\\"brand' || false
    # Shares and intervals are of folds of whole brands; the same whatever --threads.
    for t in 1 2; do train-demand -q --no-image --epochs 2 --valid-by brand --threads $t -i v.weft -o t$t.st; done
    cmp m.st t1.st
    cmp t1.st t2.st
    strings -n 100 m.st | grep -q 'low\\":-'
    train-demand -q --no-image --epochs 2 --valid-from 2024-01-25 -i v.weft -o m.st
    part v.weft | awk '($1 == "valid") != ($3 >= "2024-01-25") { exit 1 }'
    printf 'id,name,price,brand,date\n7,x,1,b1,2024-01-02\n777,x,1,b1,2024-01-02\n' | ingest -q --layout products - | embed-text -q --hash 16 -o n.weft
    [ "$(part n.weft | cut -d' ' -f1 | tr '\n' ' ')" = "train new " ]
    refused 'the products have no key "shop"' 78 train-demand --no-image --valid-by shop -i v.weft -o m.st
    refused '"soon" is no date' 64 train-demand --no-image --valid-from soon -i v.weft -o m.st
    refused 'no product is of that day or later' 65 train-demand --no-image --valid-from 2025-01-01 -i v.weft -o m.st
    # The linear head alone is ridge regression: it does not depend on the seed.
    for s in 1 2; do train-demand -q --no-image --no-network --seed $s -i v.weft -o l$s.st; score -q -m m=l$s.st -i v.weft | frames csv -o l$s.csv; done
    cmp l1.csv l2.csv
    refused '--no-network goes with --no-image' 64 train-demand --no-network -i v.weft -o m.st
}

@test "train-demand: what was not measured is not said" {
    run train-demand -v --progress plain $small --no-image --valid 0 --epochs 1 --checkpoint c.st -i "$dir/products.weft" -o m.st
    [ "$status" -eq 0 ] && [[ "$output" == *"1 epochs: train loss "* && "$output" != *nan* && "$output" != *"  valid "* && "$output" != *validation* ]] || { echo "$output"; false; }
}

@test "train-demand: other heads, numbers as classes, weights; images left out" {
    printf 'id,name,price,year,kind\n' >p.csv
    for i in $(seq 80); do echo "$i,n,$((i % 2 * 100 + i)),$((2000 + i % 2)),k$((i % 4 / 3))"; done >>p.csv
    ingest -q --layout products --label year,kind p.csv -o p.weft
    train-demand -q --no-name --no-image --heads year:ce,kind:focal:0.5,year2:mse --lr 0.01 -i p.weft -o m.st 2>&1 | grep -q 'no label "year2"'
    train-demand -q --no-name --no-image --heads year:ce,kind:focal:0.5 --class-weights balanced --lr 0.01 --epochs 60 -i p.weft -o m.st
    score -m m.st --part valid -i p.weft -o p.dem
    run evaluate --format csv -i p.dem
    [[ "${lines[1]}" == "year,m.st,16,0,1,1,"* ]] || { echo "$output"; false; }
    run bash -c "frames show p.dem | sed -n 2p | jq -c '[.predicted.year, .labels.year]'"
    [[ "$output" == '["200'*'",200'* ]]
}

@test "train-demand, score: broken pictures" {
    mkdir b && head -n 40 "$dir/g/garments.csv" >b/p.csv && cp -r "$dir/g/images" b/
    echo "not a picture" >b/images/00003.png
    ingest -q b/p.csv -o b.weft 2>/dev/null
    refused 'product 3:' 65 train-demand $small --valid 0 -i b.weft -o m.st
    run train-demand $small --valid 0 --bad-images missing --epochs 1 -i b.weft -o m.st
    [ "$status" -eq 0 ] && [[ "$output" == *"could not be read"* ]]
    run score -m m.st -i b.weft -o b.dem
    [ "$status" -eq 0 ] && [[ "$output" == *"1 pictures can't be read"* ]]
    frames check b.dem
}

@test "pictures beyond --max-side or --max-pixels are broken ones, to every program that looks at them" {
    encode-image -q -m "$dir/model.safetensors" --drop-image -i "$dir/products.weft" -o e.weft
    for o in "--max-side 4" "--max-pixels 9"; do
        refused 'pixels; at most ' 65 encode-image -m "$dir/model.safetensors" $o -i "$dir/products.weft"
        refused 'pixels; at most ' 65 train-demand $small $o -i "$dir/products.weft" -o m.st
        run score -m "$dir/model.safetensors" $o -i "$dir/products.weft" -o s.dem
        [ "$status" -eq 0 ] && [[ "$output" == *"96 pictures can't be read"* ]] || { echo "$output"; false; }
        refused '--neighbours does not go with' 64 train-demand --neighbours 3 $o -i e.weft -o m.st
    done
    printf 'date,item,sales\n2022-01-01,a,1\n2022-01-02,a,2\n' | ingest -q --layout long - -o series.weft
    refused '--max-side is for a products stream, and this is a series stream' 64 score -m naive --horizon 1 --max-side 9 -i series.weft
}

@test "train-demand --neighbours: the most alike say it; features must fit" {
    encode-image -q -m "$dir/model.safetensors" --drop-image -i "$dir/products.weft" -o e.weft
    train-demand -q --neighbours 1 --valid 0 --no-name -i e.weft -o n.st
    score -q -m n.st -i e.weft | evaluate --format csv >csv
    awk -F, '/^gender|^age/ && $5 < 0.9 { exit 1 }' csv || { cat csv; false; } # products that look the same apart
    refused 'no features to compare; put encode-image or embed-text in between' 78 train-demand --neighbours 1 -i "$dir/products.weft" -o m.st
    refused 'the model reads 512 image_features, and the products have 0' 78 score -m n.st -i "$dir/products.weft"
}

@test "score: frames are what the schema says, whatever the batch and the threads; held out products alone with --part valid" {
    score -q -m a="$dir/model.safetensors",b="$dir/model.safetensors" -i "$dir/products.weft" -o all.dem
    frames check all.dem
    frames cat "$dir/products.weft" | score -q --threads 2 -m a="$dir/model.safetensors",b="$dir/model.safetensors" >other.dem
    cmp <(frames show all.dem | grep '^{"id"') <(frames show other.dem | grep '^{"id"')
    [ "$(frames show all.dem | grep -c '"model":"b"')" -eq 96 ]
    score -q -m "$dir/model.safetensors" --part valid -i "$dir/products.weft" | frames show >valid
    [ "$(grep -c '"model":"model"' valid)" -eq 19 ]
    cmp <(grep '"model":"model"' valid | jq -c .predicted | head -n 3) \
        <(frames show all.dem | grep '"model":"a"' | jq -c --slurpfile v <(grep '"model":"model"' valid) 'select(.id as $i | $v | map(.id) | index($i)) | .predicted' | head -n 3)
    frames show all.dem | sed -n 2p | jq -e '(.probabilities.age.f32 | add) - 1 | fabs < 1e-5'
}

@test "score: models and streams that do not fit are refused" {
    shop shop.csv 60 6
    ingest -q shop.csv -o series.weft
    refused 'no metadata "lookback"' 65 score -m "$dir/model.safetensors" -i series.weft
    window -q --lookback 7 --horizon 3 -i series.weft | train-dlinear -q -o d.st
    refused 'not a garment model' 78 score -m d.st -i "$dir/products.weft"
    refused 'two are called "model"' 64 score -m "$dir/model.safetensors,$dir/model.safetensors" -i "$dir/products.weft"
    refused 'no test part' 64 score --part test -m "$dir/model.safetensors" -i "$dir/products.weft"
    refused '--horizon is for a series or windows stream, and this is a products stream' 64 score --horizon 3 -m "$dir/model.safetensors" -i "$dir/products.weft"
    sed '1s/product_price/cost/' "$dir/g/garments.csv" | ingest -q --layout products --images "$dir/g" -o few.weft
    refused 'the model reads the number "price", and the products have none' 78 score -m "$dir/model.safetensors" -i few.weft
}

@test "evaluate: accuracy, macro-F1 and errors against those of awk" {
    score -q -m "$dir/model.safetensors" -i "$dir/products.weft" -o all.dem
    evaluate --format csv -i all.dem >csv
    frames show all.dem | grep '^{"id"' | jq -r '[.labels.gender // "", .predicted.gender, .labels.sales // "", .predicted.sales] | @csv' | tr -d '"' |
        awk -F, '$1 != "" { n++; right += $1 == $2; tp[$1] += $1 == $2; a[$1]++; p[$2]++ } $3 != "" { s += ($4 > $3 ? $4 - $3 : $3 - $4); m++ }
                 END { for (c in a) f += 2 * tp[c] / (a[c] + p[c]); printf "%.6f %.6f %.4f\n", right / n, f / 2, s / m }' >want
    awk -F, 'NR == 2 { a = $5; f = $6 } /^sales/ { printf "%.6f %.6f %.4f\n", a, f, $9 }' csv >got
    cmp want got || { cat want got csv; false; }
    evaluate --format frames -i all.dem | frames check
    [[ "$(evaluate --confusion -i all.dem)" == *"gender by model: rows are actual, columns predicted"* ]]
    evaluate --confusion -i all.dem | sed -n '/^age by/,$p' | grep -oE '^[0-9]+대' | sort -c
    refused '--by is for a forecasts stream, and this is a demand stream' 64 evaluate --by gender -i all.dem
    refused 'this program reads forecasts/1 or demand/1' 65 evaluate -i "$dir/products.weft"
}

@test "evaluate: thousands of classes take seconds" {
    awk 'BEGIN { srand(1); print "id,name,price,kind"; for (i = 0; i < 6000; i++) print i ",n," i % 7 ",k" int(2000 * rand()) }' >p.csv
    ingest -q --layout products --label kind p.csv -o p.weft
    train-demand -q --no-image --no-name --heads kind:ce --hidden 4 --epochs 1 -i p.weft -o m.st
    score -q -m m.st -i p.weft | timeout 20 bash -c 'ulimit -t 4; evaluate --format csv' >csv
    [ "$(tail -n +2 csv | cut -d, -f3)" -eq 6000 ]
}

@test "rank: products by what is predicted, times the growth of their category" {
    score -q -m "$dir/model.safetensors" -i "$dir/products.weft" -o all.dem
    rank --format csv -i all.dem >csv
    [ "$(head -n 1 csv)" = "rank,id,name,category,predicted_gender,predicted_age,predicted_views,predicted_sales,low,high,part" ]
    frames show all.dem | grep '^{"id"' | jq -r '[.predicted.sales, .id] | @tsv' | sort -k1,1gr | cut -f2 >want
    cmp want <(tail -n +2 csv | cut -d, -f2)
    [ "$(rank --label views --top 3 --format json -i all.dem | jq length)" -eq 3 ]
    # A shop that sells ever more coats, of everything else the same, and no skirts.
    { echo date,category,sales; for d in $(seq 10 31); do for c in 티셔츠,10 원피스,10 팬츠,10 "코트,$((d * d))"; do echo "2022-01-$d,$c"; done; done; } >long.csv
    ingest -q --layout long --id category --keys category --value sales long.csv | window -q --lookback 4 --horizon 4 --split 1,0,0 -o w.weft
    train-dlinear -q --by category -i w.weft -o d.st
    score -q -m d.st -i w.weft -o f.weft
    rank -q --by category --near 1:1 --far 4:4 --format frames -i f.weft -o growth.weft
    rank --growth growth.weft --format csv -i all.dem >csv 2>err
    [ "$(sed 's/,predicted.*//;q' csv)" = "rank,id,name,category,outlook,growth" ] || { cat err; false; }
    grep -q 'products are of groups that growth.weft does not have' err
    awk -F, 'NR > 1 && ($4 == "코트" && $6 < 1.1 || $4 == "팬츠" && ($6 < 0.99 || $6 > 1.01) || $4 == "스커트" && $6 != "") { exit 1 }
             NR > 1 && ($5 - $10 * ($6 == "" ? 1 : $6)) ^ 2 > 1e-6 * $5 ^ 2 { exit 1 }' csv || { cat csv; false; }
    refused 'predicts no quantity "likes"' 78 rank --label likes -i all.dem
    refused '--near is for a forecasts stream, and this is a demand stream' 64 rank --near 1:2 -i all.dem
    refused '--label is for a demand stream, and this is a forecasts stream' 64 rank --label sales -i f.weft
}

@test "train-demand: memory is the frames and the network, and pictures stay compressed in it" {
    peak() { train-demand -v $small --no-image --heads gender:ce --epochs 1 -i "$1" -o m.st 2>&1 | grep -oE '[0-9]+ MB' | tail -n 1 | tr -dc 0-9; }
    few=$(peak "$dir/products.weft")
    [ "$few" -le 200 ] || { echo "$few MB"; false; } # no ResNet18 without images
    run train-demand -v $small --epochs 1 -i "$dir/products.weft" -o m.st
    [[ "$output" == *"1 MiB of frames held"* && "$output" == *"MiB for network, activations and a batch"* ]] || { echo "$output"; false; }
    local said held
    said=$(grep -oE '[0-9]+ MiB for network' <<<"$output" | tr -dc 0-9) held=$(grep -oE '[0-9]+ MB$' <<<"$output" | tr -dc 0-9)
    [ "$held" -le $((said + 40)) ] && [ "$said" -le $((held * 3 / 2)) ] || { echo "said $said MiB, held $held MB"; false; }
}
