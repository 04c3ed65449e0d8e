/* The MANIFEST: the catalog as bytes.
 *
 * A header with magic, version, length and checksum, then a sequence of little-endian integers and
 * counted strings; docs/format.md lists them.  The checksum covers the header too, so that no bit of
 * the file can change unnoticed.
 *
 * Decoding trusts nothing behind the checksum either: whoever can write the file can compute it.  Every
 * count is compared with the bytes that are left before anything is allocated for it, so memory stays
 * proportional to the file. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "store/table/store_int.h"

#define HEADER_BYTES 32u
static const char magic[8] = {'q', 'u', 'e', 'r', 'n', 'd', 'b', '\n'};

enum { COLUMN_NOT_NULL = 1, COLUMN_DEFAULT = 2 };

/* The least a table, a column and a block take: bounds counts by the bytes that are left. */
enum { LEAST_TABLE = 8 + 4 + 1 + 4 + 4, LEAST_COLUMN = 4 + 1 + 1 + 4 + 1, BLOCK_BYTES = 8 + 4 + 8 + 8 };

/* ---- writing -------------------------------------------------------------------------------- */

static void put_int(qn_buf *out, uint64_t value, int bytes)
{
    char raw[8];
    for (int i = 0; i < bytes; i++)
        raw[i] = (char)(value >> (8 * i));
    qn_buf_add(out, raw, (size_t)bytes);
}

static void put_text(qn_buf *out, const char *text)
{
    size_t bytes = strlen(text);
    put_int(out, bytes, 4);
    qn_buf_add(out, text, bytes);
}

static void put_table(qn_buf *out, const qn_table *table)
{
    put_int(out, table->id, 8);
    put_text(out, table->name);
    put_int(out, table->column_count, 4);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const qn_column *column = &table->columns[i];
        put_text(out, column->name);
        put_int(out, column->type.id, 1);
        put_int(out, (uint32_t)column->type.typmod, 4);
        put_int(out, (column->not_null ? COLUMN_NOT_NULL : 0) | (column->default_sql ? COLUMN_DEFAULT : 0), 1);
        if (column->default_sql)
            put_text(out, column->default_sql);
    }
    put_int(out, table->block_count, 4);
    for (uint32_t i = 0; i < table->block_count; i++) {
        const qn_block_entry *block = &table->blocks[i];
        put_int(out, block->number, 8);
        put_int(out, block->rows, 4);
        put_int(out, block->bytes, 8);
        put_int(out, block->content_hash, 8);
    }
}

static uint64_t manifest_checksum(const char *data, size_t bytes)
{
    uint64_t seed = qn_checksum64(data, HEADER_BYTES - 8);
    return qn_hash64(data + HEADER_BYTES, bytes - HEADER_BYTES, seed);
}

static void set_int(char *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (char)(value >> (8 * i));
}

void qn_manifest_encode(const qn_snapshot *snapshot, uint64_t next_table, uint64_t next_block, qn_buf *out)
{
    static const char empty_header[HEADER_BYTES];
    qn_buf_clear(out);
    qn_buf_add(out, empty_header, sizeof empty_header);
    put_int(out, snapshot->version, 8);
    put_int(out, snapshot->schema_version, 8);
    put_int(out, next_table, 8);
    put_int(out, next_block, 8);
    put_int(out, snapshot->table_count, 4);
    for (uint32_t i = 0; i < snapshot->table_count; i++)
        put_table(out, &snapshot->tables[i]);
    if (!qn_buf_ok(out))
        return;
    memcpy(out->data, magic, sizeof magic);
    set_int(out->data + 8, QN_MANIFEST_VERSION, 4);
    set_int(out->data + 16, out->bytes, 8);
    set_int(out->data + 24, manifest_checksum(out->data, out->bytes), 8);
}

/* ---- reading -------------------------------------------------------------------------------- */

