/* Values and counts of DICT columns: decoded in bulk, gathered by code, searched.
 *
 * One or two distinct values are the bounds in the descriptor and have no section.  Integers,
 * floats and scaled numerics are order-preserving images in delta-coded units of 1024; intervals
 * are plain; other numerics are packed bytes. */
#include "store/block/build.h"
#include "store/block/read.h"
#include "type/numeric.h"

#define INT_IMAGES(ctype, expression)                                                              \
    do {                                                                                           \
        ctype *o = out;                                                                            \
        for (size_t i = 0; i < count; i++)                                                         \
            o[i] = (ctype)(expression);                                                            \
    } while (0)

void qn_images_to_values(qn_bank bank, int scale, const uint64_t *images, size_t count, void *out)
{
    switch (bank) {
    case QN_BANK_BOOL:
        INT_IMAGES(uint8_t, images[i] & 1);
        break;
    case QN_BANK_I16:
        INT_IMAGES(int16_t, qn_unimage_int(images[i]));
        break;
    case QN_BANK_I32:
        INT_IMAGES(int32_t, qn_unimage_int(images[i]));
        break;
    case QN_BANK_I64:
        INT_IMAGES(int64_t, qn_unimage_int(images[i]));
        break;
    case QN_BANK_F32:
        INT_IMAGES(float, qn_unimage_f32(images[i]));
        break;
    case QN_BANK_F64:
        INT_IMAGES(double, qn_unimage_f64(images[i]));
        break;
    default: {
        qn_numeric *o = out;
        for (size_t i = 0; i < count; i++)
            o[i] = qn_numeric_small(qn_unimage_int(images[i]), scale);
        break;
    }
    }
}

/* ---- numerics as bytes ---------------------------------------------------------------------- */

typedef struct byte_values {
    const uint8_t *starts, *lengths, *bytes;
    uint32_t       width;
} byte_values;

static byte_values byte_values_of(const uint8_t *p, uint32_t distinct)
{
    uint32_t    groups = (distinct + QN_FMT_GROUP - 1) / QN_FMT_GROUP;
    byte_values v = {.starts = p + 8, .width = qn_get32(p)};
    v.lengths = v.starts + (size_t)groups * 8;
    v.bytes = v.lengths + (size_t)distinct * v.width;
    return v;
}

static uint32_t byte_length(const byte_values *v, uint32_t i)
{
    uint32_t n = 0;
    memcpy(&n, v->lengths + (size_t)i * v->width, v->width);
    return n;
}

bool qn_byte_values_check(const uint8_t *p, uint64_t bytes, uint32_t distinct)
{
    uint64_t groups = (distinct + QN_FMT_GROUP - 1) / QN_FMT_GROUP, at = 0;
    if (bytes < 8)
        return false;
    uint32_t width = qn_get32(p);
    uint64_t head = 8 + groups * 8 + (uint64_t)distinct * width;
    if ((width != 1 && width != 2 && width != 4) || head > bytes)
        return false;
    byte_values v = byte_values_of(p, distinct);
    for (uint32_t i = 0; i < distinct; i++) {
        if (i % QN_FMT_GROUP == 0 && qn_get64(v.starts + (size_t)(i / QN_FMT_GROUP) * 8) != at)
            return false;
        at += byte_length(&v, i);
    }
    return at == bytes - head;
}

static qn_status byte_values_read(qn_block *block, uint32_t column, uint32_t first, uint32_t count,
                                  qn_numeric *out, qn_arena *arena, qn_error *err)
{
    const column_state *c = &block->columns[column];
    const uint8_t      *p = c->section[QN_SECTION_VALUES].p;
    byte_values         v = byte_values_of(p, c->pub.distinct);
    uint32_t            i = first / QN_FMT_GROUP * QN_FMT_GROUP;
    uint64_t            at = qn_get64(v.starts + (size_t)(first / QN_FMT_GROUP) * 8);
    for (; i < first + count; i++) {
        uint32_t n = byte_length(&v, i);
        if (i >= first) {
            qn_status st = qn_numeric_unpack(v.bytes + at, n, arena, &out[i - first], err);
            if (st == QN_CORRUPT)
                return qn_block_damaged(block, column, QN_SECTION_VALUES,
                                        (uint64_t)(v.bytes - p) + at, "a numeric is damaged", err);
            if (st != QN_OK)
                return st;
        }
        at += n;
    }
    return QN_OK;
}

