/*
 * Typed lines come back. Characters arrive by interrupt into a ring buffer; the main loop sleeps
 * until there are some. `quit` ends the run, `panic` ends it with exit code 3.
 */
#include "board.h"

enum { SIZE = 64 };
static volatile char ring[SIZE];
static volatile uint32_t put, got;
volatile uint32_t received, lost;

void UART0_RX_Handler(void)
{
    UART0_INT = 2;
    while (UART0_STATE & 2) {
        char c = UART0_DATA;
        received++;
        if (put - got < SIZE)
            ring[put++ % SIZE] = c;
        else
            lost++;
    }
}

static char next(void)
{
    irq_off();
    while (got == put) {
        wfi(); /* wakes up although masked: nothing gets lost between the test and the sleep */
        irq_on();
        barrier();
        irq_off();
    }
    char c = ring[got++ % SIZE];
    irq_on();
    return c;
}

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

char line[80];
volatile uint32_t lines;

__attribute__((noinline)) void reply(void)
{
    lines++;
    for (const char *c = line; *c; c++)
        mix(*c);
    print("You typed: ");
    print(line);
    print("\n");
    if (same(line, "panic"))
        quit(3);
    if (same(line, "quit")) {
        report("lines", lines);
        report("received", received);
        report("lost", lost);
        done();
    }
}

int main(void)
{
    UART0_CTRL = 1 | 2 | 8; /* transmit, receive, receive interrupt */
    NVIC_ISER = 1u << UART0_RX_IRQ;
    print("echo: type lines, quit ends\n");
    for (uint32_t length = 0;;) {
        char c = next();
        if (c == '\r' || c == '\n') {
            line[length] = 0;
            if (length)
                reply();
            length = 0;
        } else if ((c == 8 || c == 127) && length) {
            length--;
        } else if (c >= ' ' && length < sizeof line - 1) {
            line[length++] = c;
        }
    }
}
