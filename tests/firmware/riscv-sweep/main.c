/* Every encoding of 16 bits, with the floating-point unit on and off, and every CSR number at every
 * privilege: which trap, and what the others do. */
#include <stddef.h>

#include "../riscv-isa/machine.h"

enum { ILLEGAL = 2 };
enum { FS = 3 << 13, MPP = 3 << 11 };

extern volatile word given[32], after[32];
void run_at(const volatile void *code);

/* ---- output -------------------------------------------------------------------------- */

static uint32_t signature;

static void mix(uint64_t value)
{
    for (int i = 0; i < 2; i++, value >>= 32) {
        signature = (signature ^ (uint32_t)value) * 0x9e3779b1u;
        signature ^= signature >> 15;
    }
}

/* ---- encodings of 16 bits -------------------------------------------------------------- */

/* The code is in the middle, and what a jump may reach is all breakpoints; so is what is loaded. */
static uint16_t code[4096] __attribute__((aligned(4096)));
static uint64_t data[512] __attribute__((aligned(4096)));
enum { AT = 2048, C_EBREAK = 0x9002 };

static void fill(void)
{
    for (size_t i = 0; i < sizeof data / sizeof *data; i++)
        data[i] = 0x9002900290029002;
}

static void get_floats(uint64_t out[2])
{
    __asm__ volatile("fsd f8, (%0)\n fsd f10, 8(%0)" ::"r"(out) : "memory");
}

static void set_floats(void)
{
    static const uint64_t from[] = { 0xffffffff3f800000, 0x400921fb54442d18 };
    __asm__ volatile("fld f8, (%0)\n fld f9, 8(%0)\n fld f10, 8(%0)" ::"r"(from) : "f8", "f9", "f10");
}

/* One of them; true if it is no instruction. */
static int halfword(uint16_t insn, int fs)
{
    uint64_t floats[2];
    word cause, base = (word)(data + 256);
    code[AT] = insn;
    __asm__ volatile("fence.i" ::: "memory");
    for (int n = 1; n < 32; n++)
        given[n] = base + (word)(n & 7) * 8;
    CSRS(mstatus, FS);
    set_floats();
    CSRC(mstatus, FS);
    CSRS(mstatus, MPP | (word)fs << 13);
    run_at(code + AT);
    cause = CSRR(mcause);
    mix(cause);
    mix(CSRR(mtval));
    mix(CSRR(mepc) - (word)code);
    mix(CSRR(mstatus) & FS);
    for (int n = 1; n < 32; n++)
        mix(after[n] == given[n] ? 0 : after[n] - base);
    CSRS(mstatus, FS);
    get_floats(floats);
    mix(floats[0]);
    mix(floats[1]);
    for (size_t i = 192; i < 384; i++)
        mix(data[i]);
    fill();
    return cause == ILLEGAL;
}

/* A jump to itself: C.J, C.BNEZ, and C.JAL of RV32. */
static int circles(unsigned insn)
{
    return insn == 0xa001 || (insn & 0xfc7f) == 0xe001 || (sizeof(word) == 4 && insn == 0x2001);
}

/* Loads and stores of floating point, and the rest of what shares their opcodes on RV64. */
static int is_floating(unsigned insn)
{
    return insn >> 13 & 1 && (insn & 3) != 1;
}

static void halfwords(const char *title, int fs)
{
    say(title);
    say(": those that trap, of each 256, and a signature of what all of them do\n");
    for (size_t i = 0; i < sizeof code / sizeof *code; i++)
        code[i] = C_EBREAK;
    fill();
    for (unsigned high = 0; high < 256; high++) {
        int illegal = 0;
        signature = 0;
        for (unsigned low = 0; low < 256; low++)
            if ((low & 3) != 3 && !circles(high << 8 | low)
                && (fs || is_floating(high << 8 | low)))
                illegal += halfword((uint16_t)(high << 8 | low), fs);
        say_hex(high, 2);
        say(" ");
        say_hex((unsigned)illegal, 2);
        say(" ");
        say_hex(signature, 8);
        say("\n");
    }
}

/* ---- CSRs ---------------------------------------------------------------------------- */

static uint32_t csr_code[2] __attribute__((aligned(8)));

