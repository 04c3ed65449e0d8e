/* The kernels for AVX2, BMI2 and FMA: the vocabulary, then the algorithms of kern_body.h.  Compiled with the flags of
 * its level by the root build; empty on machines that have no such level. */
#if defined(__AVX2__)
#include "kern/vec_avx2.h"
#include "kern/kern_body.h"
#else
typedef int qn_kern_avx2_is_empty;
#endif
