/*
 * Everything from outside at a time: characters, keys, packets, disk requests, beside a timer.
 * Each character is echoed and begins a disk read of the sector of its number; keys and finished
 * reads are printed, packets are sent back. `q` ends the run.
 */
#include "virtio.h"

enum { BUFFERS = 8, SECTOR = 512, PACKETS = 4, ROOM = 1526, HEADER = 12 };
struct event {
    uint16_t type, code;
    int32_t value;
};
static struct queue disk, dice, keyboard[2];
static struct event events[BUFFERS];
static struct {
    uint32_t type, reserved;
    uint64_t sector;
} header[BUFFERS];
static uint8_t data[BUFFERS][SECTOR], status[BUFFERS];
static struct queue net[2];
static uint8_t packets[PACKETS][ROOM], answer[ROOM];
static uint32_t random;
static bool busy[BUFFERS];
volatile uint32_t ticks;

void SysTick_Handler(void) { ticks++; }
void UART0_RX_Handler(void) { UART0_INT = 2; }

static void begin_read(uint32_t sector)
{
    for (int i = 0; i < BUFFERS; i++) {
        if (busy[i])
            continue;
        busy[i] = true;
        header[i].sector = sector;
        virtio_buffer(&disk, 3 * i, &header[i], 16, NEXT);
        virtio_buffer(&disk, 3 * i + 1, data[i], SECTOR, NEXT | DEVICE_WRITES);
        virtio_buffer(&disk, 3 * i + 2, &status[i], 1, DEVICE_WRITES);
        virtio_offer(&disk, 3 * i);
        return;
    }
    print("!");
}

static bool look(void)
{
    struct used_entry entry;
    if (UART0_STATE & 2) {
        char text[2] = {UART0_DATA, 0};
        print(text);
        mix(text[0]);
        if (text[0] == 'q')
            return false;
        begin_read((uint8_t)text[0]);
    }
    while (virtio_done(&disk, &entry)) {
        int i = entry.id / 3;
        busy[i] = false;
        print("[");
        print_hex(status[i] << 16 ^ *(uint32_t *)data[i]);
        print("]");
        mix(*(uint32_t *)data[i]);
    }
    while (virtio_done(&keyboard[0], &entry)) {
        struct event *event = &events[entry.id];
        mix(event->code << 1 ^ event->value);
        print(event->type ? event->value ? "+" : "-" : ".");
        virtio_offer(&keyboard[0], entry.id);
        if (!event->type) {
            virtio_buffer(&dice, 0, &random, 4, DEVICE_WRITES);
            virtio_offer(&dice, 0);
        }
    }
    while (virtio_done(&dice, &entry)) {
        print("?");
        mix(random);
    }
    while (virtio_done(&net[1], &entry))
        print(">");
    while (virtio_done(&net[0], &entry)) {
        for (uint32_t i = 0; i < entry.length; i++)
            answer[i] = packets[entry.id][i];
        mix(entry.length << 8 ^ answer[HEADER]);
        virtio_offer(&net[0], entry.id);
        virtio_buffer(&net[1], 0, answer, entry.length, 0);
        virtio_offer(&net[1], 0);
        print("<");
    }
    return true;
}

int main(void)
{
    UART0_CTRL = 1 | 2 | 8;
    NVIC_ISER = 1u << UART0_RX_IRQ;
    virtio_start(virtio_find(2, 0), &disk, 1);
    virtio_start(virtio_find(4, 0), &dice, 1);
    virtio_start(virtio_find(18, 0), keyboard, 2);
    int slot = virtio_find(1, 0);
    if (slot >= 0)
        virtio_start(slot, net, 2);
    for (int n = 0; slot >= 0 && n < PACKETS; n++) {
        virtio_buffer(&net[0], n, packets[n], ROOM, DEVICE_WRITES);
        virtio_offer(&net[0], n);
    }
    for (int n = 0; n < BUFFERS; n++) {
        virtio_buffer(&keyboard[0], n, &events[n], sizeof(struct event), DEVICE_WRITES);
        virtio_offer(&keyboard[0], n);
    }
    SYST_RVR = 2000;
    SYST_CVR = 0;
    SYST_CSR = 7;
    irq_off();
    while (look()) {
        wfi();
        irq_on();
        barrier();
        irq_off();
    }
    irq_on();
    mix(ticks);
    print("\n");
    return 0;
}
