#!/usr/bin/env bash
# Measure the 43 ClickBench queries on quern, DuckDB and ClickHouse: load, size, memory, times, answers, targets.
#
# usage: scripts/bench-clickbench.sh [OPTION]...
#   rows
#   --rows N          rows made by `quern gen hits` (default 1000000)
#   --file FILE       rows of your own instead, PostgreSQL COPY text, plain or .gz
#   --pipe            rows go straight into the load, no file; the usual way from 20 million on
#   --shuffled        rows in random order (not with --pipe)
#   --blocks N        loaded by N statements, so that the table has N and more small blocks
#   --reuse           keep databases loaded by an earlier run over the same rows
#   engines
#   --threads T       threads of every engine (default: all cores)
#   --peers LIST      of duckdb, clickhouse (default both; one whose package does not install is left out)
#   --quern-only      no peer
#   measurements
#   --queries LIST    only these, such as 3,17,43
#   --runs N          hot runs per query (default 3)
#   --cold            first runs in fresh processes with an empty page cache; --drop system | files says how to
#                     empty it (default: the system's, and where that is not allowed the files of the databases)
#   --no-fresh        no runs in fresh processes: no peak memory per query
#   --scaling         1, 2, ... T threads
#   --parquet         also load from a Parquet file that DuckDB writes
#   --growth LIST     several numbers of rows, such as 1000000,3000000,10000000: how each query's time grows
#
# The table and the queries are ClickBench's and not part of this repository: QUERN_SHARED (default ../shared)
# names the folder with clickbench/create.sql, queries.sql and check.py.  Everything made lies in build/bench-data.
# Output is tab-separated; the last line names files with the results alone.
set -euo pipefail
cd "$(dirname "$0")/.."
shared=${QUERN_SHARED:-../shared}/clickbench

rows=1000000 file='' threads=$(nproc) pass=() peers=duckdb,clickhouse pipe='' growth=''
while [ $# -gt 0 ]; do
    case $1 in
    --rows | --file | --threads | --queries | --runs | --peers | --blocks | --drop | --growth)
        [ $# -ge 2 ] || { echo "bench-clickbench: $1 wants a value" >&2; exit 2; }
        case $1 in
        --rows) rows=$2 ;;
        --file) file=$2 ;;
        --threads) threads=$2 ;;
        --peers) peers=$2 ;;
        --growth) growth=$2 pass+=("$1" "$2") ;;
        *) pass+=("$1" "$2") ;;
        esac
        shift 2
        ;;
    --quern-only) peers=''; shift ;;
    --pipe) pipe=1; shift ;;
    --reuse | --shuffled | --parquet | --cold | --no-fresh | --scaling) pass+=("$1"); shift ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
done

for needed in create.sql queries.sql check.py; do
    [ -f "$shared/$needed" ] || {
        echo "bench-clickbench: no $shared/$needed; set QUERN_SHARED to the folder that holds clickbench/$needed" >&2
        exit 2
    }
done
scripts/setup.sh
[[ ,$peers, != *,duckdb,* ]] || scripts/bench-setup.sh
if [[ ,$peers, == *,clickhouse,* ]] && ! scripts/bench-setup.sh clickhouse; then
    echo "clickhouse	left out: its package does not install here"
    peers=${peers/clickhouse/}
fi
scripts/build.sh
ninja -C build --quiet bench/bench_client bench/bench_bandwidth

folder=build/bench-data
mkdir -p $folder
if [ -n "$growth" ]; then
    pipe=1
elif [ -z "$file" ]; then
    file=$folder/hits-$rows.tsv
    [ "$rows" -lt 20000000 ] || [ -f "$file" ] || pipe=1
    [ -f "$file" ] || [ -n "$pipe" ] || { build/quern gen hits --rows "$rows" >"$file.part" && mv "$file.part" "$file"; }
elif [[ $file == *.gz ]]; then
    plain=$folder/$(basename "$file" .gz)
    gzip -dc "$file" >"$plain"
    file=$plain
fi
[ -n "$pipe" ] || pass+=(--file "$file")
exec python3 bench/compare.py --shared "$shared" --folder $folder --rows "$rows" --threads "$threads" --peers "$peers" \
    ${pass[@]+"${pass[@]}"}
