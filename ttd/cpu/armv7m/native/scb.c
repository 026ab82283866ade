/* System control block and debug registers (B3.2, C1.6). */
#include "armv7m.h"

enum {
    ACTLR_MASK = 0x7, SCR_MASK = 0x16, CCR_MASK = 0x31b, DEMCR_MASK = 0x010d07f1, VECTKEY = 0x05fa,
    VTOR_MASK = 0x3fffff80                /* TBLOFF and TBLBASE of the Cortex-M3 */
};
enum { MON_EN = 1 << 16, MON_PEND = 1 << 17 };                                  /* DEMCR (C1.6.5) */

/* SHCSR (B3.2.13): bit of the register, exception. */
typedef struct { int bit, number; } shcsr_bit;
static const shcsr_bit shcsr_active[] = {
    { 0, MEM_MANAGE }, { 1, BUS_FAULT }, { 3, USAGE_FAULT }, { 7, SVCALL }, { 8, DEBUG_MONITOR },
    { 10, PENDSV }, { 11, SYSTICK }
};
static const shcsr_bit shcsr_pending[] = {
    { 12, USAGE_FAULT }, { 13, MEM_MANAGE }, { 14, BUS_FAULT }, { 15, SVCALL }
};
static const shcsr_bit shcsr_enabled[] = {
    { 16, MEM_MANAGE }, { 17, BUS_FAULT }, { 18, USAGE_FAULT }
};
#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

static uint32_t gather(const shcsr_bit *bits, int n, uint64_t numbers)
{
    uint32_t word = 0;
    while (n--)
        word |= (uint32_t)(numbers >> bits[n].number & 1) << bits[n].bit;
    return word;
}

/* The exceptions of the bits that are `value` in the register. */
static uint64_t scatter(const shcsr_bit *bits, int n, uint32_t reg, uint32_t value)
{
    uint64_t numbers = 0;
    while (n--)
        if ((reg >> bits[n].bit & 1) == value)
            numbers |= 1ull << bits[n].number;
    return numbers;
}

static void pend_low(armv7m_core *c, uint64_t numbers)
{
    uint64_t set[ARMV7M_WORDS] = { numbers };
    pend_set(c, set);
}

static void unpend_low(armv7m_core *c, uint64_t numbers)
{
    uint64_t set[ARMV7M_WORDS] = { numbers };
    unpend_set(c, set);
}

void armv7m_set_traps(armv7m_core *c)
{
    armv7m_trap(c->engine, c->ccr & DIV_0_TRP, c->ccr & UNALIGN_TRP);
}

/* B3.2.4. VECTPENDING looks at priorities, not at the masks. */
static uint32_t icsr(const armv7m_core *c)
{
    uint32_t active = reg32(c->engine, UC_ARM_REG_XPSR) & IPSR;
    bool others = !c->mainline;
    uint64_t irqs = 0;
    int i;
    for (i = 0; i < ARMV7M_WORDS; i++) {
        others |= (c->active[i] & ~((int)active >> 6 == i ? 1ull << (active & 63) : 0)) != 0;
        irqs |= c->pending[i] & (i ? NEVER : NEVER << FIRST_IRQ);
    }
    return active | (uint32_t)!others << 11                                     /* RETTOBASE */
        | (uint32_t)c->top << 12 | (uint32_t)(irqs != 0) << 22                  /* ISRPENDING */
        | (uint32_t)has(c->pending, SYSTICK) << 26 | (uint32_t)has(c->pending, PENDSV) << 28
        | (uint32_t)has(c->pending, NMI) << 31;
}

/* Set bits win over clear bits (both at once is UNPREDICTABLE). */
static void write_icsr(armv7m_core *c, uint32_t value)
{
    uint64_t clear = (uint64_t)(value >> 25 & 1) << SYSTICK | (uint64_t)(value >> 27 & 1) << PENDSV;
    uint64_t set = (uint64_t)(value >> 26 & 1) << SYSTICK | (uint64_t)(value >> 28 & 1) << PENDSV
                   | (uint64_t)(value >> 31) << NMI;
    if (clear)
        unpend_low(c, clear);
    if (set)
        pend_low(c, set);
}

