/* Codes of a column, 1024 rows at a time, each unit in the form that takes fewest bits.
 *
 * Candidates: base + width; runs; exceptions to the unit's most frequent code; a dictionary local
 * to the unit.  Over 105 real-looking columns the choice per unit halves what base + width alone
 * takes.
 *
 * To count a unit's distinct codes in time proportional to its runs, SLOT_SEEN remembers for every
 * code of the column the epoch (one per unit, never repeated while the table lives) in which it was
 * last met and its number in that unit. */
#include "store/block/build.h"

#define EPOCH_BITS 22u
#define BASE_PREFERENCE(bits)                                                                      \
    ((bits) - (bits) / 32) /* base + width is quicker to read: worth 3 % */

typedef struct unit_shape {
    uint32_t n, lo, hi, runs;
    uint32_t distinct, dominant, dominant_count;
    uint32_t except_lo, except_hi; /* of the codes other than the dominant one */
} unit_shape;

static unsigned positions_bits(uint32_t count)
{
    return count <= QN_FMT_POSITIONS_MAX ? count * 10 : QN_FMT_BITMAP_BYTES * 8;
}

/* Positions as 10-bit integers or, when many, as a bitmap. */
static size_t write_positions(uint8_t *p, const uint32_t *positions, uint32_t count)
{
    if (count <= QN_FMT_POSITIONS_MAX)
        return qn_pack32(p, positions, count, 0, 10);
    memset(p, 0, QN_FMT_BITMAP_BYTES);
    for (uint32_t i = 0; i < count; i++)
        p[positions[i] >> 3] |= (uint8_t)(1u << (positions[i] & 7));
    return QN_FMT_BITMAP_BYTES;
}

/* Distinct codes of the unit and the most frequent one.  list[] gets the codes by first appearance.
 */
static void count_unit(qn_block_builder *b, const uint32_t *codes, unit_shape *s, uint32_t *list)
{
    uint32_t *seen = b->slot[SLOT_SEEN].p, counts[QN_UNIT_ROWS];
    uint32_t  epoch = ++b->seen_epoch << (32 - EPOCH_BITS), d = 0;
    counts[0] = 0;
    for (uint32_t i = 0; i < s->n;) {
        uint32_t code = codes[i], start = i;
        do
            i++;
        while (i < s->n && codes[i] == code);
        if ((seen[code] & ~(QN_UNIT_ROWS - 1)) != epoch) {
            seen[code] = epoch | d;
            list[d] = code;
            counts[d++] = i - start;
        } else {
            counts[seen[code] & (QN_UNIT_ROWS - 1)] += i - start;
        }
    }
    uint32_t best = 0;
    for (uint32_t k = 1; k < d; k++)
        best = counts[k] > counts[best] ? k : best;
    s->distinct = d;
    s->dominant = list[best];
    s->dominant_count = counts[best];
    s->except_lo = UINT32_MAX;
    s->except_hi = 0;
    for (uint32_t k = 0; k < d; k++) {
        if (k == best)
            continue;
        s->except_lo = list[k] < s->except_lo ? list[k] : s->except_lo;
        s->except_hi = list[k] > s->except_hi ? list[k] : s->except_hi;
    }
}

/* Ascending order of at most 1024 codes below 2^20: two counting passes of ten bits. */
static void sort_codes(uint32_t *list, uint32_t count)
{
    uint32_t other[QN_UNIT_ROWS], start[1024];
    for (unsigned shift = 0; shift < 20; shift += 10) {
        uint32_t sum = 0;
        memset(start, 0, sizeof start);
        for (uint32_t i = 0; i < count; i++)
            start[list[i] >> shift & 1023]++;
        for (uint32_t i = 0; i < 1024; i++) {
            uint32_t n = start[i];
            start[i] = sum;
            sum += n;
        }
        for (uint32_t i = 0; i < count; i++)
            other[start[list[i] >> shift & 1023]++] = list[i];
        memcpy(list, other, count * 4);
    }
}

static size_t write_runs(uint8_t *p, const uint32_t *codes, const unit_shape *s, unsigned width)
{
    uint32_t starts[QN_UNIT_ROWS], values[QN_UNIT_ROWS], n = 0;
    for (uint32_t i = 0; i < s->n; i++)
        if (i == 0 || codes[i] != codes[i - 1]) {
            starts[n] = i;
            values[n++] = codes[i];
        }
    size_t at = write_positions(p, starts, n);
    return at + qn_pack32(p + at, values, n, s->lo, width);
}

static size_t write_exceptions(uint8_t *p, const uint32_t *codes, const unit_shape *s,
                               unsigned width)
{
    uint32_t at_row[QN_UNIT_ROWS], values[QN_UNIT_ROWS], n = 0;
    for (uint32_t i = 0; i < s->n; i++)
        if (codes[i] != s->dominant) {
            at_row[n] = i;
            values[n++] = codes[i];
        }
    memcpy(p, &s->dominant, 4);
    memcpy(p + 4, &s->except_lo, 4);
    size_t at = 8 + write_positions(p + 8, at_row, n);
    return at + qn_pack32(p + at, values, n, s->except_lo, width);
}

