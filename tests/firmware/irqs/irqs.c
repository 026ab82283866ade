/*
 * Interrupts against each other: order, preemption, tail-chaining, masks, groups, WFI, timers, and
 * a two-task switcher on PendSV. What it prints does not depend on how fast instructions are.
 *
 * Priorities (lower number is more urgent): IRQ21 0x20, timer 0 0x40, SVC 0x60, SysTick 0x80,
 * IRQ20 0xC0, PendSV 0xE0.
 */
#include "board.h"

static volatile char trace[64];
static volatile uint32_t traced;
static volatile uint32_t icsr_seen;

static void mark(char c)
{
    trace[traced++] = c;
}

/* Print and forget the trace, as `name: letters`. */
static void show(const char *name)
{
    trace[traced] = 0;
    for (uint32_t i = 0; i < traced; i++)
        mix(trace[i]);
    mix(icsr_seen);
    print(name);
    print(": ");
    print((const char *)trace);
    print("\n");
    traced = 0;
    icsr_seen = 0;
}

/* VECTACTIVE and RETTOBASE at this place; folded, so that order counts. */
static void note_icsr(void)
{
    icsr_seen = icsr_seen * 31 + (SCB_ICSR & (ICSR_RETTOBASE | 0x1ff));
}

static void pend(uint32_t irq)
{
    NVIC_ISPR = 1u << irq;
    barrier();
}

static void pend_pendsv(void)
{
    SCB_ICSR = ICSR_PENDSVSET;
    barrier();
}

static void set_basepri(uint32_t value)
{
    __asm__ volatile("msr basepri, %0\n isb" ::"r"(value) : "memory");
}

static volatile enum { ORDER, NEST, GROUPS, LOAD, TASKS } phase;

static volatile uint32_t shared; /* incremented by everybody */
static volatile uint32_t ticks, timer_ticks, requests20, requests_pendsv, served20, served_pendsv;
enum { TICKS = 200, TIMER_TICKS = 300 };

void IRQ20_Handler(void)
{
    if (phase == LOAD) {
        irq_off();
        shared++;
        served20 = requests20;
        irq_on();
        return;
    }
    mark('a');
    note_icsr();
    bool nest = phase == NEST;
    if (nest || phase == GROUPS) {
        pend(21);
        if (nest) {
            __asm__ volatile("svc 7" ::: "memory");
            pend_pendsv();
        }
        mark('A');
        note_icsr();
    }
}

void IRQ21_Handler(void)
{
    mark('b');
    note_icsr();
    if (phase == NEST) {
        pend(20); /* itself less urgent, and active below: must wait until both are over */
        pend(22); /* as urgent: waits for this one only */
        phase = ORDER;
    }
    mark('B');
}

void IRQ22_Handler(void)
{
    mark('c');
    note_icsr();
}

/* Counts the number in the SVC instruction; the frame is on the stack that was in use. */
static volatile uint32_t svc_sum;
__attribute__((used)) void svc(const uint32_t *frame)
{
    svc_sum = svc_sum * 10 + *(const uint8_t *)(frame[6] - 2);
    if (phase != LOAD && phase != TASKS) {
        mark('s');
        note_icsr();
    }
}

__attribute__((naked)) void SVC_Handler(void)
{
    __asm__ volatile("tst lr, #4\n ite eq\n mrseq r0, msp\n mrsne r0, psp\n b svc");
}

void SysTick_Handler(void)
{
    if (phase == TASKS) {
        if (++ticks == TICKS)
            SYST_CSR = 0;
        SCB_ICSR = ICSR_PENDSVSET;
        return;
    }
    irq_off();
    shared++;
    irq_on();
    if (++ticks % 4 == 0) {
        requests_pendsv++;
        SCB_ICSR = ICSR_PENDSVSET;
    }
    if (ticks == TICKS)
        SYST_CSR = 0;
}

void Timer0_Handler(void)
{
    TIMER0_INT = 1;
    irq_off();
    shared++;
    irq_on();
    if (++timer_ticks % 3 == 0) {
        requests20++;
        NVIC_ISPR = 1u << 20;
    }
    if (timer_ticks == TIMER_TICKS)
        TIMER0_CTRL = 0;
}

/* The task switcher: two tasks on their own stacks, in thread mode on PSP. */
static uint32_t stacks[2][128];
__attribute__((used)) uint32_t *saved_sp[2];
__attribute__((used)) volatile uint32_t current_task;
static volatile uint32_t task_sum[2], task_done[2], switches;

__attribute__((used)) void next_task(void)
{
    switches++;
    current_task ^= 1;
}

static void plain_pendsv(void)
{
    if (phase == LOAD) {
        irq_off();
        shared++;
        irq_on();
        served_pendsv = requests_pendsv;
        return;
    }
    mark('p');
    note_icsr();
}

__attribute__((used)) void pendsv(void)
{
    plain_pendsv();
}

__attribute__((naked)) void PendSV_Handler(void)
{
    __asm__ volatile("tst lr, #4\n"
                     "beq pendsv\n" /* thread mode on MSP: not switching tasks yet */
                     "mrs r0, psp\n"
                     "stmdb r0!, {r4-r11}\n"
                     "ldr r2, =saved_sp\n"
                     "ldr r3, =current_task\n"
                     "ldr r1, [r3]\n"
                     "str r0, [r2, r1, lsl #2]\n"
                     "push {r2, lr}\n"
                     "bl next_task\n"
                     "pop {r2, lr}\n"
                     "ldr r3, =current_task\n"
                     "ldr r1, [r3]\n"
                     "ldr r0, [r2, r1, lsl #2]\n"
                     "ldmia r0!, {r4-r11}\n"
                     "msr psp, r0\n"
                     "bx lr\n");
}

