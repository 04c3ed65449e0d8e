/* Comparison of booleans, and the casts between boolean, integer and text.
 *
 * AND, OR, NOT, IS TRUE and the like are not functions: they look at NULL in ways of their own and
 * are expression nodes. */
#include "base/assert.h"
#include "catalog/function.h"

#define ARGS qn_call *call, const qn_datum *args, const bool *nulls, qn_datum *result, bool *null
#define UNUSED ((void)call, (void)args, (void)nulls, (void)null)

enum { OP_EQ = 0x30, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE };

#define COMPARISON(name, operator)                                                                 \
    static qn_status name(ARGS)                                                                    \
    {                                                                                              \
        UNUSED;                                                                                    \
        result->b = (int)args[0].b operator (int)args[1].b;                                        \
        return QN_OK;                                                                              \
    }
COMPARISON(booleq, ==)
COMPARISON(boolne, !=)
COMPARISON(boollt, <)
COMPARISON(boolle, <=)
COMPARISON(boolgt, >)
COMPARISON(boolge, >=)

static qn_status bool_int4(ARGS)
{
    UNUSED;
    result->i32 = args[0].b;
    return QN_OK;
}

static qn_status int4_bool(ARGS)
{
    UNUSED;
    result->b = args[0].i32 != 0;
    return QN_OK;
}

/* The cast says "true" where output says "t", as the SQL standard has it. */
static qn_status booltext(ARGS)
{
    UNUSED;
    result->str = qn_str_lit(args[0].b ? "true" : "false");
    return QN_OK;
}

#define T(name) QN_TYPE_##name
#define PUB QN_FN_STRICT
#define HID (QN_FN_STRICT | QN_FN_HIDDEN)
#define COMPARE(f, op)                                                                             \
    {#f, T(BOOLEAN), 2, {T(BOOLEAN), T(BOOLEAN)}, PUB, QN_IMMUTABLE, op, f, "core|comparison, as the operator"}
#define CAST(name, from, to, flags, f)                                                             \
    {name, T(to), 1, {T(from)}, flags, QN_IMMUTABLE, 0, f, "core|conversion of boolean"}

static const qn_function functions[] = {
    COMPARE(booleq, OP_EQ),
    COMPARE(boolne, OP_NE),
    COMPARE(boollt, OP_LT),
    COMPARE(boolle, OP_LE),
    COMPARE(boolgt, OP_GT),
    COMPARE(boolge, OP_GE),
    CAST("int4", BOOLEAN, INTEGER, PUB, bool_int4),
    CAST("bool", INTEGER, BOOLEAN, PUB, int4_bool),
    CAST("text", BOOLEAN, TEXT, PUB, booltext),
    CAST("varchar", BOOLEAN, VARCHAR, HID, booltext),
    CAST("bpchar", BOOLEAN, CHAR, HID, booltext),
};

static const qn_operator operators[] = {
    {"=", T(BOOLEAN), T(BOOLEAN), "booleq"}, {"<>", T(BOOLEAN), T(BOOLEAN), "boolne"},
    {"<", T(BOOLEAN), T(BOOLEAN), "boollt"}, {"<=", T(BOOLEAN), T(BOOLEAN), "boolle"},
    {">", T(BOOLEAN), T(BOOLEAN), "boolgt"}, {">=", T(BOOLEAN), T(BOOLEAN), "boolge"},
};

static const qn_cast casts[] = {
    {T(BOOLEAN), T(INTEGER), QN_CAST_EXPLICIT, "int4"},
    {T(INTEGER), T(BOOLEAN), QN_CAST_EXPLICIT, "bool"},
    {T(BOOLEAN), T(TEXT), QN_CAST_ASSIGNMENT, "text"},
    {T(BOOLEAN), T(VARCHAR), QN_CAST_ASSIGNMENT, "varchar"},
    {T(BOOLEAN), T(CHAR), QN_CAST_ASSIGNMENT, "bpchar"},
};

const qn_function_list qn_fn_core = {.functions = functions, .count = QN_COUNTOF(functions)};
const qn_operator_list qn_op_core = {operators, QN_COUNTOF(operators)};
const qn_cast_list     qn_cast_core = {casts, QN_COUNTOF(casts)};
