/* Error objects: filling them, once.
 *
 * Messages are cut at the capacity of their field, never inside a UTF-8 character, because a message
 * may quote text of any length.
 *
 * Invariants
 *   - An error that is set (status != QN_OK) is never overwritten; details and hints are added once.
 *   - The returned status is always that of the state asked for, even when err is NULL or already set. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

static const struct {
    char        code[6];
    qn_status   status;
    const char *meaning;
} states[QN_SQLSTATE_COUNT] = {
#define X(name, sqlstate, class_status, text) {sqlstate, class_status, text},
    QN_SQLSTATES(X)
#undef X
};

const char *qn_sqlstate_code(qn_sqlstate state)
{
    return (unsigned)state < QN_SQLSTATE_COUNT ? states[state].code : "XX000";
}

const char *qn_sqlstate_meaning(qn_sqlstate state)
{
    return (unsigned)state < QN_SQLSTATE_COUNT ? states[state].meaning : "unknown";
}

/* Cut an unfinished UTF-8 sequence off the end of a truncated text. */
static void trim_partial_character(char *text, size_t bytes)
{
    size_t start = bytes;
    while (start > 0 && bytes - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t        need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (need > bytes - start + 1)
        text[start - 1] = 0;
}

static void print_cut(char *out, size_t capacity, const char *format, va_list args)
{
    int n = vsnprintf(out, capacity, format, args);
    if (n < 0)
        out[0] = 0;
    else if ((size_t)n >= capacity)
        trim_partial_character(out, capacity - 1);
}

static qn_status fail_va(qn_error *err, qn_sqlstate state, int location, const char *format,
                         va_list args)
{
    if ((unsigned)state >= QN_SQLSTATE_COUNT)
        state = QN_SQLSTATE_INTERNAL_ERROR;
    if (err && err->status == QN_OK) {
        qn_error_clear(err);
        err->status = states[state].status;
        memcpy(err->sqlstate, states[state].code, sizeof err->sqlstate);
        if (location >= 0)
            err->position = location + 1;
        print_cut(err->message, sizeof err->message, format, args);
    }
    return states[state].status;
}

qn_status qn_fail(qn_error *err, qn_sqlstate state, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    qn_status st = fail_va(err, state, -1, format, args);
    va_end(args);
    return st;
}

qn_status qn_fail_at(qn_error *err, qn_sqlstate state, int location, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    qn_status st = fail_va(err, state, location, format, args);
    va_end(args);
    return st;
}

void qn_error_detail(qn_error *err, const char *format, ...)
{
    if (!err || err->status == QN_OK || err->detail[0])
        return;
    va_list args;
    va_start(args, format);
    print_cut(err->detail, sizeof err->detail, format, args);
    va_end(args);
}

void qn_error_hint(qn_error *err, const char *format, ...)
{
    if (!err || err->status == QN_OK || err->hint[0])
        return;
    va_list args;
    va_start(args, format);
    print_cut(err->hint, sizeof err->hint, format, args);
    va_end(args);
}

void qn_error_locate(qn_error *err, int location)
{
    if (err && err->status != QN_OK && err->position == 0 && location >= 0)
        err->position = location + 1;
}

void qn_error_clear(qn_error *err)
{
    if (err)
        memset(err, 0, sizeof *err);
}

bool qn_error_is(const qn_error *err, qn_sqlstate state)
{
    return err && err->status != QN_OK && strcmp(err->sqlstate, qn_sqlstate_code(state)) == 0;
}

qn_status qn_nomem(qn_error *err)
{
    return qn_fail(err, QN_SQLSTATE_OUT_OF_MEMORY, "out of memory");
}

qn_status qn_corrupt_at(qn_error *err, const char *file, int line, const char *format, ...)
{
    bool    first = err && err->status == QN_OK;
    va_list args;
    va_start(args, format);
    qn_status st = fail_va(err, QN_SQLSTATE_DATA_CORRUPTED, -1, format, args);
    va_end(args);
    if (first) {
        const char *base = strrchr(file, '/');
        qn_error_detail(err, "Noticed at %s:%d.", base ? base + 1 : file, line);
    }
    return st;
}
