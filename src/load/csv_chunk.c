/* Pieces of a CSV file and the records in them; and a file as a stream of such pieces. */
#include "load/csv.h"

#define STREAM_BYTES   ((size_t)1 << 20)
#define STREAM_RECORDS (1u << 16)

void qn_csv_chunk_deinit(qn_csv_chunk *c)
{
    if (!c->mem)
        return;
    qn_free(c->mem, c->data, c->data ? c->capacity + QN_LOAD_PADDING : 0);
    qn_free(c->mem, c->records, c->record_capacity * sizeof *c->records);
    c->data = NULL;
    c->records = NULL;
    c->record_capacity = 0;
}

qn_status qn_csv_chunk_reserve(qn_csv_chunk *c, size_t capacity, qn_error *err)
{
    if (c->data && c->capacity >= capacity)
        return QN_OK;
    if (capacity > 2 * QN_LOAD_RECORD_LIMIT)
        return qn_fail(err, QN_SQLSTATE_PROGRAM_LIMIT, "CSV record is longer than %zu bytes", QN_LOAD_RECORD_LIMIT);
    char *data = qn_realloc(c->mem, c->data, c->data ? c->capacity + QN_LOAD_PADDING : 0, capacity + QN_LOAD_PADDING);
    if (!data)
        return qn_nomem(err);
    c->data = data;
    c->capacity = capacity;
    return QN_OK;
}

qn_status qn_csv_chunk_scan(qn_csv_chunk *c, qn_records *records, bool final, uint32_t limit, qn_error *err)
{
    memset(c->data + c->bytes, 0, QN_LOAD_PADDING);
    while (limit) {
        uint32_t found = 0;
        if (c->count == c->record_capacity) {
            uint32_t   capacity = c->record_capacity ? c->record_capacity * 2 : 1024;
            qn_record *r = qn_realloc(c->mem, c->records, c->record_capacity * sizeof *r, capacity * sizeof *r);
            if (!r)
                return qn_nomem(err);
            c->records = r;
            c->record_capacity = capacity;
        }
        uint32_t room = c->record_capacity - c->count;
        room = room < limit ? room : limit;
        qn_status st = qn_records_scan(records, c->data, c->bytes, final, c->base_line, c->records + c->count, room, &found, err);
        c->count += found;
        limit -= found;
        if (st != QN_OK || found < room)
            return st;
    }
    return QN_OK;
}

qn_status qn_csv_stream_open(qn_csv_stream *s, qn_env *env, const char *path, uint64_t limit_bytes,
                             const qn_load_options *options, qn_error *err)
{
    qn_load_source source = {.path = path};
    memset(s, 0, sizeof *s);
    s->chunk.mem = env->mem;
    s->left = limit_bytes;
    qn_records_init(&s->records, options);
    return qn_input_open(env, &source, &s->input, err);
}

void qn_csv_stream_close(qn_csv_stream *s)
{
    qn_csv_chunk_deinit(&s->chunk);
    qn_input_close(s->input);
    s->input = NULL;
}

static qn_status fill(qn_csv_stream *s, qn_error *err)
{
    qn_csv_chunk *c = &s->chunk;
    while (c->bytes < c->capacity && !s->end) {
        size_t got = 0, want = c->capacity - c->bytes;
        want = want < s->left ? want : (size_t)s->left;
        qn_status st = want ? qn_input_read(s->input, c->data + c->bytes, want, &got, err) : QN_OK;
        if (st != QN_OK)
            return st;
        c->bytes += got;
        s->left -= got;
        s->end = got == 0;
    }
    if (!s->begun && c->bytes >= 3 && memcmp(c->data, "\xEF\xBB\xBF", 3) == 0) {
        c->bytes -= 3;
        memmove(c->data, c->data + 3, c->bytes);
    }
    s->begun = true;
    return QN_OK;
}

qn_status qn_csv_stream_next(qn_csv_stream *s, qn_error *err)
{
    qn_csv_chunk *c = &s->chunk;
    size_t        begin = s->records.begin;

    if (begin)
        memmove(c->data, c->data + begin, c->bytes - begin);
    c->bytes -= begin;
    qn_records_move(&s->records);
    c->count = 0;
    c->base_line = s->records.line;
    for (size_t capacity = STREAM_BYTES;; capacity = c->capacity * 2) {
        qn_status st = qn_csv_chunk_reserve(c, capacity, err);
        if (st == QN_OK)
            st = fill(s, err);
        if (st == QN_OK)
            st = qn_csv_chunk_scan(c, &s->records, s->end, STREAM_RECORDS, err);
        if (st != QN_OK || c->count || s->records.done || s->end)
            return st;
    }
}
