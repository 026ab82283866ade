/* AArch64 and x86-64: accesses that must be aligned, and are not asked to be by Unicorn; counters that EL0
 * may be kept from. Looked at where they stand (ours.c). */
#include "internal.h"

/* ---- AArch64 -------------------------------------------------------------------------------- */

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

static uint32_t a64_insn(const uint8_t *code)
{
    uint32_t insn;
    memcpy(&insn, code, 4);
    return insn;
}

static bool a64_is_ours(uint32_t insn)
{
    return ordered_size(insn) > 1 || a64_counts(insn);
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

static int a64_turn(ttd_engine *e, turn *t, const uint8_t *code)
{
    uint32_t insn = a64_insn(code);
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

/* ---- x86-64 --------------------------------------------------------------------------------- */

static bool in_ranges(const uint8_t (*ranges)[2], uint8_t opcode)
{
    for (; (*ranges)[1]; ranges++)
        if (opcode >= (*ranges)[0] && opcode <= (*ranges)[1])
            return true;
    return false;
}

/* Does the instruction take sixteen bytes of memory that have to be aligned ("Intel 64 and IA-32
 * Architectures Software Developer's Manual", volume 1, section 4.1.1)? What is done here asks for
 * itself. */
static bool takes_aligned(const ours *o)
{
    static const uint8_t
        plain[][2] = { { 0x14, 0x15 }, { 0x28, 0x29 }, { 0x2b, 0x2b }, { 0x54, 0x57 },
                       { 0xc6, 0xc6 }, { 0, 0 } },
        integer[][2] = { { 0x60, 0x6d }, { 0x6f, 0x70 }, { 0x74, 0x76 }, { 0x7f, 0x7f },
                         { 0xd1, 0xd5 }, { 0xd8, 0xe5 }, { 0xe7, 0xef }, { 0xf1, 0xf6 },
                         { 0xf8, 0xfe }, { 0, 0 } },
        three[][2] = { { 0, 0x0b }, { 0x10, 0x10 }, { 0x14, 0x15 }, { 0x17, 0x17 }, { 0x1c, 0x1e },
                       { 0x28, 0x2b }, { 0x37, 0x41 }, { 0xdb, 0xdf }, { 0, 0 } },
        immediate[][2] = { { 0x0c, 0x0f }, { 0x42, 0x42 }, { 0x44, 0x44 }, { 0xdf, 0xdf }, { 0, 0 } };
    bool data = o->prefix == 0x66;
    if (!o->memory)
        return false;
    switch (o->map) {
    case 0x38: return data && in_ranges(three, o->opcode);
    case 0x3a: return data && in_ranges(immediate, o->opcode);
    case 1: break;
    default: return false;
    }
    if (o->opcode == 0xae)                /* FXSAVE, FXRSTOR */
        return !o->prefix && (o->reg & 7) < 2;
    if (o->opcode == 0xc7)                /* CMPXCHG16B */
        return o->wide && (o->reg & 7) == 1;
    if (o->prefix == 0xf3 && (o->opcode == 0x12 || o->opcode == 0x16))
        return true;
    if (o->opcode == 0x70)
        return o->prefix != 0;
    return (data || !o->prefix) && (in_ranges(plain, o->opcode) || (data && in_ranges(integer, o->opcode)));
}

static bool x86_demands(ttd_engine *e, uint64_t pc, const uint8_t *code, ours *o)
{
    uint8_t bytes[X86_LONGEST];
    if (!x86_decode(bytes, x86_bytes(e, pc, code, bytes), o) || !takes_aligned(o))
        return false;
    o->pc = pc;
    o->length = (uint8_t)length_at(e, pc, code);
    return true;
}

static int x86_turn(ttd_engine *e, turn *t, const uint8_t *code)
{
    ours o;
    if (!x86_demands(e, t->pc, code, &o) || !(x86_address(e, &o) & 15))
        return TURN_RUN;
    t->exception = X86_GP;
    return TURN_STOP;
}

/* BT, BTS, BTR and BTC leave OF, SF, AF and PF undefined. In Unicorn they are those of before, or others, by
 * what of its block comes before: with a call there they always are the same. */
static bool tests_a_bit(ttd_engine *e, uint64_t pc, const uint8_t *code)
{
    uint8_t bytes[X86_LONGEST];
    ours o;
    if (!x86_decode(bytes, x86_bytes(e, pc, code, bytes), &o) || o.map != 1)
        return false;
    return (o.opcode & 0xe7) == 0xa3 || (o.opcode == 0xba && (o.reg & 4));
}

/* Always so; then nobody has to look. */
#define ALWAYS (31u | 31u << 5)

uint32_t x86_decode_demand(ttd_engine *e, block_info *b, const x86_bits *t, uint64_t pc, const uint8_t *code)
{
    uint16_t condition;
    int i;
    ours o;
    if (leaves_late(e, pc, code) || tests_a_bit(e, pc, code))
        return WAY_CALL;
    if (!x86_demands(e, pc, code, &o))
        return forget_ours(e, pc) ? WAY_ANEW : 0;
    if (!x86_bits_address(t, &o, &condition))
        return WAY_CALL;
    if ((condition & ~(3u << 10)) == ALWAYS)
        return 0;
    for (i = 0; i < b->naligned; i++)
        if (b->demands[i] == condition)
            return WAY_OPERANDS;
    if (b->naligned == MAX_DEMANDS)
        return WAY_CALL;
    b->demands[b->naligned++] = condition;
    return WAY_OPERANDS;
}

uint64_t x86_aligned_room(ttd_engine *e, block_info *b, uint64_t room, int in_it, int *why)
{
    cursor c = cursor_at(e, b->pc);
    uint8_t bytes[X86_LONGEST];
    uint16_t condition;
    uint64_t k;
    x86_bits t;
    ours o;
    int i;
    (void)in_it;
    for (i = 0; i < b->naligned && x86_bits_hold(e, b->demands[i]); i++)
        ;
    if (i == b->naligned)
        return room;
    x86_bits_begin(&t);
    for (k = 0; c.code && k < b->n && k < room; k++) {
        if (x86_demands(e, c.at, c.code, &o) && x86_bits_address(&t, &o, &condition)
            && !x86_bits_hold(e, condition)) {
            if (k == 0) {
                *why = WHY_EXCEPTION;
                e->code = X86_GP;
            }
            return k;
        }
        o.pc = c.at;
        i = (int)x86_bytes(e, c.at, c.code, bytes);
        o.length = (uint8_t)advance(e, &c);
        x86_bits_follow(&t, bytes, (size_t)i, &o);
    }
    return room;
}

/* ---- both ----------------------------------------------------------------------------------- */

bool flat_is_ours(ttd_engine *e, uint64_t pc, const uint8_t *code)
{
    ours o;
    if (leaves_late(e, pc, code))
        return true;
    return e->isa == ISA_A64 ? a64_is_ours(a64_insn(code)) : x86_demands(e, pc, code, &o);
}

int flat_turn(ttd_engine *e, turn *t)
{
    const uint8_t *code = code_at(e, t->pc);
    int what;
    if (!code)
        return TURN_RUN;
    what = e->isa == ISA_A64 ? a64_turn(e, t, code) : x86_turn(e, t, code);
    if (what == TURN_RUN && !enter_late(e, t->pc, code)) {
        e->arm = true;
        t->why = WHY_AGAIN;
        return TURN_STOP;
    }
    return what;
}
