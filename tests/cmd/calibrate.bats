#!/usr/bin/env bats
# calibrate.bats - any model or baseline with the errors of windows: intervals that hold what they say.

load helper

# noise FILE: 60 series of normal noise about a week's shape, 420 days, deterministic.
noise() {
    awk 'BEGIN {
        srand(5)
        print "date,id,units"
        for (p = 0; p < 60; p++) for (d = 0; d < 420; d++)
            printf "%s,i%02d,%.3f\n", strftime("%Y-%m-%d", 1672531200 + d * 86400, 1), p, 100 + p + 10 * (d % 7) + 10 * sqrt(-2 * log(1 - rand())) * cos(6.283185307 * rand())
    }' >"$1"
}

setup_file() {
    export dir="$BATS_FILE_TMPDIR"
    noise "$dir/noise.csv"
    ingest -q --layout long --id id --value units "$dir/noise.csv" -o "$dir/series.weft"
    window -q --lookback 28 --horizon 14 --scale standard --split 0.6,0.2,0.2 -i "$dir/series.weft" -o "$dir/windows.weft"
}

setup() { cd "$BATS_TEST_TMPDIR"; }

# coverage FILE COLUMN: of evaluate's first row, in %.
coverage() {
    score -q -m "$1" --part test --quantiles 0.05,0.1,0.9,0.95 -i "$dir/windows.weft" | evaluate -q --format csv |
        awk -F, -v c="$2" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 { print 100 * $at[c] }'
}
near() { awk -v x="$1" -v y="$2" -v most="$3" 'BEGIN { d = x - y; exit !(d >= -most && d <= most) }' || { echo "$1, and not $2"; false; }; }

@test "calibrate: models and baselines cover 80 and 90 % of noise" {
    train-dlinear -q -i "$dir/windows.weft" -o linear.st
    train-dlinear -q --factors weekday -i "$dir/windows.weft" -o factors.st
    for model in linear.st factors.st seasonal-naive:7 mean:28; do
        calibrate -v -m "$model" -i "$dir/windows.weft" -o c.st 2>said
        grep -q 'windows of 60 series' said
        near "$(coverage c.st coverage_90)" 90 2
        near "$(coverage c.st coverage_80)" 80 2
    done
}

@test "calibrate: growth of noise is covered, by a baseline as by a model" {
    train-dlinear -q -i "$dir/windows.weft" -o linear.st
    for model in linear.st seasonal-naive:7; do
        calibrate -q -m "$model" -i "$dir/windows.weft" -o c.st
        backtest -q -m c.st --no-baselines --origins 5 --every 14 --rank-by id --table ranking --format csv -i "$dir/windows.weft" >ranking.csv
        cat ranking.csv
        near "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i ~ /^coverage/) at = i } NR == 2 { print 100 * $at }' ranking.csv)" 90 4
    done
}

@test "calibrate: forecasts stay what they are, and the file goes where models go" {
    train-dlinear -q --tune -i "$dir/windows.weft" -o m.st
    calibrate -q --no-lineage -m m.st -i "$dir/windows.weft" -o c.st
    calibrate -q --no-lineage -m m.st -i "$dir/windows.weft" -o again.st
    cmp c.st again.st
    cmp <(score -q -m x=m.st -i "$dir/series.weft" | frames csv | cut -d, -f1-6) <(score -q -m x=c.st -i "$dir/series.weft" | frames csv | cut -d, -f1-6)
    cmp <(score -q -m x=seasonal-naive:7 --horizon 14 -i "$dir/series.weft" | frames csv | cut -d, -f1-6) \
        <(calibrate -q -m seasonal-naive:7 -i "$dir/windows.weft" -o n.st; score -q -m x=n.st -i "$dir/series.weft" | frames csv | cut -d, -f1-6)
    # A member that is alone is what explain explains.
    cmp <(explain -m m.st --format csv -i "$dir/series.weft") <(explain -q -m c.st --format csv -i "$dir/series.weft")
    train-dlinear -q --factors weekday -i "$dir/windows.weft" -o f.st
    calibrate -q -m f.st -i "$dir/windows.weft" -o c.st
    cmp <(explain -m f.st --factors) <(explain -q -m c.st --factors)
}

@test "calibrate: refuses what does not fit, and parts without a window" {
    train-dlinear -q -i "$dir/windows.weft" -o m.st
    window -q --lookback 28 --horizon 7 --scale standard -i "$dir/series.weft" -o seven.weft
    run calibrate -m m.st -i seven.weft -o c.st
    [ "$status" -eq 78 ] && [[ "$output" == *'horizon of 14'* ]]
    window -q --lookback 28 --horizon 14 --split 0.8,0.2,0 -i "$dir/series.weft" -o plain.weft
    run calibrate -m m.st -i plain.weft -o c.st
    [ "$status" -eq 78 ] && [[ "$output" == *'--scale'* ]]
    run calibrate -m mean:7 --part test -i plain.weft -o c.st
    [ "$status" -eq 65 ] && [[ "$output" == *'has it a test part?'* ]] && [ ! -e c.st ]
    calibrate -q -m mean:7 -i plain.weft -o c.st
    run calibrate -m c.st -i plain.weft -o again.st
    [ "$status" -eq 78 ] && [ ! -e again.st ]
}
