/* Exact execution on Unicorn: block counting, page sets, traps, exact stops.
 *
 * How it works (docs/engine.md has the measurements):
 * - A block hook counts instructions per translated block before the block runs. What a block
 *   that was left early has executed follows from where PC stands in it.
 * - Unicorn's virtual TLB asks `on_fill` for each page, once: that gives dirty, read and executed
 *   page sets for nothing and keeps data pages non-executable, which keeps stores fast.
 * - Device registers are an MMIO region with its permissions taken away, so that every access
 *   reaches `on_prot` first, with PC restored exactly. Watched pages, pages that hold
 *   code and pages that protection splits are redirected into such a region, the "window".
 * - An exact stop in the middle of a block is a Unicorn exit at that address for one start.
 * - A device access after which the machine must stop is done, remembered, and the instruction
 *   restarted alone ("armed"): the second time the remembered value is used.
 */
#include "internal.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/mman.h>

/* ---- stops -------------------------------------------------------------------------- */

void ttd_set_breakpoints(ttd_engine *e, const uint64_t *addresses, int count)
{
    free(e->breaks);
    e->breaks = malloc(sizeof(uint64_t) * (count ? count : 1));
    memcpy(e->breaks, addresses, sizeof(uint64_t) * count);
    e->nbreaks = count;
    forget_blocks(e);
}

static void mark_watched(ttd_engine *e, uint32_t page, uint32_t last, int kinds)
{
    for (; page <= last; page++)
        e->watched[page] |= (uint8_t)kinds;
}

/* An instruction stores to up to 64 bytes from its first access on. If that one is before twice as many, it
 * cannot come to [at, last], nor can what is taken for its first since it is the first behind that. */
static void widen_stores(ttd_engine *e, uint64_t at, uint64_t last)
{
    uint64_t lo = at < 128 ? 0 : at - 128;
    if (lo < e->stores_lo)
        e->stores_lo = lo;
    if (last > e->stores_last)
        e->stores_last = last;
}

/* One instruction's accesses go up by at most 64 bytes: the page before a watched place is
 * trapped too if it is that near, so that all of them are looked at before the first is done. */
int ttd_set_watchpoints(ttd_engine *e, const uint64_t *lo, const uint64_t *last, const int *kinds,
                        const int *changes_only, int count)
{
    int i, j;
    free(e->watches);
    e->watches = malloc(sizeof(watch) * (count ? count : 1));
    e->nwatches = count;
    e->late = false;
    memset(e->watched, 0, e->npages);
    e->stores_lo = NEVER;
    e->stores_last = 0;
    for (i = 0; i < count; i++) {
        uint64_t at = e->set->watches_memory ? canonical(e, lo[i]) : lo[i], end = at + (last[i] - lo[i]);
        region *band = find_region(e, at);
        int bit;
        if (band && band->band) {         /* whoever changes the bits changes the words */
            end = behind(band, end, 1, &bit);
            at = behind(band, at, 1, &bit);
        }
        e->watches[i] = (watch){ at, end, lo[i] - at, kinds[i] & ~WATCH_PHYSICAL, changes_only[i],
                                 (kinds[i] & WATCH_PHYSICAL) != 0 };
        if (!e->set->watches_memory)
            continue;                     /* `watched_kinds` compares with what the guest sees */
        if (kinds[i] & ACC_WRITE)
            widen_stores(e, at, end);
        at = at < 63 ? 0 : at - 63;
        for (j = 0; j < e->nregions; j++) {
            region *r = &e->regions[j];
            uint64_t from = at > r->base ? at : r->base, to = r->base + r->size - 1;
            if (to > end)
                to = end;
            if (r->kind != REGION_MMIO && r->canonical == r->base && from <= to)
                mark_watched(e, page_of(e, r, from), page_of(e, r, to), kinds[i]);
        }
    }
    flush_tlb(e);
    return 0;
}

void ttd_set_range(ttd_engine *e, uint64_t lo, uint64_t hi)
{
    e->range_lo = lo;
    e->range_hi = hi;
}

void ttd_skip_stops_at(ttd_engine *e, uint64_t breaks, uint64_t watches)
{
    e->skip_breaks = breaks;
    e->skip_watches = watches;
    if (breaks == NEVER)
        e->npassed = 0;
}

void ttd_pass_over(ttd_engine *e, const ttd_hit *hit)
{
    if (e->npassed && e->passed[0].step != hit->step)
        e->npassed = 0;
    if (e->npassed == MAX_PASSED)
        e->skip_watches = hit->step;
    else
        e->passed[e->npassed++] = *hit;
}

