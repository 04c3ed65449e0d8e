/* How a CSV file is written, and what its columns hold, from its head.
 *
 * Dialect.  Every combination of delimiter, quote and escape that is not fixed reads the first bytes, and the one whose
 * table looks most like a table wins, in the spirit of van den Burg, Nazábal and Sutton, "Wrangling messy CSV files by
 * detecting row and type patterns" (2019): a score multiplies how regular the rows are (all as long as the first, and
 * more than one field), how clean the cells are (none holds what would be a delimiter elsewhere), and how proper the
 * quotes are (each opens or closes a field; one that never closes is no reason to give up quotes: reading says so).  The reader here and records.c agree on where fields and records end.
 *
 * Header and types.  The records of the sample are then read as they will be when the file is queried.  The first one
 * is a header when it is text over a column of something else; where all is text, when none of it appears below it again.
 *
 * Deliberately not here: lines before the header, comments, several bytes as a delimiter. */
#include "load/csv.h"

#include <stdio.h>

#define DIALECT_BYTES  ((size_t)1 << 16) /* more where records are so long that they hold few */
#define DIALECT_MOST   ((size_t)1 << 22)
#define DIALECT_ROWS   5u
#define SAMPLE_ROWS    10000u
#define COLUMNS_MAX    1600u /* of a table */
#define NAME_BYTES     63u   /* of an identifier */

/* ---- the dialect ----------------------------------------------------------------------------- */

typedef struct dialect {
    char delimiter, quote, escape; /* quote 0: none */
} dialect;

typedef struct tally {
    uint32_t rows, regular, columns; /* columns of the first row */
    uint64_t cells, clean, quotes, stray;
} tally;

static const char delimiters[] = {',', '\t', ';', '|'};

