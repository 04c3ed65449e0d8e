/* The description at the end of a Parquet file: columns, row groups, where their pages are.
 *
 * The schema is a tree in preorder.  A top-level leaf that does not repeat is a column of ours; a group (struct, list,
 * map) is one that can be named but not read.  Every leaf of the tree, readable or not, has a chunk in every row group.
 *
 * What is kept is copied out of the description: columns and chunks, nothing of the key-value pairs, indexes and
 * statistics. */
#include <stdio.h>
#include <string.h>

#include "load/parquet/parquet_int.h"

#define SCHEMA_DEPTH 64

typedef enum logical { /* the union of the format, and what the older "converted types" say the same way */
    LOGICAL_NONE, LOGICAL_STRING, LOGICAL_MAP, LOGICAL_LIST, LOGICAL_ENUM, LOGICAL_DECIMAL, LOGICAL_DATE, LOGICAL_TIME,
    LOGICAL_TIMESTAMP, LOGICAL_INTERVAL, LOGICAL_INTEGER, LOGICAL_UNKNOWN, LOGICAL_JSON, LOGICAL_BSON, LOGICAL_UUID,
    LOGICAL_FLOAT16, LOGICAL_OTHER
} logical;

enum { UNIT_NONE, UNIT_MILLIS, UNIT_MICROS, UNIT_NANOS };
enum { REQUIRED, OPTIONAL, REPEATED };

typedef struct element {
    bool            has_type, has_logical;
    int64_t         physical, width, repetition, children, converted, scale, precision;
    qn_thrift_bytes name;
    uint8_t         logical, unit, bits;
    bool            utc, is_signed;
} element;

qn_status qn_pq_damaged(const qn_pq_file *f, qn_error *err, const char *what)
{
    return qn_fail(err, QN_SQLSTATE_BAD_COPY_FORMAT, "Parquet file \"%s\" is damaged: %s", f->path, what);
}

const char *qn_pq_codec_name(uint8_t codec)
{
    static const char *const names[QN_PQ_CODEC_COUNT] = {"UNCOMPRESSED", "SNAPPY", "GZIP", "LZO",
                                                         "BROTLI",       "LZ4",    "ZSTD", "LZ4_RAW"};
    return codec < QN_PQ_CODEC_COUNT ? names[codec] : "unknown";
}

qn_status qn_pq_read(const qn_pq_file *f, uint64_t offset, void *buffer, size_t bytes, qn_error *err)
{
    size_t   got = 0;
    qn_error cause = {0};

    if (f->env.vfs->read(f->env.vfs, f->file, offset, buffer, bytes, &got, &cause) != QN_OK) {
        if (cause.status == QN_NOMEM)
            return qn_nomem(err);
        return qn_fail(err, QN_SQLSTATE_IO_ERROR, "could not read from file \"%s\": %s", f->path, cause.message);
    }
    if (got != bytes)
        return qn_pq_damaged(f, err, "it ends early");
    return QN_OK;
}

/* ---- schema elements ------------------------------------------------------------------------------ */

static void read_unit(qn_thrift *t, element *e)
{
    qn_thrift_field u = {0};
    while (qn_thrift_next(t, &u)) {
        e->unit = u.id >= 1 && u.id <= 3 ? (uint8_t)u.id : UNIT_NONE;
        qn_thrift_skip(t, &u);
    }
}

/* What stands in a member of the union: scale and precision, unit and zone, width and sign. */
static void read_logical_member(qn_thrift *t, element *e)
{
    qn_thrift_field f = {0};
    while (qn_thrift_next(t, &f)) {
        bool decimal = e->logical == LOGICAL_DECIMAL, integer = e->logical == LOGICAL_INTEGER;
        bool time = e->logical == LOGICAL_TIME || e->logical == LOGICAL_TIMESTAMP;
        if (decimal && f.id == 1)
            e->scale = qn_thrift_int(t, &f);
        else if (decimal && f.id == 2)
            e->precision = qn_thrift_int(t, &f);
        else if (time && f.id == 1)
            e->utc = qn_thrift_bool(t, &f);
        else if (time && f.id == 2 && qn_thrift_struct(t, &f))
            read_unit(t, e);
        else if (integer && f.id == 1)
            e->bits = (uint8_t)qn_thrift_int(t, &f);
        else if (integer && f.id == 2)
            e->is_signed = qn_thrift_bool(t, &f);
        else
            qn_thrift_skip(t, &f);
    }
}

