/* The file CALIBRATION: what is written is read back; what is damaged or from elsewhere is not used, and said once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "api/api_test.h"
#include "api/calibration.h"
#include "base/hash.h"

static qn_calibration example(void)
{
    qn_calibration c;
    calibration_init(&c);
    c.measured = true;
    strcpy(c.date, "2026-11-25");
    c.threads = 2;
    c.bandwidth_one = 23.125;
    c.bandwidth_all = 46.5;
    for (int i = 0; i < QN_COST_COUNT; i++) {
        *qn_cost_at(&c.costs, i) = 1.5 + i;
        c.known[i] = i % 2 == 0;
    }
    return c;
}

static void encode(const qn_calibration *c, qn_mem *mem, qn_buf *text)
{
    qn_mem_init(mem, NULL, 0);
    qn_buf_init(text, mem);
    calibration_encode(c, text);
    assert_true(qn_buf_ok(text));
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    qn_mem         mem;
    qn_buf         text;
    qn_calibration c = example(), back;
    encode(&c, &mem, &text);
    assert_true(calibration_decode(text.data, text.bytes, &back));
    assert_string_equal(back.date, c.date);
    assert_int_equal(back.threads, 2);
    assert_true(back.measured && back.bandwidth_one == 23.125 && back.bandwidth_all == 46.5);
    for (int i = 0; i < QN_COST_COUNT; i++) {
        assert_true(*qn_cost_get(&back.costs, i) == 1.5 + i);
        assert_int_equal(back.known[i], c.known[i]);
    }
    qn_buf_deinit(&text);
    qn_mem_deinit(&mem);
}

static void is_default(const qn_calibration *c, const char *complaint)
{
    assert_false(c->measured);
    assert_memory_equal(&c->costs, &qn_cost_defaults, sizeof c->costs);
    assert_non_null(strstr(c->complaint, complaint));
}

static void no_bit_changes_unnoticed(void **state)
{
    (void)state;
    qn_mem         mem;
    qn_buf         text;
    qn_calibration c = example(), back;
    encode(&c, &mem, &text);
    for (size_t i = 0; i < text.bytes; i++)
        for (int bit = 0; bit < 8; bit++) {
            text.data[i] ^= (char)(1 << bit);
            assert_false(calibration_decode(text.data, text.bytes, &back));
            is_default(&back, "damaged");
            text.data[i] ^= (char)(1 << bit);
        }
    for (size_t n = 0; n < text.bytes; n++) {
        char *copy = malloc(n + 1); /* of its own size, so that the sanitizer sees a read beyond */
        memcpy(copy, text.data, n);
        assert_false(calibration_decode(copy, n, &back));
        is_default(&back, "damaged");
        free(copy);
    }
    qn_buf_add(&text, "\n", 1);
    assert_false(calibration_decode(text.data, text.bytes, &back));
    qn_buf_deinit(&text);
    qn_mem_deinit(&mem);
}

/* The text with a checksum that fits. */
static bool decode_sealed(const char *text, qn_calibration *c)
{
    char sealed[1024];
    int  n = snprintf(sealed, sizeof sealed, "%schecksum %016llx\n", text, (unsigned long long)qn_checksum64(text, strlen(text)));
    assert_true(n > 0 && (size_t)n < sizeof sealed);
    return calibration_decode(sealed, (size_t)n, c);
}

static void other_versions_and_machines(void **state)
{
    (void)state;
    qn_calibration c, here;
    char           text[512];
    calibration_init(&here);
    /* a name of a later version is skipped, a constant that is missing has its default */
    snprintf(text, sizeof text, "quern calibration 1\ncpu %s\nisa %s\nweather fine\nmeasured_ps new_ns 5\nmeasured_ps hash_row_ns 7000\n", here.cpu, here.isa);
    assert_true(decode_sealed(text, &c));
    assert_true(c.costs.hash_row_ns == 7 && c.costs.value_ns == qn_cost_defaults.value_ns);
    assert_true(c.known[QN_COST_hash_row_ns] && !c.known[QN_COST_value_ns]);
    snprintf(text, sizeof text, "quern calibration 1\ncpu Abacus 3000\nisa %s\n", here.isa);
    assert_false(decode_sealed(text, &c));
    is_default(&c, "another processor (Abacus 3000");
    snprintf(text, sizeof text, "quern calibration 1\ncpu %s\nisa beads\n", here.cpu);
    assert_false(decode_sealed(text, &c));
    is_default(&c, "another processor");
    static const char *const bad[] = {"quern calibration 2\n", "quern calibration 1\nmeasured_ps hash_row_ns 0\n",
                                      "quern calibration 1\nmeasured_ps hash_row_ns -5\n", "quern calibration 1\nmeasured_ps hash_row_ns\n",
                                      "quern calibration 1\nthreads 99999999999999999999\n", "quern calibration 1\nbandwidth_one_mbs 1e9\n",
                                      "quern calibration 1\ndate 2026-11-255\n", "quern calibration 1\nnoblank\n", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(decode_sealed(bad[i], &c));
        is_default(&c, "damaged");
    }
}

