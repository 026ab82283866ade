/* What the native files deal with: blocks, instructions, regions, watchpoints. */
#ifndef TTD_TYPES_H
#define TTD_TYPES_H

#include "core.h"
#include "declared.h"
#include "marks.h"
#include "outbox.h"
#include "stuck.h"

#include <stdatomic.h>
#include <string.h>
#include <unicorn/unicorn.h>

#define CACHE_BITS 16
#define MAX_REGIONS 64
#define MAX_NATIVE 64
#define MAX_TOKENS 32
#define MAX_BATCH 16
#define MAX_STEADY 64             /* a power of two: places by address */
#define MAX_STATE 192
#define MAX_OPERANDS 4
#define MONITOR_WORDS 3
#define CUT_SIZE 2             /* bytes of the branch that stands for the end of a block */
#define MAX_KEPT 512
#define MAX_PASSED 64             /* watched accesses of one step that are none to stop at */
#define MAX_CHANGED 1024          /* more pages than a block can store to */
#define MAX_SPACES 1024
#define CODE_MAP_BITS 12
#define DEVICE_VIEWS 64
#define SEEN_BITS 14
/* Kept out of line, so that what every block runs has next to nothing to save. */
#define COLD __attribute__((noinline, cold))
/* Run by every block: in as few lines of the processor's cache as can be, which is 10 % of all time. */
#define HOT __attribute__((aligned(64)))
#define NEVER UINT64_MAX
#define END_OF_TIME (1ull << 62)     /* virtual ns: what is due then or later never is */
#define WHY_AGAIN 100         /* within a run: start again where PC is */
#define WHY_OURS 101          /* within a run: do the instruction at PC here */
#define REFUSED_WATCHED 100   /* not now: a watchpoint comes first */

/* A block. `size` is what Unicorn says, which of an illegal instruction that it leaves out of its block is 0;
 * `span` what is run. `prefix_after`: the prefix behind it. `last`: the length of its last instruction;
 * `branches`: that is a branch. `ways`: those of its instructions. `operands`, `own`: what `operands` of the
 * instruction set is to look at. `key`: PC and the address space. `tag`: which block it is of those at its
 * place, if it needs no look and its address has 32 bits; else 0. `stamp`: of the interval, or its tick, in which it
 * was noted as executed, at `noted` of the list (ran.c). `stays`: its call of the hook cannot be shortened. */
typedef struct {
    uint64_t key, pc;
    uint32_t span, n, tag, stamp, noted;
    uint16_t size;
    uint8_t slow, ways, prefix_after, last, own, noperands;
    uint16_t operands[MAX_OPERANDS];
    bool branches, stays;
} block_info;

/* What there is to do about an instruction, found when its block is decoded (isa.h). Of the block: */
enum {
    WAY_CHECK = 1,                /* before it: can all of it run? (`room`) */
    WAY_OPERANDS = 2,             /* before it: are registers as they must be? (`operands`) */
    WAY_MODES = 4,                /* after it: protection, or translation, may apply differently */
    WAY_SETTLE = 8,               /* after it: registers may hold what they cannot, interrupts be masked differently */
    WAY_OWN = 16,                 /* the instruction set's own */
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

/* A block that is being decoded: its `n`th instruction is at `at`. `prefix`: that before it, and then behind
 * it. */
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
    bool covered;                 /* not RAM: a hook covers all of it (fill.c) */
    bool alone;                   /* MMIO: no other device changes what is read there */
    uint64_t generation;          /* MMIO: counts what may have changed what is read there */
} region;
/* `lo` and `last` are canonical addresses; `shift` leads back to those the user named. `physical` (in scan
 * mode only): they are not the guest's but the memory's. */
typedef struct { uint64_t lo, last, shift; int kinds, changes_only; bool physical; } watch;
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
/* Code that an interval has executed (ran.c). `ticks`: a bit for each in which it has. */
typedef struct { uint64_t lo, hi, ticks; } ran_span;
/* `first`: the tick of the lowest bit, of 2 ** `shift` steps; NEVER: none yet. `bit`: of the present one, which is
 * over at step `end`. `noted`: something has been last, at `step`: the block of `size` bytes at `pc`; the list had `before`
 * then, of which that of `block` has got the bit `added`. `edges`, `bits`: room to sort it in. */
