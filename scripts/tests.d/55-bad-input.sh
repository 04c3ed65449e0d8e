# Bad input and hostile statements: each is refused with words that help, or answered; nothing crashes, hangs or
# takes memory without limit.  Runs on the sanitized build where that is quick enough, else on the release build.
quern=build/quern
[ -x "$quern" ] || { echo "SKIP bad input (no $quern)"; exit 0; }
checked=build-asan/quern
[ -x "$checked" ] || checked=$quern
work=$(mktemp -d) || exit 1
mounted=
trap '[ -z "$mounted" ] || umount "$mounted"; rm -rf "$work"' EXIT
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0

# says NAME STATUS REGEX COMMAND...: exit status, and what it prints (both streams) must match.
says() {
    local name=$1 status=$2 regex=$3 rc
    shift 3
    timeout 120 "$@" >"$work/said" 2>&1 </dev/null
    rc=$?
    if [ $rc = "$status" ] && tr '\n' ' ' <"$work/said" | head -c 20000 | grep -qaE -- "$regex"; then
        echo "PASS bad input: $name"
    else
        echo "FAIL bad input: $name (status $rc, expected $status and /$regex/)"
        head -c 600 "$work/said" | sed 's/^/    /'
    fi
}

sql=("$checked" "$work/db" -At)
# load NAME REGEX OPTIONS: the file $work/in, whose bytes come from standard input, is refused with REGEX.
load() {
    local name=$1 regex=$2 options=${3:-}
    cat >"$work/in"
    says "$name" 1 "$regex" "$checked" "$work/db" -c "COPY t FROM '$work/in' $options"
}

"${sql[@]}" -q -c "CREATE TABLE t (a integer, b text, c numeric(6,2))" -c "INSERT INTO t VALUES (1, 'one', 1.00)" -c "CREATE TABLE e (x integer, y text)" || exit 1

# ---- files ---------------------------------------------------------------------------------------
says "missing file" 3 'could not open file "/nowhere/x.tsv" for reading: No such file or directory' "$checked" "$work/db" -c "COPY t FROM '/nowhere/x.tsv'"
says "directory as file" 1 "\"$work\" is a directory" "$checked" "$work/db" -c "COPY t FROM '$work'"
says "file as directory of COPY TO" 3 "Not a directory" "$checked" "$work/db" -c "COPY t TO '$work/db/MANIFEST/x'"
says "file as database" 3 "is not a quern database" "$checked" "$work/db/MANIFEST" -c "SELECT 1"
says "somebody's directory as database" 3 "is not a quern database" "$checked" /etc -c "SELECT 1"
says "empty directory read-only" 3 "is not a quern database" "$checked" "$(mktemp -d -p "$work")" --read-only -c "SELECT 1"
printf '1\ta\t1\n2\tb\n3\tc\t3\n' | load "too few columns" 'missing data for column "c".*line 2'
printf '1\ta\t1\n2\tb\t1\textra\n' | load "too many columns" 'extra data after last expected column.*line 2'
printf '1\ta\t1\nx2\tb\t1\n' | load "bad number" 'invalid input syntax for type integer: "x2".*line 2, column a'
printf '1\ta\t1\n99999999999\tb\t1\n' | load "number out of range" 'out of range for type integer.*line 2, column a'
printf '1\ta\t1\n2\tb\t12345678.9\n' | load "numeric field overflow" 'numeric field overflow.*line 2, column c'
printf '1\ta\t1\n2\t\xff\xfe\t1\n' | load "invalid UTF-8" 'invalid byte sequence for encoding "UTF8": 0xff.*line 2'
printf '1\ta\0b\t1\n' | load "NUL byte" 'invalid byte sequence for encoding "UTF8": 0x00.*line 1'
printf '1,"a,1\n2,b,1\n' | load "unterminated quote" 'unterminated CSV quoted field' "WITH (FORMAT csv)"
printf '1\ta\t1\r\n2\tb\t1\n' | load "mixed line ends" 'literal newline found in data|literal carriage return found in data'
printf 'x,b,c\n' | load "header that does not match" 'column name mismatch in header line' "WITH (FORMAT csv, HEADER MATCH)"
for i in $(seq 2000); do printf '%d\t%d\t1\n' "$i" $((i * 7919)); done >"$work/rows"
gzip -c "$work/rows" | head -c 3000 >"$work/cut.gz"
says "gzip cut short" 1 'unexpected end of gzip data in file ".*/cut.gz".*line'  "$checked" "$work/db" -c "COPY t FROM '$work/cut.gz'"
if command -v zstd >/dev/null; then
    zstd -qc "$work/rows" | head -c 3000 >"$work/cut.zst"
    says "zstd cut short" 1 'unexpected end of zstd data in file ".*/cut.zst"'  "$checked" "$work/db" -c "COPY t FROM '$work/cut.zst'"
else
    echo "SKIP bad input: zstd cut short (no zstd)"
