/* A small scanner of SQL text: where statements end, and how deep their trees can get.
 *
 * libpg_query recurses over its tree when it hands it over, and protobuf-c recurses when it
 * unpacks. Before any of that runs we bound the depth of the tree from the tokens alone.
 *
 * The bound.  Inside one pair of parentheses (or CASE … END) an operator chain is a spine: its
 * depth is the number of operators plus the depth of the deepest operand.  Commas, AND, OR, WHEN,
 * THEN and ELSE begin a new spine (lists, AND and OR are flat in PostgreSQL's grammar).  JOIN,
 * UNION and BETWEEN build spines that commas and AND do not end, so they are counted apart and
 * never reset.  A level inside another one adds its own depth to that of its parent.
 *
 * Invariants
 *   - The bound is never below the real depth; it may be above it.
 *   - Tokens agree with PostgreSQL's scanner on where strings, quoted names and comments end
 *     (standard_conforming_strings on).
 *
 * Not here: syntax errors.  What is malformed is passed on for the grammar to complain about. */
#include "sql/sql_int.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}
static bool is_word(char c)
{
    return is_word_start(c) || is_digit(c) || c == '$';
}
static bool is_operator(char c)
{
    return c && strchr("+-*/<>=~!@#%^&|`?", c) != NULL;
}

/* The end of a quoted run that begins at p; a doubled quote stays inside, a backslash escapes in
 * E''. */
static size_t quoted_end(const char *sql, size_t bytes, size_t p, char quote, bool escapes)
{
    for (p++; p < bytes; p++) {
        if (escapes && sql[p] == '\\' && p + 1 < bytes) {
            p++;
        } else if (sql[p] == quote) {
            if (p + 1 < bytes && sql[p + 1] == quote) {
                p++;
            } else {
                return p + 1;
            }
        }
    }
    return bytes;
}

/* $tag$ … $tag$, or 0 when no dollar quote begins at p. */
static size_t dollar_end(const char *sql, size_t bytes, size_t p)
{
    size_t tag = p + 1;

    while (tag < bytes && (is_word_start(sql[tag]) || (tag > p + 1 && is_digit(sql[tag])))) {
        tag++;
    }
    if (tag >= bytes || sql[tag] != '$') {
        return 0;
    }
    size_t n = tag + 1 - p;
    for (size_t q = tag + 1; q + n <= bytes; q++) {
        const char *hit = memchr(sql + q, '$', bytes - n - q + 1);
        if (!hit) {
            break;
        }
        q = (size_t)(hit - sql);
        if (memcmp(sql + q, sql + p, n) == 0) {
            return q + n;
        }
    }
    return bytes;
}

static size_t skip_blank(const char *sql, size_t bytes, size_t p)
{
    while (p < bytes) {
        if (is_space(sql[p])) {
            p++;
        } else if (sql[p] == '-' && p + 1 < bytes && sql[p + 1] == '-') {
            while (p < bytes && sql[p] != '\n' && sql[p] != '\r') {
                p++;
            }
        } else if (sql[p] == '/' && p + 1 < bytes && sql[p + 1] == '*') {
            size_t depth = 1;
            for (p += 2; p < bytes && depth; p++) {
                if (sql[p] == '/' && p + 1 < bytes && sql[p + 1] == '*') {
                    depth++, p++;
                } else if (sql[p] == '*' && p + 1 < bytes && sql[p + 1] == '/') {
                    depth--, p++;
                }
            }
        } else {
            break;
        }
    }
    return p;
}

/* Operators stop where a comment begins. */
static size_t operator_end(const char *sql, size_t bytes, size_t p)
{
    size_t q = p;

    while (q < bytes && is_operator(sql[q])) {
        if (q + 1 < bytes &&
            ((sql[q] == '-' && sql[q + 1] == '-') || (sql[q] == '/' && sql[q + 1] == '*'))) {
            break;
        }
        q++;
    }
    return q;
}

static size_t number_end(const char *sql, size_t bytes, size_t p)
{
    while (p < bytes && is_digit(sql[p])) {
        p++;
    }
    /* 1..10 is two numbers and two dots. */
    if (p < bytes && sql[p] == '.' && !(p + 1 < bytes && sql[p + 1] == '.')) {
        for (p++; p < bytes && is_digit(sql[p]); p++) {
        }
    }
    if (p < bytes && (sql[p] == 'e' || sql[p] == 'E')) {
        size_t q = p + 1;
        if (q < bytes && (sql[q] == '+' || sql[q] == '-')) {
            q++;
        }
        if (q < bytes && is_digit(sql[q])) {
            for (p = q; p < bytes && is_digit(sql[p]); p++) {
            }
        }
    }
    return p;
}

/* A letter that turns a following quote into a special string: E B X N, and U&. */
static bool prefixed(const char *sql, size_t bytes, size_t p, size_t *quote)
{
    if (strchr("eEbBxXnN", sql[p]) && p + 1 < bytes && sql[p + 1] == '\'') {
        *quote = p + 1;
        return true;
    }
    if ((sql[p] == 'u' || sql[p] == 'U') && p + 2 < bytes && sql[p + 1] == '&' &&
        (sql[p + 2] == '\'' || sql[p + 2] == '"')) {
        *quote = p + 2;
        return true;
    }
    return false;
}

