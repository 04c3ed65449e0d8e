/* Type names and literals of the grammar.
 *
 * The grammar turns INT, VARCHAR(10), DOUBLE PRECISION into pg_catalog names with modifiers; users
 * may also write the internal names themselves.  Types that PostgreSQL has and quern lacks are
 * 0A000, names that nobody knows are 42704. */
#include "sql/sql_int.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

static const struct pg_type {
    const char *name;
    uint8_t     id;
} pg_types[] = {
    {"bool", QN_TYPE_BOOLEAN},        {"int2", QN_TYPE_SMALLINT},
    {"int4", QN_TYPE_INTEGER},        {"int8", QN_TYPE_BIGINT},
    {"float4", QN_TYPE_REAL},         {"float8", QN_TYPE_DOUBLE},
    {"numeric", QN_TYPE_NUMERIC},     {"text", QN_TYPE_TEXT},
    {"varchar", QN_TYPE_VARCHAR},     {"bpchar", QN_TYPE_CHAR},
    {"date", QN_TYPE_DATE},           {"time", QN_TYPE_TIME},
    {"timestamp", QN_TYPE_TIMESTAMP}, {"timestamptz", QN_TYPE_TIMESTAMPTZ},
    {"interval", QN_TYPE_INTERVAL},
};

/* PostgreSQL's other types, each with the name it shows for it. */
static const char *const other_types[][2] = {
    {"timetz", "time with time zone"},
    {"json", "json"},
    {"jsonb", "jsonb"},
    {"jsonpath", "jsonpath"},
    {"uuid", "uuid"},
    {"bytea", "bytea"},
    {"money", "money"},
    {"xml", "xml"},
    {"inet", "inet"},
    {"cidr", "cidr"},
    {"macaddr", "macaddr"},
    {"macaddr8", "macaddr8"},
    {"point", "point"},
    {"line", "line"},
    {"lseg", "lseg"},
    {"box", "box"},
    {"path", "path"},
    {"polygon", "polygon"},
    {"circle", "circle"},
    {"bit", "bit"},
    {"varbit", "bit varying"},
    {"oid", "oid"},
    {"name", "name"},
    {"char", "\"char\""},
    {"tsvector", "tsvector"},
    {"tsquery", "tsquery"},
    {"int4range", "int4range"},
    {"int8range", "int8range"},
    {"numrange", "numrange"},
    {"tsrange", "tsrange"},
    {"tstzrange", "tstzrange"},
    {"daterange", "daterange"},
    {"regclass", "regclass"},
    {"regproc", "regproc"},
    {"regtype", "regtype"},
    {"xid", "xid"},
    {"cid", "cid"},
    {"tid", "tid"},
    {"pg_lsn", "pg_lsn"},
    {"record", "record"},
    {"cstring", "cstring"},
    {"void", "void"},
    {"anyelement", "anyelement"},
    {"anyarray", "anyarray"},
    {"refcursor", "refcursor"},
};

bool qn_type_by_pg_name(const char *name, qn_sql_type *id)
{
    for (size_t i = 0; i < QN_COUNTOF(pg_types); i++) {
        if (strcmp(pg_types[i].name, name) == 0) {
            *id = (qn_sql_type)pg_types[i].id;
            return true;
        }
    }
    return false;
}

const char *qn_pg_string(const qn_pg *node)
{
    return node && node->node_case == QN_PG(STRING) ? node->string->sval : "";
}

const char *qn_pg_names(qn_binder *b, qn_pg *const *names, size_t count)
{
    const char *out = "";

    for (size_t i = 0; i < count; i++) {
        const char *part = names[i]->node_case == QN_PG(A_STAR) ? "*" : qn_pg_string(names[i]);
        out = i ? qn_arena_printf(b->arena, "%s.%s", out, part) : part;
        if (!out) {
            b->status = qn_nomem(b->err);
            return "";
        }
    }
    return out;
}

/* ---- modifiers ---- */

static bool modifier_values(qn_binder *b, const PgQuery__TypeName *t, int32_t *out, size_t max)
{
    for (size_t i = 0; i < t->n_typmods && i < max; i++) {
        const qn_pg *m = t->typmods[i];
        if (m->node_case != QN_PG(A_CONST) || m->a_const->isnull ||
            m->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL) {
            return QN_BIND_FAIL(b, SYNTAX_ERROR, t->location,
                                "type modifiers must be simple constants or identifiers"),
                   false;
        }
        out[i] = m->a_const->ival->ival;
    }
    return true;
}

