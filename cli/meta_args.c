/* Words of backslash commands, by psql's rules.
 *
 * A word ends at a blank, at the line's end, or at a backslash, which begins the next command.  'text'
 * knows C-like escapes, "text" keeps its quotes, `command` is replaced by the command's output, and
 * :name, :'name', :"name" by variables. */
#include "shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int word_peek(const qn_sh_words *words)
{
    if (words->at >= words->line->bytes || words->line->data[words->at] == '\n')
        return -1;
    return (unsigned char)words->line->data[words->at];
}

static void word_skip_space(qn_sh_words *words)
{
    while (word_peek(words) >= 0 && qn_sh_is_space((unsigned char)word_peek(words)))
        words->at++;
}

/* Up to three octal or two hexadecimal digits behind a backslash. */
static char word_number(qn_sh_words *words, int base, int digits)
{
    int value = 0;

    for (; digits > 0; digits--) {
        int c = word_peek(words);
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : 99;

        if (d >= base)
            break;
        value = value * base + d;
        words->at++;
    }
    return (char)value;
}

static void word_escape(qn_sh_words *words, qn_sh_buf *out)
{
    static const char from[] = "ntbrf", to[] = "\n\t\b\r\f";
    int               c = word_peek(words);
    const char       *known;

    if (c < 0)
        return;
    if (c >= '0' && c <= '7') {
        qn_sh_buf_putc(out, word_number(words, 8, 3));
        return;
    }
    words->at++;
    known = strchr(from, c);
    if (c == 'x')
        qn_sh_buf_putc(out, word_number(words, 16, 2));
    else
        qn_sh_buf_putc(out, known ? to[known - from] : (char)c);
}

/* False when the quote is not closed on the line. */
static bool word_quoted(qn_sh_words *words, qn_sh_buf *out)
{
    int c;

    words->at++;
    while ((c = word_peek(words)) >= 0) {
        words->at++;
        if (c == '\'') {
            if (word_peek(words) != '\'')
                return true;
            words->at++;
            qn_sh_buf_putc(out, '\'');
        } else if (c == '\\') {
            word_escape(words, out);
        } else {
            qn_sh_buf_putc(out, (char)c);
        }
    }
    return false;
}

static bool word_double_quoted(qn_sh_words *words, qn_sh_buf *out)
{
    int c;

    qn_sh_buf_putc(out, '"');
    words->at++;
    while ((c = word_peek(words)) >= 0) {
        words->at++;
        qn_sh_buf_putc(out, (char)c);
        if (c == '"')
            return true;
    }
    return false;
}

/* The output of a command in backquotes, without its last line break. */
static void word_command(qn_sh_words *words, qn_sh_buf *out)
{
    qn_sh_buf command = {0};
    char      buffer[512];
    size_t    got, before = out->bytes;
    FILE     *pipe;
    int       c;

    words->at++;
    while ((c = word_peek(words)) >= 0) {
        words->at++;
        if (c == '`')
            break;
        qn_sh_buf_putc(&command, (char)c);
    }
    fflush(NULL);
    pipe = popen(qn_sh_buf_text(&command), "r");
    while (pipe && (got = fread(buffer, 1, sizeof buffer, pipe)) > 0)
        qn_sh_buf_add(out, buffer, got);
    if (!pipe || pclose(pipe) != 0)
        qn_sh_message(words->sh, "%s: command failed", qn_sh_buf_text(&command));
    if (out->bytes > before && out->data[out->bytes - 1] == '\n')
        out->data[--out->bytes] = '\0';
    qn_sh_buf_free(&command);
}

static char *word_rest(qn_sh_words *words)
{
    size_t start = words->at, end;

    while (word_peek(words) >= 0)
        words->at++;
    end = words->at;
    while (end > start && qn_sh_is_space((unsigned char)words->line->data[end - 1]))
        end--;
    return end > start ? qn_sh_strndup(words->line->data + start, end - start) : NULL;
}

char *qn_sh_word(qn_sh_words *words, qn_sh_word_kind kind)
{
    qn_sh_buf out    = {0};
    bool      quoted = false, closed = true;
    int       c;

    word_skip_space(words);
    if (kind == QN_SH_WORD_LINE || (kind == QN_SH_WORD_PIPE && word_peek(words) == '|'))
        return word_rest(words);
    while ((c = word_peek(words)) >= 0 && !qn_sh_is_space((unsigned char)c) && c != '\\') {
        quoted |= c == '\'' || c == '`';
        if (c == '\'') {
            closed = word_quoted(words, &out);
        } else if (c == '"') {
            closed = word_double_quoted(words, &out);
        } else if (c == '`') {
            word_command(words, &out);
        } else if (c == ':') {
            size_t used = qn_sh_lex_variable(words->line->data + words->at,
                                             words->line->bytes - words->at, qn_sh_lookup,
                                             words->sh, &out);

            if (used)
                words->at += used;
            else
                qn_sh_buf_putc(&out, words->line->data[words->at++]);
        } else {
            qn_sh_buf_putc(&out, (char)c);
            words->at++;
        }
        if (!closed) {
            qn_sh_message(words->sh, "unterminated quoted string");
            qn_sh_buf_free(&out);
            return NULL;
        }
    }
    if (!out.bytes && !quoted) {
        qn_sh_buf_free(&out);
        return NULL;
    }
    qn_sh_buf_add(&out, "", 0);
    return out.data;
}
