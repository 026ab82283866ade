/* Address spaces: Sv39 or Sv32 (The RISC-V Instruction Set Manual, volume II). */
#include "rtos.h"

#if __riscv_xlen == 64
#define LEVELS 3
#define INDEX_BITS 9
#define SATP_MODE (8ul << 60)
#define SATP_PPN ((1ul << 44) - 1)
#else
#define LEVELS 2
#define INDEX_BITS 10
#define SATP_MODE (1ul << 31)
#define SATP_PPN ((1ul << 22) - 1)
#endif

#define V 0x01
#define R 0x02
#define RWX 0x0e
#define RW 0x06
#define RX 0x0a
#define U 0x10
#define COW 0x100

#define SPACES 4
#define TABLES 6
#define POOL 12

enum { CAUSE_STORE_PAGE_FAULT = 15 };
#define INTERRUPT (1ul << (__riscv_xlen - 1))

extern uint8_t user_start[], user_end[], image_end[];

__attribute__((section(".noinit"), aligned(4096))) static uint8_t tables[SPACES * TABLES][PAGE];
__attribute__((section(".noinit"), aligned(4096))) static uint8_t pools[SPACES * POOL][PAGE];
__attribute__((section(".noinit"), aligned(4096))) static uint32_t common[PAGE / 4];

static struct space spaces[SPACES];
static unsigned space_count, table_count;
volatile unsigned s_interrupts;

static void *clear(void *page)
{
    volatile word *at = page;
    for (unsigned i = 0; i < PAGE / sizeof(word); i++)
        at[i] = 0;
    return page;
}

/* The entry of the last level for `address`; with `grow` tables on the way are made. */
static word *entry_of(word *table, word address, int grow)
{
    for (int level = LEVELS - 1;; level--) {
        word *entry = table + (address >> (12 + INDEX_BITS * level) & ((1 << INDEX_BITS) - 1));
        if (level == 0)
            return entry;
        if (!(*entry & V)) {
            if (!grow)
                return NULL;
            *entry = (word)clear(tables[table_count++]) >> 2 | V;
        }
        table = (word *)(*entry >> 10 << 12);
    }
}

static void map(struct space *space, word address, const void *page, word flags)
{
    *entry_of(space->root, address, 1) = (word)page >> 2 | flags | V;
}

struct space *new_space(int user)
{
    struct space *space = &spaces[space_count];
    space->root = clear(tables[table_count++]);
    space->pool = pools[POOL * space_count++];
    space->flags = user ? U : 0;
    for (uint8_t *page = (uint8_t *)RAM; page < image_end; page += PAGE) {
        int shown = user && page >= user_start && page < user_end;
        map(space, (word)page, page, shown ? U | RX : RWX | PTE_A | PTE_D);
    }
    common[0] = COMMON_WORD;
    map(space, COMMON, common, space->flags | R | COW);
    return space;
}

word satp_of(const struct space *space)
{
    return SATP_MODE | (word)space->root >> 12;
}

/* How many pages of the task's own memory have a flag. */
unsigned count_pages(const struct space *space, word flag)
{
    unsigned count = 0;
    for (word at = OWN; at < OWN + OWN_SIZE; at += PAGE) {
        word *entry = entry_of(space->root, at, 0);
        count += entry && (*entry & V) && (*entry & flag);
    }
    return count;
}

static struct space *present(void)
{
    word *root = (word *)((csr_read("satp") & SATP_PPN) << 12);
    struct space *space = spaces;
    while (space->root != root)
        space++;
    return space;
}

/* A page for the task that touched memory it does not have yet, or a copy of its own. */
static void page_fault(word cause, word address)
{
    struct space *space = present();
    word *entry = entry_of(space->root, address, 1);
    uint8_t *page = space->pool + PAGE * space->used;
    if (address < OWN || address >= OWN + OWN_SIZE || space->used == POOL)
        call(CALL_PANIC, cause, address);
    space->used++;
    if (!(*entry & V)) {
        clear(page);
        space->demanded++;
    } else if (cause == CAUSE_STORE_PAGE_FAULT && *entry & COW) {
        const volatile word *from = (const word *)(*entry >> 10 << 12);
        for (unsigned i = 0; i < PAGE / sizeof(word); i++)
            ((volatile word *)page)[i] = from[i];
        space->copied++;
    } else {
        call(CALL_PANIC, cause, address);
    }
    *entry = (word)page >> 2 | space->flags | RW | V;
    __asm volatile("sfence.vma %0" ::"r"(address) : "memory");
}

void s_trap(word cause, word address)
{
    if (cause == (INTERRUPT | 1)) {
        csr_clear("sip", 2);
        s_interrupts++;
    } else {
        page_fault(cause, address);
    }
}
