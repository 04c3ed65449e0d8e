/* Fuzz target: COPY FROM with any options over any bytes.
 *
 * The first bytes choose format, delimiter, quote, escape, null marker, header, column types,
 * number of threads and how the input is cut into reads; the rest is the file.  The load goes to a
 * store in memory. Checked besides "no crash, no leak": one thread and two agree on rows and on the
 * error; what was loaded is there; an error has an SQLSTATE and a message.
 *
 * Built with -fsanitize=fuzzer the engine calls LLVMFuzzerTestOneInput; with -DQN_FUZZ_MAIN the
 * program runs the files named on its command line, or, given `--random N [SEED]`, N inputs of its
 * own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "load/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct input {
    const uint8_t *data;
    size_t         bytes, at, step;
} input;

static ptrdiff_t input_read(void *arg, void *buffer, size_t bytes)
{
    input *in = arg;
    size_t n = in->bytes - in->at;
    n = n < bytes ? n : bytes;
    n = n < in->step ? n : in->step;
    if (n)
        memcpy(buffer, in->data + in->at, n);
    in->at += n;
    return (ptrdiff_t)n;
}

typedef struct outcome {
    qn_status status;
    uint64_t  rows, content;
    qn_error  err;
} outcome;

static const uint8_t column_types[] = {QN_TYPE_INTEGER, QN_TYPE_TEXT,      QN_TYPE_DATE,
                                       QN_TYPE_NUMERIC, QN_TYPE_VARCHAR,   QN_TYPE_CHAR,
                                       QN_TYPE_BOOLEAN, QN_TYPE_TIMESTAMP, QN_TYPE_SMALLINT,
                                       QN_TYPE_BIGINT,  QN_TYPE_DOUBLE,    QN_TYPE_INTERVAL};

static void run(const uint8_t *head, const uint8_t *body, size_t bytes, int threads, outcome *out)
{
    static const char        delimiters[] = "\t,;|", quotes[] = "\"'~|";
    static const char *const null_texts[] = {"\\N", "", "nil", "0"};
    static const char *const names[] = {"a", "b", "c", "d"};
    qn_mem                   mem;
    qn_store                *store = NULL;
    const qn_snapshot       *snapshot;
    qn_column                columns[4] = {{0}};
    uint32_t                 file_columns[4], count = 1 + head[0] % 4;
    bool                     force[4] = {head[7] & 1, head[7] & 2, head[7] & 4, head[7] & 8};
    qn_table                 table = {.name = "t", .column_count = count, .columns = columns};

    qn_mem_init(&mem, NULL, (uint64_t)1 << 30);
    qn_env env = {.mem = &mem, .vfs = qn_vfs_posix(), .clock = qn_clock_system()};
    for (uint32_t c = 0; c < count; c++) {
        uint8_t id = column_types[head[1 + c] % sizeof column_types];
        bool    sized = id == QN_TYPE_VARCHAR || id == QN_TYPE_CHAR;
        columns[c] = (qn_column){names[c], {id, sized ? 7 : -1}, head[1 + c] & 0x80, NULL};
        file_columns[c] = c;
    }
    qn_load_job job = {.env = &env,
                       .table = &table,
                       .columns = file_columns,
                       .column_count = count,
                       .threads = threads};
    bool        csv = head[5] & 1;
    job.options = (qn_load_options){.format = csv ? QN_LOAD_CSV : QN_LOAD_TEXT,
                                    .delimiter = delimiters[head[5] >> 1 & 3],
                                    .quote = quotes[head[5] >> 3 & 1],
                                    .escape = head[5] & 0x20 ? '\\' : quotes[head[5] >> 3 & 1],
                                    .null_text = null_texts[head[6] & 3],
                                    .header = head[6] & 4,
                                    .header_match = (head[6] & 12) == 12,
                                    .force_null = csv && head[6] & 16 ? force : NULL,
                                    .force_not_null = csv && head[6] & 32 ? force : NULL};
    memset(out, 0, sizeof *out);
    QN_CHECK(qn_store_open(&env, NULL, false, false, &store, &out->err) == QN_OK);
    QN_CHECK(qn_change_begin(store, &job.change, &snapshot, &out->err) == QN_OK);
    QN_CHECK(qn_change_create_table(job.change, "t", columns, count, &table.id, &out->err) ==
             QN_OK);
    job.store_env = qn_store_env(store);
    input          in = {body, bytes, 0, head[6] & 64 ? 1 + (size_t)head[7] : SIZE_MAX};
    qn_load_source source = {.read = input_read, .arg = &in};
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
        QN_CHECK(out->err.message[0] && strlen(out->err.sqlstate) == 5);
        qn_change_abort(job.change);
    }
    qn_store_close(store);
    qn_mem_deinit(&mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    outcome one, two;

    if (size < 8)
        return 0;
    run(data, data + 8, size - 8, 1, &one);
    run(data, data + 8, size - 8, 2, &two);
    QN_CHECK(one.status == two.status && one.rows == two.rows);
    QN_CHECK(one.content == two.content);
    QN_CHECK(strcmp(one.err.message, two.err.message) == 0 &&
             strcmp(one.err.detail, two.err.detail) == 0);
    return 0;
}

#ifdef QN_FUZZ_MAIN
static void run_file(const char *path)
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

/* Mostly bytes that mean something in a COPY file. */
static void run_random(uint64_t count, uint64_t seed)
{
    static const char letters[] = "\t,;|\"'\\\\..\r\n\n\n\nN019-xa.\xd0\x96\xff ";
    qn_random         r;
    printf("seed %llu\n", (unsigned long long)seed);
    qn_random_seed(&r, seed);
    for (uint64_t k = 0; k < count; k++) {
        uint8_t data[512];
        size_t  n = 8 + qn_random_below(&r, qn_random_below(&r, 8) ? 60 : sizeof data - 8);
        for (size_t i = 0; i < n; i++)
            data[i] = i < 8 ? (uint8_t)qn_random_next(&r)
                            : (uint8_t)letters[qn_random_below(&r, sizeof letters - 1)];
        LLVMFuzzerTestOneInput(data, n);
    }
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "--random") == 0) {
        run_random(strtoull(argv[2], NULL, 10), argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
        return 0;
    }
    for (int i = 1; i < argc; i++)
        run_file(argv[i]);
    return 0;
}
#endif
