/* Watchpoints: does one see an access, and which pages are trapped for it. */
#include "internal.h"

bool is_passed(const ttd_engine *e, const ttd_hit *hit)
{
    int i;
    if (hit->step == e->skip_watches)
        return true;
    for (i = 0; i < e->npassed; i++) {
        const ttd_hit *p = &e->passed[i];
        if (p->step == hit->step && p->address == hit->address && p->size == hit->size && p->kind == hit->kind
            && p->value == hit->value && p->by == hit->by && (p->id == hit->id || p->by == BY_INSTRUCTION))
            return true;
    }
    return false;
}

/* An access is to stop the run, or is noted (scan). */
static bool hits(ttd_engine *e, ttd_hit hit, bool first)
{
    if (e->scan)
        hit_add(&e->scan_watches, hit);
    else if (!is_passed(e, &hit)) {
        if (first)
            e->hit = hit;
        return true;
    }
    return false;
}

/* A watched access that no instruction makes. The run stops at it when it has happened: who asked
 * for the watchpoint goes back to before `step`. */
void note_hit(ttd_engine *e, ttd_hit hit)
{
    if (e->scan) {
        hit_add(&e->scan_watches, hit);
    } else if (!e->late && !is_passed(e, &hit)) {
        e->hit = hit;
        e->late = true;
        e->stop_after = true;             /* for a device that is being accessed */
    }
}

/* Watch `i`, by whose addresses the access is at `at`: does it see it? */
static bool sees(ttd_engine *e, int i, uint64_t at, uint64_t size, int kind, const uint8_t *old,
                 const uint8_t *data, int by, ttd_hit *hit)
{
    watch *w = &e->watches[i];
    uint64_t lo = at > w->lo ? at : w->lo, last = at + (size - 1) < w->last ? at + (size - 1) : w->last;
    uint64_t length = last - lo + 1;
    if (!(w->kinds & kind) || lo > last)
        return false;
    if (kind == ACC_WRITE && w->changes_only && !memcmp(old + (lo - at), data + (lo - at), length))
        return false;
    if (e->scan && e->sought) {
        note_sought(e, (ttd_hit){ .step = e->running ? e->now : e->outside_step, .pc = read_pc(e), .by = by }, at, old,
                    data, size);
        return false;
    }
    *hit = (ttd_hit){ .step = e->running ? e->now : e->outside_step, .pc = read_pc(e),
                      .address = lo + w->shift, .size = (int)(length < 8 ? length : 8),
                      .kind = kind, .id = i, .by = by };
    memcpy(&hit->value, data + (lo - at), hit->size);
    memcpy(&hit->old, old + (lo - at), hit->size);
    if (e->scan)                          /* a long one is as many hits */
        for (uint64_t done = 8; done < length; done += 8) {
            ttd_hit more = *hit;
            more.address += done;
            more.size = (int)(length - done < 8 ? length - done : 8);
            more.value = more.old = 0;
            memcpy(&more.value, data + (lo - at) + done, more.size);
            memcpy(&more.old, old + (lo - at) + done, more.size);
            hit_add(&e->scan_watches, more);
        }
    return true;
}

/* The number of the first watchpoint, from `first` on, that sees the access of [paddr, paddr + size), which is on one
 * page; -1. Watchpoints are by the addresses that the guest uses; this one is physical. */
int seen_outside(ttd_engine *e, int first, uint64_t paddr, uint64_t size, int kind, const uint8_t *old,
                 const uint8_t *data, int by, ttd_hit *hit)
{
    uint64_t mask = e->page_size - 1, at;
    int i;
    for (i = first; i < e->nwatches; i++) {
        watch *w = &e->watches[i];
        bool here = false;
        if (!e->set->shows || w->physical) {
            here = sees(e, i, e->set->watches_memory ? canonical(e, paddr) : paddr, size, kind, old, data, by, hit);
        } else {
            for (at = w->lo & ~mask; !here; at += e->page_size) {
                here = e->set->shows(e, at, paddr & ~mask)
                    && sees(e, i, at | (paddr & mask), size, kind, old, data, by, hit);
                if (w->last - at <= mask)
                    break;
            }
        }
        if (here)
            return i;
    }
    return -1;
}

