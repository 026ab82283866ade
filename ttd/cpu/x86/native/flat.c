/* AArch64 and x86-64: how long instructions are, registers that Unicorn has no plain number for,
 * and the counters and timers that would be the host's. */
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
    *(void **)&e->free_insn = dlsym(library, "cs_free");
    *(void **)&e->close_disassembler = dlsym(library, "cs_close");
    if (!open || !new_insn || !e->disassemble || !e->free_insn || !e->close_disassembler
        || open(CS_ARCH_X86, CS_MODE_64, &e->disassembler))
        return -1;
    e->disassembled = new_insn(e->disassembler);
    return e->disassembled ? 0 : -1;
}

void free_disassembler(ttd_engine *e)
{
    if (e->disassembled)
        e->free_insn(e->disassembled, 1);
    if (e->disassembler)
        e->close_disassembler(&e->disassembler);
}

static int disassemble(ttd_engine *e, const uint8_t *code, size_t size)
{
    size_t left = size;
    uint64_t address = 0;
    return e->disassemble(e->disassembler, &code, &left, &address, e->disassembled)
        ? (int)(size - left) : 0;
}

/* Of the instruction that begins with these bytes; 0 if it is none. Asked at each trapped access for the
 * instructions before it in its block, so what has been said is remembered. */
static int length_of(ttd_engine *e, const uint8_t *code, size_t size)
{
    known_length *known;
    uint64_t first;
    if (size != X86_LONGEST)
        return disassemble(e, code, size);
    memcpy(&first, code, 8);
    known = &e->lengths[first * 0x9e3779b97f4a7c15ull >> (64 - LENGTH_BITS)];
    if (!known->length || memcmp(known->bytes, code, X86_LONGEST)) {
        memcpy(known->bytes, code, X86_LONGEST);
        known->length = (uint8_t)(disassemble(e, code, size) + 1);
    }
    return known->length - 1;
}

/* The same; 1 if it is none. */
int x86_length(ttd_engine *e, const uint8_t *code, size_t size)
{
    int length = length_of(e, code, size);
    return length ? length : 1;
}

static bool is_prefix(uint8_t byte)
{
    return byte == 0x66 || byte == 0x67 || byte == 0xf0 || byte == 0xf2 || byte == 0xf3
        || (byte & 0xe7) == 0x26 || (byte & 0xfe) == 0x64 || (byte & 0xf0) == 0x40;
}

/* CMPXCHG8B and CMPXCHG16B leave most flags as they are; but what Unicorn knows of them in the
 * middle of a block is of its beginning, so such an instruction has to be the first of one. */
bool x86_begins_block(const uint8_t *code, size_t size)
{
    while (size && is_prefix(*code))
        code++, size--;
    return size >= 3 && code[0] == 0x0f && code[1] == 0xc7 && (code[2] & 0x38) == 0x08;
}

/* Is there no such instruction, though Unicorn's decoder may find one that is longer, and go past any place
 * to stop in it? AVX is one of them, which CPUID denies. */
bool x86_is_absent(ttd_engine *e, const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && is_prefix(bytes[at]))
        at++;
    if (at < size && (bytes[at] == 0xc4 || bytes[at] == 0xc5))
        return true;
    return size == X86_LONGEST && !length_of(e, bytes, size);
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

