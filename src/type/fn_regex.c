/* Regular expression operators and functions on PCRE2.
 *
 * A call site keeps a few compiled expressions (usually one: patterns are constants), with their match data.
 * An expression that is a plain text is searched as such, a simple one runs in regex_direct.c, and only others, or
 * what that gives up on, are compiled by PCRE2 and run its JIT code where there is one.
 * PCRE2's memory goes through the call site's qn_mem and is given back when its arena ends.
 *
 * Extents.  regex_are.c says whether a Perl-style match has PostgreSQL's extent for sure.  Where it may not
 * have (alternatives, several quantifiers), the leftmost place found is matched again by PCRE2's DFA
 * matcher, which knows the longest and the shortest match, and, if the extent differs and groups are wanted,
 * once more by the backtracking matcher tied to this extent.  Operators only ask whether there is a match
 * and skip all this.
 *
 * Limits.  A backtracking match that goes beyond REGEX_MATCH_LIMIT steps is left to the DFA matcher, whose time
 * is linear in the text; only if groups are wanted or there are back references is that an error (54001).
 *
 * Not here: regexp_match, regexp_matches and the regexp_split functions, which return arrays or sets. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "type/fn_text.h"

#include "base/assert.h"
#include "type/find.h"
#include "type/regex_are.h"
#include "type/regex_direct.h"

#define REGEX_SLOTS         8
#define REGEX_MATCH_LIMIT   2000000u
#define REGEX_MAX_WORKSPACE (1u << 22) /* ints, for one DFA match */
#define REGEX_GROUPS        QN_DIRECT_GROUPS /* the whole and groups 1 to 9: all that anyone can name */

typedef struct regex {
    char             *source; /* pattern as given, and flags: the key */
    size_t            bytes;
    unsigned          flags;
    bool              used;
    char             *literal; /* not NULL: plain search */
    size_t            literal_bytes;
    bool              icase;
    bool              shortest, exact, backrefs;
    int               groups;
    qn_direct        *direct;  /* not NULL: ask it first */
    qn_are            are;     /* what code is compiled from */
    pcre2_code       *code;    /* NULL until needed */
    pcre2_match_data *data;
    uint64_t          jit_bytes;
} regex;

typedef struct regex_cache {
    qn_mem                *mem;
    pcre2_general_context *general;
    pcre2_match_context   *match;
    regex                  slots[REGEX_SLOTS];
    unsigned               next; /* slot to give up next */
    int                   *workspace;
    size_t                 workspace_ints;
} regex_cache;

typedef qn_span span;
_Static_assert(QN_NOT_FOUND == SIZE_MAX, "a group without part");

/* ---- memory --------------------------------------------------------------------------------- */

/* PCRE2 frees without saying how much: the size stands before the piece, which stays 16-byte aligned. */
static void *pcre_alloc(size_t bytes, void *mem)
{
    size_t *p;

    if (bytes > SIZE_MAX - 16) {
        return NULL;
    }
    p = qn_alloc(mem, bytes + 16);
    if (!p) {
        return NULL;
    }
    *p = bytes + 16;
    return (char *)p + 16;
}

static void pcre_free(void *p, void *mem)
{
    if (p) {
        size_t *head = (size_t *)(void *)((char *)p - 16);
        qn_free(mem, head, *head);
    }
}

static void regex_deinit(regex_cache *cache, regex *rx)
{
    pcre2_match_data_free(rx->data);
    pcre2_code_free(rx->code);
    if (rx->jit_bytes) {
        qn_mem_release(cache->mem, rx->jit_bytes);
    }
    qn_direct_free(rx->direct, cache->mem);
    if (rx->used) {
        qn_are_deinit(&rx->are);
    }
    if (rx->literal) {
        qn_free(cache->mem, rx->literal, rx->literal_bytes + 1);
    }
    if (rx->source) {
        qn_free(cache->mem, rx->source, rx->bytes + 1);
    }
    memset(rx, 0, sizeof *rx);
}

static void cache_free(void *arg)
{
    regex_cache *cache = arg;

    for (int i = 0; i < REGEX_SLOTS; i++) {
        regex_deinit(cache, &cache->slots[i]);
    }
    if (cache->workspace) {
        qn_free(cache->mem, cache->workspace, cache->workspace_ints * sizeof(int));
    }
    pcre2_match_context_free(cache->match);
    pcre2_general_context_free(cache->general);
}

static qn_status cache_of(qn_call *call, regex_cache **out)
{
    qn_status    st = QN_OK;
    regex_cache *cache = *call->cache;

    if (!cache) {
        QN_ALLOC(call->err, cache = qn_arena_new(call->cache_arena, regex_cache));
        cache->mem = call->cache_arena->mem;
        QN_TRY(qn_arena_defer(call->cache_arena, cache_free, cache, call->err));
        QN_ALLOC(call->err,
                 cache->general = pcre2_general_context_create(pcre_alloc, pcre_free, cache->mem));
        QN_ALLOC(call->err, cache->match = pcre2_match_context_create(cache->general));
        pcre2_set_match_limit(cache->match, REGEX_MATCH_LIMIT);
        *call->cache = cache;
    }
    *out = cache;
done:
    return st;
}

/* ---- compiling ------------------------------------------------------------------------------ */

static qn_status compile_failed(qn_error *err, int code)
{
    char text[256] = "";

    switch (code) {
    case PCRE2_ERROR_HEAP_FAILED: return qn_nomem(err);
    case PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH:
        return qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED,
                       "lookbehind of variable length is not supported in regular expressions");
    case PCRE2_ERROR_PATTERN_TOO_LARGE:
    case PCRE2_ERROR_PATTERN_TOO_COMPLICATED:
    case PCRE2_ERROR_PARENTHESES_NEST_TOO_DEEP:
        return qn_fail(err, QN_SQLSTATE_INVALID_REGULAR_EXPRESSION,
                       "invalid regular expression: regular expression is too complex");
    default:
        pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof text);
        return qn_fail(err, QN_SQLSTATE_INVALID_REGULAR_EXPRESSION,
                       "invalid regular expression: %s", text);
    }
}

