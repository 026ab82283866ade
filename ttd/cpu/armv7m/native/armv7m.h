/* What the files of the M-profile core share. */
#ifndef TTD_ARMV7M_H
#define TTD_ARMV7M_H

#include "thumb.h"
#include "api.h"

enum {
    RESET = 1, NMI, HARD_FAULT, MEM_MANAGE, BUS_FAULT, USAGE_FAULT, SVCALL = 11, DEBUG_MONITOR,
    PENDSV = 14, SYSTICK, FIRST_IRQ
};
enum { IPSR = 0x1ff };
#define T_BIT 0x01000000u
#define IT_BITS 0x0600fc00u
enum { NPRIV = 1, SPSEL = 2 };            /* CONTROL (B1.4.4) */
enum { SLEEPONEXIT = 1 << 1, SEVONPEND = 1 << 4 };                              /* SCR (B3.2.7) */
enum { NONBASETHRDENA = 1, USERSETMPEND = 2, UNALIGN_TRP = 8, DIV_0_TRP = 16, STKALIGN = 512 };  /* CCR */
enum {                                    /* CFSR (B3.2.15) */
    MUNSTKERR = 1 << 3, MSTKERR = 1 << 4, UNSTKERR = 1 << 11, STKERR = 1 << 12, INVPC = 1 << 18
};
enum { VECTTBL = 1 << 1, FORCED = 1 << 30 };                                    /* HFSR (B3.2.16) */

static inline bool has(const uint64_t *set, int number)
{
    return set[number >> 6] >> (number & 63) & 1;
}

/* nvic.c */
void pend_set(armv7m_core *c, const uint64_t *set);
void unpend_set(armv7m_core *c, const uint64_t *set);
void activate(armv7m_core *c, int number);
void deactivate(armv7m_core *c, int number);
/* The priority byte at `at` of IPR or SHPR (B3.4.9, B3.2.10 to B3.2.12): its exception; -1: none. */
int priority_number(const armv7m_core *c, uint32_t at);
/* ISER, ICER, ISPR, ICPR, IABR (B3.4.4 to B3.4.8). */
uint32_t irq_word(const armv7m_core *c, uint32_t offset);
void write_irq_word(armv7m_core *c, uint32_t offset, uint32_t value);

/* systick.c: its registers, by their offsets in the System Control Space, when `catch_up` is done. */
uint32_t systick_read(armv7m_core *c, uint32_t offset);
void systick_write(armv7m_core *c, uint32_t offset, uint32_t value);
bool systick_catch_up(armv7m_core *c);

/* mpu_registers.c: by their offsets, likewise. */
uint32_t mpu_read(const armv7m_core *c, uint32_t offset);
void mpu_write(armv7m_core *c, uint32_t offset, uint32_t value);

/* scb.c: the other registers of the System Control Space. */
uint32_t scb_read(armv7m_core *c, uint32_t offset);
void scb_write(armv7m_core *c, uint32_t offset, uint32_t value);

/* leave.c: B1.5.8; true if the core goes to sleep (SLEEPONEXIT). */
bool armv7m_leave(armv7m_core *c, uint32_t exc_return);

/* As it is: nothing is lent or cut (thumb_registers.c). */
static inline void put_register(armv7m_core *c, int id, uint32_t value)
{
    c->engine->reg_write(c->engine->uc, id, &value);
}

/* Several of them, in this order, as one. */
typedef struct { int ids[MAX_BATCH], count; uint32_t values[MAX_BATCH]; } changes;

static inline void change_register(changes *w, int id, uint32_t value)
{
    w->ids[w->count] = id;
    w->values[w->count++] = value;
}

/* Make them; modes change with them, and `xpsr` is what XPSR has then. */
static inline void make_changes(armv7m_core *c, changes *w, uint32_t xpsr)
{
    change_register(w, UC_ARM_REG_APSR_NZCV, xpsr & 0xf0000000);
    write_regs32(c->engine, w->ids, w->values, w->count);
    thumb_replaced(c->engine);
}

/* Open the exclusive monitor; it is while code with LDREX has never been met. That is dear, and put off until
 * somebody looks at it (thumb_enter). */
static inline void open_monitor(armv7m_core *c)
{
    c->engine->monitor.opens |= c->engine->monitor.needed;
}

/* entry.c: an access of the stack, of a frame of eight words. */
enum { STACK_FINE, STACK_DENIED, STACK_ABSENT };
enum { FRAME_WORDS = 8, FRAME_SIZE = 32 };
#define FRAME_ALIGNED 0x200u              /* in a stacked xPSR: SP was moved down by 4 */
int stack_access(armv7m_core *c, int kind, uint32_t sp, uint32_t *frame, bool privileged, int by);

extern const core_ops armv7m_ops;

static inline bool is_priority(uint32_t offset)
{
    return offset - SCS_IPR < SCS_IPR_END - SCS_IPR || offset - SCS_SHPR < SCS_SHPR_END - SCS_SHPR;
}

#endif
