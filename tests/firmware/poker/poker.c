/* Does what a script says, which tests/fuzz/guests.py puts in place of `script`: reads and writes
 * anywhere, of any size. An access that faults is left out; interrupts that come are held off. */
#include <stdint.h>

enum { END, WRITE, READ, FILL, SPIN, WAIT, UNMASK, MASK };

/* `count` accesses of `size` bytes from `address` on, each `step` bytes after the other. */
struct action {
    uint8_t op, size;
    uint16_t count;
    int32_t step;
    uint64_t address, value;
};

__attribute__((section(".script"), used)) struct action script[2048] = {
    { 0xff, 'T', 0x4454, 0x4f50, 0x545049524353524b, 0 },
};
volatile uint64_t seen;               /* a sum over all that was read */
volatile uint32_t at;                 /* where in the script; a fault goes on behind it */

static void access(const struct action *a, uintptr_t address)
{
    uint64_t value = 0;
    if (a->op == READ) {
        switch (a->size) {
        case 1: value = *(volatile uint8_t *)address; break;
        case 2: value = *(volatile uint16_t *)address; break;
        case 8: value = *(volatile uint64_t *)address; break;
        default: value = *(volatile uint32_t *)address;
        }
        seen = (seen ^ value) * 1099511628211u;
        return;
    }
    switch (a->size) {
    case 1: *(volatile uint8_t *)address = (uint8_t)a->value; break;
    case 2: *(volatile uint16_t *)address = (uint16_t)a->value; break;
    case 8: *(volatile uint64_t *)address = a->value; break;
    default: *(volatile uint32_t *)address = (uint32_t)a->value;
    }
}

static void unmask(void)
{
#ifdef __riscv
    __asm__ volatile("csrw mie, %0\n csrsi mstatus, 8" :: "r"(0xaaa));
#else
    __asm__ volatile("cpsie i");
#endif
}

void interpret(void)
{
    while (at < sizeof script / sizeof *script) {
        const struct action *a = &script[at++];
        uintptr_t address = (uintptr_t)a->address;
        if (a->op == END)
            break;
        if (a->op == SPIN)
            for (volatile uint32_t n = a->count; n; n--)
                ;
        else if (a->op == WAIT)
            __asm__ volatile("wfi");
        else if (a->op == UNMASK)
            unmask();
        else if (a->op <= FILL)
            for (uint32_t n = 0; n < a->count; n++)
                access(a, address + (uintptr_t)(n * (intptr_t)a->step));
    }
    for (;;)
        ;
}

#ifdef __riscv
/* Both kinds of trap: after an exception the script goes on with its next action, interrupts are
 * switched off. */
__asm__(".pushsection .start,\"ax\"\n"
        "  la sp, _stack\n la t0, trap\n csrw mtvec, t0\n j interpret\n"
        "  .balign 4\n"
        "trap: csrr t0, mcause\n bltz t0, 1f\n"
        "  la sp, _stack\n la t0, interpret\n csrw mepc, t0\n li t0, 0x1800\n csrs mstatus, t0\n mret\n"
        "1: csrw mie, zero\n mret\n"
        ".popsection\n");
#else
/* After a fault the script goes on with its next action: the frame is thrown away. */
__asm__(".pushsection .vectors,\"a\"\n"
        "  .word _stack, reset+1, interrupt+1, fault+1\n .rept 7\n .word fault+1\n .endr\n"
        "  .rept 69\n .word interrupt+1\n .endr\n.popsection\n"
        ".pushsection .start,\"ax\"\n .thumb\n .thumb_func\n"
        "reset: bl interpret\n .thumb_func\n"
        "interrupt: cpsid i\n bx lr\n .thumb_func\n"
        "fault: ldr r0, =_stack-32\n mov sp, r0\n ldr r1, =interpret\n str r1, [r0, #24]\n"
        "  ldr r1, =0x01000000\n str r1, [r0, #28]\n ldr r1, =0xfffffff9\n bx r1\n .ltorg\n"
        ".popsection\n");
#endif
