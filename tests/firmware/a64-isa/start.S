    .section .text.start, "ax"
    .globl _start
_start:
    ldr x0, =0x40400000
    mov sp, x0
    bl main
    wfi
    .section .note.GNU-stack, "", %progbits
