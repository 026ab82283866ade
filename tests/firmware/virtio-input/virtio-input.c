/* Prints what comes from a keyboard, a mouse and a tablet; Esc ends the run. */
#include "virtio.h"

enum { BUFFERS = 16, DEVICES = 3, ESC = 1, EV_KEY = 1 };
struct event {
    uint16_t type, code;
    int32_t value;
};
static struct queue queues[DEVICES][2];
static struct event events[DEVICES][BUFFERS];
static int slots[DEVICES];
volatile uint32_t keys;

__attribute__((noinline)) void key_event(const struct event *event)
{
    keys += event->value == 1;
}

static void show(int device, const struct event *event)
{
    if (!event->type) {
        print(".\n");
        return;
    }
    print_dec(device);
    print(":");
    print_dec(event->type);
    print(":");
    print_dec(event->code);
    print(event->value < 0 ? ":-" : ":");
    print_dec(event->value < 0 ? -event->value : event->value);
    print(" ");
    mix(event->type << 16 ^ event->code);
    mix(event->value);
    if (event->type == EV_KEY)
        key_event(event);
}

int main(void)
{
    for (int i = 0; i < DEVICES; i++) {
        slots[i] = virtio_find(18, i);
        if (slots[i] < 0)
            break;
        uint32_t base = VIRTIO_SLOT(slots[i]);
        *(volatile uint8_t *)(base + 0x100) = 1;
        *(volatile uint8_t *)(base + 0x101) = 0;
        uint32_t length = *(volatile uint8_t *)(base + 0x102);
        for (uint32_t at = 0; at < length; at++) {
            char text[2] = {*(volatile char *)(base + 0x108 + at), 0};
            print(text);
        }
        print("\n");
        virtio_start(slots[i], queues[i], 2);
        for (int n = 0; n < BUFFERS; n++) {
            virtio_buffer(&queues[i][0], n, &events[i][n], sizeof(struct event), DEVICE_WRITES);
            virtio_offer(&queues[i][0], n);
        }
    }
    print("ready\n");
    for (;;) {
        irq_off();
        bool any = false;
        struct used_entry entry;
        for (int i = 0; i < DEVICES && slots[i] >= 0; i++)
            while (virtio_done(&queues[i][0], &entry)) {
                any = true;
                struct event event = events[i][entry.id];
                virtio_offer(&queues[i][0], entry.id);
                show(i, &event);
                if (event.type == EV_KEY && event.code == ESC && !event.value) {
                    print("\n");
                    report("keys", keys);
                    return 0;
                }
            }
        if (!any)
            wfi();
        irq_on();
        barrier();
    }
}
