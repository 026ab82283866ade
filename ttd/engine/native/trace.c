/* When each block ran last, and when exceptions returned last. While that is on, every block is looked at. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2 * TTD_MAX_TRACE };

bool ttd_set_trace(ttd_engine *e, bool on)
{
    trace_table *t = &e->trace;
    if (on && !t->runs)
        t->runs = malloc(sizeof *t->runs * TTD_MAX_TRACE);
    if (on && !t->slots)
        t->slots = malloc(sizeof *t->slots * SLOTS);
    if (e->tracing)
        trace_end(e);
    e->tracing = on && t->runs && t->slots;
    if (e->tracing) {
        trace_forget(e);
        t->from = 0;
    }
    return !on || e->tracing;
}

void trace_free(ttd_engine *e)
{
    free(e->trace.runs);
    free(e->trace.slots);
}

/* The entry that is like `run`, or a new one; where there is no room, all others are given up. */
static ttd_block_run *entry_of(ttd_engine *e, const ttd_block_run *run)
{
    trace_table *t = &e->trace;
    uint64_t hash = (run->pc ^ run->at << 7 ^ (uint64_t)run->count << 48) * 0x9e3779b97f4a7c15u;
    uint32_t i;
    for (i = (uint32_t)(hash >> 32) % SLOTS; t->slots[i]; i = (i + 1) % SLOTS) {
        ttd_block_run *one = &t->runs[t->slots[i] - 1];
        if (one->pc == run->pc && one->at == run->at && one->count == run->count)
            return one;
    }
    if (t->count == TTD_MAX_TRACE) {
        memset(t->slots, 0, sizeof *t->slots * SLOTS);
        t->count = 0;
        t->from = run->step;
        return entry_of(e, run);
    }
    t->runs[t->count] = *run;
    t->slots[i] = ++t->count;
    return &t->runs[t->count - 1];
}

static void note(ttd_engine *e, const ttd_block_run *run)
{
    ttd_block_run *known = entry_of(e, run);
    known->step = run->step;
    known->times++;
}

/* The block that was announced is over: what ran of it is known. */
void trace_end(ttd_engine *e)
{
    ttd_block_run *last = &e->trace.last;
    if (last->step < e->steps) {
        last->count = e->steps - last->step;
        note(e, last);
    }
    last->step = NEVER;
}

/* A block that was left before it began comes again: the same step, and the block that has it then. */
void trace_block(ttd_engine *e, uint64_t pc)
{
    trace_end(e);
    e->trace.last = (ttd_block_run){ e->steps, pc, pc, 0, 0 };
    code_address(e, pc, &e->trace.last.at);
    if (e->trace.from == NEVER)
        e->trace.from = e->steps;
}

/* What ran in this step returns from an exception. */
void trace_return(ttd_engine *e, uint64_t step)
{
    note(e, &(ttd_block_run){ .step = step });
}

/* Code has changed: what was at the places of the blocks so far, memory does not tell any more. */
void trace_forget(ttd_engine *e)
{
    trace_table *t = &e->trace;
    memset(t->slots, 0, sizeof *t->slots * SLOTS);
    t->count = 0;
    t->last.step = t->from = NEVER;
}

uint32_t ttd_traced(ttd_engine *e, ttd_block_run *out, uint64_t *from)
{
    trace_table *t = &e->trace;
    if (out)
        memcpy(out, t->runs, sizeof *out * t->count);
    *from = t->from;
    return t->count;
}
