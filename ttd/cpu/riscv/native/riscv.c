/* RISC-V: page tables, physical memory protection, the CSRs that Unicorn must not answer.
 *
 * Sections are those of "The RISC-V Instruction Set Manual, Volume II: Privileged Architecture",
 * version 20211203.
 *
 * Unicorn's own MMU is not used: the virtual TLB asks for each page, and what is told it is kept
 * true. A page that the walk has read is trapped for stores; one that changes a valid entry flushes
 * the TLB. So translation follows from memory and registers alone, whatever has been flushed when,
 * and does not depend on how a run was cut. */
#include "internal.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_A = 64, PTE_D = 128 };
#define STATUS_SIE (1u << 1)
#define STATUS_MIE (1u << 3)
#define STATUS_FS (3u << 13)
#define STATUS_MPRV (1u << 17)
#define STATUS_SUM (1u << 18)
#define STATUS_MXR (1u << 19)
#define STATUS_TVM (1u << 20)

static uint64_t reg(ttd_engine *e, int id)
{
    uint64_t value = 0;
    e->reg_read(e->uc, id, &value);
    return value;
}

/* ---- modes -------------------------------------------------------------------------- */

/* Each value of satp is an address space with blocks of its own. */
static void choose_space(ttd_engine *e)
{
    uint64_t satp = riscv_translates(e, ACC_FETCH) ? e->rv.satp : 0;
    int i = 0;
    if (satp) {
        e->translated_once = true;
        for (i = 1; i < e->nspaces && e->spaces[i] != satp; i++)
            ;
        if (i >= e->nspaces) {
            if (i < 1 || i >= MAX_SPACES) {
                forget_blocks(e);
                memset(e->code_map, 0, sizeof e->code_map);
                i = 1;
            }
            e->spaces[i] = satp;
            e->nspaces = i + 1;
        }
    }
    e->space = i;
    /* Without floating point other instructions exist: blocks of its own for it, too. */
    e->salt = (uint64_t)i << 48 | (e->rv.fs ? 0 : 1ull << 47);
}

static void take_status(ttd_engine *e, uint64_t status)
{
    e->rv.sum = status & STATUS_SUM;
    e->rv.mxr = status & STATUS_MXR;
    e->rv.fs = status >> 13 & 3;
    if (e->rv.priv == PRIV_M) {
        e->rv.mprv = status & STATUS_MPRV;
        e->rv.mpp = status >> 11 & 3;
        e->rv.tvm = status & STATUS_TVM;
    }
}

/* After an instruction that may have changed modes: what it changed, it could read. */
void riscv_look(ttd_engine *e)
{
    uint64_t satp = e->rv.satp;
    e->rv.priv = (int)reg(e, UC_RISCV_REG_PRIV);
    if (e->rv.priv == PRIV_M) {
        take_status(e, reg(e, UC_RISCV_REG_MSTATUS));
        e->rv.mcounteren = reg(e, UC_RISCV_REG_MCOUNTEREN);
    } else if (e->rv.priv == PRIV_S) {
        take_status(e, reg(e, UC_RISCV_REG_SSTATUS));
    }
    if (e->rv.priv != PRIV_U) {
        e->rv.scounteren = reg(e, UC_RISCV_REG_SCOUNTEREN);
        /* 3.1.6.5: with TVM satp is M-mode's alone, and a read from S-mode gives anything. */
        if (e->rv.priv == PRIV_M || !e->rv.tvm)
            e->rv.satp = reg(e, UC_RISCV_REG_SATP);
    }
    if (e->rv.satp != satp)               /* Unicorn flushes only when the ASID changes */
        flush_tlb(e);
    choose_space(e);
}

/* Between runs: everything, at any privilege. */
void riscv_refresh(ttd_engine *e)
{
    int ids[] = { UC_RISCV_REG_PRIV, UC_RISCV_REG_MSTATUS, UC_RISCV_REG_SATP,
                  UC_RISCV_REG_MCOUNTEREN, UC_RISCV_REG_SCOUNTEREN };
    uint64_t v[5], satp = e->rv.satp;
    if (!e->modes_stale)
        return;
    e->modes_stale = false;
    riscv_regs_read(e, ids, v, 5);
    e->rv.priv = PRIV_M;
    take_status(e, v[1]);
    e->rv.priv = (int)v[0];
    e->rv.satp = v[2];
    e->rv.mcounteren = v[3];
    e->rv.scounteren = v[4];
    if (e->rv.satp != satp)
        flush_tlb(e);
    choose_space(e);
}

