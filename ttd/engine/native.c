/* Exact execution on Unicorn: block counting, page sets, traps, exact stops.
 *
 * How it works (docs/engine.md has the measurements):
 * - A block hook counts instructions per translated block before the block runs. What a block
 *   that was left early has executed follows from where PC stands in it.
 * - Unicorn's virtual TLB asks `on_fill` for each page, once: that gives dirty, read and executed
 *   page sets for nothing and keeps data pages non-executable, which keeps stores fast.
 * - Device registers are an MMIO region with its permissions taken away, so that every access
 *   reaches `on_prot` first, with PC and IT state restored exactly. Watched pages, pages that hold
 *   code and pages that the MPU splits are redirected into such a region, the "window".
 * - An exact stop in the middle of a block is a Unicorn exit at that address for one start.
 * - A device access after which the machine must stop is done, remembered, and the instruction
 *   restarted alone ("armed"): the second time the remembered value is used.
 */
#include "internal.h"

#include <dlfcn.h>
#include <stdlib.h>

/* ---- small things ------------------------------------------------------------------- */

static uint32_t reg32(ttd_engine *e, int id)
{
    uint32_t value = 0;
    e->reg_read(e->uc, id, &value);
    return value;
}

static int pc_id(ttd_engine *e)
{
    switch (e->isa) {
    case ISA_THUMB: return UC_ARM_REG_PC;
    case ISA_RV64: case ISA_RV32: return UC_RISCV_REG_PC;
    case ISA_A64: return UC_ARM64_REG_PC;
    default: return UC_X86_REG_RIP;
    }
}

static uint64_t read_pc(ttd_engine *e)
{
    uint64_t value = 0;
    e->reg_read(e->uc, pc_id(e), &value);
    return value;
}

static uint32_t it_state(ttd_engine *e)
{
    return e->isa == ISA_THUMB ? reg32(e, UC_ARM_REG_XPSR) & IT_BITS : 0;
}

/* How many instructions from PC on belong to an IT block that PC is in. */
static int it_left(ttd_engine *e)
{
    uint32_t it = it_state(e), mask = (it >> 25 & 3) | (it >> 8 & 0xc);
    return mask ? 4 - __builtin_ctz(mask) : 0;
}

/* Unicorn restores the IT state into the CPU before a callback and leaves it there; running on,
 * the next block would be taken for part of an IT block. */
static void forget_it(ttd_engine *e)
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
static uint64_t canonical(ttd_engine *e, uint64_t address)
{
    region *r = find_region(e, address);
    return r && r->kind != REGION_MMIO ? r->canonical + (address - r->base) : address;
}

static region *region_of_page(ttd_engine *e, uint32_t page)
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

static int insn_length(ttd_engine *e, const uint8_t *code)
{
    switch (e->isa) {
    case ISA_THUMB: return (code[1] >> 3) >= 0x1d ? 4 : 2;
    case ISA_RV64: case ISA_RV32: return (code[0] & 3) == 3 ? 4 : 2;
    default: return 4;
    }
}

/* The physical address of code. */
static bool code_address(ttd_engine *e, uint64_t pc, uint64_t *paddr)
{
    *paddr = pc;
    return !is_riscv(e) || riscv_code_page(e, pc, paddr);
}

/* The code at `pc`, as far as its page goes; NULL if there is none. */
static uint8_t *code_at(ttd_engine *e, uint64_t pc)
{
    uint64_t paddr;
    return code_address(e, pc, &paddr) ? host_pointer(e, paddr) : NULL;
}

/* Goes through the instructions from `at` on. */
typedef struct { uint64_t at; uint8_t *code; } cursor;

static cursor cursor_at(ttd_engine *e, uint64_t pc)
{
    return (cursor){ pc, code_at(e, pc) };
}

/* The bytes of the x86 instruction at `pc`, whose first are at `code`, as far as they are there. */
static size_t x86_bytes(ttd_engine *e, uint64_t pc, const uint8_t *code, uint8_t bytes[X86_LONGEST])
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
static int length_at(ttd_engine *e, uint64_t pc, const uint8_t *code)
{
    uint8_t bytes[X86_LONGEST];
    return e->isa != ISA_X64 ? insn_length(e, code)
        : x86_length(e, bytes, x86_bytes(e, pc, code, bytes));
}

static bool begins_block(ttd_engine *e, uint64_t pc, const uint8_t *code)
{
    uint8_t bytes[X86_LONGEST];
    return e->isa == ISA_X64 && x86_begins_block(bytes, x86_bytes(e, pc, code, bytes));
}

/* To the next instruction; returns the length of this one, 0 if it is not there. */
static int advance(ttd_engine *e, cursor *c)
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

static bool is_thumb_store(const uint8_t *code, int length)
{
    uint32_t a = code[0] | code[1] << 8;
    if (length == 2)
        return (a & 0xf000) == 0x5000 || (a & 0xe800) == 0x6000 || (a & 0xf800) == 0x8000
            || (a & 0xf800) == 0x9000 || (a & 0xf800) == 0xc000 || (a & 0xfe00) == 0xb400;
    return (a & 0xfe00) == 0xe800 || (a & 0xff10) == 0xf800 || (a & 0xec00) == 0xec00;
}

/* ---- the MPU ------------------------------------------------------------------------ */

static bool unprivileged_thread(ttd_engine *e, uint32_t *xpsr)
{
    *xpsr = reg32(e, UC_ARM_REG_XPSR);
    return !(*xpsr & 0x1ff) && (reg32(e, UC_ARM_REG_CONTROL) & 1);
}

static bool privileged_now(ttd_engine *e)
{
    uint32_t xpsr;
    return e->isa != ISA_THUMB || !unprivileged_thread(e, &xpsr);
}

/* LDRT, STRT and their kin access as unprivileged code does (DDI0403E A7.7.71 and others). */
static bool privileged_access(ttd_engine *e)
{
    uint8_t *code = host_pointer(e, read_pc(e));
    if (code && e->isa == ISA_THUMB && code[1] >> 1 == 0xf8 >> 1 && !(code[0] & 0x80)
        && (code[0] & 15) != 15 && (code[3] & 15) == 0xe)
        return false;
    return privileged_now(e);
}

static bool mpu_active(ttd_engine *e)
{
    if (!e->mpu_on)
        return false;
    if (!e->mpu_hfnmi) {
        uint32_t ipsr = reg32(e, UC_ARM_REG_XPSR) & 0x1ff;
        if (ipsr == 2 || ipsr == 3 || (reg32(e, UC_ARM_REG_FAULTMASK) & 1))
            return false;
    }
    return true;
}

static bool ap_allows(uint8_t ap, bool write, bool privileged)
{
    switch (ap) {                        /* DDI0403E B3.5.9, MPU_RASR.AP */
    case 1: return privileged;
    case 2: return privileged || !write;
    case 3: return true;
    case 5: return privileged && !write;
    case 6: case 7: return !write;
    default: return false;
    }
}

static bool default_map_xn(uint64_t a)
{
    return (a >= 0x40000000 && a < 0x60000000) || a >= 0xa0000000;
}

/* The last region that covers `a`, or -1; `end` is lowered to where the answer may change. */
static int mpu_find(ttd_engine *e, uint64_t a, uint64_t *end)
{
    int i, found = -1;
    for (i = 0; i < e->nmpu; i++) {
        mpu_region *m = &e->mpu[i];
        uint64_t step = m->size >= 256 ? m->size / 8 : m->size, lo = m->base, hi;
        if (a < lo) {
            if (lo < *end)
                *end = lo;
            continue;
        }
        if (a >= lo + m->size)
            continue;
        hi = a - (a - lo) % step + step;
        if (hi < *end)
            *end = hi;
        if (m->size < 256 || !(m->srd >> ((a - lo) / step) & 1))
            found = i;
    }
    return found;
}

/* May [address, address + size) be accessed? 1 yes, 0 no, -1 it differs within the range. */
static int mpu_allows(ttd_engine *e, uint64_t address, uint64_t size, int kind, bool privileged,
                      bool active)
{
    uint64_t at = address, stop_at = address + size;
    int verdict = -2;
    if (!active || (address >= 0xe0000000 && address < 0xe0100000))
        return !(kind == ACC_FETCH && default_map_xn(address));
    while (at < stop_at) {
        uint64_t end = stop_at;
        int i = mpu_find(e, at, &end), ok;
        if (i < 0)
            ok = e->mpu_background && privileged && !(kind == ACC_FETCH && default_map_xn(at));
        else
            ok = ap_allows(e->mpu[i].ap, kind == ACC_WRITE, privileged)
                && !(kind == ACC_FETCH && (e->mpu[i].xn || at >= 0xe0000000));
        if (verdict == -2)
            verdict = ok;
        else if (verdict != ok)
            return -1;
        at = end;
    }
    return verdict;
}

/* ---- blocks ------------------------------------------------------------------------- */

void forget_blocks(ttd_engine *e)
{
    memset(e->cache, 0xff, sizeof(block_info) << CACHE_BITS);
}

static bool is_divide(const uint8_t *code, int length)
{
    return length == 4 && code[1] == 0xfb && (code[0] & 0xd0) == 0x90 && (code[2] & 0xf0) == 0xf0;
}

/* IT, CBZ and CBNZ: Unicorn has them on Armv6-M cores too. */
static bool is_mainline(const uint8_t *code, int length)
{
    return length == 2 && ((code[1] == 0xbf && (code[0] & 15)) || (code[1] & 0xf5) == 0xb1);
}

