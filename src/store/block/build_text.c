/* Distinct values and codes of strings, and of other banks by their bytes.
 *
 * Rows go through a hash table (XXH3) that numbers the distinct strings by first appearance; only
 * those are sorted, by multikey quicksort on eight bytes at a time (Bentley and Sedgewick, "Fast
 * Algorithms for Sorting and Searching Strings", 1997), which never compares a shared prefix twice.
 *
 * char(n) is ordered without its trailing blanks, as SQL compares it.  Intervals and numerics that
 * are not scaled 64-bit integers come through here as byte strings, but are ordered by value. */
#include "store/block/build.h"
#include "type/numeric.h"

#define INSERTION 20u
#define PREFETCH  8u

typedef struct text_slot {
    uint64_t hash;
    uint32_t id; /* plus one; 0 is free */
} text_slot;

typedef struct item {
    uint64_t key; /* the eight bytes at the current depth, first byte on top, zeros past the end */
    const char *data;
    uint32_t    bytes; /* that take part in the order */
    uint32_t    full;  /* all of them: decides when the rest is equal */
    uint32_t    id;
} item;

typedef struct sort_context {
    qn_block_builder *b;
    const uint32_t   *first;
} sort_context;
typedef int (*item_compare)(const sort_context *c, const item *x, const item *y);

/* ---- distinct ------------------------------------------------------------------------------- */

static qn_status table_grow(qn_block_builder *b, size_t old_capacity, size_t capacity,
                            text_slot **table, qn_error *err)
{
    /* The old slots hold the hashes, so they are moved aside while the new ones fill. */
    text_slot *old = NULL;
    if (old_capacity) {
        old = qn_build_array(b, SLOT_SORT, text_slot, old_capacity);
        if (!old)
            return qn_nomem(err);
        memcpy(old, *table, old_capacity * sizeof *old);
    }
    text_slot *t = qn_build_array(b, SLOT_TABLE, text_slot, capacity);
    if (!t)
        return qn_nomem(err);
    memset(t, 0, capacity * sizeof *t);
    for (size_t i = 0; i < old_capacity; i++) {
        if (!old[i].id)
            continue;
        size_t at = old[i].hash & (capacity - 1);
        while (t[at].id)
            at = (at + 1) & (capacity - 1);
        t[at] = old[i];
    }
    *table = t;
    return QN_OK;
}

/* Hashes first, in SLOT_KEYS, so that the table can be prefetched: for strings the table's misses
 * cost more than the hashing. */
static qn_status distinct_strings(qn_block_builder *b, const qn_str *rows, const uint32_t *row_of, uint32_t n,
                                  uint32_t *ids, uint32_t *first, uint32_t *distinct, qn_error *err)
{
    qn_status  st = QN_OK;
    size_t     capacity = n < 2048 ? 64 : 4096;
    uint32_t   d = 0;
    text_slot *t = NULL;
    uint64_t  *hash = qn_build_array(b, SLOT_KEYS, uint64_t, n);
    QN_ALLOC(err, hash);
    QN_TRY(table_grow(b, 0, capacity, &t, err));
    for (uint32_t i = 0; i < n; i++) {
        const qn_str *s = &rows[row_of ? row_of[i] : i];
        const qn_str *before = i ? &rows[row_of ? row_of[i - 1] : i - 1] : NULL;
        /* Clustered data repeats the row before; 0 marks that (and a hash of 0 merely probes
         * again). */
        hash[i] =
            before && qn_str_equal(s, before) ? 0 : qn_hash64(qn_str_data(s), s->bytes, 0) | 1;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (i + PREFETCH < n)
            __builtin_prefetch(&t[hash[i + PREFETCH] & (capacity - 1)], 1);
        if (hash[i] == 0) {
            ids[i] = ids[i - 1];
            continue;
        }
        uint32_t      row = row_of ? row_of[i] : i;
        const qn_str *s = &rows[row];
        size_t        at = hash[i] & (capacity - 1);
        while (t[at].id && !(t[at].hash == hash[i] && qn_str_equal(s, &rows[first[t[at].id - 1]])))
            at = (at + 1) & (capacity - 1);
        if (t[at].id) {
            ids[i] = t[at].id - 1;
            continue;
        }
        t[at] = (text_slot){hash[i], d + 1};
        ids[i] = d;
        first[d++] = row;
        if ((size_t)d * 2 > capacity) {
            QN_TRY(table_grow(b, capacity, capacity * 4, &t, err));
            capacity *= 4;
        }
    }
    *distinct = d;
done:
    return st;
}

