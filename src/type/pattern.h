/* What a constant pattern says about the texts it matches, for those who would rather not look at each of them. */
#ifndef QN_TYPE_PATTERN_H
#define QN_TYPE_PATTERN_H

#include "base/str.h"

/* Which operator: LIKE, or with these bits NOT …, ILIKE and ~*, ~. */
enum { QN_PATTERN_NOT = 1, QN_PATTERN_ICASE = 2, QN_PATTERN_REGEX = 4, QN_PATTERN_KINDS = 8 };

/* The kind of a function by its name ("texticnlike"), or -1 when it matches no patterns. */
int qn_pattern_kind(const char *function);

#define QN_PATTERN_LITERALS 8

/* Of the texts that match (for NOT: that do not pass). */
typedef struct qn_pattern_facts {
    bool   known; /* false: nothing, perhaps because the pattern is an error */
    qn_str prefix; /* they begin with it */
    bool   only;   /* and whatever begins with it matches */
    bool   exact;  /* it is the only one that matches */
    bool   icase;  /* literals: in any case, and given in lower case */
    size_t literal_count;
    qn_str literals[QN_PATTERN_LITERALS]; /* they contain each of these */
} qn_pattern_facts;

/* Memory from arena, which the facts may point into. */
qn_status qn_pattern_learn(int kind, const qn_str *pattern, qn_arena *arena, qn_pattern_facts *out, qn_error *err);

#endif
