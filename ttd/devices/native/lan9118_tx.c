/* The LAN9118's FIFOs of packets to be sent (3.12, "Transmit data path operation"). */
#include "lan9118.h"

#include <stddef.h>
#include <string.h>

/* Commands A (3.12.2.1) and B (3.12.2.2) */
#define A_IOC 0x80000000u
enum { A_FIRST = 1 << 13, A_LAST = 1 << 12, A_SIZE = 0x7FF, B_SIZE = 0x7FF };

uint32_t lan9118_tx_free(const lan9118 *n)
{
    uint32_t size = (n->registers->words[LAN9118_TX_KB] << 10) - 4 * LAN9118_SENT, used = n->tx.used + n->waiting;
    return used < size ? size - used : 0;
}

static void begin_buffer(lan9118_tx *tx, uint32_t word)
{
    uint32_t size = tx->command_a & A_SIZE, offset = tx->command_a >> 16 & 0x1F;
    tx->command_b = word;
    tx->commands = 2;
    if (tx->command_a & A_FIRST) {
        tx->size = 0;
        tx->used = 4;
        tx->packet_b = word;
        tx->faulty = false;
    } else if (word != tx->packet_b) {
        tx->faulty = true;
    }
    tx->used += 4;
    tx->skip = offset;
    tx->left = size;
    /* The buffer in the host's memory begins and ends at an aligned address. */
    tx->words = lan9118_aligned(offset + size, tx->command_a >> 24 & 3) / 4;
}

static void take(lan9118_tx *tx, uint32_t word)
{
    uint32_t count = tx->skip < 4 ? 4 - tx->skip : 0, i;
    tx->words--;
    if (tx->skip >= 4) {
        tx->skip -= 4;
        return;
    }
    if (count > tx->left)
        count = tx->left;
    if (count)
        tx->used += lan9118_aligned(tx->skip + count, 0);
    tx->left -= count;
    for (i = 0; i < count && tx->size < LAN9118_WRITTEN; i++)
        tx->data[tx->size++] = (uint8_t)(word >> 8 * (tx->skip + i));
    tx->skip = 0;
}

/* True: with this buffer a packet is complete. */
static bool end_buffer(lan9118 *n)
{
    lan9118_tx *tx = &n->tx;
    uint32_t *status = &n->registers->words[LAN9118_INT_STATUS];
    tx->commands = 0;
    if (tx->command_a & A_IOC)
        *status |= LAN9118_TX_IOC;
    if (!(tx->command_a & A_LAST))
        return false;
    tx->faulty |= tx->size != (tx->packet_b & B_SIZE);
    if (tx->faulty) {
        *status |= LAN9118_TXE;
        lan9118_taken(n);
    }
    return !tx->faulty;
}

bool lan9118_build(lan9118 *n, uint32_t word)
{
    lan9118_tx *tx = &n->tx;
    if (!tx->commands) {
        tx->command_a = word;
        tx->commands = 1;
        return false;
    }
    if (tx->commands == 1)
        begin_buffer(tx, word);
    else
        take(tx, word);
    return !tx->words && end_buffer(n);
}

void lan9118_taken(lan9118 *n)
{
    n->tx.size = n->tx.used = 0;
}

void lan9118_dump_tx(lan9118 *n)
{
    memset(&n->tx, 0, offsetof(lan9118_tx, data));
}

bool lan9118_note_sent(lan9118 *n, uint32_t status)
{
    if (n->nsent == LAN9118_SENT)
        return false;
    n->sent[(n->first_sent + n->nsent++) % LAN9118_SENT] = status;
    return true;
}

uint32_t lan9118_sent_pop(lan9118 *n)
{
    uint32_t status = n->nsent ? n->sent[n->first_sent] : 0;
    if (n->nsent) {
        n->first_sent = (n->first_sent + 1) % LAN9118_SENT;
        n->nsent--;
    }
    return status;
}
