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

/* `own` of a block: some registers that must be aligned are not known when it begins; its first instruction
 * divides. */
enum { UNSURE = 1, DIVIDES = 2 };

/* Must the instruction's address be aligned? Its base register, and which of its bits must be 0. */
static bool demands(ttd_engine *e, uint32_t insn, int *base, uint32_t *mask)
{
    *mask = 3;
    if (thumb_of(e)->baseline)                      /* where Unicorn sees to it */
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

/* How much code the block of `size` bytes at `pc`, which has been cut, runs: less than that if its last two
 * bytes are those of what it ends before; another that ends there has an exit. */
uint32_t thumb_cut_span(ttd_engine *e, uint64_t pc, uint32_t size)
{
    uint32_t index;
    return border(e, pc, pc + size + LONGEST_IT, 0, &index) == pc + size - 2 ? size - 2 : size;
}

/* The bits `mask` of `v` must be 0 for the block to run without another look. */
static uint32_t demand(block_info *b, low_bits v, uint32_t mask)
{
    uint8_t want = (uint8_t)((uint8_t)v.from | v.low << 4 | (mask == 1) << 6);
    int i;
    if (v.from == LOW_FIXED && !(v.low & mask))
        return 0;
    for (i = 0; i < b->noperands && b->operands[i] != want; i++)
        ;
    if (v.from < 0 || i == MAX_OPERANDS) {
        b->own |= UNSURE;
    } else if (i == b->noperands) {
        b->operands[b->noperands++] = want;
    }
    return WAY_OPERANDS;
}

/* What must be aligned in this instruction, or not be 0. */
uint32_t aligned_decode(ttd_engine *e, decoding *d, uint32_t insn)
{
    thumb_tracker *t = (thumb_tracker *)d->own;
    uint32_t ways = 0, mask;
    int base;
    if (!d->n)
        tracker_begin(t);
    t->conditional = d->prefix != 0;
    if (demands(e, insn, &base, &mask))
        ways |= demand(d->b, t->r[base], mask);
    if (thumb_of(e)->trap_divide && is_divide(insn)) {
        ways |= WAY_OPERANDS;
        if (d->n)
            d->b->own |= UNSURE;
        else
            d->b->own |= DIVIDES;
    }
    tracker_follow(t, insn, d->length);
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
    for (i = 0; i < b->noperands; i++) {
        uint16_t want = b->operands[i];
        if ((thumb_gpr(e, want & 15) + (want >> 4 & 3)) & (want >> 6 & 1 ? 1 : 3))
            amiss = true;
    }
    if (!amiss && !b->own)
        return room;
    insn = thumb_at(e, b->pc, code);
    if (demands(e, insn, &base, &mask) && (thumb_gpr(e, base) & mask) && first_runs(e)) {
        bool load = insn & (length == 4 ? 1u << 20 : 1u << 11);
        *why = WHY_FAULT;
        fault_at(e, (load ? ACC_READ : ACC_WRITE) | ACC_UNALIGNED, thumb_gpr(e, base));
        return 0;
    }
    if (thumb_of(e)->trap_divide && is_divide(insn) && !thumb_gpr(e, insn & 15) && first_runs(e)) {
        *why = WHY_EXCEPTION;
        e->code = EXCEPTION_DIVIDE;
        return 0;
    }
    if (!amiss && !(b->own & UNSURE))
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