/* ---- order ---------------------------------------------------------------------------------- */

static int compare_bytes(const sort_context *c, const item *x, const item *y)
{
    (void)c;
    uint32_t n = x->bytes < y->bytes ? x->bytes : y->bytes;
    int      r = n ? memcmp(x->data, y->data, n) : 0;
    if (r == 0)
        r = (x->bytes > y->bytes) - (x->bytes < y->bytes);
    return r ? r : (x->full > y->full) - (x->full < y->full);
}

static int compare_values(const sort_context *c, const item *x, const item *y)
{
    qn_datum a, b;
    qn_bank_get(c->b->bank, c->b->in->values, c->first[x->id], &a);
    qn_bank_get(c->b->bank, c->b->in->values, c->first[y->id], &b);
    return qn_value_compare_stored((qn_sql_type)c->b->in->type.id, &a, &b);
}

/* Bottom-up merge sort; the result is in a. */
static void merge_sort(item *a, item *other, size_t count, item_compare compare,
                       const sort_context *c)
{
    item *from = a, *to = other;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t lo = 0; lo < count; lo += 2 * width) {
            size_t mid = lo + width < count ? lo + width : count;
            size_t hi = lo + 2 * width < count ? lo + 2 * width : count, i = lo, j = mid;
            for (size_t k = lo; k < hi; k++)
                to[k] = i < mid && (j >= hi || compare(c, &from[i], &from[j]) <= 0) ? from[i++]
                                                                                    : from[j++];
        }
        item *swap = from;
        from = to;
        to = swap;
    }
    if (from != a)
        memcpy(a, from, count * sizeof *a);
}

static void load_key(item *x, uint32_t depth)
{
    uint64_t key = 0;
    if (x->bytes > depth) {
        uint32_t left = x->bytes - depth;
        memcpy(&key, x->data + depth, left < 8 ? left : 8);
    }
    x->key = __builtin_bswap64(key);
}

static void insertion_sort(item *a, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        item   x = a[i];
        size_t j = i;
        while (j > 0 && (x.key < a[j - 1].key ||
                         (x.key == a[j - 1].key && compare_bytes(NULL, &x, &a[j - 1]) < 0))) {
            a[j] = a[j - 1];
            j--;
        }
        a[j] = x;
    }
}

static uint64_t median3(uint64_t x, uint64_t y, uint64_t z)
{
    if (x > y) {
        uint64_t t = x;
        x = y;
        y = t;
    }
    return z < x ? x : z > y ? y : z;
}

/* Ninther over places that a multiplicative hash scatters, so that no simple input is quadratic. */
static uint64_t pick_pivot(const item *a, size_t n)
{
    uint64_t m[3], r = n * 0x9e3779b97f4a7c15ull;
    for (unsigned i = 0; i < 3; i++) {
        uint64_t k[3];
        for (unsigned j = 0; j < 3; j++) {
            r = qn_mix64(r + 1);
            k[j] = a[r % n].key;
        }
        m[i] = median3(k[0], k[1], k[2]);
    }
    return median3(m[0], m[1], m[2]);
}

typedef struct part {
    size_t   begin, count;
    uint32_t depth;
} part;

/* The smallest part is sorted next and the others wait, so the stack holds two parts per halving.
 */
static void sort_strings(item *items, item *other, size_t total)
{
    part   stack[128], now = {0, total, 0};
    size_t waiting = 0;
    for (size_t i = 0; i < total; i++)
        load_key(&items[i], 0);
    for (;;) {
        item *a = items + now.begin;
        if (now.count <= INSERTION) {
            insertion_sort(a, now.count);
            if (!waiting)
                return;
            now = stack[--waiting];
            continue;
        }
        uint64_t pivot = pick_pivot(a, now.count);
        size_t   lt = 0, i = 0, gt = now.count;
        while (i < gt) {
            if (a[i].key < pivot) {
                item t = a[lt];
                a[lt++] = a[i];
                a[i++] = t;
            } else if (a[i].key > pivot) {
                item t = a[--gt];
                a[gt] = a[i];
                a[i] = t;
            } else {
                i++;
            }
        }
        part parts[3] = {{now.begin, lt, now.depth},
                         {now.begin + lt, gt - lt, now.depth + 8},
                         {now.begin + gt, now.count - gt, now.depth}};
        if (parts[1].count > 1) {
            /* A last byte of zero: strings that ended here, differing in blanks or zero bytes at
             * most before they go on; the plain order settles them. */
            if ((pivot & 0xff) == 0) {
                merge_sort(a + lt, other, parts[1].count, compare_bytes, NULL);
                parts[1].count = 0;
            } else {
                for (size_t k = lt; k < gt; k++)
                    load_key(&a[k], now.depth + 8);
            }
        }
        for (unsigned x = 0; x < 2; x++) /* largest first on the stack */
            for (unsigned y = 0; y < 2 - x; y++)
                if (parts[y].count < parts[y + 1].count) {
                    part t = parts[y];
                    parts[y] = parts[y + 1];
                    parts[y + 1] = t;
                }
        stack[waiting++] = parts[0];
        if (parts[1].count > 1)
            stack[waiting++] = parts[1];
        now = parts[2];
    }
}

