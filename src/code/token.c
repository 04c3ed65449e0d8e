/* The tokenizer of the program cache, after the lexical rules of PostgreSQL 15 (chapter 4.1 of its manual).
 *
 * The normal form must never make two statements equal that PostgreSQL could tell apart; the reverse costs only a
 * miss.  So each token is written with its kind, its length and its bytes, runs of operator characters stay whole
 * (PostgreSQL may cut them further, but always in the same way), and a string that follows another one notes
 * whether a line end lies between them, because then, and only then, the two are one constant.
 *
 * Of a liftable literal only its kind is written: string, or the type PostgreSQL gives a number of that size.
 *
 * Not here: what sql/scan.c does, which must know nothing of caching.  The two agree on where tokens begin; a
 * literal that they cut differently is never patched, because its location is not found. */
#include "code/token.h"

#include "base/assert.h"

typedef enum kind {
    KIND_WORD = 1,
    KIND_QUOTED,
    KIND_PARAM,
    KIND_OPERATOR,
    KIND_PUNCTUATION,
    KIND_STRING,       /* liftable: kind only */
    KIND_INTEGER,      /* liftable: integer, bigint, numeric */
    KIND_BIGINT,
    KIND_NUMERIC,
    KIND_OTHER_STRING, /* prefixed or dollar-quoted */
    KIND_CONTINUED,    /* a string behind a string, a line end between them */
    KIND_ADJACENT      /* … or none: a syntax error */
} kind;

typedef struct reader {
    const char *sql;
    size_t      bytes, at;
    bool        broken;  /* something does not end */
    bool        newline; /* in the blanks before the token at hand */
} reader;

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool starts_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80; }
static bool in_word(char c) { return starts_word(c) || is_digit(c) || c == '$'; }
static bool is_operator(char c) { return c && strchr("+-*/<>=~!@#%^&|`?", c); }
static char at(const reader *r, size_t p) { return p < r->bytes ? r->sql[p] : '\0'; }
static bool comment_at(const reader *r, size_t p)
{
    return (at(r, p) == '-' && at(r, p + 1) == '-') || (at(r, p) == '/' && at(r, p + 1) == '*');
}

static void skip_comment(reader *r)
{
    if (r->sql[r->at] == '-') {
        while (r->at < r->bytes && r->sql[r->at] != '\n' && r->sql[r->at] != '\r')
            r->at++;
        return;
    }
    size_t depth = 0;
    do {
        if (r->at + 1 >= r->bytes) {
            r->broken = true;
            return;
        }
        bool open = at(r, r->at) == '/' && at(r, r->at + 1) == '*', close = at(r, r->at) == '*' && at(r, r->at + 1) == '/';
        depth += open;
        depth -= close;
        r->at += open || close ? 2 : 1;
    } while (depth);
}

static void skip_blanks(reader *r)
{
    r->newline = false;
    while (r->at < r->bytes && !r->broken) {
        char c = r->sql[r->at];
        if (is_blank(c)) {
            r->newline |= c == '\n' || c == '\r';
            r->at++;
        } else if (comment_at(r, r->at)) {
            skip_comment(r);
        } else {
            return;
        }
    }
}

/* From the opening quote to behind the closing one. */
static void skip_quoted(reader *r, char quote, bool escapes)
{
    for (r->at++; r->at < r->bytes; r->at++) {
        if (escapes && r->sql[r->at] == '\\') {
            r->at++;
        } else if (r->sql[r->at] == quote) {
            if (at(r, r->at + 1) != quote) {
                r->at++;
                return;
            }
            r->at++;
        }
    }
    r->broken = true;
}

