    .section .text.start, "ax"
    .globl _start
_start:
    xor %ebp, %ebp
    call main
    hlt
    .section .note.GNU-stack, "", @progbits
