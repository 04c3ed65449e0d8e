/* COPY FROM, from bytes to the rows of a table. */
#include "load_fixture.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

/* ---- text format
 * --------------------------------------------------------------------------------------- */

static void test_text_values(void **state)
{
    (void)state;
    fixture f;
    fixture_open(
        &f, "a integer, b text, c date, d timestamp, e boolean, f float8, g smallint, h bigint");
    expect_load(&f,
                "1\tone\t2013-07-15\t2013-07-15 10:11:12\tt\t1.5\t-3\t-9223372036854775808\n"
                "\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\n"
                " 7 \t\t20130716\t2013-07-16\tno\tinfinity\t+5\t9223372036854775807",
                "1|one|2013-07-15|2013-07-15 10:11:12|t|1.5|-3|-9223372036854775808\n"
                "~|~|~|~|~|~|~|~\n"
                "7||2013-07-16|2013-07-16 00:00:00|f|Infinity|5|9223372036854775807\n");
    assert_int_equal(f.rows, 3);
    fixture_close(&f);
}

static void test_text_escapes(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, "a text, b text");
    /* One row: a holds every letter escape, an octal, a hex, an escaped delimiter and an escaped
     * newline. */
    expect_load(&f, "\\b\\f\\n\\r\\t\\v\\101\\x42\\\tx\\\ny\tz\\q\\\\\n",
                "\b\f\n\r\t\vAB\tx\ny|zq\\\n");
    /* The null marker is compared before escapes are undone: \\N is a backslash and an N. */
    expect_load(&f, "\\\\N\t\\N\n", "\\N|~\n");
    /* \x without a digit is an x, octal takes three digits at most, and UTF-8 may be spelled in
     * escapes. */
    /* A lone backslash at the very end vanishes. */
    expect_load(&f, "a\tb\\", "a|b\n");
    expect_load(&f, "0123456789012345678901234567890123456789012345678901234567890\tb\\",
                "0123456789012345678901234567890123456789012345678901234567890|b\n");
    expect_load(&f, "\\xg\\1012\t\\xd0\\x96\n", "xgA2|Ж\n");
    expect_error(&f, "a\tb\n\\xff\tb\n", "22021",
                 "invalid byte sequence for encoding \"UTF8\": 0xff",
                 "COPY t, line 2: \"\\xff\tb\"");
    fixture_close(&f);
}

static void test_text_end_marker(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, "a text");
    expect_load(&f, "x\n\\.\nnever read\n", "x\n");
    expect_load(&f, "x\\.\n", "x\n"); /* what stands before it on the line is a record */
    expect_load(&f, "\\.\n", "");
    expect_load(&f, "", "");
    expect_load(&f, "\n", "\n"); /* an empty line is an empty string */
    expect_error(&f, "x\n\\.y\n", "22P04", "end-of-copy marker corrupt", "COPY t, line 2");
    expect_error(&f, "x\r\n\\.\n", "22P04",
                 "end-of-copy marker does not match previous newline style", "COPY t, line 2");
    fixture_close(&f);
}

static void test_line_ends(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, "a text, b integer");
    expect_load(&f, "x\t1\r\ny\t2\r\n", "x|1\ny|2\n");
    expect_load(&f, "x\t1\ry\t2\r", "x|1\ny|2\n");
    expect_error(&f, "x\t1\ny\t2\r\n", "22P04", "literal carriage return found in data",
                 "COPY t, line 2");
    assert_string_equal(f.err.hint, "Use \"\\r\" to represent carriage return.");
    expect_error(&f, "x\t1\r\ny\t2\n", "22P04", "literal newline found in data", "COPY t, line 2");
    assert_string_equal(f.err.hint, "Use \"\\n\" to represent newline.");
    expect_error(&f, "x\t1\r\ny\r\t2\r\n", "22P04", "literal carriage return found in data", NULL);
    fixture_close(&f);
}

static void test_field_count(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, "a integer, b text");
    expect_error(&f, "1\tx\n2\n", "22P04", "missing data for column \"b\"",
                 "COPY t, line 2: \"2\"");
    expect_error(&f, "1\tx\ty\n", "22P04", "extra data after last expected column",
                 "COPY t, line 1: \"1\tx\ty\"");
    /* Surplus is noticed before any value is looked at, a lack only after those that are there. */
    expect_error(&f, "q\tx\ty\n", "22P04", "extra data after last expected column", NULL);
    expect_error(&f, "q\n", "22P02", "invalid input syntax for type integer: \"q\"",
                 "COPY t, line 1, column a: \"q\"");
    fixture_close(&f);
}

/* Rows of a table without columns are empty lines; they count. */
static void test_no_columns(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, "");
    for (f.job.threads = 1; f.job.threads <= 2; f.job.threads++) {
        assert_int_equal(fixture_load(&f, "\n\n\n"), QN_OK);
        assert_int_equal(f.rows, 3);
        qn_snapshot *s = qn_store_snapshot(f.store);
        assert_int_equal(qn_catalog_table(s, "t")->rows, 3);
        qn_snapshot_unref(s);
    }
    expect_error(&f, "\nx\n", "22P04", "extra data after last expected column", "COPY t, line 2: \"x\"");
    fixture_close(&f);
}

static void test_bad_values(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, "a integer, b smallint, c varchar(3), d char(2), e text not null");
    expect_load(&f, "1\t2\tabc\tx\ty\n2\t3\tжжж\tжж\t\n", "1|2|abc|x |y\n2|3|жжж|жж|\n");
    expect_error(&f, "1\t2\tabc\tx\ty\nabc\t2\ta\tb\tc\n", "22P02",
                 "invalid input syntax for type integer: \"abc\"",
                 "COPY t, line 2, column a: \"abc\"");
    expect_error(&f, "1\t40000\ta\tb\tc\n", "22003",
                 "value \"40000\" is out of range for type smallint",
                 "COPY t, line 1, column b: \"40000\"");
    expect_error(&f, "1\t4\tabcd\tb\tc\n", "22001", "value too long for type character varying(3)",
                 "COPY t, line 1, column c: \"abcd\"");
    expect_error(&f, "1\t4\tabc\tb\t\\N\n", "23502",
                 "null value in column \"e\" of relation \"t\" violates not-null constraint",
                 "COPY t, line 1: \"1\t4\tabc\tb\t\\N\"");
    fixture_close(&f);
}

static void test_bytes_that_are_no_text(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, "a integer, b text");
    expect_error(&f, "1\tx\n2\ty\xff\n", "22021",
                 "invalid byte sequence for encoding \"UTF8\": 0xff", "COPY t, line 2");
    expect_error(&f, "1\t\xe2\x28\xa1\n", "22021",
                 "invalid byte sequence for encoding \"UTF8\": 0xe2 0x28 0xa1", "COPY t, line 1");
    /* An earlier line's error comes first. */
    expect_error(&f, "x\tx\n2\ty\xff\n", "22P02", "invalid input syntax for type integer: \"x\"",
                 NULL);
    expect_error(&f, "1\tx\n2\ty\xff\r\n", "22021",
                 "invalid byte sequence for encoding \"UTF8\": 0xff",
                 "COPY t, line 2"); /* before the carriage return is looked at */
    assert_int_not_equal(fixture_load_step(&f, "1\ta\0b\n", 6, 1), QN_OK);
    assert_string_equal(f.err.message, "invalid byte sequence for encoding \"UTF8\": 0x00");
    fixture_close(&f);
}

static void test_long_values_are_cut_in_messages(void **state)
{
    (void)state;
    fixture f;
    char    text[400] = "", detail[400];
    fixture_open(&f, "a integer");
    for (int i = 0; i < 60; i++)
        strcat(text, "ж"); /* 120 bytes; 100 bytes are a whole number of characters */
    snprintf(detail, sizeof detail, "COPY t, line 1, column a: \"%.100s...\"", text);
    expect_error(&f, text, "22P02", f.err.message, NULL);
    assert_string_equal(f.err.detail, detail);
    fixture_close(&f);
}

/* ---- CSV
 * -------------------------------------------------------------------------------------------------
 */

