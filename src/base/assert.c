/* Where a failed assertion ends: one line on standard error, then abort, so that a core file and a
 * debugger see the frame that is wrong. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void qn_assert_failed(const char *expression, const char *file, int line)
{
    fprintf(stderr, "quern: assertion failed: %s (%s:%d)\n", expression, file, line);
    fflush(stderr);
    abort();
}