static qn_status compile_code(regex_cache *cache, regex *rx, qn_error *err)
{
    qn_status              st = QN_OK;
    const qn_are          *are = &rx->are;
    pcre2_compile_context *context = NULL;
    int                    code = 0;
    size_t                 offset, jit = 0;
    uint32_t               options = PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_DOLLAR_ENDONLY |
                       PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_BACKSLASH_C;

    options |= are->flags & QN_ARE_NLSTOP ? 0 : PCRE2_DOTALL;
    options |= are->flags & QN_ARE_NLANCHOR ? PCRE2_MULTILINE : 0;
    /* A possessive quantifier is invisible to a match that wants the longest, not the shortest. */
    options |= are->shortest ? PCRE2_NO_AUTO_POSSESS : 0;
    QN_ALLOC(err, context = pcre2_compile_context_create(cache->general));
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    rx->code = pcre2_compile((PCRE2_SPTR)(are->pattern.bytes ? are->pattern.data : ""),
                             are->pattern.bytes, options, &code, &offset, context);
    if (!rx->code) {
        st = compile_failed(err, code);
        goto done;
    }
    QN_ALLOC(err, rx->data = pcre2_match_data_create(REGEX_GROUPS, cache->general));
    /* Without the JIT (refused by the system, or out of executable memory) matching is only slower. */
    if (pcre2_jit_compile(rx->code, PCRE2_JIT_COMPLETE) == 0 &&
        pcre2_pattern_info(rx->code, PCRE2_INFO_JITSIZE, &jit) == 0 && jit > 0) {
        if (!qn_mem_charge(cache->mem, jit)) {
            st = qn_nomem(err);
            goto done;
        }
        rx->jit_bytes = jit;
    }
done:
    pcre2_compile_context_free(context);
    return st;
}

static qn_status regex_compile(regex_cache *cache, const qn_str *pattern, unsigned flags, regex *rx,
                               qn_error *err)
{
    qn_status st = QN_OK;
    qn_are   *are = &rx->are;

    rx->used = true;
    QN_TRY(qn_are_translate(qn_str_data(pattern), pattern->bytes, flags, cache->mem, are, err));
    QN_ALLOC(err, rx->source = qn_alloc(cache->mem, (size_t)pattern->bytes + 1));
    memcpy(rx->source, qn_str_data(pattern), pattern->bytes);
    rx->bytes = pattern->bytes;
    rx->flags = flags;
    rx->icase = (are->flags & QN_ARE_ICASE) != 0;
    rx->shortest = are->shortest;
    rx->exact = are->exact;
    rx->backrefs = are->backrefs;
    rx->groups = are->groups;
    if (are->is_literal) {
        QN_ALLOC(err, rx->literal = qn_alloc(cache->mem, are->literal.bytes + 1));
        rx->literal_bytes = are->literal.bytes;
        if (are->literal.bytes) {
            memcpy(rx->literal, are->literal.data, are->literal.bytes);
        }
    } else {
        QN_TRY(qn_direct_compile(are->pattern.data, are->pattern.bytes,
                                 !(are->flags & QN_ARE_NLSTOP), are->flags & QN_ARE_NLANCHOR,
                                 cache->mem, &rx->direct, err));
        if (!rx->direct) {
            QN_TRY(compile_code(cache, rx, err));
        }
    }
done:
    if (st != QN_OK) {
        regex_deinit(cache, rx);
    }
    return st;
}

/* The compiled form of a pattern, from the call site's cache.  Valid until the next call. */
static qn_status regex_of(qn_call *call, const qn_str *pattern, unsigned flags, regex_cache **cache,
                          regex **out)
{
    qn_status st = QN_OK;
    regex    *rx;

    flags &= ~(unsigned)QN_ARE_GLOBAL;
    QN_TRY(cache_of(call, cache));
    for (unsigned i = 0; i < REGEX_SLOTS; i++) {
        rx = &(*cache)->slots[i];
        if (rx->used && rx->flags == flags && rx->bytes == pattern->bytes &&
            memcmp(rx->source, qn_str_data(pattern), rx->bytes) == 0) {
            *out = rx;
            return QN_OK;
        }
    }
    rx = &(*cache)->slots[(*cache)->next];
    (*cache)->next = ((*cache)->next + 1) % REGEX_SLOTS;
    regex_deinit(*cache, rx);
    QN_TRY(regex_compile(*cache, pattern, flags, rx, call->err));
    *out = rx;
done:
    return st;
}

/* ---- matching ------------------------------------------------------------------------------- */

static qn_status match_failed(qn_error *err, int code)
{
    char text[256] = "";

    if (code == PCRE2_ERROR_NOMEMORY) {
        return qn_nomem(err);
    }
    if (code == PCRE2_ERROR_MATCHLIMIT || code == PCRE2_ERROR_HEAPLIMIT ||
        code == PCRE2_ERROR_DEPTHLIMIT || code == PCRE2_ERROR_JIT_STACKLIMIT ||
        code == PCRE2_ERROR_DFA_WSSIZE || code == PCRE2_ERROR_DFA_RECURSE) {
        return qn_fail(err, QN_SQLSTATE_TOO_COMPLEX, "regular expression match is too complex");
    }
    pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof text);
    return qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR, "regular expression failed: %s", text);
}

static bool hit_limit(int code)
{
    return code == PCRE2_ERROR_MATCHLIMIT || code == PCRE2_ERROR_HEAPLIMIT ||
           code == PCRE2_ERROR_DEPTHLIMIT;
}

