/* SSE on floating point: results, and the flags of MXCSR, in all modes. */
#include "isa.h"

static const u32 singles[] = {
    0, 0x80000000, 0x3f800000, 0xbf800000, 0x40490fdb, 0x7f800000, 0xff800000, 0x7fc00000, 0x7fa00001,
    0xffc12345, 0x00000001, 0x807fffff, 0x00800000, 0x7f7fffff, 0x3f000000, 0x3fc00000, 0xc0200000,
    0x4effffff, 0x4f000000, 0xcf000000, 0x33800000, 0x5f000000, 0x00ffffff, 0x3eaaaaab,
};
static const u64 doubles[] = {
    0, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x400921fb54442d18,
    0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000, 0x7ff4000000000001,
    0xfff8123456789abc, 1, 0x800fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff,
    0x3fe0000000000000, 0x3ff8000000000000, 0xc004000000000000, 0x41dfffffffc00000,
    0x41dfffffffe00000, 0xc1e0000000100000, 0x43e0000000000000, 0x36a0000000000000,
    0x380fffffe0000000, 0x47efffffe0000001, 0x3fd5555555555555,
};
/* Rounding modes, DAZ and FTZ. */
static const u32 modes[] = { 0x1f80, 0x3f80, 0x5f80, 0x7f80, 0x1fc0, 0x9f80, 0x9fc0, 0xdf80 };

static vec four(int i)
{
    return (vec){ .d = { singles[i], singles[(i + 5) % COUNT(singles)],
                         singles[(i * 7 + 1) % COUNT(singles)], singles[(i * 11 + 2) % COUNT(singles)] } };
}

static vec two(int i) { return (vec){ { doubles[i], doubles[(i * 7 + 4) % COUNT(doubles)] } }; }

#define LOOP(table) \
    for (int m = 0; m < COUNT(modes); m++) \
        for (int i = 0; i < COUNT(table); i++) \
            for (int j = 0; j < COUNT(table); j++)
#define RESULT(r, s) mix((r).q[0]), mix((r).q[1]), mix(s)
#define BINARY(name, insn, table, of) \
    LOOP(table) { \
        vec a = of(i), b = of(j), r; \
        u32 s = modes[m]; \
        __asm__ volatile("ldmxcsr %1\n movdqa %2, %%xmm0\n movdqa %3, %%xmm1\n" \
                         insn "%%xmm1, %%xmm0\n stmxcsr %1\n movdqa %%xmm0, %0" \
                         : "=m"(r), "+m"(s) : "m"(a), "m"(b) : "xmm0", "xmm1"); \
        RESULT(r, s); \
        if (m) \
            continue; \
        __asm__ volatile("movdqa %2, %%xmm12\n" insn "%3, %%xmm12\n stmxcsr %1\n" \
                         "movdqa %%xmm12, %0" : "=m"(r), "+m"(s) : "m"(a), "m"(b) : "xmm12"); \
        RESULT(r, s); \
    } \
    line(name);
#define S(name) BINARY(#name, #name " ", singles, four)
#define D(name) BINARY(#name, #name " ", doubles, two)
#define SI(name, n) BINARY(#name " " #n, #name " $" #n ", ", singles, four)
#define DI(name, n) BINARY(#name " " #n, #name " $" #n ", ", doubles, two)
#define ALL_FOUR(name) S(name##ps) S(name##ss) D(name##pd) D(name##sd)
#define COMPARES(n) SI(cmpps, n) SI(cmpss, n) DI(cmppd, n) DI(cmpsd, n)
#define ROUNDS(n) SI(roundps, n) SI(roundss, n) DI(roundpd, n) DI(roundsd, n)

