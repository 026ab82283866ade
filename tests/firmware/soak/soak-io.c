/*
 * For Cortex-M boards: devices at random, for ever. Timers as fast as 100 kHz, bytes that come and go by a
 * UART's interrupts and FIFO, registers of devices read and written in every way that an instruction can
 * (blocks of conditions, several words at once, bytes, across a border), memory protection, code that is
 * written where it runs. What it does is thrown with dice, from the seed in `plan`.
 *
 * Built for mps2-an385 (MPS2), the micro:bit (MICROBIT), and a PL011 on the board `raw` (PL011).
 */
#include "soak.h"

PLAN;
volatile uint32_t checksum, dice, faults, served;

#define ISER REG(0xE000E100)
#define ICER REG(0xE000E180)
#define ISPR REG(0xE000E200)
#define IPR(n) REG(0xE000E400 + 4 * (n))
#define ICSR REG(0xE000ED04)
#define SHCSR REG(0xE000ED24)
#define CFSR REG(0xE000ED28)
#define MPU(offset) REG(0xE000ED90 + (offset)) /* TYPE, CTRL, RNR, RBAR, RASR, aliases */
#define word(text) __asm__ volatile(text ::: "memory")

#if __ARM_ARCH >= 7
#define V7M 1
#endif

enum { SPAN = 4096, ROOM = 16 };
static uint8_t arena[SPAN] __attribute__((aligned(4096)));

/* A register that may be written with anything within `mask`; PERIOD: with a period; none: only read. */
enum { READ_ONLY = 0, PERIOD = 0xfffffffe };
struct place {
    uint32_t address, mask;
};

#ifdef MPS2
#define UART 0x40004000
#define IRQS (0x3f | 7 << 8 | 1 << 12)
static const struct place places[] = {
    {0x40000000, 9}, {0x40000004, PERIOD}, {0x40000008, PERIOD}, {0x4000000C, 1},
    {0x40001000, 9}, {0x40001004, PERIOD}, {0x40001008, PERIOD}, {0x4000100C, 1},
    {0x40002000, PERIOD}, {0x40002004, READ_ONLY}, {0x40002008, 0xef}, {0x4000200C, 1},
    {0x40002010, READ_ONLY}, {0x40002014, READ_ONLY}, {0x40002018, PERIOD},
    {0x40002020, PERIOD}, {0x40002024, READ_ONLY}, {0x40002028, 0xef}, {0x4000202C, 1},
    {0x40002030, READ_ONLY}, {0x40002034, READ_ONLY}, {0x40002038, PERIOD},
    {0x40004000, 0x7f}, {0x40004004, 15}, {0x40004008, 0x3f}, {0x4000400C, 15}, {0x40004010, 0xff},
    {0x40005000, 0x7f}, {0x40005004, 15}, {0x40005008, 0x7f}, {0x4000500C, 15}, {0x40005010, 0xff},
    {0x40028000, 3}, {0x40028008, READ_ONLY}, {0x40028010, READ_ONLY}, {0x40028014, READ_ONLY},
    {0x40028018, 0xffff}, {0x4002801C, 0xff}, {0x40028020, READ_ONLY}, {0x4002804C, 0xff},
};
static void begin(void)
{
    REG(UART + 0x10) = 16;
    REG(UART + 8) = 0xf;
    REG(0x40005010) = 30;
    REG(0x40005008) = 0xf;
    for (uint32_t n = 0; n < 2; n++) {
        REG(0x40000008 + 0x1000 * n) = REG(0x40000004 + 0x1000 * n) = period();
        REG(0x40000000 + 0x1000 * n) = 9;
    }
    REG(0x40002000) = period();
    REG(0x40002008) = 0xE2;
    REG(0x40002020) = period();
    REG(0x40002028) = 0xA3;
}
static void answer(uint32_t number)
{
    if (number < 6) {
        uint32_t base = UART + 0x1000 * (number >> 1);
        REG(base + 12) = 3;
        while (REG(base + 4) & 2 && roll(8))
            mix(REG(base));
        if (roll(3) == 0 && !(REG(base + 4) & 1))
            REG(base) = 'a' + roll(26);
    } else if (number == 8 || number == 9) {
        uint32_t base = 0x40000000 + 0x1000 * (number - 8);
        REG(base + 12) = 1;
        mix(REG(base + 4));
        if (roll(4) == 0)
            REG(base + 8) = period();
        if (roll(6) == 0)
            REG(base + 4) = period();
    } else if (number == 10) {
        for (uint32_t base = 0x40002000; base < 0x40002040; base += 0x20)
            if (REG(base + 0x14)) {
                REG(base + 12) = 1;
                mix(REG(base + 4));
                if (roll(3) == 0)
                    REG(base) = period();
                if (roll(3) == 0)
                    REG(base + 0x18) = period();
            }
    } else
        REG(0x4000400C) = REG(0x4000500C) = 15;
}
static void again(void)
{
    for (uint32_t n = 0; n < 2; n++)
        REG(0x40000000 + 0x1000 * n) = 9;
    REG(0x40002008) = 0xE2;
    REG(0x40002028) = 0xA3 | roll(2) << 2;
    REG(UART + 8) = 0xf;
    REG(0x40005008) = 0xf;
}
#elif defined(MICROBIT)
#define UART 0x40002000
#define IRQS (1u << 2 | 1u << 6 | 0xf << 8 | 3 << 12 | 1 << 17)
#define TIMER_PLACES(at)                                                                               \
    {at, 1}, {at + 4, 1}, {at + 0xC, 1}, {at + 0x40, 1}, {at + 0x44, 1}, {at + 0x140, 0}, {at + 0x144, 0}, \
        {at + 0x200, 0x303}, {at + 0x304, 3 << 16}, {at + 0x508, 3}, {at + 0x510, 7},               \
        {at + 0x540, PERIOD}, {at + 0x544, PERIOD}, {at + 0x548, PERIOD}, {at + 0x504, 1}, {at + 8, 1}
