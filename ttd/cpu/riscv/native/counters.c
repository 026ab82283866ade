/* RISC-V: cycle, time and instret (Volume I, chapter 10; 3.1.10, 3.1.11, 4.1.5). `cycle` and `instret` are the
 * number of steps, plus what software has moved them by; none of the events that mhpmcounter3 to 31 are for
 * is counted. */
#include "rv.h"

enum { CYCLE, TIME, INSTRET };
#define HIGH 0x80

static bool is_event(uint32_t csr)
{
    return (csr & 31) > INSTRET;
}

bool riscv_counter_exists(ttd_engine *e, uint32_t csr)
{
    if ((csr & ~(31u | HIGH)) == CSR_CYCLE)
        return !(csr & HIGH) || is_rv32(e);
    return (csr & ~(31u | HIGH)) == CSR_MCYCLE && (csr & 31) != TIME && (!(csr & HIGH) || is_rv32(e));
}

bool riscv_counter_visible(ttd_engine *e, uint32_t csr)
{
    const riscv_registers *r = &rv_of(e)->csr;
    if ((csr & ~(31u | HIGH)) != CSR_CYCLE || r->priv == PRIV_M)
        return true;
    return r->mcounteren >> (csr & 31) & 1 && (r->priv == PRIV_S || r->scounteren >> (csr & 31) & 1);
}

uint64_t riscv_time(ttd_engine *e, uint64_t step)
{
    const riscv_core *c = core_of(e);
    return ticks_at(step, e->time.clock_ns, e->time.warp_ns, c->timebase_hz, 1000000000) + c->time_offset;
}

uint64_t riscv_time_now(ttd_engine *e)
{
    return riscv_time(e, e->now);
}

static uint64_t count(ttd_engine *e, uint32_t csr, uint64_t step)
{
    switch (csr & 31) {
    case CYCLE: return step + core_of(e)->cycle_offset;
    case TIME: return riscv_time(e, step);
    case INSTRET: return step + core_of(e)->instret_offset;
    default: return 0;
    }
}

/* As the instruction of this step reads it. */
uint64_t riscv_counter(ttd_engine *e, uint32_t csr, uint64_t step)
{
    uint64_t value = count(e, csr, step);
    if (csr & HIGH)
        value >>= 32;
    return is_rv32(e) ? (uint32_t)value : value;
}

/* As the instruction of this step is to find it. */
void riscv_write_counter(ttd_engine *e, uint32_t csr, uint64_t value, uint64_t step)
{
    uint64_t now = count(e, csr, step - 1);
    if (is_event(csr))
        return;
    if (is_rv32(e))
        value = csr & HIGH ? value << 32 | (uint32_t)now : (now & ~0xffffffffull) | (uint32_t)value;
    if ((csr & 31) == CYCLE)
        core_of(e)->cycle_offset = value - step;
    else
        core_of(e)->instret_offset = value - step;
}
