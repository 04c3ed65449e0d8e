/* The interactive shell: prompts, line editing, history.
 *
 * libedit's own interface rather than its readline look-alike, because of Ctrl-C: the signal makes
 * el_gets return, after our handler has set its flag, so no jump out of the library is needed.  While a
 * statement runs the same handler interrupts the statement. */
#include "shell.h"

#include <fcntl.h>
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HISTORY_SIZE = 2000 };

struct qn_sh_terminal {
    qn_sh    *sh;
    EditLine *edit;
    History  *history;
    char     *history_path; /* NULL: not kept */
    char      prompt[16];
};

static struct qn_sh_terminal *terminal_of(EditLine *edit)
{
    void *terminal = NULL;

    (void)el_get(edit, EL_CLIENTDATA, &terminal);
    return terminal;
}

static char *show_prompt(EditLine *edit)
{
    return terminal_of(edit)->prompt;
}

static unsigned char list_matches(char **matches)
{
    putchar('\n');
    for (size_t i = 0; matches[i]; i++)
        printf("%s%s", matches[i], matches[i + 1] ? "  " : "\n");
    fflush(stdout);
    return CC_REDISPLAY;
}

/* Length of what all matches begin with, without regard to case. */
static size_t common_length(char **matches)
{
    size_t length = strlen(matches[0]);

    for (size_t i = 1; matches[i]; i++) {
        size_t same = 0;

        while (same < length && matches[i][same] &&
               (matches[i][same] | 32) == (matches[0][same] | 32))
            same++;
        length = same;
    }
    return length;
}

static unsigned char key_complete(EditLine *edit, int key)
{
    struct qn_sh_terminal *terminal = terminal_of(edit);
    const LineInfo        *info     = el_line(edit);
    size_t                 cursor   = (size_t)(info->cursor - info->buffer), start, length;
    char                  *text     = qn_sh_strndup(info->buffer, cursor);
    char                 **matches  = qn_sh_complete(terminal->sh, text, cursor, &start);
    unsigned char          result   = CC_REFRESH;

    (void)key;
    if (!matches[0]) {
        result = CC_REFRESH_BEEP;
    } else {
        length = common_length(matches);
        if (length > cursor - start || !matches[1]) {
            char *insert = qn_sh_strndup(matches[0], length + 1);

            insert[length] = '\0';
            el_deletestr(edit, (int)(cursor - start));
            (void)el_insertstr(edit, insert);
            if (!matches[1])
                (void)el_insertstr(edit, " ");
            free(insert);
        } else {
            result = list_matches(matches);
        }
    }
    for (size_t i = 0; matches[i]; i++)
        free(matches[i]);
    free(matches);
    free(text);
    return result;
}

/* The line editor reads characters of the locale, and without a locale it drops all but ASCII.  Text of
 * the database is UTF-8, also where LANG is not set.  LC_CTYPE alone: numbers must keep their point. */
static void set_locale(void)
{
    if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
}

