/* Runs one piece of code with given registers in a given mode, until something traps. */
#if __riscv_xlen == 64
#define SX sd
#define LX ld
#define X 8
#else
#define SX sw
#define LX lw
#define X 4
#endif

    .section .text.start, "ax"
    .globl _start
_start:
    la sp, stack_top
    la t0, trap
    csrw mtvec, t0
    call main
    li t0, 0x100000
    li t1, 0x5555
    sw t1, (t0)
1:  j 1b

    .text
/* void run_at(const void *code): the registers are those of `given`, the mode is mstatus.MPP. */
    .globl run_at
run_at:
    addi sp, sp, -16 * X
    SX ra, 0(sp)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    SX s\n, (\n + 1) * X(sp)
    .endr
    la t0, saved_sp
    SX sp, (t0)
    csrw mepc, a0
    la t0, after
    csrw mscratch, t0
    la x31, given
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    LX x\n, \n * X(x31)
    .endr
    mret

    .balign 4
trap:
    csrrw x31, mscratch, x31
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    SX x\n, \n * X(x31)
    .endr
    csrr t0, mscratch
    SX t0, 31 * X(x31)
    la t0, saved_sp
    LX sp, (t0)
    LX ra, 0(sp)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    LX s\n, (\n + 1) * X(sp)
    .endr
    addi sp, sp, 16 * X
    ret

    .bss
    .balign 16
    .globl given, after
given: .skip 32 * X
after: .skip 32 * X
saved_sp: .skip 16
