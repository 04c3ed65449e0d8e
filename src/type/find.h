/* Substring search in bytes, with or without regard to ASCII case. */
#ifndef QN_TYPE_FIND_H
#define QN_TYPE_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include "base/cpu.h"

#define QN_NOT_FOUND ((size_t)-1)

/* Offset of the first occurrence of the needle (0 when the needle is empty), or QN_NOT_FOUND. */
size_t qn_find(const char *s, size_t n, const char *needle, size_t m);
/* The same ignoring the case of ASCII letters; the needle must be in lower case. */
size_t qn_find_icase(const char *s, size_t n, const char *needle, size_t m);
/* Do the m bytes at s equal the lower-case needle, ignoring the case of ASCII letters? */
bool qn_equal_icase(const char *s, const char *needle, size_t m);

/* By the build for one instruction set, for tests; QN_NOT_FOUND - 1 when this machine lacks it. */
size_t qn_find_isa(qn_isa isa, bool icase, const char *s, size_t n, const char *needle, size_t m);

static inline char qn_ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
static inline char qn_ascii_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}
static inline bool qn_ascii_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

#endif
