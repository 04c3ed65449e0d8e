/* Opening and closing a database directory.
 *
 * Order matters when opening to write: look before touching (a directory that is not ours stays as it
 * is), take the lock before believing what was seen, read the manifest, make sure that the disk has the
 * same one, and only then remove what a crash left behind.
 *
 * A directory counts as ours when it has a MANIFEST, or holds nothing but what an interrupted creation
 * leaves.  Block files without a MANIFEST are a damaged database and are refused: an empty database
 * must never be made over somebody's data. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "store/table/store_int.h"

#define LOCK_NAME "LOCK"
#define BLOCKS_NAME "blocks"
#define BLOCK_SUFFIX ".qnb"
#define MANIFEST_LIMIT ((uint64_t)1 << 32)
#define SIDE_LIMIT ((uint64_t)1 << 20)
#define MEMORY_PATH "memory"

/* ---- paths ---------------------------------------------------------------------------------- */

static qn_status path_of(const qn_store *store, const char *name, char path[QN_STORE_PATH_BYTES],
                         qn_error *err)
{
    int n = snprintf(path, QN_STORE_PATH_BYTES, "%s/%s", store->path, name);
    if (n < 0 || n >= QN_STORE_PATH_BYTES)
        return qn_fail(err, QN_SQLSTATE_IO_ERROR, "path \"%s/%s\" is too long", store->path, name);
    return QN_OK;
}

qn_status qn_store_block_path(const qn_store *store, uint64_t number, char *path, size_t path_bytes,
                              qn_error *err)
{
    int n = snprintf(path, path_bytes, "%s/" BLOCKS_NAME "/%012llu" BLOCK_SUFFIX, store->path,
                     (unsigned long long)number);
    if (n < 0 || (size_t)n >= path_bytes)
        return qn_fail(err, QN_SQLSTATE_IO_ERROR, "path of block %llu in \"%s\" is too long",
                       (unsigned long long)number, store->path);
    return QN_OK;
}

/* The number in a block file's name, or that of its temporary; false for any other name. */
static bool block_number(const char *name, uint64_t *number)
{
    size_t digits = strspn(name, "0123456789");
    if (digits < 12 || digits > 18)
        return false;
    const char *rest = name + digits;
    if (strncmp(rest, BLOCK_SUFFIX, strlen(BLOCK_SUFFIX)) != 0)
        return false;
    rest += strlen(BLOCK_SUFFIX);
    if (*rest && strcmp(rest, ".tmp") != 0)
        return false;
    *number = strtoull(name, NULL, 10);
    return true;
}

/* The directory a path lies in, for syncing the entry of a new database. */
static void parent_of(const char *path, char parent[QN_STORE_PATH_BYTES])
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n > 0 && path[n - 1] != '/')
        n--;
    while (n > 1 && path[n - 1] == '/')
        n--;
    if (n >= QN_STORE_PATH_BYTES)
        n = 0;
    snprintf(parent, QN_STORE_PATH_BYTES, "%.*s", n ? (int)n : 1, n ? path : ".");
}

/* ---- looking -------------------------------------------------------------------------------- */

typedef struct look { /* what stands in the directory */
    bool manifest, foreign, blocks;
    char example[256]; /* one foreign name */
} look;

static bool look_at(void *arg, const char *name)
{
    look *seen = arg;
    if (strcmp(name, QN_MANIFEST_NAME) == 0) {
        seen->manifest = true;
    } else if (strcmp(name, BLOCKS_NAME) == 0) {
        seen->blocks = true;
    } else if (strcmp(name, LOCK_NAME) != 0 && strcmp(name, QN_MANIFEST_NAME ".tmp") != 0 && !seen->foreign) {
        seen->foreign = true;
        snprintf(seen->example, sizeof seen->example, "%s", name);
    }
    return true;
}

static bool any_name(void *arg, const char *name)
{
    (void)name;
    *(bool *)arg = true;
    return false;
}

