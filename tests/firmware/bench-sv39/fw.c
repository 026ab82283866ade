/* The workload of the figures (CRC32, sieve, matrix product) on RISC-V, in S-mode, every page of
 * 4 KiB translated by Sv39: code executable, data not. */
#include <stdint.h>
#ifndef ITERS
#define ITERS 3000
#endif
#define UART (*(volatile uint8_t *)0x10000000)
#define UART_LSR (*(volatile uint8_t *)0x10000005)
#define FINISHER (*(volatile uint32_t *)0x100000)

enum { V = 1, R = 2, W = 4, X = 8 };
#define SV39 (8ull << 60)

extern char _text[], _etext[], _top[];
static uint64_t root[512] __attribute__((aligned(4096)));
static uint64_t middle[3][512] __attribute__((aligned(4096)));
static uint64_t leaves[3][512] __attribute__((aligned(4096)));
static int tables;
volatile uint32_t progress, checksum, milestone_no, rare_var;
static uint8_t buf[16384], sieve[16384];
static int32_t a[24][24], b[24][24], c[24][24];

static uint64_t entry(const void *at, uint64_t flags)
{
    return (uint64_t)at >> 12 << 10 | flags;
}

static void map(uint64_t at, uint64_t flags)
{
    uint64_t *gigabyte = &root[at >> 30 & 511], *megabytes, *page;
    if (!*gigabyte)
        *gigabyte = entry(middle[at >> 30 ? 1 : 0], V);
    megabytes = (uint64_t *)(*gigabyte >> 10 << 12) + (at >> 21 & 511);
    if (!*megabytes)
        *megabytes = entry(leaves[tables++], V);
    page = (uint64_t *)(*megabytes >> 10 << 12) + (at >> 12 & 511);
    *page = entry((void *)at, flags | V);
}

uint64_t make_tables(void)
{
    uint64_t at;
    for (at = (uint64_t)_text; at < (uint64_t)_top; at += 4096)
        map(at, at < (uint64_t)_etext ? R | X : R | W);
    map(0x10000000, R | W);
    map(0x100000, R | W);
    return SV39 | (uint64_t)root >> 12;
}

static void put(char letter)
{
    while (!(UART_LSR & 0x20))
        ;
    UART = (uint8_t)letter;
}

static void say(const char *text)
{
    while (*text)
        put(*text++);
}

static void hex(uint32_t value)
{
    for (int i = 28; i >= 0; i -= 4)
        put("0123456789abcdef"[value >> i & 15]);
}

static uint32_t crc32(const uint8_t *p, uint32_t n, uint32_t crc)
{
    crc = ~crc;
    while (n--) {
        crc ^= *p++;
        for (int k = 0; k < 8; k++)
            crc = (crc >> 1) ^ (0xEDB88320u & -(crc & 1));
    }
    return ~crc;
}

static uint32_t do_sieve(void)
{
    uint32_t count = 0;
    for (int i = 0; i < 16384; i++)
        sieve[i] = 1;
    for (int i = 2; i < 16384; i++)
        if (sieve[i]) {
            count++;
            for (int j = i + i; j < 16384; j += i)
                sieve[j] = 0;
        }
    return count;
}

static uint32_t matmul(void)
{
    uint32_t total = 0;
    for (int i = 0; i < 24; i++)
        for (int j = 0; j < 24; j++) {
            int32_t sum = 0;
            for (int k = 0; k < 24; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
            total += sum;
        }
    for (int i = 0; i < 24; i++)
        for (int j = 0; j < 24; j++)
            a[i][j] = (c[i][j] >> 3) ^ (int32_t)total;
    return total;
}

__attribute__((noinline)) void milestone(uint32_t i)
{
    milestone_no = i;
    say("M");
    hex(i);
    say(" ");
    hex(checksum);
    say("\r\n");
}

__attribute__((noinline)) void write_rare(uint32_t value)
{
    rare_var = value;
}

void main(void)
{
    uint32_t s = 12345;
    say("START\r\n");
    for (int i = 0; i < 16384; i++) {
        s = s * 1664525u + 1013904223u;
        buf[i] = s >> 24;
    }
    for (int i = 0; i < 24; i++)
        for (int j = 0; j < 24; j++) {
            a[i][j] = i * 7 + j;
            b[i][j] = i - j;
        }
    for (uint32_t it = 0; it < ITERS; it++) {
        progress = it;
        if (it % (ITERS / 10) == 0)
            milestone(it);
        if (it == ITERS / 20 || it == ITERS / 4 || it == ITERS / 2)
            write_rare(0xabc00000u + it);
        uint32_t sum = crc32(buf, 2048, it);
        sum ^= do_sieve() * 2654435761u;
        sum += matmul();
        buf[(it * 37) & 16383] ^= sum;
        checksum = checksum * 31 + sum;
    }
    say("DONE ");
    hex(checksum);
    say("\r\n");
    FINISHER = 0x5555;
    for (;;)
        ;
}
