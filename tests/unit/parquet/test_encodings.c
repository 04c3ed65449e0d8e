/* Pages made by the test: each encoding, level packing and codec, batches that end anywhere, and files that lie. */
#include <lz4.h>
#include <snappy-c.h>
#include <zstd.h>

#include "load/files.h"
#include "parquet_fixture.h"
#include "parquet_writer.h"

enum { MANY = 5000 };

enum { PLAIN = 0, RLE = 3, BIT_PACKED = 4, DELTA = 5, DELTA_LENGTH = 6, DELTA_BYTES = 7, DICT = 8, SPLIT = 9 };
enum { BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTE_ARRAY, FIXED };

typedef struct world {
    fixture  f;
    qn_vfs  *vfs;
    qn_mem   vfs_mem;
} world;

static void world_open(world *w)
{
    fixture_open(&w->f);
    qn_mem_init(&w->vfs_mem, NULL, 0);
    assert_int_equal(qn_vfs_memory_new(&w->vfs_mem, &w->vfs, &w->f.err), QN_OK);
    w->f.env.vfs = w->vfs;
}

static void world_close(world *w)
{
    qn_vfs_memory_free(w->vfs);
    qn_mem_deinit(&w->vfs_mem);
    fixture_close(&w->f);
}

static void save(world *w, const w_bytes *b)
{
    qn_file *file;
    assert_int_equal(w->vfs->open(w->vfs, "x", QN_OPEN_TRUNCATE, &file, &w->f.err), QN_OK);
    assert_int_equal(w->vfs->write(w->vfs, file, 0, b->data, b->n, &w->f.err), QN_OK);
    w->vfs->close(w->vfs, file);
}

static void finish(world *w, writer *f)
{
    w_finish(f);
    save(w, &f->out);
    empty(&f->out);
}

static void expect_many(world *w, char *(*text)(int i, char *buffer))
{
    w_bytes expected = {0};
    char  buffer[200];
    for (int i = 0; i < MANY; i++) {
        const char *s = text(i, buffer);
        put(&expected, s, strlen(s));
        put(&expected, "\n", 1);
    }
    put(&expected, "", 1);
    expect_file(&w->f, "x", (const char *)expected.data);
    empty(&expected);
}

/* Where pages of MANY rows end: not at a batch's end, one of a single row, one without rows. */
static const int ends[] = {1500, 1501, 1501, 4100, MANY};

/* ---- integers -------------------------------------------------------------------------------------- */

static int64_t int_at(int i)
{
    return i % 97 == 0 ? INT64_MIN + i : i % 89 == 0 ? INT64_MAX - i : (int64_t)i * i * 1000003 - 7 * i;
}

static char *int64_text(int i, char *buffer)
{
    sprintf(buffer, "%lld", (long long)int_at(i));
    return buffer;
}

static char *int32_text(int i, char *buffer)
{
    sprintf(buffer, "%d", (int32_t)(uint32_t)(uint64_t)int_at(i));
    return buffer;
}

static char *small_text(int i, char *buffer)
{
    sprintf(buffer, "%d", (int32_t)(uint32_t)(uint64_t)int_at(i) % 1000000);
    return buffer;
}

/* Deltas wrap modulo 2^64 (and 2^32); miniblocks of 8, 32 and 256 values. */
static void test_delta_integers(void **state)
{
    (void)state;
    static const unsigned shapes[][2] = {{128, 4}, {8, 1}, {2048, 8}, {128, 1}};
    world w;
    world_open(&w);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (int physical = INT32; physical <= INT64; physical++) {
            writer f;
            w_begin(&f, &(w_column){.name = "a", .physical = physical}, 1);
            w_group(&f, MANY);
            w_chunk_begin(&f, 0, MANY);
            for (size_t p = 0, from = 0; p < sizeof ends / sizeof *ends; from = (size_t)ends[p++]) {
                int64_t v[MANY];
                w_bytes   b = {0};
                size_t  n = (size_t)ends[p] - from;
                for (size_t i = 0; i < n; i++)
                    v[i] = physical == INT64 ? int_at((int)(from + i)) : (int32_t)(uint32_t)(uint64_t)int_at((int)(from + i));
                put_delta(&b, v, n, shapes[s][0], shapes[s][1]);
                w_page(&f, 0, (int)n, DELTA, NULL, &b);
                empty(&b);
            }
            finish(&w, &f);
            expect_many(&w, physical == INT64 ? int64_text : int32_text);
        }
    }
    world_close(&w);
}