static void test_csv(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, "a integer, b text");
    fixture_csv(&f);
    expect_load(&f, "1,one\n2,\"t,w\"\"o\"\n3,\"a\nb\"\n4,\n5,\"\"\n6,x\"y,\"z\n",
                "1|one\n2|t,w\"o\n3|a\nb\n4|~\n5|\n6|xy,z\n");
    /* Line ends in quotes count as lines; the record's last line is reported. */
    expect_error(&f, "0,\n1,\"a\nb\"\nx,c\n", "22P02",
                 "invalid input syntax for type integer: \"x\"", "COPY t, line 4, column a: \"x\"");
    expect_error(&f, "0,\n1,\"a\nb\n", "22P04", "unterminated CSV quoted field",
                 "COPY t, line 4: \"1,\"a\nb\n\"");
    expect_error(&f, "1,a\r\n2,b\n", "22P04", "unquoted newline found in data", "COPY t, line 2");
    expect_error(&f, "1,a\n2,b\rc\n", "22P04", "unquoted carriage return found in data",
                 "COPY t, line 2");
    expect_load(&f, "1,a\n\\.\n2,b\n", "1|a\n");
    expect_load(&f, "1,\\.\n2,\\x41\n", "1|\\.\n2|\\x41\n"); /* no escapes in CSV */
    fixture_close(&f);
}

static void test_csv_escape(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, "a text, b text");
    fixture_csv(&f);
    f.job.options.escape = '\\';
    f.job.options.quote = '\'';
    f.job.options.delimiter = ';';
    expect_load(&f, "'a\\'b';'c\\\\'\n'\\n;';x\\y\n'it\\'s\nhere';2\n",
                "a'b|c\\\n\\n;|x\\y\nit's\nhere|2\n");
    fixture_close(&f);
}

static void test_csv_null(void **state)
{
    (void)state;
    fixture f;
    bool    force[16] = {false, true};
    fixture_open(&f, "a text, b text");
    fixture_csv(&f);
    f.job.options.null_text = "nil";
    expect_load(&f, "nil,\"nil\"\n,nil\n", "~|nil\n|~\n");
    f.job.options.force_null = force; /* quoted nil is NULL too */
    expect_load(&f, "\"nil\",\"nil\"\n", "nil|~\n");
    f.job.options.force_null = NULL;
    f.job.options.force_not_null = force; /* nil is a string */
    expect_load(&f, "nil,nil\n", "~|nil\n");
    fixture_close(&f);
}

/* ---- header, column lists, defaults
 * ------------------------------------------------------------------------ */

static void test_header(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, "a integer, b text");
    fixture_csv(&f);
    f.job.options.header = true;
    expect_load(&f, "anything\n1,x\n", "1|x\n");
    expect_load(&f, "a,b\n", "");
    f.job.options.header_match = true;
    expect_load(&f, "a,b\n1,x\n", "1|x\n");
    expect_error(&f, "a,c\n1,x\n", "22P04",
                 "column name mismatch in header line field 2: got \"c\", expected \"b\"",
                 "COPY t, line 1: \"a,c\"");
    expect_error(&f, "a\n1,x\n", "22P04",
                 "wrong number of fields in header line: got 1, expected 2", NULL);
    expect_error(
        &f, "a,\n1,x\n", "22P04",
        "column name mismatch in header line field 2: got null value (\"\"), expected \"b\"", NULL);
    expect_error(&f, "a,\xff\n1,x\n", "22021", "invalid byte sequence for encoding \"UTF8\": 0xff",
                 "COPY t, line 1");
    expect_error(&f, "a,b\nx,x\n", "22P02", "invalid input syntax for type integer: \"x\"",
                 "COPY t, line 2, column a: \"x\"");
    fixture_close(&f);
}

