/* Distinct values and codes of fixed-width columns, without a comparison sort over rows.
 *
 * Every value becomes an order-preserving 64-bit image.  A narrow range is counted in a direct map;
 * a wide one goes through a hash table that numbers the distinct images by first appearance, and
 * only those are radix-sorted.  Nearly-all-distinct columns stay in row order (RAW) and are not
 * sorted at all. */
#include "store/block/build.h"
#include "type/numeric.h"

#define RAW_MIN_ROWS 4096u /* a small dictionary does more than raw rows and costs nothing */
#define PREFETCH     16u

typedef struct pair {
    uint64_t key;
    uint32_t id;
} pair;

typedef struct table_slot {
    uint64_t key;
    uint32_t id; /* plus one; 0 is free */
} table_slot;

/* All small, finite, of one display scale, coefficients within 64 bits? */
static bool numerics_scale(const qn_block_builder *b, const qn_numeric *v, int *scale)
{
    *scale = -1;
    for (uint32_t row = 0; row < b->rows; row++) {
        if (qn_build_null(b, row))
            continue;
        if (!qn_numeric_is_small(v[row]))
            return false;
        qn_i128 c = qn_numeric_coefficient(v[row]);
        int     s = qn_numeric_scale(v[row]);
        if (c < INT64_MIN || c > INT64_MAX || s < 0 || s > 250 || (*scale >= 0 && s != *scale))
            return false;
        *scale = s;
    }
    if (*scale < 0)
        *scale = 0;
    return true;
}

/* Images of the non-NULL rows, in row order. */
#define IMAGES(ctype, expression)                                                                  \
    do {                                                                                           \
        const ctype *v = b->in->values;                                                            \
        if (!b->in->nulls)                                                                         \
            for (uint32_t row = 0; row < b->rows; row++)                                           \
                keys[row] = (expression);                                                          \
        else                                                                                       \
            for (uint32_t row = 0, n = 0; row < b->rows; row++)                                    \
                if (!qn_build_null(b, row))                                                        \
                    keys[n++] = (expression);                                                      \
    } while (0)
static void make_images(const qn_block_builder *b, uint64_t *keys)
{
    switch (b->bank) {
    case QN_BANK_BOOL:
        IMAGES(uint8_t, v[row] != 0);
        break;
    case QN_BANK_I16:
        IMAGES(int16_t, qn_image_int(v[row]));
        break;
    case QN_BANK_I32:
        IMAGES(int32_t, qn_image_int(v[row]));
        break;
    case QN_BANK_I64:
        IMAGES(int64_t, qn_image_int(v[row]));
        break;
    case QN_BANK_F32:
        IMAGES(float, qn_image_f32(v[row]));
        break;
    case QN_BANK_F64:
        IMAGES(double, qn_image_f64(v[row]));
        break;
    default:
        IMAGES(qn_numeric, qn_image_int((int64_t)qn_numeric_coefficient(v[row])));
        break;
    }
}

/* Count in a map over lo..hi: values come out sorted, map[] turns into codes. */
static qn_status distinct_by_map(qn_block_builder *b, const uint64_t *keys, uint64_t lo,
                                 uint64_t range, uint32_t *distinct, qn_error *err)
{
    size_t    entries = (size_t)range + 1;
    uint32_t *map = qn_build_array(b, SLOT_TABLE, uint32_t, entries);
    if (!map)
        return qn_nomem(err);
    memset(map, 0, entries * 4);
    for (uint32_t i = 0; i < b->nonnull; i++)
        map[keys[i] - lo]++;
    uint32_t d = 0;
    for (size_t i = 0; i < entries; i++)
        d += map[i] != 0;
    uint64_t *values = qn_build_array(b, SLOT_VALUES, uint64_t, d);
    uint32_t *counts = qn_build_array(b, SLOT_COUNTS, uint32_t, d);
    if (!values || !counts)
        return qn_nomem(err);
    d = 0;
    for (size_t i = 0; i < entries; i++)
        if (map[i]) {
            values[d] = lo + i;
            counts[d++] = map[i];
            map[i] = d;
        }
    *distinct = d;
    return QN_OK;
}

