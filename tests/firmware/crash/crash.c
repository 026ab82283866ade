/*
 * Interrupts of a timer, of software and of the UART, and then a fault: which one, the byte that is sent
 * says. `p`: a pointer in a list is bad; `i`: it is, and an interrupt comes before it is used; `j`: a
 * pointer to a function is bad; `l`: as `p`, and the handler of the fault has one, too; others do nothing.
 * For four boards; `crash.elf` is for the mps2-an385, and needs no byte to do as `p` says.
 */
#include <stdint.h>

typedef uintptr_t word;
#define REG(address) (*(volatile uint32_t *)(word)(address))
#define REG8(address) (*(volatile uint8_t *)(word)(address))
#define BAD 0xDEADBEE0u
#define APART __attribute__((noinline))

struct node {
    struct node *next;
    word value;
};
static struct node nodes[3];
static void (*volatile hook)(void);
static volatile uint32_t beats, asked, faults;
static volatile uint8_t command;

#if defined(__riscv) /* 16550A at source 10 of the PLIC; CLINT */
#define UART 0x10000000
#define CLINT 0x02000000
static uint8_t get(void) { return REG8(UART); }
static void next_beat(void)
{
    REG(CLINT + 0x4004) = 0xFFFFFFFF;
    REG(CLINT + 0x4000) = REG(CLINT + 0xBFF8) + 100;
    REG(CLINT + 0x4004) = 0;
}
static void stop_beats(void) { REG(CLINT + 0x4004) = 0xFFFFFFFF; }
static void ask(void) { REG(CLINT) = 1; }
static void irq_off(void) { __asm__ volatile("csrci mstatus, 8" ::: "memory"); }
static void irq_on(void) { __asm__ volatile("csrsi mstatus, 8" ::: "memory"); }
#define SWITCH_OFF() (REG(0x100000) = 0x5555)
#elif defined(__ARM_ARCH_6M__) /* nRF51 */
#define UART 0x40002000
#define TIMER 0x40008000
#define UART_IRQ 2
static uint8_t get(void) { REG(UART + 0x108) = 0; return REG(UART + 0x518); }
static void next_beat(void) { REG(TIMER + 0x140) = 0; }
static void stop_beats(void) { REG(TIMER + 0x004) = 1; }
#else /* CMSDK */
#define UART 0x40004000
#define TIMER 0x40000000
#define UART_IRQ 0
static uint8_t get(void)
{
    REG(UART + 12) = 2;
    return REG(UART);
}
static void next_beat(void) { REG(TIMER + 12) = 1; }
static void stop_beats(void) { REG(TIMER) = 0; }
#endif

#if !defined(__riscv)
#define TIMER_IRQ 8
#define ASKED_IRQ 22
static void ask(void) { REG(0xE000E200) = 1u << ASKED_IRQ; }
static void irq_off(void) { __asm__ volatile("cpsid i" ::: "memory"); }
static void irq_on(void) { __asm__ volatile("cpsie i" ::: "memory"); }
#define SWITCH_OFF() __asm__ volatile("movs r0, #0x18\n ldr r1, =0x20026\n bkpt 0xab" ::: "r0", "r1")
#endif

static void wfi(void) { __asm__ volatile("wfi" ::: "memory"); }

APART static word sum(const struct node *node)
{
    word total = 0;
    for (; node; node = node->next)
        total += node->value;
    return total;
}

/* An interrupt comes between the load of the pointer and its use. */
APART static word late(const struct node *node)
{
    const struct node *next = node->next;
    ask();
    return next->value;
}

APART static void fault(void)
{
    if (!faults++ && command == 'l')
        sum(nodes);
    for (;;)
        SWITCH_OFF();
}

APART static void on_byte(void) { command = get(); }
APART static void on_beat(void)
{
    next_beat();
    if (++beats == 3)
        stop_beats();
}

#if defined(__riscv)
__attribute__((interrupt, aligned(4))) static void trap(void)
{
    intptr_t cause;
    __asm__ volatile("csrr %0, mcause" : "=r"(cause));
    if (cause >= 0)
        fault();
    switch (cause & 15) {
    case 3:
        REG(CLINT) = 0;
        asked++;
        break;
    case 7:
        on_beat();
        break;
    default: {
        uint32_t source = REG(0x0C200004);
        on_byte();
        REG(0x0C200004) = source;
    }
    }
}

APART static void prepare(void)
{
    REG8(UART + 1) = 1;
    REG(0x0C000000 + 4 * 10) = 1;
    REG(0x0C002000) = 1 << 10;
    REG(0x0C200000) = 0;
    next_beat();
    __asm__ volatile("csrw mtvec, %0" ::"r"(trap));
    __asm__ volatile("csrw mie, %0" ::"r"(1 << 11 | 1 << 7 | 1 << 3));
}
#else
static void on_asked(void) { asked++; }

APART static void prepare(void)
{
#if defined(__ARM_ARCH_6M__)
    REG(UART + 0x500) = 4;
    REG(UART + 0x000) = REG(UART + 0x008) = 1;
    REG(UART + 0x304) = 4;
    REG(TIMER + 0x510) = 0;
    REG(TIMER + 0x508) = 3;
    REG(TIMER + 0x540) = 1600;
    REG(TIMER + 0x200) = 1;
    REG(TIMER + 0x304) = 1 << 16;
    REG(TIMER + 0x000) = 1;
#else
    REG(UART + 8) = 3 | 8;
    REG(TIMER + 8) = 999;
    REG(TIMER + 4) = 999;
    REG(TIMER) = 9;
#endif
    REG(0xE000E100) = 1u << UART_IRQ | 1u << TIMER_IRQ | 1u << ASKED_IRQ;
}
#endif

APART static void link(struct node *from, struct node *to) { from->next = to; }

/* The bad pointer goes through registers, a call and memory. */
APART static void spoil(word bad) { link(&nodes[1], (struct node *)bad); }

APART static void spoil_hook(word bad) { hook = (void (*)(void))bad; }

void run(void)
{
    faults = beats = asked = command = 0;
    for (int i = 0; i < 3; i++)
        nodes[i].value = i;
    link(&nodes[0], &nodes[1]);
    link(&nodes[1], &nodes[2]);
    link(&nodes[2], 0);
    prepare();
    irq_on();
    ask();
    while (beats < 3)
        ;
#ifdef ALONE
    command = ALONE;
#endif
    for (;;) {
        irq_off();
        while (!command)
            wfi(), irq_on(), irq_off();
        irq_on();
        if (command == 'p' || command == 'l') {
            spoil(BAD);
            sum(nodes);
        }
        if (command == 'i') {
            spoil(BAD);
            nodes[2].value = late(&nodes[1]);
        }
        if (command == 'j') {
            spoil_hook(BAD | 1);
            hook();
        }
        command = 0;
    }
}

#if defined(__riscv)
__attribute__((naked, section(".start"))) void _start(void)
{
    __asm__ volatile("la sp, _stack\n j run");
}
#else
void _stack(void);
void _start(void) { run(); }
__attribute__((section(".vectors"), used)) static void (*const vectors[16 + 32])(void) = {
    _stack, _start, [3] = fault, [16 + UART_IRQ] = on_byte, [16 + TIMER_IRQ] = on_beat,
    [16 + ASKED_IRQ] = on_asked,
};
#endif
