/* Integers, and the flags that the manual defines. */
#include "isa.h"

enum { CF = 1, PF = 4, AF = 16, ZF = 64, SF = 128, OF = 2048, ALL = 0x8d5 };

static const u64 values[] = {
    0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
    0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 0x123456789abcdef0,
    0xfedcba9876543210, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 0xfffffffffffffff0,
};

/* Two operands, the first also the result; the flags in `in` before, those in `mask` after. */
#define TWO(name, insn, mask) \
    for (int i = 0; i < COUNT(values); i++) \
        for (int j = 0; j < COUNT(values); j++) \
            for (u64 in = 2; in < 4; in++) { \
                u64 a = values[i], b = values[j], f = in; \
                __asm__ volatile("push %1\n popfq\n" insn "\n pushfq\n pop %1" \
                                 : "+a"(a), "+r"(f) : "c"(b) : "cc"); \
                mix(a); \
                mix(f & (mask)); \
            } \
    line(name);
#define SIZES(name, mask) \
    TWO(name "b", name "b %%cl, %%al", mask) TWO(name "w", name "w %%cx, %%ax", mask) \
    TWO(name "l", name "l %%ecx, %%eax", mask) TWO(name "q", name "q %%rcx, %%rax", mask)
#define WIDER(name, mask) \
    TWO(name "w", name "w %%cx, %%ax", mask) TWO(name "l", name "l %%ecx, %%eax", mask) \
    TWO(name "q", name "q %%rcx, %%rax", mask)
#define ONE(name, insn, mask) \
    for (int i = 0; i < COUNT(values); i++) \
        for (u64 in = 2; in < 4; in++) { \
            u64 a = values[i], f = in; \
            __asm__ volatile("push %1\n popfq\n" insn "\n pushfq\n pop %1" \
                             : "+a"(a), "+r"(f) : : "cc"); \
            mix(a); \
            mix(f & (mask)); \
        } \
    line(name);
#define ONES(name, mask) \
    ONE(name "b", name "b %%al", mask) ONE(name "w", name "w %%ax", mask) \
    ONE(name "l", name "l %%eax", mask) ONE(name "q", name "q %%rax", mask)

/* A shift by `count`, masked as the processor does: what is left of the flags depends on it. */
#define SHIFT(name, insn, bits, rotates) \
    for (int i = 0; i < COUNT(values); i++) \
        for (int n = 0; n < 80; n++) \
            for (u64 in = 2; in < 4; in++) { \
                u64 a = values[i], f = in, b = (u64)n, mask = (rotates) ? ALL : ALL & ~AF; \
                int masked = n & ((bits) == 64 ? 63 : 31); \
                if (masked != 1) \
                    mask &= ~(u64)OF; \
                if (masked > (bits) - (rotates) || !masked) \
                    mask &= ~(u64)CF; \
                if (!masked) \
                    mask = ALL; \
                __asm__ volatile("push %1\n popfq\n" insn "\n pushfq\n pop %1" \
                                 : "+a"(a), "+r"(f) : "c"(b) : "cc"); \
                mix(a); \
                mix(f & mask); \
            } \
    line(name);
#define SHIFTS(name, rotates) \
    SHIFT(name "b", name "b %%cl, %%al", 8, rotates) SHIFT(name "w", name "w %%cl, %%ax", 16, rotates) \
    SHIFT(name "l", name "l %%cl, %%eax", 32, rotates) SHIFT(name "q", name "q %%cl, %%rax", 64, rotates)

#define DOUBLE_SHIFT(name, insn, bits) \
    for (int i = 0; i < COUNT(values); i++) \
        for (int n = 0; n < 80; n++) { \
            u64 a = values[i], b = (u64)n, f, d = 0x0f1e2d3c4b5a6978, mask = ALL & ~AF; \
            int masked = n & ((bits) == 64 ? 63 : 31); \
            if (masked > (bits) || !masked) \
                continue; \
            if (masked != 1) \
                mask &= ~(u64)OF; \
            __asm__ volatile(insn "\n pushfq\n pop %1" : "+a"(a), "=r"(f) : "c"(b), "d"(d) : "cc"); \
            mix(a); \
            mix(f & mask); \
        } \
    line(name);

/* RDX:RAX by RCX, where it fits. */
#define DIVIDE(name, insn, high, limit) \
    for (int i = 0; i < COUNT(values); i++) \
        for (int j = 0; j < COUNT(values); j++) { \
            u64 a = values[i], d = (high), c = values[j]; \
            if (!(limit)) \
                continue; \
            __asm__ volatile(insn : "+a"(a), "+d"(d) : "c"(c) : "cc"); \
            mix(a); \
            mix(d); \
        } \
    line(name);

