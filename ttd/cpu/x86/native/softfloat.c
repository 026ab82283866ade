/* Floating point of x86 in integers only (softfloat.h). */
#include "softfloat.h"

typedef unsigned __int128 wide;

const fp_format fp_single = { 24, -126, 127 }, fp_double = { 53, -1022, 1023 },
                fp_extended = { 64, -16382, 16383 };

#define TOP (1ull << 63)
#define QUIET_BIT (1ull << 62)

/* ---- encodings ------------------------------------------------------------------------ */

/* `frac` has the fraction at its top, without the integer bit. */
static fp_value unpack(bool sign, int biased, int most, int low, uint64_t frac)
{
    fp_value v = { .sign = sign, .exp = biased + low - 1, .frac = TOP | frac >> 1 };
    if (biased == most) {
        v.class = !frac ? FP_INFINITE : v.frac & QUIET_BIT ? FP_QUIET : FP_SIGNALLING;
    } else if (biased) {
        v.class = FP_FINITE;
    } else if (frac) {
        int shift = __builtin_clzll(frac);
        v.class = FP_FINITE;
        v.denormal = true;
        v.frac = frac << shift;
        v.exp = low - 1 - shift;
    }
    return v;
}

fp_value fp_from_single(uint32_t bits)
{
    return unpack(bits >> 31, bits >> 23 & 0xff, 0xff, -126, (uint64_t)bits << 41);
}

fp_value fp_from_double(uint64_t bits)
{
    return unpack(bits >> 63, bits >> 52 & 0x7ff, 0x7ff, -1022, bits << 12);
}

fp_value fp_from_extended(uint64_t frac, uint16_t head)
{
    int biased = head & 0x7fff, shift;
    fp_value v = { .sign = head >> 15, .frac = frac, .exp = biased - 16383 };
    if (biased == 0x7fff && frac & TOP) {
        v.class = frac == TOP ? FP_INFINITE : frac & QUIET_BIT ? FP_QUIET : FP_SIGNALLING;
    } else if (biased && !(frac & TOP)) {
        v = fp_indefinite();              /* unnormal, pseudo-infinity, pseudo-NaN */
        v.class = FP_SIGNALLING;
    } else if (frac) {
        shift = __builtin_clzll(frac);
        v.class = FP_FINITE;
        v.denormal = !biased;
        v.frac = frac << shift;
        v.exp += (biased == 0) - shift;
    }
    return v;
}

/* The fraction without the integer bit, at the top, and the biased exponent; `most` for NaNs. */
static uint64_t pack(fp_value v, int low, int most, int *biased)
{
    switch (v.class) {
    case FP_ZERO: *biased = 0; return 0;
    case FP_INFINITE: *biased = most; return 0;
    case FP_FINITE:
        if (v.exp < low) {
            int shift = low - 1 - v.exp;
            *biased = 0;
            return shift > 63 ? 0 : v.frac >> shift;
        }
        *biased = v.exp - low + 1;
        return v.frac << 1;
    default: *biased = most; return v.frac << 1;
    }
}

uint32_t fp_to_single(fp_value v)
{
    int biased;
    uint64_t frac = pack(v, -126, 0xff, &biased);
    return (uint32_t)v.sign << 31 | (uint32_t)biased << 23 | (uint32_t)(frac >> 41);
}

uint64_t fp_to_double(fp_value v)
{
    int biased;
    uint64_t frac = pack(v, -1022, 0x7ff, &biased);
    return (uint64_t)v.sign << 63 | (uint64_t)biased << 52 | frac >> 12;
}

void fp_to_extended(fp_value v, uint64_t *frac, uint16_t *head)
{
    int biased = 0, shift;
    *frac = 0;
    switch (v.class) {
    case FP_ZERO: break;
    case FP_FINITE:
        shift = v.exp < -16382 ? -16382 - v.exp : 0;
        *frac = shift > 63 ? 0 : v.frac >> shift;
        biased = shift ? 0 : v.exp + 16383;
        break;
    case FP_INFINITE: *frac = TOP; biased = 0x7fff; break;
    default: *frac = TOP | v.frac; biased = 0x7fff;
    }
    *head = (uint16_t)(v.sign << 15 | biased);
}

fp_value fp_from_int(int64_t n)
{
    uint64_t size = n < 0 ? -(uint64_t)n : (uint64_t)n;
    int shift;
    if (!n)
        return (fp_value){ .class = FP_ZERO };
    shift = __builtin_clzll(size);
    return (fp_value){ .class = FP_FINITE, .sign = n < 0, .exp = 63 - shift, .frac = size << shift };
}

/* ---- NaNs and operands ---------------------------------------------------------------- */

fp_value fp_indefinite(void)
{
    return (fp_value){ .class = FP_QUIET, .sign = true, .frac = TOP | QUIET_BIT };
}

static fp_value invalid(fp_context *c)
{
    c->flags |= FP_IE;
    return fp_indefinite();
}

fp_value fp_input(fp_context *c, fp_value v)
{
    if (!v.denormal)
        return v;
    v.denormal = false;
    if (c->zero_inputs)
        v.class = FP_ZERO;
    else
        c->flags |= FP_DE;
    return v;
}

static fp_value zero(bool sign) { return (fp_value){ .class = FP_ZERO, .sign = sign }; }

