/* What a statement costs before it touches data, and how large its program is.
 *
 *     bench_fixed_cost DIR QUERIES
 *
 * DIR is a database with the table hits, QUERIES a file with one statement a line.
 *
 *   prepared      SELECT 1, prepared: run, fetch, free
 *   compile       text to verified bytecode by a connection that has not seen the statement.  Each repetition sets
 *                 extra_float_digits to another value, which is part of the cache's key, so nothing is found there.
 *   start         qn_query of a statement whose program is cached, on an empty copy of the table: look-up, constants,
 *                 workers, an empty result.  Nothing of the data is in it.
 *   instructions … the last line of EXPLAIN (STAGE bytecode)
 *
 * Figures are medians in microseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "quern.h"

#define PREPARED_RUNS 20000
#define START_RUNS 200
#define FLOAT_DIGITS_MIN (-15)
#define FLOAT_DIGITS_MAX 3 /* the default is 1: compiled there once more for the other figures */

static qn_error err;

static void must(qn_status st)
{
    if (st == QN_OK)
        return;
    fprintf(stderr, "bench_fixed_cost: %s\n", err.message);
    exit(1);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *samples, size_t count)
{
    qsort(samples, count, sizeof *samples, by_value);
    return samples[count / 2];
}

static void drain(qn_result *result)
{
    const qn_chunk *chunk;
    do
        must(qn_result_next(result, &chunk, &err));
    while (chunk);
    qn_result_free(result);
}

static void run(qn_connection *conn, const char *sql)
{
    qn_result *result;
    must(qn_query(conn, sql, &result, &err));
    drain(result);
}

static void measure_prepared(qn_connection *conn)
{
    static double samples[PREPARED_RUNS];
    qn_statement *statement;
    must(qn_prepare(conn, "SELECT 1", SIZE_MAX, NULL, &statement, &err));
    for (int i = 0; i < PREPARED_RUNS; i++) {
        qn_result *result;
        double     start = now_us();
        must(qn_run(statement, &result, &err));
        drain(result);
        samples[i] = now_us() - start;
    }
    qn_finalize(statement);
    printf("prepared SELECT 1\t%.1f us\n", median(samples, PREPARED_RUNS));
}

static double measure_compile(qn_connection *conn, const char *sql)
{
    double samples[FLOAT_DIGITS_MAX - FLOAT_DIGITS_MIN + 1];
    size_t count = 0;
    for (int digits = FLOAT_DIGITS_MIN; digits <= FLOAT_DIGITS_MAX; digits++) {
        char          set[64];
        qn_statement *statement;
        snprintf(set, sizeof set, "SET extra_float_digits = %d", digits);
        run(conn, set);
        double start = now_us();
        must(qn_prepare(conn, sql, SIZE_MAX, NULL, &statement, &err));
        samples[count++] = now_us() - start;
        qn_finalize(statement);
    }
    run(conn, "RESET extra_float_digits");
    return median(samples, count);
}

static double measure_start(qn_connection *conn, const char *sql)
{
    double samples[START_RUNS];
    run(conn, sql);
    for (int i = 0; i < START_RUNS; i++) {
        double start = now_us();
        run(conn, sql);
        samples[i] = now_us() - start;
    }
    return median(samples, START_RUNS);
}

/* Print "48<TAB>192<TAB>3 …" of the size report. */
static void put_sizes(qn_connection *conn, const char *sql)
{
    qn_result      *result;
    const qn_chunk *chunk;
    char           *explain = malloc(strlen(sql) + 64), last[256] = "";
    if (!explain)
        exit(1);
    sprintf(explain, "EXPLAIN (STAGE bytecode) %s", sql);
    must(qn_query(conn, explain, &result, &err));
    for (;;) {
        must(qn_result_next(result, &chunk, &err));
        if (!chunk)
            break;
        snprintf(last, sizeof last, "%s", qn_chunk_text(chunk, 0, qn_chunk_rows(chunk) - 1, NULL));
    }
    qn_result_free(result);
    free(explain);
    unsigned n[5] = {0};
    sscanf(last, " %u instructions, %u bytes, %u cache lines, %u constants, %u", &n[0], &n[1], &n[2], &n[3], &n[4]);
    printf("%u\t%u\t%u\t%u\t%u", n[0], n[1], n[2], n[3], n[4]);
}

/* An empty hits in memory, with the columns of the one in conn. */
static void copy_schema(qn_connection *conn, qn_connection *empty)
{
    qn_result *result;
    must(qn_query(conn, "SELECT * FROM hits LIMIT 0", &result, &err));
    int   columns = qn_result_columns(result);
    char *sql = malloc((size_t)columns * 512 + 64);
    if (!sql)
        exit(1);
    int at = sprintf(sql, "CREATE TABLE hits (");
    for (int c = 0; c < columns; c++)
        at += snprintf(sql + at, 512, "%s\"%.200s\" %.200s NOT NULL", c ? ", " : "", qn_result_column_name(result, c),
                       qn_result_column_type_name(result, c));
    sprintf(sql + at, ")");
    qn_result_free(result);
    run(empty, sql);
    free(sql);
}

int main(int argc, char **argv)
{
    qn_database   *db, *empty_db;
    qn_connection *conn, *empty;
    char          *line = NULL;
    size_t         bytes = 0;
    unsigned       number = 0;

    FILE *file = argc == 3 ? fopen(argv[2], "r") : NULL;
    if (!file) {
        fprintf(stderr, "usage: bench_fixed_cost DIR QUERIES\n");
        return 2;
    }
    must(qn_open(argv[1], &(qn_options){.read_only = true, .must_exist = true}, &db, &err));
    must(qn_connect(db, &conn, &err));
    must(qn_open(NULL, NULL, &empty_db, &err));
    must(qn_connect(empty_db, &empty, &err));
    copy_schema(conn, empty);
    measure_prepared(conn);
    printf("query\tcompile us\tstart us\tinstructions\tbytes\tcache lines\tconstants\tside-table bytes\n");
    while (getline(&line, &bytes, file) > 0) {
        if (!strncmp(line, "--", 2) || line[strspn(line, " \n")] == 0)
            continue;
        printf("%u\t%.0f\t%.0f\t", ++number, measure_compile(conn, line), measure_start(empty, line));
        put_sizes(conn, line);
        putchar('\n');
    }
    free(line);
    fclose(file);
    qn_disconnect(empty);
    qn_close(empty_db);
    qn_disconnect(conn);
    qn_close(db);
    return 0;
}
