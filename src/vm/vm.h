/* The virtual machine: runs a verified program over a snapshot on the workers of a scheduler.
 *
 * An execution owns a copy of the constants, one virtual machine per worker, the group tables and the output
 * rows of its pipelines.  Programs and snapshots are shared and never changed. */
#ifndef QN_VM_VM_H
#define QN_VM_VM_H

#include "catalog/catalog.h"
#include "code/program.h"
#include "os/vfs.h"
#include "vm/rows.h"
#include "vm/sched.h"

/* The dispatch tables; swapped whole at run time. */
#define QN_DISPATCH_MODES(X)                                                                        \
    X(BARE, "bare", "production")                                                                   \
    X(TRACE, "trace", "reports every dispatch as a notice")                                         \
    X(PROFILE, "profile", "counts calls, lanes and time of every instruction")                      \
    X(VALIDATE, "validate", "checks the machine's invariants around every instruction")
typedef enum qn_dispatch_mode {
#define X(name, text, meaning) QN_DISPATCH_##name,
    QN_DISPATCH_MODES(X)
#undef X
    QN_DISPATCH_COUNT
} qn_dispatch_mode;

typedef struct qn_profile_entry { /* one per instruction */
    uint64_t calls, lanes, bytes, ns; /* bytes of columns read by the threads that ran it */
} qn_profile_entry;

typedef struct qn_exec_settings {
    qn_dispatch_mode dispatch;
    int              threads;
    qn_group_mode    group_mode;
    qn_text_settings text;
    bool             force_codes_off; /* tests: never evaluate per distinct value (quern.optimizer = off) */
    _Atomic bool    *cancel;          /* or NULL */
    bool (*progress)(void *arg, double fraction);
    void            *progress_arg;
    void (*trace)(void *arg, const char *line); /* TRACE: called from the running thread, one line each */
    void            *trace_arg;
    struct qn_vfs   *file_vfs;        /* of files in FROM; NULL: there are none */
    qn_random       *random;          /* session's generator: random(), setseed() */
    /* System rows for table functions that the vm cannot make itself (settings): rows × columns of text. */
    qn_status (*system_rows)(void *arg, const qn_relation *relation, qn_rows *rows, qn_error *err);
    void            *system_rows_arg;
    qn_vfs          *temp_vfs;        /* where to spill: a folder, made when needed; NULL: nowhere */
    const char      *temp_folder;
    uint64_t         temp_limit_bytes; /* of an execution's temporary file; 0: none */
} qn_exec_settings;

typedef struct qn_exec qn_exec;

/* Run the program to its end; params may be NULL when it has none.  On success *exec holds the result rows until
 * qn_exec_free.  The snapshot must have the schema the program was compiled for and outlive the execution. */
qn_status qn_exec_run(qn_env *env, qn_sched *sched, const qn_program *program, const qn_snapshot *snapshot,
                      const qn_exec_settings *settings, const qn_datum *params, const bool *param_nulls,
                      qn_exec **exec, qn_error *err);
void      qn_exec_free(qn_exec *exec);

/* The output of the last pipeline. */
qn_rows *qn_exec_rows(qn_exec *exec);
/* PROFILE: code_count entries summed over workers; bytes of column data touched; else NULL. */
const qn_profile_entry *qn_exec_profile(const qn_exec *exec);
uint64_t                qn_exec_rows_of(const qn_exec *exec, uint32_t pipeline); /* rows or groups it put out */
const char             *qn_exec_mode_of(const qn_exec *exec, uint32_t pipeline); /* grouping mode really used */
uint64_t                qn_exec_ns_of(const qn_exec *exec, uint32_t pipeline);
uint64_t                qn_exec_bytes_of(const qn_exec *exec, uint32_t pipeline); /* of columns that it read, as stored */

#endif
