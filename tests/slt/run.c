/* Running a script: execute each record, compare, report, go on. */
#include "run.h"

#include "result.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SHOWN_DIFFERENCES = 12 };

typedef struct script {
    const char           *path;
    const qn_slt_options *options;
    qn_slt_totals        *totals;
    qn_database          *db;
    qn_connection        *conn;
    uint64_t              hash_threshold;
    bool                  set_up_broken;
    qn_slt_list           labels; /* label, hash, label, hash, … */
    const qn_slt_record  *record; /* the one that runs: COPY's data */
    qn_slt_text           copied; /* what COPY TO STDOUT wrote, or what is to be read */
    size_t                copy_at;
} script;

size_t qn_slt_failed(const qn_slt_totals *t)
{
    return t->set_up_failed + t->after_set_up + t->query_failed + t->wrong_result +
           t->wrong_error + t->malformed;
}

/* ---- reports --------------------------------------------------------------------------------- */

static void report_head(const script *s, const qn_slt_record *record, const char *what)
{
    printf("%s:%zu: %s\n", s->path, record->line, what);
    for (const char *p = record->sql.data; p && *p;) {
        size_t bytes = strcspn(p, "\n");

        printf("    %.*s\n", (int)bytes, p);
        p += bytes + (p[bytes] == '\n');
    }
}

static void report_error(const script *s, const qn_slt_record *record, const char *what,
                         const qn_error *err)
{
    if (s->options->quiet)
        return;
    report_head(s, record, what);
    printf("  %s: %s\n", err->sqlstate, err->message);
    if (err->detail[0])
        printf("  detail: %s\n", err->detail);
    if (err->position)
        printf("  at character %d\n", err->position);
}

static void report_values(const script *s, const qn_slt_record *record, const qn_slt_list *got)
{
    const qn_slt_list *want  = &record->expected;
    size_t             most  = want->count > got->count ? want->count : got->count;
    size_t             shown = 0, i;

    if (s->options->quiet)
        return;
    report_head(s, record, "wrong result");
    if (want->count != got->count)
        printf("  expected %zu values, got %zu\n", want->count, got->count);
    for (i = 0; i < most && shown < SHOWN_DIFFERENCES; i++) {
        const char *a = i < want->count ? want->items[i] : NULL;
        const char *b = i < got->count ? got->items[i] : NULL;

        if (a && b && strcmp(a, b) == 0)
            continue;
        if (a)
            printf("  %6zu - %s\n", i + 1, a);
        if (b)
            printf("  %6zu + %s\n", i + 1, b);
        shown++;
    }
    if (i < most)
        printf("         …\n");
}

/* ---- COPY ------------------------------------------------------------------------------------ */

static ptrdiff_t copy_read(void *arg, void *buffer, size_t bytes)
{
    script *s    = arg;
    size_t  left = s->copied.bytes - s->copy_at;
    size_t  take = left < bytes ? left : bytes;

    if (take)
        memcpy(buffer, s->copied.data + s->copy_at, take);
    s->copy_at += take;
    return (ptrdiff_t)take;
}

static bool copy_write(void *arg, const void *data, size_t bytes)
{
    qn_slt_text_add(&((script *)arg)->copied, data, bytes);
    return true;
}

static void split_lines(const qn_slt_text *text, qn_slt_list *lines)
{
    const char *p = text->data ? text->data : "";

    while (*p) {
        size_t bytes = strcspn(p, "\n");

        qn_slt_list_take(lines, qn_slt_strndup(p, bytes));
        p += bytes + (p[bytes] == '\n');
    }
}

/* ---- records --------------------------------------------------------------------------------- */

static void note_unsupported(script *s, const qn_error *err)
{
    if (strcmp(err->sqlstate, "0A000") == 0)
        qn_slt_list_take(&s->totals->unsupported,
                         qn_slt_strndup(err->message, strlen(err->message)));
}

