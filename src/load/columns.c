/* COPY FROM files of typed rows (Parquet): column after column instead of row after row.
 *
 * The files say how many rows each of their parts has, so every block's rows are known before anything is read, and
 * there is nothing to split: a task is one column of one block.  It decodes the column's rows into the worker's own
 * buffer and encodes them while they are in the cache; the last task of a block writes it.  Blocks hold rows
 * k·2^19 … of all files one after the other, whatever the number of threads.
 *
 * Each column has a stream: a cursor on its part of a file.  The next block's task goes on where the last one stopped;
 * when another worker still has the stream, a second one is opened and skips to its place.
 *
 * Dictionaries.  Text goes to the encoder as a list of strings and one number per row.  A string of a file's dictionary
 * is put on the list when a row of the block first uses it, so it is copied, cast and hashed once a block and not once a
 * row; text without dictionary is put there row by row.
 *
 * Errors.  The lowest row wins, then the first column: after a failure blocks before it, and the other columns of its
 * own, are still done up to that row.  Memory: a buffer per worker, the encoded columns of FLIGHT blocks or so, and a
 * cursor per column, which is closed between tasks under a tight limit. */
#include "load/load_int.h"
#include "load/reader.h"
#include "type/numeric.h"

#define BLOCK_BYTES      ((uint64_t)1 << 31) /* of plain values of a block, as far as files tell */
#define BLOCK_ROWS_LEAST 1024u
#define PARK_BYTES       ((uint64_t)1 << 30) /* under a lower limit cursors are not kept open between tasks */
#define THREADS_MAX      256
#define FLIGHT           2u
#define POLL_NS          100000000u
#define NO_FAILURE       UINT64_MAX
#define NO_COLUMN        UINT32_MAX
#define BATCH            2048u /* rows of a vector at most */

typedef struct part { /* of a file, with its place in the whole */
    uint32_t file;
    uint64_t number;
    uint64_t first_row, rows;
} part;

typedef struct stream {
    qn_reader_cursor *cursor; /* NULL: nowhere */
    uint32_t          file;
    uint64_t          part;     /* index in load.parts */
    uint64_t          next_row; /* of the whole: the first one that the batch at hand does not have */
    qn_reader_vector  batch;
    uint32_t          rows, used; /* of the batch */
    uint32_t          column;     /* of the file: what the cursor borrows */
} stream;

typedef struct column { /* of the table */
    uint32_t  *file_column; /* per file, or NO_COLUMN: a default */
    qn_assign *assign;      /* per file */
    stream     parked;      /* under latch */
} column;

typedef struct block {
    bool              open; /* being filled */
    uint64_t          number;
    uint32_t          rows;
    uint32_t          next, left; /* columns given out, columns not done */
    qn_block_segment *segments;
} block;

typedef struct worker {
    struct load      *load;
    qn_thread         thread;
    bool              started;
    qn_block_builder *builder;
    qn_arena          arena, scratch; /* the column's strings; those of one batch */
    qn_buf            text;
    void             *values;         /* block_rows slots */
    void             *flat, *cast;    /* a batch: of codes looked up, of values cast */
    uint64_t         *nulls;          /* a bit per row of the block */
    uint64_t         *batch_nulls;
    uint32_t         *ids;            /* text: per row, its place in values[] */
    uint32_t         *entry;          /* text: per code, one more than its place in values[], or 0 */
    size_t            entry_capacity;
    uint64_t          entry_dict;     /* whose codes those are; 0: nobody's */
    qn_fill_part      strings;
    qn_fill_page      page;
    uint64_t          string_bytes;
} worker;

typedef struct load {
    const qn_load_job *job;
    qn_mem            *mem;
    qn_arena           arena;
    uint32_t           file_count;
    qn_reader        **files;
    const char *const *names;
    uint64_t          *first_rows; /* of the files */
    part              *parts;
    uint64_t           part_count, rows, block_count;
    uint32_t           block_rows, threads, flight;
    bool               park;
    uint32_t           column_count;
    column            *columns;
    uint32_t          *order; /* in which columns are given out: text first */
    worker            *workers;

    /* under latch */
    qn_latch latch;
    qn_cond  work, idle;
    block   *blocks; /* flight of them */
    uint64_t next_block;
    uint32_t workers_running;
    uint64_t failed_row;
    uint32_t failed_column;
    qn_error failure;

    _Atomic uint64_t done_rows; /* times columns: for progress */
    _Atomic uint64_t stop_row;  /* failed_row, to be read without the latch: rows from here on are not wanted */
} load;

/* ---- failures --------------------------------------------------------------------------------------- */

