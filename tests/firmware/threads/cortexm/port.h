/* Of the kernels on a Cortex-M3. */
#pragma once
#include "board.h"

typedef void (*entry)(void);
typedef uint32_t word;

static inline void request_switch(void)
{
    SCB_ICSR = ICSR_PENDSVSET;
    barrier();
}

static inline void start_ticks(void)
{
    SCB_PRIO(14) = 0xE0;
    SCB_PRIO(15) = 0xE0;
    SYST_RVR = 5000 - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;
}

/* A stack on which a task has not run yet, as an exception would leave it; returns its top. */
static inline word *frame(word *top, entry run)
{
    *--top = 0x01000000;          /* xPSR: Thumb */
    *--top = (uint32_t)run & ~1u; /* PC */
    *--top = 0;                   /* LR */
    return top - 5;               /* r12, r3, r2, r1, r0 */
}
