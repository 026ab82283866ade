/* AArch64: instructions that Unicorn can leave when a part of them has happened, and of which nothing may
 * have when the run ends before them (DDI0487, section "Loads and Stores"). Some make several accesses, in
 * parts; DC ZVA and store exclusives of pairs are left late (late.c). */
#include "a64.h"

typedef struct { uint32_t size; bool late; } accesses;

static const accesses one = { 0, false };

#define ZVA_SIZE 64                       /* DCZID_EL0 of a Cortex-A72 */

static bool is_dc_zva(uint32_t insn) { return (insn & 0xffffffe0) == 0xd50b7420; }

static bool is_store_pair(uint32_t insn) { return (insn & 0xffe00000) == 0xc8200000; }

/* LD1 to LD4 and ST1 to ST4, all of the registers. */
static uint32_t structures_size(uint32_t insn)
{
    static const uint8_t registers[16] = { [0] = 4, [2] = 4, [4] = 3, [6] = 3, [7] = 1, [8] = 2, [10] = 2 };
    return registers[insn >> 12 & 15] * (insn >> 30 & 1 ? 16u : 8u);
}

/* The same, of one element each. */
static uint32_t structure_size(uint32_t insn)
{
    uint32_t elements = (insn >> 12 & 2) + (insn >> 21 & 1) + 1, scale = insn >> 14 & 3;
    if (scale == 3)                       /* LD1R and its kin */
        scale = insn >> 10 & 3;
    else if (scale == 2 && (insn >> 10 & 1))
        scale = 3;
    return elements << scale;
}

static accesses a64_accesses(uint32_t insn)
{
    bool vector = insn >> 26 & 1;
    uint32_t width = insn >> 30;
    if (is_dc_zva(insn))
        return (accesses){ ZVA_SIZE, true };
    if (is_store_pair(insn))
        return (accesses){ 16, true };
    if ((insn & 0x3a000000) == 0x28000000)
        return (accesses){ 2 * (vector ? 4u << width : width & 2 ? 8u : 4u), false };
    if ((insn & 0xff800000) == 0x3c800000 || (insn & 0xff800000) == 0x3d800000)
        return (accesses){ 16, false };   /* of a register of 128 bits */
    if ((insn & 0xbf000000) == 0x0c000000)
        return (accesses){ structures_size(insn), false };
    if ((insn & 0xbf000000) == 0x0d000000)
        return (accesses){ structure_size(insn), false };
    return one;
}

static extent a64_extent(ttd_engine *e, uint32_t insn)
{
    uint64_t address = a64_gpr(e, is_dc_zva(insn) ? insn & 31 : insn >> 5 & 31, !is_dc_zva(insn));
    if (is_dc_zva(insn))
        address &= ~(uint64_t)(ZVA_SIZE - 1);
    return (extent){ address, a64_accesses(insn).size, ACC_WRITE };
}

bool a64_leaves_late(uint32_t insn) { return a64_accesses(insn).late; }

bool a64_enter_late(ttd_engine *e, uint32_t insn)
{
    extent x;
    if (!a64_leaves_late(insn))
        return true;
    x = a64_extent(e, insn);
    return enter_late(e, &x);
}

uint32_t a64_parts(ttd_engine *e, uint64_t pc)
{
    const uint8_t *code = code_at(e, pc);
    accesses a = code ? a64_accesses(a64_insn(code)) : one;
    return a.late ? 0 : a.size;
}
