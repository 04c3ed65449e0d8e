/* Simple regular expressions, matched without PCRE2.
 *
 * Simple are: characters, sets, `.`, any of them repeated; groups, capturing or not, at most optional; alternatives;
 * ^ and $ of the whole text.  The expression becomes a short program without loops between instructions, run by
 * backtracking in Perl's order, so that match and groups are those PCRE2 would find.  What makes it fast:
 *
 *   - a repetition runs over bytes with a table, memchr or not at all (`.*`), and is never taken back when what
 *     follows cannot begin with a character of its set, or must be the end of the text (after Friedl, "Mastering
 *     Regular Expressions", 2006, on possessive quantifiers);
 *   - candidates for the beginning come from substring search or a table of first bytes;
 *   - nothing is set up per match: for short texts that is most of the cost of a general matcher.
 *
 * Sets hold ASCII characters one by one and all others together.  A program has no cycles, so the recursion is at
 * most as deep as it is long; a count of steps bounds the time, and beyond it the general matcher takes over.
 *
 * The input is what regex_are.c writes, not what users write: escapes are \x{…}, quantifiers are {m,n}. */
#include "type/regex_direct.h"

#include <string.h>
#include "base/assert.h"
#include "type/find.h"

#define MAX_CODE 64
#define MAX_SETS 12
#define MAX_LITERAL 256
#define MAX_BRANCHES 16
#define MAX_NESTING 16
#define NO_LIMIT UINT32_MAX

enum op { OP_TEXT, OP_SET, OP_REPEAT, OP_SAVE, OP_SPLIT, OP_JUMP, OP_BEGIN, OP_END, OP_MATCH };

typedef struct set {
    bool    has[256]; /* by byte; bytes above 127 are alike */
    uint8_t except;   /* the one byte it lacks, if lacks == 1 */
    int     lacks;
} set;

typedef struct instruction {
    uint8_t  op;
    bool     lazy;       /* REPEAT, SPLIT: the shorter, or the jump, first */
    bool     possessive; /* REPEAT: what it took it keeps */
    uint8_t  set;        /* SET, REPEAT */
    uint16_t target;     /* SPLIT, JUMP; SAVE: which */
    uint8_t  groups, first_group; /* SPLIT: how many groups its branches may set, and from which on */
    uint16_t text, bytes; /* TEXT: in literals */
    uint32_t min, max;   /* REPEAT */
    uint64_t word, mask; /* TEXT of at most 8 bytes: as loaded from memory, and which bits count */
} instruction;

struct qn_direct {
    instruction code[MAX_CODE];
    uint32_t    count;
    set         sets[MAX_SETS];
    uint32_t    set_count;
    char        literals[MAX_LITERAL];
    uint32_t    literal_bytes;
    bool        anchored;       /* matches at the beginning only */
    bool        has_first;      /* a match begins with one of `first` */
    bool        first[256];
    const instruction *prefix;  /* TEXT that a match begins with, or NULL */
};

/* ---- compiling ------------------------------------------------------------------------------ */

typedef struct compiler {
    qn_direct  *d;
    const char *p, *end;
    bool        dotall, multiline;
    bool        failed; /* not simple */
    bool        joined; /* the last instruction is a TEXT that may grow */
    int         depth;
    uint32_t    groups;
} compiler;

static bool fail(compiler *c)
{
    c->failed = true;
    return false;
}

static bool see(const compiler *c, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(c->end - c->p) >= n && memcmp(c->p, text, n) == 0;
}

static bool accept(compiler *c, const char *text)
{
    if (!see(c, text))
        return false;
    c->p += strlen(text);
    return true;
}

static instruction *add(compiler *c, uint8_t op)
{
    static instruction spare;
    c->joined = false;
    if (c->d->count == MAX_CODE) {
        c->failed = true;
        return &spare;
    }
    instruction *i = &c->d->code[c->d->count++];
    *i = (instruction){.op = op};
    return i;
}

/* Put an instruction before `at`; what stands there and later moves on, with the jumps among it. */
static instruction *insert(compiler *c, uint32_t at, uint8_t op)
{
    instruction *code = c->d->code;
    add(c, op);
    if (c->failed)
        return code;
    memmove(&code[at + 1], &code[at], (c->d->count - 1 - at) * sizeof *code);
    for (uint32_t i = at + 1; i < c->d->count; i++)
        if ((code[i].op == OP_SPLIT || code[i].op == OP_JUMP) && code[i].target > at)
            code[i].target++;
    code[at] = (instruction){.op = op};
    return &code[at];
}

