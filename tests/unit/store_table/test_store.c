/* The database directory: what survives, what is refused, and what happens when the disk fails. */
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <unistd.h>

#include "base/thread.h"
#include "store/table/store_int.h"

typedef struct world { /* a memory file system and an environment over it */
    qn_mem  mem;
    qn_vfs *memory;
    qn_env  env;
} world;

static void world_init(world *w)
{
    memset(w, 0, sizeof *w);
    qn_mem_init(&w->mem, NULL, 0);
    assert_int_equal(qn_vfs_memory_new(&w->mem, &w->memory, NULL), QN_OK);
    w->env = (qn_env){.mem = &w->mem, .vfs = w->memory, .clock = qn_clock_system()};
}

static void world_deinit(world *w)
{
    qn_vfs_memory_free(w->memory);
    assert_int_equal(w->mem.used_bytes, 0); /* nothing leaks, whatever happened before */
    qn_mem_deinit(&w->mem);
}

static const qn_column one_column[] = {{"a", {QN_TYPE_INTEGER, -1}, true, "1 + 1"}};

#define BLOCK_ROWS 100

/* Write a block of BLOCK_ROWS integers and add it to the table. */
static qn_status add_block(qn_store *store, qn_change *change, uint64_t table, uint64_t sequence, qn_error *err)
{
    qn_status         st      = QN_OK;
    qn_env           *env     = qn_store_env(store);
    qn_block_builder *builder = NULL;
    qn_block_segment  segment = {0};
    qn_block_info     info;
    uint64_t          number;
    char              path[QN_STORE_PATH_BYTES];
    int32_t           values[BLOCK_ROWS];
    for (int i = 0; i < BLOCK_ROWS; i++)
        values[i] = i % 7;
    qn_block_column_in column = {.type = one_column[0].type, .values = values};

    QN_TRY(qn_change_block_path(change, &number, path, sizeof path, err));
    QN_TRY(qn_block_builder_new(env, &builder, err));
    QN_TRY(qn_block_encode(builder, &column, BLOCK_ROWS, &segment, err));
    QN_TRY(qn_block_write(env, path, table, number, BLOCK_ROWS, &segment, 1, &info, err));
    QN_TRY(qn_change_add_block(change, table, number, sequence, &info, err));
done:
    qn_block_segment_free(&segment);
    qn_block_builder_free(builder);
    return st;
}

/* One commit: create table `name` when missing, add a block to it.  *acknowledged counts commits. */
static qn_status commit_block(qn_store *store, const char *name, int *acknowledged, qn_error *err)
{
    qn_status          st     = QN_OK;
    qn_change         *change = NULL;
    const qn_snapshot *base;
    uint64_t           id;
    QN_TRY(qn_change_begin(store, &change, &base, err));
    const qn_table *table = qn_catalog_table(base, name);
    if (table)
        id = table->id;
    else
        QN_TRY(qn_change_create_table(change, name, one_column, 1, &id, err));
    QN_TRY(add_block(store, change, id, 0, err));
    st     = qn_change_commit(change, err);
    change = NULL;
    if (st == QN_OK && acknowledged)
        ++*acknowledged;
done:
    qn_change_abort(change);
    return st;
}

static uint64_t rows_of(qn_store *store, const char *name)
{
    qn_snapshot    *now   = qn_store_snapshot(store);
    const qn_table *table = qn_catalog_table(now, name);
    uint64_t        rows  = table ? table->rows : 0;
    qn_snapshot_unref(now);
    return rows;
}

static bool count_name(void *arg, const char *name)
{
    (void)name;
    ++*(int *)arg;
    return true;
}

static int files_in(qn_vfs *vfs, const char *path)
{
    int n = 0;
    assert_int_equal(vfs->list(vfs, path, count_name, &n, NULL), QN_OK);
    return n;
}

static void put_file(qn_vfs *vfs, const char *path, const void *data, size_t bytes)
{
    qn_file *file;
    assert_int_equal(vfs->open(vfs, path, QN_OPEN_TRUNCATE, &file, NULL), QN_OK);
    assert_int_equal(vfs->write(vfs, file, 0, data, bytes, NULL), QN_OK);
    vfs->close(vfs, file);
}

/* ---- life of a database --------------------------------------------------------------------- */

