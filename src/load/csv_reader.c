/* A CSV file as a reader: parts of a megabyte, read by as many threads as want to.
 *
 * Where a record begins depends on every quote before it, so finding records is sequential, as in a load; splitting and
 * converting fields, which takes most of the time, is not.  Whoever opens the part at the frontier of what is known reads
 * its bytes and lists its records, for itself, and so finds where the next part begins; then the next one may do the same
 * while the first converts.  Parts are asked for nearly in order.  Who comes early waits, or pushes the frontier himself
 * through parts that nobody reads.  Part k has the records that begin in its megabyte; a part may be without any.
 *
 * A compressed file is one part, read as a stream.
 *
 * Values are converted by convert.c, so that they mean what they mean to COPY; columns that nobody wants are split off and
 * not looked at.  Unlike COPY an empty line is no row (unless the file has one column), and quoted nothing is NULL in
 * columns that are no text.
 *
 * Under the latch: known, starts[], reading.  I/O happens outside of it; `reading` keeps others from the frontier. */
#include "load/csv.h"

#include "base/thread.h"

#define PART_BYTES  ((uint64_t)1 << 20)
#define SLACK_BYTES ((size_t)1 << 16)
#define BATCH_ROWS  2048u

typedef struct part_start {
    uint64_t offset;
    uint64_t line;
    qn_eol   eol;
    bool     done;   /* the end-of-data marker was met */
    bool     header; /* is still to come */
} part_start;

typedef struct csv_reader {
    qn_reader           head;
    qn_env              env;
    const char         *path; /* owned, like all names below: see arena */
    const qn_csv_shape *shape;
    const bool         *day_first;
    qn_arena            arena;
    bool               *force_null; /* per column */
    bool                compressed;
    uint64_t            bytes, part_bytes;
    qn_file            *file;
    qn_latch            latch;
    qn_cond             moved;
    uint64_t            known; /* starts[0 … known] are */
    part_start         *starts;
    bool                reading;
} csv_reader;

struct qn_reader_cursor {
    const csv_reader *reader;
    qn_env            env;     /* with the cursor's memory */
    uint32_t          count;   /* of columns wanted */
    qn_column        *columns; /* and what they are */
    uint32_t         *map;     /* column of the file to wanted column */
    bool             *force_null, *day_first;
    qn_table          table;
    qn_load_job       job;
    qn_fill           fill;
    qn_convert       *convert;
    qn_csv_chunk      chunk;  /* of a plain file */
    qn_csv_stream     stream; /* of a compressed one */
    const qn_csv_chunk *at;   /* the chunk whose records are handed out */
    uint32_t          next;   /* of its records */
    bool              header, end;
    qn_error          deferred; /* what comes behind the records at hand */
    qn_arena          arena;
};

/* ---- errors ---------------------------------------------------------------------------------- */

/* A byte as an SQL literal. */
static void literal(char c, char out[8])
{
    const char *form = c == 0 ? "''" : c == '\t' ? "E'\\t'" : c == '\'' ? "''''" : "'?'";
    memcpy(out, form, strlen(form) + 1);
    if (out[1] == '?')
        out[1] = c;
}

static void hint(const csv_reader *r, qn_error *err)
{
    const qn_load_options *o = &r->shape->options;
    if (!err)
        return;
    if (qn_error_is(err, QN_SQLSTATE_BAD_COPY_FORMAT)) {
        char delim[8], quote[8], escape[8];
        literal(o->delimiter, delim);
        literal(o->quote, quote);
        literal(o->escape, escape);
        qn_error_hint(err, "Read with delim => %s, quote => %s, escape => %s, header => %s; read_csv takes these options.",
                      delim, quote, escape, o->header ? "true" : "false");
    } else if (qn_error_is(err, QN_SQLSTATE_INVALID_TEXT_REPRESENTATION) || qn_error_is(err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE) ||
             qn_error_is(err, QN_SQLSTATE_INVALID_DATETIME) || qn_error_is(err, QN_SQLSTATE_DATETIME_OVERFLOW)) {
        err->hint[0] = '\0'; /* DateStyle plays no part here */
        qn_error_hint(err,
                      "The type is that of the first %llu rows.  read_csv(…, all_varchar => true) reads text, "
                      "sample_size => -1 looks at all rows first.",
                      (unsigned long long)r->shape->sample_rows);
    }
}

/* ---- plain parts ----------------------------------------------------------------------------- */

static uint64_t part_end(const csv_reader *r, uint64_t part)
{
    uint64_t end = (part + 1) * r->part_bytes;
    return end < r->bytes ? end : r->bytes;
}

