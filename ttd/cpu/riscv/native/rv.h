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

typedef struct float_block float_block;

/* Physical memory protection: addresses below `hi`, from `lo` on. */
typedef struct { uint64_t lo, hi; uint8_t kinds; bool locked; } pmp_entry;
enum { PRIV_U = 0, PRIV_S = 1, PRIV_M = 3 };
enum {
    CSR_FFLAGS = 0x001, CSR_FCSR = 0x003, CSR_SSTATUS = 0x100, CSR_SIE = 0x104,
    CSR_STVEC = 0x105, CSR_SCOUNTEREN = 0x106, CSR_SEPC = 0x141, CSR_SIP = 0x144, CSR_SATP = 0x180, CSR_MSTATUS = 0x300,
    CSR_MEDELEG = 0x302, CSR_MIDELEG = 0x303, CSR_MIE = 0x304, CSR_MTVEC = 0x305, CSR_MCOUNTEREN = 0x306,
    CSR_MSTATUSH = 0x310, CSR_NONE = 0x321, CSR_MEPC = 0x341, CSR_MIP = 0x344,
    CSR_PMPCFG0 = 0x3a0, CSR_PMPADDR0 = 0x3b0, CSR_PMP_LAST = 0x3ef, CSR_TSELECT = 0x7a0, CSR_TINFO = 0x7a4,
    CSR_MCYCLE = 0xb00, CSR_MINSTRET = 0xb02, CSR_MCYCLEH = 0xb80, CSR_MINSTRETH = 0xb82,
    CSR_CYCLE = 0xc00, CSR_TIME = 0xc01, CSR_INSTRET = 0xc02, CSR_HPMCOUNTER3 = 0xc03,
    CSR_HPMCOUNTER31 = 0xc1f, CSR_CYCLEH = 0xc80, CSR_TIMEH = 0xc81, CSR_INSTRETH = 0xc82
};
/* The registers of a RISC-V core that are kept here, not by Unicorn. */
typedef struct {
    uint64_t status;          /* mstatus, but FS and SD */
    uint64_t medeleg, mideleg, mie, mtvec, stvec, satp, mcounteren, scounteren;
    int priv, fs;             /* FS may have become Dirty meanwhile */
} riscv_registers;
/* What a context of Unicorn is without. */
typedef struct { uint64_t fcsr; riscv_registers csr; } riscv_kept;
typedef struct {
    riscv_core core;          /* what Python sees */
    riscv_registers csr;
    int space;                /* the number of satp's address space; 0: not looked up */
    /* Registers of floating point, a bit each (riscv_float.c): with singles that are not boxed, now and
     * when the block began; known to have singles; to get a NaN while an instruction runs. */
    uint32_t unboxed, unboxed_before, single, lend, lent;
    uint64_t real[32];
    bool careful, careful_addends;   /* singles, addends are looked at wherever they are read */
    uint64_t clean_flags;     /* fflags when FS was last seen not Dirty */
    pmp_entry pmp[RISCV_PMP_ENTRIES];
    int npmp;
    float_block *floats;   /* by the places of the engine's `cache` */
} riscv_state;

static inline riscv_state *rv_of(const ttd_engine *e) { return e->arch; }

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
    return e->set->variant;
}

static inline riscv_core *core_of(ttd_engine *e)
{
    return &rv_of(e)->core;
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

/* triggers.c: is there one for this address, in some mode; in the present one? */
bool riscv_has_triggers(ttd_engine *e);
bool riscv_trigger_at(ttd_engine *e, uint64_t pc);
bool riscv_trigger_fires(ttd_engine *e, uint64_t pc);
uint64_t riscv_trigger_read(ttd_engine *e, uint32_t csr);
void riscv_trigger_write(ttd_engine *e, uint32_t csr, uint64_t value);

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
/* ECALL. */
int riscv_call_turn(ttd_engine *e, turn *t);
/* MRET, SRET. */
int riscv_ret_turn(ttd_engine *e, turn *t, bool supervisor);

/* translate.c, pages.c */
bool riscv_translates(ttd_engine *e, int kind);
bool riscv_moves(const ttd_engine *e);
int riscv_translate(ttd_engine *e, uint64_t vaddr, int kind, bool update, uint64_t *paddr, int *rights);
int riscv_allows_at(ttd_engine *e, uint64_t vaddr, uint64_t paddr, uint64_t size, int kind, bool under_way);
int riscv_allows(ttd_engine *e, uint64_t paddr, uint64_t size, int kind);
bool riscv_fetchable(ttd_engine *e, uint64_t vaddr);
bool riscv_shows(ttd_engine *e, uint64_t vaddr, uint64_t paddr);
bool riscv_probe(ttd_engine *e, uint64_t vaddr, uint64_t *paddr);
bool riscv_changes_code(ttd_engine *e, const slot *s, uint64_t address, int size, uint64_t value);
bool riscv_entry_valid(ttd_engine *e, const slot *s, uint64_t address, int size);
uint32_t riscv_insn(ttd_engine *e, uint64_t pc);

/* riscv_float.c */
bool riscv_reads_floats(ttd_engine *e, uint32_t insn);
bool riscv_is_fused(uint32_t insn);
bool riscv_reads_singles(ttd_engine *e, uint32_t insn);
uint32_t riscv_float_decode(ttd_engine *e, const decoding *d, uint32_t insn);
void riscv_float_enter(ttd_engine *e, block_info *b);
void riscv_float_leave(ttd_engine *e, uint64_t pc);
void riscv_float_settle(ttd_engine *e);
int riscv_float_turn(ttd_engine *e, uint64_t pc, uint32_t insn);
void riscv_float_before(ttd_engine *e);
void riscv_float_left(ttd_engine *e, uint64_t pc, uint64_t now);
bool riscv_float_start(ttd_engine *e);
void riscv_float_free(ttd_engine *e);

/* accesses.c: what `accessed` of the table says. */
bool riscv_accessed(ttd_engine *e, uint64_t pc, uint64_t *address, int *size);

/* instructions.c, registers.c */
bool riscv_is_csr(uint32_t insn);
bool riscv_is_narrow_illegal(ttd_engine *e, uint32_t insn);
void riscv_settle_flags(ttd_engine *e);
void riscv_expect_flags(ttd_engine *e);
bool riscv_is_ours(ttd_engine *e, uint32_t insn);
int riscv_turn(ttd_engine *e, turn *t);
bool riscv_own_read(ttd_engine *e, int id, uint64_t *value);
void riscv_regs_read(ttd_engine *e, const int *ids, uint64_t *out, int count);
void riscv_regs_write(ttd_engine *e, const int *ids, const uint64_t *values, int count);

#endif