#define RTC_PLACES(at)                                                                                 \
    {at, 1}, {at + 4, 1}, {at + 8, 1}, {at + 0xC, 1}, {at + 0x100, 0}, {at + 0x104, 0}, {at + 0x140, 0}, \
        {at + 0x304, 3 << 16 | 3}, {at + 0x308, 3 << 16 | 3}, {at + 0x344, 3 << 16 | 3}, {at + 0x504, 0},  \
        {at + 0x540, 0xff}, {at + 0x544, 0xff}, {at + 0x508, 3}
static const struct place places[] = {
    TIMER_PLACES(0x40008000), TIMER_PLACES(0x40009000), TIMER_PLACES(0x4000A000),
    RTC_PLACES(0x4000B000), RTC_PLACES(0x40011000),
    {UART, 1}, {UART + 4, 1}, {UART + 8, 1}, {UART + 0xC, 1}, {UART + 0x108, 0}, {UART + 0x11C, 0},
    {UART + 0x304, 0x84}, {UART + 0x308, 0x84}, {UART + 0x518, 0}, {UART + 0x51C, 0x7f},
    {0x4001F500, 0xf}, {0x4001F510, 0}, {0x4001F504, 3}, {0x50000504, 0xffff}, {0x50000508, 0xffff},
    {0x5000050C, 0xffff}, {0x50000510, 0}, {0x40006000, 1}, {0x40006510, 0x00030300 | 3}, {0x40006304, 1},
    {0x4000D000, 1}, {0x4000D004, 1}, {0x4000D100, 0}, {0x4000D304, 1}, {0x4000D508, 0},
    {0x4000C000, 1}, {0x4000C100, 0}, {0x4000C304, 1}, {0x4000C508, 0},
};
static void begin(void)
{
    REG(UART + 0x500) = 4;
    REG(UART + 0x524) = 0x01D7E000;
    REG(UART) = REG(UART + 8) = 1;
    REG(UART + 0x304) = 4;
    for (uint32_t at = 0x40008000; at <= 0x4000A000; at += 0x1000) {
        REG(at + 0x508) = 3;
        REG(at + 0x510) = roll(5);
        REG(at + 0x540) = 20 + period() / 8;
        REG(at + 0x200) = 1;
        REG(at + 0x304) = 1 << 16;
        REG(at) = 1;
    }
    REG(0x4000B540) = 5;
    REG(0x4000B304) = 1 << 16 | 1;
    REG(0x4000B000) = 1;
    /* PPI: a timer's compare starts another's count, and a capture. */
    REG(0x4001F510) = 0x40008140;
    REG(0x4001F514) = 0x40009044;
    REG(0x4001F518) = 0x40009144;
    REG(0x4001F51C) = 0x40008048;
    REG(0x4001F520) = 0x40002108;
    REG(0x4001F524) = 0x4000A040;
}
static void answer(uint32_t number)
{
    if (number == 2) {
        REG(UART + 0x11C) = 0;
        while (REG(UART + 0x108) && roll(8)) {
            REG(UART + 0x108) = 0;
            mix(REG(UART + 0x518));
        }
        if (roll(3) == 0)
            REG(UART + 0x51C) = 'a' + roll(26);
    } else if (number >= 8 && number <= 10) {
        uint32_t base = 0x40000000 + 0x1000 * number;
        REG(base + 0x140) = REG(base + 0x144) = 0;
        REG(base + 0x48) = 1;
        mix(REG(base + 0x548));
        if (roll(4) == 0)
            REG(base + 0x540) = 20 + period() / 8;
        if (roll(6) == 0)
            REG(base + 0x544) = REG(base + 0x548) + 20 + roll(100);
    } else if (number == 11 || number == 17) {
        uint32_t base = 0x40000000 + 0x1000 * number;
        REG(base + 0x100) = REG(base + 0x104) = REG(base + 0x140) = REG(base + 0x144) = 0;
        REG(base + 0x540) = (REG(base + 0x504) + 2 + roll(4)) & 0xffffff;
    } else if (number == 6)
        REG(0x40006100) = 0;
    else {
        REG(0x4000D100) = 0;
        REG(0x4000C100) = 0;
    }
}
static void again(void)
{
    for (uint32_t at = 0x40008000; at <= 0x4000A000; at += 0x1000) {
        REG(at + 0x504) = 0;
        REG(at + 0x304) = 1 << 16;
        REG(at + 0x510) = roll(5);
        REG(at + 0x540) = 20 + period() / 8;
        REG(at) = 1;
    }
    REG(0x4000B000) = REG(UART) = REG(UART + 8) = 1;
    REG(UART + 0x304) = 4;
}
#else
#define UART 0x40004000
#define IRQS (1 << 5)
static const struct place places[] = {
    {UART, 0x7f}, {UART + 4, 15}, {UART + 0x18, 0}, {UART + 0x24, 0}, {UART + 0x2C, 0x10},
    {UART + 0x34, 0x3f}, {UART + 0x38, 0x7f0}, {UART + 0x3C, 0}, {UART + 0x40, 0}, {UART + 0x44, 0x7ff},
};
static void begin(void)
{
    REG(UART + 0x24) = 1;
    REG(UART + 0x2C) = 0x70;
    REG(UART + 0x34) = roll(64);
    REG(UART + 0x38) = 0x50;
    REG(UART + 0x30) = 0x301;
}
static void answer(uint32_t number)
{
    (void)number;
    mix(REG(UART + 0x40));
    REG(UART + 0x44) = roll(4) ? 0x7ff : 0x50;
    while (!(REG(UART + 0x18) & 0x10) && roll(8))
        mix(REG(UART));
    if (roll(3) == 0)
        for (uint32_t n = roll(20); n && !(REG(UART + 0x18) & 0x20); n--)
            REG(UART) = 'a' + roll(26);
    if (roll(5) == 0)
        REG(UART + 0x38) ^= 0x20;
}
static void again(void)
{
    REG(UART + 0x30) = 0x301;
    REG(UART + 0x38) = 0x50;
    REG(UART + 0x2C) = 0x60 | roll(2) << 4;
}
#endif

