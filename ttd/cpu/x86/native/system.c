/* x86-64: registers that Unicorn has no plain number for, and what it would take from the host. */
#include "x86.h"

/* RDTSC and RDTSCP: a cycle is a step. */
static int on_rdtsc(uc_engine *uc, void *user)
{
    ttd_engine *e = user;
    uint64_t now = step_now(e), low = (uint32_t)now, high = now >> 32;
    e->reg_write(uc, UC_X86_REG_RAX, &low);
    e->reg_write(uc, UC_X86_REG_RDX, &high);
    return 1;
}

static int on_rdtscp(uc_engine *uc, void *user)
{
    ttd_engine *e = user;
    uint64_t core = 0;
    e->reg_write(uc, UC_X86_REG_RCX, &core);
    return on_rdtsc(uc, user);
}

/* SYSCALL and SYSENTER, which are for the processor model. */
static void on_syscall(uc_engine *uc, void *user)
{
    (void)uc;
    raise_exception(user, EXCEPTION_SYSCALL);
}

/* ---- registers without a plain number ------------------------------------------------- */

/* Shared with ttd.cpu.x86.isa: from OWN_IDS on it is a field of a table register, or else a
 * model-specific register. */
#define TABLE_ID (1 << 17)
enum { FIELD_SELECTOR, FIELD_BASE, FIELD_LIMIT, FIELD_FLAGS };

static uc_x86_msr model_specific(int id)
{
    return (uc_x86_msr){ .rid = (id & 0xffff) | (id & 0x10000 ? 0xc0000000 : 0) };
}

static uint64_t read_table(ttd_engine *e, int id)
{
    uc_x86_mmr table = { 0 };
    e->reg_read(e->uc, id >> 2 & 0x7fff, &table);
    switch (id & 3) {
    case FIELD_SELECTOR: return table.selector;
    case FIELD_BASE: return table.base;
    case FIELD_LIMIT: return table.limit;
    default: return table.flags;
    }
}

static void write_table(ttd_engine *e, int id, uint64_t value)
{
    int which = id >> 2 & 0x7fff;
    uc_x86_mmr table = { 0 };
    e->reg_read(e->uc, which, &table);
    switch (id & 3) {
    case FIELD_SELECTOR: table.selector = (uint16_t)value; break;
    case FIELD_BASE: table.base = value; break;
    case FIELD_LIMIT: table.limit = (uint32_t)value; break;
    default: table.flags = (uint32_t)value;
    }
    e->reg_write(e->uc, which, &table);
}

static bool is_selector(int id)
{
    return id == UC_X86_REG_DS || id == UC_X86_REG_ES || id == UC_X86_REG_SS
        || id == UC_X86_REG_FS || id == UC_X86_REG_GS;
}

/* Without protection a selector needs no descriptor, which may be gone; what it would say means
 * nothing in 64-bit mode, but for the bases of FS and GS, which are registers of their own. */
static void write_selector(ttd_engine *e, int id, uint64_t value)
{
    uint64_t cr0 = 0, unprotected;
    e->reg_read(e->uc, UC_X86_REG_CR0, &cr0);
    unprotected = cr0 & ~1ull;
    e->reg_write(e->uc, UC_X86_REG_CR0, &unprotected);
    e->reg_write(e->uc, id, &value);
    e->reg_write(e->uc, UC_X86_REG_CR0, &cr0);
}

bool x86_read_register(ttd_engine *e, int id, uint64_t *value)
{
    uc_x86_msr r;
    if (id < OWN_IDS)
        return false;
    if (id & TABLE_ID) {
        *value = read_table(e, id);
        return true;
    }
    r = model_specific(id);
    e->reg_read(e->uc, UC_X86_REG_MSR, &r);
    *value = r.value;
    return true;
}

bool x86_write_register(ttd_engine *e, int id, uint64_t value)
{
    if (id < OWN_IDS) {
        if (!is_selector(id))
            return false;
        write_selector(e, id, value);
    } else if (id & TABLE_ID) {
        write_table(e, id, value);
    } else {
        uc_x86_msr r = model_specific(id);
        r.value = value;
        e->reg_write(e->uc, UC_X86_REG_MSR, &r);
    }
    return true;
}

int x86_start_system(ttd_engine *e)
{
    static const struct { int insn; void *callback; } hooks[] = {
        { UC_X86_INS_RDTSC, on_rdtsc },
        { UC_X86_INS_RDTSCP, on_rdtscp },
        { UC_X86_INS_SYSCALL, on_syscall },
        { UC_X86_INS_SYSENTER, on_syscall },
    };
    int err = 0;
    for (size_t i = 0; i < sizeof hooks / sizeof *hooks && !err; i++) {
        uc_hook hook;
        err = e->hook_add(e->uc, &hook, UC_HOOK_INSN, hooks[i].callback, e, 1, 0, hooks[i].insn);
    }
    return err;
}
