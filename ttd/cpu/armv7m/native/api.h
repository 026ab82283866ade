/* The M profile: what its core remembers beside the registers of the engine, as Python sees it.
 * Sections here and in the files beside this are those of DDI0403E (Armv7-M); DDI0419C has the same
 * for Armv6-M. */
#ifndef TTD_ARMV7M_API_H
#define TTD_ARMV7M_API_H

#include "native.h"

/* Exceptions at most: 16 of the core, 240 interrupts. A set of them is a bit for each, in words. */
enum { ARMV7M_EXCEPTIONS = 256, ARMV7M_WORDS = 4 };
enum { ARMV7M_LOWEST = 256 };             /* priority of thread mode: below every exception */
enum { ARMV7M_AWAKE, ARMV7M_WAIT_INTERRUPT, ARMV7M_WAIT_EVENT };
/* What has become of an access to the System Control Space. */
enum { ARMV7M_DONE, ARMV7M_REFUSED, ARMV7M_ASK };

/* Offsets of registers (B3.2.2, B3.3.2, B3.4.3, B3.5.4, C1.6). */
enum {
    SCS_ICTR = 0x004, SCS_ACTLR = 0x008, SCS_SYST_CSR = 0x010, SCS_SYST_RVR = 0x014,
    SCS_SYST_CVR = 0x018, SCS_SYST_CALIB = 0x01c,
    SCS_ISER = 0x100, SCS_ICER = 0x180, SCS_ISPR = 0x200, SCS_ICPR = 0x280, SCS_IABR = 0x300,
    SCS_IPR = 0x400, SCS_IPR_END = 0x5f0,
    SCS_ICSR = 0xd04, SCS_VTOR = 0xd08, SCS_AIRCR = 0xd0c, SCS_SCR = 0xd10, SCS_CCR = 0xd14,
    SCS_SHPR = 0xd18, SCS_SHPR_END = 0xd24, SCS_SHCSR = 0xd24, SCS_CFSR = 0xd28, SCS_HFSR = 0xd2c,
    SCS_DFSR = 0xd30, SCS_MMFAR = 0xd34, SCS_BFAR = 0xd38, SCS_MPU = 0xd90, SCS_MPU_END = 0xdbc,
    SCS_DCRDR = 0xdf8, SCS_DEMCR = 0xdfc, SCS_STIR = 0xf00
};

/* SysTick (B3.3): the counter was `value` at tick `anchor` of its clock. `seen`: how often it has come to
 * zero since, as far as COUNTFLAG and the exception have heard of it. */
typedef struct {
    uint32_t control, reload, value;
    uint64_t anchor, seen;
    bool countflag;
} armv7m_systick;

/* DWT_CYCCNT (C1.8.8): it was `count` at cycle `anchor`. */
typedef struct {
    bool enabled;
    uint32_t count;
    uint64_t anchor;
} armv7m_cycles;

/* The MPU (B3.5): its registers, of as many `regions` as there are; and what an enabled region says. The low
 * bits of `base` are 0, `srd`: subregions disabled, `ap`: the field AP. */
enum { ARMV7M_REGIONS = 8 };
typedef struct {
    int regions;
    uint32_t control, number, bases[ARMV7M_REGIONS], attributes[ARMV7M_REGIONS];
} armv7m_mpu;
typedef struct { uint64_t size; uint32_t base; uint8_t srd, ap, xn; } armv7m_region;

/* A word of the System Control Space that always is the same. */
typedef struct { uint32_t offset, value; } armv7m_constant;

typedef struct armv7m_core armv7m_core;
struct armv7m_core {
    ttd_engine *engine;
    /* What the core is. `by`: who accesses memory in an entry to exception 0, the next ones in those to
     * the others; `by_return` in a return. */
    int lines, nconstants, by, by_return;
    bool mainline;
    uint32_t priority_mask;
    uint64_t hz, reference_hz;
    armv7m_constant constants[32];

    /* Exceptions (B1.5, B3.4). */
    uint64_t pending[ARMV7M_WORDS], active[ARMV7M_WORDS], enabled[ARMV7M_WORDS], levels[ARMV7M_WORDS];
    int16_t priority[ARMV7M_EXCEPTIONS];
    uint32_t prigroup;
    /* What follows from them: the most urgent one that is pending and enabled (0: none), and its group;
     * that of those active; `top` again, if it beats them. */
    int top, top_group, active_group, takeable;

