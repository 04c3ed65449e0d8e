/* Reading scripts; the format is in record.h. */
#include "record.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct line {
    const char *text;
    size_t      bytes;
} line;

/* The next line that is no comment; false at the end. */
static bool reader_line(qn_slt_reader *reader, line *out)
{
    while (reader->at < reader->bytes) {
        const char *start = reader->text + reader->at;
        const char *end   = memchr(start, '\n', reader->bytes - reader->at);
        size_t      bytes = end ? (size_t)(end - start) : reader->bytes - reader->at;

        reader->at += bytes + (end != NULL);
        reader->line++;
        if (bytes && start[bytes - 1] == '\r')
            bytes--;
        if (bytes && start[0] == '#')
            continue;
        *out = (line){start, bytes};
        return true;
    }
    return false;
}

static bool line_is_blank(const line *l)
{
    for (size_t i = 0; i < l->bytes; i++)
        if (!isspace((unsigned char)l->text[i]))
            return false;
    return true;
}

/* Take the next word of a header line. */
static bool take_word(line *l, char *out, size_t capacity)
{
    size_t bytes = 0;

    while (l->bytes && isspace((unsigned char)*l->text)) {
        l->text++;
        l->bytes--;
    }
    while (bytes < l->bytes && !isspace((unsigned char)l->text[bytes]))
        bytes++;
    snprintf(out, capacity, "%.*s", (int)(bytes < capacity ? bytes : capacity - 1), l->text);
    l->text += bytes;
    l->bytes -= bytes;
    return bytes > 0;
}

static void take_rest(line *l, char *out, size_t capacity)
{
    while (l->bytes && isspace((unsigned char)*l->text)) {
        l->text++;
        l->bytes--;
    }
    snprintf(out, capacity, "%.*s", (int)(l->bytes < capacity ? l->bytes : capacity - 1), l->text);
}

static void malformed(qn_slt_record *record, const char *why, const char *word)
{
    record->kind = QN_SLT_MALFORMED;
    snprintf(record->message, sizeof record->message, "%s \"%.80s\"", why, word);
}

/* We are both quern and, for what a script asks of it, postgresql. */
static bool is_us(const char *name)
{
    return strcmp(name, "quern") == 0 || strcmp(name, "postgresql") == 0 ||
           strcmp(name, "postgres") == 0;
}

static bool is_sqlstate(const char *word)
{
    if (strlen(word) != 5)
        return false;
    for (; *word; word++)
        if (!isdigit((unsigned char)*word) && !(*word >= 'A' && *word <= 'Z'))
            return false;
    return true;
}

static void parse_statement(line *l, qn_slt_record *record)
{
    char word[64];
    line before;

    if (!take_word(l, word, sizeof word)) {
        malformed(record, "statement without", "ok or error");
    } else if (strcmp(word, "ok") == 0) {
        record->kind = QN_SLT_OK;
    } else if (strcmp(word, "count") == 0) {
        record->kind = QN_SLT_COUNT;
        take_word(l, word, sizeof word);
        record->number = strtoull(word, NULL, 10);
    } else if (strcmp(word, "error") == 0) {
        record->kind = QN_SLT_ERROR;
        before       = *l;
        if (take_word(l, word, sizeof word) && is_sqlstate(word))
            snprintf(record->sqlstate, sizeof record->sqlstate, "%.5s", word);
        else
            *l = before;
        take_rest(l, record->pattern, sizeof record->pattern);
    } else {
        malformed(record, "unknown kind of statement", word);
    }
}

static void parse_query(line *l, qn_slt_record *record)
{
    char word[256];

    record->kind = QN_SLT_QUERY;
    if (!take_word(l, word, sizeof word)) /* no types: no columns */
        return;
    if (strcmp(word, "error") == 0) {
        record->kind = QN_SLT_ERROR;
        take_rest(l, record->pattern, sizeof record->pattern);
        return;
    }
    if (strspn(word, "IRT") != strlen(word)) {
        malformed(record, "unknown column types", word);
        return;
    }
    memcpy(record->types, word, sizeof record->types);
    if (!take_word(l, word, sizeof word))
        return;
    if (strcmp(word, "rowsort") == 0)
        record->sort = QN_SLT_ROWSORT;
    else if (strcmp(word, "valuesort") == 0)
        record->sort = QN_SLT_VALUESORT;
    else if (strcmp(word, "nosort") != 0)
        malformed(record, "unknown sort", word);
    take_word(l, record->label, sizeof record->label);
}

/* Parse a header; false when it was a condition for the record that follows. */
static bool parse_header(line l, qn_slt_record *record)
{
    char word[64], name[64];

    take_word(&l, word, sizeof word);
    if (strcmp(word, "skipif") == 0 || strcmp(word, "onlyif") == 0) {
        take_word(&l, name, sizeof name);
        record->skip |= is_us(name) == (word[0] == 's');
        return false;
    }
    if (strcmp(word, "statement") == 0) {
        parse_statement(&l, record);
    } else if (strcmp(word, "query") == 0) {
        parse_query(&l, record);
    } else if (strcmp(word, "copy") == 0) {
        take_word(&l, name, sizeof name);
        record->kind = strcmp(name, "in") == 0 ? QN_SLT_COPY_IN : QN_SLT_COPY_OUT;
    } else if (strcmp(word, "halt") == 0) {
        record->kind = QN_SLT_HALT;
    } else if (strcmp(word, "hash-threshold") == 0) {
        record->kind = QN_SLT_HASH_THRESHOLD;
        take_word(&l, name, sizeof name);
        record->number = strtoull(name, NULL, 10);
    } else {
        malformed(record, "unknown record", word);
    }
    return true;
}

static void record_reset(qn_slt_record *record)
{
    record->kind        = QN_SLT_END;
    record->skip        = false;
    record->types[0]    = '\0';
    record->sort        = QN_SLT_NOSORT;
    record->label[0]    = '\0';
    record->sqlstate[0] = '\0';
    record->pattern[0]  = '\0';
    record->number      = 0;
    record->message[0]  = '\0';
    qn_slt_text_clear(&record->sql);
    qn_slt_list_clear(&record->expected);
}

void qn_slt_read(qn_slt_reader *reader, qn_slt_record *record)
{
    line l;
    bool have_header = false, in_result = false;

    record_reset(record);
    while (reader_line(reader, &l)) {
        /* Among the values a line of blanks is a value. */
        if (in_result ? l.bytes == 0 : line_is_blank(&l)) {
            if (have_header)
                return;
            continue;
        }
        if (!have_header) {
            have_header  = parse_header(l, record);
            record->line = reader->line;
        } else if (!in_result && l.bytes == 4 && memcmp(l.text, "----", 4) == 0) {
            in_result = true;
        } else if (in_result) {
            qn_slt_list_take(&record->expected, qn_slt_strndup(l.text, l.bytes));
        } else {
            if (record->sql.bytes)
                qn_slt_text_puts(&record->sql, "\n");
            qn_slt_text_add(&record->sql, l.text, l.bytes);
        }
    }
}

void qn_slt_record_free(qn_slt_record *record)
{
    qn_slt_text_free(&record->sql);
    qn_slt_list_free(&record->expected);
}
