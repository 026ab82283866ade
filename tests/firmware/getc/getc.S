/* For `virt`: exits with the character that SYS_READC gives. */
.option norvc
.globl _start
_start:
 li a0, 7
 li a1, 0
 .balign 16
 slli x0,x0,0x1f
 ebreak
 srai x0,x0,7
 mv s0, a0
 la sp, ex
 sd s0, 8(sp)
 li a0, 0x20
 mv a1, sp
 .balign 16
 slli x0,x0,0x1f
 ebreak
 srai x0,x0,7
1: j 1b
.balign 8
ex: .dword 0x20026, 0
