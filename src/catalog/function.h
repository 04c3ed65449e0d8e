/* Functions, operators, casts and aggregates: the tables that binding, bytecode and docs/sql.md share.
 *
 * A scalar function is one C function over single values; the VM calls it per distinct value where it
 * can, so even a slow one is rarely called per row.  Functions with an opcode (`op`) are turned into
 * vector instructions instead.  Families of functions live in type/fn_*.c, each exporting one array;
 * catalog/function.c joins them.  A function's id is its index in the joined table. */
#ifndef QN_CATALOG_FUNCTION_H
#define QN_CATALOG_FUNCTION_H

#include "base/env.h"
#include "type/type.h"

#define QN_FN_MAX_ARGS 8

/* What a call may use besides its arguments. */
typedef struct qn_call {
    qn_env                 *env;
    qn_arena               *arena; /* where results that are not inline live; reset per batch by the VM */
    const qn_text_settings *set;
    qn_random              *random;       /* random(), setseed() */
    void                  **cache;        /* one slot per call site, NULL at first: compiled regex, zone…
                                           * allocate from cache_arena; lives as long as the program runs */
    qn_arena               *cache_arena;
    int                     argc;         /* for variadic functions */
    const uint8_t          *arg_types;    /* qn_sql_type of each argument: concat(), greatest() … */
    qn_error               *err;
} qn_call;

/* Arguments that are NULL have nulls[i] set; a STRICT function is never called with a NULL argument.
 * Set *null for a NULL result.  Errors by qn_fail(call->err, …). */
typedef qn_status (*qn_scalar_fn)(qn_call *call, const qn_datum *args, const bool *nulls,
                                  qn_datum *result, bool *null);

typedef enum qn_volatility { QN_IMMUTABLE, QN_STABLE, QN_VOLATILE } qn_volatility;

enum {
    QN_FN_STRICT   = 1, /* NULL in, NULL out */
    QN_FN_VARIADIC = 2, /* the last argument type repeats (any number of times, also none for concat) */
    QN_FN_CANFAIL  = 4, /* may raise an error for some non-NULL argument */
    QN_FN_ANY      = 8, /* argument types written QN_TYPE_UNKNOWN accept any type (see arg_types) */
    QN_FN_HIDDEN   = 16, /* implements an operator or a cast: not callable by name */
    QN_FN_ONE_FORM = 32  /* equal results have one stored form as long as all arguments but the last are the same:
                          * numerics of one scale, doubles without -0 */
};

typedef struct qn_function {
    const char   *name;
    uint8_t       result;                 /* qn_sql_type */
    uint8_t       argc;
    uint8_t       args[QN_FN_MAX_ARGS];   /* qn_sql_type */
    uint8_t       flags;
    uint8_t       volatility;
    uint8_t       op;                     /* opcode of the stack form in 20–4F, 0: none (see code/ops.h) */
    qn_scalar_fn  fn;                     /* NULL only with an opcode */
    const char   *doc;                    /* one line for docs/sql.md: "chapter|meaning" */
} qn_function;

/* One call over many values: arguments and result are arrays of their types' banks.  NULLs do not reach it. */
typedef struct qn_lanes {
    const void *const *args;
    const bool        *constant; /* argument i is args[i][0] in every lane */
    const uint16_t    *lanes;    /* the lanes to compute, ascending; NULL: 0 … count-1 */
    uint32_t           count;    /* at least 1 */
    void              *result;
    uint64_t          *nulls;    /* clear at first: a bit per lane whose result is NULL */
} qn_lanes;
/* Text results may be views of the arguments' text, unlike those of scalar functions.
 * Computes every lane as the scalar function would, the lowest lane's error first; or leaves *done false and the
 * lanes to the scalar function, when these arguments are not what it is made for. */
typedef qn_status (*qn_lanes_fn)(qn_call *call, const qn_lanes *lanes, bool *done);

/* The faster form of strict functions whose first argument usually is a constant: it is looked at once. */
typedef struct qn_lanes_form {
    qn_scalar_fn of;
    qn_lanes_fn  fn;
} qn_lanes_form;

typedef struct qn_function_list {
    const qn_function   *functions;
    size_t               count;
    const qn_lanes_form *lanes;
    size_t               lanes_count;
} qn_function_list;