/* CPS of FAULTMASK, or MSR: after it the MPU may apply differently. */
static bool changes_masks(const uint8_t *code, int length)
{
    uint32_t a = code[0] | code[1] << 8;
    return length == 2 ? (a & 0xffe9) == 0xb661 : (a & 0xfff0) == 0xf380;
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
    if (straddles || riscv_changes_modes(insn))
        b->masks = b->slow = 1;
    if (riscv_is_ours(insn))
        b->checked = b->slow = 1;
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

COLD static void decode_block(ttd_engine *e, block_info *b, uint64_t pc, uint32_t size, int in_it)
{
    cursor c = cursor_at(e, pc);
    uint32_t n = 0;
    int i;
    *b = (block_info){ .key = pc ^ e->salt, .pc = pc, .size = size };
    while (c.code && c.at - pc < size) {
        uint64_t at = c.at;
        uint8_t *code = c.code;
        int length = advance(e, &c);
        if (is_riscv(e))
            decode_riscv(e, b, at, code, length);
        if (n && begins_block(e, at, code))
            b->checked = b->slow = 1;
        if (e->isa == ISA_THUMB) {
            if (in_it) {
                in_it--;
                if (is_thumb_store(code, length))
                    b->it_store = b->slow = 1;
            }
            if (length == 2 && code[1] == 0xbf && (code[0] & 15))
                in_it = 4 - __builtin_ctz(code[0] & 15);
            if (changes_masks(code, length))
                b->masks = b->slow = 1;
            if ((e->trap_divide && is_divide(code, length))
                || (e->baseline && is_mainline(code, length)))
                b->checked = b->slow = 1;
        }
        n++;
    }
    note_translated(e, b, pc, size);
    b->n = n;
    b->it_after = (uint8_t)in_it;
    if (in_it)
        b->slow = 1;
    for (i = 0; i < e->nbreaks; i++)
        if (e->breaks[i] - pc < size)
            b->slow = 1;
}

static int index_of(ttd_engine *e, uint64_t start, uint64_t pc)
{
    cursor c = cursor_at(e, start);
    int n = 0;
    while (c.at < pc && advance(e, &c))
        n++;
    return n;
}

static uint64_t address_of(ttd_engine *e, uint64_t start, uint32_t index);

/* Which instruction of the block is at `address`; NEVER if none begins there. */
static uint64_t break_index(ttd_engine *e, block_info *b, uint64_t address)
{
    uint32_t k;
    if (address - b->pc >= b->size)
        return NEVER;
    k = (uint32_t)index_of(e, b->pc, address);
    return address_of(e, b->pc, k) == address ? k : NEVER;
}

static uint64_t address_of(ttd_engine *e, uint64_t start, uint32_t index)
{
    cursor c = cursor_at(e, start);
    while (index-- && advance(e, &c))
        ;
    return c.at;
}

/* Unprivileged code cannot change a mask, and Unicorn would answer 0 for them. */
static uint32_t read_masks(ttd_engine *e)
{
    uint32_t xpsr;
    if (is_riscv(e))
        return riscv_masks(e);
    if (e->isa != ISA_THUMB || unprivileged_thread(e, &xpsr))
        return e->masks;
    return (reg32(e, UC_ARM_REG_PRIMASK) & 1) | (reg32(e, UC_ARM_REG_FAULTMASK) & 1) << 1
        | (reg32(e, UC_ARM_REG_BASEPRI) & 0xff) << 8;
}

static void stop(ttd_engine *e, int why)
{
    e->stopped = true;
    e->why = why;
    e->emu_stop(e->uc);
}

static void set_fast_limit(ttd_engine *e)
{
    bool look = e->masks_on || e->masks_next || e->it_next || e->lookahead;
    e->fast_limit = look ? 0 : e->limit;
    if (e->request)                       /* may come from another thread at any moment */
        e->fast_limit = 0;
}

static void fault_at(ttd_engine *e, int kind, uint64_t address);
static uint32_t gpr(ttd_engine *e, int n);

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
static bool first_runs(ttd_engine *e)
{
    uint32_t it = e->steps == e->start_steps ? e->start_it : 0;
    it = (it >> 25 & 3) | (it >> 8 & 0xfc);
    return !(it & 15) || condition_holds(reg32(e, UC_ARM_REG_XPSR), (int)(it >> 4));
}

/* As `checked_room`, for RISC-V. */
static uint64_t riscv_room(ttd_engine *e, block_info *b, uint64_t room, int *why)
{
    cursor c = cursor_at(e, b->pc);
    uint64_t k;
    for (k = 0; k < b->n && k < room; k++) {
        uint64_t at = c.at, last;
        uint8_t *code = c.code;
        int length = advance(e, &c);
        last = at + length - 2;
        if (!length || !riscv_fetchable(e, at) || !riscv_fetchable(e, last)) {
            if (k == 0) {
                *why = WHY_FAULT;
                fault_at(e, ACC_FETCH, length && riscv_fetchable(e, at) ? last : at);
            }
            return k;
        }
        if ((code[0] & 0x7f) == 0x73 && riscv_is_ours(riscv_insn(e, at))) {
            if (k == 0) {
                *why = WHY_EXCEPTION;
                e->code = EXCEPTION_CSR;
            }
            return k;
        }
    }
    return room;
}

/* As `checked_room`, for x86. */
static uint64_t x86_room(ttd_engine *e, block_info *b, uint64_t room)
{
    cursor c = cursor_at(e, b->pc);
    uint64_t k;
    for (k = 0; k < b->n && k < room; k++) {
        if (k && c.code && begins_block(e, c.at, c.code))
            return k;
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
        return x86_room(e, b, room);
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
        if (e->trap_divide && is_divide(code, length)) {
            if (k > 0)
                return k;
            if (!gpr(e, code[2] & 15) && first_runs(e)) {
                *why = WHY_EXCEPTION;
                e->code = EXCEPTION_DIVIDE;
                return 0;
            }
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

static void note_breaks(ttd_engine *e, uint64_t start, uint64_t done);

/* The block just announced needs a closer look. */
COLD static void slow_block(ttd_engine *e, block_info *b)
{
    uint64_t room = e->limit - e->steps;
    int i, why = WHY_BUDGET;
    if (e->request && !e->armed) {
        e->blk_n = 0;
        stop(e, WHY_REQUEST);
        return;
    }
    if (e->masks_on && read_masks(e) != e->masks) {
        e->blk_n = 0;
        stop(e, WHY_MASKS);
        return;
    }
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
    e->it_next = b->it_after;
    set_fast_limit(e);
    if (b->it_store && e->write_cached)
        flush_tlb(e);
    if (b->checked)
        room = checked_room(e, b, room, &why);
    if (e->nbreaks && !e->scan) {
        for (i = 0; i < e->nbreaks; i++) {
            uint64_t k = break_index(e, b, e->breaks[i]);
            /* What the first instruction ends with comes after a breakpoint at it. */
            if (e->steps + k != e->skip_step && (k < room || (k == 0 && why != WHY_BUDGET))) {
                room = k;
                why = WHY_BREAKPOINT;
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
    } else if (room < b->n) {
        e->mid = (uint32_t)room;
        e->blk_n = 0;
        e->noting = false;
        stop(e, WHY_BUDGET);
    }
}

/* Scan mode: the block at `blk_pc` has been executed up to its instruction number `done`. */
COLD static void note_breaks(ttd_engine *e, uint64_t start, uint64_t done)
{
    block_info b = { .pc = e->blk_pc, .size = e->blk_size };
    int i;
    for (i = 0; i < e->nbreaks; i++) {
        uint64_t k = break_index(e, &b, e->breaks[i]);
        if (k < done && (e->scan_break.step == NEVER || start + k >= e->scan_break.step))
            e->scan_break = (ttd_hit){ .step = start + k, .pc = e->breaks[i], .id = i };
    }
    e->noting = false;
}

/* A block that has to be looked at: it is new, or something in it may end the run. */
COLD static void look_at_block(ttd_engine *e, block_info *b, uint64_t pc, uint32_t size)
{
    if (e->noting)
        note_breaks(e, e->steps, e->blk_n);
    e->steps += e->blk_n;
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
    if (b->key != (pc ^ e->salt) || b->size != size)
        decode_block(e, b, pc, size, 0);
    e->blk_pc = pc;
    e->blk_size = size;
    e->blk_n = b->n;
    e->blk = b;
    if (e->steps + b->n > e->fast_limit || b->slow)
        slow_block(e, b);
}

static void on_block(uc_engine *uc, uint64_t pc, uint32_t size, void *user)
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
    e->blk_size = size;
    e->blk_n = b->n;
    e->blk = b;
}

/* The instruction under way is for the processor model. */
void raise_exception(ttd_engine *e, int code)
{
    e->code = code;
    stop(e, WHY_EXCEPTION);
}

static void on_interrupt(uc_engine *uc, uint32_t number, void *user)
{
    ttd_engine *e = user;
    (void)uc;
    if (is_riscv(e)) {
        uint64_t pc = read_pc(e) - 4;     /* Unicorn has gone on, by that, whatever the length */
        uint32_t index = pc - e->blk_pc < e->blk_size ? (uint32_t)index_of(e, e->blk_pc, pc) : 0;
        if (number == RISCV_ILLEGAL && riscv_counter(e, riscv_insn(e, pc), e->steps + index)) {
            if (e->noting)
                note_breaks(e, e->steps, index + 1);
            e->steps += index + 1;
            e->blk_n = e->blk_size = 0;
            return;
        }
        e->intr_after = true;
    }
    raise_exception(e, (int)number);
}

/* ---- pages -------------------------------------------------------------------------- */

/* The window's page for the memory at `paddr` that the guest sees at `vaddr`. */
static uint64_t window_address(ttd_engine *e, region *r, uint64_t vaddr, uint64_t paddr)
{
    uint32_t mask = 2 * e->window_pages - 1, n;
    uint64_t hash = ((vaddr ^ paddr << 20) >> e->page_shift) * 0x9e3779b97f4a7c15ull >> 40;
    for (; (n = e->slot_table[hash & mask]); hash++)
        if (e->slots[n - 1].vaddr == vaddr && e->slots[n - 1].paddr == paddr)
            break;
    if (!n) {
        if (e->window_used == e->window_pages - 1) {
            memset(e->slot_table, 0, sizeof *e->slot_table * (mask + 1));
            e->window_used = 0;
            flush_tlb(e);
        }
        n = ++e->window_used;
        e->slot_table[hash & mask] = n;
        e->slots[n - 1] = (slot){ vaddr, paddr, r->host + (paddr - r->base), r, page_of(e, r, paddr) };
    }
    return e->window_base + ((uint64_t)(n - 1) << e->page_shift);
}

/* The window's last page stands for one page of nothing, to learn the address of a fault. */
static uint64_t void_address(ttd_engine *e, uint64_t vaddr)
{
    slot *s = &e->slots[e->window_pages - 1];
    if (s->vaddr != vaddr)
        flush_tlb(e);
    *s = (slot){ .vaddr = vaddr };
    e->void_used = is_riscv(e);           /* something may be there the next time */
    return e->window_base + ((uint64_t)(e->window_pages - 1) << e->page_shift);
}

static slot *slot_at(ttd_engine *e, uint64_t paddr)
{
    return &e->slots[(paddr - e->window_base) >> e->page_shift];
}

static bool refuse(ttd_engine *e, int kind, uint64_t address)
{
    e->fill_fault = true;
    e->code = kind;
    e->fill_address = address;
    return false;
}

/* Where the page at `vaddr` is, and what may be done there (`rights`) by an access like this.
 * 1 allowed, 0 not, -1 it depends on the place. */
static int look_up(ttd_engine *e, uint64_t vaddr, int kind, uint64_t *paddr, int *rights)
{
    *paddr = vaddr;
    *rights = ACC_READ | ACC_WRITE | ACC_FETCH;
    if (is_riscv(e)) {
        if (e->quiet_physical)
            return 1;
        if (riscv_translate(e, vaddr, kind, paddr, rights))
            return 0;
        return riscv_allows(e, *paddr, e->page_size, kind);
    }
    if (e->quiet || e->isa != ISA_THUMB || (!e->mpu_on && kind != ACC_FETCH))
        return 1;
    return mpu_allows(e, vaddr, e->page_size, kind,
                      kind == ACC_FETCH ? privileged_now(e) : privileged_access(e), mpu_active(e));
}

/* May all of the page be accessed so without being asked again? */
static bool grants(ttd_engine *e, uint64_t vaddr, uint64_t paddr, int rights, int kind)
{
    if (!(rights & kind))
        return false;
    if (is_riscv(e))
        return riscv_allows(e, paddr, e->page_size, kind) == 1;
    return !e->mpu_on
        || mpu_allows(e, vaddr, e->page_size, kind, privileged_now(e), mpu_active(e)) == 1;
}

/* What is watched on the page, or so little before a watched place that an access may get there. */
static int watched_kinds(ttd_engine *e, uint64_t vaddr, uint32_t page)
{
    int i, kinds = 0;
    if (e->isa == ISA_THUMB)
        return e->watched[page];
    for (i = 0; i < e->nwatches; i++) {
        watch *w = &e->watches[i];
        if (w->hi > vaddr && (w->lo < 64 || w->lo - 64 < vaddr + e->page_size))
            kinds |= w->kinds;
    }
    return kinds;
}

/* An unaligned access that begins on this page may end on the next without another look. */
static bool leads_to_trap(ttd_engine *e, region *r, uint64_t vaddr, uint64_t paddr, int kind)
{
    uint64_t next = vaddr + e->page_size;
    if (is_riscv(e)) {
        if (!riscv_probe(e, next, &next))
            return false;
        r = find_region(e, next);
        return r && (r->kind == REGION_MMIO || (r->kind == REGION_ROM && kind == ACC_WRITE)
                     || riscv_allows(e, next, e->page_size, kind) < 0);
    }
    if (paddr + e->page_size == r->base + r->size) {
        region *n = find_region(e, next);
        return n && (n->kind == REGION_MMIO || (n->kind == REGION_ROM && kind == ACC_WRITE));
    }
    if (!e->mpu_on || mpu_allows(e, next, e->page_size, kind, privileged_now(e), mpu_active(e)) >= 0)
        return false;
    return !mpu_allows(e, next, 4, kind, privileged_now(e), mpu_active(e));
}

static bool on_nothing(uc_engine *uc, uc_mem_type type, uint64_t address, int size,
                       int64_t value, void *user)
{
    (void)uc, (void)type, (void)address, (void)size, (void)value, (void)user;
    return false;
}

static bool fill_code(ttd_engine *e, region *r, uint64_t vaddr, uint64_t paddr, int rights,
                      uc_tlb_entry *out)
{
    uint32_t page = page_of(e, r, paddr);
    uint8_t *flags = &e->flags[page];
    if (!(*flags & PAGE_EVER_EXEC)) {
        uint64_t code = r->canonical + (paddr - r->base);
        uc_hook hook;
        /* Stores to code are trapped here. Unicorn, to see them too, walks its whole TLB for every
         * block that it translates, but not where a memory hook covers the code. */
        e->hook_add(e->uc, &hook, UC_HOOK_MEM_FETCH_UNMAPPED, on_nothing, e, code,
                    code + e->page_size - 1);
        /* Entries that let stores through unseen may exist: from now on they must not. */
        *flags |= PAGE_EVER_EXEC;
        flush_tlb(e);
    }
    *flags |= PAGE_EXEC;
    out->paddr = r->canonical + (paddr - r->base);
    out->perms = UC_PROT_EXEC;
    if (e->quiet)                         /* only looked up, to drop translated code */
        return true;
    if (is_riscv(e) && e->space && riscv_note_code(e, vaddr, paddr))
        forget_blocks_at(e, vaddr - 64, vaddr + e->page_size);
    if (!(watched_kinds(e, vaddr, page) & ACC_READ) && !leads_to_trap(e, r, vaddr, paddr, ACC_READ)
        && grants(e, vaddr, paddr, rights, ACC_READ)) {
        *flags |= PAGE_READ;
        out->perms |= UC_PROT_READ;
    }
    if (is_riscv(e))
        riscv_see(e, out->perms & UC_PROT_READ ? ACC_FETCH | ACC_READ : ACC_FETCH, vaddr);
    return true;
}

/* Code may end in the middle of an instruction: what is behind, on a page that cannot be fetched
 * from, is not looked at before that instruction's turn (`riscv_room`). */
static bool fill_lookahead(ttd_engine *e, uint64_t vaddr, uc_tlb_entry *out)
{
    if (!is_riscv(e) || e->quiet || vaddr != (read_pc(e) & ~(uint64_t)(e->page_size - 1)) + e->page_size)
        return false;
    e->lookahead = true;
    e->fast_limit = 0;
    out->paddr = e->window_base - e->page_size;
    out->perms = UC_PROT_EXEC;
    return true;
}

/* On a page that the MPU splits, blocks are looked at instruction by instruction. */
static void split_code(ttd_engine *e, uint32_t page, bool split)
{
    if (e->quiet || !(e->flags[page] & PAGE_SPLIT) == !split)
        return;
    e->flags[page] ^= PAGE_SPLIT;
    forget_blocks(e);
}

static bool on_fill(uc_engine *uc, uint64_t vaddr, uc_mem_type type, uc_tlb_entry *out, void *user)
{
    ttd_engine *e = user;
    int kind = type == UC_MEM_WRITE ? ACC_WRITE : type == UC_MEM_FETCH ? ACC_FETCH : ACC_READ;
    int allowed, rights;
    uint64_t paddr;
    bool trap = true;
    region *r;
    (void)uc;

    if (is_riscv(e) && e->masks_next && kind == ACC_FETCH && !e->quiet)
        riscv_look(e);
    allowed = look_up(e, vaddr, kind, &paddr, &rights);
    r = find_region(e, paddr);
    if (kind == ACC_FETCH) {
        if (r && r->kind != REGION_MMIO && allowed) {
            split_code(e, page_of(e, r, paddr), allowed < 0);
            return fill_code(e, r, vaddr, paddr, rights, out);
        }
        if (fill_lookahead(e, vaddr, out))
            return true;
        return e->quiet ? false : refuse(e, kind, vaddr);
    }
    if (!r || !allowed || (r->kind == REGION_ROM && kind == ACC_WRITE && !r->asks)) {
        /* Ends the run before the instruction; it is then run alone to learn the address. */
        if (!e->armed)
            return refuse(e, kind, vaddr);
        out->paddr = void_address(e, vaddr);
    } else if (r->kind == REGION_MMIO) {
        out->paddr = paddr;
        e->device_views[paddr >> e->page_shift & (DEVICE_VIEWS - 1)] = (view){ paddr, vaddr };
    } else {
        uint32_t page = page_of(e, r, paddr);
        uint8_t *flags = &e->flags[page];
        int watched = watched_kinds(e, vaddr, page);
        trap = allowed < 0 || e->trap_unaligned || (watched & kind)
            || (r->asks && kind == ACC_WRITE)
            || leads_to_trap(e, r, vaddr, paddr, kind)
            || (kind == ACC_WRITE
                && ((*flags & (PAGE_EVER_EXEC | PAGE_TABLE)) || (watched & ACC_READ)));
        *flags |= PAGE_READ;
        if (kind == ACC_WRITE)
            *flags |= PAGE_DIRTY;
        if (trap) {
            out->paddr = window_address(e, r, vaddr, paddr);
        } else {
            out->paddr = r->canonical + (paddr - r->base);
            out->perms = UC_PROT_READ;
            if (kind == ACC_WRITE && !(rights & ACC_READ))
                out->perms = 0;
            if (kind == ACC_WRITE
                || ((*flags & PAGE_DIRTY) && !(*flags & (PAGE_EVER_EXEC | PAGE_TABLE)) && !watched
                    && !e->mpu_on && grants(e, vaddr, paddr, rights, ACC_WRITE)
                    && r->kind == REGION_RAM && !leads_to_trap(e, r, vaddr, paddr, ACC_WRITE)))
                out->perms |= UC_PROT_WRITE;
        }
    }
    if (trap) {
        /* A store inside an IT block cannot be stopped at once it is under way, so such an
         * instruction runs alone; refusing here is exact. */
        if (kind == ACC_WRITE && !e->armed && e->blk && e->blk->it_store) {
            e->arm = true;
            return refuse(e, kind, vaddr);
        }
        out->perms = UC_PROT_READ;
        if (kind == ACC_WRITE) {
            out->perms = is_riscv(e) ? UC_PROT_WRITE : UC_PROT_READ | UC_PROT_WRITE;
            e->write_cached = true;
        }
    }
    if (is_riscv(e))
        riscv_see(e, ACC_READ | (out->perms & UC_PROT_WRITE ? ACC_WRITE : 0), vaddr);
    forget_it(e);
    return true;
}

/* ---- trapped accesses --------------------------------------------------------------- */

void forget_blocks_at(ttd_engine *e, uint64_t lo, uint64_t hi)
{
    for (; lo < hi; lo += 2) {
        block_info *b = &e->cache[(lo >> 1) & ((1u << CACHE_BITS) - 1)];
        if (b->pc >> 1 == lo >> 1)
            b->size = 0;
    }
}

/* Does the block that is running include some of these bytes? */
static bool in_block(ttd_engine *e, region *r, uint64_t paddr, uint32_t size)
{
    uint64_t first = r->canonical + (paddr - r->base), pc = e->blk_pc, end = pc + e->blk_size;
    while (pc < end) {
        uint64_t next = (pc | (e->page_size - 1)) + 1, at;
        if (next > end)
            next = end;
        if (code_address(e, pc, &at)) {
            at = canonical(e, at);
            if (first < at + (next - pc) && first + size > at)
                return true;
        }
        pc = next;
    }
    return false;
}

/* Forget the blocks that lie in this memory, at every address that shows it. */
static void forget_blocks_in(ttd_engine *e, uint64_t first, uint32_t size)
{
    uint64_t mask = e->page_size - 1, at, lo;
    int i;
    for (i = 0; i < e->nregions; i++) {
        region *v = &e->regions[i];
        if (v->kind == REGION_MMIO || first - v->canonical >= v->size)
            continue;
        at = v->base + (first - v->canonical);
        lo = at & ~mask;
        forget_blocks_at(e, lo >= e->page_size ? lo - e->page_size : 0, at + size);
    }
    if (!e->translated_once)
        return;
    for (i = 0; i < 1 << CODE_MAP_BITS; i++) {
        code_page *c = &e->code_map[i];
        if (c->used && c->ppage == (first & ~mask))
            forget_blocks_at(e, c->vpage - e->page_size, c->vpage + (first & mask) + size);
    }
}

/* Memory changed: drop what was translated from it, and what is known of the blocks. */
static void drop_code(ttd_engine *e, region *r, uint64_t paddr, uint32_t size)
{
    uint64_t first = r->canonical + (paddr - r->base), at;
    uint64_t bit = ((uint64_t)r->first_page << e->page_shift) + (paddr - r->base);
    bool any = false, moved = is_riscv(e) && e->rv.satp;
    for (at = bit & ~1ull; at < bit + size && !any; at += 2)
        any = e->translated[at >> 4] >> (at >> 1 & 7) & 1;
    if (!any)
        return;
    forget_blocks_in(e, first, size);
    if (e->running && e->blk_size && in_block(e, r, paddr, size))
        e->code_hit = true;
    /* Unicorn wants a virtual address: nothing but this may be mapped meanwhile. */
    if (moved)
        flush_tlb(e);
    e->quiet = e->quiet_physical = true;
    e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_TB_REMOVE_CACHE, 2), first, first + size);
    e->quiet = e->quiet_physical = false;
    if (moved)
        flush_tlb(e);
}

static uint32_t insn_at(ttd_engine *e, uint64_t pc)
{
    uint8_t *code = host_pointer(e, pc);
    uint32_t first;
    if (!code || e->isa != ISA_THUMB)
        return 0;
    first = code[0] | code[1] << 8;
    return insn_length(e, code) == 4 ? first << 16 | code[2] | code[3] << 8 : first;
}

/* The words that the instruction accesses one after the other: their number, and for a store
 * the registers (a bit each, lowest first; LDRD and STRD by `pair`). 0: a single access. */
static int words_of(uint32_t insn, uint32_t *list, int pair[2])
{
    *list = 0;
    if ((insn & 0xfffff000) == 0xc000)
        *list = insn & 0xff;
    else if ((insn & 0xfffffe00) == 0xb400)
        *list = (insn & 0xff) | (insn & 0x100) << 6;
    else if ((insn & 0xfffffe00) == 0xbc00)
        *list = (insn & 0xff) | (insn & 0x100) << 7;
    else if ((insn & 0xfe400000) == 0xe8000000)
        *list = insn & 0xffff;
    else if ((insn & 0xfe400000) == 0xe8400000 && (insn & 0x01200000)) {
        pair[0] = insn >> 12 & 15;
        pair[1] = insn >> 8 & 15;
        return 2;
    }
    return __builtin_popcount(*list);
}

static uint32_t gpr(ttd_engine *e, int n)
{
    return reg32(e, n < 13 ? UC_ARM_REG_R0 + n : n == 13 ? UC_ARM_REG_SP : UC_ARM_REG_LR);
}

/* True when the access at `address` is to stop the run, or is noted (scan). */
static bool watched_access(ttd_engine *e, uint64_t address, int size, int kind, uint64_t value)
{
    uint64_t at = e->isa == ISA_THUMB ? canonical(e, address) : address;
    uint8_t old[8];
    bool hit_any = false;
    int i, j, had = ttd_read(e, address + e->io_shift, old, size);
    if (kind == ACC_READ && had == size)
        memcpy(&value, old, size);
    for (i = 0; i < e->nwatches; i++) {
        watch *w = &e->watches[i];
        if (!(w->kinds & kind) || at >= w->hi || at + size <= w->lo)
            continue;
        if (kind == ACC_WRITE && w->changes_only && had) {
            bool changes = false;
            for (j = 0; j < had; j++)
                if (at + j >= w->lo && at + j < w->hi && old[j] != (uint8_t)(value >> 8 * j))
                    changes = true;
            if (!changes)
                continue;
        }
        ttd_hit hit = { .step = e->io_step, .pc = e->io_pc, .address = at + w->shift,
                        .value = value, .size = size, .kind = kind, .id = i };
        if (e->scan)
            e->scan_watch = hit;
        else if (e->io_step != e->skip_step) {
            if (!hit_any)
                e->hit = hit;
            hit_any = true;
        }
    }
    return hit_any;
}

/* Look at all accesses of the instruction, before the first of them is done. Pages before a
 * watched place are trapped as well (`ttd_set_watchpoints`), so this is the first. */
static bool watched_insn(ttd_engine *e, uint64_t address, int size, int kind, uint64_t value)
{
    uint32_t insn, list;
    int pair[2], n, i, r = -1;
    bool hit = false;
    if (e->isa != ISA_THUMB)              /* several accesses: doing the first ones again is no harm */
        return watched_access(e, address, size, kind, value);
    if (e->looked_step == e->io_step)
        return false;
    insn = insn_at(e, e->io_pc);
    if (kind == ACC_READ && ((insn & 0xfff00000) == 0xe8400000 || (insn & 0xfff000e0) == 0xe8c00040))
        return false;                     /* STREX compares before it stores: not a read */
    e->looked_step = e->io_step;
    n = words_of(insn, &list, pair);
    if (n < 2)
        return watched_access(e, address, size, kind, value);
    for (i = 0; i < n && !hit; i++, address += 4) {
        if (list) {
            do r++; while (!(list >> r & 1));
        } else {
            r = pair[i];
        }
        hit = watched_access(e, address, 4, kind, kind == ACC_WRITE ? gpr(e, r) : 0);
    }
    return hit;
}

static void fault_at(ttd_engine *e, int kind, uint64_t address)
{
    e->why = WHY_FAULT;
    e->code = kind;
    e->fault_address = address;
    e->fault_exact = true;
}

/* Leave before the instruction completes. A load leaves by itself; a store does outside an IT
 * block, and else its other effects are taken back afterwards. */
static bool give_up(ttd_engine *e, bool write)
{
    if (e->armed)
        e->armed_abort = true;
    if (write)
        e->emu_stop(e->uc);
    return false;
}

static bool device_access(ttd_engine *e, uint64_t address, uint64_t seen_at, int size, bool write,
                          uint64_t value);

/* An access to memory that is trapped: watched, holding code, split by the MPU, or not there. */
static bool memory_access(ttd_engine *e, slot *s, uint64_t address, int size, bool write,
                          uint64_t value)
{
    int kind = write ? ACC_WRITE : ACC_READ;
    uint64_t paddr = s->paddr + (address - s->vaddr);
    if (!s->host) {
        fault_at(e, kind, address);
        return give_up(e, write);
    }
    if (write && s->r->asks)
        return device_access(e, paddr, address, size, write, value);
    if (e->nwatches && watched_insn(e, address, size, kind, value)) {
        e->why = WHY_WATCH;
        return give_up(e, write);
    }
    if (write && !e->armed && e->blk_size
        && (((e->flags[s->page] & PAGE_EVER_EXEC) && in_block(e, s->r, paddr, size))
            || ((e->flags[s->page] & PAGE_TABLE) && riscv_changes_code(e, s, address, size, value)))) {
        e->arm = true;                    /* this very block changes: run the store alone */
        return give_up(e, write);
    }
    forget_it(e);
    return true;
}

uint64_t ticks_at(uint64_t step, uint64_t clock_ns, int64_t offset_ns, uint64_t hz, uint64_t divider)
{
    unsigned __int128 ns = (unsigned __int128)step * clock_ns + offset_ns;
    return (uint64_t)(ns * hz / divider);
}

static uint64_t ticks_of(const steady *r, uint64_t step)
{
    return ticks_at(step, r->clock_ns, r->offset_ns, r->hz, r->divider);
}

/* What a register that was to be kept reading would say. */
static bool steady_value(ttd_engine *e, uint64_t address, int size, uint64_t *value)
{
    int i;
    for (i = 0; i < e->nsteadies; i++) {
        steady *r = &e->steadies[i];
        if (r->address == address && r->size == size) {
            uint64_t passed = ticks_of(r, e->io_step) - r->ticks;
            *value = r->slope < 0 ? r->value - passed : r->value + (r->slope ? passed : 0);
            *value &= NEVER >> (64 - 8 * size);
            return e->io_step < r->until && r->privileged == privileged_access(e);
        }
    }
    return false;
}

static bool burst_access(ttd_engine *e, uint64_t address, int size, bool write, uint64_t value)
{
    burst *b = &e->burst;
    if (b->at == b->count || write != b->write || size != 4 || address - b->lo >= b->hi - b->lo)
        return false;
    if (write)
        b->words[b->at] = (uint32_t)value;
    else
        e->io_value = b->words[b->at];
    b->at++;
    return true;
}

/* The device must know all before anything else happens to it. */
static void end_burst(ttd_engine *e)
{
    uint32_t done = e->burst.at;
    e->burst.count = e->burst.at = 0;
    if (done)
        ttd_host_burst(e->handle, e->burst.write, e->burst.words, done);
}

/* Eight bytes are two registers. */
static bool steady_values(ttd_engine *e, uint64_t address, int size, uint64_t *value)
{
    uint64_t high;
    if (size < 8)
        return steady_value(e, address, size, value);
    if (!steady_value(e, address, 4, value) || !steady_value(e, address + 4, 4, &high))
        return false;
    *value |= high << 32;
    return true;
}

/* Hand an access, or one half of it, to the device. */
static void ask_device(ttd_engine *e, uint64_t address, int size, bool write, uint64_t value, int half)
{
    uint64_t mask = NEVER >> (64 - 8 * size);
    e->io_address = address;
    e->io_size = size;
    e->kept = false;
    e->failed = 0;
    if (write)
        ttd_host_write(e->handle, address, size, value >> half & mask);
    else
        e->io_value |= (ttd_host_read(e->handle, address, size) & mask) << half;
    switch (e->failed) {
    case 0: break;
    case 1: fault_at(e, write ? ACC_WRITE : ACC_READ, address); break;
    default: e->why = WHY_HOST_ERROR; break;
    }
}

static bool device_access(ttd_engine *e, uint64_t address, uint64_t seen_at, int size, bool write,
                          uint64_t value)
{
    int kind = write ? ACC_WRITE : ACC_READ;
    bool kept;
    if (e->token_step != e->io_step) {
        e->token_step = e->io_step;
        e->ntokens = e->itoken = 0;
    }
    e->io_address = address;
    if (e->itoken < e->ntokens) {
        token *t = &e->tokens[e->itoken];
        if (t->address == address && t->size == size && t->write == write) {
            e->itoken++;
            e->io_value = t->value;
            forget_it(e);
            return true;
        }
    }
    if (e->nwatches && watched_insn(e, seen_at, size, kind, value)) {
        e->why = WHY_WATCH;
        return give_up(e, write);
    }
    if (e->nsteadies && !write && steady_values(e, address, size, &e->io_value)) {
        forget_it(e);
        return true;
    }
    e->stop_after = e->code_hit = false;
    e->io_value = 0;
    if (e->burst.count && burst_access(e, address, size, write, value)) {
        e->nsteadies = 0;
        goto remember;
    }
    end_burst(e);
    e->io_active = true;
    ask_device(e, address, size > 4 ? 4 : size, write, value, 0);
    kept = e->kept;
    if (size > 4 && !e->why) {
        ask_device(e, address + 4, 4, write, value, 32);
        kept &= e->kept;
    }
    e->io_address = address;
    e->io_active = false;
    if (e->why)
        return give_up(e, write);
    if (!kept)
        e->nsteadies = 0;                 /* this access may have changed any device */
remember:
    if (e->ntokens < MAX_TOKENS) {
        e->tokens[e->ntokens++] = (token){ address, e->io_value, size, write };
        e->itoken = e->ntokens;
    }
    e->ending |= e->stop_after;
    if ((e->stop_after || e->flush_due || e->code_hit) && !e->armed) {
        e->arm = true;
        return give_up(e, write);
    }
    forget_it(e);
    return true;
}

static bool permitted(ttd_engine *e, uint64_t address, uint64_t paddr, int size, int kind)
{
    if (is_riscv(e))
        return riscv_allows(e, paddr, size, kind) == 1;
    return !e->mpu_on || mpu_allows(e, address, size, kind, privileged_access(e), mpu_active(e)) == 1;
}

static bool on_prot(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value,
                    void *user)
{
    ttd_engine *e = user;
    bool write = type == UC_MEM_WRITE_PROT;
    int kind = write ? ACC_WRITE : ACC_READ;
    uint64_t paddr, seen_at;
    slot *s = NULL;
    (void)uc;

    if (e->why || e->arm)                /* already on the way out: nothing may happen */
        return give_up(e, write);
    if (write && !e->armed && it_state(e)) {
        e->problem = "a store inside an IT block was not stopped in time";
        e->why = WHY_HOST_ERROR;
        return give_up(e, write);
    }
    e->io_pc = read_pc(e);
    e->io_step = e->steps + (e->io_pc - e->blk_pc < e->blk_size ? index_of(e, e->blk_pc, e->io_pc) : 0);
    e->io_value = 0;
    paddr = seen_at = address;
    e->io_shift = 0;
    if (address - e->window_base < ((uint64_t)e->window_pages << e->page_shift)) {
        s = slot_at(e, address);
        seen_at = s->vaddr + (address & (e->page_size - 1));
        paddr = s->paddr + (address & (e->page_size - 1));
        e->io_shift = paddr - seen_at;
    } else {
        view *v = &e->device_views[address >> e->page_shift & (DEVICE_VIEWS - 1)];
        if (v->paddr == (address & ~(uint64_t)(e->page_size - 1)))
            seen_at = v->vaddr + (address & (e->page_size - 1));
        if (address & (size - 1)) {       /* DDI0403E A3.2.1: unaligned to Device memory. */
            fault_at(e, kind | ACC_UNALIGNED, seen_at);
            return give_up(e, write);
        }
    }
    if (s && (e->trap_unaligned || e->baseline) && seen_at & ((size > 4 ? 4 : size) - 1)) {
        fault_at(e, kind | ACC_UNALIGNED, seen_at);
        return give_up(e, write);
    }
    if (!permitted(e, seen_at, paddr, size, kind)) {
        fault_at(e, kind, seen_at);
        return give_up(e, write);
    }
    return s ? memory_access(e, s, seen_at, size, write, (uint64_t)value)
             : device_access(e, address, seen_at, size, write, (uint64_t)value);
}

static uint64_t on_mmio_read(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
    ttd_engine *e = user;
    (void)uc, (void)size;
    return e->io_value >> 8 * ((offset - e->io_address) & 7 & -(uint64_t)(e->isa != ISA_THUMB));
}

static void on_mmio_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    (void)uc, (void)offset, (void)size, (void)value, (void)user;    /* done in on_prot */
}

/* The part of an unaligned access beyond the memory's end comes here without on_prot. */
static void void_access(ttd_engine *e, slot *s, int kind)
{
    if (!e->why)
        fault_at(e, kind, s->vaddr);
    give_up(e, true);
}

static uint64_t on_window_read(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
    ttd_engine *e = user;
    slot *s = &e->slots[offset >> e->page_shift];
    uint64_t value = 0;
    (void)uc;
    if (s->host)
        memcpy(&value, s->host + (offset & (e->page_size - 1)), size);
    else
        void_access(e, s, ACC_READ);
    return value;
}

static void on_window_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    ttd_engine *e = user;
    slot *s = &e->slots[offset >> e->page_shift];
    uint64_t in_page = offset & (e->page_size - 1);
    (void)uc;
    if (e->why || e->arm)
        return;
    if (!s->host) {
        void_access(e, s, ACC_WRITE);
        return;
    }
    if (s->r->asks)
        return;                           /* done in on_prot */
    if ((e->flags[s->page] & PAGE_TABLE) && memcmp(s->host + in_page, &value, size)
        && riscv_entry_valid(e, s, s->vaddr + in_page, (int)size))
        flush_tlb(e);
    memcpy(s->host + in_page, &value, size);
    e->flags[s->page] |= PAGE_DIRTY;
    if (e->flags[s->page] & PAGE_EVER_EXEC)
        drop_code(e, s->r, s->paddr + in_page, size);
}

/* ---- running ------------------------------------------------------------------------ */

static void set_exits(ttd_engine *e, uint64_t *address, size_t count)
{
    e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_UC_EXITS, 2), address, count);
}