/* ---- bulk ----------------------------------------------------------------------------------- */

static void bounds_read(const column_state *c, uint32_t first, uint32_t count, void *out)
{
    for (uint32_t i = 0; i < count; i++)
        qn_bank_set(c->pub.bank, out, i, first + i == 1 ? &c->pub.min : &c->pub.max);
}

static bool integer_image(qn_bank bank, const qn_datum *v, uint64_t *image)
{
    switch (bank) {
    case QN_BANK_BOOL:
        *image = v->b;
        return true;
    case QN_BANK_I16:
        *image = qn_image_int(v->i16);
        return true;
    case QN_BANK_I32:
        *image = qn_image_int(v->i32);
        return true;
    case QN_BANK_I64:
        *image = qn_image_int(v->i64);
        return true;
    default:
        return false;
    }
}

/* One unit of integer images as values; returns how many.  The image of an integer is the integer
 * plus 2^63, so integers come straight out of the sum of differences, and narrow ones out of a
 * narrow sum. */
typedef uint32_t unit_reader(const column_state *c, uint32_t unit, void *out);

static uint32_t read_unit_i64(const column_state *c, uint32_t unit, void *out)
{
    return (uint32_t)qn_sorted_unit(qn_kernels_get(), c->section[QN_SECTION_VALUES].p,
                                    c->pub.distinct, unit, (uint64_t)1 << 63, out);
}

static uint32_t read_unit_i32(const column_state *c, uint32_t unit, void *out)
{
    return (uint32_t)qn_sorted_unit32(qn_kernels_get(), c->section[QN_SECTION_VALUES].p,
                                      c->pub.distinct, unit, out);
}

static uint32_t read_unit_i16(const column_state *c, uint32_t unit, void *out)
{
    uint32_t wide[QN_UNIT_ROWS], n = read_unit_i32(c, unit, wide);
    int16_t *o = out;
    for (uint32_t i = 0; i < n; i++)
        o[i] = (int16_t)wide[i];
    return n;
}

static uint32_t read_unit_other(const column_state *c, uint32_t unit, void *out)
{
    uint64_t images[QN_UNIT_ROWS];
    size_t   n = qn_sorted_unit(qn_kernels_get(), c->section[QN_SECTION_VALUES].p, c->pub.distinct,
                                unit, 0, images);
    qn_images_to_values(c->pub.bank, c->scale, images, n, out);
    return (uint32_t)n;
}

static unit_reader *unit_reader_of(qn_bank bank)
{
    return bank == QN_BANK_I64   ? read_unit_i64
           : bank == QN_BANK_I32 ? read_unit_i32
           : bank == QN_BANK_I16 ? read_unit_i16
                                 : read_unit_other;
}

/* Values at .. at + count - 1, counted from 0. */
static void read_units(const column_state *c, uint32_t at, uint32_t count, unit_reader *read,
                       size_t value_bytes, void *out)
{
    while (count) {
        uint32_t unit = at / QN_UNIT_ROWS, skip = at % QN_UNIT_ROWS;
        uint32_t left = c->pub.distinct - unit * QN_UNIT_ROWS;
        uint32_t n = (left < QN_UNIT_ROWS ? left : QN_UNIT_ROWS) - skip,
                 take = n < count ? n : count;
        qn_touch_part(&c->section[QN_SECTION_VALUES], skip + n, c->pub.distinct);
        if (take == skip + n) {
            read(c, unit, out);
        } else {
            qn_numeric slots[QN_UNIT_ROWS]; /* of the widest kind */
            read(c, unit, slots);
            memcpy(out, (const char *)slots + skip * value_bytes, take * value_bytes);
        }
        out = (char *)out + take * value_bytes;
        at += take;
        count -= take;
    }
}

