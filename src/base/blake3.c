/* BLAKE3, written from its specification (O'Connor, Aumasson, Neves, Wilcox-O'Hearn: "BLAKE3: one function,
 * fast everywhere", 2020); plain hash mode only.
 *
 * Input is cut into chunks of 1024 bytes, a chunk into blocks of 64 bytes that are compressed in a chain.
 * Chunk chaining values are joined by a binary tree whose left subtrees are full.  The chaining values of
 * finished left subtrees wait on a stack; after chunk number n (from 1) as many are joined as n has
 * trailing zero bits.  The last compression of all carries the flag ROOT, so it is held back.
 *
 * qn_blake3_128_many is what grinding calls: a short string costs one to three compressions, which alone
 * take about a hundred nanoseconds each, so eight (AVX2) or sixteen (AVX-512) strings go side by side.
 *
 * Not here: keyed hashing, key derivation, output beyond 32 bytes, and lanes inside one long input. */
#include "base/blake3.h"

#include <stdatomic.h>
#include <string.h>

#define BLAKE3_BLOCK 64u
#define BLAKE3_CHUNK 1024u
#define BLAKE3_DEPTH 54 /* 2^64 bytes are 2^54 chunks */

enum { CHUNK_START = 1, CHUNK_END = 2, PARENT = 4, ROOT = 8 };

static const uint32_t blake3_iv[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

/* Which message word each round takes: the specification's permutation applied 0 to 6 times. */
static const uint8_t blake3_schedule[7][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1},
    {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4},
    {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13},
};

static inline uint32_t load32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void store32(uint8_t *p, uint32_t x)
{
    p[0] = (uint8_t)x;
    p[1] = (uint8_t)(x >> 8);
    p[2] = (uint8_t)(x >> 16);
    p[3] = (uint8_t)(x >> 24);
}

