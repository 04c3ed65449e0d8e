/* What goes into a block comes out, for every bank, pattern of NULLs, size and form of codes. */
#include "block_test.h"

#include <math.h>

#include "base/thread.h"

#define ROWS 5000u

static uint64_t *some_nulls(world *w, uint32_t rows, unsigned pattern)
{
    uint64_t *nulls = calloc(rows / 64 + 1, 8);
    for (uint32_t i = 0; i < rows; i++) {
        bool null = pattern == 0   ? false
                    : pattern == 1 ? qn_random_below(&w->rnd, 3) == 0
                    : pattern == 2 ? i / 1500 % 2
                                   : true;
        nulls[i / 64] |= (uint64_t)null << i % 64;
    }
    return nulls;
}

/* Values of a bank, `spread` of them distinct or so. */
static void *some_values(world *w, qn_arena *arena, qn_bank bank, uint32_t rows, uint64_t spread)
{
    void *values = malloc((rows + 1) * qn_bank_bytes(bank));
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t x = qn_random_below(&w->rnd, spread), mixed = qn_mix64(x + 1);
        qn_datum d;
        memset(&d, 0, sizeof d);
        switch (bank) {
        case QN_BANK_BOOL:
            d.b = x & 1;
            break;
        case QN_BANK_I16:
            d.i16 = (int16_t)mixed;
            break;
        case QN_BANK_I32:
            d.i32 = (int32_t)(spread < 100 ? x : mixed);
            break;
        case QN_BANK_I64:
            d.i64 = x == 0 ? INT64_MIN : x == 1 ? INT64_MAX : (int64_t)mixed;
            break;
        case QN_BANK_F32: {
            uint32_t special[] = {0,          0x80000000, 0x7f800000, 0xff800000,
                                  0x7fc00000, 0xffc00000, 0xff800001};
            uint32_t u = x < 7 ? special[x] : (uint32_t)mixed;
            memcpy(&d, &u, 4);
            break;
        }
        case QN_BANK_F64: {
            uint64_t special[] = {0,
                                  1ull << 63,
                                  0x7ffull << 52,
                                  0xfffull << 52,
                                  0x7ff8ull << 48,
                                  0xfff8ull << 48,
                                  (0xfffull << 52) + 1};
            uint64_t u = x < 7 ? special[x] : mixed;
            memcpy(&d, &u, 8);
            break;
        }
        case QN_BANK_NUM:
            d.num =
                qn_numeric_small((int64_t)(mixed >> 20) - 1000000, spread % 2 ? 2 : (int)(x % 5));
            break;
        case QN_BANK_INTERVAL:
            d.interval = (qn_interval){(int64_t)(x % 7), (int32_t)(x % 3 * 30), (int32_t)(x % 100)};
            break;
        default: {
            char text[80];
            int  n = 0;
            if (x) /* the empty string is one of them */
                n = snprintf(text, sizeof text,
                             x % 3   ? "http://example.org/%llu/%llx"
                             : x % 4 ? "\xd0\xaf\xc3\xa9 %llu%.0llx"
                                     : "%llu%.0llx   ",
                             (unsigned long long)(x % 97), (unsigned long long)mixed);
            d.str = qn_str_of(qn_arena_strndup(arena, text, (size_t)n), (size_t)n);
            break;
        }
        }
        qn_bank_set(bank, values, i, &d);
    }
    return values;
}

static const qn_sql_type types[] = {QN_TYPE_BOOLEAN,  QN_TYPE_SMALLINT,  QN_TYPE_INTEGER,
                                    QN_TYPE_BIGINT,   QN_TYPE_REAL,      QN_TYPE_DOUBLE,
                                    QN_TYPE_NUMERIC,  QN_TYPE_TEXT,      QN_TYPE_DATE,
                                    QN_TYPE_INTERVAL, QN_TYPE_TIMESTAMP, QN_TYPE_CHAR};

