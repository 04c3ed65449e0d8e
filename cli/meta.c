/* Backslash commands.
 *
 * One table names them; each handler takes its words itself, because commands differ in how a word is
 * read.  Words left over are reported and ignored, as psql does. */
#include "shell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct meta_call {
    qn_sh      *sh;
    const char *name;
    qn_sh_words words;
    bool        send;
} meta_call;

typedef bool (*meta_handler)(meta_call *call);

static char *next_word(meta_call *call)
{
    return qn_sh_word(&call->words, QN_SH_WORD);
}

/* ---- output ---------------------------------------------------------------------------------- */

static bool meta_pset(meta_call *call)
{
    char *option = next_word(call);
    char *value  = option ? next_word(call) : NULL;
    bool  ok     = true;

    if (option)
        ok = qn_sh_pset(call->sh, option, value, call->sh->quiet);
    else
        qn_sh_pset_all(call->sh);
    free(option);
    free(value);
    return ok;
}

/* \x, \t, \f, \C: \pset with the option fixed. */
static bool meta_pset_one(meta_call *call)
{
    static const char *const names[][2] = {{"x", "expanded"}, {"t", "tuples_only"},
                                           {"f", "fieldsep"}, {"C", "title"}};
    char                    *value      = next_word(call);
    bool                     ok         = true;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(call->name, names[i][0]))
            ok = qn_sh_pset(call->sh, names[i][1], value, call->sh->quiet);
    free(value);
    return ok;
}

static bool meta_aligned(meta_call *call)
{
    bool aligned = call->sh->style.format == QN_SH_ALIGNED;

    return qn_sh_pset(call->sh, "format", aligned ? "unaligned" : "aligned", call->sh->quiet);
}

static bool meta_timing(meta_call *call)
{
    char *value = next_word(call);
    bool  ok    = true;

    if (!value) {
        call->sh->timing = !call->sh->timing;
    } else if (!qn_sh_parse_bool(value, &call->sh->timing)) {
        qn_sh_message(call->sh, "unrecognized value \"%s\" for \"\\timing\": Boolean expected",
                      value);
        ok = false;
    }
    if (ok && !call->sh->quiet)
        puts(call->sh->timing ? "Timing is on." : "Timing is off.");
    free(value);
    return ok;
}

static bool meta_output(meta_call *call)
{
    char *target = qn_sh_word(&call->words, QN_SH_WORD_PIPE);

    qn_sh_set_output(call->sh, target);
    free(target);
    return true;
}

static bool meta_echo(meta_call *call)
{
    FILE *out = !strcmp(call->name, "warn")    ? stderr
                : !strcmp(call->name, "qecho") ? call->sh->out
                                               : stdout;
    char *word;
    bool  first = true, line_break = true;

    while ((word = next_word(call))) {
        if (first && line_break && !strcmp(word, "-n")) {
            line_break = false;
        } else {
            if (!first)
                fputc(' ', out);
            fputs(word, out);
            first = false;
        }
        free(word);
    }
    if (line_break)
        fputc('\n', out);
    fflush(out);
    return true;
}

/* ---- variables ------------------------------------------------------------------------------- */

static bool meta_set(meta_call *call)
{
    char     *name = next_word(call), *word;
    qn_sh_buf value = {0};
    bool      ok = true;

    if (!name) {
        qn_sh_vars_print(call->sh);
        return true;
    }
    while ((word = next_word(call))) {
        qn_sh_buf_puts(&value, word);
        free(word);
    }
    if (!qn_sh_var_is_name(name)) {
        qn_sh_message(call->sh, "invalid variable name: \"%s\"", name);
        ok = false;
    } else {
        qn_sh_var_set(call->sh, name, qn_sh_buf_text(&value));
        if (!strcmp(name, "QUIET"))
            call->sh->quiet = qn_sh_var_is_on(call->sh, name);
    }
    qn_sh_buf_free(&value);
    free(name);
    return ok;
}

static bool meta_unset(meta_call *call)
{
    char *name = next_word(call);

    if (!name) {
        qn_sh_message(call->sh, "\\%s: missing required argument", call->name);
        return false;
    }
    qn_sh_var_unset(call->sh, name);
    if (!strcmp(name, "QUIET"))
        call->sh->quiet = false;
    free(name);
    return true;
}

/* ---- the query buffer ------------------------------------------------------------------------ */

static const qn_sh_buf *current_query(const qn_sh *sh)
{
    return sh->query.bytes ? &sh->query : &sh->previous;
}

static bool meta_print(meta_call *call)
{
    const qn_sh_buf *query = current_query(call->sh);
    const char      *text  = qn_sh_buf_text(query);

    if (query->bytes)
        printf("%s%s", text, text[query->bytes - 1] == '\n' ? "" : "\n");
    else if (!call->sh->quiet)
        puts("Query buffer is empty.");
    return true;
}

static bool meta_reset(meta_call *call)
{
    qn_sh_buf_clear(&call->sh->query);
    call->sh->lex = (qn_sh_lex){0};
    if (!call->sh->quiet)
        puts("Query buffer reset (cleared).");
    return true;
}

