/* Translation of PostgreSQL's regular expressions (after Henry Spencer's) to PCRE2 syntax.
 *
 * A recursive descent parser follows chapter 9.7.3 of PostgreSQL's manual and writes every piece anew, so
 * nothing of PCRE2's own syntax (verbs, possessive quantifiers, \Q, \p …) can be reached from outside.
 * What differs:
 *
 *   PostgreSQL                       here
 *   ***=text  ***:re  (?imnpqstwx)   directors and options, handled before parsing
 *   \m \M \y \Y, [[:<:]] [[:>:]]     \b(?=\w)  \b(?<=\w)  \b  \B
 *   \A \Z $                          \A \z $ (DOLLAR_ENDONLY; MULTILINE under `w` and `n`)
 *   ignoring case                    [aA], because only ASCII letters have case in the C collation
 *   ( ) inside lookaround            do not capture
 *   a**  ^*  (*                      "quantifier operand invalid"
 *
 * Extent of a match.  PostgreSQL takes the longest (or, when the first quantifier that matters is
 * non-greedy, the shortest) match at the leftmost place; Perl's rule takes the first one found.  The parser
 * finds out which of the two PostgreSQL wants and whether Perl's answer must coincide: at most one quantifier
 * of variable length and no alternatives, or an expression that always ends at the end of the text.
 * Otherwise fn_regex.c asks PCRE2's DFA matcher for the extent.  How the characters inside an extent are shared
 * among several capturing groups still follows Perl, which differs from PostgreSQL only
 * for alternatives of which an earlier one is a prefix of a later one.
 *
 * Basic expressions are first respelled as extended ones.
 *
 * Not here: collating elements of more than one character, variable-length lookbehind
 * (which PCRE2 10.42 lacks). */
#include "type/regex_are.h"

#include <string.h>
#include "base/assert.h"
#include "type/find.h"

#define ARE_MAX_REPEAT 255
#define ARE_MAX_DEPTH  200 /* of parentheses; below PCRE2's own limit of 250 */

enum preference { NO_PREFERENCE, LONGEST, SHORTEST };

typedef struct parser {
    const char *p, *end;
    qn_are     *are;
    qn_error   *err;
    int         depth;
    int         lookaround; /* > 0 inside (?=…) and the like */
    uint64_t    closed[5];  /* which of groups 1..255 are closed: what back references may name */
    int         variable;   /* quantifiers that can match different lengths, so far */
    enum preference last_variable; /* what the last of them prefers */
    int             alternatives;
    bool            at_end; /* the item just parsed can only end at the end of the text */
} parser;

typedef struct piece { /* what the parser knows of a part of the expression */
    enum preference prefer;
} piece;

static qn_status parse_re(parser *ps, bool nested, piece *out);

/* ---- errors and flags ----------------------------------------------------------------------- */

static qn_status bad(qn_error *err, const char *why)
{
    return qn_fail(err, QN_SQLSTATE_INVALID_REGULAR_EXPRESSION, "invalid regular expression: %s",
                   why);
}

static const char BAD_PARENTHESES[] = "parentheses () not balanced";
static const char BAD_BRACKETS[] = "brackets [] not balanced";
static const char BAD_BRACES[] = "braces {} not balanced";
static const char BAD_COUNT[] = "invalid repetition count(s)";
static const char BAD_OPERAND[] = "quantifier operand invalid";
static const char BAD_RANGE[] = "invalid character range";
static const char BAD_CLASS[] = "invalid character class";
static const char BAD_ESCAPE[] = "invalid escape \\ sequence";
static const char BAD_BACKREF[] = "invalid backreference number";
static const char BAD_COLLATING[] = "invalid collating element";
static const char BAD_OPTION[] = "invalid embedded option";
static const char TOO_COMPLEX[] = "regular expression is too complex";

/* False for a letter that is no option. */
static bool apply_letter(char c, unsigned *flags)
{
    switch (c) {
    case 'b':
        *flags = (*flags & ~(unsigned)(QN_ARE_EXTENDED | QN_ARE_LITERAL)) | QN_ARE_BASIC;
        break;
    case 'c': *flags &= ~(unsigned)QN_ARE_ICASE; break;
    case 'e':
        *flags = (*flags & ~(unsigned)(QN_ARE_BASIC | QN_ARE_LITERAL)) | QN_ARE_EXTENDED;
        break;
    case 'i': *flags |= QN_ARE_ICASE; break;
    case 'm':
    case 'n': *flags |= QN_ARE_NLSTOP | QN_ARE_NLANCHOR; break;
    case 'p': *flags = (*flags | QN_ARE_NLSTOP) & ~(unsigned)QN_ARE_NLANCHOR; break;
    case 'q':
        *flags = (*flags & ~(unsigned)(QN_ARE_BASIC | QN_ARE_EXTENDED)) | QN_ARE_LITERAL;
        break;
    case 's': *flags &= ~(unsigned)(QN_ARE_NLSTOP | QN_ARE_NLANCHOR); break;
    case 't': *flags &= ~(unsigned)QN_ARE_EXPANDED; break;
    case 'w': *flags = (*flags | QN_ARE_NLANCHOR) & ~(unsigned)QN_ARE_NLSTOP; break;
    case 'x': *flags |= QN_ARE_EXPANDED; break;
    default: return false;
    }
    return true;
}

