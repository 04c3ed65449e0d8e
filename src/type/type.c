/* SQL types: names, banks, categories, and the text of modifiers.
 *
 * One table says everything; the order is that of qn_sql_type. */
#include "type/type.h"

#include <stdio.h>

#include "base/assert.h"
#include "type/numeric.h"

typedef struct type_info {
    const char *name;     /* as SQL and error messages write it */
    const char *internal; /* pg_type.typname */
    uint8_t     bank;
    char        category;
    bool        preferred;
} type_info;

static const type_info types[QN_TYPE_COUNT] = {
    [QN_TYPE_UNKNOWN] = {"unknown", "unknown", QN_BANK_STR, 'X', false},
    [QN_TYPE_BOOLEAN] = {"boolean", "bool", QN_BANK_BOOL, 'B', true},
    [QN_TYPE_SMALLINT] = {"smallint", "int2", QN_BANK_I16, 'N', false},
    [QN_TYPE_INTEGER] = {"integer", "int4", QN_BANK_I32, 'N', false},
    [QN_TYPE_BIGINT] = {"bigint", "int8", QN_BANK_I64, 'N', false},
    [QN_TYPE_REAL] = {"real", "float4", QN_BANK_F32, 'N', false},
    [QN_TYPE_DOUBLE] = {"double precision", "float8", QN_BANK_F64, 'N', true},
    [QN_TYPE_NUMERIC] = {"numeric", "numeric", QN_BANK_NUM, 'N', false},
    [QN_TYPE_TEXT] = {"text", "text", QN_BANK_STR, 'S', true},
    [QN_TYPE_VARCHAR] = {"character varying", "varchar", QN_BANK_STR, 'S', false},
    [QN_TYPE_CHAR] = {"character", "bpchar", QN_BANK_STR, 'S', false},
    [QN_TYPE_DATE] = {"date", "date", QN_BANK_I32, 'D', false},
    [QN_TYPE_TIME] = {"time without time zone", "time", QN_BANK_I64, 'D', false},
    [QN_TYPE_TIMESTAMP] = {"timestamp without time zone", "timestamp", QN_BANK_I64, 'D', false},
    [QN_TYPE_TIMESTAMPTZ] = {"timestamp with time zone", "timestamptz", QN_BANK_I64, 'D', true},
    [QN_TYPE_INTERVAL] = {"interval", "interval", QN_BANK_INTERVAL, 'T', true},
};

static const struct {
    const char *name;
    uint8_t     bytes;
} banks[QN_BANK_COUNT] = {
    [QN_BANK_NONE] = {"none", 0},         [QN_BANK_BOOL] = {"bool", 1}, [QN_BANK_I16] = {"i16", 2},
    [QN_BANK_I32] = {"i32", 4},           [QN_BANK_I64] = {"i64", 8},   [QN_BANK_F32] = {"f32", 4},
    [QN_BANK_F64] = {"f64", 8},           [QN_BANK_NUM] = {"num", 16},  [QN_BANK_STR] = {"str", 16},
    [QN_BANK_INTERVAL] = {"interval", 16}, [QN_BANK_I128] = {"i128", 16},
};
_Static_assert(QN_BANK_COUNT <= 16, "four bits of the instruction's flags");

qn_bank qn_type_bank(qn_sql_type id)
{
    return (unsigned)id < QN_TYPE_COUNT ? (qn_bank)types[id].bank : QN_BANK_NONE;
}

size_t qn_bank_bytes(qn_bank bank)
{
    return (unsigned)bank < QN_BANK_COUNT ? banks[bank].bytes : 0;
}

const char *qn_bank_name(qn_bank bank)
{
    return (unsigned)bank < QN_BANK_COUNT ? banks[bank].name : "none";
}

const char *qn_type_name(qn_sql_type id)
{
    return (unsigned)id < QN_TYPE_COUNT ? types[id].name : "unknown";
}

