/* Blocks: how many instructions each has, and what in one may end the run (`on_block`). */
#include "internal.h"

void forget_blocks(ttd_engine *e)
{
    memset(e->cache, 0xff, sizeof(block_info) << CACHE_BITS);
}

bool is_divide(const uint8_t *code, int length)
{
    return length == 4 && code[1] == 0xfb && (code[0] & 0xd0) == 0x90 && (code[2] & 0xf0) == 0xf0;
}

/* IT, CBZ and CBNZ: Unicorn has them on Armv6-M cores too. */
static bool is_mainline(const uint8_t *code, int length)
{
    return length == 2 && ((code[1] == 0xbf && (code[0] & 15)) || (code[1] & 0xf5) == 0xb1);
}

/* CPS, or MSR: after it interrupts may be masked, and the MPU apply, differently. */
static bool changes_masks(const uint8_t *code, int length)
{
    uint32_t a = code[0] | code[1] << 8;
    return length == 2 ? (a & 0xffec) == 0xb660 : (a & 0xfff0) == 0xf380;
}

/* What is special about the RISC-V instruction at `pc`, whose first bytes are at `code`. */
static void decode_riscv(ttd_engine *e, block_info *b, uint64_t pc, const uint8_t *code, int length)
{
    bool straddles = length == 4 && (pc & (e->page_size - 1)) == e->page_size - 2;
    uint32_t insn;
    if (straddles)                        /* its end may be gone, or be another, the next time */
        b->checked = b->slow = 1;
    if ((code[0] & 0x7f) != 0x73)
        return;
    insn = riscv_insn(e, pc);
    b->settle = b->slow = 1;              /* it may change a mask */
    if (straddles || riscv_changes_modes(insn))
        b->masks = b->slow = 1;
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
                b->checked = b->slow = 1;
            at = ((uint64_t)r->first_page << e->page_shift) + (paddr - r->base);
            for (end = at + left, at &= ~1ull; at < end; at += 2)
                e->translated[at >> 4] |= (uint8_t)(1u << (at >> 1 & 7));
        }
        pc += left;
        size -= left;
    }
}

/* Is the instruction one that is done here, but not known as one? Then it is now, and what was
 * translated is no longer good. */
static bool find_ours(ttd_engine *e, block_info *b, uint64_t at, const uint8_t *code, int length)
{
    uint8_t bytes[X86_LONGEST];
    ours *known = ours_at(e, at), found;
    bool hidden = ban_overlapping(e, at, length);
    if (known && known->banned)
        b->checked = b->slow = 1;
    if (known || !x86_is_ours(bytes, x86_bytes(e, at, code, bytes), &found))
        return hidden;
    found.pc = at;
    found.length = (uint8_t)length;
    return patch(e, &found) || hidden;
}

/* What must be aligned is checked when the block begins, or else where it stands, by a call that may
 * have to be translated still: false. */
static bool decode_x86(ttd_engine *e, block_info *b, x86_bits *bits, uint64_t at, const uint8_t *code,
                       int length)
{
    uint8_t bytes[X86_LONGEST];
    bool known = x86_decode_demand(e, b, bits, at, code) || !note_ours(e, at);
    ours place = { .pc = at, .length = (uint8_t)length };
    x86_bits_follow(bits, bytes, x86_bytes(e, at, code, bytes), &place);
    return known;
}

