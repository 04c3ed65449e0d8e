/* The compact protocol of Apache Thrift, as far as a Parquet file needs it.
 *
 * A struct is a list of (number, type, value) that ends with a zero byte, so unknown fields are passed over by their
 * type.  Nothing is built in memory: the caller asks for field after field and takes what it knows.
 *
 * Invariants
 *   - No read goes behind `end`; failure is sticky and empties what is left.
 *   - Every element of a list takes a byte at least, so a count is refused when fewer bytes are left; nested structs
 *     are passed over to a depth of SKIP_DEPTH. */
#include "load/parquet/parquet_int.h"

#define SKIP_DEPTH 32

static bool fail(qn_thrift *t)
{
    t->failed = true;
    t->at = t->end;
    return false;
}

static uint8_t byte(qn_thrift *t)
{
    if (t->at == t->end) {
        fail(t);
        return 0;
    }
    return *t->at++;
}

static uint64_t varint(qn_thrift *t)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t b = byte(t);
        v |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            return t->failed ? 0 : v;
    }
    fail(t);
    return 0;
}

static int64_t zigzag(qn_thrift *t)
{
    uint64_t v = varint(t);
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

static size_t left(const qn_thrift *t)
{
    return (size_t)(t->end - t->at);
}

bool qn_thrift_next(qn_thrift *t, qn_thrift_field *field)
{
    uint8_t head = byte(t);

    field->type = head & 0x0f;
    if (t->failed || field->type == QN_THRIFT_STOP)
        return false;
    int64_t id = head >> 4 ? field->id + (head >> 4) : zigzag(t);
    if (t->failed || id < INT16_MIN || id > INT16_MAX)
        return fail(t);
    field->id = (int16_t)id;
    return true;
}

int64_t qn_thrift_int(qn_thrift *t, const qn_thrift_field *field)
{
    switch (field->type) {
    case QN_THRIFT_I8:
        return (int8_t)byte(t);
    case QN_THRIFT_I16:
    case QN_THRIFT_I32:
    case QN_THRIFT_I64:
        return zigzag(t);
    default:
        fail(t);
        return 0;
    }
}

bool qn_thrift_bool(qn_thrift *t, const qn_thrift_field *field)
{
    if (field->type != QN_THRIFT_TRUE && field->type != QN_THRIFT_FALSE)
        return fail(t);
    return field->type == QN_THRIFT_TRUE;
}

qn_thrift_bytes qn_thrift_element_binary(qn_thrift *t)
{
    qn_thrift_bytes b = {0};
    uint64_t        n = varint(t);

    if (n > left(t)) {
        fail(t);
        return b;
    }
    b.data = t->at;
    b.bytes = (size_t)n;
    t->at += n;
    return b;
}

qn_thrift_bytes qn_thrift_binary(qn_thrift *t, const qn_thrift_field *field)
{
    if (field->type != QN_THRIFT_BINARY) {
        fail(t);
        return (qn_thrift_bytes){0};
    }
    return qn_thrift_element_binary(t);
}

bool qn_thrift_struct(qn_thrift *t, const qn_thrift_field *field)
{
    return field->type == QN_THRIFT_STRUCT || fail(t);
}

static size_t list_head(qn_thrift *t, uint8_t *element)
{
    uint8_t  head = byte(t);
    uint64_t n = head >> 4 == 15 ? varint(t) : head >> 4;

    *element = head & 0x0f;
    if (n > left(t)) {
        fail(t);
        return 0;
    }
    return (size_t)n;
}

size_t qn_thrift_list(qn_thrift *t, const qn_thrift_field *field, qn_thrift_type element)
{
    uint8_t type = 0;

    if (field->type != QN_THRIFT_LIST) {
        fail(t);
        return 0;
    }
    size_t n = list_head(t, &type);
    if (n && type != element) {
        fail(t);
        return 0;
    }
    return n;
}

static void skip(qn_thrift *t, uint8_t type, bool element, unsigned depth);

static void skip_struct(qn_thrift *t, unsigned depth)
{
    qn_thrift_field f = {0};
    while (qn_thrift_next(t, &f))
        skip(t, f.type, false, depth);
}

static void skip_map(qn_thrift *t, unsigned depth)
{
    uint64_t n = varint(t);
    if (n == 0)
        return;
    uint8_t types = byte(t);
    if (n > left(t))
        fail(t);
    for (; n > 0 && !t->failed; n--) {
        skip(t, types >> 4, true, depth);
        skip(t, types & 0x0f, true, depth);
    }
}

/* A boolean field is its type; a boolean element is a byte. */
static void skip(qn_thrift *t, uint8_t type, bool element, unsigned depth)
{
    uint8_t of = 0;

    if (depth == 0) {
        fail(t);
        return;
    }
    switch (type) {
    case QN_THRIFT_TRUE:
    case QN_THRIFT_FALSE:
        if (element)
            byte(t);
        return;
    case QN_THRIFT_I8:
        byte(t);
        return;
    case QN_THRIFT_I16:
    case QN_THRIFT_I32:
    case QN_THRIFT_I64:
        varint(t);
        return;
    case QN_THRIFT_DOUBLE:
        if (left(t) < 8)
            fail(t);
        else
            t->at += 8;
        return;
    case QN_THRIFT_BINARY:
        qn_thrift_element_binary(t);
        return;
    case QN_THRIFT_LIST:
    case QN_THRIFT_SET:
        for (size_t n = list_head(t, &of); n > 0 && !t->failed; n--)
            skip(t, of, true, depth - 1);
        return;
    case QN_THRIFT_MAP:
        skip_map(t, depth - 1);
        return;
    case QN_THRIFT_STRUCT:
        skip_struct(t, depth - 1);
        return;
    default:
        fail(t);
    }
}

void qn_thrift_skip(qn_thrift *t, const qn_thrift_field *field)
{
    skip(t, field->type, false, SKIP_DEPTH);
}
