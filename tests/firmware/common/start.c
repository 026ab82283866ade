/* Vector table, reset, output and end of run: shared by all test programs. */
#include "board.h"

extern uint32_t _estack, _sidata, _sdata, _edata, _sbss, _ebss;
int main(void);

static uint32_t checksum;

void print(const char *text)
{
    for (; *text; text++) {
        while (UART0_STATE & 1)
            ;
        UART0_DATA = (uint8_t)*text;
    }
}

void print_hex(uint32_t value)
{
    char text[9];
    for (int i = 0; i < 8; i++)
        text[i] = "0123456789abcdef"[(value >> (28 - 4 * i)) & 15];
    text[8] = 0;
    print(text);
}

void print_dec(uint32_t value)
{
    char text[11], *at = text + 10;
    *at = 0;
    do {
        *--at = '0' + value % 10;
        value /= 10;
    } while (value);
    print(at);
}

void mix(uint32_t value)
{
    checksum = ((checksum << 5) | (checksum >> 27)) ^ value;
    checksum *= 2654435761u;
}

void report(const char *name, uint32_t value)
{
    mix(value);
    print(name);
    print(" ");
    print_hex(value);
    print("\n");
}

static int semihost(uint32_t call, uint32_t argument)
{
    register uint32_t r0 __asm__("r0") = call;
    register uint32_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void done(void)
{
    print("DONE ");
    print_hex(checksum);
    print("\n");
    semihost(0x18, 0x20026); /* SYS_EXIT, ADP_Stopped_ApplicationExit */
    for (;;)
        ;
}

void quit(uint32_t code)
{
    uint32_t block[2] = {0x20026, code};
    semihost(0x20, (uint32_t)block); /* SYS_EXIT_EXTENDED */
    for (;;)
        ;
}

__attribute__((noreturn)) void Reset_Handler(void)
{
    uint32_t *from = &_sidata;
    for (uint32_t *to = &_sdata; to < &_edata;)
        *to++ = *from++;
    for (uint32_t *to = &_sbss; to < &_ebss;)
        *to++ = 0;
    UART0_BAUD = 16;
    UART0_CTRL = 1;
    main();
    done();
}

__attribute__((weak)) void Default_Handler(void)
{
    print("unexpected exception\n");
    quit(2);
}

#define WEAK(name) __attribute__((weak, alias("Default_Handler"))) void name(void)
WEAK(NMI_Handler);
WEAK(HardFault_Handler);
WEAK(MemManage_Handler);
WEAK(BusFault_Handler);
WEAK(UsageFault_Handler);
WEAK(SVC_Handler);
WEAK(DebugMon_Handler);
WEAK(PendSV_Handler);
WEAK(SysTick_Handler);
WEAK(UART0_RX_Handler);
WEAK(Timer0_Handler);
WEAK(IRQ20_Handler);
WEAK(IRQ21_Handler);
WEAK(IRQ22_Handler);

__attribute__((section(".vectors"), used)) void *const vectors[16 + 32] = {
    [0] = &_estack,
    [1] = Reset_Handler,
    [2] = NMI_Handler,
    [3] = HardFault_Handler,
    [4] = MemManage_Handler,
    [5] = BusFault_Handler,
    [6] = UsageFault_Handler,
    [11] = SVC_Handler,
    [12] = DebugMon_Handler,
    [14] = PendSV_Handler,
    [15] = SysTick_Handler,
    [16 + UART0_RX_IRQ] = UART0_RX_Handler,
    [16 + TIMER0_IRQ] = Timer0_Handler,
    [16 + 20] = IRQ20_Handler,
    [16 + 21] = IRQ21_Handler,
    [16 + 22] = IRQ22_Handler,
};
