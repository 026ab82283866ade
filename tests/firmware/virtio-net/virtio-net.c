/*
 * The echo server of ip.h over a virtio network interface. The device is told of answers and of free
 * buffers once for all packets that had come.
 */
#include "ip.h"
#include "virtio.h"

enum { RECEIVE, TRANSMIT, QUEUES, HEADER = 12, ROOM = HEADER + 1514, NO_INTERRUPT = 1 };
static struct queue queues[QUEUES];
static uint8_t in[VIRTIO_ENTRIES][ROOM], out[VIRTIO_ENTRIES][ROOM];
static uint32_t sent;

/* As `virtio_offer`, but the device is not told yet. */
static void offer_later(struct queue *q, uint32_t head)
{
    q->avail.ring[q->avail.index % VIRTIO_ENTRIES] = head;
    barrier();
    q->avail.index++;
}

static void tell(struct queue *q)
{
    barrier();
    REG(q->base + 0x50) = q->number;
}

void send(const uint8_t *packet, uint32_t length)
{
    struct queue *q = &queues[TRANSMIT];
    uint32_t slot = sent++ % VIRTIO_ENTRIES;
    if ((uint16_t)(q->avail.index - q->used.index) == VIRTIO_ENTRIES) {
        tell(q);
        while ((uint16_t)(q->avail.index - q->used.index) == VIRTIO_ENTRIES)
            ;
    }
    for (uint32_t i = 0; i < length; i++)
        out[slot][HEADER + i] = packet[i];
    virtio_buffer(q, slot, out[slot], HEADER + length, 0);
    offer_later(q, slot);
}

int main(void)
{
    int slot = virtio_find(1, 0);
    if (slot < 0) {
        print("no network\n");
        quit(3);
    }
    struct queue *q = &queues[RECEIVE];
    queues[TRANSMIT].avail.flags = NO_INTERRUPT;
    virtio_start(slot, queues, QUEUES);
    for (int i = 0; i < 6; i++)
        mac[i] = *(volatile uint8_t *)(VIRTIO_SLOT(slot) + 0x100 + i);
    greet("virtio-net");
    for (uint32_t i = 0; i < VIRTIO_ENTRIES; i++) {
        virtio_buffer(q, i, in[i], ROOM, DEVICE_WRITES);
        offer_later(q, i);
    }
    tell(q);
    bool more = true;
    while (more) {
        struct used_entry entry = virtio_wait(q);
        do {
            more = handle(in[entry.id] + HEADER, entry.length - HEADER);
            offer_later(q, entry.id);
        } while (more && virtio_done(q, &entry));
        tell(&queues[TRANSMIT]);
        tell(q);
    }
    farewell();
}
