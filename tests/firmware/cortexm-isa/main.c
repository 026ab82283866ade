/* Runs every operation of ops.S on its kind of operands and prints a line for each name: a
 * signature of all results, memory and faults. Then come the tests of system.c. */
#include "isa.h"

extern const struct op ops_start[], ops_end[];
extern u32 stack_top[];
void reset(void);

struct regs now;
struct fault seen;
void (*hook)(u32 *frame), (*svc_hook)(u32 *frame), (*leave)(void);
u32 leave_with;

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FLAG_SETS 16

static const u32 values[] = {
    0, 1, 2, 31, 32, 33, 0x7f, 0x80, 0xff, 0x8000, 0xffff, 0x12345678, 0x7fffffff, 0x80000000,
    0x80000001, 0xfffffffe, 0xffffffff,
};
static const u32 few[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x89abcdef };

/* ---- output -------------------------------------------------------------------------- */

static u32 low, high;

#ifdef VERBOSE                            /* what a signature is of: a line of it before each name */
static u32 log[2048], logged;
#endif

void mix(u32 value)
{
#ifdef VERBOSE
    if (logged < COUNT(log))
        log[logged++] = value;
#endif
    low = (low ^ value) * 0x9e3779b1;
    low ^= low >> 15;
    high = (high + low) * 0x85ebca6b;
    high ^= high >> 13;
}

static u32 semihost(u32 number, const void *parameter)
{
    register u32 r0 __asm__("r0") = number;
    register const void *r1 __asm__("r1") = parameter;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void say(const char *text)
{
    semihost(4, text);
}

void say_hex(u32 value, int digits)
{
    char text[9];
    int i;
    for (i = 0; i < digits; i++)
        text[i] = "0123456789abcdef"[value >> 4 * (digits - 1 - i) & 15];
    text[digits] = 0;
    say(text);
}

/* Ends a line of output that `name` begins. */
void end_line(const char *name)
{
#ifdef VERBOSE
    for (u32 i = 0; i < logged; i++) {
        say_hex(log[i], 8);
        say(" ");
    }
    logged = 0;
#endif
    say(name);
    say(" ");
    say_hex(low, 8);
    say_hex(high, 8);
    say("\n");
    low = high = 0;
}

/* ---- exceptions ---------------------------------------------------------------------- */

/* r4 to r11 are as they were: what is called keeps them. */
__attribute__((naked)) void handler(void)
{
    __asm__ volatile("mrs r0, ipsr; cmp r0, #14; bne 1f; ldr r0, =leave; ldr r0, [r0]; cmp r0, #0; "
                     "beq 1f; bx r0; "
                     "1: mov r1, lr; lsls r0, r1, #29; bmi 2f; mrs r0, msp; b 3f; 2: mrs r0, psp; "
                     "3: push {r1, lr}; bl handle; pop {r1, r2}; ldr r0, =leave_with; ldr r0, [r0]; "
                     "cmp r0, #0; bne 4f; bx r2; 4: bx r0; .ltorg");
}

__attribute__((used)) void handle(u32 *frame, u32 exc_return)
{
    u32 number = MRS(ipsr);
    if (hook && number != 11 && number > 6) {
        hook(frame);
        return;
    }
    if (svc_hook && number == 11) {
        svc_hook(frame);
        return;
    }
    seen.count++;
    seen.number = number;
    seen.exc_return = exc_return;
    seen.frame = (u32)frame;
#if MAINLINE
    seen.cfsr = CFSR;
    seen.hfsr = HFSR;
    seen.address = CFSR & 0x80 ? REG(0xE000ED34) : CFSR & 0x8000 ? REG(0xE000ED38) : 0;
    CFSR = seen.cfsr;
    HFSR = seen.hfsr;
#endif
    seen.pc = frame[6];
    seen.xpsr = frame[7];
    if (number == 11)
        return;
    if (again)
        target[0] = again;
    if (seen.count > 5)
        for (;;)
            ;
    if (leave_with)
        return;
    frame[6] = now.resume & ~1u;
    frame[7] = (frame[7] | 1 << 24) & ~0x0600fc00u;
}

__attribute__((section(".vectors"), used)) static void *const vectors[16 + 32] = {
    stack_top, reset, [2 ... 47] = handler,
};

/* ---- operands ------------------------------------------------------------------------ */

static uint8_t pages[3 * 1024] __attribute__((aligned(1024)));
static uint8_t *const border = pages + 2048;

static void mix_fault(void)
{
    mix(seen.count);
    if (!seen.count)
        return;
    mix(seen.number);
    mix(seen.cfsr);
    mix(seen.hfsr);
    mix(seen.address);
    mix(seen.pc - now.body);
    mix(seen.exc_return);
    mix(seen.xpsr & 0xff00fdff);
    seen.count = 0;
}

static void call(const struct op *op, u32 a, u32 b, u32 c, u32 d, u32 flags)
{
    now.r[0] = a;
    now.r[1] = b;
    now.r[2] = c;
    now.r[3] = d;
    now.apsr = flags << 28 | (MAINLINE && flags == FLAG_SETS - 1 ? 1u << 27 : 0);
    op->call(&now);
    for (int i = 0; i < 4; i++)
        mix(now.r[i]);
    mix(now.apsr);
    mix_fault();
}

static void on_memory(const struct op *op)
{
    for (u32 at = 0; at < 16; at++) {
        for (int i = -32; i < 32; i++)
            border[i] = (uint8_t)(0x83 + 37 * i);
        call(op, (u32)(border - 12 + at), at & 3, 0x12345678, 0x89abcdef, at);
        for (int i = -32; i < 32; i += 4)
            mix(*(u32 *)(border + i));
    }
}

static void run(const struct op *op)
{
    u32 n = op->kind == R3 ? COUNT(few) : op->kind == FLAGS ? FLAG_SETS : COUNT(values), i, j, k, l;
    if (op->kind == MEM) {
        on_memory(op);
#if MAINLINE
        CCR |= 1 << 3;                    /* UNALIGN_TRP */
        on_memory(op);
        CCR &= ~(1u << 3);
#endif
        return;
    }
    for (i = 0; i < n; i++) {
        if (op->kind == FLAGS) {
            call(op, 0x80000000, 1, 2, 3, i);
            continue;
        }
        for (j = 0; j < n; j++) {
            if (op->kind == RR) {
                call(op, values[i], values[j], values[i] + values[j], 5, 0);
                call(op, values[i], values[j], values[i] + values[j], 5, FLAG_SETS - 1);
                continue;
            }
            for (k = 0; k < n; k++)
                for (l = 0; l < n; l++)
                    call(op, few[i], few[j], few[k], few[l], l);
        }
    }
}

void reset(void)
{
    static const u32 done = 0x20026;
    u32 *at;
    for (at = (u32 *)0x20000000; at < (u32 *)MRS(msp) - 64; at++)
        *at = 0;
#if MAINLINE
    SHCSR = 7 << 16;
#endif
    for (const struct op *op = ops_start; op < ops_end; op++) {
        run(op);
        if (op + 1 == ops_end || op[1].name != op->name)
            end_line(op->name);
    }
    system_tests();
    semihost(0x18, (const void *)done);
    for (;;)
        ;
}
