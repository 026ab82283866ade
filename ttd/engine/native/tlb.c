/* Flushing Unicorn's TLB, and keeping it from growing.
 *
 * At each flush Unicorn doubles a table that was nearly full. It counts entries as they come and go, but
 * gets it wrong for a page of devices: where that shares its place with another page, it is filled anew
 * for every access, and each time one too many is taken off the count. A count below zero passes for a
 * very large one, and soon every flush clears 200 MB, in 70 ms. So before a flush as much is added again:
 * a page that is asked for to be read and to be written by turns is counted each time. */
#include "internal.h"

/* More than this costs more than a table that is too large. */
enum { MAX_ADDED = 4096 };

bool tlb_counting(ttd_engine *e, uint64_t vaddr, uc_mem_type type, uc_tlb_entry *out)
{
    if (!e->counting)
        return false;
    out->paddr = vaddr;
    out->perms = type == UC_MEM_WRITE ? UC_PROT_WRITE : UC_PROT_READ;
    return true;
}

void flush_tlb(ttd_engine *e)
{
    uint32_t count = e->device_fills < MAX_ADDED ? e->device_fills : MAX_ADDED;
    uint64_t paddr;
    e->counting = true;
    for (uint32_t i = 0; i < count; i++)
        e->vmem_translate(e->uc, e->window_base, i & 1 ? UC_PROT_WRITE : UC_PROT_READ, &paddr);
    e->counting = false;
    e->device_fills = 0;
    e->write_cached = e->mixed_cached = false;
    e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_TLB_FLUSH, 0));
}
