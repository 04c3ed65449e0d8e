/* Statement boundaries; see lex.h.
 *
 * One function per lexical state consumes as much as it can.  Every state survives the end of a line,
 * so the caller feeds whatever has arrived.  A pair of characters that decides something ('' inside
 * quotes, the two of a comment bracket) never straddles lines: a line break separates tokens. */
#include "lex.h"

#include <stdlib.h>
#include <string.h>

/* Expansions in one line; a variable that names itself would go on for ever. */
enum { SUBSTITUTION_LIMIT = 1000 };

static void take(qn_sh_buf *out, const qn_sh_buf *line, size_t *at, size_t bytes)
{
    qn_sh_buf_add(out, line->data + *at, bytes);
    *at += bytes;
}

/* Inside '…', E'…' or "…".  A doubled quote needs no care: it ends and begins the state again. */
static void scan_quoted(qn_sh_lex *lex, const qn_sh_buf *line, size_t *at, qn_sh_buf *out)
{
    char quote = lex->state == QN_SH_LEX_IDENTIFIER ? '"' : '\'';

    while (*at < line->bytes) {
        char c = line->data[*at];

        if (c == '\\' && lex->state == QN_SH_LEX_ESCAPE && *at + 1 < line->bytes) {
            take(out, line, at, 2);
            continue;
        }
        take(out, line, at, 1);
        if (c == quote) {
            /* E'a''b' stays an escape string behind its doubled quote. */
            if (*at < line->bytes && line->data[*at] == quote) {
                take(out, line, at, 1);
                continue;
            }
            lex->state = QN_SH_LEX_NORMAL;
            return;
        }
    }
}

static void scan_dollar(qn_sh_lex *lex, const qn_sh_buf *line, size_t *at, qn_sh_buf *out)
{
    size_t tag_bytes = strlen(lex->tag);

    while (*at < line->bytes) {
        if (line->bytes - *at >= tag_bytes &&
            memcmp(line->data + *at, lex->tag, tag_bytes) == 0) {
            take(out, line, at, tag_bytes);
            lex->state = QN_SH_LEX_NORMAL;
            return;
        }
        take(out, line, at, 1);
    }
}

static void scan_comment(qn_sh_lex *lex, const qn_sh_buf *line, size_t *at, qn_sh_buf *out)
{
    while (*at < line->bytes) {
        const char *p    = line->data + *at;
        bool        pair = *at + 1 < line->bytes;

        if (pair && p[0] == '*' && p[1] == '/') {
            take(out, line, at, 2);
            if (--lex->comment_depth == 0) {
                lex->state = QN_SH_LEX_NORMAL;
                return;
            }
        } else if (pair && p[0] == '/' && p[1] == '*') {
            take(out, line, at, 2);
            lex->comment_depth++;
        } else {
            take(out, line, at, 1);
        }
    }
}

/* Length of a dollar-quote opening at p, 0 when it is none (a parameter, an operator). */
static size_t dollar_tag(const char *p, size_t bytes)
{
    size_t i = 1;

    if (i < bytes && p[i] == '$')
        return 2;
    if (i >= bytes || !qn_sh_is_ident_start((unsigned char)p[i]))
        return 0;
    while (i < bytes && p[i] != '$' && qn_sh_is_ident((unsigned char)p[i]))
        i++;
    return i < bytes && p[i] == '$' ? i + 1 : 0;
}

size_t qn_sh_lex_variable(const char *text, size_t bytes, qn_sh_lookup_fn lookup, void *arg,
                          qn_sh_buf *value)
{
    size_t      name_at = 1, end;
    char        quote   = '\0';
    char       *name;
    const char *found;

    if (bytes > 1 && (text[1] == '\'' || text[1] == '"')) {
        quote   = text[1];
        name_at = 2;
    } else if (bytes > 3 && text[1] == '{' && text[2] == '?') {
        quote   = '}';
        name_at = 3;
    }
    end = name_at;
    while (end < bytes && text[end] != '$' && qn_sh_is_ident((unsigned char)text[end]))
        end++;
    if (end == name_at || (quote && (end >= bytes || text[end] != quote)))
        return 0;
    name  = qn_sh_strndup(text + name_at, end - name_at);
    found = lookup(arg, name);
    free(name);
    if (quote == '}')
        qn_sh_buf_puts(value, found ? "TRUE" : "FALSE");
    else if (!found)
        return 0;
    else if (quote == '\'')
        qn_sh_buf_add_literal(value, found);
    else if (quote == '"')
        qn_sh_buf_add_identifier(value, found);
    else
        qn_sh_buf_puts(value, found);
    return quote ? end + 1 : end;
}

