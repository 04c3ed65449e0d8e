/* Column blocks: up to 2^19 rows of a table in one immutable file, columns contiguous.
 *
 * Per column the block keeps the sorted distinct values, how often each occurs, and one code per row.
 * Codes are order-preserving: code 0 is NULL, codes 1..distinct index the values in stored order
 * (qn_value_compare_stored), so a predicate on values becomes a set of codes, and rows are selected by
 * comparing packed integers.  Fixed-width columns that are nearly all distinct keep row order only
 * (QN_COL_RAW).  Text is sorted bytewise in chunks of 128 with a shared prefix and a codec; each distinct
 * string has its BLAKE3-128 identity and its length stored beside it.  docs/format.md has every byte.
 *
 * Files are mapped read-only and every section is checked against its checksum on first touch; damage is
 * QN_CORRUPT naming file, offset and object, never a wrong answer.  A block is shared, reference-counted
 * and safe to read from many threads. */
#ifndef QN_STORE_BLOCK_BLOCK_H
#define QN_STORE_BLOCK_BLOCK_H

#include "base/env.h"
#include "base/hash.h"
#include "os/vfs.h"
#include "type/type.h"

#define QN_BLOCK_ROWS (1u << 19)
#define QN_UNIT_ROWS 1024u    /* codes choose their form per unit */
#define QN_CHUNK_STRINGS 128u /* strings per compressed chunk */

/* ---- writing ------------------------------------------------------------------------------- */

typedef struct qn_block_column_in {
    qn_type         type;
    const void     *values; /* array of the type's bank, `rows` long; what stands at a NULL is ignored */
    const uint64_t *nulls;  /* bitmap, 1 = NULL; NULL when there is none */
} qn_block_column_in;

typedef struct qn_block_info { /* what the catalog remembers of a written block */
    uint32_t rows;
    uint64_t bytes;
    uint64_t content_hash; /* checksum of the header, which holds all section checksums */
} qn_block_info;

/* How chunks of text are compressed (docs/format.md, bench/README.md has what each costs).  A block may be read whatever
 * its columns use. */
#define QN_TEXT_CODECS(X)                                                                          \
    X(LZ4, "lz4")     /* quick in both directions */                                               \
    X(LZ4HC, "lz4hc") /* with a dictionary: a quarter less text, slow to write */                  \
    X(ZSTD, "zstd")   /* with a dictionary: half the text, slow to read */
typedef enum qn_text_codec {
#define X(id, name) QN_TEXT_##id,
    QN_TEXT_CODECS(X)
#undef X
    QN_TEXT_CODEC_COUNT
} qn_text_codec;

/* Encodes one column at a time into memory, so that columns of one block can be built by different
 * threads: each thread has its own qn_block_builder scratch (recycled, never fresh per column). */
typedef struct qn_block_builder qn_block_builder;
typedef struct qn_block_segment { /* one finished column: its sections, ready to be written */
    void   *data;
    size_t  bytes, capacity;
    qn_mem *mem;
} qn_block_segment;

qn_status qn_block_builder_new(qn_env *env, qn_block_builder **builder, qn_error *err);
void      qn_block_builder_free(qn_block_builder *builder);
void      qn_block_builder_codec(qn_block_builder *builder, qn_text_codec codec); /* for the columns from now on */
/* The tables of trigrams: what a builder takes for a column of many strings, however few rows a block has. */
#define QN_BLOCK_TRIGRAM_BYTES ((uint64_t)26 << 20)
/* Under so tight a memory limit (0: none) that these are more than a quarter of it, no trigrams are listed: LIKE looks at
 * all strings. */
void qn_block_builder_limit(qn_block_builder *b, uint64_t memory_limit_bytes);
/* rows 1..QN_BLOCK_ROWS.  Free the segment with qn_block_segment_free. */
qn_status qn_block_encode(qn_block_builder *builder, const qn_block_column_in *column, uint32_t rows,
                          qn_block_segment *segment, qn_error *err);
/* The same for STR when the caller has most values once already: row i has the value column->values[ids[i]].  Each of the
 * value_count values belongs to at least one row; equal ones may be among them. */
qn_status qn_block_encode_numbered(qn_block_builder *builder, const qn_block_column_in *column, const uint32_t *ids,
                                   uint32_t value_count, uint32_t rows, qn_block_segment *segment, qn_error *err);
