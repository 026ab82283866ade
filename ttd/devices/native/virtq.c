/* Split virtqueues. */
#include "virtq.h"

/* Flags of a descriptor (2.7.5), and of the available ring: the driver wants no interrupt (2.7.7). */
enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };
enum { NO_INTERRUPT = 1 };

typedef struct { uint64_t address; uint32_t size; uint16_t flags, next; } descriptor;
_Static_assert(sizeof(descriptor) == 16 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "as it is in memory");

/* `size` bytes from `base` + `at` on: do they end before addresses do? */
static bool ends(virtq_way *way, uint64_t base, uint64_t at, int size)
{
    way->bad = base + at;
    return way->bad >= base && way->bad <= -(uint64_t)size;
}

static bool get(virtq_way *way, uint64_t base, uint64_t at, void *out, int size)
{
    if (!ends(way, base, at, size))
        return false;
    return size == (way->look ? ttd_read(way->engine, way->bad, out, size)
                              : ttd_load(way->engine, way->bad, out, size, way->by));
}

static bool put(virtq_way *way, uint64_t base, uint64_t at, const void *data, int size)
{
    return ends(way, base, at, size) && ttd_store(way->engine, way->bad, data, size, way->by) == size;
}

int virtq_waiting(virtq_way *way, const virtq *q)
{
    uint16_t index, count;
    if (!q->ready)
        return 0;
    if (!get(way, q->driver, 2, &index, 2))
        return VIRTQ_NOWHERE;
    count = (uint16_t)(index - q->last_avail);
    return count > q->num ? VIRTQ_AHEAD : count;
}

static int walk(virtq_way *way, const virtq *q, virtq_chain *chain)
{
    uint64_t table = q->desc;
    uint32_t entries = q->num, index = chain->head, seen = 0;
    bool indirect = false;
    chain->count = 0;
    for (;;) {
        descriptor d;
        if (index >= entries || seen++ >= (entries < VIRTQ_LONGEST ? entries : VIRTQ_LONGEST))
            return VIRTQ_CIRCLE;
        if (!get(way, table, 16 * (uint64_t)index, &d, sizeof d))
            return VIRTQ_NOWHERE;
        if (d.flags & INDIRECT) {
            if (indirect || d.flags & NEXT || !d.size || d.size % sizeof d)
                return VIRTQ_INDIRECT;
            table = d.address;
            entries = d.size / sizeof d;
            index = seen = 0;
            indirect = true;
            continue;
        }
        if (!(d.flags & WRITE) && chain->count && chain->buffers[chain->count - 1].writable)
            return VIRTQ_ORDER;
        chain->buffers[chain->count++] = (virtq_buffer){ d.address, d.size, d.flags & WRITE };
        if (!(d.flags & NEXT))
            return 1;
        index = d.next;
    }
}

int virtq_next(virtq_way *way, const virtq *q, virtq_chain *chain)
{
    int waiting = virtq_waiting(way, q);
    uint16_t head;
    if (waiting <= 0)
        return waiting;
    if (!get(way, q->driver, 4 + 2 * (uint64_t)(q->last_avail % q->num), &head, 2))
        return VIRTQ_NOWHERE;
    chain->head = head;
    return walk(way, q, chain);
}

int virtq_push(virtq_way *way, virtq *q, uint32_t head, uint32_t written)
{
    uint32_t entry[2] = { head, written };
    uint16_t flags;
    if (!put(way, q->device, 4 + 8 * (uint64_t)(q->used % q->num), entry, sizeof entry))
        return VIRTQ_NOWHERE;
    q->used++;
    if (!put(way, q->device, 2, &q->used, 2) || !get(way, q->driver, 0, &flags, 2))
        return VIRTQ_NOWHERE;
    return !(flags & NO_INTERRUPT);
}
