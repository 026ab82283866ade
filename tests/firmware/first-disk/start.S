        .section .text
        .globl _start
_start: la sp, stack
        call main
        .bss
        .align 4
        .space 4096
stack:
