/* Memory by address, and the instructions in it: where code is, how long, the IT state, and what is
 * dropped when it changes. */
#include "isa.h"

uint32_t reg32(ttd_engine *e, int id)
{
    uint32_t value = 0;
    e->reg_read(e->uc, id, &value);
    return value;
}

uint64_t read_pc(ttd_engine *e)
{
    uint64_t value = 0;
    e->reg_read(e->uc, e->set->pc, &value);
    return value;
}

uint8_t prefix_now(ttd_engine *e)
{
    return e->set->prefix ? e->set->prefix(e) : 0;
}

void forget_prefix(ttd_engine *e)
{
    if (e->set->forget_prefix)
        e->set->forget_prefix(e);
}

region *find_region(ttd_engine *e, uint64_t address)
{
    region *r = &e->regions[e->last_region];
    int i;
    if (e->nregions && address - r->base < r->size)
        return r;
    for (i = 0; i < e->nregions; i++) {
        r = &e->regions[i];
        if (address - r->base < r->size) {
            e->last_region = i;
            return r;
        }
    }
    return NULL;
}

uint32_t page_of(ttd_engine *e, region *r, uint64_t address)
{
    return r->first_page + (uint32_t)((address - r->base) >> e->page_shift);
}

/* The one address of memory that aliases show at others too. */
uint64_t canonical(ttd_engine *e, uint64_t address)
{
    region *r = find_region(e, address);
    return r && r->kind != REGION_MMIO ? r->canonical + (address - r->base) : address;
}

region *region_of_page(ttd_engine *e, uint32_t page)
{
    int i;
    for (i = 0; i < e->nregions; i++) {
        region *r = &e->regions[i];
        if (r->kind != REGION_MMIO && r->canonical == r->base && page >= r->first_page
            && page - r->first_page < (r->size >> e->page_shift))
            return r;
    }
    return NULL;
}

uint8_t *host_pointer(ttd_engine *e, uint64_t address)
{
    region *r = find_region(e, address);
    return r && r->kind != REGION_MMIO ? r->host + (address - r->base) : NULL;
}

/* The code at `pc`, as far as its page goes; NULL if there is none. */
uint8_t *code_at(ttd_engine *e, uint64_t pc)
{
    uint64_t paddr;
    return code_address(e, pc, &paddr) ? host_pointer(e, paddr) : NULL;
}

cursor cursor_at(ttd_engine *e, uint64_t pc)
{
    return (cursor){ pc, code_at(e, pc) };
}

/* The length of the instruction at `pc`, whose first bytes are at `code`. */
int length_at(ttd_engine *e, uint64_t pc, const uint8_t *code)
{
    return e->set->length(e, pc, code);
}

/* To the next instruction; returns the length of this one, 0 if it is not there. */
int advance(ttd_engine *e, cursor *c)
{
    int length;
    if (!c->code)
        return 0;
    length = length_at(e, c->at, c->code);
    if ((c->at ^ (c->at + length)) & ~(uint64_t)(e->page_size - 1))
        c->code = code_at(e, c->at + length);
    else
        c->code += length;
    c->at += length;
    return length;
}

/* ---- code that changes ------------------------------------------------------------------- */

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
}