static void fail_locked(load *l, uint64_t row, uint32_t c, const qn_error *err)
{
    if (l->failed_row == NO_FAILURE || row < l->failed_row || (row == l->failed_row && c < l->failed_column)) {
        l->failed_row = row;
        l->failed_column = c;
        l->failure = *err;
    }
    atomic_store(&l->stop_row, l->failed_row);
    qn_cond_broadcast(&l->work);
}

static void fail(load *l, uint64_t row, uint32_t c, const qn_error *err)
{
    qn_latch_take(&l->latch);
    fail_locked(l, row, c, err);
    qn_latch_drop(&l->latch);
}


/* ---- streams ---------------------------------------------------------------------------------------- */

static void stream_close(const load *l, stream *s)
{
    if (s->cursor)
        l->files[s->file]->ops->cursor_close(s->cursor);
    *s = (stream){0};
}

static qn_status stream_open(load *l, stream *s, uint32_t c, uint64_t p, uint64_t row, qn_error *err)
{
    const part *at = &l->parts[p];
    qn_status   st = QN_OK;
    uint64_t    inside = row - at->first_row;

    stream_close(l, s);
    s->file = at->file;
    s->part = p;
    s->column = l->columns[c].file_column[at->file];
    const qn_reader_ops *ops = l->files[at->file]->ops;
    QN_TRY(ops->cursor_open(l->files[at->file], at->number, &s->column, 1, l->mem, &s->cursor, err));
    /* Batches begin at the same rows however a stream came to them, so errors do not depend on it either. */
    inside -= inside % BATCH;
    if (inside)
        QN_TRY(ops->cursor_skip(s->cursor, inside, err));
    s->next_row = at->first_row + inside;
done:
    return st;
}

static qn_status stream_batch(load *l, stream *s, qn_error *err)
{
    s->rows = s->used = 0;
    qn_status st = l->files[s->file]->ops->cursor_next(s->cursor, &s->batch, &s->rows, err);
    s->next_row += s->rows;
    return st;
}

static uint64_t part_of(const load *l, uint64_t row)
{
    uint64_t lo = 0, hi = l->part_count;
    while (lo + 1 < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (l->parts[mid].first_row <= row)
            lo = mid;
        else
            hi = mid;
    }
    return lo; /* of parts without rows the last one: it begins at the same row */
}

static void locate(const load *l, uint64_t row, uint32_t c, qn_error *err)
{
    uint32_t file = l->parts[part_of(l, row)].file;
    if (!err->detail[0])
        qn_error_detail(err, "COPY %s, file \"%s\", row %llu, column %s", l->job->table->name, l->names[file],
                        (unsigned long long)(row - l->first_rows[file]) + 1, l->job->table->columns[c].name);
}

/* A batch that has this row, used up to it. */
static qn_status stream_seek(load *l, stream *s, uint32_t c, uint64_t row, qn_error *err)
{
    qn_status st = QN_OK;
    uint64_t  p = s->cursor && row >= l->parts[s->part].first_row &&
                         row < l->parts[s->part].first_row + l->parts[s->part].rows
                     ? s->part
                     : part_of(l, row);

    if (!s->cursor || s->part != p || row < s->next_row - s->rows) {
        QN_TRY(stream_open(l, s, c, p, row, err));
    } else if (row >= s->next_row + BATCH) {
        uint64_t skip = (row - s->next_row) / BATCH * BATCH;
        QN_TRY(l->files[s->file]->ops->cursor_skip(s->cursor, skip, err));
        s->next_row += skip;
        s->rows = s->used = 0;
    }
    while (s->next_row <= row) {
        QN_TRY(stream_batch(l, s, err));
        if (s->rows == 0) {
            st = qn_fail(err, QN_SQLSTATE_BAD_COPY_FORMAT, "file \"%s\" has fewer rows than it says", l->names[s->file]);
            goto done;
        }
    }
    s->used = s->rows - (uint32_t)(s->next_row - row);
done:
    return st;
}

/* ---- a batch into the buffer ------------------------------------------------------------------------ */

static void copy_bits(uint64_t *to, uint64_t to_bit, const uint64_t *from, uint64_t from_bit, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++, to_bit++, from_bit++)
        to[to_bit / 64] |= (from[from_bit / 64] >> (from_bit % 64) & 1) << (to_bit % 64);
}

/* NULLs of the batch's rows into batch_nulls; false when there are none. */
static bool batch_nulls(worker *w, const stream *s, uint32_t count)
{
    const qn_reader_vector *v = &s->batch;
    bool                    any = false;

    if (!v->codes && !v->nulls)
        return false;
    memset(w->batch_nulls, 0, BATCH / 8);
    if (v->codes) {
        const uint32_t *codes = v->codes + s->used;
        for (uint32_t i = 0; i < count; i++) {
            any |= codes[i] == 0;
            w->batch_nulls[i / 64] |= (uint64_t)(codes[i] == 0) << (i % 64);
        }
        return any;
    }
    copy_bits(w->batch_nulls, 0, v->nulls, s->used, count);
    for (uint32_t i = 0; i < (count + 63) / 64; i++)
        any |= w->batch_nulls[i] != 0;
    return any;
}

