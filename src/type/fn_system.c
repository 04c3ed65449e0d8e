/* Functions about the system and the call: version, names, random numbers, NULL counts, sizes.
 *
 * A database has one schema and one user, so their names are constants.  setseed() returns an empty
 * text, which prints as PostgreSQL's void does. */
#include "base/assert.h"
#include "catalog/function.h"
#include "type/float_text.h"
#include "type/numeric.h"

#define ARGS qn_call *call, const qn_datum *args, const bool *nulls, qn_datum *result, bool *null
#define UNUSED ((void)call, (void)args, (void)nulls, (void)null)

#define CONSTANT(name, value)                                                                      \
    static qn_status name(ARGS)                                                                    \
    {                                                                                              \
        UNUSED;                                                                                    \
        result->str = qn_str_lit(value);                                                           \
        return QN_OK;                                                                              \
    }
CONSTANT(version, "PostgreSQL 15.0 (quern " QN_VERSION ")")
CONSTANT(database_name, "quern")
CONSTANT(schema_name, "public")
CONSTANT(user_name, "quern")

static qn_status pg_typeof(ARGS)
{
    UNUSED;
    result->str = qn_str_lit(qn_type_name((qn_sql_type)call->arg_types[0]));
    return QN_OK;
}

static qn_status count_nulls(qn_call *call, const bool *nulls, bool wanted, qn_datum *result)
{
    result->i32 = 0;
    for (int i = 0; i < call->argc; i++)
        result->i32 += nulls[i] == wanted;
    return QN_OK;
}

static qn_status num_nulls(ARGS)
{
    UNUSED;
    return count_nulls(call, nulls, true, result);
}

static qn_status num_nonnulls(ARGS)
{
    UNUSED;
    return count_nulls(call, nulls, false, result);
}

/* ---- random numbers ------------------------------------------------------------------------ */

static qn_status random_unit(ARGS)
{
    UNUSED;
    result->f64 = qn_random_unit(call->random);
    return QN_OK;
}

static qn_status setseed(ARGS)
{
    UNUSED;
    uint64_t seed;
    double   v = args[0].f64 + 0.0; /* -0 seeds as 0 */
    if (!(v >= -1 && v <= 1)) {
        char text[QN_FLOAT_TEXT_BYTES];
        int  bytes = (int)qn_f64_text(v, -9, text); /* six digits */
        return qn_fail(call->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE,
                       "setseed parameter %.*s is out of allowed range [-1,1]", bytes, text);
    }
    memcpy(&seed, &v, sizeof seed);
    qn_random_seed(call->random, seed);
    result->str = qn_str_of("", 0);
    return QN_OK;
}

/* ---- sizes --------------------------------------------------------------------------------- */

/* A unit is used below its limit.  From kB on the value carries one bit more than the unit, so that
 * it can be rounded half up at the end. */
static const struct {
    const char *name;
    int64_t     limit;
    bool        half;
    int         bits;
} units[] = {{"bytes", 10 * 1024, false, 0}, {"kB", 20 * 1024 - 1, true, 10},
             {"MB", 20 * 1024 - 1, true, 20}, {"GB", 20 * 1024 - 1, true, 30},
             {"TB", 20 * 1024 - 1, true, 40}, {"PB", 20 * 1024 - 1, true, 50}};

static int bits_to_next(size_t unit)
{
    return units[unit + 1].bits - units[unit].bits - units[unit + 1].half + units[unit].half;
}

static qn_status size_pretty_int8(ARGS)
{
    UNUSED;
    int64_t size = args[0].i64;
    size_t  unit = 0;
    while (unit + 1 < QN_COUNTOF(units) &&
           (size < 0 ? 0 - (uint64_t)size : (uint64_t)size) >= (uint64_t)units[unit].limit) {
        size /= (int64_t)1 << bits_to_next(unit);
        unit++;
    }
    if (units[unit].half)
        size = (size + (size < 0 ? -1 : 1)) / 2;
    char *text = qn_arena_printf(call->arena, "%lld %s", (long long)size, units[unit].name);
    if (!text)
        return qn_nomem(call->err);
    result->str = qn_str_of(text, strlen(text));
    return QN_OK;
}

