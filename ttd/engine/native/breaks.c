/* Breakpoints in a block, and instructions that a scan notes. */
#include "internal.h"

#include <stdlib.h>

/* Which instruction of the block is at `address`; NEVER if none begins there. */
uint64_t break_index(ttd_engine *e, block_info *b, uint64_t address)
{
    uint32_t k;
    if (address - b->pc >= b->span)
        return NEVER;
    k = (uint32_t)index_of(e, b->pc, address);
    return address_of(e, b->pc, k) == address ? k : NEVER;
}

/* Scan mode: the block at `blk_pc` has been executed up to its instruction number `done`. */
COLD void note_breaks(ttd_engine *e, uint64_t start, uint64_t done)
{
    cursor c = cursor_at(e, e->blk_pc);
    for (uint64_t k = 0; k < done; k++) {
        if (traced(e, c.at, 1))
            hit_add(&e->scan_breaks, (ttd_hit){ .step = start + k, .pc = c.at });
        if (!advance(e, &c))
            break;
    }
    e->noting = false;
}

/* Scan mode: is one of the `size` bytes of code at `pc` to be noted? */
bool traced(const ttd_engine *e, uint64_t pc, uint64_t size)
{
    int i;
    for (i = 0; i < e->ntraced; i++)
        if (pc < e->traced[i].hi && e->traced[i].lo < pc + size)
            return true;
    return false;
}

void ttd_set_traced(ttd_engine *e, const uint64_t *lo, const uint64_t *hi, int count)
{
    int i;
    free(e->traced);
    e->traced = count ? malloc(sizeof(span) * count) : NULL;
    for (i = 0; i < count; i++)
        e->traced[i] = (span){ lo[i], hi[i] };
    e->ntraced = count;
    forget_blocks(e);
}