/* Put a variable's value in the place of its reference, to be scanned in its turn. */
static bool substitute(qn_sh_buf *line, size_t at, qn_sh_lookup_fn lookup, void *arg)
{
    qn_sh_buf text = {0};
    size_t    used = qn_sh_lex_variable(line->data + at, line->bytes - at, lookup, arg, &text);

    if (used) {
        qn_sh_buf_add(&text, line->data + at + used, line->bytes - at - used);
        line->bytes = at;
        qn_sh_buf_add(line, qn_sh_buf_text(&text), text.bytes);
    }
    qn_sh_buf_free(&text);
    return used != 0;
}

static void scan_identifier(qn_sh_lex *lex, const qn_sh_buf *line, size_t *at, qn_sh_buf *out)
{
    size_t start = *at, end = *at;

    while (end < line->bytes && qn_sh_is_ident((unsigned char)line->data[end]))
        end++;
    take(out, line, at, end - start);
    if (end - start == 1 && (line->data[start] == 'e' || line->data[start] == 'E') &&
        end < line->bytes && line->data[end] == '\'') {
        take(out, line, at, 1);
        lex->state = QN_SH_LEX_ESCAPE;
    }
}

/* One token outside of quotes and comments. */
static qn_sh_lex_end scan_normal(qn_sh_lex *lex, qn_sh_buf *line, size_t *at, qn_sh_buf *out)
{
    const char *p    = line->data + *at;
    size_t      left = line->bytes - *at;
    size_t      tag;

    if (qn_sh_is_ident_start((unsigned char)p[0])) {
        scan_identifier(lex, line, at, out);
        return QN_SH_LEX_END_OF_TEXT;
    }
    switch (p[0]) {
    case '\'':
        lex->state = QN_SH_LEX_QUOTE;
        break;
    case '"':
        lex->state = QN_SH_LEX_IDENTIFIER;
        break;
    case '$':
        tag = dollar_tag(p, left);
        if (tag && tag < sizeof lex->tag) {
            memcpy(lex->tag, p, tag);
            lex->tag[tag] = '\0';
            lex->state    = QN_SH_LEX_DOLLAR;
            take(out, line, at, tag);
            return QN_SH_LEX_END_OF_TEXT;
        }
        break;
    case '/':
        if (left > 1 && p[1] == '*') {
            lex->state         = QN_SH_LEX_COMMENT;
            lex->comment_depth = 1;
            take(out, line, at, 2);
            return QN_SH_LEX_END_OF_TEXT;
        }
        break;
    case '(':
        lex->paren_depth++;
        break;
    case ')':
        if (lex->paren_depth > 0)
            lex->paren_depth--;
        break;
    case ';':
        if (lex->paren_depth == 0) {
            take(out, line, at, 1);
            return QN_SH_LEX_SEMICOLON;
        }
        break;
    default:
        break;
    }
    if (p[0] >= '0' && p[0] <= '9') { /* 1e5 is no identifier e5; $1 no dollar quote */
        while (*at < line->bytes && qn_sh_is_ident((unsigned char)line->data[*at]) &&
               line->data[*at] != '$')
            take(out, line, at, 1);
        return QN_SH_LEX_END_OF_TEXT;
    }
    take(out, line, at, 1);
    return QN_SH_LEX_END_OF_TEXT;
}

/* A "--" comment: kept inside a statement, dropped before one. */
static bool scan_line_comment(const qn_sh_buf *line, size_t *at, qn_sh_buf *out)
{
    size_t end = *at;

    if (line->bytes - *at < 2 || memcmp(line->data + *at, "--", 2) != 0)
        return false;
    while (end < line->bytes && line->data[end] != '\n')
        end++;
    if (out->bytes)
        take(out, line, at, end - *at);
    *at = end;
    return true;
}

qn_sh_lex_end qn_sh_lex_scan(qn_sh_lex *lex, qn_sh_buf *line, size_t *at, qn_sh_buf *out,
                             qn_sh_lookup_fn lookup, void *arg)
{
    int substitutions = 0;

    while (*at < line->bytes) {
        char c = line->data[*at];

        switch (lex->state) {
        case QN_SH_LEX_NORMAL:
            break;
        case QN_SH_LEX_DOLLAR:
            scan_dollar(lex, line, at, out);
            continue;
        case QN_SH_LEX_COMMENT:
            scan_comment(lex, line, at, out);
            continue;
        default:
            scan_quoted(lex, line, at, out);
            continue;
        }
        if (qn_sh_is_space((unsigned char)c)) {
            if (out->bytes)
                take(out, line, at, 1);
            else
                (*at)++;
        } else if (scan_line_comment(line, at, out)) {
            continue;
        } else if (c == ':' && *at + 1 < line->bytes && strchr(":=", line->data[*at + 1])) {
            take(out, line, at, 2); /* a cast or an assignment, not a variable */
        } else if (c == ':' && lookup && substitutions < SUBSTITUTION_LIMIT &&
                   substitute(line, *at, lookup, arg)) {
            substitutions++;
        } else if (c == '\\' && lookup && *at + 1 < line->bytes && strchr(";:", line->data[*at + 1])) {
            lex->joined |= line->data[*at + 1] == ';';
            (*at)++;
            take(out, line, at, 1);
        } else if (c == '\\' && lookup) {
            (*at)++;
            return QN_SH_LEX_BACKSLASH;
        } else if (scan_normal(lex, line, at, out) == QN_SH_LEX_SEMICOLON) {
            return QN_SH_LEX_SEMICOLON;
        }
    }
    return QN_SH_LEX_END_OF_TEXT;
}

char qn_sh_lex_prompt(const qn_sh_lex *lex, bool inside_statement)
{
    switch (lex->state) {
    case QN_SH_LEX_QUOTE:
    case QN_SH_LEX_ESCAPE:
        return '\'';
    case QN_SH_LEX_IDENTIFIER:
        return '"';
    case QN_SH_LEX_DOLLAR:
        return '$';
    case QN_SH_LEX_COMMENT:
        return '*';
    default:
        if (lex->paren_depth > 0)
            return '(';
        return inside_statement ? '-' : '=';
    }
}

bool qn_sh_lex_has_token(const char *text, size_t bytes)
{
    int    depth = 0;
    size_t i     = 0;

    while (i < bytes) {
        if (i + 1 < bytes && text[i] == '/' && text[i + 1] == '*') {
            depth++;
            i += 2;
        } else if (depth && i + 1 < bytes && text[i] == '*' && text[i + 1] == '/') {
            depth--;
            i += 2;
        } else if (!depth && i + 1 < bytes && text[i] == '-' && text[i + 1] == '-') {
            while (i < bytes && text[i] != '\n')
                i++;
        } else if (depth || qn_sh_is_space((unsigned char)text[i]) || text[i] == ';') {
            i++;
        } else {
            return true;
        }
    }
    return false;
}

bool qn_sh_lex_next(const char *text, size_t bytes, size_t *at, size_t *start, size_t *length)
{
    while (*at < bytes) {
        qn_sh_lex lex  = {0};
        qn_sh_buf line = {0}, out = {0};
        size_t    used = 0;

        qn_sh_buf_add(&line, text + *at, bytes - *at);
        (void)qn_sh_lex_scan(&lex, &line, &used, &out, NULL, NULL);
        *start  = *at;
        *length = used;
        *at += used;
        qn_sh_buf_free(&line);
        qn_sh_buf_free(&out);
        if (qn_sh_lex_has_token(text + *start, *length))
            return true;
    }
    return false;
}
