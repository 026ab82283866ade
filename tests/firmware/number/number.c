/*
 * Reads a line by asking the UART, makes a number of it, and more numbers of that, while a timer
 * interrupts; then stays. For the UARTs and timers of four boards.
 */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define REG8(address) (*(volatile uint8_t *)(address))

enum { LONGEST = 16 };
char line[LONGEST], copy[LONGEST];
uint32_t number, product, constant, mixed, ticks;
uint32_t factor = 3;
extern uint32_t _data[], _data_end[], _load[];

#if defined(__riscv) /* 16550A, CLINT */
#define UART 0x10000000
static int ready(void) { return REG8(UART + 5) & 1; }
static char get(void) { return REG8(UART); }
static void again(void) { REG(0x02004000) = REG(0x0200BFF8) + 50; }
__attribute__((interrupt, aligned(4))) static void trap(void)
{
    ticks++;
    again();
}
static void tick_on(void)
{
    REG(0x02004004) = 0;
    again();
    __asm__ volatile("csrw mtvec, %0\n csrs mie, %1\n csrsi mstatus, 8" ::"r"(trap), "r"(1 << 7));
}
#else
#if defined(__ARM_ARCH_6M__) /* nRF51, its TIMER0 */
#define UART 0x40002000
static int ready(void) { return REG(UART + 0x108); }
static char get(void) { REG(UART + 0x108) = 0; return REG(UART + 0x518); }
static void listen(void)
{
    REG(UART + 0x500) = 4;
    REG(UART + 0x000) = REG(UART + 0x008) = 1;
}
#else /* CMSDK */
#define UART 0x40004000
static int ready(void) { return REG(UART + 4) & 2; }
static char get(void) { return REG(UART); }
static void listen(void) { REG(UART + 8) = 2; }
#endif
void trap(void) { ticks++; }
#if defined(__ARM_ARCH_6M__) /* without SysTick */
static void tick_on(void)
{
    REG(0x40008508) = 3;
    REG(0x40008510) = 0;
    REG(0x40008540) = 100;
    REG(0x40008200) = 1;
    REG(0x40008304) = 1 << 16;
    REG(0xE000E100) = 1 << 8;
    REG(0x40008000) = 1;
}
void on_timer(void)
{
    REG(0x40008140) = 0;
    trap();
}
#else
static void tick_on(void)
{
    REG(0xE000E014) = 200;
    REG(0xE000E010) = 7;
}
#endif
#endif

__attribute__((noinline)) static void wait(void)
{
    for (volatile int i = 0; i < 40; i++)
        ;
}

__attribute__((noinline)) static uint32_t parsed(const char *text)
{
    uint32_t found = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        wait();
        found = found * 10 + (*text - '0');
    }
    return found;
}

__attribute__((noinline)) static uint32_t times(uint32_t a, uint32_t b)
{
    uint32_t sum = 0;
    for (; b; b--)
        sum += a;
    return sum;
}

__attribute__((noinline)) static void copied(char *to, const char *from)
{
    for (int i = 0; i < LONGEST; i++)
        to[i] = from[i];
}

void run(void)
{
    int n = 0;
#if !defined(__riscv)
    listen();
#endif
    for (int i = 0; &_data[i] < _data_end; i++)
        _data[i] = _load[i];
    do {
        while (!ready())
            ;
        line[n] = get();
    } while (line[n] != '\n' && ++n < LONGEST - 1);
    tick_on();
    number = parsed(line);
    copied(copy, line);
    product = times(number, factor);
    constant = 0x12345678;
    mixed = (uint8_t)copy[1] << 8 | (constant & 0xff);
    for (;;)
        ;
}

#if defined(__riscv)
__asm__(".section .start, \"ax\"\n.global _start\n_start: la sp, _stack\n call run\n");
#else
extern char _stack[];
#if defined(__ARM_ARCH_6M__)
#define TICK [16 + 8] = on_timer
#else
#define TICK [15] = trap
#endif
__attribute__((section(".vectors"), used)) void *const vectors[] = {
    _stack, run, TICK,
};
void _start(void) __attribute__((alias("run")));
#endif
