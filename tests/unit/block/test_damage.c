/* Damaged and hostile files: never a crash, never a wrong answer passed off as right.
 *
 * A small block with a column of every kind is written once.  Flips that checksums must catch:
 * every byte of the file.  Flips that checksums cannot catch, because the file is sealed again
 * afterwards: then reading must either fail with QN_CORRUPT or run to its end inside its bounds
 * (the sanitizers watch). */
#include "block_test.h"

#define ROWS 1100u

typedef struct sample {
    qn_block_column_in in[10];
    uint32_t           columns, rows;
    void              *owned[16];
    int                owned_count;
} sample;

static void *own(sample *s, size_t bytes)
{
    void *p = calloc(1, bytes);
    s->owned[s->owned_count++] = p;
    return p;
}

/* Packed, runs, exceptions, local dictionary, floats, text, text with NULLs, numerics by bytes,
 * booleans. */
static void sample_make(sample *s, world *w, uint32_t rows)
{
    memset(s, 0, sizeof *s);
    s->rows = rows;
    int64_t *packed = own(s, rows * 8), *runs = own(s, rows * 8), *except = own(s, rows * 8),
            *local = own(s, rows * 8);
    double     *floats = own(s, rows * 8);
    qn_str     *text = own(s, rows * sizeof(qn_str)), *few = own(s, rows * sizeof(qn_str));
    qn_numeric *numerics = own(s, rows * sizeof(qn_numeric));
    uint8_t    *bools = own(s, rows);
    uint64_t   *nulls = own(s, rows / 8 + 16);
    char       *bytes = own(s, (size_t)rows * 48);
    for (uint32_t i = 0; i < rows; i++) {
        packed[i] = (int64_t)qn_random_below(&w->rnd, 200);
        runs[i] = (int64_t)(qn_mix64(i / 40) % 1000);
        except[i] = qn_random_below(&w->rnd, 20) ? 7 : (int64_t)qn_random_below(&w->rnd, 300);
        local[i] =
            i < 1024 ? (int64_t)(qn_mix64(qn_random_below(&w->rnd, 9)) % 100000) : (int64_t)i;
        floats[i] = (double)(i % 31) / 3;
        int n = snprintf(bytes + (size_t)i * 48, 48, "http://site%u.example/%u", i % 13,
                         i * 7919u % 1000003u);
        text[i] = qn_str_of(bytes + (size_t)i * 48, (size_t)n);
        few[i] = qn_str_lit(i % 3 ? "abc" : i % 2 ? "" : "\xc3\xa4\xc3\xb6");
        numerics[i] = qn_numeric_small(i % 50, (int)(i % 3));
        bools[i] = i % 7 == 0;
        if (i % 5 == 0)
            nulls[i / 64] |= (uint64_t)1 << i % 64;
    }
    s->in[0] = (qn_block_column_in){QN_TYPE(BIGINT), packed, NULL};
    s->in[1] = (qn_block_column_in){QN_TYPE(TIMESTAMP), runs, nulls};
    s->in[2] = (qn_block_column_in){QN_TYPE(BIGINT), except, NULL};
    s->in[3] = (qn_block_column_in){QN_TYPE(BIGINT), local, NULL};
    s->in[4] = (qn_block_column_in){QN_TYPE(DOUBLE), floats, NULL};
    s->in[5] = (qn_block_column_in){QN_TYPE(TEXT), text, NULL};
    s->in[6] = (qn_block_column_in){QN_TYPE(TEXT), few, nulls};
    s->in[7] = (qn_block_column_in){QN_TYPE(NUMERIC), numerics, NULL};
    s->in[8] = (qn_block_column_in){QN_TYPE(BOOLEAN), bools, nulls};
    s->columns = 9;
    if (rows >= 4096) { /* enough for row order */
        int64_t  *raw = own(s, rows * 8);
        uint64_t *few_nulls = own(s, rows / 8 + 16);
        for (uint32_t i = 0; i < rows; i++)
            raw[i] = (int64_t)qn_mix64(i + 1);
        few_nulls[3] = 5;
        s->in[s->columns++] = (qn_block_column_in){QN_TYPE(BIGINT), raw, few_nulls};
    }
}

static void sample_free(sample *s)
{
    for (int i = 0; i < s->owned_count; i++)
        free(s->owned[i]);
}