static void test_banks(void **state)
{
    (void)state;
    world w;
    world_init(&w);
    uint64_t spreads[] = {1, 2, 3, 16, 1001, 1000000};
    uint32_t sizes[] = {1, 2, 63, 64, 1024, 1025, ROWS};
    for (size_t t = 0; t < QN_COUNTOF(types); t++)
        for (size_t s = 0; s < QN_COUNTOF(spreads); s++)
            for (size_t z = 0; z < QN_COUNTOF(sizes); z++)
                for (unsigned pattern = 0; pattern < 4; pattern++) {
                    qn_arena arena;
                    qn_bank  bank = qn_type_bank(types[t]);
                    qn_arena_init(&arena, &w.mem);
                    void              *values = some_values(&w, &arena, bank, sizes[z], spreads[s]);
                    uint64_t          *nulls = some_nulls(&w, sizes[z], pattern);
                    qn_block_column_in in = {
                        {(uint8_t)types[t], -1}, values, pattern ? nulls : NULL};
                    round_trip(&w, &in, sizes[z], NULL);
                    free(values);
                    free(nulls);
                    qn_arena_deinit(&arena);
                }
    world_deinit(&w);
}

/* Text of every size and kind through every codec, at once and from several threads' point of view:
 * a block keeps what it decompresses with between calls. */
static void test_codecs(void **state)
{
    (void)state;
    world w;
    world_init(&w);
    uint64_t spreads[] = {1, 3, 1001, 1000000};
    uint32_t sizes[] = {1, 64, 1025, ROWS, 40000};
    for (w.codec = 0; w.codec < QN_TEXT_CODEC_COUNT; w.codec++)
        for (size_t s = 0; s < QN_COUNTOF(spreads); s++)
            for (size_t z = 0; z < QN_COUNTOF(sizes); z++) {
                qn_arena        arena;
                qn_block_column seen;
                qn_arena_init(&arena, &w.mem);
                void     *values = some_values(&w, &arena, QN_BANK_STR, sizes[z], spreads[s]);
                uint64_t *nulls = some_nulls(&w, sizes[z], s % 2);
                qn_block_column_in in = {QN_TYPE(TEXT), values, nulls};
                round_trip(&w, &in, sizes[z], &seen);
                free(values);
                free(nulls);
                qn_arena_deinit(&arena);
            }
    world_deinit(&w);
}

/* Strings that have much in common but no prefixes: a dictionary makes them smaller. */
static void test_dictionary_pays(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    world    w;
    uint64_t bytes[QN_TEXT_CODEC_COUNT];
    char    *text = malloc(COUNT * 64);
    qn_str  *values = malloc(COUNT * sizeof *values);
    world_init(&w);
    for (uint32_t i = 0; i < COUNT; i++) {
        int n = snprintf(text + i * 64, 64, "%06x buy cheap %u tickets and hotels",
                         (unsigned)qn_mix64(i) & 0xffffff, (unsigned)(qn_mix64(i) >> 24) % 50);
        values[i] = qn_str_of(text + i * 64, (size_t)n);
    }
    for (w.codec = 0; w.codec < QN_TEXT_CODEC_COUNT; w.codec++) {
        qn_block_column_in in = {QN_TYPE(TEXT), values, NULL};
        qn_block_column    seen;
        round_trip(&w, &in, COUNT, &seen);
        bytes[w.codec] = seen.bytes_values;
    }
    assert_true(bytes[QN_TEXT_LZ4HC] < bytes[QN_TEXT_LZ4] * 9 / 10);
    assert_true(bytes[QN_TEXT_ZSTD] < bytes[QN_TEXT_LZ4HC]);
    free(text);
    free(values);
    world_deinit(&w);
}

/* What a scan needed of one block is hinted for the next ones: once, and only what it needed there
 * for the first time. */
typedef struct hints {
    qn_vfs   vfs; /* the one below with `expect` replaced */
    unsigned count;
    uint64_t offset, bytes; /* of the last one */
} hints;