qn_token qn_token_next(const char *sql, size_t bytes, size_t *pos)
{
    qn_token t = {QN_TOKEN_END, bytes, bytes, false};
    size_t   p = skip_blank(sql, bytes, *pos), quote = 0;

    t.start = p;
    if (p >= bytes) {
        t.start = bytes;
    } else if (sql[p] == '\'') {
        t = (qn_token){QN_TOKEN_STRING, p, quoted_end(sql, bytes, p, '\'', false), true};
    } else if (sql[p] == '"') {
        t = (qn_token){QN_TOKEN_QUOTED, p, quoted_end(sql, bytes, p, '"', false), false};
    } else if (sql[p] && prefixed(sql, bytes, p, &quote)) {
        bool escapes = sql[p] == 'e' || sql[p] == 'E';
        t = (qn_token){sql[quote] == '"' ? QN_TOKEN_QUOTED : QN_TOKEN_STRING, p,
                       quoted_end(sql, bytes, quote, sql[quote], escapes), false};
    } else if (is_word_start(sql[p])) {
        t.kind = QN_TOKEN_WORD;
        for (t.end = p; t.end < bytes && is_word(sql[t.end]); t.end++) {
        }
    } else if (is_digit(sql[p]) || (sql[p] == '.' && p + 1 < bytes && is_digit(sql[p + 1]))) {
        t = (qn_token){QN_TOKEN_NUMBER, p, number_end(sql, bytes, p), false};
    } else if (sql[p] == '$' && p + 1 < bytes && is_digit(sql[p + 1])) {
        t.kind = QN_TOKEN_PARAM;
        for (t.end = p + 1; t.end < bytes && is_digit(sql[t.end]); t.end++) {
        }
    } else if (sql[p] == '$' && (t.end = dollar_end(sql, bytes, p)) != 0) {
        t.kind = QN_TOKEN_STRING;
    } else if (is_operator(sql[p])) {
        t = (qn_token){QN_TOKEN_OPERATOR, p, operator_end(sql, bytes, p), false};
    } else if (sql[p] == ':' && p + 1 < bytes && (sql[p + 1] == ':' || sql[p + 1] == '=')) {
        t = (qn_token){QN_TOKEN_OPERATOR, p, p + 2, false};
    } else {
        t = (qn_token){QN_TOKEN_PUNCT, p, p + 1, false};
    }
    *pos = t.end;
    return t;
}

bool qn_token_is(const char *sql, qn_token t, const char *word)
{
    size_t n = strlen(word);

    if (t.kind != QN_TOKEN_WORD || t.end - t.start != n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        char c = sql[t.start + i];
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != word[i]) {
            return false;
        }
    }
    return true;
}

/* Semicolons inside parentheses (CREATE RULE) and inside BEGIN ATOMIC … END (CREATE FUNCTION) do
 * not end a statement. */
size_t qn_sql_statement_end(const char *sql, size_t bytes, bool *blank)
{
    size_t   pos = 0, parens = 0, blocks = 0, count = 0;
    bool     create = false, routine = false;
    qn_token last = {QN_TOKEN_END, 0, 0, false};

    *blank = true;
    for (;;) {
        qn_token t = qn_token_next(sql, bytes, &pos);
        if (t.kind == QN_TOKEN_END) {
            return bytes;
        }
        char c = t.kind == QN_TOKEN_PUNCT ? sql[t.start] : 0;
        if (c == ';' && parens == 0 && blocks == 0) {
            return t.end;
        }
        *blank = false;
        if (c == '(') {
            parens++;
        } else if (c == ')' && parens) {
            parens--;
        } else if (t.kind == QN_TOKEN_WORD) {
            create = create || (count == 0 && qn_token_is(sql, t, "create"));
            routine =
                routine || (create && count <= 3 &&
                            (qn_token_is(sql, t, "function") || qn_token_is(sql, t, "procedure")));
            if (routine && qn_token_is(sql, t, "atomic") && qn_token_is(sql, last, "begin")) {
                blocks++;
            } else if (blocks && qn_token_is(sql, t, "case")) {
                blocks++;
            } else if (blocks && qn_token_is(sql, t, "end")) {
                blocks--;
            }
        }
        last = t;
        count++;
    }
}

/* ---- nesting ---- */

typedef struct level {
    uint32_t ops;     /* operators of the current spine */
    uint32_t operand; /* depth of its deepest operand so far */
    uint32_t best;    /* of finished spines */
    uint32_t sticky;  /* JOIN, UNION, BETWEEN */
    bool     is_case, ands, ors;
} level;

typedef struct measure {
    qn_arena *arena;
    level    *levels;
    uint32_t  count, capacity;
} measure;

