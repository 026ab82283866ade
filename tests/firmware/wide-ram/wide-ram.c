/* For a micro:bit with 32 KiB of RAM, twice what the chip has: fills all of it but its stack, and
 * exits with 0 if it is still there, with 1 after a HardFault. */
#include <stdint.h>

enum { BASE = 0x20000000, SIZE = 32 << 10, STACK = 256 };

__attribute__((noreturn)) static void quit(uint32_t code)
{
    uint32_t block[2] = {0x20026, code};
    register uint32_t call __asm__("r0") = 0x20; /* SYS_EXIT_EXTENDED */
    register uint32_t argument __asm__("r1") = (uint32_t)block;
    for (;;)
        __asm__ volatile("bkpt 0xab" : "+r"(call) : "r"(argument) : "memory");
}

static void HardFault_Handler(void)
{
    quit(1);
}

__attribute__((used)) void Reset_Handler(void)
{
    volatile uint32_t *const ram = (volatile uint32_t *)BASE;
    const uint32_t words = (SIZE - STACK) / 4;
    for (uint32_t n = 0; n < words; n++)
        ram[n] = n * 2654435761u;
    for (uint32_t n = 0; n < words; n++)
        if (ram[n] != n * 2654435761u)
            quit(2);
    quit(0);
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    (void *)(BASE + SIZE), Reset_Handler, [3] = HardFault_Handler,
};
