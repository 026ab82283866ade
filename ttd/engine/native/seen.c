/* Page sets by address: where the guest used memory in an interval, if page tables may put it anywhere. */
#include "internal.h"

#include <stdlib.h>

static void add(page_set *s, uint64_t page)
{
    uint32_t hash = (uint32_t)(page * 0x9e3779b97f4a7c15ull >> (64 - SEEN_BITS));
    for (; s->table[hash]; hash = (hash + 1) & ((1u << SEEN_BITS) - 1))
        if (s->pages[s->table[hash] - 1] == page)
            return;
    if (s->n == TTD_MAX_SEEN) {
        s->full = true;
        return;
    }
    s->pages[s->n++] = page;
    s->table[hash] = (uint16_t)s->n;
}

void see_page(ttd_engine *e, int kinds, uint64_t vaddr)
{
    int i;
    for (i = 0; i < 3; i++)
        if (kinds >> i & 1)
            add(&e->seen[i], vaddr >> e->page_shift);
}

void see_outside(ttd_engine *e, int kind, uint64_t paddr)
{
    if (e->translated_once)
        e->seen[__builtin_ctz((unsigned)kind)].full = true;
    else
        see_page(e, kind, paddr);
}

void forget_seen(ttd_engine *e)
{
    int i;
    for (i = 0; i < 3; i++) {
        page_set *s = &e->seen[i];
        if (s->n)
            memset(s->table, 0, sizeof *s->table << SEEN_BITS);
        s->n = 0;
        s->full = false;
    }
}

/* How many pages; -1: more than are kept. */
int ttd_seen(ttd_engine *e, int kind, uint64_t *out, int room)
{
    page_set *s = &e->seen[__builtin_ctz((unsigned)kind)];
    if (s->full || s->n > (uint32_t)room)
        return -1;
    if (s->n)
        memcpy(out, s->pages, sizeof *out * s->n);
    return (int)s->n;
}

bool start_seen(ttd_engine *e)
{
    int i;
    for (i = 0; i < 3; i++) {
        e->seen[i].pages = malloc(sizeof(uint64_t) * TTD_MAX_SEEN);
        e->seen[i].table = calloc(1u << SEEN_BITS, sizeof(uint16_t));
        if (!e->seen[i].pages || !e->seen[i].table)
            return false;
    }
    return true;
}

void free_seen(ttd_engine *e)
{
    int i;
    for (i = 0; i < 3; i++) {
        free(e->seen[i].pages);
        free(e->seen[i].table);
    }
}
