/* A load: one reader, some workers, and the calling thread that watches.
 *
 * The reader takes plain bytes from the input, finds where records end and cuts tasks: runs of
 * records of one chunk that belong to one block.  It knows each record's row number, so workers
 * write straight to the right rows of the block being filled, in any order.  When all rows of a
 * block are there its columns are encoded, one column a piece, by whoever is free; the last one
 * writes the block.  Encoding goes before parsing, so the oldest block leaves first and its buffers
 * are used again.
 *
 * What block k holds depends on the input alone, never on the number of threads: rows k·2^19 and
 * on.  Only rows so long that a block's text would pass BLOCK_TEXT_BYTES, or a memory limit too
 * small for the buffers of a full block and for encoding it, make blocks shorter.
 *
 * Several files are loaded one after the other, and rows of two may share a block.  The reader begins each with a
 * fresh chunk, and a place in the input is the number of the file above the line in it.
 *
 * Errors.  Each failure has a key: twice its place, plus one when it belongs to a whole block.  The
 * lowest key wins.  Tasks are given out in order, and after a failure only those that could still
 * fail earlier are done, so the line reported does not depend on timing.
 *
 * Bounds: CHUNKS_PER_WORKER chunks a worker plus two, two blocks (one under a tight limit).
 *
 * A file is read on a thread of its own; a callback is called on the thread that called
 * qn_load_run, because it may belong to a connection. */
#include "load/load_int.h"

#define CHUNK_BYTES       ((size_t)4 << 20)
#define CHUNK_LEAST       ((size_t)1 << 17)
#define CHUNK_RECORDS     (1u << 17)
#define CHUNKS_PER_WORKER 2
#define BLOCK_TEXT_BYTES  ((uint64_t)1 << 30)
#define THREADS_MAX       256
#define FILLS_MAX         2
#define POLL_NS           100000000u
#define NO_FAILURE        UINT64_MAX
#define FILE_SHIFT        44 /* a place: the file's number, and its line in so many bits */

typedef struct chunk {
    struct chunk *next;
    char         *data;
    size_t        capacity; /* without padding */
    size_t        bytes;
    qn_record    *records;
    uint32_t      record_capacity, count;
    uint64_t      base_line;
    uint32_t      file;
    uint32_t      pending; /* tasks not done yet, and the reader; under latch once tasks are out */
} chunk;

typedef struct task {
    struct task  *next;
    chunk        *chunk;
    struct block *block;
    uint32_t      first, count; /* records of the chunk */
    uint32_t      row;          /* of the block */
} task;

typedef struct block { /* a fill and where it stands */
    qn_fill   fill;
    bool      busy;    /* holds rows or is being encoded */
    bool      closed;  /* no more rows come */
    uint32_t  pending; /* tasks not done yet */
    uint64_t  sequence;
    uint64_t  last_place;
    uint64_t  text_bytes;
    uint32_t *order; /* columns in the order of encoding */
    uint32_t  next_column, columns_left;
} block;

typedef struct worker {
    struct load      *load;
    uint32_t          index;
    qn_thread         thread;
    bool              started;
    qn_block_builder *builder;
    qn_convert       *convert;
} worker;

typedef struct load {
    const qn_load_job *job;
    qn_mem            *mem;
    const qn_load_source *source;
    uint32_t           file_count;
    uint32_t           threads, chunk_count, fill_count;
    uint32_t           block_rows;
    uint64_t           block_text;
    size_t             chunk_bytes;
    chunk             *chunks;
    task              *tasks;
    uint32_t           task_count;
    block              blocks[FILLS_MAX];
    worker            *workers;
    bool               reader_started;
    qn_thread          reader_thread;

    /* the reader's own */
    qn_records records;
    size_t     fill_bytes; /* how full the next chunk is made: less than its capacity when lines are short */
    bool       list_full;  /* the chunk just scanned has more records than can be listed */
    bool       header_done;
    bool       header_bad;
    qn_arena   scratch;
    block     *filling;
    uint64_t   next_sequence, rows;
    bool       inline_reader;
    uint64_t   polled_ns;

    /* under latch */
    qn_latch latch;
    qn_input *input; /* of the current file; the reader alone changes it */
    uint32_t  file;
    qn_cond  work; /* for workers */
    qn_cond  room; /* for the reader: a chunk, a task or a block is free */
    qn_cond  idle; /* for the caller */
    chunk   *free_chunks;
    task    *free_tasks, *first_task, *last_task;
    bool     reader_done;
    uint32_t workers_running;
    uint64_t failed_key;
    qn_error failure;

    /* Set under latch with the first failure, read anywhere without it; a hint to stop early. */
    _Atomic bool failing;
    _Atomic bool canceled; /* set by the caller: everybody stops at once */
} load;

