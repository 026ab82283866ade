/* SSE on floating point: MXCSR, operands, and MMX registers. */
#include "sse.h"

uint32_t sse_control(ttd_engine *e)
{
    uint32_t value = 0;
    e->reg_read(e->uc, UC_X86_REG_MXCSR, &value);
    return value;
}

fp_context sse_context(uint32_t control)
{
    return (fp_context){ .rounding = control >> 13 & 3, .masked = control >> 7 & FP_ALL,
                         .zero_inputs = control >> 6 & 1, .zero_results = control >> 15 & 1 };
}

/* CR4.OSXMMEXCPT (volume 3, section 2.5): what is raised is #XM and not #UD. */
static bool reports_simd(ttd_engine *e)
{
    uint64_t cr4 = 0;
    e->reg_read(e->uc, UC_X86_REG_CR4, &cr4);
    return cr4 >> 10 & 1;
}

/* Keep the flags; false if one of them is not masked. Then those of before the operation come
 * alone (volume 1, section 11.5.3). */
bool sse_keep_flags(ttd_engine *e, uint32_t control, const fp_context *c)
{
    int flags = c->flags, raised = flags & ~c->masked;
    if (raised & (FP_IE | FP_DE | FP_ZE))
        flags &= FP_IE | FP_DE | FP_ZE;
    if (flags & ~(int)control) {
        control |= (uint32_t)flags;
        e->reg_write(e->uc, UC_X86_REG_MXCSR, &control);
    }
    return !raised || x86_raise(e, reports_simd(e) ? X86_XM : X86_UD);
}

/* Sixteen bytes of memory have to be aligned. */
bool sse_operand(ttd_engine *e, const ours *o, int size, xmm *out)
{
    if (o->memory && size == 16 && x86_address(e, o) & 15)
        return x86_raise(e, X86_GP);
    return x86_operand(e, o, size, out);
}

fp_value sse_get(const xmm *v, int i, int kind)
{
    return kind == DOUBLE ? fp_from_double(v->q[i]) : fp_from_single(v->d[i]);
}

void sse_put(xmm *v, int i, int kind, fp_value value)
{
    if (kind == DOUBLE)
        v->q[i] = fp_to_double(value);
    else
        v->d[i] = fp_to_single(value);
}

const fp_format *sse_format(int kind) { return kind == DOUBLE ? &fp_double : &fp_single; }


fp_value sse_without_denormal(const fp_context *c, fp_value v)
{
    if (v.denormal && c->zero_inputs) {
        v.class = FP_ZERO;
        v.denormal = false;
    }
    return v;
}

bool x86_to_mmx(ttd_engine *e, int reg, uint64_t value)
{
    uint16_t status = 0, tags = 0;
    uint64_t parts[2] = { value, 0xffff };
    e->reg_read(e->uc, UC_X86_REG_FPSW, &status);
    status &= (uint16_t)~0x3800;
    e->reg_write(e->uc, UC_X86_REG_FPSW, &status);
    e->reg_write(e->uc, UC_X86_REG_FPTAG, &tags);
    e->reg_write(e->uc, UC_X86_REG_FP0 + reg, parts);
    return true;
}

uint64_t x86_from_mmx(ttd_engine *e, int reg)
{
    uint64_t parts[2] = { 0 };
    e->reg_read(e->uc, UC_X86_REG_FP0 + reg, parts);
    return parts[0];
}
