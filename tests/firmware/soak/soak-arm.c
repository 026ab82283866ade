/*
 * For Cortex-M: interrupts of all kinds at random moments, for ever. What it does is thrown with
 * dice, from the seed in `plan`; three tasks are switched by PendSV, and each does the same.
 *
 * Built for mps2-an385 (TIMERS: its CMSDK timers and UART), and for the board `raw` with a
 * Cortex-M0 and a UART.
 */
#include "soak.h"

PLAN;
volatile uint32_t checksum, dice, ticks, switches, shared;

#define UART_DATA REG(0x40004000)
#define UART_STATE REG(0x40004004)
#define UART_CTRL REG(0x40004008)
#define UART_INT REG(0x4000400C)
#define UART_BAUD REG(0x40004010)
#define TIMER(n, offset) REG(0x40000000 + 0x1000 * (n) + (offset)) /* CTRL, VALUE, RELOAD, INT */
#define SYST_CSR REG(0xE000E010)
#define SYST_RVR REG(0xE000E014)
#define SYST_CVR REG(0xE000E018)
#define ISER REG(0xE000E100)
#define ICER REG(0xE000E180)
#define ISPR REG(0xE000E200)
#define ICPR REG(0xE000E280)
#define IABR REG(0xE000E300)
#define IPR(n) REG(0xE000E400 + 4 * (n))
#define ICSR REG(0xE000ED04)
#define AIRCR REG(0xE000ED0C)
#define SCR REG(0xE000ED10)
#define SHPR2 REG(0xE000ED1C)
#define SHPR3 REG(0xE000ED20)
#define SHCSR REG(0xE000ED24)
#define CFSR REG(0xE000ED28)
#define STIR REG(0xE000EF00)
#define DEMCR REG(0xE000EDFC)
#define DWT_CTRL REG(0xE0001000)
#define DWT_CYCCNT REG(0xE0001004)
#define PENDSVSET (1u << 28)
#define PENDSVCLR (1u << 27)
#define PENDSTSET (1u << 26)
#define PENDSTCLR (1u << 25)

#if __ARM_ARCH >= 7
#define V7M 1
#endif

enum { TASKS = 3, STACK = 512, FIRST = 20, LAST = 23 }; /* interrupts that only software raises */
#define USED (0xfu << FIRST | 0x703) /* UART 0: 0 and 1; timers: 8 to 10 */

static uint32_t stacks[TASKS][STACK] __attribute__((aligned(8)));
static uint32_t *saved[TASKS];
static uint32_t running;
static volatile uint32_t to_send;

#define word(text) __asm__ volatile(text ::: "memory")

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

#ifdef V7M
/* Blocks of up to four instructions that depend on conditions, with loads, stores and flags. */
static uint32_t conditional(uint32_t value)
{
    volatile uint32_t cell = value;
    uint32_t a = value, b = value ^ 0x55, count = 3 + (value & 7);
    __asm__ volatile("1: cmp %0, %1\n ittee hi\n addhi %0, #3\n ldrhi %1, [%3]\n subls %1, #5\n"
                     "strls %0, [%3]\n tst %0, #4\n ite ne\n lslne %1, #1\n rsbeq %0, #0\n"
                     "itttt cs\n addcs %0, #1\n addcs %1, #2\n strcs %1, [%3]\n addcs %0, #4\n"
                     "subs %2, #1\n it pl\n bpl 1b\n"
                     : "+r"(a), "+r"(b), "+r"(count)
                     : "r"(&cell)
                     : "cc", "memory");
    return a ^ b ^ cell;
}

/* Registers of devices in blocks of conditions. */
static uint32_t conditional_access(uint32_t value)
{
    uint32_t seen = 0;
    __asm__ volatile("cmp %1, #8\n itete lo\n ldrlo %0, [%2, #0x18]\n ldrhs %0, [%3, #4]\n"
                     "addlo %0, #1\n ldrhs %0, [%2, #0x10]\n"
                     : "+r"(seen)
                     : "r"(value & 15), "r"(0xE000E000u), "r"(0xE000ED00u)
                     : "cc", "memory");
    return seen;
}
#endif

static void wait(void)
{
    ISER = USED;
    SYST_CSR = 7;
    word("wfi");
}

/* Sleep as a tickless kernel does: another period, and time to catch up with. */
static void sleep_long(void)
{
    word("cpsid i");
    SYST_CSR = 4;
    uint32_t left = SYST_CVR, old = SYST_RVR;
    SYST_RVR = left + period() * 4;
    SYST_CVR = 0;
    SYST_CSR = 7;
    word("dsb\n wfi\n isb");
    SYST_CSR = 4;
    mix(SYST_CVR);
    mix(SYST_CSR);
    SYST_RVR = old ? old : 1000;
    SYST_CVR = 0;
    SYST_CSR = 7;
    word("cpsie i");
}

static void act(void);

