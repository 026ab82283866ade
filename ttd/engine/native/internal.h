/* What the native files share: the engine's state, and what each of them offers the others. */
#ifndef TTD_INTERNAL_H
#define TTD_INTERNAL_H

#include "core.h"
#include "declared.h"
#include "marks.h"
#include "stuck.h"

#include <string.h>
#include <unicorn/unicorn.h>

#define CACHE_BITS 16
#define MAX_REGIONS 64
#define MAX_NATIVE 64
#define MAX_TOKENS 32
#define MAX_STEADY 64             /* a power of two: places by address */
#define MAX_BURST 1024
#define MAX_STATE 192
#define MAX_OPERANDS 4
#define CUT_SIZE 2             /* bytes of the branch that stands for the end of a block */
#define MAX_KEPT 512
#define MAX_CHANGED 1024          /* more pages than a block can store to */
#define MAX_DEMANDS 4
#define MAX_SPACES 1024
#define CODE_MAP_BITS 12
#define DEVICE_VIEWS 64
#define SEEN_BITS 14
/* Kept out of line, so that what every block runs has next to nothing to save. */
#define COLD __attribute__((noinline, cold))
#define NEVER UINT64_MAX
#define END_OF_TIME (1ull << 62)     /* virtual ns: what is due then or later never is */
#define WHY_AGAIN 100         /* within a run: start again where PC is */
#define WHY_OURS 101          /* within a run: do the instruction at PC here */
#define REFUSED_WATCHED 100   /* not now: a watchpoint comes first */

/* `size` is what Unicorn says, which of an illegal instruction of 16 bits alone is 0; `span` what is
 * run.
 * `prefix_after`: the prefix behind it. `last`: the length of its last instruction. `ways`: those of its
 * instructions. `operands`, `own`: what `operands` of the instruction set is to look at. `branches`: its last is a branch. `key`: PC and the address space. */
typedef struct {
    uint64_t key, pc;
    uint16_t size, span, n;
    uint8_t slow, ways, prefix_after, last, own, noperands;
    uint16_t operands[MAX_OPERANDS];
    bool branches;
} block_info;

/* What there is to do about an instruction, found when its block is decoded (isa.h). Of the block: */
enum {
    WAY_CHECK = 1,                /* before it: can all of it run? (`room`) */
    WAY_OPERANDS = 2,             /* before it: are registers as they must be? (`operands`) */
    WAY_MODES = 4,                /* after it: the MPU, or translation, may apply differently */
    WAY_SETTLE = 8,               /* after it: SP may be unaligned, interrupts masked differently */
    WAY_RAISES = 16,              /* MSR BASEPRI_MAX */
    WAY_LATE_STORE = 32,          /* a store in it may be one that Unicorn does not leave at once */
    WAY_ENTER = 64,               /* before it: `enter` */
/* Of the instruction alone: */
    WAY_CALL = 256,               /* looked at each time that it comes up (ours.c; `turn`) */
    WAY_ANEW = 512,               /* what was translated for it has just become wrong */
    WAY_BRANCH = 1024             /* a branch, or a return from an exception: due.c */
};

/* What is known of a register's lowest bits inside a block: those of register `from` when it began, plus
 * `low`; or `low` (FIXED), or nothing. */
typedef struct { int8_t from; uint8_t low; } low_bits;
enum { LOW_FIXED = -1, LOW_UNKNOWN = -2 };    /* as `from` */

/* A block that is being decoded: its `n`th instruction is at `at`. `prefix`: that
 * before it, and then behind it. */
typedef struct {
    block_info *b;
    uint64_t at;
    const uint8_t *code;          /* its first bytes, as far as the page goes */
    int length;
    uint32_t n;
    uint8_t prefix;
    _Alignas(8) uint8_t own[64];  /* the instruction set's */
} decoding;

typedef struct {
    int kind;
    uint64_t base, size, canonical;
    uint8_t *host;
    uint32_t first_page;
    bool asks;                    /* ROM: the host decides what a store does */
    bool band;                    /* MMIO: a bit-band alias of what is at `canonical` */
    bool viewed;                  /* RAM: it has a second view (mixed.c) */
    bool alone;                   /* MMIO: no other device changes what is read there */
    uint64_t generation;          /* MMIO: counts what may have changed what is read there */
} region;
/* `lo` and `last` are canonical addresses; `shift` leads back to those the user named. */
typedef struct { uint64_t lo, last, shift; int kinds, changes_only; } watch;
/* One page of the window: what the guest has at `vaddr`. No `host`: nothing is there. */
typedef struct { uint64_t vaddr, paddr; uint8_t *host; region *r; uint32_t page; } slot;
typedef struct { uint64_t lo, hi; } span;
typedef struct { uint64_t address, value; int size, write; } token;
/* A device that is not the host's. */
typedef struct { uint64_t base, size; const device_ops *ops; void *device; } native_device;

