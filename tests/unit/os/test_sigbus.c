/* A file that shrinks under its mapping: the reader lives on, and is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/thread.h"
#include "os/vfs.h"

static char             path[64];
static size_t           page;
static struct sigaction ours;

/* cmocka puts handlers of its own around every test; this takes its place for the test's time. */
#define WITH_OUR_HANDLER()                                                                         \
    (void)state;                                                                                   \
    struct sigaction cmockas;                                                                      \
    sigaction(SIGBUS, &ours, &cmockas)
#define RESTORE_HANDLER() sigaction(SIGBUS, &cmockas, NULL)

static void make_file(size_t pages)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    for (size_t i = 0; i < pages * page; i += 4) {
        uint32_t word = 0x01010101;
        assert_int_equal(pwrite(fd, &word, 4, (off_t)i), 4);
    }
    close(fd);
}

static void map_file(qn_map *map)
{
    qn_vfs  *vfs = qn_vfs_posix();
    qn_file *file;
    uint64_t bytes;
    assert_int_equal(vfs->open(vfs, path, QN_OPEN_READ, &file, NULL), QN_OK);
    assert_int_equal(vfs->file_bytes(vfs, file, &bytes, NULL), QN_OK);
    assert_int_equal(vfs->map(vfs, file, bytes, map, NULL), QN_OK);
    vfs->close(vfs, file);
}

static int byte_at(const qn_map *map, size_t at)
{
    return ((const volatile char *)map->data)[at];
}

static void a_lost_page_reads_as_zeros_and_marks_its_map(void **state)
{
    WITH_OUR_HANDLER();
    qn_vfs *vfs = qn_vfs_posix();
    qn_map  whole, again;
    make_file(3);
    map_file(&whole);
    assert_int_equal(byte_at(&whole, 2 * page + 7), 1);
    assert_false(qn_map_damaged(&whole));
    assert_int_equal(truncate(path, (off_t)page), 0);
    assert_int_equal(byte_at(&whole, 0), 1); /* what is still there is still read */
    assert_false(qn_map_damaged(&whole));
    assert_int_equal(byte_at(&whole, 2 * page + 7), 0);
    assert_true(qn_map_damaged(&whole));
    map_file(&again);
    assert_false(qn_map_damaged(&again)); /* the mark is the map's, not the file's */
    vfs->unmap(vfs, &again);
    vfs->unmap(vfs, &whole);
    assert_false(qn_map_damaged(&whole)); /* an empty map is well */
    RESTORE_HANDLER();
}

typedef struct toucher {
    const qn_map *map;
    int           sum;
} toucher;

static void touch(void *arg)
{
    toucher *t = arg;
    for (size_t at = 0; at < t->map->bytes; at += page)
        t->sum += byte_at(t->map, at);
}

static void many_threads_may_meet_the_same_page(void **state)
{
    WITH_OUR_HANDLER();
    qn_vfs   *vfs = qn_vfs_posix();
    qn_map    map;
    qn_thread threads[4];
    toucher   touchers[4];
    make_file(64);
    map_file(&map);
    assert_int_equal(truncate(path, (off_t)(16 * page)), 0);
    for (int i = 0; i < 4; i++) {
        touchers[i] = (toucher){&map, 0};
        assert_int_equal(qn_thread_start(&threads[i], 0, touch, &touchers[i], NULL), QN_OK);
    }
    for (int i = 0; i < 4; i++) {
        qn_thread_join(threads[i]);
        assert_int_equal(touchers[i].sum, 16);
    }
    assert_true(qn_map_damaged(&map));
    vfs->unmap(vfs, &map);
    RESTORE_HANDLER();
}

static sigjmp_buf out;

static void earlier_handler(int number)
{
    (void)number;
    siglongjmp(out, 1);
}

/* Faults on memory that is not ours belong to whoever handled them before. */
static void other_faults_go_to_the_earlier_handler(void **state)
{
    WITH_OUR_HANDLER();
    make_file(2);
    int fd = open(path, O_RDONLY);
    const volatile char *theirs = mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(theirs != MAP_FAILED);
    assert_int_equal(truncate(path, 0), 0);
    if (sigsetjmp(out, 1) == 0) {
        (void)theirs[page];
        fail_msg("the page was there");
    }
    munmap((void *)(uintptr_t)theirs, 2 * page);
    close(fd);
    RESTORE_HANDLER();
}

int main(void)
{
    struct sigaction earlier = {.sa_handler = earlier_handler};
    sigaction(SIGBUS, &earlier, NULL);
    page = (size_t)sysconf(_SC_PAGESIZE);
    snprintf(path, sizeof path, "/tmp/qn-sigbus-%ld", (long)getpid());
    make_file(1);
    qn_map map; /* the first map installs our handler behind the earlier one */
    map_file(&map);
    qn_vfs_posix()->unmap(qn_vfs_posix(), &map);
    sigaction(SIGBUS, NULL, &ours);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_page_reads_as_zeros_and_marks_its_map),
        cmocka_unit_test(many_threads_may_meet_the_same_page),
        cmocka_unit_test(other_faults_go_to_the_earlier_handler),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
