/* The kernels for AVX-512 with VBMI: the vocabulary, then the algorithms of kern_body.h.  Compiled with the flags of
 * its level by the root build; empty on machines that have no such level. */
#if defined(__AVX512VBMI__)
#include "kern/vec_avx512.h"
#include "kern/kern_body.h"
#else
typedef int qn_kern_avx512_is_empty;
#endif
