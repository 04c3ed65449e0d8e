/* One contract, run against the real file system, the one in memory, and the latter below a fault
 * layer that does nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "os/vfs.h"

typedef struct world {
    qn_mem  mem;
    qn_vfs *memory, *fault, *vfs;
    char    dir[64];
} world;

enum { POSIX, MEMORY, FAULT, KINDS };

static void world_init(world *w, int kind)
{
    memset(w, 0, sizeof *w);
    qn_mem_init(&w->mem, NULL, 0);
    assert_int_equal(qn_vfs_memory_new(&w->mem, &w->memory, NULL), QN_OK);
    assert_int_equal(qn_vfs_fault_new(&w->mem, w->memory, &w->fault, NULL), QN_OK);
    strcpy(w->dir, "dir");
    w->vfs = kind == POSIX ? qn_vfs_posix() : kind == MEMORY ? w->memory : w->fault;
    if (kind == POSIX) {
        strcpy(w->dir, "/tmp/qn-vfs-XXXXXX");
        assert_non_null(mkdtemp(w->dir));
    } else {
        assert_int_equal(w->vfs->mkdir(w->vfs, w->dir, NULL), QN_OK);
    }
}

static bool remove_name(void *arg, const char *name)
{
    world *w = arg;
    char   path[512];
    snprintf(path, sizeof path, "%s/%s", w->dir, name);
    if (w->vfs->unlink(w->vfs, path, NULL) != QN_OK)
        assert_int_equal(w->vfs->rmdir(w->vfs, path, NULL), QN_OK);
    return true;
}

static void world_deinit(world *w)
{
    assert_int_equal(w->vfs->list(w->vfs, w->dir, remove_name, w, NULL), QN_OK);
    assert_int_equal(w->vfs->rmdir(w->vfs, w->dir, NULL), QN_OK);
    qn_vfs_fault_free(w->fault);
    qn_vfs_memory_free(w->memory);
    assert_int_equal(w->mem.used_bytes, 0);
}

static const char *in(const world *w, const char *name)
{
    static char path[4][128];
    static int  turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", w->dir, name);
    return path[turn];
}

#define EACH_KIND(w)                                                                               \
    (void)state;                                                                                   \
    world w;                                                                                       \
    for (int kind = 0; kind < KINDS && (world_init(&w, kind), true); world_deinit(&w), kind++)

static qn_file *must_open(world *w, const char *name, qn_open_mode mode)
{
    qn_file *file;
    qn_error err = {0};
    if (w->vfs->open(w->vfs, in(w, name), mode, &file, &err) != QN_OK)
        fail_msg("%s", err.message);
    return file;
}

static void expect_error(qn_status st, qn_error *err, const char *sqlstate, const char *words)
{
    assert_int_not_equal(st, QN_OK);
    assert_int_equal(st, err->status);
    assert_string_equal(err->sqlstate, sqlstate);
    if (!strstr(err->message, words))
        fail_msg("message is: %s", err->message);
    qn_error_clear(err);
}

static void open_modes_differ_in_what_must_exist(void **state)
{
    EACH_KIND(w)
    {
        qn_error err  = {0};
        qn_file *file = NULL;
        expect_error(w.vfs->open(w.vfs, in(&w, "x"), QN_OPEN_READ, &file, &err), &err, "58P01", "for reading: No such file");
        expect_error(w.vfs->open(w.vfs, in(&w, "x"), QN_OPEN_WRITE, &file, &err), &err, "58P01", "for writing");
        assert_null(file);
        w.vfs->close(w.vfs, must_open(&w, "x", QN_OPEN_CREATE_NEW));
        expect_error(w.vfs->open(w.vfs, in(&w, "x"), QN_OPEN_CREATE_NEW, &file, &err), &err, "58P02", "could not create");
        file = must_open(&w, "x", QN_OPEN_CREATE);
        assert_int_equal(w.vfs->write(w.vfs, file, 0, "abc", 3, NULL), QN_OK);
        w.vfs->close(w.vfs, file);
        uint64_t bytes = 99;
        file           = must_open(&w, "x", QN_OPEN_WRITE);
        assert_int_equal(w.vfs->file_bytes(w.vfs, file, &bytes, NULL), QN_OK);
        assert_int_equal(bytes, 3);
        w.vfs->close(w.vfs, file);
        file = must_open(&w, "x", QN_OPEN_TRUNCATE);
        assert_int_equal(w.vfs->file_bytes(w.vfs, file, &bytes, NULL), QN_OK);
        assert_int_equal(bytes, 0);
        w.vfs->close(w.vfs, file);
        file = must_open(&w, "x", QN_OPEN_READ);
        expect_error(w.vfs->write(w.vfs, file, 0, "abc", 3, &err), &err, "58030", "Bad file descriptor");
        w.vfs->close(w.vfs, file);
        w.vfs->close(w.vfs, NULL);
        expect_error(w.vfs->open(w.vfs, w.dir, QN_OPEN_READ, &file, &err), &err, "42809", "is a directory");
        expect_error(w.vfs->open(w.vfs, w.dir, QN_OPEN_TRUNCATE, &file, &err), &err, "42809", "is a directory");
    }
}

static void reads_end_where_the_file_ends(void **state)
{
    EACH_KIND(w)
    {
        char     text[16] = {0};
        size_t   got      = 0;
        qn_file *file     = must_open(&w, "f", QN_OPEN_CREATE);
        assert_int_equal(w.vfs->write(w.vfs, file, 0, "hello", 5, NULL), QN_OK);
        assert_int_equal(w.vfs->write(w.vfs, file, 8, "xy", 2, NULL), QN_OK); /* a gap of zeros */
        assert_int_equal(w.vfs->read(w.vfs, file, 0, text, sizeof text, &got, NULL), QN_OK);
        assert_int_equal(got, 10);
        assert_memory_equal(text, "hello\0\0\0xy", 10);
        assert_int_equal(w.vfs->read(w.vfs, file, 9, text, 5, &got, NULL), QN_OK);
        assert_int_equal(got, 1);
        assert_int_equal(w.vfs->read(w.vfs, file, 100, text, 5, &got, NULL), QN_OK);
        assert_int_equal(got, 0);
        assert_int_equal(w.vfs->truncate(w.vfs, file, 3, NULL), QN_OK);
        assert_int_equal(w.vfs->allocate(w.vfs, file, 6, NULL), QN_OK);
        assert_int_equal(w.vfs->read(w.vfs, file, 0, text, sizeof text, &got, NULL), QN_OK);
        assert_int_equal(got, 6);
        assert_memory_equal(text, "hel\0\0\0", 6); /* what was cut off does not come back */
        assert_int_equal(w.vfs->sync(w.vfs, file, NULL), QN_OK);
        w.vfs->close(w.vfs, file);
        /* Streams go on where the last call stopped. */
        file = must_open(&w, "s", QN_OPEN_TRUNCATE);
        assert_int_equal(w.vfs->write(w.vfs, file, QN_STREAM, "abc", 3, NULL), QN_OK);
        assert_int_equal(w.vfs->write(w.vfs, file, QN_STREAM, "def", 3, NULL), QN_OK);
        w.vfs->close(w.vfs, file);
        file = must_open(&w, "s", QN_OPEN_READ);
        assert_int_equal(w.vfs->read(w.vfs, file, QN_STREAM, text, 4, &got, NULL), QN_OK);
        assert_memory_equal(text, "abcd", 4);
        assert_int_equal(w.vfs->read(w.vfs, file, QN_STREAM, text, 4, &got, NULL), QN_OK);
        assert_int_equal(got, 2);
        assert_memory_equal(text, "ef", 2);
        w.vfs->close(w.vfs, file);
    }
}