static qn_status table_grow(qn_block_builder *b, const uint64_t *values, uint32_t count,
                            size_t capacity, table_slot **table, qn_error *err)
{
    table_slot *t = qn_build_array(b, SLOT_TABLE, table_slot, capacity);
    if (!t)
        return qn_nomem(err);
    memset(t, 0, capacity * sizeof *t);
    for (uint32_t id = 0; id < count; id++) {
        size_t at = qn_mix64(values[id]) & (capacity - 1);
        while (t[at].id)
            at = (at + 1) & (capacity - 1);
        t[at] = (table_slot){values[id], id + 1};
    }
    *table = t;
    return QN_OK;
}

/* Number the distinct keys by first appearance: ids[] per key, SLOT_VALUES per id. */
static qn_status distinct_by_hash(qn_block_builder *b, const uint64_t *keys, uint32_t *ids,
                                  uint32_t *distinct, qn_error *err)
{
    qn_status   st = QN_OK;
    size_t      capacity = b->nonnull < 2048 ? 64 : 4096;
    uint32_t    d = 0, last_id = 0;
    uint64_t    last = ~keys[0];
    table_slot *t = NULL;
    uint64_t   *values = qn_build_array(b, SLOT_VALUES, uint64_t, b->nonnull);
    if (!values)
        return qn_nomem(err);
    QN_TRY(table_grow(b, values, 0, capacity, &t, err));
    for (uint32_t i = 0; i < b->nonnull; i++) {
        uint64_t key = keys[i];
        if (i + PREFETCH < b->nonnull)
            __builtin_prefetch(&t[qn_mix64(keys[i + PREFETCH]) & (capacity - 1)], 1);
        if (key == last) { /* clustered data repeats the row before */
            ids[i] = last_id;
            continue;
        }
        size_t at = qn_mix64(key) & (capacity - 1);
        while (t[at].id && t[at].key != key)
            at = (at + 1) & (capacity - 1);
        if (!t[at].id) {
            t[at] = (table_slot){key, d + 1};
            values[d++] = key;
            last_id = d - 1;
            if ((size_t)d * 2 > capacity) {
                capacity *= 4;
                QN_TRY(table_grow(b, values, d, capacity, &t, err));
            }
        } else {
            last_id = t[at].id - 1;
        }
        ids[i] = last_id;
        last = key;
    }
    *distinct = d;
done:
    return st;
}

/* Least significant digit radix sort, 11 bits a pass, over the bits in which the keys differ. */
static pair *radix_sort(pair *a, pair *other, uint32_t count, uint64_t lo, uint64_t range)
{
    uint32_t start[2048];
    for (unsigned shift = 0; shift < 64 && range >> shift; shift += 11) {
        uint32_t sum = 0;
        memset(start, 0, sizeof start);
        for (uint32_t i = 0; i < count; i++)
            start[(a[i].key - lo) >> shift & 2047]++;
        for (uint32_t i = 0; i < 2048; i++) {
            uint32_t n = start[i];
            start[i] = sum;
            sum += n;
        }
        for (uint32_t i = 0; i < count; i++)
            other[start[(a[i].key - lo) >> shift & 2047]++] = a[i];
        pair *swap = a;
        a = other;
        other = swap;
    }
    return a;
}

