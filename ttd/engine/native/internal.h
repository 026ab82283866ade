/* What the engine's files offer each other, from those that call no other up to those that call most: none
 * calls one that comes later here. */
#ifndef TTD_INTERNAL_H
#define TTD_INTERNAL_H

#include "isa.h"

/* memory.c */
/* The part of [at, at + size) that is on one page. */
int on_page(ttd_engine *e, uint64_t at, int size);
uint64_t canonical(ttd_engine *e, uint64_t address);
region *region_of_page(ttd_engine *e, uint32_t page);
uint64_t behind(const region *band, uint64_t address, int size, int *bit);
region *band_at(ttd_engine *e, uint64_t address);

/* was.c */
/* The memory of a page; NULL. */
uint8_t *page_at(ttd_engine *e, uint32_t page);
/* The step under way is over: what it has changed on the pages that were kept is what takes it back. */
void keep_changes(ttd_engine *e);

/* tlb.c */
/* Is it no access that asks for the page? Then this is the answer. */
bool tlb_counting(ttd_engine *e, uint64_t vaddr, uc_mem_type type, uc_tlb_entry *out);

/* cpu.c */
/* Unicorn restores it into the CPU before a callback and leaves it there; running on, the next block would
 * be taken for one behind it. */
void forget_prefix(ttd_engine *e);
void settle(ttd_engine *e);
/* As `look` of the instruction set says. */
bool look_at_cpu(ttd_engine *e, uint64_t *pc);
uint32_t read_masks(ttd_engine *e);

/* monitor.c */
/* The words of the exclusive monitor, as many as the instruction set says. */
void monitor_read(ttd_engine *e, uint64_t *words);
void monitor_write(ttd_engine *e, const uint64_t *words);

/* spaces.c */
/* A page is fetched from. True if blocks known of that page may not be what is there now. */
bool note_code(ttd_engine *e, uint64_t vaddr, uint64_t paddr);
void forget_moved_blocks(ttd_engine *e, uint64_t first, uint32_t size);

/* code.c */
int index_of(ttd_engine *e, uint64_t start, uint64_t pc);
/* The steps before the instruction at `pc`, which is under way. */
uint64_t step_of(ttd_engine *e, uint64_t pc);

/* cuts.c */
bool has_cuts(ttd_engine *e, uint64_t address);
void forget_cuts(ttd_engine *e, uint32_t page);
uint32_t span_of(ttd_engine *e, uint64_t pc, uint32_t size);
void begin_cut(ttd_engine *e, uint64_t pc, uint64_t at);
void end_cut(ttd_engine *e, uint64_t pc);

/* changes.c */
void drop_code(ttd_engine *e, region *r, uint64_t paddr, uint32_t size);
bool in_block(ttd_engine *e, region *r, uint64_t paddr, uint32_t size);

/* seen.c */
/* The addresses that the guest used, where page tables may put memory anywhere. */
bool start_seen(ttd_engine *e);
void free_seen(ttd_engine *e);
void see_page(ttd_engine *e, int kinds, uint64_t vaddr);
/* Nobody knows at which addresses the guest would see this memory, once it has page tables. */
void see_outside(ttd_engine *e, int kind, uint64_t paddr);
void forget_seen(ttd_engine *e);

/* ran.c */
bool start_ran(ttd_engine *e);
void free_ran(ttd_engine *e);
void note_ran(ttd_engine *e, block_info *b);
void trim_ran(ttd_engine *e, uint64_t n);
void forget_ran(ttd_engine *e);

/* words.c */
bool wants_words(const ttd_engine *e, uint32_t page);
bool mark_words(ttd_engine *e, uint32_t page, uint64_t at, uint64_t size);

/* Memory is written: [at, at + size) of a page. */
static inline void note_written(ttd_engine *e, uint32_t page, uint64_t at, uint64_t size)
{
    if (e->words)
        mark_words(e, page, at & (e->page_size - 1), size);
}

/* hits.c */
void hits_free(ttd_engine *e);

/* sought.c */
/* [at, at + size) of memory, which had `old`, gets `data`. `hit`: its step, PC, and who does it. */
void note_sought(ttd_engine *e, ttd_hit hit, uint64_t at, const uint8_t *old, const uint8_t *data, uint64_t size);

/* compared.c */
/* Scan mode compares a register at the position that has been reached; before the instruction at `pc`. */
void compare_here(ttd_engine *e, uint64_t pc);
void compare_turn(ttd_engine *e, uint64_t pc, uint32_t size);

/* trace.c */
void trace_free(ttd_engine *e);
void trace_block(ttd_engine *e, uint64_t pc);
void trace_end(ttd_engine *e);
void trace_return(ttd_engine *e, uint64_t step);
void trace_forget(ttd_engine *e);