enum { PLACES = sizeof places / sizeof *places };

uint32_t straight(uint32_t value)
{
    uint32_t other = 0x12345;
#define ONE                                                                                        \
    "adds %0, %0, %1\n eors %1, %0\n lsls %0, %0, #1\n adds %0, #7\n rsbs %1, %1, #0\n"            \
    "muls %0, %1\n adds %1, #3\n mvns %0, %0\n"
    __asm__ volatile(ONE ONE ONE ONE ONE ONE ONE ONE : "+l"(value), "+l"(other)::"cc");
    return value;
}

static uint32_t loop(uint32_t count)
{
    uint32_t value = count;
    for (uint32_t n = 0; n < count; n++)
        value = (value >> 1 ^ (0xEDB88320u & -(value & 1))) + n;
    return value;
}

static uint32_t some_value(uint32_t mask)
{
    if (mask == PERIOD)
        return roll(4) ? period() : roll(40);
    return (dice ^ dice >> 7) & mask;
}

/* One access of a device, in some way. */
static void touch(void)
{
    const struct place *p = &places[roll(PLACES)];
    uint32_t at = p->address, value = some_value(p->mask), seen = 0;
    bool write = roll(2) && (p->mask || roll(3) == 0);
    switch (roll(12)) {
    default:
        if (write)
            REG(at) = value;
        else
            mix(REG(at));
        break;
    case 0: /* now and again */
        for (uint32_t n = roll(30); n; n--)
            mix(REG(at));
        break;
    case 1:
        for (uint32_t n = roll(10); n; n--)
            REG(at) = value;
        break;
    case 2: /* in the middle of what does not branch */
        if (write)
            __asm__ volatile("adds %0, #1\n str %1, [%2]\n adds %0, #1\n eors %0, %1\n adds %0, #2\n"
                             : "+l"(seen) : "l"(value), "l"(at) : "cc", "memory");
        else
            __asm__ volatile("adds %0, #1\n ldr %0, [%1]\n adds %0, #1\n adds %0, #2\n"
                             : "+l"(seen) : "l"(at) : "cc", "memory");
        mix(seen);
        break;
#ifdef V7M
    case 3:
        __asm__ volatile("cmp %1, #0\n itett mi\n strmi %1, [%2]\n addpl %0, #1\n addmi %0, #3\n ldrmi %0, [%2]\n"
                         : "+l"(seen) : "l"(value), "l"(at) : "cc", "memory");
        mix(seen);
        break;
    case 4:
        __asm__ volatile("tst %3, #1\n iteee ne\n ldrne %0, [%2]\n streq %1, [%2]\n ldreq %0, [%2]\n addeq %0, #5\n"
                         : "+l"(seen) : "l"(value), "l"(at), "l"(dice >> 9) : "cc", "memory");
        mix(seen);
        break;
    case 5: /* two registers at once */
        if (write)
            __asm__ volatile("strd %0, %1, [%2]" ::"r"(value), "r"(value ^ 1), "r"(at) : "memory");
        else {
            uint32_t other;
            __asm__ volatile("ldrd %0, %1, [%2]" : "=&r"(seen), "=&r"(other) : "r"(at) : "memory");
            mix(other);
        }
        mix(seen);
        break;
    case 6:
        mix(*(volatile uint8_t *)(at + roll(4)));
        break;
    case 7:
        __asm__ volatile("ldr %0, [%1]" : "=r"(seen) : "r"(at + roll(4)) : "memory");
        mix(seen);
        break;
    case 8:
        if (write)
            __asm__ volatile("strh %0, [%1]" ::"r"(value), "r"(at + roll(2)) : "memory");
        break;
#endif
    case 9: {
        register uint32_t base __asm__("r3") = at;
        if (write)
            __asm__ volatile("mov r4, %1\n mov r5, %1\n stmia r3!, {r4, r5}"
                             : "+r"(base) : "r"(value) : "r4", "r5", "memory");
        else
            __asm__ volatile("ldmia r3!, {r4, r5}\n eors r4, r5\n mov %1, r4"
                             : "+r"(base), "=r"(seen)::"r4", "r5", "cc", "memory");
        mix(seen ^ base);
        break;
    }
    case 10:
        *(volatile uint32_t *)(arena + 4 * roll(8)) = REG(at);
        break;
    }
}

