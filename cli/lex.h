/* Where a statement ends: a scanner over SQL text that arrives line by line.
 *
 * It knows just enough of SQL's lexical rules to tell a `;` that ends a statement from one inside
 * quotes, dollar quotes, comments or parentheses, and finds backslash commands and psql variables
 * on the way.  It does not know keywords. */
#ifndef QN_CLI_LEX_H
#define QN_CLI_LEX_H

#include "util.h"

typedef enum qn_sh_lex_state {
    QN_SH_LEX_NORMAL,
    QN_SH_LEX_QUOTE,      /* '…' */
    QN_SH_LEX_ESCAPE,     /* E'…' */
    QN_SH_LEX_IDENTIFIER, /* "…" */
    QN_SH_LEX_DOLLAR,     /* $tag$…$tag$ */
    QN_SH_LEX_COMMENT     /* nested comments */
} qn_sh_lex_state;

typedef struct qn_sh_lex {
    qn_sh_lex_state state;
    int             comment_depth;
    int             paren_depth;
    bool            joined;  /* `\;` put several statements together */
    char            tag[64]; /* of the dollar quote, with both $ */
} qn_sh_lex;

typedef enum qn_sh_lex_end {
    QN_SH_LEX_END_OF_TEXT, /* nothing ended: more text is needed */
    QN_SH_LEX_SEMICOLON,   /* out holds a statement, its `;` included */
    QN_SH_LEX_BACKSLASH    /* *at is behind a backslash: a command follows */
} qn_sh_lex_end;

/* The value of a variable, or NULL; borrowed until the next call. */
typedef const char *(*qn_sh_lookup_fn)(void *arg, const char *name);

/* Scan line from *at on, appending to out what belongs to the statement; blanks before the first
 * token are dropped.  Substitutes :name, :'name', :"name" and :{?name} where lookup is not NULL: line
 * is then changed in place. */
qn_sh_lex_end qn_sh_lex_scan(qn_sh_lex *lex, qn_sh_buf *line, size_t *at, qn_sh_buf *out,
                             qn_sh_lookup_fn lookup, void *arg);
/* What the prompt shows: '=' at the start of a statement, '-' inside one, or the open quote,
 * dollar sign, '*' for a comment, '('. */
char qn_sh_lex_prompt(const qn_sh_lex *lex, bool inside_statement);
/* The next statement of a complete text, from *at on: its start and length (with the `;`), false when
 * only blanks and comments are left. */
bool qn_sh_lex_next(const char *text, size_t bytes, size_t *at, size_t *start, size_t *length);
/* True when text holds something besides blanks, comments and semicolons. */
bool qn_sh_lex_has_token(const char *text, size_t bytes);
/* The variable reference at text (a ':'): appends its expansion to value and returns the bytes of the
 * reference, 0 when there is none or the variable is not set. */
size_t qn_sh_lex_variable(const char *text, size_t bytes, qn_sh_lookup_fn lookup, void *arg,
                          qn_sh_buf *value);

#endif
