/* Functions, operators and casts of numeric: thin calls into type/numeric.h.
 *
 * Names are those of pg_proc.  What only implements an operator is hidden; casts are functions
 * named after their target type, callable as in PostgreSQL (int4(1.5)).
 *
 * Not here: what takes floats or integers only (fn_math.c). */
#include <math.h>
#include "base/assert.h"
#include "catalog/function.h"
#include "type/numeric.h"

#define ARGS qn_call *call, const qn_datum *args, const bool *nulls, qn_datum *result, bool *null
#define UNUSED ((void)call, (void)args, (void)nulls, (void)null)

enum {
    OP_ADD = 0x20, OP_SUB, OP_MUL, OP_DIV, OP_MOD, OP_NEG, OP_ABS,
    OP_EQ = 0x30, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE
};

/* ---- operators ----------------------------------------------------------------------------- */

#define BINARY(name, function)                                                                     \
    static qn_status name(ARGS)                                                                    \
    {                                                                                              \
        UNUSED;                                                                                    \
        return function(args[0].num, args[1].num, call->arena, &result->num, call->err);           \
    }
BINARY(numeric_add, qn_numeric_add)
BINARY(numeric_sub, qn_numeric_sub)
BINARY(numeric_mul, qn_numeric_mul)
BINARY(numeric_div, qn_numeric_div)
BINARY(numeric_mod, qn_numeric_mod)
BINARY(numeric_div_trunc, qn_numeric_div_trunc)
BINARY(numeric_power, qn_numeric_power)
BINARY(numeric_log, qn_numeric_log)
BINARY(numeric_gcd, qn_numeric_gcd)
BINARY(numeric_lcm, qn_numeric_lcm)

#define COMPARISON(name, operator)                                                                 \
    static qn_status name(ARGS)                                                                    \
    {                                                                                              \
        UNUSED;                                                                                    \
        result->b = qn_numeric_compare(args[0].num, args[1].num) operator 0;                       \
        return QN_OK;                                                                              \
    }
COMPARISON(numeric_eq, ==)
COMPARISON(numeric_ne, !=)
COMPARISON(numeric_lt, <)
COMPARISON(numeric_le, <=)
COMPARISON(numeric_gt, >)
COMPARISON(numeric_ge, >=)

/* ---- one operand --------------------------------------------------------------------------- */

#define UNARY(name, function)                                                                      \
    static qn_status name(ARGS)                                                                    \
    {                                                                                              \
        UNUSED;                                                                                    \
        return function(args[0].num, call->arena, &result->num, call->err);                        \
    }
UNARY(numeric_sqrt, qn_numeric_sqrt)
UNARY(numeric_exp, qn_numeric_exp)
UNARY(numeric_ln, qn_numeric_ln)
UNARY(numeric_ceil, qn_numeric_ceil)
UNARY(numeric_floor, qn_numeric_floor)

static qn_status numeric_uminus(ARGS)
{
    UNUSED;
    result->num = qn_numeric_neg(args[0].num, call->arena);
    return QN_OK;
}

static qn_status numeric_uplus(ARGS)
{
    UNUSED;
    result->num = args[0].num;
    return QN_OK;
}

static qn_status numeric_abs(ARGS)
{
    UNUSED;
    result->num = qn_numeric_abs(args[0].num, call->arena);
    return QN_OK;
}

static qn_status numeric_sign(ARGS)
{
    UNUSED;
    qn_numeric v = args[0].num;
    result->num = qn_numeric_is_nan(v) ? v : qn_numeric_small(qn_numeric_sign(v), 0);
    return QN_OK;
}

static qn_status numeric_log10(ARGS)
{
    UNUSED;
    qn_numeric ten = qn_numeric_small(10, 0);
    return qn_numeric_log(ten, args[0].num, call->arena, &result->num, call->err);
}

static qn_status numeric_round(ARGS)
{
    UNUSED;
    return qn_numeric_round(args[0].num, args[1].i32, call->arena, &result->num, call->err);
}

