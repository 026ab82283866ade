/*
 * For `virt`: the driver of a teaching kernel. It looks for a disk in one place only, the first
 * virtio transport, and accepts no features at all, not VIRTIO_F_VERSION_1 either. Prints the first
 * line of the disk, writes it into sector 1 in capitals, reads it back and prints that.
 *
 * Linked with nothing but -Ttext: the ELF header is in the first segment, below memory.
 */
#include <stdint.h>

#define REG(offset) (*(volatile uint32_t *)(0x10001000 + (offset)))
#define UART (*(volatile uint8_t *)0x10000000)
#define FINISHER (*(volatile uint32_t *)0x100000)

enum { ENTRIES = 8, SECTOR = 512, NEXT = 1, DEVICE_WRITES = 2 };

static struct {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
} table[ENTRIES] __attribute__((aligned(16)));
static struct {
    uint16_t flags, index, ring[ENTRIES];
} avail;
static struct {
    volatile uint16_t flags, index;
    struct {
        uint32_t id, length;
    } ring[ENTRIES];
} used __attribute__((aligned(4)));
static struct {
    uint32_t type, reserved;
    uint64_t sector;
} request;
static uint8_t status, sector[SECTOR];

static void print(const char *text)
{
    while (*text)
        UART = *text++;
}

__attribute__((noreturn)) static void end(uint32_t code)
{
    FINISHER = code ? code << 16 | 0x3333 : 0x5555;
    for (;;)
        ;
}

static void need(int condition, const char *what)
{
    if (condition)
        return;
    print("no ");
    print(what);
    print("\n");
    end(1);
}

static void set(int at, const volatile void *data, uint32_t length, int flags)
{
    table[at].address = (uintptr_t)data;
    table[at].length = length;
    table[at].flags = flags;
    table[at].next = at + 1;
}

static void transfer(uint32_t type, uint64_t number)
{
    request.type = type;
    request.sector = number;
    status = 0xff;
    set(0, &request, sizeof request, NEXT);
    set(1, sector, SECTOR, NEXT | (type ? 0 : DEVICE_WRITES));
    set(2, &status, 1, DEVICE_WRITES);
    avail.ring[avail.index % ENTRIES] = 0;
    __sync_synchronize();
    avail.index++;
    __sync_synchronize();
    REG(0x50) = 0;
    while (used.index != avail.index)
        __asm__ volatile("" ::: "memory");
    need(status == 0, "success");
}

void main(void)
{
    need(REG(0x00) == 0x74726976 && REG(0x04) == 2 && REG(0x08) == 2, "disk in the first place");
    REG(0x70) = 0;
    REG(0x70) = 3;
    REG(0x20) = 0;
    REG(0x70) = 0xb;
    need(REG(0x70) & 8, "FEATURES_OK");
    REG(0x30) = 0;
    REG(0x38) = ENTRIES;
    REG(0x80) = (uintptr_t)table;
    REG(0x90) = (uintptr_t)&avail;
    REG(0xa0) = (uintptr_t)&used;
    REG(0x44) = 1;
    REG(0x70) = 0xf;
    transfer(0, 0);
    int size = 0;
    while (size < SECTOR - 2 && sector[size] != '\n')
        size++;
    sector[size] = '\n';
    sector[size + 1] = 0;
    print((char *)sector);
    for (int at = 0; at < size; at++)
        if (sector[at] >= 'a' && sector[at] <= 'z')
            sector[at] -= 'a' - 'A';
    transfer(1, 1);
    for (int at = 0; at < SECTOR; at++)
        sector[at] = 0;
    transfer(0, 1);
    print((char *)sector);
    end(0);
}
