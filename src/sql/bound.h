/* The bound statement: what names, types and functions a SQL text means.
 *
 * sql/ turns PostgreSQL's parse tree into this one; plan/ reads nothing else.  Every node has its SQL
 * type; implicit casts are explicit calls; operators are function calls; `*` is expanded; GROUP BY and
 * ORDER BY positions and aliases are resolved.  Above an aggregation, expressions refer to QN_EXPR_KEY and
 * QN_EXPR_AGG, never to input columns.  All nodes live in the statement arena; nodes may be shared
 * (CASE built for NULLIF) and are not changed after binding.
 *
 * Locations are byte offsets in the SQL text, -1 when there is none. */
#ifndef QN_SQL_BOUND_H
#define QN_SQL_BOUND_H

#include "catalog/catalog.h"
#include "catalog/function.h"

typedef enum qn_expr_kind {
    QN_EXPR_CONST,    /* value or null.  When it stems from one literal token, unchanged but for parsing it
                       * as `type`, `literal` is true and location is the token's: the program cache may
                       * patch it.  Folded or negated constants have literal = false. */
    QN_EXPR_PARAM,    /* $n: index n-1 */
    QN_EXPR_COLUMN,   /* column `index` of the select's FROM relation */
    QN_EXPR_KEY,      /* grouping key `index` of this select */
    QN_EXPR_AGG,      /* aggregate `index` of this select */
    QN_EXPR_CALL,     /* function id `index` (catalog/function.h) of args; argument types match exactly */
    QN_EXPR_RELABEL,  /* args[0] seen as another type of the same bank (binary coercible) */
    QN_EXPR_IO_CAST,  /* args[0] through its text form: print as args[0]'s type, parse as `type` */
    QN_EXPR_LENGTH_CAST, /* apply type.typmod to args[0] (same type id): varchar(n), numeric(p,s), …;
                          * explicit = true truncates text silently as an explicit cast does */
    QN_EXPR_AND,      /* two or more args */
    QN_EXPR_OR,
    QN_EXPR_NOT,
    QN_EXPR_IS_NULL,
    QN_EXPR_IS_NOT_NULL,
    QN_EXPR_BOOL_TEST,/* index: a qn_bool_test */
    QN_EXPR_IS_DISTINCT, /* args[0] IS DISTINCT FROM args[1]; index: the equality function */
    QN_EXPR_CASE,     /* args: when, then, when, then, …, else; the whens are boolean; else always there */
    QN_EXPR_COALESCE,
    QN_EXPR_IN,       /* args[0] IN (args[1..]), all constants or params of args[0]'s type; index: the equality
                       * function.  NOT IN is NOT of it.  Other lists become OR of equalities. */
    QN_EXPR_GREATEST, /* all args of `type`; NULLs ignored */
    QN_EXPR_LEAST
} qn_expr_kind;

typedef enum qn_bool_test {
    QN_IS_TRUE, QN_IS_NOT_TRUE, QN_IS_FALSE, QN_IS_NOT_FALSE, QN_IS_UNKNOWN, QN_IS_NOT_UNKNOWN
} qn_bool_test;

typedef struct qn_expr qn_expr;
struct qn_expr {
    uint8_t   kind;
    bool      null;      /* CONST */
    bool      literal;   /* CONST */
    bool      explicit_; /* LENGTH_CAST */
    qn_type   type;
    uint32_t  index;
    uint32_t  argc;
    int32_t   location;
    qn_expr **args;
    qn_datum  value;     /* CONST */
};

typedef struct qn_agg_call {
    uint16_t  aggregate; /* id in the aggregate table */
    uint8_t   kind;      /* qn_agg_kind, copied */
    bool      distinct;
    uint32_t  argc;
    qn_expr  *args[2];   /* over the FROM relation's columns */
    qn_expr  *filter;    /* or NULL */
    qn_type   type;      /* of the result */
    int32_t   location;
} qn_agg_call;

typedef struct qn_select qn_select;

typedef enum qn_relation_kind {
    QN_REL_TABLE,    /* a catalog table */
    QN_REL_SUBQUERY, /* (SELECT …) AS alias, or an inlined WITH */
    QN_REL_FUNCTION, /* generate_series(…) and other table functions: see table_function */
    QN_REL_VALUES,   /* VALUES (…), (…): rows × columns expressions without columns */
    QN_REL_FILE      /* read_csv(…): files, read where they are */
} qn_relation_kind;