    /* Entry, return, sleep. `synchronous`: what is pending was caused by the instruction at or before PC:
     * it cannot wait. `chained`: a return has failed; the next entry stacks nothing and gets `chain` in
     * LR. `event`: the event register of WFE (B1.5.18). */
    bool synchronous, chained, lockup, event, nmi_level;
    uint32_t chain;
    int waiting;

    /* Of `next_of` at rate `next_rate` the exception becomes pending next at `next_ns`. */
    armv7m_systick systick, next_of;
    uint64_t next_rate, next_ns;
    armv7m_cycles cycles;
    armv7m_mpu mpu;

    /* System control registers (B3.2). */
    uint32_t vtor, scr, ccr, cfsr, hfsr, dfsr, mmfar, bfar, actlr, demcr, dcrdr;
};

armv7m_core *armv7m_new(ttd_engine *e);
void armv7m_free(armv7m_core *c);
/* Serve the System Control Space, and the cycle counter if there is one, from now on. */
bool armv7m_attach(armv7m_core *c, bool cycles);

/* nvic.c */
void armv7m_reset_exceptions(armv7m_core *c);
/* Fields have been written: work out what follows from them. */
void armv7m_refresh(armv7m_core *c);
void armv7m_pend(armv7m_core *c, int number);
/* `core` is an `armv7m_core`. */
void armv7m_set_level(void *core, int line, bool level);
void armv7m_set_nmi(armv7m_core *c, bool level);
void armv7m_set_prigroup(armv7m_core *c, uint32_t value);
bool armv7m_can_preempt(armv7m_core *c, int number, int priority);
int armv7m_execution_priority(armv7m_core *c, bool ignore_primask);

/* systick.c */
void armv7m_reset_systick(armv7m_core *c);
/* Account for the time until now. */
void armv7m_catch_up(armv7m_core *c);
uint64_t armv7m_deadline(armv7m_core *c);

/* scs.c, dwt.c: accesses, of 1, 2 or 4 bytes, by the code that runs; and a look without effects. */
int armv7m_scs_read(armv7m_core *c, uint32_t offset, int size, uint32_t *value);
int armv7m_scs_write(armv7m_core *c, uint32_t offset, int size, uint32_t value);
uint32_t armv7m_scs_peek(armv7m_core *c, uint32_t offset, int size);
int armv7m_dwt_read(armv7m_core *c, uint32_t offset, int size, uint32_t *value);
int armv7m_dwt_write(armv7m_core *c, uint32_t offset, int size, uint32_t value);
uint32_t armv7m_dwt_peek(armv7m_core *c, uint32_t offset, int size);
/* What CCR says of traps, or what it says now. */
void armv7m_set_traps(armv7m_core *c);

/* entry.c, leave.c, core.c */
void armv7m_raise(armv7m_core *c, int number, uint32_t status);
void armv7m_raise_hard_fault(armv7m_core *c, uint32_t status);
void armv7m_enter(armv7m_core *c, int number);
int armv7m_pending(armv7m_core *c);
int armv7m_stopped(armv7m_core *c, const ttd_stop *stop);
bool armv7m_wake(armv7m_core *c);

/* mpu_registers.c: the MPU is off (B3.5.5); its fields have been written; which regions they enable, at most
 * ARMV7M_REGIONS: their number. */
void armv7m_reset_mpu(armv7m_core *c);
void armv7m_refresh_mpu(armv7m_core *c);
int armv7m_mpu_regions(const armv7m_core *c, armv7m_region *regions);
/* mpu.c: enforce these regions, of which the later win (B3.5.3), from the next instruction on. Does the MPU, or
 * the default map, forbid such an access; `privileged` -1: as the instruction at PC is? */
void armv7m_set_mpu(ttd_engine *e, bool enabled, bool privdefena, bool hfnmiena, int count,
                    const armv7m_region *regions);
bool armv7m_denies(ttd_engine *e, uint64_t address, int kind, int privileged);
/* thumb_registers.c: end the run before divisions by zero; make every unaligned access a fault (CCR, B3.2.8).
 * The bits of BASEPRI that there are. */
void armv7m_trap(ttd_engine *e, bool divide, bool unaligned);
void armv7m_set_basepri_mask(ttd_engine *e, uint32_t mask);

#endif
