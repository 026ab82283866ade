/* Of the kernels on the board virt, of 32 or 64 bits. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void (*entry)(void);
typedef uintptr_t word;

#define irq_off() __asm__ volatile("csrci mstatus, 8" ::: "memory")
#define irq_on() __asm__ volatile("csrsi mstatus, 8" ::: "memory")

void print(const char *text);
/* One line: a name and a number, which also goes into the checksum. */
void report(const char *name, uint32_t value);
/* Print `DONE <checksum>` and switch the machine off. */
__attribute__((noreturn)) void done(void);
void start_ticks(void);
/* In start.S: go on as the task that was chosen. */
__attribute__((noreturn)) void resume_task(void);

static inline void request_switch(void)
{
    __asm__ volatile("ecall" ::: "memory");
}

enum { CONTEXT = 31 };

/* A stack on which a task has not run yet, as start.S leaves it. */
static inline word *frame(word *top, entry run)
{
    word *context = top - CONTEXT;
    context[0] = (word)run;
    context[30] = 0x1880; /* mstatus: MPP is M, MPIE */
    return context;
}
