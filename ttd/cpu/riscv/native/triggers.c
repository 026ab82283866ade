/* RISC-V: the two triggers of a U54 ("RISC-V External Debug Support", version 0.13, chapter "Trigger Module"), as
 * breakpoints that software sets for itself. They are of type 2 (mcontrol), compare the address of an instruction
 * that is about to run with tdata2, and raise a breakpoint exception before it. `load` and `store` are not there:
 * the bits read as 0. */
#include "rv.h"

enum { USER = 1 << 3, SUPERVISOR = 1 << 4, MACHINE = 1 << 6, EXECUTE = 1 << 2 };
enum { TYPE_MATCH = 2, TDATA1 = CSR_TSELECT + 1, TDATA2 = CSR_TSELECT + 2 };

bool riscv_has_triggers(ttd_engine *e)
{
    const uint8_t *control = core_of(e)->trigger_control;
    return (control[0] | control[1]) & EXECUTE;
}

bool riscv_trigger_at(ttd_engine *e, uint64_t pc)
{
    const riscv_core *c = core_of(e);
    int i;
    for (i = 0; i < RISCV_TRIGGERS; i++)
        if (c->trigger_control[i] & EXECUTE && c->trigger_address[i] == pc)
            return true;
    return false;
}

bool riscv_trigger_fires(ttd_engine *e, uint64_t pc)
{
    static const uint8_t modes[] = { [PRIV_U] = USER, [PRIV_S] = SUPERVISOR, [PRIV_M] = MACHINE };
    const riscv_core *c = core_of(e);
    int i;
    for (i = 0; i < RISCV_TRIGGERS; i++)
        if (c->trigger_control[i] & EXECUTE && c->trigger_address[i] == pc
            && c->trigger_control[i] & modes[rv_of(e)->csr.priv])
            return true;
    return false;
}

/* What is translated there needs a call before it, from now on. */
void riscv_triggers_changed(ttd_engine *e)
{
    forget_blocks(e);
}

uint64_t riscv_trigger_read(ttd_engine *e, uint32_t csr)
{
    const riscv_core *c = core_of(e);
    switch (csr) {
    case CSR_TSELECT: return c->trigger;
    case TDATA1: return (uint64_t)TYPE_MATCH << (is_rv32(e) ? 28 : 60) | c->trigger_control[c->trigger];
    case TDATA2: return c->trigger_address[c->trigger];
    case CSR_TINFO: return 1 << TYPE_MATCH;
    default: return 0;
    }
}

/* A tselect that there is not is not written. */
void riscv_trigger_write(ttd_engine *e, uint32_t csr, uint64_t value)
{
    riscv_core *c = core_of(e);
    switch (csr) {
    case CSR_TSELECT:
        if (value < RISCV_TRIGGERS)
            c->trigger = (uint8_t)value;
        return;
    case TDATA1: c->trigger_control[c->trigger] = value & (USER | SUPERVISOR | MACHINE | EXECUTE); break;
    case TDATA2: c->trigger_address[c->trigger] = value; break;
    default: return;
    }
    riscv_triggers_changed(e);
}