void ttd_watch_hit(ttd_engine *e, ttd_hit *out)
{
    *out = e->hit;
}

/* ---- pages, from the host's side ---------------------------------------------------- */

/* Numbers of the groups of 1 << shift pages in which a flag of `mask` is set. */
int ttd_collect(ttd_engine *e, int mask, int shift, uint32_t *out, int room)
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
        if (e->flags[page] & mask) {
            out[n++] = page >> shift;
            page |= (1u << shift) - 1;
        }
        page++;
    }
    return n;
}

void ttd_new_interval(ttd_engine *e)
{
    uint32_t page;
    for (page = 0; page < e->npages; page++)
        e->flags[page] &= PAGE_EVER_EXEC | PAGE_SPLIT | PAGE_CUT;
    if (e->set->translate)
        forget_seen(e);
    forget_ran(e);
    flush_tlb(e);
}

/* Give `count` pages of one region their contents; those after its end are passed over. */
void ttd_restore(ttd_engine *e, uint32_t page, uint32_t count, const uint8_t *data)
{
    region *r = region_of_page(e, page);
    uint32_t first, end;
    if (!r)
        return;
    stairs_spoiled(e);
    first = page - r->first_page;
    end = (uint32_t)(r->size >> e->page_shift);
    end = first + (count < end - first ? count : end - first);
    for (; first < end; first++, data += e->page_size) {
        uint64_t offset = (uint64_t)first << e->page_shift;
        if (e->flags[r->first_page + first] & PAGE_EVER_EXEC) {
            if (!memcmp(r->host + offset, data, e->page_size))
                continue;
            memcpy(r->host + offset, data, e->page_size);
            drop_code(e, r, r->base + offset, e->page_size);
        } else {
            memcpy(r->host + offset, data, e->page_size);
        }
    }
}

/* ---- life --------------------------------------------------------------------------- */

const char *ttd_problem(ttd_engine *e) { return e->problem; }

/* The linker puts all that TTD_INSTRUCTION_SET names between these. */
extern const instruction_set *const __start_ttd_instruction_sets[];
extern const instruction_set *const __stop_ttd_instruction_sets[];

static const instruction_set *set_called(const char *name)
{
    const instruction_set *const *set = __start_ttd_instruction_sets;
    for (; set < __stop_ttd_instruction_sets; set++)
        if (!strcmp((*set)->name, name))
            return *set;
    return NULL;
}

/* What is translated is small enough to stay in the caches of the host: exact stops translate a lot. */
#define TRANSLATED_BYTES (32u << 20)

static int open_unicorn(ttd_engine *e, int arch, int mode, int model)
{
    int err = e->open((uc_arch)arch, (uc_mode)mode, &e->uc);
    if (!err)
        err = e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_CPU_MODEL, 1), model);
    return err ? err : (int)e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_TCG_BUFFER_SIZE, 1), TRANSLATED_BYTES);
}

