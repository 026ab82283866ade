/* Start, the two ways into the kernel, and back. */

#if __riscv_xlen == 64
#define STORE sd
#define LOAD ld
#define R 8
#else
#define STORE sw
#define LOAD lw
#define R 4
#endif

.macro each what, base
    .irp n, 1, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, \
        27, 28, 29, 30, 31
    \what x\n, \n * R(\base)
    .endr
.endm

    .section .text.start, "ax"
    .globl _start
_start:
    csrw mie, zero
    la t0, m_entry
    csrw mtvec, t0
    la sp, kernel_stack_top
    la t0, bss_start
    la t1, bss_end
1:  STORE zero, 0(t0)
    addi t0, t0, R
    bltu t0, t1, 1b
    call kernel_main
    j resume

/* From a task into the kernel: everything that is the task's goes where mscratch points to. */
    .balign 4
    .globl m_entry
m_entry:
    csrrw a0, mscratch, a0
    each STORE, a0
    STORE sp, 2 * R(a0)
    csrr t0, mscratch
    STORE t0, 10 * R(a0)
    csrr t0, mepc
    STORE t0, 32 * R(a0)
    csrr t0, mstatus
    STORE t0, 33 * R(a0)
    csrr t0, sepc
    STORE t0, 35 * R(a0)
    csrr t0, scause
    STORE t0, 36 * R(a0)
    csrr t0, stval
    STORE t0, 37 * R(a0)
    csrr t0, sscratch
    STORE t0, 38 * R(a0)
    la sp, kernel_stack_top
    call m_trap

/* To the task in a0. */
    .globl resume
resume:
    csrw mscratch, a0
    LOAD t0, 32 * R(a0)
    csrw mepc, t0
    LOAD t0, 33 * R(a0)
    csrw mstatus, t0
    LOAD t0, 34 * R(a0)
    csrr t1, satp
    beq t0, t1, 1f
    csrw satp, t0
    sfence.vma
1:  LOAD t0, 35 * R(a0)
    csrw sepc, t0
    LOAD t0, 36 * R(a0)
    csrw scause, t0
    LOAD t0, 37 * R(a0)
    csrw stval, t0
    LOAD t0, 38 * R(a0)
    csrw sscratch, t0
    LOAD sp, 2 * R(a0)
    each LOAD, a0
    LOAD a0, 10 * R(a0)
    mret

/* Into S-mode: sscratch is the stack to use, or 0 if S-mode has been interrupted itself. */
#define FRAME (36 * R)
    .balign 4
    .globl s_entry
s_entry:
    csrrw sp, sscratch, sp
    bnez sp, 1f
    csrr sp, sscratch
1:  addi sp, sp, -FRAME
    each STORE, sp
    STORE a0, 10 * R(sp)
    csrrw t0, sscratch, zero
    STORE t0, 2 * R(sp)
    csrr t0, sstatus
    STORE t0, 32 * R(sp)
    csrr t0, sepc
    STORE t0, 33 * R(sp)
    csrr a0, scause
    csrr a1, stval
    call s_trap
    LOAD t0, 33 * R(sp)
    csrw sepc, t0
    LOAD t0, 32 * R(sp)
    csrw sstatus, t0
    andi t0, t0, 0x100          /* SPP: back to S-mode, where sscratch is 0 */
    bnez t0, 2f
    addi t0, sp, FRAME
    csrw sscratch, t0
2:  each LOAD, sp
    LOAD a0, 10 * R(sp)
    LOAD sp, 2 * R(sp)
    sret

    .globl idle
idle:
    wfi
    j idle
