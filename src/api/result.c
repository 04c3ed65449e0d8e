/* Results: rows read in chunks, typed or as text. */
#include "api/api_int.h"

#include "base/assert.h"

qn_status result_new(qn_connection *conn, qn_result **out, qn_error *err)
{
    qn_result *r = qn_alloc0(&conn->db->mem, sizeof *r);
    if (!r)
        return qn_nomem(err);
    r->conn = conn;
    r->db = conn->db;
    qn_arena_init(&r->arena, &conn->db->mem);
    qn_arena_init(&r->chunk.arena, &conn->db->mem);
    r->chunk.result = r;
    r->text = conn->session.text;
    *out = r;
    return QN_OK;
}

QN_API void qn_result_free(qn_result *r)
{
    if (!r)
        return;
    qn_mem *mem = &r->db->mem;
    qn_rows_free(r->own_rows);
    qn_exec_free(r->exec);
    if (r->unit)
        unit_unref(r->unit);
    if (r->snapshot)
        qn_snapshot_unref(r->snapshot);
    qn_arena_deinit(&r->chunk.arena);
    qn_arena_deinit(&r->arena);
    qn_free(mem, r, sizeof *r);
}

/* ---- rows made here -------------------------------------------------------------------------------- */

qn_status rows_add_datums(qn_rows *rows, const qn_datum *values, const bool *nulls, qn_error *err)
{
    qn_rows_chunk *k;
    qn_status      st = qn_rows_room(rows, &k, err);
    if (st != QN_OK)
        return st;
    for (uint32_t c = 0; c < rows->column_count; c++) {
        qn_datum v = values[c];
        if (nulls[c]) {
            k->nulls[c][k->count / 64] |= 1ull << (k->count % 64);
            memset(&v, 0, sizeof v);
        } else if (!qn_value_copy(rows->banks[c], &v, &rows->arena, &v)) {
            return qn_nomem(err);
        }
        qn_bank_set(rows->banks[c], k->values[c], k->count, &v);
    }
    k->ties[k->count] = rows->count;
    k->count++;
    rows->count++;
    return QN_OK;
}

qn_status rows_close(qn_rows *rows, qn_error *err)
{
    rows->chunk_starts = qn_arena_array(&rows->arena, uint64_t, rows->chunk_count + 1);
    if (!rows->chunk_starts)
        return qn_nomem(err);
    for (uint32_t c = 0; c < rows->chunk_count; c++)
        rows->chunk_starts[c] = (uint64_t)c * QN_LANES;
    return QN_OK;
}

qn_status result_text_columns(qn_result *r, uint32_t count, const char *const *names, qn_error *err)
{
    qn_status st = QN_OK;
    qn_type  *types;
    QN_ALLOC(err, types = qn_arena_array(&r->arena, qn_type, count));
    QN_ALLOC(err, r->names = qn_arena_array(&r->arena, const char *, count));
    for (uint32_t i = 0; i < count; i++) {
        types[i] = QN_TYPE(TEXT);
        QN_ALLOC(err, r->names[i] = qn_arena_strdup(&r->arena, names[i]));
    }
    r->types = types;
    r->columns = count;
    QN_TRY(qn_rows_new(&r->db->mem, types, count, count, &r->own_rows, err));
    r->rows = r->own_rows;
done:
    return st;
}

qn_status result_text_row(qn_result *r, const char *const *texts, qn_error *err)
{
    enum { MAX_COLUMNS = 16 };
    qn_datum values[MAX_COLUMNS];
    bool     nulls[MAX_COLUMNS];
    QN_ASSERT(r->columns <= MAX_COLUMNS);
    for (uint32_t i = 0; i < r->columns; i++) {
        nulls[i] = !texts[i];
        values[i].str = texts[i] ? qn_str_lit(texts[i]) : qn_str_of("", 0);
    }
    return rows_add_datums(r->own_rows, values, nulls, err);
}

qn_status result_text_lines(qn_result *r, const char *title, const qn_buf *text, qn_error *err)
{
    qn_status st = result_text_columns(r, 1, &title, err);
    if (text->failed)
        return qn_nomem(err);
    const char *at = text->data ? text->data : "", *end = at + text->bytes;
    while (st == QN_OK && at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        qn_datum    v = {.str = qn_str_of(at, (size_t)((line_end ? line_end : end) - at))};
        bool        null = false;
        st = rows_add_datums(r->own_rows, &v, &null, err);
        at = line_end ? line_end + 1 : end;
    }
    if (st == QN_OK)
        st = rows_close(r->own_rows, err);
    r->row_count = r->own_rows ? r->own_rows->count : 0;
    return st;
}

