/* Code that an interval has executed, as ranges of the addresses that the guest used. A block is noted when it is
 * announced for the first time of an interval: from then on it has that interval's stamp.
 *
 * Where somebody wants to know when (`ttd_set_ticks`), an interval is cut into ticks, stretches of 2 ** `shift` steps
 * that begin at multiples of that, and blocks have the stamp of a tick. What is noted has a bit for each tick, the
 * lowest for the one in which the interval begins. Nothing ends a run for that: of a block that runs in two ticks each
 * gets its instructions. Where there are more ticks than bits, or in the end than TTD_TICKS, each two become one: what is
 * said depends on what ran, and not on where runs have ended. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* A block that begins in one of the first TTD_TICKS has a bit for each tick that it could end in. */
enum { BITS = 64, SHORTEST = 4, TIMELESS = 63, MOST = TTD_MAX_RAN / 4 * 3 };

static int by_value(const void *a, const void *b)
{
    const uint64_t *one = a, *other = b;
    return *one < *other ? -1 : *one > *other;
}

/* Which of the `n` ascending edges `value` is. */
static uint32_t edge_at(const uint64_t *edges, uint32_t n, uint64_t value)
{
    uint32_t lo = 0;
    while (n > 1) {
        uint32_t half = n / 2;
        if (edges[lo + half] <= value)
            lo += half;
        n -= half;
    }
    return lo;
}

/* With all bits between the lowest and the highest one. */
static uint64_t filled(uint64_t bits)
{
    return bits ? (UINT64_MAX >> __builtin_clzll(bits)) & (UINT64_MAX << __builtin_ctzll(bits)) : 0;
}

static bool begins_range(const uint64_t *bits, uint32_t i)
{
    return bits[i] && (!i || bits[i] != bits[i - 1]);
}

/* Ranges of one kind of bits between `n` edges, of which the last one begins nothing. */
static uint32_t count_ranges(const uint64_t *bits, uint32_t n)
{
    uint32_t i, count = 0;
    for (i = 0; i + 1 < n; i++)
        count += begins_range(bits, i);
    return count;
}

/* From now on nothing is known of when. */
static void be_timeless(ran_list *r, uint64_t *bits, uint32_t n)
{
    uint32_t i;
    for (i = 0; i < n; i++)
        bits[i] = bits[i] != 0;
    r->shift = TIMELESS;
    r->first = 0;
    r->bit = 1;
    r->end = NEVER;
}

/* Make ranges of what is noted that ascend, and have other bits where they touch. */
static void merge(ran_list *r)
{
    uint64_t *edges = r->edges, *bits = r->bits;
    uint32_t i, j, n = 0;
    r->noted = false;
    for (i = 0; i < r->n; i++) {
        edges[2 * i] = r->spans[i].lo;
        edges[2 * i + 1] = r->spans[i].hi;
    }
    qsort(edges, 2 * r->n, sizeof *edges, by_value);
    for (i = 0; i < 2 * r->n; i++)
        if (!n || edges[i] != edges[n - 1])
            edges[n++] = edges[i];
    memset(bits, 0, sizeof *bits * n);
    for (i = 0; i < r->n; i++)
        for (j = edge_at(edges, n, r->spans[i].lo); edges[j] < r->spans[i].hi; j++)
            bits[j] |= r->spans[i].ticks;
    for (i = 0; i < n; i++)
        bits[i] = filled(bits[i]);
    if (count_ranges(bits, n) > MOST)
        be_timeless(r, bits, n);
    r->full |= count_ranges(bits, n) > MOST;
    r->n = 0;
    for (i = 0; i + 1 < n && !r->full; i++) {
        if (begins_range(bits, i))
            r->spans[r->n++] = (ran_span){ edges[i], edges[i + 1], bits[i] };
        else if (bits[i])
            r->spans[r->n - 1].hi = edges[i + 1];
    }
}

/* Each two ticks are one. */
static void fold(ran_list *r)
{
    uint32_t i, j;
    for (i = 0; i < r->n; i++) {
        uint64_t folded = 0;
        for (j = 0; j < BITS; j++)
            if (r->spans[i].ticks >> j & 1)
                folded |= 1ull << (((r->first & 1) + j) >> 1);
        r->spans[i].ticks = folded;
    }
    r->first >>= 1;
    r->shift++;
    r->end = 0;
}

static uint64_t all_ticks(const ran_list *r)
{
    uint64_t all = 0;
    uint32_t i;
    for (i = 0; i < r->n; i++)
        all |= r->spans[i].ticks;
    return all;
}

