/* Scan mode: what breakpoints and watchpoints would have stopped, in rows that keep the latest. */
#include "internal.h"

#include <stdlib.h>

static ttd_hit *at(const hit_row *row, uint32_t i)
{
    return &row->hits[(row->first + i) % TTD_MAX_HITS];
}

/* Rows go up by steps. An instruction that is started again says the same again. */
void hit_add(hit_row *row, ttd_hit hit)
{
    uint32_t i = row->count;
    while (i && at(row, i - 1)->step > hit.step)
        i--;
    if (i && at(row, i - 1)->step == hit.step) {
        *at(row, i - 1) = hit;
        return;
    }
    if (row->count == TTD_MAX_HITS) {
        if (!i)
            return;
        row->from = row->hits[row->first].step + 1;
        row->first = (row->first + 1) % TTD_MAX_HITS;
        row->count--;
        i--;
    }
    for (uint32_t j = row->count; j > i; j--)
        *at(row, j) = *at(row, j - 1);
    *at(row, i) = hit;
    row->count++;
}

static void hit_forget(hit_row *row)
{
    if (!row->hits)
        row->hits = malloc(sizeof *row->hits * TTD_MAX_HITS);
    row->first = row->count = 0;
    row->from = 0;
}

void hits_free(ttd_engine *e)
{
    free(e->scan_breaks.hits);
    free(e->scan_watches.hits);
}

void ttd_set_scan(ttd_engine *e, bool scan)
{
    e->scan = scan;
    if (scan) {
        hit_forget(&e->scan_breaks);
        hit_forget(&e->scan_watches);
    }
}

uint32_t ttd_hits(ttd_engine *e, bool watches, ttd_hit *out, uint64_t *from)
{
    const hit_row *row = watches ? &e->scan_watches : &e->scan_breaks;
    for (uint32_t i = 0; out && i < row->count; i++)
        out[i] = *at(row, i);
    *from = row->from;
    return row->count;
}
