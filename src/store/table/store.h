/* A database directory: its lock, its manifest, its block files; and the same in memory.
 *
 *   LOCK          held exclusively by the writing process, shared by read-only ones; dies with the process
 *   MANIFEST      the catalog and the list of blocks, checksummed; replaced by rename: the commit point
 *   CALIBRATION   what this machine costs (api/calibration.h); not needed
 *   blocks/       NNNNNNNNNNNN.qnb, one file per block, named by a number that is never reused
 *
 * A commit writes and syncs new block files, syncs the directory, then publishes a new MANIFEST.  A crash
 * before the rename leaves the old state and orphan files, which the next opening writer removes.  Replaced
 * blocks are unlinked after the rename; readers keep their mapping.  After a failed sync the store refuses
 * further commits and says why (reads go on): a retry could lie.
 *
 * Writers take turns (one qn_change at a time); snapshots are taken without waiting for them. */
#ifndef QN_STORE_TABLE_STORE_H
#define QN_STORE_TABLE_STORE_H

#include "catalog/catalog.h"
#include "os/vfs.h"
#include "store/block/block.h"

/* Beside them, while statements use it: files that hold what memory could not.  Nothing in it outlives its process. */
#define QN_STORE_TEMP_FOLDER "tmp"

typedef struct qn_store  qn_store;
typedef struct qn_change qn_change;

/* path NULL: in memory, over a memory vfs owned by the store (env->vfs is then not used). */
qn_status qn_store_open(qn_env *env, const char *path, bool read_only, bool must_exist, qn_store **store,
                        qn_error *err);
void      qn_store_close(qn_store *store);
const char *qn_store_path(const qn_store *store); /* of its directory, wherever the process stands now */
qn_env   *qn_store_env(qn_store *store); /* whose vfs holds the block files */

#define QN_CALIBRATION_NAME "CALIBRATION"
/* A small file beside the MANIFEST that no table depends on, such as CALIBRATION: all of it into memory of the store's
 * env (free *data with *bytes + 1; it is NUL-terminated), 58P01 when there is none. */
qn_status qn_store_read_side(qn_store *store, const char *name, void **data, size_t *bytes, qn_error *err);

/* The current state, one reference taken. */
qn_snapshot *qn_store_snapshot(qn_store *store);
void         qn_snapshot_unref(qn_snapshot *snapshot);

/* Wait for the writer's turn; *snapshot is the state the change starts from (borrowed). */
qn_status qn_change_begin(qn_store *store, qn_change **change, const qn_snapshot **snapshot, qn_error *err);
/* 42P07 when the name exists.  Columns are copied.  *table_id may be NULL. */
qn_status qn_change_create_table(qn_change *change, const char *name, const qn_column *columns,
                                 uint32_t column_count, uint64_t *table_id, qn_error *err);
qn_status qn_change_drop_table(qn_change *change, uint64_t table_id, qn_error *err);
/* A fresh block number and the path to write it to.  Thread-safe; files whose block is not added before
 * commit are removed. */
qn_status qn_change_block_path(qn_change *change, uint64_t *number, char *path, size_t path_bytes,
                               qn_error *err);
/* Append a written block to a table (blocks keep the order of `sequence`, then of calls).  Thread-safe. */
qn_status qn_change_add_block(qn_change *change, uint64_t table_id, uint64_t number, uint64_t sequence,
                              const qn_block_info *info, qn_error *err);
/* Durable when it returns QN_OK.  On failure the change is undone as by qn_change_abort. */
qn_status qn_change_commit(qn_change *change, qn_error *err);
void      qn_change_abort(qn_change *change); /* NULL is allowed */
/* Write a side file (qn_store_read_side) at once, whatever becomes of the change: the old one or the new one is there
 * afterwards, also after a crash. */
qn_status qn_change_write_side(qn_change *change, const char *name, const void *data, size_t bytes, qn_error *err);

#endif
