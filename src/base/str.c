/* Text buffers and UTF-8.
 *
 * Validity of UTF-8 follows the Unicode Standard, table 3-7: the second byte of a sequence is
 * restricted after E0, ED, F0 and F4, which excludes overlong forms, surrogates and values above
 * U+10FFFF.  Runs of ASCII are skipped eight bytes at a time. */
#include "base/str.h"

#include <stdio.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/assert.h"

bool qn_str_copy(qn_arena *arena, const qn_str *s, qn_str *out)
{
    if (s->bytes <= QN_STR_INLINE) {
        *out = *s;
        return true;
    }
    const char *copy = qn_arena_dup(arena, s->data, s->bytes);
    if (!copy)
        return false;
    *out = qn_str_of(copy, s->bytes);
    return true;
}

/* ---- buffers -------------------------------------------------------------------------------- */

/* What data points at before the first byte is written, so that it can always be read as text.
 * Never written. */
static char empty_text[1];

void qn_buf_init(qn_buf *buf, qn_mem *mem)
{
    *buf = (qn_buf){.mem = mem, .data = empty_text};
}

void qn_buf_deinit(qn_buf *buf)
{
    if (buf->capacity)
        qn_free(buf->mem, buf->data, buf->capacity);
    qn_buf_init(buf, buf->mem);
}

void qn_buf_clear(qn_buf *buf)
{
    buf->bytes  = 0;
    buf->failed = false;
    if (buf->capacity)
        buf->data[0] = 0;
}

/* Room for `more` bytes and the NUL. */
bool qn_buf_reserve(qn_buf *buf, size_t more)
{
    if (buf->failed)
        return false;
    size_t need;
    if (__builtin_add_overflow(buf->bytes, more, &need) || need > PTRDIFF_MAX) {
        buf->failed = true;
        return false;
    }
    if (need < buf->capacity)
        return true;
    size_t capacity = buf->capacity < 32 ? 64 : buf->capacity * 2;
    if (capacity <= need)
        capacity = need + 1;
    char *data = qn_realloc(buf->mem, buf->capacity ? buf->data : NULL, buf->capacity, capacity);
    if (!data) {
        buf->failed = true;
        return false;
    }
    if (buf->capacity == 0)
        data[0] = 0;
    buf->data     = data;
    buf->capacity = capacity;
    return true;
}

void qn_buf_add(qn_buf *buf, const void *data, size_t bytes)
{
    if (bytes == 0 || !qn_buf_reserve(buf, bytes))
        return;
    memcpy(buf->data + buf->bytes, data, bytes);
    buf->bytes += bytes;
    buf->data[buf->bytes] = 0;
}

void qn_buf_puts(qn_buf *buf, const char *z)
{
    qn_buf_add(buf, z, strlen(z));
}

void qn_buf_putc(qn_buf *buf, char c)
{
    qn_buf_add(buf, &c, 1);
}

void qn_buf_printf(qn_buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    size_t room = buf->failed || buf->capacity == 0 ? 0 : buf->capacity - buf->bytes;
    int    n    = vsnprintf(room ? buf->data + buf->bytes : NULL, room, format, args);
    if (n < 0) {
        buf->failed = true;
    } else if ((size_t)n >= room && qn_buf_reserve(buf, (size_t)n)) {
        vsnprintf(buf->data + buf->bytes, (size_t)n + 1, format, again);
    }
    if (!buf->failed)
        buf->bytes += (size_t)n;
    else if (room)
        buf->data[buf->bytes] = 0; /* take the cut attempt back */
    va_end(again);
    va_end(args);
}

/* Bytes that are not UTF-8 become U+FFFD: JSON has no way to hold them. */
void qn_buf_json(qn_buf *buf, const char *s, size_t bytes)
{
    qn_buf_putc(buf, '"');
    size_t i = 0;
    while (i < bytes) {
        size_t run = i;
        while (run < bytes && (unsigned char)s[run] >= 0x20 && (unsigned char)s[run] < 0x80 &&
               s[run] != '"' && s[run] != '\\')
            run++;
        qn_buf_add(buf, s + i, run - i);
        i = run;
        if (i == bytes)
            break;
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x80) {
            uint32_t cp;
            int      n = qn_utf8_decode(s + i, bytes - i, &cp);
            if (n)
                qn_buf_add(buf, s + i, (size_t)n);
            else
                qn_buf_puts(buf, "\\ufffd");
            i += n ? (size_t)n : 1;
            continue;
        }
        switch (c) {
        case '"': qn_buf_puts(buf, "\\\""); break;
        case '\\': qn_buf_puts(buf, "\\\\"); break;
        case '\b': qn_buf_puts(buf, "\\b"); break;
        case '\f': qn_buf_puts(buf, "\\f"); break;
        case '\n': qn_buf_puts(buf, "\\n"); break;
        case '\r': qn_buf_puts(buf, "\\r"); break;
        case '\t': qn_buf_puts(buf, "\\t"); break;
        default: qn_buf_printf(buf, "\\u%04x", c); break;
        }
        i++;
    }
    qn_buf_putc(buf, '"');
}

/* ---- UTF-8 ---------------------------------------------------------------------------------- */