static void look_up(const void *values, const uint32_t *codes, size_t size, uint32_t count, void *out)
{
#define LOOK_UP(type)                                                                                                  \
    for (uint32_t i = 0; i < count; i++)                                                                               \
    ((type *)out)[i] = ((const type *)values)[codes[i]]
    switch (size) {
    case 1:
        LOOK_UP(uint8_t);
        break;
    case 2:
        LOOK_UP(uint16_t);
        break;
    case 4:
        LOOK_UP(uint32_t);
        break;
    case 8:
        LOOK_UP(uint64_t);
        break;
    default:
        LOOK_UP(qn_numeric); /* any 16 bytes */
    }
#undef LOOK_UP
}

/* The batch's values as an array, of the file's type. */
static const void *flat_values(worker *w, const stream *s, qn_bank bank, uint32_t count)
{
    size_t size = qn_bank_bytes(bank);

    if (!s->batch.codes)
        return (const char *)s->batch.data + s->used * size;
    look_up(s->batch.dict->values, s->batch.codes + s->used, size, count, w->flat);
    return w->flat;
}

static qn_status add_numerics(worker *w, const qn_numeric *in, const uint64_t *nulls, uint32_t count, qn_numeric *out,
                              qn_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        if (nulls && (nulls[i / 64] >> (i % 64) & 1))
            out[i] = qn_numeric_small(0, 0);
        else if (qn_numeric_is_small(in[i]))
            out[i] = in[i];
        else if (!qn_numeric_copy(in[i], &w->arena, &out[i]))
            return qn_nomem(err);
    }
    return QN_OK;
}

static qn_status add_string(worker *w, const qn_str *s, uint32_t *entries, uint32_t *id, qn_error *err)
{
    qn_str *list = w->values, *to = &list[*entries];

    if (s->bytes <= QN_STR_INLINE)
        *to = *s;
    else if (!qn_fill_str(&w->strings, 0, s->data, s->bytes, to))
        return qn_nomem(err);
    *id = (*entries)++;
    return QN_OK;
}

static qn_status add_flat_text(worker *w, const qn_str *in, const uint64_t *nulls, uint32_t count, uint32_t row,
                               uint32_t *entries, qn_error *err)
{
    const qn_str *list = w->values;
    uint32_t      last = NO_COLUMN;

    for (uint32_t i = 0; i < count; i++) {
        if (nulls && (nulls[i / 64] >> (i % 64) & 1)) {
            w->ids[row + i] = 0;
            continue;
        }
        if (last == NO_COLUMN || !qn_str_equal(&list[last], &in[i])) { /* else it repeats the row before */
            qn_status st = add_string(w, &in[i], entries, &last, err);
            if (st != QN_OK)
                return st;
        }
        w->ids[row + i] = last;
    }
    return QN_OK;
}

/* Codes to numbers of strings; *failed is the first row whose string could not be cast. */
static qn_status add_coded_text(worker *w, const stream *s, const qn_assign *a, const qn_assign_room *room,
                                uint32_t count, uint32_t row, uint32_t *entries, uint32_t *failed, qn_error *err)
{
    const qn_reader_dict *d = s->batch.dict;
    const uint32_t       *codes = s->batch.codes + s->used;
    size_t                size = qn_bank_bytes(qn_type_bank((qn_sql_type)a->from.id));

    if (w->entry_dict != d->id) {
        if (w->entry_capacity <= d->count) {
            size_t capacity = (size_t)d->count + d->count / 2 + 64;
            qn_free(w->load->mem, w->entry, w->entry_capacity * sizeof *w->entry);
            w->entry_capacity = 0;
            w->entry = qn_alloc(w->load->mem, capacity * sizeof *w->entry);
            if (!w->entry)
                return qn_nomem(err);
            w->entry_capacity = capacity;
        }
        memset(w->entry, 0, ((size_t)d->count + 1) * sizeof *w->entry);
        w->entry_dict = d->id;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t code = codes[i];
        if (w->entry[code] == 0 && code) {
            qn_status   st = QN_OK;
            qn_str      cast;
            const void *in = (const char *)d->values + code * size;
            uint32_t    ignored;
            if (a->how != QN_ASSIGN_SAME) {
                st = qn_assign_run(a, room, in, NULL, 1, &cast, &ignored, err);
                in = &cast;
            }
            if (st == QN_OK)
                st = add_string(w, in, entries, &w->entry[code], err);
            if (st != QN_OK) {
                *failed = i;
                return st;
            }
            w->entry[code]++;
        }
        w->ids[row + i] = code ? w->entry[code] - 1 : 0;
    }
    return QN_OK;
}

