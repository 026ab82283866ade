/* Devices that answer here. */
#include "internal.h"

void ttd_set_alone(ttd_engine *e, uint64_t base)
{
    find_region(e, base)->alone = true;
}

bool attach_device(ttd_engine *e, uint64_t base, uint64_t size, const device_ops *ops, void *device)
{
    if (e->nnatives == MAX_NATIVE)
        return false;
    e->natives[e->nnatives++] = (native_device){ base, size, ops, device };
    return true;
}

void device_fails(ttd_engine *e)
{
    e->failed = 1;
}

native_device *native_at(ttd_engine *e, uint64_t address)
{
    native_device *d = &e->natives[e->last_native], *end = e->natives + e->nnatives;
    if (e->nnatives && address - d->base < d->size)
        return d;
    for (d = e->natives; d < end; d++)
        if (address - d->base < d->size) {
            e->last_native = (int)(d - e->natives);
            return d;
        }
    return NULL;
}