void      qn_block_segment_free(qn_block_segment *segment);
/* Write header and segments to `path` (created, must not exist), sync it.  number and table_id go into
 * the header, so that a misplaced file is noticed.  On failure nothing is left at path. */
qn_status qn_block_write(qn_env *env, const char *path, uint64_t table_id, uint64_t number, uint32_t rows,
                         const qn_block_segment *segments, uint32_t columns, qn_block_info *info,
                         qn_error *err);

/* ---- reading ------------------------------------------------------------------------------- */

typedef struct qn_block qn_block;

/* Map and check the header (magic, version, checksum, identity, section bounds).  One reference. */
qn_status qn_block_open(qn_env *env, const char *path, uint64_t table_id, uint64_t number,
                        uint64_t content_hash, qn_block **block, qn_error *err);
void      qn_block_ref(qn_block *block);
void      qn_block_unref(qn_block *block);

typedef enum qn_col_kind { QN_COL_DICT, QN_COL_RAW } qn_col_kind;

typedef struct qn_block_column {
    qn_type     type;
    qn_bank     bank;
    qn_col_kind kind;
    uint32_t    rows, null_count;
    uint32_t    distinct;      /* of stored forms, NULL not counted; exact for RAW columns too */
    uint32_t    max_count;     /* of the most frequent value */
    uint32_t    max_count_code;
    uint32_t    count_log2[20];/* how many values occur in [2^i, 2^(i+1)) rows; DICT only */
    qn_datum    min, max;      /* of non-NULL values; for STR see qn_block_strings(1) and (distinct) */
    uint8_t     code_bits;     /* enough for code `distinct` */
    uint64_t    bytes_values, bytes_counts, bytes_codes, bytes_hashes, bytes_lengths, bytes_trigrams;
    uint32_t    units_packed, units_run, units_exception, units_local; /* form of each unit of codes */
} qn_block_column;

uint32_t               qn_block_rows(const qn_block *block);
uint32_t               qn_block_columns(const qn_block *block);
const qn_block_column *qn_block_column_at(const qn_block *block, uint32_t column);
uint64_t               qn_block_bytes(const qn_block *block);

/* Bytes of sections that the calling thread has read through the functions below, in all blocks and so far: by the
 * units, groups and chunks that were decoded, not by what was asked for; single rows count a cache line each.  What
 * it read between two calls is the difference.  Whoever follows the pointer to hashes counts them
 * with qn_block_touch; the checksum of a section's first touch is not counted. */
uint64_t qn_block_touched(void);
void     qn_block_touch(uint64_t bytes);

/* What this thread first looked at of `before` it will probably want of `block` too: begin to bring that in.  For
 * scans, at the beginning of a block for that and the next QN_AHEAD_BLOCKS; `before` may be NULL and need not exist any more.
 * Costs nothing when all of `before` had been seen already. */
#define QN_AHEAD_BLOCKS 4u /* sections are small and disks like many requests at a time */
void qn_block_ahead(const qn_block *before, qn_block *block);

/* QN_IO when a page of the mapping could not be read and was replaced by zeros.  Reading functions ask by
 * themselves; ask again after using what qn_block_hashes points to. */
qn_status qn_block_readable(const qn_block *block, qn_error *err);

/* DICT columns.  Codes are 1-based; every function checks first..first+count-1 against distinct. */

/* Fixed-width banks: decode values of codes first.. into an array of the bank.  NUM: slots point into
 * arena where a value is long. */
qn_status qn_block_values(qn_block *block, uint32_t column, uint32_t first, uint32_t count, void *out,
                          qn_arena *arena, qn_error *err);
/* The same as 64-bit integers with their sign: banks BOOL, I16, I32, I64 (dates and timestamps are among them). */
qn_status qn_block_values_i64(qn_block *block, uint32_t column, uint32_t first, uint32_t count,
                              int64_t *out, qn_error *err);
/* STR: the slots point into `arena` (or the map). Whole chunks are decoded; ask in code order. */
qn_status qn_block_strings(qn_block *block, uint32_t column, uint32_t first, uint32_t count, qn_str *out,
                           qn_arena *arena, qn_error *err);
