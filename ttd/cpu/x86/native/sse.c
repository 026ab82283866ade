/* SSE on floating point: what it gives and what it raises (SDM volume 1, chapters 10 to 12). Unicorn
 * keeps no flags in MXCSR, takes another NaN of two, and does not ask for alignment. */
#include "sse.h"

/* ---- arithmetic ---------------------------------------------------------------------------- */

/* MIN and MAX: the second operand if one is a NaN, or if both are zeros. */
static fp_value choose(fp_context *c, fp_value a, fp_value b, int wanted)
{
    return sse_without_denormal(c, fp_compare(c, a, b, true) == wanted ? a : b);
}

static fp_value compute(fp_context *c, int opcode, int kind, fp_value a, fp_value b)
{
    switch (opcode) {
    case 0x51: return fp_sqrt(c, sse_format(kind), b);
    case 0x58: return fp_add(c, sse_format(kind), a, b);
    case 0x59: return fp_multiply(c, sse_format(kind), a, b);
    case 0x5c: return fp_subtract(c, sse_format(kind), a, b);
    case 0x5d: return choose(c, a, b, -1);
    case 0x5e: return fp_divide(c, sse_format(kind), a, b);
    default: return choose(c, a, b, 1);
    }
}

static bool arithmetic(ttd_engine *e, const ours *o)
{
    int kind = kind_of(o), n = count_of(o), i;
    uint32_t control = sse_control(e);
    fp_context c = sse_context(control);
    xmm a = x86_xmm(e, o->reg), b;
    if (!sse_operand(e, o, size_of(o), &b))
        return false;
    for (i = 0; i < n; i++)
        sse_put(&a, i, kind, compute(&c, o->opcode, kind, sse_get(&a, i, kind), sse_get(&b, i, kind)));
    if (!sse_keep_flags(e, control, &c))
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
    if (!sse_operand(e, o, size_of(o), &b))
        return false;
    for (i = 0; i < n; i++) {
        fp_value v = sse_get(&b, i, SINGLE);
        if (o->opcode == 0x52)
            v = fp_sqrt(&c, &fp_single, v);
        sse_put(&a, i, SINGLE, fp_divide(&c, &fp_single, one, v));
    }
    x86_set_xmm(e, o->reg, a);
    return true;
}

/* HADD and HSUB: of neighbours. */
static bool horizontal(ttd_engine *e, const ours *o)
{
    int kind = o->prefix == 0x66 ? DOUBLE : SINGLE, n = kind == DOUBLE ? 2 : 4, i;
    uint32_t control = sse_control(e);
    fp_context c = sse_context(control);
    xmm a = x86_xmm(e, o->reg), b, result;
    if (!sse_operand(e, o, 16, &b))
        return false;
    for (i = 0; i < n; i++) {
        const xmm *from = i < n / 2 ? &a : &b;
        int at = 2 * i % n;
        sse_put(&result, i, kind, compute(&c, o->opcode == 0x7c ? 0x58 : 0x5c, kind,
                                      sse_get(from, at, kind), sse_get(from, at + 1, kind)));
    }
    if (!sse_keep_flags(e, control, &c))
        return false;
    x86_set_xmm(e, o->reg, result);
    return true;
}

static bool add_subtract(ttd_engine *e, const ours *o)
{
    int kind = o->prefix == 0x66 ? DOUBLE : SINGLE, n = kind == DOUBLE ? 2 : 4, i;
    uint32_t control = sse_control(e);
    fp_context c = sse_context(control);
    xmm a = x86_xmm(e, o->reg), b;
    if (!sse_operand(e, o, 16, &b))
        return false;
    for (i = 0; i < n; i++)
        sse_put(&a, i, kind, compute(&c, i & 1 ? 0x58 : 0x5c, kind, sse_get(&a, i, kind), sse_get(&b, i, kind)));
    if (!sse_keep_flags(e, control, &c))
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
    uint32_t control = sse_control(e);
    fp_context c = sse_context(control);
    fp_value products[4], sum;
    xmm a = x86_xmm(e, o->reg), b, result = { { 0 } };
    if (!sse_operand(e, o, 16, &b))
        return false;
    for (i = 0; i < n; i++) {
        products[i] = (fp_value){ .class = FP_ZERO };
        if (o->immediate >> (4 + i) & 1)
            products[i] = again(kind, fp_multiply(&c, sse_format(kind), sse_get(&a, i, kind),
                                                  sse_get(&b, i, kind)));
    }
    sum = fp_add(&c, sse_format(kind), products[0], products[1]);
    if (kind == SINGLE)
        sum = fp_add(&c, sse_format(kind), again(kind, sum),
                     again(kind, fp_add(&c, sse_format(kind), products[2], products[3])));
    for (i = 0; i < n; i++)
        if (o->immediate >> i & 1)
            sse_put(&result, i, kind, sum);
    if (!sse_keep_flags(e, control, &c))
        return false;
    x86_set_xmm(e, o->reg, result);
    return true;
}

