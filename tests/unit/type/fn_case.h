/* Calling catalog functions from tests: a case names a function, its arguments and what PostgreSQL 15
 * answered (database encoding UTF8, locale C).
 *
 *   arguments  "T:text"  "C:char(n)"  "V:varchar"  "I:integer"  "B:t"  "L:bigint"  "NT" NULL text …
 *   expected   "=value" (booleans true, false)   "NULL"   "!22023 message" */
#ifndef QN_TESTS_UNIT_TYPE_FN_CASE_H
#define QN_TESTS_UNIT_TYPE_FN_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "catalog/function.h"

typedef struct fn_case {
    const char *function;
    const char *args[QN_FN_MAX_ARGS]; /* up to the first NULL */
    const char *expected;
} fn_case;

typedef struct fn_args {
    int      count;
    uint8_t  types[QN_FN_MAX_ARGS];
    bool     nulls[QN_FN_MAX_ARGS];
    qn_datum values[QN_FN_MAX_ARGS];
} fn_args;

static inline void fn_args_parse(const fn_case *c, fn_args *out)
{
    memset(out, 0, sizeof *out);
    for (; out->count < QN_FN_MAX_ARGS && c->args[out->count]; out->count++) {
        const char *a = c->args[out->count];
        qn_datum   *v = &out->values[out->count];
        uint8_t    *type = &out->types[out->count];
        bool        null = *a == 'N';

        a += null;
        out->nulls[out->count] = null;
        *type = *a == 'T'   ? QN_TYPE_TEXT
                : *a == 'C' ? QN_TYPE_CHAR
                : *a == 'V' ? QN_TYPE_VARCHAR
                : *a == 'I' ? QN_TYPE_INTEGER
                : *a == 'B' ? QN_TYPE_BOOLEAN
                            : QN_TYPE_BIGINT;
        if (null) {
            continue;
        }
        a += 2;
        switch (*type) {
        case QN_TYPE_INTEGER: v->i32 = (int32_t)strtol(a, NULL, 10); break;
        case QN_TYPE_BIGINT: v->i64 = strtoll(a, NULL, 10); break;
        case QN_TYPE_BOOLEAN: v->b = *a == 't'; break;
        default: v->str = qn_str_of(a, strlen(a)); break;
        }
    }
}

static inline bool fn_accepts(const qn_function *f, const fn_args *args, bool any)
{
    bool variadic = (f->flags & QN_FN_VARIADIC) != 0;

    if (variadic ? args->count < f->argc - 1 : args->count != f->argc) {
        return false;
    }
    for (int i = 0; i < args->count; i++) {
        uint8_t want = f->args[i < f->argc ? i : f->argc - 1];
        if (want != args->types[i] && !(any && want == QN_TYPE_UNKNOWN)) {
            return false;
        }
    }
    return true;
}

/* The function with these argument types in a family: exact types first, then those that take any. */
static inline const qn_function *fn_find(const qn_function_list *list, const char *name,
                                         const fn_args *args)
{
    for (int any = 0; any < 2; any++) {
        for (size_t i = 0; i < list->count; i++) {
            const qn_function *f = &list->functions[i];
            if (strcmp(f->name, name) == 0 && fn_accepts(f, args, any)) {
                return f;
            }
        }
    }
    return NULL;
}

/* Call and describe the outcome in the notation of `expected`. */
static inline qn_status fn_call(const qn_function *f, const fn_args *args, qn_call *call,
                                qn_buf *outcome)
{
    qn_datum  result;
    bool      null = false;
    qn_status st = QN_OK;

    for (int i = 0; i < args->count; i++) {
        null = null || ((f->flags & QN_FN_STRICT) && args->nulls[i]);
    }
    memset(&result, 0xee, sizeof result);
    if (!null) {
        st = f->fn(call, args->values, args->nulls, &result, &null);
    }
    if (st != QN_OK) {
        assert_true(st == QN_NOMEM || (f->flags & QN_FN_CANFAIL));
        qn_buf_printf(outcome, "!%s %s", call->err->sqlstate, call->err->message);
    } else if (null) {
        qn_buf_puts(outcome, "NULL");
    } else if (f->result == QN_TYPE_BOOLEAN) {
        qn_buf_puts(outcome, result.b ? "=true" : "=false");
    } else if (f->result == QN_TYPE_INTEGER) {
        qn_buf_printf(outcome, "=%d", result.i32);
    } else {
        /* The invariants of qn_str: zeros behind an inline text, a prefix before a long one. */
        qn_str again = qn_str_of(qn_str_data(&result.str), result.str.bytes);
        assert_memory_equal(&again, &result.str,
                            result.str.bytes <= QN_STR_INLINE ? sizeof again : 8);
        qn_buf_putc(outcome, '=');
        qn_buf_add(outcome, qn_str_data(&result.str), result.str.bytes);
    }
    return st;
}