/* Any bank: the values of `count` arbitrary codes (0 is skipped, its slot zeroed); chunks are decoded once
 * when codes come in ascending runs. */
qn_status qn_block_gather(qn_block *block, uint32_t column, const uint32_t *codes, uint32_t count,
                          void *out, qn_arena *arena, qn_error *err);
qn_status qn_block_counts(qn_block *block, uint32_t column, uint32_t first, uint32_t count, uint32_t *out,
                          qn_error *err);
/* STR only: identities in code order, hashes[code - 1]; and byte lengths, character lengths. */
qn_status qn_block_hashes(qn_block *block, uint32_t column, const qn_hash128 **hashes, qn_error *err);
qn_status qn_block_lengths(qn_block *block, uint32_t column, uint32_t first, uint32_t count,
                           uint32_t *chars, qn_error *err);
qn_status qn_block_byte_lengths(qn_block *block, uint32_t column, uint32_t first, uint32_t count,
                                uint32_t *bytes, qn_error *err);
/* STR only: which chunks of 128 strings may contain `needle` (at least 3 ASCII bytes); sets bits in
 * chunks[] (one per chunk) or *all = true when the index cannot tell. */
qn_status qn_block_trigrams(qn_block *block, uint32_t column, const char *needle, size_t bytes,
                            uint64_t *chunks, bool *all, qn_error *err);
/* Binary search: *code = first code whose value is >= *value by qn_value_compare (distinct + 1 if none);
 * *equal_end = one past the last code SQL-equal to it (= *code when there is none). */
qn_status qn_block_search(qn_block *block, uint32_t column, const qn_datum *value, uint32_t *code,
                          uint32_t *equal_end, qn_error *err);

/* Codes in row order: rows row..row+count-1. */
qn_status qn_block_codes(qn_block *block, uint32_t column, uint32_t row, uint32_t count, uint32_t *out,
                         qn_error *err);
/* Codes of single rows, ascending. */
qn_status qn_block_codes_at(qn_block *block, uint32_t column, const uint32_t *rows, uint32_t count,
                            uint32_t *out, qn_error *err);

/* The rows of every code, ascending, derived by a counting scatter: those of code c are
 * rows[starts[c] .. starts[c + 1] - 1].  starts has distinct + 2 entries, rows one per row of the block. */
qn_status qn_block_row_lists(qn_block *block, uint32_t column, uint32_t *starts, uint32_t *rows,
                             qn_error *err);

/* A set of codes: an inclusive range, or one bit per code 0..distinct. */
typedef struct qn_codeset {
    bool      is_range;
    uint32_t  lo, hi;  /* empty when lo > hi */
    uint64_t *bits;
} qn_codeset;

/* Keep in rows[] (a bitmap of the block's rows, QN_BLOCK_ROWS/64 words allocated, bits beyond the last row
 * zero) only rows row_begin..row_end-1 whose code is in the set; row_begin is a multiple of 1024.  Units
 * already empty in rows[] are skipped, units decided by base and width are not unpacked.  *kept counts
 * the rows that remain in the range. */
qn_status qn_block_select(qn_block *block, uint32_t column, const qn_codeset *set, uint32_t row_begin,
                          uint32_t row_end, uint64_t *rows, uint32_t *kept, qn_error *err);

/* RAW columns. Values of rows row.. in row order, or of single ascending rows; nulls as a bitmap from bit 0
 * (all words written; may be NULL when null_count is 0). */
qn_status qn_block_raw(qn_block *block, uint32_t column, uint32_t row, uint32_t count, void *out,
                       uint64_t *nulls, qn_arena *arena, qn_error *err);
qn_status qn_block_raw_at(qn_block *block, uint32_t column, const uint32_t *rows, uint32_t count, void *out,
                          uint64_t *nulls, qn_arena *arena, qn_error *err);
/* Smallest and largest value of the unit that holds `row` (integer banks; false: not known). */
bool qn_block_raw_bounds(qn_block *block, uint32_t column, uint32_t row, int64_t *lo, int64_t *hi);

/* Verify every section and every invariant: sorted values, counts summing to rows, codes in range and
 * agreeing with counts, hashes and lengths agreeing with the strings.  For `quern check` and tests. */
qn_status qn_block_check(qn_block *block, qn_error *err);

#endif
