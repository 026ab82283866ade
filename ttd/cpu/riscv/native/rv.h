/* What the files of RISC-V share. Sections are those of "The RISC-V Instruction Set Manual, Volume II:
 * Privileged Architecture", version 20211203, unless they say otherwise. */
#ifndef TTD_RISCV_H
#define TTD_RISCV_H

#include "isa.h"
#include "api.h"

/* mstatus (3.1.6). */
#define STATUS_SIE (1ull << 1)
#define STATUS_MIE (1ull << 3)
#define STATUS_SPIE (1ull << 5)
#define STATUS_MPIE (1ull << 7)
#define STATUS_SPP (1ull << 8)
#define STATUS_MPP (3ull << 11)
#define STATUS_FS (3ull << 13)
#define STATUS_MPRV (1ull << 17)
#define STATUS_SUM (1ull << 18)
#define STATUS_MXR (1ull << 19)
#define STATUS_TVM (1ull << 20)
#define STATUS_TW (1ull << 21)
#define STATUS_TSR (1ull << 22)
#define FS_DIRTY 3

/* Exception codes (3.1.15). */
enum {
    CAUSE_FETCH_ACCESS = 1, CAUSE_ILLEGAL = 2, CAUSE_BREAKPOINT = 3, CAUSE_LOAD_MISALIGNED = 4,
    CAUSE_LOAD_ACCESS = 5, CAUSE_STORE_MISALIGNED = 6, CAUSE_STORE_ACCESS = 7, CAUSE_USER_ECALL = 8,
    CAUSE_FETCH_PAGE = 12, CAUSE_LOAD_PAGE = 13, CAUSE_STORE_PAGE = 15
};

/* Instructions. */
enum {
    INSN_ECALL = 0x00000073, INSN_EBREAK = 0x00100073, INSN_C_EBREAK = 0x9002, INSN_SRET = 0x10200073,
    INSN_WFI = 0x10500073, INSN_MRET = 0x30200073
};

static inline uint64_t reg(ttd_engine *e, int id)
{
    uint64_t value = 0;
    e->reg_read(e->uc, id, &value);
    return value;
}

static inline void set(ttd_engine *e, int id, uint64_t value)
{
    e->reg_write(e->uc, id, &value);
}

static inline bool is_rv32(const ttd_engine *e)
{
    return e->isa == ISA_RV32;
}

static inline riscv_core *core_of(ttd_engine *e)
{
    return e->arch;
}

/* translate.c: the privilege has changed to this one; satp has; something else that translation depends on. */
void riscv_set_privilege(ttd_engine *e, int priv);
void riscv_set_satp(ttd_engine *e, uint64_t satp);
void riscv_set_status(ttd_engine *e, uint64_t status);
void riscv_choose_space(ttd_engine *e);

/* csrs.c */
bool riscv_csr_is_ours(uint32_t insn);
int riscv_csr_turn(ttd_engine *e, turn *t, uint32_t insn);

/* status.c: mstatus and sstatus as the manual has them. */
uint64_t riscv_status(ttd_engine *e, bool supervisor);
void riscv_write_status(ttd_engine *e, uint64_t value, bool supervisor);
void riscv_put_status(ttd_engine *e, int id, uint64_t value, bool supervisor);
void riscv_settle_flags(ttd_engine *e);
void riscv_expect_flags(ttd_engine *e);

/* registers.c: by Unicorn's ids, as Unicorn has them. */
void riscv_keep(ttd_engine *e, void *to);
void riscv_take_back(ttd_engine *e, const void *from);
void riscv_reset_registers(ttd_engine *e);
void riscv_replaced(ttd_engine *e);
void riscv_raw_read(ttd_engine *e, const int *ids, uint64_t *out, int count);

/* counters.c */
uint64_t riscv_time(ttd_engine *e, uint64_t step);
bool riscv_counter_exists(ttd_engine *e, uint32_t csr);
bool riscv_counter_visible(ttd_engine *e, uint32_t csr);
uint64_t riscv_counter(ttd_engine *e, uint32_t csr, uint64_t step);
void riscv_write_counter(ttd_engine *e, uint32_t csr, uint64_t value, uint64_t step);

/* clint.c */
uint64_t riscv_deadline(ttd_engine *e);
void riscv_expire(ttd_engine *e);

/* pmp.c */
bool riscv_pmp_exists(ttd_engine *e, uint32_t csr);
uint64_t riscv_pmp_read(ttd_engine *e, uint32_t csr);
void riscv_pmp_write(ttd_engine *e, uint32_t csr, uint64_t value);

/* traps.c */
/* The interrupt to be taken now, as a trap's number; -1. */
int riscv_interrupt(ttd_engine *e);
/* Enter a trap, from `pc`: where its handler is. */
uint64_t riscv_trap(ttd_engine *e, int number, uint64_t tval, uint64_t pc);
/* An instruction of the model has been done: what its turn says. */
int riscv_turn_done(ttd_engine *e, turn *t);
/* MRET, SRET. */
int riscv_ret_turn(ttd_engine *e, turn *t, bool supervisor);

#endif