static void what_is_committed_is_found_again(void **state)
{
    (void)state;
    world     w;
    qn_store *store;
    qn_error  err = {0};
    world_init(&w);
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, &err), QN_OK);
    assert_int_equal(commit_block(store, "t", NULL, &err), QN_OK);
    assert_int_equal(commit_block(store, "t", NULL, &err), QN_OK);
    qn_store_close(store);

    assert_int_equal(qn_store_open(&w.env, "db", true, true, &store, &err), QN_OK);
    qn_snapshot    *now = qn_store_snapshot(store);
    const qn_table *t   = qn_catalog_table(now, "t");
    assert_non_null(t);
    assert_int_equal(t->rows, 2 * BLOCK_ROWS);
    assert_int_equal(t->block_count, 2);
    assert_int_equal(t->blocks[1].first_row, BLOCK_ROWS);
    assert_int_equal(qn_catalog_column(t, "a"), 0);
    assert_int_equal(qn_catalog_column(t, "b"), -1);
    assert_true(t->columns[0].not_null);
    assert_string_equal(t->columns[0].default_sql, "1 + 1");
    assert_ptr_equal(qn_catalog_table_by_id(now, t->id), t);
    assert_int_equal(now->version, 3); /* 1 is the empty database */
    assert_int_equal(now->schema_version, 2);
    qn_store_close(store); /* the snapshot outlives the store */
    assert_string_equal(t->name, "t");
    assert_int_equal(qn_block_rows(t->blocks[0].block), BLOCK_ROWS);
    qn_snapshot_unref(now);
    world_deinit(&w);
}

static void a_database_in_memory_needs_no_directory(void **state)
{
    (void)state;
    world     w;
    qn_store *store;
    world_init(&w);
    w.env.vfs = NULL;
    assert_int_equal(qn_store_open(&w.env, NULL, false, false, &store, NULL), QN_OK);
    assert_int_equal(commit_block(store, "t", NULL, NULL), QN_OK);
    assert_int_equal(rows_of(store, "t"), BLOCK_ROWS);
    qn_snapshot *kept = qn_store_snapshot(store);
    qn_store_close(store);
    assert_int_equal(qn_block_rows(kept->tables[0].blocks[0].block), BLOCK_ROWS);
    qn_snapshot_unref(kept);
    world_deinit(&w);
}

/* Readers see the state of their snapshot, whatever is committed meanwhile. */
static void a_snapshot_does_not_change(void **state)
{
    (void)state;
    world              w;
    qn_store          *store;
    qn_change         *change;
    const qn_snapshot *base;
    world_init(&w);
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
    assert_int_equal(commit_block(store, "t", NULL, NULL), QN_OK);
    qn_snapshot    *old = qn_store_snapshot(store);
    const qn_table *t   = qn_catalog_table(old, "t");
    assert_int_equal(qn_change_begin(store, &change, &base, NULL), QN_OK);
    assert_int_equal(qn_change_drop_table(change, t->id, NULL), QN_OK);
    assert_int_equal(rows_of(store, "t"), BLOCK_ROWS); /* not committed yet */
    assert_int_equal(qn_change_commit(change, NULL), QN_OK);
    assert_int_equal(rows_of(store, "t"), 0);
    assert_int_equal(files_in(w.memory, "db/blocks"), 0); /* unlinked; the reader keeps its map */
    assert_int_equal(t->rows, BLOCK_ROWS);
    assert_int_equal(qn_block_rows(t->blocks[0].block), BLOCK_ROWS);
    qn_snapshot_unref(old);
    qn_store_close(store);
    world_deinit(&w);
}

/* A block that stays is opened once, not once per commit. */
static void unchanged_blocks_are_shared_between_snapshots(void **state)
{
    (void)state;
    world     w;
    qn_store *store;
    world_init(&w);
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
    assert_int_equal(commit_block(store, "t", NULL, NULL), QN_OK);
    qn_snapshot *before = qn_store_snapshot(store);
    assert_int_equal(commit_block(store, "t", NULL, NULL), QN_OK);
    qn_snapshot *after = qn_store_snapshot(store);
    assert_ptr_equal(before->tables[0].blocks[0].block, after->tables[0].blocks[0].block);
    qn_snapshot_unref(before);
    qn_snapshot_unref(after);
    qn_store_close(store);
    world_deinit(&w);
}

static void blocks_follow_their_sequence(void **state)
{
    (void)state;
    world              w;
    qn_store          *store;
    qn_change         *change;
    const qn_snapshot *base;
    uint64_t           id;
    world_init(&w);
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
    assert_int_equal(qn_change_begin(store, &change, &base, NULL), QN_OK);
    assert_int_equal(qn_change_create_table(change, "t", one_column, 1, &id, NULL), QN_OK);
    assert_int_equal(add_block(store, change, id, 2, NULL), QN_OK); /* number 1 */
    assert_int_equal(add_block(store, change, id, 0, NULL), QN_OK); /* number 2 */
    assert_int_equal(add_block(store, change, id, 0, NULL), QN_OK); /* number 3 */
    assert_int_equal(qn_change_commit(change, NULL), QN_OK);
    qn_snapshot *now = qn_store_snapshot(store);
    assert_int_equal(now->tables[0].blocks[0].number, 2);
    assert_int_equal(now->tables[0].blocks[1].number, 3);
    assert_int_equal(now->tables[0].blocks[2].number, 1);
    qn_snapshot_unref(now);
    qn_store_close(store);
    world_deinit(&w);
}

