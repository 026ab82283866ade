/*
 * For `virt` and `virt32`: devices and pages at random, for ever. A worker in S-mode, behind page tables that it
 * changes as it goes, accesses memory in every way, over borders of pages too, writes code and calls it, and uses
 * the UART by its FIFO and interrupts, the clock and the timer; M-mode takes all traps, mends pages or goes on
 * behind the access. What it does is thrown with dice, from the seed in `plan`.
 */
#include "soak.h"

PLAN;
volatile uint32_t checksum, dice, faults, served;

#define UART(offset) (*(volatile uint8_t *)(0x10000000 + (offset)))
#define RTC(offset) REG(0x101000 + (offset))
#define MSIP REG(0x02000000)
#define MTIMECMP(half) REG(0x02004000 + 4 * (half))
#define MTIME(half) REG(0x0200BFF8 + 4 * (half))
#define PLIC(offset) REG(0x0C000000 + (offset))
#define CLAIM(context) PLIC(0x200004 + 0x1000 * (context))
enum { UART_IRQ = 10, RTC_IRQ = 11, PAGES = 16, FRAMES = 6 };
#define ARENA 0x40000000u

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


static uint8_t frames[FRAMES][4096] __attribute__((aligned(4096)));
static uintptr_t root[4096 / sizeof(uintptr_t)] __attribute__((aligned(4096)));
static uintptr_t leaves[4096 / sizeof(uintptr_t)] __attribute__((aligned(4096)));
#if __riscv_xlen == 64
static uintptr_t middle[512] __attribute__((aligned(4096)));
#endif
enum { V = 1, R = 2, W = 4, X = 8, A = 64, D = 128 };

static uintptr_t entry(uintptr_t address, uintptr_t flags) { return address >> 12 << 10 | flags; }

static void map(uint32_t page)
{
    uintptr_t flags = 0x08eeea62u >> 4 * roll(8) & (R | W | X);
    leaves[page] = entry((uintptr_t)frames[roll(FRAMES)],
                         (roll(8) ? V : 0) | flags | (roll(3) ? A : 0) | (roll(3) ? D : 0));
    if (roll(2))
        word("sfence.vma");
}

static void next_tick(void)
{
    uint32_t now = MTIME(0);
    MTIMECMP(1) = 0;
    MTIMECMP(0) = now + period() * 2 / 5;
}

/* One access of a device, in some way. */
static void touch(void)
{
    uint32_t seen = 0;
    switch (roll(16)) {
    case 0: mix(UART(0)); break;
    case 1: UART(1) = roll(16); break;
    case 2: mix(UART(2)); break;
    case 3: UART(2) = roll(256) & 0xc7; break;
    case 4: UART(4) = roll(32); break;
    case 5: mix(UART(5)); break;
    case 6: mix(UART(6)); break;
    case 7: UART(7) = dice; mix(UART(7)); break;
    case 8:
        for (uint32_t n = roll(24); n; n--)
            UART(0) = 'a' + roll(26);
        break;
    case 9:
        for (uint32_t n = roll(40); n && UART(5) & 1; n--)
            mix(UART(0));
        break;
    case 10:
        __asm__ volatile("addi %0, %0, 1\n lbu t0, 5(%1)\n add %0, %0, t0\n lbu t0, 2(%1)\n xor %0, %0, t0\n"
                         "lbu t0, 0(%1)\n add %0, %0, t0" : "+r"(seen) : "r"(0x10000000) : "t0", "memory");
        mix(seen);
        break;
        case 13: mix(MTIME(0)); break;
    case 14:
        UART(3) = 0x83;
        UART(0) = 1 + roll(3);
        UART(1) = 0;
        UART(3) = 3;
        break;
    default:
        for (uint32_t n = roll(30); n; n--)
            mix(UART(5));
    }
}

static uintptr_t some_place(void)
{
    uintptr_t at = ARENA + roll(PAGES * 4096 - 16);
    switch (roll(4)) {
    case 0: return at;
    case 1: return (at & ~(uintptr_t)0xfff) + 0xff0 + roll(20);
    case 2: return (uintptr_t)frames + roll(sizeof frames - 16);
    default: return at & ~(uintptr_t)7;
    }
}

