/* Floating point in integers (softfloat.h): rounding, and the four operations. */
#include "fp_internal.h"

/* ---- rounding --------------------------------------------------------------------------- */

bool fp_increases(const fp_context *c, bool sign, bool odd, wide rest)
{
    const wide half = (wide)1 << 127;
    switch (c->rounding) {
    case FP_NEAREST: return rest > half || (rest == half && odd);
    case FP_DOWN: return sign && rest;
    case FP_UP: return !sign && rest;
    default: return false;
    }
}

/* By so much an exponent of the x87 is off that is not masked to be out of range (SDM volume 1,
 * sections 8.5.4 and 8.5.5). */
#define BIAS_ADJUSTMENT 24576

static fp_value overflow(fp_context *c, const fp_format *f, bool sign)
{
    bool infinite = c->rounding == FP_NEAREST || c->rounding == (sign ? FP_DOWN : FP_UP);
    c->flags |= FP_OE | FP_PE;
    c->up = infinite;
    if (infinite)
        return (fp_value){ .class = FP_INFINITE, .sign = sign };
    return (fp_value){ .class = FP_FINITE, .sign = sign, .exp = f->high,
                       .frac = ~0ull << (64 - f->precision) };
}

fp_value fp_round(fp_context *c, const fp_format *f, bool sign, int exp, wide frac)
{
    int bits = f->precision, drop;
    uint64_t kept;
    wide rest;
    bool tiny = exp < f->low, up;
    c->up = false;
    if (tiny) {
        uint64_t whole = (uint64_t)(frac >> (128 - bits));
        uint64_t all = bits == 64 ? ~0ull : (1ull << bits) - 1;
        if (exp == f->low - 1 && whole == all && fp_increases(c, sign, whole & 1, frac << bits))
            tiny = false;
        if (tiny && c->zero_results && c->masked & FP_UE) {
            c->flags |= FP_UE | FP_PE;
            return fp_zero(sign);
        }
        if (tiny && c->adjusts && !(c->masked & FP_UE)) {
            c->flags |= FP_UE;
            exp += BIAS_ADJUSTMENT;
            tiny = false;
        } else {
            bits -= f->low - exp;
        }
    }
    if (bits < 0) {
        kept = 0;
        rest = 1;
    } else if (bits == 0) {
        kept = 0;
        rest = frac;
    } else {
        drop = 128 - bits;
        kept = (uint64_t)(frac >> drop);
        rest = frac << bits;
    }
    up = fp_increases(c, sign, kept & 1, rest);
    if (rest) {
        c->flags |= FP_PE;
        c->up = up;
    }
    if (tiny && (rest || !(c->masked & FP_UE)))
        c->flags |= FP_UE;
    if (bits <= 0) {
        if (!up)
            return fp_zero(sign);
        return (fp_value){ .class = FP_FINITE, .sign = sign, .frac = TOP,
                           .exp = f->low - f->precision + 1 };
    }
    kept <<= 64 - bits;
    if (up) {
        kept += 1ull << (64 - bits);
        if (!(kept & TOP)) {
            kept = TOP;
            exp++;
        }
    }
    if (exp > f->high && c->adjusts && !(c->masked & FP_OE)) {
        c->flags |= FP_OE;
        exp -= BIAS_ADJUSTMENT;
    } else if (exp > f->high) {
        return overflow(c, f, sign);
    }
    return (fp_value){ .class = FP_FINITE, .sign = sign, .exp = exp, .frac = kept };
}

fp_value fp_normalize(fp_context *c, const fp_format *f, bool sign, int exp, wide frac)
{
    int shift = frac >> 64 ? __builtin_clzll((uint64_t)(frac >> 64))
                           : 64 + __builtin_clzll((uint64_t)frac);
    return fp_round(c, f, sign, exp - shift, frac << shift);
}

/* ---- arithmetic --------------------------------------------------------------------------- */

