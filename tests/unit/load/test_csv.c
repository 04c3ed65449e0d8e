/* CSV files that are read without loading: what the sniffer makes of them, and what the reader reads. */
#include "load_fixture.h"

#include "load/csv.h"
#include "load/files.h"

typedef struct world { /* files in memory */
    qn_mem         mem;
    qn_vfs        *vfs;
    qn_env         env;
    qn_arena       arena;
    qn_csv_options options;
    qn_error       err;
    qn_buf         text; /* what the last step said */
} world;

static void world_open(world *w)
{
    memset(w, 0, sizeof *w);
    qn_mem_init(&w->mem, NULL, 0);
    assert_int_equal(qn_vfs_memory_new(&w->mem, &w->vfs, &w->err), QN_OK);
    w->env = (qn_env){.mem = &w->mem, .vfs = w->vfs, .clock = qn_clock_system()};
    qn_arena_init(&w->arena, &w->mem);
    qn_buf_init(&w->text, &w->mem);
}

static void world_close(world *w)
{
    qn_buf_deinit(&w->text);
    qn_arena_deinit(&w->arena);
    qn_vfs_memory_free(w->vfs);
    qn_mem_deinit(&w->mem);
}

static void write_bytes(world *w, const char *path, const char *text, size_t bytes)
{
    qn_file *file;
    assert_int_equal(w->vfs->open(w->vfs, path, QN_OPEN_TRUNCATE, &file, &w->err), QN_OK);
    assert_int_equal(w->vfs->write(w->vfs, file, 0, text, bytes, &w->err), QN_OK);
    w->vfs->close(w->vfs, file);
}

static void write_text(world *w, const char *path, const char *text) { write_bytes(w, path, text, strlen(text)); }

/* ---- one value ------------------------------------------------------------------------------- */

static void test_what_a_value_may_be(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        const char *type; /* the narrowest */
    } cases[] = {
        {"1", "integer"},         {"-2147483648", "integer"}, {"2147483648", "bigint"},
        {"9223372036854775807", "bigint"}, {"9223372036854775808", "numeric"}, {"-9223372036854775808", "bigint"},
        {"99999999999999999999", "numeric"}, {"0", "integer"}, {"-0", "integer"}, {"007", "text"}, {"+1", "text"},
        {"1.5", "numeric"},       {".5", "numeric"},      {"5.", "numeric"},     {"-.5", "numeric"}, {".", "text"},
        {"-", "text"},            {"1e5", "double precision"}, {"1.5E-300", "double precision"}, {"1e999", "text"},
        {"1e", "text"},           {"1,5", "text"},        {"1 000", "text"},     {"nan", "double precision"},
        {"-Infinity", "double precision"}, {"inf", "text"}, {"true", "boolean"}, {"FALSE", "boolean"}, {"t", "text"},
        {"yes", "text"},          {"2024-02-29", "date"}, {"2023-02-29", "text"}, {"2024/1/5", "date"},
        {"2024.01.05", "text"},   {"2024-1/5", "text"},   {"31.12.2024", "date"}, {"12/31/2024", "date"},
        {"31/12/2024", "date"},   {"32/12/2024", "text"}, {"1/2/24", "text"},    {"2024-01-05 10:11", "timestamp without time zone"},
        {"2024-01-05T10:11:12", "timestamp without time zone"}, {"2024-01-05 24:00:00", "text"},
        {"31.12.2024 23:59:59.999999", "timestamp without time zone"}, {"31.12.2024T23:59:59", "text"},
        {"2024-01-05T10:11:12Z", "timestamp with time zone"}, {"2024-01-05 10:11:12.5+02", "timestamp with time zone"},
        {"2024-01-05 10:11:12-0530", "timestamp with time zone"}, {"2024-01-05 10:11:12+25", "text"},
        {"10:11:12", "text"},     {"", "text"},           {"   ", "text"},       {" 42 ", "integer"}, {"12abc", "text"},
        {"0x1f", "text"},         {"1_000", "text"},      {"0000-01-01", "text"}, {"2024-01-05x", "text"},
    };
    qn_mem   mem;
    qn_arena arena;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char      *s = cases[i].value;
        bool             day_first;
        uint32_t         guess = qn_csv_guess_of(s, strlen(s));
        qn_type          type = qn_csv_guess_type(guess, true, &day_first);
        qn_text_settings set = {.extra_float_digits = 1};
        qn_error         err = {0};
        qn_datum         v;
        if (strcmp(qn_type_name((qn_sql_type)type.id), cases[i].type) != 0)
            print_message("%s\n", s);
        assert_string_equal(qn_type_name((qn_sql_type)type.id), cases[i].type);
        /* and the type's input function takes it */
        if (!day_first)
            assert_int_equal(qn_value_parse(type, s, strlen(s), &set, &arena, &v, &err), QN_OK);
    }
    qn_arena_deinit(&arena);
    qn_mem_deinit(&mem);
}