static bool char_modifier(qn_binder *b, const PgQuery__TypeName *t, const char *name, int32_t n,
                          int32_t *typmod)
{
    if (t->n_typmods != 1) {
        return QN_BIND_FAIL(b, INVALID_PARAMETER_VALUE, t->location, "invalid type modifier"),
               false;
    }
    if (n < 1) {
        return QN_BIND_FAIL(b, INVALID_PARAMETER_VALUE, t->location,
                            "length for type %s must be at least 1", name),
               false;
    }
    if (n > 10485760) {
        return QN_BIND_FAIL(b, INVALID_PARAMETER_VALUE, t->location,
                            "length for type %s cannot exceed %d", name, 10485760),
               false;
    }
    *typmod = n + 4;
    return true;
}

static bool numeric_modifier(qn_binder *b, const PgQuery__TypeName *t, const int32_t *v,
                             int32_t *typmod)
{
    int32_t scale = t->n_typmods == 2 ? v[1] : 0;

    if (t->n_typmods > 2) {
        return QN_BIND_FAIL(b, INVALID_PARAMETER_VALUE, t->location,
                            "invalid NUMERIC type modifier"),
               false;
    }
    if (v[0] < 1 || v[0] > 1000) {
        return QN_BIND_FAIL(b, INVALID_PARAMETER_VALUE, t->location,
                            "NUMERIC precision %d must be between 1 and %d", v[0], 1000),
               false;
    }
    if (scale < -1000 || scale > 1000) {
        return QN_BIND_FAIL(b, INVALID_PARAMETER_VALUE, t->location,
                            "NUMERIC scale %d must be between %d and %d", scale, -1000, 1000),
               false;
    }
    *typmod = (int32_t)(((uint32_t)v[0] << 16) | ((uint32_t)scale & 0x7ff)) + 4;
    return true;
}

static bool time_modifier(qn_binder *b, const PgQuery__TypeName *t, qn_sql_type id, int32_t p,
                          int32_t *typmod)
{
    const char *word = id == QN_TYPE_TIME ? "TIME" : "TIMESTAMP";
    const char *zone = id == QN_TYPE_TIMESTAMPTZ ? " WITH TIME ZONE" : "";

    if (t->n_typmods != 1) {
        return QN_BIND_FAIL(b, INVALID_PARAMETER_VALUE, t->location, "invalid type modifier"),
               false;
    }
    if (p < 0) {
        return QN_BIND_FAIL(b, INVALID_PARAMETER_VALUE, t->location,
                            "%s(%d)%s precision must not be negative", word, p, zone),
               false;
    }
    *typmod = p > 6 ? 6 : p;
    return true;
}

/* interval: a mask of fields, and a precision.  All fields and any precision are 7FFF and FFFF. */
static bool interval_modifier(qn_binder *b, const PgQuery__TypeName *t, const int32_t *v,
                              int32_t *typmod)
{
    int32_t range = v[0], precision = 0xFFFF;

    if (t->n_typmods == 2) {
        if (v[1] < 0) {
            return QN_BIND_FAIL(b, INVALID_PARAMETER_VALUE, t->location,
                                "INTERVAL(%d) precision must not be negative", v[1]),
                   false;
        }
        precision = v[1] > 6 ? 6 : v[1];
    } else if (t->n_typmods != 1) {
        return QN_BIND_FAIL(b, INVALID_PARAMETER_VALUE, t->location,
                            "invalid INTERVAL type modifier"),
               false;
    }
    if (range == 0x7FFF && precision == 0xFFFF) {
        *typmod = -1;
    } else {
        *typmod = (int32_t)(((uint32_t)(range & 0x7FFF) << 16) | (uint32_t)precision);
    }
    return true;
}

static bool modifier(qn_binder *b, const PgQuery__TypeName *t, qn_type *type)
{
    int32_t v[2] = {0, 0};

    type->typmod = -1;
    if (t->n_typmods == 0) {
        return true;
    }
    if (!modifier_values(b, t, v, 2)) {
        return false;
    }
    switch (type->id) {
    case QN_TYPE_VARCHAR:
        return char_modifier(b, t, "varchar", v[0], &type->typmod);
    case QN_TYPE_CHAR:
        return char_modifier(b, t, "char", v[0], &type->typmod);
    case QN_TYPE_NUMERIC:
        return numeric_modifier(b, t, v, &type->typmod);
    case QN_TYPE_TIME:
    case QN_TYPE_TIMESTAMP:
    case QN_TYPE_TIMESTAMPTZ:
        return time_modifier(b, t, (qn_sql_type)type->id, v[0], &type->typmod);
    case QN_TYPE_INTERVAL:
        return interval_modifier(b, t, v, &type->typmod);
    default:
        return QN_BIND_FAIL(b, SYNTAX_ERROR, t->location,
                            "type modifier is not allowed for type \"%s\"",
                            qn_pg_string(t->names[t->n_names - 1])),
               false;
    }
}