static int backtrack(regex_cache *cache, regex *rx, const char *s, size_t n, size_t start,
                     uint32_t options)
{
    int rc = pcre2_match(rx->code, (PCRE2_SPTR)s, n, start, options | PCRE2_NO_UTF_CHECK, rx->data,
                         cache->match);

    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) { /* the interpreter keeps its stack on the heap */
        rc = pcre2_match(rx->code, (PCRE2_SPTR)s, n, start,
                         options | PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, rx->data, cache->match);
    }
    return rc;
}

/* The longest (or shortest) match by the DFA matcher, whose workspace grows as needed. */
static int extent_of(regex_cache *cache, regex *rx, const char *s, size_t n, size_t start,
                     uint32_t options)
{
    options |= PCRE2_NO_UTF_CHECK | (rx->shortest ? PCRE2_DFA_SHORTEST : 0);
    for (;;) {
        size_t ints = cache->workspace_ints ? cache->workspace_ints * 2 : 1024;
        int   *bigger;
        int    rc = cache->workspace
                        ? pcre2_dfa_match(rx->code, (PCRE2_SPTR)s, n, start, options, rx->data,
                                          cache->match, cache->workspace, cache->workspace_ints)
                        : PCRE2_ERROR_DFA_WSSIZE;

        if (rc != PCRE2_ERROR_DFA_WSSIZE || ints > REGEX_MAX_WORKSPACE) {
            return rc;
        }
        bigger = qn_realloc(cache->mem, cache->workspace, cache->workspace_ints * sizeof(int),
                            ints * sizeof(int));
        if (!bigger) {
            return PCRE2_ERROR_NOMEMORY;
        }
        cache->workspace = bigger;
        cache->workspace_ints = ints;
    }
}

static void take_spans(const regex *rx, int count, span spans[REGEX_GROUPS])
{
    const size_t *pairs = pcre2_get_ovector_pointer(rx->data);

    /* rc 0: more groups than the match data has room for, all that fit are set. */
    for (int i = 0; i < (count > 0 ? count : REGEX_GROUPS); i++) {
        if (pairs[i * 2] != PCRE2_UNSET) {
            spans[i] = (span){pairs[i * 2], pairs[i * 2 + 1]};
        }
    }
}

static void clear_spans(span spans[REGEX_GROUPS])
{
    for (int i = 0; i < REGEX_GROUPS; i++) {
        spans[i] = (span){QN_NOT_FOUND, QN_NOT_FOUND};
    }
}

/* Give the match in spans the extent PostgreSQL's rules demand. */
static qn_status settle_extent(regex_cache *cache, regex *rx, const char *s, size_t n, bool groups,
                               span spans[REGEX_GROUPS], qn_error *err)
{
    size_t begin = spans[0].begin, end;
    int    rc = extent_of(cache, rx, s, n, begin, PCRE2_ANCHORED);

    if (rc == PCRE2_ERROR_NOMATCH) {
        /* The DFA matcher does not go round a loop whose body matched nothing; Perl's answer stands. */
        return QN_OK;
    }
    if (rc < 0) {
        return match_failed(err, rc);
    }
    end = pcre2_get_ovector_pointer(rx->data)[1];
    if (end == spans[0].end) {
        return QN_OK;
    }
    if (groups) {
        rc = backtrack(cache, rx, s, end, begin, PCRE2_ANCHORED | PCRE2_ENDANCHORED);
        if (rc >= 0) {
            clear_spans(spans);
            take_spans(rx, rc, spans);
        } else if (rc != PCRE2_ERROR_NOMATCH) {
            return match_failed(err, rc);
        }
        /* No match: a constraint looks beyond the extent.  The groups found first remain. */
    }
    spans[0] = (span){begin, end};
    return QN_OK;
}

enum { WANT_MATCH, WANT_EXTENT, WANT_GROUPS };

/* What regex_direct.c finds, in spans; false when it is not asked, or gave up. */
static bool find_direct(const regex *rx, const char *s, size_t n, size_t start, span spans[REGEX_GROUPS], bool *found)
{
    qn_direct_result result;

    if (!rx->direct) {
        return false;
    }
    result = qn_direct_find(rx->direct, s, n, start, spans);
    *found = result == QN_DIRECT_MATCH;
    return result != QN_DIRECT_GAVE_UP;
}

/* Find the first match at or after byte `start` (at most n). */
static qn_status regex_find(regex_cache *cache, regex *rx, const char *s, size_t n, size_t start,
                            int want, span spans[REGEX_GROUPS], bool *found, qn_error *err)
{
    int rc;

    *found = false;
    if (rx->literal) {
        clear_spans(spans);
        size_t at = rx->icase ? qn_find_icase(s + start, n - start, rx->literal, rx->literal_bytes)
                              : qn_find(s + start, n - start, rx->literal, rx->literal_bytes);
        if (at != QN_NOT_FOUND) {
            spans[0] = (span){start + at, start + at + rx->literal_bytes};
            *found = true;
        }
        return QN_OK;
    }
    if (!find_direct(rx, s, n, start, spans, found)) {
        qn_status st = rx->code ? QN_OK : compile_code(cache, rx, err);
        if (st != QN_OK) {
            return st;
        }
        clear_spans(spans);
        rc = backtrack(cache, rx, s, n, start, 0);
        if (hit_limit(rc) && !rx->backrefs && (want != WANT_GROUPS || rx->groups == 0)) {
            rc = extent_of(cache, rx, s, n, start, 0);
            rc = rc > 1 ? 1 : rc; /* further pairs are shorter matches, not groups */
        }
        if (rc == PCRE2_ERROR_NOMATCH) {
            return QN_OK;
        }
        if (rc < 0) {
            return match_failed(err, rc);
        }
        *found = true;
        take_spans(rx, rc, spans);
    }
    if (*found && want != WANT_MATCH && !rx->exact && !rx->backrefs) {
        qn_status st = rx->code ? QN_OK : compile_code(cache, rx, err);
        if (st != QN_OK) {
            return st;
        }
        return settle_extent(cache, rx, s, n, want == WANT_GROUPS && rx->groups > 0, spans, err);
    }
    return QN_OK;
}

