/* What the program wants of a kernel; there are several, each keeping its books as a known system does. */
#pragma once
#include "port.h"

enum { TASKS = 5, STACK = 160, CHANNELS = 2, PRIORITIES = 5 };

/* Tasks have numbers from 0 on, in the order in which they are made; a higher priority goes first. */
void make(const char *name, unsigned priority, entry run);
/* Go on as the first task that can run; never returns. */
void start(void);
void wait_for(unsigned channel);
void tell(unsigned channel);
void sleep(unsigned ticks);
void suspend(void);
void resume(unsigned number);
/* Called at every tick, in an interrupt; then there is a switch. */
void tick(void);