static void test_split(void **state)
{
    (void)state;
    world w;
    world_open(&w);
    for (int physical = INT32; physical <= FIXED; physical++) {
        if (physical == INT96 || physical == BYTE_ARRAY)
            continue;
        writer f;
        size_t width = physical == INT32 || physical == FLOAT ? 4 : 8;
        w_begin(&f, &(w_column){.name = "a", .physical = physical, .width = physical == FIXED ? 8 : 0,
                                .converted = physical == FIXED ? 6 : 0, .precision = 18, .scale = 0}, 1);
        w_group(&f, MANY);
        w_chunk_begin(&f, 0, MANY);
        for (size_t p = 0, from = 0; p < sizeof ends / sizeof *ends; from = (size_t)ends[p++]) {
            w_bytes  plain = {0}, b = {0};
            size_t n = (size_t)ends[p] - from;
            for (size_t i = from; i < from + n; i++) {
                int32_t x = (int32_t)(uint32_t)(uint64_t)int_at((int)i);
                float   g = (float)(x % 1000000); /* exact */
                double  d = x;
                int64_t wide = physical == FIXED ? (int64_t)__builtin_bswap64((uint64_t)(int64_t)x) : int_at((int)i);
                put(&plain, physical == FLOAT    ? (void *)&g
                            : physical == DOUBLE ? (void *)&d
                            : width == 4         ? (void *)&x
                                                 : (void *)&wide,
                    width);
            }
            put_split(&b, plain.data, n, width);
            w_page(&f, 0, (int)n, SPLIT, NULL, &b);
            empty(&plain);
            empty(&b);
        }
        finish(&w, &f);
        expect_many(&w, physical == FLOAT ? small_text : physical == INT64 ? int64_text : int32_text);
    }
    world_close(&w);
}

/* ---- strings --------------------------------------------------------------------------------------- */

static char *string_at(int i, char *buffer)
{
    if (i % 13 == 0)
        *buffer = 0;
    else if (i % 3)
        sprintf(buffer, "a prefix that many share, then %d", i / 5);
    else
        sprintf(buffer, "%d \xc3\xa4\xe2\x82\xac", i);
    return buffer;
}

/* Each encoding of strings, as BYTE_ARRAY; strings that are built from prefixes reach over batches and pages. */
static void test_strings(void **state)
{
    (void)state;
    static const int encodings[] = {PLAIN, DELTA_LENGTH, DELTA_BYTES};
    world  w;
    char **s = malloc(MANY * sizeof *s);
    world_open(&w);
    for (int i = 0; i < MANY; i++) {
        char buffer[200];
        s[i] = strdup(string_at(i, buffer));
    }
    for (size_t e = 0; e < sizeof encodings / sizeof *encodings; e++) {
        writer f;
        w_begin(&f, &(w_column){.name = "a", .physical = BYTE_ARRAY, .converted = 1}, 1);
        w_group(&f, MANY);
        w_chunk_begin(&f, 0, MANY);
        for (size_t p = 0, from = 0; p < sizeof ends / sizeof *ends; from = (size_t)ends[p++]) {
            w_bytes              b = {0};
            size_t             n = (size_t)ends[p] - from;
            const char *const *part = (const char *const *)s + from;
            for (size_t i = 0; i < n && encodings[e] == PLAIN; i++)
                put_text(&b, part[i]);
            if (encodings[e] == DELTA_LENGTH)
                put_delta_lengths(&b, part, n);
            if (encodings[e] == DELTA_BYTES)
                put_delta_bytes(&b, part, n);
            w_page(&f, 0, (int)n, encodings[e], NULL, &b);
            empty(&b);
        }
        finish(&w, &f);
        expect_many(&w, string_at);
    }
    for (int i = 0; i < MANY; i++)
        free(s[i]);
    free(s);
    world_close(&w);
}

/* ---- dictionaries and NULLs ------------------------------------------------------------------------ */

static bool is_null_at(int i)
{
    return i % 7 == 3 || (i > 2500 && i < 3300) || (i > 700 && i < 1300 && i % 2);
}

static char *word_at(int i, char *buffer)
{
    if (is_null_at(i))
        return strcpy(buffer, "~");
    sprintf(buffer, "word number %d", (i / 3 * 31) % 300);
    return buffer;
}

static void put_levels(w_bytes *levels, size_t from, size_t n)
{
    uint32_t v[MANY];
    for (size_t i = 0; i < n; i++)
        v[i] = !is_null_at((int)(from + i));
    put_hybrid(levels, v, n, 1);
}

static void put_codes(w_bytes *b, size_t from, size_t n, unsigned width)
{
    uint32_t v[MANY];
    size_t   count = 0;
    for (size_t i = from; i < from + n; i++) {
        if (!is_null_at((int)i))
            v[count++] = (uint32_t)((i / 3 * 31) % 300);
    }
    put8(b, width);
    put_hybrid(b, v, count, width);
}

static void put_words(w_bytes *b, size_t from, size_t n)
{
    char buffer[200];
    for (size_t i = from; i < from + n; i++) {
        if (!is_null_at((int)i))
            put_text(b, word_at((int)i, buffer));
    }
}

/* The writer gives its dictionary up after some pages: codes before, values after, and one batch that has both.
 * plain_from: the first page without codes. */
