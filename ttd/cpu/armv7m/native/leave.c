/* Exception return (B1.5.8). */
#include "armv7m.h"

/* The handler is over but its frame stays: the fault is taken on top of it. */
static bool fail(armv7m_core *c, uint32_t exc_return, int number, uint32_t status)
{
    c->chained = true;
    c->chain = 0xf0000000 | (exc_return & 0x0fffffff);
    armv7m_raise(c, number, status);
    return false;
}

static bool others_active(const armv7m_core *c, int number)
{
    uint64_t others = 0;
    int i;
    for (i = 0; i < ARMV7M_WORDS; i++)
        others |= c->active[i] & ~(number >> 6 == i ? 1ull << (number & 63) : 0);
    return others;
}

/* From handler mode. nPRIV has to be given up there for SPSEL to be written in thread mode. */
static void return_to(armv7m_core *c, uint32_t sp, bool on_psp, uint32_t npriv, const uint32_t *frame)
{
    static const int popped[] = {
        UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3, UC_ARM_REG_R12, UC_ARM_REG_LR
    };
    uint32_t xpsr = frame[7] & (c->mainline ? 0xf8000000 | T_BIT | IT_BITS | IPSR : 0xf000003f | T_BIT), i;
    changes w = { 0 };
    if (on_psp) {
        change_register(&w, UC_ARM_REG_PSP, sp);
        if (npriv)
            change_register(&w, UC_ARM_REG_CONTROL, 0);
        change_register(&w, UC_ARM_REG_XPSR, xpsr);
        change_register(&w, UC_ARM_REG_CONTROL, SPSEL | npriv);
    } else {
        change_register(&w, UC_ARM_REG_SP, sp);
        change_register(&w, UC_ARM_REG_XPSR, xpsr);
    }
    for (i = 0; i < 6; i++)
        change_register(&w, popped[i], frame[i]);
    change_register(&w, UC_ARM_REG_PC, (frame[6] & ~1u) | (xpsr & T_BIT ? 1 : 0));
    make_changes(c, &w, xpsr);
}

bool armv7m_leave(armv7m_core *c, uint32_t exc_return)
{
    static const int read[] = {
        UC_ARM_REG_XPSR, UC_ARM_REG_CONTROL, UC_ARM_REG_SP, UC_ARM_REG_PSP, UC_ARM_REG_FAULTMASK
    };
    ttd_engine *e = c->engine;
    uint32_t frame[FRAME_WORDS], values[5], kind = exc_return & 15, sp, xpsr, npriv;
    int number;
    bool nested, valid, to_thread = kind != 1, on_psp = kind == 0xd;
    read_regs32(e, read, values, c->mainline ? 5 : 4);
    xpsr = values[0];
    npriv = values[1] & NPRIV;
    number = (int)(xpsr & IPSR);
    nested = number < ARMV7M_EXCEPTIONS && others_active(c, number);
    valid = number < ARMV7M_EXCEPTIONS && has(c->active, number) && exc_return >> 4 == 0xfffffff
            && (kind == 1 || ((kind == 9 || kind == 0xd) && (!nested || (c->ccr & NONBASETHRDENA))));
    if (number < ARMV7M_EXCEPTIONS)
        deactivate(c, number);
    if (number != NMI && c->mainline && values[4]) {
        put_register(c, UC_ARM_REG_FAULTMASK, 0);
        thumb_modes_changed(e, xpsr);
    }
    if (!valid)
        return fail(c, exc_return, USAGE_FAULT, INVPC);

    sp = values[on_psp ? 3 : 2];
    switch (stack_access(c, ACC_READ, sp, frame, !to_thread || !npriv, c->by_return)) {
    case STACK_FINE: break;
    case STACK_DENIED: return fail(c, exc_return, MEM_MANAGE, MUNSTKERR);
    default: return fail(c, exc_return, BUS_FAULT, UNSTKERR);
    }
    if (!(frame[7] & IPSR) != to_thread)
        return fail(c, exc_return, USAGE_FAULT, INVPC);
    sp += FRAME_SIZE;
    if ((frame[7] & FRAME_ALIGNED) && (c->ccr & STKALIGN))
        sp |= 4;
    return_to(c, sp, on_psp, npriv, frame);
    note_handler(e, e->outside_step, HANDLER_LEFT, frame[6] & ~1u);
    open_monitor(c);
    c->event = true;
    return to_thread && !others_active(c, number) && (c->scr & SLEEPONEXIT);
}
