/* Scan mode: a register that is compared before every instruction, so that each of its changes is noted.
 *
 * Unicorn translates all code with a call before each instruction meanwhile. Steps that no instruction of Unicorn's
 * makes (exception entries, what is done here or by the host) lie between two looks, at the positions before and behind
 * them, too. An instruction that is passed over changes nothing, so a change belongs to the step of the look before. */
#include "internal.h"

/* What it holds with PC at `pc`. A register that the present mode hides is as it was. */
static uint64_t now_in(ttd_engine *e, const compared *c, uint64_t pc)
{
    uint64_t value = 0;
    if (c->id == e->set->pc)
        value = pc;
    else if (c->id < OWN_IDS)
        e->reg_read(e->uc, c->id, &value);
    else if (!e->set->read_register(e, c->id, &value))
        return c->value;
    return value & c->mask;
}

static void look(ttd_engine *e, uint64_t step, uint64_t pc)
{
    compared *c = &e->compared;
    uint64_t value = now_in(e, c, pc);
    if (value != c->value && c->step != NEVER)
        hit_add(&e->scan_breaks, (ttd_hit){ .step = c->step, .pc = c->pc, .value = value, .old = c->value,
                                            .kind = HIT_CHANGED });
    c->value = value;
    c->step = step;
    c->pc = pc;
}

COLD void compare_here(ttd_engine *e, uint64_t pc)
{
    if (e->compared.on)
        look(e, e->steps, pc);
}

/* The instruction at `pc`, of the block that was announced, is about to run. */
static void on_each(uc_engine *uc, uint64_t pc, uint32_t size, void *user)
{
    ttd_engine *e = user;
    compared *c = &e->compared;
    (void)uc;
    if (e->stopped || pc - e->blk_pc >= e->blk_size)
        return;
    c->at = pc == c->next && c->begin == e->steps ? c->at + 1 : step_of(e, pc);
    c->begin = e->steps;
    c->next = pc + size;
    look(e, c->at, pc);
}

void compare_turn(ttd_engine *e, uint64_t pc, uint32_t size)
{
    if (e->compared.on)
        on_each(e->uc, pc, size, e);
}

/* False: that is not possible with this instruction set. */
bool ttd_compare(ttd_engine *e, int id, uint64_t mask)
{
    compared *c = &e->compared;
    if (!e->set->calls_anywhere || c->on || (id >= OWN_IDS && !e->set->read_register))
        return false;
    *c = (compared){ .id = id, .mask = mask, .step = NEVER, .next = NEVER };
    if (e->hook_add(e->uc, &c->hook, UC_HOOK_CODE, on_each, e, (uint64_t)1, (uint64_t)0))
        return false;
    c->on = e->all_stale = true;
    compare_here(e, read_pc(e));
    return true;
}

void ttd_compare_end(ttd_engine *e)
{
    compared *c = &e->compared;
    if (!c->on)
        return;
    compare_here(e, read_pc(e));
    e->hook_del(e->uc, c->hook);
    c->on = false;
    e->all_stale = true;
}
