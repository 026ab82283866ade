/* The task in S-mode: atomics, a register that it may not read, interrupts of its own. */
#include "rtos.h"

static uint32_t add_by_lr_sc(volatile uint32_t *at, uint32_t value)
{
    uint32_t old;
    word failed;
    do {
        __asm volatile("lr.w.aq %0, (%2)\n\t"
                       "add %1, %0, %3\n\t"
                       "sc.w.rl %1, %1, (%2)"
                       : "=&r"(old), "=&r"(failed)
                       : "r"(at), "r"(value)
                       : "memory");
    } while (failed);
    return old;
}

__attribute__((noinline)) uint32_t super_round(uint32_t seed)
{
    volatile uint32_t *page = (uint32_t *)(OWN + PAGE);
    uint32_t sum = seed;
    page[0] = page[1] = seed;
    for (unsigned i = 0; i < 200; i++) {
        uint32_t old = add_by_lr_sc(page, i);
        uint32_t max;
        __asm volatile("amomaxu.w %0, %1, (%2)" : "=r"(max) : "r"(sum), "r"(page + 1) : "memory");
        sum = mix(sum, old ^ max);
        page[PAGE / 4 * (1 + i % 3) + i] = sum;
    }
    return sum;
}

void supervise(word seed)
{
    uint32_t first = super_round(seed), sum = first;
    word before = csr_read("time");
    unsigned wrong = 0;
    do {
        sum = super_round(seed);
        wrong |= sum != first;
        word now = csr_read("time");
        wrong |= (long)(now - before) < 0;
        before = now;
        csr_read("mstatus"); /* an illegal instruction here; the kernel goes on after it */
    } while (call(CALL_SLICES, 0, 0) < 3 || s_interrupts == 0);
    call(CALL_EXIT, wrong ? 0 : sum, 0);
}