qn_status qn_block_values(qn_block *block, uint32_t column, uint32_t first, uint32_t count,
                          void *out, qn_arena *arena, qn_error *err)
{
    qn_status st = QN_OK;
    QN_TRY(qn_block_need_codes(block, column, QN_BANK_NONE, first, count, err));
    if (count == 0)
        goto done;
    column_state *c = &block->columns[column];
    if (c->pub.bank == QN_BANK_STR)
        return qn_block_strings(block, column, first, count, out, arena, err);
    if (c->pub.distinct <= 2) {
        bounds_read(c, first, count, out);
        goto done;
    }
    QN_TRY(qn_block_section(block, column, QN_SECTION_VALUES, err));
    const uint8_t *p = c->section[QN_SECTION_VALUES].p;
    uint32_t       at = first - 1;
    if (c->value_form == QN_VALUES_SLOT16) {
        qn_touch((uint64_t)count * 16);
        memcpy(out, p + (size_t)at * 16, (size_t)count * 16);
        return qn_block_readable(block, err);
    }
    if (c->value_form == QN_VALUES_BYTES) {
        qn_touch_part(&c->section[QN_SECTION_VALUES], count, c->pub.distinct);
        return byte_values_read(block, column, at, count, out, arena, err);
    }
    read_units(c, at, count, unit_reader_of(c->pub.bank), qn_bank_bytes(c->pub.bank), out);
    st = qn_block_readable(block, err);
done:
    return st;
}

qn_status qn_block_values_i64(qn_block *block, uint32_t column, uint32_t first, uint32_t count,
                              int64_t *out, qn_error *err)
{
    qn_status st = QN_OK;
    QN_TRY(qn_block_need_codes(block, column, QN_BANK_NONE, first, count, err));
    if (count == 0)
        goto done;
    column_state *c = &block->columns[column];
    uint64_t      image;
    if (!integer_image(c->pub.bank, &c->pub.min, &image))
        QN_TRY(qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR, "values of column %u are not integers",
                       column));
    if (c->pub.distinct <= 2) {
        for (uint32_t i = 0; i < count; i++) {
            integer_image(c->pub.bank, first + i == 1 ? &c->pub.min : &c->pub.max, &image);
            out[i] = c->pub.bank == QN_BANK_BOOL ? (int64_t)image : qn_unimage_int(image);
        }
        goto done;
    }
    QN_TRY(qn_block_section(block, column, QN_SECTION_VALUES, err));
    read_units(c, first - 1, count, read_unit_i64, 8, out);
    st = qn_block_readable(block, err);
done:
    return st;
}

qn_status qn_block_counts(qn_block *block, uint32_t column, uint32_t first, uint32_t count,
                          uint32_t *out, qn_error *err)
{
    qn_status st = QN_OK;
    QN_TRY(qn_block_need_codes(block, column, QN_BANK_NONE, first, count, err));
    column_state *c = &block->columns[column];
    if (!c->section[QN_SECTION_COUNTS].p) { /* one value has all rows, or each has one */
        for (uint32_t i = 0; i < count; i++)
            out[i] = c->pub.distinct == 1 ? c->pub.rows - c->pub.null_count : 1;
        goto done;
    }
    QN_TRY(qn_block_section(block, column, QN_SECTION_COUNTS, err));
    qn_touch_part(&c->section[QN_SECTION_COUNTS], count, c->pub.distinct);
    qn_patched_read(qn_kernels_get(), c->section[QN_SECTION_COUNTS].p,
                    c->section[QN_SECTION_COUNTS].bytes, c->pub.distinct, first - 1, count, 1, out);
    st = qn_block_readable(block, err);
done:
    return st;
}

/* ---- gathering ------------------------------------------------------------------------------ */

#define PICK(bytes)                                                                                \
    case bytes:                                                                                    \
        for (uint32_t i = 0; i < count; i++)                                                       \
            memcpy((char *)out + (size_t)i * (bytes), from + (size_t)index[i] * (bytes), bytes);   \
        break

/* out[i] = from[index[i]], each of value_bytes. */
static void pick(const char *from, const uint32_t *index, uint32_t count, size_t value_bytes,
                 void *out)
{
    switch (value_bytes) {
        PICK(1);
        PICK(2);
        PICK(4);
        PICK(8);
        PICK(16);
    default:
        QN_UNREACHABLE();
    }
}

/* Integer form: keep the unit at hand decoded, or the whole list when the codes are many or jump
 * about. */
