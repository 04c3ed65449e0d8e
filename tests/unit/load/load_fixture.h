/* What the tests of load/ share: a store in memory with one table, loads from a string, and the
 * table's rows as text. */
#ifndef QN_TEST_LOAD_FIXTURE_H
#define QN_TEST_LOAD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* The line above must precede cmocka. */
#include <cmocka.h>

#include "base/assert.h"
#include "load/load_int.h"

typedef struct fixture {
    qn_mem      mem;
    qn_env      env;
    qn_store   *store;
    qn_column   columns[16];
    uint32_t    column_count;
    uint32_t    file_columns[16];
    qn_load_job job; /* to be changed by the test before load() */
    qn_error    err;
    uint64_t    rows;
    uint64_t    fail_nth; /* the n-th allocation of the load itself fails; 0: none */
    bool        failed;   /* it came to that */
} fixture;

typedef struct piece { /* a source that gives at most `step` bytes at a time */
    const char *data;
    size_t      bytes, at, step;
} piece;

static inline ptrdiff_t piece_read(void *arg, void *buffer, size_t bytes)
{
    piece *p = arg;
    size_t n = p->bytes - p->at;
    n = n < bytes ? n : bytes;
    n = n < p->step ? n : p->step;
    memcpy(buffer, p->data + p->at, n);
    p->at += n;
    return (ptrdiff_t)n;
}

/* columns: "a integer not null, b text"; types as qn_type_lookup knows them, n for char(n),
 * varchar(n). */
static inline void fixture_open(fixture *f, const char *columns)
{
    static char names[16][32];
    memset(f, 0, sizeof *f);
    qn_mem_init(&f->mem, NULL, 0);
    f->env = (qn_env){.mem = &f->mem, .vfs = qn_vfs_posix(), .clock = qn_clock_system()};
    qn_random_seed(&f->env.random, 1);
    assert_int_equal(qn_store_open(&f->env, NULL, false, false, &f->store, &f->err), QN_OK);
    char copy[512], *save = NULL;
    snprintf(copy, sizeof copy, "%s", columns);
    for (char *c = strtok_r(copy, ",", &save); c; c = strtok_r(NULL, ",", &save)) {
        char        name[32], type[32], rest[32] = "";
        qn_sql_type id;
        int         n = 0;
        qn_column  *col = &f->columns[f->column_count];
        assert_true(sscanf(c, " %31s %31s %31[a-z ]", name, type, rest) >= 2);
        char *open = strchr(type, '(');
        if (open) {
            n = atoi(open + 1);
            *open = 0;
        }
        assert_true(qn_type_lookup(type, &id));
        strcpy(names[f->column_count], name);
        *col = (qn_column){
            names[f->column_count], {(uint8_t)id, n ? n + 4 : -1}, strstr(rest, "not null"), NULL};
        f->file_columns[f->column_count] = f->column_count;
        f->column_count++;
    }
    f->job = (qn_load_job){
        .env = &f->env, .columns = f->file_columns, .column_count = f->column_count, .threads = 1};
    f->job.options =
        (qn_load_options){.delimiter = '\t', .quote = '"', .escape = '"', .null_text = "\\N"};
}

static inline void fixture_csv(fixture *f)
{
    f->job.options.format = QN_LOAD_CSV;
    f->job.options.delimiter = ',';
    f->job.options.null_text = "";
}

static inline void fixture_close(fixture *f)
{
    qn_store_close(f->store);
    qn_mem_deinit(&f->mem);
}

/* Load into a new table t and commit; on failure nothing is left of it.  f->err says what went
 * wrong. */
static inline qn_status fixture_run(fixture *f, const qn_load_source *source)
{
    qn_status          st = QN_OK;
    const qn_snapshot *snapshot;
    uint64_t           id;
    qn_table           table = {0};

    qn_error_clear(&f->err);
    f->rows = 0;
    f->job.change = NULL;
    QN_TRY(qn_change_begin(f->store, &f->job.change, &snapshot, &f->err));
    if (qn_catalog_table(snapshot, "t"))
        QN_TRY(qn_change_drop_table(f->job.change, qn_catalog_table(snapshot, "t")->id, &f->err));
    QN_TRY(qn_change_create_table(f->job.change, "t", f->columns, f->column_count, &id, &f->err));
    table =
        (qn_table){.id = id, .name = "t", .column_count = f->column_count, .columns = f->columns};
    f->job.table = &table;
    f->job.store_env = qn_store_env(f->store);
    uint64_t fail_at = f->fail_nth ? f->mem.requests + f->fail_nth : 0;
    f->mem.fail_at = fail_at;
    st = qn_load_run(&f->job, source, &f->rows, &f->err);
    f->failed = fail_at && f->mem.requests >= fail_at;
    f->mem.fail_at = 0;
    QN_TRY(st);
    st = qn_change_commit(f->job.change, &f->err);
    return st;
done:
    qn_change_abort(f->job.change);
    return st;
}