static bool is_wait(ttd_engine *e, uint64_t pc)
{
    uint32_t insn = insn_at(e, pc);
    uint8_t *code = code_at(e, pc);
    switch (e->isa) {
    case ISA_THUMB: return insn == 0xbf30 || insn == 0xf3af8003;
    case ISA_RV64: case ISA_RV32: return riscv_insn(e, pc) == 0x10500073;
    case ISA_A64: return code && !memcmp(code, "\x7f\x20\x03\xd5", 4);
    default: return code && *code == 0xf4;
    }
}

/* Count what the block that was under way has executed, now that PC is `pc`. */
static void account(ttd_engine *e, uint64_t pc)
{
    uint32_t done = e->blk_n;
    bool early = done && pc - e->blk_pc < e->blk_size;
    if (early)
        done = (uint32_t)index_of(e, e->blk_pc, pc);
    if (e->noting)                        /* left early: the instruction at PC was reached, too */
        note_breaks(e, e->steps, done + early);
    e->steps += done;
    e->blk_n = 0;
}

/* LDRD overwrites its base with the first word before it loads the second. When it is the second
 * access, at `at` (its page, if not `exact`), that ends the run, put the base back. */
static void repair_base(ttd_engine *e, uint64_t pc, uint64_t at, bool exact)
{
    uint32_t insn = insn_at(e, pc), offset = (insn & 0xff) * 4, base, n = insn >> 16 & 15;
    if ((insn & 0xff700000) != 0xe9500000 || (insn >> 12 & 15) != n || n > 14)
        return;
    if (!(insn >> 23 & 1))
        offset = -offset;
    base = gpr(e, n) + offset;
    if (exact ? base == at : (base & ~(e->page_size - 1)) == at)
        return;                           /* it was the first */
    base = (uint32_t)at - 4 - offset;
    e->reg_write(e->uc, n < 13 ? UC_ARM_REG_R0 + (int)n : n == 13 ? UC_ARM_REG_SP : UC_ARM_REG_LR,
                 &base);
}

