/* The values of a page: from any encoding to physical values, from those to ours.
 *
 * Both steps work on a batch of at most 2048 values that stays in the cache, so there are encodings + kinds of
 * functions instead of encodings × kinds.  Kinds that keep the bytes decode straight into the result.
 *
 * Text is validated here, once per value of a page or dictionary: what leaves is UTF-8 without NUL. */
#include "load/load_int.h"
#include "load/parquet/parquet_int.h"
#include "type/datetime.h"
#include "type/numeric.h"

/* Strings put together from prefixes can be far larger than their page; so much per batch at most. */
#define BUILT_LIMIT ((uint64_t)1 << 30)

typedef struct int96 {
    uint8_t b[12];
} int96;

static const uint8_t physical_bytes[QN_PQ_PHYSICAL_COUNT] = {1, 4, 8, 12, 4, 8, sizeof(qn_pq_span), sizeof(qn_pq_span)};

static uint32_t load32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static uint64_t load64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

const char *qn_pq_encoding_name(qn_pq_encoding e)
{
    static const char *const names[] = {"PLAIN", "GROUP_VAR_INT", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED",
                                        "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY",
                                        "RLE_DICTIONARY", "BYTE_STREAM_SPLIT"};
    return (size_t)e < sizeof names / sizeof *names ? names[e] : "unknown";
}

/* ---- beginning a page ------------------------------------------------------------------------------ */

static bool goes_with(qn_pq_encoding e, qn_pq_physical p)
{
    switch (e) {
    case QN_PQ_PLAIN:
        return true;
    case QN_PQ_RLE:
        return p == QN_PQ_BOOLEAN;
    case QN_PQ_DELTA_BINARY:
        return p == QN_PQ_INT32 || p == QN_PQ_INT64;
    case QN_PQ_DELTA_LENGTH:
        return p == QN_PQ_BYTE_ARRAY;
    case QN_PQ_DELTA_BYTES:
        return p == QN_PQ_BYTE_ARRAY || p == QN_PQ_FIXED;
    case QN_PQ_SPLIT:
        return p != QN_PQ_BOOLEAN && p != QN_PQ_INT96 && p != QN_PQ_BYTE_ARRAY;
    default:
        return false;
    }
}

static bool begin_delta_bytes(qn_pq_values *v)
{
    const uint8_t *suffixes;

    v->last_bytes = 0;
    if (!qn_pq_delta_init(&v->delta, v->at, v->end) || !(suffixes = qn_pq_delta_end(v->delta)) ||
        !qn_pq_delta_init(&v->suffixes, suffixes, v->end))
        return false;
    v->at = qn_pq_delta_end(v->suffixes);
    return v->at != NULL && v->delta.left == v->suffixes.left;
}

qn_status qn_pq_values_begin(qn_pq_values *v, qn_pq_encoding encoding, const uint8_t *at, const uint8_t *end,
                             bool *ok, qn_error *err)
{
    v->encoding = (uint8_t)encoding;
    v->at = at;
    v->end = end;
    v->used = 0;
    *ok = true;
    if (!goes_with(encoding, (qn_pq_physical)v->column->physical))
        return qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED,
                       "Parquet encoding %s of this type of column is not supported", qn_pq_encoding_name(encoding));
    if (at == end) /* nothing but NULLs */
        v->encoding = QN_PQ_PLAIN;
    else if (encoding == QN_PQ_RLE) {
        *ok = end - at >= 4 && load32(at) <= (size_t)(end - at) - 4;
        if (*ok)
            qn_pq_hybrid_init(&v->hybrid, at + 4, at + 4 + load32(at), 1);
    } else if (encoding == QN_PQ_DELTA_BINARY) {
        *ok = qn_pq_delta_init(&v->delta, at, end);
    } else if (encoding == QN_PQ_DELTA_LENGTH) {
        *ok = qn_pq_delta_init(&v->delta, at, end) && (v->at = qn_pq_delta_end(v->delta)) != NULL;
    } else if (encoding == QN_PQ_DELTA_BYTES) {
        *ok = begin_delta_bytes(v);
    }
    return QN_OK;
}

