/* COPY FROM Parquet files: blocks across row groups and files, any number of threads, which error wins.
 *
 * What the reader makes of a file is tested in tests/unit/parquet, what COPY makes of it in tests/sql/copy_parquet.slt. */
#include "load_fixture.h"

#include "../parquet/parquet_writer.h"

typedef struct world {
    fixture f;
    qn_mem  vfs_mem;
    qn_vfs *vfs;
} world;

static void world_open(world *w, const char *columns)
{
    fixture_open(&w->f, columns);
    qn_mem_init(&w->vfs_mem, NULL, 0);
    assert_int_equal(qn_vfs_memory_new(&w->vfs_mem, &w->vfs, &w->f.err), QN_OK);
    w->f.env.vfs = w->vfs;
    w->f.job.options.format = QN_LOAD_PARQUET;
}

static void world_close(world *w)
{
    fixture_close(&w->f);
    qn_vfs_memory_free(w->vfs);
    qn_mem_deinit(&w->vfs_mem);
}

static const char *const words[] = {"red", "a word that is not inline", "", "green"};

/* Rows first … first + rows - 1 in row groups of `group`: a is the row number, b one of four words or NULL (every 50th, from
 * row null_from on), c the text of a third of the number, without dictionary. */
static void save(world *w, const char *name, int64_t first, int64_t rows, int64_t group, int64_t null_from)
{
    static const w_column columns[] = {{.name = "a", .physical = 2},
                                       {.name = "b", .physical = 6, .optional = 1},
                                       {.name = "c", .physical = 6}};
    writer   f;
    qn_file *file;
    w_begin(&f, columns, 3);
    for (int64_t from = first; from < first + rows; from += group) {
        int64_t   n = first + rows - from < group ? first + rows - from : group;
        int64_t  *v = malloc((size_t)n * sizeof *v);
        uint32_t *present = malloc((size_t)n * 4), *codes = malloc((size_t)n * 4), count = 0;
        w_bytes   a = {0}, dict = {0}, levels = {0}, b = {0}, c = {0};
        for (int64_t i = 0; i < n; i++) {
            int64_t row = from + i;
            char    text[40];
            v[i] = row;
            present[i] = row < null_from || row % 50 != 0;
            if (present[i])
                codes[count++] = (uint32_t)(row / 7 % 4);
            sprintf(text, "text of number %d", (int)(row / 3));
            put_text(&c, text);
        }
        for (int k = 0; k < 4; k++)
            put_text(&dict, words[k]);
        put_delta(&a, v, (size_t)n, 128, 4);
        put8(&b, 2);
        put_hybrid(&b, codes, count, 2);
        put_hybrid(&levels, present, (size_t)n, 1);
        w_group(&f, n);
        w_chunk_begin(&f, 0, n);
        w_page(&f, 0, (int)n, 5, NULL, &a);
        w_chunk_begin(&f, 1, n);
        w_dict(&f, 1, 4, &dict);
        w_page(&f, 1, (int)n, 8, &levels, &b);
        w_chunk_begin(&f, 2, n);
        w_page(&f, 2, (int)n, 0, NULL, &c);
        empty(&a);
        empty(&dict);
        empty(&levels);
        empty(&b);
        empty(&c);
        free(v);
        free(present);
        free(codes);
    }
    w_finish(&f);
    assert_int_equal(w->vfs->open(w->vfs, name, QN_OPEN_TRUNCATE, &file, &w->f.err), QN_OK);
    assert_int_equal(w->vfs->write(w->vfs, file, 0, f.out.data, f.out.n, &w->f.err), QN_OK);
    w->vfs->close(w->vfs, file);
    empty(&f.out);
}

