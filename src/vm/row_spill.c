/* Sorted rows that do not fit the memory limit: runs on disk, merged at the end (Knuth, "The Art of Computer Programming 3:
 * Sorting and Searching", 1973, section 5.4).
 *
 * A worker over the budget sorts the rows it has and writes them as a run: chunks in order.  When all rows are
 * in, what is left in memory becomes runs too, and runs are merged into one, as many at a time as the budget has chunks
 * for; passes before the last are shared among the workers, run by run.  The last run's chunks are the result: they are
 * read one by one, from anywhere, by anyone, so a result larger than memory can be read, limited, or be the source of
 * another pipeline like any other.
 *
 * DISTINCT ON and LIMIT are applied while the last run is written. */
#include "vm/sort.h"

#include <stdlib.h>
#include "base/assert.h"

#define CHUNK_BYTES ((uint64_t)64 << 10) /* of a run's chunk, about */
#define FAN_MAX 256u

/* Rows of a run's chunk: so many that merging many runs does not take more memory than there is. */
static uint32_t chunk_rows(const qn_rows *r)
{
    uint64_t width = sizeof(uint64_t);
    for (uint32_t c = 0; c < r->column_count; c++)
        width += qn_bank_bytes(r->banks[c]) + (r->banks[c] == QN_BANK_STR ? 16 : 0);
    uint64_t rows = CHUNK_BYTES / width;
    return rows < 32 ? 32 : rows > QN_LANES ? QN_LANES : (uint32_t)rows;
}

static void run_free(qn_mem *mem, sort_run *run)
{
    qn_free(mem, run->chunks, run->capacity * sizeof *run->chunks);
    memset(run, 0, sizeof *run);
}

/* Write the rows gathered in `out` as the run's next chunk. */
static qn_status run_append(qn_exec *exec, const qn_rows *rows, sort_run *run, qn_rows_chunk *out, qn_error *err)
{
    if (!out->count)
        return QN_OK;
    if (run->count == run->capacity) {
        uint32_t       capacity = run->capacity ? run->capacity * 2 : 16;
        qn_rows_chunk *grown = qn_realloc(&exec->mem, run->chunks, run->capacity * sizeof *grown, capacity * sizeof *grown);
        if (!grown)
            return qn_nomem(err);
        run->chunks = grown;
        run->capacity = capacity;
    }
    qn_status st = qn_rows_chunk_write(rows, &exec->spill, out, &run->chunks[run->count], err);
    if (st != QN_OK)
        return st;
    run->count++;
    run->rows += out->count;
    for (uint32_t c = 0; c < rows->column_count; c++)
        memset(out->nulls[c], 0, QN_LANES / 8);
    out->count = 0;
    return QN_OK;
}

/* Copy a row; text and numerics stay where they are. */
static void gather(const qn_rows *rows, qn_rows_chunk *out, const qn_rows_chunk *from, uint32_t lane)
{
    uint32_t at = out->count++;
    for (uint32_t c = 0; c < rows->column_count; c++) {
        size_t size = qn_bank_bytes(rows->banks[c]);
        memcpy((char *)out->values[c] + at * size, (const char *)from->values[c] + lane * size, size);
        if (bit_get(from->nulls[c], lane))
            bit_set(out->nulls[c], at);
    }
    out->ties[at] = from->ties[lane];
}

