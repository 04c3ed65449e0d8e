/* What a power loss leaves of files in memory, and what ordered faults do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "os/vfs.h"

typedef struct world {
    qn_mem  mem;
    qn_vfs *vfs;
} world;

static void world_init(world *w)
{
    qn_mem_init(&w->mem, NULL, 0);
    assert_int_equal(qn_vfs_memory_new(&w->mem, &w->vfs, NULL), QN_OK);
}

static void world_deinit(world *w)
{
    qn_vfs_memory_free(w->vfs);
    assert_int_equal(w->mem.used_bytes, 0);
}

static void write_at(qn_vfs *vfs, qn_file *file, uint64_t offset, const char *text)
{
    assert_int_equal(vfs->write(vfs, file, offset, text, strlen(text), NULL), QN_OK);
}

/* The file as text, "-" when there is none. */
static void content_of(world *w, const char *path, char out[64])
{
    void  *data;
    size_t bytes;
    strcpy(out, "-");
    if (qn_vfs_read_file(w->vfs, path, &w->mem, 63, &data, &bytes, NULL) != QN_OK)
        return;
    memcpy(out, data, bytes + 1);
    for (size_t i = 0; i < bytes; i++)
        out[i] = out[i] ? out[i] : '.';
    qn_free(&w->mem, data, bytes + 1);
}

/* Collects different outcomes over many seeds. */
typedef struct outcomes {
    char   text[32][64];
    size_t count;
} outcomes;

static void outcome_add(outcomes *o, const char *text)
{
    for (size_t i = 0; i < o->count; i++) {
        if (strcmp(o->text[i], text) == 0)
            return;
    }
    assert_true(o->count < 32);
    strcpy(o->text[o->count++], text);
}

static bool outcome_has(const outcomes *o, const char *text)
{
    for (size_t i = 0; i < o->count; i++) {
        if (strcmp(o->text[i], text) == 0)
            return true;
    }
    return false;
}

static void synced_bytes_stay_others_may_not(void **state)
{
    (void)state;
    outcomes seen = {.count = 0};
    for (uint64_t seed = 0; seed < 100; seed++) {
        world    w;
        qn_file *file;
        char     text[64];
        world_init(&w);
        assert_int_equal(w.vfs->open(w.vfs, "f", QN_OPEN_CREATE, &file, NULL), QN_OK);
        write_at(w.vfs, file, 0, "synced");
        assert_int_equal(w.vfs->sync(w.vfs, file, NULL), QN_OK);
        assert_int_equal(w.vfs->sync_dir(w.vfs, ".", NULL), QN_OK);
        write_at(w.vfs, file, 0, "SY");
        write_at(w.vfs, file, 6, "++");
        qn_vfs_memory_crash(w.vfs, seed);
        w.vfs->close(w.vfs, file);
        content_of(&w, "f", text);
        outcome_add(&seen, text);
        world_deinit(&w);
    }
    assert_true(outcome_has(&seen, "synced"));
    assert_true(outcome_has(&seen, "SYnced"));
    assert_true(outcome_has(&seen, "synced++"));
    assert_true(outcome_has(&seen, "SYnced++"));
    assert_int_equal(seen.count, 4);
}

/* An overwritten pending write keeps its own bytes: the first may survive without the second. */
static void each_write_survives_with_its_own_bytes(void **state)
{
    (void)state;
    outcomes seen = {.count = 0};
    for (uint64_t seed = 0; seed < 100; seed++) {
        world    w;
        qn_file *file;
        char     text[64];
        world_init(&w);
        assert_int_equal(w.vfs->open(w.vfs, "f", QN_OPEN_CREATE, &file, NULL), QN_OK);
        assert_int_equal(w.vfs->sync_dir(w.vfs, ".", NULL), QN_OK);
        write_at(w.vfs, file, 0, "aaaa");
        write_at(w.vfs, file, 2, "bb");
        assert_int_equal(w.vfs->truncate(w.vfs, file, 1, NULL), QN_OK);
        qn_vfs_memory_crash(w.vfs, seed);
        w.vfs->close(w.vfs, file);
        content_of(&w, "f", text);
        outcome_add(&seen, text);
        world_deinit(&w);
    }
    assert_true(outcome_has(&seen, ""));
    assert_true(outcome_has(&seen, "aaaa"));
    assert_true(outcome_has(&seen, "aabb"));
    assert_true(outcome_has(&seen, "..bb"));
    assert_true(outcome_has(&seen, "a"));
    assert_true(outcome_has(&seen, "."));
    assert_int_equal(seen.count, 6);
}