static void test_defaults(void **state)
{
    (void)state;
    fixture  f;
    qn_datum defaults[3] = {{.i32 = 7}, {0}, {0}};
    bool     nulls[3] = {false, true, false};
    uint32_t order[] = {2, 0};
    fixture_open(&f, "a integer, b text, c text");
    defaults[2].str = qn_str_lit("a long default, not inline");
    f.job.defaults = defaults;
    f.job.default_nulls = nulls;
    f.job.columns = order;
    f.job.column_count = 2;
    expect_load(&f, "x\t1\ny\t2\n", "1|~|x\n2|~|y\n");
    f.job.column_count = 1;
    expect_load(&f, "x\ny\n", "7|~|x\n7|~|y\n");
    order[0] = 0;
    expect_load(&f, "1\n", "1|~|a long default, not inline\n");
    f.columns[1].not_null = true; /* without a default */
    expect_error(&f, "1\n", "23502",
                 "null value in column \"b\" of relation \"t\" violates not-null constraint",
                 "COPY t, line 1: \"1\"");
    fixture_close(&f);
}

/* ---- many rows, threads, splits
 * ------------------------------------------------------------------------------ */

static char *many_rows(uint32_t rows, size_t *bytes)
{
    char *text = malloc((size_t)rows * 64 + 1), *p = text;
    for (uint32_t i = 0; i < rows; i++) {
        p += sprintf(p, "%u\t", i * 2654435761u >> 8);
        p += i % 7 == 3 ? sprintf(p, "\\N\t") : sprintf(p, "name of row %u\t", i / 5);
        p += i % 11 == 0 ? sprintf(p, "\\N\n")
                         : sprintf(p, "2013-07-%02u 10:00:%02u\n", i % 31 + 1, i % 60);
    }
    *bytes = (size_t)(p - text);
    return text;
}

static void test_threads_make_the_same_blocks(void **state)
{
    (void)state;
    fixture        f;
    size_t         bytes;
    const uint32_t rows = QN_BLOCK_ROWS * 2 + 12345;
    char          *text = many_rows(rows, &bytes), *first = NULL;

    fixture_open(&f, "a bigint not null, b text, c timestamp");
    for (int threads = 1; threads <= 4; threads += threads == 1 ? 1 : 2) {
        f.job.threads = threads;
        assert_int_equal(fixture_load_step(&f, text, bytes, threads == 2 ? 100003 : SIZE_MAX),
                         QN_OK);
        assert_int_equal(f.rows, rows);
        qn_snapshot    *s = qn_store_snapshot(f.store);
        const qn_table *t = qn_catalog_table(s, "t");
        assert_int_equal(t->block_count, 3);
        assert_int_equal(t->blocks[0].rows, QN_BLOCK_ROWS);
        assert_int_equal(t->blocks[1].rows, QN_BLOCK_ROWS);
        qn_snapshot_unref(s);
        char *now = fixture_rows(&f, true);
        if (!first) {
            first = now;
            continue;
        }
        assert_true(strcmp(now, first) == 0);
        free(now);
    }
    /* And they are the rows of the input, in its order. */
    char *want = malloc(bytes * 2), *w = want;
    for (uint32_t i = 0; i < rows; i++) {
        if (i % QN_BLOCK_ROWS == 0)
            w += sprintf(w, "#\n");
        w += sprintf(w, "%u|", i * 2654435761u >> 8);
        w += i % 7 == 3 ? sprintf(w, "~|") : sprintf(w, "name of row %u|", i / 5);
        w += i % 11 == 0 ? sprintf(w, "~\n")
                         : sprintf(w, "2013-07-%02u 10:00:%02u\n", i % 31 + 1, i % 60);
    }
    assert_true(strcmp(first, want) == 0);
    free(want);
    free(first);
    free(text);
    fixture_close(&f);
}

static void test_lowest_line_wins(void **state)
{
    (void)state;
    fixture f;
    size_t  bytes;
    char   *text = many_rows(400000, &bytes);
    fixture_open(&f, "a bigint not null, b text, c timestamp");
    /* Spoil the first digit of several rows; the first of them is reported whatever runs when. */
    uint32_t line = 1, wanted = 0;
    for (char *p = text; p < text + bytes; p++) {
        if (line % 90001 == 0 && p[-1] == '\n') {
            *p = 'x';
            wanted = wanted ? wanted : line;
        }
        line += *p == '\n';
    }
    for (int threads = 1; threads <= 4; threads++) {
        char prefix[64];
        f.job.threads = threads;
        assert_int_equal(fixture_load_step(&f, text, bytes, SIZE_MAX), QN_ERROR);
        snprintf(prefix, sizeof prefix, "COPY t, line %u, column a: ", wanted);
        assert_int_equal(strncmp(f.err.detail, prefix, strlen(prefix)), 0);
    }
    free(text);
    fixture_close(&f);
}

