/* Thumb: what is known of the two lowest bits of registers inside a block, from what they are when it
 * begins. */
#include "thumb.h"

typedef low_bits value;
typedef thumb_tracker tracker;

static const value anything = { LOW_UNKNOWN, 0 };

static value fixed(uint32_t low)
{
    return (value){ LOW_FIXED, low & 3 };
}

static value plus(value a, uint32_t low)
{
    a.low = (a.low + low) & 3;
    return a;
}

static value sum(value a, value b)
{
    return a.from == LOW_FIXED ? plus(b, a.low) : b.from == LOW_FIXED ? plus(a, b.low) : anything;
}

static value shifted(value a, uint32_t left)
{
    return left == 0 ? a : left >= 2 ? fixed(0) : anything;
}

/* A5.3.2 ThumbExpandImm(), of which the two lowest bits count. */
static uint32_t expand(uint32_t insn)
{
    uint32_t imm = (insn >> 15 & 0x800) | (insn >> 4 & 0x700) | (insn & 0xff), low = imm & 0xff;
    switch (imm >> 8) {
    case 0: case 1: case 3: return low;
    case 2: return 0;
    }
    low = 0x80 | (imm & 0x7f);
    imm >>= 7;
    return low >> imm | low << (32 - imm);
}

static void put(tracker *t, uint32_t n, value v)
{
    if (n == 13) {                        /* SP[1:0] are 0 (B1.4.1) */
        t->sp = v;
        v = fixed(0);
    }
    if (n < 15 && !(t->conditional && (v.from != t->r[n].from || v.low != t->r[n].low)))
        t->r[n] = v;
    else if (n < 15)
        t->r[n] = anything;
}

static void forget(tracker *t, uint32_t list)
{
    for (; list; list &= list - 1)
        put(t, (uint32_t)__builtin_ctz(list), anything);
}

static void follow_narrow(tracker *t, uint32_t a)
{
    value *r = t->r;
    uint32_t d = a & 7, n = a >> 3 & 7, m = a >> 6 & 7, high = a >> 8 & 7;
    switch (a >> 11) {
    case 0: put(t, d, shifted(r[n], a >> 6 & 31)); break;
    case 3:
        if (a >> 10 & 1)
            put(t, d, plus(r[n], a >> 9 & 1 ? -m : m));
        else if (a >> 9 & 1)
            put(t, d, r[m].from == LOW_FIXED ? plus(r[n], -(uint32_t)r[m].low) : anything);
        else
            put(t, d, sum(r[n], r[m]));
        break;
    case 1: case 2: put(t, d, anything); break;
    case 4: put(t, high, fixed(a)); break;
    case 5: break;
    case 6: put(t, high, plus(r[high], a)); break;
    case 7: put(t, high, plus(r[high], -a)); break;
    case 8:
        d |= a >> 4 & 8;
        n = a >> 3 & 15;
        if (!(a & 0x400)) {
            if ((a >> 6 & 15) != 8 && (a >> 6 & 15) != 10 && (a >> 6 & 15) != 11)
                put(t, a & 7, anything);
        } else if ((a >> 8 & 3) == 0) {
            put(t, d, n == 15 ? anything : sum(r[d], r[n]));
        } else if ((a >> 8 & 3) == 2) {
            put(t, d, n == 15 ? anything : r[n]);
        }
        break;
    case 9: put(t, high, anything); break;
    case 10: case 11:
        if ((a >> 9 & 7) >= 3)
            put(t, d, anything);
        break;
    case 13: case 15: case 17: put(t, d, anything); break;
    case 19: put(t, high, anything); break;
    case 20: case 21: put(t, high, fixed(0)); break;
    case 22: case 23:
        if ((a & 0xff00) == 0xb200 || (a & 0xff00) == 0xba00)
            put(t, d, anything);
        else if ((a & 0xfe00) == 0xbc00)
            forget(t, a & 0xff);
        break;
    case 25: forget(t, a & 0xff); break;
    }
}

