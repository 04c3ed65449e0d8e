/* Packed integers: the RLE/bit-packed hybrid (levels, codes, booleans) and DELTA_BINARY_PACKED.
 *
 * Both pack little-endian bit streams, eight values of width w in w bytes, which is what the kernels unpack.  A batch
 * may begin inside such a group of eight: its first values are taken one by one, the rest by a kernel.
 *
 * Delta encoding: Lemire and Boytsov, "Decoding billions of integers per second through vectorization" (2015), in the
 * form of the Parquet specification: blocks of miniblocks, each with its own width, over a minimum per block.  All
 * arithmetic is modulo 2^64, as writers do it. */
#include "load/parquet/parquet_int.h"

static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (*at == end)
            return false;
        uint8_t b = *(*at)++;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) {
            *out = v;
            return true;
        }
    }
    return false;
}

/* Value number i of a packed run whose last byte stands before `end`. */
static uint64_t packed_one(const uint8_t *packed, const uint8_t *end, unsigned width, uint64_t i)
{
    uint64_t       bit = i * width, v = 0;
    const uint8_t *p = packed + bit / 8;
    unsigned       shift = bit % 8, have = 0;

    while (have < width + shift && p < end) {
        uint64_t b = *p++;
        if (have == 0)
            v = b >> shift;
        else if (have - shift < 64)
            v |= b << (have - shift);
        have += 8;
    }
    return width == 64 ? v : v & ((UINT64_C(1) << width) - 1);
}

/* ---- the hybrid ---------------------------------------------------------------------------------- */

void qn_pq_hybrid_init(qn_pq_hybrid *h, const uint8_t *at, const uint8_t *end, unsigned width)
{
    *h = (qn_pq_hybrid){.at = at, .end = end, .width = (uint8_t)width};
}

static bool next_run(qn_pq_hybrid *h)
{
    uint64_t head;

    if (!read_varint(&h->at, h->end, &head))
        return false;
    size_t left = (size_t)(h->end - h->at);
    if (head & 1) {
        uint64_t groups = head >> 1;
        h->packed = h->at;
        h->used = 0;
        if (h->width == 0) {
            h->packed = NULL;
            h->value = 0;
            h->left = groups > UINT32_MAX ? UINT32_MAX : groups * 8;
        } else if (groups <= left / h->width) {
            h->left = groups * 8;
            h->at += groups * h->width;
        } else { /* writers may leave out the bytes of values that do not exist */
            h->left = left * 8 / h->width;
            h->at = h->end;
        }
        return true;
    }
    size_t bytes = (h->width + 7u) / 8;
    if (bytes > left)
        return false;
    h->packed = NULL;
    h->left = head >> 1;
    h->value = 0;
    for (size_t i = 0; i < bytes; i++)
        h->value |= (uint32_t)h->at[i] << (8 * i);
    h->at += bytes;
    return h->width == 32 || h->value < UINT64_C(1) << h->width;
}

static void unpack_some(qn_pq_hybrid *h, uint32_t base, uint32_t *out, size_t n)
{
    size_t i = 0;
    for (; i < n && (h->used + i) % 8; i++)
        out[i] = base + (uint32_t)packed_one(h->packed, h->at, h->width, h->used + i);
    if (i < n)
        qn_kernels_get()->unpack32(h->packed + (h->used + i) / 8 * h->width, h->width, base, out + i, n - i);
    h->used += n;
}

bool qn_pq_hybrid_next(qn_pq_hybrid *h, uint32_t base, uint32_t *out, size_t count)
{
    while (count) {
        if (h->left == 0) {
            if (!next_run(h))
                return false;
            continue;
        }
        size_t n = count < h->left ? count : (size_t)h->left;
        if (h->packed) {
            unpack_some(h, base, out, n);
        } else {
            for (size_t i = 0; i < n; i++)
                out[i] = base + h->value;
        }
        h->left -= n;
        out += n;
        count -= n;
    }
    return true;
}

bool qn_pq_hybrid_all(qn_pq_hybrid *h, uint32_t value, size_t count)
{
    while (h->left == 0)
        if (!next_run(h))
            return false;
    if (h->packed || h->value != value || h->left < count)
        return false;
    h->left -= count;
    return true;
}

/* ---- deltas --------------------------------------------------------------------------------------- */

#define DELTA_BLOCK_MAX (UINT64_C(1) << 20)

bool qn_pq_delta_init(qn_pq_delta *d, const uint8_t *at, const uint8_t *end)
{
    uint64_t block, minis, first;

    *d = (qn_pq_delta){.at = at, .end = end, .first = true};
    if (!read_varint(&d->at, end, &block) || !read_varint(&d->at, end, &minis) || !read_varint(&d->at, end, &d->left) ||
        !read_varint(&d->at, end, &first))
        return false;
    if (block == 0 || block > DELTA_BLOCK_MAX || minis == 0 || minis > block || block % minis || block / minis % 8)
        return false;
    d->mini_values = (uint32_t)(block / minis);
    d->minis = d->mini_next = (uint32_t)minis;
    d->last = first >> 1 ^ (0 - (first & 1));
    return true;
}

static bool next_block(qn_pq_delta *d)
{
    uint64_t v;
    if (!read_varint(&d->at, d->end, &v) || (size_t)(d->end - d->at) < d->minis)
        return false;
    d->min_delta = v >> 1 ^ (0 - (v & 1));
    d->widths = d->at;
    d->at += d->minis;
    d->mini_next = 0;
    return true;
}

static bool next_mini(qn_pq_delta *d)
{
    if (d->mini_next == d->minis && !next_block(d))
        return false;
    uint64_t wanted = d->left < d->mini_values ? d->left : d->mini_values;
    size_t   have = (size_t)(d->end - d->at);
    d->width = d->widths[d->mini_next++];
    if (d->width > 64 || (wanted * d->width + 7) / 8 > have)
        return false;
    size_t full = (size_t)d->mini_values * d->width / 8;
    d->mini = d->at;
    d->mini_used = 0;
    d->mini_left = (uint32_t)wanted;
    d->at += full < have ? full : have; /* of the last one, writers may leave out what does not exist */
    return true;
}

bool qn_pq_delta_next(qn_pq_delta *d, int64_t *out, size_t count)
{
    uint64_t *to = (uint64_t *)out; /* the same type, unsigned */

    if (count > d->left)
        return false;
    if (count && d->first) {
        *to++ = d->last;
        d->first = false;
        d->left--;
        count--;
    }
    while (count) {
        if (d->mini_left == 0) {
            if (!next_mini(d))
                return false;
            continue;
        }
        size_t n = count < d->mini_left ? count : d->mini_left, i = 0;
        for (; i < n && (d->mini_used + i) % 8; i++)
            to[i] = d->min_delta + packed_one(d->mini, d->at, d->width, d->mini_used + i);
        if (i < n)
            qn_kernels_get()->unpack64(d->mini + (d->mini_used + i) / 8 * d->width, d->width, d->min_delta, to + i,
                                       n - i);
        uint64_t last = d->last;
        for (i = 0; i < n; i++)
            to[i] = last += to[i];
        d->last = last;
        d->mini_used += (uint32_t)n;
        d->mini_left -= (uint32_t)n;
        d->left -= n;
        to += n;
        count -= n;
    }
    return true;
}

const uint8_t *qn_pq_delta_end(qn_pq_delta d)
{
    if (d.left && d.first) {
        d.first = false;
        d.left--;
    }
    while (d.left) {
        if (!next_mini(&d))
            return NULL;
        d.left -= d.mini_left;
        d.mini_left = 0;
    }
    return d.at;
}
