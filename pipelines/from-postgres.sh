#!/usr/bin/env bash
# from-postgres.sh - sales out of PostgreSQL, forecasts and the ranking back into it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/recipe.sh"

usage() {
    cat <<'T'
usage: from-postgres.sh [OPTION...]

Reads sales with psql's \copy, forecasts and ranks them as forecast.sh does (the same table and options give the same ranking), and writes forecasts and ranking into
two tables, in one transaction. The connection is psql's own: PGHOST, PGDATABASE, PGUSER, ~/.pgpass, or --connect.

      --query SQL        a row a sale or a day: columns date, id, units and any keys
                         (default: select date, id, minor, units from sales)
      --ingest OPTIONS   how ingest reads these rows, split at blanks as a shell does (default: --layout long)
      --connect TEXT     connection string or database name
      --by LEVEL         what is forecast and ranked (default: minor where there is such a column, else id)
      --horizon N        steps to forecast (default: 28 days, 20 working days, 8 weeks, 6 months, 4 quarters or 168 hours)
      --lookback N       steps to look back on (default: chosen, as in forecast.sh)
      --near A:B         near steps of the growth index (default: that of rank)
      --far A:B          far steps (default: that of rank)
      --table NAME       the table of the ranking (default: weft_ranking)
      --forecasts-table NAME
                         the table of the forecasts (default: weft_forecasts)
  -o, --output DIR       keep ranking.csv, ranking.txt, forecasts.csv and model.safetensors there, too
      --allow-left-out   exit status 0 though categories were left out
      --progress         stages, seconds and what is left on stderr (default: when that is a terminal)
  -h, --help

The ranking: made_on date, channel text, rank int, name text, growth, low, high, near, far, p_growth double precision, sure text, model text, why text (a row
has no numbers).
The forecasts: made_on date, channel text, name text, model text, step int, at timestamp, forecast, low, median, high double precision (90%). Rows of the same day
are replaced. A table that an earlier version made gets the columns that it lacks; other columns stay as they are.
Exit status 65 with the tables written: categories have no forecast, since their history is too short or ends early; they are named.

Example:
  from-postgres.sh --connect shop --query "select day as date, sku as id, category as minor, sum(qty) as units from orders group by 1, 2, 3"
T
}

recipe_defaults
measure=no
query="select date, id, minor, units from sales" ingest_options="--layout long" connect='' table=weft_ranking forecasts_table=weft_forecasts out=''
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help) help; exit 0 ;;
    --query) query=${2:?}; shift ;;
    --ingest) ingest_options=${2:?}; shift ;;
    --connect) connect=${2:?}; shift ;;
    --by) by=${2:?}; shift ;;
    --horizon) horizon=${2:?}; shift ;;
    --lookback) lookback=${2:?}; shift ;;
    --near) near=${2:?}; shift ;;
    --far) far=${2:?}; shift ;;
    --table) table=${2:?}; shift ;;
    --forecasts-table) forecasts_table=${2:?}; shift ;;
    -o | --output) out=${2:?}; shift ;;
    --allow-left-out) allow_left_out=yes ;;
    --progress) progress=yes ;;
    *) die "unknown option $1; see from-postgres.sh --help" ;;
    esac
    shift
done
for t in "$table" "$forecasts_table"; do
    [[ $t =~ ^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$ ]] || die "--table, --forecasts-table: $t is no plain name"
done
[ "$table" != "$forecasts_table" ] || die "--table and --forecasts-table: two tables, not $table for both"
query=${query//$'\n'/ }
need ingest covariates aggregate window train-dlinear score explain rank frames psql
split_words --ingest "$ingest_options"
ingest=("${words[@]}")
shares=(10 1 20 5 3 50 5)
scratch
sql() { psql -X -q -v ON_ERROR_STOP=1 ${connect:+-d "$connect"} "$@"; }

stage read
sql -c "\\copy ($query) to stdout with (format csv, header)" | ingest "${ingest[@]}" -o "$work/series.weft" || culprit "psql ingest" "${PIPESTATUS[@]}"
recipe

# The server reads the CSV itself, since a name may hold commas and quotes: all columns as text first, then those that the tables have.
stage write
load() { # NAME FILE: a temporary table of text columns
    local header
    header=$(head -n 1 "$2")
    [[ $header =~ ^[A-Za-z0-9_.,]+$ ]] || die "an unexpected header: $header" 70
    printf 'create temporary table %s ("%s" text) on commit drop;\n' "$1" "${header//,/\" text, \"}"
    printf "\\\\copy %s from '%s' with (format csv, header)\n" "$1" "${2//\'/\'\'}"
}
has() { # COLUMN: its text in the ranking, or null where rank has no such column
    if [[ ,$(head -n 1 "$work/ranking.csv"), == *",$1,"* ]]; then echo "\"$1\""; else echo null; fi
}
columns() { # TABLE "NAME TYPE"...: the table has them, whoever made it
    local t=$1 c
    shift
    printf 'create table if not exists %s (made_on date not null default current_date);\n' "$t"
    for c in "$@"; do printf 'alter table %s add column if not exists %s;\n' "$t" "$c"; done
}
# The columns that have a place in the table, whatever the keys between them are called: of two columns of one name the later one is no key.
steps_csv() {
    csv_plain "$work/forecasts.csv" | awk -F, -v OFS=, '
        NR == 1 { for (i = NF; i > 1; i--) if (!($i in at)) at[$i] = i
                  print "name", "model", "channel", "step", "date", "forecast", "low", "median", "high"; next }
        $(at["forecast"]) != "" { print $1, $(at["model"]), $(at["channel"]), $(at["step"]), $(at["date"]), $(at["forecast"]), $(at["q0_05"]), $(at["q0_5"]), $(at["q0_95"]) }' |
        tr '\001\002' ',\n'
}
{
    echo "begin;"
    echo "set local client_min_messages = warning;"
    load weft_ranks "$work/ranking.csv"
    steps_csv >"$work/steps.csv"
    load weft_steps "$work/steps.csv"
    columns "$table" "made_on date" "channel text" "rank int" "name text" "growth double precision" "low double precision" "high double precision" \
        "near double precision" "far double precision" "p_growth double precision" "sure text" "model text" "why text"
    columns "$forecasts_table" "made_on date" "channel text" "name text" "model text" "step int" "at timestamp" "forecast double precision" \
        "low double precision" "median double precision" "high double precision"
    cat <<SQL
delete from $table where made_on = current_date;
delete from $forecasts_table where made_on = current_date;
insert into $table (made_on, channel, rank, name, growth, low, high, near, far, p_growth, sure, model, why)
    select current_date, channel, rank::int, name, growth::float8, low::float8, high::float8, near::float8, far::float8, $(has p_growth)::float8, $(has sure),
        $(has model), $(has why) from weft_ranks;
insert into $forecasts_table (made_on, channel, name, model, step, at, forecast, low, median, high)
    select current_date, channel, name, model, step::int, date::timestamp, forecast::float8, low::float8, median::float8, high::float8 from weft_steps;
\\o $work/rows
\\t on
select (select count(*) from weft_ranks) || ' rows in $table, ' || (select count(*) from weft_steps) || ' in $forecasts_table';
\\o
commit;
SQL
} >"$work/sql"
sql -f "$work/sql"
going_on="the tables are written; the same command replaces today's rows"
[ -z "$out" ] || deliver "$out" ranking.csv ranking.txt forecasts.csv model.safetensors
recipe_notes
echo "$me: $(sed '/^$/d; s/^ *//' "$work/rows")"
recipe_status "$table and $forecasts_table"
