/* For the board that docs/adding-a-board.md makes: counts the beats of its metronome. */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define UART_DATA REG(0x40000000)
#define UART_STATE REG(0x40000004) /* bit 0: transmit buffer full */
#define UART_CTRL REG(0x40000008)  /* bit 0: transmit */
#define UART_BAUD REG(0x40000010)
#define METRONOME_PERIOD REG(0x40001000) /* microseconds; 0: off */
#define METRONOME_BEATS REG(0x40001004)  /* a write takes the interrupt back */
#define METRONOME_IRQ 1
#define NVIC_ENABLE REG(0xE000E100)

volatile uint32_t beats;

static void print(const char *text)
{
    for (; *text; text++) {
        while (UART_STATE & 1)
            ;
        UART_DATA = (uint8_t)*text;
    }
}

void Metronome_Handler(void)
{
    METRONOME_BEATS = 0;
    beats++;
}

__attribute__((noreturn)) static void exit(void)
{
    register uint32_t call __asm__("r0") = 0x18; /* SYS_EXIT */
    register uint32_t why __asm__("r1") = 0x20026; /* ADP_Stopped_ApplicationExit */
    for (;;)
        __asm__ volatile("bkpt 0xab" : "+r"(call) : "r"(why) : "memory");
}

__attribute__((noreturn)) void Reset_Handler(void)
{
    UART_BAUD = 16;
    UART_CTRL = 1;
    NVIC_ENABLE = 1 << METRONOME_IRQ;
    METRONOME_PERIOD = 500;
    for (uint32_t seen = 0; seen < 4;) {
        while (beats == seen)
            __asm__ volatile("wfi");
        seen = beats;
        print(seen & 1 ? "tick\n" : "tock\n");
    }
    exit();
}

extern uint32_t _estack;
__attribute__((section(".vectors"), used)) static const void *const vectors[16 + 2] = {
    &_estack, Reset_Handler, [16 + METRONOME_IRQ] = Metronome_Handler,
};
