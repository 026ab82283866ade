#include "isa.h"

void out(char c) { *(volatile u8 *)0x40000000 = (u8)c; }
