/* Instructions that are looked at before they run, since Unicorn has them wrong for some operands or
 * in some modes, or always; and places at which a run can be left without cutting a block.
 *
 * An instruction set says of an instruction, when a block is decoded, whether it is one. Unicorn
 * then translates it with a call of `on_ours` before it, at a price of a few nanoseconds and without
 * an end of the block, and the instruction set says each time it comes up what is to become of it:
 * it runs as it is, it has been done here, or it is the processor model's. See docs/engine.md. */
#include "internal.h"

#include <stdlib.h>

#define SITE_BITS 12
#define MAX_SITES 1024            /* each hook is walked past at every other's place */
#define FEW_SITES 64              /* with so many that does not matter */
#define MOST_WALKED 4000000       /* about what it costs to find those in use anew */

struct ours_sites {
    uint64_t table[1 << SITE_BITS];   /* a hash of addresses + 1 */
    /* Of the same places: the instruction is ours; what was translated of this physical address + 1 has the
     * call, so that a run can be left there. */
    bool ours[1 << SITE_BITS];
    uint64_t exits[1 << SITE_BITS];
    uc_hook hooks[MAX_SITES];
    int count;
    bool full;
    uint64_t walked, patience;    /* hooks that calls have walked past, and how many may be, before that is done */
    int count_before;             /* of places, when it was done last */
    uint64_t lo, hi;              /* what is translated there is still without the call */
};

/* Where `pc` is in the table, or is to be. */
static uint64_t *site_of(struct ours_sites *s, uint64_t pc)
{
    uint64_t hash = pc * 0x9e3779b97f4a7c15ull >> (64 - SITE_BITS);
    while (s->table[hash] && s->table[hash] != pc + 1)
        hash = (hash + 1) & ((1u << SITE_BITS) - 1);
    return &s->table[hash];
}

/* The instruction at `pc` never is ours. If one was that was there before, the call has to go: some
 * instructions run otherwise with it. True if so. */
bool forget_ours(ttd_engine *e, uint64_t pc)
{
    if (!*site_of(e->sites, pc))
        return false;
    e->sites->full = true;
    return true;
}

/* What is translated at `pc` has to go before the next start. */
static void drop_later(struct ours_sites *s, uint64_t pc)
{
    if (s->lo == s->hi)
        s->lo = s->hi = pc;
    if (pc < s->lo)
        s->lo = pc;
    if (pc >= s->hi)
        s->hi = pc + 1;
}

/* Have a call before the instruction at `pc`. False: there is no room for another. */
static bool call_at(ttd_engine *e, uint64_t pc)
{
    struct ours_sites *s = e->sites;
    uint64_t *place = site_of(s, pc);
    if (*place)
        return true;
    s->full |= s->count == MAX_SITES;
    if (s->full || e->hook_add(e->uc, &s->hooks[s->count], UC_HOOK_CODE, e->on_call, e, pc, pc))
        return false;
    *place = pc + 1;
    s->count++;
    return true;
}

/* The instruction at `pc` is ours: from now on it is translated with the call. True if it is not
 * yet, so that what is translated there has to go. */
bool note_ours(ttd_engine *e, uint64_t pc)
{
    struct ours_sites *s = e->sites;
    uint64_t place = (uint64_t)(site_of(s, pc) - s->table);
    if (s->ours[place])
        return false;
    if (!call_at(e, pc))
        return s->full;
    s->ours[place] = true;
    drop_later(s, pc);
    return true;
}

/* Can the run be left right before the instruction at `pc`, without cutting the block that it is in? If
 * not, it can from the next start on. An address may show other code in another address space, which was
 * translated before there was a call. */
bool can_leave_at(ttd_engine *e, uint64_t pc)
{
    struct ours_sites *s = e->sites;
    uint64_t place = (uint64_t)(site_of(s, pc) - s->table), paddr;
    if (!code_address(e, pc, &paddr))
        return false;
    if (s->exits[place] == paddr + 1)
        return true;
    if (call_at(e, pc)) {
        s->exits[place] = paddr + 1;
        drop_later(s, pc);
    }
    return false;
}

/* Between two starts of Unicorn: drop what was translated without the calls that belong there. */
void settle_ours(ttd_engine *e)
{
    struct ours_sites *s = e->sites;
    if (s->full) {                        /* begin again with those that are still in use */
        int i;
        e->quiet = true;
        for (i = 0; i < s->count; i++)
            e->hook_del(e->uc, s->hooks[i]);
        e->quiet = false;
        for (i = 0; i < 1 << SITE_BITS; i++)   /* Unicorn keeps what was translated with the calls */
            if (s->table[i])
                drop_translated(e, s->table[i] - 1, s->table[i]);
        *s = (struct ours_sites){ .patience = s->patience, .count_before = s->count };
        forget_blocks(e);
        flush_tlb(e);
    }
    if (s->lo != s->hi)
        drop_translated(e, s->lo, s->hi);
    s->lo = s->hi = 0;
}

void note_walk(ttd_engine *e)
{
    struct ours_sites *s = e->sites;
    if (s->full || s->count <= FEW_SITES || (s->walked += (uint64_t)s->count) < s->patience)
        return;
    /* Where most come back, they are in use, and finding them again is done less and less often. */
    s->patience = s->count > s->count_before / 2 && s->count_before ? 2 * s->patience : MOST_WALKED;
    s->full = true;
}

/* Has an instruction set a say in the instruction at `pc`? */
bool is_ours(ttd_engine *e, uint64_t pc)
{
    return e->sites->ours[site_of(e->sites, pc) - e->sites->table];
}

bool start_ours(ttd_engine *e)
{
    e->sites = calloc(1, sizeof *e->sites);
    if (e->sites)
        e->sites->patience = MOST_WALKED;
    return e->sites;
}

void free_ours(ttd_engine *e)
{
    free(e->sites);
}
