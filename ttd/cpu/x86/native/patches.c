/* Instructions that are done here and not by Unicorn.
 *
 * A page of code that has one is translated from a copy, its *shadow*, in which such an instruction
 * is overwritten by one that raises an interrupt and is as long; what the guest reads, and all that
 * decodes here, is the page itself. Blocks end with such an instruction, and what follows finds
 * everything as after any exception: nothing of the block is under way. */
#include "x86.h"

#include <stdlib.h>
#include <sys/mman.h>

#define OURS_VECTOR 0xff      /* what stands for an instruction that is done here: INT n */

/* Of one page: `at` has places in `list` + 1, by offset. */
struct patched_page {
    ours *list;
    uint32_t n, room;
    uint16_t at[];
};

static uint64_t shadow_address(ttd_engine *e, uint32_t page)
{
    return x86_of(e)->shadow_base + ((uint64_t)page << e->page_shift);
}

static patched_page *page_at(ttd_engine *e, uint64_t address, uint32_t *page)
{
    region *r = find_region(e, address);
    if (!r || r->kind == REGION_MMIO)
        return NULL;
    *page = page_of(e, r, address);
    return x86_of(e)->patched[*page];
}

/* The shadow's byte at an address; NULL if the page has none. */
static uint8_t *shadow_byte(ttd_engine *e, uint64_t address)
{
    uint32_t page;
    return page_at(e, address, &page)
        ? x86_of(e)->shadow + ((uint64_t)page << e->page_shift) + (address & (e->page_size - 1)) : NULL;
}

ours *ours_at(ttd_engine *e, uint64_t address)
{
    uint32_t page;
    patched_page *p = page_at(e, address, &page);
    uint16_t place = p ? p->at[address & (e->page_size - 1)] : 0;
    return place ? &p->list[place - 1] : NULL;
}

bool patched_fill(ttd_engine *e, uint32_t page, uint64_t *paddr)
{
    if (!x86_of(e)->patched || !x86_of(e)->patched[page])
        return false;
    *paddr = shadow_address(e, page);
    return true;
}

/* What was translated from [lo, hi), whatever it was translated from, is good no longer. */
static void drop_known(ttd_engine *e, uint64_t lo, uint64_t hi)
{
    drop_translated(e, lo, hi);
    forget_blocks_at(e, lo < e->page_size ? 0 : lo - e->page_size, hi);
}

/* Have the page translated from its shadow from now on. */
static bool make_shadow(ttd_engine *e, uint64_t address)
{
    uint64_t base = address & ~(uint64_t)(e->page_size - 1);
    region *r = find_region(e, address);
    uint32_t page;
    if (!r || r->kind == REGION_MMIO)
        return false;
    page = page_of(e, r, address);
    if (x86_of(e)->patched[page])
        return true;
    drop_known(e, base, base + e->page_size);
    x86_of(e)->patched[page] = calloc(1, sizeof(patched_page) + sizeof(uint16_t) * e->page_size);
    if (!x86_of(e)->patched[page])
        return false;
    memcpy(x86_of(e)->shadow + ((uint64_t)page << e->page_shift), r->host + (base - r->base), e->page_size);
    flush_tlb(e);
    return true;
}

/* Let the bytes [lo, hi) of the shadows be as those of the pages. */
static void copy_bytes(ttd_engine *e, uint64_t lo, uint64_t hi)
{
    for (; lo < hi; lo++) {
        uint8_t *to = shadow_byte(e, lo);
        if (to)
            *to = *host_pointer(e, lo);
    }
}

/* The first of the instructions that overlap [lo, hi) and begin at `from` or behind. */
static ours *overlapping(ttd_engine *e, uint64_t from, uint64_t lo, uint64_t hi)
{
    uint64_t at = lo < X86_LONGEST ? 0 : lo - X86_LONGEST + 1;
    for (at = at < from ? from : at; at < hi; at++) {
        ours *o = ours_at(e, at);
        if (o && at + o->length > lo)
            return o;
    }
    return NULL;
}

bool ban_overlapping(ttd_engine *e, uint64_t pc, int length)
{
    uint64_t from = 0;
    bool any = false;
    ours *o;
    for (; (o = overlapping(e, from, pc, pc + length)); from = o->pc + 1) {
        if (o->pc == pc || o->banned)
            continue;
        o->banned = any = true;
        copy_bytes(e, o->pc, o->pc + o->length);
        drop_known(e, o->pc, o->pc + o->length);
    }
    return any;
}

