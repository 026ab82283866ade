/* Exceptions of which each one follows at once from the one before. Interrupts may come in between, if an
 * exception of the same place goes on with it. */
#ifndef TTD_STUCK_H
#define TTD_STUCK_H

#include "native.h"

/* Exceptions of one loop that differ, at most. */
enum { STUCK_PLACES = 4 };

typedef struct {
    uint64_t pc, times;
    uint32_t number;
} stuck_place;

typedef struct {
    bool on;                      /* somebody wants to know */
    uint64_t calls;               /* numbers, a bit each, of exceptions that programs ask for: to do nothing
                                   * else but call is no loop, unless they follow each other at once */
    uint64_t begin, last, count;  /* steps of the first and the last one; how many */
    int nplaces;
    stuck_place places[STUCK_PLACES];
    bool disturbed;
} stuck_row;

/* Where the row of an engine is; it stays there. */
stuck_row *stuck_of(ttd_engine *e);
/* An exception is about to be taken, in place of the instruction at PC. */
void stuck_note(ttd_engine *e, bool asynchronous, uint32_t number);

#endif
