/* The table of aggregates, with PostgreSQL's result types: sums widen, averages of integers are
 * numeric.
 *
 * How an aggregate is computed is decided by its kind and argument type, elsewhere. */
#include "base/assert.h"
#include "catalog/function.h"

#define T(name) QN_TYPE_##name
#define A1(name, kind, arg, result, doc)                                                           \
    {name, QN_AGG_##kind, 1, {T(arg)}, T(result), "aggregates|" doc}

#define SAME(name, kind, type, doc) A1(name, kind, type, type, doc)
#define ORDERED(name, kind, doc)                                                                   \
    SAME(name, kind, SMALLINT, doc), SAME(name, kind, INTEGER, doc), SAME(name, kind, BIGINT, doc), \
        SAME(name, kind, REAL, doc), SAME(name, kind, DOUBLE, doc), SAME(name, kind, NUMERIC, doc), \
        SAME(name, kind, TEXT, doc), SAME(name, kind, CHAR, doc), SAME(name, kind, DATE, doc),     \
        SAME(name, kind, TIME, doc), SAME(name, kind, TIMESTAMP, doc),                             \
        SAME(name, kind, TIMESTAMPTZ, doc), SAME(name, kind, INTERVAL, doc)
#define SPREAD(name, kind, doc)                                                                    \
    A1(name, kind, SMALLINT, NUMERIC, doc), A1(name, kind, INTEGER, NUMERIC, doc),                 \
        A1(name, kind, BIGINT, NUMERIC, doc), A1(name, kind, NUMERIC, NUMERIC, doc),               \
        A1(name, kind, REAL, DOUBLE, doc), A1(name, kind, DOUBLE, DOUBLE, doc)
#define BITS(name, kind, doc)                                                                      \
    SAME(name, kind, SMALLINT, doc), SAME(name, kind, INTEGER, doc), SAME(name, kind, BIGINT, doc)
#define PAIR(name, kind, result, doc)                                                              \
    {name, QN_AGG_##kind, 2, {T(DOUBLE), T(DOUBLE)}, T(result), "aggregates|" doc}

static const qn_aggregate aggregates[] = {
    {"count", QN_AGG_COUNT_STAR, 0, {0}, T(BIGINT), "aggregates|number of rows"},
    A1("count", COUNT, UNKNOWN, BIGINT, "number of values that are not NULL"),
    A1("sum", SUM, SMALLINT, BIGINT, "sum"),
    A1("sum", SUM, INTEGER, BIGINT, "sum"),
    A1("sum", SUM, BIGINT, NUMERIC, "sum"),
    A1("sum", SUM, NUMERIC, NUMERIC, "sum"),
    A1("sum", SUM, REAL, REAL, "sum"),
    A1("sum", SUM, DOUBLE, DOUBLE, "sum"),
    A1("sum", SUM, INTERVAL, INTERVAL, "sum"),
    A1("avg", AVG, SMALLINT, NUMERIC, "arithmetic mean"),
    A1("avg", AVG, INTEGER, NUMERIC, "arithmetic mean"),
    A1("avg", AVG, BIGINT, NUMERIC, "arithmetic mean"),
    A1("avg", AVG, NUMERIC, NUMERIC, "arithmetic mean"),
    A1("avg", AVG, REAL, DOUBLE, "arithmetic mean"),
    A1("avg", AVG, DOUBLE, DOUBLE, "arithmetic mean"),
    A1("avg", AVG, INTERVAL, INTERVAL, "arithmetic mean"),
    ORDERED("min", MIN, "smallest value"),
    ORDERED("max", MAX, "largest value"),
    SPREAD("stddev_pop", STDDEV_POP, "population standard deviation"),
    SPREAD("stddev_samp", STDDEV_SAMP, "sample standard deviation"),
    SPREAD("stddev", STDDEV_SAMP, "sample standard deviation"),
    SPREAD("var_pop", VAR_POP, "population variance"),
    SPREAD("var_samp", VAR_SAMP, "sample variance"),
    SPREAD("variance", VAR_SAMP, "sample variance"),
    SAME("bool_and", BOOL_AND, BOOLEAN, "whether all values are true"),
    SAME("every", BOOL_AND, BOOLEAN, "whether all values are true"),
    SAME("bool_or", BOOL_OR, BOOLEAN, "whether any value is true"),
    BITS("bit_and", BIT_AND, "bits set in all values"),
    BITS("bit_or", BIT_OR, "bits set in any value"),
    BITS("bit_xor", BIT_XOR, "bits set in an odd number of values"),
    {"string_agg", QN_AGG_STRING_AGG, 2, {T(TEXT), T(TEXT)}, T(TEXT),
     "aggregates|values joined by a delimiter"},
    PAIR("corr", CORR, DOUBLE, "correlation coefficient"),
    PAIR("covar_pop", COVAR_POP, DOUBLE, "population covariance"),
    PAIR("covar_samp", COVAR_SAMP, DOUBLE, "sample covariance"),
    PAIR("regr_count", REGR_COUNT, BIGINT, "number of rows where neither is NULL"),
    PAIR("regr_slope", REGR_SLOPE, DOUBLE, "slope of the least-squares line"),
    PAIR("regr_intercept", REGR_INTERCEPT, DOUBLE, "intercept of the least-squares line"),
    PAIR("regr_r2", REGR_R2, DOUBLE, "square of the correlation coefficient"),
    PAIR("regr_avgx", REGR_AVGX, DOUBLE, "mean of the second argument"),
    PAIR("regr_avgy", REGR_AVGY, DOUBLE, "mean of the first argument"),
    PAIR("regr_sxx", REGR_SXX, DOUBLE, "sum of squares of the second argument about its mean"),
    PAIR("regr_syy", REGR_SYY, DOUBLE, "sum of squares of the first argument about its mean"),
    PAIR("regr_sxy", REGR_SXY, DOUBLE, "sum of products about the means"),
};

size_t qn_aggregate_count(void) { return QN_COUNTOF(aggregates); }

const qn_aggregate *qn_aggregate_by_id(uint32_t id)
{
    return id < QN_COUNTOF(aggregates) ? &aggregates[id] : NULL;
}
