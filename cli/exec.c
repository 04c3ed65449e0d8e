/* Running a statement: from SQL text to printed result, command tag, time or error. */
#include "shell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

int qn_sh_exit_status(qn_status status)
{
    switch (status) {
    case QN_OK:
        return QN_EXIT_OK;
    case QN_IO:
    case QN_CORRUPT:
        return QN_EXIT_IO;
    case QN_INTERRUPTED:
        return QN_EXIT_INTERRUPTED;
    default:
        return QN_EXIT_SQL;
    }
}

bool qn_sh_stops(const qn_sh *sh)
{
    return qn_sh_var_is_on(sh, "ON_ERROR_STOP") && !(sh->input && sh->input->terminal);
}

qn_sh_kind qn_sh_kind_of(qn_sql_type type)
{
    switch (type) {
    case QN_TYPE_SMALLINT:
    case QN_TYPE_INTEGER:
    case QN_TYPE_BIGINT:
    case QN_TYPE_REAL:
    case QN_TYPE_DOUBLE:
    case QN_TYPE_NUMERIC:
        return QN_SH_NUMBER;
    case QN_TYPE_BOOLEAN:
        return QN_SH_BOOLEAN;
    default:
        return QN_SH_TEXT;
    }
}

/* ---- where results go ------------------------------------------------------------------------ */

FILE *qn_sh_open_target(qn_sh *sh, const char *target, bool *is_pipe)
{
    FILE *file;

    *is_pipe = target[0] == '|';
    fflush(NULL); /* or the command would write our buffered text once more */
    file = *is_pipe ? popen(target + 1, "w") : fopen(target, "w");
    if (!file)
        qn_sh_message(sh, "%s: %s", target, strerror(errno));
    return file;
}

void qn_sh_close_target(FILE *file, bool is_pipe)
{
    if (is_pipe)
        (void)pclose(file);
    else if (fclose(file) != 0)
        fprintf(stderr, "quern: error: could not write to file: %s\n", strerror(errno));
}

void qn_sh_set_output(qn_sh *sh, const char *target)
{
    FILE *file    = stdout;
    bool  is_pipe = false;

    if (target && *target) {
        file = qn_sh_open_target(sh, target, &is_pipe);
        if (!file)
            return;
    }
    if (sh->out != stdout)
        qn_sh_close_target(sh->out, sh->out_is_pipe);
    sh->out         = file;
    sh->out_is_pipe = is_pipe;
}

/* ---- results --------------------------------------------------------------------------------- */

static void report_failure(qn_sh *sh, const qn_error *err, qn_status status, const char *text,
                           size_t offset)
{
    qn_sh_report(sh, "ERROR", err, text, offset);
    qn_sh_var_set(sh, "ERROR", "true");
    qn_sh_var_set(sh, "SQLSTATE", err->sqlstate);
    qn_sh_var_set(sh, "LAST_ERROR_SQLSTATE", err->sqlstate);
    qn_sh_var_set(sh, "LAST_ERROR_MESSAGE", err->message);
    qn_sh_var_set(sh, "ROW_COUNT", "0");
    if (!sh->interactive && qn_sh_stops(sh))
        sh->status = qn_sh_exit_status(status);
}

qn_result *qn_sh_select(qn_sh *sh, const char *sql, bool quiet)
{
    qn_result *result = NULL;
    qn_error   err    = {0};
    qn_status  status;

    qn_sh_progress_start(sh);
    qn_sh_running = 1;
    status        = qn_query(sh->conn, sql, &result, &err);
    qn_sh_running = 0;
    qn_sh_progress_clear(sh);
    if (status == QN_OK)
        return result;
    if (!quiet)
        report_failure(sh, &err, status, sql, 0);
    return NULL;
}

void qn_sh_finish_table(qn_sh *sh, qn_sh_printer *printer, FILE *out)
{
    FILE *pager = qn_sh_pager_open(sh, qn_sh_print_lines(printer), out);

    if (pager)
        qn_sh_print_redirect(printer, pager);
    qn_sh_print_end(printer);
    if (pager)
        qn_sh_pager_close(pager);
    else
        fflush(out);
}

static void chunk_row(const qn_chunk *chunk, int columns, uint32_t row, qn_sh_cell *cells)
{
    for (int c = 0; c < columns; c++) {
        cells[c] = (qn_sh_cell){0};
        if (!qn_chunk_is_null(chunk, c, row)) {
            cells[c].data = qn_chunk_text(chunk, c, row, &cells[c].bytes);
            /* The contract gives NULL for SQL NULL only; a value must not turn into one. */
            if (!cells[c].data)
                cells[c] = (qn_sh_cell){"", 0};
        }
    }
}