#define FLAGS(name, table, of) \
    LOOP(table) { \
        vec a = of(i), b = of(j); \
        u32 s = modes[m]; \
        u64 f; \
        __asm__ volatile("ldmxcsr %1\n movdqa %2, %%xmm0\n" #name " %3, %%xmm0\n pushfq\n pop %0\n" \
                         "stmxcsr %1" : "=&r"(f), "+m"(s) : "m"(a), "m"(b) : "xmm0", "cc"); \
        mix(f & 0x8d5), mix(s); \
    } \
    line(#name);
#define TO_INTEGER(name, insn, table, of) \
    for (int m = 0; m < COUNT(modes); m++) \
        for (int i = 0; i < COUNT(table); i++) { \
            vec a = of(i); \
            u32 s = modes[m]; \
            u64 r = ~0ull; \
            __asm__ volatile("ldmxcsr %1\n movdqa %2, %%xmm0\n" insn "\n stmxcsr %1" \
                             : "+a"(r), "+m"(s) : "m"(a) : "xmm0"); \
            mix(r), mix(s); \
        } \
    line(name);
#define FROM_INTEGER(name, insn) \
    for (int m = 0; m < COUNT(modes); m++) \
        for (int i = 0; i < COUNT(doubles); i++) { \
            vec a = { { ~0ull, 5 } }, r; \
            u32 s = modes[m]; \
            __asm__ volatile("ldmxcsr %1\n movdqa %2, %%xmm0\n" insn "\n stmxcsr %1\n movdqa %%xmm0, %0" \
                             : "=m"(r), "+m"(s) : "m"(a), "a"(doubles[i]), "m"(doubles[i]) : "xmm0"); \
            RESULT(r, s); \
        } \
    line(name);
#define TO_MMX(name, table, of) \
    for (int m = 0; m < COUNT(modes); m++) \
        for (int i = 0; i < COUNT(table); i++) { \
            vec a = of(i); \
            u32 s = modes[m]; \
            u64 r; \
            __asm__ volatile("ldmxcsr %1\n" #name " %2, %%mm3\n stmxcsr %1\n movq %%mm3, %0\n emms" \
                             : "=m"(r), "+m"(s) : "m"(a) : "st"); \
            mix(r), mix(s); \
        } \
    line(#name);

/* Within 12 bits of the right value, without a flag: what exactly they give is the processor's. */
static void estimates(void)
{
    for (u32 n = 1; n < 2000; n += 7) {
        float x = (float)n * 0.37f, r, q;
        u32 s = 0x1f80;
        __asm__ volatile("ldmxcsr %2\n rcpss %3, %0\n rsqrtss %3, %1\n stmxcsr %2"
                         : "=&x"(r), "=&x"(q), "+m"(s) : "m"(x));
        mix(r * x > 0.9995f && r * x < 1.0005f);
        mix(q * q * x > 0.999f && q * q * x < 1.001f);
        mix(s);
    }
    line("rcpss, rsqrtss");
    for (int i = 0; i < 7; i++) {
        float r, q;
        u32 s = 0x1f80;
        __asm__ volatile("ldmxcsr %2\n rcpss %3, %0\n rsqrtss %3, %1\n stmxcsr %2"
                         : "=&x"(r), "=&x"(q), "+m"(s)
                         : "m"(((const u32[]){ 0, 0x80000000, 1, 0x7f800000, 0xff800000, 0x7fa00000,
                                               0x80000001 })[i]));
        u32 bits[2];
        __builtin_memcpy(bits, &r, 4);
        __builtin_memcpy(bits + 1, &q, 4);
        mix(bits[0]), mix(bits[1]), mix(s);
    }
    line("rcpss, rsqrtss of zeros, infinities and NaNs");
}

void floats(void)
{
    u32 plain = 0x1f80;
    ALL_FOUR(add) ALL_FOUR(sub) ALL_FOUR(mul) ALL_FOUR(div) ALL_FOUR(min) ALL_FOUR(max)
    ALL_FOUR(sqrt) COMPARES(0) COMPARES(1) COMPARES(2) COMPARES(3) COMPARES(4) COMPARES(5)
    COMPARES(6) COMPARES(7) ROUNDS(0) ROUNDS(1) ROUNDS(2) ROUNDS(3) ROUNDS(4) ROUNDS(8) ROUNDS(12)
    S(haddps) S(hsubps) S(addsubps) D(haddpd) D(hsubpd) D(addsubpd)
    SI(dpps, 0xff) SI(dpps, 0x71) SI(dpps, 0x5a) DI(dppd, 0x33) DI(dppd, 0x12)
    D(cvtsd2ss) S(cvtss2sd) D(cvtpd2ps) S(cvtps2pd) S(cvtps2dq) S(cvttps2dq) D(cvtpd2dq)
    D(cvttpd2dq) S(cvtdq2ps) S(cvtdq2pd)
    FLAGS(comiss, singles, four) FLAGS(ucomiss, singles, four) FLAGS(comisd, doubles, two)
    FLAGS(ucomisd, doubles, two)
    TO_INTEGER("cvtss2si", "cvtss2si %%xmm0, %%eax", singles, four)
    TO_INTEGER("cvttss2si", "cvttss2si %%xmm0, %%eax", singles, four)
    TO_INTEGER("cvtss2siq", "cvtss2siq %%xmm0, %%rax", singles, four)
    TO_INTEGER("cvttss2siq", "cvttss2siq %2, %%rax", singles, four)
    TO_INTEGER("cvtsd2si", "cvtsd2si %%xmm0, %%eax", doubles, two)
    TO_INTEGER("cvttsd2si", "cvttsd2si %2, %%eax", doubles, two)
    TO_INTEGER("cvtsd2siq", "cvtsd2siq %2, %%rax", doubles, two)
    TO_INTEGER("cvttsd2siq", "cvttsd2siq %%xmm0, %%rax", doubles, two)
    FROM_INTEGER("cvtsi2ss", "cvtsi2ssl %%eax, %%xmm0") FROM_INTEGER("cvtsi2ssq", "cvtsi2ssq %%rax, %%xmm0")
    FROM_INTEGER("cvtsi2sd", "cvtsi2sdl %4, %%xmm0") FROM_INTEGER("cvtsi2sdq", "cvtsi2sdq %%rax, %%xmm0")
    FROM_INTEGER("cvtpi2ps", "movq %%rax, %%mm1\n cvtpi2ps %%mm1, %%xmm0\n emms")
    FROM_INTEGER("cvtpi2ps memory", "cvtpi2ps %4, %%xmm0") FROM_INTEGER("cvtpi2pd", "cvtpi2pd %4, %%xmm0")
    TO_MMX(cvtps2pi, singles, four) TO_MMX(cvttps2pi, singles, four) TO_MMX(cvtpd2pi, doubles, two)
    TO_MMX(cvttpd2pi, doubles, two)
    estimates();
    __asm__ volatile("ldmxcsr %0" : : "m"(plain));
}