/* The tick in which the engine stands begins, or the block under way goes on in others. */
static void begin_tick(ttd_engine *e)
{
    ran_list *r = &e->ran;
    if (r->first == NEVER)
        r->first = e->steps >> r->shift;
    while (((e->steps + e->blk_n) >> r->shift) - r->first >= BITS)
        fold(r);
    r->bit = 1ull << ((e->steps >> r->shift) - r->first);
    r->end = ((e->steps >> r->shift) + 1) << r->shift;
    e->stamp++;
    set_fast_limit(e);
}

static void add(ran_list *r, uint64_t lo, uint64_t hi, uint64_t ticks)
{
    r->spans[r->n++] = (ran_span){ lo, hi < lo ? NEVER : hi, ticks };
}

/* The first `n` instructions of the block under way, [blk_pc, hi). */
static void add_steps(ttd_engine *e, uint64_t n, uint64_t hi)
{
    ran_list *r = &e->ran;
    uint64_t at = e->blk_pc, bit = r->bit, done = r->end - e->steps;
    for (; done < n; done += 1ull << r->shift, bit <<= 1) {
        uint64_t next = address_of(e, e->blk_pc, (uint32_t)done);
        add(r, at, next, bit);
        at = next;
    }
    add(r, at, hi, bit);
}

/* Block `b`, or what of it is in `blk`, is about to run. */
COLD void note_ran(ttd_engine *e, block_info *b)
{
    ran_list *r = &e->ran;
    bool whole = b != &e->exit_block;
    uint64_t hi = e->blk_pc + e->blk_size;
    if (e->steps >= r->end || r->end - e->steps < e->blk_n)
        begin_tick(e);
    if (!whole)                           /* what is known of the whole block is true of a part */
        b = &e->cache[(e->blk_pc >> 1) & ((1u << CACHE_BITS) - 1)];
    if (r->end - e->steps < e->blk_n)
        whole = false;
    else if (b->stamp == e->stamp && b->key == (e->blk_pc ^ e->salt) && b->span >= e->blk_size)
        return;
    if (r->n + 2 + (e->blk_n >> r->shift) > TTD_MAX_RAN)
        merge(r);
    if (r->full)
        r->n = 0;
    r->noted = true;
    r->step = e->steps;
    r->pc = e->blk_pc;
    r->size = e->blk_size;
    r->before = r->n;
    r->block = whole ? b : NULL;
    if (whole && b->noted < r->n && r->spans[b->noted].lo == e->blk_pc && r->spans[b->noted].hi == hi) {
        r->added = ~r->spans[b->noted].ticks & r->bit;
        r->spans[b->noted].ticks |= r->bit;
    } else {
        r->added = 0;
        if (whole)
            b->noted = r->n;
        add_steps(e, e->blk_n, hi);
    }
    if (whole)
        b->stamp = e->stamp;
}

/* The block under way is left: only the first `n` of its instructions were reached. */
COLD void trim_ran(ttd_engine *e, uint64_t n)
{
    ran_list *r = &e->ran;
    if (!r->noted || r->step != e->steps || r->pc != e->blk_pc || r->size != e->blk_size)
        return;
    r->n = r->before;
    if (r->added)
        r->spans[r->block->noted].ticks &= ~r->added;
    if (r->block)
        r->block->stamp = 0;
    add_steps(e, n, address_of(e, e->blk_pc, (uint32_t)n));
    r->noted = false;
}

void forget_ran(ttd_engine *e)
{
    ran_list *r = &e->ran;
    r->n = 0;
    r->full = r->noted = false;
    r->shift = e->tick_shift;
    r->first = r->shift == TIMELESS ? 0 : NEVER;
    r->bit = 1;
    r->end = r->shift == TIMELESS ? NEVER : 0;
    e->stamp++;
}

void ttd_set_ticks(ttd_engine *e, int shift) { e->tick_shift = shift < SHORTEST ? SHORTEST : shift; }

/* Ascending ranges with their ticks: how many; -1: more than are kept. */
int ttd_ran(ttd_engine *e, uint64_t *out, uint64_t *first, int *shift)
{
    ran_list *r = &e->ran;
    while (all_ticks(r) >> TTD_TICKS)
        fold(r);
    merge(r);
    memcpy(out, r->spans, sizeof *r->spans * r->n);
    *first = r->first == NEVER ? 0 : r->first;
    *shift = r->shift;
    return r->full ? -1 : (int)r->n;
}

bool start_ran(ttd_engine *e)
{
    e->ran.spans = malloc(sizeof *e->ran.spans * TTD_MAX_RAN);
    e->ran.edges = malloc(sizeof *e->ran.edges * 2 * TTD_MAX_RAN);
    e->ran.bits = malloc(sizeof *e->ran.bits * 2 * TTD_MAX_RAN);
    e->tick_shift = TIMELESS;
    forget_ran(e);
    return e->ran.spans && e->ran.edges && e->ran.bits;
}

void free_ran(ttd_engine *e)
{
    free(e->ran.spans);
    free(e->ran.edges);
    free(e->ran.bits);
}