static bool meta_go(meta_call *call)
{
    qn_sh *sh = call->sh;
    char  *target;

    if (!strcmp(call->name, "gset")) {
        free(sh->gset_text);
        sh->gset_text   = next_word(call);
        sh->gset_prefix = sh->gset_text ? sh->gset_text : "";
    } else {
        target                = qn_sh_word(&call->words, QN_SH_WORD_PIPE);
        sh->one_shot_expanded = !strcmp(call->name, "gx");
        if (target) {
            sh->one_shot = qn_sh_open_target(sh, target, &sh->one_shot_is_pipe);
            free(target);
            if (!sh->one_shot)
                return false;
        }
    }
    call->send = true;
    return true;
}

static bool write_query(const qn_sh *sh, FILE *file)
{
    const qn_sh_buf *query = current_query(sh);
    const char      *text  = qn_sh_buf_text(query);

    fwrite(text, 1, query->bytes, file);
    if (query->bytes && text[query->bytes - 1] != '\n')
        fputc('\n', file);
    return !ferror(file);
}

static bool meta_write(meta_call *call)
{
    char *target = qn_sh_word(&call->words, QN_SH_WORD_PIPE);
    FILE *file;
    bool  is_pipe, ok;

    if (!target) {
        qn_sh_message(call->sh, "\\%s: missing required argument", call->name);
        return false;
    }
    file = qn_sh_open_target(call->sh, target, &is_pipe);
    ok   = file && write_query(call->sh, file);
    if (file)
        qn_sh_close_target(file, is_pipe);
    free(target);
    return ok;
}

/* Run the editor on a file; false after a message. */
static bool run_editor(const qn_sh *sh, const char *path)
{
    const char *editor = getenv("QUERN_EDITOR");
    qn_sh_buf   command = {0};
    int         status;

    if (!editor)
        editor = getenv("EDITOR");
    if (!editor)
        editor = getenv("VISUAL");
    qn_sh_buf_printf(&command, "exec %s ", editor ? editor : "vi");
    qn_sh_buf_putc(&command, '\'');
    for (const char *p = path; *p; p++) {
        if (*p == '\'')
            qn_sh_buf_puts(&command, "'\\'");
        qn_sh_buf_putc(&command, *p);
    }
    qn_sh_buf_putc(&command, '\'');
    fflush(NULL);
    status = system(command.data);
    qn_sh_buf_free(&command);
    if (status == 0)
        return true;
    qn_sh_message(sh, "could not start editor \"%s\"", editor ? editor : "vi");
    return false;
}

/* Put a file's text behind the command on the line, where scanning goes on. */
static bool splice_file(meta_call *call, const char *path)
{
    FILE     *file = fopen(path, "r");
    qn_sh_buf text = {0};
    char      buffer[4096];
    size_t    got;

    if (!file) {
        qn_sh_message(call->sh, "%s: %s", path, strerror(errno));
        return false;
    }
    while ((got = fread(buffer, 1, sizeof buffer, file)) > 0)
        qn_sh_buf_add(&text, buffer, got);
    (void)fclose(file);
    if (call->sh->interactive)
        fputs(qn_sh_buf_text(&text), stdout);
    call->words.line->bytes = call->words.at;
    qn_sh_buf_putc(call->words.line, '\n'); /* ends the command's words */
    qn_sh_buf_add(call->words.line, qn_sh_buf_text(&text), text.bytes);
    qn_sh_buf_clear(&call->sh->query);
    call->sh->lex = (qn_sh_lex){0};
    qn_sh_buf_free(&text);
    return true;
}