static void read_logical(qn_thrift *t, element *e)
{
    static const uint8_t members[] = {
        LOGICAL_OTHER,   LOGICAL_STRING,    LOGICAL_MAP,      LOGICAL_LIST,    LOGICAL_ENUM, LOGICAL_DECIMAL,
        LOGICAL_DATE,    LOGICAL_TIME,      LOGICAL_TIMESTAMP, LOGICAL_INTERVAL, LOGICAL_INTEGER, LOGICAL_UNKNOWN,
        LOGICAL_JSON,    LOGICAL_BSON,      LOGICAL_UUID,     LOGICAL_FLOAT16};
    qn_thrift_field f = {0};
    while (qn_thrift_next(t, &f)) {
        e->has_logical = true;
        e->logical = f.id > 0 && (size_t)f.id < sizeof members ? members[f.id] : LOGICAL_OTHER;
        if (f.type == QN_THRIFT_STRUCT)
            read_logical_member(t, e);
        else
            qn_thrift_skip(t, &f);
    }
}

/* The older spelling, where the newer is missing. */
static void read_converted(element *e)
{
    static const struct {
        uint8_t logical, unit, bits;
        bool    is_signed;
    } map[] = {
        {LOGICAL_STRING, 0, 0, false},    {LOGICAL_MAP, 0, 0, false},       {LOGICAL_MAP, 0, 0, false},
        {LOGICAL_LIST, 0, 0, false},      {LOGICAL_ENUM, 0, 0, false},      {LOGICAL_DECIMAL, 0, 0, false},
        {LOGICAL_DATE, 0, 0, false},      {LOGICAL_TIME, UNIT_MILLIS, 0, false}, {LOGICAL_TIME, UNIT_MICROS, 0, false},
        {LOGICAL_TIMESTAMP, UNIT_MILLIS, 0, false}, {LOGICAL_TIMESTAMP, UNIT_MICROS, 0, false},
        {LOGICAL_INTEGER, 0, 8, false},   {LOGICAL_INTEGER, 0, 16, false},  {LOGICAL_INTEGER, 0, 32, false},
        {LOGICAL_INTEGER, 0, 64, false},  {LOGICAL_INTEGER, 0, 8, true},    {LOGICAL_INTEGER, 0, 16, true},
        {LOGICAL_INTEGER, 0, 32, true},   {LOGICAL_INTEGER, 0, 64, true},   {LOGICAL_JSON, 0, 0, false},
        {LOGICAL_BSON, 0, 0, false},      {LOGICAL_INTERVAL, 0, 0, false},
    };
    if (e->has_logical || e->converted < 0)
        return;
    if ((uint64_t)e->converted >= sizeof map / sizeof *map) {
        e->logical = LOGICAL_OTHER;
        return;
    }
    e->logical = map[e->converted].logical;
    e->unit = map[e->converted].unit;
    e->bits = map[e->converted].bits;
    e->is_signed = map[e->converted].is_signed;
    e->utc = true; /* so the older spelling defines itself */
}

