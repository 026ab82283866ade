/* RISC-V: the registers of physical memory protection (3.7.1), sixteen entries with a grain of four bytes, and
 * the regions that follow from them. */
#include "rv.h"

enum { PMP_READ = 1, PMP_WRITE = 2, PMP_RIGHTS = 7, PMP_LOCKED = 0x80, PMP_ABSENT = 0x60 };
enum { PMP_OFF, PMP_TOR, PMP_NA4, PMP_NAPOT };

static int matching(const riscv_core *c, int n)
{
    return c->pmp_config[n] >> 3 & 3;
}

bool riscv_region(const riscv_core *c, int n, uint64_t *lo, uint64_t *hi)
{
    uint64_t address = c->pmp_address[n], size;
    switch (matching(c, n)) {
    case PMP_OFF:
        return false;
    case PMP_TOR:
        *lo = n ? c->pmp_address[n - 1] : 0;
        *hi = address;
        break;
    default:
        size = matching(c, n) == PMP_NA4 ? 1 : (address ^ (address + 1)) + 1;
        *lo = address & ~(size - 1);
        *hi = *lo + size;
    }
    *lo <<= 2;
    *hi <<= 2;
    return *lo < *hi;
}

void riscv_enforce(ttd_engine *e)
{
    riscv_core *c = core_of(e);
    int i, had = rv_of(e)->npmp;
    pmp_entry before[RISCV_PMP_ENTRIES];
    memcpy(before, rv_of(e)->pmp, sizeof before);
    memset(rv_of(e)->pmp, 0, sizeof rv_of(e)->pmp);
    rv_of(e)->npmp = 0;
    for (i = 0; i < RISCV_PMP_ENTRIES; i++) {
        pmp_entry *p = &rv_of(e)->pmp[rv_of(e)->npmp];
        if (!riscv_region(c, i, &p->lo, &p->hi)) {
            p->lo = p->hi = 0;
            continue;
        }
        p->kinds = c->pmp_config[i] & PMP_RIGHTS;
        p->locked = c->pmp_config[i] & PMP_LOCKED;
        rv_of(e)->npmp++;
    }
    if (had == rv_of(e)->npmp && !memcmp(before, rv_of(e)->pmp, sizeof before))
        return;
    flush_tlb(e);
    forget_blocks(e);
}

/* pmpcfg0 to 3, with 64 bits 0 and 2. */
bool riscv_pmp_exists(ttd_engine *e, uint32_t csr)
{
    if (csr >= CSR_PMPCFG0 && csr < CSR_PMPCFG0 + 4)
        return is_rv32(e) || !(csr & 1);
    return csr >= CSR_PMPADDR0 && csr < CSR_PMPADDR0 + RISCV_PMP_ENTRIES;
}

uint64_t riscv_pmp_read(ttd_engine *e, uint32_t csr)
{
    riscv_core *c = core_of(e);
    uint64_t value = 0;
    if (csr >= CSR_PMPADDR0)
        return c->pmp_address[csr - CSR_PMPADDR0];
    memcpy(&value, c->pmp_config + 4 * (csr - CSR_PMPCFG0), is_rv32(e) ? 4 : 8);
    return value;
}

static bool locked(const riscv_core *c, int n)
{
    return c->pmp_config[n] & PMP_LOCKED;
}

/* A locked entry of kind TOR begins at the address before its own. */
static bool bounds_locked(const riscv_core *c, int n)
{
    return n < RISCV_PMP_ENTRIES && locked(c, n) && matching(c, n) == PMP_TOR;
}

/* Two bits are not there, and writable but not readable is reserved. */
static uint8_t legal(uint8_t byte)
{
    byte &= (uint8_t)~PMP_ABSENT;
    return byte & PMP_READ ? byte : byte & (uint8_t)~PMP_WRITE;
}

/* What a locked entry depends on does not change. */
void riscv_pmp_write(ttd_engine *e, uint32_t csr, uint64_t value)
{
    riscv_core *c = core_of(e);
    int i, n;
    if (csr >= CSR_PMPADDR0) {
        n = (int)(csr - CSR_PMPADDR0);
        if (!locked(c, n) && !bounds_locked(c, n + 1))
            c->pmp_address[n] = value & (is_rv32(e) ? 0xffffffff : (1ull << 54) - 1);
    } else {
        n = 4 * (int)(csr - CSR_PMPCFG0);
        for (i = 0; i < (is_rv32(e) ? 4 : 8); i++)
            if (!locked(c, n + i))
                c->pmp_config[n + i] = legal((uint8_t)(value >> 8 * i));
    }
    riscv_enforce(e);
}