static void dictionary_file(world *w, size_t plain_from, bool second)
{
    writer f;
    w_bytes  dict = {0};
    w_begin(&f, &(w_column){.name = "a", .physical = BYTE_ARRAY, .optional = 1}, 1);
    w_group(&f, MANY);
    w_chunk_begin(&f, 0, MANY);
    for (int i = 0; i < 300; i++) {
        char buffer[40];
        sprintf(buffer, "word number %d", i);
        put_text(&dict, buffer);
    }
    w_dict(&f, 0, 300, &dict);
    for (size_t p = 0, from = 0; p < sizeof ends / sizeof *ends; from = (size_t)ends[p++]) {
        w_bytes  levels = {0}, b = {0};
        size_t n = (size_t)ends[p] - from;
        put_levels(&levels, from, n);
        if (p < plain_from)
            put_codes(&b, from, n, 9 + (unsigned)p);
        else
            put_words(&b, from, n);
        if (second)
            w_page2(&f, 0, (int)n, 0, p < plain_from ? DICT : PLAIN, &levels, true, b.n, &b);
        else
            w_page(&f, 0, (int)n, p < plain_from ? 2 : PLAIN, &levels, &b);
        empty(&levels);
        empty(&b);
    }
    empty(&dict);
    finish(w, &f);
}

static void test_dictionary(void **state)
{
    (void)state;
    /* How many of the three batches come as codes: the first two end in the fourth page, the third has both others. */
    static const unsigned coded[] = {0, 0, 0, 0, 2, 3};
    world w;
    world_open(&w);
    for (int second = 0; second < 2; second++) {
        for (size_t plain_from = 0; plain_from <= 5; plain_from++) {
            w.f.batches = w.f.coded = 0;
            dictionary_file(&w, plain_from, second);
            expect_many(&w, word_at);
            assert_int_equal(w.f.batches, 3);
            assert_int_equal(w.f.coded, coded[plain_from]);
        }
    }
    world_close(&w);
}

/* Values before a dictionary is used again: the batch with both comes out as values too. */
static void test_dictionary_after_values(void **state)
{
    (void)state;
    world  w;
    writer f;
    w_bytes  dict = {0}, b = {0};
    world_open(&w);
    w_begin(&f, &(w_column){.name = "a", .physical = INT32}, 1);
    w_group(&f, 5);
    w_chunk_begin(&f, 0, 5);
    put32(&dict, 10);
    put32(&dict, 20);
    w_dict(&f, 0, 2, &dict);
    put32(&b, 7);
    put32(&b, 8);
    w_page(&f, 0, 2, PLAIN, NULL, &b);
    b.n = 0;
    put8(&b, 1);
    put_hybrid(&b, (uint32_t[]){1, 0, 1}, 3, 1);
    w_page(&f, 0, 3, DICT, NULL, &b);
    finish(&w, &f);
    expect_file(&w.f, "x", "7\n8\n20\n10\n20\n");
    empty(&b);
    empty(&dict);
    world_close(&w);
}

/* A chunk whose bytes do not count the dictionary page's header, as early writers had them, and a file that says that it
 * has no rows at all. */
static void test_early_writers(void **state)
{
    (void)state;
    world   w;
    writer  f;
    w_bytes dict = {0}, b = {0};
    world_open(&w);
    w_begin(&f, &(w_column){.name = "a", .physical = INT32}, 1);
    w_group(&f, 3);
    w_chunk_begin(&f, 0, 3);
    put32(&dict, 10);
    put32(&dict, 20);
    w_dict(&f, 0, 2, &dict);
    put8(&b, 1);
    put_hybrid(&b, (uint32_t[]){1, 0, 1}, 3, 1);
    w_page(&f, 0, 3, DICT, NULL, &b);
    f.chunks[0][0].bytes -= 12;
    f.lost_rows = 3;
    finish(&w, &f);
    expect_file(&w.f, "x", "20\n10\n20\n");
    empty(&b);
    empty(&dict);
    world_close(&w);
}

/* Levels from the top bit of each byte, as the first writers had them. */
static void test_bit_packed_levels(void **state)
{
    (void)state;
    world  w;
    writer f;
    w_bytes  b = {0};
    world_open(&w);
    w_begin(&f, &(w_column){.name = "a", .physical = INT64, .optional = 1}, 1);
    w_group(&f, 10);
    w_chunk_begin(&f, 0, 10);
    put8(&b, 0xb1); /* 1011 0001 */
    put8(&b, 0x80); /* 10 */
    for (uint64_t v = 1; v <= 5; v++)
        put64(&b, v);
    w_page_packed(&f, 0, 10, PLAIN, BIT_PACKED, b.n, &b);
    finish(&w, &f);
    expect_file(&w.f, "x", "1\n~\n2\n3\n~\n~\n~\n4\n5\n~\n");
    empty(&b);
    world_close(&w);
}

static void test_booleans(void **state)
{
    (void)state;
    static const int encodings[] = {PLAIN, RLE};
    world w;
    world_open(&w);
    for (size_t e = 0; e < 2; e++) {
        writer   f;
        w_bytes    b = {0}, runs = {0};
        uint64_t v[20];
        uint32_t u[20];
        for (int i = 0; i < 20; i++)
            v[i] = u[i] = i < 9 || i % 3 == 0;
        w_begin(&f, &(w_column){.name = "a", .physical = BOOLEAN}, 1);
        w_group(&f, 20);
        w_chunk_begin(&f, 0, 20);
        if (encodings[e] == PLAIN) {
            put_packed(&b, v, 20, 1);
        } else {
            put_hybrid(&runs, u, 20, 1);
            put32(&b, (uint32_t)runs.n);
            put(&b, runs.data, runs.n);
        }
        w_page(&f, 0, 20, encodings[e], NULL, &b);
        finish(&w, &f);
        expect_file(&w.f, "x", "t\nt\nt\nt\nt\nt\nt\nt\nt\nt\nf\nf\nt\nf\nf\nt\nf\nf\nt\nf\n");
        empty(&b);
        empty(&runs);
    }
    world_close(&w);
}