static qn_status numeric_round0(ARGS)
{
    UNUSED;
    return qn_numeric_round(args[0].num, 0, call->arena, &result->num, call->err);
}

static qn_status numeric_trunc(ARGS)
{
    UNUSED;
    return qn_numeric_trunc(args[0].num, args[1].i32, call->arena, &result->num, call->err);
}

static qn_status numeric_trunc0(ARGS)
{
    UNUSED;
    return qn_numeric_trunc(args[0].num, 0, call->arena, &result->num, call->err);
}

static bool finite_numeric(qn_numeric v)
{
    return !qn_numeric_is_nan(v) && !qn_numeric_is_infinite(v, NULL);
}

static qn_status numeric_scale(ARGS)
{
    UNUSED;
    *null = !finite_numeric(args[0].num);
    result->i32 = qn_numeric_scale(args[0].num);
    return QN_OK;
}

static qn_status numeric_min_scale(ARGS)
{
    UNUSED;
    *null = !finite_numeric(args[0].num);
    result->i32 = qn_numeric_min_scale(args[0].num);
    return QN_OK;
}

static qn_status numeric_trim_scale(ARGS)
{
    UNUSED;
    int scale = qn_numeric_min_scale(args[0].num);
    return qn_numeric_trunc(args[0].num, scale, call->arena, &result->num, call->err);
}

static qn_status numeric_factorial(ARGS)
{
    UNUSED;
    return qn_numeric_factorial(args[0].i64, call->arena, &result->num, call->err);
}

static qn_status numeric_width_bucket(ARGS)
{
    UNUSED;
    return qn_numeric_width_bucket(args[0].num, args[1].num, args[2].num, args[3].i32, call->arena,
                                   &result->i32, call->err);
}

/* ---- casts --------------------------------------------------------------------------------- */

#define FROM_INT(name, member)                                                                     \
    static qn_status name(ARGS)                                                                    \
    {                                                                                              \
        UNUSED;                                                                                    \
        return qn_numeric_from_i64(args[0].member, &result->num);                                  \
    }
FROM_INT(int2_numeric, i16)
FROM_INT(int4_numeric, i32)
FROM_INT(int8_numeric, i64)

static qn_status float4_numeric(ARGS)
{
    UNUSED;
    return qn_numeric_from_f32(args[0].f32, call->arena, &result->num, call->err);
}

static qn_status float8_numeric(ARGS)
{
    UNUSED;
    return qn_numeric_from_f64(args[0].f64, call->arena, &result->num, call->err);
}

#define TO_INT(name, member, ctype, lo, hi, type)                                                  \
    static qn_status name(ARGS)                                                                    \
    {                                                                                              \
        UNUSED;                                                                                    \
        int64_t   v = 0;                                                                           \
        qn_status st = qn_numeric_to_integer(args[0].num, lo, hi, type, &v, call->err);            \
        result->member = (ctype)v;                                                                 \
        return st;                                                                                 \
    }
TO_INT(numeric_int2, i16, int16_t, INT16_MIN, INT16_MAX, "smallint")
TO_INT(numeric_int4, i32, int32_t, INT32_MIN, INT32_MAX, "integer")
TO_INT(numeric_int8, i64, int64_t, INT64_MIN, INT64_MAX, "bigint")

/* A finite value that becomes infinite, or zero though it is not. */
static bool left_range(qn_numeric v, double converted)
{
    return finite_numeric(v) && (isinf(converted) || (converted == 0 && qn_numeric_sign(v) != 0));
}

static qn_status float_range(qn_call *call, qn_numeric v, const char *type)
{
    qn_buf text;
    qn_buf_init(&text, call->arena->mem);
    qn_numeric_print(v, &text);
    qn_status st = qn_buf_ok(&text)
                       ? qn_fail(call->err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE,
                                 "\"%.900s\" is out of range for type %s", text.data, type)
                       : qn_nomem(call->err);
    qn_buf_deinit(&text);
    return st;
}

static qn_status numeric_float4(ARGS)
{
    UNUSED;
    result->f32 = qn_numeric_to_f32(args[0].num);
    if (left_range(args[0].num, (double)result->f32))
        return float_range(call, args[0].num, "real");
    return QN_OK;
}