/* Data processing with an operand `b`, of which `known` says that it is an immediate's value. */
static value processed(uint32_t op, uint32_t n, value a, value b, bool known)
{
    switch (op) {
    case 0: return known && !(b.low & 3) ? fixed(0) : anything;                   /* AND */
    case 1: return !known ? anything : b.low == 3 ? fixed(0) : b.low ? anything : a;   /* BIC */
    case 2: return n == 15 ? b : known && !b.low ? a : anything;                  /* MOV, ORR */
    case 8: return sum(a, b);
    case 13: return b.from == LOW_FIXED ? plus(a, -(uint32_t)b.low) : anything;
    default: return anything;
    }
}

static void follow_wide(tracker *t, uint32_t a)
{
    value *r = t->r;
    uint32_t n = a >> 16 & 15, d = a >> 8 & 15, load = a >> 12 & 15, op = a >> 21 & 15;
    value base = n == 15 ? anything : r[n];
    if ((a & 0xfe400000) == 0xe8000000) {                        /* LDM, STM */
        if (a & 1 << 20)
            forget(t, a & 0x7fff);
    } else if ((a & 0xfe400000) == 0xe8400000) {                 /* LDRD, exclusives, TBB */
        if (a & 0x01200000) {
            if (a & 1 << 20)
                forget(t, 1u << load | 1u << d);
        } else {
            forget(t, 1u << load | 1u << d | 1u << (a & 15));
        }
    } else if ((a & 0xfe000000) == 0xea000000) {
        bool left = !(a & 0x30);
        value m = shifted(r[a & 15], (a >> 10 & 0x1c) | (a >> 6 & 3));
        if (d != 15)
            put(t, d, !left || (a & 15) == 15 ? anything : processed(op, n, base, m, false));
    } else if ((a & 0xfa008000) == 0xf0000000) {
        if (d != 15)
            put(t, d, processed(op, n, base, fixed(expand(a)), true));
    } else if ((a & 0xfa008000) == 0xf2000000) {
        switch (a >> 20 & 31) {
        case 0: put(t, d, n == 15 ? fixed(a) : plus(base, a)); break;
        case 10: put(t, d, n == 15 ? fixed(-a) : plus(base, -a)); break;
        case 4: put(t, d, fixed(a)); break;
        case 12: break;                                          /* MOVT */
        case 22:                                                 /* BFI, BFC */
            if (!(a & 0x7000))
                put(t, d, anything);
            break;
        default: put(t, d, anything);
        }
    } else if ((a & 0xf8008000) == 0xf0008000) {                 /* branches, MRS, MSR, hints */
        if ((a & 0xffe0d000) == 0xf3e08000)
            put(t, d, anything);
    } else if ((a & 0xfe000000) == 0xf8000000) {
        bool sign = a & 1 << 24;
        if (a & 1 << 20)
            put(t, load, anything);
        if (n != 15 && !sign && !(a & 1 << 23) && (a & 0x900) == 0x900 && !((a & 1 << 20) && load == n))
            put(t, n, plus(r[n], a & 0x200 ? a : -a));
        else if (n != 15 && sign && !(a & 1 << 23) && (a & 0x900) == 0x900 && load != n)
            put(t, n, plus(r[n], a & 0x200 ? a : -a));
    } else if ((a & 0xfe000000) == 0xfa000000) {                 /* of registers, multiplies */
        put(t, d, anything);
        if ((a & 0xff800000) == 0xfb800000)
            put(t, load, anything);
    } else {
        forget(t, 0x7fff);
    }
}

void tracker_begin(thumb_tracker *t)
{
    for (int i = 0; i < 15; i++)
        t->r[i] = (value){ (int8_t)i, 0 };
    t->r[13] = fixed(0);
    t->r[15] = anything;
}

void tracker_follow(thumb_tracker *t, uint32_t insn, int length)
{
    t->sp = fixed(0);
    if (length == 4)
        follow_wide(t, insn);
    else
        follow_narrow(t, insn);
}
