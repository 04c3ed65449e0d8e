/* Fuzz target: block files whose checksums are right and whose bytes are not.
 *
 * A table with columns of every kind is written once, in memory.  Each input bends bytes of its
 * block file; then every checksum is computed anew, in the file and in the MANIFEST, so that what
 * lies behind the checksums meets the bent bytes.  The block is read through every function of
 * block.h, and the database answers queries over it.  They may compute nonsense or report damage;
 * they must not touch memory that is not theirs.
 *
 * An input is a list of edits of 4 bytes: where (24 bits, of the whole file or of its header), what
 * to do to the byte there; a byte or two after the last choose a file whose text went through
 * another codec.  With -DQN_FUZZ_MAIN: files on the command line, or `--random N [SEED]`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_test.h"
#include "base/assert.h"
#include "base/hash.h"
#include "base/str.h"
#include "store/block/read.h"
#include "type/numeric.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BLOCK "db/blocks/000000000001.qnb"
#define MANIFEST "db/MANIFEST"
enum { TABLE_ID = 1, NUMBER = 1, SOME = 300 };

static const char *const setup[] = {
    "CREATE TABLE t (a integer, b text, c bigint, d date, e double precision, n numeric(12,2), g boolean, s smallint, "
    "iv interval, ts timestamp, m numeric, k text, one integer, r real)",
    "INSERT INTO t SELECT i % 100, CASE WHEN i % 11 = 0 THEN NULL ELSE 'text number ' || i % 50 END, i * 1000003::bigint, "
    "date '2020-01-01' + i / 40, i / 8.0, i / 4.0, i % 3 = 0, CASE WHEN i % 20 = 0 THEN i % 7 ELSE 3 END::smallint, "
    "i % 5 * interval '1 hour', timestamp '2021-03-04 05:06:07' + i * interval '1 day', CASE WHEN i % 2 = 0 THEN 1.5 ELSE i * 1e20 END, "
    "'unique ' || i, 7, i / 3.0 FROM generate_series(1, 1400) AS x(i)",
};

static const char *const questions[] = {
    "SELECT count(*), sum(a), min(b), max(c), min(d), sum(e), avg(n), count(g), sum(s), max(iv), min(ts), sum(m), max(k), sum(one), sum(r) FROM t",
    "SELECT a, b, c, d, e, n, g, s, iv, ts, m, k, one, r FROM t WHERE a % 3 = 0 ORDER BY c, k LIMIT 50",
    "SELECT b, count(*), count(DISTINCT a), sum(c) FROM t GROUP BY b ORDER BY 2 DESC, 1",
    "SELECT s, g, count(*), max(length(b)) FROM t WHERE b LIKE '%number 1%' AND d > '2020-01-05' GROUP BY s, g",
    "SELECT count(*), count(DISTINCT k) FROM t WHERE k LIKE 'unique 12%' OR n BETWEEN 3 AND 40 OR iv = '2 hours' OR m > 100",
    "SELECT upper(b), a FROM t WHERE length(b) > 12 ORDER BY b DESC NULLS LAST LIMIT 4",
};

static qn_mem   vfs_memory;
typedef struct image { /* of a database, per codec of its text */
    uint8_t *block, *manifest;
    size_t   block_bytes, manifest_bytes;
    uint64_t block_hash, header_bytes;
} image;
static image             images[3];
static const char *const codecs[] = {"lz4", "lz4hc", "zstd"};

static void must(qn_status st, const qn_error *err)
{
    if (st == QN_OK)
        return;
    fprintf(stderr, "%s\n", err->message);
    abort();
}

static qn_status open_in(qn_vfs *vfs, qn_mem *memory, qn_database **db, qn_error *err)
{
    static uint64_t now_ns = UINT64_C(1600000000000000000);
    qn_world world = {.vfs = vfs, .file_vfs = vfs, .clock = qn_clock_manual(&now_ns), .memory = memory};
    return qn_open_in(&world, "db", &(qn_options){.threads = 1, .memory_limit_bytes = (uint64_t)128 << 20}, db, err);
}

static void put(qn_vfs *vfs, const char *path, const void *data, size_t bytes)
{
    qn_error err = {0};
    qn_file *file;
    must(vfs->open(vfs, path, QN_OPEN_TRUNCATE, &file, &err), &err);
    must(vfs->write(vfs, file, 0, data, bytes, &err), &err);
    vfs->close(vfs, file);
}

static uint8_t *get(qn_vfs *vfs, const char *path, size_t *bytes)
{
    qn_error err = {0};
    void    *data;
    must(qn_vfs_read_file(vfs, path, &vfs_memory, 1 << 30, &data, bytes, &err), &err);
    uint8_t *copy = malloc(*bytes);
    memcpy(copy, data, *bytes);
    qn_free(&vfs_memory, data, *bytes + 1);
    return copy;
}

