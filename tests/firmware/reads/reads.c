/*
 * Reads from semihosting's console, whatever comes: lines by SYS_READ, and after each a character
 * by SYS_READC. Ends after as many as the first character of the first line says.
 */
#include "board.h"

enum { OPEN = 1, READ = 6, READC = 7, ERRNO = 0x13, ROOM = 32 };

static int semihost(uint32_t call, const void *argument)
{
    register uint32_t r0 __asm__("r0") = call;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

int main(void)
{
    uint32_t open[3] = {(uint32_t)":tt", 0, 3};
    int handle = semihost(OPEN, open), left = 1;
    for (bool first = true; left > 0; left--) {
        char text[ROOM + 1];
        uint32_t read[3] = {handle, (uint32_t)text, ROOM};
        uint32_t missing = semihost(READ, read);
        report("missing", missing);
        if (missing > ROOM) {
            report("errno", semihost(ERRNO, NULL));
            missing = ROOM;
        }
        text[ROOM - missing] = 0;
        print(text);
        if (first && missing < ROOM)
            left = text[0] - '0';
        first = false;
        report("character", semihost(READC, NULL));
    }
    return 0;
}
