/* One writer's change, from its turn to the commit.
 *
 * Everything is prepared beside the current state: a list of new tables, dropped ids and added blocks.
 * Commit makes the next snapshot from them, which opens and checks the new block files, then publishes
 * the MANIFEST.  Whatever fails before the publishing step is undone by removing the files again.  When
 * the publishing step itself fails after its first sync, nobody can know which MANIFEST the disk will
 * show: all block files stay, and the store takes no more changes until it is opened again.
 *
 * Latch order: change, then store.  Neither is held across a call of the vfs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "store/table/store_int.h"

typedef struct new_table {
    struct new_table *next;
    qn_table          table;
    bool              dropped;
} new_table;

typedef struct added_block {
    uint64_t      table_id, number, sequence;
    uint64_t      call; /* in which order they were added */
    qn_block_info info;
} added_block;

struct qn_change {
    qn_store    *store;
    qn_snapshot *base;
    new_table   *tables;
    uint64_t    *dropped; /* ids of tables of base */
    size_t       dropped_count, dropped_room;
    bool         schema_changed;

    qn_latch     latch; /* guards all below, and the arena: workers add blocks side by side */
    qn_arena     arena;
    uint64_t    *numbers; /* given out by qn_change_block_path */
    size_t       number_count, number_room;
    added_block *blocks;
    size_t       block_count, block_room;
};

/* ---- turns ---------------------------------------------------------------------------------- */

static qn_status take_turn(qn_store *store, qn_snapshot **base, qn_error *err)
{
    qn_status st = QN_OK;
    *base        = NULL;
    qn_latch_take(&store->latch);
    while (store->writing && !store->poisoned)
        qn_cond_wait(&store->turn, &store->latch);
    if (store->poisoned) {
        st = qn_fail(err, QN_SQLSTATE_IO_ERROR, "database takes no more changes after a failed write: %s",
                     store->poison);
        qn_error_hint(err, "Close the database and open it again to find out what reached the disk.");
    } else {
        store->writing = true;
        *base          = store->current;
        atomic_fetch_add_explicit(&(*base)->refs, 1, memory_order_relaxed);
    }
    qn_latch_drop(&store->latch);
    return st;
}

static void end_turn(qn_store *store)
{
    qn_latch_take(&store->latch);
    store->writing = false;
    qn_cond_broadcast(&store->turn); /* not signal: after poisoning all must wake */
    qn_latch_drop(&store->latch);
}

static void poison(qn_store *store, const qn_error *why)
{
    qn_latch_take(&store->latch);
    store->poisoned = true;
    snprintf(store->poison, sizeof store->poison, "%.500s", why->message);
    qn_latch_drop(&store->latch);
}

qn_status qn_change_begin(qn_store *store, qn_change **change, const qn_snapshot **snapshot, qn_error *err)
{
    *change   = NULL;
    *snapshot = NULL;
    if (store->read_only)
        return qn_fail(err, QN_SQLSTATE_READ_ONLY_TRANSACTION, "database \"%s\" is open read-only",
                       store->name);
    qn_change *c = qn_alloc0(store->env.mem, sizeof *c);
    if (!c)
        return qn_nomem(err);
    qn_status st = take_turn(store, &c->base, err);
    if (st != QN_OK) {
        qn_free(store->env.mem, c, sizeof *c);
        return st;
    }
    c->store = store;
    qn_latch_init(&c->latch);
    qn_arena_init(&c->arena, store->env.mem);
    *change   = c;
    *snapshot = c->base;
    return QN_OK;
}

static void change_free(qn_change *change)
{
    qn_store *store = change->store;
    qn_snapshot_unref(change->base);
    qn_arena_deinit(&change->arena);
    qn_latch_deinit(&change->latch);
    qn_free(store->env.mem, change, sizeof *change);
    end_turn(store);
}

/* ---- tables --------------------------------------------------------------------------------- */

static bool is_dropped(const qn_change *change, uint64_t table_id)
{
    for (size_t i = 0; i < change->dropped_count; i++) {
        if (change->dropped[i] == table_id)
            return true;
    }
    return false;
}

static new_table *find_new(const qn_change *change, uint64_t table_id)
{
    new_table *t = change->tables;
    while (t && (t->dropped || t->table.id != table_id))
        t = t->next;
    return t;
}