static void read_element(qn_thrift *t, element *e)
{
    qn_thrift_field f = {0};

    *e = (element){.converted = -1};
    while (qn_thrift_next(t, &f)) {
        switch (f.id) {
        case 1:
            e->has_type = true;
            e->physical = qn_thrift_int(t, &f);
            break;
        case 2:
            e->width = qn_thrift_int(t, &f);
            break;
        case 3:
            e->repetition = qn_thrift_int(t, &f);
            break;
        case 4:
            e->name = qn_thrift_binary(t, &f);
            break;
        case 5:
            e->children = qn_thrift_int(t, &f);
            break;
        case 6:
            e->converted = qn_thrift_int(t, &f);
            break;
        case 7:
            e->scale = qn_thrift_int(t, &f);
            break;
        case 8:
            e->precision = qn_thrift_int(t, &f);
            break;
        case 10:
            if (qn_thrift_struct(t, &f))
                read_logical(t, e);
            break;
        default:
            qn_thrift_skip(t, &f);
        }
    }
    read_converted(e);
}

/* ---- types ---------------------------------------------------------------------------------------- */

static void set(qn_reader_column *c, qn_pq_column *info, qn_sql_type id, qn_pq_kind kind)
{
    c->type = (qn_type){(uint8_t)id, -1};
    info->kind = (uint8_t)kind;
}

static void refuse(qn_reader_column *c, const char *what)
{
    c->unsupported = what;
}

static void decimal_type(const element *e, qn_reader_column *c, qn_pq_column *info)
{
    static const uint8_t kinds[QN_PQ_PHYSICAL_COUNT] = {
        [QN_PQ_INT32] = QN_PQ_DEC32, [QN_PQ_INT64] = QN_PQ_DEC64, [QN_PQ_BYTE_ARRAY] = QN_PQ_DEC_BYTES,
        [QN_PQ_FIXED] = QN_PQ_DEC_BYTES};

    if (!kinds[info->physical] || e->precision < 1 || e->scale < 0 || e->scale > e->precision) {
        refuse(c, "an impossible decimal type");
        return;
    }
    if (e->precision > 38) {
        refuse(c, "a decimal type of more than 38 digits");
        return;
    }
    info->precision = (uint8_t)e->precision;
    info->scale = (uint8_t)e->scale;
    set(c, info, QN_TYPE_NUMERIC, (qn_pq_kind)kinds[info->physical]);
    c->type.typmod = (int32_t)(e->precision << 16 | e->scale) + 4;
}

static void integer_type(const element *e, qn_reader_column *c, qn_pq_column *info)
{
    bool wide = info->physical == QN_PQ_INT64;

    if (!(wide ? e->bits == 64 : info->physical == QN_PQ_INT32 && e->bits <= 32))
        refuse(c, "an impossible integer type");
    else if (wide && !e->is_signed) {
        set(c, info, QN_TYPE_NUMERIC, QN_PQ_U64);
        c->type.typmod = (20 << 16) + 4;
    } else if (wide)
        set(c, info, QN_TYPE_BIGINT, QN_PQ_SAME);
    else if (e->bits == 8 || (e->bits == 16 && e->is_signed))
        set(c, info, QN_TYPE_SMALLINT, QN_PQ_I16);
    else if (e->bits == 16 || e->is_signed)
        set(c, info, QN_TYPE_INTEGER, QN_PQ_SAME);
    else
        set(c, info, QN_TYPE_BIGINT, QN_PQ_U32);
}

static void time_type(const element *e, qn_reader_column *c, qn_pq_column *info)
{
    bool    stamp = e->logical == LOGICAL_TIMESTAMP;
    uint8_t wanted = !stamp && e->unit == UNIT_MILLIS ? QN_PQ_INT32 : QN_PQ_INT64;

    if (e->unit == UNIT_NONE || info->physical != wanted) {
        refuse(c, "an impossible time type");
        return;
    }
    qn_sql_type id = !stamp ? QN_TYPE_TIME : e->utc ? QN_TYPE_TIMESTAMPTZ : QN_TYPE_TIMESTAMP;
    set(c, info, id, (qn_pq_kind)((stamp ? QN_PQ_STAMP_MS : QN_PQ_TIME_MS) + e->unit - UNIT_MILLIS));
}

