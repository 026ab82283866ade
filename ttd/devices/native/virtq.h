/* Split virtqueues, the device's side (VIRTIO 1.2, section 2.7). What drivers say may be anything. */
#ifndef TTD_VIRTQ_H
#define TTD_VIRTQ_H

#include "native.h"

/* Buffers of a request at most, however many its indirect table has (QEMU: as many). */
enum { VIRTQ_LONGEST = 1024 };

/* `desc`, `driver`, `device`: addresses of the descriptor table, and of the available and the used ring. */
typedef struct {
    uint64_t desc, driver, device;
    uint32_t num;
    uint16_t last_avail, used;
    bool ready;
} virtq;

typedef struct { uint64_t address; uint32_t size; bool writable; } virtq_buffer;

/* One request, of `count` buffers, which begins with descriptor `head`. */
typedef struct { uint32_t head, count; virtq_buffer buffers[VIRTQ_LONGEST]; } virtq_chain;

/* What is wrong with a queue or a request; NOWHERE: there is no memory at `bad`. */
enum {
    VIRTQ_AHEAD = -1,             /* the available ring is ahead of itself */
    VIRTQ_CIRCLE = -2,            /* a chain of descriptors leads out of its table or in a circle */
    VIRTQ_INDIRECT = -3,          /* an indirect descriptor is not allowed there (2.7.5.3) */
    VIRTQ_ORDER = -4,             /* a readable buffer follows a writable one (2.7.4.2) */
    VIRTQ_NOWHERE = -5
};

/* The way of a device into memory: `by`, as in a hit, accesses; `look`: without a trace. */
typedef struct { ttd_engine *engine; int by; bool look; uint64_t bad; } virtq_way;

/* How many requests the driver has made that have not been taken. */
int virtq_waiting(virtq_way *way, const virtq *q);
/* The next request, which stays there: 1; 0: there is none. */
int virtq_next(virtq_way *way, const virtq *q, virtq_chain *chain);
/* Give a request back, `written` bytes having been written (2.7.8). 1: the driver wants an interrupt (2.7.7). */
int virtq_push(virtq_way *way, virtq *q, uint32_t head, uint32_t written);

#endif