static qn_status not_a_database(const qn_store *store, qn_error *err)
{
    return qn_corrupt(err, "\"%s\" is not a quern database", store->name);
}

/* Refuse a directory that is not ours; *exists tells whether there is a MANIFEST. */
static qn_status look_around(qn_store *store, bool *exists, qn_error *err)
{
    qn_vfs   *vfs = store->env.vfs;
    look      seen = {0};
    char      path[QN_STORE_PATH_BYTES];
    bool      any = false;
    qn_status st  = vfs->list(vfs, store->path, look_at, &seen, err);
    if (st != QN_OK)
        return st;
    *exists = seen.manifest;
    if (seen.manifest)
        return QN_OK;
    if (seen.foreign) {
        st = not_a_database(store, err);
        qn_error_hint(err, "The directory holds other files, such as \"%.100s\".", seen.example);
        return st;
    }
    if (seen.blocks) {
        st = path_of(store, BLOCKS_NAME, path, err);
        if (st == QN_OK)
            st = vfs->list(vfs, path, any_name, &any, err);
        if (st != QN_OK)
            return st;
        if (any)
            return qn_corrupt(err, "database \"%s\" is damaged: it has block files but no MANIFEST",
                              store->name);
    }
    if (store->read_only) {
        st = not_a_database(store, err);
        qn_error_hint(err, "The directory is empty; open it for writing to create a database.");
        return st;
    }
    return QN_OK;
}

/* Make sure there is a directory at the path. */
static qn_status find_directory(qn_store *store, bool must_exist, bool *made, qn_error *err)
{
    qn_vfs   *vfs  = store->env.vfs;
    qn_error  why  = {0};
    qn_stat   info = {0};
    qn_status st   = vfs->stat(vfs, store->path, &info, &why);
    if (st == QN_OK) {
        if (info.is_directory)
            return QN_OK;
        st = not_a_database(store, err);
        qn_error_hint(err, "A database is a directory; this is a file.");
        return st;
    }
    if (!qn_error_is(&why, QN_SQLSTATE_UNDEFINED_FILE)) {
        if (err && err->status == QN_OK)
            *err = why;
        return st;
    }
    if (must_exist || store->read_only)
        return qn_fail(err, QN_SQLSTATE_UNDEFINED_FILE, "database \"%s\" does not exist", store->name);
    *made = true;
    return vfs->mkdir(vfs, store->path, err);
}

/* The name of the database must be durable before anything is acknowledged in it.  Where somebody else made the
 * directory, perhaps a moment ago, perhaps in a place that we may pass through but not read, it is done as far
 * as we may. */
static qn_status sync_name(qn_store *store, bool made, qn_error *err)
{
    char parent[QN_STORE_PATH_BYTES];
    parent_of(store->path, parent);
    qn_status st = store->env.vfs->sync_dir(store->env.vfs, parent, made ? err : NULL);
    return made ? st : QN_OK;
}

/* ---- the lock ------------------------------------------------------------------------------- */

static qn_status take_lock(qn_store *store, qn_error *err)
{
    qn_vfs   *vfs = store->env.vfs;
    qn_error  why = {0};
    char      path[QN_STORE_PATH_BYTES];
    qn_status st = path_of(store, LOCK_NAME, path, err);
    if (st != QN_OK)
        return st;
    st = vfs->open(vfs, path, store->read_only ? QN_OPEN_READ : QN_OPEN_CREATE, &store->lock_file, &why);
    /* A copy on read-only media may have come without its LOCK; nobody can write there either. */
    if (store->read_only && qn_error_is(&why, QN_SQLSTATE_UNDEFINED_FILE))
        return QN_OK;
    if (st == QN_OK)
        st = vfs->lock(vfs, store->lock_file, !store->read_only, &why);
    if (qn_error_is(&why, QN_SQLSTATE_OBJECT_IN_USE)) {
        st = qn_fail(err, QN_SQLSTATE_OBJECT_IN_USE, "database \"%s\" is in use by another process",
                     store->name);
        qn_error_hint(err, store->read_only
                               ? "A process has it open for writing; try again when that has closed it."
                               : "Close the database there first: a writer needs it alone.");
    } else if (st != QN_OK && err && err->status == QN_OK) {
        *err = why;
    }
    return st;
}

