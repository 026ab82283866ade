/* Blocks that are made to end early, before an instruction that has to begin one of its own. */
#include "internal.h"

/* The bit that tells whether the block at `pc` has been cut; NULL if nothing is there. */
static uint8_t *cut_bit(ttd_engine *e, uint64_t pc, uint8_t *bit, uint32_t *page)
{
    region *r = find_region(e, pc);
    uint64_t at;
    if (!r || r->kind == REGION_MMIO)
        return NULL;
    *page = page_of(e, r, pc);
    at = ((uint64_t)r->first_page << e->page_shift) + (pc - r->base);
    *bit = (uint8_t)(1u << (at >> 1 & 7));
    return &e->cuts[at >> 4];
}

bool has_cuts(ttd_engine *e, uint64_t address)
{
    region *r = find_region(e, address);
    return r && r->kind != REGION_MMIO && (e->flags[page_of(e, r, address)] & PAGE_CUT);
}

/* Forget that blocks of this page have been cut. */
void forget_cuts(ttd_engine *e, uint32_t page)
{
    memset(e->cuts + ((uint64_t)page << e->page_shift >> 4), 0, e->page_size >> 4);
    e->flags[page] &= (uint8_t)~PAGE_CUT;
}

/* How much code the block of `size` bytes at `pc` runs: less than that if it has been cut. */
uint32_t span_of(ttd_engine *e, uint64_t pc, uint32_t size)
{
    uint32_t page;
    uint8_t bit, *cut;
    if (!has_cuts(e, pc) || pc + size == e->exit_at || !(cut = cut_bit(e, pc, &bit, &page))
        || !(*cut & bit))
        return size;
    return e->set->cut_span(e, pc, size);
}

/* Let the block at `pc`, which is about to be run, end before `at`: there is a branch to itself there
 * until Unicorn has translated it (`end_cut`). Only a run may have it translated: it does not come back
 * from `ctl_request_cache` when its buffer is full or the code cannot be fetched. */
void begin_cut(ttd_engine *e, uint64_t pc, uint64_t at)
{
    uint8_t *code = host_pointer(e, at);
    if (!code)
        return;
    drop_translated(e, pc, pc + 2);
    memcpy(e->cut_was, code, CUT_SIZE);
    memcpy(code, e->set->branch_to_self, CUT_SIZE);
    e->cut_code = code;
    e->cut_pc = pc;
    e->cut_step = e->steps;
}

/* `pc`: the block that begins there has been translated; NEVER: none has. */
void end_cut(ttd_engine *e, uint64_t pc)
{
    uint8_t bit, *cut;
    uint32_t page;
    memcpy(e->cut_code, e->cut_was, CUT_SIZE);
    e->cut_code = NULL;
    if (pc != e->cut_pc || !(cut = cut_bit(e, pc, &bit, &page)))
        return;
    *cut |= bit;
    e->flags[page] |= PAGE_CUT;
}