/* ---- columns -------------------------------------------------------------------------------- */

static qn_status row_numbers(qn_block_builder *b, uint32_t **row_of, qn_error *err)
{
    *row_of = NULL;
    if (!b->in->nulls)
        return QN_OK;
    uint32_t *r = qn_build_array(b, SLOT_DELTA, uint32_t, b->nonnull), n = 0;
    if (!r)
        return qn_nomem(err);
    for (uint32_t row = 0; row < b->rows; row++)
        if (!qn_build_null(b, row))
            r[n++] = row;
    *row_of = r;
    return QN_OK;
}

/* The caller has numbered the values: only those are looked at, then rows take their values' numbers. */
static qn_status distinct_numbered(qn_block_builder *b, const qn_str *values, const uint32_t *row_of, uint32_t *ids,
                                   uint32_t *first, uint32_t *distinct, qn_error *err)
{
    qn_status st = QN_OK;
    uint32_t *number; /* of a value, among the distinct ones; the slot is written when all are through */
    QN_ALLOC(err, number = qn_build_array(b, SLOT_CODES, uint32_t, b->value_count));
    QN_TRY(distinct_strings(b, values, NULL, b->value_count, number, first, distinct, err));
    for (uint32_t i = 0; i < b->nonnull; i++)
        ids[i] = number[b->ids[row_of ? row_of[i] : i]];
done:
    return st;
}

/* Distinct strings of rows[] in order: items[] sorted, ids, first, rank. */
static qn_status distinct_and_sort(qn_block_builder *b, const qn_str *rows, bool by_value,
                                   item **items_out, uint32_t **ids_out, uint32_t **first_out,
                                   uint32_t **rank_out, uint32_t *distinct, qn_error *err)
{
    qn_status st = QN_OK;
    uint32_t *row_of, *ids, *first, *rank, d = 0;
    item     *items, *other;
    QN_TRY(row_numbers(b, &row_of, err));
    QN_ALLOC(err, ids = qn_build_array(b, SLOT_IDS, uint32_t, b->nonnull));
    QN_ALLOC(err, first = qn_build_array(b, SLOT_FIRST, uint32_t, b->nonnull));
    QN_TRY(b->ids
               ? distinct_numbered(b, rows, row_of, ids, first, &d, err)
               : distinct_strings(b, rows, row_of, b->nonnull, ids, first, &d, err));
    QN_ALLOC(err, items = qn_build_array(b, SLOT_SORT, item, d));
    QN_ALLOC(err, other = qn_build_array(b, SLOT_SORT2, item, d));
    QN_ALLOC(err, rank = qn_build_array(b, SLOT_RANK, uint32_t, d));
    for (uint32_t i = 0; i < d; i++) {
        const qn_str *s = &rows[first[i]];
        items[i] = (item){0, qn_str_data(s), s->bytes, s->bytes, i};
        if (b->in->type.id == QN_TYPE_CHAR)
            while (items[i].bytes && items[i].data[items[i].bytes - 1] == ' ')
                items[i].bytes--;
    }
    if (by_value) {
        sort_context c = {b, first};
        merge_sort(items, other, d, compare_values, &c);
    } else {
        sort_strings(items, other, d);
    }
    for (uint32_t i = 0; i < d; i++)
        rank[items[i].id] = i + 1;
    *items_out = items;
    *ids_out = ids;
    *first_out = first;
    *rank_out = rank;
    *distinct = d;
done:
    return st;
}