qn_status qn_are_flags(const char *letters, size_t bytes, unsigned *flags, qn_error *err)
{
    for (size_t i = 0; i < bytes; i++) {
        if (letters[i] == 'g') {
            *flags |= QN_ARE_GLOBAL;
        } else if (!apply_letter(letters[i] == 'e' ? 'b' : letters[i], flags)) {
            uint32_t cp;
            int      n = qn_utf8_decode(letters + i, bytes - i, &cp);
            return qn_fail(err, QN_SQLSTATE_INVALID_PARAMETER_VALUE,
                           "invalid regular expression option: \"%.*s\"", n > 0 ? n : 1,
                           letters + i);
        }
    }
    return QN_OK;
}

/* ---- output --------------------------------------------------------------------------------- */

static bool alnum(uint32_t cp)
{
    return (cp >= '0' && cp <= '9') || (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');
}

/* Is this a letter whose other case has to match too?  *other is that case. */
static bool folds(const parser *ps, uint32_t cp, uint32_t *other)
{
    if (!(ps->are->flags & QN_ARE_ICASE) || cp >= 0x80 || !qn_ascii_letter((char)cp)) {
        return false;
    }
    *other = cp ^ 0x20;
    return true;
}

/* Is this a code that valid text never contains? */
static bool never_in_text(uint32_t cp)
{
    return cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff);
}

/* One code point, valid both inside and outside of brackets. */
static void emit_code(parser *ps, uint32_t cp)
{
    char utf8[4];

    if (alnum(cp)) {
        qn_buf_putc(&ps->are->pattern, (char)cp);
    } else if (cp < 0x80) {
        qn_buf_printf(&ps->are->pattern, "\\x{%x}", cp);
    } else {
        qn_buf_add(&ps->are->pattern, utf8, (size_t)qn_utf8_encode(cp, utf8));
    }
}

/* Anything that is not a plain character. */
static void emit(parser *ps, const char *text)
{
    ps->are->is_literal = false;
    qn_buf_puts(&ps->are->pattern, text);
}

static void emit_char(parser *ps, uint32_t cp)
{
    uint32_t other;
    char     utf8[4];

    if (never_in_text(cp)) {
        emit(ps, "(?:(?!))");
        return;
    }
    if (folds(ps, cp, &other)) {
        qn_buf_printf(&ps->are->pattern, "[%c%c]", (char)cp, (char)other);
        cp |= 0x20;
    } else {
        emit_code(ps, cp);
    }
    qn_buf_add(&ps->are->literal, utf8, (size_t)qn_utf8_encode(cp, utf8));
}

/* ---- reading -------------------------------------------------------------------------------- */

static bool see(const parser *ps, char c)
{
    return ps->p < ps->end && *ps->p == c;
}

static bool advanced(const parser *ps)
{
    return !(ps->are->flags & QN_ARE_EXTENDED);
}

/* Skip what does not count: comments (?#…), and under `x` white space and # to the end of line. */
static void skip(parser *ps)
{
    for (;;) {
        if ((ps->are->flags & QN_ARE_EXPANDED) && ps->p < ps->end && *ps->p &&
            strchr(" \t\n\v\f\r", *ps->p)) {
            ps->p++;
        } else if ((ps->are->flags & QN_ARE_EXPANDED) && see(ps, '#')) {
            while (ps->p < ps->end && *ps->p != '\n') {
                ps->p++;
            }
        } else if (advanced(ps) && ps->end - ps->p >= 3 && memcmp(ps->p, "(?#", 3) == 0) {
            while (ps->p < ps->end && *ps->p != ')') {
                ps->p++;
            }
            ps->p += ps->p < ps->end;
        } else {
            return;
        }
    }
}

static uint32_t take_code(parser *ps)
{
    uint32_t cp = 0;
    int      n = qn_utf8_decode(ps->p, (size_t)(ps->end - ps->p), &cp);

    ps->p += n > 0 ? n : 1;
    return cp;
}

static bool digit_of(char c, int base, uint32_t *value)
{
    uint32_t d = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                 : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                 : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                        : 99;
    *value = d;
    return d < (uint32_t)base;
}

#define ARE_MAX_CODE                                                                               \
    0x7ffffffeu /* PostgreSQL accepts codes up to here, although no text contains them */

/* min..max digits; false when there are too few or the value is too large. */
static bool take_digits(parser *ps, int base, int min, int max, uint32_t *value)
{
    int      n = 0;
    uint32_t d;

    *value = 0;
    while (n < max && ps->p < ps->end && digit_of(*ps->p, base, &d)) {
        if (*value > (ARE_MAX_CODE - d) / (uint32_t)base) {
            return false;
        }
        *value = *value * (uint32_t)base + d;
        ps->p++;
        n++;
    }
    return n >= min;
}

/* ---- escapes -------------------------------------------------------------------------------- */

typedef enum escape_kind { ESC_CHAR, ESC_CLASS, ESC_CONSTRAINT, ESC_BACKREF } escape_kind;

typedef struct escape {
    escape_kind kind;
    uint32_t    value; /* code point, or number of the group */
    const char *text;  /* PCRE2's form of a class or constraint */
} escape;

/* \1 … \9 and longer numbers that name a group; else an octal code. */
static qn_status numeric_escape(parser *ps, escape *out)
{
    const char *first = ps->p;

    if (*first != '0') {
        bool fits = take_digits(ps, 10, 1, 255, &out->value);
        if (ps->p == first + 1 || (fits && out->value <= (uint32_t)ps->are->groups)) {
            out->kind = ESC_BACKREF;
            return QN_OK;
        }
        ps->p = first;
    }
    if (!take_digits(ps, 8, 1, 3, &out->value)) {
        return bad(ps->err, BAD_ESCAPE);
    }
    if (out->value > 0xff) {
        ps->p--;
        out->value >>= 3;
    }
    return QN_OK;
}

/* The escape whose backslash has just been read. */
static qn_status parse_escape(parser *ps, escape *out)
{
    char c;

    *out = (escape){ESC_CHAR, 0, NULL};
    if (ps->p == ps->end) {
        return bad(ps->err, BAD_ESCAPE);
    }
    c = *ps->p;
    if (c >= '0' && c <= '9') {
        return numeric_escape(ps, out);
    }
    if (!qn_ascii_letter(c)) {
        out->value = take_code(ps);
        return QN_OK;
    }
    ps->p++;
    switch (c) {
    case 'a': out->value = 7; return QN_OK;
    case 'b': out->value = 8; return QN_OK;
    case 'B': out->value = '\\'; return QN_OK;
    case 'e': out->value = 27; return QN_OK;
    case 'f': out->value = 12; return QN_OK;
    case 'n': out->value = 10; return QN_OK;
    case 'r': out->value = 13; return QN_OK;
    case 't': out->value = 9; return QN_OK;
    case 'v': out->value = 11; return QN_OK;
    case 'c':
        if (ps->p == ps->end) {
            return bad(ps->err, BAD_ESCAPE);
        }
        out->value = take_code(ps) & 31;
        return QN_OK;
    case 'u':
    case 'U':
    case 'x':
        if (!take_digits(ps, 16,
                         c == 'u'   ? 4
                         : c == 'U' ? 8
                                    : 1,
                         c == 'u'   ? 4
                         : c == 'U' ? 8
                                    : 255,
                         &out->value)) {
            return bad(ps->err, BAD_ESCAPE);
        }
        return QN_OK;
    default: break;
    }
    out->kind = ESC_CLASS;
    switch (c) {
    case 'd': out->text = "\\d"; return QN_OK;
    case 'D': out->text = "\\D"; return QN_OK;
    case 's': out->text = "\\s"; return QN_OK;
    case 'S': out->text = "\\S"; return QN_OK;
    case 'w': out->text = "\\w"; return QN_OK;
    case 'W': out->text = "\\W"; return QN_OK;
    default: break;
    }
    out->kind = ESC_CONSTRAINT;
    switch (c) {
    case 'A': out->text = "\\A"; return QN_OK;
    case 'm': out->text = "\\b(?=\\w)"; return QN_OK;
    case 'M': out->text = "\\b(?<=\\w)"; return QN_OK;
    case 'y': out->text = "\\b"; return QN_OK;
    case 'Y': out->text = "\\B"; return QN_OK;
    case 'Z': out->text = "\\z"; return QN_OK;
    default: return bad(ps->err, BAD_ESCAPE);
    }
}