/* The privilege that counts for an access (3.1.6.3, MPRV). */
static int effective(ttd_engine *e, int kind)
{
    if (e->rv.priv == PRIV_M && e->rv.mprv && kind != ACC_FETCH)
        return e->rv.mpp;
    return e->rv.priv;
}

/* 3.1.6.1 and others: what an interrupt's being taken depends on, as far as it can change here. */
uint32_t riscv_masks(ttd_engine *e)
{
    uint32_t priv = (uint32_t)reg(e, UC_RISCV_REG_PRIV), status;
    if (priv == PRIV_M) {
        status = (uint32_t)reg(e, UC_RISCV_REG_MSTATUS);
        return priv | (status & (STATUS_MIE | STATUS_SIE)) << 2
            | (uint32_t)(reg(e, UC_RISCV_REG_MIE) & 0xfff) << 6
            | (uint32_t)(reg(e, UC_RISCV_REG_MIDELEG) & 0xfff) << 18;
    }
    if (priv == PRIV_S) {
        status = (uint32_t)reg(e, UC_RISCV_REG_SSTATUS);
        return priv | (status & STATUS_SIE) << 2 | (uint32_t)(reg(e, UC_RISCV_REG_SIE) & 0xfff) << 6;
    }
    return priv;
}

/* ---- protection and translation ----------------------------------------------------- */

/* 3.7.1, "Priority and Matching Logic": the first entry that matches any byte decides, and must
 * match all of them. 1 yes, 0 no, -1 it depends on the place. */
static int pmp_allows(ttd_engine *e, uint64_t paddr, uint64_t size, int kind, int priv)
{
    int i;
    for (i = 0; i < e->npmp; i++) {
        pmp_entry *p = &e->pmp[i];
        if (paddr >= p->hi || paddr + size <= p->lo)
            continue;
        if (paddr < p->lo || paddr + size > p->hi)
            return size == e->page_size ? -1 : 0;
        return (priv == PRIV_M && !p->locked) || (p->kinds & kind);
    }
    return priv == PRIV_M;
}

int riscv_allows(ttd_engine *e, uint64_t paddr, uint64_t size, int kind)
{
    return pmp_allows(e, paddr, size, kind, effective(e, kind));
}

bool riscv_translates(ttd_engine *e, int kind)
{
    if (effective(e, kind) == PRIV_M)
        return false;
    return e->isa == ISA_RV32 ? e->rv.satp >> 31 : e->rv.satp >> 60;
}

/* The walk is going to change the entry at `at`. Where that is watched, an instruction that needs the
 * translation for its data runs alone, so that its step is known; true if it must not go on.
 * A fetch happens where a block ends, and so in the step before: it is noticed when it has. */
static bool stops_walk(ttd_engine *e, int kind, uint64_t at, int size, const uint8_t *old,
                       const uint8_t *data)
{
    ttd_hit hit;
    if (!seen_outside(e, at, (uint64_t)size, ACC_WRITE, old, data, BY_PAGE_WALK, &hit))
        return false;
    if (kind == ACC_FETCH) {
        hit.step = e->steps + e->blk_n - (e->blk_n > 0);
        note_hit(e, hit);
        set_fast_limit(e);
        return false;
    }
    if (!e->armed) {
        e->arm = true;
        return true;
    }
    hit.step = e->steps;
    if (e->scan) {
        hit_add(&e->scan_watches, hit);
    } else if (hit.step != e->skip_watches) {
        e->hit = hit;
        e->why = WHY_WATCH;
        e->armed_abort = true;
        return true;
    }
    return false;
}

/* 4.3.2, "Virtual Address Translation Process". `kind` 0: a look from outside, without rights.
 * `update`: set A and D as the hardware does. */
