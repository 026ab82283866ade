/* What is known of blocks, and what Unicorn has translated. */
#include "internal.h"

static bool in_cache(const ttd_engine *e, const block_info *b)
{
    return b && b >= e->cache && b < e->cache + (1u << CACHE_BITS);
}

/* What is known of the block that runs, and of the one before, is still asked for (how far the first has come,
 * what the second ended with): it stays, but is found by nobody. */
void forget_blocks(ttd_engine *e)
{
    bool runs = in_cache(e, e->blk), ran = in_cache(e, e->before);
    size_t before = ran ? (size_t)(e->before - e->cache) : 0;
    block_info blk = runs ? *e->blk : e->turned, last = ran ? *e->before : e->turned;
    memset(e->cache, 0xff, sizeof(block_info) << CACHE_BITS);
    forget_block(&blk);
    forget_block(&last);
    if (ran)
        e->cache[before] = last;
    if (runs)
        *e->blk = blk;
}

void forget_splits(ttd_engine *e)
{
    uint32_t page;
    if (!e->splits)
        return;
    e->splits = false;
    for (page = 0; page < e->npages; page++)
        e->flags[page] &= (uint8_t)~PAGE_SPLIT;
    forget_blocks(e);
}

/* Addresses go on at 0 behind the last one. */
void forget_blocks_at(ttd_engine *e, uint64_t lo, uint64_t hi)
{
    int64_t left;
    for (left = (int64_t)(hi - lo); left > 0; left -= 2, lo += 2) {
        block_info *b = &e->cache[(lo >> 1) & ((1u << CACHE_BITS) - 1)];
        if (b->pc >> 1 == lo >> 1)
            forget_block(b);
    }
}

/* To drop what it has translated, Unicorn has looked the code up, which was granted (`quiet`) and is remembered:
 * a fetch would not ask again. It has to where it must be marked accessed, or may not be, on all of the page. */
void forget_look_up(ttd_engine *e, uint64_t lo, uint64_t hi)
{
    uint64_t page = e->page_size, first = lo & ~(page - 1), size = ((hi + page - 1) & ~(page - 1)) - first;
    if (e->space || (e->set->allows && e->set->allows(e, first, first, size, ACC_FETCH, false) != 1))
        flush_tlb(e);
}

/* What was translated of code on one page, by the addresses that are mapped now. */
void drop_translated(ttd_engine *e, uint64_t lo, uint64_t hi)
{
    e->quiet = true;
    e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_TB_REMOVE_CACHE, 2), lo, hi);
    e->quiet = false;
    forget_look_up(e, lo, hi);
}