/* Where to look after a match: its end, and after an empty match one character further.  QN_NOT_FOUND: nowhere. */
static size_t after_match(const char *s, size_t n, span match)
{
    if (match.end > match.begin) {
        return match.end;
    }
    return match.end < n ? match.end + qn_char_bytes(s + match.end, n - match.end) : QN_NOT_FOUND;
}

/* ---- operators ------------------------------------------------------------------------------ */

static qn_status matches(qn_call *call, const qn_str *text, const qn_str *pattern, unsigned flags,
                         bool *found)
{
    qn_status    st = QN_OK;
    regex_cache *cache;
    regex       *rx;
    span         spans[REGEX_GROUPS];

    QN_TRY(regex_of(call, pattern, flags, &cache, &rx));
    st = regex_find(cache, rx, qn_str_data(text), text->bytes, 0, WANT_MATCH, spans, found,
                    call->err);
done:
    return st;
}

#define OPERATOR(name, flags, negate)                                                              \
    static QN_SCALAR(name)                                                                         \
    {                                                                                              \
        bool      found = false;                                                                   \
        qn_status st = matches(call, &args[0].str, &args[1].str, flags, &found);                   \
        result->b = found != (negate);                                                             \
        return st;                                                                                 \
    }
OPERATOR(regexeq, 0, false)
OPERATOR(regexne, 0, true)
OPERATOR(icregexeq, QN_ARE_ICASE, false)
OPERATOR(icregexne, QN_ARE_ICASE, true)
#undef OPERATOR

/* ---- substring ------------------------------------------------------------------------------ */

/* The first group if the expression has one, else the whole match. */
static qn_status regex_substring(qn_call *call, const qn_str *text, const qn_str *pattern,
                                 qn_datum *result, bool *null)
{
    qn_status    st = QN_OK;
    regex_cache *cache;
    regex       *rx;
    span         spans[REGEX_GROUPS];
    bool         found;
    int          which;

    QN_TRY(regex_of(call, pattern, 0, &cache, &rx));
    QN_TRY(regex_find(cache, rx, qn_str_data(text), text->bytes, 0, WANT_GROUPS, spans, &found,
                      call->err));
    which = rx->groups > 0 ? 1 : 0;
    if (!found || spans[which].begin == QN_NOT_FOUND) {
        *null = true;
        return QN_OK;
    }
    st = qn_text_of(call, qn_str_data(text) + spans[which].begin,
                    spans[which].end - spans[which].begin, result);
done:
    return st;
}

static QN_SCALAR(substring_regex)
{
    return regex_substring(call, &args[0].str, &args[1].str, result, null);
}

static QN_SCALAR(substring_similar)
{
    qn_datum  pattern;
    qn_status st = qn_similar_pattern(call, &args[1].str, &args[2].str, &pattern);

    return st == QN_OK ? regex_substring(call, &args[0].str, &pattern.str, result, null) : st;
}

/* ---- regexp_replace ------------------------------------------------------------------------- */

/* \1 … \9 are groups, \& the whole match, \\ a backslash; any other backslash stands for itself. */
static void add_replacement(qn_buf *buf, const qn_str *with, const char *s,
                            const span spans[REGEX_GROUPS])
{
    const char *r = qn_str_data(with);
    size_t      bytes = with->bytes;

    for (size_t i = 0; i < bytes;) {
        const char *escape = memchr(r + i, '\\', bytes - i);
        size_t      at = escape ? (size_t)(escape - r) : bytes;
        int         which = -1;

        qn_buf_add(buf, r + i, at - i);
        if (!escape) {
            return;
        }
        i = at + 1;
        if (i < bytes && r[i] >= '1' && r[i] <= '9') {
            which = r[i] - '0';
        } else if (i < bytes && r[i] == '&') {
            which = 0;
        }
        if (which >= 0) {
            if (spans[which].begin != QN_NOT_FOUND) {
                qn_buf_add(buf, s + spans[which].begin, spans[which].end - spans[which].begin);
            }
            i++;
        } else {
            qn_buf_putc(buf, '\\');
            i += i < bytes && r[i] == '\\';
        }
    }
}

/* Replace the nth match at or after byte `start`, or all of them when nth is 0. */
static qn_status replace_into(qn_call *call, const qn_datum *args, unsigned flags, size_t start,
                              int nth, qn_buf *buf)
{
    qn_status    st = QN_OK;
    const char  *s = qn_str_data(&args[0].str);
    size_t       n = args[0].str.bytes, copied = 0;
    regex_cache *cache;
    regex       *rx;
    span         spans[REGEX_GROUPS];
    bool         groups =
        args[2].str.bytes > 0 && memchr(qn_str_data(&args[2].str), '\\', args[2].str.bytes);
    bool found;
    int  seen = 0;

    QN_TRY(regex_of(call, &args[1].str, flags, &cache, &rx));
    while (start != QN_NOT_FOUND && start <= n) {
        QN_TRY(regex_find(cache, rx, s, n, start, groups ? WANT_GROUPS : WANT_EXTENT, spans, &found,
                          call->err));
        if (!found) {
            break;
        }
        start = after_match(s, n, spans[0]);
        if (nth > 0 && ++seen != nth) {
            continue;
        }
        qn_buf_add(buf, s + copied, spans[0].begin - copied);
        add_replacement(buf, &args[2].str, s, spans);
        copied = spans[0].end;
        if (nth > 0) {
            break;
        }
        if (buf->bytes > QN_TEXT_MAX) {
            return qn_fail(call->err, QN_SQLSTATE_PROGRAM_LIMIT, "requested length too large");
        }
    }
    qn_buf_add(buf, s + copied, n - copied);
done:
    return st;
}