static bool name_is_taken(const qn_change *change, const char *name)
{
    const qn_table *old = qn_catalog_table(change->base, name);
    if (old && !is_dropped(change, old->id))
        return true;
    for (const new_table *t = change->tables; t; t = t->next) {
        if (!t->dropped && strcmp(t->table.name, name) == 0)
            return true;
    }
    return false;
}

static bool table_exists(const qn_change *change, uint64_t table_id)
{
    return find_new(change, table_id) ||
           (qn_catalog_table_by_id(change->base, table_id) && !is_dropped(change, table_id));
}

/* Room for one more in an array of the arena; false when memory is refused. */
static bool arena_room(qn_arena *arena, void *array, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return true;
    void **p     = array;
    size_t wider = *room ? *room * 2 : 16;
    void  *q     = qn_arena_grow(arena, *p, count, wider, size);
    if (!q)
        return false;
    *p    = q;
    *room = wider;
    return true;
}

static qn_status check_columns(const qn_column *columns, uint32_t count, qn_error *err)
{
    if (count > QN_TABLE_COLUMNS)
        return qn_fail(err, QN_SQLSTATE_TOO_MANY_COLUMNS, "tables can have at most %d columns",
                       QN_TABLE_COLUMNS);
    for (uint32_t i = 0; i < count; i++) {
        QN_ASSERT(columns[i].type.id != QN_TYPE_UNKNOWN && columns[i].type.id < QN_TYPE_COUNT);
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(columns[i].name, columns[j].name) == 0)
                return qn_fail(err, QN_SQLSTATE_DUPLICATE_COLUMN, "column \"%s\" specified more than once",
                               columns[i].name);
        }
    }
    return QN_OK;
}

qn_status qn_change_create_table(qn_change *change, const char *name, const qn_column *columns,
                                 uint32_t column_count, uint64_t *table_id, qn_error *err)
{
    qn_store *store = change->store;
    if (name_is_taken(change, name))
        return qn_fail(err, QN_SQLSTATE_DUPLICATE_TABLE, "relation \"%s\" already exists", name);
    qn_status st = check_columns(columns, column_count, err);
    if (st != QN_OK)
        return st;
    qn_latch_take(&change->latch);
    qn_table   described = {.name = name, .columns = columns, .column_count = column_count};
    new_table *t         = qn_arena_new(&change->arena, new_table);
    st                   = t ? qn_snapshot_copy_table(&change->arena, &described, &t->table, err) : qn_nomem(err);
    if (st == QN_OK) {
        qn_latch_take(&store->latch);
        t->table.id = store->next_table++;
        qn_latch_drop(&store->latch);
        t->next                = change->tables;
        change->tables         = t;
        change->schema_changed = true;
        if (table_id)
            *table_id = t->table.id;
    }
    qn_latch_drop(&change->latch);
    return st;
}

qn_status qn_change_drop_table(qn_change *change, uint64_t table_id, qn_error *err)
{
    if (!table_exists(change, table_id))
        return qn_fail(err, QN_SQLSTATE_UNDEFINED_TABLE, "table with id %llu does not exist",
                       (unsigned long long)table_id);
    qn_status  st = QN_OK;
    new_table *t  = find_new(change, table_id);
    qn_latch_take(&change->latch);
    if (t) {
        t->dropped = true;
    } else if (arena_room(&change->arena, &change->dropped, &change->dropped_room, change->dropped_count,
                          sizeof *change->dropped)) {
        change->dropped[change->dropped_count++] = table_id;
        change->schema_changed                   = true;
    } else {
        st = qn_nomem(err);
    }
    qn_latch_drop(&change->latch);
    return st;
}

/* ---- blocks --------------------------------------------------------------------------------- */

qn_status qn_change_block_path(qn_change *change, uint64_t *number, char *path, size_t path_bytes,
                               qn_error *err)
{
    qn_store *store = change->store;
    qn_latch_take(&change->latch);
    bool room = arena_room(&change->arena, &change->numbers, &change->number_room, change->number_count,
                           sizeof *change->numbers);
    if (room) {
        qn_latch_take(&store->latch);
        *number = store->next_block++;
        qn_latch_drop(&store->latch);
        change->numbers[change->number_count++] = *number;
    }
    qn_latch_drop(&change->latch);
    return room ? qn_store_block_path(store, *number, path, path_bytes, err) : qn_nomem(err);
}