static qn_status numeric_float8(ARGS)
{
    UNUSED;
    result->f64 = qn_numeric_to_f64(args[0].num);
    if (left_range(args[0].num, result->f64))
        return float_range(call, args[0].num, "double precision");
    return QN_OK;
}

/* ---- tables -------------------------------------------------------------------------------- */

#define T(name) QN_TYPE_##name
#define N T(NUMERIC)
#define PUB QN_FN_STRICT
#define PUBF (QN_FN_STRICT | QN_FN_CANFAIL)
#define HID (QN_FN_STRICT | QN_FN_HIDDEN)
#define HIDF (HID | QN_FN_CANFAIL)
#define IMM QN_IMMUTABLE

#define OPERATION(f, op) {#f, N, 2, {N, N}, HIDF, IMM, op, f, "numeric|operator"}
#define COMPARE(f, op) {#f, T(BOOLEAN), 2, {N, N}, HID, IMM, op, f, "numeric|comparison"}
#define F1(name, flags, f, doc) {name, N, 1, {N}, flags, IMM, 0, f, "numeric|" doc}
#define F2(name, f, doc) {name, N, 2, {N, N}, PUBF, IMM, 0, f, "numeric|" doc}
#define CAST(name, from, to, flags, f)                                                             \
    {name, T(to), 1, {T(from)}, flags, IMM, 0, f, "numeric|conversion to another number type"}

static const qn_function functions[] = {
    OPERATION(numeric_add, OP_ADD),
    OPERATION(numeric_sub, OP_SUB),
    OPERATION(numeric_mul, OP_MUL),
    OPERATION(numeric_div, OP_DIV),
    OPERATION(numeric_mod, OP_MOD),
    OPERATION(numeric_power, 0),
    COMPARE(numeric_eq, OP_EQ),
    COMPARE(numeric_ne, OP_NE),
    COMPARE(numeric_lt, OP_LT),
    COMPARE(numeric_le, OP_LE),
    COMPARE(numeric_gt, OP_GT),
    COMPARE(numeric_ge, OP_GE),
    {"numeric_uminus", N, 1, {N}, HID, IMM, OP_NEG, numeric_uminus, "numeric|operator"},
    {"numeric_uplus", N, 1, {N}, HID, IMM, 0, numeric_uplus, "numeric|operator"},
    {"numeric_abs", N, 1, {N}, HID, IMM, OP_ABS, numeric_abs, "numeric|operator"},
    {"abs", N, 1, {N}, PUB, IMM, OP_ABS, numeric_abs, "numeric|absolute value"},
    {"mod", N, 2, {N, N}, PUBF, IMM, OP_MOD, numeric_mod, "numeric|remainder of the division"},
    F2("div", numeric_div_trunc, "integer quotient, truncated towards zero"),
    F2("power", numeric_power, "a to the power of b"),
    F2("pow", numeric_power, "a to the power of b"),
    F2("log", numeric_log, "logarithm of b to base a"),
    F2("gcd", numeric_gcd, "greatest common divisor"),
    F2("lcm", numeric_lcm, "least common multiple"),
    F1("sign", PUB, numeric_sign, "-1, 0 or 1"),
    F1("ceil", PUBF, numeric_ceil, "nearest integer not below"),
    F1("ceiling", PUBF, numeric_ceil, "nearest integer not below"),
    F1("floor", PUBF, numeric_floor, "nearest integer not above"),
    F1("round", PUBF, numeric_round0, "nearest integer, ties away from zero"),
    F1("trunc", PUBF, numeric_trunc0, "integer part"),
    F1("sqrt", PUBF, numeric_sqrt, "square root"),
    F1("exp", PUBF, numeric_exp, "e to the given power"),
    F1("ln", PUBF, numeric_ln, "natural logarithm"),
    F1("log", PUBF, numeric_log10, "base 10 logarithm"),
    F1("log10", PUBF, numeric_log10, "base 10 logarithm"),
    F1("trim_scale", PUB, numeric_trim_scale, "value without trailing zeros after the point"),
    {"round", N, 2, {N, T(INTEGER)}, PUBF, IMM, 0, numeric_round,
     "numeric|rounded to so many digits after the point, ties away from zero"},
    {"trunc", N, 2, {N, T(INTEGER)}, PUBF, IMM, 0, numeric_trunc,
     "numeric|truncated to so many digits after the point"},
    {"scale", T(INTEGER), 1, {N}, PUB, IMM, 0, numeric_scale, "numeric|digits after the point"},
    {"min_scale", T(INTEGER), 1, {N}, PUB, IMM, 0, numeric_min_scale,
     "numeric|digits after the point that the value needs"},
    {"factorial", N, 1, {T(BIGINT)}, PUBF, IMM, 0, numeric_factorial, "numeric|product of 1 to n"},
    {"width_bucket", T(INTEGER), 4, {N, N, N, T(INTEGER)}, PUBF, IMM, 0, numeric_width_bucket,
     "numeric|number of the equal-width bucket a value falls in"},
    CAST("numeric", SMALLINT, NUMERIC, PUB | QN_FN_ONE_FORM, int2_numeric),
    CAST("numeric", INTEGER, NUMERIC, PUB | QN_FN_ONE_FORM, int4_numeric),
    CAST("numeric", BIGINT, NUMERIC, PUB | QN_FN_ONE_FORM, int8_numeric),
    CAST("numeric", REAL, NUMERIC, PUB, float4_numeric),
    CAST("numeric", DOUBLE, NUMERIC, PUB, float8_numeric),
    CAST("int2", NUMERIC, SMALLINT, PUBF, numeric_int2),
    CAST("int4", NUMERIC, INTEGER, PUBF, numeric_int4),
    CAST("int8", NUMERIC, BIGINT, PUBF, numeric_int8),
    CAST("float4", NUMERIC, REAL, PUBF, numeric_float4),
    CAST("float8", NUMERIC, DOUBLE, PUBF, numeric_float8),
};

