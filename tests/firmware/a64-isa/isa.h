/* What the parts of this program share: a hash of many results a line. */
#include <stdint.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef struct { u64 q[2]; } vec __attribute__((aligned(16)));

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

/* Where the text goes: a serial port, or standard output. */
void out(char c);

void say(const char *text);
void mix(u64 value);
/* End a line: its name, the hash of what was mixed since the last one. */
void line(const char *name);

void integers(void);
void memory(void);
void floats(void);
void vectors(void);