/* What `ttd_regs_read` calls a system register of AArch64, as MRS encodes it. */
#define SYSTEM(op0, op1, crn, crm, op2) \
    (SYSTEM_ID | (op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define CNTFRQ SYSTEM(3, 3, 14, 0, 0)
#define CNTPCT SYSTEM(3, 3, 14, 0, 1)
#define CNTVCT SYSTEM(3, 3, 14, 0, 2)
/* Of the timer that the bits of CRm choose: 2 the physical one, 3 the virtual one. */
#define TIMER(crm, op2) SYSTEM(3, 3, 14, crm, op2)
enum { TIMER_TVAL, TIMER_CTL, TIMER_CVAL };
#define TIMER_SET 3                   /* ENABLE and IMASK; ISTATUS follows from the counter */
#define PMCCNTR SYSTEM(3, 3, 9, 13, 0)
/* What firmware of EL3 and EL2 has said: EL1 is not secure, and it and EL2 are in AArch64, without which
 * an ERET to EL1 is illegal. */
#define SCR_EL3 SYSTEM(3, 6, 1, 1, 0)
#define HCR_EL2 SYSTEM(3, 4, 1, 1, 0)
#define SCR_NS_RW (1u << 10 | 1u)
#define HCR_RW (1ull << 31)

static int system_id(const uc_arm64_cp_reg *r)
{
    return SYSTEM((int)r->op0, (int)r->op1, (int)r->crn, (int)r->crm, (int)r->op2);
}

static bool is_timer(int id)
{
    return (id & ~0xf) == (TIMER(2, 0) & ~0xf) && (id & 7) <= TIMER_CVAL;
}

/* An event counter, or what overflows set: PMOVSCLR, PMXEVCNTR, PMOVSSET, PMEVCNTRn. No events are
 * counted. */
static bool counts_events(int id)
{
    return id == SYSTEM(3, 3, 9, 12, 3) || id == SYSTEM(3, 3, 9, 13, 2)
        || id == SYSTEM(3, 3, 9, 14, 3) || (id & ~0x1f) == SYSTEM(3, 3, 14, 8, 0);
}

/* MRS of what Unicorn would take from the host's clock: the generic timer and the performance
 * monitors (DDI0487, chapters "The Generic Timer", "The Performance Monitors Extension"). */
static uint32_t on_mrs(uc_engine *uc, uc_arm64_reg reg, const uc_arm64_cp_reg *from, void *user)
{
    ttd_engine *e = user;
    int id = system_id(from), control = (id & ~7) | TIMER_CTL, compare = (id & ~7) | TIMER_CVAL;
    uint64_t value, now;
    if (id == CNTVCT || id == CNTPCT) {
        value = count_ticks(e, step_now(e));
    } else if (id == CNTFRQ) {
        value = e->timebase_hz;
    } else if (id == PMCCNTR) {
        value = step_now(e) + e->cycle_offset;
    } else if (counts_events(id)) {
        value = 0;
    } else if (is_timer(id) && (id & 7) != TIMER_CVAL) {
        now = count_ticks(e, step_now(e));
        value = system_read(e, control);
        if ((id & 7) == TIMER_TVAL)
            value = (uint32_t)(system_read(e, compare) - now);
        else if ((value & 1) && now >= system_read(e, compare))
            value |= 4;
    } else {
        return 0;
    }
    e->reg_write(uc, reg, &value);
    return 1;
}

/* Unicorn drops what is written to timers. */
static uint32_t on_msr(uc_engine *uc, uc_arm64_reg reg, const uc_arm64_cp_reg *to, void *user)
{
    ttd_engine *e = user;
    int id = system_id(to), compare = (id & ~7) | TIMER_CVAL;
    (void)uc, (void)reg;
    if (!is_timer(id))
        return id == PMCCNTR || counts_events(id);
    switch (id & 7) {
    case TIMER_TVAL:
        system_write(e, compare, count_ticks(e, step_now(e)) + (uint64_t)(int32_t)to->val);
        break;
    case TIMER_CTL: system_write(e, id, to->val & TIMER_SET); break;
    default: system_write(e, id, to->val);
    }
    return 1;
}

#define CNTKCTL SYSTEM(3, 0, 14, 1, 0)
#define PMUSERENR SYSTEM(3, 3, 9, 14, 0)
enum { EL0PCTEN = 1, EL0VCTEN = 2, EL0VTEN = 1 << 8, EL0PTEN = 1 << 9 };     /* CNTKCTL_EL1 */
enum { PM_EN = 1, PM_CR = 4, PM_ER = 8 };                                    /* PMUSERENR_EL0 */

/* The register of MRS and MSR, which are all that have such bits. */
static int moved_register(uint32_t insn)
{
    return (insn & 0xffd00000) == 0xd5100000 ? SYSTEM_ID | (insn >> 5 & 0xffff) : 0;
}

bool a64_counts(uint32_t insn)
{
    int id = moved_register(insn);
    return id == CNTFRQ || id == CNTPCT || id == CNTVCT || id == PMCCNTR || is_timer(id)
        || counts_events(id);
}

/* DDI0487, "CNTKCTL_EL1", "PMUSERENR_EL0": one of these bits lets EL0 in. */
bool a64_lets_count(ttd_engine *e, uint32_t insn)
{
    int id = moved_register(insn);
    bool read = insn >> 21 & 1;
    uint64_t state = 0, bits, enabled;
    e->reg_read(e->uc, UC_ARM64_REG_PSTATE, &state);
    if (state & 0xc)
        return true;
    if (id == PMCCNTR || counts_events(id)) {
        bool overflow = id == SYSTEM(3, 3, 9, 12, 3) || id == SYSTEM(3, 3, 9, 14, 3);
        bits = !read || overflow ? PM_EN : id == PMCCNTR ? PM_EN | PM_CR : PM_EN | PM_ER;
        enabled = system_read(e, PMUSERENR);
    } else {
        bits = id == CNTFRQ ? EL0PCTEN | EL0VCTEN : id == CNTPCT ? EL0PCTEN : id == CNTVCT ? EL0VCTEN
            : (id & 0x78) == (TIMER(2, 0) & 0x78) ? EL0PTEN : EL0VTEN;
        enabled = system_read(e, CNTKCTL);
    }
    return enabled & bits;
}

/* SYSCALL and SYSENTER, which are for the processor model. */
static void on_syscall(uc_engine *uc, void *user)
{
    (void)uc;
    raise_exception(user, EXCEPTION_SYSCALL);
}

/* ---- registers without a plain number ------------------------------------------------- */

/* Shared with ttd.engine.isa: a number from SYSTEM_ID on is a system register of AArch64 as MRS
 * encodes it; or on x86 a field of a table register, or else a model-specific register. */
#define TABLE_ID (1 << 17)
enum { FIELD_SELECTOR, FIELD_BASE, FIELD_LIMIT, FIELD_FLAGS };

static uc_arm64_cp_reg arm_register(int id)
{
    return (uc_arm64_cp_reg){ .op0 = id >> 14 & 3, .op1 = id >> 11 & 7, .crn = id >> 7 & 15,
                              .crm = id >> 3 & 15, .op2 = id & 7 };
}

static uc_x86_msr model_specific(int id)
{
    return (uc_x86_msr){ .rid = (id & 0xffff) | (id & 0x10000 ? 0xc0000000 : 0) };
}

uint64_t system_read(ttd_engine *e, int id)
{
    if (e->isa == ISA_A64) {
        uc_arm64_cp_reg r = arm_register(id);
        e->reg_read(e->uc, UC_ARM64_REG_CP_REG, &r);
        return is_timer(id) && (id & 7) == TIMER_CTL ? r.val & TIMER_SET : r.val;
    }
    if (id & TABLE_ID) {
        uc_x86_mmr table = { 0 };
        e->reg_read(e->uc, id >> 2 & 0x7fff, &table);
        switch (id & 3) {
        case FIELD_SELECTOR: return table.selector;
        case FIELD_BASE: return table.base;
        case FIELD_LIMIT: return table.limit;
        default: return table.flags;
        }
    } else {
        uc_x86_msr r = model_specific(id);
        e->reg_read(e->uc, UC_X86_REG_MSR, &r);
        return r.value;
    }
}

void system_write(ttd_engine *e, int id, uint64_t value)
{
    if (e->isa == ISA_A64) {
        uc_arm64_cp_reg r = arm_register(id);
        r.val = value;
        e->reg_write(e->uc, UC_ARM64_REG_CP_REG, &r);
    } else if (id & TABLE_ID) {
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
    } else {
        uc_x86_msr r = model_specific(id);
        r.value = value;
        e->reg_write(e->uc, UC_X86_REG_MSR, &r);
    }
}

bool is_selector(int id)
{
    return id == UC_X86_REG_DS || id == UC_X86_REG_ES || id == UC_X86_REG_SS
        || id == UC_X86_REG_FS || id == UC_X86_REG_GS;
}

/* Without protection a selector needs no descriptor, which may be gone; what it would say means
 * nothing in 64-bit mode, but for the bases of FS and GS, which are registers of their own. */
void selector_write(ttd_engine *e, int id, uint64_t value)
{
    uint64_t cr0 = 0, unprotected;
    e->reg_read(e->uc, UC_X86_REG_CR0, &cr0);
    unprotected = cr0 & ~1ull;
    e->reg_write(e->uc, UC_X86_REG_CR0, &unprotected);
    e->reg_write(e->uc, id, &value);
    e->reg_write(e->uc, UC_X86_REG_CR0, &cr0);
}

/* ---- hooks ------------------------------------------------------------------------------ */

int flat_start(ttd_engine *e)
{
    static const struct { int isa, insn; void *callback; } hooks[] = {
        { ISA_A64, UC_ARM64_INS_MRS, on_mrs },
        { ISA_A64, UC_ARM64_INS_MSR, on_msr },
        { ISA_X64, UC_X86_INS_RDTSC, on_rdtsc },
        { ISA_X64, UC_X86_INS_RDTSCP, on_rdtscp },
        { ISA_X64, UC_X86_INS_SYSCALL, on_syscall },
        { ISA_X64, UC_X86_INS_SYSENTER, on_syscall },
    };
    int err = 0;
    for (size_t i = 0; i < sizeof hooks / sizeof *hooks && !err; i++) {
        uc_hook hook;
        if (hooks[i].isa == e->isa)
            err = e->hook_add(e->uc, &hook, UC_HOOK_INSN, hooks[i].callback, e, 1, 0,
                              hooks[i].insn);
    }
    if (e->isa == ISA_A64) {
        system_write(e, SCR_EL3, SCR_NS_RW);
        system_write(e, HCR_EL2, HCR_RW);
    }
    return err;
}
