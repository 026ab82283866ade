/* Memory changes, and no instruction stores to it: exception entries, bit-band aliases, calls of the
 * host, DMA, flash, the page walk. Each `by_...` is changed in one of these ways. */
#include <stddef.h>
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))
typedef uintptr_t word;

enum { OPEN = 1, WRITE0 = 4, READ = 6, SEEK = 10, TMPNAM = 13, GET_CMDLINE = 21, HEAPINFO = 22,
       EXIT_EXTENDED = 32, ELAPSED = 48 };

volatile char by_cmdline[64], by_tmpnam[16], by_read[8];
volatile word by_heapinfo[4];
volatile uint64_t by_elapsed;
volatile word results[16];            /* of calls that cannot be served */
volatile uint32_t beats;              /* interrupts of a timer */

word call(word number, volatile void *block)
{
#ifdef __riscv
    register word a0 __asm__("a0") = number;
    register volatile void *a1 __asm__("a1") = block;
    __asm__ volatile(".option push\n .option norvc\n slli x0, x0, 0x1f\n ebreak\n"
                     " srai x0, x0, 7\n .option pop" : "+r"(a0) : "r"(a1) : "memory");
    return a0;
#else
    register word r0 __asm__("r0") = number;
    register volatile void *r1 __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
#endif
}

__attribute__((noreturn)) static void quit(void)
{
    word block[2] = { 0x20026, 0 };
    for (;;)
        call(EXIT_EXTENDED, block);
}

/* All the calls that write to memory. */
__attribute__((noinline)) static void calls(volatile char *line, volatile char *name,
                                            volatile word *heap, volatile uint64_t *time,
                                            volatile char *read)
{
    word block[3] = { (word)line, sizeof by_cmdline, 0 };
    call(GET_CMDLINE, block);
    block[0] = (word)name, block[1] = 7, block[2] = sizeof by_tmpnam;
    call(TMPNAM, block);
    for (int i = 0; i < 4; i++)
        heap[i] = 1;
    block[0] = (word)heap;
    call(HEAPINFO, block);
    call(ELAPSED, time);
    block[0] = (word)":semihosting-features", block[1] = 0, block[2] = 21;
    block[0] = call(OPEN, block), block[1] = (word)read, block[2] = 5;
    call(READ, block);
}

/* Places where there is nothing, and lengths that nobody has. */
__attribute__((noinline)) static void bad_calls(word nowhere)
{
    volatile word *to = results;
    word block[4] = { nowhere, 64, 0, 0 };
    *to++ = call(GET_CMDLINE, block);
    *to++ = call(GET_CMDLINE, (void *)nowhere);
    *to++ = call(ELAPSED, (void *)nowhere);
    *to++ = call(WRITE0, (void *)nowhere);
    block[0] = (word)":semihosting-features", block[1] = 0, block[2] = 21;
    word handle = call(OPEN, block);
    block[0] = handle, block[1] = nowhere, block[2] = ~(word)0;
    *to++ = call(READ, block);
    block[0] = handle, block[1] = ~(word)0;
    *to++ = call(SEEK, block);
    block[0] = nowhere, block[1] = 0, block[2] = ~(word)0;
    *to++ = call(OPEN, block);
    block[0] = 1, block[1] = ~(word)0, block[2] = ~(word)0;
    *to++ = call(READ, block);
}

#ifdef VIRTIO
/* A driver for one device that writes to memory: virtio-rng. */
struct { uint64_t address; uint32_t length; uint16_t flags, next; } table[4] __attribute__((aligned(16)));
struct { uint16_t flags, index, ring[4], event; } available __attribute__((aligned(4)));
struct { uint16_t flags; volatile uint16_t index; struct { uint32_t id, length; } ring[4]; uint16_t event; }
    by_used __attribute__((aligned(4)));
volatile uint32_t by_dma[8];

__attribute__((noinline)) static void dma(void)
{
    uint32_t slot = VIRTIO;
    for (int i = 0; REG(slot + 8) != 4; i++, slot += VIRTIO_STEP)
        if (i == 8)
            return;
    REG(slot + 0x70) = 3;
    REG(slot + 0x24) = 1;
    REG(slot + 0x20) = 1;
    REG(slot + 0x70) = 11;
    REG(slot + 0x38) = 4;
    REG(slot + 0x80) = (uint32_t)(word)table;
    REG(slot + 0x90) = (uint32_t)(word)&available;
    REG(slot + 0xa0) = (uint32_t)(word)&by_used;
    REG(slot + 0x44) = 1;
    REG(slot + 0x70) = 15;
    for (int i = 0; i < 2; i++) {
        table[i].address = (word)&by_dma[4 * i];
        table[i].length = 16;
        table[i].flags = 2;
        available.ring[i] = (uint16_t)i;
        __asm__ volatile("" ::: "memory");
        available.index = (uint16_t)(i + 1);
        __asm__ volatile("" ::: "memory");
        REG(slot + 0x50) = 0;
        while (by_used.index == i)
            ;
    }
}
#endif

#ifdef __riscv
/* Addresses from 0x40000000 on show the memory from 0x80000000 on, too. */
word by_walk[4096 / sizeof(word)] __attribute__((aligned(4096)));
volatile word by_paged[4];
volatile char by_paged_cmdline[64], by_paged_tmpnam[16], by_paged_read[8];
volatile word by_paged_heapinfo[4];
volatile uint64_t by_paged_elapsed;
#define SHOWN(x) ((void *)((word)(x) - 0x40000000))

