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
#include "native.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unicorn/unicorn.h>

enum { ISA_THUMB, ISA_RISCV, ISA_A64 };

#define CACHE_BITS 16
#define MAX_REGIONS 64
#define MAX_TOKENS 32
#define MAX_MPU 16
#define MAX_STATE 96
#define IT_BITS 0x0600fc00u

typedef struct { uint64_t pc; uint32_t size; uint16_t n; uint8_t slow, it_store; } block_info;
typedef struct {
    int kind;
    uint64_t base, size, canonical;
    uint8_t *host;
    uint32_t first_page;
} region;
typedef struct { uint64_t lo, hi; int kinds, changes_only; } watch;
typedef struct { uint64_t address, value; int size, write; } token;
typedef struct { uint32_t base; uint64_t size; uint8_t srd, ap, xn; } mpu_region;

struct ttd_engine {
    /* Read by every block: kept together. */
    uint64_t steps;       /* steps completed before the current block */
    volatile uint64_t fast_limit;
    block_info *cache;
    uint64_t blk_pc;
    uint32_t blk_size, blk_n;
    block_info *blk;

    void *lib, *handle;
    uc_engine *uc;
    int isa;
    const char *problem;
    uint32_t page_size, page_shift;
    uc_err (*emu_start)(uc_engine *, uint64_t, uint64_t, uint64_t, size_t);
    uc_err (*emu_stop)(uc_engine *);
    uc_err (*reg_read)(uc_engine *, int, void *);
    uc_err (*reg_write)(uc_engine *, int, const void *);
    uc_err (*hook_add)(uc_engine *, uc_hook *, int, void *, void *, uint64_t, uint64_t, ...);
    uc_err (*ctl)(uc_engine *, uc_control_type, ...);
    uc_err (*mmio_map)(uc_engine *, uint64_t, size_t, uc_cb_mmio_read_t, void *,
                       uc_cb_mmio_write_t, void *);
    uc_err (*mem_protect)(uc_engine *, uint64_t, size_t, uint32_t);
    uc_err (*mem_map_ptr)(uc_engine *, uint64_t, size_t, uint32_t, void *);
    uc_err (*context_alloc)(uc_engine *, uc_context **);
    uc_err (*context_save)(uc_engine *, uc_context *);
    uc_err (*context_restore)(uc_engine *, uc_context *);
    uc_err (*context_free)(uc_context *);

    region regions[MAX_REGIONS];
    int nregions, last_region;
    uint32_t npages;
    uint8_t *flags;               /* PAGE_... by page number */
    uint8_t *watched;             /* page number -> kinds watched somewhere on the page */
    uint32_t *page_slot;          /* page number -> window slot + 1 */
    uint32_t *slot_page;          /* window slot -> page number */
    uint64_t *slot_vaddr;         /* window slot -> address the guest used */
    uint64_t window_base;
    uint32_t window_pages, window_used;

    uint64_t limit;               /* of the run under way */
    volatile bool request;
    bool masks_on, running;
    uint32_t masks;
    int why, code;
    uint64_t fault_address;
    bool fault_exact, quiet;
    uint32_t mid;                 /* stop after this many instructions of the block at PC */
    bool arm, armed, armed_abort, stop_after, write_cached;
    bool fill_fault, stopped;

    uint64_t io_step, io_pc, io_address, io_value;
    bool io_active;
    token tokens[MAX_TOKENS];
    int ntokens, itoken;
    uint64_t token_step;

    uint64_t *breaks;
    int nbreaks;
    watch *watches;
    int nwatches;
    bool scan;
    uint64_t skip_step;
    ttd_hit hit, scan_break, scan_watch, block_break;
    bool have_block_break;

    bool mpu_on, mpu_background, mpu_hfnmi;
    mpu_region mpu[MAX_MPU];
    int nmpu;

    int state_regs[MAX_STATE];
    int nstate;
    uc_context *pristine, *scratch;
};

extern uint64_t ttd_host_read(void *handle, uint64_t address, int size);
extern int ttd_host_write(void *handle, uint64_t address, int size, uint64_t value);
extern int ttd_host_failed(void *handle);

/* ---- small things ------------------------------------------------------------------- */

static uint32_t reg32(ttd_engine *e, int id)
{
    uint32_t value = 0;
    e->reg_read(e->uc, id, &value);
    return value;
}

