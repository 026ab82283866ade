/* RISC-V: the CSRs that are kept here, and those of which Unicorn keeps other bits than there are (chapter 2,
 * "Control and Status Registers"; instructions: Volume I, chapter 9, "Zicsr").
 *
 * Unicorn keeps xscratch, xepc, xcause, xtval, the identification and the floating-point registers. */
#include "rv.h"

#define SSIP (1ull << 1)
#define STIP (1ull << 5)
#define SEIP (1ull << 9)

bool riscv_is_csr(uint32_t insn)
{
    return (insn & 0x7f) == 0x73 && (insn >> 12 & 3);
}

static bool writes_csr(uint32_t insn)
{
    return (insn >> 12 & 3) == 1 || (insn >> 15 & 31);
}

/* Those that are numbers and no more. With no hypervisor there are no interrupts for it (3.1.9) and none of its
 * exceptions, nor may calls from machine mode be delegated (3.1.8); counter enables have 32 bits (3.1.11). */
static uint64_t *number_of(ttd_engine *e, uint32_t csr, uint64_t *mask)
{
    riscv_registers *r = &rv_of(e)->csr;
    *mask = is_rv32(e) ? 0xffffffff : UINT64_MAX;
    switch (csr) {
    case CSR_MEDELEG: *mask = 0xb3ff; return &r->medeleg;
    case CSR_MIDELEG: *mask = 0x222; return &r->mideleg;
    case CSR_MIE: *mask = 0xaaa; return &r->mie;
    case CSR_MCOUNTEREN: *mask = 0xffffffff; return &r->mcounteren;
    case CSR_SCOUNTEREN: *mask = 0xffffffff; return &r->scounteren;
    case CSR_MTVEC: return &r->mtvec;
    case CSR_STVEC: return &r->stvec;
    case CSR_SATP: return &r->satp;
    default: return NULL;
    }
}

static bool is_trigger(uint32_t csr)
{
    return csr >= CSR_TSELECT && csr <= CSR_TINFO;
}

static bool is_pmp(uint32_t csr)
{
    return csr >= CSR_PMPCFG0 && csr <= CSR_PMP_LAST;
}

bool riscv_csr_is_ours(uint32_t insn)
{
    uint32_t csr = insn >> 20;
    switch (csr) {
    case CSR_MIP: case CSR_SIP: case CSR_SIE: case CSR_MSTATUS: case CSR_SSTATUS: case CSR_MSTATUSH:
    case CSR_MEDELEG: case CSR_MIDELEG: case CSR_MIE: case CSR_MCOUNTEREN: case CSR_SCOUNTEREN:
    case CSR_MTVEC: case CSR_STVEC: case CSR_SATP:
    case CSR_NONE:                        /* which Unicorn has, and there is not */
        return true;
    case CSR_MEPC: case CSR_SEPC:
        return writes_csr(insn);
    }
    return is_pmp(csr) || is_trigger(csr) || csr >> 8 == 0xc || csr >> 8 == 0xb
        || (csr >> 10 == 3 && writes_csr(insn));   /* for which Unicorn looks at the operand */
}

/* Is there such a register, for software of this privilege? */
static bool exists(ttd_engine *e, uint32_t csr)
{
    uint64_t mask;
    switch (csr) {
    case CSR_MIP: case CSR_SIP: case CSR_SIE: case CSR_MSTATUS: case CSR_SSTATUS: case CSR_MEPC: case CSR_SEPC:
        return true;
    case CSR_MSTATUSH:
        return is_rv32(e);
    case CSR_SATP:                        /* 3.1.6.5, TVM */
        return rv_of(e)->csr.priv != PRIV_S || !(rv_of(e)->csr.status & STATUS_TVM);
    }
    if (is_pmp(csr))
        return riscv_pmp_exists(e, csr);
    if (csr >> 8 == 0xc || csr >> 8 == 0xb)
        return riscv_counter_exists(e, csr) && riscv_counter_visible(e, csr);
    return is_trigger(csr) || number_of(e, csr, &mask);
}

/* As the instruction of this step reads it. */
static uint64_t value_of(ttd_engine *e, uint32_t csr, uint64_t step)
{
    const riscv_registers *r = &rv_of(e)->csr;
    const riscv_core *c = core_of(e);
    uint64_t mask, *number = number_of(e, csr, &mask);
    if (number)
        return *number;
    switch (csr) {
    case CSR_MIP: return c->lines | c->software;
    case CSR_SIP: return (c->lines | c->software) & r->mideleg;
    case CSR_SIE: return r->mie & r->mideleg;
    case CSR_MSTATUS: return riscv_status(e, false);
    case CSR_SSTATUS: return riscv_status(e, true);
    case CSR_MEPC: return reg(e, UC_RISCV_REG_MEPC);
    case CSR_SEPC: return reg(e, UC_RISCV_REG_SEPC);
    }
    if (is_pmp(csr))
        return riscv_pmp_read(e, csr);
    if (is_trigger(csr))
        return riscv_trigger_read(e, csr);
    return csr >> 8 == 0xc || csr >> 8 == 0xb ? riscv_counter(e, csr, step) : 0;
}

