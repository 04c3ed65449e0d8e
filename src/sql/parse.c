/* SQL text to PostgreSQL's parse tree, through libpg_query and protobuf-c.
 *
 * libpg_query keeps its state per thread, cleans it up when the thread ends, and allocates with
 * malloc; we charge an estimate of that to the statement's memory while it runs, so that the limit
 * holds.  It reports a message and a character position but no SQLSTATE: error_state() tells them
 * by the text.
 *
 * Not here: bounding the depth (scan.c) and choosing the stack (bind.c), both of which come before.
 */
#include "sql/sql_int.h"

#include <pg_query.h>

/* Upper bound of what libpg_query holds per token, measured over long VALUES lists and chains. */
#define PARSE_BYTES_PER_TOKEN 512u
#define PARSE_BYTES_FIXED     65536u

static void *unpack_alloc(void *arena, size_t bytes)
{
    return qn_arena_alloc(arena, bytes);
}
static void unpack_free(void *arena, void *p)
{
    (void)arena; /* the statement arena frees as a whole */
    (void)p;
}

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* The SQLSTATEs of PostgreSQL's scanner and grammar actions, which libpg_query does not pass on. */
static qn_sqlstate error_state(const char *message)
{
    if (has(message, "memory exhausted") || has(message, "stack depth limit")) {
        return QN_SQLSTATE_TOO_COMPLEX;
    }
    if (has(message, "not supported") || has(message, "not implemented") ||
        has(message, "not yet implemented") || has(message, "cannot be marked") ||
        has(message, "cannot be changed")) {
        return QN_SQLSTATE_FEATURE_NOT_SUPPORTED;
    }
    if (has(message, "invalid byte sequence")) {
        return QN_SQLSTATE_CHARACTER_NOT_IN_REPERTOIRE;
    }
    if (strcmp(message, "invalid Unicode escape") == 0) {
        return QN_SQLSTATE_INVALID_ESCAPE_SEQUENCE;
    }
    if (has(message, "precision for type float")) {
        return QN_SQLSTATE_INVALID_PARAMETER_VALUE;
    }
    return QN_SQLSTATE_SYNTAX_ERROR;
}

/* Whether the token at a position is U&'…' or U&"…". */
static bool in_unicode_string(const qn_binder *b, int at)
{
    size_t   pos = 0;
    qn_token t;

    do {
        t = qn_token_next(b->sql, b->sql_bytes, &pos);
    } while (t.kind != QN_TOKEN_END && at >= 0 && t.end <= (size_t)at);
    return t.kind != QN_TOKEN_END && (b->sql[t.start] == 'U' || b->sql[t.start] == 'u');
}

static qn_status parse_failed(qn_binder *b, const PgQueryError *error)
{
    const char *message = error->message ? error->message : "syntax error";
    int         at = -1;

    if (has(message, "out of memory")) {
        return qn_nomem(b->err);
    }
    if (error->cursorpos > 0) {
        at = (int)qn_utf8_offset(b->sql, b->sql_bytes, (size_t)error->cursorpos - 1);
    }
    qn_sqlstate state = error_state(message);
    if (state == QN_SQLSTATE_TOO_COMPLEX) {
        qn_fail_at(b->err, state, at, "statement is nested too deeply");
        qn_error_hint(b->err, "Split the statement, or use fewer parentheses.");
        return QN_ERROR;
    }
    if (state == QN_SQLSTATE_INVALID_ESCAPE_SEQUENCE && in_unicode_string(b, at)) {
        qn_fail_at(b->err, QN_SQLSTATE_SYNTAX_ERROR, at, "%s", message);
        qn_error_hint(b->err, "Unicode escapes must be \\XXXX or \\+XXXXXX.");
        return QN_ERROR;
    }
    qn_status st = qn_fail_at(b->err, state, at, "%s", message);
    if (state == QN_SQLSTATE_INVALID_ESCAPE_SEQUENCE) {
        qn_error_hint(b->err, "Unicode escapes must be \\uXXXX or \\UXXXXXXXX.");
    }
    return st;
}

qn_status qn_sql_parse(qn_binder *b, PgQuery__ParseResult **tree)
{
    ProtobufCAllocator         allocator = {unpack_alloc, unpack_free, b->arena};
    PgQueryProtobufParseResult result;
    uint64_t                   charge;
    uint32_t                   tokens = 0;
    size_t                     pos = 0;

    while (qn_token_next(b->sql, b->sql_bytes, &pos).kind != QN_TOKEN_END) {
        tokens++;
    }
    charge = PARSE_BYTES_FIXED + (uint64_t)tokens * PARSE_BYTES_PER_TOKEN + b->sql_bytes * 2;
    if (!qn_mem_charge(b->context->env->mem, charge)) {
        return b->status = qn_nomem(b->err);
    }
    result = pg_query_parse_protobuf(b->sql);
    if (result.error) {
        b->status = parse_failed(b, result.error);
    } else {
        *tree = pg_query__parse_result__unpack(&allocator, result.parse_tree.len,
                                               (const uint8_t *)result.parse_tree.data);
        if (!*tree) {
            b->status =
                qn_nomem(b->err); /* the bytes are libpg_query's own: only memory can fail */
        }
    }
    pg_query_free_protobuf_parse_result(result);
    qn_mem_release(b->context->env->mem, charge);
    return b->status;
}
