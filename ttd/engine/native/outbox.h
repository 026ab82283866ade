/* Packets that devices send without Python: what the log keeps of each is noted, or compared, as of an exception
 * that a core takes (marks.h). */
#ifndef TTD_OUTBOX_H
#define TTD_OUTBOX_H

#include "native.h"

enum { TTD_OUTBOX = 65536 };

/* Of one network. `open`: it takes packets without asking the host; `kept`: the host gets them, later. `device`: its
 * number in the log. `sent`, `crc`: how many there were, and the CRC-32 of them all. `data`: those that the host has
 * not been given yet, `waiting` bytes: of each its size, 4 bytes, and itself. */
typedef struct {
    void *owner;                  /* the host's */
    bool open, kept;
    uint32_t device, crc, waiting;
    uint64_t sent;
    uint8_t data[TTD_OUTBOX];
} ttd_outbox;

/* The instruction under way sends a packet. False, with nothing done: it is the host's to do, since nobody looks at
 * the log natively, or has something else next. */
bool ttd_send(ttd_engine *e, ttd_outbox *box, const uint8_t *packet, uint32_t size);

#endif