static int pc_id(ttd_engine *e)
{
    return e->isa == ISA_THUMB ? UC_ARM_REG_PC : e->isa == ISA_RISCV ? UC_RISCV_REG_PC : UC_ARM64_REG_PC;
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

static region *find_region(ttd_engine *e, uint64_t address)
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

static uint32_t page_of(ttd_engine *e, region *r, uint64_t address)
{
    return r->first_page + (uint32_t)((address - r->base) >> e->page_shift);
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

static uint8_t *host_pointer(ttd_engine *e, uint64_t address)
{
    region *r = find_region(e, address);
    return r && r->kind != REGION_MMIO ? r->host + (address - r->base) : NULL;
}

static int insn_length(ttd_engine *e, const uint8_t *code)
{
    switch (e->isa) {
    case ISA_THUMB: return (code[1] >> 3) >= 0x1d ? 4 : 2;
    case ISA_RISCV: return (code[0] & 3) == 3 ? 4 : 2;
    default: return 4;
    }
}

static bool is_thumb_store(const uint8_t *code, int length)
{
    uint32_t a = code[0] | code[1] << 8;
    if (length == 2)
        return (a & 0xf000) == 0x5000 || (a & 0xe800) == 0x6000 || (a & 0xf800) == 0x8000
            || (a & 0xf800) == 0x9000 || (a & 0xf800) == 0xc000 || (a & 0xfe00) == 0xb400;
    return (a & 0xfe00) == 0xe800 || (a & 0xff10) == 0xf800 || (a & 0xec00) == 0xec00;
}

/* ---- blocks ------------------------------------------------------------------------- */

static void decode_block(ttd_engine *e, block_info *b, uint64_t pc, uint32_t size)
{
    uint8_t *code = host_pointer(e, pc);
    uint32_t offset = 0, n = 0, it_left = 0;
    int i;
    b->pc = pc;
    b->size = size;
    b->slow = b->it_store = 0;
    if (e->isa == ISA_THUMB)
        it_left = it_state(e) ? 4 : 0;     /* begun inside an IT block: suppose all of it */
    while (code && offset < size) {
        int length = insn_length(e, code + offset);
        if (e->isa == ISA_THUMB) {
            if (it_left) {
                it_left--;
                if (is_thumb_store(code + offset, length))
                    b->it_store = b->slow = 1;
            }
            if (length == 2 && code[offset + 1] == 0xbf && (code[offset] & 15))
                it_left = 4;
        }
        offset += length;
        n++;
    }
    b->n = n;
    for (i = 0; i < e->nbreaks; i++)
        if (e->breaks[i] - pc < size)
            b->slow = 1;
}

static int index_of(ttd_engine *e, uint64_t start, uint64_t pc)
{
    uint8_t *code = host_pointer(e, start);
    uint64_t at = start;
    int n = 0;
    while (code && at < pc) {
        int length = insn_length(e, code);
        code += length;
        at += length;
        n++;
    }
    return n;
}

static uint64_t address_of(ttd_engine *e, uint64_t start, uint32_t index)
{
    uint8_t *code = host_pointer(e, start);
    while (code && index--) {
        int length = insn_length(e, code);
        code += length;
        start += length;
    }
    return start;
}

static uint32_t read_masks(ttd_engine *e)
{
    if (e->isa != ISA_THUMB)
        return 0;
    return (reg32(e, UC_ARM_REG_PRIMASK) & 1) | (reg32(e, UC_ARM_REG_FAULTMASK) & 1) << 1
        | (reg32(e, UC_ARM_REG_BASEPRI) & 0xff) << 8 | (reg32(e, UC_ARM_REG_CONTROL) & 1) << 2;
}

static void stop(ttd_engine *e, int why)
{
    e->stopped = true;
    e->why = why;
    e->emu_stop(e->uc);
}

/* The block just announced needs a closer look. */
static void slow_block(ttd_engine *e, block_info *b)
{
    uint64_t room = e->limit - e->steps;
    int i, why = WHY_BUDGET;
    if (e->request) {
        e->blk_n = 0;
        stop(e, WHY_REQUEST);
        return;
    }
    if (e->masks_on && read_masks(e) != e->masks) {
        e->blk_n = 0;
        stop(e, WHY_MASKS);
        return;
    }
    if (b->it_store && e->write_cached) {
        e->write_cached = false;
        e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_TLB_FLUSH, 0));
    }
    if (b->slow && e->nbreaks) {
        for (i = 0; i < e->nbreaks; i++) {
            uint64_t k;
            if (e->breaks[i] - b->pc >= b->size)
                continue;
            k = index_of(e, b->pc, e->breaks[i]);
            if (address_of(e, b->pc, (uint32_t)k) != e->breaks[i])
                continue;           /* in the middle of an instruction */
            if (e->scan) {
                if (k < room && (!e->have_block_break || e->block_break.step <= e->steps + k)) {
                    e->have_block_break = true;
                    e->block_break = (ttd_hit){ .step = e->steps + k, .pc = e->breaks[i], .id = i };
                }
            } else if (e->steps + k != e->skip_step && k < room) {
                room = k;
                why = WHY_BREAKPOINT;
            }
        }
    }
    if (room == 0) {
        e->blk_n = 0;
        stop(e, why);
    } else if (room < b->n) {
        e->mid = (uint32_t)room;
        e->blk_n = 0;
        stop(e, WHY_BUDGET);
    }
}

