/* What reading touches is counted: whole columns by what they take, filters by the units they cannot decide, single
 * values by a line each, and every thread by itself. */
#include "block_test.h"

#include "base/thread.h"

enum { ROWS = 20 * 1024, DISTINCT = 4000 };

/* A column of integers, DISTINCT values in no order; read back through one block. */
static qn_block *block_of(world *w, bool clustered)
{
    static int32_t     values[ROWS];
    qn_block_info      info;
    qn_block          *b = NULL;
    qn_block_column_in column = {.type = {QN_TYPE_INTEGER, -1}, .values = values};
    for (uint32_t i = 0; i < ROWS; i++)
        values[i] = clustered ? (int32_t)(i / 7) * 3 : (int32_t)qn_random_below(&w->rnd, DISTINCT) * 3;
    CHECK_OK(w, make_block(w, &column, 1, ROWS, &info));
    CHECK_OK(w, qn_block_open(&w->env, PATH, TABLE_ID, NUMBER, info.content_hash, &b, &w->err));
    return b;
}

/* Is `bytes` what a section takes, but for directories and rounding? */
static void assert_about(uint64_t bytes, uint64_t section)
{
    assert_in_range(bytes, section * 9 / 10, section * 11 / 10 + 64);
}

static void whole_columns_count_what_they_take(void **state)
{
    (void)state;
    static uint32_t codes[ROWS];
    static int32_t  values[ROWS];
    world           w;
    world_init(&w);
    qn_block              *b = block_of(&w, false);
    const qn_block_column *c = qn_block_column_at(b, 0);
    uint64_t               before = qn_block_touched();
    CHECK_OK(&w, qn_block_codes(b, 0, 0, ROWS, codes, &w.err));
    assert_about(qn_block_touched() - before, c->bytes_codes);
    before = qn_block_touched();
    CHECK_OK(&w, qn_block_values(b, 0, 1, c->distinct, values, NULL, &w.err));
    assert_about(qn_block_touched() - before, c->bytes_values);
    before = qn_block_touched();
    CHECK_OK(&w, qn_block_counts(b, 0, 1, c->distinct, codes, &w.err));
    assert_about(qn_block_touched() - before, c->bytes_counts);
    qn_block_unref(b);
    drop_block(&w);
    world_deinit(&w);
}

static void decided_units_cost_their_directory_only(void **state)
{
    (void)state;
    static uint64_t bits[QN_BLOCK_ROWS / 64];
    uint32_t        kept;
    world           w;
    world_init(&w);
    qn_block  *b = block_of(&w, true); /* ascending: one unit holds any few neighbouring codes */
    qn_codeset set = {.is_range = true, .lo = 5, .hi = 9};
    memset(bits, 0xff, ROWS / 8);
    uint64_t before = qn_block_touched();
    CHECK_OK(&w, qn_block_select(b, 0, &set, 0, ROWS, bits, &kept, &w.err));
    uint64_t touched = qn_block_touched() - before;
    assert_int_equal(kept, 5 * 7);
    assert_true(touched >= ROWS / 1024 * 12 && touched < ROWS / 1024 * 12 + 2048);
    before = qn_block_touched();
    CHECK_OK(&w, qn_block_select(b, 0, &set, 0, ROWS, bits, &kept, &w.err));
    assert_true(qn_block_touched() - before < touched); /* units without rows are not looked at */
    qn_block_unref(b);
    drop_block(&w);
    world_deinit(&w);
}

static void single_rows_cost_a_line_each(void **state)
{
    (void)state;
    uint32_t codes[4];
    world    w;
    world_init(&w);
    qn_block *b = block_of(&w, false);
    uint64_t  before = qn_block_touched();
    CHECK_OK(&w, qn_block_codes_at(b, 0, (const uint32_t[]){3, 5000, 9000, ROWS - 1}, 4, codes, &w.err));
    assert_in_range(qn_block_touched() - before, 4 * 64, 4 * (64 + 12));
    qn_block_unref(b);
    drop_block(&w);
    world_deinit(&w);
}

static void read_nothing(void *arg)
{
    *(uint64_t *)arg = qn_block_touched();
}

static void threads_count_for_themselves(void **state)
{
    (void)state;
    uint64_t  other = 1;
    qn_thread thread;
    qn_block_touch(1000);
    assert_true(qn_block_touched() >= 1000);
    assert_int_equal(qn_thread_start(&thread, 0, read_nothing, &other, NULL), QN_OK);
    qn_thread_join(thread);
    assert_int_equal(other, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_columns_count_what_they_take),
        cmocka_unit_test(decided_units_cost_their_directory_only),
        cmocka_unit_test(single_rows_cost_a_line_each),
        cmocka_unit_test(threads_count_for_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