static qn_status read_at(const csv_reader *r, qn_csv_chunk *c, uint64_t offset, size_t want, qn_error *err)
{
    size_t    got = 0;
    qn_error  cause = {0};
    qn_vfs   *vfs = r->env.vfs;
    qn_status st = qn_csv_chunk_reserve(c, c->bytes + want, err);

    if (st != QN_OK || !want)
        return st;
    if (vfs->read(vfs, r->file, offset, c->data + c->bytes, want, &got, &cause) != QN_OK) {
        const char *why = strrchr(cause.message, ':');
        return cause.status == QN_NOMEM ? qn_nomem(err)
                                        : qn_fail(err, QN_SQLSTATE_IO_ERROR, "could not read from file \"%s\": %s", r->path,
                                                  why && why[1] == ' ' ? why + 2 : cause.message);
    }
    if (got < want)
        return qn_fail(err, QN_SQLSTATE_IO_ERROR, "file \"%s\" became shorter while it was read", r->path);
    c->bytes += got;
    return QN_OK;
}

/* The records of a part, and where the next one starts.  Records before an error are in the chunk all the same. */
static qn_status scan_part(const csv_reader *r, uint64_t part, const part_start *start, qn_csv_chunk *c, part_start *next,
                           qn_error *err)
{
    qn_records records;
    qn_status  st = QN_OK;
    uint64_t   end = part_end(r, part);

    *next = *start;
    c->bytes = 0;
    c->count = 0;
    c->base_line = start->line;
    if (start->done || start->offset >= end)
        return QN_OK;
    qn_records_init(&records, &r->shape->options);
    records.eol = start->eol;
    records.line = start->line;
    QN_TRY(read_at(r, c, start->offset, (size_t)(end - start->offset), err));
    bool final = end == r->bytes;
    st = qn_csv_chunk_scan(c, &records, final, UINT32_MAX, err);
    for (size_t slack = r->part_bytes < SLACK_BYTES ? (size_t)r->part_bytes : SLACK_BYTES; st == QN_OK && !records.done && !final && records.begin < c->bytes; slack *= 2) {
        uint64_t left = r->bytes - start->offset - c->bytes;
        uint32_t before = c->count;
        final = left <= slack;
        QN_TRY(read_at(r, c, start->offset + c->bytes, final ? (size_t)left : slack, err));
        st = qn_csv_chunk_scan(c, &records, final, 1, err);
        if (c->count > before)
            break;
    }
    if (st != QN_OK) {
        qn_convert_context(err, NULL, r->path, records.line, NULL, NULL, 0);
        return st;
    }
    next->offset = start->offset + records.begin;
    next->line = records.line;
    next->eol = records.eol;
    next->done = records.done;
    /* what the cursor will drop: see drop_lines */
    for (uint32_t i = 0; i < c->count && next->header; i++)
        next->header = c->records[i].begin == c->records[i].end;
done:
    return st;
}

/* Lists the part's records in the cursor's chunk, when its turn has come. */
static qn_status open_part(qn_reader_cursor *c, uint64_t part, qn_error *err)
{
    csv_reader *r = (csv_reader *)c->reader;
    part_start  next;

    qn_latch_take(&r->latch);
    for (;;) {
        if (r->known > part) { /* somebody was here before */
            part_start start = r->starts[part];
            qn_latch_drop(&r->latch);
            c->header = start.header;
            return scan_part(r, part, &start, &c->chunk, &next, err);
        }
        if (!r->reading)
            break;
        qn_cond_wait(&r->moved, &r->latch);
    }
    r->reading = true;
    for (;;) {
        uint64_t   at = r->known;
        part_start start = r->starts[at];
        qn_latch_drop(&r->latch);
        qn_status st = scan_part(r, at, &start, &c->chunk, &next, err);
        qn_latch_take(&r->latch);
        if (st == QN_OK)
            r->starts[r->known = at + 1] = next;
        if (st == QN_OK && at < part)
            continue;
        r->reading = false;
        qn_cond_broadcast(&r->moved);
        qn_latch_drop(&r->latch);
        c->header = start.header;
        if (st != QN_OK && at < part) /* the error of rows before, not of these */
            c->chunk.count = 0;
        return st;
    }
}

/* ---- cursors --------------------------------------------------------------------------------- */

/* The header, and lines that are no rows. */
static void drop_lines(qn_reader_cursor *c, qn_csv_chunk *chunk)
{
    bool     many = c->reader->shape->column_count > 1;
    uint32_t n = 0;

    for (uint32_t i = 0; i < chunk->count; i++) {
        bool empty = chunk->records[i].begin == chunk->records[i].end;
        if (empty && (many || c->header))
            continue;
        if (c->header) {
            c->header = false;
            continue;
        }
        chunk->records[n++] = chunk->records[i];
    }
    chunk->count = n;
}

