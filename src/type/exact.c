/* Exact accumulation of doubles: see exact.h.
 *
 * A double is an integer of 53 bits times a power of two, a product of two one of 106 bits; neither needs
 * rounding, so integers do all the work and fma's underflow never matters.
 *
 * Invariants
 *   - wide == NULL: the sum is sum * 2^exponent.
 *   - wide limbs are signed 64-bit with 32 bits of weight each; at most 2^30 additions lie between two
 *     normalisations, so no limb overflows.
 *   - Rounding looks at the exact value only, never at how it is represented. */
#include "type/exact.h"

#include <math.h>
#include "base/assert.h"

#define LIMBS 144
#define LOWEST (-2176) /* exponent of limb 0; products of subnormals reach down to 2^-2148 */
#define PENDING_LIMIT (UINT32_C(1) << 30)

struct qn_exact_wide {
    int64_t  limb[LIMBS];
    uint32_t pending;
};

enum { SEEN_NAN = 1, SEEN_INF = 2, SEEN_NEG_INF = 4, SEEN_NEG_ZERO = 8, SEEN_OTHER = 16, SPECIAL = 7 };

void qn_exact_init(qn_exact *e) { memset(e, 0, sizeof *e); }
void qn_exact_deinit(qn_exact *e, qn_mem *mem)
{
    if (e->wide)
        qn_free(mem, e->wide, sizeof *e->wide);
    qn_exact_init(e);
}

/* ---- the wide form ----------------------------------------------------------------------------- */

static void wide_normalise(qn_exact_wide *w)
{
    for (int i = 0; i + 1 < LIMBS; i++) {
        w->limb[i + 1] += w->limb[i] >> 32;
        w->limb[i] &= 0xffffffff;
    }
    w->pending = 0;
}
static void wide_add(qn_exact_wide *w, qn_i128 v, int exponent)
{
    int     at = (exponent - LOWEST) / 32, shift = (exponent - LOWEST) % 32;
    qn_u128 m = v < 0 ? -(qn_u128)v : (qn_u128)v;
    QN_ASSERT(exponent >= LOWEST && at + 5 < LIMBS);
    if (w->pending >= PENDING_LIMIT)
        wide_normalise(w);
    w->pending++;
    /* 128 bits shifted by up to 31: five pieces. */
    uint64_t piece = (uint64_t)(m & 0xffffffff) << shift, carry = 0;
    for (int i = 0; i < 5; i++) {
        uint64_t low = (piece & 0xffffffff) | carry;
        w->limb[at + i] += v < 0 ? -(int64_t)low : (int64_t)low;
        carry = piece >> 32;
        m >>= 32;
        piece = (uint64_t)(m & 0xffffffff) << shift;
    }
}
static bool promote(qn_exact *e, qn_mem *mem)
{
    qn_exact_wide *w = qn_alloc0(mem, sizeof *w);
    if (!w)
        return false;
    if (e->sum)
        wide_add(w, e->sum, e->exponent);
    e->wide = w;
    e->sum = 0;
    return true;
}

/* ---- through a file -------------------------------------------------------------------------------- */

size_t qn_exact_packed_bytes(const qn_exact *e) { return e->wide ? sizeof *e->wide : 0; }

void qn_exact_pack(const qn_exact *e, void *out)
{
    if (e->wide)
        memcpy(out, e->wide, sizeof *e->wide);
}

bool qn_exact_unpack(qn_exact *e, qn_mem *mem, const void *data)
{
    if (!e->wide)
        return true;
    e->wide = qn_alloc(mem, sizeof *e->wide);
    if (e->wide)
        memcpy(e->wide, data, sizeof *e->wide);
    return e->wide != NULL;
}

/* ---- adding -------------------------------------------------------------------------------------- */