static void test_long_records(void **state)
{
    (void)state;
    fixture f;
    size_t  n = 9u << 20; /* more than two chunks */
    char   *text = malloc(n + 64), *p = text;
    fixture_open(&f, "a integer, b text");
    p += sprintf(p, "1\t");
    memset(p, 'y', n);
    p += n;
    p += sprintf(p, "\n2\tz\n");
    assert_int_equal(fixture_load_step(&f, text, (size_t)(p - text), 1 << 16), QN_OK);
    assert_int_equal(f.rows, 2);
    /* The chunk has grown for it, and is now full of lines that are too many to list. */
    size_t used = (size_t)(p - text), lines = 3000000;
    text = realloc(text, used + 4 * lines);
    for (size_t i = 0; i < lines; i++)
        memcpy(text + used + 4 * i, "3\ts\n", 4);
    assert_int_equal(fixture_load_step(&f, text, used + 4 * lines, SIZE_MAX), QN_OK);
    assert_int_equal(f.rows, 2 + lines);
    free(text);
    fixture_close(&f);
}

/* More short lines than a chunk has room to list: the rest waits in the next chunk, and must not pile up there until
 * whole files stand in memory. */
static ptrdiff_t short_lines(void *arg, void *buffer, size_t bytes)
{
    uint64_t *left = arg; /* bytes, even */
    size_t    n = bytes < *left ? bytes : (size_t)*left;
    for (size_t i = 0; i < n; i++)
        ((char *)buffer)[i] = (*left - i) % 2 ? '\n' : '7';
    *left -= n;
    return (ptrdiff_t)n;
}

static void test_short_lines_do_not_pile_up(void **state)
{
    (void)state;
    fixture        f;
    uint64_t       rows = 6000000, left = 2 * rows;
    qn_load_source source = {.read = short_lines, .arg = &left};
    fixture_open(&f, "a integer");
    f.job.threads = 2;
    assert_int_equal(fixture_run(&f, &source), QN_OK);
    assert_int_equal(f.rows, rows);
    uint64_t few = f.mem.peak_bytes;
    f.mem.peak_bytes = 0;
    left = 8 * rows; /* four times as many need no more */
    assert_int_equal(fixture_run(&f, &source), QN_OK);
    assert_int_equal(f.rows, 4 * rows);
    if (f.mem.peak_bytes > few + few / 4)
        fail_msg("%llu bytes for %llu lines, %llu for four times as many", (unsigned long long)few,
                 (unsigned long long)rows, (unsigned long long)f.mem.peak_bytes);
    fixture_close(&f);
}

/* The limit of the memory itself, as SET quern.memory_limit has it: buffers, the encoder and what is read all keep to it. */
static void test_the_limit_of_the_memory(void **state)
{
    (void)state;
    fixture  f;
    size_t   bytes;
    uint32_t blocks = 0;
    char    *text = many_rows(300000, &bytes);
    for (int threads = 1; threads <= 4; threads += 3) {
        fixture_open(&f, "a bigint not null, b text, c timestamp");
        f.job.threads = threads;
        f.mem.limit_bytes = f.mem.used_bytes + (32 << 20);
        assert_int_equal(fixture_load_step(&f, text, bytes, SIZE_MAX), QN_OK);
        assert_int_equal(f.rows, 300000);
        qn_snapshot *s = qn_store_snapshot(f.store);
        assert_true(qn_catalog_table(s, "t")->block_count > 1);
        assert_true(threads == 1 || qn_catalog_table(s, "t")->block_count == blocks);
        blocks = qn_catalog_table(s, "t")->block_count;
        qn_snapshot_unref(s);
        fixture_close(&f);
    }
    free(text);
}

