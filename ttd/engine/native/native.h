/* Exact execution on Unicorn: the native half of ttd/engine. See native.c. */
#ifndef TTD_NATIVE_H
#define TTD_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

/* Shared with ttd.engine.types.StopReason. */
enum {
    WHY_BUDGET, WHY_BREAKPOINT, WHY_WATCH, WHY_EXCEPTION, WHY_WAIT,
    WHY_REQUEST, WHY_FAULT, WHY_INVALID, WHY_MASKS, WHY_RANGE,
    /* Of `ttd_go`: an exception is to be taken, by the host; at once, in place of the instruction at PC; the log
     * has an interrupt here that does not come. */
    WHY_PENDING, WHY_RAISED, WHY_UNMET, WHY_HOST_ERROR
};

/* Shared with ttd.engine.types.Access. */
enum { ACC_READ = 1, ACC_WRITE = 2, ACC_FETCH = 4, ACC_UNALIGNED = 8 };

/* Exception numbers beside Unicorn's: of a division by zero, of an instruction that the
 * processor model is to do, and of SYSCALL and SYSENTER. */
enum { EXCEPTION_DIVIDE = 0x1000, EXCEPTION_OURS = 0x1001, EXCEPTION_SYSCALL = 0x1002 };

/* Shared with ttd.engine.types.Refusal. */
enum { REFUSED_NOT, REFUSED_PAGE, REFUSED_ACCESS };

/* Flags of a RAM page; the first three are of the present interval. PAGE_TABLE: page tables in it
 * have been read since the TLB was last flushed for an interval. PAGE_CUT: blocks in it have been
 * made to end early. PAGE_MIXED: it holds code, and stores to it are let through (mixed.c). */
enum {
    PAGE_READ = 1, PAGE_DIRTY = 2, PAGE_EXEC = 4, PAGE_EVER_EXEC = 8, PAGE_SPLIT = 16,
    PAGE_TABLE = 32, PAGE_CUT = 64, PAGE_MIXED = 128
};

/* Addresses of an interval that are kept apart, at most. */
enum { TTD_MAX_SEEN = 12288 };
/* Ranges of executed code that an interval keeps. */
enum { TTD_MAX_RAN = 1 << 15, TTD_TICKS = 16 };

/* Kinds of hits besides those of accesses: a handler begins (`id`: of which exception), or is left. */
enum { HIT_ENTERED = 16, HIT_LEFT = 17, HIT_CHANGED = 18, HIT_FOUND = 19 };

/* Among the kinds of a watchpoint: its addresses are physical. */
enum { WATCH_PHYSICAL = 8 };

/* Blocks that a trace keeps. */
enum { TTD_MAX_TRACE = 1 << 15 };

/* FLASH: memory whose stores go to the host as those to a device do. */
/* BAND: each word of it is a bit of what is at its canonical address, memory or devices. */
enum { REGION_RAM, REGION_ROM, REGION_MMIO, REGION_FLASH, REGION_BAND };

typedef struct {
    int why;              /* WHY_... */
    uint64_t steps;       /* how many ran */
    uint64_t pc;
    int code;             /* exception number, or ACC_... of a fault */
    uint64_t address;     /* of a fault */
    int exact;            /* address is exact, not the page's start */
    int returns;          /* the last instruction may return from an exception, and PC says so */
    int behind;           /* the last instruction has run, the one at PC has not begun */
} ttd_stop;

typedef struct {
    uint64_t step, pc, address, value, old;   /* `old`: what is there before a write */
    int size, kind, id;
    int by;               /* who made the access: BY_... or a number of the host's */
} ttd_hit;

/* Shared with ttd.engine.Engine. */
enum { BY_INSTRUCTION, BY_PAGE_WALK };

/* What has been done that is not the guest's own work, since the beginning: Unicorn was started, a block was
 * looked at closely, a trapped access asked about, a TLB entry filled, a call of the block hook shortened. Shared
 * with ttd.engine.types.Work. */
typedef struct { uint64_t starts, looks, traps, fills, shortened; } ttd_work;

typedef struct ttd_engine ttd_engine;

/* Time and waiting, as Python and the native side have them together: virtual time is
 * step * clock_ns + warp_ns. */
typedef struct {
    uint64_t clock_ns;
    int64_t warp_ns, warp_step;   /* what idle machines have skipped; at which step the last time (-1: never) */
    uint64_t due_ns;              /* the next deadline of what Python has */
    bool waiting;                 /* the core waits for something to wake it */
    bool tells_waits;             /* Python has to know of each wait */
} ttd_time;
ttd_time *ttd_time_of(ttd_engine *e);

/* `arch`, `mode`, `model`: how Unicorn is opened; `isa`: the name of an instruction set (isa.h). */
ttd_engine *ttd_new(const char *libunicorn, int arch, int mode, int model, const char *isa,
                    uint32_t page_size, uint64_t window_base, uint32_t window_pages, void *handle);
void ttd_free(ttd_engine *e);
const char *ttd_problem(ttd_engine *e);

int ttd_add_region(ttd_engine *e, int kind, uint64_t base, uint64_t size, uint8_t *host,
                   uint64_t canonical, uint32_t first_page);
