/* Every level of kernels against plain loops: all lengths 0 to 300, odd alignments, every width.
 *
 * Packed input lives in a buffer whose contents beyond the packed bytes are random, so a kernel
 * that lets the slack leak into a result is noticed; outputs are followed by a guard value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/env.h"
#include "base/hash.h"
#include "kern/kern.h"

#define LENGTH 300u
#define GUARD  0xfeedface12345678ull

static qn_random rnd;

/* Packs bit by bit: slow and obviously right. */
static void pack_slowly(uint8_t *out, const uint64_t *values, size_t count, unsigned width)
{
    for (size_t i = 0; i < count; i++)
        for (unsigned b = 0; b < width; b++) {
            size_t  bit = i * width + b;
            uint8_t one = (uint8_t)(1u << (bit & 7));
            if (values[i] >> b & 1)
                out[bit >> 3] |= one;
            else
                out[bit >> 3] &= (uint8_t)~one;
        }
}

static uint64_t mask_of(unsigned width)
{
    return width >= 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
}

static void random_values(uint64_t *values, size_t count, unsigned width)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t r = qn_random_next(&rnd);
        values[i] = (r & 7) == 0 ? mask_of(width) : (r & 7) == 1 ? 0 : r >> 3 & mask_of(width);
        if (width > 61 && (r & 7) > 1)
            values[i] = qn_random_next(&rnd) & mask_of(width);
    }
}

static bool bit(const uint64_t *bits, size_t i)
{
    return bits[i >> 6] >> (i & 63) & 1;
}

static void check_level(const qn_kernels *k)
{
    size_t    room = LENGTH * 8 + 2 * QN_KERN_SLACK;
    uint8_t  *buffer = malloc(room);
    uint64_t  values[LENGTH], out64[LENGTH + 1], words[LENGTH / 64 + 3];
    uint32_t  out32[LENGTH + 2], table[1024];
    uint64_t *set = malloc((1u << 21) / 8);
    for (size_t i = 0; i < (1u << 21) / 64; i++)
        set[i] = qn_random_next(&rnd);

    for (size_t i = 0; i < QN_COUNTOF(table); i++)
        table[i] = (uint32_t)qn_random_next(&rnd);

    for (unsigned width = 0; width <= 64; width++)
        for (size_t n = 0; n <= LENGTH; n++) {
            size_t   odd = n % 7;
            uint8_t *p = buffer + odd;
            for (size_t i = 0; i < room; i += 8) {
                uint64_t r = qn_random_next(&rnd);
                memcpy(buffer + i, &r, room - i < 8 ? room - i : 8);
            }
            random_values(values, n, width);
            pack_slowly(p, values, n, width);
            uint64_t base = qn_random_next(&rnd);

            out64[n] = GUARD;
            k->unpack64(p, width, base, out64, n);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(out64[i], base + values[i]);
            assert_int_equal(out64[n], GUARD);
            if (width > 32)
                continue;

            uint32_t *o = out32 + odd % 2; /* also not aligned to a vector */
            uint32_t  most = 0;
            o[n] = (uint32_t)GUARD;
            k->unpack32(p, width, (uint32_t)base, o, n);
            for (size_t i = 0; i < n; i++) {
                assert_int_equal(o[i], (uint32_t)(base + values[i]));
                most = values[i] > most ? (uint32_t)values[i] : most;
            }
            assert_int_equal(o[n], (uint32_t)GUARD);
            assert_int_equal(k->max_packed(p, width, n), most);

            /* Ranges: somewhere inside, everything, one value, beyond the width. */
            uint32_t m = (uint32_t)mask_of(width);
            uint32_t a = (uint32_t)qn_random_next(&rnd) & m, b = (uint32_t)qn_random_next(&rnd) & m;
            uint32_t ranges[][2] = {
                {a < b ? a : b, a < b ? b : a}, {0, UINT32_MAX}, {m, m}, {0, 0}, {a, UINT32_MAX},
                {UINT32_MAX, UINT32_MAX}};
            size_t word_count = (n + 63) / 64;
            for (size_t r = 0; r < 6; r++) {
                words[word_count] = GUARD;
                k->select_range(p, width, ranges[r][0], ranges[r][1], words, n);
                for (size_t i = 0; i < word_count * 64; i++)
                    assert_int_equal(bit(words, i), i < n && values[i] >= ranges[r][0] &&
                                                        values[i] <= ranges[r][1]);
                assert_int_equal(words[word_count], GUARD);
            }
            if (width >= 1 && width <= 10) {
                o[n] = (uint32_t)GUARD;
                k->lookup_packed(p, width, table, o, n);
                for (size_t i = 0; i < n; i++)
                    assert_int_equal(o[i], table[values[i]]);
                assert_int_equal(o[n], (uint32_t)GUARD);
            }
            if (width <= 20) {
                uint32_t from = (uint32_t)(base & 0xfffff);
                words[word_count] = GUARD;
                k->select_set(p, width, from, set, 1u << 21, words, n);
                for (size_t i = 0; i < word_count * 64; i++)
                    assert_int_equal(bit(words, i), i < n && bit(set, from + values[i]));
                assert_int_equal(words[word_count], GUARD);

                /* A set that ends where the values do: lanes beyond the last value must not look
                 * further. */
                uint32_t  bits = from % 100 + most + 1;
                uint64_t *exact = malloc((bits + 63) / 64 * 8);
                memcpy(exact, set, (bits + 63) / 64 * 8);
                k->select_set(p, width, from % 100, exact, bits, words, n);
                for (size_t i = 0; i < word_count * 64; i++)
                    assert_int_equal(bit(words, i), i < n && bit(set, from % 100 + values[i]));
                free(exact);
            }
        }
    free(buffer);
    free(set);
}

