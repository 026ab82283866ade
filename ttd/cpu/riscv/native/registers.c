/* RISC-V: registers from outside. Those that are kept here have the ids that Unicorn gives to its own. */
#include "rv.h"

/* Unicorn reads nothing from CSRs, and drops writes to them, below their privilege. */
static bool needs_privilege(int id)
{
    return id >= UC_RISCV_REG_USTATUS && id < UC_RISCV_REG_F0;
}

static bool is_fp_csr(int id)
{
    return id == UC_RISCV_REG_FFLAGS || id == UC_RISCV_REG_FRM || id == UC_RISCV_REG_FCSR;
}

/* The number of a CSR that is kept here; -1. */
static int kept_here(int id)
{
    switch (id) {
    case UC_RISCV_REG_MSTATUS: return CSR_MSTATUS;
    case UC_RISCV_REG_SSTATUS: return CSR_SSTATUS;
    case UC_RISCV_REG_MEDELEG: return CSR_MEDELEG;
    case UC_RISCV_REG_MIDELEG: return CSR_MIDELEG;
    case UC_RISCV_REG_MIE: return CSR_MIE;
    case UC_RISCV_REG_MTVEC: return CSR_MTVEC;
    case UC_RISCV_REG_MCOUNTEREN: return CSR_MCOUNTEREN;
    case UC_RISCV_REG_STVEC: return CSR_STVEC;
    case UC_RISCV_REG_SCOUNTEREN: return CSR_SCOUNTEREN;
    case UC_RISCV_REG_SATP: return CSR_SATP;
    default: return -1;
    }
}

/* A change of privilege would give up the reservation of LR/SC, so all is put back in the end. */
void riscv_raw_read(ttd_engine *e, const int *ids, uint64_t *out, int count)
{
    bool lent = false;
    int i;
    for (i = 0; i < count; i++) {
        uint64_t status = 0;
        if (needs_privilege(ids[i]) && !lent) {
            lent = true;
            e->context_save(e->uc, e->lent);
            set(e, UC_RISCV_REG_PRIV, PRIV_M);
        }
        if (is_fp_csr(ids[i])) {
            status = reg(e, UC_RISCV_REG_MSTATUS);
            set(e, UC_RISCV_REG_MSTATUS, status | STATUS_FS);
        }
        out[i] = reg(e, ids[i]);
        if (is_fp_csr(ids[i]))
            set(e, UC_RISCV_REG_MSTATUS, status);
    }
    if (lent)
        e->context_restore(e->uc, e->lent);
}

void riscv_regs_read(ttd_engine *e, const int *ids, uint64_t *out, int count)
{
    int i;
    for (i = 0; i < count; i++) {
        int csr = kept_here(ids[i]);
        if (ids[i] == UC_RISCV_REG_PRIV)
            out[i] = (uint64_t)rv_of(e)->csr.priv;
        else if (csr >= 0)
            riscv_csr_look(e, (uint32_t)csr, &out[i]);
        else
            riscv_raw_read(e, &ids[i], &out[i], 1);
    }
}

/* Numbers from OWN_IDS on: of a CSR, or 0x1000, the mode; and Unicorn's number of the same, 13 bits further up. */
bool riscv_own_read(ttd_engine *e, int id, uint64_t *value)
{
    int csr = id & 0x1fff, own = (id & (OWN_IDS - 1)) >> 13;
    if (csr == 0x1000) {
        *value = (uint64_t)rv_of(e)->csr.priv;
        return true;
    }
    if (!needs_privilege(own) || kept_here(own) >= 0)
        return riscv_csr_look(e, (uint32_t)csr, value);
    if (e->running) {
        if (rv_of(e)->csr.priv < (csr >> 8 & 3))
            return false;
        *value = reg(e, own);
        return true;
    }
    riscv_raw_read(e, &own, value, 1);
    return true;
}

void riscv_regs_write(ttd_engine *e, const int *ids, const uint64_t *values, int count)
{
    int i, priv = rv_of(e)->csr.priv;
    bool lent = false;
    for (i = 0; i < count; i++) {
        int csr = kept_here(ids[i]);
        uint64_t status = 0;
        if (ids[i] == UC_RISCV_REG_PRIV) {
            priv = values[i] == 2 ? priv : (int)(values[i] & 3);
            lent = true;
            continue;
        }
        if (needs_privilege(ids[i]) && !lent) {
            lent = true;
            set(e, UC_RISCV_REG_PRIV, PRIV_M);
        }
        if (csr == CSR_MSTATUS || csr == CSR_SSTATUS) {
            riscv_put_status(e, ids[i], values[i], csr == CSR_SSTATUS);
            continue;
        }
        if (csr >= 0) {
            riscv_csr_change(e, (uint32_t)csr, values[i]);
            continue;
        }
        if (is_fp_csr(ids[i])) {
            status = reg(e, UC_RISCV_REG_MSTATUS);
            set(e, UC_RISCV_REG_MSTATUS, status | STATUS_FS);
        }
        set(e, ids[i], values[i]);
        if (is_fp_csr(ids[i]))            /* which the write has marked dirty */
            set(e, UC_RISCV_REG_MSTATUS, status);
    }
    if (lent) {
        set(e, UC_RISCV_REG_PRIV, (uint64_t)priv);
        riscv_set_privilege(e, priv);
    }
}

/* ---- what contexts of Unicorn are without ------------------------------------------- */

void riscv_keep(ttd_engine *e, void *to)
{
    riscv_kept *k = to;
    int id = UC_RISCV_REG_FCSR;
    riscv_raw_read(e, &id, &k->fcsr, 1);
    k->csr = rv_of(e)->csr;
    k->csr.fs = (int)(riscv_status(e, false) >> 13 & 3);
}

void riscv_take_back(ttd_engine *e, const void *from)
{
    const riscv_kept *k = from;
    int id = UC_RISCV_REG_FCSR;
    riscv_regs_write(e, &id, &k->fcsr, 1);
    rv_of(e)->csr = k->csr;
}

void riscv_reset_registers(ttd_engine *e)
{
    rv_of(e)->csr = (riscv_registers){ .priv = PRIV_M };
}

void riscv_replaced(ttd_engine *e)
{
    rv_of(e)->space = 0;
    riscv_choose_space(e);
    flush_tlb(e);
}
