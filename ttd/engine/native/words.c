/* Words of memory that are written, where somebody wants to know (`ttd_note_words`): stores go through the view of
 * mixed.c, page by page until all words of one have been written. What the TLB lets through otherwise counts as
 * the whole page. */
#include "internal.h"

#include <stdlib.h>

#define WORD_SHIFT 2
#define IN_MASK 64                    /* words that a mask has */

static uint32_t masks_of(const ttd_engine *e) { return e->page_size >> WORD_SHIFT >> 6; }

static uint64_t *page_words(const ttd_engine *e, uint32_t page)
{
    return e->words + (size_t)page * masks_of(e);
}

bool wants_words(const ttd_engine *e, uint32_t page)
{
    uint32_t i;
    for (i = 0; e->words && i < masks_of(e); i++)
        if (page_words(e, page)[i] != UINT64_MAX)
            return true;
    return false;
}

/* [at, at + size) of a page is written, as far as the page goes. True: it is complete now, and was not. */
COLD bool mark_words(ttd_engine *e, uint32_t page, uint64_t at, uint64_t size)
{
    uint64_t *words = page_words(e, page), word = at >> WORD_SHIFT;
    bool more = false;
    for (; word << WORD_SHIFT < at + size && word << WORD_SHIFT < e->page_size; word++) {
        more |= !(words[word / IN_MASK] >> word % IN_MASK & 1);
        words[word / IN_MASK] |= 1ull << word % IN_MASK;
    }
    return more && !wants_words(e, page);
}

/* Not where code is a copy of its page. */
bool ttd_knows_words(const ttd_engine *e)
{
    return !e->set->code_changed && masks_of(e);
}

bool ttd_note_words(ttd_engine *e, bool on)
{
    free(e->words);
    e->words = on && ttd_knows_words(e) ? calloc((size_t)e->npages * masks_of(e) + 1, sizeof *e->words) : NULL;
    e->words_moved = e->set->moves && e->set->moves(e);
    flush_tlb(e);
    return !on || e->words;
}

bool ttd_words_moved(const ttd_engine *e)
{
    return e->words_moved || (e->set->moves && e->set->moves(e));
}

static bool is_marked(const ttd_engine *e, uint64_t word)
{
    return e->words[word / IN_MASK] >> word % IN_MASK & 1;
}

int ttd_words(const ttd_engine *e, uint64_t *out)
{
    uint64_t word = 0, end = e->words ? (uint64_t)e->npages * masks_of(e) * IN_MASK : 0;
    int n = 0;
    while (word < end) {
        if (!e->words[word / IN_MASK]) {
            word = (word / IN_MASK + 1) * IN_MASK;
        } else if (!is_marked(e, word)) {
            word++;
        } else {
            if (n == TTD_MAX_RAN)
                return -1;
            out[2 * n] = word;
            while (word < end && is_marked(e, word))
                word++;
            out[2 * n++ + 1] = word;
        }
    }
    return n;
}
