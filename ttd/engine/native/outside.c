/* Memory without an instruction: what the machine itself accesses (exception entries and returns,
 * DMA, calls of the host, flash controllers), and what somebody outside looks at or changes. */
#include "internal.h"

/* How many of the bytes from `address` on are memory that answers this kind of access. */
static int present(ttd_engine *e, uint64_t address, int size, int kind)
{
    int done = 0;
    while (done < size) {
        region *r = find_region(e, address + done);
        uint64_t left;
        if (!r || r->kind == REGION_MMIO || (kind == ACC_WRITE && r->kind == REGION_ROM && !r->asks))
            break;
        left = r->base + r->size - (address + done);
        done = left < (uint64_t)(size - done) ? done + (int)left : size;
    }
    return done;
}

static void change(ttd_engine *e, region *r, uint64_t at, const uint8_t *data, int size)
{
    uint8_t *flags = &e->flags[page_of(e, r, at)];
    if (*flags & PAGE_TABLE)
        flush_tlb(e);
    stairs_spoiled(e);
    before_write(e, page_of(e, r, at));
    memcpy(r->host + (at - r->base), data, (size_t)size);
    *flags |= PAGE_DIRTY;
    note_written(e, page_of(e, r, at), at, (uint64_t)size);
    if (*flags & PAGE_EVER_EXEC)
        drop_code(e, r, at, (uint32_t)size);
}

/* What is behind a bit-band alias; false if that is not memory. Watchpoints have seen it. */
bool memory_word(ttd_engine *e, uint64_t address, int size, bool write, uint64_t *value)
{
    region *r = find_region(e, address);
    if (present(e, address, size, write ? ACC_WRITE : ACC_READ) < size)
        return false;
    if (write) {
        change(e, r, address, (uint8_t *)value, size);
    } else {
        memcpy(value, r->host + (address - r->base), (size_t)size);
        e->flags[page_of(e, r, address)] |= PAGE_READ;
    }
    return true;
}

/* An access of [at, at + size), which is on one page, is seen by page tables and watchpoints. */
static void see(ttd_engine *e, uint64_t at, int size, int kind, const uint8_t *old, const uint8_t *data,
                int by)
{
    ttd_hit hit;
    int i;
    if (e->set->translate)
        see_outside(e, kind, at);
    for (i = 0; (i = seen_outside(e, i, at, (uint64_t)size, kind, old, data, by, &hit)) >= 0; i++)
        note_hit(e, hit);
}

int ttd_load(ttd_engine *e, uint64_t address, uint8_t *out, int size, int by)
{
    int done = present(e, address, size, ACC_READ), at, n;
    if (done < size)
        return done;
    for (at = 0; at < size; at += n) {
        region *r = find_region(e, address + at);
        n = on_page(e, address + at, size - at);
        memcpy(out + at, r->host + (address + at - r->base), (size_t)n);
        e->flags[page_of(e, r, address + at)] |= PAGE_READ;
        see(e, address + at, n, ACC_READ, out + at, out + at, by);
    }
    return size;
}

int ttd_store(ttd_engine *e, uint64_t address, const uint8_t *data, int size, int by)
{
    int done = present(e, address, size, ACC_WRITE), at, n;
    if (done < size)
        return done;
    e->doings++;
    for (at = 0; at < size; at += n) {
        region *r = find_region(e, address + at);
        uint8_t *old = r->host + (address + at - r->base);
        n = on_page(e, address + at, size - at);
        see(e, address + at, n, ACC_WRITE, old, data + at, by);
        change(e, r, address + at, data + at, n);
    }
    return size;
}

void ttd_note_write(ttd_engine *e, uint64_t address, int size, int by)
{
    note_hit(e, (ttd_hit){ .step = e->running ? e->now : e->outside_step, .pc = read_pc(e),
                           .address = address, .size = size, .kind = ACC_WRITE, .id = -1, .by = by });
}

void ttd_set_outside_step(ttd_engine *e, uint64_t step)
{
    e->outside_step = step;
}

bool ttd_take_late(ttd_engine *e)
{
    bool was = e->late;
    e->late = false;
    return was;
}

int ttd_write(ttd_engine *e, uint64_t address, const uint8_t *data, int size)
{
    int done = 0;
    while (done < size) {
        region *r = find_region(e, address + done);
        int n = on_page(e, address + done, size - done);
        if (!r || r->kind == REGION_MMIO)
            break;
        change(e, r, address + done, data + done, n);
        done += n;
    }
    return done;
}

/* Where an access by the CPU in its present mode would go, or, `kind` 0, a debugger's look. */
int ttd_translate(ttd_engine *e, uint64_t vaddr, int kind, uint64_t *paddr)
{
    int why, rights;
    *paddr = vaddr;
    if (!e->set->translate)
        return ttd_mapped(e, vaddr, kind ? kind : ACC_READ) ? REFUSED_NOT : REFUSED_ACCESS;
    if (!kind)
        return e->set->probe(e, vaddr, paddr) ? REFUSED_NOT : REFUSED_PAGE;
    if ((why = e->set->translate(e, vaddr, kind, false, paddr, &rights)))
        return why;
    return ttd_mapped(e, *paddr, kind) && e->set->allows(e, vaddr, *paddr, 1, kind, true) == 1
        ? REFUSED_NOT : REFUSED_ACCESS;
}

bool ttd_denies(ttd_engine *e, uint64_t address, int kind)
{
    return e->set->allows && e->set->allows(e, address, address, 1, kind, true) != 1;
}