/* Run the SQL and read its rows; the command tag into tag when that is not NULL. */
static qn_status execute(script *s, const qn_slt_record *record, const char *types,
                         qn_slt_list *values, int *columns, char tag[64], qn_error *err)
{
    qn_result *result = NULL;
    qn_status  status;

    *err   = (qn_error){0};
    status = qn_query(s->conn, record->sql.data ? record->sql.data : "", &result, err);
    if (status == QN_OK && result) {
        const char *command = qn_result_command(result);

        *columns = qn_result_columns(result);
        if (tag)
            snprintf(tag, 64, "%s", command ? command : "");
        if (types && *columns != (int)strlen(types))
            types = NULL;
        status = qn_slt_render(result, types, record->sort, values, err);
    }
    qn_result_free(result);
    if (status != QN_OK)
        note_unsupported(s, err);
    return status;
}

static bool run_statement(script *s, const qn_slt_record *record)
{
    qn_error    err;
    qn_slt_list none    = {0};
    int         columns = 0;
    char        tag[64] = "";
    const char *count;

    if (execute(s, record, NULL, &none, &columns, tag, &err) != QN_OK) {
        report_error(s, record, "set-up failed", &err);
        s->totals->set_up_failed++;
        s->set_up_broken = true;
        return false;
    }
    if (record->kind != QN_SLT_COUNT)
        return true;
    count = strrchr(tag, ' ');
    if (count && strtoull(count + 1, NULL, 10) == record->number)
        return true;
    if (!s->options->quiet) {
        report_head(s, record, "wrong result");
        printf("  expected count %llu, got \"%s\"\n", (unsigned long long)record->number, tag);
    }
    s->totals->wrong_result++;
    return false;
}

