/* Stairs: a stretch of history that is gone through step by step, so that each of its steps can be taken back.
 * Of every position there is a row: all registers, and what memory was before the step that begins there. What
 * else a step may have changed, which is the machine's and its devices', is for Python to keep, who therefore
 * gets control behind each step that does more than run an instruction (`doings`). */
#include "internal.h"

#include <stdlib.h>

static stair *last_row(stairs *w) { return &w->rows[w->count - 1]; }

static void forget(stairs *w)
{
    w->count = w->npages = 0;
    w->undo_size = 0;
    w->lost = w->stands = false;
}

void stairs_free(ttd_engine *e)
{
    stairs *w = &e->stairs;
    for (uint32_t i = 0; i < w->room; i++)
        if (w->rows[i].context)
            ttd_context_free(w->rows[i].context);
    free(w->rows);
    free(w->pages);
    free(w->was);
    free(w->undo);
}

/* Room for one more row, with a context in it; those stay when rows are forgotten. */
static bool make_room(ttd_engine *e)
{
    stairs *w = &e->stairs;
    if (w->count == w->room) {
        uint32_t room = w->room ? 2 * w->room : 16;
        stair *rows = realloc(w->rows, sizeof *rows * room);
        if (!rows)
            return false;
        memset(rows + w->room, 0, sizeof *rows * (room - w->room));
        w->rows = rows;
        w->room = room;
    }
    if (!w->rows[w->count].context)
        w->rows[w->count].context = ttd_context_new(e);
    return w->rows[w->count].context;
}

bool ttd_stairs_arrive(ttd_engine *e)
{
    stairs *w = &e->stairs;
    stair *row;
    if (w->count && last_row(w)->step == e->steps)
        return true;
    keep_changes(e);
    /* What is between two rows is one step. */
    if (w->lost || (w->count && last_row(w)->step + 1 != e->steps))
        forget(w);
    if (!make_room(e))
        return false;
    row = &w->rows[w->count++];
    row->step = e->steps;
    row->pc = read_pc(e);
    row->follows = e->follows;
    row->undo = w->undo_size;
    w->doings = e->doings;
    ttd_context_save(e, row->context);
    return true;
}

void ttd_stairs_depart(ttd_engine *e) { e->doings++; }

void ttd_stairs_begin(ttd_engine *e)
{
    forget(&e->stairs);
    e->stairs.on = true;
}

void ttd_stairs_end(ttd_engine *e)
{
    stairs *w = &e->stairs;
    w->on = false;
    w->stands = w->count && last_row(w)->step == e->steps && !w->npages && !w->lost;
    if (!w->stands)
        forget(w);
}

void ttd_stairs_forget(ttd_engine *e) { forget(&e->stairs); }

/* Memory as it was before the step of this row; `end`: of what takes back that and no later step. */
static void take_back(ttd_engine *e, const stair *row, size_t end)
{
    size_t at = row->undo;
    while (at < end) {
        undo_head head;
        region *r;
        memcpy(&head, e->stairs.undo + at, sizeof head);
        at += sizeof head;
        r = region_of_page(e, head.page);
        ttd_write(e, r->base + ((uint64_t)(head.page - r->first_page) << e->page_shift) + head.at,
                  e->stairs.undo + at, (int)head.size);
        at += head.size;
    }
}

bool ttd_stairs_back(ttd_engine *e, uint64_t step)
{
    stairs *w = &e->stairs;
    const stair *row;
    if (!w->stands || step >= e->steps || step < w->rows[0].step)
        return false;
    for (row = last_row(w); row->step > step; row--)
        take_back(e, row - 1, (size_t)row->undo);
    w->undo_size = row->undo;
    w->count = (uint32_t)(row - w->rows) + 1;
    ttd_context_restore(e, row->context);
    ttd_set_step(e, step);
    e->follows = row->follows;
    e->flush_due = true;
    w->stands = true;
    return true;
}

uint64_t ttd_stairs_within(ttd_engine *e, uint64_t lo, uint64_t hi)
{
    stairs *w = &e->stairs;
    const stair *row;
    if (!w->stands)
        return NEVER;
    for (row = last_row(w); row > w->rows && row[-1].pc >= lo && row[-1].pc < hi; row--) {}
    return row == w->rows ? NEVER : row->step;
}

void stairs_step(ttd_engine *e)
{
    e->stairs.began = e->steps;
    e->flush_due = true;                  /* so that each page that is written to is asked for */
}

bool stairs_goes_on(ttd_engine *e, uint64_t limit, const ttd_stop *out)
{
    const stairs *w = &e->stairs;
    uint64_t next;
    if (out->why != WHY_BUDGET || out->returns || e->steps != w->began + 1 || e->steps >= limit
        || e->doings != w->doings || e->late || requested(e) || e->time.waiting)
        return false;
    update_due(e);
    marks_ahead(e, &next);
    return !due_now(e) && next > e->steps && ttd_stairs_arrive(e);    /* input of the log's is in at a position */
}