/* ---- failures
 * ---------------------------------------------------------------------------------------- */

static void fail_locked(load *l, uint64_t key, const qn_error *err)
{
    if (key < l->failed_key) {
        l->failed_key = key;
        l->failure = *err;
    }
    atomic_store(&l->failing, true);
    if (key == 0)
        atomic_store(&l->canceled, true);
    qn_cond_broadcast(&l->work);
    qn_cond_broadcast(&l->room);
}

static void fail(load *l, uint64_t key, const qn_error *err)
{
    qn_latch_take(&l->latch);
    fail_locked(l, key, err);
    qn_latch_drop(&l->latch);
}

static void cancel(load *l)
{
    qn_error err = {0};
    qn_fail(&err, QN_SQLSTATE_QUERY_CANCELED, "canceling statement due to user request");
    fail(l, 0, &err);
}

static bool canceled(const load *l)
{
    return l->job->cancel && atomic_load(l->job->cancel);
}

/* ---- blocks and tasks, latch held
 * ------------------------------------------------------------------------ */

static void free_chunk_locked(load *l, chunk *c)
{
    c->next = l->free_chunks;
    l->free_chunks = c;
    qn_cond_broadcast(&l->room);
}

/* What is given out one by one: columns, or the block itself when its table has none. */
static uint32_t pieces_of(const block *b)
{
    return b->fill.column_count ? b->fill.column_count : 1;
}

/* All rows are there, or none will come: encode the block, or drop it after a failure. */
static void settle_block_locked(load *l, block *b)
{
    if (!b->closed || b->pending)
        return;
    if (l->failed_key != NO_FAILURE) {
        b->busy = false;
        qn_cond_broadcast(&l->room);
        return;
    }
    qn_fill_order(&b->fill, b->order);
    b->next_column = 0;
    b->columns_left = pieces_of(b);
    qn_cond_broadcast(&l->work);
}

static bool encodable(const load *l, const block *b)
{
    return l->failed_key == NO_FAILURE && b->busy && b->closed && !b->pending &&
           b->next_column < pieces_of(b);
}

static block *block_to_encode_locked(load *l)
{
    block *best = NULL;
    for (uint32_t i = 0; i < l->fill_count; i++) {
        block *b = &l->blocks[i];
        if (encodable(l, b) && (!best || b->sequence < best->sequence))
            best = b;
    }
    return best;
}

static void task_done_locked(load *l, task *t)
{
    if (--t->chunk->pending == 0)
        free_chunk_locked(l, t->chunk);
    t->block->pending--;
    settle_block_locked(l, t->block);
    t->next = l->free_tasks;
    l->free_tasks = t;
    qn_cond_broadcast(&l->room);
}

/* ---- workers
 * ------------------------------------------------------------------------------------------- */

static void encode_step(worker *w, block *b, uint32_t column)
{
    load     *l = w->load;
    qn_error  err = {0};
    uint64_t  key = b->last_place * 2 + 1;
    qn_status st = QN_OK;

    if (column < b->fill.column_count)
        st = qn_fill_encode(&b->fill, w->builder, column, &err);

    qn_latch_take(&l->latch);
    if (st != QN_OK)
        fail_locked(l, key, &err);
    bool last = --b->columns_left == 0;
    bool write = last && l->failed_key == NO_FAILURE;
    qn_latch_drop(&l->latch);
    if (write) {
        const qn_load_job *job = l->job;
        if (qn_fill_write(&b->fill, job->store_env, job->change, job->table->id, b->sequence,
                          &err) != QN_OK)
            fail(l, key, &err);
    }
    qn_latch_take(&l->latch);
    if (last) {
        b->busy = false;
        qn_cond_broadcast(&l->room);
        qn_cond_broadcast(&l->work);
    }
    qn_latch_drop(&l->latch);
}

static uint64_t place(const load *l, uint32_t file, uint64_t line)
{
    return l->file_count ? (uint64_t)file << FILE_SHIFT | line : line;
}

/* The file's name for errors, where there are several. */
static const char *file_name(const load *l, uint32_t file)
{
    return l->file_count > 1 ? l->source->paths[file] : NULL;
}

