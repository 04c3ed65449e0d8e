/* Files that DuckDB wrote (scripts/gen-parquet.mjs): types, NULLs, codecs, versions, row groups. */
#include "parquet_fixture.h"

/* What is expected was compared with DuckDB's own output; 16-bit and wider integers grow when they are unsigned,
 * nanoseconds become whole microseconds. */
static void test_types(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    expect_file(&f, data_path("types.parquet"),
        "t|-3|0|0|0|0|60000|4000000000|18446744073709551600|0|0|0.00|0.0|0.000|-5.0000|1999-12-30|23:59:50.000001|1999-12-31 23:59:58.5|1969-12-31 23:59:58.999|1969-12-31 23:59:58.999999|2020-05-05 12:00:00+00||00:00:00|k0\n"
        "f|-2|1000|100000|10000000000|1|60001|4000000001|18446744073709551601|0.25|0.3333333333333333|1.25|1000.5|1000000000.250|9999999999999999999995.1250|1999-12-31|23:59:51.000001|1999-12-31 23:59:59.5|1969-12-31 23:59:59.999|1969-12-31 23:59:59.999999|2020-05-05 13:00:00+00|straße 1|1 mon 2 days 00:00:03|k1\n"
        "t|-1|2000|200000|20000000000|2|60002|4000000002|18446744073709551602|0.5|0.6666666666666666|2.50|2001.0|2000000000.500|19999999999999999999995.2500|2000-01-01|23:59:52.000001|2000-01-01 00:00:00.5|1970-01-01 00:00:00.999|1970-01-01 00:00:00.999999|2020-05-05 14:00:00+00|a string that is not short 2|2 mons 4 days 00:00:06|k0\n"
        "f|0|3000|300000|30000000000|3|60003|4000000003|18446744073709551603|0.75|1|3.75|3001.5|3000000000.750|29999999999999999999995.3750|2000-01-02|23:59:53.000001|2000-01-01 00:00:01.5|1970-01-01 00:00:01.999|1970-01-01 00:00:01.999999|2020-05-05 15:00:00+00||3 mons 6 days 00:00:09|k1\n"
        "t|1|4000|400000|40000000000|4|60004|4000000004|18446744073709551604|1|1.3333333333333333|5.00|4002.0|4000000001.000|39999999999999999999995.5000|2000-01-03|23:59:54.000001|2000-01-01 00:00:02.5|1970-01-01 00:00:02.999|1970-01-01 00:00:02.999999|2020-05-05 16:00:00+00|straße 4|4 mons 8 days 00:00:12|k0\n"
        "f|2|5000|500000|50000000000|5|60005|4000000005|18446744073709551605|1.25|1.6666666666666667|6.25|5002.5|5000000001.250|49999999999999999999995.6250|2000-01-04|23:59:55.000001|2000-01-01 00:00:03.5|1970-01-01 00:00:03.999|1970-01-01 00:00:03.999999|2020-05-05 17:00:00+00|a string that is not short 5|5 mons 10 days 00:00:15|k1\n"
        "t|3|6000|600000|60000000000|6|60006|4000000006|18446744073709551606|1.5|2|7.50|6003.0|6000000001.500|59999999999999999999995.7500|2000-01-05|23:59:56.000001|2000-01-01 00:00:04.5|1970-01-01 00:00:04.999|1970-01-01 00:00:04.999999|2020-05-05 18:00:00+00||6 mons 12 days 00:00:18|k0\n"
        "f|4|7000|700000|70000000000|7|60007|4000000007|18446744073709551607|1.75|2.3333333333333335|8.75|7003.5|7000000001.750|69999999999999999999995.8750|2000-01-06|23:59:57.000001|2000-01-01 00:00:05.5|1970-01-01 00:00:05.999|1970-01-01 00:00:05.999999|2020-05-05 19:00:00+00|straße 7|7 mons 14 days 00:00:21|k1\n");
    fixture_close(&f);
}

