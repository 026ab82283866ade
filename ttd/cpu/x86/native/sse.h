/* What the files of SSE on floating point share (SDM volume 1, chapters 10 to 12). */
#ifndef TTD_SSE_H
#define TTD_SSE_H

#include "softfloat.h"
#include "x86.h"

enum { SINGLE, DOUBLE };

/* By prefix: single or double, packed or scalar. */
static inline int kind_of(const ours *o) { return o->prefix == 0x66 || o->prefix == 0xf2 ? DOUBLE : SINGLE; }
static inline bool is_scalar(const ours *o) { return o->prefix == 0xf2 || o->prefix == 0xf3; }
static inline int count_of(const ours *o) { return is_scalar(o) ? 1 : kind_of(o) == DOUBLE ? 2 : 4; }
static inline int size_of(const ours *o) { return !is_scalar(o) ? 16 : kind_of(o) == DOUBLE ? 8 : 4; }

/* sse_state.c */
/* MXCSR, and how it says to compute. */
uint32_t sse_control(ttd_engine *e);
fp_context sse_context(uint32_t control);
/* Keep the flags; false if one of them is not masked. */
bool sse_keep_flags(ttd_engine *e, uint32_t control, const fp_context *c);
/* The second operand; false: it is not there. */
bool sse_operand(ttd_engine *e, const ours *o, int size, xmm *out);
fp_value sse_get(const xmm *v, int i, int kind);
void sse_put(xmm *v, int i, int kind, fp_value value);
const fp_format *sse_format(int kind);
fp_value sse_without_denormal(const fp_context *c, fp_value v);
bool x86_to_mmx(ttd_engine *e, int reg, uint64_t value);
uint64_t x86_from_mmx(ttd_engine *e, int reg);

/* sse_convert.c */
bool sse_from_mmx_integers(ttd_engine *e, const ours *o);
bool sse_from_integer(ttd_engine *e, const ours *o);
bool sse_to_integer(ttd_engine *e, const ours *o);
bool sse_to_mmx_integers(ttd_engine *e, const ours *o);
bool sse_packed_integers(ttd_engine *e, const ours *o);
bool sse_between_formats(ttd_engine *e, const ours *o);
bool sse_round(ttd_engine *e, const ours *o);

#endif
