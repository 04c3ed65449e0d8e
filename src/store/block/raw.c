/* RAW columns: values in row order, each unit of 1024 rows relative to its smallest value.
 *
 * NULLs are a bitmap beside the values; what stands in a NULL's place is the unit's smallest value.
 */
#include "store/block/build.h"
#include "store/block/read.h"

static qn_fmt_raw_unit raw_unit(const uint8_t *p, uint32_t u)
{
    qn_fmt_raw_unit unit;
    memcpy(&unit, p + (size_t)u * sizeof unit, sizeof unit);
    return unit;
}

bool qn_raw_check(const uint8_t *p, uint64_t bytes, uint32_t rows)
{
    uint32_t units = (rows + QN_UNIT_ROWS - 1) / QN_UNIT_ROWS;
    uint64_t at = (uint64_t)units * sizeof(qn_fmt_raw_unit);
    if (at > bytes)
        return false;
    for (uint32_t u = 0; u < units; u++) {
        qn_fmt_raw_unit unit = raw_unit(p, u);
        uint32_t left = rows - u * QN_UNIT_ROWS, n = left < QN_UNIT_ROWS ? left : QN_UNIT_ROWS;
        bool     empty = unit.lo > unit.hi;
        if (unit.offset != at || unit.width > 64 || (empty && unit.width) ||
            (!empty && unit.width != qn_bits64(unit.hi - unit.lo)) ||
            qn_packed_bytes(n, unit.width) > bytes - at)
            return false;
        at += qn_packed_bytes(n, unit.width);
    }
    return at == bytes;
}

/* A RAW column whose sections may be read from here on. */
static qn_status need_raw(qn_block *block, uint32_t column, uint32_t row, uint32_t count,
                          qn_error *err)
{
    qn_status st = QN_OK;
    if (column >= block->column_count || block->columns[column].pub.kind != QN_COL_RAW ||
        row > block->rows || count > block->rows - row)
        return qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR,
                       "rows %u + %u of column %u are not stored in row order", row, count, column);
    QN_TRY(qn_block_section(block, column, QN_SECTION_RAW, err));
    if (block->columns[column].pub.null_count)
        QN_TRY(qn_block_section(block, column, QN_SECTION_NULLS, err));
done:
    return st;
}

/* Bits row.. of the NULL bitmap to bit 0 of out. */
static void copy_nulls(const column_state *c, uint32_t row, uint32_t count, uint64_t *out)
{
    const uint8_t *p = c->section[QN_SECTION_NULLS].p;
    size_t         words = (count + 63u) / 64, last = (c->pub.rows + 63u) / 64;
    if (!p) {
        memset(out, 0, words * 8);
        return;
    }
    for (size_t w = 0; w < words; w++) {
        size_t   at = row / 64 + w;
        unsigned shift = row % 64;
        uint64_t bits = qn_get64(p + at * 8) >> shift;
        if (shift && at + 1 < last)
            bits |= qn_get64(p + (at + 1) * 8) << (64 - shift);
        if (w + 1 == words && count % 64)
            bits &= ((uint64_t)1 << count % 64) - 1;
        out[w] = bits;
    }
}