/* ---- types ----------------------------------------------------------------------------------------- */

/* One value of one type. */
static void one(world *w, w_column c, const void *value, size_t n)
{
    writer f;
    w_bytes  b = {0};
    c.name = "a";
    w_begin(&f, &c, 1);
    w_group(&f, 1);
    w_chunk_begin(&f, 0, 1);
    put(&b, value, n);
    w_page(&f, 0, 1, PLAIN, NULL, &b);
    empty(&b);
    finish(w, &f);
}

static void expect_int(world *w, w_column c, int64_t v, const char *expected)
{
    one(w, c, &v, c.physical == INT32 ? 4 : 8);
    w_bytes e = {0};
    put(&e, expected, strlen(expected));
    put(&e, "\n", 2);
    expect_file(&w->f, "x", (char *)e.data);
    empty(&e);
}

static void test_times(void **state)
{
    (void)state;
    enum { MS = 1, US, NS };
    const w_column date = {.physical = INT32, .logical = 6}, time_ms = {.physical = INT32, .logical = 7, .unit = MS},
                   time_us = {.physical = INT64, .logical = 7, .unit = US}, time_ns = {.physical = INT64, .logical = 7, .unit = NS},
                   ms = {.physical = INT64, .logical = 8, .unit = MS}, us = {.physical = INT64, .logical = 8, .unit = US, .a = 1},
                   ns = {.physical = INT64, .logical = 8, .unit = NS}, old = {.physical = INT64, .converted = 11};
    world          w;
    world_open(&w);
    expect_int(&w, date, 0, "1970-01-01");
    expect_int(&w, date, -2440588, "4714-11-24 BC"); /* the first date there is */
    expect_int(&w, date, INT32_MAX, "infinity");
    expect_int(&w, date, -INT32_MAX, "-infinity");
    expect_int(&w, time_ms, 86399999, "23:59:59.999");
    expect_int(&w, time_us, INT64_C(86400000000), "24:00:00");
    expect_int(&w, time_ns, 1999, "00:00:00.000001");
    expect_int(&w, ms, -1, "1969-12-31 23:59:59.999");
    expect_int(&w, us, 1, "1970-01-01 00:00:00.000001+00");
    expect_int(&w, us, INT64_MAX, "infinity");
    expect_int(&w, us, INT64_MIN, "-infinity");
    expect_int(&w, ns, -1, "1969-12-31 23:59:59.999999"); /* down, not towards zero */
    expect_int(&w, old, 0, "1970-01-01 00:00:00+00");     /* the older annotation means UTC */
    struct {
        w_column c;
        int64_t  v;
    } bad[] = {{date, -2440589},   {date, INT32_MAX - 1}, {time_ms, 86400001}, {time_us, -1},
               {ms, INT64_MAX},    {ms, INT64_C(9300000000000000)}, {us, INT64_MIN + 2}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        one(&w, bad[i].c, &bad[i].v, bad[i].c.physical == INT32 ? 4 : 8);
        expect_failure(&w.f, "x", "22008", "date or time out of range");
    }
    uint8_t int96[12] = {0};
    memcpy(int96 + 8, &(uint32_t){2440588}, 4); /* 1970 */
    memcpy(int96, &(uint64_t){UINT64_C(3600000000999)}, 8);
    one(&w, (w_column){.physical = INT96}, int96, 12);
    expect_file(&w.f, "x", "1970-01-01 01:00:00\n");
    memcpy(int96, &(uint64_t){UINT64_C(86400000000000)}, 8); /* a day has no such moment */
    one(&w, (w_column){.physical = INT96}, int96, 12);
    expect_failure(&w.f, "x", "22008", "date or time out of range");
    uint32_t interval[3] = {14, 3, 1500};
    one(&w, (w_column){.physical = FIXED, .width = 12, .converted = 22}, interval, 12);
    expect_file(&w.f, "x", "1 year 2 mons 3 days 00:00:01.5\n");
    interval[0] = UINT32_MAX;
    one(&w, (w_column){.physical = FIXED, .width = 12, .converted = 22}, interval, 12);
    expect_failure(&w.f, "x", "22008", "date or time out of range");
    world_close(&w);
}

