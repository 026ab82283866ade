/* What counters of devices come to: when, and what happens then. */
#include "internal.h"

static uint64_t deadline_of(ttd_registers *r)
{
    int n;
    if (r->moved) {
        r->moved = false;
        r->deadline = NEVER;
        for (n = 0; n < r->map->ncounters; n++) {
            uint32_t which;
            uint64_t at = counter_next(r, n, &which);
            if (at < r->deadline)
                r->deadline = at;
        }
    }
    return r->deadline;
}

uint64_t ttd_registers_deadline(ttd_registers *r) { return deadline_of(r); }

/* The counter has come to these matches. Returns those that the host is told of. */
static uint32_t happen(ttd_registers *r, uint32_t which)
{
    uint32_t told = 0, left;
    for (left = which; left; left &= left - 1) {
        const ttd_match_rule *match = &r->map->matches[__builtin_ctz(left)];
        uint32_t none = 0;
        apply(r, match->begin, match->end, false, &none);
        if (bits_of(r, &match->tells))
            told |= left & -left;
    }
    ttd_registers_drive(r);
    return told;
}

uint32_t ttd_registers_expire(ttd_registers *r)
{
    uint64_t at;
    while ((at = deadline_of(r)) <= registers_time(r)) {
        uint32_t which, told;
        int n;
        for (n = 0; counter_next(r, n, &which) != at; n++)
            ;
        counter_go_to(r, n, which);
        if ((told = happen(r, which)))
            return told;
    }
    return 0;
}

uint32_t ttd_registers_step(ttd_registers *r, int n)
{
    const ttd_counter_rule *rule = &r->map->counters[n];
    uint32_t *value = &r->words[rule->value], top = r->words[rule->top], which = 0;
    int m;
    *value = (*value + 1) & top;
    for (m = 0; m < r->map->nmatches; m++) {
        const ttd_match_rule *match = &r->map->matches[m];
        if (match->counter == n && (match->every || (bits_of(r, &match->target) & top) == *value))
            which |= 1u << m;
    }
    return happen(r, which);
}

bool ttd_registers_look(const ttd_registers *r, uint32_t offset, int size, uint64_t *value)
{
    ttd_registers shown = *r;
    int n;
    for (n = 0; n < r->map->nlines; n++)
        shown.lines[n].set = NULL;
    while (ttd_registers_expire(&shown))
        ;
    return ttd_registers_read(&shown, offset, size, true, value);
}

/* ---- those of all devices ------------------------------------------------------------ */

uint64_t timers_deadline(ttd_engine *e)
{
    ttd_registers *r;
    if (e->timers_moved) {
        e->timers_moved = false;
        e->timers_due = NEVER;
        for (r = e->timers; r; r = r->next)
            if (!r->hosted && deadline_of(r) < e->timers_due)
                e->timers_due = deadline_of(r);
    }
    return e->timers_due;
}

void expire_timers(ttd_engine *e)
{
    uint64_t now = time_now(e);
    ttd_registers *r;
    for (r = e->timers; r; r = r->next)
        if (!r->hosted && deadline_of(r) <= now) {
            ttd_registers_expire(r);
            tell_lines(e, r);
        }
}
