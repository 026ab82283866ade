/* Scan mode: bytes that are looked for. Every write is watched, and noted where memory has them behind it and had not
 * before. */
#include "internal.h"

#include <stdlib.h>

enum { MOST_BYTES = 256, MOST_WRITTEN = 4096, MOST_PARTS = 32 };

struct sought {
    uint32_t size;
    uint8_t bytes[MOST_BYTES];
    /* What the instruction of `step` has written, or is going to: its accesses may all be looked at before the first is
     * done. */
    struct { uint64_t at; int size; uint8_t data[8]; } parts[MOST_PARTS];
    uint32_t nparts;
    uint64_t step;
    uint8_t was[MOST_WRITTEN + 2 * MOST_BYTES], now[MOST_WRITTEN + 2 * MOST_BYTES];
};

bool ttd_seek(ttd_engine *e, const uint8_t *bytes, uint32_t size)
{
    free(e->sought);
    e->sought = NULL;
    if (!size)
        return true;
    if (size > MOST_BYTES || !(e->sought = calloc(1, sizeof *e->sought)))
        return false;
    e->sought->size = size;
    memcpy(e->sought->bytes, bytes, size);
    return true;
}

/* Bytes of [at, at + size), as far as they are in `count` bytes of `to`, which are those from `lo` on. */
static void put(uint8_t *to, uint64_t lo, uint64_t count, uint64_t at, const uint8_t *data, uint64_t size)
{
    uint64_t i;
    for (i = 0; i < size; i++)
        if (at + i - lo < count)
            to[at + i - lo] = data[i];
}

static void keep_part(struct sought *s, uint64_t step, uint64_t at, const uint8_t *data, uint64_t size)
{
    if (s->step != step)
        s->nparts = 0;
    s->step = step;
    if (s->nparts == MOST_PARTS || size > 8)
        return;
    s->parts[s->nparts].at = at;
    s->parts[s->nparts].size = (int)size;
    memcpy(s->parts[s->nparts++].data, data, size);
}

void note_sought(ttd_engine *e, ttd_hit hit, uint64_t at, const uint8_t *old, const uint8_t *data, uint64_t size)
{
    struct sought *s = e->sought;
    region *r = find_region(e, at);
    uint64_t beside = s->size - 1, lo, end, count, i;
    if (!r || r->kind == REGION_MMIO || size > MOST_WRITTEN)
        return;
    lo = at - r->base > beside ? at - beside : r->base;
    end = r->base + r->size - at > size + beside ? at + size + beside : r->base + r->size;
    count = end - lo;
    ttd_read(e, lo, s->was, (int)count);
    memcpy(s->now, s->was, count);
    keep_part(s, hit.step, at, data, size);
    for (i = 0; i < s->nparts; i++)
        put(s->now, lo, count, s->parts[i].at, s->parts[i].data, (uint64_t)s->parts[i].size);
    put(s->was, lo, count, at, old, size);
    put(s->now, lo, count, at, data, size);
    for (i = 0; i + s->size <= count; i++) {
        if (memcmp(s->now + i, s->bytes, s->size) || !memcmp(s->was + i, s->bytes, s->size))
            continue;
        hit.address = lo + i;
        hit.size = (int)s->size;
        hit.kind = HIT_FOUND;
        hit_add(&e->scan_watches, hit);
    }
}
