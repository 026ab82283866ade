/* The LAN9118 Ethernet controller of mps2-an385: registers, and a driver of a few functions. */
#pragma once
#include "board.h"

#define ETH_IRQ 13
#define ETH_BASE 0x40200000u
#define ETH(offset) REG(ETH_BASE + (offset))
#define ETH_RX_DATA ETH(0x00)
#define ETH_TX_DATA ETH(0x20)
#define ETH_RX_STATUS ETH(0x40)
#define ETH_TX_STATUS ETH(0x48)
#define ETH_ID_REV ETH(0x50)
#define ETH_IRQ_CFG ETH(0x54)
#define ETH_INT_STS ETH(0x58)
#define ETH_INT_EN ETH(0x5C)
#define ETH_BYTE_TEST ETH(0x64)
#define ETH_FIFO_INT ETH(0x68)
#define ETH_RX_CFG ETH(0x6C)
#define ETH_TX_CFG ETH(0x70)
#define ETH_HW_CFG ETH(0x74)
#define ETH_RX_FIFO_INF ETH(0x7C)
#define ETH_TX_FIFO_INF ETH(0x80)
#define ETH_MAC_CMD ETH(0xA4)
#define ETH_MAC_DATA ETH(0xA8)

#define INT_RSFL (1u << 3)

enum { MAC_CR = 1, MAC_ADDRH = 2, MAC_ADDRL = 3, MAC_MII_ACC = 6, MAC_MII_DATA = 7 };

uint32_t eth_mac_read(uint32_t index);
void eth_mac_write(uint32_t index, uint32_t value);
uint32_t eth_phy_read(uint32_t index);
/* Reset, wait for the link, switch on both directions, interrupt for each received packet. */
bool eth_start(uint8_t mac[6]);
/* The next received packet: its length without checksum, 0 if there is none or it is bad. */
uint32_t eth_receive(uint8_t *packet, uint32_t room);
void eth_send(const uint8_t *packet, uint32_t length);
