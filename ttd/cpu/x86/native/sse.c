/* SSE on floating point: what it gives and what it raises (SDM volume 1, chapters 10 to 12). Unicorn
 * keeps no flags in MXCSR, takes another NaN of two, and does not ask for alignment. */
#include "x86.h"

#include "softfloat.h"

enum { SINGLE, DOUBLE };

static uint32_t mxcsr(ttd_engine *e)
{
    uint32_t value = 0;
    e->reg_read(e->uc, UC_X86_REG_MXCSR, &value);
    return value;
}

static fp_context context_of(uint32_t control)
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
static bool keep_flags(ttd_engine *e, uint32_t control, const fp_context *c)
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
static bool operand(ttd_engine *e, const ours *o, int size, xmm *out)
{
    if (o->memory && size == 16 && x86_address(e, o) & 15)
        return x86_raise(e, X86_GP);
    return x86_operand(e, o, size, out);
}

static fp_value get(const xmm *v, int i, int kind)
{
    return kind == DOUBLE ? fp_from_double(v->q[i]) : fp_from_single(v->d[i]);
}

static void put(xmm *v, int i, int kind, fp_value value)
{
    if (kind == DOUBLE)
        v->q[i] = fp_to_double(value);
    else
        v->d[i] = fp_to_single(value);
}

static const fp_format *format(int kind) { return kind == DOUBLE ? &fp_double : &fp_single; }

/* By prefix: single or double, packed or scalar. */
static int kind_of(const ours *o) { return o->prefix == 0x66 || o->prefix == 0xf2 ? DOUBLE : SINGLE; }
static bool is_scalar(const ours *o) { return o->prefix == 0xf2 || o->prefix == 0xf3; }
static int count_of(const ours *o) { return is_scalar(o) ? 1 : kind_of(o) == DOUBLE ? 2 : 4; }
static int size_of(const ours *o) { return !is_scalar(o) ? 16 : kind_of(o) == DOUBLE ? 8 : 4; }

static fp_value without_denormal(const fp_context *c, fp_value v)
{
    if (v.denormal && c->zero_inputs) {
        v.class = FP_ZERO;
        v.denormal = false;
    }
    return v;
}

/* ---- arithmetic ---------------------------------------------------------------------------- */

/* MIN and MAX: the second operand if one is a NaN, or if both are zeros. */
static fp_value choose(fp_context *c, fp_value a, fp_value b, int wanted)
{
    return without_denormal(c, fp_compare(c, a, b, true) == wanted ? a : b);
}

static fp_value compute(fp_context *c, int opcode, int kind, fp_value a, fp_value b)
{
    switch (opcode) {
    case 0x51: return fp_sqrt(c, format(kind), b);
    case 0x58: return fp_add(c, format(kind), a, b);
    case 0x59: return fp_multiply(c, format(kind), a, b);
    case 0x5c: return fp_subtract(c, format(kind), a, b);
    case 0x5d: return choose(c, a, b, -1);
    case 0x5e: return fp_divide(c, format(kind), a, b);
    default: return choose(c, a, b, 1);
    }
}

static bool arithmetic(ttd_engine *e, const ours *o)
{
    int kind = kind_of(o), n = count_of(o), i;
    uint32_t control = mxcsr(e);
    fp_context c = context_of(control);
    xmm a = x86_xmm(e, o->reg), b;
    if (!operand(e, o, size_of(o), &b))
        return false;
    for (i = 0; i < n; i++)
        put(&a, i, kind, compute(&c, o->opcode, kind, get(&a, i, kind), get(&b, i, kind)));
    if (!keep_flags(e, control, &c))
        return false;
    x86_set_xmm(e, o->reg, a);
    return true;
}

/* RCP and RSQRT: exactly rounded where a processor gives 12 bits. They raise nothing, and take
 * denormals for zeros. */