/* Read everything there is, folding answers into a checksum.  QN_OK, QN_CORRUPT or QN_NOMEM. */
static qn_status read_all(world *w, qn_block *b, uint64_t *sum, qn_error *err)
{
    qn_status st = QN_OK;
    uint32_t  rows = qn_block_rows(b), n = rows < 3000 ? rows : 3000;
    uint32_t *codes = malloc(rows * 4), *counts = malloc(rows * 4);
    char     *values = malloc((size_t)rows * 16);
    uint64_t *bits = malloc(QN_BLOCK_ROWS / 8), chunks[64] = {0}, nulls[QN_BLOCK_ROWS / 64];
    qn_arena  arena;
    qn_arena_init(&arena, &w->mem);
    *sum = rows;
#define FOLD(p, bytes) (*sum = qn_hash64((p), (bytes), *sum))
    for (uint32_t i = 0; i < qn_block_columns(b); i++) {
        const qn_block_column *c = qn_block_column_at(b, i);
        size_t                 width = qn_bank_bytes(c->bank);
        uint32_t               kept, code, end;
        FOLD(&c->distinct, 4);
        FOLD(&c->null_count, 4);
        if (c->kind == QN_COL_RAW) {
            QN_TRY(qn_block_raw(b, i, 0, rows, values, nulls, &arena, err));
            FOLD(values, rows * width);
            continue;
        }
        QN_TRY(qn_block_codes(b, i, 0, rows, codes, err));
        FOLD(codes, rows * 4);
        QN_TRY(qn_block_counts(b, i, 1, c->distinct, counts, err));
        FOLD(counts, c->distinct * 4);
        QN_TRY(qn_block_gather(b, i, codes, n, values, &arena, err));
        for (uint32_t row = 0; row < n; row++)
            if (c->bank == QN_BANK_STR)
                FOLD(qn_str_data((qn_str *)values + row), ((qn_str *)values)[row].bytes);
            else if (c->bank != QN_BANK_NUM)
                FOLD(values + row * width, width);
        QN_TRY(qn_block_values(b, i, 1, c->distinct, values, &arena, err));
        if (c->distinct) {
            qn_datum d;
            qn_bank_get(c->bank, values, c->distinct / 2, &d);
            QN_TRY(qn_block_search(b, i, &d, &code, &end, err));
            FOLD(&code, 4);
        }
        uint64_t  *in = calloc(c->distinct / 64 + 1, 8);
        qn_codeset set = {true, 1, c->distinct / 2, NULL};
        memset(bits, 0xff, QN_BLOCK_ROWS / 8);
        st = qn_block_select(b, i, &set, 0, rows, bits, &kept, err);
        for (uint32_t k = 0; k <= c->distinct; k += 3)
            in[k / 64] |= (uint64_t)1 << k % 64;
        set = (qn_codeset){false, 0, 0, in};
        if (st == QN_OK)
            st = qn_block_select(b, i, &set, 0, rows, bits, &kept, err);
        free(in);
        QN_TRY(st);
        FOLD(&kept, 4);
        if (c->bank == QN_BANK_STR && c->distinct) {
            const qn_hash128 *hashes;
            bool              all;
            QN_TRY(qn_block_hashes(b, i, &hashes, err));
            FOLD(hashes, (size_t)c->distinct * 16);
            QN_TRY(qn_block_lengths(b, i, 1, c->distinct, counts, err));
            FOLD(counts, c->distinct * 4);
            QN_TRY(qn_block_byte_lengths(b, i, 1, c->distinct, counts, err));
            QN_TRY(qn_block_trigrams(b, i, "site1.ex", 8, chunks, &all, err));
            FOLD(chunks, 8);
        }
    }
done:
    qn_arena_deinit(&arena);
    free(codes);
    free(counts);
    free(values);
    free(bits);
    return st;
}

/* The file as bytes, and a file of other bytes in its place. */
static uint8_t *load_file(world *w, size_t *bytes)
{
    void *p;
    CHECK_OK(w, qn_vfs_read_file(w->env.vfs, PATH, &w->vfs_mem, 1u << 30, &p, bytes, &w->err));
    uint8_t *copy = malloc(*bytes);
    memcpy(copy, p, *bytes);
    qn_free(&w->vfs_mem, p, *bytes + 1);
    return copy;
}

static void store_file(world *w, const uint8_t *data, size_t bytes)
{
    qn_file *f;
    CHECK_OK(w, w->env.vfs->open(w->env.vfs, PATH, QN_OPEN_TRUNCATE, &f, &w->err));
    CHECK_OK(w, w->env.vfs->write(w->env.vfs, f, 0, data, bytes, &w->err));
    w->env.vfs->close(w->env.vfs, f);
}

