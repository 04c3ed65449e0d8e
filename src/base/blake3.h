/* BLAKE3 at a chosen instruction set: how tests compare the builds of base/blake3.c with each other. */
#ifndef QN_BASE_BLAKE3_H
#define QN_BASE_BLAKE3_H

#include <stdbool.h>
#include "base/cpu.h"
#include "base/hash.h"

/* qn_blake3_128_many by the build for `isa`; false when this machine does not offer it. */
bool qn_blake3_128_many_isa(qn_isa isa, const char *const *data, const uint32_t *bytes, size_t count,
                            qn_hash128 *out);

#endif
