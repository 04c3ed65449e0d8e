/* Fuzz target: any bytes as a CSV file that is read without loading.
 *
 * The first bytes choose options, whether the file is cut into two, and how small its parts are; the rest is the file.
 * Checked besides "no crash, no leak": the reader agrees with itself, whether a file is one part or many, and in which
 * order they are opened; a column's type takes every value of a sample that is the whole file; an error has an SQLSTATE,
 * a message, and names the file.
 *
 * Built with -fsanitize=fuzzer the engine calls LLVMFuzzerTestOneInput; with -DQN_FUZZ_MAIN the program runs the files
 * named on its command line, or, given `--random N [SEED]`, N inputs of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/hash.h"
#include "load/csv.h"
#include "load/files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COLUMNS 64u

typedef struct outcome {
    qn_status status;
    uint64_t  rows, content;
    qn_error  err;
} outcome;

static void write_file(qn_vfs *vfs, const char *path, const uint8_t *data, size_t bytes)
{
    qn_file *file;
    qn_error err = {0};
    QN_CHECK(vfs->open(vfs, path, QN_OPEN_CREATE, &file, &err) == QN_OK);
    QN_CHECK(!bytes || vfs->write(vfs, file, 0, data, bytes, &err) == QN_OK);
    vfs->close(vfs, file);
}

/* Rows are compared as text. */
static void take_rows(const qn_reader *reader, const qn_reader_vector *v, const uint32_t *columns, uint32_t count,
                      uint32_t rows, qn_mem *mem, outcome *out)
{
    qn_text_settings set = {.extra_float_digits = 1};
    qn_buf           text;
    qn_buf_init(&text, mem);
    for (uint32_t i = 0; i < rows; i++) {
        qn_buf_clear(&text);
        for (uint32_t c = 0; c < count; c++) {
            qn_type  type = reader->columns[columns[c]].type;
            qn_datum d;
            qn_buf_putc(&text, '\n');
            if (v[c].nulls && v[c].nulls[i / 64] >> (i % 64) & 1)
                continue;
            qn_bank_get(qn_type_bank((qn_sql_type)type.id), v[c].data, i, &d);
            qn_buf_putc(&text, '=');
            qn_value_print(type, &d, &set, &text);
        }
        out->content = out->content * 31 + qn_hash64(text.data ? text.data : "", text.bytes, 0);
    }
    out->rows += rows;
    qn_buf_deinit(&text);
}

static void read_part(const qn_reader *reader, uint64_t part, const uint32_t *columns, uint32_t count, qn_mem *mem,
                      qn_reader_cursor **cursor, outcome *out)
{
    qn_reader_vector v[COLUMNS];
    uint32_t         rows = 1;
    const bool       move = *cursor != NULL;
    out->status = move ? reader->ops->cursor_move(*cursor, part, &out->err)
                       : reader->ops->cursor_open(reader, part, columns, count, mem, cursor, &out->err);
    while (out->status == QN_OK && rows) {
        out->status = reader->ops->cursor_next(*cursor, v, &rows, &out->err);
        if (out->status == QN_OK)
            take_rows(reader, v, columns, count, rows, mem, out);
    }
    if (out->status != QN_OK && *cursor) {
        reader->ops->cursor_close(*cursor);
        *cursor = NULL;
    }
}

/* The files, part by part; the outcome is that of reading them in order. */
static void run(qn_env *env, const qn_files_request *request, bool backwards, bool some, qn_files *described, qn_arena *arena,
                outcome *out)
{
    const qn_files   *files;
    qn_reader        *reader = NULL;
    qn_reader_cursor *cursor = NULL;
    uint32_t          columns[COLUMNS], count = 0;

    memset(out, 0, sizeof *out);
    out->status = qn_files_describe(env, request, arena, &files, &out->err);
    if (out->status != QN_OK)
        return;
    *described = *files;
    out->status = qn_files_open(env, files, &reader, &out->err);
    if (out->status != QN_OK)
        return;
    for (uint32_t c = 0; c < reader->column_count && count < COLUMNS; c++)
        if (!some || c % 2)
            columns[count++] = c;
    uint64_t parts = reader->part_count;
    outcome *each = calloc(parts + 1, sizeof *each);
    QN_CHECK(each);
    for (uint64_t k = 0; k < parts; k++) {
        uint64_t p = backwards ? parts - 1 - k : k;
        read_part(reader, p, columns, count, env->mem, &cursor, &each[p]);
        if (!backwards && each[p].status != QN_OK)
            break;
    }
    for (uint64_t p = 0; p < parts && out->status == QN_OK; p++) {
        for (uint64_t i = 0; i < each[p].rows; i++) /* contents are joined as if they were one part */
            out->content *= 31;
        out->content += each[p].content;
        out->rows += each[p].rows;
        out->status = each[p].status;
        out->err = each[p].err;
    }
    if (out->status != QN_OK) /* a batch that fails gives none of its rows */
        out->rows = out->content = 0;
    free(each);
    if (cursor)
        reader->ops->cursor_close(cursor);
    reader->ops->close(reader);
}

