/* Instructions that Unicorn leaves too late: a helper of its own stores, and what is behind the instruction
 * runs on until its block ends; or registers change before memory is accessed. Such an instruction runs
 * alone where somebody is interested in its memory, and if it is to be abandoned then, registers and memory
 * are put back. */
#include "internal.h"

/* Has somebody to hear of accesses there? */
static bool concerns(ttd_engine *e, const extent *x)
{
    uint64_t at = x->address, end = at + x->size;
    if (!x->size)
        return true;
    while (at < end) {
        uint64_t next = (at | (e->page_size - 1)) + 1;
        int n = (int)((next < end ? next : end) - at);
        if (((x->kinds & ACC_READ) && !is_plain(e, at, n, ACC_READ))
            || ((x->kinds & ACC_WRITE) && !is_plain(e, at, n, ACC_WRITE)))
            return true;
        at += (uint64_t)n;
    }
    return false;
}

bool enter_late(ttd_engine *e, const extent *x)
{
    if (!e->armed)
        return !concerns(e, x);
    if (x->kinds & ACC_WRITE)
        keep_bytes(e, x->address, x->size);
    return true;
}