static void parse_step(worker *w, task *t)
{
    load           *l = w->load;
    chunk          *c = t->chunk;
    qn_error        err = {0};
    uint64_t        line = 0;
    qn_convert_task ct = {c->data,  c->bytes,     c->records + t->first,
                          t->count, c->base_line, &t->block->fill,
                          w->index, file_name(l, c->file), t->row};

    if (qn_convert_run(w->convert, &ct, &l->canceled, &line, &err) != QN_OK)
        fail(l, place(l, c->file, line) * 2, &err);
}

static bool blocks_idle(const load *l)
{
    for (uint32_t i = 0; i < l->fill_count; i++) {
        if (l->blocks[i].busy)
            return false;
    }
    return true;
}

static void worker_main(void *arg)
{
    worker *w = arg;
    load   *l = w->load;

    qn_latch_take(&l->latch);
    while (!atomic_load(&l->canceled)) {
        block *b = block_to_encode_locked(l);
        task  *t = l->first_task;
        if (b) {
            uint32_t column = b->order[b->next_column++];
            qn_latch_drop(&l->latch);
            encode_step(w, b, column);
            qn_latch_take(&l->latch);
        } else if (t) {
            l->first_task = t->next;
            if (!l->first_task)
                l->last_task = NULL;
            uint64_t first_line = t->chunk->base_line + t->chunk->records[t->first].line;
            bool     wanted = place(l, t->chunk->file, first_line) * 2 < l->failed_key;
            qn_latch_drop(&l->latch);
            if (wanted)
                parse_step(w, t);
            qn_latch_take(&l->latch);
            task_done_locked(l, t);
        } else if (l->reader_done && (l->failed_key != NO_FAILURE || blocks_idle(l))) {
            break;
        } else {
            qn_cond_wait(&l->work, &l->latch);
        }
    }
    l->workers_running--;
    qn_cond_broadcast(&l->work);
    qn_cond_broadcast(&l->idle);
    qn_latch_drop(&l->latch);
}

/* ---- the reader
 * ------------------------------------------------------------------------------------------ */

/* Share of the input that was read, each file counting the same; negative when unknown. */
static double fraction(load *l)
{
    qn_latch_take(&l->latch);
    double f = l->input ? qn_input_fraction(l->input) : 1;
    if (l->file_count > 1)
        f = (l->file + (f < 0 ? 0 : f)) / l->file_count;
    qn_latch_drop(&l->latch);
    return f;
}

/* The caller's duties when it is itself the reader: progress and cancel. */
static void poll_inline(load *l)
{
    const qn_load_job *job = l->job;
    uint64_t           now =
        job->env->clock.monotonic_ns ? job->env->clock.monotonic_ns(job->env->clock.self) : 0;

    if (canceled(l))
        cancel(l);
    if (job->progress && now - l->polled_ns >= POLL_NS) {
        l->polled_ns = now;
        if (!job->progress(job->progress_arg, fraction(l)))
            cancel(l);
    }
}

/* Wait until something is free.  The inline reader wakes up to poll. */
static void wait_room_locked(load *l) QN_REQUIRES(&l->latch)
{
    if (!l->inline_reader) {
        qn_cond_wait(&l->room, &l->latch);
        return;
    }
    if (!qn_cond_wait_for(&l->room, &l->latch, POLL_NS)) {
        qn_latch_drop(&l->latch);
        poll_inline(l);
        qn_latch_take(&l->latch);
    }
}

/* NULL after a failure elsewhere. */
static chunk *take_chunk(load *l)
{
    qn_latch_take(&l->latch);
    while (!l->free_chunks && l->failed_key == NO_FAILURE)
        wait_room_locked(l);
    chunk *c = l->failed_key == NO_FAILURE ? l->free_chunks : NULL;
    if (c)
        l->free_chunks = c->next;
    qn_latch_drop(&l->latch);
    if (c) {
        c->bytes = 0;
        c->count = 0;
        c->base_line = 0;
        c->file = l->file;
        c->pending = 1; /* the reader's own hold, see release_chunk */
    }
    return c;
}

/* The reader is through with c; tasks may still use it. */
static void release_chunk(load *l, chunk *c)
{
    qn_latch_take(&l->latch);
    if (--c->pending == 0)
        free_chunk_locked(l, c);
    qn_latch_drop(&l->latch);
}