static uint32_t spine(const level *l)
{
    uint32_t d = l->ops + l->operand;
    return d > l->best ? d : l->best;
}

static uint32_t level_depth(const level *l)
{
    return spine(l) + l->sticky + 1 + l->ands + l->ors;
}

static bool level_push(measure *m, bool is_case)
{
    if (m->count == m->capacity) {
        uint32_t capacity = m->capacity ? m->capacity * 2 : 64;
        level   *grown = qn_arena_grow(m->arena, m->levels, m->count, capacity, sizeof(level));
        if (!grown) {
            return false;
        }
        m->levels = grown;
        m->capacity = capacity;
    }
    memset(&m->levels[m->count], 0, sizeof(level));
    m->levels[m->count++].is_case = is_case;
    return true;
}

static void level_pop(measure *m)
{
    uint32_t d = level_depth(&m->levels[m->count - 1]);
    level   *l = &m->levels[--m->count - 1];

    l->operand = d > l->operand ? d : l->operand;
}

static bool in_list(const char *sql, qn_token t, const char *const *words)
{
    for (; *words; words++) {
        if (qn_token_is(sql, t, *words)) {
            return true;
        }
    }
    return false;
}

static const char *const op_words[] = {"not",     "is",       "in",       "like", "ilike",
                                       "similar", "escape",   "collate",  "at",   "isnull",
                                       "notnull", "operator", "overlaps", NULL};
static const char *const sticky_words[] = {"join", "union", "intersect", "except", "between", NULL};

/* Count one token into the innermost level; false when memory is refused. */
static bool measure_token(measure *m, const char *sql, qn_token t, qn_token last)
{
    level *l = &m->levels[m->count - 1];
    char   c = t.kind == QN_TOKEN_PUNCT ? sql[t.start] : 0;
    bool label = (last.kind == QN_TOKEN_PUNCT && last.end > last.start && sql[last.start] == '.') ||
                 qn_token_is(sql, last, "as");

    if (c == '(' || c == '[') {
        return level_push(m, false);
    }
    if (c == ')' || c == ']') {
        while (m->count > 1 && m->levels[m->count - 1].is_case) {
            level_pop(m);
        }
        if (m->count > 1) {
            level_pop(m);
        }
        return true;
    }
    if (t.kind == QN_TOKEN_OPERATOR) {
        l->ops += (uint32_t)(t.end - t.start);
    } else if (t.kind == QN_TOKEN_WORD && !label) {
        bool and_ = qn_token_is(sql, t, "and"), or_ = qn_token_is(sql, t, "or");
        if (qn_token_is(sql, t, "case")) {
            return level_push(m, true);
        } else if (qn_token_is(sql, t, "end")) {
            if (l->is_case) {
                level_pop(m);
            }
        } else if (and_ || or_ || qn_token_is(sql, t, "when") || qn_token_is(sql, t, "then") ||
                   qn_token_is(sql, t, "else")) {
            l->best = spine(l);
            l->ops = l->operand = 0;
            l->ands |= and_;
            l->ors |= or_;
        } else if (in_list(sql, t, op_words)) {
            l->ops++;
        } else if (in_list(sql, t, sticky_words)) {
            l->sticky++;
        }
    } else if (c == ',' || c == ';') {
        l->best = spine(l);
        l->ops = l->operand = 0;
    }
    return true;
}

qn_status qn_sql_measure(const char *sql, size_t bytes, uint32_t max_tokens, qn_arena *arena,
                         uint32_t *tokens, uint32_t *depth, qn_error *err)
{
    qn_arena_mark mark = qn_arena_save(arena);
    measure       m = {arena, NULL, 0, 0};
    qn_token      t, last = {QN_TOKEN_END, 0, 0, false};
    size_t        pos = 0;
    uint32_t      count = 0;
    qn_status     st = QN_OK;

    QN_ALLOC(err, level_push(&m, false));
    while ((t = qn_token_next(sql, bytes, &pos)).kind != QN_TOKEN_END) {
        if (++count > max_tokens) {
            st = qn_fail_at(err, QN_SQLSTATE_TOO_COMPLEX, (int)t.start,
                            "statement has more than %u tokens", max_tokens);
            qn_error_hint(err, "Load large amounts of data with COPY, or split the statement.");
            goto done;
        }
        QN_ALLOC(err, measure_token(&m, sql, t, last));
        if (m.count > QN_SQL_MAX_DEPTH) {
            break;
        }
        last = t;
    }
    while (m.count > 1) {
        level_pop(&m);
    }
    *tokens = count;
    *depth = level_depth(&m.levels[0]);
    if (*depth > QN_SQL_MAX_DEPTH) {
        st = qn_fail(err, QN_SQLSTATE_TOO_COMPLEX, "statement is nested too deeply");
        qn_error_hint(
            err,
            "At most %u operators, parentheses and CASE expressions may lie inside one another; "
            "use a list (IN, VALUES) or split the statement.",
            QN_SQL_MAX_DEPTH);
    }
done:
    qn_arena_rewind(arena, mark);
    return st;
}