static int bit_length(qn_u128 v)
{
    uint64_t hi = (uint64_t)(v >> 64), lo = (uint64_t)v;
    return hi ? 128 - __builtin_clzll(hi) : lo ? 64 - __builtin_clzll(lo) : 0;
}
static int magnitude_bits(qn_i128 v) { return bit_length(v < 0 ? -(qn_u128)v : (qn_u128)v); }

/* Drop the trailing zero bits that stand between v and a coarser exponent. */
static void strip_zeros(qn_i128 *v, int *exponent, int wanted)
{
    uint64_t lo = (uint64_t)*v;
    int      zeros = lo ? __builtin_ctzll(lo) : 64;
    int      n = wanted - *exponent < zeros ? wanted - *exponent : zeros;
    *v >>= n;
    *exponent += n;
}

/* Add v * 2^exponent, v not zero. */
static bool add_scaled(qn_exact *e, qn_mem *mem, qn_i128 v, int exponent)
{
    if (!e->wide) {
        if (e->sum == 0)
            e->exponent = exponent;
        if (exponent < e->exponent)
            strip_zeros(&v, &exponent, e->exponent);
        int down = e->exponent - exponent;
        if (down > 0 && magnitude_bits(e->sum) + down <= 126) {
            e->sum = (qn_i128)((qn_u128)e->sum << down);
            e->exponent = exponent;
            down = 0;
        }
        qn_i128 sum;
        if (down <= 0 && magnitude_bits(v) - down <= 126 &&
            !__builtin_add_overflow(e->sum, (qn_i128)((qn_u128)v << -down), &sum)) {
            e->sum = sum;
            return true;
        }
        if (!promote(e, mem))
            return false;
    }
    wide_add(e->wide, v, exponent);
    return true;
}

/* A finite double as integer and exponent. */
static int64_t split(double x, int *exponent)
{
    uint64_t bits;
    memcpy(&bits, &x, 8);
    int     biased = (int)(bits >> 52 & 0x7ff);
    int64_t m = (int64_t)(bits & ((UINT64_C(1) << 52) - 1));
    if (biased)
        m |= INT64_C(1) << 52;
    *exponent = (biased ? biased : 1) - 1075;
    return (int64_t)bits < 0 ? -m : m;
}
static uint8_t flag_of(double x)
{
    if (isnan(x))
        return SEEN_NAN;
    if (isinf(x))
        return x > 0 ? SEEN_INF : SEEN_NEG_INF;
    return x == 0 && signbit(x) ? SEEN_NEG_ZERO : SEEN_OTHER;
}

bool qn_exact_add(qn_exact *e, qn_mem *mem, double x)
{
    uint8_t flag = flag_of(x);
    if (!(flag & SPECIAL) && x != 0) {
        int     exponent;
        int64_t m = split(x, &exponent);
        int     up = exponent - e->exponent;
        qn_i128 sum;
        if (!e->wide && up >= 0 && up <= 73 && /* the common case: 53 + 73 bits fit */
            !__builtin_add_overflow(e->sum, (qn_i128)((qn_u128)(qn_i128)m << up), &sum))
            e->sum = sum;
        else if (!add_scaled(e, mem, m, exponent))
            return false;
    }
    e->flags |= flag;
    return true;
}

bool qn_exact_add_times(qn_exact *e, qn_mem *mem, double x, uint64_t times)
{
    uint8_t flag = flag_of(x);
    if (times == 0)
        return true;
    if (!(flag & SPECIAL) && x != 0) {
        int     exponent;
        qn_i128 m = split(x, &exponent);
        if (!add_scaled(e, mem, m * (qn_i128)times, exponent)) /* 53 + 64 bits */
            return false;
    }
    e->flags |= flag;
    return true;
}

