/* How fast blocks are written and read, at every level of kernels: ns a row for encode, unpack,
 * select, gather; ns a value for lists; ns a byte for text.
 *
 *     block [rows]
 *     block FILE.qnb COLUMN...          columns of a block of a database, numbered from 0
 *     block codecs FILE.qnb COLUMN...   its text columns written anew with each codec
 *
 * Without a file data is made here, one column per form of codes.  Each figure is the best of nine;
 * reading repeats over a warm block, so figures are of the processor, not of the disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/env.h"
#include "kern/kern.h"
#include "store/block/block.h"
#include "store/block/format.h"

#define REPEATS 9

static qn_env    env;
static qn_mem    mem;
static qn_error  err;
static qn_random rnd;

static void must(qn_status st)
{
    if (st == QN_OK)
        return;
    fprintf(stderr, "%s\n", err.message);
    exit(1);
}

/* Time of this thread's own, so that a busy machine disturbs less. */
static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

#define BEST(result, rows, code)                                                                   \
    do {                                                                                           \
        (result) = 1e30;                                                                           \
        for (int repeat_ = 0; repeat_ < REPEATS; repeat_++) {                                      \
            double start_ = now_ns();                                                              \
            code;                                                                                  \
            double took_ = (now_ns() - start_) / (double)(rows);                                   \
            (result) = took_ < (result) ? took_ : (result);                                        \
        }                                                                                          \
    } while (0)

typedef struct column {
    const char        *name;
    qn_block_column_in in;
} column;

static int64_t *integers(uint32_t rows, int kind)
{
    int64_t *v = malloc((size_t)rows * 8);
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t r = qn_random_next(&rnd);
        switch (kind) {
        case 0:
            v[i] = (int64_t)(r % 100);
            break;
        case 1:
            v[i] = (int64_t)(r % 60000);
            break;
        case 2:
            v[i] = (int64_t)(qn_mix64(r % 150000));
            break;
        case 3:
            v[i] = (int64_t)(qn_mix64(i / 20 + 1) % 1000000);
            break;
        case 4:
            v[i] = r % 16 ? 0 : (int64_t)(r >> 8) % 20000;
            break;
        case 5:
            v[i] = (int64_t)(qn_mix64(i / 1024 * 32 + r % 32) % 1000000);
            break;
        default:
            v[i] = (int64_t)r;
            break;
        }
    }
    return v;
}

static qn_str *strings(uint32_t rows)
{
    qn_str *s = malloc((size_t)rows * sizeof *s);
    char   *text = malloc((size_t)rows * 96);
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t r = qn_mix64(i / 3 % 100000 + 1);
        int      n = snprintf(text + (size_t)i * 96, 96,
                              "http://www.site-%u.example/section/%u/item?id=%u&ref=%x",
                              (unsigned)(r % 97), (unsigned)(r >> 8 & 63), (unsigned)(r >> 16 & 0xfffff),
                              (unsigned)(r >> 40 & 0xff));
        s[i] = qn_str_of(text + (size_t)i * 96, (size_t)n);
    }
    return s;
}

/* Bytes of all strings of a column. */
static uint64_t text_bytes(qn_block *b, uint32_t i, uint32_t distinct, uint32_t *lengths)
{
    uint64_t sum = 0;
    must(qn_block_byte_lengths(b, i, 1, distinct, lengths, &err));
    for (uint32_t k = 0; k < distinct; k++)
        sum += lengths[k];
    return sum;
}

static void read_text(qn_block *b, uint32_t i, const char *name, qn_arena *arena)
{
    const qn_block_column *c = qn_block_column_at(b, i);
    uint32_t              *lengths = malloc((size_t)c->distinct * 4 + 4), picks[2000];
    qn_str                *out = malloc(1024 * sizeof *out);
    uint64_t               bytes = text_bytes(b, i, c->distinct, lengths);
    double                 scan, random, length;
    BEST(scan, bytes, for (uint32_t first = 1; first <= c->distinct; first += 1024) {
        uint32_t n = c->distinct - first + 1 < 1024 ? c->distinct - first + 1 : 1024;
        qn_arena_reset(arena);
        must(qn_block_strings(b, i, first, n, out, arena, &err));
    });
    for (uint32_t k = 0; k < 2000; k++)
        picks[k] = 1 + (uint32_t)qn_random_below(&rnd, c->distinct);
    BEST(random, 2000, for (uint32_t k = 0; k < 2000; k++) {
        qn_arena_reset(arena);
        must(qn_block_gather(b, i, picks + k, 1, out, arena, &err));
    });
    BEST(length, c->distinct, must(qn_block_byte_lengths(b, i, 1, c->distinct, lengths, &err)));
    printf("%-8s %-16s %8u %7.1f %8.3f %8.2f %8.2f %8.2f\n", qn_isa_name(qn_kernels_get()->isa), name,
           c->distinct, (double)bytes / 1e6, (double)c->bytes_values / (double)bytes, scan,
           random / 1000, length);
    free(lengths);
    free(out);
}