/* One start of Unicorn. `exit_at`: stop before that address, if `use_exit`. */
static uc_err start(ttd_engine *e, uint64_t pc, bool use_exit, uint64_t exit_at)
{
    uc_err err;
    if (use_exit) {
        set_exits(e, &exit_at, 1);
        e->quiet = true;
        e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_TB_REMOVE_CACHE, 2), exit_at, exit_at + 2);
        e->quiet = false;
        if (e->space)                     /* it was looked up without marking it accessed */
            flush_tlb(e);
    }
    e->blk_n = 0;
    e->blk = NULL;
    e->blk_size = 0;
    e->blk_pc = pc;
    e->start_steps = e->steps;
    e->start_it = it_state(e);
    err = e->emu_start(e->uc, e->isa == ISA_THUMB ? pc | (reg32(e, UC_ARM_REG_XPSR) >> 24 & 1) : pc,
                       0, 0, 0);
    if (use_exit)
        set_exits(e, &exit_at, 0);        /* Unicorn itself has dropped the block that ends there */
    return err;
}

void ttd_set_traps(ttd_engine *e, bool divide, bool unaligned)
{
    if (divide == e->trap_divide && unaligned == e->trap_unaligned)
        return;
    e->trap_divide = divide;
    e->trap_unaligned = unaligned;
    forget_blocks(e);
    if (e->running)
        e->flush_due = true;              /* after the instruction that is storing */
    else
        flush_tlb(e);
}

