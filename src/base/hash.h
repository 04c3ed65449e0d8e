/* Hashes: xxh3 for tables and checksums, BLAKE3 for the identity of strings. */
#ifndef QN_BASE_HASH_H
#define QN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t qn_hash64(const void *data, size_t bytes, uint64_t seed); /* XXH3 */
uint64_t qn_checksum64(const void *data, size_t bytes);            /* XXH3, seed 0: file sections */

typedef struct qn_hash128 {
    uint64_t lo, hi;
} qn_hash128;

/* The first 16 bytes of BLAKE3 (O'Connor, Aumasson, Neves, Wilcox-O'Hearn 2020) of one string. */
qn_hash128 qn_blake3_128(const void *data, size_t bytes);
/* Many strings at once, side by side in SIMD lanes; same results. */
void qn_blake3_128_many(const char *const *data, const uint32_t *bytes, size_t count, qn_hash128 *out);
/* The full 32-byte digest, for the official test vectors. */
void qn_blake3(const void *data, size_t bytes, uint8_t out[32]);

/* Finalizer of MurmurHash3 (Appleby 2011): a bijection on 64 bits. */
static inline uint64_t qn_mix64(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdull;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53ull;
    return x ^ (x >> 33);
}

#endif
