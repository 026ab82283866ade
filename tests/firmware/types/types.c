/* Variables of every kind, in memory, in registers and on the stack, at every depth of calls. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum color { RED, GREEN = 5, BLUE };
enum flag { READ = 1, WRITE = 2, EXECUTE = 4 };
typedef int (*operation)(int, int);
typedef unsigned char byte;

struct point {
    int16_t x, y;
};
union word {
    uint32_t whole;
    uint8_t bytes[4];
    struct {
        uint16_t low, high;
    };
};
struct item {
    struct item *next;
    char name[12];
    struct point corners[2];
    union word word;
    enum color color;
    unsigned flags : 3;
    signed level : 5;
    unsigned : 2;
    unsigned rest : 14;
    bool ready;
    operation run;
    const char *title;
    struct {
        long inner;
        uint64_t wide;
    };
    double weight;
    float ratio;
};

static int add(int a, int b);
static int subtract(int a, int b);

static struct item second = {
    .name = "second", .color = BLUE, .flags = 5, .level = -3, .run = subtract, .title = "the last"};
struct item first = {
    .next = &second,
    .name = "first\n",
    .corners = {{1, -2}, {300, -400}},
    .word = {0x12345678},
    .color = GREEN,
    .flags = 2,
    .level = 7,
    .rest = 0x1234,
    .ready = true,
    .run = add,
    .title = "a \"title\"",
    .inner = -7,
    .wide = 0x123456789abcdefULL,
    .weight = 1.5,
    .ratio = 0.1f,
};
struct item *list = &first;
int matrix[3][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}};
char text[24] = "hello";
byte raw[8] = {1, 2, 0, 0x80, 'A', '0', '\\', '"'};
uint16_t zeros[40];
enum flag rights = READ | EXECUTE;
volatile unsigned counter;
const volatile int8_t small = -5;
static long long deep_sum;
void *nothing;
void *anything = text;
bool truth = true;
float quarter = 0.25f;
double tiny = 1e-300;
int (*table[2])(int, int) = {add, subtract};
struct point points[12];
struct hidden;
struct hidden *opaque = (struct hidden *)matrix;

__attribute__((noinline)) static int add(int a, int b)
{
    static int calls;
    calls++;
    counter++;
    return a + b;
}

__attribute__((noinline)) static int subtract(int a, int b)
{
    int difference = a - b;
    counter += 2;
    return difference;
}

static inline int twice(int value)
{
    int doubled = value * 2;
    counter += (unsigned)doubled & 1;
    return doubled + (int)counter % 3;
}

__attribute__((noinline)) static long long mixed(
    char c, short s, long long wide, struct point where, const char *word, unsigned last, int more,
    uint64_t most, double real, float half)
{
    long long sum = c + s + wide + where.x + where.y + *word + last + more + (long long)most;
    sum += (long long)(real * 4) + (long long)(half * 8);
    counter += 3;
    return sum;
}

__attribute__((noinline)) static int deeper(int depth, struct item *item)
{
    struct point local = {(int16_t)depth, (int16_t)-depth};
    int found[3] = {depth, depth * depth, item->run(depth, 3)};
    if (depth == 0) {
        long long before = deep_sum;
        deep_sum += mixed((char)('a' + found[2] % 3), -2, before, local, item->name, 7, 8,
                          0x100000000ULL + counter, 2.5, 0.5f);
        return local.x + twice(found[1]);
    }
    for (int i = 0; i < 3; i++) {
        int step = found[i] + local.y;
        zeros[(depth + i) % 40] = (uint16_t)step;
        counter += (unsigned)step & 1;
    }
    int below = deeper(depth - 1, item->next ? item->next : &first);
    points[depth % 12].x = (int16_t)below;
    return below + local.y;
}

int main(void)
{
    for (unsigned round = 0; round < 2000; round++) {
        list = round & 1 ? &second : &first;
        first.color = round % 3 ? BLUE : RED;
        first.level = (int)(round % 32) - 16;
        rights = (enum flag)(round % 8);
        quarter = quarter * 1.01f;
        matrix[round % 3][round % 4] += deeper((int)(round % 5), list);
        text[round % 23] = (char)('a' + round % 26);
    }
    return matrix[0][0] & 0x7f;
}
