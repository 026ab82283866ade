/* What firmware does most of its time: TICKS of a millisecond slept through, then so many LINES of
 * thirty characters printed through the polled UART. */
#include "board.h"

static volatile uint32_t ticks;

void SysTick_Handler(void)
{
    ticks++;
}

int main(void)
{
    for (uint32_t line = 0; line != LINES; line++)
        print("one line of thirty characters\n");
    if (TICKS) {
        SYST_RVR = 25000 - 1; /* of the core's 25 MHz */
        SYST_CVR = 0;
        SYST_CSR = 7;
        while (ticks != TICKS)
            wfi();
        SYST_CSR = 0;
    }
    return 0;
}