static void count_hint(qn_vfs *vfs, const qn_map *map, uint64_t offset, uint64_t bytes)
{
    hints *h = (hints *)vfs;
    assert_true(offset < map->bytes);
    h->count += offset > 0; /* headers lie at 0 */
    h->offset = offset;
    h->bytes = bytes;
}

static void test_ahead(void **state)
{
    (void)state;
    world         w;
    qn_block_info info;
    qn_block     *b[3];
    uint32_t      codes[ROWS];
    int64_t       values[ROWS], others[ROWS];
    world_init(&w);
    qn_vfs *below = w.env.vfs;
    hints   h = {.vfs = *below};
    h.vfs.expect = count_hint;
    for (uint32_t i = 0; i < ROWS; i++) {
        values[i] = i % 100;
        others[i] = i % 77;
    }
    qn_block_column_in in[] = {{QN_TYPE(BIGINT), values, NULL}, {QN_TYPE(BIGINT), others, NULL}};
    CHECK_OK(&w, make_block(&w, in, 2, ROWS, &info));
    w.env.vfs = &h.vfs;
    for (int i = 0; i < 3; i++) /* one file stands for three */
        CHECK_OK(&w,
                 qn_block_open(&w.env, PATH, TABLE_ID, NUMBER, info.content_hash, &b[i], &w.err));
    h.count = 0;
    CHECK_OK(&w, qn_block_codes(b[0], 1, 0, ROWS, codes, &w.err));
    assert_int_equal(h.count, 1); /* the section itself */
    uint64_t offset = h.offset, bytes = h.bytes;
    qn_block_ahead(b[0], b[1]);
    qn_block_ahead(b[0], b[2]);
    assert_int_equal(h.count, 3); /* the same section of both, nothing of column 0 */
    assert_true(h.offset == offset && h.bytes == bytes);
    qn_block_ahead(b[0], b[1]);
    CHECK_OK(&w, qn_block_codes(b[1], 1, 0, ROWS, codes, &w.err));
    assert_int_equal(h.count, 3);     /* on its way already */
    qn_block_ahead(b[0], b[2]);       /* this thread was last at block 1: nothing is known of 0 */
    qn_block_ahead(NULL, b[2]);
    CHECK_OK(&w, qn_block_codes(b[1], 1, 0, ROWS, codes, &w.err));
    qn_block_ahead(b[1], b[0]);
    qn_block_ahead(b[1], b[2]);
    assert_int_equal(h.count, 3);
    for (int i = 0; i < 3; i++)
        qn_block_unref(b[i]);
    w.env.vfs = below;
    drop_block(&w);
    world_deinit(&w);
}

/* The statistics in the header say what the values are. */
static void test_statistics(void **state)
{
    (void)state;
    world w;
    world_init(&w);
    int32_t            values[] = {5, 5, -3, 9, 5, 0, -3, 100};
    uint64_t           nulls = 1u << 5;
    qn_block_column_in in = {QN_TYPE(INTEGER), values, &nulls};
    qn_block_column    c;
    round_trip(&w, &in, 8, &c);
    assert_int_equal(c.null_count, 1);
    assert_int_equal(c.distinct, 4); /* -3 5 9 100 */
    assert_int_equal(c.min.i32, -3);
    assert_int_equal(c.max.i32, 100);
    assert_int_equal(c.max_count, 3);
    assert_int_equal(c.max_count_code, 2);
    assert_int_equal(c.count_log2[0], 2); /* 9 and 100 occur once */
    assert_int_equal(c.count_log2[1], 2); /* -3 twice, 5 three times */
    assert_int_equal(c.code_bits, 3);
    assert_int_equal(c.kind, QN_COL_DICT);
    world_deinit(&w);
}

