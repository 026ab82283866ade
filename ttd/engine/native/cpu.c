/* What the CPU has now, as far as the engine has to know it. */
#include "internal.h"

uint32_t reg32(ttd_engine *e, int id)
{
    uint32_t value = 0;
    e->reg_read(e->uc, id, &value);
    return value;
}

void read_regs32(ttd_engine *e, const int *ids, uint32_t *out, int count)
{
    void *at[MAX_BATCH];
    int i;
    for (i = 0; i < count; i++)
        at[i] = &out[i];
    e->reg_read_batch(e->uc, ids, at, count);
}

void write_regs32(ttd_engine *e, const int *ids, const uint32_t *values, int count)
{
    void *at[MAX_BATCH];
    int i;
    for (i = 0; i < count; i++)
        at[i] = (void *)&values[i];
    e->reg_write_batch(e->uc, ids, at, count);
}

uint64_t read_pc(ttd_engine *e)
{
    uint64_t value = 0;
    e->reg_read(e->uc, e->set->pc, &value);
    return value;
}

bool look_at_cpu(ttd_engine *e, uint64_t *pc)
{
    if (e->set->look)
        return e->set->look(e, pc);
    *pc = read_pc(e);
    return true;
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
