/* Instructions of x86 that Unicorn has otherwise than the manual, and that are done here: how they
 * are found, their operands, and those on integers. "SDM" is the "Intel 64 and IA-32 Architectures
 * Software Developer's Manual". */
#include "x86.h"

/* ---- decoding (SDM volume 2, chapter 2, "Instruction Format") ---------------------------- */

typedef struct { const uint8_t *from, *at; size_t left; bool short_of; } reader;

static uint8_t next_byte(reader *r)
{
    if (!r->left) {
        r->short_of = true;
        return 0;
    }
    r->left--;
    return *r->at++;
}

static int32_t next_number(reader *r, int size)
{
    uint32_t value = 0;
    for (int i = 0; i < size; i++)
        value |= (uint32_t)next_byte(r) << 8 * i;
    return size == 1 ? (int8_t)value : (int32_t)value;
}

static void decode_operands(reader *r, ours *o, uint8_t rex)
{
    uint8_t modrm = next_byte(r), mod = modrm >> 6, sib;
    o->reg = (modrm >> 3 & 7) | (rex & 4) << 1;
    o->rm = (modrm & 7) | (rex & 1) << 3;
    o->base = o->index = -1;
    o->memory = mod != 3;
    if (!o->memory)
        return;
    if ((modrm & 7) == 4) {
        sib = next_byte(r);
        o->scale = sib >> 6;
        o->index = (int8_t)((sib >> 3 & 7) | (rex & 2) << 2);
        if (o->index == 4)
            o->index = -1;
        if ((sib & 7) != 5 || mod)
            o->base = (int8_t)((sib & 7) | (rex & 1) << 3);
        else
            o->disp = next_number(r, 4);
    } else if ((modrm & 7) == 5 && !mod) {
        o->relative = true;
        o->disp = next_number(r, 4);
    } else {
        o->base = (int8_t)o->rm;
    }
    if (mod == 1)
        o->disp = next_number(r, 1);
    else if (mod == 2)
        o->disp = next_number(r, 4);
}

/* All but what follows the operands. */
static bool decode_from(reader *r, ours *o)
{
    uint8_t rex = 0, byte;
    *o = (ours){ 0 };
    for (;;) {
        byte = next_byte(r);
        switch (byte) {
        case 0x66:
            o->halved = true;
            if (!o->prefix)
                o->prefix = byte;
            break;
        case 0xf2: case 0xf3: o->prefix = byte; break;
        case 0xf0: o->lock = true; break;
        case 0x64: case 0x65: o->segment = byte; break;
        case 0x26: case 0x2e: case 0x36: case 0x3e: break;
        case 0x67: o->short_address = true; break;
        default:
            if ((byte & 0xf0) == 0x40) {
                rex = byte;
                byte = next_byte(r);
            }
            o->wide = rex >> 3 & 1;
            if ((byte & 0xf8) == 0xd8) {
                o->opcode = byte;
                decode_operands(r, o, rex);
                return !r->short_of;
            }
            if (byte != 0x0f) {
                o->map = X86_ONE;
                o->opcode = byte;
                o->numbered = (byte & 7) | (rex & 1) << 3;
                o->opcode_end = (uint8_t)(r->at - r->from);
                decode_operands(r, o, rex);
                o->operands_end = (uint8_t)(r->at - r->from);
                return true;              /* not each of these has operands */
            }
            o->map = 1;
            o->opcode = next_byte(r);
            if (o->opcode == X86_EMMS)
                return !r->short_of;
            if (o->opcode == 0x38 || o->opcode == 0x3a) {
                o->map = o->opcode;
                o->opcode = next_byte(r);
            }
            decode_operands(r, o, rex);
            return !r->short_of;
        }
        if (r->short_of)
            return false;
    }
}

bool x86_decode(const uint8_t *code, size_t size, ours *out)
{
    reader r = { code, code, size, false };
    return decode_from(&r, out);
}

/* ---- registers and operands ---------------------------------------------------------------- */

static const int gprs[16] = {
    UC_X86_REG_RAX, UC_X86_REG_RCX, UC_X86_REG_RDX, UC_X86_REG_RBX, UC_X86_REG_RSP, UC_X86_REG_RBP,
    UC_X86_REG_RSI, UC_X86_REG_RDI, UC_X86_REG_R8, UC_X86_REG_R9, UC_X86_REG_R10, UC_X86_REG_R11,
    UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14, UC_X86_REG_R15,
};

