/* Detection of instruction sets.  The compiler's builtin also asks whether the system saves the wide
 * registers, so a level that is reported can be used. */
#include "base/cpu.h"

#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

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

void qn_cpu_name(char name[64])
{
    char text[64] = "";
#if defined(__x86_64__)
    uint32_t r[12] = {0};
    if ((unsigned)__get_cpuid_max(0x80000000u, NULL) >= 0x80000004u)
        for (unsigned i = 0; i < 3; i++)
            __get_cpuid(0x80000002u + i, &r[i * 4], &r[i * 4 + 1], &r[i * 4 + 2], &r[i * 4 + 3]);
    memcpy(text, r, sizeof r);
#endif
    size_t n = 0; /* padded with blanks on either side, by some also between words */
    for (const char *p = text; *p; p++)
        if (*p > ' ' && *p < 127)
            name[n++] = *p;
        else if (n && name[n - 1] != ' ')
            name[n++] = ' ';
    while (n && name[n - 1] == ' ')
        n--;
    name[n] = 0;
    if (!n)
        strcpy(name, "unknown");
}
