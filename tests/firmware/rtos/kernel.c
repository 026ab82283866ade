/* The kernel, in M-mode: a round-robin scheduler on the machine timer, calls, the UART. */
#include "rtos.h"

enum { MIE_MSIE = 1 << 3, MIE_MTIE = 1 << 7, MIE_MEIE = 1 << 11, SSIP = 1 << 1 };
enum { MSTATUS_SIE = 1 << 1, MSTATUS_MPIE = 1 << 7, MPP_SHIFT = 11, MSTATUS_MPRV = 1 << 17 };
enum { IN_U, IN_S, IN_M = 3 };
enum { ILLEGAL = 2, CALL_FROM_U = 8, CALL_FROM_S = 9, M_SOFTWARE = 3, M_TIMER = 7, M_EXTERNAL = 11 };
#define INTERRUPT (1ul << (__riscv_xlen - 1))
/* Page faults are for S-mode. */
#define DELEGATED (1 << 12 | 1 << 13 | 1 << 15)

#define TICK 1000 /* of 10 MHz: 100 us */
#define STACK 2048
#define QUEUE 64

/* m_entry and resume in start.S know where things are. */
struct task {
    word x[32];
    word pc, status, satp, sepc, scause, stval, sscratch;
    const char *name;
    struct space *space;
    enum { READY, WAITING, DONE } state;
    unsigned slices;
    word result;
};

enum { IDLE, ALPHA, BETA, SUPER, SHELL, TASKS };
static struct task tasks[TASKS];
static struct task *current;
static __attribute__((aligned(16))) uint8_t stacks[TASKS][STACK];

static unsigned ticks, illegal;
static uint8_t queue[QUEUE];
static unsigned queue_in, queue_out;
static uint32_t crc = ~0u;

void s_entry(void);
void idle(void);

/* -- output ------------------------------------------------------------------------------ */

static void put_raw(char c)
{
    while (!(REG8(UART + 5) & 0x20))
        ;
    REG8(UART) = c;
}

static void put(char c)
{
    crc ^= (uint8_t)c;
    for (int i = 0; i < 8; i++)
        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    put_raw(c);
}

static void print(const char *text)
{
    while (*text)
        put(*text++);
}

static void print_hex(uint32_t value)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        put("0123456789abcdef"[value >> shift & 15]);
}

static void print_count(const char *label, unsigned value)
{
    char digits[11];
    unsigned at = sizeof(digits);
    digits[--at] = 0;
    do
        digits[--at] = '0' + value % 10;
    while (value /= 10);
    print(label);
    print(digits + at);
}

static void finish(unsigned code)
{
    REG32(FINISHER) = code ? code << 16 | 0x3333 : 0x5555;
    for (;;)
        ;
}

/* -- time -------------------------------------------------------------------------------- */

static uint64_t now(void)
{
#if __riscv_xlen == 64
    return *(volatile uint64_t *)(CLINT + 0xbff8);
#else
    uint32_t high, low;
    do {
        high = REG32(CLINT + 0xbffc);
        low = REG32(CLINT + 0xbff8);
    } while (REG32(CLINT + 0xbffc) != high);
    return (uint64_t)high << 32 | low;
#endif
}

static void set_alarm(uint64_t at)
{
#if __riscv_xlen == 64
    *(volatile uint64_t *)(CLINT + 0x4000) = at;
#else
    REG32(CLINT + 0x4004) = ~0u;
    REG32(CLINT + 0x4000) = at;
    REG32(CLINT + 0x4004) = at >> 32;
#endif
}

/* -- tasks ------------------------------------------------------------------------------- */

static void make_task(int number, const char *name, int mode, void (*entry)(word), word argument)
{
    struct task *task = &tasks[number];
    word stack = (word)stacks[number] + STACK;
    task->name = name;
    task->pc = (word)entry;
    /* What is fixed in mstatus, and no interrupts enabled below M-mode. */
    task->status = csr_read("mstatus") & ~(word)(3 << MPP_SHIFT | MSTATUS_SIE);
    task->status |= (word)mode << MPP_SHIFT | MSTATUS_MPIE;
    task->x[10] = argument;
    task->x[2] = stack;
    if (mode == IN_M)
        return;
    task->space = new_space(mode == IN_U);
    task->satp = satp_of(task->space);
    if (mode == IN_U) {
        task->sscratch = stack;
        task->x[2] = OWN + OWN_SIZE;
    } else {
        task->status |= MSTATUS_SIE;
    }
}

__attribute__((noinline)) static void report(void)
{
    for (int i = ALPHA; i < TASKS; i++) {
        const struct task *task = &tasks[i];
        print(task->name);
        print(" ");
        print_hex(task->result);
        print_count(" pages ", task->space->demanded);
        print_count(" copied ", task->space->copied);
        print_count(" accessed ", count_pages(task->space, PTE_A));
        print_count(" dirty ", count_pages(task->space, PTE_D));
        print("\n");
    }
    print(illegal && s_interrupts && ticks > 8 ? "all seen\n" : "something was not seen\n");
    uint32_t sum = ~crc;
    print("DONE ");
    print_hex(sum);
    print("\n");
    finish(0);
}

