/* Records to column values.
 *
 * Rows go through in batches of 64: all fields of the batch are found first, then one column after
 * the other is converted in a tight loop, so the choice by type is made once per batch.  Integers,
 * dates, timestamps, booleans and text have a fast way for their ordinary spelling; whatever it
 * does not accept goes to qn_value_parse.
 *
 * Errors must be those of the first bad row and there of the first bad column, in PostgreSQL's
 * order of checks.  The batch way only notices that something is wrong; the batch is then done
 * again row by row, which finds the error and words it.  Both write the same slots, so doing rows
 * twice does no harm.
 *
 * Not here: where records end (records.c), which rows form a block (run.c). */
#include <stdio.h>

#include "load/load_int.h"
#include "type/datetime.h"

#define BATCH         64u
#define CONTEXT_BYTES 100u /* PostgreSQL shows this much of a line or value */

typedef enum kind {
    KIND_I16,
    KIND_I32,
    KIND_I64,
    KIND_TEXT,
    KIND_VARCHAR,
    KIND_CHAR,
    KIND_DATE,
    KIND_TIMESTAMP,
    KIND_BOOL,
    KIND_OTHER,
    KIND_SKIP /* split, not looked at */
} kind;

typedef struct plan { /* of one column of the file */
    uint32_t column;  /* in the table */
    kind     kind;
    qn_type  type;
    qn_bank  bank;
    bool     not_null, force_not_null, force_null, day_first;
} plan;

struct qn_convert {
    const qn_load_job *job;
    qn_mem            *mem;
    uint32_t           count; /* fields of a record */
    plan              *plans;
    qn_field          *fields;  /* [count][BATCH] */
    uint32_t          *missing; /* table columns that take their default */
    uint32_t           missing_count;
    bool               bad_default; /* a NOT NULL column has the default NULL */
    char              *null_text;   /* padded copy */
    size_t             null_bytes;
    qn_load_options    options; /* with that copy */
    qn_arena           scratch; /* fields of a batch that were rewritten */
};

static kind kind_of(qn_type t)
{
    switch ((qn_sql_type)t.id) {
    case QN_TYPE_SMALLINT:
        return KIND_I16;
    case QN_TYPE_INTEGER:
        return KIND_I32;
    case QN_TYPE_BIGINT:
        return KIND_I64;
    case QN_TYPE_TEXT:
        return KIND_TEXT;
    case QN_TYPE_VARCHAR:
        return t.typmod < 4 ? KIND_TEXT : KIND_VARCHAR;
    case QN_TYPE_CHAR:
        return t.typmod < 4 ? KIND_OTHER : KIND_CHAR;
    case QN_TYPE_DATE:
        return KIND_DATE;
    case QN_TYPE_TIMESTAMP:
        return t.typmod < 0 ? KIND_TIMESTAMP : KIND_OTHER;
    case QN_TYPE_BOOLEAN:
        return KIND_BOOL;
    default:
        return KIND_OTHER;
    }
}

static qn_status make_plans(qn_convert *cv, qn_error *err)
{
    const qn_load_job *job = cv->job;
    qn_status          st = QN_OK;
    size_t             columns = job->table->column_count;
    bool              *given = qn_alloc0(cv->mem, columns + 1);

    QN_ALLOC(err, given);
    for (uint32_t i = 0; i < cv->count; i++) {
        uint32_t         c = job->columns[i];
        plan            *p = &cv->plans[i];
        if (c == QN_LOAD_SKIP) {
            *p = (plan){.column = c, .kind = KIND_SKIP};
            continue;
        }
        const qn_column *col = &job->table->columns[c];
        given[c] = true;
        *p = (plan){
            .column = c, .kind = kind_of(col->type), .type = col->type, .not_null = col->not_null};
        p->bank = qn_type_bank((qn_sql_type)col->type.id);
        p->force_not_null = job->options.force_not_null && job->options.force_not_null[c];
        p->force_null = job->options.force_null && job->options.force_null[c];
        p->day_first = job->options.day_first && job->options.day_first[c];
    }
    for (uint32_t c = 0; c < columns; c++) {
        if (given[c])
            continue;
        cv->missing[cv->missing_count++] = c;
        bool null = !job->defaults || !job->default_nulls || job->default_nulls[c];
        cv->bad_default |= null && job->table->columns[c].not_null;
    }
done:
    qn_free(cv->mem, given, given ? columns + 1 : 0);
    return st;
}

