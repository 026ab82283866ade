/* Marks of exceptions, packets and input: noted in record, compared in play. */
#include "internal.h"

#include <stdlib.h>

bool marks_start(ttd_engine *e)
{
    mark_row *m = &e->marks;
    m->steps = calloc(TTD_MAX_MARKS, sizeof *m->steps);
    m->keys = calloc(TTD_MAX_MARKS, sizeof *m->keys);
    m->values = calloc(TTD_MAX_MARKS, sizeof *m->values);
    return m->steps && m->keys && m->values;
}

void marks_free(ttd_engine *e)
{
    free(e->marks.steps);
    free(e->marks.keys);
    free(e->marks.values);
}

mark_row *marks_of(ttd_engine *e) { return &e->marks; }

static bool note(mark_row *m, uint64_t step, uint64_t key)
{
    if (m->mode == MARKS_OFF)
        return true;
    if (m->at == m->count
        || (m->mode == MARKS_PLAY && (m->steps[m->at] != step || m->keys[m->at] != key)))
        return false;
    if (m->mode == MARKS_RECORD)
        m->values[m->at] = 0;
    m->steps[m->at] = step;
    m->keys[m->at++] = key;
    return true;
}

bool mark_note(ttd_engine *e, uint64_t step, int kind, uint32_t number)
{
    if (!note(&e->marks, step, (uint64_t)kind << 32 | number))
        return false;
    if (e->marks.mode == MARKS_RECORD)
        stuck_note(e, kind == MARK_INTERRUPT, number);
    return true;
}

bool mark_packet(ttd_engine *e, uint64_t step, uint32_t device, uint32_t crc, uint32_t size)
{
    uint64_t key = 1ull << MARK_PACKET_BIT | (uint64_t)device << 48 | (uint64_t)size << 32 | crc;
    return note(&e->marks, step, key);
}

static void put(ttd_engine *e, int kind, uint32_t number, uint64_t value)
{
    mark_row *m = &e->marks;
    m->steps[m->at] = e->steps;
    m->keys[m->at] = (uint64_t)kind << 32 | number;
    m->values[m->at++] = value;
    m->inputs++;
}

bool marks_put_input(ttd_engine *e, uint32_t device, uint8_t byte)
{
    mark_row *m = &e->marks;
    if (m->mode == MARKS_OFF)
        return true;
    if (m->count - m->at < 2)
        return false;
    if (e->time.warp_step == (int64_t)e->steps
        && (m->warp_step != e->steps || m->warp_ns != e->time.warp_ns)) {
        put(e, MARK_WARP, 0, (uint64_t)e->time.warp_ns);
        m->warp_step = e->steps;
        m->warp_ns = e->time.warp_ns;
    }
    put(e, MARK_INPUT, device, byte);
    return true;
}

void mark_take_back(ttd_engine *e)
{
    if (e->marks.mode != MARKS_OFF)
        e->marks.at--;
}

uint64_t marks_next(const ttd_engine *e)
{
    const mark_row *m = &e->marks;
    return m->mode == MARKS_PLAY && m->at < m->count ? m->steps[m->at] : NEVER;
}

int marks_next_kind(const ttd_engine *e)
{
    return marks_next(e) == NEVER ? -1 : (int)(e->marks.keys[e->marks.at] >> 32);
}

int marks_ahead(ttd_engine *e, uint64_t *step)
{
    mark_row *m = &e->marks;
    *step = NEVER;
    if (m->mode != MARKS_PLAY)
        return -1;
    if (m->at < m->ahead_of || m->at > m->ahead)
        m->ahead_of = m->ahead = m->at;
    while (m->ahead < m->count && m->keys[m->ahead] >> MARK_PACKET_BIT)
        m->ahead++;
    if (m->ahead == m->count)
        return -1;
    *step = m->steps[m->ahead];
    return (int)(m->keys[m->ahead] >> 32);
}