static int walk(ttd_engine *e, uint64_t vaddr, int kind, bool update, uint64_t *paddr, int *rights)
{
    bool sv32 = e->isa == ISA_RV32;
    int level = sv32 ? 1 : 2, bits = sv32 ? 10 : 9, size = sv32 ? 4 : 8;
    int priv = effective(e, kind ? kind : ACC_FETCH);
    uint64_t base = sv32 ? (e->rv.satp & 0x3fffff) << 12 : (e->rv.satp & 0xfffffffffffull) << 12;
    if (!sv32 && (uint64_t)((int64_t)(vaddr << 25) >> 25) != vaddr)
        return REFUSED_PAGE;
    for (; level >= 0; level--) {
        int shift = 12 + level * bits, can;
        uint64_t at = base + (vaddr >> shift & ((1u << bits) - 1)) * size, pte = 0, ppn, now;
        region *r = find_region(e, at);
        uint8_t *flags, *host;
        if (!r || r->kind == REGION_MMIO || pmp_allows(e, at, size, ACC_READ, PRIV_S) != 1)
            return REFUSED_ACCESS;
        host = r->host + (at - r->base);
        memcpy(&pte, host, size);
        flags = &e->flags[page_of(e, r, at)];
        if (update) {
            *flags |= PAGE_READ;
            if (!(*flags & PAGE_TABLE)) { /* stores to it may be going on unseen: no longer */
                *flags |= PAGE_TABLE;
                flush_tlb(e);
            }
        }
        if (!(pte & PTE_V) || (!(pte & PTE_R) && (pte & PTE_W)))
            return REFUSED_PAGE;
        ppn = sv32 ? pte >> 10 : pte << 10 >> 20;
        if (!(pte & (PTE_R | PTE_X))) {
            base = ppn << 12;
            continue;
        }
        if (ppn & ((1ull << level * bits) - 1))
            return REFUSED_PAGE;          /* a misaligned superpage */
        can = ((pte & PTE_R) || ((pte & PTE_X) && e->rv.mxr) ? ACC_READ : 0)
            | (pte & PTE_W ? ACC_WRITE : 0) | (pte & PTE_X ? ACC_FETCH : 0);
        if (pte & PTE_U ? priv == PRIV_S && !e->rv.sum : priv == PRIV_U)
            can = 0;
        if ((pte & PTE_U) && priv == PRIV_S)
            can &= ~ACC_FETCH;
        if (kind && !(can & kind))
            return REFUSED_PAGE;
        now = pte | PTE_A | (kind == ACC_WRITE ? PTE_D : 0);
        if (update && now != pte) {
            if (r->kind == REGION_ROM)
                return REFUSED_ACCESS;
            if (e->nwatches && stops_walk(e, kind, at, size, (uint8_t *)&pte, (uint8_t *)&now))
                return REFUSED_WATCHED;
            memcpy(host, &now, size);
            *flags |= PAGE_DIRTY;
        }
        if (!(now & PTE_D))
            can &= ~ACC_WRITE;
        if (rights)
            *rights = can;
        *paddr = ppn << 12 | (vaddr & ((1ull << shift) - 1));
        return REFUSED_NOT;
    }
    return REFUSED_PAGE;
}

int riscv_translate(ttd_engine *e, uint64_t vaddr, int kind, uint64_t *paddr, int *rights)
{
    *paddr = vaddr;
    *rights = ACC_READ | ACC_WRITE | ACC_FETCH;
    return riscv_translates(e, kind) ? walk(e, vaddr, kind, !e->quiet, paddr, rights) : REFUSED_NOT;
}

/* Could the halfword at `vaddr` be fetched? Changes nothing. */
bool riscv_fetchable(ttd_engine *e, uint64_t vaddr)
{
    uint64_t paddr = vaddr;
    if (riscv_translates(e, ACC_FETCH) && walk(e, vaddr, ACC_FETCH, false, &paddr, NULL))
        return false;
    return host_pointer(e, paddr) && riscv_allows(e, paddr, 2, ACC_FETCH) == 1;
}

/* Where code, or what a debugger looks at, is; changes nothing. */
bool riscv_probe(ttd_engine *e, uint64_t vaddr, uint64_t *paddr)
{
    *paddr = vaddr;
    return !riscv_translates(e, ACC_FETCH) || !walk(e, vaddr, 0, false, paddr, NULL);
}

/* Does a debugger find the page `paddr` at the page `vaddr`? The addresses of software that has page
 * tables are its own while machine mode runs without them, too. */
bool riscv_shows(ttd_engine *e, uint64_t vaddr, uint64_t paddr)
{
    uint64_t at;
    if (riscv_probe(e, vaddr, &at) && at == paddr)
        return true;
    return e->rv.priv == PRIV_M && e->rv.satp && !walk(e, vaddr, 0, false, &at, NULL) && at == paddr;
}

/* Is something of the watchpoint on this page? */
bool riscv_shown(ttd_engine *e, const watch *w, uint64_t paddr)
{
    uint64_t mask = e->page_size - 1, at;
    for (at = w->lo & ~mask;; at += e->page_size) {
        if (riscv_shows(e, at, paddr))
            return true;
        if (w->last - at <= mask)
            return false;
    }
}

int ttd_translate(ttd_engine *e, uint64_t vaddr, int kind, uint64_t *paddr)
{
    int why;
    region *r;
    *paddr = vaddr;
    if (!is_riscv(e))
        return ttd_mapped(e, vaddr, kind ? kind : ACC_READ) ? REFUSED_NOT : REFUSED_ACCESS;
    riscv_refresh(e);
    if (!kind)
        return riscv_probe(e, vaddr, paddr) ? REFUSED_NOT : REFUSED_PAGE;
    if (riscv_translates(e, kind) && (why = walk(e, vaddr, kind, false, paddr, NULL)))
        return why;
    r = find_region(e, *paddr);
    return r && ttd_mapped(e, *paddr, kind) && riscv_allows(e, *paddr, 1, kind) == 1
        ? REFUSED_NOT : REFUSED_ACCESS;
}