static void test_a_small_limit_makes_smaller_blocks(void **state)
{
    (void)state;
    fixture f;
    size_t  bytes;
    char   *text = many_rows(100000, &bytes);
    fixture_open(&f, "a bigint not null, b text, c timestamp");
    f.job.memory_limit_bytes = 6 << 20;
    assert_int_equal(fixture_load_step(&f, text, bytes, SIZE_MAX), QN_OK);
    assert_int_equal(f.rows, 100000);
    qn_snapshot *s = qn_store_snapshot(f.store);
    assert_true(qn_catalog_table(s, "t")->block_count > 1);
    assert_int_equal(qn_catalog_table(s, "t")->rows, 100000);
    qn_snapshot_unref(s);
    free(text);
    fixture_close(&f);
}

/* ---- files
 * ------------------------------------------------------------------------------------------------
 */

static char directory[] = "/tmp/quern-load-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static const char *put_file(const char *name, const void *data, size_t bytes)
{
    const char *path = path_of(name);
    FILE       *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(data, 1, bytes, out), bytes);
    fclose(out);
    return path;
}

static size_t gzip(const char *text, char *out, size_t room)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)strlen(text);
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t n = room - z.avail_out;
    deflateEnd(&z);
    return n;
}

static void test_missing_file_and_directory(void **state)
{
    (void)state;
    fixture f;
    char    message[400];
    fixture_open(&f, "a integer");
    assert_int_equal(fixture_load_file(&f, path_of("none.tsv")), QN_IO);
    snprintf(message, sizeof message,
             "could not open file \"%s\" for reading: No such file or directory",
             path_of("none.tsv"));
    assert_string_equal(f.err.message, message);
    assert_string_equal(f.err.sqlstate, "58P01");
    assert_int_not_equal(fixture_load_file(&f, directory), QN_OK);
    snprintf(message, sizeof message, "\"%s\" is a directory", directory);
    assert_string_equal(f.err.message, message);
    fixture_close(&f);
}

static void test_compressed(void **state)
{
    (void)state;
    fixture f;
    char    packed[1024];
    size_t  n;
    fixture_open(&f, "a integer, b text");
    put_file("a.tsv", "1\tx\n", 4);
    assert_int_equal(fixture_load_file(&f, path_of("a.tsv")), QN_OK);
    expect_rows(&f, "1|x\n");

    /* Two members, the second one begins in the middle of a row; zero padding behind them. */
    memset(packed, 0, sizeof packed);
    n = gzip("1\tx\n2", packed, 512);
    n += gzip("\ty\n", packed + n, 256);
    assert_int_equal(fixture_load_file(&f, put_file("a.gz", packed, n + 100)), QN_OK);
    expect_rows(&f, "1|x\n2|y\n");
    assert_int_not_equal(fixture_load_file(&f, put_file("cut.gz", packed, n - 9)), QN_OK);
    assert_non_null(strstr(f.err.message, "unexpected end of gzip data in file"));
    packed[n] = 'x';
    assert_int_not_equal(fixture_load_file(&f, put_file("junk.gz", packed, n + 9)), QN_OK);
    assert_non_null(strstr(f.err.message, "invalid gzip data in file"));
    packed[14] ^= 0x55;
    assert_int_not_equal(fixture_load_file(&f, put_file("bad.gz", packed, n)), QN_OK);
    assert_int_not_equal(fixture_load_file(&f, put_file("empty.gz", "", 0)), QN_OK);
    assert_string_equal(f.err.sqlstate, "22P04");

    n = ZSTD_compress(packed, 512, "1\tx\n2", 5, 3);
    n += ZSTD_compress(packed + n, 256, "\ty\n", 3, 3);
    assert_int_equal(fixture_load_file(&f, put_file("a.zst", packed, n)), QN_OK);
    expect_rows(&f, "1|x\n2|y\n");
    assert_int_not_equal(fixture_load_file(&f, put_file("cut.zst", packed, n - 2)), QN_OK);
    assert_non_null(strstr(f.err.message, "unexpected end of zstd data in file"));
    packed[n] = 'x';
    assert_int_not_equal(fixture_load_file(&f, put_file("junk.zst", packed, n + 1)), QN_OK);
    packed[3] ^= 1;
    assert_int_not_equal(fixture_load_file(&f, put_file("bad.zst", packed, n)), QN_OK);
    assert_non_null(strstr(f.err.message, "invalid zstd data in file"));
    fixture_close(&f);
}

