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
    /* LR (Volume I, 8.2). Of an instruction on two pages the second half may come to be another. */
    if ((insn & 0x7f) == 0x2f && (insn >> 27 == 2 || straddles))
        monitor_needed(e);
    if (straddles)                        /* its end may be gone, or be another, the next time */
        ways |= WAY_CHECK;
    /* So may that of a SYSTEM instruction. */
    if (d->b->size && (riscv_trigger_at(e, d->at) || riscv_is_ours(e, insn) || (straddles && (insn & 0x7f) == 0x73)))
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

/* Unicorn's exception. PC has gone on by four, whatever the length of its cause. */
static bool riscv_exception(ttd_engine *e, uint32_t number)
{
    uint64_t pc = e->back_to = read_pc(e) - 4;
    if (number == CAUSE_ILLEGAL && pc - e->blk_pc >= e->blk_size) {
        on_block(e->uc, pc, 0, e);        /* an instruction of 16 bits, left out of its block */
        if (e->stopped)
            return true;
    }
    /* Unicorn does not drop such a block when that instruction is overwritten. */
    if (number == CAUSE_ILLEGAL && e->blk && !e->blk->size
        && !riscv_is_narrow_illegal(e, riscv_insn(e, pc))) {
        e->all_stale = true;
        stop(e, WHY_AGAIN);
        return true;
    }
    return false;
}

static void riscv_begin_run(ttd_engine *e)
{
    riscv_expect_flags(e);
}

static void riscv_end_run(ttd_engine *e)
{
    riscv_float_settle(e);
    riscv_settle_flags(e);
}

static int riscv_start(ttd_engine *e)
{
    riscv_reset_registers(e);
    return riscv_float_start(e) ? 0 : UC_ERR_NOMEM;
}

#define RISCV \
    .pc = UC_RISCV_REG_PC, .state_size = sizeof(riscv_state), .start = riscv_start, .free = riscv_float_free, \
    .length = riscv_length, .decode = riscv_decode, .room = riscv_room, .turn = riscv_turn, .calls_anywhere = true, \
    .accessed = riscv_accessed, \
    .looks_ahead = true, .interrupt = riscv_exception, .causes_stay = true, \
    .translate = riscv_translate, .probe = riscv_probe, .shows = riscv_shows, .allows = riscv_allows_at, \
    .moves = riscv_moves, .moves_code = riscv_changes_code, .entry_valid = riscv_entry_valid, \
    .begin_run = riscv_begin_run, .end_run = riscv_end_run, .before = riscv_float_before, \
    .enter = riscv_float_enter, .leave = riscv_float_leave, .left = riscv_float_left, \
    .read_register = riscv_own_read, .read_registers = riscv_regs_read, .write_registers = riscv_regs_write, .reset = riscv_reset_registers, \
    .replaced = riscv_replaced, .kept_size = sizeof(riscv_kept), .keep = riscv_keep, .take_back = riscv_take_back

/* LR.D and LR.W A1, (T1). */
TTD_INSTRUCTION_SET(rv64) = { .name = "rv64", .monitor = { { 0xaf, 0x35, 0x03, 0x10 }, UC_RISCV_REG_T1, 8, 2 }, RISCV };

TTD_INSTRUCTION_SET(rv32) = { 
    .name = "rv32", .variant = 1, .monitor = { { 0xaf, 0x25, 0x03, 0x10 }, UC_RISCV_REG_T1, 4, 2 }, RISCV
 };