static inline void fn_run(const qn_function_list *list, const fn_case *cases, size_t count)
{
    qn_text_settings set = {0};

    for (size_t i = 0; i < count; i++) {
        const fn_case     *c = &cases[i];
        qn_mem             mem;
        qn_arena           arena, cache_arena;
        qn_error           err = {0};
        fn_args            args;
        void              *cache = NULL;
        qn_call            call = {.arena = &arena,
                                   .set = &set,
                                   .cache = &cache,
                                   .cache_arena = &cache_arena,
                                   .err = &err};
        const qn_function *f;
        qn_buf             outcome;

        qn_mem_init(&mem, NULL, 0);
        qn_arena_init(&arena, &mem);
        qn_arena_init(&cache_arena, &mem);
        qn_buf_init(&outcome, &mem);
        fn_args_parse(c, &args);
        call.argc = args.count;
        call.arg_types = args.types;
        f = fn_find(list, c->function, &args);
        if (!f) {
            fail_msg("no function %s for case %zu", c->function, i);
        } else {
            (void)fn_call(f, &args, &call, &outcome);
            if (strcmp(outcome.data, c->expected) != 0) {
                fail_msg("case %zu, %s(%s, %s): expected %s, got %s", i, c->function, c->args[0],
                         c->args[1] ? c->args[1] : "", c->expected, outcome.data);
            }
        }
        qn_buf_deinit(&outcome);
        qn_arena_deinit(&cache_arena);
        qn_arena_deinit(&arena);
        qn_mem_deinit(&mem); /* asserts that nothing is left */
    }
}

/* Fail the n-th allocation for n = 1, 2, … until the call succeeds: each time 53200 and nothing left. */
static inline void fn_fail_allocations(const qn_function_list *list, const fn_case *c)
{
    qn_text_settings set = {0};
    bool             done = false;

    for (uint64_t n = 1; !done; n++) {
        qn_mem             mem, plain;
        qn_arena           arena, cache_arena;
        qn_error           err = {0};
        fn_args            args;
        void              *cache = NULL;
        qn_call            call = {.arena = &arena,
                                   .set = &set,
                                   .cache = &cache,
                                   .cache_arena = &cache_arena,
                                   .err = &err};
        const qn_function *f;
        qn_buf             outcome;
        qn_status          st;

        qn_mem_init(&plain, NULL, 0);
        qn_mem_init(&mem, NULL, 0);
        atomic_store(&mem.fail_at, n);
        qn_arena_init(&arena, &mem);
        qn_arena_init(&cache_arena, &mem);
        qn_buf_init(&outcome, &plain);
        fn_args_parse(c, &args);
        call.argc = args.count;
        call.arg_types = args.types;
        f = fn_find(list, c->function, &args);
        assert_non_null(f);
        st = fn_call(f, &args, &call, &outcome);
        if (atomic_load(&mem.requests) < n) {
            assert_string_equal(outcome.data, c->expected);
            done = true;
        } else if (st != QN_OK) {
            assert_int_equal(st, QN_NOMEM);
            assert_string_equal(err.sqlstate, "53200");
        } else { /* something that may do without, such as the JIT */
            assert_string_equal(outcome.data, c->expected);
        }
        qn_buf_deinit(&outcome);
        qn_arena_deinit(&cache_arena);
        qn_arena_deinit(&arena);
        qn_mem_deinit(&mem);
        qn_mem_deinit(&plain);
    }
}

#endif
