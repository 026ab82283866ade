/* What the files of AArch64 share. */
#ifndef TTD_A64_H
#define TTD_A64_H

#include "isa.h"
#include "api.h"

typedef struct { uint64_t timebase_hz; } a64_state;

static inline a64_state *a64_of(ttd_engine *e) { return e->arch; }

static inline uint32_t a64_insn(const uint8_t *code)
{
    uint32_t insn;
    memcpy(&insn, code, 4);
    return insn;
}

uint64_t a64_gpr(ttd_engine *e, int n, bool stack);

/* timers.c */
/* Is it an MRS or MSR of a counter or a timer? May the core's mode do it? */
bool a64_counts(uint32_t insn);
bool a64_lets_count(ttd_engine *e, uint32_t insn);
bool a64_read_register(ttd_engine *e, int id, uint64_t *value);
bool a64_write_register(ttd_engine *e, int id, uint64_t value);
int a64_start(ttd_engine *e);

/* a64_whole.c */
/* May Unicorn leave the instruction too late? */
bool a64_leaves_late(uint32_t insn);
/* It comes up; false: it has to run alone. */
bool a64_enter_late(ttd_engine *e, uint32_t insn);
uint32_t a64_parts(ttd_engine *e, uint64_t pc);

#endif
