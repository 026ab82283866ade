/* Memory by address, and the instructions in it: where code is, how long, and the IT state. */
#include "internal.h"

uint32_t reg32(ttd_engine *e, int id)
{
    uint32_t value = 0;
    e->reg_read(e->uc, id, &value);
    return value;
}

int pc_id(ttd_engine *e)
{
    switch (e->isa) {
    case ISA_THUMB: return UC_ARM_REG_PC;
    case ISA_RV64: case ISA_RV32: return UC_RISCV_REG_PC;
    case ISA_A64: return UC_ARM64_REG_PC;
    default: return UC_X86_REG_RIP;
    }
}

uint64_t read_pc(ttd_engine *e)
{
    uint64_t value = 0;
    e->reg_read(e->uc, pc_id(e), &value);
    return value;
}

uint32_t it_state(ttd_engine *e)
{
    return e->isa == ISA_THUMB ? reg32(e, UC_ARM_REG_XPSR) & IT_BITS : 0;
}

/* How many instructions from PC on belong to an IT block that PC is in. */
int it_left(ttd_engine *e)
{
    uint32_t it = it_state(e), mask = (it >> 25 & 3) | (it >> 8 & 0xc);
    return mask ? 4 - __builtin_ctz(mask) : 0;
}

/* Unicorn restores the IT state into the CPU before a callback and leaves it there; running on,
 * the next block would be taken for part of an IT block. */
void forget_it(ttd_engine *e)
{
    uint32_t xpsr;
    if (e->isa != ISA_THUMB)
        return;
    xpsr = reg32(e, UC_ARM_REG_XPSR);
    if (xpsr & IT_BITS) {
        xpsr &= ~IT_BITS;
        e->reg_write(e->uc, UC_ARM_REG_XPSR, &xpsr);
    }
}

void flush_tlb(ttd_engine *e)
{
    e->write_cached = false;
    e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_TLB_FLUSH, 0));
}

region *find_region(ttd_engine *e, uint64_t address)
{
    region *r = &e->regions[e->last_region];
    int i;
    if (e->nregions && address - r->base < r->size)
        return r;
    for (i = 0; i < e->nregions; i++) {
        r = &e->regions[i];
        if (address - r->base < r->size) {
            e->last_region = i;
            return r;
        }
    }
    return NULL;
}

uint32_t page_of(ttd_engine *e, region *r, uint64_t address)
{
    return r->first_page + (uint32_t)((address - r->base) >> e->page_shift);
}

/* The one address of memory that aliases show at others too. */
uint64_t canonical(ttd_engine *e, uint64_t address)
{
    region *r = find_region(e, address);
    return r && r->kind != REGION_MMIO ? r->canonical + (address - r->base) : address;
}

region *region_of_page(ttd_engine *e, uint32_t page)
{
    int i;
    for (i = 0; i < e->nregions; i++) {
        region *r = &e->regions[i];
        if (r->kind != REGION_MMIO && r->canonical == r->base && page >= r->first_page
            && page - r->first_page < (r->size >> e->page_shift))
            return r;
    }
    return NULL;
}

uint8_t *host_pointer(ttd_engine *e, uint64_t address)
{
    region *r = find_region(e, address);
    return r && r->kind != REGION_MMIO ? r->host + (address - r->base) : NULL;
}

int insn_length(ttd_engine *e, const uint8_t *code)
{
    switch (e->isa) {
    case ISA_THUMB: return (code[1] >> 3) >= 0x1d ? 4 : 2;
    case ISA_RV64: case ISA_RV32: return (code[0] & 3) == 3 ? 4 : 2;
    default: return 4;
    }
}

/* The physical address of code. */
bool code_address(ttd_engine *e, uint64_t pc, uint64_t *paddr)
{
    *paddr = pc;
    return !is_riscv(e) || riscv_code_page(e, pc, paddr);
}

/* The code at `pc`, as far as its page goes; NULL if there is none. */
uint8_t *code_at(ttd_engine *e, uint64_t pc)
{
    uint64_t paddr;
    return code_address(e, pc, &paddr) ? host_pointer(e, paddr) : NULL;
}

cursor cursor_at(ttd_engine *e, uint64_t pc)
{
    return (cursor){ pc, code_at(e, pc) };
}

/* The bytes of the x86 instruction at `pc`, whose first are at `code`, as far as they are there. */
size_t x86_bytes(ttd_engine *e, uint64_t pc, const uint8_t *code, uint8_t bytes[X86_LONGEST])
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

/* The length of the instruction at `pc`, whose first bytes are at `code`. */
int length_at(ttd_engine *e, uint64_t pc, const uint8_t *code)
{
    uint8_t bytes[X86_LONGEST];
    return e->isa != ISA_X64 ? insn_length(e, code)
        : x86_length(e, bytes, x86_bytes(e, pc, code, bytes));
}

bool begins_block(ttd_engine *e, uint64_t pc, const uint8_t *code)
{
    uint8_t bytes[X86_LONGEST];
    return e->isa == ISA_X64 && x86_begins_block(bytes, x86_bytes(e, pc, code, bytes));
}

/* To the next instruction; returns the length of this one, 0 if it is not there. */
int advance(ttd_engine *e, cursor *c)
{
    int length;
    if (!c->code)
        return 0;
    length = length_at(e, c->at, c->code);
    if ((c->at ^ (c->at + length)) & ~(uint64_t)(e->page_size - 1))
        c->code = code_at(e, c->at + length);
    else
        c->code += length;
    c->at += length;
    return length;
}

/* The Thumb instruction at `pc`, whose first bytes are at `code`, as a number; 0 if its end is not
 * there. */
uint32_t thumb_at(ttd_engine *e, uint64_t pc, const uint8_t *code)
{
    uint32_t first = code[0] | code[1] << 8;
    const uint8_t *more = code + 2;
    if (insn_length(e, code) == 2)
        return first;
    if (!((pc + 2) & (e->page_size - 1)) && !(more = code_at(e, pc + 2)))
        return 0;
    return first << 16 | more[0] | more[1] << 8;
}

bool is_thumb_store(const uint8_t *code, int length)
{
    uint32_t a = code[0] | code[1] << 8;
    if (length == 2)
        return (a & 0xf000) == 0x5000 || (a & 0xe800) == 0x6000 || (a & 0xf800) == 0x8000
            || (a & 0xf800) == 0x9000 || (a & 0xf800) == 0xc000 || (a & 0xfe00) == 0xb400;
    return (a & 0xfe00) == 0xe800 || (a & 0xff10) == 0xf800 || (a & 0xec00) == 0xec00;
}
