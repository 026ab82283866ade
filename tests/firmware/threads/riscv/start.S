# Start, traps, and the switch: a task's context is on its stack. CURRENT names the variable with the
# task that runs, whose control block begins with where that is. Without it the switch is a function's,
# as Zephyr's is: what a called function keeps is in the control block, and so is where it returns to.
#if __riscv_xlen == 64
#define STORE sd
#define LOAD ld
#define WORD 8
#else
#define STORE sw
#define LOAD lw
#define WORD 4
#endif
#define CONTEXT (31 * WORD)

.macro each what
    \what x1, 1*WORD(sp)
    \what x5, 2*WORD(sp)
    \what x6, 3*WORD(sp)
    \what x7, 4*WORD(sp)
    \what x8, 5*WORD(sp)
    \what x9, 6*WORD(sp)
    \what x10, 7*WORD(sp)
    \what x11, 8*WORD(sp)
    \what x12, 9*WORD(sp)
    \what x13, 10*WORD(sp)
    \what x14, 11*WORD(sp)
    \what x15, 12*WORD(sp)
    \what x16, 13*WORD(sp)
    \what x17, 14*WORD(sp)
    \what x18, 15*WORD(sp)
    \what x19, 16*WORD(sp)
    \what x20, 17*WORD(sp)
    \what x21, 18*WORD(sp)
    \what x22, 19*WORD(sp)
    \what x23, 20*WORD(sp)
    \what x24, 21*WORD(sp)
    \what x25, 22*WORD(sp)
    \what x26, 23*WORD(sp)
    \what x27, 24*WORD(sp)
    \what x28, 25*WORD(sp)
    \what x29, 26*WORD(sp)
    \what x30, 27*WORD(sp)
    \what x31, 28*WORD(sp)
.endm

.macro kept what
    \what s0, 2*WORD(a0)
    \what s1, 3*WORD(a0)
    \what s2, 4*WORD(a0)
    \what s3, 5*WORD(a0)
    \what s4, 6*WORD(a0)
    \what s5, 7*WORD(a0)
    \what s6, 8*WORD(a0)
    \what s7, 9*WORD(a0)
    \what s8, 10*WORD(a0)
    \what s9, 11*WORD(a0)
    \what s10, 12*WORD(a0)
    \what s11, 13*WORD(a0)
.endm

.section .text.start, "ax"
.global _start
_start:
    la sp, stack_end
    la t0, trap_entry
    csrw mtvec, t0
    call main

.text
.balign 4
trap_entry:
    addi sp, sp, -CONTEXT
    each STORE
    csrr t0, mstatus
    STORE t0, 30*WORD(sp)
    csrr a0, mcause
    csrr a1, mepc
#ifdef CURRENT
    la t0, CURRENT
    LOAD t0, 0(t0)
    STORE sp, 0(t0)
#endif
    mv s0, sp
    la sp, stack_end
    call trap
    STORE a0, 0(s0)
#ifdef CURRENT
    call choose
.global resume_task
resume_task:
    la t0, CURRENT
    LOAD t0, 0(t0)
    LOAD sp, 0(t0)
#else
    call saved
    STORE s0, 0(a0)
    la t0, switched
    STORE t0, 1*WORD(a0)
    kept STORE
    call choose
.global resume_task
resume_task:
    la sp, stack_end
    call saved
    LOAD sp, 0(a0)
    LOAD ra, 1*WORD(a0)
    kept LOAD
    ret

.global switched
.type switched, @function
switched:
    .cfi_startproc
    .cfi_signal_frame
    .cfi_def_cfa sp, CONTEXT
    .cfi_return_column 64
    .cfi_offset 64, 0 - CONTEXT
    .cfi_offset ra, 1*WORD - CONTEXT
    .cfi_offset s0, 5*WORD - CONTEXT
#endif
    LOAD t0, 0(sp)
    csrw mepc, t0
    LOAD t0, 30*WORD(sp)
    csrw mstatus, t0
    each LOAD
    addi sp, sp, CONTEXT
    mret
#ifndef CURRENT
    .cfi_endproc
.size switched, . - switched
#endif

.bss
.balign 16
    .space 2048
stack_end:
