/* Registers as data (declared.h). */
#include "internal.h"

#include <time.h>

#define PROMPT_NS 5000000         /* how long output waits for more of it at most, where accesses go on */
#define LOOKS 64                  /* accesses between two looks at the clock */

static inline uint32_t moved(uint32_t value, int move)
{
    return move < 0 ? value >> -move : value << move;
}

static uint64_t host_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void give_output(ttd_engine *e)
{
    ttd_registers *r = e->writing;
    ttd_outbox *box = e->posting;
    e->writing = NULL;
    e->posting = NULL;
    if (r && r->waiting)
        ttd_host_output(e->handle, r);
    if (box && box->waiting)
        ttd_host_packets(e->handle, box);
}

void give_late_output(ttd_engine *e)
{
    if ((e->writing || e->posting) && ++e->output_looks % LOOKS == 0 && host_ns() - e->output_since > PROMPT_NS)
        give_output(e);
}

/* What several devices write keeps its order. */
static void begin_output(ttd_engine *e, ttd_registers *r, ttd_outbox *box)
{
    give_output(e);
    e->writing = r;
    e->posting = box;
    e->output_since = host_ns();
}

void post_output(ttd_engine *e, ttd_outbox *box)
{
    if (e->posting != box)
        begin_output(e, NULL, box);
}

static void push(ttd_registers *r, uint8_t byte)
{
    if (r->engine && r->engine->writing != r)
        begin_output(r->engine, r, NULL);
    r->output[r->waiting++] = byte;
}

static void set_line(ttd_registers *r, int n, bool level)
{
    ttd_line *line = &r->lines[n];
    if (level == line->level)
        return;
    line->level = level;
    if (line->set)
        line->set(line->sink, line->number, level);
    else
        r->stale ^= 1u << n;
}

static bool level_of(const ttd_registers *r, int n)
{
    const ttd_line_rule *rule = &r->map->lines[n];
    int i;
    for (i = 0; i < rule->nterms; i++)
        if (bits_of(r, &rule->terms[i]))
            return true;
    return false;
}

void ttd_registers_drive(ttd_registers *r)
{
    int n;
    for (n = 0; n < r->map->nlines; n++)
        set_line(r, n, level_of(r, n));
    registers_moved(r);
}

static void lower(ttd_registers *r, int n)
{
    ttd_line *line = &r->lines[n];
    if (line->level && !line->set)
        r->pulsed |= 1u << n;
    set_line(r, n, false);
    r->changed = true;                    /* it is driven again */
}

void ttd_registers_pulse(ttd_registers *r, int line)
{
    lower(r, line);
    ttd_registers_drive(r);
}

void ttd_registers_settle(ttd_registers *r)
{
    int n;
    for (n = 0; n < r->map->nlines; n++)
        r->lines[n].level = level_of(r, n);
    r->stale = r->pulsed = 0;
    registers_moved(r);
}

void tell_lines(ttd_engine *e, ttd_registers *r)
{
    if (r->stale | r->pulsed) {
        devices_changed(e);
        ttd_host_lines(e->handle, r);
    }
}

void ttd_registers_offer(ttd_registers *r, uint32_t room)
{
    r->room = room < TTD_OUTPUT ? room : TTD_OUTPUT;
    r->epoch = r->engine ? r->engine->epoch : 0;
}

static bool has_room(const ttd_registers *r)
{
    return r->waiting < r->room && (!r->engine || r->epoch == r->engine->epoch);
}