static void cursor_close(qn_reader_cursor *c)
{
    if (!c)
        return;
    qn_mem *mem = c->env.mem;
    qn_convert_free(c->convert);
    qn_fill_deinit(&c->fill);
    qn_csv_chunk_deinit(&c->chunk);
    qn_csv_stream_close(&c->stream);
    qn_arena_deinit(&c->arena);
    qn_free(mem, c, sizeof *c);
}

static qn_status cursor_move(qn_reader_cursor *c, uint64_t part, qn_error *err)
{
    const csv_reader *r = c->reader;

    c->next = 0;
    c->end = !r->compressed;
    qn_error_clear(&c->deferred);
    if (r->compressed) {
        qn_csv_stream_close(&c->stream);
        c->header = r->shape->options.header;
        c->at = &c->stream.chunk;
        return qn_csv_stream_open(&c->stream, &c->env, r->path, UINT64_MAX, &r->shape->options, err);
    }
    c->at = &c->chunk;
    if (open_part(c, part, &c->deferred) != QN_OK && c->deferred.status == QN_NOMEM)
        return qn_nomem(err);
    drop_lines(c, &c->chunk);
    return QN_OK;
}

static qn_status cursor_open(const qn_reader *reader, uint64_t part, const uint32_t *columns, uint32_t count, qn_mem *mem,
                             qn_reader_cursor **cursor, qn_error *err)
{
    qn_status         st = QN_OK;
    const csv_reader *r = (const csv_reader *)reader;
    qn_reader_cursor *c = qn_alloc0(mem, sizeof *c);

    *cursor = NULL;
    if (!c)
        return qn_nomem(err);
    c->reader = r;
    c->env = r->env;
    c->env.mem = mem;
    c->count = count;
    c->chunk.mem = mem;
    qn_arena_init(&c->arena, mem);
    QN_ALLOC(err, c->columns = qn_arena_array(&c->arena, qn_column, (size_t)count + 1));
    QN_ALLOC(err, c->force_null = qn_arena_array(&c->arena, bool, (size_t)count + 1));
    QN_ALLOC(err, c->day_first = qn_arena_array(&c->arena, bool, (size_t)count + 1));
    QN_ALLOC(err, c->map = qn_arena_array(&c->arena, uint32_t, (size_t)reader->column_count + 1));
    for (uint32_t i = 0; i < reader->column_count; i++)
        c->map[i] = QN_LOAD_SKIP;
    for (uint32_t i = 0; i < count; i++) {
        const qn_reader_column *from = &reader->columns[columns[i]];
        c->columns[i] = (qn_column){.name = from->name, .type = from->type};
        c->force_null[i] = from->type.id != QN_TYPE_TEXT;
        c->day_first[i] = r->day_first && r->day_first[columns[i]];
        c->map[columns[i]] = i;
    }
    c->table = (qn_table){.column_count = count, .columns = c->columns};
    c->job = (qn_load_job){.env = &c->env, .table = &c->table, .columns = c->map, .column_count = reader->column_count,
                           .options = r->shape->options, .settings = {.extra_float_digits = 1}};
    c->job.options.force_null = c->force_null;
    c->job.options.empty_null = true;
    c->job.options.day_first = c->day_first;
    QN_TRY(qn_fill_init(&c->fill, mem, c->columns, count, 1, err));
    QN_TRY(qn_fill_reserve(&c->fill, BATCH_ROWS, err));
    QN_TRY(qn_convert_new(&c->job, &c->convert, err));
    QN_TRY(cursor_move(c, part, err));
    *cursor = c;
    return QN_OK;
done:
    cursor_close(c);
    return st;
}

/* More records of a stream; those before an error are good. */
static qn_status refill(qn_reader_cursor *c, qn_error *err)
{
    c->next = 0;
    qn_status st = qn_csv_stream_next(&c->stream, &c->deferred);
    if (st == QN_NOMEM)
        return qn_nomem(err);
    if (st != QN_OK)
        qn_convert_context(&c->deferred, NULL, c->reader->path, c->stream.records.line, NULL, NULL, 0);
    c->end = st != QN_OK || !c->stream.chunk.count;
    drop_lines(c, &c->stream.chunk);
    return QN_OK;
}

