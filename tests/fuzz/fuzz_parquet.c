/* Fuzz target: a Parquet file of any bytes.
 *
 * The file is opened, and each of its parts is read: all columns side by side, then each alone, then from a place inside.
 * Checked besides "no crash, no leak": codes lie in their dictionaries, text is UTF-8 without NUL, what is skipped and
 * what is read alone is the same as what is read in one go; an error has an SQLSTATE and a message.  Small files are
 * also loaded into a table, with one thread and with two, which must agree on rows, blocks and error.
 *
 * With -DQN_FUZZ_MAIN: files on the command line, or `--random N [SEED]`, which bends files that the small writer of the
 * unit tests makes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/parquet/parquet_writer.h"
#include "base/assert.h"
#include "base/hash.h"
#include "load/load.h"
#include "load/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS = 16, PARTS = 4, BATCHES = 8 };

typedef struct world {
    qn_mem  vfs_mem, mem;
    qn_vfs *vfs;
    qn_env  env;
} world;

static void save(world *w, const uint8_t *data, size_t size)
{
    qn_file *file;
    QN_CHECK(w->vfs->open(w->vfs, "x", QN_OPEN_TRUNCATE, &file, NULL) == QN_OK);
    QN_CHECK(w->vfs->write(w->vfs, file, 0, data, size, NULL) == QN_OK);
    w->vfs->close(w->vfs, file);
}

static void check_error(const qn_error *err)
{
    QN_CHECK(err->message[0] && strlen(err->sqlstate) == 5);
}

static uint64_t value_hash(const qn_reader_column *c, const qn_reader_vector *v, uint32_t row)
{
    qn_bank     bank = qn_type_bank((qn_sql_type)c->type.id);
    const void *data = v->data;
    size_t      at = row;
    uint64_t    identity[2];
    qn_datum    value;

    if (v->codes) {
        QN_CHECK(v->codes[row] <= v->dict->count);
        data = v->dict->values;
        at = v->codes[row];
    }
    if (v->codes ? at == 0 : v->nulls && (v->nulls[row / 64] >> (row % 64) & 1))
        return 1;
    qn_bank_get(bank, data, at, &value);
    if (bank == QN_BANK_STR) {
        const char *s = qn_str_data(&value.str);
        QN_CHECK(qn_utf8_valid(s, value.str.bytes) == value.str.bytes && !memchr(s, 0, value.str.bytes));
    }
    qn_value_identity((qn_sql_type)c->type.id, &value, identity);
    return qn_hash64(identity, sizeof identity, 0);
}

/* Hashes of the rows of a part's first batches, per column, from a row on; false after an error. */
static bool read_part(world *w, qn_reader *r, uint64_t part, const uint32_t *columns, uint32_t count, uint64_t skip,
                      uint64_t *rows, uint64_t hashes[COLUMNS])
{
    qn_reader_cursor *cursor;
    qn_reader_vector  v[COLUMNS];
    qn_error          err = {0};
    qn_status         st = r->ops->cursor_open(r, part, columns, count, &w->mem, &cursor, &err);

    *rows = 0;
    memset(hashes, 0, COLUMNS * sizeof *hashes);
    if (st != QN_OK) {
        check_error(&err);
        return false;
    }
    if (skip)
        st = r->ops->cursor_skip(cursor, skip, &err);
    for (int b = 0; b < BATCHES && st == QN_OK; b++) {
        uint32_t n = 0;
        st = r->ops->cursor_next(cursor, v, &n, &err);
        if (st != QN_OK || n == 0)
            break;
        for (uint32_t c = 0; c < count; c++) {
            for (uint32_t i = 0; i < n; i++)
                hashes[c] += qn_mix64(value_hash(&r->columns[columns[c]], &v[c], i) + (*rows + i + skip) * 31);
        }
        *rows += n;
    }
    if (st != QN_OK)
        check_error(&err);
    r->ops->cursor_close(cursor);
    return st == QN_OK;
}

static void read_file(world *w, qn_reader *r)
{
    uint32_t columns[COLUMNS], count = 0;
    for (uint32_t c = 0; c < r->column_count && count < COLUMNS; c++) {
        if (!r->columns[c].unsupported)
            columns[count++] = c;
    }
    for (uint64_t p = 0; p < r->part_count && p < PARTS; p++) {
        uint64_t together[COLUMNS], alone[COLUMNS], rows, n;
        bool     ok = read_part(w, r, p, columns, count, 0, &rows, together);
        for (uint32_t c = 0; c < count && ok; c++) {
            QN_CHECK(read_part(w, r, p, columns + c, 1, 0, &n, alone));
            QN_CHECK(n == rows && alone[0] == together[c]);
        }
        (void)read_part(w, r, p, columns, count, 1 + rows / 3, &n, alone);
    }
}

