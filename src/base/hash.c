/* XXH3 (Collet, xxHash 0.8) through libxxhash.  BLAKE3 lives in blake3.c. */
#include "base/hash.h"

#include <xxhash.h>

uint64_t qn_hash64(const void *data, size_t bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, bytes, seed);
}

uint64_t qn_checksum64(const void *data, size_t bytes)
{
    return XXH3_64bits(data, bytes);
}
