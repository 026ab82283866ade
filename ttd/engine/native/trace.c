/* Which blocks ran, in order: a ring that keeps the latest. While it is on, every block is looked at. */
#include "internal.h"

#include <stdlib.h>

bool ttd_set_trace(ttd_engine *e, bool on)
{
    trace_row *t = &e->trace;
    if (on && !t->blocks)
        t->blocks = malloc(sizeof *t->blocks * TTD_MAX_TRACE);
    e->tracing = on && t->blocks;
    if (e->tracing) {
        t->first = t->count = 0;
        t->from = 0;
        t->forgotten = false;
    }
    return !on || t->blocks;
}

void trace_free(ttd_engine *e)
{
    free(e->trace.blocks);
}

/* A block that was left before it began comes again: the same step, and the block that has it then. */
void trace_block(ttd_engine *e, uint64_t pc)
{
    trace_row *t = &e->trace;
    uint64_t at = pc;
    if (t->count && t->blocks[(t->first + t->count - 1) % TTD_MAX_TRACE].step >= e->steps)
        t->count--;
    if (t->forgotten) {
        t->from = e->steps;
        t->forgotten = false;
    }
    if (t->count == TTD_MAX_TRACE) {
        t->first = (t->first + 1) % TTD_MAX_TRACE;
        t->count--;
        t->from = t->blocks[t->first].step;
    }
    code_address(e, pc, &at);
    t->blocks[(t->first + t->count++) % TTD_MAX_TRACE] = (ttd_block){ e->steps, pc, at };
}

/* Code has changed: what was at the places of the blocks so far, memory does not tell any more. */
void trace_forget(ttd_engine *e)
{
    e->trace.first = e->trace.count = 0;
    e->trace.forgotten = true;
    e->trace.from = UINT64_MAX;
}

uint32_t ttd_traced(ttd_engine *e, ttd_block *out, uint64_t *from)
{
    const trace_row *t = &e->trace;
    for (uint32_t i = 0; out && i < t->count; i++)
        out[i] = t->blocks[(t->first + i) % TTD_MAX_TRACE];
    *from = t->from;
    return t->count;
}
