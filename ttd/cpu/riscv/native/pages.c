/* RISC-V: stores to page tables, and code on two pages. */
#include "rv.h"

enum { PTE_V = 1 };

/* ---- stores to page tables ---------------------------------------------------------- */

static uint64_t entry_at(ttd_engine *e, const slot *s, uint64_t address, int *size)
{
    uint64_t pte = 0, in_page;
    *size = is_rv32(e) ? 4 : 8;
    in_page = address & (e->page_size - 1) & ~(uint64_t)(*size - 1);
    memcpy(&pte, s->host + in_page, *size);
    return pte;
}

/* Is an entry there that the TLB may know? */
bool riscv_entry_valid(ttd_engine *e, const slot *s, uint64_t address, int size)
{
    uint64_t last = address + size - 1;
    int n;
    if (entry_at(e, s, address, &n) & PTE_V)
        return true;
    return (last ^ address) & ~(uint64_t)(n - 1) && !((last ^ address) & ~(uint64_t)(e->page_size - 1))
        && (entry_at(e, s, last, &n) & PTE_V);
}

/* Would the store take the ground from under the running block? */
bool riscv_changes_code(ttd_engine *e, const slot *s, uint64_t address, int size, uint64_t value)
{
    uint8_t *at = s->host + (address & (e->page_size - 1)), old[8];
    uint64_t before = 0, after = 0;
    bool was, is;
    if (!riscv_translates(e, ACC_FETCH) || (address & (e->page_size - 1)) + size > e->page_size)
        return false;
    was = riscv_probe(e, e->blk_pc, &before);
    memcpy(old, at, size);
    memcpy(at, &value, size);
    is = riscv_probe(e, e->blk_pc, &after);
    memcpy(at, old, size);
    return was != is || before != after;
}

/* The instruction at `pc`, whose halves may be on two pages; 0 if it is not all there. */
uint32_t riscv_insn(ttd_engine *e, uint64_t pc)
{
    uint64_t paddr;
    uint32_t insn;
    uint8_t *code;
    if (!code_address(e, pc, &paddr) || !(code = host_pointer(e, paddr)))
        return 0;
    insn = code[0] | code[1] << 8;
    if ((insn & 3) != 3)
        return insn;
    if ((pc + 2) & (e->page_size - 1))
        code += 2;
    else if (!code_address(e, pc + 2, &paddr) || !(code = host_pointer(e, paddr)))
        return 0;
    return insn | (uint32_t)(code[0] | code[1] << 8) << 16;
}