/* ---- bracket expressions -------------------------------------------------------------------- */

static const char *const class_names[] = {"alnum", "alpha", "ascii", "blank", "cntrl",
                                          "digit", "graph", "lower", "print", "punct",
                                          "space", "upper", "word",  "xdigit"};

static qn_status emit_class(parser *ps, const char *name, size_t bytes)
{
    for (size_t i = 0; i < QN_COUNTOF(class_names); i++) {
        const char *known = class_names[i];
        if (strlen(known) == bytes && memcmp(known, name, bytes) == 0) {
            if ((ps->are->flags & QN_ARE_ICASE) &&
                (strcmp(known, "lower") == 0 || strcmp(known, "upper") == 0)) {
                known = "alpha";
            }
            qn_buf_printf(&ps->are->pattern, "[:%s:]", known);
            return QN_OK;
        }
    }
    return bad(ps->err, BAD_CLASS);
}

/* [:name:], [=c=] or [.c.], whose "[" has been read and whose kind is at p.  A collating element becomes *cp. */
static qn_status parse_named(parser *ps, uint32_t *cp, bool *is_char)
{
    char        kind = *ps->p++;
    const char *name = ps->p;
    size_t      bytes;

    while (ps->p < ps->end && !(ps->p[0] == kind && ps->p + 1 < ps->end && ps->p[1] == ']')) {
        ps->p++;
    }
    if (ps->p == ps->end) {
        return bad(ps->err, BAD_BRACKETS);
    }
    bytes = (size_t)(ps->p - name);
    ps->p += 2;
    if (kind == ':') {
        *is_char = false;
        return emit_class(ps, name, bytes);
    }
    if (bytes == 0 || qn_utf8_decode(name, bytes, cp) != (int)bytes) {
        return bad(ps->err, BAD_COLLATING);
    }
    *is_char = true;
    return QN_OK;
}

/* One element: a character in *cp, or (is_char false) a class that has been written. */
static qn_status parse_element(parser *ps, uint32_t *cp, bool *is_char)
{
    escape    esc;
    qn_status st;

    *is_char = true;
    if (see(ps, '[') && ps->p + 1 < ps->end &&
        (ps->p[1] == ':' || ps->p[1] == '=' || ps->p[1] == '.')) {
        ps->p++;
        return parse_named(ps, cp, is_char);
    }
    if (see(ps, '\\') && advanced(ps)) {
        ps->p++;
        st = parse_escape(ps, &esc);
        if (st != QN_OK) {
            return st;
        }
        if (esc.kind == ESC_CLASS) {
            *is_char = false;
            emit(ps, esc.text);
        } else if (esc.kind != ESC_CHAR) {
            return bad(ps->err, BAD_ESCAPE);
        }
        *cp = esc.value;
        return QN_OK;
    }
    *cp = take_code(ps);
    return QN_OK;
}

/* lo..hi in the other case, as far as it consists of letters. */
static void emit_folded_range(parser *ps, uint32_t lo, uint32_t hi, uint32_t a, uint32_t z)
{
    uint32_t first = lo > a ? lo : a, last = hi < z ? hi : z;

    if (first <= last) {
        qn_buf_printf(&ps->are->pattern, "%c-%c", (char)(first ^ 0x20), (char)(last ^ 0x20));
    }
}

static qn_status emit_range(parser *ps, uint32_t lo, uint32_t hi)
{
    if (lo > hi) {
        return bad(ps->err, BAD_RANGE);
    }
    /* PCRE2 takes no surrogates and nothing beyond Unicode.  As brackets must not become empty, such an
     * end moves to its neighbour: up to U+E000, or down to U+10FFFF. */
    lo = lo >= 0xd800 && lo <= 0xdfff ? 0xe000 : lo > 0x10ffff ? 0x10ffff : lo;
    hi = hi >= 0xd800 && hi <= 0xdfff ? (lo < 0xd800 ? 0xd7ff : 0xe000)
         : hi > 0x10ffff              ? 0x10ffff
                                      : hi;
    emit_code(ps, lo);
    if (hi > lo) {
        qn_buf_putc(&ps->are->pattern, '-');
        emit_code(ps, hi);
    }
    if (ps->are->flags & QN_ARE_ICASE) {
        emit_folded_range(ps, lo, hi, 'a', 'z');
        emit_folded_range(ps, lo, hi, 'A', 'Z');
    }
    return QN_OK;
}