/* Something that happens in a handler, of whatever priority. */
static void serve(uint32_t who)
{
    mix(who);
    mix(ICSR);
    mix(loop(roll(plan.busy + 1)));
    switch (roll(12)) {
    case 0:
        ISPR = 1u << (FIRST + roll(4));
        break;
    case 1:
        ICSR = PENDSVSET;
        break;
    case 2:
        mix(straight(who));
        break;
    case 3:
        ICPR = 1u << (FIRST + roll(4));
        break;
    case 4:
        word("cpsid i");
        shared += straight(shared);
        word("cpsie i");
        break;
    case 5:
        mix(SYST_CVR);
        break;
#ifdef V7M
    case 6:
        mix(conditional(who));
        break;
    case 7:
        mix(IABR);
        break;
#endif
    }
}

void SysTick_Handler(void)
{
    ticks++;
    if (roll(4) == 0)
        SYST_RVR = period();
    if (roll(3) == 0)
        ICSR = PENDSVSET;
    serve(15);
}

void Soft_Handler(void)
{
    uint32_t number;
    __asm__ volatile("mrs %0, ipsr" : "=r"(number));
    serve(number);
}

void Receive_Handler(void)
{
    UART_INT = 2;
    mix(UART_DATA);
    serve(16);
}

void Transmit_Handler(void)
{
    UART_INT = 1;
    if (to_send) {
        to_send--;
        UART_DATA = 'a' + (to_send & 15);
    }
    serve(17);
}

#ifdef TIMERS
void Timer_Handler(void)
{
    uint32_t number;
    __asm__ volatile("mrs %0, ipsr" : "=r"(number));
    number -= 24;
    TIMER(number, 12) = 1;
    if (roll(4) == 0)
        TIMER(number, 8) = period();
    mix(TIMER(number, 4));
    serve(24 + number);
}
#endif

/* An instruction that is none, or a call: goes on behind it. */
__attribute__((used)) static void skip(uint32_t *frame)
{
    uint16_t *at = (uint16_t *)frame[6];
#ifdef V7M
    mix(CFSR);
    CFSR = CFSR;
#endif
    mix(frame[6]);
    frame[6] += *at >= 0xe800 ? 4 : 2;
    serve(6);
}

__attribute__((naked)) void Fault_Handler(void)
{
    word("movs r0, #4\n mov r1, lr\n tst r1, r0\n beq 1f\n mrs r0, psp\n b 2f\n 1: mrs r0, msp\n"
         "2: push {r3, lr}\n bl skip\n pop {r3, pc}");
}

void SVC_Handler(void)
{
    serve(11);
}

__attribute__((used)) static uint32_t *next_task(uint32_t *stack)
{
    saved[running] = stack;
    running = (running + 1 + roll(TASKS - 1)) % TASKS;
    switches++;
    mix(running);
    return saved[running];
}

__attribute__((naked)) void PendSV_Handler(void)
{
#ifdef V7M
    word("mrs r0, psp\n stmdb r0!, {r4-r11}\n push {r3, lr}\n bl next_task\n pop {r3, lr}\n"
         "ldmia r0!, {r4-r11}\n msr psp, r0\n bx lr");
#else
    word("mrs r0, psp\n subs r0, #32\n mov r1, r0\n stmia r1!, {r4-r7}\n mov r4, r8\n mov r5, r9\n"
         "mov r6, r10\n mov r7, r11\n stmia r1!, {r4-r7}\n push {r3, lr}\n bl next_task\n"
         "mov r1, r0\n adds r1, #16\n ldmia r1!, {r4-r7}\n mov r8, r4\n mov r9, r5\n mov r10, r6\n"
         "mov r11, r7\n msr psp, r1\n ldmia r0!, {r4-r7}\n pop {r3, pc}");
#endif
}

static void set_priority(void)
{
    uint32_t value = roll(256);
    switch (roll(4)) {
    case 0:
        SHPR3 = value << 24 | (SHPR3 & 0x00ff0000); /* SysTick */
        break;
    case 1:
        SHPR2 = value << 24; /* SVC */
        break;
    default: {
        uint32_t number = roll(24), shift = 8 * (number & 3);
        IPR(number >> 2) = (IPR(number >> 2) & ~(255u << shift)) | value << shift;
    }
    }
}

