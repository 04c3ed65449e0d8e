/* Memory, growing text and UTF-8 for the shell; see util.h for the rule about failing allocations. */
#include "util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <utf8proc.h>

static _Noreturn void out_of_memory(void)
{
    fputs("quern: out of memory\n", stderr);
    exit(QN_EXIT_IO);
}

void *qn_sh_alloc(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1);

    if (!memory)
        out_of_memory();
    return memory;
}

void *qn_sh_realloc(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes ? bytes : 1);

    if (!memory)
        out_of_memory();
    return memory;
}

char *qn_sh_strndup(const char *text, size_t bytes)
{
    char *copy = qn_sh_alloc(bytes + 1);

    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return copy;
}

char *qn_sh_strdup(const char *text)
{
    return qn_sh_strndup(text, strlen(text));
}

static void buf_reserve(qn_sh_buf *buf, size_t more)
{
    size_t need     = buf->bytes + more + 1;
    size_t capacity = buf->capacity ? buf->capacity : 64;

    if (need <= buf->bytes)
        out_of_memory();
    if (need <= buf->capacity)
        return;
    while (capacity < need)
        capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
    buf->data     = qn_sh_realloc(buf->data, capacity);
    buf->capacity = capacity;
}

void qn_sh_buf_add(qn_sh_buf *buf, const char *data, size_t bytes)
{
    buf_reserve(buf, bytes);
    if (bytes)
        memcpy(buf->data + buf->bytes, data, bytes);
    buf->bytes += bytes;
    buf->data[buf->bytes] = '\0';
}

void qn_sh_buf_puts(qn_sh_buf *buf, const char *text)
{
    qn_sh_buf_add(buf, text, strlen(text));
}

void qn_sh_buf_putc(qn_sh_buf *buf, char c)
{
    qn_sh_buf_add(buf, &c, 1);
}

void qn_sh_buf_pad(qn_sh_buf *buf, size_t count, char c)
{
    buf_reserve(buf, count);
    memset(buf->data + buf->bytes, c, count);
    buf->bytes += count;
    buf->data[buf->bytes] = '\0';
}

void qn_sh_buf_printf(qn_sh_buf *buf, const char *format, ...)
{
    va_list args;
    int     bytes;

    va_start(args, format);
    bytes = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (bytes < 0)
        return;
    buf_reserve(buf, (size_t)bytes);
    va_start(args, format);
    vsnprintf(buf->data + buf->bytes, (size_t)bytes + 1, format, args);
    va_end(args);
    buf->bytes += (size_t)bytes;
}

void qn_sh_buf_clear(qn_sh_buf *buf)
{
    buf->bytes = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

void qn_sh_buf_free(qn_sh_buf *buf)
{
    free(buf->data);
    *buf = (qn_sh_buf){0};
}

const char *qn_sh_buf_text(const qn_sh_buf *buf)
{
    return buf->data ? buf->data : "";
}

static void buf_add_quoted(qn_sh_buf *buf, const char *text, char quote)
{
    qn_sh_buf_putc(buf, quote);
    for (; *text; text++) {
        if (*text == quote)
            qn_sh_buf_putc(buf, quote);
        qn_sh_buf_putc(buf, *text);
    }
    qn_sh_buf_putc(buf, quote);
}

void qn_sh_buf_add_literal(qn_sh_buf *buf, const char *text)
{
    /* Backslashes are ordinary inside '…'; the E form is only needed by servers that disagree. */
    buf_add_quoted(buf, text, '\'');
}

void qn_sh_buf_add_identifier(qn_sh_buf *buf, const char *text)
{
    buf_add_quoted(buf, text, '"');
}

int32_t qn_sh_utf8(const char *text, size_t bytes, size_t *length)
{
    utf8proc_int32_t  code_point = -1;
    utf8proc_ssize_t  limit      = bytes > 4 ? 4 : (utf8proc_ssize_t)bytes;
    utf8proc_ssize_t  used = utf8proc_iterate((const utf8proc_uint8_t *)text, limit, &code_point);

    *length = used > 0 ? (size_t)used : 1;
    return used > 0 ? code_point : -1;
}

int qn_sh_width(int32_t code_point)
{
    if (code_point == 0)
        return 0;
    if (code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0))
        return -1;
    return utf8proc_charwidth(code_point);
}

bool qn_sh_same(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

bool qn_sh_is_ident_start(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

bool qn_sh_is_ident(unsigned char c)
{
    return qn_sh_is_ident_start(c) || (c >= '0' && c <= '9') || c == '$';
}

bool qn_sh_is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

double qn_sh_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}
