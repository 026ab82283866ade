/* What the parts of the program share: the board, the machine's registers, tasks and calls. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef unsigned long word;

/* QEMU, "RISC-V 'virt' Generic Virtual Platform" */
#define FINISHER 0x100000ul
#define CLINT 0x2000000ul
#define PLIC 0xc000000ul
#define UART 0x10000000ul
#define UART_SOURCE 10
#define RAM 0x80000000ul

#define REG8(address) (*(volatile uint8_t *)(address))
#define REG32(address) (*(volatile uint32_t *)(address))

#define csr_read(name) ({ word v_; __asm volatile("csrr %0, " name : "=r"(v_)); v_; })
#define csr_write(name, v) __asm volatile("csrw " name ", %0" ::"r"((word)(v)) : "memory")
#define csr_set(name, v) __asm volatile("csrs " name ", %0" ::"r"((word)(v)) : "memory")
#define csr_clear(name, v) __asm volatile("csrc " name ", %0" ::"r"((word)(v)) : "memory")

#define PAGE 4096ul
/* Every task with an address space has its own memory here, given to it page by page. */
#define OWN 0x40000000ul
#define OWN_SIZE 0x100000ul
/* All begin with one page of these contents; who writes to it gets a copy. */
#define COMMON (OWN + 0x10000)
#define COMMON_WORD 0x00c0ffeeu
/* This page is only read. */
#define QUIET (OWN + 0x20000)

enum { CALL_EXIT, CALL_READ, CALL_WRITE, CALL_SLICES, CALL_FAIL, CALL_PANIC };

static inline word call(word number, word first, word second)
{
    register word a0 __asm("a0") = first;
    register word a1 __asm("a1") = second;
    register word a7 __asm("a7") = number;
    __asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
    return a0;
}

static inline uint32_t mix(uint32_t sum, uint32_t value)
{
    return (sum << 5 | sum >> 27) ^ value * 2654435761u;
}

/* user.c, in U-mode */
void worker(word seed);
void shell(word unused);

/* super.c, in S-mode */
void supervise(word seed);
extern volatile unsigned s_interrupts;

/* space.c: address spaces; s_trap is what S-mode does about faults in them */
struct space {
    word *root;
    uint8_t *pool;
    word flags;
    unsigned demanded, copied, used;
};
struct space *new_space(int user);
word satp_of(const struct space *space);
#define PTE_A 0x40
#define PTE_D 0x80
unsigned count_pages(const struct space *space, word flag);
void s_trap(word cause, word address);