static void same(const outcome *a, const outcome *b)
{
    QN_CHECK(a->status == b->status && a->rows == b->rows && a->content == b->content);
    QN_CHECK(strcmp(a->err.message, b->err.message) == 0 && strcmp(a->err.detail, b->err.detail) == 0 &&
             strcmp(a->err.sqlstate, b->err.sqlstate) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char        delimiters[] = ",;\t|", quotes[] = "\"'~";
    static const char *const null_texts[] = {"", "NA", "0"};
    qn_mem                   mem;
    qn_error                 err = {0};
    qn_arena                 arena;
    qn_files                 files = {0};
    outcome                  one, many;
    qn_env                   env = {.mem = &mem, .clock = qn_clock_system()};

    if (size < 5)
        return 0;
    const uint8_t *head = data;
    data += 5;
    size -= 5;
    qn_mem_init(&mem, NULL, (uint64_t)1 << 30);
    qn_arena_init(&arena, &mem);
    QN_CHECK(qn_vfs_memory_new(&mem, &env.vfs, &err) == QN_OK);
    bool           twice = head[3] & 0x80;
    size_t         cut = twice ? (size_t)(head[3] & 0x7f) * size / 128 : size;
    qn_csv_options o = {.has_delimiter = head[0] & 1, .delimiter = delimiters[head[0] >> 1 & 3],
                        .has_quote = head[0] & 8, .quote = quotes[(head[0] >> 4) % 4 % 3],
                        .has_escape = head[1] & 1, .escape = head[1] & 2 ? '\\' : quotes[(head[0] >> 4) % 4 % 3],
                        .has_header = head[1] & 4, .header = head[1] & 8, .has_null = head[1] & 16,
                        .null_text = null_texts[(head[1] >> 5) % 3], .all_text = (head[2] & 7) == 7,
                        .sample_rows = head[2] & 8 ? head[2] >> 4 : 0};
    if (head[0] & 0x80)
        o.quote = o.escape = 0;
    write_file(env.vfs, "f1.csv", data, cut);
    if (twice)
        write_file(env.vfs, "f2.csv", data + cut, size - cut);
    qn_files_request request = {.kind = QN_FILES_CSV, .pattern = "f*.csv", .csv = o};
    run(&env, &request, false, head[2] & 1, &files, &arena, &one);
    if (one.status != QN_OK) {
        QN_CHECK(one.err.message[0] && strlen(one.err.sqlstate) == 5 && one.status != QN_NOMEM);
        /* what was looked at is no surprise: only the form of records may be */
        if (files.column_count && !o.sample_rows && strcmp(one.err.sqlstate, "22P04") != 0 && strcmp(one.err.sqlstate, "22021") != 0)
            fprintf(stderr, "%s %s\n%s\n", one.err.sqlstate, one.err.message, one.err.detail);
        if (files.column_count && !o.sample_rows)
            QN_CHECK(strcmp(one.err.sqlstate, "22P04") == 0 || strcmp(one.err.sqlstate, "22021") == 0);
    }
    request.part_bytes = 1 + head[4] % 64;
    run(&env, &request, false, head[2] & 1, &files, &arena, &many);
    same(&one, &many);
    run(&env, &request, true, head[2] & 1, &files, &arena, &many);
    same(&one, &many);
    qn_arena_deinit(&arena);
    qn_vfs_memory_free(env.vfs);
    qn_mem_deinit(&mem);
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

/* Tables of values of few kinds, with bytes changed here and there. */
static void run_random(uint64_t count, uint64_t seed)
{
    static const char *const values[] = {"1", "-7", "2024-01-05", "31.12.2024", "04/05/2024 10:11", "1.5", "1e3", "x",
                                         "\"a,b\"", "\"q\"\"q\"", "\"l\nl\"", "", "\"\"", "true", "'s'", "NA", "99999999999",
                                         "2024-01-05T00:00:00Z", "\"x\\\"y\"", "\xd0\x96", "007"};
    static const char        letters[] = ",;\t|\"'\\.\r\n\n0-x \xff";
    qn_random                r;
    printf("seed %llu\n", (unsigned long long)seed);
    qn_random_seed(&r, seed);
    for (uint64_t k = 0; k < count; k++) {
        char        data[2048];
        size_t      n = 0;
        uint64_t    columns = 1 + qn_random_below(&r, 4), rows = qn_random_below(&r, 12);
        char        delimiter = ",;\t|"[qn_random_below(&r, 4)];
        const char *end = qn_random_below(&r, 4) ? "\n" : "\r\n";
        for (; n < 5; n++)
            data[n] = qn_random_below(&r, 3) ? 0 : (char)qn_random_next(&r);
        for (uint64_t i = 0; i < rows; i++) {
            for (uint64_t c = 0; c < columns; c++) {
                const char *v = values[qn_random_below(&r, qn_random_below(&r, 2) ? 3 : QN_COUNTOF(values))];
                n += (size_t)snprintf(data + n, 64, "%s%.*s", v, c + 1 < columns, &delimiter);
            }
            n += (size_t)snprintf(data + n, 64, "%s", end);
        }
        for (uint64_t i = qn_random_below(&r, 4); i > 1 && n > 5; i--)
            data[5 + qn_random_below(&r, n - 5)] = letters[qn_random_below(&r, sizeof letters - 1)];
        LLVMFuzzerTestOneInput((const uint8_t *)data, n);
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