/* Functions that may stand in FROM.  Column names and types are set by the binder. */
typedef enum qn_table_function {
    QN_TF_SERIES_INT,       /* (start, stop, step) bigint; the one column is cast to integer when all were */
    QN_TF_SERIES_NUMERIC,   /* numeric */
    QN_TF_SERIES_TIMESTAMP, /* (timestamp, timestamp, interval) */
    QN_TF_SERIES_TIMESTAMPTZ,
    QN_TF_TABLES,           /* information_schema.tables */
    QN_TF_COLUMNS,          /* information_schema.columns */
    QN_TF_INSPECT,          /* quern_inspect(table): column, block, encoding, distinct, bytes … */
    QN_TF_SETTINGS,         /* pg_settings: name, setting, description */
    QN_TF_COSTS,            /* quern_costs: what the planner takes this machine for */
    QN_TF_CALIBRATE         /* quern_calibrate(): measure it, then the same rows */
} qn_table_function;

/* A file function as written. */
typedef struct qn_file_call {
    const char *function;
    const char *path; /* or a pattern */
    bool        parquet;
    bool        has_delimiter, has_quote, has_escape, has_header;
    char        delimiter, quote, escape; /* quote 0: none */
    bool        header;
    const char *null_text; /* NULL: not given */
    bool        all_text;
    uint64_t    sample_rows; /* 0: not given, UINT64_MAX: all */
} qn_file_call;

struct qn_files; /* load/files.h: what the path meant when it was bound */

typedef struct qn_relation {
    uint8_t         kind;
    uint8_t         table_function;
    const char     *alias;
    uint32_t        column_count;
    const char    **column_names;
    qn_type        *column_types;
    const qn_table *table;     /* TABLE: in the snapshot that the statement was bound with */
    qn_select      *subquery;  /* SUBQUERY */
    uint32_t        argc;      /* FUNCTION: constant or parameter expressions */
    qn_expr       **args;
    uint32_t        row_count; /* VALUES */
    qn_expr       **values;    /* row-major, each cast to its column's type */
    bool            ordinality;/* FUNCTION … WITH ORDINALITY: a last bigint column */
    const qn_file_call    *file;  /* FILE */
    const struct qn_files *files;
    uint32_t               file_count;
    double                 file_rows; /* about */
    struct qn_relation    *next_file; /* of the statement */
} qn_relation;

typedef struct qn_target {
    qn_expr    *expr;
    const char *name;
    bool        hidden; /* only for ORDER BY or DISTINCT ON; hidden ones come after all visible ones */
} qn_target;

typedef struct qn_sort_key {
    uint32_t target; /* index into targets */
    bool     descending;
    bool     nulls_first;
} qn_sort_key;

struct qn_select {
    qn_relation *from;        /* NULL: one row without columns */
    qn_expr     *where;       /* or NULL */
    bool         aggregated;  /* GROUP BY, HAVING or any aggregate: KEY/AGG above, COLUMN below */
    uint32_t     key_count;
    qn_expr    **keys;        /* over FROM columns; deduplicated */
    uint32_t     agg_count;
    qn_agg_call *aggs;        /* deduplicated */
    qn_expr     *having;
    uint32_t     target_count, visible_count;
    qn_target   *targets;
    bool         distinct;
    uint32_t     distinct_on; /* number of leading sort keys of DISTINCT ON, 0: none */
    uint32_t     sort_count;
    qn_sort_key *sort;
    qn_expr     *limit, *offset; /* bigint, over constants and parameters; NULL: none (also LIMIT ALL) */
    int32_t      limit_location, offset_location;
};

typedef enum qn_statement_kind {
    QN_STMT_SELECT,
    QN_STMT_INSERT,          /* table, column map, select (VALUES too) */
    QN_STMT_CREATE_TABLE,
    QN_STMT_CREATE_TABLE_AS,
    QN_STMT_DROP_TABLE,
    QN_STMT_COPY_FROM,
    QN_STMT_COPY_TO,
    QN_STMT_EXPLAIN,
    QN_STMT_SET,             /* name, value (NULL: DEFAULT) */
    QN_STMT_SHOW,            /* name, or "all" */
    QN_STMT_PREPARE,
    QN_STMT_EXECUTE,
    QN_STMT_DEALLOCATE,      /* name NULL: ALL */
    QN_STMT_CHECKPOINT       /* nothing to do yet: every commit is durable */
} qn_statement_kind;

typedef enum qn_copy_format { QN_COPY_TEXT, QN_COPY_CSV, QN_COPY_PARQUET } qn_copy_format;

typedef struct qn_copy_options {
    qn_copy_format format;
    char           delimiter, quote, escape;
    const char    *null_text;
    bool           header;          /* FROM: skip a line; TO: write names */
    bool           header_match;    /* HEADER MATCH: names must agree */
    const char    *path;            /* NULL: STDIN or STDOUT */
    bool           columns_listed;  /* COPY t (a, b) FROM */
    bool           force_quote_all; /* FORCE_QUOTE * */
    bool          *force_quote, *force_not_null, *force_null; /* per table column, or NULL */
} qn_copy_options;

