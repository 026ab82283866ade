/* Marks of exceptions and packets: noted in record, compared in play. */
#include "internal.h"

#include <stdlib.h>

bool marks_start(ttd_engine *e)
{
    mark_row *m = &e->marks;
    m->steps = calloc(TTD_MAX_MARKS, sizeof *m->steps);
    m->keys = calloc(TTD_MAX_MARKS, sizeof *m->keys);
    return m->steps && m->keys;
}

void marks_free(ttd_engine *e)
{
    free(e->marks.steps);
    free(e->marks.keys);
}

mark_row *marks_of(ttd_engine *e) { return &e->marks; }

static bool note(mark_row *m, uint64_t step, uint64_t key)
{
    if (m->mode == MARKS_OFF)
        return true;
    if (m->at == m->count
        || (m->mode == MARKS_PLAY && (m->steps[m->at] != step || m->keys[m->at] != key)))
        return false;
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
