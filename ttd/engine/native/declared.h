/* Registers as data: the words that a device keeps, and what reads and writes do to them. A device says it
 * once (ttd/devices/declared.py); the guest's accesses and the host's are both done from it, here. */
#ifndef TTD_DECLARED_H
#define TTD_DECLARED_H

#include "native.h"

/* As much of a device, at most: words, lines and their terms, counters, matches, conditions under which nothing is
 * received; and bytes of output, of input that waits on the host side, and of what was received. */
enum {
    TTD_WORDS = 64, TTD_LINES = 4, TTD_TERMS = 3, TTD_COUNTERS = 2, TTD_MATCHES = 32, TTD_CLOSED = 3,
    TTD_OUTPUT = 4096, TTD_INPUT = 4096, TTD_FIFO = 16
};

/* The first words are of no device: what is being written, and all ones. */
enum { WORD_VALUE, WORD_ONES, WORD_FIRST };

/* words[word] & words[also] >> shift & mask */
typedef struct { int word, also, shift; uint32_t mask; } ttd_bits;

/* ASK: leave the access to the host, nothing being done; comes before all else.
 * ROOM: the same, if the output queue may take no more.
 * GIVE: what is read has the bits, moved to the left (`move` negative: to the right), among its own.
 * KEEP, SET, CLEAR: the bits `mask` of `word` become those of `also`, moved; or are set, or cleared, where
 * those are ones.
 * PUSH: what is written, its lowest byte, goes to the output queue.
 * DONE: what follows in the row is left out.
 * COUNT: what is read has what the counter number `word` holds now, and of that the bits `mask`.
 * PULSE: the line number `word` goes low, and then to where it belongs.
 * APPEND: what is written, its lowest byte, goes to the FIFO of what was received, if there is room.
 * DROP: the first of that goes. PAUSE: the wire is busy for a character's time, unless it is already.
 * CALL: what no effect says, the device's own `call` does, alone; it is told `word`. */
enum {
    EFFECT_ASK, EFFECT_ROOM, EFFECT_DONE, EFFECT_COUNT, EFFECT_GIVE, EFFECT_KEEP, EFFECT_SET, EFFECT_CLEAR, EFFECT_PUSH,
    EFFECT_PULSE, EFFECT_APPEND, EFFECT_DROP, EFFECT_PAUSE, EFFECT_CALL
};

/* Done if `when` has ones, or, `unless`, if it has none. */
typedef struct { int op, move; ttd_bits what, when; bool unless; } ttd_effect;

/* Holds if the bits have ones, or, `unless`, if they have none. */
typedef struct { ttd_bits bits; bool unless; } ttd_condition;

/* What a read and a write of a register do: effects [begin, end) of the map's. */
typedef struct { int read, read_end, write, write_end; } ttd_register;

/* High where any of its terms has ones. */
typedef struct { int nterms; ttd_bits terms[TTD_TERMS]; } ttd_line_rule;

/* A counter of a class of devices, by words: `value`, which it held at the tick `anchor`, and `top`. Up-counters go
 * on from `top`, which has no zero below its ones, to 0; down-counters from 0 to `top`, and stay at 0 if that is 0,
 * or while `once` has ones. It counts while `runs` has ones and `halts` has none. Each write to the device
 * brings it to now first: effects find in `value` what it holds. */
typedef struct { int value, top; bool down; ttd_bits runs, halts, once; } ttd_counter_rule;

/* What happens when a counter comes to the value of `target`, or, `every`, with every tick: effects [begin, end) of the
 * map's, without ASK, ROOM and PUSH. It is waited for only while `when` has ones and `unless` has none: as long
 * as it would change something. While `tells` has ones the host has to hear of it. */
typedef struct { int counter; bool every; ttd_bits target, when, unless, tells; int begin, end; } ttd_match_rule;

/* What a class of devices does with bytes from its wire, if it has one. None comes while any of `closed` holds;
 * one that does has the effects [arrive, arrive_end), as something written; [timeout, timeout_end) are those of a
 * FIFO that nobody has read for long. What is in it is seen in the words `state` (RX_...) and `first`; 0: there
 * is no FIFO. */
typedef struct {
    bool there;
    int nclosed, state, first, arrive, arrive_end, timeout, timeout_end;
    ttd_condition closed[TTD_CLOSED];
} ttd_receiving;

/* There is something; as much as there is room for; enough to tell software, or for long enough; that. */
enum { RX_SOME = 1, RX_FULL = 2, RX_ARRIVED = 4, RX_TIMED_OUT = 8 };

/* Of a class of devices. `decode`: the bits of an offset that reach them, one less than a power of two;
 * `unit`: bytes of a register, 1 or 4; `whole`: other accesses are the host's; `places`: by (offset & decode) / unit, which of `registers`. */
