/* Address spaces: each has blocks of its own, and code where its page tables put it. */
#include "internal.h"

int space_of(ttd_engine *e, uint64_t key)
{
    int i;
    e->translated_once = true;
    for (i = 1; i < e->nspaces && e->spaces[i] != key; i++)
        ;
    if (i >= e->nspaces) {
        if (i < 1 || i >= MAX_SPACES) {
            forget_blocks(e);
            memset(e->code_map, 0, sizeof e->code_map);
            i = 1;
        }
        e->spaces[i] = key;
        e->nspaces = i + 1;
    }
    return i;
}

void use_space(ttd_engine *e, int space, bool other)
{
    e->space = space;
    e->salt = (uint64_t)space << 48 | (other ? 1ull << 47 : 0);
}

static code_page *code_slot(ttd_engine *e, uint64_t vpage)
{
    uint64_t hash = (vpage >> 12 ^ (uint64_t)e->space * 0x9e3779b97f4a7c15ull >> 40)
        * 0x9e3779b97f4a7c15ull;
    return &e->code_map[hash >> (64 - CODE_MAP_BITS)];
}

bool note_code(ttd_engine *e, uint64_t vaddr, uint64_t paddr)
{
    uint64_t vpage = vaddr & ~(uint64_t)(e->page_size - 1), ppage = paddr & ~(uint64_t)(e->page_size - 1);
    code_page *c = code_slot(e, vpage);
    bool same = c->used && c->vpage == vpage && c->ppage == ppage && c->space == e->space;
    if (!same)
        *c = (code_page){ vpage, ppage, e->space, true };
    return !same;
}

bool code_address(ttd_engine *e, uint64_t vaddr, uint64_t *paddr)
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
    return e->set->probe(e, vaddr, paddr);
}

void forget_moved_blocks(ttd_engine *e, uint64_t first, uint32_t size)
{
    uint64_t mask = e->page_size - 1;
    int i;
    for (i = 0; i < 1 << CODE_MAP_BITS; i++) {
        code_page *c = &e->code_map[i];
        if (c->used && c->ppage == (first & ~mask))
            forget_blocks_at(e, c->vpage - e->page_size, c->vpage + (first & mask) + size);
    }
}