/* Accesses of memory that may be protected, watched, or code. */
static void scatter(void)
{
    for (uint32_t n = 1 + roll(6); n; n--) {
        uint8_t *at = arena + roll(SPAN - 64);
        switch (roll(8)) {
        case 0: *(volatile uint8_t *)at = dice; break;
        case 1: mix(*(volatile uint8_t *)at); break;
        case 2: *(volatile uint32_t *)((uintptr_t)at & ~3) = dice; break;
        case 3: mix(*(volatile uint32_t *)((uintptr_t)at & ~3)); break;
#ifdef V7M
        case 4: mix(*(volatile uint32_t *)at); break;
        case 5: *(volatile uint16_t *)at = dice; break;
#endif
        default: {
            register uint32_t base __asm__("r3") = (uintptr_t)at & ~3;
            __asm__ volatile("movs r4, #1\n movs r5, #2\n stmia r3!, {r4, r5}\n subs r3, #8\n ldmia r3!, {r4, r5}"
                             : "+r"(base)::"r4", "r5", "cc", "memory");
            mix(base);
        }
        }
    }
}

/* Code that was just written. */
static uint32_t made(void)
{
    uint16_t *at = (uint16_t *)(arena + 64 * roll(ROOM)), *to = at;
    for (uint32_t n = roll(6); n; n--)
        *to++ = 0x3000 | roll(256);      /* adds r0, #n */
    if (roll(3) == 0) {
        *to++ = 0x6008;                  /* str r0, [r1] */
        *to++ = 0x6808;                  /* ldr r0, [r1] */
        *to++ = 0x3000 | roll(256);
    }
    *to++ = 0x4770;
    word("dsb\n isb");
    register uint32_t value __asm__("r0") = dice & 0xff;
    register uint32_t cell __asm__("r1") = (uintptr_t)(roll(2) ? to + 1 : at) & ~3;
    for (uint32_t n = roll(5); n; n--)
        __asm__ volatile("blx %2" : "+r"(value), "+r"(cell) : "r"((uintptr_t)at | 1)
                         : "r2", "r3", "r12", "lr", "cc", "memory");
    return value;
}

