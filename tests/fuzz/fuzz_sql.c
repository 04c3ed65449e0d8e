/* Fuzz target: SQL text, from the tokens to the last row.
 *
 * The input is run, statement by statement, on a small database that lives in memory together with the files
 * COPY may name; the account of memory is small, and a statement that runs for long is stopped.  Checked besides "no
 * crash, no leak": an error has an SQLSTATE and a message and is not an internal one; a query answers the same
 * without the optimizer, instruction by instruction under the validating dispatch table.
 *
 * Built with -fsanitize=fuzzer the engine calls LLVMFuzzerTestOneInput; with -DQN_FUZZ_MAIN the program runs the
 * files named on its command line, or, given `--random N [SEED]`, N texts made of pieces of its own seeds. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_test.h"
#include "base/assert.h"
#include "base/hash.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const setup[] = {
    "CREATE TABLE t (a integer, b text, c bigint, d date, e double precision, n numeric(12,2), g boolean, s smallint, "
    "iv interval, ts timestamp, r real, v varchar(10), ch char(4))",
    "INSERT INTO t SELECT i % 100, CASE WHEN i % 11 = 0 THEN NULL ELSE 'text number ' || i % 50 END, i * 1000003::bigint, "
    "date '2020-01-01' + i % 30, i / 8.0, i / 4.0, i % 3 = 0, (i % 7)::smallint, i % 5 * interval '1 hour', "
    "timestamp '2021-03-04 05:06:07' + i * interval '1 day', i / 3.0, i % 20, 'c' || i % 3 FROM generate_series(1, 1500) AS x(i)",
    "CREATE TABLE u (k text, v integer)",
    "INSERT INTO u SELECT 'unique ' || i, i FROM generate_series(1, 1200) AS x(i)",
    "CREATE TABLE nothing (x integer)",
};

static qn_vfs        *files;
static qn_mem         files_memory, memory;
static uint64_t       now_ns = UINT64_C(1600000000000000000);
static qn_database   *db;
static qn_connection *conn;
static int            ticks;

static void must(qn_status st, const qn_error *err)
{
    if (st == QN_OK)
        return;
    fprintf(stderr, "%s\n", err->message);
    abort();
}

static bool tick(void *arg, double fraction, const char *phase)
{
    (void)arg;
    (void)fraction;
    (void)phase;
    now_ns += 200000000; /* the next look is due at once: progress counts, not time */
    return ++ticks < 64;
}

static ptrdiff_t no_input(void *arg, void *buffer, size_t bytes)
{
    (void)arg;
    (void)buffer;
    (void)bytes;
    return 0;
}

static bool swallow(void *arg, const void *data, size_t bytes)
{
    (void)arg;
    (void)data;
    (void)bytes;
    return true;
}

static void connect_to(void)
{
    qn_error err = {0};
    must(qn_connect(db, &conn, &err), &err);
    qn_set_progress(conn, tick, NULL);
    qn_set_copy(conn, no_input, swallow, NULL);
}

static void close_all(void)
{
    qn_disconnect(conn);
    qn_close(db);
    conn = NULL;
    db = NULL;
    QN_CHECK(atomic_load(&memory.used_bytes) == 0);
    qn_vfs_memory_free(files);
    files = NULL;
}

static void open_all(void)
{
    qn_error err = {0};
    qn_mem_init(&files_memory, NULL, (uint64_t)256 << 20);
    qn_mem_init(&memory, NULL, 0);
    must(qn_vfs_memory_new(&files_memory, &files, &err), &err);
    qn_world world = {.vfs = files, .file_vfs = files, .clock = qn_clock_manual(&now_ns), .memory = &memory};
    must(qn_open_in(&world, "db", &(qn_options){.threads = 1, .memory_limit_bytes = (uint64_t)96 << 20}, &db, &err), &err);
    connect_to();
    for (size_t i = 0; i < sizeof setup / sizeof *setup; i++) {
        qn_result *r;
        ticks = 0;
        must(qn_query(conn, setup[i], &r, &err), &err);
        qn_result_free(r);
    }
}

static void check_error(const char *sql, size_t bytes, const qn_error *err)
{
    if (err->message[0] && strlen(err->sqlstate) == 5 && strcmp(err->sqlstate, "XX000") != 0 &&
        strcmp(err->sqlstate, "XX001") != 0)
        return;
    fprintf(stderr, "a bad error, \"%s\" \"%s\", for: %.*s\n", err->sqlstate, err->message, (int)bytes, sql);
    abort();
}

/* What a statement answered: without ORDER BY rows come in any order, so their hashes are summed. */
typedef struct answer {
    bool     query; /* it has columns */
    uint64_t rows, sum;
    qn_buf   text;  /* the first rows, to be shown */
} answer;