static bool estimate(ttd_engine *e, const ours *o)
{
    fp_context c = { .masked = FP_ALL, .zero_inputs = true, .zero_results = true };
    const fp_value one = fp_from_int(1);
    int n = count_of(o), i;
    xmm a = x86_xmm(e, o->reg), b;
    if (!operand(e, o, size_of(o), &b))
        return false;
    for (i = 0; i < n; i++) {
        fp_value v = get(&b, i, SINGLE);
        if (o->opcode == 0x52)
            v = fp_sqrt(&c, &fp_single, v);
        put(&a, i, SINGLE, fp_divide(&c, &fp_single, one, v));
    }
    x86_set_xmm(e, o->reg, a);
    return true;
}

/* HADD and HSUB: of neighbours. */
static bool horizontal(ttd_engine *e, const ours *o)
{
    int kind = o->prefix == 0x66 ? DOUBLE : SINGLE, n = kind == DOUBLE ? 2 : 4, i;
    uint32_t control = mxcsr(e);
    fp_context c = context_of(control);
    xmm a = x86_xmm(e, o->reg), b, result;
    if (!operand(e, o, 16, &b))
        return false;
    for (i = 0; i < n; i++) {
        const xmm *from = i < n / 2 ? &a : &b;
        int at = 2 * i % n;
        put(&result, i, kind, compute(&c, o->opcode == 0x7c ? 0x58 : 0x5c, kind,
                                      get(from, at, kind), get(from, at + 1, kind)));
    }
    if (!keep_flags(e, control, &c))
        return false;
    x86_set_xmm(e, o->reg, result);
    return true;
}

static bool add_subtract(ttd_engine *e, const ours *o)
{
    int kind = o->prefix == 0x66 ? DOUBLE : SINGLE, n = kind == DOUBLE ? 2 : 4, i;
    uint32_t control = mxcsr(e);
    fp_context c = context_of(control);
    xmm a = x86_xmm(e, o->reg), b;
    if (!operand(e, o, 16, &b))
        return false;
    for (i = 0; i < n; i++)
        put(&a, i, kind, compute(&c, i & 1 ? 0x58 : 0x5c, kind, get(&a, i, kind), get(&b, i, kind)));
    if (!keep_flags(e, control, &c))
        return false;
    x86_set_xmm(e, o->reg, a);
    return true;
}

/* What an operation gave, as an operand of the next one. */
static fp_value again(int kind, fp_value v)
{
    return kind == DOUBLE ? fp_from_double(fp_to_double(v)) : fp_from_single(fp_to_single(v));
}

/* DPPS and DPPD. */
static bool dot_product(ttd_engine *e, const ours *o)
{
    int kind = o->opcode == 0x41 ? DOUBLE : SINGLE, n = kind == DOUBLE ? 2 : 4, i;
    uint32_t control = mxcsr(e);
    fp_context c = context_of(control);
    fp_value products[4], sum;
    xmm a = x86_xmm(e, o->reg), b, result = { { 0 } };
    if (!operand(e, o, 16, &b))
        return false;
    for (i = 0; i < n; i++) {
        products[i] = (fp_value){ .class = FP_ZERO };
        if (o->immediate >> (4 + i) & 1)
            products[i] = again(kind, fp_multiply(&c, format(kind), get(&a, i, kind),
                                                  get(&b, i, kind)));
    }
    sum = fp_add(&c, format(kind), products[0], products[1]);
    if (kind == SINGLE)
        sum = fp_add(&c, format(kind), again(kind, sum),
                     again(kind, fp_add(&c, format(kind), products[2], products[3])));
    for (i = 0; i < n; i++)
        if (o->immediate >> i & 1)
            put(&result, i, kind, sum);
    if (!keep_flags(e, control, &c))
        return false;
    x86_set_xmm(e, o->reg, result);
    return true;
}

/* ---- comparing ------------------------------------------------------------------------------ */