static uint64_t content(world *w, uint32_t *blocks)
{
    qn_snapshot    *s = qn_store_snapshot(w->f.store);
    const qn_table *t = qn_catalog_table(s, "t");
    uint64_t        hash = 0;
    *blocks = t->block_count;
    for (uint32_t b = 0; b < t->block_count; b++) {
        for (uint32_t c = 0; c < t->column_count; c++) {
            const qn_block_column *col = qn_block_column_at(t->blocks[b].block, c);
            hash = hash * 31 + col->distinct + col->null_count * 7 + col->bytes_codes + col->bytes_values * 3;
        }
        hash = hash * 31 + t->blocks[b].rows;
    }
    qn_snapshot_unref(s);
    return hash;
}

static void expect(world *w, int64_t row, int64_t null_from, qn_block *block, uint32_t at)
{
    static const qn_text_settings set = {0};
    qn_error err = {0};
    qn_arena arena;
    qn_buf   text;
    char     expected[100];
    qn_arena_init(&arena, &w->vfs_mem);
    qn_buf_init(&text, &w->vfs_mem);
    for (uint32_t c = 0; c < 3; c++) {
        qn_datum v = {0};
        uint32_t code = 1;
        uint64_t null = 0;
        if (qn_block_column_at(block, c)->kind == QN_COL_RAW) {
            assert_int_equal(qn_block_raw(block, c, at, 1, &v, &null, &arena, &err), QN_OK);
        } else {
            assert_int_equal(qn_block_codes(block, c, at, 1, &code, &err), QN_OK);
            assert_int_equal(qn_block_gather(block, c, &code, 1, &v, &arena, &err), QN_OK);
        }
        qn_buf_putc(&text, '|');
        if (code && !(null & 1))
            qn_value_print(w->f.columns[c].type, &v, &set, &text);
    }
    bool is_null = row >= null_from && row % 50 == 0;
    sprintf(expected, "|%d|%s|text of number %d", (int)row, is_null ? "" : words[row / 7 % 4], (int)(row / 3));
    assert_string_equal(text.data, expected);
    qn_buf_deinit(&text);
    qn_arena_deinit(&arena);
}

/* 1.2 million rows in two files with row groups of 250,000: three blocks, of which each begins inside a row group.  The
 * blocks are the same however many threads there are and however they come to their rows. */
static void test_blocks_and_threads(void **state)
{
    (void)state;
    static const char *const names[] = {"1.parquet", "2.parquet"};
    enum { ROWS = 1200000, FIRST = 700001 };
    qn_load_source source = {.paths = names, .path_count = 2};
    uint64_t       first = 0;
    world          w;
    world_open(&w, "a bigint, b text, c text");
    save(&w, names[0], 0, FIRST, 250000, 1000);
    save(&w, names[1], FIRST, ROWS - FIRST, 250000, 1000);
    for (int threads = 1; threads <= 5; threads += 2) {
        uint32_t blocks;
        w.f.job.threads = threads;
        assert_int_equal(fixture_run(&w.f, &source), QN_OK);
        assert_int_equal(w.f.rows, ROWS);
        uint64_t hash = content(&w, &blocks);
        assert_int_equal(blocks, 3);
        first = threads == 1 ? hash : first;
        assert_int_equal(hash, first);
        qn_snapshot    *s = qn_store_snapshot(w.f.store);
        const qn_table *t = qn_catalog_table(s, "t");
        for (int64_t row = 0; row < ROWS; row += 997)
            expect(&w, row, 1000, t->blocks[row >> 19].block, (uint32_t)(row & (QN_BLOCK_ROWS - 1)));
        expect(&w, ROWS - 1, 1000, t->blocks[2].block, (ROWS - 1) & (QN_BLOCK_ROWS - 1));
        qn_snapshot_unref(s);
    }
    world_close(&w);
}

/* Of several errors that of the lowest row wins, then that of the first column: NULLs in b from row 30000 on, values of a
 * that do not fit from 32768 on. */
