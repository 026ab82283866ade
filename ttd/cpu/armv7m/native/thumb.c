/* Thumb on Armv7-M and Armv6-M: what is to be done about an instruction when a block with it is decoded. */
#include "thumb.h"

int thumb_length(const uint8_t *code)
{
    return (code[1] >> 3) >= 0x1d ? 4 : 2;
}

static int length_here(ttd_engine *e, uint64_t pc, const uint8_t *code)
{
    (void)e, (void)pc;
    return thumb_length(code);
}

uint32_t thumb_at(ttd_engine *e, uint64_t pc, const uint8_t *code)
{
    uint32_t first = code[0] | code[1] << 8;
    const uint8_t *more = code + 2;
    if (thumb_length(code) == 2)
        return first;
    if (!((pc + 2) & (e->page_size - 1)) && !(more = code_at(e, pc + 2)))
        return 0;
    return first << 16 | more[0] | more[1] << 8;
}

static bool is_thumb_store(const uint8_t *code, int length)
{
    uint32_t a = code[0] | code[1] << 8;
    if (length == 2)
        return (a & 0xf000) == 0x5000 || (a & 0xe800) == 0x6000 || (a & 0xf800) == 0x8000
            || (a & 0xf800) == 0x9000 || (a & 0xf800) == 0xc000 || (a & 0xfe00) == 0xb400;
    return (a & 0xfe00) == 0xe800 || (a & 0xff10) == 0xf800 || (a & 0xec00) == 0xec00;
}

/* IT, CBZ and CBNZ: Unicorn has them on Armv6-M cores too. */
static bool is_mainline(uint32_t insn)
{
    return thumb_is_it(insn) || (insn & 0xfffff500) == 0xb100;
}

/* CPS, or MSR: after it interrupts may be masked, and the MPU apply, differently. */
static bool changes_masks(uint32_t insn, int length)
{
    return length == 2 ? (insn & 0xffec) == 0xb660 : insn >> 20 == 0xf38;
}

/* Branches, and loads of PC (DDI0403E A5.2 and A5.3). */
static bool thumb_branches(uint32_t insn, int length)
{
    if (length == 2)
        return ((insn & 0xf000) == 0xd000 && (insn & 0xe00) != 0xe00)   /* B<c> */
            || (insn & 0xf800) == 0xe000 || (insn & 0xff00) == 0x4700   /* B, BX, BLX */
            || (insn & 0xf500) == 0xb100 || (insn & 0xff00) == 0xbd00   /* CBZ, CBNZ, POP */
            || (insn & 0xfd87) == 0x4487;                               /* ADD, MOV to PC */
    if ((insn & 0xf8008000) == 0xf0008000)
        return (insn & 0x5000) || (insn >> 23 & 7) != 7;                /* BL, B, B<c> */
    return (insn & 0xfff0ffe0) == 0xe8d0f000                            /* TBB, TBH */
        || (insn & 0xfe508000) == 0xe8108000 || (insn & 0xff70f000) == 0xf850f000;
}

/* ITSTATE behind an instruction (A7.3.3). */
static uint8_t it_behind(uint8_t it, uint32_t insn)
{
    if (it)
        it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
    return thumb_is_it(insn) ? insn & 0xff : it;
}

/* Not inside an IT block. */
static uint64_t thumb_interruptible(ttd_engine *e, const block_info *b, uint32_t index)
{
    cursor c = cursor_at(e, b->pc);
    uint8_t it = e->prefix_next;
    uint32_t k;
    for (k = 0; k < b->n && c.code && (k < index || it); k++) {
        it = it_behind(it, thumb_at(e, c.at, c.code));
        advance(e, &c);
    }
    return k;
}

/* Computes, and neither accesses memory nor branches (A5.2, A5.3). */
static bool only_computes(uint32_t insn, int length)
{
    if (thumb_branches(insn, length))
        return false;
    if (length == 2)
        return insn < 0x4700 || (insn & 0xf000) == 0xa000 || (insn & 0xff00) == 0xb200;
    return (insn & 0xf8008000) == 0xf0000000 || (insn & 0xfe000000) == 0xea000000
        || (insn & 0xff000000) == 0xfa000000;
}

static uint32_t thumb_behind_store(ttd_engine *e, uint64_t pc)
{
    cursor c = cursor_at(e, pc);
    uint8_t it = e->prefix_next;
    uint32_t count;
    for (count = 0; it && c.code; count++) {
        uint32_t insn = thumb_at(e, c.at, c.code);
        if (count && !only_computes(insn, thumb_length(c.code)))
            return 0;
        it = it_behind(it, insn);
        advance(e, &c);
    }
    return it ? 0 : count;
}

