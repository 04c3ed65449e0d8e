/* What the block tests share: an environment in memory, columns to fill by hand, and a comparison
 * of a written block with the column that it was made from, through every reading function. */
#ifndef QN_TESTS_BLOCK_TEST_H
#define QN_TESTS_BLOCK_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/kern.h"
#include "store/block/block.h"
#include "store/block/read.h"
#include "type/numeric.h"

#define TABLE_ID 7u
#define NUMBER   42u
#define PATH     "b.qnb"

typedef struct world {
    qn_mem    mem, vfs_mem;
    qn_env    env;
    qn_error  err;
    qn_random rnd;
    qn_text_codec codec; /* of blocks made from now on */
} world;

static inline void world_init(world *w)
{
    memset(w, 0, sizeof *w);
    qn_mem_init(&w->mem, NULL, 0);
    qn_mem_init(&w->vfs_mem, NULL, 0);
    w->env.mem = &w->mem;
    w->env.clock = qn_clock_system();
    qn_random_seed(&w->rnd, 20240601);
    assert_int_equal(qn_vfs_memory_new(&w->vfs_mem, &w->env.vfs, &w->err), QN_OK);
}

static inline void world_deinit(world *w)
{
    assert_int_equal(atomic_load(&w->mem.used_bytes), 0); /* nothing leaked */
    qn_vfs_memory_free(w->env.vfs);
    qn_mem_deinit(&w->mem);
    qn_mem_deinit(&w->vfs_mem);
}

/* Encode columns into PATH; QN_OK or the failure. */
static inline qn_status make_block(world *w, const qn_block_column_in *columns, uint32_t count,
                                   uint32_t rows, qn_block_info *info)
{
    qn_status         st = QN_OK;
    qn_block_builder *builder = NULL;
    qn_block_segment  segments[16];
    memset(segments, 0, sizeof segments);
    memset(&w->err, 0, sizeof w->err);
    QN_TRY(qn_block_builder_new(&w->env, &builder, &w->err));
    qn_block_builder_codec(builder, w->codec);
    for (uint32_t i = 0; i < count; i++)
        QN_TRY(qn_block_encode(builder, &columns[i], rows, &segments[i], &w->err));
    QN_TRY(qn_block_write(&w->env, PATH, TABLE_ID, NUMBER, rows, segments, count, info, &w->err));
done:
    for (uint32_t i = 0; i < count; i++)
        qn_block_segment_free(&segments[i]);
    qn_block_builder_free(builder);
    return st;
}

static inline void drop_block(world *w)
{
    assert_int_equal(w->env.vfs->unlink(w->env.vfs, PATH, NULL), QN_OK);
}

static inline bool bit_at(const uint64_t *bits, size_t i)
{
    return bits && (bits[i >> 6] >> (i & 63) & 1);
}

static inline bool slot_equal(qn_bank bank, const void *a, size_t i, const void *b, size_t j)
{
    size_t n = qn_bank_bytes(bank);
    if (bank == QN_BANK_STR)
        return qn_str_equal((const qn_str *)a + i, (const qn_str *)b + j);
    if (bank == QN_BANK_NUM) {
        qn_datum x, y;
        qn_bank_get(bank, a, i, &x);
        qn_bank_get(bank, b, j, &y);
        return qn_value_compare_stored(QN_TYPE_NUMERIC, &x, &y) == 0;
    }
    return memcmp((const char *)a + i * n, (const char *)b + j * n, n) == 0;
}