/* CMPPS and its kin: EQ, LT, LE, UNORD, and their opposites. */
static bool compare(ttd_engine *e, const ours *o)
{
    int kind = kind_of(o), n = count_of(o), which = o->immediate & 3, i;
    uint32_t control = mxcsr(e);
    fp_context c = context_of(control);
    xmm a = x86_xmm(e, o->reg), b;
    if (!operand(e, o, size_of(o), &b))
        return false;
    for (i = 0; i < n; i++) {
        int order = fp_compare(&c, get(&a, i, kind), get(&b, i, kind), which == 1 || which == 2);
        bool yes = which == 0 ? order == 0 : which == 1 ? order == -1 : which == 2 ? order <= 0
            : order == 2;
        yes ^= o->immediate >> 2 & 1;
        if (kind == DOUBLE)
            a.q[i] = yes ? ~0ull : 0;
        else
            a.d[i] = yes ? ~0u : 0;
    }
    if (!keep_flags(e, control, &c))
        return false;
    x86_set_xmm(e, o->reg, a);
    return true;
}

/* COMISS, UCOMISS and of doubles. */
static bool compare_to_flags(ttd_engine *e, const ours *o)
{
    static const uint32_t flags[] = { X86_CF, X86_ZF, 0, X86_ZF | X86_PF | X86_CF };
    int kind = kind_of(o), order;
    uint32_t control = mxcsr(e);
    fp_context c = context_of(control);
    xmm a = x86_xmm(e, o->reg), b;
    if (!operand(e, o, kind == DOUBLE ? 8 : 4, &b))
        return false;
    order = fp_compare(&c, get(&a, 0, kind), get(&b, 0, kind), o->opcode == 0x2f);
    if (!keep_flags(e, control, &c))
        return false;
    x86_set_flags(e, flags[order + 1]);
    return true;
}

/* ---- conversions ---------------------------------------------------------------------------- */

static bool to_mmx(ttd_engine *e, int reg, uint64_t value)
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

static uint64_t from_mmx(ttd_engine *e, int reg)
{
    uint64_t parts[2] = { 0 };
    e->reg_read(e->uc, UC_X86_REG_FP0 + reg, parts);
    return parts[0];
}

/* CVTPI2PS, CVTPI2PD. */
static bool from_mmx_integers(ttd_engine *e, const ours *o)
{
    int kind = kind_of(o), i;
    uint32_t control = mxcsr(e);
    fp_context c = context_of(control);
    xmm a = x86_xmm(e, o->reg), b;
    if (o->memory) {
        if (!guest_read(e, x86_address(e, o), 8, &b))
            return false;
    } else {
        b.q[0] = from_mmx(e, o->rm & 7);
    }
    for (i = 1; i >= 0; i--)
        put(&a, i, kind, fp_convert(&c, format(kind), fp_from_int((int32_t)b.d[i])));
    if (!keep_flags(e, control, &c))
        return false;
    if (!o->memory)
        to_mmx(e, o->rm & 7, b.q[0]);     /* it is an MMX instruction, too */
    x86_set_xmm(e, o->reg, a);
    return true;
}

/* CVTSI2SS, CVTSI2SD. */
static bool from_integer(ttd_engine *e, const ours *o)
{
    int kind = kind_of(o);
    uint32_t control = mxcsr(e);
    fp_context c = context_of(control);
    xmm a = x86_xmm(e, o->reg);
    uint64_t n = 0;
    if (!o->memory)
        n = x86_gpr(e, o->rm);
    else if (!guest_read(e, x86_address(e, o), o->wide ? 8 : 4, &n))
        return false;
    put(&a, 0, kind, fp_convert(&c, format(kind),
                                fp_from_int(o->wide ? (int64_t)n : (int32_t)n)));
    if (!keep_flags(e, control, &c))
        return false;
    x86_set_xmm(e, o->reg, a);
    return true;
}