/* Random sets of codes; a range in the middle. */
static void read_dict(qn_block *b, uint32_t i, const char *name, uint32_t rows, qn_arena *arena)
{
    const qn_block_column *c = qn_block_column_at(b, i);
    uint32_t              *codes = malloc((size_t)rows * 4), *sparse = malloc((size_t)rows * 4), kept;
    uint64_t *bits = malloc(QN_BLOCK_ROWS / 8), *set_bits = calloc(QN_BLOCK_ROWS / 64 + 2, 8);
    void     *values = malloc((size_t)rows * 16);
    double    unpack, range, set, at, at5, decode, counts, gather, wide = 0;
    BEST(unpack, rows, must(qn_block_codes(b, i, 0, rows, codes, &err)));
    qn_codeset s = {true, c->distinct / 3, c->distinct / 2, NULL};
    BEST(range, rows, memset(bits, 0xff, rows / 8);
         must(qn_block_select(b, i, &s, 0, rows, bits, &kept, &err)));
    for (uint32_t k = 0; k < c->distinct / 64 + 1; k++)
        set_bits[k] = qn_random_next(&rnd) & qn_random_next(&rnd);
    s = (qn_codeset){false, 0, 0, set_bits};
    BEST(set, rows, memset(bits, 0xff, rows / 8);
         must(qn_block_select(b, i, &s, 0, rows, bits, &kept, &err)));
    for (unsigned percent = 1; percent <= 5; percent += 4) {
        uint32_t n = 0;
        for (uint32_t row = 0; row < rows; row += 1 + (uint32_t)qn_random_below(&rnd, 200 / percent))
            sparse[n++] = row;
        BEST(*(percent == 1 ? &at : &at5), n, must(qn_block_codes_at(b, i, sparse, n, codes, &err)));
    }
    /* As the engine reads lists: piece by piece, into memory that stays in the cache. */
    BEST(decode, c->distinct, for (uint32_t first = 1; first <= c->distinct; first += 8192) {
        uint32_t m = c->distinct - first + 1 < 8192 ? c->distinct - first + 1 : 8192;
        qn_arena_reset(arena);
        must(qn_block_values(b, i, first, m, values, arena, &err));
    });
    if (c->bank == QN_BANK_I16 || c->bank == QN_BANK_I32 || c->bank == QN_BANK_I64)
        BEST(wide, c->distinct, for (uint32_t first = 1; first <= c->distinct; first += 8192) {
            uint32_t m = c->distinct - first + 1 < 8192 ? c->distinct - first + 1 : 8192;
            must(qn_block_values_i64(b, i, first, m, values, &err));
        });
    BEST(counts, c->distinct, for (uint32_t first = 1; first <= c->distinct; first += 8192) {
        uint32_t m = c->distinct - first + 1 < 8192 ? c->distinct - first + 1 : 8192;
        must(qn_block_counts(b, i, first, m, values, &err));
    });
    must(qn_block_codes(b, i, 0, rows, codes, &err));
    BEST(gather, rows, qn_arena_reset(arena);
         must(qn_block_gather(b, i, codes, rows, values, arena, &err)));
    printf("%-8s %-16s %8u %7.3f %7.3f %7.3f %7.2f %7.2f %7.3f %7.3f %7.3f %7.3f   %u/%u/%u/%u\n",
           qn_isa_name(qn_kernels_get()->isa), name, c->distinct, unpack, range, set, at, at5, decode, wide,
           counts, gather, c->units_packed, c->units_run, c->units_exception, c->units_local);
    free(codes);
    free(sparse);
    free(bits);
    free(set_bits);
    free(values);
}