char qn_type_category(qn_sql_type id, bool *preferred)
{
    const type_info *t = &types[(unsigned)id < QN_TYPE_COUNT ? id : QN_TYPE_UNKNOWN];
    if (preferred)
        *preferred = t->preferred;
    return t->category;
}

bool qn_type_lookup(const char *name, qn_sql_type *id)
{
    static const struct {
        const char *name;
        uint8_t     id;
    } others[] = {{"int", QN_TYPE_INTEGER},
                  {"float", QN_TYPE_DOUBLE},
                  {"decimal", QN_TYPE_NUMERIC},
                  {"dec", QN_TYPE_NUMERIC},
                  {"char", QN_TYPE_CHAR}};
    for (int i = 0; i < QN_TYPE_COUNT; i++) {
        if (strcmp(name, types[i].name) == 0 || strcmp(name, types[i].internal) == 0) {
            *id = (qn_sql_type)i;
            return true;
        }
    }
    for (size_t i = 0; i < QN_COUNTOF(others); i++) {
        if (strcmp(name, others[i].name) == 0) {
            *id = (qn_sql_type)others[i].id;
            return true;
        }
    }
    return false;
}

/* Which fields an interval is restricted to, as pg_type writes them: a bit per field. */
static const char *interval_fields(int range)
{
    enum { MONTH = 1 << 1, YEAR = 1 << 2, DAY = 1 << 3 };
    enum { HOUR = 1 << 10, MINUTE = 1 << 11, SECOND = 1 << 12 };
    switch (range) {
    case YEAR: return " year";
    case MONTH: return " month";
    case DAY: return " day";
    case HOUR: return " hour";
    case MINUTE: return " minute";
    case SECOND: return " second";
    case YEAR | MONTH: return " year to month";
    case DAY | HOUR: return " day to hour";
    case DAY | HOUR | MINUTE: return " day to minute";
    case DAY | HOUR | MINUTE | SECOND: return " day to second";
    case HOUR | MINUTE: return " hour to minute";
    case HOUR | MINUTE | SECOND: return " hour to second";
    case MINUTE | SECOND: return " minute to second";
    default: return "";
    }
}

const char *qn_type_format(qn_type type, char *buffer, size_t bytes)
{
    const char *name = qn_type_name((qn_sql_type)type.id);
    int         precision, scale;
    switch (type.id) {
    case QN_TYPE_NUMERIC:
        if (type.typmod >= 4) {
            qn_numeric_typmod_split(type.typmod, &precision, &scale);
            snprintf(buffer, bytes, "numeric(%d,%d)", precision, scale);
            return buffer;
        }
        break;
    case QN_TYPE_VARCHAR:
    case QN_TYPE_CHAR:
        if (type.typmod >= 4) {
            snprintf(buffer, bytes, "%s(%d)", name, type.typmod - 4);
            return buffer;
        }
        if (type.id == QN_TYPE_CHAR)
            name = "bpchar"; /* "character" would read as character(1) */
        break;
    case QN_TYPE_TIME:
    case QN_TYPE_TIMESTAMP:
    case QN_TYPE_TIMESTAMPTZ:
        if (type.typmod >= 0) {
            size_t word = strcspn(name, " ");
            snprintf(buffer, bytes, "%.*s(%d)%s", (int)word, name, type.typmod & 0xffff,
                     name + word);
            return buffer;
        }
        break;
    case QN_TYPE_INTERVAL:
        if (type.typmod >= 0) {
            const char *fields = interval_fields(type.typmod >> 16 & 0x7fff);
            precision = type.typmod & 0xffff;
            if (precision == 0xffff)
                snprintf(buffer, bytes, "interval%s", fields);
            else
                snprintf(buffer, bytes, "interval%s(%d)", fields, precision);
            return buffer;
        }
        break;
    default: break;
    }
    snprintf(buffer, bytes, "%s", name);
    return buffer;
}
