/*
 * Reads a PL031 that counts the host's time before and after it has waited: for a character in WFI,
 * for one from semihosting's console, and, suspended, for the alarm.
 */
#include "virtio.h"

#define RTC(offset) REG(0x40110000 + (offset))
#define POWER REG(0x40111000)
enum { RTC_IRQ = 23, READC = 7, SUSPEND = 3 };

void alarm(void)
{
    RTC(0x1c) = 1;
}

int main(void)
{
    set_handler(RTC_IRQ, alarm);
    UART0_CTRL = 1 | 2 | 8;
    NVIC_ISER = 1u << UART0_RX_IRQ;
    irq_off();
    uint32_t before = RTC(0);
    while (!(UART0_STATE & 2))
        wfi();
    uint32_t typed = RTC(0);
    register uint32_t r0 __asm__("r0") = READC;
    register uint32_t r1 __asm__("r1") = 0;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    uint32_t character = r0, read = RTC(0);
    RTC(0x04) = read + 7;
    RTC(0x10) = 1;
    POWER = SUSPEND;
    uint32_t awake = RTC(0);
    report("character", character);
    report("typed", typed - before);
    report("read", read - typed);
    report("awake", awake - read);
    return 0;
}
