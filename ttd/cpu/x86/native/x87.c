/* The x87: what it gives, and what it raises (SDM volume 1, chapter 8; volume 2, the instructions).
 * Unicorn raises next to nothing, and rounds constants one way. What moves control words or the whole
 * state is Unicorn's still; functions such as FSIN are the processor model's. */
#include "x86.h"

#include "softfloat.h"

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

/* ---- the registers -------------------------------------------------------------------------- */

static bool begin(fpu *f, ttd_engine *e, const ours *o)
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

static bool end(fpu *f)
{
    ttd_engine *e = f->e;
    f->status = (uint16_t)((f->status & ~0x3800) | f->top << 11 | f->c.flags);
    if (f->status & FP_ALL & ~f->control)
        f->status |= SUMMARY | BUSY;
    e->reg_write(e->uc, UC_X86_REG_FPSW, &f->status);
    e->reg_write(e->uc, UC_X86_REG_FPTAG, &f->tags);
    return true;
}

static int place(const fpu *f, int i) { return (f->top + i) & 7; }

static bool empty(const fpu *f, int i) { return (f->tags >> 2 * place(f, i) & 3) == 3; }

static void read_raw(fpu *f, int i, uint64_t raw[2])
{
    raw[0] = raw[1] = 0;
    f->e->reg_read(f->e->uc, UC_X86_REG_FP0 + place(f, i), raw);
}

static void write_raw(fpu *f, int i, uint64_t frac, uint16_t head)
{
    uint64_t raw[2] = { frac, head };
    f->e->reg_write(f->e->uc, UC_X86_REG_FP0 + place(f, i), raw);
    f->tags &= (uint16_t)~(3 << 2 * place(f, i));
}

static fp_value read_value(fpu *f, int i)
{
    uint64_t raw[2];
    read_raw(f, i, raw);
    return fp_from_extended(raw[0], (uint16_t)raw[1]);
}

static void write_value(fpu *f, int i, fp_value v)
{
    uint64_t frac;
    uint16_t head;
    fp_to_extended(v, &frac, &head);
    write_raw(f, i, frac, head);
}

static void pop(fpu *f)
{
    f->tags |= (uint16_t)(3 << 2 * f->top);
    f->top = (f->top + 1) & 7;
}

/* Nothing was in a register, or something (`over`). */
static void stack_fault(fpu *f, bool over)
{
    f->c.flags |= FP_IE;
    f->status |= STACK_FAULT | (over ? C1 : 0);
    f->lost = !(f->control & FP_IE);
}

/* Make room; false if that cannot be. The new ST(0) may be the indefinite value then. */
static bool push(fpu *f)
{
    if (empty(f, 7)) {
        f->top = (f->top - 1) & 7;
        return true;
    }
    stack_fault(f, true);
    if (!f->lost) {
        f->top = (f->top - 1) & 7;
        write_value(f, 0, fp_indefinite());
    }
    return false;
}

/* After an operation: are its flags such that it is as if it had not been? */
static bool withheld(fpu *f)
{
    if (f->c.flags & ~f->control & (FP_IE | FP_DE | FP_ZE))
        f->lost = true;
    else if (f->c.up)
        f->status |= C1;
    return f->lost;
}

/* ---- memory --------------------------------------------------------------------------------- */

enum { SINGLE, LONG, DOUBLE, WORD, QUAD };
static const uint8_t sizes[] = { 4, 4, 8, 2, 8 };

/* A number from memory; denormal, and signalling, as there. */
static bool fetch(fpu *f, int kind, fp_value *v)
{
    uint64_t bits = 0;
    if (!guest_read(f->e, x86_address(f->e, f->o), sizes[kind], &bits))
        return false;
    switch (kind) {
    case SINGLE: *v = fp_from_single((uint32_t)bits); break;
    case DOUBLE: *v = fp_from_double(bits); break;
    case LONG: *v = fp_from_int((int32_t)bits); break;
    case WORD: *v = fp_from_int((int16_t)bits); break;
    default: *v = fp_from_int((int64_t)bits);
    }
    return true;
}