qn_status qn_convert_new(const qn_load_job *job, qn_convert **convert, qn_error *err)
{
    qn_status   st = QN_OK;
    qn_mem     *mem = job->env->mem;
    qn_convert *cv = qn_alloc0(mem, sizeof *cv);
    const char *null_text = job->options.null_text ? job->options.null_text : "";

    *convert = NULL;
    if (!cv)
        return qn_nomem(err);
    cv->job = job;
    cv->mem = mem;
    cv->count = job->column_count;
    cv->null_bytes = strlen(null_text);
    qn_arena_init(&cv->scratch, mem);
    QN_ALLOC(err, cv->plans = qn_alloc0(mem, qn_mul((size_t)cv->count + 1, sizeof *cv->plans)));
    QN_ALLOC(err, cv->fields =
                      qn_alloc0(mem, qn_mul((size_t)cv->count + 1, BATCH * sizeof *cv->fields)));
    QN_ALLOC(err, cv->missing = qn_alloc0(
                      mem, qn_mul((size_t)job->table->column_count + 1, sizeof *cv->missing)));
    QN_ALLOC(err, cv->null_text = qn_alloc0(mem, cv->null_bytes + QN_LOAD_PADDING));
    memcpy(cv->null_text, null_text, cv->null_bytes);
    cv->options = job->options;
    cv->options.null_text = cv->null_text;
    QN_TRY(make_plans(cv, err));
    *convert = cv;
    return QN_OK;
done:
    qn_convert_free(cv);
    return st;
}

void qn_convert_free(qn_convert *cv)
{
    if (!cv)
        return;
    qn_mem *mem = cv->mem;
    size_t  n = (size_t)cv->count + 1;
    qn_arena_deinit(&cv->scratch);
    qn_free(mem, cv->plans, cv->plans ? n * sizeof *cv->plans : 0);
    qn_free(mem, cv->fields, cv->fields ? n * BATCH * sizeof *cv->fields : 0);
    qn_free(mem, cv->missing,
            cv->missing ? ((size_t)cv->job->table->column_count + 1) * sizeof *cv->missing : 0);
    qn_free(mem, cv->null_text, cv->null_text ? cv->null_bytes + QN_LOAD_PADDING : 0);
    qn_free(mem, cv, sizeof *cv);
}

/* ---- ordinary spellings
 * ---------------------------------------------------------------------------- */

static inline uint64_t load64(const char *s)
{
    uint64_t x;
    memcpy(&x, s, 8);
    return x;
}

/* The last n (1 to 8) digits ending a group that begins at s, all at once: bytes to pairs to fours
 * to eight. False when one of them is no digit.  Reads 8 bytes. */
static inline bool digits8(const char *s, uint32_t n, uint64_t *out)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t x = (load64(s) ^ 0x3030303030303030ull) << (64 - 8 * n);
    if (((x + 0x7676767676767676ull) | x) & 0x8080808080808080ull)
        return false;
    x = (x * 10 + (x >> 8)) & 0x00FF00FF00FF00FFull;
    x = (x * 100 + (x >> 16)) & 0x0000FFFF0000FFFFull;
    *out = (x * 10000 + (x >> 32)) & 0xFFFFFFFFull;
    return true;
#else
    uint64_t v = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(s[i] - '0');
    }
    *out = v;
    return true;
