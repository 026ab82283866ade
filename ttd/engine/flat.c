/* AArch64 and x86-64: how long instructions are, and the counters that would be the host's. */
#include "internal.h"

#include <dlfcn.h>

/* ---- lengths of x86 instructions, by capstone ---------------------------------------- */

enum { CS_ARCH_X86 = 3, CS_MODE_64 = 8 };

int ttd_use_disassembler(ttd_engine *e, const char *path)
{
    int (*open)(int, int, size_t *);
    void *(*new_insn)(size_t);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return -1;
    *(void **)&open = dlsym(library, "cs_open");
    *(void **)&new_insn = dlsym(library, "cs_malloc");
    *(void **)&e->disassemble = dlsym(library, "cs_disasm_iter");
    if (!open || !new_insn || !e->disassemble || open(CS_ARCH_X86, CS_MODE_64, &e->disassembler))
        return -1;
    e->disassembled = new_insn(e->disassembler);
    return e->disassembled ? 0 : -1;
}

/* Of the instruction that begins with these bytes; 1 if it is none. */
int x86_length(ttd_engine *e, const uint8_t *code, size_t size)
{
    size_t left = size;
    uint64_t address = 0;
    return e->disassemble(e->disassembler, &code, &left, &address, e->disassembled)
        ? (int)(size - left) : 1;
}

/* ---- counters ------------------------------------------------------------------------ */

static uint64_t count_ticks(ttd_engine *e, uint64_t step)
{
    return ticks_at(step, e->clock_ns, e->warp_ns, e->timebase_hz, 1000000000) + e->time_offset;
}

/* RDTSC and RDTSCP: a cycle is a step. */
static int on_rdtsc(uc_engine *uc, void *user)
{
    ttd_engine *e = user;
    uint64_t now = step_now(e) + e->cycle_offset, low = (uint32_t)now, high = now >> 32;
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

/* MRS of CNTVCT_EL0 and CNTPCT_EL0 (DDI0487, D17.11), and of PMCCNTR_EL0. */
static uint32_t on_mrs(uc_engine *uc, uc_arm64_reg reg, const uc_arm64_cp_reg *from, void *user)
{
    ttd_engine *e = user;
    uint64_t value;
    if (from->op0 != 3 || from->op1 != 3)
        return 0;
    if (from->crn == 14 && from->crm == 0 && (from->op2 == 1 || from->op2 == 2))
        value = count_ticks(e, step_now(e));
    else if (from->crn == 14 && from->crm == 0 && from->op2 == 0)
        value = e->timebase_hz;
    else if (from->crn == 9 && from->crm == 13 && from->op2 == 0)
        value = step_now(e) + e->cycle_offset;
    else
        return 0;
    e->reg_write(uc, reg, &value);
    return 1;
}

int flat_start(ttd_engine *e)
{
    uc_hook hook;
    int err;
    if (e->isa == ISA_A64)
        return e->hook_add(e->uc, &hook, UC_HOOK_INSN, on_mrs, e, 1, 0, UC_ARM64_INS_MRS);
    if (e->isa != ISA_X64)
        return 0;
    err = e->hook_add(e->uc, &hook, UC_HOOK_INSN, on_rdtsc, e, 1, 0, UC_X86_INS_RDTSC);
    return err ? err
        : (int)e->hook_add(e->uc, &hook, UC_HOOK_INSN, on_rdtscp, e, 1, 0, UC_X86_INS_RDTSCP);
}