qn_status sort_spill_local(qn_exec *exec, qn_sink *s, output_local *l, qn_error *err)
{
    qn_rows   *r = l->rows;
    sort_order o = {r, s->plan};
    uint64_t   n = r->entry_count;
    uint32_t   most = chunk_rows(r);
    size_t     bytes = qn_mul(n + 1, sizeof *r->entries);
    qn_status  st = QN_OK;
    if (!n)
        return QN_OK;
    if (l->run_count == l->run_capacity) {
        uint32_t  capacity = l->run_capacity ? l->run_capacity * 2 : 8;
        sort_run *grown = qn_realloc(&exec->mem, l->runs, l->run_capacity * sizeof *grown, capacity * sizeof *grown);
        if (!grown)
            return qn_nomem(err);
        l->runs = grown;
        l->run_capacity = capacity;
    }
    qn_rows_entry *scratch = qn_alloc(&exec->mem, bytes);
    qn_arena       arena;
    sort_run       run = {0};
    qn_arena_init(&arena, &exec->mem);
    qn_rows_chunk *out = qn_rows_chunk_new(r, &arena);
    if (scratch && out) {
        sort_block(&o, r->entries, scratch, n);
        n = n < s->keep ? n : s->keep;
        for (uint64_t i = 0; i < n && st == QN_OK; i++) {
            gather(r, out, r->chunks[r->entries[i].chunk], r->entries[i].lane);
            if (out->count == most || i + 1 == n)
                st = run_append(exec, r, &run, out, err);
        }
    } else {
        st = qn_nomem(err);
    }
    qn_free(&exec->mem, scratch, scratch ? bytes : 0);
    qn_arena_deinit(&arena);
    if (st != QN_OK) {
        run_free(&exec->mem, &run);
        return st;
    }
    l->runs[l->run_count++] = run;
    qn_free(r->mem, r->entries, r->entry_capacity * sizeof *r->entries);
    r->entries = NULL;
    r->entry_count = r->entry_capacity = 0;
    r->chunk_count = 0;
    qn_arena_deinit(&r->arena);
    qn_arena_init(&r->arena, r->mem);
    return QN_OK;
}

void sort_free_runs(qn_mem *mem, output_local *l)
{
    for (uint32_t i = 0; i < l->run_count; i++)
        run_free(mem, &l->runs[i]);
    qn_free(mem, l->runs, l->run_capacity * sizeof *l->runs);
    l->runs = NULL;
    l->run_count = l->run_capacity = 0;
}

/* ---- merging ----------------------------------------------------------------------------------------- */

typedef struct run_reader {
    const sort_run *run;
    uint32_t        next; /* chunk */
    qn_rows_chunk   chunk;
    uint32_t        lane;
    uint64_t        prefix; /* of the row at hand */
    qn_arena        arena;
} run_reader;

typedef struct merger {
    qn_exec   *exec;
    sort_order order;
    uint32_t   count; /* readers that have rows left */
    run_reader *readers;
    run_reader **heap; /* the smallest row first */
} merger;

/* Go to the reader's next row; *more false at its end. */
static qn_status reader_advance(merger *m, run_reader *r, bool *more, qn_error *err)
{
    *more = true;
    if (++r->lane >= r->chunk.count) {
        *more = r->next < r->run->count;
        if (!*more)
            return QN_OK;
        /* not only reset: an arena keeps each piece that was too small for the next extent */
        qn_arena_deinit(&r->arena);
        qn_arena_init(&r->arena, &m->exec->mem);
        qn_status st = qn_rows_chunk_read(m->order.rows, &m->exec->spill, &r->run->chunks[r->next++], &r->arena, &r->chunk, err);
        if (st != QN_OK)
            return st;
        r->lane = 0;
    }
    r->prefix = sort_prefix(&m->order, &r->chunk, r->lane);
    return QN_OK;
}

static bool before(const merger *m, const run_reader *x, const run_reader *y)
{
    return x->prefix != y->prefix ? x->prefix < y->prefix
                                  : sort_compare_rows(&m->order, &x->chunk, x->lane, &y->chunk, y->lane) < 0;
}

static void sift_down(merger *m, uint32_t at)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= m->count)
            return;
        if (child + 1 < m->count && before(m, m->heap[child + 1], m->heap[child]))
            child++;
        if (!before(m, m->heap[child], m->heap[at]))
            return;
        run_reader *t = m->heap[at];
        m->heap[at] = m->heap[child];
        m->heap[child] = t;
        at = child;
    }
}