/* ---- reading --------------------------------------------------------------------------------------- */

QN_API const char *qn_result_command(const qn_result *r) { return r->command; }
QN_API int         qn_result_columns(const qn_result *r) { return (int)r->columns; }
QN_API uint64_t    qn_result_rows(const qn_result *r) { return r->row_count; }

static bool column_ok(const qn_result *r, int column) { return column >= 0 && (uint32_t)column < r->columns; }

QN_API const char *qn_result_column_name(const qn_result *r, int column)
{
    return column_ok(r, column) ? r->names[column] : NULL;
}

QN_API qn_sql_type qn_result_column_type(const qn_result *r, int column)
{
    return column_ok(r, column) ? (qn_sql_type)r->types[column].id : QN_TYPE_UNKNOWN;
}

QN_API const char *qn_result_column_type_name(const qn_result *r, int column)
{
    if (!column_ok(r, column))
        return NULL;
    char  buffer[64];
    char *name = qn_arena_strdup((qn_arena *)&r->arena, qn_type_format(r->types[column], buffer, sizeof buffer));
    return name ? name : qn_type_name(r->types[column].id);
}

QN_API qn_status qn_result_next(qn_result *r, const qn_chunk **chunk, qn_error *err)
{
    qn_status st = QN_OK;
    qn_chunk *k = &r->chunk;
    if (err)
        qn_error_clear(err);
    *chunk = NULL;
    if (r->text_failed)
        return qn_nomem(err);
    if (!r->rows)
        return QN_OK;
    qn_arena_reset(&k->arena);
    QN_ALLOC(err, k->values = qn_arena_array(&k->arena, void *, r->rows->column_count + 1));
    QN_ALLOC(err, k->nulls = qn_arena_array(&k->arena, uint64_t *, r->rows->column_count + 1));
    QN_TRY(qn_rows_read(r->rows, r->cursor, &k->rows, k->values, k->nulls, &k->arena, err));
    r->cursor += k->rows;
    if (k->rows)
        *chunk = k;
done:
    return st;
}

QN_API uint32_t qn_chunk_rows(const qn_chunk *k) { return k->rows; }

QN_API bool qn_chunk_is_null(const qn_chunk *k, int column, uint32_t row)
{
    if (!column_ok(k->result, column) || row >= k->rows)
        return true;
    return k->nulls[column][row / 64] >> (row % 64) & 1;
}

QN_API qn_status qn_chunk_column(const qn_chunk *k, int column, qn_column_view *view)
{
    if (!column_ok(k->result, column))
        return QN_MISUSE;
    qn_type type = k->result->types[column];
    *view = (qn_column_view){.type = (qn_sql_type)type.id, .data = k->values[column], .nulls = NULL};
    for (uint32_t i = 0; i < (k->rows + 63) / 64; i++)
        if (k->nulls[column][i])
            view->nulls = k->nulls[column];
    qn_bank bank = qn_type_bank(type.id);
    if (bank == QN_BANK_NUM) {
        view->data = NULL;
    } else if (bank == QN_BANK_STR) {
        const qn_str *from = k->values[column];
        qn_text      *to = qn_arena_array((qn_arena *)&k->arena, qn_text, k->rows + 1);
        if (!to)
            return QN_NOMEM;
        for (uint32_t i = 0; i < k->rows; i++)
            if (!qn_chunk_is_null(k, column, i))
                to[i] = (qn_text){qn_str_data(&from[i]), from[i].bytes};
        view->data = to;
    }
    return QN_OK;
}

QN_API const char *qn_chunk_text(const qn_chunk *k, int column, uint32_t row, size_t *bytes)
{
    if (bytes)
        *bytes = 0;
    if (qn_chunk_is_null(k, column, row))
        return NULL;
    qn_result *r = k->result;
    qn_datum   v;
    qn_buf     buf;
    qn_bank_get(r->rows->banks[column], k->values[column], row, &v);
    qn_buf_init(&buf, &r->db->mem);
    qn_value_print(r->types[column], &v, &r->text, &buf);
    char *copy = buf.failed ? NULL : qn_arena_strndup((qn_arena *)&k->arena, buf.data ? buf.data : "", buf.bytes);
    if (bytes)
        *bytes = copy ? buf.bytes : 0;
    qn_buf_deinit(&buf);
    r->text_failed = r->text_failed || !copy;
    return copy ? copy : "";
}
