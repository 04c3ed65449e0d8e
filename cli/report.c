/* Error messages as psql writes them.
 *
 * The position is shown by the line of SQL it falls on, with a caret below.  Long lines are cut to
 * sixty columns around the position, "..." marking each cut; at least ten columns to the right of it
 * are kept where they exist. */
#include "shell.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_COLUMNS = 60, RIGHT_COLUMNS = 10 };

/* The characters of a text: where each begins and at which screen column. */
typedef struct char_map {
    size_t *offsets;
    size_t *columns;
    size_t  count; /* one more entry marks the end */
} char_map;

static void map_build(char_map *map, const char *text)
{
    size_t bytes = strlen(text), at = 0, column = 0, length;

    map->offsets = qn_sh_alloc((bytes + 1) * sizeof *map->offsets);
    map->columns = qn_sh_alloc((bytes + 1) * sizeof *map->columns);
    map->count   = 0;
    while (at < bytes) {
        int32_t code  = qn_sh_utf8(text + at, bytes - at, &length);
        int     width = code < 0 ? 1 : qn_sh_width(code);

        map->offsets[map->count]   = at;
        map->columns[map->count++] = column;
        column += width > 0 ? (size_t)width : 1;
        at += length;
    }
    map->offsets[map->count] = bytes;
    map->columns[map->count] = column;
}

void qn_sh_error_context(qn_sh_buf *out, const char *text, int position)
{
    char_map map;
    size_t   where = (size_t)position - 1, begin = 0, end, line = 1, indent;
    bool     cut_left = false, cut_right = false;

    if (position < 1)
        return;
    map_build(&map, text);
    if (where > map.count)
        goto done;
    for (size_t i = 0; i < where; i++) {
        char c = text[map.offsets[i]];

        if (c == '\n' || c == '\r') {
            if (!(c == '\n' && i && text[map.offsets[i - 1]] == '\r'))
                line++;
            begin = i + 1;
        }
    }
    for (end = where; end < map.count; end++)
        if (text[map.offsets[end]] == '\n' || text[map.offsets[end]] == '\r')
            break;
    if (map.columns[end] - map.columns[begin] > LINE_COLUMNS) {
        if (map.columns[begin] + LINE_COLUMNS >= map.columns[where] + RIGHT_COLUMNS) {
            for (; map.columns[end] - map.columns[begin] > LINE_COLUMNS; end--)
                cut_right = true;
        } else {
            for (; map.columns[where] + RIGHT_COLUMNS < map.columns[end]; end--)
                cut_right = true;
            for (; map.columns[end] - map.columns[begin] > LINE_COLUMNS; begin++)
                cut_left = true;
        }
    }
    indent = out->bytes;
    qn_sh_buf_printf(out, "LINE %zu: %s", line, cut_left ? "..." : "");
    indent = out->bytes - indent + map.columns[where] - map.columns[begin];
    for (size_t i = map.offsets[begin]; i < map.offsets[end]; i++)
        qn_sh_buf_putc(out, text[i] == '\t' ? ' ' : text[i]);
    qn_sh_buf_puts(out, cut_right ? "...\n" : "\n");
    qn_sh_buf_pad(out, indent, ' ');
    qn_sh_buf_puts(out, "^\n");
done:
    free(map.offsets);
    free(map.columns);
}

/* Where in a script we are; nothing for -c, the terminal, and piped input. */
static bool add_prefix(qn_sh_buf *out, const qn_sh *sh)
{
    if (!sh->input || !sh->input->name || sh->input->terminal)
        return false;
    qn_sh_buf_printf(out, "quern:%s:%llu: ", sh->input->name, (unsigned long long)sh->input->line);
    return true;
}

static qn_sh_verbosity verbosity_of(const qn_sh *sh)
{
    const char *value = qn_sh_var(sh, "VERBOSITY");

    if (value && qn_sh_same(value, "verbose"))
        return QN_SH_VERBOSE;
    if (value && qn_sh_same(value, "terse"))
        return QN_SH_TERSE;
    if (value && qn_sh_same(value, "sqlstate"))
        return QN_SH_SQLSTATE;
    return QN_SH_DEFAULT;
}

static size_t count_chars(const char *text, size_t bytes)
{
    size_t count = 0, length;

    for (size_t at = 0; at < bytes; at += length, count++)
        (void)qn_sh_utf8(text + at, bytes - at, &length);
    return count;
}

void qn_sh_report(const qn_sh *sh, const char *severity, const qn_error *err, const char *text,
                  size_t offset)
{
    qn_sh_buf       out       = {0};
    qn_sh_verbosity verbosity = verbosity_of(sh);
    int             position  = 0;

    if (err->position > 0 && text)
        position = err->position + (int)count_chars(text, offset);
    (void)add_prefix(&out, sh);
    qn_sh_buf_printf(&out, "%s:  ", severity);
    if ((verbosity == QN_SH_VERBOSE || verbosity == QN_SH_SQLSTATE) && err->sqlstate[0])
        qn_sh_buf_printf(&out, verbosity == QN_SH_VERBOSE ? "%s: " : "%s", err->sqlstate);
    if (verbosity != QN_SH_SQLSTATE || !err->sqlstate[0])
        qn_sh_buf_puts(&out, err->message);
    if (verbosity == QN_SH_TERSE && position)
        qn_sh_buf_printf(&out, " at character %d", position);
    qn_sh_buf_putc(&out, '\n');
    if (verbosity == QN_SH_DEFAULT || verbosity == QN_SH_VERBOSE) {
        if (position)
            qn_sh_error_context(&out, text, position);
        if (err->detail[0])
            qn_sh_buf_printf(&out, "DETAIL:  %s\n", err->detail);
        if (err->hint[0])
            qn_sh_buf_printf(&out, "HINT:  %s\n", err->hint);
    }
    fflush(stdout);
    fwrite(out.data, 1, out.bytes, stderr);
    fflush(stderr);
    qn_sh_buf_free(&out);
}

void qn_sh_message(const qn_sh *sh, const char *format, ...)
{
    qn_sh_buf out = {0};
    va_list   args;

    fflush(stdout);
    if (add_prefix(&out, sh))
        qn_sh_buf_puts(&out, "error: ");
    fwrite(qn_sh_buf_text(&out), 1, out.bytes, stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    qn_sh_buf_free(&out);
}