static qn_status add_batch(worker *w, uint32_t c, const stream *s, uint32_t count, uint32_t row, uint32_t *entries,
                           bool *any_null, uint32_t *failed, qn_error *err)
{
    load            *l = w->load;
    const qn_column *to = &l->job->table->columns[c];
    const qn_assign *a = &l->columns[c].assign[s->file];
    qn_assign_room   room = {l->job->env, &l->job->settings, &w->scratch, &w->text};
    qn_bank          from = qn_type_bank((qn_sql_type)a->from.id), bank = qn_type_bank((qn_sql_type)to->type.id);
    size_t           size = qn_bank_bytes(bank);
    uint64_t        *nulls = batch_nulls(w, s, count) ? w->batch_nulls : NULL;
    qn_status        st = QN_OK;

    *failed = 0;
    if (nulls && to->not_null) {
        while (!(nulls[*failed / 64] >> (*failed % 64) & 1))
            ++*failed;
        return qn_fail(err, QN_SQLSTATE_NOT_NULL_VIOLATION,
                       "null value in column \"%s\" of relation \"%s\" violates not-null constraint", to->name,
                       l->job->table->name);
    }
    if (nulls) {
        copy_bits(w->nulls, row, nulls, 0, count);
        *any_null = true;
    }
    qn_arena_reset(&w->scratch);
    if (bank == QN_BANK_STR && s->batch.codes)
        return add_coded_text(w, s, a, &room, count, row, entries, failed, err);
    const void *in = flat_values(w, s, from, count);
    if (a->how != QN_ASSIGN_SAME) {
        st = qn_assign_run(a, &room, in, nulls, count, w->cast, failed, err);
        if (st != QN_OK)
            return st;
        in = w->cast;
    }
    if (bank == QN_BANK_STR)
        return add_flat_text(w, in, nulls, count, row, entries, err);
    void *out = (char *)w->values + row * size;
    if (bank == QN_BANK_NUM)
        return add_numerics(w, in, nulls, count, out, err);
    memcpy(out, in, count * size);
    return QN_OK;
}

/* ---- a task: one column of one block ----------------------------------------------------------------- */

static void empty_buffer(worker *w, uint32_t rows)
{
    qn_arena_reset(&w->strings.arena);
    qn_arena_reset(&w->arena);
    w->page = (qn_fill_page){0};
    w->string_bytes = 0;
    w->entry_dict = 0;
    memset(w->nulls, 0, ((size_t)rows + 63) / 64 * 8);
}

/* A column that the files do not have. */
static qn_status fill_default(worker *w, uint32_t c, uint32_t rows, uint32_t *entries, bool *any_null, qn_error *err)
{
    const qn_load_job *job = w->load->job;
    const qn_column   *to = &job->table->columns[c];
    bool               null = !job->default_nulls || job->default_nulls[c];
    qn_bank            bank = qn_type_bank((qn_sql_type)to->type.id);

    if (null && to->not_null)
        return qn_fail(err, QN_SQLSTATE_NOT_NULL_VIOLATION,
                       "null value in column \"%s\" of relation \"%s\" violates not-null constraint", to->name,
                       job->table->name);
    if (null) {
        memset(w->nulls, 0xff, ((size_t)rows + 63) / 64 * 8);
        *any_null = true;
    } else if (bank == QN_BANK_STR) {
        memset(w->ids, 0, rows * sizeof *w->ids);
        *(qn_str *)w->values = job->defaults[c].str;
        *entries = 1;
    } else {
        for (uint32_t i = 0; i < rows; i++)
            qn_bank_set(bank, w->values, i, &job->defaults[c]);
    }
    return QN_OK;
}

/* The rows of a column into the buffer.  False when the task has failed or is not wanted any more. */
static bool read_column(worker *w, stream *s, uint32_t c, uint64_t first, uint32_t rows, uint32_t *entries,
                        bool *any_null)
{
    load     *l = w->load;
    qn_error  err = {0};
    uint32_t  row = 0, failed = 0;
    qn_status st;

    while (row < rows) {
        if (first + row > atomic_load_explicit(&l->stop_row, memory_order_relaxed))
            return false;
        if (l->columns[c].file_column[l->parts[part_of(l, first + row)].file] == NO_COLUMN) {
            /* The same for all files: names are matched with the statement's columns. */
            st = fill_default(w, c, rows, entries, any_null, &err);
            if (st != QN_OK)
                fail(l, first, c, &err);
            return st == QN_OK;
        }
        st = stream_seek(l, s, c, first + row, &err);
        uint32_t n = s->rows - s->used;
        n = n < rows - row ? n : rows - row;
        failed = 0;
        if (st == QN_OK)
            st = add_batch(w, c, s, n, row, entries, any_null, &failed, &err);
        if (st != QN_OK) {
            locate(l, first + row + failed, c, &err);
            fail(l, first + row + failed, c, &err);
            return false;
        }
        s->used += n;
        row += n;
    }
    return true;
}

