/*
 * The echo server of ip.h over the LAN9118. Packets arrive by interrupt into a ring; the main loop
 * sleeps until there are some.
 */
#include "ip.h"
#include "lan9118.h"

enum { ROOM = 1514, SLOTS = 16 };

static uint8_t ring[SLOTS][ROOM];
static volatile uint32_t lengths[SLOTS];
static volatile uint32_t put, got;

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

void send(const uint8_t *packet, uint32_t length)
{
    eth_send(packet, length);
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
    greet("net-echo");
    for (;;) {
        irq_off();
        while (got == put) {
            wfi(); /* wakes up although masked: nothing gets lost between the test and the sleep */
            irq_on();
            barrier();
            irq_off();
        }
        irq_on();
        while (got != put) {
            if (!handle(ring[got % SLOTS], lengths[got % SLOTS]))
                farewell();
            got++;
        }
        ETH_INT_EN = INT_RSFL;
    }
}
