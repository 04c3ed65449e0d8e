# The shell: scripts whose output and errors psql gave, then what scripts rely on (docs/shell.md).
quern=build/quern
[ -x "$quern" ] || { echo "SKIP shell (no build/quern)"; exit 0; }
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

# check NAME STATUS EXPECTED COMMAND...: exit status and standard output must be these.
check() {
    local name=$1 status=$2 expected=$3 got rc
    shift 3
    got=$("$@" 2>"$folder/err" </dev/null; echo "$?")
    rc=${got##*$'\n'}
    got=${got%"$rc"}
    if [ "$rc" = "$status" ] && [ "${got%$'\n'}" = "$expected" ]; then
        echo "PASS shell $name"
    else
        echo "FAIL shell $name (status $rc)"
        printf '%s\n' "$got" | sed 's/^/    /'
        sed 's/^/    /' "$folder/err"
    fi
}

for script in tests/shell/*.sql; do
    base=${script%.sql}
    "$quern" -v ON_ERROR_STOP=off -f "$script" >"$folder/out" 2>"$folder/err" </dev/null
    if diff -u "$base.out" "$folder/out" && diff -u "$base.err" "$folder/err"; then
        echo "PASS shell $(basename "$base")"
    else
        echo "FAIL shell $(basename "$base")"
    fi
done

check "rows only" 0 "1|x" "$quern" -A -t -c "SELECT 1, 'x'"
check "options behind the directory" 0 "a
1" "$quern" "$folder/db" --csv -c "SELECT 1 AS a"
check "the directory persists" 0 "CREATE TABLE
COPY 2" "$quern" "$folder/db" -c "CREATE TABLE t(a int)" -c "COPY t FROM '$PWD/tests/shell/numbers.txt'"
check "quiet" 0 "" "$quern" -q "$folder/db" -c "CREATE TABLE u(a int)"
check "read back" 0 "30" "$quern" -At "$folder/db" --read-only -c "SELECT sum(a) FROM t"
check "read only" 1 "" "$quern" -At "$folder/db" --read-only -c "CREATE TABLE v(a int)"
check "SQL error" 1 "1" "$quern" -At -c "SELECT 1" -c "SELECT nope" -c "SELECT 2"
check "usage" 2 "" "$quern" --no-such-option
check "not a database" 3 "" "$quern" tests/shell --read-only -c "SELECT 1"
check "output file that cannot be written" 3 "" "$quern" -o /dev/full -c "SELECT 1"
check "SELECT INTO" 0 "SELECT 1
7" "$quern" -At "$folder/db" -c "SELECT 7 AS a INTO made" -c "SELECT a FROM made"
check "SELECT without columns" 0 "" "$quern" -At -c "SELECT"
printf '\xef\xbb\xbfSELECT 1;\r\nSELECT 2;\r\n' >"$folder/bom.sql"
check "byte order mark" 0 "1
2" "$quern" -At -f "$folder/bom.sql"
printf '1\n2\n' >"$folder/part-1.tsv"
printf '3\nx\n' >"$folder/part-2.tsv"
check "COPY of several files" 0 "CREATE TABLE
COPY 4
1,2,3,x" "$quern" -At "$folder/parts" -c "CREATE TABLE p(a text)" -c "COPY p FROM '$folder/part-*.tsv'" \
    -c "SELECT string_agg(a, ',') FROM p"
check "\\copy of several files" 0 "COPY 4
8" "$quern" -At "$folder/parts" -c "\\copy p from '$folder/part-*.tsv'" -c "SELECT count(*) FROM p"
check "COPY of several files, one of them bad" 1 "" "$quern" -q "$folder/parts" -c "CREATE TABLE q(a int)" \
    -c "COPY q FROM '$folder/part-*.tsv'"
if grep -q 'part-2.tsv", line 2, column a' "$folder/err"; then echo "PASS shell COPY names the file"; else echo "FAIL shell COPY names the file"; fi
check "COPY of several files is one statement" 0 "0" "$quern" -At "$folder/parts" -c "SELECT count(*) FROM q"

# Files in FROM: several parts, workers that push each other, and the same answers as from a table.
"$quern" -q -c "COPY (SELECT g AS id, 'text ' || g % 7 || CASE WHEN g % 1000 = 0 THEN E',\n\"' || repeat('x', g % 300000) ELSE '' END AS t,
    g / 7.0 AS n, date '2024-01-01' + g % 400 AS d FROM generate_series(1, 150000) g) TO '$folder/large.csv' WITH (FORMAT csv, HEADER)"
questions=("SELECT count(*), sum(id), sum(n), min(d), max(d), sum(length(t)) FROM f" "SELECT t, count(*) FROM f WHERE length(t) < 9 GROUP BY t ORDER BY t"
    "SELECT id FROM f WHERE d = '2024-03-01' LIMIT 5" "SELECT id, length(t) FROM f LIMIT 3 OFFSET 99998" "SELECT d, count(DISTINCT t) FROM f GROUP BY d ORDER BY 2 DESC, 1 LIMIT 3"
    "SELECT id FROM f ORDER BY n DESC LIMIT 4" "SELECT DISTINCT length(t) FROM f ORDER BY 1 LIMIT 5")
"$quern" -q "$folder/files" -c "CREATE TABLE f(id int, t text, n numeric, d date)" -c "COPY f FROM '$folder/large.csv' WITH (FORMAT csv, HEADER)"
for question in "${questions[@]}"; do
    expected=$("$quern" -At "$folder/files" -c "$question")
    for threads in 1 2 8; do
        check "read_csv, $threads threads: $question" 0 "$expected" "$quern" -At --threads $threads -c "${question/FROM f/FROM read_csv(\'$folder/large.csv\')}"
    done
done
gzip -kc "$folder/large.csv" >"$folder/large.csv.gz"
check "read_csv of gzip" 0 "$("$quern" -At "$folder/files" -c "${questions[0]}")" "$quern" -At -c "${questions[0]/FROM f/FROM read_csv(\'$folder/large.csv.gz\')}"
printf 'a,b\n1,x\n' >"$folder/changes.csv"
check "a prepared statement follows its file" 0 "1|x
7||z" "$quern" -Atq -c "PREPARE p AS SELECT * FROM read_csv('$folder/changes.csv')" -c "EXECUTE p" -c "\\! printf 'a,b,c\n7,,z\n' >'$folder/changes.csv'" -c "EXECUTE p"
printf 'a,b\n1,x\n' >"$folder/changes.csv"
check "a cached statement follows its file" 0 "1|x
x|y" "$quern" -Atq -c "SELECT * FROM read_csv('$folder/changes.csv')" -c "\\! printf 'a,b\nx,y\n1,2\n' >'$folder/changes.csv'" -c "SELECT * FROM read_csv('$folder/changes.csv') LIMIT 1"
check "\\copy from a directory" 1 "" "$quern" "$folder/db" -c "\\copy t FROM '$folder'"
if grep -q 'Is a directory' "$folder/err"; then echo "PASS shell \\copy names the directory"; else echo "FAIL shell \\copy names the directory"; fi
check "\\copy a Parquet file" 0 "CREATE TABLE
COPY 1
1|end" "$quern" -At -c "CREATE TABLE n(a int, z text)" -c "\\copy n (a, z) FROM 'tests/data/parquet/nested.parquet'" -c "TABLE n"
check "\\copy writes no Parquet" 1 "CREATE TABLE" "$quern" -At -c "CREATE TABLE n(a int)" -c "\\copy n TO '$folder/no.parquet'"
if [ -e "$folder/no.parquet" ]; then echo "FAIL shell \\copy leaves no file"; else echo "PASS shell \\copy leaves no file"; fi
printf '"' >"$folder/open.csv"
check "errors of a CSV head" 1 "" "$quern" -c "SELECT * FROM read_csv('$folder/open.csv')"
if grep -q 'DETAIL:  file "' "$folder/err"; then echo "PASS shell errors of a CSV head name the file"; else echo "FAIL shell errors of a CSV head name the file"; fi
{ printf 'a,b\n1,'; head -c 30000000 /dev/zero | tr '\0' x; echo; } >"$folder/long.csv"
check "memory that ran out while planning" 1 "" "$quern" --memory-limit 8MB -c "SELECT count(b) FROM read_csv('$folder/long.csv')"
if grep -q 'HINT:  Raise it with SET' "$folder/err"; then echo "PASS shell memory that ran out has a hint"; else echo "FAIL shell memory that ran out has a hint"; fi
check "a memory limit that is too small" 1 "" "$quern" --memory-limit 3B -c "SELECT 1"
if grep -q 'The memory limit is 3 bytes' "$folder/err"; then echo "PASS shell a memory limit that is too small is named"; else echo "FAIL shell a memory limit that is too small is named"; fi
check "json" 0 '[{"a":1,"b":"x","c":null,"d":true}]' "$quern" --json -c "SELECT 1 AS a, 'x' AS b, null AS c, true AS d"
check "jsonl" 0 '{"a":1}' "$quern" --jsonl -c "SELECT 1 AS a"
check "tsv" 0 "a	b
x\\ty	\\N" "$quern" --tsv -c "SELECT E'x\\ty' AS a, null AS b"
check "markdown" 0 "| a |
|---:|
| 1 |" "$quern" --markdown -c "SELECT 1 AS a"

# A statement runs as soon as its semicolon has arrived, line break or not.
answer=$({ printf 'SELECT 7;'; sleep 2; } | { "$quern" -At | { read -r -t 1 line; echo "$line"; cat >/dev/null; }; })
if [ "$answer" = 7 ]; then echo "PASS shell answers at once"; else echo "FAIL shell answers at once"; fi
# A reader that has enough ends the shell quietly.
if [ "$("$quern" -At -c "SELECT g FROM generate_series(1, 300000) g" 2>&1 | head -n 1)" = 1 ]; then
    echo "PASS shell closed pipe"
else
    echo "FAIL shell closed pipe"
fi

# A terminal: characters beyond ASCII arrive whatever the locale; help and quit are words for the shell.
if command -v script >/dev/null && command -v timeout >/dev/null; then
    said=$({ sleep 1; printf "help\nSELECT 'Ä€' || 'x' AS a;\nSELECT 1\nquit\n;\nquit\n"; sleep 2; } |
        HOME=$folder LC_ALL=C TERM=xterm timeout 20 script -qec "$quern" /dev/null 2>/dev/null)
    if grep -q "^ Ä€x" <<<"$said"; then echo "PASS shell typed UTF-8"; else echo "FAIL shell typed UTF-8"; fi
    if grep -q '\\q to quit;' <<<"$said" && grep -q 'Use .q to quit' <<<"$said"; then
        echo "PASS shell help and quit"
    else
        echo "FAIL shell help and quit"
    fi
else
    echo "SKIP shell on a terminal (no script)"
fi