/* Open and read all; the block is closed again. */
static qn_status try_file(world *w, uint64_t hash, uint64_t *sum, bool check)
{
    qn_block *b;
    memset(&w->err, 0, sizeof w->err);
    qn_status st = qn_block_open(&w->env, PATH, TABLE_ID, NUMBER, hash, &b, &w->err);
    if (st != QN_OK)
        return st;
    st = read_all(w, b, sum, &w->err);
    if (check)
        (void)qn_block_check(b, NULL);
    qn_block_unref(b);
    return st;
}

static void test_every_flip(void **state)
{
    (void)state;
    world         w;
    sample        s;
    qn_block_info info;
    size_t        bytes;
    uint64_t      right = 0, sum;
    world_init(&w);
    sample_make(&s, &w, 150);
    CHECK_OK(&w, make_block(&w, s.in, s.columns, s.rows, &info));
    uint8_t *file = load_file(&w, &bytes);
    CHECK_OK(&w, try_file(&w, info.content_hash, &right, true));
    for (size_t i = 0; i < bytes; i++) {
        file[i] ^= (uint8_t)(1u << i % 8);
        store_file(&w, file, bytes);
        qn_status st = try_file(&w, info.content_hash, &sum, false);
        if (st == QN_OK)
            assert_true(sum == right); /* padding, or a section that reading did not need */
        else {
            assert_int_equal(st, QN_CORRUPT);
            assert_non_null(strstr(w.err.message, PATH)); /* the message names the file */
            assert_non_null(strstr(w.err.message, "offset"));
        }
        file[i] ^= (uint8_t)(1u << i % 8);
    }
    /* Cut short anywhere, or longer than written. */
    for (size_t n = 0; n < bytes; n += 1 + n / 16) {
        store_file(&w, file, n);
        assert_int_equal(try_file(&w, info.content_hash, &sum, false), QN_CORRUPT);
    }
    free(file);
    sample_free(&s);
    drop_block(&w);
    world_deinit(&w);
}

/* The same for text that is compressed with a dictionary, which nothing but its checksum protects.
 */
static void test_every_flip_of_codecs(void **state)
{
    (void)state;
    world  w;
    sample s;
    size_t bytes;
    world_init(&w);
    sample_make(&s, &w, 900);
    for (w.codec = QN_TEXT_LZ4HC; w.codec < QN_TEXT_CODEC_COUNT; w.codec++) {
        qn_block_info info;
        qn_block     *b;
        uint64_t      right = 0, sum;
        CHECK_OK(&w, make_block(&w, &s.in[5], 1, s.rows, &info));
        uint8_t *file = load_file(&w, &bytes);
        assert_int_equal(qn_get32(file + 8), 2); /* the version that knows codecs */
        CHECK_OK(&w, qn_block_open(&w.env, PATH, TABLE_ID, NUMBER, info.content_hash, &b, &w.err));
        assert_non_null(b->columns[0].section[QN_SECTION_DICTIONARY].p);
        qn_block_unref(b);
        CHECK_OK(&w, try_file(&w, info.content_hash, &right, true));
        for (size_t i = 0; i < bytes; i += 1 + i / 500) {
            file[i] ^= (uint8_t)(1u << i % 8);
            store_file(&w, file, bytes);
            qn_status st = try_file(&w, info.content_hash, &sum, false);
            assert_true(st == QN_OK ? sum == right : st == QN_CORRUPT);
            file[i] ^= (uint8_t)(1u << i % 8);
        }
        /* A file that says it is of version 1 has none of this. */
        file[8] = 1;
        uint64_t hash = qn_block_reseal(file, bytes);
        store_file(&w, file, bytes);
        assert_int_equal(try_file(&w, hash, &sum, false), QN_CORRUPT);
        assert_non_null(strstr(w.err.message, "later version"));
        free(file);
        drop_block(&w);
    }
    sample_free(&s);
    world_deinit(&w);
}

/* Text is checked a chunk at a time, but each string for itself: halves of a character in
 * neighbours do not make a whole. */
