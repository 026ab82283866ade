/* Thumb: special registers and IT state, whatever the mode. */
#include "thumb.h"

#define IT_BITS 0x0600fc00u

/* Unicorn answers 0 for MSP, PSP and the masks, and drops writes to them, while the CPU is
 * unprivileged. In handler mode it is not; IPSR is lent a number for the moment. */
static bool lend_privilege(ttd_engine *e, uint32_t *xpsr)
{
    uint32_t lent;
    if (!unprivileged_thread(e, xpsr))
        return false;
    lent = *xpsr | 3;
    e->reg_write(e->uc, UC_ARM_REG_XPSR, &lent);
    return true;
}

static bool needs_privilege(int id)
{
    return id == UC_ARM_REG_MSP || id == UC_ARM_REG_PSP || id == UC_ARM_REG_PRIMASK
        || id == UC_ARM_REG_BASEPRI || id == UC_ARM_REG_FAULTMASK || id == UC_ARM_REG_CONTROL;
}

/* What the register has when `value` is written: bits that the core does not have are 0. */
static uint64_t thumb_value(ttd_engine *e, int id, uint64_t value)
{
    switch (id) {
    case UC_ARM_REG_PC: return (value & ~1ull) | (reg32(e, UC_ARM_REG_XPSR) >> 24 & 1);
    case UC_ARM_REG_SP: case UC_ARM_REG_MSP: case UC_ARM_REG_PSP: return value & ~3ull;
    case UC_ARM_REG_PRIMASK: case UC_ARM_REG_FAULTMASK: return value & 1;
    case UC_ARM_REG_BASEPRI: return value & thumb_of(e)->basepri_mask;
    case UC_ARM_REG_CONTROL: return value & (thumb_of(e)->baseline ? 2 : 3);
    case UC_ARM_REG_XPSR: return value & (thumb_of(e)->baseline ? 0xf100003f : 0xff00fdff);
    default: return value;
    }
}

static bool any_hidden(const int *ids, int count)
{
    while (count--)
        if (needs_privilege(ids[count]))
            return true;
    return false;
}

/* Privilege is lent for one at a time: with it SP is another. */
void thumb_read_registers(ttd_engine *e, const int *ids, uint64_t *out, int count)
{
    uint32_t xpsr, lent;
    bool hides = any_hidden(ids, count) && unprivileged_thread(e, &xpsr);
    int i;
    for (i = 0; i < count; i++) {
        bool lends = hides && needs_privilege(ids[i]);
        if (lends) {
            lent = xpsr | 3;
            e->reg_write(e->uc, UC_ARM_REG_XPSR, &lent);
        }
        out[i] = 0;
        e->reg_read(e->uc, ids[i], &out[i]);
        if (lends)
            e->reg_write(e->uc, UC_ARM_REG_XPSR, &xpsr);
    }
}

/* Numbers from OWN_IDS on: registers that need privilege, whatever there is of it. */
bool thumb_read_hidden(ttd_engine *e, int id, uint64_t *value)
{
    id -= OWN_IDS;
    thumb_read_registers(e, &id, value, 1);
    return true;
}

void thumb_write_registers(ttd_engine *e, const int *ids, const uint64_t *values, int count)
{
    bool modes = false;
    uint32_t xpsr;
    int i;
    for (i = 0; i < count; i++) {
        uint64_t value = thumb_value(e, ids[i], values[i]);
        bool hidden = needs_privilege(ids[i]), lent = hidden && lend_privilege(e, &xpsr);
        modes |= hidden || ids[i] == UC_ARM_REG_XPSR;
        e->reg_write(e->uc, ids[i], &value);
        if (lent)
            e->reg_write(e->uc, UC_ARM_REG_XPSR, &xpsr);
    }
    if (modes)
        thumb_modes_changed(e, reg32(e, UC_ARM_REG_XPSR));
}

/* Writing the flags through this register is what makes Unicorn derive the translation flags (privilege,
 * handler mode) anew. */
void thumb_modes_changed(ttd_engine *e, uint32_t xpsr)
{
    xpsr &= 0xf0000000;
    e->reg_write(e->uc, UC_ARM_REG_APSR_NZCV, &xpsr);
    thumb_replaced(e);
}

/* The MPU may apply to what the registers are now, and not have applied before; or the other way. */
void thumb_replaced(ttd_engine *e)
{
    mpu_follow(e);
}

/* ITSTATE (DDI0403E A7.3.2); 0 outside of IT blocks. */
static uint8_t it_state(uint32_t xpsr)
{
    uint32_t it = (xpsr >> 25 & 3) | (xpsr >> 8 & 0xfc);
    return it & 15 ? (uint8_t)it : 0;
}

uint8_t thumb_prefix(ttd_engine *e)
{
    return it_state(reg32(e, UC_ARM_REG_XPSR));
}

void thumb_forget_prefix(ttd_engine *e)
{
    uint32_t xpsr = reg32(e, UC_ARM_REG_XPSR);
    if (xpsr & IT_BITS) {
        xpsr &= ~IT_BITS;
        e->reg_write(e->uc, UC_ARM_REG_XPSR, &xpsr);
    }
}

/* PRIMASK, FAULTMASK and BASEPRI. Unprivileged code cannot change them, and Unicorn would answer 0 for
 * them; `between` runs they are found out all the same. */
