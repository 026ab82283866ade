/* Memory by address. */
#include "internal.h"

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

bool ttd_is_ram(ttd_engine *e, uint64_t address, int kind)
{
    region *r = find_region(e, address);
    return r && r->kind != REGION_MMIO && !(r->kind == REGION_ROM && kind == ACC_WRITE);
}

bool ttd_mapped(ttd_engine *e, uint64_t address, int kind)
{
    region *r = find_region(e, address);
    return r && !(r->kind == REGION_ROM && kind == ACC_WRITE)
        && !(r->kind == REGION_MMIO && kind == ACC_FETCH);
}

int on_page(ttd_engine *e, uint64_t at, int size)
{
    uint64_t left = e->page_size - (at & (e->page_size - 1));
    return left < (uint64_t)size ? (int)left : size;
}

int ttd_read(ttd_engine *e, uint64_t address, uint8_t *out, int size)
{
    int done = 0;
    while (done < size) {
        region *r = find_region(e, address + done);
        int n = on_page(e, address + done, size - done);
        if (!r || r->kind == REGION_MMIO)
            break;
        memcpy(out + done, r->host + (address + done - r->base), (size_t)n);
        done += n;
    }
    return done;
}

/* What an access to a bit-band alias is to: a word of the same size, and the bit in it. */
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
