/* What the soak programs share: the numbers that a test puts in, dice, and what is remembered. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))

enum { KINDS = 32 };

/* Found by its mark in the ELF file, and written over there. */
struct plan {
    uint32_t mark[2];
    uint32_t seed;
    uint32_t shortest, longest; /* periods of timers, in ticks of their clocks */
    uint32_t busy;              /* most rounds of a handler's work */
    uint8_t weight[KINDS];      /* how often each kind of thing is done; 0: never */
};
extern volatile const struct plan plan;
#define PLAN                                                                                       \
    __attribute__((section(".plan"), used)) volatile const struct plan plan = {                    \
        {0x6b616f73, 0x216e616c}, 1, 300, 3000, 20, {[0 ... KINDS - 1] = 1}}

/* Everything that was seen goes in here, in its order. */
extern volatile uint32_t checksum;

static inline void mix(uint32_t value)
{
    uint32_t sum = checksum;
    checksum = (sum << 5 | sum >> 27) * 0x9e3779b1u ^ value;
}

/* Who interrupts whom in here changes what is thrown: all the better, as long as it is the same
 * each time. */
extern volatile uint32_t dice;

static inline uint32_t roll(uint32_t sides)
{
    uint32_t value = dice * 1664525u + 1013904223u;
    dice = value;
    return (value >> 8) % sides;
}

static inline uint32_t period(void)
{
    return plan.shortest + roll(plan.longest - plan.shortest + 1);
}

static inline uint32_t choose_kind(void)
{
    uint32_t sum = 0;
    for (int kind = 0; kind < KINDS; kind++)
        sum += plan.weight[kind];
    uint32_t at = roll(sum);
    for (int kind = 0; kind < KINDS; kind++) {
        if (at < plan.weight[kind])
            return kind;
        at -= plan.weight[kind];
    }
    return 0;
}

/* Work without a branch: longer than an interrupt may wait for one. */
uint32_t straight(uint32_t value);
