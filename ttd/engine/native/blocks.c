/* Blocks: how many instructions each has, and what in one may end the run (`on_block`). */
#include "internal.h"

static void add_ways(block_info *b, uint32_t ways)
{
    b->ways |= (uint8_t)ways;
    b->slow |= b->ways != 0;
}

/* Remember what `size` bytes of code at `pc` were translated; a page that protection splits is to
 * be looked at instruction by instruction. */
static void note_translated(ttd_engine *e, block_info *b, uint64_t pc, uint32_t size)
{
    while (size) {
        uint32_t left = e->page_size - (uint32_t)(pc & (e->page_size - 1));
        uint64_t paddr, at, end;
        region *r;
        if (left > size)
            left = size;
        if (code_address(e, pc, &paddr) && (r = find_region(e, paddr)) && r->kind != REGION_MMIO) {
            if (e->flags[page_of(e, r, paddr)] & PAGE_SPLIT)
                add_ways(b, WAY_CHECK);
            at = ((uint64_t)r->first_page << e->page_shift) + (paddr - r->base);
            for (end = at + left, at &= ~1ull; at < end; at += 2)
                e->translated[at >> 4] |= (uint8_t)(1u << (at >> 1 & 7));
        }
        pc += left;
        size -= left;
    }
}

/* Blocks that share a place in the cache differ in what it does not tell of their address, or in size. */
static uint32_t tag_of(uint64_t pc, uint32_t size)
{
    return ((uint32_t)pc & ~0u << (CACHE_BITS + 1)) | ((uint32_t)pc & 1) << CACHE_BITS | size;
}

static uint64_t tag_pc(const ttd_engine *e, const block_info *b, uint32_t tag)
{
    return (tag & ~0u << (CACHE_BITS + 1)) | (uint32_t)(b - e->cache) << 1 | (tag >> CACHE_BITS & 1);
}

static uint32_t tag_size(uint32_t tag) { return tag & ((1u << CACHE_BITS) - 1); }

/* False: what was translated for this block is not what is to run. */
COLD static bool decode_block(ttd_engine *e, block_info *b, uint64_t pc, uint32_t size, uint8_t prefix)
{
    cursor c = cursor_at(e, pc);
    decoding d = { .b = b, .prefix = prefix };
    bool known = true;
    int i;
    *b = (block_info){ .key = pc ^ e->salt, .pc = pc, .size = (uint16_t)size };
    b->span = (uint16_t)span_of(e, pc, size);
    while (c.code && (c.at - pc < b->span || (!size && !d.n))) {
        uint32_t ways;
        d.at = c.at;
        d.code = c.code;
        d.length = advance(e, &c);
        b->last = (uint8_t)d.length;
        ways = e->set->decode(e, &d);
        if (ways & WAY_ANEW)
            return false;
        b->branches = ways & WAY_BRANCH;
        if (ways & WAY_CALL)
            known &= !note_ours(e, d.at);
        add_ways(b, ways);
        d.n++;
    }
    if (!size)
        b->span = (uint16_t)(c.at - pc);
    note_translated(e, b, pc, size ? size : b->span);
    b->n = (uint16_t)d.n;
    b->prefix_after = d.prefix;
    if (d.prefix)
        b->slow = 1;
    for (i = 0; i < e->nbreaks; i++)
        if (e->breaks[i] - pc < b->span)
            b->slow = 1;
    if (traced(e, pc, b->span))
        b->slow = 1;
    if (!b->slow && !(pc >> 32))
        b->tag = tag_of(pc, size);
    return known;
}

/* A block that may leave registers with what they cannot hold is about to run. */
static void expect_settling(ttd_engine *e, const block_info *b)
{
    bool settles = !e->set->expect || e->set->expect(e, b);
    e->settle_next = settles || e->masks_on;
}