/* A device's page, and where the guest saw it last. */
typedef struct { uint64_t paddr, vaddr; } view;
/* Page numbers as the guest used them in an interval; `table` is a hash with places in `pages` + 1. */
typedef struct { uint64_t *pages; uint16_t *table; uint32_t n; bool full; } page_set;
/* A page of code: where it was when it was last fetched from. */
typedef struct { uint64_t vpage, ppage; int space; bool used; } code_page;

/* A device register whose value follows from the step until something else happens (devices.c): `value` at
 * tick `ticks`, changing by `slope` a tick. `epoch`, `own`, `others`: when that was. */
typedef struct {
    uint64_t address, value, ticks, clock_ns, hz, divider, until;
    int64_t offset_ns;
    int size, slope;
    bool privileged, write;       /* `write`: those do nothing */
    const region *where;
    uint64_t epoch, own, others;
} steady;

/* Words at the port of a FIFO, [lo, hi), that the guest reads or writes without anybody being asked:
 * `at` of `count` are done. The device hears of them at once when that is over. */
typedef struct {
    uint64_t lo, hi;
    const region *where;
    uint32_t count, at, words[MAX_BURST];
    bool write;
} burst;

/* The latest hits that a scan has met, ascending; of no step from `from` on one is missing. */
typedef struct {
    ttd_hit *hits;
    uint32_t first, count;
    uint64_t from;
} hit_row;

/* An instruction that is looked at before it runs (ours.c), as it comes up. */
typedef struct {
    uint64_t pc, next;        /* where it is, and, for TURN_DONE, where it all goes on */
    int why, exception;       /* for TURN_STOP and TURN_LAST: if not EXCEPTION_OURS */
    bool branches;            /* for TURN_DONE and TURN_LAST: it is a branch, or returns from an exception */
} turn;
/* What is to become of it: let it run, go on behind it, end the run before it, or behind it. */
enum { TURN_RUN, TURN_DONE, TURN_STOP, TURN_LAST };

typedef struct instruction_set instruction_set;

struct ttd_engine {
    /* Read by every block: kept together. */
    uint64_t steps;       /* steps completed before the current block */
    volatile uint64_t fast_limit;
    block_info *cache;
    uint64_t blk_pc;
    uint32_t blk_size, blk_n;
    block_info *blk, prefix_block, exit_block;
    const block_info *before;     /* the block before `blk`; NULL: `follows` knows (due.c) */
    uint64_t due;                 /* the step at which something falls due */
    bool follows;                 /* where `blk` begins, or else the run stands, is behind a branch */
    block_info turned;            /* what stands for a block that was left by TURN_DONE */
    uint64_t salt;        /* makes block keys of one address space differ from those of another */
    uint8_t prefix_next, prefix_first;    /* where the next block begins, and where this one did */

    void *lib, *handle;
    uc_engine *uc;
    const instruction_set *set;
    const char *problem;
    uint32_t page_size, page_shift;
    uc_err (*emu_start)(uc_engine *, uint64_t, uint64_t, uint64_t, size_t);
    uc_err (*emu_stop)(uc_engine *);
    uc_err (*reg_read)(uc_engine *, int, void *);
    uc_err (*reg_write)(uc_engine *, int, const void *);
    uc_err (*hook_add)(uc_engine *, uc_hook *, int, void *, void *, uint64_t, uint64_t, ...);
    uc_err (*hook_del)(uc_engine *, uc_hook);
    uc_err (*ctl)(uc_engine *, uc_control_type, ...);
    uc_err (*mmio_map)(uc_engine *, uint64_t, size_t, uc_cb_mmio_read_t, void *,
                       uc_cb_mmio_write_t, void *);
    uc_err (*mem_protect)(uc_engine *, uint64_t, size_t, uint32_t);
    uc_err (*mem_map_ptr)(uc_engine *, uint64_t, size_t, uint32_t, void *);
    uc_err (*vmem_translate)(uc_engine *, uint64_t, uc_prot, uint64_t *);
    uc_err (*context_alloc)(uc_engine *, uc_context **);
    uc_err (*context_save)(uc_engine *, uc_context *);
    uc_err (*context_restore)(uc_engine *, uc_context *);
    uc_err (*context_free)(uc_context *);