static qn_status reserve_chunk(load *l, chunk *c, size_t capacity, qn_error *err)
{
    if (c->capacity >= capacity)
        return QN_OK;
    if (capacity > 2 * QN_LOAD_RECORD_LIMIT)
        return qn_fail(err, QN_SQLSTATE_PROGRAM_LIMIT, "COPY line is longer than %zu bytes",
                       QN_LOAD_RECORD_LIMIT);
    char *data = qn_realloc(l->mem, c->data, c->data ? c->capacity + QN_LOAD_PADDING : 0,
                            capacity + QN_LOAD_PADDING);
    if (!data)
        return qn_nomem(err);
    c->data = data;
    c->capacity = capacity;
    return QN_OK;
}

/* A bad line end behind bytes that are no text: those are the error that PostgreSQL meets first. */
static qn_status invalid_text_first(const load *l, const chunk *c, qn_status st, qn_error *err)
{
    const char *begin = c->data + l->records.begin;
    size_t      bytes = l->records.scan - l->records.begin, good = qn_load_utf8(begin, bytes);

    if (good == bytes)
        return st;
    if (err)
        qn_error_clear(err);
    return qn_load_invalid_utf8(begin + good, c->bytes - l->records.begin - good, err);
}

/* Find records in what was read.  The array of records grows up to CHUNK_RECORDS. */
static qn_status scan_chunk(load *l, chunk *c, bool final, qn_error *err)
{
    memset(c->data + c->bytes, 0, QN_LOAD_PADDING);
    for (;;) {
        uint32_t found = 0;
        if (c->count == c->record_capacity && c->record_capacity < CHUNK_RECORDS) {
            uint32_t   capacity = c->record_capacity ? c->record_capacity * 2 : 1024;
            qn_record *r = qn_realloc(l->mem, c->records, c->record_capacity * sizeof *r,
                                      capacity * sizeof *r);
            if (!r)
                return qn_nomem(err);
            c->records = r;
            c->record_capacity = capacity;
        }
        uint32_t  room = c->record_capacity - c->count;
        qn_status st = qn_records_scan(&l->records, c->data, c->bytes, final, c->base_line,
                                       c->records + c->count, room, &found, err);
        c->count += found;
        if (st != QN_OK)
            st = invalid_text_first(l, c, st, err);
        l->list_full = c->count >= CHUNK_RECORDS;
        if (st != QN_OK || found < room || l->list_full)
            return st;
    }
}

/* The header has to be text; HEADER MATCH compares it with the names of the file's columns. */
static qn_status check_header(load *l, const chunk *c, qn_error *err)
{
    const qn_load_job *job = l->job;
    const qn_record   *r = &c->records[0];
    qn_load_options    options = job->options;
    qn_field   *fields = qn_arena_array(&l->scratch, qn_field, (size_t)job->column_count + 1);
    uint32_t    n = 0;
    const char *null_text = options.null_text ? options.null_text : "";
    qn_status   st;

    if (!fields)
        return qn_nomem(err);
    size_t good = qn_load_utf8(c->data + r->begin, r->end - r->begin);
    if (good < r->end - r->begin) {
        st = qn_load_invalid_utf8(c->data + r->begin + good, c->bytes - r->begin - good, err);
        qn_convert_context(err, job->table->name, file_name(l, c->file), 1, NULL, NULL, 0);
        return st;
    }
    if (!options.header_match)
        return QN_OK;
    options.null_text = null_text;
    st = qn_fields_split(&options, strlen(null_text), c->data + r->begin, r->end - r->begin, fields,
                         1, job->column_count, &n, &l->scratch, err);
    if (st != QN_OK)
        return st;
    if (n != job->column_count)
        return qn_fail(err, QN_SQLSTATE_BAD_COPY_FORMAT,
                       "wrong number of fields in header line: got %u, expected %u", n,
                       job->column_count);
    for (uint32_t i = 0; i < n; i++) {
        const char *name = job->table->columns[job->columns[i]].name;
        if (!fields[i].data)
            return qn_fail(err, QN_SQLSTATE_BAD_COPY_FORMAT,
                           "column name mismatch in header line field %u: got null value (\"%s\"), "
                           "expected \"%s\"",
                           i + 1, null_text, name);
        if (strlen(name) != fields[i].bytes || memcmp(name, fields[i].data, fields[i].bytes) != 0)
            return qn_fail(
                err, QN_SQLSTATE_BAD_COPY_FORMAT,
                "column name mismatch in header line field %u: got \"%.*s\", expected \"%s\"",
                i + 1, (int)fields[i].bytes, fields[i].data, name);
    }
    return QN_OK;
}