static void test_halves_of_a_character(void **state)
{
    (void)state;
    world         w;
    qn_block_info info;
    qn_block     *b;
    const struct {
        const char *first, *second;
        qn_status   status;
    } cases[] = {{"a\xc3",
                  "\xa9"
                  "b",
                  QN_CORRUPT},
                 {"a\xc3", "b", QN_CORRUPT},
                 {"a", "\xa9", QN_CORRUPT},
                 {"a\xc3\xa9", "b\xc3", QN_CORRUPT},
                 {"", "\xc3\xa9", QN_OK},
                 {"a", "b", QN_OK}};
    world_init(&w);
    for (size_t i = 0; i < QN_COUNTOF(cases); i++)
        for (size_t padding = 0; padding <= 100; padding += 50) { /* also where vectors look */
            char     long_text[200];
            qn_arena arena;
            qn_str   out[3];
            memset(long_text, 'z', sizeof long_text);
            qn_str             values[] = {qn_str_of(cases[i].first, strlen(cases[i].first)),
                                           qn_str_of(cases[i].second, strlen(cases[i].second)),
                                           qn_str_of(long_text, padding + 20)};
            qn_block_column_in in = {QN_TYPE(TEXT), values, NULL};
            CHECK_OK(&w, make_block(&w, &in, 1, 3, &info));
            CHECK_OK(&w,
                     qn_block_open(&w.env, PATH, TABLE_ID, NUMBER, info.content_hash, &b, &w.err));
            qn_arena_init(&arena, &w.mem);
            assert_int_equal(qn_block_strings(b, 0, 1, 3, out, &arena, &w.err), cases[i].status);
            if (cases[i].status != QN_OK)
                assert_non_null(strstr(w.err.message, "not valid UTF-8"));
            memset(&w.err, 0, sizeof w.err);
            qn_arena_deinit(&arena);
            qn_block_unref(b);
            drop_block(&w);
        }
    world_deinit(&w);
}

/* Another table's block, another number, another content: noticed at open. */
static void test_misplaced(void **state)
{
    (void)state;
    world         w;
    int64_t       v = 1;
    qn_block_info info;
    qn_block     *b;
    world_init(&w);
    qn_block_column_in in = {QN_TYPE(BIGINT), &v, NULL};
    CHECK_OK(&w, make_block(&w, &in, 1, 1, &info));
    assert_int_equal(qn_block_open(&w.env, PATH, TABLE_ID + 1, NUMBER, info.content_hash, &b, NULL),
                     QN_CORRUPT);
    assert_int_equal(qn_block_open(&w.env, PATH, TABLE_ID, NUMBER + 1, info.content_hash, &b, NULL),
                     QN_CORRUPT);
    assert_int_equal(qn_block_open(&w.env, PATH, TABLE_ID, NUMBER, info.content_hash + 1, &b, NULL),
                     QN_CORRUPT);
    assert_int_equal(qn_block_open(&w.env, "none.qnb", TABLE_ID, NUMBER, 0, &b, NULL), QN_IO);
    assert_null(b);
    /* A block file is never written over. */
    memset(&w.err, 0, sizeof w.err);
    assert_int_equal(make_block(&w, &in, 1, 1, &info), QN_IO);
    CHECK_OK(&w, qn_block_open(&w.env, PATH, TABLE_ID, NUMBER, info.content_hash, &b, &w.err));
    qn_block_unref(b);
    drop_block(&w);
    world_deinit(&w);
}

static void hostile(world *w, const uint8_t *file, size_t bytes, uint8_t *copy)
{
    (void)file;
    uint64_t sum, hash = qn_block_reseal(copy, bytes);
    store_file(w, copy, bytes);
    qn_status st = try_file(w, hash, &sum, true);
    assert_true(st == QN_OK || st == QN_CORRUPT || st == QN_NOMEM);
}

/* Contents that checksums vouch for and that lie: every byte of a small file set to awkward values,
 * and random bursts in a larger one. */