static void confirm_break(ttd_engine *e, uint64_t up_to)
{
    if (e->have_block_break && e->block_break.step <= up_to)
        e->scan_break = e->block_break;
    e->have_block_break = false;
}

static void on_block(uc_engine *uc, uint64_t pc, uint32_t size, void *user)
{
    ttd_engine *e = user;
    block_info *b = &e->cache[(pc >> 1) & ((1u << CACHE_BITS) - 1)];
    (void)uc;
    e->steps += e->blk_n;
    if (__builtin_expect(e->have_block_break, 0))
        confirm_break(e, e->steps);
    if (__builtin_expect(b->pc != pc || b->size != size, 0))
        decode_block(e, b, pc, size);
    e->blk_pc = pc;
    e->blk_size = size;
    e->blk_n = b->n;
    e->blk = b;
    if (__builtin_expect(e->steps + b->n > e->fast_limit || b->slow, 0))
        slow_block(e, b);
}

static void on_interrupt(uc_engine *uc, uint32_t number, void *user)
{
    ttd_engine *e = user;
    (void)uc;
    e->code = (int)number;
    stop(e, WHY_EXCEPTION);
}

/* ---- the MPU ------------------------------------------------------------------------ */

static bool privileged_now(ttd_engine *e)
{
    return e->isa != ISA_THUMB || (reg32(e, UC_ARM_REG_XPSR) & 0x1ff)
        || !(reg32(e, UC_ARM_REG_CONTROL) & 1);
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
                && !(kind == ACC_FETCH && (e->mpu[i].xn || default_map_xn(at)));
        if (verdict == -2)
            verdict = ok;
        else if (verdict != ok)
            return -1;
        at = end;
    }
    return verdict;
}

/* ---- pages -------------------------------------------------------------------------- */

static uint64_t window_address(ttd_engine *e, uint32_t page, uint64_t vaddr)
{
    uint32_t slot = e->page_slot[page];
    if (!slot) {
        if (e->window_used == e->window_pages) {
            e->problem = "too many trapped pages";
            return 0;
        }
        slot = ++e->window_used;
        e->page_slot[page] = slot;
        e->slot_page[slot - 1] = page;
    }
    e->slot_vaddr[slot - 1] = vaddr;
    return e->window_base + ((uint64_t)(slot - 1) << e->page_shift);
}

static bool refuse(ttd_engine *e, int kind, uint64_t address)
{
    e->fill_fault = true;
    e->code = kind;
    e->fault_address = address;
    e->fault_exact = false;
    return false;
}

