#!/usr/bin/env bats
# embed-text.bats - names to features: which names get them, the same ones whatever the batch, and what is refused.

load helper

setup_file() {
    export dir="$BATS_FILE_TMPDIR" bert="$BATS_TEST_DIRNAME/../reference/bert"
    awk 'BEGIN { print "id,name,price"; for (i = 0; i < 300; i++) printf "%d,%s,%d\n", i, i % 50 == 7 ? "" : "red shirts " (i % 40) " 셔츠", 1000 + i }' >"$dir/p.csv"
    ingest -q --layout products "$dir/p.csv" -o "$dir/products.weft" 2>/dev/null
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
}

# refused TEXT CODE COMMAND...: it fails with that exit code, and says so in one line with TEXT in it; nothing stays behind.
refused() {
    local text=$1 code=$2
    shift 2
    run "$@" -o refused.weft
    [ "$status" -eq "$code" ] || { echo "exit $status: $output"; false; }
    [[ "$output" == *"$text"* ]] || { echo "$output"; false; }
    [ "${#lines[@]}" -eq 1 ] || { echo "$output"; false; }
    [ ! -e refused.weft ]
}

# one FILE NAME: a stream of one product of that name.
one() {
    { echo '{"weft":1,"schema":"products/1","attrs":{"keys":[],"numbers":[],"labels":[]},"lineage":[]}'; printf '{"id":"1","name":"%s"}\n' "$2"; } | frames from-json -q -o "$1"
}

@test "every name gets features of the model's width, a product without a name none, and both are counted" {
    run embed-text -v -m "$bert" -i "$dir/products.weft" -o e.weft
    [ "$status" -eq 0 ]
    [[ "$output" == *"294 names embedded, "*" of them computed, 6 products without one"* ]] || { echo "$output"; false; }
    frames check e.weft
    [ "$(frames show e.weft | grep -c '"text_features":{"f32":\[')" -eq 294 ]
    frames show e.weft | head -n 1 | grep -q '"text_features":24'
}

@test "the same bytes whatever the batch and the threads, and when features are there already" {
    for precision in f32 bf16; do
        [ $precision = f32 ] || grep -q avx512_bf16 /proc/cpuinfo || continue
        embed-text -q -m "$bert" --precision $precision -i "$dir/products.weft" -o a.weft
        embed-text -q -m "$bert" --precision $precision --batch 1 -i "$dir/products.weft" -o b.weft
        embed-text -q -m "$bert" --precision $precision --batch 7 --threads 3 <"$dir/products.weft" | cat >c.weft
        cmp a.weft b.weft
        cmp a.weft c.weft
        embed-text -q -m "$bert" --precision $precision -i a.weft | frames show | grep text_features\":{ | cmp - <(frames show a.weft | grep text_features\":{)
    done
}

@test "--hash needs no file: unit vectors, alike for names alike" {
    embed-text -q --hash 64 -i "$dir/products.weft" -o h.weft
    frames check h.weft
    [ "$(frames show h.weft | grep -c text_features)" -eq 295 ] # the head names them too
    frames show h.weft | awk -F'"f32":\\[' 'NF > 1 { n = split($2, x, ","); s = 0; for (i = 1; i <= n; i++) s += x[i] * x[i]; if (s < 0.999 || s > 1.001) exit 1 }'
}

@test "poolings differ; max-tokens cuts; nfc makes one of composed and decomposed Hangul" {
    for pool in mean cls pooler; do
        embed-text -q -m "$bert" --pool $pool -i "$dir/products.weft" | frames show | sed -n 2p >$pool.json
    done
    ! cmp -s mean.json cls.json || false
    ! cmp -s cls.json pooler.json || false
    run embed-text -v -m "$bert" --max-tokens 4 -i "$dir/products.weft" -o cut.weft
    [[ "$output" == *"294 names were too long and cut"* ]] || { echo "$output"; false; }
    one composed.weft '셔츠'
    one decomposed.weft $'\u1109\u1167\u110e\u1173'
    feature() { embed-text -q -m "$bert" "${@:2}" -i "$1" | frames show | sed -n 2p | sed 's/.*text_features//'; }
    [ "$(feature composed.weft)" = "$(feature decomposed.weft)" ]
    [ "$(feature composed.weft --normalize none)" != "$(feature decomposed.weft --normalize none)" ]
}

@test "a name of no words is missing, one of 100 kB is cut" {
    one blank.weft ' \t\u200b '
    run embed-text -v -m "$bert" -i blank.weft -o x.weft
    [ "$status" -eq 0 ]
    [[ "$output" == *"0 names embedded, 0 of them computed, 1 products without one"* ]] || { echo "$output"; false; }
    one long.weft "$(printf 'red %.0s' {1..25000})"
    run embed-text -v -m "$bert" -i long.weft -o x.weft
    [ "$status" -eq 0 ]
    [[ "$output" == *"1 names were too long and cut"*"1 names embedded"* ]] || { echo "$output"; false; }
    one word.weft "$(head -c 100000 /dev/zero | tr '\0' x)"
    embed-text -v -m "$bert" -i word.weft 2>err | frames show | grep -q '"f32"'
    grep -q "1 names were too long and cut" err
    embed-text -q --hash 32 -i word.weft | frames show | grep -q '"f32"'
}

