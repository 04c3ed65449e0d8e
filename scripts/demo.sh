#!/usr/bin/env bash
# A tour in a few minutes: build quern, make a million rows of page views, load them, ask a dozen questions, and look
# at one question's bytecode.  The database stays in build/demo, to go on from there.
#
# usage: scripts/demo.sh [ROWS]
set -euo pipefail
cd "$(dirname "$0")/.."
rows=${1:-1000000}
folder=build/demo
database=$folder/hits.qn
data=$folder/hits-$rows.tsv

say() { printf '\n== %s\n' "$*"; }
quern() { build/quern $database --threads "$(nproc)" "$@"; }

say "build"
scripts/setup.sh
scripts/build.sh
build/quern version

say "make $rows rows, 105 columns each: quern gen hits --rows $rows"
mkdir -p $folder
rm -rf $database
if [ ! -f "$data" ]; then
    build/quern gen hits --rows "$rows" >"$data.part"
    mv "$data.part" "$data"
fi
ls -lh "$data" | awk '{ print $5 " of text in " $9 }'

say "load them: quern $database -f bench/hits.sql -c \"COPY hits FROM '$data'\" --timing"
quern -f bench/hits.sql -c "COPY hits FROM '$PWD/$data'" --timing
du -sh $database | awk '{ print $1 " on disk in " $2 }'

number=0
while IFS= read -r sql; do
    case $sql in '' | --*) continue ;; esac
    number=$((number + 1))
    say "question $number"
    printf '%s\n\n' "$sql"
    quern --timing -c "$sql"
done <bench/hits_queries.sql

say "what a question becomes: EXPLAIN (STAGE bytecode)"
sql="SELECT RegionID, count(*) AS views FROM hits WHERE SearchPhrase <> '' GROUP BY RegionID ORDER BY views DESC LIMIT 10"
printf '%s\n\n' "$sql"
quern -A -t -c "EXPLAIN (STAGE bytecode) $sql"

say "done in ${SECONDS} s; the database stays: build/quern $database"
