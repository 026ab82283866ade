/* The core around the running of instructions: what is taken when, stops, sleep, time. */
#include "armv7m.h"

#include <stdlib.h>

enum { EXCP_SWI = 2 };                    /* Unicorn's (its target/arm/cpu.h) */

/* ---- what is pending ------------------------------------------------------------------ */

static void watch_masks(ttd_engine *e, bool on)
{
    if (on || e->masks_on)
        ttd_watch_masks(e, on);
}

/* Interrupts and other asynchronous exceptions are not taken inside an IT block, wherever a run was cut: Unicorn
 * does not leave one at every store, so some could only come at its end. */
int armv7m_pending(armv7m_core *c)
{
    bool masked = false, takes = c->takeable && !c->lockup;
    if (takes && !c->synchronous) {       /* what an instruction causes was weighed then */
        masked = c->top_group >= armv7m_execution_priority(c, false);
        takes = !masked && !prefix_now(c->engine);
    }
    watch_masks(c->engine, masked);
    return takes ? c->takeable : -1;
}

/* NMI, PendSV, SysTick and external interrupts (B1.5.1). */
static bool is_asynchronous(int number)
{
    return number == NMI || number >= PENDSV;
}

/* B1.5.18, B1.5.19: PRIMASK does not keep WFI asleep. */
bool armv7m_wake(armv7m_core *c)
{
    if (c->waiting == ARMV7M_WAIT_EVENT && c->event) {
        c->event = false;
        c->waiting = ARMV7M_AWAKE;
    } else if (c->waiting && c->takeable) {
        bool ignore = c->waiting == ARMV7M_WAIT_INTERRUPT;
        if (c->top_group < armv7m_execution_priority(c, ignore))
            c->waiting = ARMV7M_AWAKE;
    }
    return !c->waiting;
}

static int sleep_now(armv7m_core *c, int how)
{
    c->waiting = how;
    return armv7m_wake(c) ? CORE_ON : CORE_WAITS;
}

/* ---- stops --------------------------------------------------------------------------- */

/* Is the instruction that ends at `pc` the hint of this encoding, of 16 bits or of 32? Its length, or 0. */
static int ends_at(armv7m_core *c, uint64_t pc, uint32_t narrow, uint32_t wide)
{
    uint8_t code[4];
    if (ttd_read(c->engine, pc - 2, code, 2) == 2 && (code[0] | code[1] << 8) == (int)narrow)
        return 2;
    if (ttd_read(c->engine, pc - 4, code, 4) == 4
        && ((uint32_t)(code[0] | code[1] << 8) << 16 | (uint32_t)(code[2] | code[3] << 8)) == wide)
        return 4;
    return 0;
}

/* Unicorn stops behind a hint. SEV runs unseen: one right before a WFE is what programs use to empty the
 * event register. */
static int hinted(armv7m_core *c, uint64_t pc)
{
    int length;
    if (ends_at(c, pc, 0xbf10, 0xf3af8001))                                     /* YIELD */
        return CORE_ON;
    length = ends_at(c, pc, 0xbf20, 0xf3af8002);                                /* WFE (A7.7.261) */
    if (!length)
        return CORE_ASK;
    if (!c->event && !ends_at(c, pc - (uint64_t)length, 0xbf40, 0xf3af8004))    /* SEV */
        return sleep_now(c, ARMV7M_WAIT_EVENT);
    c->event = false;
    return CORE_ON;
}

/* A branch to EXC_RETURN took the low bit of that into EPSR.T (B1.5.8). The return belongs to the
 * instruction that made it, whatever ended the run; to everything else such an address is one that cannot
 * be fetched from. */
static int returns(armv7m_core *c, uint64_t pc, uint32_t xpsr)
{
    bool sleeps = armv7m_leave(c, (uint32_t)pc | (xpsr & T_BIT ? 1 : 0));
    if (c->lockup)
        return CORE_ASK;                  /* for a sentence */
    return sleeps ? sleep_now(c, ARMV7M_WAIT_INTERRUPT) : CORE_ON;
}

int armv7m_stopped(armv7m_core *c, const ttd_stop *stop)
{
    uint32_t xpsr;
    if (c->lockup)
        return CORE_ASK;
    if (stop->returns) {
        xpsr = reg32(c->engine, UC_ARM_REG_XPSR);
        if (xpsr & IPSR)
            return returns(c, stop->pc, xpsr);
    }
    switch (stop->why) {
    case WHY_WAIT: return sleep_now(c, ARMV7M_WAIT_INTERRUPT);
    case WHY_INVALID: return stop->behind ? hinted(c, stop->pc) : CORE_ASK;
    case WHY_EXCEPTION:
        if (stop->code != EXCP_SWI)
            return CORE_ASK;
        armv7m_raise(c, SVCALL, 0);       /* PC is behind it: the exception is a step of its own */
        return c->lockup ? CORE_ASK : CORE_ON;
    case WHY_BUDGET: case WHY_REQUEST: case WHY_MASKS: return CORE_ON;
    default: return CORE_ASK;
    }
}

/* ---- what the loop and the engine call ------------------------------------------------- */

static int on_pending(ttd_engine *e) { return armv7m_pending(e->core); }

static bool on_asynchronous(ttd_engine *e, int number)
{
    (void)e;
    return is_asynchronous(number);
}

static bool on_enter(ttd_engine *e, int number)
{
    armv7m_enter(e->core, number);
    return true;
}

static int on_stopped(ttd_engine *e, const ttd_stop *stop) { return armv7m_stopped(e->core, stop); }

static bool on_wake(ttd_engine *e) { return armv7m_wake(e->core); }

static uint64_t on_deadline(ttd_engine *e) { return armv7m_deadline(e->core); }

static void on_expire(ttd_engine *e) { armv7m_catch_up(e->core); }

const core_ops armv7m_ops = {
    on_pending, on_asynchronous, on_enter, on_stopped, on_wake, on_deadline, on_expire
};

static bool done(ttd_engine *e, int what)
{
    if (what == ARMV7M_REFUSED)
        device_fails(e);
    return what != ARMV7M_ASK;
}

#define SERVE(unit)                                                                                   \
    static bool unit##_read(ttd_engine *e, void *core, uint32_t offset, int size, uint64_t *value)    \
    {                                                                                                 \
        uint32_t word = 0;                                                                            \
        bool served = done(e, armv7m_##unit##_read(core, offset, size, &word));                       \
        *value = word;                                                                                \
        return served;                                                                                \
    }                                                                                                 \
    static bool unit##_write(ttd_engine *e, void *core, uint32_t offset, int size, uint64_t value)    \
    {                                                                                                 \
        return done(e, armv7m_##unit##_write(core, offset, size, (uint32_t)value));                   \
    }                                                                                                 \
    static const device_ops unit##_ops = { unit##_read, unit##_write };

SERVE(scs)
SERVE(dwt)

armv7m_core *armv7m_new(ttd_engine *e)
{
    armv7m_core *c = calloc(1, sizeof *c);
    if (c)
        c->engine = e;
    return c;
}

void armv7m_free(armv7m_core *c) { free(c); }

bool armv7m_attach(armv7m_core *c, bool cycles)
{
    use_core(c->engine, &armv7m_ops, c);
    return attach_device(c->engine, 0xe000e000, 0x1000, &scs_ops, c)
        && (!cycles || attach_device(c->engine, 0xe0001000, 0x1000, &dwt_ops, c));
}
