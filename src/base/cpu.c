/* Detection of instruction sets.  The compiler's builtin also asks whether the system saves the wide
 * registers, so a level that is reported can be used. */
#include "base/cpu.h"

qn_isa qn_isa_detect(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2") ||
        !__builtin_cpu_supports("fma"))
        return QN_ISA_BASE;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2"))
        return QN_ISA_AVX512;
    return QN_ISA_AVX2;
#else
    return QN_ISA_BASE;
#endif
}

const char *qn_isa_name(qn_isa isa)
{
    switch (isa) {
    case QN_ISA_AVX2: return "avx2";
    case QN_ISA_AVX512: return "avx512";
    default: return "base";
    }
}
