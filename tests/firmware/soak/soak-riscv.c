/*
 * For `virt` and `virt32`: traps of all kinds at random moments, for ever. A worker in S-mode throws
 * dice for what comes next, and calls M-mode for what it may not do itself; now and then it goes to
 * a worker in U-mode, which comes back by a call. Interrupts: CLINT's timer and software interrupt,
 * those of S-mode raised by hand, and the UART's by way of the PLIC; delegated or not.
 */
#include "soak.h"

PLAN;
volatile uint32_t checksum, dice, ticks, shared;

#define UART(offset) (*(volatile uint8_t *)(0x10000000 + (offset))) /* DATA, IER, IIR */
#define MSIP REG(0x02000000)
#define MTIMECMP(half) REG(0x02004000 + 4 * (half))
#define MTIME(half) REG(0x0200BFF8 + 4 * (half))
#define PLIC(offset) REG(0x0C000000 + (offset))
#define CLAIM(context) PLIC(0x200004 + 0x1000 * (context))
#define UART_IRQ 10

#define word(text) __asm__ volatile(text ::: "memory")
#define get(csr)                                                                                   \
    ({                                                                                             \
        uintptr_t value_;                                                                          \
        __asm__ volatile("csrr %0, " #csr : "=r"(value_)::"memory");                               \
        value_;                                                                                    \
    })
#define set(csr, value) __asm__ volatile("csrs " #csr ", %0" ::"r"((uintptr_t)(value)) : "memory")
#define clear(csr, value) __asm__ volatile("csrc " #csr ", %0" ::"r"((uintptr_t)(value)) : "memory")
#define put(csr, value) __asm__ volatile("csrw " #csr ", %0" ::"r"((uintptr_t)(value)) : "memory")

enum { SSIP = 1 << 1, MSIE = 1 << 3, STIP = 1 << 5, MTIE = 1 << 7, SEIP = 1 << 9, MEIE = 1 << 11 };
enum { SIE = 1 << 1, MIE = 1 << 3, SPP = 1 << 8, S_MODE = 1 << 11, ANY_MODE = 3 << 11 };
#define INTERRUPT INTPTR_MIN

struct frame {
    uintptr_t x[32], pc;
};

static volatile uint32_t to_send;

uint32_t straight(uint32_t value)
{
    uint32_t other = 0x12345;
#define ONE                                                                                        \
    "add %0, %0, %1\n xor %1, %1, %0\n slli %0, %0, 1\n addi %0, %0, 7\n sub %1, zero, %1\n"       \
    "mul %0, %0, %1\n addi %1, %1, 3\n not %0, %0\n"
    __asm__ volatile(ONE ONE ONE ONE ONE ONE ONE ONE : "+r"(value), "+r"(other));
    return value;
}

static uint32_t loop(uint32_t count)
{
    uint32_t value = count;
    for (uint32_t n = 0; n < count; n++)
        value = (value >> 1 ^ (0xEDB88320u & -(value & 1))) + n;
    return value;
}

static void next_tick(void)
{
    uint32_t now = MTIME(0);
    MTIMECMP(1) = 0;
    MTIMECMP(0) = now + period() * 2 / 5;
    ticks++;
}

static void plic(int context)
{
    uint32_t number = CLAIM(context);
    mix(number);
    if (number == UART_IRQ) {
        mix(UART(2));
        if (to_send) {
            to_send--;
            UART(0) = 'a' + (to_send & 15);
        } else
            UART(1) = 0;
    }
    if (number)
        CLAIM(context) = number;
}

/* What a worker asks M-mode for. */
static void monitor(uint32_t wish)
{
    switch (wish) {
    case 0:
        next_tick();
        break;
    case 1:
        MSIP = 1;
        break;
    case 2:
        set(mip, roll(2) ? STIP : SSIP);
        break;
    case 3:
        clear(mip, roll(2) ? STIP : SSIP);
        break;
    case 4: {
        uint32_t bits = roll(8); /* who takes what is raised for S-mode */
        put(mideleg, (bits & 1 ? SSIP : 0) | (bits & 2 ? STIP : 0) | (bits & 4 ? SEIP : 0));
        break;
    }
    case 5:
        put(medeleg, roll(2) ? 1 << 8 | 1 << 2 : 1 << 8); /* calls from U; illegal instructions */
        break;
    case 6: { /* a part that must not be interrupted, but is open to itself once */
        mix(loop(roll(60)));
        set(mstatus, MIE);
        mix(straight(shared));
        clear(mstatus, MIE);
        break;
    }
    case 7:
        UART(1) = 2;
        to_send = roll(6);
        break;
    case 8:
        put(mie, (roll(4) ? MTIE : 0) | (roll(4) ? MSIE : 0) | MEIE | (roll(4) ? STIP : 0) |
                     (roll(4) ? SSIP : 0) | SEIP | MTIE);
        break;
    case 9: /* a sleep in M-mode, open or not */
        set(mie, MTIE);
        next_tick();
        if (roll(2))
            set(mstatus, MIE);
        word("wfi");
        clear(mstatus, MIE);
        break;
    case 10:
        mix(MTIME(0));
        mix(get(mip));
        mix(get(mcycle));
        break;
    case 11:
        clear(mip, STIP);
        break;
    default:
        mix(loop(roll(plan.busy + 1)));
    }
}

/* PLIC context 0 is M-mode's, 1 is S-mode's. Traps of M-mode may come while one is dealt with: what
 * it has to come back to is in its frame. */
__attribute__((used)) void machine_trap(struct frame *frame)
{
    intptr_t cause = get(mcause);
    uintptr_t pc = get(mepc), status = get(mstatus);
    mix(cause);
    if (cause == (INTERRUPT | 7))
        next_tick();
    else if (cause == (INTERRUPT | 3))
        MSIP = 0;
    else if (cause == (INTERRUPT | 11))
        plic(0);
    else if (cause == (INTERRUPT | 1) || cause == (INTERRUPT | 5))
        clear(mip, 1 << (cause & 15));
    else if (cause == (INTERRUPT | 9))
        plic(1);
    else if (cause == 8 || cause == 9) {
        pc += 4;
        monitor(frame->x[10]);
    } else
        pc += 4; /* an illegal instruction */
    mix(loop(roll(plan.busy + 1)));
    put(mepc, pc);
    put(mstatus, status);
}

__attribute__((used)) void super_trap(struct frame *frame)
{
    intptr_t cause = get(scause);
    uintptr_t pc = get(sepc), status = get(sstatus);
    mix(cause ^ 0x5555);
    if (cause == (INTERRUPT | 1))
        clear(sip, SSIP);
    else if (cause == (INTERRUPT | 5)) {
        register uintptr_t wish __asm__("a0") = 11;
        clear(sie, STIP); /* it stays raised until M-mode takes it back */
        __asm__ volatile("ecall" : "+r"(wish)::"memory");
    } else if (cause == (INTERRUPT | 9))
        plic(1);
    else if (cause == 8) { /* the worker of U-mode is done: on behind `go_to_user` */
        pc = frame->x[11];
        status |= SPP;
    } else
        pc += 4;
    if (roll(4) == 0) {
        set(sstatus, SIE);
        mix(straight(loop(roll(40))));
        clear(sstatus, SIE);
    }
    put(sepc, pc);
    put(sstatus, status);
}

/* What U-mode does, called by `go_to_user` (soak-traps.S). */
__attribute__((used)) void user_work(void)
{
    for (uint32_t rounds = roll(6); rounds; rounds--)
        switch (roll(4)) {
        case 0:
            mix(straight(dice));
            break;
        case 1:
            __asm__ volatile("csrr t0, mscratch" ::: "t0", "memory"); /* not for U */
            break;
        default:
            mix(loop(roll(100)));
        }
}

void go_to_user(void);
void super_entry(void);
void machine_entry(void);

static void ask(uint32_t what)
{
    register uintptr_t wish __asm__("a0") = what;
    __asm__ volatile("ecall" : "+r"(wish)::"memory");
}

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
        clear(sstatus, SIE);
        shared = straight(shared) + loop(roll(60));
        set(sstatus, SIE);
        break;
    case 3:
        set(sip, SSIP);
        break;
    case 4:
        word("wfi");
        break;
    case 5:
        put(sie, (roll(2) ? SSIP : 0) | (roll(2) ? STIP : 0) | (roll(2) ? SEIP : 0));
        break;
    case 6:
        go_to_user();
        break;
    case 7:
        __asm__ volatile("csrr t0, mscratch" ::: "t0", "memory"); /* not for S */
        break;
    case 8:
        __asm__ volatile("amoadd.w zero, %1, %0" : "+A"(shared) : "r"(3));
        break;
    case 9:
        mix(get(time));
        mix(get(cycle));
        break;
    case 10:
        mix(get(sip));
        mix(get(sie));
        break;
    case 11: /* raised while masked, and then all at once */
        clear(sstatus, SIE);
        set(sip, SSIP);
        ask(2);
        mix(loop(roll(60)));
        set(sstatus, SIE);
        break;
    case 12:
        clear(sstatus, SIE);
        word("wfi");
        set(sstatus, SIE);
        break;
    case 13:
        word("fence.i\n sfence.vma");
        break;
    default:
        if (kind < 26)
            ask(kind - 14);
        else
            ask(roll(13));
    }
}

__attribute__((used)) void super_work(void)
{
    set(sstatus, SIE);
    for (;;)
        act();
}

__attribute__((used)) void setup(void)
{
    dice = plan.seed;
    put(mtvec, machine_entry);
    put(stvec, super_entry);
    put(mscratch, 0);
    put(sscratch, 0);
    put(pmpaddr0, -1);
    put(pmpcfg0, 0x1f);
    put(mcounteren, 7);
    put(scounteren, 7);
    put(mideleg, SSIP | STIP | SEIP);
    put(medeleg, 1 << 8);
    put(mie, MTIE | MSIE | MEIE | SSIP | STIP | SEIP);
    put(sie, SSIP | STIP | SEIP);
    PLIC(4 * UART_IRQ) = 1;
    PLIC(0x2000) = PLIC(0x2080) = 1 << UART_IRQ;
    next_tick();
    clear(mstatus, ANY_MODE);
    set(mstatus, S_MODE);
    put(mepc, super_work);
}