    struct ours_sites *sites;
    void *on_call;                /* the hook of each site */

    region regions[MAX_REGIONS];
    int nregions, nbands, last_region;
    uint32_t npages;
    uint8_t *flags;               /* PAGE_... by page number */
    uint8_t *watched;             /* page number -> kinds watched somewhere on the page */
    uint8_t *translated;          /* a bit per halfword of RAM: part of some block, once */
    uint8_t *cuts;                /* the same: a block that begins here has been cut (cuts.c) */
    uint32_t *slot_table;         /* hash of the page as the guest sees it -> window slot + 1 */
    slot *slots;
    uint64_t window_base;
    uint32_t window_pages, window_used;
    uint64_t view_base;           /* the second view of the memory (mixed.c), in the order of its pages */
    region *view_last;            /* where the last store through it was */
    span changed[MAX_CHANGED];    /* what has changed of it, code that is to be dropped: one of each page */
    int nchanged;

    ttd_work work;
    uint64_t limit;               /* of the run under way */
    volatile bool request;
    bool masks_on, running, looping, settle_next;    /* looping: the run is the native loop's */
    bool host_wants;              /* Python has to get control behind the instruction under way */
    bool look_at_masks;           /* they may have changed since `masks` was read */
    bool returns;                 /* the last instruction was a branch to EXC_RETURN */
    uint32_t masks;
    int why, code;
    uint64_t fault_address;
    bool fault_exact;
    bool quiet;                   /* code is only looked up, to be dropped */
    bool quiet_physical;          /* and by its physical address */
    uint64_t exit_at;             /* of this start of Unicorn; NEVER */
    uint64_t cut_at;              /* where the block at PC should end; NEVER */
    uint64_t cut_pc, cut_step;    /* the last that was made to, and when */
    uint8_t *cut_code, cut_was[CUT_SIZE];    /* what a branch stands for until that is translated; NULL */
    uint32_t mid;                 /* stop after this many instructions of the block at PC */
    bool arm, armed, armed_abort, stop_after, ending, write_cached;
    bool mixed_cached;            /* stores to pages of code may be let through */
    bool leaving;                 /* `limit` is behind the instruction under way, for now */
    bool fill_fault, stopped, flush_due, code_hit, masks_next;
    uint64_t fill_address;
    bool counting;                /* Unicorn is asked for a page for the sake of its count (tlb.c) */
    uint32_t device_fills;        /* how often it has asked for one that traps since the TLB was flushed */

    uint64_t io_step, io_pc, io_address, io_value;
    uint32_t io_left;             /* so many bytes of what was read are still to be fetched */
    uint64_t io_shift;            /* from the address that the guest uses to the memory's own */
    view device_views[DEVICE_VIEWS];
    uint64_t now;                 /* the step as the host sees it */
    int io_size;
    uint64_t rest_at;             /* behind the word of the access under way, as the guest sees it */
    /* Memory that an instruction may have stored to before it is abandoned, as it was. */
    uint64_t kept_at;
    uint32_t kept_size;
    uint8_t kept_bytes[MAX_KEPT];
    uint64_t looked_step;         /* the watchpoints have seen the accesses of this step */
    steady steadies[MAX_STEADY];
    uint64_t epoch;               /* counts the times that the host had control */
    uint64_t generation;          /* counts what may have changed devices that are not alone */
    ttd_registers *writing;       /* whose output waits to be given to the host */
    uint64_t output_since;        /* on the host's clock */
    uint32_t output_looks;
    bool kept;                    /* the access being served asked for `ttd_keep_reading` */
    int failed;                   /* what `ttd_fail` said of it */
    burst burst;
    const core_ops *core_ops;
    void *core;                   /* the architecture's own, for `core_ops` */
    native_device natives[MAX_NATIVE];
    int nnatives, last_native;
    token tokens[MAX_TOKENS];
    int ntokens, itoken;
    uint64_t token_step;