typedef struct reader { /* sticky: after a failure everything reads as zero */
    const unsigned char *at, *end;
    qn_arena            *arena;
    bool                 bad, nomem;
} reader;

static size_t left(const reader *r)
{
    return (size_t)(r->end - r->at);
}

static uint64_t get_int(reader *r, int bytes)
{
    uint64_t value = 0;
    if (r->bad || left(r) < (size_t)bytes) {
        r->bad = true;
        return 0;
    }
    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)r->at[i] << (8 * i);
    r->at += bytes;
    return value;
}

/* A string of at least `least` bytes: UTF-8 without NUL. */
static const char *get_text(reader *r, size_t least)
{
    size_t bytes = (size_t)get_int(r, 4);
    if (r->bad || bytes > left(r) || bytes < least || memchr(r->at, 0, bytes) ||
        qn_utf8_valid((const char *)r->at, bytes) != bytes) {
        r->bad = true;
        return "";
    }
    const char *text = qn_arena_strndup(r->arena, (const char *)r->at, bytes);
    r->at += bytes;
    r->nomem |= !text;
    r->bad |= !text;
    return text ? text : "";
}

/* A count of things that take at least `each` bytes. */
static uint32_t get_count(reader *r, size_t each)
{
    uint64_t count = get_int(r, 4);
    if (count > left(r) / each)
        r->bad = true;
    return r->bad ? 0 : (uint32_t)count;
}

static void *new_array(reader *r, uint32_t count, size_t bytes)
{
    void *array = qn_arena_alloc0(r->arena, qn_mul(count, bytes));
    r->nomem |= !array;
    r->bad |= !array;
    return array;
}

static bool column_is_new(const qn_column *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(columns[i].name, columns[count].name) == 0)
            return false;
    }
    return true;
}

static void get_columns(reader *r, qn_table *table)
{
    uint32_t count = get_count(r, LEAST_COLUMN);
    if (count > QN_TABLE_COLUMNS)
        r->bad = true;
    qn_column *columns = r->bad ? NULL : new_array(r, count, sizeof *columns);
    for (uint32_t i = 0; !r->bad && i < count; i++) {
        columns[i].name        = get_text(r, 1);
        columns[i].type.id     = (uint8_t)get_int(r, 1);
        columns[i].type.typmod = (int32_t)(uint32_t)get_int(r, 4);
        uint64_t flags         = get_int(r, 1);
        columns[i].not_null    = flags & COLUMN_NOT_NULL;
        if (flags & COLUMN_DEFAULT)
            columns[i].default_sql = get_text(r, 1);
        if (flags > (COLUMN_NOT_NULL | COLUMN_DEFAULT) || columns[i].type.id == QN_TYPE_UNKNOWN ||
            columns[i].type.id >= QN_TYPE_COUNT || !column_is_new(columns, i))
            r->bad = true;
    }
    table->columns      = columns;
    table->column_count = r->bad ? 0 : count;
}

