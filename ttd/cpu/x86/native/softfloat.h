/* Floating point of x86 in integers only: nothing of the host's arithmetic is in the results. */
#ifndef TTD_SOFTFLOAT_H
#define TTD_SOFTFLOAT_H

#include <stdbool.h>
#include <stdint.h>

/* As MXCSR and the x87's status word have them ("Intel 64 and IA-32 Architectures Software
 * Developer's Manual", volume 1, sections 8.1.3 and 10.2.3). */
enum { FP_IE = 1, FP_DE = 2, FP_ZE = 4, FP_OE = 8, FP_UE = 16, FP_PE = 32, FP_ALL = 63 };

/* As both control words have them. */
enum { FP_NEAREST, FP_DOWN, FP_UP, FP_TRUNCATE };

typedef enum { FP_ZERO, FP_FINITE, FP_INFINITE, FP_QUIET, FP_SIGNALLING } fp_class;

/* FINITE: the value is frac * 2^(exp - 63), bit 63 of `frac` is set. A NaN has its payload there. */
typedef struct {
    fp_class class;
    bool sign, denormal;
    int exp;
    uint64_t frac;
} fp_value;

/* `precision` bits, exponents of normal numbers from `low` to `high`. */
typedef struct { int precision, low, high; } fp_format;
extern const fp_format fp_single, fp_double, fp_extended;

/* How to compute: `masked` flags raise nothing. `larger`: of two NaNs the one with the larger
 * significand is taken, as the x87 does, and not the first; `adjusts`: an exponent that is out of range
 * and not masked is brought back by 24576. `flags` are added to; `up`: the last rounding increased
 * the significand. */
typedef struct {
    int rounding, masked, flags;
    bool zero_inputs, zero_results, larger, adjusts, up;
} fp_context;

fp_value fp_from_single(uint32_t bits);
fp_value fp_from_double(uint64_t bits);
/* Of 80 bits; unsupported encodings are signalling NaNs, that nothing keeps. */
fp_value fp_from_extended(uint64_t frac, uint16_t head);
uint32_t fp_to_single(fp_value v);
uint64_t fp_to_double(fp_value v);
void fp_to_extended(fp_value v, uint64_t *frac, uint16_t *head);
fp_value fp_from_int(int64_t n);

/* Denormal operands: to zero if the context says so, else noted. Not for NaNs' companions. */
fp_value fp_input(fp_context *c, fp_value v);
fp_value fp_indefinite(void);
static inline bool fp_is_nan(fp_value v) { return v.class >= FP_QUIET; }

fp_value fp_add(fp_context *c, const fp_format *f, fp_value a, fp_value b);
fp_value fp_subtract(fp_context *c, const fp_format *f, fp_value a, fp_value b);
fp_value fp_multiply(fp_context *c, const fp_format *f, fp_value a, fp_value b);
fp_value fp_divide(fp_context *c, const fp_format *f, fp_value a, fp_value b);
/* Of a number: times 2^by. */
fp_value fp_scale(fp_context *c, const fp_format *f, fp_value a, int by);
/* Of numbers: `a` becomes a less the quotient times b, exactly; `apart` is by how much its exponent is
 * larger. The quotient, truncated or to the nearest even, is returned (its lowest bits, at least); or
 * of a quotient without its `left` last bits, so many being 0. */
uint64_t fp_remainder(fp_value *a, fp_value b, bool nearest, int apart, int left);
fp_value fp_sqrt(fp_context *c, const fp_format *f, fp_value a);
fp_value fp_convert(fp_context *c, const fp_format *f, fp_value a);
fp_value fp_round_to_int(fp_context *c, fp_value a);
/* An integer of `bits` bits, or the integer indefinite and IE. */
int64_t fp_to_int(fp_context *c, fp_value a, int bits);
/* The NaN that an operation on these two gives; IE if one is signalling. */
fp_value fp_pick_nan(fp_context *c, fp_value a, fp_value b);
/* -1, 0, 1; 2: unordered, with IE for a signalling NaN, or for any if `signals`. */
int fp_compare(fp_context *c, fp_value a, fp_value b, bool signals);

#endif
