/* Chooses the kernels: once at the first call, by what the processor offers, or as a setting says.
 *
 * The choice is one atomic pointer.  The first callers may race; they all store the same answer. */
#include "kern/kern.h"

#include <stdatomic.h>

extern const qn_kernels qn_kernels_base;
#if defined(__x86_64__)
extern const qn_kernels qn_kernels_avx2;
extern const qn_kernels qn_kernels_avx512;
#endif

/* Written by qn_kernels_force and the first qn_kernels_get; the tables themselves are constant, so
 * relaxed order is enough. */
static _Atomic(const qn_kernels *) chosen;

const qn_kernels *qn_kernels_of(qn_isa isa)
{
    if (isa == QN_ISA_BASE)
        return &qn_kernels_base;
#if defined(__x86_64__)
    if (isa > qn_isa_detect())
        return NULL;
    if (isa == QN_ISA_AVX2)
        return &qn_kernels_avx2;
    if (isa == QN_ISA_AVX512)
        return &qn_kernels_avx512;
#endif
    return NULL;
}

const qn_kernels *qn_kernels_get(void)
{
    const qn_kernels *k = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (k)
        return k;
    k = qn_kernels_of(qn_isa_detect());
    if (!k)
        k = &qn_kernels_base;
    atomic_store_explicit(&chosen, k, memory_order_relaxed);
    return k;
}

bool qn_kernels_force(qn_isa isa)
{
    const qn_kernels *k = qn_kernels_of(isa);
    if (!k)
        return false;
    atomic_store_explicit(&chosen, k, memory_order_relaxed);
    return true;
}