/* ---- manifest in, orphans out --------------------------------------------------------------- */

static qn_status read_manifest(qn_store *store, qn_error *err)
{
    qn_status    st    = QN_OK;
    void        *data  = NULL;
    size_t       bytes = 0;
    qn_snapshot *next  = NULL;
    char         path[QN_STORE_PATH_BYTES];
    QN_TRY(path_of(store, QN_MANIFEST_NAME, path, err));
    QN_TRY(qn_vfs_read_file(store->env.vfs, path, store->env.mem, MANIFEST_LIMIT, &data, &bytes, err));
    QN_TRY(qn_snapshot_new(store, &next, err));
    QN_TRY(qn_manifest_decode(path, data, bytes, next, &store->next_table, &store->next_block, err));
    QN_TRY(qn_snapshot_finish(store, next, err));
    store->current = next;
    next           = NULL;
done:
    qn_snapshot_unref(next);
    if (data)
        qn_free(store->env.mem, data, bytes + 1);
    return st;
}

static qn_status create_manifest(qn_store *store, qn_error *err)
{
    qn_status    st   = QN_OK;
    qn_snapshot *next = NULL;
    qn_buf       text;
    char         path[QN_STORE_PATH_BYTES];
    qn_buf_init(&text, store->env.mem);
    QN_TRY(path_of(store, BLOCKS_NAME, path, err));
    QN_TRY(store->env.vfs->mkdir(store->env.vfs, path, err));
    QN_TRY(qn_snapshot_new(store, &next, err));
    next->version = next->schema_version = 1;
    store->next_table = store->next_block = 1;
    qn_manifest_encode(next, store->next_table, store->next_block, &text);
    if (!qn_buf_ok(&text)) {
        st = qn_nomem(err);
        goto done;
    }
    /* Publishing syncs the directory, and with it the entry of blocks/. */
    QN_TRY(qn_vfs_publish(store->env.vfs, store->path, QN_MANIFEST_NAME, text.data, text.bytes, err));
    store->current = next;
    next           = NULL;
done:
    qn_snapshot_unref(next);
    qn_buf_deinit(&text);
    return st;
}

typedef struct orphans {
    qn_store    *store;
    qn_arena     arena;
    const char **names;
    size_t       count, room;
    uint64_t    *known; /* block numbers of the manifest, ascending */
    size_t       known_count;
    uint64_t     highest;
    bool         nomem;
} orphans;

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool collect_orphan(void *arg, const char *name)
{
    orphans *o = arg;
    uint64_t number;
    if (!block_number(name, &number))
        return true; /* not made by us: not ours to remove */
    if (number > o->highest)
        o->highest = number;
    bool temporary = strstr(name, ".tmp") != NULL;
    if (!temporary && bsearch(&number, o->known, o->known_count, sizeof number, compare_numbers))
        return true;
    if (o->count == o->room) {
        size_t       room  = o->room ? o->room * 2 : 16;
        const char **names = qn_arena_grow(&o->arena, o->names, o->count, room, sizeof *names);
        if (!names) {
            o->nomem = true;
            return false;
        }
        o->names = names;
        o->room  = room;
    }
    o->names[o->count] = qn_arena_strdup(&o->arena, name);
    o->nomem           = !o->names[o->count];
    o->count += !o->nomem;
    return !o->nomem;
}