void ttd_set_pmp(ttd_engine *e, int count, const uint64_t *lo, const uint64_t *hi,
                 const uint8_t *kinds, const uint8_t *locked)
{
    int i;
    e->npmp = count < MAX_PMP ? count : MAX_PMP;
    for (i = 0; i < e->npmp; i++)
        e->pmp[i] = (pmp_entry){ lo[i], hi[i], kinds[i], locked[i] };
    flush_tlb(e);
    forget_blocks(e);
}

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
    *size = e->isa == ISA_RV32 ? 4 : 8;
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

/* Returns from traps, and writes of satp; other CSRs in `riscv_modes` are in riscv_ours.c. */
bool riscv_changes_modes(uint32_t insn)
{
    if (insn == 0x30200073 || insn == 0x10200073)
        return true;
    return riscv_is_csr(insn) && insn >> 20 == CSR_SATP;
}

void ttd_set_counters(ttd_engine *e, uint64_t clock_ns, int64_t warp_ns, uint64_t hz,
                      uint64_t time_offset, uint64_t cycle_offset, uint64_t instret_offset)
{
    e->time.clock_ns = clock_ns;
    e->time.warp_ns = warp_ns;
    e->timebase_hz = hz;
    e->time_offset = time_offset;
    e->cycle_offset = cycle_offset;
    e->instret_offset = instret_offset;
}

/* ---- registers ---------------------------------------------------------------------- */

/* Unicorn reads nothing from CSRs, and drops writes to them, below their privilege. */
bool riscv_needs_privilege(int id)
{
    return id >= UC_RISCV_REG_USTATUS && id < UC_RISCV_REG_F0;
}

static bool is_fp_csr(int id)
{
    return id == UC_RISCV_REG_FFLAGS || id == UC_RISCV_REG_FRM || id == UC_RISCV_REG_FCSR;
}

static void write_reg(ttd_engine *e, int id, uint64_t value)
{
    e->reg_write(e->uc, id, &value);
}

/* A change of privilege would give up the reservation of LR/SC, so all is put back in the end. */
void riscv_regs_read(ttd_engine *e, const int *ids, uint64_t *out, int count)
{
    bool lent = false;
    int i, priv = (int)reg(e, UC_RISCV_REG_PRIV);
    for (i = 0; i < count; i++) {
        uint64_t status = 0;
        if (ids[i] == UC_RISCV_REG_PRIV) {
            out[i] = (uint64_t)priv;
            continue;
        }
        if (riscv_needs_privilege(ids[i]) && !lent) {
            lent = true;
            e->context_save(e->uc, e->lent);
            write_reg(e, UC_RISCV_REG_PRIV, PRIV_M);
        }
        if (is_fp_csr(ids[i])) {
            status = reg(e, UC_RISCV_REG_MSTATUS);
            write_reg(e, UC_RISCV_REG_MSTATUS, status | STATUS_FS);
        }
        out[i] = reg(e, ids[i]);
        if (is_fp_csr(ids[i]))
            write_reg(e, UC_RISCV_REG_MSTATUS, status);
    }
    if (lent)
        e->context_restore(e->uc, e->lent);
}

void riscv_regs_write(ttd_engine *e, const int *ids, const uint64_t *values, int count)
{
    uint64_t priv = reg(e, UC_RISCV_REG_PRIV);
    bool lent = false;
    int i;
    for (i = 0; i < count; i++) {
        uint64_t status = 0;
        if (ids[i] == UC_RISCV_REG_PRIV) {
            priv = values[i];
            lent = true;
            continue;
        }
        if (riscv_needs_privilege(ids[i]) && !lent) {
            lent = true;
            write_reg(e, UC_RISCV_REG_PRIV, PRIV_M);
        }
        if (is_fp_csr(ids[i])) {
            status = reg(e, UC_RISCV_REG_MSTATUS);
            write_reg(e, UC_RISCV_REG_MSTATUS, status | STATUS_FS);
        }
        write_reg(e, ids[i], values[i]);
        if (is_fp_csr(ids[i]))            /* which the write has marked dirty */
            write_reg(e, UC_RISCV_REG_MSTATUS, status);
    }
    if (lent) {
        write_reg(e, UC_RISCV_REG_PRIV, priv);
        e->modes_stale = true;
    }
}
