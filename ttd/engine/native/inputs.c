/* Bytes for devices whose receiving half is here (declared.h): those that wait on the host side enter where the
 * device can take them, behind a branch (record), and those of the log where it has them (play). */
#include "internal.h"

static bool holds(const ttd_registers *r, const ttd_condition *c)
{
    return !bits_of(r, &c->bits) == c->unless;
}

bool ttd_registers_open(const ttd_registers *r)
{
    const ttd_receiving *how = &r->map->receiving;
    int i;
    for (i = 0; i < how->nclosed; i++)
        if (holds(r, &how->closed[i]))
            return false;
    return how->there && r->rx.line_at == NEVER;
}

bool ttd_registers_arrive(ttd_registers *r, uint8_t byte, bool wire)
{
    const ttd_receiving *how = &r->map->receiving;
    uint32_t none = 0;
    r->words[WORD_VALUE] = byte;
    if (!apply(r, how->arrive, how->arrive_end, false, &none))
        return false;
    if (wire)
        ttd_receiver_pause(r);
    ttd_registers_drive(r);
    return true;
}

/* A byte that came by the wire would be received without the host. */
static bool would_arrive(ttd_registers *r)
{
    const ttd_receiving *how = &r->map->receiving;
    uint32_t none = 0;
    return apply(r, how->arrive, how->arrive_end, true, &none);
}

void ttd_receiver_expire(ttd_registers *r)
{
    const ttd_receiving *how = &r->map->receiving;
    uint64_t now = registers_time(r);
    uint32_t none = 0;
    if (r->rx.line_at <= now)
        r->rx.line_at = NEVER;
    if (r->rx.timeout_at > now)
        return;
    receiver_time_out(r);
    apply(r, how->timeout, how->timeout_end, false, &none);
    ttd_registers_drive(r);
}

/* ---- those of all devices ------------------------------------------------------------ */

uint64_t inputs_deadline(const ttd_engine *e)
{
    uint64_t first = NEVER;
    int i;
    for (i = 0; i < e->nreceivers; i++) {
        uint64_t at = ttd_receiver_deadline(e->receivers[i]);
        if (at < first)
            first = at;
    }
    return first;
}

/* What the device shows, and who has to hear of it. */
static void changed(ttd_engine *e, ttd_registers *r)
{
    region *own = find_region(e, r->base);
    if (own)
        own->generation++;
    devices_changed(e);
    tell_lines(e, r);
}

void inputs_expire(ttd_engine *e, uint64_t now)
{
    int i;
    for (i = 0; i < e->nreceivers; i++)
        if (ttd_receiver_deadline(e->receivers[i]) <= now) {
            ttd_receiver_expire(e->receivers[i]);
            changed(e, e->receivers[i]);
        }
}

/* Record: a device that can take what waits for it. */
static ttd_registers *ready(const ttd_engine *e)
{
    int i;
    for (i = 0; i < e->nreceivers; i++) {
        ttd_registers *r = e->receivers[i];
        if (r->rx.taken < r->rx.given && ttd_registers_open(r))
            return r;
    }
    return NULL;
}

void look_for_input(ttd_engine *e)
{
    bool some = e->looks_for_input && ready(e);
    if (some != e->input_ready) {
        e->input_ready = some;
        if (e->running)
            set_fast_limit(e);
    }
}

static bool enter(ttd_engine *e, ttd_registers *r, uint8_t byte)
{
    if (!ttd_registers_arrive(r, byte, true))
        return false;
    changed(e, r);
    return true;
}

static int waiting_input(ttd_engine *e)
{
    ttd_registers *r = e->input_ready && e->follows ? ready(e) : NULL;
    if (!r)
        return INPUT_NONE;
    /* A position that somebody has seen is as it was: what enters there, Python lets in. */
    if (e->marks.seen == e->steps || !would_arrive(r)
        || !marks_put_input(e, (uint32_t)r->rx.device, r->rx.input[r->rx.taken]))
        return INPUT_ASK;
    enter(e, r, r->rx.input[r->rx.taken++]);
    return INPUT_ENTERED;
}

static ttd_registers *numbered(const ttd_engine *e, uint32_t device)
{
    int i;
    for (i = 0; i < e->nreceivers; i++)
        if (e->receivers[i]->rx.device == (int)device)
            return e->receivers[i];
    return NULL;
}

static int logged_input(ttd_engine *e)
{
    const mark_row *m = &e->marks;
    ttd_registers *r;
    if (marks_next(e) > e->steps)
        return INPUT_NONE;
    switch (marks_next_kind(e)) {
    case MARK_WARP:
        if (m->steps[m->at] < e->steps || (int64_t)m->values[m->at] < e->time.warp_ns)
            return INPUT_ASK;
        if ((int64_t)m->values[m->at] > e->time.warp_ns)
            return e->time.waiting ? INPUT_NONE : INPUT_UNMET;
        e->marks.at++;
        return INPUT_ENTERED;
    case MARK_INPUT:
        r = numbered(e, (uint32_t)m->keys[m->at]);
        if (m->steps[m->at] < e->steps || !r || !ttd_registers_open(r)
            || !enter(e, r, (uint8_t)m->values[m->at]))
            return INPUT_ASK;
        e->marks.at++;
        return INPUT_ENTERED;
    }
    return INPUT_NONE;
}

int enter_input(ttd_engine *e)
{
    return e->marks.mode == MARKS_PLAY ? logged_input(e) : waiting_input(e);
}

uint64_t logged_warp(const ttd_engine *e)
{
    const mark_row *m = &e->marks;
    if (marks_next(e) != e->steps || marks_next_kind(e) != MARK_WARP)
        return NEVER;
    return m->values[m->at] - (uint64_t)e->time.warp_ns;
}
