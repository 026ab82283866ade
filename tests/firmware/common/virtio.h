/* A driver for virtio over MMIO (VIRTIO 1.2, section 4.2) with split queues: just enough. */
#pragma once
#include "board.h"

#define VIRTIO_SLOT(n) (0x40100000u + 0x1000u * (n))
#define VIRTIO_IRQ(n) (24 + (n))
enum { VIRTIO_ENTRIES = 32 };

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

struct used_entry {
    uint32_t id, length;
};

struct queue {
    struct descriptor table[VIRTIO_ENTRIES];
    struct {
        uint16_t flags, index, ring[VIRTIO_ENTRIES];
    } avail;
    struct {
        volatile uint16_t flags, index;
        struct used_entry ring[VIRTIO_ENTRIES];
    } used;
    uint32_t base, number, free;
    uint16_t seen;
} __attribute__((aligned(16)));

enum { NEXT = 1, DEVICE_WRITES = 2 };

/* The slot of the `nth` device of this type (section 5), or -1. */
int virtio_find(uint32_t type, uint32_t nth);
/* Reset the device, agree on features, set up its queues, and let it run. */
void virtio_start(int slot, struct queue *queues, uint32_t count);
/* Fill in a descriptor. */
void virtio_buffer(struct queue *q, int at, void *data, uint32_t length, int flags);
/* Make the chain that begins with descriptor `head` available, and say so. */
void virtio_offer(struct queue *q, int head);
/* The next request that is done, or false. */
bool virtio_done(struct queue *q, struct used_entry *entry);
/* Sleep until `virtio_done`. */
struct used_entry virtio_wait(struct queue *q);
/* Call `handler` for this external interrupt: the vector table moves to RAM. */
void set_handler(int irq, void (*handler)(void));
