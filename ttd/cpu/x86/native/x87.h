/* What the files of the x87 share: the state during one instruction, and what there is to do with it. SDM
 * volume 1, chapter 8. */
#ifndef TTD_X87_H
#define TTD_X87_H

#include "softfloat.h"
#include "x86.h"

enum { C0 = 0x100, C1 = 0x200, C2 = 0x400, C3 = 0x4000, CONDITIONS = C0 | C1 | C2 | C3 };
enum { STACK_FAULT = 0x40, SUMMARY = 0x80, BUSY = 0x8000 };
enum { UNORDERED = C0 | C2 | C3 };
#define X87_MF 16

/* The state during one instruction. `lost`: an exception that is not masked keeps the result away. */
typedef struct {
    ttd_engine *e;
    const ours *o;
    uint16_t control, status, tags;
    int top;
    bool lost;
    fp_context c;
    fp_format format;             /* as the precision control says */
} fpu;

static inline int x87_place(const fpu *f, int i) { return (f->top + i) & 7; }

static inline bool x87_empty(const fpu *f, int i) { return (f->tags >> 2 * x87_place(f, i) & 3) == 3; }

/* x87_state.c. Such as are false leave the instruction undone, and the run ends before it. */
bool x87_begin(fpu *f, ttd_engine *e, const ours *o);
bool x87_end(fpu *f);
void x87_read_raw(fpu *f, int i, uint64_t raw[2]);
void x87_write_raw(fpu *f, int i, uint64_t frac, uint16_t head);
fp_value x87_read(fpu *f, int i);
void x87_write(fpu *f, int i, fp_value v);
void x87_pop(fpu *f);
void x87_stack_fault(fpu *f, bool over);
bool x87_push(fpu *f);
bool x87_withheld(fpu *f);

/* x87_memory.c */
enum { SINGLE, LONG, DOUBLE, WORD, QUAD };
bool x87_fetch(fpu *f, int kind, fp_value *v);
bool x87_store(fpu *f, int kind, bool truncate, bool pops);
bool x87_store_extended(fpu *f);
bool x87_store_decimal(fpu *f);
bool x87_load_decimal(fpu *f);
bool x87_load(fpu *f, int kind);
bool x87_load_extended(fpu *f);

/* x87_arithmetic.c */
enum { ADD, MULTIPLY, COMPARE, COMPARE_POP, SUBTRACT, SUBTRACT_REVERSED, DIVIDE, DIVIDE_REVERSED };
bool x87_unsupported(fpu *f, int i);
bool x87_operands_bad(fpu *f, bool nothing, bool bad, fp_value *result);
bool x87_between_registers(fpu *f, int what, int to, int from, bool pops);
int x87_compare(fpu *f, bool nothing, bool bad, fp_value a, fp_value b, bool signals);
bool x87_compare_with(fpu *f, int order, int pops);
bool x87_compare_register(fpu *f, int i, bool signals, int pops);
bool x87_compare_to_flags(fpu *f, int i, bool signals, bool pops);
bool x87_with_memory(fpu *f, int what, int kind);

/* x87_stack.c */
bool x87_load_constant(fpu *f, int which);
bool x87_examine(fpu *f);
bool x87_change_sign(fpu *f, bool flips);
bool x87_root(fpu *f);
bool x87_round(fpu *f);
bool x87_extract(fpu *f);
bool x87_scale(fpu *f);
bool x87_remainder(fpu *f, bool nearest);
bool x87_load_register(fpu *f, int i);
bool x87_store_register(fpu *f, int i, bool pops);
bool x87_exchange(fpu *f, int i);
bool x87_turn_stack(fpu *f, int by);

#endif
