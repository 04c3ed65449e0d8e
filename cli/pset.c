/* \pset: how tables look.  Messages and value checks are psql's. */
#include "shell.h"

#include <stdlib.h>
#include <string.h>

static void replace(char **slot, const char *value)
{
    char *copy = value ? qn_sh_strdup(value) : NULL;

    free(*slot);
    *slot = copy;
}

/* A switch: no value toggles it. */
static bool set_switch(const qn_sh *sh, const char *option, const char *value, bool *setting)
{
    if (!value) {
        *setting = !*setting;
        return true;
    }
    if (qn_sh_parse_bool(value, setting))
        return true;
    qn_sh_message(sh, "unrecognized value \"%s\" for \"%s\": Boolean expected", value, option);
    return false;
}

static bool set_expanded(const qn_sh *sh, qn_sh_style *style, const char *value)
{
    bool on = style->expanded == QN_SH_X_ON;

    if (value && qn_sh_same(value, "auto")) {
        style->expanded = QN_SH_X_AUTO;
        return true;
    }
    if (value && !qn_sh_parse_bool(value, &on)) {
        qn_sh_message(sh, "unrecognized value \"%s\" for \"expanded\"\n"
                          "Available values are: on, off, auto.", value);
        return false;
    }
    style->expanded = (value ? on : style->expanded == QN_SH_X_OFF) ? QN_SH_X_ON : QN_SH_X_OFF;
    return true;
}

static bool set_format(const qn_sh *sh, qn_sh_style *style, const char *value)
{
    if (!value || qn_sh_format_find(value, &style->format))
        return true;
    qn_sh_message(sh, "\\pset: allowed formats are aligned, csv, json, jsonl, markdown, tsv, "
                      "unaligned");
    return false;
}

static bool set_csv_separator(const qn_sh *sh, qn_sh_style *style, const char *value)
{
    if (!value)
        return true;
    if (strlen(value) != 1 || strchr("\"\n\r", value[0])) {
        qn_sh_message(sh, strlen(value) != 1
                              ? "\\pset: csv_fieldsep must be a single one-byte character"
                              : "\\pset: csv_fieldsep cannot be a double quote, a newline, or a "
                                "carriage return");
        return false;
    }
    style->csv_separator = value[0];
    return true;
}

static void say_separator(const char *what, const char *text)
{
    if (strcmp(text, "\n") == 0)
        printf("%s is <newline>.\n", what);
    else
        printf("%s is \"%s\".\n", what, text);
}

static void say(const qn_sh_style *style, const char *option)
{
    if (!strcmp(option, "format")) {
        printf("Output format is %s.\n", qn_sh_format_name(style->format));
    } else if (!strcmp(option, "border")) {
        printf("Border style is %d.\n", style->border);
    } else if (!strcmp(option, "expanded")) {
        printf(style->expanded == QN_SH_X_AUTO ? "Expanded display is used automatically.\n"
               : style->expanded               ? "Expanded display is on.\n"
                                               : "Expanded display is off.\n");
    } else if (!strcmp(option, "null")) {
        printf("Null display is \"%s\".\n", style->null_text);
    } else if (!strcmp(option, "fieldsep")) {
        say_separator("Field separator", style->field_separator);
    } else if (!strcmp(option, "recordsep")) {
        say_separator("Record separator", style->record_separator);
    } else if (!strcmp(option, "csv_fieldsep")) {
        printf("Field separator for CSV is \"%c\".\n", style->csv_separator);
    } else if (!strcmp(option, "tuples_only")) {
        printf("Tuples only is %s.\n", style->tuples_only ? "on" : "off");
    } else if (!strcmp(option, "footer")) {
        printf("Default footer is %s.\n", style->footer ? "on" : "off");
    } else if (!strcmp(option, "pager")) {
        printf(style->pager ? "Pager is used for long output.\n" : "Pager usage is off.\n");
    } else if (!strcmp(option, "title")) {
        if (style->title)
            printf("Title is \"%s\".\n", style->title);
        else
            puts("Title is unset.");
    } else if (style->columns > 0) {
        printf("Target width is %d.\n", style->columns);
    } else {
        puts("Target width is unset.");
    }
}

