/* Lines in, statements out: files, pipes and the terminal.
 *
 * We read with read(2) into our own buffer instead of stdio, for two reasons.  A statement from a pipe
 * must run as soon as its `;` has arrived, even when no line break follows; and COPY … FROM STDIN takes
 * its data from the lines behind the statement, so both must share one buffer. */
#include "shell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024, INPUT_DEPTH_LIMIT = 100 };

void qn_sh_input_open(qn_sh_input *input, int fd, const char *name)
{
    *input      = (qn_sh_input){0};
    input->fd   = fd;
    input->name = name;
}

void qn_sh_input_close(qn_sh_input *input)
{
    free(input->buffer);
    input->buffer   = NULL;
    input->capacity = input->start = input->end = 0;
}

/* Read what is there; false at the end, on an error, or when Ctrl-C came first. */
static bool input_fill(qn_sh_input *input)
{
    ssize_t got;

    if (input->at_end || input->failed)
        return false;
    if (input->start) {
        memmove(input->buffer, input->buffer + input->start, input->end - input->start);
        input->end -= input->start;
        input->start = 0;
    }
    if (input->capacity - input->end < READ_BYTES) {
        input->capacity = input->capacity * 2 + READ_BYTES;
        input->buffer   = qn_sh_realloc(input->buffer, input->capacity);
    }
    do
        got = read(input->fd, input->buffer + input->end, input->capacity - input->end);
    while (got < 0 && errno == EINTR && !qn_sh_interrupted);
    if (got <= 0) {
        input->at_end = got == 0;
        if (got < 0 && errno != EINTR) {
            fprintf(stderr, "quern: error: could not read from input: %s\n", strerror(errno));
            input->failed = true;
        }
        return false;
    }
    input->end += (size_t)got;
    return true;
}

/* A partial line that ends in `;` with nothing more to come for now: its sender waits for the
 * answer.  Lines with backslash commands are never cut; their arguments reach to the line's end. */
static bool is_waiting_statement(const qn_sh_input *input)
{
    const char   *text  = input->buffer + input->start;
    size_t        bytes = input->end - input->start;
    struct pollfd ready = {.fd = input->fd, .events = POLLIN};

    while (bytes && qn_sh_is_space((unsigned char)text[bytes - 1]))
        bytes--;
    /* The cheap questions first: a line of many megabytes comes by here at every read. */
    return bytes && text[bytes - 1] == ';' && poll(&ready, 1, 0) == 0 &&
           !memchr(text, '\\', bytes);
}

bool qn_sh_input_line(qn_sh_input *input, qn_sh_buf *line)
{
    size_t searched = 0;

    qn_sh_buf_clear(line);
    for (;;) {
        char  *text  = input->buffer ? input->buffer + input->start : NULL;
        size_t bytes = input->end - input->start;
        char  *end   = bytes > searched ? memchr(text + searched, '\n', bytes - searched) : NULL;

        if (end)
            bytes = (size_t)(end - text) + 1;
        if (end || (bytes && is_waiting_statement(input))) {
            input->line += !input->mid_line;
            input->mid_line = !end;
            qn_sh_buf_add(line, text, bytes);
            input->start += bytes;
            return true;
        }
        searched = bytes;
        if (!input_fill(input))
            break;
    }
    if (qn_sh_interrupted || input->end == input->start)
        return false;
    input->line += !input->mid_line;
    qn_sh_buf_add(line, input->buffer + input->start, input->end - input->start);
    input->start = input->end;
    return true;
}

ptrdiff_t qn_sh_input_copy(qn_sh_input *input, void *buffer, size_t bytes)
{
    size_t taken = 0;

    for (;;) {
        char  *text = input->buffer ? input->buffer + input->start : NULL;
        size_t left = input->end - input->start;
        char  *end  = left ? memchr(text, '\n', left) : NULL;
        size_t line = end ? (size_t)(end - text) + 1 : left;

        if (!end && left < 4 && !input->at_end && !input->failed && !qn_sh_interrupted) {
            /* Too short to tell whether it will be `\.`: wait, but hand out what is certain. */
            if (taken)
                break;
            (void)input_fill(input);
            continue;
        }
        if (!input->mid_line && left && text[0] == '\\' && left > 1 && text[1] == '.' &&
            (line == 2 || text[2] == '\n' || (text[2] == '\r' && (line == 3 || line == 4)))) {
            if (taken)
                break; /* the next call finds it again */
            input->start += line;
            input->line++;
            return 0;
        }
        if (!left || taken == bytes)
            break;
        if (line > bytes - taken) {
            line = bytes - taken;
            end  = NULL;
        }
        memcpy((char *)buffer + taken, text, line);
        taken += line;
        input->start += line;
        input->line += !input->mid_line;
        input->mid_line = !end;
    }
    return input->failed || (qn_sh_interrupted && !taken) ? -1 : (ptrdiff_t)taken;
}

/* ---- the statement loop --------------------------------------------------------------------- */

