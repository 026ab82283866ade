/* Armv7-M: privilege and the memory protection unit (DDI0403E B3.5). */
#include "internal.h"

bool unprivileged_thread(ttd_engine *e, uint32_t *xpsr)
{
    *xpsr = reg32(e, UC_ARM_REG_XPSR);
    return !(*xpsr & 0x1ff) && (reg32(e, UC_ARM_REG_CONTROL) & 1);
}

bool privileged_now(ttd_engine *e)
{
    uint32_t xpsr;
    return e->isa != ISA_THUMB || !unprivileged_thread(e, &xpsr);
}

/* LDRT, STRT and their kin access as unprivileged code does (DDI0403E A7.7.71 and others). */
bool privileged_access(ttd_engine *e)
{
    uint8_t *code = host_pointer(e, read_pc(e));
    if (code && e->isa == ISA_THUMB && code[1] >> 1 == 0xf8 >> 1 && !(code[0] & 0x80)
        && (code[0] & 15) != 15 && (code[3] & 15) == 0xe)
        return false;
    return privileged_now(e);
}

/* After an instruction that may have written special registers: bits that the core does not have
 * read as 0 (DDI0403E B1.4), and what may not be written was not. */
void settle(ttd_engine *e)
{
    static const int stacks[] = { UC_ARM_REG_MSP, UC_ARM_REG_PSP };
    uint32_t xpsr, sp, basepri, value, i;
    e->settle_next = false;
    e->look_at_masks = e->masks_on;
    if (e->isa != ISA_THUMB)
        return;
    sp = reg32(e, UC_ARM_REG_SP);
    if (sp & 3) {
        sp &= ~3u;
        e->reg_write(e->uc, UC_ARM_REG_SP, &sp);
    }
    xpsr = reg32(e, UC_ARM_REG_XPSR);
    if (e->baseline && xpsr & Q_BIT) {
        value = xpsr & (0xf0000000 & ~Q_BIT);
        e->reg_write(e->uc, UC_ARM_REG_APSR_NZCVQ, &value);
    }
    if (unprivileged_thread(e, &xpsr))
        return;                           /* which MSR has written nothing else */
    for (i = 0; i < 2; i++) {
        value = reg32(e, stacks[i]);
        if (value & 3) {
            value &= ~3u;
            e->reg_write(e->uc, stacks[i], &value);
        }
    }
    if (e->baseline)
        return;
    basepri = reg32(e, UC_ARM_REG_BASEPRI);
    if (basepri & ~e->basepri_mask) {
        value = basepri & e->basepri_mask;
        if (!value && e->raises_basepri)
            value = e->basepri_before;
        e->reg_write(e->uc, UC_ARM_REG_BASEPRI, &value);
    }
    /* B5.2.3: from priority -1 on FAULTMASK is not set. */
    if (((xpsr & 0x1ff) == 2 || (xpsr & 0x1ff) == 3) && !e->faultmask_before
        && (reg32(e, UC_ARM_REG_FAULTMASK) & 1)) {
        value = 0;
        e->reg_write(e->uc, UC_ARM_REG_FAULTMASK, &value);
    }
}

/* A block that may write special registers is about to run. */
void expect_settling(ttd_engine *e, block_info *b)
{
    uint32_t xpsr;
    e->settle_next = true;
    if (e->isa != ISA_THUMB || e->baseline || !(b->ways & WAY_MODES) || unprivileged_thread(e, &xpsr))
        return;
    e->basepri_before = reg32(e, UC_ARM_REG_BASEPRI);
    e->faultmask_before = reg32(e, UC_ARM_REG_FAULTMASK) & 1;
    e->raises_basepri = b->ways & WAY_RAISES;
}

bool mpu_active(ttd_engine *e)
{
    if (!e->mpu_on)
        return false;
    if (!e->mpu_hfnmi) {
        uint32_t ipsr = reg32(e, UC_ARM_REG_XPSR) & 0x1ff;
        if (ipsr == 2 || ipsr == 3 || (reg32(e, UC_ARM_REG_FAULTMASK) & 1))
            return false;
    }
    return true;
}

static bool ap_allows(uint8_t ap, bool write, bool privileged)
{
    switch (ap) {                        /* DDI0403E B3.5.9, MPU_RASR.AP */
    case 1: return privileged;
    case 2: return privileged || !write;
    case 3: return true;
    case 5: return privileged && !write;
    case 6: case 7: return !write;
    default: return false;
    }
}

static bool default_map_xn(uint64_t a)
{
    return (a >= 0x40000000 && a < 0x60000000) || a >= 0xa0000000;
}

/* The last region that covers `a`, or -1; `end` is lowered to where the answer may change. */
static int mpu_find(ttd_engine *e, uint64_t a, uint64_t *end)
{
    int i, found = -1;
    for (i = 0; i < e->nmpu; i++) {
        mpu_region *m = &e->mpu[i];
        uint64_t step = m->size >= 256 ? m->size / 8 : m->size, lo = m->base, hi;
        if (a < lo) {
            if (lo < *end)
                *end = lo;
            continue;
        }
        if (a >= lo + m->size)
            continue;
        hi = a - (a - lo) % step + step;
        if (hi < *end)
            *end = hi;
        if (m->size < 256 || !(m->srd >> ((a - lo) / step) & 1))
            found = i;
    }
    return found;
}

/* May [address, address + size) be accessed? 1 yes, 0 no, -1 it differs within the range. */
int mpu_allows(ttd_engine *e, uint64_t address, uint64_t size, int kind, bool privileged,
                      bool active)
{
    uint64_t at = address, stop_at = address + size;
    int verdict = -2;
    if (!active || (address >= 0xe0000000 && address < 0xe0100000))
        return !(kind == ACC_FETCH && default_map_xn(address));
    while (at < stop_at) {
        uint64_t end = stop_at;
        int i = mpu_find(e, at, &end), ok;
        if (i < 0)
            ok = e->mpu_background && privileged && !(kind == ACC_FETCH && default_map_xn(at));
        else
            ok = ap_allows(e->mpu[i].ap, kind == ACC_WRITE, privileged)
                && !(kind == ACC_FETCH && (e->mpu[i].xn || at >= 0xe0000000));
        if (verdict == -2)
            verdict = ok;
        else if (verdict != ok)
            return -1;
        at = end;
    }
    return verdict;
}