bool qn_bind_type_name(qn_binder *b, const PgQuery__TypeName *t, qn_type *type)
{
    const char *name = t->n_names ? qn_pg_string(t->names[t->n_names - 1]) : "";
    const char *schema = t->n_names > 1 ? qn_pg_string(t->names[t->n_names - 2]) : "";
    qn_sql_type id;

    if (t->setof) {
        return qn_bind_unsupported(b, t->location, "SETOF"), false;
    }
    if (t->pct_type) {
        return qn_bind_unsupported(b, t->location, "%TYPE"), false;
    }
    if (t->n_names > 2) {
        return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, -1,
                            "cross-database references are not implemented: %s",
                            qn_pg_names(b, t->names, t->n_names)),
               false;
    }
    if (t->n_array_bounds || (name[0] == '_' && qn_type_by_pg_name(name + 1, &id))) {
        return qn_bind_unsupported(b, t->location, "an array type"), false;
    }
    bool catalog = !*schema || strcmp(schema, "pg_catalog") == 0;
    if (catalog && qn_type_by_pg_name(name, &id)) {
        type->id = (uint8_t)id;
        return modifier(b, t, type);
    }
    for (size_t i = 0; catalog && i < QN_COUNTOF(other_types); i++) {
        if (strcmp(other_types[i][0], name) == 0) {
            return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, t->location, "type %s is not supported",
                                other_types[i][1]),
                   false;
        }
    }
    return QN_BIND_FAIL(b, UNDEFINED_OBJECT, t->location, "type \"%s\" does not exist",
                        qn_pg_names(b, t->names, t->n_names)),
           false;
}

/* ---- literals ---- */

/* Whether the constant at location is one token whose text, parsed, is the value: the program cache
 * may then put another value in its place.  Negated numbers, E'' strings and continued ones are
 * not. */
static bool is_single_token(const qn_binder *b, int32_t location, bool string)
{
    size_t pos = (size_t)location;

    if (b->detached || location < 0 || pos >= b->sql_bytes) {
        return false;
    }
    qn_token t = qn_token_next(b->sql, b->sql_bytes, &pos);
    if (t.start != (size_t)location) {
        return false;
    }
    if (!string) {
        return t.kind == QN_TOKEN_NUMBER;
    }
    return t.kind == QN_TOKEN_STRING && t.plain &&
           qn_token_next(b->sql, b->sql_bytes, &pos).kind != QN_TOKEN_STRING;
}

static qn_expr *parsed_const(qn_binder *b, qn_sql_type id, const char *text, int32_t location)
{
    qn_expr *e = qn_node(b, QN_EXPR_CONST, (qn_type){(uint8_t)id, -1}, 0, NULL, location);

    if (e) {
        b->status = qn_value_parse(e->type, text, strlen(text), b->context->settings, b->arena,
                                   &e->value, b->err);
        if (b->status != QN_OK) {
            qn_error_locate(b->err, b->detached ? -1 : location);
            return NULL;
        }
        e->literal = is_single_token(b, location, false);
    }
    return e;
}

/* Numbers by size: integer, bigint, numeric. */
static qn_expr *number_const(qn_binder *b, const char *text, int32_t location)
{
    size_t n = strspn(text, "+-0123456789");

    if (!text[n]) {
        char *end;
        errno = 0;
        long long v = strtoll(text, &end, 10);
        if (errno == 0 && !*end) {
            return parsed_const(b,
                                v >= INT32_MIN && v <= INT32_MAX ? QN_TYPE_INTEGER : QN_TYPE_BIGINT,
                                text, location);
        }
    }
    return parsed_const(b, QN_TYPE_NUMERIC, text, location);
}

qn_expr *qn_bind_const(qn_binder *b, const PgQuery__AConst *c)
{
    qn_expr *e;

    if (c->isnull) {
        e = qn_null_const(b, QN_TYPE(UNKNOWN));
        if (e) {
            e->location = b->detached ? -1 : c->location;
        }
        return e;
    }
    switch (c->val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL:
        e = qn_int_const(b, QN_TYPE_INTEGER, c->ival->ival, c->location);
        if (e) {
            e->literal = is_single_token(b, c->location, false);
        }
        return e;
    case PG_QUERY__A__CONST__VAL_FVAL:
        return number_const(b, c->fval->fval, c->location);
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
        e = qn_node(b, QN_EXPR_CONST, QN_TYPE(BOOLEAN), 0, NULL, c->location);
        if (e) {
            e->value.b = c->boolval->boolval;
        }
        return e;
    case PG_QUERY__A__CONST__VAL_SVAL:
        e = qn_node(b, QN_EXPR_CONST, QN_TYPE(UNKNOWN), 0, NULL, c->location);
        if (e) {
            e->value.str = qn_str_lit(c->sval->sval);
            e->literal = is_single_token(b, c->location, true);
        }
        return e;
    default:
        return qn_bind_unsupported(b, c->location, "a bit string"), NULL;
    }
}