static void test_numbers(void **state)
{
    (void)state;
    const w_column i8 = {.physical = INT32, .logical = 10, .a = 8, .b = 1}, u32 = {.physical = INT32, .converted = 14},
                   u64 = {.physical = INT64, .logical = 10, .a = 64}, d9 = {.physical = INT32, .logical = 5, .a = 2, .b = 9},
                   d5 = {.physical = INT64, .converted = 6, .scale = 5, .precision = 5},
                   d20 = {.physical = BYTE_ARRAY, .logical = 5, .a = 0, .b = 20},
                   d38 = {.physical = FIXED, .width = 20, .logical = 5, .a = 38, .b = 38};
    static const struct {
        uint16_t    bits;
        const char *text;
    } halves[] = {{0x3c00, "1\n"}, {0xc000, "-2\n"}, {0x7bff, "65504\n"}, {0x0001, "5.9604645e-08\n"}, {0x8000, "-0\n"},
                  {0x7c00, "Infinity\n"}, {0xfc00, "-Infinity\n"}, {0x7e01, "NaN\n"}, {0x3555, "0.33325195\n"}};
    world w;
    world_open(&w);
    expect_int(&w, i8, -128, "-128");
    expect_int(&w, u32, 4294967295, "4294967295");
    expect_int(&w, u64, -1, "18446744073709551615");
    expect_int(&w, d9, -123456789, "-1234567.89");
    expect_int(&w, d5, 7, "0.00007");
    one(&w, i8, &(int32_t){40000}, 4);
    expect_failure(&w.f, "x", "22P04", "a number has more digits than its type allows");
    one(&w, d5, &(int64_t){100000}, 8);
    expect_failure(&w.f, "x", "22P04", "a number has more digits than its type allows");
    one(&w, d20, "\x03\0\0\0\xff\x00\x01", 7); /* -65535, in as few bytes as it needs */
    expect_file(&w.f, "x", "-65535\n");
    one(&w, d20, "\0\0\0\0", 4);
    expect_file(&w.f, "x", "0\n");
    uint8_t wide[20]; /* the sign over and over, then 10^38 - 1: more than the small form of numerics holds */
    memset(wide, 0, sizeof wide);
    unsigned __int128 v = 1;
    for (int i = 0; i < 38; i++)
        v *= 10;
    v--;
    for (int i = 0; i < 16; i++)
        wide[19 - i] = (uint8_t)(v >> (8 * i));
    one(&w, d38, wide, 20);
    expect_file(&w.f, "x", "0.99999999999999999999999999999999999999\n");
    wide[0] = 1;
    one(&w, d38, wide, 20);
    expect_failure(&w.f, "x", "22P04", "a number has more digits than its type allows");
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        one(&w, (w_column){.physical = FIXED, .width = 2, .logical = 15}, &halves[i].bits, 2);
        expect_file(&w.f, "x", halves[i].text);
    }
    one(&w, (w_column){.physical = FIXED, .width = 3}, "abc", 3);
    expect_file(&w.f, "x", "abc\n");
    one(&w, (w_column){.physical = FIXED, .width = 3}, "ab\0", 3);
    expect_failure(&w.f, "x", "22021", "invalid byte sequence for encoding \"UTF8\": 0x00");
    world_close(&w);
}

/* A column that never has a value, and types that make no sense or have no counterpart. */
static void test_other_types(void **state)
{
    (void)state;
    static const struct {
        w_column    c;
        const char *message;
    } bad[] = {
        {{.physical = INT64, .logical = 6}, "an impossible date type"},
        {{.physical = FLOAT, .converted = 1}, "an impossible text type"},
        {{.physical = INT32, .logical = 10, .a = 64, .b = 1}, "an impossible integer type"},
        {{.physical = INT32, .logical = 8, .unit = 1}, "an impossible time type"},
        {{.physical = INT64, .logical = 8}, "an impossible time type"},
        {{.physical = INT32, .logical = 5, .a = 3, .b = 2}, "an impossible decimal type"},
        {{.physical = BYTE_ARRAY, .logical = 5, .a = 3, .b = 39}, "a decimal type of more than 38 digits"},
        {{.physical = FIXED, .width = 11, .converted = 22}, "an impossible interval type"},
        {{.physical = FIXED, .width = 3, .logical = 15}, "an impossible type of 16-bit floats"},
        {{.physical = BYTE_ARRAY, .logical = 13}, "type bson"},
        {{.physical = BYTE_ARRAY, .logical = 17}, "its logical type"},
        {{.physical = INT32, .optional = 2}, "a list"},
        {{.physical = INT32, .codec = 4}, "BROTLI compression"},
        {{.physical = INT32, .codec = 3}, "LZO compression"},
        {{.physical = INT32, .codec = 77}, "unknown compression"},
    };
    world  w;
    writer f;
    w_bytes  levels = {0}, none = {0};
    world_open(&w);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        one(&w, bad[i].c, "\0\0\0\0\0\0\0\0\0\0\0", 12);
        expect_failure(&w.f, "x", "0A000", bad[i].message);
    }
    w_begin(&f, &(w_column){.name = "a", .physical = INT32, .optional = 1, .logical = 11}, 1);
    w_group(&f, 3);
    w_chunk_begin(&f, 0, 3);
    put_hybrid(&levels, (uint32_t[]){0, 0, 0}, 3, 1);
    w_page(&f, 0, 3, PLAIN, &levels, &none);
    finish(&w, &f);
    expect_file(&w.f, "x", "~\n~\n~\n");
    one(&w, (w_column){.physical = INT32, .logical = 11}, "\0\0\0\0", 4);
    expect_failure(&w.f, "x", "22P04", "a column of nothing but NULLs has values");
    empty(&levels);
    world_close(&w);
}