/* Operators by name and argument types (left UNKNOWN for prefix operators), as pg_operator.
 * `function` names the implementing function of exactly these argument types. */
typedef struct qn_operator {
    const char *name;
    uint8_t     left, right;
    const char *function;
} qn_operator;
typedef struct qn_operator_list {
    const qn_operator *operators;
    size_t             count;
} qn_operator_list;

typedef enum qn_cast_context { QN_CAST_IMPLICIT, QN_CAST_ASSIGNMENT, QN_CAST_EXPLICIT } qn_cast_context;
/* function NULL: binary coercible (varchar → text).  Casts to and from text through I/O exist for every
 * pair without an entry (explicit; to text also assignment), as in PostgreSQL. */
typedef struct qn_cast {
    uint8_t     from, to;
    uint8_t     context; /* the least demanding context it is allowed in */
    const char *function;
} qn_cast;
typedef struct qn_cast_list {
    const qn_cast *casts;
    size_t         count;
} qn_cast_list;

/* Families.  Math covers integers, floats, boolean and numeric; each also lists its operators and casts. */
extern const qn_function_list qn_fn_core, qn_fn_math, qn_fn_numeric, qn_fn_string, qn_fn_regex,
    qn_fn_datetime, qn_fn_format, qn_fn_system;
extern const qn_operator_list qn_op_core, qn_op_math, qn_op_numeric, qn_op_string, qn_op_datetime;
extern const qn_cast_list qn_cast_core, qn_cast_math, qn_cast_numeric, qn_cast_string, qn_cast_datetime;

size_t             qn_function_count(void);
const qn_function *qn_function_by_id(uint32_t id);
/* Its form over many lanes, or NULL. */
qn_lanes_fn        qn_function_lanes(uint32_t id);
/* Id of the function with this name and exactly these argument types, or -1. */
int  qn_function_exact(const char *name, int argc, const uint8_t *args);
/* Ids of all functions with a name: *first, *count index qn_function_named_id(). Also used by docs. */
void qn_function_named(const char *name, const uint16_t **ids, size_t *count);
size_t             qn_operator_count(void);
const qn_operator *qn_operator_at(size_t i);
void qn_operator_named(const char *name, const uint16_t **indexes, size_t *count);
/* The cast entry, or NULL. */
const qn_cast *qn_cast_find(qn_sql_type from, qn_sql_type to);
size_t             qn_cast_count(void);
const qn_cast     *qn_cast_at(size_t i);

/* ---- aggregates ---------------------------------------------------------------------------- */

typedef enum qn_agg_kind {
    QN_AGG_COUNT_STAR, QN_AGG_COUNT, QN_AGG_SUM, QN_AGG_AVG, QN_AGG_MIN, QN_AGG_MAX,
    QN_AGG_STDDEV_POP, QN_AGG_STDDEV_SAMP, QN_AGG_VAR_POP, QN_AGG_VAR_SAMP,
    QN_AGG_BOOL_AND, QN_AGG_BOOL_OR, QN_AGG_BIT_AND, QN_AGG_BIT_OR, QN_AGG_BIT_XOR,
    QN_AGG_ANY_VALUE, QN_AGG_STRING_AGG,
    QN_AGG_CORR, QN_AGG_COVAR_POP, QN_AGG_COVAR_SAMP, QN_AGG_REGR_COUNT, QN_AGG_REGR_SLOPE,
    QN_AGG_REGR_INTERCEPT, QN_AGG_REGR_R2, QN_AGG_REGR_AVGX, QN_AGG_REGR_AVGY, QN_AGG_REGR_SXX,
    QN_AGG_REGR_SYY, QN_AGG_REGR_SXY,
    QN_AGG_KIND_COUNT
} qn_agg_kind;

typedef struct qn_aggregate {
    const char *name;
    uint8_t     kind;   /* qn_agg_kind */
    uint8_t     argc;
    uint8_t     args[2];
    uint8_t     result; /* UNKNOWN: as the argument (min, max) */
    const char *doc;
} qn_aggregate;
size_t              qn_aggregate_count(void);
const qn_aggregate *qn_aggregate_by_id(uint32_t id);

#endif
