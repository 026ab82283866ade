/* What the CPU has now, as far as the engine has to know it. */
#include "internal.h"

uint32_t reg32(ttd_engine *e, int id)
{
    uint32_t value = 0;
    e->reg_read(e->uc, id, &value);
    return value;
}

uint64_t read_pc(ttd_engine *e)
{
    uint64_t value = 0;
    e->reg_read(e->uc, e->set->pc, &value);
    return value;
}

uint8_t prefix_now(ttd_engine *e)
{
    return e->set->prefix ? e->set->prefix(e) : 0;
}

void forget_prefix(ttd_engine *e)
{
    if (e->set->forget_prefix)
        e->set->forget_prefix(e);
}

uint32_t read_masks(ttd_engine *e)
{
    return e->set->masks ? e->set->masks(e, false) : e->masks;
}

bool privileged_access(ttd_engine *e)
{
    return !e->set->privileged || e->set->privileged(e);
}

void settle(ttd_engine *e)
{
    e->settle_next = false;
    e->look_at_masks = e->masks_on;
    if (e->set->settle)
        e->set->settle(e);
}
