/* What is known of blocks, and what Unicorn has translated. */
#include "internal.h"

void forget_blocks(ttd_engine *e)
{
    memset(e->cache, 0xff, sizeof(block_info) << CACHE_BITS);
}

/* Addresses go on at 0 behind the last one. */
void forget_blocks_at(ttd_engine *e, uint64_t lo, uint64_t hi)
{
    int64_t left;
    for (left = (int64_t)(hi - lo); left > 0; left -= 2, lo += 2) {
        block_info *b = &e->cache[(lo >> 1) & ((1u << CACHE_BITS) - 1)];
        if (b->pc >> 1 == lo >> 1)
            b->key = NEVER;
    }
}

/* What was translated of code on one page, by the addresses that are mapped now. */
void drop_translated(ttd_engine *e, uint64_t lo, uint64_t hi)
{
    e->quiet = true;
    e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_TB_REMOVE_CACHE, 2), lo, hi);
    e->quiet = false;
    if (e->space)                         /* it was looked up without marking it accessed */
        flush_tlb(e);
}
