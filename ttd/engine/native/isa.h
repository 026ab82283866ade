/* What an instruction set has to provide: a table of functions that the engine calls; and what it may call.
 * Each architecture's folder fills in its own table, and includes nothing of the engine but this. */
#ifndef TTD_ISA_H
#define TTD_ISA_H

#include "engine.h"

struct instruction_set {
    const char *name;             /* as `ttd.engine.isa.Isa.instructions` has it */
    int variant;                  /* for the architecture's own use */
    int pc;                       /* Unicorn's number of the program counter */
    size_t state_size;            /* of what it keeps in `arch`, which begins with zeros */

    /* When all memory is there; an error of Unicorn's, or 0. `free`: what hangs at `arch`. */
    int (*start)(ttd_engine *e);
    void (*free)(ttd_engine *e);
    /* Before that: the library that `Isa.disassembler` names. 0 if it does. */
    int (*use_library)(ttd_engine *e, const char *path);

    /* The length of the instruction at `pc`, whose first bytes are at `code`. */
    int (*length)(ttd_engine *e, uint64_t pc, const uint8_t *code);
    /* An instruction of a block that is being decoded is at `d->at`: what is to be done about it, WAY_... */
    uint32_t (*decode)(ttd_engine *e, decoding *d);
    /* How many instructions of the block, of those that the engine would let run, can; `why` if none. Asked of
     * blocks with WAY_CHECK, and of those with WAY_OPERANDS. */
    uint64_t (*room)(ttd_engine *e, block_info *b, uint64_t room, int *why);
    uint64_t (*operands)(ttd_engine *e, block_info *b, uint64_t room, int *why);
    /* An instruction with WAY_CALL comes up; TURN_...; NULL: there are none. `calls_anywhere`: it makes no
     * difference to any instruction that it has a call before it. */
    int (*turn)(ttd_engine *e, turn *t);
    bool calls_anywhere;

    /* All below may be missing. */

    /* Where an access of this kind to `vaddr` goes, and with which rights such accesses to its page come along;
     * REFUSED_... `update`: with marks that the hardware makes. The page tables it reads are to have PAGE_TABLE.
     * NULL: addresses are as they are, and none of the next four is called. */
    int (*translate)(ttd_engine *e, uint64_t vaddr, int kind, bool update, uint64_t *paddr, int *rights);
    /* The same for a debugger, without rights or marks. Does one find the page `paddr` at the page `vaddr`? */
    bool (*probe)(ttd_engine *e, uint64_t vaddr, uint64_t *paddr);
    bool (*shows)(ttd_engine *e, uint64_t vaddr, uint64_t paddr);
    /* A store to a page with PAGE_TABLE: would it take the ground from under the running block; is an entry there
     * that the TLB may know? */
    bool (*moves_code)(ttd_engine *e, const slot *s, uint64_t address, int size, uint64_t value);
    bool (*entry_valid)(ttd_engine *e, const slot *s, uint64_t address, int size);
    bool looks_ahead;             /* translated code may end in the middle of an instruction: `room` looks at it */
    /* May all of a place be accessed so? 1 yes, 0 no, -1 it differs within. `under_way`: by the instruction at PC;
     * else by any of the present mode. Has that access privilege? NULL: everything may, and it has. */
    int (*allows)(ttd_engine *e, uint64_t vaddr, uint64_t paddr, uint64_t size, int kind, bool under_way);
    bool (*privileged)(ttd_engine *e);
    /* A block is about to run: may it change how `allows` answers? NULL: if it has WAY_MODES. */
    bool (*expect_modes)(ttd_engine *e, const block_info *b);
    /* A block with WAY_MODES or WAY_SETTLE is about to run, and has run: registers may hold what they cannot. False:
     * they will not. */
    bool (*expect)(ttd_engine *e, const block_info *b);
    void (*settle)(ttd_engine *e);
    /* What lets interrupts in, as a number. `between` runs: whatever the mode may read. */
    uint32_t (*masks)(ttd_engine *e, bool between);
    /* Unicorn is going to be started: PC, and `prefix_next` of the engine. False: the CPU is in a state in which there are
     * no instructions. NULL: PC, and there is no prefix. */
    bool (*look)(ttd_engine *e, uint64_t *pc);
    monitor_facts monitor;
    uint64_t entry_bits;          /* set in the address at which Unicorn is started */
    bool watches_memory;          /* watchpoints are of memory, whichever alias shows it; else of addresses */
    /* Blocks that end before an instruction which has to begin one (cuts.c): what stands there while they are
     * translated, and how many of the `size` bytes at `pc` such a block runs. */
    uint8_t branch_to_self[CUT_SIZE];
    uint32_t (*cut_span)(ttd_engine *e, uint64_t pc, uint32_t size);