/* The block that takes the next rows; NULL after a failure elsewhere, or with *err set. */
static block *filling_block(load *l, uint32_t rows_at_hand, bool final, qn_error *err)
{
    if (l->filling)
        return l->filling;
    qn_latch_take(&l->latch);
    block *b = NULL;
    for (;;) {
        for (uint32_t i = 0; i < l->fill_count && !b; i++) {
            if (!l->blocks[i].busy)
                b = &l->blocks[i];
        }
        if (b || l->failed_key != NO_FAILURE)
            break;
        wait_room_locked(l);
    }
    if (l->failed_key != NO_FAILURE)
        b = NULL;
    qn_latch_drop(&l->latch);
    if (!b)
        return NULL;
    /* A small file does not pay for a whole block. */
    uint32_t rows = final && rows_at_hand < l->block_rows ? rows_at_hand : l->block_rows;
    qn_fill_reset(&b->fill);
    if (qn_fill_reserve(&b->fill, rows, err) != QN_OK)
        return NULL;
    qn_latch_take(&l->latch);
    b->busy = true;
    b->closed = false;
    b->pending = 0;
    b->text_bytes = 0;
    b->next_column = pieces_of(b);
    b->sequence = l->next_sequence++;
    qn_latch_drop(&l->latch);
    return l->filling = b;
}

static void close_block(load *l)
{
    block *b = l->filling;
    l->filling = NULL;
    qn_latch_take(&l->latch);
    b->closed = true;
    settle_block_locked(l, b);
    qn_latch_drop(&l->latch);
}

/* False after a failure elsewhere. */
static bool publish(load *l, chunk *c, block *b, uint32_t first, uint32_t count, uint32_t row)
{
    qn_latch_take(&l->latch);
    while (!l->free_tasks && l->failed_key == NO_FAILURE)
        wait_room_locked(l);
    bool ok = l->failed_key == NO_FAILURE;
    if (ok) {
        task *t = l->free_tasks;
        l->free_tasks = t->next;
        *t = (task){NULL, c, b, first, count, row};
        if (l->last_task)
            l->last_task->next = t;
        else
            l->first_task = t;
        l->last_task = t;
        c->pending++;
        b->pending++;
        qn_cond_signal(&l->work);
    }
    qn_latch_drop(&l->latch);
    return ok;
}

/* Cut the chunk's records into tasks.  False: stop reading. */
static bool cut_tasks(load *l, chunk *c, bool final, qn_error *err)
{
    uint32_t first = 0;

    if (c->count && l->job->options.header && !l->header_done) {
        l->header_done = true;
        if (check_header(l, c, err) != QN_OK) {
            if (!err->detail[0])
                qn_convert_context(err, l->job->table->name, file_name(l, c->file), 1, NULL,
                                   c->data + c->records[0].begin, c->records[0].end - c->records[0].begin);
            l->header_bad = true;
            return false;
        }
        first = 1;
    }
    while (first < c->count) {
        block *b = filling_block(l, c->count - first, final, err);
        if (!b)
            return false;
        uint32_t row = b->fill.rows, count = 0;
        while (first + count < c->count && row + count < l->block_rows &&
               b->text_bytes < l->block_text) {
            const qn_record *r = &c->records[first + count];
            b->text_bytes += r->end - r->begin;
            count++;
        }
        b->fill.rows += count;
        b->last_place = place(l, c->file, c->base_line + c->records[first + count - 1].line);
        if (!publish(l, c, b, first, count, row))
            return false;
        l->rows += count;
        first += count;
        if (b->fill.rows == l->block_rows || b->text_bytes >= l->block_text)
            close_block(l);
    }
    return true;
}

/* Fill c behind its first c->bytes bytes, up to `full`.  *end: the input has no more. */
static qn_status read_chunk(load *l, chunk *c, size_t full, bool *end, qn_error *err)
{
    while (c->bytes < full && !*end) {
        size_t got = 0;
        /* In pieces, so that a cancel is seen. */
        size_t want = full - c->bytes < (size_t)1 << 20 ? full - c->bytes : (size_t)1 << 20;
        qn_status st = qn_input_read(l->input, c->data + c->bytes, want, &got, err);
        if (st != QN_OK)
            return st;
        c->bytes += got;
        *end = got == 0;
        if (l->inline_reader)
            poll_inline(l);
        if (atomic_load_explicit(&l->failing, memory_order_relaxed))
            break;
    }
    return QN_OK;
}