/* \x{hex} or a letter or digit; false at anything else.  Beyond ASCII it is not simple. */
static bool take_char(compiler *c, unsigned *code)
{
    if (c->p == c->end)
        return false;
    if (accept(c, "\\x{")) {
        unsigned v = 0;
        for (; c->p < c->end && *c->p != '}' && v < 0x80; c->p++)
            v = v * 16 + (unsigned)(*c->p <= '9' ? *c->p - '0' : (*c->p | 32) - 'a' + 10);
        *code = v;
        return (accept(c, "}") && v < 0x80) || fail(c);
    }
    char x = *c->p;
    if ((x >= '0' && x <= '9') || qn_ascii_letter(x)) {
        c->p++;
        *code = (unsigned char)x;
        return true;
    }
    return false;
}

static bool word(unsigned x) { return (x >= '0' && x <= '9') || qn_ascii_letter((char)x) || x == '_'; }
static bool blank(unsigned x) { return x == ' ' || (x >= 9 && x <= 13); }

static bool in_class(const char *name, size_t n, unsigned x)
{
    bool digit = x >= '0' && x <= '9', letter = qn_ascii_letter((char)x), graph = x > 32 && x < 127;
#define IS(text) (n == sizeof text - 1 && memcmp(name, text, n) == 0)
    return IS("alnum")    ? digit || letter
           : IS("alpha")  ? letter
           : IS("ascii")  ? true
           : IS("blank")  ? x == ' ' || x == '\t'
           : IS("cntrl")  ? x < 32 || x == 127
           : IS("digit")  ? digit
           : IS("graph")  ? graph
           : IS("lower")  ? x >= 'a' && x <= 'z'
           : IS("print")  ? graph || x == ' '
           : IS("punct")  ? graph && !digit && !letter
           : IS("space")  ? blank(x)
           : IS("upper")  ? x >= 'A' && x <= 'Z'
           : IS("word")   ? word(x)
           : IS("xdigit") ? digit || ((x | 32) >= 'a' && (x | 32) <= 'f' && letter)
                          : false;
#undef IS
}

/* \d \w \s and their complements, whose backslash is at p. */
static bool take_escape_class(compiler *c, bool has[256])
{
    if (c->end - c->p < 2 || c->p[0] != '\\' || !memchr("dDwWsS", c->p[1], 6))
        return false;
    char kind = c->p[1];
    bool not = kind < 'a';
    for (unsigned x = 0; x < 128; x++) {
        bool in = (kind | 32) == 'd' ? x >= '0' && x <= '9' : (kind | 32) == 'w' ? word(x) : blank(x);
        has[x] |= in != not;
    }
    for (unsigned x = 128; not && x < 256; x++)
        has[x] = true;
    c->p += 2;
    return true;
}

/* What follows "[", through "]". */
static bool take_brackets(compiler *c, bool has[256])
{
    bool not = accept(c, "^");
    while (c->p < c->end && *c->p != ']') {
        unsigned lo, hi;
        if (accept(c, "[:")) {
            const char *name = c->p, *close = memchr(name, ':', (size_t)(c->end - name));
            if (!close)
                return fail(c);
            for (unsigned x = 0; x < 128; x++)
                has[x] |= in_class(name, (size_t)(close - name), x);
            c->p = close;
            if (!accept(c, ":]"))
                return fail(c);
        } else if (accept(c, "\\n")) {
            has['\n'] = true;
        } else if (!take_escape_class(c, has)) {
            if (!take_char(c, &lo))
                return fail(c);
            hi = lo;
            if (accept(c, "-") && !take_char(c, &hi))
                return fail(c);
            for (unsigned x = lo; x <= hi; x++)
                has[x] = true;
        }
    }
    if (!accept(c, "]"))
        return fail(c);
    for (unsigned x = 0; not && x < 256; x++)
        has[x] = !has[x];
    return true;
}

