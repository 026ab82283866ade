/* x86-64: what is to be done about an instruction when a block with it is decoded. */
#include "isa.h"

/* The bytes of the x86 instruction at `pc`, whose first are at `code`, as far as they are there. */
size_t x86_bytes(ttd_engine *e, uint64_t pc, const uint8_t *code, uint8_t bytes[])
{
    size_t n = e->page_size - (pc & (e->page_size - 1));
    const uint8_t *more;
    if (n > X86_LONGEST)
        n = X86_LONGEST;
    memcpy(bytes, code, n);
    if (n == X86_LONGEST || !(more = code_at(e, pc + n)))
        return n;
    memcpy(bytes + n, more, X86_LONGEST - n);
    return X86_LONGEST;
}

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

/* Near and far calls, jumps and returns, loops, IRET (volume 2, appendix A, opcode map). */
static bool x86_branches(const uint8_t *bytes, size_t size)
{
    ours o;
    if (!x86_decode(bytes, size, &o))
        return false;
    if (o.map == 1)
        return (o.opcode & 0xf0) == 0x80;
    if (o.map != X86_ONE)
        return false;
    switch (o.opcode) {
    case 0xc2: case 0xc3: case 0xca: case 0xcb: case 0xcf: case 0xe0: case 0xe1: case 0xe2: case 0xe3:
    case 0xe8: case 0xe9: case 0xeb:
        return true;
    case 0xff:
        return (o.reg & 7) >= 2 && (o.reg & 7) <= 5;
    default:
        return (o.opcode & 0xf0) == 0x70;
    }
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
    if (x86_branches(bytes, size))
        ways |= WAY_BRANCH;
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

TTD_INSTRUCTION_SET(x86_64) = {
    .name = "x86-64", .isa = ISA_X64,
    .decode = x86_decode_ways, .room = x86_room, .operands = x86_aligned_room, .turn = flat_turn,
};
