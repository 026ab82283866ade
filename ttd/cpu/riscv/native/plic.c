/* RISC-V: the interrupt controller ("RISC-V Platform-Level Interrupt Controller Specification"). Chapter "Memory
 * Map": priorities at 0, pending bits at 0x1000, enable bits at 0x2000 + 0x80 per context, threshold and
 * claim/complete at 0x200000 + 0x1000 per context.
 *
 * The gateways are those of level-triggered sources (chapter "Interrupt Gateways"): a line that is high makes its
 * source pending, once; from its claim to its completion nothing more is forwarded, and a line that is still high
 * then makes it pending again. */
#include "rv.h"

enum { PRIORITY = RISCV_PLIC_PRIORITY, PENDING = RISCV_PLIC_PENDING, ENABLE = RISCV_PLIC_ENABLE, CONTEXT = RISCV_PLIC_CONTEXT };
enum { ENABLE_STRIDE = RISCV_PLIC_ENABLE_STRIDE, CONTEXT_STRIDE = RISCV_PLIC_CONTEXT_STRIDE };
enum { THRESHOLD = RISCV_PLIC_THRESHOLD, CLAIM = RISCV_PLIC_CLAIM };
enum { PRIORITIES = 7 };                  /* 0 is never; a register has 3 bits */

static int words(const riscv_plic *p)
{
    return (p->sources + 31) / 32;
}

/* The source that a context would get if it claimed now; 0: none. Of equal priorities the lowest number comes
 * first (chapters "Interrupt Priorities", "Priority Thresholds"). */
static int best(const riscv_plic *p, int context)
{
    uint32_t limit = p->threshold[context];
    int word, found = 0;
    for (word = 0; word < words(p); word++) {
        uint32_t ready = p->pending[word] & ~p->serving[word] & p->enabled[context][word];
        for (; ready; ready &= ready - 1) {
            int source = word * 32 + __builtin_ctz(ready);
            if (p->priority[source] > limit) {
                found = source;
                limit = p->priority[source];
            }
        }
    }
    return found;
}

static void drive(riscv_plic *p)
{
    int i;
    for (i = 0; i < p->contexts; i++) {
        bool level = best(p, i);
        if (level != p->outputs[i] && p->engine)
            riscv_set_line(p->engine, p->codes[i], level);
        p->outputs[i] = level;
    }
}

void riscv_plic_reset(riscv_plic *p)
{
    memset(p->priority, 0, sizeof p->priority);
    memset(p->level, 0, sizeof p->level);
    memset(p->pending, 0, sizeof p->pending);
    memset(p->serving, 0, sizeof p->serving);
    memset(p->enabled, 0, sizeof p->enabled);
    memset(p->threshold, 0, sizeof p->threshold);
    drive(p);
}

/* The core has been given its lines, too: it is not told. */
void riscv_plic_loaded(riscv_plic *p)
{
    int i;
    for (i = 0; i < p->contexts; i++)
        p->outputs[i] = best(p, i);
}

void riscv_plic_set_line(void *plic, int number, bool level)
{
    riscv_plic *p = plic;
    int word = number / 32;
    uint32_t bit = 1u << number % 32;
    if (number <= 0 || number >= p->sources)
        return;
    if (!level) {
        p->level[word] &= ~bit;
        return;
    }
    p->level[word] |= bit;
    if (!(p->serving[word] & bit)) {
        p->pending[word] |= bit;
        drive(p);
    }
}

static int claim(riscv_plic *p, int context)
{
    int source = best(p, context);
    if (source) {
        p->pending[source / 32] &= ~(1u << source % 32);
        p->serving[source / 32] |= 1u << source % 32;
        drive(p);
    }
    return source;
}

/* Ignored unless the source is enabled for this context (chapter "Interrupt Completion"). */
static void complete(riscv_plic *p, int context, uint32_t source)
{
    uint32_t word = source / 32, bit = 1u << source % 32;
    if (source >= (uint32_t)p->sources || !(p->enabled[context][word] & bit))
        return;
    p->pending[word] |= p->level[word] & p->serving[word] & bit;
    p->serving[word] &= ~bit;
}

/* Is the offset in a context's page? Its number, and the offset there. */
static bool in_context(const riscv_plic *p, uint32_t offset, int *context, uint32_t *at)
{
    *context = (int)((offset - CONTEXT) / CONTEXT_STRIDE);
    *at = (offset - CONTEXT) % CONTEXT_STRIDE;
    return offset >= CONTEXT && *context < p->contexts;
}

/* Of the enable bits: whose, and which word. */
static bool in_enables(const riscv_plic *p, uint32_t offset, int *context, int *word)
{
    *context = (int)((offset - ENABLE) / ENABLE_STRIDE);
    *word = (int)((offset - ENABLE) % ENABLE_STRIDE / 4);
    return offset >= ENABLE && offset < CONTEXT && *context < p->contexts && *word < words(p);
}

uint32_t riscv_plic_look(const riscv_plic *p, uint32_t offset)
{
    int context, word;
    uint32_t at;
    if (offset < PRIORITY + 4 * (uint32_t)p->sources)
        return p->priority[offset / 4];
    if (offset >= PENDING && offset < PENDING + 4 * (uint32_t)words(p))
        return p->pending[(offset - PENDING) / 4];
    if (in_enables(p, offset, &context, &word))
        return p->enabled[context][word];
    if (!in_context(p, offset, &context, &at))
        return 0;
    return at == CLAIM ? (uint32_t)best(p, context) : at == THRESHOLD ? p->threshold[context] : 0;
}

uint32_t riscv_plic_read(riscv_plic *p, uint32_t offset)
{
    int context;
    uint32_t at;
    if (in_context(p, offset, &context, &at) && at == CLAIM)
        return (uint32_t)claim(p, context);
    return riscv_plic_look(p, offset);
}

/* Which bits of a word of bits by source are sources. */
static uint32_t existing(const riscv_plic *p, int word)
{
    int count = p->sources - 32 * word;
    return (count >= 32 ? UINT32_MAX : (1u << count) - 1) & (word ? UINT32_MAX : ~1u);
}

void riscv_plic_write(riscv_plic *p, uint32_t offset, uint32_t value)
{
    int context, word;
    uint32_t at;
    if (offset > PRIORITY && offset < PRIORITY + 4 * (uint32_t)p->sources)
        p->priority[offset / 4] = value & PRIORITIES;
    else if (in_enables(p, offset, &context, &word))
        p->enabled[context][word] = value & existing(p, word);
    else if (in_context(p, offset, &context, &at) && at == THRESHOLD)
        p->threshold[context] = value & PRIORITIES;
    else if (in_context(p, offset, &context, &at) && at == CLAIM)
        complete(p, context, value);
    else
        return;
    drive(p);
}

static bool serve_read(ttd_engine *e, void *device, uint32_t offset, int size, uint64_t *value)
{
    (void)e, (void)size;
    *value = riscv_plic_read(device, offset & ~3u) >> 8 * (offset & 3);
    return true;
}

static bool serve_write(ttd_engine *e, void *device, uint32_t offset, int size, uint64_t value)
{
    (void)e, (void)size;
    riscv_plic_write(device, offset & ~3u, (uint32_t)(value << 8 * (offset & 3)));
    return true;
}

bool riscv_plic_attach(riscv_plic *p, uint64_t base)
{
    static const device_ops ops = { serve_read, serve_write };
    return attach_device(p->engine, base, RISCV_PLIC_SIZE, &ops, p);
}
