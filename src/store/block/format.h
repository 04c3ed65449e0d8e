/* Block files on disk: every struct and constant, as docs/format.md ("Block files") describes them.
 *
 * All integers are little-endian; all structs lie at multiples of 8 bytes.  A file is
 *
 *     header | column descriptors, back to back | data of column 0 | ... | 64 zero bytes
 *
 * and the data of a column are its sections in the order of its descriptor, each padded to 8 bytes, so
 * sections cannot overlap by construction.  Packed integers are bit streams as in kern/kern.h.
 *
 * The zero bytes at the end let vector kernels read past the last packed value (QN_KERN_SLACK). */
#ifndef QN_STORE_BLOCK_FORMAT_H
#define QN_STORE_BLOCK_FORMAT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define QN_FMT_MAGIC "QNBLOCK\x1a"
#define QN_FMT_VERSION 2u /* 1 is still written when no column has QN_FMT_TEXT_CODECS */
#define QN_FMT_TAIL 64u
#define QN_FMT_MAX_COLUMNS 1600u

typedef struct qn_fmt_header {
    char     magic[8];
    uint32_t version;
    uint32_t columns;
    uint64_t table_id;
    uint64_t number;
    uint64_t header_bytes; /* this struct and all descriptors */
    uint64_t file_bytes;
    uint32_t rows;
    uint32_t reserved;     /* 0 */
    uint64_t checksum;     /* XXH3 of the 56 bytes before, seeded with XXH3 of the descriptors */
} qn_fmt_header;
static_assert(sizeof(qn_fmt_header) == 64 && offsetof(qn_fmt_header, checksum) == 56, "header layout");

/* What a section holds; names are for messages. */
#define QN_FMT_SECTIONS(X)                                                                         \
    X(VALUES, "values")     /* sorted distinct values of a fixed-width bank */                     \
    X(COUNTS, "counts")     /* rows per value */                                                   \
    X(CODES, "codes")       /* one code per row */                                                 \
    X(TEXT, "text")         /* sorted distinct strings in chunks */                                \
    X(HASHES, "hashes")     /* BLAKE3-128 per distinct string */                                   \
    X(LENGTHS, "lengths")   /* characters (and bytes, if different) per distinct string */         \
    X(TRIGRAMS, "trigrams") /* ASCII trigram -> chunks */                                          \
    X(RAW, "raw")           /* values in row order */                                              \
    X(NULLS, "nulls")       /* bitmap beside RAW */                                                \
    X(DICTIONARY, "dictionary") /* what chunks of TEXT are compressed with */
typedef enum qn_fmt_section_kind {
#define X(name, text) QN_SECTION_##name,
    QN_FMT_SECTIONS(X)
#undef X
    QN_SECTION_COUNT
} qn_fmt_section_kind;

/* How values of a fixed-width bank are written. */
typedef enum qn_fmt_value_form {
    QN_VALUES_INTEGER = 0, /* order-preserving 64-bit images, delta coded */
    QN_VALUES_SLOT16 = 1,  /* intervals: 16 bytes each */
    QN_VALUES_BYTES = 2,   /* numerics of mixed scale or size: packed bytes */
    QN_VALUES_TEXT = 3     /* in section TEXT */
} qn_fmt_value_form;

#define QN_FMT_BYTE_LENGTHS 1u /* flag: LENGTHS holds byte lengths after the character lengths */
#define QN_FMT_TEXT_CODECS  2u /* flag: chunks may have codecs above LZ4, there may be a DICTIONARY; since version 2 */
#define QN_FMT_DICTIONARY_BYTES 65536u /* at most */

/* A descriptor: this struct, sections[], histogram[], the smallest and the largest value, zero padding
 * to a multiple of 8. */
typedef struct qn_fmt_column {
    uint32_t descriptor_bytes;
    uint8_t  type; /* qn_sql_type */
    uint8_t  kind; /* qn_col_kind */
    uint8_t  section_count;
    uint8_t  histogram_count; /* leading entries of count_log2; the rest are 0 */
    int32_t  typmod;
    uint32_t null_count;
    uint32_t distinct;
    uint32_t max_count;
    uint32_t max_count_code;
    uint8_t  value_form; /* qn_fmt_value_form */
    uint8_t  scale;      /* NUMERIC in QN_VALUES_INTEGER: display scale of all values */
    uint8_t  flags;
    uint8_t  reserved;   /* 0 */
    uint16_t units_packed, units_run, units_exception, units_local;
    uint32_t min_bytes, max_bytes;
    uint64_t data_offset; /* from the beginning of the file */
    uint64_t data_bytes;
} qn_fmt_column;
static_assert(sizeof(qn_fmt_column) == 64 && offsetof(qn_fmt_column, data_offset) == 48, "layout");