bool qn_exact_add_product_times(qn_exact *e, qn_mem *mem, double x, double y, uint64_t times)
{
    if (times == 0)
        return true;
    bool    finite = isfinite(x) && isfinite(y);
    bool    zero = finite && (x == 0 || y == 0);
    uint8_t flag = flag_of(finite && !zero ? 1.0 : x * y); /* a tiny product is no zero */
    if (finite && !zero) {
        int     a, b;
        qn_i128 m = (qn_i128)split(x, &a) * split(y, &b); /* 106 bits */
        if (times == 1)
            return add_scaled(e, mem, m, a + b) ? (e->flags |= flag, true) : false;
        /* 106 + 20 bits at a time.  All pieces or none: the wide form, once there, cannot fail. */
        if (!e->wide && !promote(e, mem))
            return false;
        for (int shift = 0; times; shift += 20, times >>= 20) {
            if (times & 0xfffff)
                wide_add(e->wide, m * (qn_i128)(times & 0xfffff), a + b + shift);
        }
    }
    e->flags |= flag;
    return true;
}
bool qn_exact_add_product(qn_exact *e, qn_mem *mem, double x, double y)
{
    return qn_exact_add_product_times(e, mem, x, y, 1);
}

bool qn_exact_merge(qn_exact *e, qn_mem *mem, const qn_exact *from)
{
    if (from->wide) {
        if (!e->wide && !promote(e, mem))
            return false;
        qn_exact_wide copy = *from->wide;
        wide_normalise(&copy);
        wide_normalise(e->wide);
        for (int i = 0; i < LIMBS; i++)
            e->wide->limb[i] += copy.limb[i];
        wide_normalise(e->wide);
    } else if (from->sum) {
        if (!add_scaled(e, mem, from->sum, from->exponent))
            return false;
    }
    e->flags |= from->flags;
    return true;
}

/* ---- rounding -------------------------------------------------------------------------------------- */

typedef struct float_format {
    int precision, lowest; /* bits of the significand; exponent of the smallest step */
} float_format;
static const float_format binary64 = {53, -1074}, binary32 = {24, -149};

/* m * 2^exponent plus something smaller than its last bit when sticky, to nearest even.  Needs
 * bit_length(m) > precision + 1 when sticky. */
static double round_scaled(qn_u128 m, bool sticky, int exponent, bool negative, float_format format)
{
    int bits = bit_length(m);
    if (bits == 0)
        return 0;
    int lsb = bits - format.precision + exponent;
    if (lsb < format.lowest)
        lsb = format.lowest;
    int shift = lsb - exponent;
    if (shift > 128) {
        m = 0;
    } else if (shift == 128) { /* the half itself is the top bit */
        m = m > (qn_u128)1 << 127 || (m == (qn_u128)1 << 127 && sticky);
    } else if (shift > 0) {
        qn_u128 rest = m & (((qn_u128)1 << shift) - 1), half = (qn_u128)1 << (shift - 1);
        m >>= shift;
        if (rest > half || (rest == half && (sticky || (m & 1))))
            m++;
    } else {
        lsb = exponent;
    }
    double v = ldexp((double)(uint64_t)m, lsb); /* m has at most 53 bits here, so both steps are exact */
    return negative ? -v : v;
}

/* Magnitude, sign and exponent: room for a product of two wide sums. */
#define BIG_LIMBS (2 * LIMBS + 8)
typedef struct big {
    int      count; /* limbs in use; the top one is not zero */
    int      exponent;
    bool     negative;
    uint32_t limb[BIG_LIMBS];
} big;

