/* Bit streams, patched arrays of small integers, and sorted 64-bit lists.  pack.h says what is
 * what.
 *
 * Writers choose the width of each group by adding up the cost of every width from a histogram of
 * bit lengths.  Checkers walk the structure once and prove every bound that the readers then rely
 * on, so readers carry no tests in their loops. */
#include "store/block/pack.h"
#include "store/block/block.h"

uint8_t *qn_out_reserve(qn_out *out, size_t bytes)
{
    size_t need;
    if (out->failed)
        return NULL;
    if (__builtin_add_overflow(out->bytes, bytes, &need) || need > SIZE_MAX / 2) {
        out->failed = true;
        return NULL;
    }
    need += QN_KERN_SLACK;
    if (need > out->capacity) {
        size_t capacity = out->capacity ? out->capacity * 2 : 1024;
        if (capacity < need)
            capacity = need;
        uint8_t *data = qn_realloc(out->mem, out->data, out->capacity, capacity);
        if (!data) {
            out->failed = true;
            return NULL;
        }
        out->data = data;
        out->capacity = capacity;
    }
    return out->data + out->bytes;
}

void qn_out_add(qn_out *out, const void *data, size_t bytes)
{
    uint8_t *p = qn_out_reserve(out, bytes);
    if (!p || !bytes)
        return;
    memcpy(p, data, bytes);
    out->bytes += bytes;
}

void qn_out_pad8(qn_out *out, size_t since)
{
    static const uint8_t zero[8];
    qn_out_add(out, zero, -(out->bytes - since) & 7);
}

/* Append the low `width` bits of v to a stream. */
#define PACK_LOOP(expression)                                                                      \
    uint64_t acc = 0;                                                                              \
    unsigned used = 0;                                                                             \
    uint8_t *p = out;                                                                              \
    for (size_t i = 0; i < count; i++) {                                                           \
        uint64_t v = (expression);                                                                 \
        acc |= v << used;                                                                          \
        used += width;                                                                             \
        if (used >= 64) {                                                                          \
            memcpy(p, &acc, 8);                                                                    \
            p += 8;                                                                                \
            used -= 64;                                                                            \
            acc = used ? v >> (width - used) : 0;                                                  \
        }                                                                                          \
    }                                                                                              \
    memcpy(p, &acc, 8);                                                                            \
    return qn_packed_bytes(count, width)

size_t qn_pack32(uint8_t *out, const uint32_t *values, size_t count, uint32_t base, unsigned width)
{
    uint32_t mask = width >= 32 ? UINT32_MAX : (1u << width) - 1;
    if (!width)
        return 0;
    PACK_LOOP((values[i] - base) & mask);
}

size_t qn_pack64(uint8_t *out, const uint64_t *values, size_t count, uint64_t base, unsigned width)
{
    uint64_t mask = width >= 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
    if (!width)
        return 0;
    PACK_LOOP((values[i] - base) & mask);
}

/* The cheapest width, given how many values have each bit length: count * width bits plus, per
 * value that is longer, `position_bits` and a high part in whole bytes. */
static unsigned cheapest_width(const uint32_t by_bits[65], uint32_t count, unsigned position_bits,
                               uint32_t max_exceptions, unsigned *high_bytes, uint32_t *exceptions)
{
    unsigned most = 64, best = 0;
    uint64_t best_cost = UINT64_MAX;
    uint32_t longer = 0;
    while (most && !by_bits[most])
        most--;
    for (unsigned w = most + 1; w-- > 0;) {
        unsigned high = (most - w + 7) / 8;
        if (longer > max_exceptions)
            break;
        uint64_t cost = (uint64_t)count * w + (uint64_t)longer * (position_bits + 8 * high);
        if (cost < best_cost) {
            best_cost = cost;
            best = w;
            *high_bytes = longer ? high : 0;
            *exceptions = longer;
        }
        longer += by_bits[w];
    }
    return best;
}

/* ---- patched arrays of u32 ------------------------------------------------------------------ */

