/* What comes up while a block runs: an instruction with a call before it, an exception of Unicorn's. */
#include "internal.h"

/* The step of the instruction whose turn it is. */
uint64_t turn_step(ttd_engine *e, turn *t)
{
    if (t->step == NEVER)
        t->step = e->steps + (uint64_t)index_of(e, e->blk_pc, t->pc);
    return t->step;
}

void on_ours(uc_engine *uc, uint64_t pc, uint32_t size, void *user)
{
    ttd_engine *e = user;
    turn t = { .pc = pc, .step = NEVER, .why = WHY_EXCEPTION, .exception = EXCEPTION_OURS };
    bool ours = is_ours(e, pc);
    int answer;
    note_walk(e);
    if (e->stopped)
        return;
    if (pc - e->blk_pc >= e->blk_size) {
        if (!ours)                        /* what a block that is cut here ends with (aligned.c) */
            return;
        on_block(uc, pc, 0, e);           /* Unicorn left it out of its block */
        if (e->stopped)
            return;
    }
    if (e->leaving && turn_step(e, &t) >= e->limit) {
        stop(e, WHY_BUDGET);
        return;
    }
    compare_turn(e, pc, size);
    answer = ours ? e->set->turn(e, &t) : TURN_RUN;
    switch (answer) {
    case TURN_DONE: case TURN_LAST: {
        uint64_t done = turn_step(e, &t) + 1;
        if (e->noting)
            note_breaks(e, e->steps, done - e->steps);
        trim_ran(e, done - e->steps);
        if (e->set->leave)
            e->set->leave(e, pc);
        e->steps = done;
        e->blk_n = e->blk_size = 0;
        e->doings++;
        e->turned.branches = t.branches;
        e->blk = &e->turned;
        e->reg_write(uc, e->set->pc, &t.next);
        if (answer == TURN_LAST) {
            e->follows = t.branches;
            e->before = NULL;
            stop(e, t.why);
        }
        break;
    }
    case TURN_STOP:
        e->code = t.exception;
        stop(e, t.why);
        break;
    }
}

void on_interrupt(uc_engine *uc, uint32_t number, void *user)
{
    ttd_engine *e = user;
    (void)uc;
    if (e->set->interrupt && e->set->interrupt(e, number))
        return;
    raise_exception(e, (int)number);
}