static void answer_row(answer *a, size_t from)
{
    a->sum += qn_hash64(a->text.data + from, a->text.bytes - from, 0);
    a->rows++;
    if (from > 4000) {
        a->text.bytes = from;
        a->text.data[from] = 0;
    }
}

static qn_status run(qn_statement *s, answer *a, qn_error *err)
{
    qn_result      *r;
    const qn_chunk *chunk;
    ticks = 0;
    qn_status st = qn_run(s, &r, err);
    if (st != QN_OK)
        return st;
    a->query = qn_result_columns(r) > 0;
    while ((st = qn_result_next(r, &chunk, err)) == QN_OK && chunk) {
        for (uint32_t row = 0; row < qn_chunk_rows(chunk); row++) {
            size_t from = a->text.bytes;
            for (int c = 0; c < qn_result_columns(r); c++) {
                size_t      n;
                const char *value = qn_chunk_text(chunk, c, row, &n);
                qn_buf_add(&a->text, value ? value : "\\N", value ? n : 2);
                qn_buf_add(&a->text, "|", 1);
            }
            if (a->query)
                answer_row(a, from);
        }
    }
    qn_result_free(r);
    return st;
}

static void set(const char *sql)
{
    qn_error   err = {0};
    qn_result *r;
    must(qn_query(conn, sql, &r, &err), &err);
    qn_result_free(r);
}

static bool holds(const char *sql, size_t bytes, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= bytes; i++) {
        size_t k = 0;
        while (k < n && tolower((unsigned char)sql[i + k]) == word[k])
            k++;
        if (k == n)
            return true;
    }
    return false;
}

/* The same statement on the slow and careful path. */
static void compare(const char *sql, size_t bytes, const answer *expected)
{
    /* These may answer differently each time, or tell about the path taken. */
    static const char *const moving[] = {"random", "explain", "show", "pg_settings", "quern", "execute", "set"};
    qn_error                 err = {0};
    qn_statement            *s = NULL;
    answer                   again = {0};
    for (size_t i = 0; i < sizeof moving / sizeof *moving; i++) {
        if (holds(sql, bytes, moving[i]))
            return;
    }
    set("SET quern.optimizer = off; SET quern.dispatch = 'validate'");
    qn_buf_init(&again.text, &files_memory);
    qn_status st = qn_prepare(conn, sql, bytes, NULL, &s, &err);
    if (st == QN_OK)
        st = run(s, &again, &err);
    qn_finalize(s);
    if (st == QN_OK && (again.rows != expected->rows || again.sum != expected->sum)) {
        fprintf(stderr, "two answers to: %.*s\n%.500s\n%.500s\n", (int)bytes, sql,
                expected->text.data ? expected->text.data : "", again.text.data ? again.text.data : "");
        abort();
    }
    if (st != QN_OK)
        check_error(sql, bytes, &err);
    qn_buf_deinit(&again.text);
    set("RESET quern.optimizer; RESET quern.dispatch");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const changing[] = {"create", "insert", "drop", "copy", "into"};
    char       *sql = malloc(size + 1); /* exact, so that reading behind it is noticed */
    const char *at, *tail;
    bool        changed = false;
    if (size > 20000 || !sql) {
        free(sql);
        return 0;
    }
    if (size)
        memcpy(sql, data, size);
    sql[size] = 0;
    if (!db)
        open_all();
    at = sql;
    for (int n = 0; n < 20; n++) {
        qn_error      err = {0};
        qn_statement *s;
        answer        first = {0};
        size_t        left = size - (size_t)(at - sql);
        qn_status     st = qn_prepare(conn, at, left, &tail, &s, &err);
        QN_CHECK(tail >= at && tail <= sql + size);
        if (st != QN_OK) {
            check_error(at, left, &err);
            break;
        }
        if (!s)
            break;
        qn_buf_init(&first.text, &files_memory);
        if (qn_statement_parameters(s) == 0) {
            st = run(s, &first, &err);
            if (st != QN_OK)
                check_error(at, (size_t)(tail - at), &err);
        }
        qn_finalize(s);
        if (st == QN_OK && first.query)
            compare(at, (size_t)(tail - at), &first);
        qn_buf_deinit(&first.text);
        if (tail == at)
            break;
        at = tail;
    }
    for (size_t i = 0; i < sizeof changing / sizeof *changing; i++)
        changed = changed || holds(sql, size, changing[i]);
    free(sql);
    if (changed) { /* every input finds the same database */
        close_all();
    } else {
        qn_disconnect(conn);
        connect_to();
    }
    return 0;
}

