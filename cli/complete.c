/* Completion by Tab: backslash commands, keywords, tables and columns.
 *
 * Names come from information_schema by queries of our own; if one fails, there is just less to offer. */
#include "shell.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const keywords[] = {
    "ALL", "AND", "AS", "ASC", "AVG(", "BETWEEN", "BIGINT", "BOOLEAN", "BY", "CASE", "CAST(",
    "COALESCE(", "COPY", "COUNT(", "CREATE", "CSV", "DATE", "DEALLOCATE", "DEFAULT", "DELIMITER",
    "DESC", "DISTINCT", "DOUBLE PRECISION", "DROP", "ELSE", "END", "EXECUTE", "EXISTS", "EXPLAIN",
    "EXTRACT(", "FALSE", "FILTER", "FIRST", "FORMAT", "FROM", "GENERATE_SERIES(", "GROUP", "HAVING",
    "HEADER", "IF", "ILIKE", "IN", "INSERT", "INTEGER", "INTERVAL", "INTO", "IS", "LAST", "LIKE",
    "LIMIT", "MAX(", "MIN(", "NOT", "NULL", "NULLIF(", "NULLS", "NUMERIC", "OFFSET", "ON", "OR",
    "ORDER", "PREPARE", "REAL", "RESET", "SELECT", "SET", "SHOW", "SMALLINT", "STDIN", "STDOUT",
    "SUM(", "TABLE", "TEXT", "THEN", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "TO", "TRUE", "VALUES",
    "VARCHAR", "WHEN", "WHERE", "WITH",
};

static const char *const commands[] = {
    "\\!",    "\\?",    "\\C",    "\\a",     "\\cd", "\\conninfo", "\\copy",  "\\d",     "\\dt",
    "\\e",    "\\echo", "\\f",    "\\g",     "\\gset", "\\gx",     "\\h",     "\\i",     "\\o",
    "\\p",    "\\pset", "\\q",    "\\qecho", "\\r",  "\\set",      "\\t",     "\\timing", "\\unset",
    "\\w",    "\\warn", "\\x",
};

typedef struct match_list {
    char       **matches;
    size_t       count;
    const char  *word;
    size_t       word_bytes;
} match_list;

static void list_add(match_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->matches[i], text) == 0)
            return;
    list->matches = qn_sh_realloc(list->matches, (list->count + 2) * sizeof *list->matches);
    list->matches[list->count++] = qn_sh_strdup(text);
    list->matches[list->count]   = NULL;
}

static void list_offer(match_list *list, const char *text)
{
    if (strncasecmp(text, list->word, list->word_bytes) == 0)
        list_add(list, text);
}

/* Keywords come out in the case they were begun in. */
static void list_offer_keyword(match_list *list, const char *keyword)
{
    char *text = qn_sh_strdup(keyword);

    if (list->word_bytes && list->word[0] >= 'a' && list->word[0] <= 'z')
        for (char *p = text; *p; p++)
            *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
    list_offer(list, text);
    free(text);
}

static bool is_plain(const char *name)
{
    if (!qn_sh_is_ident_start((unsigned char)*name))
        return false;
    for (; *name; name++)
        if (!qn_sh_is_ident((unsigned char)*name) || (*name >= 'A' && *name <= 'Z'))
            return false;
    return true;
}

/* Names of the first column of a query. */
static void list_offer_query(match_list *list, qn_sh *sh, const char *sql)
{
    qn_result      *result = qn_sh_select(sh, sql, true);
    const qn_chunk *chunk  = NULL;

    if (!result)
        return;
    while (qn_result_next(result, &chunk, NULL) == QN_OK && chunk) {
        for (uint32_t row = 0; row < qn_chunk_rows(chunk); row++) {
            size_t      bytes = 0;
            const char *text  = qn_chunk_text(chunk, 0, row, &bytes);
            char       *name  = qn_sh_strndup(text ? text : "", text ? bytes : 0);
            qn_sh_buf   shown = {0};

            if (is_plain(name) && list->word[0] != '"') /* a quote once opened is closed */
                qn_sh_buf_puts(&shown, name);
            else
                qn_sh_buf_add_identifier(&shown, name);
            list_offer(list, shown.data);
            qn_sh_buf_free(&shown);
            free(name);
        }
    }
    qn_result_free(result);
}

/* The word before text[end), in lower case: at most 15 characters of it. */
static void word_before(const char *text, size_t end, char out[16])
{
    size_t start;

    while (end && qn_sh_is_space((unsigned char)text[end - 1]))
        end--;
    start = end;
    while (start && (qn_sh_is_ident((unsigned char)text[start - 1]) || text[start - 1] == '\\'))
        start--;
    snprintf(out, 16, "%.*s", (int)(end - start), text + start);
    for (; *out; out++)
        *out = *out >= 'A' && *out <= 'Z' ? (char)(*out + 32) : *out;
}

static bool wants_table(const char *word)
{
    static const char *const before[] = {"from", "into", "table", "copy", "\\d", "\\dt", "\\copy"};

    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        if (strcmp(word, before[i]) == 0)
            return true;
    return false;
}

char **qn_sh_complete(qn_sh *sh, const char *text, size_t cursor, size_t *start)
{
    match_list list = {0};
    char       before[16];

    *start = cursor;
    while (*start && (qn_sh_is_ident((unsigned char)text[*start - 1]) || text[*start - 1] == '"'))
        (*start)--;
    if (*start && text[*start - 1] == '\\')
        (*start)--;
    list.word       = text + *start;
    list.word_bytes = cursor - *start;
    word_before(text, *start, before);
    list.matches = qn_sh_alloc(sizeof *list.matches);
    *list.matches = NULL;
    if (list.word[0] == '\\') {
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
            list_offer(&list, commands[i]);
        return list.matches;
    }
    list_offer_query(&list, sh,
                     "SELECT table_name FROM information_schema.tables "
                     "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1");
    if (wants_table(before))
        return list.matches;
    list_offer_query(&list, sh,
                     "SELECT DISTINCT column_name FROM information_schema.columns "
                     "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1");
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        list_offer_keyword(&list, keywords[i]);
    return list.matches;
}
