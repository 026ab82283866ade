/* Random bytes from the host: three requests, the last of two buffers. */
#include "virtio.h"

static struct queue queue;
static uint8_t bytes[3][16];

int main(void)
{
    int slot = virtio_find(4, 0);
    if (slot < 0) {
        print("no random bytes\n");
        quit(3);
    }
    virtio_start(slot, &queue, 1);
    for (int i = 0; i < 3; i++) {
        virtio_buffer(&queue, 2 * i, bytes[i], i == 2 ? 7 : 16, DEVICE_WRITES | (i == 2 ? NEXT : 0));
        virtio_buffer(&queue, 2 * i + 1, bytes[i] + 7, 9, DEVICE_WRITES);
        virtio_offer(&queue, 2 * i);
    }
    for (int i = 0; i < 3; i++)
        report("bytes", virtio_wait(&queue).length);
    for (int i = 0; i < 3; i++)
        for (int n = 0; n < 16; n += 4)
            report("random", *(uint32_t *)(bytes[i] + n));
    return 0;
}