static qn_status gather_images(qn_block *block, uint32_t column, const uint32_t *codes,
                               uint32_t count, void *out, qn_error *err)
{
    column_state *c = &block->columns[column];
    unit_reader  *read = unit_reader_of(c->pub.bank);
    uint32_t      units = (c->pub.distinct + QN_UNIT_ROWS - 1) / QN_UNIT_ROWS, switches = 0;
    uint32_t      current = UINT32_MAX;
    size_t        value_bytes = qn_bank_bytes(c->pub.bank);
    for (uint32_t i = 0; i < count && switches <= units; i++)
        if (codes[i] && (codes[i] - 1) / QN_UNIT_ROWS != current) {
            current = (codes[i] - 1) / QN_UNIT_ROWS;
            switches++;
        }
    if (switches > units || count >= c->pub.distinct) {
        size_t list_bytes = ((size_t)c->pub.distinct + 1) * value_bytes;
        char  *list = qn_alloc(block->env->mem, list_bytes);
        if (!list)
            return qn_nomem(err);
        memset(list, 0, value_bytes); /* of code 0 */
        read_units(c, 0, c->pub.distinct, read, value_bytes, list + value_bytes);
        pick(list, codes, count, value_bytes, out);
        qn_free(block->env->mem, list, list_bytes);
        return qn_block_readable(block, err);
    }
    qn_numeric slots[QN_UNIT_ROWS]; /* of the widest kind */
    current = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        char    *o = (char *)out + (size_t)i * value_bytes;
        uint32_t u = (codes[i] - 1) / QN_UNIT_ROWS, place = (codes[i] - 1) % QN_UNIT_ROWS;
        if (codes[i] == 0) {
            memset(o, 0, value_bytes);
            continue;
        }
        if (u != current) {
            read(c, current = u, slots);
            qn_touch_part(&c->section[QN_SECTION_VALUES], QN_UNIT_ROWS < c->pub.distinct ? QN_UNIT_ROWS : c->pub.distinct, c->pub.distinct);
        }
        memcpy(o, (const char *)slots + place * value_bytes, value_bytes);
    }
    return qn_block_readable(block, err);
}

qn_status qn_block_gather(qn_block *block, uint32_t column, const uint32_t *codes, uint32_t count,
                          void *out, qn_arena *arena, qn_error *err)
{
    qn_status st = QN_OK;
    QN_TRY(qn_block_need_codes(block, column, QN_BANK_NONE, 1, 0, err));
    column_state *c = &block->columns[column];
    uint32_t      most = 0;
    for (uint32_t i = 0; i < count; i++)
        most = codes[i] > most ? codes[i] : most;
    if (most)
        QN_TRY(qn_block_need_codes(block, column, QN_BANK_NONE, most, 1, err));
    size_t value_bytes = qn_bank_bytes(c->pub.bank);
    if (most == 0) {
        memset(out, 0, count * value_bytes);
        goto done;
    }
    if (c->pub.bank == QN_BANK_STR)
        return qn_text_gather(block, column, codes, count, out, arena, err);
    if (c->pub.distinct > 2) {
        QN_TRY(qn_block_section(block, column, QN_SECTION_VALUES, err));
        if (c->value_form == QN_VALUES_INTEGER)
            return gather_images(block, column, codes, count, out, err);
    }
    for (uint32_t i = 0; i < count; i++) {
        void *o = (char *)out + i * value_bytes;
        if (codes[i] == 0)
            memset(o, 0, value_bytes);
        else
            QN_TRY(qn_block_values(block, column, codes[i], 1, o, arena, err));
    }
done:
    return st;
}

/* ---- search --------------------------------------------------------------------------------- */

typedef struct search {
    qn_block       *block;
    uint32_t        column;
    const qn_datum *value;
    qn_arena        arena; /* values fetched for comparison */
} search;

