/* Special registers, privilege, and exceptions: entry, return, order, frames, escalation. */
#include <stdbool.h>

#include "isa.h"

#define IRQS 8
#define RETTOBASE 0x800                   /* unknown in thread mode, and not there on Armv6-M */
#define NVIC_ISER REG(0xE000E100)
#define NVIC_ICER REG(0xE000E180)
#define NVIC_ISPR REG(0xE000E200)
#define NVIC_ICPR REG(0xE000E280)
#define NVIC_IPR(n) REG(0xE000E400 + 4 * (n))
#define AIRCR REG(0xE000ED0C)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const u32 values[] = {
    0, 1, 2, 3, 4, 0x1f, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xe0, 0xff, 0x100, 0x20001003,
    0x20000ffe, 0xf8000000, 0xffffffff,
};
static u32 process_stack[64] __attribute__((aligned(8)));
static u32 order[64], taken;

/* ---- in another mode ------------------------------------------------------------------- */

/* `test` in handler mode, by way of PendSV. */
static void (*in_handler)(void);

static void run_in_handler(u32 *frame)
{
    (void)frame;
    if (MRS(ipsr) == 14)
        in_handler();
}

static void as_handler(void (*test)(void))
{
    in_handler = test;
    hook = run_in_handler;
    ICSR = 1 << 28;
    __asm__ volatile("dsb; isb");
    hook = 0;
}

static void on_process_stack(void (*test)(void))
{
    u32 psp = MRS(psp);
    __asm__ volatile("mov r4, sp; msr psp, %0; movs r5, #2; msr control, r5; isb; blx %1; movs r5, #0; "
                     "msr control, r5; isb" ::"r"(process_stack + COUNT(process_stack)), "r"(test)
                     : "r0", "r1", "r2", "r3", "r4", "r5", "r12", "lr", "memory", "cc");
    MSR(psp, psp);
}

#if MAINLINE
/* Unprivileged; an SVC brings the privilege back. */
static void regain(u32 *frame)
{
    (void)frame;
    MSR(control, MRS(control) & ~1u);
}

static void unprivileged(void (*test)(void))
{
    MSR(control, 1);
    test();
    svc_hook = regain;
    __asm__ volatile("svc #9" ::: "memory");
    svc_hook = 0;
}
#endif

/* ---- special registers ----------------------------------------------------------------- */

static void read_all(void)
{
    mix(MRS(primask));
    mix(MRS(control));
    mix(MRS(psp));
    mix(MRS(ipsr));
    mix(MRS(epsr));
    mix(MRS(apsr) & 0xf8000000);
#if MAINLINE
    mix(MRS(basepri));
    mix(MRS(basepri_max));
    mix(MRS(faultmask));
#endif
}

#define WRITE(name)                                       \
    for (i = 0; i < COUNT(values); i++) {                 \
        MSR(name, values[i]);                             \
        read_all();                                       \
    }
#define UNDO(name) MSR(name, 0)

static void write_masks(void)
{
    u32 i;
    WRITE(primask);
    UNDO(primask);
    if (!(MRS(control) & 2)) {
        WRITE(psp);
        UNDO(psp);
    }
    WRITE(ipsr);
    WRITE(epsr);
#if MAINLINE
    WRITE(basepri);
    UNDO(basepri);
    WRITE(basepri_max);
    for (i = 0; i < COUNT(values); i++) {
        MSR(basepri, values[COUNT(values) - 1 - i]);
        MSR(basepri_max, values[i]);
        read_all();
    }
    UNDO(basepri);
#endif
}

#if MAINLINE
static void write_faultmask(void)
{
    u32 i;
    WRITE(faultmask);
    UNDO(faultmask);
    __asm__ volatile("cpsid f");
    read_all();
    __asm__ volatile("cpsid i");
    read_all();
    __asm__ volatile("cpsie if");
    read_all();
}
#endif

static void write_control(void)
{
    u32 i;
    for (i = 0; i < COUNT(values); i++) {
        u32 psp = MRS(psp), sp;
        MSR(psp, (u32)process_stack + 128);
        /* Not to be left unprivileged: bit 0 is for `unprivileged`. */
        __asm__ volatile("mov r4, sp; msr control, %1; isb; mrs r5, control; mov %0, sp; movs r6, #0; "
                         "msr control, r6; isb; mov sp, r4" : "=&r"(sp)
                         : "r"(values[i] & ~1u) : "r4", "r5", "r6", "memory", "cc");
        mix(sp);
        read_all();
        MSR(psp, psp);
    }
}

