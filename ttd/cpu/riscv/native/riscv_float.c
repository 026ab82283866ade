/* RISC-V: singles in registers of 64 bits ("The RISC-V Instruction Set Manual, Volume I", 12.2, "NaN
 * Boxing of Narrower Values").
 *
 * Unicorn computes singles in the lower half of a register, and neither sets the upper half nor looks
 * at it. Instead of every such instruction it is every block that is looked at: which registers it
 * leaves with a single that is not boxed is known when it is decoded. They are boxed when a block
 * that reads them as doubles begins, and at the end of the run. What a block reads as singles must
 * be boxed when it begins; once it was not, instructions that read singles are looked at one by one
 * (ours.c), and what is not boxed is exchanged for a NaN while the instruction runs alone.
 *
 * Of FMADD and its kin Unicorn does not raise NV for infinity * 0 + quiet NaN (11.6). The addend is
 * looked at when the block begins, or where it stands if the block has written it before; once one
 * was NaN, wherever one is. */
#include "rv.h"

#include <stdlib.h>

#define BOX 0xffffffff00000000ull
#define BOXED_NAN 0xffffffff7fc00000ull
#define INVALID 16                /* in fflags */

/* Registers, a bit each. Of a block: what it needs boxed, as it reads it as a single or as all of the
 * register before it writes it; what it leaves as singles that are not boxed, and as other things;
 * addends of fused singles and doubles. `writes`: singles that are not boxed at some time. */
struct float_block { uint32_t singles, wholes, leaves, settles, whole_writes, writes, addends[2]; };

typedef struct { uint32_t singles, wholes, writes, boxed, whole_writes; } effects;

static uint32_t bit(uint32_t insn, int shift)
{
    return 1u << (insn >> shift & 31);
}

static effects narrow_effects(uint32_t a, bool rv32)
{
    uint32_t low = 1u << (8 + (a >> 2 & 7));
    switch ((a & 3) << 3 | a >> 13) {
    case 001: return (effects){ .whole_writes = low };
    case 003: return (effects){ .boxed = rv32 ? low : 0 };
    case 005: return (effects){ .wholes = low };
    case 021: return (effects){ .whole_writes = bit(a, 7) };
    case 023: return (effects){ .boxed = rv32 ? bit(a, 7) : 0 };
    case 025: return (effects){ .wholes = bit(a, 2) };
    }
    return (effects){ 0 };
}

static effects computing(uint32_t reads, uint32_t writes, bool from_double, bool to_double)
{
    return (effects){ .singles = from_double ? 0 : reads, .wholes = from_double ? reads : 0,
                      .writes = to_double ? 0 : writes, .whole_writes = to_double ? writes : 0 };
}

static effects effects_of(uint32_t a, bool rv32)
{
    uint32_t rd = bit(a, 7), rs1 = bit(a, 15), rs2 = bit(a, 20);
    bool twice = a >> 25 & 1;
    if ((a & 3) != 3)
        return narrow_effects(a, rv32);
    switch (a & 0x7f) {
    case 0x07:
        return (a >> 12 & 7) == 2 ? (effects){ .boxed = rd } : (effects){ .whole_writes = rd };
    case 0x27: return (effects){ .wholes = (a >> 12 & 7) == 3 ? rs2 : 0 };
    case 0x43: case 0x47: case 0x4b: case 0x4f:
        return computing(rs1 | rs2 | bit(a, 27), rd, twice, twice);
    case 0x53: break;
    default: return (effects){ 0 };
    }
    switch (a >> 27) {
    case 0x08: return computing(rs1, rd, !twice, twice);          /* FCVT.S.D, FCVT.D.S */
    case 0x0b: return computing(rs1, rd, twice, twice);           /* FSQRT */
    case 0x14: return computing(rs1 | rs2, 0, twice, twice);      /* FEQ, FLT, FLE */
    case 0x18: return computing(rs1, 0, twice, twice);            /* FCVT to an integer */
    case 0x1a: case 0x1e: return computing(0, rd, twice, twice);  /* FCVT, FMV from one */
    case 0x1c:                                                    /* FMV.X, FCLASS */
        return twice || a >> 12 & 7 ? computing(rs1, 0, twice, twice) : (effects){ 0 };
    default: return computing(rs1 | rs2, rd, twice, twice);
    }
}

static uint64_t get(ttd_engine *e, int n)
{
    uint64_t value = 0;
    e->reg_read(e->uc, UC_RISCV_REG_F0 + n, &value);
    return value;
}