/* Kernels over plain arrays. */
static void check_plain(const qn_kernels *k)
{
    uint32_t v[LENGTH + 3], rows[LENGTH + 64];
    uint64_t v64[LENGTH], words[LENGTH / 64 + 2];
    for (size_t n = 0; n <= LENGTH; n++)
        for (unsigned spread = 1; spread <= 1024; spread *= 8) {
            uint32_t *p = v + n % 3;
            for (size_t i = 0; i < n; i++) {
                p[i] = (uint32_t)qn_random_below(&rnd, spread);
                v64[i] = qn_random_next(&rnd) >> n % 60;
            }
            uint32_t lo = (uint32_t)qn_random_below(&rnd, spread), hi = lo + spread / 3;
            k->range32(p, lo, hi, words, n);
            for (size_t i = 0; i < (n + 63) / 64 * 64; i++)
                assert_int_equal(bit(words, i), i < n && p[i] >= lo && p[i] <= hi);

            size_t got = k->bits_to_rows(words, (n + 63) / 64, 1000, rows), want = 0;
            for (size_t i = 0; i < n; i++)
                if (bit(words, i))
                    assert_int_equal(rows[want++], 1000 + i);
            assert_int_equal(got, want);

            if (n) {
                uint32_t l, h, runs, wl = p[0], wh = p[0], wr = 1;
                uint64_t l64, h64, wl64 = v64[0], wh64 = v64[0];
                for (size_t i = 1; i < n; i++) {
                    wl = p[i] < wl ? p[i] : wl;
                    wh = p[i] > wh ? p[i] : wh;
                    wr += p[i] != p[i - 1];
                    wl64 = v64[i] < wl64 ? v64[i] : wl64;
                    wh64 = v64[i] > wh64 ? v64[i] : wh64;
                }
                k->shape32(p, n, &l, &h, &runs);
                k->bounds64(v64, n, &l64, &h64);
                assert_int_equal(l, wl);
                assert_int_equal(h, wh);
                assert_int_equal(runs, wr);
                assert_true(l64 == wl64 && h64 == wh64);
            }
            size_t   whole = (n + 63) / 64, ones = 0, both = 0;
            uint64_t mask[LENGTH / 64 + 2], kept[LENGTH / 64 + 2], sums[LENGTH / 64 + 2];
            for (size_t w = 0; w < QN_COUNTOF(mask); w++)
                mask[w] = qn_random_next(&rnd);
            memcpy(kept, words, sizeof kept);
            memcpy(sums, words, sizeof sums);
            kept[whole] = sums[whole] = GUARD;
            for (size_t i = 0; i < whole * 64; i++) {
                ones += bit(words, i);
                both += bit(words, i) && bit(mask, i);
            }
            assert_int_equal(k->count_bits(words, whole), ones);
            assert_int_equal(k->and_bits(kept, mask, whole), both);
            k->xor_bits(sums, whole);
            bool odd = false;
            for (size_t i = 0; i < whole * 64; i++) {
                odd ^= bit(words, i);
                assert_int_equal(bit(kept, i), bit(words, i) && bit(mask, i));
                assert_int_equal(bit(sums, i), odd);
            }
            assert_true(kept[whole] == GUARD && sums[whole] == GUARD);

            uint64_t spread_bits[LENGTH / 64 + 2], source[LENGTH / 64 + 3];
            for (size_t i = 0; i < QN_COUNTOF(source); i++)
                source[i] = qn_random_next(&rnd);
            k->deposit_bits(words, source, (n + 63) / 64, spread_bits);
            for (size_t i = 0, at = 0; i < (n + 63) / 64 * 64; i++)
                assert_int_equal(bit(spread_bits, i), bit(words, i) && bit(source, at++));
        }
}