static qn_status cursor_next(qn_reader_cursor *c, qn_reader_vector *vectors, uint32_t *rows, qn_error *err)
{
    static const _Atomic bool never;
    qn_status                 st;
    uint64_t                  line = 0;
    qn_error                  failure = {0};

    *rows = 0;
    while (c->next == c->at->count && !c->end) {
        st = refill(c, err);
        if (st != QN_OK)
            return st;
    }
    uint32_t n = c->at->count - c->next;
    if (!n) {
        if (c->deferred.status == QN_OK)
            return QN_OK;
        hint(c->reader, &c->deferred);
        if (err && err->status == QN_OK)
            *err = c->deferred;
        return c->deferred.status;
    }
    n = n < BATCH_ROWS ? n : BATCH_ROWS;
    qn_fill_reset(&c->fill);
    qn_convert_task task = {.data = c->at->data, .records = c->at->records + c->next, .count = n,
                            .base_line = c->at->base_line, .fill = &c->fill, .file = c->reader->path};
    st = qn_convert_run(c->convert, &task, &never, &line, &failure);
    if (st != QN_OK) {
        hint(c->reader, &failure);
        if (err && err->status == QN_OK)
            *err = failure;
        return st;
    }
    for (uint32_t i = 0; i < c->count; i++)
        vectors[i] = (qn_reader_vector){.data = c->fill.values[i], .nulls = c->fill.has_nulls[i] ? c->fill.nulls[i] : NULL};
    c->next += n;
    *rows = n;
    return QN_OK;
}

static double cursor_fraction(const qn_reader_cursor *c)
{
    return c->reader->compressed ? qn_input_fraction(c->stream.input)
           : c->at->count        ? (double)c->next / c->at->count
                                 : 1;
}

/* ---- readers --------------------------------------------------------------------------------- */

static void reader_close(qn_reader *reader)
{
    csv_reader *r = (csv_reader *)reader;
    if (!r)
        return;
    qn_mem *mem = r->env.mem;
    r->env.vfs->close(r->env.vfs, r->file);
    qn_latch_deinit(&r->latch);
    qn_cond_deinit(&r->moved);
    qn_arena_deinit(&r->arena);
    qn_free(mem, r, sizeof *r);
}

static const qn_reader_ops ops = {.close = reader_close, .cursor_open = cursor_open, .cursor_next = cursor_next,
                                  .cursor_close = cursor_close, .cursor_move = cursor_move,
                                  .cursor_fraction = cursor_fraction};

uint64_t qn_csv_part_count(const char *path, uint64_t bytes, uint64_t part_bytes)
{
    uint64_t each = part_bytes ? part_bytes : PART_BYTES;
    if (qn_codec_of_path(path) != QN_CODEC_NONE)
        return 1;
    return bytes / each + (bytes % each != 0);
}

/* Opens a plain file and finds where its text begins. */
static qn_status open_plain(csv_reader *r, qn_error *err)
{
    qn_status    st = QN_OK;
    qn_vfs      *vfs = r->env.vfs;
    qn_error     cause = {0};
    qn_csv_chunk head = {.mem = r->env.mem};

    if (vfs->open(vfs, r->path, QN_OPEN_READ, &r->file, &cause) != QN_OK) {
        const char *why = strrchr(cause.message, ':');
        return cause.status == QN_NOMEM ? qn_nomem(err)
                                        : qn_fail(err, cause.status == QN_IO ? QN_SQLSTATE_IO_ERROR : QN_SQLSTATE_INTERNAL_ERROR,
                                                  "could not open file \"%s\" for reading: %s", r->path,
                                                  why && why[1] == ' ' ? why + 2 : cause.message);
    }
    QN_ALLOC(err, r->starts = qn_arena_array(&r->arena, part_start, (size_t)r->head.part_count + 1));
    r->starts[0] = (part_start){.header = r->shape->options.header};
    if (r->bytes >= 3) {
        QN_TRY(read_at(r, &head, 0, 3, err));
        if (memcmp(head.data, "\xEF\xBB\xBF", 3) == 0)
            r->starts[0].offset = 3;
    }
done:
    qn_csv_chunk_deinit(&head);
    return st;
}

qn_status qn_csv_open_shape(qn_env *env, const char *path, uint64_t limit_bytes, uint64_t part_bytes,
                            const qn_csv_shape *shape, const qn_reader_column *columns, const bool *day_first, qn_reader **reader, qn_error *err)
{
    qn_status   st = QN_OK;
    csv_reader *r = qn_alloc0(env->mem, sizeof *r);

    *reader = NULL;
    if (!r)
        return qn_nomem(err);
    r->env = *env;
    r->shape = shape;
    r->day_first = day_first;
    r->bytes = limit_bytes;
    r->part_bytes = part_bytes ? part_bytes : PART_BYTES;
    r->compressed = qn_codec_of_path(path) != QN_CODEC_NONE;
    r->head = (qn_reader){.ops = &ops, .columns = columns, .column_count = shape->column_count, .rows = UINT64_MAX,
                          .part_count = qn_csv_part_count(path, limit_bytes, part_bytes), .bytes = limit_bytes};
    qn_arena_init(&r->arena, env->mem);
    qn_latch_init(&r->latch);
    qn_cond_init(&r->moved);
    QN_ALLOC(err, r->path = qn_arena_strdup(&r->arena, path));
    if (!r->compressed)
        QN_TRY(open_plain(r, err));
    *reader = &r->head;
    return QN_OK;
done:
    reader_close(&r->head);
    return st;
}
