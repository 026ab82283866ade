#include "virtio.h"

#define R(offset) REG(base + (offset))

extern void *const vectors[48];
static void *table[48] __attribute__((aligned(256)));

void set_handler(int irq, void (*handler)(void))
{
    if (SCB_VTOR != (uint32_t)table)
        for (int i = 0; i < 48; i++)
            table[i] = vectors[i];
    table[16 + irq] = handler;
    barrier();
    SCB_VTOR = (uint32_t)table;
    NVIC_ISER = 1u << irq;
}

int virtio_find(uint32_t type, uint32_t nth)
{
    for (int slot = 0; slot < 8; slot++) {
        uint32_t base = VIRTIO_SLOT(slot);
        if (R(0) == 0x74726976 && R(4) == 2 && R(8) == type && nth-- == 0)
            return slot;
    }
    return -1;
}

static void acknowledge(void)
{
    /* IPSR says which of the slots it is. */
    uint32_t number;
    __asm__ volatile("mrs %0, ipsr" : "=r"(number));
    uint32_t base = VIRTIO_SLOT(number - 16 - VIRTIO_IRQ(0));
    R(0x64) = R(0x60);
    /* The bus has taken the write before the interrupt's level is looked at again. */
    (void)R(0x60);
}

void virtio_start(int slot, struct queue *queues, uint32_t count)
{
    uint32_t base = VIRTIO_SLOT(slot);
    R(0x70) = 0;
    R(0x70) = 1;
    R(0x70) = 1 | 2;
    R(0x24) = 1;
    R(0x20) = 1; /* VIRTIO_F_VERSION_1 */
    R(0x70) = 1 | 2 | 8;
    if (!(R(0x70) & 8))
        quit(4);
    for (uint32_t i = 0; i < count; i++) {
        struct queue *q = &queues[i];
        q->base = base;
        q->number = i;
        R(0x30) = i;
        R(0x38) = VIRTIO_ENTRIES;
        R(0x80) = (uint32_t)q->table;
        R(0x84) = 0;
        R(0x90) = (uint32_t)&q->avail;
        R(0x94) = 0;
        R(0xa0) = (uint32_t)&q->used;
        R(0xa4) = 0;
        R(0x44) = 1;
    }
    set_handler(VIRTIO_IRQ(slot), acknowledge);
    R(0x70) = 1 | 2 | 8 | 4;
}

void virtio_buffer(struct queue *q, int at, void *data, uint32_t length, int flags)
{
    q->table[at] = (struct descriptor){(uint32_t)data, length, flags, at + 1};
}

void virtio_offer(struct queue *q, int head)
{
    q->avail.ring[q->avail.index % VIRTIO_ENTRIES] = head;
    barrier();
    q->avail.index++;
    barrier();
    REG(q->base + 0x50) = q->number;
}

bool virtio_done(struct queue *q, struct used_entry *entry)
{
    if (q->seen == q->used.index)
        return false;
    *entry = q->used.ring[q->seen++ % VIRTIO_ENTRIES];
    return true;
}

struct used_entry virtio_wait(struct queue *q)
{
    struct used_entry entry;
    irq_off();
    while (!virtio_done(q, &entry)) {
        wfi();
        irq_on();
        barrier();
        irq_off();
    }
    irq_on();
    return entry;
}