static qn_status replace(qn_call *call, const qn_datum *args, unsigned flags, size_t start, int nth,
                         qn_datum *result)
{
    qn_buf    buf;
    qn_status st;

    qn_buf_init(&buf, call->arena->mem);
    st = replace_into(call, args, flags, start, nth, &buf);
    if (st != QN_OK) {
        qn_buf_deinit(&buf);
        return st;
    }
    return qn_text_of_buf(call, &buf, result);
}

static qn_status invalid_value(qn_call *call, const char *parameter, int32_t value)
{
    return qn_fail(call->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE,
                   "invalid value for parameter \"%s\": %d", parameter, value);
}

static qn_status flags_of(qn_call *call, const qn_str *letters, unsigned *flags)
{
    *flags = 0;
    return letters ? qn_are_flags(qn_str_data(letters), letters->bytes, flags, call->err) : QN_OK;
}

/* Byte offset of character `start` (from 1); QN_NOT_FOUND when it lies beyond the end. */
static size_t start_of(const qn_str *text, int32_t start)
{
    const char *s = qn_str_data(text);
    size_t      skip = (size_t)start - 1;

    if (skip == 0) {
        return 0;
    }
    if (skip > text->bytes || skip > qn_utf8_count(s, text->bytes)) {
        return QN_NOT_FOUND;
    }
    return qn_utf8_offset(s, text->bytes, skip);
}

static QN_SCALAR(regexp_replace)
{
    return replace(call, args, 0, 0, 1, result);
}

static QN_SCALAR(regexp_replace_flags)
{
    qn_status   st = QN_OK;
    const char *letters = qn_str_data(&args[3].str);
    unsigned    flags;

    if (args[3].str.bytes > 0 && letters[0] >= '0' && letters[0] <= '9') {
        st = qn_fail(call->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE,
                     "invalid regular expression option: \"%c\"", letters[0]);
        qn_error_hint(call->err,
                      "If you meant to use regexp_replace() with a start parameter, cast the "
                      "fourth argument to integer explicitly.");
        return st;
    }
    QN_TRY(flags_of(call, &args[3].str, &flags));
    st = replace(call, args, flags, 0, flags & QN_ARE_GLOBAL ? 0 : 1, result);
done:
    return st;
}

/* With start and, from five arguments on, N: which match, 0 for all. */
static qn_status replace_from(qn_call *call, const qn_datum *args, int32_t nth,
                              const qn_str *letters, qn_datum *result)
{
    qn_status st = QN_OK;
    int32_t   start = args[3].i32;
    unsigned  flags;

    if (start <= 0) {
        return invalid_value(call, "start", start);
    }
    if (nth < 0) {
        return invalid_value(call, "n", nth);
    }
    QN_TRY(flags_of(call, letters, &flags));
    st = replace(call, args, flags, start_of(&args[0].str, start), nth, result);
done:
    return st;
}

static QN_SCALAR(regexp_replace_start)
{
    return replace_from(call, args, 1, NULL, result);
}

static QN_SCALAR(regexp_replace_nth)
{
    return replace_from(call, args, args[4].i32, NULL, result);
}

static QN_SCALAR(regexp_replace_all)
{
    return replace_from(call, args, args[4].i32, &args[5].str, result);
}

/* ---- regexp_like, regexp_count, regexp_instr, regexp_substr --------------------------------- */

static qn_status flags_without_global(qn_call *call, const qn_str *letters, const char *function,
                                      unsigned *flags)
{
    qn_status st = flags_of(call, letters, flags);

    if (st == QN_OK && (*flags & QN_ARE_GLOBAL)) {
        st = qn_fail(call->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE,
                     "%s() does not support the \"global\" option", function);
    }
    return st;
}

static QN_SCALAR(regexp_like)
{
    bool      found = false;
    qn_status st = matches(call, &args[0].str, &args[1].str, 0, &found);

    result->b = found;
    return st;
}

static QN_SCALAR(regexp_like_flags)
{
    qn_status st = QN_OK;
    bool      found = false;
    unsigned  flags;

    QN_TRY(flags_without_global(call, &args[2].str, "regexp_like", &flags));
    st = matches(call, &args[0].str, &args[1].str, flags, &found);
    result->b = found;
done:
    return st;
}

/* The nth match (from 1) from character `start` on; found false when there are fewer.  nth 0: only count. */
static qn_status nth_match(qn_call *call, const qn_str *text, const qn_str *pattern, unsigned flags,
                           int32_t start, int32_t nth, int want, span spans[REGEX_GROUPS],
                           int *groups, int32_t *count)
{
    qn_status    st = QN_OK;
    const char  *s = qn_str_data(text);
    size_t       at = start_of(text, start);
    regex_cache *cache;
    regex       *rx;
    bool         found;

    *count = 0;
    QN_TRY(regex_of(call, pattern, flags, &cache, &rx));
    *groups = rx->groups;
    while (at != QN_NOT_FOUND && (nth == 0 || *count < nth)) {
        QN_TRY(regex_find(cache, rx, s, text->bytes, at, want, spans, &found, call->err));
        if (!found) {
            break;
        }
        ++*count;
        at = after_match(s, text->bytes, spans[0]);
    }
done:
    return st;
}

static qn_status count(qn_call *call, const qn_datum *args, int32_t start, const qn_str *letters,
                       qn_datum *result)
{
    qn_status st = QN_OK;
    unsigned  flags;
    int       groups;
    span      spans[REGEX_GROUPS];

    if (start <= 0) {
        return invalid_value(call, "start", start);
    }
    QN_TRY(flags_without_global(call, letters, "regexp_count", &flags));
    st = nth_match(call, &args[0].str, &args[1].str, flags, start, 0, WANT_EXTENT, spans, &groups,
                   &result->i32);
done:
    return st;
}

