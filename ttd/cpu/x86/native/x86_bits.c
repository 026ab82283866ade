/* What is known of the four lowest bits of x86's registers inside a block, from what they are when it
 * begins: enough to tell there whether an address is a multiple of 16. */
#include "x86.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

typedef low_bits value;

static const value anything = { LOW_UNKNOWN, 0 };

static value fixed(uint64_t low) { return (value){ LOW_FIXED, low & 15 }; }

static value plus(value a, uint64_t low)
{
    a.low = (a.low + low) & 15;
    return a;
}

static value sum(value a, value b)
{
    return a.from == LOW_FIXED ? plus(b, a.low) : b.from == LOW_FIXED ? plus(a, b.low) : anything;
}

void x86_bits_begin(x86_bits *t)
{
    for (int i = 0; i < 16; i++)
        t->r[i] = (value){ (int8_t)i, 0 };
}

static void forget(x86_bits *t, uint32_t list)
{
    for (; list; list &= list - 1)
        t->r[__builtin_ctz(list)] = anything;
}

/* ---- instructions of one byte (SDM volume 2, appendix A.3) ---------------------------------- */

/* One of them: `from` is what follows its operands; `narrow`: of eight bits, where a register's number
 * may mean another's second byte. */
typedef struct { const ours *o; uint8_t opcode; const uint8_t *from; int left; bool narrow; } one;

static int64_t immediate(const one *i)
{
    int64_t value = 0;
    int size = i->left < 4 ? i->left : 4;
    for (int k = 0; k < size; k++)
        value |= (int64_t)i->from[k] << 8 * k;
    return value;
}

static void put(x86_bits *t, const one *i, int n, value v)
{
    if (i->narrow)
        forget(t, 1u << n | (n >= 4 && n < 8 ? 1u << (n - 4) : 0));
    else
        t->r[n] = v;
}

/* The eight operations of ADD, OR, ADC, SBB, AND, SUB, XOR, CMP. */
static value computed(int what, value a, value b, bool same)
{
    bool known = b.from == LOW_FIXED;
    switch (what) {
    case 0: return sum(a, b);
    case 1: return known && !b.low ? a : anything;
    case 4: return known && !b.low ? fixed(0) : known && b.low == 15 ? a : anything;
    case 5: return known ? plus(a, -(uint64_t)b.low) : same ? fixed(0) : anything;
    case 6: return same ? fixed(0) : known && !b.low ? a : anything;
    case 7: return a;
    default: return anything;
    }
}

static void operate(x86_bits *t, const one *i, int what, int to, value b, bool same)
{
    if (what != 7)
        put(t, i, to, computed(what, t->r[to], b, same));
}

static void follow_one(x86_bits *t, const one *i)
{
    const ours *o = i->o;
    value *r = t->r, source = o->memory ? anything : r[o->rm];
    int what = o->reg & 7;
    uint8_t low = i->opcode & 7;
    if (i->opcode < 0x40) {
        what = i->opcode >> 3;
        if (low >= 4)
            operate(t, i, what, RAX, fixed((uint64_t)immediate(i)), false);
        else if (low >= 2)
            operate(t, i, what, o->reg, source, !o->memory && o->reg == o->rm);
        else if (!o->memory)
            operate(t, i, what, o->rm, r[o->reg], o->reg == o->rm);
        return;
    }
    switch (i->opcode) {
    case 0x63: r[o->reg] = source; break;
    case 0x68: case 0x6a: case 0x9c: r[RSP] = plus(r[RSP], -8ull); break;
    case 0x69: case 0x6b: r[o->reg] = anything; break;
    case 0x80: case 0x81: case 0x83:
        if (!o->memory)
            operate(t, i, what, o->rm, fixed((uint64_t)immediate(i)), false);
        break;
    case 0x84: case 0x85: case 0x98: case 0x9b: case 0x9e: case 0x9f: case 0xa8: case 0xa9:
        break;
    case 0x86: case 0x87: case 0xd0: case 0xd1: case 0xd2: case 0xd3: case 0xc0: case 0xc1:
        if (i->opcode < 0x90)
            put(t, i, o->reg, anything);
        if (!o->memory)
            put(t, i, o->rm, i->opcode == 0xc1 && what == 4 && (immediate(i) & 31) >= 4
                ? fixed(0) : anything);
        break;
    case 0x88: case 0x89:
        if (!o->memory)
            put(t, i, o->rm, r[o->reg]);
        break;
    case 0x8a: case 0x8b: put(t, i, o->reg, source); break;
    case 0x8d: {
        value index = o->index < 0 ? fixed(0) : r[o->index];
        if (o->scale && index.from != LOW_FIXED)
            index = anything;
        index.low = (uint8_t)(index.low << o->scale & 15);
        source = o->relative ? fixed(o->pc + o->length) : o->base < 0 ? fixed(0) : r[o->base];
        r[o->reg] = plus(sum(source, index), (uint64_t)o->disp);
        break;
    }
    case 0x99: r[RDX] = anything; break;
    case 0x9d: r[RSP] = plus(r[RSP], 8); break;
    case 0xc6: case 0xc7:
        if (!o->memory)
            put(t, i, o->rm, fixed((uint64_t)immediate(i)));
        break;
    case 0xc9:
        r[RSP] = plus(r[RBP], 8);
        r[RBP] = anything;
        break;
    case 0xf6: case 0xf7:
        if (what >= 4)
            forget(t, 1u << RAX | 1u << RDX);
        else if (what >= 2 && !o->memory)
            put(t, i, o->rm, anything);
        break;
    case 0xfe: case 0xff:
        if (what == 6)
            r[RSP] = plus(r[RSP], -8ull);
        else if (what < 2 && !o->memory)
            put(t, i, o->rm, plus(source, what ? -1ull : 1));
        break;
    case 0xa4: case 0xa5: case 0xa6: case 0xa7: case 0xaa: case 0xab: case 0xac: case 0xad: case 0xae:
    case 0xaf:
        forget(t, 1u << RAX | 1u << RCX | 1u << RSI | 1u << RDI);
        break;
    default: forget(t, 0xffff);
    }
}