/* ---- codecs ---------------------------------------------------------------------------------------- */

enum { SNAPPY = 1, GZIP = 2, LZ4 = 5, ZSTD = 6, LZ4_RAW = 7, LZ4_PLAIN_BLOCK = 100 };

static void put_big32(w_bytes *b, uint32_t v)
{
    put32(b, __builtin_bswap32(v));
}

static void pack(int codec, const w_bytes *in, w_bytes *out)
{
    size_t n = in->n * 2 + 1000;
    char  *buffer = malloc(n);
    if (codec == SNAPPY) {
        assert_int_equal(snappy_compress((char *)in->data, in->n, buffer, &n), SNAPPY_OK);
        put(out, buffer, n);
    } else if (codec == GZIP) { /* two members, one after the other */
        for (size_t from = 0, half = in->n / 2; from < in->n; from += half, half = in->n - half) {
            z_stream z = {0};
            deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
            z.next_in = in->data + from;
            z.avail_in = (uInt)half;
            z.next_out = (Bytef *)buffer;
            z.avail_out = (uInt)n;
            assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
            put(out, buffer, z.total_out);
            deflateEnd(&z);
            if (from + half == in->n)
                break;
        }
    } else if (codec == ZSTD) {
        put(out, buffer, ZSTD_compress(buffer, n, in->data, in->n, 3));
    } else if (codec == LZ4) { /* two pieces */
        for (size_t from = 0, half = in->n / 2; from < in->n; from += half, half = in->n - half) {
            int k = LZ4_compress_default((char *)in->data + from, buffer, (int)half, (int)n);
            put_big32(out, (uint32_t)half);
            put_big32(out, (uint32_t)k);
            put(out, buffer, (size_t)k);
            if (from + half == in->n)
                break;
        }
    } else {
        put(out, buffer, (size_t)LZ4_compress_default((char *)in->data, buffer, (int)in->n, (int)n));
    }
    free(buffer);
}

static void codec_file(world *w, int codec, int version, const w_bytes *plain, const w_bytes *packed)
{
    writer f;
    w_bytes  levels = {0}, body = {0};
    put_levels(&levels, 0, MANY);
    w_begin(&f, &(w_column){.name = "a", .physical = BYTE_ARRAY, .optional = 1, .codec = codec == LZ4_PLAIN_BLOCK ? LZ4 : codec}, 1);
    f.crc = true;
    w_group(&f, MANY);
    w_chunk_begin(&f, 0, MANY);
    if (version == 2)
        w_page2(&f, 0, MANY, 0, PLAIN, &levels, true, plain->n, packed);
    else
        w_page_packed(&f, 0, MANY, PLAIN, RLE, plain->n, packed);
    empty(&levels);
    empty(&body);
    finish(w, &f);
}

/* The bytes of a page of version 1: levels and values together. */
static void body_of(int version, w_bytes *plain)
{
    w_bytes levels = {0};
    put_levels(&levels, 0, MANY);
    if (version == 1) {
        put32(plain, (uint32_t)levels.n);
        put(plain, levels.data, levels.n);
    }
    put_words(plain, 0, MANY);
    empty(&levels);
}

static void test_codecs(void **state)
{
    (void)state;
    static const int codecs[] = {SNAPPY, GZIP, LZ4, ZSTD, LZ4_RAW, LZ4_PLAIN_BLOCK};
    world w;
    world_open(&w);
    for (size_t k = 0; k < sizeof codecs / sizeof *codecs; k++) {
        for (int version = 1; version <= 2; version++) {
            w_bytes plain = {0}, packed = {0};
            body_of(version, &plain);
            pack(codecs[k], &plain, &packed);
            codec_file(&w, codecs[k], version, &plain, &packed);
            expect_many(&w, word_at);
            /* Cut short, and damaged: the page is refused, whatever the codec makes of it. */
            packed.n -= 9;
            codec_file(&w, codecs[k], version, &plain, &packed);
            expect_failure(&w.f, "x", "22P04", "a page cannot be unpacked");
            packed.n += 9;
            plain.n++;
            codec_file(&w, codecs[k], version, &plain, &packed);
            expect_failure(&w.f, "x", "22P04", "a page cannot be unpacked");
            /* More than the codec could make of these bytes is not even allocated. */
            plain.n = 2000000000;
            codec_file(&w, codecs[k], version, &plain, &packed);
            expect_failure(&w.f, "x", "22P04", "a page cannot become as large as it says");
            empty(&plain);
            empty(&packed);
        }
    }
    world_close(&w);
}

/* ---- pages ----------------------------------------------------------------------------------------- */

