/* x86-64: what is to be done about an instruction when a block with it is decoded. */
#include "x86.h"

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
    x86_bits *bits = (x86_bits *)d->own;
    uint32_t ways = 0;
    if (!d->n)
        x86_bits_begin(bits);
    if (find_ours(e, d, bytes, size, &ways))
        return WAY_ANEW;
    ways |= x86_decode_demand(e, d->b, bits, d->at, d->code);
    x86_bits_follow(bits, bytes, size, &place);
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

/* HLT. */
static bool x86_is_wait(ttd_engine *e, uint64_t pc)
{
    const uint8_t *code = code_at(e, pc);
    return code && *code == 0xf4;
}

static int x86_start(ttd_engine *e)
{
    int err = x86_start_system(e);
    x86_of(e)->kept_pc = NEVER;
    return err ? err : patches_start(e);
}

static void x86_free(ttd_engine *e)
{
    x86_free_capstone(e);
    patches_free(e);
}

TTD_INSTRUCTION_SET(x86_64) = {
    .name = "x86-64", .pc = UC_X86_REG_RIP, .state_size = sizeof(x86_state),
    .use_library = x86_use_capstone, .start = x86_start, .free = x86_free,
    .length = x86_length_at, .decode = x86_decode_ways, .room = x86_room, .operands = x86_aligned_room,
    .turn = x86_turn, .left = x86_left, .parts = x86_parts, .is_wait = x86_is_wait,
    .interrupt = patches_interrupt, .carry_out = patches_carry_out,
    .code_fill = patched_fill, .code_changed = patches_changed,
    .read_register = x86_read_register, .write_register = x86_write_register,
};
