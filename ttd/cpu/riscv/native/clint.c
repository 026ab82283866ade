/* RISC-V: the Core-Local Interruptor ("SiFive FU540-C000 Manual", chapter of that name) of hart 0: MSIP at 0x0000,
 * MTIMECMP at 0x4000, MTIME at 0xBFF8. The registers of 64 bits are pairs of words, the low one first; each half is
 * there at once. MTIME is the core's counter of real time (3.2.1). */
#include "rv.h"

enum { CODE_MSI = 3, CODE_MTI = 7 };
enum { MSIP = RISCV_CLINT_MSIP, MTIMECMP = RISCV_CLINT_MTIMECMP, MTIME = RISCV_CLINT_MTIME, HIGH = 4 };

/* MTIP is high whenever MTIME has reached MTIMECMP; there is nothing to acknowledge. */
static void compare(ttd_engine *e)
{
    riscv_clint *c = &core_of(e)->clint;
    c->due = riscv_time(e, e->now) >= c->mtimecmp;
    riscv_clint_arm(e);
    riscv_set_line(e, CODE_MTI, c->due);
}

void riscv_clint_arm(ttd_engine *e)
{
    const riscv_core *core = core_of(e);
    riscv_clint *c = &core_of(e)->clint;
    uint64_t time = riscv_time(e, e->now);
    /* Behind what has not been noticed yet MTIMECMP is in the past. */
    __int128 ticks = (__int128)(time - core->time_offset) + ((__int128)c->mtimecmp - time), ns;
    c->armed = !c->due && core->timebase_hz;
    if (!c->armed)
        return;
    ns = ticks < 0 ? 0 : (ticks * 1000000000 + core->timebase_hz - 1) / core->timebase_hz;    /* of virtual time */
    c->armed = ns < NEVER;
    c->due_ns = (uint64_t)ns;
}

uint64_t riscv_deadline(ttd_engine *e)
{
    const riscv_clint *c = &core_of(e)->clint;
    return c->armed ? c->due_ns : UINT64_MAX;
}

void riscv_expire(ttd_engine *e)
{
    compare(e);
}

/* Not reset in hardware; with another MTIMECMP there would be an interrupt at once. */
void riscv_clint_reset(ttd_engine *e)
{
    riscv_core *core = core_of(e);
    core->clint = (riscv_clint){ .mtimecmp = UINT64_MAX };
    core->time_offset -= riscv_time(e, e->now);
    compare(e);
    riscv_set_line(e, CODE_MSI, false);
}

uint32_t riscv_clint_look(ttd_engine *e, uint32_t offset)
{
    const riscv_clint *c = &core_of(e)->clint;
    int half = offset & HIGH ? 32 : 0;
    switch (offset & ~(uint32_t)HIGH) {
    case MSIP: return half ? 0 : c->msip;
    case MTIMECMP: return (uint32_t)(c->mtimecmp >> half);
    case MTIME: return (uint32_t)(riscv_time(e, e->now) >> half);
    default: return 0;
    }
}

static uint64_t with_half(uint64_t old, uint32_t offset, uint32_t value)
{
    return offset & HIGH ? (uint32_t)old | (uint64_t)value << 32 : (old & ~0xffffffffull) | value;
}

void riscv_clint_write(ttd_engine *e, uint32_t offset, uint32_t value)
{
    riscv_core *core = core_of(e);
    riscv_clint *c = &core->clint;
    uint64_t time;
    switch (offset & ~(uint32_t)HIGH) {
    case MSIP:
        if (!(offset & HIGH)) {
            c->msip = value & 1;
            riscv_set_line(e, CODE_MSI, c->msip);
        }
        break;
    case MTIMECMP:
        c->mtimecmp = with_half(c->mtimecmp, offset, value);
        compare(e);
        break;
    case MTIME:
        time = riscv_time(e, e->now);
        core->time_offset += with_half(time, offset, value) - time;
        compare(e);
        break;
    }
}

static bool serve_read(ttd_engine *e, void *device, uint32_t offset, int size, uint64_t *value)
{
    (void)device, (void)size;
    *value = riscv_clint_look(e, offset & ~3u) >> 8 * (offset & 3);
    return true;
}

static bool serve_write(ttd_engine *e, void *device, uint32_t offset, int size, uint64_t value)
{
    (void)device, (void)size;
    riscv_clint_write(e, offset & ~3u, (uint32_t)(value << 8 * (offset & 3)));
    return true;
}

bool riscv_clint_attach(ttd_engine *e, uint64_t base)
{
    static const device_ops ops = { serve_read, serve_write };
    return attach_device(e, base, RISCV_CLINT_SIZE, &ops, NULL);
}
