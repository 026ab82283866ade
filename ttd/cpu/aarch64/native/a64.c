/* AArch64: what is to be done about an instruction when a block with it is decoded. */
#include "isa.h"

/* DDI0487 C4.1.65, "Branches, Exception Generating and System instructions": the branches of them, ERET too. */
static bool a64_branches(uint32_t insn)
{
    return (insn & 0x7c000000) == 0x14000000 || (insn & 0xff000000) == 0x54000000
        || (insn & 0x7c000000) == 0x34000000 || (insn & 0xfe000000) == 0xd6000000;
}

static uint32_t a64_decode(ttd_engine *e, decoding *d)
{
    uint32_t insn, ways = flat_is_ours(e, d->at, d->code) ? WAY_CALL : 0;
    memcpy(&insn, d->code, 4);
    return ways | (a64_branches(insn) ? WAY_BRANCH : 0);
}

TTD_INSTRUCTION_SET(aarch64) = {
    .name = "aarch64", .isa = ISA_A64,
    .decode = a64_decode, .turn = flat_turn,
};
