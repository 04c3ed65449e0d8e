/* The command line.
 *
 * Written by hand rather than with getopt_long, because the order of -c and -f matters and options may
 * stand on both sides of the directory.  Short options may be joined (-qAt) and take their value
 * joined or as the next argument; long ones take it behind `=` or as the next argument. */
#include "shell.h"

#include <stdlib.h>
#include <string.h>

typedef struct arg_walk {
    qn_sh      *sh;
    qn_sh_args *args;
    int         argc;
    char      **argv;
    int         at;
} arg_walk;

enum {
    OPT_CSV = 256,
    OPT_JSON,
    OPT_JSONL,
    OPT_TSV,
    OPT_MARKDOWN,
    OPT_TIMING,
    OPT_THREADS,
    OPT_MEMORY,
    OPT_READ_ONLY,
    OPT_HELP,
    OPT_VERSION,
    OPT_IGNORED
};

static const struct {
    const char *name;
    int         id;
    bool        value;
} options[] = {
    {"c", 'c', true},           {"command", 'c', true},       {"f", 'f', true},
    {"file", 'f', true},        {"q", 'q', false},            {"quiet", 'q', false},
    {"A", 'A', false},          {"no-align", 'A', false},     {"t", 't', false},
    {"tuples-only", 't', false}, {"F", 'F', true},            {"field-separator", 'F', true},
    {"x", 'x', false},          {"expanded", 'x', false},     {"o", 'o', true},
    {"output", 'o', true},      {"v", 'v', true},             {"set", 'v', true},
    {"variable", 'v', true},    {"P", 'P', true},             {"pset", 'P', true},
    {"csv", OPT_CSV, false},    {"json", OPT_JSON, false},    {"jsonl", OPT_JSONL, false},
    {"tsv", OPT_TSV, false},    {"markdown", OPT_MARKDOWN, false},
    {"timing", OPT_TIMING, false}, {"threads", OPT_THREADS, true},
    {"memory-limit", OPT_MEMORY, true}, {"read-only", OPT_READ_ONLY, false},
    {"help", OPT_HELP, false},  {"version", OPT_VERSION, false},
    {"X", OPT_IGNORED, false},  {"no-psqlrc", OPT_IGNORED, false}, /* there is no start-up file */
};

static bool usage_error(const char *format, const char *what)
{
    fputs("quern: ", stderr);
    fprintf(stderr, format, what);
    fputs("\nTry \"quern --help\" for more information.\n", stderr);
    return false;
}

bool qn_sh_parse_size(const char *text, uint64_t *bytes)
{
    static const struct {
        const char *unit;
        int         shift;
    } units[] = {{"", 0},    {"B", 0},    {"K", 10},  {"kB", 10}, {"KiB", 10}, {"M", 20},
                 {"MB", 20}, {"MiB", 20}, {"G", 30},  {"GB", 30}, {"GiB", 30}, {"T", 40},
                 {"TB", 40}, {"TiB", 40}};
    char              *end;
    unsigned long long value;

    if (text[0] < '0' || text[0] > '9')
        return false;
    value = strtoull(text, &end, 10);
    while (*end == ' ')
        end++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!qn_sh_same(end, units[i].unit))
            continue;
        if (value > UINT64_MAX >> units[i].shift)
            return false;
        *bytes = (uint64_t)value << units[i].shift;
        return true;
    }
    return false;
}

static void add_action(qn_sh_args *args, bool file, const char *text)
{
    args->actions = qn_sh_realloc(args->actions,
                                  ((size_t)args->action_count + 1) * sizeof *args->actions);
    args->actions[args->action_count++] =
        (qn_sh_action){file ? QN_SH_ACTION_FILE : QN_SH_ACTION_COMMAND, text};
}

/* NAME=VALUE, or NAME alone. */
static bool set_variable(qn_sh *sh, const char *text)
{
    const char *equals = strchr(text, '=');
    char       *name   = qn_sh_strndup(text, equals ? (size_t)(equals - text) : strlen(text));
    bool        ok     = qn_sh_var_is_name(name);

    if (!ok)
        (void)usage_error("invalid variable name: \"%s\"", name);
    else if (equals)
        qn_sh_var_set(sh, name, equals + 1);
    else
        qn_sh_var_unset(sh, name);
    free(name);
    return ok;
}

static bool set_style(qn_sh *sh, const char *text)
{
    const char *equals = strchr(text, '=');
    char       *name   = qn_sh_strndup(text, equals ? (size_t)(equals - text) : strlen(text));
    bool        ok     = qn_sh_pset(sh, name, equals ? equals + 1 : NULL, true);

    free(name);
    return ok;
}

