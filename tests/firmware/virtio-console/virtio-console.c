/*
 * Answers lines on the port of a virtio console, in capitals and with their number: two buffers to
 * receive into, and for each answer a chain of three. `quit` ends the run.
 */
#include "virtio.h"

enum { RECEIVE, TRANSMIT, QUEUES, BUFFERS = 2, ROOM = 16, LONGEST = 200 };
static struct queue queues[QUEUES];
static uint8_t bytes[BUFFERS][ROOM];
static uint8_t line[LONGEST + 1];
volatile uint32_t lines;

static void offer(uint32_t slot)
{
    virtio_buffer(&queues[RECEIVE], slot, bytes[slot], ROOM, DEVICE_WRITES);
    virtio_offer(&queues[RECEIVE], slot);
}

__attribute__((noinline)) void answer(uint32_t length)
{
    struct queue *q = &queues[TRANSMIT];
    uint8_t number[2] = {'0' + lines / 10 % 10, '0' + lines % 10};
    virtio_buffer(q, 0, number, sizeof number, NEXT);
    virtio_buffer(q, 1, " ", 1, NEXT);
    virtio_buffer(q, 2, line, length, 0);
    virtio_offer(q, 0);
    virtio_wait(q);
}

int main(void)
{
    int slot = virtio_find(3, 0);
    if (slot < 0) {
        print("no console\n");
        quit(3);
    }
    virtio_start(slot, queues, QUEUES);
    for (uint32_t i = 0; i < BUFFERS; i++)
        offer(i);
    static const char ready[] = "00 READY\n";
    for (uint32_t i = 0; i < sizeof ready - 1; i++)
        line[i] = ready[i];
    virtio_buffer(&queues[TRANSMIT], 0, line, sizeof ready - 1, 0);
    virtio_offer(&queues[TRANSMIT], 0);
    virtio_wait(&queues[TRANSMIT]);

    uint32_t length = 0;
    for (;;) {
        struct used_entry entry = virtio_wait(&queues[RECEIVE]);
        for (uint32_t i = 0; i < entry.length; i++) {
            uint8_t c = bytes[entry.id][i];
            mix(c);
            line[length++] = c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
            if (c != '\n' && length < LONGEST)
                continue;
            lines++;
            answer(length);
            if (length == 5 && line[0] == 'Q' && line[1] == 'U' && line[2] == 'I' && line[3] == 'T') {
                report("lines", lines);
                return 0;
            }
            length = 0;
        }
        offer(entry.id);
    }
}