/* A file's sync says nothing about its name. */
static void names_need_a_sync_of_their_directory(void **state)
{
    (void)state;
    outcomes seen = {.count = 0};
    for (uint64_t seed = 0; seed < 100; seed++) {
        world    w;
        qn_file *file;
        char     a[64], b[64], both[140];
        world_init(&w);
        assert_int_equal(w.vfs->open(w.vfs, "a", QN_OPEN_CREATE, &file, NULL), QN_OK);
        write_at(w.vfs, file, 0, "x");
        assert_int_equal(w.vfs->sync(w.vfs, file, NULL), QN_OK);
        assert_int_equal(w.vfs->rename(w.vfs, "a", "b", NULL), QN_OK);
        qn_vfs_memory_crash(w.vfs, seed);
        w.vfs->close(w.vfs, file);
        content_of(&w, "a", a);
        content_of(&w, "b", b);
        snprintf(both, sizeof both, "%s %s", a, b);
        outcome_add(&seen, both);
        world_deinit(&w);
    }
    assert_true(outcome_has(&seen, "- -"));
    assert_true(outcome_has(&seen, "x -"));
    assert_true(outcome_has(&seen, "- x"));
    assert_int_equal(seen.count, 3);
}

static void the_last_write_may_tear_at_a_sector(void **state)
{
    (void)state;
    bool torn = false, whole = false, lost = false;
    for (uint64_t seed = 0; seed < 200; seed++) {
        world    w;
        qn_file *file;
        qn_stat  info;
        char     sectors[2048];
        memset(sectors, 'x', sizeof sectors);
        world_init(&w);
        assert_int_equal(w.vfs->open(w.vfs, "f", QN_OPEN_CREATE, &file, NULL), QN_OK);
        assert_int_equal(w.vfs->sync_dir(w.vfs, ".", NULL), QN_OK);
        assert_int_equal(w.vfs->write(w.vfs, file, 0, sectors, sizeof sectors, NULL), QN_OK);
        qn_vfs_memory_crash(w.vfs, seed);
        w.vfs->close(w.vfs, file);
        assert_int_equal(w.vfs->stat(w.vfs, "f", &info, NULL), QN_OK);
        assert_int_equal(info.bytes % 512, 0);
        lost |= info.bytes == 0;
        torn |= info.bytes > 0 && info.bytes < sizeof sectors;
        whole |= info.bytes == sizeof sectors;
        world_deinit(&w);
    }
    assert_true(lost && torn && whole);
}

static void handles_and_maps_outlive_the_crash(void **state)
{
    (void)state;
    world    w;
    qn_file *file, *again;
    qn_map   map;
    qn_error err = {0};
    uint64_t bytes;
    world_init(&w);
    assert_int_equal(w.vfs->open(w.vfs, "f", QN_OPEN_CREATE, &file, NULL), QN_OK);
    assert_int_equal(w.vfs->lock(w.vfs, file, true, NULL), QN_OK);
    write_at(w.vfs, file, 0, "bytes");
    assert_int_equal(w.vfs->map(w.vfs, file, 5, &map, NULL), QN_OK);
    assert_int_equal(w.vfs->sync(w.vfs, file, NULL), QN_OK);
    assert_int_equal(w.vfs->sync_dir(w.vfs, ".", NULL), QN_OK);
    qn_vfs_memory_crash(w.vfs, 1);
    assert_int_equal(w.vfs->file_bytes(w.vfs, file, &bytes, &err), QN_IO);
    assert_memory_equal(map.data, "bytes", 5);
    assert_int_equal(w.vfs->open(w.vfs, "f", QN_OPEN_WRITE, &again, NULL), QN_OK);
    assert_int_equal(w.vfs->lock(w.vfs, again, true, NULL), QN_OK); /* the lock died with its holder */
    w.vfs->close(w.vfs, again);
    w.vfs->close(w.vfs, file);
    w.vfs->unmap(w.vfs, &map);
    world_deinit(&w);
}

