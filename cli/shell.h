/* The shell's state and the functions its files offer each other.
 *
 * One qn_sh lives from start to end.  Text comes from a stack of inputs (\i nests), is cut into
 * statements by lex.c, run by exec.c and printed by print*.c; backslash commands are in meta.c. */
#ifndef QN_CLI_SHELL_H
#define QN_CLI_SHELL_H

#include "lex.h"
#include "print.h"
#include "quern.h"

#include <signal.h>
#include <stdio.h>

/* A source of lines: a file, a pipe, the terminal. */
typedef struct qn_sh_input {
    int         fd;
    bool        terminal;  /* lines come from repl.c */
    const char *name;      /* for messages; NULL: none, as psql does for piped standard input */
    uint64_t    line;      /* number of the last line handed out */
    bool        mid_line;  /* the last piece handed out did not end its line */
    bool        at_end;
    bool        failed;
    char       *buffer;
    size_t      start, end, capacity;
} qn_sh_input;

typedef struct qn_sh_variable {
    char *name;
    char *value;
} qn_sh_variable;

typedef enum qn_sh_verbosity {
    QN_SH_DEFAULT,
    QN_SH_VERBOSE,
    QN_SH_TERSE,
    QN_SH_SQLSTATE
} qn_sh_verbosity;

typedef struct qn_sh {
    qn_database   *db;
    qn_connection *conn;
    const char    *path; /* NULL: in memory */

    qn_sh_style style;
    FILE       *out; /* where results go: stdout, a file, a pipe */
    bool        out_is_pipe;
    bool        quiet;
    bool        timing;
    bool        interactive;

    qn_sh_variable *variables;
    int             variable_count, variable_capacity;

    qn_sh_input  standard; /* standard input: a script, or COPY data for -c */
    qn_sh_input *input;    /* the current one, NULL while -c runs */
    int          input_depth;
    qn_sh_lex    lex;
    qn_sh_buf    query;    /* the statement being collected */
    qn_sh_buf    previous; /* the last one run, for \g and \p */

    bool quit;
    int  status; /* exit status so far */

    FILE       *one_shot; /* \g FILE: the result of the next statement goes here */
    bool        one_shot_is_pipe;
    bool        one_shot_expanded;
    char       *gset_text; /* owned text behind gset_prefix */
    const char *gset_prefix; /* \gset: store the one row in variables */

    /* Where COPY … FROM STDIN reads and TO STDOUT writes. */
    struct {
        qn_sh_input *from;   /* data lines of a script, up to \. */
        FILE        *to;
        FILE        *target; /* \copy: data goes here; NULL: with the results */
        bool         whole;  /* \copy from a file: no \. ends it */
        bool         started, finished;
        bool         wrote;
        bool         failed;
    } copy;

    double progress_start_ms; /* of the running statement */
    bool   progress_shown;

    struct qn_sh_terminal *terminal; /* line editor, repl.c */
} qn_sh;

/* Set by SIGINT, which also interrupts the connection's statement while one is running. */
extern volatile sig_atomic_t qn_sh_interrupted;
extern volatile sig_atomic_t qn_sh_running;

/* ---- args.c ---- */
typedef struct qn_sh_action {
    enum { QN_SH_ACTION_COMMAND, QN_SH_ACTION_FILE } kind;
    const char *text;
} qn_sh_action;

typedef struct qn_sh_args {
    const char   *path;
    qn_options    options;
    qn_sh_action *actions; /* owned */
    int           action_count;
    const char   *output; /* -o */
    bool          help, version;
} qn_sh_args;

/* Parse the command line into args and the shell's settings.  False after a message for usage errors. */
bool qn_sh_args_parse(qn_sh *sh, int argc, char **argv, qn_sh_args *args);
/* "512MB", "4 GB", "1048576": false when it is no size. */
bool qn_sh_parse_size(const char *text, uint64_t *bytes);

/* ---- vars.c ---- */
const char *qn_sh_var(const qn_sh *sh, const char *name); /* NULL: unset */
void        qn_sh_var_set(qn_sh *sh, const char *name, const char *value);
void        qn_sh_var_unset(qn_sh *sh, const char *name);
bool        qn_sh_var_is_name(const char *name);
bool        qn_sh_var_is_on(const qn_sh *sh, const char *name);
void        qn_sh_vars_print(const qn_sh *sh);
void        qn_sh_vars_free(qn_sh *sh);
const char *qn_sh_lookup(void *sh, const char *name); /* a qn_sh_lookup_fn */
/* "on", "off", "true", "0" …: false when it is neither. */
bool qn_sh_parse_bool(const char *text, bool *value);

/* ---- input.c ---- */
void qn_sh_input_open(qn_sh_input *input, int fd, const char *name);
void qn_sh_input_close(qn_sh_input *input); /* frees the buffer; the descriptor stays open */
/* The next line with its line break, or a piece ending in `;` when nothing more has arrived yet.
 * False at the end. */