static void test_errors_before_the_damage_come_first(void **state)
{
    (void)state;
    fixture f;
    char    packed[512];
    fixture_open(&f, "a integer");
    size_t n = gzip("x\n1\n", packed, sizeof packed);
    assert_int_not_equal(fixture_load_file(&f, put_file("both.gz", packed, n - 4)), QN_OK);
    assert_string_equal(f.err.message, "invalid input syntax for type integer: \"x\"");
    fixture_close(&f);
}

/* ---- cancel and faults
 * ----------------------------------------------------------------------------------------- */

static ptrdiff_t endless(void *arg, void *buffer, size_t bytes)
{
    int   *calls = arg;
    size_t n = bytes / 2 * 2;
    for (size_t i = 0; i < n; i += 2)
        memcpy((char *)buffer + i, "1\n", 2);
    (*calls)++;
    return (ptrdiff_t)n;
}

static void test_cancel(void **state)
{
    (void)state;
    fixture      f;
    _Atomic bool cancel = true;
    int          calls = 0;
    fixture_open(&f, "a integer");
    f.job.cancel = &cancel;
    qn_load_source source = {.read = endless, .arg = &calls};
    assert_int_equal(fixture_run(&f, &source), QN_INTERRUPTED);
    assert_string_equal(f.err.sqlstate, "57014");
    fixture_close(&f);
}

static bool refuse(void *arg, double fraction)
{
    int *calls = arg;
    assert_true(fraction < 0); /* a callback has no size */
    return ++*calls < 2;
}

static void test_progress_may_stop(void **state)
{
    (void)state;
    fixture f;
    int     calls = 0, polls = 0;
    fixture_open(&f, "a integer");
    f.job.progress = refuse;
    f.job.progress_arg = &polls;
    f.job.threads = 2;
    qn_load_source source = {.read = endless, .arg = &calls};
    assert_int_equal(fixture_run(&f, &source), QN_INTERRUPTED);
    assert_true(polls >= 2);
    fixture_close(&f);
}

static ptrdiff_t broken(void *arg, void *buffer, size_t bytes)
{
    int *calls = arg;
    if (++*calls > 1)
        return -1;
    QN_CHECK(bytes >= 2);
    memcpy(buffer, "1\n", 2);
    return 2;
}

static bool give_up(void *arg, double fraction)
{
    (void)arg, (void)fraction;
    return false;
}

static void write_late(void *arg)
{
    const char *path = arg;
    usleep(120000); /* the load has been waiting for a writer */
    FILE *out = fopen(path, "wb");
    for (int i = 0; i < 3; i++) {
        fprintf(out, "%d\n", i);
        fflush(out);
        usleep(30000);
    }
    fclose(out);
}

