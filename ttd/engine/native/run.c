/* Runs: starting Unicorn until the steps are done or something else ends them. */
#include "internal.h"

static void set_exits(ttd_engine *e, uint64_t *address, size_t count)
{
    e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_UC_EXITS, 2), address, count);
}

/* Count what the block that was under way has executed, now that PC is `pc`. */
static void account(ttd_engine *e, uint64_t pc)
{
    uint32_t done = e->blk_n, reached;
    bool early = done && pc - e->blk_pc < e->blk_size;
    if (early)
        done = (uint32_t)index_of(e, e->blk_pc, pc);
    if (early && e->set->leave)
        e->set->leave(e, pc);
    note_branch(e, done, early);
    reached = done + (early && !(e->leaving && e->steps + done >= e->limit));
    if (e->noting)                        /* left early: the instruction at PC was reached, too */
        note_breaks(e, e->steps, reached);
    if (early)
        trim_ran(e, reached);
    if (done && !early && e->set->returns)
        e->returns = e->set->returns(e, pc, done - 1);
    if (e->returns && e->tracing && done)
        trace_return(e, e->steps + done - 1);
    e->steps += done;
    e->blk_n = 0;
}

/* A page was refused for data. The instruction at `pc` knows the address, if its only access is all on that page. */
static void find_fault(ttd_engine *e, uint64_t pc)
{
    uint64_t page = ~(uint64_t)(e->page_size - 1), address;
    int size;
    if (e->code != ACC_FETCH && e->set->accessed && e->set->accessed(e, pc, &address, &size)
        && (address & page) == (e->fill_address & page) && ((address + (uint64_t)size - 1) & page) == (address & page))
        fault_at(e, e->code, address);
}

/* One start of Unicorn. `exit_at`: stop before that address, if `use_exit`. */
static uc_err start(ttd_engine *e, uint64_t pc, bool use_exit, uint64_t exit_at)
{
    uc_err err;
    if (use_exit) {
        /* A block cut where it would seem to end at the exit must not be taken for one that does. */
        uint64_t first = has_cuts(e, exit_at - 2) ? exit_at - 2 : exit_at;
        block_info *known = &e->cache[(pc >> 1) & ((1u << CACHE_BITS) - 1)];
        if (known->pc + known->size == exit_at)
            forget_block(known);
        set_exits(e, &exit_at, 1);
        e->exit_at = exit_at;
        drop_translated(e, first, exit_at + 2);
    }
    e->blk_n = 0;
    e->blk = NULL;
    e->before = NULL;
    e->blk_size = 0;
    e->blk_pc = pc;
    e->leaves = false;
    e->work.starts++;
    err = e->emu_start(e->uc, pc | e->set->entry_bits, 0, 0, 0);
    e->exit_at = NEVER;
    drop_changed(e);
    if (e->cut_code)
        end_cut(e, NEVER);
    if (use_exit)
        set_exits(e, &exit_at, 0);        /* Unicorn itself has dropped the block that ends there */
    return err;
}

/* The instruction at `pc` is to run alone, of `room` that may. Is there a call behind it to leave the run at? Then the
 * answer is how many instructions there are before that, else 0. A store that runs alone since it could not be left at
 * once has one from the second time on, where no prefix is in force any more: what is in between accesses nothing.
 * (On the next page another block would be announced before a store that is abandoned is left.) Others run alone but
 * once. */
static uint32_t runs_to_call(ttd_engine *e, uint64_t pc, uint64_t room)
{
    bool late = e->late_store;
    uint64_t next;
    uint32_t count;
    e->late_store = false;
    if (!late || !e->set->calls_anywhere)
        return 0;
    count = e->set->behind_store(e, pc);
    if (!count || count > room || (count > 1 && (e->nbreaks || e->range_lo != e->range_hi)))
        return 0;
    next = address_of(e, pc, count);
    return !((pc ^ next) >> e->page_shift) && can_leave_at(e, next) ? count : 0;
}

/* How many instructions from `pc` on there are until no prefix is in force: then interrupts can be taken. */
static uint64_t behind_prefix(ttd_engine *e, uint64_t pc)
{
    block_info some = { .pc = pc, .n = UINT16_MAX };
    return e->set->interruptible(e, &some, 1);
}