/* $tag$ … $tag$; false when no dollar quote begins here. */
static bool skip_dollar(reader *r)
{
    size_t tag = r->at + 1;
    while (starts_word(at(r, tag)) || (tag > r->at + 1 && is_digit(at(r, tag))))
        tag++;
    if (at(r, tag) != '$')
        return false;
    size_t      n = tag + 1 - r->at;
    const char *open = r->sql + r->at;
    for (r->at += n; r->at + n <= r->bytes; r->at++)
        if (r->sql[r->at] == '$' && memcmp(r->sql + r->at, open, n) == 0) {
            r->at += n;
            return true;
        }
    r->broken = true;
    return true;
}

static void skip_number(reader *r)
{
    while (is_digit(at(r, r->at)))
        r->at++;
    if (at(r, r->at) == '.' && at(r, r->at + 1) != '.')
        for (r->at++; is_digit(at(r, r->at)); r->at++) {
        }
    if (at(r, r->at) == 'e' || at(r, r->at) == 'E') {
        size_t p = r->at + 1;
        p += at(r, p) == '+' || at(r, p) == '-';
        if (is_digit(at(r, p)))
            for (r->at = p; is_digit(at(r, r->at)); r->at++) {
            }
    }
}

static kind number_kind(const char *s, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (!is_digit(s[i]))
            return KIND_NUMERIC;
        if (v > ((uint64_t)INT64_MAX - (uint64_t)(s[i] - '0')) / 10)
            return KIND_NUMERIC;
        v = v * 10 + (uint64_t)(s[i] - '0');
    }
    return v <= INT32_MAX ? KIND_INTEGER : KIND_BIGINT;
}

/* The token at r->at, which is not a blank. */
static kind next(reader *r)
{
    char   c = r->sql[r->at], d = at(r, r->at + 1);
    size_t start = r->at;
    if (c == '\'') {
        skip_quoted(r, '\'', false);
        return KIND_STRING;
    }
    if (c == '"') {
        skip_quoted(r, '"', false);
        return KIND_QUOTED;
    }
    if (d == '\'' && c && strchr("eEbBxXnN", c)) {
        r->at++;
        skip_quoted(r, '\'', c == 'e' || c == 'E');
        return KIND_OTHER_STRING;
    }
    if ((c == 'u' || c == 'U') && d == '&' && (at(r, r->at + 2) == '\'' || at(r, r->at + 2) == '"')) {
        r->at += 2;
        skip_quoted(r, r->sql[r->at], false);
        return KIND_OTHER_STRING;
    }
    if (starts_word(c)) {
        while (in_word(at(r, r->at)))
            r->at++;
        return KIND_WORD;
    }
    if (is_digit(c) || (c == '.' && is_digit(d))) {
        skip_number(r);
        return number_kind(r->sql + start, r->at - start);
    }
    if (c == '$' && is_digit(d)) {
        for (r->at++; is_digit(at(r, r->at)); r->at++) {
        }
        return KIND_PARAM;
    }
    if (c == '$' && skip_dollar(r))
        return KIND_OTHER_STRING;
    if (is_operator(c)) {
        while (is_operator(at(r, r->at)) && !comment_at(r, r->at))
            r->at++;
        return KIND_OPERATOR;
    }
    r->at += c == ':' && (d == ':' || d == '=') ? 2 : 1;
    return c == ':' ? KIND_OPERATOR : KIND_PUNCTUATION;
}

/* ---- the normal form ----------------------------------------------------------------------------- */

