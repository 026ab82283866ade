/* What the files of x86-64 share. */
#ifndef TTD_X86_H
#define TTD_X86_H

#include "isa.h"

#define X86_LONGEST 15
#define LENGTH_BITS 10

/* An instruction of the guest that is done here (patches.c), as `x86_decode` finds it. An effective
 * address is base + index << scale + disp, each of them if not negative; `rm` is a register if not
 * `memory`. `banned`: Unicorn does not stop at it, since it overlaps another. */
typedef struct ours ours;
struct ours {
    uint64_t pc;
    /* Do it, PC aside; false: the run is to end before it, `why` says for what. */
    bool (*run)(ttd_engine *e, const ours *o);
    int64_t disp;
    uint8_t length, map, opcode, prefix, immediate, reg, rm, scale, segment;
    /* Of opcodes of one byte: the register in one, and where in it the opcode and the operands end. */
    uint8_t numbered, opcode_end, operands_end;
    int8_t base, index;
    bool wide, halved, lock, memory, relative, short_address, banned;
};

/* What is known of the four lowest bits of registers inside a block. */
typedef struct { low_bits r[16]; } x86_bits;

/* What the disassembler says of these bytes, + 1; 0: nothing yet. */
typedef struct { uint8_t bytes[X86_LONGEST], length; } known_length;

/* How an instruction accesses memory: of so many bytes, in parts each of which is left in time, or `late`
 * (whole.c). 0: it makes one access, or, if late, there is no telling. */
typedef struct { uint32_t size; bool late; } accesses;

typedef struct patched_page patched_page;

typedef struct {
    size_t disassembler;          /* capstone, for the lengths of instructions */
    void *disassembled;
    known_length lengths[1 << LENGTH_BITS];
    bool (*disassemble)(size_t, const uint8_t **, size_t *, uint64_t *, void *);
    void (*free_insn)(void *, size_t);
    int (*close_disassembler)(size_t *);

    uint64_t kept_flags, kept_pc, kept_steps;    /* RFLAGS at the last call, and where that was */

    patched_page **patched;       /* by page number; NULL: none on the page */
    uint8_t *shadow;              /* what patched pages are translated from */
    uint64_t shadow_base;
} x86_state;

static inline x86_state *x86_of(ttd_engine *e) { return e->arch; }

/* lengths.c */
int x86_use_capstone(ttd_engine *e, const char *path);
void x86_free_capstone(ttd_engine *e);
int x86_length_at(ttd_engine *e, uint64_t pc, const uint8_t *code);
size_t x86_bytes(ttd_engine *e, uint64_t pc, const uint8_t *code, uint8_t bytes[]);
bool x86_begins_block(const uint8_t *code, size_t size);
bool x86_is_absent(ttd_engine *e, const uint8_t *bytes, size_t size);

/* system.c */
bool x86_read_register(ttd_engine *e, int id, uint64_t *value);
bool x86_write_register(ttd_engine *e, int id, uint64_t value);
int x86_start_system(ttd_engine *e);

/* patches.c */
int patches_start(ttd_engine *e);
void patches_free(ttd_engine *e);
ours *ours_at(ttd_engine *e, uint64_t address);
/* Where a page of code is to be translated from, if it is not itself. */
bool patched_fill(ttd_engine *e, uint32_t page, uint64_t *paddr);
/* From now on the instruction is done here; false if it cannot be. */
bool patch(ttd_engine *e, const ours *what);
/* The guest runs the instruction at `pc`; true if it was hidden by others that overlap it. */
bool ban_overlapping(ttd_engine *e, uint64_t pc, int length);
/* The code in [lo, hi) is another now. */
void patches_changed(ttd_engine *e, uint64_t lo, uint64_t hi);
/* Unicorn's exception `number` stands for one of them, which has been done, or left. */
bool patches_interrupt(ttd_engine *e, uint32_t number);
/* Do the one at `pc`, and go on behind it; false: the run is to end before it. */
bool patches_carry_out(ttd_engine *e, uint64_t *pc);

/* x86_bits.c: the four lowest bits of each register inside a block. A condition says of such registers
 * that an address is a multiple of 16. */
void x86_bits_begin(x86_bits *t);
/* Go past the instruction of these bytes; `place` has its PC and its length. */
void x86_bits_follow(x86_bits *t, const uint8_t *code, size_t size, const ours *place);
/* When is the address of this one aligned? False: it cannot be told. */
bool x86_bits_address(const x86_bits *t, const ours *o, uint16_t *condition);
bool x86_bits_hold(ttd_engine *e, uint16_t condition);

/* whole.c */
/* May Unicorn leave the instruction too late, or with other registers than it began with? */
bool x86_leaves_late(ttd_engine *e, uint64_t pc, const uint8_t *code);
/* It comes up; false: it has to run alone. */
bool x86_enter_late(ttd_engine *e, uint64_t pc, const uint8_t *code);
uint32_t x86_parts(ttd_engine *e, uint64_t pc);

/* demands.c */
int x86_turn(ttd_engine *e, turn *t);
void x86_left(ttd_engine *e, uint64_t began, uint64_t pc);
/* Note for the block what must be aligned in the instruction at `pc`. */
uint32_t x86_decode_demand(ttd_engine *e, block_info *b, const x86_bits *t, uint64_t pc,
                           const uint8_t *code);
/* How many instructions of the block may run before one that is not aligned. */
uint64_t x86_aligned_room(ttd_engine *e, block_info *b, uint64_t room, int *why);

/* x86.c */
/* All of an instruction but what follows its operands, which it is taken to have. */
enum { X86_ONE = 0xff };                  /* the map of opcodes of one byte, those of the x87 aside: 0 */
enum { X86_EMMS = 0x77 };               /* in map 1 */
bool x86_decode(const uint8_t *code, size_t size, ours *out);
typedef union { uint64_t q[2]; int64_t sq[2]; uint32_t d[4]; uint16_t w[8]; uint8_t b[16]; } xmm;
enum { X86_UD = 6, X86_GP = 13, X86_XM = 19 };
enum { X86_CF = 1, X86_PF = 4, X86_AF = 16, X86_ZF = 64, X86_SF = 128, X86_OF = 2048 };
#define X86_STATUS (X86_CF | X86_PF | X86_AF | X86_ZF | X86_SF | X86_OF)
bool x86_raise(ttd_engine *e, int vector);
uint64_t x86_address(ttd_engine *e, const ours *o);
uint64_t x86_gpr(ttd_engine *e, int n);
void x86_set_gpr(ttd_engine *e, int n, uint64_t value);
void x86_set_flags(ttd_engine *e, uint32_t flags);
xmm x86_xmm(ttd_engine *e, int n);
void x86_set_xmm(ttd_engine *e, int n, xmm value);
/* The operand that ModRM's r/m field names: memory of so many bytes, or the register `n` of XMM. */
bool x86_operand(ttd_engine *e, const ours *o, int size, xmm *out);
/* sse.c, x87.c: what does such an instruction; NULL if it is none of those. */
bool (*sse_find(const ours *o))(ttd_engine *, const ours *);
bool (*x87_find(const ours *o))(ttd_engine *, const ours *);
/* Is the instruction that these bytes are one of those that are done here? */
bool x86_is_ours(const uint8_t *code, size_t size, ours *out);

#endif
