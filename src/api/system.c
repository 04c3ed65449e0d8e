/* Table functions over the engine itself: information_schema, settings, quern_inspect.
 *
 * Rows are made from the statement's snapshot; the columns are those the binder announced, found here by name, so
 * that the two files need not agree on an order. */
#include "api/api_int.h"

#include <math.h>
#include <stdio.h>
#include "base/assert.h"

enum { MAX_COLUMNS = 24 };

typedef struct row_writer {
    const qn_relation *relation;
    qn_rows           *rows;
    qn_datum           values[MAX_COLUMNS];
    bool               nulls[MAX_COLUMNS];
    qn_error          *err;
    qn_status          st;
} row_writer;

static void row_begin(row_writer *w)
{
    memset(w->values, 0, sizeof w->values);
    memset(w->nulls, 1, sizeof w->nulls);
}

static int column_of(const row_writer *w, const char *name)
{
    for (uint32_t i = 0; i < w->relation->column_count && i < MAX_COLUMNS; i++)
        if (!strcmp(w->relation->column_names[i], name))
            return (int)i;
    return -1;
}

/* With column aliases names may differ: position counts then. */
static void put_text(row_writer *w, uint32_t position, const char *text)
{
    if (position >= w->relation->column_count || !text)
        return;
    w->values[position].str = qn_str_lit(text);
    w->nulls[position] = false;
}

static void put_int(row_writer *w, uint32_t position, int64_t v)
{
    if (position >= w->relation->column_count)
        return;
    if (qn_type_bank(w->relation->column_types[position].id) == QN_BANK_I32)
        w->values[position].i32 = (int32_t)v;
    else
        w->values[position].i64 = v;
    w->nulls[position] = false;
}

static void row_end(row_writer *w)
{
    if (w->st == QN_OK)
        w->st = rows_add_datums(w->rows, w->values, w->nulls, w->err);
}

static void tables(row_writer *w, const qn_snapshot *s)
{
    for (uint32_t i = 0; i < s->table_count && w->st == QN_OK; i++) {
        row_begin(w);
        put_text(w, 0, "quern");
        put_text(w, 1, "public");
        put_text(w, 2, s->tables[i].name);
        put_text(w, 3, "BASE TABLE");
        row_end(w);
    }
}

static void numeric_shape(qn_type t, int64_t *precision, int64_t *scale)
{
    static const struct {
        qn_sql_type id;
        int         precision, scale;
    } fixed[] = {{QN_TYPE_SMALLINT, 16, 0}, {QN_TYPE_INTEGER, 32, 0}, {QN_TYPE_BIGINT, 64, 0}, {QN_TYPE_REAL, 24, -1}, {QN_TYPE_DOUBLE, 53, -1}};
    *precision = *scale = -1;
    for (size_t i = 0; i < QN_COUNTOF(fixed); i++)
        if (t.id == fixed[i].id) {
            *precision = fixed[i].precision;
            *scale = fixed[i].scale;
        }
    if (t.id == QN_TYPE_NUMERIC && t.typmod >= 4) {
        *precision = (t.typmod - 4) >> 16 & 0xffff;
        *scale = (t.typmod - 4) & 0x7ff;
    }
}

static void columns(row_writer *w, const qn_snapshot *s)
{
    for (uint32_t i = 0; i < s->table_count; i++)
        for (uint32_t c = 0; c < s->tables[i].column_count && w->st == QN_OK; c++) {
            const qn_column *col = &s->tables[i].columns[c];
            int64_t          precision, scale;
            numeric_shape(col->type, &precision, &scale);
            struct {
                const char *name, *text;
                int64_t     number;
            } fields[] = {
                {"table_catalog", "quern", -1},
                {"table_schema", "public", -1},
                {"table_name", s->tables[i].name, -1},
                {"column_name", col->name, -1},
                {"ordinal_position", NULL, c + 1},
                {"column_default", col->default_sql, -1},
                {"is_nullable", col->not_null ? "NO" : "YES", -1},
                {"data_type", qn_type_name(col->type.id), -1},
                {"character_maximum_length", NULL,
                 (col->type.id == QN_TYPE_VARCHAR || col->type.id == QN_TYPE_CHAR) && col->type.typmod >= 4 ? col->type.typmod - 4 : -1},
                {"numeric_precision", NULL, precision},
                {"numeric_scale", NULL, scale},
            };
            row_begin(w);
            for (size_t f = 0; f < QN_COUNTOF(fields); f++) {
                int at = column_of(w, fields[f].name);
                if (at < 0)
                    continue;
                if (fields[f].text)
                    put_text(w, (uint32_t)at, fields[f].text);
                else if (fields[f].number >= 0)
                    put_int(w, (uint32_t)at, fields[f].number);
            }
            row_end(w);
        }
}