/* LDREX, LDREXB, LDREXH (A7.7.52 to A7.7.54). */
static bool excludes(uint32_t insn)
{
    return (insn & 0xfff00f00) == 0xe8500f00 || (insn & 0xfff00fef) == 0xe8d00f4f;
}

static uint32_t thumb_decode(ttd_engine *e, decoding *d)
{
    uint32_t insn = thumb_at(e, d->at, d->code), ways;
    bool inside = d->prefix;
    ways = aligned_decode(e, d, insn);
    if (inside && is_thumb_store(d->code, d->length))
        ways |= WAY_LATE_STORE;
    d->prefix = it_behind(d->prefix, insn);
    if (excludes(insn))
        monitor_needed(e);
    if (excludes(insn) || thumb_is_store_exclusive(insn))
        ways |= WAY_ENTER;
    if (thumb_branches(insn, d->length))
        ways |= WAY_BRANCH;
    if (changes_masks(insn, d->length))
        ways |= WAY_MODES | (d->length == 4 && (insn & 0xff) == 0x12 ? WAY_OWN : 0);
    if (thumb_of(e)->baseline && is_mainline(insn))
        ways |= WAY_CHECK;
    return ways;
}

/* A page that the MPU splits, and what Armv6-M does not have. (With a call before it, as others have, random
 * programs that were loaded over each other have counted a step twice.) */
static uint64_t thumb_room(ttd_engine *e, block_info *b, uint64_t room, int *why)
{
    cursor c = cursor_at(e, b->pc);
    bool active = mpu_active(e), privileged = privileged_now(e);
    uint64_t k;
    for (k = 0; k < b->n && k < room; k++) {
        uint64_t at = c.at;
        const uint8_t *code = c.code;
        if (mpu_allows(e, at, (uint64_t)advance(e, &c), ACC_FETCH, privileged, active) != 1) {
            if (k == 0) {
                *why = WHY_FAULT;
                fault_at(e, ACC_FETCH, at);
            }
            return k;
        }
        if (thumb_of(e)->baseline && code && is_mainline(thumb_at(e, at, code))) {
            if (k == 0)
                *why = WHY_INVALID;
            return k;
        }
    }
    return room;
}

/* A block that looks at the monitor is about to run. */
static void thumb_enter(ttd_engine *e, block_info *b)
{
    thumb_state *t = thumb_of(e);
    (void)b;
    if (!e->monitor.opens)
        return;
    t->opens_now = true;
    e->blk_n = 0;
    e->noting = false;
    stop(e, WHY_AGAIN);
}

static int thumb_start(ttd_engine *e)
{
    thumb_state *t = thumb_of(e);
    t->baseline = e->must_align = e->set->variant;
    t->basepri_mask = 0xff;
    return 0;
}

#define THUMB \
    .state_size = sizeof(thumb_state), .start = thumb_start, .enter = thumb_enter, \
    .monitor = { { 0x51, 0xe8, 0x00, 0x0f }, UC_ARM_REG_R1, 8, 2 },   /* LDREX R0, [R1] */ \
    .privileged = thumb_privileged, .allows = thumb_allows, .expect_modes = thumb_expect_modes, \
    .settle = thumb_settle, .expect = thumb_expect, .masks = thumb_masks, .look = thumb_look, \
    .entry_bits = 1, .watches_memory = true, .cut_span = thumb_cut_span, .branch_to_self = { 0xfe, 0xe7 }, \
    .pc = UC_ARM_REG_PC, \
    .length = length_here, .decode = thumb_decode, .room = thumb_room, .operands = aligned_room, \
    .interruptible = thumb_interruptible, .behind_store = thumb_behind_store, \
    .prefix = thumb_prefix, .forget_prefix = thumb_forget_prefix, \
    .read_register = thumb_read_hidden, .read_registers = thumb_read_registers, .write_registers = thumb_write_registers, \
    .replaced = thumb_replaced, .watched = thumb_watched, .stores_on = 4 * MAX_WORDS, \
    .calls_anywhere = true, .left_midway = thumb_left_midway, .returns = thumb_returns, .is_wait = thumb_is_wait

TTD_INSTRUCTION_SET(armv7m) = { .name = "armv7-m", THUMB };

TTD_INSTRUCTION_SET(armv6m) = { .name = "armv6-m", .variant = 1, THUMB };