bool patch(ttd_engine *e, const ours *what)
{
    uint64_t at = what->pc, end = at + what->length;
    uint32_t page, i;
    patched_page *p;
    ours *o;
    if (!make_shadow(e, at) || !make_shadow(e, end - 1))
        return false;
    p = page_at(e, at, &page);
    if (p->n == p->room) {
        uint32_t room = p->room ? 2 * p->room : 8;
        ours *list = realloc(p->list, room * sizeof *list);
        if (!list)
            return false;
        p->list = list;
        p->room = room;
    }
    o = &p->list[p->n];
    *o = *what;
    o->banned = overlapping(e, 0, at, end) != NULL;
    p->at[at & (e->page_size - 1)] = (uint16_t)++p->n;
    if (o->banned) {
        ban_overlapping(e, at, what->length);
        return true;
    }
    drop_known(e, at, end);
    for (i = 0; i < o->length; i++)       /* CS segment overrides, and INT n */
        *shadow_byte(e, at + i) = i + 2 < o->length ? 0x2e : i + 2 == o->length ? 0xcd : OURS_VECTOR;
    return true;
}

static void take_out(ttd_engine *e, ours *o)
{
    uint32_t page;
    patched_page *p = page_at(e, o->pc, &page);
    ours *last = &p->list[--p->n];
    p->at[o->pc & (e->page_size - 1)] = 0;
    if (o != last) {
        *o = *last;
        p->at[o->pc & (e->page_size - 1)] = (uint16_t)(o - p->list + 1);
    }
}

void patches_changed(ttd_engine *e, uint64_t lo, uint64_t hi)
{
    uint64_t from = lo, to = hi;
    uint32_t page;
    ours *o;
    if (!x86_of(e)->patched || (hi - lo <= 8 && !page_at(e, lo - X86_LONGEST, &page) && !page_at(e, lo, &page)
                        && !page_at(e, hi - 1, &page)))
        return;
    while ((o = overlapping(e, 0, lo, hi))) {
        if (o->pc < from)
            from = o->pc;
        if (o->pc + o->length > to)
            to = o->pc + o->length;
        take_out(e, o);
    }
    copy_bytes(e, from, to);
    if (from < lo || to > hi)
        drop_known(e, from, to);
}

int patches_start(ttd_engine *e)
{
    uint64_t size = (uint64_t)e->npages << e->page_shift;
    uc_hook hook;
    int err;
    x86_of(e)->patched = calloc(e->npages, sizeof *x86_of(e)->patched);
    x86_of(e)->shadow = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!x86_of(e)->patched || x86_of(e)->shadow == MAP_FAILED)
        return UC_ERR_NOMEM;
    x86_of(e)->shadow_base = e->window_base + ((uint64_t)e->window_pages << e->page_shift);
    if ((err = e->mem_map_ptr(e->uc, x86_of(e)->shadow_base, size, UC_PROT_ALL, x86_of(e)->shadow)))
        return err;
    return e->hook_add(e->uc, &hook, UC_HOOK_MEM_FETCH_UNMAPPED, on_nothing, e, x86_of(e)->shadow_base,
                       x86_of(e)->shadow_base + size - 1);
}

void patches_free(ttd_engine *e)
{
    uint32_t page;
    if (!x86_of(e)->patched)
        return;
    for (page = 0; page < e->npages; page++) {
        if (x86_of(e)->patched[page])
            free(x86_of(e)->patched[page]->list);
        free(x86_of(e)->patched[page]);
    }
    free(x86_of(e)->patched);
    munmap(x86_of(e)->shadow, (uint64_t)e->npages << e->page_shift);
}

/* ---- doing them ---------------------------------------------------------------------------- */

/* What stands at the end of the block that ran; NULL if that is the guest's own. */
static ours *ours_reached(ttd_engine *e)
{
    ours *o = e->blk ? ours_at(e, e->blk_pc + e->blk_size - e->blk->last) : NULL;
    return o && !o->banned ? o : NULL;
}

static bool do_ours(ttd_engine *e, const ours *o)
{
    ours own = *o;                        /* what it stores may be code */
    bool done;
    e->doing = o->pc;
    done = own.run(e, &own);
    e->doing = NEVER;
    return done;
}

bool patches_interrupt(ttd_engine *e, uint32_t number)
{
    ours *o = number == OURS_VECTOR ? ours_reached(e) : NULL;
    if (!o)
        return false;
    if (!do_ours(e, o)) {
        e->back_to = o->pc;
        leave(e);
    }
    return true;
}

bool patches_carry_out(ttd_engine *e, uint64_t *pc)
{
    const ours *o = ours_at(e, *pc);
    e->blk_pc = *pc;
    e->blk_size = o->length;
    if (!do_ours(e, o))
        return false;
    *pc += o->length;
    return true;
}
