/* What the files of Thumb, on Armv7-M and Armv6-M, share. */
#ifndef TTD_THUMB_H
#define TTD_THUMB_H

#include "isa.h"
#include "api.h"

#define Q_BIT 0x08000000u

typedef struct {
    bool baseline;                /* Armv6-M */
    bool trap_divide;
    uint32_t basepri_mask;        /* the priority bits that there are */
    uint32_t basepri_before, faultmask_before;
    bool raises_basepri;
    int settles;                  /* SETTLE_... of the block that runs (thumb_registers.c) */
    bool opens_now;               /* the exclusive monitor, before Unicorn is started */
    /* `mpu_was_active`: the TLB has been filled for that (Unicorn has one for each privilege). */
    bool mpu_on, mpu_background, mpu_hfnmi, mpu_was_active;
    armv7m_region mpu[ARMV7M_REGIONS];
    int nmpu;
} thumb_state;

static inline thumb_state *thumb_of(ttd_engine *e) { return e->arch; }

/* `sp`: what was last to become SP. */
typedef struct { low_bits r[16], sp; bool conditional; } thumb_tracker;

/* tracker.c */
void tracker_begin(thumb_tracker *t);
void tracker_follow(thumb_tracker *t, uint32_t insn, int length);

/* mpu.c */
bool unprivileged_thread(ttd_engine *e, uint32_t *xpsr);
bool privileged_now(ttd_engine *e);
bool thumb_privileged(ttd_engine *e);
bool mpu_active(ttd_engine *e);
/* Registers that say whether the MPU applies may have changed: the TLB is for what they say now. */
void mpu_follow(ttd_engine *e);
int mpu_allows(ttd_engine *e, uint64_t address, uint64_t size, int kind, bool privileged, bool active);
int thumb_allows(ttd_engine *e, uint64_t vaddr, uint64_t paddr, uint64_t size, int kind, bool under_way);
bool thumb_expect_modes(ttd_engine *e, const block_info *b);

/* thumb.c */
int thumb_length(const uint8_t *code);
/* The instruction at `pc`, whose first bytes are at `code`, as a number; 0 if its end is not there. */
uint32_t thumb_at(ttd_engine *e, uint64_t pc, const uint8_t *code);

/* accesses.c */
#define MAX_WORDS 16
uint32_t thumb_insn(ttd_engine *e, uint64_t pc);
uint32_t thumb_gpr(ttd_engine *e, int n);
bool thumb_watched(ttd_engine *e, uint64_t address, int size, int kind, uint64_t value);
void thumb_left_midway(ttd_engine *e, uint64_t pc, uint64_t at, bool exact);
bool thumb_returns(ttd_engine *e, uint64_t pc, uint32_t last);
bool thumb_is_store_exclusive(uint32_t insn);
bool thumb_is_wait(ttd_engine *e, uint64_t pc);

/* aligned.c */
bool thumb_is_it(uint32_t insn);
uint32_t aligned_decode(ttd_engine *e, decoding *d, uint32_t insn);
uint32_t thumb_cut_span(ttd_engine *e, uint64_t pc, uint32_t size);
uint64_t aligned_room(ttd_engine *e, block_info *b, uint64_t room, int *why);

/* thumb_registers.c */
bool thumb_read_hidden(ttd_engine *e, int id, uint64_t *value);
void thumb_read_registers(ttd_engine *e, const int *ids, uint64_t *out, int count);
void thumb_write_registers(ttd_engine *e, const int *ids, const uint64_t *values, int count);
void thumb_modes_changed(ttd_engine *e, uint32_t xpsr);
void thumb_replaced(ttd_engine *e);
uint8_t thumb_prefix(ttd_engine *e);
void thumb_forget_prefix(ttd_engine *e);
uint32_t thumb_masks(ttd_engine *e, bool between);
bool thumb_look(ttd_engine *e, uint64_t *pc);
void thumb_settle(ttd_engine *e);
bool thumb_expect(ttd_engine *e, const block_info *b);

#endif