qn_status qn_change_add_block(qn_change *change, uint64_t table_id, uint64_t number, uint64_t sequence,
                              const qn_block_info *info, qn_error *err)
{
    qn_status st = QN_OK;
    QN_CHECK(info->rows > 0 && info->rows <= QN_BLOCK_ROWS);
    qn_latch_take(&change->latch);
    if (!table_exists(change, table_id))
        st = qn_fail(err, QN_SQLSTATE_UNDEFINED_TABLE, "table with id %llu does not exist",
                     (unsigned long long)table_id);
    else if (!arena_room(&change->arena, &change->blocks, &change->block_room, change->block_count,
                         sizeof *change->blocks))
        st = qn_nomem(err);
    if (st == QN_OK) {
        change->blocks[change->block_count] =
            (added_block){table_id, number, sequence, change->block_count, *info};
        change->block_count++;
    }
    qn_latch_drop(&change->latch);
    return st;
}

/* ---- the next snapshot ---------------------------------------------------------------------- */

static int compare_added(const void *a, const void *b)
{
    const added_block *x = a, *y = b;
    if (x->table_id != y->table_id)
        return x->table_id < y->table_id ? -1 : 1;
    if (x->sequence != y->sequence)
        return x->sequence < y->sequence ? -1 : 1;
    return (x->call > y->call) - (x->call < y->call);
}

/* Describe one table of the next state: blocks of the old one, if any, then the added ones. */
static qn_status next_table(qn_change *change, qn_snapshot *next, const qn_table *from, qn_table *to,
                            qn_error *err)
{
    qn_status st = qn_snapshot_copy_table(&next->arena, from, to, err);
    if (st != QN_OK)
        return st;
    size_t first = 0, added = 0;
    while (first < change->block_count && change->blocks[first].table_id != from->id)
        first++;
    while (first + added < change->block_count && change->blocks[first + added].table_id == from->id)
        added++;
    size_t count = from->block_count + added;
    if (count > UINT32_MAX)
        return qn_fail(err, QN_SQLSTATE_PROGRAM_LIMIT, "table \"%s\" has too many blocks", from->name);
    qn_block_entry *blocks = qn_arena_array(&next->arena, qn_block_entry, count);
    if (!blocks)
        return qn_nomem(err);
    for (uint32_t i = 0; i < from->block_count; i++) {
        blocks[i] = from->blocks[i];
        qn_block_ref(blocks[i].block);
    }
    for (size_t i = 0; i < added; i++) {
        const added_block *block      = &change->blocks[first + i];
        blocks[from->block_count + i] = (qn_block_entry){.number       = block->number,
                                                         .rows         = block->info.rows,
                                                         .bytes        = block->info.bytes,
                                                         .content_hash = block->info.content_hash};
    }
    to->blocks      = blocks;
    to->block_count = (uint32_t)count;
    return QN_OK;
}

static qn_status build_next(qn_change *change, qn_snapshot *next, qn_error *err)
{
    const qn_snapshot *base  = change->base;
    size_t             count = base->table_count;
    for (const new_table *t = change->tables; t; t = t->next)
        count += !t->dropped;
    qn_table *tables = qn_arena_array(&next->arena, qn_table, count);
    if (!tables)
        return qn_nomem(err);
    next->tables         = tables;
    next->version        = base->version + 1;
    next->schema_version = base->schema_version + change->schema_changed;
    if (change->block_count)
        qsort(change->blocks, change->block_count, sizeof *change->blocks, compare_added);
    /* table_count grows with what is complete, so that releasing a half-built snapshot is safe. */
    for (uint32_t i = 0; i < base->table_count; i++) {
        if (is_dropped(change, base->tables[i].id))
            continue;
        qn_status st = next_table(change, next, &base->tables[i], &tables[next->table_count], err);
        if (st != QN_OK)
            return st;
        next->table_count++;
    }
    for (const new_table *t = change->tables; t; t = t->next) {
        if (t->dropped)
            continue;
        qn_status st = next_table(change, next, &t->table, &tables[next->table_count], err);
        if (st != QN_OK)
            return st;
        next->table_count++;
    }
    return qn_snapshot_finish(change->store, next, err);
}

/* ---- files that are no longer, or never were, part of the database -------------------------- */

