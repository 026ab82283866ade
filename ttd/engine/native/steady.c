/* Registers of devices whose course is known: what is answered without asking. */
#include "internal.h"

static uint64_t ticks_now(const ttd_engine *e, const steady *r)
{
    return ticks_at(e->io_step, e->time.clock_ns, e->time.warp_ns - r->since_ns, r->hz, r->divider);
}

/* What is known of a register ends with what may change it: an access of its own device that does, and,
 * unless the device is alone, one of any other; and with whatever else the host has done (`epoch`). */
void device_changed(ttd_engine *e)
{
    region *own = find_region(e, e->io_address);
    if (own)
        own->generation++;
}

void devices_changed(ttd_engine *e)
{
    e->generation++;
}

void host_was_here(ttd_engine *e)
{
    e->epoch++;
}

steady *steady_of(ttd_engine *e, uint64_t address, bool write)
{
    return &e->steadies[(address >> 2 ^ (write ? MAX_STEADY / 2 : 0)) & (MAX_STEADY - 1)];
}

/* Is that known, and still so? */
bool steady_holds(ttd_engine *e, const steady *r, uint64_t address, int size, bool write)
{
    return r->address == address && r->size == size && r->write == write && r->epoch == e->epoch
        && r->own == r->where->generation && (r->where->alone || r->others == e->generation)
        && e->io_step * e->time.clock_ns + (uint64_t)e->time.warp_ns < r->until_ns
        && e->io_step < e->due && r->privileged == privileged_access(e);
}

/* What a register that was to be kept reading would say. */
static bool steady_value(ttd_engine *e, uint64_t address, int size, uint64_t *value)
{
    steady *r = steady_of(e, address, false);
    uint64_t passed;
    if (!steady_holds(e, r, address, size, false))
        return false;
    passed = ticks_now(e, r) - r->ticks;
    *value = r->slope < 0 ? r->value - passed : r->value + (r->slope ? passed : 0);
    *value &= NEVER >> (64 - 8 * size);
    return true;
}

void ttd_keep_reading(ttd_engine *e, uint64_t value, int slope, int64_t since_ns, uint64_t hz,
                      uint64_t divider, uint64_t until_ns)
{
    steady *r = steady_of(e, e->io_address, false);
    *r = (steady){ .address = e->io_address, .value = value, .since_ns = since_ns, .hz = hz,
                   .divider = divider, .until_ns = until_ns,
                   .size = e->io_size, .slope = slope, .privileged = privileged_access(e),
                   .where = find_region(e, e->io_address), .epoch = e->epoch,
                   .others = e->generation };
    r->own = r->where->generation;
    r->ticks = ticks_now(e, r);
    e->kept = true;
}

void ttd_keep_ignoring(ttd_engine *e)
{
    steady *r = steady_of(e, e->io_address, true);
    *r = (steady){ .address = e->io_address, .size = e->io_size, .write = true, .until_ns = NEVER,
                   .privileged = privileged_access(e), .where = find_region(e, e->io_address),
                   .epoch = e->epoch, .others = e->generation };
    r->own = r->where->generation;
    e->kept = true;
}

/* Eight bytes are two registers. */
bool steady_values(ttd_engine *e, uint64_t address, int size, uint64_t *value)
{
    uint64_t high;
    if (size < 8)
        return steady_value(e, address, size, value);
    if (!steady_value(e, address, 4, value) || !steady_value(e, address + 4, 4, &high))
        return false;
    *value |= high << 32;
    return true;
}

bool steady_bit(ttd_engine *e, const region *band, uint64_t address, int size, uint64_t *value)
{
    int bit;
    uint64_t at = behind(band, address, size, &bit), word;
    if (!steady_value(e, at, size, &word))
        return false;
    *value = word >> bit & 1;
    return true;
}