static bool apply(qn_sh *sh, const char *option, const char *value)
{
    qn_sh_style *style = &sh->style;

    if (!strcmp(option, "format"))
        return set_format(sh, style, value);
    if (!strcmp(option, "expanded"))
        return set_expanded(sh, style, value);
    if (!strcmp(option, "csv_fieldsep"))
        return set_csv_separator(sh, style, value);
    if (!strcmp(option, "tuples_only"))
        return set_switch(sh, option, value, &style->tuples_only);
    if (!strcmp(option, "footer"))
        return set_switch(sh, option, value, &style->footer);
    if (!strcmp(option, "pager")) {
        if (value && qn_sh_same(value, "always"))
            value = "on";
        return set_switch(sh, option, value, &style->pager);
    }
    if (!strcmp(option, "title")) {
        replace(&style->title, value && *value ? value : NULL);
        return true;
    }
    if (!value)
        return true; /* only shown */
    if (!strcmp(option, "border")) {
        style->border = atoi(value); /* out of range: as the nearest */
    } else if (!strcmp(option, "null")) {
        replace(&style->null_text, value);
    } else if (!strcmp(option, "fieldsep")) {
        replace(&style->field_separator, value);
    } else if (!strcmp(option, "recordsep")) {
        replace(&style->record_separator, value);
    } else {
        style->columns = atoi(value);
    }
    return true;
}

bool qn_sh_pset(qn_sh *sh, const char *option, const char *value, bool quiet)
{
    static const char *const options[] = {
        "border", "columns", "csv_fieldsep", "expanded",    "fieldsep", "footer", "format",
        "null",   "pager",   "recordsep",    "tuples_only", "title",
    };
    static const char *const shorter[][2] = {
        {"x", "expanded"}, {"vertical", "expanded"}, {"t", "tuples_only"}};

    for (size_t i = 0; i < sizeof shorter / sizeof *shorter; i++)
        if (!strcmp(option, shorter[i][0]))
            option = shorter[i][1];
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (strcmp(option, options[i]) != 0)
            continue;
        if (!apply(sh, option, value))
            return false;
        /* psql says nothing when these two are given a value; scripts compare its output. */
        if (!quiet && !(value && (!strcmp(option, "footer") || !strcmp(option, "tuples_only"))))
            say(&sh->style, option);
        return true;
    }
    qn_sh_message(sh, "\\pset: unknown option: %s", option);
    return false;
}

static void show_quoted(const char *name, const char *text)
{
    printf("%-24s '", name);
    for (; *text; text++) {
        if (*text == '\n')
            fputs("\\n", stdout);
        else if (*text == '\'')
            fputs("\\'", stdout);
        else
            putchar(*text);
    }
    puts("'");
}

void qn_sh_pset_all(const qn_sh *sh)
{
    const qn_sh_style *style     = &sh->style;
    const char         csv[2]    = {style->csv_separator, '\0'};
    const char *const  expanded[] = {"off", "on", "auto"};

    printf("%-24s %d\n", "border", style->border);
    printf("%-24s %d\n", "columns", style->columns);
    show_quoted("csv_fieldsep", csv);
    printf("%-24s %s\n", "expanded", expanded[style->expanded]);
    show_quoted("fieldsep", style->field_separator);
    printf("%-24s %s\n", "footer", style->footer ? "on" : "off");
    printf("%-24s %s\n", "format", qn_sh_format_name(style->format));
    show_quoted("null", style->null_text);
    printf("%-24s %d\n", "pager", style->pager);
    show_quoted("recordsep", style->record_separator);
    printf("%-24s %s\n", "title", style->title ? style->title : "");
    printf("%-24s %s\n", "tuples_only", style->tuples_only ? "on" : "off");
}
