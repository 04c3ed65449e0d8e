/* Several files in one load, and the patterns that name them. */
#include "load_fixture.h"

static void test_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *name;
        bool        match;
    } cases[] = {
        {"*.csv", "a.csv", true},        {"*.csv", "a.csv.gz", false}, {"*", "", true},
        {"*", ".hidden", false},         {".*", ".hidden", true},      {"a?c", "abc", true},
        {"a?c", "ac", false},            {"[a-c]x", "bx", true},       {"[!a-c]x", "bx", false},
        {"[!a-c]x", "dx", true},         {"[]x]", "]", true},          {"[ab", "[ab", true},
        {"*a*b*c", "xxaxxbxxbc", true},  {"*a*b*c", "xxaxxcxxb", false}, {"part-*", "part-", true},
        {"a*", "b", false},              {"", "", true},               {"", "a", false},
        {"*b", "abab", true},            {"[a-", "[a-", true},         {"?", "é", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool got = qn_glob_match(cases[i].pattern, strlen(cases[i].pattern), cases[i].name);
        if (got != cases[i].match)
            print_message("%s %s\n", cases[i].pattern, cases[i].name);
        assert_int_equal(got, cases[i].match);
    }
}

static void write_file(qn_vfs *vfs, const char *path, const char *text)
{
    qn_file *file;
    qn_error err = {0};
    assert_int_equal(vfs->open(vfs, path, QN_OPEN_CREATE, &file, &err), QN_OK);
    assert_int_equal(vfs->write(vfs, file, 0, text, strlen(text), &err), QN_OK);
    vfs->close(vfs, file);
}

typedef struct world { /* a table, and files in memory */
    fixture f;
    qn_mem  mem;
    qn_vfs *vfs;
    qn_env  env;
} world;

static void world_open(world *w, const char *columns)
{
    fixture_open(&w->f, columns);
    qn_mem_init(&w->mem, NULL, 0);
    assert_int_equal(qn_vfs_memory_new(&w->mem, &w->vfs, &w->f.err), QN_OK);
    w->env = w->f.env;
    w->env.vfs = w->vfs;
    w->f.job.env = &w->env;
}

static void world_close(world *w)
{
    fixture_close(&w->f);
    qn_vfs_memory_free(w->vfs);
    qn_mem_deinit(&w->mem);
}

/* Files by pattern, loaded. */
static qn_status load(world *w, const char *pattern)
{
    qn_arena       arena;
    qn_load_source source = {0};
    qn_arena_init(&arena, &w->mem);
    qn_error_clear(&w->f.err);
    qn_status st = qn_glob(&w->env, pattern, &arena, &source.paths, &source.path_count, &w->f.err);
    if (st == QN_OK)
        st = fixture_run(&w->f, &source);
    qn_arena_deinit(&arena);
    return st;
}

static void test_order_of_names(void **state)
{
    (void)state;
    world    w;
    qn_error err = {0};
    world_open(&w, "a text");
    assert_int_equal(w.vfs->mkdir(w.vfs, "d", &err), QN_OK);
    assert_int_equal(w.vfs->mkdir(w.vfs, "d/x.tsv", &err), QN_OK); /* a directory is no file */
    assert_int_equal(w.vfs->mkdir(w.vfs, "d/sub", &err), QN_OK);
    write_file(w.vfs, "d/b.tsv", "b\n");
    write_file(w.vfs, "d/a.tsv", "a\n");
    write_file(w.vfs, "d/a10.tsv", "a10\n");
    write_file(w.vfs, "d/.h.tsv", "hidden\n");
    write_file(w.vfs, "d/sub/c.tsv", "c\n");
    write_file(w.vfs, "d/[b].tsv", "brackets\n");
    assert_int_equal(load(&w, "d/*.tsv"), QN_OK);
    expect_rows(&w.f, "brackets\na\na10\nb\n");
    assert_int_equal(load(&w, "*/*/*.tsv"), QN_OK);
    expect_rows(&w.f, "c\n");
    /* what exists as it is written is no pattern */
    assert_int_equal(load(&w, "d/[b].tsv"), QN_OK);
    expect_rows(&w.f, "brackets\n");
    assert_int_equal(load(&w, "d/[ab].tsv"), QN_OK);
    expect_rows(&w.f, "a\nb\n");
    assert_int_equal(load(&w, "d/z*.tsv"), QN_IO);
    assert_string_equal(w.f.err.message, "no file matches \"d/z*.tsv\"");
    assert_string_equal(w.f.err.sqlstate, "58P01");
    assert_int_equal(load(&w, "nowhere/*.tsv"), QN_IO);
    assert_string_equal(w.f.err.message, "no file matches \"nowhere/*.tsv\"");
    world_close(&w);
}

/* Each file has its own line ends, header and end marker; rows of several share a block. */
static void test_each_file_begins_afresh(void **state)
{
    (void)state;
    world w;
    world_open(&w, "a integer, b text");
    fixture_csv(&w.f);
    w.f.job.options.header = true;
    write_file(w.vfs, "1.csv", "a,b\n1,one\n2,two");      /* the last line has no end */
    write_file(w.vfs, "2.csv", "a,b\r\n3,three\r\n");     /* other line ends */
    write_file(w.vfs, "3.csv", "");                       /* not even a header */
    write_file(w.vfs, "4.csv", "a,b\n");
    write_file(w.vfs, "5.csv", "a,b\n4,four\n\\.\nnot,read\n");
    write_file(w.vfs, "6.csv", "a,b\n5,five\n");
    for (int threads = 1; threads <= 8; threads *= 2) {
        w.f.job.threads = threads;
        assert_int_equal(load(&w, "?.csv"), QN_OK);
        char *rows = fixture_rows(&w.f, true);
        assert_string_equal(rows, "#\n1|one\n2|two\n3|three\n4|four\n5|five\n");
        free(rows);
        assert_int_equal(w.f.rows, 5);
    }
    world_close(&w);
}

