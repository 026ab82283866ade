/* How the operands of an operation are chosen (main.c). */
#define RR 0         /* r1, r2: all pairs of edge values, r3 the sum, under two sets of flags */
#define R3 1         /* r1 to r4: some values each */
#define FLAGS 2      /* all sets of flags */
#define MEM 3        /* r1 an address, at all offsets across a page, r2 an index, r3 r4 data */

/* In `struct regs` and `struct fault`. */
#define APSR 16
#define BODY 20
#define RESUME 24

#ifndef __ASSEMBLER__
#include <stdint.h>
typedef uint32_t u32;

struct regs {
    u32 r[4], apsr, body, resume, spare;
};
/* The last exception: what was stacked, and what the core says of it. */
struct fault {
    u32 count, number, cfsr, hfsr, address, pc, exc_return, xpsr, frame;
};
struct op {
    const char *name;
    void (*call)(struct regs *);
    u32 kind;
};

#define REG(address) (*(volatile u32 *)(address))
#define ICSR REG(0xE000ED04)
#define VTOR REG(0xE000ED08)
#define CCR REG(0xE000ED14)
#define SHPR(n) REG(0xE000ED14 + 4 * (n))
#define SHCSR REG(0xE000ED24)
#define CFSR REG(0xE000ED28)
#define HFSR REG(0xE000ED2C)
#define MRS(name) ({ u32 v_; __asm__ volatile("mrs %0, " #name : "=r"(v_)::"memory"); v_; })
#define MSR(name, value) __asm__ volatile("msr " #name ", %0; isb" ::"r"((u32)(value)) : "memory")
#define MAINLINE (__ARM_ARCH >= 7)

extern struct regs now;
extern struct fault seen;
/* What an exception that is none of `now`'s does, and an SVC; they get the frame. */
extern void (*hook)(u32 *frame), (*svc_hook)(u32 *frame);
/* How PendSV is left, without a look at its frame; and with what other handlers are, if not as usual. */
extern void (*leave)(void);
extern u32 leave_with;
/* What `target` of system.c is after a fault. */
extern u32 target[2], again;

void handler(void);
void mix(u32 value);
void say(const char *text);
void say_hex(u32 value, int digits);
void end_line(const char *name);
void system_tests(void);
#endif