static void task(uint32_t number)
{
    uint32_t sum = number + 1;
    for (uint32_t i = 0; i < 1500; i++) {
        sum = sum * 1664525u + 1013904223u;
        if (i % 16 == number)
            pend_pendsv(); /* yield */
        if (i % 64 == 0)
            __asm__ volatile("svc 1" ::: "memory");
    }
    task_sum[number] = sum;
    task_done[number] = 1;
    for (;;) {
        if (task_done[0] && task_done[1] && ticks == TICKS && number == 0) {
            irq_off();
            report("task 0", task_sum[0]);
            report("task 1", task_sum[1]);
            report("svc", svc_sum);
            report("switched often", switches > 100);
            done();
        }
        pend_pendsv();
    }
}

static void start_tasks(void)
{
    phase = TASKS;
    svc_sum = 0;
    ticks = 0;
    uint32_t *top = &stacks[1][128];
    *--top = 0x01000000;              /* xPSR: Thumb */
    *--top = (uint32_t)task & ~1u;    /* PC */
    *--top = 0;                       /* LR */
    top -= 4;                         /* r12, r3, r2, r1 */
    *--top = 1;                       /* r0: the task's number */
    saved_sp[1] = top - 8;            /* r4-r11 */
    SYST_RVR = 700 - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;
    __asm__ volatile("msr psp, %0\n"
                     "mov r0, #2\n"
                     "msr control, r0\n"
                     "isb\n"
                     "mov r0, #0\n"
                     "bx %1\n" ::"r"(&stacks[0][128]),
                     "r"(task)
                     : "r0", "memory");
}

int main(void)
{
    print("irqs\n");
    NVIC_PRIO(21) = 0x20;
    NVIC_PRIO(22) = 0x20;
    NVIC_PRIO(TIMER0_IRQ) = 0x40;
    SCB_PRIO(11) = 0x60;
    SCB_PRIO(15) = 0x80;
    NVIC_PRIO(20) = 0xC0;
    SCB_PRIO(14) = 0xE0;
    NVIC_ISER = 1u << 20 | 1u << 21 | 1u << 22 | 1u << TIMER0_IRQ;

    /* All pending at once: taken by priority, then by number, tail-chained. */
    irq_off();
    pend_pendsv();
    pend(20);
    pend(22);
    pend(21);
    report("pending", NVIC_ISPR);
    irq_on();
    barrier();
    show("order");
    report("nothing pending", NVIC_ISPR | NVIC_IABR);

    /* A pending interrupt can be taken back. */
    irq_off();
    pend(20);
    NVIC_ICPR = 1u << 20;
    irq_on();
    barrier();
    show("taken back");

    phase = NEST;
    pend(20);
    show("nested");

    /* The same two, now with both priorities in one group: no preemption. */
    phase = GROUPS;
    NVIC_PRIO(20) = 0xA0;
    NVIC_PRIO(21) = 0x80;
    SCB_AIRCR = 0x05FA0000 | 5 << 8; /* group is bits 7:6 */
    barrier();
    pend(20);
    show("one group");
    SCB_AIRCR = 0x05FA0000;
    NVIC_PRIO(20) = 0xC0;
    NVIC_PRIO(21) = 0x20;
    phase = ORDER;

    /* BASEPRI holds back what is not more urgent than it. */
    set_basepri(0x60);
    pend(20);
    mark('1');
    pend(21);
    mark('2');
    set_basepri(0);
    mark('3');
    show("basepri");
    uint32_t basepri;
    __asm__ volatile("msr basepri_max, %1\n msr basepri_max, %2\n mrs %0, basepri"
                     : "=&r"(basepri)
                     : "r"(0x40), "r"(0x80));
    set_basepri(0);
    report("basepri_max", basepri);

    /* FAULTMASK holds back everything; an exception return would clear it. */
    __asm__ volatile("cpsid f" ::: "memory");
    pend(21);
    mark('1');
    __asm__ volatile("cpsie f\n isb" ::: "memory");
    mark('2');
    show("faultmask");

    /* WFI wakes up on what PRIMASK holds back, but does not take it. */
    irq_off();
    pend(20);
    wfi();
    mark('1');
    irq_on();
    barrier();
    mark('2');
    show("wfi");

    __asm__ volatile("svc 5\n svc 6" ::: "memory");
    show("svc");
    report("svc numbers", svc_sum);

    /* Load: two timers, what they pend, and critical sections of both kinds in between. */
    phase = LOAD;
    SYST_RVR = 1500 - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;
    TIMER0_VALUE = TIMER0_RELOAD = 1100 - 1;
    TIMER0_CTRL = 9;
    for (uint32_t i = 0; i < 10000; i++) {
        if (i & 1) {
            irq_off();
            shared++;
            irq_on();
        } else {
            set_basepri(0x20);
            shared++;
            set_basepri(0);
        }
    }
    while (ticks < TICKS || timer_ticks < TIMER_TICKS || served20 < requests20 ||
           served_pendsv < requests_pendsv) {
        irq_off(); /* test and sleep in one piece, as a careful idle loop does */
        if (ticks < TICKS || timer_ticks < TIMER_TICKS)
            wfi();
        irq_on();
        barrier();
    }
    report("ticks", ticks);
    report("timer", timer_ticks);
    report("irq20", served20);
    report("pendsv", served_pendsv);
    report("shared", shared);

    start_tasks();
    return 0;
}