/* Sort SLOT_VALUES; rank[id] = code. */
static qn_status sort_values(qn_block_builder *b, uint32_t distinct, uint64_t lo, uint64_t range,
                             uint32_t **rank_out, qn_error *err)
{
    uint64_t *values = b->slot[SLOT_VALUES].p;
    pair     *a = qn_build_array(b, SLOT_SORT, pair, distinct);
    pair     *other = qn_build_array(b, SLOT_SORT2, pair, distinct);
    uint32_t *rank = qn_build_array(b, SLOT_RANK, uint32_t, distinct);
    if (!a || !other || !rank)
        return qn_nomem(err);
    for (uint32_t i = 0; i < distinct; i++)
        a[i] = (pair){values[i], i};
    a = radix_sort(a, other, distinct, lo, range);
    for (uint32_t i = 0; i < distinct; i++) {
        values[i] = a[i].key;
        rank[a[i].id] = i + 1;
    }
    *rank_out = rank;
    return QN_OK;
}

/* RAW: the image of every row, per unit relative to its smallest.  A NULL is written as that
 * smallest. */
static qn_status write_raw(qn_block_builder *b, const uint64_t *keys, qn_error *err)
{
    uint32_t units = (b->rows + QN_UNIT_ROWS - 1) / QN_UNIT_ROWS;
    uint64_t row_keys[QN_UNIT_ROWS];
    size_t   start = b->out.bytes;
    qn_build_begin(b);
    if (!qn_out_reserve(&b->out, units * sizeof(qn_fmt_raw_unit)))
        return qn_nomem(err);
    b->out.bytes += units * sizeof(qn_fmt_raw_unit);
    for (uint32_t u = 0, next = 0; u < units; u++) {
        uint32_t        first = u * QN_UNIT_ROWS, left = b->rows - first;
        uint32_t        n = left < QN_UNIT_ROWS ? left : QN_UNIT_ROWS, have = 0;
        qn_fmt_raw_unit unit = {1, 0, (uint32_t)(b->out.bytes - start), 0};
        for (uint32_t i = 0; i < n; i++)
            have += !qn_build_null(b, first + i);
        if (have) {
            b->kern->bounds64(keys + next, have, &unit.lo, &unit.hi);
            unit.width = qn_bits64(unit.hi - unit.lo);
        }
        for (uint32_t i = 0; i < n; i++)
            row_keys[i] = qn_build_null(b, first + i) ? unit.lo : keys[next++];
        uint8_t *p = qn_out_reserve(&b->out, (size_t)n * 8);
        if (!p)
            return qn_nomem(err);
        b->out.bytes += qn_pack64(p, row_keys, n, unit.lo, unit.width);
        memcpy(b->out.data + start + u * sizeof unit, &unit, sizeof unit);
    }
    qn_build_end(b, QN_SECTION_RAW);
    if (b->nonnull < b->rows) {
        qn_build_begin(b);
        size_t words = (b->rows + 63) / 64;
        for (size_t w = 0; w < words; w++) {
            uint64_t bits = b->in->nulls[w];
            if (w == b->rows / 64)
                bits &= ((uint64_t)1 << b->rows % 64) - 1;
            qn_out_add(&b->out, &bits, 8);
        }
        qn_build_end(b, QN_SECTION_NULLS);
    }
    b->column.kind = QN_COL_RAW;
    return b->out.failed ? qn_nomem(err) : QN_OK;
}

static uint32_t largest_count(const uint32_t *ids, uint32_t count, uint32_t distinct,
                              uint32_t *scratch)
{
    uint32_t best = 0;
    memset(scratch, 0, (size_t)distinct * 4);
    for (uint32_t i = 0; i < count; i++)
        scratch[ids[i]]++;
    for (uint32_t i = 0; i < distinct; i++)
        best = scratch[i] > best ? scratch[i] : best;
    return best;
}

static void set_bound(qn_block_builder *b, uint64_t image, void *out, uint32_t *bytes)
{
    qn_datum d;
    memset(&d, 0, sizeof d);
    switch (b->bank) {
    case QN_BANK_BOOL:
        d.b = image != 0;
        break;
    case QN_BANK_F32:
        d.f32 = qn_unimage_f32(image);
        break;
    case QN_BANK_F64:
        d.f64 = qn_unimage_f64(image);
        break;
    default:
        d.i64 = qn_unimage_int(image);
        break; /* the low bytes are the narrower integers */
    }
    *bytes = b->bank == QN_BANK_NUM ? 8 : (uint32_t)qn_bank_bytes(b->bank);
    memcpy(out, &d, *bytes);
}