static void test_resealed(void **state)
{
    (void)state;
    world         w;
    sample        s;
    qn_block_info info;
    size_t        bytes;
    world_init(&w);
    const uint32_t sizes[] = {40, ROWS, 4200, ROWS, ROWS};
    for (int size = 0; size < 5; size++) {
        w.codec = size == 3 ? QN_TEXT_LZ4HC : size == 4 ? QN_TEXT_ZSTD : QN_TEXT_LZ4;
        sample_make(&s, &w, sizes[size]);
        CHECK_OK(&w, make_block(&w, s.in, s.columns, s.rows, &info));
        uint8_t *file = load_file(&w, &bytes), *copy = malloc(bytes);
        atomic_store(&w.mem.limit_bytes,
                     (uint64_t)64 << 20); /* absurd sizes are refused, not tried */
        if (size == 0) {
            const uint8_t awkward[] = {0, 1, 0x7f, 0x80, 0xff};
            for (size_t i = 0; i < bytes; i++)
                for (size_t k = 0; k < sizeof awkward; k++) {
                    memcpy(copy, file, bytes);
                    copy[i] = awkward[k];
                    hostile(&w, file, bytes, copy);
                }
        }
        for (int round = 0; round < 2000; round++) {
            memcpy(copy, file, bytes);
            for (unsigned n = 1 + (unsigned)qn_random_below(&w.rnd, 4); n; n--) {
                size_t at = (size_t)qn_random_below(&w.rnd, bytes),
                       length = 1 + (size_t)qn_random_below(&w.rnd, 8);
                for (size_t i = at; i < at + length && i < bytes; i++)
                    copy[i] = (uint8_t)qn_random_next(&w.rnd);
            }
            hostile(&w, file, bytes, copy);
        }
        atomic_store(&w.mem.limit_bytes, 0);
        free(file);
        free(copy);
        sample_free(&s);
        drop_block(&w);
    }
    world_deinit(&w);
}

/* Each request for memory fails once, in writing and in reading: a status, no leak, and success
 * after. */
static void test_allocation_failures(void **state)
{
    world         w;
    sample        s;
    qn_block_info info;
    uint64_t      right, sum;
    world_init(&w);
    w.codec = (qn_text_codec)(uintptr_t)*state;
    sample_make(&s, &w, ROWS);
    for (uint64_t n = 1;; n++) {
        atomic_store(&w.mem.fail_at, atomic_load(&w.mem.requests) + n);
        qn_status st = make_block(&w, s.in, s.columns, s.rows, &info);
        atomic_store(&w.mem.fail_at, 0);
        assert_int_equal(atomic_load(&w.mem.used_bytes), 0);
        if (st == QN_OK)
            break;
        assert_int_equal(st, QN_NOMEM);
        qn_stat stat; /* nothing is left behind */
        assert_int_not_equal(w.env.vfs->stat(w.env.vfs, PATH, &stat, NULL), QN_OK);
    }
    CHECK_OK(&w, try_file(&w, info.content_hash, &right, true));
    for (uint64_t n = 1;; n++) {
        atomic_store(&w.mem.fail_at, atomic_load(&w.mem.requests) + n);
        qn_status st = try_file(&w, info.content_hash, &sum, false);
        atomic_store(&w.mem.fail_at, 0);
        assert_int_equal(atomic_load(&w.mem.used_bytes), 0);
        if (st == QN_OK)
            break;
        assert_int_equal(st, QN_NOMEM);
    }
    assert_true(sum == right);
    sample_free(&s);
    drop_block(&w);
    world_deinit(&w);
}

/* Every call to the files fails once: the block is either whole or not there. */
static void test_file_failures(void **state)
{
    (void)state;
    world         w;
    sample        s;
    qn_block_info info;
    uint64_t      sum;
    world_init(&w);
    sample_make(&s, &w, ROWS);
    qn_vfs *base = w.env.vfs, *faulty;
    CHECK_OK(&w, qn_vfs_fault_new(&w.vfs_mem, base, &faulty, &w.err));
    w.env.vfs = faulty;
    for (uint64_t n = 1;; n++) {
        qn_vfs_fault_plan(faulty, (qn_fault_plan){.op = -1, .nth = n, .effect = QN_FAULT_EIO});
        qn_status st = make_block(&w, s.in, s.columns, s.rows, &info);
        if (st == QN_OK && !qn_vfs_fault_hit(faulty))
            break;
        qn_stat stat;
        if (st != QN_OK)
            assert_int_not_equal(base->stat(base, PATH, &stat, NULL), QN_OK);
        else
            assert_int_equal(base->unlink(base, PATH, NULL), QN_OK);
    }
    for (uint64_t n = 1;; n++) {
        qn_vfs_fault_plan(faulty, (qn_fault_plan){.op = -1, .nth = n, .effect = QN_FAULT_EIO});
        qn_status st = try_file(&w, info.content_hash, &sum, false);
        if (st == QN_OK)
            break;
        assert_true(st == QN_IO || st == QN_CORRUPT);
        assert_int_equal(atomic_load(&w.mem.used_bytes), 0);
    }
    w.env.vfs = base;
    qn_vfs_fault_free(faulty);
    sample_free(&s);
    drop_block(&w);
    world_deinit(&w);
}