static void put(ttd_engine *e, int n, uint64_t value)
{
    e->reg_write(e->uc, UC_RISCV_REG_F0 + n, &value);
}

/* Which of these registers hold no single. */
static uint32_t not_boxed(ttd_engine *e, uint32_t registers)
{
    uint32_t found = 0;
    for (; registers; registers &= registers - 1) {
        int n = __builtin_ctz(registers);
        if (get(e, n) < BOX)
            found |= 1u << n;
    }
    return found;
}

static void box(ttd_engine *e, uint32_t registers)
{
    for (; registers; registers &= registers - 1) {
        int n = __builtin_ctz(registers);
        put(e, n, get(e, n) | BOX);
    }
}

bool riscv_reads_floats(ttd_engine *e, uint32_t insn)
{
    effects f = effects_of(insn, is_rv32(e));
    return rv_of(e)->csr.fs && (f.singles | f.wholes);
}

bool riscv_is_fused(uint32_t insn)
{
    return (insn & 0x73) == 0x43;
}

bool riscv_reads_singles(ttd_engine *e, uint32_t insn)
{
    return rv_of(e)->csr.fs && effects_of(insn, is_rv32(e)).singles;
}

/* The next instruction of a block that is being decoded. It must be looked at by itself where it reads
 * what the block has just written as something else. */
uint32_t riscv_float_decode(ttd_engine *e, const decoding *d, uint32_t insn)
{
    float_block *f = &rv_of(e)->floats[d->b - e->cache];
    effects x = effects_of(insn, is_rv32(e));
    uint32_t written;
    bool apart;
    if (!d->n)
        *f = (float_block){ 0 };
    written = f->leaves | f->settles;
    apart = (x.wholes & f->leaves) || (x.singles & f->whole_writes);
    if (!(x.singles | x.wholes | x.writes | x.boxed | x.whole_writes))
        return 0;
    if (riscv_is_fused(insn)) {
        apart |= (written & bit(insn, 27)) != 0;
        f->addends[insn >> 25 & 1] |= bit(insn, 27) & ~written;
    }
    f->singles |= x.singles & ~written;
    f->wholes |= x.wholes & ~written;
    f->writes |= x.writes;
    f->leaves = (f->leaves & ~(x.boxed | x.whole_writes)) | x.writes;
    f->settles = (f->settles & ~x.writes) | x.boxed | x.whole_writes;
    f->whole_writes = (f->whole_writes & ~(x.boxed | x.writes)) | x.whole_writes;
    return apart ? WAY_ENTER | WAY_CALL : WAY_ENTER;
}

static bool is_nan(uint64_t value, bool twice)
{
    return twice ? value << 1 > 0xffe0000000000000 : (uint32_t)value << 1 > 0xff000000;
}

static bool is_infinite(uint64_t value, bool twice)
{
    return twice ? value << 1 == 0xffe0000000000000 : (uint32_t)value << 1 == 0xff000000;
}

static bool is_zero(uint64_t value, bool twice)
{
    return twice ? !(value << 1) : !((uint32_t)value << 1);
}

static bool any_nan(ttd_engine *e, uint32_t registers, bool twice)
{
    for (; registers; registers &= registers - 1)
        if (is_nan(get(e, __builtin_ctz(registers)), twice))
            return true;
    return false;
}

/* From now on some instructions are looked at by themselves. */
static void be_careful(ttd_engine *e, bool *about)
{
    *about = true;
    forget_blocks(e);
    e->blk_n = e->blk_size = 0;
    stop(e, WHY_AGAIN);
}

/* The block is about to run. */
void riscv_float_enter(ttd_engine *e, block_info *b)
{
    float_block *f = &rv_of(e)->floats[b - e->cache];
    uint32_t doubtful = f->singles & ~(rv_of(e)->single | rv_of(e)->unboxed);
    if (!rv_of(e)->careful && doubtful) {
        if (not_boxed(e, doubtful)) {
            be_careful(e, &rv_of(e)->careful);
            return;
        }
        rv_of(e)->single |= doubtful;
    }
    if (!rv_of(e)->careful_addends
        && (any_nan(e, f->addends[0], false) || any_nan(e, f->addends[1], true))) {
        be_careful(e, &rv_of(e)->careful_addends);
        return;
    }
    box(e, f->wholes & rv_of(e)->unboxed);
    rv_of(e)->unboxed_before = rv_of(e)->unboxed;
    rv_of(e)->unboxed = (rv_of(e)->unboxed & ~f->settles) | f->leaves;
    rv_of(e)->single = (rv_of(e)->single & ~f->whole_writes) | f->leaves | (f->settles & ~f->whole_writes);
}