/* Data whose best form is known: each form is chosen where it should be, and reads back. */
static void test_forms(void **state)
{
    (void)state;
    world              w;
    uint32_t           rows = 8 * 1024 + 100;
    int64_t           *v = malloc(rows * 8);
    qn_block_column    c;
    qn_block_column_in in = {QN_TYPE(BIGINT), v, NULL};
    world_init(&w);
    for (int level = 0; level < QN_ISA_COUNT; level++) {
        if (!qn_kernels_force((qn_isa)level))
            continue;
        for (uint32_t i = 0; i < rows; i++) /* random over all codes: packed */
            v[i] = (int64_t)qn_random_below(&w.rnd, 5000);
        round_trip(&w, &in, rows, &c);
        assert_true(c.units_packed >= 8);

        for (uint32_t i = 0; i < rows; i++) /* long runs, few enough for positions */
            v[i] = (int64_t)(qn_mix64(i / 50) % 5000);
        round_trip(&w, &in, rows, &c);
        assert_true(c.units_run >= 8);

        for (uint32_t i = 0; i < rows; i++) /* short runs: their starts become a bitmap */
            v[i] = (int64_t)(qn_mix64(i / 5) % 5000);
        round_trip(&w, &in, rows, &c);
        assert_true(c.units_run >= 8);

        for (uint32_t every = 3; every <= 40; every += 37) { /* one value dominates */
            for (uint32_t i = 0; i < rows; i++)
                v[i] = qn_random_below(&w.rnd, every) ? 77 : (int64_t)qn_random_below(&w.rnd, 5000);
            round_trip(&w, &in, rows, &c);
            assert_true(c.units_exception >= 8);
        }

        for (uint32_t i = 0; i < rows; i++) /* few far-apart values per unit, others in the next */
            v[i] = (int64_t)(qn_mix64(i / 1024 * 16 + qn_random_below(&w.rnd, 16)) % 100000);
        round_trip(&w, &in, rows, &c);
        assert_true(c.units_local >= 8);
    }
    assert_true(qn_kernels_force(qn_isa_detect()));
    free(v);
    world_deinit(&w);
}

/* Nearly all distinct: row order, exact statistics, bounds per unit. */
static void test_raw(void **state)
{
    (void)state;
    world w;
    world_init(&w);
    uint32_t  rows = 6 * 1024 + 7;
    int64_t  *v = malloc(rows * 8);
    double   *d = malloc(rows * 8);
    uint64_t *nulls = calloc(rows / 64 + 1, 8);
    for (uint32_t i = 0; i < rows; i++) {
        v[i] = (int64_t)qn_mix64(i + 1);
        d[i] = (double)v[i] * 0.25;
        if (i % 100 == 3 || i / 1024 == 2)
            nulls[i / 64] |= (uint64_t)1 << i % 64;
    }
    qn_block_column_in in = {QN_TYPE(BIGINT), v, NULL};
    qn_block_column    c;
    round_trip(&w, &in, rows, &c);
    assert_int_equal(c.kind, QN_COL_RAW);
    assert_int_equal(c.distinct, rows);
    assert_int_equal(c.max_count, 1);

    in.type = QN_TYPE(DOUBLE);
    in.values = d;
    round_trip(&w, &in, rows, &c);
    assert_int_equal(c.kind, QN_COL_RAW);

    /* A unit of NULLs has no bounds; 82 % distinct is a dictionary again. */
    in.nulls = nulls;
    round_trip(&w, &in, rows, &c);
    assert_int_equal(c.kind, QN_COL_DICT);

    memset(nulls, 0, rows / 64 * 8 + 8);
    for (uint32_t i = 0; i < rows; i += 50)
        nulls[i / 64] |= (uint64_t)1 << i % 64;
    for (uint32_t i = 0; i < rows; i++)
        v[i] = 1000000 + i * 3;
    in = (qn_block_column_in){QN_TYPE(BIGINT), v, nulls};
    round_trip(&w, &in, rows, &c);
    assert_int_equal(c.kind, QN_COL_RAW);
    qn_block_info info;
    qn_block     *b;
    int64_t       lo, hi;
    CHECK_OK(&w, make_block(&w, &in, 1, rows, &info));
    CHECK_OK(&w, qn_block_open(&w.env, PATH, TABLE_ID, NUMBER, info.content_hash, &b, &w.err));
    assert_true(qn_block_raw_bounds(b, 0, 1500, &lo, &hi));
    assert_int_equal(lo, 1000000 + 1024 * 3);
    assert_int_equal(hi, 1000000 + 2047 * 3);
    qn_block_unref(b);
    drop_block(&w);
    free(v);
    free(d);
    free(nulls);
    world_deinit(&w);
}

