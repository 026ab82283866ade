/* Cortex-M: what must be aligned, and is not in Unicorn. Accesses that must be whatever
 * CCR.UNALIGN_TRP says (DDI0403E A3.2.1): LDM, STM, LDRD, STRD, STREX and STREXH. And SP, whose two
 * lowest bits are always 0 (B1.4.1).
 *
 * A block's check is of registers as they are when it begins: from where in them the base of each
 * such instruction comes is worked out when the block is decoded. Where that cannot be told, as
 * with a pointer that was loaded a moment ago, the block is translated anew so that it ends
 * before the instruction (`begin_cut`), which then begins a block of its own. What may leave SP
 * unaligned ends one, and `settle` follows. */
#include "thumb.h"

#define LONGEST_IT 18             /* bytes of IT and what it is about */

typedef low_bits value;
typedef thumb_tracker tracker;
enum { FIXED = -1, UNKNOWN = -2 };

static const value anything = { UNKNOWN, 0 };

static value fixed(uint32_t low)
{
    return (value){ FIXED, low & 3 };
}

static value plus(value a, uint32_t low)
{
    a.low = (a.low + low) & 3;
    return a;
}

static value sum(value a, value b)
{
    return a.from == FIXED ? plus(b, a.low) : b.from == FIXED ? plus(a, b.low) : anything;
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
            put(t, d, r[m].from == FIXED ? plus(r[n], -(uint32_t)r[m].low) : anything);
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
    case 13: return b.from == FIXED ? plus(a, -(uint32_t)b.low) : anything;
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

/* Must the instruction's address be aligned? Its base register, and which of its bits must be 0. */
static bool demands(ttd_engine *e, uint32_t insn, int *base, uint32_t *mask)
{
    *mask = 3;
    if (e->baseline)                      /* where Unicorn sees to it */
        return false;
    if ((insn & 0xfffff000) == 0xc000) {
        *base = insn >> 8 & 7;
        return true;
    }
    *base = insn >> 16 & 15;
    if (*base == 13 || *base == 15)
        return false;
    if ((insn & 0xfffff0f0) == (0xe8c00050 | (uint32_t)*base << 16 | (insn & 0xf000))) {
        *mask = 1;
        return true;                      /* STREXH */
    }
    return (insn & 0xfe400000) == 0xe8000000
        || ((insn & 0xfe400000) == 0xe8400000 && (insn & 0x01200000))
        || (insn & 0xfff00000) == 0xe8400000;
}

/* May it give SP a value that is not a multiple of four? */
static bool moves_stack(uint32_t insn, int length)
{
    if (length == 2)                      /* ADD, MOV */
        return (insn & 0xfd87) == 0x4485;
    if ((insn & 0xfe100000) == 0xe8100000)                       /* LDM, LDRD */
        return (insn & 0xfe400000) == 0xe8000000 ? insn & 1 << 13
            : (insn >> 12 & 15) == 13 || ((insn & 0x01200000) && (insn >> 8 & 15) == 13);
    if ((insn & 0xfe000000) == 0xf8000000) {                     /* LDR, STR, and write-back */
        bool moved = !(insn & 0x00800000) && (insn & 0x900) == 0x900 && (insn >> 16 & 15) == 13;
        return (moved && insn & 3) || ((insn & 1 << 20) && (insn >> 12 & 15) == 13);
    }
    if ((insn >> 8 & 15) != 13)
        return false;
    return (insn & 0xfe000000) == 0xea000000 || (insn & 0xfa008000) == 0xf0000000
        || (insn & 0xfa008000) == 0xf2000000 || (insn & 0xfe000000) == 0xfa000000
        || (insn & 0xfff0f000) == 0xf3e08000;
}

bool thumb_is_it(uint32_t insn)
{
    return (insn & 0xffffff00) == 0xbf00 && (insn & 15);
}

/* SDIV, UDIV. */
static bool is_divide(uint32_t insn)
{
    return (insn & 0xffd000f0) == 0xfb9000f0;
}

/* The bit that tells whether the block at `pc` has been cut; NULL if nothing is there. */
static uint8_t *cut_bit(ttd_engine *e, uint64_t pc, uint8_t *bit, uint32_t *page)
{
    region *r = find_region(e, pc);
    uint64_t at;
    if (!r || r->kind == REGION_MMIO)
        return NULL;
    *page = page_of(e, r, pc);
    at = ((uint64_t)r->first_page << e->page_shift) + (pc - r->base);
    *bit = (uint8_t)(1u << (at >> 1 & 7));
    return &e->cuts[at >> 4];
}

bool has_cuts(ttd_engine *e, uint64_t address)
{
    region *r = find_region(e, address);
    return r && r->kind != REGION_MMIO && (e->flags[page_of(e, r, address)] & PAGE_CUT);
}

/* Forget that blocks of this page have been cut. */
void forget_cuts(ttd_engine *e, uint32_t page)
{
    memset(e->cuts + ((uint64_t)page << e->page_shift >> 4), 0, e->page_size >> 4);
    e->flags[page] &= (uint8_t)~PAGE_CUT;
}

/* Where a block that begins at `pc` is to end, if anywhere before `end`: before the first instruction,
 * but for its own first, whose address must be aligned, or which divides; after the first that may
 * leave SP unaligned; or before the IT block that this is in. `it`: so many instructions from `pc` on
 * are of an IT block; it cannot end there. NEVER: nowhere. `index`: that of the instruction at which
 * it has to end. */
static uint64_t border(ttd_engine *e, uint64_t pc, uint64_t end, int it, uint32_t *index)
{
    cursor c = cursor_at(e, pc);
    uint64_t it_at = NEVER;
    uint32_t k, it_index = 0;
    for (k = 0; c.code && c.at < end; k++) {
        uint64_t at = c.at;
        uint8_t *code = c.code;
        int length = advance(e, &c), base;
        bool inside = it > 0;
        uint32_t insn = thumb_at(e, at, code), mask;
        it -= inside;
        if (thumb_is_it(insn)) {
            it = 4 - __builtin_ctz(insn & 15);
            it_at = at;
            it_index = k;
        }
        if (moves_stack(insn, length)) {
            if (!c.code || c.at >= end)
                continue;
            inside |= it > 0;
            k++;
            at = c.at;
        } else if (k == 0 || !(demands(e, insn, &base, &mask) || is_divide(insn))) {
            continue;
        }
        if (!inside || it_index) {
            *index = inside ? it_index : k;
            return inside ? it_at : at;
        }
        *index = k;
        return NEVER;
    }
    *index = UINT32_MAX;
    return NEVER;
}

/* How much code the block of `size` bytes at `pc` runs: less than that if it has been cut.
 * Its last two bytes are then those of what it ends before; another that ends there has an exit. */
uint32_t span_of(ttd_engine *e, uint64_t pc, uint32_t size)
{
    uint32_t page, index;
    uint8_t bit, *cut;
    if (!has_cuts(e, pc) || pc + size == e->exit_at || !(cut = cut_bit(e, pc, &bit, &page))
        || !(*cut & bit))
        return size;
    return border(e, pc, pc + size + LONGEST_IT, 0, &index) == pc + size - 2 ? size - 2 : size;
}

/* The bits `mask` of `v` must be 0 for the block to run without another look. */
static uint32_t demand(block_info *b, value v, uint32_t mask)
{
    uint8_t want = (uint8_t)((uint8_t)v.from | v.low << 4 | (mask == 1) << 6);
    int i;
    if (v.from == FIXED && !(v.low & mask))
        return 0;
    for (i = 0; i < b->naligned && b->aligned[i] != want; i++)
        ;
    if (v.from < 0 || i == MAX_ALIGNED) {
        b->unsure = 1;
    } else if (i == b->naligned) {
        b->aligned[b->naligned++] = want;
    }
    return WAY_OPERANDS;
}

/* What must be aligned in this instruction, or not be 0. */
uint32_t aligned_decode(ttd_engine *e, decoding *d, uint32_t insn)
{
    tracker *t = &d->thumb;
    uint32_t ways = 0, mask;
    int i, base;
    if (!d->n) {
        for (i = 0; i < 15; i++)
            t->r[i] = (value){ (int8_t)i, 0 };
        t->r[13] = fixed(0);
        t->r[15] = anything;
    }
    t->conditional = d->prefix != 0;
    if (demands(e, insn, &base, &mask))
        ways |= demand(d->b, t->r[base], mask);
    if (e->trap_divide && is_divide(insn)) {
        ways |= WAY_OPERANDS;
        if (d->n)
            d->b->unsure = 1;
        else
            d->b->divides = 1;
    }
    t->sp = fixed(0);
    if (d->length == 4)
        follow_wide(t, insn);
    else
        follow_narrow(t, insn);
    if (d->at + d->length - d->b->pc < d->b->span)
        ways |= demand(d->b, t->sp, 3);
    else if (moves_stack(insn, d->length))
        ways |= WAY_SETTLE;
    return ways;
}

/* How many instructions belong to the IT block from here on. */
static int it_left(uint8_t it)
{
    return it & 15 ? 4 - __builtin_ctz(it & 15u) : 0;
}

static bool condition_holds(uint32_t xpsr, int condition)
{
    bool n = xpsr >> 31 & 1, z = xpsr >> 30 & 1, c = xpsr >> 29 & 1, v = xpsr >> 28 & 1, yes;
    switch (condition >> 1) {             /* DDI0403E A7.3.1 */
    case 0: yes = z; break;
    case 1: yes = c; break;
    case 2: yes = n; break;
    case 3: yes = v; break;
    case 4: yes = c && !z; break;
    case 5: yes = n == v; break;
    case 6: yes = n == v && !z; break;
    default: return true;
    }
    return yes != (condition & 1);
}

/* The block's first instruction is not one that its IT block skips. */
static bool first_runs(ttd_engine *e)
{
    return !e->prefix_first || condition_holds(reg32(e, UC_ARM_REG_XPSR), e->prefix_first >> 4);
}

/* How many instructions of the block may run before one whose address must be looked at; `why` if
 * that is its first, which must not. `e->cut_at`: the block should end there instead. */
uint64_t aligned_room(ttd_engine *e, block_info *b, uint64_t room, int *why)
{
    bool amiss = false;
    uint8_t *code = host_pointer(e, b->pc);
    uint32_t insn, mask, index;
    uint64_t at;
    int i, base, length = thumb_length(code), in_it = it_left(e->prefix_first);
    for (i = 0; i < b->naligned; i++) {
        uint8_t want = b->aligned[i];
        if ((thumb_gpr(e, want & 15) + (want >> 4 & 3)) & (want >> 6 & 1 ? 1 : 3))
            amiss = true;
    }
    if (!amiss && !b->unsure && !b->divides)
        return room;
    insn = thumb_at(e, b->pc, code);
    if (demands(e, insn, &base, &mask) && (thumb_gpr(e, base) & mask) && first_runs(e)) {
        bool load = insn & (length == 4 ? 1u << 20 : 1u << 11);
        *why = WHY_FAULT;
        fault_at(e, (load ? ACC_READ : ACC_WRITE) | ACC_UNALIGNED, thumb_gpr(e, base));
        return 0;
    }
    if (e->trap_divide && is_divide(insn) && !thumb_gpr(e, insn & 15) && first_runs(e)) {
        *why = WHY_EXCEPTION;
        e->code = EXCEPTION_DIVIDE;
        return 0;
    }
    if (!amiss && !b->unsure)
        return room;
    at = border(e, b->pc, b->pc + b->span, in_it, &index);
    if (index >= room)
        return room;
    if (!amiss && !in_it && at != NEVER && e->exit_at == NEVER
        && !(e->cut_pc == b->pc && e->cut_step == e->steps)
        && ((at + 2) & (e->page_size - 1)) && at + 2 - b->pc != b->size)
        e->cut_at = at;
    return index;
}

/* Let the block at `pc`, which is about to be run, end before `at`: there is a branch to itself there
 * until Unicorn has translated it (`end_cut`). Only a run may have it translated: it does not come back
 * from `ctl_request_cache` when its buffer is full or the code cannot be fetched. */
void begin_cut(ttd_engine *e, uint64_t pc, uint64_t at)
{
    static const uint8_t branch[2] = { 0xfe, 0xe7 };
    uint8_t *code = host_pointer(e, at);
    if (!code)
        return;
    drop_translated(e, pc, pc + 2);
    memcpy(e->cut_was, code, 2);
    memcpy(code, branch, 2);
    e->cut_code = code;
    e->cut_pc = pc;
    e->cut_step = e->steps;
}

/* `pc`: the block that begins there has been translated; NEVER: none has. */
void end_cut(ttd_engine *e, uint64_t pc)
{
    uint8_t bit, *cut;
    uint32_t page;
    memcpy(e->cut_code, e->cut_was, 2);
    e->cut_code = NULL;
    if (pc != e->cut_pc || !(cut = cut_bit(e, pc, &bit, &page)))
        return;
    *cut |= bit;
    e->flags[page] |= PAGE_CUT;
}
