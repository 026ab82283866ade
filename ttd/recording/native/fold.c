/* The digest of a log: MurmurHash3_x64_128 (Austin Appleby, 2011, in the public domain), whose two
 * seeds are the halves of what it was, of a block for step and kind, and the payload. It tells one run
 * from another; against ill will there would have to be a key. */
#include "columns.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are read as they stand in memory");

static const uint64_t C1 = 0x87c37b91114253d5, C2 = 0x4cf5ad432745937f;

typedef struct { uint64_t h1, h2; } state;

static uint64_t rotl(uint64_t x, int n) { return x << n | x >> (64 - n); }

static uint64_t spread1(uint64_t k) { return rotl(k * C1, 31) * C2; }

static uint64_t spread2(uint64_t k) { return rotl(k * C2, 33) * C1; }

static uint64_t mixed(uint64_t k)
{
    k = (k ^ k >> 33) * 0xff51afd7ed558ccd;
    k = (k ^ k >> 33) * 0xc4ceb9fe1a85ec53;
    return k ^ k >> 33;
}

static void block(state *s, uint64_t k1, uint64_t k2)
{
    s->h1 = (rotl(s->h1 ^ spread1(k1), 27) + s->h2) * 5 + 0x52dce729;
    s->h2 = (rotl(s->h2 ^ spread2(k2), 31) + s->h1) * 5 + 0x38495ab5;
}

/* `head` and `rest` follow each other. */
static void fold(state *s, uint64_t step, const stream_head *head, const uint8_t *rest, uint32_t size)
{
    uint64_t total = 16 + (uint64_t)head->size + size, k[2] = { 0, 0 };
    uint32_t used = 0;
    block(s, step, head->kind);
    memcpy(k, head->head, head->size);
    if (head->size + size >= 16) {
        used = 16 - head->size;
        memcpy((uint8_t *)k + head->size, rest, used);
        block(s, k[0], k[1]);
        for (; size - used >= 16; used += 16) {
            memcpy(k, rest + used, 16);
            block(s, k[0], k[1]);
        }
        k[0] = k[1] = 0;
        if (used < size)
            memcpy(k, rest + used, size - used);
    } else if (size) {
        memcpy((uint8_t *)k + head->size, rest, size);
    }
    s->h2 ^= spread2(k[1]);       /* of nothing it is nothing */
    s->h1 ^= spread1(k[0]);
    s->h1 ^= total;
    s->h2 ^= total;
    s->h1 += s->h2;
    s->h2 += s->h1;
    s->h1 = mixed(s->h1);
    s->h2 = mixed(s->h2);
    s->h1 += s->h2;
    s->h2 += s->h1;
}

void events_fold(uint8_t digest[16], const int64_t *steps, const uint16_t *ids, uint32_t count,
                 const stream_head *streams, const uint32_t *sizes, const uint8_t *rests)
{
    state s;
    memcpy(&s, digest, 16);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = sizes ? sizes[i] : 0;
        fold(&s, (uint64_t)steps[i], &streams[ids[i]], rests, size);
        rests += size;
    }
    memcpy(digest, &s, 16);
}