/* False: the host is to do it. What it gives is or-ed to `out`. */
bool apply(ttd_registers *r, int at, int end, bool look, uint32_t *out)
{
    for (; at < end; at++) {
        const ttd_effect *f = &r->map->effects[at];
        uint32_t *w = &r->words[f->what.word], was = *w, from;
        if ((look && f->op > EFFECT_GIVE && f->op < EFFECT_CALL) || !bits_of(r, &f->when) != f->unless)
            continue;
        from = moved(r->words[f->what.also], f->move) & f->what.mask;
        switch (f->op) {
        case EFFECT_ASK: return false;
        case EFFECT_ROOM: if (!has_room(r)) return false; break;
        case EFFECT_DONE: return true;
        case EFFECT_COUNT: *out |= moved(counter_holds(r, f->what.word) & f->what.mask, f->move); break;
        case EFFECT_GIVE: *out |= moved(bits_of(r, &f->what), f->move); break;
        case EFFECT_KEEP: *w = (*w & ~f->what.mask) | from; break;
        case EFFECT_SET: *w |= from; break;
        case EFFECT_CLEAR: *w &= ~from; break;
        case EFFECT_PUSH: push(r, (uint8_t)r->words[WORD_VALUE]); break;
        case EFFECT_PULSE: lower(r, f->what.word); break;
        case EFFECT_APPEND: receiver_append(r, (uint8_t)r->words[WORD_VALUE]); break;
        case EFFECT_DROP: receiver_drop(r); break;
        case EFFECT_PAUSE: ttd_receiver_pause(r); break;
        case EFFECT_CALL: if (!r->call(r, f->what.word, look, out)) return false; break;
        }
        r->changed |= (f->op > EFFECT_GIVE && f->op < EFFECT_PUSH && *w != was)
            || (f->op > EFFECT_PULSE && f->op < EFFECT_CALL);
    }
    return true;
}

static const ttd_register *register_at(const ttd_registers *r, uint32_t offset)
{
    const ttd_map *map = r->map;
    return &map->registers[map->places[(offset & map->decode) / (uint32_t)map->unit]];
}

/* Of a register of four bytes a narrower read gives those that it asks for, and a narrower write brings
 * zeros beside its own; a register of one byte is that, however wide the access. */
static int bit_of(const ttd_registers *r, uint32_t offset)
{
    return r->map->unit == 4 ? 8 * (offset & 3) : 0;
}

static bool takes(const ttd_registers *r, uint32_t offset, int size)
{
    return !r->map->whole || (size == r->map->unit && !(offset & (uint32_t)(size - 1)));
}

bool ttd_registers_read(ttd_registers *r, uint32_t offset, int size, bool look, uint64_t *value)
{
    const ttd_register *place = register_at(r, offset);
    uint32_t word = 0;
    r->changed = false;
    if (!takes(r, offset, size) || !apply(r, place->read, place->read_end, look, &word)) {
        if (!look)
            r->room = 0;                  /* what the host does now may take of it */
        return false;
    }
    if (r->changed)
        ttd_registers_drive(r);
    *value = (word >> bit_of(r, offset)) & (NEVER >> (64 - 8 * size));
    return true;
}

bool ttd_registers_write(ttd_registers *r, uint32_t offset, int size, uint64_t value)
{
    const ttd_register *place = register_at(r, offset);
    uint32_t word = (uint32_t)value << bit_of(r, offset);
    if (!takes(r, offset, size))
        return false;
    ttd_registers_count(r);
    r->words[WORD_VALUE] = word;
    r->changed = false;
    if (!apply(r, place->write, place->write_end, false, &word)) {
        r->room = 0;
        return false;
    }
    if (r->changed)
        ttd_registers_drive(r);
    return true;
}

/* What the access has done to others. */
static bool done(ttd_engine *e, ttd_registers *r)
{
    if (r->changed) {
        device_changed(e);
        e->moved |= r->map->receiving.there;
    }
    tell_lines(e, r);
    give_late_output(e);
    return true;
}

static bool on_read(ttd_engine *e, void *device, uint32_t offset, int size, uint64_t *value)
{
    if (ttd_registers_read(device, offset, size, false, value))
        return done(e, device);
    if (e->writing == device)
        give_output(e);
    return false;
}

static bool on_write(ttd_engine *e, void *device, uint32_t offset, int size, uint64_t value)
{
    const ttd_registers *r = device;
    /* Where the host sees to what is due, it has to hear of what moves that. */
    if (!r->hosted && ttd_registers_write(device, offset, size, value))
        return done(e, device);
    if (e->writing == device)
        give_output(e);
    return false;
}

bool ttd_attach_registers(ttd_engine *e, uint64_t base, uint64_t size, ttd_registers *r)
{
    static const device_ops ops = { on_read, on_write };
    r->engine = e;
    r->base = base;
    if (r->map->receiving.there) {
        if (e->nreceivers == MAX_NATIVE)
            return false;
        e->receivers[e->nreceivers++] = r;
    }
    if (r->map->ncounters) {
        r->next = e->timers;
        e->timers = r;
        registers_moved(r);
    }
    return attach_device(e, base, size, &ops, r);
}
