/* RISC-V: privilege, address spaces, physical memory protection, page tables.
 *
 * Unicorn's own MMU is not used: the virtual TLB asks for each page, and what is told it is kept
 * true. A page that the walk has read is trapped for stores; one that changes a valid entry flushes
 * the TLB. So translation follows from memory and registers alone, whatever has been flushed when,
 * and does not depend on how a run was cut. */
#include "rv.h"

enum { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_A = 64, PTE_D = 128 };

/* ---- modes -------------------------------------------------------------------------- */

void riscv_choose_space(ttd_engine *e)
{
    int space = 0;
    if (riscv_translates(e, ACC_FETCH)) {
        if (!rv_of(e)->space)
            rv_of(e)->space = space_of(e, rv_of(e)->csr.satp);
        space = rv_of(e)->space;
    }
    /* Without floating point other instructions exist: blocks of its own for it, too. */
    use_space(e, space, !rv_of(e)->csr.fs);
}

/* Data accesses of machine mode with MPRV depend on it, which the TLB does not know. */
static bool lends_privilege(const ttd_engine *e)
{
    return rv_of(e)->csr.priv == PRIV_M && (rv_of(e)->csr.status & STATUS_MPRV);
}

void riscv_set_privilege(ttd_engine *e, int priv)
{
    bool lent = lends_privilege(e);
    rv_of(e)->csr.priv = priv;
    if (lent != lends_privilege(e))
        flush_tlb(e);
    riscv_choose_space(e);
}

bool riscv_moves(const ttd_engine *e) { return rv_of(e)->csr.satp != 0; }

void riscv_set_satp(ttd_engine *e, uint64_t satp)
{
    if (satp != rv_of(e)->csr.satp) {
        e->words_moved = true;
        rv_of(e)->csr.satp = satp;
        rv_of(e)->space = 0;
        flush_tlb(e);
    }
    riscv_choose_space(e);
}

void riscv_set_status(ttd_engine *e, uint64_t status)
{
    uint64_t before = rv_of(e)->csr.status, depends = STATUS_SUM | STATUS_MXR;
    if (rv_of(e)->csr.priv == PRIV_M)
        depends |= STATUS_MPRV | (before & status & STATUS_MPRV ? STATUS_MPP : 0);
    rv_of(e)->csr.status = status;
    if ((before ^ status) & depends)
        flush_tlb(e);
}

/* The privilege that counts for an access (3.1.6.3, MPRV). */
static int effective(ttd_engine *e, int kind)
{
    if (kind != ACC_FETCH && lends_privilege(e))
        return rv_of(e)->csr.status >> 11 & 3;
    return rv_of(e)->csr.priv;
}

/* ---- protection and translation ----------------------------------------------------- */

/* 3.7.1, "Priority and Matching Logic": the first entry that matches any byte decides, and must
 * match all of them. 1 yes, 0 no, -1 it depends on the place. */
static int pmp_allows(ttd_engine *e, uint64_t paddr, uint64_t size, int kind, int priv)
{
    int i;
    for (i = 0; i < rv_of(e)->npmp; i++) {
        pmp_entry *p = &rv_of(e)->pmp[i];
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
    return is_rv32(e) ? rv_of(e)->csr.satp >> 31 : rv_of(e)->csr.satp >> 60;
}

/* The walk is going to change the entry at `at`. Where that is watched, an instruction that needs the
 * translation for its data runs alone, so that its step is known; true if it must not go on.
 * A fetch happens where a block ends, and so in the step before: it is noticed when it has. */
static bool stops_walk(ttd_engine *e, int kind, uint64_t at, int size, const uint8_t *old,
                       const uint8_t *data)
{
    ttd_hit hit;
    int i;
    for (i = 0; (i = seen_outside(e, i, at, (uint64_t)size, ACC_WRITE, old, data, BY_PAGE_WALK, &hit)) >= 0; i++) {
        if (kind == ACC_FETCH) {
            hit.step = e->steps + e->blk_n - (e->blk_n > 0 || was_turned(e));
            note_hit(e, hit);
            set_fast_limit(e);
            continue;
        }
        if (!e->armed) {
            e->arm = true;
            return true;
        }
        hit.step = e->steps;
        if (e->scan) {
            hit_add(&e->scan_watches, hit);
        } else if (!is_passed(e, &hit)) {
            e->hit = hit;
            e->why = WHY_WATCH;
            e->armed_abort = true;
            return true;
        }
    }
    return false;
}

/* 4.3.2, "Virtual Address Translation Process". `kind` 0: a look from outside, without rights.
 * `update`: set A and D as the hardware does. */
static int walk(ttd_engine *e, uint64_t vaddr, int kind, bool update, uint64_t *paddr, int *rights)
{
    bool sv32 = is_rv32(e);
    int level = sv32 ? 1 : 2, bits = sv32 ? 10 : 9, size = sv32 ? 4 : 8;
    int priv = effective(e, kind ? kind : ACC_FETCH);
    uint64_t base = sv32 ? (rv_of(e)->csr.satp & 0x3fffff) << 12 : (rv_of(e)->csr.satp & 0xfffffffffffull) << 12;
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
        can = ((pte & PTE_R) || ((pte & PTE_X) && (rv_of(e)->csr.status & STATUS_MXR)) ? ACC_READ : 0)
            | (pte & PTE_W ? ACC_WRITE : 0) | (pte & PTE_X ? ACC_FETCH : 0);
        if (pte & PTE_U ? priv == PRIV_S && !(rv_of(e)->csr.status & STATUS_SUM) : priv == PRIV_U)
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
            before_write(e, page_of(e, r, at));
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

int riscv_translate(ttd_engine *e, uint64_t vaddr, int kind, bool update, uint64_t *paddr, int *rights)
{
    *paddr = vaddr;
    *rights = ACC_READ | ACC_WRITE | ACC_FETCH;
    return riscv_translates(e, kind) ? walk(e, vaddr, kind, update, paddr, rights) : REFUSED_NOT;
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
    return rv_of(e)->csr.priv == PRIV_M && rv_of(e)->csr.satp && !walk(e, vaddr, 0, false, &at, NULL) && at == paddr;
}

/* As the table has it. */
int riscv_allows_at(ttd_engine *e, uint64_t vaddr, uint64_t paddr, uint64_t size, int kind, bool under_way)
{
    (void)vaddr, (void)under_way;
    return riscv_allows(e, paddr, size, kind);
}
