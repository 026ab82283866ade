/* Scan mode: instructions and accesses that are asked for, in rows that keep the latest. */
#include "internal.h"

#include <stdlib.h>

enum { FIRST_ROOM = 1024 };

static ttd_hit *at(const hit_row *row, uint32_t i)
{
    uint32_t place = row->first + i;
    return &row->hits[place < row->room ? place : place - row->room];
}

static bool alike(const ttd_hit *a, const ttd_hit *b)
{
    return a->pc == b->pc && a->address == b->address && a->size == b->size && a->kind == b->kind
        && a->value == b->value && a->old == b->old && a->by == b->by;
}

/* Room for one more: new room, as long as that may be, and then that of the earliest. False: there is none,
 * as the new one is the earliest. */
static bool make_room(hit_row *row, uint32_t i)
{
    if (row->count < row->room)
        return true;
    if (row->room < row->most) {          /* none has been forgotten yet: the ring begins at 0 */
        uint32_t room = !row->room ? FIRST_ROOM : row->room > row->most / 2 ? row->most : 2 * row->room;
        ttd_hit *more;
        if (room > row->most)
            room = row->most;
        more = realloc(row->hits, sizeof *more * room);
        if (more) {
            row->hits = more;
            row->room = room;
            return true;
        }
        row->most = row->room;
    }
    if (!i) {
        row->from = row->hits[row->first].step;
        return false;
    }
    row->from = row->hits[row->first].step + 1;
    row->first = row->first + 1 == row->room ? 0 : row->first + 1;
    row->count--;
    return true;
}

/* Rows go up by steps. An instruction that is started again says the same again. */
void hit_add(hit_row *row, ttd_hit hit)
{
    uint32_t i = row->count, j, had = row->count;
    while (i && at(row, i - 1)->step > hit.step)
        i--;
    for (j = i; j && at(row, j - 1)->step == hit.step; j--) {
        if (alike(at(row, j - 1), &hit))
            return;
    }
    if (!row->most || !make_room(row, i))
        return;
    if (row->count < had)
        i--;
    for (j = row->count; j > i; j--)
        *at(row, j) = *at(row, j - 1);
    *at(row, i) = hit;
    row->count++;
}

void note_handler(ttd_engine *e, uint64_t step, int number, uint64_t pc)
{
    int kind = number < 0 ? HIT_LEFT : HIT_ENTERED;
    if (e->scan && e->notes_handlers)
        hit_add(&e->scan_breaks, (ttd_hit){ .step = step, .pc = pc, .kind = kind, .id = number });
}

void ttd_note_handlers(ttd_engine *e, bool on) { e->notes_handlers = on; }

static void hit_forget(hit_row *row, uint32_t most)
{
    free(row->hits);
    *row = (hit_row){ .most = most };
}

void hits_free(ttd_engine *e)
{
    free(e->scan_breaks.hits);
    free(e->scan_watches.hits);
}

void ttd_set_scan(ttd_engine *e, bool scan, uint32_t most)
{
    e->scan = scan;
    if (scan) {
        hit_forget(&e->scan_breaks, most);
        hit_forget(&e->scan_watches, most);
    }
}

uint32_t ttd_noted(ttd_engine *e) { return e->scan_breaks.count + e->scan_watches.count; }

uint32_t ttd_hits(ttd_engine *e, bool watches, ttd_hit *out, uint64_t *from)
{
    const hit_row *row = watches ? &e->scan_watches : &e->scan_breaks;
    for (uint32_t i = 0; out && i < row->count; i++)
        out[i] = *at(row, i);
    *from = row->from;
    return row->count;
}
