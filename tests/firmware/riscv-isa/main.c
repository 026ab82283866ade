/* Runs every operation of ops.S on its kind of operands and prints a line for each name: a
 * signature of all results, or what trap came. */
#include <stddef.h>

#include "isa.h"
#include "machine.h"

struct op {
    const char *name;
    word (*call)(word, word);
    word kind;
};
struct trap {
    word cause, epc, tval, status, vector;
};
struct floats {
    uint64_t operand[3], result;
};

extern const struct op ops_start[], ops_end[];
extern const char leave[];
word call_in(int mode, word (*call)(word, word), word a, word b);
struct trap seen, seen_by_s;
word saved_sp;

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const uint64_t values[] = {
    0, 1, 2, 3, 5, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x12345678,
    0x55555555, 0xaaaaaaaa, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff,
#if __riscv_xlen == 64
    0x100000000, 0x1ffffffff, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 0x0123456789abcdef,
    0x7ffffffffffffffe, 0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001,
    0xffffffff7fffffff, 0xffffffff80000000, 0xffffffff80000001, 0xfffffffffffffffe,
    0xffffffffffffffff, 0x0020000000000001, 0x8000000000000400, 0x4000004000000001,
#endif
};
/* Zeros, ones, near one, subnormal, least, most, infinite, NaN (quiet, signaling), and the edges
 * of the integers; the first twelve of them are for three operands. */
static const uint32_t singles[] = {
    0x00000000, 0x80000000, 0x3f800000, 0xbf800001, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001,
    0x00000001, 0x7f7fffff, 0x00800000, 0x40490fdb, 0xbf800000, 0x3f000000, 0xbf000000, 0x3fc00000,
    0x40200000, 0x3f7fffff, 0x80000001, 0x007fffff, 0xff7fffff, 0xffc12345, 0xff812345, 0x4effffff,
    0x4f000000, 0xcf000000, 0xcf000001, 0x4f7fffff, 0x4f800000, 0x5effffff, 0x5f000000, 0xdf000000,
    0xdf000001, 0x5f7fffff, 0x5f800000, 0x1f800000, 0xbf7fffff,
};
static const uint64_t doubles[] = {
    0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000001,
    0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000, 0x7ff0000000000001,
    0x0000000000000001, 0x7fefffffffffffff, 0x0010000000000000, 0x400921fb54442d18,
    0xbff0000000000000, 0x3fe0000000000000, 0xbfe0000000000000, 0x3ff8000000000000,
    0x4004000000000000, 0x3fefffffffffffff, 0x8000000000000001, 0x000fffffffffffff,
    0xffefffffffffffff, 0xfff8123456789abc, 0xfff0123456789abc, 0x41dfffffffc00000,
    0x41dfffffffe00000, 0x41e0000000000000, 0xc1e0000000000000, 0xc1e0000000100000,
    0xc1e0000000200000, 0x41efffffffe00000, 0x41effffffff00000, 0x41f0000000000000,
    0x43dfffffffffffff, 0x43e0000000000000, 0xc3e0000000000000, 0xc3e0000000000001,
    0x43efffffffffffff, 0x43f0000000000000, 0x36a0000000000000, 0x3690000000000000,
    0x380fffffe0000000, 0x47efffffe0000000, 0x47efffffefffffff, 0x47f0000000000000,
    0x3ff0000010000000, 0x3ff0000030000000,
};
static const uint64_t boxes[] = {
    0xffffffff3f800000, 0x000000003f800000, 0xfffffffe40000000, 0xffffffff40000000,
    0x7fffffffbf800000, 0xffffffff7f800001, 0x00000000ffc00000,
};

/* ---- output -------------------------------------------------------------------------- */

static uint64_t signature;

static void mix(uint64_t value)
{
    signature = (signature ^ value) * 0x9e3779b97f4a7c15;
    signature ^= signature >> 32;
}

static void say_word(const char *name, word value)
{
    say(name);
    say_hex(value, 2 * X);
}

/* ---- operands ------------------------------------------------------------------------ */

static uint8_t two_pages[8192] __attribute__((aligned(4096)));
static uint8_t *const border = two_pages + 4096;

static void fill(uint8_t *from)
{
    for (int i = 0; i < 32; i++)
        from[i] = (uint8_t)(0x83 + 37 * i);
}

static void mix_bytes(const uint8_t *from)
{
    for (int i = 0; i < 32; i++)
        mix(from[i]);
}

static void on_memory(const struct op *op)
{
    uint8_t *area = border - 16, *other = two_pages + 512;
    for (int at = 0; at < 24; at++) {
        fill(area);
        if (op->kind == LOAD) {
            mix(op->call((word)(area + at), 0));
        } else if (op->kind == COPY) {
            fill(other - 8);
            op->call((word)(area + at), (word)(other + (at & 7)));
            mix_bytes(other - 8);
        } else {
            for (size_t i = 0; i < COUNT(values); i++) {
                op->call((word)(area + at), (word)values[i]);
                mix_bytes(area);
            }
        }
    }
}

static void on_atomic(const struct op *op)
{
    uint64_t *place = (uint64_t *)two_pages;
    for (size_t i = 0; i < COUNT(values); i++)
        for (size_t j = 0; j < COUNT(values); j++)
            for (int at = 0; at < 8; at += op->kind == AMO_W ? 4 : 8) {
                *place = values[i] ^ values[i] << 32;
                mix(op->call((word)place + at, (word)values[j]));
                mix(*place);
            }
}