uint32_t thumb_masks(ttd_engine *e, bool between)
{
    static const int ids[] = { UC_ARM_REG_PRIMASK, UC_ARM_REG_FAULTMASK, UC_ARM_REG_BASEPRI };
    uint64_t m[3];
    uint32_t xpsr;
    if (!between && unprivileged_thread(e, &xpsr))
        return e->masks;
    thumb_read_registers(e, ids, m, 3);
    return (uint32_t)((m[0] & 1) | (m[1] & 1) << 1 | (m[2] & 0xff) << 8);
}

/* There is no ARM state to run in. */
bool thumb_look(ttd_engine *e, uint64_t *pc)
{
    static const int ids[] = { UC_ARM_REG_PC, UC_ARM_REG_XPSR };
    thumb_state *t = thumb_of(e);
    uint32_t values[2];
    if (t->opens_now) {
        t->opens_now = false;
        ttd_clear_exclusive(e);
    }
    read_regs32(e, ids, values, 2);
    *pc = values[0];
    e->prefix_next = it_state(values[1]);
    return values[1] >> 24 & 1;
}

/* ---- what special registers can hold ---------------------------------------------------- */

enum { SETTLE_SP = 1, SETTLE_STACKS = 2, SETTLE_FLAGS = 4, SETTLE_BASEPRI = 8, SETTLE_FAULTMASK = 16 };

/* Which of them the block, whose last instruction may be MSR or CPS (B5.2), may leave with what they cannot
 * hold. */
static int to_settle(ttd_engine *e, const block_info *b)
{
    const thumb_state *t = thumb_of(e);
    uint32_t insn;
    if (!(b->ways & WAY_MODES))
        return SETTLE_SP;
    insn = thumb_insn(e, b->pc + b->span - b->last);
    if (b->last == 2)                     /* CPS */
        return !t->baseline && (insn & 1) ? SETTLE_FAULTMASK : 0;
    switch (insn & 0xff) {
    case 0: case 1: case 2: case 3: return t->baseline ? SETTLE_FLAGS : 0;
    case 8: case 9: return SETTLE_SP | SETTLE_STACKS;
    case 17: case 18: return !t->baseline && (t->basepri_mask != 0xff) ? SETTLE_BASEPRI : 0;
    case 19: return t->baseline ? 0 : SETTLE_FAULTMASK;
    default: return 0;                    /* PRIMASK, CONTROL */
    }
}

static void align(ttd_engine *e, int id)
{
    uint32_t value = reg32(e, id);
    if (value & 3) {
        value &= ~3u;
        e->reg_write(e->uc, id, &value);
    }
}

/* After an instruction that may have written special registers: bits that the core does not have
 * read as 0 (B1.4), and what may not be written was not. */
void thumb_settle(ttd_engine *e)
{
    thumb_state *t = thumb_of(e);
    uint32_t xpsr, basepri, value;
    if (t->settles & SETTLE_SP)
        align(e, UC_ARM_REG_SP);
    if (t->settles & SETTLE_FLAGS) {
        xpsr = reg32(e, UC_ARM_REG_XPSR);
        if (xpsr & Q_BIT) {
            value = xpsr & (0xf0000000 & ~Q_BIT);
            e->reg_write(e->uc, UC_ARM_REG_APSR_NZCVQ, &value);
        }
    }
    if (!(t->settles & ~(SETTLE_SP | SETTLE_FLAGS)) || unprivileged_thread(e, &xpsr))
        return;                           /* which MSR has written nothing else */
    if (t->settles & SETTLE_STACKS) {
        align(e, UC_ARM_REG_MSP);
        align(e, UC_ARM_REG_PSP);
    }
    if (t->settles & SETTLE_BASEPRI) {
        basepri = reg32(e, UC_ARM_REG_BASEPRI);
        if (basepri & ~t->basepri_mask) {
            value = basepri & t->basepri_mask;
            if (!value && t->raises_basepri)
                value = t->basepri_before;
            e->reg_write(e->uc, UC_ARM_REG_BASEPRI, &value);
        }
    }
    /* B5.2.3: from priority -1 on FAULTMASK is not set. */
    if ((t->settles & SETTLE_FAULTMASK) && ((xpsr & 0x1ff) == 2 || (xpsr & 0x1ff) == 3)
        && !t->faultmask_before && (reg32(e, UC_ARM_REG_FAULTMASK) & 1)) {
        value = 0;
        e->reg_write(e->uc, UC_ARM_REG_FAULTMASK, &value);
    }
}

/* A block that may write special registers is about to run. */
bool thumb_expect(ttd_engine *e, const block_info *b)
{
    thumb_state *t = thumb_of(e);
    uint32_t xpsr;
    t->settles = to_settle(e, b);
    if ((t->settles & (SETTLE_BASEPRI | SETTLE_FAULTMASK)) && !unprivileged_thread(e, &xpsr)) {
        t->basepri_before = reg32(e, UC_ARM_REG_BASEPRI);
        t->faultmask_before = reg32(e, UC_ARM_REG_FAULTMASK) & 1;
        t->raises_basepri = b->ways & WAY_OWN;
    }
    return t->settles;
}

void armv7m_trap(ttd_engine *e, bool divide, bool unaligned)
{
    thumb_state *t = thumb_of(e);
    if (divide == t->trap_divide && unaligned == e->trap_unaligned)
        return;
    t->trap_divide = divide;
    e->trap_unaligned = unaligned;
    e->must_align = unaligned || t->baseline;
    forget_blocks(e);
    if (e->running)
        e->flush_due = true;              /* after the instruction that is storing */
    else
        flush_tlb(e);
}

void armv7m_set_basepri_mask(ttd_engine *e, uint32_t mask) { thumb_of(e)->basepri_mask = mask; }
