/* An instruction that is under way is abandoned: what it has done is taken back. */
#include "internal.h"

void keep_bytes(ttd_engine *e, uint64_t address, uint32_t size)
{
    uint32_t i;
    for (i = 0; i < size; i++) {          /* devices, or nothing, may be among it */
        const uint8_t *host = host_pointer(e, address + i);
        e->kept_bytes[i] = host ? *host : 0;
    }
    e->kept_at = address;
    e->kept_size = size;
}

void put_bytes_back(ttd_engine *e)
{
    uint32_t i;
    for (i = 0; i < e->kept_size; i++) {
        const uint8_t *host = host_pointer(e, e->kept_at + i);
        if (host && *host != e->kept_bytes[i])
            ttd_write(e, e->kept_at + i, e->kept_bytes + i, 1);
    }
    e->kept_size = 0;
}

/* Leave before the instruction completes. A load leaves by itself; a store does, but for those behind a
 * prefix, whose other effects are taken back afterwards. */
bool give_up(ttd_engine *e, bool write)
{
    if (e->armed && write && !e->armed_abort && e->set->stores_on)
        keep_bytes(e, e->rest_at, e->set->stores_on);
    if (e->armed)
        e->armed_abort = true;
    if (write)
        leave(e);
    return false;
}