/* The next task that can run; the idle one only if there is no other. */
__attribute__((noinline)) static struct task *schedule(void)
{
    int next = current - tasks, done = 1;
    for (int i = ALPHA; i < TASKS; i++)
        done &= tasks[i].state == DONE;
    if (done)
        report();
    for (int i = 0; i < TASKS; i++) {
        next = next == TASKS - 1 ? ALPHA : next + 1;
        if (tasks[next].state == READY) {
            if (current == &tasks[IDLE])
                set_alarm(now() + TICK);
            return current = &tasks[next];
        }
    }
    /* Nothing to divide the time between. */
    set_alarm(~0ull);
    return current = &tasks[IDLE];
}

/* -- interrupts -------------------------------------------------------------------------- */

static struct task *tick(void)
{
    ticks++;
    current->slices++;
    set_alarm(now() + TICK);
    struct task *next = schedule();
    if (next == &tasks[SUPER])
        csr_set("mip", SSIP);
    return next;
}

__attribute__((noinline)) static void uart_interrupt(void)
{
    while (REG8(UART + 5) & 1) {
        uint8_t c = REG8(UART);
        if (queue_in - queue_out < QUEUE)
            queue[queue_in++ % QUEUE] = c;
    }
    if (tasks[SHELL].state == WAITING) {
        tasks[SHELL].state = READY;
        REG32(CLINT) = 1; /* and look who is next as soon as this is done */
    }
}

static void external(void)
{
    uint32_t source;
    while ((source = REG32(PLIC + 0x200004))) {
        if (source == UART_SOURCE)
            uart_interrupt();
        REG32(PLIC + 0x200004) = source;
    }
}

/* -- calls ------------------------------------------------------------------------------- */

/* A byte of the calling task's memory, with its rights: MPP is its mode. */
static uint8_t user_byte(word address)
{
    word byte;
    __asm volatile("csrs mstatus, %2\n\t"
                   "lbu %0, 0(%1)\n\t"
                   "csrc mstatus, %2"
                   : "=&r"(byte)
                   : "r"(address), "r"((word)MSTATUS_MPRV)
                   : "memory");
    return byte;
}

static void set_user_byte(word address, uint8_t byte)
{
    __asm volatile("csrs mstatus, %2\n\t"
                   "sb %0, 0(%1)\n\t"
                   "csrc mstatus, %2" ::"r"(byte),
                   "r"(address), "r"((word)MSTATUS_MPRV)
                   : "memory");
}

static void panic(word cause, word address)
{
    print("PANIC cause ");
    print_hex(cause);
    print(" address ");
    print_hex(address);
    print(" pc ");
    print_hex(current->pc);
    print("\n");
    finish(99);
}

__attribute__((noinline)) static struct task *serve(struct task *task)
{
    word number = task->x[17], first = task->x[10], second = task->x[11];
    if (number == CALL_READ && queue_in == queue_out) {
        /* The call is made again when there is something. */
        task->state = WAITING;
        return schedule();
    }
    task->pc += 4;
    switch (number) {
    case CALL_EXIT:
        task->result = first;
        task->state = DONE;
        return schedule();
    case CALL_READ:
        for (task->x[10] = 0; task->x[10] < second && queue_out != queue_in; task->x[10]++)
            set_user_byte(first++, queue[queue_out++ % QUEUE]);
        break;
    case CALL_WRITE:
        while (second--)
            put(user_byte(first++));
        break;
    case CALL_SLICES:
        task->x[10] = task->slices;
        break;
    case CALL_FAIL:
        finish(first);
        break;
    default:
        panic(first, second);
    }
    return task;
}

struct task *m_trap(struct task *task)
{
    word cause = csr_read("mcause");
    switch (cause) {
    case INTERRUPT | M_TIMER:
        return tick();
    case INTERRUPT | M_SOFTWARE:
        REG32(CLINT) = 0;
        return schedule();
    case INTERRUPT | M_EXTERNAL:
        external();
        return task;
    case CALL_FROM_U:
    case CALL_FROM_S:
        return serve(task);
    case ILLEGAL:
        if (task == &tasks[SUPER]) {
            illegal++;
            task->pc += 4;
            return task;
        }
        break;
    }
    panic(cause, csr_read("mtval"));
    return task;
}

struct task *kernel_main(void)
{
    uint64_t began = now();
    csr_write("pmpaddr0", ~0ul);
    csr_write("pmpcfg0", 0x1f);
    csr_write("stvec", s_entry);
    csr_write("medeleg", DELEGATED);
    csr_write("mideleg", SSIP);
    csr_write("mcounteren", 7);
    make_task(IDLE, "idle", IN_M, (void (*)(word))idle, 0);
    make_task(ALPHA, "alpha", IN_U, worker, 0xa1fa);
    make_task(BETA, "beta", IN_U, worker, 0xbe7a);
    make_task(SUPER, "super", IN_S, supervise, 0x50fa);
    make_task(SHELL, "shell", IN_U, shell, 0);

    REG8(UART + 3) = 0x83; /* 115200 baud, 8 bits */
    REG8(UART + 0) = 2;
    REG8(UART + 1) = 0;
    REG8(UART + 3) = 0x03;
    REG8(UART + 2) = 0x81; /* FIFOs; an interrupt for 8 characters, or a pause */
    REG8(UART + 1) = 0x01;
    REG32(PLIC + 4 * UART_SOURCE) = 1;
    REG32(PLIC + 0x2000) = 1 << UART_SOURCE;
    REG32(PLIC + 0x200000) = 0;

    while (now() - began < 500)
        ;
    print("five tasks\n");
    set_alarm(now() + TICK);
    csr_write("mie", MIE_MSIE | MIE_MTIE | MIE_MEIE | SSIP);
    return current = &tasks[ALPHA];
}
