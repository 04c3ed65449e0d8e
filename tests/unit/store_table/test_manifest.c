/* Manifests whose checksum is right and whose contents are not: what a hostile file looks like. */
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/hash.h"
#include "store/table/store_int.h"

static const qn_column columns[] = {
    {"a", {QN_TYPE_INTEGER, -1}, true, NULL},
    {"b", {QN_TYPE_VARCHAR, 24}, false, "'x'"},
};

/* A sample with two tables; the caller changes it and encodes it. */
typedef struct sample {
    qn_mem         mem;
    qn_snapshot    snapshot;
    qn_table       tables[2];
    qn_block_entry blocks[2];
    uint64_t       next_table, next_block;
} sample;

static void sample_init(sample *s)
{
    memset(s, 0, sizeof *s);
    qn_mem_init(&s->mem, NULL, 0);
    s->blocks[0]  = (qn_block_entry){.number = 1, .rows = 5, .bytes = 500, .content_hash = 77};
    s->blocks[1]  = (qn_block_entry){.number = 2, .rows = QN_BLOCK_ROWS, .bytes = 900, .content_hash = 78};
    s->tables[0]  = (qn_table){.id = 3, .name = "m", .column_count = 2, .columns = columns, .block_count = 2,
                               .blocks = s->blocks};
    s->tables[1]  = (qn_table){.id = 1, .name = "n", .column_count = 1, .columns = columns};
    s->snapshot   = (qn_snapshot){.version = 9, .schema_version = 4, .table_count = 2, .tables = s->tables};
    s->next_table = 4;
    s->next_block = 3;
}

static qn_status decode(sample *s, const void *data, size_t bytes, qn_snapshot *out)
{
    uint64_t next_table, next_block;
    qn_error err = {0};
    memset(out, 0, sizeof *out);
    qn_arena_init(&out->arena, &s->mem);
    qn_status st = qn_manifest_decode("MANIFEST", data, bytes, out, &next_table, &next_block, &err);
    if (st == QN_OK) {
        assert_int_equal(next_table, s->next_table);
        assert_int_equal(next_block, s->next_block);
    } else {
        assert_int_equal(err.status, st);
    }
    return st;
}

/* Encode the sample and read it back. */
static qn_status round_trip(sample *s)
{
    qn_buf      text;
    qn_snapshot out;
    qn_buf_init(&text, &s->mem);
    qn_manifest_encode(&s->snapshot, s->next_table, s->next_block, &text);
    assert_true(qn_buf_ok(&text));
    qn_status st = decode(s, text.data, text.bytes, &out);
    qn_arena_deinit(&out.arena);
    qn_buf_deinit(&text);
    return st;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    sample      s;
    qn_buf      text;
    qn_snapshot out;
    sample_init(&s);
    qn_buf_init(&text, &s.mem);
    qn_manifest_encode(&s.snapshot, s.next_table, s.next_block, &text);
    assert_int_equal(decode(&s, text.data, text.bytes, &out), QN_OK);
    assert_int_equal(out.version, 9);
    assert_int_equal(out.schema_version, 4);
    assert_int_equal(out.table_count, 2);
    const qn_table *m = qn_catalog_table(&out, "m");
    assert_int_equal(m->id, 3);
    assert_string_equal(m->columns[1].name, "b");
    assert_int_equal(m->columns[1].type.id, QN_TYPE_VARCHAR);
    assert_int_equal(m->columns[1].type.typmod, 24);
    assert_int_equal(m->columns[0].type.typmod, -1);
    assert_string_equal(m->columns[1].default_sql, "'x'");
    assert_null(m->columns[0].default_sql);
    assert_int_equal(m->blocks[1].rows, QN_BLOCK_ROWS);
    assert_int_equal(m->blocks[1].content_hash, 78);
    assert_int_equal(qn_catalog_table(&out, "n")->block_count, 0);
    assert_null(qn_catalog_table(&out, "o"));
    assert_null(qn_catalog_table_by_id(&out, 2));
    qn_arena_deinit(&out.arena);
    qn_buf_deinit(&text);
    assert_int_equal(s.mem.used_bytes, 0);
}

