# Sv39 at its edges, for the engine alone: no device, no trap handler, all in S-mode.
# Page tables at 0x80100000; data page 0x40000000 -> 0x80200000 and code pages 0x40001000 ->
# 0x80201000, 0x40002000 -> 0x80202000, the latter without A and D. The routine at 0x40001ff0 has
# an instruction that lies across the two code pages.
 .option norvc
 .globl _start, smode, store, unmapped, second
_start:
 li t0, 0x80100000
 li t1, (0x80000000 >> 2) | 0xcf      # a 1 GiB leaf: identity
 sd t1, 16(t0)
 li t1, (0x80101000 >> 2) | 1
 sd t1, 8(t0)
 li t0, 0x80101000
 li t1, (0x80102000 >> 2) | 1
 sd t1, 0(t0)
 li t0, 0x80102000
 li t1, (0x80200000 >> 2) | 0x7
 sd t1, 0(t0)
 li t1, (0x80201000 >> 2) | 0xb
 sd t1, 8(t0)
 li t1, (0x80202000 >> 2) | 0xb
 sd t1, 16(t0)
 # a second root: the same, but 0x40000000 is another page
 li t0, 0x80110000
 li t1, (0x80000000 >> 2) | 0xcf
 sd t1, 16(t0)
 li t1, (0x80111000 >> 2) | 1
 sd t1, 8(t0)
 li t0, 0x80111000
 li t1, (0x80112000 >> 2) | 1
 sd t1, 0(t0)
 li t0, 0x80112000
 li t1, (0x80203000 >> 2) | 0x7
 sd t1, 0(t0)
 # c.nop x 7; addi a0, a0, 1 across the border; c.jr ra
 li t1, 0x80201ff0
 li t2, 0x00010001
 sw t2, 0(t1)
 sw t2, 4(t1)
 sw t2, 8(t1)
 li t2, 0x05130001
 sw t2, 12(t1)
 li t1, 0x80202000
 li t2, 0x80820015
 sw t2, 0(t1)
 fence.i
 li t1, (8 << 60) | (0x80100000 >> 12)
 csrw satp, t1
 sfence.vma
 li t1, 0x1800
 csrc mstatus, t1
 li t1, 0x800
 csrs mstatus, t1
 la t1, smode
 csrw mepc, t1
 mret
smode:
 li s0, 0x40000000
 li a1, 55
 ld a2, 0(s0)
store:
 sd a1, 8(s0)
 ld a3, 8(s0)
 # the other address space, without a fence: its own page, its own A and D
 li t1, (8 << 60) | (0x80110000 >> 12)
 csrw satp, t1
 ld a4, 8(s0)
 li t3, 66
second:
 sd t3, 8(s0)
 li t1, (8 << 60) | (0x80100000 >> 12)
 csrw satp, t1
 ld a5, 8(s0)
 # take back A and D, without a fence, and read again
 li t0, 0x80102000
 li t1, (0x80200000 >> 2) | 0x7
 sd t1, 0(t0)
 ld a6, 8(s0)
 # another page, without a fence
 li t1, (0x80203000 >> 2) | 0x7
 sd t1, 0(t0)
 ld a7, 8(s0)
 li a0, 0
 li s1, 0x40001ff0
 jalr s1
 jalr s1
 # take the second code page away: the instruction across the border cannot be fetched
 ld t3, 16(t0)
 sd x0, 16(t0)
 jalr s1
unmapped:
 ecall
