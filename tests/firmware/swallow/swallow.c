/*
 * Takes what it is sent until a byte 4 comes, prints a sum over it and ends. The first byte says how it
 * waits: `s` asleep (send the 4 twice: the first may come just before the sleep), `b` busy, `m` asleep with
 * interrupts masked, `p` by asking the UART, without interrupts; `x`: 32 bytes each way, in turn. For the UARTs of four boards; built with PL011, for one at the same place.
 */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define REG8(address) (*(volatile uint8_t *)(address))

static volatile uint32_t sum, count;
static volatile int over;

static void swallow(uint32_t byte)
{
    if (over)
        return;
    count++;
    sum = (sum << 5 | sum >> 27) ^ byte;
    over |= byte == 4;
}

#if defined(__riscv) /* 16550A, with its FIFO; PLIC source 10 */
#define UART 0x10000000
static int ready(void) { return REG8(UART + 5) & 1; }
static uint32_t get(void) { return REG8(UART); }
static void put(char c) { while (!(REG8(UART + 5) & 0x20)) ; REG8(UART) = c; }
static void listen(int on) { REG8(UART + 1) = on; }
static void acknowledge(void) { (void)REG8(UART + 2); }
static void irq_off(void) { __asm__ volatile("csrci mstatus, 8" ::: "memory"); }
static void irq_on(void) { __asm__ volatile("csrsi mstatus, 8" ::: "memory"); }
#define SWITCH_OFF() (REG(0x100000) = 0x5555)
#elif defined(PL011)
#define UART 0x40004000
#define IRQ 5
static int ready(void) { return !(REG(UART + 0x18) & 0x10); }
static uint32_t get(void) { return REG(UART); }
static void put(char c) { while (REG(UART + 0x18) & 0x20) ; REG(UART) = c; }
static void listen(int on) { REG(UART + 0x38) = on ? 0x10 : 0; }
static void acknowledge(void) { REG(UART + 0x44) = 0x10; }
#elif defined(__ARM_ARCH_6M__) /* nRF51 */
#define UART 0x40002000
#define IRQ 2
static int ready(void) { return REG(UART + 0x108); }
static uint32_t get(void) { REG(UART + 0x108) = 0; return REG(UART + 0x518); }
static void put(char c) { REG(UART + 0x11C) = 0; REG(UART + 0x51C) = c; while (!REG(UART + 0x11C)) ; }
static void listen(int on) { REG(UART + (on ? 0x304 : 0x308)) = 4; }
static void acknowledge(void) {}
#else /* CMSDK */
#define UART 0x40004000
#define IRQ 0
static int ready(void) { return REG(UART + 4) & 2; }
static uint32_t get(void) { return REG(UART); }
static void put(char c) { while (REG(UART + 4) & 1) ; REG(UART) = c; }
static void listen(int on) { REG(UART + 8) = 3 | (on ? 8 : 0); }
static void acknowledge(void) { REG(UART + 12) = 2; }
#endif

static void take(void)
{
    acknowledge();
    while (ready())
        swallow(get());
}

#if defined(__riscv)
__attribute__((interrupt, aligned(4))) static void trap(void)
{
    uint32_t source = REG(0x0C200004);
    take();
    REG(0x0C200004) = source;
}
static void prepare(void)
{
    REG8(UART + 2) = __riscv_xlen == 32 ? 0x41 : 1; /* interrupts for each byte; for four, or when no more come */
    REG(0x0C000000 + 4 * 10) = 1;
    REG(0x0C002000) = 1 << 10;
    REG(0x0C200000) = 0;
    __asm__ volatile("csrw mtvec, %0" ::"r"(trap));
    __asm__ volatile("csrs mie, %0" ::"r"(1 << 11));
    irq_on();
}
#else
static void irq_off(void) { __asm__ volatile("cpsid i" ::: "memory"); }
static void irq_on(void) { __asm__ volatile("cpsie i" ::: "memory"); }
static void trap(void) { take(); }
static void prepare(void)
{
#if defined(PL011)
    REG(UART + 0x2C) = 0x70;
    REG(UART + 0x30) = 0x301;
#elif defined(__ARM_ARCH_6M__)
    REG(UART + 0x500) = 4;
    REG(UART + 0x000) = REG(UART + 0x008) = 1;
#endif
    REG(0xE000E100) = 1u << IRQ;
}
#define SWITCH_OFF() __asm__ volatile("movs r0, #0x18\n ldr r1, =0x20026\n bkpt 0xab" ::: "r0", "r1")
#endif

static void wfi(void) { __asm__ volatile("wfi" ::: "memory"); }

static void wait_once(char how)
{
    switch (how) {
    case 's': wfi(); break;
    case 'b': for (volatile int i = 0; i < 20; i++) ; break;
    case 'm':
        irq_off();
        if (!ready())
            wfi();
        irq_on();
        break;
    default:
        if (ready())
            swallow(get());
    }
}

void run(void)
{
    char how;
    int before = -1;
    prepare();
    listen(0);
    while (!ready())
        ;
    how = get();
    listen(how != 'p');
    while (!over) {
        if (how != 'x') {
            wait_once(how);
            continue;
        }
        int turn = count / 32 % 4;
        if (turn != before) {
            irq_off();
            listen(turn != 3);
            take(); /* of what has come without it there is no interrupt */
            irq_on();
            before = turn;
        }
        wait_once(turn == 0 ? 'b' : turn == 1 ? 'm' : turn == 2 ? 's' : 'p');
    }
    for (int i = 28; i >= 0; i -= 4)
        put("0123456789abcdef"[sum >> i & 15]);
    put('\n');
    for (;;)
        SWITCH_OFF();
}

#if defined(__riscv)
__attribute__((naked, section(".start"))) void _start(void)
{
    __asm__ volatile("la sp, _stack\n j run");
}
#else
void _stack(void);
void _start(void) { run(); }
__attribute__((section(".vectors"), used)) static void (*const vectors[16 + 8])(void) = {
    _stack, _start, [16 + IRQ] = trap,
};
#endif