/* False: what was translated for this block is not what is to run. */
COLD static bool decode_block(ttd_engine *e, block_info *b, uint64_t pc, uint32_t size, uint8_t it)
{
    cursor c = cursor_at(e, pc);
    bool known = true;
    uint32_t n = 0;
    x86_bits bits;
    int i;
    if (e->isa == ISA_X64)
        x86_bits_begin(&bits);
    *b = (block_info){ .key = pc ^ e->salt, .pc = pc, .size = (uint16_t)size };
    b->span = (uint16_t)(e->isa == ISA_THUMB ? span_of(e, pc, size) : size);
    if (e->isa == ISA_THUMB)
        decode_aligned(e, b, it_left(it));
    if (is_riscv(e))
        riscv_float_begin(e, b);
    while (c.code && (c.at - pc < b->span || (!size && !n))) {
        uint64_t at = c.at;
        uint8_t *code = c.code;
        int length = advance(e, &c);
        b->last = (uint8_t)length;
        if (is_riscv(e)) {
            decode_riscv(e, b, at, code, length);
            if (!riscv_float_decode(e, b, riscv_insn(e, at)))
                known &= !note_ours(e, at);
            if (size && riscv_is_ours(e, riscv_insn(e, at)))
                known &= !note_ours(e, at);
        } else if (e->patched && find_ours(e, b, at, code, length)) {
            return false;
        } else if (e->isa == ISA_X64) {
            known &= decode_x86(e, b, &bits, at, code, length);
        } else if (e->isa == ISA_A64 && flat_is_ours(e, at, code)) {
            known &= !note_ours(e, at);
        }
        if (n && begins_block(e, at, code))
            b->checked = b->slow = 1;
        if (e->isa == ISA_THUMB) {
            if (it) {
                it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
                if (is_thumb_store(code, length))
                    b->it_store = b->slow = 1;
            }
            if (length == 2 && code[1] == 0xbf && (code[0] & 15))
                it = code[0];
            if (changes_masks(code, length))
                b->masks = b->slow = 1, b->raises_basepri = length == 4 && code[2] == 0x12;
            if (e->trap_divide && is_divide(code, length)) {
                b->slow = 1;
                if (n)
                    b->unsure = 1;        /* its operands have to be seen */
                else
                    b->checked = 1;
            }
            if (e->baseline && is_mainline(code, length))
                b->checked = b->slow = 1;
        }
        n++;
    }
    if (!size)
        b->span = (uint16_t)(c.at - pc);
    note_translated(e, b, pc, size ? size : b->span);
    b->n = n;
    b->it_after = it;
    if (it)
        b->slow = 1;
    for (i = 0; i < e->nbreaks; i++)
        if (e->breaks[i] - pc < b->span)
            b->slow = 1;
    return known;
}

int index_of(ttd_engine *e, uint64_t start, uint64_t pc)
{
    cursor c = cursor_at(e, start);
    int n = 0;
    while (c.at < pc && advance(e, &c))
        n++;
    return n;
}

/* Which instruction of the block is at `address`; NEVER if none begins there. */
static uint64_t break_index(ttd_engine *e, block_info *b, uint64_t address)
{
    uint32_t k;
    if (address - b->pc >= b->span)
        return NEVER;
    k = (uint32_t)index_of(e, b->pc, address);
    return address_of(e, b->pc, k) == address ? k : NEVER;
}

uint64_t address_of(ttd_engine *e, uint64_t start, uint32_t index)
{
    cursor c = cursor_at(e, start);
    while (index-- && advance(e, &c))
        ;
    return c.at;
}

/* Unprivileged code cannot change a mask, and Unicorn would answer 0 for them. */
uint32_t read_masks(ttd_engine *e)
{
    uint32_t xpsr;
    if (is_riscv(e))
        return riscv_masks(e);
    if (e->isa != ISA_THUMB || unprivileged_thread(e, &xpsr))
        return e->masks;
    return (reg32(e, UC_ARM_REG_PRIMASK) & 1) | (reg32(e, UC_ARM_REG_FAULTMASK) & 1) << 1
        | (reg32(e, UC_ARM_REG_BASEPRI) & 0xff) << 8;
}

void stop(ttd_engine *e, int why)
{
    e->stopped = true;
    e->why = why;
    e->emu_stop(e->uc);
}

void set_fast_limit(ttd_engine *e)
{
    bool look = e->settle_next || e->look_at_masks || e->masks_next || e->it_next || e->lookahead
        || e->range_lo != e->range_hi || e->cut_code;
    e->fast_limit = look ? 0 : e->limit;
    if (e->request || e->late)            /* may come from another thread at any moment */
        e->fast_limit = 0;
}

static bool condition_holds(uint32_t xpsr, int condition)
{
    bool n = xpsr >> 31 & 1, z = xpsr >> 30 & 1, c = xpsr >> 29 & 1, v = xpsr >> 28 & 1, yes;
    switch (condition >> 1) {             /* DDI0403E A7.3.1 */
    case 0: yes = z; break;
    case 1: yes = c; break;
    case 2: yes = n; break;
    case 3: yes = v; break;
    case 4: yes = c && !z; break;
    case 5: yes = n == v; break;
    case 6: yes = n == v && !z; break;
    default: return true;
    }
    return yes != (condition & 1);
}

/* The block's first instruction is not one that its IT block skips. */
bool first_runs(ttd_engine *e)
{
    return !e->it_first || condition_holds(reg32(e, UC_ARM_REG_XPSR), e->it_first >> 4);
}

/* As `checked_room`, for RISC-V. */
static uint64_t riscv_room(ttd_engine *e, block_info *b, uint64_t room, int *why)
{
    cursor c = cursor_at(e, b->pc);
    uint64_t k;
    for (k = 0; k < b->n && k < room; k++) {
        uint64_t at = c.at, last;
        int length = advance(e, &c);
        last = at + length - 2;
        if (!length || !riscv_fetchable(e, at) || !riscv_fetchable(e, last)) {
            if (k == 0) {
                *why = WHY_FAULT;
                fault_at(e, ACC_FETCH, length && riscv_fetchable(e, at) ? last : at);
            }
            return k;
        }
    }
    return room;
}

