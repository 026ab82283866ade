/*
 * The micro:bit: exceptions of a Cortex-M0, flash, a face on the lights, the buttons.
 *
 * Prints what it finds. Then it shows a face, row by row in a timer's interrupt, and sleeps until
 * button A (the face changes) and button B (the end) have been pressed.
 */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define UART 0x40002000
#define TIMER0 0x40008000
#define NVMC 0x4001E000
#define GPIO 0x50000000
#define NVIC_ISER REG(0xE000E100)
#define NVIC_ISPR REG(0xE000E200)
#define NVIC_IPR(irq) REG(0xE000E400 + ((irq) & ~3))
#define CPUID REG(0xE000ED00)
#define ICSR REG(0xE000ED04)
#define SHPR3 REG(0xE000ED20)
#define CFSR REG(0xE000ED28)
enum { TIMER0_IRQ = 8, SWI0_IRQ = 20, SWI1_IRQ = 21 };
enum { BUTTON_A = 17, BUTTON_B = 26 };

extern uint32_t _estack, _sbss, _ebss;

static void print(const char *text)
{
    for (; *text; text++) {
        REG(UART + 0x11C) = 0;
        REG(UART + 0x51C) = (uint8_t)*text;
        while (!REG(UART + 0x11C))
            ;
    }
}

static void report(const char *name, uint32_t value)
{
    char text[10];
    for (int i = 0; i < 8; i++)
        text[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
    text[8] = '\n';
    text[9] = 0;
    print(name);
    print(" ");
    print(text);
}

static __attribute__((noreturn)) void quit(uint32_t code)
{
    uint32_t block[2] = {0x20026, code};
    register uint32_t r0 __asm__("r0") = 0x20;
    register uint32_t *r1 __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : : "r"(r0), "r"(r1) : "memory");
    for (;;)
        ;
}

/* ---- faults: the handler notes where, and goes on after the instruction ---- */

volatile uint32_t faults, fault_at;

__attribute__((used)) static void hard_fault(uint32_t *frame)
{
    faults++;
    fault_at = *(uint16_t *)frame[6];
    frame[6] += 2;
}

__attribute__((naked)) static void HardFault_Handler(void)
{
    __asm__("mov r0, sp\n push {r4, lr}\n bl hard_fault\n pop {r4, pc}");
}

/* ---- exceptions that interrupt each other ---- */

static volatile char trail[16];
static volatile uint32_t steps;

static void note(char c)
{
    trail[steps++ & 15] = c;
}

static void SVC_Handler(void)
{
    note('s');
}

static void PendSV_Handler(void)
{
    note('p');
}

static void SWI0_Handler(void)
{
    note('(');
    NVIC_ISPR = 1u << SWI1_IRQ; /* more urgent: comes at once */
    __asm__ volatile("dsb; isb");
    ICSR = 1u << 28; /* PendSV, less urgent: comes after this */
    note(')');
}

static void SWI1_Handler(void)
{
    note('1');
}

/* ---- lights ---- */

static const uint8_t wiring[5][5] = {/* row * 16 + column of the matrix, counted from 0 */
    {0x00, 0x13, 0x01, 0x14, 0x02},
    {0x23, 0x24, 0x25, 0x26, 0x27},
    {0x11, 0x08, 0x12, 0x28, 0x10},
    {0x07, 0x06, 0x05, 0x04, 0x03},
    {0x22, 0x16, 0x20, 0x15, 0x21},
};
static const uint8_t happy[5] = {0b00000, 0b01010, 0b00000, 0b10001, 0b01110};
static const uint8_t sad[5] = {0b00000, 0b01010, 0b00000, 0b01110, 0b10001};
static uint32_t columns[3]; /* pins that are low while a row has current */
static uint32_t row;
volatile uint32_t frames;
volatile uint32_t pressed;

static void show(const uint8_t *face)
{
    uint32_t found[3] = {0, 0, 0};
    for (int y = 0; y < 5; y++)
        for (int x = 0; x < 5; x++)
            if (face[y] >> (4 - x) & 1)
                found[wiring[y][x] >> 4] |= 16u << (wiring[y][x] & 15);
    for (int i = 0; i < 3; i++)
        columns[i] = found[i];
}

