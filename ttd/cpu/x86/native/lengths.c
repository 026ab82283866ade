/* x86-64: how long instructions are, which capstone says. */
#include "x86.h"

#include <dlfcn.h>

enum { CS_ARCH_X86 = 3, CS_MODE_64 = 8 };

int x86_use_capstone(ttd_engine *e, const char *path)
{
    x86_state *x = x86_of(e);
    int (*open)(int, int, size_t *);
    void *(*new_insn)(size_t);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return -1;
    *(void **)&open = dlsym(library, "cs_open");
    *(void **)&new_insn = dlsym(library, "cs_malloc");
    *(void **)&x->disassemble = dlsym(library, "cs_disasm_iter");
    *(void **)&x->free_insn = dlsym(library, "cs_free");
    *(void **)&x->close_disassembler = dlsym(library, "cs_close");
    if (!open || !new_insn || !x->disassemble || !x->free_insn || !x->close_disassembler
        || open(CS_ARCH_X86, CS_MODE_64, &x->disassembler))
        return -1;
    x->disassembled = new_insn(x->disassembler);
    return x->disassembled ? 0 : -1;
}

void x86_free_capstone(ttd_engine *e)
{
    x86_state *x = x86_of(e);
    if (x->disassembled)
        x->free_insn(x->disassembled, 1);
    if (x->disassembler)
        x->close_disassembler(&x->disassembler);
}

static int disassemble(ttd_engine *e, const uint8_t *code, size_t size)
{
    x86_state *x = x86_of(e);
    size_t left = size;
    uint64_t address = 0;
    return x->disassemble(x->disassembler, &code, &left, &address, x->disassembled)
        ? (int)(size - left) : 0;
}

/* Of the instruction that begins with these bytes; 0 if it is none. Asked at each trapped access for the
 * instructions before it in its block, so what has been said is remembered. */
static int length_of(ttd_engine *e, const uint8_t *code, size_t size)
{
    known_length *known;
    uint64_t first;
    if (size != X86_LONGEST)
        return disassemble(e, code, size);
    memcpy(&first, code, 8);
    known = &x86_of(e)->lengths[first * 0x9e3779b97f4a7c15ull >> (64 - LENGTH_BITS)];
    if (!known->length || memcmp(known->bytes, code, X86_LONGEST)) {
        memcpy(known->bytes, code, X86_LONGEST);
        known->length = (uint8_t)(disassemble(e, code, size) + 1);
    }
    return known->length - 1;
}

/* The bytes of the x86 instruction at `pc`, whose first are at `code`, as far as they are there. */
size_t x86_bytes(ttd_engine *e, uint64_t pc, const uint8_t *code, uint8_t bytes[])
{
    size_t n = e->page_size - (pc & (e->page_size - 1));
    const uint8_t *more;
    if (n > X86_LONGEST)
        n = X86_LONGEST;
    memcpy(bytes, code, n);
    if (n == X86_LONGEST || !(more = code_at(e, pc + n)))
        return n;
    memcpy(bytes + n, more, X86_LONGEST - n);
    return X86_LONGEST;
}

/* The length of the instruction at `pc`, whose first bytes are at `code`; 1 if it is none. */
int x86_length_at(ttd_engine *e, uint64_t pc, const uint8_t *code)
{
    uint8_t bytes[X86_LONGEST];
    int length = length_of(e, bytes, x86_bytes(e, pc, code, bytes));
    return length ? length : 1;
}

static bool is_prefix(uint8_t byte)
{
    return byte == 0x66 || byte == 0x67 || byte == 0xf0 || byte == 0xf2 || byte == 0xf3
        || (byte & 0xe7) == 0x26 || (byte & 0xfe) == 0x64 || (byte & 0xf0) == 0x40;
}

/* CMPXCHG8B and CMPXCHG16B leave most flags as they are; but what Unicorn knows of them in the
 * middle of a block is of its beginning, so such an instruction has to be the first of one. */
bool x86_begins_block(const uint8_t *code, size_t size)
{
    while (size && is_prefix(*code))
        code++, size--;
    return size >= 3 && code[0] == 0x0f && code[1] == 0xc7 && (code[2] & 0x38) == 0x08;
}

/* Is there no such instruction, though Unicorn's decoder may find one that is longer, and go past any place
 * to stop in it? AVX is one of them, which CPUID denies. */
bool x86_is_absent(ttd_engine *e, const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && is_prefix(bytes[at]))
        at++;
    if (at < size && (bytes[at] == 0xc4 || bytes[at] == 0xc5))
        return true;
    return size == X86_LONGEST && !length_of(e, bytes, size);
}