#define HIGH_BITS 0x8080808080808080u
#define LOW_BITS 0x0101010101010101u

static uint64_t load64(const char *p)
{
    uint64_t x;
    memcpy(&x, p, 8);
    return x;
}

int qn_utf8_decode(const char *s, size_t bytes, uint32_t *cp)
{
    if (bytes == 0)
        return 0;
    const unsigned char *p = (const unsigned char *)s;
    if (p[0] < 0x80) {
        *cp = p[0];
        return 1;
    }
    if (p[0] < 0xC2 || p[0] > 0xF4)
        return 0;
    int n = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (bytes < (size_t)n)
        return 0;
    unsigned char lo = 0x80, hi = 0xBF; /* of the second byte */
    switch (p[0]) {
    case 0xE0: lo = 0xA0; break;
    case 0xED: hi = 0x9F; break;
    case 0xF0: lo = 0x90; break;
    case 0xF4: hi = 0x8F; break;
    default: break;
    }
    if (p[1] < lo || p[1] > hi)
        return 0;
    uint32_t value = (p[0] & (0x7Fu >> n)) << 6 | (p[1] & 0x3Fu);
    for (int i = 2; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (p[i] & 0x3Fu);
    }
    *cp = value;
    return n;
}

int qn_utf8_encode(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        if (cp >= 0xD800 && cp < 0xE000)
            return 0;
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    if (cp > 0x10FFFF)
        return 0;
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

size_t qn_utf8_valid(const char *s, size_t bytes)
{
    size_t i = 0;
    while (i < bytes) {
        while (bytes - i >= 16 && ((load64(s + i) | load64(s + i + 8)) & HIGH_BITS) == 0)
            i += 16;
        /* The block is short or holds a longer sequence: walk until the text is plain again. */
        size_t stop = bytes - i >= 16 ? i + 16 : bytes;
        while (i < stop) {
            uint32_t cp;
            int      n = qn_utf8_decode(s + i, bytes - i, &cp);
            if (n == 0)
                return i;
            i += (size_t)n;
        }
    }
    return bytes;
}

/* One bit per continuation byte (10xxxxxx) of eight bytes. */
static uint64_t continuation_bits(uint64_t x)
{
    return (x >> 7) & ~(x >> 6) & LOW_BITS;
}

#if defined(__SSE2__)
/* Continuation bytes of whole vectors of 16: the bytes that are, taken as signed, below -64. */
static size_t count_vectors(const char *s, size_t bytes, size_t *at)
{
    const __m128i limit = _mm_set1_epi8(-64);
    __m128i       total = _mm_setzero_si128();
    for (; bytes - *at >= 16;) {
        __m128i count = _mm_setzero_si128();
        for (int i = 0; i < 255 && bytes - *at >= 16; i++, *at += 16) /* a byte counts to 255 */
            count = _mm_sub_epi8(count, _mm_cmplt_epi8(_mm_loadu_si128((const __m128i *)(const void *)(s + *at)), limit));
        total = _mm_add_epi64(total, _mm_sad_epu8(count, _mm_setzero_si128()));
    }
    if (bytes >= 16 && *at < bytes) { /* the last vector again, without what is counted */
        static const uint8_t mask[32] = {[16 ... 31] = 1};
        __m128i last = _mm_cmplt_epi8(_mm_loadu_si128((const __m128i *)(const void *)(s + bytes - 16)), limit);
        __m128i rest = _mm_loadu_si128((const __m128i *)(const void *)(mask + (bytes - *at)));
        total = _mm_add_epi64(total, _mm_sad_epu8(_mm_and_si128(last, rest), _mm_setzero_si128()));
        *at = bytes;
    }
    return (size_t)_mm_cvtsi128_si64(total) + (size_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(total, total));
}
#else
static size_t count_vectors(const char *s, size_t bytes, size_t *at)
{
    (void)s, (void)bytes, (void)at;
    return 0;
}
#endif

/* How many of continuation_bits(): a multiplication, for the base build has no instruction that counts. */
static size_t count_bits(uint64_t bits) { return (size_t)(bits * LOW_BITS >> 56); }

size_t qn_utf8_count(const char *s, size_t bytes)
{
    size_t i = 0, continuations = count_vectors(s, bytes, &i);
    for (; bytes - i >= 8; i += 8)
        continuations += count_bits(continuation_bits(load64(s + i)));
    for (; i < bytes; i++)
        continuations += ((unsigned char)s[i] & 0xC0) == 0x80;
    return bytes - continuations;
}

size_t qn_utf8_offset(const char *s, size_t bytes, size_t chars)
{
    size_t i = 0;
    while (bytes - i >= 8) {
        size_t starts = 8 - count_bits(continuation_bits(load64(s + i)));
        if (starts > chars)
            break; /* the character begins in these eight bytes */
        chars -= starts;
        i += 8;
    }
    for (; i < bytes; i++) {
        if (((unsigned char)s[i] & 0xC0) == 0x80)
            continue;
        if (chars == 0)
            return i;
        chars--;
    }
    return bytes;
}

static unsigned char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : (unsigned char)c;
}

bool qn_streq_ci(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}