/* The largest block: 2^19 rows of 2^19 - 1 distinct strings need codes of 20 bits. */
static void test_largest(void **state)
{
    (void)state;
    world w;
    world_init(&w);
    uint32_t rows = QN_BLOCK_ROWS;
    qn_str  *s = malloc(rows * sizeof *s);
    char    *text = malloc((size_t)rows * 12);
    for (uint32_t i = 0; i < rows; i++) {
        int n = snprintf(text + (size_t)i * 12, 12, "%x", i % (rows - 1) * 7);
        s[i] = qn_str_of(text + (size_t)i * 12, (size_t)n);
    }
    qn_block_column_in in = {QN_TYPE(TEXT), s, NULL};
    qn_block_column    c;
    round_trip(&w, &in, rows, &c);
    assert_int_equal(c.distinct, rows - 1);
    assert_int_equal(c.max_count, 2);
    free(s);
    free(text);
    world_deinit(&w);
}

/* Numerics that no 64-bit integer holds, of every kind, keep value and display scale. */
static void test_numerics(void **state)
{
    (void)state;
    world w;
    world_init(&w);
    const char *text[] = {"1.0",
                          "1.00",
                          "NaN",
                          "Infinity",
                          "-Infinity",
                          "0",
                          "-0.5",
                          "123456789012345678901234567890.123456789",
                          "1e500",
                          "-1e500",
                          "0.000000000000000000001"};
    qn_numeric  v[1200];
    qn_arena    arena;
    qn_arena_init(&arena, &w.mem);
    for (size_t i = 0; i < QN_COUNTOF(v); i++) {
        const char *s = text[i % QN_COUNTOF(text)];
        char        other[40];
        if (i >= 300) {
            snprintf(other, sizeof other, "%zu.%0*d", i * 7919 % 500, (int)(i % 5),
                     (int)(i % 5 ? 3 : 0));
            s = other;
        }
        CHECK_OK(&w, qn_numeric_parse(s, strlen(s), -1, &arena, &v[i], &w.err));
    }
    qn_block_column_in in = {QN_TYPE(NUMERIC), v, NULL};
    qn_block_column    c;
    round_trip(&w, &in, 2, &c); /* 1.0 and 1.00: SQL-equal, two stored forms */
    assert_int_equal(c.distinct, 2);
    round_trip(&w, &in, QN_COUNTOF(text), &c);
    assert_int_equal(c.distinct, QN_COUNTOF(text));
    round_trip(&w, &in, QN_COUNTOF(v), NULL);
    qn_arena_deinit(&arena);
    world_deinit(&w);
}

/* -0 and 0 are one value to SQL and two forms to the block: search finds both. */
static void test_search_equal_forms(void **state)
{
    (void)state;
    world w;
    world_init(&w);
    double             v[] = {1.5, -0.0, 0.0, -7, NAN, INFINITY};
    qn_block_column_in in = {QN_TYPE(DOUBLE), v, NULL};
    qn_block_info      info;
    qn_block          *b;
    uint32_t           code, end;
    CHECK_OK(&w, make_block(&w, &in, 1, 6, &info));
    CHECK_OK(&w, qn_block_open(&w.env, PATH, TABLE_ID, NUMBER, info.content_hash, &b, &w.err));
    struct {
        double   v;
        uint32_t code, end;
    } cases[] = {{-8, 1, 1}, {-7, 1, 2},  {0.0, 2, 4},      {-0.0, 2, 4},
                 {1, 4, 4},  {1.5, 4, 5}, {INFINITY, 5, 6}, {NAN, 6, 7}};
    for (size_t i = 0; i < QN_COUNTOF(cases); i++) {
        qn_datum d = {.f64 = cases[i].v};
        CHECK_OK(&w, qn_block_search(b, 0, &d, &code, &end, &w.err));
        assert_int_equal(code, cases[i].code);
        assert_int_equal(end, cases[i].end);
    }
    qn_block_unref(b);
    drop_block(&w);
    world_deinit(&w);
}