void ttd_set_baseline(ttd_engine *e) { e->baseline = true; }

int ttd_run(ttd_engine *e, uint64_t max_steps, ttd_stop *out)
{
    uint64_t before = e->steps;
    uint64_t limit = max_steps < NEVER - 1 - before ? before + max_steps : NEVER - 1;
    int result = -1;
    e->nsteadies = 0;                     /* devices may have changed since the last run */
    e->running = true;
    e->arm = e->ending = e->noting = false;
    e->mid = 0;
    e->looked_step = NEVER;
    e->masks_next = false;
    while (result < 0) {
        uint64_t pc = read_pc(e), exit_at = 0;
        bool use_exit = false, waits = false;
        uc_err err;

        if (is_riscv(e)) {
            if (e->masks_next)
                e->modes_stale = true;
            riscv_refresh(e);
        }
        if ((e->flush_due || e->void_used) && !e->arm) {
            e->void_used = false;
            e->flush_due = false;
            flush_tlb(e);
        }
        if (e->steps >= limit || (e->ending && !e->arm)) {
            result = WHY_BUDGET;
            break;
        }
        if (e->request && !e->arm) {      /* an access that was begun is completed first */
            result = WHY_REQUEST;
            break;
        }
        if (e->isa == ISA_THUMB && !(reg32(e, UC_ARM_REG_XPSR) >> 24 & 1)) {
            result = WHY_INVALID;         /* there is no ARM state to run in */
            break;
        }
        e->limit = limit;
        e->armed = e->arm;
        if (e->armed) {
            uint8_t *code = code_at(e, pc);
            e->limit = e->steps + 1;
            use_exit = code != NULL;
            exit_at = code ? pc + length_at(e, pc, code) : 0;
            e->context_save(e->uc, e->scratch);
        } else if (e->mid) {
            exit_at = address_of(e, pc, e->mid);
            e->limit = e->steps + e->mid;
            /* A wait instruction must be seen to have run. It ends its block by itself, but not
               on RISC-V: there the exit cuts the block, and comes second. */
            waits = is_wait(e, address_of(e, pc, e->mid - 1));
            use_exit = !waits || is_riscv(e);
        }
        e->arm = e->fill_fault = e->armed_abort = e->stop_after = e->stopped = false;
        e->masks_next = false;
        e->mid = 0;
        e->why = 0;
        e->itoken = 0;
        e->it_next = it_left(e);
        set_fast_limit(e);
        err = start(e, pc, use_exit, exit_at);
        pc = read_pc(e);
        if (e->intr_after) {
            e->intr_after = false;
            pc -= 4;
            e->reg_write(e->uc, pc_id(e), &pc);
        }
        if (e->lookahead) {
            e->lookahead = false;
            flush_tlb(e);
        }
        if (e->armed_abort) {
            /* The access was swallowed; take back what else the instruction did. */
            e->context_restore(e->uc, e->scratch);
            pc = read_pc(e);
        } else if (!e->armed && (e->arm || e->fill_fault || e->why == WHY_FAULT)) {
            repair_base(e, pc, e->fill_fault ? e->fill_address
                               : e->why == WHY_FAULT ? e->fault_address : e->io_address,
                        !e->fill_fault);
        }
        account(e, pc);
        if (e->why == WHY_AGAIN)
            continue;
        /* What the instruction after the last one raises is for the next run to find. */
        if (is_riscv(e) && e->steps >= e->limit
            && (e->why == WHY_EXCEPTION || e->why == WHY_FAULT || err == UC_ERR_INSN_INVALID))
            continue;
        if (e->why == WHY_EXCEPTION && e->code == EXCEPTION_CSR
            && riscv_counter(e, riscv_insn(e, pc), e->steps)) {
            pc += 4;
            e->reg_write(e->uc, pc_id(e), &pc);
            e->steps++;
            continue;
        }
        if (e->fill_fault && e->code != ACC_FETCH && !e->armed && !e->why)
            e->arm = true;                /* alone, to learn the address */

        if (e->why == WHY_HOST_ERROR || e->why == WHY_WATCH || e->why == WHY_MASKS
            || e->why == WHY_REQUEST || e->why == WHY_EXCEPTION || e->why == WHY_BREAKPOINT
            || e->why == WHY_FAULT || e->why == WHY_INVALID) {
            result = e->why;
        } else if (e->arm || e->mid) {
            continue;
        } else if (e->fill_fault) {
            e->fault_address = e->fill_address;
            e->fault_exact = false;
            result = WHY_FAULT;
        } else if (err == UC_ERR_INSN_INVALID) {
            result = WHY_INVALID;
        } else if (err != UC_ERR_OK) {
            e->problem = "Unicorn ended the run with an error of its own";
            e->code = err;
            result = WHY_HOST_ERROR;
        } else if (!e->stopped && (waits || !(use_exit && pc == exit_at))) {
            if (e->blk) {                 /* nothing but a wait ends a run by itself */
                result = WHY_WAIT;
            } else {
                e->problem = "Unicorn does not move";
                result = WHY_HOST_ERROR;
            }
        }
    }
    end_burst(e);
    e->running = e->armed = e->arm = false;
    e->mid = 0;
    e->modes_stale |= e->masks_next;
    out->why = result;
    out->steps = e->steps - before;
    out->pc = read_pc(e);
    out->code = e->code;
    out->address = e->fault_address;
    out->exact = e->fault_exact;
    return result;
}

