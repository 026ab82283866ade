#include "lines.h"

static u64 hash;

void say(const char *text)
{
    while (*text)
        out(*text++);
}

void say_number(u64 value)
{
    for (int at = 60; at >= 0; at -= 4)
        out("0123456789abcdef"[value >> at & 15]);
}

void mix(u64 value)
{
#ifdef VERBOSE
    out(' ');
    say_number(value);
#endif
    hash = (hash ^ value) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
}

void line(const char *name)
{
    out('\n');
    say(name);
    out(' ');
    say_number(hash);
    hash = 0;
}