static void maps_outlive_names_and_growth(void **state)
{
    EACH_KIND(w)
    {
        qn_error err  = {0};
        qn_map   map  = {0}, part = {0}, empty = {0};
        qn_file *file = must_open(&w, "f", QN_OPEN_CREATE);
        assert_int_equal(w.vfs->write(w.vfs, file, 0, "0123456789", 10, NULL), QN_OK);
        assert_int_equal(w.vfs->map(w.vfs, file, 10, &map, NULL), QN_OK);
        assert_int_equal(w.vfs->map(w.vfs, file, 4, &part, NULL), QN_OK);
        assert_int_equal(w.vfs->map(w.vfs, file, 0, &empty, NULL), QN_OK);
        expect_error(w.vfs->map(w.vfs, file, 11, &(qn_map){0}, &err), &err, "XX001", "truncated: 11 bytes expected, 10 found");
        char *large = qn_alloc0(&w.mem, 100000);
        assert_int_equal(w.vfs->write(w.vfs, file, 10, large, 100000, NULL), QN_OK);
        qn_free(&w.mem, large, 100000);
        w.vfs->close(w.vfs, file);
        assert_int_equal(w.vfs->unlink(w.vfs, in(&w, "f"), NULL), QN_OK);
        assert_int_equal(map.bytes, 10);
        assert_memory_equal(map.data, "0123456789", 10);
        assert_memory_equal(part.data, "0123", 4);
        assert_int_equal(empty.bytes, 0);
        /* Expecting changes nothing, whatever part it speaks of. */
        w.vfs->expect(w.vfs, &map, 0, map.bytes);
        w.vfs->expect(w.vfs, &map, map.bytes - 1, 1);
        w.vfs->expect(w.vfs, &map, 1, UINT64_MAX);
        w.vfs->expect(w.vfs, &map, map.bytes, 1);
        w.vfs->expect(w.vfs, &map, UINT64_MAX, UINT64_MAX);
        w.vfs->expect(w.vfs, &part, 0, 0);
        w.vfs->expect(w.vfs, &empty, 0, 1);
        assert_memory_equal(map.data, "0123456789", 10);
        w.vfs->unmap(w.vfs, &map);
        w.vfs->unmap(w.vfs, &part);
        w.vfs->unmap(w.vfs, &empty);
        w.vfs->unmap(w.vfs, &empty); /* unmapping nothing is allowed */
    }
}

