/* The context through which the engine reaches the world: memory, files, clock, random numbers.
 * Tests replace any of them; nothing in the engine asks the system directly. */
#ifndef QN_BASE_ENV_H
#define QN_BASE_ENV_H

#include "base/alloc.h"

struct qn_vfs;

typedef struct qn_clock {
    void *self;
    int64_t (*wall_micros)(void *self);    /* since 1970-01-01 UTC */
    uint64_t (*monotonic_ns)(void *self);
} qn_clock;

typedef struct qn_random { /* xoshiro256** (Blackman and Vigna 2018); not for secrets; one per thread */
    uint64_t s[4];
} qn_random;

typedef struct qn_env {
    qn_mem        *mem;
    struct qn_vfs *vfs;
    qn_clock       clock;
    qn_random      random; /* seeds others; take under the owner's latch */
} qn_env;

qn_clock qn_clock_system(void);
/* A clock that stands still until the test moves it: wall and monotonic both follow *now_ns. */
qn_clock qn_clock_manual(uint64_t *now_ns);

void     qn_random_seed(qn_random *r, uint64_t seed);
uint64_t qn_random_next(qn_random *r);
uint64_t qn_random_below(qn_random *r, uint64_t bound); /* uniform, bound > 0 */
double   qn_random_unit(qn_random *r);                  /* [0, 1) */

#endif