static void plain_type(qn_reader_column *c, qn_pq_column *info)
{
    switch (info->physical) {
    case QN_PQ_BOOLEAN:
        set(c, info, QN_TYPE_BOOLEAN, QN_PQ_SAME);
        break;
    case QN_PQ_INT32:
        set(c, info, QN_TYPE_INTEGER, QN_PQ_SAME);
        break;
    case QN_PQ_INT64:
        set(c, info, QN_TYPE_BIGINT, QN_PQ_SAME);
        break;
    case QN_PQ_INT96:
        set(c, info, QN_TYPE_TIMESTAMP, QN_PQ_STAMP_96);
        break;
    case QN_PQ_FLOAT:
        set(c, info, QN_TYPE_REAL, QN_PQ_SAME);
        break;
    case QN_PQ_DOUBLE:
        set(c, info, QN_TYPE_DOUBLE, QN_PQ_SAME);
        break;
    default: /* many writers do not say that bytes are text; what is not is found when it is read */
        set(c, info, QN_TYPE_TEXT, QN_PQ_TEXT);
    }
}

static void column_type(const element *e, qn_reader_column *c, qn_pq_column *info)
{
    bool bytes = info->physical == QN_PQ_BYTE_ARRAY, fixed = info->physical == QN_PQ_FIXED;

    set(c, info, QN_TYPE_TEXT, QN_PQ_TEXT);
    switch (e->logical) {
    case LOGICAL_NONE:
        plain_type(c, info);
        break;
    case LOGICAL_STRING:
    case LOGICAL_ENUM:
    case LOGICAL_JSON:
        if (!bytes && !fixed)
            refuse(c, "an impossible text type");
        break;
    case LOGICAL_DECIMAL:
        decimal_type(e, c, info);
        break;
    case LOGICAL_DATE:
        set(c, info, QN_TYPE_DATE, QN_PQ_DATE);
        if (info->physical != QN_PQ_INT32)
            refuse(c, "an impossible date type");
        break;
    case LOGICAL_TIME:
    case LOGICAL_TIMESTAMP:
        time_type(e, c, info);
        break;
    case LOGICAL_INTEGER:
        integer_type(e, c, info);
        break;
    case LOGICAL_INTERVAL:
        set(c, info, QN_TYPE_INTERVAL, QN_PQ_INTERVAL);
        if (!fixed || info->width != 12)
            refuse(c, "an impossible interval type");
        break;
    case LOGICAL_FLOAT16:
        set(c, info, QN_TYPE_REAL, QN_PQ_HALF);
        if (!fixed || info->width != 2)
            refuse(c, "an impossible type of 16-bit floats");
        break;
    case LOGICAL_UNKNOWN:
        set(c, info, QN_TYPE_TEXT, QN_PQ_NOTHING);
        break;
    case LOGICAL_UUID:
        refuse(c, "type uuid");
        break;
    case LOGICAL_BSON:
        refuse(c, "type bson");
        break;
    default:
        refuse(c, "its logical type");
    }
}

/* ---- the schema ------------------------------------------------------------------------------------ */

static qn_status column_of(qn_pq_file *f, const element *e, uint32_t leaf, qn_error *err)
{
    uint32_t          k = f->reader.column_count;
    qn_reader_column *c = (qn_reader_column *)(uintptr_t)&f->reader.columns[k]; /* ours, const to readers */
    qn_pq_column     *info = &f->columns[k];

    if (memchr(e->name.data ? (const char *)e->name.data : "", 0, e->name.bytes) ||
        qn_utf8_valid((const char *)e->name.data, e->name.bytes) != e->name.bytes)
        return qn_fail(err, QN_SQLSTATE_CHARACTER_NOT_IN_REPERTOIRE,
                       "Parquet file \"%s\": the name of column %u is no text", f->path, k + 1);
    c->name = qn_arena_strndup(&f->arena, e->name.data ? (const char *)e->name.data : "", e->name.bytes);
    if (!c->name)
        return qn_nomem(err);
    c->nullable = info->optional = e->repetition == OPTIONAL;
    info->leaf = leaf;
    c->type = QN_TYPE(TEXT);
    if (e->children > 0 || !e->has_type) {
        refuse(c, e->logical == LOGICAL_LIST  ? "a list"
                  : e->logical == LOGICAL_MAP ? "a map"
                  : e->repetition == REPEATED ? "a list"
                                              : "a group of columns");
    } else if (e->repetition == REPEATED) {
        refuse(c, "a list");
    } else {
        info->physical = (uint8_t)e->physical;
        info->width = (uint32_t)e->width;
        column_type(e, c, info);
    }
    f->reader.column_count++;
    return QN_OK;
}