static void settings(row_writer *w, qn_connection *conn)
{
    for (int i = 0; i < QN_SETTING_COUNT && w->st == QN_OK; i++) {
        qn_buf value;
        qn_buf_init(&value, &conn->db->mem);
        w->st = setting_show(conn, setting_name(i), &value, w->err);
        row_begin(w);
        put_text(w, 0, setting_name(i));
        put_text(w, 1, value.data ? value.data : "");
        put_text(w, 2, setting_meaning(i));
        row_end(w);
        qn_buf_deinit(&value);
    }
}

static void cost(row_writer *w, const char *name, double value, const char *per, const char *source, const char *meaning)
{
    row_begin(w);
    put_text(w, 0, name);
    if (w->relation->column_count > 1) {
        w->values[1].f64 = round(value * 1000) / 1000;
        w->nulls[1] = value == 0; /* rates have no default */
    }
    put_text(w, 2, per);
    put_text(w, 3, source);
    put_text(w, 4, meaning);
    row_end(w);
}

static void costs(row_writer *w, const qn_calibration *c)
{
    const char *rate = c->measured ? "measured" : "unknown";
    cost(w, "read_bandwidth", c->bandwidth_one, "GB/s", rate, "memory read by one thread");
    cost(w, "read_bandwidth_all", c->bandwidth_all, "GB/s", rate, "memory read by all workers together");
    for (int i = 0; i < QN_COST_COUNT && w->st == QN_OK; i++)
        cost(w, qn_cost_name(i), *qn_cost_get(&c->costs, i), "ns", !c->measured ? "default" : c->known[i] ? "measured" : "scaled",
             qn_cost_meaning(i));
}

static void inspect(row_writer *w, const qn_table *t)
{
    for (uint32_t c = 0; c < t->column_count; c++)
        for (uint32_t b = 0; b < t->block_count && w->st == QN_OK; b++) {
            const qn_block_column *m = qn_block_column_at(t->blocks[b].block, c);
            char                   forms[96];
            snprintf(forms, sizeof forms, "packed %u, runs %u, exceptions %u, local %u", m->units_packed, m->units_run,
                     m->units_exception, m->units_local);
            uint64_t total = m->bytes_values + m->bytes_counts + m->bytes_codes + m->bytes_hashes + m->bytes_lengths + m->bytes_trigrams;
            row_begin(w);
            put_text(w, 0, t->columns[c].name);
            put_int(w, 1, b);
            put_text(w, 2, m->kind == QN_COL_DICT ? "dictionary" : "row order");
            put_int(w, 3, m->rows);
            put_int(w, 4, m->null_count);
            put_int(w, 5, m->distinct);
            put_text(w, 6, m->kind == QN_COL_DICT ? forms : NULL);
            put_int(w, 7, m->code_bits);
            put_int(w, 8, (int64_t)m->bytes_values);
            put_int(w, 9, (int64_t)m->bytes_counts);
            put_int(w, 10, (int64_t)m->bytes_codes);
            put_int(w, 11, (int64_t)m->bytes_hashes);
            put_int(w, 12, (int64_t)m->bytes_lengths);
            put_int(w, 13, (int64_t)m->bytes_trigrams);
            put_int(w, 14, (int64_t)total);
            row_end(w);
        }
}

qn_status system_rows(void *arg, const qn_relation *relation, qn_rows *rows, qn_error *err)
{
    system_context *c = arg;
    row_writer      w = {.relation = relation, .rows = rows, .err = err, .st = QN_OK};
    QN_CHECK(relation->column_count <= MAX_COLUMNS);
    switch ((qn_table_function)relation->table_function) {
    case QN_TF_TABLES:
        tables(&w, c->snapshot);
        break;
    case QN_TF_COLUMNS:
        columns(&w, c->snapshot);
        break;
    case QN_TF_SETTINGS:
        settings(&w, c->conn);
        break;
    case QN_TF_CALIBRATE:
        w.st = calibrate(c->conn, err);
        if (w.st == QN_OK)
            costs(&w, &c->conn->calibration);
        break;
    case QN_TF_COSTS:
        costs(&w, &c->conn->calibration);
        break;
    case QN_TF_INSPECT: {
        const qn_expr  *name = relation->argc ? relation->args[0] : NULL;
        char            text[256] = "";
        const qn_table *t = relation->table;
        if (name && name->kind == QN_EXPR_CONST && !name->null)
            snprintf(text, sizeof text, "%.*s", (int)name->value.str.bytes, qn_str_data(&name->value.str));
        t = t ? qn_catalog_table_by_id(c->snapshot, t->id) : qn_catalog_table(c->snapshot, text);
        if (!t)
            return qn_fail(err, QN_SQLSTATE_UNDEFINED_TABLE, "relation \"%s\" does not exist", text);
        inspect(&w, t);
        break;
    }
    default:
        return qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED, "this table function is not supported");
    }
    if (w.st == QN_OK)
        return rows_close(rows, err);
    return w.st;
}
