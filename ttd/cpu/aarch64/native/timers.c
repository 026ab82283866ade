/* AArch64: system registers, and the counters and timers that would be the host's (DDI0487, chapters "The
 * Generic Timer", "The Performance Monitors Extension"). */
#include "a64.h"

static uint64_t count_ticks(ttd_engine *e, uint64_t step)
{
    return ticks_at(step, e->time.clock_ns, e->time.warp_ns, a64_of(e)->timebase_hz, 1000000000);
}

/* What `ttd_regs_read` calls a system register of AArch64, as MRS encodes it. */
#define SYSTEM(op0, op1, crn, crm, op2) \
    (OWN_IDS | (op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define CNTFRQ SYSTEM(3, 3, 14, 0, 0)
#define CNTPCT SYSTEM(3, 3, 14, 0, 1)
#define CNTVCT SYSTEM(3, 3, 14, 0, 2)
/* Of the timer that the bits of CRm choose: 2 the physical one, 3 the virtual one. */
#define TIMER(crm, op2) SYSTEM(3, 3, 14, crm, op2)
enum { TIMER_TVAL, TIMER_CTL, TIMER_CVAL };
#define TIMER_SET 3                   /* ENABLE and IMASK; ISTATUS follows from the counter */
#define PMCCNTR SYSTEM(3, 3, 9, 13, 0)
/* What firmware of EL3 and EL2 has said: EL1 is not secure, and it and EL2 are in AArch64, without which
 * an ERET to EL1 is illegal. */
#define SCR_EL3 SYSTEM(3, 6, 1, 1, 0)
#define HCR_EL2 SYSTEM(3, 4, 1, 1, 0)
#define SCR_NS_RW (1u << 10 | 1u)
#define HCR_RW (1ull << 31)

static int system_id(const uc_arm64_cp_reg *r)
{
    return SYSTEM((int)r->op0, (int)r->op1, (int)r->crn, (int)r->crm, (int)r->op2);
}

static bool is_timer(int id)
{
    return (id & ~0xf) == (TIMER(2, 0) & ~0xf) && (id & 7) <= TIMER_CVAL;
}

/* An event counter, or what overflows set: PMOVSCLR, PMXEVCNTR, PMOVSSET, PMEVCNTRn. No events are
 * counted. */
static bool counts_events(int id)
{
    return id == SYSTEM(3, 3, 9, 12, 3) || id == SYSTEM(3, 3, 9, 13, 2)
        || id == SYSTEM(3, 3, 9, 14, 3) || (id & ~0x1f) == SYSTEM(3, 3, 14, 8, 0);
}

static uc_arm64_cp_reg arm_register(int id)
{
    return (uc_arm64_cp_reg){ .op0 = id >> 14 & 3, .op1 = id >> 11 & 7, .crn = id >> 7 & 15,
                              .crm = id >> 3 & 15, .op2 = id & 7 };
}

static uint64_t a64_system(ttd_engine *e, int id)
{
    uc_arm64_cp_reg r = arm_register(id);
    e->reg_read(e->uc, UC_ARM64_REG_CP_REG, &r);
    return is_timer(id) && (id & 7) == TIMER_CTL ? r.val & TIMER_SET : r.val;
}

static void set_system(ttd_engine *e, int id, uint64_t value)
{
    uc_arm64_cp_reg r = arm_register(id);
    r.val = value;
    e->reg_write(e->uc, UC_ARM64_REG_CP_REG, &r);
}

bool a64_read_register(ttd_engine *e, int id, uint64_t *value)
{
    if (id < OWN_IDS)
        return false;
    *value = a64_system(e, id);
    return true;
}

bool a64_write_register(ttd_engine *e, int id, uint64_t value)
{
    if (id < OWN_IDS)
        return false;
    set_system(e, id, value);
    return true;
}

/* MRS of what Unicorn would take from the host's clock: the generic timer and the performance
 * monitors (DDI0487, chapters "The Generic Timer", "The Performance Monitors Extension"). */
static uint32_t on_mrs(uc_engine *uc, uc_arm64_reg reg, const uc_arm64_cp_reg *from, void *user)
{
    ttd_engine *e = user;
    int id = system_id(from), control = (id & ~7) | TIMER_CTL, compare = (id & ~7) | TIMER_CVAL;
    uint64_t value, now;
    if (id == CNTVCT || id == CNTPCT) {
        value = count_ticks(e, step_now(e));
    } else if (id == CNTFRQ) {
        value = a64_of(e)->timebase_hz;
    } else if (id == PMCCNTR) {
        value = step_now(e);
    } else if (counts_events(id)) {
        value = 0;
    } else if (is_timer(id) && (id & 7) != TIMER_CVAL) {
        now = count_ticks(e, step_now(e));
        value = a64_system(e, control);
        if ((id & 7) == TIMER_TVAL)
            value = (uint32_t)(a64_system(e, compare) - now);
        else if ((value & 1) && now >= a64_system(e, compare))
            value |= 4;
    } else {
        return 0;
    }
    e->reg_write(uc, reg, &value);
    return 1;
}

/* Unicorn drops what is written to timers. */
static uint32_t on_msr(uc_engine *uc, uc_arm64_reg reg, const uc_arm64_cp_reg *to, void *user)
{
    ttd_engine *e = user;
    int id = system_id(to), compare = (id & ~7) | TIMER_CVAL;
    (void)uc, (void)reg;
    if (!is_timer(id))
        return id == PMCCNTR || counts_events(id);
    switch (id & 7) {
    case TIMER_TVAL:
        set_system(e, compare, count_ticks(e, step_now(e)) + (uint64_t)(int32_t)to->val);
        break;
    case TIMER_CTL: set_system(e, id, to->val & TIMER_SET); break;
    default: set_system(e, id, to->val);
    }
    return 1;
}

#define CNTKCTL SYSTEM(3, 0, 14, 1, 0)
#define PMUSERENR SYSTEM(3, 3, 9, 14, 0)
enum { EL0PCTEN = 1, EL0VCTEN = 2, EL0VTEN = 1 << 8, EL0PTEN = 1 << 9 };     /* CNTKCTL_EL1 */
enum { PM_EN = 1, PM_CR = 4, PM_ER = 8 };                                    /* PMUSERENR_EL0 */

/* The register of MRS and MSR, which are all that have such bits. */
static int moved_register(uint32_t insn)
{
    return (insn & 0xffd00000) == 0xd5100000 ? OWN_IDS | (insn >> 5 & 0xffff) : 0;
}

bool a64_counts(uint32_t insn)
{
    int id = moved_register(insn);
    return id == CNTFRQ || id == CNTPCT || id == CNTVCT || id == PMCCNTR || is_timer(id)
        || counts_events(id);
}

/* DDI0487, "CNTKCTL_EL1", "PMUSERENR_EL0": one of these bits lets EL0 in. */
bool a64_lets_count(ttd_engine *e, uint32_t insn)
{
    int id = moved_register(insn);
    bool read = insn >> 21 & 1;
    uint64_t state = 0, bits, enabled;
    e->reg_read(e->uc, UC_ARM64_REG_PSTATE, &state);
    if (state & 0xc)
        return true;
    if (id == PMCCNTR || counts_events(id)) {
        bool overflow = id == SYSTEM(3, 3, 9, 12, 3) || id == SYSTEM(3, 3, 9, 14, 3);
        bits = !read || overflow ? PM_EN : id == PMCCNTR ? PM_EN | PM_CR : PM_EN | PM_ER;
        enabled = a64_system(e, PMUSERENR);
    } else {
        bits = id == CNTFRQ ? EL0PCTEN | EL0VCTEN : id == CNTPCT ? EL0PCTEN : id == CNTVCT ? EL0VCTEN
            : (id & 0x78) == (TIMER(2, 0) & 0x78) ? EL0PTEN : EL0VTEN;
        enabled = a64_system(e, CNTKCTL);
    }
    return enabled & bits;
}

int a64_start(ttd_engine *e)
{
    uc_hook mrs, msr;
    int err = e->hook_add(e->uc, &mrs, UC_HOOK_INSN, on_mrs, e, 1, 0, UC_ARM64_INS_MRS);
    if (!err)
        err = e->hook_add(e->uc, &msr, UC_HOOK_INSN, on_msr, e, 1, 0, UC_ARM64_INS_MSR);
    set_system(e, SCR_EL3, SCR_NS_RW);
    set_system(e, HCR_EL2, HCR_RW);
    return err;
}

void a64_set_timebase(ttd_engine *e, uint64_t hz)
{
    a64_of(e)->timebase_hz = hz;
}