static void run_task(worker *w, block *b, uint32_t c)
{
    load              *l = w->load;
    qn_error           err = {0};
    const qn_column   *to = &l->job->table->columns[c];
    bool               text = qn_type_bank((qn_sql_type)to->type.id) == QN_BANK_STR, any_null = false;
    uint32_t           entries = 0;
    uint64_t           first = b->number * l->block_rows;
    stream             s;

    qn_latch_take(&l->latch);
    s = l->columns[c].parked;
    l->columns[c].parked = (stream){0};
    qn_latch_drop(&l->latch);
    empty_buffer(w, b->rows);
    bool ok = read_column(w, &s, c, first, b->rows, &entries, &any_null);
    if (!ok || !l->park)
        stream_close(l, &s);
    qn_latch_take(&l->latch);
    stream old = l->columns[c].parked;
    l->columns[c].parked = s;
    qn_latch_drop(&l->latch);
    stream_close(l, &old);
    if (!ok)
        return;
    qn_block_column_in in = {to->type, w->values, any_null ? w->nulls : NULL};
    qn_block_segment  *segment = &b->segments[c];
    if ((text ? qn_block_encode_numbered(w->builder, &in, w->ids, entries, b->rows, segment, &err)
              : qn_block_encode(w->builder, &in, b->rows, segment, &err)) != QN_OK)
        fail(l, first + b->rows - 1, NO_COLUMN, &err);
    atomic_fetch_add_explicit(&l->done_rows, b->rows, memory_order_relaxed);
}

static void free_segments(const load *l, block *b)
{
    for (uint32_t c = 0; b->segments && c < l->column_count; c++)
        qn_block_segment_free(&b->segments[c]);
}

static void write_block(worker *w, block *b)
{
    load              *l = w->load;
    const qn_load_job *job = l->job;
    qn_error           err = {0};
    uint64_t           number = 0;
    qn_block_info      info = {0};
    char               path[4096];
    qn_status          st = QN_OK;

    QN_TRY(qn_change_block_path(job->change, &number, path, sizeof path, &err));
    QN_TRY(qn_block_write(job->store_env, path, job->table->id, number, b->rows, b->segments, l->column_count, &info,
                          &err));
    QN_TRY(qn_change_add_block(job->change, job->table->id, number, b->number, &info, &err));
done:
    if (st != QN_OK)
        fail(l, b->number * l->block_rows + b->rows - 1, NO_COLUMN, &err);
}

/* ---- workers ----------------------------------------------------------------------------------------- */

static bool wanted_locked(const load *l, uint64_t number)
{
    return number < l->block_count && number * l->block_rows <= l->failed_row;
}

static block *next_task_locked(load *l)
{
    block *best = NULL, *free_block = NULL;
    for (uint32_t i = 0; i < l->flight; i++) {
        block *b = &l->blocks[i];
        if (!b->open)
            free_block = b;
        else if (b->next < l->column_count && (!best || b->number < best->number))
            best = b;
    }
    if (best || !free_block || !wanted_locked(l, l->next_block))
        return best;
    uint64_t left = l->rows - l->next_block * l->block_rows;
    *free_block = (block){.open = true,
                          .number = l->next_block++,
                          .rows = left < l->block_rows ? (uint32_t)left : l->block_rows,
                          .left = l->column_count,
                          .segments = free_block->segments};
    return free_block;
}

static bool finished_locked(const load *l)
{
    for (uint32_t i = 0; i < l->flight; i++) {
        if (l->blocks[i].open)
            return false;
    }
    return !wanted_locked(l, l->next_block);
}

static void worker_main(void *arg)
{
    worker *w = arg;
    load   *l = w->load;

    qn_latch_take(&l->latch);
    for (;;) {
        block *b = next_task_locked(l);
        if (!b) {
            if (finished_locked(l))
                break;
            qn_cond_wait(&l->work, &l->latch);
            continue;
        }
        uint32_t c = l->order[b->next++];
        bool     wanted = wanted_locked(l, b->number);
        qn_latch_drop(&l->latch);
        if (wanted)
            run_task(w, b, c);
        qn_latch_take(&l->latch);
        if (--b->left == 0) {
            bool write = l->failed_row == NO_FAILURE;
            qn_latch_drop(&l->latch);
            if (write)
                write_block(w, b);
            free_segments(l, b);
            qn_latch_take(&l->latch);
            b->open = false;
            qn_cond_broadcast(&l->work);
        }
    }
    l->workers_running--;
    qn_cond_broadcast(&l->work);
    qn_cond_broadcast(&l->idle);
    qn_latch_drop(&l->latch);
}

/* ---- which column goes where --------------------------------------------------------------------------- */