static QN_SCALAR(regexp_count)
{
    return count(call, args, 1, NULL, result);
}

static QN_SCALAR(regexp_count_start)
{
    return count(call, args, args[2].i32, NULL, result);
}

static QN_SCALAR(regexp_count_flags)
{
    return count(call, args, args[2].i32, &args[3].str, result);
}

/* What regexp_instr and regexp_substr share: the span of group `which` in the nth match, or none. */
typedef struct locate {
    const char   *function;
    int32_t       start, nth, which;
    const qn_str *letters;
} locate;

static qn_status locate_group(qn_call *call, const qn_datum *args, const locate *how, span *out,
                              bool *found)
{
    qn_status st = QN_OK;
    unsigned  flags;
    int       groups;
    int32_t   seen, which = how->which;
    span      spans[REGEX_GROUPS];

    *found = false;
    QN_TRY(flags_without_global(call, how->letters, how->function, &flags));
    QN_TRY(nth_match(call, &args[0].str, &args[1].str, flags, how->start, how->nth,
                     which ? WANT_GROUPS : WANT_EXTENT, spans, &groups, &seen));
    if (groups == 0 && which == 1) {
        which = 0; /* without groups the whole counts as the first */
    }
    if (seen < how->nth || which > groups || which >= REGEX_GROUPS ||
        spans[which].begin == QN_NOT_FOUND) {
        return QN_OK;
    }
    *out = spans[which];
    *found = true;
done:
    return st;
}

static qn_status instr(qn_call *call, const qn_datum *args, const locate *how, int32_t endoption,
                       qn_datum *result)
{
    qn_status st = QN_OK;
    span      at;
    bool      found;

    if (how->start <= 0) {
        return invalid_value(call, "start", how->start);
    }
    if (how->nth <= 0) {
        return invalid_value(call, "n", how->nth);
    }
    if (endoption != 0 && endoption != 1) {
        return invalid_value(call, "endoption", endoption);
    }
    if (how->which < 0) {
        return invalid_value(call, "subexpr", how->which);
    }
    QN_TRY(locate_group(call, args, how, &at, &found));
    result->i32 =
        found ? (int32_t)qn_utf8_count(qn_str_data(&args[0].str), endoption ? at.end : at.begin) + 1
              : 0;
done:
    return st;
}

static QN_SCALAR(regexp_instr)
{
    return instr(call, args, &(locate){"regexp_instr", 1, 1, 0, NULL}, 0, result);
}

static QN_SCALAR(regexp_instr_start)
{
    return instr(call, args, &(locate){"regexp_instr", args[2].i32, 1, 0, NULL}, 0, result);
}

static QN_SCALAR(regexp_instr_nth)
{
    return instr(call, args, &(locate){"regexp_instr", args[2].i32, args[3].i32, 0, NULL}, 0,
                 result);
}

static QN_SCALAR(regexp_instr_end)
{
    return instr(call, args, &(locate){"regexp_instr", args[2].i32, args[3].i32, 0, NULL},
                 args[4].i32, result);
}

static QN_SCALAR(regexp_instr_flags)
{
    return instr(call, args, &(locate){"regexp_instr", args[2].i32, args[3].i32, 0, &args[5].str},
                 args[4].i32, result);
}

static QN_SCALAR(regexp_instr_group)
{
    return instr(call, args,
                 &(locate){"regexp_instr", args[2].i32, args[3].i32, args[6].i32, &args[5].str},
                 args[4].i32, result);
}

static qn_status substr(qn_call *call, const qn_datum *args, const locate *how, qn_datum *result,
                        bool *null)
{
    qn_status st = QN_OK;
    span      at;
    bool      found;

    if (how->start <= 0) {
        return invalid_value(call, "start", how->start);
    }
    if (how->nth <= 0) {
        return invalid_value(call, "n", how->nth);
    }
    if (how->which < 0) {
        return invalid_value(call, "subexpr", how->which);
    }
    QN_TRY(locate_group(call, args, how, &at, &found));
    if (!found) {
        *null = true;
        return QN_OK;
    }
    st = qn_text_of(call, qn_str_data(&args[0].str) + at.begin, at.end - at.begin, result);
done:
    return st;
}

static QN_SCALAR(regexp_substr)
{
    return substr(call, args, &(locate){"regexp_substr", 1, 1, 0, NULL}, result, null);
}

static QN_SCALAR(regexp_substr_start)
{
    return substr(call, args, &(locate){"regexp_substr", args[2].i32, 1, 0, NULL}, result, null);
}

static QN_SCALAR(regexp_substr_nth)
{
    return substr(call, args, &(locate){"regexp_substr", args[2].i32, args[3].i32, 0, NULL}, result,
                  null);
}

static QN_SCALAR(regexp_substr_flags)
{
    return substr(call, args, &(locate){"regexp_substr", args[2].i32, args[3].i32, 0, &args[4].str},
                  result, null);
}

static QN_SCALAR(regexp_substr_group)
{
    return substr(call, args,
                  &(locate){"regexp_substr", args[2].i32, args[3].i32, args[5].i32, &args[4].str},
                  result, null);
}

/* ---- many lanes ------------------------------------------------------------------------------
 *
 * With a constant pattern, flags and replacement the expression and the replacement's parts are found once.  What a
 * replacement leaves is often a piece of the text itself (the whole, or one group): then the result is a view. */

