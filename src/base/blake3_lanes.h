/* The body of qn_blake3_128_many: many short strings through BLAKE3, one string per SIMD lane.
 *
 * Included once per instruction set by blake3.c, which defines before:
 *   LANES          lanes of the vector
 *   VEC            a GNU vector of LANES uint32_t
 *   TARGET         the function's target attribute
 *   LANES_FN(x)    gives each build its own function names
 *   ROT16(x) … ROT7(x)   rotations right of every lane
 *   LOAD_BLOCKS(p, take, m)   m[0..15] = the transposed first take[l] (at most 64) bytes at p[l], zero-padded
 * and which undefines them afterwards.
 *
 * A string of up to 1024 bytes is a single chunk: a chain of compressions over 64-byte blocks, the last with
 * flags CHUNK_END and ROOT.  A lane whose string is done takes the next string at once, so mixed lengths
 * keep all lanes busy.  Lanes without work compress an empty block and are ignored. */

#define G_LANES(a, b, c, d, x, y)                                                                  \
    do {                                                                                           \
        a = a + b + x;                                                                             \
        d = ROT16(d ^ a);                                                                          \
        c = c + d;                                                                                 \
        b = ROT12(b ^ c);                                                                          \
        a = a + b + y;                                                                             \
        d = ROT8(d ^ a);                                                                           \
        c = c + d;                                                                                 \
        b = ROT7(b ^ c);                                                                           \
    } while (0)

#define ROUND_LANES(i0, i1, i2, i3, i4, i5, i6, i7, i8, i9, iA, iB, iC, iD, iE, iF)                \
    do {                                                                                           \
        G_LANES(v0, v4, v8, vC, m[i0], m[i1]);                                                     \
        G_LANES(v1, v5, v9, vD, m[i2], m[i3]);                                                     \
        G_LANES(v2, v6, vA, vE, m[i4], m[i5]);                                                     \
        G_LANES(v3, v7, vB, vF, m[i6], m[i7]);                                                     \
        G_LANES(v0, v5, vA, vF, m[i8], m[i9]);                                                     \
        G_LANES(v1, v6, vB, vC, m[iA], m[iB]);                                                     \
        G_LANES(v2, v7, v8, vD, m[iC], m[iD]);                                                     \
        G_LANES(v3, v4, v9, vE, m[iE], m[iF]);                                                     \
    } while (0)

/* One compression in every lane; the chunk counter is 0 throughout. */
TARGET static inline __attribute__((always_inline)) void
LANES_FN(compress)(VEC cv[8], const VEC m[16], VEC block_bytes, VEC flags)
{
    VEC zero = block_bytes ^ block_bytes;
    VEC v0 = cv[0], v1 = cv[1], v2 = cv[2], v3 = cv[3], v4 = cv[4], v5 = cv[5], v6 = cv[6],
        v7 = cv[7];
    VEC v8 = zero + blake3_iv[0], v9 = zero + blake3_iv[1], vA = zero + blake3_iv[2],
        vB = zero + blake3_iv[3];
    VEC vC = zero, vD = zero, vE = block_bytes, vF = flags;

    ROUND_LANES(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    ROUND_LANES(2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8);
    ROUND_LANES(3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1);
    ROUND_LANES(10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6);
    ROUND_LANES(12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4);
    ROUND_LANES(9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7);
    ROUND_LANES(11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13);

    cv[0] = v0 ^ v8;
    cv[1] = v1 ^ v9;
    cv[2] = v2 ^ vA;
    cv[3] = v3 ^ vB;
    cv[4] = v4 ^ vC;
    cv[5] = v5 ^ vD;
    cv[6] = v6 ^ vE;
    cv[7] = v7 ^ vF;
}

TARGET static void LANES_FN(many)(const char *const *data, const uint32_t *bytes, size_t count,
                                  qn_hash128 *out)
{
    const char *at[LANES];   /* next byte of the lane's string */
    uint32_t    left[LANES]; /* bytes not yet compressed */
    uint32_t    take[LANES]; /* bytes of the block at hand */
    size_t      item[LANES]; /* which string; SIZE_MAX: the lane is idle */
    size_t      next = 0;
    unsigned    busy = 0;
    union {
        VEC      v;
        uint32_t u[LANES];
    } start, flags, size, word[4];
    VEC cv[8], iv[8], m[16];
    VEC zero = {0};

    for (int i = 0; i < 8; i++) {
        iv[i] = zero + blake3_iv[i];
        cv[i] = iv[i];
    }
    for (unsigned l = 0; l < LANES; l++) {
        item[l] = SIZE_MAX;
    }
    for (;;) {
        start.v = zero;
        for (unsigned l = 0; l < LANES; l++) {
            if (item[l] == SIZE_MAX) {
                while (next < count && bytes[next] > BLAKE3_CHUNK) {
                    out[next] = qn_blake3_128(data[next], bytes[next]);
                    next++;
                }
                if (next < count) {
                    item[l] = next;
                    at[l] = data[next];
                    left[l] = bytes[next];
                    next++;
                    busy++;
                } else {
                    at[l] = "";
                    left[l] = 0;
                }
                start.u[l] = UINT32_MAX;
            }
            take[l] = left[l] < BLAKE3_BLOCK ? left[l] : BLAKE3_BLOCK;
            flags.u[l] =
                (start.u[l] ? CHUNK_START : 0) | (left[l] <= BLAKE3_BLOCK ? CHUNK_END | ROOT : 0);
            size.u[l] = take[l];
        }
        if (busy == 0) {
            break;
        }
        for (int i = 0; i < 8; i++) {
            cv[i] = (cv[i] & ~start.v) | (iv[i] & start.v);
        }
        LOAD_BLOCKS(at, take, m);
        LANES_FN(compress)(cv, m, size.v, flags.v);
        for (int i = 0; i < 4; i++) {
            word[i].v = cv[i];
        }
        for (unsigned l = 0; l < LANES; l++) {
            at[l] += take[l];
            left[l] -= take[l];
            if (left[l] == 0 && item[l] != SIZE_MAX) {
                out[item[l]].lo = word[0].u[l] | (uint64_t)word[1].u[l] << 32;
                out[item[l]].hi = word[2].u[l] | (uint64_t)word[3].u[l] << 32;
                item[l] = SIZE_MAX;
                busy--;
            }
        }
    }
}

#undef G_LANES
#undef ROUND_LANES
