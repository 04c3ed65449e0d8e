/* Sorting in memory: see sort.h.
 *
 * An entry is a row's place and a 62-bit summary of its first sort key.  Blocks of entries are sorted side by side: by
 * radix over the bytes of the summary in which the block differs, then, among equal summaries, by comparing rows in
 * full.  Sorted blocks are merged pairwise in rounds; every pair is cut into pieces of equal length along its merge path
 * (Odeh, Green, Mwassi, Shmueli, Birk, "Merge Path - Parallel Merging Made Simple", 2012), so that all workers are busy
 * in the last round too.
 *
 * The order is total, so nothing here needs to be stable. */
#include "vm/sort.h"

#include <math.h>
#include <stdlib.h>
#include "base/assert.h"

#define BLOCK_MAX (1u << 18)     /* entries of a block: about a second-level cache */
#define RADIX_FROM 512u          /* fewer are compared */
#define PIECE (1u << 15)         /* least entries of a piece of a merge */
#define ALONE (1u << 15)         /* fewer entries are sorted by the calling thread */

/* ---- comparing ------------------------------------------------------------------------------------ */

static uint64_t float_bits(double d)
{
    uint64_t u;
    if (isnan(d))
        return UINT64_MAX;
    d = d == 0 ? 0 : d;
    memcpy(&u, &d, 8);
    return u >> 63 ? ~u : u | 1ull << 63;
}

uint64_t sort_prefix_of(const qn_sort_key *key, qn_bank bank, qn_sql_type type, const qn_datum *v, bool null)
{
    uint64_t p = 0;
    if (null)
        return key->nulls_first ? 0 : UINT64_MAX;
    switch (bank) {
    case QN_BANK_BOOL: p = v->b; break;
    case QN_BANK_I16: p = (uint64_t)(v->i16 + 32768); break;
    case QN_BANK_I32: p = (uint64_t)((int64_t)v->i32 + 2147483648LL) << 16; break;
    case QN_BANK_I64: p = ((uint64_t)v->i64 ^ 1ull << 63) >> 2; break;
    case QN_BANK_F32: p = float_bits((double)v->f32) >> 2; break;
    case QN_BANK_F64: p = float_bits(v->f64) >> 2; break;
    case QN_BANK_STR:
        if (type != QN_TYPE_CHAR) {
            const unsigned char *s = (const unsigned char *)qn_str_data(&v->str);
            for (uint32_t i = 0; i < 8; i++)
                p = p << 8 | (i < v->str.bytes ? s[i] : 0);
            p >>= 2;
        }
        break;
    default: break; /* compared in full */
    }
    if (key->descending)
        p = (1ull << 62) - 1 - p;
    return p + 1;
}

uint64_t sort_prefix(const sort_order *o, const qn_rows_chunk *k, uint32_t lane)
{
    if (!o->plan->sort_count)
        return 0;
    const qn_sort_key *key = &o->plan->sort[0];
    qn_datum           d = {.words = {0, 0}};
    bool               null = bit_get(k->nulls[key->target], lane);
    if (!null)
        qn_bank_get(o->rows->banks[key->target], k->values[key->target], lane, &d);
    return sort_prefix_of(key, o->rows->banks[key->target], o->rows->types[key->target].id, &d, null);
}

int sort_compare_rows(const sort_order *o, const qn_rows_chunk *x, uint32_t x_lane, const qn_rows_chunk *y, uint32_t y_lane)
{
    for (uint32_t i = 0; i < o->plan->sort_count; i++) {
        const qn_sort_key *k = &o->plan->sort[i];
        bool               nx = bit_get(x->nulls[k->target], x_lane), ny = bit_get(y->nulls[k->target], y_lane);
        if (nx || ny) {
            if (nx && ny)
                continue;
            return nx == k->nulls_first ? -1 : 1;
        }
        qn_datum p, q;
        qn_bank  bank = o->rows->banks[k->target];
        qn_bank_get(bank, x->values[k->target], x_lane, &p);
        qn_bank_get(bank, y->values[k->target], y_lane, &q);
        int r = qn_value_compare(o->rows->types[k->target].id, &p, &q);
        if (r)
            return k->descending ? -r : r;
    }
    uint64_t s = x->ties[x_lane], t = y->ties[y_lane];
    return (s > t) - (s < t);
}