/* The cause with which `insn` ends in this mode; 3: it was done, and the next is a breakpoint. */
static word try_csr(int mode, uint32_t insn, word operand)
{
    csr_code[0] = insn;
    csr_code[1] = 0x00100073;
    __asm__ volatile("fence.i" ::: "memory");
    given[10] = operand;
    given[11] = 0;
    CSRC(mstatus, MPP);
    CSRS(mstatus, (word)mode << 11 | FS);
    run_at(csr_code);
    return CSRR(mcause);
}

static uint32_t csr_insn(unsigned csr, int function, int rs1)
{
    return csr << 20 | (uint32_t)rs1 << 15 | (uint32_t)function << 12 | 11 << 7 | 0x73;
}

static void ranges(const char *title, int mode, int function, int rs1)
{
    int was = 0;
    say(title);
    for (unsigned csr = 0; csr <= 4096; csr++) {
        int is = csr < 4096 && try_csr(mode, csr_insn(csr, function, rs1), 0) != ILLEGAL;
        if (is && !was) {
            say(" ");
            say_hex(csr, 3);
        } else if (!is && was) {
            say("-");
            say_hex(csr - 1, 3);
        }
        was = is;
    }
    say("\n");
}

static const uint16_t written[] = {
    0x001, 0x002, 0x003, 0x100, 0x105, 0x106, 0x140, 0x141, 0x142, 0x143, 0x300, 0x302, 0x303, 0x306,
    0x341, 0x342, 0x343,
};
static const uint64_t operands[] = {
    0, 1, 2, 3, 0x1f, 0xff, 0x800, 0x1000, 0x1800, 0x1888, 0x6000, 0x122, 0x200000, 0x400000, 0x7e0000,
    0x80000123, 0xffffffff, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 0xffffffffffffffff,
};

/* Without what QEMU has of extensions that the cores have not, or lets in though the manual does not:
 * bit 0 of addresses, an MPP of 2, more than 32 bits of counter enables. And without MPRV. */
static word legal(unsigned csr, uint64_t operand)
{
    switch (csr) {
    case 0x100: return (word)(operand & 0xde1ff);
    case 0x106: case 0x306: return (word)(operand & 0xffffffff);
    case 0x141: case 0x341: return (word)(operand & ~1ull);
    case 0x300: return (word)((operand & 0x7de1ff & ~0x1800ull) | (operand & 0x1800 ? 0x1800 : 0));
    case 0x302: return (word)(operand & 0xb1ff);
    case 0x303: return (word)(operand & 0x222);
    }
    return (word)operand;
}

static void values(void)
{
    say("what is read after writes\n");
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        unsigned csr = written[i];
        signature = 0;
        say_hex(csr, 3);
        for (int function = 1; function < 8; function++) {
            if (function == 4)
                continue;
            for (size_t j = 0; j < sizeof operands / sizeof *operands; j++) {
                word operand = legal(csr, operands[j]);
                mix(try_csr(M, csr_insn(csr, function, function & 4 ? (int)operand & 31 : 10), operand));
                mix(after[11]);
                mix(CSRR(mtval));
                try_csr(M, csr_insn(csr, 2, 0), 0);
                mix(after[11]);
            }
        }
        say(" ");
        say_hex(signature, 8);
        say("\n");
        CSRW(mstatus, 0);
        CSRW(medeleg, 0);
        CSRW(mideleg, 0);
    }
}

void main(void)
{
    CSRW(pmpaddr0, -1);
    CSRW(pmpcfg0, 0x1f);
    CSRW(mcounteren, -1);
    CSRW(scounteren, -1);
    halfwords("FS dirty", 3);
    halfwords("FS off", 0);
    ranges("M reads:", M, 2, 0);
    ranges("M writes its own value:", M, 2, 10);
    ranges("S reads:", S, 2, 0);
    ranges("S sets nothing, from a register:", S, 2, 10);
    ranges("S sets nothing, immediate:", S, 6, 0);
    ranges("U reads:", U, 2, 0);
    CSRW(scounteren, 0);
    ranges("U reads, scounteren 0:", U, 2, 0);
    CSRW(mcounteren, 0);
    ranges("S reads, mcounteren 0:", S, 2, 0);
    CSRW(mcounteren, 8);
    ranges("S reads, mcounteren 8:", S, 2, 0);
    values();
}
