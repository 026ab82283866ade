/* Accesses of instructions that are done here (`doing`), as Unicorn does those of others. */
#include "internal.h"

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
    if (kind == ACC_WRITE) {
        before_write(e, page_of(e, r, address));
        note_written(e, page_of(e, r, address), address, (uint64_t)size);
    }
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
        if (write)
            note_written(e, page_of(e, r, address), address, (uint64_t)size);
        at = window_address(e, r, page, page) + (address - page);
    }
    if (!on_prot(e->uc, write ? UC_MEM_WRITE_PROT : UC_MEM_READ_PROT, at, size, (int64_t)value, e)) {
        leave(e);
        return false;
    }
    if (!device && write)
        on_window_write(e->uc, at - e->window_base, (unsigned)size, value, e);
    else if (!write)
        value = device ? e->io_value : on_window_read(e->uc, at - e->window_base, (unsigned)size, e);
    e->io_left = 0;
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
