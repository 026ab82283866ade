/* The loop of a machine whose core is native: it runs, takes exceptions and returns from them, lets timers
 * expire, the core's own and those of the host's devices, and sleeps through waits, for as long as nothing
 * else is due. What else there is, is the host's: it has the same loop around this one (ttd/machine.py), and
 * whatever that does where this one could go on leads to the same states. */
#include "internal.h"

/* Exceptions and waits after which the host is asked whether it wants something (a snapshot). */
#define PATIENCE 4096
/* Steps after which an interrupt, or a sleep, of the log's has not come. */
#define MISSED 64

/* What is due here is noticed. False: the host has to get control. */
static bool expire(ttd_engine *e)
{
    update_due(e);
    if (!due_now(e))
        return true;
    e->doings++;
    if (expire_core(e))
        return true;
    if (time_now(e) >= END_OF_TIME)
        return false;
    /* The step before comes to an end here, unless the way from this position has begun. */
    e->outside_step = e->time.warp_step == (int64_t)e->steps || !e->steps ? e->steps : e->steps - 1;
    e->failed = 0;
    ttd_host_due(e->handle);
    host_was_here(e);
    return !e->failed && !e->host_wants && !e->late;
}

/* Sleep to the next deadline. False: there is none, or the host has to know. */
static bool doze(ttd_engine *e)
{
    uint64_t deadline = core_deadline(e), now = time_now(e), sleep = logged_warp(e);
    if (e->time.due_ns < deadline)
        deadline = e->time.due_ns;
    if (sleep < END_OF_TIME && now + sleep < deadline)
        deadline = now + sleep;
    if (e->time.tells_waits || deadline >= END_OF_TIME)
        return false;
    if (deadline > now) {
        e->time.warp_ns += (int64_t)(deadline - now);
        e->time.warp_step = (int64_t)e->steps;
    }
    return true;
}

/* Take an exception: a step. False: the host is to do it. */
static bool take(ttd_engine *e, int number)
{
    int kind = e->core_ops->asynchronous(e, number) ? MARK_INTERRUPT : MARK_EXCEPTION;
    if (!mark_note(e, e->steps, kind, (uint32_t)number))
        return false;
    e->outside_step = e->now = e->steps;
    compare_here(e, read_pc(e));
    e->doings++;
    if (e->tracing)
        trace_end(e);
    if (!e->core_ops->enter(e, number)) {
        mark_take_back(e);
        return false;
    }
    e->steps++;
    e->now = e->steps;
    e->token_step = e->looked_step = NEVER;
    e->follows = true;
    return true;
}

static int end(ttd_engine *e, int why, ttd_stop *out)
{
    *out = (ttd_stop){ .why = why, .pc = read_pc(e) };
    return why;
}

/* The step before which the run has to end: in play input of the log's enters there, or an interrupt or a sleep
 * has come by then. (A run that was to end right there would be cut, for nothing: these end it.) */
static uint64_t run_limit(ttd_engine *e, uint64_t limit)
{
    uint64_t next;
    switch (marks_ahead(e, &next)) {
    case MARK_INTERRUPT: case MARK_WARP: next += MISSED; break;
    case MARK_EXCEPTION: next = NEVER; break;
    }
    return next < limit ? next : limit;
}

int take_in_run(ttd_engine *e, turn *t, int number)
{
    if (!e->looping || !mark_note(e, turn_step(e, t), MARK_EXCEPTION, (uint32_t)number))
        return TURN_STOP;
    t->branches = true;
    t->why = WHY_MASKS;
    return run_limit(e, NEVER) != NEVER ? TURN_LAST : TURN_DONE;
}

static int go(ttd_engine *e, uint64_t limit, bool exact, ttd_stop *out)
{
    int patience = PATIENCE;
    uint64_t began = e->steps;
    e->host_wants = false;
    for (;;) {
        uint64_t until;
        int number;
        give_late_output(e);
        if (e->host_wants || e->late || e->steps >= limit || !patience--)
            return end(e, WHY_BUDGET, out);
        if (requested(e) && e->follows)
            return end(e, WHY_REQUEST, out);
        if (!expire(e))
            return end(e, WHY_BUDGET, out);
        switch (enter_input(e)) {
        case INPUT_ENTERED: e->doings++; continue;
        case INPUT_ASK: return end(e, WHY_BUDGET, out);
        case INPUT_UNMET: return end(e, WHY_UNMET, out);
        }
        /* Left at a position, before an interrupt or a sleep that this begins with. */
        if (e->range_lo != e->range_hi && e->steps != began && leaves_range(e, read_pc(e)))
            return end(e, WHY_BUDGET, out);
        if (e->time.waiting) {
            e->doings++;
            if (e->time.tells_waits)
                return end(e, WHY_BUDGET, out);
            if (!e->core_ops->wake(e)) {
                if (!doze(e))
                    return end(e, WHY_BUDGET, out);
                continue;
            }
            e->time.waiting = false;
        }
        number = e->core_ops->pending(e);
        if (number >= 0) {
            if (!take(e, number))
                return end(e, WHY_PENDING, out);
            continue;
        }
        until = run_limit(e, limit);
        if (until <= e->steps)            /* the log has something here that has not come */
            return end(e, WHY_UNMET, out);
        e->looping = true;
        patience += run_steps(e, until - e->steps, exact || until < limit, out) == WHY_MASKS;
        e->looping = false;
        switch (out->why) {
        case WHY_BUDGET: case WHY_MASKS:
            if (!out->returns)
                continue;
            break;
        case WHY_REQUEST:
            if (out->returns)
                break;
            if (!requested(e) && !e->late)
                continue;                 /* for input that waits */
            return out->why;
        case WHY_BREAKPOINT: case WHY_WATCH: case WHY_RANGE: case WHY_HOST_ERROR:
            return out->why;
        }
        /* What a return unstacks is read by the instruction that returns. */
        e->outside_step = e->steps ? e->steps - 1 : 0;
        e->doings++;
        switch (e->core_ops->stopped(e, out)) {
        case CORE_ON:
            break;
        case CORE_RAISED:
            number = e->core_ops->pending(e);
            if (!take(e, number))
                return end(e, WHY_RAISED, out);
            break;
        case CORE_ENTERED:
            e->now = ++e->steps;
            e->follows = false;
            break;
        case CORE_WAITS:
            e->time.waiting = e->follows = true;
            break;
        default:
            return out->why;
        }
    }
}

int ttd_go(ttd_engine *e, uint64_t limit, bool exact, ttd_stop *out)
{
    if (inside_run(e, out))
        return out->why;
    host_was_here(e);
    e->looks_for_input = e->marks.mode != MARKS_PLAY;
    stairs_spoiled(e);
    if (!e->stairs.on) {
        go(e, limit, exact, out);
    } else {
        do {
            stairs_step(e);
            go(e, e->steps < limit ? e->steps + 1 : limit, true, out);
        } while (stairs_goes_on(e, limit, out));
    }
    e->looks_for_input = e->input_ready = false;
    give_output(e);
    return out->why;
}