static bool list_known(orphans *o)
{
    const qn_snapshot *now = o->store->current;
    size_t             n   = 0;
    for (uint32_t i = 0; i < now->table_count; i++)
        n += now->tables[i].block_count;
    o->known = qn_arena_alloc(&o->arena, qn_mul(n, sizeof *o->known));
    if (!o->known)
        return false;
    for (uint32_t i = 0; i < now->table_count; i++) {
        for (uint32_t j = 0; j < now->tables[i].block_count; j++)
            o->known[o->known_count++] = now->tables[i].blocks[j].number;
    }
    qsort(o->known, o->known_count, sizeof *o->known, compare_numbers);
    return true;
}

static bool remove_temporary(void *arg, const char *name)
{
    qn_store *store = arg;
    char      path[QN_STORE_PATH_BYTES + 300];
    int       n = snprintf(path, sizeof path, "%s/" QN_STORE_TEMP_FOLDER "/%s", store->path, name);
    if (n > 0 && (size_t)n < sizeof path)
        (void)!store->env.vfs->unlink(store->env.vfs, path, NULL);
    return true;
}

/* Remove block files that no table has, and temporaries.  A file that cannot be removed costs space and
 * nothing else, because its number is not given out again. */
static qn_status remove_orphans(qn_store *store, qn_error *err)
{
    qn_status st  = QN_OK;
    qn_vfs   *vfs = store->env.vfs;
    orphans   o   = {.store = store};
    char      folder[QN_STORE_PATH_BYTES], path[QN_STORE_PATH_BYTES + 300];
    qn_arena_init(&o.arena, store->env.mem);
    QN_TRY(path_of(store, QN_MANIFEST_NAME ".tmp", folder, err));
    (void)!vfs->unlink(vfs, folder, NULL);
    QN_TRY(path_of(store, QN_CALIBRATION_NAME ".tmp", folder, err));
    (void)!vfs->unlink(vfs, folder, NULL);
    QN_TRY(path_of(store, QN_STORE_TEMP_FOLDER, folder, err));
    (void)!vfs->list(vfs, folder, remove_temporary, store, NULL); /* absent until something is spilled */
    QN_TRY(path_of(store, BLOCKS_NAME, folder, err));
    if (!list_known(&o)) {
        st = qn_nomem(err);
        goto done;
    }
    QN_TRY(vfs->list(vfs, folder, collect_orphan, &o, err));
    if (o.nomem) {
        st = qn_nomem(err);
        goto done;
    }
    if (o.highest >= store->next_block)
        store->next_block = o.highest + 1;
    for (size_t i = 0; i < o.count; i++) {
        int n = snprintf(path, sizeof path, "%s/%s", folder, o.names[i]);
        if (n > 0 && (size_t)n < sizeof path)
            (void)!vfs->unlink(vfs, path, NULL);
    }
done:
    qn_arena_deinit(&o.arena);
    return st;
}

/* What a writer does before its first change.  The MANIFEST just read, and blocks/ if it has to be made again, may
 * be known to the kernel only, when the process before was killed between its rename and its sync.  They are made
 * durable first: else a power cut could bring back an older MANIFEST that names what is removed here, or keep a
 * newer one without the directory that its blocks are in. */
static qn_status take_over(qn_store *store, qn_error *err)
{
    qn_status st = QN_OK;
    char      folder[QN_STORE_PATH_BYTES];
    QN_TRY(path_of(store, BLOCKS_NAME, folder, err));
    QN_TRY(store->env.vfs->mkdir(store->env.vfs, folder, err));
    QN_TRY(store->env.vfs->sync_dir(store->env.vfs, store->path, err));
    QN_TRY(remove_orphans(store, err));
done:
    return st;
}

/* ---- open and close ------------------------------------------------------------------------- */

