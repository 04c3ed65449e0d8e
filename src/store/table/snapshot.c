/* Building and releasing snapshots.
 *
 * A snapshot owns an arena with everything it describes and one reference to each of its blocks, and
 * holds its store alive: results may outlive qn_store_close. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "store/table/store_int.h"

static void let_go_of_store(void *store)
{
    qn_store_unref(store);
}

qn_status qn_snapshot_new(qn_store *store, qn_snapshot **snapshot, qn_error *err)
{
    qn_snapshot *s = qn_alloc0(store->env.mem, sizeof *s);
    *snapshot      = NULL;
    if (!s)
        return qn_nomem(err);
    atomic_init(&s->refs, 1);
    qn_arena_init(&s->arena, store->env.mem);
    qn_status st = qn_arena_defer(&s->arena, let_go_of_store, store, err);
    if (st != QN_OK) {
        qn_arena_deinit(&s->arena);
        qn_free(store->env.mem, s, sizeof *s);
        return st;
    }
    atomic_fetch_add_explicit(&store->refs, 1, memory_order_relaxed);
    *snapshot = s;
    return QN_OK;
}

void qn_snapshot_unref(qn_snapshot *snapshot)
{
    /* Release our reads of the snapshot before the last holder frees it. */
    if (!snapshot || atomic_fetch_sub_explicit(&snapshot->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < snapshot->table_count; i++) {
        const qn_table *table = &snapshot->tables[i];
        for (uint32_t j = 0; j < table->block_count; j++) {
            if (table->blocks[j].block)
                qn_block_unref(table->blocks[j].block);
        }
    }
    qn_mem *mem = snapshot->arena.mem;
    qn_arena_deinit(&snapshot->arena);
    qn_free(mem, snapshot, sizeof *snapshot);
}

qn_status qn_snapshot_copy_table(qn_arena *arena, const qn_table *from, qn_table *to, qn_error *err)
{
    qn_status  st = QN_OK;
    qn_column *columns;
    *to = (qn_table){.id = from->id, .column_count = from->column_count};
    QN_ALLOC(err, to->name = qn_arena_strdup(arena, from->name));
    QN_ALLOC(err, columns = qn_arena_array(arena, qn_column, from->column_count));
    for (uint32_t i = 0; i < from->column_count; i++) {
        columns[i] = from->columns[i];
        QN_ALLOC(err, columns[i].name = qn_arena_strdup(arena, from->columns[i].name));
        if (columns[i].default_sql)
            QN_ALLOC(err, columns[i].default_sql = qn_arena_strdup(arena, from->columns[i].default_sql));
    }
    to->columns = columns;
done:
    return st;
}

static int compare_tables(const void *a, const void *b)
{
    return strcmp(((const qn_table *)a)->name, ((const qn_table *)b)->name);
}

/* Programs are made for the table's types and read every block as such, so the two must agree. */
static bool fits_table(const qn_table *table, const qn_block_entry *entry)
{
    if (qn_block_rows(entry->block) != entry->rows || qn_block_columns(entry->block) != table->column_count)
        return false;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const qn_block_column *stored = qn_block_column_at(entry->block, i);
        if (stored->type.id != table->columns[i].type.id || (stored->null_count && table->columns[i].not_null))
            return false;
    }
    return true;
}

static qn_status open_block(qn_store *store, const qn_table *table, qn_block_entry *entry, qn_error *err)
{
    char      path[QN_STORE_PATH_BYTES];
    qn_status st = qn_store_block_path(store, entry->number, path, sizeof path, err);
    if (st == QN_OK)
        st = qn_block_open(&store->env, path, table->id, entry->number, entry->content_hash, &entry->block, err);
    if (st != QN_OK)
        entry->block = NULL;
    else if (!fits_table(table, entry))
        st = qn_corrupt(err, "block file \"%s\" does not have the rows and columns of table \"%s\"", path,
                        table->name);
    return st;
}

qn_status qn_snapshot_finish(qn_store *store, qn_snapshot *snapshot, qn_error *err)
{
    /* The arrays are const for readers only; here the snapshot is still ours alone. */
    qn_table *tables = (qn_table *)(uintptr_t)snapshot->tables;
    if (snapshot->table_count > 1)
        qsort(tables, snapshot->table_count, sizeof *tables, compare_tables);
    for (uint32_t i = 0; i < snapshot->table_count; i++) {
        qn_block_entry *blocks = (qn_block_entry *)(uintptr_t)tables[i].blocks;
        tables[i].rows         = 0;
        for (uint32_t j = 0; j < tables[i].block_count; j++) {
            blocks[j].first_row = tables[i].rows;
            tables[i].rows += blocks[j].rows;
            qn_status st = blocks[j].block ? QN_OK : open_block(store, &tables[i], &blocks[j], err);
            if (st != QN_OK)
                return st;
        }
    }
    return QN_OK;
}