/* ---- order of exceptions --------------------------------------------------------------- */

static void note(u32 *frame)
{
    (void)frame;
    if (taken < COUNT(order))
        order[taken++] = MRS(ipsr);
}

static void mix_order(void)
{
    u32 i;
    mix(taken);
    for (i = 0; i < taken; i++)
        mix(order[i]);
    taken = 0;
}

/* Interrupt n has its priority from `seed`. */
static void set_priorities(u32 seed)
{
    u32 i, p[2] = { 0, 0 };
    for (i = 0; i < IRQS; i++) {
        seed = seed * 1664525 + 1013904223;
        p[i / 4] |= (seed >> 24 & 0xc0) << 8 * (i % 4);
    }
    NVIC_IPR(0) = p[0];
    NVIC_IPR(1) = p[1];
    SHPR(3) = seed & 0xc0c00000;
}

static void all_at_once(void)
{
    u32 seed;
    hook = note;
    for (seed = 0; seed < 40; seed++) {
        set_priorities(seed);
        __asm__ volatile("cpsid i");
        NVIC_ISER = seed & 1 ? 0xff : 0x7e;
        NVIC_ISPR = 0xff;
        ICSR = 1 << 28 | 1 << 26;         /* PendSV, SysTick */
        mix(ICSR & ~RETTOBASE);
        mix(NVIC_ISPR);
        __asm__ volatile("cpsie i; isb");
        mix(ICSR & ~RETTOBASE);
        mix_order();
        NVIC_ICER = 0xff;
        NVIC_ICPR = 0xff;
    }
    hook = 0;
}

/* Each handler pends the next interrupt: it nests, or is chained to. */
static void pend_next(u32 *frame)
{
    u32 number = MRS(ipsr);
    note(frame);
    if (number >= 16 && number < 16 + IRQS - 1) {
        NVIC_ISPR = 2u << (number - 16);
        __asm__ volatile("dsb; isb");
        mix(MAINLINE ? ICSR : ICSR & ~RETTOBASE);
        if (taken < COUNT(order))
            order[taken++] = 0x100 | number;
    }
}

static void nested(void)
{
    u32 seed;
    hook = pend_next;
    NVIC_ISER = 0xff;
    for (seed = 100; seed < 140; seed++) {
        set_priorities(seed);
        NVIC_ISPR = 1;
        __asm__ volatile("dsb; isb");
        mix_order();
    }
    NVIC_ICER = 0xff;
    hook = 0;
}

#if MAINLINE
static void masked(void)
{
    u32 mask, group;
    hook = note;
    NVIC_ISER = 0xff;
    for (group = 0; group < 8; group++) {
        AIRCR = 0x05fa0000 | group << 8;
        mix(AIRCR);
        NVIC_IPR(0) = 0xc0804000;
        NVIC_IPR(1) = 0xff7f3f10;
        for (mask = 0; mask < 0x100; mask += 16) {
            MSR(basepri, mask);
            NVIC_ISPR = 0xff;
            __asm__ volatile("dsb; isb");
            mix_order();
            MSR(basepri, 0);
            mix_order();
        }
        hook = pend_next;
        NVIC_ISPR = 1;
        __asm__ volatile("dsb; isb");
        NVIC_ISPR = 8;
        __asm__ volatile("dsb; isb");
        mix_order();
        hook = note;
    }
    AIRCR = 0x05fa0000;
    NVIC_ICER = 0xff;
    hook = 0;
}
#endif

/* ---- frames ---------------------------------------------------------------------------- */

static void look_at_frame(u32 *frame)
{
    int i;
    for (i = 0; i < 5; i++)
        mix(frame[i]);
    mix(frame[7] & 0xff00ffff);
    mix((u32)frame);
    for (i = 0; i < 4; i++)
        frame[i] = ~frame[i];
    frame[7] ^= 0xf0000000;
}

