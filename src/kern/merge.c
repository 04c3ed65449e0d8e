/* Chooses the merge kernels: those of the level that kern.c has in force. */
#include "kern/merge.h"

extern const qn_merge_kernels qn_merge_kernels_base;
#if defined(__x86_64__)
extern const qn_merge_kernels qn_merge_kernels_avx2;
extern const qn_merge_kernels qn_merge_kernels_avx512;
#endif

const qn_merge_kernels *qn_merge_kernels_of(qn_isa isa)
{
    if (!qn_kernels_of(isa))
        return NULL;
#if defined(__x86_64__)
    if (isa == QN_ISA_AVX2)
        return &qn_merge_kernels_avx2;
    if (isa == QN_ISA_AVX512)
        return &qn_merge_kernels_avx512;
#endif
    return &qn_merge_kernels_base;
}

const qn_merge_kernels *qn_merge_kernels_get(void)
{
    return qn_merge_kernels_of(qn_kernels_get()->isa);
}