#endif
}

/* An optional minus and 1 to 19 digits.  False: not of this form, or out of range. */
static inline bool fast_integer(const char *s, uint32_t n, int64_t *out)
{
    bool     minus = n && *s == '-';
    uint64_t v, low;

    s += minus;
    n -= minus;
    if (n == 0 || n > 19)
        return false;
    uint32_t head = n & 7 ? n & 7 : 8;
    if (!digits8(s, head, &v))
        return false;
    for (s += head, n -= head; n; s += 8, n -= 8) {
        if (!digits8(s, 8, &low))
            return false;
        v = v * 100000000u + low;
    }
    if (v > (uint64_t)INT64_MAX + minus)
        return false;
    *out = (int64_t)(minus ? 0 - v : v);
    return true;
}

static bool fits_char(const plan *p, const qn_field *f)
{
    uint32_t n = (uint32_t)p->type.typmod - 4;
    return f->bytes == n && qn_utf8_count(f->data, n) == n;
}

static bool fits_varchar(const plan *p, const qn_field *f)
{
    uint32_t n = (uint32_t)p->type.typmod - 4;
    return f->bytes <= n || (f->bytes / 4 <= n && qn_utf8_count(f->data, f->bytes) <= n);
}

/* Any value, not NULL, to its slot. */
static qn_status convert_any(qn_convert *cv, const plan *p, const qn_field *f, qn_fill *fill,
                             qn_fill_part *part, uint32_t row, qn_error *err)
{
    qn_datum v;
    memset(&v, 0, sizeof v);
    if (p->kind == KIND_TEXT || (p->kind == KIND_VARCHAR && fits_varchar(p, f)) ||
        (p->kind == KIND_CHAR && fits_char(p, f))) {
        if (!qn_fill_str(part, p->column, f->data, f->bytes, &v.str))
            return qn_nomem(err);
    } else {
        qn_status st =
            qn_value_parse(p->type, f->data, f->bytes, &cv->job->settings, &part->arena, &v, err);
        if (st != QN_OK)
            return st;
    }
    qn_bank_set(p->bank, fill->values[p->column], row, &v);
    return QN_OK;
}

/* FORCE_NOT_NULL and FORCE_NULL. */
static void force(const qn_convert *cv, const plan *p, qn_field *f)
{
    if (!f->data) {
        if (p->force_not_null)
            *f = (qn_field){cv->null_text, (uint32_t)cv->null_bytes, false};
    } else if (p->force_null &&
               ((f->bytes == cv->null_bytes && memcmp(f->data, cv->null_text, f->bytes) == 0) ||
                (f->bytes == 0 && cv->options.empty_null))) {
        *f = (qn_field){NULL, 0, false};
    }
}

/* DD.MM.YYYY becomes MM/DD/YYYY, the order that datetime text is read in.  Other forms stay.  False: no memory. */
static bool month_first(qn_convert *cv, qn_field *f)
{
    const char *s = f->data;
    uint32_t    n = f->bytes, a = 0, b;

    while (s && a < n && s[a] >= '0' && s[a] <= '9')
        a++;
    if (!s || a == 0 || a > 2 || a == n || (s[a] != '.' && s[a] != '/' && s[a] != '-'))
        return true;
    for (b = a + 1; b < n && s[b] >= '0' && s[b] <= '9';)
        b++;
    uint32_t month = b - a - 1;
    if (month == 0 || month > 2 || b == n || s[b] != s[a])
        return true;
    char *out = qn_arena_alloc(&cv->scratch, (size_t)n + 16);
    if (!out)
        return false;
    memcpy(out, s + a + 1, month);
    out[month] = '/';
    memcpy(out + month + 1, s, a);
    out[b] = '/';
    memcpy(out + b + 1, s + b + 1, n - b - 1);
    f->data = out;
    return true;
}

/* ---- a batch, column by column
 * ----------------------------------------------------------------------- */

