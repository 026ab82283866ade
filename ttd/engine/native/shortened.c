/* The call of the block hook in what Unicorn has translated, made shorter.
 *
 * Unicorn passes it four arguments, and then calls a function of its own, `helper_check_exit_request_...`, to see
 * whether the run is to be left. A known block needs no more than its `block_info`, and whether the run is to be
 * left its hook can say. So the call is overwritten where it stands, in no more bytes, once its block is known:
 *
 *     mov rdi, uc; mov esi, pc; mov edx, size; mov rcx, e; call hook
 *  -> mov rdi, b; mov esi, tag; mov rdx, e; call shorter; test al, al; je behind what follows
 *     mov rdi, uc; xor esi, esi; call helper_check_exit_request_...
 *
 * Only what is exactly that is touched, by the thread that runs it, in memory that may be written; everything else
 * (a call from more than 2 GiB away, too, in a process that has mapped much) stays as it is and does the same. It is gone with what was translated. */
#define _GNU_SOURCE                   /* dladdr, MAP_32BIT */
#include "internal.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __x86_64__

enum { RCX = 1, RDX = 2, RSI = 6, RDI = 7 };
enum { CALL = 0xe8, CALL_SIZE = 5, NOP = 0x90, MOV = 0xb8, WIDE = 0x48, LEA = 0x8d, XOR = 0x33 };

/* The length of the instruction at `at` if that puts `value` into a register, in one of the ways in which Unicorn
 * does; else 0. */
static int loads(const uint8_t *at, int reg, uint64_t value)
{
    uint32_t low;
    int32_t off;
    uint64_t all;
    memcpy(&low, at + 1, sizeof low);
    memcpy(&off, at + 3, sizeof off);
    memcpy(&all, at + 2, sizeof all);
    if (at[0] == (MOV | reg))
        return low == value ? 5 : 0;
    if (at[0] == XOR && at[1] == (0xc0 | reg << 3 | reg))
        return value ? 0 : 2;
    if (at[0] == WIDE && at[1] == LEA && at[2] == (0x05 | reg << 3))
        return (uint64_t)(uintptr_t)(at + 7) + (uint64_t)(int64_t)off == value ? 7 : 0;
    return at[0] == WIDE && at[1] == (MOV | reg) && all == value ? 10 : 0;
}

/* Where such an instruction begins that ends at `end`; NULL. */
static uint8_t *loads_before(uint8_t *end, int reg, uint64_t value)
{
    static const int lengths[] = { 10, 7, 5, 2 };
    size_t i;
    for (i = 0; end && i < sizeof lengths / sizeof *lengths; i++)
        if (loads(end - lengths[i], reg, value) == lengths[i])
            return end - lengths[i];
    return NULL;
}

static const uint8_t *called(const uint8_t *call)
{
    int32_t off;
    memcpy(&off, call + 1, sizeof off);
    return *call == CALL ? call + CALL_SIZE + off : NULL;
}

static uint8_t *put_load(uint8_t *to, int reg, uint64_t value)
{
    int size = value >> 32 ? 8 : 4;
    if (size == 8)
        *to++ = WIDE;
    *to++ = (uint8_t)(MOV | reg);
    memcpy(to, &value, (size_t)size);
    return to + size;
}

static uint8_t *put_call(uint8_t *to, int64_t off)
{
    int32_t low = (int32_t)off;
    *to = CALL;
    memcpy(to + 1, &low, sizeof low);
    return to + CALL_SIZE;
}

/* May memory be written? Asked of the kernel, which answers where a store of ours would end the process. */
static bool writable(uint8_t *at)
{
    int ends[2];
    bool can;
    if (pipe(ends))
        return false;
    can = write(ends[1], at, 1) == 1 && read(ends[0], at, 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return can;
}

/* Is it the function that sees whether the run is to be left? */
static bool sees_exits(const uint8_t *function)
{
    static const char name[] = "helper_check_exit_request";
    Dl_info info;
    return dladdr(function, &info) && info.dli_saddr == function && info.dli_sname
        && !strncmp(info.dli_sname, name, sizeof name - 1);
}

/* The first call tells whether those of this engine can be shortened. */
static bool can_shorten(ttd_engine *e, uint8_t *at, const uint8_t *checks)
{
    if (!e->checks_exits) {
        e->shortens = writable(at) && sees_exits(checks);
        e->checks_exits = checks;
    }
    return e->shortens && checks == e->checks_exits;
}

bool shorten_call(ttd_engine *e, const block_info *b, const void *hook, const void *shorter, void *behind)
{
    uint8_t *end = behind, code[40], *to = code, *at;
    int length = loads(end, RDI, (uintptr_t)e->uc);
    const uint8_t *check = end + length + loads(end + length, RSI, 0);
    int64_t off;
    if (!b->tag || called(end - CALL_SIZE) != (const uint8_t *)hook || !length || !called(check))
        return false;
    at = loads_before(end - CALL_SIZE, RCX, (uintptr_t)e);
    at = loads_before(at, RDX, b->size);
    at = loads_before(at, RSI, b->pc);
    at = loads_before(at, RDI, (uintptr_t)e->uc);
    if (!at || !can_shorten(e, at, called(check)))
        return false;
    to = put_load(to, RDI, (uintptr_t)b);
    to = put_load(to, RSI, b->tag);
    to = put_load(to, RDX, (uintptr_t)e);
    off = (const uint8_t *)shorter - (at + (to - code) + CALL_SIZE);
    if (off != (int32_t)off || to + CALL_SIZE + 4 - code > end - at)
        return false;
    to = put_call(to, off);
    memcpy(to, "\x84\xc0\x74", 3);        /* test al, al; je */
    to += 4;
    to[-1] = (uint8_t)(check + CALL_SIZE - (at + (to - code)));
    memset(to, NOP, (size_t)(end - at - (to - code)));
    memcpy(at, code, (size_t)(end - at));
    return true;
}

#else

#define MAP_32BIT 0

bool shorten_call(ttd_engine *e, const block_info *b, const void *hook, const void *shorter, void *behind)
{
    (void)e, (void)b, (void)hook, (void)shorter, (void)behind;
    return false;
}

#endif

void *map_low(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (at == MAP_FAILED)
        at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}