#ifdef V7M
static void protect(void)
{
    uint32_t region = roll(4), size = 4 + roll(8); /* 32 bytes to 4 KiB */
    word("cpsid i");
    MPU(4) = 0;
    MPU(8) = region;
    MPU(12) = ((uintptr_t)arena + roll(SPAN)) & ~((2u << size) - 1);
    MPU(16) = roll(4) ? (roll(4) == 0) << 28 | roll(8) << 24 | (size > 6 ? roll(256) << 8 : 0) | size << 1 | 1 : 0;
    if (roll(3))
        MPU(4) = 5;
    if (roll(2))
        word("dsb\n isb");
    word("cpsie i");
    mix(MPU(12));
}

/* Without privilege: registers of the core are out of reach, and with the MPU on all but two regions. */
static void below(void)
{
    uint32_t on = MPU(4);
    word("cpsid i");
    MPU(4) = 0;
    MPU(12) = 0x10 | 4;
    MPU(16) = 6 << 24 | 17 << 1 | 1;     /* flash */
    MPU(12) = 0x20000000 | 0x10 | 5;
    MPU(16) = 3 << 24 | 17 << 1 | 1;
    MPU(12) = 0x40000000 | 0x10 | 6;
    MPU(16) = 3 << 24 | 28 << 1 | 1;
    MPU(4) = on;
    word("cpsie i\n movs r0, #1\n msr control, r0\n isb" );
    scatter();
    mix(ICSR);
    for (uint32_t n = roll(4); n; n--)
        touch();
    mix(loop(roll(50)));
    word("svc 1");
}
#endif

static void act(void);