/* Read more into c and find its records.  Those found before a failure are good. */
static qn_status read_records(load *l, chunk *c, bool *end, qn_error *err)
{
    qn_status st = reserve_chunk(l, c, l->chunk_bytes, err);

    /* All that is here has been scanned and no record ended: one longer than the chunk needs room. */
    if (st == QN_OK && !l->list_full && c->bytes == c->capacity)
        st = reserve_chunk(l, c, c->capacity * 2, err);
    if (st != QN_OK)
        return st;
    /* Bytes that wait to be scanned may do for this chunk: reading on top of them, short lines would pile up. */
    size_t full = l->list_full && l->fill_bytes < c->capacity ? l->fill_bytes : c->capacity;
    st = read_chunk(l, c, full, end, err);
    qn_status scan = scan_chunk(l, c, *end && st == QN_OK, st == QN_OK ? err : NULL);
    return st != QN_OK ? st : scan;
}

/* Where reading goes on: in c when no record has ended in it, else in a free chunk, to which the
 * unfinished record moves.  NULL after a failure. */
static chunk *next_chunk(load *l, chunk *c, qn_status *st, qn_error *err)
{
    if (c->count == 0)
        return c;
    chunk *next = take_chunk(l);
    if (!next)
        return NULL;
    size_t begin = l->records.begin, rest = c->bytes - begin, room = l->chunk_bytes;
    if (rest > room / 2) /* what waits to be scanned fits; a long record will need more */
        room = l->list_full ? (rest > room ? rest : room) : rest * 2;
    l->fill_bytes = begin; /* as much as a full list took */
    *st = reserve_chunk(l, next, room, err);
    if (*st != QN_OK) {
        release_chunk(l, next);
        return NULL;
    }
    memcpy(next->data, c->data + begin, rest);
    next->bytes = rest;
    next->base_line = l->records.line;
    qn_records_move(&l->records);
    return next;
}

/* One file, or all that a callback gives.  False: there is no reason to go on. */
static bool read_file(load *l, bool last_file, qn_status *status, qn_error *err)
{
    qn_status st = QN_OK;
    bool      end = false, more = false;
    chunk    *c = take_chunk(l);

    while (c) {
        chunk   *next = NULL;
        qn_error earlier = {0};
        st = read_records(l, c, &end, err);
        bool last = st != QN_OK || l->records.done;
        more = cut_tasks(l, c, last && last_file, &earlier);
        if (earlier.status != QN_OK) {
            st = earlier.status;
            *err = earlier;
        }
        if (more && !last)
            next = next_chunk(l, c, &st, err);
        if (next != c)
            release_chunk(l, c);
        c = next;
        more = more && last;
    }
    *status = st;
    return st == QN_OK && more;
}

static qn_status open_file(load *l, uint32_t file, qn_error *err)
{
    qn_load_source one = *l->source;
    qn_input      *input = NULL;

    if (l->source->path_count)
        one = (qn_load_source){.path = l->source->paths[file]};
    qn_status st = qn_input_open(l->job->env, &one, &input, err);
    if (st == QN_OK)
        qn_input_stop(input, &l->failing);
    qn_latch_take(&l->latch);
    qn_input *old = l->input;
    l->input = input;
    l->file = file;
    qn_latch_drop(&l->latch);
    qn_input_close(old);
    return st;
}

static qn_status read_all(load *l, qn_error *err)
{
    qn_status st = QN_OK;
    uint32_t  files = l->file_count ? l->file_count : 1;

    while (read_file(l, l->file + 1 == files, &st, err) && l->file + 1 < files) {
        qn_records_init(&l->records, &l->job->options);
        l->header_done = l->list_full = false;
        st = open_file(l, l->file + 1, err);
        if (st != QN_OK)
            break;
    }
    return st;
}

/* The line that a failure of reading belongs to: the one begun, or the next. */
static uint64_t line_at_hand(const load *l)
{
    const qn_records *r = &l->records;
    return r->line + (r->at_start && r->scan == r->begin ? 1 : 0);
}

static void reader_main(void *arg)
{
    load     *l = arg;
    qn_error  err = {0};
    qn_status st = read_all(l, &err);

    if (st != QN_OK) {
        uint64_t line = l->header_bad ? 1 : line_at_hand(l);
        if (!l->header_bad && l->input) /* what cannot be opened has no lines */
            qn_convert_context(&err, l->job->table->name, file_name(l, l->file), line, NULL, NULL, 0);
        fail(l, place(l, l->file, line) * 2, &err);
    }
    if (l->filling)
        close_block(l);
    qn_latch_take(&l->latch);
    l->reader_done = true;
    qn_cond_broadcast(&l->work);
    qn_cond_broadcast(&l->idle);
    qn_latch_drop(&l->latch);
}