/* A sector of parallel flash: a word is programmed at once, another through the buffer; then all is
 * erased. None of the stores is to the second word itself but the one that fills the buffer. */
__attribute__((noinline)) static void program(void)
{
    volatile uint32_t *sector = (volatile uint32_t *)0x20000000;
    sector[0] = 0x00400040, sector[0] = 0x12345678, sector[0] = 0x00ff00ff;
    sector[0] = 0x00e800e8, sector[0] = 0, sector[64] = 0xcafef00d, sector[0] = 0x00d000d0;
    sector[0] = 0x00ff00ff;
    sector[8] = 0x00200020, sector[8] = 0x00d000d0, sector[8] = 0x00ff00ff;
}

__attribute__((noinline)) static void supervisor(void)
{
    volatile word *seen = SHOWN(by_paged);
    (void)seen[0];
    seen[1] = 1;
    calls(SHOWN(by_paged_cmdline), SHOWN(by_paged_tmpnam), SHOWN(by_paged_heapinfo),
          SHOWN(&by_paged_elapsed), SHOWN(by_paged_read));
    bad_calls(0xc0000000);
    __asm__ volatile("ecall");
}

int main(void)
{
    calls(by_cmdline, by_tmpnam, by_heapinfo, &by_elapsed, by_read);
    bad_calls(0x70000000);
#ifdef VIRTIO
    dma();
#endif
    program();
    /* Leaves of 1 GiB, or of 4 MiB; A and D are left to the hardware. */
#if __riscv_xlen == 64
    by_walk[1] = by_walk[2] = (0x80000000ul >> 2) | 0xf;
    word satp = 8ul << 60 | (word)by_walk >> 12;
#else
    by_walk[256] = by_walk[512] = (0x80000000ul >> 2) | 0xf;
    word satp = 1ul << 31 | (word)by_walk >> 12;
#endif
    __asm__ volatile("csrw pmpaddr0, %0\n csrw pmpcfg0, %1" :: "r"(~(word)0), "r"((word)0x1f));
    __asm__ volatile("csrw satp, %0\n sfence.vma\n csrw mepc, %1\n csrc mstatus, %2\n csrs mstatus, %3\n mret"
                     :: "r"(satp), "r"(supervisor), "r"((word)0x1800), "r"((word)0x800) : "memory");
    quit();
}

__attribute__((used, aligned(4))) static void finish(void) { quit(); }
__asm__(".pushsection .start,\"ax\"\n la sp, _stack\n la t0, finish\n csrw mtvec, t0\n j main\n.popsection\n");

#else
volatile uint32_t by_stacking[64] __attribute__((aligned(8))), by_bitband, results_band[8];
volatile uint32_t *const flash = (volatile uint32_t *)0x20000;

/* The frame of an SVC is all that lands there. The handler pends PendSV: a frame is popped and pushed
 * again. */
__attribute__((noinline, naked)) static void overflow(void)
{
    __asm__ volatile("push {r4, r5, lr}\n mov r4, sp\n ldr r5, =by_stacking+128\n mov sp, r5\n"
                     " mov r1, r4\n svc #0\n nop\n nop\n mov sp, r4\n pop {r4, r5, pc}\n .ltorg");
}

__attribute__((used)) static void svcall(void) { REG(0xE000ED04) = 1 << 28; }
__attribute__((used)) static void pendsv(void) { results_band[7]++; }

#ifdef NVMC
/* A word of flash is programmed twice, its page erased. */
__attribute__((noinline)) static void program(void)
{
    REG(0x4001E504) = 1;
    *flash = 0x12345678;
    *flash = 0xffff0000;
    REG(0x4001E504) = 2;
    REG(0x4001E508) = 0x20000;
    REG(0x4001E504) = 0;
}
#else
#define BAND(address, bit) REG(((word)(address) & 0xf0000000) + 0x02000000 \
                               + ((word)(address) & 0xfffff) * 32 + 4 * (bit))

__attribute__((noinline)) static void bits(void)
{
    BAND(&by_bitband, 3) = 1;
    results_band[0] = BAND(&by_bitband, 3);
    *(volatile uint8_t *)&BAND(&by_bitband, 31) = 0xff;
    *(volatile uint16_t *)&BAND(&by_bitband, 3) = 2;
    /* A timer's interrupt enabled, the timer started and polled, all through aliases. */
    REG(0x40000008) = 299;
    REG(0xE000E100) = 1 << 8;
    BAND(0x40000000, 3) = 1;
    BAND(0x40000000, 0) = 1;
    for (int i = 0; i < 60; i++)
        results_band[1] += BAND(0x40000004, 4);
    while (beats < 3)
        ;
    BAND(0x40000000, 0) = 0;
}
#endif

__attribute__((used)) static void timer(void)
{
    REG(0x4000000C) = 1;
    beats++;
}

int main(void)
{
    overflow();
    overflow();
#ifdef NVMC
    program();
#else
    bits();
#endif
    calls(by_cmdline, by_tmpnam, by_heapinfo, &by_elapsed, by_read);
    bad_calls(0x70000000);
#ifdef VIRTIO
    dma();
#endif
    quit();
}

__asm__(".pushsection .vectors,\"a\"\n"
        " .word _stack, reset+1\n .rept 9\n .word fault+1\n .endr\n .word svcall, 0, 0, pendsv\n"
        " .rept 34\n .word timer\n .endr\n.popsection\n"
        ".pushsection .start,\"ax\"\n .thumb\n .thumb_func\n"
        "reset: bl main\n .thumb_func\nfault: b fault\n.popsection\n");
#endif