typedef struct qn_fmt_section {
    uint64_t checksum;   /* XXH3 of its bytes, padding excluded */
    uint64_t kind_bytes; /* qn_fmt_section_kind << 56 | bytes */
} qn_fmt_section;
static_assert(sizeof(qn_fmt_section) == 16, "section layout");
#define QN_FMT_KIND_SHIFT 56

/* CODES: uint64_t unit[units], uint32_t offset[units] (of the payload, from the section's beginning),
 * payloads.  unit = lowest code : 20 | highest code : 20 | form : 2 | width : 5 | extra : 11 from bit 0,
 * lowest and highest exact.  Payload by form, `w` the width, `n` the unit's rows:
 *   PACKED     n codes - lowest at w
 *   RUNS       extra runs: their starts, then extra codes - lowest at w
 *   EXCEPTION  extra rows differ from a dominant code: u32 dominant, u32 base, positions, extra codes - base at w
 *   LOCAL      extra distinct codes, ascending, minus lowest, at w; then n indices at bits(extra - 1)
 * Starts and positions are 10 bits each when extra <= 102, otherwise a bitmap of 128 bytes. */
typedef enum qn_fmt_unit_form { QN_UNIT_PACKED, QN_UNIT_RUNS, QN_UNIT_EXCEPTION, QN_UNIT_LOCAL } qn_fmt_unit_form;
#define QN_FMT_UNIT_LO(u) ((uint32_t)((u) & 0xfffff))
#define QN_FMT_UNIT_HI(u) ((uint32_t)((u) >> 20 & 0xfffff))
#define QN_FMT_UNIT_FORM(u) ((unsigned)((u) >> 40 & 3))
#define QN_FMT_UNIT_WIDTH(u) ((unsigned)((u) >> 42 & 31))
#define QN_FMT_UNIT_EXTRA(u) ((uint32_t)((u) >> 47 & 0x7ff))
#define QN_FMT_UNIT_ENTRY_BYTES 12u
#define QN_FMT_POSITIONS_MAX 102u /* beyond, 10 bits each exceed the bitmap */
#define QN_FMT_BITMAP_BYTES 128u

/* VALUES, INTEGER form: uint32_t offset[units], then per unit of 1024 values this and the packed deltas:
 * value[0] = base, value[i] = value[i-1] + 1 + delta[i-1].  After the deltas come `exceptions` positions
 * (u16) and as many high parts (high_bytes each) to be added shifted left by width. */
typedef struct qn_fmt_values_unit {
    uint64_t base;
    uint8_t  width;
    uint8_t  high_bytes;
    uint16_t exceptions;
} qn_fmt_values_unit; /* 12 bytes on disk, unaligned: read by field */
#define QN_FMT_VALUES_UNIT_BYTES 12u

/* Patched arrays of u32 (COUNTS minus one, LENGTHS) per group of 128: uint32_t offset[groups], then per
 * group a word width : 6 | high_bytes : 3 | exceptions : 7 | base : 16, the values minus base at width,
 * positions (u8), high parts. */
#define QN_FMT_GROUP 128u

/* TEXT: uint64_t offset[chunks + 1], chunks.  A chunk is a word raw bytes : 56 | codec : 8 (codec on top)
 * and its payload.  Raw bytes: per string varint(shared prefix with the one before), varint(rest), then
 * all rests. */
typedef enum qn_fmt_codec {
    QN_CHUNK_STORED = 0,
    QN_CHUNK_LZ4 = 1,
    QN_CHUNK_LZ4_DICTIONARY = 2, /* with the column's DICTIONARY, which is there */
    QN_CHUNK_ZSTD = 3            /* with the column's DICTIONARY if it has one */
} qn_fmt_codec;

/* TRIGRAMS: u32 count, u32 chunks, u32 entry[count] = trigram : 21 << 11 | list bytes : 11, ascending;
 * u32 anchor[(count + 63) / 64], the offset of every 64th list from the beginning of the lists; lists.
 * A list of (chunks + 7) / 8 bytes is a bitmap, a shorter one varint differences (first from -1, minus
 * one), an empty one says that the trigram is in too many chunks to be listed. */

/* RAW: this per unit of 1024 rows, then payloads: image - lo at width.  lo > hi: only NULLs. */
typedef struct qn_fmt_raw_unit {
    uint64_t lo, hi;
    uint32_t offset;
    uint32_t width;
} qn_fmt_raw_unit;
static_assert(sizeof(qn_fmt_raw_unit) == 24, "raw unit layout");

#endif
