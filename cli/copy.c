/* COPY through the shell: data inside scripts, and \copy with files of the client.
 *
 * COPY … FROM STDIN in a script takes the lines behind the statement up to one that holds only `\.`;
 * with -c it reads standard input.  \copy turns into the same statement with the file in its place. */
#include "shell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ptrdiff_t copy_read(void *arg, void *buffer, size_t bytes)
{
    qn_sh    *sh = arg;
    ptrdiff_t got;

    if (!sh->copy.started && sh->interactive && sh->copy.from && sh->copy.from->fd == 0 &&
        !sh->quiet)
        puts("Enter data to be copied followed by a newline.\n"
             "End with a backslash and a period on a line by itself, or an EOF signal.");
    /* Data begins on the next line; the rest of a line that was cut behind its `;` is its break. */
    if (!sh->copy.started && sh->copy.from && sh->copy.from->mid_line) {
        char skipped;

        while (sh->copy.from->mid_line &&
               qn_sh_input_copy(sh->copy.from, &skipped, 1) > 0 && skipped != '\n')
            continue;
    }
    sh->copy.started = true;
    if (sh->copy.finished)
        return 0;
    if (!sh->copy.from) {
        got = -1;
    } else if (sh->copy.whole) {
        do
            got = read(sh->copy.from->fd, buffer, bytes);
        while (got < 0 && errno == EINTR && !qn_sh_interrupted);
    } else {
        got = qn_sh_input_copy(sh->copy.from, buffer, bytes);
    }
    sh->copy.finished = got <= 0;
    sh->copy.failed   = got < 0;
    return got;
}

static bool copy_write(void *arg, const void *data, size_t bytes)
{
    qn_sh *sh = arg;

    sh->copy.wrote = true;
    return fwrite(data, 1, bytes, sh->copy.to) == bytes;
}

void qn_sh_copy_install(qn_sh *sh)
{
    qn_set_copy(sh->conn, copy_read, copy_write, sh);
}

void qn_sh_copy_drain(qn_sh *sh)
{
    char buffer[4096];

    if (!sh->copy.started || sh->copy.finished || sh->copy.whole || !sh->copy.from)
        return;
    while (qn_sh_input_copy(sh->copy.from, buffer, sizeof buffer) > 0)
        continue;
}

/* ---- \copy ---------------------------------------------------------------------------------- */

typedef struct copy_request {
    qn_sh_buf what;    /* table with its columns, or a query in parentheses */
    bool      from;
    bool      program;
    bool      standard;  /* stdin or stdout: the script's */
    bool      own;       /* pstdin or pstdout: the shell's */
    char     *file;
    qn_sh_buf options;
} copy_request;

static void skip_space(const char **p)
{
    while (qn_sh_is_space((unsigned char)**p))
        (*p)++;
}

/* The next token: a parenthesised group, a quoted text, or everything up to a blank or '('. */
static size_t token_length(const char *p)
{
    size_t n = 0;
    int    depth = 0;

    do {
        char c = p[n];

        if (c == '\'' || c == '"') {
            for (n++; p[n] && p[n] != c; n++)
                continue;
            if (p[n])
                n++;
            if (!depth && p[n] != '.')
                return n;
            continue;
        }
        if (c == '(') {
            if (!depth && n)
                return n;
            depth++;
        } else if (c == ')') {
            depth--;
            if (depth <= 0)
                return n + 1;
        }
        if (p[n])
            n++;
    } while (p[n] && (depth > 0 || !qn_sh_is_space((unsigned char)p[n])));
    return n;
}

static char *take_token(const char **p)
{
    size_t n;
    char  *token;

    skip_space(p);
    if (!**p)
        return NULL;
    n     = token_length(*p);
    token = qn_sh_strndup(*p, n);
    *p += n;
    return token;
}

/* 'it''s' and "odd" file names lose their quotes. */
static void unquote(char *text)
{
    size_t n = strlen(text), to = 0;
    char   q = text[0];

    if (n < 2 || (q != '\'' && q != '"') || text[n - 1] != q)
        return;
    for (size_t i = 1; i + 1 < n; i++) {
        if (text[i] == q && text[i + 1] == q && i + 2 < n)
            i++;
        text[to++] = text[i];
    }
    text[to] = '\0';
}

static void request_free(copy_request *request)
{
    qn_sh_buf_free(&request->what);
    qn_sh_buf_free(&request->options);
    free(request->file);
}