static bool append_name(void *arg, const char *name)
{
    strcat(arg, name);
    strcat(arg, " ");
    return true;
}

static bool only_first(void *arg, const char *name)
{
    strcat(arg, name);
    return false;
}

static void names_are_listed_in_order(void **state)
{
    EACH_KIND(w)
    {
        qn_error err       = {0};
        qn_stat  info      = {0};
        char     text[128] = "";
        assert_int_equal(w.vfs->mkdir(w.vfs, in(&w, "sub"), NULL), QN_OK);
        assert_int_equal(w.vfs->mkdir(w.vfs, in(&w, "sub"), NULL), QN_OK); /* existing is fine */
        w.vfs->close(w.vfs, must_open(&w, "sub/below", QN_OPEN_CREATE));
        w.vfs->close(w.vfs, must_open(&w, "b", QN_OPEN_CREATE));
        w.vfs->close(w.vfs, must_open(&w, "B", QN_OPEN_CREATE));
        w.vfs->close(w.vfs, must_open(&w, "a", QN_OPEN_CREATE));
        assert_int_equal(w.vfs->list(w.vfs, w.dir, append_name, text, NULL), QN_OK);
        assert_string_equal(text, "B a b sub ");
        text[0] = 0;
        assert_int_equal(w.vfs->list(w.vfs, w.dir, only_first, text, NULL), QN_OK);
        assert_string_equal(text, "B");
        expect_error(w.vfs->list(w.vfs, in(&w, "none"), append_name, text, &err), &err, "58P01", "could not open directory");
        expect_error(w.vfs->list(w.vfs, in(&w, "a"), append_name, text, &err), &err, "42809", "Not a directory");
        expect_error(w.vfs->mkdir(w.vfs, in(&w, "a"), &err), &err, "58P02", "could not create directory");
        expect_error(w.vfs->mkdir(w.vfs, in(&w, "none/x"), &err), &err, "58P01", "could not create directory");
        expect_error(w.vfs->rmdir(w.vfs, in(&w, "sub"), &err), &err, "58030", "not empty");
        assert_int_equal(w.vfs->stat(w.vfs, in(&w, "sub"), &info, NULL), QN_OK);
        assert_true(info.is_directory && !info.is_regular);
        assert_int_equal(w.vfs->stat(w.vfs, in(&w, "./a"), &info, NULL), QN_OK);
        assert_true(!info.is_directory && info.is_regular);
        expect_error(w.vfs->stat(w.vfs, in(&w, "none"), &info, &err), &err, "58P01", "none");
        assert_int_equal(w.vfs->unlink(w.vfs, in(&w, "none"), NULL), QN_OK); /* missing is fine */
        assert_int_equal(w.vfs->unlink(w.vfs, in(&w, "sub/below"), NULL), QN_OK);
        assert_int_equal(w.vfs->sync_dir(w.vfs, w.dir, NULL), QN_OK);
        expect_error(w.vfs->sync_dir(w.vfs, in(&w, "none"), &err), &err, "58P01", "none");
    }
}

