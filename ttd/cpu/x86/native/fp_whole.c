/* Floating point in integers (softfloat.h): remainders, roots, other formats, integers, comparing. */
#include "fp_internal.h"

uint64_t fp_remainder(fp_value *a, fp_value b, bool nearest, int apart, int left)
{
    wide rest = a->frac;
    uint64_t quotient = 0;
    int exp = b.exp + left, i;
    if (apart < 0) {
        if (apart < -1 || !nearest || a->frac <= b.frac)
            return 0;                     /* at most the half of b */
        rest = ((wide)b.frac << 1) - rest;
        exp--;
        quotient = 1;
        a->sign = !a->sign;
    } else {
        for (i = apart - left; i >= 0; i--) {
            quotient <<= 1;
            if (rest >= b.frac) {
                rest -= b.frac;
                quotient |= 1;
            }
            if (i)
                rest <<= 1;
        }
        if (nearest && !left && (rest << 1 > b.frac || (rest << 1 == b.frac && quotient & 1))) {
            rest = b.frac - rest;
            quotient++;
            a->sign = !a->sign;
        }
    }
    if (!rest) {
        a->class = FP_ZERO;
        return quotient;
    }
    if (rest >> 64) {                     /* twice b less a, which is even then */
        rest >>= 1;
        exp++;
    }
    i = __builtin_clzll((uint64_t)rest);
    a->frac = (uint64_t)rest << i;
    a->exp = exp - i;
    return quotient;
}

fp_value fp_sqrt(fp_context *c, const fp_format *f, fp_value a)
{
    wide n, root = 0, rest;
    int i;
    if (fp_is_nan(a))
        return fp_pick_nan(c, a, a);
    if (c->zero_inputs)
        a = fp_input(c, a);
    if (a.class == FP_ZERO)
        return fp_zero(a.sign);
    if (a.sign)
        return fp_invalid(c);
    a = fp_input(c, a);
    if (a.class == FP_INFINITE)
        return a;
    /* The root of n = frac * 2^64 or * 2^63 is an integer of 64 bits and a rest; what is behind
     * that integer is above one half exactly if the rest is above the integer. */
    n = (wide)a.frac << (a.exp & 1 ? 64 : 63);
    rest = n;
    for (i = 63; i >= 0; i--) {
        wide more = (root << 1 | (wide)1 << i) << i;
        if (more <= rest) {
            rest -= more;
            root |= (wide)1 << i;
        }
    }
    return fp_round(c, f, false, a.exp >> 1,
                    root << 64 | (wide)(rest > root) << 63 | (rest != 0));
}

fp_value fp_convert(fp_context *c, const fp_format *f, fp_value a)
{
    if (fp_is_nan(a)) {
        a = fp_pick_nan(c, a, a);
        a.frac &= ~0ull << (64 - f->precision);
        return a;
    }
    a = fp_input(c, a);
    return a.class == FP_FINITE ? fp_round(c, f, a.sign, a.exp, (wide)a.frac << 64) : a;
}

/* The magnitude as an integer, and in `rest` what is behind it; for an exponent of at most 63. */
static uint64_t integer_part(fp_value a, wide *rest)
{
    if (a.exp >= 0) {
        *rest = a.exp == 63 ? 0 : (wide)a.frac << (64 + a.exp + 1);
        return a.frac >> (63 - a.exp);
    }
    *rest = a.exp == -1 ? (wide)a.frac << 64 : 1;
    return 0;
}

fp_value fp_round_to_int(fp_context *c, fp_value a)
{
    uint64_t n;
    wide rest;
    bool up;
    c->up = false;
    if (fp_is_nan(a))
        return fp_pick_nan(c, a, a);
    if (a.class != FP_FINITE || a.exp >= 63)
        return a;
    n = integer_part(a, &rest);
    up = fp_increases(c, a.sign, n & 1, rest);
    if (rest) {
        c->flags |= FP_PE;
        c->up = up;
    }
    n += up;
    if (!n)
        return fp_zero(a.sign);
    a.exp = 63 - __builtin_clzll(n);
    a.frac = n << __builtin_clzll(n);
    a.denormal = false;
    return a;
}

int64_t fp_to_int(fp_context *c, fp_value a, int bits)
{
    int64_t indefinite = (int64_t)(~0ull << (bits - 1));
    uint64_t n = 0;
    wide rest = 0;
    bool up;
    c->up = false;
    if (a.class >= FP_INFINITE || (a.class == FP_FINITE && a.exp > 63)) {
        c->flags |= FP_IE;
        return indefinite;
    }
    if (a.class == FP_FINITE)
        n = integer_part(a, &rest);
    up = fp_increases(c, a.sign, n & 1, rest);
    if ((up && n == ~0ull) || (n += up) > (1ull << (bits - 1)) - !a.sign) {
        c->flags |= FP_IE;
        return indefinite;
    }
    if (rest) {
        c->flags |= FP_PE;
        c->up = up;
    }
    return (int64_t)(a.sign ? -n : n);
}

int fp_compare(fp_context *c, fp_value a, fp_value b, bool signals)
{
    int larger;
    if (fp_is_nan(a) || fp_is_nan(b)) {
        if (signals || a.class == FP_SIGNALLING || b.class == FP_SIGNALLING)
            c->flags |= FP_IE;
        return 2;
    }
    a = fp_input(c, a);
    b = fp_input(c, b);
    if (a.class == FP_ZERO && b.class == FP_ZERO)
        return 0;
    if (a.class == FP_ZERO || b.class == FP_ZERO)
        return a.class == FP_ZERO ? (b.sign ? 1 : -1) : (a.sign ? -1 : 1);
    if (a.sign != b.sign)
        return a.sign ? -1 : 1;
    if (a.class != b.class)
        larger = a.class == FP_INFINITE ? 1 : -1;
    else if (a.class == FP_INFINITE)
        larger = 0;
    else if (a.exp != b.exp)
        larger = a.exp > b.exp ? 1 : -1;
    else
        larger = a.frac == b.frac ? 0 : a.frac > b.frac ? 1 : -1;
    return a.sign ? -larger : larger;
}
