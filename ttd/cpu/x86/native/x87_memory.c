/* The x87: numbers from memory, and to it. */
#include "x87.h"

static const uint8_t sizes[] = { 4, 4, 8, 2, 8 };

/* A number from memory; denormal, and signalling, as there. */
bool x87_fetch(fpu *f, int kind, fp_value *v)
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
bool x87_store(fpu *f, int kind, bool truncate, bool pops)
{
    static const fp_format *formats[] = { &fp_single, NULL, &fp_double };
    fp_value v = x87_read(f, 0);
    uint64_t bits;
    if (truncate)
        f->c.rounding = FP_TRUNCATE;
    if (x87_empty(f, 0)) {
        x87_stack_fault(f, false);
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
    if (x87_withheld(f))
        return x87_end(f);
    if (!guest_write(f->e, x86_address(f->e, f->o), sizes[kind], &bits))
        return false;
    if (pops)
        x87_pop(f);
    return x87_end(f);
}

bool x87_store_extended(fpu *f)
{
    uint64_t raw[2];
    x87_read_raw(f, 0, raw);
    if (x87_empty(f, 0)) {
        x87_stack_fault(f, false);
        raw[0] = 3ull << 62;
        raw[1] = 0xffff;
    }
    if (f->lost)
        return x87_end(f);
    if (!guest_write(f->e, x86_address(f->e, f->o), 10, raw))
        return false;
    x87_pop(f);
    return x87_end(f);
}

/* FBSTP: eighteen digits and a sign. */
bool x87_store_decimal(fpu *f)
{
    uint8_t bytes[10] = { 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff };
    fp_value v = x87_read(f, 0);
    int64_t n, i;
    if (x87_empty(f, 0)) {
        x87_stack_fault(f, false);
        v = fp_indefinite();
    }
    n = fp_to_int(&f->c, v, 64);
    if (!(f->c.flags & FP_IE) && (n > 999999999999999999 || n < -999999999999999999)) {
        f->c.flags = FP_IE;
        f->c.up = false;
    }
    if (x87_withheld(f))
        return x87_end(f);
    if (!(f->c.flags & FP_IE)) {
        uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;
        for (i = 0; i < 9; i++, rest /= 100)
            bytes[i] = (uint8_t)(rest % 10 | rest / 10 % 10 << 4);
        bytes[9] = v.sign ? 0x80 : 0;
    }
    if (!guest_write(f->e, x86_address(f->e, f->o), 10, bytes))
        return false;
    x87_pop(f);
    return x87_end(f);
}

bool x87_load_decimal(fpu *f)
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
    if (x87_push(f))
        x87_write(f, 0, v);
    return x87_end(f);
}

bool x87_load(fpu *f, int kind)
{
    fp_value v;
    if (!x87_fetch(f, kind, &v))
        return false;
    if (!x87_empty(f, 7)) {
        x87_push(f);
        return x87_end(f);
    }
    v = fp_convert(&f->c, &fp_extended, v);
    if (!x87_withheld(f) && x87_push(f))
        x87_write(f, 0, v);
    return x87_end(f);
}

bool x87_load_extended(fpu *f)
{
    uint64_t raw[2] = { 0 };
    if (!guest_read(f->e, x86_address(f->e, f->o), 10, raw))
        return false;
    if (x87_push(f))
        x87_write_raw(f, 0, raw[0], (uint16_t)raw[1]);
    return x87_end(f);
}