/* CVT(T)SS2SI, CVT(T)SD2SI. */
static bool to_integer(ttd_engine *e, const ours *o)
{
    int kind = kind_of(o);
    uint32_t control = mxcsr(e);
    fp_context c = context_of(control);
    int64_t n;
    xmm b;
    if (!operand(e, o, size_of(o), &b))
        return false;
    if (o->opcode == 0x2c)
        c.rounding = FP_TRUNCATE;
    n = fp_to_int(&c, without_denormal(&c, get(&b, 0, kind)), o->wide ? 64 : 32);
    if (!keep_flags(e, control, &c))
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
        v->d[i] = (uint32_t)fp_to_int(c, without_denormal(c, get(v, i, kind)), 32);
    if (kind == DOUBLE)
        v->q[1] = 0;
}

/* CVT(T)PS2PI, CVT(T)PD2PI. */
static bool to_mmx_integers(ttd_engine *e, const ours *o)
{
    int kind = kind_of(o);
    uint32_t control = mxcsr(e);
    fp_context c = context_of(control);
    xmm b = { { 0 } };
    if (!operand(e, o, kind == DOUBLE ? 16 : 8, &b))
        return false;
    if (kind == SINGLE)
        b.q[1] = 0;                       /* what is there raises nothing */
    to_integers(&c, &b, kind, o->opcode == 0x2c);
    return keep_flags(e, control, &c) && to_mmx(e, o->reg & 7, b.q[0]);
}

/* CVTPS2DQ, CVTTPS2DQ, CVTDQ2PS, CVTPD2DQ, CVTTPD2DQ, CVTDQ2PD. */
static bool packed_integers(ttd_engine *e, const ours *o)
{
    bool widens = o->opcode == 0xe6 && o->prefix == 0xf3;
    uint32_t control = mxcsr(e);
    fp_context c = context_of(control);
    xmm b, result;
    int i;
    if (!operand(e, o, widens ? 8 : 16, &b))
        return false;
    result = b;
    if (widens) {
        for (i = 0; i < 2; i++)
            put(&result, i, DOUBLE, fp_from_int((int32_t)b.d[i]));
    } else if (o->opcode == 0x5b && !o->prefix) {
        for (i = 0; i < 4; i++)
            put(&result, i, SINGLE, fp_convert(&c, &fp_single, fp_from_int((int32_t)b.d[i])));
    } else if (o->opcode == 0x5b) {
        to_integers(&c, &result, SINGLE, o->prefix == 0xf3);
    } else {
        to_integers(&c, &result, DOUBLE, o->prefix == 0x66);
    }
    if (!keep_flags(e, control, &c))
        return false;
    x86_set_xmm(e, o->reg, result);
    return true;
}

/* Between singles and doubles. */
static bool between_formats(ttd_engine *e, const ours *o)
{
    int from = kind_of(o), to = from == DOUBLE ? SINGLE : DOUBLE, n = is_scalar(o) ? 1 : 2, i;
    uint32_t control = mxcsr(e);
    fp_context c = context_of(control);
    xmm a = { { 0 } }, b;
    if (!operand(e, o, n * (from == DOUBLE ? 8 : 4), &b))
        return false;
    if (is_scalar(o))
        a = x86_xmm(e, o->reg);
    for (i = 0; i < n; i++)
        put(&a, i, to, fp_convert(&c, format(to), get(&b, i, from)));
    if (!keep_flags(e, control, &c))
        return false;
    x86_set_xmm(e, o->reg, a);
    return true;
}

/* ROUNDPS, ROUNDPD, ROUNDSS, ROUNDSD. */
static bool round_to_integral(ttd_engine *e, const ours *o)
{
    int kind = o->opcode & 1 ? DOUBLE : SINGLE, i;
    int n = o->opcode & 2 ? 1 : kind == DOUBLE ? 2 : 4;
    uint32_t control = mxcsr(e);
    fp_context c = context_of(control);
    xmm a = x86_xmm(e, o->reg), b;
    if (!operand(e, o, n > 1 ? 16 : kind == DOUBLE ? 8 : 4, &b))
        return false;
    if (!(o->immediate & 4))
        c.rounding = o->immediate & 3;
    for (i = 0; i < n; i++)
        put(&a, i, kind, fp_round_to_int(&c, without_denormal(&c, get(&b, i, kind))));
    if (o->immediate & 8)
        c.flags &= ~FP_PE;
    if (!keep_flags(e, control, &c))
        return false;
    x86_set_xmm(e, o->reg, a);
    return true;
}