static bool on_fill(uc_engine *uc, uint64_t vaddr, uc_mem_type type, uc_tlb_entry *out, void *user)
{
    ttd_engine *e = user;
    region *r = find_region(e, vaddr);
    int kind = type == UC_MEM_WRITE ? ACC_WRITE : type == UC_MEM_FETCH ? ACC_FETCH : ACC_READ;
    uint32_t page;
    uint8_t *flags;
    bool trap;
    int allowed = 1;
    (void)uc;

    if (!r || (r->kind == REGION_ROM && kind == ACC_WRITE)
        || (r->kind == REGION_MMIO && kind == ACC_FETCH))
        return e->quiet ? false : refuse(e, kind, vaddr);
    if (e->quiet) {                       /* Unicorn looks a page up to drop translated code */
        out->paddr = r->canonical + (vaddr - r->base);
        out->perms = UC_PROT_READ | UC_PROT_EXEC;
        return r->kind != REGION_MMIO;
    }
    if (e->mpu_on || kind == ACC_FETCH) {
        allowed = mpu_allows(e, vaddr, e->page_size, kind, privileged_now(e), mpu_active(e));
        if (allowed == 0)
            return refuse(e, kind, vaddr);
    }
    if (r->kind == REGION_MMIO) {
        trap = true;
        out->paddr = vaddr;
    } else {
        page = page_of(e, r, vaddr);
        flags = &e->flags[page];
        if (kind == ACC_FETCH) {
            if (!(*flags & PAGE_EVER_EXEC)) {
                /* Entries that let stores through unseen may exist: from now on they must not. */
                *flags |= PAGE_EVER_EXEC;
                e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_TLB_FLUSH, 0));
            }
            *flags |= PAGE_EXEC;
            out->paddr = r->canonical + (vaddr - r->base);
            out->perms = UC_PROT_EXEC;
            if (!(e->watched[page] & ACC_READ)
                && (!e->mpu_on || mpu_allows(e, vaddr, e->page_size, ACC_READ, privileged_now(e),
                                             mpu_active(e)) == 1)) {
                *flags |= PAGE_READ;
                out->perms |= UC_PROT_READ;
            }
            forget_it(e);
            return true;
        }
        trap = allowed < 0 || (e->watched[page] & kind)
            || (kind == ACC_WRITE && ((*flags & PAGE_EVER_EXEC) || (e->watched[page] & ACC_READ)));
        *flags |= PAGE_READ;
        if (kind == ACC_WRITE)
            *flags |= PAGE_DIRTY;
        if (trap) {
            out->paddr = window_address(e, page, vaddr);
            if (!out->paddr)
                return refuse(e, kind, vaddr);
        } else {
            out->paddr = r->canonical + (vaddr - r->base);
            out->perms = UC_PROT_READ;
            if ((*flags & PAGE_DIRTY) && !(*flags & PAGE_EVER_EXEC) && !e->watched[page]
                && r->kind == REGION_RAM && (kind == ACC_WRITE || !e->mpu_on))
                out->perms |= UC_PROT_WRITE;
            if (kind == ACC_WRITE && (e->watched[page] & ACC_READ))
                out->perms &= ~UC_PROT_READ;
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
            out->perms |= UC_PROT_WRITE;
            e->write_cached = true;
        }
    }
    forget_it(e);
    return true;
}

/* ---- trapped accesses --------------------------------------------------------------- */

static void drop_code(ttd_engine *e, uint64_t address, uint32_t size)
{
    uint64_t page = address & ~(uint64_t)(e->page_size - 1);
    uint64_t at = page >= e->page_size ? page - e->page_size : 0, end = address + size;
    for (; at < end; at += 2) {
        block_info *b = &e->cache[(at >> 1) & ((1u << CACHE_BITS) - 1)];
        if (b->pc == at)
            b->size = 0;
    }
    e->quiet = true;
    e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_TB_REMOVE_CACHE, 2), address, address + size);
    e->quiet = false;
}

/* True when the access at `address` is to stop the run, or is noted (scan). */
static bool watched_access(ttd_engine *e, uint64_t address, int size, int kind, uint64_t value,
                           const uint8_t *old)
{
    bool hit_any = false;
    int i, j;
    for (i = 0; i < e->nwatches; i++) {
        watch *w = &e->watches[i];
        if (!(w->kinds & kind) || address >= w->hi || address + size <= w->lo)
            continue;
        if (kind == ACC_WRITE && w->changes_only && old) {
            bool changes = false;
            for (j = 0; j < size; j++)
                if (address + j >= w->lo && address + j < w->hi
                    && old[j] != (uint8_t)(value >> 8 * j))
                    changes = true;
            if (!changes)
                continue;
        }
        ttd_hit hit = { .step = e->io_step, .pc = e->io_pc, .address = address, .value = value,
                        .size = size, .kind = kind, .id = i };
        if (e->scan) {
            e->scan_watch = hit;
            continue;
        }
        if (e->io_step == e->skip_step)
            continue;
        if (!hit_any)
            e->hit = hit;
        hit_any = true;
    }
    return hit_any;
}

static void fault_at(ttd_engine *e, int kind, uint64_t address)
{
    e->why = WHY_FAULT;
    e->code = kind;
    e->fault_address = address;
    e->fault_exact = true;
}

