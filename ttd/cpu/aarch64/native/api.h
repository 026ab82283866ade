/* What Python sees of AArch64 beside the engine's own. */
#ifndef TTD_A64_API_H
#define TTD_A64_API_H

#include "native.h"

/* timers.c: the rate of the generic timer. */
void a64_set_timebase(ttd_engine *e, uint64_t hz);

#endif