typedef struct {
    ran_span *spans;
    uint64_t *edges, *bits;
    uint32_t n, before;
    bool full, noted;
    int shift;
    uint64_t first, bit, end, step, pc, added;
    uint32_t size;
    block_info *block;
} ran_list;
/* A page of code: where it was when it was last fetched from. */
typedef struct { uint64_t vpage, ppage; int space; bool used; } code_page;

/* A device register whose value follows from the step until something else happens (devices.c): `value` at
 * tick `ticks`, changing by `slope` a tick. `epoch`, `own`, `others`: when that was. */
typedef struct {
    uint64_t address, value, ticks, hz, divider, until_ns;
    int64_t since_ns;
    int size, slope;
    bool privileged, write;       /* `write`: those do nothing */
    const region *where;
    uint64_t epoch, own, others;
} steady;

/* The latest `most` hits that a scan has met, ascending; of no step from `from` on one is missing. A ring
 * of `room` places, which grows. Of one step there is every hit that differs. */
typedef struct {
    ttd_hit *hits;
    uint32_t first, count, room, most;
    uint64_t from;
} hit_row;

/* A register that is compared before each instruction (compared.c), and what it was at `step`; NEVER: there has been no
 * look. `at` is the step of the last instruction, of the block that begins at step `begin`, `next` lies behind it. */
typedef struct {
    bool on;
    int id;
    uc_hook hook;
    uint64_t mask, value, step, pc, begin, at, next;
} compared;

/* A position that was come to on stairs (stairs.c), and where what takes back its step begins in `undo`. */
typedef struct { uint64_t step, pc, undo; void *context; bool follows; } stair;
/* In `undo`: so many bytes follow, which were at `at` of a page. */
typedef struct { uint32_t page, at, size; } undo_head;
/* `on`: it is under way; `stands`: the machine is where its last row is, and nothing has happened there since. Of `pages`
 * there is in `was` what they held before the step under way (was.c); `lost`: not of all that are written.
 * `began`: when that step began. `doings`: when the last row did. */
typedef struct {
    bool on, stands, lost;
    stair *rows;
    uint32_t count, room;
    uint32_t *pages, npages, page_room;
    uint8_t *was, *undo;
    size_t undo_size, undo_room;
    uint64_t began, doings;
} stairs;

/* When each block ran last (trace.c): `slots` is a hash with places in `runs` + 1. `last`: what began to run last, whose
 * `count` is not known; `from`: of what ran since then nothing is missing. */
typedef struct {
    ttd_block_run *runs, last;
    uint32_t *slots, count;
    uint64_t from;
} trace_table;

/* An instruction that is looked at before it runs (ours.c), as it comes up. */
typedef struct {
    uint64_t pc, next;        /* where it is, and, for TURN_DONE, where it all goes on */
    uint64_t step;            /* for `turn_step` */
    int why, exception;       /* for TURN_STOP and TURN_LAST: if not EXCEPTION_OURS */
    bool branches;            /* for TURN_DONE and TURN_LAST: it is a branch, or returns from an exception */
} turn;
/* What is to become of it: let it run, go on behind it, end the run before it, or behind it. */
enum { TURN_RUN, TURN_DONE, TURN_STOP, TURN_LAST };

/* How the exclusive monitor of a processor is closed: by the instruction `close`, at the address in Unicorn's register
 * `pointer`. Unicorn keeps `words` of `word` bytes each: the address, and what was read there. 0: it has none. */
typedef struct { uint8_t close[4]; int pointer, word, words; } monitor_facts;
/* The first word of one that is open; the others are 0 then. */
#define MONITOR_OPEN (~0ull)

typedef struct instruction_set instruction_set;

/* Goes through the instructions from `at` on. */
typedef struct { uint64_t at; uint8_t *code; } cursor;
/* Memory that an instruction is going to access, as `kinds` say. `size` 0: there is no telling. */
typedef struct { uint64_t address; uint32_t size; int kinds; } extent;

#define OWN_IDS (1 << 24)       /* from here on: registers that Unicorn has no plain number for */

#endif
