/* What work costs on one core of this machine: the constants of the cost model.
 *
 * The defaults come from measurements on a machine of 2026 and are right in proportion, if not in height, on
 * others; `quern calibrate` measures the machine at hand and keeps its values in the database directory.  Only
 * proportions decide between modes, so a wrong constant costs time and never an answer.
 *
 * A new mode adds its constants here, with a default.  The calibration (api/calibrate.c) has one measurement per
 * constant; one that it does not know keeps its default. */
#ifndef QN_PLAN_COST_H
#define QN_PLAN_COST_H

#include "base/error.h"

/*    field          default  what one unit of it is */
#define QN_COST_CONSTANTS(X)                                                                                  \
    X(value_ns,          8.0, "one (value, count) pair of a column's distinct values decoded, hashed, merged") \
    X(threshold_value_ns, 1.5, "one value looked at, and nearly always left out, by threshold top-N")          \
    X(merge_value_ns,    4.0, "one value of a sorted list united with the other blocks' lists")                \
    X(code_row_ns,       2.0, "one row into an accumulator indexed by code")                                   \
    X(code_group_ns,    25.0, "one block-local group handed from accumulators to the group table")             \
    X(partition_row_ns, 12.0, "one row scattered into a hash partition and folded there")                      \
    X(hash_row_ns,      25.0, "one row through the hash table")

typedef struct qn_cost_constants {
#define X(field, value, meaning) double field;
    QN_COST_CONSTANTS(X)
#undef X
} qn_cost_constants;

extern const qn_cost_constants qn_cost_defaults;

enum {
#define X(field, value, meaning) QN_COST_##field,
    QN_COST_CONSTANTS(X)
#undef X
    QN_COST_COUNT
};

/* The constants by number, for reading and printing them all. */
const char   *qn_cost_name(int i);
const char   *qn_cost_meaning(int i);
double       *qn_cost_at(qn_cost_constants *constants, int i);
const double *qn_cost_get(const qn_cost_constants *constants, int i);

#endif
