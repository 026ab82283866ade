/* RISC-V: what is to be done about an instruction when a block with it is decoded. */
#include "rv.h"

/* JAL, JALR, BRANCH and their short forms, MRET and SRET (Volume I, chapter 24; 16.8). */
static bool riscv_branches(uint32_t insn, bool rv32)
{
    switch (insn & 3) {
    case 1: return insn >> 15 & 1 ? (insn >> 13 & 7) != 4
                                  : (insn >> 13 & 7) == 1 && rv32;   /* C.J, C.BEQZ, C.BNEZ; C.JAL */
    case 2: return (insn >> 13 & 7) == 4 && !(insn & 0x7c) && (insn & 0xf80);   /* C.JR, C.JALR */
    case 3: return (insn & 0x7f) == 0x63 || (insn & 0x77) == 0x67
                   || insn == INSN_MRET || insn == INSN_SRET;
    }
    return false;
}

static uint32_t riscv_decode(ttd_engine *e, decoding *d)
{
    bool straddles = d->length == 4 && (d->at & (e->page_size - 1)) == e->page_size - 2;
    uint32_t insn = riscv_insn(e, d->at), ways;
    ways = riscv_float_decode(e, d, insn);
    if (straddles)                        /* its end may be gone, or be another, the next time */
        ways |= WAY_CHECK;
    /* Of a SYSTEM instruction on two pages the second half may come to be another. */
    if (d->b->size && (riscv_is_ours(e, insn) || (straddles && (insn & 0x7f) == 0x73)))
        ways |= WAY_CALL;
    if (riscv_branches(insn, is_rv32(e)))
        ways |= WAY_BRANCH;
    return ways;
}

/* Code that cannot all be fetched. */
static uint64_t riscv_room(ttd_engine *e, block_info *b, uint64_t room, int *why)
{
    cursor c = cursor_at(e, b->pc);
    uint64_t k;
    for (k = 0; k < b->n && k < room; k++) {
        uint64_t at = c.at, last;
        int length = advance(e, &c);
        last = at + length - 2;
        if (!length || !riscv_fetchable(e, at) || !riscv_fetchable(e, last)) {
            if (k == 0) {
                *why = WHY_FAULT;
                fault_at(e, ACC_FETCH, length && riscv_fetchable(e, at) ? last : at);
            }
            return k;
        }
    }
    return room;
}

static int riscv_length(ttd_engine *e, uint64_t pc, const uint8_t *code)
{
    (void)e, (void)pc;
    return (code[0] & 3) == 3 ? 4 : 2;
}

#define RISCV \
    .pc = UC_RISCV_REG_PC, .state_size = sizeof(riscv_core), \
    .length = riscv_length, .decode = riscv_decode, .room = riscv_room, .turn = riscv_turn, .calls_anywhere = true, \
    .read_registers = riscv_regs_read, .write_registers = riscv_regs_write, .reset = riscv_reset_registers, \
    .replaced = riscv_replaced, .kept_size = sizeof(riscv_kept), .keep = riscv_keep, .take_back = riscv_take_back

TTD_INSTRUCTION_SET(rv64) = { .name = "rv64", .isa = ISA_RV64, RISCV };

TTD_INSTRUCTION_SET(rv32) = { .name = "rv32", .isa = ISA_RV32, .variant = 1, RISCV };