    /* What an instruction in front says of those that follow as the CPU has it now; 0:
     * nothing. Stores behind it are such as Unicorn does not leave at once (WAY_LATE_STORE). `forget_prefix`: the
     * CPU is to have none. */
    uint8_t (*prefix)(ttd_engine *e);
    void (*forget_prefix)(ttd_engine *e);
    /* Registers, several at a time and whatever the mode is; NULL: one by one. */
    void (*read_registers)(ttd_engine *e, const int *ids, uint64_t *out, int count);
    void (*write_registers)(ttd_engine *e, const int *ids, const uint64_t *values, int count);
    /* All registers have been exchanged; before that: Unicorn's are as they began, and its own are to be. */
    void (*replaced)(ttd_engine *e);
    void (*reset)(ttd_engine *e);
    /* What Unicorn's contexts leave out: how much that is, and the state, to be kept there and taken from there,
     * before Unicorn's own. */
    size_t kept_size;
    void (*keep)(ttd_engine *e, void *to);
    void (*take_back)(ttd_engine *e, const void *from);
    /* Does the instruction at `pc` wait for an interrupt, and end its block? */
    bool (*is_wait)(ttd_engine *e, uint64_t pc);
    /* The first instruction of the block, from `index` on, before which an interrupt may come; NULL: that. */
    uint64_t (*interruptible)(ttd_engine *e, const block_info *b, uint32_t index);
    /* The store at `pc` is behind a prefix. How many instructions there are until none is in force any more, with that
     * store, if the others access nothing and lead nowhere else; 0. NULL without `prefix`. */
    uint32_t (*behind_store)(ttd_engine *e, uint64_t pc);
    /* The instruction at index `last` of the block has brought PC to `pc`: is that a return from an exception, which
     * the processor model is to do? */
    bool (*returns)(ttd_engine *e, uint64_t pc, uint32_t last);
    /* The first access of an instruction that is under way, of `value` if it stores: is the run to stop before it,
     * for this or for a later one (`watched_access`)? NULL: accesses are looked at one by one. */
    bool (*watched)(ttd_engine *e, uint64_t address, int size, int kind, uint64_t value);
    /* An access of the instruction at `pc`, at `at` (or somewhere on that page, if not `exact`), ends the run. What
     * those before it loaded may have to be put back. */
    void (*left_midway)(ttd_engine *e, uint64_t pc, uint64_t at, bool exact);
    /* Where the instruction at `pc`, which has not run, makes its only access, and of what size; false: there is no
     * telling. */
    bool (*accessed)(ttd_engine *e, uint64_t pc, uint64_t *address, int *size);
    /* So many bytes behind a store that is refused Unicorn may still store. */
    uint32_t stores_on;
    /* A run begins; it ends. Unicorn is about to be started. A block with WAY_ENTER is about to run; what runs is left
     * before the instruction at `pc`. */
    void (*begin_run)(ttd_engine *e);
    void (*end_run)(ttd_engine *e);
    void (*before)(ttd_engine *e);
    void (*enter)(ttd_engine *e, block_info *b);
    void (*leave)(ttd_engine *e, uint64_t pc);
    bool causes_stay;             /* what raises an exception has not run: PC is at it */
    /* Unicorn has been left, with PC at `pc`; it began at `began`. */
    void (*left)(ttd_engine *e, uint64_t began, uint64_t pc);
    /* Of how many bytes are the accesses that the instruction makes in parts, each of them left in time; 0: it
     * makes one. */
    uint32_t (*parts)(ttd_engine *e, uint64_t pc);
    /* Unicorn's exception; true: it has been dealt with. */
    bool (*interrupt)(ttd_engine *e, uint32_t number);
    /* Do the instruction at `pc`, of which `room` has said WHY_OURS, and go on behind it; false: the run ends
     * before it. */
    bool (*carry_out)(ttd_engine *e, uint64_t *pc);
    /* Where a page of code is to be translated from, if it is not itself. */
    bool (*code_fill)(ttd_engine *e, uint32_t page, uint64_t *paddr);
    /* Page tables are set up, in use or not. */
    bool (*moves)(const ttd_engine *e);
    /* The code in [lo, hi) is another now. */
    void (*code_changed)(ttd_engine *e, uint64_t lo, uint64_t hi);

    /* A register of which Unicorn's own number does not say all; false: it is none of those, or, while a run is under
     * way, hidden by the mode, which cannot change it either. */
    bool (*read_register)(ttd_engine *e, int id, uint64_t *value);
    bool (*write_register)(ttd_engine *e, int id, uint64_t value);
};

/* `TTD_INSTRUCTION_SET(x) = { ... };` makes a table known to the engine: the linker collects them. */
#define TTD_INSTRUCTION_SET(x) \
    static const instruction_set x; \
    static const instruction_set *const x##_entry \
        __attribute__((section("ttd_instruction_sets"), used)) = &x; \
    static const instruction_set x

/* ---- what the engine offers -------------------------------------------------------------- */

/* memory.c */
uint8_t *host_pointer(ttd_engine *e, uint64_t address);
uint32_t page_of(ttd_engine *e, region *r, uint64_t address);
region *find_region(ttd_engine *e, uint64_t address);

