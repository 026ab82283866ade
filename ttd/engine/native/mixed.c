/* Pages that hold both code and data, and pages on which stores are watched and loads are not.
 *
 * Stores to code have to be noticed, but most stores to such a page are to the data on it. So the TLB gets the
 * page from a second view of the memory, which cannot be written, so that Unicorn asks about each store. Loads
 * from it are as fast as any; a store to data costs 40 ns, not the 500 of a trapped one.
 *
 * In the middle of a store neither code can be dropped (Unicorn holds on to a TLB entry which that may replace)
 * nor can the run be left, if an instruction in front forbids it. So what has changed is dropped before the next
 * block runs (`drop_changed`); only a store to the very block that is running is done alone. */
#include "internal.h"

#define ROOM_32 (192ull << 20)    /* what there is for the view of 32 bits, behind the window */
#define ROOM_64 (1ull << 38)

static bool is_wide(const ttd_engine *e)
{
    return e->window_base >> 32;
}

static uint64_t room(const ttd_engine *e)
{
    return is_wide(e) ? ROOM_64 : ROOM_32;
}

static uint64_t offset_of(const ttd_engine *e, const region *r)
{
    return (uint64_t)r->first_page << e->page_shift;
}

/* The code in [lo, hi) of the view is another now. */
static void drop_soon(ttd_engine *e, uint64_t lo, uint64_t hi)
{
    int i;
    for (i = 0; i < e->nchanged && e->changed[i].lo >> e->page_shift != lo >> e->page_shift; i++)
        ;
    if (i == e->nchanged)
        e->changed[e->nchanged++] = (span){ lo, hi };
    if (lo < e->changed[i].lo)
        e->changed[i].lo = lo;
    if (hi > e->changed[i].hi)
        e->changed[i].hi = hi;
    atomic_store_explicit(&e->fast_limit, 0, memory_order_relaxed);
}

/* Drop what was translated from code that has changed since. */
void drop_changed(ttd_engine *e)
{
    int i;
    for (i = 0; i < e->nchanged; i++) {
        uint64_t at = e->changed[i].lo, end = e->changed[i].hi;
        region *r = region_of_page(e, (uint32_t)(at >> e->page_shift));
        drop_code(e, r, r->base + (at - offset_of(e, r)), (uint32_t)(end - at));
        for (; at < end; at += 2)         /* no block covers it any more */
            e->translated[at >> 4] &= (uint8_t)~(1u << (at >> 1 & 7));
    }
    e->nchanged = 0;
}

/* The store is to code that some block has covered. */
COLD static bool store_to_code(ttd_engine *e, region *r, uint64_t offset, int size, uint64_t value)
{
    uint64_t in_region = offset - offset_of(e, r), page_end = (offset | (e->page_size - 1)) + 1;
    uint64_t end = (offset + (unsigned)size + 1) & ~1ull;
    if (offset + (unsigned)size <= page_end && !memcmp(r->host + in_region, &value, (size_t)size))
        return true;
    if (!e->armed && (e->nchanged == MAX_CHANGED
                      || in_block(e, r, r->base + in_region, (uint32_t)size))) {
        e->arm = true;                    /* this very block changes: run the store alone */
        return give_up(e, true);
    }
    drop_soon(e, offset & ~1ull, end < page_end ? end : page_end);
    return true;
}

/* A watchpoint may see the store. False: it does not happen, or not yet. */
COLD static bool watched_store(ttd_engine *e, uint64_t address, int size, uint64_t value)
{
    e->io_pc = read_pc(e);
    e->io_step = step_of(e, e->io_pc);
    e->io_shift = 0;
    e->rest_at = address + (unsigned)size;
    if (e->must_align && address & (unsigned)((size > 4 ? 4 : size) - 1)) {
        fault_at(e, ACC_WRITE | ACC_UNALIGNED, address);
        return give_up(e, true);
    }
    if (watched_insn(e, address, size, ACC_WRITE, value)) {
        e->why = WHY_WATCH;
        return give_up(e, true);
    }
    return true;
}