int run_steps(ttd_engine *e, uint64_t max_steps, bool exact, ttd_stop *out)
{
    uint64_t before = e->steps;
    uint64_t limit = max_steps < NEVER - 1 - before ? before + max_steps : NEVER - 1;
    uint64_t pc = 0;
    int result = -1;
    e->running = true;
    e->arm = e->ending = e->noting = false;
    e->mid = 0;
    e->looked_step = NEVER;
    e->masks_next = e->returns = false;
    e->look_at_masks = e->masks_on;
    if (e->set->begin_run)
        e->set->begin_run(e);
    while (result < 0) {
        uint64_t exit_at = 0, cut_at, began;
        bool use_exit = false, waits = false, raises, runs;
        uint32_t to_call = 0;
        uc_err err;

        if ((e->flush_due || e->void_used) && !e->arm) {
            e->void_used = false;
            e->flush_due = false;
            flush_tlb(e);
        }
        settle_ours(e);
        runs = look_at_cpu(e, &pc);
        compare_here(e, pc);
        if (e->looping && e->prefix_next && e->steps == before && limit - before > behind_prefix(e, pc)) {
            limit = before + behind_prefix(e, pc);
            exact = true;                 /* what waits for the prefix to end is taken just there */
        }
        if (e->all_stale) {
            e->all_stale = false;
            e->ctl(e->uc, UC_CTL_WRITE(UC_CTL_TB_FLUSH, 0));
        }
        cut_at = e->cut_at;
        e->cut_at = NEVER;
        if ((e->steps >= limit && (exact || !e->arm)) || (e->ending && !e->arm)) {
            result = WHY_BUDGET;
            break;
        }
        if (due_now(e) && !e->arm) {
            result = WHY_BUDGET;
            break;
        }
        /* An access that was begun is completed first. */
        if (((wanted(e) && e->follows) || e->late) && !e->arm) {
            result = WHY_REQUEST;
            break;
        }
        if (leaves_range(e, pc) && !e->arm) {
            result = WHY_RANGE;
            break;
        }
        if (!runs) {
            result = WHY_INVALID;
            break;
        }
        e->limit = limit;
        e->loose = !exact && !e->arm && !e->mid;
        e->armed = e->arm;
        if (e->armed) {
            uint8_t *code = code_at(e, pc);
            e->limit = e->steps + 1;
            exit_at = code ? pc + length_at(e, pc, code) : 0;
            to_call = code ? runs_to_call(e, pc, limit - e->steps) : 0;
            use_exit = code && !to_call;
            if (to_call)
                e->limit = e->steps + to_call;
            e->context_save(e->uc, e->scratch);
        } else if (e->mid) {
            exit_at = address_of(e, pc, e->mid);
            e->limit = e->steps + e->mid;
            /* A wait instruction must be seen to have run. It ends its block by itself. */
            waits = e->set->is_wait && e->set->is_wait(e, address_of(e, pc, e->mid - 1));
            use_exit = !waits;
        }
        e->arm = e->fill_fault = e->armed_abort = e->stop_after = e->stopped = false;
        e->leaving = to_call;
        e->masks_next = false;
        e->mid = 0;
        e->kept_size = 0;
        e->why = 0;
        e->itoken = 0;
        if (cut_at != NEVER)
            begin_cut(e, pc, cut_at);
        set_fast_limit(e);
        if (e->set->before)
            e->set->before(e);
        began = pc;
        err = start(e, pc, use_exit, exit_at);
        pc = read_pc(e);
        if (e->settle_next)
            settle(e);
        if (e->back_to != NEVER) {
            pc = e->back_to;
            e->back_to = NEVER;
            e->reg_write(e->uc, e->set->pc, &pc);
        }
        if (e->set->left)
            e->set->left(e, began, pc);
        if (e->lookahead) {
            e->lookahead = false;
            flush_tlb(e);
        }
        if (e->armed_abort) {
            /* The access was swallowed; take back what else the instruction did. */
            e->context_restore(e->uc, e->scratch);
            put_bytes_back(e);
            pc = read_pc(e);
        } else if (e->set->left_midway && !e->armed
                   && (e->arm || e->fill_fault || e->why == WHY_FAULT)) {
            e->set->left_midway(e, pc, e->fill_fault ? e->fill_address
                                : e->why == WHY_FAULT ? e->fault_address : e->io_address, !e->fill_fault);
        }
        account(e, pc);
        if (e->why == WHY_AGAIN) {
            e->arm |= e->armed;
            continue;
        }
        if (e->why == WHY_OURS) {
            e->why = 0;
            if (e->set->carry_out(e, &pc)) {
                e->reg_write(e->uc, e->set->pc, &pc);
                e->steps++;
                e->follows = false;
                e->look_at_masks = e->masks_on;
                continue;
            }
        }
        if (e->fill_fault && !e->armed && !e->arm && !e->why)
            find_fault(e, pc);
        /* What the instruction after the last one raises is for the next run to find. */
        raises = (e->fill_fault && e->code == ACC_FETCH)
                 || (e->set->causes_stay && (e->why == WHY_EXCEPTION || e->why == WHY_FAULT
                                     || err == UC_ERR_INSN_INVALID));
        if (raises && (e->steps >= e->limit || due_now(e)))
            continue;
        /* An interrupt that the last instruction lets in comes before what the next one raises. */
        if (e->fill_fault && e->code == ACC_FETCH && e->masks_on && read_masks(e) != e->masks) {
            result = WHY_MASKS;
            continue;
        }
        if (raises && leaves_range(e, pc) && !e->armed) {   /* no block has begun there */
            result = WHY_RANGE;
            continue;
        }
        if (e->fill_fault && e->code != ACC_FETCH && !e->armed && !e->why)
            e->arm = true;                /* alone, to learn the address */

        if (e->why == WHY_HOST_ERROR || e->why == WHY_WATCH || e->why == WHY_MASKS
            || e->why == WHY_REQUEST || e->why == WHY_EXCEPTION || e->why == WHY_BREAKPOINT
            || e->why == WHY_FAULT || e->why == WHY_INVALID || e->why == WHY_RANGE || e->why == WHY_WAIT) {
            result = e->why;
        } else if (e->arm || e->mid) {
            continue;
        } else if (e->fill_fault) {
            e->fault_address = e->fill_address;
            e->fault_exact = false;
            result = WHY_FAULT;
        } else if (err == UC_ERR_INSN_INVALID) {
            result = WHY_INVALID;
        } else if (err != UC_ERR_OK) {
            e->problem = "Unicorn ended the run with an error of its own";
            e->code = err;
            result = WHY_HOST_ERROR;
        } else if (!e->stopped && (waits || !(use_exit && pc == exit_at))) {
            if (e->blk) {                 /* nothing but a wait ends a run by itself */
                result = WHY_WAIT;
                e->follows = true;
            } else {
                e->problem = "Unicorn does not move";
                result = WHY_HOST_ERROR;
            }
        }
    }
    e->now = e->steps;
    if (e->set->end_run)
        e->set->end_run(e);
    e->running = e->armed = e->arm = false;
    e->mid = 0;
    out->why = result;
    out->steps = e->steps - before;
    out->pc = pc;
    out->code = e->code;
    out->address = e->fault_address;
    out->exact = e->fault_exact;
    out->returns = e->returns;
    out->behind = e->blk && out->pc == e->blk_pc + e->blk_size;
    return result;
}

