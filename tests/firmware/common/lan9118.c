#include "lan9118.h"

enum { BUSY = 1u << 31, READ = 1u << 30 };

uint32_t eth_mac_read(uint32_t index)
{
    ETH_MAC_CMD = BUSY | READ | index;
    while (ETH_MAC_CMD & BUSY)
        ;
    return ETH_MAC_DATA;
}

void eth_mac_write(uint32_t index, uint32_t value)
{
    ETH_MAC_DATA = value;
    ETH_MAC_CMD = BUSY | index;
    while (ETH_MAC_CMD & BUSY)
        ;
}

uint32_t eth_phy_read(uint32_t index)
{
    eth_mac_write(MAC_MII_ACC, 1u << 11 | index << 6);
    while (eth_mac_read(MAC_MII_ACC) & 1)
        ;
    return eth_mac_read(MAC_MII_DATA);
}

bool eth_start(uint8_t mac[6])
{
    if (ETH_BYTE_TEST != 0x87654321 || ETH_ID_REV >> 16 != 0x0118)
        return false;
    ETH_HW_CFG = 1;
    while (ETH_HW_CFG & 1)
        ;
    ETH_HW_CFG = 0x00100000 | 5u << 16;
    uint32_t low = eth_mac_read(MAC_ADDRL), high = eth_mac_read(MAC_ADDRH);
    for (int i = 0; i < 4; i++)
        mac[i] = low >> 8 * i;
    for (int i = 0; i < 2; i++)
        mac[4 + i] = high >> 8 * i;
    while (!(eth_phy_read(1) & 4))
        ;
    ETH_IRQ_CFG = 10u << 24 | 0x111; /* quiet for 100 us; enabled, active high, push-pull */
    ETH_FIFO_INT = 0x48000000;       /* an interrupt from the first received packet on */
    ETH_RX_CFG = 2u << 8;            /* the IP header begins at a word */
    ETH_INT_STS = 0xFFFFFFFF;
    ETH_INT_EN = INT_RSFL;
    ETH_TX_CFG = 2;
    eth_mac_write(MAC_CR, 1u << 20 | 8 | 4); /* full duplex, own and broadcast addresses */
    return true;
}

uint32_t eth_receive(uint8_t *packet, uint32_t room)
{
    if (!(ETH_RX_FIFO_INF & 0x00FF0000))
        return 0;
    uint32_t status = ETH_RX_STATUS, length = status >> 16 & 0x3FFF;
    for (uint32_t i = 0; i < (length + 2 + 3) / 4; i++) {
        uint32_t word = ETH_RX_DATA;
        for (uint32_t at = 4 * i, b = 0; b < 4; b++, at++)
            if (at >= 2 && at - 2 < length && at - 2 < room)
                packet[at - 2] = word >> 8 * b;
    }
    return status & 0x8000 || length - 4 > room ? 0 : length - 4;
}

void eth_send(const uint8_t *packet, uint32_t length)
{
    while ((ETH_TX_FIFO_INF & 0xFFFF) < length + 16)
        ;
    ETH_TX_DATA = 1u << 13 | 1u << 12 | length;
    ETH_TX_DATA = length << 16 | length;
    for (uint32_t i = 0; i < (length + 3) / 4; i++) {
        uint32_t word = 0;
        for (uint32_t b = 0; b < 4 && 4 * i + b < length; b++)
            word |= (uint32_t)packet[4 * i + b] << 8 * b;
        ETH_TX_DATA = word;
    }
    while (ETH_TX_FIFO_INF & 0x00FF0000)
        mix(ETH_TX_STATUS);
}
