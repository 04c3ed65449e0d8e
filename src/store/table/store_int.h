/* What store.c, change.c, snapshot.c and manifest.c share. */
#ifndef QN_STORE_TABLE_STORE_INT_H
#define QN_STORE_TABLE_STORE_INT_H

#include "base/thread.h"
#include "store/table/store.h"

#define QN_STORE_PATH_BYTES 4096
#define QN_TABLE_COLUMNS 1600 /* PostgreSQL's limit */

struct qn_store {
    qn_env   env;       /* its vfs holds the files */
    qn_vfs  *memory;    /* owned when the database is in memory */
    char    *name; /* the path as it was given, for messages */
    char    *path; /* of the directory, from anywhere if that can be told */
    qn_file *lock_file; /* NULL: a read-only database without a LOCK file */
    bool     read_only;
    _Atomic uint32_t refs; /* the opener's, and one per snapshot: snapshots may outlive close */

    qn_latch     latch; /* guards all below; held for moments only */
    qn_cond      turn;  /* a writer finished */
    bool         writing;
    qn_snapshot *current;
    uint64_t     next_table, next_block;
    bool         poisoned; /* a sync failed: no more commits */
    char         poison[512];
};

void qn_store_unref(qn_store *store);
/* "<path>/blocks/NNNNNNNNNNNN.qnb"; 58030 when it does not fit. */
qn_status qn_store_block_path(const qn_store *store, uint64_t number, char *path, size_t path_bytes,
                              qn_error *err);

/* A snapshot while it is built: the counts and arrays of the public one, writable.  Blocks that are not
 * yet open are NULL until qn_snapshot_open_blocks. */
qn_status qn_snapshot_new(qn_store *store, qn_snapshot **snapshot, qn_error *err);
/* Copy a table's description into the arena; blocks and rows are left empty. */
qn_status qn_snapshot_copy_table(qn_arena *arena, const qn_table *from, qn_table *to, qn_error *err);
/* Sort tables by name, number rows, and open what is not open. */
qn_status qn_snapshot_finish(qn_store *store, qn_snapshot *snapshot, qn_error *err);

/* The MANIFEST; docs/format.md has its bytes.  Decoding checks everything that later code relies on and
 * fills snapshot (tables, versions) and the two counters. */
#define QN_MANIFEST_NAME "MANIFEST"
#define QN_MANIFEST_VERSION 1u
/* Ids and block numbers stay below: 18 digits, so that counting on from a hostile file never wraps around. */
#define QN_NUMBER_LIMIT UINT64_C(1000000000000000000)
void      qn_manifest_encode(const qn_snapshot *snapshot, uint64_t next_table, uint64_t next_block,
                             qn_buf *out);
qn_status qn_manifest_decode(const char *path, const void *data, size_t bytes, qn_snapshot *snapshot,
                             uint64_t *next_table, uint64_t *next_block, qn_error *err);

#endif