/* The tree in preorder: below[] counts the children that are still to come at each depth. */
static qn_status read_schema(qn_pq_file *f, qn_thrift *t, size_t count, qn_error *err)
{
    int64_t  below[SCHEMA_DEPTH];
    unsigned depth = 0;
    element  e;

    if (count == 0 || f->columns)
        return qn_pq_damaged(f, err, "its schema is empty or there twice");
    f->columns = qn_arena_array(&f->arena, qn_pq_column, count);
    f->reader.columns = qn_arena_array(&f->arena, qn_reader_column, count);
    if (!f->columns || !f->reader.columns)
        return qn_nomem(err);
    read_element(t, &e); /* the root */
    below[0] = e.children;
    for (size_t i = 1; i < count && !t->failed; i++) {
        read_element(t, &e);
        while (depth > 0 && below[depth] == 0)
            depth--;
        bool bad = e.children < 0 || (uint64_t)e.children > count || below[depth] <= 0 || e.repetition < 0 ||
                   e.repetition > REPEATED;
        bool leaf = e.has_type && e.children == 0;
        if (leaf && (e.physical < 0 || e.physical >= QN_PQ_PHYSICAL_COUNT ||
                     (e.physical == QN_PQ_FIXED && (e.width <= 0 || e.width > INT32_MAX))))
            bad = true;
        if (bad)
            return qn_pq_damaged(f, err, "its schema makes no sense");
        if (depth == 0) {
            qn_status st = column_of(f, &e, f->leaf_count, err);
            if (st != QN_OK)
                return st;
        }
        below[depth]--;
        if (leaf)
            f->leaf_count++;
        if (e.children > 0) {
            if (depth + 1 == SCHEMA_DEPTH)
                return qn_fail(err, QN_SQLSTATE_TOO_COMPLEX, "Parquet file \"%s\": its columns nest too deeply", f->path);
            below[++depth] = e.children;
        }
    }
    if (t->failed)
        return qn_pq_damaged(f, err, "its schema ends early");
    while (depth > 0 && below[depth] == 0)
        depth--;
    if (depth || below[0])
        return qn_pq_damaged(f, err, "its schema makes no sense");
    return QN_OK;
}

/* ---- row groups ------------------------------------------------------------------------------------ */

typedef struct chunk_meta {
    int64_t type, codec, values, packed_bytes, data_page, dictionary_page;
    bool    external, encrypted, any;
} chunk_meta;

static void read_chunk_meta(qn_thrift *t, chunk_meta *m)
{
    qn_thrift_field f = {0};
    m->any = true;
    while (qn_thrift_next(t, &f)) {
        switch (f.id) {
        case 1:
            m->type = qn_thrift_int(t, &f);
            break;
        case 4:
            m->codec = qn_thrift_int(t, &f);
            break;
        case 5:
            m->values = qn_thrift_int(t, &f);
            break;
        case 7:
            m->packed_bytes = qn_thrift_int(t, &f);
            break;
        case 9:
            m->data_page = qn_thrift_int(t, &f);
            break;
        case 11:
            m->dictionary_page = qn_thrift_int(t, &f);
            break;
        default:
            qn_thrift_skip(t, &f);
        }
    }
}