/* Those whose opcode has a register in it, and short jumps. False: it is none of them. */
static bool follow_numbered(x86_bits *t, const ours *o, const uint8_t *code)
{
    int n = o->numbered;
    switch (o->opcode & 0xf8) {
    case 0x50: t->r[RSP] = plus(t->r[RSP], -8ull); return true;
    case 0x58:
        t->r[RSP] = plus(t->r[RSP], 8);
        t->r[n] = anything;
        return true;
    case 0x70: case 0x78: return true;
    case 0x90: forget(t, n ? 1u << n | 1u << RAX : 0); return true;
    case 0xb0: forget(t, 1u << n | (n >= 4 && n < 8 ? 1u << (n - 4) : 0)); return true;
    case 0xb8: t->r[n] = fixed(code[o->opcode_end]); return true;
    }
    return false;
}

static bool moves_stack(const ours *o)
{
    uint8_t op = o->opcode;
    return (op & 0xf0) == 0x50 || op == 0x68 || op == 0x6a || op == 0x9c || op == 0x9d || op == 0xc9
        || op == 0xff;
}

/* ---- the maps 0F, 0F38, 0F3A, and the x87 -------------------------------------------------- */

static void follow_two(x86_bits *t, const ours *o, bool numbered)
{
    uint32_t reg = 1u << o->reg, rm = o->memory ? 0 : 1u << o->rm;
    uint8_t op = o->opcode;
    if (!o->map) {
        if (op == 0xdf && !o->memory)     /* FNSTSW AX */
            forget(t, 1u << RAX);
    } else if (o->map == 0x38) {
        if (op >= 0xf0)
            forget(t, reg);
    } else if (o->map == 0x3a) {
        forget(t, op >= 0x14 && op <= 0x17 ? rm : op == 0x61 || op == 0x63 ? 1u << RCX : 0);
    } else if (numbered) {                /* BSWAP */
        forget(t, 0xffff);
    } else if ((op >= 0x40 && op <= 0x50) || op == 0x2c || op == 0x2d || op == 0xaf || op == 0xb6
               || op == 0xb8 || (op >= 0xbc && op <= 0xbe) || op == 0xc5 || op == 0xd7) {
        forget(t, reg);
    } else if (op == 0xb7 || op == 0xbf) {
        t->r[o->reg] = o->memory ? anything : t->r[o->rm];
    } else if (op >= 0x90 && op <= 0x9f) {
        forget(t, rm | (rm >> 4 & 15));
    } else if (op == 0x7e || op == 0xa4 || op == 0xa5 || op == 0xab || op == 0xac || op == 0xad
               || op == 0xb3 || op == 0xba || op == 0xbb) {
        forget(t, rm);
    } else if (!(op >= 0x10 && op <= 0x1f) && !(op >= 0x28 && op <= 0x2f) && !(op >= 0x51 && op <= 0x7f)
               && op != 0xa3 && op != 0xae && op != 0xc2 && op != 0xc4 && op != 0xc6 && op < 0xd0) {
        forget(t, 0xffff);
    }
}

void x86_bits_follow(x86_bits *t, const uint8_t *code, size_t size, const ours *place)
{
    ours o;
    one i;
    if (!x86_decode(code, size, &o)) {
        forget(t, 0xffff);
        return;
    }
    o.pc = place->pc;
    o.length = place->length;
    if (o.map != X86_ONE) {
        follow_two(t, &o, o.map == 1 && o.opcode >= 0xc8 && o.opcode <= 0xcf);
        return;
    }
    if (o.halved && moves_stack(&o)) {
        forget(t, 0xffff);
        return;
    }
    if (follow_numbered(t, &o, code))
        return;
    i = (one){ .o = &o, .opcode = o.opcode, .from = code + o.operands_end,
               .left = o.length - o.operands_end };
    i.narrow = !(o.opcode & 1) && o.opcode != 0x68 && o.opcode != 0x6a;
    if (o.opcode < 0x40 && (o.opcode & 7) >= 4) {     /* no operands, but the number */
        i.from = code + o.opcode_end;
        i.left = o.length - o.opcode_end;
    }
    follow_one(t, &i);
}

/* ---- addresses ------------------------------------------------------------------------------ */

bool x86_bits_address(const x86_bits *t, const ours *o, uint16_t *condition)
{
    value base = o->base < 0 ? fixed(0) : t->r[o->base];
    value index = o->index < 0 ? fixed(0) : t->r[o->index];
    uint64_t low = (uint64_t)o->disp + (o->relative ? o->pc + o->length : 0);
    if (o->segment || base.from == LOW_UNKNOWN || index.from == LOW_UNKNOWN)
        return false;
    low += base.low + ((uint64_t)index.low << o->scale);
    *condition = (uint16_t)((base.from & 31) | (index.from & 31) << 5 | o->scale << 10 | (low & 15) << 12);
    return true;
}

bool x86_bits_hold(ttd_engine *e, uint16_t condition)
{
    int base = condition & 31, index = condition >> 5 & 31;
    uint64_t at = condition >> 12;
    if (base < 16)
        at += x86_gpr(e, base);
    if (index < 16)
        at += x86_gpr(e, index) << (condition >> 10 & 3);
    return !(at & 15);
}