/* keys[] is SLOT_KEYS; on return b->column and the sections are complete but for the bounds. */
static qn_status encode_images(qn_block_builder *b, uint64_t *keys, uint64_t lo, uint64_t range,
                               qn_error *err)
{
    qn_status st = QN_OK;
    uint32_t  distinct = 0, *ids = NULL, *rank = NULL;
    bool      mapped = range < (uint64_t)b->nonnull * 4 + 1024;
    ids = qn_build_array(b, SLOT_IDS, uint32_t, b->nonnull);
    QN_ALLOC(err, ids);
    if (mapped) {
        QN_TRY(distinct_by_map(b, keys, lo, range, &distinct, err));
        for (uint32_t i = 0; i < b->nonnull; i++)
            ids[i] = (uint32_t)(keys[i] - lo);
    } else {
        QN_TRY(distinct_by_hash(b, keys, ids, &distinct, err));
    }
    b->column.distinct = distinct;
    if (b->rows >= RAW_MIN_ROWS && (uint64_t)distinct * 10 > (uint64_t)b->rows * 9) {
        if (mapped) {
            const uint32_t *counts = b->slot[SLOT_COUNTS].p;
            for (uint32_t i = 0; i < distinct; i++)
                b->column.max_count =
                    counts[i] > b->column.max_count ? counts[i] : b->column.max_count;
        } else {
            uint32_t *scratch = qn_build_array(b, SLOT_COUNTS, uint32_t, distinct);
            QN_ALLOC(err, scratch);
            b->column.max_count = largest_count(ids, b->nonnull, distinct, scratch);
        }
        return write_raw(b, keys, err);
    }
    if (mapped)
        rank = b->slot[SLOT_TABLE].p;
    else
        QN_TRY(sort_values(b, distinct, lo, range, &rank, err));
    if (distinct > 2) { /* one or two values are the bounds themselves */
        uint64_t *delta = qn_build_array(b, SLOT_DELTA, uint64_t, QN_UNIT_ROWS);
        QN_ALLOC(err, delta);
        qn_build_begin(b);
        qn_sorted_write(&b->out, b->slot[SLOT_VALUES].p, distinct, delta);
        qn_build_end(b, QN_SECTION_VALUES);
    }
    QN_TRY(
        qn_build_finish_codes(b, ids, rank, mapped ? b->slot[SLOT_COUNTS].p : NULL, distinct, err));
done:
    return st;
}

qn_status qn_build_fixed(qn_block_builder *b, qn_error *err)
{
    qn_status st = QN_OK;
    uint64_t *keys, lo, hi;
    int       scale = 0;
    if (b->bank == QN_BANK_INTERVAL ||
        (b->bank == QN_BANK_NUM && !numerics_scale(b, b->in->values, &scale)))
        return qn_build_slots(b, err);
    b->column.value_form = QN_VALUES_INTEGER;
    b->column.scale = (uint8_t)scale;
    if (b->nonnull == 0)
        return qn_build_finish_codes(b, NULL, NULL, NULL, 0, err);
    keys = qn_build_array(b, SLOT_KEYS, uint64_t, b->nonnull);
    QN_ALLOC(err, keys);
    make_images(b, keys);
    b->kern->bounds64(keys, b->nonnull, &lo, &hi);
    QN_TRY(encode_images(b, keys, lo, hi - lo, err));
    set_bound(b, lo, b->bound[0], &b->column.min_bytes);
    set_bound(b, hi, b->bound[1], &b->column.max_bytes);
    b->min = b->bound[0];
    b->max = b->bound[1];
done:
    return st;
}
