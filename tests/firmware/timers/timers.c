/*
 * Timers of the board, as fast as firmware has them: one interrupts at 100 kHz, another at 10 kHz, above
 * it, whose handler moves its own compare or load value on, and a third. Between them a CRC is computed.
 * Ends after 100 000 interrupts of the first, and prints what each handler has seen; all of it follows
 * from when exactly they came.
 */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define NVIC_ISER REG(0xE000E100)
#define NVIC_IPR(irq) REG(0xE000E400 + ((irq) & ~3))
enum { LAST = 100000 };

extern uint32_t _estack, _sbss, _ebss;
static volatile uint32_t beats, steps, ticks, seen;

static void note(uint32_t value)
{
    seen = (seen << 5 | seen >> 27) ^ value;
}

#ifdef MICROBIT
#define TIMER0 0x40008000
#define TIMER1 0x40009000
#define RTC0 0x4000B000
enum { FIRST_IRQ = 8, SECOND_IRQ = 9, THIRD_IRQ = 11 };

static void first(void)
{
    REG(TIMER0 + 0x140) = 0;
    beats++;
    REG(TIMER0 + 0x44) = 1;               /* what it has counted since it was cleared */
    note(REG(TIMER0 + 0x544));
}

static void second(void)
{
    REG(TIMER1 + 0x144) = 0;
    REG(TIMER1 + 0x544) = (REG(TIMER1 + 0x544) + 1600) & 0xFFFF;
    REG(TIMER1 + 0x4C) = 1;
    note(REG(TIMER1 + 0x54C));
    steps++;
}

static void third(void)
{
    if (REG(RTC0 + 0x140)) {
        REG(RTC0 + 0x140) = 0;
        REG(RTC0 + 0x540) = (REG(RTC0 + 0x504) + 5) & 0xFFFFFF;
    }
    REG(RTC0 + 0x100) = 0;
    note(REG(RTC0 + 0x504));
    ticks++;
}

static void start(void)
{
    REG(TIMER0 + 0x508) = 3;
    REG(TIMER0 + 0x510) = 4;              /* 1 MHz, cleared at 10 */
    REG(TIMER0 + 0x540) = 10;
    REG(TIMER0 + 0x200) = 1;
    REG(TIMER0 + 0x304) = 1u << 16;
    REG(TIMER1 + 0x510) = 0;              /* 16 MHz, goes around */
    REG(TIMER1 + 0x544) = 1600;
    REG(TIMER1 + 0x304) = 1u << 17;
    REG(RTC0 + 0x508) = 1;
    REG(RTC0 + 0x540) = 5;
    REG(RTC0 + 0x304) = 1u << 16 | 1;
    REG(TIMER0) = REG(TIMER1) = REG(RTC0) = 1;
}
#else
#define TIMER0 0x40000000
#define TIMER1 0x40001000
#define DUAL 0x40002000
enum { FIRST_IRQ = 8, SECOND_IRQ = 9, THIRD_IRQ = 10 };

static void first(void)
{
    REG(TIMER0 + 0xC) = 1;
    beats++;
    note(REG(TIMER0 + 4));
}

static void second(void)
{
    REG(TIMER1 + 0xC) = 1;
    steps++;
    note(REG(TIMER1 + 4));
    REG(TIMER1 + 4) = 2499 + (steps & 7);
}

static void third(void)
{
    if (REG(DUAL + 0x14)) {
        REG(DUAL + 0xC) = 1;
        note(REG(DUAL + 4));
    }
    if (REG(DUAL + 0x34)) {               /* one shot: again */
        REG(DUAL + 0x2C) = 1;
        REG(DUAL + 0x20) = 4000 + (ticks & 63);
        note(REG(DUAL + 0x24));
    }
    ticks++;
}

static void start(void)
{
    REG(TIMER0 + 8) = 249;
    REG(TIMER1 + 8) = 2499;
    REG(DUAL) = 155;                      /* 25 MHz / 16, periodic, 16 bits */
    REG(DUAL + 8) = 0xE4;
    REG(DUAL + 0x20) = 4000;
    REG(DUAL + 0x28) = 0xA3;              /* one shot, 32 bits */
    REG(TIMER0) = REG(TIMER1) = 9;
}
#endif

static uint32_t semihost(uint32_t call, const void *argument)
{
    register uint32_t r0 __asm__("r0") = call;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void report(const char *name, uint32_t value)
{
    char text[10];
    for (int i = 0; i < 8; i++)
        text[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
    text[8] = '\n';
    text[9] = 0;
    semihost(4, name);
    semihost(4, text);
}

static __attribute__((noreturn)) void quit(uint32_t code)
{
    uint32_t block[2] = {0x20026, code};
    semihost(0x20, block);
    for (;;)
        ;
}

__attribute__((noreturn)) void Reset_Handler(void)
{
    uint32_t crc = 1, rounds = 0;
    for (uint32_t *to = &_sbss; to < &_ebss;)
        *to++ = 0;
    NVIC_IPR(FIRST_IRQ) = 0x00800080u | (SECOND_IRQ == 9 ? 0x4000u : 0);
    if (THIRD_IRQ == 11)
        NVIC_IPR(8) |= 0xC0000000u;
    NVIC_ISER = 1u << FIRST_IRQ | 1u << SECOND_IRQ | 1u << THIRD_IRQ;
    start();
    while (beats < LAST) {
        for (int i = 0; i < 32; i++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
        crc += ++rounds;
    }
    NVIC_IPR(FIRST_IRQ) = 0;
    __asm__ volatile("cpsid i");
    report("beats ", beats);
    report("steps ", steps);
    report("ticks ", ticks);
    report("seen ", seen);
    report("rounds ", rounds);
    report("crc ", crc);
    quit(0);
}

static void Default_Handler(void)
{
    quit(2);
}

__attribute__((section(".vectors"), used)) void *const vectors[16 + 32] = {
    [0] = &_estack,
    [1] = Reset_Handler,
    [3] = Default_Handler,
    [16 + FIRST_IRQ] = first,
    [16 + SECOND_IRQ] = second,
    [16 + THIRD_IRQ] = third,
};
