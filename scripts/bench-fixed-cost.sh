#!/usr/bin/env bash
# Measure what a statement costs before it touches data, and what dispatch costs while it does.
#
# usage: scripts/bench-fixed-cost.sh [QUERIES]
#
# QUERIES holds one statement a line over the table of bench/hits.sql; by default ClickBench's, at
# $QUERN_SHARED/clickbench/queries.sql (default ../shared), or bench/hits_queries.sql where those are absent.
# Rows (a million, from `quern gen hits`) and database lie in build/bench-data and are kept.
set -euo pipefail
cd "$(dirname "$0")/.."
queries=${1:-${QUERN_SHARED:-../shared}/clickbench/queries.sql}
[ -f "$queries" ] || queries=bench/hits_queries.sql

scripts/setup.sh
scripts/build.sh
ninja -C build --quiet bench/bench_dispatch bench/bench_fixed_cost

folder=build/bench-data
mkdir -p $folder
rows=$folder/hits-1000000.tsv database=$folder/fixed-cost.quern
if [ ! -f $rows ]; then
    build/quern gen hits --rows 1000000 >$rows.part
    mv $rows.part $rows
fi
rm -rf $database
build/quern -q $database -f bench/hits.sql -c "COPY hits FROM '$PWD/$rows'"
echo "== fixed costs: $queries"
build/bench/bench_fixed_cost $database "$queries"
echo "== dispatch"
build/bench/bench_dispatch $database "$queries"