static void make_image(image *out, const char *codec)
{
    char           set[64];
    qn_error       err = {0};
    qn_vfs        *vfs;
    qn_database   *db;
    qn_connection *conn;
    qn_mem_init(&vfs_memory, NULL, 0);
    must(qn_vfs_memory_new(&vfs_memory, &vfs, &err), &err);
    must(open_in(vfs, NULL, &db, &err), &err);
    must(qn_connect(db, &conn, &err), &err);
    snprintf(set, sizeof set, "SET quern.text_codec = '%s'", codec);
    for (size_t i = 0; i < 1 + sizeof setup / sizeof *setup; i++) {
        qn_result *r;
        must(qn_query(conn, i ? setup[i - 1] : set, &r, &err), &err);
        qn_result_free(r);
    }
    qn_disconnect(conn);
    qn_close(db);
    out->block = get(vfs, BLOCK, &out->block_bytes);
    out->manifest = get(vfs, MANIFEST, &out->manifest_bytes);
    memcpy(&out->block_hash, out->block + 56, 8);
    memcpy(&out->header_bytes, out->block + 32, 8);
    qn_vfs_memory_free(vfs);
}

/* The MANIFEST with another content hash for the block. */
static void name_block(const image *from, uint8_t *manifest, uint64_t hash)
{
    size_t manifest_bytes = from->manifest_bytes;
    for (size_t i = 32; i + 8 <= manifest_bytes; i++) {
        if (memcmp(manifest + i, &from->block_hash, 8) == 0) {
            memcpy(manifest + i, &hash, 8);
            break;
        }
    }
    uint64_t sum = qn_hash64(manifest + 32, manifest_bytes - 32, qn_checksum64(manifest, 24));
    memcpy(manifest + 24, &sum, 8);
}

static void bend(const image *from, uint8_t *bytes, const uint8_t *edit)
{
    size_t  at = (size_t)edit[0] | (size_t)edit[1] << 8 | (size_t)(edit[2] & 0x7f) << 16;
    size_t  room = edit[2] & 0x80 ? (size_t)from->header_bytes : from->block_bytes;
    uint8_t x = edit[3];
    at %= room;
    switch (x & 3) {
    case 0:
        bytes[at] ^= (uint8_t)(1u << (x >> 5));
        break;
    case 1:
        bytes[at] = x & 0x80 ? 0xff : 0;
        break;
    case 2:
        bytes[at] = (uint8_t)(bytes[at] + (x >> 2));
        break;
    default:
        bytes[at] = bytes[(at + x) % room];
        break;
    }
}

static void read_dict(qn_block *b, uint32_t c, uint32_t rows, qn_arena *arena)
{
    const qn_block_column *info = qn_block_column_at(b, c);
    uint32_t               distinct = info->distinct, kept, first, end;
    uint32_t              *codes = malloc((rows + 1) * sizeof *codes), *numbers = malloc((rows + distinct + 2) * sizeof *numbers);
    uint64_t              *bits = calloc(QN_BLOCK_ROWS / 64, 8);
    void                  *values = malloc(((size_t)(distinct > rows ? distinct : rows) + 1) * 16);
    qn_error               err = {0};
    if (qn_block_codes(b, c, 0, rows, codes, &err) == QN_OK)
        (void)!qn_block_gather(b, c, codes, rows, values, arena, NULL);
    if (distinct) {
        (void)!qn_block_values(b, c, 1, distinct, values, arena, NULL);
        (void)!qn_block_counts(b, c, 1, distinct, numbers, NULL);
    }
    for (uint32_t i = 0; i < SOME && i < rows; i++)
        numbers[i] = i * (rows / SOME ? rows / SOME : 1);
    (void)!qn_block_codes_at(b, c, numbers, rows < SOME ? rows : SOME, codes, NULL);
    memset(bits, 0xff, rows / 8);
    qn_codeset range = {.is_range = true, .lo = distinct / 3, .hi = distinct / 2};
    (void)!qn_block_select(b, c, &range, 0, rows, bits, &kept, NULL);
    uint32_t *starts = malloc(((size_t)distinct + 2) * sizeof *starts);
    (void)!qn_block_row_lists(b, c, starts, codes, NULL);
    free(starts);
    qn_datum d = {.words = {0, 0}};
    if (info->bank == QN_BANK_STR)
        d.str = qn_str_lit("text number 33");
    else if (info->bank == QN_BANK_NUM)
        d.num = qn_numeric_small(15, 1);
    else
        d.i64 = 1; /* of every bank, true among them */
    (void)!qn_block_search(b, c, &d, &first, &end, NULL);
    free(codes);
    free(numbers);
    free(bits);
    free(values);
}