#define MULTIPLY(name, insn) \
    for (int i = 0; i < COUNT(values); i++) \
        for (int j = 0; j < COUNT(values); j++) { \
            u64 a = values[i], c = values[j], d = 0x1122334455667788, f; \
            __asm__ volatile(insn "\n pushfq\n pop %2" : "+a"(a), "+d"(d), "=r"(f) : "c"(c) : "cc"); \
            mix(a); \
            mix(d); \
            mix(f & (CF | OF)); \
        } \
    line(name);

#define EXCHANGE(name, insn) \
    for (int i = 0; i < COUNT(values); i++) \
        for (int j = 0; j < COUNT(values); j++) { \
            u64 a = values[i], b = values[j], c = 0x9999aaaabbbbcccc, f; \
            __asm__ volatile(insn "\n pushfq\n pop %2" \
                             : "+a"(a), "+m"(b), "=r"(f), "+c"(c) : : "cc", "memory"); \
            mix(a); \
            mix(b); \
            mix(c); \
            mix(f & ALL); \
        } \
    line(name);
#define EXCHANGE_REGISTER(name, insn) \
    for (int i = 0; i < COUNT(values); i++) \
        for (int j = 0; j < COUNT(values); j++) { \
            u64 a = values[i], b = values[j], c = 0x9999aaaabbbbcccc, f; \
            __asm__ volatile(insn "\n pushfq\n pop %2" \
                             : "+a"(a), "+d"(b), "=r"(f), "+c"(c) : : "cc"); \
            mix(a); \
            mix(b); \
            mix(c); \
            mix(f & ALL); \
        } \
    line(name);
#define EXCHANGES(name) \
    EXCHANGE(name "b", name "b %%cl, %1") EXCHANGE(name "w", name "w %%cx, %1") \
    EXCHANGE(name "l", name "l %%ecx, %1") EXCHANGE(name "q", name "q %%rcx, %1") \
    EXCHANGE("lock " name "b", "lock " name "b %%cl, %1") \
    EXCHANGE("lock " name "w", "lock " name "w %%cx, %1") \
    EXCHANGE("lock " name "l", "lock " name "l %%ecx, %1") \
    EXCHANGE("lock " name "q", "lock " name "q %%rcx, %1") \
    EXCHANGE_REGISTER(name "b registers", name "b %%cl, %%dl") \
    EXCHANGE_REGISTER(name "w registers", name "w %%cx, %%dx") \
    EXCHANGE_REGISTER(name "l registers", name "l %%ecx, %%edx") \
    EXCHANGE_REGISTER(name "q registers", name "q %%rcx, %%rdx")

static void arithmetic(void)
{
    SIZES("add", ALL) SIZES("or", ALL & ~AF) SIZES("adc", ALL) SIZES("sbb", ALL)
    SIZES("and", ALL & ~AF) SIZES("sub", ALL) SIZES("xor", ALL & ~AF) SIZES("cmp", ALL)
    SIZES("test", ALL & ~AF) WIDER("imul", CF | OF)
    ONES("inc", ALL) ONES("dec", ALL) ONES("neg", ALL) ONES("not", ALL)
    MULTIPLY("mulb", "mulb %%cl") MULTIPLY("mulw", "mulw %%cx")
    MULTIPLY("mull", "mull %%ecx") MULTIPLY("mulq", "mulq %%rcx")
    MULTIPLY("imulb one", "imulb %%cl") MULTIPLY("imulw one", "imulw %%cx")
    MULTIPLY("imull one", "imull %%ecx") MULTIPLY("imulq one", "imulq %%rcx")
    MULTIPLY("imull three", "imull $-77, %%ecx, %%eax")
    MULTIPLY("imulq three", "imulq $0x12345, %%rcx, %%rax")
    DIVIDE("divb", "divb %%cl", 0, (c & 0xff) > (a >> 8 & 0xff))
    DIVIDE("divw", "divw %%cx", 5, (c & 0xffff) > 5)
    DIVIDE("divl", "divl %%ecx", 0x1234, (u32)c > 0x1234)
    DIVIDE("divq", "divq %%rcx", 0x7654321, c > 0x7654321)
    DIVIDE("idivl", "cltd\n idivl %%ecx", 0, (u32)c && !((u32)a == 0x80000000 && (u32)c == ~0u))
    DIVIDE("idivq", "cqto\n idivq %%rcx", 0, c && !(a == 1ull << 63 && c == ~0ull))
}

