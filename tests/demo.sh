#!/usr/bin/env bash
# demo.sh - the main jobs on a generated shop: two years of daily sales of 1,000 products become forecasts and ranked categories; photos and names of 240
# garments become predictions of who will like them and how they will sell.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${BUILD:-build/release}
WEFT_BIN=$(cd "${BIN:-bin}" && pwd)
export WEFT_BIN
out=build/demo
mkdir -p "$out"
"$build/gen/garments" "$out/garments" 240
echo "Made-up garments: 240 with photo, name and price ($out/garments)."
echo "pipelines/garments.sh $out/garments/garments.csv --image-size 32 --epochs 6 --lr 1e-3 -o $out/garments-result"
echo
pipelines/garments.sh "$out/garments/garments.csv" --image-size 32 --epochs 6 --lr 1e-3 -o "$out/garments-result"
echo "The best of them, with their pictures: $out/garments-result/contact.html"
echo

for t in sales amounts mentions; do
    "$build/gen/shop" --products 1000 --days 730 --table $t >"$out/$t.csv"
done
echo "A made-up shop: 1,000 products in 53 categories, 730 days ($(du -h "$out/sales.csv" | cut -f1) of CSV in $out)."
echo "pipelines/forecast.sh $out/sales.csv --amounts $out/amounts.csv --mentions $out/mentions.csv --horizon 50 --near 1:10 --far 41:50 -o $out/result"
echo
pipelines/forecast.sh "$out/sales.csv" --amounts "$out/amounts.csv" --mentions "$out/mentions.csv" --horizon 50 --near 1:10 --far 41:50 -o "$out/result"
echo "The plot: $out/result/plot.svg"
echo "The report, one page for any browser: $out/result/report.html"