bool x86_raise(ttd_engine *e, int vector)
{
    raise_exception(e, vector);
    return false;
}

uint64_t x86_gpr(ttd_engine *e, int n)
{
    uint64_t value = 0;
    e->reg_read(e->uc, gprs[n], &value);
    return value;
}

void x86_set_gpr(ttd_engine *e, int n, uint64_t value) { e->reg_write(e->uc, gprs[n], &value); }

void x86_set_flags(ttd_engine *e, uint32_t flags)
{
    uint64_t all = 0;
    e->reg_read(e->uc, UC_X86_REG_RFLAGS, &all);
    all = (all & ~(uint64_t)X86_STATUS) | flags;
    e->reg_write(e->uc, UC_X86_REG_RFLAGS, &all);
}

xmm x86_xmm(ttd_engine *e, int n)
{
    xmm value;
    e->reg_read(e->uc, UC_X86_REG_XMM0 + n, &value);
    return value;
}

void x86_set_xmm(ttd_engine *e, int n, xmm value) { e->reg_write(e->uc, UC_X86_REG_XMM0 + n, &value); }

uint64_t x86_address(ttd_engine *e, const ours *o)
{
    uint64_t at = (uint64_t)o->disp, base = 0;
    if (o->relative)
        at += o->pc + o->length;
    if (o->base >= 0)
        at += x86_gpr(e, o->base);
    if (o->index >= 0)
        at += x86_gpr(e, o->index) << o->scale;
    if (o->short_address)
        at = (uint32_t)at;
    if (o->segment)
        e->reg_read(e->uc, o->segment == 0x64 ? UC_X86_REG_FS_BASE : UC_X86_REG_GS_BASE, &base);
    return at + base;
}

bool x86_operand(ttd_engine *e, const ours *o, int size, xmm *out)
{
    if (o->memory)
        return guest_read(e, x86_address(e, o), size, out);
    *out = x86_xmm(e, o->rm);
    return true;
}

/* ---- CMPXCHG ------------------------------------------------------------------------------- */

/* CMP a, b of 32 bits. */
static uint32_t compare_flags(uint32_t a, uint32_t b)
{
    uint32_t d = a - b;
    return (a < b ? X86_CF : 0) | (__builtin_parity(d & 0xff) ? 0 : X86_PF)
        | ((a ^ b ^ d) & 16 ? X86_AF : 0) | (d ? 0 : X86_ZF) | (d >> 31 ? X86_SF : 0)
        | (((a ^ b) & (a ^ d)) >> 31 ? X86_OF : 0);
}

/* Of 32 bits. Only the register that is written loses its upper half: RAX if the two differ, the
 * destination if they are equal (SDM volume 2, "CMPXCHG"). */
static bool compare_exchange(ttd_engine *e, const ours *o)
{
    uint64_t at = 0, rax = x86_gpr(e, 0);
    uint32_t found = 0, result;
    if (o->memory) {
        at = x86_address(e, o);
        if (!guest_read(e, at, 4, &found))
            return false;
    } else {
        found = (uint32_t)x86_gpr(e, o->rm);
    }
    result = found == (uint32_t)rax ? (uint32_t)x86_gpr(e, o->reg) : found;
    if (o->memory) {
        if (!guest_write(e, at, 4, &result))
            return false;
    } else if (found == (uint32_t)rax) {
        x86_set_gpr(e, o->rm, result);
    }
    if (found != (uint32_t)rax)
        x86_set_gpr(e, 0, found);
    x86_set_flags(e, compare_flags((uint32_t)rax, found));
    return true;
}

/* ---- PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM (SDM volume 2, section 4.1) ------------------ */

static int element(const xmm *v, int i, uint8_t control)
{
    switch (control & 3) {
    case 0: return v->b[i];
    case 1: return v->w[i];
    case 2: return (int8_t)v->b[i];
    default: return (int16_t)v->w[i];
    }
}

