/* What is to be done about an instruction that Unicorn has otherwise than the manual, or that changes what
 * the engine knows: asked once, when a block with it is decoded, of one table of each instruction set.
 * The answer is bits WAY_...; see docs/engine.md, "Ours". */
#include "internal.h"

/* ---- Thumb ------------------------------------------------------------------------------ */

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

static uint32_t thumb_decode(ttd_engine *e, decoding *d)
{
    uint32_t insn = thumb_at(e, d->at, d->code), ways;
    bool inside = d->it;
    ways = aligned_decode(e, d, insn);
    if (inside) {
        d->it = d->it & 7 ? (d->it & 0xe0) | (d->it << 1 & 0x1f) : 0;
        if (is_thumb_store(d->code, d->length))
            ways |= WAY_IT_STORE;
    }
    if (thumb_is_it(insn))
        d->it = insn & 0xff;
    if (changes_masks(insn, d->length))
        ways |= WAY_MODES | (d->length == 4 && (insn & 0xff) == 0x12 ? WAY_RAISES : 0);
    if (e->baseline && is_mainline(insn))
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
        if (e->baseline && code && is_mainline(thumb_at(e, at, code))) {
            if (k == 0)
                *why = WHY_INVALID;
            return k;
        }
    }
    return room;
}

/* ---- RISC-V ----------------------------------------------------------------------------- */

static uint32_t riscv_decode(ttd_engine *e, decoding *d)
{
    bool straddles = d->length == 4 && (d->at & (e->page_size - 1)) == e->page_size - 2;
    uint32_t insn = riscv_insn(e, d->at), ways;
    ways = riscv_float_decode(e, d, insn);
    if (straddles)                        /* its end may be gone, or be another, the next time */
        ways |= WAY_CHECK;
    if ((d->code[0] & 0x7f) == 0x73) {    /* it may change a mask */
        ways |= WAY_SETTLE;
        if (straddles || riscv_changes_modes(insn))
            ways |= WAY_MODES;
    }
    if (d->b->size && riscv_is_ours(e, insn))
        ways |= WAY_CALL;
    return ways;
}

/* Code that cannot all be fetched. */
static uint64_t riscv_room(ttd_engine *e, block_info *b, uint64_t room, int *why)
{
    cursor c = cursor_at(e, b->pc);
    uint64_t k;
    for (k = 0; k < b->n && k < room; k++) {
        uint64_t at = c.at, last;
        int length = advance(e, &c);
        last = at + length - 2;
        if (!length || !riscv_fetchable(e, at) || !riscv_fetchable(e, last)) {
            if (k == 0) {
                *why = WHY_FAULT;
                fault_at(e, ACC_FETCH, length && riscv_fetchable(e, at) ? last : at);
            }
            return k;
        }
    }
    return room;
}

/* ---- x86-64 ----------------------------------------------------------------------------- */

/* Is the instruction one that is done here, but not known as one? Then it is now, and what was
 * translated is no longer good. */
static bool find_ours(ttd_engine *e, const decoding *d, const uint8_t *bytes, size_t size, uint32_t *ways)
{
    ours *known = ours_at(e, d->at), found;
    bool hidden = ban_overlapping(e, d->at, d->length);
    if (known && known->banned)
        *ways |= WAY_CHECK;
    if (known || !x86_is_ours(bytes, size, &found))
        return hidden;
    found.pc = d->at;
    found.length = (uint8_t)d->length;
    return patch(e, &found) || hidden;
}

static uint32_t x86_decode_ways(ttd_engine *e, decoding *d)
{
    uint8_t bytes[X86_LONGEST];
    size_t size = x86_bytes(e, d->at, d->code, bytes);
    ours place = { .pc = d->at, .length = (uint8_t)d->length };
    uint32_t ways = 0;
    if (!d->n)
        x86_bits_begin(&d->bits);
    if (find_ours(e, d, bytes, size, &ways))
        return WAY_ANEW;
    ways |= x86_decode_demand(e, d->b, &d->bits, d->at, d->code);
    x86_bits_follow(&d->bits, bytes, size, &place);
    if ((d->n && x86_begins_block(bytes, size)) || x86_is_absent(e, bytes, size))
        ways |= WAY_CHECK;
    return ways;
}

/* Instructions that begin a block, those that are done here where Unicorn does not stop at them, and what
 * there is not. */
static uint64_t x86_room(ttd_engine *e, block_info *b, uint64_t room, int *why)
{
    cursor c = cursor_at(e, b->pc);
    uint64_t k;
    for (k = 0; k < b->n && k < room; k++) {
        uint8_t bytes[X86_LONGEST];
        size_t size = c.code ? x86_bytes(e, c.at, c.code, bytes) : 0;
        ours *o = ours_at(e, c.at);
        bool absent = size && x86_is_absent(e, bytes, size);
        if (k && size && x86_begins_block(bytes, size))
            return k;
        if (absent || (o && o->banned)) {
            if (k == 0)
                *why = absent ? WHY_INVALID : WHY_OURS;
            return k;
        }
        advance(e, &c);
    }
    return room;
}

/* ---- AArch64 ---------------------------------------------------------------------------- */

static uint32_t a64_decode(ttd_engine *e, decoding *d)
{
    return flat_is_ours(e, d->at, d->code) ? WAY_CALL : 0;
}

/* ---- all -------------------------------------------------------------------------------- */

const instruction_set *instruction_set_of(int isa)
{
    static const instruction_set
        thumb = { thumb_decode, thumb_room, aligned_room, NULL },
        riscv = { riscv_decode, riscv_room, NULL, riscv_turn },
        a64 = { a64_decode, NULL, NULL, flat_turn },
        x86 = { x86_decode_ways, x86_room, x86_aligned_room, flat_turn };
    switch (isa) {
    case ISA_THUMB: return &thumb;
    case ISA_A64: return &a64;
    case ISA_X64: return &x86;
    default: return &riscv;
    }
}