static bool meta_edit(meta_call *call)
{
    char  path[] = "/tmp/quern.edit.XXXXXX.sql";
    char *named  = next_word(call);
    FILE *file;
    int   fd;
    bool  ok;

    if (named) {
        ok = run_editor(call->sh, named) && splice_file(call, named);
        free(named);
        return ok;
    }
    fd   = mkstemps(path, 4);
    file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file) {
        qn_sh_message(call->sh, "could not open temporary file \"%s\": %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    ok = write_query(call->sh, file);
    ok = fclose(file) == 0 && ok;
    ok = ok && run_editor(call->sh, path) && splice_file(call, path);
    unlink(path);
    return ok;
}

/* ---- files, the system, the session ---------------------------------------------------------- */

static bool meta_include(meta_call *call)
{
    char *path = next_word(call);
    bool  ok;

    if (!path) {
        qn_sh_message(call->sh, "\\%s: missing required argument", call->name);
        return false;
    }
    ok = qn_sh_run_file(call->sh, path);
    free(path);
    return ok;
}

static bool meta_copy(meta_call *call)
{
    char *arguments = qn_sh_word(&call->words, QN_SH_WORD_LINE);
    bool  ok        = qn_sh_copy_command(call->sh, arguments);

    free(arguments);
    return ok;
}

static bool meta_system(meta_call *call)
{
    char *command = qn_sh_word(&call->words, QN_SH_WORD_LINE);
    int   status;

    fflush(NULL);
    if (command) {
        status = system(command);
    } else {
        const char *shell = getenv("SHELL");

        status = system(shell ? shell : "/bin/sh");
    }
    free(command);
    if (status == -1 || (WIFEXITED(status) && WEXITSTATUS(status) == 127))
        qn_sh_message(call->sh, "\\!: failed");
    return status != -1;
}

static bool meta_directory(meta_call *call)
{
    char       *path = next_word(call);
    const char *to   = path ? path : getenv("HOME");
    bool        ok   = to && chdir(to) == 0;

    if (!ok)
        qn_sh_message(call->sh, "\\cd: could not change directory to \"%s\": %s", to ? to : "",
                      strerror(errno));
    free(path);
    return ok;
}

static bool meta_connection(meta_call *call)
{
    if (call->sh->path)
        printf("You are connected to database \"%s\".\n", call->sh->path);
    else
        puts("You are connected to a database in memory.");
    return true;
}

static bool meta_describe(meta_call *call)
{
    char *pattern = qn_sh_word(&call->words, QN_SH_WORD_OBJECT);
    bool  ok      = qn_sh_describe(call->sh, call->name, pattern);

    free(pattern);
    return ok;
}

static bool meta_help(meta_call *call)
{
    (void)call;
    qn_sh_meta_help(stdout);
    return true;
}

static bool meta_sql_help(meta_call *call)
{
    char *topic = qn_sh_word(&call->words, QN_SH_WORD_LINE);
    bool  known = qn_sh_sql_help(stdout, topic);

    if (!known)
        printf("No help available for \"%s\".\nTry \\h with no arguments to see available help.\n",
               topic);
    free(topic);
    return true;
}

static bool meta_quit(meta_call *call)
{
    call->sh->quit = true;
    return true;
}

static const struct {
    const char  *name;
    meta_handler run;
} commands[] = {
    {"!", meta_system},      {"?", meta_help},         {"C", meta_pset_one},
    {"a", meta_aligned},     {"cd", meta_directory},   {"conninfo", meta_connection},
    {"copy", meta_copy},     {"d", meta_describe},     {"d+", meta_describe},
    {"dt", meta_describe},   {"dt+", meta_describe},   {"e", meta_edit},
    {"echo", meta_echo},     {"edit", meta_edit},      {"f", meta_pset_one},
    {"g", meta_go},          {"gset", meta_go},        {"gx", meta_go},
    {"h", meta_sql_help},    {"help", meta_sql_help},  {"i", meta_include},
    {"include", meta_include}, {"o", meta_output},   {"out", meta_output},
    {"p", meta_print},       {"print", meta_print},    {"pset", meta_pset},
    {"q", meta_quit},        {"qecho", meta_echo},     {"quit", meta_quit},
    {"r", meta_reset},       {"reset", meta_reset},    {"set", meta_set},
    {"t", meta_pset_one},    {"timing", meta_timing},  {"unset", meta_unset},
    {"w", meta_write},       {"warn", meta_echo},      {"write", meta_write},
    {"x", meta_pset_one},
};

/* Ignore what is left of the arguments; "\\" separates the next command or SQL. */
static void finish_words(meta_call *call)
{
    char *word;

    while ((word = next_word(call))) {
        qn_sh_message(call->sh, "\\%s: extra argument \"%s\" ignored", call->name, word);
        free(word);
    }
    if (call->words.at + 1 < call->words.line->bytes &&
        memcmp(call->words.line->data + call->words.at, "\\\\", 2) == 0)
        call->words.at += 2;
}

static bool meta_unknown(qn_sh *sh, const char *name)
{
    qn_sh_message(sh, "invalid command \\%s", name);
    if (sh->input && sh->input->terminal)
        fputs("Try \\? for help.\n", stderr);
    return false;
}

bool qn_sh_meta(qn_sh *sh, qn_sh_buf *line, size_t *at, bool *send)
{
    meta_call call  = {.sh = sh, .words = {line, *at, sh}};
    size_t    start = *at, end = *at;
    char     *name;
    bool      ok = false, known = false;

    while (end < line->bytes && !qn_sh_is_space((unsigned char)line->data[end]) &&
           line->data[end] != '\\')
        end++;
    name          = qn_sh_strndup(line->data + start, end - start);
    call.name     = name;
    call.words.at = end;
    for (size_t i = 0; i < sizeof commands / sizeof *commands && !known; i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        known = true;
        ok    = commands[i].run(&call);
    }
    if (!known)
        ok = meta_unknown(sh, name);
    if (ok)
        finish_words(&call);
    else /* psql drops the rest of a line whose command failed */
        while (call.words.at < line->bytes && line->data[call.words.at] != '\n')
            call.words.at++;
    *at   = call.words.at;
    *send = call.send;
    fflush(stdout);
    if (!ok && !sh->interactive && qn_sh_stops(sh) && sh->status == QN_EXIT_OK)
        sh->status = QN_EXIT_SQL;
    free(name);
    return ok;
}
