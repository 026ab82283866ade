/*
 * A data logger. A sensor delivers an event every 28 microseconds by interrupt; the main
 * loop takes the events from a queue, checks and sums them up, and sleeps when there is nothing to
 * do. Every 60 ms it writes a status line.
 *
 * It has run in the lab for days. In the field it dies, about once a week, with "queue full".
 */
#include <stdbool.h>
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define UART_DATA REG(0x40004000)
#define UART_STATE REG(0x40004004)
#define UART_CTRL REG(0x40004008)
#define UART_BAUD REG(0x40004010)
#define TIMER_CTRL REG(0x40000000)
#define TIMER_VALUE REG(0x40000004)
#define TIMER_RELOAD REG(0x40000008)
#define TIMER_INT REG(0x4000000C)
#define SYST_CSR REG(0xE000E010)
#define SYST_RVR REG(0xE000E014)
#define SYST_CVR REG(0xE000E018)
#define NVIC_ISER REG(0xE000E100)

#define irq_off() __asm__ volatile("cpsid i" ::: "memory")
#define irq_on() __asm__ volatile("cpsie i\n isb" ::: "memory")
#define wait_for_interrupt() __asm__ volatile("wfi" ::: "memory")

enum {
    SENSOR_PERIOD = 701,   /* core clocks (25 MHz) between two events */
    TICK_PERIOD = 1499500, /* ... between two status lines: 60 ms */
    QUEUE_SIZE = 2048,
};

struct event {
    uint32_t number;
    uint32_t sample;
};

struct {
    struct event slot[QUEUE_SIZE];
    volatile uint32_t head; /* events put in, ever; only the interrupt writes it */
    volatile uint32_t tail; /* events taken out, ever; only the main loop writes it */
} queue;

/* What the main loop has to do, as bits: set by interrupts, cleared by the main loop. */
enum work { NOTHING = 0, EVENTS = 1, TICK = 2 };
volatile enum work todo;

uint32_t checksum;

static void print(const char *text)
{
    for (; *text; text++) {
        while (UART_STATE & 1)
            ;
        UART_DATA = (uint8_t)*text;
    }
}

static void print_number(uint32_t value)
{
    char text[11], *at = text + 10;
    *at = 0;
    do {
        *--at = '0' + value % 10;
        value /= 10;
    } while (value);
    print(at);
}

__attribute__((noreturn, noinline)) static void panic(const char *what)
{
    print("PANIC: ");
    print(what);
    print("\n");
    /* Semihosting SYS_EXIT_EXTENDED with exit code 1. */
    static const uint32_t block[2] = {0x20026, 1};
    register uint32_t r0 __asm__("r0") = 0x20;
    register const uint32_t *r1 __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    for (;;)
        ;
}

/* The sensor has an event: put it into the queue. */
void Sensor_Handler(void)
{
    static uint32_t noise = 1;
    TIMER_INT = 1;

    uint32_t filled = queue.head - queue.tail;
    if (filled == QUEUE_SIZE)
        panic("queue full");

    struct event *event = &queue.slot[queue.head % QUEUE_SIZE];
    event->number = queue.head;
    event->sample = noise = noise * 1664525u + 1013904223u;
    queue.head++;
    /* The main loop empties the queue once it has begun to: tell it about the first event only. */
    if (filled == 0)
        todo |= EVENTS;
}

void SysTick_Handler(void)
{
    todo |= TICK;
}

static uint32_t crc32(const void *data, uint32_t length, uint32_t crc)
{
    const uint8_t *byte = data;
    for (crc = ~crc; length--; byte++) {
        crc ^= *byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xEDB88320u & -(crc & 1));
    }
    return ~crc;
}

static void take_events(void)
{
    while (queue.tail != queue.head) {
        const struct event *event = &queue.slot[queue.tail % QUEUE_SIZE];
        if (event->number != queue.tail)
            panic("queue corrupt");
        checksum = crc32(&event->sample, sizeof event->sample, checksum);
        queue.tail++;
    }
}

/* What is left to do when `done` is done. */
__attribute__((noinline)) static enum work without(enum work work, enum work done)
{
    return work & ~done;
}

static void status_line(void)
{
    print("events ");
    print_number(queue.tail);
    print("\n");
}

int main(void)
{
    UART_BAUD = 16;
    UART_CTRL = 1;
    print("logger\n");

    NVIC_ISER = 1u << 8; /* timer 0 plays the sensor */
    TIMER_RELOAD = SENSOR_PERIOD - 1;
    TIMER_VALUE = SENSOR_PERIOD - 1;
    TIMER_CTRL = 1 | 8;
    SYST_RVR = TICK_PERIOD - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;

    for (;;) {
        /* An interrupt after this test and before WFI still ends the WFI. */
        irq_off();
        if (todo == NOTHING)
            wait_for_interrupt();
        irq_on();

        if (todo & EVENTS) {
            todo = without(todo, EVENTS);
            take_events();
        }
        if (todo & TICK) {
            todo = without(todo, TICK);
            status_line();
        }
    }
}

extern uint32_t _estack, _sidata, _sdata, _edata, _sbss, _ebss;

__attribute__((noreturn)) void Reset_Handler(void)
{
    uint32_t *from = &_sidata;
    for (uint32_t *to = &_sdata; to < &_edata;)
        *to++ = *from++;
    for (uint32_t *to = &_sbss; to < &_ebss;)
        *to++ = 0;
    main();
    panic("main returned");
}

void Fault_Handler(void)
{
    panic("fault");
}

__attribute__((section(".vectors"), used)) void *const vectors[16 + 32] = {
    [0] = &_estack,
    [1] = Reset_Handler,
    [2 ... 6] = Fault_Handler,
    [15] = SysTick_Handler,
    [16 + 8] = Sensor_Handler,
};
