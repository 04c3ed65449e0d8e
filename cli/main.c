/* The quern command: subcommands, then the shell.
 *
 * A first word that is a subcommand wins (write ./check for a database of that name); otherwise the
 * words are the shell's options and its database directory.  Whatever happens, the database is closed
 * in order before we leave. */
#include "gen_hits.h"
#include "shell.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

volatile sig_atomic_t qn_sh_interrupted, qn_sh_running;

/* What SIGINT interrupts.  A plain pointer is enough: it is set before the first statement and
 * cleared, with the signal blocked by SIG_IGN, before the connection goes. */
static qn_connection *volatile interrupt_target;

static void on_interrupt(int number)
{
    (void)number;
    qn_sh_interrupted = 1;
    if (interrupt_target && qn_sh_running)
        qn_interrupt(interrupt_target);
}

static volatile sig_atomic_t broken_pipe;

static void on_broken_pipe(int number)
{
    (void)number;
    broken_pipe = 1; /* writes fail with EPIPE, which we report; a child starts with the default */
}

static void install(int number, void (*handler)(int))
{
    struct sigaction action = {0};

    action.sa_handler = handler; /* no SA_RESTART: a read that waits for input must return */
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static void shell_init(qn_sh *sh)
{
    *sh                        = (qn_sh){0};
    sh->out                    = stdout;
    sh->style.border           = 1;
    sh->style.footer           = true;
    sh->style.pager            = true;
    sh->style.csv_separator    = ',';
    sh->style.null_text        = qn_sh_strdup("");
    sh->style.field_separator  = qn_sh_strdup("|");
    sh->style.record_separator = qn_sh_strdup("\n");
    qn_sh_input_open(&sh->standard, STDIN_FILENO, NULL);
    qn_sh_var_set(sh, "VERSION", "quern " QN_VERSION);
    qn_sh_var_set(sh, "VERSION_NAME", QN_VERSION);
    qn_sh_var_set(sh, "VERBOSITY", "default");
    qn_sh_var_set(sh, "ECHO", "none");
    qn_sh_var_set(sh, "ON_ERROR_STOP", "on");
}

static void shell_deinit(qn_sh *sh)
{
    if (sh->out != stdout)
        qn_sh_set_output(sh, NULL);
    install(SIGINT, SIG_IGN);
    interrupt_target = NULL;
    if (sh->conn)
        qn_disconnect(sh->conn);
    qn_close(sh->db);
    qn_sh_input_close(&sh->standard);
    qn_sh_vars_free(sh);
    qn_sh_buf_free(&sh->query);
    qn_sh_buf_free(&sh->previous);
    free(sh->gset_text);
    free(sh->style.null_text);
    free(sh->style.field_separator);
    free(sh->style.record_separator);
    free(sh->style.title);
}

static void on_notice(void *arg, const char *severity, const qn_error *notice)
{
    qn_sh *sh = arg;

    qn_sh_progress_clear(sh);
    qn_sh_report(sh, severity, notice, NULL, 0);
}

/* Open the database and connect; an exit status. */
static int shell_open(qn_sh *sh, const qn_sh_args *args)
{
    qn_error  err = {0};
    qn_status status;

    sh->path = args->path;
    status   = qn_open(args->path, &args->options, &sh->db, &err);
    if (status == QN_OK)
        status = qn_connect(sh->db, &sh->conn, &err);
    if (status != QN_OK) {
        fprintf(stderr, "quern: error: %s\n", err.message);
        if (err.detail[0])
            fprintf(stderr, "DETAIL:  %s\n", err.detail);
        if (err.hint[0])
            fprintf(stderr, "HINT:  %s\n", err.hint);
        return qn_sh_exit_status(status);
    }
    qn_set_notice(sh->conn, on_notice, sh);
    qn_sh_copy_install(sh);
    qn_sh_progress_install(sh);
    interrupt_target = sh->conn;
    install(SIGINT, on_interrupt);
    install(SIGPIPE, on_broken_pipe);
    return QN_EXIT_OK;
}

static void run_actions(qn_sh *sh, const qn_sh_args *args)
{
    for (int i = 0; i < args->action_count && !sh->quit; i++) {
        sh->copy.from = &sh->standard;
        if (args->actions[i].kind == QN_SH_ACTION_COMMAND) {
            qn_sh_run_command(sh, args->actions[i].text);
        } else if (!qn_sh_run_file(sh, args->actions[i].text)) {
            sh->status = QN_EXIT_IO;
            sh->quit   = true;
        }
    }
}

static int shell_run(qn_sh *sh, const qn_sh_args *args)
{
    int status = shell_open(sh, args);

    if (status != QN_EXIT_OK)
        return status;
    if (args->output) {
        qn_sh_set_output(sh, args->output);
        if (sh->out == stdout)
            return QN_EXIT_IO;
    }
    if (args->action_count)
        run_actions(sh, args);
    else if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        qn_sh_repl(sh);
    else
        qn_sh_run_input(sh, &sh->standard);
    fflush(stdout);
    return sh->status;
}

static int shell_main(int argc, char **argv)
{
    qn_sh      sh;
    qn_sh_args args = {0};
    int        status;

    shell_init(&sh);
    if (!qn_sh_args_parse(&sh, argc, argv, &args)) {
        status = QN_EXIT_USAGE;
    } else if (args.help) {
        qn_sh_usage(stdout);
        status = QN_EXIT_OK;
    } else if (args.version) {
        puts("quern " QN_VERSION);
        status = QN_EXIT_OK;
    } else {
        status = shell_run(&sh, &args);
    }
    shell_deinit(&sh);
    free(args.actions);
    return status;
}

/* ---- subcommands ----------------------------------------------------------------------------- */

static int usage_main(void)
{
    qn_sh_usage(stdout);
    return QN_EXIT_OK;
}

static int gen_main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[2], "hits") == 0)
        return gen_hits_main(argc - 2, argv + 2);
    if (argc >= 3 && strcmp(argv[2], "--help") == 0)
        argc = 2;
    if (argc >= 3)
        fprintf(stderr, "quern: gen: unknown kind of data \"%s\"\n", argv[2]);
    fputs("Usage: quern gen hits --rows N [--seed S]   rows shaped like ClickBench's table\n",
          argc >= 3 ? stderr : stdout);
    return argc >= 3 ? QN_EXIT_USAGE : QN_EXIT_OK;
}