/* A pipe that nobody writes to keeps nobody from canceling; with a writer, however slow, it is read to its end. */
static void test_pipes(void **state)
{
    (void)state;
    fixture     f;
    qn_thread   writer;
    const char *path = path_of("pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    fixture_open(&f, "a integer");
    f.job.progress = give_up;
    assert_int_not_equal(fixture_load_file(&f, path), QN_OK);
    assert_string_equal(f.err.sqlstate, "57014");
    f.job.progress = NULL;
    assert_int_equal(qn_thread_start(&writer, 0, write_late, (void *)(uintptr_t)path, NULL), QN_OK);
    assert_int_equal(fixture_load_file(&f, path), QN_OK);
    qn_thread_join(writer);
    expect_rows(&f, "0\n1\n2\n");
    assert_int_equal(fixture_load_file(&f, "/dev/null"), QN_OK);
    assert_int_equal(f.rows, 0);
    assert_int_equal(unlink(path), 0);
    fixture_close(&f);
}

static void test_callback_failure(void **state)
{
    (void)state;
    fixture f;
    int     calls = 0;
    fixture_open(&f, "a integer");
    qn_load_source source = {.read = broken, .arg = &calls};
    assert_int_equal(fixture_run(&f, &source), QN_IO);
    assert_string_equal(f.err.sqlstate, "58030");
    fixture_close(&f);
}

static void test_every_allocation_fails_once(void **state)
{
    (void)state;
    fixture f;
    char    packed[512];
    fixture_open(&f, "a integer, b text, c numeric");
    f.job.threads = 2;
    size_t n = gzip("1\ta string that is not inline\t1.5\n\\N\t\\x41 and more of it, escaped\t2\n",
                    packed, 512);
    const char *path = put_file("fault.gz", packed, n);
    for (f.fail_nth = 1;; f.fail_nth++) {
        qn_status st = fixture_load_file(&f, path);
        if (st != QN_OK) {
            assert_int_equal(st, QN_NOMEM);
            assert_string_equal(f.err.sqlstate, "53200");
            expect_rows(&f, ""); /* nothing is left of a failed load */
            continue;
        }
        /* Trying again may get over a refusal, but then everything must be there. */
        expect_rows(&f, "1|a string that is not inline|1.5\n~|A and more of it, escaped|2\n");
        if (!f.failed)
            break;
        uint64_t n_th = f.fail_nth;
        f.fail_nth = 0;
        expect_load(&f, "", "");
        f.fail_nth = n_th;
    }
    fixture_close(&f);
}

static void test_every_file_call_fails_once(void **state)
{
    (void)state;
    fixture f;
    qn_vfs *fault;
    fixture_open(&f, "a integer, b text");
    const char *path = put_file("io.tsv", "1\tx\n2\ty\n", 8);
    assert_int_equal(qn_vfs_fault_new(&f.mem, qn_vfs_posix(), &fault, &f.err), QN_OK);
    f.env.vfs = fault;
    for (uint64_t k = 1;; k++) {
        qn_vfs_fault_plan(fault,
                          (qn_fault_plan){.op = -1, .nth = k, .effect = QN_FAULT_EIO, .seed = k});
        qn_status st = fixture_load_file(&f, path);
        if (!qn_vfs_fault_hit(fault)) {
            assert_int_equal(st, QN_OK);
            break;
        }
        assert_int_equal(st, QN_IO);
    }
    expect_rows(&f, "1|x\n2|y\n");
    f.env.vfs = qn_vfs_posix();
    qn_vfs_fault_free(fault);
    fixture_close(&f);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    static const char *const names[] = {"a.tsv",    "a.gz",     "cut.gz",  "junk.gz",  "bad.gz",
                                        "empty.gz", "a.zst",    "cut.zst", "junk.zst", "bad.zst",
                                        "both.gz",  "fault.gz", "io.tsv"};
    for (size_t i = 0; i < QN_COUNTOF(names); i++)
        unlink(path_of(names[i]));
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_values),
        cmocka_unit_test(test_text_escapes),
        cmocka_unit_test(test_text_end_marker),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_field_count),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_bytes_that_are_no_text),
        cmocka_unit_test(test_long_values_are_cut_in_messages),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_csv_escape),
        cmocka_unit_test(test_csv_null),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_threads_make_the_same_blocks),
        cmocka_unit_test(test_lowest_line_wins),
        cmocka_unit_test(test_long_records),
        cmocka_unit_test(test_a_small_limit_makes_smaller_blocks),
        cmocka_unit_test(test_the_limit_of_the_memory),
        cmocka_unit_test(test_missing_file_and_directory),
        cmocka_unit_test(test_compressed),
        cmocka_unit_test(test_errors_before_the_damage_come_first),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_progress_may_stop),
        cmocka_unit_test(test_callback_failure),
        cmocka_unit_test(test_pipes),
        cmocka_unit_test(test_no_columns),
        cmocka_unit_test(test_short_lines_do_not_pile_up),
        cmocka_unit_test(test_every_allocation_fails_once),
        cmocka_unit_test(test_every_file_call_fails_once),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
