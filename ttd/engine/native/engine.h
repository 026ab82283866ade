/* The engine's state. */
#ifndef TTD_ENGINE_H
#define TTD_ENGINE_H

#include "types.h"

struct ttd_engine {
    /* Read by every block: kept together. */
    uint64_t steps;       /* steps completed before the current block */
    _Atomic uint64_t fast_limit;  /* up to here blocks need no look; 0: a thread of the host's wants one */
    uint64_t blk_pc;
    uint32_t blk_size, blk_n;
    block_info *blk;
    bool leaves;                  /* Unicorn has been told to leave the block, or not to begin the next */
    const block_info *before;     /* the block before `blk`; NULL: `follows` knows (due.c). Not beside it: the
                                   * compiler would store both as one, for which the next block has to wait */
    block_info *cache;
    uint32_t stamp;       /* of the present interval, or tick: a block that has another is to be noted (ran.c) */
    uint64_t salt;        /* makes block keys of one address space differ from those of another */

    block_info prefix_block, exit_block;
    uint64_t due;                 /* the step at which something falls due */
    uint32_t latency;             /* steps after which that is noticed without a branch */
    bool follows;                 /* where `blk` begins, or else the run stands, is behind a branch */
    block_info turned;            /* what stands for a block that was left by TURN_DONE */
    bool shortens;                /* calls of the block hook can be shortened (shortened.c) */
    const uint8_t *checks_exits;  /* what is called behind them; NULL: there was no such call yet */
    uint8_t prefix_next, prefix_first;    /* where the next block begins, and where this one did */

    void *lib, *handle;
    uc_engine *uc;
    const instruction_set *set;
    const char *problem;
    uint32_t page_size, page_shift;
    uc_err (*open)(uc_arch, uc_mode, uc_engine **);
    uc_err (*close)(uc_engine *);
    uc_err (*emu_start)(uc_engine *, uint64_t, uint64_t, uint64_t, size_t);
    uc_err (*emu_stop)(uc_engine *);
    uc_err (*reg_read)(uc_engine *, int, void *);
    uc_err (*reg_write)(uc_engine *, int, const void *);
    uc_err (*reg_read_batch)(uc_engine *, const int *, void **, int);
    uc_err (*reg_write_batch)(uc_engine *, const int *, void *const *, int);
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
    size_t (*context_size)(uc_engine *);

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
    atomic_bool request;          /* to stop: set by any thread of the host's */
    bool masks_on, running, looping, settle_next;    /* looping: the run is the native loop's */
    bool host_wants;              /* Python has to get control behind the instruction under way */
    bool look_at_masks;           /* they may have changed since `masks` was read */
    bool returns;                 /* the last instruction returns from an exception (`returns` of the instruction set) */
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
    bool late_store;              /* `arm`: for a store in a block with WAY_LATE_STORE */
    bool loose;                   /* the block that comes to `limit` may run to its end */
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
    ttd_registers *timers;        /* devices with counters: the first; when the next match of theirs is */
    uint64_t timers_due;
    bool timers_moved;            /* `timers_due` is not known */
    ttd_registers *receivers[MAX_NATIVE];
    int nreceivers;
    bool looks_for_input;         /* record, in the loop: what waits for a device enters here */
    bool input_ready;             /* there is some that its device can take */
    bool moved;                   /* an access has moved a deadline of the device that it was of */
    ttd_registers *writing;       /* whose output waits to be given to the host */
    ttd_outbox *posting;          /* or whose packets do */
    uint64_t output_since;        /* on the host's clock */
    uint32_t output_looks;
    bool kept;                    /* the access being served asked for `ttd_keep_reading` */
    int failed;                   /* what `ttd_fail` said of it */
    const core_ops *core_ops;
    void *core;                   /* the architecture's own, for `core_ops` */
    native_device natives[MAX_NATIVE];
    int nnatives, last_native;
    token tokens[MAX_TOKENS];
    int ntokens, itoken;
    uint64_t token_step;

