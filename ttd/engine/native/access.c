/* Trapped accesses: who is asked, watchpoints (`on_prot` and the window). */
#include "isa.h"

/* What an access to a bit-band alias is to: a word of the same size, and the bit in it (Cortex-M3 TRM,
 * "Bit-banding"). */
uint64_t behind(const region *band, uint64_t address, int size, int *bit)
{
    uint64_t offset = address - band->base, byte = offset >> 5;
    *bit = (int)(offset >> 2 & 7) + 8 * (int)(byte & (unsigned)(size - 1));
    return band->canonical + (byte & ~(uint64_t)(size - 1));
}

region *band_at(ttd_engine *e, uint64_t address)
{
    region *r = e->nbands ? find_region(e, address) : NULL;
    return r && r->band ? r : NULL;
}

/* An access is to stop the run, or is noted (scan). */
static bool hits(ttd_engine *e, ttd_hit hit, bool first)
{
    if (e->scan)
        hit_add(&e->scan_watches, hit);
    else if (e->io_step != e->skip_watches) {
        if (first)
            e->hit = hit;
        return true;
    }
    return false;
}

bool watched_access(ttd_engine *e, uint64_t address, int size, int kind, uint64_t value)
{
    region *band = band_at(e, address);
    uint64_t at;
    uint8_t old[8];
    bool hit_any = false, seen = false;
    int i, j, had, bit;
    if (band) {
        uint64_t word = 0, one = value & 1;
        address = behind(band, address, size, &bit);
        ttd_read(e, address, (uint8_t *)&word, size);
        value = (word & ~(1ull << bit)) | one << bit;
    }
    at = e->set->watches_memory ? canonical(e, address) : address;
    had = ttd_read(e, address + e->io_shift, old, size);
    if (kind == ACC_READ && had == size)
        memcpy(&value, old, size);
    for (i = 0; i < e->nwatches; i++) {
        watch *w = &e->watches[i];
        if (!(w->kinds & kind) || at > w->last || at + (size - 1) < w->lo)
            continue;
        if (kind == ACC_WRITE && w->changes_only && had) {
            bool changes = false;
            for (j = 0; j < had; j++)
                if (at + j >= w->lo && at + j <= w->last && old[j] != (uint8_t)(value >> 8 * j))
                    changes = true;
            if (!changes)
                continue;
        }
        seen = true;
        hit_any |= hits(e, (ttd_hit){ .step = e->io_step, .pc = e->io_pc, .address = at + w->shift,
                                      .value = value, .size = size, .kind = kind, .id = i }, !hit_any);
    }
    if (!seen && had == size && e->set->shows) {     /* by another address that shows the memory */
        ttd_hit hit;
        if (seen_outside(e, address + e->io_shift, (uint64_t)size, kind, old, (uint8_t *)&value,
                         BY_INSTRUCTION, &hit)) {
            hit.step = e->io_step;
            hit.pc = e->io_pc;
            return hits(e, hit, true);
        }
    }
    return hit_any;
}

/* Is the instruction, whose first access this is, to stop the run? Pages before a watched place are trapped
 * as well (`ttd_set_watchpoints`). */
bool watched_insn(ttd_engine *e, uint64_t address, int size, int kind, uint64_t value)
{
    return e->set->watched ? e->set->watched(e, address, size, kind, value)
        : watched_access(e, address, size, kind, value);
}

/* Will a watchpoint see a later access of the instruction that begins with this one? */
static bool watched_parts(ttd_engine *e, uint64_t address, uint32_t all, int kind)
{
    int i;
    for (i = 0; i < e->nwatches; i++) {
        watch *w = &e->watches[i];
        if ((w->kinds & kind) && address <= w->last && address + (all - 1) >= w->lo)
            return true;
    }
    return false;
}

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

void keep_bytes(ttd_engine *e, uint64_t address, uint32_t size)
{
    uint32_t i;
    for (i = 0; i < size; i++) {          /* devices, or nothing, may be among it */
        const uint8_t *host = host_pointer(e, address + i);
        e->kept_bytes[i] = host ? *host : 0;
    }
    e->kept_at = address;
    e->kept_size = size;
}

void put_bytes_back(ttd_engine *e)
{
    uint32_t i;
    for (i = 0; i < e->kept_size; i++) {
        const uint8_t *host = host_pointer(e, e->kept_at + i);
        if (host && *host != e->kept_bytes[i])
            ttd_write(e, e->kept_at + i, e->kept_bytes + i, 1);
    }
    e->kept_size = 0;
}

/* Leave before the instruction completes. A load leaves by itself; a store does outside an IT
 * block, and else its other effects are taken back afterwards. */
bool give_up(ttd_engine *e, bool write)
{
    if (e->armed && write && !e->armed_abort && e->set->stores_on)
        keep_bytes(e, e->rest_at, e->set->stores_on);
    if (e->armed)
        e->armed_abort = true;
    if (write)
        e->emu_stop(e->uc);
    return false;
}

/* An access to memory that is trapped: watched, holding code, split by the MPU, or not there. */
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