static void remove_block_file(qn_store *store, uint64_t number)
{
    char path[QN_STORE_PATH_BYTES];
    /* A file that stays is removed by the next writer that opens the database. */
    if (qn_store_block_path(store, number, path, sizeof path, NULL) == QN_OK)
        (void)!store->env.vfs->unlink(store->env.vfs, path, NULL);
}

static bool is_part_of(const qn_snapshot *snapshot, uint64_t number)
{
    for (uint32_t i = 0; i < snapshot->table_count; i++) {
        for (uint32_t j = snapshot->tables[i].block_count; j-- > 0;) {
            if (snapshot->tables[i].blocks[j].number == number)
                return true;
        }
    }
    return false;
}

/* After the commit point: blocks of dropped tables, and files written but not added. */
static void remove_leftovers(qn_change *change, const qn_snapshot *next)
{
    const qn_snapshot *base = change->base;
    for (uint32_t i = 0; i < base->table_count; i++) {
        if (!is_dropped(change, base->tables[i].id))
            continue;
        for (uint32_t j = 0; j < base->tables[i].block_count; j++)
            remove_block_file(change->store, base->tables[i].blocks[j].number);
    }
    if (change->number_count == change->block_count && !change->schema_changed)
        return; /* every file was added to a table that stands */
    for (size_t i = 0; i < change->number_count; i++) {
        if (!is_part_of(next, change->numbers[i]))
            remove_block_file(change->store, change->numbers[i]);
    }
}

/* ---- commit and abort ----------------------------------------------------------------------- */

/* Make `next` durable.  *unsure: the disk may show either state. */
static qn_status publish(qn_change *change, const qn_snapshot *next, bool *unsure, qn_error *err)
{
    qn_status st    = QN_OK;
    qn_store *store = change->store;
    qn_vfs   *vfs   = store->env.vfs;
    qn_error  why   = {0};
    qn_buf    text;
    char      folder[QN_STORE_PATH_BYTES];

    *unsure = false;
    if (store->memory)
        return QN_OK; /* nobody will ever read it */
    qn_buf_init(&text, store->env.mem);
    qn_latch_take(&store->latch);
    uint64_t next_table_id = store->next_table, next_block = store->next_block;
    qn_latch_drop(&store->latch);
    qn_manifest_encode(next, next_table_id, next_block, &text);
    if (!qn_buf_ok(&text)) {
        st = qn_nomem(err);
        goto done;
    }
    if (change->block_count) {
        snprintf(folder, sizeof folder, "%s/blocks", store->path);
        st = vfs->sync_dir(vfs, folder, &why);
        if (st != QN_OK)
            poison(store, &why); /* surely the old state, but this disk is not to be trusted */
    }
    if (st == QN_OK) {
        st = qn_vfs_publish_sure(vfs, store->path, QN_MANIFEST_NAME, text.data, text.bytes, unsure, &why);
        if (*unsure)
            poison(store, &why);
    }
    if (st != QN_OK && err && err->status == QN_OK)
        *err = why;
done:
    qn_buf_deinit(&text);
    return st;
}

qn_status qn_change_commit(qn_change *change, qn_error *err)
{
    qn_status    st     = QN_OK;
    qn_store    *store  = change->store;
    qn_snapshot *next   = NULL;
    bool         unsure = false;

    if (!change->schema_changed && change->block_count == 0) {
        qn_change_abort(change); /* nothing to make durable */
        return QN_OK;
    }
    QN_TRY(qn_snapshot_new(store, &next, err));
    QN_TRY(build_next(change, next, err));
    QN_TRY(publish(change, next, &unsure, err));

    qn_latch_take(&store->latch);
    qn_snapshot *old = store->current;
    store->current   = next;
    qn_latch_drop(&store->latch);
    remove_leftovers(change, next);
    qn_snapshot_unref(old);
    change_free(change);
    return QN_OK;
done:
    qn_snapshot_unref(next);
    if (unsure)
        change_free(change);
    else
        qn_change_abort(change);
    return st;
}

void qn_change_abort(qn_change *change)
{
    if (!change)
        return;
    for (size_t i = 0; i < change->number_count; i++)
        remove_block_file(change->store, change->numbers[i]);
    change_free(change);
}

qn_status qn_change_write_side(qn_change *change, const char *name, const void *data, size_t bytes, qn_error *err)
{
    return qn_vfs_publish(change->store->env.vfs, change->store->path, name, data, bytes, err);
}
