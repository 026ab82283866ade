/* The x87, with its status word after each instruction, in modes of rounding and precision. */
#include "isa.h"

typedef struct { u64 fraction; u16 head; u16 rest[3]; } ext __attribute__((aligned(16)));

static const ext values[] = {
    { 0, 0, { 0 } }, { 0, 0x8000, { 0 } }, { 1ull << 63, 0x3fff, { 0 } }, { 1ull << 63, 0xbfff, { 0 } },
    { 0xc90fdaa22168c235, 0x4000, { 0 } }, { 1ull << 63, 0x7fff, { 0 } }, { 1ull << 63, 0xffff, { 0 } },
    { 0xc000000000000000, 0x7fff, { 0 } }, { 0xc000000000000123, 0xffff, { 0 } },
    { 0xa000000000000001, 0x7fff, { 0 } }, { 1, 0, { 0 } }, { 0x7fffffffffffffff, 0x8000, { 0 } },
    { 1ull << 63, 1, { 0 } }, { 0xffffffffffffffff, 0x7ffe, { 0 } }, { 1ull << 63, 0x3ffe, { 0 } },
    { 0xc000000000000000, 0x3fff, { 0 } }, { 0xaaaaaaaaaaaaaaab, 0xbffd, { 0 } },
    { 0xfffffffffffffc00, 0x4008, { 0 } }, { 0xfffffffffffff800, 0x403d, { 0 } },
    { 0xffffffffffffffff, 0xc03d, { 0 } }, { 0x8000000000000001, 0x403e, { 0 } },
    { 0xfffffffe00000000, 0x401d, { 0 } }, { 0xfffe000000000000, 0xc00d, { 0 } },
    { 0xdeadbeefcafef00d, 0x3f81, { 0 } }, { 0xde0b6b3a76400000, 0x403a, { 0 } },
    { 0x8000000000000000, 0x3c00, { 0 } }, { 0xfffffffffffffbff, 0x43fe, { 0 } },
    { 0xffffff8000000000, 0xc07e, { 0 } }, { 0xb504f333f9de6485, 0x5fff, { 0 } },
};
/* Rounding and precision. */
static const u16 modes[] = { 0x37f, 0x77f, 0xb7f, 0xf7f, 0x27f, 0x07f, 0xe7f };

#define LOOP for (int m = 0; m < COUNT(modes); m++) for (int i = 0; i < COUNT(values); i++)
#define MIX(r, s) mix((r).fraction), mix((r).head), mix(s)

/* ST(0) op ST(1); `keep`: which bits of the status word to look at. */
#define TWO(name, insn, keep) \
    LOOP for (int j = 0; j < COUNT(values); j++) { \
        ext r = values[0]; \
        u16 s; \
        __asm__ volatile("fninit\n fldcw %2\n fldt %3\n fldt %4\n" insn "\n fnstsw %1\n fstpt %0\n fninit" \
                         : "=m"(r), "=m"(s) : "m"(modes[m]), "m"(values[j]), "m"(values[i])); \
        MIX(r, s & (keep)); \
    } \
    line(name);
#define ONE(name, insn, keep) \
    LOOP { \
        ext r = values[0]; \
        u16 s; \
        __asm__ volatile("fninit\n fldcw %2\n fldt %3\n" insn "\n fnstsw %1\n fstpt %0\n fninit" \
                         : "=m"(r), "=m"(s) : "m"(modes[m]), "m"(values[i])); \
        MIX(r, s & (keep)); \
    } \
    line(name);
/* With 64 bits of memory, of which an operand may take less. */
static const u64 numbers[] = {
    0, 0x8000000000000000, 0x3ff0000000000000, 0x7ff0000000000000, 0x7ff8000000000001,
    0xfff4000000000000, 1, 0x800fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff,
    0x40091eb851eb851f, 0x3f8000003f800000, 0x7f8000017f800001, 0x0000000100000001,
    0xff800000ff800000, 0x0080000080400000, 0x7fc00001ffc00002, 0xffffffffffffffff, 0x1234,
};
#define MEMORY(name, insn) \
    LOOP for (int j = 0; j < COUNT(numbers); j++) { \
        ext r = values[0]; \
        u16 s; \
        __asm__ volatile("fninit\n fldcw %2\n fldt %3\n" insn " %4\n fnstsw %1\n fstpt %0\n fninit" \
                         : "=m"(r), "=m"(s) : "m"(modes[m]), "m"(values[i]), "m"(numbers[j])); \
        MIX(r, s); \
    } \
    line(name);