/* A chunk of all kinds of pages: an index page and an unknown one are passed over, version 2 may be left unpacked. */
static void test_page_kinds(void **state)
{
    (void)state;
    world  w;
    writer f;
    w_bytes  b = {0}, h = {0};
    world_open(&w);
    w_begin(&f, &(w_column){.name = "a", .physical = INT32, .codec = SNAPPY}, 1);
    w_group(&f, 2);
    w_chunk_begin(&f, 0, 2);
    w_header(&f, 1, 5, 5, "12345", &h);
    stop(&h);
    put(&f.out, h.data, h.n);
    put(&f.out, "12345", 5);
    h.n = 0;
    w_header(&f, 9, 0, 0, "", &h);
    stop(&h);
    put(&f.out, h.data, h.n);
    put32(&b, 41);
    put32(&b, 42);
    w_page2(&f, 0, 2, 0, PLAIN, NULL, false, b.n, &b);
    f.chunks[0][0].data = f.chunks[0][0].first;
    finish(&w, &f);
    expect_file(&w.f, "x", "41\n42\n");
    empty(&b);
    empty(&h);
    world_close(&w);
}

static void test_checksums(void **state)
{
    (void)state;
    world  w;
    writer f;
    w_bytes  b = {0};
    world_open(&w);
    put32(&b, 5);
    for (int bad = 0; bad < 2; bad++) {
        w_begin(&f, &(w_column){.name = "a", .physical = INT32}, 1);
        f.crc = true;
        f.bad_crc = bad;
        w_group(&f, 1);
        w_chunk_begin(&f, 0, 1);
        w_page(&f, 0, 1, PLAIN, NULL, &b);
        finish(&w, &f);
        if (bad) {
            expect_failure(&w.f, "x", "22P04", "a page's checksum is wrong");
            assert_string_equal(w.f.err.detail, "Column \"a\" of file \"x\", row group 1, before byte 36.");
        } else {
            expect_file(&w.f, "x", "5\n");
        }
    }
    empty(&b);
    world_close(&w);
}

/* Counts that are not kept: pages with too few or too many values, chunks with too few or too many rows. */
static void test_lies(void **state)
{
    (void)state;
    static const struct {
        int         rows, values, page_rows, bytes, encoding, dict;
        const char *message;
    } lies[] = {
        {3, 3, 3, 8, PLAIN, 0, "a page has fewer values than it says"},
        {3, 3, 2, 8, PLAIN, 0, "a column chunk has fewer rows than it says"},
        {3, 3, 4, 16, PLAIN, 0, "a column chunk has more rows than it says"},
        {3, 4, 4, 16, PLAIN, 0, "the description of a column chunk makes no sense"},
        {3, 3, 3, 8, DELTA, 0, "the values of a page make no sense"},
        {3, 3, 3, 8, DICT, 0, "the values of a page make no sense"},
        {3, 3, 3, 0, DICT, 1, "a page has fewer values than it says"},
        {3, 3, 3, 2, DICT, 1, "a page refers to a value that the dictionary does not have"},
        {3, 3, 3, 8, BIT_PACKED, 0, "Parquet encoding BIT_PACKED of this type of column is not supported"},
        {3, 3, 3, 8, DELTA_BYTES, 0, "Parquet encoding DELTA_BYTE_ARRAY of this type of column is not supported"},
        {3, 3, 3, 8, 1000, 0, "Parquet encoding unknown of this type of column is not supported"},
        {3, 3, 3, 12, PLAIN, 2, "it has a dictionary where there can be none"},
        {3, 3, 3, 12, PLAIN, 3, "a dictionary has fewer values than it says"},
    };
    world w;
    world_open(&w);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        writer f;
        w_bytes  b = {0}, dict = {0};
        w_begin(&f, &(w_column){.name = "a", .physical = INT32}, 1);
        w_group(&f, lies[i].rows);
        w_chunk_begin(&f, 0, lies[i].values);
        put32(&dict, 1);
        if (lies[i].dict)
            w_dict(&f, 0, lies[i].dict == 3 ? 2 : 1, &dict);
        if (lies[i].dict == 2)
            w_dict(&f, 0, 1, &dict);
        if (lies[i].encoding == DICT && lies[i].bytes == 2) {
            put8(&b, 3); /* width */
            put8(&b, 3 << 1);
            put8(&b, 1);
        } else if (lies[i].encoding == DICT && lies[i].bytes == 0) {
            put8(&b, 3);
        } else {
            for (int k = 0; k < lies[i].bytes; k++)
                put8(&b, 0xff);
        }
        w_page(&f, 0, lies[i].page_rows, lies[i].encoding, NULL, &b);
        finish(&w, &f);
        bool unsupported = strstr(lies[i].message, "not supported");
        expect_failure(&w.f, "x", unsupported ? "0A000" : "22P04", lies[i].message);
        empty(&b);
        empty(&dict);
    }
    world_close(&w);
}

/* Ten thousand columns and as many row groups in a description of 70 kB: it is refused before there is room made for the
 * hundred million chunks. */
