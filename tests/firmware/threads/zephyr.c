/* A kernel that keeps its books as Zephyr does: names and members, as far as debuggers look at them. */
#include "kernel.h"

enum { PENDING = 1 << 1, SUSPENDED = 1 << 4, QUEUED = 1 << 7 };

typedef struct _dnode {
    struct _dnode *next, *prev;
} sys_dnode_t;

struct _timeout {
    sys_dnode_t node;
    int32_t dticks;
};

struct _thread_base {
    sys_dnode_t qnode_dlist;
    void *pended_on;
    uint8_t user_options, thread_state;
    union {
        struct {
            int8_t prio; /* the lowest goes first */
            uint8_t sched_locked;
        };
        uint16_t preempt;
    };
    struct _timeout timeout;
};

#ifdef __riscv
struct _callee_saved {
    word sp, ra, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
};
extern char switched[];
#else
struct _callee_saved {
    uint32_t v1, v2, v3, v4, v5, v6, v7, v8, psp;
};
#endif

struct _thread_arch {
    uint32_t basepri, swap_return_value;
};

struct k_thread {
    struct _thread_base base;
    struct _callee_saved callee_saved;
    struct k_thread *next_thread;
    char name[32];
    struct _thread_arch arch;
};

struct _cpu {
    uint32_t nested;
    char *irq_stack;
    struct k_thread *current, *idle_thread;
};

struct z_kernel {
    struct _cpu cpus[1];
    struct k_thread *ready;
    struct k_thread *threads;
};

__attribute__((used)) struct z_kernel _kernel;

static struct k_thread blocks[TASKS];
static word stacks[TASKS][STACK];
static uint32_t ticks, pending[CHANNELS];
static unsigned count;
static sys_dnode_t timeouts = {&timeouts, &timeouts};

void make(const char *name, unsigned priority, entry run)
{
    struct k_thread *thread = &blocks[count];
#ifdef __riscv
    thread->callee_saved.sp = (word)frame(stacks[count++] + STACK, run);
    thread->callee_saved.ra = (word)switched;
#else
    thread->callee_saved.psp = (uint32_t)frame(stacks[count++] + STACK, run);
#endif
    for (unsigned i = 0; name[i]; i++)
        thread->name[i] = name[i];
    thread->base.prio = PRIORITIES - 1 - priority;
    thread->base.thread_state = QUEUED;
    thread->next_thread = _kernel.threads;
    _kernel.threads = thread;
}

/* The next one of the highest priority, after the present one. */
__attribute__((used)) void choose(void)
{
    struct k_thread *best = NULL;
    unsigned present = _kernel.cpus[0].current ? _kernel.cpus[0].current - blocks : TASKS - 1;
    for (unsigned i = 1; i <= TASKS; i++) {
        struct k_thread *thread = &blocks[(present + i) % TASKS];
        if (thread->base.thread_state == QUEUED && (!best || thread->base.prio < best->base.prio))
            best = thread;
    }
    _kernel.cpus[0].current = best;
}

__attribute__((used)) struct _callee_saved *saved(void)
{
    return &_kernel.cpus[0].current->callee_saved;
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
    __asm__ volatile("bl saved\n"
                     "ldmia r0, {r4-r11}\n"
                     "ldr r0, [r0, #32]\n"
                     "msr psp, r0\n"
                     "mvn lr, #2\n"
                     "bx lr\n");
}

__attribute__((naked)) void PendSV_Handler(void)
{
    __asm__ volatile("cpsid i\n"
                     "push {r3, lr}\n"
                     "bl saved\n"
                     "stmia r0, {r4-r11}\n"
                     "mrs r1, psp\n"
                     "str r1, [r0, #32]\n"
                     "bl choose\n"
                     "bl saved\n"
                     "ldmia r0, {r4-r11}\n"
                     "ldr r0, [r0, #32]\n"
                     "msr psp, r0\n"
                     "cpsie i\n"
                     "pop {r3, pc}\n");
}

void start(void)
{
    choose();
    __asm__ volatile("svc 0");
}
#endif

static struct k_thread *stop_as(uint8_t state)
{
    struct k_thread *thread = _kernel.cpus[0].current;
    thread->base.thread_state = state;
    return thread;
}

static void go_on(struct k_thread *thread)
{
    struct _timeout *timeout = &thread->base.timeout;
    if (timeout->node.next) {
        timeout->node.prev->next = timeout->node.next;
        timeout->node.next->prev = timeout->node.prev;
        timeout->node.next = timeout->node.prev = NULL;
    }
    thread->base.thread_state = QUEUED;
    thread->base.pended_on = NULL;
}

void wait_for(unsigned channel)
{
    irq_off();
    if (pending[channel]) {
        pending[channel]--;
    } else {
        stop_as(PENDING)->base.pended_on = &pending[channel];
        request_switch();
    }
    irq_on();
}

void tell(unsigned channel)
{
    irq_off();
    pending[channel]++;
    for (unsigned i = 0; i < TASKS; i++)
        if (blocks[i].base.pended_on == &pending[channel]) {
            go_on(&blocks[i]);
            pending[channel]--;
            break;
        }
    request_switch();
    irq_on();
}

void sleep(unsigned length)
{
    irq_off();
    struct _timeout *timeout = &stop_as(SUSPENDED)->base.timeout;
    timeout->dticks = ticks + length;
    timeout->node.next = &timeouts;
    timeout->node.prev = timeouts.prev;
    timeouts.prev->next = &timeout->node;
    timeouts.prev = &timeout->node;
    request_switch();
    irq_on();
}

void suspend(void)
{
    irq_off();
    stop_as(SUSPENDED);
    request_switch();
    irq_on();
}

void resume(unsigned number)
{
    irq_off();
    go_on(&blocks[number]);
    request_switch();
    irq_on();
}

void tick(void)
{
    ticks++;
    for (unsigned i = 0; i < TASKS; i++) {
        struct _timeout *timeout = &blocks[i].base.timeout;
        if (timeout->node.next && timeout->dticks <= (int32_t)ticks)
            go_on(&blocks[i]);
    }
}