static bool set_threads(qn_sh_args *args, const char *value)
{
    char *end;
    long  threads = strtol(value, &end, 10);

    if (*end || end == value || threads < 0 || threads > 1024)
        return usage_error("invalid number of threads: \"%s\"", value);
    args->options.threads = (int)threads;
    return true;
}

static bool apply_option(arg_walk *walk, int id, const char *value)
{
    qn_sh       *sh    = walk->sh;
    qn_sh_style *style = &sh->style;

    switch (id) {
    case 'c':
    case 'f':
        add_action(walk->args, id == 'f', value);
        return true;
    case 'q':
        sh->quiet = true;
        return true;
    case 'A':
        style->format = QN_SH_UNALIGNED;
        return true;
    case 't':
        style->tuples_only = true;
        return true;
    case 'F':
        return qn_sh_pset(sh, "fieldsep", value, true);
    case 'x':
        style->expanded = QN_SH_X_ON;
        return true;
    case 'o':
        walk->args->output = value;
        return true;
    case 'v':
        return set_variable(sh, value);
    case 'P':
        return set_style(sh, value);
    case OPT_CSV:
        style->format = QN_SH_CSV;
        return true;
    case OPT_JSON:
        style->format = QN_SH_JSON;
        return true;
    case OPT_JSONL:
        style->format = QN_SH_JSONL;
        return true;
    case OPT_TSV:
        style->format = QN_SH_TSV;
        return true;
    case OPT_MARKDOWN:
        style->format = QN_SH_MARKDOWN;
        return true;
    case OPT_TIMING:
        sh->timing = true;
        return true;
    case OPT_THREADS:
        return set_threads(walk->args, value);
    case OPT_MEMORY:
        if (qn_sh_parse_size(value, &walk->args->options.memory_limit_bytes))
            return true;
        return usage_error("invalid memory limit: \"%s\"", value);
    case OPT_READ_ONLY:
        walk->args->options.read_only  = true;
        walk->args->options.must_exist = true;
        return true;
    case OPT_HELP:
        walk->args->help = true;
        return true;
    case OPT_VERSION:
        walk->args->version = true;
        return true;
    default:
        return true;
    }
}

/* Index of an option by name, -1: none. */
static int option_find(const char *name, size_t bytes)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (strlen(options[i].name) == bytes && memcmp(options[i].name, name, bytes) == 0)
            return (int)i;
    return -1;
}

static bool parse_long(arg_walk *walk, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t      bytes  = equals ? (size_t)(equals - text) : strlen(text);
    int         i      = bytes > 1 ? option_find(text, bytes) : -1;

    if (i < 0)
        return usage_error("unrecognized option \"--%s\"", text);
    if (!options[i].value)
        return equals ? usage_error("option \"--%s\" takes no value", options[i].name)
                      : apply_option(walk, options[i].id, NULL);
    if (equals)
        return apply_option(walk, options[i].id, equals + 1);
    if (walk->at + 1 >= walk->argc)
        return usage_error("option \"--%s\" needs a value", options[i].name);
    return apply_option(walk, options[i].id, walk->argv[++walk->at]);
}

static bool parse_short(arg_walk *walk, const char *text)
{
    for (; *text; text++) {
        int  i       = option_find(text, 1);
        char name[2] = {*text, '\0'};

        if (*text == '?' && !text[1]) {
            walk->args->help = true;
            return true;
        }
        if (i < 0)
            return usage_error("invalid option -- '%s'", name);
        if (!options[i].value) {
            if (!apply_option(walk, options[i].id, NULL))
                return false;
            continue;
        }
        if (text[1])
            return apply_option(walk, options[i].id, text + 1);
        if (walk->at + 1 >= walk->argc)
            return usage_error("option requires an argument -- '%s'", name);
        return apply_option(walk, options[i].id, walk->argv[++walk->at]);
    }
    return true;
}

bool qn_sh_args_parse(qn_sh *sh, int argc, char **argv, qn_sh_args *args)
{
    arg_walk walk          = {.sh = sh, .args = args, .argc = argc, .argv = argv};
    bool     only_operands = false;

    for (walk.at = 1; walk.at < argc; walk.at++) {
        const char *text = argv[walk.at];
        bool        ok   = true;

        if (!only_operands && strcmp(text, "--") == 0)
            only_operands = true;
        else if (!only_operands && strncmp(text, "--", 2) == 0)
            ok = parse_long(&walk, text + 2);
        else if (!only_operands && text[0] == '-' && text[1])
            ok = parse_short(&walk, text + 1);
        else if (args->path)
            ok = usage_error("extra argument \"%s\"", text);
        else if (!*text)
            ok = usage_error("the database directory is an empty name%s", "");
        else
            args->path = text;
        if (!ok)
            return false;
    }
    return true;
}
