#include "isa.h"

void out(char c) { *(volatile u8 *)0x9000000 = (u8)c; }