/* Sums of neighbours, and runs written out. */
static void check_sums(const qn_kernels *k)
{
    uint32_t v[LENGTH + 3], want[LENGTH], values[LENGTH + 8];
    uint64_t v64[LENGTH + 3], want64[LENGTH], starts[LENGTH / 64 + 2];
    for (size_t n = 0; n <= LENGTH; n++)
        for (unsigned rarity = 1; rarity <= 64; rarity *= 4) {
            uint32_t *p = v + n % 3;
            uint64_t *q = v64 + n % 3, start = qn_random_next(&rnd), sum = start;
            for (size_t i = 0; i < n; i++) {
                q[i] = qn_random_next(&rnd);
                p[i] = (uint32_t)q[i];
                want64[i] = sum += q[i];
                want[i] = (uint32_t)sum;
            }
            p[n] = (uint32_t)GUARD;
            k->sum32(p, (uint32_t)start, n);
            assert_int_equal(p[n], (uint32_t)GUARD);
            q[n] = GUARD;
            k->sum64(q, start, n);
            assert_int_equal(q[n], GUARD);
            if (n) {
                assert_memory_equal(p, want, n * 4);
                assert_memory_equal(q, want64, n * 8);
            }

            /* The first row begins a run whether its bit says so or not. */
            for (size_t w = 0; w < QN_COUNTOF(starts); w++)
                starts[w] = 0;
            for (size_t i = 0; i < n; i++)
                if (qn_random_below(&rnd, rarity) == 0)
                    starts[i / 64] |= (uint64_t)1 << i % 64;
            starts[n / 64] |= UINT64_MAX << n % 64; /* beyond the end nothing matters */
            for (size_t i = 0; i < QN_COUNTOF(values); i++)
                values[i] = (uint32_t)qn_random_next(&rnd);
            p[n] = (uint32_t)GUARD;
            k->expand_runs(starts, values, p, n);
            for (size_t i = 0, at = 0; i < n; i++) {
                at += i && bit(starts, i);
                assert_int_equal(p[i], values[at]);
            }
            assert_int_equal(p[n], (uint32_t)GUARD);
        }
}

/* Checksums are those of files that any other machine wrote. */
static void check_checksums(const qn_kernels *k)
{
    uint8_t *bytes = malloc(20000 + 7);
    for (size_t i = 0; i < 20000 + 7; i++)
        bytes[i] = (uint8_t)qn_random_next(&rnd);
    for (size_t n = 0; n <= 20000; n += 1 + n / 50)
        assert_true(k->checksum64(bytes + n % 7, n) == qn_checksum64(bytes + n % 7, n));
    free(bytes);
}

static void test_levels(void **state)
{
    (void)state;
    for (int isa = 0; isa < QN_ISA_COUNT; isa++) {
        const qn_kernels *k = qn_kernels_of((qn_isa)isa);
        if (!k)
            continue; /* this machine does not have it */
        assert_int_equal(k->isa, isa);
        qn_random_seed(&rnd, 42);
        check_level(k);
        check_plain(k);
        check_sums(k);
        check_checksums(k);
    }
}

/* The base level is always there; forcing it takes effect, forcing the best restores the default.
 */
static void test_force(void **state)
{
    (void)state;
    assert_non_null(qn_kernels_of(QN_ISA_BASE));
    assert_true(qn_kernels_force(QN_ISA_BASE));
    assert_ptr_equal(qn_kernels_get(), qn_kernels_of(QN_ISA_BASE));
    assert_true(qn_kernels_force(qn_isa_detect()));
    assert_int_equal(qn_kernels_get()->isa, qn_isa_detect());
    assert_false(qn_kernels_force(QN_ISA_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels), cmocka_unit_test(test_force)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
