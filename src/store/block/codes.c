/* Codes in row order: unpacked, one by one, or compared where they lie.
 *
 * A column whose rows all have one code stores none: that code is 1, or 0 when there are only
 * NULLs. Otherwise each unit of 1024 rows is in one of four forms (format.h); what follows rests on
 * qn_codes_check having walked all of them when the section was first touched.
 *
 * qn_block_select asks first what the unit's lowest and highest code say, then works on the form:
 * runs and exceptions by their few codes, a local dictionary by the places its codes take, packed
 * codes by SIMD comparison without unpacking. */
#include "store/block/read.h"

typedef struct unit {
    const uint8_t *p; /* payload */
    uint32_t       n, lo, hi, extra;
    unsigned       form, width;
} unit;

static uint32_t units_of(uint32_t rows)
{
    return (rows + QN_UNIT_ROWS - 1) / QN_UNIT_ROWS;
}

static unit unit_at(const uint8_t *section, uint32_t rows, uint32_t u)
{
    uint64_t word = qn_get64(section + (size_t)u * 8);
    uint32_t left = rows - u * QN_UNIT_ROWS;
    uint32_t offset = qn_get32(section + (size_t)units_of(rows) * 8 + (size_t)u * 4);
    /* Zero only where a page was lost under the mapping (qn_block_readable): without its offset a unit is all
     * zeros too.  Other losses take bits away from what was proved, and all that steers a read only gets smaller. */
    if (offset == 0)
        word = 0;
    return (unit){
        .p = section + offset,
        .n = left < QN_UNIT_ROWS ? left : QN_UNIT_ROWS,
        .lo = QN_FMT_UNIT_LO(word),
        .hi = QN_FMT_UNIT_HI(word),
        .extra = QN_FMT_UNIT_EXTRA(word),
        .form = QN_FMT_UNIT_FORM(word),
        .width = QN_FMT_UNIT_WIDTH(word),
    };
}

static size_t positions_bytes(uint32_t count)
{
    return count <= QN_FMT_POSITIONS_MAX ? qn_packed_bytes(count, 10) : QN_FMT_BITMAP_BYTES;
}

/* What a unit takes besides its entry in the directory. */
static size_t unit_bytes(const unit *u)
{
    switch (u->form) {
    case QN_UNIT_PACKED:
        return qn_packed_bytes(u->n, u->width);
    case QN_UNIT_RUNS:
        return positions_bytes(u->extra) + qn_packed_bytes(u->extra, u->width);
    case QN_UNIT_EXCEPTION:
        return 8 + positions_bytes(u->extra) + qn_packed_bytes(u->extra, u->width);
    default:
        return qn_packed_bytes(u->extra, u->width) + qn_packed_bytes(u->n, qn_bits32(u->extra - 1));
    }
}

static void read_positions(const qn_kernels *k, const uint8_t *p, uint32_t count, uint32_t *out)
{
    if (count <= QN_FMT_POSITIONS_MAX) {
        k->unpack32(p, 10, 0, out, count);
        return;
    }
    uint64_t bits[QN_FMT_BITMAP_BYTES / 8];
    memcpy(bits, p, sizeof bits);
    /* Fewer only where a page was lost under the mapping (qn_block_readable): stay inside all the
     * same. */
    for (size_t got = k->bits_to_rows(bits, QN_COUNTOF(bits), 0, out); got < count; got++)
        out[got] = 0;
}

/* ---- proof ---------------------------------------------------------------------------------- */

static bool positions_check(const qn_kernels *k, const uint8_t *p, uint32_t count, uint32_t n,
                            bool from_zero)
{
    if (count > QN_FMT_POSITIONS_MAX) { /* a bitmap: ascending by nature */
        uint64_t bits[QN_FMT_BITMAP_BYTES / 8];
        memcpy(bits, p, sizeof bits);
        for (uint32_t w = n / 64; w < QN_COUNTOF(bits); w++)
            if (w > n / 64 ? bits[w] : bits[w] >> (n & 63))
                return false;
        return k->count_bits(bits, QN_COUNTOF(bits)) == count && (!from_zero || (bits[0] & 1));
    }
    uint32_t at[QN_FMT_POSITIONS_MAX];
    k->unpack32(p, 10, 0, at, count);
    for (uint32_t i = 0; i < count; i++)
        if (at[i] >= n || (i && at[i] <= at[i - 1]))
            return false;
    return !from_zero || (count && at[0] == 0);
}

