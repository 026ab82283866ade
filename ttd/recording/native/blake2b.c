/* The names of pages: BLAKE2b (RFC 7693) with a digest of 16 bytes, of eight pages at a time, one in each lane of
 * vectors. What the compiler makes of these depends on the processor; the digests do not. */
#include "columns.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are read as they stand in memory");

enum { LANES = 8, BLOCK = 128, WORDS = 16, ROUNDS = 12, DIGEST = 16 };

typedef uint64_t lanes __attribute__((vector_size(8 * LANES)));

static const uint64_t IV[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179
};

static const uint8_t SIGMA[ROUNDS][WORDS] = {
    { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
    { 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
    { 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
    { 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
    { 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
    { 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
    { 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
    { 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
    { 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
    { 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
    { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
    { 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 }
};

#define ROTATED(x, n) ((x) >> (n) | (x) << (64 - (n)))
#define MIX(a, b, c, d, x, y) \
    (a += b + (x), d = ROTATED(d ^ a, 32), c += d, b = ROTATED(b ^ c, 24), \
     a += b + (y), d = ROTATED(d ^ a, 16), c += d, b = ROTATED(b ^ c, 63))

/* Of eight pages of `size` bytes, some blocks each. */
static inline __attribute__((always_inline)) void eight(const uint8_t *const *pages, uint32_t size,
                                                        uint8_t (*out)[DIGEST])
{
    lanes h[8], v[WORDS], m[WORDS];
    for (int i = 0; i < 8; i++)
        h[i] = (lanes){ 0 } + (i ? IV[i] : IV[0] ^ 0x01010000 ^ DIGEST);
    for (uint32_t at = 0; at < size; at += BLOCK) {
        for (int i = 0; i < WORDS; i++)
            for (int lane = 0; lane < LANES; lane++) {
                uint64_t word;
                memcpy(&word, pages[lane] + at + 8 * i, 8);
                m[i][lane] = word;
            }
        for (int i = 0; i < 8; i++) {
            v[i] = h[i];
            v[8 + i] = (lanes){ 0 } + IV[i];
        }
        v[12] ^= (uint64_t)at + BLOCK;
        if (at + BLOCK == size)
            v[14] = ~v[14];
#pragma GCC unroll 12
        for (int round = 0; round < ROUNDS; round++) {
            const uint8_t *s = SIGMA[round];
            MIX(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
            MIX(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
            MIX(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
            MIX(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
            MIX(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
            MIX(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
            MIX(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
            MIX(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
        }
        for (int i = 0; i < 8; i++)
            h[i] ^= v[i] ^ v[8 + i];
    }
    for (int lane = 0; lane < LANES; lane++)
        for (int i = 0; i < DIGEST / 8; i++) {
            uint64_t word = h[i][lane];
            memcpy(out[lane] + 8 * i, &word, 8);
        }
}

typedef void (*eight_pages)(const uint8_t *const *pages, uint32_t size, uint8_t (*out)[DIGEST]);

static void plainly(const uint8_t *const *pages, uint32_t size, uint8_t (*out)[DIGEST])
{
    eight(pages, size, out);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void by_avx2(const uint8_t *const *pages, uint32_t size, uint8_t (*out)[DIGEST])
{
    eight(pages, size, out);
}

__attribute__((target("avx512f"))) static void by_avx512(const uint8_t *const *pages, uint32_t size, uint8_t (*out)[DIGEST])
{
    eight(pages, size, out);
}

static eight_pages best(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") ? by_avx512 : __builtin_cpu_supports("avx2") ? by_avx2 : plainly;
}
#else
static eight_pages best(void)
{
    return plainly;
}
#endif

void page_digests(const uint8_t *data, uint32_t count, uint32_t size, uint8_t *out)
{
    eight_pages hash = best();
    for (uint32_t done = 0; done < count; done += LANES) {
        const uint8_t *pages[LANES];
        uint8_t found[LANES][DIGEST];
        uint32_t left = count - done < LANES ? count - done : LANES;
        for (uint32_t lane = 0; lane < LANES; lane++)
            pages[lane] = data + (size_t)size * (done + (lane < left ? lane : 0));
        hash(pages, size, found);
        memcpy(out + (size_t)DIGEST * done, found, (size_t)DIGEST * left);
    }
}
