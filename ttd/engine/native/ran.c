/* Code that an interval has executed, as ranges of the addresses that the guest used. A block is noted when it is
 * announced for the first time of an interval: from then on it has that interval's stamp. */
#include "internal.h"

#include <stdlib.h>

static int by_address(const void *a, const void *b)
{
    const span *one = a, *other = b;
    return one->lo < other->lo ? -1 : one->lo > other->lo;
}

/* Sort, and make one of those that touch. */
static void merge(ran_list *r)
{
    uint32_t i, n = 0;
    if (r->n > 1)
        qsort(r->spans, r->n, sizeof *r->spans, by_address);
    for (i = 0; i < r->n; i++) {
        span *last = n ? &r->spans[n - 1] : NULL;
        if (!last || r->spans[i].lo > last->hi)
            r->spans[n++] = r->spans[i];
        else if (r->spans[i].hi > last->hi)
            last->hi = r->spans[i].hi;
    }
    r->n = n;
    r->block = NULL;
}

/* Block `b`, or what of it is in `blk`, is about to run. */
COLD void note_ran(ttd_engine *e, block_info *b)
{
    ran_list *r = &e->ran;
    bool cut = b == &e->exit_block;
    uint64_t end;
    if (cut)                              /* what is known of the whole block is true of a part */
        b = &e->cache[(e->blk_pc >> 1) & ((1u << CACHE_BITS) - 1)];
    if (b->stamp == e->stamp && b->key == (e->blk_pc ^ e->salt) && b->span >= e->blk_size)
        return;
    if (r->n == TTD_MAX_RAN) {
        merge(r);
        r->full |= r->n > TTD_MAX_RAN / 4 * 3;
    }
    if (r->full)
        r->n = 0;
    end = e->blk_pc + e->blk_size;
    r->spans[r->n++] = (span){ e->blk_pc, end < e->blk_pc ? NEVER : end };
    r->block = cut ? &e->exit_block : b;
    r->step = e->steps;
    if (!cut)
        b->stamp = e->stamp;
}

/* The block under way is left: only the first `n` of its instructions were reached. */
COLD void trim_ran(ttd_engine *e, uint64_t n)
{
    ran_list *r = &e->ran;
    span *last = r->n ? &r->spans[r->n - 1] : NULL;
    if (!last || !r->block || r->step != e->steps || last->lo != e->blk_pc || last->hi != e->blk_pc + e->blk_size)
        return;
    last->hi = address_of(e, e->blk_pc, (uint32_t)n);
    r->block->stamp = 0;
    r->block = NULL;
}

void forget_ran(ttd_engine *e)
{
    e->ran.n = 0;
    e->ran.full = false;
    e->ran.block = NULL;
    e->stamp++;
}

/* Ascending ranges that do not touch: how many; -1: more than are kept. */
int ttd_ran(ttd_engine *e, uint64_t *out)
{
    ran_list *r = &e->ran;
    merge(r);
    memcpy(out, r->spans, sizeof *r->spans * r->n);
    return r->full ? -1 : (int)r->n;
}

bool start_ran(ttd_engine *e)
{
    e->ran.spans = malloc(sizeof *e->ran.spans * TTD_MAX_RAN);
    e->stamp = 1;
    return e->ran.spans;
}

void free_ran(ttd_engine *e) { free(e->ran.spans); }