/* A call while it is masked, or of no higher priority, would be a HardFault: never then. */
static void act(void)
{
    uint32_t kind = choose_kind();
    mix(kind);
    switch (kind) {
    case 0:
        mix(straight(dice));
        break;
    case 1:
        mix(loop(roll(200)));
        break;
    case 2:
        word("cpsid i");
        shared = straight(shared) + loop(roll(60));
        word("cpsie i");
        break;
    case 3:
        ICSR = PENDSVSET;
        break;
    case 4:
        word("svc 1");
        break;
    case 5:
        wait();
        break;
    case 6:
        word("sev\n wfe");
        if (roll(2)) {
            ISER = USED;
            SYST_CSR = 7;
            word("wfe");
        }
        break;
    case 7:
        ISPR = 1u << (FIRST + roll(4));
        break;
    case 8:
        ICER = 1u << (FIRST + roll(4));
        mix(loop(roll(50)));
        ISER = USED;
        break;
    case 9:
        set_priority();
        break;
    case 10:
        SYST_RVR = period();
        if (roll(2))
            SYST_CVR = 0;
        SYST_CSR = 7;
        break;
    case 11:
        to_send = roll(8);
        if (!(UART_STATE & 1))
            UART_DATA = 'A' + roll(26);
        break;
    case 12:
        mix(SYST_CVR);
        mix(ICSR);
        mix(ISPR);
        break;
    case 13:
        sleep_long();
        break;
    case 14:
        word("udf #7");
        break;
    case 15:
        ICPR = 0xfu << FIRST;
        ICSR = roll(2) ? PENDSTCLR : PENDSVCLR;
        break;
    case 16:
        ICSR = PENDSTSET;
        break;
    case 17: /* pending while masked, and then all at once */
        word("cpsid i");
        ISPR = roll(16) << FIRST;
        ICSR = PENDSVSET;
        mix(straight(loop(roll(40))));
        word("cpsie i\n nop");
        break;
    case 18: { /* a wait while masked is over when something is pending */
        ISER = USED;
        SYST_CSR = 7;
        word("cpsid i\n wfi\n nop\n cpsie i");
        break;
    }
#ifdef V7M
    case 19: {
        uint32_t level = 1 + roll(255);
        __asm__ volatile("msr basepri, %0" ::"r"(level) : "memory");
        ISPR = roll(16) << FIRST;
        shared += loop(roll(60));
        if (roll(2))
            __asm__ volatile("msr basepri_max, %0" ::"r"(roll(256)) : "memory");
        mix(straight(shared));
        __asm__ volatile("msr basepri, %0" ::"r"(0) : "memory");
        break;
    }
    case 20:
        word("cpsid f");
        mix(loop(roll(40)));
        word("cpsie f");
        break;
    case 21:
        mix(conditional(dice));
        break;
    case 22:
        mix(conditional_access(dice));
        break;
    case 23:
        STIR = FIRST + roll(4);
        break;
    case 24:
        mix(DWT_CYCCNT);
        break;
    case 25:
        SCR = roll(2) ? 0x10 : 0; /* SEVONPEND */
        break;
    case 26:
        AIRCR = 0x05FA0000 | roll(8) << 8; /* priority groups */
        break;
#endif
#ifdef TIMERS
    case 27: {
        uint32_t number = roll(2);
        TIMER(number, 8) = period();
        if (roll(2))
            TIMER(number, 4) = period();
        TIMER(number, 0) = 9;
        break;
    }
    case 28:
        mix(TIMER(roll(2), 4));
        TIMER(roll(2), 0) = roll(8) ? 9 : 0;
        break;
#endif
    default:
        mix(loop(roll(20)));
    }
}

static void task(void)
{
    for (;;)
        act();
}

__attribute__((noreturn, used)) void start(void)
{
    dice = plan.seed;
    UART_BAUD = 16;
    UART_CTRL = 0xf;
    for (int number = 0; number < TASKS; number++) {
        uint32_t *frame = &stacks[number][STACK - 8];
        frame[6] = (uint32_t)task;
        frame[7] = 1u << 24;
        saved[number] = frame - 8;
    }
    for (int number = 0; number < 6; number++)
        IPR(number) = dice * (number + 1) * 2654435761u;
    SHPR3 = roll(256) << 24 | 0xff << 16; /* PendSV: nobody is interrupted by it but tasks */
#ifdef V7M
    DEMCR = 1u << 24;
    DWT_CTRL = 1;
    SHCSR = 7u << 16;
#endif
    ISER = USED;
    SYST_RVR = period();
    SYST_CVR = 0;
    SYST_CSR = 7;
#ifdef TIMERS
    for (int number = 0; number < 2; number++) {
        TIMER(number, 8) = TIMER(number, 4) = period();
        TIMER(number, 0) = 9;
    }
#endif
    saved[0] += 8;
    __asm__ volatile("msr psp, %0\n movs r0, #2\n msr control, r0\n isb\n" ::"r"(saved[0])
                     : "r0", "memory");
    task();
    for (;;)
        ;
}

extern uint32_t _stack;
__attribute__((section(".vectors"), used)) static void *const vectors[16 + 32] = {
    &_stack, start, [2 ... 6] = Fault_Handler, [11] = SVC_Handler, [14] = PendSV_Handler,
    [15] = SysTick_Handler, [16] = Receive_Handler, [17] = Transmit_Handler,
#ifdef TIMERS
    [24 ... 25] = Timer_Handler,
#endif
    [16 + FIRST ... 16 + LAST] = Soft_Handler,
};