/* ---- the sniffer ----------------------------------------------------------------------------- */

/* "delimiter quote escape header: name type, …" */
static const char *sniff(world *w, const char *text)
{
    const qn_files  *files;
    qn_csv_shape     shape;
    qn_files_request request = {.kind = QN_FILES_CSV, .pattern = "f.csv", .csv = w->options};

    qn_error_clear(&w->err);
    qn_buf_clear(&w->text);
    write_bytes(w, "f.csv", text, strlen(text));
    if (qn_files_describe(&w->env, &request, &w->arena, &files, &w->err) != QN_OK) {
        qn_buf_printf(&w->text, "%s: %s", w->err.sqlstate, w->err.message);
        return w->text.data;
    }
    assert_int_equal(qn_csv_sniff(&w->env, "f.csv", &w->options, &w->arena, &shape, &w->err), QN_OK);
    qn_buf_printf(&w->text, "%c%c%c%s", shape.options.delimiter == '\t' ? 'T' : shape.options.delimiter,
                  shape.options.quote ? shape.options.quote : '0', shape.options.escape ? shape.options.escape : '0',
                  shape.options.header ? " header:" : ":");
    for (uint32_t c = 0; c < files->column_count; c++)
        qn_buf_printf(&w->text, "%s %s %s", c ? "," : "", files->columns[c].name,
                      qn_type_name((qn_sql_type)files->columns[c].type.id));
    return w->text.data;
}

static void test_dialects(void **state)
{
    (void)state;
    world w;
    world_open(&w);
    assert_string_equal(sniff(&w, "a,b\n1,x\n2,y\n"), ",\"\" header: a integer, b text");
    assert_string_equal(sniff(&w, "a\tb\n1\tx\n2\ty\n"), "T\"\" header: a integer, b text");
    assert_string_equal(sniff(&w, "a;b;c\r\n1;x;2.5\r\n2;y;3\r\n"), ";\"\" header: a integer, b text, c numeric");
    assert_string_equal(sniff(&w, "a|b\r1|x\r2|y\r"), "|\"\" header: a integer, b text");
    /* Decimal commas do not make it a comma file. */
    assert_string_equal(sniff(&w, "x;y;z\n1,5;2,5;3,5\n4,5;5,5;6,5\n"), ";\"\" header: x text, y text, z text");
    /* Text with commas in few rows, fields divided by tabs. */
    assert_string_equal(sniff(&w, "n\ttext\n1\tone, two\n2\tthree\n3\tfour, five, six\n"), "T\"\" header: n integer, text text");
    /* Delimiters inside quotes are none. */
    assert_string_equal(sniff(&w, "a,b\n\"1;2;3\",\"x;y;z\"\n\"4;5;6\",\"u;v;w\"\n"), ",\"\" header: a text, b text");
    assert_string_equal(sniff(&w, "a,b\n'x, y',1\n'z, u',2\n"), ",'' header: a text, b integer");
    assert_string_equal(sniff(&w, "a,b\n\"say \\\"x, y\\\"\",1\n\"say \\\"z\\\"\",2\n"), ",\"\\ header: a text, b integer");
    assert_string_equal(sniff(&w, "a,b\n\"say \"\"x, y\"\"\",1\n\"say \"\"z\"\"\",2\n"), ",\"\" header: a text, b integer");
    /* Inches: quotes that never close a field. */
    assert_string_equal(sniff(&w, "part\tsize\npipe\t5\"\nrod\t6\" or 7\nbar\t8\" long\n"), "T00 header: part text, size text");
    /* Apostrophes are no quotes. */
    assert_string_equal(sniff(&w, "a,b\ndon't,1\nO'Neil,2\n"), ",\"\" header: a text, b integer");
    /* A quoted line break, and rows that are long. */
    assert_string_equal(sniff(&w, "id,note\n1,\"two\nlines, and\n\nmore\"\n2,\"x\"\n"), ",\"\" header: id integer, note text");
    world_close(&w);
}

