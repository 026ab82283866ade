/* What the parts of this program share. */
#include "lines.h"

typedef struct { u64 q[2]; } vec __attribute__((aligned(16)));

void integers(void);
void memory(void);
void floats(void);
void vectors(void);