    uint64_t *breaks;
    int nbreaks;
    span *traced;                 /* scan mode: every instruction in one of them is noted */
    int ntraced;
    compared compared;
    struct sought *sought;        /* scan mode: what is looked for; NULL */
    bool notes_handlers;          /* scan mode: entries to exceptions and returns are noted, too */
    watch *watches;
    int nwatches;
    uint64_t stores_lo, stores_last;   /* where one may see an instruction that stores here (watch.c) */
    bool scan;
    uint64_t range_lo, range_hi;  /* where the run has to stay; empty: anywhere */
    uint64_t skip_breaks, skip_watches;
    ttd_hit passed[MAX_PASSED];   /* accesses of one step to go on after (`ttd_pass_over`) */
    int npassed;
    ttd_hit hit;
    hit_row scan_breaks, scan_watches;
    bool tracing;
    trace_table trace;
    stairs stairs;
    uint64_t doings;              /* counts what was done beside running instructions */
    bool late;                    /* `hit` is of an access that has happened, by no instruction */
    uint64_t outside_step;        /* the step that such accesses between runs belong to */
    bool noting;                  /* breakpoints of the present block are still to be noted */
    mark_row marks;
    stuck_row stuck;

    bool trap_unaligned;          /* all memory is trapped, to see unaligned accesses */
    bool must_align;              /* where memory is trapped, such are faults */

    bool splits;                  /* there are pages with PAGE_SPLIT */
    bool all_stale;               /* something translated is not what memory has */
    bool translated_once;         /* page tables have been in use */
    uint64_t spaces[MAX_SPACES];  /* what they are known by; the place is the number of the space */
    int nspaces, space;
    code_page code_map[1 << CODE_MAP_BITS];
    page_set seen[3];             /* by kind of access: read, write, fetch */
    ran_list ran;
    int tick_shift;               /* of the ticks of intervals that begin */
    uint64_t *words;              /* written words of each page, if somebody wants to know (words.c); NULL */
    bool words_moved;             /* page tables were set up since */
    bool words_full;              /* a page has become complete: its stores need no look any more */
    uint8_t *nothing;             /* a page of zeros: what lies behind an instruction's end */
    bool lookahead, void_used;    /* `nothing`, or the window's last page, is in the TLB */
    ttd_time time;

    uint64_t doing;               /* where the instruction is that is being done here; NEVER */
    uint64_t back_to;             /* Unicorn has gone past where PC has to be; NEVER */
    void *arch;                   /* what the instruction set keeps for itself */

    int state_regs[MAX_STATE];    /* the last `nwide` of them have 16 bytes */
    int nstate, nwide;
    uc_context *pristine, *scratch, *lent;
    int arch_id, mode, model;     /* as Unicorn was opened */
    /* The exclusive monitor (monitor.c): an instruction that closes it has been met; it is to be opened before anybody
     * looks at it; where it is in a context, 0: nowhere that is known. */
    struct { bool needed, opens; size_t at; uc_context *context; } monitor;
};

/* Blocks look at this: a plain load. Who stores what other threads have to see does it in one order with their
 * stores (`set_fast_limit`, `ttd_request_stop`). */
static inline uint64_t fast_limit(const ttd_engine *e)
{
    return atomic_load_explicit(&e->fast_limit, memory_order_relaxed);
}

/* Nothing is known of it any more. */
static inline void forget_block(block_info *b)
{
    b->key = NEVER;
    b->tag = 0;
}

static inline bool requested(const ttd_engine *e)
{
    return atomic_load_explicit(&e->request, memory_order_relaxed);
}

/* A run is to end behind the next branch. */
static inline bool wanted(const ttd_engine *e) { return requested(e) || e->input_ready; }

static inline bool leaves_range(const ttd_engine *e, uint64_t pc)
{
    return e->range_lo != e->range_hi && pc - e->range_lo >= e->range_hi - e->range_lo;
}

#endif