/* As `checked_room`, for x86. */
static uint64_t x86_room(ttd_engine *e, block_info *b, uint64_t room, int *why)
{
    cursor c = cursor_at(e, b->pc);
    uint64_t k;
    for (k = 0; k < b->n && k < room; k++) {
        ours *o = ours_at(e, c.at);
        if (k && c.code && begins_block(e, c.at, c.code))
            return k;
        if (o && o->banned) {
            if (k == 0)
                *why = WHY_OURS;
            return k;
        }
        advance(e, &c);
    }
    return room;
}

/* How many instructions of the block may run before one that must not, or whose operands have to
 * be seen first; `why` if that is none. */
static uint64_t checked_room(ttd_engine *e, block_info *b, uint64_t room, int *why)
{
    uint8_t *code = host_pointer(e, b->pc);
    uint64_t at = b->pc, k;
    bool active, privileged;
    if (is_riscv(e))
        return riscv_room(e, b, room, why);
    if (e->isa == ISA_X64)
        return x86_room(e, b, room, why);
    active = mpu_active(e);
    privileged = privileged_now(e);
    for (k = 0; k < b->n && k < room; k++) {
        int length = insn_length(e, code);
        if (mpu_allows(e, at, length, ACC_FETCH, privileged, active) != 1) {
            if (k == 0) {
                *why = WHY_FAULT;
                fault_at(e, ACC_FETCH, at);
            }
            return k;
        }
        if (k == 0 && e->trap_divide && is_divide(code, length) && !gpr(e, code[2] & 15)
            && first_runs(e)) {
            *why = WHY_EXCEPTION;
            e->code = EXCEPTION_DIVIDE;
            return 0;
        }
        if (e->baseline && is_mainline(code, length)) {
            if (k == 0)
                *why = WHY_INVALID;
            return k;
        }
        code += length;
        at += length;
    }
    return room;
}

/* The block just announced needs a closer look. */
COLD static void slow_block(ttd_engine *e, block_info *b)
{
    uint64_t room = e->limit - e->steps;
    int i, why = WHY_BUDGET, in_it = it_left(e->it_next);
    if (e->settle_next)
        settle(e);
    if ((e->request || e->late) && !e->armed) {
        e->blk_n = 0;
        stop(e, WHY_REQUEST);
        return;
    }
    if (e->look_at_masks && read_masks(e) != e->masks) {
        e->blk_n = 0;
        stop(e, WHY_MASKS);
        return;
    }
    if (room && leaves_range(e, b->pc) && !e->armed) {   /* at the limit something may be due */
        e->blk_n = 0;
        stop(e, WHY_RANGE);
        return;
    }
    e->it_first = e->it_next;
    if (e->it_next) {                     /* the same bytes, but begun inside an IT block */
        e->it_block = *b;
        decode_block(e, &e->it_block, b->pc, b->size, e->it_next);
        e->blk = b = &e->it_block;
    }
    if (is_riscv(e)) {
        e->masks_next = b->masks;
    } else {
        if (e->masks_next && e->mpu_on && mpu_active(e) != e->mpu_was_active)
            flush_tlb(e);
        e->masks_next = b->masks && e->mpu_on;
        if (e->masks_next)
            e->mpu_was_active = mpu_active(e);
    }
    e->look_at_masks = false;
    if (b->masks || b->settle)
        expect_settling(e, b);
    e->it_next = b->it_after;
    set_fast_limit(e);
    if (b->it_store && e->write_cached)
        flush_tlb(e);
    if (b->checked)
        room = checked_room(e, b, room, &why);
    if (room && (b->naligned || b->unsure))
        room = e->isa == ISA_X64 ? x86_aligned_room(e, b, room, &why)
                                 : aligned_room(e, b, room, in_it, &why);
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
            if (e->steps + k != e->skip_step && (k < room || (k == 0 && why != WHY_BUDGET))) {
                room = k;
                why = WHY_BREAKPOINT;
                e->cut_at = NEVER;
            }
        }
    }
    e->noting = e->nbreaks && e->scan && b->slow;
    if (room == 0) {
        if (e->noting && why != WHY_BUDGET)
            note_breaks(e, e->steps, 1);
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
    } else if (b->floats) {
        riscv_float_enter(e, b);
    }
}