/* ---- through the API --------------------------------------------------------------------------- */

typedef struct told {
    int  count;
    char last[1024];
} told;

static void on_notice(void *arg, const char *severity, const qn_error *notice)
{
    told *t = arg;
    assert_string_equal(severity, "NOTICE");
    t->count++;
    snprintf(t->last, sizeof t->last, "%s", notice->message);
}

static qn_status answer(qn_connection *conn, const char *sql, char *out, size_t room, qn_error *err)
{
    qn_result      *r = NULL;
    const qn_chunk *chunk = NULL;
    qn_status       st = qn_query(conn, sql, &r, err);
    if (st == QN_OK)
        st = qn_result_next(r, &chunk, err);
    if (st == QN_OK && chunk) {
        size_t      bytes;
        const char *text = qn_chunk_text(chunk, 0, 0, &bytes);
        snprintf(out, room, "%.*s", text ? (int)bytes : 4, text ? text : "NULL");
    }
    qn_result_free(r);
    return st;
}

static void a_damaged_file_is_said_once_and_replaced(void **state)
{
    (void)state;
    qn_mem         mem, files;
    qn_vfs        *vfs = NULL;
    qn_error       err = {.status = QN_OK};
    qn_database   *db = NULL;
    qn_connection *conn = NULL, *other = NULL;
    told           heard = {0};
    char           text[256];
    qn_mem_init(&files, NULL, 0);
    assert_int_equal(qn_vfs_memory_new(&files, &vfs, &err), QN_OK);
    qn_mem_init(&mem, NULL, 0);
    qn_world   world = {.vfs = vfs, .file_vfs = vfs, .clock = qn_clock_system(), .memory = &mem};
    qn_options options = {.threads = 2};

    assert_int_equal(qn_open_in(&world, "d", &options, &db, &err), QN_OK);
    qn_close(db);
    assert_int_equal(qn_vfs_publish(vfs, "d", "CALIBRATION", "rubbish", 7, &err), QN_OK);
    assert_int_equal(qn_open_in(&world, "d", &options, &db, &err), QN_OK);
    assert_int_equal(qn_connect(db, &conn, &err), QN_OK);
    qn_set_notice(conn, on_notice, &heard);
    for (int i = 0; i < 2; i++)
        assert_int_equal(answer(conn, "SHOW quern.calibration", text, sizeof text, &err), QN_OK);
    assert_string_equal(text, "none");
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.last, "the calibration of this database is not used: it is damaged");

    /* Measured for good: kept in the directory, used by this connection and by those made from now on. */
    assert_int_equal(answer(conn, "SELECT count(*) FROM quern_calibrate() WHERE value > 0 AND source IN ('measured', 'scaled')", text, sizeof text, &err), QN_OK);
    assert_int_equal(atoi(text), QN_COST_COUNT + 2);
    assert_int_equal(answer(conn, "SELECT count(*) FROM quern_costs WHERE source = 'measured'", text, sizeof text, &err), QN_OK);
    assert_true(atoi(text) > 4); /* modes were taken as forced */
    assert_int_equal(answer(conn, "SHOW quern.calibration", text, sizeof text, &err), QN_OK);
    assert_non_null(strstr(text, "2 threads"));
    assert_int_equal(qn_connect(db, &other, &err), QN_OK);
    assert_int_equal(answer(other, "SELECT value FROM quern_costs WHERE name = 'hash_row_ns'", text, sizeof text, &err), QN_OK);
    qn_disconnect(other);
    qn_disconnect(conn);
    qn_close(db);
    options.read_only = true;
    assert_int_equal(qn_open_in(&world, "d", &options, &db, &err), QN_OK);
    assert_int_equal(qn_connect(db, &conn, &err), QN_OK);
    char again[256];
    assert_int_equal(answer(conn, "SELECT value FROM quern_costs WHERE name = 'hash_row_ns'", again, sizeof again, &err), QN_OK);
    assert_string_equal(text, again);
    assert_int_equal(answer(conn, "SELECT * FROM quern_calibrate()", text, sizeof text, &err), QN_ERROR);
    assert_string_equal(err.sqlstate, "25006");
    qn_disconnect(conn);
    qn_close(db);
    assert_int_equal(mem.used_bytes, 0);
    qn_vfs_memory_free(vfs);
}

