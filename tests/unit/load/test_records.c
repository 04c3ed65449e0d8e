/* Where records end: the same records however the bytes arrive. */
#include "load_fixture.h"

typedef struct found {
    char   text[2048]; /* line:record| ... or an error */
    size_t bytes;
} found;

/* Feed data in buffers that end at `cut` and then byte by byte `step`; note what is found. */
static void feed(const qn_load_options *options, const char *data, size_t bytes, size_t cut,
                 size_t step, found *out)
{
    qn_records r;
    char       buffer[512] = {0};
    size_t     have = 0, at = 0;
    qn_error   err = {0};

    qn_records_init(&r, options);
    out->bytes = 0;
    out->text[0] = 0;
    while (!r.done) {
        size_t n = at < cut ? cut - at : step;
        n = n < bytes - at ? n : bytes - at;
        memcpy(buffer + have, data + at, n);
        have += n;
        at += n;
        memset(buffer + have, 0, QN_LOAD_PADDING);
        qn_record records[3]; /* few, so that the limit is met too */
        uint32_t  count;
        do {
            qn_status st =
                qn_records_scan(&r, buffer, have, at == bytes, 0, records, 3, &count, &err);
            for (uint32_t i = 0; i < count; i++)
                out->bytes += (size_t)snprintf(
                    out->text + out->bytes, sizeof out->text - out->bytes, "%u:%.*s|",
                    records[i].line, (int)(records[i].end - records[i].begin),
                    buffer + records[i].begin);
            if (st != QN_OK) {
                snprintf(out->text + out->bytes, sizeof out->text - out->bytes, "%llu!%s",
                         (unsigned long long)r.line, err.message);
                return;
            }
        } while (count == 3);
        memmove(buffer, buffer + r.begin, have - r.begin);
        have -= r.begin;
        qn_records_move(&r);
    }
}

static void check(const qn_load_options *options, const char *data, const char *expected)
{
    found  f;
    size_t bytes = strlen(data);
    for (size_t cut = 0; cut <= bytes; cut++) {
        for (size_t step = 1; step <= bytes + 1; step += bytes + 1) {
            feed(options, data, bytes, cut, step, &f);
            assert_string_equal(f.text, expected);
        }
    }
}

static void test_text(void **state)
{
    (void)state;
    qn_load_options o = {.format = QN_LOAD_TEXT, .delimiter = '\t'};
    check(&o, "", "");
    check(&o, "a\nb", "1:a|2:b|");
    check(&o, "a\n\nb\n", "1:a|2:|3:b|");
    check(&o, "a\r\nb\r\n", "1:a|2:b|");
    check(&o, "a\rb\r", "1:a|2:b|");
    check(&o, "a\r\n\r\nb", "1:a|2:|3:b|");
    check(&o, "a\\\nb\nc\\\\\nd",
          "1:a\\\nb|2:c\\\\|3:d|"); /* an escaped newline is no end and no line */
    check(&o, "a\\", "1:a\\|");
    check(&o, "a\n\\.\nb\n", "1:a|");
    check(&o, "a\r\n\\.\r\nb", "1:a|");
    check(&o, "a\\.\nb\n", "1:a|2:b|"); /* behind other text it is only a line end */
    check(&o, "a\\\\.\nb\n", "1:a\\\\.|2:b|");
    check(&o, "a\n\\.", "1:a|2!end-of-copy marker corrupt");
    check(&o, "a\n\\.x\n", "1:a|2!end-of-copy marker corrupt");
    check(&o, "a\r\n\\.\n", "1:a|2!end-of-copy marker does not match previous newline style");
    check(&o, "a\n\\.\r", "1:a|2!end-of-copy marker does not match previous newline style");
    check(&o, "a\nb\rc\n", "1:a|2!literal carriage return found in data");
    check(&o, "a\r\nb\n", "1:a|2!literal newline found in data");
    check(&o, "a\rb\nc", "1:a|2!literal newline found in data");
    check(&o, "a\r\nb\rc", "1:a|2!literal carriage return found in data");
    /* Longer than the window that is looked at at once. */
    check(&o,
          "0123456789012345678901234567890123456789\\\n0123456789\n01234567890123456789012345678901"
          "\nx",
          "1:0123456789012345678901234567890123456789\\\n0123456789|2:"
          "01234567890123456789012345678901|3:x|");
}

static void test_csv(void **state)
{
    (void)state;
    qn_load_options o = {.format = QN_LOAD_CSV, .delimiter = ',', .quote = '"', .escape = '"'};
    check(&o, "a\n\"b\nc\",d\ne", "1:a|3:\"b\nc\",d|4:e|");
    check(&o, "a\n\"b\"\"\nc\"\ne", "1:a|3:\"b\"\"\nc\"|4:e|");
    check(&o, "a\r\n\"b\r\nc\"\r\nd\r\n", "1:a|3:\"b\r\nc\"|4:d|");
    check(&o, "a\n\"b\n", "1:a|3:\"b\n|"); /* splitting the fields will complain */
    check(&o, "a\n\\.\nb", "1:a|");
    check(&o, "\\.x\n\\\n\\.", "1:\\.x|2:\\|3:\\.|"); /* values, not markers */
    check(&o, "a\\.\nb", "1:a\\.|2:b|");
    check(&o, "a\nb\rc\n", "1:a|2!unquoted carriage return found in data");
    check(&o, "a\r\nb\n", "1:a|2!unquoted newline found in data");
    o.escape = '\\';
    check(&o, "x\n\"a\\\"\n\"\nb", "1:x|3:\"a\\\"\n\"|4:b|");
    check(&o, "x\n\"a\\\\\"\nb\\\nc", "1:x|2:\"a\\\\\"|3:b\\|4:c|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_csv)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