static bool give_up(ttd_engine *e, bool write)
{
    if (write) {
        if (e->armed)
            e->armed_abort = true;
        e->emu_stop(e->uc);
    }
    return false;
}

static bool on_prot(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value,
                    void *user)
{
    ttd_engine *e = user;
    bool write = type == UC_MEM_WRITE_PROT, window;
    int kind = write ? ACC_WRITE : ACC_READ;
    uint8_t *host = NULL;
    uint64_t paddr = address;
    uint32_t page = 0;
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
    window = address - e->window_base < ((uint64_t)e->window_pages << e->page_shift);
    if (window) {
        uint32_t slot = (uint32_t)((address - e->window_base) >> e->page_shift);
        region *r;
        page = e->slot_page[slot];
        r = region_of_page(e, page);
        address = e->slot_vaddr[slot] + (address & (e->page_size - 1));
        host = r->host + ((uint64_t)(page - r->first_page) << e->page_shift)
            + (address & (e->page_size - 1));
    } else if (address & ((size > 4 ? 4 : size) - 1)) {
        fault_at(e, kind, address);       /* DDI0403E A3.2.1: unaligned to Device memory */
        return give_up(e, write);
    }
    if (e->mpu_on && mpu_allows(e, address, size, kind, privileged_now(e), mpu_active(e)) != 1) {
        fault_at(e, kind, address);
        return give_up(e, write);
    }
    if (window) {
        if (e->nwatches) {
            uint64_t seen = (uint64_t)value;
            if (!write)
                memcpy(&seen, host, size > 8 ? 8 : size);
            if (watched_access(e, address, size, kind, seen, write ? host : NULL)) {
                e->why = WHY_WATCH;
                return give_up(e, write);
            }
        }
        if (write && (e->flags[page] & PAGE_EVER_EXEC)
            && paddr - e->window_base < ((uint64_t)e->window_pages << e->page_shift)
            && address + size > e->io_pc && address < e->blk_pc + e->blk_size && !e->armed) {
            /* The rest of this very block changes: run the store alone, then translate anew. */
            e->arm = true;
            return give_up(e, write);
        }
        forget_it(e);
        return true;
    }

    /* A device register. */
    if (e->token_step != e->io_step) {
        e->token_step = e->io_step;
        e->ntokens = e->itoken = 0;
    }
    if (e->itoken < e->ntokens) {
        token *t = &e->tokens[e->itoken];
        if (t->address == address && t->size == size && t->write == write) {
            e->itoken++;
            e->io_address = address;
            e->io_value = t->value;
            forget_it(e);
            return true;
        }
    }
    if (e->nwatches) {
        if (watched_access(e, address, size, kind, (uint64_t)value, NULL)) {
            e->why = WHY_WATCH;
            return give_up(e, write);
        }
    }
    e->io_active = true;
    e->stop_after = false;
    if (write) {
        if (ttd_host_write(e->handle, address, size, (uint64_t)value))
            fault_at(e, kind, address);
    } else {
        e->io_value = ttd_host_read(e->handle, address, size);
    }
    e->io_active = false;
    switch (ttd_host_failed(e->handle)) {
    case 0: break;
    case 1: fault_at(e, kind, address); break;
    default: e->why = WHY_HOST_ERROR; break;
    }
    if (e->why)
        return give_up(e, write);
    e->io_address = address;
    if (e->ntokens < MAX_TOKENS) {
        e->tokens[e->ntokens++] = (token){ address, e->io_value, size, write };
        e->itoken = e->ntokens;
    }
    if (e->stop_after && !e->armed) {
        e->arm = true;
        return give_up(e, write);
    }
    forget_it(e);
    return true;
}

static uint64_t on_mmio_read(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
    ttd_engine *e = user;
    uint64_t value = e->io_value;
    (void)uc;
    if (size == 4 && e->io_address + 4 == (e->io_address & ~(uint64_t)0xfff) + (offset & 0xfff))
        value >>= 32;
    return value;
}

static void on_mmio_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    (void)uc, (void)offset, (void)size, (void)value, (void)user;    /* done in on_prot */
}

static uint64_t on_window_read(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
    ttd_engine *e = user;
    uint32_t page = e->slot_page[offset >> e->page_shift];
    region *r = region_of_page(e, page);
    uint64_t value = 0;
    (void)uc;
    memcpy(&value, r->host + ((uint64_t)(page - r->first_page) << e->page_shift)
                       + (offset & (e->page_size - 1)), size);
    return value;
}

