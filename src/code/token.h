/* SQL text cut into tokens, for the program cache only: a normal form in which spaces and comments are gone,
 * plain names are folded, and the values of literals are left out. */
#ifndef QN_CODE_TOKEN_H
#define QN_CODE_TOKEN_H

#include "base/arena.h"
#include "type/type.h"

/* A number, or a string in plain quotes: what may be lifted out of the text. */
typedef struct qn_literal {
    uint32_t token;   /* index */
    uint32_t start, bytes;
    bool     string;
} qn_literal;

typedef struct qn_tokens {
    char       *normal; /* normal form: compared in full */
    size_t      normal_bytes;
    uint32_t    count;
    uint32_t   *starts; /* of each token in the text */
    qn_literal *literals;
    uint32_t    literal_count;
    bool        other_strings; /* E'', U&'', N'', $$, continued: strings whose text is not their value */
    size_t      consumed;      /* bytes up to and including the statement's semicolon */
} qn_tokens;

#define QN_TOKENS_MAX_BYTES 65536u

/* Cut the first statement of sql.  *cacheable is false, and nothing else is set, when it is not one that yields
 * rows from a program (SELECT, VALUES, WITH, TABLE, INSERT), is too long, or does not end where it should.  QN_NOMEM. */
qn_status qn_tokens_read(const char *sql, size_t bytes, qn_arena *arena, qn_tokens *tokens, bool *cacheable, qn_error *err);

/* What a literal's token means as text: quotes removed, doubled ones single.  NULL: no memory. */
const char *qn_literal_text(const char *sql, const qn_literal *literal, qn_arena *arena, size_t *bytes);

#endif