static void test_one_column(void **state)
{
    (void)state;
    world w;
    world_open(&w);
    assert_string_equal(sniff(&w, "id\n1\n2\n"), ",\"\" header: id integer");
    assert_string_equal(sniff(&w, "1\n2\n3\n"), ",\"\": column1 integer");
    /* Prose is one column. */
    assert_string_equal(sniff(&w, "first line\nIt was, as they say, late.\nNo; not yet.\nThe end\n"), ",\"\" header: first line text");
    world_close(&w);
}

static void test_headers(void **state)
{
    (void)state;
    world w;
    world_open(&w);
    assert_string_equal(sniff(&w, "1,x\n2,y\n"), ",\"\": column1 integer, column2 text");
    /* All text: a first line that does not come again is taken for names. */
    assert_string_equal(sniff(&w, "name,city\nBob,Paris\nAnn,Rome\n"), ",\"\" header: name text, city text");
    assert_string_equal(sniff(&w, "Bob,Paris\nAnn,Rome\nBob,Oslo\n"), ",\"\": column1 text, column2 text");
    /* Years are no names. */
    assert_string_equal(sniff(&w, "2019,2020\n1,2\n"), ",\"\": column1 integer, column2 integer");
    /* A column without a name, as an index has. */
    assert_string_equal(sniff(&w, ",x,y\n0,1.5,a\n1,2.5,b\n"), ",\"\" header: column1 integer, x numeric, y text");
    assert_string_equal(sniff(&w, "x,x,\" x \",x_1\n1,2,3,4\n"), ",\"\" header: x integer, x_1 integer, x_2 integer, x_1_1 integer");
    assert_string_equal(sniff(&w, "a,b\n"), ",\"\" header: a text, b text");
    assert_string_equal(sniff(&w, "\xEF\xBB\xBF" "a,b\n1,2\n"), ",\"\" header: a integer, b integer");
    w.options.has_header = true;
    assert_string_equal(sniff(&w, "name,n\nBob,1\n"), ",\"\": column1 text, column2 text");
    w.options.header = true;
    assert_string_equal(sniff(&w, "2019,2020\n1,2\n"), ",\"\" header: 2019 integer, 2020 integer");
    w.options = (qn_csv_options){0};
    /* 64 bytes are one too many for a name; it is cut between characters. */
    assert_string_equal(sniff(&w, "n,0123456789012345678901234567890123456789012345678901234567890éx\n1,2\n"),
                        ",\"\" header: n integer, 0123456789012345678901234567890123456789012345678901234567890é integer");
    assert_string_equal(sniff(&w, "n,01234567890123456789012345678901234567890123456789012345678901éx\n1,2\n"),
                        ",\"\" header: n integer, 01234567890123456789012345678901234567890123456789012345678901 integer");
    world_close(&w);
}

