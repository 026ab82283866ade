/* What an instruction set has to provide: a table of functions that the engine calls. Each architecture's
 * folder fills in its own, and includes nothing of the engine but this. */
#ifndef TTD_ISA_H
#define TTD_ISA_H

#include "internal.h"

struct instruction_set {
    const char *name;             /* as `ttd.engine.isa.Isa.instructions` has it */
    int isa;
    int variant;                  /* for the architecture's own use */

    /* An instruction of a block that is being decoded is at `d->at`: what is to be done about it, WAY_... */
    uint32_t (*decode)(ttd_engine *e, decoding *d);
    /* How many instructions of the block, of those that the engine would let run, can; `why` if none. Asked of
     * blocks with WAY_CHECK, and of those with WAY_OPERANDS. */
    uint64_t (*room)(ttd_engine *e, block_info *b, uint64_t room, int *why);
    uint64_t (*operands)(ttd_engine *e, block_info *b, uint64_t room, int in_it, int *why);
    /* An instruction with WAY_CALL comes up; TURN_... */
    int (*turn)(ttd_engine *e, turn *t);
    /* The first instruction of the block, from `index` on, before which an interrupt may come; NULL: that. */
    uint64_t (*interruptible)(ttd_engine *e, const block_info *b, uint32_t index);
};

/* `TTD_INSTRUCTION_SET(x) = { ... };` makes a table known to the engine: the linker collects them. */
#define TTD_INSTRUCTION_SET(x) \
    static const instruction_set x; \
    static const instruction_set *const x##_entry \
        __attribute__((section("ttd_instruction_sets"), used)) = &x; \
    static const instruction_set x

#endif
