/* Thumb: the accesses that an instruction makes one after the other, and what an end of the run in the
 * middle of them or behind a return has to be told. */
#include "thumb.h"

#define EXC_RETURN 0xf0000000u    /* branches to here and above return from exceptions */

uint32_t thumb_insn(ttd_engine *e, uint64_t pc)
{
    uint8_t *code = host_pointer(e, pc);
    return code ? thumb_at(e, pc, code) : 0;
}

/* The words that the instruction accesses one after the other: their number, and for a store
 * the registers (a bit each, lowest first; LDRD and STRD by `pair`). 0: a single access. */
static int words_of(uint32_t insn, uint32_t *list, int pair[2])
{
    *list = 0;
    if ((insn & 0xfffff000) == 0xc000)
        *list = insn & 0xff;
    else if ((insn & 0xfffffe00) == 0xb400)
        *list = (insn & 0xff) | (insn & 0x100) << 6;
    else if ((insn & 0xfffffe00) == 0xbc00)
        *list = (insn & 0xff) | (insn & 0x100) << 7;
    else if ((insn & 0xfe400000) == 0xe8000000)
        *list = insn & 0xffff;
    else if ((insn & 0xfe400000) == 0xe8400000 && (insn & 0x01200000)) {
        pair[0] = insn >> 12 & 15;
        pair[1] = insn >> 8 & 15;
        return 2;
    }
    return __builtin_popcount(*list);
}

uint32_t thumb_gpr(ttd_engine *e, int n)
{
    return reg32(e, n < 13 ? UC_ARM_REG_R0 + n : n == 13 ? UC_ARM_REG_SP : UC_ARM_REG_LR);
}

/* Look at all accesses of the instruction, before the first of them is done. Pages before a
 * watched place are trapped as well (`ttd_set_watchpoints`), so this is the first. */
bool thumb_watched(ttd_engine *e, uint64_t address, int size, int kind, uint64_t value)
{
    uint32_t insn, list;
    int pair[2], n, i, r = -1;
    bool hit = false;
    if (e->looked_step == e->io_step)
        return false;
    insn = thumb_insn(e, e->io_pc);
    if (kind == ACC_READ && thumb_is_store_exclusive(insn))
        return false;                     /* STREX compares before it stores: not a read */
    e->looked_step = e->io_step;
    n = words_of(insn, &list, pair);
    if (n < 2)
        return watched_access(e, address, size, kind, value);
    for (i = 0; i < n && !hit; i++, address += 4) {
        if (list) {
            do r++; while (!(list >> r & 1));
        } else {
            r = pair[i];
        }
        hit = watched_access(e, address, 4, kind, kind == ACC_WRITE ? thumb_gpr(e, r) : 0);
    }
    return hit;
}

/* LDRD overwrites its base with the first word before it loads the second. When it is the second
 * access, at `at` (its page, if not `exact`), that ends the run, put the base back. */
void thumb_left_midway(ttd_engine *e, uint64_t pc, uint64_t at, bool exact)
{
    uint32_t insn = thumb_insn(e, pc), offset = (insn & 0xff) * 4, base, n = insn >> 16 & 15;
    if ((insn & 0xff700000) != 0xe9500000 || (insn >> 12 & 15) != n || n > 14)
        return;
    if (!(insn >> 23 & 1))
        offset = -offset;
    base = thumb_gpr(e, n) + offset;
    if (exact ? base == at : (base & ~(e->page_size - 1)) == at)
        return;                           /* it was the first */
    base = (uint32_t)at - 4 - offset;
    e->reg_write(e->uc, n < 13 ? UC_ARM_REG_R0 + (int)n : n == 13 ? UC_ARM_REG_SP : UC_ARM_REG_LR,
                 &base);
}

/* STREX, STREXB, STREXH (A7.7.167 to A7.7.169). */
bool thumb_is_store_exclusive(uint32_t insn)
{
    return (insn & 0xfff00000) == 0xe8400000 || (insn & 0xfff000e0) == 0xe8c00040;
}

/* Is this one of the instructions that return from an exception when they load such an address
 * (DDI0403E B1.5.8)? BX, POP and LDM of PC, LDR to PC. */
static bool may_return(uint32_t insn)
{
    return (insn & 0xffffff87) == 0x4700 || (insn & 0xffffff00) == 0xbd00
        || (insn & 0xfe508000) == 0xe8108000 || (insn & 0xff70f000) == 0xf850f000;
}

/* The instruction at index `last` of the block has brought PC to `pc`: does it return from an exception? */
bool thumb_returns(ttd_engine *e, uint64_t pc, uint32_t last)
{
    return pc >= EXC_RETURN && may_return(thumb_insn(e, address_of(e, e->blk_pc, last)));
}

/* WFI. */
bool thumb_is_wait(ttd_engine *e, uint64_t pc)
{
    uint32_t insn = thumb_insn(e, pc);
    return insn == 0xbf30 || insn == 0xf3af8003;
}