static inline qn_status fixture_load_step(fixture *f, const char *data, size_t bytes, size_t step)
{
    piece          p = {data, bytes, 0, step};
    qn_load_source source = {.read = piece_read, .arg = &p};
    return fixture_run(f, &source);
}

static inline qn_status fixture_load(fixture *f, const char *text)
{
    return fixture_load_step(f, text, strlen(text), SIZE_MAX);
}

static inline qn_status fixture_load_file(fixture *f, const char *path)
{
    qn_load_source source = {.path = path};
    return fixture_run(f, &source);
}

/* Values of one block column, all rows. */
static inline void column_values(qn_block *block, uint32_t c, void *out, uint64_t *nulls,
                                 qn_arena *arena)
{
    qn_error               err = {0};
    const qn_block_column *col = qn_block_column_at(block, c);
    uint32_t               rows = qn_block_rows(block);

    memset(nulls, 0, ((size_t)rows + 63) / 64 * 8);
    if (col->kind == QN_COL_RAW) {
        assert_int_equal(qn_block_raw(block, c, 0, rows, out, nulls, arena, &err), QN_OK);
        return;
    }
    uint32_t *codes = malloc(rows * sizeof *codes);
    size_t    size = qn_bank_bytes(col->bank);
    assert_int_equal(qn_block_codes(block, c, 0, rows, codes, &err), QN_OK);
    char *dict = malloc((col->distinct + 1) * size);
    if (col->distinct) {
        qn_status st =
            col->bank == QN_BANK_STR
                ? qn_block_strings(block, c, 1, col->distinct, (qn_str *)(void *)dict, arena, &err)
                : qn_block_values(block, c, 1, col->distinct, dict, arena, &err);
        assert_int_equal(st, QN_OK);
    }
    for (uint32_t i = 0; i < rows; i++) {
        if (codes[i] == 0)
            nulls[i / 64] |= 1ull << (i % 64);
        else
            memcpy((char *)out + i * size, dict + (codes[i] - 1) * size, size);
    }
    free(dict);
    free(codes);
}

/* The table's rows: values in text form joined by '|', NULL as ~, rows ended by newlines.  Blocks
 * begin with
 * "#\n" when `blocks` is set.  Free with free(). */
static inline char *fixture_rows(fixture *f, bool blocks)
{
    qn_snapshot     *snapshot = qn_store_snapshot(f->store);
    const qn_table  *t = qn_catalog_table(snapshot, "t");
    qn_text_settings set = {.extra_float_digits = 1};
    qn_mem           mem;
    qn_buf           buf;
    qn_arena         arena;

    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&buf, &mem);
    qn_arena_init(&arena, &mem);
    for (uint32_t b = 0; t && b < t->block_count; b++) {
        qn_block *block = t->blocks[b].block;
        uint32_t  rows = qn_block_rows(block);
        void     *values[16];
        uint64_t *nulls[16];
        qn_error  err = {0};
        assert_int_equal(qn_block_check(block, &err), QN_OK);
        for (uint32_t c = 0; c < t->column_count; c++) {
            values[c] = calloc(rows, 16);
            nulls[c] = calloc((rows + 63) / 64, 8);
            column_values(block, c, values[c], nulls[c], &arena);
        }
        if (blocks)
            qn_buf_puts(&buf, "#\n");
        for (uint32_t i = 0; i < rows; i++) {
            for (uint32_t c = 0; c < t->column_count; c++) {
                qn_datum v;
                if (c)
                    qn_buf_putc(&buf, '|');
                if (nulls[c][i / 64] >> (i % 64) & 1) {
                    qn_buf_putc(&buf, '~');
                    continue;
                }
                qn_bank_get(qn_type_bank((qn_sql_type)t->columns[c].type.id), values[c], i, &v);
                qn_value_print(t->columns[c].type, &v, &set, &buf);
            }
            qn_buf_putc(&buf, '\n');
        }
        for (uint32_t c = 0; c < t->column_count; c++) {
            free(values[c]);
            free(nulls[c]);
        }
    }
    char *out = strdup(buf.bytes ? buf.data : "");
    qn_buf_deinit(&buf);
    qn_arena_deinit(&arena);
    qn_snapshot_unref(snapshot);
    return out;
}

static inline void expect_rows(fixture *f, const char *expected)
{
    char *rows = fixture_rows(f, false);
    assert_string_equal(rows, expected);
    free(rows);
}

static inline void expect_error(fixture *f, const char *text, const char *sqlstate,
                                const char *message, const char *detail)
{
    assert_int_not_equal(fixture_load(f, text), QN_OK);
    assert_string_equal(f->err.message, message);
    assert_string_equal(f->err.sqlstate, sqlstate);
    if (detail)
        assert_string_equal(f->err.detail, detail);
}

static inline void expect_load(fixture *f, const char *text, const char *expected)
{
    qn_status st = fixture_load(f, text);
    if (st != QN_OK)
        print_message("%s %s\n%s\n", f->err.sqlstate, f->err.message, f->err.detail);
    assert_int_equal(st, QN_OK);
    expect_rows(f, expected);
}

#endif