/* In a callback in the middle of a block: the steps before the instruction at PC. */
uint64_t step_now(ttd_engine *e)
{
    uint64_t pc = read_pc(e);
    return e->steps + (pc - e->blk_pc < e->blk_size ? index_of(e, e->blk_pc, pc) : 0);
}

uint64_t ttd_step(ttd_engine *e)
{
    return e->io_active ? e->io_step : e->steps;
}

void ttd_set_step(ttd_engine *e, uint64_t step)
{
    e->steps = step;
    e->token_step = e->looked_step = NEVER;
    e->blk_n = 0;
}

void ttd_request_stop(ttd_engine *e)
{
    e->request = true;
    e->fast_limit = 0;
}

bool ttd_take_request(ttd_engine *e)
{
    bool was = e->request;
    e->request = false;
    return was;
}

void ttd_stop_after_access(ttd_engine *e)
{
    e->stop_after = true;
}

void ttd_keep_reading(ttd_engine *e, uint64_t value, int slope, uint64_t clock_ns, int64_t offset_ns,
                      uint64_t hz, uint64_t divider, uint64_t until_step)
{
    steady r = { .address = e->io_address, .value = value, .clock_ns = clock_ns, .hz = hz,
                 .divider = divider, .until = until_step, .offset_ns = offset_ns,
                 .size = e->io_size, .slope = slope, .privileged = privileged_access(e) };
    int i;
    r.ticks = ticks_of(&r, e->io_step);
    e->kept = true;
    for (i = 0; i < e->nsteadies; i++)
        if (e->steadies[i].address == r.address && e->steadies[i].size == r.size)
            break;
    if (i == MAX_STEADY)
        i = 0;
    e->steadies[i] = r;
    if (i == e->nsteadies)
        e->nsteadies++;
}

void ttd_fail(ttd_engine *e, int how)
{
    e->failed = how;
}

void ttd_open_burst(ttd_engine *e, uint64_t lo, uint64_t hi, bool write, const uint8_t *words,
                    uint32_t count)
{
    burst *b = &e->burst;
    b->lo = lo;
    b->hi = hi;
    b->write = write;
    b->at = 0;
    b->count = count < MAX_BURST ? count : MAX_BURST;
    if (!write)
        memcpy(b->words, words, 4 * (size_t)b->count);
}

