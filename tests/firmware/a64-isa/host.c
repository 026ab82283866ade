/* The same program under Linux, to make expected.txt. */
#include "isa.h"

int main(void);

static long call(long number, long a, long b, long c)
{
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x8 __asm__("x8") = number;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x8) : "memory");
    return x0;
}

void out(char c) { call(64, 1, (long)&c, 1); }

void _start(void)
{
    main();
    call(93, 0, 0, 0);
}