/* How many elements are valid: up to a zero, or as many as the register says. */
static int valid_elements(ttd_engine *e, const ours *o, const xmm *v, int count, int reg)
{
    int n = 0;
    if (o->opcode >= 0x62) {
        while (n < count && element(v, n, o->immediate & 1))
            n++;
    } else {
        int64_t length = (int64_t)x86_gpr(e, reg);
        if (!o->wide)
            length = (int32_t)length;
        n = length > count || length < -count ? count : (int)(length < 0 ? -length : length);
    }
    return n;
}

/* `a` is the first operand, of `na` valid elements. */
static uint32_t aggregate(const xmm *a, int na, const xmm *b, int nb, int count, uint8_t control)
{
    uint32_t result = 0;
    for (int j = 0; j < count; j++) {
        bool yes = false;
        int i;
        switch (control >> 2 & 3) {
        case 0:                           /* equal any */
            for (i = 0; i < na && j < nb && !yes; i++)
                yes = element(a, i, control) == element(b, j, control);
            break;
        case 1:                           /* ranges */
            for (i = 0; i + 1 < na && j < nb && !yes; i += 2)
                yes = element(a, i, control) <= element(b, j, control)
                    && element(b, j, control) <= element(a, i + 1, control);
            break;
        case 2:                           /* equal each */
            yes = j < na && j < nb ? element(a, j, control) == element(b, j, control)
                                   : j >= na && j >= nb;
            break;
        default:                          /* equal ordered */
            yes = true;
            for (i = 0; i < na && i + j < count && yes; i++)
                yes = i + j < nb && element(a, i, control) == element(b, i + j, control);
        }
        result |= (uint32_t)yes << j;
    }
    return result;
}

static bool compare_strings(ttd_engine *e, const ours *o)
{
    uint8_t control = o->immediate;
    int count = control & 1 ? 8 : 16, na, nb, i;
    uint32_t all = (1u << count) - 1, result, flags;
    xmm a = x86_xmm(e, o->reg), b, mask = { { 0 } };
    if (!x86_operand(e, o, 16, &b))       /* of any alignment */
        return false;
    na = valid_elements(e, o, &a, count, 0);
    nb = valid_elements(e, o, &b, count, 2);
    result = aggregate(&a, na, &b, nb, count, control);
    if ((control >> 4 & 3) == 1)
        result ^= all;
    else if ((control >> 4 & 3) == 3)
        result ^= (1u << nb) - 1;
    flags = (result ? X86_CF : 0) | (nb < count ? X86_ZF : 0) | (na < count ? X86_SF : 0)
        | (result & 1 ? X86_OF : 0);
    if (o->opcode & 1) {
        x86_set_gpr(e, 1, !result ? (uint64_t)count
                    : (uint64_t)(control & 64 ? 31 - __builtin_clz(result) : __builtin_ctz(result)));
    } else if (!(control & 64)) {
        mask.q[0] = result;
        x86_set_xmm(e, 0, mask);
    } else {
        for (i = 0; i < count; i++) {
            if (count == 8)
                mask.w[i] = result >> i & 1 ? 0xffff : 0;
            else
                mask.b[i] = result >> i & 1 ? 0xff : 0;
        }
        x86_set_xmm(e, 0, mask);
    }
    x86_set_flags(e, flags);
    return true;
}

/* ---- which they are ------------------------------------------------------------------------ */

static bool (*find_one(const ours *o))(ttd_engine *, const ours *)
{
    if (o->map == 1 && o->opcode == 0xb1)
        return o->halved || o->wide || (o->lock && !o->memory) ? NULL : compare_exchange;
    if (o->lock || o->map == X86_ONE)
        return NULL;
    if (!o->map || (o->map == 1 && o->opcode == X86_EMMS && !o->prefix))
        return x87_find(o);
    if (o->map == 0x3a && o->prefix == 0x66 && o->opcode >= 0x60 && o->opcode <= 0x63)
        return compare_strings;
    return sse_find(o);
}

static bool has_immediate(const ours *o)
{
    return o->map == 0x3a || (o->map == 1 && o->opcode == 0xc2);
}

bool x86_is_ours(const uint8_t *code, size_t size, ours *out)
{
    reader r = { code, code, size, false };
    if (!decode_from(&r, out) || !(out->run = find_one(out)))
        return false;
    if (has_immediate(out))
        out->immediate = next_byte(&r);
    return !r.short_of;
}
