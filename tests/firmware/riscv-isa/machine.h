/* Registers of the processor, and text by the serial port. */
#include <stdint.h>

typedef unsigned long word;
enum { U, S, M = 3 };

#define CSRR(name) ({ word v_; __asm__ volatile("csrr %0, " #name : "=r"(v_)::"memory"); v_; })
#define CSRW(name, value) __asm__ volatile("csrw " #name ", %0" ::"r"((word)(value)) : "memory")
#define CSRS(name, value) __asm__ volatile("csrs " #name ", %0" ::"r"((word)(value)) : "memory")
#define CSRC(name, value) __asm__ volatile("csrc " #name ", %0" ::"r"((word)(value)) : "memory")

static void put(char c)
{
    volatile uint8_t *uart = (volatile uint8_t *)0x10000000;
    while (!(uart[5] & 0x20))
        ;
    uart[0] = (uint8_t)c;
}

static void say(const char *text)
{
    while (*text)
        put(*text++);
}

static void say_hex(word value, int digits)
{
    while (digits--)
        put("0123456789abcdef"[value >> 4 * digits & 15]);
}