static void test_nulls(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    expect_file(&f, data_path("nulls.parquet"),
        "~|-3|0|~|0|0|~|4000000000|18446744073709551600|~|0|0.00|~|0.000|-5.0000|~|23:59:50.000001|1999-12-31 23:59:58.5|~|1969-12-31 23:59:58.999999|2020-05-05 12:00:00+00|~|00:00:00|k0\n"
        "f|-2|~|100000|10000000000|~|60001|4000000001|~|0.25|0.3333333333333333|~|1000.5|1000000000.250|~|1999-12-31|23:59:51.000001|~|1969-12-31 23:59:59.999|1969-12-31 23:59:59.999999|~|straße 1|1 mon 2 days 00:00:03|~\n"
        "t|~|2000|200000|~|2|60002|~|18446744073709551602|0.5|~|2.50|2001.0|~|19999999999999999999995.2500|2000-01-01|~|2000-01-01 00:00:00.5|1970-01-01 00:00:00.999|~|2020-05-05 14:00:00+00|a string that is not short 2|~|k0\n"
        "~|0|3000|~|30000000000|3|~|4000000003|18446744073709551603|~|1|3.75|~|3000000000.750|29999999999999999999995.3750|~|23:59:53.000001|2000-01-01 00:00:01.5|~|1970-01-01 00:00:01.999999|2020-05-05 15:00:00+00|~|3 mons 6 days 00:00:09|k1\n"
        "t|1|~|400000|40000000000|~|60004|4000000004|~|1|1.3333333333333333|~|4002.0|4000000001.000|~|2000-01-03|23:59:54.000001|~|1970-01-01 00:00:02.999|1970-01-01 00:00:02.999999|~|straße 4|4 mons 8 days 00:00:12|~\n"
        "f|~|5000|500000|~|5|60005|~|18446744073709551605|1.25|~|6.25|5002.5|~|49999999999999999999995.6250|2000-01-04|~|2000-01-01 00:00:03.5|1970-01-01 00:00:03.999|~|2020-05-05 17:00:00+00|a string that is not short 5|~|k1\n"
        "~|3|6000|~|60000000000|6|~|4000000006|18446744073709551606|~|2|7.50|~|6000000001.500|59999999999999999999995.7500|~|23:59:56.000001|2000-01-01 00:00:04.5|~|1970-01-01 00:00:04.999999|2020-05-05 18:00:00+00|~|6 mons 12 days 00:00:18|k0\n"
        "f|4|~|700000|70000000000|~|60007|4000000007|~|1.75|2.3333333333333335|~|7003.5|7000000001.750|~|2000-01-06|23:59:57.000001|~|1970-01-01 00:00:05.999|1970-01-01 00:00:05.999999|~|straße 7|7 mons 14 days 00:00:21|~\n");
    fixture_close(&f);
}

static void test_names_and_types(void **state)
{
    (void)state;
    static const char *const expected =
        "b boolean, i8 smallint, i16 smallint, i32 bigint, i64 bigint, u8 smallint, u16 integer, u32 bigint, "
        "u64 numeric(20,0), f32 real, f64 double precision, d4 numeric(4,2), d9 numeric(9,1), d18 numeric(18,3), "
        "d38 numeric(38,4), d date, t time without time zone, ts timestamp without time zone, "
        "ts_ms timestamp without time zone, ts_ns timestamp without time zone, tz timestamp with time zone, s text, "
        "iv interval, e text, ";
    fixture    f;
    qn_reader *r;
    qn_buf     text;
    char       name[64];
    fixture_open(&f);
    assert_int_equal(qn_parquet_open(&f.env, data_path("types.parquet"), &r, &f.err), QN_OK);
    assert_int_equal(r->rows, 8);
    assert_int_equal(r->part_count, 1);
    qn_buf_init(&text, &f.mem);
    for (uint32_t c = 0; c < r->column_count; c++)
        qn_buf_printf(&text, "%s %s, ", r->columns[c].name, qn_type_format(r->columns[c].type, name, sizeof name));
    assert_string_equal(text.data, expected);
    qn_buf_deinit(&text);
    r->ops->close(r);
    fixture_close(&f);
}

/* The query `rows` of gen-parquet.mjs. */
static void add_row(qn_buf *out, int i, int n)
{
    qn_buf_printf(out, "%d|", i);
    i % 5 ? qn_buf_printf(out, "%d|", i % 7) : qn_buf_puts(out, "~|");
    i % 11 ? qn_buf_printf(out, "value %d|", i % 40) : qn_buf_puts(out, "~|");
    qn_buf_printf(out, "%g|%s\n", i / 8.0, i < n / 2 ? "~" : i % 2 ? "f" : "t");
}

/* Each codec, and version 2, where levels stay as they are and DuckDB uses the newer encodings. */
static void test_codecs(void **state)
{
    (void)state;
    static const char *const names[] = {"uncompressed.parquet", "snappy.parquet", "gzip.parquet",
                                        "zstd.parquet",         "lz4_raw.parquet", "v2.parquet"};
    fixture f;
    qn_buf  expected;
    fixture_open(&f);
    qn_buf_init(&expected, &f.mem);
    for (int i = 0; i < 300; i++)
        add_row(&expected, i, 300);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        f.batches = f.coded = 0;
        expect_file(&f, data_path(names[k]), expected.data);
        assert_int_equal(f.batches, 5);
        assert_true(f.coded >= 2); /* b and c have dictionaries, and they are handed on */
    }
    qn_buf_deinit(&expected);
    fixture_close(&f);
}