static void on_window_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    ttd_engine *e = user;
    uint32_t page = e->slot_page[offset >> e->page_shift];
    region *r = region_of_page(e, page);
    uint64_t in_region = ((uint64_t)(page - r->first_page) << e->page_shift)
        + (offset & (e->page_size - 1));
    (void)uc;
    if (e->why || e->arm)
        return;
    memcpy(r->host + in_region, &value, size);
    e->flags[page] |= PAGE_DIRTY;
    if (e->flags[page] & PAGE_EVER_EXEC)
        drop_code(e, r->base + in_region, size);
}

/* ---- running ------------------------------------------------------------------------ */

static void set_exits(ttd_engine *e, uint64_t *address, size_t count)
{
    e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_UC_EXITS, 2), address, count);
}

static bool last_was_wait(ttd_engine *e, uint64_t pc)
{
    uint8_t *code = host_pointer(e, pc - 4);
    if (e->isa == ISA_THUMB) {
        if (!code)
            return (code = host_pointer(e, pc - 2)) && code[0] == 0x30 && code[1] == 0xbf;
        return (code[2] == 0x30 && code[3] == 0xbf)
            || (code[0] == 0xaf && code[1] == 0xf3 && code[2] == 3 && code[3] == 0x80);
    }
    return code && code[0] == 0x73 && code[1] == 0 && code[2] == 0x50 && code[3] == 0x10;
}

/* Count what the block that was under way has executed, now that PC is `pc`. */
static void account(ttd_engine *e, uint64_t pc)
{
    uint32_t done = e->blk_n;
    if (done && pc - e->blk_pc < e->blk_size)
        done = (uint32_t)index_of(e, e->blk_pc, pc);
    e->steps += done;
    confirm_break(e, e->steps);
    e->blk_n = 0;
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
    }
    e->blk_n = 0;
    e->blk = NULL;
    e->blk_size = 0;
    e->blk_pc = pc;
    err = e->emu_start(e->uc, e->isa == ISA_THUMB ? pc | (reg32(e, UC_ARM_REG_XPSR) >> 24 & 1) : pc,
                       0, 0, 0);
    if (use_exit)
        set_exits(e, &exit_at, 0);        /* Unicorn itself has dropped the block that ends there */
    return err;
}

int ttd_run(ttd_engine *e, uint64_t limit, ttd_stop *out)
{
    uint64_t run_limit = limit;
    int result = -1;
    e->limit = limit;
    e->running = true;
    while (result < 0) {
        uint64_t pc = read_pc(e), exit_at = 0, before = e->steps;
        bool use_exit = false;
        uc_err err;

        if (e->steps >= run_limit) {
            result = WHY_BUDGET;
            break;
        }
        if (e->request) {
            result = WHY_REQUEST;
            break;
        }
        e->limit = run_limit;
        if (e->arm) {
            uint8_t *code = host_pointer(e, pc);
            e->armed = true;
            e->limit = e->steps + 1;
            use_exit = code != NULL;
            exit_at = code ? pc + insn_length(e, code) : 0;
            e->context_save(e->uc, e->scratch);
        } else if (e->mid) {
            exit_at = address_of(e, pc, e->mid);
            e->limit = e->steps + e->mid;
            /* A wait instruction ends its block by itself, and must be seen to have run. */
            use_exit = !last_was_wait(e, exit_at);
        }
        e->arm = e->fill_fault = e->armed_abort = e->stop_after = e->stopped = false;
        e->mid = 0;
        e->why = 0;
        e->itoken = 0;
        e->fast_limit = e->masks_on ? 0 : e->limit;
        if (e->request)                   /* asked for after the look above */
            e->fast_limit = 0;
        err = start(e, pc, use_exit, exit_at);
        pc = read_pc(e);
        if (e->armed && e->armed_abort) {
            /* The store was swallowed; take back what else the instruction did. */
            e->context_restore(e->uc, e->scratch);
            e->blk_n = 0;
            pc = read_pc(e);
        }
        e->armed = false;
        account(e, pc);

        if (e->why == WHY_HOST_ERROR || e->why == WHY_WATCH || e->why == WHY_MASKS
            || e->why == WHY_REQUEST || e->why == WHY_EXCEPTION || e->why == WHY_BREAKPOINT
            || e->why == WHY_FAULT) {
            result = e->why;
        } else if (e->arm || e->mid) {
            continue;
        } else if (e->fill_fault) {
            result = WHY_FAULT;
        } else if (err == UC_ERR_INSN_INVALID) {
            result = WHY_INVALID;
        } else if (err != UC_ERR_OK) {
            e->problem = "Unicorn ended the run with an error of its own";
            e->code = err;
            result = WHY_HOST_ERROR;
        } else if (use_exit && pc == exit_at) {
            continue;
        } else if (!e->stopped && e->steps > before && last_was_wait(e, pc)) {
            result = WHY_WAIT;
        } else if (e->steps == before && e->steps < e->limit && !e->blk) {
            e->problem = "Unicorn does not move";
            result = WHY_HOST_ERROR;
        }
    }
    e->running = false;
    e->arm = false;
    e->mid = 0;
    out->why = result;
    out->pc = read_pc(e);
    out->code = e->code;
    out->address = e->fault_address;
    out->exact = e->fault_exact;
    if (result == WHY_FAULT && e->fill_fault)
        out->exact = false;
    return result;
}

