/* Rows that come as vectors, from INSERT and CREATE TABLE AS, to blocks.
 *
 * One thread, one fill: the buffers grow with the rows, so a statement that inserts three of them
 * takes little memory, and are used again for the next block.  After a failure the appender is good
 * for nothing but qn_appender_free: some rows may be in and some not, and the caller aborts the
 * change. */
#include "load/load_int.h"

struct qn_appender {
    qn_env           *env;
    qn_change        *change;
    uint64_t          table_id;
    const char       *relation; /* for messages; may be NULL */
    uint64_t          sequence, rows;
    qn_fill           fill;
    qn_block_builder *builder;
    uint32_t          block_rows; /* a block has no more rows, and no more text than this: less under a memory limit */
    uint64_t          block_text;
    bool              failed;
};

/* Beside the statement that makes the rows, which may need most of the memory. */
static void set_sizes(qn_appender *a)
{
    uint64_t limit = qn_load_memory_limit(a->env->mem, 0);
    uint64_t row = qn_fill_row_bytes(a->fill.columns, a->fill.column_count) + QN_LOAD_ENCODE_BYTES;

    qn_block_builder_limit(a->builder, limit);
    a->block_rows = QN_BLOCK_ROWS;
    a->block_text = limit ? limit / 8 : UINT64_MAX;
    while (limit && a->block_rows > QN_LOAD_ROWS_LEAST && a->block_rows * row > limit / 8)
        a->block_rows /= 2;
}

static uint64_t text_bytes(const qn_fill *fill)
{
    uint64_t bytes = 0;
    for (uint32_t c = 0; c < fill->column_count; c++)
        bytes += fill->parts[0].string_bytes[c];
    return bytes;
}

qn_status qn_appender_new(qn_env *env, qn_change *change, uint64_t table_id,
                          const qn_column *columns, uint32_t column_count, qn_appender **appender,
                          qn_error *err)
{
    qn_status    st = QN_OK;
    qn_appender *a = qn_alloc0(env->mem, sizeof *a);

    *appender = NULL;
    if (!a)
        return qn_nomem(err);
    a->env = env;
    a->change = change;
    a->table_id = table_id;
    QN_TRY(qn_fill_init(&a->fill, env->mem, columns, column_count, 1, err));
    QN_TRY(qn_block_builder_new(env, &a->builder, err));
    set_sizes(a);
    *appender = a;
    return QN_OK;
done:
    qn_appender_free(a);
    return st;
}

void qn_appender_free(qn_appender *a)
{
    if (!a)
        return;
    qn_block_builder_free(a->builder);
    qn_fill_deinit(&a->fill);
    qn_free(a->env->mem, a, sizeof *a);
}

void qn_appender_name(qn_appender *a, const char *relation)
{
    a->relation = relation;
}

void qn_appender_codec(qn_appender *a, qn_text_codec codec)
{
    qn_block_builder_codec(a->builder, codec);
}

static bool is_null(const uint64_t *nulls, uint32_t i)
{
    return nulls && (nulls[i / 64] >> (i % 64) & 1);
}

/* DETAIL of a refused row: its values as text, long ones cut, as PostgreSQL shows them. */
static void describe_row(const qn_appender *a, const void *const *values,
                         const uint64_t *const *nulls, uint32_t row, qn_error *err)
{
    enum { SHOWN_BYTES = 64 };
    static const qn_text_settings settings = {.extra_float_digits = 1};
    qn_buf                        text, value;
    qn_buf_init(&text, a->env->mem);
    qn_buf_init(&value, a->env->mem);
    for (uint32_t c = 0; c < a->fill.column_count && text.bytes < 400; c++) {
        qn_type  type = a->fill.columns[c].type;
        qn_datum v;
        qn_buf_puts(&text, c ? ", " : "");
        if (is_null(nulls ? nulls[c] : NULL, row)) {
            qn_buf_puts(&text, "null");
            continue;
        }
        qn_bank_get(qn_type_bank(type.id), values[c], row, &v);
        qn_buf_clear(&value);
        qn_value_print(type, &v, &settings, &value);
        size_t shown = value.bytes;
        if (shown > SHOWN_BYTES)
            shown = qn_utf8_offset(value.data, value.bytes, qn_utf8_count(value.data, SHOWN_BYTES));
        qn_buf_add(&text, value.data ? value.data : "", shown);
        qn_buf_puts(&text, shown < value.bytes ? "..." : "");
    }
    if (!text.failed && !value.failed)
        qn_error_detail(err, "Failing row contains (%s).", text.data ? text.data : "");
    qn_buf_deinit(&text);
    qn_buf_deinit(&value);
}

/* The first row that has NULL where it is not allowed, and there the first column: as row by row.
 */