static qn_status merger_open(merger *m, const sort_run *runs, uint32_t count, qn_arena *arena, qn_error *err)
{
    m->readers = qn_arena_array(arena, run_reader, count + 1);
    m->heap = qn_arena_array(arena, run_reader *, count + 1);
    if (!m->readers || !m->heap)
        return qn_nomem(err);
    for (uint32_t i = 0; i < count; i++) {
        run_reader *r = &m->readers[i];
        bool        more;
        r->run = &runs[i];
        qn_arena_init(&r->arena, &m->exec->mem);
        qn_status st = reader_advance(m, r, &more, err);
        if (st != QN_OK)
            return st;
        if (more)
            m->heap[m->count++] = r;
    }
    for (uint32_t i = m->count / 2; i-- > 0;)
        sift_down(m, i);
    return QN_OK;
}

/* Merge runs into *into; with `last`, as DISTINCT ON and LIMIT want it. */
static qn_status merge(qn_exec *exec, qn_sink *s, const qn_rows *rows, const sort_run *runs, uint32_t count, bool last, sort_run *into,
                       qn_error *err)
{
    merger    m = {.exec = exec, .order = {rows, s->plan}};
    qn_arena  arena, texts;
    uint32_t  most = chunk_rows(rows), keys = last ? s->plan->distinct_on : 0;
    uint64_t  keep = last || !s->plan->distinct_on ? s->keep : UINT64_MAX, written = 0;
    qn_status st;
    qn_arena_init(&arena, &exec->mem);
    qn_arena_init(&texts, &exec->mem); /* of the rows gathered: their readers move on */
    QN_TRY(merger_open(&m, runs, count, &arena, err));
    qn_rows_chunk *out = qn_rows_chunk_new(rows, &arena);
    if (!out) {
        st = qn_nomem(err);
        goto done;
    }
    while (m.count && written < keep) {
        run_reader *r = m.heap[0];
        bool        more;
        if (!keys || !out->count || !sort_same_group(&m.order, out, out->count - 1, &r->chunk, r->lane, keys)) {
            if (out->count == most) { /* only now: the row before was still to be compared with */
                if (exec->settings.cancel && atomic_load_explicit(exec->settings.cancel, memory_order_relaxed)) {
                    st = qn_fail(err, QN_SQLSTATE_QUERY_CANCELED, "canceling statement due to user request");
                    goto done;
                }
                QN_TRY(run_append(exec, rows, into, out, err));
                qn_arena_deinit(&texts);
                qn_arena_init(&texts, &exec->mem);
            }
            uint32_t at = out->count;
            gather(rows, out, &r->chunk, r->lane);
            for (uint32_t c = 0; c < rows->column_count; c++) {
                qn_datum d;
                bool     text = rows->banks[c] == QN_BANK_STR;
                if ((!text && rows->banks[c] != QN_BANK_NUM) || bit_get(out->nulls[c], at))
                    continue;
                qn_bank_get(rows->banks[c], out->values[c], at, &d);
                if (text && d.str.bytes == QN_STR_LAZY)
                    continue;
                if (!qn_value_copy(rows->banks[c], &d, &texts, &d)) {
                    st = qn_nomem(err);
                    goto done;
                }
                qn_bank_set(rows->banks[c], out->values[c], at, &d);
            }
            written++;
        }
        QN_TRY(reader_advance(&m, r, &more, err));
        if (!more)
            m.heap[0] = m.heap[--m.count];
        sift_down(&m, 0);
    }
    QN_TRY(run_append(exec, rows, into, out, err));
done:
    for (uint32_t i = 0; m.readers && i < count; i++)
        if (m.readers[i].run)
            qn_arena_deinit(&m.readers[i].arena);
    qn_arena_deinit(&texts);
    qn_arena_deinit(&arena);
    return st;
}

typedef struct merge_job {
    qn_exec       *exec;
    qn_sink       *sink;
    const qn_rows *rows;
    sort_run      *from, *to;
    uint32_t       from_count, fan;
    bool           last;
} merge_job;