/* Scan mode: the block at `blk_pc` has been executed up to its instruction number `done`. */
COLD void note_breaks(ttd_engine *e, uint64_t start, uint64_t done)
{
    block_info b = { .pc = e->blk_pc, .span = (uint16_t)e->blk_size };
    int i;
    for (i = 0; i < e->nbreaks; i++) {
        uint64_t k = break_index(e, &b, e->breaks[i]);
        if (k < done)
            hit_add(&e->scan_breaks, (ttd_hit){ .step = start + k, .pc = e->breaks[i], .id = i });
    }
    e->noting = false;
}

/* A block that has to be looked at: it is new, or something in it may end the run. */
COLD static void look_at_block(ttd_engine *e, block_info *b, uint64_t pc, uint32_t size)
{
    if (e->noting)
        note_breaks(e, e->steps, e->blk_n);
    e->steps += e->blk_n;
    if (e->cut_code)
        end_cut(e, pc);
    if (e->lookahead) {
        e->lookahead = false;
        flush_tlb(e);
    }
    if (is_riscv(e) && e->masks_next) {
        uint64_t satp = e->rv.satp;
        riscv_look(e);
        if (e->rv.satp != satp) {         /* the block was found by the old page tables */
            e->masks_next = false;
            e->blk_n = e->blk_size = 0;
            e->blk_pc = pc;
            stop(e, WHY_AGAIN);
            return;
        }
    }
    if (pc + size == e->exit_at && e->isa == ISA_THUMB) {
        b = &e->exit_block;               /* it ends there this time only */
        decode_block(e, b, pc, size, 0);
    } else if ((b->key != (pc ^ e->salt) || b->size != size) && !decode_block(e, b, pc, size, 0)) {
        b->key = NEVER;
        e->blk_n = e->blk_size = 0;
        e->blk_pc = pc;
        stop(e, WHY_AGAIN);
        return;
    }
    e->blk_pc = pc;
    e->blk_size = b->span;
    e->blk_n = b->n;
    e->blk = b;
    if (e->steps + b->n > e->fast_limit || b->slow)
        slow_block(e, b);
}

void on_block(uc_engine *uc, uint64_t pc, uint32_t size, void *user)
{
    ttd_engine *e = user;
    block_info *b = &e->cache[(pc >> 1) & ((1u << CACHE_BITS) - 1)];
    uint64_t steps = e->steps + e->blk_n;
    (void)uc;
    if (__builtin_expect(b->key != (pc ^ e->salt) || b->size != size || b->slow || e->noting
                         || steps + b->n > e->fast_limit, 0)) {
        look_at_block(e, b, pc, size);
        return;
    }
    e->steps = steps;
    e->blk_pc = pc;
    e->blk_size = b->span;
    e->blk_n = b->n;
    e->blk = b;
}

/* The instruction under way is for the processor model. */
void raise_exception(ttd_engine *e, int code)
{
    e->code = code;
    stop(e, WHY_EXCEPTION);
}

/* What stands at the end of the block that ran; NULL if that is the guest's own. */
static ours *ours_reached(ttd_engine *e)
{
    ours *o = e->blk ? ours_at(e, e->blk_pc + e->blk_size - e->blk->last) : NULL;
    return o && !o->banned ? o : NULL;
}

bool do_ours(ttd_engine *e, const ours *o)
{
    ours own = *o;                        /* what it stores may be code */
    bool done;
    e->doing = &own;
    done = own.run(e, &own);
    e->doing = NULL;
    return done;
}

void on_interrupt(uc_engine *uc, uint32_t number, void *user)
{
    ttd_engine *e = user;
    ours *o;
    (void)uc;
    if (number == OURS_VECTOR && e->patched && (o = ours_reached(e))) {
        if (!do_ours(e, o)) {
            e->ours_at = o->pc;
            e->ours_left = true;
            e->emu_stop(uc);
        }
        return;
    }
    if (is_riscv(e)) {
        uint64_t pc = read_pc(e) - 4;     /* Unicorn has gone on, by that, whatever the length */
        e->intr_after = true;
        if (number == RISCV_ILLEGAL && pc - e->blk_pc >= e->blk_size) {
            on_block(uc, pc, 0, e);       /* an instruction of 16 bits, left out of its block */
            if (e->stopped)
                return;
        }
        /* Unicorn does not drop such a block when that instruction is overwritten. */
        if (number == RISCV_ILLEGAL && e->blk && !e->blk->size
            && !riscv_is_narrow_illegal(e, riscv_insn(e, pc))) {
            e->all_stale = true;
            stop(e, WHY_AGAIN);
            return;
        }
    }
    raise_exception(e, (int)number);
}