/* `address` is in the view. An access that is not aligned comes again, byte by byte, and may go beyond the page. */
static bool on_store(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value, void *user)
{
    ttd_engine *e = user;
    uint64_t offset = address - e->view_base, at;
    uint32_t page = (uint32_t)(offset >> e->page_shift);
    region *r = e->view_last;
    bool covered = false;
    (void)uc, (void)type;
    if (e->why || e->arm)
        return give_up(e, true);
    if (!r || page - r->first_page >= r->size >> e->page_shift)
        e->view_last = r = region_of_page(e, page);
    at = r->base + (offset - offset_of(e, r));
    if (e->nwatches && at + (unsigned)size > e->stores_lo && at <= e->stores_last
        && !watched_store(e, at, size, (uint64_t)value))
        return false;
    for (at = offset & ~1ull; at < offset + (unsigned)size; at += 2)
        covered |= e->translated[at >> 4] >> (at >> 1 & 7) & 1;
    if (covered && !store_to_code(e, r, offset, size, (uint64_t)value))
        return false;
    if (e->words && mark_words(e, page, offset & (e->page_size - 1), (uint64_t)size)) {
        e->words_full = true;
        atomic_store_explicit(&e->fast_limit, 0, memory_order_relaxed);
    }
    if (!(offset & (uint64_t)(size - 1)))
        memcpy(r->host + (offset - offset_of(e, r)), &value, (size_t)size);
    if (e->blk->ways & WAY_LATE_STORE)
        forget_prefix(e);
    return true;
}

/* Where the TLB is to have what is at `at`, on this page, from for stores; false: it has to be trapped. (Unicorn's
 * own pages may be smaller than the engine's.) */
bool mixed_fill(ttd_engine *e, uint32_t page, uint64_t at, uint64_t *paddr)
{
    region *r = region_of_page(e, page);
    if (!r || !r->viewed)
        return false;
    e->flags[page] |= PAGE_MIXED;
    e->mixed_cached = true;
    *paddr = e->view_base + ((uint64_t)page << e->page_shift) + (at & (e->page_size - 1));
    return true;
}

bool mixed_watch(ttd_engine *e, uint32_t page, uint64_t at, int watched, uint64_t *paddr)
{
    bool late = e->armed || (e->blk && (e->blk->ways & WAY_LATE_STORE));
    if (late || !(watched & ACC_WRITE) || (watched & ACC_READ) || !e->set->watches_memory
        || !mixed_fill(e, page, at, paddr))
        return false;
    e->write_cached = true;               /* where a store cannot be left, it is to be asked for again */
    return true;
}

/* Are stores of this block to itself let through? */
bool mixed_itself(ttd_engine *e, const block_info *b)
{
    uint64_t at = b->pc & ~(uint64_t)(e->page_size - 1), paddr;
    for (; at < b->pc + b->span; at += e->page_size) {
        region *r = code_address(e, at, &paddr) ? find_region(e, paddr) : NULL;
        if (r && r->kind != REGION_MMIO && e->flags[page_of(e, r, paddr)] & PAGE_MIXED)
            return true;
    }
    return false;
}

/* Before there is any other hook of this kind: Unicorn asks them in the order in which they were added. */
int mixed_open(ttd_engine *e)
{
    uc_hook hook;
    e->view_base = e->window_base + ((uint64_t)e->window_pages << e->page_shift);
    if (is_wide(e))                       /* behind what an instruction set has there */
        e->view_base += room(e);
    return (int)e->hook_add(e->uc, &hook, UC_HOOK_MEM_WRITE_PROT, on_store, e, e->view_base,
                            e->view_base + room(e) - 1);
}

/* When all memory is there. What has no room, or would share it with something, goes without; and all where an
 * instruction set translates pages from elsewhere. */
void mixed_start(ttd_engine *e)
{
    int i;
    for (i = 0; i < e->nregions && !e->set->code_changed; i++) {
        region *r = &e->regions[i];
        if (r->kind == REGION_RAM && r->canonical == r->base && offset_of(e, r) + r->size <= room(e))
            r->viewed = !e->mem_map_ptr(e->uc, e->view_base + offset_of(e, r), r->size, UC_PROT_READ,
                                        r->host);
    }
}
