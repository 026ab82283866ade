/*
 * Prints the time once a second, three times, woken by the alarm of the PL031; then reads the
 * clock in a tight loop.
 */
#include "virtio.h"

#define RTC(offset) REG(0x40110000 + (offset))
enum { RTC_IRQ = 23, READS = 20000 };
volatile uint32_t alarms;

void alarm(void)
{
    RTC(0x1c) = 1;
    alarms++;
}

static void two_digits(uint32_t value)
{
    print(value < 10 ? "0" : "");
    print_dec(value);
}

int main(void)
{
    set_handler(RTC_IRQ, alarm);
    RTC(0x10) = 1;
    for (uint32_t i = 0; i < 3; i++) {
        RTC(0x04) = RTC(0) + 1;
        irq_off();
        while (alarms == i) {
            wfi();
            irq_on();
            barrier();
            irq_off();
        }
        irq_on();
        uint32_t now = RTC(0);
        two_digits(now / 3600 % 24);
        print(":");
        two_digits(now / 60 % 60);
        print(":");
        two_digits(now % 60);
        print("\n");
    }
    uint32_t first = RTC(0), changes = 0;
    for (uint32_t i = 0; i < READS; i++) {
        uint32_t now = RTC(0);
        changes += now != first;
        first = now;
    }
    report("alarms", alarms);
    print("changes ");
    print_dec(changes);
    print("\n");
    return 0;
}