static void test_types(void **state)
{
    (void)state;
    world w;
    world_open(&w);
    assert_string_equal(sniff(&w, "a,b,c,d\n1,1,1,true\n3000000000,1.5,1e3,false\n,,,\n"),
                        ",\"\" header: a bigint, b numeric, c double precision, d boolean");
    /* What two values have in common. */
    assert_string_equal(sniff(&w, "a,b,c\n1,true,2024-01-01\nx,1,2024-01-01 10:00\n"),
                        ",\"\" header: a text, b text, c timestamp without time zone");
    /* 04/05 is settled by 31/12. */
    assert_string_equal(sniff(&w, "a,b,c\n04/05/2024,04/05/2024,04/05/2024\n31/12/2024,12/31/2024,01/02/2024\n"),
                        ",\"\" header: a date, b date, c date");
    assert_string_equal(sniff(&w, "a,b\n31/12/2024,1\n12/31/2024,2\n"), ",\"\" header: a text, b integer");
    assert_string_equal(sniff(&w, "a,b\n2024-01-01T00:00:00Z,1\n2024-01-01 00:00:00+02:00,2\n"),
                        ",\"\" header: a timestamp with time zone, b integer");
    /* Quoted numbers are numbers, quoted nothing too. */
    assert_string_equal(sniff(&w, "a,b\n\"1\",\"x\"\n\"\",\"\"\n\"3\",\"y\"\n"), ",\"\" header: a integer, b text");
    assert_string_equal(sniff(&w, "zip,n\n01234,1\n99999,2\n"), ",\"\" header: zip text, n integer");
    assert_string_equal(sniff(&w, "a,b\n,1\n,2\n"), ",\"\" header: a text, b integer");
    w.options.has_null = true;
    w.options.null_text = "NA";
    assert_string_equal(sniff(&w, "a,b\nNA,1\n2,NA\n"), ",\"\" header: a integer, b integer");
    w.options = (qn_csv_options){.all_text = true};
    assert_string_equal(sniff(&w, "a,b\n1,2\n"), ",\"\" header: a text, b text");
    w.options = (qn_csv_options){.sample_rows = 1};
    assert_string_equal(sniff(&w, "a,b\n1,1\n2,x\n"), ",\"\" header: a bigint, b bigint");
    w.options.sample_rows = UINT64_MAX;
    assert_string_equal(sniff(&w, "a,b\n1,1\n2,x\n"), ",\"\" header: a integer, b text");
    world_close(&w);
}

static void test_odd_files(void **state)
{
    (void)state;
    world w;
    world_open(&w);
    assert_string_equal(sniff(&w, ""), "22P04: file \"f.csv\" is empty: it has no columns");
    assert_string_equal(sniff(&w, "\n\n\n"), "22P04: file \"f.csv\" is empty: it has no columns");
    assert_string_equal(sniff(&w, "\xEF\xBB\xBF"), "22P04: file \"f.csv\" is empty: it has no columns");
    assert_string_equal(sniff(&w, "\xFF\xFE" "a"), "22021: file \"f.csv\" is UTF-16, not UTF-8");
    assert_string_equal(sniff(&w, "a,b\xff\n1,2\n"), "22021: invalid byte sequence for encoding \"UTF8\": 0xff");
    assert_string_equal(sniff(&w, "\n\na,b\n\n1,2\n\n"), ",\"\" header: a integer, b integer");
    assert_string_equal(sniff(&w, "a"), ",\"\" header: a text");
    assert_string_equal(sniff(&w, "\"unterminated"), "22P04: unterminated CSV quoted field");
    /* Ragged rows: the table is found all the same, and reading says which line is wrong. */
    assert_string_equal(sniff(&w, "a,b,c\n1,2,3\n4,5\n6,7,8\n9,10,11\n"), ",\"\" header: a integer, b integer, c integer");
    world_close(&w);
}

