#!/usr/bin/env bash
# Files in FROM and COPY from standard input, beside DuckDB where scripts/bench-setup.sh installed it: milliseconds of CPU,
# least of several runs that alternate.  quern's include its start-up (about 5 ms), DuckDB's do not.
#
# usage: scripts/bench-files.sh [ROWS [FILE.parquet]]     FILE.parquet: columns of hits; its queries are left out without
set -euo pipefail
cd "$(dirname "$0")/.."
rows=${1:-500000} parquet=${2:-} runs=${QUERN_RUNS:-3} quern=$PWD/build/quern
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$quern" gen hits --rows "$rows" >"$folder/h.tsv"

cpu() { perf stat -x, -e task-clock "$@" 2>&1 >/dev/null | sed -n 's/^\([0-9.]*\),.*task-clock.*/\1/p'; }
least() { sort -g | head -n 1; }

compare() { # LABEL OURS THEIRS
    : >"$folder/ours"
    : >"$folder/theirs"
    for _ in $(seq "$runs"); do
        cpu "$quern" -At --threads 2 -c "$2" >>"$folder/ours"
        if [ -d bench/node_modules ]; then (cd bench/peers && node duckdb-cpu.mjs 2 "$3") >>"$folder/theirs"; fi
    done
    printf '| %s | %s | %s |\n' "$1" "$(least <"$folder/ours")" "$(least <"$folder/theirs")"
}

printf '| | quern | DuckDB |\n|---|---|---|\n'
f="read_csv('$folder/h.tsv')"
compare "CSV: count(*)" "SELECT count(*) FROM $f" "SELECT count(*) FROM $f"
compare "CSV: four columns of 105" "SELECT count(*), sum(column22), count(DISTINCT column10), max(column3) FROM $f" \
    "SELECT count(*), sum(column021), count(DISTINCT column009), max(column002) FROM $f"
compare "CSV: GROUP BY search phrase" "SELECT column40, count(*) FROM $f GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1" \
    "SELECT column039, count(*) FROM $f GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"
if [ -n "$parquet" ]; then
    f="read_parquet('$(realpath "$parquet")')"
    for q in "SELECT \"RegionID\", count(*) FROM $f GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3" \
        "SELECT \"SearchPhrase\", count(*) FROM $f GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3" \
        "SELECT count(*) FROM $f WHERE \"URL\" LIKE '%google%'" "SELECT min(\"URL\"), max(\"Title\") FROM $f" \
        "SELECT \"RegionID\", count(DISTINCT \"UserID\") FROM $f GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3"; do
        compare "Parquet: $(sed "s/ FROM read_parquet([^)]*)//" <<<"$q")" "$q" "$q"
    done
fi

printf '\n| COPY hits | CPU ms |\n|---|---|\n'
table=$(sed -n '/CREATE TABLE/,/;/p' bench/hits.sql)
for way in file pipe; do
    for _ in $(seq "$runs"); do
        rm -rf "$folder/db"
        "$quern" -q "$folder/db" -c "$table"
        if [ $way = file ]; then
            cpu "$quern" "$folder/db" -c "COPY hits FROM '$folder/h.tsv'"
        else
            cpu sh -c "cat '$folder/h.tsv' | '$quern' '$folder/db' -c 'COPY hits FROM STDIN'"
        fi
    done | least | sed "s/.*/| $way | & |/"
done
