/* RISC-V: which memory an instruction accesses (Volume I, 2.6, 8.2 to 8.4, 11.3, 12.3, 16.3). */
#include "rv.h"

/* The bits `count` from `from` on of a short instruction, at `to` of its offset. */
static uint32_t bits(uint32_t insn, int from, int count, int to)
{
    return (insn >> from & ((1u << count) - 1)) << to;
}

/* Of 16 bits: C.LW and its kin have funct3 2 and 6; of 1 and 5 the double is floating, of 3 and 7 an integer, and on
 * RV32 a single. False: none of these. */
static bool narrow(uint32_t insn, bool rv32, uint32_t *base, uint32_t *offset, int *size)
{
    uint32_t funct = insn >> 13 & 7;
    bool word = (funct & 3) == 2 || ((funct & 3) == 3 && rv32), store = funct & 4;
    *size = word ? 4 : 8;
    if (!(funct & 3) || (insn & 1))
        return false;
    if (!(insn & 3)) {
        *base = 8 + (insn >> 7 & 7);
        *offset = bits(insn, 10, 3, 3) | (word ? bits(insn, 6, 1, 2) | bits(insn, 5, 1, 6) : bits(insn, 5, 2, 6));
        return true;
    }
    *base = 2;
    if (store)
        *offset = word ? bits(insn, 9, 4, 2) | bits(insn, 7, 2, 6) : bits(insn, 10, 3, 3) | bits(insn, 7, 3, 6);
    else
        *offset = bits(insn, 12, 1, 5)
            | (word ? bits(insn, 4, 3, 2) | bits(insn, 2, 2, 6) : bits(insn, 5, 2, 3) | bits(insn, 2, 3, 6));
    return true;
}

static bool wide(uint32_t insn, uint32_t *base, uint32_t *offset, int *size)
{
    *base = insn >> 15 & 31;
    *size = 1 << (insn >> 12 & 3);
    switch (insn & 0x7f) {
    case 0x03: case 0x07:
        *offset = (uint32_t)((int32_t)insn >> 20);
        return true;
    case 0x23: case 0x27:
        *offset = (uint32_t)((int32_t)(insn & 0xfe000000) >> 20) | (insn >> 7 & 31);
        return true;
    case 0x2f:
        *offset = 0;
        return true;
    default:
        return false;
    }
}

bool riscv_accessed(ttd_engine *e, uint64_t pc, uint64_t *address, int *size)
{
    uint32_t insn = riscv_insn(e, pc), base, offset;
    bool rv32 = is_rv32(e);
    if (!((insn & 3) == 3 ? wide(insn, &base, &offset, size) : narrow(insn, rv32, &base, &offset, size)))
        return false;
    *address = (base ? reg(e, UC_RISCV_REG_X0 + (int)base) : 0) + (uint64_t)(int64_t)(int32_t)offset;
    if (rv32)
        *address = (uint32_t)*address;
    return true;
}