static bool run_query_buffer(qn_sh *sh)
{
    qn_sh_buf statement = sh->query;
    bool      joined    = sh->lex.joined, ok = true;
    size_t    at = 0, start, length;

    sh->query = (qn_sh_buf){0};
    sh->lex   = (qn_sh_lex){0};
    if (joined)
        while (ok && qn_sh_lex_next(statement.data, statement.bytes, &at, &start, &length))
            ok = qn_sh_execute(sh, statement.data, start, length);
    else if (qn_sh_lex_has_token(qn_sh_buf_text(&statement), statement.bytes))
        ok = qn_sh_execute(sh, statement.data, 0, statement.bytes);
    qn_sh_buf_free(&sh->previous);
    sh->previous = statement;
    return ok;
}

/* Run everything that ends on this line; false when the input must not go on. */
static bool run_line(qn_sh *sh, qn_sh_buf *line)
{
    size_t at = 0;
    bool   ok, send;

    while (!sh->quit) {
        switch (qn_sh_lex_scan(&sh->lex, line, &at, &sh->query, qn_sh_lookup, sh)) {
        case QN_SH_LEX_SEMICOLON:
            ok = run_query_buffer(sh);
            break;
        case QN_SH_LEX_BACKSLASH:
            send = false;
            ok   = qn_sh_meta(sh, line, &at, &send);
            if (ok && send) {
                if (!sh->query.bytes)
                    qn_sh_buf_add(&sh->query, qn_sh_buf_text(&sh->previous), sh->previous.bytes);
                ok = run_query_buffer(sh);
            }
            break;
        default:
            return true;
        }
        if (!ok && qn_sh_stops(sh))
            return false;
        if (!sh->interactive && qn_sh_interrupted)
            return false;
    }
    return true;
}

void qn_sh_run_input(qn_sh *sh, qn_sh_input *input)
{
    qn_sh_input *outer       = sh->input;
    qn_sh_input *outer_copy  = sh->copy.from;
    qn_sh_buf    outer_query = sh->query;
    qn_sh_lex    outer_lex   = sh->lex;
    qn_sh_buf    line        = {0};
    bool         go_on       = true;

    sh->input     = input;
    sh->copy.from = input;
    sh->query = (qn_sh_buf){0};
    sh->lex   = (qn_sh_lex){0};
    while (go_on && !sh->quit) {
        bool got = input->terminal ? qn_sh_terminal_line(sh, &line) : qn_sh_input_line(input, &line);

        if (!got)
            break;
        if (input->line == 1 && line.bytes >= 3 && memcmp(line.data, "\xef\xbb\xbf", 3) == 0) {
            memmove(line.data, line.data + 3, line.bytes - 2); /* a byte order mark; the 0 too */
            line.bytes -= 3;
        }
        go_on = run_line(sh, &line);
    }
    /* A script's last statement needs no semicolon; one typed at a terminal does. */
    if (go_on && !sh->quit && !input->terminal && !qn_sh_interrupted && sh->query.bytes)
        go_on = run_query_buffer(sh) || !qn_sh_stops(sh);
    if (input->failed)
        sh->status = QN_EXIT_IO;
    if (!sh->interactive && qn_sh_interrupted)
        sh->status = QN_EXIT_INTERRUPTED;
    if (!go_on && !sh->interactive)
        sh->quit = true;
    qn_sh_buf_free(&line);
    qn_sh_buf_free(&sh->query);
    sh->input     = outer;
    sh->copy.from = outer_copy;
    sh->query = outer_query;
    sh->lex   = outer_lex;
}

bool qn_sh_run_file(qn_sh *sh, const char *path)
{
    qn_sh_input input;
    struct stat info;
    int         fd;

    if (sh->input_depth >= INPUT_DEPTH_LIMIT) {
        qn_sh_message(sh, "%s: too many nested files", path);
        return false;
    }
    if (strcmp(path, "-") == 0) { /* one buffer for standard input, whoever reads it */
        sh->standard.name = "<stdin>";
        qn_sh_run_input(sh, &sh->standard);
        return true;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        close(fd);
        fd    = -1;
        errno = EISDIR;
    }
    if (fd < 0) {
        qn_sh_message(sh, "%s: %s", path, strerror(errno));
        return false;
    }
    qn_sh_input_open(&input, fd, path);
    sh->input_depth++;
    qn_sh_run_input(sh, &input);
    sh->input_depth--;
    qn_sh_input_close(&input);
    close(fd);
    return true;
}

void qn_sh_run_command(qn_sh *sh, const char *text)
{
    size_t bytes = strlen(text), at = 0, start, length;
    bool   send = false, ok = true;

    if (text[0] == '\\') {
        qn_sh_buf line = {0};

        qn_sh_buf_add(&line, text, bytes);
        at = 1;
        ok = qn_sh_meta(sh, &line, &at, &send);
        qn_sh_buf_free(&line);
    } else {
        while (ok && qn_sh_lex_next(text, bytes, &at, &start, &length))
            ok = qn_sh_execute(sh, text, start, length);
    }
    if (!ok && qn_sh_stops(sh))
        sh->quit = true;
}