/* ---- into a table ---------------------------------------------------------------------------------- */

typedef struct outcome {
    qn_status status;
    uint64_t  rows, content;
    qn_error  err;
} outcome;

static void load(world *w, const qn_reader *r, int threads, outcome *out)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h",
                                        "i", "j", "k", "l", "m", "n", "o", "p"};
    qn_column                columns[COLUMNS];
    uint32_t                 numbers[COLUMNS];
    qn_store                *store = NULL;
    const qn_snapshot       *snapshot;
    qn_table                 table = {.name = "t", .column_count = r->column_count, .columns = columns};
    qn_load_job              job = {.env = &w->env, .table = &table, .columns = numbers, .column_count = r->column_count, .threads = threads};

    memset(out, 0, sizeof *out);
    for (uint32_t c = 0; c < r->column_count; c++) {
        columns[c] = (qn_column){names[c], r->columns[c].type, false, NULL};
        numbers[c] = c;
    }
    job.options.format = QN_LOAD_PARQUET;
    QN_CHECK(qn_store_open(&w->env, NULL, false, false, &store, &out->err) == QN_OK);
    QN_CHECK(qn_change_begin(store, &job.change, &snapshot, &out->err) == QN_OK);
    QN_CHECK(qn_change_create_table(job.change, "t", columns, r->column_count, &table.id, &out->err) == QN_OK);
    job.store_env = qn_store_env(store);
    qn_load_source source = {.path = "x"};
    out->status = qn_load_run(&job, &source, &out->rows, &out->err);
    if (out->status == QN_OK) {
        QN_CHECK(qn_change_commit(job.change, &out->err) == QN_OK);
        qn_snapshot    *now = qn_store_snapshot(store);
        const qn_table *t = qn_catalog_table(now, "t");
        QN_CHECK(t && t->rows == out->rows);
        for (uint32_t b = 0; b < t->block_count; b++) {
            QN_CHECK(qn_block_check(t->blocks[b].block, &out->err) == QN_OK);
            out->content = out->content * 31 + t->blocks[b].content_hash;
        }
        qn_snapshot_unref(now);
    } else {
        check_error(&out->err);
        qn_change_abort(job.change);
    }
    qn_store_close(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    world      w;
    qn_reader *r;
    qn_error   err = {0};

    qn_mem_init(&w.vfs_mem, NULL, 0);
    qn_mem_init(&w.mem, NULL, (uint64_t)256 << 20);
    QN_CHECK(qn_vfs_memory_new(&w.vfs_mem, &w.vfs, NULL) == QN_OK);
    w.env = (qn_env){.mem = &w.mem, .vfs = w.vfs, .clock = qn_clock_system()};
    save(&w, data, size);
    if (qn_parquet_open(&w.env, "x", &r, &err) != QN_OK) {
        check_error(&err);
    } else {
        read_file(&w, r);
        if (r->column_count && r->column_count <= COLUMNS && r->rows <= 10000) {
            outcome one, two;
            load(&w, r, 1, &one);
            load(&w, r, 2, &two);
            /* Out of memory depends on what the other thread holds. */
            if (one.status != QN_NOMEM && two.status != QN_NOMEM) {
                QN_CHECK(one.status == two.status && one.rows == two.rows && one.content == two.content);
                QN_CHECK(strcmp(one.err.message, two.err.message) == 0 && strcmp(one.err.detail, two.err.detail) == 0);
            }
        }
        r->ops->close(r);
    }
    qn_vfs_memory_free(w.vfs);
    qn_mem_deinit(&w.mem);
    qn_mem_deinit(&w.vfs_mem);
    return 0;
}

#ifdef QN_FUZZ_MAIN

static void run_path(const char *path)
{
    static uint8_t data[1 << 20];
    FILE          *in = fopen(path, "rb");
    if (!in) {
        perror(path);
        exit(1);
    }
    size_t n = fread(data, 1, sizeof data, in);
    fclose(in);
    LLVMFuzzerTestOneInput(data, n);
}

/* ---- files to bend --------------------------------------------------------------------------------- */

enum { ROWS = 100, PLAIN = 0, RLE = 3, DELTA = 5, DELTA_LENGTH = 6, DELTA_BYTES = 7, DICT = 8, SPLIT = 9 };