static void scatter(void)
{
    for (uint32_t n = 1 + roll(6); n; n--) {
        uintptr_t at = some_place(), got = 0;
        switch (roll(12)) {
        case 0: __asm__ volatile("sb %0, 0(%1)" ::"r"(dice), "r"(at) : "memory"); break;
        case 1: __asm__ volatile("lbu %0, 0(%1)" : "+r"(got) : "r"(at) : "memory"); break;
        case 2: __asm__ volatile("sh %0, 0(%1)" ::"r"(dice), "r"(at) : "memory"); break;
        case 3: __asm__ volatile("lh %0, 0(%1)" : "+r"(got) : "r"(at) : "memory"); break;
        case 4: __asm__ volatile("sw %0, 0(%1)" ::"r"(dice), "r"(at) : "memory"); break;
        case 5: __asm__ volatile("lw %0, 0(%1)" : "+r"(got) : "r"(at) : "memory"); break;
#if __riscv_xlen == 64
        case 6: __asm__ volatile("sd %0, 0(%1)" ::"r"((uint64_t)dice << 20), "r"(at) : "memory"); break;
        case 7: __asm__ volatile("ld %0, 0(%1)" : "+r"(got) : "r"(at) : "memory"); break;
        case 8: __asm__ volatile("amoadd.d %0, %1, (%2)" : "+r"(got) : "r"(7l), "r"(at & ~7ul) : "memory"); break;
#endif
        case 9: __asm__ volatile("amoswap.w %0, %1, (%2)" : "+r"(got) : "r"(dice), "r"(at & -(roll(4) ? 4ul : 1)) : "memory"); break;
        case 10: __asm__ volatile("amomaxu.w %0, %1, (%2)" : "+r"(got) : "r"(dice), "r"(at & ~3ul) : "memory"); break;
        default:
            __asm__ volatile("lw %0, 0(%1)\n addi %0, %0, 3\n sw %0, 4(%1)\n lw %0, 2(%1)" : "+r"(got) : "r"(at) : "memory");
        }
        mix(got);
    }
}

/* Code that was just written, through whatever address. */
static uint32_t made(void)
{
    uint32_t frame = roll(FRAMES), offset = roll(4) ? 64 * roll(60) : 4096 - 2 * (1 + roll(8));
    uint16_t *at = (uint16_t *)(frames[frame] + offset), *to = at;
    uint32_t room = frame + 1 == FRAMES ? (4096 - offset) / 2 - 1 : 12;
    for (uint32_t n = roll(8); n && room > 1; n--, room--)
        *to++ = 0x0505 | roll(7) << 2;       /* c.addi a0, n: not 0 */
    *to++ = 0x8082;                          /* ret */
    if (roll(4))
        word("fence.i");
    uintptr_t target = (uintptr_t)at;
    if (roll(2)) {
        uint32_t page = roll(PAGES - 1);
        leaves[page] = entry((uintptr_t)frames[frame], V | R | X | A | (roll(2) ? W | D : 0));
        leaves[page + 1] = entry((uintptr_t)frames[(frame + 1) % FRAMES], (roll(3) ? V : 0) | R | X | A);
        if (roll(2))
            word("sfence.vma");
        target = ARENA + 4096 * page + offset;
    }
    register uintptr_t value __asm__("a0") = dice & 0xff;
    for (uint32_t n = 1 + roll(3); n; n--)
        __asm__ volatile("jalr ra, 0(%1)" : "+r"(value) : "r"(target) : "ra", "t0", "memory");
    return (uint32_t)value;
}

static void plic(void)
{
    uint32_t number = CLAIM(0);
    mix(number);
    if (number == UART_IRQ) {
        mix(UART(2));
        for (uint32_t n = roll(10); n && UART(5) & 1; n--)
            mix(UART(0));
        if (roll(3) == 0)
            UART(0) = 'A' + roll(26);
        if (roll(2) == 0)
            UART(1) = roll(4);
        if (UART(5) & 1 && roll(3) == 0)
            UART(1) = 0;
    } else if (number == RTC_IRQ)
        RTC(0x1C) = 1;
    if (number)
        CLAIM(0) = number;
}

