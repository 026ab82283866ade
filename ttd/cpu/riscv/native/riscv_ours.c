/* RISC-V: the instructions that Unicorn has otherwise than the manual, or must not answer.
 *
 * Sections are those of "The RISC-V Instruction Set Manual", Volume I (20191213) where it says so,
 * else of Volume II (20211203). */
#include "internal.h"

#define WFI 0x10500073
#define STATUS_SIE (1u << 1)
#define STATUS_MIE (1u << 3)
#define STATUS_SPIE (1u << 5)
#define STATUS_MPIE (1u << 7)
#define STATUS_SPP (1u << 8)
#define STATUS_MPP (3u << 11)
#define STATUS_FS (3u << 13)
#define STATUS_MPRV (1u << 17)
#define STATUS_SUM (1u << 18)
#define STATUS_MXR (1u << 19)
#define STATUS_TVM (1u << 20)
#define STATUS_TW (1u << 21)
#define STATUS_TSR (1u << 22)
/* Unicorn has TW and TSR so much higher up than the manual. */
#define MOVED 8
#define FS_DIRTY 3
#define UXL (2ull << 32)
#define SXL (2ull << 34)
#define SUPERVISOR \
    (STATUS_SIE | STATUS_SPIE | STATUS_SPP | STATUS_FS | STATUS_SUM | STATUS_MXR)
#define MACHINE \
    (SUPERVISOR | STATUS_MIE | STATUS_MPIE | STATUS_MPP | STATUS_MPRV | STATUS_TVM)

static uint64_t reg(ttd_engine *e, int id)
{
    uint64_t value = 0;
    e->reg_read(e->uc, id, &value);
    return value;
}

static void set(ttd_engine *e, int id, uint64_t value)
{
    e->reg_write(e->uc, id, &value);
}

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

bool riscv_is_csr(uint32_t insn)
{
    return (insn & 0x7f) == 0x73 && (insn >> 12 & 3);
}

static bool writes_csr(uint32_t insn)
{
    return (insn >> 12 & 3) == 1 || (insn >> 15 & 31);
}

static bool is_event_counter(uint32_t csr)
{
    return (csr & ~0x80u) >= CSR_HPMCOUNTER3 && (csr & ~0x80u) <= CSR_HPMCOUNTER31;
}

/* Those of which Unicorn keeps bits that there are not: with no hypervisor, no interrupts for it (3.1.9)
 * and none of its exceptions (3.1.8), nor may calls from machine mode be delegated; counter enables
 * have 32 bits (3.1.11), and addresses of exceptions are even (3.1.14). */
typedef struct { uint32_t csr; int id; uint64_t mask; } masked_csr;

static const masked_csr *find_masked(uint32_t csr)
{
    static const masked_csr all[] = {
        { CSR_MEDELEG, UC_RISCV_REG_MEDELEG, 0xb3ff },
        { CSR_MIDELEG, UC_RISCV_REG_MIDELEG, 0x222 },
        { CSR_MIE, UC_RISCV_REG_MIE, 0xaaa },
        { CSR_MEPC, UC_RISCV_REG_MEPC, ~1ull },
        { CSR_SEPC, UC_RISCV_REG_SEPC, ~1ull },
        { CSR_MCOUNTEREN, UC_RISCV_REG_MCOUNTEREN, 0xffffffff },
        { CSR_SCOUNTEREN, UC_RISCV_REG_SCOUNTEREN, 0xffffffff },
    };
    size_t i;
    for (i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].csr == csr)
            return &all[i];
    return NULL;
}

static bool csr_is_ours(uint32_t insn)
{
    uint32_t csr = insn >> 20;
    switch (csr) {
    case CSR_MIP: case CSR_SIP: case CSR_SIE: case CSR_MCYCLE: case CSR_MINSTRET: case CSR_MCYCLEH:
    case CSR_MINSTRETH: case CSR_CYCLE: case CSR_TIME: case CSR_INSTRET: case CSR_CYCLEH:
    case CSR_TIMEH: case CSR_INSTRETH: case CSR_MSTATUS: case CSR_SSTATUS: case CSR_MSTATUSH:
        return true;
    case CSR_SATP:
        return writes_csr(insn);
    }
    if (find_masked(csr))
        return writes_csr(insn);
    return (csr >= CSR_PMPCFG0 && csr <= CSR_PMP_LAST) || is_event_counter(csr)
        || (csr >= CSR_TSELECT && csr <= CSR_TINFO)
        || csr == CSR_NONE                         /* which Unicorn has, and there is not */
        || (csr >> 10 == 3 && writes_csr(insn));   /* for which Unicorn looks at the operand */
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
    bool rv32 = e->isa == ISA_RV32;
    return (insn & 3) != 3
        && (!narrow_exists(insn, rv32) || (e->rv.fs == 0 && is_floating(insn, rv32)));
}