#define LOAD(name, insn) \
    for (int m = 0; m < COUNT(modes); m++) \
        for (int j = 0; j < COUNT(numbers); j++) { \
            ext r = values[0]; \
            u16 s; \
            __asm__ volatile("fninit\n fldcw %2\n" insn " %3\n fnstsw %1\n fstpt %0\n fninit" \
                             : "=m"(r), "=m"(s) : "m"(modes[m]), "m"(numbers[j])); \
            MIX(r, s); \
        } \
    line(name);
#define STORE(name, insn) \
    LOOP { \
        ext r = { 0x1111111111111111, 0x1111, { 0 } }; \
        u16 s; \
        __asm__ volatile("fninit\n fldcw %2\n fldt %3\n" insn " %0\n fnstsw %1\n fninit" \
                         : "+m"(r), "=m"(s) : "m"(modes[m]), "m"(values[i])); \
        MIX(r, s); \
    } \
    line(name);
#define FLAGS(name, insn) \
    for (int i = 0; i < COUNT(values); i++) \
        for (int j = 0; j < COUNT(values); j++) { \
            u64 f; \
            u16 s; \
            __asm__ volatile("fninit\n fldt %2\n fldt %3\n" insn "\n pushfq\n pop %0\n fnstsw %1\n fninit" \
                             : "=r"(f), "=m"(s) : "m"(values[j]), "m"(values[i]) : "cc"); \
            mix(f & 0x45), mix(s); \
        } \
    line(name);
