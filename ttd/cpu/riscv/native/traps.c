/* RISC-V: which interrupt is taken, the entry to a trap's handler, and the way back (3.1.6 to 3.1.9, 3.1.15,
 * 4.1.1 to 4.1.3). */
#include "rv.h"

enum { SSI = 1, MSI = 3, STI = 5, MTI = 7, SEI = 9, MEI = 11 };

static uint64_t pending(ttd_engine *e)
{
    return core_of(e)->lines | core_of(e)->software;
}

/* 3.1.9: from the most urgent on. */
static int first_of(uint64_t pending)
{
    static const uint8_t order[] = { MEI, MSI, MTI, SEI, SSI, STI };
    size_t i;
    for (i = 0; i < sizeof order; i++)
        if (pending >> order[i] & 1)
            return RISCV_INTERRUPT + order[i];
    return -1;
}

/* 3.1.6.1, 3.1.8, 3.1.9: MIE and SIE count in their own mode only, as more privileged modes always interrupt less
 * privileged ones, never the other way; interrupts for machine mode come before delegated ones. */
int riscv_interrupt(ttd_engine *e)
{
    const riscv_registers *r = &rv_of(e)->csr;
    uint64_t enabled = pending(e) & r->mie, machine, supervisor;
    if (!enabled)
        return -1;
    machine = enabled & ~r->mideleg;
    if (machine && (r->priv < PRIV_M || (r->status & STATUS_MIE)))
        return first_of(machine);
    supervisor = enabled & r->mideleg;
    if (supervisor && (r->priv == PRIV_U || (r->priv == PRIV_S && (r->status & STATUS_SIE))))
        return first_of(supervisor);
    return -1;
}

int riscv_pending(ttd_engine *e)
{
    riscv_core *c = core_of(e);
    return c->raises ? c->raised : riscv_interrupt(e);
}

/* 3.3.3: whatever mstatus and mideleg say. */
bool riscv_wake(ttd_engine *e)
{
    return pending(e) & rv_of(e)->csr.mie;
}

bool riscv_set_line(ttd_engine *e, int number, bool level)
{
    riscv_core *c = core_of(e);
    uint64_t bit = 1ull << number;
    bool comes = level && !(pending(e) & bit);
    c->lines = level ? c->lines | bit : c->lines & ~bit;
    if (!comes || riscv_interrupt(e) < 0)
        return false;
    end_after_access(e);
    return true;
}

/* A change of privilege gives up the reservation of LR, as every trap and every return does. */
static void set_privilege(ttd_engine *e, int priv)
{
    set(e, UC_RISCV_REG_PRIV, (uint64_t)priv);
    riscv_set_privilege(e, priv);
}

/* 3.1.7: vectored mode is for interrupts. */
static uint64_t handler(ttd_engine *e, uint64_t tvec, int code, bool interrupt)
{
    uint64_t at = (tvec & ~3ull) + (interrupt && (tvec & 3) == 1 ? 4 * (uint64_t)code : 0);
    return is_rv32(e) ? (uint32_t)at : at;
}

/* The instruction at `pc` has not been done. A handler that cannot be fetched is no concern here: its first
 * instruction raises an exception, and so on for ever, as in hardware. */
uint64_t riscv_trap(ttd_engine *e, int number, uint64_t tval, uint64_t pc)
{
    const riscv_registers *r = &rv_of(e)->csr;
    bool interrupt = number & RISCV_INTERRUPT;
    int code = number & (RISCV_INTERRUPT - 1), from = r->priv;
    uint64_t cause = (uint64_t)code | (interrupt ? 1ull << (is_rv32(e) ? 31 : 63) : 0), status = r->status;
    if (from < PRIV_M && (interrupt ? r->mideleg : r->medeleg) >> code & 1) {
        set_privilege(e, PRIV_S);
        set(e, UC_RISCV_REG_SEPC, pc);
        set(e, UC_RISCV_REG_SCAUSE, cause);
        set(e, UC_RISCV_REG_STVAL, tval);
        riscv_set_status(e, (status & ~(STATUS_SIE | STATUS_SPIE | STATUS_SPP))
                            | (status & STATUS_SIE ? STATUS_SPIE : 0) | (from == PRIV_S ? STATUS_SPP : 0));
        return handler(e, r->stvec, code, interrupt);
    }
    set_privilege(e, PRIV_M);
    set(e, UC_RISCV_REG_MEPC, pc);
    set(e, UC_RISCV_REG_MCAUSE, cause);
    set(e, UC_RISCV_REG_MTVAL, tval);
    riscv_set_status(e, (status & ~(STATUS_MIE | STATUS_MPIE | STATUS_MPP))
                        | (status & STATUS_MIE ? STATUS_MPIE : 0) | (uint64_t)from << 11);
    return handler(e, r->mtvec, code, interrupt);
}

bool riscv_enter(ttd_engine *e, int number)
{
    riscv_core *c = core_of(e);
    uint64_t tval = c->raises ? c->raised_tval : 0;
    uint64_t to = riscv_trap(e, number, tval, read_pc(e));
    c->raises = false;
    set(e, UC_RISCV_REG_PC, to);
    note_handler(e, e->outside_step, number, to);
    return true;
}

/* 3.3.1: the entry to the handler takes the place of the instruction, as a step. */
int riscv_call_turn(ttd_engine *e, turn *t)
{
    int cause = CAUSE_USER_ECALL + rv_of(e)->csr.priv, answer = take_in_run(e, t, cause);
    if (answer == TURN_STOP)
        t->exception = CAUSE_USER_ECALL;
    else {
        t->next = riscv_trap(e, cause, 0, t->pc);
        note_handler(e, turn_step(e, t), cause, t->next);
    }
    return answer;
}

/* 3.3.2, "Trap-Return Instructions"; 3.1.6.5, TSR. */
int riscv_ret_turn(ttd_engine *e, turn *t, bool supervisor)
{
    uint64_t status = rv_of(e)->csr.status;
    int priv = rv_of(e)->csr.priv, to;
    if (priv < (supervisor ? PRIV_S : PRIV_M) || (supervisor && priv == PRIV_S && (status & STATUS_TSR)))
        return TURN_STOP;
    if (supervisor) {
        t->next = reg(e, UC_RISCV_REG_SEPC);
        to = status & STATUS_SPP ? PRIV_S : PRIV_U;
        status = (status & ~(STATUS_SIE | STATUS_SPP)) | STATUS_SPIE | (status & STATUS_SPIE ? STATUS_SIE : 0);
    } else {
        t->next = reg(e, UC_RISCV_REG_MEPC);
        to = (int)(status >> 11 & 3);
        status = (status & ~(STATUS_MIE | STATUS_MPP)) | STATUS_MPIE | (status & STATUS_MPIE ? STATUS_MIE : 0);
    }
    t->branches = true;
    /* No handler runs in user mode: a kernel that goes on with another task has left those of this one. */
    note_handler(e, turn_step(e, t), to == PRIV_U ? HANDLERS_LEFT : HANDLER_LEFT, t->next);
    riscv_set_status(e, status);
    set_privilege(e, to);
    return riscv_turn_done(e, t);
}

/* An interrupt that an instruction lets in is taken right after it. */
int riscv_turn_done(ttd_engine *e, turn *t)
{
    if (riscv_interrupt(e) < 0)
        return TURN_DONE;
    t->why = WHY_MASKS;
    return TURN_LAST;
}
