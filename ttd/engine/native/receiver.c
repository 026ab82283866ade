/* The receiving half of a serial device: the pace of its wire, a FIFO, and how long that has not been read. */
#include "internal.h"

void ttd_receiver_show(ttd_registers *r)
{
    const ttd_receiving *how = &r->map->receiving;
    const ttd_receiver *rx = &r->rx;
    if (!how->state)
        return;
    r->words[how->state] = (rx->count ? RX_SOME : 0) | (rx->count >= rx->room ? RX_FULL : 0)
        | (rx->timed_out || rx->count >= rx->trigger ? RX_ARRIVED : 0) | (rx->timed_out ? RX_TIMED_OUT : 0);
    r->words[how->first] = rx->count ? rx->fifo[0] : 0;
}

/* Software hears of what is in the FIFO only after another timeout. */
static void restart(ttd_registers *r)
{
    ttd_receiver *rx = &r->rx;
    rx->timed_out = false;
    rx->timeout_at = rx->count && rx->timeout_ns ? registers_time(r) + rx->timeout_ns : NEVER;
    ttd_receiver_show(r);
}

void ttd_receiver_clear(ttd_registers *r)
{
    r->rx.count = 0;
    restart(r);
}

void receiver_append(ttd_registers *r, uint8_t byte)
{
    ttd_receiver *rx = &r->rx;
    if (rx->count < rx->room && rx->count < TTD_FIFO)
        rx->fifo[rx->count++] = byte;
    restart(r);
}

void receiver_drop(ttd_registers *r)
{
    ttd_receiver *rx = &r->rx;
    if (rx->count)
        memmove(rx->fifo, rx->fifo + 1, --rx->count);
    restart(r);
}

void ttd_receiver_pause(ttd_registers *r)
{
    if (r->rx.line_at == NEVER)
        r->rx.line_at = registers_time(r) + r->rx.character_ns;
}

void receiver_time_out(ttd_registers *r)
{
    r->rx.timeout_at = NEVER;
    r->rx.timed_out = true;
    ttd_receiver_show(r);
}

uint64_t ttd_receiver_deadline(const ttd_registers *r)
{
    return r->rx.line_at < r->rx.timeout_at ? r->rx.line_at : r->rx.timeout_at;
}