static void read_block(qn_env *env, uint64_t hash)
{
    qn_block *b;
    qn_error  err = {0};
    qn_arena  arena;
    if (qn_block_open(env, BLOCK, TABLE_ID, NUMBER, hash, &b, &err) != QN_OK)
        return;
    qn_arena_init(&arena, env->mem);
    uint32_t rows = qn_block_rows(b);
    for (uint32_t c = 0; c < qn_block_columns(b); c++) {
        if (qn_block_column_at(b, c)->kind != QN_COL_RAW) {
            read_dict(b, c, rows, &arena);
            continue;
        }
        void     *values = malloc((size_t)rows * 16);
        uint64_t *nulls = malloc(rows / 8 + 16);
        (void)!qn_block_raw(b, c, 0, rows, values, nulls, &arena, NULL);
        free(values);
        free(nulls);
    }
    memset(&err, 0, sizeof err);
    (void)!qn_block_check(b, &err);
    qn_arena_deinit(&arena);
    qn_block_unref(b);
}

static void ask(qn_database *db)
{
    qn_connection *conn;
    qn_error       err = {0};
    must(qn_connect(db, &conn, &err), &err);
    for (size_t q = 0; q < sizeof questions / sizeof *questions; q++) {
        qn_result      *r;
        const qn_chunk *chunk;
        if (qn_query(conn, questions[q], &r, &err) != QN_OK) {
            QN_CHECK(err.message[0]);
            continue;
        }
        while (qn_result_next(r, &chunk, &err) == QN_OK && chunk) {
            for (uint32_t row = 0; row < qn_chunk_rows(chunk); row++) {
                for (int c = 0; c < qn_result_columns(r); c++)
                    (void)qn_chunk_text(chunk, c, row, NULL);
            }
        }
        qn_result_free(r);
    }
    qn_disconnect(conn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    qn_mem       memory;
    qn_vfs      *vfs;
    qn_database *db;
    qn_error     err = {0};
    const image *from = &images[size % 4 % 3];
    if (!from->block)
        make_image(&images[size % 4 % 3], codecs[size % 4 % 3]);
    if (size < 4 || size > 200)
        return 0;
    uint8_t *block = malloc(from->block_bytes), *manifest = malloc(from->manifest_bytes);
    memcpy(block, from->block, from->block_bytes);
    memcpy(manifest, from->manifest, from->manifest_bytes);
    for (size_t i = 0; i + 4 <= size; i += 4)
        bend(from, block, data + i);
    uint64_t hash = qn_block_reseal(block, from->block_bytes);
    name_block(from, manifest, hash);
    must(qn_vfs_memory_new(&vfs_memory, &vfs, &err), &err);
    must(vfs->mkdir(vfs, "db", &err), &err);
    must(vfs->mkdir(vfs, "db/blocks", &err), &err);
    put(vfs, BLOCK, block, from->block_bytes);
    put(vfs, MANIFEST, manifest, from->manifest_bytes);

    qn_mem_init(&memory, NULL, (uint64_t)256 << 20);
    qn_env env = {.mem = &memory, .vfs = vfs, .clock = qn_clock_system()};
    read_block(&env, hash);
    if (open_in(vfs, &memory, &db, &err) == QN_OK) {
        ask(db);
        qn_close(db);
    } else {
        QN_CHECK(err.status == QN_CORRUPT || err.status == QN_NOMEM);
    }
    QN_CHECK(atomic_load(&memory.used_bytes) == 0);
    qn_vfs_memory_free(vfs);
    free(block);
    free(manifest);
    return 0;
}

#ifdef QN_FUZZ_MAIN
static void run_file(const char *path)
{
    uint8_t data[256];
    FILE   *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(1);
    }
    size_t n = fread(data, 1, sizeof data, f);
    fclose(f);
    LLVMFuzzerTestOneInput(data, n);
}

static void run_random(uint64_t count, uint64_t seed)
{
    for (uint64_t k = 0; k < count; k++) {
        uint8_t   data[16];
        qn_random r;
        qn_random_seed(&r, seed + k); /* so that `--random 1 SEED` repeats any one of them */
        size_t n = 4 + 4 * qn_random_below(&r, 3) + qn_random_below(&r, 3);
        for (size_t i = 0; i < n; i++)
            data[i] = (uint8_t)qn_random_next(&r);
        if (getenv("QN_FUZZ_VERBOSE"))
            fprintf(stderr, "seed %llu\n", (unsigned long long)(seed + k));
        LLVMFuzzerTestOneInput(data, n);
    }
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "--random") == 0)
        run_random(strtoull(argv[2], NULL, 10), argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
    for (int i = 1; i < argc && strcmp(argv[1], "--random") != 0; i++)
        run_file(argv[i]);
    for (size_t i = 0; i < 3; i++) {
        free(images[i].block);
        free(images[i].manifest);
    }
    return 0;
}
#endif
