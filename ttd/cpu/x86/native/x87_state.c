/* The x87 during one instruction: its registers, what a stack fault is, when a result is kept away. */
#include "x87.h"

bool x87_begin(fpu *f, ttd_engine *e, const ours *o)
{
    static const uint8_t precisions[] = { 24, 64, 53, 64 };
    *f = (fpu){ .e = e, .o = o, .format = fp_extended };
    e->reg_read(e->uc, UC_X86_REG_FPCW, &f->control);
    e->reg_read(e->uc, UC_X86_REG_FPSW, &f->status);
    e->reg_read(e->uc, UC_X86_REG_FPTAG, &f->tags);
    if (f->status & SUMMARY)
        return x86_raise(e, X87_MF);
    f->top = f->status >> 11 & 7;
    f->format.precision = precisions[f->control >> 8 & 3];
    f->c = (fp_context){ .rounding = f->control >> 10 & 3, .masked = f->control & FP_ALL,
                         .larger = true, .adjusts = true };
    f->status &= (uint16_t)~C1;
    return true;
}

bool x87_end(fpu *f)
{
    ttd_engine *e = f->e;
    f->status = (uint16_t)((f->status & ~0x3800) | f->top << 11 | f->c.flags);
    if (f->status & FP_ALL & ~f->control)
        f->status |= SUMMARY | BUSY;
    e->reg_write(e->uc, UC_X86_REG_FPSW, &f->status);
    e->reg_write(e->uc, UC_X86_REG_FPTAG, &f->tags);
    return true;
}

void x87_read_raw(fpu *f, int i, uint64_t raw[2])
{
    raw[0] = raw[1] = 0;
    f->e->reg_read(f->e->uc, UC_X86_REG_FP0 + x87_place(f, i), raw);
}

void x87_write_raw(fpu *f, int i, uint64_t frac, uint16_t head)
{
    uint64_t raw[2] = { frac, head };
    f->e->reg_write(f->e->uc, UC_X86_REG_FP0 + x87_place(f, i), raw);
    f->tags &= (uint16_t)~(3 << 2 * x87_place(f, i));
}

fp_value x87_read(fpu *f, int i)
{
    uint64_t raw[2];
    x87_read_raw(f, i, raw);
    return fp_from_extended(raw[0], (uint16_t)raw[1]);
}

void x87_write(fpu *f, int i, fp_value v)
{
    uint64_t frac;
    uint16_t head;
    fp_to_extended(v, &frac, &head);
    x87_write_raw(f, i, frac, head);
}

void x87_pop(fpu *f)
{
    f->tags |= (uint16_t)(3 << 2 * f->top);
    f->top = (f->top + 1) & 7;
}

/* Nothing was in a register, or something (`over`). */
void x87_stack_fault(fpu *f, bool over)
{
    f->c.flags |= FP_IE;
    f->status |= STACK_FAULT | (over ? C1 : 0);
    f->lost = !(f->control & FP_IE);
}

/* Make room; false if that cannot be. The new ST(0) may be the indefinite value then. */
bool x87_push(fpu *f)
{
    if (x87_empty(f, 7)) {
        f->top = (f->top - 1) & 7;
        return true;
    }
    x87_stack_fault(f, true);
    if (!f->lost) {
        f->top = (f->top - 1) & 7;
        x87_write(f, 0, fp_indefinite());
    }
    return false;
}

/* After an operation: are its flags such that it is as if it had not been? */
bool x87_withheld(fpu *f)
{
    if (f->c.flags & ~f->control & (FP_IE | FP_DE | FP_ZE))
        f->lost = true;
    else if (f->c.up)
        f->status |= C1;
    return f->lost;
}
