/*
 * Answers ARP, ICMP echo requests and UDP datagrams to port 7 at 10.0.2.15, over any interface. Each
 * packet is a line of output, until a datagram `quiet`; a datagram `quit` ends the run.
 */
#pragma once
#include "board.h"

/* The interface's: its address, and how it sends a packet. */
extern uint8_t mac[6];
void send(const uint8_t *packet, uint32_t length);

extern volatile uint32_t received, answered;
/* Deal with a packet that has come, which is changed; false if it was the last. */
bool handle(uint8_t *packet, uint32_t length);
/* Say who is here, and what has been. */
void greet(const char *name);
__attribute__((noreturn)) void farewell(void);