static void an_aborted_change_leaves_nothing(void **state)
{
    (void)state;
    world              w;
    qn_store          *store;
    qn_change         *change;
    const qn_snapshot *base;
    uint64_t           id, number;
    char               path[QN_STORE_PATH_BYTES];
    qn_error           err = {0};
    world_init(&w);
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
    assert_int_equal(qn_change_begin(store, &change, &base, NULL), QN_OK);
    assert_int_equal(qn_change_create_table(change, "t", one_column, 1, &id, NULL), QN_OK);
    assert_int_equal(qn_change_create_table(change, "t", one_column, 1, NULL, &err), QN_ERROR);
    assert_string_equal(err.sqlstate, "42P07");
    assert_int_equal(add_block(store, change, id, 0, NULL), QN_OK);
    assert_int_equal(files_in(w.memory, "db/blocks"), 1);
    qn_change_abort(change);
    assert_int_equal(files_in(w.memory, "db/blocks"), 0);
    assert_int_equal(rows_of(store, "t"), 0);

    /* A file that is written but not added goes with the commit. */
    assert_int_equal(qn_change_begin(store, &change, &base, NULL), QN_OK);
    assert_int_equal(qn_change_create_table(change, "t", one_column, 1, &id, NULL), QN_OK);
    assert_int_equal(add_block(store, change, id, 0, NULL), QN_OK);
    assert_int_equal(qn_change_block_path(change, &number, path, sizeof path, NULL), QN_OK);
    put_file(w.memory, path, "unfinished", 10);
    assert_int_equal(qn_change_commit(change, NULL), QN_OK);
    assert_int_equal(files_in(w.memory, "db/blocks"), 1);
    qn_store_close(store);
    world_deinit(&w);
}

/* The program may go elsewhere while the database is open; its files do not. */
static void a_relative_path_is_meant_from_where_it_was_given(void **state)
{
    (void)state;
    qn_mem    mem;
    qn_store *store;
    qn_error  err = {0};
    char      home[4096], dir[] = "/tmp/qn-store-XXXXXX";
    qn_mem_init(&mem, NULL, 0);
    qn_env env = {.mem = &mem, .vfs = qn_vfs_posix(), .clock = qn_clock_system()};
    assert_non_null(getcwd(home, sizeof home));
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(qn_store_open(&env, "db/", false, false, &store, &err), QN_OK);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(commit_block(store, "t", NULL, &err), QN_OK);
    qn_store_close(store);
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(qn_store_open(&env, "./db", true, true, &store, &err), QN_OK);
    assert_int_equal(rows_of(store, "t"), BLOCK_ROWS);
    qn_store_close(store);
    for (const char *const *name = (const char *const[]){"db/blocks/000000000001.qnb", "db/blocks", "db/LOCK",
                                                         "db/MANIFEST", "db", NULL};
         *name; name++)
        assert_int_equal(remove(*name), 0);
    assert_int_equal(chdir(home), 0);
    assert_int_equal(remove(dir), 0);
    assert_int_equal(mem.used_bytes, 0);
    /* Messages show what was given. */
    assert_int_equal(qn_store_open(&env, "none/such", true, true, &store, &err), QN_IO);
    assert_string_equal(err.message, "database \"none/such\" does not exist");
}

/* ---- refusals ------------------------------------------------------------------------------- */

static void open_must_fail(world *w, const char *path, bool read_only, bool must_exist, qn_status status,
                           const char *sqlstate, const char *words)
{
    qn_store *store = NULL;
    qn_error  err   = {0};
    assert_int_equal(qn_store_open(&w->env, path, read_only, must_exist, &store, &err), status);
    assert_null(store);
    assert_string_equal(err.sqlstate, sqlstate);
    if (!strstr(err.message, words))
        fail_msg("message is: %s", err.message);
}

static void what_is_not_a_database_is_left_alone(void **state)
{
    (void)state;
    world w;
    world_init(&w);
    open_must_fail(&w, "none", false, true, QN_IO, "58P01", "database \"none\" does not exist");
    open_must_fail(&w, "none", true, false, QN_IO, "58P01", "does not exist");
    open_must_fail(&w, "none/below", false, false, QN_IO, "58P01", "No such file");
    put_file(w.memory, "file", "text", 4);
    open_must_fail(&w, "file", false, false, QN_CORRUPT, "XX001", "is not a quern database");
    assert_int_equal(w.memory->mkdir(w.memory, "home", NULL), QN_OK);
    open_must_fail(&w, "home", true, false, QN_CORRUPT, "XX001", "is not a quern database");
    put_file(w.memory, "home/letter", "dear", 4);
    open_must_fail(&w, "home", false, false, QN_CORRUPT, "XX001", "is not a quern database");
    assert_int_equal(files_in(w.memory, "home"), 1);
    put_file(w.memory, "home/MANIFEST", "not one", 7);
    open_must_fail(&w, "home", false, false, QN_CORRUPT, "XX001", "is not a quern database");
    world_deinit(&w);
}