static bool column_null(const plan *p, qn_fill *fill, uint32_t row)
{
    if (p->not_null)
        return false;
    qn_datum zero;
    memset(&zero, 0, sizeof zero);
    qn_bank_set(p->bank, fill->values[p->column], row, &zero);
    qn_fill_set_null(fill, p->column, row);
    return true;
}

/* The loop over the rows of a batch; FAST tries to store slot[i] from the field f. */
#define EACH_ROW(type, FAST)                                                                       \
    do {                                                                                           \
        type *slot = (type *)fill->values[p->column] + row;                                        \
        for (uint32_t i = 0; i < count; i++, f++) {                                                \
            if (!f->data) {                                                                        \
                if (!column_null(p, fill, row + i))                                                \
                    return false;                                                                  \
            } else if (!(FAST)) {                                                                  \
                if (convert_any(cv, p, f, fill, part, row + i, NULL) != QN_OK)                     \
                    return false;                                                                  \
            }                                                                                      \
        }                                                                                          \
    } while (0)

static bool convert_column(qn_convert *cv, const plan *p, const qn_field *f, uint32_t count,
                           qn_fill *fill, qn_fill_part *part, uint32_t row)
{
    int64_t v;

    switch (p->kind) {
    case KIND_SKIP:
        break;
    case KIND_I16:
        EACH_ROW(int16_t, fast_integer(f->data, f->bytes, &v) && v == (int16_t)v &&
                              (slot[i] = (int16_t)v, true));
        break;
    case KIND_I32:
        EACH_ROW(int32_t, fast_integer(f->data, f->bytes, &v) && v == (int32_t)v &&
                              (slot[i] = (int32_t)v, true));
        break;
    case KIND_I64:
        EACH_ROW(int64_t, fast_integer(f->data, f->bytes, &slot[i]));
        break;
    case KIND_DATE:
        EACH_ROW(int32_t, qn_date_parse_fast(f->data, f->bytes, &slot[i]));
        break;
    case KIND_TIMESTAMP:
        EACH_ROW(int64_t, qn_timestamp_parse_fast(f->data, f->bytes, &slot[i]));
        break;
    case KIND_BOOL:
        EACH_ROW(uint8_t, f->bytes == 1 && (f->data[0] == 't' || f->data[0] == 'f') &&
                              (slot[i] = f->data[0] == 't', true));
        break;
    case KIND_TEXT:
        EACH_ROW(qn_str, qn_fill_str(part, p->column, f->data, f->bytes, &slot[i]));
        break;
    case KIND_VARCHAR:
    case KIND_CHAR:
    case KIND_OTHER: {
        for (uint32_t i = 0; i < count; i++, f++) {
            if (f->data ? convert_any(cv, p, f, fill, part, row + i, NULL) != QN_OK
                        : !column_null(p, fill, row + i))
                return false;
        }
        break;
    }
    }
    return true;
}

static void fill_defaults(const qn_convert *cv, qn_fill *fill, uint32_t row, uint32_t count)
{
    const qn_load_job *job = cv->job;
    for (uint32_t k = 0; k < cv->missing_count; k++) {
        uint32_t c = cv->missing[k];
        qn_bank  bank = qn_type_bank((qn_sql_type)job->table->columns[c].type.id);
        bool     null = !job->defaults || !job->default_nulls || job->default_nulls[c];
        qn_datum v;
        memset(&v, 0, sizeof v);
        if (!null)
            v = job->defaults[c];
        for (uint32_t i = 0; i < count; i++) {
            qn_bank_set(bank, fill->values[c], row + i, &v);
            if (null)
                qn_fill_set_null(fill, c, row + i);
        }
    }
}

