/* Scalars, with FPSR after each, in modes of FPCR. */
#include "isa.h"

static const u64 doubles[] = {
    0, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x400921fb54442d18, 0x7ff0000000000000,
    0xfff0000000000000, 0x7ff8000000000000, 0x7ff4000000000001, 0xfff8123456789abc, 1, 0x800fffffffffffff,
    0x0010000000000000, 0x7fefffffffffffff, 0x3fe0000000000000, 0x3ff8000000000000, 0xc004000000000000,
    0x41dfffffffc00000, 0xc1e0000000100000, 0x43e0000000000000, 0x380fffffe0000000, 0x47efffffe0000001,
    0x7f8000007fc00001, 0xff80000100000001, 0x3f8000003fc00000, 0x0080000080000001, 0x7bff3c0000010001,
    0xfc01fe007e017c00,
};
/* Rounding, flush to zero, default NaN. */
static const u64 modes[] = { 0, 1 << 22, 2 << 22, 3 << 22, 1 << 24, 1 << 25, 3 << 24 | 2 << 22 };

#define OPERATION(name, insn) \
    for (int m = 0; m < COUNT(modes); m++) \
        for (int i = 0; i < COUNT(doubles); i++) \
            for (int j = 0; j < COUNT(doubles); j++) { \
                register u64 r __asm__("x0") = 0; \
                register u64 a __asm__("x1") = doubles[i]; \
                register u64 b __asm__("x2") = doubles[j]; \
                register u64 c __asm__("x3") = doubles[(i * 3 + j) % COUNT(doubles)]; \
                u64 s, f; \
                __asm__ volatile("msr fpcr, %4\n msr fpsr, xzr\n fmov d0, xzr\n fmov d1, %1\n fmov d2, %2\n" \
                                 "fmov d3, %3\n msr nzcv, xzr\n" insn \
                                 : "+r"(r) : "r"(a), "r"(b), "r"(c), "r"(modes[m]) \
                                 : "v0", "v1", "v2", "v3", "cc"); \
                __asm__ volatile("mrs %0, fpsr\n mrs %1, nzcv\n msr fpcr, xzr" : "=r"(s), "=r"(f)); \
                mix(r), mix(s), mix(f); \
            } \
    line(name);
#define END "\n fmov x0, d0"
#define D(n, insn) OPERATION(n " d", insn " d0, d1, d2" END)
#define S(n, insn) OPERATION(n " s", insn " s0, s1, s2" END)
#define TWO(n) D(n, n) S(n, n)
#define ONE(n) OPERATION(n " d", n " d0, d1" END) OPERATION(n " s", n " s0, s1" END)
#define FUSED(n) OPERATION(n " d", n " d0, d1, d2, d3" END) OPERATION(n " s", n " s0, s1, s2, s3" END)
#define TO(n) \
    OPERATION(n " x d", n " x0, d1") OPERATION(n " w d", n " w0, d1") OPERATION(n " x s", n " x0, s1") \
    OPERATION(n " w s", n " w0, s1")
#define FROM(n) \
    OPERATION(n " d x", n " d0, x1" END) OPERATION(n " d w", n " d0, w1" END) \
    OPERATION(n " s x", n " s0, x1" END) OPERATION(n " s w", n " s0, w1" END)

void floats(void)
{
    TWO("fadd") TWO("fsub") TWO("fmul") TWO("fnmul") TWO("fdiv") TWO("fmin") TWO("fmax") TWO("fminnm")
    TWO("fmaxnm") TWO("fabd") TWO("fmulx") TWO("frecps") TWO("frsqrts") TWO("fcmeq") TWO("fcmge")
    TWO("fcmgt") TWO("facge") TWO("facgt")
    ONE("fsqrt") ONE("fabs") ONE("fneg") ONE("frinta") ONE("frinti") ONE("frintm") ONE("frintn")
    ONE("frintp") ONE("frintx") ONE("frintz") ONE("frecpe") ONE("frsqrte") ONE("frecpx")
    FUSED("fmadd") FUSED("fmsub") FUSED("fnmadd") FUSED("fnmsub")
    OPERATION("fcmp d", "fcmp d1, d2") OPERATION("fcmpe d", "fcmpe d1, d2") OPERATION("fcmp s", "fcmp s1, s2")
    OPERATION("fcmpe s", "fcmpe s1, #0.0") OPERATION("fccmp", "fccmp d1, d2, #5, eq")
    OPERATION("fcsel", "fcmp d1, d2\n fcsel d0, d1, d2, gt" END)
    OPERATION("fcvt s d", "fcvt s0, d1" END) OPERATION("fcvt d s", "fcvt d0, s1" END)
    OPERATION("fcvt h d", "fcvt h0, d1" END) OPERATION("fcvt h s", "fcvt h0, s1" END)
    OPERATION("fcvt d h", "fcvt d0, h1" END) OPERATION("fcvt s h", "fcvt s0, h1" END)
    TO("fcvtzs") TO("fcvtzu") TO("fcvtas") TO("fcvtau") TO("fcvtms") TO("fcvtmu") TO("fcvtns") TO("fcvtnu")
    TO("fcvtps") TO("fcvtpu") FROM("scvtf") FROM("ucvtf")
    OPERATION("fcvtzs #", "fcvtzs x0, d1, #13") OPERATION("fcvtzu #", "fcvtzu w0, s1, #31")
    OPERATION("scvtf #", "scvtf d0, x1, #40" END) OPERATION("ucvtf #", "ucvtf s0, w1, #7" END)
}
