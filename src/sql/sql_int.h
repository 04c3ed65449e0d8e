/* What the files of sql/ share: the binder, scopes, and who calls whom.
 *
 *   scan.c      bytes -> tokens: statement ends, nesting bounds, source ranges
 *   parse.c     text -> libpg_query's tree in the statement arena
 *   types.c     type names, and the literals of the grammar
 *   resolve.c   PostgreSQL's chapter 10: which function, operator, cast
 *   expr*.c     expressions;  agg.c grouping;  from.c, file.c, select.c queries
 *   stmt.c, ddl.c, insert.c, copy.c   the other statements;  bind.c the doors
 *
 * Errors are sticky: a binding function returns NULL or false after setting binder->status, and its
 * caller returns at once.  Locations are byte offsets in binder->sql. */
#ifndef QN_SQL_SQL_INT_H
#define QN_SQL_SQL_INT_H

#include "base/assert.h"
#include "sql/bound.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <pg_query/pg_query.pb-c.h>
#pragma GCC diagnostic pop

#define QN_SQL_MAX_TOKENS     8000000u /* default of qn_bind_context.max_tokens */
#define QN_SQL_MAX_DEPTH      10000u   /* nesting of operators, parentheses, CASE … */
#define QN_SQL_INLINE_DEPTH   150u     /* deeper statements run on the big stack */
#define QN_SQL_STACK_BYTES    ((size_t)256 << 20)
#define QN_SQL_MAX_WEIGHT     4000000u /* nodes of one expression, shared ones counted each time */
#define QN_SQL_MAX_COLUMNS    1600u    /* of a table; PostgreSQL's limit */
#define QN_SQL_MAX_AGGREGATES 16384u
#define QN_SQL_MAX_TARGETS    1664u /* of a select list; PostgreSQL's limit */

/* ---- scan.c ---- */

typedef enum qn_token_kind {
    QN_TOKEN_END,
    QN_TOKEN_WORD,   /* keyword or plain identifier */
    QN_TOKEN_QUOTED, /* "identifier" */
    QN_TOKEN_STRING, /* any kind of string constant */
    QN_TOKEN_NUMBER,
    QN_TOKEN_PARAM,
    QN_TOKEN_OPERATOR, /* a run of operator characters, also :: and := */
    QN_TOKEN_PUNCT     /* one of ( ) [ ] , ; . : or a byte that fits nowhere */
} qn_token_kind;

typedef struct qn_token {
    qn_token_kind kind;
    size_t        start, end;
    bool          plain; /* STRING: '…' with no prefix letter, no escapes of E'' kind */
} qn_token;

/* The token at or after *pos; *pos moves behind it.  Unterminated ones reach to the end. */
qn_token qn_token_next(const char *sql, size_t bytes, size_t *pos);
bool     qn_token_is(const char *sql, qn_token token, const char *word); /* a WORD, any case */

/* Counts tokens and bounds the nesting depth of the parse tree from above. */
qn_status qn_sql_measure(const char *sql, size_t bytes, uint32_t max_tokens, qn_arena *arena,
                         uint32_t *tokens, uint32_t *depth, qn_error *err);

/* ---- the binder ---- */

typedef struct qn_cte {
    struct qn_cte *next;
    const char    *name;
    qn_select     *select;
    uint32_t       column_count;
    const char   **columns;
} qn_cte;

typedef struct qn_param_ref {
    struct qn_param_ref *next;
    qn_expr             *expr;
} qn_param_ref;

typedef struct qn_binder {
    const qn_bind_context *context;
    qn_arena              *arena;
    qn_error              *err;
    const char            *sql; /* the first statement, NUL-terminated copy in the arena */
    size_t                 sql_bytes;
    qn_status              status;
    uint32_t               depth;
    bool                   detached; /* binding stored text: nodes have no location, no literals */
    bool                   no_params;
    uint32_t               param_count, param_capacity;
    qn_type               *param_types;
    qn_param_ref          *param_refs;
    qn_cte                *ctes;
    qn_relation           *files; /* met so far */
} qn_binder;

/* Which clause an expression stands in: error texts, and what is allowed there. */
typedef enum qn_clause {
    QN_CLAUSE_SELECT,
    QN_CLAUSE_ORDER_BY,
    QN_CLAUSE_DISTINCT_ON,
    QN_CLAUSE_HAVING, /* up to here aggregates are allowed */
    QN_CLAUSE_WHERE,
    QN_CLAUSE_GROUP_BY,
    QN_CLAUSE_FILTER,
    QN_CLAUSE_LIMIT,
    QN_CLAUSE_OFFSET,
    QN_CLAUSE_VALUES,
    QN_CLAUSE_FROM_FUNCTION,
    QN_CLAUSE_DEFAULT,
    QN_CLAUSE_EXECUTE
} qn_clause;