    uint64_t *breaks;
    int nbreaks;
    watch *watches;
    int nwatches;
    bool scan;
    uint64_t range_lo, range_hi;  /* where the run has to stay; empty: anywhere */
    uint64_t skip_breaks, skip_watches;
    ttd_hit hit;
    hit_row scan_breaks, scan_watches;
    bool late;                    /* `hit` is of an access that has happened, by no instruction */
    uint64_t outside_step;        /* the step that such accesses between runs belong to */
    bool noting;                  /* breakpoints of the present block are still to be noted */
    mark_row marks;
    stuck_row stuck;

    bool trap_unaligned;          /* all memory is trapped, to see unaligned accesses */
    bool must_align;              /* where memory is trapped, such are faults */

    bool all_stale;               /* something translated is not what memory has */
    bool translated_once;         /* page tables have been in use */
    uint64_t spaces[MAX_SPACES];  /* what they are known by; the place is the number of the space */
    int nspaces, space;
    code_page code_map[1 << CODE_MAP_BITS];
    page_set seen[3];             /* by kind of access: read, write, fetch */
    uint8_t *nothing;             /* a page of zeros: what lies behind an instruction's end */
    bool lookahead, void_used;    /* `nothing`, or the window's last page, is in the TLB */
    ttd_time time;
    uint64_t timebase_hz;

    uint64_t doing;               /* where the instruction is that is being done here; NEVER */
    uint64_t back_to;             /* Unicorn has gone past where PC has to be; NEVER */
    void *arch;                   /* what the instruction set keeps for itself */

    int state_regs[MAX_STATE];    /* the last `nwide` of them have 16 bytes */
    int nstate, nwide;
    uc_context *pristine, *scratch, *lent;
};

static inline bool leaves_range(const ttd_engine *e, uint64_t pc)
{
    return e->range_lo != e->range_hi && pc - e->range_lo >= e->range_hi - e->range_lo;
}

/* Goes through the instructions from `at` on. */
typedef struct { uint64_t at; uint8_t *code; } cursor;

/* memory.c */
/* The part of [at, at + size) that is on one page. */
int on_page(ttd_engine *e, uint64_t at, int size);

/* code.c */
void forget_blocks_at(ttd_engine *e, uint64_t lo, uint64_t hi);
void drop_code(ttd_engine *e, region *r, uint64_t paddr, uint32_t size);
bool in_block(ttd_engine *e, region *r, uint64_t paddr, uint32_t size);
uint8_t *host_pointer(ttd_engine *e, uint64_t address);
uint32_t page_of(ttd_engine *e, region *r, uint64_t address);
region *find_region(ttd_engine *e, uint64_t address);
uint32_t reg32(ttd_engine *e, int id);
uint64_t read_pc(ttd_engine *e);
/* What an instruction in front says of those that follow, as the run stands; 0: nothing. */
uint8_t prefix_now(ttd_engine *e);
/* Unicorn restores it into the CPU before a callback and leaves it there; running on, the next block would
 * be taken for one behind it. */
void forget_prefix(ttd_engine *e);
uint64_t canonical(ttd_engine *e, uint64_t address);
region *region_of_page(ttd_engine *e, uint32_t page);
bool code_address(ttd_engine *e, uint64_t pc, uint64_t *paddr);
uint8_t *code_at(ttd_engine *e, uint64_t pc);
cursor cursor_at(ttd_engine *e, uint64_t pc);
int length_at(ttd_engine *e, uint64_t pc, const uint8_t *code);
int advance(ttd_engine *e, cursor *c);

/* loop.c: the instruction whose turn it is raises this exception, and the processor is going to enter it in its place.
 * What the turn says; TURN_STOP, with nothing changed: the run has to end before it. */
int take_in_run(ttd_engine *e, turn *t, int number);

/* ours.c */
uint64_t turn_step(ttd_engine *e, const turn *t);
bool note_ours(ttd_engine *e, uint64_t pc);
bool can_leave_at(ttd_engine *e, uint64_t pc);
bool forget_ours(ttd_engine *e, uint64_t pc);
void settle_ours(ttd_engine *e);
bool start_ours(ttd_engine *e);
bool is_ours(ttd_engine *e, uint64_t pc);
/* turns.c */
void on_ours(uc_engine *uc, uint64_t pc, uint32_t size, void *user);
void free_ours(ttd_engine *e);