/* False: something is wrong, the rows must be done one by one. */
static bool convert_batch(qn_convert *cv, const qn_convert_task *t, uint32_t first, uint32_t count)
{
    qn_fill_part *part = &t->fill->parts[t->part];
    uint32_t      row = t->first_row + first;
    bool          forced = cv->options.force_null || cv->options.force_not_null;

    if (cv->bad_default || cv->count == 0)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const qn_record *r = &t->records[first + i];
        uint32_t         n;
        if (qn_fields_split(&cv->options, cv->null_bytes, t->data + r->begin, r->end - r->begin,
                            cv->fields + i, BATCH, cv->count, &n, &cv->scratch, NULL) != QN_OK ||
            n != cv->count)
            return false;
    }
    for (uint32_t k = 0; k < cv->count; k++) {
        qn_field *f = &cv->fields[(size_t)k * BATCH];
        if (cv->plans[k].kind == KIND_SKIP)
            continue;
        for (uint32_t i = 0; forced && i < count; i++)
            force(cv, &cv->plans[k], &f[i]);
        for (uint32_t i = 0; cv->plans[k].day_first && i < count; i++)
            if (!month_first(cv, &f[i]))
                return false;
        if (!convert_column(cv, &cv->plans[k], f, count, t->fill, part, row))
            return false;
    }
    fill_defaults(cv, t->fill, row, count);
    return true;
}

/* ---- a row by itself, with PostgreSQL's checks in its order
 * ------------------------------------------- */

/* Adds to the detail as far as there is room. */
static void add_detail(qn_error *err, const char *format, ...) QN_PRINTF(2, 3);
static void add_detail(qn_error *err, const char *format, ...)
{
    size_t  at = strlen(err->detail);
    va_list args;
    va_start(args, format);
    vsnprintf(err->detail + at, sizeof err->detail - at, format, args);
    va_end(args);
}

void qn_convert_context(qn_error *err, const char *table, const char *file, uint64_t line, const char *column,
                        const char *text, size_t bytes)
{
    if (!err)
        return;
    size_t shown = bytes;
    if (text && bytes > CONTEXT_BYTES) {
        shown = CONTEXT_BYTES;
        while (shown > 0 && ((unsigned char)text[shown] & 0xC0) == 0x80)
            shown--;
    }
    if (err->detail[0])
        add_detail(err, "\n");
    if (table)
        add_detail(err, "COPY %s, ", table);
    if (file)
        add_detail(err, "file \"%s\", ", file);
    add_detail(err, "line %llu", (unsigned long long)line);
    if (column)
        add_detail(err, ", column %s", column);
    if (text)
        add_detail(err, ": \"%.*s%s\"", (int)shown, text, shown < bytes ? "..." : "");
}

/* NOT NULL, in the order of the table's columns. */
static qn_status row_nulls(const qn_convert *cv, qn_error *err)
{
    const qn_table *table = cv->job->table;

    for (uint32_t c = 0; c < table->column_count; c++) {
        if (!table->columns[c].not_null)
            continue;
        bool null = false;
        for (uint32_t k = 0; k < cv->count; k++)
            null |= cv->plans[k].column == c && !cv->fields[(size_t)k * BATCH].data;
        for (uint32_t k = 0; k < cv->missing_count; k++)
            null |= cv->missing[k] == c &&
                    (!cv->job->defaults || !cv->job->default_nulls || cv->job->default_nulls[c]);
        if (null)
            return qn_fail(
                err, QN_SQLSTATE_NOT_NULL_VIOLATION,
                "null value in column \"%s\" of relation \"%s\" violates not-null constraint",
                table->columns[c].name, table->name);
    }
    return QN_OK;
}

