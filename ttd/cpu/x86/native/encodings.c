/* Floating point in integers (softfloat.h): how numbers are encoded, NaNs, and what operands are taken for. */
#include "fp_internal.h"

const fp_format fp_single = { 24, -126, 127 }, fp_double = { 53, -1022, 1023 },
                fp_extended = { 64, -16382, 16383 };

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

fp_value fp_invalid(fp_context *c)
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