static int inspect_main(int argc, char **argv)
{
    qn_sh      sh;
    qn_sh_args args  = {0};
    char      *table = NULL;
    int        status;

    for (int i = 3; i < argc && !table; i++) { /* the second word that is no option is the table */
        if (argv[i][0] == '-')
            continue;
        table = argv[i];
        memmove(&argv[i], &argv[i + 1], (size_t)(argc - i - 1) * sizeof *argv);
        argc--;
    }
    shell_init(&sh);
    if (!table) {
        fputs("Usage: quern inspect DIR TABLE [OPTION]...\n", stderr);
        status = QN_EXIT_USAGE;
    } else if (!qn_sh_args_parse(&sh, argc - 1, argv + 1, &args)) {
        status = QN_EXIT_USAGE;
    } else {
        args.options.must_exist = true;
        args.options.read_only  = true;
        status                  = shell_open(&sh, &args);
        if (status == QN_EXIT_OK)
            status = qn_sh_inspect(&sh, table);
    }
    shell_deinit(&sh);
    free(args.actions);
    return status;
}

/* The engine measures and keeps what it finds; we only ask.  Without a directory the figures are printed and gone. */
static int calibrate_main(int argc, char **argv)
{
    qn_sh      sh;
    qn_sh_args args = {0};
    bool       show = false;
    int        status;

    for (int i = 2; i < argc && !show; i++) {
        if (strcmp(argv[i], "--show"))
            continue;
        show = true;
        memmove(&argv[i], &argv[i + 1], (size_t)(argc - i - 1) * sizeof *argv);
        argc--;
    }
    shell_init(&sh);
    if (!qn_sh_args_parse(&sh, argc - 1, argv + 1, &args)) {
        status = QN_EXIT_USAGE;
    } else {
        const char *sql = show ? "SELECT * FROM quern_costs" : "SELECT * FROM quern_calibrate()";

        args.options.must_exist = true;
        args.options.read_only  = show && args.path;
        status                  = shell_open(&sh, &args);
        if (status == QN_EXIT_OK && !qn_sh_execute(&sh, sql, 0, strlen(sql)))
            status = sh.status ? sh.status : QN_EXIT_SQL;
    }
    shell_deinit(&sh);
    free(args.actions);
    return status;
}

int main(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "";
    int         status;

    if (strcmp(first, "gen") == 0)
        status = gen_main(argc, argv);
    else if (strcmp(first, "inspect") == 0)
        status = inspect_main(argc, argv);
    else if (strcmp(first, "calibrate") == 0)
        status = calibrate_main(argc, argv);
    else if (strcmp(first, "version") == 0)
        status = puts("quern " QN_VERSION) < 0 ? QN_EXIT_IO : QN_EXIT_OK;
    else if (strcmp(first, "help") == 0)
        status = usage_main();
    else
        status = shell_main(argc, argv);
    (void)fflush(stdout);
    if (ferror(stdout) && broken_pipe) {
        /* Leave as a program that was killed by the closed pipe, which is what shells expect. */
        install(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    return status;
}
