/*
 * What makes counting instructions hard: code that changes, in place and with other lengths; IT
 * blocks around device registers; LDM and STM over them; bit-band; LDREX and STREX with an
 * interrupt in between.
 */
#include "board.h"

typedef uint32_t code(uint32_t, uint32_t);

static uint16_t patch[32] __attribute__((aligned(1024)));
static uint8_t copy[512] __attribute__((aligned(4)));
volatile uint32_t interrupts, bits;

#define CALL(memory) ((code *)((uint32_t)(memory) | 1))

static void put(uint32_t at, uint32_t count, const uint16_t *halfwords)
{
    for (uint32_t i = 0; i < count; i++)
        ((volatile uint16_t *)patch)[at + i] = halfwords[i];
    barrier();
}
#define PUT(at, ...)                                                                               \
    put(at, sizeof((uint16_t[]){__VA_ARGS__}) / 2, (const uint16_t[]){__VA_ARGS__})

enum { BX_LR = 0x4770, NOP = 0xbf00 };

static void rewritten(void)
{
    PUT(0, 0x1840, BX_LR); /* adds r0, r0, r1 */
    report("adds", CALL(patch)(5, 7));
    PUT(0, 0xeb00, 0x0041, BX_LR); /* add.w r0, r0, r1, lsl #1: one instruction, twice as long */
    report("add.w", CALL(patch)(5, 7));
    PUT(0, 0x1a40, NOP, NOP, BX_LR); /* subs r0, r0, r1: short ones again */
    report("subs", CALL(patch)(5, 7));
    /* The same bytes, entered one halfword later: another instruction. */
    PUT(0, 0xf240, 0x1840, BX_LR); /* movw r8, #0x40; the second half alone is adds r0, r0, r1 */
    report("second half", CALL(patch + 1)(5, 7));

    /* A loop whose body another part of the same loop rewrites while it runs. */
    uint32_t sum = 1;
    for (uint32_t i = 0; i < 200; i++) {
        uint16_t immediate = 0x3000 | (i & 0xff); /* adds r0, #i */
        switch (i % 3) {
        case 0:
            PUT(0, immediate, BX_LR);
            break;
        case 1:
            PUT(0, 0xf500, 0x7080, BX_LR); /* add.w r0, r0, #256 */
            break;
        default:
            PUT(0, 0x4048, immediate, BX_LR); /* eors r0, r1 */
        }
        sum = CALL(patch)(sum, i * 2654435761u);
    }
    report("rewritten 200 times", sum);

    /* Code that rewrites the instruction right after itself, in its own block. */
    PUT(0, 0x8041,      /* strh r1, [r0, #2] */
        0x2001,         /* movs r0, #1: overwritten by r1 before it runs, after the barrier */
        BX_LR);
    uint32_t result = CALL(patch)((uint32_t)patch, 0x2001);
    PUT(0, 0x8081,      /* strh r1, [r0, #4] */
        0xf3bf, 0x8f6f, /* isb */
        BX_LR);
    mix(result);
    PUT(0, 0x80c1,      /* strh r1, [r0, #6] */
        0xf3bf, 0x8f6f, /* isb */
        0x2001,         /* movs r0, #1 -> movs r0, #2 */
        BX_LR);
    report("rewrites itself", CALL(patch)((uint32_t)patch, 0x2002));
    report("and again", CALL(patch)((uint32_t)patch, 0x2003));
}

__attribute__((noinline, aligned(4))) static uint32_t collatz(uint32_t n, uint32_t limit)
{
    uint32_t steps = 0;
    while (n != 1 && steps < limit) {
        n = n & 1 ? 3 * n + 1 : n / 2;
        steps++;
    }
    return steps;
}

static void copied(void)
{
    const uint8_t *from = (const uint8_t *)((uint32_t)collatz & ~1u);
    for (uint32_t i = 0; i < 64; i++)
        ((volatile uint8_t *)copy)[i] = from[i];
    barrier();
    report("in flash", collatz(27, 1000));
    report("in RAM", CALL(copy)(27, 1000));
    for (uint32_t i = 0; i < 64; i++)
        ((volatile uint8_t *)copy)[256 + i] = from[i];
    barrier();
    report("elsewhere", CALL(copy + 256)(97, 1000));
}

static void bitband(void)
{
    volatile uint32_t *alias =
        (volatile uint32_t *)(0x22000000 + ((uint32_t)&bits - 0x20000000) * 32);
    bits = 0x80000001;
    alias[4] = 1;
    alias[0] = 0;
    alias[9] = 0xfffffffe; /* bit 0 counts */
    alias[12] = 3;
    report("bits", bits);
    report("bit 31", alias[31]);
    report("bit 4 as byte", *(volatile uint8_t *)&alias[4]);
    *(volatile uint8_t *)&alias[20] = 1;
    *(volatile uint16_t *)&alias[21] = 1;
    report("by byte and half", bits);
    /* The same for a device register. */
    TIMER0_CTRL = 0;
    volatile uint32_t *reload = (volatile uint32_t *)(0x42000000 + 8 * 32);
    TIMER0_RELOAD = 0x10;
    reload[0] = 1;
    reload[4] = 0;
    reload[17] = 1;
    report("reload", TIMER0_RELOAD);
    report("reload bit 17", reload[17]);
}