/* A database in memory must not hold its blocks twice. */
static void a_synced_file_is_held_once(void **state)
{
    (void)state;
    world    w;
    qn_file *file;
    size_t   bytes = 1 << 20;
    world_init(&w);
    char *data = qn_alloc0(&w.mem, bytes);
    assert_int_equal(w.vfs->open(w.vfs, "f", QN_OPEN_CREATE, &file, NULL), QN_OK);
    uint64_t before = w.mem.used_bytes;
    assert_int_equal(w.vfs->write(w.vfs, file, 0, data, bytes, NULL), QN_OK);
    assert_int_equal(w.vfs->sync(w.vfs, file, NULL), QN_OK);
    assert_true(w.mem.used_bytes - before < bytes + 4096);
    w.vfs->close(w.vfs, file);
    qn_free(&w.mem, data, bytes);
    world_deinit(&w);
}

/* ---- ordered faults ------------------------------------------------------------------------- */

static qn_vfs *faulty(world *w, qn_fault_plan plan)
{
    qn_vfs *fault;
    assert_int_equal(qn_vfs_fault_new(&w->mem, w->vfs, &fault, NULL), QN_OK);
    qn_vfs_fault_plan(fault, plan);
    return fault;
}

static void the_nth_call_of_a_kind_fails(void **state)
{
    (void)state;
    world    w;
    qn_file *file;
    qn_error err = {0};
    world_init(&w);
    qn_vfs *f = faulty(&w, (qn_fault_plan){.op = QN_VFS_WRITE, .nth = 2, .effect = QN_FAULT_ENOSPC});
    assert_int_equal(f->open(f, "f", QN_OPEN_CREATE, &file, NULL), QN_OK);
    write_at(f, file, 0, "one");
    assert_false(qn_vfs_fault_hit(f));
    assert_int_equal(f->write(f, file, 3, "two", 3, &err), QN_IO);
    assert_string_equal(err.sqlstate, "53100");
    assert_true(qn_vfs_fault_hit(f));
    write_at(f, file, 3, "TWO"); /* once only */
    assert_int_equal(qn_vfs_fault_calls(f, QN_VFS_WRITE), 3);
    assert_int_equal(qn_vfs_fault_calls(f, -1), 4);
    qn_vfs_fault_plan(f, (qn_fault_plan){.op = -1, .nth = 2, .persist = true, .effect = QN_FAULT_EIO});
    assert_int_equal(f->sync(f, file, NULL), QN_OK);
    assert_int_equal(f->sync(f, file, NULL), QN_IO);
    assert_int_equal(f->write(f, file, 0, "x", 1, NULL), QN_IO);
    f->close(f, file);
    qn_vfs_fault_free(f);
    world_deinit(&w);
}

