/* Accesses of devices: what is asked of them, and what is answered without asking. */
#include "internal.h"

uint64_t ticks_at(uint64_t step, uint64_t clock_ns, int64_t offset_ns, uint64_t hz, uint64_t divider)
{
    unsigned __int128 ns = (unsigned __int128)step * clock_ns + offset_ns;
    return (uint64_t)(ns * hz / divider);
}

void ttd_set_timebase(ttd_engine *e, uint64_t hz)
{
    e->timebase_hz = hz;
}

uint64_t ticks_of(const steady *r, uint64_t step)
{
    return ticks_at(step, r->clock_ns, r->offset_ns, r->hz, r->divider);
}

/* What a register that was to be kept reading would say. */
static bool steady_value(ttd_engine *e, uint64_t address, int size, uint64_t *value)
{
    int i;
    for (i = 0; i < e->nsteadies; i++) {
        steady *r = &e->steadies[i];
        if (r->address == address && r->size == size) {
            uint64_t passed = ticks_of(r, e->io_step) - r->ticks;
            *value = r->slope < 0 ? r->value - passed : r->value + (r->slope ? passed : 0);
            *value &= NEVER >> (64 - 8 * size);
            return e->io_step < r->until && e->io_step < e->due && r->privileged == privileged_access(e);
        }
    }
    return false;
}

static bool burst_access(ttd_engine *e, uint64_t address, int size, bool write, uint64_t value)
{
    burst *b = &e->burst;
    if (b->at == b->count || write != b->write || size != 4 || address - b->lo >= b->hi - b->lo)
        return false;
    if (write)
        b->words[b->at] = (uint32_t)value;
    else
        e->io_value = b->words[b->at];
    b->at++;
    return true;
}

/* The device must know all before anything else happens to it. */
void end_burst(ttd_engine *e)
{
    uint32_t done = e->burst.at;
    e->burst.count = e->burst.at = 0;
    if (done)
        ttd_host_burst(e->handle, e->burst.write, e->burst.words, done);
}