static void terminal_open(struct qn_sh_terminal *terminal, qn_sh *sh)
{
    const char *home = getenv("HOME");
    HistEvent   event;
    qn_sh_buf   path = {0};

    set_locale();
    *terminal         = (struct qn_sh_terminal){.sh = sh};
    terminal->history = history_init();
    terminal->edit    = el_init("quern", stdin, stdout, stderr);
    if (!terminal->edit || !terminal->history) {
        fputs("quern: error: could not set up the line editor\n", stderr);
        exit(QN_EXIT_IO);
    }
    (void)history(terminal->history, &event, H_SETSIZE, HISTORY_SIZE);
    (void)history(terminal->history, &event, H_SETUNIQUE, 1);
    if (home && *home) {
        qn_sh_buf_printf(&path, "%s/.quern_history", home);
        terminal->history_path = path.data;
        (void)history(terminal->history, &event, H_LOAD, terminal->history_path);
    }
    el_set(terminal->edit, EL_CLIENTDATA, terminal);
    el_set(terminal->edit, EL_PROMPT, show_prompt);
    el_set(terminal->edit, EL_EDITOR, "emacs");
    el_set(terminal->edit, EL_HIST, history, terminal->history);
    el_set(terminal->edit, EL_SIGNAL, 1);
    el_set(terminal->edit, EL_ADDFN, "quern-complete", "complete the word", key_complete);
    el_set(terminal->edit, EL_BIND, "\t", "quern-complete", NULL);
    el_set(terminal->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(terminal->edit, NULL);
}

static void terminal_close(struct qn_sh_terminal *terminal)
{
    HistEvent event;
    int       fd;

    if (terminal->history_path) {
        /* Statements can hold secrets: the file is for its owner only, from its first byte. */
        fd = open(terminal->history_path, O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
        if (fd >= 0)
            close(fd);
        (void)history(terminal->history, &event, H_SAVE, terminal->history_path);
    }
    el_end(terminal->edit);
    history_end(terminal->history);
    free(terminal->history_path);
}

static void remember_line(struct qn_sh_terminal *terminal, const char *line)
{
    HistEvent event;
    size_t    blank = strspn(line, " \t\r\n");

    if (line[blank])
        (void)history(terminal->history, &event, H_ENTER, line);
}

static bool is_word(const char *line, const char *word)
{
    size_t bytes = strlen(word);

    line += strspn(line, " \t");
    return strncasecmp(line, word, bytes) == 0 && !line[bytes + strspn(line + bytes, " \t\r\n;")];
}

/* Words that people try before they know \? and \q; as in psql they count on a line of their own.
 * Inside a statement they may be names, so there they only get a hint. */
static bool plain_word(qn_sh *sh, const char *line)
{
    bool help = is_word(line, "help"), begun = sh->query.bytes > 0;

    if (!help && !is_word(line, "quit") && !is_word(line, "exit"))
        return false;
    if (begun)
        puts(qn_sh_lex_prompt(&sh->lex, true) == '-'
                 ? (help ? "Use \\? for help or press control-C to clear the input buffer."
                         : "Use \\q to quit.")
                 : "Use control-C to clear the input buffer.");
    else if (help)
        puts("Type \\h for help with SQL, \\? for help with the shell's commands, \\q to quit;\n"
             "a statement ends with a semicolon.");
    else
        sh->quit = true;
    return !begun;
}

bool qn_sh_terminal_line(qn_sh *sh, qn_sh_buf *line)
{
    struct qn_sh_terminal *terminal = sh->terminal;
    const char            *text;
    int                    count = 0;

    qn_sh_buf_clear(line);
    for (;;) {
        snprintf(terminal->prompt, sizeof terminal->prompt, "quern%c> ",
                 qn_sh_lex_prompt(&sh->lex, sh->query.bytes > 0));
        qn_sh_interrupted = 0;
        text              = el_gets(terminal->edit, &count);
        if (!qn_sh_interrupted)
            break;
        /* Ctrl-C drops the whole statement, as in psql. */
        puts("^C");
        el_reset(terminal->edit);
        qn_sh_buf_clear(&sh->query);
        sh->lex = (qn_sh_lex){0};
    }
    if (!text || count <= 0) {
        putchar('\n');
        return false;
    }
    remember_line(terminal, text);
    if (!plain_word(sh, text))
        qn_sh_buf_add(line, text, (size_t)count);
    return true;
}

void qn_sh_repl(qn_sh *sh)
{
    struct qn_sh_terminal terminal;

    sh->interactive       = true;
    sh->terminal          = &terminal;
    sh->standard.terminal = true;
    qn_sh_var_set(sh, "ON_ERROR_STOP", "off");
    terminal_open(&terminal, sh);
    if (!sh->quiet)
        puts("quern " QN_VERSION "\nType \"\\?\" for help.\n");
    qn_sh_run_input(sh, &sh->standard);
    terminal_close(&terminal);
    sh->terminal = NULL;
}