static void get_blocks(reader *r, qn_table *table, uint64_t next_block)
{
    uint32_t        count  = get_count(r, BLOCK_BYTES);
    qn_block_entry *blocks = r->bad ? NULL : new_array(r, count, sizeof *blocks);
    for (uint32_t i = 0; !r->bad && i < count; i++) {
        blocks[i].number       = get_int(r, 8);
        blocks[i].rows         = (uint32_t)get_int(r, 4);
        blocks[i].bytes        = get_int(r, 8);
        blocks[i].content_hash = get_int(r, 8);
        if (blocks[i].number >= next_block || blocks[i].rows == 0 || blocks[i].rows > QN_BLOCK_ROWS)
            r->bad = true;
    }
    table->blocks      = blocks;
    table->block_count = r->bad ? 0 : count;
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* No number occurs twice. */
static bool all_different(uint64_t *numbers, size_t count)
{
    qsort(numbers, count, sizeof *numbers, compare_numbers);
    for (size_t i = 1; i < count; i++) {
        if (numbers[i] == numbers[i - 1])
            return false;
    }
    return true;
}

/* Ids and block numbers are unique, names ascend. */
static void check_identities(reader *r, const qn_table *tables, uint32_t count, uint64_t next_table)
{
    size_t blocks = 0;
    for (uint32_t i = 0; i < count; i++) {
        blocks += tables[i].block_count;
        if (tables[i].id >= next_table || (i > 0 && strcmp(tables[i - 1].name, tables[i].name) >= 0))
            r->bad = true;
    }
    size_t        wanted  = blocks > count ? blocks : count;
    qn_arena_mark mark    = qn_arena_save(r->arena);
    uint64_t     *numbers = qn_arena_alloc(r->arena, qn_mul(wanted, sizeof *numbers));
    if (!numbers) {
        r->nomem = r->bad = true;
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        numbers[i] = tables[i].id;
    r->bad |= !all_different(numbers, count);
    size_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < tables[i].block_count; j++)
            numbers[n++] = tables[i].blocks[j].number;
    }
    r->bad |= !all_different(numbers, n);
    qn_arena_rewind(r->arena, mark);
}

/* Header and checksum. */
static qn_status check_frame(const char *path, const char *data, size_t bytes, qn_error *err)
{
    if (bytes < HEADER_BYTES || memcmp(data, magic, sizeof magic) != 0)
        return qn_corrupt(err, "\"%s\" is not a quern database: the file does not begin as one", path);
    reader   r       = {.at = (const unsigned char *)data + 8, .end = (const unsigned char *)data + HEADER_BYTES};
    uint64_t version = get_int(&r, 4);
    if (version > QN_MANIFEST_VERSION) {
        qn_status st = qn_corrupt(err, "\"%s\" has format version %llu, this program reads up to %u", path,
                                  (unsigned long long)version, QN_MANIFEST_VERSION);
        qn_error_hint(err, "Open the database with the program that wrote it, or a newer one.");
        return st;
    }
    uint64_t reserved = get_int(&r, 4), length = get_int(&r, 8), checksum = get_int(&r, 8);
    if (version == 0 || reserved != 0 || length != bytes || checksum != manifest_checksum(data, bytes))
        return qn_corrupt(err, "\"%s\" is damaged: checksum or length does not match", path);
    return QN_OK;
}

qn_status qn_manifest_decode(const char *path, const void *data, size_t bytes, qn_snapshot *snapshot,
                             uint64_t *next_table, uint64_t *next_block, qn_error *err)
{
    qn_status st = check_frame(path, data, bytes, err);
    if (st != QN_OK)
        return st;
    reader r = {.at    = (const unsigned char *)data + HEADER_BYTES,
                .end   = (const unsigned char *)data + bytes,
                .arena = &snapshot->arena};
    snapshot->version        = get_int(&r, 8);
    snapshot->schema_version = get_int(&r, 8);
    *next_table              = get_int(&r, 8);
    *next_block              = get_int(&r, 8);
    r.bad |= *next_table > QN_NUMBER_LIMIT || *next_block > QN_NUMBER_LIMIT;
    uint32_t  count          = get_count(&r, LEAST_TABLE);
    qn_table *tables         = r.bad ? NULL : new_array(&r, count, sizeof *tables);
    for (uint32_t i = 0; !r.bad && i < count; i++) {
        tables[i].id   = get_int(&r, 8);
        tables[i].name = get_text(&r, 1);
        get_columns(&r, &tables[i]);
        get_blocks(&r, &tables[i], *next_block);
    }
    if (!r.bad)
        check_identities(&r, tables, count, *next_table);
    if (r.nomem)
        return qn_nomem(err);
    if (r.bad || left(&r) != 0)
        return qn_corrupt(err, "\"%s\" is damaged: its contents contradict themselves", path);
    snapshot->tables      = tables;
    snapshot->table_count = count;
    return QN_OK;
}
