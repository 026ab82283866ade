/* Loads, stores and exclusives. */
#include "isa.h"

static u8 bytes[256] __attribute__((aligned(64)));

static void fill(void)
{
    for (int i = 0; i < COUNT(bytes); i++)
        bytes[i] = (u8)(i * 37 + (i >> 4) + 0x70);
}

#define ACCESS(name, insn) \
    for (int at = 0; at < 24; at += (step)) { \
        fill(); \
        register u64 a __asm__("x0") = 0xa5a5a5a5a5a5a5a5; \
        register u64 b __asm__("x1") = 0x0123456789abcdef; \
        register u64 c __asm__("x2") = 0x7777777777777777; \
        register u64 p __asm__("x3") = (u64)bytes + 64 + (u64)at; \
        register u64 i __asm__("x4") = 0xfffffffffffffff8; \
        __asm__ volatile(insn : "+r"(a), "+r"(b), "+r"(c), "+r"(p), "+r"(i) : : "memory", "cc", "v0", "v1"); \
        u64 results[] = { a, b, c, p - (u64)bytes }; \
        for (int k = 0; k < COUNT(results); k++) \
            mix(results[k]); \
        for (int k = 0; k < COUNT(bytes); k += 8) \
            mix(*(u64 *)(bytes + k)); \
    } \
    line(name);

void memory(void)
{
    int step = 1;
    ACCESS("ldr", "ldr x0, [x3]") ACCESS("ldr w", "ldr w0, [x3, #8]") ACCESS("ldrh", "ldrh w0, [x3, #-6]")
    ACCESS("ldrb", "ldrb w0, [x3], #3") ACCESS("ldrsb", "ldrsb x0, [x3, #5]!")
    ACCESS("ldrsh", "ldrsh w0, [x3, x4]") ACCESS("ldrsw", "ldrsw x0, [x3, w4, sxtw #2]")
    ACCESS("str", "str x1, [x3, #16]") ACCESS("str w", "str w1, [x3, x4, lsl #2]")
    ACCESS("strh", "strh w1, [x3], #-7") ACCESS("strb", "strb w1, [x3, #1]!")
    ACCESS("ldp", "ldp x0, x1, [x3, #16]") ACCESS("ldp w", "ldp w0, w1, [x3], #8")
    ACCESS("ldpsw", "ldpsw x0, x1, [x3, #-16]!") ACCESS("stp", "stp x1, x2, [x3, #-32]")
    ACCESS("stp w", "stp w1, w2, [x3, #4]!") ACCESS("ldr q", "ldr q0, [x3]\n str q0, [x3, #32]")
    ACCESS("ldp q", "ldp q0, q1, [x3]\n stp q1, q0, [x3, #32]") ACCESS("ldr s", "ldr s0, [x3]\n str d0, [x3, #8]")
    ACCESS("ld1", "ld1 {v0.8h, v1.8h}, [x3], #32\n st2 {v0.16b, v1.16b}, [x3]")
    step = 8;
    ACCESS("exclusive", "ldxr x0, [x3]\n stxr w2, x1, [x3]") ACCESS("w", "ldaxr w0, [x3]\n stlxr w2, w1, [x3]")
    ACCESS("other address", "ldxr x0, [x3]\n add x3, x3, #8\n stxr w2, x1, [x3]")
    ACCESS("no monitor", "clrex\n stxr w2, x1, [x3]")
    ACCESS("pair w", "ldxp w0, w1, [x3]\n stxp w2, w1, w0, [x3]")
    ACCESS("ordered", "ldar x0, [x3]\n stlr w1, [x3]")
    step = 16;
    ACCESS("pair", "ldaxp x0, x1, [x3]\n stlxp w2, x1, x0, [x3]")
}
