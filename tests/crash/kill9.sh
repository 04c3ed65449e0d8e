#!/usr/bin/env bash
# Kill -9 the shell at random moments of a COPY; the database must then open at once and show the old rows or the
# new ones, without orphan block files or temporaries.
#
#   tests/crash/kill9.sh QUERN [KILLS [SEED]]
set -uo pipefail
quern=${1:?} kills=${2:-20} seed=${3:-$RANDOM}
RANDOM=$seed
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
db=$work/db rows=400000

"$quern" -q -c "COPY (SELECT g, g % 1000, 'http://example.org/' || g % 5000, repeat('x', g % 30) FROM generate_series(1, $rows) g)
    TO '$work/rows.tsv'" || exit 1
"$quern" -q "$db" -c "CREATE TABLE t (a integer, b integer, c text, d text)" -c "COPY t FROM '$work/rows.tsv'" || exit 1
tables=1 failed=0 killed=0

# How long an undisturbed COPY takes, in milliseconds: the kills are spread over it.
begin=$(date +%s%N)
"$quern" -q "$db" -c "COPY t FROM '$work/rows.tsv'" || exit 1
span=$((($(date +%s%N) - begin) / 1000000 + 20))
tables=2

for ((i = 0; i < kills; i++)); do
    delay=$((RANDOM % span))
    "$quern" -q "$db" -c "COPY t FROM '$work/rows.tsv'" >"$work/out" 2>&1 &
    pid=$!
    sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ $? -eq 137 ] && killed=$((killed + 1))
    answer=$("$quern" -At "$db" -c "SELECT count(*), sum(a), count(DISTINCT c), max(length(d)) FROM t" 2>&1)
    case $answer in
    "$((tables * rows))|$((tables * rows * (rows + 1) / 2))|5000|29") ;;
    "$(((tables + 1) * rows))|$(((tables + 1) * rows * (rows + 1) / 2))|5000|29") tables=$((tables + 1)) ;;
    *)
        echo "FAIL kill -9: kill $i after $delay ms (seed $seed): $answer"
        failed=1
        break
        ;;
    esac
    files=$(find "$db/blocks" -name '*.qnb' | wc -l)
    blocks=$("$quern" -At "$db" -c "SELECT count(DISTINCT block) FROM quern_inspect('t')")
    if [ "$files" != "$blocks" ] || [ -n "$(find "$db" -name '*.tmp*')" ]; then
        echo "FAIL kill -9: kill $i after $delay ms (seed $seed): $files block files for $blocks blocks"
        failed=1
        break
    fi
done
[ $failed -eq 0 ] && echo "PASS kill -9 during COPY ($killed of $kills came in time, seed $seed)"
exit $failed