uint64_t ttd_step(ttd_engine *e)
{
    return e->io_active ? e->io_step : e->steps;
}

void ttd_set_step(ttd_engine *e, uint64_t step)
{
    e->steps = step;
    e->token_step = UINT64_MAX;
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

void ttd_watch_masks(ttd_engine *e, bool on)
{
    e->masks_on = on;
    e->masks = on ? read_masks(e) : 0;
}

/* ---- stops -------------------------------------------------------------------------- */

static void forget_blocks(ttd_engine *e)
{
    memset(e->cache, 0xff, sizeof(block_info) << CACHE_BITS);
}

void ttd_set_breakpoints(ttd_engine *e, const uint64_t *addresses, int count)
{
    free(e->breaks);
    e->breaks = malloc(sizeof(uint64_t) * (count ? count : 1));
    memcpy(e->breaks, addresses, sizeof(uint64_t) * count);
    e->nbreaks = count;
    forget_blocks(e);
}

int ttd_set_watchpoints(ttd_engine *e, const uint64_t *lo, const uint64_t *hi, const int *kinds,
                        const int *changes_only, int count)
{
    int i;
    free(e->watches);
    e->watches = malloc(sizeof(watch) * (count ? count : 1));
    e->nwatches = count;
    memset(e->watched, 0, e->npages);
    for (i = 0; i < count; i++) {
        uint64_t at = lo[i] & ~(uint64_t)(e->page_size - 1);
        e->watches[i] = (watch){ lo[i], hi[i], kinds[i], changes_only[i] };
        for (; at < hi[i]; at += e->page_size) {
            region *r = find_region(e, at);
            if (r && r->kind != REGION_MMIO)
                e->watched[page_of(e, r, at)] |= (uint8_t)kinds[i];
        }
    }
    ttd_flush_tlb(e);
    return 0;
}

void ttd_set_scan(ttd_engine *e, bool scan)
{
    e->scan = scan;
    e->scan_break.step = e->scan_watch.step = UINT64_MAX;
    e->have_block_break = false;
}

void ttd_skip_stops_at(ttd_engine *e, uint64_t step)
{
    e->skip_step = step;
}

int ttd_hits(ttd_engine *e, ttd_hit *last_break, ttd_hit *last_watch)
{
    *last_break = e->scan_break;
    *last_watch = e->scan_watch;
    return (e->scan_break.step != UINT64_MAX) | (e->scan_watch.step != UINT64_MAX) << 1;
}

void ttd_watch_hit(ttd_engine *e, ttd_hit *out)
{
    *out = e->hit;
}

/* ---- pages, from the host's side ---------------------------------------------------- */

uint8_t *ttd_page_flags(ttd_engine *e) { return e->flags; }
uint32_t ttd_page_count(ttd_engine *e) { return e->npages; }

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
        e->flags[page] &= PAGE_EVER_EXEC;
    ttd_flush_tlb(e);
}

void ttd_flush_tlb(ttd_engine *e)
{
    e->write_cached = false;
    e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_TLB_FLUSH, 0));
}

void ttd_code_changed(ttd_engine *e, uint64_t address, uint32_t size)
{
    drop_code(e, address, size);
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
        drop_code(e, r->base + offset, e->page_size);
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
        memcpy(r->host + (at - r->base), data + done, left);
        e->flags[page] |= PAGE_DIRTY;
        if (e->flags[page] & PAGE_EVER_EXEC)
            drop_code(e, r->canonical + (at - r->base), (uint32_t)left);
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
    if (!e->running)
        ttd_flush_tlb(e);
}

