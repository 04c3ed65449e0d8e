/* Assertions.  QN_ASSERT: programmer mistakes, debug builds.  QN_CHECK: always on, stops before damage
 * is written.  QN_NEVER: a defensive branch we believe dead; aborts in debug, is handled in release.
 * Bytes from outside are never trusted by assertion: see qn_corrupt() in error.h. */
#ifndef QN_BASE_ASSERT_H
#define QN_BASE_ASSERT_H

#include <assert.h>
#include <stdbool.h>

_Noreturn void qn_assert_failed(const char *expression, const char *file, int line);

#define QN_CHECK(x) ((x) ? (void)0 : qn_assert_failed(#x, __FILE__, __LINE__))
#ifdef NDEBUG
#define QN_ASSERT(x) ((void)sizeof(x))
#define QN_NEVER(x) (__builtin_expect((bool)(x), 0))
#define QN_UNREACHABLE() __builtin_unreachable()
#else
#define QN_ASSERT(x) QN_CHECK(x)
#define QN_NEVER(x) ((x) ? (qn_assert_failed("never: " #x, __FILE__, __LINE__), true) : false)
#define QN_UNREACHABLE() qn_assert_failed("unreachable", __FILE__, __LINE__)
#endif

#define QN_LIKELY(x) __builtin_expect(!!(x), 1)
#define QN_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define QN_COUNTOF(a) (sizeof(a) / sizeof((a)[0]))

#endif
