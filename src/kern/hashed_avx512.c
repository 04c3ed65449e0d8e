/* Looking values up in a hashed bitmap with AVX-512, sixteen at once.  Empty on machines that have no such level. */
#if defined(__AVX512VBMI__)
#include <immintrin.h>
#include "kern/hashed.h"

#define QN_HASHED_TABLE qn_hashed_kernels_avx512
#define QN_HASHED_ISA   QN_ISA_AVX512
#define GROUP           16u

static inline __m512i product(const uint64_t *values)
{
    return _mm512_mullo_epi64(_mm512_loadu_si512(values), _mm512_set1_epi64((long long)0x9e3779b97f4a7c15ull));
}

static inline uint32_t group_bits(const uint64_t *values, const uint64_t *set, unsigned size)
{
    const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    __m512i       h = _mm512_permutex2var_epi32(product(values), odd, product(values + 8));
    h = _mm512_srl_epi32(h, _mm_cvtsi32_si128((int)(32 - size)));
    __m512i words = _mm512_i32gather_epi32(_mm512_srli_epi32(h, 5), set, 4);
    __m512i bit = _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_and_si512(h, _mm512_set1_epi32(31)));
    return _mm512_test_epi32_mask(words, bit);
}

#include "kern/hashed_body.h"
#else
typedef int qn_hashed_avx512_is_empty;
#endif
