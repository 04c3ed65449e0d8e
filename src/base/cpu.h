/* Which instruction set level this machine offers: kernels come in three builds, chosen once. */
#ifndef QN_BASE_CPU_H
#define QN_BASE_CPU_H

typedef enum qn_isa {
    QN_ISA_BASE = 0, /* x86-64 baseline (SSE2), or any other machine */
    QN_ISA_AVX2,     /* AVX2, BMI2, FMA */
    QN_ISA_AVX512,   /* F, BW, DQ, VL, VBMI, VBMI2 */
    QN_ISA_COUNT
} qn_isa;

qn_isa      qn_isa_detect(void);
const char *qn_isa_name(qn_isa isa); /* "base", "avx2", "avx512" */
/* What the processor calls itself, NUL-terminated printable ASCII; "unknown" where it does not say. */
void        qn_cpu_name(char name[64]);

#endif