/* Pages lost under a mapping become zeros after their sections were proved (os/sigbus.h).  The answers will not be
 * believed, but they must be computed without leaving any array.  Pages are made small here so that there are many
 * boundaries: all that matters is that they are aligned. */
static void test_lost_pages(void **state)
{
    (void)state;
    enum { PAGE = 64 };
    world         w;
    sample        s;
    qn_block_info info;
    qn_block     *b;
    uint64_t      sum;
    char          kept[3 * PAGE];
    const uint32_t sizes[] = {ROWS, 4200, ROWS, ROWS};
    world_init(&w);
    for (int size = 0; size < 4; size++) {
        w.codec = size == 2 ? QN_TEXT_LZ4HC : size == 3 ? QN_TEXT_ZSTD : QN_TEXT_LZ4;
        sample_make(&s, &w, sizes[size]);
        CHECK_OK(&w, make_block(&w, s.in, s.columns, s.rows, &info));
        CHECK_OK(&w, qn_block_open(&w.env, PATH, TABLE_ID, NUMBER, info.content_hash, &b, &w.err));
        CHECK_OK(&w, read_all(&w, b, &sum, &w.err));
        char  *bytes = (char *)(uintptr_t)b->map.data;
        size_t pages = b->map.bytes / PAGE, step = 1 + pages / 2000;
        for (size_t page = 0; page + 3 < pages; page += step) {
            size_t n = PAGE * (1 + page % 3);
            memcpy(kept, bytes + page * PAGE, n);
            memset(bytes + page * PAGE, 0, n);
            (void)read_all(&w, b, &sum, NULL);
            memcpy(bytes + page * PAGE, kept, n);
        }
        qn_block_unref(b);
        sample_free(&s);
        drop_block(&w);
    }
    world_deinit(&w);
}

static qn_status no_map(qn_vfs *vfs, qn_file *file, uint64_t bytes, qn_map *out, qn_error *err)
{
    (void)vfs, (void)file, (void)bytes;
    *out = (qn_map){0};
    return qn_nomem(err); /* as the kernel says when a process has too many */
}

/* A process has some 65,000 mappings, and a table may have more blocks: small ones are read into memory, and larger
 * ones when no mapping is to be had. */
static void test_no_more_mappings(void **state)
{
    (void)state;
    world         w;
    sample        s;
    qn_block_info info;
    uint64_t      right, sum;
    world_init(&w);
    sample_make(&s, &w, ROWS);
    CHECK_OK(&w, make_block(&w, s.in, s.columns, s.rows, &info));
    CHECK_OK(&w, try_file(&w, info.content_hash, &right, true));
    qn_vfs *base = w.env.vfs, few = *base, small = *base;
    few.map = no_map;
    w.env.vfs = &few;
    CHECK_OK(&w, try_file(&w, info.content_hash, &sum, true));
    assert_true(sum == right);
    /* Memory for it counts, and can be refused. */
    atomic_store(&w.mem.limit_bytes, info.bytes / 2);
    assert_int_equal(try_file(&w, info.content_hash, &sum, false), QN_NOMEM);
    atomic_store(&w.mem.limit_bytes, 0);
    small.map = NULL;
    small.small_bytes = info.bytes;
    w.env.vfs = &small;
    CHECK_OK(&w, try_file(&w, info.content_hash, &sum, true));
    assert_true(sum == right);
    w.env.vfs = base;
    sample_free(&s);
    drop_block(&w);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_flip),
        cmocka_unit_test(test_every_flip_of_codecs),
        cmocka_unit_test(test_halves_of_a_character),
        cmocka_unit_test(test_misplaced),
        cmocka_unit_test(test_resealed),
        {"test_allocation_failures", test_allocation_failures, NULL, NULL, (void *)QN_TEXT_LZ4},
        {"test_allocation_failures_lz4hc", test_allocation_failures, NULL, NULL,
         (void *)QN_TEXT_LZ4HC},
        {"test_allocation_failures_zstd", test_allocation_failures, NULL, NULL,
         (void *)QN_TEXT_ZSTD},
        cmocka_unit_test(test_file_failures),
        cmocka_unit_test(test_lost_pages),
        cmocka_unit_test(test_no_more_mappings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
