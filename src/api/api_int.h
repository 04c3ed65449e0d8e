/* The inside of the C API, shared by the files of api/.
 *
 *   qn_database    environment, store, scheduler; shared by connections
 *   qn_connection  settings, named prepared statements, callbacks; one thread at a time
 *   unit           a bound and compiled statement with the snapshot it was bound in; shared by the statement
 *                  that made it and the results that still read from it
 *   qn_result      rows of an execution, or rows made here (EXPLAIN, SHOW), read in chunks */
#ifndef QN_API_API_INT_H
#define QN_API_API_INT_H

#include "api/calibration.h"
#include "base/thread.h"
#include "code/cache.h"
#include "code/program.h"
#include "store/table/store.h"
#include "vm/vm.h"

struct qn_database {
    qn_mem    mem;
    qn_env    env;
    qn_store *store;
    qn_sched *sched;
    qn_code_cache *cache;
    qn_vfs   *file_vfs; /* for COPY: real files also when the database is in memory */
    qn_vfs   *temp_vfs; /* for memory that executions may not have */
    char      temp_folder[512];
    _Atomic uint64_t temp_limit_bytes; /* of one execution; 0: none */
    qn_latch  latch;    /* guards the field below, which connections copy */
    qn_calibration calibration;
};

/* Session settings: name, default, what it means.  SET and SHOW know exactly these. */
#define QN_SETTINGS(X)                                                                              \
    X(THREADS, "quern.threads", "workers of a statement; 0: all")                                   \
    X(DISPATCH, "quern.dispatch", "dispatch table: bare, trace, profile, validate")                 \
    X(GROUP_MODE, "quern.group_mode", "grouping mode: auto, or one of EXPLAIN's names where it applies") \
    X(OPTIMIZER, "quern.optimizer", "rewrites and per-value evaluation; off only to compare answers") \
    X(ISA, "quern.isa", "instruction set of the kernels: auto, base, avx2, avx512")                 \
    X(TEXT_CODEC, "quern.text_codec", "how text of new blocks is compressed: lz4, lz4hc, zstd")     \
    X(MEMORY_LIMIT, "quern.memory_limit", "bytes a database may use; 0: no limit")                  \
    X(CALIBRATION, "quern.calibration", "when and where the constants of quern_costs were measured; read-only") \
    X(TEMP_LIMIT, "quern.temp_limit", "bytes of disk a statement may use beside its memory; 0: no limit") \
    X(TIME_ZONE, "timezone", "time zone of timestamptz text")                                       \
    X(EXTRA_FLOAT_DIGITS, "extra_float_digits", "digits of real and double precision text")         \
    X(DATE_STYLE, "datestyle", "always ISO, MDY")                                                   \
    X(INTERVAL_STYLE, "intervalstyle", "always postgres")                                           \
    X(CLIENT_ENCODING, "client_encoding", "always UTF8")                                            \
    X(SERVER_ENCODING, "server_encoding", "always UTF8")                                            \
    X(SERVER_VERSION, "server_version", "the PostgreSQL version whose dialect is spoken")           \
    X(STANDARD_STRINGS, "standard_conforming_strings", "always on")                                 \
    X(SEARCH_PATH, "search_path", "always public")                                                  \
    X(APPLICATION_NAME, "application_name", "free text")
typedef enum qn_setting {
#define X(id, name, meaning) QN_SETTING_##id,
    QN_SETTINGS(X)
#undef X
    QN_SETTING_COUNT
} qn_setting;

typedef struct session {
    int              threads;
    qn_dispatch_mode dispatch;
    qn_group_mode    group_mode;
    qn_text_codec    text_codec;
    bool             optimizer;
    qn_text_settings text;
    char             zone_name[64];
    char             isa[16];
    char             application_name[64];
} session;

typedef struct unit {
    _Atomic uint32_t refs;
    qn_database     *db;
    qn_arena         arena;
    char            *sql;       /* the statement's own text; error positions count in it */
    size_t           sql_bytes;
    qn_snapshot     *snapshot;  /* it was bound in */
    qn_bound        *bound;
    qn_plan         *plan;      /* NULL for statements that run no program */
    const qn_program *program;
    struct unit     *owner;     /* a cached unit whose program this one shares with other constants, or NULL */
    qn_code_hit      hit;       /* with owner: how places in its text map to ours */
} unit;

typedef struct prepared { /* PREPARE name AS … */
    struct prepared *next;
    char            *name;
    unit            *unit;
} prepared;

struct qn_connection {
    qn_database   *db;
    session        session;
    qn_calibration calibration; /* as it was when the connection was made, or made by it */
    bool           complained;  /* that the directory's is not used */
    qn_random      random;
    _Atomic bool   cancel;
    prepared      *prepared;
    qn_progress_fn progress;
    void          *progress_arg;
    const char    *phase;
    qn_copy_read_fn  copy_read;
    qn_copy_write_fn copy_write;
    void            *copy_arg;
    qn_notice_fn     notice;
    void            *notice_arg;
};

