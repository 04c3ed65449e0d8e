/* LIKE and ILIKE patterns, compiled once and matched many times.
 *
 * A compiled pattern is immutable and may be shared by threads.  Matching allocates nothing and cannot
 * fail.  Text and pattern are valid UTF-8; `_` is one character; ILIKE folds ASCII letters only, as
 * PostgreSQL does in the C collation. */
#ifndef QN_TYPE_LIKE_H
#define QN_TYPE_LIKE_H

#include "base/str.h"

typedef struct qn_like qn_like;

/* Compile into arena (the pattern is copied).  escape is one character, given as its code point;
 * has_escape false: no character escapes (LIKE … ESCAPE '').  A pattern that ends with the escape compiles
 * and matches nothing; it is an error only for texts that match up to there. */
qn_status qn_like_compile(const char *pattern, size_t bytes, uint32_t escape, bool has_escape, bool icase,
                          qn_arena *arena, qn_like **like, qn_error *err);

bool qn_like_match(const qn_like *like, const char *s, size_t n);
/* For a text that did not match: whether matching it came to an escape that ends the pattern.  That is
 * PostgreSQL's error 22025, QN_LIKE_ENDS_IN_ESCAPE; texts that differ earlier, or end there, do not match. */
bool qn_like_ends_in_escape(const qn_like *like, const char *s, size_t n);
#define QN_LIKE_ENDS_IN_ESCAPE "LIKE pattern must not end with escape character"

/* ---- what the planner may know; all pointers live as long as the pattern ---- */

/* The one text the pattern matches; false when there are wildcards (or, for ILIKE, letters). */
bool qn_like_exact(const qn_like *like, const char **text, size_t *bytes);
/* Every text that matches begins with these bytes (perhaps none); returns how many.  *only is set when
 * the reverse holds too: the pattern is exactly the prefix and a final %. */
size_t qn_like_prefix(const qn_like *like, const char **prefix, bool *only);
/* Runs of bytes that every matching text contains, in this order and without overlap.  For ILIKE the
 * runs are cut at letters. */
size_t qn_like_literals(const qn_like *like, const qn_str **runs);
/* The longest of them, false when there is none: what a trigram index is asked for. */
bool qn_like_longest_literal(const qn_like *like, const char **run, size_t *bytes);
/* The same runs uncut: for ILIKE in lower case, and contained in any case.  NULL (and 0) when memory is refused. */
size_t qn_like_pieces(const qn_like *like, qn_arena *arena, const qn_str **runs);
/* True when the pattern matches every text: only % (at least one). */
bool qn_like_matches_all(const qn_like *like);
/* The text consists of at least this many bytes. */
size_t qn_like_min_bytes(const qn_like *like);

#endif