static void big_trim(big *b)
{
    while (b->count && !b->limb[b->count - 1])
        b->count--;
}
static void big_from_u128(big *b, qn_u128 m, int exponent, bool negative)
{
    b->count = 0;
    b->exponent = exponent;
    b->negative = negative;
    for (; m; m >>= 32)
        b->limb[b->count++] = (uint32_t)m;
}
static void big_from_exact(big *b, const qn_exact *e)
{
    if (!e->wide) {
        big_from_u128(b, e->sum < 0 ? -(qn_u128)e->sum : (qn_u128)e->sum, e->exponent, e->sum < 0);
        return;
    }
    qn_exact_wide w = *e->wide;
    wide_normalise(&w);
    b->negative = w.limb[LIMBS - 1] < 0;
    if (b->negative) {
        for (int i = 0; i < LIMBS; i++)
            w.limb[i] = -w.limb[i];
        wide_normalise(&w);
    }
    int first = 0;
    while (first < LIMBS && !w.limb[first])
        first++;
    b->count = 0;
    b->exponent = LOWEST + first * 32;
    for (int i = first; i < LIMBS; i++)
        b->limb[b->count++] = (uint32_t)w.limb[i];
    big_trim(b);
}
static void big_mul(const big *a, const big *b, big *out)
{
    out->count = a->count + b->count;
    out->exponent = a->exponent + b->exponent;
    out->negative = a->negative != b->negative;
    QN_ASSERT(out->count <= BIG_LIMBS);
    memset(out->limb, 0, (size_t)out->count * sizeof out->limb[0]);
    for (int i = 0; i < a->count; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < b->count; j++) {
            carry += out->limb[i + j] + (uint64_t)a->limb[i] * b->limb[j];
            out->limb[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        out->limb[i + b->count] = (uint32_t)carry;
    }
    big_trim(out);
}
/* Bring to a lower exponent. */
static void big_lower(big *b, int exponent)
{
    int shift = b->exponent - exponent, limbs = shift / 32, bits = shift % 32;
    if (b->count == 0) {
        b->exponent = exponent;
        return;
    }
    QN_ASSERT(b->count + limbs + 1 <= BIG_LIMBS);
    memmove(b->limb + limbs, b->limb, (size_t)b->count * sizeof b->limb[0]);
    memset(b->limb, 0, (size_t)limbs * sizeof b->limb[0]);
    b->count += limbs;
    uint32_t carry = 0;
    for (int i = limbs; i < b->count; i++) {
        uint64_t v = (uint64_t)b->limb[i] << bits | carry;
        b->limb[i] = (uint32_t)v;
        carry = (uint32_t)(v >> 32);
    }
    if (carry)
        b->limb[b->count++] = carry;
    b->exponent = exponent;
}
static int big_compare(const big *a, const big *b) /* magnitudes of equal exponent */
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (int i = a->count - 1; i >= 0; i--) {
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    }
    return 0;
}
/* a -= b */
static void big_sub(big *a, big *b)
{
    int lowest = a->exponent < b->exponent ? a->exponent : b->exponent;
    if (!b->count)
        return;
    if (!a->count) {
        *a = *b;
        a->negative = !b->negative;
        return;
    }
    big_lower(a, lowest);
    big_lower(b, lowest);
    if (a->negative != b->negative) {
        uint64_t carry = 0;
        int      n = a->count > b->count ? a->count : b->count;
        QN_ASSERT(n + 1 <= BIG_LIMBS);
        for (int i = 0; i < n; i++) {
            carry += (uint64_t)(i < a->count ? a->limb[i] : 0) + (i < b->count ? b->limb[i] : 0);
            a->limb[i] = (uint32_t)carry;
            carry >>= 32;
        }
        a->count = n;
        if (carry)
            a->limb[a->count++] = (uint32_t)carry;
        return;
    }
    bool       swap = big_compare(a, b) < 0;
    const big *x = swap ? b : a, *y = swap ? a : b;
    int64_t    borrow = 0;
    int        n = x->count;
    for (int i = 0; i < n; i++) {
        int64_t v = (int64_t)x->limb[i] - (i < y->count ? y->limb[i] : 0) + borrow;
        a->limb[i] = (uint32_t)v;
        borrow = v < 0 ? -1 : 0;
    }
    a->count = n;
    a->negative = swap ? !a->negative : a->negative;
    big_trim(a);
}

