/* One virtual page that is another physical one in each of two address spaces (Sv39), by which what is
 * typed goes: into a page in one space, through another virtual address, through sscratch. */
#include <stdint.h>
#define UART (*(volatile uint8_t *)0x10000000)
#define UART_LSR (*(volatile uint8_t *)0x10000005)
#define FINISHER (*(volatile uint32_t *)0x100000)
#define SHARED ((volatile uint8_t *)0x40000000)

enum { V = 1, R = 2, W = 4, X = 8, A = 64, D = 128 };

static uint64_t roots[2][512] __attribute__((aligned(4096)));
static uint64_t middle[2][512] __attribute__((aligned(4096)));
static uint64_t leaves[2][512] __attribute__((aligned(4096)));
static uint8_t pages[2][4096] __attribute__((aligned(4096)));
volatile uint8_t same, alias, kept, overlaid[4];

static uint64_t entry(const void *at, uint64_t flags)
{
    return (uint64_t)at >> 12 << 10 | flags | V;
}

static uint64_t space(int n)
{
    return 8ull << 60 | (uint64_t)roots[n] >> 12;
}

uint64_t make_tables(void)
{
    for (int n = 0; n < 2; n++) {
        roots[n][0] = entry(0, R | W | A | D);                      /* devices */
        roots[n][1] = entry(middle[n], 0);
        roots[n][2] = entry((void *)0x80000000, R | W | X | A | D); /* as it is */
        middle[n][0] = entry(leaves[n], 0);
        leaves[n][0] = entry(pages[n], R | W | A | D);
    }
    return space(0);
}

static void enter(int n)
{
    __asm__ volatile("csrw satp, %0\n sfence.vma" : : "r"(space(n)) : "memory");
}

static uint8_t typed(void)
{
    while (!(UART_LSR & 1))
        ;
    return UART;
}

void main(void)
{
    enter(0);
    SHARED[8] = typed();
    enter(1);
    SHARED[8] = 'x';
    SHARED[16] = typed();
    enter(0);
    SHARED[16] = 'y';
    same = SHARED[8];
    alias = pages[1][16];
    __asm__ volatile("csrw sscratch, %0" : : "r"((uint64_t)typed()));
    for (int n = 0; n < 4; n++)
        overlaid[n] = n;
    uint64_t found;
    __asm__ volatile("csrr %0, sscratch" : "=r"(found));
    kept = found;
    FINISHER = 0x5555;
    for (;;)
        ;
}