#define CONSTANT(name) \
    for (int m = 0; m < COUNT(modes); m++) { \
        ext r = values[0]; \
        u16 s; \
        __asm__ volatile("fninit\n fldcw %2\n" #name "\n fnstsw %1\n fstpt %0\n fninit" \
                         : "=m"(r), "=m"(s) : "m"(modes[m])); \
        MIX(r, s); \
    } \
    line(#name);
/* On an empty or full stack: what is in the status word, the tags and ST(0). */
#define STACK(name, full, insn) \
    { \
        ext r = values[0]; \
        u16 env[14] = { 0 }; \
        u64 memory[2] = { 0x3ff0000000000000, 5 }; \
        __asm__ volatile("fninit\n fnclex\n mov %3, %%ecx\n 1: jecxz 2f\n fld1\n dec %%ecx\n jmp 1b\n 2:\n" \
                         insn "\n fnstenv %1\n fninit\n fldt %2" \
                         : "+m"(r), "=m"(env), "+m"(memory) : "i"(full) : "ecx", "memory", "cc"); \
        mix(env[2]), mix(env[4]), mix(memory[0]), mix(memory[1] & 0xffff); \
    } \
    line(name);
/* With all condition codes set before. */
#define CONDITIONS(name, before, insn) \
    { \
        u32 env[7]; \
        __asm__ volatile("fninit\n" before "\n fnstenv %0\n orl $0x4700, 4%0\n fldenv %0\n" insn \
                         "\n fnstenv %0\n fninit" : "=m"(env) : : "memory", "cc"); \
        mix(env[1] & 0xffff), mix(env[2] & 0xffff); \
    } \
    line(name);
enum { ALL = 0xffff };

static void arithmetic(void)
{
    TWO("fadd", "fadd %%st(1)", ALL) TWO("fsub", "fsub %%st(1)", ALL) TWO("fsubr", "fsubr %%st(1)", ALL)
    TWO("fmul", "fmul %%st(1)", ALL) TWO("fdiv", "fdiv %%st(1)", ALL) TWO("fdivr", "fdivr %%st(1)", ALL)
    TWO("faddp", "faddp", ALL) TWO("fsubp", "fsubp", ALL) TWO("fsubrp", "fsubrp", ALL)
    TWO("fmulp", "fmulp", ALL) TWO("fdivp", "fdivp", ALL) TWO("fdivrp", "fdivrp", ALL)
    TWO("fadd to 1", "fadd %%st, %%st(1)\n fxch", ALL) TWO("fdiv to 1", "fdiv %%st, %%st(1)\n fxch", ALL)
    TWO("fsubr to 1", "fsubr %%st, %%st(1)\n fxch", ALL)
    MEMORY("fadds", "fadds") MEMORY("fsubl", "fsubl") MEMORY("fsubrs", "fsubrs") MEMORY("fmull", "fmull")
    MEMORY("fdivs", "fdivs") MEMORY("fdivrl", "fdivrl") MEMORY("fiaddl", "fiaddl")
    MEMORY("fisubs", "fisubs") MEMORY("fimull", "fimull") MEMORY("fidivs", "fidivs")
    MEMORY("fidivrl", "fidivrl") MEMORY("fcoms", "fcoms") MEMORY("fcoml", "fcoml")
    MEMORY("ficoml", "ficoml") MEMORY("ficoms", "ficoms")
    ONE("fsqrt", "fsqrt", ALL) ONE("frndint", "frndint", ALL) ONE("fchs", "fchs", ALL)
    ONE("fabs", "fabs", ALL) ONE("ftst", "ftst", ALL) ONE("fxam", "fxam", ALL)
    ONE("fxtract", "fxtract", ALL) ONE("fxtract, exponent", "fxtract\n fxch", ALL)
    TWO("fscale", "fscale", ALL) TWO("fprem", "fprem", ALL) TWO("fprem1", "fprem1", ALL)
    TWO("fcom", "fcom %%st(1)", ALL) TWO("fucom", "fucom %%st(1)", ALL) TWO("fcomp", "fcomp %%st(1)", ALL)
    TWO("fcompp", "fldz\n fxch %%st(2)\n fcompp", ALL) TWO("fucompp", "fldz\n fxch %%st(2)\n fucompp", ALL)
    FLAGS("fcomi", "fcomi %%st(1), %%st") FLAGS("fucomi", "fucomi %%st(1), %%st")
    FLAGS("fcomip", "fcomip %%st(1), %%st") FLAGS("fucomip", "fucomip %%st(1), %%st")
    TWO("fxch", "fxch", ALL) TWO("fld", "fld %%st(1)", ALL) TWO("fst", "fst %%st(1)", ALL)
    TWO("fcmov", "stc\n fcmovb %%st(1), %%st", ALL)
}

static void moving(void)
{
    LOAD("flds", "flds") LOAD("fldl", "fldl") LOAD("filds", "filds") LOAD("fildl", "fildl")
    LOAD("fildq", "fildq")
    STORE("fsts", "fsts") STORE("fstps", "fstps") STORE("fstl", "fstl") STORE("fstpl", "fstpl")
    STORE("fstpt", "fstpt") STORE("fists", "fists") STORE("fistl", "fistl") STORE("fistpq", "fistpq")
    STORE("fisttps", "fisttps") STORE("fisttpl", "fisttpl") STORE("fisttpq", "fisttpq")
    STORE("fbstp", "fbstp")
    for (int i = 0; i < 100; i++) {
        ext r = { 0, 0, { 0 } };
        u8 decimal[16] __attribute__((aligned(16))) = { 0 };
        for (int j = 0; j < 9; j++)
            decimal[j] = (u8)((i + j) % 10 | (i * 3 + j) % 10 << 4);
        decimal[9] = i & 1 ? 0x80 : 0;
        __asm__ volatile("fninit\n fbld %1\n fstpt %0" : "+m"(r) : "m"(decimal));
        MIX(r, 0);
    }
    line("fbld");
    CONSTANT(fld1) CONSTANT(fldl2t) CONSTANT(fldl2e) CONSTANT(fldpi) CONSTANT(fldlg2) CONSTANT(fldln2)
    CONSTANT(fldz)
}

static void stacks(void)
{
    STACK("empty fadd", 0, "fadd %%st(1)") STACK("one fadd", 1, "fadd %%st(1)")
    STACK("one faddp", 1, "faddp") STACK("empty fld", 0, "fld %%st(2)") STACK("full fld", 8, "fld %%st(2)")
    STACK("full fld1", 8, "fld1") STACK("full fldl", 8, "fldl %2") STACK("full fildl", 8, "fildl %2")
    STACK("empty fstpl", 0, "fstpl %2") STACK("empty fistpl", 0, "fistpl %2")
    STACK("empty fstpt", 0, "fstpt %2") STACK("empty fchs", 0, "fchs") STACK("empty fsqrt", 0, "fsqrt")
    STACK("one fxch", 1, "fxch") STACK("empty fst", 0, "fst %%st(3)") STACK("empty fstp", 0, "fstp %%st(3)")
    STACK("one fcompp", 1, "fcompp") STACK("empty ftst", 0, "ftst") STACK("empty fxam", 0, "fxam")
    STACK("one fcomi", 1, "fcomi %%st(1)") STACK("full fxtract", 8, "fxtract")
    STACK("empty fxtract", 0, "fxtract") STACK("one fscale", 1, "fscale") STACK("one fprem", 1, "fprem")
    STACK("ffree", 2, "ffree %%st(1)\n fincstp\n fdecstp\n fdecstp") STACK("empty fbstp", 0, "fbstp %2")
    STACK("one fyl2x", 1, "fyl2x") STACK("empty fsin", 0, "fsin") STACK("full fptan", 8, "fptan")
    STACK("full fsincos", 8, "fsincos") STACK("one fpatan", 1, "fpatan") STACK("empty f2xm1", 0, "f2xm1")
}

static void condition_codes(void)
{
    CONDITIONS("codes fincstp", "fld1", "fincstp") CONDITIONS("codes fdecstp", "fld1", "fdecstp")
    CONDITIONS("codes emms", "fld1\n fldz", "emms") CONDITIONS("codes emms of none", "", "emms")
    CONDITIONS("codes fprem", "fldpi\n fld1", "fprem") CONDITIONS("codes fprem by 0", "fldz\n fld1", "fprem")
    CONDITIONS("codes fprem of none", "", "fprem") CONDITIONS("codes fprem1 of one", "fld1", "fprem1")
    CONDITIONS("codes fprem1 by 0", "fldz\n fld1", "fprem1") CONDITIONS("codes fchs", "fld1", "fchs")
    CONDITIONS("codes fsin of none", "", "fsin") CONDITIONS("codes fcos of none", "", "fcos")
    CONDITIONS("codes fptan of none", "", "fptan") CONDITIONS("codes fsincos of none", "", "fsincos")
    CONDITIONS("codes fsqrt", "fld1", "fsqrt") CONDITIONS("codes fld", "fld1", "fld %%st")
}

/* What sines and logarithms give is each processor's own, but not for these. */
static void functions(void)
{
    static const int exact[] = { 0, 1, 5, 6, 7, 8, 9 };
    for (int i = 0; i < COUNT(exact); i++) {
        ext a = values[exact[i]], r = a, t = a;
        u16 s = 0;
#define FUNCTION(insn, pops) \
        __asm__ volatile("fninit\n fldt %3\n" insn "\n fnstsw %2\n fstpt %0\n" pops "\n fninit" \
                         : "=m"(r), "=m"(t), "=m"(s) : "m"(a)); \
        MIX(r, s), MIX(t, 0);
        FUNCTION("fsin", "") FUNCTION("fcos", "") FUNCTION("f2xm1", "")
        FUNCTION("fsincos", "fstpt %1") FUNCTION("fptan", "fstpt %1")
    }
    line("functions of zeros, infinities and NaNs");
    for (int i = 0; i < COUNT(values); i++)
        for (int j = 0; j < COUNT(exact); j++) {
            ext a = values[exact[j]], b = values[i], r;
            u16 s;
            if (values[i].head >> 15 && (values[i].head & 0x7fff) < 0x7fff && values[i].fraction)
                continue;
            __asm__ volatile("fninit\n fldt %2\n fldt %3\n fyl2x\n fnstsw %1\n fstpt %0\n fninit"
                             : "=m"(r), "=m"(s) : "m"(a), "m"(b));
            MIX(r, s & ~0x220);
        }
    line("fyl2x by zeros, infinities and NaNs");
    for (int i = 0; i < COUNT(exact); i++)
        for (int j = 0; j < COUNT(exact); j++) {
            ext a = values[exact[j]], b = values[exact[i]], r;
            u16 s;
            __asm__ volatile("fninit\n fldt %2\n fldt %3\n fyl2xp1\n fnstsw %1\n fstpt %0\n fninit"
                             : "=m"(r), "=m"(s) : "m"(a), "m"(b));
            MIX(r, s);
            __asm__ volatile("fninit\n fldt %2\n fldt %3\n fpatan\n fnstsw %1\n fstpt %0\n fninit"
                             : "=m"(r), "=m"(s) : "m"(a), "m"(b));
            MIX(r, s & ~0x220);
        }
    line("fyl2xp1, fpatan of zeros, infinities and NaNs");
}

/* Of numbers: rounded correctly in the model, about so on each processor (functions.txt). */
static void functions_of_numbers(void)
{
    u64 random = 12345;
#define NUMBERS(name, insn) \
    for (int i = 0; i < 200; i++) { \
        ext a = values[0], b = values[0], r; \
        u16 s; \
        random = random * 6364136223846793005 + 1442695040888963407; \
        a.fraction = random | 1ull << 63; \
        a.head = (u16)(0x3ff8 + (random >> 20 & 7)); \
        random = random * 6364136223846793005 + 1442695040888963407; \
        b.fraction = random | 1ull << 63; \
        b.head = (u16)(0x3ff8 + (random >> 20 & 15)); \
        __asm__ volatile("fninit\n fldcw %2\n fldt %3\n fldt %4\n" insn "\n fnstsw %1\n fstpt %0\n fninit" \
                         : "=m"(r), "=m"(s) : "m"(modes[i & 3]), "m"(b), "m"(a)); \
        MIX(r, s); \
    } \
    line("of numbers: " name);
    NUMBERS("fsin", "fsin") NUMBERS("fcos", "fcos") NUMBERS("fsincos", "fsincos\n faddp")
    NUMBERS("fptan", "fptan\n fstp %%st") NUMBERS("fpatan", "fpatan") NUMBERS("f2xm1", "f2xm1")
    NUMBERS("fyl2x", "fyl2x") NUMBERS("fyl2xp1", "fyl2xp1")
}

void x87(void)
{
    arithmetic();
    moving();
    stacks();
    condition_codes();
    functions();
    functions_of_numbers();
}
