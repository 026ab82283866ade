/* Exception entry and escalation (B1.5.4 to B1.5.15).
 *
 * A return always unstacks, an entry always stacks. Where hardware tail-chains (B1.5.12), the frame is
 * popped and pushed again with the same contents; this differs from the hardware in nothing that the
 * architecture defines, and the position between return and entry is an ordinary one. Late arrival
 * (B1.5.11) needs nothing: the most urgent exception is chosen when the entry happens. */
#include "armv7m.h"

#define FLAGS 0xf8000000u

int stack_access(armv7m_core *c, int kind, uint32_t sp, uint32_t *frame, bool privileged, int by)
{
    ttd_engine *e = c->engine;
    int at;
    for (at = 0; at < FRAME_SIZE; at += FRAME_SIZE - 4) {    /* it has two ends */
        if (armv7m_denies(e, sp + (uint32_t)at, kind, privileged))
            return STACK_DENIED;
        if (!ttd_is_ram(e, sp + (uint32_t)at, kind))
            return STACK_ABSENT;
    }
    at = kind == ACC_WRITE ? ttd_store(e, sp, (const uint8_t *)frame, FRAME_SIZE, by)
                           : ttd_load(e, sp, (uint8_t *)frame, FRAME_SIZE, by);
    return at < FRAME_SIZE ? STACK_ABSENT : STACK_FINE;
}

/* ---- what an instruction causes ------------------------------------------------------- */

/* HFSR gets `status`. In a HardFault or NMI handler, or under FAULTMASK, the core locks up (B1.5.15). */
void armv7m_raise_hard_fault(armv7m_core *c, uint32_t status)
{
    if (armv7m_execution_priority(c, false) <= -1) {
        c->lockup = true;
        return;
    }
    c->hfsr |= status;
    armv7m_pend(c, HARD_FAULT);
    c->synchronous = true;
}

/* Make an exception of the present instruction pending; CFSR gets `status`. What cannot be taken escalates
 * to HardFault (B1.5.14). */
void armv7m_raise(armv7m_core *c, int number, uint32_t status)
{
    c->cfsr |= status;
    if (armv7m_can_preempt(c, number, armv7m_execution_priority(c, false))) {
        armv7m_pend(c, number);
        c->synchronous = true;
    } else {
        armv7m_raise_hard_fault(c, FORCED);
    }
}

/* A fault of an entry under way (B1.5.13); at priority -1 it is only recorded. */
static void derived(armv7m_core *c, int number, uint32_t status)
{
    int priority = armv7m_execution_priority(c, false);
    c->cfsr |= status;
    if (armv7m_can_preempt(c, number, priority)) {
        armv7m_pend(c, number);
    } else if (priority > -1) {
        c->hfsr |= FORCED;
        armv7m_pend(c, HARD_FAULT);
    }
}

/* ---- entry --------------------------------------------------------------------------- */

/* The vector of `*number`, which may become another: one that cannot be read is a HardFault; HardFault's or
 * NMI's own locks the core up (B1.5.15). They are read by the default memory map, whatever the MPU says
 * (B3.5.1). */
static uint32_t vector_of(armv7m_core *c, int *number)
{
    uint32_t vector;
    while (ttd_load(c->engine, c->vtor + 4 * (uint32_t)*number, (uint8_t *)&vector, 4, c->by + *number) < 4) {
        if (*number <= HARD_FAULT) {
            c->lockup = true;
            return 0xffffffff;
        }
        c->hfsr |= VECTTBL;
        armv7m_pend(c, HARD_FAULT);
        *number = c->top == NMI ? NMI : HARD_FAULT;
    }
    return vector;
}

/* B1.5.6 PushStack(). `values`: R0 to R3, R12, LR, PC, xPSR, SP. Returns what to take after all. */
static int push(armv7m_core *c, int number, uint32_t *values, bool privileged)
{
    uint32_t frame[FRAME_WORDS], sp = values[8], align = c->ccr & STKALIGN ? sp & 4 : 0;
    memcpy(frame, values, sizeof frame);
    if (align)
        frame[7] |= FRAME_ALIGNED;
    sp -= FRAME_SIZE + align;
    values[8] = sp;
    switch (stack_access(c, ACC_WRITE, sp, frame, privileged, c->by + number)) {
    case STACK_FINE: return number;
    case STACK_DENIED: derived(c, MEM_MANAGE, MSTKERR); break;
    default: derived(c, BUS_FAULT, STKERR); break;
    }
    return c->top;
}

/* Leave the process stack for the main one. SPSEL can be written in privileged thread mode only, which
 * handler mode, for the moment, leads to. */
static void select_main_stack(changes *w, uint32_t control, uint32_t xpsr)
{
    if (control & NPRIV) {
        change_register(w, UC_ARM_REG_XPSR, xpsr | HARD_FAULT);
        change_register(w, UC_ARM_REG_CONTROL, 0);
        change_register(w, UC_ARM_REG_XPSR, xpsr);
    }
    change_register(w, UC_ARM_REG_CONTROL, control & NPRIV);
}

/* B1.5.6 ExceptionEntry(). */
void armv7m_enter(armv7m_core *c, int number)
{
    static const int read[] = {
        UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3, UC_ARM_REG_R12, UC_ARM_REG_LR,
        UC_ARM_REG_PC, UC_ARM_REG_XPSR, UC_ARM_REG_SP, UC_ARM_REG_CONTROL
    };
    changes w = { 0 };
    uint32_t values[10], control, link, vector, xpsr;
    bool thread, on_psp = false;
    c->waiting = ARMV7M_AWAKE;
    read_regs32(c->engine, read, values, 10);
    xpsr = values[7];
    control = values[9];
    if (c->chained) {
        link = c->chain;
        c->chained = false;
        c->chain = 0;
    } else {
        thread = !(xpsr & IPSR);
        on_psp = thread && (control & SPSEL);
        link = on_psp ? 0xfffffffd : thread ? 0xfffffff9 : 0xfffffff1;
        number = push(c, number, values, !thread || !(control & NPRIV));
    }
    c->synchronous = false;
    vector = vector_of(c, &number);
    change_register(&w, UC_ARM_REG_SP, values[8]);
    if (on_psp)
        select_main_stack(&w, control, xpsr);
    xpsr = (xpsr & FLAGS) | (vector & 1 ? T_BIT : 0) | (uint32_t)number;
    change_register(&w, UC_ARM_REG_XPSR, xpsr);
    change_register(&w, UC_ARM_REG_LR, link);
    change_register(&w, UC_ARM_REG_PC, vector);
    make_changes(c, &w, xpsr);
    open_monitor(c);
    activate(c, number);
    c->event = true;
    note_handler(c->engine, c->engine->outside_step, number, vector & ~1u);
}
