/* RISC-V, what is kept of pages: the addresses that the guest used, stores to page tables, where code is. */
#include "rv.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { PTE_V = 1 };

/* ---- which addresses were used -------------------------------------------------------- */

static void see(page_set *s, uint64_t page)
{
    uint32_t hash = (uint32_t)(page * 0x9e3779b97f4a7c15ull >> (64 - SEEN_BITS));
    for (; s->table[hash]; hash = (hash + 1) & ((1u << SEEN_BITS) - 1))
        if (s->pages[s->table[hash] - 1] == page)
            return;
    if (s->n == TTD_MAX_SEEN) {
        s->full = true;
        return;
    }
    s->pages[s->n++] = page;
    s->table[hash] = (uint16_t)s->n;
}

void riscv_see(ttd_engine *e, int kinds, uint64_t vaddr)
{
    int i;
    for (i = 0; i < 3; i++)
        if (kinds >> i & 1)
            see(&e->seen[i], vaddr >> e->page_shift);
}

/* Nobody knows at which addresses the guest would see this memory, once it has page tables. */
void riscv_see_outside(ttd_engine *e, int kind, uint64_t paddr)
{
    if (e->translated_once)
        e->seen[__builtin_ctz((unsigned)kind)].full = true;
    else
        riscv_see(e, kind, paddr);
}

void riscv_forget_seen(ttd_engine *e)
{
    int i;
    for (i = 0; i < 3; i++) {
        page_set *s = &e->seen[i];
        if (s->n)
            memset(s->table, 0, sizeof *s->table << SEEN_BITS);
        s->n = 0;
        s->full = false;
    }
}

/* How many pages; -1: more than are kept. */
int ttd_seen(ttd_engine *e, int kind, uint64_t *out, int room)
{
    page_set *s = &e->seen[__builtin_ctz((unsigned)kind)];
    if (s->full || s->n > (uint32_t)room)
        return -1;
    if (s->n)
        memcpy(out, s->pages, sizeof *out * s->n);
    return (int)s->n;
}

bool riscv_start(ttd_engine *e)
{
    int i;
    for (i = 0; i < 3; i++) {
        e->seen[i].pages = malloc(sizeof(uint64_t) * TTD_MAX_SEEN);
        e->seen[i].table = calloc(1u << SEEN_BITS, sizeof(uint16_t));
    }
    e->nothing = mmap(NULL, e->page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    riscv_reset_registers(e);
    return e->nothing != MAP_FAILED
        && !e->mem_map_ptr(e->uc, e->window_base - e->page_size, e->page_size, UC_PROT_ALL, e->nothing);
}

void riscv_free(ttd_engine *e)
{
    int i;
    for (i = 0; i < 3; i++) {
        free(e->seen[i].pages);
        free(e->seen[i].table);
    }
    if (e->nothing)
        munmap(e->nothing, e->page_size);
}

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

/* ---- code --------------------------------------------------------------------------- */

static code_page *code_slot(ttd_engine *e, uint64_t vpage)
{
    uint64_t hash = (vpage >> 12 ^ (uint64_t)e->space * 0x9e3779b97f4a7c15ull >> 40)
        * 0x9e3779b97f4a7c15ull;
    return &e->code_map[hash >> (64 - CODE_MAP_BITS)];
}

/* A page is fetched from. True if blocks known of that page may not be what is there now. */
bool riscv_note_code(ttd_engine *e, uint64_t vaddr, uint64_t paddr)
{
    uint64_t vpage = vaddr & ~(uint64_t)(e->page_size - 1), ppage = paddr & ~(uint64_t)(e->page_size - 1);
    code_page *c = code_slot(e, vpage);
    bool same = c->used && c->vpage == vpage && c->ppage == ppage && c->space == e->space;
    if (!same)
        *c = (code_page){ vpage, ppage, e->space, true };
    return !same;
}

bool riscv_code_page(ttd_engine *e, uint64_t vaddr, uint64_t *paddr)
{
    uint64_t vpage = vaddr & ~(uint64_t)(e->page_size - 1);
    code_page *c;
    *paddr = vaddr;
    if (!e->space)
        return true;
    c = code_slot(e, vpage);
    if (c->used && c->vpage == vpage && c->space == e->space) {
        *paddr = c->ppage | (vaddr & (e->page_size - 1));
        return true;
    }
    return riscv_probe(e, vaddr, paddr);
}

/* The instruction at `pc`, whose halves may be on two pages; 0 if it is not all there. */
uint32_t riscv_insn(ttd_engine *e, uint64_t pc)
{
    uint64_t paddr;
    uint32_t insn;
    uint8_t *code;
    if (!riscv_code_page(e, pc, &paddr) || !(code = host_pointer(e, paddr)))
        return 0;
    insn = code[0] | code[1] << 8;
    if ((insn & 3) != 3)
        return insn;
    if (!riscv_code_page(e, pc + 2, &paddr) || !(code = host_pointer(e, paddr)))
        return 0;
    return insn | (uint32_t)(code[0] | code[1] << 8) << 16;
}