static qn_status match_lanes(qn_call *call, const qn_lanes *l, unsigned flags, bool negate, bool *done)
{
    qn_status     st = QN_OK;
    const qn_str *text = l->args[0];
    uint8_t      *out = l->result;
    regex_cache  *cache;
    regex        *rx;
    span          spans[REGEX_GROUPS];

    *done = l->constant[1] && !l->constant[0];
    if (!*done) {
        return QN_OK;
    }
    QN_TRY(regex_of(call, l->args[1], flags, &cache, &rx));
    for (uint32_t i = 0; i < l->count; i++) {
        uint32_t lane = l->lanes ? l->lanes[i] : i;
        bool     found;
        QN_TRY(regex_find(cache, rx, qn_str_data(&text[lane]), text[lane].bytes, 0, WANT_MATCH, spans, &found,
                          call->err));
        out[lane] = found != negate;
    }
done:
    return st;
}

#define MATCH_LANES(name, flags, negate)                                                           \
    static qn_status name##_lanes(qn_call *call, const qn_lanes *l, bool *done)                    \
    {                                                                                              \
        return match_lanes(call, l, flags, negate, done);                                          \
    }
MATCH_LANES(regexeq, 0, false)
MATCH_LANES(regexne, 0, true)
MATCH_LANES(icregexeq, QN_ARE_ICASE, false)
MATCH_LANES(icregexne, QN_ARE_ICASE, true)
#undef MATCH_LANES

/* Parts of a replacement: texts between groups. */
typedef struct part {
    const char *text; /* NULL: group `which` */
    size_t      bytes;
    int         which;
} part;

typedef struct template {
    part    *parts;
    uint32_t count;
} template;

/* add_replacement() as a list: `with` must live as long. */
static qn_status template_make(qn_call *call, const qn_str *with, template *out)
{
    qn_status   st = QN_OK;
    const char *r = qn_str_data(with);
    size_t      bytes = with->bytes;

    out->count = 0;
    QN_ALLOC(call->err, out->parts = qn_arena_array(call->arena, part, 2 * bytes + 1));
    for (size_t i = 0; i < bytes;) {
        const char *escape = memchr(r + i, '\\', bytes - i);
        size_t      at = escape ? (size_t)(escape - r) : bytes;
        if (at > i) {
            out->parts[out->count++] = (part){r + i, at - i, 0};
        }
        if (!escape) {
            break;
        }
        i = at + 1;
        if (i < bytes && ((r[i] >= '1' && r[i] <= '9') || r[i] == '&')) {
            out->parts[out->count++] = (part){NULL, 0, r[i] == '&' ? 0 : r[i] - '0'};
            i++;
        } else {
            out->parts[out->count++] = (part){"\\", 1, 0};
            i += i < bytes && r[i] == '\\';
        }
    }
done:
    return st;
}

static span part_span(const part *p, const span spans[REGEX_GROUPS])
{
    span empty = {0, 0};
    return spans[p->which].begin == QN_NOT_FOUND ? empty : spans[p->which];
}

/* The text with its first match replaced. */
static qn_status replace_first(qn_call *call, const qn_str *text, const template *t, const span spans[REGEX_GROUPS],
                               qn_str *out)
{
    const char *s = qn_str_data(text);
    size_t      n = text->bytes, total = spans[0].begin + (n - spans[0].end);
    qn_status   st;
    char       *p;
    qn_datum    result;

    if (total == 0 && t->count == 1 && !t->parts[0].text) {
        span only = part_span(&t->parts[0], spans);
        *out = qn_str_of(s + only.begin, only.end - only.begin);
        return QN_OK;
    }
    for (uint32_t i = 0; i < t->count; i++) {
        span group = part_span(&t->parts[i], spans);
        total += t->parts[i].text ? t->parts[i].bytes : group.end - group.begin;
    }
    qn_str made;
    p = qn_text_begin(call, &made, total, &st);
    if (!p) {
        return st;
    }
    memcpy(p, s, spans[0].begin);
    p += spans[0].begin;
    for (uint32_t i = 0; i < t->count; i++) {
        span        group = part_span(&t->parts[i], spans);
        const char *from = t->parts[i].text ? t->parts[i].text : s + group.begin;
        size_t      bytes = t->parts[i].text ? t->parts[i].bytes : group.end - group.begin;
        memcpy(p, from, bytes);
        p += bytes;
    }
    memcpy(p, s + spans[0].end, n - spans[0].end);
    st = qn_text_end(&made, &result);
    *out = result.str;
    return st;
}

static qn_status replace_lanes(qn_call *call, const qn_lanes *l, unsigned flags)
{
    qn_status     st = QN_OK;
    const qn_str *text = l->args[0];
    qn_str       *out = l->result;
    template      with;
    regex_cache  *cache;
    regex        *rx;
    span          spans[REGEX_GROUPS];
    const qn_str *replacement = l->args[2];
    int           want = replacement->bytes && memchr(qn_str_data(replacement), '\\', replacement->bytes) ? WANT_GROUPS
                                                                                                      : WANT_EXTENT;

    QN_TRY(regex_of(call, l->args[1], flags, &cache, &rx));
    QN_TRY(template_make(call, replacement, &with));
    for (uint32_t i = 0; i < l->count; i++) {
        uint32_t lane = l->lanes ? l->lanes[i] : i;
        bool     found;
        QN_TRY(regex_find(cache, rx, qn_str_data(&text[lane]), text[lane].bytes, 0, want, spans, &found, call->err));
        if (found) {
            QN_TRY(replace_first(call, &text[lane], &with, spans, &out[lane]));
        } else {
            out[lane] = text[lane];
        }
    }
done:
    return st;
}

static qn_status regexp_replace_lanes(qn_call *call, const qn_lanes *l, bool *done)
{
    *done = l->constant[1] && l->constant[2] && !l->constant[0];
    return *done ? replace_lanes(call, l, 0) : QN_OK;
}

