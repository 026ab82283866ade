/* AArch64: accesses that must be aligned, and are not asked to be by Unicorn; counters that EL0 may be kept
 * from. Looked at where they stand. */
#include "a64.h"

/* The bytes that an exclusive, acquiring or releasing access takes, all of which must be in one
 * aligned place (DDI0487, section "Alignment of data accesses"); 0: it is another instruction. */
static int ordered_size(uint32_t insn)
{
    bool pair = insn >> 21 & 1, ordered = insn >> 23 & 1;
    int size = 1 << (insn >> 30);
    if ((insn & 0x3f000000) != 0x08000000 || (pair && (ordered || size < 4)))
        return 0;                         /* what is left is not in Armv8.0 */
    return pair ? 2 * size : size;
}

static bool a64_is_ours(uint32_t insn)
{
    return ordered_size(insn) > 1 || a64_counts(insn) || a64_leaves_late(insn);
}

uint64_t a64_gpr(ttd_engine *e, int n, bool stack)
{
    static const int ids[32] = {
        UC_ARM64_REG_X0, UC_ARM64_REG_X1, UC_ARM64_REG_X2, UC_ARM64_REG_X3, UC_ARM64_REG_X4,
        UC_ARM64_REG_X5, UC_ARM64_REG_X6, UC_ARM64_REG_X7, UC_ARM64_REG_X8, UC_ARM64_REG_X9,
        UC_ARM64_REG_X10, UC_ARM64_REG_X11, UC_ARM64_REG_X12, UC_ARM64_REG_X13, UC_ARM64_REG_X14,
        UC_ARM64_REG_X15, UC_ARM64_REG_X16, UC_ARM64_REG_X17, UC_ARM64_REG_X18, UC_ARM64_REG_X19,
        UC_ARM64_REG_X20, UC_ARM64_REG_X21, UC_ARM64_REG_X22, UC_ARM64_REG_X23, UC_ARM64_REG_X24,
        UC_ARM64_REG_X25, UC_ARM64_REG_X26, UC_ARM64_REG_X27, UC_ARM64_REG_X28, UC_ARM64_REG_X29,
        UC_ARM64_REG_X30, UC_ARM64_REG_SP,
    };
    uint64_t value = 0;
    if (n < 31 || stack)
        e->reg_read(e->uc, ids[n], &value);
    return value;
}

/* Before an access that must be aligned, or of a counter that may be forbidden. */
static int check(ttd_engine *e, turn *t, uint32_t insn)
{
    uint64_t address;
    if (a64_counts(insn)) {
        t->why = WHY_INVALID;
        return a64_lets_count(e, insn) ? TURN_RUN : TURN_STOP;
    }
    address = a64_gpr(e, insn >> 5 & 31, true);
    if (!ordered_size(insn) || !(address & (uint64_t)(ordered_size(insn) - 1)))
        return TURN_RUN;
    fault_at(e, (insn >> 22 & 1 ? ACC_READ : ACC_WRITE) | ACC_UNALIGNED, address);
    t->why = WHY_FAULT;
    t->exception = e->code;
    return TURN_STOP;
}

static int a64_turn(ttd_engine *e, turn *t)
{
    const uint8_t *code = code_at(e, t->pc);
    int what;
    if (!code)
        return TURN_RUN;
    what = check(e, t, a64_insn(code));
    if (what == TURN_RUN && !a64_enter_late(e, a64_insn(code))) {
        e->arm = true;
        t->why = WHY_AGAIN;
        return TURN_STOP;
    }
    return what;
}

/* DDI0487 C4.1.65, "Branches, Exception Generating and System instructions": the branches of them, ERET too. */
static bool a64_branches(uint32_t insn)
{
    return (insn & 0x7c000000) == 0x14000000 || (insn & 0xff000000) == 0x54000000
        || (insn & 0x7c000000) == 0x34000000 || (insn & 0xfe000000) == 0xd6000000;
}

/* LDXR, LDAXR, LDXP and LDAXP (C4.1.66, "Load/store exclusive"). */
static bool closes_monitor(uint32_t insn)
{
    return (insn & 0x3fc00000) == 0x08400000;
}

static uint32_t a64_decode(ttd_engine *e, decoding *d)
{
    uint32_t insn = a64_insn(d->code);
    if (closes_monitor(insn))
        monitor_needed(e);
    return (a64_is_ours(insn) ? WAY_CALL : 0) | (a64_branches(insn) ? WAY_BRANCH : 0);
}

static int a64_length(ttd_engine *e, uint64_t pc, const uint8_t *code)
{
    (void)e, (void)pc, (void)code;
    return 4;
}

/* WFI. */
static bool a64_is_wait(ttd_engine *e, uint64_t pc)
{
    const uint8_t *code = code_at(e, pc);
    return code && a64_insn(code) == 0xd503207f;
}

TTD_INSTRUCTION_SET(aarch64) = {
    .name = "aarch64", .pc = UC_ARM64_REG_PC,
    .state_size = sizeof(a64_state), .start = a64_start,
    .length = a64_length, .decode = a64_decode, .turn = a64_turn, .calls_anywhere = true,
    .parts = a64_parts, .is_wait = a64_is_wait,
    .monitor = { { 0x40, 0x7c, 0x5f, 0xc8 }, UC_ARM64_REG_X2, 8, 3 },   /* LDXR X0, [X2] */
    .read_register = a64_read_register, .write_register = a64_write_register,
};
