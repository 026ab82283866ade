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
    case UC_ARM_REG_BASEPRI: return value & e->basepri_mask;
    case UC_ARM_REG_CONTROL: return value & (e->baseline ? 2 : 3);
    case UC_ARM_REG_XPSR: return value & (e->baseline ? 0xf100003f : 0xff00fdff);
    default: return value;
    }
}

void thumb_read_registers(ttd_engine *e, const int *ids, uint64_t *out, int count)
{
    uint32_t xpsr;
    int i;
    for (i = 0; i < count; i++) {
        bool lent = needs_privilege(ids[i]) && lend_privilege(e, &xpsr);
        out[i] = 0;
        e->reg_read(e->uc, ids[i], &out[i]);
        if (lent)
            e->reg_write(e->uc, UC_ARM_REG_XPSR, &xpsr);
    }
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
    if (modes) {
        /* Writing the flags through this register is what makes Unicorn derive the translation
         * flags (privilege, handler mode) anew. */
        xpsr = reg32(e, UC_ARM_REG_XPSR) & 0xf0000000;
        e->reg_write(e->uc, UC_ARM_REG_APSR_NZCV, &xpsr);
        thumb_replaced(e);
    }
}

/* The MPU may apply differently to what the registers are now. */
void thumb_replaced(ttd_engine *e)
{
    if (e->mpu_on)
        flush_tlb(e);
}

/* ITSTATE (DDI0403E A7.3.2); 0 outside of IT blocks. */
uint8_t thumb_prefix(ttd_engine *e)
{
    uint32_t xpsr = reg32(e, UC_ARM_REG_XPSR), it = (xpsr >> 25 & 3) | (xpsr >> 8 & 0xfc);
    return it & 15 ? (uint8_t)it : 0;
}

void thumb_forget_prefix(ttd_engine *e)
{
    uint32_t xpsr = reg32(e, UC_ARM_REG_XPSR);
    if (xpsr & IT_BITS) {
        xpsr &= ~IT_BITS;
        e->reg_write(e->uc, UC_ARM_REG_XPSR, &xpsr);
    }
}