bool ttd_mpu_denies(ttd_engine *e, uint64_t address, int kind, int privileged)
{
    bool priv = privileged < 0 ? privileged_now(e) : privileged != 0;
    return mpu_allows(e, address, 1, kind, priv, mpu_active(e)) != 1;
}

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
    if (e->isa != ISA_THUMB)
        return false;
    *xpsr = reg32(e, UC_ARM_REG_XPSR);
    if ((*xpsr & 0x1ff) || !(reg32(e, UC_ARM_REG_CONTROL) & 1))
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
    for (i = 0; i < count; i++) {
        bool lent = e->isa == ISA_THUMB && needs_privilege(ids[i]) && lend_privilege(e, &xpsr);
        out[i] = 0;
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
    for (i = 0; i < count; i++) {
        uint64_t value = values[i];
        bool special = e->isa == ISA_THUMB && (needs_privilege(ids[i]) || ids[i] == UC_ARM_REG_XPSR);
        bool lent = special && ids[i] != UC_ARM_REG_XPSR && lend_privilege(e, &xpsr);
        modes |= special;
        if (e->isa == ISA_THUMB && ids[i] == UC_ARM_REG_PC)
            value = (value & ~1ull) | (reg32(e, UC_ARM_REG_XPSR) >> 24 & 1);
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
            ttd_flush_tlb(e);
    }
}

/* Registers cannot express the exclusive monitor: take a state whose monitor is open and put the
 * present registers into it. */
void ttd_clear_exclusive(ttd_engine *e)
{
    uint64_t values[MAX_STATE];
    ttd_regs_read(e, e->state_regs, values, e->nstate);
    e->context_restore(e->uc, e->pristine);
    ttd_regs_write(e, e->state_regs, values, e->nstate);
}

void *ttd_context_new(ttd_engine *e)
{
    uc_context *c = NULL;
    return e->context_alloc(e->uc, &c) ? NULL : c;
}

void ttd_context_save(ttd_engine *e, void *context) { e->context_save(e->uc, context); }
void ttd_context_restore(ttd_engine *e, void *context) { e->context_restore(e->uc, context); }
void ttd_context_free(ttd_engine *e, void *context) { e->context_free(context); }

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
    e->slot_page = calloc(window_pages, sizeof *e->slot_page);
    e->slot_vaddr = calloc(window_pages, sizeof *e->slot_vaddr);
    e->breaks = malloc(8);
    e->watches = malloc(sizeof(watch));
    e->skip_step = e->token_step = UINT64_MAX;
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
    free(e->cache);
    free(e->flags);
    free(e->watched);
    free(e->page_slot);
    free(e->slot_page);
    free(e->slot_vaddr);
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
    *r = (region){ kind, base, size, canonical, host, first_page };
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

int ttd_start(ttd_engine *e, const int *state_regs, int count)
{
    uc_hook hook;
    int err;
    e->flags = calloc(e->npages + 8, 1);
    e->watched = calloc(e->npages + 8, 1);
    e->page_slot = calloc(e->npages + 1, sizeof *e->page_slot);
    memcpy(e->state_regs, state_regs, sizeof(int) * count);
    e->nstate = count;
    if ((err = e->mmio_map(e->uc, e->window_base, (uint64_t)e->window_pages << e->page_shift,
                           on_window_read, e, on_window_write, e))
        || (err = e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_TLB_TYPE, 1), UC_TLB_VIRTUAL))
        || (err = e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_UC_USE_EXITS, 1), 1))
        || (err = e->hook_add(e->uc, &hook, UC_HOOK_TLB_FILL, on_fill, e, 1, 0))
        || (err = e->hook_add(e->uc, &hook, UC_HOOK_BLOCK, on_block, e, 1, 0))
        || (err = e->hook_add(e->uc, &hook, UC_HOOK_INTR, on_interrupt, e, 1, 0))
        || (err = trap_accesses(e, e->window_base,
                                (uint64_t)e->window_pages << e->page_shift))
        || (err = e->context_alloc(e->uc, &e->pristine))
        || (err = e->context_alloc(e->uc, &e->scratch)))
        return err;
    e->context_save(e->uc, e->pristine);
    return 0;
}