static void write_shcsr(armv7m_core *c, uint32_t value)
{
    uint64_t on = scatter(shcsr_enabled, LENGTH(shcsr_enabled), value, 1);
    c->enabled[0] = (c->enabled[0] & ~scatter(shcsr_enabled, LENGTH(shcsr_enabled), value, 0)) | on;
    on = scatter(shcsr_active, LENGTH(shcsr_active), value, 1);
    c->active[0] = (c->active[0] & ~scatter(shcsr_active, LENGTH(shcsr_active), value, 0)) | on;
    pend_low(c, scatter(shcsr_pending, LENGTH(shcsr_pending), value, 1));
    unpend_low(c, scatter(shcsr_pending, LENGTH(shcsr_pending), value, 0));
}

static void write_demcr(armv7m_core *c, uint32_t value)
{
    uint64_t bit = 1ull << DEBUG_MONITOR;
    c->demcr = value & DEMCR_MASK;
    c->enabled[0] = value & MON_EN ? c->enabled[0] | bit : c->enabled[0] & ~bit;
    if (value & MON_PEND)
        pend_low(c, bit);
    else
        unpend_low(c, bit);
    armv7m_refresh(c);
}

uint32_t scb_read(armv7m_core *c, uint32_t offset)
{
    switch (offset) {
    case SCS_ICTR: return (uint32_t)(c->lines + 31) / 32 - 1;
    case SCS_ACTLR: return c->actlr;
    case SCS_ICSR: return icsr(c);
    case SCS_VTOR: return c->vtor;
    case SCS_AIRCR: return (VECTKEY ^ 0xffffu) << 16 | c->prigroup << 8;    /* the key, inverted */
    case SCS_SCR: return c->scr;
    /* Armv6-M: unaligned accesses trap, whatever is written (DDI0419C B3.2.8). */
    case SCS_CCR: return c->mainline ? c->ccr : STKALIGN | UNALIGN_TRP;
    case SCS_SHCSR:
        return gather(shcsr_active, LENGTH(shcsr_active), c->active[0])
            | gather(shcsr_pending, LENGTH(shcsr_pending), c->pending[0])
            | gather(shcsr_enabled, LENGTH(shcsr_enabled), c->enabled[0]);
    case SCS_CFSR: return c->cfsr;
    case SCS_HFSR: return c->hfsr;
    case SCS_DFSR: return c->dfsr;
    case SCS_MMFAR: return c->mmfar;
    case SCS_BFAR: return c->bfar;
    case SCS_DCRDR: return c->dcrdr;
    case SCS_DEMCR: return c->demcr | (has(c->pending, DEBUG_MONITOR) ? MON_PEND : 0);
    default: return 0;
    }
}

void scb_write(armv7m_core *c, uint32_t offset, uint32_t value)
{
    switch (offset) {
    case SCS_ACTLR: c->actlr = value & ACTLR_MASK; break;
    case SCS_ICSR: write_icsr(c, value); break;
    case SCS_VTOR: c->vtor = value & VTOR_MASK; break;
    case SCS_AIRCR:
        /* VECTCLRACTIVE and VECTRESET are for a debugger with the core halted (B3.2.6). */
        if (value >> 16 == VECTKEY && c->mainline)
            armv7m_set_prigroup(c, value >> 8);
        break;
    case SCS_SCR: c->scr = value & SCR_MASK; break;
    case SCS_CCR:
        if (c->mainline) {
            c->ccr = value & CCR_MASK;
            armv7m_set_traps(c);
        }
        break;
    case SCS_SHCSR: write_shcsr(c, value); break;
    case SCS_CFSR: c->cfsr &= ~value; break;
    case SCS_HFSR: c->hfsr &= ~value; break;
    case SCS_DFSR: c->dfsr &= ~value; break;
    case SCS_MMFAR: c->mmfar = value; break;
    case SCS_BFAR: c->bfar = value; break;
    case SCS_DCRDR: c->dcrdr = value; break;
    case SCS_DEMCR: write_demcr(c, value); break;
    case SCS_STIR:
        if ((int)(value & 0x1ff) < c->lines)
            armv7m_pend(c, FIRST_IRQ + (int)(value & 0x1ff));
        break;
    }
}
