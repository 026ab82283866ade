/* Columns of integers as bytes, and back. What is read may be anything. */
#include "columns.h"

#include <stdbool.h>
#include <stdlib.h>

typedef __int128 wide;
typedef unsigned __int128 uwide;

enum { SECOND_DIFFERENCES, FROM_TYPICAL_GAP };

static uwide zigzag(wide value)
{
    return value < 0 ? (~(uwide)value << 1) | 1 : (uwide)value << 1;
}

static wide unzigzag(uwide value)
{
    return value & 1 ? (wide)~(value >> 1) : (wide)(value >> 1);
}

static uint8_t *put(uint8_t *out, uwide value)
{
    for (; value > 0x7f; value >>= 7)
        *out++ = (uint8_t)value | 0x80;
    *out++ = (uint8_t)value;
    return out;
}

/* NULL: it does not end. */
static const uint8_t *take(const uint8_t *at, const uint8_t *end, uwide *value)
{
    *value = 0;
    for (int shift = 0; shift < 7 * COLUMN_NUMBER && at < end; shift += 7) {
        *value |= (uwide)(*at & 0x7f) << shift;
        if (*at++ < 0x80)
            return at;
    }
    return NULL;
}

static int ascending(const void *one, const void *other)
{
    const wide *a = one, *b = other;
    return (*a > *b) - (*a < *b);
}

static int64_t put_from_typical_gap(uint8_t *out, const int64_t *values, uint32_t count)
{
    uint32_t n = count - 1;
    uint8_t *at = out;
    wide *gaps = malloc(sizeof *gaps * n), typical;
    if (!gaps)
        return COLUMN_MEMORY;
    for (uint32_t i = 0; i < n; i++)
        gaps[i] = (wide)values[i + 1] - values[i];
    qsort(gaps, n, sizeof *gaps, ascending);
    typical = gaps[n / 2];
    free(gaps);
    *at++ = FROM_TYPICAL_GAP;
    at = put(at, zigzag(typical));
    for (uint32_t i = 0; i < n; i++)
        at = put(at, zigzag((wide)values[i + 1] - values[i] - typical));
    return at - out;
}

int64_t series_put(uint8_t *out, const int64_t *values, uint32_t count)
{
    uint8_t *at = out, *form;
    wide gap;
    if (!count)
        return 0;
    form = at = put(at, zigzag(values[0]));
    if (count == 1)
        return at - out;
    *at++ = SECOND_DIFFERENCES;
    gap = (wide)values[1] - values[0];
    at = put(at, zigzag(gap));
    for (uint32_t i = 2; i < count; i++) {
        wide next = (wide)values[i] - values[i - 1];
        at = put(at, zigzag(next - gap));
        gap = next;
    }
    if (at - form > (int64_t)count + COLUMN_NUMBER) {
        size_t room = (size_t)COLUMN_NUMBER * count + COLUMN_EXTRA;
        uint8_t *other = malloc(room);
        int64_t size = other ? put_from_typical_gap(other, values, count) : COLUMN_MEMORY;
        if (size > 0 && size < at - form) {
            for (int64_t i = 0; i < size; i++)
                form[i] = other[i];
            at = form + size;
        }
        free(other);
        if (size < 0)
            return size;
    }
    return at - out;
}

int64_t series_take(const uint8_t *data, size_t size, int64_t *values, uint32_t count)
{
    const uint8_t *at = data, *end = data + size;
    uwide raw;
    wide value, gap = 0, first;
    bool second;
    if (!count)
        return 0;
    if (!(at = take(at, end, &raw)))
        return COLUMN_ENDLESS;
    value = unzigzag(raw);
    for (uint32_t i = 0;; i++) {
        if (value < INT64_MIN || value > INT64_MAX)
            return COLUMN_LARGE;
        values[i] = (int64_t)value;
        if (i + 1 == count)
            return at - data;
        if (!i) {
            if (at == end)
                return COLUMN_SHORT;
            second = *at == SECOND_DIFFERENCES;
            if (!second && *at != FROM_TYPICAL_GAP)
                return COLUMN_FORM;
            if (!(at = take(at + 1, end, &raw)))
                return COLUMN_ENDLESS;
            first = unzigzag(raw);
            if ((uint64_t)(end - at) < (uint64_t)count - (second ? 2 : 1))
                return COLUMN_SHORT;
        }
        if (second && !i) {
            gap = first;
        } else {
            if (!(at = take(at, end, &raw)))
                return COLUMN_ENDLESS;
            gap = unzigzag(raw) + (second ? gap : first);
        }
        value += gap;
    }
}

