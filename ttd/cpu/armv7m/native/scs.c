/* 0xE000E000..0xE000EFFF: who may access the System Control Space, and how (B3.1.1).
 *
 * Registers are words; IPRn, SHPRn and CFSR may also be accessed by byte and halfword. Narrow reads of
 * others return the part of the word, narrow writes are ignored. Unprivileged accesses get a bus error, but
 * for STIR when CCR.USERSETMPEND allows it. */
#include "armv7m.h"

static uint32_t part(uint32_t word, uint32_t offset, int size)
{
    return (uint32_t)(word >> 8 * (offset & 3) & ((1ull << 8 * size) - 1));
}

static uint32_t read_priorities(const armv7m_core *c, uint32_t offset)
{
    uint32_t word = 0, i;
    for (i = 0; i < 4; i++) {
        int number = priority_number(c, offset + i);
        word |= number < 0 ? 0 : (uint32_t)(uint8_t)c->priority[number] << 8 * i;
    }
    return word;
}

/* Bits that the core does not have read as zero and ignore writes (B3.4.9). */
static void write_priorities(armv7m_core *c, uint32_t offset, int size, uint32_t value)
{
    bool any = false;
    for (; size--; offset++, value >>= 8) {
        int number = is_priority(offset) ? priority_number(c, offset) : -1;
        if (number >= 0) {
            c->priority[number] = (int16_t)(value & c->priority_mask);
            any = true;
        }
    }
    if (any)
        armv7m_refresh(c);
}

/* The words that an Armv6-M core has beside CPUID (DDI0419C, B3.2 to B3.4). */
static bool is_there(const armv7m_core *c, uint32_t offset)
{
    switch (offset) {
    case SCS_SYST_CSR: case SCS_SYST_RVR: case SCS_SYST_CVR: case SCS_SYST_CALIB:
    case SCS_ISER: case SCS_ICER: case SCS_ISPR: case SCS_ICPR:
    case SCS_ICSR: case SCS_AIRCR: case SCS_SCR: case SCS_CCR: case SCS_SHPR + 4: case SCS_SHPR + 8:
        return true;
    default:
        return c->mainline || offset - SCS_IPR < 32;
    }
}

static bool is_mpu(uint32_t offset)
{
    return offset - SCS_MPU < SCS_MPU_END - SCS_MPU;
}

static uint32_t read_word(armv7m_core *c, uint32_t offset)
{
    int i;
    for (i = 0; offset >= SCS_ICSR - 4 && i < c->nconstants; i++)
        if (c->constants[i].offset == offset)
            return c->constants[i].value;
    if (!is_there(c, offset))
        return 0;
    if (offset - SCS_SYST_CSR < 16)
        return systick_read(c, offset);
    if (offset - SCS_ISER < SCS_IPR - SCS_ISER)
        return irq_word(c, offset);
    if (is_mpu(offset))
        return mpu_read(c, offset);
    return is_priority(offset) ? read_priorities(c, offset) : scb_read(c, offset);
}

int armv7m_scs_read(armv7m_core *c, uint32_t offset, int size, uint32_t *value)
{
    if (!privileged_access(c->engine))
        return ARMV7M_REFUSED;
    armv7m_catch_up(c);
    *value = part(read_word(c, offset & ~3u), offset, size);
    return ARMV7M_DONE;
}

uint32_t armv7m_scs_peek(armv7m_core *c, uint32_t offset, int size)
{
    armv7m_systick was = c->systick;
    uint32_t value;
    systick_catch_up(c);
    value = part(read_word(c, offset & ~3u), offset, size);
    c->systick = was;
    return value;
}

/* What has to be asked: requests for a reset (B3.2.6). */
static bool to_ask(uint32_t offset, int size, uint32_t value)
{
    return offset == SCS_AIRCR && size == 4 && value >> 16 == 0x05fa && (value & 4);
}

int armv7m_scs_write(armv7m_core *c, uint32_t offset, int size, uint32_t value)
{
    bool allowed = offset == SCS_STIR && (c->ccr & USERSETMPEND);
    if (!allowed && !privileged_access(c->engine))
        return ARMV7M_REFUSED;
    if (to_ask(offset, size, value))
        return ARMV7M_ASK;
    if (!is_there(c, offset & ~3u))
        return ARMV7M_DONE;
    armv7m_catch_up(c);
    if (is_priority(offset))
        write_priorities(c, offset, size, value);
    else if (size < 4 && (offset & ~3u) == SCS_CFSR)
        c->cfsr &= ~(value << 8 * (offset & 3));
    else if (size < 4)
        return ARMV7M_DONE;
    else if (offset - SCS_SYST_CSR < 16)
        systick_write(c, offset, value);
    else if (offset - SCS_ISER < SCS_IABR - SCS_ISER)
        write_irq_word(c, offset, value);
    else if (is_mpu(offset))
        mpu_write(c, offset, value);
    else
        scb_write(c, offset, value);
    return ARMV7M_DONE;
}