/* blocks.c */
void settle(ttd_engine *e);
bool privileged_access(ttd_engine *e);
/* blocks.c */
void raise_exception(ttd_engine *e, int code);
void forget_blocks(ttd_engine *e);
int index_of(ttd_engine *e, uint64_t start, uint64_t pc);
uint64_t address_of(ttd_engine *e, uint64_t start, uint32_t index);
void stop(ttd_engine *e, int why);
void set_fast_limit(ttd_engine *e);
uint32_t read_masks(ttd_engine *e);
/* breaks.c */
/* Which instruction of the block is at `address`; NEVER if none begins there. */
uint64_t break_index(ttd_engine *e, block_info *b, uint64_t address);
void note_breaks(ttd_engine *e, uint64_t start, uint64_t done);
void on_block(uc_engine *uc, uint64_t pc, uint32_t size, void *user);
void on_interrupt(uc_engine *uc, uint32_t number, void *user);

/* due.c: what is due is noticed behind a branch. Here, where the block that was announced begins: */
bool behind_branch(const ttd_engine *e);
/* Is what is due noticed before the next instruction of a run that has not begun, or is in between? */
bool due_now(ttd_engine *e);
uint64_t core_deadline(ttd_engine *e);
/* A deadline may have moved. */
void update_due(ttd_engine *e);
/* Let the core's timers do what is due. False: something of the host's is due, too, so it is asked. */
bool expire_core(ttd_engine *e);
/* How many of the block's instructions may run before it is noticed in the middle of the block. */
uint64_t due_room(ttd_engine *e, const block_info *b, uint64_t room);
/* The run has come to `pc`, having executed `done` of the `n` instructions of its last block. */
void note_branch(ttd_engine *e, uint32_t done, bool early);

/* cuts.c */
bool has_cuts(ttd_engine *e, uint64_t address);
void forget_cuts(ttd_engine *e, uint32_t page);
uint32_t span_of(ttd_engine *e, uint64_t pc, uint32_t size);
void begin_cut(ttd_engine *e, uint64_t pc, uint64_t at);
void end_cut(ttd_engine *e, uint64_t pc);

/* tlb.c */
void flush_tlb(ttd_engine *e);
/* Is it no access that asks for the page? Then this is the answer. */
bool tlb_counting(ttd_engine *e, uint64_t vaddr, uc_mem_type type, uc_tlb_entry *out);

/* fill.c */
bool on_nothing(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value,
                void *user);
int watched_kinds(ttd_engine *e, uint64_t vaddr, uint64_t paddr, uint32_t page);
uint64_t window_address(ttd_engine *e, region *r, uint64_t vaddr, uint64_t paddr);
/* Will a watchpoint see a later access of the instruction that begins with this one? */
bool watched_parts(ttd_engine *e, uint64_t address, uint32_t all, int kind);
uint64_t void_address(ttd_engine *e, uint64_t vaddr);
slot *slot_at(ttd_engine *e, uint64_t paddr);
bool on_fill(uc_engine *uc, uint64_t vaddr, uc_mem_type type, uc_tlb_entry *out, void *user);

/* mixed.c */
int mixed_open(ttd_engine *e);
void mixed_start(ttd_engine *e);
bool mixed_fill(ttd_engine *e, uint32_t page, uint64_t *paddr);
void drop_changed(ttd_engine *e);
bool mixed_itself(ttd_engine *e, const block_info *b);

/* access.c */
uint64_t behind(const region *band, uint64_t address, int size, int *bit);
region *band_at(ttd_engine *e, uint64_t address);
/* True when the access at `address` is to stop the run; if not, it may have been noted. */
bool watched_access(ttd_engine *e, uint64_t address, int size, int kind, uint64_t value);
bool watched_insn(ttd_engine *e, uint64_t address, int size, int kind, uint64_t value);
bool give_up(ttd_engine *e, bool write);
void fault_at(ttd_engine *e, int kind, uint64_t address);
/* Remember what is there, for the case that the instruction under way is abandoned. */
void keep_bytes(ttd_engine *e, uint64_t address, uint32_t size);
/* It has been: put back what it stored. */
void put_bytes_back(ttd_engine *e);
bool on_prot(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value,
             void *user);
uint64_t on_mmio_read(uc_engine *uc, uint64_t offset, unsigned size, void *user);
void on_mmio_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user);
uint64_t on_window_read(uc_engine *uc, uint64_t offset, unsigned size, void *user);
void on_window_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user);

/* devices.c */
uint64_t ticks_at(uint64_t step, uint64_t clock_ns, int64_t offset_ns, uint64_t hz,
                  uint64_t divider);