/* ST(0) to memory, rounded. */
static bool store(fpu *f, int kind, bool truncate, bool pops)
{
    static const fp_format *formats[] = { &fp_single, NULL, &fp_double };
    fp_value v = read_value(f, 0);
    uint64_t bits;
    if (truncate)
        f->c.rounding = FP_TRUNCATE;
    if (empty(f, 0)) {
        stack_fault(f, false);
        v = fp_indefinite();
    }
    if (kind == SINGLE || kind == DOUBLE) {
        f->c.adjusts = false;
        v = fp_convert(&f->c, formats[kind], v);
        f->c.flags &= ~FP_DE;             /* that is for what reads */
        if (f->c.flags & ~f->control & (FP_OE | FP_UE)) {
            f->c.flags &= ~FP_PE;
            f->lost = true;
        }
        bits = kind == SINGLE ? fp_to_single(v) : fp_to_double(v);
    } else {
        bits = (uint64_t)fp_to_int(&f->c, v, 8 * sizes[kind]);
    }
    if (withheld(f))
        return end(f);
    if (!guest_write(f->e, x86_address(f->e, f->o), sizes[kind], &bits))
        return false;
    if (pops)
        pop(f);
    return end(f);
}

static bool store_extended(fpu *f)
{
    uint64_t raw[2];
    read_raw(f, 0, raw);
    if (empty(f, 0)) {
        stack_fault(f, false);
        raw[0] = 3ull << 62;
        raw[1] = 0xffff;
    }
    if (f->lost)
        return end(f);
    if (!guest_write(f->e, x86_address(f->e, f->o), 10, raw))
        return false;
    pop(f);
    return end(f);
}

/* FBSTP: eighteen digits and a sign. */
static bool store_decimal(fpu *f)
{
    uint8_t bytes[10] = { 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff };
    fp_value v = read_value(f, 0);
    int64_t n, i;
    if (empty(f, 0)) {
        stack_fault(f, false);
        v = fp_indefinite();
    }
    n = fp_to_int(&f->c, v, 64);
    if (!(f->c.flags & FP_IE) && (n > 999999999999999999 || n < -999999999999999999)) {
        f->c.flags = FP_IE;
        f->c.up = false;
    }
    if (withheld(f))
        return end(f);
    if (!(f->c.flags & FP_IE)) {
        uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;
        for (i = 0; i < 9; i++, rest /= 100)
            bytes[i] = (uint8_t)(rest % 10 | rest / 10 % 10 << 4);
        bytes[9] = v.sign ? 0x80 : 0;
    }
    if (!guest_write(f->e, x86_address(f->e, f->o), 10, bytes))
        return false;
    pop(f);
    return end(f);
}

static bool load_decimal(fpu *f)
{
    uint8_t bytes[10];
    fp_value v;
    int64_t n = 0;
    if (!guest_read(f->e, x86_address(f->e, f->o), 10, bytes))
        return false;
    for (int i = 8; i >= 0; i--)
        n = n * 100 + (bytes[i] >> 4) * 10 + (bytes[i] & 15);
    v = fp_from_int(n);
    v.sign = bytes[9] >> 7;
    if (push(f))
        write_value(f, 0, v);
    return end(f);
}

static bool load(fpu *f, int kind)
{
    fp_value v;
    if (!fetch(f, kind, &v))
        return false;
    if (!empty(f, 7)) {
        push(f);
        return end(f);
    }
    v = fp_convert(&f->c, &fp_extended, v);
    if (!withheld(f) && push(f))
        write_value(f, 0, v);
    return end(f);
}

static bool load_extended(fpu *f)
{
    uint64_t raw[2] = { 0 };
    if (!guest_read(f->e, x86_address(f->e, f->o), 10, raw))
        return false;
    if (push(f))
        write_raw(f, 0, raw[0], (uint16_t)raw[1]);
    return end(f);
}

/* ---- arithmetic ----------------------------------------------------------------------------- */

enum { ADD, MULTIPLY, COMPARE, COMPARE_POP, SUBTRACT, SUBTRACT_REVERSED, DIVIDE, DIVIDE_REVERSED };