bool riscv_is_ours(ttd_engine *e, uint32_t insn)
{
    bool rv32 = e->isa == ISA_RV32;
    if ((insn & 3) != 3)
        return riscv_is_narrow_illegal(e, insn);
    if (e->rv.fs == 0 && is_floating(insn, rv32))
        return true;
    if ((e->rv.careful && riscv_reads_singles(e, insn))
        || (e->rv.careful_addends && riscv_is_fused(insn)))
        return true;
    return riscv_is_csr(insn) ? csr_is_ours(insn) : insn == WFI || is_store_conditional(insn, rv32);
}

/* ---- CSRs ---------------------------------------------------------------------------- */

/* Volume I, 11.2; 3.1.6.6: flags raised without a write of a register have made FS Dirty. It does
 * not matter when this is found out. */
void riscv_settle_flags(ttd_engine *e)
{
    uint64_t flags;
    if (e->rv.fs == 0 || e->rv.fs == FS_DIRTY)
        return;
    flags = reg(e, UC_RISCV_REG_FFLAGS);
    if (flags != e->rv.clean_flags)
        set(e, UC_RISCV_REG_FFLAGS, flags);   /* as a write of fflags does */
    e->rv.clean_flags = flags;
}

void riscv_expect_flags(ttd_engine *e)
{
    if (e->rv.fs)
        e->rv.clean_flags = reg(e, UC_RISCV_REG_FFLAGS);
}

static uint64_t operand(ttd_engine *e, uint32_t insn)
{
    uint32_t rs1 = insn >> 15 & 31;
    return insn >> 14 & 1 ? rs1 : rs1 ? reg(e, UC_RISCV_REG_X0 + (int)rs1) : 0;
}

/* What the CSR is to have, and rd what it had. */
static uint64_t exchange(ttd_engine *e, uint32_t insn, uint64_t old)
{
    uint64_t value = operand(e, insn);
    uint32_t rd = insn >> 7 & 31;
    if (rd)
        set(e, UC_RISCV_REG_X0 + (int)rd, old);
    switch (insn >> 12 & 3) {
    case 1: return value;
    case 2: return old | value;
    default: return old & ~value;
    }
}

/* 3.1.6, "Machine Status Registers", 4.1.1, "Supervisor Status Register". */
static int status_turn(ttd_engine *e, uint32_t insn, bool machine)
{
    int id = machine ? UC_RISCV_REG_MSTATUS : UC_RISCV_REG_SSTATUS;
    bool rv32 = e->isa == ISA_RV32;
    uint64_t raw, old, now, new_raw;
    if (e->rv.priv < (machine ? PRIV_M : PRIV_S))
        return TURN_STOP;
    riscv_settle_flags(e);
    raw = reg(e, id);
    old = raw & (machine ? MACHINE : SUPERVISOR);
    if (machine)
        old |= raw >> MOVED & (STATUS_TW | STATUS_TSR);
    if ((raw & STATUS_FS) == STATUS_FS)
        old |= rv32 ? 1ull << 31 : 1ull << 63;
    if (!rv32)
        old |= machine ? UXL | SXL : UXL;
    now = exchange(e, insn, old);
    if (!writes_csr(insn))
        return TURN_DONE;
    new_raw = now & (machine ? MACHINE : SUPERVISOR);
    if (machine) {
        if ((now & STATUS_MPP) == 2u << 11)
            new_raw = (new_raw & ~(uint64_t)STATUS_MPP) | (old & STATUS_MPP);
        new_raw |= (now & (STATUS_TW | STATUS_TSR)) << MOVED;
    }
    set(e, id, new_raw);
    riscv_look(e);
    if ((raw ^ new_raw) & (STATUS_MPRV | STATUS_SUM | STATUS_MXR | (e->rv.mprv ? STATUS_MPP : 0)))
        flush_tlb(e);
    riscv_expect_flags(e);
    return TURN_DONE;
}