static bool matches(const char *pattern, const char *message)
{
    regex_t regex;
    bool    found;

    if (!*pattern)
        return true;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return strstr(message, pattern) != NULL;
    found = regexec(&regex, message, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static bool run_error(script *s, const qn_slt_record *record)
{
    qn_error    err;
    qn_slt_list none    = {0};
    int         columns = 0;

    if (execute(s, record, NULL, &none, &columns, NULL, &err) == QN_OK) {
        if (!s->options->quiet)
            report_head(s, record, "no error was raised");
    } else if (record->sqlstate[0] && strcmp(record->sqlstate, err.sqlstate) != 0) {
        report_error(s, record, "another error than expected", &err);
        if (!s->options->quiet)
            printf("  expected %s\n", record->sqlstate);
    } else if (!matches(record->pattern, err.message)) {
        report_error(s, record, "another message than expected", &err);
        if (!s->options->quiet)
            printf("  expected: %s\n", record->pattern);
    } else {
        return true;
    }
    s->totals->wrong_error++;
    return false;
}

/* Compare with the expected values, or with their hash where the result is long. */
static bool compare(script *s, const qn_slt_record *record, const qn_slt_list *values)
{
    const qn_slt_list *want = &record->expected;
    char               hash[96];

    if (want->count == 1 && strstr(want->items[0], " values hashing to ") &&
        values->count > s->hash_threshold && s->hash_threshold) {
        qn_slt_hash(values, hash, sizeof hash);
        if (strcmp(hash, want->items[0]) == 0)
            return true;
        if (!s->options->quiet) {
            report_head(s, record, "wrong result");
            printf("  expected %s\n  got      %s\n", want->items[0], hash);
            for (size_t i = 0; i < values->count && i < SHOWN_DIFFERENCES; i++)
                printf("  %6zu + %s\n", i + 1, values->items[i]);
        }
        return false;
    }
    if (want->count == values->count) {
        size_t i = 0;

        while (i < want->count && strcmp(want->items[i], values->items[i]) == 0)
            i++;
        if (i == want->count)
            return true;
    }
    report_values(s, record, values);
    return false;
}

/* Queries of one label must agree. */
static bool check_label(script *s, const qn_slt_record *record, const qn_slt_list *values)
{
    char hash[96];

    if (!record->label[0])
        return true;
    qn_slt_hash(values, hash, sizeof hash);
    for (size_t i = 0; i < s->labels.count; i += 2) {
        if (strcmp(s->labels.items[i], record->label) != 0)
            continue;
        if (strcmp(s->labels.items[i + 1], hash) == 0)
            return true;
        if (!s->options->quiet) {
            report_head(s, record, "wrong result");
            printf("  another result than the earlier query labelled %s\n", record->label);
        }
        return false;
    }
    qn_slt_list_take(&s->labels, qn_slt_strndup(record->label, strlen(record->label)));
    qn_slt_list_take(&s->labels, qn_slt_strndup(hash, strlen(hash)));
    return true;
}

static void count_query_error(script *s, const qn_slt_record *record, const qn_error *err)
{
    bool undefined = strncmp(err->sqlstate, "42P01", 5) == 0 || strncmp(err->sqlstate, "42703", 5) == 0;

    if (s->set_up_broken && undefined) {
        report_error(s, record, "failed after a failed set-up", err);
        s->totals->after_set_up++;
    } else {
        report_error(s, record, "query failed", err);
        s->totals->query_failed++;
    }
}

static bool run_query(script *s, const qn_slt_record *record)
{
    qn_error    err;
    qn_slt_list values  = {0};
    int         columns = 0;
    bool        ok      = false;

    if (execute(s, record, record->types, &values, &columns, NULL, &err) != QN_OK) {
        count_query_error(s, record, &err);
    } else if (columns != (int)strlen(record->types)) {
        if (!s->options->quiet) {
            report_head(s, record, "wrong result");
            printf("  expected %zu columns, got %d\n", strlen(record->types), columns);
        }
        s->totals->wrong_result++;
    } else {
        ok = compare(s, record, &values) && check_label(s, record, &values);
        s->totals->wrong_result += !ok;
    }
    qn_slt_list_free(&values);
    return ok;
}

static bool run_copy(script *s, const qn_slt_record *record)
{
    qn_slt_list values = {0};
    bool        ok;

    qn_slt_text_clear(&s->copied);
    s->copy_at = 0;
    if (record->kind == QN_SLT_COPY_IN) {
        for (size_t i = 0; i < record->expected.count; i++) {
            qn_slt_text_puts(&s->copied, record->expected.items[i]);
            qn_slt_text_puts(&s->copied, "\n");
        }
        return run_statement(s, record);
    }
    ok = run_statement(s, record);
    if (ok) {
        split_lines(&s->copied, &values);
        ok = compare(s, record, &values);
        s->totals->wrong_result += !ok;
    }
    qn_slt_list_free(&values);
    return ok;
}

static bool run_record(script *s, const qn_slt_record *record)
{
    switch (record->kind) {
    case QN_SLT_OK:
    case QN_SLT_COUNT:
        return run_statement(s, record);
    case QN_SLT_ERROR:
        return run_error(s, record);
    case QN_SLT_QUERY:
        return run_query(s, record);
    case QN_SLT_COPY_IN:
    case QN_SLT_COPY_OUT:
        return run_copy(s, record);
    default:
        report_head(s, record, record->message);
        s->totals->malformed++;
        return false;
    }
}

static void run_records(script *s, const char *text, size_t bytes)
{
    qn_slt_reader reader = {.text = text, .bytes = bytes};
    qn_slt_record record = {0};

    for (;;) {
        qn_slt_read(&reader, &record);
        if (record.kind == QN_SLT_END || (record.kind == QN_SLT_HALT && !record.skip))
            break;
        if (record.kind == QN_SLT_HALT)
            continue;
        if (record.kind == QN_SLT_HASH_THRESHOLD) {
            if (!record.skip)
                s->hash_threshold = record.number;
            continue;
        }
        if (record.skip) {
            s->totals->skipped++;
            continue;
        }
        s->record = &record;
        if (s->options->verbose) {
            report_head(s, &record, "run");
            fflush(stdout); /* a crash must not hide which record it was */
        }
        if (run_record(s, &record))
            s->totals->passed++;
    }
    qn_slt_record_free(&record);
}

/* ---- scripts --------------------------------------------------------------------------------- */

static char *read_file(const char *path, size_t *bytes)
{
    FILE       *file = fopen(path, "rb");
    qn_slt_text text = {0};
    char        buffer[16384];
    size_t      got;

    if (!file) {
        fprintf(stderr, "slt: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    qn_slt_text_add(&text, "", 0);
    while ((got = fread(buffer, 1, sizeof buffer, file)) > 0)
        qn_slt_text_add(&text, buffer, got);
    if (ferror(file)) {
        fprintf(stderr, "slt: %s: %s\n", path, strerror(errno));
        qn_slt_text_free(&text);
    }
    (void)fclose(file);
    *bytes = text.bytes;
    return text.data;
}

/* DIR/path_with_slashes_replaced: a directory of its own for each script. */
static void database_path(const script *s, qn_slt_text *out)
{
    qn_slt_text_puts(out, s->options->db_dir);
    qn_slt_text_puts(out, "/");
    for (const char *p = s->path; *p; p++)
        qn_slt_text_add(out, *p == '/' || *p == '.' ? "_" : p, 1);
}

static bool script_open(script *s)
{
    qn_error    err  = {0};
    qn_slt_text path = {0};
    struct stat info;
    bool        ok;

    if (s->options->db_dir) {
        (void)mkdir(s->options->db_dir, 0777); /* where it fails, opening says why */
        database_path(s, &path);
        if (stat(path.data, &info) == 0) {
            fprintf(stderr, "slt: %s exists already\n", path.data);
            qn_slt_text_free(&path);
            return false;
        }
    }
    ok = qn_open(path.data, &s->options->open, &s->db, &err) == QN_OK &&
         qn_connect(s->db, &s->conn, &err) == QN_OK;
    if (!ok)
        fprintf(stderr, "slt: %s: cannot open a database: %s\n", s->path, err.message);
    qn_slt_text_free(&path);
    return ok;
}

static bool apply_settings(script *s)
{
    for (size_t i = 0; i < s->options->setting_count; i++) {
        const char *equals = strchr(s->options->settings[i], '=');
        qn_slt_text sql    = {0};
        qn_result  *result = NULL;
        qn_error    err    = {0};
        qn_status   status;

        qn_slt_text_puts(&sql, "SET ");
        qn_slt_text_add(&sql, s->options->settings[i], (size_t)(equals - s->options->settings[i]));
        qn_slt_text_puts(&sql, " = '");
        qn_slt_text_puts(&sql, equals + 1);
        qn_slt_text_puts(&sql, "'");
        status = qn_query(s->conn, sql.data, &result, &err);
        qn_result_free(result);
        if (status != QN_OK)
            fprintf(stderr, "slt: %s: %s\n", sql.data, err.message);
        qn_slt_text_free(&sql);
        if (status != QN_OK)
            return false;
    }
    return true;
}

bool qn_slt_run(const char *path, const qn_slt_options *options, qn_slt_totals *totals)
{
    script s      = {.path = path, .options = options, .totals = totals, .hash_threshold = 8};
    size_t bytes  = 0;
    size_t before = qn_slt_failed(totals);
    char  *text   = read_file(path, &bytes);
    bool   ok     = text && script_open(&s) && apply_settings(&s);

    if (ok) {
        qn_set_copy(s.conn, copy_read, copy_write, &s);
        run_records(&s, text, bytes);
        totals->files++;
        totals->files_failed += qn_slt_failed(totals) > before;
    }
    if (s.conn)
        qn_disconnect(s.conn);
    qn_close(s.db);
    free(text);
    qn_slt_list_free(&s.labels);
    qn_slt_text_free(&s.copied);
    return ok;
}
