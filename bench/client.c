/* quern behind a pipe: one statement a line on standard input, one line of answer.
 *
 *     bench_client [--threads N] [--read-only] DIR
 *
 *     run SQL              →  ok MILLISECONDS ROWS
 *     save PATH SQL        →  ok MILLISECONDS ROWS, and the rows as CSV with a header in PATH
 *                          or  error MESSAGE
 *
 * The time runs from the text to the last value: every row is fetched and every column of it looked at, as a
 * program using the library would.  What save takes for writing is not counted.  bench/peers/duckdb.mjs speaks
 * the same lines, so bench/compare.py can alternate between the two engines in long-lived processes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "quern.h"

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void put_quoted(FILE *out, const char *text, size_t bytes)
{
    putc('"', out);
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '"')
            putc('"', out);
        putc(text[i], out);
    }
    putc('"', out);
}

static void put_header(FILE *out, const qn_result *result)
{
    for (int c = 0; c < qn_result_columns(result); c++) {
        const char *name = qn_result_column_name(result, c);
        if (c)
            putc(',', out);
        put_quoted(out, name, strlen(name));
    }
    putc('\n', out);
}

static void put_rows(FILE *out, const qn_result *result, const qn_chunk *chunk)
{
    for (uint32_t r = 0; r < qn_chunk_rows(chunk); r++) {
        for (int c = 0; c < qn_result_columns(result); c++) {
            size_t      bytes;
            const char *text = qn_chunk_text(chunk, c, r, &bytes);
            if (c)
                putc(',', out);
            if (text)
                put_quoted(out, text, bytes);
        }
        putc('\n', out);
    }
}

/* Run sql and fetch every row; out may be NULL. */
static qn_status run(qn_connection *conn, const char *sql, FILE *out, double *ms, unsigned long long *rows,
                     qn_error *err)
{
    qn_result      *result = NULL;
    const qn_chunk *chunk = NULL;
    double          start = now_ms(), writing = 0;
    qn_status       st = qn_query(conn, sql, &result, err);

    if (st != QN_OK)
        return st;
    *rows = 0;
    if (out)
        put_header(out, result);
    while ((st = qn_result_next(result, &chunk, err)) == QN_OK && chunk) {
        *rows += qn_chunk_rows(chunk);
        for (int c = 0; c < qn_result_columns(result) && st == QN_OK; c++) {
            qn_column_view view;
            st = qn_chunk_column(chunk, c, &view);
        }
        double before = now_ms();
        if (out)
            put_rows(out, result, chunk);
        writing += now_ms() - before;
    }
    *ms = now_ms() - start - writing;
    qn_result_free(result);
    return st;
}

static void answer(qn_connection *conn, char *line)
{
    qn_error           err = {.status = QN_OK};
    double             ms = 0;
    unsigned long long rows = 0;
    FILE              *out = NULL;
    char              *sql = NULL;

    if (!strncmp(line, "run ", 4)) {
        sql = line + 4;
    } else if (!strncmp(line, "save ", 5) && (sql = strchr(line + 5, ' '))) {
        *sql++ = 0;
        if (!(out = fopen(line + 5, "w"))) {
            printf("error cannot write %s\n", line + 5);
            return;
        }
    } else {
        printf("error unknown command\n");
        return;
    }
    qn_status st = run(conn, sql, out, &ms, &rows, &err);
    if (out && fclose(out) != 0)
        printf("error cannot write %s\n", line + 5);
    else if (st == QN_OK)
        printf("ok %.3f %llu\n", ms, rows);
    else
        printf("error %s\n", err.message);
}

int main(int argc, char **argv)
{
    qn_options     options = {0};
    qn_database   *db = NULL;
    qn_connection *conn = NULL;
    qn_error       err = {.status = QN_OK};
    char          *line = NULL;
    size_t         room = 0;
    ssize_t        bytes;
    int            status = 0;

    while (argc > 2 && argv[1][0] == '-') {
        int words = 1;
        if (!strcmp(argv[1], "--read-only")) {
            options.read_only = options.must_exist = true;
        } else if (!strcmp(argv[1], "--threads")) {
            options.threads = atoi(argv[2]);
            words = 2;
        } else {
            break;
        }
        argc -= words;
        argv += words;
    }
    if (argc != 2) {
        fprintf(stderr, "usage: bench_client [--threads N] [--read-only] DIR\n");
        return 2;
    }
    if (qn_open(argv[1], &options, &db, &err) != QN_OK || qn_connect(db, &conn, &err) != QN_OK) {
        fprintf(stderr, "bench_client: %s\n", err.message);
        status = 1;
    }
    while (!status && (bytes = getline(&line, &room, stdin)) > 0) {
        line[strcspn(line, "\n")] = 0;
        answer(conn, line);
        fflush(stdout);
    }
    free(line);
    qn_disconnect(conn);
    qn_close(db);
    return status;
}