/* ---- the reader ------------------------------------------------------------------------------ */

/* All rows of the files, read part by part in this order of parts; columns NULL: all. */
static qn_status read_rows(world *w, const char *pattern, bool backwards, const uint32_t *wanted, uint32_t count)
{
    qn_status         st = QN_OK;
    const qn_files   *files;
    qn_reader        *reader = NULL;
    qn_reader_cursor *cursor = NULL;
    qn_files_request  request = {.kind = QN_FILES_CSV, .pattern = pattern, .csv = w->options};
    qn_text_settings  set = {.extra_float_digits = 1};
    uint32_t          all[16];
    qn_buf           *parts = NULL;
    uint64_t          part_count = 0;

    for (uint32_t i = 0; i < 16; i++)
        all[i] = i;
    qn_error_clear(&w->err);
    qn_buf_clear(&w->text);
    QN_TRY(qn_files_describe(&w->env, &request, &w->arena, &files, &w->err));
    QN_TRY(qn_files_open(&w->env, files, &reader, &w->err));
    if (!wanted) {
        wanted = all;
        count = reader->column_count;
    }
    part_count = reader->part_count;
    parts = calloc(part_count + 1, sizeof *parts);
    for (uint64_t p = 0; p < part_count; p++)
        qn_buf_init(&parts[p], &w->mem);
    for (uint64_t k = 0; k < part_count; k++) {
        uint64_t         p = backwards ? part_count - 1 - k : k;
        qn_reader_vector v[16];
        uint32_t         n;
        if (!cursor)
            QN_TRY(reader->ops->cursor_open(reader, p, wanted, count, &w->mem, &cursor, &w->err));
        else
            QN_TRY(reader->ops->cursor_move(cursor, p, &w->err));
        for (;;) {
            QN_TRY(reader->ops->cursor_next(cursor, v, &n, &w->err));
            if (!n)
                break;
            assert_true(n <= 2048);
            for (uint32_t i = 0; i < n; i++) {
                for (uint32_t c = 0; c < count; c++) {
                    qn_type  type = reader->columns[wanted[c]].type;
                    qn_datum d;
                    if (c)
                        qn_buf_putc(&parts[p], '|');
                    if (v[c].nulls && v[c].nulls[i / 64] >> (i % 64) & 1) {
                        qn_buf_putc(&parts[p], '~');
                        continue;
                    }
                    qn_bank_get(qn_type_bank((qn_sql_type)type.id), v[c].data, i, &d);
                    qn_value_print(type, &d, &set, &parts[p]);
                }
                qn_buf_putc(&parts[p], '\n');
            }
        }
    }
    for (uint64_t p = 0; p < part_count; p++)
        qn_buf_add(&w->text, parts[p].data ? parts[p].data : "", parts[p].bytes);
    if (!w->text.data)
        qn_buf_puts(&w->text, "");
done:
    for (uint64_t p = 0; p < part_count; p++)
        qn_buf_deinit(&parts[p]);
    free(parts);
    if (cursor)
        reader->ops->cursor_close(cursor);
    if (reader)
        reader->ops->close(reader);
    return st;
}

static void expect(world *w, const char *text, const char *rows)
{
    write_bytes(w, "f.csv", text, strlen(text));
    qn_status st = read_rows(w, "f.csv", false, NULL, 0);
    if (st != QN_OK)
        print_message("%s %s\n%s\n", w->err.sqlstate, w->err.message, w->err.detail);
    assert_int_equal(st, QN_OK);
    assert_string_equal(w->text.data, rows);
}

static void expect_failure(world *w, const char *text, const char *sqlstate, const char *message, const char *detail,
                           const char *hint)
{
    write_bytes(w, "f.csv", text, strlen(text));
    assert_int_not_equal(read_rows(w, "f.csv", false, NULL, 0), QN_OK);
    assert_string_equal(w->err.message, message);
    assert_string_equal(w->err.sqlstate, sqlstate);
    assert_string_equal(w->err.detail, detail);
    assert_non_null(strstr(w->err.hint, hint));
}