uint64_t ticks_of(const steady *r, uint64_t step);
/* The access under way has changed what its device shows; something has changed devices that are not alone;
 * the host had control. */
native_device *native_at(ttd_engine *e, uint64_t address);
/* steady.c */
steady *steady_of(ttd_engine *e, uint64_t address, bool write);
bool steady_holds(ttd_engine *e, const steady *r, uint64_t address, int size, bool write);
bool steady_values(ttd_engine *e, uint64_t address, int size, uint64_t *value);
bool steady_bit(ttd_engine *e, const region *band, uint64_t address, int size, uint64_t *value);
bool burst_access(ttd_engine *e, uint64_t address, int size, bool write, uint64_t value);
void device_changed(ttd_engine *e);
void devices_changed(ttd_engine *e);
void host_was_here(ttd_engine *e);
void end_burst(ttd_engine *e);
/* False: it did not happen, or not yet. `seen_at`: its address as watchpoints have it. */
bool device_access(ttd_engine *e, uint64_t address, uint64_t seen_at, int size, bool write,
                   uint64_t value);

/* registers.c: give the host what devices have written; if that has waited for long. */
void give_output(ttd_engine *e);
void give_late_output(ttd_engine *e);

/* Does an access of memory, all of it on one page, concern nobody else? */
bool is_plain(ttd_engine *e, uint64_t address, int size, int kind);
/* access.c: accesses of instructions that are done here; false: the run is to end before the instruction. */
bool guest_read(ttd_engine *e, uint64_t address, int size, void *out);
bool guest_write(ttd_engine *e, uint64_t address, int size, const void *data);

/* seen.c: the addresses that the guest used, where page tables may put memory anywhere. */
bool start_seen(ttd_engine *e);
void free_seen(ttd_engine *e);
void see_page(ttd_engine *e, int kinds, uint64_t vaddr);
/* Nobody knows at which addresses the guest would see this memory, once it has page tables. */
void see_outside(ttd_engine *e, int kind, uint64_t paddr);
void forget_seen(ttd_engine *e);

/* spaces.c: address spaces, with blocks of their own, and where their code is. */
/* The number of the space that is known by `key`. */
int space_of(ttd_engine *e, uint64_t key);
/* Space `space` is in force; `other`: other instructions exist than usually, and blocks are others. */
void use_space(ttd_engine *e, int space, bool other);
/* A page is fetched from. True if blocks known of that page may not be what is there now. */
bool note_code(ttd_engine *e, uint64_t vaddr, uint64_t paddr);
void forget_moved_blocks(ttd_engine *e, uint64_t first, uint32_t size);

/* outside.c */
void note_hit(ttd_engine *e, ttd_hit hit);
bool seen_outside(ttd_engine *e, uint64_t paddr, uint64_t size, int kind, const uint8_t *old,
                  const uint8_t *data, int by, ttd_hit *hit);

bool memory_word(ttd_engine *e, uint64_t address, int size, bool write, uint64_t *value);

/* hits.c */
void hit_add(hit_row *row, ttd_hit hit);
void hits_free(ttd_engine *e);

/* marks.c */
bool marks_start(ttd_engine *e);
void marks_free(ttd_engine *e);

/* late.c */
/* Memory that an instruction is going to access, as `kinds` say. `size` 0: there is no telling. */
typedef struct { uint64_t address; uint32_t size; int kinds; } extent;
/* An instruction that Unicorn may leave too late comes up; false: it is to run alone. */
bool enter_late(ttd_engine *e, const extent *x);

/* registers.c */
#define OWN_IDS (1 << 24)       /* from here on: registers that Unicorn has no plain number for */

/* run.c */
uint64_t step_now(ttd_engine *e);
/* The steps before the instruction at `pc`, which is under way. */
uint64_t step_of(ttd_engine *e, uint64_t pc);
void drop_translated(ttd_engine *e, uint64_t lo, uint64_t hi);

extern uint64_t ttd_host_read(void *handle, uint64_t address, int size);
extern void ttd_host_write(void *handle, uint64_t address, int size, uint64_t value);
extern void ttd_host_due(void *handle);
extern void ttd_host_output(void *handle, ttd_registers *r);
extern void ttd_host_lines(void *handle, ttd_registers *r);
extern void ttd_host_burst(void *handle, bool write, uint32_t *words, uint32_t n);

#endif
