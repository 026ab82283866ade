/* A kernel that keeps its books as FreeRTOS does: names and members, as far as debuggers look at them. */
#include "kernel.h"

struct list;

typedef struct item {
    uint32_t xItemValue;
    struct item *pxNext, *pxPrevious;
    void *pvOwner;
    struct list *pvContainer;
} ListItem_t;

typedef struct {
    uint32_t xItemValue;
    struct item *pxNext, *pxPrevious;
} MiniListItem_t;

typedef struct list {
    volatile uint32_t uxNumberOfItems;
    ListItem_t *pxIndex;
    MiniListItem_t xListEnd;
} List_t;

typedef struct tskTaskControlBlock {
    volatile word *pxTopOfStack;
    ListItem_t xStateListItem, xEventListItem;
    uint32_t uxPriority;
    word *pxStack;
    char pcTaskName[16];
    uint32_t uxTCBNumber;
} tskTCB;
typedef tskTCB TCB_t;

__attribute__((used)) TCB_t *volatile pxCurrentTCB;
static List_t pxReadyTasksLists[PRIORITIES];
static List_t xDelayedTaskList1, xDelayedTaskList2, xSuspendedTaskList, xTasksWaitingTermination;
static volatile uint32_t uxCurrentNumberOfTasks, xTickCount;
static volatile int32_t xSchedulerRunning;
static List_t channels[CHANNELS];
static uint32_t pending[CHANNELS];

static TCB_t blocks[TASKS];
static __attribute__((aligned(16))) word stacks[TASKS][STACK];

static void clear(List_t *list)
{
    ListItem_t *end = (ListItem_t *)&list->xListEnd;
    list->uxNumberOfItems = 0;
    list->pxIndex = end->pxNext = end->pxPrevious = end;
    end->xItemValue = ~0u;
}

static void take_out(ListItem_t *item)
{
    if (!item->pvContainer)
        return;
    item->pxPrevious->pxNext = item->pxNext;
    item->pxNext->pxPrevious = item->pxPrevious;
    if (item->pvContainer->pxIndex == item)
        item->pvContainer->pxIndex = item->pxPrevious;
    item->pvContainer->uxNumberOfItems--;
    item->pvContainer = NULL;
}

static void put_in(List_t *list, ListItem_t *item)
{
    ListItem_t *end = (ListItem_t *)&list->xListEnd;
    item->pxNext = end;
    item->pxPrevious = end->pxPrevious;
    end->pxPrevious->pxNext = item;
    end->pxPrevious = item;
    item->pvContainer = list;
    list->uxNumberOfItems++;
}

static void make_ready(TCB_t *task)
{
    take_out(&task->xStateListItem);
    take_out(&task->xEventListItem);
    put_in(&pxReadyTasksLists[task->uxPriority], &task->xStateListItem);
}

void make(const char *name, unsigned priority, entry run)
{
    if (uxCurrentNumberOfTasks == 0) {
        for (unsigned i = 0; i < PRIORITIES; i++)
            clear(&pxReadyTasksLists[i]);
        for (unsigned i = 0; i < CHANNELS; i++)
            clear(&channels[i]);
        clear(&xDelayedTaskList1);
        clear(&xDelayedTaskList2);
        clear(&xSuspendedTaskList);
        clear(&xTasksWaitingTermination);
    }
    TCB_t *task = &blocks[uxCurrentNumberOfTasks];
    task->pxStack = stacks[uxCurrentNumberOfTasks];
    task->pxTopOfStack = frame(task->pxStack + STACK, run);
#ifndef __riscv
    task->pxTopOfStack -= 8; /* r4-r11 */
#endif
    for (unsigned i = 0; name[i]; i++)
        task->pcTaskName[i] = name[i];
    task->uxPriority = priority;
    task->xStateListItem.pvOwner = task->xEventListItem.pvOwner = task;
    task->uxTCBNumber = ++uxCurrentNumberOfTasks;
    make_ready(task);
}

/* The next one of the highest priority. */
__attribute__((used)) void choose(void)
{
    for (unsigned priority = PRIORITIES; priority-- > 0;) {
        List_t *list = &pxReadyTasksLists[priority];
        if (list->uxNumberOfItems == 0)
            continue;
        list->pxIndex = list->pxIndex->pxNext;
        if (list->pxIndex == (ListItem_t *)&list->xListEnd)
            list->pxIndex = list->pxIndex->pxNext;
        pxCurrentTCB = list->pxIndex->pvOwner;
        return;
    }
}

#ifdef __riscv
void start(void)
{
    choose();
    xSchedulerRunning = 1;
    resume_task();
}
#else
__attribute__((naked)) void SVC_Handler(void)
{
    __asm__ volatile("ldr r3, =pxCurrentTCB\n"
                     "ldr r1, [r3]\n"
                     "ldr r0, [r1]\n"
                     "ldmia r0!, {r4-r11}\n"
                     "msr psp, r0\n"
                     "mvn lr, #2\n"
                     "bx lr\n");
}

__attribute__((naked)) void PendSV_Handler(void)
{
    __asm__ volatile("cpsid i\n"
                     "mrs r0, psp\n"
                     "stmdb r0!, {r4-r11}\n"
                     "ldr r3, =pxCurrentTCB\n"
                     "ldr r1, [r3]\n"
                     "str r0, [r1]\n"
                     "push {r3, lr}\n"
                     "bl choose\n"
                     "pop {r3, lr}\n"
                     "ldr r1, [r3]\n"
                     "ldr r0, [r1]\n"
                     "ldmia r0!, {r4-r11}\n"
                     "msr psp, r0\n"
                     "cpsie i\n"
                     "bx lr\n");
}

void start(void)
{
    choose();
    xSchedulerRunning = 1;
    __asm__ volatile("svc 0");
}
#endif

void wait_for(unsigned channel)
{
    irq_off();
    if (pending[channel]) {
        pending[channel]--;
        irq_on();
        return;
    }
    TCB_t *task = pxCurrentTCB;
    take_out(&task->xStateListItem);
    put_in(&channels[channel], &task->xEventListItem);
    put_in(&xSuspendedTaskList, &task->xStateListItem);
    request_switch();
    irq_on();
}

void tell(unsigned channel)
{
    irq_off();
    if (channels[channel].uxNumberOfItems)
        make_ready(channels[channel].xListEnd.pxNext->pvOwner);
    else
        pending[channel]++;
    request_switch();
    irq_on();
}

void sleep(unsigned ticks)
{
    irq_off();
    TCB_t *task = pxCurrentTCB;
    take_out(&task->xStateListItem);
    task->xStateListItem.xItemValue = xTickCount + ticks;
    put_in(&xDelayedTaskList1, &task->xStateListItem);
    request_switch();
    irq_on();
}

void suspend(void)
{
    irq_off();
    TCB_t *task = pxCurrentTCB;
    take_out(&task->xStateListItem);
    put_in(&xSuspendedTaskList, &task->xStateListItem);
    request_switch();
    irq_on();
}

void resume(unsigned number)
{
    irq_off();
    make_ready(&blocks[number]);
    request_switch();
    irq_on();
}

void tick(void)
{
    xTickCount++;
    ListItem_t *item = xDelayedTaskList1.xListEnd.pxNext;
    while (item != (ListItem_t *)&xDelayedTaskList1.xListEnd) {
        ListItem_t *next = item->pxNext;
        if (item->xItemValue <= xTickCount)
            make_ready(item->pvOwner);
        item = next;
    }
}
