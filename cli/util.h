/* What every file of the shell needs: memory that cannot fail, growing text, UTF-8.
 *
 * The shell is a program, not a library: when its own small allocations fail there is nobody left to
 * tell, so these functions print one line and leave with status 3.  The engine's memory is
 * accounted elsewhere and reports QN_NOMEM. */
#ifndef QN_CLI_UTIL_H
#define QN_CLI_UTIL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses that scripts rely on. */
enum {
    QN_EXIT_OK          = 0,
    QN_EXIT_SQL         = 1,
    QN_EXIT_USAGE       = 2,
    QN_EXIT_IO          = 3,
    QN_EXIT_INTERRUPTED = 130
};

/* Like malloc, realloc, strdup and strndup, but never NULL.  Freed with free(). */
void *qn_sh_alloc(size_t bytes);
void *qn_sh_realloc(void *old, size_t bytes);
char *qn_sh_strdup(const char *text);
char *qn_sh_strndup(const char *text, size_t bytes);

/* Growing text; data is NUL-terminated once anything was added.  {0} is the empty one. */
typedef struct qn_sh_buf {
    char  *data;
    size_t bytes;
    size_t capacity;
} qn_sh_buf;

void qn_sh_buf_add(qn_sh_buf *buf, const char *data, size_t bytes);
void qn_sh_buf_puts(qn_sh_buf *buf, const char *text);
void qn_sh_buf_putc(qn_sh_buf *buf, char c);
void qn_sh_buf_pad(qn_sh_buf *buf, size_t count, char c);
void qn_sh_buf_printf(qn_sh_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void qn_sh_buf_clear(qn_sh_buf *buf); /* keeps the memory */
void qn_sh_buf_free(qn_sh_buf *buf);
/* The text, "" when nothing was added. */
const char *qn_sh_buf_text(const qn_sh_buf *buf);
/* SQL quoting: 'it''s' and "odd""name". */
void qn_sh_buf_add_literal(qn_sh_buf *buf, const char *text);
void qn_sh_buf_add_identifier(qn_sh_buf *buf, const char *text);

/* Decode the character at text (bytes > 0): its code point, or -1 for a byte that is not UTF-8;
 * *length is how many bytes it takes, at least 1. */
int32_t qn_sh_utf8(const char *text, size_t bytes, size_t *length);
/* Screen columns of a code point: 0, 1 or 2; -1 for a control character. */
int qn_sh_width(int32_t code_point);

/* "a" equals "b" without regard to ASCII case. */
bool qn_sh_same(const char *a, const char *b);
bool qn_sh_is_ident_start(unsigned char c);
bool qn_sh_is_ident(unsigned char c);
bool qn_sh_is_space(unsigned char c);
/* Monotonic clock in milliseconds. */
double qn_sh_now_ms(void);

#endif