static inline int compare(const sort_order *o, const qn_rows_entry *a, const qn_rows_entry *b)
{
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    return sort_compare_rows(o, o->rows->chunks[a->chunk], a->lane, o->rows->chunks[b->chunk], b->lane);
}

int sort_compare_entries(const void *a, const void *b, void *order) { return compare(order, a, b); }

bool sort_same_group(const sort_order *o, const qn_rows_chunk *x, uint32_t x_lane, const qn_rows_chunk *y, uint32_t y_lane,
                     uint32_t keys)
{
    for (uint32_t i = 0; i < keys; i++) {
        uint32_t t = o->plan->sort[i].target;
        bool     nx = bit_get(x->nulls[t], x_lane), ny = bit_get(y->nulls[t], y_lane);
        qn_datum p, q;
        if (nx != ny)
            return false;
        if (nx)
            continue;
        qn_bank_get(o->rows->banks[t], x->values[t], x_lane, &p);
        qn_bank_get(o->rows->banks[t], y->values[t], y_lane, &q);
        if (qn_value_compare(o->rows->types[t].id, &p, &q))
            return false;
    }
    return true;
}

/* ---- blocks --------------------------------------------------------------------------------------- */

static void by_radix(qn_rows_entry *entries, qn_rows_entry *scratch, uint64_t n)
{
    uint64_t       differ = 0;
    qn_rows_entry *from = entries, *to = scratch;
    for (uint64_t i = 1; i < n; i++)
        differ |= entries[i].prefix ^ entries[0].prefix;
    for (int shift = 0; shift < 64; shift += 8) {
        uint32_t starts[256] = {0};
        if (!(differ >> shift & 0xff))
            continue;
        for (uint64_t i = 0; i < n; i++)
            starts[from[i].prefix >> shift & 0xff]++;
        for (uint32_t b = 0, sum = 0; b < 256; b++) {
            uint32_t count = starts[b];
            starts[b] = sum;
            sum += count;
        }
        for (uint64_t i = 0; i < n; i++)
            to[starts[from[i].prefix >> shift & 0xff]++] = from[i];
        qn_rows_entry *t = from;
        from = to;
        to = t;
    }
    if (from != entries)
        memcpy(entries, from, n * sizeof *entries);
}

void sort_block(const sort_order *o, qn_rows_entry *entries, qn_rows_entry *scratch, uint64_t n)
{
    sort_order order = *o;
    if (n < RADIX_FROM) {
        qsort_r(entries, n, sizeof *entries, sort_compare_entries, &order);
        return;
    }
    QN_ASSERT(n < UINT32_MAX);
    by_radix(entries, scratch, n);
    for (uint64_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && entries[j].prefix == entries[i].prefix; j++)
            ;
        if (j - i > 1)
            qsort_r(entries + i, j - i, sizeof *entries, sort_compare_entries, &order);
    }
}

/* ---- all workers ------------------------------------------------------------------------------------ */

typedef struct sort_job {
    const sort_order *order;
    qn_rows_entry    *from, *to;
    uint64_t          n;
    uint64_t          width;  /* entries of a sorted block; the last may be shorter */
    uint64_t          pieces; /* per pair of blocks */
} sort_job;

static qn_status block_morsel(void *arg, int worker, uint64_t morsel, qn_error *err)
{
    sort_job *j = arg;
    uint64_t  begin = morsel * j->width, end = begin + j->width < j->n ? begin + j->width : j->n;
    (void)worker;
    (void)err;
    sort_block(j->order, j->from + begin, j->to + begin, end - begin);
    return QN_OK;
}