bool qn_sh_input_line(qn_sh_input *input, qn_sh_buf *line);
/* Bytes of COPY data: whole lines up to the one holding only `\.`; 0 at the end, -1 on failure. */
ptrdiff_t qn_sh_input_copy(qn_sh_input *input, void *buffer, size_t bytes);
/* Read statements from input until its end, an error that stops, or \q. */
void qn_sh_run_input(qn_sh *sh, qn_sh_input *input);
/* The same for a named file ("-": standard input); false when it cannot be opened. */
bool qn_sh_run_file(qn_sh *sh, const char *path);
/* One -c argument: statements without variables, or one backslash command. */
void qn_sh_run_command(qn_sh *sh, const char *text);

/* ---- exec.c ---- */
/* Run one statement and print its result.  text[offset..offset+bytes) is the statement; error
 * positions are shown within text.  False when it failed; sh->status is then set. */
bool qn_sh_execute(qn_sh *sh, const char *text, size_t offset, size_t bytes);
/* Run a query of the shell's own and keep its result; NULL after an error message, or silently
 * when quiet. */
qn_result *qn_sh_select(qn_sh *sh, const char *sql, bool quiet);
/* True when the last failure ends the script. */
bool qn_sh_stops(const qn_sh *sh);
void qn_sh_set_output(qn_sh *sh, const char *target); /* \o; NULL: stdout again */
/* Open "FILE" or "|command" for writing; NULL after a message. */
FILE *qn_sh_open_target(qn_sh *sh, const char *target, bool *is_pipe);
void  qn_sh_close_target(FILE *file, bool is_pipe);
qn_sh_kind qn_sh_kind_of(qn_sql_type type);
int        qn_sh_exit_status(qn_status status);
/* Print a finished table, through the pager when it is long and goes to a terminal. */
void qn_sh_finish_table(qn_sh *sh, qn_sh_printer *printer, FILE *out);

/* ---- report.c ---- */
void qn_sh_report(const qn_sh *sh, const char *severity, const qn_error *err, const char *text,
                  size_t offset);
/* A message of the shell's own, prefixed as errors are. */
void qn_sh_message(const qn_sh *sh, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The LINE … and caret lines for a character position, appended to out. */
void qn_sh_error_context(qn_sh_buf *out, const char *text, int position);

/* ---- meta.c, meta_args.c, pset.c, describe.c ---- */
typedef struct qn_sh_words {
    qn_sh_buf *line;
    size_t     at;
    qn_sh     *sh;
} qn_sh_words;

/* How a word of a backslash command is read. */
typedef enum qn_sh_word_kind {
    QN_SH_WORD,       /* quotes and variables */
    QN_SH_WORD_PIPE,  /* the same, but a leading | takes the rest of the line */
    QN_SH_WORD_LINE,  /* the whole rest of the line, as it is */
    QN_SH_WORD_OBJECT /* double quotes are kept */
} qn_sh_word_kind;

/* The next word, owned by the caller, or NULL. */
char *qn_sh_word(qn_sh_words *words, qn_sh_word_kind kind);
/* Run the backslash command at line[*at] (behind the backslash); *at moves behind it.  False when it
 * failed.  *send is set when the command sends the collected statement (\g). */
bool qn_sh_meta(qn_sh *sh, qn_sh_buf *line, size_t *at, bool *send);
bool qn_sh_pset(qn_sh *sh, const char *option, const char *value, bool quiet);
void qn_sh_pset_all(const qn_sh *sh);
bool qn_sh_describe(qn_sh *sh, const char *what, const char *pattern);

/* ---- help.c ---- */
void qn_sh_usage(FILE *out);
void qn_sh_meta_help(FILE *out);
bool qn_sh_sql_help(FILE *out, const char *topic); /* false: no such statement */

/* ---- copy.c ---- */
void qn_sh_copy_install(qn_sh *sh);
bool qn_sh_copy_command(qn_sh *sh, const char *arguments);
/* After a statement: skip data lines it did not read. */
void qn_sh_copy_drain(qn_sh *sh);

/* ---- pager.c ---- */
bool  qn_sh_screen(FILE *out, int *rows, int *columns); /* false: not a terminal */
FILE *qn_sh_pager_open(const qn_sh *sh, uint64_t lines, FILE *out);
void  qn_sh_pager_close(FILE *pager);
void  qn_sh_progress_install(qn_sh *sh);
void  qn_sh_progress_start(qn_sh *sh);
void  qn_sh_progress_clear(qn_sh *sh);

/* ---- repl.c, complete.c ---- */
void qn_sh_repl(qn_sh *sh);
/* One line from the terminal into line; false at end of file. */
bool qn_sh_terminal_line(qn_sh *sh, qn_sh_buf *line);
/* Completions of the word that ends at text[cursor]: a NULL-terminated list, all owned by the caller;
 * *start is where the word begins. */
char **qn_sh_complete(qn_sh *sh, const char *text, size_t cursor, size_t *start);

/* ---- inspect.c ---- */
/* Print how the table is stored; the exit status. */
int qn_sh_inspect(qn_sh *sh, const char *table);

#endif
