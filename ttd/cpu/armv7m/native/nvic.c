/* Which exceptions are pending, active and enabled, and which comes first (B1.5.4, B3.4). */
#include "armv7m.h"

static void put(uint64_t *set, int number, bool in)
{
    uint64_t bit = 1ull << (number & 63);
    set[number >> 6] = in ? set[number >> 6] | bit : set[number >> 6] & ~bit;
}

/* The part of a priority that decides about preemption (B1.5.4). */
static int group(armv7m_core *c, int priority)
{
    return priority < 0 ? priority : priority & -(2 << (c->prigroup & 7));
}

/* The most urgent of `set`, or of what is in `other` too: its number and priority; ties go to the lowest. */
static int best(const armv7m_core *c, const uint64_t *set, const uint64_t *other, int *priority)
{
    int number = 0, word;
    *priority = ARMV7M_LOWEST;
    for (word = 0; word < ARMV7M_WORDS; word++) {
        uint64_t left = other ? set[word] & other[word] : set[word];
        for (; left; left &= left - 1) {
            int at = word * 64 + __builtin_ctzll(left);
            if (c->priority[at] < *priority) {
                number = at;
                *priority = c->priority[at];
            }
        }
    }
    return number;
}

static int priority_under(armv7m_core *c, const uint64_t *masks, bool ignore_primask)
{
    int priority = c->active_group;
    uint32_t basepri = (uint32_t)masks[2] & c->priority_mask;
    if (basepri && group(c, (int)basepri) < priority)
        priority = group(c, (int)basepri);
    if ((masks[0] & 1) && !ignore_primask && priority > 0)
        priority = 0;
    if ((masks[1] & 1) && priority > -1)
        priority = -1;
    return priority;
}

int armv7m_execution_priority(armv7m_core *c, bool ignore_primask)
{
    static const int ids[] = { UC_ARM_REG_PRIMASK, UC_ARM_REG_FAULTMASK, UC_ARM_REG_BASEPRI };
    uint64_t masks[3];
    ttd_regs_read(c->engine, ids, masks, 3);
    return priority_under(c, masks, ignore_primask);
}

bool armv7m_can_preempt(armv7m_core *c, int number, int priority)
{
    return has(c->enabled, number) && group(c, c->priority[number]) < priority;
}

/* In an access: what is to be taken now is, after this instruction; what a mask keeps back, when that has
 * changed. (Unprivileged code cannot change one, and Unicorn would not show them.) */
static void tell(armv7m_core *c)
{
    ttd_engine *e = c->engine;
    if (!c->takeable || !e->running)
        return;
    if (!privileged_now(e) || c->top_group < armv7m_execution_priority(c, false))
        end_after_access(e);
    else
        ttd_watch_masks(e, true);
}

void armv7m_refresh(armv7m_core *c)
{
    int priority;
    c->top = best(c, c->pending, c->enabled, &priority);
    c->top_group = c->top ? group(c, priority) : ARMV7M_LOWEST;
    c->active_group = best(c, c->active, NULL, &priority) ? group(c, priority) : ARMV7M_LOWEST;
    c->takeable = c->top_group < c->active_group ? c->top : 0;
    tell(c);
}

/* B1.5.5: nothing active, interrupts disabled, every priority 0. The inputs keep their levels, and those
 * that are high are pending. */
void armv7m_reset_exceptions(armv7m_core *c)
{
    memcpy(c->pending, c->levels, sizeof c->pending);
    memset(c->active, 0, sizeof c->active);
    memset(c->enabled, 0, sizeof c->enabled);
    memset(c->priority, 0, sizeof c->priority);
    c->enabled[0] = 1ull << NMI | 1ull << HARD_FAULT | 1ull << SVCALL | 1ull << PENDSV | 1ull << SYSTICK;
    c->priority[RESET] = -3;
    c->priority[NMI] = -2;
    c->priority[HARD_FAULT] = -1;
    c->prigroup = 0;
    armv7m_refresh(c);
}

/* ---- changes ------------------------------------------------------------------------- */

