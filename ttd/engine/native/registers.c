/* Registers and the state of the CPU, from outside. */
#include "internal.h"

#include <stdlib.h>

void ttd_regs_read(ttd_engine *e, const int *ids, uint64_t *out, int count)
{
    int i;
    if (e->set->read_registers) {
        e->set->read_registers(e, ids, out, count);
        return;
    }
    for (i = 0; i < count; i++) {
        out[i] = 0;
        if (!e->set->read_register || !e->set->read_register(e, ids[i], &out[i]))
            e->reg_read(e->uc, ids[i], &out[i]);
    }
}

void ttd_regs_write(ttd_engine *e, const int *ids, const uint64_t *values, int count)
{
    int i;
    stairs_spoiled(e);
    if (e->set->write_registers) {
        e->set->write_registers(e, ids, values, count);
        return;
    }
    for (i = 0; i < count; i++)
        if (!e->set->write_register || !e->set->write_register(e, ids[i], values[i]))
            e->reg_write(e->uc, ids[i], &values[i]);
}

static void replaced(ttd_engine *e)
{
    stairs_spoiled(e);
    if (e->set->replaced)
        e->set->replaced(e);
}

static void begin_again(ttd_engine *e)
{
    e->context_restore(e->uc, e->pristine);
    e->monitor.opens = false;
    if (e->set->reset)
        e->set->reset(e);
}

void ttd_reset_registers(ttd_engine *e)
{
    begin_again(e);
    replaced(e);
}

/* The pristine state is privileged, in thread mode, its monitor open: no register is hidden there.
 * From handler mode SPSEL could not be written, for one. */
void ttd_load_state(ttd_engine *e, const uint64_t *values)
{
    int i, plain = e->nstate - e->nwide;
    begin_again(e);
    ttd_regs_write(e, e->state_regs, values, plain);
    for (i = 0; i < e->nwide; i++)
        e->reg_write(e->uc, e->state_regs[plain + i], values + plain + 2 * i);
    monitor_write(e, values + plain + 2 * e->nwide);
    replaced(e);
}

void ttd_save_state(ttd_engine *e, uint64_t *values)
{
    int i, plain = e->nstate - e->nwide;
    ttd_regs_read(e, e->state_regs, values, plain);
    memset(values + plain, 0, 16 * (size_t)e->nwide);
    for (i = 0; i < e->nwide; i++)
        e->reg_read(e->uc, e->state_regs[plain + i], values + plain + 2 * i);
    monitor_read(e, values + plain + 2 * e->nwide);
}

int ttd_monitor_words(ttd_engine *e) { return e->set->monitor.words; }

void ttd_set_step(ttd_engine *e, uint64_t step)
{
    stairs_spoiled(e);
    e->steps = e->now = step;
    if (e->tracing)
        trace_end(e);
    e->follows = false;
    e->token_step = e->looked_step = NEVER;
    e->blk_n = 0;
}

void ttd_wide_read(ttd_engine *e, int id, uint64_t *out)
{
    out[0] = out[1] = 0;
    e->reg_read(e->uc, id, out);
}

void ttd_wide_write(ttd_engine *e, int id, const uint64_t *value)
{
    stairs_spoiled(e);
    e->reg_write(e->uc, id, value);
}

/* `kept`: what Unicorn leaves out. `release` frees one: whoever collects garbage may free the engine
 * first. */
typedef struct {
    uc_context *registers;
    bool opens;
    uc_err (*release)(uc_context *);
    uint64_t kept[];
} context;

void *ttd_context_new(ttd_engine *e)
{
    context *c = calloc(1, sizeof *c + e->set->kept_size);
    if (c && e->context_alloc(e->uc, &c->registers)) {
        free(c);
        c = NULL;
    }
    if (c)
        c->release = e->context_free;
    return c;
}

void ttd_context_save(ttd_engine *e, void *to)
{
    context *c = to;
    if (e->set->keep)
        e->set->keep(e, c->kept);
    c->opens = e->monitor.opens;
    e->context_save(e->uc, c->registers);
}

void ttd_context_restore(ttd_engine *e, void *from)
{
    context *c = from;
    if (e->set->take_back)
        e->set->take_back(e, c->kept);
    e->monitor.opens = c->opens;
    e->context_restore(e->uc, c->registers);
    replaced(e);
}

void ttd_context_free(void *context_)
{
    context *c = context_;
    c->release(c->registers);
    free(c);
}
