#!/usr/bin/env bash
# from-postgres.sh - sales out of PostgreSQL, the ranking back into it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

usage() {
    cat <<'T'
usage: from-postgres.sh [OPTION...]

Reads sales with psql's \copy, forecasts them by category, and writes the ranking into a table, in one transaction. The connection is psql's own: PGHOST,
PGDATABASE, PGUSER, ~/.pgpass, or --connect.

      --query SQL        columns date, id, units and any keys
                         (default: select date, id, minor, units from sales)
      --connect TEXT     connection string or database name
      --by LEVEL         what is ranked (default: minor)
      --lookback N       (default 56)
      --horizon N        (default 28)
      --table NAME       the table to fill (default: weft_ranking)
  -h, --help

The table: made_on date, channel text, rank int, name text, growth, low, high, near, far double precision. Rows of the same day are replaced.
T
}

query="select date, id, minor, units from sales" connect= by=minor lookback=56 horizon=28 table=weft_ranking
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help) usage; exit 0 ;;
    --query) query=${2:?}; shift ;;
    --connect) connect=${2:?}; shift ;;
    --by) by=${2:?}; shift ;;
    --lookback) lookback=${2:?}; shift ;;
    --horizon) horizon=${2:?}; shift ;;
    --table) table=${2:?}; shift ;;
    *) die "unknown option $1; see from-postgres.sh --help" ;;
    esac
    shift
done
[[ $table =~ ^[A-Za-z_][A-Za-z0-9_.]*$ ]] || die "--table: $table is no plain name"
case "$query" in *$'\n'*) query=${query//$'\n'/ } ;; esac
need ingest aggregate window train-dlinear score rank psql
scratch
sql() { psql -X -q -v ON_ERROR_STOP=1 ${connect:+-d "$connect"} "$@"; }

sql -c "\\copy ($query) to stdout with (format csv, header)" | ingest --layout long | aggregate --by "$by" -o "$work/series.weft" ||
    culprit "psql ingest aggregate" "${PIPESTATUS[@]}"
window --lookback "$lookback" --horizon "$horizon" --split 0.8,0.2,0 -i "$work/series.weft" | train-dlinear -q -o "$work/model.safetensors" ||
    culprit "window train-dlinear" "${PIPESTATUS[@]}"
score -q -m "$work/model.safetensors" -i "$work/series.weft" | rank --format csv -o "$work/ranking.csv" ||
    culprit "score rank" "${PIPESTATUS[@]}"

# The server reads the CSV itself, since a name may hold commas and quotes: all columns as text first, then those that the table has.
header=$(head -n 1 "$work/ranking.csv")
[[ $header =~ ^[a-z0-9_.,]+$ ]] || die "rank wrote an unexpected header: $header" 70
sql <<SQL
begin;
set local client_min_messages = warning;
create temporary table weft_csv ("${header//,/\" text, \"}" text) on commit drop;
\\copy weft_csv from '$work/ranking.csv' with (format csv, header)
create table if not exists $table (made_on date not null default current_date, channel text, rank int, name text, growth double precision,
    low double precision, high double precision, near double precision, far double precision);
delete from $table where made_on = current_date;
insert into $table (channel, rank, name, growth, low, high, near, far)
    select channel, rank::int, "group", growth::float8, low::float8, high::float8, near::float8, far::float8 from weft_csv;
\\o $work/rows
\\t on
select count(*) from weft_csv;
\\o
commit;
SQL
echo "from-postgres.sh: $(tr -d ' \n' <"$work/rows") rows in $table"
