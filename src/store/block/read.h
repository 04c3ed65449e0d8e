/* Inside the reader: an open block, its columns, and how sections come to be trusted.
 *
 *   block.c       open, reference counts, sections verified on first touch
 *   values.c      values, counts, gather, search of DICT columns
 *   codes.c       codes in row order: unpack, single rows, select, row lists
 *   raw.c         RAW columns
 *   text.c        strings, hashes, lengths;  codec.c decompression;  trigram.c
 *   check.c       the slow full check, and re-sealing for tests and fuzzers
 *
 * The rule: a section's checksum and everything in it that steers a read (widths, counts, offsets,
 * positions, the largest code) is proved once, by qn_block_section, before anything else looks at
 * it. Readers then run without tests.  Chunks of text are the exception: they prove themselves each
 * time. */
#ifndef QN_STORE_BLOCK_READ_H
#define QN_STORE_BLOCK_READ_H

#include <stdatomic.h>
#include "base/assert.h"
#include "store/block/block.h"
#include "store/block/pack.h"

#define MAX_STRING_BYTES ((uint64_t)1 << 30) /* PostgreSQL's limit is a little below */

typedef struct section_state {
    const uint8_t *p; /* NULL: the column has no such section */
    uint64_t       bytes, checksum;
} section_state;

typedef struct column_state {
    qn_block_column pub;
    uint8_t         value_form, scale, flags;
    uint64_t        data_offset;
    section_state   section[QN_SECTION_COUNT];
    /* Bit per section kind that has been verified: set by whichever reader was first (release),
     * read by all (acquire).  Two readers may verify the same section; both find the same. */
    _Atomic uint32_t verified;
    /* Bit per section kind that is being brought in; relaxed, a lost bit costs a second hint. */
    _Atomic uint32_t expected;
    /* STR: the dictionary as zstd wants it, made by whichever reader was first. */
    _Atomic(struct ZSTD_DDict_s *) digested;
    /* STR: bit per chunk whose text is known to be valid; relaxed, a lost bit costs a second check.
     */
    _Atomic uint64_t *valid_chunks;
} column_state;

struct qn_block {
    qn_env          *env;
    _Atomic uint32_t refs;
    qn_map           map;
    void            *copy; /* not NULL: map.data is this memory of ours, not a mapping */
    char            *path;
    uint32_t         rows, column_count, version;
    uint64_t         number;
    qn_arena         arena; /* columns, bounds, path */
    _Atomic(struct ZSTD_DCtx_s *) spare_zstd; /* a decompression context that nobody uses */
    column_state    *columns;
};

/* QN_CORRUPT that names file, column, section and offset. */
qn_status qn_block_damaged(const qn_block *block, uint32_t column, qn_fmt_section_kind kind,
                           uint64_t offset, const char *what, qn_error *err);
/* Verify a section on first touch.  A section that must be there and is not is damage. */
qn_status               qn_block_verify(qn_block *block, uint32_t column, qn_fmt_section_kind kind,
                                        qn_error *err);
static inline qn_status qn_block_section(qn_block *block, uint32_t column, qn_fmt_section_kind kind,
                                         qn_error *err)
{
    uint32_t done = atomic_load_explicit(&block->columns[column].verified, memory_order_acquire);
    return QN_LIKELY(done >> kind & 1) ? QN_OK : qn_block_verify(block, column, kind, err);
}
/* For qn_block_touched: one number per thread, only ever added to, so that reading functions need no argument for
 * it. */
extern __attribute__((visibility("hidden"), tls_model("initial-exec"))) _Thread_local uint64_t qn_block_thread_bytes;
static inline void qn_touch(uint64_t bytes)
{
    qn_block_thread_bytes += bytes;
}
#define QN_TOUCH_LINE 64u /* what a single value costs */
/* `count` of a section's `total` equal parts. */
static inline void qn_touch_part(const section_state *section, uint64_t count, uint64_t total)
{
    uint64_t bytes = total ? section->bytes * count / total : 0;
    qn_touch(bytes > QN_TOUCH_LINE || !section->bytes ? bytes : QN_TOUCH_LINE);
}

/* Arguments of a call about codes first..first+count-1 of a DICT column; bank NONE: any. */
qn_status qn_block_need_codes(qn_block *block, uint32_t column, qn_bank bank, uint32_t first,
                              uint32_t count, qn_error *err);

bool      qn_text_check(const uint8_t *p, uint64_t bytes, uint32_t distinct);
qn_status qn_text_gather(qn_block *block, uint32_t column, const uint32_t *codes, uint32_t count,
                         qn_str *out, qn_arena *arena, qn_error *err);
bool      qn_trigrams_check(const uint8_t *p, uint64_t bytes, uint32_t distinct);
bool      qn_codes_check(const uint8_t *p, uint64_t bytes, uint32_t rows, uint32_t distinct,
                         uint64_t *where);
bool      qn_byte_values_check(const uint8_t *p, uint64_t bytes, uint32_t distinct);
bool      qn_raw_check(const uint8_t *p, uint64_t bytes, uint32_t rows);

/* For tests and fuzzers: recompute every checksum of a changed file image, as far as its structure
 * can still be followed.  Returns the content hash to open it with, 0 when there is no header to
 * repair. */
uint64_t qn_block_reseal(void *data, size_t bytes);

#endif