void ttd_watch_masks(ttd_engine *e, bool on)
{
    e->masks_on = on;
    e->masks = 0;
    if (on && is_riscv(e)) {
        e->masks = riscv_masks(e);
    } else if (on) {
        int ids[] = { UC_ARM_REG_PRIMASK, UC_ARM_REG_FAULTMASK, UC_ARM_REG_BASEPRI };
        uint64_t m[3] = { 0 };
        if (e->isa == ISA_THUMB)
            ttd_regs_read(e, ids, m, 3);
        e->masks = (uint32_t)((m[0] & 1) | (m[1] & 1) << 1 | (m[2] & 0xff) << 8);
    }
    set_fast_limit(e);
}

/* ---- stops -------------------------------------------------------------------------- */

void ttd_set_breakpoints(ttd_engine *e, const uint64_t *addresses, int count)
{
    free(e->breaks);
    e->breaks = malloc(sizeof(uint64_t) * (count ? count : 1));
    memcpy(e->breaks, addresses, sizeof(uint64_t) * count);
    e->nbreaks = count;
    forget_blocks(e);
}

/* One instruction's accesses go up by at most 64 bytes: the page before a watched place is
 * trapped too if it is that near, so that all of them are looked at before the first is done. */
int ttd_set_watchpoints(ttd_engine *e, const uint64_t *lo, const uint64_t *hi, const int *kinds,
                        const int *changes_only, int count)
{
    int i;
    free(e->watches);
    e->watches = malloc(sizeof(watch) * (count ? count : 1));
    e->nwatches = count;
    memset(e->watched, 0, e->npages);
    for (i = 0; i < count; i++) {
        uint64_t at = e->isa == ISA_THUMB ? canonical(e, lo[i]) : lo[i], end = at + (hi[i] - lo[i]);
        e->watches[i] = (watch){ at, end, lo[i] - at, kinds[i], changes_only[i] };
        if (e->isa != ISA_THUMB)
            continue;                     /* `watched_kinds` compares with what the guest sees */
        at = (at < 63 ? 0 : at - 63) & ~(uint64_t)(e->page_size - 1);
        for (; at < end; at += e->page_size) {
            region *r = find_region(e, at);
            if (r && r->kind != REGION_MMIO)
                e->watched[page_of(e, r, at)] |= (uint8_t)kinds[i];
        }
    }
    flush_tlb(e);
    return 0;
}

void ttd_set_scan(ttd_engine *e, bool scan)
{
    e->scan = scan;
    e->scan_break.step = e->scan_watch.step = NEVER;
}

void ttd_skip_stops_at(ttd_engine *e, uint64_t step)
{
    e->skip_step = step;
}

int ttd_hits(ttd_engine *e, ttd_hit *last_break, ttd_hit *last_watch)
{
    *last_break = e->scan_break;
    *last_watch = e->scan_watch;
    return (e->scan_break.step != NEVER) | (e->scan_watch.step != NEVER) << 1;
}

void ttd_watch_hit(ttd_engine *e, ttd_hit *out)
{
    *out = e->hit;
}

/* ---- pages, from the host's side ---------------------------------------------------- */

uint8_t *ttd_page_flags(ttd_engine *e) { return e->flags; }

int ttd_collect(ttd_engine *e, int mask, uint32_t *out, int room)
{
    uint64_t wide = 0x0101010101010101ull * (uint8_t)mask;
    uint32_t page = 0;
    int n = 0;
    while (page < e->npages && n < room) {
        uint64_t eight;
        if (!(page & 7) && page + 8 <= e->npages) {
            memcpy(&eight, e->flags + page, 8);
            if (!(eight & wide)) {
                page += 8;
                continue;
            }
        }
        if (e->flags[page] & mask)
            out[n++] = page;
        page++;
    }
    return n;
}

void ttd_new_interval(ttd_engine *e)
{
    uint32_t page;
    for (page = 0; page < e->npages; page++)
        e->flags[page] &= PAGE_EVER_EXEC | PAGE_SPLIT;
    if (is_riscv(e))
        riscv_forget_seen(e);
    flush_tlb(e);
}

int ttd_page_restored(ttd_engine *e, uint32_t page, const uint8_t *data)
{
    region *r = region_of_page(e, page);
    uint64_t offset;
    uint8_t *host;
    if (!r)
        return -1;
    offset = (uint64_t)(page - r->first_page) << e->page_shift;
    host = r->host + offset;
    if (e->flags[page] & PAGE_EVER_EXEC) {
        if (!memcmp(host, data, e->page_size))
            return 0;
        memcpy(host, data, e->page_size);
        drop_code(e, r, r->base + offset, e->page_size);
    } else {
        memcpy(host, data, e->page_size);
    }
    return 0;
}

int ttd_read(ttd_engine *e, uint64_t address, uint8_t *out, int size)
{
    int done = 0;
    while (done < size) {
        region *r = find_region(e, address + done);
        uint64_t left;
        if (!r || r->kind == REGION_MMIO)
            break;
        left = r->base + r->size - (address + done);
        if (left > (uint64_t)(size - done))
            left = size - done;
        memcpy(out + done, r->host + (address + done - r->base), left);
        done += (int)left;
    }
    return done;
}

int ttd_write(ttd_engine *e, uint64_t address, const uint8_t *data, int size)
{
    int done = 0;
    while (done < size) {
        uint64_t at = address + done, left;
        region *r = find_region(e, at);
        uint32_t page;
        if (!r || r->kind == REGION_MMIO)
            break;
        left = e->page_size - (at & (e->page_size - 1));
        if (left > (uint64_t)(size - done))
            left = size - done;
        page = page_of(e, r, at);
        if (e->flags[page] & PAGE_TABLE)
            flush_tlb(e);
        memcpy(r->host + (at - r->base), data + done, left);
        e->flags[page] |= PAGE_DIRTY;
        if (e->flags[page] & PAGE_EVER_EXEC)
            drop_code(e, r, at, (uint32_t)left);
        done += (int)left;
    }
    return done;
}

void ttd_set_mpu(ttd_engine *e, bool enabled, bool privdefena, bool hfnmiena, int count,
                 const uint32_t *base, const uint64_t *size, const uint8_t *srd,
                 const uint8_t *ap, const uint8_t *xn)
{
    int i;
    e->mpu_on = enabled;
    e->mpu_background = privdefena;
    e->mpu_hfnmi = hfnmiena;
    e->nmpu = count < MAX_MPU ? count : MAX_MPU;
    for (i = 0; i < e->nmpu; i++)
        e->mpu[i] = (mpu_region){ base[i], size[i], srd[i], ap[i], xn[i] };
    if (e->running)
        e->flush_due = true;              /* after the instruction that is storing */
    else
        flush_tlb(e);
}

bool ttd_mpu_denies(ttd_engine *e, uint64_t address, int kind, int privileged)
{
    bool priv = privileged >= 0 ? privileged != 0
        : kind == ACC_FETCH ? privileged_now(e) : privileged_access(e);
    return mpu_allows(e, address, 1, kind, priv, mpu_active(e)) != 1;
}

bool ttd_is_ram(ttd_engine *e, uint64_t address, int kind)
{
    region *r = find_region(e, address);
    return r && r->kind != REGION_MMIO && !(r->kind == REGION_ROM && kind == ACC_WRITE);
}

bool ttd_access_privileged(ttd_engine *e) { return privileged_access(e); }

bool ttd_mapped(ttd_engine *e, uint64_t address, int kind)
{
    region *r = find_region(e, address);
    return r && !(r->kind == REGION_ROM && kind == ACC_WRITE)
        && !(r->kind == REGION_MMIO && kind == ACC_FETCH);
}

/* ---- registers ---------------------------------------------------------------------- */

/* Unicorn answers 0 for MSP, PSP and the masks, and drops writes to them, while the CPU is
 * unprivileged. In handler mode it is not; IPSR is lent a number for the moment. */
static bool lend_privilege(ttd_engine *e, uint32_t *xpsr)
{
    uint32_t lent;
    if (e->isa != ISA_THUMB || !unprivileged_thread(e, xpsr))
        return false;
    lent = *xpsr | 3;
    e->reg_write(e->uc, UC_ARM_REG_XPSR, &lent);
    return true;
}

static bool needs_privilege(int id)
{
    return id == UC_ARM_REG_MSP || id == UC_ARM_REG_PSP || id == UC_ARM_REG_PRIMASK
        || id == UC_ARM_REG_BASEPRI || id == UC_ARM_REG_FAULTMASK || id == UC_ARM_REG_CONTROL;
}

void ttd_regs_read(ttd_engine *e, const int *ids, uint64_t *out, int count)
{
    uint32_t xpsr;
    int i;
    if (is_riscv(e)) {
        riscv_regs_read(e, ids, out, count);
        return;
    }
    for (i = 0; i < count; i++) {
        bool lent = e->isa == ISA_THUMB && needs_privilege(ids[i]) && lend_privilege(e, &xpsr);
        out[i] = 0;
        if (ids[i] >= SYSTEM_ID)
            out[i] = system_read(e, ids[i]);
        else
            e->reg_read(e->uc, ids[i], &out[i]);
        if (lent)
            e->reg_write(e->uc, UC_ARM_REG_XPSR, &xpsr);
    }
}