static const qn_lanes_form lanes_forms[] = {
    {regexeq, regexeq_lanes},     {regexne, regexne_lanes},
    {icregexeq, icregexeq_lanes}, {icregexne, icregexne_lanes},
    {regexp_replace, regexp_replace_lanes},
};

/* ---- the table ------------------------------------------------------------------------------ */

#define T   QN_TYPE_TEXT
#define C   QN_TYPE_CHAR
#define I   QN_TYPE_INTEGER
#define B   QN_TYPE_BOOLEAN
#define SF  (QN_FN_STRICT | QN_FN_CANFAIL)
#define SFH (SF | QN_FN_HIDDEN)

/* One row per function, however long. */
/* clang-format off */
static const qn_function functions[] = {
    {"textregexeq", B, 2, {T, T}, SFH, QN_IMMUTABLE, 0, regexeq, "patterns|~"},
    {"textregexne", B, 2, {T, T}, SFH, QN_IMMUTABLE, 0, regexne, "patterns|!~"},
    {"texticregexeq", B, 2, {T, T}, SFH, QN_IMMUTABLE, 0, icregexeq, "patterns|~*"},
    {"texticregexne", B, 2, {T, T}, SFH, QN_IMMUTABLE, 0, icregexne, "patterns|!~*"},
    {"bpcharregexeq", B, 2, {C, T}, SFH, QN_IMMUTABLE, 0, regexeq, "patterns|~, blanks count"},
    {"bpcharregexne", B, 2, {C, T}, SFH, QN_IMMUTABLE, 0, regexne, "patterns|!~"},
    {"bpcharicregexeq", B, 2, {C, T}, SFH, QN_IMMUTABLE, 0, icregexeq, "patterns|~*"},
    {"bpcharicregexne", B, 2, {C, T}, SFH, QN_IMMUTABLE, 0, icregexne, "patterns|!~*"},
    {"substring", T, 2, {T, T}, SF, QN_IMMUTABLE, 0, substring_regex, "patterns|the first match, or its first group"},
    {"substring", T, 3, {T, T, T}, SF, QN_IMMUTABLE, 0, substring_similar, "patterns|SUBSTRING(text SIMILAR pattern ESCAPE escape)"},
    {"regexp_replace", T, 3, {T, T, T}, SF, QN_IMMUTABLE, 0, regexp_replace, "patterns|replace the first match"},
    {"regexp_replace", T, 4, {T, T, T, T}, SF, QN_IMMUTABLE, 0, regexp_replace_flags, "patterns|replace, with flags"},
    {"regexp_replace", T, 4, {T, T, T, I}, SF, QN_IMMUTABLE, 0, regexp_replace_start, "patterns|replace from a position on"},
    {"regexp_replace", T, 5, {T, T, T, I, I}, SF, QN_IMMUTABLE, 0, regexp_replace_nth, "patterns|replace the n-th match"},
    {"regexp_replace", T, 6, {T, T, T, I, I, T}, SF, QN_IMMUTABLE, 0, regexp_replace_all, "patterns|replace the n-th match, with flags"},
    {"regexp_like", B, 2, {T, T}, SF, QN_IMMUTABLE, 0, regexp_like, "patterns|is there a match"},
    {"regexp_like", B, 3, {T, T, T}, SF, QN_IMMUTABLE, 0, regexp_like_flags, "patterns|is there a match, with flags"},
    {"regexp_count", I, 2, {T, T}, SF, QN_IMMUTABLE, 0, regexp_count, "patterns|number of matches"},
    {"regexp_count", I, 3, {T, T, I}, SF, QN_IMMUTABLE, 0, regexp_count_start, "patterns|number of matches from a position on"},
    {"regexp_count", I, 4, {T, T, I, T}, SF, QN_IMMUTABLE, 0, regexp_count_flags, "patterns|number of matches, with flags"},
    {"regexp_instr", I, 2, {T, T}, SF, QN_IMMUTABLE, 0, regexp_instr, "patterns|position of the first match"},
    {"regexp_instr", I, 3, {T, T, I}, SF, QN_IMMUTABLE, 0, regexp_instr_start, "patterns|position of a match from a position on"},
    {"regexp_instr", I, 4, {T, T, I, I}, SF, QN_IMMUTABLE, 0, regexp_instr_nth, "patterns|position of the n-th match"},
    {"regexp_instr", I, 5, {T, T, I, I, I}, SF, QN_IMMUTABLE, 0, regexp_instr_end, "patterns|begin or end of the n-th match"},
    {"regexp_instr", I, 6, {T, T, I, I, I, T}, SF, QN_IMMUTABLE, 0, regexp_instr_flags, "patterns|the same, with flags"},
    {"regexp_instr", I, 7, {T, T, I, I, I, T, I}, SF, QN_IMMUTABLE, 0, regexp_instr_group, "patterns|the same, of a group"},
    {"regexp_substr", T, 2, {T, T}, SF, QN_IMMUTABLE, 0, regexp_substr, "patterns|the first match"},
    {"regexp_substr", T, 3, {T, T, I}, SF, QN_IMMUTABLE, 0, regexp_substr_start, "patterns|the first match from a position on"},
    {"regexp_substr", T, 4, {T, T, I, I}, SF, QN_IMMUTABLE, 0, regexp_substr_nth, "patterns|the n-th match"},
    {"regexp_substr", T, 5, {T, T, I, I, T}, SF, QN_IMMUTABLE, 0, regexp_substr_flags, "patterns|the n-th match, with flags"},
    {"regexp_substr", T, 6, {T, T, I, I, T, I}, SF, QN_IMMUTABLE, 0, regexp_substr_group, "patterns|a group of the n-th match"},
};
/* clang-format on */

const qn_function_list qn_fn_regex = {.functions = functions, .count = QN_COUNTOF(functions),
                                      .lanes = lanes_forms, .lanes_count = QN_COUNTOF(lanes_forms)};