qn_status qn_build_text(qn_block_builder *b, qn_error *err)
{
    qn_status st = QN_OK;
    uint32_t *ids, *first, *rank, d;
    item     *items;
    qn_str   *sorted;
    b->column.value_form = QN_VALUES_TEXT;
    if (b->nonnull == 0)
        return qn_build_finish_codes(b, NULL, NULL, NULL, 0, err);
    QN_TRY(distinct_and_sort(b, b->in->values, false, &items, &ids, &first, &rank, &d, err));
    b->column.distinct = d;
    QN_ALLOC(err, sorted = qn_build_array(b, SLOT_STRINGS, qn_str, d));
    for (uint32_t i = 0; i < d; i++)
        sorted[i] = ((const qn_str *)b->in->values)[first[items[i].id]];
    QN_TRY(qn_build_finish_codes(b, ids, rank, NULL, d, err));
    QN_TRY(qn_text_write(b, sorted, d, err));
done:
    return st;
}

/* Row values as byte strings. */
static qn_status slot_strings(qn_block_builder *b, qn_str **rows_out, qn_error *err)
{
    qn_str *rows = qn_build_array(b, SLOT_STRINGS, qn_str, b->rows);
    if (!rows)
        return qn_nomem(err);
    *rows_out = rows;
    if (b->bank == QN_BANK_INTERVAL) {
        const char *v = b->in->values;
        for (uint32_t row = 0; row < b->rows; row++)
            rows[row] = qn_str_of(v + (size_t)row * 16, 16);
        return QN_OK;
    }
    const qn_numeric *v = b->in->values;
    size_t            total = 0, at = 0;
    for (uint32_t row = 0; row < b->rows; row++)
        if (!qn_build_null(b, row))
            total += qn_numeric_packed_bytes(v[row]);
    char *bytes = qn_build_array(b, SLOT_BYTES, char, total);
    if (!bytes)
        return qn_nomem(err);
    for (uint32_t row = 0; row < b->rows; row++) {
        size_t n = qn_build_null(b, row) ? 0 : qn_numeric_pack(v[row], bytes + at);
        rows[row] = qn_str_of(bytes + at, n);
        at += n;
    }
    return QN_OK;
}

/* VALUES of packed numerics: u32 bytes per length, u32 0, u64 start per 128 values, lengths, bytes.
 */
static void write_byte_values(qn_block_builder *b, const item *items, uint32_t d)
{
    uint32_t longest = 0, zero = 0;
    for (uint32_t i = 0; i < d; i++)
        longest = items[i].bytes > longest ? items[i].bytes : longest;
    uint32_t width = longest < 256 ? 1 : longest < 65536 ? 2 : 4;
    uint64_t start = 0;
    qn_build_begin(b);
    qn_out_add(&b->out, &width, 4);
    qn_out_add(&b->out, &zero, 4);
    for (uint32_t i = 0; i < d; i++) {
        if (i % QN_FMT_GROUP == 0)
            qn_out_add(&b->out, &start, 8);
        start += items[i].bytes;
    }
    for (uint32_t i = 0; i < d; i++)
        qn_out_add(&b->out, &items[i].bytes, width);
    for (uint32_t i = 0; i < d; i++)
        qn_out_add(&b->out, items[i].data, items[i].bytes);
    qn_build_end(b, QN_SECTION_VALUES);
}

qn_status qn_build_slots(qn_block_builder *b, qn_error *err)
{
    qn_status st = QN_OK;
    uint32_t *ids, *first, *rank, d;
    item     *items;
    qn_str   *rows = NULL;
    b->column.value_form = b->bank == QN_BANK_NUM ? QN_VALUES_BYTES : QN_VALUES_SLOT16;
    if (b->nonnull == 0)
        return qn_build_finish_codes(b, NULL, NULL, NULL, 0, err);
    QN_TRY(slot_strings(b, &rows, err));
    QN_TRY(distinct_and_sort(b, rows, true, &items, &ids, &first, &rank, &d, err));
    b->column.distinct = d;
    b->min = items[0].data;
    b->max = items[d - 1].data;
    b->column.min_bytes = items[0].bytes;
    b->column.max_bytes = items[d - 1].bytes;
    if (d > 2 && b->bank == QN_BANK_NUM) {
        write_byte_values(b, items, d);
    } else if (d > 2) {
        qn_build_begin(b);
        for (uint32_t i = 0; i < d; i++)
            qn_out_add(&b->out, items[i].data, 16);
        qn_build_end(b, QN_SECTION_VALUES);
    }
    QN_TRY(qn_build_finish_codes(b, ids, rank, NULL, d, err));
done:
    return st;
}