/* b / divisor, rounded once.  Only the top of b meets the division: what lies below is smaller than one
 * and can make nothing but the sticky bit. */
static double big_quotient(const big *b, qn_u128 divisor, float_format format)
{
    if (!b->count)
        return 0;
    int     total = b->count * 32 - __builtin_clz(b->limb[b->count - 1]);
    int     wanted = bit_length(divisor) + 64; /* at least 64 bits of quotient */
    qn_u128 quotient = 0, rest = 0;
    bool    sticky = false;
    for (int i = 0; i < wanted; i++) { /* bits from the top, zeros beyond the bottom */
        int  at = total - 1 - i;
        bool bit = at >= 0 && (b->limb[at / 32] >> (at % 32) & 1);
        bool carry = rest >> 127;
        rest = rest << 1 | bit;
        quotient <<= 1;
        if (carry || rest >= divisor) {
            rest -= divisor;
            quotient |= 1;
        }
    }
    sticky = rest != 0;
    for (int at = total - 1 - wanted; at >= 0 && !sticky;) {
        if (at % 32 == 31) {
            sticky = b->limb[at / 32] != 0;
            at -= 32;
        } else {
            sticky = b->limb[at / 32] >> (at % 32) & 1;
            at--;
        }
    }
    return round_scaled(quotient, sticky, b->exponent + total - wanted, b->negative, format);
}

/* The sum when it is no number to round; false otherwise. */
static bool special(const qn_exact *e, double *out)
{
    if ((e->flags & SEEN_NAN) || ((e->flags & SEEN_INF) && (e->flags & SEEN_NEG_INF)))
        *out = NAN;
    else if (e->flags & (SEEN_INF | SEEN_NEG_INF))
        *out = e->flags & SEEN_INF ? INFINITY : -INFINITY;
    else if ((e->flags & SEEN_NEG_ZERO) && !(e->flags & SEEN_OTHER))
        *out = -0.0;
    else
        return false;
    return true;
}

static double exact_round(const qn_exact *e, qn_u128 divisor, float_format format)
{
    if (!e->wide && divisor == 1)
        return round_scaled(e->sum < 0 ? -(qn_u128)e->sum : (qn_u128)e->sum, false, e->exponent, e->sum < 0, format);
    big b;
    big_from_exact(&b, e);
    return big_quotient(&b, divisor, format);
}

double qn_exact_round(const qn_exact *e, bool *overflow)
{
    double v;
    *overflow = false;
    if (special(e, &v))
        return v;
    v = exact_round(e, 1, binary64);
    *overflow = isinf(v);
    return v;
}
float qn_exact_round_f32(const qn_exact *e, bool *overflow)
{
    double v;
    *overflow = false;
    if (special(e, &v))
        return (float)v;
    float r = (float)exact_round(e, 1, binary32); /* exact, or too large */
    *overflow = isinf(r);
    return r;
}
double qn_exact_mean(const qn_exact *e, uint64_t count, bool *overflow)
{
    double v;
    *overflow = false;
    QN_ASSERT(count > 0);
    if (special(e, &v))
        return v;
    v = exact_round(e, count, binary64);
    *overflow = isinf(v);
    return v;
}

double qn_exact_moment(const qn_exact *xy, const qn_exact *x, const qn_exact *y, uint64_t count, qn_u128 divisor,
                       bool *overflow)
{
    big a, b, product, scaled;
    *overflow = false;
    QN_ASSERT(divisor > 0);
    if ((xy->flags | x->flags | y->flags) & SPECIAL)
        return NAN;
    big_from_exact(&a, xy);
    big_from_u128(&b, count, 0, false);
    big_mul(&a, &b, &scaled);
    big_from_exact(&a, x);
    big_from_exact(&b, y);
    big_mul(&a, &b, &product);
    big_sub(&scaled, &product);
    double v = big_quotient(&scaled, divisor, binary64);
    *overflow = isinf(v);
    return v;
}
