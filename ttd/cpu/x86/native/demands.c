/* x86-64: accesses that must be aligned, and are not asked to be by Unicorn; looked at when their block begins,
 * or where they stand. */
#include "x86.h"

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

static int check(ttd_engine *e, turn *t, const uint8_t *code)
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
    if (x86_leaves_late(e, pc, code) || tests_a_bit(e, pc, code))
        return WAY_CALL;
    if (!x86_demands(e, pc, code, &o))
        return forget_ours(e, pc) ? WAY_ANEW : 0;
    if (!x86_bits_address(t, &o, &condition))
        return WAY_CALL;
    if ((condition & ~(3u << 10)) == ALWAYS)
        return 0;
    for (i = 0; i < b->noperands; i++)
        if (b->operands[i] == condition)
            return WAY_OPERANDS;
    if (b->noperands == MAX_OPERANDS)
        return WAY_CALL;
    b->operands[b->noperands++] = condition;
    return WAY_OPERANDS;
}

uint64_t x86_aligned_room(ttd_engine *e, block_info *b, uint64_t room, int *why)
{
    cursor c = cursor_at(e, b->pc);
    uint8_t bytes[X86_LONGEST];
    uint16_t condition;
    uint64_t k;
    x86_bits t;
    ours o;
    int i;
    for (i = 0; i < b->noperands && x86_bits_hold(e, b->operands[i]); i++)
        ;
    if (i == b->noperands)
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

/* ---- calls ---------------------------------------------------------------------------------- */

/* Unicorn has lost what flags the instructions before it in its block computed when an instruction with
 * a call is left before it completes. In the call it still has them. */
static void keep_flags(ttd_engine *e, uint64_t pc)
{
    x86_state *x = x86_of(e);
    x->kept_pc = pc;
    x->kept_steps = e->steps;
    e->reg_read(e->uc, UC_X86_REG_RFLAGS, &x->kept_flags);
}

void x86_left(ttd_engine *e, uint64_t began, uint64_t pc)
{
    x86_state *x = x86_of(e);
    (void)began;
    if (pc == x->kept_pc && e->steps == x->kept_steps && pc - e->blk_pc < e->blk_size)
        e->reg_write(e->uc, UC_X86_REG_RFLAGS, &x->kept_flags);
    x->kept_pc = NEVER;
}

int x86_turn(ttd_engine *e, turn *t)
{
    const uint8_t *code = code_at(e, t->pc);
    int what;
    keep_flags(e, t->pc);
    if (!code)
        return TURN_RUN;
    what = check(e, t, code);
    if (what == TURN_RUN && !x86_enter_late(e, t->pc, code)) {
        e->arm = true;
        t->why = WHY_AGAIN;
        return TURN_STOP;
    }
    return what;
}