/* 3.1.10, "Hardware Performance Monitor": none of the events is counted. 3.1.11, 4.1.5: enables. */
static int counter_turn(ttd_engine *e, uint32_t insn, uint64_t step)
{
    uint32_t csr = insn >> 20, rd = insn >> 7 & 31;
    uint64_t value, bit = 1ull << (csr & 31);
    if (writes_csr(insn) || !e->time.clock_ns || ((csr & 0x80) && e->isa != ISA_RV32))
        return TURN_STOP;
    if (csr >> 8 == 0xc) {
        if ((e->rv.priv != PRIV_M && !(e->rv.mcounteren & bit))
            || (e->rv.priv == PRIV_U && !(e->rv.scounteren & bit)))
            return TURN_STOP;
    } else if (e->rv.priv != PRIV_M) {
        return TURN_STOP;
    }
    switch (csr & 31) {
    case 0: value = step + e->cycle_offset; break;
    case 1:
        value = ticks_at(step, e->time.clock_ns, e->time.warp_ns, e->timebase_hz, 1000000000) + e->time_offset;
        break;
    case 2: value = step + e->instret_offset; break;
    default: value = 0;
    }
    if (csr & 0x80)
        value >>= 32;
    if (rd)
        set(e, UC_RISCV_REG_X0 + (int)rd, value);
    return TURN_DONE;
}

static int masked_turn(ttd_engine *e, uint32_t insn, const masked_csr *m)
{
    if (e->rv.priv < (int)(insn >> 28 & 3))
        return TURN_STOP;
    set(e, m->id, exchange(e, insn, reg(e, m->id)) & m->mask);
    if (m->csr == CSR_MCOUNTEREN || m->csr == CSR_SCOUNTEREN)
        riscv_look(e);
    return TURN_DONE;
}

/* 4.1.11: a write with a MODE that there is not has no effect. */
static int satp_turn(ttd_engine *e, uint32_t insn)
{
    uint64_t old, now, mode;
    uint32_t rd = insn >> 7 & 31;
    if (e->isa == ISA_RV32 || e->rv.priv < PRIV_S || (e->rv.priv == PRIV_S && e->rv.tvm))
        return TURN_RUN;
    old = reg(e, UC_RISCV_REG_SATP);
    now = operand(e, insn);
    if ((insn >> 12 & 3) != 1)
        now = (insn >> 12 & 3) == 2 ? old | now : old & ~now;
    mode = now >> 60;
    if (mode == 0 || mode == 8)
        return TURN_RUN;
    if (rd)
        set(e, UC_RISCV_REG_X0 + (int)rd, old);
    return TURN_DONE;
}

static int csr_turn(ttd_engine *e, turn *t, uint32_t insn)
{
    uint32_t csr = insn >> 20;
    const masked_csr *masked = find_masked(csr);
    if (masked)
        return masked_turn(e, insn, masked);
    switch (csr) {
    case CSR_MSTATUS: return status_turn(e, insn, true);
    case CSR_SSTATUS: return status_turn(e, insn, false);
    case CSR_SATP: return satp_turn(e, insn);
    }
    if (csr >> 8 == 0xc || csr >> 8 == 0xb)
        return counter_turn(e, insn, turn_step(e, t));
    return TURN_STOP;
}

int riscv_turn(ttd_engine *e, turn *t)
{
    uint32_t insn = riscv_insn(e, t->pc);
    t->next = t->pc + ((insn & 3) == 3 ? 4 : 2);
    if (riscv_reads_floats(e, insn))
        return riscv_float_turn(e, t->pc, insn);
    if (!riscv_is_ours(e, insn))          /* it was, once */
        return TURN_RUN;
    if ((insn & 3) != 3 || (e->rv.fs == 0 && is_floating(insn, e->isa == ISA_RV32)))
        return TURN_STOP;
    if (insn == WFI)                      /* 3.3.3: at once, where U-mode may not wait */
        return e->rv.priv == PRIV_U ? TURN_STOP : TURN_RUN;
    if ((insn & 0x7f) == 0x2f) {          /* SC */
        uint64_t address = reg(e, UC_RISCV_REG_X0 + (int)(insn >> 15 & 31));
        if (!(address & ((1u << (insn >> 12 & 7)) - 1)))
            return TURN_RUN;
        t->exception = RISCV_STORE_MISALIGNED;
        return TURN_STOP;
    }
    return csr_turn(e, t, insn);
}
