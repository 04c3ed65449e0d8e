/* Chooses the kernels over hashed bitmaps: those of the level that kern.c has in force. */
#include "kern/hashed.h"

extern const qn_hashed_kernels qn_hashed_kernels_base;
#if defined(__x86_64__)
extern const qn_hashed_kernels qn_hashed_kernels_avx2;
extern const qn_hashed_kernels qn_hashed_kernels_avx512;
#endif

const qn_hashed_kernels *qn_hashed_kernels_of(qn_isa isa)
{
    if (!qn_kernels_of(isa))
        return NULL;
#if defined(__x86_64__)
    if (isa == QN_ISA_AVX2)
        return &qn_hashed_kernels_avx2;
    if (isa == QN_ISA_AVX512)
        return &qn_hashed_kernels_avx512;
#endif
    return &qn_hashed_kernels_base;
}

const qn_hashed_kernels *qn_hashed_kernels_get(void)
{
    return qn_hashed_kernels_of(qn_kernels_get()->isa);
}