/* ---- setting up
 * ------------------------------------------------------------------------------------------ */

/* How many rows a block has and how many blocks are in flight: less under a memory limit. */
static void set_sizes(load *l)
{
    const qn_load_job *job = l->job;
    uint64_t           limit = qn_load_memory_limit(job->env->mem, job->memory_limit_bytes);
    uint64_t           row = qn_fill_row_bytes(job->table->columns, job->table->column_count);

    l->threads = job->threads < 1             ? 1
                 : job->threads > THREADS_MAX ? THREADS_MAX
                                              : (uint32_t)job->threads;
    l->block_rows = QN_BLOCK_ROWS;
    l->block_text = BLOCK_TEXT_BYTES;
    l->fill_count = FILLS_MAX;
    l->chunk_bytes = CHUNK_BYTES;
    if (limit) {
        while (l->block_rows > QN_LOAD_ROWS_LEAST &&
               (l->block_rows * row > limit / 4 || l->block_rows * QN_LOAD_ENCODE_BYTES > limit / 8))
            l->block_rows /= 2;
        if (l->block_text > limit / 8)
            l->block_text = limit / 8;
        if (2 * (l->block_rows * row + l->block_text) > limit / 2)
            l->fill_count = 1;
        /* Fewer threads, not shorter blocks: what a block holds does not depend on how many there are. */
        uint64_t most = limit / 4 / (l->block_rows * QN_LOAD_ENCODE_BYTES + QN_BLOCK_TRIGRAM_BYTES);
        if (l->threads > most)
            l->threads = most ? (uint32_t)most : 1;
    }
    l->chunk_count = l->threads * CHUNKS_PER_WORKER + 2;
    l->task_count = l->chunk_count * 2;
    while (limit && l->chunk_bytes > CHUNK_LEAST && l->chunk_count * l->chunk_bytes > limit / 12) /* records take half as much again */
        l->chunk_bytes /= 2;
}

static qn_status set_up(load *l, qn_error *err)
{
    const qn_load_job *job = l->job;
    qn_status          st = QN_OK;

    set_sizes(l);
    qn_records_init(&l->records, &job->options);
    QN_TRY(open_file(l, 0, err));
    QN_ALLOC(err, l->chunks = qn_alloc0(l->mem, l->chunk_count * sizeof *l->chunks));
    QN_ALLOC(err, l->tasks = qn_alloc0(l->mem, l->task_count * sizeof *l->tasks));
    QN_ALLOC(err, l->workers = qn_alloc0(l->mem, l->threads * sizeof *l->workers));
    for (uint32_t i = 0; i < l->chunk_count; i++) {
        l->chunks[i].next = l->free_chunks;
        l->free_chunks = &l->chunks[i];
    }
    for (uint32_t i = 0; i < l->task_count; i++) {
        l->tasks[i].next = l->free_tasks;
        l->free_tasks = &l->tasks[i];
    }
    for (uint32_t i = 0; i < l->fill_count; i++) {
        block *b = &l->blocks[i];
        QN_TRY(qn_fill_init(&b->fill, l->mem, job->table->columns, job->table->column_count,
                            l->threads, err));
        QN_ALLOC(err, b->order = qn_alloc0(l->mem, ((size_t)job->table->column_count + 1) *
                                                       sizeof *b->order));
    }
    for (uint32_t i = 0; i < l->threads; i++) {
        worker *w = &l->workers[i];
        w->load = l;
        w->index = i;
        QN_TRY(qn_block_builder_new(job->env, &w->builder, err));
        qn_block_builder_codec(w->builder, job->text_codec);
        qn_block_builder_limit(w->builder, qn_load_memory_limit(job->env->mem, job->memory_limit_bytes));
        QN_TRY(qn_convert_new(job, &w->convert, err));
    }
done:
    return st;
}