static uint8_t set_number(compiler *c, const bool has[256])
{
    qn_direct *d = c->d;
    for (uint32_t i = 0; i < d->set_count; i++)
        if (memcmp(d->sets[i].has, has, sizeof d->sets[i].has) == 0)
            return (uint8_t)i;
    if (d->set_count == MAX_SETS) {
        c->failed = true;
        return 0;
    }
    set *s = &d->sets[d->set_count];
    memcpy(s->has, has, sizeof s->has);
    for (unsigned x = 0; x < 256; x++)
        if (!has[x]) {
            s->lacks++;
            s->except = (uint8_t)x;
        }
    return (uint8_t)d->set_count++;
}

typedef struct quantifier {
    bool     present, lazy;
    uint32_t min, max;
} quantifier;

static bool take_number(compiler *c, uint32_t *v)
{
    const char *from = c->p;
    for (*v = 0; c->p < c->end && *c->p >= '0' && *c->p <= '9' && *v < 10000; c->p++)
        *v = *v * 10 + (uint32_t)(*c->p - '0');
    return c->p > from;
}

static quantifier take_quantifier(compiler *c)
{
    quantifier q = {false, false, 1, 1};
    if (!accept(c, "{"))
        return q;
    q.present = true;
    q.max = NO_LIMIT;
    if (!take_number(c, &q.min) || !accept(c, ",") || (!see(c, "}") && !take_number(c, &q.max)) || !accept(c, "}"))
        c->failed = true;
    q.lazy = accept(c, "?");
    return q;
}

static void add_text(compiler *c, const char *text, size_t bytes)
{
    qn_direct   *d = c->d;
    instruction *last;
    if (d->literal_bytes + bytes > MAX_LITERAL) {
        c->failed = true;
        return;
    }
    if (c->joined) {
        last = &d->code[d->count - 1];
    } else {
        last = add(c, OP_TEXT);
        last->text = (uint16_t)d->literal_bytes;
        c->joined = !c->failed;
    }
    memcpy(d->literals + d->literal_bytes, text, bytes);
    d->literal_bytes += (uint32_t)bytes;
    last->bytes = (uint16_t)(last->bytes + bytes);
}

static bool parse_alternatives(compiler *c);

static bool parse_group(compiler *c)
{
    uint32_t at = c->d->count, number = 0;
    if (!accept(c, "(?:")) {
        c->p++;
        if (see(c, "?"))
            return fail(c);
        number = ++c->groups;
    }
    bool saved = number && number < QN_DIRECT_GROUPS;
    if (saved)
        add(c, OP_SAVE)->target = (uint16_t)(2 * number);
    if (++c->depth > MAX_NESTING || !parse_alternatives(c) || !accept(c, ")"))
        return fail(c);
    c->depth--;
    if (saved)
        add(c, OP_SAVE)->target = (uint16_t)(2 * number + 1);
    c->joined = false;
    quantifier q = take_quantifier(c);
    if (q.max == 0) {
        c->d->count = at;
    } else if (q.min == 0 && q.max == 1) {
        instruction *split = insert(c, at, OP_SPLIT);
        split->target = (uint16_t)c->d->count;
        split->lazy = q.lazy;
    } else if (q.min != 1 || q.max != 1) {
        return fail(c);
    }
    c->joined = false;
    return !c->failed;
}

/* One item with its quantifier. */
static bool parse_item(compiler *c)
{
    bool     has[256] = {false};
    unsigned code;
    if (see(c, "("))
        return parse_group(c);
    if (see(c, "^") || see(c, "$")) {
        if (c->multiline)
            return fail(c);
        add(c, *c->p++ == '^' ? OP_BEGIN : OP_END);
        return true;
    }
    if (accept(c, "\\A")) {
        add(c, OP_BEGIN);
        return true;
    }
    if (accept(c, "\\z")) {
        add(c, OP_END);
        return true;
    }
    if ((unsigned char)*c->p >= 0x80) { /* one character of several bytes, which must stand alone */
        const char *from = c->p++;
        while (c->p < c->end && ((unsigned char)*c->p & 0xc0) == 0x80)
            c->p++;
        if (see(c, "{"))
            return fail(c);
        add_text(c, from, (size_t)(c->p - from));
        return !c->failed;
    }
    if (accept(c, ".")) {
        memset(has, true, sizeof has);
        has['\n'] = c->dotall;
    } else if (accept(c, "[")) {
        if (!take_brackets(c, has))
            return false;
    } else if (take_char(c, &code)) {
        if (!see(c, "{")) {
            char text = (char)code;
            add_text(c, &text, 1);
            return !c->failed;
        }
        has[code] = true;
    } else if (c->failed || !take_escape_class(c, has)) {
        return fail(c);
    }
    quantifier q = take_quantifier(c);
    if (q.max == 0)
        return !c->failed;
    bool         once = q.min == 1 && q.max == 1;
    instruction *i = add(c, once ? OP_SET : OP_REPEAT);
    i->min = q.min;
    i->max = q.max;
    i->lazy = q.lazy;
    i->set = set_number(c, has);
    return !c->failed;
}

