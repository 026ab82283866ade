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

static void return_to(armv7m_core *c, uint64_t sp, bool on_psp, uint32_t npriv, const uint32_t *frame)
{
    static const int on_process[] = {
        UC_ARM_REG_PSP, UC_ARM_REG_CONTROL, UC_ARM_REG_XPSR, UC_ARM_REG_CONTROL, UC_ARM_REG_R0,
        UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3, UC_ARM_REG_R12, UC_ARM_REG_LR, UC_ARM_REG_PC
    };
    static const int on_main[] = {
        UC_ARM_REG_SP, UC_ARM_REG_XPSR, UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3,
        UC_ARM_REG_R12, UC_ARM_REG_LR, UC_ARM_REG_PC
    };
    uint32_t popped = c->mainline ? 0xf8000000 | T_BIT | IT_BITS | IPSR : 0xf8000000 | T_BIT | IPSR;
    uint64_t xpsr = frame[7] & popped;
    if (on_psp) {
        uint64_t out[] = { sp, 0, xpsr, SPSEL | npriv, frame[0], frame[1], frame[2], frame[3], frame[4],
                           frame[5], frame[6] & ~1u };
        ttd_regs_write(c->engine, on_process, out, 11);
    } else {
        uint64_t out[] = { sp, xpsr, frame[0], frame[1], frame[2], frame[3], frame[4], frame[5],
                           frame[6] & ~1u };
        ttd_regs_write(c->engine, on_main, out, 9);
    }
}

bool armv7m_leave(armv7m_core *c, uint32_t exc_return)
{
    static const int read[] = { UC_ARM_REG_XPSR, UC_ARM_REG_SP, UC_ARM_REG_PSP, UC_ARM_REG_CONTROL };
    static const int faultmask = UC_ARM_REG_FAULTMASK;
    uint64_t values[4], zero = 0;
    uint32_t frame[FRAME_WORDS], kind = exc_return & 15, sp, npriv;
    int number;
    bool nested, valid, to_thread = kind != 1, on_psp = kind == 0xd;
    ttd_regs_read(c->engine, read, values, 4);
    number = (int)(values[0] & IPSR);
    npriv = (uint32_t)values[3] & NPRIV;
    nested = number < ARMV7M_EXCEPTIONS && others_active(c, number);
    valid = number < ARMV7M_EXCEPTIONS && has(c->active, number) && exc_return >> 4 == 0xfffffff
            && (kind == 1 || ((kind == 9 || kind == 0xd) && (!nested || (c->ccr & NONBASETHRDENA))));
    if (number < ARMV7M_EXCEPTIONS)
        deactivate(c, number);
    if (number != NMI && c->mainline)
        ttd_regs_write(c->engine, &faultmask, &zero, 1);
    if (!valid)
        return fail(c, exc_return, USAGE_FAULT, INVPC);

    sp = (uint32_t)values[on_psp ? 2 : 1];
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
    open_monitor(c);
    c->event = true;
    return to_thread && !others_active(c, number) && (c->scr & SLEEPONEXIT);
}