/* Is the value of `code` below the one sought (or, for `after`, not above it)? */
static qn_status below(search *s, uint32_t code, bool after, bool *yes, qn_error *err)
{
    qn_datum            d;
    const column_state *c = &s->block->columns[s->column];
    uint8_t             slot[16];
    qn_arena_reset(&s->arena);
    qn_status st = qn_block_values(s->block, s->column, code, 1, slot, &s->arena, err);
    if (st != QN_OK)
        return st;
    qn_bank_get(c->pub.bank, slot, 0, &d);
    int r = qn_value_compare((qn_sql_type)c->pub.type.id, &d, s->value);
    *yes = after ? r <= 0 : r < 0;
    return QN_OK;
}

/* First code whose value is not below; `step` is the size of a unit or chunk.  The first codes of
 * units are tried before what lies inside one, so that only one unit is decoded again and again. */
static qn_status lower_bound(search *s, bool after, uint32_t step, uint32_t *code, qn_error *err)
{
    uint32_t distinct = s->block->columns[s->column].pub.distinct;
    uint32_t lo = 0, hi = (distinct + step - 1) / step; /* units whose first code may be below */
    while (lo < hi) {
        uint32_t  mid = (lo + hi) / 2;
        bool      yes;
        qn_status st = below(s, mid * step + 1, after, &yes, err);
        if (st != QN_OK)
            return st;
        if (yes)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0) {
        *code = 1;
        return QN_OK;
    }
    uint32_t first = (lo - 1) * step + 2, last = lo * step < distinct ? lo * step : distinct;
    while (first <= last) {
        uint32_t  mid = first + (last - first) / 2;
        bool      yes;
        qn_status st = below(s, mid, after, &yes, err);
        if (st != QN_OK)
            return st;
        if (yes)
            first = mid + 1;
        else
            last = mid - 1;
    }
    *code = first;
    return QN_OK;
}

/* Integer images: one decoded unit settles it. */
static uint32_t image_bound(const column_state *c, uint64_t image)
{
    const uint8_t *p = c->section[QN_SECTION_VALUES].p;
    uint64_t       unit[QN_UNIT_ROWS];
    uint32_t       lo = 0, hi = (c->pub.distinct + QN_UNIT_ROWS - 1) / QN_UNIT_ROWS;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (qn_sorted_first(p, mid) < image)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0)
        return 1;
    uint32_t n = (uint32_t)qn_sorted_unit(qn_kernels_get(), p, c->pub.distinct, lo - 1, 0, unit),
             a = 0, b = n;
    while (a < b) {
        uint32_t mid = (a + b) / 2;
        if (unit[mid] < image)
            a = mid + 1;
        else
            b = mid;
    }
    return (lo - 1) * QN_UNIT_ROWS + a + 1;
}

qn_status qn_block_search(qn_block *block, uint32_t column, const qn_datum *value, uint32_t *code,
                          uint32_t *equal_end, qn_error *err)
{
    qn_status st = QN_OK;
    search    s = {.block = block, .column = column, .value = value};
    uint64_t  image;
    qn_arena_init(&s.arena, block->env->mem);
    *code = *equal_end = 1;
    QN_TRY(qn_block_need_codes(block, column, QN_BANK_NONE, 1, 0, err));
    column_state *c = &block->columns[column];
    if (c->pub.distinct == 0)
        goto done;
    if (c->pub.distinct > 2 && integer_image(c->pub.bank, value, &image)) {
        QN_TRY(qn_block_section(block, column, QN_SECTION_VALUES, err));
        *code = image_bound(c, image);
        *equal_end = image == UINT64_MAX ? c->pub.distinct + 1 : image_bound(c, image + 1);
        st = qn_block_readable(block, err);
        goto done;
    }
    uint32_t step = c->pub.bank == QN_BANK_STR ? QN_CHUNK_STRINGS : QN_UNIT_ROWS;
    QN_TRY(lower_bound(&s, false, step, code, err));
    *equal_end = *code;
    if (*code > c->pub.distinct)
        goto done;
    /* Usually at most one form is equal: look at it and its neighbour before searching again. */
    bool equal;
    QN_TRY(below(&s, *code, true, &equal, err));
    if (!equal)
        goto done;
    *equal_end = *code + 1;
    if (*equal_end > c->pub.distinct)
        goto done;
    QN_TRY(below(&s, *equal_end, true, &equal, err));
    if (equal)
        QN_TRY(lower_bound(&s, true, step, equal_end, err));
done:
    qn_arena_deinit(&s.arena);
    return st;
}
