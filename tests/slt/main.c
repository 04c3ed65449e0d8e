/* slt: runs sqllogictest scripts against quern.
 *
 *   slt [OPTION]... FILE|DIRECTORY...
 *
 * Every script gets a fresh database; a failing record is reported and the rest goes on.  The last line
 * is always "N passed, N failed".  Exit status: 0 all passed, 1 some failed, 2 usage, 3 a script could
 * not be run at all. */
#include "run.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_LIMIT = 32 };

static const char usage[] =
    "Usage: slt [OPTION]... FILE|DIRECTORY...\n"
    "  --threads N         worker threads of each database\n"
    "  --set NAME=VALUE    SET before each script (repeatable)\n"
    "  --db DIR            databases on disk below DIR instead of in memory\n"
    "  --list-unsupported  count what was refused as not supported (0A000)\n"
    "  -v                  print every record before it runs\n"
    "  --quiet             only the summary\n";

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool ends_with(const char *text, const char *end)
{
    size_t bytes = strlen(text), tail = strlen(end);

    return bytes >= tail && strcmp(text + bytes - tail, end) == 0;
}

/* Add a script, or all *.slt below a directory in the order of their names. */
static bool collect(const char *path, bool named, int depth, qn_slt_list *files)
{
    struct stat    info;
    DIR           *dir;
    struct dirent *entry;
    qn_slt_list    names = {0};
    bool           ok    = true;

    if (stat(path, &info) != 0) {
        fprintf(stderr, "slt: %s: %s\n", path, strerror(errno));
        return false;
    }
    if (!S_ISDIR(info.st_mode)) {
        if (named || ends_with(path, ".slt"))
            qn_slt_list_take(files, qn_slt_strndup(path, strlen(path)));
        return true;
    }
    dir = depth < DEPTH_LIMIT ? opendir(path) : NULL;
    if (!dir) {
        fprintf(stderr, "slt: %s: %s\n", path, depth < DEPTH_LIMIT ? strerror(errno) : "too deep");
        return false;
    }
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            qn_slt_list_take(&names, qn_slt_strndup(entry->d_name, strlen(entry->d_name)));
    (void)closedir(dir);
    if (names.count)
        qsort(names.items, names.count, sizeof *names.items, compare_names);
    for (size_t i = 0; i < names.count; i++) {
        qn_slt_text child = {0};

        qn_slt_text_puts(&child, path);
        if (!ends_with(path, "/"))
            qn_slt_text_puts(&child, "/");
        qn_slt_text_puts(&child, names.items[i]);
        ok = collect(child.data, false, depth + 1, files) && ok;
        qn_slt_text_free(&child);
    }
    qn_slt_list_free(&names);
    return ok;
}

typedef struct feature {
    const char *name;
    size_t      count;
} feature;

static int compare_features(const void *a, const void *b)
{
    const feature *x = a, *y = b;

    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(x->name, y->name);
}

static void print_unsupported(qn_slt_list *messages)
{
    feature *features = qn_slt_alloc(NULL, messages->count * sizeof *features);
    size_t   count    = 0;

    if (messages->count)
        qsort(messages->items, messages->count, sizeof *messages->items, compare_names);
    for (size_t i = 0; i < messages->count; i++) {
        if (!count || strcmp(features[count - 1].name, messages->items[i]) != 0)
            features[count++] = (feature){messages->items[i], 0};
        features[count - 1].count++;
    }
    if (count)
        qsort(features, count, sizeof *features, compare_features);
    puts("not supported:");
    for (size_t i = 0; i < count; i++)
        printf("%8zu  %s\n", features[i].count, features[i].name);
    free(features);
}

static void print_summary(const qn_slt_totals *t)
{
    size_t failed = qn_slt_failed(t);

    if (failed)
        printf("%zu of %zu files with failures: %zu wrong results, %zu queries failed, "
               "%zu set-ups failed, %zu queries after a failed set-up, %zu wrong errors, "
               "%zu malformed\n",
               t->files_failed, t->files, t->wrong_result, t->query_failed, t->set_up_failed,
               t->after_set_up, t->wrong_error, t->malformed);
    if (t->skipped)
        printf("%zu skipped\n", t->skipped);
    printf("%zu passed, %zu failed\n", t->passed, failed);
}

static bool usage_error(const char *what, const char *word)
{
    fprintf(stderr, "slt: %s \"%s\"\n%s", what, word, usage);
    return false;
}

/* The value of option argv[*i], or NULL after a message. */
static const char *option_value(int argc, char **argv, int *i)
{
    if (*i + 1 < argc)
        return argv[++*i];
    (void)usage_error("no value for option", argv[*i]);
    return NULL;
}

static bool parse(int argc, char **argv, qn_slt_options *options, qn_slt_list *paths,
                  bool *list_unsupported)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value;

        if (strcmp(word, "--quiet") == 0) {
            options->quiet = true;
        } else if (strcmp(word, "-v") == 0) {
            options->verbose = true;
        } else if (strcmp(word, "--list-unsupported") == 0) {
            *list_unsupported = true;
        } else if (strcmp(word, "--threads") == 0 || strcmp(word, "--db") == 0 ||
                   strcmp(word, "--set") == 0) {
            value = option_value(argc, argv, &i);
            if (!value)
                return false;
            if (word[2] == 't')
                options->open.threads = atoi(value);
            else if (word[2] == 'd')
                options->db_dir = value;
            else if (!strchr(value, '='))
                return usage_error("no NAME=VALUE", value);
            else
                options->settings[options->setting_count++] = value;
        } else if (word[0] == '-' && word[1]) {
            return usage_error("unknown option", word);
        } else {
            qn_slt_list_take(paths, qn_slt_strndup(word, strlen(word)));
        }
    }
    if (paths->count)
        return true;
    fputs(usage, stderr);
    return false;
}

int main(int argc, char **argv)
{
    qn_slt_options options = {0};
    qn_slt_totals  totals  = {0};
    qn_slt_list    paths = {0}, files = {0};
    bool           ok = true, list_unsupported = false;
    int            status;

    options.settings = qn_slt_alloc(NULL, (size_t)argc * sizeof *options.settings);
    if (!parse(argc, argv, &options, &paths, &list_unsupported)) {
        status = 2;
    } else {
        for (size_t i = 0; i < paths.count; i++)
            ok = collect(paths.items[i], true, 0, &files) && ok;
        for (size_t i = 0; i < files.count; i++) {
            ok = qn_slt_run(files.items[i], &options, &totals) && ok;
            fflush(stdout);
        }
        if (list_unsupported)
            print_unsupported(&totals.unsupported);
        print_summary(&totals);
        status = !ok ? 3 : qn_slt_failed(&totals) ? 1 : 0;
    }
    qn_slt_list_free(&paths);
    qn_slt_list_free(&files);
    qn_slt_list_free(&totals.unsupported);
    free(options.settings);
    return status;
}