static qn_status read_chunk(qn_pq_file *f, qn_thrift *t, qn_pq_chunk *c, uint64_t rows, bool flat, qn_error *err)
{
    chunk_meta      m = {.codec = -1};
    qn_thrift_field field = {0};

    while (qn_thrift_next(t, &field)) {
        if (field.id == 1 && qn_thrift_binary(t, &field).bytes)
            m.external = true;
        else if (field.id == 3 && qn_thrift_struct(t, &field))
            read_chunk_meta(t, &m);
        else if (field.id != 1) {
            m.encrypted |= field.id == 8 || field.id == 9;
            qn_thrift_skip(t, &field);
        }
    }
    if (t->failed)
        return QN_OK; /* the caller says so */
    c->refused = m.external ? "being in another file" : m.encrypted ? "encryption" : NULL;
    if (c->refused)
        return QN_OK;
    int64_t begin = m.dictionary_page > 0 && m.dictionary_page < m.data_page ? m.dictionary_page : m.data_page;
    if (!m.any || begin < 0 || m.packed_bytes < 0 || m.values < 0 || m.type < 0 || m.type >= QN_PQ_PHYSICAL_COUNT ||
        (uint64_t)begin > f->reader.bytes || (uint64_t)m.packed_bytes > f->reader.bytes - (uint64_t)begin ||
        (flat && (uint64_t)m.values != rows))
        return qn_pq_damaged(f, err, "the description of a column chunk makes no sense");
    c->offset = (uint64_t)begin;
    c->bytes = (uint64_t)m.packed_bytes;
    c->values = (uint64_t)m.values;
    c->physical = (uint8_t)m.type;
    c->codec = m.codec < 0 || m.codec >= QN_PQ_CODEC_COUNT ? QN_PQ_CODEC_COUNT : (uint8_t)m.codec;
    return QN_OK;
}

/* Chunks come before the number of rows in the file's order of fields, so a group is read twice: its numbers first. */
static qn_status read_group(qn_pq_file *f, qn_thrift *t, uint64_t k, const bool *flat, qn_error *err)
{
    qn_thrift       again = *t;
    qn_thrift_field field = {0};
    int64_t         rows = -1, bytes = 0;
    bool            chunks = false;

    while (qn_thrift_next(t, &field)) {
        if (field.id == 2)
            bytes = qn_thrift_int(t, &field);
        else if (field.id == 3)
            rows = qn_thrift_int(t, &field);
        else
            qn_thrift_skip(t, &field);
    }
    if (t->failed)
        return QN_OK;
    if (rows < 0 || (uint64_t)rows > INT64_MAX - f->reader.rows)
        return qn_pq_damaged(f, err, "the number of rows of a row group makes no sense");
    f->parts[k] = (qn_reader_part){(uint64_t)rows, bytes > 0 ? (uint64_t)bytes : 0};
    f->reader.rows += (uint64_t)rows;
    field = (qn_thrift_field){0};
    while (qn_thrift_next(&again, &field)) {
        if (field.id != 1) {
            qn_thrift_skip(&again, &field);
            continue;
        }
        size_t n = qn_thrift_list(&again, &field, QN_THRIFT_STRUCT);
        if (n != f->leaf_count || chunks)
            return qn_pq_damaged(f, err, "a row group does not have the columns of the schema");
        chunks = true;
        for (size_t i = 0; i < n; i++) {
            qn_status st = read_chunk(f, &again, &f->chunks[k * n + i], (uint64_t)rows, flat[i], err);
            if (st != QN_OK)
                return st;
        }
    }
    if (f->leaf_count && !chunks)
        return qn_pq_damaged(f, err, "a row group does not have the columns of the schema");
    return QN_OK;
}