bool inside_run(ttd_engine *e, ttd_stop *out)
{
    if (!e->running)
        return false;
    e->problem = "a run was begun inside a device's access, of another run";
    out->why = WHY_HOST_ERROR;
    out->steps = 0;
    return true;
}

int ttd_run(ttd_engine *e, uint64_t max_steps, bool exact, ttd_stop *out)
{
    if (inside_run(e, out))
        return out->why;
    host_was_here(e);
    stairs_spoiled(e);
    if (!e->stairs.on) {
        run_steps(e, max_steps, exact, out);
    } else {
        uint64_t began = e->steps, limit = max_steps < NEVER - began ? began + max_steps : NEVER;
        do {
            stairs_step(e);
            run_steps(e, e->steps < limit, true, out);
        } while (stairs_goes_on(e, limit, out));
        out->steps = e->steps - began;
    }
    give_output(e);
    return out->why;
}

uint64_t *ttd_now(ttd_engine *e)
{
    return &e->now;
}

ttd_work ttd_work_done(ttd_engine *e) { return e->work; }

void ttd_request_stop(ttd_engine *e)
{
    atomic_store(&e->request, true);
    atomic_store(&e->fast_limit, 0);
}

bool ttd_take_request(ttd_engine *e)
{
    return atomic_exchange(&e->request, false);
}

void ttd_stop_after_access(ttd_engine *e)
{
    e->stop_after = e->host_wants = true;
}

void end_after_access(ttd_engine *e) { e->stop_after = true; }

void ttd_fail(ttd_engine *e, int how)
{
    e->failed = how;
}

void ttd_watch_masks(ttd_engine *e, bool on)
{
    e->masks_on = on;
    e->masks = on && e->set->masks ? e->set->masks(e, true) : 0;
    e->look_at_masks |= on && e->running;    /* the block under way may change them */
    set_fast_limit(e);
}