void pend_set(armv7m_core *c, const uint64_t *set)
{
    uint64_t new = 0;
    int i;
    for (i = 0; i < ARMV7M_WORDS; i++) {
        new |= set[i] & ~c->pending[i];
        c->pending[i] |= set[i];
    }
    if (!new)
        return;
    if (c->scr & SEVONPEND)               /* an event, enabled or not (B1.5.18) */
        c->event = true;
    armv7m_refresh(c);
}

/* An interrupt whose line is high stays pending (B3.4.1). */
void unpend_set(armv7m_core *c, const uint64_t *set)
{
    int i;
    for (i = 0; i < ARMV7M_WORDS; i++)
        c->pending[i] &= ~set[i] | (c->levels[i] & ~c->active[i]);
    armv7m_refresh(c);
}

void armv7m_pend(armv7m_core *c, int number)
{
    uint64_t set[ARMV7M_WORDS] = { 0 };
    put(set, number, true);
    pend_set(c, set);
}

/* Drive external interrupt `line`. Active ones see a high line when they return (B3.4.1). */
void armv7m_set_level(void *core, int line, bool level)
{
    armv7m_core *c = core;
    int number = FIRST_IRQ + line;
    bool was = has(c->levels, number);
    put(c->levels, number, level);
    if (level && !was)
        armv7m_pend(c, number);
}

/* NMI is taken at the rising edge of its input. */
void armv7m_set_nmi(armv7m_core *c, bool level)
{
    if (level && !c->nmi_level)
        armv7m_pend(c, NMI);
    c->nmi_level = level;
}

void armv7m_set_prigroup(armv7m_core *c, uint32_t value)
{
    c->prigroup = value & 7;
    armv7m_refresh(c);
}

void activate(armv7m_core *c, int number)
{
    put(c->pending, number, false);
    put(c->active, number, true);
    armv7m_refresh(c);
}

/* The handler returned; a line that is still high makes it pending again (B3.4.1). */
void deactivate(armv7m_core *c, int number)
{
    put(c->active, number, false);
    if (has(c->levels, number))
        armv7m_pend(c, number);
    armv7m_refresh(c);
}

/* ---- registers ----------------------------------------------------------------------- */

int priority_number(const armv7m_core *c, uint32_t at)
{
    /* 4, 5, 6, 11, 12, 14 and 15; in Armv6-M 11, 14 and 15. */
    uint32_t handlers = c->mainline ? 0xd870 : 0xc800;
    int number;
    if (at < SCS_IPR_END) {
        number = FIRST_IRQ + (int)(at - SCS_IPR);
        return number < FIRST_IRQ + c->lines ? number : -1;
    }
    number = 4 + (int)(at - SCS_SHPR);
    return handlers >> number & 1 ? number : -1;
}

/* Those 32 interrupts of the word at `offset` that there are, as a set. */
static void irq_set(const armv7m_core *c, uint32_t offset, uint32_t value, uint64_t *set)
{
    int first = (int)(offset & 0x7f) / 4 * 32, i;
    memset(set, 0, ARMV7M_WORDS * sizeof *set);
    for (i = 0; i < 32 && first + i < c->lines; i++)
        if (value >> i & 1)
            put(set, FIRST_IRQ + first + i, true);
}

uint32_t irq_word(const armv7m_core *c, uint32_t offset)
{
    const uint64_t *from = offset < SCS_ISPR ? c->enabled : offset < SCS_IABR ? c->pending : c->active;
    int first = (int)(offset & 0x7f) / 4 * 32, i;
    uint32_t word = 0;
    for (i = 0; i < 32 && first + i < c->lines; i++)
        word |= (uint32_t)has(from, FIRST_IRQ + first + i) << i;
    return word;
}

void write_irq_word(armv7m_core *c, uint32_t offset, uint32_t value)
{
    uint64_t set[ARMV7M_WORDS];
    int i;
    irq_set(c, offset, value, set);
    if (offset >= SCS_ISPR) {
        if (offset < SCS_ICPR)
            pend_set(c, set);
        else
            unpend_set(c, set);
        return;
    }
    for (i = 0; i < ARMV7M_WORDS; i++)
        c->enabled[i] = offset < SCS_ICER ? c->enabled[i] | set[i] : c->enabled[i] & ~set[i];
    armv7m_refresh(c);
}