/* The block just announced needs a closer look. */
COLD static void slow_block(ttd_engine *e, block_info *b)
{
    uint64_t room = e->steps < e->limit ? e->limit - e->steps : 0;
    int i, why = WHY_BUDGET;
    /* Not with page tables: the block behind is fetched before it is stopped at, and leaves a trace in them. */
    if (e->loose && room && room < b->n && !e->translated_once)
        room = b->n;
    e->work.looks++;
    if (e->tracing)
        trace_block(e, b->pc);
    if (e->settle_next)
        settle(e);
    if (e->leaving && !room) {            /* before anything that is to be looked at behind it */
        e->blk_n = 0;
        stop(e, WHY_BUDGET);
        return;
    }
    if (((wanted(e) && e->follows) || e->late) && !e->armed) {
        e->blk_n = 0;
        stop(e, WHY_REQUEST);
        return;
    }
    if (e->look_at_masks && read_masks(e) != e->masks) {
        e->blk_n = 0;
        stop(e, WHY_MASKS);
        return;
    }
    if (e->steps + b->n > e->due && !e->armed)
        room = due_room(e, b, room);
    if (room && leaves_range(e, b->pc) && !e->armed) {   /* at the limit something may be due */
        e->blk_n = 0;
        stop(e, WHY_RANGE);
        return;
    }
    e->prefix_first = e->prefix_next;
    if (e->prefix_next) {                 /* the same bytes, but begun behind a prefix */
        e->prefix_block = *b;
        decode_block(e, &e->prefix_block, b->pc, b->size, e->prefix_next);
        e->blk = b = &e->prefix_block;
    }
    e->masks_next = e->set->expect_modes && e->set->expect_modes(e, b);
    e->look_at_masks = false;
    if (b->ways & (WAY_MODES | WAY_SETTLE))
        expect_settling(e, b);
    e->prefix_next = b->prefix_after;
    set_fast_limit(e);
    if ((b->ways & WAY_LATE_STORE) && (e->write_cached || (e->mixed_cached && mixed_itself(e, b))))
        flush_tlb(e);
    if (b->ways & WAY_CHECK)
        room = e->set->room(e, b, room, &why);
    if (room && (b->ways & WAY_OPERANDS))
        room = e->set->operands(e, b, room, &why);
    if (b->span && leaves_range(e, b->pc + b->span - 1) && !e->armed) {
        uint64_t k = (uint64_t)index_of(e, b->pc, e->range_hi);
        if (k < room) {
            room = k;
            e->cut_at = NEVER;
        }
    }
    if (e->nbreaks && !e->scan) {
        for (i = 0; i < e->nbreaks; i++) {
            uint64_t k = break_index(e, b, e->breaks[i]);
            /* What the first instruction ends with comes after a breakpoint at it. */
            if (e->steps + k != e->skip_breaks && (k < room || (k == 0 && why != WHY_BUDGET))) {
                room = k;
                why = WHY_BREAKPOINT;
                e->cut_at = NEVER;
            }
        }
    }
    if (room && e->armed && e->leaving)
        room = b->n;                      /* it is left where there is a call */
    e->noting = e->ntraced && e->scan && b->slow;
    if (e->noting)                        /* once this block has run */
        set_fast_limit(e);
    if (room == 0) {
        if (e->noting && why != WHY_BUDGET)
            note_breaks(e, e->steps, 1);
        if (why != WHY_BUDGET) {          /* its first instruction was reached */
            note_ran(e, b);
            trim_ran(e, 1);
        }
        e->blk_n = 0;
        e->noting = false;
        stop(e, why);
    } else if (e->cut_at != NEVER) {
        e->blk_n = 0;
        e->noting = false;
        stop(e, WHY_AGAIN);
    } else if (room < b->n) {
        e->mid = (uint32_t)room;
        e->blk_n = 0;
        e->noting = false;
        stop(e, WHY_BUDGET);
    } else if (b->ways & WAY_ENTER) {
        e->set->enter(e, b);
    }
}

/* A block that has to be looked at: it is new, or something in it may end the run. */
COLD static void look_at_block(ttd_engine *e, block_info *b, uint64_t pc, uint32_t size)
{
    e->follows = e->blk ? e->blk->branches : behind_branch(e);
    e->before = NULL;
    if (e->noting)
        note_breaks(e, e->steps, e->blk_n);
    e->steps += e->blk_n;
    if (e->nchanged || e->words_full) {   /* this block, too, may be another now */
        e->flush_due |= e->masks_next || e->words_full;    /* which is not looked at here */
        e->words_full = false;
        e->blk_n = e->blk_size = 0;
        e->blk_pc = pc;
        stop(e, WHY_AGAIN);
        return;
    }
    if (e->cut_code)
        end_cut(e, pc);
    if (e->lookahead) {
        e->lookahead = false;
        flush_tlb(e);
    }
    if (pc + size == e->exit_at && e->set->cut_span) {
        b = &e->exit_block;               /* it ends there this time only */
        decode_block(e, b, pc, size, 0);
    } else if ((b->key != (pc ^ e->salt) || b->size != size) && !decode_block(e, b, pc, size, 0)) {
        forget_block(b);
        e->blk_n = e->blk_size = 0;
        e->blk_pc = pc;
        stop(e, WHY_AGAIN);
        return;
    }
    e->blk_pc = pc;
    e->blk_size = b->span;
    e->blk_n = b->n;
    e->blk = b;
    if (e->steps + b->n > fast_limit(e) || b->slow)
        slow_block(e, b);
    if (e->blk_n)
        note_ran(e, b);
}

/* What a block costs that needs no look. False: it does. */
static inline bool pass_block(ttd_engine *e, block_info *b, bool known)
{
    uint64_t steps = e->steps + e->blk_n;
    if (__builtin_expect(!known || b->stamp != e->stamp || steps + b->n > fast_limit(e), 0))
        return false;
    e->steps = steps;
    e->blk_pc = b->pc;
    e->blk_size = b->span;
    e->blk_n = b->n;
    e->before = e->blk;
    e->blk = b;
    return true;
}

COLD static bool look_at_tagged(block_info *b, uint32_t tag, ttd_engine *e)
{
    look_at_block(e, b, tag_pc(e, b, tag), tag_size(tag));
    return true;
}

/* The block hook of calls that have been shortened. True: the run may have to be left before the block. */
HOT static bool on_tagged(block_info *b, uint32_t tag, ttd_engine *e)
{
    return pass_block(e, b, b->tag == tag) ? e->leaves : look_at_tagged(b, tag, e);
}

/* The same where an address may be another block's, in another address space. */
HOT static bool on_tagged_in_space(block_info *b, uint32_t tag, ttd_engine *e)
{
    return pass_block(e, b, b->tag == tag && b->key == (b->pc ^ e->salt)) ? e->leaves : look_at_tagged(b, tag, e);
}

COLD static void shorten(ttd_engine *e, block_info *b, void *behind)
{
    const void *shorter = e->set->translate ? (const void *)on_tagged_in_space : (const void *)on_tagged;
    b->stays = !shorten_call(e, b, (const void *)on_block, shorter, behind);
    e->work.shortened += !b->stays;
}

HOT void on_block(uc_engine *uc, uint64_t pc, uint32_t size, void *user)
{
    ttd_engine *e = user;
    block_info *b = &e->cache[(pc >> 1) & ((1u << CACHE_BITS) - 1)];
    (void)uc;
    if (!pass_block(e, b, b->key == (pc ^ e->salt) && b->size == size && !b->slow))
        look_at_block(e, b, pc, size);
    else if (!b->stays)
        shorten(e, b, __builtin_return_address(0));
}