/* Is lo + every packed value at most hi? */
static bool packed_check(const qn_kernels *k, const uint8_t *p, unsigned width, uint32_t count,
                         uint32_t lo, uint32_t hi)
{
    return lo + (1u << width) - 1 <= hi || k->max_packed(p, width, count) <= hi - lo;
}

/* Payload bytes of a unit, all its contents checked; SIZE_MAX when damaged. */
static size_t unit_check(const qn_kernels *k, const unit *u, size_t bytes, uint32_t distinct)
{
    const uint8_t *p = u->p;
    size_t         head, need;
    uint32_t       dict[QN_UNIT_ROWS];
    if (u->lo > u->hi || u->hi > distinct || u->width > 20)
        return SIZE_MAX;
    switch (u->form) {
    case QN_UNIT_PACKED:
        need = qn_packed_bytes(u->n, u->width);
        return u->extra == 0 && need <= bytes && packed_check(k, p, u->width, u->n, u->lo, u->hi)
                   ? need
                   : SIZE_MAX;
    case QN_UNIT_RUNS:
        head = positions_bytes(u->extra);
        need = head + qn_packed_bytes(u->extra, u->width);
        return u->extra <= u->n && need <= bytes && positions_check(k, p, u->extra, u->n, true) &&
                       packed_check(k, p + head, u->width, u->extra, u->lo, u->hi)
                   ? need
                   : SIZE_MAX;
    case QN_UNIT_EXCEPTION:
        head = 8 + positions_bytes(u->extra);
        need = head + qn_packed_bytes(u->extra, u->width);
        if (u->extra > u->n || need > bytes || !positions_check(k, p + 8, u->extra, u->n, false))
            return SIZE_MAX;
        uint32_t dominant = qn_get32(p), base = qn_get32(p + 4);
        return dominant >= u->lo && dominant <= u->hi && base >= u->lo && base <= u->hi &&
                       packed_check(k, p + head, u->width, u->extra, base, u->hi)
                   ? need
                   : SIZE_MAX;
    default:
        if (u->extra < 2 || u->extra > u->n)
            return SIZE_MAX;
        head = qn_packed_bytes(u->extra, u->width);
        unsigned index_width = qn_bits32(u->extra - 1);
        need = head + qn_packed_bytes(u->n, index_width);
        if (need > bytes || !packed_check(k, p, u->width, u->extra, u->lo, u->hi) ||
            !packed_check(k, p + head, index_width, u->n, 0, u->extra - 1))
            return SIZE_MAX;
        k->unpack32(p, u->width, u->lo, dict, u->extra);
        for (uint32_t i = 1; i < u->extra; i++)
            if (dict[i] <= dict[i - 1])
                return SIZE_MAX;
        return need;
    }
}

bool qn_codes_check(const uint8_t *p, uint64_t bytes, uint32_t rows, uint32_t distinct,
                    uint64_t *where)
{
    const qn_kernels *k = qn_kernels_get();
    uint32_t          units = units_of(rows);
    uint64_t          at = (uint64_t)units * QN_FMT_UNIT_ENTRY_BYTES;
    *where = 0;
    if (at > bytes)
        return false;
    for (uint32_t u = 0; u < units; u++) {
        *where = (uint64_t)u * 8;
        if (qn_get32(p + (uint64_t)units * 8 + (uint64_t)u * 4) != at)
            return false;
        unit   x = unit_at(p, rows, u);
        size_t used = unit_check(k, &x, bytes - at, distinct);
        if (used == SIZE_MAX)
            return false;
        at += used;
    }
    return at == bytes;
}

/* ---- unpacking ------------------------------------------------------------------------------ */

typedef struct unit_bits {
    uint64_t w[QN_UNIT_ROWS / 64];
} unit_bits;

static void places_of(const qn_kernels *k, const uint8_t *p, uint32_t count, unit_bits *places)
{
    uint32_t at[QN_FMT_POSITIONS_MAX];
    if (count > QN_FMT_POSITIONS_MAX) {
        memcpy(places->w, p, QN_FMT_BITMAP_BYTES);
        return;
    }
    memset(places, 0, sizeof *places);
    k->unpack32(p, 10, 0, at, count);
    for (uint32_t i = 0; i < count; i++)
        places->w[at[i] >> 6] |= (uint64_t)1 << (at[i] & 63);
}