/* A bracket expression whose "[" has been read. */
static qn_status parse_brackets(parser *ps)
{
    qn_status st = QN_OK;
    bool      first = true, is_char;

    emit(ps, "[");
    if (see(ps, '^')) {
        ps->p++;
        emit(ps, ps->are->flags & QN_ARE_NLSTOP ? "^\\n" : "^");
    }
    for (;; first = false) {
        uint32_t lo = 0, hi = 0;

        if (ps->p == ps->end) {
            return bad(ps->err, BAD_BRACKETS);
        }
        if (*ps->p == ']' && !first) {
            break;
        }
        if (*ps->p == '-' && !first && !(ps->p + 1 < ps->end && ps->p[1] == ']')) {
            return bad(ps->err, BAD_RANGE);
        }
        {
            bool equivalence = see(ps, '[') && ps->p + 1 < ps->end && ps->p[1] == '=';
            QN_TRY(parse_element(ps, &lo, &is_char));
            hi = lo;
            if (is_char && !equivalence && see(ps, '-') && ps->p + 1 == ps->end) {
                return bad(ps->err, BAD_BRACKETS);
            }
            if (is_char && !equivalence && see(ps, '-') && ps->p + 1 < ps->end && ps->p[1] != ']') {
                ps->p++;
                if (see(ps, '[') && ps->p + 1 < ps->end && (ps->p[1] == ':' || ps->p[1] == '=')) {
                    return bad(ps->err, BAD_RANGE);
                }
                QN_TRY(parse_element(ps, &hi, &is_char));
                if (!is_char) {
                    return bad(ps->err, BAD_RANGE);
                }
            }
        }
        if (is_char) {
            QN_TRY(emit_range(ps, lo, hi));
        }
    }
    ps->p++;
    emit(ps, "]");
done:
    return st;
}

/* ---- quantifiers ---------------------------------------------------------------------------- */

typedef struct quantifier {
    bool            present;
    int             min, max; /* max -1: no limit */
    enum preference prefer;   /* NO_PREFERENCE for {m} */
} quantifier;

static void skip_blanks(parser *ps)
{
    if (ps->are->flags & QN_ARE_EXPANDED) {
        skip(ps);
    }
}

static qn_status parse_count(parser *ps, int *count)
{
    uint32_t value = 0, d;

    for (skip_blanks(ps); ps->p < ps->end && digit_of(*ps->p, 10, &d); skip_blanks(ps)) {
        value = value * 10 + d;
        if (value > ARE_MAX_REPEAT) {
            return bad(ps->err, BAD_COUNT);
        }
        ps->p++;
    }
    *count = (int)value;
    return QN_OK;
}

/* {m}, {m,}, {m,n}; the brace has been seen to be followed by a digit. */
static qn_status parse_braces(parser *ps, quantifier *q)
{
    qn_status st = QN_OK;

    ps->p++;
    QN_TRY(parse_count(ps, &q->min));
    q->max = q->min;
    if (see(ps, ',')) {
        uint32_t d;
        ps->p++;
        q->max = -1;
        q->prefer = LONGEST;
        skip_blanks(ps);
        if (ps->p < ps->end && digit_of(*ps->p, 10, &d)) {
            QN_TRY(parse_count(ps, &q->max));
            if (q->min > q->max) {
                return bad(ps->err, BAD_COUNT);
            }
        }
    }
    if (ps->p == ps->end) {
        return bad(ps->err, BAD_BRACES);
    }
    if (*ps->p != '}') {
        return bad(ps->err, BAD_COUNT);
    }
    ps->p++;
done:
    return st;
}

/* A brace that no digit follows is a plain character. */
static bool see_quantifier(const parser *ps)
{
    parser   ahead = *ps;
    uint32_t d;

    if (!see(ps, '{')) {
        return see(ps, '*') || see(ps, '+') || see(ps, '?');
    }
    ahead.p++;
    skip_blanks(&ahead);
    return ahead.p < ahead.end && digit_of(*ahead.p, 10, &d);
}

static qn_status parse_quantifier(parser *ps, quantifier *q)
{
    qn_status st = QN_OK;

    *q = (quantifier){false, 1, 1, NO_PREFERENCE};
    skip(ps);
    if (!see_quantifier(ps)) {
        return QN_OK;
    }
    q->present = true;
    if (*ps->p == '{') {
        QN_TRY(parse_braces(ps, q));
    } else {
        q->min = *ps->p == '+' ? 1 : 0;
        q->max = *ps->p == '?' ? 1 : -1;
        q->prefer = LONGEST;
        ps->p++;
    }
    if (advanced(ps) && see(ps, '?')) {
        ps->p++;
        q->prefer = q->prefer == NO_PREFERENCE ? NO_PREFERENCE : SHORTEST;
    }
done:
    return st;
}

