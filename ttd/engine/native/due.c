/* Where what is due is noticed: a timer, or input.
 *
 * At the first position from its step on that is behind a branch (taken or not), an entry to an exception
 * or a return, or a wait; and DUE_LATENCY steps after it, or where a prefix there ends (`interruptible`), if
 * there is none until then. That is a function of the instructions executed, and blocks end at branches
 * anyway, so nothing has to be cut for it. Blocks end elsewhere, too: those ends count for nothing. */
#include "internal.h"

bool behind_branch(const ttd_engine *e)
{
    return e->before ? e->before->branches : e->follows;
}

void note_branch(ttd_engine *e, uint32_t done, bool early)
{
    if (was_turned(e))                    /* and what is behind it cannot be fetched: no block has begun there */
        e->follows = e->turned.branches;
    else if (e->blk_n)
        e->follows = early ? !done && behind_branch(e) : e->blk->branches;
    else                                  /* it stands where `blk` begins, and `follows` is for that */
        return;
    e->before = NULL;
}

static bool noticed(const ttd_engine *e, bool prefixed)
{
    return e->steps >= e->due && (e->follows || (e->steps - e->due >= e->latency && !prefixed));
}

bool due_now(ttd_engine *e)
{
    return e->steps >= e->due && noticed(e, prefix_now(e) != 0);
}

uint64_t due_room(ttd_engine *e, const block_info *b, uint64_t room)
{
    uint64_t latest = e->due > NEVER - e->latency ? NEVER : e->due + e->latency, k;
    if (noticed(e, e->prefix_next != 0))
        return 0;
    if (latest >= e->steps + b->n)
        return room;
    k = latest > e->steps ? latest - e->steps : 0;
    if (e->set->interruptible)
        k = e->set->interruptible(e, b, (uint32_t)k);
    return k < room ? k : room;
}

bool due_in_block(const ttd_engine *e)
{
    uint64_t latest = e->due > NEVER - e->latency ? NEVER : e->due + e->latency;
    return e->blk && e->blk_n && latest < e->steps + e->blk->n;
}

/* ---- what is due when ---------------------------------------------------------------- */

/* The first step at which virtual time has come to `ns`. */
static uint64_t step_at(const ttd_engine *e, uint64_t ns)
{
    int64_t left = (int64_t)(ns > END_OF_TIME ? END_OF_TIME : ns) - e->time.warp_ns;
    int64_t clock = (int64_t)e->time.clock_ns;
    if (!clock)
        return NEVER;
    return left <= 0 ? 0 : (uint64_t)((left + clock - 1) / clock);
}

/* Of the core alone. */
static uint64_t own_deadline(ttd_engine *e)
{
    return e->core_ops && e->core_ops->deadline ? e->core_ops->deadline(e) : NEVER;
}

uint64_t core_deadline(ttd_engine *e)
{
    uint64_t core = own_deadline(e), timers = timers_deadline(e), inputs = inputs_deadline(e);
    if (inputs < timers)
        timers = inputs;
    return core < timers ? core : timers;
}

void update_due(ttd_engine *e)
{
    uint64_t core = core_deadline(e), host = e->time.due_ns;
    e->due = step_at(e, core < host ? core : host);
    e->moved = false;
    look_for_input(e);
    if (e->running)
        set_fast_limit(e);
}

bool expire_core(ttd_engine *e)
{
    uint64_t now = time_now(e);
    if (e->time.due_ns <= now || now >= END_OF_TIME)
        return false;
    ttd_expire_core(e);
    update_due(e);
    return true;
}

bool ttd_expire_core(ttd_engine *e)
{
    uint64_t now = time_now(e);
    bool any = false;
    while (core_deadline(e) <= now) {
        if (own_deadline(e) <= now)
            e->core_ops->expire(e);
        expire_timers(e);
        inputs_expire(e, now);
        any = true;
    }
    return any;
}

uint64_t ttd_core_deadline(ttd_engine *e) { return core_deadline(e); }

void ttd_set_due(ttd_engine *e, uint64_t ns)
{
    e->time.due_ns = ns;
    update_due(e);
}

bool ttd_notices(ttd_engine *e)
{
    update_due(e);
    return due_now(e);
}

bool ttd_follows(ttd_engine *e) { return e->follows; }

void ttd_set_latency(ttd_engine *e, uint32_t steps) { e->latency = steps; }

void ttd_set_follows(ttd_engine *e, bool follows) { e->follows = follows; }