static void fill32(uint32_t *out, uint32_t value, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = value;
}

static void unpack_unit(const qn_kernels *k, const unit *u, uint32_t *out)
{
    uint32_t  at[QN_UNIT_ROWS], codes[QN_UNIT_ROWS + 8]; /* expand_runs may look beyond */
    unit_bits starts;
    switch (u->form) {
    case QN_UNIT_PACKED:
        k->unpack32(u->p, u->width, u->lo, out, u->n);
        break;
    case QN_UNIT_RUNS:
        places_of(k, u->p, u->extra, &starts);
        k->unpack32(u->p + positions_bytes(u->extra), u->width, u->lo, codes, u->extra);
        k->expand_runs(starts.w, codes, out, u->n);
        break;
    case QN_UNIT_EXCEPTION:
        read_positions(k, u->p + 8, u->extra, at);
        k->unpack32(u->p + 8 + positions_bytes(u->extra), u->width, qn_get32(u->p + 4), codes,
                    u->extra);
        k->unpack32(u->p, 0, qn_get32(u->p), out, u->n);
        for (uint32_t i = 0; i < u->extra; i++)
            out[at[i]] = codes[i];
        break;
    default:
        k->unpack32(u->p, u->width, u->lo, codes, u->extra);
        k->lookup_packed(u->p + qn_packed_bytes(u->extra, u->width), qn_bits32(u->extra - 1), codes,
                         out, u->n);
        break;
    }
}

/* The code of every row when none are stored. */
static bool only_code(const column_state *c, uint32_t *code)
{
    *code = c->pub.distinct ? 1 : 0;
    return !c->section[QN_SECTION_CODES].p;
}

static qn_status need_rows(qn_block *block, uint32_t column, uint32_t row, uint32_t count,
                           qn_error *err)
{
    if (column >= block->column_count || block->columns[column].pub.kind != QN_COL_DICT ||
        row > block->rows || count > block->rows - row)
        return qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR, "rows %u + %u of column %u have no codes",
                       row, count, column);
    if (!block->columns[column].section[QN_SECTION_CODES].p)
        return QN_OK;
    return qn_block_section(block, column, QN_SECTION_CODES, err);
}

qn_status qn_block_codes(qn_block *block, uint32_t column, uint32_t row, uint32_t count,
                         uint32_t *out, qn_error *err)
{
    qn_status st = need_rows(block, column, row, count, err);
    uint32_t  whole[QN_UNIT_ROWS], code;
    if (st != QN_OK)
        return st;
    const column_state *c = &block->columns[column];
    if (only_code(c, &code)) {
        fill32(out, code, count);
        return QN_OK;
    }
    const qn_kernels *k = qn_kernels_get();
    while (count) {
        unit     u = unit_at(c->section[QN_SECTION_CODES].p, block->rows, row / QN_UNIT_ROWS);
        uint32_t skip = row % QN_UNIT_ROWS, take = u.n - skip < count ? u.n - skip : count;
        qn_touch(QN_FMT_UNIT_ENTRY_BYTES + unit_bytes(&u));
        if (take == u.n) {
            unpack_unit(k, &u, out);
        } else {
            unpack_unit(k, &u, whole);
            memcpy(out, whole + skip, (size_t)take * 4);
        }
        out += take;
        row += take;
        count -= take;
    }
    return qn_block_readable(block, err);
}

/* How many positions are <= row; *hit: row is one of them. */
static uint32_t rank_of(const qn_kernels *k, const uint8_t *p, uint32_t count, uint32_t row,
                        bool *hit)
{
    if (count > QN_FMT_POSITIONS_MAX) {
        uint64_t bits[QN_FMT_BITMAP_BYTES / 8];
        memcpy(bits, p, sizeof bits);
        *hit = bits[row / 64] >> (row & 63) & 1;
        bits[row / 64] <<= 63 - (row & 63);
        return (uint32_t)k->count_bits(bits, row / 64 + 1);
    }
    uint32_t lo = 0, hi = count;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (qn_packed_at(p, mid, 10) <= row)
            lo = mid + 1;
        else
            hi = mid;
    }
    *hit = lo && qn_packed_at(p, lo - 1, 10) == row;
    return lo;
}

