/* Rows as vectors to blocks. */
#include "load_fixture.h"

static qn_status append(fixture *f, uint32_t rows, uint32_t step, uint64_t null_at)
{
    qn_status          st;
    const qn_snapshot *s;
    uint64_t           id, done = 0;
    qn_appender       *a = NULL;
    char               long_text[] = "a string that is not inline 0000000";
    int64_t           *numbers = malloc(step * sizeof *numbers);
    qn_str            *strings = malloc(step * sizeof *strings);
    uint64_t          *nulls = calloc((step + 63) / 64, 8);

    qn_error_clear(&f->err);
    QN_TRY(qn_change_begin(f->store, &f->job.change, &s, &f->err));
    if (qn_catalog_table(s, "t"))
        QN_TRY(qn_change_drop_table(f->job.change, qn_catalog_table(s, "t")->id, &f->err));
    QN_TRY(qn_change_create_table(f->job.change, "t", f->columns, f->column_count, &id, &f->err));
    f->mem.fail_at = f->fail_nth ? f->mem.requests + f->fail_nth : 0;
    QN_TRY(qn_appender_new(qn_store_env(f->store), f->job.change, id, f->columns, f->column_count,
                           &a, &f->err));
    qn_appender_name(a, "t");
    for (uint32_t from = 0; from < rows; from += step) {
        uint32_t n = rows - from < step ? rows - from : step;
        memset(nulls, 0, (step + 63) / 64 * 8);
        for (uint32_t i = 0; i < n; i++) {
            numbers[i] = from + i;
            strings[i] = i % 3 ? qn_str_lit("short") : qn_str_lit(long_text);
            if (from + i == null_at)
                nulls[i / 64] |= 1ull << (i % 64);
        }
        const void     *values[] = {numbers, strings};
        const uint64_t *bits[] = {f->columns[0].not_null ? nulls : NULL,
                                  f->columns[0].not_null ? NULL : nulls};
        QN_TRY(qn_appender_add(a, values, bits, n, &f->err));
    }
    QN_TRY(qn_appender_finish(a, &f->rows, &f->err));
    qn_appender_free(a);
    a = NULL;
    f->mem.fail_at = 0;
    done = 1;
    st = qn_change_commit(f->job.change, &f->err);
done:
    f->mem.fail_at = 0;
    qn_appender_free(a);
    if (!done)
        qn_change_abort(f->job.change);
    free(numbers);
    free(strings);
    free(nulls);
    return st;
}

static void test_rows_and_nulls(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, "a bigint, b text");
    assert_int_equal(append(&f, 4, 3, 1), QN_OK);
    expect_rows(&f, "0|a string that is not inline 0000000\n1|~\n2|short\n3|a string that is not "
                    "inline 0000000\n");
    assert_int_equal(append(&f, 0, 1, 9), QN_OK); /* no rows, no block */
    expect_rows(&f, "");
    fixture_close(&f);
}

static void test_blocks(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, "a bigint, b text");
    assert_int_equal(append(&f, QN_BLOCK_ROWS + 10, 100000, UINT64_MAX), QN_OK);
    qn_snapshot    *s = qn_store_snapshot(f.store);
    const qn_table *t = qn_catalog_table(s, "t");
    assert_int_equal(t->block_count, 2);
    assert_int_equal(t->blocks[0].rows, QN_BLOCK_ROWS);
    assert_int_equal(t->blocks[1].rows, 10);
    qn_snapshot_unref(s);
    fixture_close(&f);
}

/* As SET quern.memory_limit has it: the rows of a full block, and what encodes them, would take much more. */
static void test_the_limit_of_the_memory(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, "a bigint, b text");
    f.mem.limit_bytes = f.mem.used_bytes + (24 << 20);
    assert_int_equal(append(&f, 300000, 1000, UINT64_MAX), QN_OK);
    assert_int_equal(f.rows, 300000);
    f.mem.limit_bytes = 0;
    qn_snapshot *s = qn_store_snapshot(f.store);
    assert_true(qn_catalog_table(s, "t")->block_count > 1);
    qn_snapshot_unref(s);
    fixture_close(&f);
}

static void test_not_null(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, "a bigint not null, b text");
    assert_int_equal(append(&f, 10, 4, 6), QN_ERROR);
    assert_string_equal(f.err.sqlstate, "23502");
    assert_string_equal(
        f.err.message, "null value in column \"a\" of relation \"t\" violates not-null constraint");
    fixture_close(&f);
}

static void test_every_allocation_fails_once(void **state)
{
    (void)state;
    for (uint64_t nth = 1;; nth++) {
        fixture f;
        fixture_open(&f, "a bigint, b text");
        f.fail_nth = nth;
        qn_status st = append(&f, 100, 60, 5);
        if (st != QN_OK)
            assert_int_equal(st, QN_NOMEM);
        bool enough = st == QN_OK;
        fixture_close(&f); /* checks in debug builds that nothing is kept */
        if (enough)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_and_nulls), cmocka_unit_test(test_blocks), cmocka_unit_test(test_the_limit_of_the_memory),
        cmocka_unit_test(test_not_null), cmocka_unit_test(test_every_allocation_fails_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
