/* Packets that devices send natively. */
#include "internal.h"

/* CRC-32 of IEEE 802.3, eight bytes at a time (slicing: M. Kounavis, F. Berry, 2005). */
static uint32_t tables[8][256];

static void make_tables(void)
{
    int i, j;
    for (i = 0; i < 256; i++) {
        uint32_t crc = (uint32_t)i;
        for (j = 0; j < 8; j++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
        tables[0][i] = crc;
    }
    for (i = 0; i < 256; i++)
        for (j = 1; j < 8; j++)
            tables[j][i] = tables[j - 1][i] >> 8 ^ tables[0][tables[j - 1][i] & 255];
}

/* `crc`: of what came before; 0: nothing did. */
static uint32_t crc32(uint32_t crc, const uint8_t *data, uint32_t size)
{
    if (!tables[0][1])
        make_tables();
    for (crc = ~crc; size >= 8; size -= 8, data += 8) {
        uint64_t word;
        memcpy(&word, data, 8);
        word ^= crc;
        crc = tables[7][word & 255] ^ tables[6][word >> 8 & 255] ^ tables[5][word >> 16 & 255]
            ^ tables[4][word >> 24 & 255] ^ tables[3][word >> 32 & 255] ^ tables[2][word >> 40 & 255]
            ^ tables[1][word >> 48 & 255] ^ tables[0][word >> 56];
    }
    while (size--)
        crc = crc >> 8 ^ tables[0][(crc ^ *data++) & 255];
    return ~crc;
}

bool ttd_send(ttd_engine *e, ttd_outbox *box, const uint8_t *packet, uint32_t size)
{
    uint32_t taken = box->kept && e->marks.mode != MARKS_PLAY ? 4 + size : 0;
    if (!e->looping || !box->open || size >> 16 || taken > TTD_OUTBOX)
        return false;
    if (taken && (e->posting != box || taken > TTD_OUTBOX - box->waiting))
        give_output(e);
    if (!mark_packet(e, e->now, box->device, crc32(0, packet, size), size))
        return false;
    box->sent++;
    box->crc = crc32(box->crc, packet, size);
    if (taken) {
        post_output(e, box);
        memcpy(box->data + box->waiting, &size, 4);
        memcpy(box->data + box->waiting + 4, packet, size);
        box->waiting += taken;
    }
    return true;
}