typedef enum qn_explain_stage {
    QN_STAGE_PLAN, /* plain EXPLAIN: the physical plan */
    QN_STAGE_PARSE, QN_STAGE_LOGICAL, QN_STAGE_PHYSICAL, QN_STAGE_BYTECODE
} qn_explain_stage;

typedef struct qn_bound qn_bound;
struct qn_bound {
    qn_statement_kind kind;
    int32_t           location;     /* of the statement in the text */
    uint32_t          depth;        /* expressions nest at most so deep, subqueries apart */
    uint32_t          param_count;
    qn_type          *param_types;  /* inferred where not declared */

    qn_select        *select;       /* SELECT, INSERT, CREATE TABLE AS, COPY (query) TO, COPY table TO */

    const qn_table   *table;        /* INSERT, COPY FROM, DROP (first), COPY table TO */
    const qn_table  **tables;       /* DROP TABLE a, b */
    uint32_t          table_count;
    /* INSERT: for each table column an expression over the select's targets (QN_EXPR_COLUMN index =
     * target), a default or NULL constant, cast to the column's type with assignment rules. */
    qn_expr         **assignments;
    /* COPY FROM: table columns in file order; other columns take defaults[c]. */
    uint32_t         *copy_columns;
    uint32_t          copy_column_count;
    qn_expr         **defaults;     /* per table column, NULL: the null value */
    qn_copy_options   copy;

    const char       *name;         /* CREATE TABLE, SET, SHOW, PREPARE, EXECUTE, DEALLOCATE */
    bool              if_exists;    /* DROP IF EXISTS, CREATE IF NOT EXISTS */
    bool              exists;       /* CREATE … IF NOT EXISTS of a table that exists: only a notice */
    uint32_t          column_count; /* CREATE TABLE [AS] */
    qn_column        *columns;
    bool              with_data;    /* CREATE TABLE AS … WITH [NO] DATA */

    const char       *value;        /* SET */
    bool              value_default;/* SET … TO DEFAULT, RESET */

    qn_bound         *inner;        /* EXPLAIN: the statement */
    qn_explain_stage  stage;
    bool              analyze, verbose, costs, timing, format_json;
    char             *parse_text;   /* EXPLAIN (STAGE parse): the parse tree, printed */

    const char       *statement_sql;/* PREPARE: text of the statement after AS */
    qn_expr         **arguments;    /* EXECUTE: constant expressions */
    uint32_t          argument_count;
    qn_relation      *files;        /* all relations that are files, also in subqueries */
    const char      **missing_tables; /* DROP TABLE IF EXISTS: names that do not exist, for notices */
    uint32_t          missing_count;
};

/* What binding depends on besides the text. */
typedef struct qn_bind_context {
    qn_env                 *env;
    const qn_snapshot      *snapshot;
    const qn_text_settings *settings;
    /* Declared parameter types (PREPARE p(int, text)), UNKNOWN where not declared. */
    uint32_t                param_count;
    const qn_type          *param_types;
    /* Parameter types of a prepared statement, for EXECUTE; false: no such statement (26000). */
    bool (*prepared)(void *arg, const char *name, uint32_t *count, const qn_type **types);
    void                   *prepared_arg;
    uint32_t                max_tokens; /* 0: the default limit */
    /* Looks at the files of a call: fills columns, files, file_count and file_rows of the relation from arena.  NULL: files
     * are refused. */
    qn_status (*open_files)(void *arg, const qn_file_call *call, qn_arena *arena, qn_relation *relation, qn_error *err);
    void                   *open_files_arg;
} qn_bind_context;

/* Parse and bind the first statement of sql.  *bound is NULL when there is none.  *consumed is the number
 * of bytes up to and including its semicolon.  Runs on a big stack when the text is long or deep.
 * 42601 syntax errors carry their position; statements too deep or long are 54001. */
qn_status qn_sql_bind(const qn_bind_context *context, const char *sql, size_t bytes, qn_arena *arena,
                      qn_bound **bound, size_t *consumed, qn_error *err);
/* The same for one expression (column defaults), cast to `type` with assignment rules. */
qn_status qn_sql_bind_expr(const qn_bind_context *context, const char *sql, qn_type type, qn_arena *arena,
                           qn_expr **expr, qn_error *err);
/* Where the first statement of sql ends: bytes up to and including its semicolon (quotes, dollar quotes and
 * comments understood); `bytes` when there is no semicolon.  *blank: only spaces and comments. */
size_t qn_sql_statement_end(const char *sql, size_t bytes, bool *blank);

/* Printing, for EXPLAIN and error messages: expressions as SQL text. */
void qn_expr_print(const qn_expr *expr, const qn_select *select, qn_buf *buf);

#endif
