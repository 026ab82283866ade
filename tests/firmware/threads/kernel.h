/* What the program wants of a kernel; there are several, each keeping its books as a known system does. */
#pragma once
#include "board.h"

enum { TASKS = 5, STACK = 160, CHANNELS = 2, PRIORITIES = 5 };

typedef void (*entry)(void);

/* Tasks have numbers from 0 on, in the order in which they are made; a higher priority goes first. */
void make(const char *name, unsigned priority, entry run);
/* Go on as the first task that can run; never returns. */
void start(void);
void wait_for(unsigned channel);
void tell(unsigned channel);
void sleep(unsigned ticks);
void suspend(void);
void resume(unsigned number);
/* Called at every tick. */
void tick(void);

static inline void request_switch(void)
{
    SCB_ICSR = ICSR_PENDSVSET;
    barrier();
}

/* A stack on which a task has not run yet, as an exception would leave it; returns its top. */
static inline uint32_t *frame(uint32_t *top, entry run)
{
    *--top = 0x01000000;          /* xPSR: Thumb */
    *--top = (uint32_t)run & ~1u; /* PC */
    *--top = 0;                   /* LR */
    return top - 5;               /* r12, r3, r2, r1, r0 */
}
