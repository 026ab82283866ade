/* Does a guest do nothing but take exceptions? For whoever records it and is to be told. */
#include "internal.h"

/* Steps after an exception, the handler's, in which the next one belongs to the same loop. */
enum { CLOSE = 64 };

stuck_row *stuck_of(ttd_engine *e) { return &e->stuck; }

/* The place in the row; `nplaces`: it is not there. */
static int find(const stuck_row *s, uint64_t pc, uint32_t number)
{
    int i = 0;
    while (i < s->nplaces && (s->places[i].pc != pc || s->places[i].number != number))
        i++;
    return i;
}

void stuck_note(ttd_engine *e, bool asynchronous, uint32_t number)
{
    stuck_row *s = &e->stuck;
    uint64_t pc, near;
    int at;
    if (!s->on)
        return;
    if (asynchronous) {
        s->disturbed = true;
        return;
    }
    pc = read_pc(e);
    near = number < 64 && s->calls >> number & 1 ? 1 : CLOSE;
    at = find(s, pc, number);
    if (!s->count || (e->steps - s->last > near && !(s->disturbed && at < s->nplaces))
        || at == STUCK_PLACES) {
        s->begin = e->steps;
        s->count = 0;
        s->nplaces = at = 0;
    }
    if (at == s->nplaces)
        s->places[s->nplaces++] = (stuck_place){ pc, 0, number };
    s->places[at].times++;
    s->disturbed = false;
    s->last = e->steps;
    s->count++;
}
