/* RISC-V: the instructions that Unicorn has otherwise than the manual, or must not answer.
 *
 * Sections are those of "The RISC-V Instruction Set Manual", Volume I (20191213) where it says so,
 * else of Volume II (20211203). */
#include "rv.h"

/* ---- what instructions there are ----------------------------------------------------- */

/* Volume I, 16.8, "RVC Instruction Set Listings": not reserved. HINTs are instructions, too; shifts
 * by 32 and more on RV32, which are for custom use, are not. */
static bool narrow_exists(uint32_t a, bool rv32)
{
    uint32_t rd = a >> 7 & 31, rs2 = a >> 2 & 31;
    bool high = a >> 12 & 1;
    switch ((a & 3) << 3 | a >> 13) {
    case 000: return a & 0x1fe0;                             /* C.ADDI4SPN */
    case 004: return false;
    case 011: return rv32 || rd;                             /* C.ADDIW; C.JAL */
    case 013: return high || rs2;                            /* C.LUI, C.ADDI16SP */
    case 014:
        if ((a >> 10 & 3) == 3)
            return !high || (!rv32 && !(a >> 6 & 1));        /* C.SUBW, C.ADDW */
        return (a >> 10 & 3) == 2 || !(rv32 && high);        /* C.SRLI, C.SRAI */
    case 020: return !(rv32 && high);                        /* C.SLLI */
    case 022: return rd;                                     /* C.LWSP */
    case 023: return rv32 || rd;                             /* C.LDSP; C.FLWSP */
    case 024: return high || rd || rs2;                      /* C.JR */
    }
    return true;
}

static bool is_floating(uint32_t insn, bool rv32)
{
    uint32_t width = insn >> 12 & 7;
    if ((insn & 3) != 3) {
        if ((insn & 3) == 1)
            return false;
        return (insn >> 13 & 3) == 1 || (rv32 && (insn >> 13 & 3) == 3);
    }
    switch (insn & 0x7f) {
    case 0x07: case 0x27: return width == 2 || width == 3;
    case 0x43: case 0x47: case 0x4b: case 0x4f: case 0x53: return true;
    case 0x73: return width & 3 && insn >> 20 >= CSR_FFLAGS && insn >> 20 <= CSR_FCSR;
    }
    return false;
}

/* SC.W and SC.D; that of other widths is illegal, wherever it points to. */
static bool is_store_conditional(uint32_t insn, bool rv32)
{
    uint32_t width = insn >> 12 & 7;
    return (insn & 0x7f) == 0x2f && insn >> 27 == 3 && (width == 2 || (width == 3 && !rv32));
}

/* An illegal instruction of 16 bits. */
bool riscv_is_narrow_illegal(ttd_engine *e, uint32_t insn)
{
    bool rv32 = is_rv32(e);
    return (insn & 3) != 3
        && (!narrow_exists(insn, rv32) || (rv_of(e)->csr.fs == 0 && is_floating(insn, rv32)));
}

static bool system_is_ours(uint32_t insn)
{
    return insn == INSN_WFI || insn == INSN_MRET || insn == INSN_SRET || insn == INSN_ECALL
        || (riscv_is_csr(insn) && riscv_csr_is_ours(insn));
}

bool riscv_is_ours(ttd_engine *e, uint32_t insn)
{
    bool rv32 = is_rv32(e);
    if ((insn & 3) != 3)
        return riscv_is_narrow_illegal(e, insn);
    if (rv_of(e)->csr.fs == 0 && is_floating(insn, rv32))
        return true;
    if ((rv_of(e)->careful && riscv_reads_singles(e, insn))
        || (rv_of(e)->careful_addends && riscv_is_fused(insn)))
        return true;
    return (insn & 0x7f) == 0x73 ? system_is_ours(insn) : is_store_conditional(insn, rv32);
}

/* 3.3.3: at once an exception where U-mode may not wait, nor S-mode with TW (3.1.6.5). */
static int wait_turn(ttd_engine *e, turn *t)
{
    int priv = rv_of(e)->csr.priv;
    if (priv == PRIV_U || (priv == PRIV_S && (rv_of(e)->csr.status & STATUS_TW)))
        return TURN_STOP;
    t->why = WHY_WAIT;
    t->branches = true;
    return TURN_LAST;
}

/* SC (Volume I, 8.2): the address is looked at before the reservation is. */
static int conditional_turn(ttd_engine *e, turn *t, uint32_t insn)
{
    uint64_t address = reg(e, UC_RISCV_REG_X0 + (int)(insn >> 15 & 31));
    if (!(address & ((1u << (insn >> 12 & 7)) - 1)))
        return TURN_RUN;
    t->exception = CAUSE_STORE_MISALIGNED;
    return TURN_STOP;
}

static int system_turn(ttd_engine *e, turn *t, uint32_t insn)
{
    switch (insn) {
    case INSN_WFI: return wait_turn(e, t);
    case INSN_ECALL: return riscv_call_turn(e, t);
    case INSN_MRET: return riscv_ret_turn(e, t, false);
    case INSN_SRET: return riscv_ret_turn(e, t, true);
    }
    if (rv_of(e)->csr.fs == 0 && is_floating(insn, is_rv32(e)))
        return TURN_STOP;
    return system_is_ours(insn) ? riscv_csr_turn(e, t, insn) : TURN_RUN;
}

int riscv_turn(ttd_engine *e, turn *t)
{
    uint32_t insn = riscv_insn(e, t->pc);
    t->next = t->pc + ((insn & 3) == 3 ? 4 : 2);
    if (riscv_has_triggers(e) && riscv_trigger_fires(e, t->pc)) {
        t->exception = CAUSE_BREAKPOINT;
        return TURN_STOP;
    }
    if ((insn & 0x7f) == 0x73)
        return system_turn(e, t, insn);
    if (is_store_conditional(insn, is_rv32(e)))
        return conditional_turn(e, t, insn);
    if (riscv_reads_floats(e, insn))
        return riscv_float_turn(e, t->pc, insn);
    if (!riscv_is_ours(e, insn))          /* it was, once */
        return TURN_RUN;
    return TURN_STOP;
}
