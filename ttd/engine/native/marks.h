/* What the log keeps of what happens without Python, exceptions that a core takes, packets that a device sends,
 * bytes that enter one: a row of marks, a step, a key and a value each. In record the row is filled; in play it is
 * what the log expects next, and compared. */
#ifndef TTD_MARKS_H
#define TTD_MARKS_H

#include "native.h"

/* Shared with ttd.recording.events.Kind. */
enum { MARK_INPUT = 3, MARK_INTERRUPT = 7, MARK_EXCEPTION = 8, MARK_WARP = 14 };
/* Shared with ttd.recording.chunk: a key with this bit is of a packet that a device has sent, NET_TX. */
enum { MARK_PACKET_BIT = 62 };

enum { TTD_MAX_MARKS = 16384 };

/* MARKS_OFF: nothing is kept, and everything may be. */
enum { MARKS_OFF, MARKS_RECORD, MARKS_PLAY };

/* Between runs this is Python's, which takes or gives the marks by `steps` and `keys`, of
 * TTD_MAX_MARKS each. */
typedef struct {
    int mode;
    uint32_t count;               /* how many the row takes, or in play has */
    uint32_t at;                  /* so many of them have been noted, or met */
    uint64_t *steps;              /* of each: before which step, ascending */
    uint64_t *keys;               /* MARK_... << 32 | number (of an exception, or a device);
                                     1 << MARK_PACKET_BIT | device << 48 | size << 32 | CRC */
    uint64_t *values;             /* of MARK_INPUT the byte, of MARK_WARP the sum of idle warps, in ns */
    uint32_t inputs;              /* so many have a value */
    uint64_t seen;                /* record: the last step that somebody has seen */
    uint64_t warp_step;           /* record: where the last MARK_WARP was, and of which sum */
    int64_t warp_ns;
    uint32_t ahead_of, ahead;     /* play: of no place in [ahead_of, ahead) is a mark that is not a packet's */
} mark_row;

/* Where the row of an engine is; it stays there. */
mark_row *marks_of(ttd_engine *e);

/* An exception is about to be taken in place of the instruction of this step. False, with nothing noted:
 * there is no room, or in play the log has something else next. Then Python takes it, or says what is wrong. */
bool mark_note(ttd_engine *e, uint64_t step, int kind, uint32_t number);
/* The same for a packet that the instruction of this step sends; Python then sends it. */
bool mark_packet(ttd_engine *e, uint64_t step, uint32_t device, uint32_t crc, uint32_t size);
/* Record: a byte enters a device before this step. If idle time has passed at it, that is said first. False, with
 * nothing noted: there is no room. */
bool marks_put_input(ttd_engine *e, uint32_t device, uint8_t byte);
/* The one that has just been noted has not been taken after all. */
void mark_take_back(ttd_engine *e);
/* Play: the step of the next mark, beyond which a run has missed it; UINT64_MAX: of none in the row. */
uint64_t marks_next(const ttd_engine *e);
/* Its kind; -1: there is none. */
int marks_next_kind(const ttd_engine *e);
/* Kind and step of the next that is not a packet's: packets are sent when they are sent. -1: there is none. */
int marks_ahead(ttd_engine *e, uint64_t *step);

#endif
