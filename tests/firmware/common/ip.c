#include "ip.h"

enum { ETHERNET = 14, IP = 20, UDP = 8 };
enum { ARP_TYPE = 0x0806, IP_TYPE = 0x0800, ICMP_PROTOCOL = 1, UDP_PROTOCOL = 17, ECHO_PORT = 7 };

uint8_t mac[6];
static const uint8_t address[4] = {10, 0, 2, 15};
static bool quiet, over;
volatile uint32_t received, answered;

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
    send(packet, length);
}

static void line(const char *what, uint32_t length)
{
    if (quiet)
        return;
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
        if (size == UDP + 5 && same(body + UDP, "quiet", 5))
            quiet = true;
        if (size == UDP + 4 && same(body + UDP, "quit", 4)) {
            over = true;
            return;
        }
        put16(body + 2, get16(body));
        put16(body, ECHO_PORT);
        put16(body + 6, 0); /* no checksum */
    } else {
        return line("other ip", length);
    }
    answer(packet, ETHERNET + total);
}

__attribute__((noinline)) bool handle(uint8_t *packet, uint32_t length)
{
    received++;
    uint32_t type = get16(packet + 12);
    if (type == ARP_TYPE)
        arp(packet, length);
    else if (type == IP_TYPE && length >= ETHERNET + IP)
        ip(packet, length);
    else
        line("other", length);
    return !over;
}

void farewell(void)
{
    report("received", received);
    report("answered", answered);
    done();
}

void greet(const char *name)
{
    print(name);
    print(": 10.0.2.15 is at ");
    print_hex(mac[0] << 24 | mac[1] << 16 | mac[2] << 8 | mac[3]);
    print_hex(mac[4] << 24 | mac[5] << 16);
    print("\n");
}
