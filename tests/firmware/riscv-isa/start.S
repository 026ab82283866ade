/* Start, calls that may trap, calls in other modes, and the handlers. */
#include "isa.h"
    .option norvc
    .section .text.start, "ax"
    .globl _start
_start:
    csrw mie, zero
    la t0, m_entry
    csrw mtvec, t0
    la t0, s_entry
    csrw stvec, t0
    la sp, stack_top
    la t0, bss_start
    la t1, bss_end
1:  SX zero, 0(t0)
    addi t0, t0, X
    bltu t0, t1, 1b
    li t0, -1                   /* all memory is S-mode's and U-mode's too */
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    li t0, 1 << 13              /* FS: Initial */
    csrw mstatus, t0
    li t0, 0x02004000           /* mtimecmp: what it is after reset is nowhere said */
    li t1, -1
    sw t1, 0(t0)
    sw t1, 4(t0)
    call main
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
    j .

.macro saved what
    \what ra, 0(sp)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    \what s\n, (\n + 1) * X(sp)
    .endr
.endm

/* long call_in(int mode, op, long a, long b): what the operation returned, or had in a0 when it
 * was left by a trap, which is in `seen` then. */
    .globl call_in
call_in:
    addi sp, sp, -16 * X
    saved SX
    la t0, saved_sp
    SX sp, 0(t0)
    li t0, 0x1800
    csrc mstatus, t0
    slli a0, a0, 11
    csrs mstatus, a0
    csrw mepc, a1
    mv a0, a2
    mv a1, a3
    la ra, leave
    mret
    .balign 4
    .globl leave
leave:
    ecall

/* The base for vectored interrupts too: `seen.vector` is where it came in. */
    .balign 256
    .globl m_entry
m_entry:
    j 1f
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    j vector_\n
    .endr
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
vector_\n:
    li t1, \n
    j 2f
    .endr
1:  li t1, 0
2:  la t0, seen
    SX t1, 4 * X(t0)
    csrr t1, mcause
    SX t1, 0(t0)
    csrr t1, mepc
    SX t1, X(t0)
    csrr t1, mtval
    SX t1, 2 * X(t0)
    csrr t1, mstatus
    SX t1, 3 * X(t0)
    csrw mie, zero
    li t1, 0x1800
    csrs mstatus, t1
    la t1, 3f
    csrw mepc, t1
    mret
3:  la t0, saved_sp
    LX sp, 0(t0)
    saved LX
    addi sp, sp, 16 * X
    ret

/* Goes on after an instruction of four bytes, or where an interrupt was. */
    .balign 4
    .globl s_entry
s_entry:
    la t0, seen_by_s
    csrr t1, scause
    csrr t2, sepc
    LX t3, X(t0)
    bnez t3, 3f                 /* only the first is kept */
    SX t1, 0(t0)
    SX t2, X(t0)
    csrr t3, stval
    SX t3, 2 * X(t0)
    csrr t3, sstatus
    SX t3, 3 * X(t0)
3:  la t3, leave
    beq t2, t3, 2f
    bltz t1, 1f
    addi t2, t2, 4
    csrw sepc, t2
1:  csrci sip, 2
    sret
2:  ecall