static void shifting(void)
{
    SHIFTS("shl", 0) SHIFTS("shr", 0) SHIFTS("sar", 0) SHIFTS("rol", 1) SHIFTS("ror", 1)
    SHIFT("rcll", "rcll %%cl, %%eax", 32, 0) SHIFT("rclq", "rclq %%cl, %%rax", 64, 0)
    SHIFT("rcrl", "rcrl %%cl, %%eax", 32, 0) SHIFT("rcrq", "rcrq %%cl, %%rax", 64, 0)
    SHIFT("rclb", "rclb %%cl, %%al", 8, 0) SHIFT("rcrw", "rcrw %%cl, %%ax", 16, 0)
    DOUBLE_SHIFT("shldw", "shldw %%cl, %%dx, %%ax", 16)
    DOUBLE_SHIFT("shldl", "shldl %%cl, %%edx, %%eax", 32)
    DOUBLE_SHIFT("shldq", "shldq %%cl, %%rdx, %%rax", 64)
    DOUBLE_SHIFT("shrdw", "shrdw %%cl, %%dx, %%ax", 16)
    DOUBLE_SHIFT("shrdl", "shrdl %%cl, %%edx, %%eax", 32)
    DOUBLE_SHIFT("shrdq", "shrdq %%cl, %%rdx, %%rax", 64)
}

static void bits(void)
{
    WIDER("bt", CF) WIDER("bts", CF) WIDER("btr", CF) WIDER("btc", CF)
    TWO("bsfw", "orw $0x4000, %%cx\n bsfw %%cx, %%ax", ZF)
    TWO("bsfl", "orl $0x4000000, %%ecx\n bsfl %%ecx, %%eax", ZF)
    TWO("bsfq", "btsq $60, %%rcx\n bsfq %%rcx, %%rax", ZF)
    TWO("bsrw", "orw $4, %%cx\n bsrw %%cx, %%ax", ZF)
    TWO("bsrl", "orl $4, %%ecx\n bsrl %%ecx, %%eax", ZF)
    TWO("bsrq", "orq $4, %%rcx\n bsrq %%rcx, %%rax", ZF)
    WIDER("popcnt", ALL)
    TWO("crc32b", "crc32b %%cl, %%eax", 0) TWO("crc32w", "crc32w %%cx, %%eax", 0)
    TWO("crc32l", "crc32l %%ecx, %%eax", 0) TWO("crc32q", "crc32q %%rcx, %%rax", 0)
    ONE("bswapl", "bswapl %%eax", ALL) ONE("bswapq", "bswapq %%rax", ALL)
}

static void moving(void)
{
    ONE("cbw", "cbtw", ALL) ONE("cwde", "cwtl", ALL) ONE("cdqe", "cltq", ALL)
    TWO("movsbl", "movsbl %%cl, %%eax", ALL) TWO("movswq", "movswq %%cx, %%rax", ALL)
    TWO("movslq", "movslq %%ecx, %%rax", ALL) TWO("movzbw", "movzbw %%cl, %%ax", ALL)
    TWO("movzwl", "movzwl %%cx, %%eax", ALL)
    TWO("cmovl", "cmpq %%rcx, %%rax\n cmovll %%ecx, %%eax", ALL)
    TWO("cmovq", "cmpq %%rcx, %%rax\n cmovbq %%rcx, %%rax", ALL)
    TWO("setcc", "cmpl %%ecx, %%eax\n seto %%al\n setg %%ah", ALL)
    ONE("lahf", "lahf", ALL) ONE("sahf", "movb %%al, %%ah\n sahf", ALL)
    TWO("lea", "leal 5(%%rax,%%rcx,4), %%eax", ALL) TWO("lea short", "leaq 5(%%eax,%%ecx,8), %%rax", ALL)
    SIZES("xadd", ALL) SIZES("xchg", ALL)
    EXCHANGES("cmpxchg") EXCHANGES("xadd")
    for (int i = 0; i < COUNT(values); i++)
        for (int j = 0; j < COUNT(values); j++) {
            vec m = { { values[i], values[j] } };
            u64 a = values[j], d = values[i], f;
            __asm__ volatile("cmpxchg16b %0\n pushfq\n pop %1" : "+m"(m), "=r"(f), "+a"(a), "+d"(d)
                             : "b"(1ull), "c"(2ull) : "cc");
            mix(m.q[0]), mix(m.q[1]), mix(a), mix(d), mix(f & ZF);
            m.q[0] = values[i];
            __asm__ volatile("cmpxchg8b %0\n pushfq\n pop %1" : "+m"(m.q[0]), "=r"(f), "+a"(a), "+d"(d)
                             : "b"(1ull), "c"(2ull) : "cc");
            mix(m.q[0]), mix(a), mix(d), mix(f & ZF);
        }
    line("cmpxchg8b and 16b");
}

void integers(void)
{
    arithmetic();
    shifting();
    bits();
    moving();
}