qn_status qn_block_raw(qn_block *block, uint32_t column, uint32_t row, uint32_t count, void *out,
                       uint64_t *nulls, qn_arena *arena, qn_error *err)
{
    (void)arena; /* every RAW bank fits its slot */
    qn_status st = need_raw(block, column, row, count, err);
    uint64_t  images[QN_UNIT_ROWS];
    if (st != QN_OK)
        return st;
    const column_state *c = &block->columns[column];
    const qn_kernels   *k = qn_kernels_get();
    const uint8_t      *p = c->section[QN_SECTION_RAW].p;
    size_t              value_bytes = qn_bank_bytes(c->pub.bank);
    if (nulls)
        copy_nulls(c, row, count, nulls);
    while (count) {
        uint32_t u = row / QN_UNIT_ROWS, skip = row % QN_UNIT_ROWS,
                 left = block->rows - u * QN_UNIT_ROWS;
        uint32_t n = (left < QN_UNIT_ROWS ? left : QN_UNIT_ROWS) - skip,
                 take = n < count ? n : count;
        qn_fmt_raw_unit unit = raw_unit(p, u);
        /* Eight values begin at a byte: start there and skip the rest of the way. */
        uint32_t from = skip & ~7u;
        const uint8_t *at = p + unit.offset + qn_packed_bytes(from, unit.width);
        qn_touch(sizeof unit + qn_packed_bytes(skip - from + take, unit.width) + (nulls ? take / 8 : 0));
        if (from == skip && c->pub.bank == QN_BANK_I64) { /* an integer is its image plus 2^63 */
            k->unpack64(at, unit.width, unit.lo + ((uint64_t)1 << 63), out, take);
        } else if (from == skip && c->pub.bank == QN_BANK_I32 && unit.width <= 32) {
            k->unpack32(at, unit.width, (uint32_t)unit.lo, out, take);
        } else {
            k->unpack64(at, unit.width, unit.lo, images, skip - from + take);
            qn_images_to_values(c->pub.bank, c->scale, images + (skip - from), take, out);
        }
        out = (char *)out + take * value_bytes;
        row += take;
        count -= take;
    }
    return qn_block_readable(block, err);
}

qn_status qn_block_raw_at(qn_block *block, uint32_t column, const uint32_t *rows, uint32_t count,
                          void *out, uint64_t *nulls, qn_arena *arena, qn_error *err)
{
    (void)arena;
    qn_status st = need_raw(block, column, 0, 0, err);
    uint64_t  images[256];
    if (st != QN_OK)
        return st;
    const column_state *c = &block->columns[column];
    const uint8_t *p = c->section[QN_SECTION_RAW].p, *null_bits = c->section[QN_SECTION_NULLS].p;
    size_t         value_bytes = qn_bank_bytes(c->pub.bank), last_line = SIZE_MAX, lines = 0;
    if (nulls)
        memset(nulls, 0, (size_t)(count + 63u) / 64 * 8);
    for (uint32_t i = 0; i < count;) {
        uint32_t n = count - i < 256 ? count - i : 256;
        for (uint32_t j = 0; j < n; j++) {
            uint32_t row = rows[i + j];
            if (row >= block->rows)
                return qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR, "row %u is beyond the block's %u",
                               row, block->rows);
            qn_fmt_raw_unit unit = raw_unit(p, row / QN_UNIT_ROWS);
            size_t          line = (unit.offset + (size_t)row % QN_UNIT_ROWS * unit.width / 8) / QN_TOUCH_LINE;
            lines += line != last_line;
            last_line = line;
            images[j] = unit.lo + qn_packed_at(p + unit.offset, row % QN_UNIT_ROWS, unit.width);
            if (nulls && null_bits &&
                (qn_get64(null_bits + (size_t)(row / 64) * 8) >> (row & 63) & 1))
                nulls[(i + j) / 64] |= (uint64_t)1 << ((i + j) & 63);
        }
        qn_images_to_values(c->pub.bank, c->scale, images, n,
                            (char *)out + (size_t)i * value_bytes);
        i += n;
    }
    qn_touch(lines * QN_TOUCH_LINE);
    return qn_block_readable(block, err);
}

bool qn_block_raw_bounds(qn_block *block, uint32_t column, uint32_t row, int64_t *lo, int64_t *hi)
{
    if (row >= block->rows || need_raw(block, column, row, 1, NULL) != QN_OK)
        return false;
    const column_state *c = &block->columns[column];
    if (c->pub.bank != QN_BANK_I16 && c->pub.bank != QN_BANK_I32 && c->pub.bank != QN_BANK_I64)
        return false;
    qn_fmt_raw_unit unit = raw_unit(c->section[QN_SECTION_RAW].p, row / QN_UNIT_ROWS);
    if (unit.lo > unit.hi)
        return false;
    *lo = qn_unimage_int(unit.lo);
    *hi = qn_unimage_int(unit.hi);
    return true;
}