/* The file's column of this name: spelled the same, or the only one that is but for case. */
static uint32_t column_named(const qn_reader *r, const char *name)
{
    uint32_t found = NO_COLUMN;
    for (uint32_t c = 0; c < r->column_count; c++) {
        if (strcmp(r->columns[c].name, name) == 0)
            return c;
    }
    for (uint32_t c = 0; c < r->column_count; c++) {
        if (qn_streq_ci(r->columns[c].name, name)) {
            if (found != NO_COLUMN)
                return NO_COLUMN;
            found = c;
        }
    }
    return found;
}

/* By name when the file has all names, else by position when the counts agree. */
static qn_status match_columns(load *l, uint32_t file, qn_error *err)
{
    const qn_load_job *job = l->job;
    const qn_reader   *r = l->files[file];
    bool               named = job->options.columns_listed || r->column_count == job->column_count;

    for (uint32_t i = 0; i < job->column_count && named; i++)
        named = column_named(r, job->table->columns[job->columns[i]].name) != NO_COLUMN;
    if (!named && r->column_count != job->column_count) {
        qn_status st = qn_fail(err, QN_SQLSTATE_BAD_COPY_FORMAT, "file \"%s\" has %u columns, but %u are expected",
                               l->names[file], r->column_count, job->column_count);
        qn_error_hint(err, "List the table's columns that the file has by name, or use INSERT … SELECT … FROM read_parquet('…').");
        return st;
    }
    for (uint32_t i = 0; i < job->column_count; i++) {
        uint32_t c = job->columns[i];
        l->columns[c].file_column[file] = named ? column_named(r, job->table->columns[c].name) : i;
    }
    return QN_OK;
}

static qn_status find_casts(load *l, uint32_t file, qn_error *err)
{
    const qn_reader *r = l->files[file];
    char             file_type[64], type[64];

    for (uint32_t c = 0; c < l->column_count; c++) {
        uint32_t         k = l->columns[c].file_column[file];
        const qn_column *to = &l->job->table->columns[c];
        if (k == NO_COLUMN)
            continue;
        if (r->columns[k].unsupported)
            return qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED,
                           "column \"%s\" of file \"%s\" cannot be read: %s is not supported", r->columns[k].name,
                           l->names[file], r->columns[k].unsupported);
        if (!qn_assign_find(r->columns[k].type, to->type, &l->columns[c].assign[file])) {
            qn_status st = qn_fail(err, QN_SQLSTATE_DATATYPE_MISMATCH,
                                   "column \"%s\" is of type %s but column \"%s\" of file \"%s\" is of type %s",
                                   to->name, qn_type_format(to->type, type, sizeof type), r->columns[k].name,
                                   l->names[file], qn_type_format(r->columns[k].type, file_type, sizeof file_type));
            qn_error_hint(err, "Convert it while loading: INSERT INTO … SELECT … FROM read_parquet('…').");
            return st;
        }
    }
    return QN_OK;
}

/* ---- setting up ----------------------------------------------------------------------------------------- */

static qn_status open_files(load *l, const qn_load_source *source, qn_error *err)
{
    qn_status st = QN_OK;

    l->names = source->path_count ? source->paths : &source->path;
    uint32_t count = source->path_count ? source->path_count : source->path ? 1 : 0;
    if (count == 0)
        return qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED,
                       "COPY FROM STDIN in format parquet is not supported: the end of such a file comes first");
    QN_ALLOC(err, l->files = qn_arena_array(&l->arena, qn_reader *, count));
    for (; l->file_count < count; l->file_count++)
        QN_TRY(qn_parquet_open(l->job->env, l->names[l->file_count], &l->files[l->file_count], err));
done:
    return st;
}

static qn_status list_parts(load *l, qn_error *err)
{
    qn_status st = QN_OK;
    uint64_t  k = 0;

    for (uint32_t f = 0; f < l->file_count; f++)
        l->part_count += l->files[f]->part_count;
    QN_ALLOC(err, l->parts = qn_arena_array(&l->arena, part, l->part_count + 1));
    QN_ALLOC(err, l->first_rows = qn_arena_array(&l->arena, uint64_t, l->file_count));
    for (uint32_t f = 0; f < l->file_count; f++) {
        l->first_rows[f] = l->rows;
        for (uint64_t p = 0; p < l->files[f]->part_count; p++) {
            qn_reader_part info;
            l->files[f]->ops->part_info(l->files[f], p, &info);
            l->parts[k++] = (part){f, p, l->rows, info.rows};
            if (info.rows > (uint64_t)INT64_MAX - l->rows)
                QN_TRY(qn_fail(err, QN_SQLSTATE_PROGRAM_LIMIT, "the files have too many rows"));
            l->rows += info.rows;
        }
    }
done:
    return st;
}