static void TIMER0_Handler(void)
{
    REG(TIMER0 + 0x140) = 0;
    row = row == 2 ? 0 : row + 1;
    REG(GPIO + 0x504) = 0x2000u << row | (0x1FF0u & ~columns[row]);
    frames++;
    pressed = ~REG(GPIO + 0x510) & (1u << BUTTON_A | 1u << BUTTON_B);
}

/* ---- flash ---- */

#define PAGE 0x3F000u

static void flash(void)
{
    uint32_t before = faults;
    REG(PAGE) = 1;
    report("store without leave", faults - before);
    REG(NVMC + 0x504) = 2;
    REG(NVMC + 0x508) = PAGE;
    while (!REG(NVMC + 0x400))
        ;
    report("erased", REG(PAGE));
    REG(NVMC + 0x504) = 1;
    REG(PAGE) = 0x12345678;
    REG(PAGE) = 0xFFFF0000;
    report("written", REG(PAGE));
    before = faults;
    *(volatile uint16_t *)(PAGE + 4) = 0;
    report("half a word", faults - before);
    REG(NVMC + 0x504) = 0;
    report("left", REG(PAGE + 4));
}

static void exceptions(void)
{
    report("cpuid", CPUID);
    report("status of faults", CFSR);
    NVIC_IPR(SWI0_IRQ) = 0xFFFFFFFF;
    SHPR3 = 0xFFFFFFFF;
    report("priorities", NVIC_IPR(SWI0_IRQ));
    report("of the system", SHPR3);
    NVIC_IPR(SWI0_IRQ) = 0x00000080; /* SWI1 is at 0 */
    NVIC_ISER = 1u << SWI0_IRQ | 1u << SWI1_IRQ;
    __asm__ volatile("svc 1");
    NVIC_ISPR = 1u << SWI0_IRQ;
    __asm__ volatile("dsb; isb");
    /* Cannot be taken. Cores differ in the PC that they stack; the handler may skip a CPSIE. */
    __asm__ volatile("cpsid i; svc 2; cpsie i; cpsie i" : : : "memory");
    report("svc", faults);
    print((const char *)trail);
    print("\n");
    __asm__ volatile("udf 1");
    report("udf", fault_at);
    register uint32_t odd __asm__("r3") = 0x20000001;
    __asm__ volatile("ldr r3, [r3]" : "+r"(odd));
    report("unaligned", fault_at);
    odd = 0x60000000;
    __asm__ volatile("str r3, [r3]" : "+r"(odd) : : "memory");
    report("nothing there", fault_at);
    report("faults", faults);
}

__attribute__((noreturn)) void Reset_Handler(void)
{
    for (uint32_t *to = &_sbss; to < &_ebss;)
        *to++ = 0;
    REG(UART + 0x500) = 4;
    REG(UART + 0x524) = 0x01D7E000;
    REG(UART + 8) = 1;
    exceptions();
    flash();

    for (uint32_t pin = 4; pin <= 15; pin++)
        REG(GPIO + 0x700 + 4 * pin) = 1;
    REG(GPIO + 0x700 + 4 * BUTTON_A) = 0;
    REG(GPIO + 0x700 + 4 * BUTTON_B) = 0;
    show(happy);
    REG(TIMER0 + 0x508) = 3;
    REG(TIMER0 + 0x510) = 4; /* 1 MHz */
    REG(TIMER0 + 0x540) = 6000;
    REG(TIMER0 + 0x200) = 1;
    REG(TIMER0 + 0x304) = 1u << 16;
    NVIC_ISER = 1u << TIMER0_IRQ;
    REG(TIMER0) = 1;
    print("ready\n");
    while (!(pressed & 1u << BUTTON_A))
        __asm__ volatile("wfi");
    show(sad);
    print("A\n");
    while (!(pressed & 1u << BUTTON_B))
        __asm__ volatile("wfi");
    print("B\n");
    quit(0);
}

static void Default_Handler(void)
{
    print("unexpected exception\n");
    quit(2);
}

__attribute__((section(".vectors"), used)) void *const vectors[16 + 32] = {
    [0] = &_estack,
    [1] = Reset_Handler,
    [2] = Default_Handler,
    [3] = HardFault_Handler,
    [11] = SVC_Handler,
    [14] = PendSV_Handler,
    [15] = Default_Handler,
    [16 + TIMER0_IRQ] = TIMER0_Handler,
    [16 + SWI0_IRQ] = SWI0_Handler,
    [16 + SWI1_IRQ] = SWI1_Handler,
};
