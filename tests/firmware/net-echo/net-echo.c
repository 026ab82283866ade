/*
 * Answers ARP, ICMP echo requests and UDP datagrams to port 7 at 10.0.2.15, over the LAN9118. Each
 * packet is a line of output; a datagram `quit` ends the run. Packets arrive by interrupt into a
 * ring; the main loop sleeps until there are some.
 */
#include "lan9118.h"

enum { ROOM = 1514, SLOTS = 4, ETHERNET = 14, IP = 20, UDP = 8 };
enum { ARP_TYPE = 0x0806, IP_TYPE = 0x0800, ICMP_PROTOCOL = 1, UDP_PROTOCOL = 17, ECHO_PORT = 7 };

static uint8_t mac[6];
static const uint8_t address[4] = {10, 0, 2, 15};
static uint8_t ring[SLOTS][ROOM];
static volatile uint32_t lengths[SLOTS];
static volatile uint32_t put, got;
volatile uint32_t received, answered;

static void Ethernet_Handler(void)
{
    while (put - got < SLOTS && ETH_RX_FIFO_INF & 0x00FF0000) {
        uint32_t length = eth_receive(ring[put % SLOTS], ROOM);
        if (length) {
            lengths[put % SLOTS] = length;
            put++;
        }
    }
    ETH_INT_STS = INT_RSFL;
    if (put - got == SLOTS)
        ETH_INT_EN = 0; /* until the main loop has made room */
}

static uint32_t get16(const uint8_t *at)
{
    return at[0] << 8 | at[1];
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = value >> 8;
    at[1] = value;
}

static void copy(uint8_t *to, const uint8_t *from, uint32_t count)
{
    while (count--)
        *to++ = *from++;
}

static bool same(const uint8_t *a, const void *b, uint32_t count)
{
    for (const uint8_t *c = b; count; count--)
        if (*a++ != *c++)
            return false;
    return true;
}

static uint32_t sum(const uint8_t *at, uint32_t length, uint32_t start)
{
    for (uint32_t i = 0; i + 1 < length; i += 2)
        start += get16(at + i);
    if (length & 1)
        start += at[length - 1] << 8;
    while (start >> 16)
        start = (start & 0xFFFF) + (start >> 16);
    return ~start & 0xFFFF;
}

__attribute__((noinline)) void answer(uint8_t *packet, uint32_t length)
{
    copy(packet, packet + 6, 6);
    copy(packet + 6, mac, 6);
    answered++;
    eth_send(packet, length);
}

static void line(const char *what, uint32_t length)
{
    print_dec(received);
    print(" ");
    print(what);
    print(" ");
    print_dec(length);
    print("\n");
}

static void arp(uint8_t *packet, uint32_t length)
{
    uint8_t *body = packet + ETHERNET;
    if (length < ETHERNET + 28 || get16(body + 6) != 1 || !same(body + 24, address, 4))
        return line("other arp", length);
    line("arp", length);
    put16(body + 6, 2);
    copy(body + 18, body + 8, 10);
    copy(body + 8, mac, 6);
    copy(body + 14, address, 4);
    answer(packet, ETHERNET + 28);
}

static void ip(uint8_t *packet, uint32_t length)
{
    uint8_t *header = packet + ETHERNET, *body = header + IP;
    uint32_t total = get16(header + 2);
    if (header[0] != 0x45 || total < IP + UDP || total > length - ETHERNET ||
        !same(header + 16, address, 4) || sum(header, IP, 0))
        return line("other ip", length);
    uint32_t size = total - IP;
    copy(header + 16, header + 12, 4);
    copy(header + 12, address, 4);
    if (header[9] == ICMP_PROTOCOL && body[0] == 8) {
        line("ping", length);
        body[0] = 0;
        put16(body + 2, 0);
        put16(body + 2, sum(body, size, 0));
    } else if (header[9] == UDP_PROTOCOL && get16(body + 2) == ECHO_PORT) {
        line("udp", size - UDP);
        for (uint32_t i = UDP; i < size; i++)
            mix(body[i]);
        if (size == UDP + 4 && same(body + UDP, "quit", 4)) {
            report("received", received);
            report("answered", answered);
            done();
        }
        put16(body + 2, get16(body));
        put16(body, ECHO_PORT);
        put16(body + 6, 0); /* no checksum */
    } else {
        return line("other ip", length);
    }
    answer(packet, ETHERNET + total);
}

__attribute__((noinline)) void handle(uint8_t *packet, uint32_t length)
{
    received++;
    uint32_t type = get16(packet + 12);
    if (type == ARP_TYPE)
        arp(packet, length);
    else if (type == IP_TYPE && length >= ETHERNET + IP)
        ip(packet, length);
    else
        line("other", length);
}

/* The common vector table has no entry for this interrupt: a copy in RAM gets one. */
static void *table[16 + 32] __attribute__((aligned(256)));
extern void *const vectors[16 + 32];

int main(void)
{
    for (int i = 0; i < 16 + 32; i++)
        table[i] = vectors[i];
    table[16 + ETH_IRQ] = Ethernet_Handler;
    SCB_VTOR = (uint32_t)table;
    if (!eth_start(mac)) {
        print("no LAN9118\n");
        quit(2);
    }
    NVIC_ISER = 1u << ETH_IRQ;
    print("net-echo: 10.0.2.15 is at ");
    print_hex(mac[0] << 24 | mac[1] << 16 | mac[2] << 8 | mac[3]);
    print_hex(mac[4] << 24 | mac[5] << 16);
    print("\n");
    for (;;) {
        irq_off();
        while (got == put) {
            wfi(); /* wakes up although masked: nothing gets lost between the test and the sleep */
            irq_on();
            barrier();
            irq_off();
        }
        irq_on();
        handle(ring[got % SLOTS], lengths[got % SLOTS]);
        got++;
        ETH_INT_EN = INT_RSFL;
    }
}