/* r0: what decides; stores and loads of a device register under IT conditions. */
__attribute__((naked, noinline)) static uint32_t in_it(uint32_t value, volatile uint32_t *device)
{
    (void)value;
    (void)device;
    __asm__ volatile("cmp r0, #10\n"
                     "ittee lt\n"
                     "strlt r0, [r1]\n"     /* < 10: written, then read back */
                     "ldrlt r2, [r1]\n"
                     "ldrge r2, [r1]\n"     /* else: read, then written with the sum */
                     "addge r0, r2\n"
                     "itt ge\n"
                     "strge r0, [r1]\n"
                     "ldrge r2, [r1]\n"
                     "cmp r2, #40\n"
                     "it hi\n"
                     "movhi r2, #3\n"
                     "it hi\n"
                     "strhi r2, [r1]\n"
                     "mov r0, r2\n"
                     "bx lr\n");
}

static void conditional(void)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 30; i++) {
        sum = sum * 31 + in_it(i, &TIMER0_RELOAD);
        sum = sum * 31 + in_it(29 - i, &TIMER0_VALUE);
    }
    report("IT blocks", sum);
    report("reload", TIMER0_RELOAD);
    report("value", TIMER0_VALUE);
}

static void multiple(void)
{
    uint32_t a, b, c;
    TIMER0_CTRL = 0;
    __asm__ volatile("mov r4, #0\n ldr r5, =1234\n ldr r6, =5678\n"
                     "mov r3, %3\n"
                     "stmia r3!, {r4-r6}\n"
                     "sub r3, #12\n"
                     "mov r4, #1\n mov r5, #2\n mov r6, #3\n"
                     "ldmia r3, {r4-r6}\n"
                     "mov %0, r4\n mov %1, r5\n mov %2, r6\n"
                     : "=&r"(a), "=&r"(b), "=&r"(c)
                     : "r"(0x40000000)
                     : "r3", "r4", "r5", "r6", "memory");
    report("control", a);
    report("value", b);
    report("reload", c);
    __asm__ volatile("ldr r4, =77\n ldr r5, =88\n"
                     "strd r4, r5, [%2, #4]\n"
                     "ldrd r4, r5, [%2, #4]\n"
                     "mov %0, r4\n mov %1, r5\n"
                     : "=&r"(a), "=&r"(b)
                     : "r"(0x40000000)
                     : "r4", "r5", "memory");
    report("value", a);
    report("reload", b);
    /* From RAM over the border of two pages into registers, PC last. */
    static uint32_t table[512] __attribute__((aligned(1024)));
    for (uint32_t i = 0; i < 8; i++)
        table[252 + i] = i * 0x01010101;
    __asm__ volatile("adr r0, 1f\n orr r0, #1\n str r0, [%1, #28]\n"
                     "mov r1, %1\n push {r4-r7}\n"
                     "ldmia r1!, {r2-r7, r12, pc}\n"
                     ".balign 4\n"
                     "1: add r2, r3\n add r2, r7\n add r2, r12\n"
                     "pop {r4-r7}\n mov %0, r2\n"
                     : "=r"(a)
                     : "r"(&table[252])
                     : "r0", "r1", "r2", "r3", "r12", "memory");
    report("LDM with PC", a);
}

void IRQ20_Handler(void)
{
    interrupts++;
}

static volatile uint32_t locked;

/* One LDREX, perhaps an interrupt, one STREX: 0 if it stored. */
__attribute__((noinline)) static uint32_t exclusive(uint32_t pend, uint32_t value)
{
    uint32_t failed, old;
    __asm__ volatile("ldrex %1, [%2]\n"
                     "str %3, [%4]\n" /* ISPR: 0 pends nothing */
                     "dsb\n isb\n"
                     "strex %0, %5, [%2]\n"
                     : "=&r"(failed), "=&r"(old)
                     : "r"(&locked), "r"(pend), "r"(&NVIC_ISPR), "r"(value)
                     : "memory");
    return failed;
}

static void monitors(void)
{
    NVIC_ISER = 1 << 20;
    report("undisturbed", exclusive(0, 1));
    report("disturbed", exclusive(1 << 20, 2));
    report("locked", locked);
    report("undisturbed", exclusive(0, 3));
    irq_off();
    report("masked", exclusive(1 << 20, 4));
    irq_on();
    barrier();
    report("locked", locked);
    uint32_t failed;
    __asm__ volatile("ldrex r1, [%1]\n clrex\n strex %0, r1, [%1]"
                     : "=&r"(failed)
                     : "r"(&locked)
                     : "r1", "memory");
    report("cleared", failed);
    __asm__ volatile("strex %0, %1, [%1]" : "=&r"(failed) : "r"(&locked) : "memory");
    report("without LDREX", failed);
    report("interrupts", interrupts);
    /* An atomic increment against interrupts: as often as it must. */
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t again = i % 5 == 0;
        uint32_t value;
        do {
            __asm__ volatile("ldrex %0, [%1]" : "=r"(value) : "r"(&locked) : "memory");
            if (again)
                NVIC_ISPR = 1 << 20;
            barrier();
            again = 0;
            __asm__ volatile("strex %0, %1, [%2]"
                             : "=&r"(failed)
                             : "r"(value + 1), "r"(&locked)
                             : "memory");
        } while (failed);
    }
    report("locked", locked);
    report("interrupts", interrupts);
}

int main(void)
{
    print("selfmod\n");
    rewritten();
    copied();
    bitband();
    conditional();
    multiple();
    monitors();
    done();
}