static void write_number(ttd_engine *e, uint32_t csr, uint64_t *number, uint64_t value)
{
    switch (csr) {
    case CSR_MTVEC: case CSR_STVEC:       /* 3.1.7: modes from 2 on are reserved */
        if ((value & 3) < 2)
            *number = value;
        break;
    case CSR_SATP:                        /* 4.1.11: a write with a MODE that there is not has no effect */
        if (is_rv32(e) || value >> 60 == 0 || value >> 60 == 8)
            riscv_set_satp(e, value);
        break;
    default:
        *number = value;
    }
}

/* Write, so that the instruction of this step finds it. */
static void put(ttd_engine *e, uint32_t csr, uint64_t value, uint64_t step)
{
    riscv_registers *r = &rv_of(e)->csr;
    riscv_core *c = core_of(e);
    uint64_t mask, *number = number_of(e, csr, &mask);
    if (number) {
        write_number(e, csr, number, value & mask);
        return;
    }
    switch (csr) {
    case CSR_MIP:                         /* 3.1.9, 4.1.3: what software can write */
        mask = SSIP | STIP | SEIP;
        c->software = (c->software & ~mask) | (value & mask);
        break;
    case CSR_SIP:
        mask = SSIP & r->mideleg;
        c->software = (c->software & ~mask) | (value & mask);
        break;
    case CSR_SIE: r->mie = (r->mie & ~r->mideleg) | (value & r->mideleg); break;
    case CSR_MSTATUS: riscv_write_status(e, value, false); break;
    case CSR_SSTATUS: riscv_write_status(e, value, true); break;
    case CSR_MEPC: set(e, UC_RISCV_REG_MEPC, value & ~1ull); break;
    case CSR_SEPC: set(e, UC_RISCV_REG_SEPC, value & ~1ull); break;
    default:
        if (is_pmp(csr))
            riscv_pmp_write(e, csr, value);
        else if (is_trigger(csr))
            riscv_trigger_write(e, csr, value);
        else if (csr >> 8 == 0xb)
            riscv_write_counter(e, csr, value, step);
    }
}

/* A set or clear whose source is x0 or 0 does not write. Of SEIP they change the bit that software wrote, not
 * the line (3.1.9). */
int riscv_csr_turn(ttd_engine *e, turn *t, uint32_t insn)
{
    uint32_t csr = insn >> 20, rs1 = insn >> 15 & 31, rd = insn >> 7 & 31;
    uint64_t step = turn_step(e, t), old, base, operand;
    bool writes = writes_csr(insn);
    if (rv_of(e)->csr.priv < (int)(csr >> 8 & 3) || (writes && csr >> 10 == 3) || !exists(e, csr))
        return TURN_STOP;
    if (csr == CSR_MSTATUS || csr == CSR_SSTATUS)
        riscv_settle_flags(e);
    old = value_of(e, csr, step);
    base = csr == CSR_MIP || csr == CSR_SIP ? core_of(e)->software : old;
    operand = insn >> 14 & 1 ? rs1 : rs1 ? reg(e, UC_RISCV_REG_X0 + (int)rs1) : 0;
    switch (insn >> 12 & 3) {
    case 1: base = operand; break;
    case 2: base |= operand; break;
    default: base &= ~operand;
    }
    if ((csr == CSR_MEPC || csr == CSR_SEPC) && !(base & 1))
        return TURN_RUN;                  /* Unicorn does it */
    if (rd)
        set(e, UC_RISCV_REG_X0 + (int)rd, old);
    if (!writes)
        return TURN_DONE;
    put(e, csr, base, step + 1);
    return riscv_turn_done(e, t);
}

/* ---- for debuggers ------------------------------------------------------------------ */

bool riscv_csr_look(ttd_engine *e, uint32_t csr, uint64_t *value)
{
    int id = csr == CSR_MEPC ? UC_RISCV_REG_MEPC : UC_RISCV_REG_SEPC;
    if (csr == CSR_MEPC || csr == CSR_SEPC) {
        riscv_regs_read(e, &id, value, 1);
        return true;
    }
    if (is_pmp(csr) ? !riscv_pmp_exists(e, csr)
        : csr >> 8 == 0xc || csr >> 8 == 0xb ? !riscv_counter_exists(e, csr) : csr != CSR_SATP && !exists(e, csr))
        return false;
    *value = value_of(e, csr, e->steps);
    return true;
}

/* Whoever changes registers from outside may change them in machine mode's place. */
void riscv_csr_change(ttd_engine *e, uint32_t csr, uint64_t value)
{
    uint64_t pc = value & ~1ull;
    int id = csr == CSR_MEPC ? UC_RISCV_REG_MEPC : UC_RISCV_REG_SEPC;
    if (csr == CSR_MEPC || csr == CSR_SEPC)
        riscv_regs_write(e, &id, &pc, 1);
    else if (csr >> 10 != 3)
        put(e, csr, value, e->steps);
}