fp_value fp_add(fp_context *c, const fp_format *f, fp_value a, fp_value b)
{
    wide big, small;
    int apart;
    if (fp_is_nan(a) || fp_is_nan(b))
        return fp_pick_nan(c, a, b);
    a = fp_input(c, a);
    b = fp_input(c, b);
    if (a.class == FP_INFINITE && b.class == FP_INFINITE && a.sign != b.sign)
        return fp_invalid(c);
    if (a.class == FP_INFINITE || b.class == FP_INFINITE)
        return a.class == FP_INFINITE ? a : b;
    if (a.class == FP_ZERO && b.class == FP_ZERO)
        return fp_zero(a.sign == b.sign ? a.sign : c->rounding == FP_DOWN);
    if (a.class == FP_ZERO || b.class == FP_ZERO) {
        if (a.class == FP_ZERO)
            a = b;
        return fp_round(c, f, a.sign, a.exp, (wide)a.frac << 64);
    }
    if (a.exp < b.exp || (a.exp == b.exp && a.frac < b.frac)) {
        fp_value t = a;
        a = b;
        b = t;
    }
    apart = a.exp - b.exp;
    big = (wide)a.frac << 63;
    small = (wide)b.frac << 63;
    if (apart > 126)
        small = 1;
    else if (apart)
        small = small >> apart | ((small & (((wide)1 << apart) - 1)) != 0);
    if (a.sign == b.sign)
        big += small;
    else if (!(big -= small))
        return fp_zero(c->rounding == FP_DOWN);
    return fp_normalize(c, f, a.sign, a.exp + 1, big);
}

fp_value fp_subtract(fp_context *c, const fp_format *f, fp_value a, fp_value b)
{
    if (!fp_is_nan(b))
        b.sign = !b.sign;
    return fp_add(c, f, a, b);
}

fp_value fp_multiply(fp_context *c, const fp_format *f, fp_value a, fp_value b)
{
    bool sign = a.sign != b.sign;
    if (fp_is_nan(a) || fp_is_nan(b))
        return fp_pick_nan(c, a, b);
    if (c->zero_inputs) {
        a = fp_input(c, a);
        b = fp_input(c, b);
    }
    if ((a.class == FP_INFINITE && b.class == FP_ZERO) || (a.class == FP_ZERO && b.class == FP_INFINITE))
        return fp_invalid(c);
    a = fp_input(c, a);
    b = fp_input(c, b);
    if (a.class == FP_INFINITE || b.class == FP_INFINITE)
        return (fp_value){ .class = FP_INFINITE, .sign = sign };
    if (a.class == FP_ZERO || b.class == FP_ZERO)
        return fp_zero(sign);
    return fp_normalize(c, f, sign, a.exp + b.exp + 1, (wide)a.frac * b.frac);
}

fp_value fp_divide(fp_context *c, const fp_format *f, fp_value a, fp_value b)
{
    bool sign = a.sign != b.sign;
    uint64_t more;
    wide quotient, rest;
    if (fp_is_nan(a) || fp_is_nan(b))
        return fp_pick_nan(c, a, b);
    if (c->zero_inputs) {
        a = fp_input(c, a);
        b = fp_input(c, b);
    }
    if (a.class == b.class && a.class != FP_FINITE)
        return fp_invalid(c);                /* zeros, or infinities */
    if (b.class == FP_ZERO && a.class == FP_FINITE) {
        c->flags |= FP_ZE;
        return (fp_value){ .class = FP_INFINITE, .sign = sign };
    }
    a = fp_input(c, a);
    b = fp_input(c, b);
    if (a.class == FP_ZERO || b.class == FP_INFINITE)
        return fp_zero(sign);
    if (a.class == FP_INFINITE || b.class == FP_ZERO)
        return (fp_value){ .class = FP_INFINITE, .sign = sign };
    quotient = ((wide)a.frac << 63) / b.frac;
    rest = ((wide)a.frac << 63) - quotient * b.frac;
    more = (uint64_t)((rest << 63) / b.frac);
    rest = (rest << 63) - (wide)more * b.frac;
    quotient = quotient << 63 | more;
    return fp_normalize(c, f, sign, a.exp - b.exp, quotient << 1 | (rest != 0));
}

fp_value fp_scale(fp_context *c, const fp_format *f, fp_value a, int by)
{
    a.exp += by;
    return fp_round(c, f, a.sign, a.exp, (wide)a.frac << 64);
}