static char fold(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

static bool begins_with_program(const char *s, size_t n)
{
    static const char *const words[] = {"select", "values", "with", "table", "insert"};
    if (n == 1 && *s == '(')
        return true;
    for (size_t i = 0; i < QN_COUNTOF(words); i++) {
        size_t j = 0;
        while (j < n && fold(s[j]) == words[i][j] && words[i][j])
            j++;
        if (j == n && !words[i][j])
            return true;
    }
    return false;
}

static void put(qn_tokens *t, kind k, const char *s, size_t n, bool folds)
{
    char *to = t->normal + t->normal_bytes;
    *to++ = (char)k;
    for (size_t left = n;; left >>= 7) { /* length, seven bits a byte */
        *to++ = (char)(left > 127 ? (left & 127) | 128 : left);
        if (left <= 127)
            break;
    }
    for (size_t i = 0; i < n; i++)
        *to++ = folds ? fold(s[i]) : s[i];
    t->normal_bytes = (size_t)(to - t->normal);
}

qn_status qn_tokens_read(const char *sql, size_t bytes, qn_arena *arena, qn_tokens *out, bool *cacheable, qn_error *err)
{
    qn_tokens t = {0};
    reader    r = {.sql = sql, .bytes = bytes};
    kind      last = KIND_PUNCTUATION;
    size_t    open = 0;

    *cacheable = false;
    skip_blanks(&r);
    size_t room = bytes - r.at;
    if (room > QN_TOKENS_MAX_BYTES)
        room = QN_TOKENS_MAX_BYTES;
    size_t capacity = 64;
    /* A token of n bytes takes at most n + 2 in the normal form (n + 3 from 128 on, n + 4 from 16,384 on). */
    t.normal = qn_arena_alloc(arena, room * 3 + 8);
    t.starts = qn_arena_alloc(arena, capacity * sizeof *t.starts);
    t.literals = qn_arena_alloc(arena, capacity * sizeof *t.literals);
    if (!t.normal || !t.starts || !t.literals)
        return qn_nomem(err);
    t.consumed = bytes;
    for (; r.at < bytes; skip_blanks(&r)) {
        size_t start = r.at;
        kind   k = next(&r);
        size_t n = r.at - start;
        if (r.broken || r.at > bytes || r.at > QN_TOKENS_MAX_BYTES || memchr(sql + start, '\0', n))
            return QN_OK;
        char c = k == KIND_PUNCTUATION ? sql[start] : '\0';
        if (!t.count && !begins_with_program(sql + start, n))
            return QN_OK;
        if (c == ';' && !open) {
            t.consumed = r.at;
            break;
        }
        open += c == '(';
        open -= c == ')' && open;
        if (t.count == capacity) {
            t.starts = qn_arena_grow(arena, t.starts, capacity, capacity * 2, sizeof *t.starts);
            t.literals = qn_arena_grow(arena, t.literals, capacity, capacity * 2, sizeof *t.literals);
            capacity *= 2;
            if (!t.starts || !t.literals)
                return qn_nomem(err);
        }
        bool after_string = last == KIND_STRING || last == KIND_OTHER_STRING || last == KIND_CONTINUED || last == KIND_ADJACENT;
        if (k == KIND_STRING && after_string)
            k = r.newline ? KIND_CONTINUED : KIND_ADJACENT;
        bool lifted = k >= KIND_STRING && k <= KIND_NUMERIC;
        if (lifted)
            t.literals[t.literal_count++] = (qn_literal){t.count, (uint32_t)start, (uint32_t)n, k == KIND_STRING};
        t.other_strings |= k >= KIND_OTHER_STRING;
        put(&t, k, sql + start, lifted ? 0 : n, k == KIND_WORD);
        t.starts[t.count++] = (uint32_t)start;
        last = k;
    }
    if (r.broken || !t.count)
        return QN_OK;
    *out = t;
    *cacheable = true;
    return QN_OK;
}

const char *qn_literal_text(const char *sql, const qn_literal *literal, qn_arena *arena, size_t *bytes)
{
    const char *s = sql + literal->start;
    size_t      n = literal->bytes;
    if (literal->string) {
        s++;
        n -= 2;
        if (memchr(s, '\'', n)) {
            char  *text = qn_arena_alloc(arena, n + 1);
            size_t used = 0;
            if (!text)
                return NULL;
            for (size_t i = 0; i < n; i++) {
                text[used++] = s[i];
                i += s[i] == '\'';
            }
            text[used] = '\0';
            *bytes = used;
            return text;
        }
    }
    *bytes = n;
    return qn_arena_strndup(arena, s, n); /* input functions may look for the NUL */
}
