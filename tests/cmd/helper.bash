# helper.bash - fixtures that program tests share. The programs under test are first on PATH.

# shop FILE DAYS PRODUCTS: a small wide table with a weekly season, deterministic.
shop() {
    awk -v days="$2" -v products="$3" 'BEGIN {
        printf "ID,제품,대분류,중분류,소분류,브랜드"
        for (d = 0; d < days; d++) printf ",%s", strftime("%Y-%m-%d", 1640995200 + d * 86400, 1)
        print ""
        for (p = 0; p < products; p++) {
            printf "%d,B%03d-00001-00001,B%03d-C001,B%03d-C001-%04d,B%03d-C001-%04d-%d,B%03d-%05d", p, p % 3, p % 3, p % 3, p % 6, p % 3, p % 6, p % 12, p % 3, p % 5
            for (d = 0; d < days; d++) printf ",%d", 10 + p % 7 + (d + p) % 7 * 3 + (d * 7919 + p * 104729) % 5
            print ""
        }
    }' >"$1"
}

# garments DIR: garments.csv with images/, products.weft, demand.safetensors (a small network), demand.weft.
garments() {
    "$BUILD/gen/garments" "$1" 40 1
    ingest -q "$1/garments.csv" -o "$1/products.weft"
    train-demand -q --no-name --image-size 16 --batch 16 --epochs 1 -i "$1/products.weft" -o "$1/demand.safetensors"
    score -q -m "$1/demand.safetensors" -i "$1/products.weft" -o "$1/demand.weft"
}

# fixtures DIR: shop.csv, series.weft, windows.weft, model.safetensors, forecasts.weft, latest.weft.
fixtures() {
    shop "$1/shop.csv" 120 24
    ingest "$1/shop.csv" -o "$1/series.weft"
    window --lookback 14 --horizon 7 --scale standard -i "$1/series.weft" -o "$1/windows.weft"
    train-dlinear -i "$1/windows.weft" -o "$1/model.safetensors"
    score -m "$1/model.safetensors,seasonal-naive:7" --part test --quantiles 0.1,0.5,0.9 -i "$1/windows.weft" -o "$1/forecasts.weft"
    score -m "$1/model.safetensors" -i "$1/windows.weft" -o "$1/latest.weft"
}

# planned DIR: plan.csv (a price for every product of DIR/series.weft, 10 days ahead of it), planned.weft, planned-windows.weft, planned.safetensors.
planned() {
    awk 'BEGIN {
        print "date,id,price"
        for (p = 0; p < 24; p++)
            for (d = 0; d < 130; d++) printf "%s,%d,%d\n", strftime("%Y-%m-%d", 1640995200 + d * 86400, 1), p, (d + 3 * p) % 11 < 3 ? 80 : 100
    }' >"$1/plan.csv"
    covariates -q --csv "$1/plan.csv" --weekday -i "$1/series.weft" -o "$1/planned.weft"
    window -q --lookback 14 --horizon 7 --scale standard -i "$1/planned.weft" -o "$1/planned-windows.weft"
    train-dlinear -q -i "$1/planned-windows.weft" -o "$1/planned.safetensors"
}

# free_port: a TCP port that nobody listens on, below those that the kernel gives to clients; another one for every process that asks, since files of tests
# run side by side.
free_port() {
    local port=$((10000 + BASHPID % 20000))
    while cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -qi ":$(printf %04X $port) "; do port=$((port + 1)); done
    echo $port
}

# pipe COMMAND: runs a shell pipeline with pipefail, as a user's script would.
pipe() {
    run bash -o pipefail -c "$1"
}

# signal_at_checkpoint SIGNAL FILE COMMAND...: sends the signal once the command has written the checkpoint FILE anew, and returns the command's status. A slow machine
# and a fast one come to the same place.
signal_at_checkpoint() {
    local signal=$1 file=$2 before pid
    shift 2
    before=$(stat -c '%i %z' "$file" 2>/dev/null || true)
    "$@" 3>&- &
    pid=$!
    while kill -0 $pid 2>/dev/null && [ "$(stat -c '%i %z' "$file" 2>/dev/null || true)" = "$before" ]; do sleep 0.01; done
    kill -"$signal" $pid 2>/dev/null || true
    wait $pid
}

# every line of output is about one cause: at most one line per program.
one_line_each() {
    local programs
    programs=$(grep -oE '^[a-z-]+: ' <<<"$output" | sort | uniq -d)
    [ -z "$programs" ] || { echo "more than one line from: $programs"; echo "$output"; return 1; }
}
