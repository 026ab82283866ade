/* Calls, recursion, loops and globals that are rarely written: something to step about in. */
#include "board.h"

volatile uint32_t rare;      /* written three times in the whole run */
volatile uint32_t counter;   /* written all the time */
volatile uint16_t half;
volatile uint8_t bytes[8];
struct point {
    int x, y;
} corner;

__attribute__((noinline)) uint32_t fib(uint32_t n)
{
    if (n < 2)
        return n;
    uint32_t left = fib(n - 1);
    uint32_t right = fib(n - 2);
    return left + right;
}

__attribute__((noinline)) uint32_t ackermann(uint32_t m, uint32_t n)
{
    counter++;
    if (m == 0)
        return n + 1;
    if (n == 0)
        return ackermann(m - 1, 1);
    return ackermann(m - 1, ackermann(m, n - 1));
}

__attribute__((noinline)) uint32_t inner(uint32_t value)
{
    uint32_t result = value * 3;
    counter++;
    return result + 1;
}

__attribute__((noinline)) uint32_t middle(uint32_t value)
{
    uint32_t first = inner(value);
    uint32_t second = inner(first);
    return first ^ second;
}

__attribute__((noinline)) uint32_t outer(uint32_t value)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 4; i++)
        sum += middle(value + i);
    return sum;
}

__attribute__((noinline)) void write_rare(uint32_t value)
{
    rare = value;
}

__attribute__((noinline)) uint32_t loop(uint32_t rounds)
{
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; i < rounds; i++) {
        hash ^= i & 0xff;
        hash *= 16777619u;
        bytes[i & 7] = hash;
        half = hash >> 16;
    }
    return hash;
}

__attribute__((noinline)) void move(struct point *p, int dx, int dy)
{
    p->x += dx;
    p->y += dy;
}

int main(void)
{
    print("calls\n");
    write_rare(0x11111111);
    report("fib 12", fib(12));
    report("ackermann 2 3", ackermann(2, 3));
    report("outer", outer(5));
    write_rare(0x22222222);
    report("loop 1000", loop(1000));
    move(&corner, 3, -4);
    move(&corner, 10, 20);
    report("corner", (uint32_t)(corner.x * 1000 + corner.y));
    for (uint32_t round = 0; round < 20; round++) {
        uint32_t value = outer(round) + fib(round % 10);
        mix(value);
    }
    write_rare(0x33333333);
    report("loop 20000", loop(20000));
    report("counter", counter);
    done();
}