void qn_store_unref(qn_store *store)
{
    if (atomic_fetch_sub_explicit(&store->refs, 1, memory_order_acq_rel) != 1)
        return;
    qn_mem *mem = store->env.mem;
    qn_vfs_memory_free(store->memory);
    qn_latch_deinit(&store->latch);
    qn_cond_deinit(&store->turn);
    qn_free(mem, store->name, strlen(store->name) + 1);
    if (store->path)
        qn_free(mem, store->path, strlen(store->path) + 1);
    qn_free(mem, store, sizeof *store);
}

static qn_status open_directory(qn_store *store, bool must_exist, qn_error *err)
{
    qn_status st     = QN_OK;
    bool      exists = false, made = false;
    QN_TRY(find_directory(store, must_exist, &made, err));
    QN_TRY(look_around(store, &exists, err));
    QN_TRY(take_lock(store, err));
    QN_TRY(look_around(store, &exists, err)); /* another process may have been faster */
    if (exists) {
        QN_TRY(read_manifest(store, err));
    } else {
        QN_TRY(sync_name(store, made, err));
        QN_TRY(create_manifest(store, err));
    }
    if (!store->read_only)
        QN_TRY(take_over(store, err));
done:
    return st;
}

/* The process may change its directory while the database is open. */
static qn_status find_path(qn_store *store, bool in_files, qn_error *err)
{
    qn_vfs *vfs = store->env.vfs;
    char    path[QN_STORE_PATH_BYTES];
    bool    found = in_files && vfs->absolute && vfs->absolute(vfs, store->name, path, sizeof path);
    store->path   = qn_mem_strdup(store->env.mem, found ? path : store->name);
    return store->path ? QN_OK : qn_nomem(err);
}

qn_status qn_store_open(qn_env *env, const char *path, bool read_only, bool must_exist, qn_store **store,
                        qn_error *err)
{
    *store      = NULL;
    qn_store *s = qn_alloc0(env->mem, sizeof *s);
    if (!s)
        return qn_nomem(err);
    s->name = qn_mem_strdup(env->mem, path ? path : MEMORY_PATH);
    if (!s->name) {
        qn_free(env->mem, s, sizeof *s);
        return qn_nomem(err);
    }
    s->env       = *env;
    s->read_only = read_only && path;
    atomic_init(&s->refs, 1);
    qn_latch_init(&s->latch);
    qn_cond_init(&s->turn);

    qn_status st = find_path(s, path != NULL, err);
    if (st == QN_OK && !path) {
        must_exist = false;
        st         = qn_vfs_memory_new(env->mem, &s->memory, err);
        s->env.vfs = s->memory;
    }
    if (st == QN_OK)
        st = open_directory(s, must_exist, err);
    if (st != QN_OK) {
        qn_store_close(s);
        return st;
    }
    *store = s;
    return QN_OK;
}

void qn_store_close(qn_store *store)
{
    if (!store)
        return;
    QN_CHECK(!store->writing); /* a change is still open */
    qn_snapshot_unref(store->current);
    store->current = NULL;
    if (store->lock_file)
        store->env.vfs->close(store->env.vfs, store->lock_file);
    store->lock_file = NULL;
    qn_store_unref(store);
}

const char *qn_store_path(const qn_store *store)
{
    return store->path;
}

qn_env *qn_store_env(qn_store *store)
{
    return &store->env;
}

qn_status qn_store_read_side(qn_store *store, const char *name, void **data, size_t *bytes, qn_error *err)
{
    char path[QN_STORE_PATH_BYTES];
    *data        = NULL;
    *bytes       = 0;
    qn_status st = path_of(store, name, path, err);
    return st == QN_OK ? qn_vfs_read_file(store->env.vfs, path, store->env.mem, SIDE_LIMIT, data, bytes, err) : st;
}

qn_snapshot *qn_store_snapshot(qn_store *store)
{
    qn_latch_take(&store->latch);
    qn_snapshot *current = store->current;
    atomic_fetch_add_explicit(&current->refs, 1, memory_order_relaxed);
    qn_latch_drop(&store->latch);
    return current;
}
