/* The tasks in U-mode. Two are the same program in address spaces of their own. */
#include "rtos.h"

struct own {
    uint32_t seed, round, sum;
};
#define own ((volatile struct own *)OWN)

__attribute__((noinline)) uint32_t fold(unsigned depth, uint32_t value)
{
    if (depth == 0)
        return value;
    return mix(fold(depth - 1, value + depth), depth);
}

__attribute__((noinline)) uint32_t work_round(uint32_t seed)
{
    uint32_t sum = seed;
    for (unsigned page = 1; page < 6; page++) {
        volatile uint32_t *at = (uint32_t *)(OWN + PAGE * page);
        for (unsigned i = 0; i < PAGE / 4; i += 16) {
            at[i] = sum;
            sum = mix(at[i], fold(i % 7, seed));
        }
    }
    own->sum = sum;
    return sum;
}

void worker(word seed)
{
    volatile uint32_t *common = (uint32_t *)COMMON;
    int wrong = *common != COMMON_WORD;
    uint32_t first;
    own->seed = seed;
    first = work_round(seed);
    *common = seed;
    do {
        wrong |= work_round(seed) != first || own->sum != first;
        own->round++;
        wrong |= *common != seed || own->seed != seed;
    } while (own->round < 3 || call(CALL_SLICES, 0, 0) < 3);
    wrong |= *(volatile uint32_t *)QUIET != 0;
    call(CALL_EXIT, wrong ? 0 : first, 0);
}

static unsigned length(const char *text)
{
    unsigned count = 0;
    while (text[count])
        count++;
    return count;
}

static void say(const char *text)
{
    call(CALL_WRITE, (word)text, length(text));
}

static const char *number(const char *text, unsigned *value)
{
    *value = 0;
    while (*text == ' ')
        text++;
    while (*text >= '0' && *text <= '9')
        *value = *value * 10 + (*text++ - '0');
    return text;
}

static int is(const char *line, const char *command)
{
    while (*command)
        if (*line++ != *command++)
            return 0;
    return *line == ' ' || *line == 0;
}

__attribute__((noinline)) int answer(char *line)
{
    char digits[12];
    unsigned count = length(line), a, b;
    if (is(line, "quit"))
        return 0;
    if (is(line, "add")) {
        unsigned at = sizeof(digits);
        number(number(line + 3, &a), &b);
        digits[--at] = 0;
        a += b;
        do
            digits[--at] = '0' + a % 10;
        while (a /= 10);
        say(digits + at);
        say("\n");
    } else if (is(line, "rev")) {
        while (count > 4)
            call(CALL_WRITE, (word)(line + --count), 1);
        say("\n");
    } else if (is(line, "fail")) {
        number(line + 4, &a);
        call(CALL_FAIL, a, 0);
    } else if (count) {
        say("what is ");
        say(line);
        say("?\n");
    }
    return 1;
}

void shell(word unused)
{
    char line[40], c;
    unsigned count = 0, lines = 0;
    (void)unused;
    for (;;) {
        call(CALL_READ, (word)&c, 1);
        if (c == '\r' || c == '\n') {
            line[count] = 0;
            lines += count != 0;
            if (!answer(line))
                call(CALL_EXIT, lines, 0);
            count = 0;
        } else if (count < sizeof(line) - 1) {
            line[count++] = c;
        }
    }
}
