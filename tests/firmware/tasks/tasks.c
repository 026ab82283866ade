/*
 * A small kernel as firmware has them: five tasks on their own stacks, switched by PendSV at every tick
 * and whenever one has to wait; queues behind BASEPRI; a timer above the kernel's priority. An interrupt
 * for every 600 instructions, for 110 million of them. What it prints does not depend on how they fall.
 */
#include "board.h"

enum { TASKS = 5, ITEMS = 110000, ROOM = 8, STACK = 96, WORK = 56 };
enum { KERNEL = 0x40, LOWEST = 0xE0 };

typedef struct {
    uint32_t items[ROOM], first, count;
} queue;

static queue raw, done_work;
static uint32_t stacks[TASKS][STACK];
__attribute__((used)) uint32_t *saved_sp[TASKS];
__attribute__((used)) uint32_t current_task;
static volatile uint32_t ticks, beats, requests;

static uint32_t enter_critical(void)
{
    uint32_t before;
    __asm__ volatile("mrs %0, basepri\n msr basepri, %1\n isb" : "=&r"(before) : "r"(KERNEL) : "memory");
    return before;
}

static void leave_critical(uint32_t before)
{
    __asm__ volatile("msr basepri, %0\n isb" ::"r"(before) : "memory");
}

static void yield(void)
{
    SCB_ICSR = ICSR_PENDSVSET;
    barrier();
}

void SysTick_Handler(void)
{
    uint32_t before = enter_critical();
    ticks++;
    SCB_ICSR = ICSR_PENDSVSET;
    leave_critical(before);
}

void Timer0_Handler(void)
{
    TIMER0_INT = 1;
    beats++;
    NVIC_ISPR = 1u << 20;
}

void IRQ20_Handler(void)
{
    requests++;
}

__attribute__((used)) void next_task(void)
{
    current_task = (current_task + 1) % TASKS;
}

__attribute__((naked)) void PendSV_Handler(void)
{
    __asm__ volatile("mrs r0, psp\n"
                     "stmdb r0!, {r4-r11}\n"
                     "ldr r2, =saved_sp\n"
                     "ldr r3, =current_task\n"
                     "ldr r1, [r3]\n"
                     "str r0, [r2, r1, lsl #2]\n"
                     "push {r2, lr}\n"
                     "mov r0, #0x40\n"
                     "msr basepri, r0\n"
                     "bl next_task\n"
                     "mov r0, #0\n"
                     "msr basepri, r0\n"
                     "pop {r2, lr}\n"
                     "ldr r3, =current_task\n"
                     "ldr r1, [r3]\n"
                     "ldr r0, [r2, r1, lsl #2]\n"
                     "ldmia r0!, {r4-r11}\n"
                     "msr psp, r0\n"
                     "bx lr\n");
}

static void put(queue *q, uint32_t item)
{
    for (;;) {
        uint32_t before = enter_critical();
        bool room = q->count < ROOM;
        if (room)
            q->items[(q->first + q->count++) % ROOM] = item;
        leave_critical(before);
        if (room)
            return;
        yield();
    }
}

static uint32_t get(queue *q)
{
    for (;;) {
        uint32_t before = enter_critical(), item = 0;
        bool found = q->count > 0;
        if (found) {
            item = q->items[q->first];
            q->first = (q->first + 1) % ROOM;
            q->count--;
        }
        leave_critical(before);
        if (found)
            return item;
        yield();
    }
}

static uint32_t worked(uint32_t item)
{
    for (uint32_t i = 0; i < WORK; i++)
        item = (item ^ item >> 15) * 2246822519u + i;
    return item;
}

static void produce(uint32_t seed)
{
    for (uint32_t i = 0; i < ITEMS / 2; i++)
        put(&raw, worked(seed + i));
    for (;;)
        yield();
}

static void work(void)
{
    for (;;)
        put(&done_work, worked(get(&raw)));
}

static void consume(void)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < ITEMS; i++)
        sum += worked(get(&done_work));
    irq_off();
    SYST_CSR = 0;
    TIMER0_CTRL = 0;
    report("sum", sum);
    report("ticked", ticks > 1000 && beats > 1000 && requests > 1000);
    done();
}

static void task(uint32_t number)
{
    if (number == 0)
        consume();
    else if (number < 3)
        produce(number << 24);
    else
        work();
}

static void prepare(uint32_t number)
{
    uint32_t *top = &stacks[number][STACK];
    *--top = 0x01000000;           /* xPSR: Thumb */
    *--top = (uint32_t)task & ~1u; /* PC */
    *--top = 0;                    /* LR */
    top -= 4;                      /* r12, r3, r2, r1 */
    *--top = number;               /* r0 */
    saved_sp[number] = top - 8;    /* r4-r11 */
}

int main(void)
{
    print("tasks\n");
    for (uint32_t number = 1; number < TASKS; number++)
        prepare(number);
    SCB_PRIO(14) = LOWEST;
    SCB_PRIO(15) = LOWEST;
    NVIC_PRIO(20) = 0x80;
    NVIC_PRIO(TIMER0_IRQ) = 0x20;
    NVIC_ISER = 1u << 20 | 1u << TIMER0_IRQ;
    TIMER0_RELOAD = 9000 - 1;
    TIMER0_VALUE = 9000 - 1;
    TIMER0_CTRL = 9;
    SYST_RVR = 2700 - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;
    __asm__ volatile("msr psp, %0\n"
                     "mov r0, #2\n"
                     "msr control, r0\n"
                     "isb\n"
                     "mov r0, #0\n"
                     "bx %1\n" ::"r"(&stacks[0][STACK]),
                     "r"(task)
                     : "r0", "memory");
    return 0;
}