/* The first bad row of the first bad file, whatever the number of threads. */
static void test_errors_name_the_file(void **state)
{
    (void)state;
    world w;
    world_open(&w, "a integer, b text");
    write_file(w.vfs, "1.tsv", "1\tx\n2\ty\n");
    write_file(w.vfs, "2.tsv", "3\tx\nfour\ty\n");
    write_file(w.vfs, "3.tsv", "bad\tx\n");
    for (int threads = 1; threads <= 8; threads *= 2) {
        w.f.job.threads = threads;
        assert_int_equal(load(&w, "?.tsv"), QN_ERROR);
        assert_string_equal(w.f.err.message, "invalid input syntax for type integer: \"four\"");
        assert_string_equal(w.f.err.detail, "COPY t, file \"2.tsv\", line 2, column a: \"four\"");
        expect_rows(&w.f, "");
    }
    write_file(w.vfs, "0.tsv", "1\tx\n\\.z\n"); /* found by the reader, not by a worker */
    assert_int_equal(load(&w, "?.tsv"), QN_ERROR);
    assert_string_equal(w.f.err.detail, "COPY t, file \"0.tsv\", line 2");
    world_close(&w);
}

static bool progress(void *arg, double fraction)
{
    double *last = arg;
    assert_true(fraction >= 0 && fraction <= 1);
    *last = fraction;
    return true;
}

/* Enough files that the chunks and tasks of the load go round, one of them longer than a chunk. */
static void test_many_files(void **state)
{
    (void)state;
    world  w;
    qn_buf text, expected;
    char   path[32];
    double seen = 0;
    world_open(&w, "a integer, b text");
    qn_buf_init(&text, &w.mem);
    qn_buf_init(&expected, &w.mem);
    for (int i = 0; i < 200; i++) {
        qn_buf_clear(&text);
        int rows = i == 100 ? 300000 : i % 7;
        for (int k = 0; k < rows; k++)
            qn_buf_printf(&text, "%d\tsome text of row %d\n", i, k % 100);
        for (int k = 0; k < rows; k++)
            qn_buf_printf(&expected, "%d|some text of row %d\n", i, k % 100);
        snprintf(path, sizeof path, "f%03d.tsv", i);
        write_file(w.vfs, path, text.data ? text.data : "");
    }
    w.f.job.progress = progress;
    w.f.job.progress_arg = &seen;
    for (int threads = 1; threads <= 4; threads *= 4) {
        w.f.job.threads = threads;
        assert_int_equal(load(&w, "f*.tsv"), QN_OK);
        expect_rows(&w.f, expected.data);
    }
    qn_buf_deinit(&text);
    qn_buf_deinit(&expected);
    world_close(&w);
}

/* A file that vanishes between the listing and its turn. */
static void test_a_file_that_is_gone(void **state)
{
    (void)state;
    world             w;
    const char *const paths[] = {"1.tsv", "2.tsv", "3.tsv"};
    qn_load_source    source = {.paths = paths, .path_count = 3};
    world_open(&w, "a integer");
    write_file(w.vfs, "1.tsv", "1\n");
    write_file(w.vfs, "3.tsv", "3\n");
    for (int threads = 1; threads <= 2; threads++) {
        w.f.job.threads = threads;
        assert_int_equal(fixture_run(&w.f, &source), QN_IO);
        assert_string_equal(w.f.err.message, "could not open file \"2.tsv\" for reading: No such file or directory");
        assert_string_equal(w.f.err.detail, "");
    }
    write_file(w.vfs, "1.tsv", "x\n"); /* comes first */
    assert_int_equal(fixture_run(&w.f, &source), QN_ERROR);
    assert_string_equal(w.f.err.detail, "COPY t, file \"1.tsv\", line 1, column a: \"x\"");
    world_close(&w);
}

static void test_every_allocation_fails_once(void **state)
{
    (void)state;
    world w;
    world_open(&w, "a integer, b text");
    for (int i = 0; i < 3; i++) {
        char path[32];
        snprintf(path, sizeof path, "%d.tsv", i);
        write_file(w.vfs, path, "1\tx\n2\ty\n");
    }
    for (uint64_t n = 1;; n++) {
        qn_arena       arena;
        qn_load_source source = {0};
        qn_arena_init(&arena, &w.mem);
        atomic_store(&w.mem.requests, 0);
        qn_error_clear(&w.f.err);
        atomic_store(&w.mem.fail_at, n);
        w.env.mem = &w.mem;
        qn_status st = qn_glob(&w.env, "*.tsv", &arena, &source.paths, &source.path_count, &w.f.err);
        bool      reached = atomic_load(&w.mem.requests) >= n;
        atomic_store(&w.mem.fail_at, 0);
        qn_arena_deinit(&arena);
        assert_int_equal(st, reached ? QN_NOMEM : QN_OK);
        if (!reached)
            break;
    }
    for (w.f.fail_nth = 1;; w.f.fail_nth++) { /* the load itself */
        w.env.mem = &w.f.mem;
        qn_status st = load(&w, "*.tsv");
        if (!w.f.failed) {
            assert_int_equal(st, QN_OK);
            break;
        }
        assert_int_equal(st, QN_NOMEM);
    }
    expect_rows(&w.f, "1|x\n2|y\n1|x\n2|y\n1|x\n2|y\n");
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_order_of_names),
        cmocka_unit_test(test_each_file_begins_afresh),
        cmocka_unit_test(test_errors_name_the_file),
        cmocka_unit_test(test_many_files),
        cmocka_unit_test(test_a_file_that_is_gone),
        cmocka_unit_test(test_every_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