/* Eight bytes are two registers. */
static bool steady_values(ttd_engine *e, uint64_t address, int size, uint64_t *value)
{
    uint64_t high;
    if (size < 8)
        return steady_value(e, address, size, value);
    if (!steady_value(e, address, 4, value) || !steady_value(e, address + 4, 4, &high))
        return false;
    *value |= high << 32;
    return true;
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

/* Is the access one that is answered here? `mask`: the bits of it. */
static bool ask_native(ttd_engine *e, uint64_t address, int size, bool write, uint64_t value, int half,
                       uint64_t mask)
{
    uint64_t word = 0;
    native_device *d = e->natives, *end = d + e->nnatives;
    while (d < end && address - d->base >= d->size)
        d++;
    if (d == end)
        return false;
    if (write) {
        bool done = d->ops->write(e, d->device, (uint32_t)(address - d->base), size, value >> half & mask);
        update_due(e);
        return done;
    }
    if (!d->ops->read(e, d->device, (uint32_t)(address - d->base), size, &word))
        return false;
    e->io_value |= (word & mask) << half;
    return true;
}

/* Hand an access, or one half of it, to the device. */
static void ask_device(ttd_engine *e, uint64_t address, int size, bool write, uint64_t value, int half)
{
    uint64_t mask = NEVER >> (64 - 8 * size);
    e->io_address = address;
    e->io_size = size;
    e->kept = false;
    e->failed = 0;
    if (ask_native(e, address, size, write, value, half, mask))
        e->kept = true;
    else if (write)
        ttd_host_write(e->handle, address, size, value >> half & mask);
    else
        e->io_value |= (ttd_host_read(e->handle, address, size) & mask) << half;
    switch (e->failed) {
    case 0: break;
    case 1: fault_at(e, write ? ACC_WRITE : ACC_READ, address); break;
    default: e->why = WHY_HOST_ERROR; break;
    }
}

/* Reads what is behind a bit-band alias, and changes the one bit of it. */
static void ask_band(ttd_engine *e, const region *band, uint64_t address, int size, bool write,
                     uint64_t value)
{
    int bit;
    uint64_t at = behind(band, address, size, &bit), word = 0;
    region *r = find_region(e, at);
    bool device = r && r->kind == REGION_MMIO;
    e->kept = false;
    if (device) {
        ask_device(e, at, size, false, 0, 0);
        word = e->io_value;
    } else if (!memory_word(e, at, size, false, &word)) {
        fault_at(e, ACC_READ, address);
    }
    e->io_value = word >> bit & 1;
    if (write && !e->why) {
        word = (word & ~(1ull << bit)) | (value & 1) << bit;
        if (device)
            ask_device(e, at, size, true, word, 0);
        else
            memory_word(e, at, size, true, &word);
        e->kept = false;
    }
    if (e->why == WHY_FAULT)
        fault_at(e, write ? ACC_WRITE : ACC_READ, address);
}

static bool steady_bit(ttd_engine *e, const region *band, uint64_t address, int size, uint64_t *value)
{
    int bit;
    uint64_t at = behind(band, address, size, &bit), word;
    if (!steady_value(e, at, size, &word))
        return false;
    *value = word >> bit & 1;
    return true;
}

bool device_access(ttd_engine *e, uint64_t address, uint64_t seen_at, int size, bool write,
                   uint64_t value)
{
    region *band = band_at(e, address), *r = find_region(e, address);
    bool flash = r && r->asks;            /* what the store does, watchpoints see from the controller */
    int kind = write ? ACC_WRITE : ACC_READ;
    bool kept;
    if (e->token_step != e->io_step) {
        e->token_step = e->io_step;
        e->ntokens = e->itoken = 0;
    }
    e->io_address = address;
    if (e->itoken < e->ntokens) {
        token *t = &e->tokens[e->itoken];
        if (t->address == address && t->size == size && t->write == write) {
            e->itoken++;
            e->io_value = t->value;
            forget_prefix(e);
            return true;
        }
    }
    if (e->nwatches && !flash && watched_insn(e, seen_at, size, kind, value)) {
        e->why = WHY_WATCH;
        return give_up(e, write);
    }
    if (e->nsteadies && !write
        && (band ? steady_bit(e, band, address, size, &e->io_value)
                 : steady_values(e, address, size, &e->io_value))) {
        forget_prefix(e);
        return true;
    }
    e->stop_after = e->code_hit = false;
    e->now = e->io_step;
    e->io_value = 0;
    if (e->io_step >= e->due) {           /* what is due comes before the access */
        e->nsteadies = 0;
        end_burst(e);
        e->failed = 0;
        if (!expire_core(e))
            ttd_host_due(e->handle);
        if (e->failed) {
            e->why = WHY_HOST_ERROR;
            return give_up(e, write);
        }
    }
    if (e->burst.count && burst_access(e, address, size, write, value)) {
        e->nsteadies = 0;
        goto remember;
    }
    end_burst(e);
    if (band)
        ask_band(e, band, address, size, write, value);
    else
        ask_device(e, address, size > 4 ? 4 : size, write, value, 0);
    kept = e->kept;
    if (size > 4 && !e->why) {
        ask_device(e, address + 4, 4, write, value, 32);
        kept &= e->kept;
    }
    e->io_address = address;
    if (e->why)
        return give_up(e, write);
    if (!kept)
        e->nsteadies = 0;                 /* this access may have changed any device */
remember:
    if (e->ntokens < MAX_TOKENS) {
        e->tokens[e->ntokens++] = (token){ address, e->io_value, size, write };
        e->itoken = e->ntokens;
    }
    e->ending |= e->stop_after;
    if ((e->stop_after || e->flush_due || e->code_hit) && !e->armed) {
        e->arm = true;
        return give_up(e, write);
    }
    forget_prefix(e);
    return true;
}