/* Shorter blocks where rows are so long, or memory is so small, that a full one would not fit. */
static void set_sizes(load *l)
{
    const qn_load_job *job = l->job;
    uint64_t           limit = qn_load_memory_limit(job->env->mem, job->memory_limit_bytes), bytes_per_row = 1;

    for (uint64_t p = 0; p < l->part_count; p++) {
        qn_reader_part info;
        l->files[l->parts[p].file]->ops->part_info(l->files[l->parts[p].file], l->parts[p].number, &info);
        if (info.rows && info.bytes / info.rows > bytes_per_row)
            bytes_per_row = info.bytes / info.rows;
    }
    uint64_t most = limit && limit / 4 < BLOCK_BYTES ? limit / 4 : BLOCK_BYTES;
    l->block_rows = QN_BLOCK_ROWS;
    while (l->block_rows > BLOCK_ROWS_LEAST && bytes_per_row > most / l->block_rows)
        l->block_rows /= 2;
    l->block_count = l->rows / l->block_rows + (l->rows % l->block_rows != 0);
    if (l->block_count == 1 && l->rows < l->block_rows)
        l->block_rows = (uint32_t)l->rows;
    uint64_t tasks = l->block_count * l->column_count;
    l->threads = job->threads < 1 ? 1 : job->threads > THREADS_MAX ? THREADS_MAX : (uint32_t)job->threads;
    if (tasks < l->threads)
        l->threads = tasks ? (uint32_t)tasks : 1;
    l->flight = FLIGHT + l->threads / (l->column_count ? l->column_count : 1);
    l->park = !limit || limit >= PARK_BYTES;
}

static qn_status set_up_worker(load *l, worker *w, qn_error *err)
{
    qn_status st = QN_OK;
    size_t    rows = l->block_rows;

    w->load = l;
    qn_arena_init(&w->arena, l->mem);
    qn_arena_init(&w->scratch, l->mem);
    qn_arena_init(&w->strings.arena, l->mem);
    qn_buf_init(&w->text, l->mem);
    w->strings.pages = &w->page;
    w->strings.string_bytes = &w->string_bytes;
    QN_TRY(qn_block_builder_new(l->job->env, &w->builder, err));
    qn_block_builder_limit(w->builder, qn_load_memory_limit(l->job->env->mem, l->job->memory_limit_bytes));
    QN_ALLOC(err, w->values = qn_alloc(l->mem, (rows + 1) * 16));
    QN_ALLOC(err, w->ids = qn_alloc(l->mem, rows * sizeof *w->ids));
    QN_ALLOC(err, w->nulls = qn_alloc(l->mem, (rows + 63) / 64 * 8));
    QN_ALLOC(err, w->batch_nulls = qn_alloc(l->mem, BATCH / 8));
    QN_ALLOC(err, w->flat = qn_alloc(l->mem, BATCH * 16));
    QN_ALLOC(err, w->cast = qn_alloc(l->mem, BATCH * 16));
done:
    return st;
}

static void tear_down_worker(load *l, worker *w)
{
    size_t rows = l->block_rows;

    if (!w->load)
        return;
    qn_block_builder_free(w->builder);
    qn_free(l->mem, w->values, w->values ? (rows + 1) * 16 : 0);
    qn_free(l->mem, w->ids, w->ids ? rows * sizeof *w->ids : 0);
    qn_free(l->mem, w->nulls, w->nulls ? (rows + 63) / 64 * 8 : 0);
    qn_free(l->mem, w->batch_nulls, w->batch_nulls ? BATCH / 8 : 0);
    qn_free(l->mem, w->flat, w->flat ? BATCH * 16 : 0);
    qn_free(l->mem, w->cast, w->cast ? BATCH * 16 : 0);
    qn_free(l->mem, w->entry, w->entry_capacity * sizeof *w->entry);
    qn_buf_deinit(&w->text);
    qn_arena_deinit(&w->arena);
    qn_arena_deinit(&w->scratch);
    qn_arena_deinit(&w->strings.arena);
}

/* Text first: it takes longest, and the end should find everybody busy. */
static void set_order(load *l)
{
    uint32_t n = 0;
    for (int text = 1; text >= 0; text--) {
        for (uint32_t c = 0; c < l->column_count; c++) {
            if ((qn_type_bank((qn_sql_type)l->job->table->columns[c].type.id) == QN_BANK_STR) == text)
                l->order[n++] = c;
        }
    }
}

