/* The x87: arithmetic and comparing. */
#include "x87.h"

bool x87_unsupported(fpu *f, int i)
{
    uint64_t raw[2];
    x87_read_raw(f, i, raw);
    return raw[1] & 0x7fff && !(raw[0] >> 63);
}

static fp_value compute(fpu *f, int what, fp_value a, fp_value b)
{
    switch (what) {
    case ADD: return fp_add(&f->c, &f->format, a, b);
    case MULTIPLY: return fp_multiply(&f->c, &f->format, a, b);
    case SUBTRACT: return fp_subtract(&f->c, &f->format, a, b);
    case SUBTRACT_REVERSED: return fp_subtract(&f->c, &f->format, b, a);
    case DIVIDE: return fp_divide(&f->c, &f->format, a, b);
    default: return fp_divide(&f->c, &f->format, b, a);
    }
}

/* An unsupported encoding among the operands, or nothing at all: the result is indefinite. */
bool x87_operands_bad(fpu *f, bool nothing, bool bad, fp_value *result)
{
    if (nothing)
        x87_stack_fault(f, false);
    else if (bad)
        f->c.flags |= FP_IE;
    *result = fp_indefinite();
    return nothing || bad;
}

/* ST(to) = ST(to) op ST(from). */
bool x87_between_registers(fpu *f, int what, int to, int from, bool pops)
{
    fp_value v;
    if (!x87_operands_bad(f, x87_empty(f, to) || x87_empty(f, from),
                          x87_unsupported(f, to) || x87_unsupported(f, from),
                      &v))
        v = compute(f, what, x87_read(f, to), x87_read(f, from));
    if (!x87_withheld(f)) {
        x87_write(f, to, v);
        if (pops)
            x87_pop(f);
    }
    return x87_end(f);
}

/* What an order is in the condition codes. */
static uint16_t conditions(int order)
{
    return order == 2 ? UNORDERED : order < 0 ? C0 : order ? 0 : C3;
}

int x87_compare(fpu *f, bool nothing, bool bad, fp_value a, fp_value b, bool signals)
{
    fp_value none;
    if (x87_operands_bad(f, nothing, bad, &none))
        return 2;
    return fp_compare(&f->c, a, b, signals);
}

/* FCOM and its kin; ST(0) against a value. */
bool x87_compare_with(fpu *f, int order, int pops)
{
    f->status = (uint16_t)((f->status & ~CONDITIONS) | conditions(order));
    if (!x87_withheld(f))
        while (pops--)
            x87_pop(f);
    return x87_end(f);
}

bool x87_compare_register(fpu *f, int i, bool signals, int pops)
{
    return x87_compare_with(f, x87_compare(f, x87_empty(f, 0) || x87_empty(f, i),
                                           x87_unsupported(f, 0) || x87_unsupported(f, i),
                                   x87_read(f, 0), x87_read(f, i), signals), pops);
}

/* FCOMI and its kin. */
bool x87_compare_to_flags(fpu *f, int i, bool signals, bool pops)
{
    static const uint32_t flags[] = { X86_CF, X86_ZF, 0, X86_ZF | X86_PF | X86_CF };
    int order = x87_compare(f, x87_empty(f, 0) || x87_empty(f, i), x87_unsupported(f, 0) || x87_unsupported(f, i),
                        x87_read(f, 0), x87_read(f, i), signals);
    if (!x87_withheld(f)) {
        x86_set_flags(f->e, flags[order + 1]);
        if (pops)
            x87_pop(f);
    }
    return x87_end(f);
}

bool x87_with_memory(fpu *f, int what, int kind)
{
    fp_value v, result;
    if (!x87_fetch(f, kind, &v))
        return false;
    if (what == COMPARE || what == COMPARE_POP)
        return x87_compare_with(f, x87_compare(f, x87_empty(f, 0),
                                               x87_unsupported(f, 0), x87_read(f, 0), v, true),
                            what == COMPARE_POP);
    if (!x87_operands_bad(f, x87_empty(f, 0), x87_unsupported(f, 0), &result))
        result = compute(f, what, x87_read(f, 0), v);
    if (!x87_withheld(f))
        x87_write(f, 0, result);
    return x87_end(f);
}