static void serve(uint32_t number)
{
    served++;
    mix(number);
    mix(loop(roll(plan.busy + 1)));
    if (number >= 16)
        answer(number - 16);
    switch (roll(10)) {
    case 0: touch(); break;
    case 1: mix(straight(number)); break;
    case 2: scatter(); break;
    }
}

void Handler(void)
{
    uint32_t number;
    __asm__ volatile("mrs %0, ipsr" : "=r"(number));
    serve(number);
}

__attribute__((used)) static void skip(uint32_t *frame)
{
    uint32_t at = frame[6];
    faults++;
#ifdef V7M
    mix(CFSR);
    CFSR = CFSR;
    if (CFSR & 0x10)
        for (;;)
            ;
    frame[7] &= ~(0x0600fc00u);
    mix(REG(0xE000ED34) & 0);
#endif
    mix(at);
    if (at - (uintptr_t)arena < SPAN)
        frame[6] = frame[5] & ~1u;
    else
        frame[6] = at + (*(uint16_t *)at >= 0xe800 ? 4 : 2);
}

__attribute__((naked)) void Fault_Handler(void)
{
    word("movs r0, #4\n mov r1, lr\n tst r1, r0\n beq 1f\n mrs r0, psp\n b 2f\n 1: mrs r0, msp\n"
         "2: push {r3, lr}\n bl skip\n pop {r3, pc}");
}

void SVC_Handler(void)
{
    word("movs r0, #0\n msr control, r0\n isb");
    serve(11);
}

static void act(void)
{
    switch (choose_kind()) {
    case 0: mix(straight(dice)); break;
    case 1: mix(loop(roll(200))); break;
    case 2: case 3: case 4: case 5:
        touch();
        break;
    case 6: case 7:
        scatter();
        break;
    case 8: case 9:
        mix(made());
        break;
    case 10:
        again();
        word("wfi");
        break;
    case 11:
        again();
        word("cpsid i\n wfi\n nop\n cpsie i");
        break;
    case 12:
        word("cpsid i");
        for (uint32_t n = roll(6); n; n--)
            touch();
        word("cpsie i");
        break;
    case 13: {
        uint32_t number = roll(32), shift = 8 * (number & 3);
        IPR(number >> 2) = (IPR(number >> 2) & ~(255u << shift)) | roll(256) << shift;
        break;
    }
    case 14:
        ISER = IRQS;
        ISPR = 1u << roll(32) & IRQS;
        break;
    case 15:
        ICER = 1u << roll(32);
        touch();
        ISER = IRQS;
        break;
    case 16:
        again();
        break;
    case 17: /* ask the UART */
        for (uint32_t n = roll(40); n; n--) {
#ifdef MICROBIT
            if (REG(UART + 0x108))
                mix(REG(UART + 0x518));
#elif defined(MPS2)
            if (REG(UART + 4) & 2)
                mix(REG(UART));
#else
            if (!(REG(UART + 0x18) & 0x10))
                mix(REG(UART));
#endif
        }
        break;
#ifdef V7M
    case 18: case 19: protect(); break;
    case 20: below(); break;
    case 21:
        __asm__ volatile("msr basepri, %0" ::"r"(1 + roll(255)) : "memory");
        touch();
        mix(loop(roll(60)));
        __asm__ volatile("msr basepri, %0" ::"r"(0) : "memory");
        break;
#endif
    default: mix(loop(roll(20)));
    }
}

__attribute__((noreturn, used)) void start(void)
{
    dice = plan.seed;
    for (int number = 0; number < 8; number++)
        IPR(number) = dice * (number + 1) * 2654435761u;
#ifdef V7M
    SHCSR = 7u << 16;
#endif
    begin();
#ifndef MICROBIT
    REG(0xE000E014) = 4 * period();
    REG(0xE000E018) = 0;
    REG(0xE000E010) = 7;
#endif
    ISER = IRQS;
    for (;;)
        act();
}

extern uint32_t _stack;
__attribute__((section(".vectors"), used)) static void *const vectors[16 + 32] = {
    &_stack, start, [2 ... 6] = Fault_Handler, [11] = SVC_Handler, [14 ... 15] = Handler,
    [16 ... 47] = Handler,
};
