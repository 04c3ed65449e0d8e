/* Clocks and random numbers of the engine's context. */
#include "base/env.h"

#include <time.h>

static int64_t system_wall_micros(void *self)
{
    (void)self;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t system_monotonic_ns(void *self)
{
    (void)self;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

qn_clock qn_clock_system(void)
{
    return (qn_clock){NULL, system_wall_micros, system_monotonic_ns};
}

/* The test may move the hand while workers read it. */
static uint64_t manual_monotonic_ns(void *self)
{
    return __atomic_load_n((const uint64_t *)self, __ATOMIC_RELAXED);
}

static int64_t manual_wall_micros(void *self)
{
    return (int64_t)(manual_monotonic_ns(self) / 1000);
}

qn_clock qn_clock_manual(uint64_t *now_ns)
{
    return (qn_clock){now_ns, manual_wall_micros, manual_monotonic_ns};
}

/* splitmix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014) spreads
 * the seed, so that seeds 0, 1, 2 give unrelated streams and the state is never all zero. */
void qn_random_seed(qn_random *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z          = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z          = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        r->s[i]    = z ^ (z >> 31);
    }
}

static uint64_t rotate_left(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t qn_random_next(qn_random *r)
{
    uint64_t result  = rotate_left(r->s[1] * 5, 7) * 9;
    uint64_t shifted = r->s[1] << 17;
    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= shifted;
    r->s[3] = rotate_left(r->s[3], 45);
    return result;
}

/* Multiply and reject (Lemire, "Fast Random Integer Generation in an Interval", 2019). */
uint64_t qn_random_below(qn_random *r, uint64_t bound)
{
    unsigned __int128 product = (unsigned __int128)qn_random_next(r) * bound;
    if ((uint64_t)product < bound) {
        uint64_t threshold = -bound % bound;
        while ((uint64_t)product < threshold)
            product = (unsigned __int128)qn_random_next(r) * bound;
    }
    return (uint64_t)(product >> 64);
}

double qn_random_unit(qn_random *r)
{
    return (double)(qn_random_next(r) >> 11) * 0x1.0p-53;
}