bool watched_access(ttd_engine *e, uint64_t address, int size, int kind, uint64_t value)
{
    region *band = band_at(e, address);
    uint64_t at;
    uint64_t before = 0;
    uint8_t old[8];
    bool hit_any = false, seen = false;
    int i, j, had, bit;
    if (band) {
        uint64_t word = 0, one = value & 1;
        address = behind(band, address, size, &bit);
        ttd_read(e, address, (uint8_t *)&word, size);
        value = (word & ~(1ull << bit)) | one << bit;
    }
    at = e->set->watches_memory ? canonical(e, address) : address;
    had = ttd_read(e, address + e->io_shift, old, size);
    if (kind == ACC_READ && had == size)
        memcpy(&value, old, size);
    if (had > 0)
        memcpy(&before, old, had);
    for (i = 0; i < e->nwatches; i++) {
        watch *w = &e->watches[i];
        if (w->physical && e->set->shows)
            at = address + e->io_shift;
        else if (e->set->shows)
            at = address;
        if (!(w->kinds & kind) || at > w->last || at + (size - 1) < w->lo)
            continue;
        if (kind == ACC_WRITE && w->changes_only && had) {
            bool changes = false;
            for (j = 0; j < had; j++)
                if (at + j >= w->lo && at + j <= w->last && old[j] != (uint8_t)(value >> 8 * j))
                    changes = true;
            if (!changes)
                continue;
        }
        seen = true;
        if (e->scan && e->sought) {
            note_sought(e, (ttd_hit){ .step = e->io_step, .pc = e->io_pc }, at, old, (uint8_t *)&value, (uint64_t)size);
            continue;
        }
        hit_any |= hits(e, (ttd_hit){ .step = e->io_step, .pc = e->io_pc, .address = at + w->shift,
                                      .value = value, .old = before, .size = size, .kind = kind, .id = i },
                        !hit_any);
    }
    if (!seen && had == size && e->set->shows) {     /* by another address that shows the memory */
        ttd_hit hit;
        for (i = 0; (i = seen_outside(e, i, address + e->io_shift, (uint64_t)size, kind, old, (uint8_t *)&value,
                                      BY_INSTRUCTION, &hit)) >= 0; i++) {
            hit.step = e->io_step;
            hit.pc = e->io_pc;
            hit_any |= hits(e, hit, !hit_any);
        }
    }
    return hit_any;
}

/* Is the instruction, whose first access this is, to stop the run? Pages before a watched place are trapped
 * as well (`ttd_set_watchpoints`). */
bool watched_insn(ttd_engine *e, uint64_t address, int size, int kind, uint64_t value)
{
    return e->set->watched ? e->set->watched(e, address, size, kind, value)
        : watched_access(e, address, size, kind, value);
}

/* Will a watchpoint see a later access of the instruction that begins with this one? */
bool watched_parts(ttd_engine *e, uint64_t address, uint32_t all, int kind)
{
    int i;
    for (i = 0; i < e->nwatches; i++) {
        watch *w = &e->watches[i];
        if ((w->kinds & kind) && address <= w->last && address + (all - 1) >= w->lo)
            return true;
    }
    return false;
}

/* Is something of the watchpoint on this page? */
static bool shown(ttd_engine *e, const watch *w, uint64_t paddr)
{
    uint64_t mask = e->page_size - 1, at;
    for (at = w->lo & ~mask;; at += e->page_size) {
        if (e->set->shows(e, at, paddr))
            return true;
        if (w->last - at <= mask)
            return false;
    }
}

/* What is watched on the page, or so little before a watched place that an access may get there. */
int watched_kinds(ttd_engine *e, uint64_t vaddr, uint64_t paddr, uint32_t page)
{
    int i, kinds = 0;
    if (e->set->watches_memory)
        return e->watched[page];
    for (i = 0; i < e->nwatches; i++) {
        watch *w = &e->watches[i];
        if (w->physical && e->set->shows)
            kinds |= w->last >= paddr && w->lo <= (paddr | (e->page_size - 1)) ? w->kinds : 0;
        else if (w->last >= vaddr && (w->lo < 64 || w->lo - 64 <= vaddr + (e->page_size - 1)))
            kinds |= w->kinds;
        else if (e->set->shows && shown(e, w, paddr & ~(uint64_t)(e->page_size - 1)))
            kinds |= w->kinds;
    }
    return kinds;
}
