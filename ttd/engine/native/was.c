/* What memory was before the step under way, while steps are to be taken back (stairs.c). Who writes to a page says
 * so before (`before_write`); that it names some too many, or one again and again, costs nothing but time. */
#include "internal.h"

#include <stdlib.h>

/* Room for one more page. */
static bool make_room(ttd_engine *e)
{
    stairs *w = &e->stairs;
    uint32_t room = w->page_room ? 2 * w->page_room : 8, *pages;
    uint8_t *was;
    if (w->npages < w->page_room)
        return true;
    if ((pages = realloc(w->pages, sizeof *pages * room)))
        w->pages = pages;
    if ((was = realloc(w->was, (size_t)room * e->page_size)))
        w->was = was;
    if (!pages || !was)
        return false;
    w->page_room = room;
    return true;
}

uint8_t *page_at(ttd_engine *e, uint32_t page)
{
    region *r = region_of_page(e, page);
    return r ? r->host + ((uint64_t)(page - r->first_page) << e->page_shift) : NULL;
}

void keep_page(ttd_engine *e, uint32_t page)
{
    stairs *w = &e->stairs;
    uint8_t *host, *was;
    uint32_t i;
    for (i = w->npages; i--;)
        if (w->pages[i] == page)
            return;
    if (!(host = page_at(e, page)) || !make_room(e)) {
        w->lost = true;
        return;
    }
    was = w->was + (size_t)w->npages * e->page_size;
    memcpy(was, host, e->page_size);
    for (i = 0; e->cut_code && i < CUT_SIZE; i++)    /* there is something else for the moment (cuts.c) */
        if (e->cut_code + i >= host && e->cut_code + i < host + e->page_size)
            was[e->cut_code + i - host] = e->cut_was[i];
    w->pages[w->npages++] = page;
}

/* `bytes` of a page were otherwise: add that to what takes steps back. */
static bool note_undo(stairs *w, uint32_t page, uint32_t at, uint32_t size, const uint8_t *bytes)
{
    undo_head head = { page, at, size };
    size_t need = w->undo_size + sizeof head + size;
    if (need > w->undo_room) {
        size_t room = 2 * need + 4096;
        uint8_t *more = realloc(w->undo, room);
        if (!more)
            return false;
        w->undo = more;
        w->undo_room = room;
    }
    memcpy(w->undo + w->undo_size, &head, sizeof head);
    memcpy(w->undo + w->undo_size + sizeof head, bytes, size);
    w->undo_size = need;
    return true;
}

void keep_changes(ttd_engine *e)
{
    stairs *w = &e->stairs;
    uint32_t i, first, end;
    for (i = 0; i < w->npages; i++) {
        const uint8_t *was = w->was + (size_t)i * e->page_size, *now = page_at(e, w->pages[i]);
        if (!memcmp(was, now, e->page_size))
            continue;
        for (first = 0; was[first] == now[first]; first++) {}
        for (end = e->page_size; was[end - 1] == now[end - 1]; end--) {}
        w->lost |= !note_undo(w, w->pages[i], first, end - first, was + first);
    }
    w->npages = 0;
}
