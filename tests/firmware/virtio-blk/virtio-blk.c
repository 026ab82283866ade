/*
 * A FAT16 disk: prints a file that is there, writes another one and reads it back. Then many
 * requests at a time; the line `order` says in which order the host was done with them.
 */
#include "virtio.h"

enum { SECTOR = 512, MANY = 8 };
static struct queue queue;
static struct {
    uint32_t type, reserved;
    uint64_t sector;
} header[MANY];
static uint8_t status[MANY];
static uint8_t buffer[MANY][SECTOR];
static uint8_t sector[SECTOR];

__attribute__((noinline)) void start(int n, uint32_t type, uint32_t at, void *data, uint32_t size)
{
    header[n].type = type;
    header[n].sector = at;
    status[n] = 0xff;
    virtio_buffer(&queue, 3 * n, &header[n], 16, NEXT);
    virtio_buffer(&queue, 3 * n + 1, data, size, NEXT | (type == 1 ? 0 : DEVICE_WRITES));
    virtio_buffer(&queue, 3 * n + 2, &status[n], 1, DEVICE_WRITES);
    if (!size)
        queue.table[3 * n].next = 3 * n + 2;
    virtio_offer(&queue, 3 * n);
}

volatile uint32_t completed;

__attribute__((noinline)) uint32_t finished(void)
{
    struct used_entry entry = virtio_wait(&queue);
    completed++;
    return entry.id / 3;
}

static int transfer(uint32_t type, uint32_t at, void *data, uint32_t size)
{
    start(0, type, at, data, size);
    return status[finished()];
}

static void read(uint32_t at)
{
    if (transfer(0, at, sector, SECTOR)) {
        report("read error at", at);
        quit(5);
    }
}

static void write(uint32_t at)
{
    if (transfer(1, at, sector, SECTOR)) {
        report("write error at", at);
        quit(6);
    }
}

static uint32_t half(const uint8_t *at) { return at[0] | at[1] << 8; }
static uint32_t word(const uint8_t *at) { return half(at) | half(at + 2) << 16; }

static uint32_t sum(const uint8_t *data, uint32_t size)
{
    uint32_t value = 1;
    while (size--)
        value = value * 31 + *data++;
    return value;
}

static bool named(const uint8_t *entry, const char *name)
{
    for (int i = 0; i < 11; i++)
        if (entry[i] != name[i])
            return false;
    return true;
}

static const char text[] = "written by the guest\n";

int main(void)
{
    int slot = virtio_find(2, 0);
    if (slot < 0) {
        print("no disk\n");
        quit(3);
    }
    virtio_start(slot, &queue, 1);
    uint32_t sectors = REG(VIRTIO_SLOT(slot) + 0x100);
    report("sectors", sectors);
    char id[21] = {0};
    transfer(8, 0, id, 20);
    print("id ");
    print(id);
    print("\n");

    read(0);
    uint32_t fat = half(sector + 14), fat_size = half(sector + 22);
    uint32_t root = fat + sector[16] * fat_size;
    uint32_t data = root + half(sector + 17) / 16;
    read(root);
    int free = -1;
    for (int i = 0; i < 16; i++) {
        uint8_t *entry = sector + 32 * i;
        if (!entry[0]) {
            free = i;
            break;
        }
        if (!named(entry, "HELLO   TXT"))
            continue;
        uint32_t size = word(entry + 28), cluster = half(entry + 26);
        report("HELLO.TXT", size);
        read(data + cluster - 2);
        sector[size < SECTOR ? size : SECTOR - 1] = 0;
        print((char *)sector);
        read(root);
    }

    /* A new file: its cluster is 9, in both FATs, and an entry in the directory. */
    for (uint32_t i = 0; i < SECTOR; i++)
        buffer[1][i] = sector[i];
    uint8_t *entry = buffer[1] + 32 * free;
    const char *name = "GUEST   TXT";
    for (int i = 0; i < 11; i++)
        entry[i] = name[i];
    entry[11] = 0x20;
    entry[26] = 9;
    entry[28] = sizeof text - 1;
    for (uint32_t copy = 0; copy < 2; copy++) {
        read(fat + copy * fat_size);
        sector[18] = sector[19] = 0xff;
        write(fat + copy * fat_size);
    }
    for (uint32_t i = 0; i < SECTOR; i++)
        sector[i] = i < sizeof text - 1 ? text[i] : 0;
    write(data + 7);
    report("data", sum(sector, SECTOR));
    for (uint32_t i = 0; i < SECTOR; i++)
        sector[i] = buffer[1][i];
    write(root);
    report("directory", sum(sector, SECTOR));
    report("flush", transfer(4, 0, 0, 0));
    read(data + 7);
    report("data", sum(sector, SECTOR));
    read(root);
    report("directory", sum(sector, SECTOR));
    report("beyond", transfer(0, sectors, buffer[0], SECTOR));

    print("order");
    for (uint32_t i = 0; i < MANY; i++)
        start(i, 0, data + 16 + 5 * i, buffer[i], SECTOR);
    for (int i = 0; i < MANY; i++) {
        print(" ");
        print_dec(finished());
    }
    print("\n");
    for (uint32_t i = 0; i < MANY; i++)
        report("sector", status[i] << 24 ^ sum(buffer[i], SECTOR));
    return 0;
}
