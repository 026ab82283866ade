# Machine mode: let S-mode have all memory, switch Sv39 on by the satp that make_tables gives, go to main there.
# Without a name of its own its symbols would be in a file that is called at random.
 .file "sv39.S"
 .section .text.start
 .globl _start
_start:
 la sp, _stack
 la t0, trap
 csrw mtvec, t0
 li t0, -1
 csrw pmpaddr0, t0
 li t0, 0x1f
 csrw pmpcfg0, t0
 la t0, _bss
 la t1, _end
1:
 sd zero, 0(t0)
 addi t0, t0, 8
 bltu t0, t1, 1b
 call make_tables
 csrw satp, a0
 sfence.vma
 li t0, 0x1800
 csrc mstatus, t0
 li t0, 0x800
 csrs mstatus, t0
 la t0, main
 csrw mepc, t0
 mret
trap:
 csrr t0, mcause
 j trap