typedef struct {
    uint32_t decode;
    int unit, nlines, ncounters, nmatches;
    bool whole;
    const uint16_t *places;
    const ttd_register *registers;
    const ttd_effect *effects;
    ttd_line_rule lines[TTD_LINES];
    ttd_counter_rule counters[TTD_COUNTERS];
    const ttd_match_rule *matches;
    ttd_receiving receiving;
} ttd_map;

/* Of one device: tick n of the counter's clock is at n * `divider` / `hz` ns of virtual time. */
typedef struct { uint64_t hz, divider, anchor; } ttd_counter;

/* Who listens to an interrupt line in native code. */
typedef void (*ttd_line_sink)(void *sink, int number, bool level);
typedef struct { bool level; ttd_line_sink set; void *sink; int number; } ttd_line;

/* Received bytes of one device. A character takes `character_ns` on the wire, which is busy until `line_at`; of a
 * FIFO with fewer bytes than `trigger` software hears after `timeout_ns` (0: never), at `timeout_at`. Both in
 * virtual time, UINT64_MAX: nothing is to come. `input`: bytes that wait on the host side, of which `taken` have
 * entered, as events of the device with this number in the log (record). */
typedef struct {
    uint64_t character_ns, timeout_ns, line_at, timeout_at;
    uint32_t room, trigger, count, given, taken;
    int device;
    bool timed_out;
    uint8_t fifo[TTD_FIFO];
    uint8_t input[TTD_INPUT];
} ttd_receiver;

typedef struct ttd_registers ttd_registers;
/* Native code of a device's own. `what`: as its registers say; `look`: without side effects; `word`: what is written,
 * or is to be given. False: the access is the host's to do, and nothing has been done. What it changes of lines or of
 * what other registers give makes `changed` true. */
typedef bool (*ttd_call)(ttd_registers *r, int what, bool look, uint32_t *word);

/* Of one device. `call`, and `own` for its use: if its registers have such effects. `stale`: lines whose level the
 * host has not heard of, a bit each; `pulsed`: nor that they were low in between. `output`: bytes that the
 * host has not been given yet, `waiting` of them; `room` may wait, as long as `epoch` is the engine's:
 * afterwards the host is asked again. `ns`: the virtual time, where there is no engine. `deadline`: when a counter
 * next comes to what is waited for, unless something has `moved`. `hosted`: the host sees to that. `matching`:
 * to the counters it is the tick of their anchors, since the host is hearing of what has happened there. */
struct ttd_registers {
    const ttd_map *map;
    ttd_engine *engine;
    ttd_call call;
    void *own;
    uint32_t words[TTD_WORDS];
    ttd_line lines[TTD_LINES];
    ttd_counter counters[TTD_COUNTERS];
    uint64_t ns, deadline;
    bool moved, hosted, matching;
    struct ttd_registers *next;           /* of the engine's devices with counters */
    uint32_t stale, pulsed, waiting, room;
    uint64_t epoch, base;
    bool changed;
    uint8_t output[TTD_OUTPUT];
    ttd_receiver rx;
};

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
/* Counters come to now, `value` to what they hold; their anchors come to now, they hold what they did. */
void ttd_registers_count(ttd_registers *r);
void ttd_registers_anchor(ttd_registers *r);
/* Something about a counter is not what it was. */
void registers_moved(ttd_registers *r);
/* Virtual time (ns) of the next match that is waited for; UINT64_MAX: none. */
uint64_t ttd_registers_deadline(ttd_registers *r);
/* What is due happens, up to the first matches that the host has to hear of: those, a bit each; 0: all is done. */
uint32_t ttd_registers_expire(ttd_registers *r);
/* A counter that does not run goes up by one, and what it comes to happens; the same is returned. */
uint32_t ttd_registers_step(ttd_registers *r, int counter);
/* What a read would give, where what is due would happen first; without side effects. */
bool ttd_registers_look(const ttd_registers *r, uint32_t offset, int size, uint64_t *value);
/* What was received, or how, has been changed by the host: the words that show it follow. */
void ttd_receiver_show(ttd_registers *r);
/* Nothing is in the FIFO any more. */
void ttd_receiver_clear(ttd_registers *r);
/* The wire is busy for a character's time, unless it is already. */
void ttd_receiver_pause(ttd_registers *r);
/* When the wire is free or the FIFO too old. */
uint64_t ttd_receiver_deadline(const ttd_registers *r);
/* Can the wire bring a byte? */
bool ttd_registers_open(const ttd_registers *r);
/* A byte comes, by the wire, which is busy for a while then, or looped back; false: the host is to do it. */
bool ttd_registers_arrive(ttd_registers *r, uint8_t byte, bool wire);
/* Do what is due. */
void ttd_receiver_expire(ttd_registers *r);
/* The guest's accesses of [base, base + size) are done from it; false if there is no room for more. */
bool ttd_attach_registers(ttd_engine *e, uint64_t base, uint64_t size, ttd_registers *r);

#endif
