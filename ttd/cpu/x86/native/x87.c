/* The x87: what it gives, and what it raises (SDM volume 1, chapter 8; volume 2, the instructions).
 * Unicorn raises next to nothing, and rounds constants one way. What moves control words or the whole
 * state is Unicorn's still; functions such as FSIN are the processor model's. */
#include "x87.h"

/* EMMS: no register is in use, and the first is the top (volume 3, table 12-2). Unicorn leaves the top
 * where it was. */
static bool leave_mmx(ttd_engine *e, const ours *o)
{
    fpu f;
    uint16_t was = 0;
    e->reg_read(e->uc, UC_X86_REG_FPSW, &was);
    if (!x87_begin(&f, e, o))
        return false;
    f.status = was;                       /* C1, too */
    f.top = 0;
    f.tags = 0xffff;
    return x87_end(&f);
}

/* SDM volume 2, appendix A.5, "Escape Opcode Instructions". */
static bool do_memory(fpu *f)
{
    int what = f->o->reg & 7;
    switch (f->o->opcode) {
    case 0xd8: return x87_with_memory(f, what, SINGLE);
    case 0xda: return x87_with_memory(f, what, LONG);
    case 0xdc: return x87_with_memory(f, what, DOUBLE);
    case 0xde: return x87_with_memory(f, what, WORD);
    case 0xd9: return what ? x87_store(f, SINGLE, false, what == 3) : x87_load(f, SINGLE);
    case 0xdb:
        if (what == 5 || what == 7)
            return what == 5 ? x87_load_extended(f) : x87_store_extended(f);
        return what ? x87_store(f, LONG, what == 1, what != 2) : x87_load(f, LONG);
    case 0xdd:
        if (what == 1)
            return x87_store(f, QUAD, true, true);
        return what ? x87_store(f, DOUBLE, false, what == 3) : x87_load(f, DOUBLE);
    default:
        switch (what) {
        case 0: return x87_load(f, WORD);
        case 4: return x87_load_decimal(f);
        case 5: return x87_load(f, QUAD);
        case 6: return x87_store_decimal(f);
        case 7: return x87_store(f, QUAD, false, true);
        default: return x87_store(f, WORD, what == 1, what != 2);
        }
    }
}

static bool do_one(fpu *f, int which)
{
    fp_value zero = { .class = FP_ZERO };
    switch (which) {
    case 0xe0: case 0xe1: return x87_change_sign(f, which == 0xe0);
    case 0xe4:
        return x87_compare_with(f, x87_compare(f, x87_empty(f, 0),
                                               x87_unsupported(f, 0), x87_read(f, 0), zero, true),
                            0);
    case 0xe5: return x87_examine(f);
    case 0xf4: return x87_extract(f);
    case 0xf5: case 0xf8: return x87_remainder(f, which == 0xf5);
    case 0xf6: case 0xf7: return x87_turn_stack(f, which == 0xf6 ? -1 : 1);
    case 0xfa: return x87_root(f);
    case 0xfc: return x87_round(f);
    case 0xfd: return x87_scale(f);
    default: return x87_load_constant(f, which - 0xe8);
    }
}

static bool do_registers(fpu *f)
{
    int i = f->o->rm & 7, what = f->o->reg & 7;
    bool pops = f->o->opcode == 0xde;
    switch (f->o->opcode) {
    case 0xd8:
        if (what == COMPARE || what == COMPARE_POP)
            return x87_compare_register(f, i, true, what == COMPARE_POP);
        return x87_between_registers(f, what, 0, i, false);
    case 0xd9:
        if (what < 2)
            return what ? x87_exchange(f, i) : x87_load_register(f, i);
        return do_one(f, 0xc0 | what << 3 | i);
    case 0xda: return x87_compare_register(f, 1, false, 2);
    case 0xdb: return x87_compare_to_flags(f, i, what == 6, false);
    case 0xdc: case 0xde:
        if (what == COMPARE || what == COMPARE_POP)
            return pops ? x87_compare_register(f, 1, true, 2)
                        : x87_compare_register(f, i, true, what == COMPARE_POP);
        /* Subtracting and dividing change places. */
        return x87_between_registers(f, what < 4 ? what : what ^ 1, i, 0, pops);
    case 0xdd:
        if (what == 2 || what == 3)
            return x87_store_register(f, i, what == 3);
        return x87_compare_register(f, i, false, what == 5);
    default: return x87_compare_to_flags(f, i, what == 6, true);
    }
}

static bool x87(ttd_engine *e, const ours *o)
{
    fpu f;
    if (!x87_begin(&f, e, o))
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
