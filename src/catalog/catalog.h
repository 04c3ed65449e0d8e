/* The catalog: tables, their columns and their blocks, as one immutable snapshot.
 *
 * A snapshot is what a statement reads: it is built once, shared by reference and never changed.  Writers
 * build the next one (store/table).  Names are stored folded as PostgreSQL folds them (lower case unless
 * quoted) and compare bytewise. */
#ifndef QN_CATALOG_CATALOG_H
#define QN_CATALOG_CATALOG_H

#include "base/env.h"
#include "type/type.h"

struct qn_block;

typedef struct qn_column {
    const char *name;
    qn_type     type;
    bool        not_null;
    const char *default_sql; /* the expression's text, or NULL */
} qn_column;

typedef struct qn_block_entry {
    uint64_t         number; /* never reused within a database */
    uint32_t         rows;
    uint64_t         bytes;
    uint64_t         content_hash;
    uint64_t         first_row; /* row id of its first row: rows of a table are numbered in block order */
    struct qn_block *block;     /* opened by the store when the snapshot is made; never NULL */
} qn_block_entry;

typedef struct qn_table {
    uint64_t            id; /* never reused */
    const char         *name;
    uint32_t            column_count;
    const qn_column    *columns;
    uint32_t            block_count;
    const qn_block_entry *blocks;
    uint64_t            rows;
} qn_table;

typedef struct qn_snapshot {
    _Atomic uint32_t refs;
    uint64_t         version;        /* of contents: grows with every commit */
    uint64_t         schema_version; /* grows when a table is created or dropped */
    uint32_t         table_count;
    const qn_table  *tables; /* sorted by name */
    qn_arena         arena;  /* owns everything above; block references are dropped with it */
} qn_snapshot;

const qn_table *qn_catalog_table(const qn_snapshot *snapshot, const char *name);
const qn_table *qn_catalog_table_by_id(const qn_snapshot *snapshot, uint64_t id);
int             qn_catalog_column(const qn_table *table, const char *name); /* index or -1 */

#endif
