/* The LAN9118's FIFOs of packets received (3.13, "Receive data path operation"). */
#include "lan9118.h"

#include <stddef.h>
#include <string.h>

enum { FIFO_BYTES = 16 << 10 };           /* shared by all FIFOs (5.3.9.1) */

static uint32_t word_of(const lan9118 *n, int word)
{
    return n->registers->words[word];
}

uint32_t lan9118_aligned(uint32_t size, uint32_t field)
{
    static const uint32_t units[] = { 4, 16, 32, 4 };
    return (size + units[field] - 1) / units[field] * units[field];
}

static uint32_t fifo_bytes(const lan9118 *n)
{
    return FIFO_BYTES - (word_of(n, LAN9118_TX_KB) << 10);
}

/* The data FIFO is full 4 words before its end. */
uint32_t lan9118_rx_size(const lan9118 *n)
{
    return fifo_bytes(n) - fifo_bytes(n) / 16 - 16;
}

uint32_t lan9118_rx_statuses(const lan9118 *n)
{
    return fifo_bytes(n) / 64;
}

uint32_t lan9118_rx_used(const lan9118_rx *rx)
{
    uint32_t read = rx->at > rx->lead && rx->count ? rx->at - rx->lead : 0;
    return rx->held - (read < rx->sizes[rx->first] ? read : rx->sizes[rx->first]);
}

/* Bytes in front of a packet: whole words of RX_CFG.RXDOFF (5.3.7). */
static uint32_t lead(const lan9118 *n)
{
    return word_of(n, LAN9118_RX_CONFIG) >> 8 & 0x1C;
}

uint32_t lan9118_rx_peek(const lan9118 *n)
{
    const lan9118_rx *rx = &n->rx;
    uint32_t before = rx->at ? rx->lead : lead(n), word;
    if (!rx->count || rx->at < before || rx->at - before >= rx->sizes[rx->first])
        return 0;
    memcpy(&word, rx->data + ((rx->start + rx->at - before) & (LAN9118_DATA - 4)), 4);
    return word;
}

void lan9118_drop(lan9118 *n)
{
    lan9118_rx *rx = &n->rx;
    if (!rx->count)
        return;
    rx->held -= rx->sizes[rx->first];
    rx->start = (rx->start + rx->sizes[rx->first]) & (LAN9118_DATA - 1);
    rx->first = (rx->first + 1) & (LAN9118_PACKETS - 1);
    rx->count--;
    rx->at = rx->lead = 0;
}

/* Read a word; behind the packet come zeros up to the alignment. */
uint32_t lan9118_rx_pop(lan9118 *n)
{
    lan9118_rx *rx = &n->rx;
    uint32_t word = lan9118_rx_peek(n), field = word_of(n, LAN9118_RX_CONFIG) >> 30;
    if (!rx->count)
        return word;
    if (!rx->at)
        rx->lead = lead(n);
    rx->at += 4;
    if (rx->at >= lan9118_aligned(rx->lead + rx->sizes[rx->first], field))
        lan9118_drop(n);
    return word;
}

bool lan9118_has_room(const lan9118 *n, uint32_t size)
{
    return n->rx.nstatuses < lan9118_rx_statuses(n)
        && lan9118_rx_used(&n->rx) + (size < 60 ? 60 : size) + 8 <= lan9118_rx_size(n);
}

bool lan9118_put(lan9118 *n, const uint8_t *frame, uint32_t size, uint32_t status, uint32_t shift)
{
    lan9118_rx *rx = &n->rx;
    uint32_t whole = lan9118_aligned(size + shift, 0), end = rx->start + rx->held, i;
    if (rx->held + whole > LAN9118_DATA || rx->count == LAN9118_PACKETS || rx->nstatuses == LAN9118_STATUSES)
        return false;
    for (i = 0; i < whole; i++)
        rx->data[(end + i) & (LAN9118_DATA - 1)] = i >= shift && i - shift < size ? frame[i - shift] : 0;
    rx->sizes[(rx->first + rx->count++) & (LAN9118_PACKETS - 1)] = (uint16_t)whole;
    rx->held += whole;
    rx->statuses[(rx->first_status + rx->nstatuses++) & (LAN9118_STATUSES - 1)] = status;
    return true;
}

void lan9118_dump_rx(lan9118 *n)
{
    memset(&n->rx, 0, offsetof(lan9118_rx, sizes));
}

bool lan9118_status_pop(lan9118 *n, uint32_t *status)
{
    lan9118_rx *rx = &n->rx;
    if (!rx->nstatuses)
        return false;
    *status = rx->statuses[rx->first_status];
    rx->first_status = (rx->first_status + 1) & (LAN9118_STATUSES - 1);
    rx->nstatuses--;
    return true;
}
