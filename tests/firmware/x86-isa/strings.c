/* String instructions, and those that compare strings in XMM. */
#include "isa.h"

static u8 from[160], to[160];

static void fill(void)
{
    for (int i = 0; i < COUNT(from); i++) {
        from[i] = (u8)(i * 7 + (i >> 3));
        to[i] = (u8)(i % 11 ? from[i] : i);
    }
}

static void mix_memory(void)
{
    for (int i = 0; i < COUNT(to); i++)
        mix(to[i]);
}

#define STRING(name, insn) \
    for (int down = 0; down < 2; down++) \
        for (u64 n = 0; n < 9; n++) { \
            u64 a = 0x1716151413121110, c = n, f, s = (u64)from + 64, d = (u64)to + 64; \
            fill(); \
            __asm__ volatile("test %5, %5\n jz 1f\n std\n 1:\n" insn "\n pushfq\n pop %4\n cld" \
                             : "+a"(a), "+c"(c), "+S"(s), "+D"(d), "=&r"(f) : "r"(down) \
                             : "cc", "memory"); \
            mix(a), mix(c), mix(s - (u64)from), mix(d - (u64)to), mix(f & 0x400); \
            mix_memory(); \
        } \
    line(name);
#define COMPARE(name, insn) \
    for (int at = 0; at < 40; at++) \
        for (u64 n = 1; n < 30; n += 3) { \
            u64 a = from[70], c = n, f, s = (u64)from + at, d = (u64)to + at; \
            fill(); \
            __asm__ volatile(insn "\n pushfq\n pop %4" \
                             : "+a"(a), "+c"(c), "+S"(s), "+D"(d), "=&r"(f) : : "cc", "memory"); \
            mix(c), mix(s - (u64)from), mix(d - (u64)to), mix(f & 0x8d5); \
        } \
    line(name);

static const char *const texts[] = {
    "", "a", "b", "ab", "bc", "abc", "abcabc", "az09", "AZaz", "abcdefghijklmno", "abcdefghijklmnop",
    "bcdefghijklmnopq", "nop", "op", "pppppppppppppppp", "\x80\xff\x7f\x01", "a\xff", "\x01\x80",
};

static vec text(int which)
{
    vec v;
    const char *t = texts[which];
    int i = 0;
    for (; i < 16 && t[i]; i++)
        v.b[i] = (u8)t[i];
    for (int first = i; i < 16; i++)
        v.b[i] = (u8)(i == first ? 0 : 'x' + i % 3);
    return v;
}

#define EACH(a, b) \
    for (int i = 0; i < COUNT(texts); i++) \
        for (int j = 0; j < COUNT(texts); j++) { \
            vec a = text(i), b = text(j);
#define IMPLICIT(n) \
    EACH(a, b) \
        u64 c = ~0ull, f; \
        vec m; \
        __asm__ volatile("movdqa %2, %%xmm1\n pcmpistri $" #n ", %3, %%xmm1\n pushfq\n pop %1" \
                         : "+c"(c), "=r"(f) : "m"(a), "m"(b) : "cc", "xmm1"); \
        mix(c), mix(f & 0x8d5); \
        __asm__ volatile("movdqa %2, %%xmm1\n movdqa %3, %%xmm2\n pcmpistrm $" #n ", %%xmm2, %%xmm1\n" \
                         "pushfq\n pop %1\n movdqa %%xmm0, %0" \
                         : "=m"(m), "=r"(f) : "m"(a), "m"(b) : "cc", "xmm0", "xmm1", "xmm2"); \
        mix(m.q[0]), mix(m.q[1]), mix(f & 0x8d5); \
    } \
    line("pcmpistr " #n);
#define EXPLICIT(n) \
    EACH(x, b) \
        u64 c = ~0ull, f, a = (u64)(i * 3 - 20), d = (u64)(u32)(j * 2 - 17); \
        vec m; \
        __asm__ volatile("movdqa %2, %%xmm1\n pcmpestri $" #n ", %3, %%xmm1\n pushfq\n pop %1" \
                         : "+c"(c), "=r"(f) : "m"(x), "m"(b), "a"(a), "d"(d) : "cc", "xmm1"); \
        mix(c), mix(f & 0x8d5); \
        __asm__ volatile("movdqa %2, %%xmm1\n movdqa %3, %%xmm2\n" \
                         ".byte 0x66, 0x48, 0x0f, 0x3a, 0x60, 0xca, " #n "\n" \
                         "pushfq\n pop %1\n movdqa %%xmm0, %0" \
                         : "=m"(m), "=r"(f) : "m"(x), "m"(b), "a"(a), "d"(d | 1ull << 40) \
                         : "cc", "xmm0", "xmm1", "xmm2"); \
        mix(m.q[0]), mix(m.q[1]), mix(f & 0x8d5); \
    } \
    line("pcmpestr " #n);
#define MODES(of) \
    of(0x00) of(0x01) of(0x02) of(0x03) of(0x04) of(0x05) of(0x06) of(0x07) of(0x08) of(0x09) \
    of(0x0a) of(0x0b) of(0x0c) of(0x0d) of(0x0e) of(0x0f) of(0x10) of(0x18) of(0x1c) of(0x30) \
    of(0x34) of(0x38) of(0x3a) of(0x3c) of(0x3d) of(0x40) of(0x44) of(0x48) of(0x4c) of(0x4d) \
    of(0x58) of(0x70) of(0x78) of(0x7c) of(0x7d) of(0x7f)

void strings(void)
{
    STRING("movsb", "rep movsb") STRING("movsw", "rep movsw") STRING("movsl", "rep movsl")
    STRING("movsq", "rep movsq") STRING("stosb", "rep stosb") STRING("stosl", "rep stosl")
    STRING("stosq", "rep stosq") STRING("lodsb", "lodsb") STRING("lodsw", "lodsw")
    STRING("lodsl", "lodsl") STRING("lodsq", "rep lodsq") STRING("one movsl", "movsl")
    COMPARE("repe cmpsb", "repe cmpsb") COMPARE("repne cmpsb", "repne cmpsb")
    COMPARE("repe cmpsl", "repe cmpsl") COMPARE("repne scasb", "repne scasb")
    COMPARE("repe scasb", "repe scasb") COMPARE("scasw", "scasw") COMPARE("cmpsq", "cmpsq")
    MODES(IMPLICIT)
    MODES(EXPLICIT)
}