/* Values of one page in an encoding, whatever the type makes of them. */
static void put_values(w_bytes *b, int encoding, int physical)
{
    static const char *const words[] = {"", "a", "word", "a longer word, not inline", "a longer word too", "\xc3\xa4\xc3\xb6"};
    const char *s[ROWS];
    int64_t     v[ROWS];
    uint32_t    codes[ROWS];
    for (int i = 0; i < ROWS; i++) {
        s[i] = words[i % 6];
        v[i] = i * 1000 - 7 * (i % 3);
        codes[i] = (uint32_t)(i / 9 % 3);
    }
    if (encoding == DELTA)
        put_delta(b, v, ROWS, 128, 4);
    else if (encoding == DELTA_LENGTH)
        put_delta_lengths(b, s, ROWS);
    else if (encoding == DELTA_BYTES)
        put_delta_bytes(b, s, ROWS);
    else if (encoding == SPLIT)
        put_split(b, v, physical == 2 || physical == 5 ? ROWS : ROWS / 2, 8);
    else if (encoding == DICT) {
        put8(b, 2);
        put_hybrid(b, codes, ROWS, 2);
    } else {
        for (int i = 0; i < ROWS && physical == 6; i++)
            put_text(b, s[i]);
        if (physical != 6)
            put(b, v, sizeof v);
    }
}

static void make_file(writer *w, qn_random *r)
{
    static const uint8_t encodings[] = {PLAIN, RLE, DELTA, DELTA_LENGTH, DELTA_BYTES, DICT, DICT, SPLIT};
    w_column             columns[3];
    unsigned             count = 1 + (unsigned)qn_random_below(r, 3);
    for (unsigned c = 0; c < count; c++) {
        int physical = (int)qn_random_below(r, 8);
        columns[c] = (w_column){.name = c ? c == 1 ? "two" : "three" : "one", .physical = physical,
                                .width = physical == 7 ? (int)(1 + qn_random_below(r, 16)) : 0, .optional = (int)qn_random_below(r, 2)};
        if (qn_random_below(r, 2)) {
            columns[c].logical = (int)qn_random_below(r, 17);
            columns[c].a = columns[c].logical == 10 ? 8 << qn_random_below(r, 4) : (int)qn_random_below(r, 3);
            columns[c].b = (int)qn_random_below(r, 20);
            columns[c].unit = columns[c].logical == 7 || columns[c].logical == 8 ? 1 + (int)qn_random_below(r, 3) : 0;
        } else if (qn_random_below(r, 2)) {
            columns[c].converted = (int)qn_random_below(r, 23);
            columns[c].precision = 1 + (int)qn_random_below(r, 30);
        }
    }
    w_begin(w, columns, count);
    for (unsigned g = 0; g < 2; g++) {
        w_group(w, ROWS * 2);
        for (unsigned c = 0; c < count; c++) {
            w_bytes dict = {0};
            w_chunk_begin(w, c, ROWS * 2);
            if (qn_random_below(r, 2)) {
                put_values(&dict, PLAIN, columns[c].physical);
                w_dict(w, c, 3, &dict);
            }
            for (int p = 0; p < 2; p++) {
                w_bytes    levels = {0}, b = {0};
                int      encoding = encodings[qn_random_below(r, sizeof encodings)];
                uint32_t present[ROWS];
                for (int i = 0; i < ROWS; i++)
                    present[i] = i % 7 != 3 && i < 80;
                put_hybrid(&levels, present, ROWS, 1);
                put_values(&b, encoding, columns[c].physical);
                if (qn_random_below(r, 2))
                    w_page(w, c, ROWS, encoding, columns[c].optional ? &levels : NULL, &b);
                else
                    w_page2(w, c, ROWS, 0, encoding, columns[c].optional ? &levels : NULL, true, b.n, &b);
                empty(&levels);
                empty(&b);
            }
            empty(&dict);
        }
    }
    w_finish(w);
}

static void bend(w_bytes *b, qn_random *r)
{
    size_t   at = qn_random_below(r, 3) ? qn_random_below(r, b->n) : b->n - 1 - qn_random_below(r, b->n < 400 ? b->n : 400);
    uint8_t *p = b->data + at;
    switch (qn_random_below(r, 5)) {
    case 0:
        *p ^= (uint8_t)(1u << qn_random_below(r, 8));
        break;
    case 1:
        *p = (uint8_t)qn_random_next(r);
        break;
    case 2:
        *p = (uint8_t)(*p + qn_random_below(r, 5) - 2);
        break;
    case 3:
        *p = qn_random_below(r, 2) ? 0xff : 0;
        break;
    default:
        *p = b->data[qn_random_below(r, b->n)];
    }
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "--random") == 0) {
        qn_random r;
        uint64_t  count = strtoull(argv[2], NULL, 10), seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
        printf("seed %llu\n", (unsigned long long)seed);
        for (uint64_t k = 0; k < count; k++) {
            writer w;
            qn_random_seed(&r, seed + k);
            make_file(&w, &r);
            for (uint64_t n = qn_random_below(&r, 4); n > 0; n--)
                bend(&w.out, &r);
            LLVMFuzzerTestOneInput(w.out.data, w.out.n);
            empty(&w.out);
        }
        return 0;
    }
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    return 0;
}
#endif
