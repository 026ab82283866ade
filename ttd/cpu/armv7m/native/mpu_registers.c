/* The MPU's registers (B3.5.5 to B3.5.10); what they say is enforced by mpu.c. */
#include "armv7m.h"

enum { MPU_TYPE = SCS_MPU, MPU_CTRL = SCS_MPU + 4, MPU_RNR = SCS_MPU + 8, MPU_RBAR = SCS_MPU + 12 };
enum { ENABLE = 1, HFNMIENA = 2, PRIVDEFENA = 4 };
enum { VALID = 0x10 };                    /* RBAR: with the number of the region */
#define RASR_MASK 0x173fff3fu

/* In the order of their numbers: the later wins where they overlap (B3.5.3). Regions of less than 32 bytes are
 * UNPREDICTABLE; those of less than 256 have no subregions. */
int armv7m_mpu_regions(const armv7m_core *c, armv7m_region *regions)
{
    const armv7m_mpu *m = &c->mpu;
    int i, count = 0;
    for (i = 0; i < m->regions; i++) {
        uint32_t attributes = m->attributes[i], exponent = (attributes >> 1 & 0x1f) + 1;
        uint64_t size = 1ull << exponent;
        if (!(attributes & 1) || exponent < 5)
            continue;
        regions[count++] = (armv7m_region){
            .base = (uint32_t)(m->bases[i] & -size), .size = size, .srd = exponent < 8 ? 0 : (uint8_t)(attributes >> 8),
            .ap = attributes >> 24 & 7, .xn = attributes >> 28 & 1
        };
    }
    return count;
}

void armv7m_refresh_mpu(armv7m_core *c)
{
    armv7m_region regions[ARMV7M_REGIONS];
    int count = armv7m_mpu_regions(c, regions);
    uint32_t control = c->mpu.control;
    armv7m_set_mpu(c->engine, control & ENABLE, control & PRIVDEFENA, control & HFNMIENA, count, regions);
}

void armv7m_reset_mpu(armv7m_core *c)
{
    c->mpu = (armv7m_mpu){ .regions = c->mpu.regions };
    armv7m_refresh_mpu(c);
}

/* Aliases A1 to A3 of RBAR and RASR are the same registers (B3.5.10). */
static bool is_base(uint32_t offset)
{
    return !((offset - MPU_RBAR) & 4);
}

uint32_t mpu_read(const armv7m_core *c, uint32_t offset)
{
    const armv7m_mpu *m = &c->mpu;
    switch (offset) {
    case MPU_TYPE: return (uint32_t)m->regions << 8;
    case MPU_CTRL: return m->control;
    case MPU_RNR: return m->number;
    }
    if (!m->regions)
        return 0;
    return is_base(offset) ? m->bases[m->number] | m->number : m->attributes[m->number];
}

/* A number without a region is UNPREDICTABLE (B3.5.7): ignored. */
static bool choose(armv7m_mpu *m, uint32_t number)
{
    bool there = number < (uint32_t)m->regions;
    if (there)
        m->number = number;
    return there;
}

void mpu_write(armv7m_core *c, uint32_t offset, uint32_t value)
{
    armv7m_mpu *m = &c->mpu;
    if (!m->regions || offset == MPU_TYPE)
        return;
    if (offset == MPU_RNR) {
        choose(m, value & 0xff);
        return;
    }
    if (offset == MPU_CTRL)
        m->control = value & (ENABLE | HFNMIENA | PRIVDEFENA);
    else if (!is_base(offset))
        m->attributes[m->number] = value & RASR_MASK;
    else if (!(value & VALID) || choose(m, value & 15))
        m->bases[m->number] = value & ~0x1fu;
    armv7m_refresh_mpu(c);
}