static void test_rows(void **state)
{
    (void)state;
    world w;
    world_open(&w);
    expect(&w, "a,b,c\n1,x,2024-01-05\n,,\n3,\"y, z\",2024-02-06", "1|x|2024-01-05\n~|~|~\n3|y, z|2024-02-06\n");
    /* Quoted nothing is empty text, and no number. */
    expect(&w, "a,b\n\"1\",\"\"\n\"\",\"x\"\n", "1|\n~|x\n");
    w.options = (qn_csv_options){.has_null = true, .null_text = "NA"}; /* and so with another marker */
    expect(&w, "a,b\n1,NA\n,\n\"NA\",\"NA\"\nNA,x\n", "1|~\n~|\n~|NA\n~|x\n");
    w.options = (qn_csv_options){0};
    /* Empty lines are no rows, but for a file of one column. */
    expect(&w, "\na,b\n\n1,2\n\n\n3,4\n\n", "1|2\n3|4\n");
    expect(&w, "a\n1\n\n2\n", "1\n~\n2\n");
    expect(&w, "a,b\n04/05/2024,31.12.2024 10:11\n05/06/2024,1.2.2024 00:00:00.5\n31/12/2024,05.06.2024 01:02:03\n",
           "2024-05-04|2024-12-31 10:11:00\n2024-06-05|2024-02-01 00:00:00.5\n2024-12-31|2024-06-05 01:02:03\n");
    expect(&w, "a,b\n04/05/2024,1\n12/31/2024,2\n", "2024-04-05|1\n2024-12-31|2\n");
    expect(&w, "\xEF\xBB\xBF" "a,b\r\n1,2\r\n", "1|2\n");
    expect(&w, "a,b\n1,\"line\nbreak\"\n", "1|line\nbreak\n");
    /* A marker alone on a line ends the data, as for COPY. */
    expect(&w, "a,b\n1,2\n\\.\n3,4\n", "1|2\n");
    /* Some columns, none at all. */
    uint32_t last[] = {2};
    write_text(&w, "f.csv", "a,b,c\n1,2,3\n4,5,6\n");
    assert_int_equal(read_rows(&w, "f.csv", false, last, 1), QN_OK);
    assert_string_equal(w.text.data, "3\n6\n");
    assert_int_equal(read_rows(&w, "f.csv", false, last, 0), QN_OK);
    assert_string_equal(w.text.data, "\n\n");
    world_close(&w);
}

static void test_errors(void **state)
{
    (void)state;
    world w;
    world_open(&w);
    expect_failure(&w, "a,b,c\n1,2,3\n4,5\n6,7,8\n9,10,11\n", "22P04", "missing data for column \"c\"",
                   "file \"f.csv\", line 3: \"4,5\"", "delim => ',', quote => '\"', escape => '\"', header => true");
    expect_failure(&w, "a;b\n1;2\n3;4\n5;6;7\n", "22P04", "extra data after last expected column",
                   "file \"f.csv\", line 4: \"5;6;7\"", "delim => ';'");
    expect_failure(&w, "a\tb\n1\t2\n3\t4\n5\t6\t7\n", "22P04", "extra data after last expected column",
                   "file \"f.csv\", line 4: \"5\t6\t7\"", "delim => E'\\t'");
    expect_failure(&w, "a,b\n1,x\n2,\"open\n3,y\n", "22P04", "unterminated CSV quoted field",
                   "file \"f.csv\", line 5: \"2,\"open\n3,y\n\"", "quote => '\"'");
    w.options.sample_rows = 2;
    expect_failure(&w, "a,b\n1,x\n2,y\nthree,z\n", "22P02", "invalid input syntax for type bigint: \"three\"",
                   "file \"f.csv\", line 4, column a: \"three\"", "all_varchar => true");
    expect_failure(&w, "a,b\n31.12.2024,x\n30.12.2024,y\n32.12.2024,z\n", "22008",
                   "date/time field value out of range: \"12/32/2024\"", "file \"f.csv\", line 4, column a: \"32.12.2024\"",
                   "sample_size => -1");
    expect_failure(&w, "a,b\n1,2\n3,4\n5,\xff\n", "22021", "invalid byte sequence for encoding \"UTF8\": 0xff",
                   "file \"f.csv\", line 4", "");
    expect_failure(&w, "a,b\n1,2\n3,4\r\n", "22P04", "unquoted carriage return found in data", "file \"f.csv\", line 3", "quoted");
    world_close(&w);
}

