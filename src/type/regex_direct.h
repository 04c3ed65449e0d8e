/* A matcher of our own for simple regular expressions, which most are. */
#ifndef QN_TYPE_REGEX_DIRECT_H
#define QN_TYPE_REGEX_DIRECT_H

#include "base/str.h"

#define QN_DIRECT_GROUPS 10 /* the whole and groups 1 to 9; further ones are not recorded */

typedef struct qn_direct qn_direct;

/* Compile an expression as qn_are_translate writes it; dotall and multiline as PCRE2 is told.  *out NULL (with
 * QN_OK): the expression is not simple.  Give it back with qn_direct_free. */
qn_status qn_direct_compile(const char *pattern, size_t bytes, bool dotall, bool multiline, qn_mem *mem,
                            qn_direct **out, qn_error *err);
void      qn_direct_free(qn_direct *d, qn_mem *mem); /* NULL is fine */

typedef struct qn_span {
    size_t begin, end; /* SIZE_MAX, when a group took no part */
} qn_span;

typedef enum qn_direct_result { QN_DIRECT_NONE, QN_DIRECT_MATCH, QN_DIRECT_GAVE_UP } qn_direct_result;

/* The first match at or after byte `start` of valid UTF-8, and its groups: what PCRE2 finds.  GAVE_UP: too many steps,
 * ask PCRE2. */
qn_direct_result qn_direct_find(const qn_direct *d, const char *s, size_t n, size_t start,
                                qn_span spans[QN_DIRECT_GROUPS]);

/* Texts that every match contains, in order: at most `room`, views that live as long as d.  *prefix: the first of them
 * stands at the beginning of the text. */
size_t qn_direct_required(const qn_direct *d, qn_str *out, size_t room, bool *prefix);

#endif
