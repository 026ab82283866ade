#include "isa.h"
void x87(void){}