/* Records that cross parts: long ones, quoted line breaks just there, and parts without any record. */
static void make_large(world *w, qn_buf *csv, qn_buf *rows, uint64_t seed)
{
    qn_random r;
    qn_random_seed(&r, seed);
    qn_buf_clear(csv);
    qn_buf_clear(rows);
    qn_buf_puts(csv, "id,text,n\n");
    for (int i = 0; csv->bytes < (size_t)5 << 20; i++) {
        size_t      bytes = qn_random_below(&r, 1000) ? qn_random_below(&r, 300) : qn_random_below(&r, 2 << 20);
        const char *unit = qn_random_below(&r, 2) ? "line\nbreak, " : "\"\"x\"\"\r\n";
        qn_buf_printf(csv, "%d,\"", i);
        qn_buf_printf(rows, "%d|", i);
        for (size_t k = 0; k < bytes; k += strlen(unit)) {
            qn_buf_puts(csv, unit);
            qn_buf_puts(rows, unit[0] == 'l' ? unit : "\"x\"\r\n");
        }
        qn_buf_printf(csv, "\",%d\n", i % 10);
        qn_buf_printf(rows, "|%d\n", i % 10);
    }
    write_bytes(w, "f.csv", csv->data, csv->bytes);
}

static void test_parts(void **state)
{
    (void)state;
    world  w;
    qn_buf csv, rows;
    world_open(&w);
    qn_buf_init(&csv, &w.mem);
    qn_buf_init(&rows, &w.mem);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        make_large(&w, &csv, &rows, seed);
        for (int backwards = 0; backwards < 2; backwards++) {
            qn_status st = read_rows(&w, "f.csv", backwards, NULL, 0);
            if (st != QN_OK)
                print_message("%s %s\n%s\n", w.err.sqlstate, w.err.message, w.err.detail);
            assert_int_equal(st, QN_OK);
            assert_true(w.text.bytes == rows.bytes && memcmp(w.text.data, rows.data, rows.bytes) == 0);
        }
    }
    qn_buf_deinit(&csv);
    qn_buf_deinit(&rows);
    world_close(&w);
}

static void test_several_files(void **state)
{
    (void)state;
    world w;
    world_open(&w);
    write_text(&w, "a1.csv", "a,b\n1,x\n2,y\n");
    write_text(&w, "a2.csv", "");
    write_text(&w, "a3.csv", "a,b\n3000000000,\n"); /* makes the column bigint in all */
    write_text(&w, "a4.csv", "a,b\n");
    write_text(&w, "a5.csv", "a,b\r\n5,z\r\n");
    assert_int_equal(read_rows(&w, "a*.csv", false, NULL, 0), QN_OK);
    assert_string_equal(w.text.data, "1|x\n2|y\n3000000000|~\n5|z\n");
    write_text(&w, "a6.csv", "a,c\n6,x\n");
    assert_int_equal(read_rows(&w, "a*.csv", false, NULL, 0), QN_ERROR);
    assert_string_equal(w.err.message, "column 2 of file \"a6.csv\" is \"c\", but that of \"a1.csv\" is \"b\"");
    write_text(&w, "a6.csv", "a\n6\n");
    assert_int_equal(read_rows(&w, "a*.csv", false, NULL, 0), QN_ERROR);
    assert_string_equal(w.err.message, "file \"a6.csv\" has 1 columns, but \"a1.csv\" has 2");
    assert_int_equal(read_rows(&w, "a2.csv", false, NULL, 0), QN_ERROR);
    assert_int_equal(read_rows(&w, "b*.csv", false, NULL, 0), QN_IO);
    assert_string_equal(w.err.message, "no file matches \"b*.csv\"");
    world_close(&w);
}