static void emit_quantifier(parser *ps, const quantifier *q)
{
    if (q->max < 0) {
        qn_buf_printf(&ps->are->pattern, "{%d,}", q->min);
    } else {
        qn_buf_printf(&ps->are->pattern, "{%d,%d}", q->min, q->max);
    }
    emit(ps, q->prefer == SHORTEST ? "?" : "");
}

/* ---- the grammar ---------------------------------------------------------------------------- */

static qn_status parse_lookaround(parser *ps, const char *open)
{
    qn_status st = QN_OK;
    piece     ignored;
    int       variable = ps->variable, alternatives = ps->alternatives;

    emit(ps, open);
    ps->lookaround++;
    QN_TRY(parse_re(ps, true, &ignored));
    ps->lookaround--;
    emit(ps, ")");
    ps->variable = variable; /* a constraint has no length */
    ps->alternatives = alternatives;
done:
    return st;
}

/* What follows "(".  *constraint: it was a lookaround and takes no quantifier. */
static qn_status parse_group(parser *ps, piece *out, bool *constraint)
{
    static const struct {
        char        syntax[4];
        const char *open;
    } lookarounds[] = {{"?=", "(?="}, {"?!", "(?!"}, {"?<=", "(?<="}, {"?<!", "(?<!"}};
    qn_status st = QN_OK;
    int       group = 0;

    if (advanced(ps) && see(ps, '?')) {
        for (size_t i = 0; i < QN_COUNTOF(lookarounds); i++) {
            size_t n = strlen(lookarounds[i].syntax);
            if ((size_t)(ps->end - ps->p) >= n && memcmp(ps->p, lookarounds[i].syntax, n) == 0) {
                ps->p += n;
                *constraint = true;
                return parse_lookaround(ps, lookarounds[i].open);
            }
        }
        if (ps->end - ps->p < 2 || ps->p[1] != ':') {
            return bad(ps->err, BAD_OPERAND);
        }
        ps->p += 2;
        emit(ps, "(?:");
    } else if (ps->lookaround) {
        emit(ps, "(?:");
    } else {
        group = ++ps->are->groups;
        emit(ps, "(");
    }
    QN_TRY(parse_re(ps, true, out));
    emit(ps, ")");
    if (group > 0 && group < 256) {
        ps->closed[group / 64] |= 1ull << (group % 64);
    }
done:
    return st;
}

static qn_status emit_backref(parser *ps, uint32_t group)
{
    if (group >= 256 || !(ps->closed[group / 64] >> (group % 64) & 1) || ps->lookaround) {
        return bad(ps->err, BAD_BACKREF);
    }
    ps->are->backrefs = true;
    emit(ps, "");
    qn_buf_printf(&ps->are->pattern, ps->are->flags & QN_ARE_ICASE ? "(?i:\\g{%u})" : "\\g{%u}",
                  group);
    return QN_OK;
}

static qn_status parse_escape_atom(parser *ps, bool *constraint)
{
    escape    esc;
    qn_status st = QN_OK;

    if (!advanced(ps)) {
        if (ps->p == ps->end) {
            return bad(ps->err, BAD_ESCAPE);
        }
        if ((ps->are->flags & QN_ARE_BASIC) && *ps->p >= '1' && *ps->p <= '9') {
            return emit_backref(ps, (uint32_t)(*ps->p++ - '0'));
        }
        emit_char(ps, take_code(ps));
        return QN_OK;
    }
    QN_TRY(parse_escape(ps, &esc));
    switch (esc.kind) {
    case ESC_CHAR: emit_char(ps, esc.value); break;
    case ESC_BACKREF: return emit_backref(ps, esc.value);
    case ESC_CONSTRAINT:
        *constraint = true;
        ps->at_end = strcmp(esc.text, "\\z") == 0;
        emit(ps, esc.text);
        break;
    case ESC_CLASS: emit(ps, esc.text); break;
    }
done:
    return st;
}

