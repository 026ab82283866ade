/* Virtual time, and whose the processor is. */
#include "internal.h"

void use_core(ttd_engine *e, const core_ops *ops, void *core)
{
    e->core_ops = ops;
    e->core = core;
}

ttd_time *ttd_time_of(ttd_engine *e) { return &e->time; }

bool ttd_has_core(ttd_engine *e) { return e->core_ops != NULL; }

uint64_t time_now(const ttd_engine *e)
{
    return e->now * e->time.clock_ns + (uint64_t)e->time.warp_ns;
}

uint64_t ticks_at(uint64_t step, uint64_t clock_ns, int64_t offset_ns, uint64_t hz, uint64_t divider)
{
    unsigned __int128 ns = (unsigned __int128)step * clock_ns + offset_ns;
    return (uint64_t)(ns * hz / divider);
}