/* The steps before the instruction at `pc`, which is under way. */
static uint64_t step_of(ttd_engine *e, uint64_t pc)
{
    return e->steps + (pc - e->blk_pc < e->blk_size ? (uint64_t)index_of(e, e->blk_pc, pc) : 0);
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
        if (address & (size - 1)) {       /* DDI0403E A3.2.1: unaligned to Device memory. */
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
    return s ? memory_access(e, s, seen_at, size, write, (uint64_t)value)
             : device_access(e, address, seen_at, size, write, (uint64_t)value);
}

uint64_t on_mmio_read(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
    ttd_engine *e = user;
    (void)uc, (void)size;
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
    memcpy(s->host + in_page, &value, size);
    e->flags[s->page] |= PAGE_DIRTY;
    if (e->flags[s->page] & PAGE_EVER_EXEC)
        drop_code(e, s->r, s->paddr + in_page, size);
}

/* ---- accesses of instructions that are done here (`doing`) ----------------------------- */

bool is_plain(ttd_engine *e, uint64_t address, int size, int kind)
{
    region *r = find_region(e, address);
    uint32_t page;
    if (!r || r->kind == REGION_MMIO || ((address ^ (address + size - 1)) >> e->page_shift))
        return false;
    page = page_of(e, r, address);
    if (kind == ACC_WRITE && (r->kind != REGION_RAM || e->flags[page] & PAGE_EVER_EXEC))
        return false;
    return !e->nwatches || !watched_kinds(e, address & ~(uint64_t)(e->page_size - 1), address, page);
}

/* The memory at an address, if nobody has to hear of such an access. */
static uint8_t *plain_memory(ttd_engine *e, uint64_t address, int size, int kind)
{
    region *r;
    if (!is_plain(e, address, size, kind))
        return NULL;
    r = find_region(e, address);
    e->flags[page_of(e, r, address)] |= kind == ACC_WRITE ? PAGE_READ | PAGE_DIRTY : PAGE_READ;
    return r->host + (address - r->base);
}

/* As Unicorn does an access, of up to eight bytes on one page, to a page that is trapped. */
static bool trapped_access(ttd_engine *e, uint64_t address, int size, bool write, void *data)
{
    uint64_t page = address & ~(uint64_t)(e->page_size - 1), at = address, value = 0;
    region *r = find_region(e, address);
    bool device = r && r->kind == REGION_MMIO;
    if (!r || (write && r->kind == REGION_ROM && !r->asks)) {
        fault_at(e, write ? ACC_WRITE : ACC_READ, address);
        return give_up(e, true);
    }
    if (write)
        memcpy(&value, data, size);
    if (device) {
        e->device_views[page >> e->page_shift & (DEVICE_VIEWS - 1)] = (view){ page, page };
    } else {
        e->flags[page_of(e, r, address)] |= write ? PAGE_READ | PAGE_DIRTY : PAGE_READ;
        at = window_address(e, r, page, page) + (address - page);
    }
    if (!on_prot(e->uc, write ? UC_MEM_WRITE_PROT : UC_MEM_READ_PROT, at, size, (int64_t)value, e)) {
        e->emu_stop(e->uc);
        return false;
    }
    if (!device && write)
        on_window_write(e->uc, at - e->window_base, (unsigned)size, value, e);
    else if (!write)
        value = device ? e->io_value : on_window_read(e->uc, at - e->window_base, (unsigned)size, e);
    if (!write)
        memcpy(data, &value, size);
    return true;
}

/* Is one of the pieces to stop the run? All are looked at before the first is done. */
static bool watched_pieces(ttd_engine *e, uint64_t address, int size, int piece, bool write,
                           const uint8_t *data)
{
    int done;
    e->io_pc = e->doing;
    e->io_step = step_of(e, e->io_pc);
    e->io_shift = 0;
    for (done = 0; done < size && !e->scan; done += piece) {
        int n = size - done < piece ? size - done : piece;
        uint64_t value = 0;
        memcpy(&value, data + done, (size_t)n);
        if (watched_insn(e, address + done, n, write ? ACC_WRITE : ACC_READ, value))
            return true;
    }
    return false;
}

/* In pieces: what crosses the end of a page byte by byte, sixteen bytes as two times eight. */
static bool guest_access(ttd_engine *e, uint64_t address, int size, bool write, uint8_t *data)
{
    bool crosses = (address ^ (address + size - 1)) >> e->page_shift;
    int piece = crosses ? 1 : size > 8 ? 8 : size, done;
    if (e->nwatches && piece < size && watched_pieces(e, address, size, piece, write, data)) {
        e->why = WHY_WATCH;
        return give_up(e, true);
    }
    for (done = 0; done < size; done += piece) {
        if (done + piece > size)
            piece = size - done;
        if (!trapped_access(e, address + done, piece, write, data + done))
            return false;
    }
    return true;
}

bool guest_read(ttd_engine *e, uint64_t address, int size, void *out)
{
    uint8_t *memory = plain_memory(e, address, size, ACC_READ);
    if (!memory)
        return guest_access(e, address, size, false, out);
    memcpy(out, memory, size);
    return true;
}

bool guest_write(ttd_engine *e, uint64_t address, int size, const void *data)
{
    uint8_t *memory = plain_memory(e, address, size, ACC_WRITE), copy[16];
    if (!memory) {
        memcpy(copy, data, size);
        return guest_access(e, address, size, true, copy);
    }
    memcpy(memory, data, size);
    return true;
}
