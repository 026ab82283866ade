/* x86-64: instructions that Unicorn can leave when a part of them has happened, and of which
 * nothing may have when the run ends before them.
 *
 * Some make several accesses, *in parts*: each is refused in time, but what those before it stored or
 * loaded is there. Others are left *late*: a helper of Unicorn's stores, and what is behind the
 * instruction runs on until its block ends; or registers change before memory is accessed. Such an
 * instruction runs alone where somebody is interested in its memory, and if it is to be abandoned then,
 * registers and memory are put back. */
#include "x86.h"

static const accesses one = { 0, false };

static uint32_t x86_width(const ours *o) { return o->wide ? 8 : o->halved ? 2 : 4; }

/* Opcodes of one byte. ENTER copies frame pointers, one after the other; RCL and RCR change flags. */
static accesses one_byte(const ours *o, const uint8_t *code)
{
    switch (o->opcode) {
    case 0xc8:
        return (accesses){ 0, code[o->opcode_end + 2] & 31 };
    case 0xc0: case 0xc1: case 0xd0: case 0xd1: case 0xd2: case 0xd3:
        if (o->memory && (o->reg & 6) == 2)
            return (accesses){ o->opcode & 1 ? x86_width(o) : 1, true };
        return one;
    default:
        return one;
    }
}

/* FLDENV, FNSTENV, FRSTOR, FNSAVE. */
static accesses environment(const ours *o)
{
    bool moves = o->memory && (o->reg & 5) == 4;
    if (moves && o->opcode == 0xd9)
        return (accesses){ o->halved ? 14 : 28, true };
    if (moves && o->opcode == 0xdd)
        return (accesses){ o->halved ? 94 : 108, true };
    return one;
}

/* MMX with an operand in memory: the tags of the x87 are set before it is accessed. */
static bool is_mmx(const ours *o)
{
    uint8_t c = o->opcode;
    if (o->prefix || !o->memory)
        return false;
    if (o->map == 0x38)
        return c <= 0x0b || (c >= 0x1c && c <= 0x1e);
    if (o->map == 0x3a)
        return c == 0x0f;
    return o->map == 1 && ((c >= 0x60 && c <= 0x6b) || c == 0x6e || c == 0x6f || c == 0x70
                           || (c >= 0x74 && c <= 0x76) || c == 0x7e || c == 0x7f || c == 0xc4
                           || (c >= 0xd1 && c <= 0xfe && c != 0xd6));
}

/* A whole register of XMM goes to memory, or comes from there. */
static bool moves_xmm(const ours *o)
{
    if (!o->memory)
        return false;
    if (o->map == 0x38)
        return o->opcode == 0x2a && o->prefix == 0x66;
    switch (o->opcode) {
    case 0x10: case 0x11: case 0x28: case 0x29: case 0x2b:
        return !o->prefix || o->prefix == 0x66;
    case 0x12: case 0x16: return o->prefix == 0xf3;
    case 0x6f: case 0x7f: return o->prefix == 0x66 || o->prefix == 0xf3;
    case 0xe7: return o->prefix == 0x66;
    case 0xf0: return o->prefix == 0xf2;
    default: return false;
    }
}

static accesses x86_accesses(const ours *o, const uint8_t *code)
{
    int what = o->reg & 7;
    if (o->map == X86_ONE)
        return one_byte(o, code);
    if (!o->map)
        return environment(o);
    if (is_mmx(o))
        return (accesses){ 8, true };
    if ((o->map == 1 || o->map == 0x38) && moves_xmm(o))
        return (accesses){ 16, false };
    if (o->map != 1)
        return one;
    if (o->opcode == 0xf7)                /* MASKMOVQ, MASKMOVDQU */
        return (accesses){ o->prefix == 0x66 ? 16 : 8, !o->memory };
    if (!o->memory)
        return one;
    if (o->opcode == 0x01 && what < 2)    /* SGDT, SIDT */
        return (accesses){ 10, false };
    if (o->opcode == 0xc7 && what == 1)   /* CMPXCHG8B, CMPXCHG16B */
        return (accesses){ o->wide ? 16 : 8, true };
    if (o->opcode == 0xae && what < 2)
        return (accesses){ 512, true };   /* FXSAVE, FXRSTOR */
    return one;
}

static bool x86_reads(const ours *o)
{
    if (!o->map)
        return (o->reg & 7) == 4;
    if (o->map == 1 && o->opcode == 0xae)
        return o->reg & 1;
    return is_mmx(o) && o->opcode != 0x7e && o->opcode != 0x7f && o->opcode != 0xe7;
}

static bool x86_writes_only(const ours *o)
{
    return (!o->map || o->map == 1) && o->opcode != 0xc7 && !x86_reads(o);
}

static extent x86_extent(ttd_engine *e, const ours *o, uint32_t size)
{
    ours implied = *o;
    if (o->map == 1 && o->opcode == 0xf7) {
        implied.base = 7;                 /* DS:RDI */
        implied.index = -1;
        implied.relative = false;
        implied.disp = 0;
    }
    return (extent){ x86_address(e, &implied), size,
                     x86_reads(o) ? ACC_READ : x86_writes_only(o) ? ACC_WRITE : ACC_READ | ACC_WRITE };
}

static accesses accesses_at(ttd_engine *e, uint64_t pc, const uint8_t *code, ours *o)
{
    uint8_t bytes[X86_LONGEST + 4] = { 0 };
    if (!x86_decode(bytes, x86_bytes(e, pc, code, bytes), o))
        return one;
    o->pc = pc;
    o->length = (uint8_t)length_at(e, pc, code);
    return x86_accesses(o, bytes);
}

bool x86_leaves_late(ttd_engine *e, uint64_t pc, const uint8_t *code)
{
    ours o;
    return accesses_at(e, pc, code, &o).late;
}

bool x86_enter_late(ttd_engine *e, uint64_t pc, const uint8_t *code)
{
    ours o;
    accesses a = accesses_at(e, pc, code, &o);
    extent x;
    if (!a.late)
        return true;
    x = x86_extent(e, &o, a.size);
    if (e->armed && !x.size) {            /* ENTER: the frame pointers go below the stack pointer */
        x.size = 8 * 32;
        x.address = x86_gpr(e, 4) - x.size;
    }
    return enter_late(e, &x);
}

uint32_t x86_parts(ttd_engine *e, uint64_t pc)
{
    uint8_t *code = code_at(e, pc);
    accesses a;
    ours o;
    if (!code || e->doing != NEVER)
        return 0;
    a = accesses_at(e, pc, code, &o);
    return a.late ? 0 : a.size;
}