static uint32_t code_at(const qn_kernels *k, const unit *u, uint32_t row)
{
    bool hit;
    switch (u->form) {
    case QN_UNIT_PACKED:
        return u->lo + (uint32_t)qn_packed_at(u->p, row, u->width);
    case QN_UNIT_RUNS: {
        uint32_t run =
            rank_of(k, u->p, u->extra, row, &hit) - 1; /* the first run starts at row 0 */
        return u->lo + (uint32_t)qn_packed_at(u->p + positions_bytes(u->extra), run, u->width);
    }
    case QN_UNIT_EXCEPTION: {
        uint32_t rank = rank_of(k, u->p + 8, u->extra, row, &hit);
        if (!hit)
            return qn_get32(u->p);
        return qn_get32(u->p + 4) +
               (uint32_t)qn_packed_at(u->p + 8 + positions_bytes(u->extra), rank - 1, u->width);
    }
    default: {
        size_t   head = qn_packed_bytes(u->extra, u->width);
        uint32_t index = (uint32_t)qn_packed_at(u->p + head, row, qn_bits32(u->extra - 1));
        return u->lo + (uint32_t)qn_packed_at(u->p, index, u->width);
    }
    }
}

/* From how many rows of a unit on unpacking all of it is quicker than one at a time (bench/block,
 * columns "at"). */
static uint32_t unpack_from(const qn_kernels *k)
{
    return k->isa == QN_ISA_BASE ? 200 : 24;
}

qn_status qn_block_codes_at(qn_block *block, uint32_t column, const uint32_t *rows, uint32_t count,
                            uint32_t *out, qn_error *err)
{
    qn_status st = need_rows(block, column, 0, 0, err);
    uint32_t  whole[QN_UNIT_ROWS], code;
    if (st != QN_OK)
        return st;
    const column_state *c = &block->columns[column];
    const qn_kernels   *k = qn_kernels_get();
    bool                only = only_code(c, &code);
    for (uint32_t i = 0; i < count;) {
        if (rows[i] >= block->rows)
            return qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR, "row %u is beyond the block's %u",
                           rows[i], block->rows);
        if (only) {
            out[i++] = code;
            continue;
        }
        uint32_t number = rows[i] / QN_UNIT_ROWS, end = i + 1;
        unit     u = unit_at(c->section[QN_SECTION_CODES].p, block->rows, number);
        uint64_t first = (uint64_t)number * QN_UNIT_ROWS;
        while (end < count && rows[end] - first < u.n)
            end++;
        size_t all = unit_bytes(&u), lines = (size_t)(end - i) * QN_TOUCH_LINE;
        qn_touch(QN_FMT_UNIT_ENTRY_BYTES + (lines < all ? lines : all));
        if (end - i >= unpack_from(k)) {
            unpack_unit(k, &u, whole);
            for (; i < end; i++)
                out[i] = whole[rows[i] - first];
        } else {
            for (; i < end; i++)
                out[i] = code_at(k, &u, (uint32_t)(rows[i] - first));
        }
    }
    return qn_block_readable(block, err);
}

/* ---- selecting ------------------------------------------------------------------------------ */

static inline bool set_has(const qn_codeset *set, uint32_t code)
{
    return set->is_range ? code >= set->lo && code <= set->hi
                         : set->bits[code >> 6] >> (code & 63) & 1;
}

/* What the set says about codes lo..hi together: all in (1), all out (0), or look (-1).  Bits are
 * looked at only over a span that is small against a unit. */
static int set_decides(const qn_codeset *set, uint32_t lo, uint32_t hi)
{
    if (set->is_range) {
        if (set->lo > set->hi || hi < set->lo || lo > set->hi)
            return 0;
        return lo >= set->lo && hi <= set->hi ? 1 : -1;
    }
    if (hi - lo > 4096)
        return -1;
    bool any = false, all = true;
    for (uint32_t w = lo / 64; w <= hi / 64; w++) {
        uint64_t mask = UINT64_MAX;
        if (w == lo / 64)
            mask &= UINT64_MAX << (lo & 63);
        if (w == hi / 64)
            mask &= UINT64_MAX >> (63 - (hi & 63));
        any |= (set->bits[w] & mask) != 0;
        all &= (set->bits[w] & mask) == mask;
    }
    return all ? 1 : any ? -1 : 0;
}

