/* A kernel that keeps its books as RIOT does: names and members, as far as debuggers look at them. */
#include "kernel.h"

typedef int16_t kernel_pid_t;

typedef enum {
    STATUS_STOPPED,
    STATUS_ZOMBIE,
    STATUS_SLEEPING,
    STATUS_MUTEX_BLOCKED,
    STATUS_RECEIVE_BLOCKED,
    STATUS_SEND_BLOCKED,
    STATUS_REPLY_BLOCKED,
    STATUS_FLAG_BLOCKED_ANY,
    STATUS_FLAG_BLOCKED_ALL,
    STATUS_MBOX_BLOCKED,
    STATUS_COND_BLOCKED,
    STATUS_RUNNING,
    STATUS_PENDING,
} thread_status_t;

typedef struct _thread {
    char *sp;
    thread_status_t status;
    uint8_t priority; /* 0 goes first */
    kernel_pid_t pid;
    void *wait_data;
    char *stack_start;
    const char *name;
    int stack_size;
} thread_t;

enum { LOWEST = 15 };

thread_t *sched_threads[8 + 1];
__attribute__((used)) thread_t *volatile sched_active_thread;
volatile kernel_pid_t sched_active_pid;
volatile int sched_num_threads;

static thread_t blocks[TASKS];
static word stacks[TASKS][STACK];
static uint32_t wake_at[TASKS], ticks, pending[CHANNELS];

#ifdef __riscv
/* What start.S leaves on the stack of a task that does not run. */
struct context_switch_frame {
    word pc, ra, t0, t1, t2, s0, s1, a0, a1, a2, a3, a4, a5, a6, a7, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11,
        t3, t4, t5, t6, spare, mstatus;
};
__attribute__((used)) static const struct context_switch_frame *described;
#endif

void make(const char *name, unsigned priority, entry run)
{
    thread_t *thread = &blocks[sched_num_threads];
    word *stack = stacks[sched_num_threads];
    word *sp = frame(stack + STACK, run);
#ifndef __riscv
    *--sp = 0xFFFFFFFD; /* EXC_RETURN: thread mode, its own stack */
    sp -= 8;
#endif
    thread->sp = (char *)sp;
    thread->stack_start = (char *)stack;
    thread->stack_size = sizeof stacks[0];
    thread->name = name;
    thread->priority = LOWEST - priority;
    thread->status = STATUS_PENDING;
    thread->pid = ++sched_num_threads;
    sched_threads[thread->pid] = thread;
}

/* The next one of the highest priority, after the present one. */
__attribute__((used)) void choose(void)
{
    thread_t *best = NULL;
    for (int i = 1; i <= TASKS; i++) {
        int pid = 1 + (sched_active_pid - 1 + i + TASKS) % TASKS;
        thread_t *thread = sched_threads[pid];
        if (thread->status >= STATUS_RUNNING && (!best || thread->priority < best->priority))
            best = thread;
    }
    if (sched_active_thread && sched_active_thread->status == STATUS_RUNNING)
        sched_active_thread->status = STATUS_PENDING;
    best->status = STATUS_RUNNING;
    sched_active_thread = best;
    sched_active_pid = best->pid;
}

#ifdef __riscv
void start(void)
{
    choose();
    resume_task();
}
#else
__attribute__((naked)) void SVC_Handler(void)
{
    __asm__ volatile("ldr r3, =sched_active_thread\n"
                     "ldr r1, [r3]\n"
                     "ldr r0, [r1]\n"
                     "ldmia r0!, {r4-r11, lr}\n"
                     "msr psp, r0\n"
                     "bx lr\n");
}

__attribute__((naked)) void PendSV_Handler(void)
{
    /* Another thread is the active one before the registers of the last one are saved. */
    __asm__ volatile("cpsid i\n"
                     "push {r4, lr}\n"
                     "ldr r4, =sched_active_thread\n"
                     "ldr r4, [r4]\n"
                     "bl choose\n"
                     "mov r1, r4\n"
                     "pop {r4, lr}\n"
                     "mrs r0, psp\n"
                     "stmdb r0!, {r4-r11, lr}\n"
                     "str r0, [r1]\n"
                     "ldr r1, =sched_active_thread\n"
                     "ldr r1, [r1]\n"
                     "ldr r0, [r1]\n"
                     "ldmia r0!, {r4-r11, lr}\n"
                     "msr psp, r0\n"
                     "cpsie i\n"
                     "bx lr\n");
}

void start(void)
{
    choose();
    __asm__ volatile("svc 0");
}
#endif

static void stop_as(thread_status_t status)
{
    sched_active_thread->status = status;
    request_switch();
    irq_on();
}

void wait_for(unsigned channel)
{
    irq_off();
    if (pending[channel]) {
        pending[channel]--;
        irq_on();
        return;
    }
    sched_active_thread->wait_data = &pending[channel];
    stop_as(STATUS_RECEIVE_BLOCKED);
}

void tell(unsigned channel)
{
    irq_off();
    pending[channel]++;
    for (int pid = 1; pid <= TASKS; pid++) {
        thread_t *thread = sched_threads[pid];
        if (thread->status == STATUS_RECEIVE_BLOCKED && thread->wait_data == &pending[channel]) {
            thread->status = STATUS_PENDING;
            pending[channel]--;
            break;
        }
    }
    request_switch();
    irq_on();
}

void sleep(unsigned count)
{
    irq_off();
    wake_at[sched_active_pid - 1] = ticks + count;
    stop_as(STATUS_MUTEX_BLOCKED);
}

void suspend(void)
{
    irq_off();
    stop_as(STATUS_SLEEPING);
}

void resume(unsigned number)
{
    irq_off();
    blocks[number].status = STATUS_PENDING;
    request_switch();
    irq_on();
}

void tick(void)
{
    ticks++;
    for (int i = 0; i < TASKS; i++)
        if (blocks[i].status == STATUS_MUTEX_BLOCKED && wake_at[i] <= ticks)
            blocks[i].status = STATUS_PENDING;
}
