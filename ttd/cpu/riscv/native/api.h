/* What Python sees of a RISC-V core: its state beside the registers that Unicorn keeps, and what is done
 * with it between runs. Numbers of CSRs are those of instructions. */
#ifndef TTD_RISCV_API_H
#define TTD_RISCV_API_H

#include "core.h"

enum { RISCV_PMP_ENTRIES = 16, RISCV_TRIGGERS = 2 };

enum { RISCV_CLINT_SIZE = 0x10000, RISCV_PLIC_SIZE = 0x600000 };
enum { RISCV_CLINT_MSIP = 0x0000, RISCV_CLINT_MTIMECMP = 0x4000, RISCV_CLINT_MTIME = 0xbff8 };
/* Of the PLIC: a word a source, a bit a source, a bit a source for each context, a page for each context; in
 * that page. */
enum { RISCV_PLIC_PRIORITY = 0, RISCV_PLIC_PENDING = 0x1000, RISCV_PLIC_ENABLE = 0x2000, RISCV_PLIC_CONTEXT = 0x200000 };
enum { RISCV_PLIC_ENABLE_STRIDE = 0x80, RISCV_PLIC_CONTEXT_STRIDE = 0x1000 };
enum { RISCV_PLIC_THRESHOLD = 0, RISCV_PLIC_CLAIM = 4 };
enum { RISCV_PLIC_SOURCES = 1024, RISCV_PLIC_WORDS = 32, RISCV_PLIC_CONTEXTS = 2 };

/* Traps are numbered as in mcause (table "Machine cause register values after trap"), interrupts with this
 * added to their code. */
enum { RISCV_INTERRUPT = 64 };

/* Timer and software interrupt of hart 0. */
typedef struct {
    uint64_t mtimecmp;
    bool msip, due;               /* due: mtime has reached mtimecmp; both are outputs */
    bool armed;                   /* it will be, at virtual time `due_ns` */
    uint64_t due_ns;
} riscv_clint;

typedef struct {
    uint64_t lines;               /* levels of the interrupt inputs, a bit each by code (3.1.9) */
    uint64_t software;            /* the bits of mip that software has set */
    uint64_t cycle_offset, instret_offset;    /* to be added to the number of steps, modulo 2^64 */
    uint8_t pmp_config[16];       /* pmpcfg, a byte for each entry (3.7.1) */
    uint64_t pmp_address[16];
    uint8_t trigger, trigger_control[2];      /* which is selected; mode and `execute` bits of tdata1 */
    uint64_t trigger_address[2];
    riscv_clint clint;
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

/* So it is with the triggers' state. */
void riscv_triggers_changed(ttd_engine *e);
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

/* `time` at the step that the host sees. */
uint64_t riscv_time_now(ttd_engine *e);

/* clint.c: registers by their offset, a multiple of 4. `attach`: the guest finds it at `base`. */
void riscv_clint_reset(ttd_engine *e);
/* Its state, or the time, has been exchanged: its timer follows from that. */
void riscv_clint_arm(ttd_engine *e);
uint32_t riscv_clint_look(ttd_engine *e, uint32_t offset);
void riscv_clint_write(ttd_engine *e, uint32_t offset, uint32_t value);
bool riscv_clint_attach(ttd_engine *e, uint64_t base);

/* The interrupt controller, which says to `engine`'s core what to take. Bits by source are in words as the guest
 * sees them; `serving`: claimed and not yet completed, so the gateway is closed. `codes`: the interrupt input that
 * each context drives; `outputs`: its level. */
typedef struct {
    ttd_engine *engine;
    int sources, contexts;        /* sources are numbered from 1, to `sources` - 1 */
    int codes[2];
    bool outputs[2];
    uint8_t priority[1024];
    uint32_t level[32], pending[32], serving[32], enabled[2][32], threshold[2];
} riscv_plic;

void riscv_plic_reset(riscv_plic *p);
/* Its state has been exchanged. */
void riscv_plic_loaded(riscv_plic *p);
/* The level of a source's line has changed; `plic` is a `riscv_plic`. */
void riscv_plic_set_line(void *plic, int number, bool level);
/* `look` changes nothing, while a read may claim. */
uint32_t riscv_plic_look(const riscv_plic *p, uint32_t offset);
uint32_t riscv_plic_read(riscv_plic *p, uint32_t offset);
void riscv_plic_write(riscv_plic *p, uint32_t offset, uint32_t value);
bool riscv_plic_attach(riscv_plic *p, uint64_t base);

#endif