__attribute__((used)) void machine_trap(struct frame *frame)
{
    intptr_t cause = get(mcause);
    uintptr_t pc = get(mepc), status = get(mstatus), value = get(mtval);
    mix(cause);
    if (cause == (INTERRUPT | 7))
        next_tick();
    else if (cause == (INTERRUPT | 3))
        MSIP = 0;
    else if (cause == (INTERRUPT | 11))
        plic();
    else if (cause == 9) {
        pc += 4;
        MSIP = 1;
    } else {
        faults++;
        mix(value);
        mix(pc);
        uint32_t page = (value - ARENA) >> 12;
        if (cause >= 12 && page < PAGES && roll(2)) {
            leaves[page] = entry((uintptr_t)frames[roll(FRAMES)], V | R | W | X | A | D);
            word("sfence.vma");
        } else if (cause == 12 || cause == 0 || cause == 1 || pc - ARENA < PAGES * 4096 ||
                   pc - (uintptr_t)frames < sizeof frames)
            pc = frame->x[1];
        else
            pc += (*(uint16_t *)pc & 3) == 3 ? 4 : 2;
    }
    served++;
    if (roll(4) == 0) {
        set(mstatus, MIE);
        mix(loop(roll(plan.busy + 1)));
        if (roll(3) == 0)
            touch();
        clear(mstatus, MIE);
    }
    put(mepc, pc);
    put(mstatus, status);
}

__attribute__((used)) void super_trap(struct frame *frame) { (void)frame; }
__attribute__((used)) void user_work(void) {}
void machine_entry(void);

static void act(void)
{
    switch (choose_kind()) {
    case 0: mix(straight(dice)); break;
    case 1: mix(loop(roll(200))); break;
    case 2: case 3: case 4: touch(); break;
    case 5: case 6: case 7: scatter(); break;
    case 8: case 9: mix(made()); break;
    case 10: map(roll(PAGES)); break;
    case 11: word("wfi"); break;
    case 12: word("ecall"); break;
    case 13:
        for (uint32_t page = 0; page < PAGES; page++)
            leaves[page] &= ~(uintptr_t)(A | D);
        break;
    case 14:
        for (uint32_t page = 0; page < PAGES; page++)
            mix((uint32_t)leaves[page]);
        break;
    case 15: word("sfence.vma"); break;
    case 16: put(satp, get(satp)); break;
    case 17:
        UART(2) = 1 | roll(4) << 6;
        UART(1) = 1 + roll(3);
        break;
    case 18: {
        uintptr_t was = get(satp);
        put(satp, 0);
        mix(*(volatile uint32_t *)frames[roll(FRAMES)]);
        put(satp, was);
        break;
    }
    default: mix(loop(roll(20)));
    }
}

__attribute__((used)) void super_work(void)
{
    for (;;)
        act();
}

__attribute__((used)) void setup(void)
{
    dice = plan.seed;
    put(mtvec, machine_entry);
    put(mscratch, 0);
    put(pmpaddr0, -1);
    put(pmpcfg0, 0x1f);
    put(mcounteren, 7);
#if __riscv_xlen == 64
    root[0] = entry(0, V | R | W | A | D);
    root[2] = entry(0x80000000, V | R | W | X | A | D);
    root[1] = entry((uintptr_t)middle, V);
    middle[0] = entry((uintptr_t)leaves, V);
    put(satp, 8ul << 60 | (uintptr_t)root >> 12);
#else
    for (uint32_t n = 0; n < 256; n++)
        root[n] = entry(n << 22, V | R | W | A | D);
    for (uint32_t n = 512; n < 520; n++)
        root[n] = entry(n << 22, V | R | W | X | A | D);
    root[256] = entry((uintptr_t)leaves, V);
    put(satp, 1ul << 31 | (uintptr_t)root >> 12);
#endif
    for (uint32_t page = 0; page < PAGES; page++)
        map(page);
    UART(2) = 1 | roll(4) << 6;
    UART(1) = 1;
    PLIC(4 * UART_IRQ) = PLIC(4 * RTC_IRQ) = 1;
    PLIC(0x2000) = 1 << UART_IRQ | 1 << RTC_IRQ;
    put(mie, 1 << 7 | 1 << 3 | 1 << 11);
    next_tick();
    clear(mstatus, ANY_MODE);
    set(mstatus, S_MODE);
    put(mepc, super_work);
}