/* Losing the MANIFEST must not turn a database into an empty one. */
static void blocks_without_a_manifest_are_damage(void **state)
{
    (void)state;
    world     w;
    qn_store *store;
    world_init(&w);
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
    assert_int_equal(commit_block(store, "t", NULL, NULL), QN_OK);
    qn_store_close(store);
    assert_int_equal(w.memory->unlink(w.memory, "db/MANIFEST", NULL), QN_OK);
    open_must_fail(&w, "db", false, false, QN_CORRUPT, "XX001", "no MANIFEST");
    assert_int_equal(files_in(w.memory, "db/blocks"), 1);
    world_deinit(&w);
}

static void one_writer_or_many_readers(void **state)
{
    (void)state;
    world              w;
    qn_store          *writer, *first, *second;
    qn_change         *change;
    const qn_snapshot *base;
    qn_error           err = {0};
    world_init(&w);
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &writer, NULL), QN_OK);
    open_must_fail(&w, "db", false, false, QN_IO, "55006", "in use by another process");
    open_must_fail(&w, "db", true, false, QN_IO, "55006", "in use by another process");
    qn_store_close(writer);
    assert_int_equal(qn_store_open(&w.env, "db", true, false, &first, NULL), QN_OK);
    assert_int_equal(qn_store_open(&w.env, "db", true, false, &second, NULL), QN_OK);
    open_must_fail(&w, "db", false, false, QN_IO, "55006", "in use by another process");
    assert_int_equal(qn_change_begin(first, &change, &base, &err), QN_ERROR);
    assert_string_equal(err.sqlstate, "25006");
    qn_store_close(first);
    qn_store_close(second);
    world_deinit(&w);
}