static void select_packed(const qn_kernels *k, const uint8_t *p, unsigned width, uint32_t base,
                          uint32_t n, const qn_codeset *set, uint32_t distinct, uint64_t *out)
{
    if (!set->is_range)
        k->select_set(p, width, base, set->bits, distinct + 1, out, n);
    else if (set->hi < base)
        memset(out, 0, (n + 63) / 64 * 8);
    else
        k->select_range(p, width, set->lo > base ? set->lo - base : 0, set->hi - base, out, n);
}

/* Compare the runs' codes as packed integers, spread the changes from out to in and back over the
 * runs' first rows, and let a prefix sum modulo two fill the rows between: no step depends on a
 * run's length. */
static void select_runs(const qn_kernels *k, const unit *u, const qn_codeset *set,
                        uint32_t distinct, unit_bits *m)
{
    unit_bits starts;
    uint64_t  in[QN_UNIT_ROWS / 64 + 1] = {0}, change[QN_UNIT_ROWS / 64 + 1] = {0};
    places_of(k, u->p, u->extra, &starts);
    select_packed(k, u->p + positions_bytes(u->extra), u->width, u->lo, u->extra, set, distinct,
                  in);
    for (unsigned w = 0; w < QN_UNIT_ROWS / 64; w++)
        change[w] = in[w] ^ (in[w] << 1 | (w ? in[w - 1] >> 63 : 0));
    k->deposit_bits(starts.w, change, QN_UNIT_ROWS / 64, m->w);
    k->xor_bits(m->w, QN_UNIT_ROWS / 64);
}

static void select_exceptions(const qn_kernels *k, const unit *u, const qn_codeset *set,
                              uint32_t distinct, unit_bits *m)
{
    unit_bits places;
    uint64_t  in[QN_UNIT_ROWS / 64 + 1] = {0}, rest = set_has(set, qn_get32(u->p)) ? UINT64_MAX : 0;
    places_of(k, u->p + 8, u->extra, &places);
    select_packed(k, u->p + 8 + positions_bytes(u->extra), u->width, qn_get32(u->p + 4), u->extra,
                  set, distinct, in);
    k->deposit_bits(places.w, in, QN_UNIT_ROWS / 64, m->w);
    for (unsigned w = 0; w < QN_UNIT_ROWS / 64; w++)
        m->w[w] |= rest & ~places.w[w];
}

/* Which places of the local dictionary are in the set; then the same question one level down. */
static void select_local(const qn_kernels *k, const unit *u, const qn_codeset *set, unit_bits *m)
{
    uint32_t   codes[QN_UNIT_ROWS];
    uint64_t   in[QN_UNIT_ROWS / 64] = {0};
    uint32_t   first = UINT32_MAX, last = 0, count = 0;
    qn_codeset places = {false, 0, 0, in};
    k->unpack32(u->p, u->width, u->lo, codes, u->extra);
    for (uint32_t i = 0; i < u->extra; i++)
        if (set_has(set, codes[i])) {
            in[i >> 6] |= (uint64_t)1 << (i & 63);
            first = first == UINT32_MAX ? i : first;
            last = i;
            count++;
        }
    if (count == 0) {
        memset(m, 0, sizeof *m);
        return;
    }
    if (last - first + 1 == count)
        places = (qn_codeset){true, first, last, NULL};
    select_packed(k, u->p + qn_packed_bytes(u->extra, u->width), qn_bits32(u->extra - 1), 0, u->n,
                  &places, u->extra - 1, m->w);
}

/* Bits beyond the unit's rows may come out either way; keep_rows does not look at them. */
static void select_unit(const qn_kernels *k, const unit *u, const qn_codeset *set,
                        uint32_t distinct, unit_bits *m)
{
    switch (u->form) {
    case QN_UNIT_PACKED:
        select_packed(k, u->p, u->width, u->lo, u->n, set, distinct, m->w);
        break;
    case QN_UNIT_RUNS:
        select_runs(k, u, set, distinct, m);
        break;
    case QN_UNIT_EXCEPTION:
        select_exceptions(k, u, set, distinct, m);
        break;
    default:
        select_local(k, u, set, m);
        break;
    }
}

