/* Programs that print a hash of many results a line. */
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

/* Where the text goes: a serial port, or standard output; every program has its own. */
void out(char c);

void say(const char *text);
void say_number(u64 value);
void mix(u64 value);
/* End a line: its name, the hash of what was mixed since the last one. */
void line(const char *name);