#ifdef QN_FUZZ_MAIN
static const char *const seeds[] = {
    "SELECT a, count(*), sum(c), avg(e), min(b), max(d) FROM t WHERE a > 10 AND b LIKE '%number 1%' GROUP BY a ORDER BY 2 DESC, a LIMIT 10",
    "SELECT b, count(DISTINCT a), sum(n) FROM t WHERE a IN (1, 2, 3, 50) GROUP BY b HAVING count(*) > 1 ORDER BY 1",
    "SELECT DISTINCT upper(b) || 'x', a + s, c / 7, n * 2, - r FROM t WHERE length(b) BETWEEN 14 AND 20 ORDER BY c OFFSET 3",
    "SELECT CASE WHEN a + s > 50 THEN b WHEN c % 3 = 0 THEN 'third' ELSE NULL END, coalesce(b, 'none'), greatest(a, s + 10) FROM t",
    "SELECT k, v FROM u WHERE v > 100 AND k ~ '^unique [0-9]+$' OR NOT k ILIKE 'U%' ORDER BY v NULLS FIRST LIMIT 7",
    "SELECT extract(month FROM d), sum(e) FILTER (WHERE a > s), date_trunc('year', ts), d - 3, iv * 2 FROM t GROUP BY 1, 3, 4, 5",
    "SELECT x, x::text, x::numeric(8,1), cast(x AS real), substring('abc' FROM x FOR 2) FROM generate_series(1, 9) AS g(x)",
    "SELECT * FROM (VALUES (1, 'a', 1.5), (2, 'b', 2.5), (3, NULL, NULL)) AS v(i, t, n) WHERE i < 3 OR t IS NULL",
    "WITH w AS (SELECT g, v, ch, count(*) AS x FROM t GROUP BY g, v, ch) SELECT * FROM w WHERE x > 3 AND g IS NOT TRUE",
    "SELECT to_char(ts, 'YYYY-MM-DD'), regexp_replace(b, '\\d', '#', 'g'), round(e::numeric, 2), '1 day'::interval, date '2020-02-30'",
    "CREATE TABLE z AS SELECT a, b FROM t; INSERT INTO z VALUES (1, 'x'); SELECT count(*) FROM z; DROP TABLE z, nothing",
    "COPY t (a, b) TO 'x.csv' WITH (FORMAT csv, HEADER); COPY (SELECT 1) TO STDOUT; PREPARE p AS SELECT $1::int; EXECUTE p (3)",
};

static void run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(1);
    }
    uint8_t *data = malloc(1 << 16);
    size_t   n = fread(data, 1, 1 << 16, f);
    fclose(f);
    LLVMFuzzerTestOneInput(data, n);
    free(data);
}

/* A piece of a seed that begins and ends at the edge of a word. */
static void piece(qn_random *r, char *out, size_t room)
{
    const char *s = seeds[qn_random_below(r, sizeof seeds / sizeof *seeds)];
    size_t      n = strlen(s), from = qn_random_below(r, n), to = from + 1 + qn_random_below(r, qn_random_below(r, 2) ? 12 : 80);
    while (from > 0 && isalnum((unsigned char)s[from - 1]))
        from--;
    while (to < n && isalnum((unsigned char)s[to]))
        to++;
    if (to > n)
        to = n;
    if (to - from < room)
        snprintf(out, room, "%.*s ", (int)(to - from), s + from);
}

/* Seeds with a few pieces of others put in, or cut out. */
static void run_random(uint64_t count, uint64_t seed)
{
    for (uint64_t k = 0; k < count; k++) {
        char      text[2000], part[200] = "";
        qn_random r;
        qn_random_seed(&r, seed + k); /* so that `--random 1 SEED` repeats any one of them */
        size_t n = (size_t)snprintf(text, sizeof text, "%s", seeds[qn_random_below(&r, sizeof seeds / sizeof *seeds)]);
        for (uint64_t edits = 1 + qn_random_below(&r, 3); edits; edits--) {
            size_t at = qn_random_below(&r, n + 1), cut = qn_random_below(&r, 12);
            while (at > 0 && isalnum((unsigned char)text[at - 1]))
                at--;
            cut = cut < n - at ? cut : n - at;
            while (at + cut < n && isalnum((unsigned char)text[at + cut]))
                cut++;
            piece(&r, part, sizeof part);
            size_t more = strlen(part);
            if (n - cut + more >= sizeof text)
                continue;
            memmove(text + at + more, text + at + cut, n - at - cut);
            memcpy(text + at, part, more);
            n = n - cut + more;
        }
        if (getenv("QN_FUZZ_VERBOSE"))
            fprintf(stderr, "seed %llu: %.*s\n", (unsigned long long)(seed + k), (int)n, text);
        LLVMFuzzerTestOneInput((const uint8_t *)text, n);
    }
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "--random") == 0)
        run_random(strtoull(argv[2], NULL, 10), argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
    for (int i = 1; i < argc && strcmp(argv[1], "--random") != 0; i++)
        run_file(argv[i]);
    if (db)
        close_all();
    return 0;
}
#endif