/* Is interrupted with SP so many bytes below a multiple of eight; `out`: r0 to r3 and the flags. */
__attribute__((naked)) static void interrupted(u32 below, u32 *out)
{
    (void)below, (void)out;
    __asm__ volatile("push {r4-r7, lr}; mov r6, sp; mov r4, sp; lsrs r4, r4, #3; lsls r4, r4, #3; "
                     "subs r4, r4, r0; mov sp, r4; mov r7, r1; movs r5, #1; lsls r5, r5, #28; "
                     "ldr r4, =0xe000ed04; movs r0, #0x11; movs r1, #0x22; movs r2, #0x33; "
                     "movs r3, #0x44; str r5, [r4]; dsb; isb; mrs r5, apsr; mov sp, r6; "
                     "stm r7!, {r0-r3, r5}; pop {r4-r7, pc}; .ltorg");
}

static void stack_frames(void)
{
    u32 way, out[5], i;
    hook = look_at_frame;
    for (way = 0; way < 4; way++) {
#if MAINLINE
        CCR = (CCR & ~0x200u) | (way & 2 ? 0 : 0x200);
#endif
        interrupted(way & 1 ? 4 : 0, out);
        for (i = 0; i < COUNT(out); i++)
            mix(out[i]);
    }
#if MAINLINE
    CCR |= 0x200;
#endif
    hook = 0;
}

/* ---- returns --------------------------------------------------------------------------- */

u32 target[2], again;
#define LEAVE(name, body)                                                                         \
    __attribute__((naked)) static void name(void)                                                 \
    {                                                                                             \
        __asm__ volatile("mov r3, lr; ldr r0, =target; ldr r2, [r0]; " body "; .ltorg");          \
    }
LEAVE(by_bx, "bx r2")
LEAVE(by_pop, "push {r2}; pop {pc}")
#if MAINLINE
LEAVE(by_mov, "mov pc, r2; nop; nop")
LEAVE(by_blx, "blx r2; nop; nop")
LEAVE(by_ldr, "ldr.w pc, [r0]")
LEAVE(by_ldm, "subs r0, r0, #4; ldm r0, {r1, pc}")
#endif

static void returns(void)
{
    static void (*const ways[])(void) = {
        by_bx, by_pop,
#if MAINLINE
        by_ldr, by_ldm, by_mov, by_blx,   /* QEMU's Cortex-M0 does not come back from the last two */
#endif
    };
    static const u32 links[] = {
        0xfffffff9, 0xfffffff1, 0xfffffff5, 0xfffffffb, 0xffffffff, 0xfffffff8, 0xfffffff0,
    };
    u32 way, i;
    for (way = 0; way < COUNT(ways); way++)
        for (i = 0; i < COUNT(links); i++) {
            bool returning = way < 4;
            target[0] = links[i];
            now.body = now.resume = (u32)ways[way];
            leave = ways[way];
            /* A return that fails leaves PendSV's frame to the fault's handler. What is no return
               faults inside PendSV, which is then gone on with at `by_bx`. */
            leave_with = returning ? 0xfffffff9 : 0;
            if (!returning)
                now.resume = (u32)by_bx;
            again = returning ? 0 : 0xfffffff9;
            ICSR = 1 << 28;
            __asm__ volatile("dsb; isb");
            leave_with = 0;
            leave = 0;
            mix(seen.count);
            mix(seen.number);
            mix(seen.cfsr);
            mix(seen.exc_return);
            mix(seen.xpsr & 0xff00fdff);
            mix(seen.pc < 0xf0000000 ? 0 : seen.pc);
            seen.count = seen.number = seen.cfsr = seen.exc_return = seen.xpsr = 0;
        }
}

void system_tests(void)
{
    static void (*const tests[])(void) = {
        write_masks,
#if MAINLINE
        write_faultmask,
#endif
        write_control,
    };
    static const char *const names[] = {
        "masks",
#if MAINLINE
        "faultmask",
#endif
        "control",
    };
    u32 i;
    for (i = 0; i < COUNT(tests); i++) {
        tests[i]();
        end_line(names[i]);
        as_handler(tests[i]);
        say("in a handler: ");
        end_line(names[i]);
#if MAINLINE
        unprivileged(tests[i]);
        say("unprivileged: ");
        end_line(names[i]);
#endif
    }
    on_process_stack(write_masks);
    end_line("masks on the process stack");
    all_at_once();
    end_line("all at once");
    nested();
    end_line("nested");
#if MAINLINE
    masked();
    end_line("masked");
#endif
    stack_frames();
    end_line("frames");
    returns();
    end_line("returns");
    on_process_stack(stack_frames);
    end_line("frames on the process stack");
}