/* What was not boxed before the instruction at `pc` of the block that runs. */
static uint32_t unboxed_at(ttd_engine *e, uint64_t pc)
{
    uint32_t unboxed = rv_of(e)->unboxed_before;
    cursor c = cursor_at(e, e->blk_pc);
    while (c.at < pc) {
        effects x = effects_of(riscv_insn(e, c.at), is_rv32(e));
        unboxed = (unboxed & ~(x.boxed | x.whole_writes)) | x.writes;
        if (!advance(e, &c))
            break;
    }
    return unboxed;
}

/* The block was left before the instruction at `pc`. */
void riscv_float_leave(ttd_engine *e, uint64_t pc)
{
    if (!e->blk || !(e->blk->ways & WAY_ENTER))
        return;
    rv_of(e)->unboxed = unboxed_at(e, pc);
    rv_of(e)->single = 0;
}

/* The end of a run: as the registers are seen. */
void riscv_float_settle(ttd_engine *e)
{
    box(e, rv_of(e)->unboxed);
    rv_of(e)->unboxed = rv_of(e)->unboxed_before = rv_of(e)->single = 0;
}

/* 11.6, "Single-Precision Floating-Point Computational Instructions": the flag that Unicorn leaves out.
 * Only a quiet NaN can be the addend: one that signals raises it by itself. */
static void raise_invalid(ttd_engine *e, uint32_t insn)
{
    bool twice = insn >> 25 & 1;
    uint64_t a, b, flags = 0, rounding = insn >> 12 & 7;
    if (!is_nan(get(e, insn >> 27), twice))
        return;
    a = get(e, insn >> 15 & 31);
    b = get(e, insn >> 20 & 31);
    if (!(is_infinite(a, twice) && is_zero(b, twice)) && !(is_zero(a, twice) && is_infinite(b, twice)))
        return;
    if (rounding == 7)
        e->reg_read(e->uc, UC_RISCV_REG_FRM, &rounding);
    if (rounding > 4 || insn >> 26 & 1)   /* illegal */
        return;
    e->reg_read(e->uc, UC_RISCV_REG_FFLAGS, &flags);
    flags |= INVALID;
    e->reg_write(e->uc, UC_RISCV_REG_FFLAGS, &flags);
}

/* The instruction's turn, which reads singles or doubles. */
int riscv_float_turn(ttd_engine *e, uint64_t pc, uint32_t insn)
{
    effects x = effects_of(insn, is_rv32(e));
    uint32_t bare = rv_of(e)->lent ? 0 : not_boxed(e, x.singles);
    if (x.wholes & (rv_of(e)->unboxed_before | rv_of(e)->floats[e->blk - e->cache].writes))
        box(e, x.wholes & unboxed_at(e, pc));
    if (bare && (bare &= ~unboxed_at(e, pc))) {
        rv_of(e)->lend = bare;
        e->arm = true;
        stop(e, WHY_AGAIN);
    } else if (riscv_is_fused(insn)) {
        raise_invalid(e, insn);
    }
    return TURN_RUN;
}

/* The instruction at PC is about to run alone: it sees a NaN where there is no single. */
void riscv_float_before(ttd_engine *e)
{
    uint32_t left = rv_of(e)->lent = rv_of(e)->lend;
    rv_of(e)->lend = 0;
    for (; left; left &= left - 1) {
        int n = __builtin_ctz(left);
        rv_of(e)->real[n] = get(e, n);
        put(e, n, BOXED_NAN);
    }
}

/* It has run, or not: it was at `pc`, which PC is still if it has not. */
void riscv_float_left(ttd_engine *e, uint64_t pc, uint64_t now)
{
    effects x;
    uint32_t left;
    if (!rv_of(e)->lent)
        return;
    x = effects_of(riscv_insn(e, pc), is_rv32(e));
    left = rv_of(e)->lent & ~(now == pc ? 0 : x.writes | x.whole_writes);
    rv_of(e)->lent = 0;
    rv_of(e)->single &= ~left;            /* what the instruction has read there was lent */
    for (; left; left &= left - 1) {
        int n = __builtin_ctz(left);
        put(e, n, rv_of(e)->real[n]);
    }
}

bool riscv_float_start(ttd_engine *e)
{
    rv_of(e)->floats = calloc(1u << CACHE_BITS, sizeof *rv_of(e)->floats);
    return rv_of(e)->floats;
}

void riscv_float_free(ttd_engine *e)
{
    free(rv_of(e)->floats);
}
