/* Long lines, long calls, recursion, and calls at the end of functions, with an interrupt every 5000 steps: what going
 * back by lines has to get over. */
#include "board.h"

volatile uint32_t ticks, sink;

void SysTick_Handler(void)
{
    ticks++;
}

__attribute__((noinline)) uint32_t spin(uint32_t rounds)
{
    uint32_t sum = 1;
    for (uint32_t i = 0; i < rounds; i++) sum = sum * 1664525u + i;
    sum ^= rounds;
    return sum;
}

__attribute__((noinline)) uint32_t deep(uint32_t depth)
{
    uint32_t below = 0;
    if (depth)
        below = deep(depth - 1);
    sink = spin(20);
    return below + depth;
}

__attribute__((noinline)) uint32_t folded(uint32_t n) { return n < 2 ? 1 : n * folded(n - 1) + folded(n - 2); }

__attribute__((noinline, optimize("O2"))) uint32_t last_call(uint32_t rounds)
{
    sink = rounds;
    return spin(rounds + 1);
}

__attribute__((noinline)) uint32_t work(uint32_t scale)
{
    uint32_t a = spin(10 * scale);
    uint32_t b = deep(8);
    uint32_t c = last_call(scale);
    sink = a ^ b ^ folded(7);
    return sink + c;
}

int main(void)
{
    SYST_RVR = 5000 - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;
    uint32_t small = work(10);
    uint32_t large = work(20000);
    report("small", small);
    report("large", large);
    done();
}
