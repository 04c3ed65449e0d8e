/* What the tests of load/parquet/ share: files read through the reader, their rows as text. */
#ifndef QN_TEST_PARQUET_FIXTURE_H
#define QN_TEST_PARQUET_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* The line above must precede cmocka. */
#include <cmocka.h>

#include "load/parquet/parquet_int.h"

typedef struct fixture {
    qn_mem   mem;
    qn_env   env;
    qn_error err;
    uint64_t batches, coded; /* vectors that came, and those of codes */
} fixture;

static inline void fixture_open(fixture *f)
{
    memset(f, 0, sizeof *f);
    qn_mem_init(&f->mem, NULL, (uint64_t)1 << 30);
    f->env = (qn_env){.mem = &f->mem, .vfs = qn_vfs_posix(), .clock = qn_clock_system()};
}

static inline void fixture_close(fixture *f)
{
    qn_mem_deinit(&f->mem);
}

static inline const char *data_path(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/parquet/%s", QN_TEST_DATA, name);
    return path;
}

static inline void print_value(const qn_reader_column *c, const qn_reader_vector *v, uint32_t row, qn_buf *out)
{
    static const qn_text_settings set = {.extra_float_digits = 1};
    qn_bank     bank = qn_type_bank((qn_sql_type)c->type.id);
    qn_datum    value;
    const void *data = v->data;
    size_t      at = row;

    if (v->codes) {
        assert_true(v->codes[row] <= v->dict->count);
        data = v->dict->values;
        at = v->codes[row];
    }
    if (v->codes ? at == 0 : v->nulls && (v->nulls[row / 64] >> (row % 64) & 1)) {
        qn_buf_puts(out, "~");
        return;
    }
    qn_bank_get(bank, data, at, &value);
    qn_value_print(c->type, &value, &set, out);
}

/* The wanted columns' values of a part, joined by '|', rows ended by newlines; the first `skip` rows are skipped. */
static inline qn_status print_part(fixture *f, qn_reader *r, uint64_t part, const uint32_t *columns, uint32_t count,
                                   uint64_t skip, qn_buf *out)
{
    qn_status         st = QN_OK;
    qn_reader_cursor *cursor = NULL;
    qn_reader_vector  vectors[64];
    uint32_t          rows;

    QN_TRY(r->ops->cursor_open(r, part, columns, count, &f->mem, &cursor, &f->err));
    if (skip)
        QN_TRY(r->ops->cursor_skip(cursor, skip, &f->err));
    for (;;) {
        QN_TRY(r->ops->cursor_next(cursor, vectors, &rows, &f->err));
        if (rows == 0)
            break;
        for (uint32_t c = 0; c < count; c++) {
            f->batches++;
            f->coded += vectors[c].codes != NULL;
        }
        for (uint32_t i = 0; i < rows; i++) {
            for (uint32_t c = 0; c < count; c++) {
                qn_buf_puts(out, c ? "|" : "");
                print_value(&r->columns[columns[c]], &vectors[c], i, out);
            }
            qn_buf_putc(out, '\n');
        }
    }
done:
    if (cursor)
        r->ops->cursor_close(cursor);
    return st;
}

/* All rows of a file's first `count` columns (0: all). */
static inline qn_status print_file(fixture *f, const char *path, uint32_t count, qn_buf *out)
{
    qn_status  st = QN_OK;
    qn_reader *r = NULL;
    uint32_t   columns[64];

    qn_error_clear(&f->err);
    QN_TRY(qn_parquet_open(&f->env, path, &r, &f->err));
    count = count ? count : r->column_count;
    assert_true(count <= 64);
    for (uint32_t c = 0; c < count; c++)
        columns[c] = c;
    for (uint64_t p = 0; p < r->part_count; p++)
        QN_TRY(print_part(f, r, p, columns, count, 0, out));
done:
    if (r)
        r->ops->close(r);
    return st;
}

static inline void expect_file(fixture *f, const char *path, const char *expected)
{
    qn_buf out;
    qn_buf_init(&out, &f->mem);
    qn_status st = print_file(f, path, 0, &out);
    if (st != QN_OK)
        print_message("%s %s\n%s\n", f->err.sqlstate, f->err.message, f->err.detail);
    assert_int_equal(st, QN_OK);
    assert_string_equal(out.data ? out.data : "", expected);
    qn_buf_deinit(&out);
}

static inline void expect_failure(fixture *f, const char *path, const char *sqlstate, const char *part_of_message)
{
    qn_buf out;
    qn_buf_init(&out, &f->mem);
    assert_int_not_equal(print_file(f, path, 0, &out), QN_OK);
    assert_string_equal(f->err.sqlstate, sqlstate);
    if (!strstr(f->err.message, part_of_message))
        assert_string_equal(f->err.message, part_of_message);
    qn_buf_deinit(&out);
}

#endif