static uint64_t operand(word kind, size_t index)
{
    switch (kind) {
    case FI:
        return values[index];
    case FBOX:
        return boxes[index];
    case FS1: case FS2: case FS3:
        return singles[index];
    }
    return doubles[index];
}

/* By the places in `singles` and `doubles`: infinity times zero, and a quiet NaN. */
static int is_fused_nan(size_t i, size_t j, size_t k)
{
    return ((i < 2 && j / 2 == 2) || (i / 2 == 2 && j < 2)) && k == 6;
}

static void on_floats(const struct op *op)
{
    static const uint8_t operands[] = {[FS1] = 1, 2, 3, 1, 2, 3, [FI] = 1, [FBOX] = 2};
    int fused_nan = op->kind >= FUSED_NAN;
    word kind = op->kind - (fused_nan ? FUSED_NAN : 0);
    size_t all = kind == FI ? COUNT(values) : kind == FBOX ? COUNT(boxes)
        : kind < FD1 ? COUNT(singles) : COUNT(doubles);
    int n = operands[kind];
    size_t most = n == 3 ? 12 : all;
    for (int rounding = 0; rounding < 5; rounding++)
        for (size_t i = 0; i < most; i++)
            for (size_t j = 0; j < (n > 1 ? most : 1); j++)
                for (size_t k = 0; k < (n > 2 ? most : 1); k++) {
                    if (n == 3 && is_fused_nan(i, j, k) != fused_nan)
                        continue;
                    struct floats f = {
                        {operand(kind, i), operand(kind, j), operand(kind, k)},
                        0x0123456789abcdef};
                    mix(op->call((word)&f, rounding << 5));
                    mix(f.result);
                }
}

/* ---- traps --------------------------------------------------------------------------- */

static void say_trap(const struct trap *t, const struct op *op)
{
    say_word(" cause ", t->cause);
    say(" epc ");
    if (t->epc == (word)leave)
        say("end");
    else if (t->epc - (word)op->call < 256)
        say_hex(t->epc - (word)op->call, 2);
    else
        say_hex(t->epc, 2 * X);
    say_word(" tval ", t->tval);
    say_word(" status ", t->status & 0x7e1fff);
}

static void on_trap(const struct op *op)
{
    static const uint8_t modes[] = {
        [TRAP - TRAP] = M, S, U, M, S, S, S, S, U, S, U, M, S, U, M, M, S, S, U};
    word kind = op->kind, got, delegated;
    delegated = kind == INTERRUPT_S || kind == INTERRUPT_U || kind == TRAP_TW;
    CSRC(mstatus, 0x7e19aa);
    CSRS(mstatus, 0x2000);
    CSRW(fcsr, 0);
    CSRW(mcounteren, kind == TRAP_S_COUNT || kind == TRAP_U_COUNT ? 0 : -1);
    CSRW(scounteren, kind == TRAP_S_SCOUNT || kind == TRAP_U_SCOUNT ? 0 : -1);
    CSRW(medeleg, kind >= TRAP_M_DELEG && kind <= TRAP_U_DELEG ? 0xb1ff : 0);
    CSRW(mideleg, delegated ? 2 : 0);
    CSRW(mie, kind >= INTERRUPT_M || kind == TRAP_TW ? 2 : 0);
    CSRW(mip, kind > INTERRUPT_S || kind == TRAP_TW ? 2 : 0); /* WFI has an end */
    if (kind == TRAP_NO_FS)
        CSRC(mstatus, 0x6000);
    if (kind >= TRAP_TVM && kind <= TRAP_TSR)
        CSRS(mstatus, 1 << (20 + kind - TRAP_TVM));
    if (kind == INTERRUPT_M_TABLE)
        CSRS(mtvec, 1);
    seen = seen_by_s = (struct trap){0};
    got = call_in(modes[kind - TRAP], op->call, (word)two_pages, 0);
    CSRC(mtvec, 1);
    CSRW(mie, 0);
    CSRW(mip, 0);
    CSRS(mstatus, 0x2000);
    say(op->name);
    say_trap(&seen, op);
    if (seen.vector)
        say_word(" vector ", seen.vector);
    if (seen_by_s.cause || seen_by_s.epc) {
        say(", S:");
        say_trap(&seen_by_s, op);
    }
    /* What was passed is an address; all else is a result. */
    if (got - (word)two_pages >= sizeof two_pages)
        say_word(" a0 ", got);
    put('\n');
}

/* ---- all ----------------------------------------------------------------------------- */

static void run(const struct op *op)
{
    switch (op->kind) {
    case RR:
        for (size_t i = 0; i < COUNT(values); i++)
            for (size_t j = 0; j < COUNT(values); j++)
                mix(op->call((word)values[i], (word)values[j]));
        break;
    case R1:
        for (size_t i = 0; i < COUNT(values); i++)
            mix(op->call((word)values[i], 0));
        break;
    case LOAD: case STORE: case COPY:
        on_memory(op);
        break;
    case AMO_W: case AMO_D:
        on_atomic(op);
        break;
    default:
        on_floats(op);
    }
}

static int same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

void main(void)
{
    for (const struct op *op = ops_start; op < ops_end; op++) {
        if (op->kind >= TRAP && op->kind < FUSED_NAN) {
            on_trap(op);
            continue;
        }
        run(op);
        if (op + 1 == ops_end || !same(op->name, op[1].name)) {
            say(op->name);
            put(' ');
            say_hex((uint32_t)(signature >> 32), 8);
            say_hex((uint32_t)signature, 8);
            put('\n');
            signature = 0;
        }
    }
}