/* Branches up to ")" or the end. */
static bool parse_alternatives(compiler *c)
{
    uint32_t jumps[MAX_BRANCHES], jump_count = 0, start = c->d->count;
    c->joined = false;
    while (c->p < c->end && *c->p != ')') {
        if (*c->p != '|') {
            if (!parse_item(c))
                return false;
            continue;
        }
        c->p++;
        if (jump_count == MAX_BRANCHES)
            return fail(c);
        insert(c, start, OP_SPLIT)->target = 0;
        jumps[jump_count++] = c->d->count;
        add(c, OP_JUMP);
        if (c->failed)
            return false;
        c->d->code[start].target = (uint16_t)c->d->count;
        start = c->d->count;
    }
    for (uint32_t i = 0; i < jump_count; i++)
        c->d->code[jumps[i]].target = (uint16_t)c->d->count;
    c->joined = false;
    return !c->failed;
}

static uint32_t after_saves(const qn_direct *d, uint32_t i)
{
    while (d->code[i].op == OP_SAVE || d->code[i].op == OP_JUMP)
        i = d->code[i].op == OP_JUMP ? d->code[i].target : i + 1;
    return i;
}

/* Can what stands at i begin with a member of the set?  Also true where that is not looked into. */
static bool may_follow(const qn_direct *d, const set *s, uint32_t i)
{
    const instruction *x = &d->code[after_saves(d, i)];
    switch (x->op) {
    case OP_TEXT: return s->has[(unsigned char)d->literals[x->text]];
    case OP_END:
    case OP_MATCH: return false;
    case OP_REPEAT:
        if (x->min == 0)
            return true;
        /* fall through */
    case OP_SET:
        for (unsigned b = 0; b < 256; b++)
            if (s->has[b] && d->sets[x->set].has[b])
                return true;
        return false;
    default: return true;
    }
}

/* Collect the bytes a match from i on may begin with; false when it may be empty. */
static bool first_bytes(const qn_direct *d, uint32_t i, bool first[256])
{
    for (;; i++) {
        const instruction *x = &d->code[i];
        switch (x->op) {
        case OP_TEXT: first[(unsigned char)d->literals[x->text]] = true; return true;
        case OP_SET:
        case OP_REPEAT:
            for (unsigned b = 0; b < 256; b++)
                first[b] |= d->sets[x->set].has[b];
            if (x->op == OP_SET || x->min)
                return true;
            break;
        case OP_SPLIT:
            if (!first_bytes(d, x->target, first))
                return false;
            break;
        case OP_JUMP: i = x->target - 1u; break;
        case OP_END:
        case OP_MATCH: return false;
        default: break;
        }
    }
}

/* Where the branches of a split meet again: where it jumps to, or where the jump before that place leads. */
static uint32_t meeting_of(const qn_direct *d, uint32_t split)
{
    uint32_t           target = d->code[split].target;
    const instruction *before = &d->code[target - 1];
    return before->op == OP_JUMP ? before->target : target;
}

static void note_groups(qn_direct *d, uint32_t split)
{
    uint32_t first = QN_DIRECT_GROUPS, last = 0;
    for (uint32_t i = split + 1; i < meeting_of(d, split); i++)
        if (d->code[i].op == OP_SAVE) {
            uint32_t group = d->code[i].target / 2u;
            first = group < first ? group : first;
            last = group > last ? group : last;
        }
    if (last) {
        d->code[split].first_group = (uint8_t)first;
        d->code[split].groups = (uint8_t)(last - first + 1);
    }
}

