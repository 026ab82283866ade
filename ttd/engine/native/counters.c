/* Counters of devices (declared.h). A counter is not run: what it holds follows from its value at one tick, the
 * anchor, and the ticks since, which are those of a clock that goes from virtual time zero. So it does not
 * matter who looks when, and the anchor moves only where something about the counter happens. */
#include "internal.h"

static uint64_t tick_at(const ttd_counter *c, uint64_t ns)
{
    uint64_t product;
    if (!__builtin_mul_overflow(ns, c->hz, &product))
        return product / c->divider;
    return (uint64_t)((unsigned __int128)ns * c->hz / c->divider);
}

/* The first nanosecond of a tick; NEVER if there is none. */
static uint64_t time_of(const ttd_counter *c, uint64_t tick)
{
    unsigned __int128 ns = ((unsigned __int128)tick * c->divider + c->hz - 1) / c->hz;
    return ns < NEVER ? (uint64_t)ns : NEVER;
}

uint64_t registers_time(const ttd_registers *r)
{
    return r->engine ? time_now(r->engine) : r->ns;
}

static uint64_t tick_now(const ttd_registers *r, int n)
{
    const ttd_counter *c = &r->counters[n];
    return r->matching ? c->anchor : tick_at(c, registers_time(r));
}

static bool runs(const ttd_registers *r, const ttd_counter_rule *rule)
{
    return bits_of(r, &rule->runs) && !bits_of(r, &rule->halts);
}

static bool stays_at_zero(const ttd_registers *r, const ttd_counter_rule *rule)
{
    return !r->words[rule->top] || bits_of(r, &rule->once);
}

/* What it holds so many ticks after the anchor. */
static uint32_t value_after(const ttd_registers *r, const ttd_counter_rule *rule, uint64_t ticks)
{
    uint32_t value = r->words[rule->value], top = r->words[rule->top];
    if (!rule->down)
        return (uint32_t)(value + ticks) & top;
    if (ticks <= value)
        return value - (uint32_t)ticks;
    return stays_at_zero(r, rule) ? 0 : top - (uint32_t)((ticks - value - 1) % (top + 1ull));
}

uint32_t counter_holds(const ttd_registers *r, int n)
{
    const ttd_counter_rule *rule = &r->map->counters[n];
    return runs(r, rule) ? value_after(r, rule, tick_now(r, n) - r->counters[n].anchor)
                         : r->words[rule->value];
}

void ttd_registers_anchor(ttd_registers *r)
{
    int n;
    for (n = 0; n < r->map->ncounters; n++)
        r->counters[n].anchor = tick_now(r, n);
}

void ttd_registers_count(ttd_registers *r)
{
    int n;
    for (n = 0; n < r->map->ncounters; n++) {
        uint64_t now = tick_now(r, n);
        r->words[r->map->counters[n].value] = counter_holds(r, n);
        r->counters[n].anchor = now;
    }
}

/* Ticks from the anchor to where the counter comes to the value of the match next; 0: never. */
static uint64_t distance(const ttd_registers *r, const ttd_match_rule *match)
{
    const ttd_counter_rule *rule = &r->map->counters[match->counter];
    uint32_t value = r->words[rule->value], top = r->words[rule->top], target = bits_of(r, &match->target);
    if (match->every)
        return 1;
    if (!rule->down) {
        uint32_t ticks = (target - value) & top;
        return ticks ? ticks : top + 1ull;
    }
    if (value > target)
        return value - target;
    return stays_at_zero(r, rule) || target > top ? 0 : value + 1ull + top - target;
}

uint64_t counter_next(const ttd_registers *r, int n, uint32_t *which)
{
    const ttd_counter_rule *rule = &r->map->counters[n];
    uint64_t first = 0;
    int m;
    *which = 0;
    if (!runs(r, rule))
        return NEVER;
    for (m = 0; m < r->map->nmatches; m++) {
        const ttd_match_rule *match = &r->map->matches[m];
        uint64_t ticks;
        if (match->counter != n || !bits_of(r, &match->when) || bits_of(r, &match->unless)
            || !(ticks = distance(r, match)))
            continue;
        if (!*which || ticks < first)
            *which = 0, first = ticks;
        if (ticks == first)
            *which |= 1u << m;
    }
    return *which ? time_of(&r->counters[n], r->counters[n].anchor + first) : NEVER;
}

void counter_go_to(ttd_registers *r, int n, uint32_t which)
{
    const ttd_counter_rule *rule = &r->map->counters[n];
    uint64_t ticks = distance(r, &r->map->matches[__builtin_ctz(which)]);
    r->words[rule->value] = value_after(r, rule, ticks);
    r->counters[n].anchor += ticks;
}

void registers_moved(ttd_registers *r)
{
    r->moved = true;
    if (r->engine && r->map->ncounters)
        r->engine->timers_moved = true;
}
