/* Code that changes: what is dropped with it. */
#include "internal.h"

/* Does the block that is running include some of these bytes? */
bool in_block(ttd_engine *e, region *r, uint64_t paddr, uint32_t size)
{
    uint64_t first = r->canonical + (paddr - r->base), pc = e->blk_pc, end = pc + e->blk_size;
    while (pc < end) {
        uint64_t next = (pc | (e->page_size - 1)) + 1, at;
        if (next > end)
            next = end;
        if (code_address(e, pc, &at)) {
            at = canonical(e, at);
            if (first < at + (next - pc) && first + size > at)
                return true;
        }
        pc = next;
    }
    return false;
}

/* Forget the blocks that lie in this memory, at every address that shows it. */
static void forget_blocks_in(ttd_engine *e, uint64_t first, uint32_t size)
{
    uint64_t mask = e->page_size - 1, at, lo;
    int i;
    for (i = 0; i < e->nregions; i++) {
        region *v = &e->regions[i];
        if (v->kind == REGION_MMIO || first - v->canonical >= v->size)
            continue;
        at = v->base + (first - v->canonical);
        lo = at & ~mask;
        forget_blocks_at(e, lo >= e->page_size ? lo - e->page_size : 0, at + size);
    }
    if (e->translated_once)
        forget_moved_blocks(e, first, size);
}

/* Memory changed: drop what was translated from it, and what is known of the blocks. */
void drop_code(ttd_engine *e, region *r, uint64_t paddr, uint32_t size)
{
    uint64_t first = r->canonical + (paddr - r->base), at;
    uint64_t bit = ((uint64_t)r->first_page << e->page_shift) + (paddr - r->base);
    bool any = false, moved = e->translated_once;
    if (e->set->code_changed)
        e->set->code_changed(e, first, first + size);
    for (at = bit & ~1ull; at < bit + size && !any; at += 2)
        any = e->translated[at >> 4] >> (at >> 1 & 7) & 1;
    if (!any)
        return;
    if (e->tracing)
        trace_forget(e);
    if (e->running && e->blk_size && in_block(e, r, paddr, size))
        e->code_hit = true;
    if (has_cuts(e, paddr)) {             /* all of them: what is left must not be misread */
        forget_cuts(e, page_of(e, r, paddr));
        first &= ~(uint64_t)(e->page_size - 1);
        size = e->page_size;
    }
    forget_blocks_in(e, first, size);
    /* Unicorn wants a virtual address: nothing but this may be mapped meanwhile. */
    if (moved)
        flush_tlb(e);
    e->quiet = e->quiet_physical = true;
    e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_TB_REMOVE_CACHE, 2), first, first + size);
    e->quiet = e->quiet_physical = false;
    if (moved)
        flush_tlb(e);
    else
        forget_look_up(e, first, first + size);
}