static void test_many_chunks(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    world   w;
    w_bytes file = {0}, f = {0};
    world_open(&w);
    list(&f, 2, COUNT + 1, T_STRUCT);
    field_int(&f, 5, COUNT);
    stop(&f);
    for (int i = 0; i < COUNT; i++) {
        field_int(&f, 1, INT32);
        stop(&f);
    }
    list(&f, 4, COUNT, T_STRUCT);
    for (int i = 0; i < COUNT; i++) {
        field_int(&f, 3, 1);
        stop(&f);
    }
    stop(&f);
    put(&file, "PAR1", 4);
    put(&file, f.data, f.n);
    put32(&file, (uint32_t)f.n);
    put(&file, "PAR1", 4);
    save(&w, &file);
    expect_failure(&w.f, "x", "22P04", "a row group does not have the columns of the schema");
    assert_true(w.f.mem.peak_bytes < 8 << 20);
    empty(&f);
    empty(&file);
    world_close(&w);
}

/* A file cut anywhere, and one with any single byte changed: an error or rows, nothing worse. */
static void test_cut_and_bent(void **state)
{
    (void)state;
    world   w;
    void   *data;
    size_t  n;
    qn_buf  out;
    world_open(&w);
    assert_int_equal(qn_vfs_read_file(qn_vfs_posix(), data_path("nulls.parquet"), &w.vfs_mem, 1 << 20, &data, &n, &w.f.err), QN_OK);
    qn_buf_init(&out, &w.f.mem);
    for (size_t cut = 0; cut < n; cut += 1 + (cut > 40 && cut < n - 40) * 16) {
        save(&w, &(w_bytes){data, cut, 0});
        qn_buf_clear(&out);
        assert_int_not_equal(print_file(&w.f, "x", 0, &out), QN_OK);
        assert_int_equal(strlen(w.f.err.sqlstate), 5);
    }
    for (size_t at = 0; at < n; at++) {
        uint8_t *byte = (uint8_t *)data + at, was = *byte;
        *byte = (uint8_t)(was ^ (1u << at % 8) ^ (at % 3 ? 0 : 0xff));
        save(&w, &(w_bytes){data, n, 0});
        *byte = was;
        qn_buf_clear(&out);
        if (print_file(&w.f, "x", 0, &out) != QN_OK)
            assert_true(w.f.err.message[0] && w.f.err.sqlstate[0]);
    }
    qn_buf_deinit(&out);
    qn_free(&w.vfs_mem, data, n + 1);
    world_close(&w);
}

/* Every allocation fails once: an error, and nothing is lost. */
static void test_no_memory(void **state)
{
    (void)state;
    world w;
    bool  done = false;
    world_open(&w);
    dictionary_file(&w, 4, true);
    for (uint64_t n = 1; !done; n++) {
        qn_buf out;
        qn_mem other;
        qn_mem_init(&other, NULL, 0);
        qn_buf_init(&out, &other);
        w.f.mem.fail_at = w.f.mem.requests + n;
        qn_status st = print_file(&w.f, "x", 0, &out);
        done = w.f.mem.requests < w.f.mem.fail_at;
        w.f.mem.fail_at = 0;
        assert_int_equal(st, done ? QN_OK : QN_NOMEM);
        assert_int_equal(w.f.mem.used_bytes, 0);
        qn_buf_deinit(&out);
        qn_mem_deinit(&other);
    }
    world_close(&w);
}

/* A file of one row, and one column of this type. */
static void save_one(world *w, int physical)
{
    writer f;
    w_bytes b = {0};
    w_begin(&f, &(w_column){.name = "a", .physical = physical}, 1);
    w_group(&f, 1);
    w_chunk_begin(&f, 0, 1);
    put64(&b, 7);
    w_page(&f, 0, 1, PLAIN, NULL, &b);
    empty(&b);
    finish(w, &f);
}

/* Code that was made for integers shall not meet texts: the file may be replaced after the last look, before it is read. */
static void test_replaced(void **state)
{
    (void)state;
    static const uint32_t column = 0;
    world             w;
    qn_arena          arena;
    const qn_files   *files;
    qn_reader        *reader;
    qn_reader_cursor *cursor;
    world_open(&w);
    qn_arena_init(&arena, &w.f.mem);
    save_one(&w, INT64);
    assert_int_equal(qn_files_describe(&w.f.env, &(qn_files_request){.kind = QN_FILES_PARQUET, .pattern = "x"}, &arena, &files, &w.f.err), QN_OK);
    assert_int_equal(qn_files_open(&w.f.env, files, &reader, &w.f.err), QN_OK);
    save_one(&w, BYTE_ARRAY);
    assert_int_equal(reader->ops->cursor_open(reader, 0, &column, 1, &w.f.mem, &cursor, &w.f.err), QN_IO);
    assert_string_equal(w.f.err.message, "file \"x\" changed while the statement ran");
    reader->ops->close(reader);
    qn_arena_deinit(&arena);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delta_integers),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_dictionary),
        cmocka_unit_test(test_dictionary_after_values),
        cmocka_unit_test(test_early_writers),
        cmocka_unit_test(test_bit_packed_levels),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_other_types),
        cmocka_unit_test(test_codecs),
        cmocka_unit_test(test_page_kinds),
        cmocka_unit_test(test_checksums),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_many_chunks),
        cmocka_unit_test(test_cut_and_bent),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