/* An atom or a constraint, without its quantifier. */
static qn_status parse_atom(parser *ps, piece *out, bool *constraint, bool *any)
{
    const char *at = ps->p;
    size_t      left = (size_t)(ps->end - at);

    out->prefer = NO_PREFERENCE;
    *constraint = *any = false;
    if (left >= 7 && (memcmp(at, "[[:<:]]", 7) == 0 || memcmp(at, "[[:>:]]", 7) == 0)) {
        ps->p += 7;
        *constraint = true;
        emit(ps, at[3] == '<' ? "\\b(?=\\w)" : "\\b(?<=\\w)");
        return QN_OK;
    }
    if (see_quantifier(ps)) {
        return bad(ps->err, BAD_OPERAND);
    }
    switch (*at) {
    case '^':
    case '$':
        ps->p++;
        *constraint = true;
        ps->at_end = *at == '$' && !(ps->are->flags & QN_ARE_NLANCHOR);
        emit(ps, *at == '^' ? "^" : "$");
        return QN_OK;
    case '.':
        ps->p++;
        *any = true;
        emit(ps, ".");
        return QN_OK;
    case '[': ps->p++; return parse_brackets(ps);
    case '(': ps->p++; return parse_group(ps, out, constraint);
    case '\\': ps->p++; return parse_escape_atom(ps, constraint);
    case ')':
        if (advanced(ps) || (ps->are->flags & QN_ARE_BASIC)) {
            return bad(ps->err, BAD_PARENTHESES);
        }
        break;
    default: break;
    }
    emit_char(ps, take_code(ps));
    return QN_OK;
}

static qn_status parse_quantified_atom(parser *ps, piece *out)
{
    qn_status  st = QN_OK;
    quantifier q;
    bool       constraint, any;
    int        before = ps->variable;

    ps->at_end = false;
    QN_TRY(parse_atom(ps, out, &constraint, &any));
    if (constraint) {
        return QN_OK;
    }
    ps->at_end = false;
    QN_TRY(parse_quantifier(ps, &q));
    if (!q.present) {
        return QN_OK;
    }
    emit_quantifier(ps, &q);
    if (q.max == 0) { /* the atom counts for nothing */
        ps->variable = before;
        out->prefer = NO_PREFERENCE;
        return QN_OK;
    }
    if (q.min != q.max) {
        ps->variable++;
        ps->last_variable = q.prefer;
    }
    if (ps->variable > before + (q.min != q.max)) {
        ps->variable += 2; /* a part of variable length is itself repeated */
    }
    if (q.prefer != NO_PREFERENCE) {
        out->prefer = q.prefer;
    }
    ps->at_end = any && q.max < 0 && q.prefer == LONGEST && !(ps->are->flags & QN_ARE_NLSTOP);
done:
    return st;
}

