/* RISC-V: mstatus and sstatus (3.1.6, 4.1.1). Unicorn keeps FS, which what computes makes Dirty, and TVM, which
 * its SFENCE.VMA asks for; all else is here. It would flush the TLB at every change of MPP, too. */
#include "rv.h"

#define WRITABLE_S (STATUS_SIE | STATUS_SPIE | STATUS_SPP | STATUS_SUM | STATUS_MXR)
#define WRITABLE_M (WRITABLE_S | STATUS_MIE | STATUS_MPIE | STATUS_MPP | STATUS_MPRV | STATUS_TVM | STATUS_TW \
                    | STATUS_TSR)
#define UXL (2ull << 32)          /* 64 bits */
#define SXL (2ull << 34)

/* Volume I, 11.2; 3.1.6.6: flags raised without a write of a register have made FS Dirty. It does
 * not matter when this is found out. */
void riscv_settle_flags(ttd_engine *e)
{
    uint64_t flags;
    if (rv_of(e)->csr.fs == 0 || rv_of(e)->csr.fs == FS_DIRTY)
        return;
    flags = reg(e, UC_RISCV_REG_FFLAGS);
    if (flags != rv_of(e)->clean_flags)
        set(e, UC_RISCV_REG_FFLAGS, flags);   /* as a write of fflags does */
    rv_of(e)->clean_flags = flags;
}

void riscv_expect_flags(ttd_engine *e)
{
    if (rv_of(e)->csr.fs)
        rv_of(e)->clean_flags = reg(e, UC_RISCV_REG_FFLAGS);
}

/* Unicorn's mstatus: no CSR of it can be read in user mode. */
static uint64_t raw_status(ttd_engine *e)
{
    int id = UC_RISCV_REG_MSTATUS;
    uint64_t raw;
    if (rv_of(e)->csr.priv != PRIV_U)
        return reg(e, rv_of(e)->csr.priv == PRIV_M ? UC_RISCV_REG_MSTATUS : UC_RISCV_REG_SSTATUS);
    riscv_raw_read(e, &id, &raw, 1);
    return raw;
}

uint64_t riscv_status(ttd_engine *e, bool supervisor)
{
    uint64_t fs = raw_status(e) & STATUS_FS;
    uint64_t value = (rv_of(e)->csr.status & (supervisor ? WRITABLE_S : WRITABLE_M)) | fs;
    if (fs == STATUS_FS)
        value |= is_rv32(e) ? 1ull << 31 : 1ull << 63;
    if (!is_rv32(e))
        value |= supervisor ? UXL : UXL | SXL;
    return value;
}

/* What there is to be instead of `before`; MPP keeps a mode that exists. */
static uint64_t legal(uint64_t value, uint64_t before, bool supervisor)
{
    if (supervisor)
        return (before & ~WRITABLE_S) | (value & WRITABLE_S);
    if ((value & STATUS_MPP) == 2ull << 11)
        value = (value & ~STATUS_MPP) | (before & STATUS_MPP);
    return value & WRITABLE_M;
}

/* `id`: of Unicorn's registers the one that can be written now. */
void riscv_put_status(ttd_engine *e, int id, uint64_t value, bool supervisor)
{
    uint64_t status = legal(value, rv_of(e)->csr.status, supervisor), raw = (value & STATUS_FS) | (status & STATUS_TVM);
    uint64_t there = id == UC_RISCV_REG_SSTATUS ? STATUS_FS : STATUS_FS | STATUS_TVM;
    if ((reg(e, id) ^ raw) & there)
        set(e, id, raw & there);
    rv_of(e)->csr.fs = (int)(value >> 13 & 3);
    riscv_set_status(e, status);
    riscv_choose_space(e);
}

void riscv_write_status(ttd_engine *e, uint64_t value, bool supervisor)
{
    riscv_put_status(e, rv_of(e)->csr.priv == PRIV_M ? UC_RISCV_REG_MSTATUS : UC_RISCV_REG_SSTATUS, value, supervisor);
    riscv_expect_flags(e);
}
