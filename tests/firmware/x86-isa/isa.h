/* What the parts of this program share. */
#include "lines.h"

typedef union { u64 q[2]; u32 d[4]; u16 w[8]; u8 b[16]; } vec __attribute__((aligned(16)));

void integers(void);
void strings(void);
void vectors(void);
void floats(void);
void x87(void);