/* Alternatives up to ")" (which is read) or the end. */
static qn_status parse_re(parser *ps, bool nested, piece *out)
{
    qn_status st = QN_OK;
    int       branches = 1;

    if (++ps->depth > ARE_MAX_DEPTH) {
        return bad(ps->err, TOO_COMPLEX);
    }
    out->prefer = NO_PREFERENCE;
    ps->at_end = false;
    for (;;) {
        skip(ps);
        if (ps->p == ps->end || (nested && *ps->p == ')')) {
            break;
        }
        if (*ps->p == '|') {
            ps->p++;
            emit(ps, "|");
            ps->at_end = false;
            branches++;
        } else {
            piece part;
            QN_TRY(parse_quantified_atom(ps, &part));
            if (out->prefer == NO_PREFERENCE) {
                out->prefer = part.prefer;
            }
        }
    }
    if (nested) {
        if (ps->p == ps->end) {
            return bad(ps->err, BAD_PARENTHESES);
        }
        ps->p++;
    }
    if (branches > 1) {
        out->prefer = LONGEST;
        ps->alternatives++;
        ps->at_end = false;
    }
    ps->depth--;
done:
    return st;
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* Directors and embedded options, as they stand before the expression itself. */
static qn_status parse_prefix(parser *ps)
{
    unsigned *flags = &ps->are->flags;
    size_t    left = (size_t)(ps->end - ps->p);

    if (*flags & QN_ARE_LITERAL) {
        return QN_OK;
    }
    if (left >= 4 && memcmp(ps->p, "***", 3) == 0) {
        char c = ps->p[3];
        if (c != '=' && c != ':') {
            return bad(ps->err, c == '?' ? "invalid regexp (reg version 0.8)" : BAD_OPERAND);
        }
        ps->p += 4;
        *flags &= ~(unsigned)(QN_ARE_EXTENDED | QN_ARE_BASIC);
        if (c == '=') {
            *flags |= QN_ARE_LITERAL;
            return QN_OK;
        }
        left -= 4;
    }
    if ((*flags & (QN_ARE_EXTENDED | QN_ARE_BASIC)) || left < 3 || ps->p[0] != '(' ||
        ps->p[1] != '?' || !qn_ascii_letter(ps->p[2])) {
        return QN_OK;
    }
    for (ps->p += 2; ps->p < ps->end && qn_ascii_letter(*ps->p); ps->p++) {
        if (!apply_letter(*ps->p, flags)) {
            return bad(ps->err, BAD_OPTION);
        }
    }
    if (!see(ps, ')')) {
        return bad(ps->err, BAD_OPTION);
    }
    ps->p++;
    return QN_OK;
}

/* Copy a bracket expression; a missing end is left for the parser to find. */
static const char *respell_brackets(const char *p, const char *end, qn_buf *out)
{
    const char *begin = p++;

    p += p < end && *p == '^';
    p += p < end && *p == ']';
    while (p < end && *p != ']') {
        if (*p == '[' && p + 1 < end && (p[1] == ':' || p[1] == '.' || p[1] == '=')) {
            char kind = p[1];
            p += 2;
            while (p < end && !(*p == kind && p + 1 < end && p[1] == ']')) {
                p++;
            }
            p += p < end;
        }
        p += p < end;
    }
    p += p < end;
    qn_buf_add(out, begin, (size_t)(p - begin));
    return p;
}

/* A POSIX basic expression in the spelling of extended ones: \( \) \{ \} lose their backslash, what is special
 * only there gains one.  Back references keep theirs; parse_escape_atom knows them under QN_ARE_BASIC. */
static void respell_basic(const char *p, const char *end, qn_buf *out)
{
    bool start = true, open = false; /* at the beginning of all, or just after \( */

    while (p < end) {
        char c = *p++;
        bool first = start, after_open = open;

        start = open = false;
        if (c == '\\') {
            if (p == end) { /* an error, which the parser is to find in its turn */
                qn_buf_putc(out, c);
                break;
            }
            c = *p++;
            switch (c) {
            case '(':
                open = true;
                qn_buf_putc(out, c);
                break;
            case ')':
            case '}': qn_buf_putc(out, c); break;
            case '{': /* always a quantifier; a missing number counts as 0 */
                qn_buf_puts(out, p < end && *p >= '0' && *p <= '9' ? "{" : "{0");
                break;
            case '<': qn_buf_puts(out, "[[:<:]]"); break;
            case '>': qn_buf_puts(out, "[[:>:]]"); break;
            default: qn_buf_printf(out, "\\%c", c); break;
            }
        } else if (c == '[') {
            p = respell_brackets(p - 1, end, out);
        } else if (strchr("+?|(){}", c) || (c == '*' && (first || after_open)) ||
                   (c == '^' && !first && !after_open) ||
                   (c == '$' && p < end && !(end - p >= 2 && p[0] == '\\' && p[1] == ')'))) {
            qn_buf_printf(out, "\\%c", c);
        } else {
            if (c == '^') { /* an anchor: a star after it is still at the beginning */
                start = first;
                open = after_open;
            }
            qn_buf_putc(out, c);
        }
    }
}

qn_status qn_are_translate(const char *re, size_t bytes, unsigned flags, qn_mem *mem, qn_are *out,
                           qn_error *err)
{
    qn_status st = QN_OK;
    parser    ps = {.p = re, .end = re + bytes, .are = out, .err = err};
    piece     whole = {LONGEST};
    qn_buf    basic;

    qn_buf_init(&basic, mem);
    memset(out, 0, sizeof *out);
    qn_buf_init(&out->pattern, mem);
    qn_buf_init(&out->literal, mem);
    out->flags = flags & ~(unsigned)QN_ARE_GLOBAL;
    out->is_literal = true;
    QN_TRY(parse_prefix(&ps));
    if (out->flags & QN_ARE_BASIC) {
        out->flags |= QN_ARE_EXTENDED;
        respell_basic(ps.p, ps.end, &basic);
        if (!qn_buf_ok(&basic)) {
            st = qn_nomem(err);
            goto done;
        }
        ps.p = basic.bytes ? basic.data : "";
        ps.end = ps.p + basic.bytes;
    }
    if (out->flags & QN_ARE_LITERAL) {
        while (ps.p < ps.end) {
            emit_char(&ps, take_code(&ps));
        }
    } else {
        QN_TRY(parse_re(&ps, false, &whole));
    }
    out->shortest = whole.prefer == SHORTEST;
    out->exact = (!out->shortest && ps.at_end) || (ps.alternatives == 0 && ps.variable == 0) ||
                 (ps.alternatives == 0 && ps.variable == 1 && ps.last_variable == whole.prefer);
    if (!qn_buf_ok(&out->pattern) || !qn_buf_ok(&out->literal)) {
        st = qn_nomem(err);
    }
done:
    qn_buf_deinit(&basic);
    return st;
}

void qn_are_deinit(qn_are *are)
{
    qn_buf_deinit(&are->pattern);
    qn_buf_deinit(&are->literal);
}