static qn_status check_nulls(const qn_appender *a, const void *const *values,
                             const uint64_t *const *nulls, uint32_t rows, qn_error *err)
{
    qn_status        st;
    const qn_column *columns = a->fill.columns;
    uint32_t         first = rows, column = 0;

    for (uint32_t c = 0; c < a->fill.column_count; c++) {
        if (!columns[c].not_null || !nulls || !nulls[c])
            continue;
        for (uint32_t i = 0; i < first; i++) {
            if (is_null(nulls[c], i)) {
                first = i;
                column = c;
            }
        }
    }
    if (first == rows)
        return QN_OK;
    if (a->relation)
        st = qn_fail(
            err, QN_SQLSTATE_NOT_NULL_VIOLATION,
            "null value in column \"%s\" of relation \"%s\" violates not-null constraint",
            columns[column].name, a->relation);
    else
        st = qn_fail(err, QN_SQLSTATE_NOT_NULL_VIOLATION,
                     "null value in column \"%s\" violates not-null constraint",
                     columns[column].name);
    describe_row(a, values, nulls, first, err);
    return st;
}

static bool copy_string(qn_fill_part *part, uint32_t c, const qn_str *in, qn_str *out)
{
    if (in->bytes > QN_STR_INLINE)
        return qn_fill_str(part, c, in->data, in->bytes, out);
    *out = *in;
    return true;
}

/* Rows from..from+count-1 of one column behind those that are there. */
static qn_status add_column(qn_appender *a, uint32_t c, const void *values, const uint64_t *nulls,
                            uint32_t from, uint32_t count, qn_error *err)
{
    qn_fill      *fill = &a->fill;
    qn_fill_part *part = &fill->parts[0];
    qn_bank       bank = qn_type_bank((qn_sql_type)fill->columns[c].type.id);
    size_t        size = qn_bank_bytes(bank);
    char         *to = (char *)fill->values[c] + fill->rows * size;

    if (bank != QN_BANK_STR && bank != QN_BANK_NUM)
        memcpy(to, (const char *)values + from * size, count * size);
    for (uint32_t i = 0; i < count; i++) {
        if (is_null(nulls, from + i)) {
            memset(to + i * size, 0, size);
            qn_fill_set_null(fill, c, fill->rows + i);
        } else if (bank == QN_BANK_STR) {
            if (!copy_string(part, c, (const qn_str *)values + from + i, (qn_str *)(void *)to + i))
                return qn_nomem(err);
        } else if (bank == QN_BANK_NUM) {
            qn_datum in, out;
            qn_bank_get(bank, values, from + i, &in);
            if (!qn_value_copy(bank, &in, &part->arena, &out))
                return qn_nomem(err);
            qn_bank_set(bank, fill->values[c], fill->rows + i, &out);
        }
    }
    return QN_OK;
}

static qn_status flush(qn_appender *a, qn_error *err)
{
    qn_status st = QN_OK;

    for (uint32_t c = 0; c < a->fill.column_count && st == QN_OK; c++)
        st = qn_fill_encode(&a->fill, a->builder, c, err);
    if (st == QN_OK)
        st = qn_fill_write(&a->fill, a->env, a->change, a->table_id, a->sequence++, err);
    if (st == QN_OK)
        qn_fill_reset(&a->fill);
    return st;
}

qn_status qn_appender_add(qn_appender *a, const void *const *values, const uint64_t *const *nulls,
                          uint32_t rows, qn_error *err)
{
    qn_status st = QN_OK;
    uint32_t  from = 0;

    if (a->failed)
        return qn_fail(err, QN_SQLSTATE_MISUSE, "the appender has failed before");
    QN_TRY(check_nulls(a, values, nulls, rows, err));
    while (from < rows) {
        uint32_t room = a->block_rows - a->fill.rows,
                 count = rows - from < room ? rows - from : room;
        QN_TRY(qn_fill_reserve(&a->fill, a->fill.rows + count, err));
        for (uint32_t c = 0; c < a->fill.column_count; c++)
            QN_TRY(add_column(a, c, values[c], nulls ? nulls[c] : NULL, from, count, err));
        a->fill.rows += count;
        a->rows += count;
        from += count;
        if (a->fill.rows == a->block_rows || text_bytes(&a->fill) >= a->block_text)
            QN_TRY(flush(a, err));
    }
done:
    a->failed = st != QN_OK;
    return st;
}

qn_status qn_appender_finish(qn_appender *a, uint64_t *rows, qn_error *err)
{
    qn_status st = QN_OK;

    if (a->failed)
        return qn_fail(err, QN_SQLSTATE_MISUSE, "the appender has failed before");
    if (a->fill.rows)
        st = flush(a, err);
    a->failed = st != QN_OK;
    if (st == QN_OK && rows)
        *rows = a->rows;
    return st;
}