#define CHECK_OK(w, call)                                                                          \
    do {                                                                                           \
        if ((call) != QN_OK)                                                                       \
            fail_msg("%s: %s", #call, (w)->err.message);                                           \
    } while (0)

static inline void compare_select(world *w, qn_block *b, uint32_t column, const uint32_t *codes,
                                  uint32_t rows)
{
    const qn_block_column *c = qn_block_column_at(b, column);
    uint64_t *bits = malloc(QN_BLOCK_ROWS / 8), *set_bits = calloc(c->distinct / 64 + 1, 8);
    for (int round = 0; round < 8; round++) {
        qn_codeset set = {.bits = set_bits};
        set.is_range = round % 2;
        set.lo = (uint32_t)qn_random_below(&w->rnd, c->distinct + 1);
        set.hi = round == 1   ? c->distinct
                 : round == 3 ? 0
                              : set.lo + (uint32_t)qn_random_below(&w->rnd, c->distinct / 4 + 1);
        set.hi = set.hi > c->distinct ? c->distinct : set.hi;
        for (uint32_t i = 0; i <= c->distinct; i++) {
            bool in = round == 0 ? i < 2 : qn_random_below(&w->rnd, 3) == 0;
            set_bits[i / 64] = (set_bits[i / 64] & ~((uint64_t)1 << i % 64)) | (uint64_t)in
                                                                                   << i % 64;
        }
        /* Some units empty, some full, the rest random; bits beyond the last row are zero. */
        memset(bits, 0, QN_BLOCK_ROWS / 8);
        for (uint32_t i = 0; i < rows; i++) {
            uint32_t kind = (i / 1024 + (uint32_t)round) % 3;
            if (kind == 0 || (kind == 1 && qn_random_below(&w->rnd, 2)))
                bits[i / 64] |= (uint64_t)1 << i % 64;
        }
        uint64_t *before = malloc(QN_BLOCK_ROWS / 8);
        memcpy(before, bits, QN_BLOCK_ROWS / 8);
        uint32_t begin = round > 5 ? rows / 2 / 1024 * 1024 : 0,
                 end = round % 3 == 2 ? begin + (rows - begin) / 2 : rows;
        uint32_t kept, want = 0;
        CHECK_OK(w, qn_block_select(b, column, &set, begin, end, bits, &kept, &w->err));
        for (uint32_t i = 0; i < QN_BLOCK_ROWS; i++) {
            bool keep = bit_at(before, i);
            if (keep && i >= begin && i < end)
                keep = set.is_range ? codes[i] >= set.lo && codes[i] <= set.hi
                                    : bit_at(set_bits, codes[i]);
            want += keep && i >= begin && i < end;
            if (bit_at(bits, i) != keep)
                fail_msg("select: row %u of %u, round %d", i, rows, round);
        }
        assert_int_equal(kept, want);
        free(before);
    }
    free(bits);
    free(set_bits);
}

/* The 64-bit form of codes first.., whose values in their own bank are `values`; refused for other
 * than integers. */
static inline void compare_i64(world *w, qn_block *b, uint32_t column, uint32_t first,
                               uint32_t count, const void *values)
{
    qn_bank  bank = qn_block_column_at(b, column)->bank;
    int64_t *wide = malloc(((size_t)count + 1) * 8);
    bool     integers =
        bank == QN_BANK_BOOL || bank == QN_BANK_I16 || bank == QN_BANK_I32 || bank == QN_BANK_I64;
    qn_error err = {0};
    wide[count] = 77;
    qn_status st = qn_block_values_i64(b, column, first, count, wide, &err);
    assert_true((st == QN_OK) == (integers || count == 0));
    for (uint32_t i = 0; integers && i < count; i++) {
        qn_datum d;
        qn_bank_get(bank, values, i, &d);
        assert_int_equal(wide[i], bank == QN_BANK_BOOL  ? d.b
                                  : bank == QN_BANK_I16 ? d.i16
                                  : bank == QN_BANK_I32 ? d.i32
                                                        : d.i64);
    }
    assert_int_equal(wide[count], 77);
    free(wide);
    (void)w;
}

static inline void compare_dict(world *w, qn_block *b, uint32_t column,
                                const qn_block_column_in *in, uint32_t rows)
{
    const qn_block_column *c = qn_block_column_at(b, column);
    size_t                 width = qn_bank_bytes(c->bank);
    uint32_t              *codes = malloc((rows + 1) * 4), *some = malloc((rows + 1) * 4), n = 0;
    uint32_t              *at = malloc((rows + 1) * 4), *counts = malloc((c->distinct + 1) * 4);
    char    *values = malloc((c->distinct + 1) * width), *gathered = malloc((rows + 1) * width);
    qn_arena arena;
    qn_arena_init(&arena, &w->mem);

    CHECK_OK(w, qn_block_codes(b, column, 0, rows, codes, &w->err));
    CHECK_OK(w, qn_block_values(b, column, 1, c->distinct, values, &arena, &w->err));
    CHECK_OK(w, qn_block_counts(b, column, 1, c->distinct, counts, &w->err));
    compare_i64(w, b, column, 1, c->distinct, values);
    CHECK_OK(w, qn_block_gather(b, column, codes, rows, gathered, &arena, &w->err));
    uint64_t sum = 0;
    for (uint32_t i = 0; i < c->distinct; i++)
        sum += counts[i];
    assert_int_equal(sum, rows - c->null_count);
    for (uint32_t row = 0; row < rows; row++) {
        assert_true((codes[row] == 0) == bit_at(in->nulls, row));
        if (!codes[row])
            continue;
        assert_true(codes[row] <= c->distinct);
        if (!slot_equal(c->bank, values, codes[row] - 1, in->values, row))
            fail_msg("value of row %u differs", row);
        if (!slot_equal(c->bank, gathered, row, in->values, row))
            fail_msg("gathered value of row %u differs", row);
    }

    /* Parts: odd ranges of rows and codes, single rows. */
    for (int round = 0; round < 20; round++) {
        uint32_t first = (uint32_t)qn_random_below(&w->rnd, rows),
                 count = (uint32_t)qn_random_below(&w->rnd, rows - first + 1);
        CHECK_OK(w, qn_block_codes(b, column, first, count, at, &w->err));
        assert_memory_equal(at, codes + first, count * 4);
        if (!c->distinct)
            continue;
        first = 1 + (uint32_t)qn_random_below(&w->rnd, c->distinct);
        count = (uint32_t)qn_random_below(&w->rnd, c->distinct - first + 2);
        count = count > 300 ? 300 : count;
        CHECK_OK(w, qn_block_values(b, column, first, count, gathered, &arena, &w->err));
        for (uint32_t i = 0; i < count; i++)
            assert_true(slot_equal(c->bank, gathered, i, values, first - 1 + i));
        compare_i64(w, b, column, first, count, gathered);
        CHECK_OK(w, qn_block_counts(b, column, first, count, at, &w->err));
        assert_memory_equal(at, counts + first - 1, count * 4);
    }
    for (uint32_t step = 1; step < 3000; step = step * 5 + 1) {
        n = 0;
        for (uint32_t row = step / 2; row < rows; row += step)
            some[n++] = row;
        CHECK_OK(w, qn_block_codes_at(b, column, some, n, at, &w->err));
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(at[i], codes[some[i]]);
    }

    /* Search finds every value, and the places of its neighbours agree. */
    for (uint32_t i = 0; i < c->distinct; i += 1 + c->distinct / 50) {
        qn_datum d;
        uint32_t code, end;
        qn_bank_get(c->bank, values, i, &d);
        CHECK_OK(w, qn_block_search(b, column, &d, &code, &end, &w->err));
        assert_true(code <= i + 1 && i + 1 < end);
        for (uint32_t k = code; k < end; k++) {
            qn_datum other;
            qn_bank_get(c->bank, values, k - 1, &other);
            assert_true(qn_value_equal((qn_sql_type)c->type.id, &d, &other));
        }
    }

    /* Row lists are the codes turned around. */
    uint32_t *starts = malloc((c->distinct + 2) * 4), *lists = malloc((rows + 1) * 4);
    CHECK_OK(w, qn_block_row_lists(b, column, starts, lists, &w->err));
    assert_int_equal(starts[0], 0);
    assert_int_equal(starts[c->distinct + 1], rows);
    for (uint32_t code = 0; code <= c->distinct; code++)
        for (uint32_t i = starts[code]; i < starts[code + 1]; i++) {
            assert_int_equal(codes[lists[i]], code);
            assert_true(i == starts[code] || lists[i] > lists[i - 1]);
        }
    free(starts);
    free(lists);

    compare_select(w, b, column, codes, rows);
    qn_arena_deinit(&arena);
    free(codes);
    free(some);
    free(at);
    free(counts);
    free(values);
    free(gathered);
}

static inline void compare_raw(world *w, qn_block *b, uint32_t column, const qn_block_column_in *in,
                               uint32_t rows)
{
    const qn_block_column *c = qn_block_column_at(b, column);
    size_t                 width = qn_bank_bytes(c->bank);
    char                  *values = malloc(rows * width);
    uint64_t              *nulls = malloc(rows / 8 + 16);
    uint32_t              *some = malloc(rows * 4);
    qn_arena               arena;
    qn_arena_init(&arena, &w->mem);
    for (int round = 0; round < 30; round++) {
        uint32_t first = round ? (uint32_t)qn_random_below(&w->rnd, rows) : 0;
        uint32_t count = round ? (uint32_t)qn_random_below(&w->rnd, rows - first + 1) : rows;
        CHECK_OK(w, qn_block_raw(b, column, first, count, values, nulls, &arena, &w->err));
        for (uint32_t i = 0; i < (count + 63) / 64 * 64; i++)
            assert_int_equal(bit_at(nulls, i), i < count && bit_at(in->nulls, first + i));
        for (uint32_t i = 0; i < count; i++)
            if (!bit_at(nulls, i) && !slot_equal(c->bank, values, i, in->values, first + i))
                fail_msg("raw value of row %u differs", first + i);
    }
    for (uint32_t step = 1; step < 3000; step = step * 5 + 1) {
        uint32_t n = 0;
        for (uint32_t row = step / 2; row < rows; row += step)
            some[n++] = row;
        CHECK_OK(w, qn_block_raw_at(b, column, some, n, values, nulls, &arena, &w->err));
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(bit_at(nulls, i), bit_at(in->nulls, some[i]));
            assert_true(bit_at(nulls, i) || slot_equal(c->bank, values, i, in->values, some[i]));
        }
    }
    qn_arena_deinit(&arena);
    free(values);
    free(nulls);
    free(some);
}

/* Write one column, read it back in every way, drop it.  *seen gets its statistics. */
static inline void round_trip(world *w, const qn_block_column_in *in, uint32_t rows,
                              qn_block_column *seen)
{
    qn_block_info info;
    qn_block     *b;
    CHECK_OK(w, make_block(w, in, 1, rows, &info));
    CHECK_OK(w, qn_block_open(&w->env, PATH, TABLE_ID, NUMBER, info.content_hash, &b, &w->err));
    assert_int_equal(qn_block_rows(b), rows);
    assert_int_equal(qn_block_columns(b), 1);
    assert_int_equal(qn_block_bytes(b), info.bytes);
    const qn_block_column *c = qn_block_column_at(b, 0);
    CHECK_OK(w, qn_block_check(b, &w->err));
    if (c->kind == QN_COL_RAW)
        compare_raw(w, b, 0, in, rows);
    else
        compare_dict(w, b, 0, in, rows);
    if (seen)
        *seen = *c;
    qn_block_unref(b);
    drop_block(w);
}

#endif