/* ---- comparing ------------------------------------------------------------------------------ */

/* CMPPS and its kin: EQ, LT, LE, UNORD, and their opposites. */
static bool compare(ttd_engine *e, const ours *o)
{
    int kind = kind_of(o), n = count_of(o), which = o->immediate & 3, i;
    uint32_t control = sse_control(e);
    fp_context c = sse_context(control);
    xmm a = x86_xmm(e, o->reg), b;
    if (!sse_operand(e, o, size_of(o), &b))
        return false;
    for (i = 0; i < n; i++) {
        int order = fp_compare(&c, sse_get(&a, i, kind), sse_get(&b, i, kind), which == 1 || which == 2);
        bool yes = which == 0 ? order == 0 : which == 1 ? order == -1 : which == 2 ? order <= 0
            : order == 2;
        yes ^= o->immediate >> 2 & 1;
        if (kind == DOUBLE)
            a.q[i] = yes ? ~0ull : 0;
        else
            a.d[i] = yes ? ~0u : 0;
    }
    if (!sse_keep_flags(e, control, &c))
        return false;
    x86_set_xmm(e, o->reg, a);
    return true;
}

/* COMISS, UCOMISS and of doubles. */
static bool compare_to_flags(ttd_engine *e, const ours *o)
{
    static const uint32_t flags[] = { X86_CF, X86_ZF, 0, X86_ZF | X86_PF | X86_CF };
    int kind = kind_of(o), order;
    uint32_t control = sse_control(e);
    fp_context c = sse_context(control);
    xmm a = x86_xmm(e, o->reg), b;
    if (!sse_operand(e, o, kind == DOUBLE ? 8 : 4, &b))
        return false;
    order = fp_compare(&c, sse_get(&a, 0, kind), sse_get(&b, 0, kind), o->opcode == 0x2f);
    if (!sse_keep_flags(e, control, &c))
        return false;
    x86_set_flags(e, flags[order + 1]);
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
        a.q[0] = x86_from_mmx(e, o->reg & 7);
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
        return x86_to_mmx(e, o->reg & 7, result.q[0]);
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
        return o->opcode >= 8 && o->opcode <= 11 ? sse_round
            : o->opcode == 0x40 || o->opcode == 0x41 ? dot_product : NULL;
    }
    if (o->map == 0x38)
        return plain && !o->memory && is_horizontal(o->opcode)
            && (o->prefix ? o->reg == o->rm : !((o->reg ^ o->rm) & 7)) ? horizontal_integers : NULL;
    if (o->map != 1)
        return NULL;
    switch (o->opcode) {
    case 0x2a: return is_scalar(o) ? sse_from_integer : sse_from_mmx_integers;
    case 0x2c: case 0x2d: return is_scalar(o) ? sse_to_integer : sse_to_mmx_integers;
    case 0x2e: case 0x2f: return plain ? compare_to_flags : NULL;
    case 0x51: case 0x58: case 0x59: case 0x5c: case 0x5d: case 0x5e: case 0x5f: return arithmetic;
    case 0x52: case 0x53: return halves ? NULL : estimate;
    case 0x5a: return sse_between_formats;
    case 0x5b: return o->prefix == 0xf2 ? NULL : sse_packed_integers;
    case 0x7c: case 0x7d: return halves ? horizontal : NULL;
    case 0xae: return o->memory && (o->reg & 7) == 2 && !o->prefix ? load_control : NULL;
    case 0xc2: return compare;
    case 0xd0: return halves ? add_subtract : NULL;
    case 0xe6: return o->prefix ? sse_packed_integers : NULL;
    default: return NULL;
    }
}