/* A block of one row, as every INSERT makes, is small. */
static void test_one_row_is_small(void **state)
{
    (void)state;
    world w;
    world_init(&w);
    int64_t            n = 12345;
    qn_str             s = qn_str_lit("hello");
    qn_block_column_in in[] = {{QN_TYPE(BIGINT), &n, NULL}, {QN_TYPE(TEXT), &s, NULL}};
    qn_block_info      info;
    CHECK_OK(&w, make_block(&w, in, 2, 1, &info));
    assert_true(info.bytes <= 512);
    drop_block(&w);
    world_deinit(&w);
}

/* The trigram index keeps every chunk that has the text, and drops most of the others. */
static void test_trigrams(void **state)
{
    (void)state;
    world w;
    world_init(&w);
    enum { COUNT = 40 * 128 };
    static char   text[COUNT][40];
    static qn_str s[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        int n =
            snprintf(text[i], sizeof text[i], "row %05u %s", i, i == 3000 ? "needle" : "haystack");
        s[i] = qn_str_of(text[i], (size_t)n);
    }
    qn_block_column_in in = {QN_TYPE(TEXT), s, NULL};
    qn_block_info      info;
    qn_block          *b;
    uint64_t           chunks[64];
    bool               all;
    CHECK_OK(&w, make_block(&w, &in, 1, COUNT, &info));
    CHECK_OK(&w, qn_block_open(&w.env, PATH, TABLE_ID, NUMBER, info.content_hash, &b, &w.err));
    CHECK_OK(&w, qn_block_check(b, &w.err));
    CHECK_OK(&w, qn_block_trigrams(b, 0, "needle", 6, chunks, &all, &w.err));
    assert_false(all);
    assert_int_equal(chunks[0], (uint64_t)1 << 3000 / 128); /* one chunk of forty */
    CHECK_OK(&w, qn_block_trigrams(b, 0, "zebra", 5, chunks, &all, &w.err));
    assert_false(all);
    assert_int_equal(chunks[0], 0); /* occurs nowhere */
    CHECK_OK(&w, qn_block_trigrams(b, 0, "haystack", 8, chunks, &all, &w.err));
    assert_true(all); /* everywhere: not listed */
    CHECK_OK(&w, qn_block_trigrams(b, 0, "\xc3\xa4\xc3\xb6", 4, chunks, &all, &w.err));
    assert_true(all); /* not ASCII: the index cannot tell */
    qn_block_unref(b);
    drop_block(&w);
    world_deinit(&w);
}

/* Many threads meet an untouched block: each verifies what it needs, all read the same. */
typedef struct reader {
    qn_block *block;
    uint64_t  sum;
    qn_status st;
} reader;

static void read_thread(void *arg)
{
    reader  *r = arg;
    uint32_t rows = qn_block_rows(r->block), *codes = malloc(rows * 4);
    qn_mem   mem;
    qn_arena arena;
    qn_str  *s = malloc(rows * sizeof *s);
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    r->st = qn_block_codes(r->block, 0, 0, rows, codes, NULL);
    if (r->st == QN_OK)
        r->st = qn_block_gather(r->block, 0, codes, rows, s, &arena, NULL);
    for (uint32_t i = 0; i < rows && r->st == QN_OK; i++)
        r->sum = qn_hash64(qn_str_data(&s[i]), s[i].bytes, r->sum);
    qn_arena_deinit(&arena);
    qn_mem_deinit(&mem);
    free(codes);
    free(s);
    qn_block_unref(r->block);
}

