/* Accesses of devices: what is asked of them, and what is answered without asking. */
#include "internal.h"

/* Is the access one that is answered here? `mask`: the bits of it. */
static bool ask_native(ttd_engine *e, uint64_t address, int size, bool write, uint64_t value, int half,
                       uint64_t mask)
{
    uint64_t word = 0;
    native_device *d = native_at(e, address);
    if (!d)
        return false;
    if (write) {
        bool done = d->ops->write(e, d->device, (uint32_t)(address - d->base), size, value >> half & mask);
        update_due(e);
        return done;
    }
    if (!d->ops->read(e, d->device, (uint32_t)(address - d->base), size, &word))
        return false;
    if (e->moved)
        update_due(e);
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
    if (!ask_native(e, address, size, write, value, half, mask)) {
        if (write)
            ttd_host_write(e->handle, address, size, value >> half & mask);
        else
            e->io_value |= (ttd_host_read(e->handle, address, size) & mask) << half;
        if (!e->kept) {
            device_changed(e);
            devices_changed(e);
            look_for_input(e);            /* it may have made room for some */
        }
    }
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
    }
    if (e->why == WHY_FAULT)
        fault_at(e, write ? ACC_WRITE : ACC_READ, address);
}

/* The instruction that accesses shall be the last for now. True: that can be seen to when it has completed,
 * since its block ends with it, or what comes behind it in the block has a call. */
static bool leaves_behind(ttd_engine *e)
{
    uint8_t *code = code_at(e, e->io_pc);
    uint64_t next;
    if (!e->set->calls_anywhere || !code || prefix_now(e))
        return false;
    next = e->io_pc + (uint64_t)length_at(e, e->io_pc, code);
    if (next - e->blk_pc != e->blk_size && !can_leave_at(e, next))
        return false;
    e->leaving = true;
    e->limit = e->io_step + 1;
    e->loose = false;
    set_fast_limit(e);
    return true;
}

bool device_access(ttd_engine *e, uint64_t address, uint64_t seen_at, int size, bool write,
                   uint64_t value)
{
    region *band = band_at(e, address), *r = find_region(e, address);
    bool flash = r && r->asks;            /* what the store does, watchpoints see from the controller */
    int kind = write ? ACC_WRITE : ACC_READ;
    uint64_t due;
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
    if (write ? !band && steady_holds(e, steady_of(e, address, true), address, size, true)
              : band ? steady_bit(e, band, address, size, &e->io_value)
                     : steady_values(e, address, size, &e->io_value)) {
        forget_prefix(e);
        return true;
    }
    e->doings++;
    e->stop_after = e->code_hit = false;
    e->now = e->io_step;
    e->io_value = 0;
    if (e->io_step >= e->due) {           /* what is due comes before the access */
        e->failed = 0;
        if (!expire_core(e)) {
            give_output(e);
            ttd_host_due(e->handle);
            host_was_here(e);
        }
        if (e->failed) {
            e->why = WHY_HOST_ERROR;
            return give_up(e, write);
        }
    }
    due = e->due;
    if (band)
        ask_band(e, band, address, size, write, value);
    else
        ask_device(e, address, size > 4 ? 4 : size, write, value, 0);
    if (size > 4 && !e->why)
        ask_device(e, address + 4, 4, write, value, 32);
    e->io_address = address;
    if (e->why)
        return give_up(e, write);
    if (e->ntokens < MAX_TOKENS) {
        e->tokens[e->ntokens++] = (token){ address, e->io_value, size, write };
        e->itoken = e->ntokens;
    }
    if (e->due != due && due_in_block(e))
        e->stop_after = true;             /* the block was let in for what was due before */
    e->ending |= e->stop_after;
    if (e->armed && e->leaving && e->limit > e->io_step + 1 && (e->host_wants || e->flush_due || e->code_hit)) {
        e->arm = true;                    /* not before what is behind the store: that alone */
        return give_up(e, write);
    }
    if ((e->stop_after || e->flush_due || e->code_hit) && !e->armed
        && (e->code_hit || !leaves_behind(e))) {
        e->arm = true;
        return give_up(e, write);
    }
    forget_prefix(e);
    return true;
}
