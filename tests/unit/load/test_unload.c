/* COPY TO: quoting, files, compression; what is written loads again. */
#include "load_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

typedef struct sink {
    char   data[1 << 16];
    size_t bytes;
    bool   refuse;
} sink;

static bool sink_write(void *arg, const void *data, size_t bytes)
{
    sink *s = arg;
    if (s->refuse || s->bytes + bytes >= sizeof s->data)
        return false;
    memcpy(s->data + s->bytes, data, bytes);
    s->bytes += bytes;
    s->data[s->bytes] = 0;
    return true;
}

static const qn_type     types[] = {{QN_TYPE_INTEGER, -1}, {QN_TYPE_TEXT, -1}};
static const char *const names[] = {"a", "b,c"};

/* Two columns, the rows of `strings`; NULL where a string is NULL. */
static qn_status unload(fixture *f, const char *path, sink *out, const char *const *strings,
                        uint32_t rows)
{
    qn_status        st = QN_OK;
    qn_unload       *u = NULL;
    qn_text_settings set = {.extra_float_digits = 1};
    int32_t          numbers[64];
    qn_str           text[64];
    uint64_t         nulls = 0, done = 0;

    qn_error_clear(&f->err);
    for (uint32_t i = 0; i < rows; i++) {
        numbers[i] = (int32_t)i;
        text[i] = qn_str_lit(strings[i] ? strings[i] : "");
        nulls |= (uint64_t)!strings[i] << i;
    }
    QN_TRY(qn_unload_new(&f->env, &f->job.options, path, sink_write, out, types, names, 2, &set, &u,
                         &f->err));
    const void     *values[] = {numbers, text};
    const uint64_t *bits[] = {NULL, &nulls};
    QN_TRY(qn_unload_add(u, values, bits, rows, &f->err));
    QN_TRY(qn_unload_finish(u, &done, &f->err));
    assert_int_equal(done, rows);
done:
    qn_unload_free(u);
    return st;
}

static const char *const strings[] = {
    "plain", "a\tb\nc\\d\re\b\f\v\x01", NULL, "", "\\N", "say \"x\"", "x,y", "\\."};
#define ROWS 8u

static void test_text(void **state)
{
    (void)state;
    fixture f;
    sink    out = {.bytes = 0};
    fixture_open(&f, "a integer, b text");
    assert_int_equal(unload(&f, NULL, &out, strings, ROWS), QN_OK);
    assert_string_equal(
        out.data,
        "0\tplain\n1\ta\\tb\\nc\\\\d\\re\\b\\f\\v\x01\n2\t\\N\n3\t\n4\t\\\\N\n5\tsay \"x\"\n"
        "6\tx,y\n7\t\\\\.\n");
    fixture_close(&f);
}

static void test_csv(void **state)
{
    (void)state;
    fixture f;
    sink    out = {.bytes = 0};
    fixture_open(&f, "a integer, b text");
    fixture_csv(&f);
    f.job.options.header = true;
    assert_int_equal(unload(&f, NULL, &out, strings, ROWS), QN_OK);
    assert_string_equal(out.data,
                        "a,\"b,c\"\n0,plain\n1,\"a\tb\nc\\d\re\b\f\v\x01\"\n2,\n3,\"\"\n4,\\N\n"
                        "5,\"say \"\"x\"\"\"\n6,\"x,y\"\n7,\\.\n");
    /* Forced quotes leave NULL alone. */
    bool        force[] = {false, true};
    const char *two[] = {"x", NULL};
    f.job.options.header = false;
    f.job.options.force_quote = force;
    out.bytes = 0;
    assert_int_equal(unload(&f, NULL, &out, two, 2), QN_OK);
    assert_string_equal(out.data, "0,\"x\"\n1,\n");
    fixture_close(&f);
}

static void test_refused_output(void **state)
{
    (void)state;
    fixture f;
    sink    out = {.refuse = true};
    fixture_open(&f, "a integer, b text");
    assert_int_equal(unload(&f, NULL, &out, strings, 1), QN_IO);
    fixture_close(&f);
}