/* False when the arguments are not \copy's. */
static bool request_parse(const char *p, copy_request *request)
{
    char *token = NULL;

    for (;;) {
        free(token);
        token = take_token(&p);
        if (!token)
            return false;
        if (request->what.bytes && (qn_sh_same(token, "from") || qn_sh_same(token, "to")))
            break;
        if (request->what.bytes)
            qn_sh_buf_putc(&request->what, ' ');
        qn_sh_buf_puts(&request->what, token);
    }
    request->from = qn_sh_same(token, "from");
    free(token);
    request->file = take_token(&p);
    if (!request->file)
        return false;
    if (qn_sh_same(request->file, "program")) {
        free(request->file);
        request->program = true;
        request->file    = take_token(&p);
        if (!request->file || request->file[0] != '\'')
            return false;
    } else if (qn_sh_same(request->file, request->from ? "stdin" : "stdout")) {
        request->standard = true;
    } else if (qn_sh_same(request->file, request->from ? "pstdin" : "pstdout")) {
        request->own = true;
    }
    unquote(request->file);
    skip_space(&p);
    qn_sh_buf_puts(&request->options, p);
    while (request->options.bytes &&
           (qn_sh_is_space((unsigned char)request->options.data[request->options.bytes - 1]) ||
            request->options.data[request->options.bytes - 1] == ';'))
        request->options.data[--request->options.bytes] = '\0';
    return true;
}

static FILE *request_open(qn_sh *sh, const copy_request *request)
{
    FILE       *file;
    struct stat info;

    fflush(NULL);
    if (request->program)
        file = popen(request->file, request->from ? "r" : "w");
    else
        file = fopen(request->file, request->from ? "r" : "w");
    if (file && !request->program && fstat(fileno(file), &info) == 0 && S_ISDIR(info.st_mode)) {
        (void)fclose(file);
        file  = NULL;
        errno = EISDIR;
    }
    if (!file)
        qn_sh_message(sh, "%s: %s", request->file, strerror(errno));
    return file;
}

/* A Parquet file is read from its end, not as a stream: the engine opens it itself, and says that it writes none. */
static bool is_parquet(const copy_request *request)
{
    static const char suffix[] = ".parquet";
    size_t            n        = request->file ? strlen(request->file) : 0, m = sizeof suffix - 1;

    return !request->program && n >= m &&
           strcasecmp(request->file + n - m, suffix) == 0;
}

/* 'part-*.tsv': the engine finds the files, and loads them in one transaction. */
static bool is_pattern(const copy_request *request)
{
    return request->from && !request->program && !request->standard && !request->own &&
           strpbrk(request->file, "*?[") && access(request->file, F_OK) != 0;
}

static bool run_in_engine(qn_sh *sh, const copy_request *request)
{
    qn_sh_buf sql = {0};

    qn_sh_buf_printf(&sql, "COPY %s %s '", qn_sh_buf_text(&request->what), request->from ? "FROM" : "TO");
    for (const char *p = request->file; *p; p++)
        qn_sh_buf_printf(&sql, *p == '\'' ? "''" : "%c", *p);
    qn_sh_buf_printf(&sql, "' %s", qn_sh_buf_text(&request->options));
    bool ok = qn_sh_execute(sh, sql.data, 0, sql.bytes);
    qn_sh_buf_free(&sql);
    return ok;
}

static bool request_run(qn_sh *sh, const copy_request *request)
{
    qn_sh_input *script = sh->copy.from;
    FILE        *file   = NULL;
    qn_sh_buf    sql    = {0};
    qn_sh_input  data;
    bool         ok;

    if (is_parquet(request) || is_pattern(request))
        return run_in_engine(sh, request);
    if (!request->standard && !request->own) {
        file = request_open(sh, request);
        if (!file)
            return false;
    }
    qn_sh_buf_printf(&sql, "COPY %s %s %s", qn_sh_buf_text(&request->what),
                     request->from ? "FROM STDIN" : "TO STDOUT",
                     qn_sh_buf_text(&request->options));
    if (request->from && (file || request->own)) {
        qn_sh_input_open(&data, file ? fileno(file) : STDIN_FILENO, NULL);
        sh->copy.from  = &data;
        sh->copy.whole = file != NULL;
    } else if (!request->from) {
        sh->copy.target = file ? file : request->own ? stdout : NULL;
    }
    ok = qn_sh_execute(sh, sql.data, 0, sql.bytes);
    if (request->from && sh->copy.from == &data)
        qn_sh_input_close(&data);
    sh->copy.from   = script;
    sh->copy.whole  = false;
    sh->copy.target = NULL;
    if (file && request->program)
        (void)pclose(file);
    else if (file && fclose(file) != 0) {
        qn_sh_message(sh, "%s: %s", request->file, strerror(errno));
        ok = false;
    }
    qn_sh_buf_free(&sql);
    return ok;
}

bool qn_sh_copy_command(qn_sh *sh, const char *arguments)
{
    copy_request request = {0};
    bool         ok      = false;

    if (!arguments || !*arguments)
        qn_sh_message(sh, "\\copy: arguments required");
    else if (!request_parse(arguments, &request))
        qn_sh_message(sh, "\\copy: parse error at end of line");
    else
        ok = request_run(sh, &request);
    request_free(&request);
    return ok;
}
