/* Pages: what the TLB is told of each (`on_fill`), and the window behind which accesses are trapped. */
#include "internal.h"

static bool refuse(ttd_engine *e, int kind, uint64_t address)
{
    e->fill_fault = true;
    e->code = kind;
    e->fill_address = address;
    return false;
}

/* Where the page at `vaddr` is, and what may be done there (`rights`) by an access like this.
 * 1 allowed, 0 not, -1 it depends on the place, -2 not yet. */
static int look_up(ttd_engine *e, uint64_t vaddr, int kind, uint64_t *paddr, int *rights)
{
    *paddr = vaddr;
    *rights = ACC_READ | ACC_WRITE | ACC_FETCH;
    if (e->set->translate) {
        int why;
        if (e->quiet_physical)
            return 1;
        why = e->set->translate(e, vaddr, kind, !e->quiet, paddr, rights);
        if (why)
            return why == REFUSED_WATCHED ? -2 : 0;
    }
    return e->set->allows ? e->set->allows(e, vaddr, *paddr, e->page_size, kind, true) : 1;
}

/* May all of the page be accessed so without being asked again? */
static bool grants(ttd_engine *e, uint64_t vaddr, uint64_t paddr, int rights, int kind, bool under_way)
{
    if (!(rights & kind))
        return false;
    return !e->set->allows || e->set->allows(e, vaddr, paddr, e->page_size, kind, under_way) == 1;
}

/* An unaligned access that begins on this page may end on the next without another look: where protection splits
 * that, this one is looked at. (A load that ends in a device gets nothing from there, `on_mmio_read`; of a store
 * each byte is asked for.) */
static bool leads_to_split(ttd_engine *e, uint64_t vaddr, int kind)
{
    uint64_t next = vaddr + e->page_size, paddr = next;
    if (!e->set->allows || (e->set->probe && !e->set->probe(e, next, &paddr)))
        return false;
    return find_region(e, paddr) && e->set->allows(e, next, paddr, e->page_size, kind, false) < 0
        && e->set->allows(e, next, paddr, 8, kind, false) != 1;
}

bool on_nothing(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value,
                void *user)
{
    (void)uc, (void)type, (void)address, (void)size, (void)value, (void)user;
    return false;
}

/* Stores to code are trapped here. Unicorn, to see them too, walks its whole TLB for every block that it
 * translates, but not where a memory hook covers the code. It looks at all hooks for every store that it asks
 * about; so memory that cannot be written, where they are in nobody's way, has one. */
static void cover_code(ttd_engine *e, region *r, uint64_t paddr)
{
    uint64_t first = r->canonical + (paddr - r->base), size = e->page_size;
    uc_hook hook;
    if (r->kind != REGION_RAM) {
        if (r->covered)
            return;
        r->covered = true;
        first = r->canonical;
        size = r->size;
    }
    e->hook_add(e->uc, &hook, UC_HOOK_MEM_FETCH_UNMAPPED, on_nothing, e, first, first + size - 1);
}

static bool fill_code(ttd_engine *e, region *r, uint64_t vaddr, uint64_t paddr, int rights,
                      uc_tlb_entry *out)
{
    uint32_t page = page_of(e, r, paddr);
    uint8_t *flags = &e->flags[page];
    if (!(*flags & PAGE_EVER_EXEC)) {
        cover_code(e, r, paddr);
        /* Entries that let stores through unseen may exist: from now on they must not. */
        *flags |= PAGE_EVER_EXEC;
        flush_tlb(e);
    }
    *flags |= PAGE_EXEC;
    out->paddr = r->canonical + (paddr - r->base);
    out->perms = UC_PROT_EXEC;
    if ((e->set->code_fill && e->set->code_fill(e, page, &out->paddr)) || e->quiet)
        return true;                      /* not the page itself, or only looked up */
    if (e->space && note_code(e, vaddr, paddr))
        forget_blocks_at(e, vaddr - 64, vaddr + e->page_size);
    if (!e->trap_unaligned && !(watched_kinds(e, vaddr, paddr, page) & ACC_READ)
        && !leads_to_split(e, vaddr, ACC_READ) && grants(e, vaddr, paddr, rights, ACC_READ, false)) {
        *flags |= PAGE_READ;
        out->perms |= UC_PROT_READ;
    }
    if (e->set->translate)
        see_page(e, out->perms & UC_PROT_READ ? ACC_FETCH | ACC_READ : ACC_FETCH, vaddr);
    return true;
}

/* Unicorn makes a block without a byte of an instruction that it does not know. One that begins a page it links
 * with the page before, and looks it up with the one behind. No block reaches from the beginning of a page to
 * another one: those pages have nothing to do with it, and are not fetched from. */
static bool looks_beside(ttd_engine *e, uint64_t vaddr)
{
    uint64_t pc = read_pc(e);
    return e->set->looks_ahead && !e->quiet && !(pc & (e->page_size - 1))
        && (vaddr == pc + e->page_size || vaddr == pc - e->page_size);
}

/* Code may end in the middle of an instruction: what is behind, on a page that cannot be fetched
 * from, is not looked at before that instruction's turn (`room`). */
