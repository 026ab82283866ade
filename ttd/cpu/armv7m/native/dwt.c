/* DWT_CTRL and DWT_CYCCNT (C1.8.7, C1.8.8): cycles of the core clock in virtual time. */
#include "armv7m.h"

enum { DWT_CTRL = 0x000, DWT_CYCCNT = 0x004, CYCCNTENA = 1 };

static uint64_t cycles(const armv7m_core *c)
{
    return (uint64_t)((unsigned __int128)time_now(c->engine) * c->hz / 1000000000u);
}

static uint32_t count_now(const armv7m_core *c)
{
    return c->cycles.count + (c->cycles.enabled ? (uint32_t)(cycles(c) - c->cycles.anchor) : 0);
}

static void set(armv7m_core *c, uint32_t count, bool enabled)
{
    c->cycles = (armv7m_cycles){ enabled, count, cycles(c) };
}

uint32_t armv7m_dwt_peek(armv7m_core *c, uint32_t offset, int size)
{
    uint32_t word = (offset & ~3u) == DWT_CTRL ? c->cycles.enabled
                    : (offset & ~3u) == DWT_CYCCNT ? count_now(c) : 0;
    return (uint32_t)(word >> 8 * (offset & 3) & ((1ull << 8 * size) - 1));
}

int armv7m_dwt_read(armv7m_core *c, uint32_t offset, int size, uint32_t *value)
{
    if (!privileged_now(c->engine))
        return ARMV7M_REFUSED;
    *value = armv7m_dwt_peek(c, offset, size);
    return ARMV7M_DONE;
}

int armv7m_dwt_write(armv7m_core *c, uint32_t offset, int size, uint32_t value)
{
    if (!privileged_now(c->engine))
        return ARMV7M_REFUSED;
    if (offset == DWT_CTRL)
        set(c, count_now(c), value & CYCCNTENA);
    else if (offset == DWT_CYCCNT && size == 4)
        set(c, value, c->cycles.enabled);
    return ARMV7M_DONE;
}