static void patched_group(qn_out *out, const uint32_t *values, uint32_t count)
{
    uint32_t by_bits[65] = {0}, base = values[0], exceptions = 0;
    unsigned high = 0;
    uint8_t *p = qn_out_reserve(out, 4 + count * 4 + count * 5);
    if (!p)
        return;
    for (uint32_t i = 1; i < count; i++)
        base = values[i] < base ? values[i] : base;
    base = base > UINT16_MAX ? UINT16_MAX : base;
    for (uint32_t i = 0; i < count; i++)
        by_bits[qn_bits32(values[i] - base)]++;
    unsigned width = cheapest_width(by_bits, count, 8, QN_FMT_GROUP - 1, &high, &exceptions);
    uint32_t word = width | high << 6 | exceptions << 9 | base << 16;
    memcpy(p, &word, 4);
    uint8_t *q = p + 4 + qn_pack32(p + 4, values, count, base, width);
    uint8_t *h = q + exceptions;
    if (exceptions)
        for (uint32_t i = 0; i < count; i++) {
            uint32_t x = values[i] - base;
            if (qn_bits32(x) <= width)
                continue;
            x >>= width; /* width < 32, because this value is longer */
            *q++ = (uint8_t)i;
            memcpy(h, &x, high);
            h += high;
        }
    out->bytes += (size_t)((exceptions ? h : q) - p);
}

void qn_patched_write(qn_out *out, const uint32_t *values, size_t count)
{
    size_t groups = (count + QN_FMT_GROUP - 1) / QN_FMT_GROUP, start = out->bytes;
    if (!qn_out_reserve(out, groups * 4))
        return;
    out->bytes += groups * 4;
    for (size_t g = 0; g < groups; g++) {
        size_t   left = count - g * QN_FMT_GROUP;
        uint32_t offset = (uint32_t)(out->bytes - start);
        memcpy(out->data + start + g * 4, &offset, 4);
        patched_group(out, values + g * QN_FMT_GROUP,
                      left < QN_FMT_GROUP ? (uint32_t)left : QN_FMT_GROUP);
        if (out->failed)
            return;
    }
}

size_t qn_patched_check(const uint8_t *p, size_t bytes, size_t count)
{
    size_t groups = (count + QN_FMT_GROUP - 1) / QN_FMT_GROUP, at = groups * 4;
    if (at > bytes)
        return 0;
    for (size_t g = 0; g < groups; g++) {
        size_t left = count - g * QN_FMT_GROUP, n = left < QN_FMT_GROUP ? left : QN_FMT_GROUP;
        if (qn_get32(p + g * 4) != at || bytes - at < 4)
            return 0;
        uint32_t word = qn_get32(p + at);
        unsigned width = word & 63, high = word >> 6 & 7, exceptions = word >> 9 & 127;
        size_t   need = 4 + qn_packed_bytes(n, width) + exceptions * (1 + high);
        if (width > 32 || high > 4 || (exceptions && (!high || width > 31)) || bytes - at < need)
            return 0;
        const uint8_t *position = p + at + 4 + qn_packed_bytes(n, width);
        for (unsigned e = 0; e < exceptions; e++)
            if (position[e] >= n)
                return 0;
        at += need;
    }
    return at;
}

/* High parts are read with what follows them, at most QN_KERN_SLACK past the end, and masked. */
static uint64_t high_mask(unsigned bytes)
{
    return bytes ? UINT64_MAX >> (64 - 8 * bytes) : 0;
}

static void patched_group_read(const qn_kernels *k, const uint8_t *p, size_t bytes, size_t n,
                               uint32_t add, uint32_t *out)
{
    uint32_t word = bytes < 4 ? UINT32_MAX : qn_get32(p);
    unsigned width = word & 63, high = word >> 6 & 7, exceptions = word >> 9 & 127;
    /* False unless a page was lost under the mapping. */
    if (width > 32 || high > 4 || (exceptions && width > 31) ||
        4 + qn_packed_bytes(n, width) + exceptions * (1 + high) > bytes) {
        memset(out, 0, n * 4);
        return;
    }
    k->unpack32(p + 4, width, (word >> 16) + add, out, n);
    const uint8_t *position = p + 4 + qn_packed_bytes(n, width), *h = position + exceptions;
    uint32_t       mask = high_mask(high) & UINT32_MAX;
    for (unsigned e = 0; e < exceptions; e++, h += high)
        if (position[e] < n) /* true unless a page was lost under the mapping */
            out[position[e]] += (qn_get32(h) & mask) << width;
}

