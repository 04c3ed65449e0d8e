#!/usr/bin/env bash
# Measure the 43 ClickBench queries on quern and DuckDB: load, size, memory, times, answers.
#
# usage: scripts/bench-clickbench.sh [OPTION]...
#   --rows N          rows made by `quern gen hits` (default 1000000)
#   --file FILE       rows of your own instead, PostgreSQL COPY text, plain or .gz
#   --threads T       threads of both engines (default: all cores)
#   --queries LIST    only these, such as 3,17,43
#   --runs N          hot runs per query (default 3)
#   --quern-only      without DuckDB
#   --reuse           keep databases loaded by an earlier run over the same rows
#
# The table and the queries are ClickBench's and not part of this repository: QUERN_SHARED (default ../shared)
# names the folder with clickbench/create.sql, queries.sql and check.py.  Everything made lies in build/bench-data.
# Output is tab-separated; the last line names a file with the results alone.
set -euo pipefail
cd "$(dirname "$0")/.."
shared=${QUERN_SHARED:-../shared}/clickbench

rows=1000000 file='' threads=$(nproc) pass=() peer=1
while [ $# -gt 0 ]; do
    case $1 in
    --rows | --file | --threads | --queries | --runs)
        [ $# -ge 2 ] || { echo "bench-clickbench: $1 wants a value" >&2; exit 2; }
        case $1 in
        --rows) rows=$2 ;;
        --file) file=$2 ;;
        --threads) threads=$2 ;;
        *) pass+=("$1" "$2") ;;
        esac
        shift 2
        ;;
    --quern-only) peer=0 pass+=("$1"); shift ;;
    --reuse) pass+=("$1"); shift ;;
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
[ $peer -eq 0 ] || scripts/bench-setup.sh
scripts/build.sh
ninja -C build --quiet bench/bench_client

folder=build/bench-data
mkdir -p $folder
if [ -z "$file" ]; then
    file=$folder/hits-$rows.tsv
    [ -f "$file" ] || { build/quern gen hits --rows "$rows" >"$file.part" && mv "$file.part" "$file"; }
elif [[ $file == *.gz ]]; then
    plain=$folder/$(basename "$file" .gz)
    gzip -dc "$file" >"$plain"
    file=$plain
fi
exec python3 bench/compare.py --shared "$shared" --folder $folder --file "$file" --threads "$threads" ${pass[@]+"${pass[@]}"}