/* What lies between binding and running. */
static void test_files_that_change(void **state)
{
    (void)state;
    world            w;
    const qn_files  *files;
    qn_reader       *reader;
    bool             current;
    qn_files_request request = {.kind = QN_FILES_CSV, .pattern = "f*.csv"};
    world_open(&w);
    write_text(&w, "f1.csv", "a,b\n1,2\n");
    assert_int_equal(qn_files_describe(&w.env, &request, &w.arena, &files, &w.err), QN_OK);
    assert_int_equal(qn_files_current(&w.env, files, &current, &w.err), QN_OK);
    assert_true(current);
    write_text(&w, "f1.csv", "a,b\n1,2\n3,4\n"); /* it grew */
    assert_int_equal(qn_files_current(&w.env, files, &current, &w.err), QN_OK);
    assert_false(current);
    assert_int_equal(qn_files_open(&w.env, files, &reader, &w.err), QN_OK);
    assert_int_equal(reader->bytes, 12);
    reader->ops->close(reader);
    write_text(&w, "f2.csv", "a,b\n5,6\n"); /* another came */
    assert_int_equal(qn_files_open(&w.env, files, &reader, &w.err), QN_OK);
    assert_int_equal(reader->part_count, 2);
    reader->ops->close(reader);
    write_text(&w, "f1.csv", "a,b\n1,x\n3,4\n"); /* other types */
    assert_int_equal(qn_files_open(&w.env, files, &reader, &w.err), QN_ERROR);
    assert_string_equal(w.err.message, "column 2 of \"f*.csv\" changed while the statement was prepared");
    world_close(&w);
}

static void test_every_allocation_fails_once(void **state)
{
    (void)state;
    world w;
    world_open(&w);
    write_text(&w, "f1.csv", "a,b,c\n1,\"x\"\"y\",31.12.2024\n2,z,30.12.2024\n");
    write_text(&w, "f2.csv", "a,b,c\n3,a text of more than twelve bytes,\n");
    for (uint64_t n = 1;; n++) {
        qn_buf_clear(&w.text);
        qn_arena_reset(&w.arena);
        atomic_store(&w.mem.requests, 0);
        atomic_store(&w.mem.fail_at, n);
        uint64_t  before = atomic_load(&w.mem.used_bytes);
        qn_status st = read_rows(&w, "f*.csv", false, NULL, 0);
        bool      reached = atomic_load(&w.mem.requests) >= n;
        atomic_store(&w.mem.fail_at, 0);
        (void)before;
        if (!reached) {
            assert_int_equal(st, QN_OK);
            break;
        }
        if (st == QN_OK) /* refused to what this test collects */
            continue;
        if (st != QN_NOMEM)
            print_message("%d: %s %s\n", (int)n, w.err.sqlstate, w.err.message);
        assert_int_equal(st, QN_NOMEM);
    }
    assert_string_equal(w.text.data, "1|x\"y|2024-12-31\n2|z|2024-12-30\n3|a text of more than twelve bytes|~\n");
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_value_may_be),
        cmocka_unit_test(test_dialects),
        cmocka_unit_test(test_one_column),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_odd_files),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_several_files),
        cmocka_unit_test(test_files_that_change),
        cmocka_unit_test(test_every_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
