/* SMSC LAN9118: its FIFOs, and the interrupts that follow from them. Sections are of its data sheet, "High
 * Performance Single-Chip 10/100 Non-PCI Ethernet Controller", revision 1.5. All else of it is
 * ttd/devices/lan9118.py. */
#ifndef TTD_LAN9118_H
#define TTD_LAN9118_H

#include "declared.h"
#include "outbox.h"

/* Words of the device, in its order: they begin behind those of no device. */
enum {
    LAN9118_RX_INFO = WORD_FIRST, LAN9118_TX_INFO, LAN9118_INT_STATUS, LAN9118_INT_ENABLE, LAN9118_INT_CONFIG,
    LAN9118_FIFO_LEVELS, LAN9118_RX_CONFIG, LAN9118_TX_CONFIG, LAN9118_TX_KB, LAN9118_FLAGS, LAN9118_PINS
};

/* LAN9118_FLAGS: the interrupt pin is driven, or has to keep quiet (5.3.2); the PHY has an interrupt; a packet
 * was refused for want of room; complete packets go out. */
enum { LAN9118_ASSERTED = 1, LAN9118_QUIET = 2, LAN9118_PHY = 4, LAN9118_REFUSED = 8, LAN9118_SENDS = 16 };

/* Bits of INT_STS that the FIFOs raise (5.3.3). */
enum {
    LAN9118_TX_IOC = 1 << 21, LAN9118_RXD_INT = 1 << 20, LAN9118_RXE = 1 << 14, LAN9118_TXE = 1 << 13, LAN9118_TDFA = 1 << 9,
    LAN9118_TSFF = 1 << 8, LAN9118_TSFL = 1 << 7, LAN9118_RSFF = 1 << 4, LAN9118_RSFL = 1 << 3
};

/* LAN9118_PINS: lines that the device drives. ROOM goes high when somebody who was refused may ask again. */
enum { LAN9118_IRQ = 1, LAN9118_ROOM = 2 };

/* What declared registers leave to `lan9118_access`. */
enum {
    LAN9118_READ_DATA, LAN9118_READ_STATUS, LAN9118_PEEK_STATUS, LAN9118_WRITE_DATA, LAN9118_READ_SENT,
    LAN9118_PEEK_SENT, LAN9118_READ_INTERRUPTS, LAN9118_ACKNOWLEDGE, LAN9118_ENABLE
};

/* As many as there can be of packets received, of their statuses (table 5.3), and of statuses of packets sent;
 * bytes of packets received, some of which may have been read, and of one that is being written. */
enum { LAN9118_PACKETS = 1024, LAN9118_STATUSES = 256, LAN9118_SENT = 128, LAN9118_DATA = 32768, LAN9118_WRITTEN = 18432 };

/* Takes the words written to the TX data FIFO apart (3.12, "Transmit data path operation"): a packet is one or
 * more buffers; each is command A, command B, bytes to be skipped up to the offset, data, and padding up to the
 * alignment. `packet_b`: command B of the packet's first buffer, which those of the others must equal; `commands`:
 * how many of this buffer's have come; `skip`, `left`, `words`: bytes before its data, bytes of data, and words,
 * still to come; `size`: bytes of data that there are; `used`: bytes of the FIFO that it takes up (3.12.5);
 * `faulty`: its commands contradict each other (3.12.2). */
typedef struct {
    uint32_t command_a, command_b, packet_b, commands, skip, left, words, size, used;
    bool faulty;
    uint8_t data[LAN9118_WRITTEN];
} lan9118_tx;

/* Received packets, as whole words, and their status words (3.13, "Receive data path operation"). `at`: bytes of
 * the first packet that were read, with the `lead` that is put in front of it; `held`: bytes of all packets, from
 * `start` on. */
typedef struct {
    uint32_t at, lead, held, start, first, count, first_status, nstatuses;
    uint16_t sizes[LAN9118_PACKETS];
    uint32_t statuses[LAN9118_STATUSES];
    uint8_t data[LAN9118_DATA];
} lan9118_rx;

/* `outbox`: where packets go; NULL: to the host. `waiting`: bytes of the TX data FIFO that complete packets take up, which cannot be sent yet. */
typedef struct {
    ttd_registers *registers;
    ttd_outbox *outbox;
    lan9118_rx rx;
    lan9118_tx tx;
    uint32_t first_sent, nsent, waiting;
    uint32_t sent[LAN9118_SENT];
} lan9118;

/* lan9118_rx.c */
/* The multiple of the unit from `size` on, to which RX_CFG (5.3.7) and command A (3.12.2.1) fill up; `field`: theirs. */
uint32_t lan9118_aligned(uint32_t size, uint32_t field);
/* Bytes of the RX data FIFO, and words of the RX status FIFO (table 5.3); bytes of data in it. */
uint32_t lan9118_rx_size(const lan9118 *n);
uint32_t lan9118_rx_statuses(const lan9118 *n);
uint32_t lan9118_rx_used(const lan9118_rx *rx);
/* Is there room for a packet of so many bytes? */
bool lan9118_has_room(const lan9118 *n, uint32_t size);
/* A frame has come, with its status word; its first byte is number `shift` (0 to 3) of its first word. False: it
 * is more than there can be. */
bool lan9118_put(lan9118 *n, const uint8_t *frame, uint32_t size, uint32_t status, uint32_t shift);
/* The rest of the first packet is forgotten (3.13.1.1, "fast forward"); all is. */
void lan9118_drop(lan9118 *n);
void lan9118_dump_rx(lan9118 *n);
/* The word that is read next, zero outside of packets; the same word read; the next status read, if there is one. */
uint32_t lan9118_rx_peek(const lan9118 *n);
uint32_t lan9118_rx_pop(lan9118 *n);
bool lan9118_status_pop(lan9118 *n, uint32_t *status);

/* lan9118_tx.c */
/* Bytes free in the TX data FIFO. */
uint32_t lan9118_tx_free(const lan9118 *n);
void lan9118_dump_tx(lan9118 *n);
/* A word for the TX data FIFO. True: a packet is complete, and is to be taken from there (`lan9118_taken`). */
bool lan9118_build(lan9118 *n, uint32_t word);
void lan9118_taken(lan9118 *n);
/* A status of a packet sent; false: there is no room. The next one read, zero if there is none. */
bool lan9118_note_sent(lan9118 *n, uint32_t status);
uint32_t lan9118_sent_pop(lan9118 *n);

/* lan9118.c */
/* What drivers look at most, and the pin, as they follow from the rest. */
void lan9118_show(lan9118 *n);
/* After any change: interrupts that follow from the FIFOs, and `lan9118_show`. True: the pin was released, and has
 * to keep quiet for an interval (5.3.2, INT_DEAS). */
bool lan9118_update(lan9118 *n);
/* A write of INT_STS (ACKNOWLEDGE) or INT_EN (ENABLE), and `lan9118_update`. */
bool lan9118_interrupts(lan9118 *n, int what, uint32_t word);
/* A `ttd_call`. */
bool lan9118_access(ttd_registers *r, int what, bool look, uint32_t *word);

#endif