/* Volume 1, table 4-7, "Rules for Handling NaNs". */
fp_value fp_pick_nan(fp_context *c, fp_value a, fp_value b)
{
    bool signals = a.class == FP_SIGNALLING || b.class == FP_SIGNALLING, first = fp_is_nan(a);
    if (c->larger && first && fp_is_nan(b)) {
        if ((a.class == FP_SIGNALLING) != (b.class == FP_SIGNALLING))
            first = a.class == FP_QUIET;
        else
            first = a.frac != b.frac ? a.frac > b.frac : !a.sign;
    }
    if (signals)
        c->flags |= FP_IE;
    if (!first)
        a = b;
    a.class = FP_QUIET;
    a.frac |= QUIET_BIT;
    return a;
}

/* ---- rounding --------------------------------------------------------------------------- */

/* Is a magnitude to be increased that has `rest` behind its last bit? */
static bool increases(const fp_context *c, bool sign, bool odd, wide rest)
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

/* The number frac * 2^(exp - 127), bit 127 of `frac` set and bit 0 sticky, in the format. An
 * underflow is found after rounding, as if the exponent had no bound (section 4.9.1.5). */
static fp_value round_to(fp_context *c, const fp_format *f, bool sign, int exp, wide frac)
{
    int bits = f->precision, drop;
    uint64_t kept;
    wide rest;
    bool tiny = exp < f->low, up;
    c->up = false;
    if (tiny) {
        uint64_t whole = (uint64_t)(frac >> (128 - bits));
        uint64_t all = bits == 64 ? ~0ull : (1ull << bits) - 1;
        if (exp == f->low - 1 && whole == all && increases(c, sign, whole & 1, frac << bits))
            tiny = false;
        if (tiny && c->zero_results && c->masked & FP_UE) {
            c->flags |= FP_UE | FP_PE;
            return zero(sign);
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
    up = increases(c, sign, kept & 1, rest);
    if (rest) {
        c->flags |= FP_PE;
        c->up = up;
    }
    if (tiny && (rest || !(c->masked & FP_UE)))
        c->flags |= FP_UE;
    if (bits <= 0) {
        if (!up)
            return zero(sign);
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

/* As `round_to`, of any `frac`. */
static fp_value normalize(fp_context *c, const fp_format *f, bool sign, int exp, wide frac)
{
    int shift = frac >> 64 ? __builtin_clzll((uint64_t)(frac >> 64))
                           : 64 + __builtin_clzll((uint64_t)frac);
    return round_to(c, f, sign, exp - shift, frac << shift);
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
        return invalid(c);
    if (a.class == FP_INFINITE || b.class == FP_INFINITE)
        return a.class == FP_INFINITE ? a : b;
    if (a.class == FP_ZERO && b.class == FP_ZERO)
        return zero(a.sign == b.sign ? a.sign : c->rounding == FP_DOWN);
    if (a.class == FP_ZERO || b.class == FP_ZERO) {
        if (a.class == FP_ZERO)
            a = b;
        return round_to(c, f, a.sign, a.exp, (wide)a.frac << 64);
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
        return zero(c->rounding == FP_DOWN);
    return normalize(c, f, a.sign, a.exp + 1, big);
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
        return invalid(c);
    a = fp_input(c, a);
    b = fp_input(c, b);
    if (a.class == FP_INFINITE || b.class == FP_INFINITE)
        return (fp_value){ .class = FP_INFINITE, .sign = sign };
    if (a.class == FP_ZERO || b.class == FP_ZERO)
        return zero(sign);
    return normalize(c, f, sign, a.exp + b.exp + 1, (wide)a.frac * b.frac);
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
        return invalid(c);                /* zeros, or infinities */
    if (b.class == FP_ZERO && a.class == FP_FINITE) {
        c->flags |= FP_ZE;
        return (fp_value){ .class = FP_INFINITE, .sign = sign };
    }
    a = fp_input(c, a);
    b = fp_input(c, b);
    if (a.class == FP_ZERO || b.class == FP_INFINITE)
        return zero(sign);
    if (a.class == FP_INFINITE || b.class == FP_ZERO)
        return (fp_value){ .class = FP_INFINITE, .sign = sign };
    quotient = ((wide)a.frac << 63) / b.frac;
    rest = ((wide)a.frac << 63) - quotient * b.frac;
    more = (uint64_t)((rest << 63) / b.frac);
    rest = (rest << 63) - (wide)more * b.frac;
    quotient = quotient << 63 | more;
    return normalize(c, f, sign, a.exp - b.exp, quotient << 1 | (rest != 0));
}

fp_value fp_scale(fp_context *c, const fp_format *f, fp_value a, int by)
{
    a.exp += by;
    return round_to(c, f, a.sign, a.exp, (wide)a.frac << 64);
}

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
        return zero(a.sign);
    if (a.sign)
        return invalid(c);
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
    return round_to(c, f, false, a.exp >> 1,
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
    return a.class == FP_FINITE ? round_to(c, f, a.sign, a.exp, (wide)a.frac << 64) : a;
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
    up = increases(c, a.sign, n & 1, rest);
    if (rest) {
        c->flags |= FP_PE;
        c->up = up;
    }
    n += up;
    if (!n)
        return zero(a.sign);
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
    up = increases(c, a.sign, n & 1, rest);
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