static void publishing_replaces_a_file_at_once(void **state)
{
    EACH_KIND(w)
    {
        void    *data  = NULL;
        size_t   bytes = 0;
        qn_error err   = {0};
        char     names[64] = "";
        assert_int_equal(qn_vfs_publish(w.vfs, w.dir, "M", "first", 5, NULL), QN_OK);
        w.vfs->close(w.vfs, must_open(&w, "M.tmp", QN_OPEN_CREATE)); /* left by a crash */
        assert_int_equal(qn_vfs_publish(w.vfs, w.dir, "M", "second", 6, NULL), QN_OK);
        assert_int_equal(qn_vfs_read_file(w.vfs, in(&w, "M"), &w.mem, 100, &data, &bytes, NULL), QN_OK);
        assert_int_equal(bytes, 6);
        assert_string_equal(data, "second"); /* a NUL is added */
        qn_free(&w.mem, data, bytes + 1);
        assert_int_equal(w.vfs->list(w.vfs, w.dir, append_name, names, NULL), QN_OK);
        assert_string_equal(names, "M ");
        expect_error(qn_vfs_read_file(w.vfs, in(&w, "M"), &w.mem, 5, &data, &bytes, &err), &err, "54000", "too large");
        expect_error(qn_vfs_publish(w.vfs, in(&w, "none"), "M", "x", 1, &err), &err, "58P01", "M.tmp");
        expect_error(w.vfs->rename(w.vfs, in(&w, "none"), in(&w, "M"), &err), &err, "58P01", "could not rename");
    }
}

static void locks_are_held_per_open_file(void **state)
{
    EACH_KIND(w)
    {
        qn_error err    = {0};
        qn_file *first  = must_open(&w, "L", QN_OPEN_CREATE);
        qn_file *second = must_open(&w, "L", QN_OPEN_WRITE);
        assert_int_equal(w.vfs->lock(w.vfs, first, false, NULL), QN_OK);
        assert_int_equal(w.vfs->lock(w.vfs, second, false, NULL), QN_OK);
        expect_error(w.vfs->lock(w.vfs, second, true, &err), &err, "55006", "locked by another process");
        w.vfs->close(w.vfs, first);
        assert_int_equal(w.vfs->lock(w.vfs, second, true, NULL), QN_OK); /* raised, now that it is alone */
        first = must_open(&w, "L", QN_OPEN_READ);
        expect_error(w.vfs->lock(w.vfs, first, false, &err), &err, "55006", "locked");
        w.vfs->close(w.vfs, second);
        assert_int_equal(w.vfs->lock(w.vfs, first, false, NULL), QN_OK);
        w.vfs->close(w.vfs, first);
    }
}

/* Only the real one: modes, and a name in every message about an open file. */
static void files_of_a_database_are_private(void **state)
{
    (void)state;
    world       w;
    struct stat info;
    qn_error    err = {0};
    world_init(&w, POSIX);
    mode_t   mask = umask(022);
    qn_file *file = must_open(&w, "private", QN_OPEN_CREATE);
    assert_int_equal(stat(in(&w, "private"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    w.vfs->close(w.vfs, file);
    w.vfs->close(w.vfs, must_open(&w, "export", QN_OPEN_TRUNCATE));
    assert_int_equal(stat(in(&w, "export"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0644);
    file = must_open(&w, "private", QN_OPEN_READ);
    expect_error(w.vfs->truncate(w.vfs, file, 5, &err), &err, "58030", "/private\"");
    w.vfs->close(w.vfs, file);
    umask(mask);
    world_deinit(&w);
}

/* A device that is always full, where there is one. */
static void a_full_device_is_53100(void **state)
{
    (void)state;
    qn_vfs  *vfs  = qn_vfs_posix();
    qn_file *file = NULL;
    qn_error err  = {0};
    if (access("/dev/full", W_OK) != 0)
        skip();
    assert_int_equal(vfs->open(vfs, "/dev/full", QN_OPEN_WRITE, &file, NULL), QN_OK);
    expect_error(vfs->write(vfs, file, QN_STREAM, "x", 1, &err), &err, "53100", "/dev/full");
    vfs->close(vfs, file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_modes_differ_in_what_must_exist),
        cmocka_unit_test(reads_end_where_the_file_ends),
        cmocka_unit_test(maps_outlive_names_and_growth),
        cmocka_unit_test(names_are_listed_in_order),
        cmocka_unit_test(publishing_replaces_a_file_at_once),
        cmocka_unit_test(locks_are_held_per_open_file),
        cmocka_unit_test(files_of_a_database_are_private),
        cmocka_unit_test(a_full_device_is_53100),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
