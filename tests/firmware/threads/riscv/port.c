/* Time, output and end of run; what is called at a trap. */
#include "kernel.h"

#define CLINT 0x2000000
#define REG8(address) (*(volatile uint8_t *)(address))
#define REG32(address) (*(volatile uint32_t *)(address))
#define UART 0x10000000
#define FINISHER 0x100000

enum { PERIOD = 2000, CALL = 11 }; /* of 10 MHz; cause of an ecall from M-mode */

static uint32_t checksum, next_tick;

void choose(void);

void print(const char *text)
{
    for (; *text; text++) {
        while (!(REG8(UART + 5) & 0x20))
            ;
        REG8(UART) = (uint8_t)*text;
    }
}

static void print_hex(uint32_t value)
{
    char text[9];
    for (int i = 0; i < 8; i++)
        text[i] = "0123456789abcdef"[(value >> (28 - 4 * i)) & 15];
    text[8] = 0;
    print(text);
}

void report(const char *name, uint32_t value)
{
    checksum = ((checksum << 5) | (checksum >> 27)) ^ value;
    checksum *= 2654435761u;
    print(name);
    print(" ");
    print_hex(value);
    print("\n");
}

void done(void)
{
    print("DONE ");
    print_hex(checksum);
    print("\n");
    REG32(FINISHER) = 0x5555;
    for (;;)
        ;
}

static void alarm(void)
{
    next_tick += PERIOD;
    REG32(CLINT + 0x4004) = 0;
    REG32(CLINT + 0x4000) = next_tick;
}

void start_ticks(void)
{
    next_tick = REG32(CLINT + 0xbff8);
    alarm();
    __asm__ volatile("csrs mie, %0" ::"r"(1 << 7));
}

/* Returns where the task that was interrupted goes on. */
word trap(word cause, word pc)
{
    if (cause == CALL) {
        pc += 4;
    } else if ((intptr_t)cause < 0) {
        alarm();
        tick();
    } else {
        print("unexpected trap\n");
        REG32(FINISHER) = 2 << 16 | 0x3333;
    }
    return pc;
}
