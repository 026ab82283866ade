/* The way into traps of M- and S-mode and out of them, and into U-mode and back. */
#if __riscv_xlen == 64
#define LOAD ld
#define STORE sd
#define WORD 8
#else
#define LOAD lw
#define STORE sw
#define WORD 4
#endif
#define FRAME (34 * WORD)

        .macro each, what
        .irp n, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, \
                24, 25, 26, 27, 28, 29, 30, 31
        \what x\n, \n * WORD(sp)
        .endr
        .endm

/* `scratch` holds the stack of this mode while a lower one runs, and 0 otherwise. */
        .macro trap, scratch, status, mask, handler, return
        csrrw sp, \scratch, sp
        bnez sp, 1f
        csrr sp, \scratch
1:      addi sp, sp, -FRAME
        each STORE
        csrr t0, \scratch
        STORE t0, 2 * WORD(sp)
        csrw \scratch, zero
        mv a0, sp
        call \handler
        csrr t0, \status
        li t1, \mask
        and t0, t0, t1
        beq t0, t1, 2f
        addi t0, sp, FRAME
        csrw \scratch, t0
2:      each LOAD
        LOAD sp, 2 * WORD(sp)
        \return
        .endm

        .section .init
        .globl _start
_start: la sp, machine_stack
        call setup
        csrw mscratch, sp
        la sp, super_stack
        mret

        .text
        .globl machine_entry, super_entry, go_to_user
        .align 2
machine_entry:
        trap mscratch, mstatus, 0x1800, machine_trap, mret
        .align 2
super_entry:
        trap sscratch, sstatus, 0x100, super_trap, sret

go_to_user:
        csrci sstatus, 2
        addi sp, sp, -16 * WORD
        STORE ra, 0 * WORD(sp)
        .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
        STORE s\n, (\n + 1) * WORD(sp)
        .endr
        la t0, super_sp
        STORE sp, 0(t0)
        csrw sscratch, sp
        li t0, 0x100
        csrc sstatus, t0
        li t0, 0x20
        csrs sstatus, t0
        la t0, 1f
        csrw sepc, t0
        la sp, user_stack
        sret
1:      call user_work
        la a1, 3f
2:      ecall
        j 2b
3:      la t0, super_sp
        LOAD sp, 0(t0)
        LOAD ra, 0 * WORD(sp)
        .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
        LOAD s\n, (\n + 1) * WORD(sp)
        .endr
        addi sp, sp, 16 * WORD
        csrsi sstatus, 2
        ret

        .bss
        .align 4
super_sp:
        .space 16
        .space 8192
machine_stack:
        .space 16384
super_stack:
        .space 4096
user_stack:
