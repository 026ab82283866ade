/* For an mps2-an385, for ever: fills its 16 MiB of RAM with other random words again and again
 * (dirty-all), or writes a random word into a page of it now and then (dirty-some). */
#include <stdint.h>

enum { BASE = 0x21000000, SIZE = 16 << 20, STACK = 0x20100000 };

static uint32_t state;

static uint32_t random_word(void)
{
    return state = state * 1664525 + 1013904223;
}

__attribute__((noreturn, used)) void Reset_Handler(void)
{
    volatile uint32_t *const ram = (volatile uint32_t *)BASE;
    state = 1;
    for (;;) {
#ifdef SOME
        for (volatile uint32_t n = 0; n < 50000; n++)
            ;
        ram[random_word() % (SIZE / 4)] = random_word();
#else
        for (uint32_t n = 0; n < SIZE / 4; n++)
            ram[n] = random_word();
#endif
    }
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    (void *)STACK, Reset_Handler,
};