/* Every bit of the MANIFEST counts. */
static void no_flipped_bit_goes_unnoticed(void **state)
{
    (void)state;
    world     w;
    qn_store *store;
    void     *data;
    size_t    bytes;
    world_init(&w);
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
    assert_int_equal(commit_block(store, "t", NULL, NULL), QN_OK);
    qn_store_close(store);
    assert_int_equal(qn_vfs_read_file(w.memory, "db/MANIFEST", &w.mem, 1 << 20, &data, &bytes, NULL), QN_OK);
    for (size_t bit = 0; bit < bytes * 8; bit++) {
        ((unsigned char *)data)[bit / 8] ^= (unsigned char)(1u << bit % 8);
        put_file(w.memory, "db/MANIFEST", data, bytes);
        open_must_fail(&w, "db", false, false, QN_CORRUPT, "XX001", "MANIFEST");
        ((unsigned char *)data)[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    for (size_t cut = 0; cut < bytes; cut++) {
        put_file(w.memory, "db/MANIFEST", data, cut);
        open_must_fail(&w, "db", false, false, QN_CORRUPT, "XX001", "MANIFEST");
    }
    put_file(w.memory, "db/MANIFEST", data, bytes);
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
    assert_int_equal(rows_of(store, "t"), BLOCK_ROWS);
    qn_store_close(store);
    qn_free(&w.mem, data, bytes + 1);
    world_deinit(&w);
}

static void a_newer_format_is_refused(void **state)
{
    (void)state;
    world     w;
    qn_store *store;
    void     *data;
    size_t    bytes;
    world_init(&w);
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
    qn_store_close(store);
    assert_int_equal(qn_vfs_read_file(w.memory, "db/MANIFEST", &w.mem, 1 << 20, &data, &bytes, NULL), QN_OK);
    ((char *)data)[8] = QN_MANIFEST_VERSION + 1;
    put_file(w.memory, "db/MANIFEST", data, bytes);
    open_must_fail(&w, "db", false, false, QN_CORRUPT, "XX001", "has format version 2");
    qn_free(&w.mem, data, bytes + 1);
    world_deinit(&w);
}

static void a_lost_or_foreign_block_is_noticed(void **state)
{
    (void)state;
    world     w;
    qn_store *store;
    world_init(&w);
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
    assert_int_equal(commit_block(store, "t", NULL, NULL), QN_OK);
    assert_int_equal(commit_block(store, "t", NULL, NULL), QN_OK);
    qn_store_close(store);
    assert_int_equal(w.memory->rename(w.memory, "db/blocks/000000000001.qnb", "db/blocks/000000000002.qnb", NULL),
                     QN_OK);
    open_must_fail(&w, "db", false, false, QN_IO, "58P01", "000000000001.qnb");
    put_file(w.memory, "db/blocks/000000000001.qnb", "junk", 4);
    open_must_fail(&w, "db", false, false, QN_CORRUPT, "XX001", "000000000001.qnb");
    world_deinit(&w);
}

static void leftovers_of_a_crash_are_removed_by_the_next_writer(void **state)
{
    (void)state;
    world     w;
    qn_store *store;
    world_init(&w);
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
    assert_int_equal(commit_block(store, "t", NULL, NULL), QN_OK);
    qn_store_close(store);
    put_file(w.memory, "db/blocks/000000000007.qnb", "half", 4);
    put_file(w.memory, "db/blocks/000000000001.qnb.tmp", "half", 4);
    put_file(w.memory, "db/blocks/notes.txt", "keep", 4);
    put_file(w.memory, "db/MANIFEST.tmp", "half", 4);
    assert_int_equal(qn_store_open(&w.env, "db", true, false, &store, NULL), QN_OK);
    qn_store_close(store);
    assert_int_equal(files_in(w.memory, "db/blocks"), 4); /* a reader removes nothing */
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
    assert_int_equal(files_in(w.memory, "db/blocks"), 2);
    assert_int_equal(files_in(w.memory, "db"), 3);
    /* The orphan's number is not given out again. */
    assert_int_equal(commit_block(store, "t", NULL, NULL), QN_OK);
    qn_snapshot *now = qn_store_snapshot(store);
    assert_int_equal(now->tables[0].blocks[1].number, 8);
    qn_snapshot_unref(now);
    qn_store_close(store);
    world_deinit(&w);
}

/* Whoever can write the files can compute every checksum: a column of text where the table says integer must not
 * be read as integers. */
static void a_block_of_other_types_than_its_table_is_refused(void **state)
{
    (void)state;
    world              w;
    qn_store          *store;
    qn_change         *change;
    const qn_snapshot *base;
    uint64_t           id;
    qn_error           err         = {0};
    const qn_column    as_text[] = {{"a", {QN_TYPE_TEXT, -1}, false, NULL}};
    world_init(&w);
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
    assert_int_equal(qn_change_begin(store, &change, &base, NULL), QN_OK);
    assert_int_equal(qn_change_create_table(change, "t", as_text, 1, &id, NULL), QN_OK);
    assert_int_equal(add_block(store, change, id, 0, NULL), QN_OK); /* integers */
    assert_int_equal(qn_change_commit(change, &err), QN_CORRUPT);
    assert_non_null(strstr(err.message, "000000000001.qnb"));
    assert_int_equal(files_in(w.memory, "db/blocks"), 0);
    qn_store_close(store);
    world_deinit(&w);
}

static void creating_a_table_checks_its_columns(void **state)
{
    (void)state;
    world              w;
    qn_store          *store;
    qn_change         *change;
    const qn_snapshot *base;
    qn_error           err     = {0};
    static const qn_column twice[] = {{"a", {QN_TYPE_TEXT, -1}, false, NULL}, {"a", {QN_TYPE_TEXT, -1}, false, NULL}};
    world_init(&w);
    assert_int_equal(qn_store_open(&w.env, NULL, false, false, &store, NULL), QN_OK);
    assert_int_equal(qn_change_begin(store, &change, &base, NULL), QN_OK);
    assert_int_equal(qn_change_create_table(change, "t", twice, 2, NULL, &err), QN_ERROR);
    assert_string_equal(err.sqlstate, "42701");
    qn_error_clear(&err);
    assert_int_equal(qn_change_create_table(change, "t", twice, 1601, NULL, &err), QN_ERROR);
    assert_string_equal(err.sqlstate, "54011");
    qn_change_abort(change);
    qn_store_close(store);
    world_deinit(&w);
}

/* ---- failures ------------------------------------------------------------------------------- */

/* The script of the fault tests: open, three commits, close.  A failing step ends it. */
static void run_script(qn_env *env, int *acknowledged)
{
    qn_store *store = NULL;
    qn_error  err   = {0};
    *acknowledged   = 0;
    if (qn_store_open(env, "db", false, false, &store, &err) == QN_OK) {
        for (int i = 0; i < 3; i++) {
            if (commit_block(store, i == 1 ? "other" : "t", acknowledged, &err) != QN_OK)
                break;
        }
    }
    if (*acknowledged < 3) { /* whoever fails says why */
        assert_int_not_equal(err.status, QN_OK);
        assert_true(err.message[0] != 0);
    }
    qn_store_close(store);
}

static int commits_found(qn_env *env)
{
    qn_store *store;
    qn_error  err = {0};
    if (qn_store_open(env, "db", false, false, &store, &err) != QN_OK)
        fail_msg("cannot reopen: %s", err.message);
    uint64_t t = rows_of(store, "t") / BLOCK_ROWS, other = rows_of(store, "other") / BLOCK_ROWS;
    qn_store_close(store);
    assert_true(t <= 2 && other <= 1);
    assert_true(t >= 1 || other == 0);  /* commits are in order: t, other, t */
    assert_true(t < 2 || other == 1);
    return (int)(t + other);
}

static void any_failing_call_leaves_old_or_new(qn_fault_effect effect, bool persist)
{
    bool hit = true;
    for (uint64_t nth = 1; hit; nth++) {
        world   w;
        qn_vfs *fault;
        int     acknowledged;
        world_init(&w);
        assert_int_equal(qn_vfs_fault_new(&w.mem, w.memory, &fault, NULL), QN_OK);
        w.env.vfs = fault;
        qn_vfs_fault_plan(fault, (qn_fault_plan){.op = -1, .nth = nth, .effect = effect, .persist = persist, .seed = nth});
        run_script(&w.env, &acknowledged);
        hit = qn_vfs_fault_hit(fault);
        qn_vfs_fault_plan(fault, (qn_fault_plan){0});
        int found = commits_found(&w.env);
        assert_true(found == acknowledged || found == acknowledged + 1); /* in doubt: the one that failed */
        assert_true(hit || found == 3);
        qn_vfs_fault_free(fault);
        world_deinit(&w);
    }
}

static void a_failing_call_leaves_old_or_new(void **state)
{
    (void)state;
    any_failing_call_leaves_old_or_new(QN_FAULT_EIO, false);
    any_failing_call_leaves_old_or_new(QN_FAULT_ENOSPC, true);
    any_failing_call_leaves_old_or_new(QN_FAULT_CRASH, false);
}

static void a_failing_allocation_leaves_old_or_new(void **state)
{
    (void)state;
    for (int persist = 0; persist < 2; persist++) {
        bool failed = true;
        for (uint64_t nth = 1; failed; nth++) {
            world w;
            int   acknowledged;
            world_init(&w);
            atomic_store(&w.mem.requests, 0);
            atomic_store(&w.mem.fail_persist, persist);
            atomic_store(&w.mem.fail_at, nth);
            run_script(&w.env, &acknowledged);
            failed = atomic_load(&w.mem.requests) >= nth;
            atomic_store(&w.mem.fail_at, 0);
            int found = commits_found(&w.env);
            assert_true(found == acknowledged || found == acknowledged + 1);
            world_deinit(&w);
        }
    }
}

/* After a sync that failed nobody knows what is on disk: reads go on, commits are refused. */
static void a_failed_sync_ends_writing(void **state)
{
    (void)state;
    world              w;
    qn_vfs            *fault;
    qn_store          *store;
    qn_change         *change;
    const qn_snapshot *base;
    qn_error           err = {0};
    world_init(&w);
    assert_int_equal(qn_vfs_fault_new(&w.mem, w.memory, &fault, NULL), QN_OK);
    w.env.vfs = fault;
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
    assert_int_equal(commit_block(store, "t", NULL, NULL), QN_OK);
    /* The first sync is the block's, the second the MANIFEST's. */
    qn_vfs_fault_plan(fault, (qn_fault_plan){.op = QN_VFS_SYNC, .nth = 2, .effect = QN_FAULT_EIO});
    assert_int_equal(commit_block(store, "t", NULL, &err), QN_IO);
    assert_string_equal(err.sqlstate, "58030");
    assert_int_equal(rows_of(store, "t"), BLOCK_ROWS);
    qn_error_clear(&err);
    assert_int_equal(qn_change_begin(store, &change, &base, &err), QN_IO);
    assert_string_equal(err.sqlstate, "58030");
    assert_non_null(strstr(err.message, "could not sync"));
    qn_store_close(store);
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
    assert_int_equal(commit_block(store, "t", NULL, NULL), QN_OK);
    qn_store_close(store);
    qn_vfs_fault_free(fault);
    world_deinit(&w);
}

/* A full disk while the MANIFEST's temporary is written is no reason to stop. */
static void a_full_disk_is_survived(void **state)
{
    (void)state;
    world     w;
    qn_vfs   *fault;
    qn_store *store;
    qn_error  err = {0};
    world_init(&w);
    assert_int_equal(qn_vfs_fault_new(&w.mem, w.memory, &fault, NULL), QN_OK);
    w.env.vfs = fault;
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
    qn_vfs_fault_plan(fault, (qn_fault_plan){.op = QN_VFS_WRITE, .nth = 1, .effect = QN_FAULT_ENOSPC, .persist = true});
    assert_int_equal(commit_block(store, "t", NULL, &err), QN_IO);
    assert_string_equal(err.sqlstate, "53100");
    qn_vfs_fault_plan(fault, (qn_fault_plan){0});
    assert_int_equal(files_in(w.memory, "db/blocks"), 0);
    assert_int_equal(commit_block(store, "t", NULL, NULL), QN_OK);
    qn_store_close(store);
    qn_vfs_fault_free(fault);
    world_deinit(&w);
}

/* Power fails at every call; the disk then shows any mixture of what was not synced. */
static void a_crash_leaves_a_prefix_with_all_acknowledged_commits(void **state)
{
    (void)state;
    bool hit = true;
    for (uint64_t nth = 1; hit; nth++) {
        for (uint64_t seed = 0; seed < 16; seed++) {
            world   w;
            qn_vfs *fault;
            int     acknowledged;
            world_init(&w);
            assert_int_equal(qn_vfs_fault_new(&w.mem, w.memory, &fault, NULL), QN_OK);
            w.env.vfs = fault;
            qn_vfs_fault_plan(fault, (qn_fault_plan){.op = -1, .nth = nth, .effect = QN_FAULT_CRASH});
            run_script(&w.env, &acknowledged);
            hit = qn_vfs_fault_hit(fault);
            qn_vfs_memory_crash(w.memory, nth * 1000 + seed);
            qn_vfs_fault_plan(fault, (qn_fault_plan){0});
            int found = commits_found(&w.env);
            if (found != acknowledged && found != acknowledged + 1)
                fail_msg("crash at call %llu, seed %llu: %d commits acknowledged, %d found",
                         (unsigned long long)nth, (unsigned long long)seed, acknowledged, found);
            qn_vfs_fault_free(fault);
            world_deinit(&w);
        }
    }
}

/* One commit: drop "t" with its block and put "other" in its place. */
static qn_status replace_table(qn_store *store, qn_error *err)
{
    qn_status          st     = QN_OK;
    qn_change         *change = NULL;
    const qn_snapshot *base;
    uint64_t           id;
    QN_TRY(qn_change_begin(store, &change, &base, err));
    QN_TRY(qn_change_drop_table(change, qn_catalog_table(base, "t")->id, err));
    QN_TRY(qn_change_create_table(change, "other", one_column, 1, &id, err));
    QN_TRY(add_block(store, change, id, 0, err));
    st     = qn_change_commit(change, err);
    change = NULL;
done:
    qn_change_abort(change);
    return st;
}

/* A killed process leaves names in the kernel's cache that the disk does not have yet.  The next writer sees the
 * new MANIFEST and may not remove what the old one names before the new one is durable: power can still fail. */
static void a_writer_after_a_killed_one_keeps_what_the_disk_may_name(void **state)
{
    (void)state;
    bool hit = true;
    for (uint64_t nth = 1; hit; nth++) {
        for (uint64_t seed = 0; seed < 16; seed++) {
            world     w;
            qn_vfs   *fault;
            qn_store *store;
            qn_error  err = {0};
            world_init(&w);
            assert_int_equal(qn_vfs_fault_new(&w.mem, w.memory, &fault, NULL), QN_OK);
            w.env.vfs = fault;
            assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
            assert_int_equal(commit_block(store, "t", NULL, NULL), QN_OK);
            qn_vfs_fault_plan(fault, (qn_fault_plan){.op = -1, .nth = nth, .effect = QN_FAULT_CRASH});
            bool acknowledged = replace_table(store, &err) == QN_OK;
            hit               = qn_vfs_fault_hit(fault);
            qn_store_close(store);
            qn_vfs_fault_plan(fault, (qn_fault_plan){0}); /* killed: the machine goes on */
            qn_error_clear(&err);
            assert_int_equal(qn_store_open(&w.env, "db", false, true, &store, NULL), QN_OK);
            bool replaced = rows_of(store, "other") != 0;
            assert_true(replaced || !acknowledged);
            qn_store_close(store);
            qn_vfs_memory_crash(w.memory, nth * 1000 + seed);
            if (qn_store_open(&w.env, "db", false, true, &store, &err) != QN_OK)
                fail_msg("killed at call %llu, power lost after the next opening, seed %llu: %s",
                         (unsigned long long)nth, (unsigned long long)seed, err.message);
            assert_true(rows_of(store, "t") + rows_of(store, "other") == BLOCK_ROWS);
            assert_true(rows_of(store, "other") || !replaced); /* what a writer has seen stays */
            qn_store_close(store);
            qn_vfs_fault_free(fault);
            world_deinit(&w);
        }
    }
}

/* A directory somebody else made may not be durable; what is acknowledged in it must be. */
static void a_commit_in_a_directory_made_beforehand_is_durable(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 16; seed++) {
        world w;
        int   acknowledged;
        world_init(&w);
        assert_int_equal(w.memory->mkdir(w.memory, "db", NULL), QN_OK);
        run_script(&w.env, &acknowledged);
        assert_int_equal(acknowledged, 3);
        qn_vfs_memory_crash(w.memory, seed);
        assert_int_equal(commits_found(&w.env), 3);
        world_deinit(&w);
    }
}

/* Two crashes may leave a MANIFEST without blocks/: the directory is made again, and must be durable before a
 * MANIFEST that names something in it. */
static void a_block_directory_made_anew_is_durable_before_it_is_needed(void **state)
{
    (void)state;
    bool hit = true;
    for (uint64_t nth = 1; hit; nth++) {
        for (uint64_t seed = 0; seed < 16; seed++) {
            world     w;
            qn_vfs   *fault;
            qn_store *store;
            int       acknowledged;
            world_init(&w);
            assert_int_equal(qn_vfs_fault_new(&w.mem, w.memory, &fault, NULL), QN_OK);
            w.env.vfs = fault;
            assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
            qn_store_close(store);
            assert_int_equal(w.memory->rmdir(w.memory, "db/blocks", NULL), QN_OK);
            assert_int_equal(w.memory->sync_dir(w.memory, "db", NULL), QN_OK);
            qn_vfs_fault_plan(fault, (qn_fault_plan){.op = -1, .nth = nth, .effect = QN_FAULT_CRASH});
            run_script(&w.env, &acknowledged);
            hit = qn_vfs_fault_hit(fault);
            qn_vfs_memory_crash(w.memory, nth * 1000 + seed);
            qn_vfs_fault_plan(fault, (qn_fault_plan){0});
            int found = commits_found(&w.env);
            assert_true(found == acknowledged || found == acknowledged + 1);
            qn_vfs_fault_free(fault);
            world_deinit(&w);
        }
    }
}

/* ---- several threads ------------------------------------------------------------------------ */

typedef struct contender {
    qn_store *store;
    int       acknowledged;
} contender;

static void contend(void *arg)
{
    contender *c = arg;
    for (int i = 0; i < 5; i++)
        (void)!commit_block(c->store, "t", &c->acknowledged, NULL);
}

static void writers_take_turns(void **state)
{
    (void)state;
    world     w;
    qn_store *store;
    qn_thread threads[4];
    contender contenders[4];
    world_init(&w);
    assert_int_equal(qn_store_open(&w.env, "db", false, false, &store, NULL), QN_OK);
    for (int i = 0; i < 4; i++) {
        contenders[i] = (contender){store, 0};
        assert_int_equal(qn_thread_start(&threads[i], 0, contend, &contenders[i], NULL), QN_OK);
    }
    int acknowledged = 0;
    for (int i = 0; i < 4; i++) {
        qn_thread_join(threads[i]);
        acknowledged += contenders[i].acknowledged;
    }
    assert_int_equal(acknowledged, 20);
    assert_int_equal(rows_of(store, "t"), 20 * BLOCK_ROWS);
    qn_store_close(store);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_committed_is_found_again),
        cmocka_unit_test(a_database_in_memory_needs_no_directory),
        cmocka_unit_test(a_snapshot_does_not_change),
        cmocka_unit_test(unchanged_blocks_are_shared_between_snapshots),
        cmocka_unit_test(blocks_follow_their_sequence),
        cmocka_unit_test(an_aborted_change_leaves_nothing),
        cmocka_unit_test(what_is_not_a_database_is_left_alone),
        cmocka_unit_test(blocks_without_a_manifest_are_damage),
        cmocka_unit_test(one_writer_or_many_readers),
        cmocka_unit_test(no_flipped_bit_goes_unnoticed),
        cmocka_unit_test(a_newer_format_is_refused),
        cmocka_unit_test(a_lost_or_foreign_block_is_noticed),
        cmocka_unit_test(leftovers_of_a_crash_are_removed_by_the_next_writer),
        cmocka_unit_test(creating_a_table_checks_its_columns),
        cmocka_unit_test(a_failing_call_leaves_old_or_new),
        cmocka_unit_test(a_failing_allocation_leaves_old_or_new),
        cmocka_unit_test(a_failed_sync_ends_writing),
        cmocka_unit_test(a_full_disk_is_survived),
        cmocka_unit_test(a_crash_leaves_a_prefix_with_all_acknowledged_commits),
        cmocka_unit_test(a_writer_after_a_killed_one_keeps_what_the_disk_may_name),
        cmocka_unit_test(a_commit_in_a_directory_made_beforehand_is_durable),
        cmocka_unit_test(a_block_directory_made_anew_is_durable_before_it_is_needed),
        cmocka_unit_test(a_block_of_other_types_than_its_table_is_refused),
        cmocka_unit_test(a_relative_path_is_meant_from_where_it_was_given),
        cmocka_unit_test(writers_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
