/* SIMD kernels: one struct of function pointers, chosen once at start.
 *
 * The algorithms are written once in kern_body.h over a small vocabulary (vec_base.h, vec_avx2.h,
 * vec_avx512.h) and compiled per instruction set level.  The base build is the specification: every
 * level gives identical results, and the tests run each against it.
 *
 * Packed integers are a little-endian bit stream: value i occupies bits i*width .. i*width+width-1,
 * counted from bit 0 of byte 0.  Eight values of width w are therefore exactly w bytes, which is what
 * the vector forms rest on.
 *
 * Contract of every kernel
 *   - Pure: pointers and counts in, results out; no allocation, no errors, no locks.
 *   - Packed input may be READ up to QN_KERN_SLACK bytes past its last byte (never used): block files end
 *     in that many spare bytes, and buffers in memory are allocated with them.
 *   - Value arrays are read and written exactly, whatever their alignment.
 *   - Bitmap output writes all of its (count + 63) / 64 words; bits from count on are zero. */
#ifndef QN_KERN_KERN_H
#define QN_KERN_KERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cpu.h"

#define QN_KERN_SLACK 64u

typedef struct qn_kernels {
    qn_isa isa;
    /* out[i] = base + packed[i], modulo 2^32 or 2^64.  width 0..32 and 0..64. */
    void (*unpack32)(const void *packed, unsigned width, uint32_t base, uint32_t *out, size_t count);
    void (*unpack64)(const void *packed, unsigned width, uint64_t base, uint64_t *out, size_t count);
    /* values[i] = start + values[0] + ... + values[i], modulo 2^32 or 2^64. */
    void (*sum32)(uint32_t *values, uint32_t start, size_t count);
    void (*sum64)(uint64_t *values, uint64_t start, size_t count);
    /* out[i] = values[k], where k of the bits 1..i of starts are 1: runs of equal values written out.  values may be
     * read up to 7 beyond the last that is meant. */
    void (*expand_runs)(const uint64_t *starts, const uint32_t *values, uint32_t *out, size_t count);
    /* The largest packed value; 0 when count is 0.  width 0..32. */
    uint32_t (*max_packed)(const void *packed, unsigned width, size_t count);
    /* Bit i of out: lo <= packed[i] <= hi.  width 0..32, lo <= hi. */
    void (*select_range)(const void *packed, unsigned width, uint32_t lo, uint32_t hi, uint64_t *out,
                         size_t count);
    /* Bit i of out: bit base + packed[i] of set is 1.  set holds set_bits bits in whole words and
     * every base + packed[i] is below set_bits.  width 0..32. */
    void (*select_set)(const void *packed, unsigned width, uint32_t base, const uint64_t *set,
                       uint32_t set_bits, uint64_t *out, size_t count);
    /* The same over plain values. */
    void (*range32)(const uint32_t *values, uint32_t lo, uint32_t hi, uint64_t *out, size_t count);
    /* out[i] = table[packed[i]]; width 1..16, and the table has 2^width entries, of which the last may be of any
     * value when no index leads to them. */
    void (*lookup_packed)(const void *packed, unsigned width, const uint32_t *table, uint32_t *out,
                          size_t count);
    /* Smallest and largest value, and how many runs of equal neighbours there are; count > 0. */
    void (*shape32)(const uint32_t *values, size_t count, uint32_t *lo, uint32_t *hi, uint32_t *runs);
    /* Smallest and largest value; count > 0. */
    void (*bounds64)(const uint64_t *values, size_t count, uint64_t *lo, uint64_t *hi);
    /* The positions of the 1 bits of a bitmap of `words` words, each plus base; returns how many.
     * out has room for all of them and nothing more is written. */
    size_t (*bits_to_rows)(const uint64_t *bits, size_t words, uint32_t base, uint32_t *out);
    /* How many bits are 1; the same after keeping only those that are also 1 in mask. */
    size_t (*count_bits)(const uint64_t *bits, size_t words);
    size_t (*and_bits)(uint64_t *bits, const uint64_t *mask, size_t words);
    /* Bit i becomes the exclusive or of bits 0..i of the whole bitmap. */
    void (*xor_bits)(uint64_t *bits, size_t words);
    /* The 1 bits of places[] take the bits of values[] in order, the others are 0: out[] is values spread
     * over places.  values holds a word more than the 1 bits of places need. */
    void (*deposit_bits)(const uint64_t *places, const uint64_t *values, size_t words, uint64_t *out);
    /* XXH3-64 with seed 0: qn_checksum64 at the speed of the level, which the system's library does not use. */
    uint64_t (*checksum64)(const void *data, size_t bytes);
} qn_kernels;

/* The kernels in force: the best this machine offers, unless qn_kernels_force said otherwise. */
const qn_kernels *qn_kernels_get(void);
/* The kernels of one level, NULL when this build or machine does not have them. */
const qn_kernels *qn_kernels_of(qn_isa isa);
/* For settings and tests: use this level from now on; false when it is not available.  Callers in
 * flight finish on the table they hold. */
bool qn_kernels_force(qn_isa isa);

#endif
