#!/usr/bin/env bash
# plot.sh svg|png CHANNEL TITLE DIR TOP - draws DIR/ranking.csv (left: growth with its interval) and on the right the first four of them with their
# history (DIR/level.weft) and forecast (DIR/forecasts.csv). The picture goes to standard output.
set -euo pipefail
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
[ $# -eq 5 ] || die "usage: plot.sh svg|png CHANNEL TITLE DIR TOP"
format=$1 channel=$2 title=$3 dir=$4 top=$5
need frames gnuplot
work=$dir/plot
mkdir -p "$work"

# columns FILE "NAME...": these columns of a CSV file, separated by tabs. Quoted fields may hold commas.
columns() {
    awk -v want="$2" '
        function split_row(line, out,    n, c, i, quoted, field) {
            n = 0; field = ""; quoted = 0
            for (i = 1; i <= length(line); i++) {
                c = substr(line, i, 1)
                if (c == "\"") { if (quoted && substr(line, i + 1, 1) == "\"") { field = field c; i++ } else quoted = !quoted }
                else if (c == "," && !quoted) { out[++n] = field; field = "" }
                else field = field c
            }
            out[++n] = field
            return n
        }
        { if (index($0, "\"")) m = split_row($0, f); else m = split($0, f, ",") }
        NR == 1 { n = split(want, w, " "); for (i = 1; i <= m; i++) at[f[i]] = i; next }
        { line = ""; for (k = 1; k <= n; k++) line = line (k > 1 ? "\t" : "") f[at[w[k]]]; print line }' "$1"
}
columns "$dir/ranking.csv" "channel rank name growth low high" | awk -F'\t' -v c="$channel" -v n="$top" '$1 == c && $2 <= n && $4 != ""' >"$work/ranking.tsv"
columns "$dir/forecasts.csv" "channel id date forecast q0_05 q0_95" | awk -F'\t' -v c="$channel" '$1 == c' >"$work/forecasts.tsv"
frames csv "$dir/level.weft" -o "$work/history.csv"
columns "$work/history.csv" "id date $channel" >"$work/history.tsv"

rows=$(wc -l <"$work/ranking.tsv")
panels=$((rows < 4 ? rows : 4))
quoted() { # for gnuplot's single quotes
    printf '%s' "${1//\'/\'\'}"
}
{
    case "$format" in
    # The reader's own fonts draw an SVG: the Korean ones come into play where a name needs them.
    svg) echo "set terminal svg size 1200,820 dynamic font 'DejaVu Sans, Noto Sans KR, Noto Sans CJK KR, Malgun Gothic, sans-serif,12' background '#ffffff'" ;;
    png) echo "set terminal pngcairo size 1200,820 font 'DejaVu Sans,10' background '#ffffff'" ;; # fontconfig finds the other scripts
    *) die "a picture is svg or png" ;;
    esac
    cat <<E
set encoding utf8
set datafile separator '\t'
set termoption noenhanced
ink = '#2b2d42'; soft = '#8d99ae'; blue = '#2a6f97'; light = '#a9d6e5'
set multiplot
set border 0
set tics nomirror scale 0 textcolor rgb ink
set grid x linecolor rgb '#e5e7eb' linewidth 1
set label 1 '$(quoted "$title")' at screen 0.02,0.965 font ',16' textcolor rgb ink
set label 2 'growth of $(quoted "$channel") (far days / near days) with its 90% interval; on the right history and forecast' at screen 0.02,0.925 textcolor rgb soft
set lmargin at screen 0.20; set rmargin at screen 0.50; set bmargin at screen 0.07; set tmargin at screen 0.89
set yrange [$rows + 0.6:0.4]
set xrange [*:*]
unset key
set arrow 1 from 1, graph 0 to 1, graph 1 nohead linecolor rgb soft dashtype 2
plot '$work/ranking.tsv' using 5:2:(\$6-\$5):(0) with vectors nohead linewidth 6 linecolor rgb light, \\
     '' using 4:2:ytic(3) with points pointtype 7 pointsize 1.1 linecolor rgb blue, \\
     '' using 4:2:(sprintf('%.2f', \$4)) with labels offset 0,0.9 font ',9' textcolor rgb ink
unset label 1; unset label 2; unset arrow 1
set grid y
unset ytics
set ytics autofreq nomirror scale 0 font ',9' textcolor rgb soft
set xdata time; set timefmt '%Y-%m-%d'; set format x '%b %Y'; set xtics 86400 * 61 font ',9'
set yrange [0:*]; set autoscale xfix; set autoscale yfixmin
E
    for i in $(seq 1 "$panels"); do
        id=$(sed -n "${i}p" "$work/ranking.tsv" | cut -f3)
        awk -F'\t' -v id="$id" '$1 == id' "$work/history.tsv" | tail -n 180 >"$work/h$i.tsv"
        awk -F'\t' -v id="$id" '$2 == id' "$work/forecasts.tsv" >"$work/f$i.tsv"
        awk -v i="$i" -v n="$panels" 'BEGIN {
            printf "set tmargin at screen %f; set bmargin at screen %f\n", 0.89 - (i - 1) * 0.84 / n, 0.89 - i * 0.84 / n + 0.055
        }'
        cat <<E
set lmargin at screen 0.56; set rmargin at screen 0.98
set label 3 '$(quoted "$id")' at graph 0,1.07 left textcolor rgb ink front
plot '$work/f$i.tsv' using 3:5:6 with filledcurves linecolor rgb light fillstyle solid 0.8 noborder, \\
     '$work/h$i.tsv' using 2:3 with lines linewidth 1.2 linecolor rgb soft, \\
     '$work/f$i.tsv' using 3:4 with lines linewidth 2 linecolor rgb blue
unset label 3
E
    done
    echo "unset multiplot"
} >"$work/plot.gp"
gnuplot "$work/plot.gp"