static void read_side(qn_block *b, const uint32_t *columns, const char *const *names, uint32_t count,
                      uint32_t rows)
{
    qn_arena arena;
    qn_arena_init(&arena, &mem);
    for (int text = 0; text < 2; text++) {
        if (text)
            printf("%-8s %-16s %8s %7s %8s %8s %8s %8s\n", "level", "text", "distinct", "MB", "ratio",
                   "ns/byte", "us/one", "length");
        else
            printf("%-8s %-16s %8s %7s %7s %7s %7s %7s %7s %7s %7s %7s   %s\n", "level", "column", "distinct",
                   "unpack", "range", "set", "at 1%", "at 5%", "values", "as i64", "counts", "gather",
                   "units packed/run/exception/local");
        for (int level = 0; level < QN_ISA_COUNT; level++) {
            if (!qn_kernels_force((qn_isa)level))
                continue;
            for (uint32_t i = 0; i < count; i++) {
                const qn_block_column *c = qn_block_column_at(b, columns[i]);
                double                 raw;
                if (text && c->bank == QN_BANK_STR && c->distinct) {
                    read_text(b, columns[i], names[i], &arena);
                } else if (!text && c->kind == QN_COL_RAW) {
                    void *values = malloc((size_t)rows * 16);
                    BEST(raw, rows, must(qn_block_raw(b, columns[i], 0, rows, values, NULL, &arena, &err)));
                    printf("%-8s %-16s %8s %7.3f\n", qn_isa_name((qn_isa)level), names[i], "raw", raw);
                    free(values);
                } else if (!text) {
                    read_dict(b, columns[i], names[i], rows, &arena);
                }
            }
        }
    }
    qn_arena_deinit(&arena);
}

static qn_block *open_file(const char *path)
{
    qn_fmt_header h;
    qn_block     *b;
    FILE         *f = fopen(path, "rb");
    if (!f || fread(&h, sizeof h, 1, f) != 1) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    fclose(f);
    env.vfs = qn_vfs_posix();
    must(qn_block_open(&env, path, h.table_id, h.number, h.checksum, &b, &err));
    return b;
}

/* Columns of a block file, by number from 0: what real data are like. */
static void read_file(const char *path, int count, char **numbers)
{
    qn_block   *b = open_file(path);
    uint32_t    columns[64], n = 0;
    const char *names[64];
    for (int i = 0; i < count && n < 64; i++) {
        columns[n] = (uint32_t)strtoul(numbers[i], NULL, 10);
        names[n] = numbers[i];
        n += columns[n] < qn_block_columns(b);
    }
    read_side(b, columns, names, n, qn_block_rows(b));
    qn_block_unref(b);
}

/* Text columns of a block written anew with each codec: what writing costs, and what reading does then. */
static void write_codecs(const char *path, int count, char **numbers)
{
    static const char *const names[] = {
#define X(id, name) name,
        QN_TEXT_CODECS(X)
#undef X
    };
    qn_block         *b = open_file(path);
    qn_block_builder *builder;
    qn_block_info     info;
    uint32_t          rows = qn_block_rows(b), zero = 0;
    uint32_t         *codes = malloc((size_t)rows * 4), *lengths = malloc((size_t)rows * 4);
    qn_vfs           *memory;
    must(qn_vfs_memory_new(&mem, &memory, &err));
    must(qn_block_builder_new(&env, &builder, &err));
    for (int i = 0; i < count; i++) {
        uint32_t               column_number = (uint32_t)strtoul(numbers[i], NULL, 10);
        const qn_block_column *c = qn_block_column_at(b, column_number);
        if (!c || c->bank != QN_BANK_STR || !c->distinct)
            continue;
        qn_arena arena;
        qn_arena_init(&arena, &mem);
        qn_str *strings_of = malloc(((size_t)c->distinct + 1) * sizeof *strings_of);
        qn_str *values = malloc((size_t)rows * sizeof *values);
        memset(&strings_of[0], 0, sizeof *strings_of);
        must(qn_block_strings(b, column_number, 1, c->distinct, strings_of + 1, &arena, &err));
        must(qn_block_codes(b, column_number, 0, rows, codes, &err));
        for (uint32_t row = 0; row < rows; row++)
            values[row] = strings_of[codes[row]];
        uint64_t bytes = text_bytes(b, column_number, c->distinct, lengths);
        for (int codec = 0; codec < QN_TEXT_CODEC_COUNT; codec++) {
            qn_block_column_in in = {c->type, values, NULL};
            qn_block_segment   segment;
            char               name[64];
            double             took = 1e30;
            qn_block_builder_codec(builder, (qn_text_codec)codec);
            for (int repeat = 0; repeat < 3; repeat++) {
                double start = now_ns();
                must(qn_block_encode(builder, &in, rows, &segment, &err));
                double ns = now_ns() - start;
                took = ns < took ? ns : took;
                if (repeat < 2)
                    qn_block_segment_free(&segment);
            }
            snprintf(name, sizeof name, "%s %s", numbers[i], names[codec]);
            printf("%-16s encode %.0f ms, %.2f ns a byte of distinct text\n", name, took / 1e6,
                   took / (double)bytes);
            env.vfs = memory;
            must(qn_block_write(&env, name, 1, 1, rows, &segment, 1, &info, &err));
            qn_block   *again;
            const char *label = name;
            must(qn_block_open(&env, name, 1, 1, info.content_hash, &again, &err));
            read_side(again, &zero, &label, 1, rows);
            qn_block_unref(again);
            must(memory->unlink(memory, name, &err));
            qn_block_segment_free(&segment);
        }
        free(strings_of);
        free(values);
        qn_arena_deinit(&arena);
    }
    free(codes);
    free(lengths);
    qn_block_builder_free(builder);
    qn_block_unref(b);
    qn_vfs_memory_free(memory);
}