/* Print the rows of a result.  On failure the table is abandoned where it stands. */
static qn_status print_rows(qn_sh *sh, qn_result *result, qn_sh_printer *printer, FILE *out,
                            qn_error *err)
{
    int             columns = qn_result_columns(result);
    qn_sh_cell     *cells   = qn_sh_alloc((size_t)columns * sizeof *cells);
    const qn_chunk *chunk   = NULL;
    qn_status       status;

    while ((status = qn_result_next(result, &chunk, err)) == QN_OK && chunk) {
        for (uint32_t row = 0; row < qn_chunk_rows(chunk); row++) {
            chunk_row(chunk, columns, row, cells);
            qn_sh_print_row(printer, cells);
        }
        if (qn_sh_interrupted || ferror(out))
            break;
    }
    free(cells);
    if (status == QN_OK && qn_sh_interrupted) {
        *err = (qn_error){.status   = QN_INTERRUPTED,
                          .sqlstate = "57014",
                          .message  = "canceling statement due to user request"};
        status = QN_INTERRUPTED;
    }
    if (status != QN_OK)
        qn_sh_print_abandon(printer);
    else
        qn_sh_finish_table(sh, printer, out);
    return status;
}

static qn_status print_result(qn_sh *sh, qn_result *result, FILE *out, qn_error *err)
{
    int            columns = qn_result_columns(result);
    qn_sh_style    style   = sh->style;
    const char   **names   = qn_sh_alloc((size_t)columns * sizeof *names);
    qn_sh_kind    *kinds   = qn_sh_alloc((size_t)columns * sizeof *kinds);
    qn_sh_printer *printer;
    qn_status      status;
    int            screen_rows, screen_columns;

    for (int c = 0; c < columns; c++) {
        names[c] = qn_result_column_name(result, c);
        kinds[c] = qn_sh_kind_of(qn_result_column_type(result, c));
    }
    if (sh->one_shot_expanded)
        style.expanded = QN_SH_X_ON;
    (void)qn_sh_screen(out, &screen_rows, &screen_columns);
    printer = qn_sh_print_begin(out, &style, columns, names, kinds, screen_columns);
    status  = print_rows(sh, result, printer, out, err);
    free(names);
    free(kinds);
    return status;
}

/* \gset: exactly one row, each column into the variable of its name. */
static bool store_row(qn_sh *sh, qn_result *result)
{
    const qn_chunk *chunk = NULL;
    uint64_t        rows  = qn_result_rows(result);
    qn_sh_buf       name  = {0};

    if (rows != 1 || qn_result_next(result, &chunk, NULL) != QN_OK || !chunk) {
        qn_sh_message(sh, rows ? "more than one row returned for \\gset"
                               : "no rows returned for \\gset");
        return false;
    }
    for (int c = 0; c < qn_result_columns(result); c++) {
        size_t      bytes = 0;
        const char *text  = qn_chunk_text(chunk, c, 0, &bytes);

        qn_sh_buf_clear(&name);
        qn_sh_buf_puts(&name, sh->gset_prefix);
        qn_sh_buf_puts(&name, qn_result_column_name(result, c));
        if (!qn_sh_var_is_name(name.data)) {
            qn_sh_message(sh, "invalid variable name: \"%s\"", name.data);
        } else if (qn_chunk_is_null(chunk, c, 0) || !text) {
            qn_sh_var_unset(sh, name.data);
        } else {
            char *value = qn_sh_strndup(text, bytes);

            qn_sh_var_set(sh, name.data, value);
            free(value);
        }
    }
    qn_sh_buf_free(&name);
    return true;
}

/* ---- statements ------------------------------------------------------------------------------ */

static void print_time(double elapsed_ms)
{
    double seconds = elapsed_ms / 1e3;
    double days, hours, minutes;

    if (elapsed_ms < 1e3) {
        printf("Time: %.3f ms\n", elapsed_ms);
        return;
    }
    minutes = (double)(int64_t)(seconds / 60);
    seconds -= minutes * 60;
    if (minutes < 60) {
        printf("Time: %.3f ms (%02.0f:%06.3f)\n", elapsed_ms, minutes, seconds);
        return;
    }
    hours = (double)(int64_t)(minutes / 60);
    minutes -= hours * 60;
    if (hours < 24) {
        printf("Time: %.3f ms (%02.0f:%02.0f:%06.3f)\n", elapsed_ms, hours, minutes, seconds);
        return;
    }
    days = (double)(int64_t)(hours / 24);
    hours -= days * 24;
    printf("Time: %.3f ms (%.0f d %02.0f:%02.0f:%06.3f)\n", elapsed_ms, days, hours, minutes,
           seconds);
}

/* The tag of a statement without rows, or of one that changes rows and returns them. */
static void print_tag(const qn_sh *sh, const qn_result *result, bool rows, FILE *out)
{
    const char *tag = qn_result_command(result);

    if (sh->quiet || !tag || !*tag)
        return;
    if (rows && strncmp(tag, "INSERT", 6) != 0 && strncmp(tag, "UPDATE", 6) != 0 &&
        strncmp(tag, "DELETE", 6) != 0)
        return;
    /* Data of COPY … TO STDOUT went there; a tag behind it would look like one more row. */
    if (sh->copy.wrote && sh->copy.to == out)
        return;
    fprintf(out, "%s\n", tag);
}