static const qn_operator operators[] = {
    {"+", N, N, "numeric_add"},   {"-", N, N, "numeric_sub"},
    {"*", N, N, "numeric_mul"},   {"/", N, N, "numeric_div"},
    {"%", N, N, "numeric_mod"},   {"^", N, N, "numeric_power"},
    {"=", N, N, "numeric_eq"},    {"<>", N, N, "numeric_ne"},
    {"<", N, N, "numeric_lt"},    {"<=", N, N, "numeric_le"},
    {">", N, N, "numeric_gt"},    {">=", N, N, "numeric_ge"},
    {"-", T(UNKNOWN), N, "numeric_uminus"}, {"+", T(UNKNOWN), N, "numeric_uplus"},
    {"@", T(UNKNOWN), N, "numeric_abs"},
};

static const qn_cast casts[] = {
    {T(SMALLINT), N, QN_CAST_IMPLICIT, "numeric"},  {T(INTEGER), N, QN_CAST_IMPLICIT, "numeric"},
    {T(BIGINT), N, QN_CAST_IMPLICIT, "numeric"},    {T(REAL), N, QN_CAST_ASSIGNMENT, "numeric"},
    {T(DOUBLE), N, QN_CAST_ASSIGNMENT, "numeric"},  {N, T(SMALLINT), QN_CAST_ASSIGNMENT, "int2"},
    {N, T(INTEGER), QN_CAST_ASSIGNMENT, "int4"},    {N, T(BIGINT), QN_CAST_ASSIGNMENT, "int8"},
    {N, T(REAL), QN_CAST_IMPLICIT, "float4"},       {N, T(DOUBLE), QN_CAST_IMPLICIT, "float8"},
};

const qn_function_list qn_fn_numeric = {.functions = functions, .count = QN_COUNTOF(functions)};
const qn_operator_list qn_op_numeric = {operators, QN_COUNTOF(operators)};
const qn_cast_list     qn_cast_numeric = {casts, QN_COUNTOF(casts)};