void ttd_regs_write(ttd_engine *e, const int *ids, const uint64_t *values, int count)
{
    bool modes = false;
    uint32_t xpsr;
    int i;
    if (is_riscv(e)) {
        riscv_regs_write(e, ids, values, count);
        return;
    }
    for (i = 0; i < count; i++) {
        uint64_t value = values[i];
        bool special = e->isa == ISA_THUMB && (needs_privilege(ids[i]) || ids[i] == UC_ARM_REG_XPSR);
        bool lent = special && ids[i] != UC_ARM_REG_XPSR && lend_privilege(e, &xpsr);
        modes |= special;
        if (e->isa == ISA_THUMB && ids[i] == UC_ARM_REG_PC)
            value = (value & ~1ull) | (reg32(e, UC_ARM_REG_XPSR) >> 24 & 1);
        if (ids[i] >= SYSTEM_ID)
            system_write(e, ids[i], value);
        else if (e->isa == ISA_X64 && is_selector(ids[i]))
            selector_write(e, ids[i], value);
        else
            e->reg_write(e->uc, ids[i], &value);
        if (lent)
            e->reg_write(e->uc, UC_ARM_REG_XPSR, &xpsr);
    }
    if (modes) {
        /* Writing the flags through this register is what makes Unicorn derive the translation
         * flags (privilege, handler mode) anew. */
        xpsr = reg32(e, UC_ARM_REG_XPSR) & 0xf0000000;
        e->reg_write(e->uc, UC_ARM_REG_APSR_NZCV, &xpsr);
        if (e->mpu_on)
            flush_tlb(e);
    }
}

/* A RISC-V's modes have been exchanged as a whole. */
static void modes_replaced(ttd_engine *e)
{
    if (is_riscv(e)) {
        e->modes_stale = true;
        flush_tlb(e);
    }
}

void ttd_reset_registers(ttd_engine *e)
{
    e->context_restore(e->uc, e->pristine);
    modes_replaced(e);
}

/* The pristine state is privileged, in thread mode, its monitor open: no register is hidden there.
 * From handler mode SPSEL could not be written, for one. */
void ttd_load_state(ttd_engine *e, const uint64_t *values)
{
    int i, plain = e->nstate - e->nwide;
    e->context_restore(e->uc, e->pristine);
    ttd_regs_write(e, e->state_regs, values, plain);
    for (i = 0; i < e->nwide; i++)
        e->reg_write(e->uc, e->state_regs[plain + i], values + plain + 2 * i);
    modes_replaced(e);
}

void ttd_save_state(ttd_engine *e, uint64_t *values)
{
    int i, plain = e->nstate - e->nwide;
    ttd_regs_read(e, e->state_regs, values, plain);
    memset(values + plain, 0, 16 * (size_t)e->nwide);
    for (i = 0; i < e->nwide; i++)
        e->reg_read(e->uc, e->state_regs[plain + i], values + plain + 2 * i);
}

void ttd_wide_read(ttd_engine *e, int id, uint64_t *out)
{
    out[0] = out[1] = 0;
    e->reg_read(e->uc, id, out);
}

void ttd_wide_write(ttd_engine *e, int id, const uint64_t *value)
{
    e->reg_write(e->uc, id, value);
}

/* Registers cannot express the exclusive monitor. */
void ttd_clear_exclusive(ttd_engine *e)
{
    uint64_t values[2 * MAX_STATE];
    ttd_save_state(e, values);
    ttd_load_state(e, values);
}

/* Unicorn's contexts leave out the floating-point flags of a RISC-V. */
typedef struct { uc_context *registers; uint64_t fcsr; } context;
static const int fcsr_id = UC_RISCV_REG_FCSR;

void *ttd_context_new(ttd_engine *e)
{
    context *c = calloc(1, sizeof *c);
    if (c && e->context_alloc(e->uc, &c->registers)) {
        free(c);
        c = NULL;
    }
    return c;
}

void ttd_context_save(ttd_engine *e, void *to)
{
    context *c = to;
    if (is_riscv(e))
        riscv_regs_read(e, &fcsr_id, &c->fcsr, 1);
    e->context_save(e->uc, c->registers);
}

void ttd_context_restore(ttd_engine *e, void *from)
{
    context *c = from;
    if (is_riscv(e))
        riscv_regs_write(e, &fcsr_id, &c->fcsr, 1);
    e->context_restore(e->uc, c->registers);
    modes_replaced(e);
    if (e->mpu_on)                        /* the MPU may apply differently to what it brings */
        flush_tlb(e);
}

void ttd_context_free(ttd_engine *e, void *context_)
{
    context *c = context_;
    e->context_free(c->registers);
    free(c);
}

/* ---- life --------------------------------------------------------------------------- */

const char *ttd_problem(ttd_engine *e) { return e->problem; }

ttd_engine *ttd_new(const char *libunicorn, void *uc, int isa, uint32_t page_size,
                    uint64_t window_base, uint32_t window_pages, void *handle)
{
    ttd_engine *e = calloc(1, sizeof *e);
    e->handle = handle;
    e->uc = uc;
    e->isa = isa;
    e->page_size = page_size;
    e->page_shift = (uint32_t)__builtin_ctz(page_size);
    e->window_base = window_base;
    e->window_pages = window_pages;
    e->cache = malloc(sizeof(block_info) << CACHE_BITS);
    forget_blocks(e);
    e->slots = calloc(window_pages, sizeof *e->slots);
    e->slot_table = calloc(2 * window_pages, sizeof *e->slot_table);
    e->modes_stale = true;
    e->nspaces = 1;
    e->breaks = malloc(8);
    e->watches = malloc(sizeof(watch));
    e->skip_step = e->token_step = NEVER;
    ttd_set_scan(e, false);
    e->lib = dlopen(libunicorn, RTLD_NOW | RTLD_LOCAL);
    if (!e->lib) {
        e->problem = "the Unicorn library does not load";
        return e;
    }
#define FIND(field, name) \
    if (!(*(void **)&e->field = dlsym(e->lib, name))) e->problem = "Unicorn lacks " name
    FIND(emu_start, "uc_emu_start");
    FIND(emu_stop, "uc_emu_stop");
    FIND(reg_read, "uc_reg_read");
    FIND(reg_write, "uc_reg_write");
    FIND(hook_add, "uc_hook_add");
    FIND(ctl, "uc_ctl");
    FIND(mmio_map, "uc_mmio_map");
    FIND(mem_protect, "uc_mem_protect");
    FIND(mem_map_ptr, "uc_mem_map_ptr");
    FIND(context_alloc, "uc_context_alloc");
    FIND(context_save, "uc_context_save");
    FIND(context_restore, "uc_context_restore");
    FIND(context_free, "uc_context_free");
#undef FIND
    return e;
}

void ttd_free(ttd_engine *e)
{
    if (e->pristine)
        e->context_free(e->pristine);
    if (e->scratch)
        e->context_free(e->scratch);
    if (e->lent)
        e->context_free(e->lent);
    free(e->cache);
    free(e->flags);
    free(e->watched);
    free(e->translated);
    free(e->slot_table);
    riscv_free(e);
    free(e->slots);
    free(e->breaks);
    free(e->watches);
    free(e);
}

/* The hook is bounded to the trapped range: a page that any memory hook covers never leaves
 * Unicorn's slow path for stores (uc_mem_hook_installed in its cputlb.c). */
static int trap_accesses(ttd_engine *e, uint64_t base, uint64_t size)
{
    uc_hook hook;
    int err = e->mem_protect(e->uc, base, size, UC_PROT_NONE);
    return err ? err : (int)e->hook_add(e->uc, &hook, UC_HOOK_MEM_READ_PROT | UC_HOOK_MEM_WRITE_PROT,
                                        on_prot, e, base, base + size - 1);
}

int ttd_add_region(ttd_engine *e, int kind, uint64_t base, uint64_t size, uint8_t *host,
                   uint64_t canonical, uint32_t first_page)
{
    region *r = &e->regions[e->nregions];
    if (e->nregions == MAX_REGIONS)
        return UC_ERR_NOMEM;
    *r = (region){ kind == REGION_FLASH ? REGION_ROM : kind, base, size, canonical, host, first_page,
                   kind == REGION_FLASH };
    e->nregions++;
    if (kind == REGION_MMIO) {
        int err = e->mmio_map(e->uc, base, size, on_mmio_read, e, on_mmio_write, e);
        return err ? err : trap_accesses(e, base, size);
    }
    if (canonical != base)
        return UC_ERR_OK;
    if (first_page + (size >> e->page_shift) > e->npages)
        e->npages = first_page + (uint32_t)(size >> e->page_shift);
    return e->mem_map_ptr(e->uc, base, size, UC_PROT_ALL, host);
}

int ttd_start(ttd_engine *e, const int *state_regs, int count, int wide)
{
    uc_hook hook;
    int err;
    e->flags = calloc(e->npages + 8, 1);
    e->watched = calloc(e->npages + 8, 1);
    e->translated = calloc(((size_t)e->npages << e->page_shift >> 4) + 8, 1);
    memcpy(e->state_regs, state_regs, sizeof(int) * count);
    e->nstate = count;
    e->nwide = wide;
    if ((err = e->mmio_map(e->uc, e->window_base, (uint64_t)e->window_pages << e->page_shift,
                           on_window_read, e, on_window_write, e))
        || (err = e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_TLB_TYPE, 1), UC_TLB_VIRTUAL))
        || (err = e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_UC_USE_EXITS, 1), 1))
        || (err = e->hook_add(e->uc, &hook, UC_HOOK_TLB_FILL, on_fill, e, 1, 0))
        || (err = e->hook_add(e->uc, &hook, UC_HOOK_BLOCK, on_block, e, 1, 0))
        || (err = e->hook_add(e->uc, &hook, UC_HOOK_INTR, on_interrupt, e, 1, 0))
        || (err = flat_start(e))
        || (err = trap_accesses(e, e->window_base,
                                (uint64_t)e->window_pages << e->page_shift))
        || (err = e->context_alloc(e->uc, &e->pristine))
        || (err = e->context_alloc(e->uc, &e->scratch))
        || (err = e->context_alloc(e->uc, &e->lent)))
        return err;
    if (is_riscv(e) && !riscv_start(e))
        return UC_ERR_NOMEM;
    e->context_save(e->uc, e->pristine);
    return 0;
}
