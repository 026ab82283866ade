/* Code: its instructions, one after the other. */
#include "internal.h"

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

/* The length of the instruction at `pc`, whose first bytes are at `code`. */
int length_at(ttd_engine *e, uint64_t pc, const uint8_t *code)
{
    return e->set->length(e, pc, code);
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

int index_of(ttd_engine *e, uint64_t start, uint64_t pc)
{
    cursor c;
    int n = 0;
    if (pc == start)                      /* as it is for most calls of single instructions */
        return 0;
    c = cursor_at(e, start);
    while (c.at < pc && advance(e, &c))
        n++;
    return n;
}

uint64_t address_of(ttd_engine *e, uint64_t start, uint32_t index)
{
    cursor c = cursor_at(e, start);
    while (index-- && advance(e, &c))
        ;
    return c.at;
}

/* The steps before the instruction at `pc`, which is under way. */
uint64_t step_of(ttd_engine *e, uint64_t pc)
{
    return e->steps + (pc - e->blk_pc < e->blk_size ? (uint64_t)index_of(e, e->blk_pc, pc) : 0);
}

/* In a callback in the middle of a block: the steps before the instruction at PC. */
uint64_t step_now(ttd_engine *e)
{
    return step_of(e, read_pc(e));
}