static bool is_ahead(ttd_engine *e, uint64_t vaddr)
{
    return e->set->looks_ahead && !e->quiet
        && vaddr == (read_pc(e) & ~(uint64_t)(e->page_size - 1)) + e->page_size;
}

/* Nothing is there, until the block runs. */
static bool fill_lookahead(ttd_engine *e, uc_tlb_entry *out)
{
    e->lookahead = true;
    atomic_store_explicit(&e->fast_limit, 0, memory_order_relaxed);
    out->paddr = e->window_base - e->page_size;
    out->perms = UC_PROT_EXEC;
    return true;
}

/* On a page that protection splits, be it in one mode of several, blocks are looked at instruction by instruction. */
static void split_code(ttd_engine *e, uint32_t page)
{
    if (e->quiet || (e->flags[page] & PAGE_SPLIT))
        return;
    e->flags[page] |= PAGE_SPLIT;
    e->splits = true;
    forget_blocks(e);
}

/* May a store of the block that is running, which cannot be left at once, be to the block itself? */
static bool late_to_itself(ttd_engine *e, region *r, uint64_t paddr)
{
    return e->blk && (e->blk->ways & WAY_LATE_STORE)
        && in_block(e, r, paddr & ~(uint64_t)(e->page_size - 1), e->page_size);
}

bool on_fill(uc_engine *uc, uint64_t vaddr, uc_mem_type type, uc_tlb_entry *out, void *user)
{
    ttd_engine *e = user;
    int kind = type == UC_MEM_WRITE ? ACC_WRITE : type == UC_MEM_FETCH ? ACC_FETCH : ACC_READ;
    int allowed, rights;
    uint64_t paddr;
    bool trap = true;
    region *r;
    (void)uc;

    if (tlb_counting(e, vaddr, type, out))
        return true;
    e->work.fills++;
    if (kind == ACC_FETCH && looks_beside(e, vaddr))
        return fill_lookahead(e, out);
    allowed = look_up(e, vaddr, kind, &paddr, &rights);
    if (allowed == -2)
        return refuse(e, kind, vaddr);
    r = find_region(e, paddr);
    if (kind == ACC_FETCH) {
        if (r && r->kind != REGION_MMIO && allowed) {
            if (allowed < 0)
                split_code(e, page_of(e, r, paddr));
            return fill_code(e, r, vaddr, paddr, rights, out);
        }
        if (is_ahead(e, vaddr))
            return fill_lookahead(e, out);
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
        int watched = watched_kinds(e, vaddr, paddr, page);
        bool viewed = false;
        trap = allowed < 0 || e->trap_unaligned || (r->asks && kind == ACC_WRITE)
            || leads_to_split(e, vaddr, kind);
        if (!trap && kind == ACC_WRITE)
            trap = (*flags & PAGE_TABLE) || (watched & ACC_READ)
                || (watched ? !(viewed = mixed_watch(e, page, paddr, watched, &out->paddr))
                    : (*flags & PAGE_EVER_EXEC)
                        && (late_to_itself(e, r, paddr)
                            || !(viewed = mixed_fill(e, page, paddr, &out->paddr))));
        else if (!trap)
            trap = watched & kind;
        if (!trap && kind == ACC_WRITE && !viewed && wants_words(e, page))
            viewed = mixed_fill(e, page, paddr, &out->paddr);
        *flags |= PAGE_READ;
        if (kind == ACC_WRITE) {
            before_write(e, page);
            *flags |= PAGE_DIRTY;
            if (!viewed && !trap)             /* a trapped one is noted when it happens */
                note_written(e, page, 0, e->page_size);
        }
        if (trap) {
            out->paddr = window_address(e, r, vaddr, paddr);
        } else {
            if (!viewed)
                out->paddr = r->canonical + (paddr - r->base);
            out->perms = UC_PROT_READ;
            if (kind == ACC_WRITE && !(rights & ACC_READ))
                out->perms = 0;
            if (kind == ACC_WRITE
                || ((*flags & PAGE_DIRTY) && !e->stairs.on && !(*flags & (PAGE_EVER_EXEC | PAGE_TABLE)) && !watched
                    && !wants_words(e, page) && grants(e, vaddr, paddr, rights, ACC_WRITE, true)
                    && r->kind == REGION_RAM && !leads_to_split(e, vaddr, ACC_WRITE)))
                out->perms |= UC_PROT_WRITE;
        }
    }
    if (trap) {
        e->device_fills++;
        /* A store that Unicorn does not leave at once cannot be stopped when it is under way, so such an
         * instruction runs alone; refusing here is exact. */
        if (kind == ACC_WRITE && !e->armed && e->blk && (e->blk->ways & WAY_LATE_STORE)) {
            e->arm = e->late_store = true;
            return refuse(e, kind, vaddr);
        }
        out->perms = UC_PROT_READ;
        if (kind == ACC_WRITE) {
            out->perms = e->set->translate ? UC_PROT_WRITE : UC_PROT_READ | UC_PROT_WRITE;
            e->write_cached = true;
        }
    }
    if (e->set->translate)
        see_page(e, ACC_READ | (out->perms & UC_PROT_WRITE ? ACC_WRITE : 0), vaddr);
    forget_prefix(e);
    return true;
}