static void tear_down(load *l)
{
    size_t order_bytes = ((size_t)l->job->table->column_count + 1) * sizeof(uint32_t);

    for (uint32_t i = 0; l->chunks && i < l->chunk_count; i++) {
        chunk *c = &l->chunks[i];
        qn_free(l->mem, c->data, c->data ? c->capacity + QN_LOAD_PADDING : 0);
        qn_free(l->mem, c->records, c->record_capacity * sizeof *c->records);
    }
    for (uint32_t i = 0; i < FILLS_MAX; i++) {
        qn_fill_deinit(&l->blocks[i].fill);
        qn_free(l->mem, l->blocks[i].order, l->blocks[i].order ? order_bytes : 0);
    }
    for (uint32_t i = 0; l->workers && i < l->threads; i++) {
        qn_block_builder_free(l->workers[i].builder);
        qn_convert_free(l->workers[i].convert);
    }
    qn_free(l->mem, l->chunks, l->chunks ? l->chunk_count * sizeof *l->chunks : 0);
    qn_free(l->mem, l->tasks, l->tasks ? l->task_count * sizeof *l->tasks : 0);
    qn_free(l->mem, l->workers, l->workers ? l->threads * sizeof *l->workers : 0);
    qn_input_close(l->input);
    qn_arena_deinit(&l->scratch);
    qn_cond_deinit(&l->work);
    qn_cond_deinit(&l->room);
    qn_cond_deinit(&l->idle);
    qn_latch_deinit(&l->latch);
}

static qn_status start_threads(load *l, bool callback, qn_error *err)
{
    qn_status st = QN_OK;

    for (uint32_t i = 0; i < l->threads && st == QN_OK; i++) {
        worker *w = &l->workers[i];
        qn_latch_take(&l->latch);
        l->workers_running++;
        qn_latch_drop(&l->latch);
        st = qn_thread_start(&w->thread, 0, worker_main, w, err);
        w->started = st == QN_OK;
        if (!w->started) {
            qn_latch_take(&l->latch);
            l->workers_running--;
            qn_latch_drop(&l->latch);
        }
    }
    if (st == QN_OK && !callback) {
        st = qn_thread_start(&l->reader_thread, 0, reader_main, l, err);
        l->reader_started = st == QN_OK;
    }
    return st;
}

/* Watch until all threads are through. */
static void watch(load *l)
{
    const qn_load_job *job = l->job;

    qn_latch_take(&l->latch);
    while (!l->reader_done || l->workers_running) {
        if (qn_cond_wait_for(&l->idle, &l->latch, POLL_NS) && !canceled(l))
            continue;
        qn_latch_drop(&l->latch);
        if (canceled(l) ||
            (job->progress && !job->progress(job->progress_arg, fraction(l))))
            cancel(l);
        qn_latch_take(&l->latch);
    }
    qn_latch_drop(&l->latch);
}

/* Stop and join what was started, after a failure to start the rest. */
static void abandon(load *l, const qn_error *err)
{
    qn_latch_take(&l->latch);
    fail_locked(l, 0, err);
    l->reader_done = true;
    qn_latch_drop(&l->latch);
}

static void join(load *l)
{
    for (uint32_t i = 0; i < l->threads; i++) {
        if (l->workers[i].started)
            qn_thread_join(l->workers[i].thread);
    }
    if (l->reader_started)
        qn_thread_join(l->reader_thread);
}

qn_status qn_load_run(const qn_load_job *job, const qn_load_source *source, uint64_t *rows,
                      qn_error *err)
{
    qn_status st = QN_OK;
    qn_mem   *mem = job->env->mem;

    if (job->options.format == QN_LOAD_PARQUET)
        return qn_load_typed(job, source, rows, err);
    load *l = qn_alloc0(mem, sizeof *l);
    *rows = 0;
    if (!l)
        return qn_nomem(err);
    l->job = job;
    l->mem = mem;
    l->failed_key = NO_FAILURE;
    l->source = source;
    l->file_count = source->path_count;
    l->inline_reader = !source->path && !source->path_count;
    qn_arena_init(&l->scratch, mem);
    qn_latch_init(&l->latch);
    qn_cond_init(&l->work);
    qn_cond_init(&l->room);
    qn_cond_init(&l->idle);
    QN_TRY(set_up(l, err));
    qn_error started = {0};
    if (start_threads(l, l->inline_reader, &started) != QN_OK)
        abandon(l, &started);
    else if (l->inline_reader)
        reader_main(l);
    watch(l);
    join(l);
    if (l->failed_key != NO_FAILURE) {
        st = l->failure.status;
        if (err && err->status == QN_OK)
            *err = l->failure;
    } else {
        *rows = l->rows;
    }
done:
    tear_down(l);
    qn_free(mem, l, sizeof *l);
    return st;
}