static void group_row(qn_buf *out, int i)
{
    i % 11 ? qn_buf_printf(out, "%d|value %d\n", i, i % 40) : qn_buf_printf(out, "%d|~\n", i);
}

/* Row groups are parts; each can be begun anywhere. */
static void test_groups(void **state)
{
    (void)state;
    static const uint64_t rows[] = {2048, 2048, 404}, skips[] = {0, 1, 63, 1000, 2047, 2048, 5000};
    static const uint32_t both[] = {0, 1};
    fixture        f;
    qn_reader     *r;
    qn_buf         expected, got;
    qn_reader_part info;
    int            first = 0;
    fixture_open(&f);
    qn_buf_init(&expected, &f.mem);
    qn_buf_init(&got, &f.mem);
    assert_int_equal(qn_parquet_open(&f.env, data_path("groups.parquet"), &r, &f.err), QN_OK);
    assert_int_equal(r->part_count, 3);
    assert_int_equal(r->rows, 4500);
    for (uint64_t p = 0; p < 3; p++) {
        r->ops->part_info(r, p, &info);
        assert_int_equal(info.rows, rows[p]);
        for (size_t s = 0; s < sizeof skips / sizeof *skips; s++) {
            qn_buf_clear(&expected);
            qn_buf_clear(&got);
            for (uint64_t i = skips[s]; i < rows[p]; i++)
                group_row(&expected, first + (int)i);
            assert_int_equal(print_part(&f, r, p, both, 2, skips[s], &got), QN_OK);
            assert_string_equal(got.data ? got.data : "", expected.data ? expected.data : "");
        }
        first += (int)rows[p];
    }
    /* Without columns a cursor counts. */
    qn_reader_cursor *cursor;
    uint32_t          n;
    assert_int_equal(r->ops->cursor_open(r, 2, NULL, 0, &f.mem, &cursor, &f.err), QN_OK);
    assert_int_equal(r->ops->cursor_next(cursor, NULL, &n, &f.err), QN_OK);
    assert_int_equal(n, 404);
    assert_int_equal(r->ops->cursor_next(cursor, NULL, &n, &f.err), QN_OK);
    assert_int_equal(n, 0);
    r->ops->cursor_close(cursor);
    r->ops->close(r);
    qn_buf_deinit(&expected);
    qn_buf_deinit(&got);
    fixture_close(&f);
}

/* Columns that cannot be read are refused when they are wanted, not before. */
static void test_unsupported(void **state)
{
    (void)state;
    static const uint32_t ends[] = {0, 4};
    fixture    f;
    qn_reader *r;
    qn_buf     got;
    fixture_open(&f);
    qn_buf_init(&got, &f.mem);
    assert_int_equal(qn_parquet_open(&f.env, data_path("nested.parquet"), &r, &f.err), QN_OK);
    assert_int_equal(r->column_count, 5);
    assert_string_equal(r->columns[1].unsupported, "a list");
    assert_string_equal(r->columns[2].unsupported, "a group of columns");
    assert_string_equal(r->columns[3].unsupported, "a map");
    assert_int_equal(print_part(&f, r, 0, ends, 2, 0, &got), QN_OK);
    assert_string_equal(got.data, "1|end\n");
    r->ops->close(r);
    qn_buf_deinit(&got);
    expect_failure(&f, data_path("nested.parquet"), "0A000", "column \"l\" of Parquet file ");
    expect_failure(&f, data_path("others.parquet"), "0A000", "type uuid is not supported");
    expect_failure(&f, data_path("bytes.parquet"), "22021", "invalid byte sequence for encoding \"UTF8\": 0xff");
    assert_non_null(strstr(f.err.detail, "Column \"bad\" of file "));
    expect_file(&f, data_path("empty.parquet"), "");
    expect_failure(&f, data_path("no such file"), "58P01", "could not open file ");
    expect_failure(&f, data_path("."), "42809", "is a directory");
    expect_failure(&f, data_path("../../../README.md"), "22P04", "is not a Parquet file");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),  cmocka_unit_test(test_nulls),  cmocka_unit_test(test_names_and_types),
        cmocka_unit_test(test_codecs), cmocka_unit_test(test_groups), cmocka_unit_test(test_unsupported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
