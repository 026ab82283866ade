/* The same work on every architecture: a CRC, a sort, copies, floating point; results go to a
 * 16550 UART. Built with the optimizations that use vector registers where there are any. */
#include <stdint.h>

#define UART ((volatile uint8_t *)0x40000000)
#define COUNT 96

volatile uint32_t progress;
uint32_t numbers[COUNT], copy[COUNT];
static double points[COUNT];

static void put(char c)
{
    while (!(UART[5] & 0x20))
        ;
    UART[0] = (uint8_t)c;
}

static void say(const char *text, uint32_t value)
{
    int shift;
    while (*text)
        put(*text++);
    for (shift = 28; shift >= 0; shift -= 4)
        put("0123456789abcdef"[value >> shift & 15]);
    put('\n');
}

__attribute__((noinline)) void phase(uint32_t number)
{
    progress = number;
}

static uint32_t crc32(const uint8_t *data, int size)
{
    uint32_t crc = ~0u;
    while (size--) {
        int bit;
        crc ^= *data++;
        for (bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
    }
    return ~crc;
}

static void fill(void)
{
    uint32_t x = 2463534242u;
    int i;
    for (i = 0; i < COUNT; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        numbers[i] = x;
    }
}

__attribute__((noinline)) void sort(uint32_t *a, int count)
{
    int i, j;
    for (i = 1; i < count; i++) {
        uint32_t x = a[i];
        for (j = i; j && a[j - 1] > x; j--)
            a[j] = a[j - 1];
        a[j] = x;
    }
}

static void duplicate(void)
{
    int i;
    for (i = 0; i < COUNT; i++)
        copy[i] = numbers[i] ^ 0x55555555;
}

static uint32_t float_work(void)
{
    double sum = 0, root = 1;
    int i;
    for (i = 0; i < COUNT; i++)
        points[i] = (double)i * 0.5 + 1;
    for (i = 0; i < COUNT; i++)
        sum += points[i] * points[i];
    for (i = 0; i < 30; i++)
        root = (root + sum / root) * 0.5;
    return (uint32_t)(root * 1000000);
}

int main(void)
{
    phase(1);
    fill();
    say("crc    ", crc32((const uint8_t *)numbers, sizeof numbers));
    phase(2);
    sort(numbers, COUNT);
    say("sorted ", crc32((const uint8_t *)numbers, sizeof numbers));
    phase(3);
    duplicate();
    say("copied ", crc32((const uint8_t *)copy, sizeof copy));
    phase(4);
    say("root   ", float_work());
    phase(5);
    return 0;
}