static bool unsupported(fpu *f, int i)
{
    uint64_t raw[2];
    read_raw(f, i, raw);
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
static bool operands_bad(fpu *f, bool nothing, bool bad, fp_value *result)
{
    if (nothing)
        stack_fault(f, false);
    else if (bad)
        f->c.flags |= FP_IE;
    *result = fp_indefinite();
    return nothing || bad;
}

/* ST(to) = ST(to) op ST(from). */
static bool between_registers(fpu *f, int what, int to, int from, bool pops)
{
    fp_value v;
    if (!operands_bad(f, empty(f, to) || empty(f, from), unsupported(f, to) || unsupported(f, from),
                      &v))
        v = compute(f, what, read_value(f, to), read_value(f, from));
    if (!withheld(f)) {
        write_value(f, to, v);
        if (pops)
            pop(f);
    }
    return end(f);
}

/* What an order is in the condition codes. */
static uint16_t conditions(int order)
{
    return order == 2 ? UNORDERED : order < 0 ? C0 : order ? 0 : C3;
}

static int compare(fpu *f, bool nothing, bool bad, fp_value a, fp_value b, bool signals)
{
    fp_value none;
    if (operands_bad(f, nothing, bad, &none))
        return 2;
    return fp_compare(&f->c, a, b, signals);
}

/* FCOM and its kin; ST(0) against a value. */
static bool compare_with(fpu *f, int order, int pops)
{
    f->status = (uint16_t)((f->status & ~CONDITIONS) | conditions(order));
    if (!withheld(f))
        while (pops--)
            pop(f);
    return end(f);
}

static bool compare_register(fpu *f, int i, bool signals, int pops)
{
    return compare_with(f, compare(f, empty(f, 0) || empty(f, i), unsupported(f, 0) || unsupported(f, i),
                                   read_value(f, 0), read_value(f, i), signals), pops);
}

/* FCOMI and its kin. */
static bool compare_to_flags(fpu *f, int i, bool signals, bool pops)
{
    static const uint32_t flags[] = { X86_CF, X86_ZF, 0, X86_ZF | X86_PF | X86_CF };
    int order = compare(f, empty(f, 0) || empty(f, i), unsupported(f, 0) || unsupported(f, i),
                        read_value(f, 0), read_value(f, i), signals);
    if (!withheld(f)) {
        x86_set_flags(f->e, flags[order + 1]);
        if (pops)
            pop(f);
    }
    return end(f);
}

static bool with_memory(fpu *f, int what, int kind)
{
    fp_value v, result;
    if (!fetch(f, kind, &v))
        return false;
    if (what == COMPARE || what == COMPARE_POP)
        return compare_with(f, compare(f, empty(f, 0), unsupported(f, 0), read_value(f, 0), v, true),
                            what == COMPARE_POP);
    if (!operands_bad(f, empty(f, 0), unsupported(f, 0), &result))
        result = compute(f, what, read_value(f, 0), v);
    if (!withheld(f))
        write_value(f, 0, result);
    return end(f);
}

/* ---- on ST(0) alone ------------------------------------------------------------------------- */

static bool load_constant(fpu *f, int which)
{
    /* Truncated to 64 bits, and what is behind: 1, log2 10, log2 e, pi, log10 2, log e 2, 0. */
    static const struct { uint64_t frac; int exp; bool above_half; } constants[] = {
        { 1ull << 63, 0, false }, { 0xd49a784bcd1b8afe, 1, false }, { 0xb8aa3b295c17f0bb, 0, true },
        { 0xc90fdaa22168c234, 1, true }, { 0x9a209a84fbcff798, -2, true },
        { 0xb17217f7d1cf79ab, -1, true },
    };
    fp_value v = { .class = FP_ZERO };
    if (which < 6) {
        v = (fp_value){ .class = FP_FINITE, .exp = constants[which].exp, .frac = constants[which].frac };
        if (which && (f->c.rounding == FP_UP
                      || (f->c.rounding == FP_NEAREST && constants[which].above_half)))
            v.frac++;
    }
    if (push(f))
        write_value(f, 0, v);
    return end(f);
}

static bool examine(fpu *f)
{
    uint64_t raw[2];
    uint16_t exponent, found;
    read_raw(f, 0, raw);
    exponent = raw[1] & 0x7fff;
    if (empty(f, 0))
        found = C3 | C0;
    else if (!exponent)
        found = raw[0] ? C3 | C2 : C3;
    else if (!(raw[0] >> 63))
        found = 0;
    else if (exponent == 0x7fff)
        found = raw[0] << 1 ? C0 : C2 | C0;
    else
        found = C2;
    f->status = (uint16_t)((f->status & ~CONDITIONS) | found | (raw[1] & 0x8000 ? C1 : 0));
    return end(f);
}

/* FCHS and FABS. */
static bool change_sign(fpu *f, bool flips)
{
    uint64_t raw[2];
    read_raw(f, 0, raw);
    if (empty(f, 0)) {
        stack_fault(f, false);
        raw[0] = 3ull << 62;
        raw[1] = 0xffff;
    } else {
        raw[1] = flips ? raw[1] ^ 0x8000 : raw[1] & 0x7fff;
    }
    if (!f->lost)
        write_raw(f, 0, raw[0], (uint16_t)raw[1]);
    return end(f);
}

static bool replace(fpu *f, fp_value (*compute_it)(fpu *, fp_value))
{
    fp_value v;
    if (!operands_bad(f, empty(f, 0), unsupported(f, 0), &v))
        v = compute_it(f, read_value(f, 0));
    if (!withheld(f))
        write_value(f, 0, v);
    return end(f);
}

static fp_value root(fpu *f, fp_value v) { return fp_sqrt(&f->c, &f->format, v); }

static fp_value integral(fpu *f, fp_value v)
{
    return fp_round_to_int(&f->c, fp_is_nan(v) ? v : fp_input(&f->c, v));
}

static bool extract(fpu *f)
{
    fp_value v, exponent;
    if (!empty(f, 7)) {
        stack_fault(f, true);
        v = exponent = fp_indefinite();
    } else if (operands_bad(f, empty(f, 0), unsupported(f, 0), &v)) {
        exponent = v;
    } else {
        v = read_value(f, 0);
        if (fp_is_nan(v)) {
            v = exponent = fp_pick_nan(&f->c, v, v);
        } else if (v.class == FP_ZERO) {
            f->c.flags |= FP_ZE;
            exponent = (fp_value){ .class = FP_INFINITE, .sign = true };
        } else if (v.class == FP_INFINITE) {
            exponent = (fp_value){ .class = FP_INFINITE };
        } else {
            v = fp_input(&f->c, v);
            exponent = fp_from_int(v.exp);
            v.exp = 0;
        }
    }
    if (!withheld(f)) {
        write_value(f, 0, exponent);
        f->top = (f->top - 1) & 7;
        write_value(f, 0, v);
    }
    return end(f);
}

/* ---- on ST(0) and ST(1) --------------------------------------------------------------------- */

static bool scale(fpu *f)
{
    fp_value a = read_value(f, 0), b = read_value(f, 1), v;
    fp_context exact = { .rounding = FP_TRUNCATE };
    if (!operands_bad(f, empty(f, 0) || empty(f, 1), unsupported(f, 0) || unsupported(f, 1), &v)) {
        if (fp_is_nan(a) || fp_is_nan(b)) {
            v = fp_pick_nan(&f->c, a, b);
        } else if (b.class == FP_INFINITE && a.class == (b.sign ? FP_INFINITE : FP_ZERO)) {
            f->c.flags |= FP_IE;
        } else {
            a = fp_input(&f->c, a);
            b = fp_input(&f->c, b);
            v = a;
            if (b.class == FP_INFINITE)
                v.class = b.sign ? FP_ZERO : FP_INFINITE;
            else if (a.class == FP_FINITE)
                v = fp_scale(&f->c, &fp_extended, a, b.class == FP_ZERO ? 0 : b.exp > 16
                             ? (b.sign ? -65536 : 65536) : (int)fp_to_int(&exact, b, 32));
        }
    }
    if (!withheld(f))
        write_value(f, 0, v);
    return end(f);
}

/* FPREM and FPREM1: at once if the exponents are less than 64 apart, else so many bits of the quotient
 * that at least 32 are done. */
static bool remainder_of(fpu *f, bool nearest)
{
    fp_value a = read_value(f, 0), b = read_value(f, 1), v;
    uint64_t quotient = 0;
    bool partial = false, divided = false;
    if (!operands_bad(f, empty(f, 0) || empty(f, 1), unsupported(f, 0) || unsupported(f, 1), &v)) {
        if (fp_is_nan(a) || fp_is_nan(b)) {
            v = fp_pick_nan(&f->c, a, b);
        } else if (a.class == FP_INFINITE || b.class == FP_ZERO) {
            f->c.flags |= FP_IE;
        } else {
            divided = true;
            v = a = fp_input(&f->c, a);
            b = fp_input(&f->c, b);
            if (a.class == FP_FINITE && b.class == FP_FINITE) {
                int apart = a.exp - b.exp;
                partial = apart >= 64;
                quotient = fp_remainder(&v, b, nearest, apart,
                                        partial ? apart - (32 + (apart & 31)) : 0);
            }
        }
    }
    f->status &= (uint16_t)~C2;           /* C0 and C3 stay if there is no quotient */
    if (divided)
        f->status &= (uint16_t)~(C0 | C3);
    if (!withheld(f)) {
        write_value(f, 0, v);
        if (partial)
            f->status |= C2;
        else
            f->status |= (uint16_t)((quotient & 4 ? C0 : 0) | (quotient & 2 ? C3 : 0)
                                    | (quotient & 1 ? C1 : 0));
    }
    return end(f);
}

/* ---- moving --------------------------------------------------------------------------------- */

static bool load_register(fpu *f, int i)
{
    uint64_t raw[2];
    read_raw(f, i, raw);
    if (empty(f, i)) {
        stack_fault(f, false);
        if (f->lost)
            return end(f);
        raw[0] = 3ull << 62;
        raw[1] = 0xffff;
        f->top = (f->top - 1) & 7;
        write_raw(f, 0, raw[0], (uint16_t)raw[1]);
    } else if (push(f)) {
        write_raw(f, 0, raw[0], (uint16_t)raw[1]);
    }
    return end(f);
}

static bool store_register(fpu *f, int i, bool pops)
{
    uint64_t raw[2];
    read_raw(f, 0, raw);
    if (empty(f, 0)) {
        stack_fault(f, false);
        raw[0] = 3ull << 62;
        raw[1] = 0xffff;
    }
    if (!f->lost) {
        write_raw(f, i, raw[0], (uint16_t)raw[1]);
        if (pops)
            pop(f);
    }
    return end(f);
}

static bool exchange(fpu *f, int i)
{
    uint64_t a[2] = { 3ull << 62, 0xffff }, b[2] = { 3ull << 62, 0xffff };
    if (empty(f, 0) || empty(f, i))
        stack_fault(f, false);
    if (!empty(f, 0))
        read_raw(f, 0, a);
    if (!empty(f, i))
        read_raw(f, i, b);
    if (!f->lost) {
        write_raw(f, i, a[0], (uint16_t)a[1]);
        write_raw(f, 0, b[0], (uint16_t)b[1]);
    }
    return end(f);
}

/* FDECSTP and FINCSTP: Unicorn clears C0, C2 and C3. */
static bool turn_stack(fpu *f, int by)
{
    f->top = (f->top + by) & 7;
    return end(f);
}

/* EMMS: no register is in use, and the first is the top (volume 3, table 12-2). Unicorn leaves the top
 * where it was. */
static bool leave_mmx(ttd_engine *e, const ours *o)
{
    fpu f;
    uint16_t was = 0;
    e->reg_read(e->uc, UC_X86_REG_FPSW, &was);
    if (!begin(&f, e, o))
        return false;
    f.status = was;                       /* C1, too */
    f.top = 0;
    f.tags = 0xffff;
    return end(&f);
}

/* ---- which they are ------------------------------------------------------------------------- */

/* SDM volume 2, appendix A.5, "Escape Opcode Instructions". */
static bool do_memory(fpu *f)
{
    int what = f->o->reg & 7;
    switch (f->o->opcode) {
    case 0xd8: return with_memory(f, what, SINGLE);
    case 0xda: return with_memory(f, what, LONG);
    case 0xdc: return with_memory(f, what, DOUBLE);
    case 0xde: return with_memory(f, what, WORD);
    case 0xd9: return what ? store(f, SINGLE, false, what == 3) : load(f, SINGLE);
    case 0xdb:
        if (what == 5 || what == 7)
            return what == 5 ? load_extended(f) : store_extended(f);
        return what ? store(f, LONG, what == 1, what != 2) : load(f, LONG);
    case 0xdd:
        if (what == 1)
            return store(f, QUAD, true, true);
        return what ? store(f, DOUBLE, false, what == 3) : load(f, DOUBLE);
    default:
        switch (what) {
        case 0: return load(f, WORD);
        case 4: return load_decimal(f);
        case 5: return load(f, QUAD);
        case 6: return store_decimal(f);
        case 7: return store(f, QUAD, false, true);
        default: return store(f, WORD, what == 1, what != 2);
        }
    }
}

static bool do_one(fpu *f, int which)
{
    fp_value zero = { .class = FP_ZERO };
    switch (which) {
    case 0xe0: case 0xe1: return change_sign(f, which == 0xe0);
    case 0xe4:
        return compare_with(f, compare(f, empty(f, 0), unsupported(f, 0), read_value(f, 0), zero, true),
                            0);
    case 0xe5: return examine(f);
    case 0xf4: return extract(f);
    case 0xf5: case 0xf8: return remainder_of(f, which == 0xf5);
    case 0xf6: case 0xf7: return turn_stack(f, which == 0xf6 ? -1 : 1);
    case 0xfa: return replace(f, root);
    case 0xfc: return replace(f, integral);
    case 0xfd: return scale(f);
    default: return load_constant(f, which - 0xe8);
    }
}

static bool do_registers(fpu *f)
{
    int i = f->o->rm & 7, what = f->o->reg & 7;
    bool pops = f->o->opcode == 0xde;
    switch (f->o->opcode) {
    case 0xd8:
        if (what == COMPARE || what == COMPARE_POP)
            return compare_register(f, i, true, what == COMPARE_POP);
        return between_registers(f, what, 0, i, false);
    case 0xd9:
        if (what < 2)
            return what ? exchange(f, i) : load_register(f, i);
        return do_one(f, 0xc0 | what << 3 | i);
    case 0xda: return compare_register(f, 1, false, 2);
    case 0xdb: return compare_to_flags(f, i, what == 6, false);
    case 0xdc: case 0xde:
        if (what == COMPARE || what == COMPARE_POP)
            return pops ? compare_register(f, 1, true, 2)
                        : compare_register(f, i, true, what == COMPARE_POP);
        /* Subtracting and dividing change places. */
        return between_registers(f, what < 4 ? what : what ^ 1, i, 0, pops);
    case 0xdd:
        if (what == 2 || what == 3)
            return store_register(f, i, what == 3);
        return compare_register(f, i, false, what == 5);
    default: return compare_to_flags(f, i, what == 6, true);
    }
}

static bool x87(ttd_engine *e, const ours *o)
{
    fpu f;
    if (!begin(&f, e, o))
        return false;
    return o->memory ? do_memory(&f) : do_registers(&f);
}

/* Sines, logarithms and their kin. */
static bool for_the_model(ttd_engine *e, const ours *o)
{
    (void)o;
    return x86_raise(e, EXCEPTION_OURS);
}

bool (*x87_find(const ours *o))(ttd_engine *, const ours *)
{
    int what = o->reg & 7, all = 0xc0 | what << 3 | (o->rm & 7);
    bool yes;
    if (o->map)
        return leave_mmx;
    if (o->memory) {
        switch (o->opcode) {
        case 0xd9: yes = what == 0 || what == 2 || what == 3; break;
        case 0xdb: yes = what < 4 || what == 5 || what == 7; break;
        case 0xdd: yes = what < 4; break;
        default: yes = true;
        }
        return yes ? x87 : NULL;
    }
    switch (o->opcode) {
    case 0xd9:
        if ((all >= 0xf0 && all <= 0xf3) || all == 0xf9 || all == 0xfb || all >= 0xfe)
            return for_the_model;
        yes = what < 2 || all == 0xe0 || all == 0xe1 || all == 0xe4 || all == 0xe5
            || (all >= 0xe8 && all <= 0xee) || (all >= 0xf4 && all <= 0xf8) || all == 0xfa
            || all == 0xfc || all == 0xfd;
        break;
    case 0xda: yes = all == 0xe9; break;
    case 0xdb: case 0xdf: yes = what == 5 || what == 6; break;
    case 0xdd: yes = what >= 2 && what <= 5; break;
    case 0xde: yes = what != 2 && (what != 3 || all == 0xd9); break;
    default: yes = true;
    }
    return yes ? x87 : NULL;
}
