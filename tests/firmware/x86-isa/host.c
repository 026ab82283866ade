/* The same program under an operating system, to make expected.txt. */
#include <stdio.h>

void out(char c) { putchar(c); }