/* PHADDW, PHADDD, PHADDSW, PHSUBW, PHSUBD, PHSUBSW of a register and itself, from which Unicorn reads
 * what it has just written. */
static bool horizontal_integers(ttd_engine *e, const ours *o)
{
    bool mmx = !o->prefix, twice = (o->opcode & 3) == 2, saturates = (o->opcode & 3) == 3;
    int n = mmx ? 4 : 8, i;
    xmm a = { { 0 } }, result = { { 0 } };
    if (mmx)
        a.q[0] = from_mmx(e, o->reg & 7);
    else
        a = x86_xmm(e, o->reg);
    for (i = 0; i < n / 2; i++) {
        if (twice && !(i & 1)) {
            uint32_t b = a.d[i + 1];
            result.d[i / 2] = a.d[i] + (o->opcode & 4 ? -b : b);
        } else if (!twice) {
            int32_t b = (int16_t)a.w[2 * i + 1];
            int32_t v = (int16_t)a.w[2 * i] + (o->opcode & 4 ? -b : b);
            if (saturates)
                v = v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v;
            result.w[i] = (uint16_t)v;
        }
    }
    if (mmx) {
        result.d[1] = result.d[0];
        return to_mmx(e, o->reg & 7, result.q[0]);
    }
    result.q[1] = result.q[0];
    x86_set_xmm(e, o->reg, result);
    return true;
}

/* LDMXCSR: a reserved bit is a fault. */
static bool load_control(ttd_engine *e, const ours *o)
{
    uint32_t value = 0;
    if (!guest_read(e, x86_address(e, o), 4, &value))
        return false;
    if (value >> 16)
        return x86_raise(e, X86_GP);
    e->reg_write(e->uc, UC_X86_REG_MXCSR, &value);
    return true;
}

/* ---- which they are -------------------------------------------------------------------------- */

static bool is_horizontal(int opcode)
{
    return (opcode >= 1 && opcode <= 3) || (opcode >= 5 && opcode <= 7);
}

bool (*sse_find(const ours *o))(ttd_engine *, const ours *)
{
    bool halves = o->prefix == 0x66 || o->prefix == 0xf2, plain = !o->prefix || o->prefix == 0x66;
    if (o->map == 0x3a) {
        if (o->prefix != 0x66)
            return NULL;
        return o->opcode >= 8 && o->opcode <= 11 ? round_to_integral
            : o->opcode == 0x40 || o->opcode == 0x41 ? dot_product : NULL;
    }
    if (o->map == 0x38)
        return plain && !o->memory && is_horizontal(o->opcode)
            && (o->prefix ? o->reg == o->rm : !((o->reg ^ o->rm) & 7)) ? horizontal_integers : NULL;
    if (o->map != 1)
        return NULL;
    switch (o->opcode) {
    case 0x2a: return is_scalar(o) ? from_integer : from_mmx_integers;
    case 0x2c: case 0x2d: return is_scalar(o) ? to_integer : to_mmx_integers;
    case 0x2e: case 0x2f: return plain ? compare_to_flags : NULL;
    case 0x51: case 0x58: case 0x59: case 0x5c: case 0x5d: case 0x5e: case 0x5f: return arithmetic;
    case 0x52: case 0x53: return halves ? NULL : estimate;
    case 0x5a: return between_formats;
    case 0x5b: return o->prefix == 0xf2 ? NULL : packed_integers;
    case 0x7c: case 0x7d: return halves ? horizontal : NULL;
    case 0xae: return o->memory && (o->reg & 7) == 2 && !o->prefix ? load_control : NULL;
    case 0xc2: return compare;
    case 0xd0: return halves ? add_subtract : NULL;
    case 0xe6: return o->prefix ? packed_integers : NULL;
    default: return NULL;
    }
}