fi
says "gzip that is none" 1 'invalid gzip data in file ".*/none.gz"'  "$checked" "$work/db" -c "COPY t FROM '$(cp "$work/rows" "$work/none.gz" && echo "$work/none.gz")'"
: >"$work/in"
says "no rows to COPY" 0 "COPY 0" "$checked" "$work/db" -c "COPY t FROM '$work/in'"
says "all of it undone" 0 '^1\|1\.00 $' "${sql[@]}" -c "SELECT count(*), sum(c) FROM t"
says "empty table" 0 '^0\|\|\| $' "${sql[@]}" -c "SELECT count(*), sum(x), min(y), avg(x) FROM e"
says "empty table, groups" 0 "^0 $" "${sql[@]}" -c "SELECT count(*) FROM (SELECT y, count(*) FROM e GROUP BY y) s"

# ---- two processes, full disks, limits -------------------------------------------------------------
mkfifo "$work/pipe" "$work/ready"
"$checked" "$work/db" -At <"$work/pipe" >"$work/ready" &
holder=$!
disown $holder # its end is not worth a line
exec 8>"$work/pipe" 9<"$work/ready"
echo "SELECT 'open';" >&8
read -r <&9 # it answers: the database is open
says "two writers" 3 "is in use by another process" "$checked" "$work/db" -c "SELECT 1"
says "reader beside a writer" 3 "is in use by another process" "$checked" "$work/db" --read-only -c "SELECT 1"
kill -9 $holder
while kill -0 $holder 2>/dev/null; do sleep 0.05; done
exec 8>&- 9<&-
says "a killed process leaves no lock" 0 "^1 $" "${sql[@]}" -c "SELECT count(*) FROM t"
says "read-only" 1 "is open read-only" "$checked" "$work/db" --read-only -c "CREATE TABLE nope (a integer)"

"$quern" -q -c "COPY (SELECT g, md5(g::text), g % 1000 FROM generate_series(1, 300000) g) TO '$work/large.tsv'"
mkdir "$work/small"
if mount -t tmpfs -o size=3m none "$work/small" 2>/dev/null; then
    mounted=$work/small
    "$quern" -q "$work/small/db" -c "CREATE TABLE t (a integer, b text, c numeric(6,2))" -c "INSERT INTO t VALUES (1, 'one', 1)"
    says "full disk" 3 "No space left on device|disk full" "$quern" "$work/small/db" -c "COPY t FROM '$work/large.tsv'"
    says "full disk: nothing is left of it" 0 "^1 $" "$quern" "$work/small/db" -At -c "SELECT count(*) FROM t"
    says "full disk: other rows fit" 0 "INSERT 0 1" "$quern" "$work/small/db" -c "INSERT INTO t VALUES (2, 'two', 2)"
    [ "$(find "$work/small/db/blocks" -type f | wc -l)" = 2 ] && echo "PASS bad input: full disk, no leftovers" || echo "FAIL bad input: full disk, no leftovers"
else
    echo "SKIP bad input: full disk (cannot mount a small tmpfs)"
fi
says "file size limit" 3 "File too large|No space left" bash -c "ulimit -f 1000; trap '' XFSZ; exec '$quern' '$work/db' -c \"COPY t FROM '$work/large.tsv'\""
says "file size limit: undone" 0 "^1 $" "${sql[@]}" -c "SELECT count(*) FROM t"