static char directory[] = "/tmp/quern-unload-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void test_files_load_again(void **state)
{
    (void)state;
    static const char *const files[] = {"x.tsv", "x.gz", "x.zst"};
    fixture                  f;
    fixture_open(&f, "a integer, b text");
    for (int csv = 0; csv < 2; csv++) {
        if (csv)
            fixture_csv(&f);
        for (size_t i = 0; i < QN_COUNTOF(files); i++) {
            const char *path = path_of(files[i]);
            /* In CSV the lone CR of the second row is fine inside quotes. */
            assert_int_equal(unload(&f, path, NULL, strings, ROWS), QN_OK);
            assert_int_equal(fixture_load_file(&f, path), QN_OK);
            expect_rows(
                &f,
                "0|plain\n1|a\tb\nc\\d\re\b\f\v\x01\n2|~\n3|\n4|\\N\n5|say \"x\"\n6|x,y\n7|\\.\n");
            unlink(path);
        }
    }
    fixture_close(&f);
}

static void test_failure_leaves_the_old_file(void **state)
{
    (void)state;
    fixture     f;
    qn_vfs     *fault;
    struct stat info;
    fixture_open(&f, "a integer, b text");
    assert_int_equal(qn_vfs_fault_new(&f.mem, qn_vfs_posix(), &fault, &f.err), QN_OK);
    const char *one[] = {"old"};
    const char *path = path_of("old.tsv");
    assert_int_equal(unload(&f, path, NULL, one, 1), QN_OK);
    f.env.vfs = fault;
    for (uint64_t n = 1;; n++) {
        qn_vfs_fault_plan(fault, (qn_fault_plan){.op = -1, .nth = n, .effect = QN_FAULT_EIO});
        qn_status st = unload(&f, path, NULL, strings, ROWS);
        if (!qn_vfs_fault_hit(fault))
            break;
        if (st != QN_OK)
            assert_int_equal(stat(path, &info),
                             0); /* the old one or, failing after the rename, the new one */
    }
    f.env.vfs = qn_vfs_posix();
    qn_vfs_fault_free(fault);
    char temp[300];
    snprintf(temp, sizeof temp, "%s.tmp0", path);
    unlink(temp); /* left behind only where the removal itself was made to fail */
    assert_int_equal(unlink(path), 0);
    assert_int_not_equal(unload(&f, path_of("none/x.tsv"), NULL, one, 1), QN_OK);
    assert_string_equal(f.err.sqlstate, "58P01");
    assert_int_not_equal(unload(&f, directory, NULL, one, 1), QN_OK);
    assert_string_equal(f.err.sqlstate, "42809");
    fixture_close(&f);
}

/* A new file may be read as the umask says; a private one stays private; a link is written through, and so is a
 * file that has another name. */
static void test_modes_and_links(void **state)
{
    (void)state;
    fixture           f;
    struct stat       info, other;
    const char *const one[] = {"x"};
    char              path[300], second[300];
    fixture_open(&f, "a integer");
    mode_t mask = umask(022);
    snprintf(path, sizeof path, "%s", path_of("new.tsv"));
    assert_int_equal(unload(&f, path, NULL, one, 1), QN_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0644);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(unload(&f, path, NULL, one, 1), QN_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    snprintf(second, sizeof second, "%s", path_of("link.tsv"));
    for (int hard = 0; hard < 2; hard++) {
        assert_int_equal(hard ? link(path, second) : symlink(path, second), 0);
        assert_int_equal(truncate(path, 0), 0);
        assert_int_equal(unload(&f, second, NULL, one, 1), QN_OK);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(stat(second, &other), 0);
        assert_true(info.st_size > 0 && info.st_ino == other.st_ino);
        assert_int_equal(unlink(second), 0);
    }
    umask(mask);
    assert_int_equal(unlink(path), 0);
    fixture_close(&f);
}

static void test_every_allocation_fails_once(void **state)
{
    (void)state;
    static const char *const files[] = {"m.tsv", "m.gz", "m.zst"};
    for (size_t i = 0; i < QN_COUNTOF(files); i++) {
        for (uint64_t n = 1;; n++) {
            fixture f;
            fixture_open(&f, "a integer, b text");
            f.mem.fail_at = f.mem.requests + n;
            qn_status st = unload(&f, path_of(files[i]), NULL, strings, ROWS);
            bool      hit = f.mem.requests >= f.mem.fail_at;
            f.mem.fail_at = 0;
            if (st != QN_OK)
                assert_int_equal(st, QN_NOMEM);
            fixture_close(&f);
            if (st == QN_OK && !hit)
                break;
        }
        unlink(path_of(files[i]));
    }
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text),
                                       cmocka_unit_test(test_csv),
                                       cmocka_unit_test(test_refused_output),
                                       cmocka_unit_test(test_files_load_again),
                                       cmocka_unit_test(test_failure_leaves_the_old_file),
                                       cmocka_unit_test(test_modes_and_links),
                                       cmocka_unit_test(test_every_allocation_fails_once)};
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
