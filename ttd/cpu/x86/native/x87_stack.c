/* The x87: what is done to ST(0), alone or with ST(1), and moving. */
#include "x87.h"

bool x87_load_constant(fpu *f, int which)
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
    if (x87_push(f))
        x87_write(f, 0, v);
    return x87_end(f);
}

bool x87_examine(fpu *f)
{
    uint64_t raw[2];
    uint16_t exponent, found;
    x87_read_raw(f, 0, raw);
    exponent = raw[1] & 0x7fff;
    if (x87_empty(f, 0))
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
    return x87_end(f);
}

/* FCHS and FABS. */
bool x87_change_sign(fpu *f, bool flips)
{
    uint64_t raw[2];
    x87_read_raw(f, 0, raw);
    if (x87_empty(f, 0)) {
        x87_stack_fault(f, false);
        raw[0] = 3ull << 62;
        raw[1] = 0xffff;
    } else {
        raw[1] = flips ? raw[1] ^ 0x8000 : raw[1] & 0x7fff;
    }
    if (!f->lost)
        x87_write_raw(f, 0, raw[0], (uint16_t)raw[1]);
    return x87_end(f);
}

static bool replace(fpu *f, fp_value (*compute_it)(fpu *, fp_value))
{
    fp_value v;
    if (!x87_operands_bad(f, x87_empty(f, 0), x87_unsupported(f, 0), &v))
        v = compute_it(f, x87_read(f, 0));
    if (!x87_withheld(f))
        x87_write(f, 0, v);
    return x87_end(f);
}

static fp_value root(fpu *f, fp_value v) { return fp_sqrt(&f->c, &f->format, v); }

static fp_value integral(fpu *f, fp_value v)
{
    return fp_round_to_int(&f->c, fp_is_nan(v) ? v : fp_input(&f->c, v));
}

bool x87_root(fpu *f) { return replace(f, root); }

bool x87_round(fpu *f) { return replace(f, integral); }

bool x87_extract(fpu *f)
{
    fp_value v, exponent;
    if (!x87_empty(f, 7)) {
        x87_stack_fault(f, true);
        v = exponent = fp_indefinite();
    } else if (x87_operands_bad(f, x87_empty(f, 0), x87_unsupported(f, 0), &v)) {
        exponent = v;
    } else {
        v = x87_read(f, 0);
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
    if (!x87_withheld(f)) {
        x87_write(f, 0, exponent);
        f->top = (f->top - 1) & 7;
        x87_write(f, 0, v);
    }
    return x87_end(f);
}

/* ---- on ST(0) and ST(1) --------------------------------------------------------------------- */

bool x87_scale(fpu *f)
{
    fp_value a = x87_read(f, 0), b = x87_read(f, 1), v;
    fp_context exact = { .rounding = FP_TRUNCATE };
    if (!x87_operands_bad(f, x87_empty(f, 0) || x87_empty(f, 1),
                          x87_unsupported(f, 0) || x87_unsupported(f, 1), &v)) {
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
    if (!x87_withheld(f))
        x87_write(f, 0, v);
    return x87_end(f);
}

/* FPREM and FPREM1: at once if the exponents are less than 64 apart, else so many bits of the quotient
 * that at least 32 are done. */
bool x87_remainder(fpu *f, bool nearest)
{
    fp_value a = x87_read(f, 0), b = x87_read(f, 1), v;
    uint64_t quotient = 0;
    bool partial = false, divided = false;
    if (!x87_operands_bad(f, x87_empty(f, 0) || x87_empty(f, 1),
                          x87_unsupported(f, 0) || x87_unsupported(f, 1), &v)) {
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
    if (!x87_withheld(f)) {
        x87_write(f, 0, v);
        if (partial)
            f->status |= C2;
        else
            f->status |= (uint16_t)((quotient & 4 ? C0 : 0) | (quotient & 2 ? C3 : 0)
                                    | (quotient & 1 ? C1 : 0));
    }
    return x87_end(f);
}

/* ---- moving --------------------------------------------------------------------------------- */

bool x87_load_register(fpu *f, int i)
{
    uint64_t raw[2];
    x87_read_raw(f, i, raw);
    if (x87_empty(f, i)) {
        x87_stack_fault(f, false);
        if (f->lost)
            return x87_end(f);
        raw[0] = 3ull << 62;
        raw[1] = 0xffff;
        f->top = (f->top - 1) & 7;
        x87_write_raw(f, 0, raw[0], (uint16_t)raw[1]);
    } else if (x87_push(f)) {
        x87_write_raw(f, 0, raw[0], (uint16_t)raw[1]);
    }
    return x87_end(f);
}

bool x87_store_register(fpu *f, int i, bool pops)
{
    uint64_t raw[2];
    x87_read_raw(f, 0, raw);
    if (x87_empty(f, 0)) {
        x87_stack_fault(f, false);
        raw[0] = 3ull << 62;
        raw[1] = 0xffff;
    }
    if (!f->lost) {
        x87_write_raw(f, i, raw[0], (uint16_t)raw[1]);
        if (pops)
            x87_pop(f);
    }
    return x87_end(f);
}

bool x87_exchange(fpu *f, int i)
{
    uint64_t a[2] = { 3ull << 62, 0xffff }, b[2] = { 3ull << 62, 0xffff };
    if (x87_empty(f, 0) || x87_empty(f, i))
        x87_stack_fault(f, false);
    if (!x87_empty(f, 0))
        x87_read_raw(f, 0, a);
    if (!x87_empty(f, i))
        x87_read_raw(f, i, b);
    if (!f->lost) {
        x87_write_raw(f, i, a[0], (uint16_t)a[1]);
        x87_write_raw(f, 0, b[0], (uint16_t)b[1]);
    }
    return x87_end(f);
}

/* FDECSTP and FINCSTP: Unicorn clears C0, C2 and C3. */
bool x87_turn_stack(fpu *f, int by)
{
    f->top = (f->top + by) & 7;
    return x87_end(f);
}