/* ---- physical values ------------------------------------------------------------------------------- */

static bool plain_bools(qn_pq_values *v, uint8_t *out, uint32_t count)
{
    if (v->used + count > (uint64_t)(v->end - v->at) * 8)
        return false;
    for (uint32_t i = 0; i < count; i++, v->used++)
        out[i] = v->at[v->used / 8] >> (v->used % 8) & 1;
    return true;
}

static bool rle_bools(qn_pq_values *v, uint8_t *out, uint32_t count)
{
    uint32_t bits[QN_PQ_BATCH];
    if (!qn_pq_hybrid_next(&v->hybrid, 0, bits, count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        out[i] = (uint8_t)bits[i];
    return true;
}

static bool plain_fixed(qn_pq_values *v, void *out, uint32_t count, size_t width)
{
    size_t bytes = count * width;
    if ((size_t)(v->end - v->at) < bytes)
        return false;
    memcpy(out, v->at, bytes);
    v->at += bytes;
    return true;
}

/* Byte j of value i stands at j × values + i. */
static bool split_bytes(qn_pq_values *v, uint8_t *out, uint32_t count, size_t width)
{
    size_t bytes = (size_t)(v->end - v->at), values = bytes / width;
    if (bytes % width || v->used > values || count > values - v->used)
        return false;
    for (size_t j = 0; j < width; j++) {
        const uint8_t *in = v->at + j * values + v->used;
        for (uint32_t i = 0; i < count; i++)
            out[i * width + j] = in[i];
    }
    v->used += count;
    return true;
}

static bool delta_ints(qn_pq_values *v, void *out, uint32_t count)
{
    int64_t wide[QN_PQ_BATCH], *to = v->column->physical == QN_PQ_INT64 ? out : wide;
    if (!qn_pq_delta_next(&v->delta, to, count))
        return false;
    if (to == wide) {
        for (uint32_t i = 0; i < count; i++)
            ((uint32_t *)out)[i] = (uint32_t)(uint64_t)wide[i]; /* modulo 2^32 */
    }
    return true;
}

static bool plain_bytes(qn_pq_values *v, qn_pq_span *out, uint32_t count)
{
    const uint8_t *at = v->at;
    for (uint32_t i = 0; i < count; i++) {
        size_t left = (size_t)(v->end - at);
        if (left < 4)
            return false;
        uint32_t n = load32(at);
        if (n > left - 4)
            return false;
        out[i] = (qn_pq_span){at + 4, n};
        at += 4 + n;
    }
    v->at = at;
    return true;
}

static bool plain_fixed_bytes(qn_pq_values *v, qn_pq_span *out, uint32_t count)
{
    size_t width = v->column->width;
    if ((size_t)(v->end - v->at) / width < count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        out[i] = (qn_pq_span){v->at + i * width, width};
    v->at += count * width;
    return true;
}

static bool delta_length_bytes(qn_pq_values *v, qn_pq_span *out, uint32_t count)
{
    int64_t lengths[QN_PQ_BATCH];
    if (!qn_pq_delta_next(&v->delta, lengths, count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (lengths[i] < 0 || lengths[i] > v->end - v->at)
            return false;
        out[i] = (qn_pq_span){v->at, (size_t)lengths[i]};
        v->at += lengths[i];
    }
    return true;
}

/* Room in the batch's arena, padded as pages are. */
static qn_status built_room(qn_pq_values *v, size_t bytes, uint8_t **room, qn_error *err)
{
    v->built_bytes += bytes;
    if (v->built_bytes > BUILT_LIMIT)
        return qn_fail(err, QN_SQLSTATE_PROGRAM_LIMIT, "strings of a Parquet page become longer than %llu bytes",
                       (unsigned long long)BUILT_LIMIT);
    *room = qn_arena_alloc(v->strings, bytes + QN_PQ_PADDING);
    if (!*room)
        return qn_nomem(err);
    memset(*room + bytes, 0, QN_PQ_PADDING);
    return QN_OK;
}

/* The arena is reset before the next batch, which may begin with a prefix of this batch's last value. */
static qn_status keep_last(qn_pq_values *v, qn_mem *mem, const qn_pq_span *s, qn_error *err)
{
    if (s->bytes > v->last_capacity) {
        size_t   capacity = s->bytes + s->bytes / 2 + 64;
        uint8_t *fresh = qn_alloc(mem, capacity);
        if (!fresh)
            return qn_nomem(err);
        qn_free(mem, v->last, v->last_capacity);
        v->last = fresh;
        v->last_capacity = capacity;
    }
    if (s->bytes)
        memcpy(v->last, s->data, s->bytes);
    v->last_bytes = s->bytes;
    return QN_OK;
}

static qn_status delta_bytes(qn_pq_values *v, qn_mem *mem, qn_pq_span *out, uint32_t count, bool *ok, qn_error *err)
{
    int64_t    prefixes[QN_PQ_BATCH], suffixes[QN_PQ_BATCH];
    qn_pq_span last = {v->last, v->last_bytes};

    *ok = qn_pq_delta_next(&v->delta, prefixes, count) && qn_pq_delta_next(&v->suffixes, suffixes, count);
    for (uint32_t i = 0; i < count && *ok; i++) {
        int64_t p = prefixes[i], s = suffixes[i];
        *ok = p >= 0 && (uint64_t)p <= last.bytes && s >= 0 && s <= v->end - v->at;
        if (!*ok)
            break;
        if (p == 0) { /* all of it is here */
            last = (qn_pq_span){v->at, (size_t)s};
        } else {
            uint8_t  *room;
            qn_status st = built_room(v, (size_t)(p + s), &room, err);
            if (st != QN_OK)
                return st;
            memcpy(room, last.data, (size_t)p);
            memcpy(room + p, v->at, (size_t)s);
            last = (qn_pq_span){room, (size_t)(p + s)};
        }
        v->at += s;
        out[i] = last;
        if (v->column->physical == QN_PQ_FIXED && last.bytes != v->column->width)
            *ok = false;
    }
    return *ok && count ? keep_last(v, mem, &last, err) : QN_OK;
}

static qn_status split_fixed_bytes(qn_pq_values *v, qn_pq_span *out, uint32_t count, bool *ok, qn_error *err)
{
    size_t   width = v->column->width;
    uint8_t *room;

    *ok = (uint64_t)(v->end - v->at) / width >= count; /* so the product is small enough */
    if (!*ok)
        return QN_OK;
    qn_status st = built_room(v, count * width, &room, err);
    if (st != QN_OK)
        return st;
    *ok = split_bytes(v, room, count, width);
    for (uint32_t i = 0; i < count; i++)
        out[i] = (qn_pq_span){room + i * width, width};
    return QN_OK;
}

static qn_status physical(qn_pq_values *v, qn_mem *mem, void *out, uint32_t count, bool *ok, qn_error *err)
{
    uint8_t p = v->column->physical;

    switch (v->encoding) {
    case QN_PQ_PLAIN:
        *ok = p == QN_PQ_BOOLEAN      ? plain_bools(v, out, count)
              : p == QN_PQ_BYTE_ARRAY ? plain_bytes(v, out, count)
              : p == QN_PQ_FIXED      ? plain_fixed_bytes(v, out, count)
                                      : plain_fixed(v, out, count, physical_bytes[p]);
        break;
    case QN_PQ_RLE:
        *ok = rle_bools(v, out, count);
        break;
    case QN_PQ_DELTA_BINARY:
        *ok = delta_ints(v, out, count);
        break;
    case QN_PQ_DELTA_LENGTH:
        *ok = delta_length_bytes(v, out, count);
        break;
    case QN_PQ_DELTA_BYTES:
        return delta_bytes(v, mem, out, count, ok, err);
    default:
        if (p == QN_PQ_FIXED)
            return split_fixed_bytes(v, out, count, ok, err);
        *ok = split_bytes(v, out, count, physical_bytes[p]);
    }
    return QN_OK;
}

/* ---- text ------------------------------------------------------------------------------------------ */

/* All bytes are 1..127: none has its top bit set, before or after subtracting one. */
static bool word_is_ascii(uint64_t w)
{
    return !(((w - UINT64_C(0x0101010101010101)) | w) & UINT64_C(0x8080808080808080));
}

static bool is_ascii(const uint8_t *s, size_t n)
{
    if (n < 8) {
        uint64_t w = load64(s), rest = n ? ~UINT64_C(0) << (8 * n) : ~UINT64_C(0);
        return word_is_ascii((w & ~rest) | (rest & UINT64_C(0x0101010101010101)));
    }
    for (size_t i = 0; i + 8 < n; i += 8) {
        if (!word_is_ascii(load64(s + i)))
            return false;
    }
    return word_is_ascii(load64(s + n - 8));
}

/* The same string as qn_str_of makes, from bytes that may be read 16 further. */
static qn_str str_of(const uint8_t *s, uint32_t n)
{
    qn_str out;
    if (n > QN_STR_INLINE) {
        out.bytes = n;
        memcpy(out.prefix, s, 4);
        out.data = (const char *)s;
        return out;
    }
    uint64_t lo = load64(s);
    uint32_t hi = load32(s + 8);
    if (n < 8) {
        lo &= (UINT64_C(1) << (8 * n)) - 1;
        hi = 0;
    } else {
        hi &= n == 12 ? ~0u : (1u << (8 * (n - 8))) - 1;
    }
    out.bytes = n;
    memcpy(out.inlined, &lo, 8);
    memcpy(out.inlined + 8, &hi, 4);
    return out;
}

static qn_status texts(const qn_pq_span *in, qn_str *out, uint32_t count, qn_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *s = in[i].data;
        size_t         n = in[i].bytes;
        if (!is_ascii(s, n)) {
            size_t good = qn_load_utf8((const char *)s, n);
            if (good < n)
                return qn_load_invalid_utf8((const char *)s + good, n - good, err);
        }
        if (n > QN_LOAD_RECORD_LIMIT)
            return qn_fail(err, QN_SQLSTATE_PROGRAM_LIMIT, "a string is longer than %zu bytes", QN_LOAD_RECORD_LIMIT);
        out[i] = str_of(s, (uint32_t)n);
    }
    return QN_OK;
}

/* ---- numbers --------------------------------------------------------------------------------------- */

static const char out_of_range[] = "a number has more digits than its type allows";

/* 10^precision: the first number with too many digits. */
static qn_u128 decimal_limit(const qn_pq_column *c)
{
    qn_u128 limit = 1;
    for (unsigned i = 0; i < c->precision; i++)
        limit *= 10;
    return limit;
}

static qn_status decimal(qn_pq_values *v, qn_i128 n, qn_numeric *out, bool *ok, qn_error *err)
{
    qn_u128 size = n < 0 ? 0 - (qn_u128)n : (qn_u128)n;
    *ok = size < v->limit;
    return *ok ? qn_numeric_from_i128(n, v->column->scale, v->strings, out, err) : QN_OK;
}

/* Big-endian two's complement of any length; more than 16 bytes may only repeat the sign. */
static bool big_endian(const qn_pq_span *s, qn_i128 *out)
{
    const uint8_t *p = s->data;
    size_t         n = s->bytes;
    qn_u128        v = n && p[0] & 0x80 ? ~(qn_u128)0 : 0;
    uint8_t        sign = (uint8_t)v;

    for (; n > 16; n--, p++) {
        if (*p != sign)
            return false;
    }
    if (s->bytes > 16 && (p[0] & 0x80) != (sign & 0x80))
        return false;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    *out = (qn_i128)v;
    return true;
}

static qn_status decimals(qn_pq_values *v, const void *in, qn_numeric *out, uint32_t count, bool *ok, qn_error *err)
{
    qn_status st = QN_OK;
    for (uint32_t i = 0; i < count && *ok && st == QN_OK; i++) {
        qn_i128 n;
        if (v->column->kind == QN_PQ_DEC32)
            n = ((const int32_t *)in)[i];
        else if (v->column->kind == QN_PQ_DEC64)
            n = ((const int64_t *)in)[i];
        else if (!(*ok = big_endian((const qn_pq_span *)in + i, &n)))
            break;
        st = decimal(v, n, &out[i], ok, err);
    }
    return st;
}

static bool narrow(const int32_t *in, int16_t *out, uint32_t count)
{
    int32_t bad = 0;
    for (uint32_t i = 0; i < count; i++) {
        out[i] = (int16_t)in[i];
        bad |= out[i] ^ in[i];
    }
    return bad == 0;
}

/* IEEE 754 binary16. */
static float half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ff, bits;
    float    f;

    if (exponent == 0) { /* zero, or fraction × 2^-24 */
        f = (float)fraction / 16777216.0f;
        memcpy(&bits, &f, 4);
    } else if (exponent == 31) {
        bits = 0x7f800000u | fraction << 13;
    } else {
        bits = (exponent + 112) << 23 | fraction << 13;
    }
    bits |= sign;
    memcpy(&f, &bits, 4);
    return f;
}

/* ---- dates and times ------------------------------------------------------------------------------- */

#define UNIX_DAYS   (QN_EPOCH_UNIX / 86400)
#define UNIX_MICROS (QN_EPOCH_UNIX * QN_USECS_PER_SEC)

/* Writers that have infinite dates and times use the extreme integers, some of them symmetrically. */
static bool date(int32_t days, int32_t *out)
{
    int64_t d = (int64_t)days - UNIX_DAYS;
    if (days == INT32_MAX || days <= -INT32_MAX) {
        *out = days == INT32_MAX ? QN_DATE_INFINITY : QN_DATE_NEG_INFINITY;
        return true;
    }
    *out = (int32_t)d;
    return qn_date_in_range(d);
}

static bool stamp(uint8_t kind, int64_t v, int64_t *out)
{
    if (kind == QN_PQ_STAMP_US && (v == INT64_MAX || v <= -INT64_MAX)) {
        *out = v == INT64_MAX ? QN_TIMESTAMP_INFINITY : QN_TIMESTAMP_NEG_INFINITY;
        return true;
    }
    if (kind == QN_PQ_STAMP_NS) /* whole microseconds, rounded down */
        v = v / 1000 - (v % 1000 < 0);
    else if (kind == QN_PQ_STAMP_MS && __builtin_mul_overflow(v, 1000, &v))
        return false;
    return !__builtin_sub_overflow(v, UNIX_MICROS, out) && qn_timestamp_in_range(*out);
}

static bool stamp96(const int96 *in, int64_t *out)
{
    uint64_t nanos = load64(in->b);
    int64_t  days = (int64_t)load32(in->b + 8) - QN_EPOCH_JULIAN;

    if (nanos >= UINT64_C(86400000000000) || days > INT64_C(110000000))
        return false;
    *out = days * QN_USECS_PER_DAY + (int64_t)(nanos / 1000);
    return qn_timestamp_in_range(*out);
}

static bool time_of_day(uint8_t kind, const void *in, uint32_t i, int64_t *out)
{
    int64_t v = kind == QN_PQ_TIME_MS ? ((const int32_t *)in)[i] : ((const int64_t *)in)[i];
    if (v < 0 || v > 86400 * (kind == QN_PQ_TIME_MS ? INT64_C(1000) : kind == QN_PQ_TIME_US ? INT64_C(1000000) : INT64_C(1000000000)))
        return false;
    *out = kind == QN_PQ_TIME_MS ? v * 1000 : kind == QN_PQ_TIME_US ? v : v / 1000;
    return true;
}

static bool interval(const qn_pq_span *in, qn_interval *out)
{
    uint32_t months = load32(in->data), days = load32(in->data + 4), millis = load32(in->data + 8);
    *out = (qn_interval){.micros = (int64_t)millis * 1000, .days = (int32_t)days, .months = (int32_t)months};
    return months <= INT32_MAX && days <= INT32_MAX;
}

/* False: one of them is out of range. */
static bool times(uint8_t kind, const void *in, void *out, uint32_t count)
{
    bool ok = true;
    for (uint32_t i = 0; i < count && ok; i++) {
        switch (kind) {
        case QN_PQ_DATE:
            ok = date(((const int32_t *)in)[i], (int32_t *)out + i);
            break;
        case QN_PQ_TIME_MS:
        case QN_PQ_TIME_US:
        case QN_PQ_TIME_NS:
            ok = time_of_day(kind, in, i, (int64_t *)out + i);
            break;
        case QN_PQ_STAMP_96:
            ok = stamp96((const int96 *)in + i, (int64_t *)out + i);
            break;
        case QN_PQ_INTERVAL:
            ok = interval((const qn_pq_span *)in + i, (qn_interval *)out + i);
            break;
        default:
            ok = stamp(kind, ((const int64_t *)in)[i], (int64_t *)out + i);
        }
    }
    return ok;
}

/* ---- both steps ------------------------------------------------------------------------------------ */

static qn_status convert(qn_pq_values *v, const qn_pq_file *f, const void *in, void *out, uint32_t count, qn_error *err)
{
    bool      ok = true;
    qn_status st = QN_OK;

    switch (v->column->kind) {
    case QN_PQ_TEXT:
        return texts(in, out, count, err);
    case QN_PQ_I16:
        ok = narrow(in, out, count);
        break;
    case QN_PQ_U32:
        for (uint32_t i = 0; i < count; i++)
            ((int64_t *)out)[i] = ((const uint32_t *)in)[i];
        break;
    case QN_PQ_U64:
        for (uint32_t i = 0; i < count; i++)
            ((qn_numeric *)out)[i] = qn_numeric_small((qn_i128)((const uint64_t *)in)[i], 0);
        break;
    case QN_PQ_HALF:
        for (uint32_t i = 0; i < count; i++)
            ((float *)out)[i] = half((uint16_t)load32(((const qn_pq_span *)in)[i].data));
        break;
    case QN_PQ_DEC32:
    case QN_PQ_DEC64:
    case QN_PQ_DEC_BYTES:
        if (!v->limit)
            v->limit = decimal_limit(v->column);
        st = decimals(v, in, out, count, &ok, err);
        break;
    default:
        if (!times(v->column->kind, in, out, count))
            return qn_fail(err, QN_SQLSTATE_DATETIME_OVERFLOW, "date or time out of range in Parquet file \"%s\"", f->path);
    }
    return st != QN_OK || ok ? st : qn_pq_damaged(f, err, out_of_range);
}

qn_status qn_pq_values_next(qn_pq_values *v, const qn_pq_file *f, qn_mem *mem, void *out, uint32_t count,
                            qn_error *err)
{
    bool      ok = true, same = v->column->kind == QN_PQ_SAME;
    qn_status st;

    QN_ASSERT(count <= QN_PQ_BATCH);
    if (count == 0)
        return QN_OK;
    if (v->column->kind == QN_PQ_NOTHING)
        return qn_pq_damaged(f, err, "a column of nothing but NULLs has values");
    st = physical(v, mem, same ? out : v->raw, count, &ok, err);
    if (st != QN_OK)
        return st;
    if (!ok)
        return qn_pq_damaged(f, err, "a page has fewer values than it says, or values that do not fit in it");
    return same ? QN_OK : convert(v, f, v->raw, out, count, err);
}
