/* PostgreSQL's "advanced" regular expressions, rewritten for PCRE2. */
#ifndef QN_TYPE_REGEX_ARE_H
#define QN_TYPE_REGEX_ARE_H

#include "base/str.h"

/* What flag letters and embedded options set. */
enum {
    QN_ARE_ICASE    = 1,  /* i: ignore case (of ASCII letters) */
    QN_ARE_NLSTOP   = 2,  /* p: . and [^…] do not match a newline */
    QN_ARE_NLANCHOR = 4,  /* w: ^ and $ match at newlines too; n = p + w */
    QN_ARE_EXPANDED = 8,  /* x: white space and comments are ignored */
    QN_ARE_LITERAL  = 16, /* q: the pattern is a plain text */
    QN_ARE_EXTENDED = 32, /* e: a POSIX extended expression, without escapes */
    QN_ARE_BASIC    = 64, /* b: a POSIX basic expression */
    QN_ARE_GLOBAL   = 128 /* g: of the calling function, not of the expression */
};

/* Flag letters as the regexp_* functions take them, added to *flags.  22023 for an unknown letter.
 * In a flags argument PostgreSQL 15 takes `e` for `b`: it clears the bits of extended expressions too. */
qn_status qn_are_flags(const char *letters, size_t bytes, unsigned *flags, qn_error *err);

typedef struct qn_are {
    qn_buf   pattern;    /* for PCRE2 with UTF, DOLLAR_ENDONLY, ALT_CIRCUMFLEX, newline LF */
    qn_buf   literal;    /* the text, when is_literal; in lower case under ICASE */
    bool     is_literal; /* nothing but plain characters */
    unsigned flags;      /* after embedded options: NLSTOP false asks for DOTALL, NLANCHOR for MULTILINE */
    int      groups;     /* capturing parentheses */
    bool     backrefs;
    bool     shortest;   /* the whole match is the shortest possible, not the longest */
    bool     exact;      /* a Perl-style match surely has the extent PostgreSQL's rules give */
} qn_are;

/* Translate.  2201B with PostgreSQL's wording for a bad expression.
 * Give the buffers back with qn_are_deinit, also after an error. */
qn_status qn_are_translate(const char *re, size_t bytes, unsigned flags, qn_mem *mem, qn_are *out,
                           qn_error *err);
void      qn_are_deinit(qn_are *are);

#endif
