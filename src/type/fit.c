/* Fitting a value to its type's modifier. */
#include "type/datetime.h"
#include "type/numeric.h"
#include "type/type.h"

static qn_status too_long(qn_type type, qn_error *err)
{
    char name[64];
    return qn_fail(err, QN_SQLSTATE_STRING_TRUNCATION, "value too long for type %s", qn_type_format(type, name, sizeof name));
}

/* varchar(n) and char(n): cut, or refuse unless only blanks go; char(n) is padded with blanks. */
static qn_status fit_text(qn_type type, bool is_explicit, const qn_str *in, qn_arena *arena, qn_str *out, qn_error *err)
{
    size_t      limit = (size_t)(type.typmod - 4);
    const char *s = qn_str_data(in);
    size_t      chars = qn_utf8_count(s, in->bytes);
    if (chars > limit) {
        size_t keep = qn_utf8_offset(s, in->bytes, limit);
        for (size_t i = keep; !is_explicit && i < in->bytes; i++)
            if (s[i] != ' ')
                return too_long(type, err);
        /* a view of the cut text: the bytes behind a short string are inside *in, so copy those */
        char *copy = qn_arena_dup(arena, s, keep ? keep : 1);
        if (!copy)
            return qn_nomem(err);
        *out = qn_str_of(copy, keep);
        return QN_OK;
    }
    if (type.id == QN_TYPE_CHAR && chars < limit) {
        size_t bytes = in->bytes + (limit - chars);
        char  *padded = qn_arena_alloc(arena, bytes);
        if (!padded)
            return qn_nomem(err);
        memcpy(padded, s, in->bytes);
        memset(padded + in->bytes, ' ', limit - chars);
        *out = qn_str_of(padded, bytes);
        return QN_OK;
    }
    *out = *in;
    return QN_OK;
}

qn_status qn_value_fit(qn_type type, bool is_explicit, const qn_datum *value, qn_arena *arena, qn_datum *out,
                       qn_error *err)
{
    if (type.typmod < 0) {
        *out = *value;
        return QN_OK;
    }
    switch (type.id) {
    case QN_TYPE_VARCHAR:
    case QN_TYPE_CHAR:
        return type.typmod < 4 ? (*out = *value, QN_OK) : fit_text(type, is_explicit, &value->str, arena, &out->str, err);
    case QN_TYPE_NUMERIC:
        return qn_numeric_apply_typmod(value->num, type.typmod, arena, &out->num, err);
    case QN_TYPE_TIME:
    case QN_TYPE_TIMESTAMP:
    case QN_TYPE_TIMESTAMPTZ:
    case QN_TYPE_INTERVAL:
        *out = *value;
        return qn_datetime_apply_typmod(type, out, err);
    default:
        *out = *value;
        return QN_OK;
    }
}