typedef struct qn_scope {
    qn_select      *select; /* NULL: no columns and no aggregates */
    const qn_table *hidden; /* INSERT's table: known, but not to VALUES; for a hint */
    const char     *schema; /* of the relation, when it is a table without alias */
    qn_clause       clause;
    bool            in_aggregate;
    bool            keep_unknown; /* INSERT … SELECT leaves literals for the column types */
    bool            series; /* the relation was made from a set-returning function of the targets */
    int32_t         series_location;
} qn_scope;

#define QN_PG(kind) PG_QUERY__NODE__NODE_##kind
typedef PgQuery__Node qn_pg;

/* Record an error; an expression, so that `return QN_BIND_FAIL(…), NULL` reads well. */
#define QN_BIND_FAIL(b, state, location, ...)                                                      \
    ((b)->status =                                                                                 \
         qn_fail_at((b)->err, QN_SQLSTATE_##state, (b)->detached ? -1 : (location), __VA_ARGS__))

void *qn_bind_alloc(qn_binder *b, size_t bytes); /* cleared; NULL sets the status */
#define QN_BIND_NEW(b, type)          ((type *)qn_bind_alloc((b), sizeof(type)))
#define QN_BIND_ARRAY(b, type, count) ((type *)qn_bind_alloc((b), qn_mul(sizeof(type), (count))))
char *qn_bind_strdup(qn_binder *b, const char *s);
bool  qn_bind_enter(qn_binder *b, int32_t location); /* depth guard; pair with b->depth-- */
/* "… is not supported" (0A000). */
qn_status qn_bind_unsupported(qn_binder *b, int32_t location, const char *feature);

/* ---- parse.c, print_tree.c ---- */

/* Parse b->sql.  The tree lives in the arena. */
qn_status qn_sql_parse(qn_binder *b, PgQuery__ParseResult **tree);
void      qn_tree_print(const ProtobufCMessage *message, qn_buf *buf);

/* ---- types.c ---- */

bool        qn_bind_type_name(qn_binder *b, const PgQuery__TypeName *name, qn_type *type);
bool        qn_type_by_pg_name(const char *name, qn_sql_type *id);
const char *qn_pg_string(const qn_pg *node); /* of a String node, else "" */
/* Names joined with dots, in the arena. */
const char *qn_pg_names(qn_binder *b, qn_pg *const *names, size_t count);
qn_expr    *qn_bind_const(qn_binder *b, const PgQuery__AConst *c);

/* ---- resolve.c ---- */

qn_expr *qn_node(qn_binder *b, qn_expr_kind kind, qn_type type, uint32_t argc, qn_expr **args,
                 int32_t location);
qn_expr *qn_node1(qn_binder *b, qn_expr_kind kind, qn_type type, qn_expr *arg, int32_t location);
qn_expr *qn_node2(qn_binder *b, qn_expr_kind kind, qn_type type, qn_expr *left, qn_expr *right,
                  int32_t location);
qn_expr *qn_null_const(qn_binder *b, qn_type type);
qn_expr *qn_int_const(qn_binder *b, qn_sql_type id, int64_t value, int32_t location);
uint64_t qn_expr_weight(const qn_expr *e);
bool     qn_expr_equal(const qn_expr *a, const qn_expr *b);
bool     qn_expr_has_column(const qn_expr *e); /* also KEY and AGG */
bool     qn_expr_volatile(const qn_expr *e);

bool qn_can_coerce(qn_sql_type from, qn_sql_type to, qn_cast_context context);
/* The expression as `type`, or NULL with status OK when there is no such cast. */
qn_expr *qn_coerce(qn_binder *b, qn_expr *e, qn_type type, qn_cast_context context,
                   int32_t location);
qn_expr *qn_coerce_boolean(qn_binder *b, qn_expr *e, const char *construct);
qn_expr *qn_coerce_bigint(qn_binder *b, qn_expr *e, const char *construct);
qn_expr *qn_coerce_unknown_to_text(qn_binder *b, qn_expr *e);
/* PostgreSQL's select_common_type; context NULL: UNKNOWN instead of an error. */
bool     qn_common_type(qn_binder *b, qn_expr *const *exprs, size_t count, const char *context,
                        qn_type *type);
qn_expr *qn_coerce_common(qn_binder *b, qn_expr *e, qn_type type, const char *context);
/* left NULL: a prefix operator. */
qn_expr *qn_bind_operator(qn_binder *b, const char *name, qn_expr *left, qn_expr *right,
                          int32_t location);
qn_expr *qn_bind_call(qn_binder *b, const char *name, bool qualified, uint32_t argc, qn_expr **args,
                      int32_t location);
/* Which of `count` argument lists fits the arguments best; -1 none, -2 ambiguous. */
typedef struct qn_candidate {
    uint32_t       id;
    uint32_t       argc; /* declared */
    const uint8_t *args;
    bool           variadic;
} qn_candidate;
int qn_choose(qn_candidate *candidates, size_t count, uint32_t argc, const uint8_t *types);
/* "function … does not exist" or "… is not unique", with PostgreSQL's hint. */
qn_status qn_call_failed(qn_binder *b, const char *signature, bool ambiguous, int32_t location);
void      qn_signature(qn_binder *b, const char *name, bool qualified, uint32_t argc,
                       qn_expr *const *args, char *out, size_t bytes);

/* ---- expr.c, expr_special.c ---- */

qn_expr    *qn_bind_expr(qn_binder *b, qn_scope *s, const qn_pg *node);
qn_expr    *qn_bind_a_expr(qn_binder *b, qn_scope *s, const PgQuery__AExpr *x);
qn_expr    *qn_bind_func_call(qn_binder *b, qn_scope *s, const PgQuery__FuncCall *f);
qn_expr    *qn_bind_value_function(qn_binder *b, const PgQuery__SQLValueFunction *f);
qn_expr    *qn_bind_case(qn_binder *b, qn_scope *s, const PgQuery__CaseExpr *c);
qn_expr    *qn_bind_in(qn_binder *b, qn_scope *s, qn_pg *left, qn_pg *const *items, size_t count,
                       const char *op, bool all, bool array, int32_t location);
const char *qn_clause_name(qn_clause clause);
const char *qn_figure_name(const qn_pg *node);
int32_t     qn_pg_location(const qn_pg *node); /* leftmost, as exprLocation() of raw trees */
qn_expr *qn_bind_aggregate(qn_binder *b, qn_scope *s, const PgQuery__FuncCall *f, const char *name,
                           uint32_t argc, qn_expr **args);
bool     qn_is_aggregate(const char *name);
bool     qn_series_types(qn_binder *b, uint32_t argc, qn_expr **args, int32_t location,
                         qn_relation *rel);

/* ---- hint.c ---- */

/* The hint for a column that does not exist: names close to it. */
void qn_hint_column(qn_binder *b, const qn_relation *rel, const char *name);

/* ---- agg.c ---- */

bool qn_select_regroup(qn_binder *b, qn_select *select);

/* ---- from.c, select.c ---- */

bool            qn_bind_from(qn_binder *b, qn_scope *s, const PgQuery__SelectStmt *stmt);
qn_select      *qn_bind_select(qn_binder *b, const PgQuery__SelectStmt *stmt, bool keep_unknown);
qn_select      *qn_bind_query(qn_binder *b, const qn_pg *node, bool keep_unknown);
bool            qn_select_add_target(qn_binder *b, qn_select *select, qn_expr *e, const char *name,
                                     bool hidden);
const qn_table *qn_bind_table(qn_binder *b, const PgQuery__RangeVar *var, int32_t location);
qn_relation    *qn_relation_of_table(qn_binder *b, const qn_table *table, const char *alias);
qn_expr     *qn_bind_column(qn_binder *b, const qn_relation *rel, uint32_t index, int32_t location);
qn_relation *qn_bind_values_relation(qn_binder *b, const PgQuery__SelectStmt *stmt);
bool         qn_bind_with(qn_binder *b, const PgQuery__WithClause *with);

/* ---- file.c ---- */

bool         qn_is_file_function(const char *name);
qn_relation *qn_bind_file(qn_binder *b, qn_scope *s, const PgQuery__FuncCall *f, bool ordinality);

/* ---- statements ---- */

qn_bound *qn_bind_statement(qn_binder *b, const qn_pg *node, int32_t location);
bool      qn_bind_create_table(qn_binder *b, const PgQuery__CreateStmt *stmt, qn_bound *out);
bool      qn_bind_create_table_as(qn_binder *b, const qn_pg *query, const PgQuery__IntoClause *into,
                                  bool if_not_exists, qn_bound *out);
bool      qn_bind_drop(qn_binder *b, const PgQuery__DropStmt *stmt, qn_bound *out);
bool      qn_bind_insert(qn_binder *b, const PgQuery__InsertStmt *stmt, qn_bound *out);
bool      qn_bind_copy(qn_binder *b, const PgQuery__CopyStmt *stmt, qn_bound *out);
/* The default of a column as an expression of its type; a null constant when there is none. */
qn_expr *qn_bind_default(qn_binder *b, const qn_column *column);
bool     qn_bind_defelem_bool(qn_binder *b, const PgQuery__DefElem *def, bool *value);
/* The option's value as text; NULL when it has none. */
const char *qn_bind_defelem_text(qn_binder *b, const PgQuery__DefElem *def);
bool        qn_bind_relation_name(qn_binder *b, const PgQuery__RangeVar *var);
/* Assign an expression to a column with assignment rules; target: location for errors. */
qn_expr *qn_bind_assign(qn_binder *b, qn_expr *e, const qn_column *column, int32_t location);

#endif
