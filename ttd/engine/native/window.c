/* The window: pages behind which accesses are trapped, wherever the guest has them. */
#include "internal.h"

/* The window's page for the memory at `paddr` that the guest sees at `vaddr`. */
uint64_t window_address(ttd_engine *e, region *r, uint64_t vaddr, uint64_t paddr)
{
    uint32_t mask = 2 * e->window_pages - 1, n;
    uint64_t hash = ((vaddr ^ paddr << 20) >> e->page_shift) * 0x9e3779b97f4a7c15ull >> 40;
    for (; (n = e->slot_table[hash & mask]); hash++)
        if (e->slots[n - 1].vaddr == vaddr && e->slots[n - 1].paddr == paddr)
            break;
    if (!n) {
        if (e->window_used == e->window_pages - 1) {
            memset(e->slot_table, 0, sizeof *e->slot_table * (mask + 1));
            e->window_used = 0;
            flush_tlb(e);
        }
        n = ++e->window_used;
        e->slot_table[hash & mask] = n;
        e->slots[n - 1] = (slot){ vaddr, paddr, r->host + (paddr - r->base), r, page_of(e, r, paddr) };
    }
    return e->window_base + ((uint64_t)(n - 1) << e->page_shift);
}

/* The window's last page stands for one page of nothing, to learn the address of a fault. */
uint64_t void_address(ttd_engine *e, uint64_t vaddr)
{
    slot *s = &e->slots[e->window_pages - 1];
    if (s->vaddr != vaddr)
        flush_tlb(e);
    *s = (slot){ .vaddr = vaddr };
    e->void_used = true;                /* something may be there the next time, or for other accesses */
    return e->window_base + ((uint64_t)(e->window_pages - 1) << e->page_shift);
}

slot *slot_at(ttd_engine *e, uint64_t paddr)
{
    return &e->slots[(paddr - e->window_base) >> e->page_shift];
}