static void contradictions_are_damage(void **state)
{
    (void)state;
    sample s;
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        sample_init(&s);                                                                           \
        assert_int_equal(round_trip(&s), QN_OK);                                                   \
        change;                                                                                    \
        assert_int_equal(round_trip(&s), QN_CORRUPT);                                              \
        assert_int_equal(s.mem.used_bytes, 0);                                                     \
    } while (0)
    REFUSED(s.tables[0].name = "z");         /* names out of order */
    REFUSED(s.tables[1].name = "m");         /* a name twice */
    REFUSED(s.tables[1].name = "");          /* no name */
    REFUSED(s.tables[1].name = "n\xff");     /* not UTF-8 */
    REFUSED(s.tables[1].id = 3);             /* an id twice */
    REFUSED(s.tables[1].id = 4);             /* an id that was never given out */
    REFUSED(s.blocks[1].number = 1);         /* a block in two places */
    REFUSED(s.blocks[1].number = 3);         /* a number that was never given out */
    REFUSED(s.next_block = UINT64_MAX);      /* the next commit would begin again at 0 */
    REFUSED(s.next_table = UINT64_MAX);
    REFUSED(s.blocks[0].rows = 0);           /* an empty block */
    REFUSED(s.blocks[0].rows = QN_BLOCK_ROWS + 1);
    static const qn_column twice[]   = {{"a", {QN_TYPE_DATE, -1}, 0, NULL}, {"a", {QN_TYPE_DATE, -1}, 0, NULL}};
    static const qn_column unknown[] = {{"a", {QN_TYPE_UNKNOWN, -1}, 0, NULL}};
    static const qn_column beyond[]  = {{"a", {QN_TYPE_COUNT, -1}, 0, NULL}};
    REFUSED(s.tables[0].columns = twice);
    REFUSED(s.tables[1].columns = unknown);
    REFUSED(s.tables[1].columns = beyond);
}

/* Make the checksum right again after changing bytes. */
static void seal(char *data, size_t bytes)
{
    uint64_t sum = qn_hash64(data + 32, bytes - 32, qn_checksum64(data, 24));
    memcpy(data + 24, &sum, 8);
}

/* Any single byte replaced under a correct checksum: read or refused, and memory in proportion. */
static void no_sealed_bytes_are_dangerous(void **state)
{
    (void)state;
    sample      s;
    qn_buf      text;
    qn_snapshot out;
    static const unsigned char values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    sample_init(&s);
    qn_buf_init(&text, &s.mem);
    qn_manifest_encode(&s.snapshot, s.next_table, s.next_block, &text);
    uint64_t before = s.mem.used_bytes;
    atomic_store(&s.mem.limit_bytes, before + 64 * 1024);
    for (size_t at = 32; at < text.bytes; at++) {
        char old = text.data[at];
        for (size_t v = 0; v < sizeof values; v++) {
            uint64_t next_table, next_block;
            text.data[at] = (char)values[v];
            seal(text.data, text.bytes);
            memset(&out, 0, sizeof out);
            qn_arena_init(&out.arena, &s.mem);
            qn_status st = qn_manifest_decode("MANIFEST", text.data, text.bytes, &out, &next_table,
                                              &next_block, NULL);
            assert_true(st == QN_OK || st == QN_CORRUPT);
            qn_arena_deinit(&out.arena);
        }
        text.data[at] = old;
    }
    for (size_t cut = 32; cut < text.bytes; cut++) {
        uint64_t length = cut;
        memcpy(text.data + 16, &length, 8);
        seal(text.data, cut);
        assert_int_equal(decode(&s, text.data, cut, &out), QN_CORRUPT);
        qn_arena_deinit(&out.arena);
    }
    qn_buf_deinit(&text);
    assert_int_equal(s.mem.used_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(contradictions_are_damage),
        cmocka_unit_test(no_sealed_bytes_are_dangerous),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