void qn_patched_read(const qn_kernels *k, const uint8_t *p, size_t bytes, size_t total,
                     size_t first, size_t count, uint32_t add, uint32_t *out)
{
    uint32_t group[QN_FMT_GROUP];
    while (count) {
        size_t g = first / QN_FMT_GROUP, skip = first % QN_FMT_GROUP;
        size_t n =
            total - g * QN_FMT_GROUP < QN_FMT_GROUP ? total - g * QN_FMT_GROUP : QN_FMT_GROUP;
        size_t take = n - skip < count ? n - skip : count, at = qn_get32(p + g * 4);
        at = at > bytes ? bytes : at;
        if (take == n) {
            patched_group_read(k, p + at, bytes - at, n, add, out);
        } else {
            patched_group_read(k, p + at, bytes - at, n, add, group);
            memcpy(out, group + skip, take * 4);
        }
        out += take;
        first += take;
        count -= take;
    }
}

/* ---- sorted lists --------------------------------------------------------------------------- */

static void sorted_unit_write(qn_out *out, const uint64_t *values, uint32_t count, uint64_t *delta)
{
    uint32_t by_bits[65] = {0}, exceptions = 0, n = count - 1;
    unsigned high = 0, width = 0;
    uint8_t *p = qn_out_reserve(out, QN_FMT_VALUES_UNIT_BYTES + n * 8 + n * 10);
    if (!p)
        return;
    for (uint32_t i = 0; i < n; i++) {
        delta[i] = values[i + 1] - values[i] - 1;
        by_bits[qn_bits64(delta[i])]++;
    }
    if (n)
        width = cheapest_width(by_bits, n, 16, n, &high, &exceptions);
    uint16_t e16 = (uint16_t)exceptions;
    memcpy(p, values, 8);
    p[8] = (uint8_t)width;
    p[9] = (uint8_t)high;
    memcpy(p + 10, &e16, 2);
    uint8_t *q = p + QN_FMT_VALUES_UNIT_BYTES;
    q += qn_pack64(q, delta, n, 0, width);
    uint8_t *h = q + 2 * exceptions;
    if (exceptions)
        for (uint32_t i = 0; i < n; i++) {
            if (qn_bits64(delta[i]) <= width)
                continue;
            uint16_t at = (uint16_t)i;
            uint64_t x = delta[i] >> width;
            memcpy(q, &at, 2);
            memcpy(h, &x, high);
            q += 2;
            h += high;
        }
    out->bytes += (size_t)((exceptions ? h : q) - p);
}

void qn_sorted_write(qn_out *out, const uint64_t *values, size_t count, uint64_t *scratch)
{
    size_t units = (count + QN_UNIT_ROWS - 1) / QN_UNIT_ROWS, start = out->bytes;
    if (!qn_out_reserve(out, units * 4))
        return;
    out->bytes += units * 4;
    for (size_t u = 0; u < units && !out->failed; u++) {
        size_t   left = count - u * QN_UNIT_ROWS;
        uint32_t offset = (uint32_t)(out->bytes - start);
        memcpy(out->data + start + u * 4, &offset, 4);
        sorted_unit_write(out, values + u * QN_UNIT_ROWS,
                          left < QN_UNIT_ROWS ? (uint32_t)left : QN_UNIT_ROWS, scratch);
    }
}