/* marks.c */
bool marks_start(ttd_engine *e);
void marks_free(ttd_engine *e);

/* watch.c */
int watched_kinds(ttd_engine *e, uint64_t vaddr, uint64_t paddr, uint32_t page);
/* Will a watchpoint see a later access of the instruction that begins with this one? */
bool watched_parts(ttd_engine *e, uint64_t address, uint32_t all, int kind);
bool watched_insn(ttd_engine *e, uint64_t address, int size, int kind, uint64_t value);

/* outside.c */
bool memory_word(ttd_engine *e, uint64_t address, int size, bool write, uint64_t *value);

/* undo.c */
bool give_up(ttd_engine *e, bool write);
/* Remember what is there, for the case that the instruction under way is abandoned. */
void keep_bytes(ttd_engine *e, uint64_t address, uint32_t size);
/* It has been: put back what it stored. */
void put_bytes_back(ttd_engine *e);

/* mixed.c */
int mixed_open(ttd_engine *e);
void mixed_start(ttd_engine *e);
/* For stores the page gets the view in which they are seen; where, is at `paddr`. */
bool mixed_fill(ttd_engine *e, uint32_t page, uint64_t at, uint64_t *paddr);
/* The same, of a page with watchpoints for `watched` kinds of access, if that does for them. */
bool mixed_watch(ttd_engine *e, uint32_t page, uint64_t at, int watched, uint64_t *paddr);
void drop_changed(ttd_engine *e);
bool mixed_itself(ttd_engine *e, const block_info *b);

/* window.c */
uint64_t window_address(ttd_engine *e, region *r, uint64_t vaddr, uint64_t paddr);
uint64_t void_address(ttd_engine *e, uint64_t vaddr);
slot *slot_at(ttd_engine *e, uint64_t paddr);

/* ours.c */
bool note_ours(ttd_engine *e, uint64_t pc);
bool can_leave_at(ttd_engine *e, uint64_t pc);
void settle_ours(ttd_engine *e);
bool start_ours(ttd_engine *e);
bool is_ours(ttd_engine *e, uint64_t pc);
/* A call has come, past the hooks of all other places: if that happens so often that it costs more than to find
 * the places anew, that is to be done. */
void note_walk(ttd_engine *e);
void free_ours(ttd_engine *e);

/* attached.c */
native_device *native_at(ttd_engine *e, uint64_t address);

/* steady.c */
steady *steady_of(ttd_engine *e, uint64_t address, bool write);
bool steady_holds(ttd_engine *e, const steady *r, uint64_t address, int size, bool write);
bool steady_values(ttd_engine *e, uint64_t address, int size, uint64_t *value);
bool steady_bit(ttd_engine *e, const region *band, uint64_t address, int size, uint64_t *value);
/* The access under way has changed what its device shows; something has changed devices that are not alone;
 * the host had control. */
void device_changed(ttd_engine *e);
void devices_changed(ttd_engine *e);
void host_was_here(ttd_engine *e);

/* counters.c */
static inline uint32_t bits_of(const ttd_registers *r, const ttd_bits *b)
{
    return r->words[b->word] & r->words[b->also] >> b->shift & b->mask;
}

/* Virtual time (ns), to a device. */
uint64_t registers_time(const ttd_registers *r);
/* What its counter holds now. */
uint32_t counter_holds(const ttd_registers *r, int n);
/* Virtual time (ns) of its counter's next matches, and which they are, a bit each. */
uint64_t counter_next(const ttd_registers *r, int n, uint32_t *which);
/* The counter comes to them. */
void counter_go_to(ttd_registers *r, int n, uint32_t which);

/* receiver.c */
/* A byte goes to the FIFO, if there is room; the first of it goes. */
void receiver_append(ttd_registers *r, uint8_t byte);
void receiver_drop(ttd_registers *r);
void receiver_time_out(ttd_registers *r);

/* declared.c */
/* Give the host what devices have written; if that has waited for long. */
void give_output(ttd_engine *e);
void give_late_output(ttd_engine *e);
/* `box` is about to get a packet that waits. */
void post_output(ttd_engine *e, ttd_outbox *box);
/* Effects [at, end) of the map happen. False: the host is to do it. What they give is or-ed to `out`. */
bool apply(ttd_registers *r, int at, int end, bool look, uint32_t *out);
/* Let the host hear of lines that have changed. */
void tell_lines(ttd_engine *e, ttd_registers *r);

