/* Ends of a run, from within. */
#include "internal.h"

/* A request from another thread comes before the store here, and is then seen, or after it, and then stays. */
void set_fast_limit(ttd_engine *e)
{
    bool look = e->settle_next || e->look_at_masks || e->masks_next || e->prefix_next || e->lookahead
        || e->range_lo != e->range_hi || e->cut_code || e->nchanged || e->noting || e->tracing;
    uint64_t limit = look || e->late ? 0 : e->limit < e->due ? e->limit : e->due;
    if (e->ran.end < limit)
        limit = e->ran.end;
    if (fast_limit(e) != limit)
        atomic_store(&e->fast_limit, limit);
    if (e->input_ready || atomic_load(&e->request))
        atomic_store(&e->fast_limit, 0);
}

void leave(ttd_engine *e)
{
    e->leaves = true;
    e->emu_stop(e->uc);
}

void stop(ttd_engine *e, int why)
{
    e->stopped = true;
    if (!e->armed_abort)                  /* the instruction was given up before: what ran on is undone */
        e->why = why;
    leave(e);
}

/* The instruction under way is for the processor model. */
void raise_exception(ttd_engine *e, int code)
{
    e->code = code;
    stop(e, WHY_EXCEPTION);
}

void fault_at(ttd_engine *e, int kind, uint64_t address)
{
    e->why = WHY_FAULT;
    e->code = kind;
    e->fault_address = address;
    e->fault_exact = true;
}