qn_status qn_direct_compile(const char *pattern, size_t bytes, bool dotall, bool multiline, qn_mem *mem,
                            qn_direct **out, qn_error *err)
{
    qn_direct *d = qn_alloc0(mem, sizeof *d);
    compiler   c = {.d = d, .p = pattern, .end = pattern + bytes, .dotall = dotall, .multiline = multiline};
    *out = NULL;
    if (!d)
        return qn_nomem(err);
    if (parse_alternatives(&c) && c.p == c.end)
        add(&c, OP_MATCH);
    else
        c.failed = true;
    if (c.failed) {
        qn_free(mem, d, sizeof *d);
        return QN_OK;
    }
    for (uint32_t i = 0; i < d->count; i++) {
        instruction *x = &d->code[i];
        if (x->op == OP_REPEAT && !x->lazy)
            x->possessive = !may_follow(d, &d->sets[x->set], i + 1);
        if (x->op == OP_SPLIT)
            note_groups(d, i);
        if (x->op == OP_TEXT && x->bytes <= 8) {
            memcpy(&x->word, d->literals + x->text, x->bytes);
            memset(&x->mask, 0xff, x->bytes);
        }
    }
    uint32_t begin = 0;
    while (d->code[begin].op == OP_SAVE)
        begin++;
    d->anchored = d->code[begin].op == OP_BEGIN;
    d->prefix = d->code[begin].op == OP_TEXT && d->code[begin].bytes > 1 ? &d->code[begin] : NULL;
    d->has_first = first_bytes(d, 0, d->first);
    *out = d;
    return QN_OK;
}

void qn_direct_free(qn_direct *d, qn_mem *mem)
{
    if (d)
        qn_free(mem, d, sizeof *d);
}

/* What is optional or one of several alternatives is stepped over. */
size_t qn_direct_required(const qn_direct *d, qn_str *out, size_t room, bool *prefix)
{
    size_t n = 0;
    bool   at_begin = false, fixed = false; /* the match begins at the text's beginning; nothing was taken since */
    *prefix = false;
    for (uint32_t i = 0; d->code[i].op != OP_MATCH && n < room;) {
        const instruction *x = &d->code[i];
        if (x->op == OP_SPLIT) {
            i = meeting_of(d, i);
            fixed = false;
            continue;
        }
        if (x->op == OP_TEXT) {
            *prefix = *prefix || (n == 0 && at_begin && fixed);
            out[n++] = qn_str_of(d->literals + x->text, x->bytes);
        }
        at_begin = at_begin || (x->op == OP_BEGIN && i == 0);
        fixed = x->op == OP_BEGIN || (fixed && x->op == OP_SAVE);
        i = x->op == OP_JUMP ? x->target : i + 1;
    }
    return n;
}

/* ---- matching ------------------------------------------------------------------------------- */

typedef struct matcher {
    const qn_direct *d;
    const char      *s;
    size_t           n;
    qn_span         *spans;
    size_t           steps_left; /* 0: gave up */
} matcher;

static size_t next_char(const matcher *m, size_t at)
{
    at++;
    while (at < m->n && ((unsigned char)m->s[at] & 0xc0) == 0x80)
        at++;
    return at;
}
static size_t previous_char(const matcher *m, size_t at)
{
    at--;
    while (((unsigned char)m->s[at] & 0xc0) == 0x80)
        at--;
    return at;
}

/* Where characters of the set end, from `at` on; at most `most` of them. */
static size_t span_of(const matcher *m, const set *in, size_t at, uint32_t most)
{
    const char *s = m->s;
    if (most != NO_LIMIT) {
        while (at < m->n && most-- && in->has[(unsigned char)s[at]])
            at = next_char(m, at);
        return at;
    }
    if (in->lacks == 0)
        return m->n;
    if (in->lacks == 1) {
        const char *p = memchr(s + at, in->except, m->n - at);
        return p ? (size_t)(p - s) : m->n;
    }
    while (at < m->n && in->has[(unsigned char)s[at]])
        at++;
    return at;
}

static bool run(matcher *m, uint32_t pc, size_t at);

static bool step(matcher *m)
{
    if (!m->steps_left)
        return false;
    return --m->steps_left != 0;
}

