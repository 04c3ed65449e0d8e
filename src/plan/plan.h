/* Logical and physical plans.
 *
 * A statement's SELECT becomes a list of pipelines, run in order.  A pipeline reads a source, filters,
 * computes and feeds a sink; a sink that other pipelines read is a breaker.
 *
 *   source   one row · table rows · rows of files · table column as (value, count) · series · VALUES ·
 *            groups of an earlier aggregation · rows of an earlier buffer · catalog rows
 *   sink     aggregation (group table) · ordered output (sort, top-N, or source order) into a buffer
 *
 * Expressions are the binder's (sql/bound.h).  Their leaves are relative to the source: QN_EXPR_COLUMN is a
 * source column, and over groups QN_EXPR_KEY i and QN_EXPR_AGG i are columns i and key_count + i. */
#ifndef QN_PLAN_PLAN_H
#define QN_PLAN_PLAN_H

#include "plan/cost.h"
#include "sql/bound.h"

/* How an aggregation over a table is carried out; the ladder of design.md section 5. */
#define QN_GROUP_MODES(X)                                                                           \
    X(AUTO, "auto", "chosen by cost")                                                               \
    X(METADATA, "metadata", "values and counts of each column, no row is read")                     \
    X(DICTIONARY, "dictionary", "filter and group on one column, counts summed per value")          \
    X(VALUE_LIST, "value_list", "distinct values of one key with their counts, hashed")             \
    X(THRESHOLD, "threshold", "only values frequent enough in some block to be among the first")     \
    X(LIST_MERGE, "list_merge", "sorted value lists of all blocks united, for count(DISTINCT)")       \
    X(CODE_ARRAY, "code_array", "accumulators indexed by the block's codes")                        \
    X(PARTITION, "partition", "packed keys scattered into hash partitions, each folded inside the cache")    \
    X(HASH, "hash", "hash table per worker, spilled into partitions, partitions merged")
typedef enum qn_group_mode {
#define X(name, text, meaning) QN_GROUP_##name,
    QN_GROUP_MODES(X)
#undef X
    QN_GROUP_MODE_COUNT
} qn_group_mode;
const char *qn_group_mode_name(qn_group_mode mode);

#define QN_NO_COLUMN UINT32_MAX

typedef enum qn_source_kind {
    QN_SOURCE_ROW,     /* one row without columns */
    QN_SOURCE_TABLE,   /* rows of a table */
    QN_SOURCE_VALUES,  /* distinct values of one table column, weighted by their counts */
    QN_SOURCE_LIST,    /* VALUES lists: rows of constants */
    QN_SOURCE_FUNCTION,/* table functions */
    QN_SOURCE_GROUPS,  /* groups of the aggregation that pipeline `input` fed */
    QN_SOURCE_BUFFER,  /* rows that pipeline `input` put out */
    QN_SOURCE_FILE     /* rows of files that are not loaded */
} qn_source_kind;

typedef struct qn_source {
    uint8_t            kind;
    const qn_table    *table;   /* TABLE, VALUES: as bound; executions look table_id up in their snapshot */
    uint64_t           table_id;
    uint32_t           column;  /* VALUES; QN_NO_COLUMN: one lane a block, weighted by its rows */
    bool               extremes;/* VALUES: only smallest and largest value are needed */
    const qn_relation *relation;/* LIST, FUNCTION, FILE */
    uint32_t           input;   /* GROUPS, BUFFER: pipeline number */
    uint32_t           column_count;
    const qn_type     *column_types;
    const char *const *column_names;
    uint32_t           read_count; /* FILE: columns that the pipeline looks at, ascending */
    const uint32_t    *read;
} qn_source;

typedef struct qn_aggregation {
    uint32_t      key_count;
    qn_expr     **keys;
    uint32_t      agg_count;
    qn_agg_call  *aggs;
    bool          first_row;  /* each group notes its lowest row id: LIMIT without ORDER BY, coarse keys */
    bool          top;        /* the reader wants the largest counts of a walk over values: LIST_TOP */
    bool          fixed;      /* LIMIT without ORDER BY, nothing can fail: GROUP_FIXED */
    bool          packs;      /* keys and states are likely to fit a few words: GROUP_FOLD (vm/packed.c) */
    qn_group_mode mode;
    double        cost_ns;    /* estimate for the mode chosen */
    double        groups;     /* estimate */
} qn_aggregation;

typedef struct qn_output {
    uint32_t           target_count, visible_count;
    const qn_target   *targets;
    uint32_t           sort_count;
    const qn_sort_key *sort;
    const qn_expr     *limit, *offset; /* NULL: none */
    uint32_t           distinct_on;
} qn_output;

typedef struct qn_pipeline {
    uint32_t        number;
    qn_source       source;
    uint32_t        filter_count;
    qn_expr       **filters;      /* conjuncts, cheapest first */
    bool            to_groups;    /* sink: aggregation, else output */
    qn_aggregation *aggregation;  /* shared by the pipelines that feed it (metadata mode) */
    uint32_t        group_owner;  /* number of the first pipeline that feeds it */
    uint32_t        agg_mask_count; /* metadata mode: which aggregates this pipeline feeds; 0: all */
    const uint32_t *agg_mask;
    bool            list_distinct; /* values source: its one aggregate is count(DISTINCT column): LIST_DISTINCT */
    qn_output       output;
    double          rows;         /* estimate of source rows (or values) */
} qn_pipeline;

typedef struct qn_plan {
    uint32_t     pipeline_count;
    qn_pipeline *pipelines;   /* the last one's output is the statement's result */
    uint32_t     param_count;
    const qn_type *param_types;
    uint64_t     schema_version;
} qn_plan;

typedef struct qn_plan_settings {
    qn_group_mode group_mode; /* AUTO, or forced where it applies */
    bool          optimise;   /* quern.optimizer: rewrites and cost choices; off for differential tests */
    int           threads;
    const qn_cost_constants *costs; /* of this machine; NULL: qn_cost_defaults */
} qn_plan_settings;

/* Statement to plan; all memory from arena.  The plan refers to tables of the snapshot that was bound. */
qn_status qn_plan_select(const qn_bound *bound, const qn_select *select, const qn_plan_settings *settings,
                         qn_arena *arena, qn_plan **plan, qn_error *err);

/* The same node with other children, for rewrites. */
qn_expr *qn_expr_copy(qn_arena *arena, const qn_expr *expr);
bool     qn_plan_expr_equal(const qn_expr *a, const qn_expr *b);
bool     qn_expr_is_constant(const qn_expr *expr); /* no columns, keys, aggregates, volatile functions */
bool     qn_expr_is_volatile(const qn_expr *expr);
/* Constant in every execution: what PostgreSQL computes before it runs a query. */
bool     qn_expr_is_immutable(const qn_expr *expr);
bool     qn_expr_can_fail(const qn_expr *expr);
/* The only column that expr refers to, or -1 when it refers to none, -2 to several (or keys). */
int      qn_expr_single_column(const qn_expr *expr);

/* The table column whose order decides which rows a pipeline's output keeps under LIMIT, when dropping the others
 * unseen goes unnoticed: all that is computed of them is sure to work. */
bool     qn_plan_top_column(const qn_pipeline *pl, uint32_t *column);

void qn_plan_print_logical(const qn_bound *bound, const qn_select *select, qn_buf *buf);
void qn_plan_print(const qn_plan *plan, bool costs, qn_buf *buf);
void qn_plan_print_json(const qn_plan *plan, qn_buf *buf);

#endif