static qn_status size_pretty_numeric(ARGS)
{
    UNUSED;
    qn_status  st = QN_OK;
    qn_numeric size = args[0].num;
    size_t     unit = 0;
    qn_buf     text;
    qn_buf_init(&text, call->arena->mem);
    while (unit + 1 < QN_COUNTOF(units)) {
        qn_numeric limit = qn_numeric_small(units[unit].limit, 0);
        if (qn_numeric_compare(qn_numeric_abs(size, call->arena), limit) < 0)
            break;
        qn_numeric divisor = qn_numeric_small((int64_t)1 << bits_to_next(unit), 0);
        QN_TRY(qn_numeric_div_trunc(size, divisor, call->arena, &size, call->err));
        unit++;
    }
    if (units[unit].half) {
        qn_numeric one = qn_numeric_small(qn_numeric_sign(size) < 0 ? -1 : 1, 0);
        QN_TRY(qn_numeric_add(size, one, call->arena, &size, call->err));
        QN_TRY(qn_numeric_div_trunc(size, qn_numeric_small(2, 0), call->arena, &size, call->err));
    }
    qn_numeric_print(size, &text);
    qn_buf_putc(&text, ' ');
    qn_buf_puts(&text, units[unit].name);
    const char *copy = NULL;
    if (qn_buf_ok(&text))
        copy = qn_arena_dup(call->arena, text.data, text.bytes);
    QN_ALLOC(call->err, copy);
    result->str = qn_str_of(copy, text.bytes);
done:
    qn_buf_deinit(&text);
    return st;
}

/* ---- table --------------------------------------------------------------------------------- */

#define T(name) QN_TYPE_##name
#define NAME(name, f, doc) {name, T(TEXT), 0, {0}, QN_FN_STRICT, QN_STABLE, 0, f, "system|" doc}

static const qn_function functions[] = {
    NAME("version", version, "version of the engine and of the dialect"),
    NAME("current_database", database_name, "name of the database"),
    NAME("current_catalog", database_name, "name of the database"),
    NAME("current_schema", schema_name, "name of the schema"),
    NAME("current_user", user_name, "name of the user"),
    NAME("session_user", user_name, "name of the user"),
    NAME("user", user_name, "name of the user"),
    {"pg_typeof", T(TEXT), 1, {T(UNKNOWN)}, QN_FN_ANY, QN_STABLE, 0, pg_typeof,
     "system|type of the argument"},
    {"num_nulls", T(INTEGER), 1, {T(UNKNOWN)}, QN_FN_ANY | QN_FN_VARIADIC, QN_IMMUTABLE, 0,
     num_nulls, "system|number of arguments that are NULL"},
    {"num_nonnulls", T(INTEGER), 1, {T(UNKNOWN)}, QN_FN_ANY | QN_FN_VARIADIC, QN_IMMUTABLE, 0,
     num_nonnulls, "system|number of arguments that are not NULL"},
    {"random", T(DOUBLE), 0, {0}, QN_FN_STRICT, QN_VOLATILE, 0, random_unit,
     "system|random number in [0, 1)"},
    {"setseed", T(TEXT), 1, {T(DOUBLE)}, QN_FN_STRICT | QN_FN_CANFAIL, QN_VOLATILE, 0, setseed,
     "system|make random() repeat from here; -1 to 1"},
    {"pg_size_pretty", T(TEXT), 1, {T(BIGINT)}, QN_FN_STRICT, QN_IMMUTABLE, 0, size_pretty_int8,
     "system|bytes in a readable unit"},
    {"pg_size_pretty", T(TEXT), 1, {T(NUMERIC)}, QN_FN_STRICT | QN_FN_CANFAIL, QN_IMMUTABLE, 0,
     size_pretty_numeric, "system|bytes in a readable unit"},
};

const qn_function_list qn_fn_system = {.functions = functions, .count = QN_COUNTOF(functions)};