int main(int argc, char **argv)
{
    qn_mem_init(&mem, NULL, 0);
    env.mem = &mem;
    env.clock = qn_clock_system();
    qn_random_seed(&rnd, 1);
    if (argc > 2) {
        if (strcmp(argv[1], "codecs") == 0)
            write_codecs(argv[2], argc - 3, argv + 3);
        else
            read_file(argv[1], argc - 2, argv + 2);
        return 0;
    }
    uint32_t rows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : QN_BLOCK_ROWS;
    if (rows == 0 || rows > QN_BLOCK_ROWS)
        rows = QN_BLOCK_ROWS;
    must(qn_vfs_memory_new(&mem, &env.vfs, &err));
    column columns[] = {
        {"narrow", {QN_TYPE(BIGINT), integers(rows, 0), NULL}},
        {"60 K map", {QN_TYPE(BIGINT), integers(rows, 1), NULL}},
        {"150 K hash", {QN_TYPE(BIGINT), integers(rows, 2), NULL}},
        {"runs of 20", {QN_TYPE(BIGINT), integers(rows, 3), NULL}},
        {"1/16 not zero", {QN_TYPE(BIGINT), integers(rows, 4), NULL}},
        {"32 per unit", {QN_TYPE(BIGINT), integers(rows, 5), NULL}},
        {"unique", {QN_TYPE(BIGINT), integers(rows, 6), NULL}},
        {"text 100 K", {QN_TYPE(TEXT), strings(rows), NULL}},
    };
    uint32_t          count = (uint32_t)(sizeof columns / sizeof *columns);
    qn_block_builder *builder;
    qn_block_segment  segments[sizeof columns / sizeof *columns];
    must(qn_block_builder_new(&env, &builder, &err));
    printf("%u rows\n%-16s %12s %12s %10s\n", rows, "column", "encode ns", "bytes/row", "distinct");
    memset(segments, 0, sizeof segments);
    double took[sizeof columns / sizeof *columns];
    for (uint32_t i = 0; i < count; i++)
        BEST(took[i], rows, qn_block_segment_free(&segments[i]);
             must(qn_block_encode(builder, &columns[i].in, rows, &segments[i], &err)));
    qn_block_info info;
    qn_block     *b;
    must(qn_block_write(&env, "bench.qnb", 1, 1, rows, segments, count, &info, &err));
    must(qn_block_open(&env, "bench.qnb", 1, 1, info.content_hash, &b, &err));
    for (uint32_t i = 0; i < count; i++)
        printf("%-16s %12.1f %12.3f %10u\n", columns[i].name, took[i],
               (double)segments[i].bytes / rows, qn_block_column_at(b, i)->distinct);
    uint32_t    numbers[sizeof columns / sizeof *columns];
    const char *names[sizeof columns / sizeof *columns];
    for (uint32_t i = 0; i < count; i++) {
        numbers[i] = i;
        names[i] = columns[i].name;
    }
    read_side(b, numbers, names, count, rows);
    qn_block_unref(b);
    for (uint32_t i = 0; i < count; i++)
        qn_block_segment_free(&segments[i]);
    qn_block_builder_free(builder);
    qn_vfs_memory_free(env.vfs);
    return 0;
}