bool qn_sorted_check(const uint8_t *p, size_t bytes, size_t count)
{
    size_t units = (count + QN_UNIT_ROWS - 1) / QN_UNIT_ROWS, at = units * 4;
    if (at > bytes)
        return false;
    for (size_t u = 0; u < units; u++) {
        size_t left = count - u * QN_UNIT_ROWS, n = (left < QN_UNIT_ROWS ? left : QN_UNIT_ROWS) - 1;
        if (qn_get32(p + u * 4) != at || bytes - at < QN_FMT_VALUES_UNIT_BYTES)
            return false;
        unsigned width = p[at + 8], high = p[at + 9], exceptions = qn_get16(p + at + 10);
        if (width > 64 || high > 8 || exceptions > n || (exceptions && (!high || width > 63)))
            return false;
        size_t need =
            QN_FMT_VALUES_UNIT_BYTES + qn_packed_bytes(n, width) + exceptions * (2u + high);
        if (bytes - at < need)
            return false;
        const uint8_t *position = p + at + QN_FMT_VALUES_UNIT_BYTES + qn_packed_bytes(n, width);
        for (unsigned e = 0; e < exceptions; e++)
            if (qn_get16(position + 2 * e) >= n)
                return false;
        at += need;
    }
    return at == bytes;
}

uint64_t qn_sorted_first(const uint8_t *p, size_t unit)
{
    return qn_get64(p + qn_get32(p + unit * 4));
}

/* A unit taken apart; count 0: its offset was lost with its page. */
typedef struct sorted_unit {
    size_t         count;
    uint64_t       base;
    unsigned       width, high, exceptions;
    const uint8_t *deltas, *positions, *highs;
} sorted_unit;

static sorted_unit sorted_unit_at(const uint8_t *p, size_t total, size_t unit)
{
    size_t left = total - unit * QN_UNIT_ROWS, count = left < QN_UNIT_ROWS ? left : QN_UNIT_ROWS;
    size_t offset = qn_get32(p + unit * 4);
    if (offset == 0)
        return (sorted_unit){.count = 0};
    const uint8_t *at = p + offset;
    sorted_unit    u = {
           .count = count,
           .base = qn_get64(at),
           .width = at[8],
           .high = at[9],
           .exceptions = qn_get16(at + 10),
           .deltas = at + QN_FMT_VALUES_UNIT_BYTES,
    };
    u.positions = u.deltas + qn_packed_bytes(count - 1, u.width);
    u.highs = u.positions + 2 * u.exceptions;
    return u;
}

size_t qn_sorted_unit(const qn_kernels *k, const uint8_t *p, size_t total, size_t unit,
                      uint64_t add, uint64_t *out)
{
    sorted_unit u = sorted_unit_at(p, total, unit);
    if (!u.count) {
        size_t left = total - unit * QN_UNIT_ROWS,
               count = left < QN_UNIT_ROWS ? left : QN_UNIT_ROWS;
        memset(out, 0, count * 8);
        return count;
    }
    out[0] = 0;
    k->unpack64(u.deltas, u.width, 1, out + 1, u.count - 1);
    uint64_t mask = high_mask(u.high);
    for (unsigned e = 0; e < u.exceptions; e++, u.highs += u.high) {
        size_t at = qn_get16(u.positions + 2 * e);
        if (at + 1 < u.count) /* true unless a page was lost under the mapping */
            out[at + 1] += (qn_get64(u.highs) & mask) << u.width;
    }
    k->sum64(out, u.base + add, u.count);
    return u.count;
}

/* Everything modulo 2^32: what the differences have above that does not reach the low halves. */
size_t qn_sorted_unit32(const qn_kernels *k, const uint8_t *p, size_t total, size_t unit,
                        uint32_t *out)
{
    sorted_unit u = sorted_unit_at(p, total, unit);
    if (!u.count || u.width > 31) {
        uint64_t wide[QN_UNIT_ROWS];
        size_t   count = qn_sorted_unit(k, p, total, unit, 0, wide);
        for (size_t i = 0; i < count; i++)
            out[i] = (uint32_t)wide[i];
        return count;
    }
    out[0] = 0;
    k->unpack32(u.deltas, u.width, 1, out + 1, u.count - 1);
    uint64_t mask = high_mask(u.high);
    for (unsigned e = 0; e < u.exceptions; e++, u.highs += u.high) {
        size_t at = qn_get16(u.positions + 2 * e);
        if (at + 1 < u.count)
            out[at + 1] += (uint32_t)(qn_get64(u.highs) & mask) << u.width;
    }
    k->sum32(out, (uint32_t)u.base, u.count);
    return u.count;
}
