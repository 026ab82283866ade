/* What the files of Thumb, on Armv7-M and Armv6-M, share. */
#ifndef TTD_THUMB_H
#define TTD_THUMB_H

#include "isa.h"

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
bool thumb_is_wait(ttd_engine *e, uint64_t pc);

/* aligned.c */
bool thumb_is_it(uint32_t insn);
uint32_t aligned_decode(ttd_engine *e, decoding *d, uint32_t insn);
uint64_t aligned_room(ttd_engine *e, block_info *b, uint64_t room, int *why);

/* thumb_registers.c */
void thumb_read_registers(ttd_engine *e, const int *ids, uint64_t *out, int count);
void thumb_write_registers(ttd_engine *e, const int *ids, const uint64_t *values, int count);
void thumb_replaced(ttd_engine *e);
uint8_t thumb_prefix(ttd_engine *e);
void thumb_forget_prefix(ttd_engine *e);

#endif