/* The rest of the program after a repetition, for each number of characters it may take, in its order. */
static bool repeat(matcher *m, uint32_t pc, size_t least, size_t most)
{
    const instruction *x = &m->d->code[pc], *next = &m->d->code[pc + 1];
    bool               text = next->op == OP_TEXT;
    char               first = text ? m->d->literals[next->text] : 0;
    size_t             at = x->lazy ? least : most;
    for (;;) {
        if (!step(m))
            return false;
        if (!text || (at < m->n && m->s[at] == first)) {
            if (run(m, pc + 1, at))
                return true;
        }
        if (at == (x->lazy ? most : least))
            return false;
        at = x->lazy ? next_char(m, at) : previous_char(m, at);
    }
}

static bool run(matcher *m, uint32_t pc, size_t at)
{
    const qn_direct *d = m->d;
    for (;; pc++) {
        const instruction *x = &d->code[pc];
        switch (x->op) {
        case OP_TEXT:
            if (x->mask && m->n - at >= 8) {
                uint64_t word;
                memcpy(&word, m->s + at, 8);
                if ((word ^ x->word) & x->mask)
                    return false;
            } else if (m->n - at < x->bytes || memcmp(m->s + at, d->literals + x->text, x->bytes) != 0) {
                return false;
            }
            at += x->bytes;
            break;
        case OP_SET:
            if (at == m->n || !d->sets[x->set].has[(unsigned char)m->s[at]])
                return false;
            at = next_char(m, at);
            break;
        case OP_REPEAT: {
            size_t least = at;
            for (uint32_t i = 0; i < x->min; i++) {
                if (least == m->n || !d->sets[x->set].has[(unsigned char)m->s[least]])
                    return false;
                least = next_char(m, least);
            }
            size_t most = span_of(m, &d->sets[x->set], least, x->max == NO_LIMIT ? NO_LIMIT : x->max - x->min);
            if (!x->possessive)
                return repeat(m, pc, least, most);
            at = most;
            break;
        }
        case OP_SAVE:
            *(x->target % 2 ? &m->spans[x->target / 2].end : &m->spans[x->target / 2].begin) = at;
            break;
        case OP_SPLIT: { /* what failed must not leave groups behind; those after the branches are set anew anyway */
            qn_span saved[QN_DIRECT_GROUPS], *groups = m->spans + x->first_group;
            for (uint8_t g = 0; g < x->groups; g++)
                saved[g] = groups[g];
            if (!step(m))
                return false;
            if (run(m, x->lazy ? x->target : pc + 1, at))
                return true;
            for (uint8_t g = 0; g < x->groups; g++)
                groups[g] = saved[g];
            if (run(m, x->lazy ? pc + 1 : x->target, at))
                return true;
            for (uint8_t g = 0; g < x->groups; g++)
                groups[g] = saved[g];
            return false;
        }
        case OP_JUMP:
            pc = x->target - 1u;
            break;
        case OP_BEGIN:
            if (at)
                return false;
            break;
        case OP_END:
            if (at != m->n)
                return false;
            break;
        default: /* MATCH */
            m->spans[0].end = at;
            return true;
        }
    }
}

qn_direct_result qn_direct_find(const qn_direct *d, const char *s, size_t n, size_t start,
                                qn_span spans[QN_DIRECT_GROUPS])
{
    matcher m = {.d = d, .s = s, .n = n, .spans = spans, .steps_left = 10000};
    for (size_t at = start;;) {
        if (d->prefix) {
            size_t found = qn_find(s + at, n - at, d->literals + d->prefix->text, d->prefix->bytes);
            if (found == QN_NOT_FOUND)
                return QN_DIRECT_NONE;
            at += found;
        } else if (d->has_first && !d->anchored) {
            /* the first such byte begins a character: among those beyond ASCII the leading one comes first */
            while (at < n && !d->first[(unsigned char)s[at]])
                at++;
            if (at == n)
                return QN_DIRECT_NONE;
        }
        memset(spans, 0xff, QN_DIRECT_GROUPS * sizeof *spans);
        spans[0].begin = at;
        if (run(&m, 0, at))
            return QN_DIRECT_MATCH;
        if (!m.steps_left)
            return QN_DIRECT_GAVE_UP;
        if (at == n || d->anchored)
            return QN_DIRECT_NONE;
        at = next_char(&m, at);
        step(&m);
    }
}
