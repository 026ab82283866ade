/* Breakpoints in a block. */
#include "internal.h"

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
    block_info b = { .pc = e->blk_pc, .span = (uint16_t)e->blk_size };
    int i;
    for (i = 0; i < e->nbreaks; i++) {
        uint64_t k = break_index(e, &b, e->breaks[i]);
        if (k < done)
            hit_add(&e->scan_breaks, (ttd_hit){ .step = start + k, .pc = e->breaks[i], .id = i });
    }
    e->noting = false;
}
