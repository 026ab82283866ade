/*
 * Prints 2560 numbered lines of 64 bytes, 160 KiB, and ends: more than pipes and queues hold. To
 * UART 0, or, built with CONSOLE, to semihosting's console by each of its calls in turn.
 */
#include "board.h"

enum { LINES = 2560, LENGTH = 64 };

static char line[LENGTH + 1];

#ifdef CONSOLE
enum { OPEN = 1, WRITEC = 3, WRITE0 = 4, WRITE = 5 };

static int semihost(uint32_t call, const void *argument)
{
    register uint32_t r0 __asm__("r0") = call;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void put(uint32_t number)
{
    static uint32_t handle;
    if (!handle) {
        uint32_t open[3] = {(uint32_t)":tt", 4, 3};
        handle = semihost(OPEN, open);
    }
    if (number % 3 == 0) {
        semihost(WRITE0, line);
    } else if (number % 3 == 1) {
        for (uint32_t before = LENGTH + 1, left = LENGTH; left && left < before;) {
            uint32_t write[3] = {handle, (uint32_t)line + LENGTH - left, left};
            before = left;
            left = semihost(WRITE, write);
        }
    } else {
        for (uint32_t i = 0; i < LENGTH; i++)
            semihost(WRITEC, &line[i]);
    }
}
#else
static void put(uint32_t number)
{
    (void)number;
    for (uint32_t i = 0; i < LENGTH; i++) {
        while (UART0_STATE & 1)
            ;
        UART0_DATA = line[i];
    }
}
#endif

int main(void)
{
    UART0_CTRL = 1;
    for (uint32_t i = 0; i < LENGTH; i++)
        line[i] = '.';
    line[LENGTH - 1] = '\n';
    for (uint32_t number = 0; number < LINES; number++) {
        for (uint32_t i = 8, rest = number; i-- > 0; rest >>= 4)
            line[i] = "0123456789abcdef"[rest & 15];
        put(number);
    }
    quit(0);
}
