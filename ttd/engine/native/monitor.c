/* The exclusive monitor, which no register of Unicorn's shows. Where its words are in a context is found out by
 * closing one. Guests that have no such instruction never need to know. */
#include "internal.h"

#include <stdlib.h>

#define PROBE_AT 0x20000000u              /* code may run there and data be read, whatever the processor is */
#define PROBE_SIZE 0x4000u
#define PROBE_POINTER (PROBE_AT + 0x1678)
#define PROBE_VALUE 0xa5c3e197u

static uint64_t word_at(const uint8_t *at, int size)
{
    uint64_t value = 0;
    memcpy(&value, at, (size_t)size);
    return value;
}

static uint64_t open_word(int size) { return ~0ull >> (64 - 8 * size); }

/* The only place at which a word was as that of an open monitor is, and now has the address, with the value behind
 * it; 0: there is none, or more than one. */
static size_t find(const uint8_t *before, const uint8_t *after, size_t size, int word)
{
    size_t at, found = 0;
    for (at = 0; at + 2 * (size_t)word <= size; at += 4) {
        if (word_at(before + at, word) != open_word(word) || word_at(after + at, word) != PROBE_POINTER
            || word_at(after + at + word, word) != PROBE_VALUE)
            continue;
        if (found)
            return 0;
        found = at;
    }
    return found;
}

/* Close the monitor of another Unicorn of the same kind, and look what has become of its state. */
static size_t probe(ttd_engine *e)
{
    const monitor_facts *m = &e->set->monitor;
    uint8_t *memory = aligned_alloc(PROBE_SIZE, PROBE_SIZE);
    uint64_t pointer = PROBE_POINTER;
    uc_engine *uc = NULL;
    uc_context *before = NULL, *after = NULL;
    size_t found = 0;
    if (!memory)
        return 0;
    memset(memory, 0, PROBE_SIZE);
    memcpy(memory, m->close, sizeof m->close);
    *(uint32_t *)(memory + (PROBE_POINTER - PROBE_AT)) = PROBE_VALUE;
    if (!e->open((uc_arch)e->arch_id, (uc_mode)e->mode, &uc)
        && !e->ctl(uc, UC_CTL_WRITE(UC_CTL_CPU_MODEL, 1), e->model)
        && !e->mem_map_ptr(uc, PROBE_AT, PROBE_SIZE, UC_PROT_ALL, memory)
        && !e->context_alloc(uc, &before) && !e->context_alloc(uc, &after)
        && !e->reg_write(uc, m->pointer, &pointer) && !e->context_save(uc, before)
        && !e->emu_start(uc, PROBE_AT | e->set->entry_bits, 0, 0, 1) && !e->context_save(uc, after))
        found = find((uint8_t *)before, (uint8_t *)after, e->context_size(uc), m->word);
    if (before)
        e->context_free(before);
    if (after)
        e->context_free(after);
    if (uc)
        e->close(uc);
    free(memory);
    return found;
}

void monitor_needed(ttd_engine *e)
{
    if (e->monitor.needed || !e->set->monitor.words)
        return;
    e->monitor.needed = true;
    e->monitor.at = probe(e);
}

/* Unicorn's words in the context that is kept for this; NULL: there is no knowing. */
static uint8_t *look(ttd_engine *e)
{
    if (!e->monitor.at || (!e->monitor.context && e->context_alloc(e->uc, &e->monitor.context)))
        return NULL;
    e->context_save(e->uc, e->monitor.context);
    return (uint8_t *)e->monitor.context + e->monitor.at;
}

static void open_words(uint64_t *words, int count)
{
    memset(words, 0, sizeof *words * (size_t)count);
    if (count)
        words[0] = MONITOR_OPEN;
}

void monitor_read(ttd_engine *e, uint64_t *words)
{
    int i, count = e->set->monitor.words, word = e->set->monitor.word;
    const uint8_t *at = e->monitor.needed && !e->monitor.opens ? look(e) : NULL;
    open_words(words, count);
    if (!at || word_at(at, word) == open_word(word))
        return;
    for (i = 0; i < count; i++)
        words[i] = word_at(at + i * word, word);
}

void monitor_write(ttd_engine *e, const uint64_t *words)
{
    int i, count = e->set->monitor.words, word = e->set->monitor.word;
    uint8_t *at;
    e->monitor.opens = false;
    if (!count || (!e->monitor.needed && words[0] == MONITOR_OPEN))
        return;
    monitor_needed(e);
    at = look(e);
    if (!at)
        return;
    for (i = 0; i < count; i++)
        memcpy(at + i * word, &words[i], (size_t)word);
    e->context_restore(e->uc, e->monitor.context);
}

void ttd_clear_exclusive(ttd_engine *e)
{
    uint64_t words[MONITOR_WORDS];
    open_words(words, e->set->monitor.words);
    monitor_write(e, words);
}