/* What is read in the device region at `base` changes by time and by accesses of it only. */
void ttd_set_alone(ttd_engine *e, uint64_t base);
int ttd_use_disassembler(ttd_engine *e, const char *path);
int ttd_start(ttd_engine *e, const int *state_regs, int count, int wide);

/* Steps after which what is due is noticed without a branch. */
enum { DUE_LATENCY = 32 };
/* Something of the host's falls due at this virtual time (ns): a run ends where that is noticed (due.c), and
 * `ttd_host_due` comes before a device is accessed. Also inside a device callback. */
void ttd_set_due(ttd_engine *e, uint64_t ns);
/* DUE_LATENCY if nobody says otherwise; 0: what is due is noticed at once. */
void ttd_set_latency(ttd_engine *e, uint32_t steps);
/* Is something due, and is that noticed where the engine stands? */
bool ttd_notices(ttd_engine *e);
/* When the next timer of a native core or device is due, UINT64_MAX: never; let them do what is due. */
uint64_t ttd_core_deadline(ttd_engine *e);
bool ttd_expire_core(ttd_engine *e);
/* The engine stands behind a branch, an entry to an exception, a return from one, or a wait. */
bool ttd_follows(ttd_engine *e);
void ttd_set_follows(ttd_engine *e, bool follows);

/* Not `exact`: it may end a little later, where a block does; that costs less than to cut the block. */
int ttd_run(ttd_engine *e, uint64_t max_steps, bool exact, ttd_stop *out);
/* With a native core: run, take exceptions, sleep, until the step `limit` or until something is the host's.
 * Any of the reasons; what `ttd_run` has ended with has still to be dealt with if it is not BUDGET or MASKS. */
bool ttd_has_core(ttd_engine *e);
int ttd_go(ttd_engine *e, uint64_t limit, bool exact, ttd_stop *out);
/* Where the number of steps done is: exact between runs and in device callbacks. */
uint64_t *ttd_now(ttd_engine *e);
ttd_work ttd_work_done(ttd_engine *e);
void ttd_set_step(ttd_engine *e, uint64_t step);
void ttd_request_stop(ttd_engine *e);
bool ttd_take_request(ttd_engine *e);
void ttd_stop_after_access(ttd_engine *e);
void ttd_keep_reading(ttd_engine *e, uint64_t value, int slope, int64_t since_ns, uint64_t hz,
                      uint64_t divider, uint64_t until_ns);
/* Inside a device callback: further writes there do nothing, for as long as what is read would be kept. */
void ttd_keep_ignoring(ttd_engine *e);
/* Inside a device callback: the access failed; 1: a bus fault, 2: an error in the host. */
void ttd_fail(ttd_engine *e, int how);
void ttd_watch_masks(ttd_engine *e, bool on);

void ttd_set_breakpoints(ttd_engine *e, const uint64_t *addresses, int count);
/* Scan mode notes every instruction in one of [lo, hi). */
void ttd_set_traced(ttd_engine *e, const uint64_t *lo, const uint64_t *hi, int count);
/* ... and every entry to an exception, and return from one. */
void ttd_note_handlers(ttd_engine *e, bool on);
/* ... and every change of these bits of a register, until `ttd_compare_end`. False: it cannot be done. */
bool ttd_compare(ttd_engine *e, int id, uint64_t mask);
void ttd_compare_end(ttd_engine *e);
/* ... and of all watched writes only those by which memory comes to have these bytes, at `address`; `size` 0: that ends.
 * False: they are too many, or there is no memory. */
bool ttd_seek(ttd_engine *e, const uint8_t *bytes, uint32_t size);
int ttd_set_watchpoints(ttd_engine *e, const uint64_t *lo, const uint64_t *last, const int *kinds,
                        const int *changes_only, int count);
/* `most`: hits that are kept of instructions, and of accesses, the latest. */
void ttd_set_scan(ttd_engine *e, bool scan, uint32_t most);
/* How many have been noted and are kept, of both. */
uint32_t ttd_noted(ttd_engine *e);
/* Stop before an instruction that is not in [lo, hi); nowhere if that is empty. */
void ttd_set_range(ttd_engine *e, uint64_t lo, uint64_t hi);
/* Do not stop at a breakpoint, or a watchpoint, that hits at this very step. */
void ttd_skip_stops_at(ttd_engine *e, uint64_t breaks, uint64_t watches);
/* Nor at this access, of which all there is to be known is; others of its step stop as they do. */
void ttd_pass_over(ttd_engine *e, const ttd_hit *hit);
/* What was noted since, ascending; how many (`out` may be NULL). `from`: of no step from there on one
 * is missing. */
uint32_t ttd_hits(ttd_engine *e, bool watches, ttd_hit *out, uint64_t *from);
void ttd_watch_hit(ttd_engine *e, ttd_hit *out);

/* So many instructions (`count`) that ran one behind the other from `pc` on, of which `at` is the memory's own address,
 * the step in which they began to do so last, and how many times they did. `count` 0: an exception returned in this step, the last one that did. */