static qn_status convert_row(qn_convert *cv, const qn_convert_task *t, uint32_t index,
                             qn_error *err)
{
    const qn_record *r = &t->records[index];
    const qn_table  *table = cv->job->table;
    const char      *data = t->data + r->begin;
    size_t           bytes = r->end - r->begin;
    qn_fill_part    *part = &t->fill->parts[t->part];
    uint32_t         row = t->first_row + index, n = 0;
    uint64_t         line = t->base_line + r->line;
    qn_status        st;

    st = cv->count == 0 ? QN_OK
                        : qn_fields_split(&cv->options, cv->null_bytes, data, bytes, cv->fields,
                                          BATCH, cv->count, &n, &cv->scratch, err);
    if (st == QN_OK && (n > cv->count || (cv->count == 0 && bytes > 0)))
        st = qn_fail(err, QN_SQLSTATE_BAD_COPY_FORMAT, "extra data after last expected column");
    for (uint32_t k = 0; k < cv->count && st == QN_OK; k++) {
        const plan *p = &cv->plans[k];
        qn_field   *f = &cv->fields[(size_t)k * BATCH];
        if (k >= n && p->kind == KIND_SKIP) {
            st = qn_fail(err, QN_SQLSTATE_BAD_COPY_FORMAT, "missing data for column %u of %u", k + 1, cv->count);
            break;
        }
        if (p->kind == KIND_SKIP)
            continue;
        const char *name = table->columns[p->column].name;
        if (k >= n) {
            st = qn_fail(err, QN_SQLSTATE_BAD_COPY_FORMAT, "missing data for column \"%s\"", name);
            break;
        }
        force(cv, p, f);
        qn_field given = *f;
        if (p->day_first && !month_first(cv, f))
            return qn_nomem(err);
        if (!f->data) {
            column_null(p, t->fill, row);
            continue;
        }
        st = convert_any(cv, p, f, t->fill, part, row, err);
        if (st != QN_OK) {
            qn_convert_context(err, table->name, t->file, line, name, given.data, given.bytes);
            return st;
        }
    }
    if (st == QN_OK)
        st = row_nulls(cv, err);
    if (st != QN_OK)
        qn_convert_context(err, table->name, t->file, line, NULL, data, bytes);
    else
        fill_defaults(cv, t->fill, row, 1);
    return st;
}

/* ---- a task
 * -------------------------------------------------------------------------------------------- */

/* How many records come before the first one that is not UTF-8; *bad is where. */
static uint32_t valid_records(const qn_convert_task *t, size_t *bad)
{
    const qn_record *r = t->records;
    size_t           begin = r[0].begin, bytes = r[t->count - 1].end - begin;
    uint32_t         lo = 0, hi = t->count;

    *bad = begin + qn_load_utf8(t->data + begin, bytes);
    if (*bad == begin + bytes)
        return t->count;
    while (lo + 1 < hi) { /* the last record that begins at or before it */
        uint32_t mid = lo + (hi - lo) / 2;
        if (r[mid].begin <= *bad)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

qn_status qn_convert_run(qn_convert *cv, const qn_convert_task *t, const _Atomic bool *stop,
                         uint64_t *line, qn_error *err)
{
    qn_status st = QN_OK;
    size_t    bad;

    if (t->count == 0)
        return QN_OK;
    uint32_t good = valid_records(t, &bad);
    for (uint32_t first = 0; first < good; first += BATCH) {
        uint32_t count = good - first < BATCH ? good - first : BATCH;
        if (atomic_load_explicit(stop, memory_order_relaxed))
            return QN_OK;
        bool ok = convert_batch(cv, t, first, count);
        for (uint32_t i = 0; !ok && i < count; i++) {
            st = convert_row(cv, t, first + i, err);
            if (st != QN_OK) {
                *line = t->base_line + t->records[first + i].line;
                return st;
            }
        }
        qn_arena_reset(&cv->scratch);
    }
    if (good < t->count) {
        *line = t->base_line + t->records[good].line;
        size_t end = t->data_bytes ? t->data_bytes : t->records[good].end;
        st = qn_load_invalid_utf8(t->data + bad, end - bad, err);
        qn_convert_context(err, cv->job->table->name, t->file, *line, NULL, NULL, 0);
    }
    return st;
}