/* How many of the first `diagonal` entries of the merged a and b come from a. */
static uint64_t merge_path(const sort_order *o, const qn_rows_entry *a, uint64_t a_n, const qn_rows_entry *b, uint64_t b_n,
                           uint64_t diagonal)
{
    uint64_t lo = diagonal > b_n ? diagonal - b_n : 0, hi = diagonal < a_n ? diagonal : a_n;
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (compare(o, &a[mid], &b[diagonal - 1 - mid]) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static qn_status merge_morsel(void *arg, int worker, uint64_t morsel, qn_error *err)
{
    sort_job            *j = arg;
    uint64_t             pair = morsel / j->pieces, piece = morsel % j->pieces;
    uint64_t             begin = pair * 2 * j->width;
    uint64_t             middle = begin + j->width < j->n ? begin + j->width : j->n;
    uint64_t             end = middle + j->width < j->n ? middle + j->width : j->n;
    const qn_rows_entry *a = j->from + begin, *b = j->from + middle;
    uint64_t             a_n = middle - begin, b_n = end - middle, n = end - begin;
    uint64_t             first = n * piece / j->pieces, last = n * (piece + 1) / j->pieces;
    (void)worker;
    (void)err;
    uint64_t       x = merge_path(j->order, a, a_n, b, b_n, first), x_end = merge_path(j->order, a, a_n, b, b_n, last);
    uint64_t       y = first - x, y_end = last - x_end;
    qn_rows_entry *out = j->to + begin + first;
    while (x < x_end && y < y_end) {
        bool left = compare(j->order, &a[x], &b[y]) < 0;
        *out++ = left ? a[x] : b[y];
        x += left;
        y += !left;
    }
    memcpy(out, a + x, (x_end - x) * sizeof *out);
    out += x_end - x;
    memcpy(out, b + y, (y_end - y) * sizeof *out);
    return QN_OK;
}

qn_status sort_entries(qn_exec *exec, const sort_order *o, qn_rows_entry *entries, uint64_t n, qn_error *err)
{
    qn_status      st = QN_OK;
    size_t         bytes = qn_mul(n, sizeof *entries);
    qn_rows_entry *scratch = n < RADIX_FROM ? NULL : qn_alloc(&exec->mem, bytes);
    if (!n)
        return QN_OK;
    if (n < RADIX_FROM) {
        sort_block(o, entries, NULL, n);
        return QN_OK;
    }
    if (!scratch)
        return qn_nomem(err);
    int      workers = n < ALONE ? 1 : exec->workers;
    sort_job j = {.order = o, .from = entries, .to = scratch, .n = n, .width = n};
    while (j.width > BLOCK_MAX || n / j.width < (workers > 1 ? 2 * (uint64_t)workers : 1))
        j.width = (j.width + 1) / 2;
    qn_job job = {.count = (n + j.width - 1) / j.width, .max_workers = workers, .run = block_morsel, .arg = &j,
                  .cancel = exec->settings.cancel};
    st = qn_sched_run(exec->sched, &job, err);
    for (; st == QN_OK && j.width < n; j.width *= 2) {
        uint64_t pairs = (n + 2 * j.width - 1) / (2 * j.width), most = 2 * j.width / PIECE + 1;
        j.pieces = pairs >= 4 * (uint64_t)workers ? 1 : 4 * (uint64_t)workers / pairs + 1;
        j.pieces = j.pieces < most ? j.pieces : most;
        job.run = merge_morsel;
        job.count = pairs * j.pieces;
        st = qn_sched_run(exec->sched, &job, err);
        qn_rows_entry *t = j.from;
        j.from = j.to;
        j.to = t;
    }
    if (st == QN_OK && j.from != entries)
        memcpy(entries, j.from, bytes);
    qn_free(&exec->mem, scratch, bytes);
    return st;
}