static void effects_falsify_what_they_say(void **state)
{
    (void)state;
    world    w;
    qn_file *file;
    char     text[64], buffer[2048];
    size_t   got;
    qn_stat  info;
    qn_map   map;
    world_init(&w);
    qn_vfs *f = faulty(&w, (qn_fault_plan){.op = QN_VFS_WRITE, .nth = 1, .effect = QN_FAULT_SHORT});
    assert_int_equal(f->open(f, "f", QN_OPEN_CREATE, &file, NULL), QN_OK);
    assert_int_equal(f->write(f, file, 0, "abcd", 4, NULL), QN_IO); /* half of it is there */
    content_of(&w, "f", text);
    assert_string_equal(text, "ab");

    qn_vfs_fault_plan(f, (qn_fault_plan){.op = QN_VFS_WRITE, .nth = 1, .effect = QN_FAULT_DROP});
    write_at(f, file, 0, "lost");
    content_of(&w, "f", text);
    assert_string_equal(text, "ab");

    qn_vfs_fault_plan(f, (qn_fault_plan){.op = QN_VFS_READ, .nth = 1, .effect = QN_FAULT_BIT_FLIP, .seed = 3});
    assert_int_equal(f->read(f, file, 0, buffer, 2, &got, NULL), QN_OK);
    int differing = __builtin_popcount((unsigned char)(buffer[0] ^ 'a')) + __builtin_popcount((unsigned char)(buffer[1] ^ 'b'));
    assert_int_equal(differing, 1);

    qn_vfs_fault_plan(f, (qn_fault_plan){.op = QN_VFS_MAP, .nth = 1, .effect = QN_FAULT_BIT_FLIP, .seed = 4});
    assert_int_equal(f->map(f, file, 2, &map, NULL), QN_OK);
    assert_memory_not_equal(map.data, "ab", 2);
    f->unmap(f, &map);
    content_of(&w, "f", text);
    assert_string_equal(text, "ab"); /* the file itself is well */

    qn_vfs_fault_plan(f, (qn_fault_plan){.op = QN_VFS_READ, .nth = 1, .effect = QN_FAULT_SHORT});
    assert_int_equal(f->read(f, file, 0, buffer, 2, &got, NULL), QN_OK);
    assert_int_equal(got, 1);

    bool torn = false;
    memset(buffer, 'x', sizeof buffer);
    for (uint64_t seed = 0; seed < 20; seed++) {
        assert_int_equal(f->truncate(f, file, 0, NULL), QN_OK);
        qn_vfs_fault_plan(f, (qn_fault_plan){.op = QN_VFS_WRITE, .nth = 1, .effect = QN_FAULT_TORN, .seed = seed});
        assert_int_equal(f->write(f, file, 0, buffer, sizeof buffer, NULL), QN_OK);
        assert_int_equal(f->stat(f, "f", &info, NULL), QN_OK);
        assert_int_equal(info.bytes % 512, 0);
        torn |= info.bytes < sizeof buffer;
    }
    assert_true(torn);

    qn_vfs_fault_plan(f, (qn_fault_plan){.op = QN_VFS_SYNC, .nth = 1, .effect = QN_FAULT_CRASH});
    assert_int_equal(f->stat(f, "f", &info, NULL), QN_OK);
    assert_int_equal(f->sync(f, file, NULL), QN_IO);
    assert_int_equal(f->stat(f, "f", &info, NULL), QN_IO); /* and so does everything after */
    assert_int_equal(f->unlink(f, "f", NULL), QN_IO);
    qn_vfs_fault_plan(f, (qn_fault_plan){0});
    assert_int_equal(f->stat(f, "f", &info, NULL), QN_OK);
    f->close(f, file);
    qn_vfs_fault_free(f);
    world_deinit(&w);
}

/* Every allocation of the memory file system may fail; what was there before stays as it was. */
static void refused_memory_changes_nothing(void **state)
{
    (void)state;
    bool failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        world    w;
        qn_file *file = NULL;
        char     text[64];
        world_init(&w);
        assert_int_equal(w.vfs->open(w.vfs, "f", QN_OPEN_CREATE, &file, NULL), QN_OK);
        write_at(w.vfs, file, 0, "before");
        assert_int_equal(w.vfs->sync(w.vfs, file, NULL), QN_OK);
        uint64_t start = w.mem.requests;
        atomic_store(&w.mem.fail_at, start + nth);
        qn_status st = w.vfs->write(w.vfs, file, 0, "AFTER!", 6, NULL);
        if (st == QN_OK)
            st = w.vfs->rename(w.vfs, "f", "g", NULL);
        if (st == QN_OK)
            st = w.vfs->mkdir(w.vfs, "d", NULL);
        if (st == QN_OK)
            st = w.vfs->sync_dir(w.vfs, ".", NULL);
        failed = w.mem.requests >= start + nth;
        atomic_store(&w.mem.fail_at, 0);
        assert_int_equal(st == QN_OK, !failed);
        assert_true(st == QN_OK || st == QN_NOMEM);
        char other[64];
        content_of(&w, "f", text);
        content_of(&w, "g", other);
        if (strcmp(text, "-") == 0)
            strcpy(text, other);
        assert_true(strcmp(text, "before") == 0 || strcmp(text, "AFTER!") == 0);
        w.vfs->close(w.vfs, file);
        world_deinit(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synced_bytes_stay_others_may_not),
        cmocka_unit_test(each_write_survives_with_its_own_bytes),
        cmocka_unit_test(names_need_a_sync_of_their_directory),
        cmocka_unit_test(the_last_write_may_tear_at_a_sector),
        cmocka_unit_test(handles_and_maps_outlive_the_crash),
        cmocka_unit_test(a_synced_file_is_held_once),
        cmocka_unit_test(the_nth_call_of_a_kind_fails),
        cmocka_unit_test(effects_falsify_what_they_say),
        cmocka_unit_test(refused_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
