/* psql's variables: \set, \unset, and the ones the shell itself keeps up to date. */
#include "shell.h"

#include <stdlib.h>
#include <string.h>

static int var_find(const qn_sh *sh, const char *name)
{
    for (int i = 0; i < sh->variable_count; i++)
        if (strcmp(sh->variables[i].name, name) == 0)
            return i;
    return -1;
}

const char *qn_sh_var(const qn_sh *sh, const char *name)
{
    int i = var_find(sh, name);

    return i < 0 ? NULL : sh->variables[i].value;
}

const char *qn_sh_lookup(void *sh, const char *name)
{
    return qn_sh_var(sh, name);
}

void qn_sh_var_set(qn_sh *sh, const char *name, const char *value)
{
    int   i    = var_find(sh, name);
    char *copy = qn_sh_strdup(value); /* before the old value goes: it may be the same text */

    if (i >= 0) {
        free(sh->variables[i].value);
        sh->variables[i].value = copy;
        return;
    }
    if (sh->variable_count == sh->variable_capacity) {
        sh->variable_capacity = sh->variable_capacity ? sh->variable_capacity * 2 : 16;
        sh->variables         = qn_sh_realloc(sh->variables, (size_t)sh->variable_capacity *
                                                                 sizeof *sh->variables);
    }
    sh->variables[sh->variable_count++] = (qn_sh_variable){qn_sh_strdup(name), copy};
}

void qn_sh_var_unset(qn_sh *sh, const char *name)
{
    int i = var_find(sh, name);

    if (i < 0)
        return;
    free(sh->variables[i].name);
    free(sh->variables[i].value);
    sh->variables[i] = sh->variables[--sh->variable_count];
}

bool qn_sh_var_is_name(const char *name)
{
    if (!*name)
        return false;
    for (; *name; name++)
        if (*name == '$' || !qn_sh_is_ident((unsigned char)*name))
            return false;
    return true;
}

bool qn_sh_parse_bool(const char *text, bool *value)
{
    static const char *const yes[] = {"on", "true", "yes", "1", "t", "y"};
    static const char *const no[]  = {"off", "false", "no", "0", "f", "n"};

    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (qn_sh_same(text, yes[i]) || qn_sh_same(text, no[i])) {
            *value = qn_sh_same(text, yes[i]);
            return true;
        }
    }
    return false;
}

bool qn_sh_var_is_on(const qn_sh *sh, const char *name)
{
    const char *value = qn_sh_var(sh, name);
    bool        on    = false;

    return value && qn_sh_parse_bool(value, &on) && on;
}

static int compare_variables(const void *a, const void *b)
{
    return strcmp(((const qn_sh_variable *)a)->name, ((const qn_sh_variable *)b)->name);
}

void qn_sh_vars_print(const qn_sh *sh)
{
    if (sh->variable_count)
        qsort(sh->variables, (size_t)sh->variable_count, sizeof *sh->variables,
              compare_variables);
    for (int i = 0; i < sh->variable_count; i++)
        printf("%s = '%s'\n", sh->variables[i].name, sh->variables[i].value);
}

void qn_sh_vars_free(qn_sh *sh)
{
    for (int i = 0; i < sh->variable_count; i++) {
        free(sh->variables[i].name);
        free(sh->variables[i].value);
    }
    free(sh->variables);
    sh->variables      = NULL;
    sh->variable_count = sh->variable_capacity = 0;
}