# ---- statements ------------------------------------------------------------------------------------
gen() { python3 -c "import sys; sys.stdout.write($1)" >"$work/$2.sql"; }
file() { says "$1" "$2" "$3" "${5:-$checked}" "$work/db" -At -f "$work/$4.sql"; }
gen "'SELECT ' + '+'.join(['1'] * 100000) + ';'" terms
file "100,000 terms" 1 "nested too deeply" terms
gen "'SELECT ' + '(' * 5000 + '1' + ')' * 5000 + ';'" parens
file "5,000 parentheses" 0 "^1 $" parens
gen "'SELECT ' + '(' * 10000 + '1' + ')' * 10000 + ';'" parens1
file "10,000 parentheses" 1 "nested too deeply" parens1
gen "'SELECT ' + '(' * 1000000 + '1' + ')' * 1000000 + ';'" parens2
file "a million parentheses" 1 "nested too deeply" parens2
gen "'SELECT 1 AS \"' + 'x' * 1000000 + '\";'" ident
file "1 MB identifier" 0 "^1 $" ident
gen "'SELECT ' + 'x' * 1000000 + ' FROM t;'" ident2
file "1 MB unknown column" 1 'column "x{20,}' ident2
gen "'SELECT count(*) FROM generate_series(1, 100) g WHERE g IN (' + ','.join(map(str, range(2, 200002, 2))) + ');'" in
file "100,000 in an IN list" 0 "^50 $" in
gen "'SELECT count(*) FROM t WHERE b IN (' + ','.join(\"'v%d'\" % i for i in range(100000)) + \", 'one');\"" in2
file "100,000 texts in an IN list" 0 "^1 $" in2
says "repeat beyond all limits" 1 "requested length too large" "${sql[@]}" -c "SELECT length(repeat('x', 2147483647))"
says "a repeat count that is no integer" 1 "does not exist|out of range" "${sql[@]}" -c "SELECT repeat('x', 1099511627776)"
says "gigabytes by doubling" 1 "requested length too large|out of memory" "${sql[@]}" -c "SET quern.memory_limit = '300MB'" -c "SELECT length(repeat(repeat('x', 1000000), 1000))"
says "a long series with LIMIT" 0 "^1 2 3 $" "${sql[@]}" -c "SELECT g FROM generate_series(1, 4611686018427387904) g LIMIT 3"
says "a long series, cancelled" 130 "canceling statement due to user request" timeout --preserve-status -s INT 2 "$quern" -c "SELECT count(*) FROM generate_series(1, 4611686018427387904) g"
says "a long series, sorted on little disk" 1 "temporary file size exceeds quern.temp_limit" "$quern" -c "SET quern.memory_limit = '100MB'" -c "SET quern.temp_limit = '200MB'" -c "SELECT g FROM generate_series(1, 4611686018427387904) g ORDER BY g DESC"
gen "'SELECT ' + 'CASE WHEN true THEN ' * 1000 + '1' + ' END' * 1000 + ';'" case
file "1,000 nested CASEs" 0 "^1 $" case
gen "'SELECT ' + 'CASE WHEN true THEN ' * 200000 + '1' + ' END' * 200000 + ';'" case2
file "200,000 nested CASEs" 1 "nested too deeply" case2
gen "'SELECT ' + 'abs(' * 50000 + '1' + ')' * 50000 + ';'" calls
file "50,000 nested calls" 1 "nested too deeply" calls
gen "'SELECT ' + 'NOT ' * 100000 + 'true;'" nots
file "100,000 NOTs" 1 "nested too deeply" nots
gen "'SELECT * FROM ' + '(SELECT * FROM ' * 3000 + 't' + ') s' * 3000 + ';'" subs
file "3,000 nested subqueries" 1 "nested too deeply" subs
gen "'SELECT a, b FROM ' + '(SELECT a + b AS a, a - b AS b FROM ' * 60 + '(SELECT 0::numeric AS a, 1::numeric AS b) s' + ') s' * 60 + ';'" doubling
file "60 subqueries, each read twice" 0 "^0\\|1073741824 $" doubling
gen "'CREATE TABLE w (' + ','.join('c%d integer' % i for i in range(1600)) + '); INSERT INTO w VALUES (' + ','.join(map(str, range(1600))) + '); SELECT c0, c1599 FROM w; SELECT * FROM w; DROP TABLE w;'" wide
file "1600 columns" 0 "CREATE TABLE.*INSERT 0 1.*0\|1599 0\|1\|2.*DROP TABLE" wide
gen "'CREATE TABLE w (' + ','.join('c%d integer' % i for i in range(1601)) + ');'" wide2
file "1601 columns" 1 "tables can have at most 1600 columns" wide2
gen "'SELECT ' + ','.join(['1'] * 1700) + ';'" targets
file "1700 columns of a result" 1 "target lists can have at most 1664 entries" targets
gen "'SELECT length(\'' + 'x' * 100000000 + '\');'" long
file "a literal of 100 MB" 0 "^100000000 $" long "$quern"
gen "'INSERT INTO e VALUES (1, \'' + 'y' * 20000000 + '\'); SELECT length(y), md5(y) FROM e; '" huge
file "a value of 20 MB" 0 "20000000\|$(head -c 20000000 /dev/zero | tr '\0' y | md5sum | cut -d' ' -f1)" huge "$quern"
says "the value of 20 MB, read again" 0 "^20000000 $" "$quern" -At "$work/db" -c "SELECT max(length(y)) FROM e"
gen "'SELECT \'' + 'x' * 1000" unfinished
file "an unfinished literal" 1 "unterminated quoted string" unfinished
printf 'SELECT 1\0 + 2;' >"$work/nul.sql"
says "a NUL in a script" 1 "." "$checked" -f "$work/nul.sql"
printf 'SELECT \x27\xff\xfe\x27;' >"$work/utf8.sql"
says "invalid UTF-8 in a script" 1 "invalid byte sequence" "$checked" -f "$work/utf8.sql"
head -c 100000 /dev/urandom >"$work/noise.sql"
says "noise as a script" 1 "." "$checked" -f "$work/noise.sql"
says "numbers without end" 1 "overflow|out of range|too large" "${sql[@]}" -c "SELECT 1e200000::numeric"
says "powers without end" 1 "overflow|out of range" "${sql[@]}" -c "SELECT 10::numeric ^ 1000000000"
says "a regular expression that explodes" 0 "^f $" "${sql[@]}" -c "SELECT repeat('a', 40) || 'b' ~ '^(a+)+\$'"
says "an interval without end" 1 "out of range" "${sql[@]}" -c "SELECT '1 day'::interval * 1e18"
