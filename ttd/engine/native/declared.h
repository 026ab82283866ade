/* Registers as data: the words that a device keeps, and what reads and writes do to them. A device says it
 * once (ttd/devices/declared.py); the guest's accesses and the host's are both done from it, here. */
#ifndef TTD_DECLARED_H
#define TTD_DECLARED_H

#include "native.h"

enum { TTD_OUTPUT = 4096 };

/* The first words are of no device: what is being written, and all ones. */
enum { WORD_VALUE, WORD_ONES };

/* words[word] & words[also] >> shift & mask */
typedef struct { int word, also, shift; uint32_t mask; } ttd_bits;

/* ASK: leave the access to the host, nothing being done; comes before all else.
 * ROOM: the same, if the output queue may take no more.
 * GIVE: what is read has the bits, moved to the left (`move` negative: to the right), among its own.
 * KEEP, SET, CLEAR: the bits `mask` of `word` become those of `also`, moved; or are set, or cleared, where
 * those are ones.
 * PUSH: what is written, its lowest byte, goes to the output queue.
 * TIME: leave it to the host if there is no time here. COUNT: `word` becomes what the counter holds,
 * whose anchor comes to now.
 * PULSE: the line number `word` goes low, and then to where it belongs. */
enum {
    EFFECT_ASK, EFFECT_ROOM, EFFECT_TIME, EFFECT_GIVE, EFFECT_KEEP, EFFECT_SET, EFFECT_CLEAR, EFFECT_COUNT, EFFECT_PUSH,
    EFFECT_PULSE
};

/* Done if `when` has ones, or, `unless`, if it has none. */
typedef struct { int op, move; ttd_bits what, when; bool unless; } ttd_effect;

/* What a read and a write of a register do: effects [begin, end) of the map's. */
typedef struct { int read, read_end, write, write_end; } ttd_register;

/* High where any of its terms has ones. */
typedef struct { int nterms; ttd_bits terms[3]; } ttd_line_rule;

/* Of a class of devices. `decode`: the bits of an offset that reach them, one less than a power of two;
 * `unit`: bytes of a register, 1 or 4; `places`: by (offset & decode) / unit, which of `registers`. */
typedef struct {
    uint32_t decode;
    int unit, nlines;
    const uint16_t *places;
    const ttd_register *registers;
    const ttd_effect *effects;
    ttd_line_rule lines[4];
} ttd_map;

/* A counter that goes up with ticks of `hz` / `divider`: `value` at tick `anchor`, modulo `mask` + 1. */
typedef struct { uint64_t hz, divider, anchor; uint32_t value, mask; bool ticking; } ttd_counter;

/* Who listens to an interrupt line in native code. */
typedef void (*ttd_line_sink)(void *sink, int number, bool level);
typedef struct { bool level; ttd_line_sink set; void *sink; int number; } ttd_line;

/* Of one device. `stale`: lines whose level the host has not heard of, a bit each; `pulsed`: nor that they
 * were low in between. `output`: bytes that the
 * host has not been given yet, `waiting` of them; `room` may wait, as long as `epoch` is the engine's:
 * afterwards the host is asked again. */
typedef struct {
    const ttd_map *map;
    ttd_engine *engine;
    uint32_t words[64];
    ttd_line lines[4];
    ttd_counter counter;
    uint32_t stale, pulsed, waiting, room;
    uint64_t epoch;
    bool changed;
    uint8_t output[4096];
} ttd_registers;

/* False: it is the host's to do. `look`: without side effects. */
bool ttd_registers_read(ttd_registers *r, uint32_t offset, int size, bool look, uint64_t *value);
bool ttd_registers_write(ttd_registers *r, uint32_t offset, int size, uint64_t value);
/* The words have changed: bring the lines to their levels; `settle`: nobody is told. */
void ttd_registers_drive(ttd_registers *r);
void ttd_registers_settle(ttd_registers *r);
/* The line goes low, and then to its level. */
void ttd_registers_pulse(ttd_registers *r, int line);
/* So many bytes of output may wait until the host has control again. */
void ttd_registers_offer(ttd_registers *r, uint32_t room);
/* The guest's accesses of [base, base + size) are done from it; false if there is no room for more. */
bool ttd_attach_registers(ttd_engine *e, uint64_t base, uint64_t size, ttd_registers *r);

#endif
