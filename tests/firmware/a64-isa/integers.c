/* Integers and NZCV. */
#include "isa.h"

static const u64 values[] = {
    0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
    0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 0x123456789abcdef0,
    0xfedcba9876543210, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 63, 64, 31, 32,
};

/* x0 = x1 op x2, with the flags before and after. */
#define THREE(name, insn) \
    for (int i = 0; i < COUNT(values); i++) \
        for (int j = 0; j < COUNT(values); j++) \
            for (u64 in = 0; in < 16; in += 5) { \
                register u64 r __asm__("x0") = 0x1111111111111111; \
                register u64 a __asm__("x1") = values[i]; \
                register u64 b __asm__("x2") = values[j]; \
                register u64 c __asm__("x3") = values[(i + j) % COUNT(values)]; \
                u64 f = in << 28; \
                __asm__ volatile("msr nzcv, %1\n" insn "\n mrs %1, nzcv" \
                                 : "+r"(r), "+r"(f) : "r"(a), "r"(b), "r"(c) : "cc"); \
                mix(r), mix(f); \
            } \
    line(name);
#define X(insn) THREE(insn " x", insn " x0, x1, x2")
#define W(insn) THREE(insn " w", insn " w0, w1, w2")
#define BOTH(insn) X(insn) W(insn)
#define ONE(insn) THREE(insn " x", insn " x0, x1") THREE(insn " w", insn " w0, w1")
#define FOUR(insn) THREE(insn " x", insn " x0, x1, x2, x3") THREE(insn " w", insn " w0, w1, w2, w3")
#define SHIFTED(insn, how) \
    THREE(insn " x " how, insn " x0, x1, x2, " how) THREE(insn " w " how, insn " w0, w1, w2, " how)

void integers(void)
{
    BOTH("add") BOTH("adds") BOTH("sub") BOTH("subs") BOTH("adc") BOTH("adcs") BOTH("sbc") BOTH("sbcs")
    BOTH("and") BOTH("ands") BOTH("bic") BOTH("bics") BOTH("orr") BOTH("orn") BOTH("eor") BOTH("eon")
    BOTH("lsl") BOTH("lsr") BOTH("asr") BOTH("ror") BOTH("mul") BOTH("mneg") BOTH("udiv") BOTH("sdiv")
    X("smulh") X("umulh") THREE("smull", "smull x0, w1, w2") THREE("umull", "umull x0, w1, w2")
    THREE("smaddl", "smaddl x0, w1, w2, x3") THREE("umsubl", "umsubl x0, w1, w2, x3")
    FOUR("madd") FOUR("msub") ONE("cls") ONE("clz") ONE("rbit") ONE("rev") ONE("rev16") ONE("neg")
    ONE("negs") ONE("ngc") ONE("ngcs") ONE("mvn") THREE("rev32", "rev32 x0, x1")
    SHIFTED("add", "lsl #7") SHIFTED("subs", "asr #31") SHIFTED("and", "ror #5") SHIFTED("orn", "lsr #1")
    SHIFTED("adds", "lsl #0")
    THREE("add uxtb", "add x0, x1, w2, uxtb #3") THREE("adds sxth", "adds x0, x1, w2, sxth #4")
    THREE("sub uxtw", "sub x0, x1, w2, uxtw") THREE("subs sxtx", "subs x0, x1, x2, sxtx #2")
    THREE("add w sxtb", "add w0, w1, w2, sxtb #1") THREE("cmn", "cmn w1, w2") THREE("cmp", "cmp x1, x2")
    THREE("add #", "add x0, x1, #0xfff, lsl #12") THREE("subs #", "subs w0, w1, #1")
    THREE("ands #", "ands x0, x1, #0x7fffffff80000000") THREE("orr #", "orr w0, w1, #0xc0000003")
    THREE("csel", "csel x0, x1, x2, hi") THREE("csinc", "csinc w0, w1, w2, ge")
    THREE("csinv", "csinv x0, x1, x2, vs") THREE("csneg", "csneg w0, w1, w2, le")
    THREE("ccmp", "ccmp x1, x2, #5, gt") THREE("ccmn", "ccmn w1, #17, #10, mi")
    THREE("extr", "extr x0, x1, x2, #13") THREE("extr w", "extr w0, w1, w2, #31")
    THREE("sbfx", "sbfx x0, x1, #7, #33") THREE("ubfx", "ubfx w0, w1, #3, #29")
    THREE("bfi", "bfi x0, x1, #50, #14") THREE("bfxil", "bfxil w0, w1, #5, #20")
    THREE("sbfiz", "sbfiz x0, x1, #9, #17") THREE("ubfiz", "ubfiz w0, w1, #31, #1")
    THREE("sxtw", "sxtw x0, w1") THREE("uxth", "uxth w0, w1") THREE("movk", "movk x0, #0x1234, lsl #32")
    THREE("movn", "movn w0, #0xffff, lsl #16") THREE("crc32b", "crc32b w0, w1, w2")
    THREE("crc32h", "crc32h w0, w1, w2") THREE("crc32w", "crc32w w0, w1, w2")
    THREE("crc32x", "crc32x w0, w1, x2") THREE("crc32cb", "crc32cb w0, w1, w2")
    THREE("crc32cx", "crc32cx w0, w1, x2")
}
