# What each architecture needs around main: the board has set PC and SP.
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
    li t0, 0x2000              // mstatus.FS: floating point on
    csrs mstatus, t0
    call main
    li a0, 0x18                // SYS_EXIT
    la a1, exited
    ld a1, 0(a1)
    .option norvc
    .balign 16
    slli x0, x0, 0x1f
    ebreak
    srai x0, x0, 7
exited:
    .dword block
block:
    .dword 0x20026, 0
#else
    .syntax unified
    .thumb
    .type _start, %function
_start:
    bl main
    movs r0, #0x18             // SYS_EXIT
    ldr r1, =0x20026
    bkpt 0xab
#endif
    .section .note.GNU-stack, "", %progbits
