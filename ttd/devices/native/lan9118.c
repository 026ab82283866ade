/* The LAN9118's registers that drivers use for every packet, and its interrupts. */
#include "lan9118.h"

#include <stddef.h>
#include <string.h>

#define SW_INT 0x80000000u
#define INTERRUPTS 0x833FE7DFu            /* those that INT_EN has (5.3.4) */
enum { PHY_INT = 1 << 18 };
enum { IRQ_EN = 1 << 8, IRQ_POL = 1 << 4, IRQ_TYPE = 1 << 0 };            /* IRQ_CFG (5.3.2) */
enum { B_NO_CRC = 1 << 13, B_NO_PADDING = 1 << 12, B_TAG = 0xFFFF0000 };  /* command B (3.12.2.2) */
enum { SHORTEST = 60 };

static uint32_t word_of(const lan9118 *n, int word)
{
    return n->registers->words[word];
}

static uint32_t levels(const lan9118 *n)
{
    uint32_t limits = word_of(n, LAN9118_FIFO_LEVELS), found = 0;
    if (n->rx.nstatuses > (limits & 0xFF))
        found |= LAN9118_RSFL;
    if (n->rx.nstatuses >= lan9118_rx_statuses(n))
        found |= LAN9118_RSFF;
    if (n->nsent > (limits >> 16 & 0xFF))
        found |= LAN9118_TSFL;
    if (n->nsent >= LAN9118_SENT)
        found |= LAN9118_TSFF;
    if (lan9118_tx_free(n) > (limits >> 24) * 64)
        found |= LAN9118_TDFA;
    return found;
}

static uint32_t of_phy(const lan9118 *n)
{
    return word_of(n, LAN9118_FLAGS) & LAN9118_PHY ? PHY_INT : 0;
}

static bool wants(const lan9118 *n, uint32_t status, uint32_t enabled)
{
    return ((status | of_phy(n)) & enabled) && word_of(n, LAN9118_INT_CONFIG) & IRQ_EN;
}

static bool quietens(const lan9118 *n, bool wanted)
{
    return word_of(n, LAN9118_FLAGS) & LAN9118_ASSERTED && !wanted && word_of(n, LAN9118_INT_CONFIG) >> 24;
}

void lan9118_show(lan9118 *n)
{
    uint32_t *words = n->registers->words, config = words[LAN9118_INT_CONFIG];
    bool asserted = words[LAN9118_FLAGS] & LAN9118_ASSERTED;
    words[LAN9118_RX_INFO] = n->rx.nstatuses << 16 | lan9118_rx_used(&n->rx);
    words[LAN9118_TX_INFO] = n->nsent << 16 | lan9118_tx_free(n);
    words[LAN9118_PINS] &= ~LAN9118_IRQ;
    if (config & IRQ_TYPE && asserted == !!(config & IRQ_POL))
        words[LAN9118_PINS] |= LAN9118_IRQ;
}

bool lan9118_update(lan9118 *n)
{
    uint32_t *words = n->registers->words, *flags = &words[LAN9118_FLAGS];
    bool wanted, quiet;
    words[LAN9118_INT_STATUS] |= levels(n);
    wanted = wants(n, words[LAN9118_INT_STATUS], words[LAN9118_INT_ENABLE]);
    quiet = quietens(n, wanted);
    if (quiet)
        *flags |= LAN9118_QUIET;
    *flags &= ~LAN9118_ASSERTED;
    if (wanted && !(*flags & LAN9118_QUIET))
        *flags |= LAN9118_ASSERTED;
    lan9118_show(n);
    return quiet;
}

/* What INT_STS and INT_EN (5.3.3, 5.3.4) become with a write of either. */
typedef struct { uint32_t status, enabled; } interrupts;

static interrupts written(const lan9118 *n, int what, uint32_t word)
{
    interrupts i = { word_of(n, LAN9118_INT_STATUS), word_of(n, LAN9118_INT_ENABLE) };
    if (what == LAN9118_ACKNOWLEDGE) {
        i.status &= ~word;
    } else {                              /* the software interrupt is raised when it becomes enabled */
        i.status |= word & ~i.enabled & SW_INT;
        i.enabled = word & INTERRUPTS;
    }
    return i;
}

bool lan9118_interrupts(lan9118 *n, int what, uint32_t word)
{
    interrupts i = written(n, what, word);
    n->registers->words[LAN9118_INT_STATUS] = i.status;
    n->registers->words[LAN9118_INT_ENABLE] = i.enabled;
    return lan9118_update(n);
}

/* False: the pin has to keep quiet afterwards. */
static bool write_interrupts(lan9118 *n, int what, uint32_t word)
{
    interrupts i = written(n, what, word);
    if (quietens(n, wants(n, i.status | levels(n), i.enabled)))
        return false;
    lan9118_interrupts(n, what, word);
    return true;
}