int64_t steps_put(uint8_t *out, const int64_t *steps, const uint16_t *ids, uint32_t count,
                  uint32_t streams)
{
    uint8_t *at = out;
    int64_t size = 0, *sorted = malloc(sizeof *sorted * (count + 1));
    uint32_t *ends = calloc(streams + 1, sizeof *ends);
    if (!sorted || !ends)
        size = COLUMN_MEMORY;
    for (uint32_t i = 0; i < count && size >= 0; i++) {
        at = put(at, ids[i]);
        ends[ids[i] + 1]++;
    }
    for (uint32_t s = 0; s < streams && size >= 0; s++)
        ends[s + 1] += ends[s];
    /* From where its steps begin each place moves to where they end. */
    for (uint32_t i = 0; i < count && size >= 0; i++)
        sorted[ends[ids[i]]++] = steps[i];
    for (uint32_t s = 0, from = 0; s < streams && size >= 0; from = ends[s++]) {
        size = series_put(at, sorted + from, ends[s] - from);
        at += size;
    }
    free(sorted);
    free(ends);
    return size < 0 ? size : at - out;
}

int64_t order_take(const uint8_t *data, size_t size, uint16_t *ids, uint32_t count,
                   uint32_t *counts, uint32_t streams)
{
    const uint8_t *at = data, *end = data + size;
    if (count > size)
        return COLUMN_SHORT;
    for (uint32_t s = 0; s < streams; s++)
        counts[s] = 0;
    for (uint32_t i = 0; i < count; i++) {
        uwide id;
        if (!(at = take(at, end, &id)))
            return COLUMN_ENDLESS;
        if (id >= streams || id > UINT16_MAX)
            return COLUMN_STREAM;
        ids[i] = (uint16_t)id;
        counts[id]++;
    }
    return at - data;
}

int64_t steps_take(const uint8_t *data, size_t size, int64_t *steps, const uint16_t *ids,
                   uint32_t count, const uint32_t *counts, uint32_t streams)
{
    int64_t used = 0, *sorted = malloc(sizeof *sorted * (count + 1)), before = 0;
    uint32_t *places = malloc(sizeof *places * (streams + 1));
    if (!sorted || !places)
        used = COLUMN_MEMORY;
    for (uint32_t s = 0, from = 0; s < streams && used >= 0; from += counts[s++]) {
        int64_t more = series_take(data + used, size - (size_t)used, sorted + from, counts[s]);
        places[s] = from;
        used = more < 0 ? more : used + more;
    }
    for (uint32_t i = 0; i < count && used >= 0; i++) {
        steps[i] = sorted[places[ids[i]]++];
        if (steps[i] < before)
            used = COLUMN_ORDER;
        before = steps[i];
    }
    free(sorted);
    free(places);
    return used;
}

uint32_t streams_of(const int64_t *keys, uint32_t count, const int64_t *known, const uint16_t *streams,
                    uint32_t size, uint16_t *out)
{
    uint32_t i, last = 0;
    for (i = 0; i < count; i++) {
        if (last >= size || known[last] != keys[i])
            for (last = 0; last < size && known[last] != keys[i]; last++)
                ;
        if (last == size)
            break;
        out[i] = streams[last];
    }
    return i;
}

void count_streams(const uint16_t *ids, uint32_t count, uint32_t *counts)
{
    for (uint32_t i = 0; i < count; i++)
        counts[ids[i]]++;
}

int64_t pieces_take(const uint8_t *data, size_t size, int64_t *numbers, int64_t *places, int64_t *sizes)
{
    const uint8_t *at = data, *end = data + size;
    int64_t count = 0;
    while (at < end) {
        uwide number, length;
        if (!(at = take(at, end, &number)) || !(at = take(at, end, &length)))
            return COLUMN_ENDLESS;
        if (number > INT64_MAX)
            return COLUMN_LARGE;
        if (length > (uwide)(end - at))
            return COLUMN_SHORT;
        if (numbers) {
            numbers[count] = (int64_t)number;
            places[count] = at - data;
            sizes[count] = (int64_t)length;
        }
        count++;
        at += length;
    }
    return count;
}
