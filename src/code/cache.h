/* The program cache: compiled statements by their normalised text.
 *
 * Two texts share a program when they are the same tokens (comments and spaces aside, plain names folded) but for
 * literals that the program reads from its constant table and from nowhere else.  Whatever else a literal decides
 * (a position in ORDER BY, a modifier of a type, the length of a list, what was folded away) stays part of the
 * key.  Results are never cached.
 *
 * The cache holds references to what its user compiled ("owner": statement, plan and program in one arena) and
 * never looks inside beyond the program. */
#ifndef QN_CODE_CACHE_H
#define QN_CODE_CACHE_H

#include "code/program.h"

typedef struct qn_code_cache qn_code_cache;

typedef struct qn_code_cache_limits {
    uint32_t max_entries; /* 0: nothing is kept */
    uint64_t max_bytes;   /* of owners and keys together */
} qn_code_cache_limits;

/* What binding depends on besides the text. */
typedef struct qn_code_key {
    uint64_t       schema_version;
    uint64_t       settings_hash; /* search path, time zone, planner settings …: the caller's choice */
    uint32_t       param_count;   /* declared parameter types */
    const qn_type *param_types;
} qn_code_key;

typedef struct qn_code_hit {
    void             *owner;   /* NULL: a miss, and nothing else is set; else the caller has a reference */
    const qn_program *program; /* the owner's, with this text's constants; lives in the caller's arena */
    size_t            consumed;/* bytes of the text up to and including the statement's semicolon */
    /* where tokens begin in the text compiled and in the current one */
    const uint32_t   *compiled_starts, *starts;
    uint32_t          token_count;
    uint32_t          bytes;   /* of the current text */
} qn_code_hit;

typedef struct qn_code_cache_stats {
    uint64_t hits, misses, insertions, evictions;
    uint32_t entries;
    uint64_t bytes;
} qn_code_cache_stats;

/* ref and unref count references to owners; they are called with no latch held, from any thread. */
qn_status qn_code_cache_new(qn_mem *mem, const qn_code_cache_limits *limits, void (*ref)(void *owner),
                            void (*unref)(void *owner), qn_code_cache **cache, qn_error *err);
void      qn_code_cache_free(qn_code_cache *cache);

/* Find the program of the first statement of sql.  Literals are read under `set`; one that does not parse makes a
 * miss, because only the compiler knows which error comes first.  Pieces of *hit live in arena and point into the
 * owner: keep both while it runs.  QN_NOMEM. */
qn_status qn_code_cache_lookup(qn_code_cache *cache, const qn_code_key *key, const char *sql, size_t bytes,
                               const qn_text_settings *set, qn_arena *arena, qn_code_hit *hit, qn_error *err);

/* Keep a program that was compiled from exactly this text (locations count from sql[0]).  The owner must keep
 * sql's program alive; owner_bytes is what it takes.  *stored is false for statements that cannot be shared.  Takes
 * a reference of its own when stored.  An older program of the same statement is replaced. */
qn_status qn_code_cache_insert(qn_code_cache *cache, const qn_code_key *key, const char *sql, size_t bytes,
                               const qn_program *program, void *owner, uint64_t owner_bytes, bool *stored, qn_error *err);

/* Forget everything (the schema changed). */
void qn_code_cache_clear(qn_code_cache *cache);
void qn_code_cache_read_stats(qn_code_cache *cache, qn_code_cache_stats *stats);

/* Errors raised by a shared program carry locations of the text it was compiled from: the same place in the
 * current text.  -1 stays -1. */
int32_t qn_code_hit_locate(const qn_code_hit *hit, int32_t location);

#endif
