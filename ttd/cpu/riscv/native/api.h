/* What Python sees of a RISC-V core: its state beside the registers that Unicorn keeps, and what is done
 * with it between runs. Numbers of CSRs are those of instructions. */
#ifndef TTD_RISCV_API_H
#define TTD_RISCV_API_H

#include "core.h"

enum { RISCV_PMP_ENTRIES = 16 };

/* Traps are numbered as in mcause (table "Machine cause register values after trap"), interrupts with this
 * added to their code. */
enum { RISCV_INTERRUPT = 64 };

typedef struct {
    uint64_t lines;               /* levels of the interrupt inputs, a bit each by code (3.1.9) */
    uint64_t software;            /* the bits of mip that software has set */
    uint64_t cycle_offset, instret_offset;    /* to be added to the number of steps, modulo 2^64 */
    uint8_t pmp_config[16];       /* pmpcfg, a byte for each entry (3.7.1) */
    uint64_t pmp_address[16];
    bool semihosting;             /* EBREAK may be a call of the host */
    uint64_t timebase_hz, time_offset;        /* `time`: ticks of virtual time, and what is added to them */
    bool raises;                  /* the instruction at PC has raised this exception, which is to be entered */
    int raised;
    uint64_t raised_tval;
} riscv_core;

riscv_core *riscv_core_of(ttd_engine *e);
/* Drive an interrupt input by its code. True if an interrupt is to be taken now because of it. */
bool riscv_set_line(ttd_engine *e, int number, bool level);
/* What `pmp_config` and `pmp_address` say holds from now on. */
void riscv_enforce(ttd_engine *e);
/* The addresses of entry `n`, [lo, hi); false: it is off, or empty. */
bool riscv_region(const riscv_core *c, int n, uint64_t *lo, uint64_t *hi);

/* The loop is to ask this core. */
void riscv_use(ttd_engine *e);
/* As core.h says. */
int riscv_pending(ttd_engine *e);
bool riscv_enter(ttd_engine *e, int number);
int riscv_stopped(ttd_engine *e, const ttd_stop *stop);
bool riscv_wake(ttd_engine *e);

/* A CSR as a debugger sees it; false: there is no such. A write as machine mode's. */
bool riscv_csr_look(ttd_engine *e, uint32_t number, uint64_t *value);
void riscv_csr_change(ttd_engine *e, uint32_t number, uint64_t value);

#endif