/* What a plan read, as text of several lines. */
static void explained(qn_connection *conn, const char *sql, char *out, size_t room)
{
    qn_result      *r = NULL;
    const qn_chunk *chunk = NULL;
    qn_error        err = {.status = QN_OK};
    size_t          n = 0;
    assert_int_equal(qn_query(conn, sql, &r, &err), QN_OK);
    while (qn_result_next(r, &chunk, &err) == QN_OK && chunk)
        for (uint32_t row = 0; row < qn_chunk_rows(chunk) && n < room; row++) {
            size_t      bytes;
            const char *text = qn_chunk_text(chunk, 0, row, &bytes);
            n += (size_t)snprintf(out + n, room - n, "%.*s\n", (int)bytes, text);
        }
    assert_true(n < room);
    qn_result_free(r);
}

static unsigned long long bytes_of(const char *analysis)
{
    const char *at = strstr(analysis, "bytes=");
    assert_non_null(at);
    return strtoull(at + 6, NULL, 10);
}

static void explain_analyze_says_what_was_read(void **state)
{
    (void)state;
    qn_database   *db = NULL;
    qn_connection *conn = NULL;
    qn_error       err = {.status = QN_OK};
    qn_options     options = {.threads = 1};
    char           text[8192];
    assert_int_equal(qn_open(NULL, &options, &db, &err), QN_OK);
    assert_int_equal(qn_connect(db, &conn, &err), QN_OK);
    assert_int_equal(answer(conn, "CREATE TABLE t AS SELECT i * 7919 % 1009 AS a, i AS b FROM generate_series(1, 100000) g(i)", text, sizeof text, &err), QN_OK);
    explained(conn, "EXPLAIN (ANALYZE, TIMING OFF) SELECT count(*) FROM t", text, sizeof text);
    assert_int_equal(bytes_of(text), 0); /* the header knows */
    explained(conn, "EXPLAIN (ANALYZE, TIMING OFF) SELECT count(*) FROM t WHERE a = 5", text, sizeof text);
    assert_true(bytes_of(text) < 4000); /* values and counts, not rows */
    explained(conn, "EXPLAIN (ANALYZE, TIMING OFF) SELECT a % 10, sum(b) FROM t GROUP BY 1", text, sizeof text);
    /* 100,000 codes of 10 bits, and b; whatever the form it is neither nothing nor much more than 4 bytes a row */
    assert_in_range(bytes_of(text), 125000, 600000);
    assert_null(strstr(text, "memory bandwidth")); /* nobody measured it */
    assert_int_equal(answer(conn, "SELECT count(*) FROM quern_calibrate()", text, sizeof text, &err), QN_OK);
    explained(conn, "EXPLAIN ANALYZE SELECT a % 10, sum(b) FROM t GROUP BY 1", text, sizeof text);
    assert_non_null(strstr(text, "% of memory bandwidth)"));
    qn_disconnect(conn);
    qn_close(db);
}

/* A file that cannot be read is no reason not to open; refused memory is. */
static void reading_it_fails_softly(void **state)
{
    (void)state;
    qn_mem          mem, files;
    qn_vfs         *inner = NULL;
    qn_error        err = {.status = QN_OK};
    qn_mem_init(&files, NULL, 0);
    assert_int_equal(qn_vfs_memory_new(&files, &inner, &err), QN_OK);
    qn_mem_init(&mem, NULL, 0);
    qn_world     world = {.vfs = inner, .file_vfs = inner, .clock = qn_clock_system(), .memory = &mem};
    qn_options   options = {.threads = 1};
    qn_database *db = NULL;
    assert_int_equal(qn_open_in(&world, "d", &options, &db, &err), QN_OK);
    qn_close(db);
    qn_calibration c = example();
    qn_mem         text_mem;
    qn_buf         text;
    encode(&c, &text_mem, &text);
    assert_int_equal(qn_vfs_publish(inner, "d", "CALIBRATION", text.data, text.bytes, &err), QN_OK);
    qn_status st = QN_NOMEM;
    for (uint64_t n = 1; st != QN_OK; n++) {
        assert_true(n < 10000);
        qn_error_clear(&err);
        atomic_store(&mem.requests, 0);
        atomic_store(&mem.fail_at, n);
        st = qn_open_in(&world, "d", &options, &db, &err);
        atomic_store(&mem.fail_at, 0);
        assert_true(st == QN_OK || st == QN_NOMEM);
        if (st == QN_OK)
            qn_close(db);
        assert_int_equal(mem.used_bytes, 0);
    }
    qn_buf_deinit(&text);
    qn_vfs_memory_free(inner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(no_bit_changes_unnoticed),
        cmocka_unit_test(other_versions_and_machines),
        cmocka_unit_test(a_damaged_file_is_said_once_and_replaced),
        cmocka_unit_test(explain_analyze_says_what_was_read),
        cmocka_unit_test(reading_it_fails_softly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