struct qn_statement {
    qn_connection *conn;
    qn_database   *db; /* a statement may be finalized after its connection is gone */
    unit          *unit;
    uint32_t       param_count;
    qn_arena       arena; /* bound values */
    qn_datum      *values;
    bool          *nulls;
    char         **texts; /* not NULL: parse when run */
    size_t        *text_bytes, *text_capacity;
};

struct qn_chunk {
    qn_result *result;
    uint32_t   rows;
    void     **values;
    uint64_t **nulls;
    qn_arena   arena;
};

struct qn_result {
    qn_connection *conn;
    qn_database   *db;
    char           command[64];
    uint32_t       columns;
    const qn_type *types;
    const char   **names;
    unit          *unit;
    qn_exec       *exec;
    qn_rows       *rows;      /* the execution's, or own_rows */
    qn_rows       *own_rows;
    qn_snapshot   *snapshot;
    uint64_t       row_count;
    uint64_t       cursor;
    qn_chunk       chunk;
    bool           text_failed; /* memory was refused to qn_chunk_text, which cannot say so */
    qn_arena       arena;
    qn_text_settings text;
};

/* unit.c */
qn_status unit_cache_new(qn_database *db, qn_error *err);
/* An error's place in the statement's own text, also when the program was compiled from another. */
void      unit_locate(const unit *u, qn_error *err);
qn_status unit_compile(qn_connection *conn, const char *sql, size_t bytes, uint32_t param_count, const qn_type *param_types,
                       unit **out, size_t *consumed, qn_error *err);
void      unit_ref(unit *u);
void      unit_unref(unit *u);
/* Call fn where there is room to walk the unit's expressions, which nest as deep as its text is long. */
qn_status unit_on_stack(const unit *u, void (*fn)(void *), void *arg, qn_error *err);
/* Plan and generate code for a select of the unit (INSERT wraps its own). */
qn_status unit_program(qn_connection *conn, unit *u, const qn_select *select, qn_error *err);
qn_plan_settings plan_settings(const qn_connection *conn);
/* files.c */
qn_status open_files(void *db, const qn_file_call *call, qn_arena *arena, qn_relation *rel, qn_error *err);
/* *current: all files in FROM are what they were when the statement was bound. */
qn_status files_current(const qn_database *db, const qn_bound *bound, bool *current, qn_error *err);
/* run.c */
/* Keep the unit that made r, which may be *u compiled again for another schema. */
void      unit_renew(unit **u, const qn_result *r);
void      session_tick(qn_connection *conn); /* now() moves on */
qn_status statement_run(qn_connection *conn, unit *u, const qn_datum *params, const bool *param_nulls, qn_result **out, qn_error *err);
qn_status execute_program(qn_connection *conn, unit *u, const qn_snapshot *snapshot, qn_dispatch_mode mode,
                          const qn_datum *params, const bool *nulls, qn_exec **exec, qn_error *err);
void      notice(qn_connection *conn, const char *severity, qn_sqlstate state, const char *format, ...) QN_PRINTF(4, 5);
/* utility.c: statements that run no plan of their own */
qn_status run_create_table(qn_connection *conn, unit *u, qn_result *r, qn_error *err);
qn_status run_drop_table(qn_connection *conn, unit *u, qn_result *r, qn_error *err);
qn_status run_insert(qn_connection *conn, unit *u, const qn_datum *params, const bool *nulls, qn_result *r, qn_error *err);
qn_status run_create_table_as(qn_connection *conn, unit *u, const qn_datum *params, const bool *nulls, qn_result *r, qn_error *err);
qn_status run_copy_from(qn_connection *conn, unit *u, qn_result *r, qn_error *err);
qn_status run_copy_to(qn_connection *conn, unit *u, qn_result *r, qn_error *err);
/* explain.c */
qn_status run_explain(qn_connection *conn, unit *u, const qn_datum *params, const bool *nulls, qn_result *r, qn_error *err);
/* settings.c */
void      session_init(session *s);
qn_status setting_set(qn_connection *conn, const char *name, const char *value, qn_error *err); /* value NULL: default */
qn_status setting_show(qn_connection *conn, const char *name, qn_buf *out, qn_error *err);
const char *setting_name(int i);
const char *setting_meaning(int i);
/* system.c */
typedef struct system_context {
    qn_connection     *conn;
    const qn_snapshot *snapshot;
} system_context;
qn_status system_rows(void *arg, const qn_relation *relation, qn_rows *rows, qn_error *err);
/* calibrate.c */
qn_status calibrate(qn_connection *conn, qn_error *err);
/* result.c */
qn_status result_new(qn_connection *conn, qn_result **out, qn_error *err);
/* Rows of text made here: columns first, then rows. */
qn_status result_text_columns(qn_result *r, uint32_t count, const char *const *names, qn_error *err);
qn_status rows_add_datums(qn_rows *rows, const qn_datum *values, const bool *nulls, qn_error *err);
qn_status rows_close(qn_rows *rows, qn_error *err); /* after the last rows_add_datums */
qn_status result_text_row(qn_result *r, const char *const *texts, qn_error *err);
qn_status result_text_lines(qn_result *r, const char *title, const qn_buf *text, qn_error *err);

#endif
