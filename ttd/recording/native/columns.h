/* The loops over many events that Python is too slow for: docs/recording-format.md has the forms. */
#ifndef TTD_COLUMNS_H
#define TTD_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

/* Why there is no number of bytes. */
enum {
    COLUMN_SHORT = -1,            /* the data ends too early */
    COLUMN_ENDLESS = -2,          /* a number does not end */
    COLUMN_FORM = -3,             /* a series is of an unknown form */
    COLUMN_LARGE = -4,            /* a number is too large */
    COLUMN_STREAM = -5,           /* an event is of a stream that is not there */
    COLUMN_ORDER = -6,            /* steps go back, or are none */
    COLUMN_MEMORY = -7            /* there is no memory for it */
};

/* Longest form of a number, and what a series has beside its numbers. */
enum { COLUMN_NUMBER = 10, COLUMN_EXTRA = 32 };

/* A series of numbers into `out`, which has COLUMN_NUMBER bytes for each and COLUMN_EXTRA; how many
 * bytes it is. And back: how many bytes of the data it was. */
int64_t series_put(uint8_t *out, const int64_t *values, uint32_t count);
int64_t series_take(const uint8_t *data, size_t size, int64_t *values, uint32_t count);

/* Of a chunk: the stream of each event, a column, then each stream's steps, a series. `out` has
 * 2 * COLUMN_NUMBER bytes for each event and COLUMN_EXTRA for each stream. */
int64_t steps_put(uint8_t *out, const int64_t *steps, const uint16_t *ids, uint32_t count,
                  uint32_t streams);
/* Back, in two parts. `counts`: of the events of each stream. */
int64_t order_take(const uint8_t *data, size_t size, uint16_t *ids, uint32_t count,
                   uint32_t *counts, uint32_t streams);
int64_t steps_take(const uint8_t *data, size_t size, int64_t *steps, const uint16_t *ids,
                   uint32_t count, const uint32_t *counts, uint32_t streams);

/* Pieces, to the end of the data: of each a number, its size and its bytes. How many there are; what they are and where,
 * unless `numbers` is NULL. */
int64_t pieces_take(const uint8_t *data, size_t size, int64_t *numbers, int64_t *places, int64_t *sizes);

/* Streams of events by their keys, as far as these are `known`; how many. */
uint32_t streams_of(const int64_t *keys, uint32_t count, const int64_t *known, const uint16_t *streams,
                    uint32_t size, uint16_t *out);
/* How many events each stream has is added to `counts`. */
void count_streams(const uint16_t *ids, uint32_t count, uint32_t *counts);

/* What one stream's events have in common. */
typedef struct {
    uint8_t kind, size;
    uint8_t head[6];              /* the first `size` bytes of the payloads */
} stream_head;

/* The digest of a log, and more events: their steps, their streams, and what follows the heads of their
 * payloads: `sizes` of them in `rests`, one after another; NULL: nothing does. */
void events_fold(uint8_t digest[16], const int64_t *steps, const uint16_t *ids, uint32_t count,
                 const stream_head *streams, const uint32_t *sizes, const uint8_t *rests);

/* BLAKE2b, 16 bytes each, of `count` pages one after another, of `size` bytes, a multiple of 128 and not 0. */
void page_digests(const uint8_t *data, uint32_t count, uint32_t size, uint8_t *out);

#endif
