# Calls main and stops there: the board has set PC and SP.
    .section .text.start, "ax"
    .globl _start
#if defined(__x86_64__)
_start:
    call main
    hlt
#elif defined(__aarch64__)
_start:
    bl main
    wfi
#elif defined(__riscv)
_start:
#ifdef __riscv_flen
    li t0, 0x2000              // mstatus.FS: floating point on
    csrs mstatus, t0
#endif
    call main
    wfi
#else
    .syntax unified
    .thumb
    .type _start, %function
_start:
    bl main
    wfi
#endif
    .section .note.GNU-stack, "", %progbits