static size_t write_local(qn_block_builder *b, uint8_t *p, const uint32_t *codes,
                          const unit_shape *s, uint32_t *list, unsigned width)
{
    uint32_t *seen = b->slot[SLOT_SEEN].p, index[QN_UNIT_ROWS];
    sort_codes(list, s->distinct);
    for (uint32_t k = 0; k < s->distinct; k++)
        seen[list[k]] = (seen[list[k]] & ~(QN_UNIT_ROWS - 1)) | k;
    for (uint32_t i = 0; i < s->n; i++)
        index[i] = seen[codes[i]] & (QN_UNIT_ROWS - 1);
    size_t at = qn_pack32(p, list, s->distinct, s->lo, width);
    return at + qn_pack32(p + at, index, s->n, 0, qn_bits32(s->distinct - 1));
}

/* One unit: returns its directory word and appends its payload. */
static uint64_t write_unit(qn_block_builder *b, const uint32_t *codes, uint32_t n)
{
    uint32_t   list[QN_UNIT_ROWS], extra = 0;
    unit_shape s = {.n = n};
    b->kern->shape32(codes, n, &s.lo, &s.hi, &s.runs);
    unsigned width = qn_bits32(s.hi - s.lo), form = QN_UNIT_PACKED;
    if (width > 0) {
        count_unit(b, codes, &s, list);
        uint32_t exceptions = n - s.dominant_count;
        unsigned except_width = qn_bits32(s.except_hi - s.except_lo);
        uint32_t best = BASE_PREFERENCE(n * width);
        uint32_t runs = s.runs * width + positions_bits(s.runs);
        uint32_t except = 64 + exceptions * except_width + positions_bits(exceptions);
        uint32_t local = s.distinct * width + n * qn_bits32(s.distinct - 1);
        if (runs < best) {
            best = runs;
            form = QN_UNIT_RUNS;
            extra = s.runs;
        }
        if (except < best) {
            best = except;
            form = QN_UNIT_EXCEPTION;
            extra = exceptions;
        }
        if (local < best) {
            form = QN_UNIT_LOCAL;
            extra = s.distinct;
        }
        if (form == QN_UNIT_EXCEPTION)
            width = except_width;
    }
    uint8_t *p = qn_out_reserve(&b->out, QN_UNIT_ROWS * 8);
    if (!p)
        return 0;
    size_t bytes = 0;
    switch (form) {
    case QN_UNIT_PACKED:
        bytes = qn_pack32(p, codes, n, s.lo, width);
        b->column.units_packed++;
        break;
    case QN_UNIT_RUNS:
        bytes = write_runs(p, codes, &s, width);
        b->column.units_run++;
        break;
    case QN_UNIT_EXCEPTION:
        bytes = write_exceptions(p, codes, &s, width);
        b->column.units_exception++;
        break;
    default:
        bytes = write_local(b, p, codes, &s, list, width);
        b->column.units_local++;
        break;
    }
    b->out.bytes += bytes;
    return s.lo | (uint64_t)s.hi << 20 | (uint64_t)form << 40 | (uint64_t)width << 42 |
           (uint64_t)extra << 47;
}

/* The table of SLOT_SEEN must hold no epoch that will come again: cleared when it grows and when
 * the epochs run out. */
static bool prepare_seen(qn_block_builder *b, uint32_t distinct, uint32_t units)
{
    if (distinct >= b->seen_codes || b->seen_epoch + units + 1 >= 1u << EPOCH_BITS) {
        size_t codes = (size_t)distinct + 1 > b->seen_codes ? (size_t)distinct + 1 : b->seen_codes;
        uint32_t *seen = qn_build_array(b, SLOT_SEEN, uint32_t, codes);
        if (!seen)
            return false;
        memset(seen, 0, codes * 4);
        b->seen_codes = codes;
        b->seen_epoch = 0;
    }
    return true;
}

void qn_codes_write(qn_block_builder *b, const uint32_t *codes, uint32_t rows, uint32_t distinct)
{
    uint32_t units = (rows + QN_UNIT_ROWS - 1) / QN_UNIT_ROWS;
    size_t   start = b->out.bytes;
    if (!prepare_seen(b, distinct, units)) {
        b->out.failed = true;
        return;
    }
    if (!qn_out_reserve(&b->out, units * QN_FMT_UNIT_ENTRY_BYTES))
        return;
    b->out.bytes += units * QN_FMT_UNIT_ENTRY_BYTES;
    for (uint32_t u = 0; u < units; u++) {
        uint32_t left = rows - u * QN_UNIT_ROWS, n = left < QN_UNIT_ROWS ? left : QN_UNIT_ROWS;
        uint32_t offset = (uint32_t)(b->out.bytes - start);
        uint64_t word = write_unit(b, codes + (size_t)u * QN_UNIT_ROWS, n);
        if (b->out.failed)
            return;
        memcpy(b->out.data + start + u * 8, &word, 8);
        memcpy(b->out.data + start + units * 8 + u * 4, &offset, 4);
    }
}
