/* Byte strings of known length, and a growing text buffer.
 *
 * qn_str is the 16-byte string that flows through vectors (after Neumann and Freitag, "Umbra: A
 * Disk-Based System with In-Memory Performance", 2020): up to 12 bytes inline, longer ones a 4-byte
 * prefix and a pointer.  Bytes after an inline string are zero, so two inline strings compare as
 * 16-byte words.  SQL text is UTF-8 and compares bytewise. */
#ifndef QN_BASE_STR_H
#define QN_BASE_STR_H

#include <string.h>
#include "base/arena.h"

#define QN_STR_INLINE 12

typedef struct qn_str {
    uint32_t bytes;
    union {
        char inlined[QN_STR_INLINE];
        struct __attribute__((packed)) {
            char        prefix[4];
            const char *data;
        };
    };
} qn_str;
_Static_assert(sizeof(qn_str) == 16, "a string is one 16-byte slot");

static inline const char *qn_str_data(const qn_str *s)
{
    return s->bytes <= QN_STR_INLINE ? s->inlined : s->data;
}

/* A view of bytes that must outlive it (short strings are copied inside). */
static inline qn_str qn_str_of(const char *data, size_t bytes)
{
    qn_str s;
    memset(&s, 0, sizeof s);
    s.bytes = (uint32_t)bytes;
    if (bytes <= QN_STR_INLINE) {
        if (bytes)
            memcpy(s.inlined, data, bytes);
    } else {
        memcpy(s.prefix, data, 4);
        s.data = data;
    }
    return s;
}
static inline qn_str qn_str_lit(const char *z) { return qn_str_of(z, strlen(z)); }

static inline int qn_str_compare(const qn_str *a, const qn_str *b)
{
    uint32_t n = a->bytes < b->bytes ? a->bytes : b->bytes;
    int      c = n ? memcmp(qn_str_data(a), qn_str_data(b), n) : 0;
    return c ? c : (a->bytes > b->bytes) - (a->bytes < b->bytes);
}
static inline bool qn_str_equal(const qn_str *a, const qn_str *b)
{
    return a->bytes == b->bytes && memcmp(qn_str_data(a), qn_str_data(b), a->bytes) == 0;
}
/* Copy into the arena unless inline; false when memory is refused. */
bool qn_str_copy(qn_arena *arena, const qn_str *s, qn_str *out);

/* A growing, always NUL-terminated buffer with sticky failure: write on, then ask qn_buf_ok once. */
typedef struct qn_buf {
    qn_mem *mem;
    char   *data;
    size_t  bytes, capacity;
    bool    failed;
} qn_buf;

void  qn_buf_init(qn_buf *buf, qn_mem *mem);
void  qn_buf_deinit(qn_buf *buf);
void  qn_buf_clear(qn_buf *buf); /* keeps the memory, clears failure */
bool  qn_buf_reserve(qn_buf *buf, size_t more);
void  qn_buf_add(qn_buf *buf, const void *data, size_t bytes);
void  qn_buf_puts(qn_buf *buf, const char *z);
void  qn_buf_putc(qn_buf *buf, char c);
void  qn_buf_printf(qn_buf *buf, const char *format, ...) QN_PRINTF(2, 3);
void  qn_buf_json(qn_buf *buf, const char *s, size_t bytes); /* quoted and escaped */
static inline bool qn_buf_ok(const qn_buf *buf) { return !buf->failed; }

/* UTF-8.  qn_utf8_valid returns the offset of the first bad byte, or `bytes` when all is well
 * (overlong forms, surrogates and values above U+10FFFF are bad). */
size_t qn_utf8_valid(const char *s, size_t bytes);
size_t qn_utf8_count(const char *s, size_t bytes);              /* characters of valid text */
size_t qn_utf8_offset(const char *s, size_t bytes, size_t chars); /* byte offset of a character */
size_t
       qn_utf8_text(const char *s,
                    size_t      bytes); /* the same at the speed of vectors, and NUL is bad too (utf8.c) */
int    qn_utf8_decode(const char *s, size_t bytes, uint32_t *cp); /* length, 0 when invalid */
int    qn_utf8_encode(uint32_t cp, char out[4]);

bool qn_streq_ci(const char *a, const char *b); /* ASCII case only */

#endif