ttd_engine *ttd_new(const char *libunicorn, int arch, int mode, int model, const char *isa,
                    uint32_t page_size, uint64_t window_base, uint32_t window_pages, void *handle)
{
    ttd_engine *e = aligned_alloc(64, (sizeof *e + 63) & ~(size_t)63);
    memset(e, 0, sizeof *e);
    e->handle = handle;
    e->arch_id = arch;
    e->mode = mode;
    e->model = model;
    e->set = set_called(isa);
    if (!e->set) {
        e->problem = "the engine has no such instruction set";
        return e;
    }
    e->arch = calloc(1, e->set->state_size + 1);
    e->page_size = page_size;
    e->page_shift = (uint32_t)__builtin_ctz(page_size);
    e->window_base = window_base;
    e->window_pages = window_pages;
    e->cache = map_low(sizeof(block_info) << CACHE_BITS);
    /* Zeros are no block but at the place of a key of 0: all of it is not touched before it is used. */
    forget_block(e->cache);
    e->slots = calloc(window_pages, sizeof *e->slots);
    e->slot_table = calloc(2 * window_pages, sizeof *e->slot_table);
    e->nspaces = 1;
    e->on_call = on_ours;
    e->due = e->time.due_ns = e->timers_due = NEVER;
    e->time.warp_step = -1;
    e->latency = DUE_LATENCY;
    e->breaks = malloc(8);
    e->watches = malloc(sizeof(watch));
    e->skip_breaks = e->skip_watches = e->token_step = e->exit_at = e->cut_at = e->cut_pc = NEVER;
    e->doing = e->back_to = NEVER;
    /* Lazily: it calls thousands of functions of its own by name, which would take 2 ms. */
    e->lib = dlopen(libunicorn, RTLD_LAZY | RTLD_LOCAL);
    if (!e->lib) {
        e->problem = "the Unicorn library does not load";
        return e;
    }
#define FIND(field, name) \
    if (!(*(void **)&e->field = dlsym(e->lib, name))) e->problem = "Unicorn lacks " name
    FIND(open, "uc_open");
    FIND(close, "uc_close");
    FIND(emu_start, "uc_emu_start");
    FIND(emu_stop, "uc_emu_stop");
    FIND(reg_read, "uc_reg_read");
    FIND(reg_write, "uc_reg_write");
    FIND(reg_read_batch, "uc_reg_read_batch");
    FIND(reg_write_batch, "uc_reg_write_batch");
    FIND(hook_add, "uc_hook_add");
    FIND(hook_del, "uc_hook_del");
    FIND(ctl, "uc_ctl");
    FIND(mmio_map, "uc_mmio_map");
    FIND(mem_protect, "uc_mem_protect");
    FIND(mem_map_ptr, "uc_mem_map_ptr");
    FIND(vmem_translate, "uc_vmem_translate");
    FIND(context_alloc, "uc_context_alloc");
    FIND(context_save, "uc_context_save");
    FIND(context_restore, "uc_context_restore");
    FIND(context_free, "uc_context_free");
    FIND(context_size, "uc_context_size");
#undef FIND
    if (!e->problem && (open_unicorn(e, arch, mode, model) || mixed_open(e)))
        e->problem = "Unicorn cannot be set up as this version is expected to be";
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
    if (e->monitor.context)
        e->context_free(e->monitor.context);
    if (e->uc)
        e->close(e->uc);
    if (e->set && e->set->free && e->arch)
        e->set->free(e);
    free(e->arch);
    free_ours(e);
    if (e->cache)
        munmap(e->cache, sizeof(block_info) << CACHE_BITS);
    free(e->flags);
    free(e->watched);
    free(e->translated);
    free(e->cuts);
    free(e->slot_table);
    hits_free(e);
    trace_free(e);
    stairs_free(e);
    marks_free(e);
    free_seen(e);
    free_ran(e);
    free(e->words);
    if (e->nothing)
        munmap(e->nothing, e->page_size);
    free(e->slots);
    free(e->breaks);
    free(e->watches);
    free(e->traced);
    free(e->sought);
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
    *r = (region){ .kind = kind == REGION_FLASH ? REGION_ROM : kind == REGION_BAND ? REGION_MMIO : kind,
                   .base = base, .size = size, .canonical = canonical, .host = host,
                   .first_page = first_page, .asks = kind == REGION_FLASH, .band = kind == REGION_BAND };
    kind = r->kind;
    e->nregions++;
    e->nbands += r->band;
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

int ttd_use_disassembler(ttd_engine *e, const char *path)
{
    return e->set->use_library(e, path);
}

/* A page of zeros, in front of the window: what lies behind an instruction that is not all there. */
static bool lend_nothing(ttd_engine *e)
{
    e->nothing = mmap(NULL, e->page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (e->nothing == MAP_FAILED) {
        e->nothing = NULL;
        return false;
    }
    return !e->mem_map_ptr(e->uc, e->window_base - e->page_size, e->page_size, UC_PROT_ALL, e->nothing);
}

int ttd_start(ttd_engine *e, const int *state_regs, int count, int wide)
{
    uc_hook hook;
    int err;
    e->flags = calloc(e->npages + 8, 1);
    e->watched = calloc(e->npages + 8, 1);
    e->translated = calloc(((size_t)e->npages << e->page_shift >> 4) + 8, 1);
    e->cuts = calloc(((size_t)e->npages << e->page_shift >> 4) + 8, 1);
    if (!e->flags || !e->watched || !e->translated || !e->cuts)
        return UC_ERR_NOMEM;
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
        || (e->set->start && (err = e->set->start(e)))
        || (err = trap_accesses(e, e->window_base,
                                (uint64_t)e->window_pages << e->page_shift))
        || (err = e->context_alloc(e->uc, &e->pristine))
        || (err = e->context_alloc(e->uc, &e->scratch))
        || (err = e->context_alloc(e->uc, &e->lent)))
        return err;
    mixed_start(e);
    if (!marks_start(e) || !start_ours(e) || !start_ran(e)
        || (e->set->translate && !start_seen(e)) || (e->set->looks_ahead && !lend_nothing(e)))
        return UC_ERR_NOMEM;
    e->context_save(e->uc, e->pristine);
    return 0;
}
