/* RISC-V: what becomes of a run that has ended for the core's sake, and the table for the loop. */
#include "rv.h"

riscv_core *riscv_core_of(ttd_engine *e)
{
    return core_of(e);
}

static int raised(ttd_engine *e, int cause, uint64_t tval)
{
    core_of(e)->raises = true;
    core_of(e)->raised = cause;
    core_of(e)->raised_tval = tval;
    return CORE_RAISED;
}

/* Is the access that failed a store? Of an atomic instruction the address is in rs1, and only LR is a load: the
 * others are stores even if it is their read that failed (3.1.15; Volume I, 8.4). */
static bool is_store(ttd_engine *e, const ttd_stop *stop, uint64_t *address)
{
    uint32_t insn = riscv_insn(e, stop->pc);
    *address = stop->address;
    if ((insn & 0x7f) != 0x2f)
        return stop->code == ACC_WRITE;
    *address = reg(e, UC_RISCV_REG_X0 + (int)(insn >> 15 & 31));
    return insn >> 27 != 2;
}

/* xtval is the part of the instruction that cannot be fetched (3.1.16). */
static int fetch_fault(ttd_engine *e, uint64_t pc)
{
    uint64_t at = pc, paddr;
    int why = ttd_translate(e, at, ACC_FETCH, &paddr);
    if (why == REFUSED_NOT) {
        at = is_rv32(e) ? (uint32_t)(pc + 2) : pc + 2;
        why = ttd_translate(e, at, ACC_FETCH, &paddr);
    }
    return raised(e, why == REFUSED_PAGE ? CAUSE_FETCH_PAGE : CAUSE_FETCH_ACCESS, at);
}

/* A page fault if it is the page tables that forbid the access, else an access fault. */
static int fault(ttd_engine *e, const ttd_stop *stop)
{
    uint64_t address, paddr;
    bool store;
    if (stop->code == ACC_FETCH)
        return fetch_fault(e, stop->pc);
    store = is_store(e, stop, &address);
    if (ttd_translate(e, address, store ? ACC_WRITE : ACC_READ, &paddr) == REFUSED_PAGE)
        return raised(e, store ? CAUSE_STORE_PAGE : CAUSE_LOAD_PAGE, address);
    return raised(e, store ? CAUSE_STORE_ACCESS : CAUSE_LOAD_ACCESS, address);
}

static int exception(ttd_engine *e, const ttd_stop *stop)
{
    uint64_t address;
    switch (stop->code) {
    case EXCEPTION_OURS: case CAUSE_ILLEGAL:
        return raised(e, CAUSE_ILLEGAL, riscv_insn(e, stop->pc));
    case CAUSE_BREAKPOINT:                /* of a trigger */
        return raised(e, CAUSE_BREAKPOINT, 0);
    case CAUSE_USER_ECALL:                /* so Unicorn says in every mode */
        return raised(e, CAUSE_USER_ECALL + rv_of(e)->csr.priv, 0);
    case CAUSE_LOAD_MISALIGNED: case CAUSE_STORE_MISALIGNED:
        return is_store(e, stop, &address) ? raised(e, CAUSE_STORE_MISALIGNED, address)
                                           : raised(e, CAUSE_LOAD_MISALIGNED, address);
    default:
        return raised(e, stop->code, stop->address);
    }
}

/* EBREAK, which is a call of the host in the middle of its sequence ("RISC-V Semihosting", chapter 2): slli x0,
 * x0, 0x1f; ebreak; srai x0, x0, 7. */
static int invalid(ttd_engine *e, uint64_t pc)
{
    uint32_t insn = riscv_insn(e, pc);
    if (insn != INSN_EBREAK && insn != INSN_C_EBREAK)
        return raised(e, CAUSE_ILLEGAL, insn);
    if (core_of(e)->semihosting && insn == INSN_EBREAK && riscv_insn(e, pc - 4) == 0x01f01013
        && riscv_insn(e, pc + 4) == 0x40705013)
        return CORE_ASK;
    return raised(e, CAUSE_BREAKPOINT, 0);
}

int riscv_stopped(ttd_engine *e, const ttd_stop *stop)
{
    switch (stop->why) {
    case WHY_WAIT: return riscv_wake(e) ? CORE_ON : CORE_WAITS;
    case WHY_EXCEPTION: return exception(e, stop);
    case WHY_FAULT: return fault(e, stop);
    case WHY_INVALID: return invalid(e, stop->pc);
    default: return CORE_ON;
    }
}

static bool asynchronous(ttd_engine *e, int number)
{
    (void)e;
    return number & RISCV_INTERRUPT;
}

void riscv_use(ttd_engine *e)
{
    static const core_ops ops = { riscv_pending, asynchronous, riscv_enter, riscv_stopped, riscv_wake,
                                  riscv_deadline, riscv_expire };
    use_core(e, &ops, core_of(e));
}