typedef struct { uint64_t step, pc, at, count, times; } ttd_block_run;
/* While on, this is noted of all that runs. False: there is no memory for it. */
bool ttd_set_trace(ttd_engine *e, bool on);
/* What was noted while it was on, `TTD_MAX_TRACE` at most, and how many. `from`: of no step from there on one is missing,
 * and their code is what is in memory now; UINT64_MAX: code has changed in the last of them. */
uint32_t ttd_traced(ttd_engine *e, ttd_block_run *out, uint64_t *from);

/* Stairs: while they are on, runs note of each position what it takes to come back to it, as long as steps only run
 * instructions; they end behind those that do more. Whoever drives the runs says where the machine has arrived at a
 * position, whatever the runs have noted (false: there is no memory for that). */
void ttd_stairs_begin(ttd_engine *e);
bool ttd_stairs_arrive(ttd_engine *e);
/* ... and where it does something between two positions. */
void ttd_stairs_depart(ttd_engine *e);
void ttd_stairs_end(ttd_engine *e);
void ttd_stairs_forget(ttd_engine *e);
/* Be at this step of the last stairs, memory, registers and time, from where that has ended or from where this has led.
 * False, with nothing changed, if they have not been there, or something else has happened since. */
bool ttd_stairs_back(ttd_engine *e, uint64_t step);
/* The first step of the last stairs from which on to here PC has been in [lo, hi); UINT64_MAX: that may be before them,
 * or there are none. */
uint64_t ttd_stairs_within(ttd_engine *e, uint64_t lo, uint64_t hi);

int ttd_collect(ttd_engine *e, int mask, int shift, uint32_t *out, int room);
void ttd_new_interval(ttd_engine *e);
void ttd_restore(ttd_engine *e, uint32_t page, uint32_t count, const uint8_t *data);

/* Accesses of the machine that no instruction makes; all of them or nothing. `by`: as in a hit. */
int ttd_load(ttd_engine *e, uint64_t address, uint8_t *out, int size, int by);
int ttd_store(ttd_engine *e, uint64_t address, const uint8_t *data, int size, int by);
/* A device has changed what it shows at a watched address. */
void ttd_note_write(ttd_engine *e, uint64_t address, int size, int by);
void ttd_set_outside_step(ttd_engine *e, uint64_t step);
bool ttd_take_late(ttd_engine *e);
/* A look, or a change, from outside the machine: as far as there is memory. */
int ttd_read(ttd_engine *e, uint64_t address, uint8_t *out, int size);
int ttd_write(ttd_engine *e, uint64_t address, const uint8_t *data, int size);

/* Does protection forbid the access to the instruction at PC? */
bool ttd_denies(ttd_engine *e, uint64_t address, int kind);
bool ttd_mapped(ttd_engine *e, uint64_t address, int kind);
bool ttd_is_ram(ttd_engine *e, uint64_t address, int kind);

int ttd_translate(ttd_engine *e, uint64_t vaddr, int kind, uint64_t *paddr);
int ttd_seen(ttd_engine *e, int kind, uint64_t *out, int room);
/* Addresses at which this interval has reached an instruction: begin, end and a mask of ticks of each range, ascending,
 * at most TTD_MAX_RAN; -1: more than are kept. Bit i of a mask, which has all from the first to the last tick in which
 * the range was reached, is tick `first` + i, of steps from that << `shift` on; if `shift` is 63 it is not known when. */
int ttd_ran(ttd_engine *e, uint64_t *out, uint64_t *first, int *shift);
/* From the next interval on, ticks are of 2 ** `shift` steps, at least 16, and of more where they would be more than
 * TTD_TICKS; 63: it is not noted when. */
void ttd_set_ticks(ttd_engine *e, int shift);
/* Note from now on which words of 4 bytes are written; false: there is no memory, or it cannot be known here. Their
 * numbers, in the order of the pages, as ranges: pairs of begin and end, ascending, at most TTD_MAX_RAN; -1: more. */
bool ttd_knows_words(const ttd_engine *e);
bool ttd_note_words(ttd_engine *e, bool on);
int ttd_words(const ttd_engine *e, uint64_t *out);
/* Page tables were set up meanwhile, so that addresses need not be those of memory. */
bool ttd_words_moved(const ttd_engine *e);

void ttd_save_state(ttd_engine *e, uint64_t *values);
void ttd_load_state(ttd_engine *e, const uint64_t *values);
void ttd_reset_registers(ttd_engine *e);
int ttd_monitor_words(ttd_engine *e);
void ttd_clear_exclusive(ttd_engine *e);
void ttd_regs_read(ttd_engine *e, const int *ids, uint64_t *out, int count);
void ttd_regs_write(ttd_engine *e, const int *ids, const uint64_t *values, int count);
/* Of 128 bits, or up to that: lower half first. */
void ttd_wide_read(ttd_engine *e, int id, uint64_t *out);
void ttd_wide_write(ttd_engine *e, int id, const uint64_t *value);
/* NULL: there is no memory for it. */
void *ttd_context_new(ttd_engine *e);
void ttd_context_save(ttd_engine *e, void *context);
void ttd_context_restore(ttd_engine *e, void *context);
void ttd_context_free(void *context);

#endif