/* was.c */
void keep_page(ttd_engine *e, uint32_t page);
/* Memory on this page is about to be written. */
static inline void before_write(ttd_engine *e, uint32_t page)
{
    if (e->stairs.on)
        keep_page(e, page);
}

/* tlb.c */
void flush_tlb(ttd_engine *e);

/* cpu.c */
uint32_t reg32(ttd_engine *e, int id);
/* Several at once, in this order; at most MAX_BATCH. */
void read_regs32(ttd_engine *e, const int *ids, uint32_t *out, int count);
void write_regs32(ttd_engine *e, const int *ids, const uint32_t *values, int count);
uint64_t read_pc(ttd_engine *e);
/* What an instruction in front says of those that follow, as the run stands; 0: nothing. */
uint8_t prefix_now(ttd_engine *e);
bool privileged_access(ttd_engine *e);

/* stops.c */
void raise_exception(ttd_engine *e, int code);
void stop(ttd_engine *e, int why);
/* Unicorn is to leave the block that runs, or not to begin the next one. */
void leave(ttd_engine *e);
void set_fast_limit(ttd_engine *e);
void fault_at(ttd_engine *e, int kind, uint64_t address);

/* monitor.c */
/* An instruction has been met that closes the monitor. */
void monitor_needed(ttd_engine *e);

/* clock.c */
uint64_t ticks_at(uint64_t step, uint64_t clock_ns, int64_t offset_ns, uint64_t hz,
                  uint64_t divider);

/* cache.c */
void forget_blocks_at(ttd_engine *e, uint64_t lo, uint64_t hi);
void forget_blocks(ttd_engine *e);
/* Protection is another: no page of code is known to be split by it. The TLB is to be flushed as well. */
void forget_splits(ttd_engine *e);
void forget_look_up(ttd_engine *e, uint64_t lo, uint64_t hi);
void drop_translated(ttd_engine *e, uint64_t lo, uint64_t hi);

/* spaces.c */
bool code_address(ttd_engine *e, uint64_t pc, uint64_t *paddr);
/* The number of the space that is known by `key`. */
int space_of(ttd_engine *e, uint64_t key);
/* Space `space` is in force; `other`: other instructions exist than usually, and blocks are others. */
void use_space(ttd_engine *e, int space, bool other);

/* code.c */
uint8_t *code_at(ttd_engine *e, uint64_t pc);
cursor cursor_at(ttd_engine *e, uint64_t pc);
int length_at(ttd_engine *e, uint64_t pc, const uint8_t *code);
int advance(ttd_engine *e, cursor *c);
uint64_t address_of(ttd_engine *e, uint64_t start, uint32_t index);
uint64_t step_now(ttd_engine *e);

/* hits.c */
void hit_add(hit_row *row, ttd_hit hit);
/* The handler of exception `number` begins in this step, or one is left (HANDLER_LEFT), or whatever runs of
 * them (HANDLERS_LEFT); PC is then `pc`. */
enum { HANDLER_LEFT = -1, HANDLERS_LEFT = -2 };
void note_handler(ttd_engine *e, uint64_t step, int number, uint64_t pc);

/* watch.c */
/* True when the access at `address` is to stop the run; if not, it may have been noted. */
bool watched_access(ttd_engine *e, uint64_t address, int size, int kind, uint64_t value);
void note_hit(ttd_engine *e, ttd_hit hit);
/* An access that is none to stop at. */
bool is_passed(const ttd_engine *e, const ttd_hit *hit);
int seen_outside(ttd_engine *e, int first, uint64_t paddr, uint64_t size, int kind, const uint8_t *old,
                  const uint8_t *data, int by, ttd_hit *hit);

/* ours.c */
bool forget_ours(ttd_engine *e, uint64_t pc);

/* guest.c */
/* Accesses of instructions that are done here; false: the run is to end before the instruction. */
bool guest_read(ttd_engine *e, uint64_t address, int size, void *out);
bool guest_write(ttd_engine *e, uint64_t address, int size, const void *data);

/* late.c */
/* An instruction that Unicorn may leave too late comes up; false: it is to run alone. */
bool enter_late(ttd_engine *e, const extent *x);

/* blocks.c */
void on_block(uc_engine *uc, uint64_t pc, uint32_t size, void *user);

/* turns.c */
uint64_t turn_step(ttd_engine *e, turn *t);

/* fill.c */
bool on_nothing(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value,
                void *user);

/* loop.c */
/* The instruction whose turn it is raises this exception, and the processor is going to enter it in its place.
 * What the turn says; TURN_STOP, with nothing changed: the run has to end before it. */
int take_in_run(ttd_engine *e, turn *t, int number);

/* The last instruction was done in its turn (TURN_DONE), and no block has begun since. */
static inline bool was_turned(const ttd_engine *e) { return e->blk == &e->turned; }

#endif
