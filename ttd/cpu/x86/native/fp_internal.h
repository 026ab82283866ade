/* What the files behind softfloat.h share. */
#ifndef TTD_FP_INTERNAL_H
#define TTD_FP_INTERNAL_H

#include "softfloat.h"

typedef unsigned __int128 wide;

#define TOP (1ull << 63)
#define QUIET_BIT (1ull << 62)

static inline fp_value fp_zero(bool sign) { return (fp_value){ .class = FP_ZERO, .sign = sign }; }
/* IE, and the indefinite value. */
fp_value fp_invalid(fp_context *c);
/* Is a magnitude to be increased that has `rest` behind its last bit? */
bool fp_increases(const fp_context *c, bool sign, bool odd, wide rest);
/* The number frac * 2^(exp - 127), bit 127 of `frac` set and bit 0 sticky, in the format. An
 * underflow is found after rounding, as if the exponent had no bound (section 4.9.1.5). */
fp_value fp_round(fp_context *c, const fp_format *f, bool sign, int exp, wide frac);
/* As `fp_round`, of any `frac`. */
fp_value fp_normalize(fp_context *c, const fp_format *f, bool sign, int exp, wide frac);

#endif