/* Keep of the `n` rows at words[] those in m (NULL: none); how many remain. */
static uint32_t keep_rows(const qn_kernels *k, uint64_t *words, uint32_t n, const unit_bits *m)
{
    if (m && n % 64 == 0)
        return (uint32_t)k->and_bits(words, m->w, n / 64);
    uint32_t kept = 0;
    for (uint32_t w = 0; w * 64 < n; w++) {
        uint64_t range = n - w * 64 < 64 ? ((uint64_t)1 << (n - w * 64)) - 1 : UINT64_MAX;
        words[w] &= ~range | (m ? m->w[w] : 0);
        kept += (uint32_t)__builtin_popcountll(words[w] & range);
    }
    return kept;
}

static uint32_t count_rows(const qn_kernels *k, const uint64_t *words, uint32_t n)
{
    uint32_t count = (uint32_t)k->count_bits(words, n / 64);
    if (n % 64)
        count += (uint32_t)__builtin_popcountll(words[n / 64] & (((uint64_t)1 << n % 64) - 1));
    return count;
}

qn_status qn_block_select(qn_block *block, uint32_t column, const qn_codeset *set,
                          uint32_t row_begin, uint32_t row_end, uint64_t *rows, uint32_t *kept,
                          qn_error *err)
{
    uint32_t  count = row_end > row_begin ? row_end - row_begin : 0, total = 0, code;
    qn_status st = need_rows(block, column, row_begin, count, err);
    *kept = 0;
    if (st != QN_OK)
        return st;
    if (row_begin % QN_UNIT_ROWS)
        return qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR, "selection begins inside a unit, at row %u",
                       row_begin);
    const column_state *c = &block->columns[column];
    const qn_kernels   *k = qn_kernels_get();
    bool                only = only_code(c, &code);
    for (uint32_t row = row_begin; row < row_end; row += QN_UNIT_ROWS) {
        uint64_t *words = rows + row / 64;
        uint32_t  n = row_end - row < QN_UNIT_ROWS ? row_end - row : QN_UNIT_ROWS;
        uint32_t  have = count_rows(k, words, n);
        if (!have)
            continue;
        unit u = {.lo = code, .hi = code};
        if (!only)
            u = unit_at(c->section[QN_SECTION_CODES].p, block->rows, row / QN_UNIT_ROWS);
        qn_touch(only ? 0 : QN_FMT_UNIT_ENTRY_BYTES);
        int decided = set_decides(set, u.lo, u.hi);
        if (decided == 1) {
            total += have;
        } else if (decided == 0 || only) {
            keep_rows(k, words, n, NULL);
        } else {
            unit_bits m;
            qn_touch(unit_bytes(&u));
            select_unit(k, &u, set, c->pub.distinct, &m);
            total += keep_rows(k, words, n, &m);
        }
    }
    *kept = total;
    return qn_block_readable(block, err);
}

/* ---- row lists ------------------------------------------------------------------------------ */

qn_status qn_block_row_lists(qn_block *block, uint32_t column, uint32_t *starts, uint32_t *rows,
                             qn_error *err)
{
    qn_status st = need_rows(block, column, 0, block->rows, err);
    uint32_t  codes[QN_UNIT_ROWS], distinct, sum = 0;
    if (st != QN_OK)
        return st;
    /* Counting scatter: count, add up, place.  starts[] is one ahead while placing, so that it ends
     * up where the lists begin. */
    distinct = block->columns[column].pub.distinct;
    memset(starts, 0, ((size_t)distinct + 2) * 4);
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t row = 0; row < block->rows; row += QN_UNIT_ROWS) {
            uint32_t n = block->rows - row < QN_UNIT_ROWS ? block->rows - row : QN_UNIT_ROWS;
            st = qn_block_codes(block, column, row, n, codes, err);
            if (st != QN_OK)
                return st;
            if (pass == 0)
                for (uint32_t i = 0; i < n; i++)
                    starts[codes[i] + 1]++;
            else
                for (uint32_t i = 0; i < n; i++)
                    rows[starts[codes[i] + 1]++] = row + i;
        }
        if (pass == 0)
            for (uint32_t code = 0; code <= distinct; code++) {
                uint32_t n = starts[code + 1];
                starts[code + 1] = sum;
                sum += n;
            }
    }
    return QN_OK;
}
