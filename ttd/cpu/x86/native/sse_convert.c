/* SSE on floating point: conversions between formats, and from and to integers. */
#include "sse.h"

/* CVTPI2PS, CVTPI2PD. */
bool sse_from_mmx_integers(ttd_engine *e, const ours *o)
{
    int kind = kind_of(o), i;
    uint32_t control = sse_control(e);
    fp_context c = sse_context(control);
    xmm a = x86_xmm(e, o->reg), b;
    if (o->memory) {
        if (!guest_read(e, x86_address(e, o), 8, &b))
            return false;
    } else {
        b.q[0] = x86_from_mmx(e, o->rm & 7);
    }
    for (i = 1; i >= 0; i--)
        sse_put(&a, i, kind, fp_convert(&c, sse_format(kind), fp_from_int((int32_t)b.d[i])));
    if (!sse_keep_flags(e, control, &c))
        return false;
    if (!o->memory)
        x86_to_mmx(e, o->rm & 7, b.q[0]);     /* it is an MMX instruction, too */
    x86_set_xmm(e, o->reg, a);
    return true;
}

/* CVTSI2SS, CVTSI2SD. */
bool sse_from_integer(ttd_engine *e, const ours *o)
{
    int kind = kind_of(o);
    uint32_t control = sse_control(e);
    fp_context c = sse_context(control);
    xmm a = x86_xmm(e, o->reg);
    uint64_t n = 0;
    if (!o->memory)
        n = x86_gpr(e, o->rm);
    else if (!guest_read(e, x86_address(e, o), o->wide ? 8 : 4, &n))
        return false;
    sse_put(&a, 0, kind, fp_convert(&c, sse_format(kind),
                                fp_from_int(o->wide ? (int64_t)n : (int32_t)n)));
    if (!sse_keep_flags(e, control, &c))
        return false;
    x86_set_xmm(e, o->reg, a);
    return true;
}

/* CVT(T)SS2SI, CVT(T)SD2SI. */
bool sse_to_integer(ttd_engine *e, const ours *o)
{
    int kind = kind_of(o);
    uint32_t control = sse_control(e);
    fp_context c = sse_context(control);
    int64_t n;
    xmm b;
    if (!sse_operand(e, o, size_of(o), &b))
        return false;
    if (o->opcode == 0x2c)
        c.rounding = FP_TRUNCATE;
    n = fp_to_int(&c, sse_without_denormal(&c, sse_get(&b, 0, kind)), o->wide ? 64 : 32);
    if (!sse_keep_flags(e, control, &c))
        return false;
    x86_set_gpr(e, o->reg, o->wide ? (uint64_t)n : (uint32_t)n);
    return true;
}

/* Two or four numbers to integers of 32 bits. */
static void to_integers(fp_context *c, xmm *v, int kind, bool truncate)
{
    int n = kind == DOUBLE ? 2 : 4, i;
    if (truncate)
        c->rounding = FP_TRUNCATE;
    for (i = 0; i < n; i++)
        v->d[i] = (uint32_t)fp_to_int(c, sse_without_denormal(c, sse_get(v, i, kind)), 32);
    if (kind == DOUBLE)
        v->q[1] = 0;
}

/* CVT(T)PS2PI, CVT(T)PD2PI. */
bool sse_to_mmx_integers(ttd_engine *e, const ours *o)
{
    int kind = kind_of(o);
    uint32_t control = sse_control(e);
    fp_context c = sse_context(control);
    xmm b = { { 0 } };
    if (!sse_operand(e, o, kind == DOUBLE ? 16 : 8, &b))
        return false;
    if (kind == SINGLE)
        b.q[1] = 0;                       /* what is there raises nothing */
    to_integers(&c, &b, kind, o->opcode == 0x2c);
    return sse_keep_flags(e, control, &c) && x86_to_mmx(e, o->reg & 7, b.q[0]);
}

/* CVTPS2DQ, CVTTPS2DQ, CVTDQ2PS, CVTPD2DQ, CVTTPD2DQ, CVTDQ2PD. */
bool sse_packed_integers(ttd_engine *e, const ours *o)
{
    bool widens = o->opcode == 0xe6 && o->prefix == 0xf3;
    uint32_t control = sse_control(e);
    fp_context c = sse_context(control);
    xmm b, result;
    int i;
    if (!sse_operand(e, o, widens ? 8 : 16, &b))
        return false;
    result = b;
    if (widens) {
        for (i = 0; i < 2; i++)
            sse_put(&result, i, DOUBLE, fp_from_int((int32_t)b.d[i]));
    } else if (o->opcode == 0x5b && !o->prefix) {
        for (i = 0; i < 4; i++)
            sse_put(&result, i, SINGLE, fp_convert(&c, &fp_single, fp_from_int((int32_t)b.d[i])));
    } else if (o->opcode == 0x5b) {
        to_integers(&c, &result, SINGLE, o->prefix == 0xf3);
    } else {
        to_integers(&c, &result, DOUBLE, o->prefix == 0x66);
    }
    if (!sse_keep_flags(e, control, &c))
        return false;
    x86_set_xmm(e, o->reg, result);
    return true;
}

/* Between singles and doubles. */
bool sse_between_formats(ttd_engine *e, const ours *o)
{
    int from = kind_of(o), to = from == DOUBLE ? SINGLE : DOUBLE, n = is_scalar(o) ? 1 : 2, i;
    uint32_t control = sse_control(e);
    fp_context c = sse_context(control);
    xmm a = { { 0 } }, b;
    if (!sse_operand(e, o, n * (from == DOUBLE ? 8 : 4), &b))
        return false;
    if (is_scalar(o))
        a = x86_xmm(e, o->reg);
    for (i = 0; i < n; i++)
        sse_put(&a, i, to, fp_convert(&c, sse_format(to), sse_get(&b, i, from)));
    if (!sse_keep_flags(e, control, &c))
        return false;
    x86_set_xmm(e, o->reg, a);
    return true;
}

/* ROUNDPS, ROUNDPD, ROUNDSS, ROUNDSD. */
bool sse_round(ttd_engine *e, const ours *o)
{
    int kind = o->opcode & 1 ? DOUBLE : SINGLE, i;
    int n = o->opcode & 2 ? 1 : kind == DOUBLE ? 2 : 4;
    uint32_t control = sse_control(e);
    fp_context c = sse_context(control);
    xmm a = x86_xmm(e, o->reg), b;
    if (!sse_operand(e, o, n > 1 ? 16 : kind == DOUBLE ? 8 : 4, &b))
        return false;
    if (!(o->immediate & 4))
        c.rounding = o->immediate & 3;
    for (i = 0; i < n; i++)
        sse_put(&a, i, kind, fp_round_to_int(&c, sse_without_denormal(&c, sse_get(&b, i, kind))));
    if (o->immediate & 8)
        c.flags &= ~FP_PE;
    if (!sse_keep_flags(e, control, &c))
        return false;
    x86_set_xmm(e, o->reg, a);
    return true;
}