static inline uint32_t rotr(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static inline void mix(uint32_t v[16], int a, int b, int c, int d, uint32_t x, uint32_t y)
{
    v[a] += v[b] + x;
    v[d] = rotr(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotr(v[b] ^ v[c], 12);
    v[a] += v[b] + y;
    v[d] = rotr(v[d] ^ v[a], 8);
    v[c] += v[d];
    v[b] = rotr(v[b] ^ v[c], 7);
}

/* cv = first half of the compression of one block, zero-padded by the caller to 64 bytes. */
static void compress(uint32_t cv[8], const uint8_t block[BLAKE3_BLOCK], uint64_t counter,
                     uint32_t bytes, uint32_t flags)
{
    uint32_t m[16], v[16];

    for (int i = 0; i < 16; i++) {
        m[i] = load32(block + i * 4);
    }
    memcpy(v, cv, 32);
    memcpy(v + 8, blake3_iv, 16);
    v[12] = (uint32_t)counter;
    v[13] = (uint32_t)(counter >> 32);
    v[14] = bytes;
    v[15] = flags;
    for (int r = 0; r < 7; r++) {
        const uint8_t *s = blake3_schedule[r];
        mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
        mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
        mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
        mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
        mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
        mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
        mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
        mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (int i = 0; i < 8; i++) {
        cv[i] = v[i] ^ v[i + 8];
    }
}

/* Chaining value of one chunk of at most 1024 bytes; `last` flags go to its final block. */
static void chunk_cv(const uint8_t *p, size_t bytes, uint64_t counter, uint32_t last,
                     uint32_t cv[8])
{
    uint8_t  tail[BLAKE3_BLOCK] = {0};
    uint32_t flags = CHUNK_START;

    memcpy(cv, blake3_iv, 32);
    while (bytes > BLAKE3_BLOCK) {
        compress(cv, p, counter, BLAKE3_BLOCK, flags);
        p += BLAKE3_BLOCK;
        bytes -= BLAKE3_BLOCK;
        flags = 0;
    }
    if (bytes) {
        memcpy(tail, p, bytes);
    }
    compress(cv, tail, counter, (uint32_t)bytes, flags | CHUNK_END | last);
}

/* right = parent of (left, right). */
static void join(const uint32_t left[8], uint32_t right[8], uint32_t flags)
{
    uint8_t block[BLAKE3_BLOCK];

    for (int i = 0; i < 8; i++) {
        store32(block + i * 4, left[i]);
        store32(block + 32 + i * 4, right[i]);
    }
    memcpy(right, blake3_iv, 32);
    compress(right, block, 0, BLAKE3_BLOCK, PARENT | flags);
}

static void hash_words(const void *data, size_t bytes, uint32_t cv[8])
{
    uint32_t       stack[BLAKE3_DEPTH][8];
    int            depth = 0;
    uint64_t       chunk = 0;
    const uint8_t *p = data;

    if (bytes <= BLAKE3_CHUNK) {
        chunk_cv(p, bytes, 0, ROOT, cv);
        return;
    }
    while (bytes > BLAKE3_CHUNK) {
        chunk_cv(p, BLAKE3_CHUNK, chunk++, 0, cv);
        for (uint64_t n = chunk; (n & 1) == 0; n >>= 1) {
            join(stack[--depth], cv, 0);
        }
        memcpy(stack[depth++], cv, 32);
        p += BLAKE3_CHUNK;
        bytes -= BLAKE3_CHUNK;
    }
    chunk_cv(p, bytes, chunk, 0, cv);
    while (depth > 0) {
        depth--;
        join(stack[depth], cv, depth == 0 ? ROOT : 0);
    }
}

void qn_blake3(const void *data, size_t bytes, uint8_t out[32])
{
    uint32_t cv[8];

    hash_words(data, bytes, cv);
    for (int i = 0; i < 8; i++) {
        store32(out + i * 4, cv[i]);
    }
}

qn_hash128 qn_blake3_128(const void *data, size_t bytes)
{
    uint32_t cv[8];

    hash_words(data, bytes, cv);
    return (qn_hash128){cv[0] | (uint64_t)cv[1] << 32, cv[2] | (uint64_t)cv[3] << 32};
}

#if defined(__x86_64__)
#include <immintrin.h>

typedef uint32_t u32x8 __attribute__((vector_size(32)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));

/* ---- eight lanes of AVX2 ---- */

#define AVX2 __attribute__((target("avx2")))

/* Transpose an 8 × 8 matrix of words: r[i] word j becomes r[j] word i. */
AVX2 static inline void transpose8(__m256i r[8])
{
    __m256i a[8], b[8];

    for (int i = 0; i < 8; i += 2) {
        a[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
        a[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        b[i] = _mm256_unpacklo_epi64(a[i], a[i + 2]);
        b[i + 1] = _mm256_unpackhi_epi64(a[i], a[i + 2]);
        b[i + 2] = _mm256_unpacklo_epi64(a[i + 1], a[i + 3]);
        b[i + 3] = _mm256_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x20);
        r[i + 4] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x31);
    }
}

/* A block shorter than 64 bytes is copied first: reading past a string's end could touch an unmapped page. */
AVX2 static inline void load_avx2(const char *const p[8], const uint32_t take[8], u32x8 m[16])
{
    char    pad[8][BLAKE3_BLOCK];
    __m256i lo[8], hi[8];

    for (int l = 0; l < 8; l++) {
        const char *q = p[l];
        if (take[l] < BLAKE3_BLOCK) {
            memset(pad[l], 0, BLAKE3_BLOCK);
            memcpy(pad[l], q, take[l]);
            q = pad[l];
        }
        lo[l] = _mm256_loadu_si256((const __m256i *)(const void *)q);
        hi[l] = _mm256_loadu_si256((const __m256i *)(const void *)(q + 32));
    }
    transpose8(lo);
    transpose8(hi);
    for (int i = 0; i < 8; i++) {
        m[i] = (u32x8)lo[i];
        m[i + 8] = (u32x8)hi[i];
    }
}

AVX2 static inline u32x8 rot16_avx2(u32x8 x)
{
    const __m256i by = _mm256_setr_epi8(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13, 2, 3,
                                        0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    return (u32x8)_mm256_shuffle_epi8((__m256i)x, by);
}

AVX2 static inline u32x8 rot8_avx2(u32x8 x)
{
    const __m256i by = _mm256_setr_epi8(1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12, 1, 2,
                                        3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
    return (u32x8)_mm256_shuffle_epi8((__m256i)x, by);
}

#define LANES       8u
#define VEC         u32x8
#define TARGET      AVX2
#define LANES_FN(x) x##_avx2
#define ROT16(x)    rot16_avx2(x)
#define ROT12(x)    (((x) >> 12) | ((x) << 20))
#define ROT8(x)     rot8_avx2(x)
#define ROT7(x)     (((x) >> 7) | ((x) << 25))
#define LOAD_BLOCKS load_avx2
#include "base/blake3_lanes.h"
#undef LANES
#undef VEC
#undef TARGET
#undef LANES_FN
#undef ROT16
#undef ROT12
#undef ROT8
#undef ROT7
#undef LOAD_BLOCKS

/* ---- sixteen lanes of AVX-512 ---- */

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,bmi2")))

/* Masked loads never touch bytes beyond a string, so nothing is copied. */
AVX512 static inline void load_avx512(const char *const p[16], const uint32_t take[16],
                                      u32x16 m[16])
{
    __m512i r[16], a[16];

    for (int l = 0; l < 16; l++) {
        r[l] = _mm512_maskz_loadu_epi8(_bzhi_u64(~0ull, take[l]), p[l]);
    }
    for (int i = 0; i < 16; i += 2) {
        a[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_unpacklo_epi64(a[i], a[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(a[i + 1], a[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
    /* Now r[4g + j] holds, for strings 4g … 4g+3, words j, 4+j, 8+j, 12+j in its four quarters. */
    for (int j = 0; j < 4; j++) {
        a[j] = _mm512_shuffle_i32x4(r[j], r[4 + j], 0x88);     /* quarters 0 and 2 of g = 0, 1 */
        a[4 + j] = _mm512_shuffle_i32x4(r[j], r[4 + j], 0xdd); /* quarters 1 and 3 */
        a[8 + j] = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0x88);
        a[12 + j] = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0xdd);
    }
    for (int j = 0; j < 4; j++) {
        m[j] = (u32x16)_mm512_shuffle_i32x4(a[j], a[8 + j], 0x88);
        m[8 + j] = (u32x16)_mm512_shuffle_i32x4(a[j], a[8 + j], 0xdd);
        m[4 + j] = (u32x16)_mm512_shuffle_i32x4(a[4 + j], a[12 + j], 0x88);
        m[12 + j] = (u32x16)_mm512_shuffle_i32x4(a[4 + j], a[12 + j], 0xdd);
    }
}

#define LANES       16u
#define VEC         u32x16
#define TARGET      AVX512
#define LANES_FN(x) x##_avx512
#define ROT16(x)    ((u32x16)_mm512_ror_epi32((__m512i)(x), 16))
#define ROT12(x)    ((u32x16)_mm512_ror_epi32((__m512i)(x), 12))
#define ROT8(x)     ((u32x16)_mm512_ror_epi32((__m512i)(x), 8))
#define ROT7(x)     ((u32x16)_mm512_ror_epi32((__m512i)(x), 7))
#define LOAD_BLOCKS load_avx512
#include "base/blake3_lanes.h"
#undef LANES
#undef VEC
#undef TARGET
#undef LANES_FN
#undef ROT16
#undef ROT12
#undef ROT8
#undef ROT7
#undef LOAD_BLOCKS
#endif

static void many_base(const char *const *data, const uint32_t *bytes, size_t count, qn_hash128 *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = qn_blake3_128(data[i], bytes[i]);
    }
}

bool qn_blake3_128_many_isa(qn_isa isa, const char *const *data, const uint32_t *bytes,
                            size_t count, qn_hash128 *out)
{
    if (isa > qn_isa_detect()) {
        return false;
    }
#if defined(__x86_64__)
    if (isa == QN_ISA_AVX512) {
        many_avx512(data, bytes, count, out);
        return true;
    }
    if (isa == QN_ISA_AVX2) {
        many_avx2(data, bytes, count, out);
        return true;
    }
#endif
    many_base(data, bytes, count, out);
    return true;
}

void qn_blake3_128_many(const char *const *data, const uint32_t *bytes, size_t count,
                        qn_hash128 *out)
{
    /* Detection is cheap and idempotent; remembering it here avoids even that per call.  Any thread may
     * store the same value, so relaxed order is enough. */
    static _Atomic int known; /* 0: not yet, else isa + 1 */
    int                isa = atomic_load_explicit(&known, memory_order_relaxed) - 1;

    if (isa < 0) {
        isa = (int)qn_isa_detect();
        atomic_store_explicit(&known, isa + 1, memory_order_relaxed);
    }
    (void)qn_blake3_128_many_isa((qn_isa)isa, data, bytes, count, out);
}
