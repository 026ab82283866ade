/* RISC-V: what is to be done about an instruction when a block with it is decoded. */
#include "isa.h"

/* JAL, JALR, BRANCH and their short forms, MRET and SRET (Volume I, chapter 24; 16.8). */
static bool riscv_branches(uint32_t insn, bool rv32)
{
    switch (insn & 3) {
    case 1: return insn >> 15 & 1 ? (insn >> 13 & 7) != 4
                                  : (insn >> 13 & 7) == 1 && rv32;   /* C.J, C.BEQZ, C.BNEZ; C.JAL */
    case 2: return (insn >> 13 & 7) == 4 && !(insn & 0x7c) && (insn & 0xf80);   /* C.JR, C.JALR */
    case 3: return (insn & 0x7f) == 0x63 || (insn & 0x77) == 0x67
                   || insn == 0x30200073 || insn == 0x10200073;
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
    if ((d->code[0] & 0x7f) == 0x73) {    /* it may change a mask */
        ways |= WAY_SETTLE;
        if (straddles || riscv_changes_modes(insn))
            ways |= WAY_MODES;
    }
    if (d->b->size && riscv_is_ours(e, insn))
        ways |= WAY_CALL;
    if (riscv_branches(insn, e->isa == ISA_RV32))
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

static void riscv_replaced(ttd_engine *e)
{
    e->modes_stale = true;
    flush_tlb(e);
}

/* WFI. */
static bool riscv_is_wait(ttd_engine *e, uint64_t pc)
{
    return riscv_insn(e, pc) == 0x10500073;
}

#define RISCV \
    .pc = UC_RISCV_REG_PC, .beside_context = UC_RISCV_REG_FCSR, \
    .length = riscv_length, .decode = riscv_decode, .room = riscv_room, .turn = riscv_turn, \
    .is_wait = riscv_is_wait, .waits_on = true, \
    .read_registers = riscv_regs_read, .write_registers = riscv_regs_write, .replaced = riscv_replaced

TTD_INSTRUCTION_SET(rv64) = { .name = "rv64", .isa = ISA_RV64, RISCV };

TTD_INSTRUCTION_SET(rv32) = { .name = "rv32", .isa = ISA_RV32, .variant = 1, RISCV };