static void test_lowest_row_wins(void **state)
{
    (void)state;
    static const struct {
        const char *columns;
        int64_t     null_from;
        const char *sqlstate, *detail;
    } cases[] = {
        {"a smallint, b text not null, c text", 30000, "23502", "COPY t, file \"x\", row 30001, column b"},
        {"a smallint, b text not null, c text", 40000, "22003", "COPY t, file \"x\", row 32769, column a"},
        {"a smallint, b text, c varchar(15)", 0, "22001", "COPY t, file \"x\", row 1, column c"},
        {"a smallint, b text not null, c varchar(15)", 0, "23502", "COPY t, file \"x\", row 1, column b"},
        {"a smallint, b varchar(5), c varchar(19)", 99999, "22001", "COPY t, file \"x\", row 8, column b"},
    };
    qn_load_source source = {.path = "x"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world w;
        world_open(&w, cases[i].columns);
        save(&w, "x", 0, 60000, 9000, cases[i].null_from);
        for (int threads = 1; threads <= 4; threads++) {
            w.f.job.threads = threads;
            assert_int_equal(fixture_run(&w.f, &source), QN_ERROR);
            assert_string_equal(w.f.err.sqlstate, cases[i].sqlstate);
            assert_string_equal(w.f.err.detail, cases[i].detail);
        }
        world_close(&w);
    }
}

/* Little memory makes shorter blocks, and cursors are not kept open between them. */
static void test_memory_limit(void **state)
{
    (void)state;
    qn_load_source source = {.path = "x"};
    world          w;
    uint32_t       blocks;
    world_open(&w, "a bigint, b text, c text");
    save(&w, "x", 0, 60000, 25000, 0);
    w.f.job.memory_limit_bytes = 8 << 20;
    w.f.job.threads = 3;
    assert_int_equal(fixture_run(&w.f, &source), QN_OK);
    content(&w, &blocks);
    assert_true(blocks > 1);
    qn_snapshot    *s = qn_store_snapshot(w.f.store);
    const qn_table *t = qn_catalog_table(s, "t");
    int64_t         row = 0;
    for (uint32_t b = 0; b < blocks; b++) {
        expect(&w, row, 0, t->blocks[b].block, 0);
        row += t->blocks[b].rows;
        expect(&w, row - 1, 0, t->blocks[b].block, t->blocks[b].rows - 1);
    }
    assert_int_equal(row, 60000);
    qn_snapshot_unref(s);
    world_close(&w);
}

static bool refuse(void *arg, double fraction)
{
    (void)arg;
    assert_true(fraction >= 0 && fraction <= 1);
    return false;
}

static void test_cancel(void **state)
{
    (void)state;
    qn_load_source source = {.path = "x"};
    _Atomic bool   cancel = true;
    world          w;
    world_open(&w, "a bigint, b text, c text");
    save(&w, "x", 0, 1500000, 1500000, 0);
    w.f.job.cancel = &cancel;
    assert_int_equal(fixture_run(&w.f, &source), QN_INTERRUPTED);
    w.f.job.cancel = NULL;
    w.f.job.progress = refuse;
    assert_int_equal(fixture_run(&w.f, &source), QN_INTERRUPTED);
    assert_string_equal(w.f.err.sqlstate, "57014");
    world_close(&w);
}

/* Each allocation fails once: 53200, and nothing is lost. */
static void test_no_memory(void **state)
{
    (void)state;
    qn_load_source source = {.path = "x"};
    for (int threads = 1; threads <= 2; threads++) {
        world w;
        world_open(&w, "a integer, b varchar(40), c text");
        save(&w, "x", 0, 5000, 3000, 100);
        w.f.job.threads = threads;
        for (w.f.fail_nth = 1;; w.f.fail_nth += threads) {
            qn_status st = fixture_run(&w.f, &source);
            if (!w.f.failed) {
                assert_int_equal(st, QN_OK);
                break;
            }
            if (threads == 1)
                assert_int_equal(st, QN_NOMEM);
        }
        assert_true(w.f.fail_nth > 50);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_and_threads), cmocka_unit_test(test_lowest_row_wins), cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_cancel), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