static void remember_success(qn_sh *sh, const qn_result *result)
{
    const char *tag   = qn_result_command(result);
    const char *count = tag ? strrchr(tag, ' ') : NULL;

    qn_sh_var_set(sh, "ERROR", "false");
    qn_sh_var_set(sh, "SQLSTATE", "00000");
    qn_sh_var_set(sh, "ROW_COUNT",
                  count && count[1] >= '0' && count[1] <= '9' ? count + 1 : "0");
}

/* A word of its own in text, anywhere: also in quotes, which is near enough for its one caller. */
static bool has_word(const char *text, const char *word)
{
    size_t bytes = strlen(word);

    for (size_t i = 0; text[i]; i++)
        if (strncasecmp(text + i, word, bytes) == 0 &&
            (i == 0 || !qn_sh_is_ident((unsigned char)text[i - 1])) &&
            !qn_sh_is_ident((unsigned char)text[i + bytes]))
            return true;
    return false;
}

/* SELECT without columns gives rows of nothing; CREATE TABLE AS and SELECT INTO have the same tag and
 * give none. */
static bool has_rows(const qn_result *result, const char *statement)
{
    const char *tag = qn_result_command(result);

    if (qn_result_columns(result) > 0)
        return true;
    return tag && strncmp(tag, "SELECT", 6) == 0 && strncasecmp(statement, "select", 6) == 0 &&
           !has_word(statement, "into");
}

static bool show_result(qn_sh *sh, qn_result *result, FILE *out, const char *text, size_t offset)
{
    qn_error  err    = {0};
    qn_status status = QN_OK;
    bool      rows   = has_rows(result, text + offset);

    if (sh->gset_prefix && rows)
        return store_row(sh, result);
    if (rows)
        status = print_result(sh, result, out, &err);
    if (status != QN_OK) {
        report_failure(sh, &err, status, text, offset);
        return false;
    }
    print_tag(sh, result, rows, out);
    remember_success(sh, result);
    return true;
}

/* Results that could not be written end the session: nobody reads what follows. */
static bool check_output(qn_sh *sh)
{
    FILE *failed = NULL;

    /* A command behind \o may end when it has enough. */
    if ((fflush(sh->out) != 0 || ferror(sh->out)) && !sh->out_is_pipe)
        failed = sh->out;
    if (!failed && (fflush(stdout) != 0 || ferror(stdout)))
        failed = stdout;
    if (!failed)
        return true;
    if (failed != stdout && sh->interactive) {
        fprintf(stderr, "quern: error: could not write to the \\o output: %s\n", strerror(errno));
        qn_sh_set_output(sh, NULL);
        return true;
    }
    if (errno != EPIPE)
        fprintf(stderr, "quern: error: could not write to %s: %s\n",
                failed == stdout ? "standard output" : "the output file", strerror(errno));
    sh->status = QN_EXIT_IO;
    sh->quit   = true;
    return false;
}

static void end_one_shot(qn_sh *sh)
{
    if (sh->one_shot)
        qn_sh_close_target(sh->one_shot, sh->one_shot_is_pipe);
    sh->one_shot          = NULL;
    sh->one_shot_expanded = false;
    sh->gset_prefix       = NULL;
}

bool qn_sh_execute(qn_sh *sh, const char *text, size_t offset, size_t bytes)
{
    char      *statement = qn_sh_strndup(text + offset, bytes);
    FILE      *out       = sh->one_shot ? sh->one_shot : sh->out;
    qn_result *result    = NULL;
    qn_error   err       = {0};
    qn_status  status;
    double     start = qn_sh_now_ms();
    bool       ok;

    if (!sh->interactive && qn_sh_interrupted) {
        free(statement);
        sh->status = QN_EXIT_INTERRUPTED;
        return false;
    }
    if (qn_sh_var(sh, "ECHO") && qn_sh_same(qn_sh_var(sh, "ECHO"), "queries"))
        printf("%s\n", statement);
    qn_sh_interrupted = 0;
    sh->copy.to       = sh->copy.target ? sh->copy.target : out;
    sh->copy.started = sh->copy.finished = sh->copy.wrote = sh->copy.failed = false;
    qn_sh_progress_start(sh);
    if (strlen(statement) != bytes) {
        err = (qn_error){.status   = QN_ERROR,
                         .sqlstate = "22021",
                         .message  = "invalid byte sequence for encoding \"UTF8\": 0x00"};
        status = QN_ERROR;
    } else {
        qn_sh_running = 1;
        status        = qn_query(sh->conn, statement, &result, &err);
    }
    qn_sh_progress_clear(sh);
    qn_sh_copy_drain(sh);
    if (status != QN_OK) {
        report_failure(sh, &err, status, text, offset);
        ok = false;
    } else {
        ok = !result || show_result(sh, result, out, text, offset);
    }
    qn_result_free(result);
    qn_sh_running = 0;
    free(statement);
    end_one_shot(sh);
    if (sh->timing)
        print_time(qn_sh_now_ms() - start);
    if (sh->interactive)
        qn_sh_interrupted = 0;
    return check_output(sh) && ok;
}