/* Time to say that there is room: of packets that wait some come together then, and the machine stops once for
 * all of them. */
static void offer_room(lan9118 *n)
{
    uint32_t *words = n->registers->words;
    if (words[LAN9118_FLAGS] & LAN9118_REFUSED && 2 * n->rx.nstatuses <= lan9118_rx_statuses(n)
        && 2 * lan9118_rx_used(&n->rx) <= lan9118_rx_size(n)) {
        words[LAN9118_FLAGS] &= ~LAN9118_REFUSED;
        words[LAN9118_PINS] |= LAN9118_ROOM;
    }
}

static uint32_t read_data(lan9118 *n)
{
    uint32_t *words = n->registers->words, *status = &words[LAN9118_INT_STATUS], before = *status, word;
    uint32_t count = n->rx.count, left = words[LAN9118_RX_CONFIG] >> 16 & 0xFFF;
    if (!count)
        *status |= LAN9118_RXE;
    word = lan9118_rx_pop(n);
    if (left) {
        words[LAN9118_RX_CONFIG] -= 1 << 16;
        if (left == 1)
            *status |= LAN9118_RXD_INT;
    }
    if (n->rx.count != count)
        offer_room(n);
    if (*status != before || n->rx.count != count)
        lan9118_update(n);
    else                                  /* most words, within a packet, change nothing else */
        words[LAN9118_RX_INFO] = n->rx.nstatuses << 16 | lan9118_rx_used(&n->rx);
    return word;
}

static uint32_t read_status(lan9118 *n)
{
    uint32_t status = 0;
    if (lan9118_status_pop(n, &status))
        offer_room(n);
    else
        n->registers->words[LAN9118_INT_STATUS] |= LAN9118_RXE;
    lan9118_update(n);
    return status;
}

/* Send the packet that is complete. False: it is not certain that it can go now. */
static bool send(lan9118 *n)
{
    lan9118_tx *tx = &n->tx;
    uint32_t size = tx->size;
    if (!(word_of(n, LAN9118_FLAGS) & LAN9118_SENDS) || n->waiting || n->nsent == LAN9118_SENT)
        return false;
    if (tx->packet_b & B_NO_CRC) {
        size = size < 4 ? 0 : size - 4;
    } else if (!(tx->packet_b & B_NO_PADDING) && size < SHORTEST) {
        memset(tx->data + size, 0, SHORTEST - size);
        size = SHORTEST;
    }
    if (!n->outbox || !n->registers->engine || !ttd_send(n->registers->engine, n->outbox, tx->data, size))
        return false;
    lan9118_note_sent(n, tx->packet_b & B_TAG);
    lan9118_taken(n);
    return true;
}

/* False: a packet is complete with this word, and waits; or there is no room for it. */
static bool write_data(lan9118 *n, uint32_t word)
{
    uint32_t *status = &n->registers->words[LAN9118_INT_STATUS], was = *status;
    lan9118_tx before;
    if (lan9118_tx_free(n) < 4)
        return false;
    memcpy(&before, &n->tx, offsetof(lan9118_tx, data));
    if (lan9118_build(n, word) && !send(n)) {
        memcpy(&n->tx, &before, offsetof(lan9118_tx, data));
        *status = was;
        return false;
    }
    if (n->tx.commands)                   /* most words, within a buffer */
        n->registers->words[LAN9118_TX_INFO] = n->nsent << 16 | lan9118_tx_free(n);
    else
        lan9118_update(n);
    return true;
}

static bool serve(lan9118 *n, int what, uint32_t *word)
{
    switch (what) {
    case LAN9118_READ_DATA: *word = read_data(n); return true;
    case LAN9118_READ_STATUS: *word = read_status(n); return true;
    case LAN9118_READ_SENT:
        if (n->waiting)                   /* there is room for the status of a packet now */
            return false;
        *word = lan9118_sent_pop(n);
        lan9118_update(n);
        return true;
    case LAN9118_WRITE_DATA: return write_data(n, *word);
    default: return write_interrupts(n, what, *word);
    }
}

bool lan9118_access(ttd_registers *r, int what, bool look, uint32_t *word)
{
    lan9118 *n = r->own;
    uint32_t pins = r->words[LAN9118_PINS];
    bool done = true;
    if (what == LAN9118_READ_INTERRUPTS)
        *word = word_of(n, LAN9118_INT_STATUS) | of_phy(n);
    else if (what == LAN9118_PEEK_STATUS || (look && what == LAN9118_READ_STATUS))
        *word = n->rx.nstatuses ? n->rx.statuses[n->rx.first_status] : 0;
    else if (what == LAN9118_PEEK_SENT || (look && what == LAN9118_READ_SENT))
        *word = n->nsent ? n->sent[n->first_sent] : 0;
    else if (look)
        *word = lan9118_rx_peek(n);
    else
        done = serve(n, what, word);
    r->changed |= r->words[LAN9118_PINS] != pins;
    return done;
}