/* inputs.c */
/* The next deadline of what devices receive (virtual ns; NEVER); do what is due. */
uint64_t inputs_deadline(const ttd_engine *e);
void inputs_expire(ttd_engine *e, uint64_t now);
/* Is there input that a device can take? The run ends behind the next branch then. */
void look_for_input(ttd_engine *e);
/* Input that is to enter here does. UNMET: in play it cannot, ASK: it is the host's to let in. */
enum { INPUT_NONE, INPUT_ENTERED, INPUT_ASK, INPUT_UNMET };
int enter_input(ttd_engine *e);
/* Play: for how long (ns) the processor sleeps here until the next input; NEVER. */
uint64_t logged_warp(const ttd_engine *e);

/* matches.c */
/* Virtual time (ns) at which something of `e->timers` is due here, not by the host; UINT64_MAX: never. */
uint64_t timers_deadline(ttd_engine *e);
void expire_timers(ttd_engine *e);

/* due.c */
/* What is due is noticed behind a branch. Here, where the block that was announced begins: */
bool behind_branch(const ttd_engine *e);
/* Is what is due noticed before the next instruction of a run that has not begun, or is in between? */
bool due_now(ttd_engine *e);
/* Virtual time (ns) at which a timer of the core, or of a device that is native, wants `expire_core`. */
uint64_t core_deadline(ttd_engine *e);
/* A deadline may have moved. */
void update_due(ttd_engine *e);
/* Let those timers do what is due. False: something of the host's is due, too, so it is asked. */
bool expire_core(ttd_engine *e);
/* How many of the block's instructions may run before it is noticed in the middle of the block. */
uint64_t due_room(ttd_engine *e, const block_info *b, uint64_t room);
/* It may be noticed before the end of the block that runs. */
bool due_in_block(const ttd_engine *e);
/* The run has come to `pc`, having executed `done` of the `n` instructions of its last block. */
void note_branch(ttd_engine *e, uint32_t done, bool early);

/* devices.c */
/* False: it did not happen, or not yet. `seen_at`: its address as watchpoints have it. */
bool device_access(ttd_engine *e, uint64_t address, uint64_t seen_at, int size, bool write,
                   uint64_t value);

/* access.c */
bool on_prot(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value,
             void *user);
uint64_t on_mmio_read(uc_engine *uc, uint64_t offset, unsigned size, void *user);
void on_mmio_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user);
uint64_t on_window_read(uc_engine *uc, uint64_t offset, unsigned size, void *user);
void on_window_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user);

/* guest.c */
/* Does an access of memory, all of it on one page, concern nobody else? */
bool is_plain(ttd_engine *e, uint64_t address, int size, int kind);

/* shortened.c */
/* `behind`: where translated code goes on after its call of `hook` for block `b`. From now on it calls `shorter`
 * with the block, its tag and the engine, which says whether the run may have to be left. False: it does not. */
bool shorten_call(ttd_engine *e, const block_info *b, const void *hook, const void *shorter, void *behind);
/* Memory of zeros whose address is short, where there is such; NULL. */
void *map_low(size_t size);

/* breaks.c */
/* Which instruction of the block is at `address`; NEVER if none begins there. */
uint64_t break_index(ttd_engine *e, block_info *b, uint64_t address);
void note_breaks(ttd_engine *e, uint64_t start, uint64_t done);
bool traced(const ttd_engine *e, uint64_t pc, uint64_t size);

/* turns.c */
void on_ours(uc_engine *uc, uint64_t pc, uint32_t size, void *user);
void on_interrupt(uc_engine *uc, uint32_t number, void *user);

/* fill.c */
bool on_fill(uc_engine *uc, uint64_t vaddr, uc_mem_type type, uc_tlb_entry *out, void *user);

/* stairs.c */
void stairs_free(ttd_engine *e);
/* One step of stairs is about to be run. It has been: do they go on without Python? Then the position has its
 * row. */
void stairs_step(ttd_engine *e);
bool stairs_goes_on(ttd_engine *e, uint64_t limit, const ttd_stop *out);
/* Something happens to the machine that no stairs know of. */
static inline void stairs_spoiled(ttd_engine *e) { e->stairs.stands = false; }

/* run.c */
/* A run is under way already, so that another cannot begin: `out` says so. */
bool inside_run(ttd_engine *e, ttd_stop *out);
/* As `ttd_run`, within a run of more than that. */
int run_steps(ttd_engine *e, uint64_t max_steps, bool exact, ttd_stop *out);

/* Python's. */
extern uint64_t ttd_host_read(void *handle, uint64_t address, int size);
extern void ttd_host_write(void *handle, uint64_t address, int size, uint64_t value);
extern void ttd_host_due(void *handle);
extern void ttd_host_output(void *handle, ttd_registers *r);
extern void ttd_host_lines(void *handle, ttd_registers *r);
extern void ttd_host_packets(void *handle, ttd_outbox *box);

#endif