static bool is_delimiter(char c) { return c == ',' || c == '\t' || c == ';' || c == '|'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void end_row(tally *t, uint32_t cells)
{
    if (!t->rows++)
        t->columns = cells;
    t->regular += cells == t->columns;
}

/* Read data under a dialect.  A last row without an end counts when there is no more. */
static void take(const char *data, size_t bytes, bool final, dialect d, tally *t)
{
    uint32_t cells = 0;
    bool     quoted = false, dirty = false, blank = true, at_start = true;

    for (size_t i = 0; i < bytes; i++) {
        char c = data[i];
        if (quoted) {
            if (d.escape && c == d.escape && i + 1 < bytes && (data[i + 1] == d.quote || data[i + 1] == d.escape)) {
                i++;
            } else if (c == d.quote) {
                char next = i + 1 < bytes ? data[i + 1] : '\n';
                quoted = false;
                t->quotes++;
                t->stray += next != d.delimiter && next != '\n' && next != '\r';
            }
            continue;
        }
        if (c == '\n' || c == '\r') {
            if (c == '\r' && i + 1 < bytes && data[i + 1] == '\n')
                i++;
            if (!blank || cells) {
                t->cells++;
                t->clean += !dirty;
                end_row(t, cells + 1);
            }
            cells = 0;
            dirty = false;
            blank = at_start = true;
            continue;
        }
        if (c == '\\' && blank && !cells && i + 1 < bytes && data[i + 1] == '.' &&
            (i + 2 >= bytes || data[i + 2] == '\n' || data[i + 2] == '\r'))
            break; /* the end-of-data marker */
        blank = false;
        if (c == d.delimiter) {
            t->cells++;
            t->clean += !dirty;
            cells++;
            dirty = false;
            at_start = true;
            continue;
        }
        if (d.quote && c == d.quote) {
            quoted = true;
            t->quotes++;
            t->stray += !at_start;
        } else if (is_delimiter(c)) { /* a decimal comma is no sign of another dialect */
            dirty |= c != ',' || i == 0 || !is_digit(data[i - 1]) || i + 1 >= bytes || !is_digit(data[i + 1]);
        }
        at_start = false;
    }
    if (final && (!blank || cells)) {
        t->cells++;
        t->clean += !dirty;
        end_row(t, cells + 1);
    }
}

static double score(const tally *t, dialect d)
{
    double regular = t->rows ? (double)t->regular / t->rows : 1;
    double clean = t->cells ? (double)t->clean / (double)t->cells : 1;
    double proper = t->quotes ? 1 - (double)t->stray / (double)t->quotes : 1;
    /* One field a row is regular whatever the file: it wins where nothing else is. */
    double shape = t->columns > 1 ? regular * regular * regular * regular * (1 - 1.0 / t->columns) : 0.2;
    double usual = d.quote == '"' ? (d.escape == '"' ? 1 : 0.99) : d.quote && t->quotes ? 0.98 : d.quote ? 0.96 : 0.97;
    return shape * (0.25 + 0.75 * clean) * proper * proper * usual;
}

/* *rows: the fewest that a dialect with double quotes finds. */
static dialect best_dialect(const char *data, size_t bytes, bool final, const qn_csv_options *o, uint32_t *rows)
{
    static const dialect quotings[] = {{0, '"', '"'}, {0, '"', '\\'}, {0, '\'', '\''}, {0, '\'', '\\'}, {0, 0, 0}};
    dialect              best = {',', '"', '"'};
    double               best_score = -1;

    *rows = UINT32_MAX;
    for (size_t i = 0; i < sizeof delimiters; i++) {
        for (size_t q = 0; q < sizeof quotings / sizeof *quotings; q++) {
            dialect d = quotings[q];
            d.delimiter = o->has_delimiter ? o->delimiter : delimiters[i];
            if (o->has_quote) {
                d.escape = !o->quote ? 0 : d.escape == '\\' ? '\\' : o->quote;
                d.quote = o->quote;
            }
            if (o->has_escape)
                d.escape = d.quote ? o->escape : 0;
            if (d.quote == d.delimiter)
                continue;
            tally t = {0};
            take(data, bytes, final, d, &t);
            double s = score(&t, d);
            if (d.quote == '"' && t.rows < *rows)
                *rows = t.rows;
            if (s > best_score) {
                best_score = s;
                best = d;
            }
        }
        if (o->has_delimiter)
            break;
    }
    return best;
}

/* The first bytes, without a byte order mark.  *final: that is all. */
static qn_status read_head(qn_env *env, const char *path, char *data, size_t bytes, size_t *got, bool *final, qn_error *err)
{
    qn_status      st = QN_OK;
    qn_load_source source = {.path = path};
    qn_input      *input = NULL;

    *got = 0;
    *final = false;
    QN_TRY(qn_input_open(env, &source, &input, err));
    while (*got < bytes && !*final) {
        size_t n = 0;
        QN_TRY(qn_input_read(input, data + *got, bytes - *got, &n, err));
        *got += n;
        *final = n == 0;
    }
    if (*got >= 2 && (memcmp(data, "\xFF\xFE", 2) == 0 || memcmp(data, "\xFE\xFF", 2) == 0)) {
        st = qn_fail(err, QN_SQLSTATE_CHARACTER_NOT_IN_REPERTOIRE, "file \"%s\" is UTF-16, not UTF-8", path);
    } else if (*got >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0) {
        *got -= 3;
        memmove(data, data + 3, *got);
    }
done:
    qn_input_close(input);
    return st;
}

static qn_status find_dialect(qn_env *env, const char *path, const qn_csv_options *o, qn_arena *arena, qn_csv_shape *shape,
                              qn_error *err)
{
    qn_status   st = QN_OK;
    const char *null_text = o->has_null ? o->null_text : "";
    char       *padded, *data = NULL;
    size_t      capacity = DIALECT_BYTES, bytes;
    uint32_t    rows = 0;
    bool        final = false;
    dialect     d;

    for (;; capacity *= 8) {
        QN_ALLOC(err, data = qn_alloc(env->mem, capacity));
        QN_TRY(read_head(env, path, data, capacity, &bytes, &final, err));
        d = best_dialect(data, bytes, final, o, &rows);
        if (rows >= DIALECT_ROWS || final || capacity >= DIALECT_MOST)
            break;
        qn_free(env->mem, data, capacity);
        data = NULL;
    }
    QN_ALLOC(err, padded = qn_arena_alloc0(arena, strlen(null_text) + QN_LOAD_PADDING));
    memcpy(padded, null_text, strlen(null_text));
    shape->options = (qn_load_options){.format = QN_LOAD_CSV, .delimiter = d.delimiter, .quote = d.quote, .escape = d.escape,
                                       .null_text = padded, .header = o->has_header && o->header};
done:
    qn_free(env->mem, data, data ? capacity : 0);
    return st;
}

/* ---- header and types ------------------------------------------------------------------------ */

typedef struct sample {
    const qn_csv_options *options;
    qn_csv_shape         *shape;
    qn_arena             *arena;
    qn_arena              scratch; /* fields of one record */
    qn_field             *fields;
    qn_field             *first;   /* the first record's, in arena */
    bool                 *again;   /* its text stands in its column below, too */
    bool                  any_first;
    uint64_t              rows;
} sample;

static qn_status split(sample *s, const char *data, const qn_record *r, qn_field *fields, uint32_t limit, uint32_t *count,
                       qn_error *err)
{
    const qn_load_options *o = &s->shape->options;
    return qn_fields_split(o, strlen(o->null_text), data + r->begin, r->end - r->begin, fields, 1, limit, count, &s->scratch,
                           err);
}

static qn_status first_record(sample *s, const char *data, const qn_record *r, qn_error *err)
{
    qn_status st = QN_OK;
    uint32_t  n = 0;

    QN_ALLOC(err, s->first = qn_arena_array(s->arena, qn_field, COLUMNS_MAX));
    QN_TRY(split(s, data, r, s->first, COLUMNS_MAX, &n, err));
    if (n > COLUMNS_MAX)
        return qn_fail(err, QN_SQLSTATE_TOO_MANY_COLUMNS, "files can have at most %u columns", COLUMNS_MAX);
    QN_ALLOC(err, s->fields = qn_arena_array(s->arena, qn_field, n));
    QN_ALLOC(err, s->again = qn_arena_array(s->arena, bool, n));
    QN_ALLOC(err, s->shape->columns = qn_arena_array(s->arena, qn_csv_column, n));
    s->shape->column_count = n;
    for (uint32_t i = 0; i < n; i++) {
        s->shape->columns[i].guess = QN_GUESS_ALL;
        if (s->first[i].data) {
            char *copy = qn_arena_strndup(s->arena, s->first[i].data, s->first[i].bytes);
            QN_ALLOC(err, copy);
            s->first[i].data = copy;
        }
    }
    s->any_first = true;
done:
    return st;
}

/* Nothing, and a null marker in quotes, are NULL where they cannot be text; see also csv_reader.c. */
static void note(const sample *s, qn_csv_column *c, const qn_field *f)
{
    const char *null_text = s->shape->options.null_text;
    bool        null = !f->data || !f->bytes || (f->bytes == strlen(null_text) && !memcmp(f->data, null_text, f->bytes));
    if (!null && c->guess)
        c->guess &= qn_csv_guess_of(f->data, f->bytes);
}

static qn_status take_record(sample *s, const char *data, const qn_record *r, qn_error *err)
{
    uint32_t  n = 0, columns = s->shape->column_count;
    qn_error  ignored = {0};
    qn_status st;

    qn_arena_reset(&s->scratch);
    if (!s->any_first)
        return first_record(s, data, r, err);
    st = split(s, data, r, s->fields, columns, &n, &ignored);
    if (st == QN_NOMEM)
        return qn_nomem(err);
    if (st != QN_OK) /* reading will say so, with its line */
        return QN_OK;
    s->rows++;
    /* Of rows with other numbers of fields too: they shall fail for that, not for what is in them. */
    for (uint32_t i = 0; i < n && i < columns; i++) {
        const qn_field *f = &s->fields[i], *first = &s->first[i];
        if (!s->options->all_text)
            note(s, &s->shape->columns[i], f);
        s->again[i] |= f->data && first->data && f->bytes == first->bytes && memcmp(f->data, first->data, f->bytes) == 0;
    }
    return QN_OK;
}

static bool is_header(const sample *s)
{
    bool typed = false, known = true, empty = false;

    for (uint32_t i = 0; i < s->shape->column_count; i++) {
        const qn_field *f = &s->first[i];
        uint32_t        guess = s->shape->columns[i].guess;
        if (!f->data || !f->bytes) {
            empty = true;
            continue;
        }
        if (qn_csv_guess_of(f->data, f->bytes))
            return false;
        typed |= guess && guess != QN_GUESS_ALL;
        known &= !s->again[i] && f->bytes <= NAME_BYTES && !memchr(f->data, '\n', f->bytes);
        for (uint32_t k = 0; k < i && known; k++)
            known = f->bytes != s->first[k].bytes || memcmp(f->data, s->first[k].data, f->bytes) != 0;
    }
    return typed || (known && !empty);
}

static bool name_is_taken(const qn_csv_shape *shape, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (!strcmp(shape->columns[i].name, name))
            return true;
    return false;
}

/* A column's name as the header has it: without spaces around, cut like an identifier, made unique by a number. */
static qn_status name_column(sample *s, uint32_t i, qn_error *err)
{
    const qn_field *f = &s->first[i];
    const char     *text = s->shape->options.header && f->data ? f->data : "";
    size_t          n = s->shape->options.header && f->data ? f->bytes : 0;
    char           *name;

    while (n && *text == ' ') {
        text++;
        n--;
    }
    while (n && text[n - 1] == ' ')
        n--;
    size_t good = qn_load_utf8(text, n);
    if (good < n)
        return qn_load_invalid_utf8(text + good, n - good, err);
    if (n > NAME_BYTES)
        for (n = NAME_BYTES; n && ((unsigned char)text[n] & 0xC0) == 0x80;)
            n--;
    name = n ? qn_arena_strndup(s->arena, text, n) : qn_arena_printf(s->arena, "column%u", i + 1);
    uint32_t same = 0; /* where to begin to count: many equal names shall not take all numbers in turn */
    for (uint32_t k = 0; k < i; k++)
        same += s->first[k].bytes == f->bytes && f->data && s->first[k].data && !memcmp(s->first[k].data, f->data, f->bytes);
    for (uint32_t k = same ? same : 1; name && name_is_taken(s->shape, i, name); k++) {
        char   number[16];
        size_t digits = (size_t)snprintf(number, sizeof number, "_%u", k), keep = n;
        if (keep > NAME_BYTES - digits)
            for (keep = NAME_BYTES - digits; keep && ((unsigned char)text[keep] & 0xC0) == 0x80;)
                keep--;
        name = n ? qn_arena_printf(s->arena, "%.*s%s", (int)keep, text, number)
                 : qn_arena_printf(s->arena, "column%u%s", i + 1, number);
    }
    s->shape->columns[i].name = name;
    return name ? QN_OK : qn_nomem(err);
}

static qn_status settle(sample *s, qn_error *err)
{
    qn_csv_shape *shape = s->shape;

    if (!s->options->has_header)
        shape->options.header = s->any_first && is_header(s);
    for (uint32_t i = 0; i < shape->column_count; i++) {
        if (!shape->options.header && !s->options->all_text)
            note(s, &shape->columns[i], &s->first[i]);
        if (s->options->all_text)
            shape->columns[i].guess = 0;
        qn_status st = name_column(s, i, err);
        if (st != QN_OK)
            return st;
    }
    shape->sample_rows = s->rows;
    return QN_OK;
}

qn_status qn_csv_sniff(qn_env *env, const char *path, const qn_csv_options *options, qn_arena *arena, qn_csv_shape *shape,
                       qn_error *err)
{
    qn_status     st = QN_OK;
    qn_csv_stream stream = {0};
    sample        s = {.options = options, .shape = shape, .arena = arena};
    uint64_t      most = options->sample_rows ? options->sample_rows : SAMPLE_ROWS;

    memset(shape, 0, sizeof *shape);
    qn_arena_init(&s.scratch, env->mem);
    QN_TRY(find_dialect(env, path, options, arena, shape, err));
    QN_TRY(qn_csv_stream_open(&stream, env, path, UINT64_MAX, &shape->options, err));
    while (s.rows < most && !shape->complete) {
        qn_error later = {0};
        st = qn_csv_stream_next(&stream, &later);
        if (st == QN_NOMEM || (st != QN_OK && !stream.chunk.count && !s.any_first)) {
            if (err && err->status == QN_OK)
                *err = later;
            goto done;
        }
        const qn_csv_chunk *c = &stream.chunk;
        for (uint32_t i = 0; i < c->count && s.rows < most; i++) {
            /* A line that is empty is a row only where rows have one field: the second of a file tells. */
            if (c->records[i].begin == c->records[i].end && (!s.any_first || shape->column_count > 1))
                continue;
            shape->sample_bytes += c->records[i].end - c->records[i].begin + 1;
            QN_TRY(take_record(&s, c->data, &c->records[i], err));
        }
        if (st != QN_OK) { /* reading will meet it again and say where */
            st = QN_OK;
            break;
        }
        shape->complete = s.rows < most && (!c->count || stream.records.done);
    }
    QN_TRY(settle(&s, err));
done:
    if (st != QN_OK && st != QN_NOMEM && err && !strstr(err->message, path)) /* one of many, perhaps */
        qn_error_detail(err, "file \"%s\"", path);
    qn_csv_stream_close(&stream);
    qn_arena_deinit(&s.scratch);
    return st;
}

void qn_csv_merge(qn_csv_shape *a, const qn_csv_shape *b)
{
    for (uint32_t i = 0; i < a->column_count && i < b->column_count; i++)
        a->columns[i].guess &= b->columns[i].guess;
    a->complete = a->complete && b->complete;
    a->sample_rows += b->sample_rows;
    a->sample_bytes += b->sample_bytes;
}