static qn_status set_up(load *l, const qn_load_source *source, qn_error *err)
{
    qn_status st = QN_OK;

    QN_TRY(open_files(l, source, err));
    QN_TRY(list_parts(l, err));
    l->column_count = l->job->table->column_count;
    QN_ALLOC(err, l->columns = qn_arena_array(&l->arena, column, (size_t)l->column_count + 1));
    QN_ALLOC(err, l->order = qn_arena_array(&l->arena, uint32_t, (size_t)l->column_count + 1));
    for (uint32_t c = 0; c < l->column_count; c++) {
        column *to = &l->columns[c];
        QN_ALLOC(err, to->file_column = qn_arena_array(&l->arena, uint32_t, l->file_count));
        QN_ALLOC(err, to->assign = qn_arena_array(&l->arena, qn_assign, l->file_count));
        for (uint32_t f = 0; f < l->file_count; f++)
            to->file_column[f] = NO_COLUMN;
    }
    for (uint32_t f = 0; f < l->file_count; f++) {
        QN_TRY(match_columns(l, f, err));
        QN_TRY(find_casts(l, f, err));
    }
    set_order(l);
    set_sizes(l);
    QN_ALLOC(err, l->blocks = qn_arena_array(&l->arena, block, l->flight));
    for (uint32_t i = 0; i < l->flight; i++)
        QN_ALLOC(err, l->blocks[i].segments = qn_arena_array(&l->arena, qn_block_segment, (size_t)l->column_count + 1));
    QN_ALLOC(err, l->workers = qn_arena_array(&l->arena, worker, l->threads));
    for (uint32_t i = 0; i < l->threads && l->rows; i++)
        QN_TRY(set_up_worker(l, &l->workers[i], err));
done:
    return st;
}

static void tear_down(load *l)
{
    for (uint32_t i = 0; l->workers && i < l->threads; i++)
        tear_down_worker(l, &l->workers[i]);
    for (uint32_t i = 0; l->blocks && i < l->flight; i++)
        free_segments(l, &l->blocks[i]);
    for (uint32_t c = 0; l->columns && c < l->column_count; c++)
        stream_close(l, &l->columns[c].parked);
    for (uint32_t f = 0; f < l->file_count; f++)
        l->files[f]->ops->close(l->files[f]);
    qn_arena_deinit(&l->arena);
    qn_cond_deinit(&l->work);
    qn_cond_deinit(&l->idle);
    qn_latch_deinit(&l->latch);
}

/* ---- the load ------------------------------------------------------------------------------------------- */

static void start_workers(load *l)
{
    qn_error err = {0};
    for (uint32_t i = 0; i < l->threads; i++) {
        worker *w = &l->workers[i];
        qn_latch_take(&l->latch);
        l->workers_running++;
        qn_latch_drop(&l->latch);
        w->started = qn_thread_start(&w->thread, 0, worker_main, w, &err) == QN_OK;
        if (!w->started) {
            qn_latch_take(&l->latch);
            l->workers_running--;
            fail_locked(l, 0, 0, &err);
            qn_latch_drop(&l->latch);
            return;
        }
    }
}

static bool go_on(load *l)
{
    const qn_load_job *job = l->job;
    double             all = (double)l->rows * l->column_count;

    if (job->cancel && atomic_load(job->cancel))
        return false;
    return !job->progress || job->progress(job->progress_arg, (double)atomic_load(&l->done_rows) / all);
}

static void watch(load *l)
{
    qn_latch_take(&l->latch);
    while (l->workers_running) {
        qn_latch_drop(&l->latch);
        if (!go_on(l)) {
            qn_error err = {0};
            qn_fail(&err, QN_SQLSTATE_QUERY_CANCELED, "canceling statement due to user request");
            fail(l, 0, 0, &err);
        }
        qn_latch_take(&l->latch);
        if (l->workers_running)
            qn_cond_wait_for(&l->idle, &l->latch, POLL_NS);
    }
    qn_latch_drop(&l->latch);
}

qn_status qn_load_typed(const qn_load_job *job, const qn_load_source *source, uint64_t *rows, qn_error *err)
{
    qn_status st = QN_OK;
    load     *l = qn_alloc0(job->env->mem, sizeof *l);

    *rows = 0;
    if (!l)
        return qn_nomem(err);
    l->job = job;
    l->mem = job->env->mem;
    l->failed_row = NO_FAILURE;
    atomic_store(&l->stop_row, NO_FAILURE);
    qn_arena_init(&l->arena, l->mem);
    qn_latch_init(&l->latch);
    qn_cond_init(&l->work);
    qn_cond_init(&l->idle);
    QN_TRY(set_up(l, source, err));
    if (l->rows && l->column_count) {
        start_workers(l);
        watch(l);
        for (uint32_t i = 0; i < l->threads; i++) {
            if (l->workers[i].started)
                qn_thread_join(l->workers[i].thread);
        }
    }
    if (l->failed_row != NO_FAILURE) {
        st = l->failure.status;
        if (err && err->status == QN_OK)
            *err = l->failure;
    } else {
        *rows = l->rows;
    }
done:
    tear_down(l);
    qn_free(job->env->mem, l, sizeof *l);
    return st;
}
