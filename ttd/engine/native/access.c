/* Trapped accesses: who is asked, watchpoints (`on_prot` and the window). */
#include "internal.h"

/* The first access of an instruction that makes several and may stop at a later one: alone, so that it
 * can be taken back. False: not yet. */
static bool enter_parts(ttd_engine *e, uint64_t address, int size, int kind)
{
    uint32_t all;
    if (!e->set->parts || e->scan || e->io_step == e->skip_watches || e->kept_size)
        return true;
    all = e->set->parts(e, e->io_pc);
    if (all <= (uint32_t)size || !watched_parts(e, address, all, kind))
        return true;
    if (!e->armed)
        e->arm = true;
    else if (kind == ACC_WRITE)
        keep_bytes(e, address, all);
    return e->armed;
}

/* An access to memory that is trapped: watched, holding code, split by protection, or not there. */
static bool memory_access(ttd_engine *e, slot *s, uint64_t address, int size, bool write,
                          uint64_t value)
{
    int kind = write ? ACC_WRITE : ACC_READ;
    uint64_t paddr = s->paddr + (address - s->vaddr);
    if (!s->host) {
        fault_at(e, kind, address);
        return give_up(e, write);
    }
    if (write && s->r->asks)
        return device_access(e, paddr, address, size, write, value);
    if (e->nwatches && watched_insn(e, address, size, kind, value)) {
        e->why = WHY_WATCH;
        return give_up(e, write);
    }
    if (e->nwatches && !enter_parts(e, address, size, kind))
        return give_up(e, write);
    if (write && !e->armed && e->blk_size
        && (((e->flags[s->page] & PAGE_EVER_EXEC) && in_block(e, s->r, paddr, size))
            || ((e->flags[s->page] & PAGE_TABLE) && e->set->moves_code(e, s, address, size, value)))) {
        e->arm = true;                    /* this very block changes: run the store alone */
        return give_up(e, write);
    }
    forget_prefix(e);
    return true;
}

static bool permitted(ttd_engine *e, uint64_t address, uint64_t paddr, int size, int kind)
{
    return !e->set->allows || e->set->allows(e, address, paddr, (uint64_t)size, kind, true) == 1;
}

bool on_prot(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value,
                    void *user)
{
    ttd_engine *e = user;
    bool write = type == UC_MEM_WRITE_PROT;
    int kind = write ? ACC_WRITE : ACC_READ;
    uint64_t paddr, seen_at;
    slot *s = NULL;
    (void)uc;

    e->work.traps++;
    if (e->why || e->arm)                /* already on the way out: nothing may happen */
        return give_up(e, write);
    if (write && !e->armed && prefix_now(e)) {
        e->problem = "a store that cannot be left was not stopped in time";
        e->why = WHY_HOST_ERROR;
        return give_up(e, write);
    }
    e->io_pc = e->doing != NEVER ? e->doing : read_pc(e);
    e->io_step = step_of(e, e->io_pc);
    e->io_value = 0;
    paddr = seen_at = address;
    e->io_shift = 0;
    e->rest_at = address + size;
    if (address - e->window_base < ((uint64_t)e->window_pages << e->page_shift)) {
        s = slot_at(e, address);
        seen_at = s->vaddr + (address & (e->page_size - 1));
        paddr = s->paddr + (address & (e->page_size - 1));
        e->io_shift = paddr - seen_at;
        e->rest_at = seen_at + size;
    } else {
        view *v = &e->device_views[address >> e->page_shift & (DEVICE_VIEWS - 1)];
        if (v->paddr == (address & ~(uint64_t)(e->page_size - 1)))
            seen_at = v->vaddr + (address & (e->page_size - 1));
        if (address & (size - 1)) {       /* devices have to be accessed aligned */
            fault_at(e, kind | ACC_UNALIGNED, seen_at);
            return give_up(e, write);
        }
    }
    if (s && e->must_align && seen_at & ((size > 4 ? 4 : size) - 1)) {
        fault_at(e, kind | ACC_UNALIGNED, seen_at);
        return give_up(e, write);
    }
    if (!permitted(e, seen_at, paddr, size, kind)) {
        fault_at(e, kind, seen_at);
        return give_up(e, write);
    }
    if (s)
        return memory_access(e, s, seen_at, size, write, (uint64_t)value);
    if (!device_access(e, address, seen_at, size, write, (uint64_t)value))
        return false;
    e->io_left = write ? 0 : (uint32_t)size;
    return true;
}

/* What is read without having been asked for is the end of an unaligned load that begins in memory: nothing. */
uint64_t on_mmio_read(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
    ttd_engine *e = user;
    (void)uc;
    if (e->io_left < size)
        return 0;
    e->io_left -= size;
    return e->io_value >> 8 * ((offset - e->io_address) & 7);
}

void on_mmio_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    (void)uc, (void)offset, (void)size, (void)value, (void)user;    /* done in on_prot */
}

/* The part of an unaligned access beyond the memory's end comes here without on_prot. */
static void void_access(ttd_engine *e, slot *s, int kind)
{
    if (!e->why)
        fault_at(e, kind, s->vaddr);
    give_up(e, true);
}

uint64_t on_window_read(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
    ttd_engine *e = user;
    slot *s = &e->slots[offset >> e->page_shift];
    uint64_t value = 0;
    (void)uc;
    if (s->host)
        memcpy(&value, s->host + (offset & (e->page_size - 1)), size);
    else
        void_access(e, s, ACC_READ);
    return value;
}

void on_window_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    ttd_engine *e = user;
    slot *s = &e->slots[offset >> e->page_shift];
    uint64_t in_page = offset & (e->page_size - 1);
    (void)uc;
    if (e->why || e->arm)
        return;
    if (!s->host) {
        void_access(e, s, ACC_WRITE);
        return;
    }
    if (s->r->asks)
        return;                           /* done in on_prot */
    if ((e->flags[s->page] & PAGE_TABLE) && memcmp(s->host + in_page, &value, size)
        && (e->nwatches || e->set->entry_valid(e, s, s->vaddr + in_page, (int)size)))
        flush_tlb(e);                     /* what is watched may be shown elsewhere now */
    before_write(e, s->page);
    memcpy(s->host + in_page, &value, size);
    e->flags[s->page] |= PAGE_DIRTY;
    note_written(e, s->page, in_page, size);
    if (e->flags[s->page] & PAGE_EVER_EXEC)
        drop_code(e, s->r, s->paddr + in_page, size);
}