@test "options that do not fit are refused" {
    refused "give one of -m DIR and --hash N" 64 embed-text -i "$dir/products.weft"
    refused "--hash does not go with --model" 64 embed-text -m "$bert" --hash 8 -i "$dir/products.weft"
    for o in "--pool cls" "--max-tokens 9" "--precision bf16"; do
        refused "${o% *} goes with --model" 64 embed-text --hash 8 $o -i "$dir/products.weft"
    done
    refused "vocab.txt" 66 embed-text -m "$dir" -i "$dir/products.weft"
    refused "--max-tokens 64: this model takes 20" 78 embed-text -m "$bert-old" -i "$dir/products.weft"
}

@test "vocabularies and configurations that are not BERT's are refused" {
    cp -r "$bert" m
    grep -v UNK "$bert/vocab.txt" >m/vocab.txt
    refused "no [UNK] among the tokens" 65 embed-text -m m -i "$dir/products.weft"
    : >m/vocab.txt
    refused "no [UNK] among the tokens" 65 embed-text -m m -i "$dir/products.weft"
    { cat "$bert/vocab.txt"; echo more; } >m/vocab.txt
    refused "vocab.txt has 17 tokens, the model 16" 78 embed-text -m m -i "$dir/products.weft"
    cp "$bert/vocab.txt" m
    truncate -s 100M m/vocab.txt
    refused "larger than" 65 embed-text -m m -i "$dir/products.weft"
    cp "$bert/vocab.txt" m
    for change in 's/"bert"/"roberta"/' 's/"gelu"/"swish"/' 's/"num_attention_heads": 4/"num_attention_heads": 5/' 's/"hidden_size": 24/"hidden_size": -1/' \
        's/"hidden_size": 24/"hidden_size": 48/' 's/"vocab_size": 16/"vocab_size": 17/' 's/"num_hidden_layers": 2/"num_hidden_layers": 3/' 's/"intermediate_size": 40/"intermediate_size": 4e9/' 's/{//'; do
        sed "$change" "$bert/config.json" >m/config.json
        run embed-text -m m -i "$dir/products.weft" -o x.weft
        [ "$status" -eq 65 ] || [ "$status" -eq 78 ] || { echo "$change: $status $output"; false; }
        [ "${#lines[@]}" -eq 1 ]
        [ ! -e x.weft ]
    done
}

@test "model files that are damaged are refused" {
    cp -r "$bert" m
    printf '\xff\xff\xff\x7f\0\0\0\0{' >m/model.safetensors
    refused "header is longer than" 65 embed-text -m m -i "$dir/products.weft"
    head -c 50000 "$bert/model.safetensors" >m/model.safetensors
    refused "cut short" 65 embed-text -m m -i "$dir/products.weft"
    sed 's/"data_offsets": \[0, 768\]/"data_offsets": [9, 777]/' "$bert/model.safetensors" >m/model.safetensors
    ! cmp -s m/model.safetensors "$bert/model.safetensors" || false
    refused "leaves a hole or overlaps" 65 embed-text -m m -i "$dir/products.weft"
    sed 's/pooler.dense.weight/poolor.dense.weight/' "$bert/model.safetensors" >m/model.safetensors
    refused "this model has no pooler" 78 embed-text -m m --pool pooler -i "$dir/products.weft"
    embed-text -q -m m -i "$dir/products.weft" -o x.weft
    sed 's/encoder.layer.1.output.dense.bias/encoder.layer.1.output.dense.bios/' "$bert/model.safetensors" >m/model.safetensors
    refused 'no tensor "encoder.layer.1.output.dense.bias" [24]' 65 embed-text -m m -i "$dir/products.weft"
}

@test "memory does not grow with the stream beyond the 64 MB of known names" {
    names() { # N of them, all different: a number in words of the vocabulary
        awk -v n="$1" 'BEGIN { split("red blue shirt dress", word, " "); print "id,name,price"
            for (i = 0; i < n; i++) { name = ""; for (k = i; k; k = int(k / 4)) name = name " " word[k % 4 + 1]; printf "%d,x%s,5\n", i, name } }' |
            ingest -q --layout products - 2>/dev/null
    }
    peak() { embed-text -v -m "$bert" -o /dev/null 2>&1 | grep -oE '[0-9]+ MB' | tail -n 1 | tr -dc 0-9; }
    few=$(names 2000 | peak)
    many=$(names 60000 | peak)
    [ "$many" -le $((few + 70)) ] || { echo "$few MB, then $many MB"; false; }
}

@test "a vocabulary without capitals and without tokenizer_config.json: syllables stay whole, which is said" {
    cp -r "$bert" m
    sed 's/^T$/t/' "$bert/vocab.txt" >m/vocab.txt
    one a.weft "셔츠 T"
    one b.weft "없는말 t"
    for x in a b; do run embed-text -m m -i $x.weft -o $x.feat; [[ "$output" == *"no tokenizer_config.json, and the vocabulary has Hangul syllables and no capitals: names are lower-cased, accents and syllables stay"* ]] || { echo "$output"; false; }; done
    feature() { frames show "$1" | sed -n 2p | jq -c .text_features; }
    [ "$(feature a.feat)" != "$(feature b.feat)" ] # 셔츠 is no [UNK]
    # With the file nothing is guessed, and nothing said: accents and syllables as it says.
    echo '{"do_lower_case": true, "strip_accents": false}' >m/tokenizer_config.json
    run embed-text -m m -i a.weft -o c.feat
    [ "$output" = "" ] || { echo "$output"; false; }
    [ "$(feature c.feat)" = "$(feature a.feat)" ]
    # As Hugging Face has it, accents go with capitals: 셔츠 falls into jamo that the vocabulary has not.
    echo '{"do_lower_case": true}' >m/tokenizer_config.json
    embed-text -q -m m -i a.weft -o d.feat
    [ "$(feature d.feat)" = "$(feature b.feat)" ]
}