static qn_status read_groups(qn_pq_file *f, qn_thrift *t, size_t count, qn_error *err)
{
    qn_status st = QN_OK;

    if (f->parts)
        return qn_pq_damaged(f, err, "it has two lists of row groups");
    /* Every chunk's description takes a byte at least: asked before there is room for all. */
    if (f->leaf_count && count > (size_t)(t->end - t->at) / f->leaf_count)
        return qn_pq_damaged(f, err, "a row group does not have the columns of the schema");
    bool *flat = qn_arena_array(&f->arena, bool, (size_t)f->leaf_count + 1);
    f->parts = qn_arena_array(&f->arena, qn_reader_part, count + 1);
    f->chunks = qn_arena_array(&f->arena, qn_pq_chunk, qn_mul(count, f->leaf_count) | 1);
    if (!flat || !f->parts || !f->chunks)
        return qn_nomem(err);
    for (uint32_t c = 0; c < f->reader.column_count; c++) {
        if (!f->reader.columns[c].unsupported)
            flat[f->columns[c].leaf] = true;
    }
    f->reader.part_count = count;
    for (size_t k = 0; k < count && st == QN_OK && !t->failed; k++)
        st = read_group(f, t, k, flat, err);
    return st;
}

/* ---- the file -------------------------------------------------------------------------------------- */

/* The file's own number of rows is passed over: some writers left it 0, and row groups have theirs. */
static qn_status parse(qn_pq_file *f, const uint8_t *data, size_t bytes, qn_error *err)
{
    qn_thrift       t = {data, data + bytes, false}, groups = {0};
    qn_thrift_field field = {0};
    size_t          group_count = 0;
    qn_status       st = QN_OK;

    while (st == QN_OK && qn_thrift_next(&t, &field)) {
        if (field.id == 2) {
            size_t n = qn_thrift_list(&t, &field, QN_THRIFT_STRUCT);
            if (!t.failed)
                st = read_schema(f, &t, n, err);
        } else if (field.id == 4) { /* they need the schema: read when all else is known */
            groups = t;
            group_count = qn_thrift_list(&groups, &field, QN_THRIFT_STRUCT);
            qn_thrift_skip(&t, &field);
        } else {
            qn_thrift_skip(&t, &field);
        }
    }
    if (st == QN_OK && !t.failed && f->columns)
        st = read_groups(f, &groups, group_count, err);
    if (st == QN_OK && (t.failed || groups.failed || !f->columns))
        st = qn_pq_damaged(f, err, "its description ends early");
    return st;
}

qn_status qn_pq_footer(qn_pq_file *f, qn_error *err)
{
    qn_status st = QN_OK;
    uint8_t   tail[8], head[4];
    uint8_t  *data = NULL;
    uint64_t  size = f->reader.bytes;
    size_t    bytes = 0;

    if (size >= 4)
        QN_TRY(qn_pq_read(f, 0, head, 4, err));
    if (size < 12 || memcmp(head, "PAR", 3) != 0 || (head[3] != '1' && head[3] != 'E')) {
        st = qn_fail(err, QN_SQLSTATE_BAD_COPY_FORMAT, "\"%s\" is not a Parquet file", f->path);
        goto done;
    }
    QN_TRY(qn_pq_read(f, size - 8, tail, 8, err));
    if (head[3] == 'E' || memcmp(tail + 4, "PARE", 4) == 0) {
        st = qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED, "encrypted Parquet files are not supported");
        qn_error_detail(err, "File \"%s\".", f->path);
        goto done;
    }
    bytes = (size_t)tail[0] | (size_t)tail[1] << 8 | (size_t)tail[2] << 16 | (size_t)tail[3] << 24;
    if (memcmp(tail + 4, "PAR1", 4) != 0 || bytes > size - 12) {
        bytes = 0;
        QN_TRY(qn_pq_damaged(f, err, "it does not end as a Parquet file does; it may have been cut"));
    }
    QN_ALLOC(err, data = qn_alloc(f->env.mem, bytes + 1));
    QN_TRY(qn_pq_read(f, size - 8 - bytes, data, bytes, err));
    QN_TRY(parse(f, data, bytes, err));
done:
    if (data)
        qn_free(f->env.mem, data, bytes + 1);
    return st;
}