static qn_status merge_morsel(void *arg, int worker, uint64_t morsel, qn_error *err)
{
    merge_job *j = arg;
    uint32_t   first = (uint32_t)morsel * j->fan;
    uint32_t   count = j->from_count - first < j->fan ? j->from_count - first : j->fan;
    (void)worker;
    qn_status st = merge(j->exec, j->sink, j->rows, j->from + first, count, j->last, &j->to[morsel], err);
    for (uint32_t i = 0; i < count && st == QN_OK; i++)
        run_free(&j->exec->mem, &j->from[first + i]);
    return st;
}

static qn_status spill_morsel(void *arg, int worker, uint64_t morsel, qn_error *err)
{
    merge_job    *j = arg;
    output_local *l = &j->sink->locals[morsel];
    (void)worker;
    return l->rows ? sort_spill_local(j->exec, j->sink, l, err) : QN_OK;
}

static uint64_t largest_chunk(const sort_run *runs, uint32_t n)
{
    uint64_t largest = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < runs[i].count; c++)
            largest = runs[i].chunks[c].bytes > largest ? runs[i].chunks[c].bytes : largest;
    return largest;
}

qn_status sort_merge_runs(qn_exec *exec, qn_sink *s, qn_rows *result, qn_error *err)
{
    merge_job j = {.exec = exec, .sink = s, .rows = result};
    qn_job    job = {.count = (uint64_t)exec->workers, .max_workers = exec->workers, .run = spill_morsel, .arg = &j,
                     .cancel = exec->settings.cancel};
    uint32_t  room = 1;
    qn_status st = qn_sched_run(exec->sched, &job, err);
    if (st != QN_OK)
        return st;
    for (int w = 0; w < exec->workers; w++)
        room += s->locals[w].run_count;
    size_t    bytes = room * sizeof(sort_run);
    sort_run *from = qn_alloc0(&exec->mem, bytes), *to = qn_alloc0(&exec->mem, bytes);
    uint32_t  n = 0;
    if (!from || !to) {
        st = qn_nomem(err);
        goto done;
    }
    for (int w = 0; w < exec->workers; w++) { /* the runs move: only the lists are freed with the workers */
        for (uint32_t i = 0; i < s->locals[w].run_count; i++)
            from[n++] = s->locals[w].runs[i];
        s->locals[w].run_count = 0;
    }
    while (n && !j.last) {
        if (n == 1 && !s->plan->distinct_on)
            break; /* one run is the result as it is */
        /* a reader has a chunk, a worker merges its share */
        uint64_t largest = largest_chunk(from, n) + largest_chunk(from, n) / 4 + (16 << 10);
        uint64_t fan = exec_share(exec) / largest, alone = exec_share(exec) * (uint64_t)exec->workers / largest;
        fan = fan < 2 ? 2 : fan > FAN_MAX ? FAN_MAX : fan;
        j.last = n <= FAN_MAX && n <= (alone < 2 ? 2 : alone);
        j.fan = j.last ? n : (uint32_t)fan;
        j.from = from;
        j.to = to;
        j.from_count = n;
        job.run = merge_morsel;
        job.count = (n + j.fan - 1) / j.fan;
        st = qn_sched_run(exec->sched, &job, err);
        if (st != QN_OK)
            goto done;
        n = (uint32_t)job.count;
        from = j.to;
        to = j.from;
    }
    for (uint32_t c = 0; n && c < from[0].count; c++) {
        qn_rows_chunk *stub = qn_arena_new(&result->kept, qn_rows_chunk);
        if (!stub) {
            st = qn_nomem(err);
            goto done;
        }
        *stub = from[0].chunks[c];
        QN_TRY(qn_rows_chunk_add(result, &stub, err));
    }
    result->spill = &exec->spill;
    result->resident = result->chunk_count;
    result->sorted = true;
done:
    for (uint32_t i = 0; i < room; i++) {
        if (from)
            run_free(&exec->mem, &from[i]);
        if (to)
            run_free(&exec->mem, &to[i]);
    }
    qn_free(&exec->mem, from, from ? bytes : 0);
    qn_free(&exec->mem, to, to ? bytes : 0);
    return st;
}