static void test_threads(void **state)
{
    (void)state;
    world         w;
    qn_arena      arena;
    qn_block_info info;
    qn_block     *b;
    reader        readers[4];
    qn_thread     threads[4];
    world_init(&w);
    qn_arena_init(&arena, &w.mem);
    void              *values = some_values(&w, &arena, QN_BANK_STR, ROWS, 3000);
    qn_block_column_in in = {QN_TYPE(TEXT), values, NULL};
    CHECK_OK(&w, make_block(&w, &in, 1, ROWS, &info));
    CHECK_OK(&w, qn_block_open(&w.env, PATH, TABLE_ID, NUMBER, info.content_hash, &b, &w.err));
    for (int i = 0; i < 4; i++) {
        qn_block_ref(b);
        readers[i] = (reader){b, 0, QN_OK};
        CHECK_OK(&w, qn_thread_start(&threads[i], 0, read_thread, &readers[i], &w.err));
    }
    qn_block_unref(b); /* the readers' references keep it */
    for (int i = 0; i < 4; i++) {
        qn_thread_join(threads[i]);
        assert_int_equal(readers[i].st, QN_OK);
        assert_true(readers[i].sum == readers[0].sum);
    }
    free(values);
    qn_arena_deinit(&arena);
    drop_block(&w);
    world_deinit(&w);
}

/* Strings that the caller has numbered make the same segment as strings row by row, equal ones among them or not. */
static void test_numbered(void **state)
{
    (void)state;
    world w;
    world_init(&w);
    static const char *const words[] = {"b", "a string that is not inline", "", "b", "c", "a string that is not inline"};
    enum { WORDS = sizeof words / sizeof *words, MANY = 3000 };
    qn_str    values[WORDS], *rows = malloc(MANY * sizeof *rows);
    uint32_t *ids = malloc(MANY * sizeof *ids);
    for (uint32_t i = 0; i < WORDS; i++)
        values[i] = qn_str_lit(words[i]);
    for (unsigned pattern = 0; pattern < 4; pattern++) {
        uint64_t *nulls = some_nulls(&w, MANY, pattern);
        uint32_t  used = pattern == 3 ? 0 : WORDS;
        for (uint32_t i = 0; i < MANY; i++) {
            ids[i] = (uint32_t)qn_random_below(&w.rnd, WORDS);
            rows[i] = values[ids[i]];
        }
        qn_block_builder  *b;
        qn_block_segment   plain, numbered;
        qn_block_column_in in = {QN_TYPE(TEXT), rows, pattern ? nulls : NULL};
        CHECK_OK(&w, qn_block_builder_new(&w.env, &b, &w.err));
        CHECK_OK(&w, qn_block_encode(b, &in, MANY, &plain, &w.err));
        in.values = values;
        CHECK_OK(&w, qn_block_encode_numbered(b, &in, ids, used, MANY, &numbered, &w.err));
        assert_int_equal(plain.bytes, numbered.bytes);
        assert_memory_equal(plain.data, numbered.data, plain.bytes);
        qn_block_segment_free(&plain);
        qn_block_segment_free(&numbered);
        qn_block_builder_free(b);
        free(nulls);
    }
    free(rows);
    free(ids);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_statistics),
                                       cmocka_unit_test(test_banks),
                                       cmocka_unit_test(test_ahead),
                                       cmocka_unit_test(test_codecs),
                                       cmocka_unit_test(test_dictionary_pays),
                                       cmocka_unit_test(test_forms),
                                       cmocka_unit_test(test_raw),
                                       cmocka_unit_test(test_largest),
                                       cmocka_unit_test(test_numerics),
                                       cmocka_unit_test(test_search_equal_forms),
                                       cmocka_unit_test(test_one_row_is_small),
                                       cmocka_unit_test(test_trigrams),
                                       cmocka_unit_test(test_numbered),
                                       cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
